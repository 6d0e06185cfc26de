/* SPDX-License-Identifier: MIT */
/*
 * t_port.c - system calls that another process answers: what it is told, what
 * it can reach, how it replies, and how callers wait.
 *
 * t_server.c is about servers and callers that end.
 */
#include "service.h"

#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* ---- What a server is told ---- */

static struct reply answer_42(const struct request *request)
{
	(void)request;
	return result(42);
}

TEST(a_call_is_a_request_and_the_reply_its_result)
{
	const struct request *last;
	uint64_t id;

	TRY(service_start(answer_42));
	last = &heard->last;
	MUST(CALL(SYS_fchown, 11, 12) == 42, "the result is another");
	MUST(last->number == SYS_fchown && last->token == TOKEN, "what");
	MUST(last->arg[0] == (uint64_t)file && last->arg[1] == 11 &&
		last->arg[2] == 12,
	    "the arguments are others");
	MUST(last->pid == getpid() && last->pgid == getpgid(0) &&
		last->sid == getsid(0),
	    "who asks");
	MUST(last->flags == O_RDWR && last->umask == 022, "how");
	id = last->id;
	MUST(id != 0, "a call has no number");
	MUST(CALL(SYS_fsync, 0) == 42 && last->id != 0 && last->id != id,
	    "two calls have one number");
	return service_end();
}

TEST(what_means_nothing_is_zero)
{
	const struct request *last;

	TRY(service_start(answer_42));
	last = &heard->last;
	MUST(CALL(SYS_lseek, 1, 2, 333, 444, 555) == 42, "the result");
	MUST(last->arg[2] == 2, "the arguments");
	MUST(last->arg[3] == 0 && last->arg[4] == 0 && last->arg[5] == 0,
	    "a server is told what is in registers that are no arguments");
	MUST(last->second == 0 && last->deaf == 0 && last->in_len == 0,
	    "something else is told");
	close(file);
	return service_end();
}

TEST(nothing_more_is_told_the_ordinary_way)
{
	is_ordinary = true;
	return what_means_nothing_is_zero();
}

TEST(a_server_is_told_the_time)
{
	struct timespec before, after;
	long time;

	TRY(service_start(answer_42));
	clock_gettime(CLOCK_REALTIME, &before);
	MUST(CALL(SYS_fsync) == 42, "the result");
	clock_gettime(CLOCK_REALTIME, &after);
	time = (long)(heard->last.time / 1000000000);
	MUST(time >= before.tv_sec && time <= after.tv_sec, "another time");
	close(file);
	return service_end();
}

/* Every register but a0 has a value of its own around an ecall. */
#ifdef __riscv
#define EACH(op)                                                              \
	op(ra, 1) op(t0, 5) op(t1, 6) op(t2, 7) op(s1, 9) op(s2, 18)          \
	    op(s3, 19) op(s4, 20) op(s5, 21) op(s6, 22) op(s7, 23) op(s8, 24) \
		op(s9, 25) op(s10, 26) op(s11, 27) op(t3, 28) op(t4, 29)      \
		    op(t5, 30) op(t6, 31)
#define SET(reg, n) "	li " #reg ", 0x5500 + " #n "\n"
#define SUM(reg, n)                                     \
	"	addi " #reg ", " #reg ", -" #n "\n"     \
	"	li a6, 0x5500\n	sub a6, " #reg ", a6\n" \
	"	or a5, a5, a6\n"

/* The sum of what has changed, or of what is not as it was in a1 to a4. */
static long call_with_all(long nr, long a, long b, long c, long d, long e)
{
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	register long a4 __asm__("a4") = e;
	register long a5 __asm__("a5") = 0;
	register long a7 __asm__("a7") = nr;

	__asm__ volatile(EACH(SET) "	ecall\n" EACH(SUM)
			 : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4),
			 "+r"(a5)
			 : "r"(a7)
			 : "memory", "ra", "t0", "t1", "t2", "s1", "s2", "s3",
			 "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3",
			 "t4", "t5", "t6", "a6");
	if (a1 != b || a2 != c || a3 != d || a4 != e || a0 < 0)
		a5 |= 1;
	return a5;
}
#else
static long call_with_all(long nr, long a, long b, long c, long d, long e)
{
	return raw(nr, a, b, c, d, e) < 0;
}
#endif

