/* SPDX-License-Identifier: MIT */
/* oracle.c - see oracle.h. */
#include "oracle.h"

#include <string.h>

#include "arch/sv39.h"

const uint16_t oracle_offsets[4] = {0, 1, PAGE_SIZE - 2, PAGE_SIZE - 1};
uint8_t objects[MAX_OBJECTS][OBJECT_PAGES][4];
bool object_written[MAX_OBJECTS];

int oracle_byte_index(vaddr_t va)
{
	uint64_t offset = va & PAGE_MASK;

	if (offset < 2)
		return (int)offset;
	return offset >= PAGE_SIZE - 2 ? (int)(offset - (PAGE_SIZE - 4)) : -1;
}

const struct seg *oracle_seg(const struct oracle *o, uint32_t vpn)
{
	unsigned low = 0, high = o->nsegs;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (o->segs[middle].end <= vpn)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < o->nsegs && o->segs[low].start <= vpn)
		return &o->segs[low];
	return NULL;
}

/* ---- Contents ---- */

static unsigned rec_place(const struct oracle *o, uint32_t vpn)
{
	unsigned i = 0;

	while (i < o->nrecs && o->recs[i].vpn < vpn)
		i++;
	return i;
}

static const struct rec *rec_find(const struct oracle *o, uint32_t vpn)
{
	unsigned i = rec_place(o, vpn);

	return i < o->nrecs && o->recs[i].vpn == vpn ? &o->recs[i] : NULL;
}

static uint8_t *object_byte(const struct seg *seg, vaddr_t va)
{
	uint32_t page = (uint32_t)(va >> PAGE_SHIFT) - seg->start + seg->offset;

	return &objects[seg->object][page][oracle_byte_index(va)];
}

uint8_t oracle_load(const struct oracle *o, vaddr_t va)
{
	uint32_t vpn = (uint32_t)(va >> PAGE_SHIFT);
	const struct seg *seg = oracle_seg(o, vpn);
	const struct rec *rec;

	if (oracle_byte_index(va) < 0)
		return 0;
	if (seg->object != 0)
		return *object_byte(seg, va);
	rec = rec_find(o, vpn);
	return rec != NULL ? rec->bytes[oracle_byte_index(va)] : 0;
}

bool oracle_is_dirty(const struct oracle *o, vaddr_t va)
{
	uint32_t vpn = (uint32_t)(va >> PAGE_SHIFT);
	const struct rec *rec = rec_find(o, vpn);
	const struct seg *seg = oracle_seg(o, vpn);

	/*
	 * It is not recorded which processes have fenced since the last write.
	 */
	if (seg->object != 0)
		return object_written[seg->object];
	return rec != NULL && (rec->dirty >> oracle_byte_index(va) & 1);
}

bool oracle_has_room(const struct oracle *o)
{
	return o->nrecs < MAX_RECS - 12 && o->nsegs < MAX_SEGS - 8;
}

void oracle_store(struct oracle *o, vaddr_t va, uint8_t value)
{
	uint32_t vpn = (uint32_t)(va >> PAGE_SHIFT);
	const struct seg *seg = oracle_seg(o, vpn);
	int byte = oracle_byte_index(va);
	unsigned i;

	if (seg->object != 0) {
		*object_byte(seg, va) = value;
		object_written[seg->object] = true;
		return;
	}
	i = rec_place(o, vpn);
	if (i == o->nrecs || o->recs[i].vpn != vpn) {
		memmove(&o->recs[i + 1], &o->recs[i],
		    (o->nrecs - i) * sizeof o->recs[0]);
		o->nrecs++;
		o->recs[i] = (struct rec){.vpn = vpn};
	}
	o->recs[i].bytes[byte] = value;
	o->recs[i].dirty |= (uint8_t)(1 << byte);
}

void oracle_clean(struct oracle *o, uint32_t start, uint32_t end)
{
	for (unsigned i = 0; i < o->nrecs; i++)
		if (o->recs[i].vpn >= start && o->recs[i].vpn < end)
			o->recs[i].dirty = 0;
}

/* Forgets the contents of private pages. */
static void recs_drop(struct oracle *o, uint32_t start, uint32_t end)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < o->nrecs; i++) {
		uint32_t vpn = o->recs[i].vpn;

		if (vpn < start || vpn >= end)
			o->recs[kept++] = o->recs[i];
	}
	o->nrecs = kept;
}

