/* SPDX-License-Identifier: MIT */
/*
 * plic.h - the interrupt controller, as far as the UART goes.
 */
#ifndef ARCH_PLIC_H
#define ARCH_PLIC_H

#include "lib/types.h"

/*
 * On the boot hart: from here on the UART interrupts it. False where the device
 * tree knows no way for that.
 */
bool plic_init(void);

/* On the boot hart: the number of the interrupt that has come, or 0. */
uint32_t plic_claim(void);

/* It has been dealt with, and may come again. */
void plic_complete(uint32_t source);

#endif
