/* SPDX-License-Identifier: MIT */
/*
 * t_files.c - files of the file server, as programs see them: the bytes, the
 * positions, what stat says; and all of it again while the server is killed
 * after each change.
 *
 * A test runs /bin/files, and that runs this program again, with a file of the
 * tree as its standard input, to do what the test is about.
 */
#include "harness.h"

#include <dirent.h>
#include <sys/stat.h>

#define LARGE 300000

static unsigned char large[LARGE], back[LARGE];

static void fill(unsigned char seed)
{
	for (int i = 0; i < LARGE; i++)
		large[i] = (unsigned char)(i * 7 + i / 4096 + seed);
}

/* ---- What is done with the file ---- */

static const char *write_and_read(void)
{
	int done = 0;

	fill(1);
	for (int n = 1; done < 20000; n = n * 3 % 4099 + 1) {
		MUST(write(0, large + done, n) == n, "write");
		done += n;
	}
	MUST(lseek(0, 0, SEEK_CUR) == done, "the position");
	MUST(lseek(0, 5, SEEK_SET) == 5, "lseek");
	MUST(read(0, back, sizeof(back)) == done - 5, "read");
	MUST(memcmp(back, large + 5, done - 5) == 0, "other bytes");
	MUST(read(0, back, 1) == 0, "bytes behind the end");
	MUST(lseek(0, -1, SEEK_SET) == -1 && errno == EINVAL, "before 0");
	return NULL;
}

static const char *write_much(void)
{
	fill(2);
	MUST(write(0, large, LARGE) == LARGE, "a large write");
	MUST(raw(SYS_pread64, 0, (long)back, LARGE, 0) == LARGE,
	    "a large read");
	MUST(memcmp(back, large, LARGE) == 0, "other bytes");
	MUST(raw(SYS_pwrite64, 0, (long)large, 20000, LARGE - 1) == 20000,
	    "pwrite");
	MUST(raw(SYS_pread64, 0, (long)back, LARGE, LARGE - 1) == 20000,
	    "pread");
	MUST(memcmp(back, large, 20000) == 0, "other bytes behind");
	MUST(lseek(0, 0, SEEK_CUR) == LARGE, "the position");
	return NULL;
}

static const char *leave_holes(void)
{
	struct stat st;

	MUST(raw(SYS_pwrite64, 0, (long)"x", 1, 1L << 40) == 1, "far behind");
	MUST(fstat(0, &st) == 0 && st.st_size == (1L << 40) + 1, "the size");
	MUST(st.st_blocks == 8, found("%ld blocks", (long)st.st_blocks));
	MUST(lseek(0, 0, 3) == 1L << 40, "SEEK_DATA");
	MUST(lseek(0, 0, 4) == 0, "SEEK_HOLE");
	MUST(raw(SYS_pread64, 0, (long)back, 100, 1L << 39) == 100, "a hole");
	MUST(back[0] == 0 && back[99] == 0, "it is not zero");
	MUST(raw(SYS_ftruncate, 0, 3) == 0, "ftruncate");
	MUST(fstat(0, &st) == 0 && st.st_size == 3 && st.st_blocks == 0,
	    "it is not shorter");
	MUST(raw(SYS_fallocate, 0, 0, 0, 10000) == 0, "fallocate");
	MUST(fstat(0, &st) == 0 && st.st_size == 10000 && st.st_blocks == 24,
	    "it has no pages");
	MUST(raw(SYS_fallocate, 0, 3, 4096, 4096) == 0, "punch");
	MUST(fstat(0, &st) == 0 && st.st_blocks == 16, "no hole");
	return NULL;
}

static const char *be_wrong(void)
{
	char *bad = (char *)PAGE;
	struct stat st;

	MUST(raw(SYS_write, 0, (long)bad, 10) == -EFAULT, "write from nowhere");
	MUST(raw(SYS_write, 0, (long)bad, 100000) == -EFAULT,
	    "much from nowhere");
	MUST(fstat(0, &st) == 0 && st.st_size == 0, "it wrote");
	MUST(write(0, "abc", 3) == 3, "write");
	MUST(raw(SYS_pread64, 0, (long)bad, 3, 0) == -EFAULT,
	    "read to nowhere");
	MUST(raw(SYS_pread64, 0, (long)bad, 100000, 0) == -EFAULT, "much");
	MUST(raw(SYS_fstat, 0, (long)bad) == -EFAULT, "fstat to nowhere");
	MUST(raw(SYS_getdents64, 0, (long)back, 100) == -ENOTDIR, "no folder");
	MUST(raw(SYS_ioctl, 0, 0x5413, (long)back) == -ENOTTY, "no terminal");
	MUST(raw(SYS_ftruncate, 0, -1) == -EINVAL, "a negative size");
	MUST(lseek(0, 0, SEEK_CUR) == 3, "the position");
	return NULL;
}

static const char *change_mode(void)
{
	struct stat st;

	MUST(fstat(0, &st) == 0 && st.st_mode == (S_IFREG | 0644) &&
		st.st_nlink == 1,
	    "a new file");
	MUST(raw(SYS_fchmod, 0, 04711) == 0, "fchmod");
	MUST(raw(SYS_fchown, 0, 3, 4) == 0, "fchown");
	MUST(fstat(0, &st) == 0 && st.st_mode == (S_IFREG | 0711) &&
		st.st_uid == 3 && st.st_gid == 4,
	    "mode and owner");
	MUST(raw(SYS_fsync, 0) == 0, "fsync");
	return NULL;
}

