/* SPDX-License-Identifier: MIT */
/* direct.c - a server in the process of its caller, which never dies. */
#include <errno.h>
#include <string.h>

#include "../../user/servers/files/opened.h"
#include "abi/fcntl.h"
#include "memory.h"
#include "served.h"
#include "sim.h"
#include "tap.h"

#define LOG_SIZE LOG_MIN

static struct server server;
static const struct lent *lent;

ssize_t port_read(int port, unsigned lease, uint64_t offset, void *to,
    size_t len)
{
	(void)port;
	if (lease != 0 || lent->in == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (offset > lent->in_len)
		return 0;
	if (len > lent->in_len - offset)
		len = lent->in_len - offset;
	memcpy(to, (const char *)lent->in + offset, len);
	return (ssize_t)len;
}

ssize_t port_write(int port, unsigned lease, uint64_t offset, const void *from,
    size_t len)
{
	(void)port;
	if (lease != 0 || offset + len > lent->out_len)
		sim_fail("written beyond what is lent");
	memcpy((char *)lent->out + offset, from, len);
	return (ssize_t)len;
}

int port_events(int port, uint64_t raise, uint64_t lower)
{
	(void)port;
	(void)raise;
	(void)lower;
	return 0;
}

uint64_t served_begin(void)
{
	if (server.log.size == 0 &&
	    (!log_make(&server.log, LOG_SIZE) || !opened_make(OPENED_MAX)))
		sim_fail("no memory");
	(void)tree_init(&server.tree, (struct moment){1, 0}, 7);
	(void)file_open(&server.tree, (struct where){server.tree.root, "/"},
	    O_RDONLY, 0, opened_place());
	server.open = 1;
	return opened_take(0);
}

struct reply served_ask(struct request *request, const struct lent *what)
{
	lent = what;
	serve_use(&server, log_tail(&server.log));
	memset(server.in, 0xa5, LOG_IN);
	lent_along(lent, request, server.in);
	*server.request = *request;
	server.done = 0;
	if (request->number == REQUEST_CLOSED) {
		serve_close(&server);
		return server.reply;
	}
	do {
		if (!serve_has_room(&server)) {
			struct log_entry *entry = server.entry;

			log_turn(&server.log);
			serve_use(&server, log_tail(&server.log));
			memmove(server.entry, entry,
			    sizeof *entry + request->in_len);
		}
		/* No process stays behind: each state counts as kept. */
		if (serve_shares(&server))
			server.tree.unkept = false;
		(void)serve_find(&server);
		serve(&server);
		server.done = (uint64_t)server.reply.result;
	} while (server.more);
	if (server.reply.out_len > 0)
		(void)port_write(0, 0, 0, server.reply.out,
		    server.reply.out_len);
	return server.reply;
}

const char *served_end(void)
{
	tree_destroy(&server.tree);
	return memory_in_use > 0 ? found("%lu objects are left", memory_in_use)
				 : NULL;
}
