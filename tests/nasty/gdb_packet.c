/* SPDX-License-Identifier: MIT */
/*
 * gdb_packet.c - packets of gdb's remote serial protocol.
 */
#include "gdb_packet.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "report.h"
#include "snapshot.h"

char gdb_packet[GDB_PACKET];
static int in, out;
static uint8_t input[4096];
static ssize_t input_size, input_at;

/* False: there is no more. */
static bool fill(void)
{
	input_size = read(in, input, sizeof input);
	input_at = 0;
	if (input_size < 0)
		input_size = 0;
	return input_size > 0;
}

static int get_byte(void)
{
	if (input_at == input_size) {
		snapshot_wait(in);
		if (!fill())
			snapshot_end(0);
	}
	return input[input_at++];
}

/* The connection is reliable, so checksums are not looked at. */
void gdb_receive(void)
{
	size_t len = 0;
	int c;

	while (get_byte() != '$')
		;
	while ((c = get_byte()) != '#')
		if (len < GDB_PACKET - 1)
			gdb_packet[len++] = (char)c;
	gdb_packet[len] = '\0';
	(void)get_byte();
	(void)get_byte();
	(void)!write(out, "+", 1);
}

void gdb_reply(const char *text)
{
	static char buffer[GDB_PACKET + 8];
	unsigned sum = 0;
	int len;

	for (const char *p = text; *p != '\0'; p++)
		sum += (unsigned char)*p;
	len = snprintf(buffer, sizeof buffer, "$%s#%02x", text, sum & 0xff);
	if (write(out, buffer, (size_t)len) != len)
		snapshot_end(0); /* the debugger has gone */
}

void gdb_put_hex(char *to, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sprintf(to + 2 * i, "%02x", ((const uint8_t *)bytes)[i]);
}

uint64_t gdb_get_hex_word(const char *text)
{
	uint64_t value = 0;
	unsigned byte;

	for (unsigned i = 0; i < 8 && sscanf(text + 2 * i, "%2x", &byte) == 1;
	     i++)
		value |= (uint64_t)byte << (8 * i);
	return value;
}

/*
 * A debugger that has closed its input may still read output, but not on a
 * socket.
 */
bool gdb_interrupted(void)
{
	struct pollfd fds[] = {{.fd = in, .events = POLLIN}, {.fd = out}};

	(void)poll(fds, 2, 0);
	if (fds[1].revents & (POLLERR | POLLHUP))
		snapshot_end(0);
	if (input_at == input_size && fds[0].revents != 0 && !fill() &&
	    in == out)
		snapshot_end(0);
	if (input_at == input_size || input[input_at] != 3)
		return false;
	input_at++;
	return true;
}

void gdb_connect(const char *where)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char *end;
	long port = strtol(where, &end, 10);
	int yes = 1, server = socket(AF_INET, SOCK_STREAM, 0);

	(void)signal(SIGPIPE, SIG_IGN);
	if (strcmp(where, "stdio") == 0) {
		out = 1;
		return;
	}
	if (port < 1 || port > 65535 || *end != '\0')
		report_usage("-gdb: expected a port or stdio, found `%s'",
		    where);
	address.sin_port = htons((uint16_t)port);
	(void)setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(server, (struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(server, 1) != 0)
		report_usage("-gdb: port %ld cannot be used", port);
	fprintf(stderr, "# nasty: waiting for gdb: target remote :%ld\n", port);
	in = out = accept(server, NULL, NULL);
	(void)close(server);
}
