/* SPDX-License-Identifier: MIT */
/*
 * t_files.c - files of the file server, as programs see them: the bytes, the
 * positions, what stat says; and all of it again while the server is killed
 * after each change.
 *
 * A test runs /bin/files, and that runs this program again, in the tree and
 * with a file of it as its standard input, to do what the test is about.
 */
#include "service.h"

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
	static const char names[] =
	    ". .. null zero full random urandom tty console fd stdin stdout "
	    "stderr ";
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

/*
 * The archive has the bytes of its files as they are. It is not in the tree,
 * but has been open since before.
 */
#define ARCHIVE 9
static const char *compare_with_archive(void)
{
	ssize_t size = pread(ARCHIVE, large, LARGE, 0);
	ssize_t len = read(0, back, LARGE);
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

/* ---- What is done by paths ---- */

static const char *holds(const char *path, const char *bytes)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, back, sizeof(back));

	close(fd);
	MUST(n == (ssize_t)strlen(bytes),
	    found("%s: %ld bytes", path, (long)n));
	MUST(memcmp(back, bytes, (size_t)n) == 0, found("%s: others", path));
	return NULL;
}

static const char *put(const char *path, int flags, const char *bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0666);
	ssize_t len = (ssize_t)strlen(bytes);

	MUST(fd >= 0, found("%s: %d", path, errno));
	MUST(write(fd, bytes, (size_t)len) == len, "write");
	return close(fd) == 0 ? NULL : "close";
}

static const char *use_names(void)
{
	struct stat st;

	TRY(put("/new", O_EXCL, "first "));
	TRY(put("new", O_APPEND, "second"));
	TRY(holds("/./new", "first second"));
	MUST(open("/new", O_CREAT | O_EXCL, 0666) == -1 && errno == EEXIST,
	    "it is made twice");
	MUST(stat("/new", &st) == 0 && st.st_mode == (S_IFREG | 0644),
	    "the mode");
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)"/d", 0777) == 0, "mkdirat");
	MUST(raw(SYS_renameat2, AT_FDCWD, (long)"new", AT_FDCWD, (long)"/d/old",
		 0) == 0,
	    "renameat2");
	MUST(raw(SYS_linkat, AT_FDCWD, (long)"d/old", AT_FDCWD, (long)"/l",
		 0) == 0,
	    "linkat");
	MUST(raw(SYS_symlinkat, (long)"d/old", AT_FDCWD, (long)"s") == 0,
	    "symlinkat");
	TRY(holds("/s", "first second"));
	MUST(raw(SYS_readlinkat, AT_FDCWD, (long)"/s", (long)back, 99) == 5 &&
		memcmp(back, "d/old", 5) == 0,
	    "readlinkat");
	MUST(raw(SYS_truncate, (long)"s", 3) == 0, "truncate");
	TRY(holds("l", "fir"));
	MUST(stat("/l", &st) == 0 && st.st_nlink == 2 && st.st_size == 3,
	    "links");
	MUST(raw(SYS_unlinkat, AT_FDCWD, (long)"/d", 0) == -EISDIR,
	    "unlinkat of a folder");
	MUST(raw(SYS_unlinkat, AT_FDCWD, (long)"/d", AT_REMOVEDIR) ==
		-ENOTEMPTY,
	    "a folder that is not empty");
	MUST(raw(SYS_unlinkat, AT_FDCWD, (long)"/s", 0) == 0 &&
		raw(SYS_unlinkat, AT_FDCWD, (long)"/l", 0) == 0 &&
		raw(SYS_unlinkat, AT_FDCWD, (long)"/d/old", 0) == 0 &&
		raw(SYS_unlinkat, AT_FDCWD, (long)"d", AT_REMOVEDIR) == 0,
	    "unlinkat");
	MUST(open("/d/old", O_RDONLY) == -1 && errno == ENOENT, "still there");
	MUST(open("/bin/ps", O_RDONLY) == -1 && errno == ENOENT,
	    "the kernel's archive");
	return NULL;
}

