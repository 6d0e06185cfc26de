/* SPDX-License-Identifier: MIT */
/*
 * proc.h - /proc: what the kernel knows of processes and of the machine, as
 * files. It is asked by the calls of abi/calf.h whenever a file is read.
 */
#ifndef FILES_PROC_H
#define FILES_PROC_H

#include "tree.h"

/*
 * Makes /proc, in place of what the archive has there, if there is room for the
 * folder. `port` is the server's port, which is asked for sessions.
 */
void proc_make(struct tree *t, int port);

/* --- what proc.c and proc_text.c are to each other ------------------------ */

/* What a node stands for; the upper bits of its key are the pid, if any. */
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
	PROC_PROCESS,
	PROC_OF_CMDLINE,
	PROC_OF_COMM,
	PROC_OF_MAPS,
	PROC_OF_STAT,
	PROC_OF_STATUS,
};

#define PROC_KIND(key) ((enum proc_kind)((key)&0xff))
#define PROC_PID(key)  ((int)((key) >> 8))

struct calf_ps;

/* Is there such a process? Then *ps is filled in. */
bool proc_find(int pid, struct calf_ps *ps);

/* The session of a group, or 0. */
int proc_session(int pgid);

/* What a file says now, from there on: how many bytes. */
long proc_read(uint64_t key, uint64_t at, void *to, size_t len);

#endif
