/* SPDX-License-Identifier: MIT */
/*
 * fuzz_files.c - scenes of a witness on files, each with a known end: bytes
 * through a named pipe, a file that is mapped by several processes while it
 * grows and shrinks, names and modes.
 *
 * Each file has a name that only this witness uses.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A name for this witness's file of a kind. */
static const char *name_of(char *room, char kind)
{
	snprintf(room, 40, WITNESS_DIR "/%c%ld", kind, plain(SYS_getpid));
	return room;
}

static long open_at(const char *path, int flags)
{
	long fd;
	int tries = 0;

	do
		fd = plain(SYS_openat, AT_FDCWD, (long)path, flags, 0600);
	while (may_try_again(fd) && ++tries < 50);
	return fd;
}

static void remove_name(const char *path)
{
	int tries = 0;

	while (may_try_again(plain(SYS_unlinkat, AT_FDCWD, (long)path, 0)) &&
	    ++tries < 50)
		continue;
}

/* ---- A named pipe ---- */

/* Now and then it first tries to open the pipe without waiting. */
_Noreturn static void write_through(const char *path, uint64_t key)
{
	long fd;

	me.rng = key | 1;
	if (once_in(3)) {
		fd = plain(SYS_openat, AT_FDCWD, (long)path,
		    O_WRONLY | O_NONBLOCK);
		if (fd >= 0)
			(void)plain(SYS_close, fd);
	}
	make_scarce();
	fd = open_at(path, O_WRONLY);
	make_plenty();
	if (fd < 0)
		leave(1);
	write_stream((int)fd, key);
}

/* No other process has it open now, so a read finds the end without waiting. */
static void see_its_end(const char *path)
{
	char c;
	long fd = open_at(path, O_RDONLY | O_NONBLOCK), n;

	if (fd < 0)
		return;
	n = plain(SYS_read, fd, (long)&c, 1);
	if (n != 0 && !may_try_again(n))
		fail("a named pipe that nobody writes to said %ld", n);
	(void)plain(SYS_close, fd);
}

void see_a_named_pipe(void)
{
	char room[40];
	const char *path = name_of(room, 'p');
	uint64_t key = roll();
	long pid, fd;

	if (plain(SYS_mknodat, AT_FDCWD, (long)path, S_IFIFO | 0600, 0) != 0)
		return;
	pid = plain(SYS_clone, SIGCHLD);
	if (pid == 0)
		write_through(path, key);
	if (pid > 0) {
		/* O_RDONLY waits for a writer, also if that was killed. */
		fd = once_in(2)
		    ? open_at(path, O_RDONLY)
		    : plain(SYS_openat, AT_FDCWD, (long)path, O_RDWR);
		if (fd >= 0 && once_in(2))
			remove_name(path);
		if (fd >= 0 && plain(SYS_fcntl, fd, F_GETFL) % 4 == O_RDWR) {
			/* This process has it open to write: no end. */
			(void)plain(SYS_kill, pid, SIGKILL);
			(void)plain(SYS_close, fd);
		} else if (fd >= 0) {
			read_stream((int)fd, key);
			(void)plain(SYS_close, fd);
		}
		while (plain(SYS_wait4, pid, 0, 0) == -EINTR)
			continue;
		see_its_end(path);
	}
	remove_name(path);
}

/* ---- A file in the memory of several ---- */

#define PAGES 3UL
#define BYTES (PAGES * PAGE)

/* What has to be in the file. Only every 64th byte of it is used. */
static struct shown {
	int fd;
	uint64_t size;
	unsigned char *map; /* the first `mapped` bytes; NULL: not mapped */
	uint64_t mapped;
	unsigned char byte[BYTES / 64];
} shown;

/* The last things that were done, to be printed with a failure. */
static char story[128];

static void tell(char what, uint64_t number)
{
	char word[16];
	size_t have = strlen(story), more;

	snprintf(word, sizeof(word), " %c%lu", what, number);
	more = strlen(word);
	if (have + more >= sizeof(story)) {
		memmove(story, story + more, have - more + 1);
		have -= more;
	}
	memcpy(story + have, word, more + 1);
}

