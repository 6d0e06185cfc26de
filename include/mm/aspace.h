/* SPDX-License-Identifier: MIT */
/*
 * aspace.h - an address space: a root table and a few words beside it.
 *
 * The Sv39 tree is the address space. There is no list of regions: what may be
 * accessed, what is reserved and what is shared is recorded in the entries
 * (arch/sv39.h), and
 *
 *     a table is copied on first access, a page on first write.
 *
 * An address space is run, or changed, by one hart at a time: its runner. One
 * that runs nowhere may be changed by any hart, if its caller sees to it that
 * nobody runs it meanwhile; what other harts remember of it is dealt with
 * (arch/tlb.h). Its lock is there for those who only look (mm/inspect.c).
 *
 * Locks: [l] aspace.lock   [A] atomic   [c] constant once created
 *        [o] owned by the hart that runs it, or changes it
 */
#ifndef MM_ASPACE_H
#define MM_ASPACE_H

#include "arch/hart.h"
#include "arch/layout.h"
#include "arch/lock.h"
#include "arch/sv39.h"
#include "arch/tlb.h"
#include "lib/assert.h"
#include "lib/compiler.h"
#include "lib/list.h"

/*
 * Permissions are any of PTE_R, PTE_W, PTE_X; 0 is memory without access. Those
 * of a RANGE_PASS have PTE_SHARED as well if the mapping is one of MAP_SHARED,
 * or PTE_SEALED if it can never become writable.
 */

/*
 * Changes of a range. Large ones take several calls: run until the result is
 * not RANGE_MORE. Addresses are page-aligned, start < end <= USER_TOP.
 */
enum range_kind {
	RANGE_MAP,     /* whatever was there becomes reserved memory */
	RANGE_UNMAP,   /* becomes empty */
	RANGE_PROTECT, /* gets new permissions */
	RANGE_DISCARD, /* private pages become reserved memory again */
	RANGE_SHARE,   /* whatever was there becomes MAP_SHARED memory */
	RANGE_PASS,    /* becomes what a bag holds */
	RANGE_GIVE,    /* of mm/share.c: nothing becomes MAP_SHARED memory */
	RANGE_CHECK,   /* nothing changes: is all of it mapped? */
	RANGE_FILL,    /* what is known to be empty becomes reserved memory */
	RANGE_END,     /* of mm/aspace.c: all that is left becomes empty */
};

/*
 * What is to be done, and how far it came: all that it takes to go on. The
 * caller sets the fields of the first part.
 */
struct range_op {
	enum range_kind kind;
	/* MAP, SHARE, PASS: has the length of start .. end; chooses a place. */
	bool anywhere;
	vaddr_t start;
	vaddr_t end;
	uint64_t perms; /* of what is there afterwards; 0 of a DISCARD, CHECK */

	vaddr_t at;     /* progress within the phase, or in the search */
	vaddr_t top;    /* of the gap that is found there */
	unsigned spent; /* of the budget, in this part */
	bool searching;
	uint8_t level; /* of the search */
	uint8_t phase;
	uint8_t stage; /* of SHARE and PASS, */
	int err;       /* and what it will end with */
};

#define RANGE_MORE   1
#define RANGE_BAG    2   /* PASS: its bag is to be filled */
#define RANGE_BUDGET 512 /* entries; a part ends with the table at hand */

struct aspace {
	struct lock lock;
	uint32_t users;      /* [A] processes, and others that keep it */
	struct hart *runner; /* [A] the hart that runs it, or NULL */
	uint32_t sharers;    /* processes in it; proc/space.c */
	struct list turn;    /* of those: they wait until it has no runner */
	struct list lenders; /* of those: they lent it; the last one first */
	struct aspace *next_dead; /* among those that a process tears down */
	struct frame *root;       /* [c] */
	pte_t *top;   /* [c] the root's entries; entries themselves [l] */
	uint16_t low; /* [l] the root's entries low .. high - 1 are EMPTY */
	uint16_t high;
	bool is_system;    /* for the audit: a server of boot's is in it */
	struct asid asid;  /* [o] */
	vaddr_t brk_start; /* [o] the heap is brk_start .. brk_end - 1 */
	vaddr_t brk_end;
	vaddr_t cursor;         /* [l] where the next one begins, */
	uint64_t gap_len;       /* [l] for this size or more */
	vaddr_t trampoline;     /* [o] where signal handlers return to */
	vaddr_t args;           /* [c] a program's arguments, one behind */
	vaddr_t args_end;       /* the other; from when it is entered on */
	struct aspace *aside;   /* [o] a mapping that is being built, or NULL */
	struct range_op own_op; /* [o] while it has no users, or is aside */
	struct list link;       /* in the list of all, for the audit */
};

