/* SPDX-License-Identifier: MIT */
/*
 * world.h - simulated processes, and the operations that happen to them.
 *
 * An operation is a value: it can be recorded and executed again. Where what
 * it needs is missing (its process is dead, say), it does nothing, so that any
 * part of a recorded list is a list that can be executed.
 */
#ifndef HOST_WORLD_H
#define HOST_WORLD_H

#include "oracle.h"
#include "sim.h"

#define WORLD_PROCS  8
#define WORLD_IMAGES 2

enum op_kind {
	OP_START, /* a process from nothing */
	OP_LOAD,
	OP_STORE,
	OP_AMO,
	OP_FETCH,
	OP_COPYIN,
	OP_COPYOUT,
	OP_COPYINSTR,
	OP_MAP,   /* at `va` */
	OP_PLACE, /* at `va` if that is free, else where there is room */
	OP_SHARE, /* MAP_SHARED */
	OP_PASS,  /* pages of others, for which it waits */
	OP_UNMAP,
	OP_PROTECT,
	OP_DISCARD,
	OP_FORK,
	OP_EXEC,
	OP_EXIT,
	OP_LEAVE, /* its hart goes to the kernel's root */
	OP_DROP_IMAGE,
	OP_TEARDOWN,
	OP_GIVE, /* pages to a process that waits for them */
	OP_KINDS,
};

struct op {
	uint8_t kind;
	uint8_t proc;
	uint8_t hart;
	uint8_t perms;
	uint8_t target; /* the child's place, the image, or the receiver */
	uint8_t value;  /* to be stored */
	uint8_t inside; /* happens at the n-th hook of the next operation */
	uint8_t fail_from;
	uint8_t foreign; /* the hart does it for a process that runs nowhere */
	uint16_t fail;   /* which allocation fails; 0: none */
	uint16_t budget; /* of each part of a change */
	uint32_t seed;   /* of all that the hardware decides */
	vaddr_t va;
	uint64_t len;
};

/* A change of a range that is not complete. */
struct change {
	bool active;
	struct range_op op;
	enum op_kind kind;
	bool starved; /* an allocation failed in one of its parts */
	struct seg seg;
	/* For OP_PASS: */
	bool waits;      /* for a bag to be filled */
	bool given;      /* it was filled, or a process tried to */
	unsigned filled; /* pages, with these bytes: */
	uint8_t bytes[OBJECT_PAGES][4];
	bool shared; /* pages of these shared objects are passed: */
	struct seg pages[OBJECT_PAGES];
};

struct proc {
	bool alive;
	int hart; /* -1: on none */
	struct aspace *as;
	struct change change;
	struct oracle oracle;
};

struct image {
	struct aspace *as;
	struct oracle oracle;
};

extern struct proc procs[WORLD_PROCS];
extern struct image images[WORLD_IMAGES];
extern const char *const op_names[OP_KINDS];

/* ---- world.c ---- */

void world_boot(const struct sim_config *config);
void world_execute(const struct op *op);
/*
 * All frames that are not the kernel's are free when all processes have ended.
 */
void world_end(void);
void op_print(const struct op *op, unsigned number);

/* Only if an allocation has failed may the result be ENOMEM. */
void expect_result(const char *what, int result, int expected);
void expect_failure(const char *what);
void expect_success_from(uint64_t failures);
void proc_place(struct proc *p, unsigned hart);
void proc_leave(struct proc *p);
void dying_add(struct aspace *as);
void dying_step(unsigned budget);
uint8_t object_new(void);
extern bool world_in_exec;

/* ---- access.c ---- */

void access_user(struct proc *p, const struct op *op);
void access_copyin(struct proc *p, const struct op *op);
void access_copyout(struct proc *p, const struct op *op);
void access_copyinstr(struct proc *p, const struct op *op);

/* ---- change.c ---- */

void change_begin(struct proc *p, const struct op *op);
void change_step(struct proc *p, unsigned budget);

/* ---- pass.c ---- */

void pass_give(struct proc *p, const struct op *op);
void pass_commit(struct oracle *o, const struct change *c);

/* ---- life.c ---- */

void life_start(struct proc *p);
void life_fork(struct proc *p, const struct op *op);
void life_exec(struct proc *p, const struct op *op);
void life_exit(struct proc *p, const struct op *op);
void image_drop(struct image *image);
extern struct frame *trampoline;

/* ---- verify.c ---- */

/* The byte and permissions at `va`, whatever is shared. */
struct peek {
	bool mapped;
	bool shared;
	bool sealed;
	uint8_t perms;
	uint8_t byte;
};
struct peek peek(const struct aspace *as, vaddr_t va);

/* Fails the test unless page tables and oracle agree. */
void verify_oracle(const struct aspace *as, const struct oracle *o,
    const char *who);
void verify_all(void);

#endif