static const char *is_in(const char *path)
{
	long n = raw(SYS_getcwd, (long)back, sizeof(back));

	MUST(n == (long)strlen(path) + 1 && strcmp((char *)back, path) == 0,
	    found("in %s", n > 0 ? (char *)back : "nothing"));
	return NULL;
}

static const char *go_up(void)
{
	TRY(is_in("/a/b"));
	MUST(chdir("..") == 0, "chdir");
	return is_in("/a");
}

static const char *use_folders(void)
{
	int a, b;

	TRY(is_in("/"));
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)"a", 0777) == 0, "mkdirat");
	a = open("a", O_RDONLY | O_DIRECTORY);
	MUST(a >= 0, "open");
	MUST(raw(SYS_mkdirat, a, (long)"b", 0777) == 0, "in a folder");
	MUST(chdir("/a/b") == 0, "chdir");
	TRY(in_child(go_up));
	TRY(is_in("/a/b"));
	TRY(put("f", 0, "in b"));
	b = open(".", O_RDONLY);
	MUST(raw(SYS_fchdir, a) == 0, "fchdir");
	TRY(is_in("/a"));
	MUST(raw(SYS_renameat2, b, (long)"f", a, (long)"g", 0) == 0,
	    "from folder to folder");
	TRY(holds("g", "in b"));
	MUST(raw(SYS_openat, b, (long)"f", O_RDONLY) == -ENOENT, "it stayed");
	MUST(raw(SYS_fchdir, b) == 0, "fchdir");
	MUST(raw(SYS_unlinkat, a, (long)"b", AT_REMOVEDIR) == 0, "rmdir");
	MUST(raw(SYS_getcwd, (long)back, 100) == -ENOENT, "in nothing");
	MUST(open("f", O_WRONLY | O_CREAT, 0666) == -1 && errno == ENOENT,
	    "a file in nothing");
	MUST(chdir("/a/g") == -1 && errno == ENOTDIR, "a file");
	MUST(chdir("/dev") == 0, "chdir");
	MUST(raw(SYS_unlinkat, AT_FDCWD, (long)"/a/g", 0) == 0 &&
		raw(SYS_unlinkat, AT_FDCWD, (long)"/a", AT_REMOVEDIR) == 0,
	    "unlinkat");
	return is_in("/dev");
}

static const char *use_attributes(void)
{
	struct timespec times[2] = {{11, 12}, {13, 14}};
	struct stat st;
	int fd;

	TRY(put("/f", 0, "bytes"));
	MUST(raw(SYS_fchmodat, AT_FDCWD, (long)"f", 0741) == 0, "fchmodat");
	MUST(raw(SYS_fchownat, AT_FDCWD, (long)"f", 5, 6, 0) == 0, "fchownat");
	MUST(raw(SYS_utimensat, AT_FDCWD, (long)"f", (long)times, 0) == 0,
	    "utimensat");
	MUST(raw(SYS_newfstatat, AT_FDCWD, (long)"f", (long)&st, 0) == 0,
	    "newfstatat");
	MUST(st.st_mode == (S_IFREG | 0741) && st.st_uid == 5 &&
		st.st_gid == 6 && st.st_mtime == 13,
	    "what was set");
	times[1].tv_sec = 15;
	fd = open("f", O_RDONLY);
	MUST(raw(SYS_utimensat, fd, 0, (long)times, 0) == 0, "by descriptor");
	MUST(raw(SYS_newfstatat, fd, (long)"", (long)&st, 0x1000) == 0 &&
		st.st_mtime == 15,
	    "the descriptor's");
	MUST(raw(SYS_statx, AT_FDCWD, (long)"f", 0, 0, (long)back) == 0 &&
		back[28] == (0741 & 0xff),
	    "statx");
	MUST(raw(SYS_statfs, (long)"/", (long)back) == 0 && back[0] == 0x94,
	    "statfs");
	MUST(raw(SYS_faccessat, AT_FDCWD, (long)"f", 2) == 0 &&
		raw(SYS_faccessat2, AT_FDCWD, (long)"f", 1, 0x200) == 0 &&
		raw(SYS_faccessat, AT_FDCWD, (long)"g", 0) == -ENOENT,
	    "faccessat");
	MUST(raw(SYS_mknodat, AT_FDCWD, (long)"p", S_IFIFO | 0666, 0) == 0 &&
		stat("p", &st) == 0 && st.st_mode == (S_IFIFO | 0644),
	    "mknodat");
	return NULL;
}

