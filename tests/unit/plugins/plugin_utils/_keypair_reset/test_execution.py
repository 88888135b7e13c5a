# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what each stage brings: every way a server can go, and the sentence about it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.execution import (
    note_associate,
    note_start,
    note_stop,
    note_wait,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    BUSY,
    PLANNED,
    REFUSED,
    UNCHANGED,
    Record,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._keypair_reset.samples import (
    of,
    record,
    server,
)

#: Seconds on the clock of the stage in question.
NOW = 1000.0


def switched(host: str, **more: t.Any) -> dict[str, t.Any]:
    """Return a row of ``hwc_ecs_server_power``: a server that was switched."""
    row = {"server_id": f"id-{host}", "changed": True, "state": "pending", "status": "ACTIVE"}
    return {**row, "reason": None, "msg": None, **more}


def power_job(host: str, status: str, **more: t.Any) -> dict[str, t.Any]:
    """Return the result of ``wait_for_task`` about the job of one server."""
    sub = {"status": status, "entities": {"server_id": f"id-{host}"}, **more}
    task = {"id": "job-1", "status": status, "data": {"status": status, "entities": {"sub_jobs": [sub]}}}
    return {"item": of(host), "tasks": [task]}


def power_noted(
    note: t.Callable[..., list[Record]],
    each: Record,
    row: dict[str, t.Any] | None,
    after: dict[str, t.Any] | None,
    *,
    jobs: t.Sequence[dict[str, t.Any]] = (),
    check_mode: bool = False,
) -> Record:
    """Return a server after its power was to change: the response, and the status read then; None for no response."""
    told = of(each["host"], failed=True, msg="No response.") if row is None else of(each["host"], servers=[row])
    now = of(each["host"], servers=[after]) if after else of(each["host"], failed=True, msg="No response.")
    return note([each], [told], jobs, [now], now=NOW, check_mode=check_mode)[0]


# Stop


def stopped(each: Record, row: dict[str, t.Any] | None, after: dict[str, t.Any] | None, **more: t.Any) -> Record:
    return power_noted(note_stop, each, row, after, **more)


def running(**more: t.Any) -> Record:
    """Return a server that is going to be stopped."""
    return record("web", power="ACTIVE", operation="reset", stop=True, was_running=True, **more)


def test_a_stopped_server_takes_part_in_the_next_stage() -> None:
    after = stopped(running(), switched("web"), server("web", status="SHUTOFF"))
    assert (after["state"], after["power"], after["touched"], after["changed"]) == (PLANNED, "SHUTOFF", True, True)


@pytest.mark.parametrize(
    ("row", "row_after", "jobs", "reason"),
    [
        (
            switched("web"),
            server("web"),
            [power_job("web", "FAIL", error_code="Ecs.0705", fail_reason="The guest does not answer")],
            "The server did not stop: Ecs.0705: The guest does not answer. The request to stop it may still take effect.",
        ),
        (
            switched("web"),
            server("web"),
            [power_job("web", "FAIL")],
            "The server did not stop: the job failed. The request to stop it may still take effect.",
        ),
        (
            switched("web"),
            server("web", task_state="powering-off"),
            [power_job("web", "RUNNING")],
            "The server did not stop: job job-1 was still RUNNING when the time was up. The request to stop it may still take effect.",
        ),
        (
            switched("web"),
            server("web"),
            [power_job("web", "SUCCESS")],
            "The server did not stop: its status is ACTIVE. The request to stop it may still take effect.",
        ),
        (
            switched("web", changed=False, msg="It was not stopped. HTTP 403."),
            server("web"),
            [],
            "The server did not stop: It was not stopped. HTTP 403.",
        ),
        (
            None,
            server("web"),
            [],
            "The server did not stop: the request failed: No response. The request to stop it may still take effect.",
        ),
        (
            switched("web"),
            server("web", status="SHUTOFF", task_state="powering-off"),
            [],
            "The server did not stop: its status is SHUTOFF. The request to stop it may still take effect.",
        ),
        (
            switched("web"),
            None,
            [],
            "Whether the server has stopped is not known: it could not be read afterwards: No response. The request to stop it may still take effect.",
        ),
    ],
)
def test_a_server_that_did_not_stop_fails_with_the_reason(
    row: dict[str, t.Any] | None,
    row_after: dict[str, t.Any] | None,
    jobs: list[dict[str, t.Any]],
    reason: str,
) -> None:
    after = stopped(running(), row, row_after, jobs=jobs)
    assert (after["state"], after["reason"]) == ("failed", reason)


