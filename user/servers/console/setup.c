/* SPDX-License-Identifier: MIT */
/*
 * setup.c - making a console server, before it serves.
 */
#include "setup.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

bool console_make(struct console *c, int device)
{
	struct device_port wish = {.token = TOKEN_SERIAL};

	line_init(&c->terminal.line);
	c->terminal.window = (struct winsize_abi){.rows = 24, .columns = 80};
	c->lasting = mmap(NULL, sizeof *c->lasting, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->lasting == MAP_FAILED)
		return false;
	c->port = port_create(0);
	wish.port = c->port;
	if (c->port < 0 || ioctl(device, DEVICE_PORT, &wish) < 0)
		return false;
	c->device = device;
	c->shift = wish.shift;
	return true;
}

int console_open(struct console *c)
{
	return port_open(c->port, TOKEN_TERMINAL, O_RDWR, READABLE, WRITABLE);
}
