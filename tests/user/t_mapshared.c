/* SPDX-License-Identifier: MIT */
/*
 * t_mapshared.c - files that are mapped with MAP_SHARED: what one process
 * stores there is in the file, and in all other mappings of it. The first tests
 * look at that as programs, the last ones as a server.
 */
#include "service.h"

#include "abi/elf.h"

#include <sys/stat.h>

#define FILE_PATH "/tmp/t_mapshared"
#define RW        (PROT_READ | PROT_WRITE)
#define PAGES     4

enum cells { READY, GO };

/* A new file of so many bytes, 'a' in the first page, 'b' in the next. */
static int new_file(size_t size)
{
	static char page[PAGE];
	int fd;

	(void)syscall(SYS_mkdirat, AT_FDCWD, "/tmp", 0777);
	(void)unlink(FILE_PATH);
	fd = open(FILE_PATH, O_RDWR | O_CREAT, 0700);
	for (size_t at = 0; at < size; at += PAGE) {
		memset(page, 'a' + (int)(at / PAGE % 26), PAGE);
		if (write(fd, page, size - at < PAGE ? size - at : PAGE) <= 0)
			give_up("the file cannot be written");
	}
	return fd;
}

/* A mapping, or a negated errno. */
static char *map_of(int fd, size_t len, int prot, size_t offset)
{
	return (char *)raw(SYS_mmap, 0, len, prot, MAP_SHARED, fd, offset);
}

static bool is_error(const void *p, int error)
{
	return (long)p == -error;
}

static char byte_of(int fd, off_t at)
{
	char c = '?';

	if (pread(fd, &c, 1, at) != 1)
		return '!';
	return c;
}

static long put_at(int fd, const char *bytes, size_t len, size_t at)
{
	return raw(SYS_pwrite64, fd, (long)bytes, len, at);
}

/* ---- What is shared ---- */

TEST(what_is_stored_is_read_and_what_is_written_is_seen)
{
	int fd = new_file(PAGES * PAGE - 10);
	char *p = map_of(fd, PAGES * PAGE, RW, 0);

	MUST(p[0] == 'a' && p[PAGE] == 'b' && p[3 * PAGE] == 'd',
	    "other bytes");
	MUST(p[PAGES * PAGE - 10] == 0, "behind the end");
	p[PAGE + 7] = 'X';
	MUST(byte_of(fd, PAGE + 7) == 'X', "what is stored is not read");
	MUST(put_at(fd, "YZ", 2, 2 * PAGE - 1) == 2, "write");
	MUST(p[2 * PAGE - 1] == 'Y' && p[2 * PAGE] == 'Z',
	    "what is written is not seen");
	MUST(p[PAGE + 7] == 'X' && p[PAGE + 6] == 'b', "other bytes after it");
	munmap(p, PAGES * PAGE);
	close(fd);
	fd = open(FILE_PATH, O_RDONLY);
	MUST(byte_of(fd, PAGE + 7) == 'X', "it is gone with the mapping");
	return NULL;
}

/* This holds also if the server dies and its successor does all again. */
TEST(what_is_stored_last_is_there)
{
	int fd = new_file(2 * PAGE);
	char *p = map_of(fd, 2 * PAGE, RW, 0);

	MUST(put_at(fd, "old", 3, 10) == 3, "write");
	p[10] = '1';
	MUST(put_at(fd, "o", 1, 5000) == 1 && p[10] == '1', "over a write");
	MUST(raw(SYS_ftruncate, fd, 4000) == 0 &&
		raw(SYS_ftruncate, fd, 5000) == 0,
	    "ftruncate");
	p[4050] = p[4500] = '2';
	MUST(put_at(fd, "o", 1, 0) == 1 && p[4050] == '2' && p[4500] == '2',
	    "over zeros");
	MUST(raw(SYS_fallocate, fd, 3, 10, 20) == 0, "fallocate");
	p[11] = '3';
	MUST(put_at(fd, "o", 1, 0) == 1 && p[10] == 0 && p[11] == '3',
	    "over a hole");
	return NULL;
}

