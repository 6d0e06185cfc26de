/* SPDX-License-Identifier: MIT */
/*
 * poll.h - waiting for several descriptors.
 */
#ifndef USER_POLL_H
#define USER_POLL_H

#include "abi/poll.h"

typedef unsigned long nfds_t;

struct pollfd {
	int fd;
	short events;
	short revents;
};

int poll(struct pollfd *fds, nfds_t count, int timeout_ms);

#endif
