# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The poller by example: one test per promise and per decision about what the promises leave open."""

from __future__ import annotations

import dataclasses
import json
import random
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    CheckModeWriteError,
    CloudError,
    CredentialsError,
    NotFoundError,
    RejectedError,
    UnavailableError,
    UsageError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import Reason, StatusPage, TaskStatus
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options, Outcome, Slice, wait
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._polling.scripted import (
    GONE,
    ScriptedBackend,
    ScriptedClock,
    StatusTimeline,
    Throttle,
    run_side_by_side,
)

RUNS: StatusTimeline = ((0.0, "RUNNING_X"),)
BAD: StatusTimeline = ((0.0, "RUNNING_X"), (10.0, "FAILED_X"))

#: No jitter and a fixed pause of 5 s.
STEADY: dict[str, t.Any] = {"jitter": 0.0, "backoff": 0.0, "interval": 5.0}


def after(seconds: float, status: str | None = "SUCCESS_X") -> StatusTimeline:
    """Return a task that runs, and says something else after so many seconds."""
    return ((0.0, "RUNNING_X"), (seconds, status))


def run(
    timelines: t.Mapping[str, StatusTimeline], cloud: t.Mapping[str, t.Any], **options: t.Any
) -> tuple[Outcome, ScriptedBackend]:
    """Wait on a scripted cloud."""
    clock = ScriptedClock()
    backend = ScriptedBackend(clock, timelines, **cloud)
    return wait(backend, list(timelines), Options(**{**STEADY, **options}), clock=clock, rng=lambda: 0.5), backend


def states(outcome: Outcome) -> list[str]:
    """Return the states in the order of the request."""
    return [task["state"] for task in outcome.result["tasks"]]


def at(cloud: ScriptedBackend, *kinds: str) -> list[float]:
    """Return when calls were sent."""
    return [round(call.sent, 2) for call in cloud.sent(*(kinds or ("read", "page", "reasons")))]


# States


def test_statuses_are_classified_by_the_table_of_the_service() -> None:
    outcome, _cloud = run({"a": after(3), "b": BAD, "c": RUNS, "d": after(3, "PAUSED")}, {}, timeout=30)
    assert states(outcome) == ["success", "failed", "pending", "unknown"]


def test_the_status_lists_of_the_user_come_before_the_table() -> None:
    timelines = {
        "a": after(3, "SYNCING"),
        "b": after(3, "STUCK"),
        "c": after(3, "FAILED_X"),
        "d": after(3, "SUCCESS_X"),
    }
    outcome, _cloud = run(
        timelines,
        {},
        timeout=30,
        success_statuses=("SYNCING", "FAILED_X"),
        failure_statuses=("STUCK",),
        pending_statuses=("SUCCESS_X",),
    )
    assert states(outcome) == ["success", "failed", "success", "pending"]


def test_a_status_that_the_user_lists_as_the_table_does_stays_with_the_service() -> None:
    # A job of ECS that says SUCCESS over a failed sub-job has failed, whatever success_statuses repeats.
    class ClassifyingBackend(ScriptedBackend):
        def read(self, task_id: str, timeout: float) -> TaskStatus:
            return super().read(task_id, timeout)._replace(state="failed", reason=Reason("Ecs.1", "disk"))

    clock = ScriptedClock()
    cloud = ClassifyingBackend(clock, {"a": ((0.0, "SUCCESS_X"),)})
    options = Options(success_statuses=("SUCCESS_X",))
    outcome = wait(cloud, ["a"], options, clock=clock, rng=lambda: 0.5)
    assert states(outcome) == ["failed"]
    assert outcome.result["task"]["reason"] == {"code": "Ecs.1", "message": "disk"}


def test_an_unknown_status_is_pending_with_one_warning_per_status() -> None:
    timelines = {"a": ((0.0, "ODD"), (20.0, "STRANGE"), (40.0, "SUCCESS_X")), "b": ((0.0, "ODD"), (30.0, "SUCCESS_X"))}
    outcome, _cloud = run(timelines, {})
    assert states(outcome) == ["success", "success"]
    assert outcome.warnings == (
        "kps task a reports the unknown status ODD; waiting on.",
        "kps task a reports the unknown status STRANGE; waiting on.",
    )


def test_unknown_status_fail_needs_the_status_twice_in_a_row() -> None:
    flicker = ((0.0, "RUNNING_X"), (4.0, "ODD"), (6.0, "RUNNING_X"), (14.0, "ODD2"), (16.0, "SUCCESS_X"))
    outcome, _cloud = run({"a": flicker}, {}, unknown_status="fail")
    assert not outcome.failed
    outcome, cloud = run({"a": after(4, "ODD"), "b": RUNS}, {}, unknown_status="fail", on_failure="return")
    assert outcome.failed
    assert cloud.clock.age() < 12
    assert outcome.result["summary"]["unknown"] == 1
    assert outcome.result["pending_ids"] == ["a", "b"]


def test_confirm_asks_for_equal_responses_in_a_row() -> None:
    flap = ((0.0, "SUCCESS_X"), (4.0, "RUNNING_X"), (9.0, "SUCCESS_X"))
    outcome, cloud = run({"a": flap}, {}, confirm=2)
    assert states(outcome) == ["success"]
    assert at(cloud) == [0, 5.05, 10.1, 15.15]
    outcome, cloud = run({"a": flap}, {}, confirm=1)
    assert at(cloud) == [0]


def test_confirm_counts_a_task_that_a_page_repeats_once() -> None:
    timelines = {"a": ((0.0, "SUCCESS_X"),), "b": after(99)}
    outcome, _cloud = run(timelines, {"page_size": 1, "repeats_rows": True}, confirm=2, timeout=20)
    assert outcome.result["tasks"][0]["elapsed"] > 5


def test_rounds_that_follow_each_other_at_once_confirm_nothing() -> None:
    # The first rounds towards a near deadline come without a pause.
    outcome, cloud = run({"a": after(1.0), "b": after(1.0)}, {"latencies": (0.0,), "rate": 1.0}, confirm=2, timeout=3)
    assert len(cloud.sent("read")) == 4
    assert states(outcome) == ["pending", "pending"]


def test_a_row_without_a_status_keeps_the_last_status() -> None:
    timelines = {"a": RUNS, "b": RUNS, "c": ((0.0, "READY_X"), (7.0, "RUNNING_X"))}
    outcome, _cloud = run(timelines, {"page_size": 10, "lists_only_pending": True}, timeout=20)
    assert [task["status"] for task in outcome.result["tasks"]] == ["RUNNING", "RUNNING", "READY_X"]
    assert outcome.result["tasks"][2]["history"][0]["polls"] > 3


def test_a_row_without_a_status_after_an_unconfirmed_success_keeps_the_task_pending() -> None:
    flap = ((0.0, "RUNNING_X"), (4.0, "FAILED_X"), (8.0, "RUNNING_X"))
    outcome, _cloud = run({"a": flap, "b": RUNS}, {"page_size": 10, "lists_only_pending": True}, confirm=2, timeout=30)
    assert states(outcome) == ["pending", "pending"]
    assert [entry["status"] for entry in outcome.result["tasks"][0]["history"]] == ["RUNNING", "FAILED_X", "RUNNING"]


# Missing and refused


def test_a_task_may_be_unknown_for_a_while_after_its_creation() -> None:
    outcome, _cloud = run({"a": ((0.0, GONE), (20.0, "RUNNING_X"), (40.0, "SUCCESS_X"))}, {})
    assert states(outcome) == ["success"]
    assert [entry["status"] for entry in outcome.result["task"]["history"]] == [None, "RUNNING_X", "SUCCESS_X"]


