/* SPDX-License-Identifier: MIT */
/*
 * terminal.h - a terminal: a line discipline, and whose it is.
 *
 * It is the terminal of one session, and one group of that is in the
 * foreground: the one that may use it, and that its signals go to. Who is in
 * which group the kernel knows; here are numbers, and what follows from them.
 *
 * Other than in Linux a process has the terminal of its session, and cannot
 * give it up for itself alone.
 */
#ifndef CONSOLE_TERMINAL_H
#define CONSOLE_TERMINAL_H

#include "abi/ioctl.h"
#include "line.h"

struct terminal {
	struct line line;
	struct winsize_abi window;
	int32_t session;    /* 0: nobody's, as nobody's session is 0 */
	int32_t foreground; /* a group of it, which may be gone */
};

/* Who makes a call. */
struct caller {
	int32_t pid, pgid, sid;
	bool ignores_ttin, ignores_ttou; /* or blocks it */
	bool is_orphaned; /* nobody is there who would continue its group */
};

enum use {
	USE_READ,
	USE_WRITE,
	USE_CHANGE, /* modes, the foreground, a flush */
};

/*
 * May the caller do that now? Returns 0; a negative error; or a signal, which
 * its group has to get, and then the call is made once more.
 */
int terminal_may(const struct terminal *terminal, const struct caller *caller,
    enum use use);

/*
 * Makes it the terminal of the caller's session: TIOCSCTTY. `by_force` takes it
 * from another one. Returns 0 or an error.
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

/* The group in the foreground, and the session, or an error. */
int terminal_foreground(const struct terminal *terminal,
    const struct caller *caller);
int terminal_session(const struct terminal *terminal,
    const struct caller *caller);

/* TIOCSWINSZ. Has the foreground to get SIGWINCH? */
bool terminal_resize(struct terminal *terminal,
    const struct winsize_abi *window);

#endif
