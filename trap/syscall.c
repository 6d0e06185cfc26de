/* SPDX-License-Identifier: MIT */
/*
 * syscall.c - from number to handler.
 *
 * The handlers of FAST calls run while some registers of the process are still
 * in the hart, and not in its trap frame. FULL is for calls whose handlers look
 * at these registers, change them, or give the hart away before they return.
 * FIRST is for calls with a fast path, which leaves the call to the handler if
 * anything is not as usual; trap_fast_...() saves all registers before it calls
 * the fast path. The numbers are Linux's; a call that is not in the table is
 * for a server: sys_remote().
 */
#include "abi/syscall.h"
#include "proc/port.h"
#include "syscalls.h"

#define FAST(handler)            \
	{                        \
		handler, handler \
	}
#define FULL(handler)                   \
	{                               \
		trap_call_full, handler \
	}
#ifdef CALF_NO_FAST_PATHS
#define FIRST(fast, handler) FAST(handler)
#else
#define FIRST(fast, handler)  \
	{                     \
		fast, handler \
	}
#endif

_Static_assert(sizeof(struct syscall) == 1 << SYSCALL_ENTRY_SHIFT, "trapvec.S");

const struct syscall syscall_table[SYSCALL_TABLE_SIZE] = {
    [SYS_getcwd] = FAST(sys_getcwd),
    [SYS_dup] = FAST(sys_dup),
    [SYS_dup3] = FAST(sys_dup3),
    [SYS_fcntl] = FAST(sys_fcntl),
    [SYS_ioctl] = FIRST(trap_fast_lend, sys_ioctl),
    [SYS_unlinkat] = FIRST(trap_fast_path, sys_remote),
    [SYS_faccessat] = FIRST(trap_fast_path, sys_remote),
    [SYS_faccessat2] = FIRST(trap_fast_path, sys_remote),
    [SYS_openat] = FIRST(trap_fast_path, sys_remote),
    [SYS_close] = FIRST(trap_fast_close, sys_close),
    [SYS_pipe2] = FAST(sys_pipe2),
    [SYS_getdents64] = FIRST(trap_fast_lend, sys_remote),
    [SYS_lseek] = FIRST(trap_fast_remote, sys_remote),
    [SYS_read] = FIRST(fast_read, sys_read),
    [SYS_write] = FIRST(fast_write, sys_write),
    [SYS_readv] = FAST(sys_readv),
    [SYS_writev] = FAST(sys_writev),
    [SYS_preadv] = FAST(sys_preadv),
    [SYS_pwritev] = FAST(sys_pwritev),
    [SYS_pread64] = FIRST(trap_fast_lend_at, sys_remote),
    [SYS_pselect6] = FAST(sys_pselect6),
    [SYS_ppoll] = FAST(sys_ppoll),
    [SYS_readlinkat] = FIRST(trap_fast_path, sys_remote),
    [SYS_newfstatat] = FIRST(trap_fast_stat, sys_newfstatat),
    [SYS_fstat] = FIRST(trap_fast_lend, sys_fstat),
    [SYS_exit] = FULL(sys_exit),
    [SYS_exit_group] = FULL(sys_exit),
    [SYS_waitid] = FAST(sys_waitid),
    [SYS_set_tid_address] = FAST(sys_set_tid_address),
    [SYS_futex] = FAST(sys_futex),
    [SYS_set_robust_list] = FAST(sys_set_robust_list),
    [SYS_nanosleep] = FAST(sys_nanosleep),
    [SYS_getitimer] = FAST(sys_getitimer),
    [SYS_setitimer] = FAST(sys_setitimer),
    [SYS_clock_gettime] = FAST(sys_clock_gettime),
    [SYS_clock_getres] = FAST(sys_clock_getres),
    [SYS_clock_nanosleep] = FAST(sys_clock_nanosleep),
    [SYS_sched_yield] = FAST(sys_sched_yield),
    [SYS_kill] = FAST(sys_kill),
    [SYS_tkill] = FAST(sys_tkill),
    [SYS_tgkill] = FAST(sys_tgkill),
    [SYS_sigaltstack] = FAST(sys_sigaltstack),
    [SYS_rt_sigsuspend] = FULL(sys_rt_sigsuspend),
    [SYS_rt_sigaction] = FAST(sys_rt_sigaction),
    [SYS_rt_sigprocmask] = FAST(sys_rt_sigprocmask),
    [SYS_rt_sigpending] = FAST(sys_rt_sigpending),
    [SYS_rt_sigtimedwait] = FAST(sys_rt_sigtimedwait),
    [SYS_rt_sigqueueinfo] = FAST(sys_rt_sigqueueinfo),
    [SYS_rt_sigreturn] = FULL(sys_rt_sigreturn),
    [SYS_reboot] = FULL(sys_reboot),
    [SYS_getresuid] = FAST(sys_get_three_ids),
    [SYS_getresgid] = FAST(sys_get_three_ids),
    [SYS_times] = FAST(sys_times),
    [SYS_setpgid] = FAST(sys_setpgid),
    [SYS_getpgid] = FAST(sys_getpgid),
    [SYS_getsid] = FAST(sys_getsid),
    [SYS_setsid] = FAST(sys_setsid),
    [SYS_getrusage] = FAST(sys_getrusage),
    [SYS_umask] = FAST(sys_umask),
    [SYS_prctl] = FAST(sys_prctl),
    [SYS_getcpu] = FAST(sys_getcpu),
    [SYS_gettimeofday] = FAST(sys_gettimeofday),
    [SYS_getpid] = FAST(sys_getpid),
    [SYS_getppid] = FAST(sys_getppid),
    [SYS_gettid] = FAST(sys_getpid),
    [SYS_brk] = FAST(sys_brk),
    [SYS_munmap] = FAST(sys_munmap),
    [SYS_clone] = FULL(sys_clone),
    [SYS_execve] = FULL(sys_execve),
    [SYS_mmap] = FAST(sys_mmap),
    [SYS_mprotect] = FAST(sys_mprotect),
    [SYS_madvise] = FAST(sys_madvise),
    [SYS_msync] = FAST(sys_msync),
    [SYS_calf_stat] = FAST(sys_calf_stat),
    [SYS_calf_ps] = FULL(sys_calf_ps),
    [SYS_calf_walk] = FULL(sys_calf_walk),
    [SYS_calf_next] = FULL(sys_calf_next),
#ifdef CALF_TEST
    [SYS_calf_check] = FULL(sys_calf_check),
    [SYS_calf_fail] = FAST(sys_calf_fail),
#endif
    [SYS_port_create] = FAST(sys_port_create),
    [SYS_port_open] = FAST(sys_port_open),
    [SYS_port_next] = FIRST(trap_fast_port_next, sys_port_next),
    [SYS_port_read] = FIRST(fast_port_read, sys_port_read),
    [SYS_port_write] = FIRST(fast_port_write, sys_port_write),
    [SYS_port_events] = FAST(sys_port_events),
    [SYS_port_adopt] = FAST(sys_port_adopt),
    [SYS_port_root] = FAST(sys_port_root),
    [SYS_riscv_flush_icache] = FAST(sys_flush_icache),
    [SYS_wait4] = FAST(sys_wait4),
    [SYS_prlimit64] = FAST(sys_prlimit64),
    [SYS_getrandom] = FAST(sys_getrandom),
    [SYS_execveat] = FAST(sys_refused), /* only a request of execve */
    /* C libraries try these at their start. */
    [SYS_riscv_hwprobe] = FAST(sys_refused),
    [SYS_rseq] = FAST(sys_refused),
    /* Calls on a server's files that have a fast path. */
    [SYS_flock] = FIRST(trap_fast_remote, sys_remote),
    [SYS_fstatfs] = FIRST(trap_fast_lend, sys_remote),
    [SYS_ftruncate] = FIRST(trap_fast_remote, sys_remote),
    [SYS_fallocate] = FIRST(trap_fast_remote, sys_remote),
    [SYS_fchmod] = FIRST(trap_fast_remote, sys_remote),
    [SYS_fchown] = FIRST(trap_fast_remote, sys_remote),
    [SYS_pwrite64] = FIRST(trap_fast_lend_at, sys_remote),
    [SYS_fsync] = FIRST(trap_fast_remote, sys_remote),
    [SYS_fdatasync] = FIRST(trap_fast_remote, sys_remote),
    [SYS_fchdir] = FIRST(trap_fast_remote, sys_remote),
    [SYS_mknodat] = FIRST(trap_fast_path, sys_remote),
    [SYS_mkdirat] = FIRST(trap_fast_path, sys_remote),
    [SYS_fchmodat] = FIRST(trap_fast_path, sys_remote),
    [SYS_fchownat] = FIRST(trap_fast_path, sys_remote),
    [SYS_statx] = FIRST(trap_fast_path, sys_remote),
};

bool syscall_wants_memory(const struct trapframe *tf)
{
	switch (tf_number(tf)) {
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
	case SYS_setpgid:
	case SYS_setsid:
	case SYS_port_create:
	case SYS_port_open:
	case SYS_port_next:
	case SYS_port_read:
	case SYS_port_write:
		return true;
	default:
		return false;
	}
}

long syscall_execute(const struct trapframe *tf)
{
	uint64_t number = tf_number(tf);

	if (proc_self()->t.call.kept == KEPT_REMOTE)
		return remote_go_on();
	if (number >= SYSCALL_TABLE_SIZE || syscall_table[number].full == NULL)
		return sys_remote(tf);
	return syscall_table[number].full(tf);
}
