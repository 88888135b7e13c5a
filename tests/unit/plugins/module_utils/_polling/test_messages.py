# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages at the end of a wait, for each way it can end."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import SUCCESS, Reason, TaskStatus
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options, Outcome, Slice, wait
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.messages import DECIDED, Ending
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.result import conclude
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import WaitState
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._polling.scripted import (
    GONE,
    ScriptedBackend,
    ScriptedClock,
    StatusTimeline,
    Throttle,
)

RUNS: StatusTimeline = ((0.0, "RUNNING_X"),)
OK: StatusTimeline = ((0.0, "RUNNING_X"), (20.0, "SUCCESS_X"))
BAD: StatusTimeline = ((0.0, "RUNNING_X"), (10.0, "FAILED_X"))
NEVER: StatusTimeline = ((0.0, GONE),)

#: No jitter and a fixed pause, so that every figure in a message can be foreseen.
STEADY: dict[str, t.Any] = {"jitter": 0.0, "backoff": 0.0, "interval": 5.0, "rate": 1000.0}


def run(
    timelines: t.Mapping[str, StatusTimeline], options: dict[str, t.Any], **cloud: t.Any
) -> tuple[Outcome, ScriptedBackend]:
    """Wait on a scripted cloud whose calls take no time."""
    clock = ScriptedClock()
    backend = ScriptedBackend(clock, timelines, **{"latencies": (0.0,), **cloud})
    return wait(backend, list(timelines), Options(**{**STEADY, **options}), clock=clock, rng=lambda: 0.5), backend


def test_a_message_says_that_all_tasks_succeeded() -> None:
    outcome, _cloud = run({"t-1": OK, "t-2": OK}, {})
    assert outcome.msg == "All 2 kps tasks succeeded after 20 s (10 calls)."
    assert not outcome.failed


def test_the_message_of_one_successful_task() -> None:
    outcome, _cloud = run({"t-1": OK}, {})
    assert outcome.msg == "kps task t-1 succeeded after 20 s (5 calls)."


def test_nothing_to_wait_for() -> None:
    outcome, cloud = run({}, {})
    assert outcome.msg == "There is no task to wait for."
    assert not outcome.failed
    assert cloud.calls == []
    assert outcome.result["summary"]["total"] == 0


def test_the_message_names_one_failed_task_of_several() -> None:
    reasons = {"t-2": Reason("KPS.3054", "Update public key error")}
    outcome, _cloud = run({"t-1": OK, "t-2": BAD}, {}, has_reasons=True, reasons_of=reasons)
    assert outcome.failed
    assert outcome.msg == (
        "1 of 2 kps tasks failed: t-2 (server server-t-2): FAILED_X, KPS.3054: Update public key error. 1 succeeded."
    )


def test_a_failure_without_a_reason() -> None:
    outcome, _cloud = run({"t-1": BAD}, {}, has_reasons=True)
    assert outcome.msg == "kps task t-1 failed: FAILED_X."
    assert outcome.result["task"]["reason"] is None


def test_many_failures_are_counted_after_the_first_five() -> None:
    outcome, _cloud = run({f"t-{number}": BAD for number in range(1, 9)}, {})
    assert outcome.msg == (
        "8 of 8 kps tasks failed: t-1: FAILED_X; t-2: FAILED_X; t-3: FAILED_X; t-4: FAILED_X; t-5: FAILED_X"
        " and 3 more. 0 succeeded."
    )


def test_fail_fast_names_what_still_goes_on() -> None:
    outcome, _cloud = run({"t-1": RUNS, "t-2": BAD, "t-3": RUNS}, {"mode": "fail_fast"})
    assert outcome.failed
    assert outcome.msg == (
        "1 of 3 kps tasks failed: t-2: FAILED_X. 0 succeeded. Stopped waiting; 2 tasks are still pending: t-1, t-3."
    )
    assert outcome.result["pending_ids"] == ["t-1", "t-3"]


def test_any_names_the_task_that_succeeded() -> None:
    outcome, _cloud = run({"t-1": RUNS, "t-2": OK, "t-3": BAD}, {"mode": "any"})
    assert not outcome.failed
    assert outcome.msg == (
        "kps task t-2 succeeded after 20 s. 1 of 3 kps tasks failed: t-3: FAILED_X."
        " Stopped waiting; 1 task is still pending: t-1."
    )


def test_mode_any_fails_without_a_success() -> None:
    outcome, _cloud = run({"t-1": BAD, "t-2": BAD}, {"mode": "any"})
    assert outcome.failed
    assert outcome.msg == ("None of 2 kps tasks succeeded. 2 of 2 kps tasks failed: t-1: FAILED_X; t-2: FAILED_X.")


