/* SPDX-License-Identifier: MIT */
/* proc.c - which names are in the folders of /proc; see proc.h. */
#include "proc.h"

#include <calf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "abi/errno.h"
#include "abi/port.h"
#include "abi/stat.h"
#include "made.h"
#include "memory.h"

static int session_port; /* a descriptor */

struct entry {
	const char *name;
	enum proc_kind kind;
	uint32_t mode;
};

#define FILE_MODE   (S_IFREG | 0444)
#define FOLDER_MODE (S_IFDIR | 0555)
#define LINK_MODE   (S_IFLNK | 0777)

static const struct entry of_system[] = {
    {"self", PROC_SELF, LINK_MODE},
    {"cpuinfo", PROC_CPUINFO, FILE_MODE},
    {"loadavg", PROC_LOADAVG, FILE_MODE},
    {"meminfo", PROC_MEMINFO, FILE_MODE},
    {"mounts", PROC_MOUNTS, FILE_MODE},
    {"stat", PROC_STAT, FILE_MODE},
    {"sys", PROC_SYS, FOLDER_MODE},
    {"uptime", PROC_UPTIME, FILE_MODE},
    {"version", PROC_VERSION, FILE_MODE},
};

static const struct entry of_sys[] = {
    {"kernel", PROC_SYS_KERNEL, FOLDER_MODE},
};

static const struct entry of_sys_kernel[] = {
    {"domainname", PROC_SYS_DOMAIN, FILE_MODE},
    {"hostname", PROC_SYS_HOSTNAME, FILE_MODE},
    {"osrelease", PROC_SYS_OSRELEASE, FILE_MODE},
    {"ostype", PROC_SYS_OSTYPE, FILE_MODE},
    {"pid_max", PROC_SYS_PID_MAX, FILE_MODE},
    {"tainted", PROC_SYS_TAINTED, FILE_MODE},
    {"version", PROC_SYS_VERSION, FILE_MODE},
};

static const struct entry of_process[] = {
    {"cwd", PROC_OF_CWD, LINK_MODE},
    {"exe", PROC_OF_EXE, LINK_MODE},
    {"fd", PROC_OF_FDS, S_IFDIR | 0500},
    {"cmdline", PROC_OF_CMDLINE, FILE_MODE},
    {"comm", PROC_OF_COMM, FILE_MODE},
    {"maps", PROC_OF_MAPS, FILE_MODE},
    {"mounts", PROC_MOUNTS, FILE_MODE},
    {"stat", PROC_OF_STAT, FILE_MODE},
    {"status", PROC_OF_STATUS, FILE_MODE},
};

#define FDS 4096 /* more descriptors than a process can have */

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The entries of a folder that do not depend on processes. */
static const struct entry *entries_of(uint64_t dir, size_t *count)
{
	switch (PROC_KIND(dir)) {
	case PROC_ROOT:
		*count = COUNT(of_system);
		return of_system;
	case PROC_SYS:
		*count = COUNT(of_sys);
		return of_sys;
	case PROC_SYS_KERNEL:
		*count = COUNT(of_sys_kernel);
		return of_sys_kernel;
	default:
		*count = COUNT(of_process);
		return of_process;
	}
}

static uint64_t key_of(int pid, enum proc_kind kind)
{
	return (uint64_t)pid << 20 | kind;
}

static uint64_t key_of_fd(int pid, int fd)
{
	return key_of(pid, PROC_OF_FD) | (uint64_t)fd << 8;
}

static struct made made_of(uint64_t dir, const struct entry *entry)
{
	return (
	    struct made){key_of(PROC_PID(dir), entry->kind), entry->mode, 0};
}

/* --- processes ------------------------------------------------------------ */

bool proc_find(int pid, struct calf_ps *ps)
{
	return calf_ps(pid - 1, ps) == 1 && ps->pid == pid;
}

int proc_session(int pgid)
{
	int sid = ioctl(session_port, PORT_SESSION, pgid);

	return sid > 0 ? sid : 0;
}

/*
 * Is there such a process? The caller exists, so the kernel is asked for others
 * only. A call that is done again asks only for processes that were found
 * (made.c).
 */
static bool is_there(const struct tree *t, int pid)
{
	return pid == t->caller || t->replays || kill(pid, 0) == 0;
}

/* Reads the text, which is digits only, as a number. -1: it is no number. */
static int number_of(const struct text *text)
{
	int number = 0;

	for (size_t i = 0; i < text->len; i++) {
		char c = text->start[i];

		if (c < '0' || c > '9' ||
		    (i == 0 && c == '0' && text->len > 1) || number > PID_MAX)
			return -1;
		number = number * 10 + c - '0';
	}
	return number;
}

#define DIGITS 10

static struct text text_of_number(int number)
{
	static char text[DIGITS];
	char *start = text + DIGITS;

	do
		*--start = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	return (struct text){.start = start,
	    .len = (size_t)(text + DIGITS - start)};
}

