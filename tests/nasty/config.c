/* SPDX-License-Identifier: MIT */
/*
 * config.c - the command line, and the seed's choice of all values that it does
 * not give.
 *
 * The words of QEMU that the other boots use mean the same here: -kernel,
 * -initrd, -append, -smp, -m. Every other word is KEY=VALUE.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kill.h"
#include "machine.h"
#include "report.h"

#define UNSET ~0UL

/*
 * Values that the seed chooses unless the command line gives them: from, and
 * below.
 */
static const struct choice {
	const char *name;
	uint64_t most;
	const char *help;
} choices[] = {
    {"asids", 16, "width of an ASID in bits"},
    {"stick", 8, "of 8 times, how often a kept translation is used"},
    {"invalid", 1, "keep invalid entries"},
    {"icache", 1, "instruction bytes are kept until fence.i"},
    {"svade", 1, "A and D by fault, not by the hardware"},
    {"misaligned", 3, "0 trapped, 1 done, 2 by firmware, 3 by hart 0 only"},
    {"sstc", 1, "with stimecmp"},
    {"stval", 1, "an illegal instruction is found in stval"},
    {"late", 1, "stores are seen late"},
    {"rate", 1000, "instructions of a hart in a tick of 100 ns"},
    {"mode", 4, "turns: 0 fair, 1 unfair, 2 shared, 3 bounded, 4 all"},
    {"storm", 1000000, "in 1 of so many turns the timer fires; 0: never"},
};

enum {
	ASIDS_,
	STICK,
	INVALID,
	ICACHE,
	SVADE,
	MISALIGNED,
	SSTC,
	STVAL,
	LATE,
	RATE,
	MODE,
	STORM,
	CHOICES
};

/* Values that only the command line gives. */
static const struct choice numbers[] = {
    {"seed", UINT64_MAX, "everything else follows from it"},
    {"kind", 1, "no adversary at all"},
    {"boot", 15, "the hart that begins"},
    {"limit", UINT64_MAX, "instructions in one entry to the kernel"},
    {"until", UINT64_MAX, "stop at this step"},
    {"trace", UINT64_MAX, "from this step on, print every instruction"},
    {"watch", UINT64_MAX, "print stores to this physical address"},
    {"quiet", 1, "say nothing but what the kernel says"},
    {"hold", 1, "with -gdb: at the end, stay, so that one can go back"},
    {"at", UINT64_MAX, "kill before this instruction"},
    {"again", UINT64_MAX, "and again, this many instructions later"},
    {"every", UINT64_MAX, "a copy that is killed, for each so many"},
    {"to", UINT64_MAX, "up to this one"},
    {"within", UINT64_MAX, "steps that a copy may take"},
    {"death", DEATHS - 1, "0 SIGKILL, 1 illegal, 2 failed access"},
    {"keeper", 1, "kill the parent, by SIGKILL"},
    {"typist", 1, "type what a line `# type TEXT' asks for"},
};

enum {
	SEED,
	KIND,
	BOOT,
	LIMIT,
	UNTIL,
	TRACE,
	WATCH,
	QUIET,
	HOLD,
	AT,
	AGAIN,
	EVERY,
	TO,
	WITHIN,
	DEATH,
	KEEPER,
	TYPIST,
	NUMBERS
};

static uint64_t chosen[CHOICES], given[NUMBERS];

static _Noreturn void help(void)
{
	printf("nasty -kernel FILE [-initrd FILE] [-append WORDS] [-smp N] "
	       "[-m SIZE] [-memory FILE] [-input FILE] [-console FILE] "
	       "[-gdb PORT|stdio] [-kill NAME] [-counting NAME] "
	       "[-during NAME] "
	       "[KEY=VALUE...]\n");
	for (unsigned i = 0; i < NUMBERS; i++)
		printf("  %-11s %s\n", numbers[i].name, numbers[i].help);
	printf("and what the seed chooses:\n");
	for (unsigned i = 0; i < CHOICES; i++)
		printf("  %-11s %s\n", choices[i].name, choices[i].help);
	exit(0);
}

static uint64_t number(const char *what, const char *text, uint64_t most)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (*text < '0' || *text > '9' || *end != '\0' || value > most ||
	    errno != 0)
		report_usage("%s: expected a number up to %" PRIu64
			     ", found `%s'",
		    what, most, text);
	return value;
}

