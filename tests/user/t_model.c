/* SPDX-License-Identifier: MIT */
/*
 * t_model.c - random memory operations, checked against a model.
 *
 * The model is an array with an element per page: whether it is mapped, its
 * permissions, and its contents. It is in the memory of the process, so that
 * fork copies it along with the pages: a child goes on from the state of its
 * parent, while its parent goes on as well.
 *
 * Pages are probed by the process itself where the model allows it, and
 * always by the kernel: write() to a pipe from a page tells whether it can be
 * read, read() from a pipe into it whether it can be written.
 */
#include "harness.h"

#define N 24 /* pages, half of them on either side of a 2 MiB border */

#define OPERATIONS  60 /* of each process */
#define GENERATIONS 3  /* below the first */
#define CHILDREN    3  /* of each process, at most */

enum { UNMAPPED = -1 };

struct page_model {
	int prot; /* UNMAPPED, or PROT_ bits */
	unsigned char byte;
};

static struct page_model model[N];
static unsigned char *base;
static int fds[2];

static unsigned char *page_at(int i)
{
	return base + (size_t)i * PAGE;
}

static bool readable(int i)
{
	return model[i].prot > 0 && (model[i].prot & PROT_READ) != 0;
}

static bool writable(int i)
{
	return model[i].prot > 0 && (model[i].prot & PROT_WRITE) != 0;
}

/* The byte at offset `at` of page i, as the kernel reads it. */
static const char *probe_load(int i, size_t at)
{
	unsigned char byte;
	ssize_t n = write(fds[1], page_at(i) + at, 1);

	if (n == 1 && read(fds[0], &byte, 1) != 1)
		return "the pipe lost a byte";
	if (!readable(i))
		return n < 0 && errno == EFAULT
		    ? NULL
		    : found("the kernel read page %d", i);
	if (n != 1)
		return found("the kernel could not read page %d", i);
	if (byte != model[i].byte)
		return found("page %d held %d instead of %d", i, byte,
		    model[i].byte);
	return NULL;
}

/* The kernel writes `byte` at offset `at`; the model follows. */
static const char *probe_store(int i, size_t at, unsigned char byte)
{
	ssize_t n;

	if (write(fds[1], &byte, 1) != 1)
		return "the pipe is full";
	n = read(fds[0], page_at(i) + at, 1);
	if (!writable(i)) {
		if (n != -1 || errno != EFAULT)
			return found("the kernel wrote page %d", i);
		return read(fds[0], &byte, 1) == 1
		    ? NULL
		    : "read() with a bad buffer took the byte";
	}
	return n == 1 ? NULL : found("the kernel could not write page %d", i);
}

#define NEAR 8
#define FAR  (PAGE - 1)

static const char *check_page(int i)
{
	if (readable(i) &&
	    (page_at(i)[NEAR] != model[i].byte ||
		page_at(i)[FAR] != model[i].byte))
		return found("page %d holds %d and %d instead of %d", i,
		    page_at(i)[NEAR], page_at(i)[FAR], model[i].byte);
	return probe_load(i, NEAR);
}

static const char *check_all(void)
{
	int i;

	for (i = 0; i < N; i++)
		TRY(check_page(i));
	return NULL;
}

/* ---- Operations on pages [from, to) ---- */

static const char *op_store(int i, unsigned char byte)
{
	if (!writable(i))
		return probe_store(i, NEAR, byte);
	page_at(i)[NEAR] = byte;
	page_at(i)[FAR] = byte;
	model[i].byte = byte;
	return NULL;
}

static const char *op_copyout(int i, unsigned char byte)
{
	TRY(probe_store(i, NEAR, byte));
	if (!writable(i))
		return NULL;
	TRY(probe_store(i, FAR, byte));
	model[i].byte = byte;
	return NULL;
}

