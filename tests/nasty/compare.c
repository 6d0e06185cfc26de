/* SPDX-License-Identifier: MIT */
/*
 * compare.c - runs random programs on the core and on QEMU's user emulator, and
 * compares registers and memory afterwards.
 *
 *     compare [--seed N] [--count N] [--qemu PATH] [--image PATH]
 *
 * Each program has a seed of its own, and is in the image of those that begin
 * with a multiple of PROGRAMS, always at the same place. So a seed is enough to
 * repeat a run. The image is kept in a file, which QEMU runs, and from which
 * objdump shows a program that differs.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "insn.h"
#include "programs.h"
#include "words.h"

#define SHOWN     3    /* programs that differ */
#define MAX_STEPS 8192 /* of one program and the stub around it */

static const char *qemu = "qemu-riscv64";
/* Extensions that the core does not have are illegal on QEMU, too. */
static const char *cpu = "rv64,zba=false,zbb=false,zbc=false,zbs=false";
static const char *image_path = "build/nasty/compare.elf";

static uint8_t image[FLAT_SIZE];
static struct record theirs[PROGRAMS];
static struct hart hart;

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(2);
}

/* --- the two machines ----------------------------------------------------- */

/* Does what the handler of SIGILL in the image does. */
static void pass_illegal(void)
{
	struct record *r = (void *)(flat_memory + (hart.x[3] - FLAT_BASE));
	const uint8_t *at = flat_memory + (hart.sepc - FLAT_BASE);

	r->illegal++;
	flat_resume(&hart, hart.sepc + ((*at & 3) == 3 ? 4 : 2));
}

/* Leaves the records in flat_memory. NULL, or why it did not come to an end. */
static const char *run_core(unsigned count)
{
	static char why[128];

	memcpy(flat_memory, image, sizeof image);
	flat_reset(&hart);
	hart.pc = FLAT_BASE + PLAIN_ENTRY_OFFSET;
	hart_run(&hart, (uint64_t)count * MAX_STEPS);
	while (hart.priv == PRIV_S && hart.scause == CAUSE_ILLEGAL) {
		pass_illegal();
		hart_run(&hart, (uint64_t)count * MAX_STEPS);
	}
	if (hart.priv == PRIV_S && hart.scause == CAUSE_ECALL_U)
		return NULL;
	if (hart.priv == PRIV_S)
		snprintf(why, sizeof why,
		    "the core: trap %" PRIu64 " (%#" PRIx64 ") at %#" PRIx64,
		    hart.scause, hart.stval, hart.sepc);
	else
		snprintf(why, sizeof why, "the core: no end, at %#" PRIx64,
		    hart.pc);
	return why;
}

static void write_image(void)
{
	FILE *file = fopen(image_path, "wb");

	if (file == NULL || fwrite(image, sizeof image, 1, file) != 1 ||
	    fclose(file) != 0)
		fail(image_path);
	if (chmod(image_path, 0755) != 0)
		fail(image_path);
}

/* The child's part: 127 if there is no such program. */
static _Noreturn void exec_qemu(int output)
{
	dup2(output, STDOUT_FILENO);
	close(output);
	execlp(qemu, qemu, "-cpu", cpu, image_path, (char *)NULL);
	_exit(127);
}

/* Bytes read up to the end of the file. */
static size_t read_all(int from, void *to, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (
	    done < size && (n = read(from, (char *)to + done, size - done)) > 0)
		done += (size_t)n;
	return done;
}

/* Leaves the records in `theirs`. NULL, or why it did not come to an end. */
static const char *run_qemu(unsigned count)
{
	static char why[128];
	size_t expected = count * sizeof(struct record), got;
	int ends[2], status;
	pid_t pid;

	if (pipe(ends) != 0 || (pid = fork()) < 0)
		fail(qemu);
	if (pid == 0)
		exec_qemu(ends[1]);
	close(ends[1]);
	got = read_all(ends[0], theirs, expected);
	close(ends[0]);
	if (waitpid(pid, &status, 0) != pid)
		fail(qemu);
	if (status == 0 && got == expected)
		return NULL;
	snprintf(why, sizeof why, "QEMU: %s %d, after %zu of %zu bytes",
	    WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), got,
	    expected);
	return why;
}

/* --- reports -------------------------------------------------------------- */

static void show_code(const struct record *r)
{
	char command[512];

	snprintf(command, sizeof command,
	    "for p in riscv64-unknown-elf- riscv64-linux-gnu-; do "
	    "${p}objdump -M numeric -D -b binary -m riscv:rv64 "
	    "--adjust-vma=%#lx --start-address=%#" PRIx64
	    " --stop-address=%#" PRIx64
	    " %s 2>/dev/null | sed -n 's/^ /#   /p' | grep . && break; done",
	    FLAT_BASE, r->entry, r->end, image_path);
	fflush(stdout);
	if (system(command) == 0)
		return;
	for (uint64_t va = r->entry; va < r->end;) {
		struct insn insn;
		uint32_t raw;

		memcpy(&raw, image + (va - FLAT_BASE), 4);
		insn = insn_decode(raw);
		printf("#   %" PRIx64 ": %08x %s\n", va, insn.raw,
		    insn_name(&insn));
		va += insn.length;
	}
}