/* Four children make and remove names of one folder. */
static const char *use_at_once(void)
{
	pid_t pids[4];
	char name[16];
	int i, n;

	for (i = 0; i < 4; i++) {
		pids[i] = must_fork();
		for (n = 0; pids[i] == 0 && n < 20; n++) {
			snprintf(name, sizeof(name), "/%d.%d", i, n);
			if (put(name, O_EXCL, name) != NULL ||
			    holds(name, name) != NULL)
				_exit(1);
			if (n % 2 == 0 &&
			    raw(SYS_unlinkat, AT_FDCWD, (long)name, 0) != 0)
				_exit(2);
		}
		if (pids[i] == 0)
			_exit(0);
	}
	for (i = 0; i < 4; i++) {
		n = reap(pids[i]);
		MUST(exited_with(n, 0), found("child %d: %x", i, n));
	}
	for (i = 0; i < 4; i++)
		for (n = 0; n < 20; n++) {
			snprintf(name, sizeof(name), "/%d.%d", i, n);
			MUST((raw(SYS_faccessat, AT_FDCWD, (long)name, 0) ==
				 0) == (n % 2 == 1),
			    found("%s", name));
		}
	return NULL;
}

/* A shell with redirections; what it has said goes to the tree, too. */
static const char *use_shell(void)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c",
		    "echo hi > /x; cat /x > /y; echo ho >> x; cd /dev;"
		    " ls > ../z; cat < /x >> /y",
		    NULL);
		_exit(127);
	}
	MUST(exited_with(reap(pid), 0), "the shell");
	TRY(holds("/x", "hi\nho\n"));
	TRY(holds("/y", "hi\nhi\nho\n"));
	return holds("/z",
	    "console\nfd\nfull\nnull\nrandom\nstderr\nstdin\nstdout\ntty\n"
	    "urandom\nzero\n");
}

#define RW (PROT_READ | PROT_WRITE)

/* A private mapping of the file, LARGE bytes long, from `page` on. */
static unsigned char *map(int page, int prot)
{
	return (unsigned char *)raw(SYS_mmap, 0, LARGE - page * (long)PAGE,
	    prot, MAP_PRIVATE, 0, page * PAGE);
}

static const char *map_file(void)
{
	unsigned char *p, *q;

	fill(3);
	MUST(write(0, large, LARGE) == LARGE, "write");
	p = map(0, PROT_READ);
	q = map(5, RW);
	MUST(memcmp(p, large, LARGE) == 0, "other bytes");
	MUST(all_bytes(p + LARGE, -LARGE & (PAGE - 1), 0), "behind the end");
	memset(q, 'q', PAGE);
	MUST(raw(SYS_pwrite64, 0, (long)"wwww", 4, 6 * PAGE) == 4, "pwrite");
	MUST(q[PAGE] == large[6 * PAGE] && p[6 * PAGE] == large[6 * PAGE],
	    "a mapping sees what is written later");
	MUST(raw(SYS_pread64, 0, (long)back, 8, 6 * PAGE - 4) == 8 &&
		memcmp(back, large + 6 * PAGE - 4, 4) == 0 &&
		memcmp(back + 4, "wwww", 4) == 0,
	    "the file has what is written to a mapping");
	MUST(raw(SYS_ftruncate, 0, 10) == 0, "ftruncate");
	MUST(memcmp(p, large, LARGE) == 0, "it became shorter");
	MUST(q[0] == 'q' && q[PAGE] == large[6 * PAGE], "the other");
	q = (void *)raw(SYS_mmap, 0, 3 * PAGE, RW, MAP_PRIVATE, 0, 0);
	MUST(memcmp(q, large, 10) == 0 && all_bytes(q + 10, PAGE - 10, 0),
	    "the bytes that are left");
	return expect_no_load(q + PAGE);
}

