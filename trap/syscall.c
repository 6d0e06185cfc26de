/* SPDX-License-Identifier: MIT */
/*
 * syscall.c - from number to handler.
 *
 * FAST calls are executed with the callee-saved registers still in place; they
 * neither wait nor look at those registers. The numbers are Linux's; what is
 * not in the table is ENOSYS.
 */
#include "abi/syscall.h"
#include "abi/errno.h"
#include "syscalls.h"

enum kind { NONE, FAST, FULL };

struct entry {
	syscall_fn *fn;
	enum kind kind;
};

#define LINUX_MAX  440
#define CALF_COUNT 6

static const struct entry linux_calls[LINUX_MAX] = {
    [SYS_getcwd] = {sys_getcwd, FAST},
    [SYS_dup] = {sys_dup, FAST},
    [SYS_dup3] = {sys_dup3, FAST},
    [SYS_fcntl] = {sys_fcntl, FAST},
    [SYS_ioctl] = {sys_ioctl, FAST},
    [SYS_unlinkat] = {sys_unlinkat, FAST},
    [SYS_faccessat] = {sys_faccessat, FAST},
    [SYS_faccessat2] = {sys_faccessat, FAST},
    [SYS_chdir] = {sys_chdir, FAST},
    [SYS_openat] = {sys_openat, FAST},
    [SYS_close] = {sys_close, FAST},
    [SYS_pipe2] = {sys_pipe2, FAST},
    [SYS_getdents64] = {sys_getdents64, FAST},
    [SYS_lseek] = {sys_lseek, FAST},
    [SYS_read] = {sys_read, FULL},
    [SYS_write] = {sys_write, FULL},
    [SYS_readv] = {sys_readv, FULL},
    [SYS_writev] = {sys_writev, FULL},
    [SYS_pread64] = {sys_pread64, FAST},
    [SYS_ppoll] = {sys_ppoll, FULL},
    [SYS_readlinkat] = {sys_readlinkat, FAST},
    [SYS_newfstatat] = {sys_newfstatat, FAST},
    [SYS_fstat] = {sys_fstat, FAST},
    [SYS_exit] = {sys_exit, FULL},
    [SYS_exit_group] = {sys_exit, FULL},
    [SYS_set_tid_address] = {sys_set_tid_address, FAST},
    [SYS_set_robust_list] = {sys_zero, FAST},
    [SYS_nanosleep] = {sys_nanosleep, FULL},
    [SYS_setitimer] = {sys_setitimer, FAST},
    [SYS_clock_gettime] = {sys_clock_gettime, FAST},
    [SYS_clock_getres] = {sys_clock_getres, FAST},
    [SYS_clock_nanosleep] = {sys_clock_nanosleep, FULL},
    [SYS_sched_getaffinity] = {sys_sched_getaffinity, FAST},
    [SYS_sched_yield] = {sys_sched_yield, FULL},
    [SYS_kill] = {sys_kill, FULL},
    [SYS_tkill] = {sys_tkill, FULL},
    [SYS_tgkill] = {sys_tgkill, FULL},
    [SYS_sigaltstack] = {sys_sigaltstack, FAST},
    [SYS_rt_sigsuspend] = {sys_rt_sigsuspend, FULL},
    [SYS_rt_sigaction] = {sys_rt_sigaction, FAST},
    [SYS_rt_sigprocmask] = {sys_rt_sigprocmask, FAST},
    [SYS_rt_sigpending] = {sys_rt_sigpending, FAST},
    [SYS_rt_sigreturn] = {sys_rt_sigreturn, FULL},
    [SYS_reboot] = {sys_reboot, FULL},
    [SYS_setpgid] = {sys_setpgid, FAST},
    [SYS_getpgid] = {sys_getpgid, FAST},
    [SYS_getsid] = {sys_getsid, FAST},
    [SYS_setsid] = {sys_setsid, FAST},
    [SYS_uname] = {sys_uname, FAST},
    [SYS_getrusage] = {sys_getrusage, FAST},
    [SYS_umask] = {sys_umask, FAST},
    [SYS_getcpu] = {sys_getcpu, FAST},
    [SYS_gettimeofday] = {sys_gettimeofday, FAST},
    [SYS_getpid] = {sys_getpid, FAST},
    [SYS_getppid] = {sys_getppid, FAST},
    [SYS_getuid] = {sys_zero, FAST},
    [SYS_geteuid] = {sys_zero, FAST},
    [SYS_getgid] = {sys_zero, FAST},
    [SYS_getegid] = {sys_zero, FAST},
    [SYS_gettid] = {sys_getpid, FAST},
    [SYS_sysinfo] = {sys_sysinfo, FAST},
    [SYS_brk] = {sys_brk, FULL},
    [SYS_munmap] = {sys_munmap, FULL},
    [SYS_clone] = {sys_clone, FULL},
    [SYS_execve] = {sys_execve, FULL},
    [SYS_mmap] = {sys_mmap, FULL},
    [SYS_mprotect] = {sys_mprotect, FULL},
    [SYS_madvise] = {sys_madvise, FULL},
    [SYS_riscv_flush_icache] = {sys_flush_icache, FAST},
    [SYS_wait4] = {sys_wait4, FULL},
    [SYS_prlimit64] = {sys_prlimit64, FAST},
    [SYS_getrandom] = {sys_getrandom, FAST},
};

static const struct entry calf_calls[CALF_COUNT] = {
    [SYS_calf_stat - SYS_CALF] = {sys_calf_stat, FAST},
    [SYS_calf_ps - SYS_CALF] = {sys_calf_ps, FAST},
    [SYS_calf_walk - SYS_CALF] = {sys_calf_walk, FULL},
    [SYS_calf_next - SYS_CALF] = {sys_calf_next, FULL},
    [SYS_calf_check - SYS_CALF] = {sys_calf_check, FULL},
    [SYS_calf_fail - SYS_CALF] = {sys_calf_fail, FAST},
};

bool syscall_wants_memory(const struct trapframe *tf)
{
	switch (tf->x[REG_A7 - 1]) {
	case SYS_clone:
	case SYS_execve:
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_madvise:
	case SYS_brk:
	case SYS_pipe2:
	case SYS_openat:
	case SYS_dup:
	case SYS_dup3:
	case SYS_fcntl:
	case SYS_sigaltstack:
		return true;
	default:
		return false;
	}
}

long syscall_execute(struct trapframe *tf, bool only_fast)
{
	static const struct entry missing = {NULL, NONE};
	uint64_t number = *tf_reg(tf, REG_A7);
	const struct entry *entry = &missing;

	if (likely(number < LINUX_MAX))
		entry = &linux_calls[number];
	else if (number - SYS_CALF < CALF_COUNT)
		entry = &calf_calls[number - SYS_CALF];
	if (unlikely(entry->kind == NONE))
		return -ENOSYS;
	if (only_fast && entry->kind != FAST)
		return -EAGAIN_SLOW;
	return entry->fn(tf);
}
