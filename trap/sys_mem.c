/* SPDX-License-Identifier: MIT */
/*
 * sys_mem.c - system calls that change the address space.
 *
 * Each sets up a range operation, which the call keeps, and runs it in parts.
 * Signals wait until it is done.
 */
#include "abi/errno.h"
#include "abi/mman.h"
#include "proc/device.h"
#include "proc/file.h"
#include "proc/port.h"
#include "proc/sched.h"
#include "syscalls.h"

/* Runs the operation that the call keeps. */
static long range_go_on(struct range_op *op)
{
	int err = range_run(proc_self()->as, op, RANGE_BUDGET);

	return err == RANGE_MORE ? call_go_on(SIGNAL_HELD) : err;
}

/* The first execution of a call sets its operation up; later ones go on. */
static long range_call(enum range_kind kind, vaddr_t start, vaddr_t end,
    uint64_t perms)
{
	struct range_op *op;

	if (call_is_repeated())
		return range_go_on(call_range());
	op = call_range();
	*op = (struct range_op){.kind = kind,
	    .start = start,
	    .end = end,
	    .perms = perms};
	return range_go_on(op);
}

static uint64_t perms_of(uint64_t prot)
{
	return (prot & (PROT_READ | PROT_WRITE) ? PTE_R : 0) |
	    (prot & PROT_WRITE ? PTE_W : 0) | (prot & PROT_EXEC ? PTE_X : 0);
}

/* Is it in user memory, if its length is rounded up to pages? */
static bool is_user_range(vaddr_t start, uint64_t len)
{
	return len <= USER_TOP && start <= USER_TOP - page_ceil(len);
}

static long brk_set(struct proc *p, vaddr_t brk)
{
	struct aspace *as = p->as;
	vaddr_t from = page_ceil(as->brk_end), to = page_ceil(brk);
	long err;

	if (to == from) {
		as->brk_end = brk;
		return (long)brk;
	}
	if (!call_is_repeated() && to > from && !aspace_is_empty(as, from, to))
		return (long)as->brk_end;
	err = to > from ? range_call(RANGE_FILL, from, to, PTE_R | PTE_W)
			: range_call(RANGE_UNMAP, to, from, 0);
	if (err == CALL_GOES_ON)
		return err;
	if (err == 0)
		as->brk_end = brk;
	return (long)as->brk_end;
}

long sys_brk(const struct trapframe *tf)
{
	struct proc *p = proc_self();
	vaddr_t brk = tf_arg(tf, 0);

	if (brk < p->as->brk_start || brk > USER_TOP)
		return (long)p->as->brk_end;
	return brk_set(p, brk);
}

static bool is_of_file(const struct trapframe *tf)
{
	return !(tf_arg(tf, 3) & MAP_ANONYMOUS);
}

static bool is_private(const struct trapframe *tf)
{
	return (tf_arg(tf, 3) & MAP_TYPE) == MAP_PRIVATE;
}

/*
 * How a mapping of the file is shared. If the file is not open for writing, the
 * mapping can never be made writable.
 */
static uint64_t sharing_of(const struct trapframe *tf, const struct file *f)
{
	if (is_private(tf))
		return 0;
	return file_can_write(f) ? PTE_SHARED : PTE_SEALED;
}

static long check_file(const struct trapframe *tf, const struct file *f)
{
	uint64_t len = tf_arg(tf, 1), offset = tf_arg(tf, 5);

	if (!file_is_remote(f))
		return -ENODEV;
	if (offset + page_ceil(len) < offset)
		return -EOVERFLOW;
	if (!file_can_read(f))
		return -EACCES;
	if ((tf_arg(tf, 2) & PROT_WRITE) && sharing_of(tf, f) == PTE_SEALED)
		return -EACCES;
	return 0;
}

static long check_mapping(const struct trapframe *tf)
{
	uint64_t addr = tf_arg(tf, 0), len = tf_arg(tf, 1);
	uint64_t flags = tf_arg(tf, 3), type = flags & MAP_TYPE;
	bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	const struct file *f = is_of_file(tf) ? fd_get(tf_int(tf, 4)) : NULL;
	long err;

	if (tf_arg(tf, 5) & PAGE_MASK)
		return -EINVAL;
	if (is_of_file(tf) && f == NULL)
		return -EBADF;
	if (len == 0 || (type != MAP_SHARED && type != MAP_PRIVATE))
		return -EINVAL;
	err = f != NULL ? check_file(tf, f) : 0;
	if (err < 0)
		return err;
	if (len > USER_TOP)
		return -ENOMEM;
	if (!fixed)
		return 0;
	if (addr & PAGE_MASK)
		return -EINVAL;
	if (!is_user_range(addr, len))
		return -ENOMEM;
	return addr < PAGE_SIZE ? -EPERM : 0;
}

