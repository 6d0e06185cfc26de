/* SPDX-License-Identifier: MIT */
/*
 * image.c - ELF files loaded once, kept as address spaces that never run.
 *
 * Everything in the file is doubted: sizes, overlaps, alignment and addresses
 * are checked before the first frame is allocated.
 *
 * Locks: [i] image_lock
 */
#include "image.h"

#include "abi/elf.h"
#include "abi/errno.h"
#include "arch/layout.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/exec.h"
#include "proc/signal.h"
#include "proc/space.h"

#define STACK_HEAD   (32UL << 10)
#define STACK_GUARD  (1UL << 20)  /* of nothing below it */
#define STACK_GAP    (32UL << 10) /* to a program above it */
#define MAX_SEGMENTS 32
#define PIE_BASE     0x1010000UL
#define LOWEST       0x1000UL
#define IMAGES_MAX   256 /* that are kept: one is looked for among all */

struct elf {
	const struct node *node;
	struct elf_header header;
	vaddr_t base; /* added to every address */
};

struct image {
	struct list link;        /* [i] */
	const struct node *node; /* [c] */
	struct aspace *as;       /* [c] */
	struct image_info info;  /* [c] */

	/* While it is built, by one process. */
	struct elf elf;
	struct range_op op; /* reserves a segment; .end is 0 between two */
	vaddr_t mapped_to;  /* the end of the last segment, */
	uint64_t last_perms;
	bool is_laid_out;
	unsigned segment; /* that is reserved next, or being loaded */
	uint64_t loaded;  /* bytes of it */
};

static struct lock image_lock;
static struct list images = {&images, &images}; /* [i] the last used first */
static unsigned image_count;                    /* [i] */
static struct slab image_slab = SLAB_INIT(struct image);

/* The i-th program header; the caller has checked that it is in the file. */
static struct elf_segment segment_at(const struct elf *elf, unsigned i)
{
	struct elf_segment segment;

	memcpy(&segment,
	    elf->node->data + elf->header.phoff + i * sizeof segment,
	    sizeof segment);
	segment.vaddr += elf->base;
	return segment;
}

static bool header_is_valid(struct elf *elf)
{
	static const uint8_t magic[6] = {0x7f, 'E', 'L', 'F', 2, 1};
	struct elf_header *h = &elf->header;
	uint64_t size = elf->node->size;

	if (size < sizeof *h)
		return false;
	memcpy(h, elf->node->data, sizeof *h);
	if (memcmp(h->ident, magic, sizeof magic) != 0 ||
	    h->machine != EM_RISCV || (h->type != ET_EXEC && h->type != ET_DYN))
		return false;
	elf->base = h->type == ET_DYN ? PIE_BASE : 0;
	return h->phentsize == sizeof(struct elf_segment) && h->phnum > 0 &&
	    h->phnum <= MAX_SEGMENTS && h->phoff <= size &&
	    h->phnum * sizeof(struct elf_segment) <= size - h->phoff;
}

static bool segment_is_valid(const struct elf *elf, const struct elf_segment *s,
    vaddr_t above)
{
	uint64_t size = elf->node->size;

	return s->filesz <= s->memsz && s->offset <= size &&
	    s->filesz <= size - s->offset && s->vaddr >= LOWEST &&
	    s->vaddr >= above && s->vaddr < USER_TOP / 2 &&
	    s->memsz <= USER_TOP / 2 - s->vaddr &&
	    (s->vaddr - elf->base) % PAGE_SIZE == s->offset % PAGE_SIZE;
}

/* Segments in ascending order, apart, inside the file and the user half. */
static bool segments_are_valid(struct elf *elf, struct image_info *info)
{
	vaddr_t above = 0;

	info->entry = elf->header.entry + elf->base;
	info->phnum = elf->header.phnum;
	info->phdr = 0;
	info->stack_perms = PTE_R | PTE_W;
	for (unsigned i = 0; i < elf->header.phnum; i++) {
		struct elf_segment s = segment_at(elf, i);
		uint64_t phoff = elf->header.phoff;

		if (s.type == PT_INTERP)
			return false;
		if (s.type == PT_GNU_STACK && (s.flags & PF_X))
			info->stack_perms |= PTE_X;
		if (s.type != PT_LOAD || s.memsz == 0)
			continue;
		if (!segment_is_valid(elf, &s, above))
			return false;
		if (above == 0)
			info->start = page_floor(s.vaddr);
		above = s.vaddr + s.memsz;
		if (phoff >= s.offset && phoff - s.offset < s.filesz)
			info->phdr = s.vaddr + (phoff - s.offset);
	}
	info->end = page_ceil(above);
	return above != 0;
}

