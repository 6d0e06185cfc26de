/* SPDX-License-Identifier: MIT */
/*
 * serve_system.c - calls about no file. What the kernel does not know it asks
 * the root's server. The token is that of the root.
 *
 * Most of what is asked here cannot be changed: a request to set it to what it
 * is succeeds, and any other is refused.
 */
#include "serve.h"

#include <calf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "abi/misc.h"
#include "abi/resource.h"
#include "abi/syscall.h"
#include "proc.h"

/* --- the system ----------------------------------------------------------- */

/*
 * Returns "Linux", as the interface is Linux's, and programs look at the name
 * to learn that.
 */
static int64_t call_uname(struct server *s)
{
	static const struct utsname_abi name = {
	    .sysname = SYSTEM_NAME,
	    .nodename = SYSTEM_NODE,
	    .release = SYSTEM_RELEASE,
	    .version = SYSTEM_VERSION,
	    .machine = "riscv64",
	    .domainname = SYSTEM_DOMAIN,
	};

	return reply_bytes(s, &name, sizeof name, 0);
}

static int64_t call_sysinfo(struct server *s)
{
	struct sysinfo_abi *info = (struct sysinfo_abi *)s->out;
	struct timespec up;
	struct calf_stat st;

	if (calf_stat(&st, sizeof st) < 0 ||
	    clock_gettime(CLOCK_MONOTONIC, &up) < 0)
		return -errno;
	memset(info, 0, sizeof *info);
	info->uptime = up.tv_sec;
	info->totalram = st.frames_total * CALF_PAGE_SIZE;
	info->freeram = st.frames_free * CALF_PAGE_SIZE;
	info->procs =
	    (uint16_t)(st.processes < UINT16_MAX ? st.processes : UINT16_MAX);
	info->mem_unit = 1;
	return reply_bytes(s, info, sizeof *info, 0);
}

/*
 * Returns 0: the number of the only user and group; and for sync, as all is in
 * memory.
 */
static int64_t call_zero(struct server *s)
{
	(void)s;
	return 0;
}

/* --- users: there is user 0, and group 0 ---------------------------------- */

#define ID_UNCHANGED UINT32_MAX

static int64_t call_set_id(struct server *s)
{
	return (uint32_t)s->request->arg[0] == 0 ? 0 : -EINVAL;
}

static int64_t set_ids(const struct server *s, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint32_t id = (uint32_t)s->request->arg[i];

		if (id != 0 && id != ID_UNCHANGED)
			return -EINVAL;
	}
	return 0;
}

static int64_t call_set_two_ids(struct server *s)
{
	return set_ids(s, 2);
}

static int64_t call_set_three_ids(struct server *s)
{
	return set_ids(s, 3);
}

/* There are no groups beside group 0. */
static int64_t call_getgroups(struct server *s)
{
	return (int32_t)s->request->arg[0] < 0 ? -EINVAL : 0;
}

static int64_t call_setgroups(struct server *s)
{
	return (int32_t)s->request->arg[0] != 0 ? -EINVAL : 0;
}

/* --- priorities and harts: all processes are alike ------------------------ */

static bool is_process(uint64_t arg)
{
	pid_t pid = (pid_t)arg;

	return pid == 0 || (pid > 0 && kill(pid, 0) == 0);
}

static bool is_group(const struct server *s, uint64_t arg)
{
	return (pid_t)arg == 0 || ioctl(s->port, PORT_SESSION, (pid_t)arg) > 0;
}

/*
 * Finds the processes that the call is about: one, a group, or those of a user.
 */
static int64_t check_which(const struct server *s)
{
	uint64_t who = s->request->arg[1];
	bool found = (pid_t)who == 0;

	if (s->request->arg[0] > PRIO_USER)
		return -EINVAL;
	if (s->request->arg[0] == PRIO_PROCESS)
		found = is_process(who);
	if (s->request->arg[0] == PRIO_PGRP)
		found = is_group(s, who);
	return found ? 0 : -ESRCH;
}

static int64_t call_getpriority(struct server *s)
{
	int64_t err = check_which(s);

	return err < 0 ? err : 20; /* 20 - nice */
}

static int64_t call_setpriority(struct server *s)
{
	int64_t err = check_which(s);

	return err == 0 && (int32_t)s->request->arg[2] != 0 ? -EPERM : err;
}

static int64_t check_process(const struct server *s)
{
	if ((pid_t)s->request->arg[0] < 0)
		return -EINVAL;
	return is_process(s->request->arg[0]) ? 0 : -ESRCH;
}

