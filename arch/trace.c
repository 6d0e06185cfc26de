/* SPDX-License-Identifier: MIT */
/*
 * trace.c - the ring of records; trace builds only.
 *
 * The program that drains it finds it by its name in the kernel's file, and
 * reads and writes it while the machine runs: memory of the machine is a file
 * there. A hart that finds the ring full waits: no record is ever lost, and a
 * trace build goes on only as long as the ring is drained.
 *
 * Time is in instructions, without those that recording takes: what a record
 * costs from the outside is measured at the beginning. On several harts it is
 * in ticks of the host's clock. There a record takes long as long as QEMU has
 * yet to translate its code, so it is measured several times, and the least
 * counts.
 */
#include "arch/trace.h"

#include "arch/lock.h"
#include "csr.h"

#define RING_RECORDS 65536 /* a power of two */
#define MEASUREMENTS 64

struct trace_record {
	uint64_t time;
	const struct trace_place *place;
	uint64_t hart;
	uint64_t values[TRACE_VALUES];
};

_Static_assert(sizeof(struct trace_record) == 64, "film_records.py");

extern struct trace_ring {
	uint64_t is_on;
	uint64_t written; /* [A] records so far */
	uint64_t drained; /* [A] of those, by the program outside */
	uint64_t spent;   /* instructions in here so far */
	uint64_t cost;    /* of a record, beside those counted as it is made */
	uint64_t unused[3];
	struct trace_record records[RING_RECORDS];
} trace_ring;

struct trace_ring trace_ring ALIGNED(64);
static struct lock trace_lock;

/* Waits until there is room for another one. */
static void wait_for_room(void)
{
	while (trace_ring.written -
		__atomic_load_n(&trace_ring.drained, __ATOMIC_ACQUIRE) >=
	    RING_RECORDS)
		hart_relax();
}

static void put(const struct trace_place *place, const uint64_t *values,
    uint64_t time)
{
	uint64_t n = trace_ring.written;
	struct trace_record *record = &trace_ring.records[n % RING_RECORDS];

	record->time = time;
	record->place = place;
	record->hart = hart_index();
	for (unsigned i = 0; i < TRACE_VALUES; i++)
		record->values[i] = values[i];
	__atomic_store_n(&trace_ring.written, n + 1, __ATOMIC_RELEASE);
}

void trace_record(const struct trace_place *place,
    const uint64_t values[TRACE_VALUES])
{
	uint64_t start;

	if (!trace_ring.is_on)
		return;
	lock_acquire(&trace_lock);
	start = csr_read(instret);
	wait_for_room();
	put(place, values, start - trace_ring.spent);
	trace_ring.spent += csr_read(instret) - start + trace_ring.cost;
	lock_release(&trace_lock);
}

/* Two records with nothing between them are apart what one costs. */
void trace_init(void)
{
	uint64_t before, apart, least = UINT64_MAX;

	trace_ring.is_on = 1;
	for (unsigned i = 0; i < MEASUREMENTS; i++) {
		before = csr_read(instret) - trace_ring.spent;
		TRACE(calibrated, "", 0);
		apart = csr_read(instret) - trace_ring.spent - before;
		least = apart < least ? apart : least;
	}
	trace_ring.cost = least;
}
