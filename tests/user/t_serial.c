/* SPDX-License-Identifier: MIT */
/*
 * t_serial.c - the serial port in the hands of programs: its registers, and its
 * interrupts as notes. This is process 1, in the place of the console server:
 *
 *     boot.serial rdinit=/bin/t_serial
 */
#include "service.h"

#include <sys/ioctl.h>
#include <sys/wait.h>

#define TOLD 55 /* the token of its interrupts */

/* Registers, where they are a byte apart. */
enum { INTERRUPTS = 1, CAUSE = 2, STATUS = 5 };
#define RECEIVED 1 /* of INTERRUPTS */
#define SENT     2
#define IS_SENT  0x20 /* of STATUS */

static int device = -1;

static volatile unsigned char *map_device(void)
{
	volatile unsigned char *p =
	    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);

	if (p == MAP_FAILED)
		give_up(found("not mapped: errno %d", errno));
	return p;
}

static long map_as(size_t len, int flags, long offset)
{
	return raw(SYS_mmap, 0, (long)len, PROT_READ | PROT_WRITE, flags,
	    device, offset);
}

static long tell_port(int fd)
{
	struct device_port wish = {.port = fd, .token = TOLD};

	return raw(SYS_ioctl, device, DEVICE_PORT, (long)&wish);
}

TEST(its_registers_are_where_they_are_mapped)
{
	volatile unsigned char *p = map_device();

	MUST(p[STATUS] & IS_SENT, "it does not send");
	MUST(p[INTERRUPTS] <= RECEIVED, "another interrupt is on");
	MUST(map_device() == p, "elsewhere the second time");
	return NULL;
}

TEST(it_cannot_be_mapped_otherwise)
{
	MUST(map_as(0, MAP_SHARED, 0) == -EINVAL, "nothing");
	MUST(map_as(PAGE + 1, MAP_SHARED, 0) == -EINVAL, "two pages");
	MUST(map_as(PAGE, MAP_PRIVATE, 0) == -EINVAL, "a copy");
	MUST(map_as(PAGE, MAP_SHARED, PAGE) == -EINVAL, "what is behind");
	MUST(map_as(PAGE, MAP_SHARED | MAP_FIXED, 0) == -EINVAL, "fixed");
	return NULL;
}

static uintptr_t target; /* from the page of the registers on */

/* Loads from the registers in a process that has mapped them. */
static void load_there(void)
{
	uintptr_t page = (uintptr_t)map_device() & ~(uintptr_t)(PAGE - 1);

	(void)*(volatile unsigned char *)(page + target);
}

static void store_there(void)
{
	uintptr_t page = (uintptr_t)map_device() & ~(uintptr_t)(PAGE - 1);

	*(volatile unsigned char *)(page + target) = 1;
}

TEST(nothing_around_it_can_be_touched)
{
	static const uintptr_t places[] = {-PAGE, PAGE, 1UL << 21, 1UL << 30,
	    -(1UL << 30), -0x3f7fe00000};

	for (int i = 0; i < COUNT(places); i++) {
		target = places[i];
		TRY(expect_signal(load_there, SIGSEGV));
		TRY(expect_signal(store_there, SIGSEGV));
	}
	return NULL;
}

static void execute_it(void)
{
	void (*fn)(void) = (void (*)(void))(uintptr_t)map_device();

	fn();
}

TEST(it_cannot_be_executed)
{
	return expect_signal(execute_it, SIGSEGV);
}

TEST(it_is_no_memory_for_calls)
{
	volatile unsigned char *p = map_device();
	int fds[2];

	MUST(pipe(fds) == 0, "no pipe");
	MUST(raw(SYS_write, fds[1], (long)p, 1) == -EFAULT, "write");
	MUST(write(fds[1], "x", 1) == 1, "no byte");
	MUST(raw(SYS_read, fds[0], (long)p, 1) == -EFAULT, "read");
	MUST(raw(SYS_munmap, (long)p, PAGE) == -EINVAL, "munmap");
	MUST(raw(SYS_mprotect, (long)p, PAGE, PROT_READ) < 0, "mprotect");
	MUST(raw(SYS_futex, (long)p, 0, p[0], 0) == -EFAULT, "futex");
	return NULL;
}