TEST(all_mappings_of_a_page_are_one)
{
	int fd = new_file(PAGES * PAGE), other = open(FILE_PATH, O_RDWR);
	char *p = map_of(fd, PAGES * PAGE, RW, 0);
	char *q = map_of(other, PAGE, RW, 2 * PAGE);
	char *r = map_of(other, 3 * PAGE, PROT_READ, PAGE);

	close(fd);
	close(other);
	p[2 * PAGE] = '1';
	MUST(q[0] == '1' && r[PAGE] == '1', "it is not seen");
	q[1] = '2';
	MUST(p[2 * PAGE + 1] == '2' && r[PAGE + 1] == '2', "nor the other");
	munmap(q, PAGE);
	p[2 * PAGE + 2] = '3';
	MUST(r[PAGE + 2] == '3', "one less, and it is not seen");
	return expect_no_store(r);
}

static char *mapping;

static const char *open_and_store(void)
{
	int fd = open(FILE_PATH, O_RDWR);
	char *p = map_of(fd, PAGES * PAGE, RW, 0);

	cell_set(READY, 1);
	cell_await(GO, 1);
	MUST(p[5] == 'P', "what the parent stores is not seen");
	p[6] = 'C';
	mapping[PAGE] = 'I';
	return NULL;
}

TEST(processes_share_it_by_opening_and_by_fork)
{
	int fd = new_file(PAGES * PAGE);
	pid_t pid;

	mapping = map_of(fd, 2 * PAGE, RW, 0);
	pid = child_start(open_and_store);
	cell_await(READY, 1);
	mapping[5] = 'P';
	cell_set(GO, 1);
	TRY(child_end(pid));
	MUST(mapping[6] == 'C', "what another stores is not seen");
	MUST(mapping[PAGE] == 'I', "what a child stores is not seen");
	MUST(byte_of(fd, 6) == 'C' && byte_of(fd, PAGE) == 'I', "nor read");
	return NULL;
}

#define MANY  8
#define TURNS 500

static const char *count_there(void)
{
	int fd = open(FILE_PATH, O_RDWR);
	int *p = (int *)map_of(fd, PAGE, RW, PAGE);
	char byte;

	for (int i = 0; i < TURNS; i++) {
		__atomic_fetch_add(p, 1, __ATOMIC_RELAXED);
		/* A write of a byte beside the word changes no other byte. */
		if (i % 50 == 0 && put_at(fd, "w", 1, PAGE + 100 + i) != 1)
			return "write";
		if (i % 50 == 1 && pread(fd, &byte, 1, PAGE + 99 + i) != 1)
			return "read";
	}
	return NULL;
}

TEST(many_count_in_one_word)
{
	int fd = new_file(2 * PAGE), *p;
	pid_t pids[MANY];

	p = (int *)map_of(fd, PAGE, RW, PAGE);
	*p = 0;
	for (int i = 0; i < MANY; i++)
		pids[i] = child_start(count_there);
	for (int i = 0; i < MANY; i++)
		TRY(child_end(pids[i]));
	MUST(*p == MANY * TURNS, found("%d, not %d", *p, MANY * TURNS));
	return NULL;
}

TEST(a_private_mapping_keeps_to_itself)
{
	int fd = new_file(PAGES * PAGE);
	char *p = map_of(fd, PAGES * PAGE, RW, 0), *q;

	p[PAGE] = 'S';
	q = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE, fd, 0);
	MUST(q[0] == 'a' && q[PAGE] == 'S' && q[3 * PAGE] == 'd',
	    "it does not show what was stored");
	q[PAGE] = 'Q';
	q[0] = 'Q';
	MUST(p[PAGE] == 'S' && p[0] == 'a' && byte_of(fd, PAGE) == 'S',
	    "it is seen");
	p[PAGE] = 'T';
	MUST(q[PAGE] == 'Q', "it is changed");
	return NULL;
}

/* ---- Permissions ---- */

