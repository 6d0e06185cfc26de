/* SPDX-License-Identifier: MIT */
/*
 * fp.c - saves and loads floating point registers as seldom as possible.
 *
 * Most processes never use them. A process that has not written them runs with
 * cleared registers. They are saved only if the hardware says that they were
 * written (sstatus.FS), and loaded only if this hart holds those of another
 * process.
 */
#include "fp.h"

#include "lib/string.h"

#define NO_HART UINT8_MAX

/* Notes that the registers of this hart are equal to tf.f. */
static void fp_agree(struct proc *p)
{
	struct hart *self = hart_self();

	fp_set_clean();
	p->t.fp_used = true;
	p->t.fp_hart = (uint8_t)self->index;
	self->fp_owner = p;
	self->fp_is_clear = false;
}

void fp_sync(struct proc *p)
{
	if (!fp_is_dirty())
		return;
	fp_save(&p->t.tf);
	fp_agree(p);
}

/* If the process never wrote them, tf.f has not been set yet. */
void fp_show(struct proc *p)
{
	fp_sync(p);
	if (p->t.fp_used)
		return;
	memset(p->t.tf.f, 0, sizeof p->t.tf.f);
	p->t.tf.fcsr = 0;
}

void fp_reload(struct proc *p)
{
	fp_load(&p->t.tf);
	fp_agree(p);
}

void fp_reset(struct proc *p)
{
	struct hart *self = hart_self();

	fp_clear();
	fp_set_clean();
	p->t.fp_used = false;
	p->t.fp_hart = NO_HART;
	self->fp_owner = NULL;
	self->fp_is_clear = true;
}

void fp_restore(struct proc *p)
{
	struct hart *self = hart_self();

	if (!p->t.fp_used) {
		if (!self->fp_is_clear)
			fp_reset(p);
		return;
	}
	if (self->fp_owner != p || p->t.fp_hart != self->index)
		fp_reload(p);
}