def test_an_earlier_status_does_not_count_for_a_server_that_cannot_be_read() -> None:
    assert stopped(running(), switched("web"), None)["power"] is None
    assert stopped(running(), switched("web", changed=False, msg="HTTP 403."), None)["power"] == "ACTIVE"


def test_in_check_mode_nothing_has_stopped_and_nothing_has_failed() -> None:
    after = stopped(running(), switched("web"), server("web"), check_mode=True)
    assert (after["state"], after["power"], after["changed"]) == (PLANNED, "ACTIVE", True)


def test_a_server_that_was_not_to_be_stopped_is_left_as_it_is() -> None:
    off = record("web", power="SHUTOFF", operation="reset")
    assert stopped(off, None, None) == off


# Associate


def associated(each: Record, **row: t.Any) -> Record:
    answer = {"server_id": f"id-{each['host']}", "changed": True, "task_id": "t1", "state": "pending", "status": None}
    return note_associate([each], [of(each["host"], servers=[{**answer, "reason": None, "msg": None, **row}])])[0]


def off(**more: t.Any) -> Record:
    """Return a server that has stopped."""
    return record("web", **{"power": "SHUTOFF", "operation": "reset", **more})


def test_a_task_that_was_started_is_waited_for() -> None:
    after = associated(off())
    assert (after["state"], after["task_id"], after["changed"], after["touched"]) == (PLANNED, "t1", True, True)


def test_a_pair_that_is_there_after_all_is_unchanged() -> None:
    after = associated(off(), changed=False, task_id=None, state="success")
    assert (after["state"], after["changed"]) == (UNCHANGED, False)


def test_a_lost_response_is_a_success_if_the_request_took_effect() -> None:
    assert associated(off(), task_id=None, state="success")["state"] == "success"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            {"state": "error", "changed": False, "msg": "Nothing was started. HTTP 403."},
            "Nothing was started. HTTP 403.",
        ),
        (
            {"state": "failed", "task_id": None, "reason": {"code": "KPS.3054", "message": "Update public key error"}},
            "KPS.3054: Update public key error",
        ),
        ({"state": "failed", "status": "FAILED_RESET"}, "Its status is FAILED_RESET"),
        ({"state": "unknown", "msg": "Most likely nothing was started."}, "Most likely nothing was started."),
    ],
)
def test_a_task_that_was_not_started_fails(row: dict[str, t.Any], reason: str) -> None:
    after = associated(off(), **row)
    assert (after["state"], after["reason"]) == ("failed", reason)


def test_a_task_that_may_have_been_started_keeps_the_server_busy() -> None:
    after = associated(
        off(), state="unknown", task_id=None, uncertain=True, msg="Whether a task was started is not known."
    )
    assert (after["state"], after["reason"]) == (BUSY, "Whether a task was started is not known.")


def test_after_a_failed_request_it_is_unknown_whether_tasks_were_started() -> None:
    a, b = note_associate([record("a", power="SHUTOFF"), record("b")], [of("a", failed=True, msg="It was killed.")])
    assert (a["state"], a["changed"], a["touched"]) == (BUSY, True, True)
    assert a["reason"] == "Whether the operation was started is not known. It was killed."
    # It was not asked for.
    assert (b["state"], b["reason"]) == (PLANNED, None)


def test_a_task_that_is_adopted_is_not_started_again() -> None:
    adopted = off(task_id="earlier")
    assert associated(adopted, task_id="another") == adopted


# Wait


def waited(**task: t.Any) -> Record:
    answer = {"id": "t1", "state": "success", "status": "SUCCESS_RESET", "elapsed": 31.4, "reason": None, **task}
    return note_wait([off(task_id="t1", started_at=900.0)], [{"tasks": [answer], "timed_out": True}], now=NOW)[0]