static uint64_t memory_size(const char *text)
{
	char *end;
	uint64_t size = strtoull(text, &end, 10);
	unsigned shift = *end == 'G' ? 30 : *end == 'K' ? 10 : 20;

	if (size == 0 || size > 1UL << 28 ||
	    (*end != '\0' && (strchr("KMG", *end) == NULL || end[1] != '\0')))
		report_usage("-m: expected a size such as 128M, found `%s'",
		    text);
	size <<= shift;
	if (size < 4UL << 20 || size > 256UL << 30 || size % PAGE_SIZE != 0)
		report_usage("-m: expected whole pages, from 4M to 256G, "
			     "found `%s'",
		    text);
	return size;
}

static bool take_key(const char *word, const struct choice *list,
    unsigned count, uint64_t *values)
{
	const char *equals = strchr(word, '=');

	for (unsigned i = 0; equals != NULL && i < count; i++) {
		size_t len = (size_t)(equals - word);

		if (strlen(list[i].name) == len &&
		    strncmp(list[i].name, word, len) == 0) {
			values[i] =
			    number(list[i].name, equals + 1, list[i].most);
			return true;
		}
	}
	return false;
}

static bool take_option(struct config *config, const char *word,
    const char *value)
{
	if (strcmp(word, "-kernel") == 0)
		config->kernel = value;
	else if (strcmp(word, "-initrd") == 0)
		config->initrd = value;
	else if (strcmp(word, "-append") == 0)
		config->append = value;
	else if (strcmp(word, "-input") == 0)
		config->input = value;
	else if (strcmp(word, "-console") == 0)
		config->console = value;
	else if (strcmp(word, "-memory") == 0)
		config->memory_file = value;
	else if (strcmp(word, "-gdb") == 0)
		config->gdb = value;
	else if (strcmp(word, "-kill") == 0)
		config->kill = value;
	else if (strcmp(word, "-counting") == 0)
		config->counting = value;
	else if (strcmp(word, "-during") == 0)
		config->during = value;
	else if (strcmp(word, "-smp") == 0)
		config->harts = (unsigned)number(word, value, 16);
	else if (strcmp(word, "-m") == 0)
		config->memory = memory_size(value);
	else
		return false;
	return true;
}

static void take_words(struct config *config, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			help();
		if (take_key(argv[i], numbers, NUMBERS, given) ||
		    take_key(argv[i], choices, CHOICES, chosen))
			continue;
		if (argv[i][0] != '-' || i + 1 == argc ||
		    !take_option(config, argv[i], argv[i + 1]))
			report_usage("`%s': no such word; see --help", argv[i]);
		i++;
	}
}

/* Eight bytes of memory, in one page. */
static bool can_be_watched(uint64_t pa, uint64_t memory)
{
	return pa % 8 == 0 && pa >= RAM_BASE && pa - RAM_BASE < memory;
}

/*
 * All values are chosen in one order, so that giving one leaves the others. Of
 * two seeds that follow each other one has Svade, and so on: a few seeds try
 * all values.
 */
static void choose(bool kind)
{
	static const uint64_t asids[] = {0, 1, 2, 2, 3, 4, 9, 16};
	static const uint64_t sticks[] = {4, 7, 8, 8};
	static const uint64_t rates[] = {8, 16, 16, 32};
	static const uint64_t storms[] = {0, 2000, 2000, 500};
	uint64_t by_seed[CHOICES];

	by_seed[ASIDS_] = asids[random_below(8)];
	by_seed[STICK] = sticks[random_below(4)];
	by_seed[INVALID] = random_below(4) != 0;
	by_seed[ICACHE] = random_below(4) != 0;
	by_seed[SVADE] = given[SEED] % 2;
	by_seed[MISALIGNED] = given[SEED] / 2 % 2;
	by_seed[SSTC] = given[SEED] / 4 % 2;
	by_seed[STVAL] = (given[SEED] ^ given[SEED] / 2) % 2;
	by_seed[LATE] = (given[SEED] ^ given[SEED] / 4 ^ given[SEED] / 8) % 2;
	by_seed[RATE] = rates[random_below(4)];
	by_seed[MODE] = SCHED_MODES;
	by_seed[STORM] = storms[random_below(4)];
	if (kind) {
		by_seed[ASIDS_] = 16;
		by_seed[LATE] = by_seed[STORM] = by_seed[ICACHE] = 0;
		by_seed[SVADE] = 0;
		by_seed[MISALIGNED] = 1;
		by_seed[RATE] = 32;
	}
	for (unsigned i = 0; i < CHOICES; i++)
		if (chosen[i] == UNSET)
			chosen[i] = by_seed[i];
}

static void fill_in_kill(struct config *config)
{
	config->kill_at = given[AT];
	config->kill_again = given[AGAIN];
	config->kill_every = given[EVERY];
	config->kill_to = given[TO];
	config->kill_within = given[WITHIN];
	config->death = (unsigned)given[DEATH];
	config->kill_parent = given[KEEPER] != 0;
}

