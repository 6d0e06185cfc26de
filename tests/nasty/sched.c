/* SPDX-License-Identifier: MIT */
/*
 * sched.c - which hart runs and for how long, when interrupts are seen, and
 * what else happens between two instructions.
 *
 * A turn is a number of instructions of one hart. Everything that may happen
 * at any time happens between turns, so a turn may be one instruction.
 */
#include "check.h"
#include "kill.h"
#include "report.h"
#include "stay.h"

#define MODE_STEPS  (1UL << 19)
#define STALL_STEPS 1000000
#define KIND_TURN   10000

static enum sched_mode mode = SCHED_FAIR;
static uint64_t mode_until;
static bool turn_is_over;

void sched_end_turn(struct core *c)
{
	turn_is_over = true;
	hart_stop(&c->hart);
}

/* --- interrupts ----------------------------------------------------------- */

uint64_t hart_time(struct hart *h)
{
	(void)h;
	return machine_now();
}

static uint64_t deadline_of(const struct core *c)
{
	return c->hart.has_sstc && c->hart.stimecmp < c->deadline
	    ? c->hart.stimecmp
	    : c->deadline;
}

void hart_stimecmp_written(struct hart *h)
{
	core_of(h)->timer_seen_at = 0;
	hart_interrupts_changed(h);
}

/* An interrupt that is due is seen some time later. */
static bool timer_is_seen(struct core *c)
{
	if (machine_now() < deadline_of(c))
		return false;
	if (c->timer_seen_at == 0)
		c->timer_seen_at = machine_steps() +
		    (machine.config.kind ? 0 : random_below(300));
	return machine_steps() >= c->timer_seen_at;
}

uint64_t hart_pending(struct hart *h)
{
	struct core *c = core_of(h);

	if (machine_steps() >= c->kick_seen_at) {
		c->kick_seen_at = NEVER;
		h->sip |= 1UL << IRQ_SOFTWARE;
	}
	return h->sip | (timer_is_seen(c) ? 1UL << IRQ_TIMER : 0) |
	    (device_interrupts(h->index) ? 1UL << IRQ_EXTERNAL : 0);
}

/* The interrupts that are pending and allowed. */
static uint64_t interrupts_due(struct hart *h)
{
	if (h->sie == 0 || (h->priv == PRIV_S && !(h->sstatus & SSTATUS_SIE)))
		return 0;
	return hart_pending(h) & h->sie;
}

/*
 * An interrupt is taken before the next instruction, which is in another turn.
 */
void hart_interrupts_changed(struct hart *h)
{
	if (interrupts_due(h) != 0)
		sched_end_turn(core_of(h));
}

/* In the order of the manual: external, software, timer. */
static void take_interrupt(struct core *c)
{
	static const unsigned order[] = {IRQ_EXTERNAL, IRQ_SOFTWARE, IRQ_TIMER};
	struct hart *h = &c->hart;
	uint64_t pending = interrupts_due(h);

	for (unsigned i = 0; i < 3; i++)
		if (pending >> order[i] & 1) {
			hart_trap(h, CAUSE_IRQ | order[i], 0);
			return;
		}
}

void hart_wait(struct hart *h)
{
	core_of(h)->waiting = true;
	sched_end_turn(core_of(h));
}

/* Moves the clock to the deadline of a hart in user mode. */
static void fire_timer(struct core *c)
{
	uint64_t now = machine_now(), at = deadline_of(c);

	if (c->hart.priv != PRIV_U || at == NEVER || at <= now ||
	    at - now > TIMEBASE_HZ / 50)
		return;
	machine.skipped += at - now;
	c->timer_seen_at = machine_steps();
}

/* --- whose turn it is ----------------------------------------------------- */

static bool can_run(struct core *c)
{
	if (!c->started)
		return false;
	if (!c->waiting)
		return true;
	late_drain_some(c); /* its stores become visible while it sleeps */
	if ((hart_pending(&c->hart) & c->hart.sie) != 0 ||
	    (!machine.config.kind && chance(5000)))
		c->waiting = false;
	return !c->waiting;
}

/*
 * All harts sleep: moves the clock to the first deadline. False: there is none.
 */
static bool skip_time(void)
{
	uint64_t first = NEVER, now = machine_now();

	for (unsigned i = 0; i < machine.hart_count; i++) {
		struct core *c = &machine.cores[i];
		uint64_t at = deadline_of(c);

		if (!c->started)
			continue;
		if (c->kick_seen_at != NEVER) {
			c->kick_seen_at = machine_steps();
			return true;
		}
		if ((c->hart.sie >> IRQ_TIMER & 1) && at < first)
			first = at;
	}
	/* A typist is quicker than the time limits of tests. */
	if ((machine.config.typist || first == NEVER || chance(2)) &&
	    typing_hurry())
		return true;
	if (first == NEVER)
		return false;
	if (first > now)
		machine.skipped += first - now;
	for (unsigned i = 0; i < machine.hart_count; i++)
		if (deadline_of(&machine.cores[i]) <= first)
			machine.cores[i].timer_seen_at = machine_steps();
	return true;
}

