/* SPDX-License-Identifier: MIT */
/*
 * sys_misc.c - small answers about the system.
 */
#include "arch/hart.h"
#include "proc/proc.h"
#include "syscalls.h"

/* Real, effective and saved id are 0: there is only user 0, and group 0. */
long sys_get_three_ids(const struct trapframe *tf)
{
	uint32_t id = 0;
	int err = 0;

	for (unsigned i = 0; i < 3 && err == 0; i++)
		err = copyout(proc_self()->as, tf_arg(tf, i), &id, sizeof id);
	return err;
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