static const char *try_sealed(void)
{
	MUST(raw(SYS_mprotect, (long)mapping, PAGE, RW) == -EACCES, "a child");
	return expect_no_store(mapping);
}

TEST(a_reader_of_the_file_cannot_write_to_its_mapping)
{
	int rw = new_file(2 * PAGE);
	int fd = open(FILE_PATH, O_RDONLY), out = open(FILE_PATH, O_WRONLY);
	char *p = map_of(rw, PAGE, RW, 0);

	MUST(is_error(map_of(fd, PAGE, RW, 0), EACCES), "opened for reading");
	MUST(is_error(map_of(fd, PAGE, PROT_WRITE, 0), EACCES), "only writing");
	MUST(is_error(map_of(out, PAGE, PROT_READ, 0), EACCES) &&
		is_error(map_of(out, PAGE, PROT_WRITE, 0), EACCES),
	    "opened for writing");
	mapping = map_of(fd, 2 * PAGE, PROT_READ, 0);
	MUST(mapping[0] == 'a' && mapping[PAGE] == 'b', "other bytes");
	p[0] = 'N';
	MUST(mapping[0] == 'N', "what is stored is not seen");
	TRY(expect_no_store(mapping));
	MUST(raw(SYS_mprotect, (long)mapping, PAGE, RW) == -EACCES,
	    "it can be made writable");
	TRY(in_child(try_sealed));
	MUST(raw(SYS_mprotect, (long)mapping, PAGE, PROT_NONE) == 0, "none");
	TRY(expect_no_load(mapping));
	MUST(raw(SYS_mprotect, (long)mapping, PAGE, PROT_WRITE) == -EACCES,
	    "when it was hidden, it can");
	MUST(raw(SYS_mprotect, (long)mapping, 2 * PAGE, PROT_READ) == 0,
	    "read");
	p[0] = 'M';
	MUST(mapping[0] == 'M' && mapping[PAGE] == 'b', "it is not seen again");
	return NULL;
}

TEST(a_writable_mapping_can_be_made_read_only_and_back)
{
	int fd = new_file(2 * PAGE);
	char *p = map_of(fd, 2 * PAGE, PROT_NONE, 0);

	TRY(expect_no_load(p));
	MUST(raw(SYS_mprotect, (long)p, PAGE, PROT_READ) == 0 && p[1] == 'a',
	    "read");
	TRY(expect_no_store(p));
	MUST(raw(SYS_mprotect, (long)p, 2 * PAGE, RW) == 0, "write");
	p[PAGE] = 'W';
	MUST(byte_of(fd, PAGE) == 'W', "it is not read");
	MUST(raw(SYS_madvise, (long)p, 2 * PAGE, MADV_DONTNEED) == 0 &&
		p[PAGE] == 'W' && p[0] == 'a',
	    "what is not needed for now is gone");
	munmap(p, PAGE);
	p[PAGE] = 'V';
	MUST(byte_of(fd, PAGE) == 'V', "after half of it was unmapped");
	return NULL;
}

TEST(msync_has_nothing_to_do_and_checks_its_arguments)
{
	int fd = new_file(2 * PAGE);
	char *p = map_of(fd, 2 * PAGE, RW, 0);
	long at = (long)p;

	p[1] = 's';
	MUST(raw(SYS_msync, at, 2 * PAGE, MS_SYNC) == 0 &&
		raw(SYS_msync, at, 1, MS_ASYNC) == 0 &&
		raw(SYS_msync, at, PAGE, MS_ASYNC | MS_INVALIDATE) == 0 &&
		raw(SYS_msync, at, 0, 0) == 0,
	    "it fails");
	MUST(byte_of(fd, 1) == 's', "it is not read");
	MUST(raw(SYS_msync, at + 1, PAGE, MS_SYNC) == -EINVAL, "an odd place");
	MUST(raw(SYS_msync, at, PAGE, MS_SYNC | MS_ASYNC) == -EINVAL, "both");
	MUST(raw(SYS_msync, at, PAGE, 8) == -EINVAL, "another flag");
	munmap(p + PAGE, PAGE);
	MUST(raw(SYS_msync, at, 2 * PAGE, MS_SYNC) == -ENOMEM, "a hole");
	return NULL;
}

