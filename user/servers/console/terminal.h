/* SPDX-License-Identifier: MIT */
/*
 * terminal.h - a terminal: a line discipline, and the session that it belongs
 * to.
 *
 * One group of the session is in the foreground: the one that may read, and
 * that gets the terminal's signals. Which process is in which group is known to
 * the kernel; here groups and sessions are numbers.
 *
 * Unlike in Linux, every process of the session has the terminal, and
 * cannot give it up for itself alone.
 */
#ifndef CONSOLE_TERMINAL_H
#define CONSOLE_TERMINAL_H

#include "abi/ioctl.h"
#include "line.h"

struct terminal {
	struct line line;
	struct winsize_abi window;
	int32_t session; /* 0: the terminal belongs to no session */
	/* a group of that session; all in it may have ended */
	int32_t foreground;
};

/* The process that makes a call. */
struct caller {
	int32_t pid, pgid, sid;
	bool ignores_ttin, ignores_ttou; /* ignores or blocks the signal */
	/* nobody would continue its group if it were stopped */
	bool is_orphaned;
};

enum use {
	USE_READ,
	USE_WRITE,
	USE_CHANGE, /* change modes or the foreground, or flush */
};

/*
 * May the caller do that now? Returns 0, a negative error, or a signal. The
 * signal has to be sent to the caller's group, and then the call is made once
 * more.
 */
int terminal_may(const struct terminal *terminal, const struct caller *caller,
    enum use use);

/*
 * TIOCSCTTY: makes it the terminal of the caller's session. `by_force` takes it
 * from another session. Returns 0 or an error.
 */
int terminal_take(struct terminal *terminal, const struct caller *caller,
    bool by_force);

/*
 * The session is over, or its leader gives the terminal up: TIOCNOTTY. Returns
 * an error, or the group that has to get SIGHUP and SIGCONT; 0: none.
 */
int terminal_give_up(struct terminal *terminal, const struct caller *caller);

/*
 * Puts a group into the foreground: TIOCSPGRP. `session` is the group's, 0 if
 * there is no such group. Returns as terminal_may().
 */
int terminal_set_foreground(struct terminal *terminal,
    const struct caller *caller, int32_t pgid, int32_t session);

/* The foreground group; and the session of the terminal. Or an error. */
int terminal_foreground(const struct terminal *terminal,
    const struct caller *caller);
int terminal_session(const struct terminal *terminal,
    const struct caller *caller);

/*
 * TIOCSWINSZ. True if the size has changed: the foreground group gets SIGWINCH.
 */
bool terminal_resize(struct terminal *terminal,
    const struct winsize_abi *window);

#endif