/* The permission that it needs. */
enum access { ACCESS_READ = PTE_R, ACCESS_WRITE = PTE_W, ACCESS_EXEC = PTE_X };

/* An empty address space with one user, or NULL if memory is out. */
MUST_USE struct aspace *aspace_create(void);

/*
 * A copy that shares everything, with one user, or NULL if memory is out.
 * The cost is that of its root: it depends on neither size nor number of
 * mappings.
 */
MUST_USE struct aspace *aspace_fork(struct aspace *as) EXCLUDES(as->lock);

/*
 * Makes the tables on the way to both addresses private, as far as memory
 * allows: for what is going to be touched at once.
 */
void aspace_own_paths(struct aspace *as, vaddr_t a, vaddr_t b)
    EXCLUDES(as->lock);

void aspace_get(struct aspace *as);

/*
 * Drops a user. True if it was the last: then the caller has to call
 * aspace_teardown() until it returns true, too. Nothing may be running in it.
 */
MUST_USE bool aspace_put(struct aspace *as);

/*
 * Frees a part of an address space without users, about `*budget` entries,
 * and lowers the budget. True when all is gone, `as` included.
 */
MUST_USE bool aspace_teardown(struct aspace *as, unsigned *budget);

/* Both at once: for one that never ran, and shares most of what it has. */
void aspace_discard(struct aspace *as);

/*
 * C4: an address space has one runner, the hart that runs it or changes it, or
 * none. To claim it one must have made sure that no other hart does so now.
 */
INLINE bool aspace_is_ours(const struct aspace *as)
{
	return as->runner == hart_self();
}

INLINE bool aspace_is_idle(const struct aspace *as)
{
	return __atomic_load_n(&as->runner, __ATOMIC_ACQUIRE) == NULL;
}

INLINE void aspace_claim(struct aspace *as)
{
	assert(aspace_is_idle(as));
	as->runner = hart_self();
}

INLINE void aspace_leave(struct aspace *as)
{
	assert(aspace_is_ours(as));
	__atomic_store_n(&as->runner, NULL, __ATOMIC_RELEASE);
}

/* Makes it the one this hart's translations come from. */
INLINE void aspace_switch(struct aspace *as)
{
	assert(aspace_is_ours(as));
	tlb_switch(virt_to_phys(as->top), &as->asid);
}

/*
 * The one door. Makes the path to `va` private, gives a page where one is due,
 * and makes it writable for ACCESS_WRITE. Every touch of user memory comes
 * through here, the kernel's like the hardware's.
 *
 * Returns 0 with the page's physical address in *page; -EFAULT if `va` is not
 * mapped or lacks the permission; -ENOMEM if there was no frame for a table or
 * a page, in which case what the process can observe is unchanged.
 */
MUST_USE int aspace_resolve(struct aspace *as, vaddr_t va, enum access access,
    paddr_t *page) EXCLUDES(as->lock);

/*
 * As aspace_resolve(), for a page fault. If nothing had to be done, the TLB of
 * a hart was behind, and is fenced. The page of the device counts as mapped
 * memory here.
 */
MUST_USE int aspace_fault(struct aspace *as, vaddr_t va, enum access access)
    EXCLUDES(as->lock);

/*
 * A page for the kernel to fill, whatever its permissions: of an address
 * space under construction only, which no one else has seen.
 */
MUST_USE int aspace_load(struct aspace *as, vaddr_t va, paddr_t *page)
    EXCLUDES(as->lock);

/*
 * Does a part of `op`, about `budget` entries. Returns RANGE_MORE, or 0 when
 * it is done. -ENOMEM: memory is out, or there is no gap for it, or (PROTECT,
 * DISCARD) part of the range is empty. -EACCES: PROTECT is to make a page
 * writable that is sealed. Then nothing observable has changed.
 *
 * An operation with `anywhere` is placed in the highest gap that is large
 * enough: if it could fill entries of a higher level, in the highest where it
 * begins at the border of one, if there is such a gap; never at address 0.
 *
 * From one part to the next nobody else may change the address space. What the
 * process does in between does not matter otherwise.
 */
MUST_USE int range_run(struct aspace *as, struct range_op *op, unsigned budget)
    EXCLUDES(as->lock);