static uint64_t segment_perms(const struct elf_segment *s)
{
	return (s->flags & PF_R ? PTE_R : 0) |
	    (s->flags & PF_W ? PTE_R | PTE_W : 0) |
	    (s->flags & PF_X ? PTE_X : 0);
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
static int segment_reserve(struct image *image, const struct elf_segment *s)
{
	vaddr_t start = page_floor(s->vaddr);
	vaddr_t end = page_ceil(s->vaddr + s->memsz);
	uint64_t perms = segment_perms(s);
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

/* The next part of a segment, or the next segment. */
static int reserve_segments(struct image *image)
{
	int err = 0;

	if (image->op.end != 0)
		err = range_run(image->as, &image->op, RANGE_BUDGET);
	if (err != 0)
		return err;
	image->op.end = 0;
	while (image->op.end == 0) {
		struct elf_segment s;

		if (image->segment == image->elf.header.phnum)
			return 0;
		s = segment_at(&image->elf, image->segment++);
		if (s.type == PT_LOAD && s.memsz > 0)
			err = segment_reserve(image, &s);
		if (err < 0)
			return err;
	}
	return IMAGE_MORE;
}

/*
 * Writes the next bytes of a segment, at most a page. Reserved memory is zero:
 * only what is in the file has to be written.
 */
static int load_page(struct image *image, const struct elf_segment *s)
{
	vaddr_t va = s->vaddr + image->loaded;
	uint64_t n =
	    min_u64(s->filesz - image->loaded, PAGE_SIZE - (va & PAGE_MASK));
	paddr_t page;
	int err = aspace_load(image->as, va, &page);

	if (err < 0)
		return err;
	memcpy((char *)phys_to_virt(page) + (va & PAGE_MASK),
	    image->node->data + s->offset + image->loaded, n);
	image->loaded += n;
	return 0;
}

#define LOAD_PART 16 /* pages that are loaded without a pause */

static int load_segments(struct image *image)
{
	for (int pages = 0; image->segment < image->elf.header.phnum;) {
		struct elf_segment s = segment_at(&image->elf, image->segment);
		int err;

		if (s.type != PT_LOAD || image->loaded == s.filesz) {
			image->segment++;
			image->loaded = 0;
			continue;
		}
		if (pages++ == LOAD_PART)
			return IMAGE_MORE;
		err = load_page(image, &s);
		if (err < 0)
			return err;
	}
	return 0;
}

/*
 * The top of the stack lies a little above the border of a 2 MiB region, so
 * that a small process needs few tables: right below the program where that
 * leaves room, which takes one table for the stack, the program and its heap;
 * otherwise above it, which takes two. The bottom is at a border: all but the
 * head is a few entries of 2 MiB.
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
 * Above what is highest comes the page that signal handlers return to, and
 * then the heap.
 */
static int lay_out(struct aspace *as, struct image_info *info)
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

/* An image of a file that is right, with nothing in it. */
static int image_begin(const struct node *node, struct image **begun)
{
	struct image *image = slab_alloc(&image_slab);
	int err = -ENOEXEC;

	if (image == NULL)
		return -ENOMEM;
	*image = (struct image){.node = node, .elf.node = node};
	if (!header_is_valid(&image->elf) ||
	    !segments_are_valid(&image->elf, &image->info))
		goto free_image;
	err = -ENOMEM;
	image->as = aspace_create();
	if (image->as == NULL)
		goto free_image;
	*begun = image;
	return 0;

free_image:
	slab_free(&image_slab, image);
	return err;
}

static struct image *image_find(const struct node *node) REQUIRES(image_lock)
{
	list_for_each(link, &images) {
		struct image *image = list_entry(link, struct image, link);

		if (image->node == node)
			return image;
	}
	return NULL;
}

void image_abandon(struct proc *p, struct image *image)
{
	space_put(p, image->as);
	slab_free(&image_slab, image);
}

/* Takes the longest unused one out of the cache, or returns NULL. */
static struct image *oldest_take(void) REQUIRES(image_lock)
{
	struct image *image;

	if (list_is_empty(&images))
		return NULL;
	image = list_entry(images.prev, struct image, link);
	list_remove(&image->link);
	image_count--;
	return image;
}

/* Puts it into the cache, if nobody else has built the same meanwhile. */
static void image_add(struct image *image)
{
	struct image *surplus = NULL;

	tlb_code_changed();
	lock_acquire(&image_lock);
	if (image_find(image->node) != NULL) {
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

static int image_part(struct image *image)
{
	int err;

	if (image->is_laid_out)
		return load_segments(image);
	err = reserve_segments(image);
	if (err == 0)
		err = lay_out(image->as, &image->info);
	if (err != 0)
		return err;
	image->is_laid_out = true;
	image->segment = 0;
	return IMAGE_MORE;
}

int image_build(const struct node *node, struct image **image)
{
	int err = 0;

	if (*image == NULL)
		err = image_begin(node, image);
	if (err == 0)
		err = image_part(*image);
	if (err == 0) {
		image_add(*image);
		*image = NULL;
	}
	return err;
}

int image_fork(const struct node *node, struct image_info *info,
    struct aspace **as)
{
	struct image *image;
	int err = IMAGE_MORE;

	lock_acquire(&image_lock);
	image = image_find(node);
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
