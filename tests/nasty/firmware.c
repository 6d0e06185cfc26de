/* SPDX-License-Identifier: MIT */
/*
 * firmware.c - the Supervisor Binary Interface, answered by the machine. A call
 * orders no stores: a hart that kicks another one, which shall see a store, has
 * to fence first.
 *
 * Ref: RISC-V Supervisor Binary Interface Specification.
 */
#include "check.h"

enum { A0 = 10, A1, A2, A3, A4, A5, A6, A7 };

enum {
	EXT_PUTCHAR = 1,
	EXT_GETCHAR = 2,
	EXT_BASE = 0x10,
	EXT_TIME = 0x54494d45,
	EXT_IPI = 0x735049,
	EXT_RFENCE = 0x52464e43,
	EXT_HSM = 0x48534d,
	EXT_RESET = 0x53525354,
	EXT_CONSOLE = 0x4442434e,
};

enum {
	SUCCESS = 0,
	ERR_NOT_SUPPORTED = -2,
	ERR_PARAM = -3,
	ERR_ADDRESS = -5,
	ERR_AVAILABLE = -6,
};

#define OF_THE_PLATFORM 0xe0000000 /* kinds of reset and reasons from here up */

struct answer {
	long error;
	long value;
};

static struct answer failed(long error)
{
	return (struct answer){error, 0};
}

static struct answer ok(uint64_t value)
{
	return (struct answer){SUCCESS, (long)value};
}

static bool is_known(uint64_t extension)
{
	static const uint64_t known[] = {EXT_PUTCHAR, EXT_GETCHAR, EXT_BASE,
	    EXT_TIME, EXT_IPI, EXT_RFENCE, EXT_HSM, EXT_RESET, EXT_CONSOLE};

	for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i] == extension)
			return true;
	return false;
}

/* Version 2.0, with the id of no known implementation. */
static struct answer base(const uint64_t *x)
{
	switch (x[A6]) {
	case 0:
		return ok(2 << 24);
	case 1:
		return ok(0x6e61);
	case 3:
		return ok(is_known(x[A0]));
	default:
		return x[A6] <= 6 ? ok(0) : failed(ERR_NOT_SUPPORTED);
	}
}

/* The harts that a mask and its base name; false: one that does not exist. */
static bool harts_of(uint64_t mask, uint64_t from, uint64_t *harts)
{
	uint64_t all = (1UL << machine.hart_count) - 1;

	*harts = all;
	if (from == ~0UL)
		return true;
	if (from >= 64 || (mask << from >> from) != mask)
		return false;
	*harts = mask << from;
	return (*harts & ~all) == 0;
}

/* A kick arrives after a random delay, short or long. */
static uint64_t kick_delay(void)
{
	static const uint64_t most[] = {1, 50, 1000, 30000};

	if (machine.config.kind)
		return 0;
	return random_below(most[random_below(4)]);
}

static struct answer kick(const uint64_t *x)
{
	uint64_t harts;

	if (x[A6] != 0)
		return failed(ERR_NOT_SUPPORTED);
	if (!harts_of(x[A0], x[A1], &harts))
		return failed(ERR_PARAM);
	for (unsigned i = 0; i < machine.hart_count; i++) {
		struct core *c = &machine.cores[i];
		uint64_t at = machine_steps() + kick_delay();

		if ((harts >> i & 1) && at < c->kick_seen_at)
			c->kick_seen_at = at;
	}
	return ok(0);
}

/* The pages that have a byte of the range, which may be the last ones. */
static void fence_range(struct core *c, uint64_t start, uint64_t size,
    const uint64_t *asid)
{
	uint64_t page = start >> PAGE_SHIFT, last;

	if (size > 64 * PAGE_SIZE || (start | size) == 0) {
		hart_fence_vma(&c->hart, NULL, asid);
		return;
	}
	if (size == 0)
		return;
	last =
	    (start + size - 1 < start ? ~0UL : start + size - 1) >> PAGE_SHIFT;
	for (; page <= last; page++) {
		uint64_t va = page << PAGE_SHIFT;

		hart_fence_vma(&c->hart, &va, asid);
	}
}

static struct answer remote_fence(const uint64_t *x)
{
	uint64_t harts;