static int64_t call_sched_getscheduler(struct server *s)
{
	return check_process(s); /* SCHED_OTHER */
}

static int64_t call_sched_getparam(struct server *s)
{
	static const int32_t priority;
	int64_t err = s->request->arg[1] != 0 ? check_process(s) : -EINVAL;

	return err < 0 ? err : reply_bytes(s, &priority, sizeof priority, 0);
}

/* The highest priority of a policy, or -EINVAL; real-time ones begin at 1. */
static int32_t policy_max(uint64_t policy)
{
	static const int8_t max[] = {0, 99, 99, 0, -1, 0, 0};

	return policy < sizeof max && max[policy] >= 0 ? max[policy] : -EINVAL;
}

static int64_t call_sched_setscheduler(struct server *s)
{
	int32_t max = policy_max(s->request->arg[1]), priority;
	int64_t err = s->request->arg[2] != 0 ? check_process(s) : -EINVAL;

	if (err < 0)
		return err;
	if (s->request->in_len < sizeof priority)
		return -EFAULT;
	memcpy(&priority, s->in, sizeof priority);
	if (max < 0 || priority < (max > 0) || priority > max)
		return -EINVAL;
	return s->request->arg[1] == 0 ? 0 : -EPERM;
}

static uint64_t all_harts(void)
{
	struct calf_stat st;

	return calf_stat(&st, sizeof st) > 0 ? (1UL << st.harts) - 1 : 1;
}

static int64_t call_sched_getaffinity(struct server *s)
{
	uint64_t *mask = (uint64_t *)s->out;

	if (s->request->arg[1] < sizeof *mask ||
	    s->request->arg[1] % sizeof *mask != 0)
		return -EINVAL;
	if (!is_process(s->request->arg[0]))
		return -ESRCH;
	*mask = all_harts();
	return reply_bytes(s, mask, sizeof *mask, sizeof *mask);
}

/* A mask may name harts that there are not, but must leave out none. */
static int64_t call_sched_setaffinity(struct server *s)
{
	uint64_t mask = 0, all = all_harts();
	size_t len =
	    s->request->arg[1] < sizeof mask ? s->request->arg[1] : sizeof mask;

	if (s->request->in_len < len)
		return -EFAULT;
	memcpy(&mask, s->in, len);
	if (!is_process(s->request->arg[0]))
		return -ESRCH;
	return (mask & all) == all ? 0 : -EINVAL;
}

const struct call system_calls[CALLS] = {
    [SYS_uname] = {call_uname, EFFECT_NONE},
    [SYS_sysinfo] = {call_sysinfo, EFFECT_NONE},
    [SYS_sync] = {call_zero, EFFECT_NONE},
    [SYS_getuid] = {call_zero, EFFECT_NONE},
    [SYS_geteuid] = {call_zero, EFFECT_NONE},
    [SYS_getgid] = {call_zero, EFFECT_NONE},
    [SYS_getegid] = {call_zero, EFFECT_NONE},
    [SYS_setuid] = {call_set_id, EFFECT_NONE},
    [SYS_setgid] = {call_set_id, EFFECT_NONE},
    [SYS_setreuid] = {call_set_two_ids, EFFECT_NONE},
    [SYS_setregid] = {call_set_two_ids, EFFECT_NONE},
    [SYS_setresuid] = {call_set_three_ids, EFFECT_NONE},
    [SYS_setresgid] = {call_set_three_ids, EFFECT_NONE},
    [SYS_setfsuid] = {call_zero, EFFECT_NONE},
    [SYS_setfsgid] = {call_zero, EFFECT_NONE},
    [SYS_getgroups] = {call_getgroups, EFFECT_NONE},
    [SYS_setgroups] = {call_setgroups, EFFECT_NONE},
    [SYS_getpriority] = {call_getpriority, EFFECT_NONE},
    [SYS_setpriority] = {call_setpriority, EFFECT_NONE},
    [SYS_sched_getscheduler] = {call_sched_getscheduler, EFFECT_NONE},
    [SYS_sched_setscheduler] = {call_sched_setscheduler, EFFECT_NONE},
    [SYS_sched_getparam] = {call_sched_getparam, EFFECT_NONE},
    [SYS_sched_getaffinity] = {call_sched_getaffinity, EFFECT_NONE},
    [SYS_sched_setaffinity] = {call_sched_setaffinity, EFFECT_NONE},
};