_Noreturn static void serve_with_all(void)
{
	static struct reply reply = {.result = 7};
	static struct request request;

	close(file);
	while (request.number != REQUEST_CLOSED)
		if (call_with_all(SYS_port_next, port, (long)&reply,
			(long)&request, 0, 0) != 0)
			give_up("a register of the server has changed");
	_exit(0);
}

TEST(all_registers_but_the_result_stay)
{
	pid_t pid;
	int i;

	TRY(port_make(1));
	pid = must_fork();
	if (pid == 0)
		serve_with_all();
	port_leave_to(pid);
	for (i = 0; i < 20; i++)
		MUST(call_with_all(SYS_fchown, file, 1, 2, 3, 4) == 0,
		    "a register of the caller has changed");
	return service_end();
}

/* ---- What it can reach ---- */

static long reach[8];
static unsigned char lent[2 * PAGE];

/* Reads the whole of a lease, and what is around it; tells in `heard`. */
static struct reply answer_probe(const struct request *request)
{
	static unsigned char from[64] = {9, 9, 9, 9, 9, 9, 9, 9};
	long *seen = (long *)heard->bytes;
	uint64_t n = request->arg[2];

	if (request->number == SYS_write) {
		seen[0] = port_read(port, 0, 0, lent, sizeof(lent));
		seen[1] = port_read(port, 0, n - 1, lent, 8);
		seen[2] = port_read(port, 0, n, lent, 8);
		seen[3] = port_read(port, 0, UINT64_MAX - 3, lent, 8);
		seen[4] = port_write(port, 0, 0, from, 8) < 0 ? -errno : 0;
		seen[5] = port_read(port, 1, 0, lent, 8) < 0 ? -errno : 0;
	} else {
		seen[0] = port_write(port, 0, 0, from, n);
		seen[1] = port_write(port, 0, n - 1, from, 8);
		seen[2] = port_write(port, 0, n, from, 8);
		seen[3] = port_write(port, 0, UINT64_MAX - 3, from, 8);
		seen[4] = port_read(port, 0, 0, lent, 8) < 0 ? -errno : 0;
		seen[5] = port_write(port, 1, 0, from, 8) < 0 ? -errno : 0;
	}
	return result(1);
}

static const char *probe(long nr)
{
	static unsigned char around[192];
	int i;

	memset(around, 5, sizeof(around));
	MUST(CALL(nr, (long)(around + 64), 48) == 1, "the result");
	memcpy(reach, heard->bytes, sizeof(reach));
	MUST(reach[0] == 48, found("%ld of 48 bytes", reach[0]));
	MUST(reach[1] == 1 && reach[2] == 0 && reach[3] == 0,
	    "it reaches beyond what is lent");
	MUST(reach[4] == -EINVAL, "it reaches in the wrong direction");
	MUST(reach[5] == -EINVAL, "there is a second lease");
	for (i = 0; i < 64; i++)
		MUST(around[i] == 5 && around[112 + i] == 5,
		    "bytes beside it have changed");
	if (nr == SYS_read)
		MUST(around[64] == 9 && around[111] == 9 && around[80] == 0,
		    "its bytes have not");
	return NULL;
}

TEST(a_server_reaches_what_is_lent_and_no_more)
{
	TRY(service_start(answer_probe));
	TRY(probe(SYS_write));
	TRY(probe(SYS_read));
	return service_end();
}

TEST(the_ordinary_way_reaches_no_more)
{
	is_ordinary = true;
	return a_server_reaches_what_is_lent_and_no_more();
}

