/* SPDX-License-Identifier: MIT */
/*
 * server.h - the header of that name for servers, on the build machine.
 */
#include "../../../user/include/server.h"
