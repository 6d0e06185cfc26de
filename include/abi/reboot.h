/* SPDX-License-Identifier: MIT */
/*
 * reboot.h - the arguments of reboot(2).
 */
#ifndef ABI_REBOOT_H
#define ABI_REBOOT_H

/* The first, and one of the others, so that no accident ends the machine. */
#define REBOOT_MAGIC1  0xfee1deadU
#define REBOOT_MAGIC2  672274793U
#define REBOOT_MAGIC2A 85072278U
#define REBOOT_MAGIC2B 369367448U
#define REBOOT_MAGIC2C 537993216U

#define REBOOT_RESTART   0x01234567U
#define REBOOT_HALT      0xcdef0123U
#define REBOOT_POWER_OFF 0x4321fedcU
#define REBOOT_CAD_OFF   0U /* ctrl-alt-delete: a signal */
#define REBOOT_CAD_ON    0x89abcdefU

#endif