/* ---- The file changes ---- */

TEST(a_file_that_is_cut_and_grows_again_is_zero_there)
{
	int fd = new_file(PAGES * PAGE);
	char *p = map_of(fd, PAGES * PAGE, RW, 0);

	MUST(raw(SYS_ftruncate, fd, PAGE + 100) == 0, "ftruncate");
	MUST(p[PAGE + 99] == 'b' && p[PAGE + 100] == 0 && p[2 * PAGE - 1] == 0,
	    "behind the end");
	MUST(raw(SYS_ftruncate, fd, PAGES * PAGE) == 0, "and back");
	MUST(p[PAGE + 99] == 'b' && p[2 * PAGE] == 0 && p[3 * PAGE + 9] == 0,
	    "it is not zero in memory");
	MUST(byte_of(fd, 2 * PAGE) == 0 && byte_of(fd, 4 * PAGE - 1) == 0,
	    "it is not zero in the file");
	MUST(put_at(fd, "new", 3, 3 * PAGE) == 3 && p[3 * PAGE + 1] == 'e',
	    "what is written then is not seen");
	p[2 * PAGE] = 'o';
	MUST(byte_of(fd, 2 * PAGE) == 'o', "what is stored then is not read");
	return NULL;
}

TEST(what_is_written_anew_is_seen)
{
	int fd = new_file(2 * PAGE), again;
	char *p = map_of(fd, 2 * PAGE, RW, 0);

	again = open(FILE_PATH, O_RDWR | O_TRUNC);
	MUST(put_at(again, "n", 1, 2 * PAGE - 1) == 1, "write");
	MUST(p[0] == 0 && p[2 * PAGE - 1] == 'n', "it is not");
	p[0] = 'm';
	MUST(byte_of(again, 0) == 'm', "nor the other way");
	return NULL;
}

TEST(a_hole_is_mapped_and_a_page_can_become_one)
{
	int fd = new_file(0);
	long err;
	char *p;

	MUST(raw(SYS_ftruncate, fd, 16 * PAGE) == 0, "ftruncate");
	p = map_of(fd, 16 * PAGE, RW, 0);
	for (size_t i = 0; i < 16 * PAGE; i += 512)
		MUST(p[i] == 0, "it is not zero");
	p[9 * PAGE] = 'h';
	MUST(byte_of(fd, 9 * PAGE) == 'h' && byte_of(fd, 8 * PAGE) == 0,
	    "it is not read");
	p[10 * PAGE] = 'i';
	/* PUNCH_HOLE | KEEP_SIZE; not all file systems of Linux can do it. */
	err = raw(SYS_fallocate, fd, 3, 9 * PAGE, PAGE + 1);
	if (err != 0)
		return NULL;
	MUST(p[9 * PAGE] == 0 && p[10 * PAGE] == 0, "what was there is");
	MUST(put_at(fd, "j", 1, 9 * PAGE) == 1 && p[9 * PAGE] == 'j',
	    "what is written then is not seen");
	return NULL;
}

/* SQLite does this when the index of its write-ahead log grows. */
TEST(a_file_grows_and_is_mapped_piece_by_piece)
{
	enum { PART = 32768 };
	int fd = new_file(0), other = open(FILE_PATH, O_RDWR);
	char *p[3], *q[3];

	for (int i = 0; i < 3; i++) {
		for (size_t at = 0; at < PART; at += PAGE)
			MUST(put_at(fd, "", 1, i * PART + at + PAGE - 1) == 1,
			    "write");
		p[i] = map_of(fd, PART, RW, i * PART);
		q[i] = map_of(other, PART, RW, i * PART);
		memset(p[i] + 100, 'A' + i, 20000);
	}
	for (int i = 0; i < 3; i++)
		MUST(q[i][99] == 0 && q[i][100] == 'A' + i &&
			q[i][20099] == 'A' + i && q[i][20100] == 0,
		    found("piece %d", i));
	return NULL;
}

