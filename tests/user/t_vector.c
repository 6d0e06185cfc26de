/* SPDX-License-Identifier: MIT */
/*
 * t_vector.c - readv, writev, preadv and pwritev on files: the pieces are moved
 * as one row of bytes, and a server sees no other memory.
 */
#include "service.h"

#include <sys/stat.h>
#include <sys/uio.h>

#define PATH "/tmp/t_vector"

#define MANY    1000
#define ROW     (MANY * 7)
#define RECORDS 60
#define WRITERS 3

static unsigned char row[ROW], back[2 * ROW];
static struct iovec pieces[MANY];
static int fd;

static void begin(int flags)
{
	(void)raw(SYS_mkdirat, AT_FDCWD, (long)"/tmp", 0777);
	fd = open(PATH, flags | O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		give_up("no file");
	for (int i = 0; i < ROW; i++)
		row[i] = (unsigned char)(i * 11 + i / 256);
}

static const char *end(void)
{
	close(fd);
	(void)raw(SYS_unlinkat, AT_FDCWD, (long)PATH, 0);
	return NULL;
}

static struct stat status(void)
{
	struct stat st = {0};

	(void)fstat(fd, &st);
	return st;
}

/* Cuts a row into pieces of 0 to 13 bytes, in order. Returns how many bytes. */
static long cut(unsigned char *from)
{
	long len = 0;

	for (int i = 0; i < MANY; i++) {
		pieces[i] = (struct iovec){from + len, (size_t)(i * 5 % 14)};
		len += i * 5 % 14;
	}
	return len;
}

TEST(a_few_pieces_are_one_row)
{
	struct iovec some[4] = {{row + 100, 3}, {NULL, 0}, {row, 50},
	    {row + 300, 1}};
	unsigned char a[2] = {0}, b[60] = {0};
	struct iovec into[3] = {{a, 2}, {b, 40}, {b + 41, 19}};

	begin(0);
	MUST(writev(fd, some, 4) == 54, "writev");
	MUST(lseek(fd, 0, SEEK_CUR) == 54, "the position");
	MUST(lseek(fd, 1, SEEK_SET) == 1, "lseek");
	MUST(readv(fd, into, 3) == 53, "readv to the end");
	MUST(lseek(fd, 0, SEEK_CUR) == 54, "the position at the end");
	MUST(memcmp(a, row + 101, 2) == 0 && memcmp(b, row, 40) == 0 &&
		memcmp(b + 41, row + 40, 10) == 0 && b[51] == row[300],
	    "other bytes");
	MUST(b[40] == 0 && b[52] == 0, "bytes beside a piece");
	MUST(readv(fd, into, 3) == 0, "behind the end");
	return end();
}

TEST(a_vector_can_have_a_position)
{
	struct iovec some[2] = {{row, 3}, {row + 10, 4}};
	struct iovec into[2] = {{back, 1}, {back + 1, 9}};

	begin(0);
	MUST(raw(SYS_pwritev, fd, (long)some, 2, 5, 0) == 7, "pwritev");
	MUST(raw(SYS_preadv, fd, (long)into, 2, 4, 0) == 8, "preadv");
	MUST(back[0] == 0 && memcmp(back + 1, row, 3) == 0 &&
		memcmp(back + 4, row + 10, 4) == 0,
	    "other bytes");
	MUST(lseek(fd, 0, SEEK_CUR) == 0, "the position has changed");
	MUST(raw(SYS_preadv, fd, (long)into, 2, 12, 0) == 0, "at the end");
	return end();
}

TEST(very_many_pieces_are_one_row)
{
	long len;

	begin(0);
	len = cut(row);
	MUST(writev(fd, pieces, MANY) == len, "writev");
	MUST(raw(SYS_pread64, fd, (long)back, sizeof(back), 0) == len,
	    "the file's size");
	MUST(memcmp(row, back, (size_t)len) == 0, "other bytes are written");
	memset(back, 0, sizeof(back));
	(void)cut(back);
	MUST(lseek(fd, 0, SEEK_SET) == 0, "lseek");
	MUST(readv(fd, pieces, MANY) == len, "readv");
	MUST(memcmp(row, back, (size_t)len) == 0, "other bytes are read");
	MUST(all_bytes(back + len, sizeof(back) - (size_t)len, 0), "behind");
	MUST(readv(fd, pieces, 1025) == -1 && errno == EINVAL, "too many");
	return end();
}

/* More than a server moves at once, from pieces of all sizes. */
TEST(large_pieces_are_one_row)
{
	static const size_t sizes[] = {1, 40000, 4096, 3, 70000, 8191, 12345};
	size_t len = 0, at = 0;
	unsigned char *from, *to;

	begin(0);
	from = pages_private(40);
	to = pages_private(40);
	stamp(from, 40, 3);
	for (int i = 0; i < COUNT(sizes); i++) {
		pieces[i] = (struct iovec){from + len, sizes[i]};
		len += sizes[i];
	}
	MUST(writev(fd, pieces, COUNT(sizes)) == (long)len, "writev");
	for (int i = COUNT(sizes); i-- > 0; at += sizes[i])
		pieces[COUNT(sizes) - 1 - i] =
		    (struct iovec){to + at, sizes[i]};
	MUST(raw(SYS_preadv, fd, (long)pieces, COUNT(sizes), 0, 0) == (long)len,
	    "preadv");
	return memcmp(from, to, len) == 0 ? NULL : "other bytes";
}

/* What is in front of it counts, and what is behind it is not touched. */
TEST(a_piece_that_is_not_there_ends_the_row)
{
	unsigned char *bad = pages_private(1);
	struct iovec first[2] = {{bad, 8}, {row, 8}};
	struct iovec second[3] = {{row, 8}, {bad, 8}, {row + 8, 8}};
	struct iovec into[3] = {{back, 5}, {bad, 8}, {back + 5, 3}};

	begin(0);
	MUST(munmap(bad, PAGE) == 0, "munmap");
	MUST(writev(fd, first, 2) == -1 && errno == EFAULT, "the first");
	MUST(status().st_size == 0, "it wrote");
	MUST(writev(fd, second, 3) == 8, "the second");
	MUST(status().st_size == 8 && lseek(fd, 0, SEEK_CUR) == 8,
	    "the size and the position");
	MUST(lseek(fd, 0, SEEK_SET) == 0, "lseek");
	MUST(readv(fd, first, 2) == -1 && errno == EFAULT, "read the first");
	MUST(readv(fd, into, 3) == 5, "read the second");
	MUST(lseek(fd, 0, SEEK_CUR) == 5, "the position of it");
	MUST(memcmp(back, row, 5) == 0 && back[5] == 0, "other bytes are read");
	return end();
}

TEST(a_piece_that_is_half_there_is_moved_so_far)
{
	unsigned char *p = pages_private(2);
	struct iovec half[2] = {{row, 8}, {p + PAGE - 5, 9}};

	if (on_emulator())
		return SKIP("the emulator takes all of a piece or none of it");
	begin(0);
	MUST(munmap(p + PAGE, PAGE) == 0, "munmap");
	memset(p, 'p', PAGE);
	MUST(writev(fd, half, 2) == 13, "writev");
	MUST(raw(SYS_pread64, fd, (long)back, 100, 0) == 13, "the size");
	MUST(memcmp(back, row, 8) == 0 && all_bytes(back + 8, 5, 'p'),
	    "other bytes");
	MUST(raw(SYS_pwrite64, fd, (long)(row + 100), 100, 0) == 100, "pwrite");
	MUST(lseek(fd, 0, SEEK_SET) == 0, "lseek");
	MUST(readv(fd, half, 2) == 13, "readv");
	MUST(lseek(fd, 0, SEEK_CUR) == 13, "the position");
	MUST(memcmp(p + PAGE - 5, row + 108, 5) == 0, "other bytes are read");
	return end();
}

static void write_records(int tag)
{
	unsigned char part[3][9];
	struct iovec record[3] = {{part[0], 2}, {part[1], 9}, {part[2], 5}};

	memset(part, 'A' + tag, sizeof(part));
	for (int i = 0; i < RECORDS; i++)
		if (writev(fd, record, 3) != 16)
			_exit(1);
	_exit(0);
}

static const char *records_of_many(int flags)
{
	int of[WRITERS] = {0};
	pid_t pids[WRITERS];

	begin(flags);
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = must_fork();
		if (pids[i] == 0)
			write_records(i);
	}
	for (int i = 0; i < WRITERS; i++)
		TRY(child_end(pids[i]));
	MUST(raw(SYS_pread64, fd, (long)back, sizeof(back), 0) ==
		16 * WRITERS * RECORDS,
	    "not all is there");
	for (int i = 0; i < WRITERS * RECORDS; i++) {
		MUST(all_bytes(back + 16L * i, 16, back[16L * i]),
		    "another's bytes are between two pieces");
		of[back[16L * i] - 'A']++;
	}
	for (int i = 0; i < WRITERS; i++)
		MUST(of[i] == RECORDS, "a record is missing");
	return end();
}

