/* SPDX-License-Identifier: MIT */
/*
 * port.h - what passes between the kernel and a server: a request, which is a
 * system call that a program has made on a file of the server's, and a reply.
 *
 * docs/servers.md says how a server is written, docs/abi.md what each call
 * does. On Linux these calls return ENOSYS.
 */
#ifndef ABI_PORT_H
#define ABI_PORT_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a server is asked. The kernel fills in all of it; what means nothing for
 * the call at hand is 0.
 */
struct request {
	uint64_t id;       /* of the call, the same when it is asked again */
	uint64_t number;   /* of the call, Linux's; or REQUEST_CLOSED */
	uint64_t token;    /* of the file that it goes to */
	uint64_t second;   /* of the second file, if there are two */
	uint64_t arg[6];   /* as they were given */
	uint64_t position; /* of the file */
	uint32_t flags;    /* of the file: O_ACCMODE, O_APPEND, O_NONBLOCK */
	int32_t pid;       /* who asks */
	int32_t pgid;
	int32_t sid;
	uint32_t umask;
	uint32_t reserved;
	uint64_t in_len; /* bytes that came along */
};

/*
 * Not a call but a note: the last descriptor of the file `token` is gone. Its
 * reply is not looked at.
 */
#define REQUEST_CLOSED 65536

/*
 * What a server answers. Without flags it is only the result; the other fields
 * are looked at where a flag says so, or out_len is not 0.
 */
struct reply {
	uint32_t flags;
	uint32_t file_flags; /* REPLY_FILE: as those of openat */
	int64_t result;      /* or a negated errno */
	uint64_t position;   /* REPLY_POSITION: of the file, from now on */
	const void *out;     /* goes to what the caller lends to be written */
	uint64_t out_len;
	uint64_t events;   /* REPLY_LATER */
	uint64_t token;    /* REPLY_FILE: of the new file */
	uint64_t readable; /* REPLY_FILE: see port_open */
	uint64_t writable;
};

#define REPLY_POSITION 1U
/*
 * Not now: nothing has happened, and the call is to be made again when one of
 * `events` is raised, or at once if one is. With O_NONBLOCK it is EAGAIN.
 */
#define REPLY_LATER 2U
/* The result is a new descriptor of the caller's, of the file `token`. */
#define REPLY_FILE 4U

#define PORT_LEVEL_MAX 254

#endif
