/* SPDX-License-Identifier: MIT */
/*
 * ipc.c - calls, signals, switches, pipes, and reading a file.
 *
 * But for the null call, what a C library adds to a call is included.
 */
#include "bench.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS 9
#define BATCH  500

#define CALLS 16

/*
 * Executes the instruction of the call, without a library around it, so often
 * that the loop does not count. Returns the sum of the results.
 */
static uint64_t call_getppid(void)
{
	register long number __asm__("a7") = SYS_getppid;
	register uint64_t result __asm__("a0");
	uint64_t sum = 0;

	for (int k = 0; k < BATCH; k++) {
		__asm__ volatile(".rept %2\n"
				 "	ecall\n"
				 ".endr"
				 : "=r"(result)
				 : "r"(number), "i"(CALLS)
				 : "memory");
		sum += result;
	}
	return sum;
}

void bench_call(void)
{
	uint64_t expected = BATCH * (uint64_t)getppid();
	struct samples s = {0};

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = count_start(), sum, stop;

		sum = call_getppid();
		stop = count_stop();
		sample(&s, count_since(start, stop), BATCH * CALLS);
		check(sum == expected, "getppid");
	}
	report("null-call", &s);
}

static volatile uint64_t signals_seen;

static void on_signal(int sig)
{
	signals_seen += (uint64_t)sig;
}

void bench_signal(void)
{
	struct sigaction act = {.sa_flags = 0};
	struct samples s = {0};
	pid_t self = getpid();

	act.sa_handler = on_signal;
	check(sigaction(SIGUSR1, &act, NULL) == 0, "sigaction");
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start;

		signals_seen = 0;
		start = count_start();
		for (int k = 0; k < BATCH; k++)
			kill(self, SIGUSR1);
		sample(&s, count_since(start, count_stop()), BATCH);
		check(signals_seen == BATCH * SIGUSR1, "signals were lost");
	}
	report("signal-return", &s);
}

/* ---- switches ---- */

/* Counts what BATCH * CALLS calls cost that do nothing. */
static uint64_t count_calls(void)
{
	uint64_t start = count_start();

	check(call_getppid() == BATCH * (uint64_t)getppid(), "getppid");
	return count_since(start, count_stop());
}

/* Yields, and counts how often another process ran before the call returned. */
static void yield_as(uint64_t me)
{
	sched_yield();
	exchange->yields++;
	if (exchange->turn != me) {
		exchange->turn = me;
		exchange->switches++;
	}
}

/* Counts yields while no other process is ready. */
static uint64_t count_yields_alone(void)
{
	uint64_t start;

	exchange->turn = 1;
	exchange->switches = 0;
	start = count_start();
	for (int k = 0; k < BATCH; k++)
		yield_as(1);
	return count_since(start, count_stop());
}

static pid_t start_yielder(void)
{
	pid_t pid;

	exchange->stop = 0;
	exchange->turn = 1;
	pid = start_child();
	if (pid != 0)
		return pid;
	while (!exchange->stop)
		yield_as(2);
	end_child(true);
}

/*
 * Counts yields of two processes: `*yields` in all, of which `*switches` led to
 * the other process.
 */
static uint64_t count_yields_of_two(uint64_t *yields, uint64_t *switches)
{
	pid_t pid = start_yielder();
	uint64_t start, total;

	for (int k = 0; k < BATCH / 10; k++)
		yield_as(1);
	exchange->yields = exchange->switches = 0;
	start = count_start();
	for (int k = 0; k < BATCH; k++)
		yield_as(1);
	total = count_since(start, count_stop());
	*yields = exchange->yields;
	*switches = exchange->switches;
	exchange->stop = 1;
	wait_child(pid);
	check(*switches >= BATCH / 2 && *switches <= *yields,
	    "the two did not take turns");
	return total;
}

void bench_switch(void)
{
	struct samples alone = {0}, switched = {0}, pair = {0};

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t total, yields, switches, call = count_calls();

		sample(&alone, count_yields_alone(), BATCH);
		total = count_yields_of_two(&yields, &switches);
		sample(&pair, 2 * total, switches);
		call = call * yields / (BATCH * CALLS);
		sample(&switched, total > call ? total - call : 0, switches);
	}
	report("yield-alone", &alone);
	report("switch", &switched);
	report("yield-switch-twice", &pair);
}

/* ---- pipes ---- */

static _Noreturn void echo(int from, int to)
{
	unsigned char byte;

	while (read(from, &byte, 1) == 1) {
		byte++;
		if (write(to, &byte, 1) != 1)
			end_child(false);
	}
	end_child(true);
}

static bool round_trip(int to, int from, unsigned char byte)
{
	unsigned char answer;

	return write(to, &byte, 1) == 1 && read(from, &answer, 1) == 1 &&
	    answer == (unsigned char)(byte + 1);
}

