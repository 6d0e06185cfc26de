/* SPDX-License-Identifier: MIT */
/*
 * sys/reboot.h - switching the machine off, and starting it again.
 */
#ifndef USER_SYS_REBOOT_H
#define USER_SYS_REBOOT_H

#include "abi/reboot.h"

#define RB_AUTOBOOT    REBOOT_RESTART
#define RB_HALT_SYSTEM REBOOT_HALT
#define RB_POWER_OFF   REBOOT_POWER_OFF

int reboot(int command);

#endif