static const char *map_holes(void)
{
	unsigned char *p;

	MUST(raw(SYS_pwrite64, 0, (long)"x", 1, 1L << 40) == 1, "far behind");
	p = (void *)raw(SYS_mmap, 0, 64 * MIB, RW, MAP_PRIVATE, 0,
	    (1L << 40) - 32 * (long)MIB);
	MUST(p[32 * MIB] == 'x' && p[0] == 0 && p[31 * MIB] == 0, "the bytes");
	p[5 * MIB] = 1;
	MUST(raw(SYS_pread64, 0, (long)back, 1, (1L << 40) - 27 * (long)MIB) ==
		    1 &&
		back[0] == 0,
	    "the file has what is written to a mapping");
	return expect_no_load(p + 32 * MIB + PAGE);
}

/* A file with an instruction in it: it returns. */
static const char *map_code(void)
{
	unsigned char *p;

	MUST(write(0, "\x82\x80", 2) == 2, "write");
	p = (void *)raw(SYS_mmap, 0, 2, PROT_READ | PROT_EXEC, MAP_PRIVATE, 0,
	    0);
	((void (*)(void))p)();
	return expect_no_store(p);
}

static const char *map_others(void)
{
	int zero = open("/dev/zero", O_RDWR), dir = open("/", O_RDONLY);
	int null = open("/dev/null", O_RDWR), path = open("/", 010000000);
	int only = open("/f", O_WRONLY | O_CREAT, 0666);
	unsigned char *p;

	p = (void *)raw(SYS_mmap, 0, 3 * PAGE, RW, MAP_PRIVATE, zero, PAGE);
	MUST(all_bytes(p, 3 * PAGE, 0), "not zero");
	p[2 * PAGE] = 1;
	MUST(raw(SYS_mmap, 0, PAGE, RW, MAP_PRIVATE, null, 0) == -ENODEV &&
		raw(SYS_mmap, 0, PAGE, RW, MAP_PRIVATE, dir, 0) == -ENODEV &&
		raw(SYS_mmap, 0, PAGE, RW, MAP_PRIVATE, path, 0) == -EBADF &&
		raw(SYS_mmap, 0, PAGE, RW, MAP_PRIVATE, only, 0) == -EACCES,
	    "what cannot be mapped");
	return NULL;
}

#define KEPT_OPEN 40
#define OPENS     550 /* and as many closes: more than the journal holds */

static uint64_t free_pages(void)
{
	uint64_t st[15];

	return raw(SYS_statfs, (long)"/", (long)st) == 0 ? st[3] : 0;
}

static const char *open_nameless(int files[KEPT_OPEN])
{
	for (int i = 0; i < KEPT_OPEN; i++) {
		char byte = (char)i;
		int fd = open("/x", O_WRONLY | O_CREAT | O_EXCL, 0600);

		MUST(write(fd, &byte, 1) == 1 && close(fd) == 0, "a new file");
		files[i] = open("/x", O_RDONLY);
		MUST(files[i] >= 0 && unlink("/x") == 0, "opened, removed");
	}
	return NULL;
}

/* Files without names, of which every second one is closed. */
static const char *keep_open(void)
{
	int files[KEPT_OPEN];
	uint64_t before = free_pages();

	TRY(open_nameless(files));
	for (int i = 0; i < KEPT_OPEN; i += 2)
		MUST(close(files[i]) == 0, "close");
	for (int i = 0; i < OPENS; i++)
		MUST(close(open("/file", O_RDONLY)) == 0, "open and close");
	for (int i = 1; i < KEPT_OPEN; i += 2) {
		MUST(read(files[i], back, 2) == 1 && back[0] == i,
		    found("file %d is another", i));
		MUST(close(files[i]) == 0, "close");
	}
	MUST(write(open("/y", O_WRONLY | O_CREAT, 0600), back, 9) == 9, "new");
	MUST(open("/y", O_WRONLY | O_TRUNC) >= 0, "open");
	MUST(read(open("/y", O_RDONLY), back, 9) == 0, "it is not empty");
	for (int fd = files[0]; fd < files[0] + 3; fd++)
		MUST(close(fd) == 0, "close");
	MUST(open("/file", O_RDONLY) == files[0], "another descriptor");
	MUST(free_pages() + KEPT_OPEN / 4 >= before,
	    "what was closed and has no name is still there");
	return NULL;
}

