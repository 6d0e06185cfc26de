/* SPDX-License-Identifier: MIT */
/*
 * limits.h - the compiler's limits, and the few that a system adds.
 */
#ifndef USER_LIMITS_H
#define USER_LIMITS_H

#include "abi/limits.h"

#include_next <limits.h>

#define SSIZE_MAX LONG_MAX

#endif
