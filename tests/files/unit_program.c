/* SPDX-License-Identifier: MIT */
/*
 * unit_program.c - what execve finds: ELF files, right and damaged; and
 * scripts, beside the machine's execve.
 *
 * The scripts' interpreter is this program, which then tells its arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/servers/files/memory.h"
#include "../../user/servers/files/program.h"
#include "abi/elf.h"
#include "abi/mman.h"
#include "abi/port.h"
#include "memory.h"
#include "sim.h"
#include "tap.h"
#include "unit.h"

static struct tree t;

static struct where at(const char *path)
{
	return (struct where){t.root, path};
}

static void put(const char *path, const void *bytes, size_t len, uint32_t mode)
{
	uint64_t position = 0;
	struct file file;

	if (file_open(&t, at(path), O_CREAT | O_TRUNC | O_WRONLY, mode, &file) <
	    0)
		sim_fail("no file %s", path);
	(void)file_write(&t, &file, &position, bytes, len);
	file_close(&t, &file);
}

/* --- ELF files ------------------------------------------------------------ */

#define SEGMENTS 40
#define SIZE     20000

/* The address at which an ET_DYN is loaded. */
#define PIE_BASE 0x1010000UL

static struct {
	struct elf_header header;
	struct elf_segment segments[SEGMENTS];
	uint8_t rest[SIZE];
} elf;

/* The plan of `elf` as make_right() leaves it. */
static struct program_plan plan;

static void make_header(void)
{
	static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

	for (size_t i = 0; i < sizeof elf; i++)
		((uint8_t *)&elf)[i] = (uint8_t)sim_random();
	memcpy(elf.header.ident, ident, sizeof ident);
	elf.header.type = sim_below(2) ? ET_EXEC : ET_DYN;
	elf.header.machine = EM_RISCV;
	elf.header.phoff = offsetof(__typeof__(elf), segments);
	elf.header.phentsize = sizeof(struct elf_segment);
	elf.header.phnum = (uint16_t)(1 + sim_below(6));
	plan = (struct program_plan){.phnum = elf.header.phnum,
	    .entry = elf.header.entry,
	    .count = elf.header.phnum};
	if (elf.header.type == ET_DYN)
		plan.entry += PIE_BASE;
}

/* A segment, and what the plan says of it. */
static void make_segment(unsigned i)
{
	static const uint64_t prots[8] = {0, PROT_EXEC, PROT_WRITE,
	    PROT_WRITE | PROT_EXEC, PROT_READ, PROT_READ | PROT_EXEC,
	    PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE | PROT_EXEC};
	uint64_t offset = sim_below(SIZE);
	struct elf_segment *s = &elf.segments[i];

	*s = (struct elf_segment){.type = PT_LOAD,
	    .flags = sim_below(8),
	    .offset = offset,
	    .vaddr = (i + 16) * 65536UL + offset % 4096,
	    .filesz = sim_below((uint32_t)(sizeof elf - offset)),
	    .memsz = 30000};
	if (i >= elf.header.phnum)
		return;
	plan.segments[i] = (struct program_segment){.start = s->vaddr,
	    .size = s->memsz,
	    .offset = s->offset,
	    .filled = s->filesz,
	    .prot = prots[s->flags]};
	if (elf.header.type == ET_DYN)
		plan.segments[i].start += PIE_BASE;
	if (offset <= elf.header.phoff && elf.header.phoff < offset + s->filesz)
		plan.phdr = plan.segments[i].start + elf.header.phoff - offset;
}

static void make_right(void)
{
	make_header();
	for (unsigned i = 0; i < SEGMENTS; i++)
		make_segment(i);
}

/* Describes the first `size` bytes of `elf`, as the server does. */
static int describe(size_t size, struct program_plan *said)
{
	struct node *node;
	int err;

	put("/elf", &elf, size, 0755);
	(void)path_find(&t, at("/elf"), 0, &node);
	err = program_describe(node, said);
	if (err == 0 && said->token != node->contents)
		sim_fail("another token");
	said->token = 0;
	return err;
}

TEST(a_program_is_described_as_its_file_says)
{
	(void)tree_init(&t, (struct moment){1000, 0}, 3);
	for (unsigned i = 0; i < 3000; i++) {
		struct program_plan said = {0};
		int err;

		make_right();
		err = describe(sizeof elf, &said);
		MUST(err == 0, found("file %u: %d", i, err));
		MUST(memcmp(&said, &plan, sizeof plan) == 0,
		    found("file %u: another plan", i));
	}
	tree_destroy(&t);
	return NULL;
}

