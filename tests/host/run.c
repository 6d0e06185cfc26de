/* SPDX-License-Identifier: MIT */
/*
 * run.c - what every test program needs: a child to fail in, a message from
 * it, random numbers, and the console.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/print.h"
#include "sim.h"

char *sim_text;
jmp_buf *sim_caught;
bool sim_quiet;

static uint64_t random_state = 1;

void sim_seed(uint64_t seed)
{
	seed = (seed + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
	random_state = seed ^ seed >> 29;
	if (random_state == 0)
		random_state = 1;
}

uint64_t sim_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1d;
}

uint32_t sim_below(uint32_t n)
{
	return (uint32_t)((sim_random() >> 32) * n >> 32);
}

static NORETURN void fail_with(const char *fmt, va_list args)
{
	if (sim_text != NULL)
		(void)vsnprintf(sim_text, SIM_TEXT_SIZE, fmt, args);
	else
		(void)vfprintf(stderr, fmt, args);
	if (sim_caught != NULL)
		longjmp(*sim_caught, 1);
	_exit(SIM_FAILED);
}

void sim_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_with(fmt, args);
}

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_with(fmt, args);
}

void kprintf(const char *fmt, ...)
{
	char line[200];
	va_list args;

	va_start(args, fmt);
	(void)str_vformat(line, sizeof line, fmt, args);
	va_end(args);
	(void)fputs(line, stdout);
}

void *sim_shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return p;
}

bool sim_run(void (*fn)(void *), void *arg)
{
	int status;
	pid_t pid;

	if (sim_text == NULL)
		sim_text = sim_shared_memory(SIM_TEXT_SIZE);
	sim_text[0] = '\0';
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (pid == 0) {
		if (sim_quiet && freopen("/dev/null", "w", stderr) == NULL)
			_exit(2);
		fn(arg);
		(void)fflush(NULL);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return false;
	if (WIFSIGNALED(status))
		(void)snprintf(sim_text, SIM_TEXT_SIZE, "signal %d",
		    WTERMSIG(status));
	else if (status != 0 && sim_text[0] == '\0')
		(void)snprintf(sim_text, SIM_TEXT_SIZE, "exit status %d",
		    WEXITSTATUS(status));
	return status == 0;
}
