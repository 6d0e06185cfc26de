# SPDX-License-Identifier: MIT
#
# linux.mk - the random programs that are run here and on Linux.

GENPROG_SRCS := genprog.c gen_model.c gen_memory.c gen_signal.c gen_access.S \
	gen_pipe.c gen_process.c
