/* SPDX-License-Identifier: MIT */
/*
 * access.c - touching memory: by the hardware, with page faults, and by the
 * kernel's copies.
 */
#include <string.h>

#include "abi/errno.h"
#include "arch/hart.h"
#include "world.h"

#define MAX_FAULTS 8 /* of one access: more would never end */
#define MAX_COPY   (4 * PAGE_SIZE)

/* One operation may happen within another, on another hart. */
static uint8_t buffers[SIM_HARTS][MAX_COPY];

static bool oracle_allows(const struct oracle *o, vaddr_t va, uint64_t need)
{
	const struct seg *seg;

	if (va >= USER_TOP)
		return false;
	seg = oracle_seg(o, (uint32_t)(va >> PAGE_SHIFT));
	return seg != NULL && (seg->perms & need) == need;
}

/* Resolves faults, as trap/fault.c does, until the access succeeds. */
static int reach(struct proc *p, vaddr_t va, enum sim_access access,
    paddr_t *pa)
{
	for (unsigned i = 0; i < MAX_FAULTS; i++) {
		enum access reported;
		int err;

		if (mmu_translate(va, access, pa, &reported))
			return 0;
		err = aspace_fault(p->as, va, reported);
		if (err < 0)
			return err;
		mmu_check();
	}
	sim_fail("endless fault at %lx", va);
}

static void check_byte(const struct proc *p, vaddr_t va, uint8_t found)
{
	uint8_t expected = oracle_load(&p->oracle, va);

	if (found != expected)
		sim_fail("process %u expected %u at %lx, found %u",
		    (unsigned)(p - procs), expected, va, found);
}

static void touch(struct proc *p, const struct op *op, paddr_t pa)
{
	uint8_t *byte = phys_to_virt(pa);

	if (op->kind == OP_FETCH) {
		/* A program must fence by itself before it runs new code. */
		if (oracle_is_dirty(&p->oracle, op->va)) {
			mmu_user_fence_i();
			oracle_clean(&p->oracle, 0, UINT32_MAX);
		}
		check_byte(p, op->va, mmu_fetch(pa));
		return;
	}
	if (op->kind != OP_STORE)
		check_byte(p, op->va, *byte);
	if (op->kind == OP_LOAD)
		return;
	*byte = op->value;
	oracle_store(&p->oracle, op->va, op->value);
}

void access_user(struct proc *p, const struct op *op)
{
	static const enum sim_access accesses[] = {
	    [OP_LOAD] = SIM_LOAD,
	    [OP_STORE] = SIM_STORE,
	    [OP_AMO] = SIM_AMO,
	    [OP_FETCH] = SIM_FETCH,
	};
	static const uint64_t needs[] = {
	    [OP_LOAD] = PTE_R,
	    [OP_STORE] = PTE_W,
	    [OP_AMO] = PTE_W,
	    [OP_FETCH] = PTE_X,
	};
	bool allowed = oracle_allows(&p->oracle, op->va, needs[op->kind]);
	paddr_t pa;
	int err;

	if (!oracle_has_room(&p->oracle))
		return;
	mmu_pool_add(op->va);
	err = reach(p, op->va, accesses[op->kind], &pa);
	expect_result(op_names[op->kind], err, allowed ? 0 : -EFAULT);
	if (err == 0)
		touch(p, op, pa);
}

/* How many bytes from `va` on the process may access so. */
static size_t allowed_len(const struct proc *p, vaddr_t va, size_t len,
    uint64_t need)
{
	size_t done = 0;

	while (done < len && oracle_allows(&p->oracle, va + done, need))
		done += PAGE_SIZE - ((va + done) & PAGE_MASK);
	return done < len ? done : len;
}

/*
 * If two harts copy to or from one shared page at once, more than one result is
 * right: such a copy is not interrupted.
 */
static size_t copy_len(const struct proc *p, const struct op *op)
{
	size_t len = op->len < MAX_COPY ? op->len : MAX_COPY;

	for (size_t i = 0; i < len + PAGE_SIZE; i += PAGE_SIZE) {
		const struct seg *seg = oracle_seg(&p->oracle,
		    (uint32_t)((op->va + i) >> PAGE_SHIFT));

		if (seg != NULL && seg->object != 0)
			sim_interrupt = NULL;
	}
	return len;
}

/* All bytes of each page but four are always zero. */
static void check_copy(const struct proc *p, vaddr_t va, size_t len)
{
	const uint8_t *buffer = buffers[sim_hart];

	for (size_t i = 0; i < len; i++)
		if (buffer[i] != 0 || oracle_byte_index(va + i) >= 0)
			check_byte(p, va + i, buffer[i]);
}

void access_copyin(struct proc *p, const struct op *op)
{
	size_t len = copy_len(p, op);
	bool allowed = allowed_len(p, op->va, len, PTE_R) == len;
	int err = copyin(p->as, buffers[sim_hart], op->va, len);

	expect_result("copyin", err, allowed ? 0 : -EFAULT);
	if (err == 0)
		check_copy(p, op->va, len);
}

/* A copy that ran out of memory has written some pages, and no others. */
static size_t copied_len(const struct proc *p, vaddr_t va, size_t len)
{
	const uint8_t *buffer = buffers[sim_hart];
	size_t done = 0;

	while (done < len) {
		size_t n = PAGE_SIZE - ((va + done) & PAGE_MASK);

		for (size_t i = 0; i < n && done + i < len; i++)
			if (buffer[done + i] != 0 &&
			    peek(p->as, va + done + i).byte != buffer[done + i])
				return done;
		done += n;
	}
	return done < len ? done : len;
}

void access_copyout(struct proc *p, const struct op *op)
{
	size_t len = copy_len(p, op);
	size_t allowed = allowed_len(p, op->va, len, PTE_W);
	uint8_t *buffer = buffers[sim_hart];
	int err;

	if (!oracle_has_room(&p->oracle))
		return;
	memset(buffer, 0, len);
	for (size_t i = 0; i < len; i++)
		if (oracle_byte_index(op->va + i) >= 0)
			buffer[i] = (uint8_t)(op->value | 1);
	err = copyout(p->as, op->va, buffer, len);
	expect_result("copyout", err, allowed == len ? 0 : -EFAULT);
	if (err == -ENOMEM)
		allowed = copied_len(p, op->va, allowed);
	for (size_t i = 0; i < allowed; i++)
		if (oracle_byte_index(op->va + i) >= 0)
			oracle_store(&p->oracle, op->va + i, buffer[i]);
}

static int expected_string(const struct proc *p, vaddr_t va, size_t size,
    size_t *len)
{
	for (*len = 0; *len < size; ++*len) {
		if (!oracle_allows(&p->oracle, va + *len, PTE_R))
			return -EFAULT;
		if (oracle_load(&p->oracle, va + *len) == 0)
			return 0;
	}
	return -ENAMETOOLONG;
}

void access_copyinstr(struct proc *p, const struct op *op)
{
	size_t size = copy_len(p, op), len;
	int expected = expected_string(p, op->va, size, &len);
	int err = copyinstr(p->as, (char *)buffers[sim_hart], op->va, size);

	expect_result("copyinstr", err, expected);
	if (err == 0)
		check_copy(p, op->va, len + 1);
}
