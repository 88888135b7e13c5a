# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wait without an end: tasks that are added later, their times, the reasons of failures, and the end of the watch."""

from __future__ import annotations

import math
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import Reason
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import (
    Failure,
    Interrupted,
    Options,
    Watch,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.watch import REASON_GRACE
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._polling.scripted import (
    GONE,
    ScriptedBackend,
    ScriptedClock,
    StatusTimeline,
    Throttle,
)

STEADY: dict[str, t.Any] = {"jitter": 0.0}


def ends(at: float, status: str = "SUCCESS_X") -> StatusTimeline:
    """Return a task that runs until a moment, and then has a status."""
    return ((0.0, "RUNNING_X"), (at, status))


class WatchRun:
    """A watch of a scripted service, and what came of its steps."""

    def __init__(
        self, timelines: t.Mapping[str, StatusTimeline], cloud: t.Mapping[str, t.Any], **options: t.Any
    ) -> None:
        self.clock = ScriptedClock()
        self.cloud = ScriptedBackend(self.clock, timelines, **cloud)
        self.watch = Watch(self.cloud, Options(**{**STEADY, **options}), clock=self.clock, rng=lambda: 0.5)
        #: The tasks that ended, each with when it was told, in seconds since the clock began.
        self.ended: dict[str, dict[str, t.Any]] = {}
        self.told: dict[str, float] = {}
        self.warnings: list[str] = []
        self.failure: Failure | None = None

    def run(self, until: float) -> WatchRun:
        """Take steps until a moment, and rest between them."""
        while self.clock.age() < until and self.failure is None:
            step = self.watch.step()
            for task in step.ended:
                assert task["id"] not in self.ended, "told twice"
                self.ended[task["id"]] = task
                self.told[task["id"]] = self.clock.age()
            self.warnings += step.warnings
            self.failure = step.failure
            self.clock.sleep(max(0.0, min(step.rest, until - self.clock.age())))
        return self

    def states(self) -> dict[str, str]:
        """Return the state of each task that ended."""
        return {task_id: task["state"] for task_id, task in self.ended.items()}


def test_each_task_is_returned_once_when_it_ends() -> None:
    bench = WatchRun({"a": ends(3), "b": ends(40, "FAILED_X"), "c": ((0.0, GONE),), "d": ends(1e6)}, {})
    bench.watch.add(["a", "b", "c", "d", "a"])
    assert len(bench.watch) == 4
    bench.run(100)
    assert bench.states() == {"a": "success", "b": "failed", "c": "missing"}
    assert bench.told["a"] < 8
    assert 40 < bench.told["b"] < 60
    assert len(bench.watch) == 1


def test_a_task_can_be_added_at_any_time_and_its_times_count_from_then() -> None:
    bench = WatchRun({"old": ends(1e6), "new": ends(1020.0)}, {})
    bench.watch.add(["old"])
    bench.run(1000)
    bench.watch.add(["new"])
    bench.run(1100)
    task = bench.ended["new"]
    assert 20 < task["elapsed"] < 35
    assert task["last_seen"] == task["elapsed"]
    assert [span["status"] for span in task["history"]] == ["RUNNING_X", "SUCCESS_X"]
    assert 0 <= task["history"][0]["first"] < 15.5
    assert task["history"][1]["last"] == task["elapsed"]


def test_a_new_task_is_polled_as_soon_after_hours_as_at_the_beginning() -> None:
    # The pause of a wait that is this old would be the longest there is.
    bench = WatchRun({"old": ends(1e6), "new": ends(36_003.0)}, {}, max_interval=600.0)
    bench.watch.add(["old"])
    bench.run(36_000)
    bench.watch.add(["new"])
    bench.run(36_030)
    polls = [round(call.sent - 36_000, 1) for call in bench.cloud.sent("read") if call.about == "new"]
    assert polls[0] <= 2.0
    assert bench.told["new"] - 36_003 < 3


def test_pauses_of_tasks_of_one_age_are_those_of_a_wait() -> None:
    bench = WatchRun({"a": ends(1e6)}, {})
    bench.watch.add(["a"])
    bench.run(100)
    sent = [call.sent for call in bench.cloud.sent("read")]
    pauses = [later - sooner for sooner, later in zip(sent, sent[1:])]
    # backoff * sqrt(age), at least interval, at most max_interval
    for begun, pause in zip(sent[1:], pauses[1:]):
        assert pause == pytest.approx(min(15.0, max(2.0, 0.8 * math.sqrt(begun))), abs=0.2)


def test_a_watch_without_tasks_sends_nothing_and_polls_at_once_what_is_added() -> None:
    bench = WatchRun({"a": ends(0.0)}, {})
    assert bench.watch.step().rest == math.inf
    bench.clock.sleep(5000)
    assert bench.watch.step() == ([], [], math.inf, None)
    assert bench.cloud.calls == []
    bench.watch.add(["a"])
    assert [task["state"] for task in bench.watch.step().ended] == ["success"]
    assert bench.cloud.calls[0].sent == 5000


def test_many_tasks_are_polled_through_the_list() -> None:
    timelines = {f"t{number}": ends(1e6) for number in range(50)}
    bench = WatchRun(timelines, {"page_size": 100}, interval=5.0, backoff=0.0)
    bench.watch.add(timelines)
    bench.run(60)
    assert len(bench.cloud.sent("page")) >= 10
    assert len(bench.cloud.sent("read")) == 0


def test_the_reason_of_a_failure_is_read_when_the_task_fails() -> None:
    timelines = {"bad": ends(10, "FAILED_X"), "other": ends(1e6)}
    bench = WatchRun(timelines, {"has_reasons": True, "reasons_of": {"bad": Reason("KPS.1", "no luck")}})
    bench.watch.add(timelines)
    bench.run(30)
    assert bench.ended["bad"]["reason"] == {"code": "KPS.1", "message": "no luck"}
    assert len(bench.cloud.sent("reasons")) == 1


def test_the_reason_of_the_last_task_is_read_too() -> None:
    bench = WatchRun({"bad": ends(10, "FAILED_X")}, {"has_reasons": True, "reasons_of": {"bad": Reason("KPS.1", "no")}})
    bench.watch.add(["bad"])
    bench.run(30)
    assert bench.ended["bad"]["reason"] == {"code": "KPS.1", "message": "no"}


def test_a_failure_without_a_record_has_no_reason() -> None:
    bench = WatchRun({"bad": ends(1, "FAILED_X")}, {"has_reasons": True})
    bench.watch.add(["bad"])
    bench.run(30)
    assert bench.ended["bad"]["reason"] is None
    assert len(bench.cloud.sent("reasons")) == 1


def test_a_failed_task_is_held_for_a_minute_while_its_reason_cannot_be_read() -> None:
    timelines = {"bad": ends(0, "FAILED_X"), "good": ends(1e6)}
    # The first two calls read the tasks; then nothing is answered for a while.
    for outage, expected in ((5, {"code": "KPS.1", "message": "no luck"}), (1000, None)):
        faults = [None, None, *["unavailable"] * outage]
        cloud = {"has_reasons": True, "reasons_of": {"bad": Reason("KPS.1", "no luck")}, "faults": faults}
        bench = WatchRun(timelines, cloud, error_grace=1e6)
        bench.watch.add(timelines)
        bench.run(200)
        assert bench.ended["bad"]["reason"] == expected, outage
        assert bench.told["bad"] <= REASON_GRACE + 30
        if expected is None:
            assert any("reasons of failed kps tasks could not be read" in warning for warning in bench.warnings)
            assert len(set(bench.warnings)) == len(bench.warnings)


@pytest.mark.parametrize(
    ("fault", "part"), [("unauthorized", "Not authorized"), ("forbidden", "kps:task:get"), ("no_api", "no such API")]
)
def test_a_watch_that_cannot_go_on_says_why_and_returns_the_tasks_that_ended(fault: str, part: str) -> None:
    timelines = {"a": ends(0), "b": ends(1e6)}
    bench = WatchRun(timelines, {"faults": [None, fault]})
    bench.watch.add(timelines)
    bench.run(100)
    assert bench.states() == {"a": "success"}
    assert bench.failure is not None
    assert part in bench.failure.message
    assert bench.failure.error is not None
    assert len(bench.cloud.calls) == 2


def test_rejected_credentials_are_tried_once_more_after_reauthentication() -> None:
    bench = WatchRun({"a": ends(1e6)}, {"faults": ["unauthorized"] * 5, "may_reauthenticate": True})
    bench.watch.add(["a"])
    bench.run(100)
    assert bench.failure is not None
    assert (len(bench.cloud.calls), len(bench.cloud.reauthentications)) == (2, 1)


def test_an_outage_is_survived_until_the_grace_is_over() -> None:
    faults = ["reset"] * 2000
    bench = WatchRun({"a": ends(0)}, {"faults": faults[:20]}, error_grace=3600.0)
    bench.watch.add(["a"])
    bench.run(600)
    assert bench.states() == {"a": "success"}
    bench = WatchRun({"a": ends(0)}, {"faults": faults}, error_grace=300.0)
    bench.watch.add(["a"])
    bench.run(1000)
    assert bench.failure is not None
    assert bench.failure.message.startswith("No usable response from https://cloud.example.com for 3")


def test_no_step_sleeps_for_long_although_the_service_asks_for_an_hour() -> None:
    bench = WatchRun({"a": ends(0)}, {"faults": [Throttle(3600.0)]})
    bench.watch.add(["a"])
    first = bench.watch.step()
    assert first.ended == []
    assert 3590 < first.rest <= 3600
    assert bench.clock.age() < 5
    bench.run(4000)
    assert bench.states() == {"a": "success"}
    assert bench.cloud.calls[1].sent >= 3600


def test_an_unknown_status_goes_on_with_one_warning() -> None:
    bench = WatchRun({"a": ((0.0, "ODD_X"), (60.0, "SUCCESS_X"))}, {})
    bench.watch.add(["a"])
    bench.run(100)
    assert bench.states() == {"a": "success"}
    assert bench.warnings == ["kps task a reports the unknown status ODD_X; waiting on."]


def test_the_clock_can_end_a_step() -> None:
    bench = WatchRun({"a": ends(1e6)}, {"signal_at_call": 0})
    bench.watch.add(["a"])
    with pytest.raises(Interrupted):
        bench.watch.step()


def test_a_watch_is_as_fast_as_its_rate_allows() -> None:
    timelines = {f"t{number}": ends(0) for number in range(30)}
    bench = WatchRun(timelines, {}, rate=5.0, batch="never")
    bench.watch.add(timelines)
    bench.run(60)
    sent = [call.sent for call in bench.cloud.sent("read")]
    assert len(sent) == 30
    assert all(later - sooner >= 0.2 - 1e-6 for sooner, later in zip(sent, sent[1:]))
    assert max(bench.told.values()) < 8
