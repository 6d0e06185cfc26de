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
	/* number of the call; stays the same if it is asked again */
	uint64_t id;
	/* Linux's number of the call, or REQUEST_CLOSED etc. */
	uint64_t number;
	uint64_t token;    /* token of the file that the call is about */
	uint64_t second;   /* token of the second file, if there are two */
	uint64_t arg[6];   /* the arguments as the program gave them */
	uint64_t position; /* of the file; of mmap: bytes that are there */
	uint32_t flags;    /* of the file: O_ACCMODE, O_APPEND, O_NONBLOCK; and
	                      REQUEST_LOAD */
	int32_t pid;       /* the caller, its group and its session */
	int32_t pgid;
	int32_t sid;
	uint32_t umask;
	uint32_t deaf;   /* it cannot be stopped: see REPLY_STOP */
	uint64_t in_len; /* bytes that came along */
	uint64_t time;   /* when it was taken, in ns since 1970 */
};

/*
 * Not a call but a note: the last descriptor of the file `token` is gone. Its
 * reply is not looked at.
 */
#define REQUEST_CLOSED 65536

/*
 * Not a call but a note: a server died with the call in hand whose id is
 * `token`, and nobody asks for it any more. If it was done, nobody has what its
 * reply would have given. The reply is not looked at.
 */
#define REQUEST_GONE 65538

/* In the flags of an execve: the program is to be opened, to be loaded. */
#define REQUEST_LOAD 0x80000000U

/*
 * Not a call but a note: the device has interrupted whose port is this one by
 * DEVICE_PORT, with `token`. It can interrupt again when the server asks for
 * the next request. The reply is not looked at.
 */
#define REQUEST_INTERRUPT 65537

/* ioctl of the descriptor of a device: where its interrupts are told. */
#define DEVICE_PORT 0x6300

struct device_port {
	int32_t port;   /* a descriptor */
	uint32_t shift; /* filled in: registers are 1 << shift bytes apart */
	uint64_t token;
};

/* How many bytes were ever read from the descriptor of a device. */
#define DEVICE_TAKEN 0x6302

/*
 * ioctl of the descriptor of a port: the session that the group with the number
 * `argument` belongs to. 0: there is no such group, but a process has this
 * number.
 */
#define PORT_SESSION 0x6301

/*
 * ioctl(port, PORT_SIGNAL, argument): the signal argument >> 32 goes to the
 * group with the number in its lower half, as by kill(), which has no way to
 * name group 1.
 */
#define PORT_SIGNAL 0x6303

/*
 * ioctl(port, PORT_DESCRIPTOR, &descriptor): what is open as descriptor `fd` of
 * the process `pid`, or as the next one from there on; or DESCRIPTOR_DIR, its
 * working directory; or DESCRIPTOR_PROGRAM, what it has executed last. ESRCH;
 * EBADF: there is none.
 */
#define PORT_DESCRIPTOR 0x6304

struct port_descriptor {
	int32_t pid;
	int32_t fd; /* filled in: which it is */
	uint32_t kind;
	uint32_t flags;  /* as F_GETFL tells them */
	uint64_t number; /* by its kind */
};

#define DESCRIPTOR_DIR     (-1)
#define DESCRIPTOR_PROGRAM (-2)

#define DESCRIPTOR_OWN    0 /* a file of the port: its token */
#define DESCRIPTOR_OTHER  1 /* a file of another port: that one's number */
#define DESCRIPTOR_PIPE   2 /* as fstat() tells its number */
#define DESCRIPTOR_PORT   3 /* the right to serve one: its number */
#define DESCRIPTOR_SERIAL 4 /* the serial port */

/*
 * What a server answers. Without flags it is only the result; the other fields
 * are looked at where a flag says so, or out_len is not 0.
 */
struct reply {
	uint32_t flags;
	uint32_t file_flags; /* REPLY_FILE: as those of openat */
	int64_t result;      /* or a negated errno */
	uint64_t position;   /* REPLY_POSITION: of the file, from now on;
			      REPLY_PAGES, REPLY_RUN: of the request */
	const void *out;     /* bytes for the memory that the caller lends */
	uint64_t out_len;
	uint64_t events;   /* REPLY_LATER */
	uint64_t token;    /* REPLY_FILE: of the new file; REPLY_IMAGE */
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
/*
 * Nothing has happened, as the caller is in the background: it is stopped by
 * the signal `result`, SIGTTIN or SIGTTOU, and makes its call again when it
 * goes on. If nobody would continue it, the call ends with EIO; so it does if
 * the caller blocks or ignores SIGTTIN. If it does so to SIGTTOU, the call is
 * made again at once, as a request with `deaf`.
 */
#define REPLY_STOP 8U

/*
 * Reply to mmap: `out` has the addresses of pages of the server, 8 bytes each,
 * or 0 for a page of zeros. They are the next pages of the mapping. If pages
 * are missing then, the server is asked again; a reply without any says that
 * there are no more.
 */
#define REPLY_PAGES 64U

/*
 * As REPLY_PAGES, with pages that follow each other: `out` is the first of
 * them, and out_len their size in bytes. A whole table of them may be passed to
 * the caller at once.
 */
#define REPLY_RUN 128U

/*
 * Reply to execve: there is such a program. `token` stands for its present
 * contents. `out` has the strings that take the place of argv[0], each with its
 * NUL; or nothing.
 */
#define REPLY_IMAGE 16U

/*
 * The result is a new descriptor of the file that the server's descriptor
 * `token` is of: of another port, or of this one.
 */
#define REPLY_PASS 32U

/*
 * Of an openat: the result is a new descriptor of what the caller has open as
 * its descriptor `token` already, with O_CLOEXEC by `file_flags`. EBADF.
 */
#define REPLY_DUP 256U

/*
 * Of an openat: what it opens is a pipe, which the kernel has by the number
 * `token` as long as it is open, and which is opened with `file_flags`. The
 * caller waits for the other side, as open() of a named pipe does.
 */
#define REPLY_PIPE 512U

#define WORDS_MAX 16 /* at most so many strings, in 4,096 bytes */

#define SEGMENTS_MAX 32

/*
 * A plan: what a server answers to execveat of the open file of a program. It
 * says what is where in memory. The segments are in ascending order and do not
 * overlap. The kernel reads their contents from the file.
 */
struct program_plan {
	uint64_t token; /* as in REPLY_IMAGE */
	uint64_t entry;
	uint64_t phdr; /* where its headers are in memory, for AT_PHDR; or 0 */
	uint32_t phnum;
	uint32_t stack; /* PROT_EXEC if that is needed */
	uint64_t count; /* of segments */
	struct program_segment {
		uint64_t start;  /* its address, at least 4,096 */
		uint64_t size;   /* in memory; what is not in the file is 0 */
		uint64_t offset; /* in the file */
		uint64_t filled; /* bytes that are in the file */
		uint64_t prot;   /* PROT_READ, PROT_WRITE, PROT_EXEC */
	} segments[SEGMENTS_MAX];
};

#define PORT_LEVEL_MAX 254

#endif
