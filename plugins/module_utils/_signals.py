# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a wait needs of the world: a clock that notices when nobody listens any more, signals, and threads.

Beside ``_module``, for the modules that wait; the others need not carry the engine to their host.
"""

from __future__ import annotations

import contextlib
import math
import select
import signal
import sys
import types
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import TaskBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import (
    CONNECTIONS,
    Interrupted,
    Options,
    Outcome,
    Progress,
    RunCalls,
    Slice,
    run_in_order,
    run_in_threads,
    wait,
)

#: What ends a wait early, and still gets a result out: Ctrl-C, a cancelled job, a closed terminal.
SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")
#: Seconds between two looks at whether somebody still listens.
ATTENTION = 1.0
#: Seconds in which no other signal is heeded after one: the result is put together meanwhile, and must get out. It is not for
#: ever, for Python drops an exception that a signal raises in a finalizer.
DEAF = 5.0


class AttentiveClock:
    """A clock whose sleep ends when nobody can read the result any more.

    The connection to the host or the whole play may be gone while a module sleeps; its standard output is then closed
    at the other end.

    Args:
        clock: The clock behind it.
        output: Where the result will be written.
    """

    def __init__(self, clock: Clock, output: t.IO[t.Any]) -> None:
        self._clock = clock
        self._poll = select.poll()
        try:
            # No event is asked for: errors and hang-ups are always reported.
            self._poll.register(output.fileno(), 0)
        except (ValueError, OSError):
            # It is no file, so that nobody can close its other end.
            pass

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps."""
        return self._clock.monotonic()

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._clock.time()

    def sleep(self, seconds: float) -> None:
        """Pause for so many seconds.

        Raises:
            Interrupted: The output is closed at its other end.
        """
        while seconds > 0:
            if self._poll.poll(0):
                raise Interrupted("nobody reads the result any more")
            step = min(seconds, ATTENTION)
            self._clock.sleep(step)
            seconds -= step


@contextlib.contextmanager
def _signals_interrupt(clock: Clock) -> t.Iterator[None]:
    """While inside, the signals that end a process raise ``Interrupted`` instead."""
    deaf_until = -math.inf

    def interrupt(number: int, _frame: types.FrameType | None) -> None:
        nonlocal deaf_until
        now = clock.monotonic()
        if now < deaf_until:
            return
        deaf_until = now + DEAF
        raise Interrupted(signal.Signals(number).name)

    numbers = [getattr(signal, name) for name in SIGNALS]
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)


def call_runner(context: Context) -> RunCalls:
    """How calls are run: in threads, or one after the other where the order must be known."""
    return run_in_threads if context.threads else run_in_order


def wait_for(
    context: Context,
    source: TaskBackend,
    ids: t.Sequence[str],
    options: Options,
    *,
    scope: t.Mapping[str, t.Any] | None = None,
    resume: t.Mapping[str, t.Any] | None = None,
    time_slice: Slice | None = None,
    progress: float = 0.0,
) -> Outcome:
    """Wait for tasks, and show the engine's warnings.

    The arguments are those of ``_wait.wait``, but for ``progress``: the seconds between two lines, where lines can be
    shown while the wait goes on; 0 for none.
    """
    shown = Progress(context.on_progress, progress) if context.on_progress is not None and progress > 0 else None
    # In a worker of the controller, signals and standard output are Ansible's, and its own clock ends the process.
    guard = _signals_interrupt(context.clock) if context.own_process else contextlib.nullcontext()
    with guard:
        outcome = wait(
            source,
            ids,
            options,
            clock=AttentiveClock(context.clock, sys.stdout) if context.own_process else context.clock,
            rng=context.rng,
            scope=scope,
            resume=resume,
            time_slice=time_slice,
            run_calls=call_runner(context),
            connections=CONNECTIONS if context.threads else 1,
            progress=shown,
        )
    for warning in outcome.warnings:
        context.warn(warning)
    return outcome
