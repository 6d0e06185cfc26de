/* SPDX-License-Identifier: MIT */
/*
 * layout.c - what the machine wants to know of the kernel's structures, told
 * by the kernel's own headers. It is compiled for the kernel, to assembly,
 * from which nasty.mk takes the numbers.
 */
#include "arch/hart.h"
#include "mm/frame.h"
#include "proc/proc.h"

/* In a string, which assemblers accept. */
#define TELL(name, value) \
	__asm__ volatile( \
	    ".ascii \"-> KERNEL_" #name " %0\"" ::"i"((long)(value)))

void layout(void);
void layout(void)
{
	TELL(DIRECT_MAP, DIRECT_MAP);
	TELL(FRAME_SIZE, sizeof(struct frame));
	TELL(FRAME_STATE, offsetof(struct frame, state));
	TELL(FRAME_REFS, offsetof(struct frame, refs));
	TELL(FRAME_IS_FREE, FRAME_FREE);
	TELL(FRAME_IS_KERNEL, FRAME_KERNEL);
	TELL(FRAME_IS_TABLE, FRAME_TABLE);
	TELL(FRAME_IS_PAGE, FRAME_PAGE);
	TELL(HART_PROC, offsetof(struct hart, proc));
	TELL(PROC_PARENT, offsetof(struct proc, parent));
	TELL(PROC_PID, offsetof(struct proc, pid));
	TELL(PROC_NAME, offsetof(struct proc, name));
}
