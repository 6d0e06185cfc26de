/* SPDX-License-Identifier: MIT */
/*
 * calf.h - what the kernel shows of itself, and the structures it is shown in.
 *
 * These calls exist so that copy-on-write can be watched from outside. They
 * change nothing. On Linux they return ENOSYS.
 */
#ifndef ABI_CALF_H
#define ABI_CALF_H

#include <stdint.h>

/*
 * calf_stat(struct calf_stat *st, size_t size): counters since boot, summed
 * over harts. Copies as much as `size` allows and returns the number of bytes.
 */
struct calf_stat {
	uint64_t frames_total; /* frames of memory under the allocator */
	uint64_t frames_free;
	uint64_t processes; /* alive or zombie; but no servers of boot's */
	uint64_t harts;
	uint64_t forks;
	uint64_t execs;
	uint64_t page_faults;
	uint64_t page_copies;  /* first write to a shared page */
	uint64_t page_reuses;  /* first write by the last owner: no copy */
	uint64_t page_zeros;   /* demand-zero pages given out */
	uint64_t table_copies; /* first access to a shared table */
	uint64_t table_reuses; /* first access by the last owner: no copy */
	uint64_t oom_kills;
	uint64_t switches;
	/*
	 * Test builds: the most instructions that the kernel executed at once
	 * with interrupts off, since it was started, and the number of the call
	 * that it did so for. 0 where they are not counted: without
	 * `bound` on the command line.
	 */
	uint64_t longest_entry;
	uint64_t longest_call;
	uint64_t wakes; /* times that a hart without work stopped waiting */
	/*
	 * Of the switches, those straight to the other side of a request; all
	 * bits are set if the kernel was built without fast paths.
	 */
	uint64_t handovers;
	uint64_t table_passes; /* given to another by a message, as they are */
};

/* No entry into the kernel lasts longer than so many instructions. */
#define CALF_ENTRY_MAX 100000

/*
 * calf_ps(int after, struct calf_ps *ps): the process with the smallest pid
 * greater than `after`. Returns 1, or 0 when there is none.
 */
struct calf_ps {
	int32_t pid;
	int32_t ppid;
	int32_t pgid;
	uint8_t state; /* 'R' running or ready, 'S' asleep, 'T', 'Z' */
	uint8_t hart;  /* where it runs or ran last */
	uint16_t reserved;
	uint64_t time_ticks;  /* of the timebase, spent on a hart */
	uint64_t child_ticks; /* of children that were waited for */
	char name[32];
	uint32_t args_len;
	char args[132]; /* what it was executed with, or the beginning */
};

/*
 * Kinds of an entry of the page-table tree, in the order of enum pte_kind;
 * docs/design.md explains them.
 */
enum calf_kind {
	CALF_EMPTY,    /* nothing here */
	CALF_RESERVED, /* demand-zero memory, not yet touched */
	CALF_HIDDEN,   /* a page without any permission */
	CALF_LAZY,     /* a table that others point to as well */
	CALF_TABLE,    /* a table of its own */
	CALF_PAGE,     /* a page */
};

#define CALF_R      1
#define CALF_W      2
#define CALF_X      4
#define CALF_COW    8  /* copied at the first write */
#define CALF_SHARED 16 /* MAP_SHARED */

struct calf_entry {
	uint8_t kind;   /* enum calf_kind */
	uint8_t flags;  /* CALF_R ... */
	uint16_t index; /* within its table */
	uint32_t count; /* references to the frame it names, or 0 */
	uint64_t pa;    /* that frame's physical address, or 0 */
	uint64_t pte;   /* the entry itself */
};

/*
 * calf_walk(int pid, uint64_t va, struct calf_walk *w): the translation of
 * `va`, level by level. pid 0 is the caller. `depth` entries are filled,
 * entry[0] being the root's; the walk ends at the first entry that is neither
 * LAZY nor TABLE. Returns 0, ESRCH, or EINVAL for an address outside the user
 * half.
 */
struct calf_walk {
	uint64_t root_pa;
	uint32_t root_count;
	uint32_t depth; /* 1 to 3 */
	struct calf_entry entry[3];
};

/*
 * calf_next(int pid, uint64_t va, struct calf_run *run): the first run at or
 * above `va` of neighbouring addresses whose last-level entries are alike in
 * kind, flags and count, and whose tables are alike shared. A run ends at the
 * border of an eighth of its table, so neighbours may still be alike.
 * Returns 1, 0 when nothing is mapped from `va` on, or an error as calf_walk.
 */
struct calf_run {
	uint64_t start;
	uint64_t end;
	uint8_t kind; /* of the entries that end the walk; never EMPTY */
	uint8_t flags;
	uint8_t
	    level;    /* where the walk ends: 0 = 4 KiB, 1 = 2 MiB, 2 = 1 GiB */
	uint8_t lazy; /* non-zero if a table on the way is shared (LAZY) */
	uint32_t count;  /* references to each page, or 0 */
	uint32_t tables; /* references to the nearest shared table, or 0 */
	uint32_t reserved;
};

/*
 * calf_check(): test builds. Stops every other hart, empties the exec cache,
 * verifies invariants I0 to I5, and returns the number of free frames. A
 * broken invariant stops the machine with a report.
 *
 * calf_fail(uint64_t n, int mode): test builds. Of the frame allocations made
 * on behalf of the calling process from now on, fail the n-th (1 is the next;
 * mode CALF_FAIL_ONCE) or all from the n-th on (CALF_FAIL_FROM). n = 0 ends
 * it. Returns how many allocations have failed since it was last called.
 */
#define CALF_FAIL_ONCE 0
#define CALF_FAIL_FROM 1

/*
 * Mode CALF_FAIL_SITES: names on the console the places in the kernel where no
 * allocation has failed yet. Returns how many places there are, and from bit 32
 * on how many have failed.
 */
#define CALF_FAIL_SITES 2

#endif