/* Where the mapping is to be; without MAP_FIXED the address is a hint. */
static long place_mapping(struct aspace *as, const struct trapframe *tf,
    struct range_op *op)
{
	vaddr_t at = page_floor(tf_arg(tf, 0));
	uint64_t len = page_ceil(tf_arg(tf, 1)), flags = tf_arg(tf, 3);

	if ((flags & MAP_FIXED_NOREPLACE) && !aspace_is_empty(as, at, at + len))
		return -EEXIST;
	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		op->anywhere = at == 0 || !is_user_range(at, len) ||
		    !aspace_is_empty(as, at, at + len);
	op->start = op->anywhere ? 0 : at;
	op->end = op->start + len;
	return 0;
}

static long begin_mapping(const struct trapframe *tf)
{
	struct range_op op = {.kind = is_of_file(tf) ? RANGE_PASS
		: is_private(tf)                     ? RANGE_MAP
						     : RANGE_SHARE,
	    .perms = perms_of(tf_arg(tf, 2))};
	long err = check_mapping(tf);

	if (err == 0)
		err = place_mapping(proc_self()->as, tf, &op);
	if (err < 0)
		return err;
	if (op.kind == RANGE_PASS)
		op.perms |= sharing_of(tf, fd_get(tf_int(tf, 4)));
	*call_range() = op;
	return range_go_on(call_range());
}

/*
 * Maps the registers of the device at an address that the kernel chooses, until
 * the process executes another program.
 */
static long map_device(const struct trapframe *tf)
{
	uint64_t len = tf_arg(tf, 1), flags = tf_arg(tf, 3);

	if (len == 0 || len > PAGE_SIZE || tf_arg(tf, 5) != 0 ||
	    (flags & MAP_TYPE) != MAP_SHARED ||
	    (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		return -EINVAL;
	return device_map();
}

long sys_mmap(const struct trapframe *tf)
{
	struct file *f = fd_get(tf_int(tf, 4));
	long err;

	if (!(tf_arg(tf, 3) & MAP_ANONYMOUS) && f != NULL && file_is_device(f))
		return map_device(tf);
	err =
	    call_is_repeated() ? range_go_on(call_range()) : begin_mapping(tf);
	if (err == RANGE_BAG) {
		call_forget();
		return remote_call(f);
	}
	return err < 0 ? err : (long)call_range()->start;
}

long sys_munmap(const struct trapframe *tf)
{
	vaddr_t start = tf_arg(tf, 0);
	uint64_t len = tf_arg(tf, 1);

	if ((start & PAGE_MASK) || len == 0 || !is_user_range(start, len))
		return -EINVAL;
	return range_call(RANGE_UNMAP, start, start + page_ceil(len), 0);
}

long sys_mprotect(const struct trapframe *tf)
{
	vaddr_t start = tf_arg(tf, 0);
	uint64_t len = tf_arg(tf, 1), prot = tf_arg(tf, 2);

	if (start & PAGE_MASK)
		return -EINVAL;
	if (len == 0)
		return 0;
	if (!is_user_range(start, len))
		return -ENOMEM;
	if ((prot & ~(uint64_t)PROT_ALL) != 0)
		return -EINVAL;
	return range_call(RANGE_PROTECT, start, start + page_ceil(len),
	    perms_of(prot));
}

long sys_madvise(const struct trapframe *tf)
{
	vaddr_t start = tf_arg(tf, 0);
	uint64_t len = tf_arg(tf, 1);
	uint32_t advice = (uint32_t)tf_arg(tf, 2);

	if ((start & PAGE_MASK) || advice >= 64 ||
	    !(1UL << advice & (MADV_HINTS | 1UL << MADV_DONTNEED)))
		return -EINVAL;
	if (len == 0)
		return 0;
	/* The length rounded up is 0, or the range ends before its start. */
	if (page_ceil(len) == 0 || start + page_ceil(len) < start)
		return -EINVAL;
	if (!is_user_range(start, len))
		return -ENOMEM;
	return range_call(advice == MADV_DONTNEED ? RANGE_DISCARD : RANGE_CHECK,
	    start, start + page_ceil(len), 0);
}

/*
 * Has nothing to write back: the pages of a shared mapping are those of the
 * file. Only looks whether all of the range is mapped.
 */
long sys_msync(const struct trapframe *tf)
{
	vaddr_t start = tf_arg(tf, 0);
	uint64_t len = tf_arg(tf, 1);
	int flags = tf_int(tf, 2);

	if ((start & PAGE_MASK) || (flags & ~MS_ALL) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (!is_user_range(start, len))
		return -ENOMEM;
	return range_call(RANGE_CHECK, start, start + page_ceil(len), 0);
}
