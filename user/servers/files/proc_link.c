/* SPDX-License-Identifier: MIT */
/*
 * proc_link.c - links in /proc to what processes have open, are in and execute.
 *
 * The kernel says what that is, when somebody asks. A file of this server, or
 * the terminal, is opened anew. Anything else has no name: only a process that
 * has it already can open it, and gets its own descriptor once more, as by
 * dup().
 */
#include "proc.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/limits.h"
#include "abi/port.h"
#include "abi/stat.h"
#include "opened.h"

static int link_port, link_terminal; /* descriptors */

void proc_links_begin(int port, int terminal)
{
	link_port = port;
	link_terminal = terminal;
}

bool proc_descriptor(int pid, int fd, struct port_descriptor *told)
{
	*told = (struct port_descriptor){.pid = pid, .fd = fd};
	return ioctl(link_port, PORT_DESCRIPTOR, told) == 0;
}

static int wanted(uint64_t key)
{
	switch (PROC_KIND(key)) {
	case PROC_OF_CWD:
		return DESCRIPTOR_DIR;
	case PROC_OF_EXE:
		return DESCRIPTOR_PROGRAM;
	default:
		return (int)PROC_FD(key);
	}
}

static bool find(uint64_t key, struct port_descriptor *told)
{
	return proc_descriptor(PROC_PID(key), wanted(key), told) &&
	    told->fd == wanted(key);
}

static bool is_terminal(const struct port_descriptor *told)
{
	struct port_descriptor own;

	return told->kind == DESCRIPTOR_OTHER && link_terminal >= 0 &&
	    proc_descriptor(getpid(), link_terminal, &own) &&
	    own.kind == DESCRIPTOR_OTHER && own.number == told->number;
}

/* --- following them ------------------------------------------------------- */

/* Numbers for what is no file of the tree: tokens and contents are larger. */
enum { LEAD_NOWHERE, LEAD_TERMINAL, LEAD_PIPE = 8, LEAD_OTHER = 16 };

_Static_assert((int)LEAD_OTHER + O_ACCMODE < OPENED_MAX, "they are no tokens");

bool proc_leads(uint64_t key)
{
	return PROC_KIND(key) != PROC_SELF;
}

uint64_t proc_lead(uint64_t key)
{
	struct port_descriptor told;

	if (!find(key, &told))
		return LEAD_NOWHERE;
	if (told.kind == DESCRIPTOR_OWN)
		return told.number;
	if (is_terminal(&told))
		return LEAD_TERMINAL;
	return (told.flags & O_ACCMODE) +
	    (uint64_t)(told.kind == DESCRIPTOR_PIPE ? LEAD_PIPE : LEAD_OTHER);
}

#define TERMINAL (5UL << 8 | 1) /* the device number of /dev/console */

/* The mode of such a link says for what the descriptor is open. */
static uint32_t mode_of(uint64_t number)
{
	static const uint32_t may[] = {0400, 0200, 0600, 0};

	return may[number & O_ACCMODE] |
	    (number < LEAD_OTHER ? S_IFIFO : S_IFCHR);
}

static uint64_t key_of(uint64_t key, enum proc_kind kind)
{
	return (key & ~0xffUL) | kind;
}

int proc_arrive(const struct tree *t, uint64_t key, uint64_t number,
    struct node **node, struct made *made)
{
	*node = NULL;
	if (number == LEAD_TERMINAL) {
		*made = (struct made){key_of(key, PROC_OF_OTHER),
		    S_IFCHR | 0620, TERMINAL};
		return 0;
	}
	if (number >= LEAD_PIPE && number < OPENED_MAX) {
		*made = (struct made){key_of(key,
					  number < LEAD_OTHER ? PROC_OF_PIPE
							      : PROC_OF_OTHER),
		    mode_of(number), 0};
		return 0;
	}
	if (PROC_KIND(key) == PROC_OF_EXE)
		*node = node_of_program(t, number);
	else if (opened_is(number))
		*node = opened_file(number)->node;
	return *node != NULL ? 0 : -ENOENT;
}

/* --- reading them --------------------------------------------------------- */

static long put_node(const struct tree *t, const struct node *node, char *to,
    size_t size)
{
	/* A made node that is no folder does not know its folder. */
	if (node != NULL && node->made != 0 && !node_is(node, S_IFDIR))
		return snprintf(to, size, "proc:[%lu]", node->ino);
	return node != NULL ? node_place(t, node, to, size) : -ENOENT;
}

static long put_descriptor(const struct port_descriptor *told, char *to,
    size_t size)
{
	if (is_terminal(told))
		return snprintf(to, size, "/dev/console");
	if (told->kind == DESCRIPTOR_PIPE)
		return snprintf(to, size, "pipe:[%lu]", told->number);
	if (told->kind == DESCRIPTOR_OTHER)
		return snprintf(to, size, "port:[%lu]", told->number);
	return snprintf(to, size, "anon_inode:[%s]",
	    told->kind == DESCRIPTOR_PORT ? "port" : "serial");
}

static long put_target(const struct tree *t, uint64_t key, char *to,
    size_t size)
{
	struct port_descriptor told;

	if (PROC_KIND(key) == PROC_SELF)
		return snprintf(to, size, "%d", t->caller);
	if (!find(key, &told))
		return -ENOENT;
	if (PROC_KIND(key) == PROC_OF_EXE)
		return put_node(t, node_of_program(t, told.number), to, size);
	if (told.kind != DESCRIPTOR_OWN)
		return put_descriptor(&told, to, size);
	if (!opened_is(told.number))
		return -ENOENT;
	return put_node(t, opened_file(told.number)->node, to, size);
}

char *proc_target(const struct tree *t, uint64_t key, uint64_t *len)
{
	static char text[PATH_MAX];
	long n = put_target(t, key, text, sizeof text);

	if (n < 0 || n >= (long)sizeof text)
		return NULL;
	*len = (uint64_t)n;
	return text;
}
