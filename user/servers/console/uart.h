/* SPDX-License-Identifier: MIT */
/*
 * uart.h - a 16550 serial port, as a program drives it that has its registers;
 * or the firmware's console. What has come is read from the descriptor.
 *
 * Nothing here waits. How fast the line is the firmware has set.
 */
#ifndef CONSOLE_UART_H
#define CONSOLE_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uart {
	volatile uint8_t *registers; /* NULL: the firmware's */
	int device;
	unsigned shift;  /* they are 1 << shift bytes apart */
	uint8_t enabled; /* interrupts */
};

/* The port that this is the descriptor of; it does not interrupt. */
void uart_init(struct uart *uart, int device, unsigned shift);

/* Which of the two interrupts are wanted: bytes have come, can be sent. */
void uart_want(struct uart *uart, bool received, bool sent);

/* An interrupt has come: that of what was sent is over by being looked at. */
void uart_acknowledge(const struct uart *uart);

/* Sends bytes, and returns how many: 0 until those before are on the line. */
size_t uart_send(const struct uart *uart, const uint8_t *bytes, size_t len);

#endif
