/* SPDX-License-Identifier: MIT */
/*
 * plic.c - the one interrupt of a device that the kernel takes: the UART's, by
 * the boot hart.
 *
 * Between claim and completion it does not come again, whatever the device
 * does meanwhile.
 *
 * Ref: RISC-V Platform-Level Interrupt Controller Specification.
 */
#include "arch/plic.h"

#include "arch/layout.h"
#include "arch/machine.h"
#include "csr.h"

#define ENABLE_WORDS 32

static volatile uint32_t *context; /* [c] its threshold, and the claim */

bool plic_init(void)
{
	volatile uint32_t *enable = phys_to_virt(machine.plic_enable);
	uint32_t word = machine.uart_source / 32;

	if (machine.plic_priority == 0)
		return false;
	context = phys_to_virt(machine.plic_context);
	for (uint32_t i = 0; i < ENABLE_WORDS; i++)
		enable[i] = i == word ? 1U << machine.uart_source % 32 : 0;
	*(volatile uint32_t *)phys_to_virt(machine.plic_priority) = 1;
	context[0] = 0;
	csr_set(sie, SIE_EXTERNAL);
	return true;
}

uint32_t plic_claim(void)
{
	return csr_read(sip) & csr_read(sie) & SIE_EXTERNAL ? context[1] : 0;
}

void plic_complete(uint32_t source)
{
	context[1] = source;
}