/* Fills all memory that is lent, by a reply to any request. */
static unsigned char letters[MIB];

static struct reply answer_letters(const struct request *request)
{
	struct reply reply = {.result = (long)request->arg[2],
	    .out = letters,
	    .out_len = request->arg[2]};

	if (request->number == SYS_write) {
		long n = port_read(port, 0, 0, letters, request->arg[2]);

		return result(n < 0 ? -errno : n);
	}
	memset(letters, 'a' + heard->calls % 16, 2 * PAGE);
	return reply;
}

/* Cells. */
enum { SIGNALLED, SIGNALS };

static void on_signal(int signal)
{
	(void)signal;
	cell_add(SIGNALS, 1);
}

static struct reply answer_signalled(const struct request *request)
{
	const struct sigaction action = {.sa_handler = on_signal,
	    .sa_flags = SA_RESTART};

	(void)sigaction(SIGUSR1, &action, NULL);
	cell_set(SIGNALLED, getpid());
	return answer_letters(request);
}

/* port_read() must not return fewer bytes because the server gets a signal. */
TEST(signals_do_not_cut_short_what_is_lent)
{
	unsigned char *p = pages_private(MIB / PAGE);
	pid_t pid;

	TRY(service_start(answer_signalled));
	MUST(write(file, p, 1) == 1, "a byte");
	pid = must_fork();
	if (pid == 0)
		for (;;) {
			kill(cell_get(SIGNALLED), SIGUSR1);
			sleep_ms(1);
		}
	for (int i = 0; i < 50; i++) {
		long n = write(file, p, MIB);

		MUST(n == (long)MIB, found("write %d of %ld bytes", i, n));
	}
	kill(pid, SIGKILL);
	(void)reap(pid);
	MUST(cell_get(SIGNALS) > 0, "no signal has come");
	return service_end();
}

TEST(a_buffer_that_is_not_there_is_the_callers_fault)
{
	unsigned char *p;

	TRY(service_start(answer_letters));
	p = pages_private(3);
	MUST(munmap(p + PAGE, PAGE) == 0, "munmap");
	MUST(mprotect(p + 2 * PAGE, PAGE, PROT_READ) == 0, "mprotect");
	MUST(CALL(SYS_read, (long)(p + PAGE), 8) == -EFAULT, "unmapped");
	MUST(CALL(SYS_read, (long)(p + 2 * PAGE), 8) == -EFAULT, "read-only");
	MUST(CALL(SYS_read, (long)(p + PAGE - 8), 16) == 8, "the half");
	MUST(CALL(SYS_read, -8L, 8) == -EFAULT, "the kernel's");
	MUST(CALL(SYS_read, (1L << 38) - 4, 8) == -EFAULT, "at the border");
	MUST(CALL(SYS_write, (long)(p + PAGE), 8) == -EFAULT, "source");
	MUST(CALL(SYS_read, (long)p, PAGE) == (long)PAGE, "a good one");
	MUST(p[0] >= 'a' && p[PAGE - 1] == p[0], "its bytes");
	return service_end();
}

static struct reply answer_partly(const struct request *request)
{
	long n = port_write(port, 0, 0, letters, request->arg[2]);

	return result(n < 0 ? -errno : n);
}

TEST(port_write_says_how_much_there_was_room_for)
{
	unsigned char *p;

	TRY(service_start(answer_partly));
	p = pages_private(2);
	MUST(munmap(p + PAGE, PAGE) == 0, "munmap");
	MUST(CALL(SYS_read, (long)(p + PAGE - 100), 200) == 100, "the half");
	MUST(CALL(SYS_read, (long)(p + PAGE), 200) == -EFAULT, "nothing");
	return service_end();
}