static const char *op_map(int from, int to, int prot)
{
	size_t len = (size_t)(to - from) * PAGE;
	int i;

	if (mmap(page_at(from), len, prot,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return found("mmap failed with errno %d", errno);
	for (i = from; i < to; i++)
		model[i] = (struct page_model){prot, 0};
	return NULL;
}

static const char *op_unmap(int from, int to)
{
	int i;

	if (munmap(page_at(from), (size_t)(to - from) * PAGE) != 0)
		return found("munmap failed with errno %d", errno);
	for (i = from; i < to; i++)
		model[i].prot = UNMAPPED;
	return NULL;
}

/* Not for a range with a hole: Linux would change the pages before it. */
static const char *op_protect(int from, int to, int prot)
{
	int i;

	for (i = from; i < to; i++)
		if (model[i].prot == UNMAPPED)
			return NULL;
	if (mprotect(page_at(from), (size_t)(to - from) * PAGE, prot) != 0)
		return found("mprotect failed with errno %d", errno);
	for (i = from; i < to; i++)
		model[i].prot = prot;
	return NULL;
}

static const char *op_discard(int from, int to)
{
	int i;

	for (i = from; i < to; i++)
		if (model[i].prot == UNMAPPED)
			return NULL;
	if (madvise(page_at(from), (size_t)(to - from) * PAGE, MADV_DONTNEED) !=
	    0)
		return found("madvise failed with errno %d", errno);
	for (i = from; i < to; i++)
		model[i].byte = 0;
	return NULL;
}

static const char *random_operation(uint64_t *seed)
{
	static const int prots[] = {
	    PROT_NONE,
	    PROT_READ,
	    PROT_READ | PROT_WRITE,
	    PROT_READ | PROT_WRITE,
	};
	int from = (int)(rnd(seed) % N);
	int to = from + 1 + (int)(rnd(seed) % (uint64_t)(N - from));
	int prot = prots[rnd(seed) % COUNT(prots)];
	unsigned char byte = (unsigned char)(rnd(seed) % 255 + 1);

	switch (rnd(seed) % 10) {
	case 0:
		return op_map(from, to, prot);
	case 1:
		return op_unmap(from, from + 1);
	case 2:
	case 3:
		return op_protect(from, to, prot);
	case 4:
		return op_discard(from, from + 1);
	case 5:
	case 6:
		return op_copyout(from, byte);
	default:
		return op_store(from, byte);
	}
}

/* ---- Processes ---- */

static const char *live(uint64_t seed, int generation);

/* A child has a pipe of its own: siblings would mix their bytes. */
static pid_t fork_a_life(uint64_t seed, int generation)
{
	const char *sentence;
	pid_t pid = must_fork();

	if (pid != 0)
		return pid;
	close(fds[0]);
	close(fds[1]);
	if (pipe(fds) != 0)
		give_up("no pipe");
	sentence = live(seed, generation);
	if (sentence != NULL)
		give_up(sentence);
	_exit(0);
}

static const char *live(uint64_t seed, int generation)
{
	pid_t children[CHILDREN];
	int n = 0;
	int i;

	TRY(check_all());
	for (i = 0; i < OPERATIONS; i++) {
		TRY(random_operation(&seed));
		TRY(check_page((int)(rnd(&seed) % N)));
		if (n < CHILDREN && generation < GENERATIONS &&
		    rnd(&seed) % 16 == 0)
			children[n++] =
			    fork_a_life(rnd(&seed) | 1, generation + 1);
	}
	TRY(check_all());
	while (n > 0)
		TRY(child_end(children[--n]));
	return check_all();
}

static const char *run_seed(uint64_t seed)
{
	unsigned char *p = reserve(4 * MIB, 2 * MIB);
	const char *sentence;

	base = p + 2 * MIB - (N / 2) * PAGE;
	MUST(pipe(fds) == 0, "no pipe");
	TRY(op_map(0, N, PROT_READ | PROT_WRITE));
	sentence = live(seed, 0);
	if (sentence != NULL)
		return sentence;
	close(fds[0]);
	close(fds[1]);
	MUST(munmap(p, 4 * MIB) == 0, "munmap failed");
	return NULL;
}

TEST(random_operations_agree_with_the_model)
{
	uint64_t seed;

	for (seed = 1; seed <= 12; seed++) {
		const char *sentence = run_seed(seed * 7919);

		if (sentence != NULL) {
			static char with_seed[300];

			snprintf(with_seed, sizeof(with_seed), "seed %d: %s",
			    (int)seed, sentence);
			return with_seed;
		}
	}
	return NULL;
}

static const struct test tests[] = {
    T(random_operations_agree_with_the_model),
};

SUITE(tests)