def test_time_out_says_what_each_task_does() -> None:
    timelines: dict[str, StatusTimeline] = {
        "t-1": ((0.0, "READY_X"), (5.0, "RUNNING_X")),
        "t-2": OK,
        "t-3": BAD,
        "t-4": ((0.0, "RUNNING_X"), (20.0, "PAUSED_X")),
    }
    outcome, _cloud = run(timelines, {"timeout": 60.0})
    assert outcome.failed
    assert outcome.msg == (
        "1 of 4 kps tasks failed: t-3: FAILED_X. Timed out after 60 s waiting for 2 of 4 kps tasks:"
        " t-1 (RUNNING_X for 55 s), t-4 (unknown status PAUSED_X for 40 s; list it in success_statuses,"
        " failure_statuses or pending_statuses). 1 succeeded. Last poll 0.0 s before the end."
        " The tasks go on in the cloud; continue with resume."
    )
    assert outcome.result["timed_out"]
    assert outcome.warnings == ("kps task t-4 reports the unknown status PAUSED_X; waiting on.",)


def test_time_out_of_one_task() -> None:
    outcome, _cloud = run({"t-1": RUNS}, {"timeout": 30.0})
    assert outcome.msg == (
        "Timed out after 30 s waiting for kps task t-1 (RUNNING_X for 30 s). Last poll 0.0 s before the end."
        " The task goes on in the cloud; continue with resume."
    )


def test_time_out_before_a_task_was_confirmed_or_found() -> None:
    timelines: dict[str, StatusTimeline] = {
        "t-1": ((0.0, "RUNNING_X"), (29.0, "SUCCESS_X")),
        "t-2": ((0.0, "RUNNING_X"), (15.0, GONE)),
    }
    outcome, _cloud = run(timelines, {"timeout": 30.0, "confirm": 2})
    assert outcome.msg == (
        "Timed out after 30 s waiting for 2 of 2 kps tasks: t-1 (SUCCESS_X, reported 1 of 2 times in a row),"
        " t-2 (not found for 15 s, RUNNING_X at 10 s). 0 succeeded. Last poll 0.0 s before the end."
        " The tasks go on in the cloud; continue with resume."
    )


def test_time_out_while_throttled_says_how_old_the_last_response_is() -> None:
    outcome, _cloud = run({"t-1": RUNS}, {"timeout": 30.0}, faults=[None, Throttle(60.0)])
    assert outcome.result["timed_out"]
    assert outcome.result["elapsed"] == 30.0
    assert "The last response about t-1 is 30 s old: the service asked to wait (Retry-After 60)." in outcome.msg


def test_time_out_while_throttled_without_retry_after() -> None:
    outcome, _cloud = run({"t-1": RUNS}, {"timeout": 8.0}, faults=[None] + [Throttle()] * 9)
    assert "The last response about t-1 is 8 s old: the service asked to wait." in outcome.msg


def test_time_out_of_a_wait_that_was_only_throttled() -> None:
    outcome, _cloud = run({"t-1": RUNS}, {"timeout": 8.0}, faults=[Throttle(0.0)] * 99)
    assert outcome.result["throttled"] > 1
    turned = f"the service throttled the last {outcome.result['throttled']} calls"
    assert f"There is no response about t-1: {turned}." in outcome.msg


def test_time_out_amid_errors_names_the_last_one() -> None:
    outcome, _cloud = run({"t-1": RUNS}, {"timeout": 30.0}, faults=[None] + ["unavailable"] * 20)
    assert outcome.result["timed_out"]
    assert "The last response about t-1 is 30 s old: 8 errors since, the last: HTTP 503." in outcome.msg


def test_the_message_of_a_timeout_without_any_response() -> None:
    outcome, _cloud = run({"t-1": RUNS}, {"timeout": 10.0}, faults=["reset"] * 9)
    assert outcome.msg.startswith(
        "Timed out after 10 s waiting for kps task t-1 (no response about it yet)."
        " There is no response about t-1: 5 errors since, the last: connection reset."
    )


def test_time_out_that_is_not_to_fail() -> None:
    outcome, _cloud = run({"t-1": RUNS}, {"timeout": 10.0, "on_timeout": "return"})
    assert not outcome.failed
    assert outcome.result["timed_out"]
    assert "resume" in outcome.result
    outcome, _cloud = run({"t-1": RUNS, "t-2": BAD}, {"timeout": 30.0, "on_timeout": "return"})
    assert outcome.failed


