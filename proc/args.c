/* SPDX-License-Identifier: MIT */
/*
 * args.c - what a program finds at its stack pointer: argc, argv, 0, envp, 0,
 * the auxiliary vector; above that sixteen random bytes and the strings, of
 * which the path as it was given is the first.
 *
 * The strings come from the memory of the program that calls execve. They are
 * measured first, and copied when the new program has a stack.
 */
#include "args.h"

#include "abi/elf.h"
#include "abi/errno.h"
#include "arch/machine.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "proc/random.h"
#include "proc/sched.h"
#include "proc/space.h"

#define ARGS_MAX     (2UL << 20)
#define ARG_MAX      (128UL << 10)
#define HWCAP_IMAFDC 0x112d
#define PART         2048UL /* bytes that are looked at without a pause */
#define STRING_COST  32UL   /* what a string costs beside its bytes */

static int find_slot(struct program *prog)
{
	void *kernel;
	int err = user_page(prog->as, prog->slot, ACCESS_WRITE, &kernel);

	if (err == 0)
		prog->slot_at = kernel;
	return err;
}

/*
 * Stores the next word of the vectors. Words are aligned, so each is within a
 * page. No process runs in the new space yet, so a page that was found stays
 * where it is.
 */
static int put_word(struct program *prog, uint64_t word)
{
	if (prog->slot_at == NULL || (prog->slot & PAGE_MASK) == 0) {
		int err = find_slot(prog);

		if (err < 0)
			return err;
	}
	*prog->slot_at++ = word;
	prog->slot += sizeof word;
	return 0;
}

/* Reads a word of a vector; its address need not be aligned. */
static int get_word(struct aspace *as, vaddr_t at, uint64_t *word)
{
	void *kernel;
	int err;

	if (unlikely(at % sizeof *word != 0))
		return copyin(as, word, at, sizeof *word);
	err = user_page(as, at, ACCESS_READ, &kernel);
	if (err == 0)
		*word = *(const uint64_t *)kernel;
	return err;
}

enum { ARGV, ENVP, VECTORS };

/*
 * Goes on to the next string. Returns 1 if there is one, 0 at the end of both
 * vectors, or an error. While the strings are copied it stops at the number
 * that was counted, as the vectors may have been changed in between.
 */
static int next_string(struct program *prog, const struct strings *from)
{
	while (prog->string == 0 && prog->vector < VECTORS) {
		vaddr_t vector = from->vector[prog->vector];
		bool measured = prog->as != NULL;
		int err = 0;

		if (vector != 0 &&
		    (!measured || prog->index < prog->count[prog->vector]))
			err = get_word(from->as,
			    vector + prog->index * sizeof prog->string,
			    &prog->string);
		if (err < 0)
			return err;
		prog->size = 0;
		if (prog->string != 0)
			break;
		if (!measured)
			prog->count[prog->vector] = prog->index;
		else
			err = put_word(prog, 0);
		if (err < 0)
			return err;
		if (measured && prog->vector == ARGV)
			prog->as->args_end = prog->text;
		prog->vector++;
		prog->index = 0;
	}
	return prog->vector < VECTORS;
}

/* The string at hand is done: the next call of next_string() finds another. */
static void end_string(struct program *prog)
{
	prog->string = 0;
	prog->index++;
}

/* Finds the next bytes of the string at hand, at most `*n` in one page. */
static int string_bytes(const struct program *prog, const struct strings *from,
    const char **bytes, size_t *n)
{
	vaddr_t at = prog->string + prog->size;
	void *kernel = NULL;
	int err = user_page(from->as, at, ACCESS_READ, &kernel);

	*bytes = kernel;
	*n = min_u64(*n, PAGE_SIZE - (at & PAGE_MASK));
	return err;
}

/* The size of the string at `s` with its NUL; n + 1: it has none in n bytes. */
static size_t length(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] != '\0')
		i++;
	return i + 1;
}

/* Is the string at hand argv[0], whose place the words take? */
static bool is_replaced(const struct program *prog, const struct strings *from)
{
	return from->words != NULL && prog->vector == ARGV && prog->index == 0;
}

/* Goes on measuring the string at hand. */
static int measure_string(struct program *prog, const struct strings *from,
    size_t *budget)
{
	size_t n = *budget, len;
	const char *bytes;
	int err = string_bytes(prog, from, &bytes, &n);

	if (err < 0)
		return err;
	len = length(bytes, n);
	prog->size += min_u64(len, n);
	*budget -= min_u64(len, n);
	if (prog->size > ARG_MAX)
		return -E2BIG;
	if (len > n)
		return 0;
	if (!is_replaced(prog, from))
		prog->bytes += prog->size;
	if (prog->bytes + (prog->index + 3) * sizeof prog->string > ARGS_MAX)
		return -E2BIG;
	end_string(prog);
	return 0;
}