def test_the_grace_for_unknown_tasks_starts_again_when_the_task_was_seen() -> None:
    timeline = ((0.0, GONE), (20.0, "RUNNING_X"), (26.0, GONE), (50.0, "SUCCESS_X"))
    outcome, _cloud = run({"a": timeline}, {})
    assert states(outcome) == ["success"]


def test_a_missing_task_counts_as_a_failure() -> None:
    outcome, _cloud = run({"a": ((0.0, GONE),), "b": RUNS}, {}, mode="fail_fast", not_found_grace=0)
    assert outcome.failed
    assert states(outcome) == ["missing", "pending"]
    assert outcome.result["failed_ids"] == ["a"]


def test_a_rejected_request_is_the_error_of_one_task() -> None:
    outcome, _cloud = run({"a": RUNS, "b": after(3)}, {"faults": ["rejected"]})
    assert states(outcome) == ["error", "success"]


def test_a_404_that_is_not_about_the_task_ends_the_wait() -> None:
    outcome, cloud = run({"a": RUNS, "b": RUNS}, {"faults": [None, "no_api"]})
    assert outcome.failed
    assert outcome.msg.startswith("HTTP 404: no such API.")
    assert outcome.result["error_code"] == "APIGW.0101"
    assert len(cloud.calls) == 2


@pytest.mark.parametrize("error", [CredentialsError("No credentials."), CheckModeWriteError("A write.")])
def test_other_errors_end_the_wait_with_what_is_known(error: t.Any) -> None:
    class Broken(ScriptedBackend):
        def read(self, task_id: str, timeout: float) -> TaskStatus:
            if self.calls:
                raise error
            return super().read(task_id, timeout)

    clock = ScriptedClock()
    outcome = wait(Broken(clock, {"a": RUNS, "b": RUNS}), ["a", "b"], Options(), clock=clock, rng=lambda: 0.5)
    assert outcome.failed
    assert outcome.msg == f"{error} Last known: 2 pending."
    assert outcome.result["tasks"][0]["status"] == "RUNNING_X"


FOREIGN = ["foreign_400", "foreign_403", "foreign_404"]


@pytest.mark.parametrize("fault", FOREIGN)
def test_a_foreign_rejection_after_a_response_costs_one_call(fault: str) -> None:
    outcome, cloud = run({"a": after(20), "b": after(20)}, {"faults": [None, None, fault]})
    assert states(outcome) == ["success", "success"]
    assert outcome.result["errors"] == 1


@pytest.mark.parametrize("fault", FOREIGN)
def test_foreign_rejections_end_the_wait_when_they_last(fault: str) -> None:
    outcome, _cloud = run({"a": RUNS, "b": RUNS}, {"faults": [None, None, *[fault] * 999]}, error_grace=60)
    assert states(outcome) == ["pending", "pending"]
    assert outcome.msg.startswith("No usable response from https://cloud.example.com for 6")
    assert "resume" in outcome.result


@pytest.mark.parametrize("fault", FOREIGN)
def test_foreign_rejections_before_any_response_end_the_wait_soon(fault: str) -> None:
    outcome, cloud = run({"a": RUNS, "b": RUNS}, {"faults": [fault] * 99})
    assert states(outcome) == ["pending", "pending"]
    assert (len(cloud.calls), outcome.msg[:8]) == (3, f"HTTP {fault[-3:]}")
    assert outcome.result["elapsed"] < 2.0
    assert "resume" in outcome.result


@pytest.mark.parametrize("fault", FOREIGN)
def test_a_foreign_rejection_of_the_first_request_costs_one_call(fault: str) -> None:
    outcome, _cloud = run({"a": after(20), "b": after(20)}, {"faults": [fault]})
    assert states(outcome) == ["success", "success"]
    assert outcome.result["errors"] == 1


@pytest.mark.parametrize("fault", FOREIGN)
def test_a_list_whose_page_is_rejected_by_something_foreign_is_read_again(fault: str) -> None:
    timelines = {f"t-{number}": after(40) for number in range(9)}
    outcome, cloud = run(timelines, {"page_size": 50, "faults": [None, fault]})
    assert set(states(outcome)) == {"success"}
    assert cloud.sent("read") == []


class Unprepared(ScriptedBackend):
    """A cloud whose login ends with an error, by the number of the call."""

    login: t.Mapping[int, CloudError] = {}

    def read(self, task_id: str, timeout: float) -> TaskStatus:
        """Implement ``TaskBackend``."""
        status, error = super().read(task_id, timeout), self.login.get(len(self.calls) - 1)
        if error is not None:
            error.unsent = True
            raise error
        return status


