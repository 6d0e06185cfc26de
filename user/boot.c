/* SPDX-License-Identifier: MIT */
/*
 * boot.c - the first program, which is part of the kernel's image.
 *
 * It starts with the serial port as its descriptors 0 to 2. By fork it makes
 * two servers, the console and the files. Its descriptors become the terminal,
 * and its root becomes the tree of files that it has filled from the archive.
 * Then it executes the program that rdinit= on the command line names, or else
 * /init. That program is process 1; the servers are system processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/boot.h"
#include "abi/misc.h"
#include "servers/boot/words.h"
#include "servers/console/setup.h"
#include "servers/files/proc.h"
#include "servers/files/setup.h"

#define SERIAL 0

static struct words words;
static struct console console;
static struct server files;

_Noreturn static void fail(const char *what)
{
	dprintf(2, "boot: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/*
 * Forks; true in the child, which is to be a server. It leads a session of its
 * own, so that ctrl-C does not reach it.
 */
static bool begins_server(const char *name)
{
	pid_t pid = fork();

	if (pid < 0)
		fail(name);
	if (pid > 0)
		return false;
	(void)setsid();
	(void)syscall(SYS_prctl, PR_SET_NAME, name);
	(void)signal(SIGCHLD, SIG_DFL);
	return true;
}

/* ---- The terminal ---- */

/*
 * The console server keeps one more descriptor of the serial port, as 0 to 2
 * become the terminal.
 */
static void start_console(void)
{
	int serial = fcntl(SERIAL, F_DUPFD_CLOEXEC, 3), terminal;

	if (serial < 0 || !console_make(&console, serial))
		fail("no console");
	console.is_killed = words.kills;
	terminal = console_open(&console);
	if (terminal < 0)
		fail("no terminal");
	if (begins_server("console")) {
		close(terminal);
		errno = console_serve(&console);
		fail("the console");
	}
	close(console.port);
	close(serial);
	for (int fd = 0; fd < 3; fd++)
		dup2(terminal, fd);
	close(terminal);
	if (ioctl(0, TIOCSCTTY, 1) < 0)
		fail("no terminal");
}

/* ---- The files ---- */

static void complain(size_t at, const char *what)
{
	dprintf(2, "boot: at byte %lu of the archive: %s\n", at, what);
}

/*
 * Fills the tree from the archive, and then unmaps the archive, whose pages are
 * free again.
 */
static void unpack(uintptr_t start, uintptr_t end)
{
	uintptr_t first = start & ~(uintptr_t)(MEMORY_PAGE - 1);

	archive_unpack(&files.tree, (const char *)start, end - start, complain);
	if (start < end)
		munmap((void *)first, end - first);
}

/* Opening /dev/console gives a program what the server has as descriptor 0. */
static void start_files(const struct boot_stack *stack)
{
	int root;

	if (!files_make(&files))
		fail("no memory for files");
	if (!words.has_serial)
		files.terminal = 0;
	unpack(stack->archive, stack->archive_end);
	devices_make(&files.tree);
	proc_make(&files.tree, files.port, files.terminal);
	root = files_open_root(&files);
	if (root < 0)
		fail("no root");
	if (begins_server("files")) {
		close(root);
		errno = serve_loop(&files, words.kills);
		fail("the files");
	}
	close(files.port);
	if (port_root(root) < 0)
		fail("no root");
	close(root);
}

int main(int argc, char **argv)
{
	const struct boot_stack *stack = (const void *)(argv - 1);

	if (argc != 1 || !words_read(&words, argv[0]))
		fail("no memory for the command line");
	/* Nobody waits for a server that has been replaced. */
	(void)signal(SIGCHLD, SIG_IGN);
	if (!words.has_serial)
		start_console();
	start_files(stack);
	(void)signal(SIGCHLD, SIG_DFL);
	execve(words.init, words.argv, words.envp);
	fail(words.init);
}
