/* SPDX-License-Identifier: MIT */
/*
 * board.h - instructions and constants that board.c uses, and what
 * board_start.S defines.
 */
#ifndef NASTY_BOARD_H
#define NASTY_BOARD_H

#include <stdint.h>

#define PAGE     __attribute__((aligned(4096)))
#define TEST     ((volatile uint32_t *)0x100000)
#define UART     ((volatile uint8_t *)0x10000000)
#define PLIC(at) (*(volatile uint32_t *)(0xc000000UL + (at)))
#define UART_IRQ 10

#define READ(csr)                                              \
	({                                                     \
		uint64_t value_;                               \
		asm volatile("csrr %0, " #csr : "=r"(value_)); \
		value_;                                        \
	})
#define WRITE(csr, to) \
	asm volatile("csrw " #csr ", %0" ::"r"((uint64_t)(to)) : "memory")
#define SET(csr, to) \
	asm volatile("csrs " #csr ", %0" ::"r"((uint64_t)(to)) : "memory")
#define CLEAR(csr, to) \
	asm volatile("csrc " #csr ", %0" ::"r"((uint64_t)(to)) : "memory")
#define FENCE()     asm volatile("fence rw, rw" ::: "memory")
#define FENCE_VMA() asm volatile("sfence.vma" ::: "memory")

#define SIE      2UL
#define SPP      0x100UL
#define SOFTWARE 2UL
#define TIMER    0x20UL

#define RAM   0x80000000UL
#define VA    0x2000001000UL
#define LEAF  0xc7UL /* V R W A D */
#define GIGA  0xcfUL /* and X */
#define ROOT  (VA >> 30 & 511)
#define UPPER (VA >> 21 & 511)
#define LOWER (VA >> 12 & 511)

/* A call of the firmware. */
struct answer {
	long error, value;
};

static inline struct answer firmware(uint64_t extension, uint64_t function,
    uint64_t first, uint64_t second, uint64_t third, uint64_t fourth)
{
	register uint64_t a0 asm("a0") = first, a1 asm("a1") = second;
	register uint64_t a2 asm("a2") = third, a3 asm("a3") = fourth;
	register uint64_t a6 asm("a6") = function, a7 asm("a7") = extension;

	asm volatile("ecall"
		     : "+r"(a0), "+r"(a1)
		     : "r"(a2), "r"(a3), "r"(a6), "r"(a7)
		     : "memory");
	return (struct answer){(long)a0, (long)a1};
}

void start_other(void);
void other(uint64_t state);
void main(uint64_t hart, const uint8_t *fdt);
uint64_t user_run(const void *entry, uint64_t argument);
uint64_t loads(uint64_t va);
extern const char count_up[], touch[], nothing[];

#endif