/* More is read than memory is found for first, and then a piece is missing. */
TEST(a_piece_that_is_not_there_behind_large_ones_ends_the_row)
{
	unsigned char *p = pages_private(18);
	struct iovec given[3] = {{p, 16 * PAGE}, {p + 16 * PAGE, 100},
	    {p + 17 * PAGE, 9}};

	begin(0);
	MUST(write(fd, p, 18 * PAGE) == 18 * PAGE, "write");
	MUST(lseek(fd, 0, SEEK_SET) == 0, "lseek");
	MUST(munmap(p + 17 * PAGE, PAGE) == 0, "munmap");
	MUST(readv(fd, given, 3) == 16 * PAGE + 100, "readv");
	MUST(lseek(fd, 0, SEEK_CUR) == 16 * PAGE + 100, "the position");
	return end();
}

/* ---- Pieces far from each other, in memory that was never touched ---- */

#define FAR       40
#define FAR_BYTES (FAR * GIB + 2 * PAGE)

/* They begin `before` bytes in front of a border of GiB. */
static void spread(size_t before, size_t len)
{
	unsigned char *far = mmap(NULL, FAR_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (far == MAP_FAILED)
		give_up("no room");
	far += GIB - (uintptr_t)far % GIB;
	for (int i = 0; i < FAR - 1; i++)
		pieces[i] =
		    (struct iovec){far + (size_t)i * GIB + GIB - before, len};
}

SHORT(pieces_far_apart_go_into_a_pipe)
{
	int pipe_fds[2];

	if (pipe(pipe_fds) != 0)
		give_up("pipe");
	spread(1, 3);
	(void)!writev(pipe_fds[1], pieces, FAR - 1);
}

SHORT(pieces_far_apart_come_from_a_pipe)
{
	int pipe_fds[2];

	if (pipe(pipe_fds) != 0 || write(pipe_fds[1], row, ROW / 2) != ROW / 2)
		give_up("pipe");
	spread(1, 2);
	(void)!readv(pipe_fds[0], pieces, FAR - 1);
}

static struct reply write_behind(const struct request *request)
{
	size_t len = request->arg[2], done = 0;

	while (done < len) {
		unsigned char *bytes = pages_private(18);
		long n = port_write(port, 0, done, bytes + PAGE - 1, 16 * PAGE);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return result((long)done);
}

static void read_from_behind(void)
{
	spread(0, 1);
	pieces[0] = (struct iovec){pages_private(16), 16 * PAGE};
	(void)raw(SYS_readv, file, (long)pieces, FAR - 1);
}

TEST(pieces_far_apart_are_written_by_a_server)
{
	const char *wrong;

	if (!on_calf())
		return SKIP("there are no ports");
	is_ordinary = true;
	TRY(service_start(write_behind));
	wrong = is_short(read_from_behind);
	TRY(service_end());
	return wrong;
}

TEST(appended_vectors_of_many_do_not_mix)
{
	return records_of_many(O_APPEND);
}

TEST(vectors_of_many_at_one_position_do_not_mix)
{
	return records_of_many(0);
}

/* ---- What a server sees ---- */

static unsigned char large[2 * PAGE];

#define BITS 7 /* bytes that the server moves at a time */

/* Moves the bytes from behind to the front. */
static struct reply answer_from_behind(const struct request *request)
{
	bool writes = request->number == SYS_write;
	size_t len = request->arg[2], at = len;
	unsigned char bits[BITS];

	while (at > 0) {
		size_t n = at < BITS ? at : BITS;
		long moved;

		at -= n;
		for (size_t i = 0; i < n; i++)
			bits[i] = (unsigned char)((at + i) % 251);
		moved = writes ? port_read(port, 0, at, bits, n)
			       : port_write(port, 0, at, bits, n);
		if (moved != (long)n)
			return result(-errno);
		memcpy(heard->bytes + at, bits, n);
	}
	if (port_read(port, 0, len, bits, 1) > 0 ||
	    port_write(port, 0, len, bits, 1) > 0)
		return result(-1);
	return result((long)len);
}

#define PARTS 48 /* pieces; more than come along */

static void lay_out(struct iovec parts[PARTS], unsigned char *p)
{
	for (int i = 0; i < PARTS; i++)
		parts[i] = (struct iovec){p + i * 29 % PARTS * 64,
		    (size_t)(i * 5 % 32)};
}

/* Each piece has the bytes of the row that are its own, and no other has. */
static const char *laid_out(const struct iovec parts[PARTS],
    const unsigned char *p)
{
	long bytes = 0, own = 0;

	for (int i = 0; i < PARTS; i++) {
		const unsigned char *at = parts[i].iov_base;

		for (size_t k = 0; k < parts[i].iov_len; k++, bytes++)
			MUST(at[k] == bytes % 251, found("byte %ld", bytes));
	}
	for (int i = 0; i < PARTS * 64; i++)
		own += p[i] != 0xff;
	return own == bytes ? NULL : "bytes beside the pieces have changed";
}

static const char *pieces_go_there_and_back(answer_fn *fn)
{
	struct iovec parts[PARTS];
	unsigned char *p;
	long bytes = 0;

	TRY(service_start(fn));
	p = pages_private(1);
	memset(p, 0xff, PAGE);
	lay_out(parts, p);
	for (int i = 0; i < PARTS; i++)
		bytes += (long)parts[i].iov_len;
	MUST(CALL(SYS_readv, (long)parts, PARTS) == bytes, "readv");
	TRY(laid_out(parts, p));
	memset(heard->bytes, 0, sizeof(heard->bytes));
	MUST(CALL(SYS_writev, (long)parts, PARTS) == bytes, "writev");
	for (long i = 0; i < bytes; i++)
		MUST(heard->bytes[i] == i % 251, "other bytes are written");
	return service_end();
}

TEST(pieces_are_lent_as_one_row)
{
	return pieces_go_there_and_back(answer_from_behind);
}

/* The bytes come along with the request, and back with the reply. */
static struct reply answer_at_once(const struct request *request)
{
	size_t len = request->arg[2], have = request->in_len;
	long n;

	if (request->number == SYS_read) {
		for (size_t i = 0; i < len; i++)
			large[i] = (unsigned char)(i % 251);
		return (struct reply){.result = (long)len,
		    .out = large,
		    .out_len = len};
	}
	n = port_read(port, 0, have, heard->bytes + have, len - have);
	return result(have > 0 && n >= 0 ? (long)have + n : -1);
}

TEST(pieces_come_along_and_go_back_with_the_reply)
{
	return pieces_go_there_and_back(answer_at_once);
}

TEST(pieces_go_the_ordinary_way)
{
	is_ordinary = true;
	TRY(pieces_go_there_and_back(answer_from_behind));
	return pieces_go_there_and_back(answer_at_once);
}

static const struct test tests[] = {
    T(a_few_pieces_are_one_row),
    T(a_vector_can_have_a_position),
    T(very_many_pieces_are_one_row),
    T(large_pieces_are_one_row),
    T(a_piece_that_is_not_there_ends_the_row),
    T(a_piece_that_is_half_there_is_moved_so_far),
    T(a_piece_that_is_not_there_behind_large_ones_ends_the_row),
    T(pieces_far_apart_go_into_a_pipe),
    T(pieces_far_apart_come_from_a_pipe),
    T(pieces_far_apart_are_written_by_a_server),
    T(appended_vectors_of_many_do_not_mix),
    T(vectors_of_many_at_one_position_do_not_mix),
    T(pieces_are_lent_as_one_row),
    T(pieces_come_along_and_go_back_with_the_reply),
    T(pieces_go_the_ordinary_way),
};
SUITE(tests)
