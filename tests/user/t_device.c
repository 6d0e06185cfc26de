/* SPDX-License-Identifier: MIT */
/*
 * t_device.c - /dev/null, /dev/zero and the random devices: their bytes go into
 * memory by resolve(), as all others do.
 */
#include "harness.h"

#include <sys/uio.h>

static const char *const sources[] = {"/dev/zero", "/dev/random",
    "/dev/urandom"};

static int must_open(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		give_up(found("%s: errno %d", path, errno));
	return fd;
}

TEST(zeros_are_zeros_at_every_border)
{
	static const size_t lengths[] = {1, 7, 8, 100, PAGE - 1, PAGE, PAGE + 1,
	    3 * PAGE, 70000};
	int fd = must_open("/dev/zero");
	unsigned char *p = pages_private(24);
	size_t at;
	int i;

	for (i = 0; i < COUNT(lengths); i++)
		for (at = PAGE - 9; at < PAGE + 9; at += 3) {
			memset(p, 0x77, 24 * PAGE);
			MUST(read_all(fd, p + at, lengths[i]), "read failed");
			MUST(all_bytes(p, at, 0x77) &&
				all_bytes(p + at, lengths[i], 0) &&
				all_bytes(p + at + lengths[i],
				    24 * PAGE - at - lengths[i], 0x77),
			    found("%lu bytes at %lu went elsewhere",
				(unsigned long)lengths[i], (unsigned long)at));
		}
	return NULL;
}

TEST(random_bytes_are_not_alike)
{
	static unsigned char one[200], two[200];
	int i, fd;

	for (i = 1; i < COUNT(sources); i++) {
		fd = must_open(sources[i]);
		MUST(read_all(fd, one, 200) && read_all(fd, two, 200),
		    "read failed");
		MUST(memcmp(one, two, 200) != 0, "the same twice");
		MUST(!all_bytes(one, 200, one[0]), "all bytes are equal");
		close(fd);
	}
	return NULL;
}

static int device;
static unsigned char *shared_by_fork;

static const char *fill_in_child(void)
{
	MUST(read_all(device, shared_by_fork + 10, 3 * PAGE), "read failed");
	MUST(!stamped(shared_by_fork, 4, 1), "nothing was stored");
	return NULL;
}

/* The page is copied first, although it is the kernel that writes. */
TEST(what_is_read_goes_to_the_readers_own_copy)
{
	int i;

	shared_by_fork = pages_private(4);
	stamp(shared_by_fork, 4, 1);
	for (i = 0; i < COUNT(sources); i++) {
		device = must_open(sources[i]);
		TRY(in_child(fill_in_child));
		MUST(stamped(shared_by_fork, 4, 1),
		    found("%s wrote to the parent's page", sources[i]));
		close(device);
	}
	return NULL;
}

TEST(what_may_only_be_read_is_not_written)
{
	unsigned char *p = pages_private(2), *gone = pages_private(1);
	struct iovec pieces[1] = {{p, 100}};
	long n;
	int i, fd;

	stamp(p, 2, 1);
	MUST(mprotect(p, PAGE, PROT_READ) == 0 && munmap(gone, PAGE) == 0,
	    "mprotect or munmap failed");
	for (i = 0; i < COUNT(sources); i++) {
		fd = must_open(sources[i]);
		n = raw(SYS_read, fd, (long)p, 100);
		MUST(n == -EFAULT, found("%s: %ld", sources[i], n));
		n = raw(SYS_readv, fd, (long)pieces, 1);
		MUST(n == -EFAULT, found("%s: %ld", sources[i], n));
		n = raw(SYS_read, fd, (long)gone, 100);
		MUST(n == -EFAULT, found("%s: %ld", sources[i], n));
		MUST(stamped(p, 2, 1), found("%s wrote", sources[i]));
		close(fd);
	}
	return NULL;
}

TEST(what_is_read_ends_where_memory_ends)
{
	unsigned char *p = pages_private(3);
	long n;
	int i, fd;

	if (on_emulator())
		return SKIP("the emulator looks at the buffer first");
	MUST(munmap(p + 2 * PAGE, PAGE) == 0, "munmap failed");
	for (i = 0; i < COUNT(sources); i++) {
		fd = must_open(sources[i]);
		n = raw(SYS_read, fd, (long)(p + PAGE / 2), 3 * PAGE);
		MUST(n == 2 * PAGE - PAGE / 2,
		    found("%s: %ld bytes", sources[i], n));
		close(fd);
	}
	return NULL;
}

TEST(null_has_nothing_to_read_and_devices_take_all_bytes)
{
	int null = must_open("/dev/null");
	char byte;
	int i;

	MUST(read(null, &byte, 1) == 0, "something to read");
	MUST(write(null, &byte, 1) == 1, "not taken");
	for (i = 0; i < COUNT(sources); i++) {
		int fd = must_open(sources[i]);

		if (write(fd, "abc", 3) != 3)
			return found("%s takes nothing", sources[i]);
		MUST(raw(SYS_read, fd, (long)&byte, 0) == 0, "of length 0");
		close(fd);
	}
	return NULL;
}

static const struct test tests[] = {
    T(zeros_are_zeros_at_every_border),
    T(random_bytes_are_not_alike),
    T(what_is_read_goes_to_the_readers_own_copy),
    T(what_may_only_be_read_is_not_written),
    T(what_is_read_ends_where_memory_ends),
    T(null_has_nothing_to_read_and_devices_take_all_bytes),
};

SUITE(tests)