/* ---- Segments ---- */

static void insert(struct oracle *o, unsigned at, struct seg seg)
{
	memmove(&o->segs[at + 1], &o->segs[at],
	    (o->nsegs - at) * sizeof o->segs[0]);
	o->segs[at] = seg;
	o->nsegs++;
}

/* Makes `vpn` a border; returns the first segment at or above it. */
static unsigned split(struct oracle *o, uint32_t vpn)
{
	unsigned i = 0;

	while (i < o->nsegs && o->segs[i].end <= vpn)
		i++;
	if (i < o->nsegs && o->segs[i].start < vpn) {
		struct seg upper = o->segs[i];

		upper.offset += vpn - upper.start;
		upper.start = vpn;
		o->segs[i].end = vpn;
		insert(o, ++i, upper);
	}
	return i;
}

static bool continues(const struct seg *a, const struct seg *b)
{
	return a->end == b->start && a->perms == b->perms &&
	    a->object == b->object && a->sealed == b->sealed &&
	    (a->object == 0 || a->offset + (a->end - a->start) == b->offset);
}

static void merge(struct oracle *o)
{
	unsigned kept = 0;

	for (unsigned i = 1; i < o->nsegs; i++) {
		if (continues(&o->segs[kept], &o->segs[i]))
			o->segs[kept].end = o->segs[i].end;
		else
			o->segs[++kept] = o->segs[i];
	}
	if (o->nsegs > 0)
		o->nsegs = kept + 1;
}

static void cut(struct oracle *o, uint32_t start, uint32_t end)
{
	unsigned first = split(o, start), last = split(o, end);

	memmove(&o->segs[first], &o->segs[last],
	    (o->nsegs - last) * sizeof o->segs[0]);
	o->nsegs -= last - first;
	recs_drop(o, start, end);
}

void oracle_unmap(struct oracle *o, uint32_t start, uint32_t end)
{
	cut(o, start, end);
}

void oracle_map(struct oracle *o, struct seg seg)
{
	cut(o, seg.start, seg.end);
	insert(o, split(o, seg.start), seg);
	merge(o);
}

void oracle_protect(struct oracle *o, uint32_t start, uint32_t end,
    uint8_t perms)
{
	unsigned first = split(o, start), last = split(o, end);

	for (unsigned i = first; i < last; i++)
		o->segs[i].perms = perms;
	merge(o);
	if (perms & PTE_X)
		oracle_clean(o, start, end);
}

void oracle_discard(struct oracle *o, uint32_t start, uint32_t end)
{
	for (unsigned i = 0; i < o->nsegs; i++) {
		const struct seg *s = &o->segs[i];

		if (s->object == 0 && s->start < end && s->end > start)
			recs_drop(o, s->start > start ? s->start : start,
			    s->end < end ? s->end : end);
	}
}

bool oracle_is_full(const struct oracle *o, uint32_t start, uint32_t end)
{
	while (start < end) {
		const struct seg *s = oracle_seg(o, start);

		if (s == NULL)
			return false;
		start = s->end;
	}
	return true;
}

bool oracle_is_empty(const struct oracle *o, uint32_t start, uint32_t end)
{
	for (unsigned i = 0; i < o->nsegs; i++)
		if (o->segs[i].start < end && o->segs[i].end > start)
			return false;
	return true;
}

/* The highest gap that begins at a multiple of `align` pages. */
static bool aligned_gap(const struct oracle *o, uint32_t pages, uint32_t align,
    uint32_t *start)
{
	uint32_t top = (uint32_t)(USER_TOP >> PAGE_SHIFT);

	for (unsigned i = o->nsegs;; i--) {
		uint32_t bottom = i > 0 ? o->segs[i - 1].end : 1;

		if (top >= pages && (top - pages) / align * align >= bottom) {
			*start = (top - pages) / align * align;
			return true;
		}
		if (i == 0)
			return false;
		top = o->segs[i - 1].start;
	}
}

/* For a large mapping, a gap at the border of a large entry is preferred. */
bool oracle_gap(const struct oracle *o, uint32_t pages, uint32_t *start)
{
	for (int level = SV39_ROOT_LEVEL; level >= 0; level--) {
		uint32_t span = (uint32_t)(level_span(level) >> PAGE_SHIFT);

		if (pages >= span && aligned_gap(o, pages, span, start))
			return true;
	}
	return false;
}
