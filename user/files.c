/* SPDX-License-Identifier: MIT */
/*
 * files.c - the file server: a tree of files in memory.
 *
 *     files [-k] [-a ARCHIVE] [-i PATH] COMMAND [ARGUMENT...]
 *
 * fills a tree from the archive, if there is one, and runs the command in it:
 * paths of the command, and of those that it starts, are paths of the tree. The
 * command itself is still one of the kernel's archive. With -i the file PATH of
 * the tree, which is made if it is not there, is its standard input, open for
 * reading and, unless it is a folder, for writing. With -k the server kills
 * itself after each change, which the command does not notice.
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

/* The root of the tree, as a descriptor. */
static int open_root(void)
{
	struct where where = {server.tree.root, "/"};
	struct file *file;
	int fd = file_open(&server.tree, where, O_RDONLY, 0, &file);

	if (fd == 0) {
		server.open = 1;
		fd = port_open(server.port, (uintptr_t)file, O_RDONLY, 0, 0);
	}
	if (fd < 0)
		fail("no root");
	return fd;
}

/* The process goes into the tree. */
static void enter(int root, const char *input)
{
	int fd;

	if (port_root(root) < 0)
		fail("cannot enter the tree");
	close(root);
	if (input == NULL)
		return;
	fd = open(input, O_RDWR | O_CREAT, 0644);
	if (fd < 0 && errno == EISDIR)
		fd = open(input, O_RDONLY);
	if (fd < 0)
		fail(input);
	dup2(fd, 0);
	close(fd);
}

int main(int argc, char **argv)
{
	const char *archive = NULL, *input = NULL;
	bool dies = false;
	int root, option;

	while ((option = getopt(argc, argv, "ka:i:")) != -1) {
		dies |= option == 'k';
		archive = option == 'a' ? optarg : archive;
		input = option == 'i' ? optarg : input;
	}
	server.port = port_create(1);
	if (argc - optind < 1 || server.port < 0) {
		dprintf(2,
		    "usage: files [-k] [-a archive] [-i path] command"
		    " (on Calf)\n");
		return EXIT_FAILURE;
	}
	make_tree();
	if (archive != NULL)
		unpack(archive);
	devices_make(&server.tree);
	root = open_root();
	if (fork() == 0) {
		close(root);
		errno = serve_loop(&server, dies);
		if (errno != 0)
			fail("cannot serve");
		return EXIT_SUCCESS;
	}
	enter(root, input);
	execvp(argv[optind], argv + optind);
	fail(argv[optind]);
}