/*
 * A page for another address space travels in a bag, under the rule of fork:
 * it is shared, read-only, until somebody writes to it. Or, if the mapping is
 * one of MAP_SHARED, both have it as memory of MAP_SHARED.
 *
 * range_run() of a RANGE_PASS makes the bag, for a mapping of `start` to `end`,
 * and returns RANGE_BAG. Then bag_fill() puts pages in, from the first address
 * on. bag_range() closes the bag, and gives the operation that goes on: run to
 * its end, it maps what is in the bag, and what has not been filled in as
 * memory without access; or it drops the bag, with the error that it was given,
 * or with -ENOMEM where there is no frame for a table of the rest. Until then
 * what is mapped at that place is as it was. A bag that is left goes with the
 * next mapping of RANGE_PASS or RANGE_SHARE, or with the address space.
 */

/*
 * Puts pages of `from` into the bag of `to`: those at `count` addresses in
 * `pages`, each read once, or zeros where that is 0. Nobody else runs either.
 * Returns for how many it did so, a part of them: `count` may be more than is
 * left to be filled. A page of MAP_SHARED, and one that very many name, is put
 * in as a copy, unless the mapping is one of MAP_SHARED. Or what is wrong with
 * the first: -EFAULT, it is not readable memory, or not the address of a page;
 * -ENODEV, it is to be shared, and no page of MAP_SHARED that `from` can write
 * to; -ENOMEM, there was no frame for a table of the bag or for a copy, or very
 * many name a page that is to be shared.
 */
MUST_USE long bag_fill(struct aspace *to, struct aspace *from,
    const uint64_t *pages, uint64_t count) EXCLUDES(to->lock, from->lock);

/*
 * As bag_fill(), for `count` pages that follow each other from `va` on. If they
 * fill a table, whose pages may all be used as the mapping says, and a table of
 * the bag, then the table is passed as a whole, as fork does.
 */
MUST_USE long bag_fill_run(struct aspace *to, struct aspace *from, vaddr_t va,
    uint64_t count) EXCLUDES(to->lock, from->lock);

/* How many bytes of the bag have been filled, and can be in all. */
INLINE uint64_t bag_filled(const struct aspace *as)
{
	return as->aside->own_op.at - as->aside->own_op.start;
}

INLINE uint64_t bag_size(const struct aspace *as)
{
	return as->aside->own_op.end - as->aside->own_op.start;
}

/* What maps it; or drops it, and ends with the error `err` < 0. */
struct range_op bag_range(struct aspace *as, int err);

/* All of it at once: for short ones, and where there can be no pause. */
MUST_USE int range_finish(struct aspace *as, struct range_op *op)
    EXCLUDES(as->lock);

/* Is nothing at all mapped from start to end - 1? */
bool aspace_is_empty(struct aspace *as, vaddr_t start, vaddr_t end)
    EXCLUDES(as->lock);

/*
 * Maps a frame of the kernel, read-only or executable, at an empty address.
 * -ENOMEM if there is no frame for a table.
 */
MUST_USE int aspace_map_frame(struct aspace *as, vaddr_t va,
    struct frame *frame, uint64_t perms) EXCLUDES(as->lock);

/*
 * Copies between user memory and the kernel, through the same door. Return 0,
 * -EFAULT or -ENOMEM; on failure a part may have been copied.
 */
MUST_USE int copyin(struct aspace *as, void *dst, vaddr_t src, size_t len);
MUST_USE int copyout(struct aspace *as, vaddr_t dst, const void *src,
    size_t len);

/*
 * Makes user memory ready: copies to and from what is ready cannot fail until
 * the process runs again. user_ready() returns for how many bytes from `va` on
 * that could be done, or the error of the first one; user_prepare() makes all
 * of it ready, or fails.
 */
MUST_USE long user_ready(struct aspace *as, vaddr_t va, size_t len,
    enum access access);
MUST_USE int user_prepare(struct aspace *as, vaddr_t va, size_t len,
    enum access access);

/*
 * Copies a string with its terminator, at most `size` bytes. Returns 0,
 * -ENAMETOOLONG if it is longer, -EFAULT or -ENOMEM.
 */
MUST_USE int copyinstr(struct aspace *as, char *dst, vaddr_t src, size_t size);

/*
 * C5: the first access to a table that fork has shared copies it, which takes
 * long. Once a few have been copied without a pause, all of the above and
 * user_page() refuse what would need another one, with -ENOMEM: for the moment
 * there is none. A call that finds no memory has changed nothing. This one is
 * executed again after a pause (proc/call.h:call_or_later) and finds the tables
 * that have been copied, so it gets further each time. With a whole limit
 * before it, nothing that is no larger than a table reaches is refused.
 *
 * user_is_late() tells that from memory that is out. A function that does not
 * return -ENOMEM as the result of the call has to ask it; test builds assert
 * that no process goes to user mode after a refusal without a pause.
 */
