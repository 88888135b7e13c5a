# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services with lists like the real ones, tasks with random durations, and one wait on them in simulated time.

The model: all tasks start together and take independent, lognormal times; a call takes 50 ms; the account may make 20 calls
within a second, and further ones are throttled. Any share of the calls may fail at random, each in one of many ways. What the
real services do beyond that is not modelled.
"""

from __future__ import annotations

import collections
import dataclasses
import math
import random
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    InvalidResponseError,
    RejectedError,
    ThrottledError,
    TransportError,
    UnavailableError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    FAILED,
    PENDING,
    SUCCESS,
    StatusPage,
    TaskStatus,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options, Outcome, wait
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._polling.scripted import (
    run_side_by_side,
)

#: Seconds a call takes.
RTT = 0.05
#: Seconds a slow one takes.
SLOW = 2.0
#: Calls the account may make within one second.
ACCOUNT_LIMIT = 20


@dataclasses.dataclass(frozen=True)
class SimulatedService:
    """The way a service shows its tasks.

    Attributes:
        name: ``kps``, ``csms``, ``sms``, ``cloudsso``; ``reads`` has no list.
        page_size: Rows per page; None when there is no list.
        lists_only_pending: The list shows running tasks only.
    """

    name: str
    page_size: int | None = None
    lists_only_pending: bool = False


SIMULATED_SERVICES = {
    service.name: service
    for service in (
        SimulatedService("reads"),
        SimulatedService("cloudsso", 20),
        SimulatedService("sms", 200),
        SimulatedService("csms", 1000),
        SimulatedService("kps", 1000, lists_only_pending=True),
    )
}


#: Every way in which a call can fail and may succeed when it is repeated.
FAULTS = (
    "throttled",
    "throttled with a hint",
    "unavailable",
    "HTML",
    "HTML with 404",
    "truncated",
    "wrong type",
    "other task",
    "dropped",
    "no connection",
    "hangs",
    "slow",
)


@dataclasses.dataclass(frozen=True)
class RandomFaults:
    """The faults that happen at random.

    Attributes:
        share: The share of calls that fail, 0 to 1.
        kinds: The ways in which they do, all equally likely.
        seed: Of the random numbers.
        of: The only calls that fail: ``read`` or ``page``; None is all.
        every: Instead of a share: every second call, or every third, and so on.
        until: When nothing fails any more, in seconds.
    """

    share: float
    kinds: t.Sequence[str] = FAULTS
    seed: int = 0
    of: str | None = None
    every: int | None = None
    until: float = math.inf

    def strike(self, draw: random.Random, kind: str, number: int, now: float) -> str | None:
        """Return how a call fails, if it does.

        Args:
            draw: Random numbers.
            kind: ``read`` or ``page``.
            number: The number of the call, from 1.
            now: When it is sent, in seconds.
        """
        if now >= self.until or self.of not in (None, kind):
            return None
        struck = number % self.every == 0 if self.every else draw.random() < self.share
        return draw.choice(self.kinds) if struck else None


class SimulatedClock:
    """Time that passes when the engine sleeps or a call takes its time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Implement ``Clock``."""
        return self.now

    def time(self) -> float:
        """Implement ``Clock``."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Implement ``Clock``."""
        self.now += max(0.0, seconds)


