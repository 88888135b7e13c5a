# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clock that never sleeps and a backend that follows a script, for the tests of the poller.

The backend notes every call and every statement it made, so that a test can compare what the poller concluded with what it
was told, and when it polled with when it was allowed to.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    CloudError,
    ForbiddenError,
    InvalidResponseError,
    NotFoundError,
    RejectedError,
    ThrottledError,
    TransportError,
    UnavailableError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    FAILED,
    PENDING,
    SUCCESS,
    UNKNOWN,
    Reason,
    StatusPage,
    TaskStatus,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Interrupted, RunCalls

#: In a timeline: the service does not know the task at that time.
GONE = "(gone)"

#: More than any wait of the tests needs, so that a broken poller fails instead of running without end.
MOST_READS, MOST_CALLS = 1_000_000, 20_000

#: The table of the scripted service.
STATUSES: dict[str, tuple[str, ...]] = {
    PENDING: ("READY_X", "RUNNING_X"),
    SUCCESS: ("SUCCESS_X",),
    FAILED: ("FAILED_X",),
}

#: What a task reports from when on, in seconds since the backend began; the first entry also holds for the time before it.
StatusTimeline = t.Sequence[tuple[float, t.Optional[str]]]


def _demand(condition: bool, message: str) -> None:
    """Fail the test. Not by an assertion: a wait takes every exception for the trouble of one call."""
    if not condition:
        pytest.fail(message)


def classify(status: str | None) -> str:
    """Return the state of a status by the table, compared exactly."""
    return next((state for state, statuses in STATUSES.items() if status in statuses), UNKNOWN)


def status_at(timeline: StatusTimeline, moment: float) -> str | None:
    """Return the status of a task at a moment."""
    return next((status for since, status in reversed(timeline) if since <= moment), timeline[0][1])


class ScriptedClock:
    """Time that passes only when the poller sleeps or a call takes its time. Reading the wall clock fails the test."""

    def __init__(self, start: float = 5000.0) -> None:
        self.start = start
        self.now = start
        #: Begin and end of each sleep, in seconds since the start.
        self.sleeps: list[tuple[float, float]] = []
        self.reads = 0
        #: When a signal comes, in seconds since the start.
        self.signal_at: float | None = None

    def age(self) -> float:
        """Return the seconds since the start."""
        return self.now - self.start

    def monotonic(self) -> float:
        """Implement ``Clock``."""
        self.reads += 1
        _demand(self.reads < MOST_READS, "the poller spins")
        return self.now

    def time(self) -> float:
        """Implement ``Clock``."""
        pytest.fail("the poller read the wall clock")

    def sleep(self, seconds: float) -> None:
        """Implement ``Clock``."""
        _demand(seconds >= 0, "the poller sleeps backwards")
        begun = self.age()
        if self.signal_at is not None and begun <= self.signal_at < begun + seconds:
            self.now = self.start + self.signal_at
            self.signal_at = None
            raise Interrupted("SIGTERM")
        self.now += seconds
        self.sleeps.append((begun, self.age()))


@dataclasses.dataclass
class RecordedCall:
    """One request that the backend received; times in seconds since the clock's start."""

    kind: str
    about: t.Any
    sent: float
    timeout: float
    fault: t.Any = None
    answered: float | None = None


@dataclasses.dataclass(frozen=True)
class Statement:
    """One status of one task as the backend told it, and when it arrived."""

    task_id: str
    status: str | None
    kind: str
    at: float


@dataclasses.dataclass(frozen=True)
class Throttle:
    """A fault: too many requests."""

    retry_after: float | None = None


