/* SPDX-License-Identifier: MIT */
/*
 * linux_unpack.h - an archive as Linux unpacks it, into the root of this
 * process.
 */
#ifndef TESTS_FILES_LINUX_UNPACK_H
#define TESTS_FILES_LINUX_UNPACK_H

#include "../../user/servers/files/archive.h"

void linux_unpack(const void *base, size_t size);

#endif