@pytest.mark.parametrize(
    "error",
    [
        RejectedError("IAM refused the login.", http_status=400, code="IAM.1", text="malformed"),
        NotFoundError("IAM knows no such agency.", http_status=404, text="no agency"),
        CredentialsError("IAM answered without a token."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_rejected_login_ends_the_wait_and_is_not_the_error_of_a_task(error: CloudError) -> None:
    clock = ScriptedClock()
    cloud = Unprepared(clock, {"a": RUNS, "b": RUNS}, may_reauthenticate=True)
    cloud.login = {1: error}
    outcome = wait(cloud, ["a", "b"], Options(), clock=clock, rng=lambda: 0.5)
    assert outcome.failed
    assert outcome.msg == f"{error} Last known: 2 pending."
    assert len(cloud.calls) == 2
    assert cloud.reauthentications == []


def test_a_login_that_fails_for_a_while_is_not_a_failure_of_a_task() -> None:
    clock = ScriptedClock()
    cloud = Unprepared(clock, {"a": after(20), "b": after(20)})
    cloud.login = {number: UnavailableError("IAM failed.", http_status=503) for number in range(5)}
    outcome = wait(cloud, ["a", "b"], Options(**STEADY), clock=clock, rng=lambda: 0.5)
    assert states(outcome) == ["success", "success"]
    assert "failures" not in json.dumps(outcome.result)


def test_a_response_that_breaks_our_own_code_is_an_invalid_response() -> None:
    outcome, _cloud = run({"a": after(3), "b": after(300)}, {"faults": [None, None, *["odd"] * 99]}, error_grace=60)
    assert outcome.failed
    assert states(outcome) == ["pending", "pending"]
    assert outcome.msg.startswith("No usable response from https://cloud.example.com for ")
    assert (
        "last: https://cloud.example.com gave a response that cannot be read (TypeError: sequence item 0" in outcome.msg
    )
    assert "please report it" in outcome.msg
    assert outcome.result["exception"].startswith("Traceback (most recent call last):")
    assert "resume" in outcome.result


def test_a_task_whose_response_breaks_our_own_code_does_not_stop_the_others() -> None:
    class Odd(ScriptedBackend):
        def read(self, task_id: str, timeout: float) -> TaskStatus:
            self.faults = [*[None] * len(self.calls), "odd"] if task_id == "t-0" else []
            return super().read(task_id, timeout)

    clock = ScriptedClock()
    timelines = {f"t-{number}": after(10) for number in range(4)}
    outcome = wait(Odd(clock, timelines), list(timelines), Options(timeout=60), clock=clock, rng=lambda: 0.5)
    assert states(outcome) == ["pending"] + ["success"] * 3
    assert "cannot be read (TypeError" in outcome.msg


def test_a_bug_in_the_poller_keeps_what_is_known() -> None:
    class Buggy(ScriptedClock):
        def sleep(self, seconds: float) -> None:
            if self.age() > 8:
                raise ZeroDivisionError("division by zero")
            super().sleep(seconds)

    clock = Buggy()
    outcome = wait(
        ScriptedBackend(clock, {"a": after(3), "b": RUNS}), ["a", "b"], Options(), clock=clock, rng=lambda: 0.5
    )
    assert outcome.failed
    assert outcome.msg == (
        "Unexpected ZeroDivisionError: division by zero. This is a bug of the collection: please report it."
        " Last known: 1 pending, 1 success."
    )
    assert states(outcome) == ["success", "pending"]
    assert "resume" in outcome.result
    assert "ZeroDivisionError" in outcome.result["exception"]


def test_a_bug_in_a_message_keeps_what_is_known() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"a": BAD})
    cloud.labels = t.cast("t.Any", 5)
    outcome = wait(cloud, ["a"], Options(), clock=clock, rng=lambda: 0.5)
    assert outcome.failed
    assert "This is a bug of the collection" in outcome.msg
    assert states(outcome) == ["failed"]


def test_a_response_about_another_task_is_an_invalid_response() -> None:
    class Confused(ScriptedBackend):
        def read(self, task_id: str, timeout: float) -> TaskStatus:
            return super().read(task_id, timeout)._replace(task_id="b")

    clock = ScriptedClock()
    cloud = Confused(clock, {"a": ((0.0, "SUCCESS_X"),)})
    outcome = wait(cloud, ["a"], Options(timeout=20), clock=clock, rng=lambda: 0.5)
    assert states(outcome) == ["pending"]
    assert "was asked about task a and answered about b" in outcome.msg


# Time


def test_the_first_poll_is_at_once_and_the_last_one_at_the_deadline() -> None:
    outcome, cloud = run({"a": RUNS}, {}, timeout=18)
    assert at(cloud) == [0, 5.05, 10.1, 15.15, 18]
    assert outcome.result["elapsed"] == 18.05


class TickingClock(ScriptedClock):
    """A clock that moves between two readings, as every real one does."""

    def monotonic(self) -> float:
        """Implement ``Clock``."""
        self.now += 1e-7
        return super().monotonic()


@pytest.mark.parametrize("page_size", [None, 10], ids=["single reads", "a list"])
@pytest.mark.parametrize("tasks", [1, 3, 12])
def test_the_last_poll_is_made_on_a_clock_that_moves_between_readings(tasks: int, page_size: int | None) -> None:
    clock = TickingClock()
    ids = [f"t-{number}" for number in range(tasks)]
    backend = ScriptedBackend(clock, dict.fromkeys(ids, RUNS), page_size=page_size)
    outcome = wait(backend, ids, Options(**STEADY, timeout=18), clock=clock, rng=lambda: 0.5)
    assert outcome.result["timed_out"]
    # The last round ends at the deadline, one call after the other.
    assert [task["id"] for task in outcome.result["tasks"] if task["last_seen"] < 18 - tasks / 10] == []


def test_the_pause_follows_the_square_root_of_the_age() -> None:
    _outcome, cloud = run({"a": RUNS}, {"latencies": (0.0,)}, interval=2, backoff=0.8, timeout=100)
    sent = at(cloud)
    assert sent[:3] == [0, 2, 4]
    assert sent[-3] == pytest.approx(sent[-4] + 0.8 * sent[-4] ** 0.5, abs=0.02)


def test_the_pause_is_shorter_when_one_call_polls_many_tasks() -> None:
    timelines = {f"t-{number}": RUNS for number in range(50)}
    options = {"interval": 0.1, "backoff": 1.0, "timeout": 300.0}
    _outcome, many = run(timelines, {"page_size": 100, "latencies": (0.0,)}, **options)
    _outcome, one = run({"a": RUNS}, {"latencies": (0.0,)}, **options)
    assert len(many.calls) > 5 * len(one.calls)


def test_jitter_spreads_pauses_within_its_bounds() -> None:
    clock = ScriptedClock()
    draws = iter([0.0, 1.0] * 100)
    cloud = ScriptedBackend(clock, {"a": RUNS}, latencies=(0.0,))
    options = Options(interval=1, backoff=1.0, jitter=0.5, timeout=100, delay=64)
    wait(cloud, ["a"], options, clock=clock, rng=lambda: next(draws))
    sent = at(cloud)
    assert sent[0] == 64
    assert sent[1] - sent[0] == pytest.approx(4.0)
    assert sent[2] - sent[1] == pytest.approx(1.5 * sent[1] ** 0.5, abs=0.01)


def test_an_estimate_of_the_service_stretches_the_pause() -> None:
    class Estimating(ScriptedBackend):
        eta: float | None = 100.0

        def read(self, task_id: str, timeout: float) -> TaskStatus:
            status = super().read(task_id, timeout)
            return status._replace(eta=self.eta, progress=10.0)

    clock = ScriptedClock()
    cloud = Estimating(clock, {"a": RUNS}, latencies=(0.0,))
    outcome = wait(cloud, ["a"], Options(**STEADY, timeout=200), clock=clock, rng=lambda: 0.5)
    assert at(cloud) == [0, 50, 100, 150, 200]
    assert (outcome.result["task"]["eta"], outcome.result["task"]["progress"]) == (100.0, 10.0)
    cloud = Estimating(ScriptedClock(), {"a": RUNS}, latencies=(0.0,))
    cloud.eta = 100_000.0
    wait(cloud, ["a"], Options(**STEADY, timeout=200), clock=cloud.clock, rng=lambda: 0.5)
    assert at(cloud) == [0, 60, 120, 180, 200]


def test_one_task_without_an_estimate_keeps_the_usual_pause() -> None:
    class Half(ScriptedBackend):
        def read(self, task_id: str, timeout: float) -> TaskStatus:
            return super().read(task_id, timeout)._replace(eta=100.0 if task_id == "a" else None)

    clock = ScriptedClock()
    cloud = Half(clock, {"a": RUNS, "b": RUNS}, latencies=(0.0,))
    wait(cloud, ["a", "b"], Options(**STEADY, timeout=30), clock=clock, rng=lambda: 0.5)
    assert len(cloud.calls) == 14


def test_delay_is_part_of_the_budget() -> None:
    _outcome, cloud = run({"a": RUNS}, {}, delay=10, timeout=12)
    assert at(cloud) == [10, 12]
    _outcome, cloud = run({"a": RUNS}, {}, delay=100, timeout=12)
    assert at(cloud) == [12]


def test_a_round_that_cannot_fit_before_the_last_one_is_left_out() -> None:
    timelines = {f"t-{number}": RUNS for number in range(100)}
    _outcome, cloud = run(timelines, {"latencies": (0.0,)}, timeout=30)
    sent = at(cloud)
    assert len(sent) == 200
    assert sent[99] == pytest.approx(9.9)
    assert sent[100] == pytest.approx(20.1)
    assert sent[-1] == 30


def test_a_timeout_shorter_than_a_round_polls_until_its_end() -> None:
    timelines = {f"t-{number}": RUNS for number in range(100)}
    outcome, cloud = run(timelines, {"latencies": (0.0,)}, timeout=15)
    assert len(cloud.calls) == 151
    assert [call.about for call in cloud.calls[100:]] == [f"t-{number}" for number in range(51)]
    assert outcome.result["pending_ids"] == list(timelines)


def test_timeout_zero_polls_each_task_once_within_ten_seconds() -> None:
    timelines = {f"t-{number}": RUNS for number in range(300)}
    # At 8 calls per second the last one that has time is sent at 9.875 s.
    outcome, cloud = run(timelines, {"rate": 8.0}, timeout=0)
    assert len(cloud.calls) == 80
    assert outcome.result["elapsed"] == pytest.approx(9.925)
    assert outcome.result["tasks"][200]["status"] is None
    outcome, cloud = run({"a": after(0), "b": RUNS}, {}, timeout=0)
    assert states(outcome) == ["success", "pending"]
    assert outcome.result["elapsed"] < 0.2


def test_the_timeout_of_a_request_is_cut_to_the_time_left() -> None:
    _outcome, cloud = run({"a": RUNS}, {}, timeout=18, request_timeout=30)
    timeouts = [round(call.timeout, 2) for call in cloud.calls]
    # Each ends before the last poll, and early when responses usually come fast; the last poll may take up to 10 s.
    assert timeouts == [17.9, 12.85, 7.8, 2.0, 10.0]
    _outcome, cloud = run({"a": RUNS}, {}, timeout=18, request_timeout=1)
    assert {call.timeout for call in cloud.calls} == {1}


def test_a_service_that_hangs_cannot_hold_the_wait() -> None:
    outcome, cloud = run({"a": RUNS}, {"faults": ["hang"] * 9}, timeout=18)
    assert at(cloud) == [0, 18]
    assert cloud.clock.age() == 28
    assert outcome.result["timed_out"]


# Trouble


def test_throttling_halves_the_rate_and_the_rate_recovers() -> None:
    timelines = {f"t-{number}": RUNS for number in range(30)}
    faults = [None, Throttle(0.0)]
    _outcome, cloud = run(timelines, {"faults": faults, "latencies": (0.0,)}, timeout=120, interval=2.0)
    sent = at(cloud)
    assert sent[1] - sent[0] == pytest.approx(0.1, abs=0.01)
    assert sent[4] - sent[3] == pytest.approx(0.2, abs=0.015)
    gaps = [later - earlier for earlier, later in zip(sent, sent[1:]) if sent[0] + 60 < earlier < 119]
    assert min(gaps) == pytest.approx(0.1, abs=0.01)


def test_a_throttled_call_is_sent_again_at_the_end_of_its_round() -> None:
    timelines = {f"t-{number}": RUNS for number in range(4)}
    _outcome, cloud = run(timelines, {"faults": [None, Throttle(3.0)]}, timeout=20)
    assert [call.about for call in cloud.calls[:6]] == ["t-0", "t-1", "t-2", "t-3", "t-1", "t-0"]
    assert cloud.calls[2].sent == pytest.approx(cloud.calls[1].sent + 3.05, abs=0.1)
    assert cloud.calls[4].sent == pytest.approx(cloud.calls[2].sent + 0.4, abs=0.1)


def test_a_task_whose_read_is_always_throttled_does_not_stop_the_others() -> None:
    class Jealous(ScriptedBackend):
        def read(self, task_id: str, timeout: float) -> TaskStatus:
            self.faults = [*[None] * len(self.calls), Throttle()] if task_id == "t-0" else []
            return super().read(task_id, timeout)

    clock = ScriptedClock()
    timelines = {f"t-{number}": after(30) for number in range(6)}
    outcome = wait(Jealous(clock, timelines), list(timelines), Options(timeout=200), clock=clock, rng=lambda: 0.5)
    assert states(outcome) == ["pending"] + ["success"] * 5
    assert max(task["elapsed"] for task in outcome.result["tasks"][1:]) < 60
    assert "t-0 (no response about it yet" in outcome.msg


def test_retry_after_may_be_longer_than_the_pause() -> None:
    _outcome, cloud = run({"a": RUNS}, {"faults": [Throttle(23.0)], "latencies": (0.0,)}, timeout=60)
    assert at(cloud)[:2] == [0, 23]


def test_errors_in_a_row_count_by_time_until_any_response() -> None:
    faults = ["unavailable"] * 20 + [Throttle()] + ["reset"] * 20
    outcome, _cloud = run({"a": after(300)}, {"faults": faults}, error_grace=110)
    assert states(outcome) == ["success"]
    assert outcome.result["errors"] == 40
    outcome, _cloud = run({"a": after(300)}, {"faults": faults}, error_grace=90)
    assert "No usable response" in outcome.msg


def test_one_error_after_a_long_pause_is_one_error() -> None:
    outcome, _cloud = run({"a": after(700)}, {"faults": [None, "reset"]}, interval=400, error_grace=120)
    assert states(outcome) == ["success"]


def test_a_request_that_the_end_of_the_wait_cuts_short_does_not_fail_it() -> None:
    # The last request gets 0.2 s of the ten after the deadline, and every response takes a quarter of a second.
    options = {"timeout": 0, "request_timeout": 2, "error_grace": 0}
    cloud_options = {"page_size": None, "faults": [None, Throttle(9.3)], "latencies": (0.25,)}
    outcome, cloud = run({"a": RUNS, "b": RUNS}, cloud_options, **options)
    assert [call.fault for call in cloud.calls] == [None, Throttle(9.3), "hang"]
    assert cloud.calls[-1].timeout < 0.25
    assert (outcome.result["timed_out"], outcome.result["errors"]) == (True, 1)
    assert "No usable response" not in outcome.msg


def test_a_task_whose_read_always_fails_does_not_stop_the_others() -> None:
    class Sick(ScriptedBackend):
        def read(self, task_id: str, timeout: float) -> TaskStatus:
            self.faults = [*[None] * len(self.calls), "unavailable"] if task_id == "t-0" else []
            return super().read(task_id, timeout)

    clock = ScriptedClock()
    timelines = {f"t-{number}": after(10) for number in range(6)}
    outcome = wait(Sick(clock, timelines), list(timelines), Options(timeout=200), clock=clock, rng=lambda: 0.5)
    assert states(outcome) == ["pending"] + ["success"] * 5
    assert max(task["elapsed"] for task in outcome.result["tasks"][1:]) < 15


@pytest.mark.parametrize("fault", ["unavailable", "broken", "cut", "reset", "hang", "odd"])
def test_a_call_without_a_usable_response_is_sent_again_at_the_end_of_its_round(fault: str) -> None:
    timelines = {f"t-{number}": RUNS for number in range(4)}
    faults = [None, None, None, None, None, fault]
    _outcome, cloud = run(timelines, {"faults": faults}, timeout=30, request_timeout=3)
    assert [call.about for call in cloud.calls[4:9]] == ["t-0", "t-1", "t-2", "t-3", "t-1"]
    assert cloud.calls[8].sent < cloud.calls[4].sent + 3
    assert cloud.calls[9].sent > cloud.calls[8].sent + 4


def test_a_single_task_is_polled_again_at_once_when_its_connection_was_dropped() -> None:
    outcome, cloud = run({"a": after(4)}, {"faults": [None, "reset"]})
    assert at(cloud) == [0, 5.05, 5.15]
    assert not outcome.failed


def test_a_round_polls_a_task_three_times_at_most() -> None:
    class Sick(ScriptedBackend):
        def read(self, task_id: str, timeout: float) -> TaskStatus:
            self.faults = [*[None] * len(self.calls), "unavailable"] if task_id == "failing" else []
            return super().read(task_id, timeout)

    clock = ScriptedClock()
    cloud = Sick(clock, {"well": RUNS, "failing": RUNS})
    wait(cloud, ["well", "failing"], Options(**STEADY, timeout=12), clock=clock, rng=lambda: 0.5)
    about = [(round(call.sent), call.about) for call in cloud.calls]
    assert [task_id for sent, task_id in about if sent < 3] == ["well", "failing", "failing", "failing"]
    # Known to be ill, it is asked about once in a round.
    assert [task_id for sent, task_id in about if 3 < sent < 8] == ["well", "failing"]


def test_several_failing_tasks_are_not_an_outage() -> None:
    class Sick(ScriptedBackend):
        def read(self, task_id: str, timeout: float) -> TaskStatus:
            self.faults = [*[None] * len(self.calls), "unavailable"] if task_id.startswith("failing") else []
            return super().read(task_id, timeout)

    clock = ScriptedClock()
    timelines = dict.fromkeys(("well-1", *(f"failing-{number}" for number in range(9)), "well-2"), RUNS)
    cloud = Sick(clock, timelines, latencies=(0.0,))
    wait(cloud, list(timelines), Options(**STEADY, timeout=300), clock=clock, rng=lambda: 0.5)
    polls = [call.sent for call in cloud.calls if call.about == "well-2" and call.sent < 290]
    # The first round takes them for an outage. In the others they cost a call each, and the pause is that of the options.
    assert polls[0] < 40
    assert all(5 <= later - earlier < 7 for earlier, later in zip(polls[2:], polls[3:]))


def test_during_an_outage_the_service_is_only_probed() -> None:
    timelines = {f"t-{number}": after(200) for number in range(100)}
    faults = [None] * 10 + ["unavailable"] * 25
    _outcome, cloud = run(timelines, {"faults": faults, "latencies": (0.0,)}, error_grace=1000)
    sent = [call.sent for call in cloud.sent("read", "page")][10:36]
    pauses = [round(later - earlier, 6) for earlier, later in zip(sent, sent[1:])]
    # Jitter of probes: three quarters of 0.5, 1, 2, 4, 5 s.
    assert pauses[:7] == [0.1, 0.1, 0.375, 0.75, 1.5, 3.0, 3.75]
    assert set(pauses[7:]) == {3.75}
    # The service is back, and the round goes on with those it did not reach; no task is left out.
    assert at(cloud)[37] - at(cloud)[36] == pytest.approx(0.1, abs=0.01)
    assert len({call.about for call in cloud.calls[:110]}) == 100


@pytest.mark.parametrize("kind", ["read", "page"])
def test_a_hanging_call_costs_little_when_responses_usually_come_fast(kind: str) -> None:
    timelines = {f"t-{number}": after(60) for number in range(8)}
    cloud_options: dict[str, t.Any] = {"page_size": 100 if kind == "page" else None}
    cloud_options["faults"] = [None] * 20 + ["hang"]
    _outcome, cloud = run(timelines, cloud_options, interval=1.0)
    hung, following = cloud.calls[20:22]
    assert hung.kind == kind
    assert hung.timeout == following.sent - hung.sent == pytest.approx(2.0)
    assert following.timeout == (4.0 if following.kind == kind else 2.0)


def test_reauthentication_repeats_the_call_and_the_round_goes_on() -> None:
    cloud_options = {"faults": [None, "unauthorized"], "may_reauthenticate": True}
    outcome, cloud = run({"a": after(3), "b": after(3), "c": after(3)}, cloud_options)
    assert [call.about for call in cloud.calls[:4]] == ["a", "b", "b", "c"]
    assert outcome.result["reauthentications"] == len(cloud.reauthentications) == 1
    assert states(outcome) == ["success"] * 3


@pytest.mark.parametrize("fault", ["reset", "unavailable", Throttle(2.0)])
def test_reauthentication_without_a_response_is_tried_again_in_the_next_round(fault: t.Any) -> None:
    cloud_options = {
        "faults": ["unauthorized", "unauthorized"],
        "may_reauthenticate": True,
        "reauthentication_faults": [fault],
    }
    outcome, cloud = run({"a": after(3)}, cloud_options)
    assert len(cloud.reauthentications) == 2
    assert not outcome.failed


def test_calls_under_way_together_reauthenticate_once() -> None:
    clock = ScriptedClock()
    timelines = {f"t-{number}": after(2) for number in range(8)}
    cloud = ScriptedBackend(clock, timelines, latencies=(1.0,), faults=["unauthorized"] * 2, may_reauthenticate=True)
    outcome = wait(
        cloud,
        list(timelines),
        Options(),
        clock=clock,
        rng=lambda: 0.5,
        run_calls=run_side_by_side(clock),
        connections=4,
    )
    assert not outcome.failed
    assert len(cloud.reauthentications) == 1


# Many tasks


def test_lists_are_read_where_that_takes_fewer_calls() -> None:
    timelines = {f"t-{number}": after(5) for number in range(10)}
    outcome, cloud = run(timelines, {"page_size": 4})
    assert {call.kind for call in cloud.calls} == {"page"}
    assert outcome.result["calls"] == 6
    _outcome, cloud = run(timelines, {"page_size": 4}, batch="never")
    assert {call.kind for call in cloud.calls} == {"read"}
    _outcome, cloud = run({"a": after(5)}, {"page_size": 4})
    assert {call.kind for call in cloud.calls} == {"read"}


def test_a_list_full_of_other_tasks_is_given_up_and_not_tried_again() -> None:
    timelines = {f"t-{number}": RUNS for number in range(4)}
    _outcome, cloud = run(timelines, {"page_size": 2, "other_rows": 1000}, timeout=20)
    assert len(cloud.sent("page")) == 4
    assert cloud.calls[3].kind == "page"


def test_the_scan_ends_when_pages_show_none_of_the_few_tasks_left() -> None:
    timelines: dict[str, StatusTimeline] = {f"t-{number}": RUNS for number in range(9)}
    timelines["gone"] = ((0.0, "READY_X"),)
    clock = ScriptedClock()

    class Crowded(ScriptedBackend):
        def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
            page = super().page(cursor, elapsed, timeout)
            return page._replace(next=(cursor or 0) + 3)

    cloud = Crowded(clock, timelines, page_size=3, lists_only_pending=True)
    wait(cloud, list(timelines), Options(**STEADY, timeout=4), clock=clock, rng=lambda: 0.5)
    first = [call.kind for call in cloud.calls if call.sent < 2]
    assert first == ["page"] * 4 + ["read"]


def test_a_task_that_a_complete_list_leaves_out_is_polled_by_itself() -> None:
    timelines = {"a": after(7), "b": after(7, "FAILED_X"), "c": RUNS, "d": RUNS}
    outcome, cloud = run(timelines, {"page_size": 10, "lists_only_pending": True}, timeout=30)
    assert states(outcome) == ["success", "failed", "pending", "pending"]
    assert [call.about for call in cloud.sent("read")] == ["a", "b"]


def test_a_list_of_other_ids_is_not_used_any_more() -> None:
    timelines = {"a": after(30), "b": after(30)}
    outcome, cloud = run(timelines, {"page_size": 10, "lists_only_pending": True, "other_ids": True})
    assert states(outcome) == ["success", "success"]
    assert len(cloud.sent("page")) == 2
    assert outcome.warnings == (
        "The list of kps tasks does not show task a, which goes on; each task is polled by itself.",
    )


def test_tasks_that_wait_for_their_turn_may_be_missing_from_the_list_of_running_ones() -> None:
    timelines = {"a": ((0.0, "READY_X"), (30.0, "RUNNING_X")), "b": ((0.0, "READY_X"), (30.0, "RUNNING_X"))}
    outcome, cloud = run(timelines, {"page_size": 10, "lists_only_pending": True}, timeout=60)
    assert outcome.warnings == ()
    assert [call.kind for call in cloud.calls[-2:]] == ["page", "page"]


@pytest.mark.parametrize("fault", ["forbidden", "rejected", "no_api"])
def test_a_list_that_is_rejected_is_not_used_any_more(fault: str) -> None:
    outcome, cloud = run({"a": after(7), "b": after(7)}, {"page_size": 10, "faults": [fault]})
    assert states(outcome) == ["success", "success"]
    assert [call.kind for call in cloud.calls[:3]] == ["page", "read", "read"]
    assert len(cloud.sent("page")) == 1
    assert outcome.warnings[0].startswith("The list of kps tasks could not be read (")


@pytest.mark.parametrize("fault", ["unavailable", "broken", "odd", "reset", Throttle(0.0)])
def test_a_page_that_fails_once_is_read_again(fault: t.Any) -> None:
    timelines = {f"t-{number}": after(5) for number in range(10)}
    outcome, cloud = run(timelines, {"page_size": 4, "faults": [None, fault]})
    assert [call.about for call in cloud.calls[:4]] == [None, 4, 4, 8]
    assert {call.kind for call in cloud.calls} == {"page"}
    assert not outcome.failed


class BrokenList(ScriptedBackend):
    """A cloud whose list never works, and whose other responses are fine."""

    fault: t.Any = "unavailable"

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
        self.faults = [*[None] * len(self.calls), self.fault]
        try:
            return super().page(cursor, elapsed, timeout)
        finally:
            self.faults = []


def test_a_list_that_fails_is_held_for_longer_each_time_and_tasks_are_polled_one_by_one() -> None:
    clock = ScriptedClock()
    cloud = BrokenList(clock, {"a": after(100), "b": after(200)}, page_size=10)
    outcome = wait(cloud, ["a", "b"], Options(**STEADY), clock=clock, rng=lambda: 0.5)
    assert [call.kind for call in cloud.calls[:5]] == ["page", "page", "page", "read", "read"]
    tries = [sent for sent in at(cloud, "page") if sent > 1]
    assert len(tries) == 4
    assert all(
        later - earlier > 1.9 * (earlier - before) for before, earlier, later in zip(tries, tries[1:], tries[2:])
    )
    assert all(task["elapsed"] - end < 6 for task, end in zip(outcome.result["tasks"], (100, 200)))
    assert not outcome.failed
    assert outcome.warnings == ()


@pytest.mark.parametrize("fault", ["unavailable", "broken", "odd", "reset", "hang", Throttle(), Throttle(2.0)])
@pytest.mark.parametrize("seconds", [15, 21, 27])
def test_a_list_that_fails_does_not_cost_the_verdicts_near_the_deadline(fault: t.Any, seconds: int) -> None:
    clock = ScriptedClock()
    timelines = {f"t-{number}": after(600 - seconds + number / 4) for number in range(20)}
    cloud = BrokenList(clock, timelines, page_size=100)
    cloud.fault = fault
    outcome = wait(cloud, list(timelines), Options(timeout=600), clock=clock, rng=random.Random(seconds).random)
    assert states(outcome) == ["success"] * 20


def test_a_list_that_fails_in_the_middle_of_a_long_round_is_read_again_for_the_tasks_that_are_left() -> None:
    timelines = {f"t-{number:03}": after(5) for number in range(300)}
    outcome, cloud = run(timelines, {"page_size": 100, "faults": [None] + ["unavailable"] * 3}, error_grace=1000)
    first = [call.kind for call in cloud.calls]
    singles = first.index("page", 4) - 4
    assert 40 < singles < 60  # five seconds of them
    assert first[4 + singles :].count("read") == 0
    assert not outcome.failed


def test_a_list_without_statuses_is_not_used_when_the_user_lists_statuses() -> None:
    timelines = {"a": RUNS, "b": ((0.0, "RUNNING_X"), (12.0, "PAUSED_X"))}
    lists = {"page_size": 10, "lists_only_pending": True}
    outcome, cloud = run(timelines, lists, success_statuses=("RUNNING_X",), failure_statuses=("PAUSED_X",), timeout=30)
    assert states(outcome) == ["success", "success"]
    assert [call.kind for call in cloud.calls] == ["page", "read", "read"]
    assert outcome.warnings == ()
    # A status that is pending anyway needs no reads; and the status that the result shows for a listed task may be given, too.
    _outcome, cloud = run({"a": RUNS, "b": RUNS}, lists, pending_statuses=("RUNNING_X",), timeout=30)
    assert {call.kind for call in cloud.calls} == {"page"}
    outcome, cloud = run({"a": RUNS, "b": RUNS}, lists, success_statuses=("RUNNING",))
    assert states(outcome) == ["success", "success"]
    assert [task["status"] for task in outcome.result["tasks"]] == ["RUNNING", "RUNNING"]


def test_the_status_lists_of_the_user_hold_for_rows_with_a_status() -> None:
    timelines = {"a": ((0.0, "SYNCING"),), "b": ((0.0, "FAILED_X"),), "c": ((0.0, "SUCCESS_X"),)}
    statuses = {"success_statuses": ("SYNCING", "FAILED_X"), "pending_statuses": ("SUCCESS_X",)}
    outcome, cloud = run(timelines, {"page_size": 10}, timeout=8, **statuses)
    assert states(outcome) == ["success", "success", "pending"]
    assert cloud.calls[0].kind == "page"


def test_a_list_may_become_available_during_the_wait() -> None:
    class Late(ScriptedBackend):
        def read(self, task_id: str, timeout: float) -> TaskStatus:
            self.has_list = True
            return super().read(task_id, timeout)

    clock = ScriptedClock()
    cloud = Late(clock, {"a": after(7), "b": after(7)}, page_size=10)
    cloud.has_list = False
    wait(cloud, ["a", "b"], Options(), clock=clock, rng=lambda: 0.5)
    assert [call.kind for call in cloud.calls[:3]] == ["read", "read", "page"]


def test_all_pages_of_a_round_get_the_same_age() -> None:
    seen: list[float] = []

    class Noting(ScriptedBackend):
        def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
            seen.append(elapsed)
            return super().page(cursor, elapsed, timeout)

    clock = ScriptedClock()
    timelines = {f"t-{number}": RUNS for number in range(6)}
    wait(Noting(clock, timelines, page_size=2), list(timelines), Options(timeout=4), clock=clock, rng=lambda: 0.5)
    assert seen[:3] == [0, 0, 0]
    assert seen[3] == seen[4] == seen[5] > 2


def test_reasons_are_read_once_for_all_failures() -> None:
    reasons = {"a": Reason("KPS.1", "first"), "c": Reason(None, "third")}
    timelines = {"a": BAD, "b": after(30, "FAILED_X"), "c": after(50, "FAILED_X")}
    outcome, cloud = run(timelines, {"has_reasons": True, "reasons_of": reasons})
    assert [task["reason"] for task in outcome.result["tasks"]] == [
        {"code": "KPS.1", "message": "first"},
        None,
        {"code": None, "message": "third"},
    ]
    assert len(cloud.sent("reasons")) == 1
    assert cloud.calls[-1].kind == "reasons"
    assert outcome.result["tasks"][0]["data"] == {
        "task_id": "a",
        "task_status": "FAILED_X",
        "server_name": "server-a",
    }


def test_reasons_of_earlier_failures_are_read_before_the_last_round() -> None:
    reasons = {"a": Reason("KPS.1", "first"), "b": Reason("KPS.2", "second")}
    timelines = {"a": BAD, "b": after(59.8, "FAILED_X"), "c": RUNS}
    outcome, cloud = run(timelines, {"has_reasons": True, "reasons_of": reasons, "latencies": (0.0,)}, timeout=60)
    sent = at(cloud, "reasons")
    assert len(sent) == 2
    assert 50 < sent[0] < 59.9
    assert 60 < sent[1] <= 60.1
    assert outcome.result["tasks"][1]["reason"] == {"code": "KPS.2", "message": "second"}


@pytest.mark.parametrize("fault", ["forbidden", "unavailable", "unauthorized", Throttle(60.0)])
def test_reasons_that_cannot_be_read_do_not_fail_the_wait(fault: t.Any) -> None:
    faults = [None, None, None, fault, fault, fault]
    outcome, cloud = run({"a": BAD}, {"has_reasons": True, "faults": faults})
    assert cloud.calls[-1].kind == "reasons"
    assert len(cloud.sent("reasons")) == (3 if fault == "unavailable" else 1)
    assert outcome.msg == "kps task a failed: FAILED_X."
    assert outcome.warnings[0].startswith("The reasons of failed kps tasks could not be read (")


@pytest.mark.parametrize("fault", ["unavailable", "reset", Throttle(2.0)])
def test_reasons_are_read_again_when_the_first_call_fails(fault: t.Any) -> None:
    reasons = {"a": Reason("KPS.1", "why")}
    cloud_options = {"has_reasons": True, "reasons_of": reasons, "faults": [None, None, None, fault]}
    outcome, cloud = run({"a": BAD}, cloud_options)
    assert len(cloud.sent("reasons")) == 2
    assert outcome.result["task"]["reason"] == {"code": "KPS.1", "message": "why"}
    assert outcome.warnings == ()


def test_the_list_of_reasons_is_read_ten_pages_deep_at_most() -> None:
    class Endless(ScriptedBackend):
        def reasons(self, cursor: t.Any, timeout: float) -> StatusPage:
            return super().reasons(cursor, timeout)._replace(next=1)

    clock = ScriptedClock()
    cloud = Endless(clock, {"a": BAD}, has_reasons=True)
    wait(cloud, ["a"], Options(), clock=clock, rng=lambda: 0.5)
    assert len(cloud.sent("reasons")) == 10


def test_slow_services_are_polled_over_several_connections() -> None:
    clock = ScriptedClock()
    timelines = {f"t-{number}": RUNS for number in range(40)}
    cloud = ScriptedBackend(clock, timelines, latencies=(2.0,))
    options = Options(**STEADY, timeout=100, request_timeout=30)
    outcome = wait(
        cloud, list(timelines), options, clock=clock, rng=lambda: 0.5, run_calls=run_side_by_side(clock), connections=4
    )
    first = [call.sent for call in cloud.calls[:40]]
    assert first[-1] == pytest.approx(20, abs=4)
    current = [sum(other.sent <= call.sent < (other.answered or 0) for other in cloud.calls) for call in cloud.calls]
    assert max(current) == 4
    assert outcome.result["elapsed"] < 103
    asked = {call.about: call.sent for call in cloud.calls}
    assert min(asked.values()) > 100 - 25


def test_there_are_no_more_connections_than_tasks_left_to_poll() -> None:
    clock = ScriptedClock()
    together = run_side_by_side(clock)
    widths: list[list[int]] = []

    def gather(calls: t.Iterator[t.Callable[[], t.Any]], width: t.Callable[[], int]) -> t.Iterator[t.Any]:
        widths.append([])

        def seen() -> int:
            widths[-1].append(width())
            return widths[-1][-1]

        return together(calls, seen)

    timelines = {"short": after(9), "long": RUNS, "longer": RUNS}
    cloud = ScriptedBackend(clock, timelines, latencies=(2.0,))
    options = Options(**STEADY, timeout=60)
    wait(cloud, list(timelines), options, clock=clock, rng=lambda: 0.5, run_calls=gather, connections=4)
    # Each call leaves one less; and one of the tasks ends.
    assert max(widths[1]) == 3
    assert [max(seen) for seen in widths if seen][-1] == 2
    assert {seen[-1] for seen in widths if seen} == {1}


# Slices and resumption


def test_a_slice_without_anything_to_do_sleeps_to_its_end() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"a": RUNS}, faults=[Throttle(100.0)], latencies=(0.0,))
    options, state, slices = Options(**STEADY, timeout=200), None, 0
    while True:
        part = Slice(clock.age(), 30.0, state)
        outcome = wait(cloud, ["a"], options, clock=clock, rng=lambda: 0.5, time_slice=part)
        if outcome.more is None or len(cloud.calls) > 1:
            break
        slices += 1
        assert outcome.more["sleep"] == pytest.approx(100 - clock.age())
        state = json.loads(json.dumps(outcome.more["state"]))
    assert slices == 4
    assert at(cloud)[1] == 100


