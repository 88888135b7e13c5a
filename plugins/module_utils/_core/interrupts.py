# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signals that end a process, as an exception, so that it ends with a result."""

from __future__ import annotations

import contextlib
import math
import signal
import types
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock

#: The signals that end a module early, with a result: Ctrl-C, a cancelled job, a closed terminal.
SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")
#: Seconds after a signal in which others are ignored, so that the result can be written. Not for ever, because Python drops
#: an exception that a signal raises in a finalizer.
IGNORE_SIGNALS = 5.0


class Interrupted(BaseException):
    """The end by a signal or a clock.

    Like ``KeyboardInterrupt`` it is not an ``Exception``, so that no handler on its way takes it for a failed request.

    Args:
        by: The cause, such as ``SIGTERM``.
    """

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


@contextlib.contextmanager
def signals_interrupt(clock: Clock) -> t.Iterator[None]:
    """Let the signals that end a process raise ``Interrupted`` instead, within the context."""
    ignored_until = -math.inf

    def interrupt(number: int, _frame: types.FrameType | None) -> None:
        nonlocal ignored_until
        now = clock.monotonic()
        if now < ignored_until:
            return
        ignored_until = now + IGNORE_SIGNALS
        raise Interrupted(signal.Signals(number).name)

    numbers = [getattr(signal, name) for name in SIGNALS]
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)
