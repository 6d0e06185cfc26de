/* SPDX-License-Identifier: MIT */
/*
 * line.c - compares the line discipline of the console server with Linux's.
 *
 * Random modes, keys, reads and writes, on a pseudo-terminal of this machine
 * and on user/servers/console/line.c: input, output and signals have to be
 * equal after each step.
 *
 *   line [--rounds N] [--seed N] [--verbose]
 *
 * Linux processes keys later, in the background. So a difference counts if it
 * does not go away, and if it comes again where each step is given much time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"
#include "user/servers/console/line.h"

/* <sys/ioctl.h> and abi/ioctl.h do not go together. */
int ioctl(int fd, unsigned long request, ...);
#define TCGETS_    0x5401
#define TCSETS_    0x5402
#define TCSETSF_   0x5404
#define TCFLSH_    0x540b
#define TIOCSCTTY_ 0x540e
#define FIONREAD_  0x541b

static uint64_t rounds = 150, seed = 1;
static bool verbose;

/* ---- Chance ---- */

static uint64_t state;

static uint32_t below(uint32_t n)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (uint32_t)((z ^ z >> 31) >> 32) % n;
}

static bool chance(uint32_t n)
{
	return below(n) == 0;
}

/* ---- Both sides ---- */

static struct line line;
static int master, slave;
static volatile sig_atomic_t signals[32];
static int expected_signals[32];
static uint8_t waiting[8192]; /* typed, but there is no room for these yet */
static size_t waiting_len;
static unsigned patience; /* milliseconds after each step */

static void on_signal(int sig)
{
	signals[sig]++;
}