/* Parent and child have read and written the page before, on any hart. */
TEST(a_page_that_fork_shares_is_the_callers_alone)
{
	unsigned char *p;
	pid_t pid;
	int i;

	TRY(service_start(answer_letters));
	p = pages_private(2);
	for (i = 0; i < 50; i++) {
		memset(p, '0', 2 * PAGE);
		pid = must_fork();
		if (pid == 0) {
			MUST(p[PAGE] == '0', "the child's page");
			if (CALL(SYS_read, (long)(p + PAGE - 8), 16) != 16)
				give_up("the result");
			if (p[PAGE - 9] != '0' || p[PAGE + 8] != '0')
				give_up("bytes beside it have changed");
			if (p[PAGE - 8] < 'a' || p[PAGE + 7] != p[PAGE - 8])
				give_up("the child does not see its bytes");
			_exit(0);
		}
		TRY(child_end(pid));
		MUST(all_bytes(p, 2 * PAGE, '0'), "the parent sees them");
		MUST(CALL(SYS_read, (long)p, PAGE) == (long)PAGE, "result");
		MUST(p[0] >= 'a' && p[PAGE - 1] == p[0] && p[PAGE] == '0',
		    "the parent's own");
	}
	return service_end();
}

TEST(shared_memory_is_lent_as_such)
{
	unsigned char *p;

	TRY(port_make(1));
	p = pages_shared(1);
	port_leave_to(server_start(answer_letters));
	MUST(CALL(SYS_read, (long)p, PAGE) == (long)PAGE, "the result");
	MUST(p[0] >= 'a' && p[PAGE - 1] == p[0], "its bytes");
	p[0] = 'X';
	MUST(CALL(SYS_write, (long)p, PAGE) == (long)PAGE &&
		heard->bytes[0] == 'X',
	    "what is written");
	return service_end();
}

static struct reply answer_copy(const struct request *request)
{
	size_t n = request->in_len;

	memcpy(letters, heard->bytes, n);
	while (n < request->arg[2]) {
		long more =
		    port_read(port, 0, n, letters + n, request->arg[2] - n);

		if (more <= 0)
			return result(-errno);
		n += (size_t)more;
	}
	if (request->number == SYS_pwrite64)
		return result((long)n);
	return result(port_read(port, 0, n, letters, 1) == 0 ? (long)n : -1);
}

TEST(a_mebibyte_goes_there_and_back)
{
	unsigned char *p;
	pid_t pid;

	TRY(port_make(1));
	pid = must_fork();
	if (pid == 0)
		serve(answer_copy, PAGE / 2 + 1);
	port_leave_to(pid);
	p = pages_private(MIB / PAGE + 1) + 3;
	stamp(p + PAGE - 3, MIB / PAGE - 1, 77);
	MUST(CALL(SYS_write, (long)p, MIB) == (long)MIB, "the result");
	MUST(stamped(p + PAGE - 3, MIB / PAGE - 1, 77), "it has changed");
	MUST(CALL(SYS_write, (long)p, 100) == 100, "a short one");
	MUST(memcmp(heard->bytes, p, 100) == 0, "its bytes");
	return service_end();
}

TEST(many_bytes_come_back_in_one_reply)
{
	unsigned char *p;

	TRY(service_start(answer_letters));
	p = pages_private(MIB / PAGE);
	stamp(p, MIB / PAGE, 3);
	MUST(CALL(SYS_read, (long)(p + 5), MIB - PAGE) == (long)(MIB - PAGE),
	    "the result");
	MUST(p[4] != p[5] && all_bytes(p + 5, 2 * PAGE, p[5]), "the first");
	MUST(all_bytes(p + 5 + 2 * PAGE, MIB - 3 * PAGE, 0), "the others");
	MUST(stamped(p + MIB - PAGE, 0, 3), "behind");
	return service_end();
}

/* ---- Which calls ---- */

static struct reply answer_number(const struct request *request)
{
	return result((long)request->number);
}

