/* SPDX-License-Identifier: MIT */
/*
 * setup.c - making a file server, before it serves.
 */
#include "setup.h"

#include <calf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <time.h>

#include "opened.h"

#define LEVEL 0 /* level of the port: other servers may use files */

/*
 * The log takes a 64th of the memory, but at most LOG_MAX, and has 64 bytes for
 * each open file.
 */
#define LOG_SHARE    64
#define LOG_MAX      (1UL << 20)
#define OPENED_SHARE 64

/* Makes the log so large that all files can be closed in a fourth of it. */
static bool make_log(struct server *s)
{
	struct calf_stat st = {0};
	size_t size = LOG_MIN, share;

	(void)calf_stat(&st, sizeof st);
	share = st.frames_total * CALF_PAGE_SIZE / LOG_SHARE;
	if (share > size)
		size = share & ~7UL;
	if (size > LOG_MAX)
		size = LOG_MAX;
	return log_make(&s->log, size) && opened_make(size / OPENED_SHARE);
}

/* Limits files to so many eighths of half of the memory. */
static void limit(uint64_t eighths)
{
	struct calf_stat st;

	if (calf_stat(&st, sizeof st) > 0)
		memory_limit(st.frames_total * eighths / 16);
}

bool files_make(struct server *s)
{
	struct timespec now;
	uint64_t seed;

	s->terminal = -1;
	if (!make_log(s))
		return false;
	s->port = port_create(LEVEL);
	if (s->port < 0)
		return false;
	limit(7);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)getrandom(&seed, sizeof seed, 0);
	if (tree_init(&s->tree, (struct moment){now.tv_sec, now.tv_nsec}, seed))
		return true;
	errno = ENOMEM;
	return false;
}

int files_open_root(struct server *s)
{
	struct where where = {s->tree.root, "/"};
	int err;

	limit(8);
	err = file_open(&s->tree, where, O_RDONLY, 0, opened_place());
	if (err < 0) {
		errno = -err;
		return -1;
	}
	s->open++;
	return port_open(s->port, opened_take(0), O_RDONLY, 0, 0);
}