TEST(a_file_that_is_gone_is_still_shared)
{
	int fd = new_file(PAGE);
	char *p = map_of(fd, PAGE, RW, 0), *q = map_of(fd, PAGE, RW, 0);

	MUST(unlink(FILE_PATH) == 0, "unlink");
	p[0] = '1';
	MUST(q[0] == '1' && byte_of(fd, 0) == '1', "when it has no name");
	close(fd);
	p[1] = '2';
	MUST(q[1] == '2', "when it is closed");
	fd = new_file(PAGE);
	MUST(p[0] == '1' && byte_of(fd, 0) == 'a', "a new one is another");
	return NULL;
}

TEST(the_end_of_the_file_is_the_end)
{
	int fd = new_file(PAGE + 1);
	char *p = map_of(fd, 3 * PAGE, RW, 0);

	MUST(p[PAGE] == 'b' && p[PAGE + 1] == 0, "the last byte");
	if (!on_calf())
		return NULL; /* On Linux the next load is SIGBUS. */
	TRY(expect_no_load(p + 2 * PAGE));
	/* A byte that is stored behind the end does not get into the file. */
	p[PAGE + 2] = 'x';
	MUST(raw(SYS_ftruncate, fd, 2 * PAGE) == 0 &&
		byte_of(fd, PAGE + 2) == 0 && p[PAGE + 2] == 0,
	    "it is in the file when that grows");
	return NULL;
}

TEST(what_cannot_be_shared_is_refused)
{
	int fd = new_file(PAGE), dir = open("/tmp", O_RDONLY);
	int null = open("/dev/null", O_RDWR);
	int terminal = on_calf() ? open("/dev/console", O_RDWR) : null;

	MUST(is_error(map_of(terminal, PAGE, RW, 0), ENODEV), "a terminal");
	MUST(is_error(map_of(dir, PAGE, PROT_READ, 0), ENODEV), "a folder");
	MUST(is_error(map_of(null, PAGE, RW, 0), ENODEV), "no memory");
	MUST(is_error(map_of(fd, 0, RW, 0), EINVAL), "nothing");
	MUST(is_error(map_of(fd, PAGE, RW, 100), EINVAL), "an odd place");
	MUST(raw(SYS_mmap, 0, PAGE, RW, 0, fd, 0) == -EINVAL,
	    "neither shared nor private");
	MUST(is_error(map_of(77, PAGE, RW, 0), EBADF), "no file");
	return NULL;
}

/* ---- What only Calf promises ---- */

#define LARGE (1UL << 40)

TEST(more_than_there_is_is_refused_and_takes_nothing)
{
	int fd = new_file(PAGE);
	struct stat st;
	char *p = map_of(fd, PAGE, RW, 0);

	if (!on_calf())
		return SKIP("it has pages when they are touched");
	MUST(raw(SYS_ftruncate, fd, LARGE) == 0, "ftruncate");
	MUST(is_error(map_of(fd, LARGE, RW, 0), ENOMEM), "there is so much");
	MUST(fstat(fd, &st) == 0 && st.st_blocks == 8,
	    found("it has %ld blocks", (long)st.st_blocks));
	p[0] = 'l';
	MUST(byte_of(fd, 0) == 'l', "and what was there is not");
	return NULL;
}

#define AT 0x1010000UL

/* A program that exits with 7. */
static const struct program {
	struct elf_header header;
	struct elf_segment segment;
	uint32_t code[3];
} program = {.header = {.ident = {0x7f, 'E', 'L', 'F', 2, 1},
		 .type = ET_EXEC,
		 .machine = EM_RISCV,
		 .entry = AT + offsetof(struct program, code),
		 .phoff = offsetof(struct program, segment),
		 .phentsize = sizeof(struct elf_segment),
		 .phnum = 1},
    .segment = {.type = PT_LOAD,
	.flags = PF_R | PF_X,
	.vaddr = AT,
	.filesz = sizeof(struct program),
	.memsz = sizeof(struct program)},
    /* li a0, 7; li a7, SYS_exit; ecall */
    .code = {0x513 | 7U << 20, 0x05d00893, 0x73}};