TEST(calls_arrive_as_what_they_are)
{
	static const int numbers[] = {SYS_read, SYS_write, SYS_lseek,
	    SYS_pread64, SYS_pwrite64, SYS_fstat, SYS_getdents64, SYS_ioctl,
	    SYS_ftruncate, SYS_fsync, SYS_fdatasync, SYS_fallocate, SYS_fstatfs,
	    SYS_fchmod, SYS_fchown, SYS_flock};
	static char buffer[256];
	struct iovec v[3] = {{NULL, 0}, {buffer + 8, 5}, {buffer, 9}};
	int i, other[2];

	MUST(pipe(other) == 0, "no pipe");
	TRY(service_start(answer_number));
	for (i = 0; i < COUNT(numbers); i++)
		MUST(CALL(numbers[i], (long)buffer, 8) == numbers[i],
		    found("call %d", numbers[i]));
	MUST(CALL(SYS_readv, (long)v, 3) == SYS_read, "readv");
	MUST(heard->last.arg[1] == (uintptr_t)buffer + 8 &&
		heard->last.arg[2] == 14,
	    "all bytes of readv");
	MUST(CALL(SYS_writev, (long)v, 3) == SYS_write, "writev");
	MUST(CALL(SYS_writev, (long)v, 1) == 0,
	    "no bytes, and nobody is asked");
	MUST(raw(SYS_preadv, file, (long)v, 3, 77, 0) == SYS_pread64 &&
		heard->last.arg[1] == (uintptr_t)buffer + 8 &&
		heard->last.arg[2] == 14 && heard->last.arg[3] == 77,
	    "preadv");
	MUST(raw(SYS_pwritev, file, (long)(v + 2), 1, 78, 0) == SYS_pwrite64 &&
		heard->last.arg[2] == 9 && heard->last.arg[3] == 78,
	    "pwritev");
	MUST(CALL(SYS_newfstatat, (long)"", (long)buffer, AT_EMPTY_PATH) ==
		SYS_fstat,
	    "newfstatat of the file itself");
	MUST(CALL(SYS_mmap, 0, 0) < 0 &&
		raw(SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED, file, 0) == -EIO,
	    "mmap, whose answer is no number");
	MUST(raw(SYS_ftruncate, other[0], 0) == -EINVAL &&
		raw(SYS_pwrite64, other[0], 1, 1, 0) == -ESPIPE &&
		raw(SYS_getdents64, other[0], 1, 1) == -ENOTDIR &&
		raw(SYS_fsync, 99) == -EBADF,
	    "other files have learned something");
	return service_end();
}

static struct reply answer_lease(const struct request *request)
{
	long in = port_read(port, 0, 0, letters, sizeof(letters));
	long out = port_write(port, 0, 0, letters, sizeof(letters));

	(void)request;
	return result((in < 0 ? 9000 : in) * 10000 + (out < 0 ? 9000 : out));
}

#define LENDS(in, out) ((in)*10000L + (out))
#define NONE           9000

TEST(commands_of_ioctl_say_what_they_lend)
{
	static char buffer[256];

	TRY(service_start(answer_lease));
	MUST(CALL(SYS_ioctl, TCGETS, (long)buffer) == LENDS(64, 64),
	    "a terminal's");
	MUST(CALL(SYS_ioctl, 0x40184601, (long)buffer) == LENDS(24, NONE),
	    "in");
	MUST(heard->last.in_len == 24, "its bytes come along");
	MUST(CALL(SYS_ioctl, 0x80184601, (long)buffer) == LENDS(NONE, 24),
	    "out");
	MUST(CALL(SYS_ioctl, 0xc0184601, (long)buffer) == LENDS(24, 24),
	    "both");
	MUST(CALL(SYS_ioctl, 0x4601, (long)buffer) == LENDS(NONE, NONE),
	    "neither");
	MUST(CALL(SYS_fstat, (long)buffer) == LENDS(NONE, 128), "stat");
	MUST(CALL(SYS_fstatfs, (long)buffer) == LENDS(NONE, 120), "statfs");
	return service_end();
}