def test_failures_that_are_not_to_fail() -> None:
    outcome, _cloud = run({"t-1": BAD}, {"on_failure": "return"})
    assert not outcome.failed
    assert outcome.result["failed_ids"] == ["t-1"]
    assert "t-1 failed" in outcome.msg
    outcome, _cloud = run({"t-1": BAD}, {"on_failure": "return", "mode": "any"})
    assert not outcome.failed


def test_an_unknown_status_that_is_to_fail() -> None:
    outcome, _cloud = run({"t-5": ((0.0, "Paused"),)}, {"unknown_status": "fail"})
    assert outcome.failed
    assert outcome.msg == (
        'kps task t-5 has the unknown status "Paused" (twice in a row). Known: READY_X, RUNNING_X; SUCCESS_X; FAILED_X.'
        " Last known: 1 unknown."
    )
    assert outcome.result["task"]["state"] == "unknown"
    assert outcome.warnings == ()


@pytest.mark.parametrize("status", [None, ""])
def test_no_status_at_all(status: str | None) -> None:
    outcome, _cloud = run({"t-5": ((0.0, status),)}, {"unknown_status": "fail"})
    assert "kps task t-5 has no status (twice in a row)." in outcome.msg
    outcome, _cloud = run({"t-5": ((0.0, status),), "t-6": ((0.0, status),)}, {"timeout": 10.0})
    assert outcome.warnings == ("kps task t-5 reports no status; waiting on.",)
    assert "t-5 (no status for 10 s" in outcome.msg


def test_a_task_that_was_never_found() -> None:
    outcome, _cloud = run({"t-1": OK, "t-3": NEVER}, {})
    assert outcome.failed
    assert outcome.msg == (
        "kps task t-3 was not found for 30 s (404 KPS.0404: task not found). Check the id, project and region,"
        " and whether it is a task of the service kps. 1 succeeded."
    )
    assert outcome.result["tasks"][1]["state"] == "missing"


def test_the_message_does_not_say_that_an_unknown_id_goes_on() -> None:
    outcome, _cloud = run({"t-3": NEVER}, {"timeout": 0.0})
    assert outcome.result["timed_out"]
    assert "Check the id, project and region, and whether it is a task of the service kps." in outcome.msg
    assert outcome.msg.endswith(" Continue with resume if it was only just started.")
    assert "cloud" not in outcome.msg
    outcome, _cloud = run({"t-3": NEVER, "t-4": NEVER}, {"timeout": 0.0})
    assert "Check the ids, project and region, and whether they are tasks of the service kps." in outcome.msg
    outcome, _cloud = run({"t-1": RUNS, "t-3": NEVER}, {"timeout": 0.0})
    assert outcome.msg.endswith(" The other task goes on in the cloud; continue with resume.")


def test_the_message_names_the_directory_of_an_id() -> None:
    outcome, _cloud = run({"t-3": NEVER}, {"timeout": 0.0}, parent="directory")
    assert "Check the id, directory and region" in outcome.msg


def test_a_task_that_vanished() -> None:
    outcome, _cloud = run({"t-3": ((0.0, "RUNNING_X"), (12.0, GONE))}, {"not_found_grace": 0})
    assert outcome.msg == (
        "kps task t-3 vanished after RUNNING_X at 10 s (404 KPS.0404: task not found). Check the id, project and region."
    )


def test_a_rejected_request() -> None:
    outcome, _cloud = run({"t-1": OK, "t-2": OK}, {}, faults=["rejected"])
    assert outcome.failed
    assert outcome.msg == (
        "The service rejected the request about kps task t-1: 400 KPS.0005: task_id is malformed."
        " Check the id, project and region, and whether it is a task of the service kps. 1 succeeded."
    )
    assert outcome.result["tasks"][0]["state"] == "error"
    assert outcome.result["tasks"][0]["reason"] == {"code": "KPS.0005", "message": "task_id is malformed"}


def test_the_message_of_a_wait_without_a_usable_response() -> None:
    outcome, _cloud = run({"t-1": RUNS, "t-2": OK}, {"error_grace": 60.0}, faults=[None] * 12 + ["reset"] * 99)
    assert outcome.failed
    assert outcome.msg == (
        "No usable response from https://cloud.example.com for 60 s (15 errors; last: connection reset)."
        " Last known: 1 pending, 1 success."
    )
    assert "resume" in outcome.result


