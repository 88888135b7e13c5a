# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clock of a wait, which notices a closed output, and its threads.

It is beside ``_module`` so that modules that do not wait need not carry the polling engine to their host.
"""

from __future__ import annotations

import select
import sys
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.interrupts import Interrupted
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import TaskBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import (
    CONNECTIONS,
    Options,
    Outcome,
    Progress,
    RunCalls,
    Slice,
    run_in_order,
    run_in_threads,
    wait,
)

#: Seconds between two checks of the output.
CHECK_INTERVAL = 1.0


class OutputClock:
    """A clock whose sleep ends when the output is closed at its other end.

    The connection to the host or the whole play may end while a module sleeps; no process reads the result then.

    Args:
        clock: The clock behind it.
        output: The stream to which the result will be written.
    """

    def __init__(self, clock: Clock, output: t.IO[t.Any]) -> None:
        self._clock = clock
        self._poll = select.poll()
        try:
            # No event is requested: errors and hang-ups are always reported.
            self._poll.register(output.fileno(), 0)
        except (ValueError, OSError):
            # It is not a file, so it has no other end.
            pass

    def monotonic(self) -> float:
        """Return the seconds of a clock that never jumps."""
        return self._clock.monotonic()

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return self._clock.time()

    def sleep(self, seconds: float) -> None:
        """Pause for so many seconds.

        Raises:
            Interrupted: The output is closed at its other end.
        """
        while seconds > 0:
            if self._poll.poll(0):
                raise Interrupted("a closed output")
            step = min(seconds, CHECK_INTERVAL)
            self._clock.sleep(step)
            seconds -= step


def call_runner(context: Context) -> RunCalls:
    """Return how calls are run: in threads, or one after the other where the order must be known."""
    return run_in_threads if context.threads else run_in_order


def wait_for(
    context: Context,
    backend: TaskBackend,
    ids: t.Sequence[str],
    options: Options,
    *,
    scope: t.Mapping[str, t.Any] | None = None,
    resume: t.Mapping[str, t.Any] | None = None,
    time_slice: Slice | None = None,
    progress: float = 0.0,
) -> Outcome:
    """Wait for tasks, and show the warnings of the wait.

    The arguments are those of ``_polling.wait``, except ``progress``: the seconds between two lines, where lines can be
    shown while the wait goes on; 0 for none.
    """
    shown = Progress(context.on_progress, progress) if context.on_progress is not None and progress > 0 else None
    outcome = wait(
        backend,
        ids,
        options,
        # In a worker of the controller, standard output is Ansible's, and its own clock ends the process.
        clock=OutputClock(context.clock, sys.stdout) if context.own_process else context.clock,
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
