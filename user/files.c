/* SPDX-License-Identifier: MIT */
/*
 * files.c - the file server: a tree of files in memory.
 *
 *     files [-k] [-a ARCHIVE] PATH COMMAND [ARGUMENT...]
 *
 * fills a tree from the archive, if there is one, and runs the command with the
 * file PATH of it, which is made if it is not there, as its standard input,
 * open for reading and, unless it is a folder, for writing. With -k the server
 * kills itself after each change, which the command does not notice.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "servers/files/archive.h"
#include "servers/files/memory.h"
#include "servers/files/serve.h"

static struct server server;

static void complain(size_t at, const char *what)
{
	dprintf(2, "files: at byte %lu of the archive: %s\n", at, what);
}

_Noreturn static void fail(const char *what)
{
	dprintf(2, "files: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void make_tree(void)
{
	struct sysinfo info;
	struct timespec now;
	uint64_t seed;

	if (sysinfo(&info) == 0)
		memory_limit(info.totalram / 2 / MEMORY_PAGE);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)getrandom(&seed, sizeof seed, 0);
	if (!tree_init(&server.tree, (struct moment){now.tv_sec, now.tv_nsec},
		seed))
		fail("no tree");
}

static void unpack(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	size_t done = 0;
	char *archive;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) < 0)
		fail(path);
	archive = malloc((size_t)st.st_size + 1);
	if (archive == NULL)
		fail(path);
	while (n > 0 && done < (size_t)st.st_size) {
		n = read(fd, archive + done, (size_t)st.st_size - done);
		if (n < 0)
			fail(path);
		done += (size_t)n;
	}
	close(fd);
	archive_unpack(&server.tree, archive, done, complain);
	free(archive);
}

/* A descriptor of that file; a folder can only be read. */
static int open_path(const char *path)
{
	struct where where = {server.tree.root, path};
	unsigned access = O_RDWR;
	struct file *file;
	int fd = file_open(&server.tree, where, O_RDWR | O_CREAT, 0644, &file);

	if (fd == -EISDIR) {
		access = O_RDONLY;
		fd = file_open(&server.tree, where, access, 0, &file);
	}
	if (fd < 0) {
		errno = -fd;
		fail(path);
	}
	server.open = 1;
	fd = port_open(server.port, (uintptr_t)file, access, 0, 0);
	if (fd < 0)
		fail("no file of a port");
	return fd;
}

int main(int argc, char **argv)
{
	const char *archive = NULL;
	bool dies = false;
	int fd, option;

	while ((option = getopt(argc, argv, "ka:")) != -1) {
		dies |= option == 'k';
		archive = option == 'a' ? optarg : archive;
	}
	server.port = port_create(1);
	if (argc - optind < 2 || server.port < 0) {
		dprintf(2,
		    "usage: files [-k] [-a archive] path command"
		    " (on Calf)\n");
		return EXIT_FAILURE;
	}
	make_tree();
	if (archive != NULL)
		unpack(archive);
	devices_make(&server.tree);
	fd = open_path(argv[optind]);
	if (fork() == 0) {
		close(fd);
		errno = serve_loop(&server, dies);
		if (errno != 0)
			fail("cannot serve");
		return EXIT_SUCCESS;
	}
	dup2(fd, 0);
	close(fd);
	execvp(argv[optind + 1], argv + optind + 1);
	fail(argv[optind + 1]);
}
