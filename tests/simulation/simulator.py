# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services with lists like the real ones, tasks with random durations, and one wait on them in simulated time.

The model: all tasks start together and take independent, lognormal times; a call takes 50 ms; the account may make 20 calls
within a second, and further ones are throttled. What the real services do beyond that is not modelled.
"""

from __future__ import annotations

import collections
import dataclasses
import math
import random
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import ThrottledError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._task import PENDING, SUCCESS, Page, Sighting
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait import Options, Outcome, wait

#: Seconds a call takes.
RTT = 0.05
#: Calls the account may make within one second.
ACCOUNT_LIMIT = 20


@dataclasses.dataclass(frozen=True)
class Service:
    """How a service shows its tasks.

    Attributes:
        name: ``kps``, ``csms``, ``sms``, ``cloudsso``; ``reads`` has no list.
        page_size: Rows per page; None when there is no list.
        lists_only_pending: The list shows running tasks only.
    """

    name: str
    page_size: int | None = None
    lists_only_pending: bool = False


SERVICES = {
    service.name: service
    for service in (
        Service("reads"),
        Service("cloudsso", 20),
        Service("sms", 200),
        Service("csms", 1000),
        Service("kps", 1000, lists_only_pending=True),
    )
}


class SimulatedClock:
    """Time that passes when somebody sleeps or a call takes its time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """As of ``Clock``."""
        return self.now

    def time(self) -> float:
        """As of ``Clock``."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """As of ``Clock``."""
        self.now += max(0.0, seconds)


class SimulatedSource:
    """A ``TaskSource`` whose tasks succeed when their time has come.

    Args:
        service: How it shows its tasks.
        clock: The time.
        durations: Seconds each task takes.
        foreign: Rows of others before ours in the list.
    """

    endpoint = "https://simulated.example.com"
    words: t.Mapping[str, tuple[str, ...]] = {PENDING: ("RUNNING_RESET",), SUCCESS: ("SUCCESS_RESET",)}
    labels: tuple[tuple[str, str], ...] = ()
    rate = 18.0
    explains = False

    def __init__(self, service: Service, clock: SimulatedClock, durations: t.Mapping[str, float], foreign: int) -> None:
        self.service = service.name
        self.lists = service.page_size is not None
        self._lists_only_pending = service.lists_only_pending
        self.listed_words: tuple[str, ...] | None = ("RUNNING_RESET",) if service.lists_only_pending else None
        self._page_size = service.page_size or 0
        self._clock = clock
        self._durations = durations
        self._foreign = [Sighting(f"foreign-{number}", PENDING) for number in range(foreign)]
        self._recent: collections.deque[float] = collections.deque()
        self.calls = 0
        self.throttled = 0

    def read(self, task_id: str, timeout: float) -> Sighting:
        """As of ``TaskSource``."""
        self._receive(timeout)
        return self._sighting(task_id)

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> Page:
        """As of ``TaskSource``."""
        self._receive(timeout)
        shown = [
            task_id
            for task_id in self._durations
            if not self._lists_only_pending or self._clock.now < self._durations[task_id]
        ]
        begin = int(cursor or 0)
        end = begin + self._page_size
        rows, before = self._foreign[begin:end], len(self._foreign)
        for task_id in shown[max(0, begin - before) : max(0, end - before)]:
            rows.append(Sighting(task_id, PENDING) if self._lists_only_pending else self._sighting(task_id))
        return Page(tuple(rows), end if end < before + len(shown) else None)

    def reasons(self, cursor: t.Any, timeout: float) -> Page:
        """As of ``TaskSource``."""
        raise NotImplementedError

    def renewable(self) -> bool:
        """As of ``TaskSource``."""
        return False

    def renew(self, timeout: float) -> None:
        """As of ``TaskSource``."""
        raise NotImplementedError

    def _receive(self, timeout: float) -> None:
        assert timeout >= RTT
        now = self._clock.now
        self.calls += 1
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        self._clock.now += RTT
        if len(self._recent) >= ACCOUNT_LIMIT:
            self.throttled += 1
            raise ThrottledError("Too many calls.", http_status=429)
        self._recent.append(now)

    def _sighting(self, task_id: str) -> Sighting:
        if self._clock.now >= self._durations[task_id]:
            return Sighting(task_id, SUCCESS, "SUCCESS_RESET")
        return Sighting(task_id, PENDING, "RUNNING_RESET")


@dataclasses.dataclass(frozen=True)
class Run:
    """What one simulated wait came to.

    Attributes:
        outcome: What the engine said.
        calls: Requests the service received.
        throttled: Those it turned away.
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
        """The latency that this share of the tasks does not exceed."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def lognormal(number: int, seed: int, median: float = 30.0, sigma: float = 0.8) -> list[float]:
    """Random durations."""
    draw = random.Random(seed)
    return [draw.lognormvariate(math.log(median), sigma) for _number in range(number)]


def simulate(service: str, durations: t.Sequence[float], *, seed: int = 0, foreign: int = 0, **options: t.Any) -> Run:
    """Wait for tasks of the given durations in simulated time."""
    clock = SimulatedClock()
    table = {f"t-{number}": duration for number, duration in enumerate(durations)}
    source = SimulatedSource(SERVICES[service], clock, table, foreign)
    draw = random.Random(seed).random
    outcome = wait(source, list(table), Options(**options), clock=clock, random=draw)
    latencies = sorted(task["elapsed"] - table[task["id"]] for task in outcome.result["tasks"] if task["finished"])
    return Run(outcome, source.calls, source.throttled, latencies, clock.now)
