/* SPDX-License-Identifier: MIT */
/*
 * archives.c - random archives, most of them damaged: each is unpacked into a
 * tree and, in the steps that Linux takes, into a tmpfs of the build machine.
 * Then both trees are compared.
 *
 *     archives [--archives N] [--seed N] [--only-ours 1]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "differ.h"
#include "lib/types.h"
#include "linux_unpack.h"
#include "sim.h"
#include "tap.h"

#define SIZE_MAX_BYTES (1 << 20)
#define PICK(list)     (list)[sim_below(array_len(list))]

static char *archive;
static size_t archive_size;
static unsigned long complaints, members;

static void append(const void *data, size_t len)
{
	memcpy(archive + archive_size, data, len);
	archive_size += len;
}

static void pad(void)
{
	while (archive_size % 4 != 0)
		append("", 1);
}

static const char *random_name(void)
{
	static const char *const names[] = {"a", "b", "c", "a", "b", "d", "a/b",
	    "a/b/c", "b/c", "d/e/f", "./c", "../d", "/e", "l", "l/x", "l", "",
	    ".", "./", "dev/zero/.", "dev/zero", "a/", "a/..", "a/../g", "//h",
	    "x/../y/z", "b/.", "l/."};
	static char name[4200];
	size_t len = 250 + sim_below(10);

	if (sim_below(60) > 0)
		return PICK(names);
	if (sim_below(4) == 0)
		len = 4090 + sim_below(10);
	for (size_t i = 0; i < len; i++)
		name[i] = len > 1000 && i % 200 == 199 ? '/' : 'n';
	name[len] = '\0';
	return name;
}

/* The bytes of a file, or where a link leads. */
static size_t random_body(uint32_t mode, char *body)
{
	static const char *const targets[] = {"a", "b", "l", "/", ".", "..",
	    "a/b", "/a", "nowhere", ""};
	static const unsigned sizes[] = {0, 0, 0, 1, 5, 4095, 4096, 4097, 9000};
	const char *target = PICK(targets);
	size_t len = PICK(sizes);

	memset(body, 'a' + (int)sim_below(26), len);
	if (!S_ISLNK(mode))
		return S_ISREG(mode) || sim_below(30) == 0 ? len : 0;
	if (sim_below(20) == 0)
		return len;
	memcpy(body, target, strlen(target));
	return strlen(target);
}

static void add_member(void)
{
	static const uint32_t types[] = {S_IFREG, S_IFREG, S_IFREG, S_IFDIR,
	    S_IFDIR, S_IFLNK, S_IFLNK, S_IFCHR, S_IFIFO, S_IFSOCK, S_IFBLK, 0};
	static const uint32_t modes[] = {0644, 0755, 04755, 02755, 0, 0600};
	static char body[10000];
	const char *name = sim_below(15) == 0 ? "TRAILER!!!" : random_name();
	uint32_t mode = PICK(types) | PICK(modes);
	uint32_t id = real_is_confined ? 0 : 7;
	size_t len = random_body(mode, body);
	char header[120];

	(void)snprintf(header, sizeof header,
	    "07070%u%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
	    1 + sim_below(2), sim_below(3), mode, sim_below(2) * id,
	    sim_below(2) * id, sim_below(4), sim_below(1000000000),
	    (unsigned)len, sim_below(8) / 7, 0, 1, 3 + 2 * sim_below(3),
	    (unsigned)strlen(name) + 1, 0);
	append(header, 110);
	append(name, strlen(name) + 1);
	pad();
	append(body, len);
	pad();
	if (sim_below(20) == 0)
		append("\0\0\0\0\0\0\0\0", 4 * (1 + sim_below(2)));
}

/* Damages the headers, which most changes of a random byte would miss. */
static void damage(void)
{
	static const char digits[] = "0123456789abcdef/.\0l";

	for (unsigned n = sim_below(4); n > 0; n--) {
		size_t at = sim_below((uint32_t)archive_size);

		for (unsigned i = 0; i < 2000 && at + 6 < archive_size; i++) {
			if (memcmp(archive + at, "07070", 5) == 0)
				break;
			at = at + 1 < archive_size ? at + 1 : 0;
		}
		at += sim_below(130);
		if (at < archive_size)
			archive[at] = PICK(digits);
	}
	if (sim_below(20) == 0)
		archive_size = sim_below((uint32_t)archive_size);
}