static void fill_in(struct config *config)
{
	config->seed = given[SEED];
	config->kind = given[KIND] != 0;
	config->boot = (unsigned)given[BOOT];
	config->entry_limit = given[LIMIT];
	config->until = given[UNTIL];
	config->trace_from = given[TRACE];
	config->watch = given[WATCH];
	config->typist = given[TYPIST] != 0;
	config->quiet = given[QUIET] != 0;
	config->hold = given[HOLD] != 0;
	config->asid_bits = (unsigned)chosen[ASIDS_];
	config->stick = (unsigned)chosen[STICK];
	config->caches_invalid = chosen[INVALID] != 0;
	config->stale_code = chosen[ICACHE] != 0;
	config->svade = chosen[SVADE] != 0;
	config->misaligned = (enum misaligned)chosen[MISALIGNED];
	config->sstc = chosen[SSTC] != 0;
	config->stval_has_insn = chosen[STVAL] != 0;
	config->late_stores = chosen[LATE] != 0;
	config->rate = (unsigned)chosen[RATE];
	config->sched_mode =
	    chosen[MODE] == SCHED_MODES ? -1 : (int)chosen[MODE];
	config->storm = (unsigned)chosen[STORM];
	fill_in_kill(config);
}

void config_parse(struct config *config, int argc, char **argv)
{
	*config = (struct config){.memory = 128UL << 20, .harts = 1};
	for (unsigned i = 0; i < CHOICES; i++)
		chosen[i] = UNSET;
	given[SEED] = 1;
	given[UNTIL] = given[TRACE] = given[AT] = given[TO] = NEVER;
	given[WITHIN] = 200000000;
	take_words(config, argc, argv);
	if (config->kernel == NULL)
		report_usage("-kernel: expected a file; see --help");
	if (config->harts == 0)
		report_usage("-smp: expected 1 to 16 harts");
	if (config->memory_file != NULL &&
	    (config->gdb != NULL || given[EVERY] != 0))
		report_usage("-memory: not with -gdb or every=, for which the "
			     "machine is copied, and the file is not");
	if (given[BOOT] >= config->harts)
		report_usage("boot: there is no such hart");
	if (chosen[RATE] == 0)
		report_usage("rate: expected at least 1");
	if (given[WATCH] != 0 && !can_be_watched(given[WATCH], config->memory))
		report_usage("watch: expected an address in memory that 8 "
			     "divides, found %#" PRIx64,
		    given[WATCH]);
	machine.random = given[SEED];
	choose(given[KIND] != 0);
	fill_in(config);
}

/* In quotes, for a shell: a quote in the word ends them and begins new ones. */
static void put_option(FILE *to, const char *name, const char *value)
{
	if (value == NULL)
		return;
	fprintf(to, " %s '", name);
	for (; *value != '\0'; value++)
		fprintf(to, *value == '\'' ? "'\\''" : "%c", *value);
	fprintf(to, "'");
}

/* For a copy of the machine: the place at which the process was killed. */
static void put_kill(FILE *to, const struct config *config)
{
	put_option(to, "-kill", config->kill);
	put_option(to, "-counting", config->counting);
	put_option(to, "-during", config->during);
	if (config->kill == NULL || kill_place() == NEVER)
		return;
	fprintf(to, " at=%" PRIu64 " death=%u", kill_place(), config->death);
	if (config->kill_parent)
		fprintf(to, " keeper=1");
	if (config->kill_again != 0)
		fprintf(to, " again=%" PRIu64, config->kill_again);
}

char *config_words(const struct config *config)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		abort();
	fprintf(to, "nasty -smp %u -m %" PRIu64 "K", config->harts,
	    config->memory >> 10);
	put_option(to, "-kernel", config->kernel);
	put_option(to, "-initrd", config->initrd);
	put_option(to, "-append", config->append);
	put_option(to, "-input", config->input);
	put_kill(to, config);
	fprintf(to, " seed=%" PRIu64, config->seed);
	if (config->kind)
		fprintf(to, " kind=1");
	if (config->boot != 0)
		fprintf(to, " boot=%u", config->boot);
	if (config->typist)
		fprintf(to, " typist=1");
	if (config->entry_limit != 0)
		fprintf(to, " limit=%" PRIu64, config->entry_limit);
	for (unsigned i = 0; i < CHOICES; i++)
		fprintf(to, " %s=%" PRIu64, choices[i].name, chosen[i]);
	if (fclose(to) != 0)
		abort();
	return text;
}
