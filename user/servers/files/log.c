/* SPDX-License-Identifier: MIT */
/*
 * log.c - see log.h.
 */
#include "log.h"

#include <string.h>
#include <sys/mman.h>

struct log_memory {
	uint64_t committed; /* the generation, and where its entries end */
	char entries[];
};

bool log_make(struct log *log, size_t size)
{
	void *mem = mmap(NULL, sizeof *log->memory + size,
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return false;
	/*
	 * Touches all of the memory now, as it is needed when memory has run
	 * out.
	 */
	memset(mem, 0, sizeof *log->memory + size);
	*log = (struct log){.memory = mem, .size = size};
	return true;
}

static struct log_entry *entry_at(const struct log *log, size_t at)
{
	return (struct log_entry *)(void *)(log->memory->entries + at);
}

struct log_entry *log_tail(const struct log *log)
{
	return entry_at(log, log->end);
}

size_t log_room(const struct log *log)
{
	return log->size - log->end - LOG_ENTRY_MAX;
}

void log_commit(struct log *log, enum log_kind kind, size_t size)
{
	struct log_entry *entry = log_tail(log);

	entry->size = (uint32_t)((size + 7) & ~7UL);
	entry->kind = kind;
	log->end += entry->size;
	/* This is last: from here on the entry counts. */
	__atomic_store_n(&log->memory->committed,
	    (uint64_t)log->generation << 32 | log->end, __ATOMIC_RELEASE);
}

void log_turn(struct log *log)
{
	log->generation++;
	log->end = 0;
	log->replayed = 0;
}

struct log_entry *log_next(const struct log *log)
{
	uint64_t committed =
	    __atomic_load_n(&log->memory->committed, __ATOMIC_ACQUIRE);

	if (committed >> 32 != log->generation ||
	    log->end == (uint32_t)committed)
		return NULL;
	return log_tail(log);
}

void log_pass(struct log *log, const struct log_entry *entry)
{
	log->end += entry->size;
	log->replayed++;
}
