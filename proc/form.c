/* SPDX-License-Identifier: MIT */
/*
 * form.c - a table of the calls that servers are asked: to which file each
 * goes, what memory it lends, and how many of the caller's registers the server
 * is shown.
 */
#include "proc/form.h"

#include "abi/fcntl.h"
#include "abi/misc.h"
#include "abi/stat.h"

#define STAT_SIZE   sizeof(struct stat_abi)
#define NAME_SIZE   sizeof(struct utsname_abi)
#define INFO_SIZE   sizeof(struct sysinfo_abi)
#define PRIORITY    sizeof(int32_t)
#define HARTS       sizeof(uint64_t) /* bytes lent of a longer mask of harts */
#define STATX_SIZE  256
#define STATFS_SIZE 120
#define TIMES_SIZE  32
#define LOCK_SIZE   sizeof(struct flock_abi)

#define NO_LEASE LENT_NOTHING, 0, 0, 0, 0

const struct call_form call_forms[SYSCALL_TABLE_SIZE] = {
    [0] = {6, TO_ROOT, NO_LEASE},
    [SYS_read] = {3, TO_FILE, LENT_COUNT, 1, LEND_WRITE, OPEN_READ, 0},
    [SYS_write] = {3, TO_FILE, LENT_COUNT, 1, LEND_READ, OPEN_WRITE, 0},
    [SYS_lseek] = {3, TO_FILE, NO_LEASE},
    [SYS_fstat] = {2, TO_FILE, LENT_FIXED, 1, LEND_WRITE, 0, STAT_SIZE},
    [SYS_pread64] = {4, TO_FILE, LENT_COUNT, 1, LEND_WRITE, OPEN_READ, 0},
    [SYS_pwrite64] = {4, TO_FILE, LENT_COUNT, 1, LEND_READ, OPEN_WRITE, 0},
    [SYS_getdents64] = {3, TO_FILE, LENT_COUNT, 1, LEND_WRITE, 0, 0},
    [SYS_ioctl] = {3, TO_FILE, LENT_IOCTL, 2, 0, 0, 0},
    [SYS_fcntl] = {3, TO_FILE, LENT_LOCK, 2, LEND_READ, 0, LOCK_SIZE},
    [SYS_ftruncate] = {2, TO_FILE, NO_LEASE},
    [SYS_fsync] = {1, TO_FILE, NO_LEASE},
    [SYS_fdatasync] = {1, TO_FILE, NO_LEASE},
    [SYS_fallocate] = {4, TO_FILE, NO_LEASE},
    [SYS_fstatfs] = {2, TO_FILE, LENT_FIXED, 1, LEND_WRITE, 0, STATFS_SIZE},
    [SYS_fchmod] = {2, TO_FILE, NO_LEASE},
    [SYS_fchown] = {3, TO_FILE, NO_LEASE},
    [SYS_flock] = {2, TO_FILE, NO_LEASE},
    [SYS_fchdir] = {1, TO_FILE, NO_LEASE},
    [SYS_mmap] = {6, TO_FILE, NO_LEASE},
    [SYS_getcwd] = {2, TO_FILE, LENT_COUNT, 0, LEND_WRITE, 0, 0},
    [SYS_chdir] = {1, TO_PATH, NO_LEASE},
    [SYS_execve] = {1, TO_PATH, NO_LEASE},
    [SYS_execveat] = {1, TO_FILE, NO_LEASE},
    [SYS_truncate] = {2, TO_PATH, NO_LEASE},
    [SYS_statfs] = {2, TO_PATH, LENT_FIXED, 1, LEND_WRITE, 0, STATFS_SIZE},
    [SYS_openat] = {4, TO_PATH_AT, NO_LEASE},
    [SYS_mkdirat] = {3, TO_PATH_AT, NO_LEASE},
    [SYS_mknodat] = {4, TO_PATH_AT, NO_LEASE},
    [SYS_unlinkat] = {3, TO_PATH_AT, NO_LEASE},
    [SYS_faccessat] = {3, TO_PATH_AT, NO_LEASE},
    [SYS_faccessat2] = {4, TO_PATH_AT, NO_LEASE},
    [SYS_fchmodat] = {3, TO_PATH_AT, NO_LEASE},
    [SYS_fchownat] = {5, TO_PATH_AT, NO_LEASE},
    [SYS_readlinkat] = {4, TO_PATH_AT, LENT_INT, 2, LEND_WRITE, 0, 0},
    [SYS_newfstatat] = {4, TO_PATH_AT, LENT_FIXED, 2, LEND_WRITE, 0, STAT_SIZE},
    [SYS_statx] = {5, TO_PATH_AT, LENT_FIXED, 4, LEND_WRITE, 0, STATX_SIZE},
    [SYS_utimensat] = {4, TO_FILE_OR, LENT_FIXED, 2, LEND_READ, 0, TIMES_SIZE},
    [SYS_linkat] = {5, TO_TWO_PATHS, NO_LEASE},
    [SYS_renameat2] = {5, TO_TWO_PATHS, NO_LEASE},
    [SYS_symlinkat] = {3, TO_LINK_AT, NO_LEASE},
    [SYS_uname] = {1, TO_ROOT, LENT_FIXED, 0, LEND_WRITE, 0, NAME_SIZE},
    [SYS_sysinfo] = {1, TO_ROOT, LENT_FIXED, 0, LEND_WRITE, 0, INFO_SIZE},
    [SYS_sched_setscheduler] = {3, TO_ROOT, LENT_FIXED, 2, LEND_READ, 0,
	PRIORITY},
    [SYS_sched_getparam] = {2, TO_ROOT, LENT_FIXED, 1, LEND_WRITE, 0, PRIORITY},
    [SYS_sched_setaffinity] = {3, TO_ROOT, LENT_FIXED, 2, LEND_READ, 0, HARTS},
    [SYS_sched_getaffinity] = {3, TO_ROOT, LENT_FIXED, 2, LEND_WRITE, 0, HARTS},
};