/* The name of the `i`th word of a record. */
static const char *word_name(unsigned i)
{
	static char name[32];
	unsigned f = offsetof(struct record, f) / 8;
	unsigned fcsr = offsetof(struct record, fcsr) / 8;

	if (i < f)
		snprintf(name, sizeof name, "x%u", i);
	else if (i < fcsr)
		snprintf(name, sizeof name, "f%u", i - f);
	else if (i == fcsr)
		return "fcsr";
	else if (i == fcsr + 1)
		return "illegal";
	else
		snprintf(name, sizeof name, "%u(x3)", i * 8);
	return name;
}

static void show_words(const struct record *before, const struct record *ours,
    const struct record *other)
{
	const uint64_t *b = (const uint64_t *)before;
	const uint64_t *o = (const uint64_t *)ours, *t = (const void *)other;

	printf("#   %-8s %-16s %-16s %s\n", "", "before", "core", "QEMU");
	for (unsigned i = 1; i < sizeof *before / 8; i++)
		if (o[i] != t[i] || i < offsetof(struct record, end) / 8)
			printf("# %c %-8s %016" PRIx64 " %016" PRIx64
			       " %016" PRIx64 "\n",
			    o[i] != t[i] ? '!' : ' ', word_name(i), b[i], o[i],
			    t[i]);
}

static void show_difference(const struct record *before,
    const struct record *ours, const struct record *other)
{
	printf("# program %" PRIu64 " differs; the same again: "
	       "make test-insn SEED=%" PRIu64 " COUNT=1\n",
	    before->seed, before->seed);
	show_code(before);
	show_words(before, ours, other);
}

/* --- programs ------------------------------------------------------------- */

/*
 * Compares the records of an image, from `first` on. Returns how many differ.
 */
static unsigned compare_records(unsigned first, unsigned count, unsigned shown)
{
	const struct record *before = programs_records(image);
	const struct record *ours = programs_records(flat_memory);
	unsigned found = 0;

	for (unsigned i = first; i < count; i++) {
		if (memcmp(&ours[i], &theirs[i], sizeof ours[i]) == 0)
			continue;
		if (shown + found++ < SHOWN)
			show_difference(&before[i], &ours[i], &theirs[i]);
	}
	return found;
}

/* Finds the program with which a machine does not come to the end. */
static unsigned show_dead(const char *why, uint64_t base, unsigned count)
{
	for (unsigned n = 1; n <= count; n++) {
		const char *core, *other;

		programs_make(image, base, n);
		write_image();
		core = run_core(n);
		other = run_qemu(n);
		if (core == NULL && other == NULL)
			continue;
		printf("# program %" PRIu64
		       " does not end: %s; the same again: "
		       "make test-insn SEED=%" PRIu64 " COUNT=1\n",
		    base + n - 1, core ? core : other, base + n - 1);
		show_code(&programs_records(image)[n - 1]);
		return 1;
	}
	printf("# %s\n", why);
	return 1;
}

/* Programs [first, count) of the image that begins with seed `base`. */
static unsigned compare_image(uint64_t base, unsigned first, unsigned count,
    unsigned shown)
{
	const char *core, *other;

	programs_make(image, base, count);
	write_image();
	core = run_core(count);
	other = run_qemu(count);
	if (core != NULL || other != NULL)
		return show_dead(core ? core : other, base, count);
	return compare_records(first, count, shown);
}

static uint64_t compare_all(uint64_t seed, uint64_t count)
{
	uint64_t found = 0, end = seed + count;

	while (seed < end) {
		uint64_t base = seed - seed % PROGRAMS;
		uint64_t n = end - base < PROGRAMS ? end - base : PROGRAMS;

		found += compare_image(base, (unsigned)(seed - base),
		    (unsigned)n, (unsigned)(found < SHOWN ? found : SHOWN));
		seed = base + n;
	}
	return found;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seed", 1, NULL, 's'},
	    {"count", 1, NULL, 'c'}, {"qemu", 1, NULL, 'q'},
	    {"image", 1, NULL, 'i'}, {NULL, 0, NULL, 0}};
	uint64_t seed = 1, count = 20000, found;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			seed = number_word(optarg);
		else if (option == 'c')
			count = number_word(optarg);
		else if (option == 'q')
			qemu = optarg;
		else if (option == 'i')
			image_path = optarg;
		else
			return 2;
	}
	printf("1..1\n");
	if (!program_is_there(qemu)) {
		printf("ok 1 - instructions_are_those_of_qemu # SKIP no %s\n",
		    qemu);
		return 0;
	}
	found = compare_all(seed, count);
	printf("%sok 1 - instructions_are_those_of_qemu # %" PRIu64
	       " programs from seed %" PRIu64 ", %" PRIu64 " differ\n",
	    found ? "not " : "", count, seed, found);
	return found != 0;
}
