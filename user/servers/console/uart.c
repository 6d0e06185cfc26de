/* SPDX-License-Identifier: MIT */
/*
 * uart.c - the registers of a 16550.
 */
#include "uart.h"

#include <sys/mman.h>
#include <unistd.h>

enum {
	DATA = 0,
	INTERRUPTS = 1,
	CAUSE = 2, /* read */
	FIFOS = 2, /* written */
	STATUS = 5,
};
#define RECEIVED    0x01 /* bits of INTERRUPTS */
#define SENT        0x02
#define FIFOS_ON    0x01 /* clears them if they were off */
#define STATUS_SENT 0x20 /* all bytes have been sent */

#define FIFO_SIZE 16

static uint8_t get(const struct uart *uart, unsigned reg)
{
	return uart->registers[reg << uart->shift];
}

static void set(const struct uart *uart, unsigned reg, uint8_t value)
{
	uart->registers[reg << uart->shift] = value;
}

void uart_init(struct uart *uart, int device, unsigned shift)
{
	void *page =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);

	*uart = (struct uart){.device = device, .shift = shift};
	if (page == MAP_FAILED)
		return;
	uart->registers = page;
	set(uart, INTERRUPTS, 0);
	set(uart, FIFOS, FIFOS_ON);
}

void uart_want(struct uart *uart, bool received, bool sent)
{
	uint8_t wanted = (received ? RECEIVED : 0) | (sent ? SENT : 0);

	if (wanted == uart->enabled || uart->registers == NULL)
		return;
	uart->enabled = wanted;
	set(uart, INTERRUPTS, wanted);
}

void uart_acknowledge(const struct uart *uart)
{
	if (uart->registers != NULL)
		(void)get(uart, CAUSE);
}

static size_t write_some(const struct uart *uart, const uint8_t *bytes,
    size_t len)
{
	ssize_t n = write(uart->device, bytes, len);

	return n > 0 ? (size_t)n : 0;
}

size_t uart_send(const struct uart *uart, const uint8_t *bytes, size_t len)
{
	if (uart->registers == NULL)
		return write_some(uart, bytes, len);
	if (!(get(uart, STATUS) & STATUS_SENT))
		return 0;
	if (len > FIFO_SIZE)
		len = FIFO_SIZE;
	for (size_t i = 0; i < len; i++)
		set(uart, DATA, bytes[i]);
	return len;
}