	if (x[A6] > 2)
		return failed(ERR_NOT_SUPPORTED);
	if (!harts_of(x[A0], x[A1], &harts))
		return failed(ERR_PARAM);
	for (unsigned i = 0; i < machine.hart_count; i++) {
		struct core *c = &machine.cores[i];

		if (!(harts >> i & 1))
			continue;
		if (x[A6] == 0)
			hart_fence_code(&c->hart);
		else
			fence_range(c, x[A2], x[A3],
			    x[A6] == 2 ? &x[A4] : NULL);
	}
	return ok(0);
}

static struct answer hart_start(const uint64_t *x)
{
	struct core *c;

	if (x[A0] >= machine.hart_count)
		return failed(ERR_PARAM);
	c = &machine.cores[x[A0]];
	if (c->started)
		return failed(ERR_AVAILABLE);
	if (!is_ram(x[A1], 4))
		return failed(ERR_ADDRESS);
	hart_reset(&c->hart, x[A1]);
	c->hart.x[A0] = x[A0];
	c->hart.x[A1] = x[A2];
	c->started = true;
	return ok(0);
}

static struct answer hart_state(struct core *c, const uint64_t *x)
{
	switch (x[A6]) {
	case 0:
		return hart_start(x);
	case 1:
		late_drain(c);
		c->started = false;
		sched_end_turn(c);
		return ok(0);
	case 2:
		if (x[A0] >= machine.hart_count)
			return failed(ERR_PARAM);
		return ok(!machine.cores[x[A0]].started);
	default:
		return failed(ERR_NOT_SUPPORTED);
	}
}

static struct answer set_timer(struct core *c, const uint64_t *x)
{
	if (x[A6] != 0)
		return failed(ERR_NOT_SUPPORTED);
	c->deadline = x[A0];
	c->timer_seen_at = 0;
	return ok(0);
}

/*
 * The reason does not change the status: as on QEMU, only the test device ends
 * the machine with a failure.
 */
static struct answer reset(const uint64_t *x)
{
	if (x[A6] != 0 || (uint32_t)x[A0] >= OF_THE_PLATFORM ||
	    (uint32_t)x[A1] >= OF_THE_PLATFORM)
		return failed(ERR_NOT_SUPPORTED);
	if ((uint32_t)x[A0] > 2 || (uint32_t)x[A1] > 1)
		return failed(ERR_PARAM);
	machine_exit(0);
	return ok(0);
}

/* The firmware reads and writes memory as the hart that it runs on. */
static struct answer console(struct core *c, const uint64_t *x)
{
	uint64_t n;

	if (x[A6] == 2) {
		console_put((uint8_t)x[A0]);
		return ok(0);
	}
	if (x[A6] > 2 || x[A2] != 0 || !is_ram(x[A1], x[A0]))
		return failed(x[A6] > 2 ? ERR_NOT_SUPPORTED : ERR_PARAM);
	late_drain(c);
	for (n = 0; n < x[A0]; n++) {
		uint8_t *at = (uint8_t *)ram_at(x[A1]) + n;
		int byte = x[A6] == 0 ? *at : typing_get();

		if (byte < 0)
			break;
		if (x[A6] == 0)
			console_put((uint8_t)byte);
		else
			*at = (uint8_t)byte;
	}
	return ok(n);
}

static struct answer call(struct core *c, const uint64_t *x)
{
	switch (x[A7]) {
	case EXT_BASE:
		return base(x);
	case EXT_TIME:
		return set_timer(c, x);
	case EXT_IPI:
		return kick(x);
	case EXT_RFENCE:
		return remote_fence(x);
	case EXT_HSM:
		return hart_state(c, x);
	case EXT_RESET:
		return reset(x);
	case EXT_CONSOLE:
		return console(c, x);
	default:
		return failed(ERR_NOT_SUPPORTED);
	}
}

/* The old calls return one word, and leave a1 as it is. */
void hart_call_firmware(struct hart *h)
{
	struct core *c = core_of(h);
	struct answer answer;

	if (h->x[A7] == EXT_PUTCHAR) {
		console_put((uint8_t)h->x[A0]);
		h->x[A0] = 0;
	} else if (h->x[A7] == EXT_GETCHAR) {
		h->x[A0] = (uint64_t)typing_get();
	} else {
		answer = call(c, h->x);
		h->x[A0] = (uint64_t)answer.error;
		h->x[A1] = (uint64_t)answer.value;
	}
}