def test_a_round_longer_than_a_slice_goes_on_in_the_next_one() -> None:
    clock = ScriptedClock()
    timelines = {f"t-{number}": RUNS for number in range(200)}
    cloud = ScriptedBackend(clock, timelines, latencies=(0.0,))
    first = wait(cloud, list(timelines), Options(**STEADY), clock=clock, rng=lambda: 0.5, time_slice=Slice(0.0, 4.0))
    assert first.more is not None
    assert first.more["sleep"] == 0
    assert first.more["line"].endswith("5 s of 1800 s, polling")
    second = wait(
        cloud, [], Options(**STEADY), clock=clock, rng=lambda: 0.5, time_slice=Slice(5.5, 4.0, first.more["state"])
    )
    assert 100 <= len(cloud.calls) <= 102
    assert [call.about for call in cloud.calls] == list(timelines)[: len(cloud.calls)]
    assert second.result["rounds"] == 1


def test_the_time_between_two_slices_counts_against_the_pause() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"a": RUNS}, latencies=(0.0,))
    first = wait(cloud, ["a"], Options(**STEADY), clock=clock, rng=lambda: 0.5, time_slice=Slice(0.0, 3.0))
    assert first.more is not None
    assert clock.age() == 0
    clock.now += 2
    wait(cloud, [], Options(**STEADY), clock=clock, rng=lambda: 0.5, time_slice=Slice(2.0, 4.0, first.more["state"]))
    assert at(cloud) == [0, 5]


