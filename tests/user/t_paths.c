/* SPDX-License-Identifier: MIT */
/*
 * t_paths.c - calls with paths that another process answers: where they go, and
 * what comes along.
 */
#include "service.h"

#include "abi/fcntl.h"

#define ROOM       (2 * PAGE)
#define PATH_BYTES 4096 /* of the longest path, with its end */

/* ---- Where paths go ---- */

static const struct {
	int number, at; /* the argument that is the path */
} with_path[] = {{SYS_openat, 1}, {SYS_mkdirat, 1}, {SYS_mknodat, 1},
    {SYS_unlinkat, 1}, {SYS_faccessat, 1}, {SYS_faccessat2, 1},
    {SYS_fchmodat, 1}, {SYS_fchownat, 1}, {SYS_readlinkat, 1},
    {SYS_newfstatat, 1}, {SYS_statx, 1}, {SYS_utimensat, 1}, {SYS_truncate, 0},
    {SYS_statfs, 0}};

static unsigned char out[512];

/* Makes the call with that path, and harmless other arguments. */
static long with(int i, int fd, const char *path)
{
	long number = with_path[i].number;

	if (with_path[i].at == 0)
		return raw(number, (long)path, (long)out);
	if (number == SYS_readlinkat || number == SYS_newfstatat)
		return raw(number, fd, (long)path, (long)out,
		    number == SYS_readlinkat ? 100 : 0);
	return raw(number, fd, (long)path, 0, 0, (long)out);
}

static const char *goes_to(int i, int fd, const char *path, uint64_t token)
{
	const struct request *last = &heard->last;
	long n = with(i, fd, path);

	MUST(n == 42, found("%d: %ld", with_path[i].number, n));
	MUST(last->number == (uint64_t)with_path[i].number, "another call");
	MUST(last->token == token,
	    found("%d of %s: to %lu", with_path[i].number, path,
		(unsigned long)last->token));
	MUST(last->arg[with_path[i].at] == (uint64_t)path, "the argument");
	MUST(last->in_len == strlen(path) + 1 &&
		strcmp((char *)heard->bytes, path) == 0,
	    found("%d: %lu bytes come along", with_path[i].number,
		(unsigned long)last->in_len));
	MUST(last->second == 0, "a second file");
	return NULL;
}

static const char *goes_where_it_begins(void)
{
	int i;

	for (i = 0; i < COUNT(with_path); i++) {
		TRY(goes_to(i, AT_FDCWD, "/one", TOKEN));
		TRY(goes_to(i, AT_FDCWD, "two", TOKEN));
	}
	MUST(raw(SYS_chdir, (long)"there") == 0, "chdir");
	MUST(strcmp((char *)heard->bytes, "there") == 0, "of chdir");
	for (i = 0; i < COUNT(with_path); i++) {
		TRY(goes_to(i, AT_FDCWD, "/", TOKEN));
		TRY(goes_to(i, AT_FDCWD, "", DIR_TOKEN));
		TRY(goes_to(i, AT_FDCWD, "a/b", DIR_TOKEN));
		if (with_path[i].at == 0)
			continue;
		TRY(goes_to(i, sibling, "c", BESIDE));
		TRY(goes_to(i, sibling, "/c", TOKEN));
		TRY(goes_to(i, -5, "/c", TOKEN));
		MUST(with(i, -5, "c") == -EBADF, "no directory");
	}
	return NULL;
}

TEST(a_path_goes_to_where_it_begins)
{
	return in_root(answer_places, ROOM, goes_where_it_begins);
}

/* Two strings come along, one behind the other. */
static const char *two(const char *first, const char *then, uint64_t token,
    uint64_t second)
{
	const char *bytes = (const char *)heard->bytes;

	MUST(heard->last.token == token && heard->last.second == second,
	    "they go elsewhere");
	MUST(heard->last.in_len == strlen(first) + strlen(then) + 2, "length");
	MUST(strcmp(bytes, first) == 0 &&
		strcmp(bytes + strlen(first) + 1, then) == 0,
	    "other strings");
	return NULL;
}

