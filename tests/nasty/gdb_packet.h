/* SPDX-License-Identifier: MIT */
/*
 * gdb_packet.h - what goes between the debugger and the machine.
 */
#ifndef NASTY_GDB_PACKET_H
#define NASTY_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GDB_PACKET 16384

/* The last packet that came, without what is around it. */
extern char gdb_packet[GDB_PACKET];

/* Waits for the debugger at a port of this machine, or takes "stdio". */
void gdb_connect(const char *where);

void gdb_receive(void);
void gdb_reply(const char *text);

/* Did the debugger say that the machine shall stop? */
bool gdb_interrupted(void);

void gdb_put_hex(char *to, const void *bytes, size_t len);
uint64_t gdb_get_hex_word(const char *text);

#endif