static const struct {
	const char *path;
	test_fn *run;
} uses[] = {{"/file", write_and_read}, {"/file", write_much},
    {"/file", leave_holes}, {"/file", be_wrong}, {"/file", change_mode},
    {"/file", share_position}, {"/dev", list_devices}, {"/dev/null", use_null},
    {"/file", use_names}, {"/file", use_folders}, {"/file", use_attributes},
    {"/file", use_at_once}, {"/file", use_shell}, {"/file", keep_open},
    {"/file", map_file}, {"/file", map_holes}, {"/file", map_code},
    {"/file", map_others}, {"/some/text", compare_with_archive}};

/* ---- The tests ---- */

static const char *use(test_fn *run, const char *option)
{
	int i = 0, archive = open("/files.cpio", O_RDONLY);
	const char *wrong;

	while (uses[i].run != run)
		i++;
	dup2(archive, ARCHIVE);
	wrong = use_in_files((const char *const[]){"-c", suite_path, "-c",
				 "/bin/sh", "-c", "/bin/cat", "-c", "/bin/ls",
				 "-c", "/bin/echo", "-i", uses[i].path, NULL},
	    option, i);
	close(ARCHIVE);
	close(archive);
	return wrong;
}

static const char *use_twice(test_fn *run)
{
	TRY(use(run, "--"));
	return use(run, "-k");
}

TEST(what_is_written_is_read)
{
	return use_twice(write_and_read);
}

TEST(what_is_large_goes_in_and_out_as_a_whole)
{
	return use_twice(write_much);
}

TEST(what_is_not_written_is_zero_and_takes_no_memory)
{
	return use_twice(leave_holes);
}

TEST(what_is_wrong_changes_nothing)
{
	return use_twice(be_wrong);
}

TEST(modes_and_owners_can_be_changed)
{
	return use_twice(change_mode);
}

TEST(a_child_goes_on_where_its_parent_is)
{
	return use_twice(share_position);
}

TEST(a_folder_is_listed_bit_by_bit)
{
	return use_twice(list_devices);
}

TEST(devices_are_devices)
{
	return use_twice(use_null);
}

TEST(an_archive_is_unpacked)
{
	return use(compare_with_archive, "-a/files.cpio");
}

TEST(names_are_made_moved_and_removed)
{
	return use_twice(use_names);
}

TEST(folders_are_where_a_process_can_be)
{
	return use_twice(use_folders);
}

TEST(what_is_known_of_a_file_is_set_by_its_path)
{
	return use_twice(use_attributes);
}

TEST(processes_use_a_folder_at_once)
{
	return use_twice(use_at_once);
}

TEST(what_is_open_stays_open_and_what_is_closed_goes)
{
	return use_twice(keep_open);
}

TEST(a_shell_writes_to_files_and_reads_them)
{
	return use_twice(use_shell);
}

TEST(a_mapping_is_the_file_as_it_was)
{
	return use_twice(map_file);
}

TEST(holes_are_mapped_as_zeros)
{
	return use_twice(map_holes);
}

TEST(what_is_mapped_can_be_executed)
{
	TRY(needs_riscv());
	return use_twice(map_code);
}

TEST(what_is_no_file_is_not_mapped)
{
	return use_twice(map_others);
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
    T(names_are_made_moved_and_removed),
    T(folders_are_where_a_process_can_be),
    T(what_is_known_of_a_file_is_set_by_its_path),
    T(processes_use_a_folder_at_once),
    T(what_is_open_stays_open_and_what_is_closed_goes),
    T(a_shell_writes_to_files_and_reads_them),
    T(a_mapping_is_the_file_as_it_was),
    T(holes_are_mapped_as_zeros),
    T(what_is_mapped_can_be_executed),
    T(what_is_no_file_is_not_mapped),
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