/* One thing that is wrong with a file. */
static const struct wrong {
	size_t at, len;
	uint64_t number;
} wrongs[] = {
#define HEADER(field, number)                                                \
	{                                                                    \
		offsetof(struct elf_header, field), sizeof elf.header.field, \
		    number                                                   \
	}
#define SEGMENT(field, number)                           \
	{                                                \
		sizeof(struct elf_header) +              \
		    offsetof(struct elf_segment, field), \
		    sizeof elf.segments[0].field, number \
	}
    {0, 1, 'E'},
    {3, 1, 'f'},
    {4, 1, 1}, /* of 32 bits */
    {5, 1, 2}, /* the other byte first */
    HEADER(type, 1),
    HEADER(type, 4),
    HEADER(machine, 62),
    HEADER(phentsize, 32),
    HEADER(phentsize, 57),
    HEADER(phnum, 0),
    HEADER(phnum, SEGMENTS_MAX + 1),
    HEADER(phnum, UINT16_MAX),
    HEADER(phoff, sizeof elf),
    HEADER(phoff, sizeof elf + 1),
    HEADER(phoff, sizeof elf - sizeof(struct elf_segment) + 1),
    HEADER(phoff, UINT64_MAX - 55),
    SEGMENT(type, PT_INTERP),
    SEGMENT(offset, sizeof elf + 1),
    SEGMENT(offset, UINT64_MAX),
    SEGMENT(vaddr, 0x10fff), /* unless the offset is that of a page's end */
    SEGMENT(filesz, sizeof elf + 1),
    SEGMENT(filesz, UINT64_MAX),
    SEGMENT(memsz, 1),
#undef HEADER
#undef SEGMENT
};

TEST(each_thing_that_can_be_wrong_is_found)
{
	(void)tree_init(&t, (struct moment){1000, 0}, 3);
	for (unsigned i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		struct program_plan said;
		int err;

		do {
			make_right();
		} while (elf.segments[0].offset % 4096 == 0xfff ||
		    elf.segments[0].filesz < 2);
		/*
		 * Bytes of this plan that are left on the stack must not be
		 * used.
		 */
		MUST(describe(sizeof elf, &said) == 0, "it was right");
		memcpy((uint8_t *)&elf + wrongs[i].at, &wrongs[i].number,
		    wrongs[i].len);
		err = describe(sizeof elf, &said);
		MUST(err == -ENOEXEC, found("mistake %u: %d", i, err));
	}
	tree_destroy(&t);
	return NULL;
}

static uint64_t odd_number(void)
{
	static const uint64_t numbers[] = {0, 1, 2, 3, 5, 6, 7, 31, 32, 33, 56,
	    64, 4095, 4096, sizeof elf, sizeof elf + 1, 1UL << 37, INT64_MAX,
	    UINT64_MAX, UINT64_MAX - 55, PT_GNU_STACK};

	return numbers[sim_below(sizeof numbers / sizeof *numbers)];
}

/* Writes an unusual number over some bytes of a header or of a segment. */
static void damage(void)
{
	uint64_t number = odd_number();
	size_t len = 1UL << sim_below(4);
	size_t where = sim_below(sizeof elf.header +
	    elf.header.phnum % SEGMENTS * sizeof *elf.segments);

	where -= where % len;
	memcpy((uint8_t *)&elf + where, &number, len);
}

static bool lies_in_file(const struct program_segment *s, size_t size)
{
	return s->offset <= size && s->filled <= size - s->offset &&
	    s->filled <= s->size && s->size > 0 &&
	    s->start % 4096 == s->offset % 4096;
}

TEST(a_damaged_file_is_refused_or_lies_in_itself)
{
	(void)tree_init(&t, (struct moment){1000, 0}, 3);
	for (unsigned i = 0; i < 10000; i++) {
		size_t size =
		    sim_below(20) ? sizeof elf : sim_below(sizeof elf);
		struct program_plan said;

		make_right();
		for (uint32_t n = 1 + sim_below(3); n > 0; n--)
			damage();
		if (describe(size, &said) < 0)
			continue;
		MUST(said.count > 0 && said.count <= SEGMENTS_MAX,
		    found("file %u: %u segments", i, (unsigned)said.count));
		for (unsigned k = 0; k < said.count; k++)
			MUST(lies_in_file(&said.segments[k], size),
			    found("file %u: segment %u", i, k));
	}
	tree_destroy(&t);
	return NULL;
}

/* --- scripts -------------------------------------------------------------- */

static char self[4096], dir[] = "/tmp/calf-scripts-XXXXXX";
static char said[16384], expected[16384];

/*
 * Executes the script on this machine: an error, or the arguments in
 * `expected`.
 */
