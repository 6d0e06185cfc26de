# SPDX-License-Identifier: MIT
"""The handling of signals that a tested program inherits, whoever starts it."""

from __future__ import annotations

import signal


def default_signals() -> None:
    """Let no signal be ignored or blocked; to be used as preexec_fn.

    A shell lets what it runs in the background ignore SIGINT and SIGQUIT, and
    nohup does the same with SIGHUP.
    """
    for number in signal.valid_signals():
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