TEST(a_fork_has_to_map_it_itself)
{
	volatile unsigned char *p = map_device();
	pid_t pid;

	TRY(expect_no_load(p));
	pid = must_fork();
	if (pid == 0)
		_exit(map_device() == p && (p[STATUS] & IS_SENT) ? 0 : 1);
	MUST(exited_with(reap(pid), 0), "it cannot");
	MUST(p[STATUS] & IS_SENT, "the parent has lost it");
	return NULL;
}

static volatile unsigned char *vfork_sees;

static void look_and_end(void)
{
	_exit(vfork_sees[STATUS] & IS_SENT ? 0 : 1);
}

TEST(a_vfork_child_has_it_as_it_has_all_memory)
{
	static unsigned char stack[4096] __attribute__((aligned(16)));
	pid_t pid;

	vfork_sees = map_device();
	pid = vfork_on(stack + sizeof(stack), look_and_end);
	MUST(exited_with(reap(pid), 0), "the child");
	MUST(vfork_sees[STATUS] & IS_SENT, "the parent");
	return NULL;
}

static void execute_and_look(void)
{
	char address[20],
	    *argv[] = {(char *)suite_path, (char *)"@look", address, NULL};

	snprintf(address, sizeof(address), "%lu", -(unsigned long)map_device());
	execv(suite_path, argv);
}

TEST(a_program_that_is_executed_has_it_no_more)
{
	return expect_signal(execute_and_look, SIGSEGV);
}

TEST(its_interrupts_go_to_ports_only)
{
	struct device_port *wish = (void *)pages_private(1);

	TRY(port_make(1));
	MUST(tell_port(400) == -EBADF, "no descriptor");
	MUST(tell_port(0) == -EINVAL, "a terminal");
	MUST(tell_port(file) == -EINVAL, "a file of a port");
	MUST(tell_port(device) == -EINVAL, "itself");
	MUST(raw(SYS_ioctl, device, DEVICE_PORT, 0) == -EFAULT, "nowhere");
	wish->port = port;
	mprotect(wish, PAGE, PROT_READ);
	MUST(raw(SYS_ioctl, device, DEVICE_PORT, (long)wish) == -EFAULT,
	    "no room for the answer");
	MUST(raw(SYS_ioctl, device, 0x5401, 0) == -ENOTTY, "a terminal's");
	MUST(raw(SYS_read, device, (long)wish, 1) == -EBUSY, "read");
	return NULL;
}

TEST(its_interrupts_go_to_one_port)
{
	int first;

	TRY(port_make(1));
	first = port;
	MUST(tell_port(first) == 0, "the first");
	MUST(tell_port(first) == -EBUSY, "twice");
	TRY(port_make(1));
	MUST(tell_port(port) == -EBUSY, "the second");
	close(first);
	MUST(tell_port(port) == 0, "the second, after the first");
	return NULL;
}

/* The next request has to be that note. */
static const char *take_note(void)
{
	struct request request;

	MUST(port_next(port, NULL, &request, NULL, 0) == 0,
	    found("port_next: %d", errno));
	MUST(request.number == REQUEST_INTERRUPT && request.token == TOLD,
	    found("request %lu", (unsigned long)request.number));
	return NULL;
}

static const char *expect_no_note(void)
{
	struct request request;

	(void)fcntl(port, F_SETFL, O_NONBLOCK);
	MUST(port_next(port, NULL, &request, NULL, 0) == -1 && errno == EAGAIN,
	    "another note");
	(void)fcntl(port, F_SETFL, 0);
	return NULL;
}

static const char *serve_notes(void)
{
	volatile unsigned char *p = map_device();

	p[INTERRUPTS] = 0;
	TRY(take_note()); /* that it is ours now */
	TRY(expect_no_note());
	p[INTERRUPTS] = SENT;
	TRY(take_note());
	MUST((p[CAUSE] & 7) == SENT, "another cause");
	TRY(expect_no_note());
	p[INTERRUPTS] = 0;
	p[INTERRUPTS] = SENT;
	TRY(take_note());
	p[INTERRUPTS] = 0;
	return NULL;
}

