# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model of the ways that take hours: ``until`` and ``async`` as loops over tasks, with costs measured before.

Pure arithmetic: the tasks start at 0, and nothing but the waiter's own pace keeps it from seeing an end.
"""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Waited:
    """The result of a wait in one of the ways.

    Attributes:
        calls: Requests to the service.
        runs: Executions of modules by the controller.
        latencies: Seconds from the end of each task until the controller knew.
        wall: Seconds until all were known.
    """

    calls: int
    runs: int
    latencies: t.Sequence[float]
    wall: float


def until_in_a_loop(ends: t.Sequence[float], *, run: float, delay: float) -> Waited:
    """Return one item after the other is asked about until it has ended.

    Args:
        ends: When each task ends.
        run: Seconds one execution takes.
        delay: Seconds between two.
    """
    now, calls, latencies = 0.0, 0, []
    for end in ends:
        now += run
        calls += 1
        while now < end:
            now += delay + run
            calls += 1
        latencies.append(now - end)
    return Waited(calls, calls, latencies, now)


def async_and_status(ends: t.Sequence[float], *, launch: float, status: float, interval: float, delay: float) -> Waited:
    """Return a job per task is started, one after the other; then one after the other is asked about until it is finished.

    Args:
        ends: When each task ends.
        launch: Seconds it takes to start a job.
        status: Seconds one execution of ``async_status`` takes.
        interval: Seconds between two polls of a job.
        delay: Seconds between two executions of ``async_status``.
    """
    now, calls, runs = 0.0, 0, 0
    finished = []
    for end in ends:
        now += launch
        runs += 1
        count = 1 if now >= end else 1 + -int(-(end - now) // interval)
        calls += count
        finished.append(now + (count - 1) * interval)
    latencies = []
    for end, done in zip(ends, finished, strict=True):
        now += status
        runs += 1
        while now < done:
            now += delay + status
            runs += 1
        latencies.append(now - end)
    return Waited(calls, runs, latencies, now)
