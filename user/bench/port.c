/* SPDX-License-Identifier: MIT */
/*
 * port.c - a call that another process answers. Other kernels, and other C
 * libraries, know nothing of ports.
 */
#include "bench.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROW "call-reply"

#ifdef SYS_port_create

#include <server.h>

#define ROUNDS 9
#define BATCH  500

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

void bench_port(void)
{
	int port = port_create(1), file = port_open(port, 1, O_RDWR, 0, 0);
	struct samples s = {0};
	pid_t pid;

	if (file < 0) {
		skip(ROW, "there are no ports");
		return;
	}
	pid = start_child();
	if (pid == 0) {
		close(file);
		serve(port);
	}
	close(port);
	(void)count_calls(file);
	for (int i = 0; i < ROUNDS; i++)
		sample(&s, count_calls(file), BATCH);
	close(file);
	wait_child(pid);
	report(ROW, &s);
}

#else

void bench_port(void)
{
	skip(ROW, "the C library knows no ports");
}

#endif
