/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what the parts of the fuzzer share.
 *
 *   fuzz.c         process 1: rounds of families, and what must hold after
 *   fuzz_worker.c  a member of a family: calls, forks, looks around, dies
 *   fuzz_calls.c   which call next, and with which arguments
 *   fuzz_world.c   a family's memory: every kind of entry, at every border
 *   fuzz_witness.c scenes of a witness, in which no call may lose anything
 *   fuzz_files.c   such scenes on files
 *   fuzz_ports.c   scenes with servers that answer anything, or are killed
 *
 * Everything that is random comes from the seed. With one hart and QEMU's
 * -icount, two runs with one seed are the same, call by call.
 *
 * A member may lose any of its memory to a call that it made itself. So the
 * data that the fuzzer relies on is either shared, far from where calls point
 * (struct shared), or may go with the member that lost it.
 */
#ifndef TESTS_USER_FUZZ_H
#define TESTS_USER_FUZZ_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/calf.h"
#include "abi/syscall.h"

#define PAGE 4096UL
#define MIB  (1UL << 20)
#define GIB  (1UL << 30)

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define USER_END 0x4000000000UL

/* ---- A system call, with the number that it has in the run ---- */

struct call {
	uint64_t number;
	long nr;
	long args[6];
};

/* A call that was made, or that has not returned: then `done` is false. */
struct made {
	struct call call;
	uint64_t family;
	long result;
	pid_t pid;
	bool done;
};

/* ---- What all processes share, where no call points to by design ---- */

#define BOARD_AT 0x3000000000UL

/* How many of the calls before a failure are printed. */
#define LAST_CALLS 24

struct shared {
	uint64_t seed;
	uint64_t members;  /* processes there may be at once */
	uint64_t every;    /* calls between two checks by the kernel */
	uint64_t limit;    /* no call with this number in this round */
	uint64_t calls;    /* made so far: the number of the next */
	uint64_t checks;   /* calf_check()s made */
	uint64_t children; /* forked by members */
	uint64_t families; /* begun so far: the number of the next */
	uint64_t hash;     /* of every call, its arguments and result */
	struct made last[LAST_CALLS];
	uint32_t failed; /* 1: a process writes to `failure`; 3: it is there */
	char failure[240];
};

#define board ((struct shared *)BOARD_AT)

/* Tells of a failure. Only the first one is kept. */
#define fail(...)                                                              \
	do {                                                                   \
		if (__atomic_fetch_or(&board->failed, 1, __ATOMIC_ACQ_REL) ==  \
		    0) {                                                       \
			snprintf(board->failure, sizeof(board->failure),       \
			    __VA_ARGS__);                                      \
			__atomic_store_n(&board->failed, 3, __ATOMIC_RELEASE); \
		}                                                              \
	} while (0)

/*
 * Makes the call. Its number, the seed and the family travel in t0 to t2,
 * where a kernel that stops finds them: a panic prints these registers.
 */
#define MAKE_CALL(how, ...)                                             \
	register long a0 __asm__("a0") = call->args[0];                 \
	register long a1 __asm__("a1") = call->args[1];                 \
	register long a2 __asm__("a2") = call->args[2];                 \
	register long a3 __asm__("a3") = call->args[3];                 \
	register long a4 __asm__("a4") = call->args[4];                 \
	register long a5 __asm__("a5") = call->args[5];                 \
	register long a7 __asm__("a7") = call->nr;                      \
	register uint64_t t0 __asm__("t0") = call->number;              \
	register uint64_t t1 __asm__("t1") = board->seed;               \
	register uint64_t t2 __asm__("t2") = family;                    \
                                                                        \
	__asm__ volatile(how                                            \
			 : "+r"(a0)                                     \
			 : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), \
			 "r"(a7), "r"(t0), "r"(t1), "r"(t2)__VA_ARGS__  \
			 : "ra", "memory");                             \
	return a0

static inline long make_call(const struct call *call, uint64_t family)
{
	MAKE_CALL("ecall", );
}

/* Makes the call by an instruction that other members rewrite: STUB_AT. */
static inline long make_call_by(uintptr_t stub, const struct call *call,
    uint64_t family)
{
	MAKE_CALL("jalr	%[stub]", , [stub] "r"(stub));
}