TEST(a_file_is_open_for_reading_or_writing)
{
	int reads, writes;
	static char c;

	TRY(port_make(1));
	reads = port_open(port, 5, O_RDONLY, 0, 0);
	writes = port_open(port, 6, O_WRONLY | O_APPEND | O_CLOEXEC, 0, 0);
	port_leave_to(server_start(answer_number));
	MUST(raw(SYS_read, reads, (long)&c, 1) == SYS_read &&
		heard->last.token == 5 && heard->last.flags == O_RDONLY,
	    "reading");
	MUST(raw(SYS_write, reads, (long)&c, 1) == -EBADF &&
		raw(SYS_pwrite64, reads, (long)&c, 1, 0) == -EBADF &&
		raw(SYS_pread64, writes, (long)&c, 1, 0) == -EBADF &&
		raw(SYS_read, writes, (long)&c, 1) == -EBADF,
	    "the other way");
	MUST(raw(SYS_write, writes, (long)&c, 1) == SYS_write &&
		heard->last.token == 6 &&
		heard->last.flags == (O_WRONLY | O_APPEND),
	    "writing");
	MUST(fcntl(writes, F_GETFD) == FD_CLOEXEC && fcntl(reads, F_GETFD) == 0,
	    "what exec closes");
	return service_end();
}

/* Between an empty path, which names the file, and a long one. */
static void toggle_empty(volatile char *path)
{
	volatile int n;

	for (;;) {
		path[0] = path[0] == '/' ? '\0' : '/';
		for (n = 0; n < 1000; n++)
			continue;
	}
}

TEST(a_path_that_becomes_empty_leads_to_its_end)
{
	static struct stat st;
	char *path;
	long end, n;
	pid_t pid;

	TRY(service_start(answer_42));
	path = (char *)pages_shared(1);
	long_path(path, PAGE);
	pid = must_fork();
	if (pid == 0)
		toggle_empty(path);
	for (end = now_ms() + 400; now_ms() < end;) {
		n = CALL(SYS_newfstatat, (long)path, (long)&st, AT_EMPTY_PATH);
		MUST(n == 0 || n == 42, found("the result is %ld", n));
	}
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
	return service_end();
}

/* ---- The position ---- */

/* A file of which each byte tells its place. */
static struct reply answer_place(const struct request *request)
{
	struct reply reply = {.flags = REPLY_POSITION};
	uint64_t at = request->position;

	if (request->number == SYS_pread64) {
		reply.flags = 0;
		at = request->arg[3];
	}
	if (request->number == SYS_lseek) {
		reply.position =
		    request->arg[1] + (request->arg[2] == SEEK_CUR ? at : 0);
		reply.result = (long)reply.position;
		return reply;
	}
	reply.result = (long)request->arg[2];
	reply.position = at + request->arg[2];
	for (uint64_t i = 0; i < request->arg[2]; i++)
		letters[i] = (unsigned char)(at + i);
	reply.out = letters;
	reply.out_len = request->arg[2];
	return reply;
}

static int place(void)
{
	unsigned char c[3] = {0};

	if (CALL(SYS_read, (long)c, 3) != 3 || c[2] != c[0] + 2)
		return -1;
	return c[0];
}

TEST(the_position_is_the_open_files)
{
	unsigned char c = 0;
	int copy;
	pid_t pid;

	TRY(service_start(answer_place));
	copy = dup(file);
	MUST(place() == 0 && place() == 3, "reading moves it");
	pid = must_fork();
	if (pid == 0)
		_exit(place());
	MUST(exited_with(reap(pid), 6), "a child has the same");
	MUST(place() == 9, "and moves it");
	MUST(raw(SYS_pread64, copy, (long)&c, 1, 77) == 1 && c == 77, "pread");
	MUST(raw(SYS_lseek, copy, 0, SEEK_CUR) == 12, "does not move it");
	MUST(lseek(copy, 100, SEEK_SET) == 100 && place() == 100, "lseek");
	MUST(CALL(SYS_read, 8, 3) == -EFAULT && place() == 103,
	    "what has failed does not move it");
	close(copy);
	return service_end();
}