static int execute(const char *path, size_t *len)
{
	char *argv[] = {(char *)(uintptr_t)path, (char *)(uintptr_t) "rest",
	    NULL};
	char *envp[] = {(char *)(uintptr_t) "TELL_ARGUMENTS=1", NULL};
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	*len = 0;
	if (pipe(ends) < 0 || (pid = fork()) < 0)
		sim_fail("no child");
	if (pid == 0) {
		dup2(ends[1], 1);
		execve(path, argv, envp);
		_exit(errno);
	}
	close(ends[1]);
	while ((n = read(ends[0], expected + *len, sizeof expected - *len)) > 0)
		*len += (size_t)n;
	close(ends[0]);
	(void)waitpid(pid, &status, 0);
	return -WEXITSTATUS(status);
}

/* Finds the program as the server does. */
static int find(const char *path, size_t *len)
{
	struct program program = {.words = said};
	struct node *home;
	int err = path_find(&t, at(dir), 0, &home);

	if (err == 0)
		err = program_find(&t, at(path), home, &program);
	if (err == 0 &&
	    (data_read(program.node, 0, expected, 4) < 4 ||
		memcmp(expected, "self", 4) != 0))
		err = -ENOEXEC;
	if (err < 0)
		return err;
	*len = program.words_len;
	if (*len == 0) {
		strcpy(said, path);
		*len = strlen(path) + 1;
	}
	memcpy(said + *len, "rest", 5);
	*len += 5;
	return 0;
}

static void put_both(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || close(fd) < 0)
		sim_fail("no file %s", path);
	put(path, bytes, len, 0755);
}

static size_t random_script(char *text)
{
	const char *pieces[] = {"#!", " ", "\t", "\n", "a", "bc  d", "0", "1",
	    "2", "/", "/nothing", dir, self, "\\", "relative"};
	size_t len = 0;

	for (uint32_t n = sim_below(9); n > 0 && len < 1000; n--) {
		uint32_t which =
		    sim_below(2) ? sim_below(15) : 11 + sim_below(2);

		/* The name of a script, or of a file that does not exist. */
		if (which == 11)
			len += (size_t)sprintf(text + len, "%s/%u", dir,
			    sim_below(5));
		else
			len += (size_t)sprintf(text + len, "%s", pieces[which]);
		if (sim_below(30) == 0)
			text[len++] = '\0';
		if (sim_below(10) == 0) {
			size_t more = 1 + sim_below(260);

			memset(text + len, sim_below(2) ? ' ' : 'y', more);
			len += more;
		}
	}
	return len;
}

static size_t make_script(char *text)
{
	size_t len = 0;

	if (sim_below(20) > 0)
		len += (size_t)sprintf(text, "#!%s",
		    sim_below(3)       ? self
			: sim_below(2) ? " "
				       : "");
	return len + random_script(text + len);
}

static const char *compare_one(void)
{
	static char text[8192];
	char path[64];
	size_t len, said_len = 0, expected_len = 0;
	int err, other;

	snprintf(path, sizeof path, "%s/%u", dir, sim_below(4));
	len = make_script(text);
	put_both(path, text, len);
	other = find(path, &said_len);
	err = execute(path, &expected_len);
	MUST(err == other,
	    found("%d, not %d: %.*s", other, err, (int)len, text));
	MUST(err < 0 ||
		(said_len == expected_len &&
		    memcmp(said, expected, said_len) == 0),
	    found("other words: %.*s", (int)len, text));
	return NULL;
}

static void make_folders(const char *path)
{
	char folder[4096];

	for (size_t i = 1; path[i] != '\0'; i++) {
		if (path[i] != '/')
			continue;
		memcpy(folder, path, i);
		folder[i] = '\0';
		(void)tree_mkdir(&t, at(folder), 0755);
	}
}

static void remove_scripts(void)
{
	char path[64];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%u", dir, i);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

TEST(scripts_are_executed_as_the_machine_executes_them)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	const char *wrong = NULL;

	if (n <= 0 || n > 200 || mkdtemp(dir) == NULL || chdir(dir) < 0)
		return "there is no place for scripts";
	(void)tree_init(&t, (struct moment){1000, 0}, 3);
	make_folders(self);
	make_folders(dir);
	(void)tree_mkdir(&t, at(dir), 0755);
	put(self, "self", 4, 0755);
	for (unsigned i = 0; i < 600 && wrong == NULL; i++)
		wrong = compare_one();
	remove_scripts();
	tree_destroy(&t);
	return wrong;
}

static int tell_arguments(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		(void)fwrite(argv[i], 1, strlen(argv[i]) + 1, stdout);
	return 0;
}

static const struct test tests[] = {
    LISTED(a_program_is_described_as_its_file_says),
    LISTED(each_thing_that_can_be_wrong_is_found),
    LISTED(a_damaged_file_is_refused_or_lies_in_itself),
    LISTED(scripts_are_executed_as_the_machine_executes_them),
};

int main(int argc, char **argv)
{
	if (getenv("TELL_ARGUMENTS") != NULL)
		return tell_arguments(argc, argv);
	return tap_run(tests, sizeof tests / sizeof *tests);
}
