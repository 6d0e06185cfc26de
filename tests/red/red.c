/* SPDX-License-Identifier: MIT */
/*
 * red.c - a first process that goes wrong in the way that its argument names,
 * to see that tools/run.py notices: rdinit=/bin/red MODE. tests/boots.txt says
 * for each mode what the verdict has to be.
 */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static void say(const char *text)
{
	(void)!write(1, text, strlen(text));
}

/* A test failed, and the suite ends as if nothing had been. */
static int not_ok(void)
{
	say("1..2\nok 1 - first\nnot ok 2 - second # what it found\n");
	return 0;
}

/* The plan promises more than there is. */
static int missing(void)
{
	say("1..3\nok 1 - first\nok 2 - second\n");
	return 0;
}

static int disorder(void)
{
	say("1..2\nok 2 - second\nok 1 - first\n");
	return 0;
}

/* A second suite, whose plan was forgotten. */
static int unplanned(void)
{
	say("1..1\nok 1 - first\nok 2 - second\n");
	return 0;
}

static int zero(void)
{
	return 0;
}

static int zero_planned(void)
{
	say("1..0\n");
	return 0;
}

static int bail_out(void)
{
	say("1..1\nBail out! cannot go on\nok 1 - first\n");
	return 1;
}

static int status(void)
{
	say("1..1\nok 1 - first\n");
	return 3;
}

static int killed(void)
{
	volatile char *volatile nowhere = NULL;

	say("1..1\nok 1 - first\n");
	*nowhere = 1;
	return 0;
}

/* Takes all memory but a few pages; false if that is not possible. */
static int take_memory(void)
{
	const size_t size = 1UL << 30;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sysinfo info = {0};

	for (size_t i = 0; p != MAP_FAILED && i < size; i += 4096) {
		(void)sysinfo(&info);
		if (info.freeram < 64 * 4096UL)
			return 1;
		p[i] = 1;
	}
	return 0;
}

/*
 * Fills memory, and then a file: the file server runs out of memory, and there
 * is no process to kill for it.
 */
static int takes_all(void)
{
	static char bytes[65536];
	int fd = open("/all", O_CREAT | O_WRONLY, 0600);

	say("1..1\nok 1 - first\n");
	if (fd >= 0 && take_memory())
		while (write(fd, bytes, sizeof bytes) > 0)
			continue;
	return 0;
}

static int hang(void)
{
	say("1..1\nok 1 - first\n");
	for (;;)
		continue;
	return 0;
}

/* No process can run, and none ever will. */
static int sleep_for_ever(void)
{
	say("1..1\nok 1 - first\n");
	for (;;)
		(void)pause();
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} modes[] = {
    {"not-ok", not_ok},
    {"missing", missing},
    {"disorder", disorder},
    {"unplanned", unplanned},
    {"zero", zero},
    {"zero-planned", zero_planned},
    {"bail-out", bail_out},
    {"status", status},
    {"killed", killed},
    {"takes-all", takes_all},
    {"hang", hang},
    {"sleep", sleep_for_ever},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]);
	     i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			return modes[i].run();
	say("1..1\nok 1 - a mode that does not exist passes, and should not\n");
	return 0;
}
