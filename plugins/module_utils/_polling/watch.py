# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wait without an end: tasks are added while it goes on, and each is returned when it ends.

It runs the poller of a wait step by step: the same rounds, limits, lists and verdicts. Two things differ. A pause depends on
how long each task has been watched, not on how long the watch has lasted. And the reason of a failure is read as soon as
the task has failed.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import FAILED, TaskBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.messages import (
    FATAL,
    SLICE_OVER,
    Ending,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.poller import Poller
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.requests import RequestScheduler
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.result import seconds_to_next_call
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import WaitState
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import TaskState
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.workers import RunCalls, run_in_order

#: Seconds that a watch may last: more than any process lives.
FOREVER = 1e9
#: Seconds that one step may wait for its turn to read the reasons of failures.
REASON_TURN = 5.0
#: Seconds for which a failed task is held until its reason could be read.
REASON_GRACE = 60.0
#: Ages of tasks count as at least this many seconds, so that a task that was just added does not stop the computation.
YOUNGEST = 0.001


class Failure(t.NamedTuple):
    """The reason why a watch cannot go on.

    Attributes:
        message: The cause and what to do, for a person.
        error: The error of the service; None after an exception that should not occur.
        exception: The traceback of an exception that should not occur.
    """

    message: str
    error: CloudError | None = None
    exception: str | None = None


class WatchStep(t.NamedTuple):
    """The outcome of one step of a watch.

    Attributes:
        ended: The tasks that ended, as a wait returns them. They are not watched any more. All times in them are seconds since
            the task was added.
        warnings: Warnings for the user, each text once.
        rest: Seconds until the next step has something to do; infinite when no task is watched.
        failure: Why the watch cannot go on; no step may follow.
    """

    ended: list[dict[str, t.Any]]
    warnings: list[str]
    rest: float
    failure: Failure | None = None


class Watch:
    """The tasks of one service, watched until each ends.

    Args:
        backend: The service.
        options: The options of a wait. Those about its end, its mode and its first poll are not used.
        clock: The clock. When its ``sleep`` raises ``Interrupted``, so does ``step``, and the watch is over.
        rng: Returns a random number from 0 to 1.
        scope: What makes an id unique beside the service.
        run_calls: Runs several calls at once, as for ``wait``.
        connections: Calls that may be under way at once.
    """

    def __init__(
        self,
        backend: TaskBackend,
        options: Options,
        *,
        clock: Clock,
        rng: t.Callable[[], float],
        scope: t.Mapping[str, str] | None = None,
        run_calls: RunCalls = run_in_order,
        connections: int = 1,
    ) -> None:
        self._backend = backend
        self._options = dataclasses.replace(
            options,
            timeout=FOREVER,
            delay=0,
            mode="all",
            on_timeout="return",
            on_failure="return",
            unknown_status="wait",
        )
        self._rng = rng
        self._run_calls = run_calls
        rate = (options.rate or backend.rate) / options.parallel_jobs
        self._state = WaitState.new((), rate, backend.service, scope or {})
        self._requests = RequestScheduler(
            backend,
            self._options,
            clock,
            rng,
            self._state.requests,
            started=0.0,
            age=0.0,
            connections=connections,
        )
        #: When each task was added, as the age of the watch.
        self._added: dict[str, float] = {}
        self._warned = 0

    def __len__(self) -> int:
        """Return how many tasks are watched."""
        return len(self._added)

    def add(self, ids: t.Iterable[str]) -> None:
        """Watch more tasks; one that is watched already stays as it is."""
        now, rounds = self._requests.now(), self._state.rounds
        new = [task_id for task_id in dict.fromkeys(ids) if task_id not in self._added]
        for task_id in new:
            self._state.tasks[task_id] = TaskState(task_id)
            self._added[task_id] = now
        if len(self._added) == len(new):
            rounds.due = now
        elif new:
            # The pause that goes on was chosen for older tasks.
            rounds.due = min(rounds.due, max(now, rounds.started + self._options.interval))

    def step(self) -> WatchStep:
        """Poll the tasks if that is due, for about a second, and return those that ended.

        Raises:
            Interrupted: The clock says that the watch is to end.
        """
        poller = _StepPoller(self._backend, self._options, self._rng, self._state, self._requests, self._run_calls)
        poller.added = self._added
        ending = poller.run(self._requests.now())
        if ending.kind == SLICE_OVER:
            poller.read_reasons()
        now = self._requests.now()
        failure = Failure(_message(ending), ending.error, ending.exception) if ending.kind == FATAL else None
        ended = [
            task
            for task in self._state.tasks.values()
            if task.finished and (failure is not None or not self._lacks_reason(task, now))
        ]
        for task in ended:
            del self._state.tasks[task.id]
        rows = [_since(task.as_result(now), self._added.pop(task.id)) for task in ended]
        warnings = self._state.warnings[self._warned :]
        self._warned = len(self._state.warnings)
        return WatchStep(rows, warnings, self._rest(now), failure)

    def _lacks_reason(self, task: TaskState, now: float) -> bool:
        """Return True when the reason of a failure is still worth waiting for."""
        return (
            self._backend.has_reasons
            and task.state == FAILED
            and task.reason is None
            and not task.reason_read
            and now - (task.ended_at or 0.0) < REASON_GRACE
        )

    def _rest(self, now: float) -> float:
        state = self._state
        if not state.tasks:
            return math.inf
        if any(task.finished for task in state.tasks.values()):
            return max(REASON_TURN, state.requests.limiter.gate - now)
        return seconds_to_next_call(state, now)


class _StepPoller(Poller):
    """The poller of a wait, for tasks that were added at different times."""

    #: When each task was added, as the age of the watch.
    added: t.Mapping[str, float] = {}

    def read_reasons(self) -> None:
        """Read why tasks failed, if any did."""
        self._read_reasons(math.inf)

    def _read_reasons(self, limit: float) -> None:
        super()._read_reasons(min(limit, self._requests.now() + REASON_TURN))

    def _typical_age(self, now: float) -> float:
        """Return the harmonic mean of the ages: of two tasks, the younger one is more likely to end next."""
        ages = [max(YOUNGEST, now - self.added[task_id]) for task_id in self._pending]
        return len(ages) / sum(1 / age for age in ages)


def _message(ending: Ending) -> str:
    hint = ending.error.hint if ending.error is not None else None
    return f"{ending.message} {hint}" if hint else ending.message


def _since(row: dict[str, t.Any], added: float) -> dict[str, t.Any]:
    """Return a task whose times count from when it was added."""
    return {
        **row,
        "elapsed": _less(row["elapsed"], added),
        "last_seen": _less(row["last_seen"], added),
        "history": [
            {**span, "first": _less(span["first"], added), "last": _less(span["last"], added)}
            for span in row["history"]
        ],
    }


def _less(seconds: float | None, added: float) -> float | None:
    return None if seconds is None else max(0.0, round(seconds - added, 3))
