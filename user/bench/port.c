/* SPDX-License-Identifier: MIT */
/*
 * port.c - a call that another process answers, with a word or with pages.
 * Other kernels, and other C libraries, know nothing of ports.
 */
#include "bench.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROW     "call-reply"
#define ROW_MAP "map-1m"
#define ROW_RUN "map-2m-table"

#ifdef SYS_port_create

#include <server.h>

#define ROUNDS 9
#define BATCH  500
#define PAGES  (MIB / PAGE_BYTES)

/* Pages of the server's, each with its number in it, and their addresses. */
static uint64_t *own, list[PAGES];

static void own_make(void)
{
	own = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (uint64_t i = 0; i < PAGES; i++) {
		own[i * PAGE_WORDS] = i + 1;
		list[i] = (uint64_t)&own[i * PAGE_WORDS];
	}
}

static _Noreturn void serve_pages(int port)
{
	struct request request;
	struct reply reply = {.flags = REPLY_PAGES,
	    .out = list,
	    .out_len = sizeof list};
	int err;

	own_make();
	while ((err = port_next(port, &reply, &request, NULL, 0)) == 0 &&
	    request.number != REQUEST_CLOSED)
		;
	end_child(err == 0);
}

#define TABLE_BYTES (2 * MIB)

/* Maps 2 MiB at a multiple of 2 MiB, so that a whole table is passed. */
static _Noreturn void serve_table(int port)
{
	struct request request;
	struct reply reply = {.flags = REPLY_RUN, .out_len = TABLE_BYTES};
	uintptr_t mem = (uintptr_t)mmap(NULL, 2 * TABLE_BYTES,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	own = (uint64_t *)((mem + TABLE_BYTES - 1) & ~(TABLE_BYTES - 1));
	for (uint64_t i = 0; i < TABLE_BYTES / PAGE_BYTES; i++)
		own[i * PAGE_WORDS] = i + 1;
	reply.out = own;
	while ((err = port_next(port, &reply, &request, NULL, 0)) == 0 &&
	    request.number != REQUEST_CLOSED)
		;
	end_child(err == 0);
}

static _Noreturn void serve(int port)
{
	struct request request;
	struct reply reply = {0};
	int err;

	while ((err = port_next(port, &reply, &request, NULL, 0)) == 0 &&
	    request.number != REQUEST_CLOSED)
		reply.result = (int64_t)request.arg[1] + 1;
	end_child(err == 0);
}

static uint64_t count_calls(int file)
{
	uint64_t start = count_start(), sum = 0, total;

	for (uint64_t k = 0; k < BATCH; k++)
		sum += (uint64_t)syscall(SYS_ftruncate, file, k);
	total = count_since(start, count_stop());
	check(sum == BATCH * (BATCH + 1) / 2, "a reply was to another call");
	return total;
}

static uint64_t count_map(int file, size_t len, int prot)
{
	uint64_t start = count_start(), total, sum = 0;
	uint64_t pages = len / PAGE_BYTES;
	uint64_t *p = mmap(NULL, len, prot, MAP_PRIVATE, file, 0);

	total = count_since(start, count_stop());
	for (uint64_t i = 0; p != MAP_FAILED && i < pages; i++)
		sum += p[i * PAGE_WORDS];
	check(sum == pages * (pages + 1) / 2, "pages of another");
	(void)munmap(p, len);
	return total;
}

/* A file that such a server has; -1 if there are no ports. */
static int start_server(void (*server)(int port), pid_t *pid)
{
	int port = port_create(1), file = port_open(port, 1, O_RDWR, 0, 0);

	if (file < 0)
		return -1;
	*pid = start_child();
	if (*pid == 0) {
		close(file);
		server(port);
	}
	close(port);
	return file;
}

static void end_server(int file, pid_t pid)
{
	close(file);
	wait_child(pid);
}

static void bench_map(void)
{
	struct samples s = {0};
	pid_t pid = 0;
	int file = start_server(serve_pages, &pid);

	(void)count_map(file, MIB, PROT_READ);
	for (int i = 0; i < ROUNDS; i++)
		sample(&s, count_map(file, MIB, PROT_READ), PAGES);
	end_server(file, pid);
	report(ROW_MAP, &s);
}

static void bench_table(void)
{
	struct samples s = {0};
	pid_t pid = 0;
	int file = start_server(serve_table, &pid);
	int prot = PROT_READ | PROT_WRITE;

	(void)count_map(file, TABLE_BYTES, prot);
	for (int i = 0; i < ROUNDS; i++)
		sample(&s, count_map(file, TABLE_BYTES, prot), 1);
	end_server(file, pid);
	report(ROW_RUN, &s);
}

void bench_port(void)
{
	struct samples s = {0};
	pid_t pid = 0;
	int file = start_server(serve, &pid);

	if (file < 0) {
		skip(ROW, "there are no ports");
		skip(ROW_MAP, "there are no ports");
		skip(ROW_RUN, "there are no ports");
		return;
	}
	(void)count_calls(file);
	for (int i = 0; i < ROUNDS; i++)
		sample(&s, count_calls(file), BATCH);
	end_server(file, pid);
	report(ROW, &s);
	bench_map();
	bench_table();
}

#else

void bench_port(void)
{
	skip(ROW, "the C library knows no ports");
	skip(ROW_MAP, "the C library knows no ports");
	skip(ROW_RUN, "the C library knows no ports");
}

#endif
