/* SPDX-License-Identifier: MIT */
/*
 * service.c - servers for the tests of ports.
 */
#include "service.h"

#include <sys/mman.h>

#include "abi/elf.h"

struct heard *heard;
int port = -1, file = -1, sibling = -1;

bool is_ordinary;

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
	if (request->number == REQUEST_GONE) {
		heard->gone_id = request->token;
		__atomic_add_fetch(&heard->gone, 1, __ATOMIC_RELEASE);
		return;
	}
	heard->last = *request;
	memcpy(heard->bytes, in, request->in_len);
	__atomic_add_fetch(&heard->calls, 1, __ATOMIC_RELEASE);
}

void serve(answer_fn *fn, size_t along)
{
	static unsigned char in[2 * PAGE];
	static uint64_t room[sizeof(struct request) / 8 + 1];
	char *at = (char *)room + (is_ordinary ? 4 : 0);
	struct request request;
	struct reply reply = {0};

	close(file);
	for (;;) {
		memset(room, 0xaa, sizeof(room));
		if (port_next(port, &reply, (void *)at, in, along) != 0)
			give_up(found("port_next fails: %d", errno));
		memcpy(&request, at, sizeof(request));
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
	struct reply reply;

	if (answer_program(request, &reply))
		return reply;
	if (request->number == SYS_chdir || request->number == SYS_fchdir)
		return (struct reply){.flags = REPLY_FILE, .token = DIR_TOKEN};
	return result(42);
}

static const struct program_plan *own_plan(int fd)
{
	static struct program_plan plan;
	struct elf_header header;

	(void)raw(SYS_pread64, fd, (long)&header, sizeof(header), 0);
	plan = (struct program_plan){.token = PROGRAM,
	    .entry = header.entry,
	    .phnum = header.phnum};
	for (uint64_t i = 0; i < header.phnum; i++) {
		struct elf_segment s;

		(void)raw(SYS_pread64, fd, (long)&s, sizeof(s),
		    (long)(header.phoff + i * sizeof(s)));
		if (s.type == PT_LOAD && s.memsz > 0)
			plan.segments[plan.count++] =
			    (struct program_segment){s.vaddr, s.memsz, s.offset,
				s.filesz, PROT_READ | PROT_WRITE | PROT_EXEC};
	}
	return &plan;
}

bool answer_program(const struct request *request, struct reply *reply)
{
	static unsigned char page[PAGE];
	static int fd = -1;
	long n = sizeof(struct program_plan);

	if (fd < 0)
		fd = open(suite_path, O_RDONLY);
	*reply = (struct reply){.token = PROGRAM};
	if (request->number == SYS_execve) {
		reply->flags =
		    request->flags & REQUEST_LOAD ? REPLY_FILE : REPLY_IMAGE;
		return true;
	}
	if (request->number == SYS_execveat) {
		reply->out = own_plan(fd);
	} else if (request->number == SYS_pread64) {
		reply->out = page;
		n = raw(SYS_pread64, fd, (long)page, (long)request->arg[2],
		    (long)request->arg[3]);
	} else {
		return false;
	}
	reply->out_len = (uint64_t)(reply->result = n);
	return true;
}

const struct program_plan small_plan = {.token = PROGRAM,
    .entry = SMALL_AT,
    .count = 1,
    .segments = {{SMALL_AT, SMALL_SIZE, 0, SMALL_SIZE, PROT_READ | PROT_EXEC}}};

/* li a0, 42; li a7, SYS_exit; ecall */
const unsigned small_code[3] = {0x02a00513, 0x05d00893, 0x00000073};

bool answer_small(const struct request *request, struct reply *reply)
{
	if (request->number == SYS_pread64) {
		*reply = (struct reply){.out = small_code,
		    .out_len = sizeof(small_code)};
		return true;
	}
	if (!answer_program(request, reply))
		return false;
	if (request->number == SYS_execveat)
		reply->out = &small_plan;
	return true;
}

long execute(const char *path)
{
	const char *argv[] = {path, "rest", NULL};

	return raw(SYS_execve, (long)path, (long)argv, 0);
}

int outcome(const char *path)
{
	pid_t pid = must_fork();
	int status;

	if (pid == 0)
		_exit((int)-execute(path));
	status = reap(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Serves the port until its file is closed. */
static long serve_one(int p, say_fn *say)
{
	static unsigned char in[2 * PAGE];
	struct request request = {0};
	struct reply reply = {0};

	while (request.number != REQUEST_CLOSED || request.token != TOKEN) {
		long n = raw(SYS_port_next, p, (long)&reply, (long)&request,
		    (long)in, sizeof(in));

		if (n < 0)
			return n;
		(void)say(&request, &reply);
	}
	return 0;
}

/* The result of the child of serve_child(): 0, or a negated errno. */
static long child_verdict(int status)
{
	if (killed_by(status, SIGKILL))
		return -ENOMEM; /* the kernel killed it, as no process does */
	if (!WIFEXITED(status))
		return -EIO;
	return WEXITSTATUS(status) == 42 ? 0 : -WEXITSTATUS(status);
}

/*
 * Serves a child that uses the file, and exits with 42, or with the error
 * number that it has met.
 */
static long serve_child(say_fn *say, void (*child)(int f))
{
	long p = raw(SYS_port_create, 1), f, pid, result;

	if (p < 0)
		return p;
	f = raw(SYS_port_open, p, TOKEN, O_RDWR, 0, 0);
	pid = f < 0 ? f : raw(SYS_clone, SIGCHLD);
	if (pid == 0) {
		close((int)p);
		child((int)f);
		_exit(errno);
	}
	if (f >= 0)
		close((int)f);
	result = pid < 0 ? pid : serve_one((int)p, say);
	close((int)p);
	if (pid > 0) {
		long end = child_verdict(reap((pid_t)pid));

		result = result == 0 ? end : result;
	}
	return result;
}

static void be_small(int f)
{
	if (port_root(f) == 0)
		execl("/small", "small", NULL);
}

long execute_small(void)
{
	return serve_child(answer_small, be_small);
}

#define CROWD 260 /* names of one page: more than one page is given */

static bool answer_crowd(const struct request *request, struct reply *reply)
{
	static unsigned char page[PAGE] __attribute__((aligned(PAGE)));
	static uint64_t list[CROWD];

	if (request->number != SYS_mmap)
		return false;
	memset(page, 'p', PAGE);
	for (int i = 0; i < CROWD; i++)
		list[i] = (uint64_t)page;
	*reply = (struct reply){.flags = REPLY_PAGES,
	    .position = request->position,
	    .out = list,
	    .out_len = sizeof(list)};
	return true;
}

static void be_crowd(int f)
{
	void *at = mmap(NULL, CROWD * PAGE, PROT_READ, MAP_PRIVATE, f, 0);

	if (at != MAP_FAILED)
		_exit(all_bytes(at, CROWD * PAGE, 'p') ? 42 : EIO);
}

long map_crowd(void)
{
	return serve_child(answer_crowd, be_crowd);
}

#define WORDS 16

const char *use_in_files(const char *const *words, const char *option,
    int number)
{
	const char *argv[WORDS + 6] = {"files"};
	int argc = 1, status;
	char text[8];
	pid_t pid;

	if (!on_calf())
		return SKIP("there are servers on Calf only");
	snprintf(text, sizeof(text), "%d", number);
	while (*words != NULL && argc <= WORDS)
		argv[argc++] = *words++;
	argv[argc++] = option;
	argv[argc++] = suite_path;
	argv[argc++] = "use";
	argv[argc] = text;
	pid = must_fork();
	if (pid == 0) {
		(void)raw(SYS_execve, (long)"/bin/files", (long)argv, 0);
		_exit(127);
	}
	status = reap(pid);
	return exited_with(status, 0) ? NULL : found("status %x", status);
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
