/* SPDX-License-Identifier: MIT */
/*
 * power.h - the end of the machine.
 */
#ifndef ARCH_POWER_H
#define ARCH_POWER_H

#include "lib/compiler.h"
#include "lib/types.h"

/*
 * Stops the machine. Under QEMU its exit status is `status` (0 to 255), by
 * way of the test device; elsewhere only success and failure can be told.
 */
NORETURN void power_off(unsigned status);
NORETURN void power_reboot(void);

#endif
