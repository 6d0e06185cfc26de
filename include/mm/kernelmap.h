/* SPDX-License-Identifier: MIT */
/*
 * kernelmap.h - the kernel's own half of every address space.
 */
#ifndef MM_KERNELMAP_H
#define MM_KERNELMAP_H

/*
 * Builds the template from the memory map and enters it: memory readable and
 * writable, the image with text executable and constants read-only, a hole
 * under each stack, the devices in use. Once, on the boot hart.
 */
void kernelmap_init(void);

#endif
