/* SPDX-License-Identifier: MIT */
/*
 * device.h - the one device that a program can drive: the serial port.
 *
 * A descriptor stands for it, which the first program is given. A process with
 * the descriptor may map the registers, and may have the interrupts told to a
 * port, as notes.
 *
 *   D1  Between its claim and its completion an interrupt does not come again.
 *       It is completed when a server that had the note in hand asks for what
 *       is next. If that server dies before, another one gets the note (M7).
 *
 * Locks: sched_lock, for all of it.
 */
#ifndef PROC_DEVICE_H
#define PROC_DEVICE_H

#include "proc/port.h"

extern const struct file_ops device_ops;

static inline bool file_is_device(const struct file *f)
{
	return f->ops == &device_ops;
}

/*
 * Maps the registers for the running process; returns where. -ENODEV: the
 * console is the firmware's, and the program writes to the descriptor instead.
 */
MUST_USE long device_map(void);

/* The ioctls of the descriptor on the running process's behalf. */
long device_ioctl(const struct file *f, uint64_t request, vaddr_t arg)
    EXCLUDES(sched_lock);

/*
 * If the note, which has been read, is the device's, completes the interrupt,
 * so that it may come again, and returns true.
 */
bool device_note_done(const struct remote *note) REQUIRES(sched_lock);

/* The port is closed: if it had the device, another port may have that now. */
void device_leave(const struct port *port) EXCLUDES(sched_lock);

/* What the boot hart does at each of its interrupts, also while it is idle. */
void device_interrupt(void) EXCLUDES(sched_lock);

#endif
