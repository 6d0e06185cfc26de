/* SPDX-License-Identifier: MIT */
/*
 * terminal.c - decides to which session the terminal belongs, and who may use
 * it.
 */
#include "terminal.h"

#include "abi/errno.h"
#include "abi/signal.h"

static bool is_own(const struct terminal *terminal, const struct caller *caller)
{
	return terminal->session == caller->sid;
}

static bool leads_session(const struct caller *caller)
{
	return caller->pid == caller->sid;
}

/* Processes of other sessions are never in the background of this terminal. */
static bool is_in_background(const struct terminal *terminal,
    const struct caller *caller)
{
	return is_own(terminal, caller) && terminal->foreground != caller->pgid;
}

int terminal_may(const struct terminal *terminal, const struct caller *caller,
    enum use use)
{
	bool reads = use == USE_READ;

	if (!is_in_background(terminal, caller))
		return 0;
	if (use == USE_WRITE && !(terminal->line.termios.lflag & TOSTOP))
		return 0;
	if (reads && caller->ignores_ttin)
		return -EIO;
	if (!reads && caller->ignores_ttou)
		return 0;
	if (caller->is_orphaned)
		return -EIO;
	return reads ? SIGTTIN : SIGTTOU;
}

int terminal_take(struct terminal *terminal, const struct caller *caller,
    bool by_force)
{
	if (!leads_session(caller))
		return -EPERM;
	if (is_own(terminal, caller))
		return 0;
	if (terminal->session != 0 && !by_force)
		return -EPERM;
	terminal->session = caller->sid;
	terminal->foreground = caller->pgid;
	return 0;
}

int terminal_give_up(struct terminal *terminal, const struct caller *caller)
{
	int foreground = terminal->foreground;

	if (!is_own(terminal, caller))
		return -ENOTTY;
	if (!leads_session(caller))
		return 0;
	terminal->session = terminal->foreground = 0;
	return foreground;
}

int terminal_set_foreground(struct terminal *terminal,
    const struct caller *caller, int32_t pgid, int32_t session)
{
	int may = terminal_may(terminal, caller, USE_CHANGE);

	if (may != 0)
		return may == -EIO ? -ENOTTY : may;
	if (pgid < 0)
		return -EINVAL;
	if (!is_own(terminal, caller))
		return -ENOTTY;
	if (session == 0)
		return -ESRCH;
	if (session != caller->sid)
		return -EPERM;
	terminal->foreground = pgid;
	return 0;
}

int terminal_foreground(const struct terminal *terminal,
    const struct caller *caller)
{
	return is_own(terminal, caller) ? terminal->foreground : -ENOTTY;
}

int terminal_session(const struct terminal *terminal,
    const struct caller *caller)
{
	return is_own(terminal, caller) ? terminal->session : -ENOTTY;
}

bool terminal_resize(struct terminal *terminal,
    const struct winsize_abi *window)
{
	const struct winsize_abi *old = &terminal->window;
	bool changes = old->rows != window->rows ||
	    old->columns != window->columns ||
	    old->x_pixels != window->x_pixels ||
	    old->y_pixels != window->y_pixels;

	terminal->window = *window;
	return changes;
}
