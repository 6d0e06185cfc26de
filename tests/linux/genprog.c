/* SPDX-License-Identifier: MIT */
/*
 * genprog.c - runs random programs, and tells what they observed.
 *
 *     genprog FIRST COUNT          a line for each seed: its hash
 *     genprog -v SEED [STEPS]      all that one program observed
 *
 * STEPS cuts a program short: what differs with n steps, and not with n - 1, is
 * caused by step n. genprog may be the first process, and then on Calf it also
 * lets the kernel check its invariants.
 */
#include "genprog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_SECONDS 60
#define CHECK_EVERY     50

struct world *world;
struct self self;

long result_of(long result)
{
	return result == -1 ? -errno : result;
}

unsigned pick(unsigned n)
{
	self.rng ^= self.rng << 13;
	self.rng ^= self.rng >> 7;
	self.rng ^= self.rng << 17;
	return (unsigned)((self.rng * 0x2545f4914f6cdd1du >> 33) % n);
}

bool chance(unsigned n)
{
	return pick(n) == 0;
}

void say(const char *format, ...)
{
	struct stream *s = &world->streams[self.index];
	size_t room = STREAM_BYTES - s->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(s->text + s->len, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n + 2 > room)
		_exit(97); /* the status says why */
	s->text[s->len + (unsigned)n] = '\n';
	s->len += (unsigned)n + 1;
	s->lines++;
}

_Noreturn static void program(uint64_t seed)
{
	struct itimerval limit = {{0, 0}, {TIMEOUT_SECONDS, 0}};

	(void)setpgid(0, 0);
	(void)SYS(SYS_setitimer, ITIMER_REAL, &limit, NULL);
	self = (struct self){.rng = (seed + 1) * 0x9e3779b97f4a7c15u | 1};
	for (int i = 0; i < 4; i++)
		(void)pick(2);
	world->streams[0].pid = getpid();
	signals_start();
	memory_start();
	pipes_start();
	live();
}

/* Runs a program to its end. Returns the status of its first process. */
static int run(uint64_t seed, int steps)
{
	int status = -1;
	pid_t pid;

	for (int i = 0; i < MAX_PROCS; i++) {
		struct stream *s = &world->streams[i];

		s->len = s->lines = 0;
		s->children = 0;
		s->pid = 0;
	}
	memset(world->pipes, 0, sizeof(world->pipes));
	world->steps_left = steps;
	world->procs = 1;
	pid = fork();
	if (pid == 0)
		program(seed);
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	(void)kill(-pid, SIGKILL);
	return WIFSIGNALED(status) ? status & ~0x80 : status;
}

static uint64_t hash(int status)
{
	uint64_t h = 0xcbf29ce484222325u + (unsigned)status;

	for (int i = 0; i < world->procs; i++) {
		const struct stream *s = &world->streams[i];

		for (unsigned k = 0; k < s->len; k++)
			h = (h ^ (unsigned char)s->text[k]) * 0x100000001b3u;
		h = (h ^ 0xff) * 0x100000001b3u;
	}
	return h;
}

static unsigned lines(void)
{
	unsigned sum = 0;

	for (int i = 0; i < world->procs; i++)
		sum += world->streams[i].lines;
	return sum;
}

static void put(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(1, text, len);

		if (n <= 0)
			_exit(1);
		text += n;
		len -= (size_t)n;
	}
}

static void tell(uint64_t seed, int steps)
{
	char line[80];
	int status = run(seed, steps);

	for (int i = 0; i < world->procs; i++) {
		snprintf(line, sizeof(line), "P%d:\n", i);
		put(line, strlen(line));
		put(world->streams[i].text, world->streams[i].len);
	}
	snprintf(line, sizeof(line), "status %x, hash %016lx\n",
	    (unsigned)status, (unsigned long)hash(status));
	put(line, strlen(line));
}

/* Process 1 gets the orphans of programs that went wrong. */
static void reap_strays(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

static void tell_hashes(uint64_t first, uint64_t count)
{
	char line[80];

	for (uint64_t seed = first; seed < first + count; seed++) {
		int status = run(seed, STEPS);

		snprintf(line, sizeof(line), "seed %lu %016lx %u %d\n",
		    (unsigned long)seed, (unsigned long)hash(status), lines(),
		    world->procs);
		put(line, strlen(line));
		reap_strays();
		/*
		 * This returns ENOSYS on Linux, and on kernels without checks.
		 */
		if (seed % CHECK_EVERY == 0)
			(void)SYS(SYS_calf_check);
	}
	put("end\n", 4);
}

int main(int argc, char **argv)
{
	bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	uint64_t n;

	if (argc < 3) {
		put("genprog FIRST COUNT | -v SEED [STEPS]\n", 38);
		return 2;
	}
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (world == MAP_FAILED)
		return 1;
	n = strtoul(argv[2], NULL, 0);
	if (verbose)
		tell(n, argc > 3 ? atoi(argv[3]) : STEPS);
	else
		tell_hashes(strtoul(argv[1], NULL, 0), n);
	return 0;
}
