# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The times at which other engines poll a task and give up, each as a few lines that follow its source.

An engine is a function that yields the moments of its polls, in seconds since the start, and returns when it gives up; it is
told the budget and may draw random numbers. ``watch`` plays one against a task, ``cost`` against many.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import random
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options, pacing

#: The polls of an engine with some budget.
Polls = t.Iterator[float]
Engine = t.Callable[[float, random.Random], Polls]


def fixed(budget: float, _draw: random.Random, *, interval: float, delay: float = 0.0) -> Polls:
    """Poll every ``interval`` seconds after ``delay``, never beyond the budget."""
    moment = delay
    while moment < budget:
        yield moment
        moment += interval


def exponential(budget: float, _draw: random.Random, *, first: float, factor: float, longest: float) -> Polls:
    """Poll with pauses that grow by a factor up to a bound."""
    moment, pause = 0.0, first
    while moment < budget:
        yield moment
        moment += pause
        pause = min(pause * factor, longest)


def attempts(budget: float, _draw: random.Random, *, interval: float) -> Polls:
    """Poll so many times in place of a budget, rounded up: once more at the end or after it (``until``, botocore)."""
    for number in itertools.count():
        yield number * interval
        if number * interval >= budget:
            return


def boto(budget: float, draw: random.Random) -> Polls:
    """Poll as botocore's waiters: every 15 s, by number of tries."""
    return attempts(budget, draw, interval=15.0)


def azure(_budget: float, _draw: random.Random) -> Polls:
    """Poll as azure-core's poller: every 30 s, without an end of its own."""
    return (30.0 * number for number in itertools.count())


def google(budget: float, draw: random.Random) -> Polls:
    """Poll as google.api_core: pauses up to 1 s, then 1.5 times as much, up to 20 s; end before the budget does."""
    moment, bound = 0.0, 1.0
    while True:
        yield moment
        moment += draw.uniform(0.0, bound)
        bound = min(bound * 1.5, 20.0)
        if moment > budget:
            return


def openstack(budget: float, draw: random.Random) -> Polls:
    """Poll as openstacksdk: every 2 s; read the clock after each pause, before the task."""
    return fixed(budget, draw, interval=2.0)


def hcloud(budget: float, draw: random.Random) -> Polls:
    """Poll as hcloud-python: every second."""
    return fixed(budget, draw, interval=1.0)


def vmware(budget: float, _draw: random.Random) -> Polls:
    """Poll as community.vmware: pauses of 2, 4, 8 ... 64 s; read the clock before the task."""
    moment, pause = 0.0, 2.0
    while moment < budget:
        yield moment
        moment += pause
        pause = min(pause * 2, 64.0)


def terraform_huawei_kps(budget: float, draw: random.Random) -> Polls:
    """Poll as the KPS resource of Terraform's provider: after 10 s, every 20 s, cut off at the budget."""
    return fixed(budget, draw, delay=10.0, interval=20.0)


def terraform_alicloud(budget: float, _draw: random.Random) -> Polls:
    """Poll as the CloudSSO resources of Terraform's provider: after 5 s; pauses of 3 s, twice as much, at most 10 s."""
    moment, pause = 5.0, 0.1
    while moment < budget:
        yield moment
        pause = min(max(2 * pause, 3.0), 10.0)
        moment += pause


def kubernetes_poll(budget: float, draw: random.Random) -> Polls:
    """Poll as wait.Poll of Kubernetes with 5 s: first after one pause; the deadline wins over a tick at its time."""
    return fixed(budget, draw, delay=5.0, interval=5.0)


def foreman(_budget: float, _draw: random.Random, *, interval: float = 4.0) -> Polls:
    """Poll as theforeman.foreman's wait_for_task: as many polls as pauses fit in the budget, one less in time."""
    return (interval * number for number in range(int(_budget / interval)))