static const char *two_come_along(void)
{
	int other, other_port, pipes[2];

	other_port = port_create(1);
	other = port_open(other_port, 5, O_RDONLY, 0, 0);
	MUST(raw(SYS_renameat2, sibling, (long)"a", AT_FDCWD, (long)"bc", 3) ==
		42,
	    "renameat2");
	TRY(two("a", "bc", BESIDE, TOKEN));
	MUST(heard->last.arg[4] == 3, "the flags");
	MUST(raw(SYS_linkat, sibling, (long)"/abc", sibling, (long)"d", 0) ==
		42,
	    "linkat");
	TRY(two("/abc", "d", TOKEN, BESIDE));
	MUST(raw(SYS_symlinkat, (long)"/to where", sibling, (long)"e") == 42,
	    "symlinkat");
	TRY(two("/to where", "e", BESIDE, 0));
	MUST(raw(SYS_symlinkat, (long)"text", sibling, (long)"/f") == 42,
	    "symlinkat");
	TRY(two("text", "/f", TOKEN, 0));
	MUST(raw(SYS_linkat, other, (long)"a", sibling, (long)"d", 0) ==
		    -EXDEV &&
		raw(SYS_linkat, sibling, (long)"a", other, (long)"d", 0) ==
		    -EXDEV,
	    "files of two ports");
	MUST(pipe(pipes) == 0, "no pipe");
	MUST(raw(SYS_renameat2, pipes[0], (long)"a", sibling, (long)"d", 0) ==
		    -ENOTDIR &&
		raw(SYS_renameat2, sibling, (long)"a", pipes[0], (long)"d",
		    0) == -ENOTDIR,
	    "a file of no port");
	MUST(raw(SYS_renameat2, -7, (long)"a", sibling, (long)"d", 0) ==
		    -EBADF &&
		raw(SYS_renameat2, sibling, (long)"a", -7, (long)"d", 0) ==
		    -EBADF,
	    "no file");
	return NULL;
}

TEST(two_paths_come_along_one_behind_the_other)
{
	return in_root(answer_places, ROOM, two_come_along);
}

/* ---- What is lent beside the path ---- */

/*
 * Fills what is lent, or copies the times that are lent. Returns how many
 * bytes.
 */
static struct reply answer_lent(const struct request *request)
{
	static char bytes[PAGE];
	ssize_t n;

	if (request->number == SYS_utimensat) {
		n = port_read(port, 0, 0, heard->bytes, PAGE);
		return result(n < 0 ? -errno : n);
	}
	memset(bytes, 'x', sizeof(bytes));
	n = port_write(port, 0, 0, bytes, sizeof(bytes));
	return result(n < 0 ? -errno : n);
}

static long filled(void)
{
	long n = 0;

	while (n < (long)sizeof(out) && out[n] == 'x')
		n++;
	memset(out, 0, sizeof(out));
	return n;
}

static const char *lends_beside(void)
{
	struct timespec times[2] = {{1, 2}, {3, 4}};

	MUST(raw(SYS_newfstatat, AT_FDCWD, (long)"p", (long)out, 0) == 128 &&
		filled() == 128,
	    "stat");
	MUST(raw(SYS_newfstatat, AT_FDCWD, (long)"", (long)out,
		 AT_EMPTY_PATH) == 128 &&
		filled() == 128 && heard->last.number == SYS_fstat,
	    "stat of the directory");
	MUST(raw(SYS_statx, AT_FDCWD, (long)"p", 0, 0, (long)out) == 256 &&
		filled() == 256,
	    "statx");
	MUST(raw(SYS_statfs, (long)"p", (long)out) == 120 && filled() == 120,
	    "statfs");
	MUST(raw(SYS_readlinkat, AT_FDCWD, (long)"p", (long)out, 7) == 7 &&
		filled() == 7,
	    "readlinkat");
	MUST(raw(SYS_getcwd, (long)out, 9) == 9 && filled() == 9, "getcwd");
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)"p", 0) == -EINVAL,
	    "mkdirat lends something");
	MUST(raw(SYS_utimensat, AT_FDCWD, (long)"p", (long)times, 0) == 32 &&
		memcmp(heard->bytes, times, 32) == 0,
	    "utimensat");
	MUST(raw(SYS_utimensat, file, 0, (long)times, 0) == 32 &&
		memcmp(heard->bytes, times, 32) == 0 &&
		heard->last.token == TOKEN,
	    "utimensat of a descriptor");
	MUST(raw(SYS_utimensat, AT_FDCWD, 0, (long)times, 0) == -EFAULT &&
		raw(SYS_utimensat, -3, 0, (long)times, 0) < 0,
	    "utimensat of nothing");
	return NULL;
}

