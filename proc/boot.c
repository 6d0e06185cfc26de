/* SPDX-License-Identifier: MIT */
/*
 * boot.c - makes the first process, from a program that is part of the kernel's
 * image and was laid out in pages when it was built. abi/boot.h says what the
 * program finds in its memory.
 */
#include "abi/boot.h"

#include "arch/machine.h"
#include "args.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/device.h"
#include "proc/exec.h"
#include "proc/file.h"
#include "proc/group.h"
#include "proc/sched.h"

/* linker.ld */
extern char boot_program[], boot_program_end[];
extern char kernel_archive[], kernel_archive_end[];

/*
 * Maps frames that the allocator has not been given. In state KERNEL the kernel
 * keeps a reference; in state PAGE the process has the only one.
 */
static int map_taken(struct aspace *as, vaddr_t va, struct region pages,
    uint64_t perms, enum frame_state state)
{
	int err = 0;

	for (paddr_t pa = page_floor(pages.start); err == 0 && pa < pages.end;
	     pa += PAGE_SIZE, va += PAGE_SIZE) {
		struct frame *frame = frame_of(pa);

		frame->word = FRAME_WORD(state, 1);
		err = aspace_map_frame(as, va, frame, perms);
		if (err == 0 && state == FRAME_PAGE)
			frame_put(frame);
	}
	return err;
}

/* Maps pages of the kernel's image without copying them. */
static int map_image(struct aspace *as, vaddr_t from, vaddr_t to,
    uint64_t perms)
{
	paddr_t pa = virt_to_phys(boot_program) + (from - BOOT_BASE);

	return map_taken(as, from, (struct region){pa, pa + (to - from)}, perms,
	    FRAME_KERNEL);
}

/* Maps copies of the program's variables, so that they can be written. */
static int map_data(struct aspace *as, const struct boot_header *header)
{
	struct range_op op = {.kind = RANGE_MAP,
	    .start = header->data,
	    .end = page_ceil(header->end),
	    .perms = PTE_R | PTE_W};
	int err = op.start < op.end ? range_finish(as, &op) : 0;

	for (vaddr_t va = header->data; err == 0 && va < header->zeros;
	     va += PAGE_SIZE) {
		paddr_t page;

		err = aspace_load(as, va, &page);
		if (err == 0)
			memcpy(phys_to_virt(page),
			    boot_program + (va - BOOT_BASE),
			    min_u64(PAGE_SIZE, header->zeros - va));
	}
	return err;
}

/*
 * Maps the archive that was given to the machine (-initrd), whose pages are
 * freed when the process unmaps them; if there is none, the one in the kernel's
 * image.
 */
static int map_archive(struct aspace *as, struct region *archive)
{
	bool is_own = archive->start == archive->end;

	if (is_own && archive->start != 0)
		kprintf("initrd: it is empty; the kernel's own is used\n");
	if (!is_own)
		frame_adopt(page_floor(archive->start),
		    page_ceil(archive->end));
	else
		*archive = (struct region){virt_to_phys(kernel_archive),
		    virt_to_phys(kernel_archive_end)};
	return map_taken(as, BOOT_ARCHIVE, *archive, PTE_R,
	    is_own ? FRAME_KERNEL : FRAME_PAGE);
}

static int build_space(struct program *prog, struct region *archive)
{
	const struct boot_header *header = (const void *)boot_program;
	struct aspace *as = aspace_create();
	int err;

	if (as == NULL)
		return -1;
	prog->as = as;
	prog->info = (struct image_info){.entry = header->entry,
	    .start = BOOT_BASE,
	    .end = page_ceil(header->end),
	    .stack_perms = PTE_R | PTE_W};
	err = map_image(as, BOOT_BASE, header->constants, PTE_R | PTE_X);
	if (err == 0)
		err = map_image(as, header->constants, header->data, PTE_R);
	if (err == 0)
		err = map_data(as, header);
	if (err == 0)
		err = map_archive(as, archive);
	return err == 0 ? image_add_stack(as, &prog->info) : err;
}

/* Writes the command line and, below it, what the program finds at sp. */
static int put_stack(struct program *prog, const struct region *archive)
{
	size_t size = strlen(machine.bootargs) + 1;
	vaddr_t text = prog->info.stack_top - size;
	vaddr_t start = BOOT_ARCHIVE + (archive->start & PAGE_MASK);
	struct boot_stack stack = {.argc = 1,
	    .argv = {text},
	    .archive = start,
	    .archive_end = start + (archive->end - archive->start)};
	int err = copyout(prog->as, text, machine.bootargs, size);

	prog->sp = (text - sizeof stack) & ~15UL;
	if (err == 0)
		err = copyout(prog->as, prog->sp, &stack, sizeof stack);
	return err;
}

/* Makes descriptors 0, 1 and 2 the serial port. */
static bool open_serial(struct fd_table *table)
{
	struct file *f = file_create(&device_ops, O_RDWR);

	if (f == NULL)
		return false;
	fd_table_init(table);
	for (int fd = 0; fd < 3; fd++)
		table->files[fd] = f;
	file_get(f);
	file_get(f);
	table->end = 3;
	table->cloexec[0] = 0;
	return true;
}

void boot_start(void)
{
	struct region archive = machine.initrd;
	struct program prog = {0};
	struct proc *p = proc_create();
	struct group *group = group_create(INIT_PID, NULL);

	if (p == NULL || group == NULL || build_space(&prog, &archive) < 0 ||
	    put_stack(&prog, &archive) < 0 || !open_serial(&p->fds))
		panic("expected memory for the first process, found %lu frames",
		    frame_free_count());
	enter_program(p, &prog, "boot");
	p->is_system = true;
	p->exit_signal = SIGCHLD;
	p->umask = 022;
	proc_init_task = p;
	lock_acquire(&sched_lock);
	proc_publish(p, &proc_keeper, group);
	sched_wake(p);
	lock_release(&sched_lock);
}
