/* SPDX-License-Identifier: MIT */
/*
 * oracle.h - what a process must see, without page tables, counts or sharing.
 *
 * An address space is a sorted list of segments with permissions, and of pages
 * that hold anything but zeros. Of each page four bytes are used, two at either
 * end; all others stay zero. A fork copies it all.
 */
#ifndef HOST_ORACLE_H
#define HOST_ORACLE_H

#include "lib/types.h"

#define MAX_SEGS     64
#define MAX_RECS     72
#define MAX_OBJECTS  32 /* MAP_SHARED mappings alive at once */
#define OBJECT_PAGES 6

/* Pages start .. end - 1, as numbers. */
struct seg {
	uint32_t start;
	uint32_t end;
	uint8_t perms;
	uint8_t object;  /* 0: private memory */
	bool sealed;     /* that object can never be written to here */
	uint32_t offset; /* of `start` in the object, in pages */
};

struct rec {
	uint32_t vpn;
	uint8_t bytes[4];
	uint8_t dirty; /* a bit for each byte written since fence.i */
};

struct oracle {
	unsigned nsegs;
	unsigned nrecs;
	struct seg segs[MAX_SEGS];
	struct rec recs[MAX_RECS];
};

extern uint8_t objects[MAX_OBJECTS][OBJECT_PAGES][4];
extern bool object_written[MAX_OBJECTS];

/* The offsets of the four bytes, and the reverse: -1 for all others. */
extern const uint16_t oracle_offsets[4];
int oracle_byte_index(vaddr_t va);

/* The segment that `vpn` is in, or NULL. */
const struct seg *oracle_seg(const struct oracle *o, uint32_t vpn);

/* The byte at `va`, which is mapped. */
uint8_t oracle_load(const struct oracle *o, vaddr_t va);
bool oracle_is_dirty(const struct oracle *o, vaddr_t va);

/* Is there room for a write to a page in between, or a change of range? */
bool oracle_has_room(const struct oracle *o);
void oracle_store(struct oracle *o, vaddr_t va, uint8_t value);
void oracle_clean(struct oracle *o, uint32_t start, uint32_t end);

void oracle_unmap(struct oracle *o, uint32_t start, uint32_t end);
/* Replaces what is there. */
void oracle_map(struct oracle *o, struct seg seg);
void oracle_protect(struct oracle *o, uint32_t start, uint32_t end,
    uint8_t perms);
void oracle_discard(struct oracle *o, uint32_t start, uint32_t end);

bool oracle_is_full(const struct oracle *o, uint32_t start, uint32_t end);
bool oracle_is_empty(const struct oracle *o, uint32_t start, uint32_t end);
bool oracle_gap(const struct oracle *o, uint32_t pages, uint32_t *start);

#endif