static uint64_t some_place(void)
{
	return below(BYTES / 64);
}

static bool is_inside(uint64_t place)
{
	return place * 64 < shown.size;
}

static bool is_mapped(uint64_t place)
{
	return shown.map != NULL && is_inside(place) &&
	    place * 64 < shown.mapped;
}

static void map_it(void)
{
	uint64_t bytes = (shown.size + PAGE - 1) & ~(PAGE - 1);
	long at = plain(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED, shown.fd, 0);

	shown.map = at < 0 && at > -4096 ? NULL : (unsigned char *)at;
	shown.mapped = bytes;
	tell(shown.map != NULL ? 'm' : 'e', bytes);
}

static void unmap_it(void)
{
	if (shown.map != NULL &&
	    plain(SYS_munmap, (long)shown.map, (long)shown.mapped) == 0)
		shown.map = NULL;
	tell('u', shown.map != NULL);
}

/* Stores or writes a byte. False: it is not known what is there now. */
static bool put_it(uint64_t place, unsigned char byte)
{
	long n = 1;

	if (is_mapped(place) && !once_in(3)) {
		tell('s', place * 64);
		((volatile unsigned char *)shown.map)[place * 64] = byte;
	} else {
		tell('w', place * 64);
		n = plain(SYS_pwrite64, shown.fd, (long)&byte, 1,
		    (long)place * 64);
	}
	if (n != 1)
		return false;
	shown.byte[place] = byte;
	if (!is_inside(place))
		shown.size = place * 64 + 1;
	return true;
}

static void look_for_it(uint64_t place)
{
	unsigned char byte = 0;
	long n = 1;

	if (is_mapped(place) && !once_in(3))
		byte = ((volatile unsigned char *)shown.map)[place * 64];
	else
		n = plain(SYS_pread64, shown.fd, (long)&byte, 1,
		    (long)place * 64);
	if (n >= 0 && n != is_inside(place))
		fail("byte %lu of a file of %lu: %ld were read;%s", place * 64,
		    shown.size, n, story);
	else if (n == 1 && byte != shown.byte[place])
		fail("byte %lu of a file in memory is %u, not %u;%s",
		    place * 64, byte, shown.byte[place], story);
}

static bool cut_it(void)
{
	uint64_t size = below(BYTES + 1);

	tell('c', size);
	if (plain(SYS_ftruncate, shown.fd, (long)size) != 0)
		return false;
	shown.size = size;
	for (uint64_t i = (size + 63) / 64; i < BYTES / 64; i++)
		shown.byte[i] = 0;
	return true;
}

/* Lets a child store or write a byte; it has inherited the mapping. */
static bool put_by_child(uint64_t place, unsigned char byte)
{
	int status = 0;
	long pid = plain(SYS_clone, SIGCHLD), got;

	if (pid == 0) {
		if (once_in(3))
			unmap_it();
		leave(put_it(place, byte) ? 0 : 1);
	}
	if (pid < 0)
		return true;
	do
		got = plain(SYS_wait4, pid, (long)&status, 0);
	while (got == -EINTR);
	if (got != pid || status != 0)
		return false;
	tell('f', place * 64);
	shown.byte[place] = byte;
	if (!is_inside(place))
		shown.size = place * 64 + 1;
	return true;
}

/* A child writes to the mapping without permission: nothing may change. */
static void protect_it(void)
{
	long pid;

	tell('r', 0);
	if (shown.map == NULL ||
	    plain(SYS_mprotect, (long)shown.map, (long)shown.mapped,
		PROT_READ) != 0)
		return;
	pid = plain(SYS_clone, SIGCHLD);
	if (pid == 0) {
		/*
		 * A call stores, as for a store of its own the kernel would
		 * print a line.
		 */
		(void)plain(SYS_getrandom, (long)shown.map, shown.size, 0);
		leave(0);
	}
	while (pid > 0 && plain(SYS_wait4, pid, 0, 0) == -EINTR)
		continue;
	if (plain(SYS_mprotect, (long)shown.map, (long)shown.mapped,
		PROT_READ | PROT_WRITE) != 0)
		leave(0);
}