/* Goes on copying the string at hand. A string that has grown is an error. */
static int copy_string(struct program *prog, const struct strings *from,
    size_t *budget)
{
	size_t n = min_u64(*budget, PAGE_SIZE - (prog->text & PAGE_MASK)), len;
	const char *bytes;
	void *to;
	int err = string_bytes(prog, from, &bytes, &n);

	if (err == 0 && prog->text >= prog->info.stack_top)
		err = -E2BIG;
	if (err == 0)
		err = user_page(prog->as, prog->text, ACCESS_WRITE, &to);
	if (err == 0 && prog->size == 0)
		err = put_word(prog, prog->text);
	if (err < 0)
		return err;
	len = length(bytes, n);
	memcpy(to, bytes, min_u64(len, n));
	prog->text += min_u64(len, n);
	prog->size += min_u64(len, n);
	*budget -= min_u64(len, n);
	if (len <= n)
		end_string(prog);
	return 0;
}

/* Does a part of a pass over the strings: `go_on` measures or copies them. */
static int each_string(struct program *prog, const struct strings *from,
    int (*go_on)(struct program *prog, const struct strings *from,
	size_t *budget))
{
	size_t budget = PART;

	while (budget > STRING_COST) {
		int err = next_string(prog, from);

		if (err <= 0)
			return err;
		err = go_on(prog, from, &budget);
		if (err < 0)
			return err;
		budget -= min_u64(budget, STRING_COST);
	}
	return ARGS_MORE;
}

int args_measure(struct program *prog, const struct strings *from)
{
	return each_string(prog, from, measure_string);
}

static int put_text(struct program *prog, const char *s)
{
	size_t size = strlen(s) + 1;
	int err = copyout(prog->as, prog->text, s, size);

	prog->text += size;
	return err;
}

static int put_auxv(struct program *prog, vaddr_t random)
{
	const uint64_t auxv[][2] = {
	    {AT_PHDR, prog->info.phdr},
	    {AT_PHENT, sizeof(struct elf_segment)},
	    {AT_PHNUM, prog->info.phnum},
	    {AT_PAGESZ, PAGE_SIZE},
	    {AT_BASE, 0},
	    {AT_FLAGS, 0},
	    {AT_ENTRY, prog->info.entry},
	    {AT_UID, 0},
	    {AT_EUID, 0},
	    {AT_GID, 0},
	    {AT_EGID, 0},
	    {AT_HWCAP, HWCAP_IMAFDC},
	    {AT_CLKTCK, TICKS_PER_S},
	    {AT_SECURE, 0},
	    {AT_RANDOM, random},
	    {AT_EXECFN, prog->info.stack_top - prog->bytes - 8},
	    {AT_NULL, 0},
	};

	return copyout(prog->as, prog->slot, auxv, sizeof auxv);
}

/* Writes the words that take the place of argv[0]. */
static int put_replacement(struct program *prog, const struct strings *from)
{
	vaddr_t end = prog->text + from->words_len;
	const char *word = from->words;
	int err = 0;

	for (; err == 0 && prog->text < end; word += strlen(word) + 1) {
		err = put_word(prog, prog->text);
		if (err == 0)
			err = put_text(prog, word);
	}
	return err;
}

/*
 * Writes argc, and what is not copied from argv or envp: random bytes, the path
 * and the words.
 */
static int put_head(struct program *prog, const struct strings *from)
{
	vaddr_t text = prog->info.stack_top - prog->bytes - 8;
	vaddr_t random = (text - 16) & ~15UL;
	bool replaces = from->words != NULL && prog->count[ARGV] > 0;
	uint64_t argc = prog->count[ARGV] - replaces + from->word_count;
	/* Programs do not expect argc to be 0: an empty argv gets "". */
	bool nameless = argc == 0;
	uint64_t words = 1 + argc + 2 + prog->count[ENVP] + 1 + 2 * 17;
	uint64_t seed[2];
	int err;

	prog->text = text;
	prog->slot = prog->sp = (random - words * sizeof(uint64_t)) & ~15UL;
	prog->slot_at = NULL;
	random_bytes(seed, sizeof seed);
	err = copyout(prog->as, random, seed, sizeof seed);
	if (err == 0)
		err = put_text(prog, from->path);
	prog->as->args = prog->as->args_end = prog->text;
	if (err == 0)
		err = put_word(prog, argc + nameless);
	if (err == 0 && nameless)
		err = put_word(prog, prog->text - 1);
	return err == 0 ? put_replacement(prog, from) : err;
}

int args_put(struct program *prog, const struct strings *from)
{
	vaddr_t head = prog->info.stack_top - prog->bytes - 8;
	int err = 0;

	if (prog->slot == 0) {
		prog->vector = 0;
		prog->index = from->words != NULL;
		err = put_head(prog, from);
		if (err < 0)
			prog->slot = 0;
	}
	if (err == 0)
		err = each_string(prog, from, copy_string);
	return err == 0 ? put_auxv(prog, (head - 16) & ~15UL) : err;
}