static int run(void)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		(void)execl(FILE_PATH, FILE_PATH, NULL);
		_exit(99);
	}
	return WEXITSTATUS(reap(pid));
}

/* Makes the file a program and runs it; *code is its code, in a mapping. */
static const char *share_program(uint32_t **code)
{
	int fd = new_file(0), status;

	MUST(write(fd, &program, sizeof program) == sizeof program, "write");
	*code = (uint32_t *)(map_of(fd, PAGE, RW, 0) +
	    offsetof(struct program, code));
	close(fd);
	status = run();
	MUST(status == 7, found("status %d", status));
	return NULL;
}

TEST(a_program_that_is_stored_to_is_another)
{
	uint32_t *code;
	int status;

	if (!on_calf())
		return SKIP("it is busy");
	TRY(share_program(&code));
	for (unsigned i = 20; i < 23; i++) {
		code[0] = i << 20 | 0x513;
		status = run();
		MUST(status == (int)i, found("status %d, not %u", status, i));
	}
	return NULL;
}

#define EXIT_WITH(n) ((uint32_t)(n) << 20 | 0x513)
#define RUNS         400

/* Another process stores meanwhile: its last store may be there or not. */
TEST(a_program_that_is_stored_to_meanwhile_is_as_before_or_after)
{
	bool seen[2] = {false, false};
	volatile uint32_t *code;
	uint32_t *own;
	int status = 21;
	pid_t pid;

	if (!on_calf())
		return SKIP("it is busy");
	TRY(share_program(&own));
	code = own;
	code[0] = EXIT_WITH(21);
	pid = must_fork();
	if (pid == 0)
		for (uint32_t i = 0;; i++)
			code[0] = EXIT_WITH(21 + (i >> 8) % 2);
	for (int i = 0; i < RUNS && !(seen[0] && seen[1]); i++) {
		status = run();
		if (status != 21 && status != 22)
			break;
		seen[status - 21] = true;
	}
	kill(pid, SIGKILL);
	reap(pid);
	MUST(status == 21 || status == 22, found("status %d", status));
	MUST(seen[0] && seen[1], found("it is always %d", status));
	return NULL;
}

static bool is_executed_by(pid_t pid)
{
	char link[32], path[sizeof FILE_PATH];

	snprintf(link, sizeof link, "/proc/%d/exe", pid);
	return readlink(link, path, sizeof path) == sizeof path - 1 &&
	    memcmp(path, FILE_PATH, sizeof path - 1) == 0;
}

TEST(a_program_that_is_shared_is_found_until_it_changes)
{
	uint32_t *code;
	int fd;
	pid_t pid;

	if (!on_calf())
		return SKIP("it is busy");
	TRY(share_program(&code));
	code[0] = 0x6f; /* j . */
	pid = must_fork();
	if (pid == 0) {
		(void)execl(FILE_PATH, FILE_PATH, NULL);
		_exit(99);
	}
	for (int i = 0; i < 1000 && !is_executed_by(pid); i++)
		sleep_ms(1);
	MUST(is_executed_by(pid), "it is not found");
	fd = open(FILE_PATH, O_RDWR);
	MUST(put_at(fd, "w", 1, PAGE - 1) == 1, "write");
	MUST(!is_executed_by(pid), "it is found when it has changed");
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
	MUST(unlink(FILE_PATH) == 0, "unlink");
	return NULL;
}

/* ---- Servers ---- */

static unsigned char *own;

/* Gives as many pages as are asked for; if it has none, each of them is 0. */
static struct reply give(const struct request *request)
{
	static uint64_t list[PAGES];
	uint64_t n = 0;

	switch (request->number) {
	case SYS_mmap:
		for (; n < (request->arg[1] - request->position) / PAGE; n++)
			list[n] = own != NULL ? (uint64_t)own + n * PAGE : 0;
		return (struct reply){.flags = REPLY_PAGES,
		    .position = request->position,
		    .out = list,
		    .out_len = n * sizeof *list};
	case SYS_fsync:
		own[5] = 'z';
		return result(42);
	default:
		return result(own[5]);
	}
}

