/* SPDX-License-Identifier: MIT */
/*
 * hooks.c - instructions before which the machine stops: the debugger's
 * breakpoints.
 *
 * hart_is_hooked() is called when an instruction is decoded, so that
 * instructions without a hook cost nothing.
 */
#include "machine.h"
#include "report.h"

#define HOOKS 64

static struct hook {
	uint64_t va;
	hook_fn *fn;
} hooks[HOOKS];
static unsigned hook_count;

/* The instruction that the machine was held at goes on when it is met again. */
static uint64_t passed_step = NEVER;

static void decode_anew(void)
{
	for (unsigned i = 0; i < machine.hart_count; i++)
		icache_decode_anew(&machine.cores[i]);
}

void hook_add(uint64_t va, hook_fn *fn)
{
	if (hook_count == HOOKS)
		return;
	hooks[hook_count++] = (struct hook){va, fn};
	decode_anew();
}

void hook_remove(uint64_t va, hook_fn *fn)
{
	for (unsigned i = 0; i < hook_count; i++)
		if (hooks[i].va == va && hooks[i].fn == fn) {
			hooks[i] = hooks[--hook_count];
			break;
		}
	decode_anew();
}

bool hart_is_hooked(struct hart *h, uint64_t va)
{
	(void)h;
	for (unsigned i = 0; i < hook_count; i++)
		if (hooks[i].va == va)
			return true;
	return false;
}

bool hart_hook(struct hart *h)
{
	if (machine_steps() == passed_step)
		return true;
	for (unsigned i = 0; i < hook_count; i++)
		if (hooks[i].va == h->pc && hooks[i].fn(core_of(h))) {
			passed_step = machine_steps();
			machine.held = true;
			return false;
		}
	return true;
}