def test_an_invalid_certificate_ends_the_wait_at_once() -> None:
    outcome, cloud = run({"t-1": RUNS}, {}, faults=["certificate"])
    assert outcome.msg == "certificate refused. Last known: 1 pending."
    assert len(cloud.calls) == 1


def test_the_message_of_a_wait_that_is_not_authorized() -> None:
    outcome, cloud = run({"t-1": RUNS}, {}, faults=["unauthorized"])
    assert outcome.msg == (
        "Not authorized (401 APIGW.0301: Incorrect IAM authentication information). Last known: 1 pending."
    )
    assert outcome.result["http_status"] == 401
    assert outcome.result["error_code"] == "APIGW.0301"
    assert len(cloud.calls) == 1


def test_not_authorized_after_reauthentication() -> None:
    faults = [None] * 4 + ["unauthorized"] * 2
    outcome, cloud = run({"t-1": RUNS}, {}, faults=faults, may_reauthenticate=True)
    assert outcome.msg == (
        "Not authorized (401 APIGW.0301: Incorrect IAM authentication information), also after re-authentication at 20 s."
        " Last known: 1 pending."
    )
    assert cloud.reauthentications == [20.0]


def test_reauthentication_is_rejected() -> None:
    outcome, cloud = run(
        {"t-1": RUNS}, {}, faults=["unauthorized"], may_reauthenticate=True, reauthentication_faults=["unauthorized"]
    )
    assert outcome.msg.startswith("Not authorized, and re-authentication was rejected (401 APIGW.0301: Incorrect IAM")
    assert len(cloud.calls) == 1


def test_a_forbidden_operation_names_the_permission() -> None:
    outcome, cloud = run({"t-1": RUNS}, {}, faults=["forbidden"])
    assert outcome.msg == "HTTP 403: kps:task:get is missing. Last known: 1 pending."
    assert outcome.result["http_status"] == 403
    assert len(cloud.calls) == 1


def test_the_message_of_an_interrupted_wait() -> None:
    clock = ScriptedClock()
    clock.signal_at = 84.0
    cloud = ScriptedBackend(clock, {"t-1": RUNS, "t-2": OK, "t-3": BAD})
    outcome = wait(cloud, ["t-1", "t-2", "t-3"], Options(**STEADY), clock=clock, rng=lambda: 0.5)
    assert outcome.failed
    assert outcome.msg == (
        "Interrupted by SIGTERM after 84 s; 1 of 3 kps tasks is still pending. 1 of 3 kps tasks failed: t-3: FAILED_X."
        " The task goes on in the cloud; continue with resume."
    )
    assert outcome.result["interrupted"]
    assert not outcome.result["timed_out"]


def test_a_resumed_wait_counts_its_own_budget() -> None:
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, {"t-1": RUNS})
    options = Options(timeout=30.0, on_timeout="return", **STEADY)
    first = wait(cloud, ["t-1"], options, clock=clock, rng=lambda: 0.5)
    clock.now += 1000
    second = wait(cloud, [], options, clock=clock, rng=lambda: 0.5, resume=first.result["resume"])
    assert second.msg.startswith(
        "Timed out after 30 s (60 s with the waits before) waiting for kps task t-1 (RUNNING_X"
    )


def test_the_progress_line() -> None:
    clock = ScriptedClock()
    timelines = {"t-1": RUNS, "t-2": BAD, "t-3": OK, "t-4": ((0.0, "READY_X"),), "t-5": RUNS}
    cloud = ScriptedBackend(clock, timelines, latencies=(0.0,))
    part = Slice(0.0, 27.0)
    outcome = wait(cloud, list(cloud.timelines), Options(**STEADY), clock=clock, rng=lambda: 0.5, time_slice=part)
    assert outcome.more is not None
    assert outcome.more["line"] == (
        "1 success, 1 failed, 3 pending (RUNNING_X 2, READY_X 1); 25 s of 1800 s, next poll in 5 s"
    )
    assert abs(outcome.more["sleep"] - 5) < 0.01
    assert not outcome.failed


def test_an_unknown_status_that_ends_the_wait_fails_it_even_if_a_success_followed() -> None:
    state = WaitState.new(["t-1"], 10.0, "kps", {})
    (task,) = state.tasks.values()
    task.record_status(TaskStatus("t-1", SUCCESS, "SUCCESS_X"), SUCCESS, 1.0, 1, 1)
    cloud = ScriptedBackend(ScriptedClock(), {"t-1": RUNS})
    assert not conclude(state, cloud, Options(), Ending(DECIDED), 1.0).failed
    assert conclude(state, cloud, Options(), Ending(DECIDED, task=task), 1.0).failed