def test_a_slice_is_not_ended_for_a_rest_shorter_than_the_start_of_another() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"a": RUNS}, latencies=(0.0,))
    outcome = wait(cloud, ["a"], Options(**STEADY), clock=clock, rng=lambda: 0.5, time_slice=Slice(0.0, 9.5))
    assert outcome.more is not None
    assert at(cloud) == [0, 5, 10]


def test_a_slice_that_comes_too_late_still_makes_the_last_poll() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"a": after(19)}, latencies=(0.0,))
    options = Options(**STEADY, timeout=19)
    first = wait(cloud, ["a"], options, clock=clock, rng=lambda: 0.5, time_slice=Slice(0.0, 16.0))
    assert first.more is not None
    clock.now += 7
    second = wait(cloud, [], options, clock=clock, rng=lambda: 0.5, time_slice=Slice(22.0, 16.0, first.more["state"]))
    assert at(cloud)[-1] == 22
    assert not second.failed


def test_a_token_keeps_the_time_that_the_service_asked_to_wait() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"a": RUNS}, faults=[Throttle(60.0)], latencies=(0.0,))
    options = Options(**STEADY, timeout=20, on_timeout="return")
    first = wait(cloud, ["a"], options, clock=clock, rng=lambda: 0.5)
    wait(
        cloud,
        [],
        dataclasses.replace(options, timeout=100),
        clock=clock,
        rng=lambda: 0.5,
        resume=first.result["resume"],
    )
    assert at(cloud)[1] == 60