TEST(the_position_is_moved_the_ordinary_way)
{
	is_ordinary = true;
	return the_position_is_the_open_files();
}

/* ---- Descriptors as results ---- */

static struct reply answer_open(const struct request *request)
{
	struct reply reply = {.flags = REPLY_FILE,
	    .token = 1000 + request->arg[1],
	    .file_flags = (uint32_t)request->arg[2] | O_CREAT};

	if (request->number == SYS_fchown)
		return reply;
	return result((long)request->token);
}

TEST(a_reply_can_be_a_descriptor)
{
	int fd, i;

	TRY(service_start(answer_open));
	fd = (int)CALL(SYS_fchown, 7, O_RDWR | O_CLOEXEC);
	MUST(fd >= 0, "no descriptor");
	MUST(fcntl(fd, F_GETFD) == FD_CLOEXEC, "closed by exec");
	MUST(fcntl(fd, F_GETFL) == O_RDWR, "how it is open");
	MUST(raw(SYS_fsync, fd) == 1007, "another file");
	MUST(CALL(SYS_fsync, 0) == (long)TOKEN, "not this one");
	close(fd);
	while ((i = dup(file)) >= 0)
		fd = i;
	MUST(fd == 511, "the table is not full");
	MUST(CALL(SYS_fchown, 9, O_RDWR) == -EMFILE, "there is no room");
	for (i = 3; i <= fd; i++)
		if (i != file)
			close(i);
	MUST(CALL(SYS_fsync, 0) == (long)TOKEN, "still there");
	MUST(heard->notes == 2 && heard->closed == 1009,
	    "the server thinks that it is open");
	return service_end();
}

/* ---- vfork ---- */

static char words[8];

static void call_and_exit(void)
{
	_exit(CALL(SYS_write, (long)words, 5) == 42 &&
		    memcmp(heard->bytes, "vfork", 5) == 0
		? 0
		: 1);
}

TEST(a_vfork_child_can_call)
{
	unsigned char *stack;
	pid_t pid;
	int i;

	TRY(service_start(answer_42));
	stack = pages_private(16);
	for (i = 0; i < 20; i++) {
		memcpy(words, "vfork", 5);
		pid = vfork_on(stack + 16 * PAGE, call_and_exit);
		MUST(exited_with(reap(pid), 0), "the child's call");
		MUST(CALL(SYS_write, (long)"parent", 6) == 42, "the parent's");
	}
	return service_end();
}

static const struct test tests[] = {
    T(a_call_is_a_request_and_the_reply_its_result),
    T(what_means_nothing_is_zero),
    T(nothing_more_is_told_the_ordinary_way),
    T(a_server_is_told_the_time),
    T(all_registers_but_the_result_stay),
    T(a_server_reaches_what_is_lent_and_no_more),
    T(the_ordinary_way_reaches_no_more),
    T(signals_do_not_cut_short_what_is_lent),
    T(a_buffer_that_is_not_there_is_the_callers_fault),
    T(port_write_says_how_much_there_was_room_for),
    T(a_page_that_fork_shares_is_the_callers_alone),
    T(shared_memory_is_lent_as_such),
    T(a_mebibyte_goes_there_and_back),
    T(many_bytes_come_back_in_one_reply),
    T(calls_arrive_as_what_they_are),
    T(commands_of_ioctl_say_what_they_lend),
    T(a_path_that_becomes_empty_leads_to_its_end),
    T(a_file_is_open_for_reading_or_writing),
    T(the_position_is_the_open_files),
    T(the_position_is_moved_the_ordinary_way),
    T(a_reply_can_be_a_descriptor),
    T(a_vfork_child_can_call),
};

SUITE(tests)
