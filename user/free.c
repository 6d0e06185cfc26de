/* SPDX-License-Identifier: MIT */
/*
 * free - how much memory there is, and what the kernel has done since boot.
 */
#include <calf.h>
#include <program.h>
#include <stdint.h>
#include <stdio.h>

const char program_help[] =
    "NAME\n"
    "    free - how much memory there is, and what the kernel has done\n"
    "\n"
    "SYNOPSIS\n"
    "    free\n"
    "\n"
    "DESCRIPTION\n"
    "    Prints how many frames there are, used and free; how many processes;\n"
    "    and what was counted since boot: forks, faults, tables and pages\n"
    "    that were copied, taken over by their last owner, or cleared.\n"
    "\n"
    "SEE ALSO\n"
    "    vmmap --help\n";

#define FRAMES_PER_MIB ((1UL << 20) / CALF_PAGE_SIZE)

static void print_frames(const char *name, uint64_t frames)
{
	printf("  %-6s %9lu frames %6lu.%lu MiB\n", name, frames,
	    frames / FRAMES_PER_MIB,
	    frames % FRAMES_PER_MIB * 10 / FRAMES_PER_MIB);
}

static void print_counter(const char *name, uint64_t n, const char *meaning)
{
	printf("  %-12s %10lu  %s\n", name, n, meaning);
}

int main(int argc, char **argv)
{
	struct calf_stat st = {.frames_total = 0};

	program_no_more(argc, argv, 1);
	calf_require();
	calf_stat(&st, sizeof st);

	printf("memory\n");
	print_frames("total", st.frames_total);
	print_frames("used", st.frames_total - st.frames_free);
	print_frames("free", st.frames_free);

	printf("processes\n");
	print_counter("alive", st.processes, "zombies included");
	print_counter("harts", st.harts, "to run them on");
	print_counter("forks", st.forks, "since boot, like all that follows");
	print_counter("execs", st.execs, "");
	print_counter("switches", st.switches, "from one process to another");

	printf("copy-on-write\n");
	print_counter("faults", st.page_faults, "page faults, of any kind");
	print_counter("table copies", st.table_copies,
	    "first access to a shared table");
	print_counter("table reuses", st.table_reuses,
	    "access by the last owner: no copy");
	print_counter("page copies", st.page_copies,
	    "first write to a shared page");
	print_counter("page reuses", st.page_reuses,
	    "write by the last owner: no copy");
	print_counter("page zeros", st.page_zeros,
	    "first touch of reserved memory");
	print_counter("oom kills", st.oom_kills,
	    "processes that found no free frame");
	return 0;
}
