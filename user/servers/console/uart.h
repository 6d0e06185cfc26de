/* SPDX-License-Identifier: MIT */
/*
 * uart.h - drives a 16550 serial port by its registers; or, without registers,
 * by the firmware's console. Input is read from the descriptor of the port.
 *
 * Nothing here waits. The speed of the line is the one that the firmware has
 * set.
 */
#ifndef CONSOLE_UART_H
#define CONSOLE_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uart {
	volatile uint8_t *registers; /* NULL: the firmware's */
	int device;
	unsigned shift;  /* registers are 1 << shift bytes apart */
	uint8_t enabled; /* the interrupts that are enabled */
};

/* `device` is the descriptor of the port. No interrupt is enabled at first. */
void uart_init(struct uart *uart, int device, unsigned shift);

/*
 * Enables interrupts: `received` for bytes that have come, `sent` for the
 * moment when bytes can be sent.
 */
void uart_want(struct uart *uart, bool received, bool sent);

/*
 * After an interrupt: reads its cause, which ends the interrupt for bytes that
 * were sent.
 */
void uart_acknowledge(const struct uart *uart);

/* Sends bytes and returns how many: 0 until the bytes before have been sent. */
size_t uart_send(const struct uart *uart, const uint8_t *bytes, size_t len);

#endif