static struct text name_of_folder(uint64_t key)
{
	switch (PROC_KIND(key)) {
	case PROC_OF_FDS:
		return (struct text){.start = "fd", .len = 2};
	case PROC_SYS:
		return (struct text){.start = "sys", .len = 3};
	case PROC_SYS_KERNEL:
		return (struct text){.start = "kernel", .len = 6};
	default:
		return text_of_number(PROC_PID(key));
	}
}

static struct made made_of_process(int pid)
{
	return (struct made){key_of(pid, PROC_PROCESS), FOLDER_MODE, 0};
}

static struct made made_of_fd(int pid, int fd)
{
	return (struct made){key_of_fd(pid, fd), S_IFLNK | 0700, 0};
}

/* --- the maker ------------------------------------------------------------ */

static bool has_name(const struct entry *entry, const struct text *name)
{
	return entry->name[0] == name->start[0] &&
	    strncmp(entry->name, name->start, name->len) == 0 &&
	    entry->name[name->len] == '\0';
}

static bool find_fd(const struct tree *t, int pid, const struct text *name,
    struct made *found)
{
	int fd = number_of(name);
	struct port_descriptor told;

	if (fd < 0 || fd >= FDS)
		return false;
	*found = made_of_fd(pid, fd);
	return t->replays || (proc_descriptor(pid, fd, &told) && told.fd == fd);
}

static bool find(const struct tree *t, uint64_t dir, const struct text *name,
    bool through, struct made *found)
{
	int pid = PROC_KIND(dir) == PROC_ROOT ? number_of(name) : PROC_PID(dir);
	size_t count;
	const struct entry *entries = entries_of(dir, &count);

	if (pid > 0 && !is_there(t, pid))
		return false;
	if (PROC_KIND(dir) == PROC_OF_FDS)
		return find_fd(t, pid, name, found);
	if (pid > 0 && PROC_KIND(dir) == PROC_ROOT) {
		*found = made_of_process(pid);
		return true;
	}
	for (size_t i = 0; i < count; i++) {
		if (!has_name(&entries[i], name))
			continue;
		*found = made_of(dir, &entries[i]);
		if (through && entries[i].kind == PROC_SELF)
			*found = made_of_process(t->caller);
		return true;
	}
	return false;
}

static bool list_fds(uint64_t dir, uint64_t *place, struct made *found,
    struct text *name)
{
	struct port_descriptor told;
	uint64_t fd = *place - FIRST_PLACE;

	if (fd >= FDS || !proc_descriptor(PROC_PID(dir), (int)fd, &told))
		return false;
	*found = made_of_fd(PROC_PID(dir), told.fd);
	*name = text_of_number(told.fd);
	*place = FIRST_PLACE + (uint64_t)told.fd;
	return true;
}

/*
 * Lists the fixed entries first, and then each process at a place made of its
 * pid.
 */
static bool list(uint64_t dir, uint64_t *place, struct made *found,
    struct text *name)
{
	size_t count;
	const struct entry *entries = entries_of(dir, &count);
	uint64_t at = *place - FIRST_PLACE;
	struct calf_ps ps;

	if (PROC_KIND(dir) == PROC_OF_FDS)
		return list_fds(dir, place, found, name);
	if (at < count) {
		*found = made_of(dir, &entries[at]);
		*name = (struct text){.start = entries[at].name,
		    .len = strlen(entries[at].name)};
		return true;
	}
	if (PROC_KIND(dir) != PROC_ROOT || at - count > PID_MAX ||
	    calf_ps((int)(at - count), &ps) != 1)
		return false;
	*found = made_of_process(ps.pid);
	*name = text_of_number(ps.pid);
	*place = FIRST_PLACE + count + (uint64_t)ps.pid - 1;
	return true;
}

/*
 * A program that reads the folder may fork for each entry: processes that are
 * newer than the beginning of the listing are not in it.
 */
static uint64_t end(uint64_t dir)
{
	struct calf_ps ps = {0};
	size_t count;

	if (PROC_KIND(dir) == PROC_OF_FDS)
		return FIRST_PLACE + FDS;
	(void)entries_of(dir, &count);
	while (PROC_KIND(dir) == PROC_ROOT && calf_ps(ps.pid, &ps) == 1)
		;
	return FIRST_PLACE + count + (uint64_t)ps.pid;
}

void proc_make(struct tree *t, int port, int terminal)
{
	static const struct maker maker = {find, list, end, name_of_folder,
	    proc_target, proc_leads, proc_lead, proc_arrive, proc_read};
	struct where where = {t->root, "proc"};
	struct node *dir;

	session_port = port;
	proc_links_begin(port, terminal);
	(void)tree_mkdir(t, where, 0555);
	if (path_find(t, where, PATH_FOLLOW, &dir) == 0 &&
	    node_is(dir, S_IFDIR))
		made_begin(t, dir, PROC_ROOT, &maker);
}
