/* SPDX-License-Identifier: MIT */
/*
 * gen_model.c - the arena: where ranges may begin and end, and what of it is
 * mapped. The model is private memory, so that a fork copies it along with what
 * it describes. It helps to choose operations; their results are not compared
 * with it.
 */
#include "genprog.h"

#include <sys/mman.h>

/* Borders of all levels, each with three pages on either side. */
#define GIGA 0x1040000000UL
#define SIDE 3

static const unsigned long borders[] = {
    GIGA - 2 * MIB,
    GIGA,
    GIGA + 2 * MIB,
    GIGA + 4 * MIB,
    GIGA + GIB,
};

_Static_assert(POINTS == 5 * (2 * SIDE + 1), "genprog.h: POINTS");
_Static_assert(GIGA % GIB == 0, "a border of the highest level");

/* One more than the protection, so that the beginning is UNMAPPED. */
static unsigned char prots[STRETCHES];

unsigned long point(int i)
{
	int border = i / (2 * SIDE + 1), page = i % (2 * SIDE + 1) - SIDE;

	return borders[border] + (unsigned long)(long)page * PAGE;
}

unsigned long relative(unsigned long address)
{
	return address - (GIGA - 4 * MIB);
}

int model_prot(int i)
{
	return prots[i] - 1;
}

void model_set(struct range r, int prot)
{
	for (int i = r.from; i < r.to; i++)
		prots[i] = (unsigned char)(prot + 1);
}

bool model_has_hole(struct range r)
{
	for (int i = r.from; i < r.to; i++)
		if (prots[i] == 0)
			return true;
	return false;
}

int pick_stretch(void)
{
	return (int)pick(self.alone ? FIRST_SHARED : STRETCHES);
}

/* Most are short; a few reach over everything. */
struct range pick_range(void)
{
	int end = self.alone ? FIRST_SHARED : STRETCHES;
	int from = (int)pick((unsigned)end), len;

	if (chance(20))
		len = (int)pick(STRETCHES);
	else
		len = (int)pick(chance(3) ? 10 : 4);
	/* A GiB takes an emulator long, as it has a table of all pages. */
	if (from <= HUGE_STRETCH && from + len >= HUGE_STRETCH && !chance(8))
		len = from == HUGE_STRETCH ? len : HUGE_STRETCH - 1 - from;
	if (len < 0)
		len = 0;
	if (from == HUGE_STRETCH && !chance(8))
		from--, len = 0;
	len++;
	return (struct range){from, from + len > end ? end : from + len};
}

unsigned long pick_address(int *stretch)
{
	static const unsigned offsets[] = {0, 8, 1000, 4088, 4092, 4095};
	int i = pick_stretch();
	unsigned long at;

	/* Mostly an address that is mapped. */
	for (int tries = 0; tries < 3 && model_prot(i) == UNMAPPED; tries++)
		i = pick_stretch();
	at = chance(2) ? point(i) : point(i + 1) - PAGE;
	*stretch = i;
	return at + offsets[pick(COUNT(offsets))];
}

static int prot_at(unsigned long address)
{
	for (int i = 0; i < STRETCHES; i++)
		if (address >= point(i) && address < point(i + 1))
			return model_prot(i);
	return UNMAPPED;
}

enum reach model_reach(unsigned long at, size_t len, int prot)
{
	unsigned long page = at;

	for (; page < at + len; page = (page & ~(PAGE - 1)) + PAGE) {
		int has = prot_at(page);

		if (has == UNMAPPED || (has & prot) == 0)
			return page == at ? REACH_NONE : REACH_PART;
	}
	return REACH_ALL;
}
