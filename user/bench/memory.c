/* SPDX-License-Identifier: MIT */
/*
 * memory.c - children, and memory with known contents.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/calf.h"

#ifndef SYS_calf_stat
#define SYS_calf_stat 244
#endif

struct exchange *exchange;
size_t memory_limit = SIZE_MAX;

static _Noreturn void give_up(const char *what)
{
	perror(what);
	exit(1);
}

pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		give_up("fork");
	return pid;
}

void end_child(bool right)
{
	_exit(right ? 0 : 1);
}

void wait_child(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status != 0)
		wrong("a child found something wrong, or died");
}

void make_pipe(int ends[2])
{
	if (pipe(ends) < 0)
		give_up("pipe");
}

static void *map_with(size_t len, int sharing)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_ANONYMOUS | MAP_NORESERVE | sharing, -1, 0);

	if (mem == MAP_FAILED)
		give_up("mmap");
	return mem;
}

void *map(size_t len)
{
	return map_with(len, MAP_PRIVATE);
}

void *map_shared(size_t len)
{
	return map_with(len, MAP_SHARED);
}

void unmap(volatile void *mem, size_t len)
{
	if (len > 0 && munmap((void *)(uintptr_t)mem, len) < 0)
		give_up("munmap");
}

void *grow_heap(size_t len)
{
	size_t used = (uintptr_t)sbrk(0) % PAGE_BYTES;
	size_t rest = used > 0 ? PAGE_BYTES - used : 0;
	char *mem = sbrk((intptr_t)(rest + len));

	if (mem == (char *)-1)
		give_up("sbrk");
	return mem + rest;
}

void shrink_heap(size_t len)
{
	if (sbrk(-(intptr_t)len) == (void *)-1)
		give_up("sbrk");
}

/* Maps more than was asked for, and gives the ends back. */
void *map_aligned(size_t len, size_t align)
{
	char *mem = map(len + align);
	size_t before = -(uintptr_t)mem & (align - 1);

	unmap(mem, before);
	unmap(mem + before + len, align - before);
	return mem + before;
}

void fill(volatile uint64_t *mem, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		mem[i * PAGE_WORDS] = pattern(i);
}

void invert(volatile uint64_t *mem, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		mem[i * PAGE_WORDS] = ~pattern(i);
}

bool is_filled(volatile uint64_t *mem, size_t from, size_t to)
{
	uint64_t differences = 0;

	for (size_t i = from; i < to; i++)
		differences |= mem[i * PAGE_WORDS] ^ pattern(i);
	return differences == 0;
}

bool is_inverted(volatile uint64_t *mem, size_t from, size_t to)
{
	uint64_t differences = 0;

	for (size_t i = from; i < to; i++)
		differences |= mem[i * PAGE_WORDS] ^ ~pattern(i);
	return differences == 0;
}

void fill_words(volatile uint64_t *mem, size_t from, size_t to)
{
	for (size_t i = from * PAGE_WORDS; i < to * PAGE_WORDS; i++)
		mem[i] = i * 3;
	fill(mem, from, to);
}

bool words_are_filled(volatile uint64_t *mem, size_t from, size_t to)
{
	uint64_t differences = 0;

	for (size_t i = from * PAGE_WORDS; i < to * PAGE_WORDS; i++)
		if (i % PAGE_WORDS != 0)
			differences |= mem[i] ^ i * 3;
	return differences == 0;
}

uint64_t free_frames(void)
{
	struct calf_stat st;
	struct sysinfo info;

	if (syscall(SYS_calf_stat, &st, sizeof st) > 0)
		return st.frames_free;
	if (sysinfo(&info) < 0)
		give_up("sysinfo");
	return info.freeram * info.mem_unit / PAGE_BYTES;
}

/*
 * A sixteenth more is needed for tables and for what the kernel needs besides.
 */
bool memory_suffices(size_t bytes)
{
	if (bytes > memory_limit)
		return false;
	return bytes + bytes / 16 + 16 * MIB <= free_frames() * PAGE_BYTES;
}