#define TABLES_LATE UINT32_MAX /* hart.tables: one was refused */

static inline bool user_is_late(void)
{
	return hart_self()->tables == TABLES_LATE;
}

/* The kernel has paused: a whole limit from here on. */
static inline void user_pause(void)
{
	hart_self()->tables = 0;
}

/* Has a table been copied since? Then a long part had better wait. */
static inline bool user_took_long(void)
{
	return hart_self()->tables != 0;
}

/* Makes two pages ready. 0 or -ENOMEM; other errors are found later. */
MUST_USE int user_touch(struct aspace *as, vaddr_t a, vaddr_t b,
    enum access access);

/*
 * Before the pages of a buffer are accessed and used one by one: once the first
 * of them is there, none of the others is refused. `len` is no more than a
 * table reaches. 0 or -ENOMEM; other errors are found at their page.
 */
MUST_USE static inline int user_reach(struct aspace *as, vaddr_t va, size_t len,
    enum access access)
{
	vaddr_t last = va + len - 1;

	if (likely(len == 0 || (va ^ last) < level_span(1)))
		return 0;
	return user_touch(as, va, last, access);
}

/*
 * The kernel's address of user memory at `va`, good to the end of its page and
 * until the process runs again. Errors as aspace_resolve().
 */
MUST_USE int user_page(struct aspace *as, vaddr_t va, enum access access,
    void **kernel) EXCLUDES(as->lock);

/*
 * Maps the page of the device at DEVICE_PAGE, for the process that this hart
 * runs; false if there is none. It is in the kernel's half, where nothing looks
 * for memory of a process: a fork has it not, and no count knows it.
 */
MUST_USE bool aspace_map_device(struct aspace *as) EXCLUDES(as->lock);

/* Does the page of the device lie at `va`, for this access? */
bool aspace_allows_device(const struct aspace *as, vaddr_t va,
    enum access access) REQUIRES(as->lock);

/* The entry of a root that leads to it; EMPTY if there is none. */
extern pte_t device_entry; /* [c] after boot; see kernelmap.c */

/* The entries of the table that a LAZY or TABLE entry names. */
static inline pte_t *table_entries(pte_t e)
{
	return phys_to_virt(pte_paddr(e));
}

/*
 * Finds the entry of the page at `va` < USER_TOP, if no table on the way is
 * shared or missing: what faults and copies find nearly always, and so the one
 * walk that is not that of mm/pagetable.c.
 */
INLINE bool page_slot(const struct aspace *as, vaddr_t va, pte_t **slot)
{
	pte_t *at = &as->top[level_index(va, SV39_ROOT_LEVEL)];

#pragma GCC unroll 2
	for (int level = SV39_ROOT_LEVEL; level > 0; level--) {
		pte_t e = pte_read(at);

		if (unlikely(!pte_is_table(e)))
			return false;
		at = &table_entries(e)[level_index(va, level - 1)];
	}
	*slot = at;
	return true;
}

/*
 * A look: as user_page() if all is there and nothing has to be changed, else
 * false. Only its runner changes an address space, so that it may read the
 * tables without the lock.
 */
INLINE bool user_page_ready(const struct aspace *as, vaddr_t va,
    enum access access, void **kernel)
{
	pte_t *slot;
	pte_t e;

	if (unlikely(va >= USER_TOP || !page_slot(as, va, &slot)))
		return false;
	e = pte_read(slot);
	if (unlikely(!pte_allows(e, (uint64_t)access)))
		return false;
	*kernel = (char *)phys_to_virt(pte_paddr(e)) + (va & PAGE_MASK);
	return true;
}

/*
 * Verifies invariants I0 to I5 of docs/design.md, and panics over the first
 * that is broken. No hart may be inside mm/. Test builds only. Returns the
 * number of frames that are free, or used by system spaces alone: what servers
 * use is theirs, and changes with what they are asked.
 */
uint64_t aspace_audit(void);

/* All address spaces, under their lock. */
extern struct lock aspace_list_lock;
extern struct list aspace_list;

/* What the kernel half of every root holds; see kernelmap.c. */
extern pte_t kernel_template[SV39_ENTRIES];
extern unsigned kernel_template_end; /* entries from here on are empty */

#endif