static void open_both(void)
{
	static const int caught[] = {SIGINT, SIGQUIT, SIGTSTP};

	for (int i = 0; i < 3; i++) {
		signal(caught[i], on_signal);
		signals[caught[i]] = expected_signals[caught[i]] = 0;
	}
	signal(SIGHUP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
		exit(3);
	slave = open(ptsname(master), O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (slave < 0 || ioctl(slave, TIOCSCTTY_, 0) != 0)
		exit(3);
	waiting_len = 0;
	line_init(&line);
	if (ioctl(slave, TCSETS_, &line.termios) != 0)
		exit(3);
}

static void close_both(void)
{
	close(slave);
	close(master);
}

/* ---- The difference ---- */

static char verdict[400];

static const char *quoted(const uint8_t *bytes, size_t len)
{
	static char text[4][160];
	static int next;
	char *to = text[next = (next + 1) % 4];
	int at = 0;

	for (size_t i = 0; i < len && at < 150; i++)
		at += snprintf(to + at, sizeof text[0] - (size_t)at,
		    bytes[i] >= ' ' && bytes[i] < 0x7f ? "%c" : "\\x%02x",
		    bytes[i]);
	to[at] = '\0';
	return to;
}

static bool readable(void)
{
	struct pollfd fd = {slave, POLLIN, 0};

	return poll(&fd, 1, 0) == 1 && (fd.revents & POLLIN);
}

/* NULL if input and signals of both sides are equal; or the difference. */
static const char *state_differs(void)
{
	int count = 0;
	bool has = readable();

	(void)ioctl(slave, FIONREAD_, &count);
	if ((size_t)count != line_input_count(&line))
		snprintf(verdict, sizeof verdict, "%d bytes to read, here %lu",
		    count, (unsigned long)line_input_count(&line));
	else if (has != line_is_readable(&line))
		snprintf(verdict, sizeof verdict, "readable %d, here %d", has,
		    line_is_readable(&line));
	else if (signals[SIGINT] != expected_signals[SIGINT] ||
	    signals[SIGQUIT] != expected_signals[SIGQUIT] ||
	    signals[SIGTSTP] != expected_signals[SIGTSTP])
		snprintf(verdict, sizeof verdict, "other signals");
	else
		return NULL;
	return verdict;
}

#define TRIES 60

static void pause_a_little(int try)
{
	if (try > 4)
		usleep(try < 30 ? 100 : 5000);
}

/* Waits until both screens are equal, and as many bytes can be read. */
static const char *settle(void)
{
	static uint8_t here[OUTPUT_SIZE], there[OUTPUT_SIZE + 1];
	size_t wanted = line_output(&line, here, sizeof here), got = 0;
	const char *wrong = NULL;

	usleep(1000 * patience);
	for (int try = 0; try < TRIES; try++) {
		ssize_t n = read(master, there + got, sizeof there - got);

		if (n > 0)
			got += (size_t)n;
		wrong = state_differs();
		if (got >= wanted && wrong == NULL)
			break;
		pause_a_little(try);
	}
	if (got != wanted || memcmp(here, there, got) != 0) {
		snprintf(verdict, sizeof verdict, "shown `%s', here `%s'",
		    quoted(there, got), quoted(here, wanted));
		return verdict;
	}
	return wrong;
}

/* ---- Steps ---- */

static const char letters[] = "abc XYZ_.,09\t\b";
static const char *const characters[] = {"\xc3\xa4", "\xe2\x82\xac", "\xff",
    "\x80", "\x7f", "\x1b[A", "\r", "\n", "\x01", "\\"};

static size_t random_text(uint8_t *to, size_t size)
{
	size_t n = 0;

	while (n < size) {
		const char *c = characters[below(10)];

		if (!chance(5)) {
			to[n++] = (uint8_t)letters[below(sizeof letters - 1)];
			continue;
		}
		for (; *c != '\0' && n < size; c++)
			to[n++] = (uint8_t)*c;
	}
	return n;
}

static uint8_t random_key(void)
{
	static const uint8_t used[] = {VINTR, VQUIT, VERASE, VERASE, VKILL,
	    VEOF, VSTART, VSTOP, VSUSP, VEOL, VREPRINT, VWERASE, VWERASE,
	    VLNEXT, VEOL2};
	uint8_t text[1];

	if (chance(8))
		return chance(2) ? '\n' : '\r';
	if (chance(3))
		return line.termios.cc[used[below(sizeof used)]];
	if (chance(20))
		return (uint8_t)below(256);
	(void)random_text(text, 1);
	return text[0];
}

/* Does the key flush or stop the output? */
static bool ends_chunk(uint8_t c)
{
	const uint8_t *cc = line.termios.cc;

	c = line.termios.iflag & ISTRIP ? c & 0x7f : c;
	return c == cc[VINTR] || c == cc[VQUIT] || c == cc[VSUSP] ||
	    c == cc[VSTOP];
}

/* Takes as many of the typed keys as there is room for. */
static void type_here(void)
{
	int sig;
	size_t n;

	do {
		n = line_input(&line, waiting, waiting_len, 0, &sig);
		memmove(waiting, waiting + n, waiting_len - n);
		waiting_len -= n;
		expected_signals[sig]++;
	} while (n > 0 && waiting_len > 0);
}

static const char *type_both(const uint8_t *keys, size_t len)
{
	if (verbose)
		printf("# type `%s'\n", quoted(keys, len));
	if (write(master, keys, len) != (ssize_t)len)
		return "not typed";
	memcpy(waiting + waiting_len, keys, len);
	waiting_len += len;
	type_here();
	return settle();
}

static const char *type_some(void)
{
	uint8_t keys[12];
	size_t len = 1 + below(sizeof keys), n = 0;

	while (n < len) {
		uint8_t key = random_key();

		if (ends_chunk(key) && n > 0)
			break;
		keys[n++] = key;
	}
	return type_both(keys, n);
}

static const char *read_some(void)
{
	uint8_t here[300], there[300];
	struct line_wait wait = {.nonblocking = true, .tenth = 1};
	size_t size = chance(3) ? sizeof here : 1 + below(8);
	long wanted = line_read(&line, here, size, &wait);
	ssize_t n = read(slave, there, size);

	if (verbose)
		printf("# read %lu: `%s'\n", (unsigned long)size,
		    quoted(there, n > 0 ? (size_t)n : 0));
	if (n < 0 && errno == EAGAIN)
		n = LINE_LATER;
	if (n != wanted || (n > 0 && memcmp(here, there, (size_t)n) != 0)) {
		snprintf(verdict, sizeof verdict,
		    "read of %lu: %ld `%s', here %ld `%s'", (unsigned long)size,
		    (long)n, quoted(there, n > 0 ? (size_t)n : 0), wanted,
		    quoted(here, wanted > 0 ? (size_t)wanted : 0));
		return verdict;
	}
	type_here();
	return settle();
}

enum { FLUSH_INPUT, FLUSH_OUTPUT, FLUSH_BOTH };

static const char *flush(unsigned what)
{
	if (verbose)
		printf("# flush %u\n", what);
	if (what != FLUSH_OUTPUT) {
		line_flush_input(&line);
		waiting_len = 0;
	}
	if (what != FLUSH_INPUT)
		line_flush_output(&line);
	return ioctl(slave, TCFLSH_, what) == 0 ? settle() : "no flush";
}

/*
 * Types more than there is room for. Of a long echo the two sides lose
 * different bytes, so there is no echo, and nothing is left to be erased later.
 */
static const char *type_much(void)
{
	const char *wrong = NULL;
	uint8_t keys[150];

	if (line.termios.lflag & ECHO)
		return NULL;
	for (int i = 0; i < 31 && wrong == NULL; i++) {
		memset(keys, 'a' + i % 26, sizeof keys);
		wrong = type_both(keys, sizeof keys);
	}
	if (wrong == NULL)
		wrong = type_both((const uint8_t *)"\x7f\n", 2);
	while (wrong == NULL && line_is_readable(&line))
		wrong = read_some();
	return wrong != NULL ? wrong : flush(FLUSH_INPUT);
}

static const char *write_some(void)
{
	uint8_t text[40];
	size_t len = random_text(text, 1 + below(sizeof text));
	size_t wanted = line_write(&line, text, len);
	ssize_t n = write(slave, text, len);

	if (verbose)
		printf("# write `%s'\n", quoted(text, len));
	if (n < 0 && errno == EAGAIN)
		n = 0;
	if (n != (ssize_t)wanted) {
		snprintf(verdict, sizeof verdict, "%ld written, here %lu",
		    (long)n, (unsigned long)wanted);
		return verdict;
	}
	return settle();
}

static uint32_t some_of(uint32_t flags)
{
	uint32_t some = 0;

	for (uint32_t flag = 1; flag != 0; flag <<= 1)
		if ((flags & flag) && chance(2))
			some |= flag;
	return some;
}

/* Often what programs ask for: cooked, or raw. */
static struct termios_abi random_modes(void)
{
	struct termios_abi modes = line.termios;

	modes.iflag =
	    some_of(ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXANY | IUTF8);
	if (!chance(4))
		modes.iflag &= ~(uint32_t)(ISTRIP | INLCR | IGNCR);
	modes.oflag = some_of(OPOST | ONLCR | OCRNL | ONOCR | ONLRET) |
	    (chance(3) ? XTABS : 0);
	modes.lflag = some_of(ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHONL |
	    NOFLSH | ECHOCTL | ECHOKE | IEXTEN);
	if (chance(2))
		modes.lflag |= ICANON | ECHO | ECHOE | ECHOCTL | IEXTEN;
	if (chance(2))
		modes.lflag |= ECHOK | ECHOKE;
	modes.cc[VMIN] = (uint8_t)below(4);
	modes.cc[VTIME] = chance(4);
	modes.cc[VEOL] = chance(2) ? 0 : '.';
	modes.cc[VEOL2] = chance(2) ? 0 : ',';
	modes.cc[VERASE] = chance(3) ? '\b' : 0x7f;
	modes.cc[VWERASE] = chance(6) ? 0 : 'W' & 0x1f;
	return modes;
}

static const char *change_modes(void)
{
	struct termios_abi modes = random_modes();
	bool flush = chance(4);

	/* Some keys still wait: each side might take them under other modes. */
	if (waiting_len > 0)
		return NULL;
	if (verbose)
		printf("# modes %x %x %x, %d\n", modes.iflag, modes.oflag,
		    modes.lflag, flush);
	if (flush)
		line_flush_input(&line);
	line_set_termios(&line, &modes);
	if (ioctl(slave, flush ? TCSETSF_ : TCSETS_, &modes) != 0)
		return "no modes";
	return settle();
}

static const char *step(void)
{
	switch (below(24)) {
	case 0:
	case 1:
	case 2:
		return change_modes();
	case 3:
	case 4:
	case 5:
	case 6:
		return write_some();
	case 7:
	case 8:
	case 9:
	case 10:
	case 11:
		return read_some();
	case 12:
		return flush(below(3));
	case 13:
		return chance(40) ? type_much() : NULL;
	default:
		return type_some();
	}
}

/* Plays one round on a new terminal. */
static const char *play(uint64_t number)
{
	const char *wrong = NULL;

	state = number;
	open_both();
	for (int i = 0; i < 60 && wrong == NULL; i++)
		wrong = step();
	close_both();
	return wrong;
}

/* Gives a busy machine more time, before a difference counts. */
static const char *play_patiently(uint64_t number)
{
	static const unsigned milliseconds[] = {0, 10, 50, 250};
	const char *wrong = NULL;

	for (unsigned i = 0; i < 4; i++) {
		patience = milliseconds[i];
		wrong = play(number);
		if (wrong == NULL)
			return NULL;
	}
	printf("# seed %lu\n", (unsigned long)number);
	return wrong;
}

/* Runs in a session of its own, which has the terminal. */
static const char *play_all(void)
{
	const char *wrong = NULL;

	if (setsid() < 0)
		return "no session";
	for (uint64_t i = 0; i < rounds && wrong == NULL; i++)
		wrong = play_patiently(seed + i);
	return wrong;
}

#ifdef __linux__
#define ON_LINUX true
#else
#define ON_LINUX false
#endif

TEST(the_line_discipline_does_what_linux_does)
{
	int status;
	pid_t pid;

	if (!ON_LINUX) {
		printf("# this is no Linux: nothing to compare with\n");
		return NULL;
	}
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		const char *wrong = play_all();

		if (wrong != NULL)
			printf("# %s\n", wrong);
		(void)fflush(stdout);
		_exit(wrong != NULL);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return "no process";
	return status == 0 ? NULL : "they differ: see above";
}

/* ---- Reads that wait for a time, with a clock of the test's ---- */

static long read_at(uint64_t since, uint64_t now, size_t size,
    struct line_wait *wait)
{
	uint8_t to[10];

	*wait = (struct line_wait){.now = now, .since = since, .tenth = 10};
	return line_read(&line, to, size, wait);
}

static void raw_mode(uint8_t min, uint8_t time)
{
	struct termios_abi modes;

	line_init(&line);
	modes = line.termios;
	modes.lflag = 0;
	modes.cc[VMIN] = min;
	modes.cc[VTIME] = time;
	line_set_termios(&line, &modes);
}

static void type_at(const char *keys, uint64_t now)
{
	int sig;

	(void)line_input(&line, (const uint8_t *)keys, strlen(keys), now, &sig);
}

TEST(without_vmin_a_read_waits_for_the_first_byte_and_vtime)
{
	struct line_wait wait;

	raw_mode(0, 3);
	if (read_at(1000, 1000, 9, &wait) != LINE_LATER || wait.until != 1030)
		return "it does not wait";
	if (read_at(1000, 1029, 9, &wait) != LINE_LATER || wait.until != 1030)
		return "it does not wait any more";
	if (read_at(1000, 1030, 9, &wait) != 0)
		return "it waits for too long";
	type_at("ab", 1020);
	return read_at(1000, 1021, 9, &wait) == 2 ? NULL : "another number";
}

TEST(with_vmin_the_time_begins_with_each_byte)
{
	struct line_wait wait;

	raw_mode(3, 2);
	if (read_at(1000, 5000, 9, &wait) != LINE_LATER || wait.until != 0)
		return "the time began without a byte";
	type_at("a", 5000);
	type_at("b", 5015);
	if (read_at(1000, 5020, 9, &wait) != LINE_LATER || wait.until != 5035)
		return "it did not begin anew";
	if (read_at(1000, 5035, 9, &wait) != 2)
		return "another number";
	type_at("abcd", 6000);
	if (read_at(6000, 6000, 9, &wait) != 4)
		return "enough is not enough";
	type_at("ab", 6000);
	return read_at(6000, 6000, 2, &wait) == 2 ? NULL : "a small buffer";
}

TEST(without_vtime_a_read_waits_for_vmin)
{
	struct line_wait wait;

	raw_mode(2, 0);
	type_at("a", 1000);
	if (read_at(1000, 90000, 9, &wait) != LINE_LATER || wait.until != 0)
		return "it does not wait";
	type_at("b", 2000);
	return read_at(1000, 90000, 9, &wait) == 2 ? NULL : "another number";
}

TEST(output_waits_where_there_is_no_room)
{
	uint8_t text[OUTPUT_SIZE], to[OUTPUT_SIZE];
	size_t taken, n;

	line_init(&line);
	memset(text, '\n', sizeof text);
	taken = line_write(&line, text, sizeof text);
	if (taken < OUTPUT_SIZE / 2 - 8 || taken > OUTPUT_SIZE / 2)
		return found("%lu lines were taken", taken);
	if (line_output_count(&line) != 2 * taken)
		return "another count";
	type_at("abc", 0);
	n = line_output(&line, to, 2 * taken);
	if (n != 2 * taken || memcmp(to, "\r\n\r\n", 4) != 0)
		return found("%lu bytes", n);
	n = line_output(&line, to, sizeof to);
	return n == 3 && memcmp(to, "abc", 3) == 0 ? NULL : "no echo";
}

TEST(what_was_typed_is_shown_before_what_is_written)
{
	uint8_t text[OUTPUT_SIZE], to[OUTPUT_SIZE];
	size_t n;

	line_init(&line);
	memset(text, 'x', sizeof text);
	(void)line_write(&line, text, sizeof text);
	type_at("abc", 0);
	line_flush_output(&line);
	(void)line_write(&line, text, 2);
	n = line_output(&line, to, sizeof to);
	return n == 5 && memcmp(to, "abcxx", 5) == 0 ? NULL
						     : found("%lu bytes", n);
}

static const struct test tests[] = {
    LISTED(the_line_discipline_does_what_linux_does),
    LISTED(without_vmin_a_read_waits_for_the_first_byte_and_vtime),
    LISTED(with_vmin_the_time_begins_with_each_byte),
    LISTED(without_vtime_a_read_waits_for_vmin),
    LISTED(output_waits_where_there_is_no_room),
    LISTED(what_was_typed_is_shown_before_what_is_written),
};

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
			rounds = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 10);
		else
			verbose = true;
	}
	return tap_run(tests, sizeof tests / sizeof *tests);
}
