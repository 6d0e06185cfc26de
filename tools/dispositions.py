# SPDX-License-Identifier: MIT
"""What a program that is tested inherits, whoever has started the test."""

from __future__ import annotations

import signal


def default_signals() -> None:
    """Ignore and block no signal: for preexec_fn.

    A shell lets what it runs in the background ignore SIGINT and SIGQUIT, and
    nohup does the same with SIGHUP.
    """
    for number in signal.valid_signals():
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