class SimulatedBackend:
    """A ``TaskBackend`` whose tasks succeed when their time has come.

    Args:
        service: How it shows its tasks.
        clock: The time.
        durations: Seconds each task takes.
        foreign: Rows of others before ours in the list.
        failing: The tasks that fail.
        faults: What goes wrong with calls.
        limit: Calls the account may make within one second.
    """

    endpoint = "https://simulated.example.com"
    statuses: t.Mapping[str, tuple[str, ...]] = {
        PENDING: ("RUNNING_RESET",),
        SUCCESS: ("SUCCESS_RESET",),
        FAILED: ("FAILED_RESET",),
    }
    labels: tuple[tuple[str, str], ...] = ()
    rate = 18.0
    has_reasons = False

    def __init__(
        self,
        service: SimulatedService,
        clock: SimulatedClock,
        durations: t.Mapping[str, float],
        foreign: int,
        failing: t.Collection[str] = (),
        faults: RandomFaults = RandomFaults(0.0),
        limit: float = ACCOUNT_LIMIT,
    ) -> None:
        self.service = service.name
        self.has_list = service.page_size is not None
        self._lists_only_pending = service.lists_only_pending
        self.parent = "project"
        self.listed_statuses: tuple[str, ...] | None = ("RUNNING_RESET",) if service.lists_only_pending else None
        self._page_size = service.page_size or 0
        self._clock = clock
        self._durations = durations
        self._foreign = [TaskStatus(f"foreign-{number}", PENDING) for number in range(foreign)]
        self._failing = frozenset(failing)
        self._faults = faults
        self._draw = random.Random(faults.seed)
        self._limit = limit
        self._recent: collections.deque[float] = collections.deque()
        self.calls = 0
        self.throttled = 0
        self.faulty = 0

    def read(self, task_id: str, timeout: float) -> TaskStatus:
        """Implement ``TaskBackend``."""
        fault = self._receive("read", timeout)
        if fault == "other task":
            return self._status_of(task_id)._replace(task_id="another")
        return self._status_of(task_id)

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
        """Implement ``TaskBackend``."""
        self._receive("page", timeout)
        shown = [
            task_id
            for task_id in self._durations
            if not self._lists_only_pending or self._clock.now < self._durations[task_id]
        ]
        begin = int(cursor or 0)
        end = begin + self._page_size
        rows, before = self._foreign[begin:end], len(self._foreign)
        for task_id in shown[max(0, begin - before) : max(0, end - before)]:
            rows.append(TaskStatus(task_id, PENDING) if self._lists_only_pending else self._status_of(task_id))
        return StatusPage(tuple(rows), end if end < before + len(shown) else None)

    def reasons(self, cursor: t.Any, timeout: float) -> StatusPage:
        """Implement ``TaskBackend``."""
        raise NotImplementedError

    def can_reauthenticate(self) -> bool:
        """Implement ``TaskBackend``."""
        return False

    def reauthenticate(self, timeout: float) -> None:
        """Implement ``TaskBackend``."""
        raise NotImplementedError

    def _receive(self, kind: str, timeout: float) -> str | None:
        """Receive a call; returns the fault that is left to the caller, if any."""
        assert timeout >= RTT
        now = self._clock.now
        self.calls += 1
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        fault = self._faults.strike(self._draw, kind, self.calls, now)
        if fault == "hangs":
            self._clock.now += timeout
            raise TransportError("no response in time.", possibly_sent=True)
        self._clock.now += min(timeout, SLOW) if fault == "slow" else RTT
        if fault is not None:
            self.faulty += 1
            self._fail(fault)
        if len(self._recent) >= self._limit:
            self.throttled += 1
            raise ThrottledError("Too many calls.", http_status=429)
        self._recent.append(now)
        return fault

    @staticmethod
    def _fail(fault: str) -> None:
        """Fail in this way; some ways are up to the caller."""
        if fault == "throttled":
            raise ThrottledError("Too many calls.", http_status=429)
        if fault == "throttled with a hint":
            raise ThrottledError("Too many calls.", http_status=429, retry_after=1.0)
        if fault == "unavailable":
            raise UnavailableError("HTTP 503.", http_status=503)
        if fault == "HTML":
            raise InvalidResponseError("HTTP 200 with HTML.", http_status=200)
        if fault == "HTML with 404":
            error = RejectedError("HTTP 404 with HTML.", http_status=404)
            error.foreign = True
            raise error
        if fault == "truncated":
            raise InvalidResponseError("half a JSON document.", truncated=True)
        if fault == "wrong type":
            raise TypeError("sequence item 0: expected str instance, int found")
        if fault == "dropped":
            raise TransportError("the connection was closed.", possibly_sent=True)
        if fault == "no connection":
            raise TransportError("no connection.", possibly_sent=False)

    def _status_of(self, task_id: str) -> TaskStatus:
        if self._clock.now >= self._durations[task_id]:
            if task_id in self._failing:
                return TaskStatus(task_id, FAILED, "FAILED_RESET")
            return TaskStatus(task_id, SUCCESS, "SUCCESS_RESET")
        return TaskStatus(task_id, PENDING, "RUNNING_RESET")


@dataclasses.dataclass(frozen=True)
class SimulatedWait:
    """The result of one simulated wait.

    Attributes:
        outcome: What the engine said.
        calls: Requests the service received.
        throttled: Those it throttled.
        latencies: Seconds from the end of each task to its recognition, ascending.
        end: When the wait ended.
    """

    outcome: Outcome
    calls: int
    throttled: int
    latencies: t.Sequence[float]
    end: float

    @property
    def mean(self) -> float:
        """Mean latency in seconds."""
        return sum(self.latencies) / len(self.latencies)

    def percentile(self, share: float) -> float:
        """Return the latency that this share of the tasks does not exceed."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def lognormal(number: int, seed: int, median: float = 30.0, sigma: float = 0.8) -> list[float]:
    """Return random durations."""
    draw = random.Random(seed)
    return [draw.lognormvariate(math.log(median), sigma) for _number in range(number)]


def simulate(
    service: str,
    durations: t.Sequence[float],
    *,
    seed: int = 0,
    foreign: int = 0,
    failing: t.Collection[str] = (),
    faults: RandomFaults = RandomFaults(0.0),
    limit: float = ACCOUNT_LIMIT,
    connections: int = 1,
    **options: t.Any,
) -> SimulatedWait:
    """Wait for tasks of the given durations, called ``t-0`` and so on, in simulated time."""
    clock = SimulatedClock()
    table = {f"t-{number}": duration for number, duration in enumerate(durations)}
    source = SimulatedBackend(SIMULATED_SERVICES[service], clock, table, foreign, failing, faults, limit)
    draw = random.Random(seed).random
    side_by_side: dict[str, t.Any] = {}
    if connections > 1:
        side_by_side = {"run_calls": run_side_by_side(t.cast(t.Any, clock)), "connections": connections}
    outcome = wait(source, list(table), Options(**options), clock=clock, rng=draw, **side_by_side)
    latencies = sorted(task["elapsed"] - table[task["id"]] for task in outcome.result["tasks"] if task["finished"])
    return SimulatedWait(outcome, source.calls, source.throttled, latencies, clock.now)
