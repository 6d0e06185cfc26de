/* SPDX-License-Identifier: MIT */
/*
 * exec.c - a process becomes another program.
 *
 * The new address space is complete before the old one is let go, so an error
 * changes nothing. It is a fork of the program's frozen image (image.c), whose
 * stack is given its first contents.
 */
#include "proc/exec.h"

#include "abi/elf.h"
#include "abi/errno.h"
#include "exit.h"
#include "fp.h"
#include "image.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/file.h"
#include "proc/random.h"
#include "proc/sched.h"
#include "proc/signal.h"

#define ARGS_MAX     (2UL << 20)
#define ARG_MAX      (128UL << 10)
#define HWCAP_IMAFDC 0x112d

/* Where the strings of a program's arguments come from. */
struct strings {
	struct aspace *as; /* NULL: `words`, for the first process */
	vaddr_t argv, envp;
	const char *words[2];
	size_t words_len[2];
};

/* A new address space, while it is being built. */
struct program {
	struct aspace *as;
	struct image_info info;
	vaddr_t sp;
	uint64_t argc, envc;
	uint64_t bytes; /* of all strings, terminators included */
};

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

static uint64_t count_words(const char *s, size_t len)
{
	uint64_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += s[i] != ' ' && (i == 0 || s[i - 1] == ' ');
	return count;
}

static int measure(struct program *prog, const struct strings *from)
{
	int err;

	if (from->as == NULL) {
		prog->argc =
		    1 + count_words(from->words[1], from->words_len[1]);
		prog->bytes = from->words_len[0] + from->words_len[1] + 2;
		return 0;
	}
	err = measure_vector(from->as, from->argv, &prog->argc, &prog->bytes);
	if (err == 0)
		err = measure_vector(from->as, from->envp, &prog->envc,
		    &prog->bytes);
	return err;
}

/* Copies a user string to `to` in the new address space; moves `to` on. */
static int copy_string(struct program *prog, struct aspace *from, vaddr_t at,
    vaddr_t *to)
{
	for (;;) {
		size_t n = PAGE_SIZE - max_u64(at & PAGE_MASK, *to & PAGE_MASK);
		void *source, *target;
		size_t i;
		int err = user_page(from, at, ACCESS_READ, &source);

		if (err == 0)
			err = user_page(prog->as, *to, ACCESS_WRITE, &target);
		if (err < 0)
			return err;
		for (i = 0; i < n; i++) {
			((char *)target)[i] = ((const char *)source)[i];
			if (((const char *)source)[i] == '\0') {
				*to += i + 1;
				return 0;
			}
		}
		at += n;
		*to += n;
		if (*to >= prog->info.stack_top)
			return -E2BIG; /* it grew while we looked */
	}
}

static int put_word(struct program *prog, vaddr_t *at, uint64_t word)
{
	int err = copyout(prog->as, *at, &word, sizeof word);

	*at += sizeof word;
	return err;
}

static int put_vector(struct program *prog, struct aspace *from, vaddr_t vector,
    uint64_t count, vaddr_t *slot, vaddr_t *text)
{
	int err = 0;

	for (uint64_t i = 0; err == 0 && i < count; i++) {
		vaddr_t string;

		err = copyin(from, &string, vector + i * sizeof string,
		    sizeof string);
		if (err == 0)
			err = put_word(prog, slot, *text);
		if (err == 0)
			err = copy_string(prog, from, string, text);
	}
	return err == 0 ? put_word(prog, slot, 0) : err;
}

static int put_text(struct program *prog, const char *s, size_t len,
    vaddr_t *slot, vaddr_t *text)
{
	int err = put_word(prog, slot, *text);

	if (err == 0)
		err = copyout(prog->as, *text, s, len);
	*text += len;
	if (err == 0)
		err = copyout(prog->as, *text, "", 1);
	*text += 1;
	return err;
}

static int put_words(struct program *prog, const struct strings *from,
    vaddr_t *slot, vaddr_t *text)
{
	const char *s = from->words[1], *end = s + from->words_len[1];
	int err =
	    put_text(prog, from->words[0], from->words_len[0], slot, text);

	while (err == 0 && s < end) {
		const char *word = s;

		while (s < end && *s != ' ')
			s++;
		if (s > word)
			err = put_text(prog, word, (size_t)(s - word), slot,
			    text);
		s++;
	}
	if (err == 0)
		err = put_word(prog, slot, 0);
	return err == 0 ? put_word(prog, slot, 0) : err;
}

static int put_auxv(struct program *prog, vaddr_t *slot, vaddr_t random)
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
	int err = copyout(prog->as, *slot, auxv, sizeof auxv);

	*slot += sizeof auxv;
	return err;
}

/*
 * argc, argv, 0, envp, 0, auxv at the stack pointer; sixteen random bytes and
 * the strings above. AT_EXECFN is argv[0], the first string.
 */