def ours(budget: float, draw: random.Random, **options: t.Any) -> Polls:
    """Poll as this collection does one task, with its last poll at the deadline."""
    chosen, moment = Options(**options), 0.0
    while True:
        yield moment
        if moment >= budget:
            return
        rest = pacing.pause_between_rounds(
            chosen, age=moment, calls=1, pending=1, rate=18.0, eta=None, random_number=draw.random()
        )
        moment = pacing.next_round_start(now=moment, rest=rest, calls=1, spacing=1 / 18, deadline=budget, silent=False)


ENGINES: dict[str, Engine] = {
    "boto": boto,
    "azure": azure,
    "google": google,
    "openstack": openstack,
    "hcloud": hcloud,
    "vmware": vmware,
    "terraform huawei kps": terraform_huawei_kps,
    "terraform alicloud cloudsso": terraform_alicloud,
    "kubernetes wait.Poll": kubernetes_poll,
    "theforeman": foreman,
    "ours": ours,
}


def watch(engine: Engine, done: float, budget: float, draw: random.Random) -> tuple[int, float | None]:
    """Play an engine against one task. Return the number of polls, and when it saw the end, None if it never did."""
    polls = 0
    for moment in engine(budget, draw):
        polls += 1
        if moment >= done:
            return polls, moment
    return polls, None


@dataclasses.dataclass(frozen=True)
class Cost:
    """The average cost of an engine: polls per task, and seconds from the end of a task to its recognition."""

    calls: float
    latency: float
    p95: float


def cost(engine: Engine, durations: t.Sequence[float], seed: int = 0) -> Cost:
    """Play an engine against tasks, each by itself, with all the time it wants."""
    draw = random.Random(seed)
    calls, latencies = 0, []
    for done in durations:
        polls, seen = watch(engine, done, float("inf"), draw)
        calls += polls
        latencies.append((seen or 0.0) - done)
    latencies.sort()
    number = len(durations)
    return Cost(calls / number, sum(latencies) / number, latencies[int(0.95 * number)])


def false_timeouts(engine: Engine, budget: float, earliest: float, runs: int, seed: int = 0) -> float:
    """Return the share of tasks, done evenly from ``earliest`` to the budget, that an engine reports as timed out."""
    draw = random.Random(seed)
    missed = 0
    for number in range(runs):
        done = earliest + (budget - earliest) * (number + 0.5) / runs
        missed += watch(engine, done, budget, draw)[1] is None
    return missed / runs


def cheapest(family: t.Iterable[Engine], durations: t.Sequence[float], calls: float) -> float:
    """Return the lowest mean latency within a budget of mean calls per task."""
    costs = (cost(engine, durations) for engine in family)
    return min((each.latency for each in costs if each.calls <= calls), default=float("inf"))


def fixed_family(intervals: t.Iterable[float], delays: t.Iterable[float] = (0.0,)) -> list[Engine]:
    """Return engines of fixed intervals after delays, in all combinations."""
    return [functools.partial(fixed, interval=interval, delay=delay) for interval in intervals for delay in delays]


def exponential_family(
    firsts: t.Iterable[float], factors: t.Iterable[float], longest: t.Sequence[float]
) -> list[Engine]:
    """Return engines of growing pauses, in all combinations."""
    return [
        functools.partial(exponential, first=first, factor=factor, longest=bound)
        for first in firsts
        for factor in factors
        for bound in longest
    ]


def regrets(engine: Engine, scales: t.Mapping[float, t.Sequence[float]], price: float) -> list[float]:
    """Return, for each scale, how much more an engine costs than the best one that knows the scale.

    The cost is the mean latency plus ``price`` seconds per call. The best that knows the median is a delay and a fixed
    interval, both in proportion to it, which is within a few percent of the optimum.
    """
    found = []
    for median, durations in scales.items():
        shares = [0.03 * 1.35**step for step in range(16)]
        family = fixed_family([median * share for share in shares], [0.0, median / 4, median / 2])
        best = min(each.latency + price * each.calls for each in (cost(known, durations) for known in family))
        ours_ = cost(engine, durations)
        found.append((ours_.latency + price * ours_.calls) / best)
    return found
