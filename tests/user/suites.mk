# SPDX-License-Identifier: MIT
#
# suites.mk - the user-level test programs, in the order they should be read.
#
# Each is NAME.c with USER_TEST_COMMON, and is run by testinit.c, which stands
# alone; but t_init and t_serial are a first process themselves, and t_tty and
# t_typed ask for keys to be typed.

USER_TEST_COMMON := harness.c runner.c service.c

USER_TESTS := \
	t_fork \
	t_vfork \
	t_vforkkill \
	t_region \
	t_cow \
	t_regs \
	t_mem \
	t_model \
	t_copyout \
	t_tables \
	t_badptr \
	t_share \
	t_call \
	t_callcode \
	t_news \
	t_errno \
	t_entry \
	t_crowd \
	t_signal \
	t_sigwait \
	t_sigfault \
	t_sigstack \
	t_sigorder \
	t_timer \
	t_jobs \
	t_many \
	t_races \
	t_orphan \
	t_proc \
	t_exec \
	t_elf \
	t_fd \
	t_device \
	t_pipe \
	t_futex \
	t_poll \
	t_port \
	t_portwait \
	t_server \
	t_straight \
	t_mapping \
	t_maprun \
	t_keep \
	t_twins \
	t_adopt \
	t_boot \
	t_stop \
	t_paths \
	t_roots \
	t_given \
	t_image \
	t_loading \
	t_programs \
	t_procfs \
	t_files \
	t_locks \
	t_mapshared \
	t_fifo \
	t_links \
	t_vector \
	t_self \
	t_code \
	t_remap \
	t_oom \
	t_sweep \
	t_storm \
	t_init \
	t_serial \
	t_tty \
	t_typed

# Programs that are process 1 of a machine of their own: what each is made of.
# The fuzzer takes the numbers of the calls from the kernel's header.

STORM_SRCS := storm.c harness.c
KILL_PROGS := effects dictation
FUZZ_SRCS := fuzz.c fuzz_worker.c fuzz_calls.c fuzz_world.c fuzz_witness.c \
	fuzz_files.c fuzz_ports.c
FUZZ_NUMBERS := $(B)/gen/fuzz_numbers.h

$(FUZZ_NUMBERS): include/abi/syscall.h
	@mkdir -p $(@D)
	$(Q)awk '/^#define SYS_[a-z]/ { print "    {" $$2 ", \"" $$2 "\"}," }' \
		$< > $@

$(B)/user/tests/user/fuzz_calls.o: $(FUZZ_NUMBERS)
$(B)/user/tests/user/fuzz_calls.o: USER_CFLAGS += -I$(B)/gen
