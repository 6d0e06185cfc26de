/* SPDX-License-Identifier: MIT */
/*
 * compare_system.c - runs random programs of S and U mode on the nasty machine,
 * its liberties turned off, and on QEMU, and compares memory afterwards.
 *
 *     compare_system [--seed N] [--count N] [--qemu PATH] [--folder PATH]
 *
 * Both boot the same image, and keep their memory in a file. All that a program
 * does is in its own block of memory (system.h), traps, page tables and
 * registers included: so the blocks have to be equal.
 */
#include <elf.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "system.h"
#include "words.h"

#define BLOCKS  400 /* of an image: the first is code */
#define RAM     0x80000000UL
#define MEMORY  (32UL << 20)
#define SHOWN   3  /* programs that differ */
#define SECONDS 20 /* for an image; most take one */

static const char *qemu = "qemu-system-riscv64";
static const char *folder = "build/nasty";
/* Extensions that the core does not have are not on QEMU either. */
static const char *cpu = "rv64,h=false,v=false,svpbmt=false,svnapot=false,"
			 "svinval=false,zba=false,zbb=false,zbc=false,"
			 "zbs=false";

static uint8_t image[BLOCKS * BLOCK_SIZE];

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(2);
}

static const char *path_of(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ & 7];

	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

/* --- the image ------------------------------------------------------------ */

/* The code of system.S, which has one segment. */
static void load_code(void)
{
	const char *path = path_of("system.elf");
	FILE *file = fopen(path, "rb");
	Elf64_Ehdr e;
	Elf64_Phdr p;
	bool found = false;

	if (file == NULL || fread(&e, sizeof e, 1, file) != 1)
		fail(path);
	for (unsigned i = 0; i < e.e_phnum; i++) {
		if (fseek(file, (long)(e.e_phoff + i * sizeof p), SEEK_SET) ||
		    fread(&p, sizeof p, 1, file) != 1)
			fail(path);
		if (p.p_type != PT_LOAD || p.p_vaddr != IMAGE_BASE)
			continue;
		if (p.p_filesz > BLOCK_SIZE ||
		    fseek(file, (long)p.p_offset, SEEK_SET) ||
		    fread(image, p.p_filesz, 1, file) != 1)
			fail(path);
		found = true;
	}
	fclose(file);
	if (!found) {
		fprintf(stderr, "%s: no code at %#x\n", path, IMAGE_BASE);
		exit(2);
	}
}

static void make_image(uint64_t seed, unsigned count)
{
	const char *path = path_of("system.img");
	size_t size = (count + 1UL) * BLOCK_SIZE;
	FILE *file = fopen(path, "wb");

	memset(image, 0, sizeof image);
	load_code();
	for (unsigned i = 0; i < count; i++)
		system_make(image, i + 1, seed + i);
	if (file == NULL || fwrite(image, size, 1, file) != 1 ||
	    fclose(file) != 0)
		fail(path);
}

/* --- the two machines ----------------------------------------------------- */

/*
 * Waits for the process, or kills it: a status as of wait(). QEMU ignores
 * signals that it can handle.
 */
static int await(pid_t pid)
{
	const struct timespec moment = {.tv_nsec = 5000000};
	int status;

	for (unsigned i = 0; i < SECONDS * 200; i++) {
		if (waitpid(pid, &status, WNOHANG) != 0)
			return status;
		nanosleep(&moment, NULL);
	}
	kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	return status;
}

