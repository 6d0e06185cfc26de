/* SPDX-License-Identifier: MIT */
/*
 * server.h - for programs that answer the system calls of others.
 *
 * A server makes a port and files of it, and hands these to programs, by fork
 * and exec. Calls on such a file become requests, which the server takes and
 * replies to one at a time. It never waits while it has one in hand: what
 * cannot be done now is answered by REPLY_LATER. See docs/servers.md.
 *
 * All return -1 and set errno if they fail.
 */
#ifndef USER_SERVER_H
#define USER_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "abi/port.h"

/*
 * A new port: a descriptor, closed by exec, with the right to serve it. Servers
 * may only call ports of a lower level than their own (EDEADLK). EINVAL: above
 * PORT_LEVEL_MAX.
 */
int port_create(unsigned level);

/*
 * A descriptor of a new file of the port. `token` is the server's name for it,
 * and `flags` are O_ACCMODE, O_APPEND, O_NONBLOCK and O_CLOEXEC. poll() says
 * POLLIN while one of the events `readable` is raised, or always if it is 0; so
 * with POLLOUT and `writable`.
 */
int port_open(int port, uint64_t token, unsigned flags, uint64_t readable,
    uint64_t writable);

/*
 * Replies to the request in hand, and takes the next one. `reply` may be NULL
 * where there is none in hand; a reply to a caller that is gone goes nowhere,
 * and a file that it opens is closed.
 *
 * A reply with pages to mmap may find that one is none that can be given:
 * EFAULT, EINVAL. Those before it have been.
 *
 * Waits for a request: EINTR, or EAGAIN with O_NONBLOCK; the reply has arrived
 * then. EINTR also comes for a handler without SA_RESTART that has run since
 * the last one, before the wait began: so what a handler has noted is looked at
 * when port_next() has returned, and never too late.
 *
 * Up to `size` bytes that the caller lends to be read come along in `in`; or
 * its paths, one behind the other, each with its NUL, and nothing else. (A call
 * whose paths do not fit ends with ENAMETOOLONG; 8,192 bytes are enough.)
 * Returns 0.
 *
 * EINVAL: a reply is due, or makes no sense; EFAULT, ENOMEM: memory of the
 * server's. Then the request is still in hand.
 */
int port_next(int port, const struct reply *reply, struct request *request,
    void *in, size_t size);

/*
 * Copies from, or to, what the caller of the request in hand lends: its first
 * such argument is number 0. Returns how many bytes, fewer at the end of it, or
 * where they cannot be had. EFAULT, ENOMEM: none can. EINVAL: nothing is lent
 * for that. ESRCH: there is no caller any more.
 */
ssize_t port_read(int port, unsigned lease, uint64_t offset, void *to,
    size_t len);
ssize_t port_write(int port, unsigned lease, uint64_t offset, const void *from,
    size_t len);

/*
 * From now on the paths of this process, and of those that it makes, begin at
 * the directory that this file of a port stands for: they are requests. EINVAL:
 * it is no file of a port; EDEADLK: it is one that this server may not call.
 */
int port_root(int fd);

/* Raises and lowers events of the port, 64 that mean what the server says. */
int port_events(int port, uint64_t raise, uint64_t lower);

/*
 * Keeps what has been done so far. The caller stays behind as it is, and its
 * child goes on from here, as the server, with the request that was in hand. If
 * that dies, another child goes on from here, and the request comes again, with
 * the same id. The process that an earlier port_keep() left behind has
 * been ended.
 *
 * Returns 1 in the child if there is a request in hand, and 0 if not; -1 in the
 * caller if there was no memory.
 */
int port_keep(int port);

/*
 * For a server that shall also survive the death of its kept copy. When the
 * copy has ended, port_is_unkept() says so, a port_next() that waits ends with
 * EINTR (SIGUSR1), and the server calls port_keep() again. After this call 32
 * pages are set apart; they go back to the kernel before a copy goes on for a
 * server that has died.
 */
void port_watch_keeper(void);
bool port_is_unkept(void);

#endif