static bool change_it(void)
{
	switch (below(8)) {
	case 0:
		return cut_it();
	case 1:
		return put_by_child(some_place(), (unsigned char)roll());
	case 2:
		protect_it();
		return true;
	case 3:
		unmap_it();
		if (shown.map == NULL)
			map_it();
		return true;
	default:
		return put_it(some_place(), (unsigned char)roll());
	}
}

void see_shared_memory(void)
{
	char room[40];
	const char *path = name_of(room, 'm');

	shown.fd = (int)open_at(path, O_RDWR | O_CREAT | O_EXCL);
	if (shown.fd < 0)
		return;
	if (once_in(2))
		remove_name(path);
	map_it();
	for (int i = 0; i < 40 && !board->failed; i++) {
		bool known;

		/* A store may find no memory, and then a process is killed. */
		known = change_it();
		if (!known)
			break;
		look_for_it(some_place());
	}
	(void)plain(SYS_close, shown.fd);
	remove_name(path);
}

/* ---- Names and modes ---- */

static void see_a_mode(const char *path)
{
	struct stat st;
	uint64_t mask = below(01000);
	long old;

	(void)plain(SYS_umask, (long)mask);
	old = plain(SYS_umask, (long)mask);
	if (old != (long)mask)
		fail("umask %lo was set, and %lo is told", mask, old);
	if (plain(SYS_mknodat, AT_FDCWD, (long)path, S_IFREG | 0666, 0) == 0 &&
	    plain(SYS_newfstatat, AT_FDCWD, (long)path, (long)&st, 0) == 0 &&
	    (st.st_mode & 0777) != (0666 & ~mask))
		fail("with umask %lo a file has the mode %lo", mask,
		    (uint64_t)st.st_mode & 0777);
	(void)plain(SYS_umask, 022);
}

static void see_links(const char *path)
{
	char room[2][40], text[40];
	const char *hard = name_of(room[0], 'h'), *soft = name_of(room[1], 's');
	struct stat st;
	long n;

	if (plain(SYS_linkat, AT_FDCWD, (long)path, AT_FDCWD, (long)hard, 0) ==
		0 &&
	    plain(SYS_newfstatat, AT_FDCWD, (long)path, (long)&st, 0) == 0 &&
	    st.st_nlink != 2)
		fail("a file of two names has %lu", (uint64_t)st.st_nlink);
	if (plain(SYS_symlinkat, (long)path, AT_FDCWD, (long)soft) == 0) {
		n = plain(SYS_readlinkat, AT_FDCWD, (long)soft, (long)text,
		    sizeof(text));
		if (n >= 0 &&
		    ((size_t)n != strlen(path) ||
			memcmp(text, path, (size_t)n) != 0))
			fail("a link to %s is %ld bytes", path, n);
	}
	remove_name(hard);
	remove_name(soft);
}

/* The link in /proc for a descriptor: its text, and what it opens. */
static void see_a_descriptor(const char *path)
{
	char link[40], text[60];
	struct stat one, other;
	long fd = open_at(path, O_RDONLY), again, n;

	if (fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/%s/fd/%ld", "self", fd);
	n = plain(SYS_readlinkat, AT_FDCWD, (long)link, (long)text,
	    sizeof(text));
	if (n >= 0 &&
	    ((size_t)n != strlen(path) || memcmp(text, path, (size_t)n) != 0))
		fail("%s is open, and the link to it says %.*s", path, (int)n,
		    text);
	again = open_at(link, O_RDONLY);
	if (again >= 0 && plain(SYS_fstat, fd, (long)&one) == 0 &&
	    plain(SYS_fstat, again, (long)&other) == 0 &&
	    one.st_ino != other.st_ino)
		fail("%s was opened by its descriptor, and is another", path);
	if (again >= 0)
		(void)plain(SYS_close, again);
	(void)plain(SYS_close, fd);
}

void see_names(void)
{
	char room[40];
	const char *path = name_of(room, 'n');

	if (once_in(2))
		make_scarce();
	see_a_mode(path);
	see_a_descriptor(path);
	see_links(path);
	make_plenty();
	remove_name(path);
}
