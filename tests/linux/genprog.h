/* SPDX-License-Identifier: MIT */
/*
 * genprog.h - what the parts of the random program show to each other.
 *
 * genprog derives a program from a seed and executes it as it goes: a tree of
 * processes that map, unmap, protect, load, store, fork, wait, signal, and send
 * each other bytes. What each of them observes goes line by line into a stream
 * of its own. Two kernels that agree produce the same streams.
 *
 * Everything observable is made to have one order. Only one process of the tree
 * runs at a time: a parent gives a child the turn and takes it back. The
 * exception is a stretch in which both run and touch only memory that they do
 * not share. Addresses are fixed, pids are printed as indices.
 *
 * Where two kernels may both be right, nothing is observed; each such place has
 * a comment that begins with "Not compared:".
 */
#ifndef TESTS_LINUX_GENPROG_H
#define TESTS_LINUX_GENPROG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE 4096UL
#define MIB  (1UL << 20)
#define GIB  (1UL << 30)

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ---- What all processes of a program share ---- */

#define MAX_PROCS    8
#define MAX_DEPTH    4
#define MAX_PIPES    3
#define STREAM_BYTES (32 * 1024)
#define STEPS        160 /* of all processes together */

struct stream {
	unsigned len;
	unsigned lines;
	pid_t pid;
	int children; /* alive */
	char text[STREAM_BYTES];
};

/* The bytes in a pipe, as all processes with a descriptor of it know them. */
struct pipe_state {
	int queued; /* bytes */
	int slots;  /* upper limit of Linux's buffers in use; see gen_pipe.c */
};

struct world {
	int steps_left;
	int procs;
	struct pipe_state pipes[MAX_PIPES];
	struct stream streams[MAX_PROCS];
};

extern struct world *world;

/* ---- This process ---- */

struct self {
	int index;
	int depth;
	uint64_t rng;
	bool alone; /* only memory that nobody shares may be touched */
};

extern struct self self;

/* A line of this process's stream. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A random number below n. */
unsigned pick(unsigned n);

/* True once in n. */
bool chance(unsigned n);

/* A system call as such: the result, or the negated errno. */
#define SYS(...) result_of(syscall(__VA_ARGS__))
long result_of(long result);

/* ---- The arena, and what is mapped in it (gen_model.c) ---- */

/*
 * Ranges begin and end at one of a few points around the borders of entries
 * of all levels, so that each stretch between two neighbours is uniform.
 */
#define POINTS       35
#define STRETCHES    (POINTS - 1)
#define FIRST_SHARED 14 /* stretches below it are never MAP_SHARED */
#define HUGE_STRETCH 27 /* nearly 1 GiB */

#define UNMAPPED (-1)

struct range {
	int from, to; /* points */
};

unsigned long point(int i);

/* An address as the transcript has it: relative to the arena. */
unsigned long relative(unsigned long address);

struct range pick_range(void);
int pick_stretch(void);

/* The protection of stretch i, or UNMAPPED. */
int model_prot(int i);
void model_set(struct range r, int prot);
bool model_has_hole(struct range r);

/* An address to be accessed: in a stretch, near one of its ends. */
unsigned long pick_address(int *stretch);

enum reach {
	REACH_ALL,  /* every byte can be accessed */
	REACH_PART, /* the first can, but not every one */
	REACH_NONE, /* the first cannot */
};

/* Whether the kernel may access [at, at + len) with this protection. */
enum reach model_reach(unsigned long at, size_t len, int prot);

/* ---- Operations ---- */

void memory_start(void);
void op_map(void);
void op_map_badly(void);
void op_unmap(void);
void op_protect(void);
void op_discard(void);
void op_brk(void);
void op_load(void);
void op_store(void);
void op_call(void);

/* Tells a checksum of all that can be read. */
void op_sum(void);

/* Handlers and masks of the first process; how faults are caught. */
void signals_start(void);
void op_action(void);
void op_mask(void);
void op_raise(void);

/* Accesses memory; the fault that it caused, or NULL if none. */
struct fault {
	int sig;
	int code;
	unsigned long address;
};
const struct fault *try_load(unsigned long at, int size, uint64_t *value);
const struct fault *try_store(unsigned long at, int size, uint64_t value);
const struct fault *try_call(unsigned long at);

void pipes_start(void);
void op_pipe(void);
void op_pipe_close(void);
void op_pipe_write(void);
void op_pipe_read(void);
void op_descriptor(void);

/* ---- Processes (gen_process.c) ---- */

/* The life of a process, from its first step to its exit. */
_Noreturn void live(void);

#endif