TEST(what_is_lent_beside_a_path_is_what_linux_says)
{
	return in_root(answer_lent, ROOM, lends_beside);
}

/* ---- Paths that are wrong, or long ---- */

static const char *comes_whole(void)
{
	char *pages = (char *)pages_private(4);
	char *end = pages + 2 * PAGE;

	munmap(end, 2 * PAGE);
	memset(pages, 'p', 2 * PAGE);
	MUST(raw(SYS_openat, AT_FDCWD, (long)(end - 5), 0, 0) == -EFAULT,
	    "it has no end");
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)(end - 5), 0) == -EFAULT,
	    "it has no end");
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)end, 0) == -EFAULT, "nothing");
	MUST(raw(SYS_mkdirat, AT_FDCWD, 0, 0) == -EFAULT, "NULL");
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)(end - PATH_BYTES), 0) ==
		-ENAMETOOLONG,
	    "4,096 bytes without an end");
	end[-1] = '\0';
	MUST(raw(SYS_renameat2, AT_FDCWD, (long)(end - PATH_BYTES), AT_FDCWD,
		 (long)(end - PATH_BYTES), 0) == 42,
	    "4,095 bytes, twice");
	MUST(heard->last.in_len == 2 * PATH_BYTES &&
		memcmp(heard->bytes, end - PATH_BYTES, PATH_BYTES) == 0 &&
		memcmp(heard->bytes + PATH_BYTES, end - PATH_BYTES,
		    PATH_BYTES) == 0,
	    "it is not whole");
	MUST(raw(SYS_renameat2, AT_FDCWD, (long)"a", AT_FDCWD,
		 (long)(end - PATH_BYTES - 1), 0) == -ENAMETOOLONG,
	    "the second is longer");
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)(end - PAGE - 10), 0) ==
		-ENAMETOOLONG,
	    "4,105 bytes");
	end[-PAGE] = '\0';
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)(end - PAGE - 10), 0) == 42 &&
		heard->last.in_len == 11,
	    "across a border of pages");
	return NULL;
}

TEST(a_path_comes_along_whole_or_the_call_fails)
{
	return in_root(answer_places, ROOM, comes_whole);
}

/* The server has room for 8 bytes. */
static const char *has_no_room(void)
{
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)"1234567", 0) == 42, "seven");
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)"12345678", 0) == -ENAMETOOLONG,
	    "eight");
	MUST(raw(SYS_linkat, AT_FDCWD, (long)"123", AT_FDCWD, (long)"456", 0) ==
		42,
	    "two of three");
	MUST(raw(SYS_linkat, AT_FDCWD, (long)"123", AT_FDCWD, (long)"4567",
		 0) == -ENAMETOOLONG,
	    "three and four");
	return NULL;
}

TEST(paths_that_a_server_has_no_room_for_are_too_long)
{
	return in_root(answer_places, 8, has_no_room);
}

static const struct test tests[] = {
    T(a_path_goes_to_where_it_begins),
    T(two_paths_come_along_one_behind_the_other),
    T(what_is_lent_beside_a_path_is_what_linux_says),
    T(a_path_comes_along_whole_or_the_call_fails),
    T(paths_that_a_server_has_no_room_for_are_too_long),
};

SUITE(tests)