TEST(an_interrupt_is_told_until_it_has_been_dealt_with)
{
	TRY(port_make(1));
	MUST(tell_port(port) == 0, "no interrupts");
	return in_child(serve_notes);
}

static const char *take_note_and_die(void)
{
	TRY(take_note());
	raise(SIGKILL);
	return NULL;
}

static const char *find_note(void)
{
	TRY(take_note());
	return expect_no_note();
}

TEST(an_interrupt_outlives_a_server)
{
	volatile unsigned char *p = map_device();

	TRY(port_make(1));
	MUST(tell_port(port) == 0, "no interrupts");
	p[INTERRUPTS] = 0;
	MUST(killed_by(reap(child_start(take_note_and_die)), SIGKILL),
	    "the first server");
	return in_child(find_note);
}

/* The interrupt does not end, as its cause is not read. */
static const char *serve_storm(void)
{
	map_device()[INTERRUPTS] = SENT;
	for (;;)
		TRY(take_note());
	return NULL;
}

TEST(a_storm_of_interrupts_does_not_stop_others)
{
	pid_t pid;
	long end;

	TRY(port_make(1));
	MUST(tell_port(port) == 0, "no interrupts");
	pid = child_start(serve_storm);
	end = now_ms() + 300;
	for (int i = 0; i < 200 && now_ms() < end; i++) {
		pid_t child = must_fork();

		if (child == 0)
			_exit(0);
		reap(child);
	}
	kill(pid, SIGKILL);
	MUST(killed_by(reap(pid), SIGKILL), "the server");
	return NULL;
}

/* The registers are as the kernel sets them: only bytes that come interrupt. */
static const char *is_the_kernels(void)
{
	unsigned char on = map_device()[INTERRUPTS];

	MUST(on == RECEIVED || on == 0, found("interrupts %x", on));
	return NULL;
}

TEST(it_is_the_kernels_again_when_nobody_serves)
{
	TRY(port_make(1));
	MUST(tell_port(port) == 0, "no interrupts");
	map_device()[INTERRUPTS] = SENT;
	close(port);
	TRY(is_the_kernels());
	TRY(port_make(1));
	MUST(tell_port(port) == 0, "no interrupts, the second time");
	MUST(killed_by(reap(child_start(take_note_and_die)), SIGKILL),
	    "the server");
	close(port);
	return is_the_kernels();
}

/* The server that has the note in hand has closed the port. */
static const char *close_with_note(void)
{
	TRY(take_note());
	close(port);
	sleep_ms(50);
	return NULL;
}

TEST(a_note_may_outlive_its_port)
{
	pid_t pid;
	int first;

	TRY(port_make(1));
	MUST(tell_port(port) == 0, "no interrupts");
	pid = child_start(close_with_note);
	close(port);
	sleep_ms(20);
	TRY(port_make(1));
	first = port;
	MUST(tell_port(first) == 0, "it is not free");
	TRY(in_child(find_note));
	return child_end(pid);
}

static const struct test tests[] = {
    T(its_registers_are_where_they_are_mapped),
    T(it_cannot_be_mapped_otherwise),
    T(nothing_around_it_can_be_touched),
    T(it_cannot_be_executed),
    T(it_is_no_memory_for_calls),
    T(a_fork_has_to_map_it_itself),
    T(a_vfork_child_has_it_as_it_has_all_memory),
    T(a_program_that_is_executed_has_it_no_more),
    T(its_interrupts_go_to_ports_only),
    T(its_interrupts_go_to_one_port),
    T(an_interrupt_is_told_until_it_has_been_dealt_with),
    T(an_interrupt_outlives_a_server),
    T(a_storm_of_interrupts_does_not_stop_others),
    T(it_is_the_kernels_again_when_nobody_serves),
    T(a_note_may_outlive_its_port),
};

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "@look") == 0)
		return *(volatile unsigned char *)-strtoul(argv[2], NULL, 10);
	device = 0;
	if (getpid() != 1 || raw(SYS_ioctl, device, DEVICE_TAKEN, 0) < 0)
		return printf("1..0 # SKIP this has no serial port\n") < 0;
	return suite_main(argc, argv, tests, COUNT(tests));
}
