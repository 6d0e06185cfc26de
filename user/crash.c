/* SPDX-License-Identifier: MIT */
/*
 * crash WAY - die in one of the ways a program can, for the shell to report.
 */
#include <program.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    crash - die in one of the ways a program can\n"
    "\n"
    "SYNOPSIS\n"
    "    crash WAY\n"
    "\n"
    "DESCRIPTION\n"
    "    The kernel tells on the console what was wrong, and the shell which\n"
    "    signal it was. Without a WAY, they are listed.\n"
    "\n"
    "EXAMPLES\n"
    "    crash segv\n"
    "    crash stack\n"
    "\n"
    "EXIT STATUS\n"
    "    2 if there is no such way, and 1 if the program has survived it.\n";

int main(int argc, char **argv);

/*
 * Makes a pointer of a number, so that the compiler cannot see that it is
 * wrong.
 */
static volatile char *at(uintptr_t address)
{
	__asm__("" : "+r"(address));
	return (volatile char *)address;
}

static void write_to_null(void)
{
	*at(0) = 1;
}

static void illegal_instruction(void)
{
	__asm__ volatile(".word 0");
}

static void write_to_text(void)
{
	*at((uintptr_t)main) = 0;
}

static void write_to_constant(void)
{
	static const char text[] = "constant";

	*at((uintptr_t)text) = 'k';
}

/* This is volatile, because compilers refuse a recursion without an end. */
static volatile int depth_wanted = 1 << 30;

/* The frame is written to, so each call touches a page further down. */
static int overflow_stack(int depth)
{
	volatile char frame[4096];

	frame[0] = (char)depth;
	if (depth == depth_wanted)
		return 0;
	return overflow_stack(depth + 1) + frame[0];
}

static void endless_recursion(void)
{
	overflow_stack(0);
}

static void jump_to(uintptr_t address)
{
	__asm__ volatile("jr %0" : : "r"(address));
}

static void jump_to_nothing(void)
{
	jump_to(0xdead0000);
}

static void jump_to_data(void)
{
	static uint32_t code[] = {0x00000013}; /* nop */

	jump_to((uintptr_t)code);
}

static void read_kernel(void)
{
	(void)*at(0xffffffff80200000);
}

static void privileged_instruction(void)
{
	uintptr_t value;

	__asm__ volatile("csrr %0, satp" : "=r"(value));
}

static void breakpoint(void)
{
	__asm__ volatile("ebreak");
}

static const struct {
	const char *name;
	const char *what;
	void (*die)(void);
} ways[] = {
    {"segv", "write to address 0", write_to_null},
    {"ill", "execute an illegal instruction", illegal_instruction},
    {"csr", "read a register of the kernel", privileged_instruction},
    {"kernel", "read an address of the kernel", read_kernel},
    {"text", "write to its own code", write_to_text},
    {"const", "write to a constant", write_to_constant},
    {"stack", "recurse until the stack ends", endless_recursion},
    {"jump", "jump to where nothing is", jump_to_nothing},
    {"data", "execute what is only data", jump_to_data},
    {"break", "reach a breakpoint without a debugger", breakpoint},
    {"abort", "call abort()", abort},
};

#define WAYS (sizeof ways / sizeof ways[0])

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < WAYS; i++) {
		if (strcmp(argv[1], ways[i].name) != 0)
			continue;
		printf("process %d will %s\n", getpid(), ways[i].what);
		ways[i].die();
		printf("and lives on, which it should not\n");
		return 1;
	}
	printf("usage: crash WAY, where WAY is one of\n");
	for (size_t i = 0; i < WAYS; i++)
		printf("  %-7s %s\n", ways[i].name, ways[i].what);
	return 2;
}
