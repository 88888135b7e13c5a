# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wait without an end: tasks are added while it goes on, and each is handed over when it ends.

It is the engine of a wait, run step by step: the same rounds, limits, lists and verdicts. Two things differ. A pause depends
on how long each task has been watched, not on how long the watch has lasted. And the reason of a failure is looked up as
soon as the task has failed.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import FAILED, TaskBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.poller import Engine
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.report import (
    FATAL,
    SLICE_OVER,
    Ending,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.requests import (
    Caller,
    RunCalls,
    run_in_order,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import Memory
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import Record

#: Seconds that a watch may last: more than any process lives.
FOREVER = 1e9
#: Seconds that one step may wait for its turn to ask for the reasons of failures.
REASON_TURN = 5.0
#: Seconds for which a failed task is kept back until its reason could be read.
REASON_GRACE = 60.0
#: Ages of tasks count as at least this many seconds, so that a task that was just added does not stop the computation.
YOUNGEST = 0.001


class Failure(t.NamedTuple):
    """Why a watch cannot go on.

    Attributes:
        message: The cause and what to do, for a person.
        error: What the service said; None after an exception that should not occur.
        exception: The traceback of what should not occur.
    """

    message: str
    error: CloudError | None = None
    exception: str | None = None


class Step(t.NamedTuple):
    """What one step of a watch brought.

    Attributes:
        ended: The tasks that ended, as a wait returns them. They are not watched any more. All times in them are seconds since
            the task was added.
        warnings: What the user should know, each text once.
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
        source: Whom to ask.
        options: How to ask. Those about the end of a wait, its mode and its first look are not used.
        clock: The time. When its ``sleep`` raises ``Interrupted``, so does ``step``, and the watch is over.
        rng: Numbers from 0 to 1.
        scope: What makes an id unique beside the service.
        run_calls: Runs calls at the same time, as for ``wait``.
        connections: Calls that may be under way at once.
    """

    def __init__(
        self,
        source: TaskBackend,
        options: Options,
        *,
        clock: Clock,
        rng: t.Callable[[], float],
        scope: t.Mapping[str, str] | None = None,
        run_calls: RunCalls = run_in_order,
        connections: int = 1,
    ) -> None:
        self._source = source
        self._options = dataclasses.replace(
            options,
            timeout=FOREVER,
            delay=0,
            mode="all",
            on_timeout="return",
            on_failure="return",
            unknown_status="wait",
        )
        self._draw = rng
        self._gather = run_calls
        rate = (options.rate or source.rate) / options.parallel_jobs
        self._memory = Memory.new((), rate, source.service, scope or {})
        self._caller = Caller(source, self._options, clock, rng, self._memory, 0.0, connections)
        #: When each task was added, as the age of the watch.
        self._added: dict[str, float] = {}
        self._warned = 0

    def __len__(self) -> int:
        """Return how many tasks are watched."""
        return len(self._added)

    def add(self, ids: t.Iterable[str]) -> None:
        """Watch more tasks; one that is watched already is left as it is."""
        now, memory = self._caller.now(), self._memory
        new = [task_id for task_id in dict.fromkeys(ids) if task_id not in self._added]
        for task_id in new:
            memory.records[task_id] = Record(task_id)
            self._added[task_id] = now
        if len(self._added) == len(new):
            memory.due = now
        elif new:
            # The pause that goes on was chosen for older tasks.
            memory.due = min(memory.due, max(now, memory.round.started + self._options.interval))

    def step(self) -> Step:
        """Poll the tasks if that is due, for about a second, and return what ended.

        Raises:
            Interrupted: The clock says that the watch is to end.
        """
        engine = _StepEngine(self._source, self._options, self._draw, self._memory, self._caller, self._gather)
        engine.added = self._added
        ending = engine.run(self._caller.now())
        if ending.kind == SLICE_OVER:
            engine.explain()
        now = self._caller.now()
        failure = Failure(_message(ending), ending.error, ending.exception) if ending.kind == FATAL else None
        ended = [
            record
            for record in self._memory.records.values()
            if record.finished and (failure is not None or not self._lacks_reason(record, now))
        ]
        for record in ended:
            del self._memory.records[record.id]
        rows = [_since(record.result(now), self._added.pop(record.id)) for record in ended]
        warnings = self._memory.warnings[self._warned :]
        self._warned = len(self._memory.warnings)
        return Step(rows, warnings, self._rest(now), failure)

    def _lacks_reason(self, record: Record, now: float) -> bool:
        """Return whether the reason of a failure is still worth waiting for."""
        return (
            self._source.has_reasons
            and record.state == FAILED
            and record.reason is None
            and not record.explained
            and now - (record.ended or 0.0) < REASON_GRACE
        )

    def _rest(self, now: float) -> float:
        memory = self._memory
        if not memory.records:
            return math.inf
        if any(record.finished for record in memory.records.values()):
            return max(REASON_TURN, memory.limiter.gate - now)
        return max(0.0, (memory.due if memory.round.queue is None else memory.limiter.gate) - now)


class _StepEngine(Engine):
    """The engine of a wait, for tasks that were added at different times."""

    #: When each task was added, as the age of the watch.
    added: t.Mapping[str, float] = {}

    def explain(self) -> None:
        """Look up why tasks failed, if any did."""
        self._explain(math.inf)

    def _explain(self, limit: float) -> None:
        super()._explain(min(limit, self._caller.now() + REASON_TURN))

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
            {**run, "first": _less(run["first"], added), "last": _less(run["last"], added)} for run in row["history"]
        ],
    }


def _less(seconds: float | None, added: float) -> float | None:
    return None if seconds is None else max(0.0, round(seconds - added, 3))
