/* SPDX-License-Identifier: MIT */
/*
 * sys_misc.c - small answers about the system.
 */
#include "abi/errno.h"
#include "abi/misc.h"
#include "arch/hart.h"
#include "arch/timer.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/sched.h"
#include "syscalls.h"

/* The interface is Linux's, and programs look at the name to know that. */
long sys_uname(const struct trapframe *tf)
{
	static const struct utsname_abi name = {
	    .sysname = "Linux",
	    .nodename = "calf",
	    .release = "6.12.0-calf",
	    .version = "Calf",
	    .machine = "riscv64",
	    .domainname = "(none)",
	};

	return copyout(proc_self()->as, tf_arg(tf, 0), &name, sizeof name);
}

long sys_sysinfo(const struct trapframe *tf)
{
	struct sysinfo_abi info;

	memset(&info, 0, sizeof info);
	info.uptime = (int64_t)(timer_to_ns(timer_now()) / 1000000000);
	info.totalram = frame_total_count() * PAGE_SIZE;
	info.freeram = frame_free_count() * PAGE_SIZE;
	info.procs = (uint16_t)min_u64(proc_count, UINT16_MAX);
	info.mem_unit = 1;
	return copyout(proc_self()->as, tf_arg(tf, 0), &info, sizeof info);
}

long sys_getcpu(const struct trapframe *tf)
{
	struct aspace *as = proc_self()->as;
	uint32_t cpu = hart_index(), node = 0;
	int err = 0;

	if (tf_arg(tf, 0) != 0)
		err = copyout(as, tf_arg(tf, 0), &cpu, sizeof cpu);
	if (err == 0 && tf_arg(tf, 1) != 0)
		err = copyout(as, tf_arg(tf, 1), &node, sizeof node);
	return err;
}

long sys_flush_icache(const struct trapframe *tf)
{
	(void)tf;
	tlb_code_changed();
	return 0;
}

long sys_umask(const struct trapframe *tf)
{
	(void)tf;
	return 022;
}
