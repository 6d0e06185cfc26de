/* SPDX-License-Identifier: MIT */
/*
 * syscall.h - system call numbers: those of riscv64 Linux, and from
 * SYS_CALF on the few that show what only this kernel has to show.
 *
 * The number goes in a7, up to six arguments in a0 to a5, the result or a
 * negated errno comes back in a0; all other registers are kept.
 */
#ifndef ABI_SYSCALL_H
#define ABI_SYSCALL_H

/* The kernel's table: numbers from 0, two pointers each. */
#define SYSCALL_TABLE_SIZE  440
#define SYSCALL_ENTRY_SHIFT 4

#define SYS_getcwd             17
#define SYS_dup                23
#define SYS_dup3               24
#define SYS_fcntl              25
#define SYS_ioctl              29
#define SYS_flock              32
#define SYS_mknodat            33
#define SYS_mkdirat            34
#define SYS_unlinkat           35
#define SYS_symlinkat          36
#define SYS_linkat             37
#define SYS_statfs             43
#define SYS_fstatfs            44
#define SYS_truncate           45
#define SYS_ftruncate          46
#define SYS_fallocate          47
#define SYS_faccessat          48
#define SYS_chdir              49
#define SYS_fchdir             50
#define SYS_fchmod             52
#define SYS_fchmodat           53
#define SYS_fchownat           54
#define SYS_fchown             55
#define SYS_openat             56
#define SYS_close              57
#define SYS_pipe2              59
#define SYS_getdents64         61
#define SYS_lseek              62
#define SYS_read               63
#define SYS_write              64
#define SYS_readv              65
#define SYS_writev             66
#define SYS_pread64            67
#define SYS_pwrite64           68
#define SYS_preadv             69
#define SYS_pwritev            70
#define SYS_pselect6           72
#define SYS_ppoll              73
#define SYS_readlinkat         78
#define SYS_newfstatat         79
#define SYS_fstat              80
#define SYS_sync               81
#define SYS_fsync              82
#define SYS_fdatasync          83
#define SYS_utimensat          88
#define SYS_exit               93
#define SYS_exit_group         94
#define SYS_waitid             95
#define SYS_set_tid_address    96
#define SYS_futex              98
#define SYS_set_robust_list    99
#define SYS_nanosleep          101
#define SYS_getitimer          102
#define SYS_setitimer          103
#define SYS_clock_gettime      113
#define SYS_clock_getres       114
#define SYS_clock_nanosleep    115
#define SYS_sched_setscheduler 119
#define SYS_sched_getscheduler 120
#define SYS_sched_getparam     121
#define SYS_sched_setaffinity  122
#define SYS_sched_getaffinity  123
#define SYS_sched_yield        124
#define SYS_kill               129
#define SYS_tkill              130
#define SYS_tgkill             131
#define SYS_sigaltstack        132
#define SYS_rt_sigsuspend      133
#define SYS_rt_sigaction       134
#define SYS_rt_sigprocmask     135
#define SYS_rt_sigpending      136
#define SYS_rt_sigtimedwait    137
#define SYS_rt_sigqueueinfo    138
#define SYS_rt_sigreturn       139
#define SYS_setpriority        140
#define SYS_getpriority        141
#define SYS_reboot             142
#define SYS_setregid           143
#define SYS_setgid             144
#define SYS_setreuid           145
#define SYS_setuid             146
#define SYS_setresuid          147
#define SYS_getresuid          148
#define SYS_setresgid          149
#define SYS_getresgid          150
#define SYS_setfsuid           151
#define SYS_setfsgid           152
#define SYS_times              153
#define SYS_setpgid            154
#define SYS_getpgid            155
#define SYS_getsid             156
#define SYS_setsid             157
#define SYS_getgroups          158
#define SYS_setgroups          159
#define SYS_uname              160
#define SYS_getrusage          165
#define SYS_umask              166
#define SYS_prctl              167
#define SYS_getcpu             168
#define SYS_gettimeofday       169
#define SYS_getpid             172
#define SYS_getppid            173
#define SYS_getuid             174
#define SYS_geteuid            175
#define SYS_getgid             176
#define SYS_getegid            177
#define SYS_gettid             178
#define SYS_sysinfo            179
#define SYS_brk                214
#define SYS_munmap             215
#define SYS_mremap             216
#define SYS_clone              220
#define SYS_execve             221
#define SYS_mmap               222
#define SYS_mprotect           226
#define SYS_msync              227
#define SYS_madvise            233
#define SYS_riscv_hwprobe      258
#define SYS_riscv_flush_icache 259
#define SYS_wait4              260
#define SYS_prlimit64          261
#define SYS_renameat2          276
#define SYS_getrandom          278
#define SYS_execveat           281
#define SYS_statx              291
#define SYS_rseq               293
#define SYS_faccessat2         439

/*
 * Ours; see abi/calf.h. Linux leaves 244 to 259 to each architecture, and riscv
 * uses them from their end: it answers ENOSYS.
 */
#define SYS_CALF       244
#define SYS_calf_stat  244
#define SYS_calf_ps    245
#define SYS_calf_walk  246
#define SYS_calf_next  247
#define SYS_calf_check 248 /* test builds only */
#define SYS_calf_fail  249 /* test builds only */

/* Ours as well, for servers; see abi/port.h. */
#define SYS_port_create 250
#define SYS_port_open   251
#define SYS_port_next   252
#define SYS_port_read   253
#define SYS_port_write  254
#define SYS_port_events 255
#define SYS_port_adopt  256
#define SYS_port_root   257

#endif
