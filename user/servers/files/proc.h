/* SPDX-License-Identifier: MIT */
/*
 * proc.h - /proc: what the kernel knows of processes and of the machine, as
 * files. It is asked by the calls of abi/calf.h whenever a file is read.
 */
#ifndef FILES_PROC_H
#define FILES_PROC_H

#include "made.h"
#include "tree.h"

/*
 * Makes /proc, in place of what the archive has there, if there is room for the
 * folder. `port` is the server's port, which is asked for sessions and
 * descriptors; `terminal` is a descriptor of the terminal, or -1.
 */
void proc_make(struct tree *t, int port, int terminal);

#define PID_MAX 4194304 /* pids are below */

/* uname() says this, too. */
#define SYSTEM_NAME    "Linux"
#define SYSTEM_NODE    "calf"
#define SYSTEM_DOMAIN  "(none)"
#define SYSTEM_RELEASE "6.12.0-calf"
#define SYSTEM_VERSION "Calf"

/* --- what proc.c, proc_link.c and proc_text.c share ----------------------- */

/*
 * What a node stands for; the upper bits of its key are the pid, if any, and
 * those below a descriptor.
 */
enum proc_kind {
	PROC_ROOT = 1,
	PROC_SELF,
	PROC_CPUINFO,
	PROC_LOADAVG,
	PROC_MEMINFO,
	PROC_MOUNTS,
	PROC_STAT,
	PROC_UPTIME,
	PROC_VERSION,
	PROC_SYS,
	PROC_SYS_KERNEL,
	PROC_SYS_DOMAIN,
	PROC_SYS_HOSTNAME,
	PROC_SYS_OSRELEASE,
	PROC_SYS_OSTYPE,
	PROC_SYS_PID_MAX,
	PROC_SYS_TAINTED,
	PROC_SYS_VERSION,
	PROC_PROCESS,
	PROC_OF_CMDLINE,
	PROC_OF_COMM,
	PROC_OF_MAPS,
	PROC_OF_STAT,
	PROC_OF_STATUS,
	PROC_OF_CWD,
	PROC_OF_EXE,
	PROC_OF_FDS,
	PROC_OF_FD,
	PROC_OF_PIPE, /* what such a descriptor is, if no file of the tree */
	PROC_OF_OTHER,
};

#define PROC_KIND(key) ((enum proc_kind)((key)&0xff))
#define PROC_FD(key)   ((key) >> 8 & 0xfff)
#define PROC_PID(key)  ((int)((key) >> 20))

struct calf_ps;

/* Is there such a process? Then *ps is filled in. */
bool proc_find(int pid, struct calf_ps *ps);

/* The session of a group, or 0. */
int proc_session(int pgid);

/* The part of the maker that is about links: proc_link.c. */
struct port_descriptor;

void proc_links_begin(int port, int terminal);

/*
 * Tells what a process has open as descriptor `fd`, or as the next one that is
 * open. False: none.
 */
bool proc_descriptor(int pid, int fd, struct port_descriptor *told);
bool proc_leads(uint64_t key);
uint64_t proc_lead(uint64_t key);
int proc_arrive(const struct tree *t, uint64_t key, uint64_t number,
    struct node **node, struct made *made);
char *proc_target(const struct tree *t, uint64_t key, uint64_t *len);

/* Reads the present contents of a file from `at` on. Returns how many bytes. */
long proc_read(uint64_t key, uint64_t at, void *to, size_t len);

#endif