/* A hart that can run, and that is not stalled if another one can. */
static struct core *pick(void)
{
	static unsigned last;
	unsigned n = machine.hart_count, from = (unsigned)random_below(n);
	struct core *stalled = NULL;

	if (machine.config.kind || mode == SCHED_FAIR)
		from = last + 1;
	for (unsigned i = 0; i < n; i++) {
		unsigned at = from + i;
		struct core *c = &machine.cores[at < n ? at : at - n];

		if (!can_run(c))
			continue;
		if (c->stalled_until <= machine_steps()) {
			last = c->hart.index;
			return c;
		}
		stalled = c;
	}
	return stalled;
}

static uint64_t turn_length(void)
{
	if (machine.config.kind)
		return KIND_TURN;
	switch (mode) {
	case SCHED_BOUNDED:
		return 1 + random_below(chance(4) ? 2000 : 60000);
	case SCHED_UNFAIR:
	case SCHED_SHARED:
		return 1 + random_below(1000);
	default:
		return 1 + random_below(chance(4) ? 8 : 400);
	}
}

static void choose_mode(void)
{
	if (machine.config.sched_mode >= 0)
		mode = (enum sched_mode)machine.config.sched_mode;
	else if (machine_steps() >= mode_until)
		mode = (enum sched_mode)random_below(SCHED_MODES);
	else
		return;
	mode_until = machine_steps() + MODE_STEPS;
	for (unsigned i = 0; i < machine.hart_count; i++)
		hart_forget(&machine.cores[i].hart);
}

/* --- what happens between turns ------------------------------------------- */

static void stall(struct core *c)
{
	c->stalled_until = machine_steps() + random_below(STALL_STEPS);
	sched_end_turn(c);
}

void sched_point(struct core *c)
{
	if (machine.config.kind)
		return;
	if (mode == SCHED_SHARED && chance(6))
		sched_end_turn(c);
	else if (mode == SCHED_UNFAIR && chance(3000))
		stall(c);
}

bool sched_wants_stores(uint64_t pa)
{
	return mode == SCHED_SHARED && check_is_shared_data(pa);
}

void hart_priv_changed(struct hart *h)
{
	struct core *c = core_of(h);

	if (h->priv == PRIV_S) {
		check_entry(c);
		kill_from_user(c);
		return;
	}
	check_return(c);
	kill_to_user(c);
	if (machine.config.kind)
		return;
	/* Each return chooses anew which translations are used. */
	hart_forget_priv(h, PRIV_U);
	if (chance(8))
		sched_end_turn(c);
}

/* What the specification allows at any time, without an instruction. */
static void disturb(struct core *c)
{
	uint64_t r = random_next();

	if ((r & 7) == 0)
		tlb_speculate(c);
	if ((r >> 8 & 15) == 0)
		hart_forget(&c->hart);
	if ((r >> 16 & 63) == 0)
		icache_prefetch(c, c->stored_page + (r >> 24 & 1));
	if ((r >> 32 & 31) == 0)
		reservation_drop(c);
	if (machine.config.late_stores) {
		bool late = (r >> 40 & 3) == 0;

		if (late && !c->storing_late)
			hart_forget(&c->hart);
		c->storing_late = late;
		late_drain_some(c);
	}
	if (machine.config.storm != 0 && c->hart.priv == PRIV_U &&
	    chance(machine.config.storm))
		fire_timer(c);
}

/* The rest of a turn that machine_run() did not finish. */
static struct core *cut;
static uint64_t cut_left;

static void begin_turn(struct core *c)
{
	cut = c;
	cut_left = turn_length();
	stay_check(c);
	if (!machine.config.kind)
		disturb(c);
	take_interrupt(c);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Until the turn ends or `most` instructions are done. */
static void go_on(struct core *c, uint64_t most)
{
	uint64_t n = least(least(most, cut_left), kill_if_due(c)), done;

	machine.running = c;
	turn_is_over = false;
	hart_run(&c->hart, n);
	done = c->hart.executed - c->counted;
	machine.steps += done;
	c->counted = c->hart.executed;
	machine.running = NULL;
	kill_count(c);
	cut_left -= done;
	if (turn_is_over || cut_left == 0)
		cut = NULL;
}

/* The hart that goes on, or begins a turn; NULL: none can. */
static struct core *next_core(void)
{
	struct core *c = cut;

	if (c != NULL)
		return c;
	choose_mode();
	c = pick();
	if (c != NULL)
		begin_turn(c);
	return c;
}

struct core *sched_next(void)
{
	struct core *c = NULL;

	while (!machine.over && (c = next_core()) == NULL)
		if (!skip_time())
			report_failure(&machine.cores[0],
			    "asleep: expected a hart that can run, or a timer "
			    "that is set");
	return machine.over ? NULL : c;
}

void machine_run(uint64_t until)
{
	machine.held = false;
	while (!machine.held && machine_steps() < until) {
		struct core *c = sched_next();

		if (c == NULL || machine.held)
			return;
		go_on(c, until - machine_steps());
	}
}
