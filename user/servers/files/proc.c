/* SPDX-License-Identifier: MIT */
/* proc.c - which names are in the folders of /proc; see proc.h. */
#include "proc.h"

#include <calf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "abi/errno.h"
#include "abi/port.h"
#include "abi/stat.h"
#include "made.h"
#include "memory.h"

#define PID_MAX 4194304

static int session_port; /* a descriptor */

struct entry {
	const char *name;
	enum proc_kind kind;
	uint32_t mode;
};

#define FILE_MODE (S_IFREG | 0444)

static const struct entry of_system[] = {
    {"self", PROC_SELF, S_IFLNK | 0777},
    {"cpuinfo", PROC_CPUINFO, FILE_MODE},
    {"loadavg", PROC_LOADAVG, FILE_MODE},
    {"meminfo", PROC_MEMINFO, FILE_MODE},
    {"mounts", PROC_MOUNTS, FILE_MODE},
    {"stat", PROC_STAT, FILE_MODE},
    {"uptime", PROC_UPTIME, FILE_MODE},
    {"version", PROC_VERSION, FILE_MODE},
};

static const struct entry of_process[] = {
    {"cmdline", PROC_OF_CMDLINE, FILE_MODE},
    {"comm", PROC_OF_COMM, FILE_MODE},
    {"maps", PROC_OF_MAPS, FILE_MODE},
    {"stat", PROC_OF_STAT, FILE_MODE},
    {"status", PROC_OF_STATUS, FILE_MODE},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The entries of a folder that do not depend on processes. */
static const struct entry *entries_of(uint64_t dir, size_t *count)
{
	if (PROC_KIND(dir) == PROC_ROOT) {
		*count = COUNT(of_system);
		return of_system;
	}
	*count = COUNT(of_process);
	return of_process;
}

static uint64_t key_of(int pid, enum proc_kind kind)
{
	return (uint64_t)pid << 8 | kind;
}

static struct made made_of(uint64_t dir, const struct entry *entry)
{
	return (struct made){key_of(PROC_PID(dir), entry->kind), entry->mode};
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
 * Is there such a process? The caller is, so only others are asked for. A call
 * that is done again asks only for processes that were found (made.c).
 */
static bool is_there(const struct tree *t, int pid)
{
	return pid == t->caller || t->replays || kill(pid, 0) == 0;
}

/* The text as a number: digits only. 0 if it is none. */
static int number_of(const struct text *text)
{
	int number = 0;

	for (size_t i = 0; i < text->len; i++) {
		char c = text->start[i];

		if (c < '0' || c > '9' || (i == 0 && c == '0') ||
		    number > PID_MAX)
			return 0;
		number = number * 10 + c - '0';
	}
	return number;
}

#define PID_DIGITS 10

/* Without printf, as each start of a program with glibc asks for this. */
static char *put_pid(char text[PID_DIGITS + 1], int pid)
{
	char *start = text + PID_DIGITS;

	*start = '\0';
	for (; pid > 0; pid /= 10)
		*--start = (char)('0' + pid % 10);
	return start;
}

static struct text name_of_process(uint64_t key)
{
	static char text[PID_DIGITS + 1];
	char *start = put_pid(text, PROC_PID(key));

	return (struct text){.start = start,
	    .len = (size_t)(text + PID_DIGITS - start)};
}

static struct made made_of_process(int pid)
{
	return (struct made){key_of(pid, PROC_PROCESS), S_IFDIR | 0555};
}

/* --- the maker ------------------------------------------------------------ */

static bool has_name(const struct entry *entry, const struct text *name)
{
	return entry->name[0] == name->start[0] &&
	    strncmp(entry->name, name->start, name->len) == 0 &&
	    entry->name[name->len] == '\0';
}

static bool find(const struct tree *t, uint64_t dir, const struct text *name,
    bool through, struct made *found)
{
	int pid = PROC_KIND(dir) == PROC_ROOT ? number_of(name) : PROC_PID(dir);
	size_t count;
	const struct entry *entries = entries_of(dir, &count);

	if (pid != 0 && !is_there(t, pid))
		return false;
	if (pid != 0 && PROC_KIND(dir) == PROC_ROOT) {
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
	*name = name_of_process(found->key);
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

	(void)entries_of(dir, &count);
	while (PROC_KIND(dir) == PROC_ROOT && calf_ps(ps.pid, &ps) == 1)
		;
	return FIRST_PLACE + count + (uint64_t)ps.pid;
}

static char *target(const struct tree *t, uint64_t *len)
{
	static char text[PID_DIGITS + 1];
	char *start = put_pid(text, t->caller);

	*len = (uint64_t)(text + PID_DIGITS - start);
	return start;
}

void proc_make(struct tree *t, int port)
{
	static const struct maker maker = {find, list, end, name_of_process,
	    target, proc_read};
	struct where where = {t->root, "proc"};
	struct node *dir;

	session_port = port;
	(void)tree_mkdir(t, where, 0555);
	if (path_find(t, where, PATH_FOLLOW, &dir) == 0 &&
	    node_is(dir, S_IFDIR))
		made_begin(t, dir, PROC_ROOT, &maker);
}
