/* SPDX-License-Identifier: MIT */
/*
 * image.c - programs loaded once, kept as address spaces that never run.
 *
 * A plan comes from a server, so it is not trusted: sizes, overlaps and
 * addresses are checked before the first frame is allocated.
 *
 * Locks: [i] image_lock
 */
#include "image.h"

#include "abi/errno.h"
#include "abi/mman.h"
#include "arch/layout.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "proc/exec.h"
#include "proc/signal.h"
#include "proc/space.h"

#define STACK_HEAD  (32UL << 10)
#define STACK_GUARD (1UL << 20)  /* unmapped bytes below the stack */
#define STACK_GAP   (32UL << 10) /* between it and a program above */
#define LOWEST      0x1000UL
#define IMAGES_MAX  256 /* images in the cache, which is a plain list */

struct image {
	struct list link;       /* [i] */
	struct image_key key;   /* [c] */
	struct aspace *as;      /* [c] */
	struct image_info info; /* [c] */

	/* While it is built, by one process. */
	struct program_plan *plan; /* NULL once it is complete */
	struct range_op op;  /* reserves a segment; .end is 0 between two */
	vaddr_t mapped_to;   /* the end of what is reserved */
	uint64_t last_perms; /* of its last page */
	bool is_laid_out;
	unsigned segment; /* the one to be reserved next, or being loaded */
	uint64_t loaded;  /* bytes of it that are loaded */
};

_Static_assert(sizeof(struct program_plan) <= PAGE_SIZE, "one frame");

static struct lock image_lock;
static struct list images = {&images, &images}; /* [i] the last used first */
static unsigned image_count;                    /* [i] */
static struct slab image_slab = SLAB_INIT(struct image);

static bool segment_is_valid(const struct program_segment *s, vaddr_t above)
{
	return s->start >= LOWEST && s->start >= above &&
	    s->start < USER_TOP / 2 && s->size > 0 &&
	    s->size <= USER_TOP / 2 - s->start && s->filled <= s->size &&
	    s->offset <= (uint64_t)INT64_MAX - s->filled &&
	    !(s->prot & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC));
}

/* Are segments in ascending order, apart, and inside the user half? */
static bool plan_is_valid(const struct program_plan *plan)
{
	vaddr_t above = 0;

	if (plan->count == 0 || plan->count > SEGMENTS_MAX ||
	    plan->phnum > UINT16_MAX || (plan->stack & ~(uint32_t)PROT_EXEC))
		return false;
	for (unsigned i = 0; i < plan->count; i++) {
		const struct program_segment *s = &plan->segments[i];

		if (!segment_is_valid(s, above))
			return false;
		above = s->start + s->size;
	}
	return true;
}

/* Permissions of pages: as Sv39 demands, what is writable is readable. */
static uint64_t perms_of(uint64_t prot)
{
	return (prot & PROT_READ ? PTE_R : 0) |
	    (prot & PROT_WRITE ? PTE_R | PTE_W : 0) |
	    (prot & PROT_EXEC ? PTE_X : 0);
}

static struct image_info info_of(const struct program_plan *plan)
{
	const struct program_segment *last = &plan->segments[plan->count - 1];

	return (struct image_info){.entry = plan->entry,
	    .phdr = plan->phdr,
	    .phnum = (uint16_t)plan->phnum,
	    .start = page_floor(plan->segments[0].start),
	    .end = page_ceil(last->start + last->size),
	    .stack_perms = perms_of(PROT_WRITE | plan->stack)};
}

static int reserve(struct aspace *as, vaddr_t start, vaddr_t end,
    uint64_t perms)
{
	struct range_op op = {.kind = RANGE_MAP,
	    .start = start,
	    .end = end,
	    .perms = perms};

	return start == end ? 0 : range_finish(as, &op);
}

/*
 * Begins to reserve the pages of a segment. A page that earlier segments end in
 * gets the permissions of all of them.
 */
static int segment_reserve(struct image *image, const struct program_segment *s)
{
	vaddr_t start = page_floor(s->start);
	vaddr_t end = page_ceil(s->start + s->size);
	uint64_t perms = perms_of(s->prot);
	int err = 0;

	if (start < image->mapped_to) {
		image->last_perms |= perms;
		err = reserve(image->as, start, image->mapped_to,
		    image->last_perms);
		start = image->mapped_to;
	}
	if (err < 0 || start >= end)
		return err;
	image->mapped_to = end;
	image->last_perms = perms;
	image->op = (struct range_op){.kind = RANGE_MAP,
	    .start = start,
	    .end = end,
	    .perms = perms};
	return 0;
}

/* Reserves the next part of a segment, or begins with the next segment. */
static int reserve_segments(struct image *image)
{
	int err = 0;

	if (image->op.end != 0)
		err = range_run(image->as, &image->op, RANGE_BUDGET);
	if (err != 0)
		return err;
	image->op.end = 0;
	while (image->op.end == 0) {
		if (image->segment == image->plan->count)
			return 0;
		err = segment_reserve(image,
		    &image->plan->segments[image->segment++]);
		if (err < 0)
			return err;
	}
	return IMAGE_MORE;
}

/*
 * Returns the top of the stack. It lies STACK_HEAD above the border of a 2 MiB
 * region, so that a small process needs few tables. If there is room, that is
 * in the region where the program begins: then one table holds the head of the
 * stack, the program and the beginning of the heap. Otherwise the stack is
 * above the program, which takes two tables. The rest of the stack, from border
 * to border, is a few entries of 2 MiB.
 */
