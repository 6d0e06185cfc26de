/* SPDX-License-Identifier: MIT */
/*
 * machine.h - what the device tree says about the machine.
 *
 * Read once at boot, constant afterwards. Addresses are physical. All memory
 * is where the direct map reaches, and the archive and the tree lie in it.
 */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include "arch/layout.h"
#include "lib/types.h"

struct region {
	paddr_t start;
	paddr_t end;
};

#define MAX_REGIONS 16

struct machine {
	struct region ram[MAX_REGIONS]; /* ascending, apart from each other */
	unsigned ram_count;
	uint64_t ram_beyond; /* bytes where the direct map does not reach */
	struct region reserved[MAX_REGIONS]; /* firmware, device tree, ... */
	unsigned reserved_count;
	uint64_t hartids[MAX_HARTS];
	unsigned hart_count;
	unsigned harts_ignored; /* more than MAX_HARTS */
	uint64_t timebase_hz;
	struct region initrd; /* empty: none */
	const char *bootargs; /* "" if none */
	paddr_t uart;         /* ns16550a; 0: none */
	unsigned uart_shift;
	uint32_t uart_controller; /* phandle of what it interrupts; 0: nobody */
	uint32_t uart_source;     /* and as which number */
	/*
	 * Registers of the PLIC through which the UART interrupts the boot
	 * hart; 0: it does not.
	 */
	paddr_t plic_priority; /* of its interrupt */
	paddr_t plic_enable;   /* a bit each */
	paddr_t plic_context;  /* threshold, and what is claimed */
	paddr_t test_device;   /* sifive,test; 0: none */
	paddr_t rtc;           /* goldfish-rtc; 0: none */
	bool has_sstc;
	const uint8_t *rng_seed;
	uint32_t rng_seed_len;
};

extern struct machine machine;

/*
 * Fills `machine` from the tree at `fdt`. Panics, with the name of the node,
 * where the tree is broken or contradicts itself, or where `loaded`, which is
 * the kernel's image, is not in memory.
 */
void machine_init(paddr_t fdt, struct region loaded);

/* Puts the hart that runs first in the list, wherever it was. */
void machine_set_boot_hart(uint64_t hartid);

/*
 * Finds out how the UART interrupts the first of the harts, if it does. Panics
 * as machine_init().
 */
void machine_find_interrupt(void);

#ifdef CALF_TEST
/* The first word of the boot arguments at or after `at`, or NULL. */
const char *bootarg_next(const char *at, size_t *len);

/* Is it in the boot arguments up to "--", as `word` or `word=...`? */
bool bootarg_find(const char *word, const char **value, size_t *len);
#endif

#endif
