/* SPDX-License-Identifier: MIT */
/*
 * syscalls.h - the handlers behind the system call table, for trap/ alone.
 *
 * A handler takes its arguments from the trap frame and returns a result, a
 * negated errno, or what proc/call.h has for calls that have not ended.
 */
#ifndef TRAP_SYSCALLS_H
#define TRAP_SYSCALLS_H

#include "proc/proc.h"

typedef long syscall_fn(const struct trapframe *tf);

/* trapvec.S calls `fast` at once; `full` is called with all registers saved. */
struct syscall {
	syscall_fn *fast;
	syscall_fn *full;
};

extern const struct syscall syscall_table[];

/* `fast` of a call that wants all registers saved: see trapvec.S. */
syscall_fn trap_call_full;

/* Executes the call that the frame asks for, all of its registers saved. */
syscall_fn syscall_execute;

/*
 * Is -ENOMEM an answer of this call? Else it means that there was no frame for
 * a page of user memory that the call touches.
 */
bool syscall_wants_memory(const struct trapframe *tf);

/* Nanoseconds on the given clock, or -EINVAL. */
int64_t clock_ns(int clock);

/*
 * Reads a timespec from user memory, and tells the deadline in ticks. The
 * timespec is a time from now if `now_ns` is 0, else a time of the clock that
 * reads `now_ns`. -EFAULT, -ENOMEM or -EINVAL.
 */
MUST_USE int deadline_in(vaddr_t from, uint64_t now_ns, uint64_t *deadline);

/* sys_mem.c */
syscall_fn sys_brk, sys_mmap, sys_munmap, sys_mprotect, sys_madvise, sys_msync;

/* sys_file.c */
syscall_fn sys_read, sys_write, sys_readv, sys_writev, sys_preadv, sys_pwritev,
    sys_close, sys_dup, sys_dup3, sys_pipe2, sys_fcntl, sys_ioctl,
    sys_getrandom;

/* sys_path.c */
syscall_fn sys_fstat, sys_newfstatat, sys_getcwd;

/* sys_proc.c */
syscall_fn sys_clone, sys_execve, sys_exit, sys_wait4, sys_waitid, sys_kill,
    sys_tkill, sys_tgkill, sys_getpid, sys_getppid, sys_setpgid, sys_getpgid,
    sys_getsid, sys_setsid, sys_sched_yield, sys_set_tid_address,
    sys_rt_sigaction, sys_rt_sigprocmask, sys_rt_sigpending, sys_rt_sigsuspend,
    sys_rt_sigqueueinfo, sys_rt_sigreturn, sys_sigaltstack, sys_reboot,
    sys_set_robust_list;

/* sys_time.c */
syscall_fn sys_clock_gettime, sys_clock_getres, sys_gettimeofday, sys_nanosleep,
    sys_clock_nanosleep, sys_setitimer, sys_getitimer, sys_times, sys_getrusage;

/* sys_wait.c */
syscall_fn sys_futex, sys_ppoll, sys_pselect6, sys_rt_sigtimedwait;

/* sys_misc.c */
syscall_fn sys_get_three_ids, sys_getcpu, sys_flush_icache;

/* sys_limits.c */
syscall_fn sys_prlimit64, sys_umask, sys_prctl;

/* sys_port.c */
syscall_fn sys_port_create, sys_port_open, sys_port_next, sys_port_read,
    sys_port_write, sys_port_events, sys_port_adopt, sys_port_root;

/*
 * sys_port.c: calls without a handler in the table, and calls that are always
 * -ENOSYS
 */
syscall_fn sys_remote, sys_refused;

/* fast_*.c: called before some of the handlers above, unless left out. */
syscall_fn fast_read, fast_write, fast_port_read, fast_port_write;

/*
 * fast_port.c, fast_reply.c: called by the functions below, which have saved
 * all registers.
 */
syscall_fn fast_remote, fast_lend, fast_lend_at, fast_path, fast_stat,
    fast_close, fast_port_next;

/* trapvec.S */
syscall_fn trap_fast_remote, trap_fast_lend, trap_fast_lend_at, trap_fast_path,
    trap_fast_stat, trap_fast_close, trap_fast_port_next;

/* sys_calf.c */
syscall_fn sys_calf_stat, sys_calf_ps, sys_calf_walk, sys_calf_next,
    sys_calf_check, sys_calf_fail;

#endif