/*
 * The command of an ioctl says which way bytes go, and how many. The commands
 * of terminals are older than that rule: each lends as many bytes as the
 * longest of them needs, to be read and written.
 */
#define IOCTL_IN(command)   ((command) >> 30 & 1)
#define IOCTL_OUT(command)  ((command) >> 31 & 1)
#define IOCTL_SIZE(command) ((command) >> 16 & 0x3fff)
#define IOCTL_TTY           0x54 /* bits 8 to 31 of a terminal's command */
#define IOCTL_TTY_SIZE      64

static struct lease lease_of_ioctl(uint32_t command, vaddr_t at)
{
	if (command >> 8 == IOCTL_TTY)
		return (
		    struct lease){at, IOCTL_TTY_SIZE, LEND_READ | LEND_WRITE};
	return (struct lease){at, IOCTL_SIZE(command),
	    (IOCTL_IN(command) ? LEND_READ : 0) |
		(IOCTL_OUT(command) ? LEND_WRITE : 0)};
}

static bool asks_for_lock(uint64_t command)
{
	return command == F_GETLK || command == F_OFD_GETLK;
}

static uint64_t count_of_int(int32_t count)
{
	return count > 0 ? (uint64_t)count : 0;
}

struct lease lease_of_rare(const struct call_form *form,
    const struct trapframe *tf)
{
	vaddr_t at = tf_arg(tf, form->at);
	uint64_t len = form->size;

	if (form->lent == LENT_IOCTL)
		return lease_of_ioctl((uint32_t)tf_arg(tf, 1), at);
	if (form->lent == LENT_LOCK && asks_for_lock(tf_arg(tf, 1)))
		return (struct lease){at, form->size, LEND_READ | LEND_WRITE};
	if (form->lent == LENT_INT)
		len = count_of_int((int32_t)tf_arg(tf, form->at + 1U));
	return (struct lease){at, (uint32_t)len, form->may};
}
