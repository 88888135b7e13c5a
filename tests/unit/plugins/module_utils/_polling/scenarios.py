# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole waits that hypothesis makes up: what the tasks do, what goes wrong, what the user wants, and one run of it."""

from __future__ import annotations

import dataclasses
import json
import random
import typing as t

from hypothesis import strategies as st

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import Reason
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options, Outcome, Slice, wait
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._polling.scripted import (
    GONE,
    ScriptedBackend,
    ScriptedClock,
    StatusTimeline,
    Throttle,
)

KNOWN_STATUSES = ("READY_X", "RUNNING_X", "SUCCESS_X", "FAILED_X")
#: Statuses that look like a success, and are not.
TRAPS = (
    None,
    "",
    "SUCCESS",
    "success_x",
    "SUCCESS_X ",
    "SUCCESS_XX",
    "SUCCESS_",
    "OK",
    "True",
    "FAILED",
    "PAUSED_X",
    "ok",
)

TRANSIENT = ("unavailable", "broken", "cut", "reset", "hang", "odd")
THROTTLES = (Throttle(), Throttle(0.0), Throttle(3.0), Throttle(20.0))

#: Moments and durations that floating point holds exactly.
moments = st.integers(0, 400).map(lambda quarters: quarters / 4)


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One made-up wait; ``cloud`` holds the arguments of ``ScriptedBackend``."""

    timelines: t.Mapping[str, StatusTimeline]
    options: dict[str, t.Any]
    cloud: dict[str, t.Any]
    seed: int = 0

    def begin(self, **changes: t.Any) -> tuple[ScriptedClock, ScriptedBackend]:
        """Return a clock and a cloud at the start; ``changes`` are further arguments of ``ScriptedBackend``."""
        clock = ScriptedClock()
        return clock, ScriptedBackend(clock, self.timelines, **{**self.cloud, **changes})

    def run(self, **changes: t.Any) -> tuple[Outcome, ScriptedBackend]:
        """Wait to the end; ``changes`` are further arguments of ``Options``."""
        clock, cloud = self.begin()
        return self.wait(clock, cloud, **changes), cloud

    def wait(self, clock: ScriptedClock, cloud: ScriptedBackend, **changes: t.Any) -> Outcome:
        """Wait to the end on a given cloud."""
        options = Options(**{**self.options, **changes})
        return wait(cloud, list(self.timelines), options, clock=clock, rng=random.Random(self.seed).random)

    def run_in_slices(self, lengths: t.Sequence[float]) -> tuple[Outcome, ScriptedBackend, int]:
        """Wait in slices of the given lengths, in turn; returns the number of slices as well."""
        clock, cloud = self.begin()
        draw, state = random.Random(self.seed).random, None
        for number in range(10_000):
            part = Slice(clock.age(), lengths[number % len(lengths)], state)
            ids = list(self.timelines) if state is None else []
            outcome = wait(cloud, ids, Options(**self.options), clock=clock, rng=draw, time_slice=part)
            if outcome.more is None:
                return outcome, cloud, number + 1
            state = json.loads(json.dumps(outcome.more["state"]))
        raise AssertionError("the slices never end")

    @property
    def deadline(self) -> float:
        """When the wait must end."""
        return float(self.options["timeout"])

    @property
    def rate(self) -> float:
        """Calls per second at most."""
        return float(self.options.get("rate") or self.cloud.get("rate", 10.0))


@st.composite
def timelines(draw: st.DrawFn, statuses: t.Sequence[str | None], lasting: bool = False) -> StatusTimeline:
    """Draw the statuses of a task; ``lasting``: success and failure are never taken back; the task is never gone."""
    steps = sorted(draw(st.sets(moments, max_size=4)))
    line: list[tuple[float, str | None]] = []
    for since in (0.0, *steps):
        if lasting and line and line[-1][1] in ("SUCCESS_X", "FAILED_X"):
            break
        line.append((since, draw(st.sampled_from(statuses))))
    return tuple(line)


@st.composite
def scenarios(
    draw: st.DrawFn,
    /,
    *,
    statuses: t.Sequence[str | None] = (*KNOWN_STATUSES, GONE),
    faults: t.Sequence[t.Any] = (*TRANSIENT, *THROTTLES),
    lasting: bool = False,
    lists: bool = True,
    lies: bool = True,
    most: int = 6,
    latency: float = 0.5,
    **fixed: t.Any,
) -> Scenario:
    """Draw a whole wait.

    Args:
        draw: Hypothesis.
        statuses: What tasks may say.
        faults: What may go wrong with a call.
        lasting: As of ``timelines``.
        lists: Whether the service may have a list.
        lies: Whether the list may slide, repeat rows, lag behind, or speak of other ids.
        most: Tasks at most.
        latency: Longest latency of a call, in seconds.
        fixed: Options that are the same in all scenarios.
    """
    ids = [f"t-{number}" for number in range(draw(st.integers(1, most)))]
    maybe = st.sampled_from([None, *faults]) if faults else st.none()
    has_list = lists and draw(st.booleans())
    cloud: dict[str, t.Any] = {
        "page_size": draw(st.sampled_from([1, 2, 3, 10])) if has_list else None,
        "lists_only_pending": draw(st.booleans()),
        "other_rows": draw(st.integers(0, 4)) if has_list else 0,
        "latencies": tuple(draw(st.lists(st.sampled_from([0.0, 0.05, 0.25, latency]), min_size=1, max_size=3))),
        "faults": tuple(draw(st.lists(maybe, max_size=25))),
        "has_reasons": draw(st.booleans()),
        "reasons_of": {task_id: Reason("KPS.1", f"why {task_id}") for task_id in ids[::2]},
    }
    if has_list and lies:
        lie = draw(st.sampled_from([None, "slides", "repeats_rows", "lag", "other_ids"]))
        cloud.update({lie: 5.0 if lie == "lag" else True} if lie else {})
    options = {
        "timeout": draw(st.sampled_from([0.0, 1.0, 7.5, 30.0, 60.0, 110.0])),
        "delay": draw(st.sampled_from([0.0, 0.0, 5.0])),
        "interval": draw(st.sampled_from([0.5, 2.0, 7.0])),
        "max_interval": draw(st.sampled_from([1.0, 15.0])),
        "backoff": draw(st.sampled_from([0.0, 0.8, 2.0])),
        "jitter": draw(st.sampled_from([0.0, 0.1, 0.9])),
        "rate": draw(st.sampled_from([None, 1.0, 4.0, 20.0])),
        "confirm": draw(st.sampled_from([1, 1, 2, 3])),
        "not_found_grace": draw(st.sampled_from([0.0, 3.0, 30.0])),
        "error_grace": draw(st.sampled_from([0.0, 10.0, 120.0])),
        "request_timeout": draw(st.sampled_from([2.0, 30.0])),
        **fixed,
    }
    table = {task_id: draw(timelines(statuses, lasting)) for task_id in ids}
    return Scenario(table, options, cloud, draw(st.integers(0, 3)))