def test_a_task_that_succeeded_is_a_success() -> None:
    after = waited()
    assert (after["state"], after["status"], after["seconds"]) == ("success", "SUCCESS_RESET", 100)


def test_each_server_has_the_seconds_until_its_own_task_had_ended() -> None:
    def answer(task_id: str, elapsed: float | None) -> dict[str, t.Any]:
        return {"id": task_id, "state": "success", "status": "SUCCESS_RESET", "elapsed": elapsed, "reason": None}

    # Two groups were waited for, one after the other: from 900 to 950, and from 950 to 1000.
    waits = [
        {"tasks": [answer("t1", 10.2), answer("t2", 50)], "elapsed": 50, "timed_out": False},
        {"tasks": [answer("t3", 20), answer("t4", None)], "elapsed": 50, "timed_out": False},
    ]
    records = [record(f"h{n}", task_id=f"t{n}", started_at=880.0) for n in (1, 2, 3, 4)]
    after = note_wait(records, waits, now=NOW)
    assert [each["seconds"] for each in after] == [30, 70, 90, 70]


@pytest.mark.parametrize(
    ("task", "state", "reason"),
    [
        (
            {"state": "failed", "reason": {"code": "KPS.3025", "message": "No disk"}},
            "failed",
            "KPS.3025: No disk",
        ),
        ({"state": "failed", "reason": {"code": None, "message": "No disk"}}, "failed", "No disk"),
        ({"state": "failed"}, "failed", "KPS gives no reason"),
        ({"state": "missing", "status": None}, "failed", "KPS no longer knows its task"),
        (
            {"state": "missing", "status": "RUNNING"},
            BUSY,
            "KPS listed its task as running, and then reported that there is no such task",
        ),
        (
            {"state": "pending", "status": "RUNNING_RESET"},
            BUSY,
            "It had not ended when the time was up. Run this again: it adopts the task.",
        ),
        (
            {"state": "unknown", "status": "PAUSED"},
            BUSY,
            "KPS does not document this status, and it had not changed when the time was up.",
        ),
        (
            {"state": "error", "status": None, "elapsed": None},
            BUSY,
            "KPS does not report the status of its task",
        ),
    ],
)
def test_a_task_that_did_not_succeed_fails_or_keeps_the_server_busy(
    task: dict[str, t.Any], state: str, reason: str
) -> None:
    after = waited(**task)
    assert (after["state"], after["reason"]) == (state, reason)


def test_tasks_that_a_large_result_omits_are_still_known() -> None:
    tasks = ("t1", "t2", "t3", "t4")
    records = [record(f"web{number}", power="SHUTOFF", task_id=task_id) for number, task_id in enumerate(tasks)]
    failure = {"id": "t2", "state": "failed", "status": "FAILED_RESET", "elapsed": 40.0}
    wait = {
        "item": {"task_ids": [*tasks[:3]]},
        "tasks": [{**failure, "finished": True, "reason": {"code": "KPS.1", "message": "disk"}}],
        "failed_ids": ["t2"],
        "pending_ids": ["t3"],
        "timed_out": True,
        "elapsed": 60.0,
    }
    steps = ["success_details", "details", "success_rows", "pending_rows"]
    after = note_wait(records, [{**wait, "shortened": steps}], now=NOW)
    assert [one["state"] for one in after] == ["success", "failed", "busy", "busy"]
    assert after[1]["reason"] == "KPS.1: disk"
    assert "It had not ended when the time was up." in after[2]["reason"]
    assert "could not be waited for" in after[3]["reason"]


def test_a_wait_that_broke_keeps_servers_busy() -> None:
    (after,) = note_wait([off(task_id="t1")], [{"failed": True, "msg": "The credentials were refused."}], now=NOW)
    assert (after["state"], after["reason"]) == (
        BUSY,
        "Its task could not be waited for. The credentials were refused.",
    )


# Start