static void round_trip_row(void)
{
	int there[2], back[2];
	struct samples s = {0};
	pid_t pid;

	make_pipe(there);
	make_pipe(back);
	pid = start_child();
	if (pid == 0) {
		close(there[1]);
		echo(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	check(round_trip(there[1], back[0], 0), "pipe");
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = count_start();
		bool right = true;

		for (int k = 0; k < BATCH; k++)
			right =
			    round_trip(there[1], back[0], (unsigned char)k) &&
			    right;
		sample(&s, count_since(start, count_stop()), BATCH);
		check(right, "a byte was not the one that was sent");
	}
	close(there[1]);
	close(back[0]);
	wait_child(pid);
	report("pipe-round-trip", &s);
}

#define BLOCK  (64 * KIB)
#define BLOCKS 32

/* Each block has contents of its own, so that none can be taken for another. */
static void send_blocks(int to, volatile uint64_t *block)
{
	const size_t pages = BLOCK / PAGE_BYTES;

	fill_words(block, 0, pages);
	for (unsigned i = 0; i < BLOCKS; i++) {
		block[1] = i;
		if (write(to, (void *)(uintptr_t)block, BLOCK) != BLOCK)
			end_child(false);
	}
	end_child(true);
}

static bool receive(int from, char *to, size_t len)
{
	while (len > 0) {
		ssize_t n = read(from, to, len);

		if (n <= 0)
			return false;
		to += n;
		len -= (size_t)n;
	}
	return true;
}

static bool blocks_are_right(volatile uint64_t *mem)
{
	bool right = true;

	for (unsigned i = 0; i < BLOCKS; i++) {
		volatile uint64_t *block = mem + i * (BLOCK / sizeof *mem);

		right = right && block[1] == i;
		block[1] = 3;
		right = right && is_filled(block, 0, BLOCK / PAGE_BYTES) &&
		    words_are_filled(block, 0, BLOCK / PAGE_BYTES);
	}
	return right;
}

static uint64_t count_transfer(volatile uint64_t *mem, volatile uint64_t *block)
{
	int ends[2];
	uint64_t start, total;
	bool right;
	pid_t pid;

	fill(mem, 0, BLOCKS * BLOCK / PAGE_BYTES);
	make_pipe(ends);
	pid = start_child();
	if (pid == 0) {
		close(ends[0]);
		send_blocks(ends[1], block);
	}
	close(ends[1]);
	/* The parent's pages are shared with the child: own them first. */
	fill(mem, 0, BLOCKS * BLOCK / PAGE_BYTES);
	right = receive(ends[0], (char *)(uintptr_t)mem, BLOCK);
	start = count_start();
	for (size_t i = 1; i < BLOCKS; i++)
		right = receive(ends[0], (char *)(uintptr_t)mem + i * BLOCK,
			    BLOCK) &&
		    right;
	total = count_since(start, count_stop());
	close(ends[0]);
	wait_child(pid);
	check(right && blocks_are_right(mem), "a block arrived changed");
	return total;
}

static void bandwidth_row(void)
{
	volatile uint64_t *mem = map(BLOCKS * BLOCK);
	volatile uint64_t *block = map(BLOCK);
	struct samples s = {0};

	for (int i = 0; i < ROUNDS; i++)
		sample(&s, count_transfer(mem, block), BLOCKS - 1);
	report("pipe-64k", &s);
	unmap(mem, BLOCKS * BLOCK);
	unmap(block, BLOCK);
}

void bench_pipe(void)
{
	round_trip_row();
	bandwidth_row();
}

/* ---- files ---- */

/* Reads a page of this program's file, which is there on every kernel. */
static uint64_t count_reads(int fd, char *to)
{
	bool right = true;
	uint64_t start = count_start(), total;

	for (int k = 0; k < BATCH / 10; k++)
		right = pread(fd, to, PAGE_BYTES, PAGE_BYTES) ==
			(ssize_t)PAGE_BYTES &&
		    right;
	total = count_since(start, count_stop());
	check(right, "pread");
	return total;
}

/*
 * Reads to that of eight places where it costs least, and to that where it
 * costs most.
 */
void bench_read(void)
{
	static char first[PAGE_BYTES], mem[PAGE_BYTES + sizeof(uint64_t)];
	struct samples best = {0}, worst = {0};
	int fd = open("/init", O_RDONLY);

	check(pread(fd, first, PAGE_BYTES, PAGE_BYTES) == (ssize_t)PAGE_BYTES,
	    "/init");
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t least = UINT64_MAX, most = 0;

		for (size_t at = 0; at < sizeof(uint64_t); at++) {
			uint64_t total = count_reads(fd, mem + at);

			least = total < least ? total : least;
			most = total > most ? total : most;
			check(memcmp(mem + at, first, PAGE_BYTES) == 0,
			    "what was read depends on where to");
		}
		sample(&best, least, BATCH / 10);
		sample(&worst, most, BATCH / 10);
	}
	close(fd);
	report("read-4k", &best);
	report("read-4k-odd", &worst);
}