def test_the_least_recently_polled_tasks_come_first() -> None:
    clock = ScriptedClock()
    timelines = {f"t-{number}": RUNS for number in range(150)}
    cloud = ScriptedBackend(clock, timelines, latencies=(0.0,))
    options = Options(timeout=0, on_timeout="return")
    outcome = wait(cloud, list(timelines), options, clock=clock, rng=lambda: 0.5)
    reached = len(cloud.calls)
    assert 90 < reached < 110
    wait(cloud, [], options, clock=clock, rng=lambda: 0.5, resume=outcome.result["resume"])
    assert [call.about for call in cloud.calls[reached:]][:80] == [*timelines, *timelines][reached : reached + 80]


def test_a_resumed_wait_does_not_poll_tasks_that_have_ended() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"a": after(3), "b": BAD, "c": after(50)}, latencies=(0.0,))
    options = Options(**STEADY, timeout=20, on_timeout="return", on_failure="return")
    first = wait(cloud, ["a", "b", "c"], options, clock=clock, rng=lambda: 0.5)
    before = len(cloud.calls)
    second = wait(
        cloud,
        [],
        Options(**STEADY, on_failure="return"),
        clock=clock,
        rng=lambda: 0.5,
        resume=first.result["resume"],
    )
    assert {call.about for call in cloud.calls[before:]} == {"c"}
    assert states(second) == ["success", "failed", "success"]
    assert second.result["tasks"][2]["polls"] == len([call for call in cloud.calls if call.about == "c"])
    assert "resume" not in second.result


