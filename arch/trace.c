/* SPDX-License-Identifier: MIT */
/*
 * trace.c - the ring of records; trace builds only.
 *
 * The program that drains it finds it by its name in the kernel's file, and
 * reads and writes it while the machine runs: memory of the machine is a file
 * there. As long as nobody drains it, what does not fit is counted and lost; a
 * hart that finds the ring full otherwise waits.
 *
 * Time is in instructions, without those that recording takes: what a record
 * costs from the outside is measured once, at the beginning.
 */
#include "arch/trace.h"

#include "arch/lock.h"
#include "csr.h"

#define RING_RECORDS 65536 /* a power of two */

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
	uint64_t is_read; /* [A] it is there, and wants them all */
	uint64_t lost;
	uint64_t spent; /* instructions in here so far */
	uint64_t cost;  /* of a record, beside those counted as it is made */
	uint64_t unused;
	struct trace_record records[RING_RECORDS];
} trace_ring;

struct trace_ring trace_ring ALIGNED(64);
static struct lock trace_lock;

/* Is there room for another one? */
static bool has_room(void)
{
	uint64_t drained;

	do {
		drained =
		    __atomic_load_n(&trace_ring.drained, __ATOMIC_ACQUIRE);
		if (trace_ring.written - drained < RING_RECORDS)
			return true;
		hart_relax();
	} while (__atomic_load_n(&trace_ring.is_read, __ATOMIC_RELAXED));
	return false;
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
	if (has_room())
		put(place, values, start - trace_ring.spent);
	else
		trace_ring.lost++;
	trace_ring.spent += csr_read(instret) - start + trace_ring.cost;
	lock_release(&trace_lock);
}

/* Two records with nothing between them are apart what one costs. */
void trace_init(void)
{
	uint64_t spent;

	trace_ring.is_on = 1;
	TRACE(calibrated, "", 0);
	spent = csr_read(instret) - trace_ring.spent;
	TRACE(calibrated, "", 0);
	trace_ring.cost = csr_read(instret) - trace_ring.spent - spent;
}
