/* SPDX-License-Identifier: MIT */
/*
 * opened.c - see opened.h.
 *
 * Which place is taken next depends only on the order in which places were
 * taken and given back before. So a successor that does the same calls again
 * gives the same tokens.
 */
#include "opened.h"

#include <sys/mman.h>

struct place {
	struct file file;
	uint64_t token;     /* 0: it is free */
	uint64_t id;        /* the id of the call that has opened it */
	struct place *next; /* the place that was freed before this one */
};

static struct place *places;
static size_t count;
static size_t fresh;        /* places from here on were never in use */
static struct place *given; /* the place that was freed last */
static uint64_t serial;     /* the serial number in the last token */

bool opened_make(size_t wanted)
{
	void *mem = mmap(NULL, wanted * sizeof *places, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return false;
	places = mem;
	count = wanted;
	fresh = 0;
	given = NULL;
	return true;
}

static struct place *next_place(void)
{
	if (given != NULL)
		return given;
	return fresh < count ? &places[fresh] : NULL;
}

struct file *opened_place(void)
{
	struct place *place = next_place();

	return place != NULL ? &place->file : NULL;
}

uint64_t opened_take(uint64_t id)
{
	struct place *place = next_place();

	if (place == given)
		given = place->next;
	else
		fresh++;
	place->token = ++serial * OPENED_MAX + (uint64_t)(place - places);
	place->id = id;
	return place->token;
}

uint64_t opened_by(uint64_t id)
{
	for (size_t i = 0; i < fresh; i++)
		if (places[i].token != 0 && places[i].id == id)
			return places[i].token;
	return 0;
}

static struct place *place_of(uint64_t token)
{
	return &places[token % OPENED_MAX];
}

bool opened_is(uint64_t token)
{
	return place_of(token)->token == token;
}

struct file *opened_file(uint64_t token)
{
	return &place_of(token)->file;
}

void opened_give(uint64_t token)
{
	struct place *place = place_of(token);

	place->token = 0;
	place->next = given;
	given = place;
}