static const char *service_of(unsigned char *memory)
{
	own = memory;
	for (int i = 0; i < PAGES && own != NULL; i++)
		memset(own + i * PAGE, 'a' + i, PAGE);
	return service_start(give);
}

TEST(shared_memory_of_a_server_is_shared_with_callers_that_ask)
{
	char *p, *q;

	TRY(service_of(pages_shared(PAGES)));
	p = map_of(file, 3 * PAGE, RW, 0);
	MUST(p[0] == 'a' && p[PAGE] == 'b' && p[3 * PAGE - 1] == 'c', "bytes");
	MUST(heard->last.arg[3] == MAP_SHARED, "what is asked for");
	p[5] = 'x';
	MUST(CALL(SYS_lseek, 5, 0) == 'x', "the server does not see it");
	MUST(CALL(SYS_fsync, 0) == 42 && p[5] == 'z', "nor the caller");
	q = (char *)raw(SYS_mmap, 0, PAGE, RW, MAP_PRIVATE, file, 0);
	MUST(q[5] == 'z', "what is mapped privately");
	q[6] = 'q';
	p[7] = 'y';
	MUST(p[6] == 'a' && q[7] == 'a', "is shared");
	return service_end();
}

static const char *map_in_vain(unsigned char *memory)
{
	TRY(service_of(memory));
	MUST(is_error(map_of(file, 2 * PAGE, RW, 0), ENODEV), "to be written");
	MUST(is_error(map_of(file, PAGE, PROT_READ, 0), ENODEV), "to be read");
	MUST(raw(SYS_mmap, 0, PAGE, RW, MAP_PRIVATE, file, 0) > 0,
	    "the server does not go on");
	return service_end();
}

TEST(a_server_that_does_not_share_need_not_know_of_that)
{
	TRY(map_in_vain(pages_private(PAGES)));
	return map_in_vain(NULL);
}

TEST(a_page_is_shared_so_many_times)
{
	int n = 0;
	char *p;

	TRY(service_of(pages_shared(PAGES)));
	while (!is_error(p = map_of(file, PAGE, RW, 0), ENOMEM) && n < 300)
		n++;
	/* An entry of the server and one of this process name the page, too. */
	MUST(n == 254, found("%d times, then %lx", n, (long)p));
	MUST(CALL(SYS_fsync, 0) == 42, "the server goes on");
	return service_end();
}

static const struct test tests[] = {
    T(what_is_stored_is_read_and_what_is_written_is_seen),
    T(what_is_stored_last_is_there),
    T(all_mappings_of_a_page_are_one),
    T(processes_share_it_by_opening_and_by_fork),
    T(many_count_in_one_word),
    T(a_private_mapping_keeps_to_itself),
    T(a_reader_of_the_file_cannot_write_to_its_mapping),
    T(a_writable_mapping_can_be_made_read_only_and_back),
    T(msync_has_nothing_to_do_and_checks_its_arguments),
    T(a_file_that_is_cut_and_grows_again_is_zero_there),
    T(what_is_written_anew_is_seen),
    T(a_hole_is_mapped_and_a_page_can_become_one),
    T(a_file_grows_and_is_mapped_piece_by_piece),
    T(a_file_that_is_gone_is_still_shared),
    T(the_end_of_the_file_is_the_end),
    T(what_cannot_be_shared_is_refused),
    T(more_than_there_is_is_refused_and_takes_nothing),
    T(a_program_that_is_stored_to_is_another),
    T(a_program_that_is_stored_to_meanwhile_is_as_before_or_after),
    T(a_program_that_is_shared_is_found_until_it_changes),
    T(shared_memory_of_a_server_is_shared_with_callers_that_ask),
    T(a_server_that_does_not_share_need_not_know_of_that),
    T(a_page_is_shared_so_many_times),
};

SUITE(tests)