def test_confirmation_goes_on_in_a_resumed_wait() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"a": ((0.0, "SUCCESS_X"),)})
    options = Options(timeout=0, confirm=3, on_timeout="return")
    outcome = wait(cloud, ["a"], options, clock=clock, rng=lambda: 0.5)
    seen = [states(outcome)]
    for _resumption in range(2):
        token = json.loads(json.dumps(outcome.result["resume"]))
        outcome = wait(cloud, [], options, clock=clock, rng=lambda: 0.5, resume=token)
        seen.append(states(outcome))
    assert seen == [["pending"], ["pending"], ["success"]]
    assert len(cloud.calls) == 3


def test_unknown_status_fail_counts_across_a_resumption() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"a": ((0.0, "ODD"),)})
    options = Options(timeout=0, unknown_status="fail", on_timeout="return")
    first = wait(cloud, ["a"], options, clock=clock, rng=lambda: 0.5)
    assert not first.failed
    second = wait(cloud, [], options, clock=clock, rng=lambda: 0.5, resume=first.result["resume"])
    assert second.failed
    assert 'has the unknown status "ODD" (twice in a row)' in second.msg
    assert len(cloud.calls) == 2


def test_a_token_of_another_service_scope_or_form_is_rejected() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"a": RUNS})
    options = Options(timeout=0)
    scope = {"region": "cn-north-4", "project_id": "p1"}
    token = wait(cloud, ["a"], options, clock=clock, rng=lambda: 0.5, scope=scope).result["resume"]
    calls = len(cloud.calls)

    def resume(token: t.Any, scope: dict[str, str]) -> None:
        wait(cloud, [], options, clock=clock, rng=lambda: 0.5, scope=scope, resume=token)

    resume(token, scope)
    calls = len(cloud.calls)
    with pytest.raises(UsageError, match="resume is for region 'cn-north-4', but this task says region 'eu-west-0'"):
        resume(token, {**scope, "region": "eu-west-0"})
    with pytest.raises(UsageError, match="resume is for service 'csms'"):
        resume({**token, "service": "csms"}, scope)
    with pytest.raises(UsageError, match="resume is of version 2"):
        resume({**token, "v": 2}, scope)
    for wrong in (
        {},
        {"v": 1},
        {**token, "tasks": [{"state": "done"}]},
        {**token, "tasks": [{"id": "a", "state": "x"}]},
    ):
        with pytest.raises(UsageError, match="resume is not the token of an earlier wait"):
            resume(wrong, scope)
    assert len(cloud.calls) == calls