def started(each: Record, row: dict[str, t.Any] | None, after: dict[str, t.Any] | None, **more: t.Any) -> Record:
    return power_noted(note_start, each, row, after, **more)


def reset(**more: t.Any) -> Record:
    """Return a server whose reset has succeeded."""
    return off(**{"state": "success", "touched": True, "changed": True, **more})


def test_a_server_that_runs_again_is_on() -> None:
    after = started(reset(), switched("web"), server("web", key_name="new"))
    assert (after["state"], after["power"], after["reason"]) == ("success", "ACTIVE", None)


@pytest.mark.parametrize(
    ("row", "jobs", "reason"),
    [
        (
            switched("web"),
            [power_job("web", "FAIL", error_code="Ecs.0319", fail_reason="No resources left")],
            "The server was not started: Ecs.0319: No resources left.",
        ),
        (switched("web"), [], "The server was not started: its status is SHUTOFF."),
        (switched("web", changed=False, msg="It is locked."), [], "The server was not started: It is locked."),
        (None, [], "The server was not started: the request failed: No response."),
    ],
)
def test_a_server_that_does_not_start_fails_with_the_reason(
    row: dict[str, t.Any] | None, jobs: list[dict[str, t.Any]], reason: str
) -> None:
    after = started(reset(), row, server("web", status="SHUTOFF", key_name="new"), jobs=jobs)
    assert (after["state"], after["power"], after["reason"]) == ("failed", "SHUTOFF", reason)


@pytest.mark.parametrize(("key_name", "word"), [("another", "another"), (None, "unbound")])
def test_a_key_pair_that_another_job_changed_is_a_failure(key_name: str | None, word: str) -> None:
    after = started(reset(), switched("web"), server("web", key_name=key_name))
    assert (after["state"], after["reason"]) == (
        "failed",
        f"Another user or job changed its key pair meanwhile: it is {word}.",
    )


def test_a_server_that_was_switched_on_has_the_seconds_until_it_ran() -> None:
    before = reset(started_at=400.0, seconds=300)
    assert started(before, switched("web"), server("web", key_name="new"))["seconds"] == 600
    # It kept running.
    kept = reset(power="ACTIVE", started_at=400.0, seconds=300)
    assert started(kept, switched("web", changed=False), server("web", key_name="new"))["seconds"] == 300


def test_the_seconds_of_a_server_that_did_not_stop_end_with_the_wait() -> None:
    assert stopped(running(started_at=400.0), switched("web"), server("web"))["seconds"] == 600


@pytest.mark.parametrize(
    ("row", "power", "stopping"),
    [
        (server("web", task_state="powering-off"), "ACTIVE", True),
        (server("web", status="SHUTOFF"), "SHUTOFF", False),
        # The request to stop it did not succeed.
        (server("web"), "ACTIVE", False),
        (None, "ACTIVE", True),
    ],
)
def test_a_server_that_was_stopping_when_the_role_began_is_read_again(
    row: dict[str, t.Any] | None, power: str, stopping: bool
) -> None:
    before = record("web", state=REFUSED, reason="It is busy.", power="ACTIVE", stopping=True)
    after = started(before, None, row)
    assert (after["power"], after["stopping"], after["reason"], after["touched"]) == (
        power,
        stopping,
        "It is busy.",
        False,
    )


def test_a_server_that_was_off_is_changed_by_its_start() -> None:
    kept = record("web", state=UNCHANGED, power="SHUTOFF")
    after = started(kept, switched("web"), server("web", key_name="new"))
    assert (after["state"], after["changed"], after["power"]) == (UNCHANGED, True, "ACTIVE")


def test_in_check_mode_a_start_is_only_planned() -> None:
    kept = record("web", state=UNCHANGED, power="SHUTOFF")
    after = started(kept, switched("web"), server("web", status="SHUTOFF", key_name="new"), check_mode=True)
    assert (after["state"], after["changed"], after["power"]) == (UNCHANGED, True, "SHUTOFF")


def test_a_server_that_is_not_to_be_started_is_left_as_it_is() -> None:
    busy = off(state=BUSY, reason="Time is up.")
    assert started(busy, None, None) == busy
