/* SPDX-License-Identifier: MIT */
/*
 * console.c - the serial port: an ns16550a where the device tree names one,
 * the firmware's console before that is known and on machines without.
 *
 * Input interrupts the boot hart where there is a PLIC. Elsewhere, and through
 * the firmware, it has to be asked for.
 */
#include "arch/console.h"
#include "arch/hart.h"
#include "arch/lock.h"
#include "arch/machine.h"
#include "arch/plic.h"
#include "lib/print.h"
#include "sbi.h"

enum {
	UART_DATA = 0,
	UART_IER = 1,
	UART_IIR = 2, /* read */
	UART_FCR = 2, /* written */
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
};
#define IER_RECEIVED   0x01
#define IIR_FIFOS      0xc0
#define FCR_FIFOS      0x01
#define LCR_LATCH      0x80 /* the divisor is in the place of two registers */
#define LSR_DATA_READY 0x01
#define LSR_THR_EMPTY  0x20

static struct lock console_lock;
static volatile uint8_t *uart;              /* NULL: use the firmware */
static uint8_t line_control, modem_control; /* [c] as the firmware set them */
bool console_is_polled = true;

static uint8_t uart_read(unsigned reg)
{
	return uart[reg << machine.uart_shift];
}

static void uart_write(unsigned reg, uint8_t value)
{
	uart[reg << machine.uart_shift] = value;
}

/*
 * What was typed since the firmware set the port up stays in its FIFO: to
 * enable one that is enabled already clears nothing. What the port held before
 * that is lost, as OpenSBI enables the FIFO.
 */
void console_init(void)
{
	if (machine.uart == 0)
		return;
	uart = phys_to_virt(machine.uart);
	if ((uart_read(UART_IIR) & IIR_FIFOS) != IIR_FIFOS)
		uart_write(UART_FCR, FCR_FIFOS);
	line_control = uart_read(UART_LCR) & ~LCR_LATCH;
	modem_control = uart_read(UART_MCR);
	console_is_polled = !plic_init();
	console_take_back();
}

void console_take_back(void)
{
	if (uart == NULL)
		return;
	uart_write(UART_LCR, line_control);
	uart_write(UART_MCR, modem_control);
	uart_write(UART_IER, console_is_polled ? 0 : IER_RECEIVED);
}

static void put(char c)
{
	if (uart == NULL) {
		(void)sbi_call(SBI_LEGACY_PUTCHAR, 0, (uint8_t)c, 0, 0);
		return;
	}
	while (!(uart_read(UART_LSR) & LSR_THR_EMPTY))
		;
	uart_write(UART_DATA, (uint8_t)c);
}

int console_getc(void)
{
	if (uart == NULL)
		return (int)sbi_call(SBI_LEGACY_GETCHAR, 0, 0, 0, 0).error;
	if (!(uart_read(UART_LSR) & LSR_DATA_READY))
		return -1;
	return uart_read(UART_DATA);
}

void console_write(const char *buf, size_t len)
{
	lock_acquire(&console_lock);
	for (size_t i = 0; i < len; i++)
		put(buf[i]);
	lock_release(&console_lock);
}

void kvprintf_unlocked(const char *fmt, va_list args)
{
	char line[200];

	(void)str_vformat(line, sizeof line, fmt, args);
	for (const char *c = line; *c != '\0'; c++)
		put(*c);
}

void kprintf(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	lock_acquire(&console_lock);
	kvprintf_unlocked(fmt, args);
	lock_release(&console_lock);
	va_end(args);
}