static vaddr_t stack_place(const struct image_info *info)
{
	uint64_t region = level_span(1);
	vaddr_t below = info->start / region * region;

	if (below >= STACK_SIZE + STACK_GUARD &&
	    info->start - below >= STACK_HEAD + STACK_GAP)
		return below + STACK_HEAD;
	return page_ceil(info->end + STACK_GUARD + STACK_SIZE + region - 1) /
	    region * region +
	    STACK_HEAD;
}

/*
 * Above the stack and the program, whichever is higher, comes the page that
 * signal handlers return to, and then the heap.
 */
int image_add_stack(struct aspace *as, struct image_info *info)
{
	vaddr_t top = stack_place(info);
	int err =
	    reserve(as, top - STACK_HEAD - STACK_SIZE, top, info->stack_perms);

	info->stack_top = top;
	as->trampoline = max_u64(top, info->end);
	as->brk_start = as->brk_end = as->trampoline + PAGE_SIZE;
	if (err < 0)
		return err;
	return aspace_map_frame(as, as->trampoline, signal_trampoline,
	    PTE_R | PTE_X);
}

int image_begin(const struct image_key *key, struct program_plan *plan,
    struct image **begun)
{
	struct image *image;

	if (!plan_is_valid(plan))
		return -ENOEXEC;
	image = slab_alloc(&image_slab);
	if (image == NULL)
		return -ENOMEM;
	*image = (struct image){.key = *key,
	    .info = info_of(plan),
	    .as = aspace_create(),
	    .plan = plan};
	if (image->as == NULL) {
		slab_free(&image_slab, image);
		return -ENOMEM;
	}
	*begun = image;
	return 0;
}

int image_lay_out(struct image *image)
{
	int err;

	if (image->is_laid_out)
		return 0;
	err = reserve_segments(image);
	if (err == 0)
		err = image_add_stack(image->as, &image->info);
	if (err != 0)
		return err;
	image->is_laid_out = true;
	image->segment = 0;
	return IMAGE_MORE;
}

bool image_wants(struct image *image, struct image_piece *piece)
{
	const struct program_segment *s =
	    &image->plan->segments[image->segment];
	vaddr_t va;

	assert(image->is_laid_out);
	while (
	    image->segment < image->plan->count && image->loaded == s->filled) {
		image->segment++;
		image->loaded = 0;
		s++;
	}
	if (image->segment == image->plan->count)
		return false;
	va = s->start + image->loaded;
	*piece = (struct image_piece){s->offset + image->loaded,
	    min_u64(s->filled - image->loaded, PAGE_SIZE - (va & PAGE_MASK))};
	return true;
}

/* Reserved memory is zero: only what is in the file has to be written. */
int image_fill(struct image *image, const struct image_piece *piece,
    const void *bytes)
{
	vaddr_t va =
	    image->plan->segments[image->segment].start + image->loaded;
	paddr_t page;
	int err = aspace_load(image->as, va, &page);

	if (err < 0)
		return err;
	memcpy((char *)phys_to_virt(page) + (va & PAGE_MASK), bytes,
	    piece->len);
	image->loaded += piece->len;
	return 0;
}

static struct image *image_find(const struct image_key *key)
    REQUIRES(image_lock)
{
	list_for_each(link, &images) {
		struct image *image = list_entry(link, struct image, link);

		if (image->key.token == key->token &&
		    image->key.port == key->port)
			return image;
	}
	return NULL;
}

void image_abandon(struct proc *p, struct image *image)
{
	if (image->plan != NULL)
		frame_put(frame_of_virt(image->plan));
	space_put(p, image->as);
	slab_free(&image_slab, image);
}

/* Takes the image out of the cache. */
static struct image *image_take(struct image *image) REQUIRES(image_lock)
{
	list_remove(&image->link);
	image_count--;
	return image;
}

/* Takes the image out that was not used for longest; NULL: there is none. */
static struct image *oldest_take(void) REQUIRES(image_lock)
{
	if (list_is_empty(&images))
		return NULL;
	return image_take(list_entry(images.prev, struct image, link));
}

/* If another process has added this program meanwhile, that image stays. */
void image_add(struct image *image)
{
	struct image *surplus = NULL;

	frame_put(frame_of_virt(image->plan));
	image->plan = NULL;
	lock_acquire(&image_lock);
	if (image_find(&image->key) != NULL) {
		surplus = image;
	} else {
		list_push_front(&images, &image->link);
		if (++image_count > IMAGES_MAX)
			surplus = oldest_take();
	}
	lock_release(&image_lock);
	if (surplus != NULL)
		image_abandon(proc_self(), surplus);
}

int image_fork(const struct image_key *key, struct image_info *info,
    struct aspace **as)
{
	struct image *image;
	int err = IMAGE_MORE;

	lock_acquire(&image_lock);
	image = image_find(key);
	if (image != NULL) {
		list_remove(&image->link);
		list_push_front(&images, &image->link);
		*info = image->info;
		*as = aspace_fork(image->as);
		err = *as != NULL ? 0 : -ENOMEM;
	}
	lock_release(&image_lock);
	return err;
}

bool image_reclaim(struct proc *p)
{
	struct image *image;

	lock_acquire(&image_lock);
	image = oldest_take();
	lock_release(&image_lock);
	if (image == NULL)
		return false;
	image_abandon(p, image);
	return true;
}

static struct image *take_of_port(uint64_t port) REQUIRES(image_lock)
{
	list_for_each(link, &images) {
		struct image *image = list_entry(link, struct image, link);

		if (image->key.port == port)
			return image_take(image);
	}
	return NULL;
}

bool image_reclaim_of(struct proc *p, uint64_t port)
{
	struct image *image;

	lock_acquire(&image_lock);
	image = take_of_port(port);
	lock_release(&image_lock);
	if (image == NULL)
		return false;
	image_abandon(p, image);
	return true;
}