def test_a_signal_while_reasons_are_read_keeps_the_verdicts() -> None:
    outcome, _cloud = run({"a": BAD}, {"has_reasons": True, "signal_at_call": 3})
    assert not outcome.result["interrupted"]
    assert outcome.msg == "kps task a failed: FAILED_X."


def test_nothing_is_sent_after_a_signal() -> None:
    outcome, cloud = run({"a": BAD, "b": RUNS}, {"has_reasons": True, "signal_at_call": 8})
    assert outcome.result["interrupted"]
    assert len(cloud.calls) == 9
    assert cloud.sent("reasons") == []


# The request


@pytest.mark.parametrize("ids", [[""], ["a", ""]])
def test_an_empty_id_is_rejected(ids: list[str]) -> None:
    clock = ScriptedClock()
    with pytest.raises(UsageError, match="task_ids must be a list of ids; one of them is empty"):
        wait(ScriptedBackend(clock, {}), ids, Options(), clock=clock, rng=lambda: 0.5)


def test_too_many_ids_are_rejected() -> None:
    clock = ScriptedClock()
    with pytest.raises(UsageError, match="task_ids names 10001 tasks; one wait takes at most 10000"):
        wait(ScriptedBackend(clock, {}), [f"t-{n}" for n in range(10_001)], Options(), clock=clock, rng=lambda: 0.5)


def test_results_are_in_the_order_of_the_request_and_named_once() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"a": after(9), "b": after(3)})
    outcome = wait(cloud, ["b", "a", "b"], Options(), clock=clock, rng=lambda: 0.5)
    assert [task["id"] for task in outcome.result["tasks"]] == ["b", "a"]
    assert "task" not in outcome.result


def test_check_mode_polls_once_and_does_not_fail_for_pending_tasks() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"a": RUNS, "b": after(0)})
    outcome = wait(cloud, ["a", "b"], Options(delay=5).for_check_mode(), clock=clock, rng=lambda: 0.5)
    assert not outcome.failed
    assert len(cloud.calls) == 2
    assert states(outcome) == ["pending", "success"]


def test_the_rate_of_the_service_holds_unless_the_user_says_otherwise() -> None:
    timelines = {f"t-{number}": RUNS for number in range(5)}
    _outcome, cloud = run(timelines, {"rate": 2.0}, timeout=0)
    assert at(cloud) == [0, 0.5, 1, 1.5, 2]
    _outcome, cloud = run(timelines, {"rate": 2.0}, timeout=0, rate=5)
    assert at(cloud) == [0, 0.2, 0.4, 0.6, 0.8]


def test_jobs_that_share_an_account_share_its_rate() -> None:
    timelines = {f"t-{number}": RUNS for number in range(5)}
    _outcome, cloud = run(timelines, {"rate": 2.0}, timeout=0, parallel_jobs=4)
    assert at(cloud) == [0, 2, 4, 6, 8]
    _outcome, cloud = run(timelines, {"rate": 2.0}, timeout=0, rate=5, parallel_jobs=2)
    assert at(cloud) == [0, 0.4, 0.8, 1.2, 1.6]