/* NULL, or how the machine ended instead of with status 0. */
static const char *run(const char *const argv[])
{
	static char why[2][64];
	static unsigned next;
	char *text = why[next++ & 1];
	int status, null;
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	status = await(pid);
	if (status == 0)
		return NULL;
	snprintf(text, sizeof why[0], "%s %d",
	    WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return text;
}

static const char *run_nasty(void)
{
	const char *const argv[] = {path_of("nasty"), "-m", "32M", "-memory",
	    path_of("system.nasty"), "-kernel", path_of("system.img"), "kind=1",
	    "asids=16", "svade=0", "misaligned=1", "stval=1", "sstc=1",
	    "icache=0", "quiet=1", NULL};

	return run(argv);
}

/* maxcpus is 2, as with 1 QEMU reports faults of atomic operations as loads. */
static const char *run_qemu(void)
{
	char ram[512];
	const char *const argv[] = {qemu, "-machine", "virt,memory-backend=ram",
	    "-object", ram, "-m", "32M", "-smp", "1,maxcpus=2", "-cpu", cpu,
	    "-nographic", "-monitor", "none", "-serial", "none", "-bios",
	    path_of("system_m.elf"), "-kernel", path_of("system.img"), NULL};

	/* Otherwise memory would begin with what the last run left. */
	(void)unlink(path_of("system.qemu"));
	snprintf(ram, sizeof ram,
	    "memory-backend-file,id=ram,size=32M,share=on,mem-path=%s",
	    path_of("system.qemu"));
	return run(argv);
}

/* A machine's memory from the image on. */
static const uint8_t *memory_of(const char *name)
{
	const char *path = path_of(name);
	int file = open(path, O_RDONLY);
	void *at = file < 0
	    ? MAP_FAILED
	    : mmap(NULL, MEMORY, PROT_READ, MAP_PRIVATE, file, 0);

	if (at == MAP_FAILED)
		fail(path);
	close(file);
	return (const uint8_t *)at + (IMAGE_BASE - RAM);
}

static void memory_forget(const uint8_t *at)
{
	munmap((void *)(at - (IMAGE_BASE - RAM)), MEMORY);
}

/* --- reports -------------------------------------------------------------- */

static void show_traps(const uint8_t *ours, const uint8_t *other)
{
	const struct trap *a = (const void *)(ours + PAGE_TRAPS * 4096);
	const struct trap *b = (const void *)(other + PAGE_TRAPS * 4096);

	for (unsigned i = 0; i < TRAPS_MAX &&
	     (a[i].cause | a[i].pc | b[i].cause | b[i].pc) != 0;
	     i++) {
		bool same = memcmp(&a[i], &b[i], sizeof *a) == 0;

		for (const struct trap *t = &a[i];; t = &b[i]) {
			printf("# %s trap %u: cause %" PRIx64 " pc %" PRIx64
			       " value %" PRIx64 " sstatus %" PRIx64
			       " entry %" PRIx64 " sip %" PRIx64 "\n",
			    same             ? " "
				: t == &a[i] ? "nasty"
					     : "QEMU",
			    i, t->cause, t->pc, t->value, t->status, t->entry,
			    t->pending);
			if (same || t == &b[i])
				break;
		}
	}
}

static void show_difference(uint64_t seed, unsigned number, const uint8_t *ours,
    const uint8_t *other)
{
	const uint64_t *a = (const void *)ours, *b = (const void *)other;
	unsigned shown = 0;

	printf("# program %" PRIu64 " differs; the same again: "
	       "make test-system SEED=%" PRIu64 " COUNT=1\n",
	    seed, seed);
	for (unsigned i = 0; i < BLOCK_SIZE / 8 && shown < 16; i++)
		if (a[i] != b[i]) {
			printf("#   page %2u offset %03x: nasty %016" PRIx64
			       ", QEMU %016" PRIx64 "\n",
			    i / 512, i % 512 * 8, a[i], b[i]);
			shown++;
		}
	show_traps(ours, other);
	printf("# its code: objdump -b binary -m riscv:rv64 -M numeric -D "
	       "--adjust-vma=%#x --start-address=%#x --stop-address=%#" PRIx64
	       " %s\n",
	    IMAGE_BASE, IMAGE_BASE + number * BLOCK_SIZE + PAGE_CODE * 4096,
	    ((const struct record *)ours)->end, path_of("system.img"));
}

/* --- programs ------------------------------------------------------------- */

static unsigned compare_blocks(uint64_t seed, unsigned count, unsigned shown)
{
	const uint8_t *ours = memory_of("system.nasty");
	const uint8_t *other = memory_of("system.qemu");
	unsigned found = 0;

	for (unsigned i = 1; i <= count; i++) {
		size_t at = (size_t)i * BLOCK_SIZE;

		if (memcmp(ours + at, other + at, BLOCK_SIZE) == 0)
			continue;
		if (shown + found++ < SHOWN)
			show_difference(seed + i - 1, i, ours + at, other + at);
	}
	memory_forget(ours);
	memory_forget(other);
	return found;
}

static unsigned compare_image(uint64_t seed, unsigned count, unsigned shown)
{
	const char *ours, *other;

	make_image(seed, count);
	ours = run_nasty();
	other = run_qemu();
	if (ours == NULL && other == NULL)
		return compare_blocks(seed, count, shown);
	/* Each half alone, to find the program. */
	if (count > 1)
		return compare_image(seed, count / 2, shown) ||
		    compare_image(seed + count / 2, count - count / 2, shown);
	printf("# program %" PRIu64 " does not end: nasty %s, QEMU %s; "
	       "the same again: make test-system SEED=%" PRIu64 " COUNT=1\n",
	    seed, ours ? ours : "does", other ? other : "does", seed);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seed", 1, NULL, 's'},
	    {"count", 1, NULL, 'c'}, {"qemu", 1, NULL, 'q'},
	    {"folder", 1, NULL, 'f'}, {NULL, 0, NULL, 0}};
	uint64_t seed = 1, count = 2000, found = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			seed = number_word(optarg);
		else if (option == 'c')
			count = number_word(optarg);
		else if (option == 'q')
			qemu = optarg;
		else if (option == 'f')
			folder = optarg;
		else
			return 2;
	}
	printf("1..1\n");
	if (!program_is_there(qemu)) {
		printf("ok 1 - system_programs_do_as_on_qemu # SKIP no %s\n",
		    qemu);
		return 0;
	}
	for (uint64_t done = 0; done < count;) {
		unsigned n = BLOCKS - 1;

		if (count - done < n)
			n = (unsigned)(count - done);
		found += compare_image(seed + done, n,
		    (unsigned)(found < SHOWN ? found : SHOWN));
		done += n;
	}
	printf("%sok 1 - system_programs_do_as_on_qemu # %" PRIu64
	       " programs from seed %" PRIu64 ", %" PRIu64 " differ\n",
	    found ? "not " : "", count, seed, found);
	return found != 0;
}