static int build_stack(struct program *prog, const struct strings *from)
{
	vaddr_t text = prog->info.stack_top - prog->bytes - 8;
	vaddr_t random = (text - 16) & ~15UL;
	uint64_t words = 1 + prog->argc + 1 + prog->envc + 1 + 2 * 17;
	vaddr_t slot = (random - words * sizeof(uint64_t)) & ~15UL;
	uint64_t seed[2];
	int err;

	prog->sp = slot;
	random_bytes(seed, sizeof seed);
	err = copyout(prog->as, random, seed, sizeof seed);
	if (err == 0)
		err = put_word(prog, &slot, prog->argc);
	if (err == 0 && from->as == NULL)
		err = put_words(prog, from, &slot, &text);
	else if (err == 0) {
		err = put_vector(prog, from->as, from->argv, prog->argc, &slot,
		    &text);
		if (err == 0)
			err = put_vector(prog, from->as, from->envp, prog->envc,
			    &slot, &text);
	}
	return err == 0 ? put_auxv(prog, &slot, random) : err;
}

static void discard(struct aspace *as)
{
	unsigned budget;

	if (!aspace_put(as))
		return;
	do
		budget = RANGE_BUDGET;
	while (!aspace_teardown(as, &budget));
}

static int program_build(struct program *prog, const struct node *node,
    const struct strings *from)
{
	int err = measure(prog, from);

	if (err < 0)
		return err;
	err = image_fork(node, &prog->info, &prog->as);
	if (err < 0)
		return err;
	err = build_stack(prog, from);
	if (err < 0)
		discard(prog->as);
	return err;
}

static void enter_program(struct proc *p, const struct program *prog,
    const struct node *node)
{
	memset(p->tf.x, 0, sizeof p->tf.x);
	p->tf.pc = prog->info.entry;
	*tf_reg(&p->tf, REG_SP) = prog->sp;
	str_copy(p->name, node->name, sizeof p->name);
	p->clear_tid = 0;
	lock_acquire(&sched_lock);
	p->as = prog->as;
	lock_release(&sched_lock);
}

static int find_program(const struct node *cwd, const char *path,
    const struct node **node)
{
	int err = initrd_lookup(cwd, path, true, node);

	if (err < 0)
		return err;
	if (!node_is(*node, MODE_FILE) || !((*node)->mode & 0111))
		return -EACCES;
	return 0;
}

long proc_exec(vaddr_t path_at, vaddr_t argv, vaddr_t envp)
{
	struct proc *p = proc_self();
	struct strings from = {.as = p->as, .argv = argv, .envp = envp};
	struct program prog = {0};
	struct aspace *old = p->as;
	const struct node *node;
	char *path = path_buffer();
	int err = copyinstr(old, path, path_at, PATH_MAX);

	if (err == 0)
		err = find_program(p->cwd, path, &node);
	if (err == 0)
		err = program_build(&prog, node, &from);
	if (err < 0)
		return err;

	enter_program(p, &prog, node);
	signal_exec(p);
	fd_table_exec(&p->fds);
	fp_reset(p);
	aspace_switch(p->as);
	lock_acquire(&sched_lock);
	p->did_exec = true;
	vfork_release(p);
	lock_release(&sched_lock);
	if (aspace_put(old))
		p->old = old;
	return -ENORESULT;
}

static const char *exec_error(int err)
{
	switch (err) {
	case -ENOENT:
		return "no such file";
	case -EACCES:
		return "not an executable file";
	case -ENOEXEC:
		return "not a static RISC-V ELF program, or a damaged one";
	case -ENOMEM:
		return "not enough memory";
	default:
		return "cannot be started";
	}
}

static void open_console(struct fd_table *table)
{
	struct file *f = file_create(&tty_ops, O_RDWR);

	if (f == NULL)
		panic("expected memory for the console");
	for (int fd = 0; fd < 3; fd++) {
		table->files[fd] = f;
		if (fd > 0)
			file_get(f);
	}
	table->end = 3;
	table->cloexec[0] = 0;
}

void proc_start_init(const char *path, const char *args, size_t args_len)
{
	struct strings from = {.words = {path, args},
	    .words_len = {strlen(path), args_len}};
	struct program prog = {0};
	struct proc *p = proc_create();
	const struct node *node;
	int err = find_program(NULL, path, &node);

	if (p == NULL)
		err = -ENOMEM;
	if (err == 0)
		err = program_build(&prog, node, &from);
	if (err < 0)
		panic("expected a program to start as process 1, found %s: %s",
		    path, exec_error(err));
	memset(&p->tf, 0, sizeof p->tf);
	enter_program(p, &prog, node);
	p->exit_signal = SIGCHLD;
	fd_table_init(&p->fds);
	open_console(&p->fds);
	proc_init_task = p;
	lock_acquire(&sched_lock);
	proc_publish(p, NULL);
	p->pgid = p->sid = p->pid;
	sched_wake(p);
	lock_release(&sched_lock);
}
