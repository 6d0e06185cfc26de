/* SPDX-License-Identifier: MIT */
/*
 * device.c - lets a program drive the serial port: gives it the registers, and
 * tells it of interrupts.
 *
 * The program knows what kind of port it is and how it is driven; this file
 * does not.
 */
#include "proc/device.h"

#include "abi/errno.h"
#include "arch/console.h"
#include "arch/machine.h"
#include "arch/plic.h"
#include "proc/sched.h"

static struct {
	/* the note of interrupts for the driver's port; NULL: no driver */
	struct remote *note;
	/* the note is in its port's list, or a server has read it */
	bool is_told;
	/* the source of the interrupt that is to be completed; 0: none */
	uint32_t source;
} device GUARDED_BY(sched_lock);

long device_map(void)
{
	if (!aspace_map_device(proc_self()->as))
		return -ENODEV;
	return (long)(DEVICE_PAGE + (machine.uart & PAGE_MASK));
}

static void complete(void) REQUIRES(sched_lock)
{
	if (device.source != 0)
		plic_complete(device.source);
	device.source = 0;
	device.is_told = false;
}

static void tell(void) REQUIRES(sched_lock)
{
	struct port *port = device.note->port;

	if (device.is_told)
		return;
	device.is_told = true;
	device.note->deaths = 0;
	list_push_back(&port->notes, &device.note->link);
	waitq_wake_all_locked(&port->idle);
}

/*
 * If the serial port cannot interrupt, its driver is told at each tick of the
 * clock. While there is no driver, the interrupt stays claimed.
 */
void device_interrupt(void)
{
	uint32_t source = plic_claim();

	if (source == 0 && !console_is_polled)
		return;
	lock_acquire(&sched_lock);
	if (source != 0)
		device.source = source;
	if (device.note != NULL)
		tell();
	lock_release(&sched_lock);
}

bool device_note_done(const struct remote *note)
{
	if (note != device.note)
		return false;
	complete();
	return true;
}

/*
 * The driver has closed its port. A note that is in the port's list is freed
 * with the list, and one that a server has read is freed by that server.
 */
void device_leave(const struct port *port)
{
	struct remote *note = NULL;
	bool was_given;

	lock_acquire(&sched_lock);
	was_given = device.note != NULL && device.note->port == port;
	if (was_given) {
		if (!device.is_told)
			note = device.note;
		device.note = NULL;
		console_take_back();
		complete();
	}
	lock_release(&sched_lock);
	if (note != NULL)
		remote_free(note);
}

/*
 * Makes the note that of the driver, and tells it at once, as there may be
 * input already. -EBUSY: there is a driver.
 */
static long give(struct remote *note)
{
	long result = -EBUSY;

	lock_acquire(&sched_lock);
	if (device.note == NULL) {
		device.note = note;
		tell();
		result = 0;
	}
	lock_release(&sched_lock);
	return result;
}

static long set_port(vaddr_t arg)
{
	struct aspace *as = proc_self()->as;
	struct device_port wish;
	struct remote *note;
	struct file *port;
	long err = copyin(as, &wish, arg, sizeof wish);

	if (err < 0)
		return err;
	port = fd_get(wish.port);
	if (port == NULL)
		return -EBADF;
	if (!file_is_port(port))
		return -EINVAL;
	wish.shift = machine.uart_shift;
	err = copyout(as, arg, &wish, sizeof wish);
	if (err < 0)
		return err;
	note = remote_note(port->object, wish.token);
	if (note == NULL)
		return -ENOMEM;
	err = give(note);
	if (err < 0)
		remote_free(note);
	return err;
}

long device_ioctl(const struct file *f, uint64_t request, vaddr_t arg)
{
	switch (request) {
	case DEVICE_PORT:
		return set_port(arg);
	case DEVICE_TAKEN:
		return (long)f->pos;
	default:
		return -ENOTTY;
	}
}

#define DEVICE_PART 64UL

/*
 * Copies the input to the program's memory and adds its length to the file's
 * position in one call. A program that took bytes from the registers itself,
 * and was killed before it had stored them, would lose them; here its successor
 * learns from the position what was taken.
 */
static long device_read(struct file *f, vaddr_t to, size_t len, unsigned how)
{
	struct aspace *as = proc_self()->as;
	char bytes[DEVICE_PART];
	size_t n = 0;
	int c, err;
	long room;

	(void)how;
	if (__atomic_load_n(&device.note, __ATOMIC_RELAXED) == NULL)
		return -EBUSY; /* no driver would be told of further input */
	room = user_ready(as, to, min_u64(len, DEVICE_PART), ACCESS_WRITE);
	if (room <= 0)
		return room;
	lock_acquire(&f->lock);
	while (n < (size_t)room && (c = console_getc()) >= 0)
		bytes[n++] = (char)c;
	f->pos += n;
	lock_release(&f->lock);
	err = copyout(as, to, bytes, n);
	assert(err == 0);
	return n > 0 ? (long)n : -EAGAIN;
}

/* Writes bytes to the console, as the kernel writes its own messages. */
static long device_write(struct file *f, vaddr_t from, size_t len, unsigned how)
{
	char bytes[DEVICE_PART];
	size_t n = min_u64(len, DEVICE_PART);
	int err;

	(void)f, (void)how;
	err = copyin(proc_self()->as, bytes, from, n);
	if (err < 0)
		return err;
	console_write(bytes, n);
	return (long)n;
}

const struct file_ops device_ops = {.read = device_read,
    .write = device_write,
    .write_goes_on = true,
    .part = DEVICE_PART};