static void make_archive(void)
{
	archive_size = 0;
	for (unsigned n = 1 + sim_below(14); n > 0; n--)
		add_member();
	if (sim_below(2) > 0)
		damage();
}

/*
 * Can Linux be compared? In a sticky folder that all may write to, it may
 * refuse even root to open a file.
 */
static bool is_comparable(void)
{
	struct archive ar = {.base = archive, .size = archive_size};
	const char *what;
	struct member m;

	while (archive_next(&ar, &m, &what)) {
		members++;
		if ((m.header.mode & 01002) == 01002 ||
		    m.header.mtime >= SET_BEFORE || m.header.uid > 7 ||
		    m.header.gid > 7)
			return false;
		if (real_is_confined &&
		    (S_ISCHR(m.header.mode) || S_ISBLK(m.header.mode) ||
			m.header.uid > 0 || m.header.gid > 0))
			return false;
	}
	return true;
}

static void complain(size_t at, const char *what)
{
	complaints++;
	if (at > archive_size || what[0] == '\0')
		sim_fail("a complaint about byte %lu", at);
}

struct plan {
	uint64_t seed;
	unsigned archives;
	bool only_ours;
};

static const char *one(bool only_ours)
{
	char *copy = malloc(archive_size > 0 ? archive_size : 1);
	const char *problem = NULL, *left;
	bool comparable = is_comparable();

	/*
	 * A copy of exactly its size: the sanitizer notices a read beyond its
	 * end.
	 */
	memcpy(copy, archive, archive_size);
	if (only_ours)
		ours_begin();
	else
		compare_begin();
	archive_unpack(ours_tree(), copy, archive_size, complain);
	if (!only_ours && comparable) {
		linux_unpack(copy, archive_size);
		problem = compare_trees();
	}
	free(copy);
	left = ours_end();
	return problem != NULL ? problem : left;
}

/* Prints the members of the archive, as far as it can be read. */
static void print_members(void)
{
	struct archive ar = {.base = archive, .size = archive_size};
	const char *what;
	struct member m;

	while (archive_next(&ar, &m, &what))
		printf("# %lu: %.60s mode %o links %u ino %u owner %u:%u size "
		       "%u \"%.20s\"\n",
		    m.at, m.name, m.header.mode, m.header.links, m.header.ino,
		    m.header.uid, m.header.gid, m.header.size,
		    m.header.size > 0 ? m.data : "");
	printf("# %s\n", what != NULL ? what : "the end");
	(void)fflush(stdout);
}

static void run(void *arg)
{
	const struct plan *plan = arg;

	archive = malloc(SIZE_MAX_BYTES);
	compare_at_once = true;
	if (!plan->only_ours)
		real_enter();
	for (unsigned i = 0; i < plan->archives; i++) {
		const char *problem;

		sim_seed(plan->seed + i);
		make_archive();
		problem = one(plan->only_ours);
		if (problem != NULL) {
			print_members();
			sim_fail("seed %lu: %s", plan->seed + i, problem);
		}
	}
	printf("# %u archives, %lu members, %lu complaints\n", plan->archives,
	    members, complaints);
}

int main(int argc, char **argv)
{
	struct plan plan = {.seed = 1, .archives = 2000};
	const char *reason = real_find();
	bool ok;

	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t value = strtoul(argv[i + 1], NULL, 0);

		if (strcmp(argv[i], "--seed") == 0)
			plan.seed = value;
		else if (strcmp(argv[i], "--archives") == 0)
			plan.archives = (unsigned)value;
	}
	plan.only_ours = reason != NULL;
	printf("1..1\n");
	if (reason != NULL)
		printf("# not compared with Linux: %s\n", reason);
	ok = sim_run(run, &plan);
	if (reason == NULL)
		real_remove();
	printf("%sok 1 - an archive becomes what Linux makes of it%s%s\n",
	    ok ? "" : "not ", ok ? "" : " # ", ok ? "" : sim_text);
	return !ok;
}
