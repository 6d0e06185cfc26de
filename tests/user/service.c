/* SPDX-License-Identifier: MIT */
/*
 * service.c - servers for the tests of ports.
 */
#include "service.h"

struct heard *heard;
int port = -1, file = -1, sibling = -1;

static pid_t server;

const char *port_make(unsigned level)
{
	if (!on_calf())
		return SKIP("there are ports on Calf only");
	heard = (void *)pages_shared(4);
	port = port_create(level);
	MUST(port >= 0, "no port");
	file = port_open(port, TOKEN, O_RDWR, READABLE, WRITABLE);
	MUST(file >= 0, "no file of a port");
	return NULL;
}

long port_and_file(void)
{
	long p = raw(SYS_port_create, 1);
	long f = p < 0 ? p : raw(SYS_port_open, p, TOKEN, O_RDWR, 0, 0);

	if (p >= 0)
		close((int)p);
	if (f >= 0)
		close((int)f);
	return f;
}

struct reply result(long value)
{
	return (struct reply){.result = value};
}

struct reply later(uint64_t events)
{
	return (struct reply){.flags = REPLY_LATER, .events = events};
}

int calls(void)
{
	return __atomic_load_n(&heard->calls, __ATOMIC_ACQUIRE);
}

static void note_down(const struct request *request, const void *in)
{
	if (request->number == REQUEST_CLOSED) {
		heard->closed = request->token;
		__atomic_add_fetch(&heard->notes, 1, __ATOMIC_RELEASE);
		return;
	}
	heard->last = *request;
	memcpy(heard->bytes, in, request->in_len);
	__atomic_add_fetch(&heard->calls, 1, __ATOMIC_RELEASE);
}

void serve(answer_fn *fn, size_t along)
{
	static unsigned char in[2 * PAGE];
	struct request request;
	struct reply reply = {0};

	close(file);
	for (;;) {
		memset(&request, 0xaa, sizeof(request));
		if (port_next(port, &reply, &request, in, along) != 0)
			give_up(found("port_next fails: %d", errno));
		note_down(&request, in);
		if (request.number == REQUEST_CLOSED && request.token == TOKEN)
			_exit(0);
		reply = fn(&request);
	}
}

pid_t server_start(answer_fn *fn)
{
	pid_t pid = must_fork();

	if (pid == 0)
		serve(fn, 2 * PAGE);
	return pid;
}

void port_leave_to(pid_t pid)
{
	server = pid;
	close(port);
	port = -1;
}

const char *service_start(answer_fn *fn)
{
	TRY(port_make(1));
	port_leave_to(server_start(fn));
	return NULL;
}

struct reply answer_places(const struct request *request)
{
	if (request->number == SYS_chdir || request->number == SYS_fchdir)
		return (struct reply){.flags = REPLY_FILE, .token = DIR_TOKEN};
	return result(42);
}

static test_fn *inside;

static const char *go_inside(void)
{
	MUST(port_root(file) == 0, "port_root");
	return inside();
}

const char *in_root(answer_fn *fn, size_t room, test_fn *test)
{
	pid_t pid;

	TRY(port_make(1));
	pid = must_fork();
	if (pid == 0)
		serve(fn, room);
	sibling = port_open(port, BESIDE, O_RDONLY, 0, 0);
	port_leave_to(pid);
	inside = test;
	TRY(in_child(go_inside));
	return service_end();
}

const char *service_end(void)
{
	close(file);
	file = -1;
	return child_end(server);
}
