/* SPDX-License-Identifier: MIT */
/*
 * server.h - replaces <server.h>, the header for servers, on the build machine.
 */
#include "../../../user/include/server.h"