/* Parent and child have one position. */
static const char *share_position(void)
{
	pid_t pid = must_fork();
	int i;

	for (i = 0; i < 100; i++)
		if (write(0, pid > 0 ? "p" : "c", 1) != 1)
			_exit(errno);
	if (pid == 0)
		_exit(0);
	i = reap(pid);
	MUST(exited_with(i, 0), found("the child: %x", i));
	MUST(lseek(0, 0, SEEK_CUR) == 200, "bytes over bytes");
	MUST(raw(SYS_pread64, 0, (long)back, 300, 0) == 200, "the size");
	for (i = 0; i < 200; i++)
		MUST(back[i] == 'p' || back[i] == 'c', "a hole");
	return NULL;
}

static const char *list_devices(void)
{
	static const char names[] = ". .. null zero full random urandom ";
	static char list[200];
	long n;

	/* One entry at a time. */
	while ((n = raw(SYS_getdents64, 0, (long)back, 32)) > 0) {
		strcat(list, (char *)back + 19);
		strcat(list, " ");
	}
	MUST(n == 0, found("getdents64: %ld", n));
	MUST(strcmp(list, names) == 0, found("%s", list));
	MUST(lseek(0, 0, SEEK_SET) == 0, "no way back");
	MUST(raw(SYS_getdents64, 0, (long)back, 10) == -EINVAL,
	    "too little room");
	MUST(raw(SYS_read, 0, (long)back, 10) == -EISDIR, "it can be read");
	return NULL;
}

static const char *use_null(void)
{
	struct stat st;

	MUST(write(0, large, LARGE) == LARGE, "write");
	MUST(read(0, back, 1) == 0, "read");
	MUST(fstat(0, &st) == 0 && st.st_mode == (S_IFCHR | 0666) &&
		st.st_rdev == (1 << 8 | 3),
	    "no device");
	return NULL;
}

/* The archive has the bytes of its files as they are. */
static const char *compare_with_archive(void)
{
	int fd = open("/files.cpio", O_RDONLY);
	ssize_t size = read(fd, large, LARGE), len = read(0, back, LARGE);
	struct stat st;
	ssize_t at = 0;

	MUST(size > 0 && len > 100 && len < size, "nothing to compare");
	MUST(fstat(0, &st) == 0 && st.st_mode == (S_IFREG | 0640) &&
		st.st_size == len,
	    "mode or size");
	while (at < size - len && memcmp(large + at, back, len) != 0)
		at++;
	MUST(at < size - len, "other bytes");
	return NULL;
}

static const struct {
	const char *path;
	test_fn *run;
} uses[] = {{"/file", write_and_read}, {"/file", write_much},
    {"/file", leave_holes}, {"/file", be_wrong}, {"/file", change_mode},
    {"/file", share_position}, {"/dev", list_devices}, {"/dev/null", use_null},
    {"/some/text", compare_with_archive}};

/* ---- The tests ---- */

static const char *use(test_fn *run, const char *option)
{
	char number[8] = "0";
	pid_t pid;
	int i = 0;

	if (!on_calf())
		return SKIP("there are servers on Calf only");
	while (uses[i].run != run)
		i++;
	snprintf(number, sizeof(number), "%d", i);
	pid = must_fork();
	if (pid == 0) {
		execl("/bin/files", "files", option, uses[i].path, suite_path,
		    "use", number, NULL);
		_exit(127);
	}
	i = reap(pid);
	return exited_with(i, 0) ? NULL : found("status %x", i);
}

#define USE(run)                       \
	do {                           \
		TRY(use((run), "--")); \
		TRY(use((run), "-k")); \
		return NULL;           \
	} while (0)

TEST(what_is_written_is_read)
{
	USE(write_and_read);
}

TEST(what_is_large_goes_in_and_out_as_a_whole)
{
	USE(write_much);
}

TEST(what_is_not_written_is_zero_and_takes_no_memory)
{
	USE(leave_holes);
}

TEST(what_is_wrong_changes_nothing)
{
	USE(be_wrong);
}

TEST(modes_and_owners_can_be_changed)
{
	USE(change_mode);
}

TEST(a_child_goes_on_where_its_parent_is)
{
	USE(share_position);
}

TEST(a_folder_is_listed_bit_by_bit)
{
	USE(list_devices);
}

TEST(devices_are_devices)
{
	USE(use_null);
}

TEST(an_archive_is_unpacked)
{
	return use(compare_with_archive, "-a/files.cpio");
}

static const struct test tests[] = {
    T(what_is_written_is_read),
    T(what_is_large_goes_in_and_out_as_a_whole),
    T(what_is_not_written_is_zero_and_takes_no_memory),
    T(what_is_wrong_changes_nothing),
    T(modes_and_owners_can_be_changed),
    T(a_child_goes_on_where_its_parent_is),
    T(a_folder_is_listed_bit_by_bit),
    T(devices_are_devices),
    T(an_archive_is_unpacked),
};

int main(int argc, char **argv)
{
	const char *found;

	if (argc != 3 || strcmp(argv[1], "use") != 0)
		return suite_main(argc, argv, tests, COUNT(tests));
	found = uses[atoi(argv[2])].run();
	if (found != NULL)
		dprintf(1, "# %s: %s\n", uses[atoi(argv[2])].path, found);
	return found != NULL;
}
