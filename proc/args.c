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

#define ARGS_MAX     (2UL << 20)
#define ARG_MAX      (128UL << 10)
#define HWCAP_IMAFDC 0x112d

/* The length of a user string with its terminator. */
static long string_size(struct aspace *as, vaddr_t at)
{
	uint64_t size = 0;

	while (size < ARG_MAX) {
		size_t n = PAGE_SIZE - ((at + size) & PAGE_MASK);
		const char *s;
		void *kernel;
		int err = user_page(as, at + size, ACCESS_READ, &kernel);

		if (err < 0)
			return err;
		s = kernel;
		for (size_t i = 0; i < n; i++, size++)
			if (s[i] == '\0')
				return (long)size + 1;
	}
	return -E2BIG;
}

/* Counts the strings of a vector and adds up their sizes. */
static int measure_vector(struct aspace *as, vaddr_t vector, uint64_t *count,
    uint64_t *bytes)
{
	vaddr_t string;

	for (*count = 0; vector != 0; ++*count) {
		long size;
		int err = copyin(as, &string, vector + *count * sizeof string,
		    sizeof string);

		if (err < 0)
			return err;
		if (string == 0)
			return 0;
		size = string_size(as, string);
		if (size < 0)
			return (int)size;
		*bytes += (uint64_t)size;
		if (*bytes + (*count + 3) * sizeof string > ARGS_MAX)
			return -E2BIG;
	}
	return 0;
}

/* Copies a user string to where the next one is due. */
static int copy_string(struct program *prog, struct aspace *from, vaddr_t at)
{
	for (;;) {
		size_t n =
		    PAGE_SIZE - max_u64(at & PAGE_MASK, prog->text & PAGE_MASK);
		void *source, *target;
		size_t i;
		int err = user_page(from, at, ACCESS_READ, &source);

		if (err == 0)
			err = user_page(prog->as, prog->text, ACCESS_WRITE,
			    &target);
		if (err < 0)
			return err;
		for (i = 0; i < n; i++) {
			((char *)target)[i] = ((const char *)source)[i];
			if (((const char *)source)[i] == '\0') {
				prog->text += i + 1;
				return 0;
			}
		}
		at += n;
		prog->text += n;
		if (prog->text >= prog->info.stack_top)
			return -E2BIG; /* it grew while we looked */
	}
}

static int put_word(struct program *prog, uint64_t word)
{
	int err = copyout(prog->as, prog->slot, &word, sizeof word);

	prog->slot += sizeof word;
	return err;
}

static int put_vector(struct program *prog, struct aspace *from, vaddr_t vector,
    uint64_t count)
{
	int err = 0;

	for (uint64_t i = 0; err == 0 && i < count; i++) {
		vaddr_t string;

		err = copyin(from, &string, vector + i * sizeof string,
		    sizeof string);
		if (err == 0)
			err = put_word(prog, prog->text);
		if (err == 0)
			err = copy_string(prog, from, string);
	}
	return err == 0 ? put_word(prog, 0) : err;
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
	const char *rest;
	size_t n;

	if (bootarg_find("--", &rest, &n) && word + 2 >= rest)
		return word >= rest ? KIND_ARG : KIND_NONE;
	for (size_t i = 0; i < len && word[i] != '.'; i++)
		if (word[i] == '=')
			return strncmp(word, "rdinit=", 7) != 0 ? KIND_ENV
								: KIND_NONE;
	for (size_t i = 0; i < len; i++)
		if (word[i] == '.')
			return KIND_NONE;
	return word >= from->args ? KIND_ARG : KIND_NONE;
}

/* One more of the first process's strings; or its size, to begin with. */
static int put_own(struct program *prog, const char *s, size_t len,
    uint64_t *count)
{
	int err;

	++*count;
	if (prog->as == NULL) {
		prog->bytes += len + 1;
		return 0;
	}
	err = put_word(prog, prog->text);
	return err == 0 ? put_text(prog, s, len) : err;
}

static int put_words(struct program *prog, const struct strings *from,
    enum kind kind, uint64_t *count)
{
	const char *word = machine.bootargs;
	size_t len;
	int err = 0;

	for (; err == 0 && (word = bootarg_next(word, &len)) != NULL;
	     word += len)
		if (word_kind(from, word, len) == kind)
			err = put_own(prog, word, len, count);
	return err;
}

/* A word of the command line comes first, and so goes before the default. */
static int put_line(struct program *prog, const struct strings *from,
    uint64_t *argc, uint64_t *envc)
{
	static const char *const defaults[] = {"HOME=/", "TERM=linux"};
	int err;

	*argc = *envc = 0;
	err = put_own(prog, from->path, strlen(from->path), argc);
	if (err == 0)
		err = put_words(prog, from, KIND_ARG, argc);
	if (err == 0 && prog->as != NULL)
		err = put_word(prog, 0);
	if (err == 0)
		err = put_words(prog, from, KIND_ENV, envc);
	for (unsigned i = 0; err == 0 && i < array_len(defaults); i++)
		err = put_own(prog, defaults[i], strlen(defaults[i]), envc);
	if (err == 0 && prog->as != NULL)
		err = put_word(prog, 0);
	return err;
}

int args_measure(struct program *prog, const struct strings *from)
{
	int err;

	prog->bytes = strlen(from->path) + 1;
	if (from->as == NULL)
		return put_line(prog, from, &prog->argc, &prog->envc);
	err = measure_vector(from->as, from->argv, &prog->argc, &prog->bytes);
	if (err == 0)
		err = measure_vector(from->as, from->envp, &prog->envc,
		    &prog->bytes);
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

static int put_user(struct program *prog, const struct strings *from)
{
	/* Nobody's name is no name: programs do not expect argc to be 0. */
	bool nameless = prog->argc == 0;
	int err = put_word(prog, prog->argc + nameless);

	if (err == 0 && nameless)
		err = put_word(prog, prog->text - 1);
	if (err == 0)
		err = put_vector(prog, from->as, from->argv, prog->argc);
	if (err == 0)
		err = put_vector(prog, from->as, from->envp, prog->envc);
	return err;
}

int args_put(struct program *prog, const struct strings *from)
{
	vaddr_t text = prog->info.stack_top - prog->bytes - 8;
	vaddr_t random = (text - 16) & ~15UL;
	uint64_t words = 1 + prog->argc + 2 + prog->envc + 1 + 2 * 17;
	uint64_t seed[2], argc, envc;
	int err;

	prog->text = text;
	prog->slot = prog->sp = (random - words * sizeof(uint64_t)) & ~15UL;
	random_bytes(seed, sizeof seed);
	err = copyout(prog->as, random, seed, sizeof seed);
	if (err == 0)
		err = put_text(prog, from->path, strlen(from->path));
	if (err == 0 && from->as != NULL)
		err = put_user(prog, from);
	else if (err == 0) {
		err = put_word(prog, prog->argc);
		if (err == 0)
			err = put_line(prog, from, &argc, &envc);
	}
	return err == 0 ? put_auxv(prog, random) : err;
}