/* A call that the fuzzer makes for its own ends: not one of those counted. */
#define plain(nr, ...) plain_call((nr), (const long[6]){__VA_ARGS__})
static inline long plain_call(long nr, const long args[6])
{
	struct call call = {0, nr, {0}};
	int i;

	for (i = 0; i < 6; i++)
		call.args[i] = args[i];
	return make_call(&call, 0);
}

/* ---- A member of a family ---- */

#define KIDS 8

struct member {
	uint64_t rng;
	uint64_t family;
	uint64_t tag;     /* TAG(family), unless one of them was overwritten */
	uint64_t steps;   /* calls that this process made */
	pid_t kids[KIDS]; /* the last ones it forked, dead or alive */
	int next_kid;
};

/* The member that this process is. */
extern struct member me;

/* Where the fuzzer's own handlers run. */
#define SIGNAL_STACK (4 * PAGE)

extern unsigned char signal_stack[SIGNAL_STACK];

/* Ends this process, whatever it did to itself. */
_Noreturn void leave(int status);

/* The next random number, the next below `n`, and true once in `n` times. */
uint64_t roll(void);
uint64_t below(uint64_t n);
bool once_in(uint64_t n);

/* Begins a family in the calling process; ends with it. */
_Noreturn void family_run(uint64_t family);

/* ---- Memory: fuzz_world.c ---- */

/*
 * Words of a family's private pages: no other may ever read them. The upper
 * half follows from the number, and differs for each, so that what is left of a
 * word that was overwritten in part is not taken for another family's.
 */
#define TAG_UPPER(family) \
	(0xfa3111e5U ^ (uint32_t)((family)&0xffff) * 0x9e3779b1U)
#define TAG_LOWER(family) \
	((uint32_t)((family)&0xffff) << 16 | (~(uint32_t)(family)&0xffff))
#define TAG(family) ((uint64_t)TAG_UPPER(family) << 32 | TAG_LOWER(family))

/* Pages of process 1, which all share copy-on-write: it must see no change. */
#define CANARY_AT    (0x1800200000UL - 2 * PAGE)
#define CANARY_PAGES 4UL

bool canary_map(void);
bool canary_lives(void);

/* Maps a family's memory, every kind of entry beside every other. */
void world_build(void);

/* An address, mostly near a border of entries of different kinds. */
uintptr_t any_address(void);

/* An address for mmap and the like: a page near a border, mostly. */
uintptr_t any_page(void);

/* Addresses that cannot be read from at all. */
uintptr_t bad_address(void);

/*
 * An address for a program to go on at. Never in the fuzzer's own code: with
 * random registers that could change the board, which would look like a mistake
 * of the kernel.
 */
uintptr_t code_address(void);

/*
 * Puts `len` bytes into memory and returns where: in the middle of it, across
 * a border of pages, or cut off by the end of what is mapped.
 */
uintptr_t place(const void *bytes, size_t len);

/* Looks for bytes that are not this family's. */
void world_look(void);

/*
 * A page of code that all of a family share: it makes the call that is in the
 * registers, unless a member has just put something else there.
 */
#define STUB_AT 0x1042000000UL

/* Makes the stub a call again. */
void stub_restore(void);

/* Changes memory that calls of other members read, and the stub. */
void meddle(void);

/* ---- Scenes with a known end: fuzz_witness.c ---- */

/*
 * Runs one of a few scenes with a known end, in a process of its own that the
 * other members do not reach. Memory may run out meanwhile.
 */
void witness(void);

/* Perhaps lets allocations of calls fail soon; and lets none fail any more. */
void make_scarce(void);
void make_plenty(void);

/* Is it an error after which the call may succeed if it is made again? */
bool may_try_again(long result);

/* Writes a stream of bytes and ends; reads a stream and checks each byte. */
_Noreturn void write_stream(int fd, uint64_t key);
void read_stream(int fd, uint64_t key);

/* Where witnesses have their files; process 1 removes what they leave there. */
#define WITNESS_DIR "/witness"

/* Scenes on files: fuzz_files.c */
void see_a_named_pipe(void);
void see_shared_memory(void);
void see_names(void);

/* Scenes on servers: fuzz_ports.c */
void see_garbage(void);
void see_twins(void);

/* ---- Calls: fuzz_calls.c ---- */

/* Chooses the next call; the function that makes it sets call.number. */
void choose_call(struct call *call);

/* The name behind a number, or "?". */
const char *call_name(long nr);

#endif