@dataclasses.dataclass
class ScriptedBackend:
    """A scripted service.

    Attributes:
        clock: Its time.
        timelines: What each task says from when on.
        page_size: Rows per page; None when there is no list.
        lists_only_pending: The list shows running tasks only and no status.
        has_reasons: The reasons of failures are in a list of their own.
        rate: Calls per second, as published.
        latencies: Seconds each call takes, in turn, over and over.
        faults: What goes wrong with each call, by its number; None is nothing. Further calls go well.
        other_rows: Rows of others before ours in the list.
        slides: Foreign rows are added at the front all the time, so that rows slide from one page to the next.
        repeats_rows: Each page repeats the last row of the page before it.
        lag: The list is that many seconds old.
        other_ids: The list names tasks by other ids than those they are asked for by.
        may_reauthenticate: Re-authentication can be tried.
        reauthentication_faults: What goes wrong with each re-authentication, by its number; None is success.
        signal_at_call: The number of the call during which a signal comes.
    """

    clock: ScriptedClock
    timelines: t.Mapping[str, StatusTimeline]
    page_size: int | None = None
    lists_only_pending: bool = False
    has_reasons: bool = False
    rate: float = 10.0
    latencies: t.Sequence[float] = (0.05,)
    faults: t.Sequence[t.Any] = ()
    other_rows: int = 0
    slides: bool = False
    repeats_rows: bool = False
    lag: float = 0.0
    other_ids: bool = False
    may_reauthenticate: bool = False
    reauthentication_faults: t.Sequence[t.Any] = ()
    signal_at_call: int | None = None
    reasons_of: t.Mapping[str, Reason] = dataclasses.field(default_factory=dict)
    service: str = "kps"
    endpoint: str = "https://cloud.example.com"
    statuses: t.Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=lambda: STATUSES)
    labels: tuple[tuple[str, str], ...] = (("server_name", "server"),)
    calls: list[RecordedCall] = dataclasses.field(default_factory=list)
    statements: list[Statement] = dataclasses.field(default_factory=list)
    reauthentications: list[float] = dataclasses.field(default_factory=list)

    parent: str = "project"

    def __post_init__(self) -> None:
        self.has_list = self.page_size is not None
        self.listed_statuses: tuple[str, ...] | None = ("RUNNING_X",) if self.lists_only_pending else None

    def read(self, task_id: str, timeout: float) -> TaskStatus:
        """Implement ``TaskBackend``."""
        call = self._receive("read", task_id, timeout)
        status = self._status(task_id, 0.0)
        assert call.answered is not None
        self.statements.append(Statement(task_id, status, "read", call.answered))
        if status == GONE:
            raise NotFoundError(f"no task {task_id}.", http_status=404, code="KPS.0404", text="task not found")
        reason = self.reasons_of.get(task_id) if classify(status) == FAILED and not self.has_reasons else None
        return TaskStatus(task_id, classify(status), status, reason, data={"task_id": task_id, "task_status": status})

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
        """Implement ``TaskBackend``."""
        assert self.page_size is not None
        call = self._receive("page", cursor, timeout)
        assert call.answered is not None
        rows: list[TaskStatus] = []
        for number in range(self.other_rows + (int(self.clock.age()) if self.slides else 0)):
            rows.append(TaskStatus(f"other_rows-{number}", PENDING, None if self.lists_only_pending else "RUNNING_X"))
        for task_id in self.timelines:
            status = self._status(task_id, self.lag)
            shown = f"other-{task_id}" if self.other_ids else task_id
            if self.lists_only_pending and status == "RUNNING_X":
                rows.append(TaskStatus(shown, PENDING))
            elif not self.lists_only_pending and status != GONE:
                rows.append(
                    TaskStatus(shown, classify(status), status, data={"task_id": task_id, "task_status": status})
                )
        begin = cursor or 0
        end = begin + self.page_size
        shown_rows = rows[max(0, begin - 1) if self.repeats_rows else begin : end]
        for row in shown_rows:
            if row.task_id in self.timelines:
                self.statements.append(Statement(row.task_id, row.status, "row", call.answered))
        return StatusPage(tuple(shown_rows), end if end < len(rows) else None)

    def reasons(self, cursor: t.Any, timeout: float) -> StatusPage:
        """Implement ``TaskBackend``."""
        self._receive("reasons", cursor, timeout)
        rows = [
            TaskStatus(task_id, FAILED, "FAILED_X", reason, data={"server_name": f"server-{task_id}"})
            for task_id, reason in self.reasons_of.items()
        ]
        return StatusPage(tuple(rows))

    def can_reauthenticate(self) -> bool:
        """Implement ``TaskBackend``."""
        return self.may_reauthenticate

    def reauthenticate(self, timeout: float) -> None:
        """Implement ``TaskBackend``."""
        _demand(timeout > 0, "a login without time")
        number = len(self.reauthentications)
        self.reauthentications.append(self.clock.age())
        self.clock.now += 0.1
        fault = self.reauthentication_faults[number] if number < len(self.reauthentication_faults) else None
        if fault is not None:
            raise self._error(fault)

    def sent(self, *kinds: str) -> list[RecordedCall]:
        """Return the calls of some kinds."""
        return [call for call in self.calls if call.kind in kinds]

    def _status(self, task_id: str, lag: float) -> str | None:
        return status_at(self.timelines[task_id], self.clock.age() - lag)

    def _receive(self, kind: str, about: t.Any, timeout: float) -> RecordedCall:
        number = len(self.calls)
        _demand(number < MOST_CALLS, "the poller never stops")
        call = RecordedCall(kind, about, self.clock.age(), timeout)
        self.calls.append(call)
        _demand(timeout > 0, "a call without time")
        if self.signal_at_call == number:
            raise Interrupted("SIGTERM")
        call.fault = self.faults[number] if number < len(self.faults) else None
        latency = self.latencies[number % len(self.latencies)]
        if call.fault == "hang" or latency > timeout:
            call.fault = "hang"
            self.clock.now += timeout
            raise TransportError(f"no response within {timeout:.0f} s.", possibly_sent=True)
        self.clock.now += latency
        call.answered = self.clock.age()
        if call.fault is not None:
            raise self._error(call.fault)
        return call

    def _error(self, fault: t.Any) -> Exception:
        if isinstance(fault, Throttle):
            return ThrottledError("asked too often.", http_status=429, code="APIG.0308", retry_after=fault.retry_after)
        errors: dict[str, Exception] = {
            # As when a service writes a number where our code expects a text.
            "odd": TypeError("sequence item 0: expected str instance, int found"),
            "unavailable": UnavailableError("HTTP 503.", http_status=503),
            "broken": InvalidResponseError("HTTP 200 with HTML.", http_status=200),
            "cut": InvalidResponseError("half a JSON document.", truncated=True),
            "reset": TransportError("connection reset.", possibly_sent=True),
            "certificate": TransportError("certificate refused.", possibly_sent=False, permanent=True),
            "unauthorized": AuthenticationError(
                "refused.", http_status=401, code="APIGW.0301", text="Incorrect IAM authentication information"
            ),
            "forbidden": ForbiddenError("HTTP 403: kps:task:get is missing.", http_status=403, code="KPS.0003"),
            "rejected": RejectedError("HTTP 400.", http_status=400, code="KPS.0005", text="task_id is malformed"),
            "no_api": RejectedError("HTTP 404: no such API.", http_status=404, code="APIGW.0101", text="no such API"),
            "foreign_400": RejectedError("HTTP 400: a page.", http_status=400),
            "foreign_403": ForbiddenError("HTTP 403: a page.", http_status=403),
            "foreign_404": RejectedError("HTTP 404: a page.", http_status=404),
        }
        error = errors[fault]
        if fault.startswith("foreign"):
            t.cast(CloudError, error).foreign = True
        return error


def run_side_by_side(clock: ScriptedClock) -> RunCalls:
    """Return a ``run_calls`` that runs calls side by side on a fake clock: the time of all calls passes together."""

    def gather(calls: t.Iterator[t.Callable[[], t.Any]], width: t.Callable[[], int]) -> t.Iterator[t.Any]:
        running: list[tuple[float, int, t.Any]] = []
        for number in itertools.count():
            call = next(calls, None)
            if call is not None:
                sent = clock.now
                value = call()
                heapq.heappush(running, (clock.now, number, value))
                clock.now = sent
            while running and (call is None or len(running) >= width() or running[0][0] <= clock.now):
                done, _number, value = heapq.heappop(running)
                clock.now = max(clock.now, done)
                yield value
            if call is None:
                return

    return gather
