/* SPDX-License-Identifier: MIT */
/*
 * files.c - the file server: a tree of files in memory.
 *
 *     files [-k] [-a ARCHIVE] [-c FILE]... [-i PATH] COMMAND [ARGUMENT...]
 *
 * fills a tree and runs the command in it: paths of the command, and of those
 * that it starts, are paths of the tree, and so are their programs. What is in
 * the tree is from the archive, and copies of the files and folders named by
 * -c; without either, a copy of /bin. With -i the file PATH of the tree, which
 * is made if it is not there, is its standard input, open for reading and,
 * unless it is a folder, for writing. With -k the server kills itself after
 * each change, which the command does not notice.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <program.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "servers/files/proc.h"
#include "servers/files/setup.h"

const char program_help[] =
    "NAME\n"
    "    files - run a command in a tree of files of its own\n"
    "\n"
    "SYNOPSIS\n"
    "    files [-k] [-a ARCHIVE] [-c FILE]... [-i PATH] COMMAND [ARGUMENT...]\n"
    "\n"
    "DESCRIPTION\n"
    "    Fills a tree in memory, forks to serve it, and runs the command in\n"
    "    it: all paths of the command, and of those that it starts, are paths\n"
    "    of the tree, and so are their programs. Without -a and -c the tree\n"
    "    has a copy of /bin.\n"
    "\n"
    "OPTIONS\n"
    "    -a ARCHIVE  the files of a cpio archive\n"
    "    -c FILE     a copy of a file, or of a folder with all that is in it\n"
    "    -i PATH     a file of the tree is the command's standard input; it\n"
    "                is made if it is not there\n"
    "    -k          the server kills itself after each change, which the\n"
    "                command does not notice\n"
    "\n"
    "EXAMPLES\n"
    "    files -i /a wc\n"
    "    files -k sh\n"
    "\n"
    "SEE ALSO\n"
    "    docs/files.md\n";

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

static struct where in_tree(const char *path)
{
	return (struct where){server.tree.root, path};
}

/* Makes the folders of the tree that a path goes through. */
static void make_folders(const char *path)
{
	char folder[PATH_MAX];

	for (size_t i = 1; path[i] != '\0' && i < sizeof folder; i++) {
		if (path[i] != '/')
			continue;
		memcpy(folder, path, i);
		folder[i] = '\0';
		(void)tree_mkdir(&server.tree, in_tree(folder), 0755);
	}
}

static void copy_bytes(int fd, struct file *file)
{
	static char buffer[SERVE_BUFFER];
	uint64_t position = 0;
	ssize_t n;

	while ((n = read(fd, buffer, sizeof buffer)) > 0) {
		long done = file_write(&server.tree, file, &position, buffer,
		    (size_t)n);

		errno = done < 0 ? (int)-done : ENOSPC;
		if (done < n)
			fail("copying");
	}
	if (n < 0)
		fail("copying");
}

static void copy_file(const char *path, int fd, mode_t mode)
{
	struct file file;
	int err;

	make_folders(path);
	err = file_open(&server.tree, in_tree(path), O_CREAT | O_WRONLY,
	    mode & 07777, &file);
	errno = -err;
	if (err < 0)
		fail(path);
	copy_bytes(fd, &file);
	file_close(&server.tree, &file);
}

static void copy(const char *path);

static void copy_folder(const char *path)
{
	const struct dirent *entry;
	char name[PATH_MAX];
	DIR *dir = opendir(path);

	if (dir == NULL)
		fail(path);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		copy(name);
	}
	closedir(dir);
}

/* Copies a file, or all of a folder, to the same path in the tree. */
static void copy(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		fail(path);
	if (S_ISDIR(st.st_mode))
		copy_folder(path);
	else if (S_ISREG(st.st_mode))
		copy_file(path, fd, st.st_mode);
	close(fd);
}

/* Makes the tree the root of this process, and opens its standard input. */
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

struct options {
	bool dies;
	bool is_filled;
	const char *input;
};

/* Fills the tree on the way. */
static struct options read_options(int argc, char **argv)
{
	struct options options = {false, false, NULL};
	int option;

	while ((option = getopt(argc, argv, "ka:c:i:")) != -1) {
		options.dies |= option == 'k';
		options.is_filled |= option == 'a' || option == 'c';
		if (option == 'a')
			unpack(optarg);
		else if (option == 'c')
			copy(optarg);
		else if (option == 'i')
			options.input = optarg;
	}
	return options;
}

int main(int argc, char **argv)
{
	struct options options;
	int root;

	if (!files_make(&server))
		fail("no server");
	options = read_options(argc, argv);
	if (argc - optind < 1) {
		dprintf(2,
		    "usage: files [-k] [-a archive] [-c file]... [-i path]"
		    " command (on Calf)\n");
		return EXIT_FAILURE;
	}
	if (!options.is_filled)
		copy("/bin");
	devices_make(&server.tree);
	proc_make(&server.tree, server.port, -1);
	root = files_open_root(&server);
	if (root < 0)
		fail("no root");
	if (fork() == 0) {
		close(root);
		errno = serve_loop(&server, options.dies);
		if (errno != 0)
			fail("cannot serve");
		return EXIT_SUCCESS;
	}
	enter(root, options.input);
	execvp(argv[optind], argv + optind);
	fail(argv[optind]);
}
