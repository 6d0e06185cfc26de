/* SPDX-License-Identifier: MIT */
/*
 * space.h - address spaces as tests use them: made, changed, read, compared.
 *
 * Functions that are not the subject of a test panic when they fail, so that
 * tests say what they are about. Those whose result is the subject return it.
 */
#ifndef TESTS_KERNEL_SPACE_H
#define TESTS_KERNEL_SPACE_H

#include "abi/calf.h"
#include "arch/stats.h"
#include "mm/aspace.h"

#define KIB (1UL << 10)
#define MIB (1UL << 20)
#define GIB (1UL << 30)

#define RW  (PTE_R | PTE_W)
#define RX  (PTE_R | PTE_X)
#define RWX (PTE_R | PTE_W | PTE_X)

/* An address with neighbours in the tables of all levels. */
#define HERE (3 * GIB + 5 * (2 * MIB) + 7 * PAGE_SIZE)

/* The address for pages that another space passes on. */
#define THERE (20 * GIB + 3 * PAGE_SIZE)

struct aspace *space_new(void);
struct aspace *space_fork(struct aspace *as);
void space_drop(struct aspace *as);

/* Does a range operation to its end, in steps of `budget`. */
int range_do(struct aspace *as, struct range_op op, unsigned budget);

/* The operations with an unlimited budget; those below must succeed. */
int try_map(struct aspace *as, vaddr_t start, uint64_t len, uint64_t perms);
int try_unmap(struct aspace *as, vaddr_t start, uint64_t len);
int try_protect(struct aspace *as, vaddr_t start, uint64_t len, uint64_t perms);
int try_discard(struct aspace *as, vaddr_t start, uint64_t len);
int try_share(struct aspace *as, vaddr_t start, uint64_t len, uint64_t perms);
void map(struct aspace *as, vaddr_t start, uint64_t len, uint64_t perms);
void unmap(struct aspace *as, vaddr_t start, uint64_t len);
void protect(struct aspace *as, vaddr_t start, uint64_t len, uint64_t perms);
void discard(struct aspace *as, vaddr_t start, uint64_t len);

/* Maps and shares: what mmap does for MAP_SHARED. */
void map_shared(struct aspace *as, vaddr_t start, uint64_t len, uint64_t perms);

/* An empty bag for a mapping at THERE. */
void bag_open(struct aspace *as, uint64_t len, uint64_t perms);

/*
 * Puts pages from `va` on into the bag, at most so many. Returns how many, or
 * an error.
 */
#define BAG_PUT_MAX 8
long bag_put(struct aspace *as, struct aspace *from, vaddr_t va,
    unsigned count);

/* Maps the bag, or with an error drops it. */
int bag_close(struct aspace *as, int err);

/* Does this access succeed? 0 or an error. */
int try_access(struct aspace *as, vaddr_t va, enum access access);

/* A word through the door, as the process would read and write it. */
int try_put(struct aspace *as, vaddr_t va, uint64_t word);
void put(struct aspace *as, vaddr_t va, uint64_t word);
uint64_t get(struct aspace *as, vaddr_t va);

/* Writes word + i to page i of `count` pages. */
void put_pages(struct aspace *as, vaddr_t va, unsigned count, uint64_t word);

/* NULL if page i holds word + i, for each; or a sentence. */
const char *expect_pages(struct aspace *as, vaddr_t va, unsigned count,
    uint64_t word);

/* The entry at which the walk for `va` ends, and the entries on the way. */
struct calf_entry last_entry(struct aspace *as, vaddr_t va);
struct calf_entry entry_at(struct aspace *as, vaddr_t va, int level);

/* NULL if the walk for `va` ends in that kind at that level. */
const char *expect_end(struct aspace *as, vaddr_t va, enum calf_kind kind,
    int level);

/*
 * What a process can observe of the pages from start to end - 1, as a number:
 * permissions, sharing, contents. It does not depend on the kinds of entries
 * that stand for them.
 */
uint64_t digest(struct aspace *as, vaddr_t start, vaddr_t end);

/* What happened in mm/ between two moments. */
struct stats stats_since(struct stats before);

/*
 * NULL if exactly so many tables and pages were copied and taken over since
 * `before`.
 */
struct deeds {
	uint64_t page_copies, page_reuses, table_copies, table_reuses;
};
const char *expect_deeds(struct stats before, struct deeds deeds);

#endif
