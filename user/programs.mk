# SPDX-License-Identifier: MIT
#
# programs.mk - what user space consists of, by name.
#
# Each program NAME is built from user/NAME.c, from the files in USER_MORE_NAME
# if there are any, and from the library, of which the linker takes what the
# program uses.

USER_LIB_SRCS := \
	user/lib/start.S \
	user/lib/program.c \
	user/lib/syscall.S \
	user/lib/unistd.c \
	user/lib/process.c \
	user/lib/signal.c \
	user/lib/setjmp.S \
	user/lib/file.c \
	user/lib/memory.c \
	user/lib/time.c \
	user/lib/system.c \
	user/lib/calf.c \
	user/lib/server.c \
	user/lib/stdio.c \
	user/lib/printf.c \
	user/lib/stdlib.c \
	user/lib/malloc.c \
	user/lib/sort.c \
	user/lib/string.c \
	user/lib/ctype.c \
	user/lib/messages.c \
	user/lib/getopt.c

USER_PROGS := \
	init \
	sh \
	cow \
	vmmap \
	ps \
	free \
	forkbench \
	bench \
	oom \
	crash \
	server \
	files \
	hello \
	echo \
	cat \
	head \
	wc \
	yes \
	ls \
	kill \
	sleep \
	true \
	false

USER_MORE_sh := \
	user/sh/words.c \
	user/sh/jobs.c \
	user/sh/builtins.c \
	user/sh/pipeline.c

# The tree of the file server, which is tested on the build machine as well.
FILES_TREE := $(addprefix user/servers/files/,node.c folder.c sparse.c path.c \
	entries.c rename.c attributes.c data.c open.c file.c list.c device.c \
	archive.c groups.c unpack.c program.c elf.c made.c)
FILES_SERVE := $(addprefix user/servers/files/,serve.c serve_file.c \
	serve_path.c serve_lock.c locks.c opened.c log.c)

USER_MORE_files := $(FILES_TREE) $(FILES_SERVE) user/servers/files/memory.c \
	user/servers/files/serve_system.c user/servers/files/proc.c \
	user/servers/files/proc_link.c user/servers/files/proc_text.c \
	user/servers/files/loop.c \
	user/servers/files/setup.c

# The line discipline is tested on the build machine as well.
CONSOLE_SERVE := $(addprefix user/servers/console/,line.c edit.c screen.c \
	terminal.c uart.c journal.c answer.c loop.c setup.c)

USER_MORE_boot := user/servers/boot/words.c user/servers/files/setup.c \
	$(FILES_TREE) $(FILES_SERVE) user/servers/files/memory.c \
	user/servers/files/serve_system.c user/servers/files/proc.c \
	user/servers/files/proc_link.c user/servers/files/proc_text.c \
	user/servers/files/loop.c \
	$(CONSOLE_SERVE)

USER_MORE_cow := user/cow/picture.c

USER_MORE_bench := \
	user/bench/count.c \
	user/bench/memory.c \
	user/bench/ipc.c \
	user/bench/port.c user/bench/file.c \
	user/bench/fork.c \
	user/bench/fault.c \
	user/bench/bulk.c \
	user/bench/idle.c \
	user/bench/scale.c
