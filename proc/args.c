/* SPDX-License-Identifier: MIT */
/*
 * args.c - what a program finds at its stack pointer: argc, argv, 0, envp, 0,
 * the auxiliary vector; above that sixteen random bytes and the strings, of
 * which the path as it was given is the first.
 *
 * The strings come from the memory of the program before, or from the kernel's
 * command line. They are measured first, and copied when there is a stack.
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

/* They are aligned, and so each is within a page. */
static int put_word(struct program *prog, uint64_t word)
{
	void *kernel;
	int err = user_page(prog->as, prog->slot, ACCESS_WRITE, &kernel);

	if (err < 0)
		return err;
	*(uint64_t *)kernel = word;
	prog->slot += sizeof word;
	return 0;
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
			err = copyin(from->as, &prog->string,
			    vector + prog->index * sizeof prog->string,
			    sizeof prog->string);
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

/* Where the next bytes of the string at hand are, at most `*n`. */
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

/* The length of what is at `s`, with its terminator, or n + 1 without one. */
static size_t length(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] != '\0')
		i++;
	return i + 1;
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

/* Calls `go_on` for a part of the strings: both passes work this way. */
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

static int put_text(struct program *prog, const char *s, size_t len)
{
	int err = copyout(prog->as, prog->text, s, len);

	prog->text += len;
	if (err == 0)
		err = copyout(prog->as, prog->text, "", 1);
	prog->text += 1;
	return err;
}

enum kind { KIND_NONE, KIND_ARG, KIND_ENV };

/*
 * As on Linux: what follows "--" are arguments. Before it, a word with a dot
 * is for a part of the kernel, VAR=value for the environment, and the others
 * are arguments as well, from `rdinit=` on.
 */
static enum kind word_kind(const struct strings *from, const char *word,
    size_t len)
{
	if (from->rest != NULL && word + 2 >= from->rest)
		return word >= from->rest ? KIND_ARG : KIND_NONE;
	for (size_t i = 0; i < len && word[i] != '.'; i++)
		if (word[i] == '=')
			return strncmp(word, "rdinit=", 7) != 0 ? KIND_ENV
								: KIND_NONE;
	for (size_t i = 0; i < len; i++)
		if (word[i] == '.')
			return KIND_NONE;
	return word >= from->args ? KIND_ARG : KIND_NONE;
}

/*
 * A string of the first process: counted and measured while there is no stack,
 * and written to it afterwards.
 */
static int put_own(struct program *prog, const char *s, size_t len,
    unsigned vector)
{
	int err;

	if (prog->as == NULL) {
		prog->count[vector]++;
		prog->bytes += len + 1;
		return 0;
	}
	err = put_word(prog, prog->text);
	return err == 0 ? put_text(prog, s, len) : err;
}

static int put_words(struct program *prog, const struct strings *from,
    enum kind kind, unsigned vector)
{
	const char *word = machine.bootargs;
	size_t len;
	int err = 0;

	for (; err == 0 && (word = bootarg_next(word, &len)) != NULL;
	     word += len)
		if (word_kind(from, word, len) == kind)
			err = put_own(prog, word, len, vector);
	return err;
}

static int put_end(struct program *prog)
{
	return prog->as != NULL ? put_word(prog, 0) : 0;
}

/*
 * The path and the words of the command line, for the first process. The words
 * for the environment come before the defaults, so that they are found first.
 */
static int put_line(struct program *prog, const struct strings *from)
{
	static const char *const defaults[] = {"HOME=/", "TERM=linux"};
	int err = put_own(prog, from->path, strlen(from->path), ARGV);

	if (err == 0)
		err = put_words(prog, from, KIND_ARG, ARGV);
	if (err == 0)
		err = put_end(prog);
	if (err == 0)
		err = put_words(prog, from, KIND_ENV, ENVP);
	for (unsigned i = 0; err == 0 && i < array_len(defaults); i++)
		err = put_own(prog, defaults[i], strlen(defaults[i]), ENVP);
	return err == 0 ? put_end(prog) : err;
}

int args_measure(struct program *prog, const struct strings *from)
{
	if (prog->bytes == 0)
		prog->bytes = strlen(from->path) + 1;
	if (from->as == NULL)
		return put_line(prog, from);
	return each_string(prog, from, measure_string);
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

/* argc, and the strings that belong to no vector. */
static int put_head(struct program *prog, const struct strings *from)
{
	vaddr_t text = prog->info.stack_top - prog->bytes - 8;
	vaddr_t random = (text - 16) & ~15UL;
	uint64_t argc = prog->count[ARGV];
	/* Programs do not expect argc to be 0: an empty argv gets "". */
	bool nameless = from->as != NULL && argc == 0;
	uint64_t words = 1 + argc + 2 + prog->count[ENVP] + 1 + 2 * 17;
	uint64_t seed[2];
	int err;

	prog->text = text;
	prog->slot = prog->sp = (random - words * sizeof(uint64_t)) & ~15UL;
	random_bytes(seed, sizeof seed);
	err = copyout(prog->as, random, seed, sizeof seed);
	if (err == 0)
		err = put_text(prog, from->path, strlen(from->path));
	if (err == 0)
		err = put_word(prog, argc + nameless);
	if (err == 0 && nameless)
		err = put_word(prog, prog->text - 1);
	return err;
}

int args_put(struct program *prog, const struct strings *from)
{
	vaddr_t head = prog->info.stack_top - prog->bytes - 8;
	int err = 0;

	if (prog->slot == 0) {
		prog->vector = 0;
		prog->index = 0;
		err = put_head(prog, from);
		if (err < 0)
			prog->slot = 0;
	}
	if (err == 0)
		err = from->as == NULL ? put_line(prog, from)
				       : each_string(prog, from, copy_string);
	return err == 0 ? put_auxv(prog, (head - 16) & ~15UL) : err;
}
