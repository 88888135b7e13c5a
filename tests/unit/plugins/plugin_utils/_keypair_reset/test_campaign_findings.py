# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what the campaign of faults has brought to light: reasons that were lost, starts that spoil a task, late stops."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.batching import batches
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.execution import (
    note_start,
    note_stop,
    note_unconfirmed,
    note_wait,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    BUSY,
    REFUSED,
    UNCHANGED,
    Record,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.reporting import (
    journal,
    rows,
    summary,
    table,
    verdicts,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._keypair_reset.samples import (
    of,
    record,
    server,
    task,
)

# Why the end of a task is not known


def waited(wait: dict[str, t.Any], **of_task: t.Any) -> Record:
    """Return a server whose task was waited for."""
    response = {"id": "t1", "state": "pending", "status": "RUNNING", "elapsed": 31.4, "reason": None, **of_task}
    (after,) = note_wait(
        [record("web", power="SHUTOFF", operation="reset", task_id="t1")], [{"tasks": [response], **wait}], now=0
    )
    return after


@pytest.mark.parametrize(
    ("wait", "of_task", "reason"),
    [
        (
            {"timed_out": False, "msg": "Not authorized (401 APIGW.0301). Last known: 3 pending."},
            {},
            "The wait for its task was interrupted. Not authorized (401 APIGW.0301). Last known: 3 pending.",
        ),
        (
            {"timed_out": False, "msg": "Interrupted by SIGTERM after 2 s; 1 of 1 kps task is still pending."},
            {"state": "unknown", "status": "PAUSED"},
            "The wait for its task was interrupted. Interrupted by SIGTERM after 2 s; 1 of 1 kps task is still pending.",
        ),
        (
            {"timed_out": True, "msg": "Timed out."},
            {"state": "unknown", "status": "PAUSED"},
            "KPS does not document this status, and it had not changed when the time was up.",
        ),
        (
            {"timed_out": False},
            {"state": "error", "status": None, "reason": {"code": "KPS.0403", "message": "Not you"}},
            "KPS does not report the status of its task: KPS.0403: Not you",
        ),
        (
            {"timed_out": False},
            {"state": "missing", "reason": {"code": "KPS.0404", "message": "No such task"}},
            "KPS listed its task as running, and then reported that there is no such task: KPS.0404: No such task",
        ),
    ],
)
def test_a_server_whose_task_may_go_on_has_the_words_of_the_service(
    wait: dict[str, t.Any], of_task: dict[str, t.Any], reason: str
) -> None:
    after = waited(wait, **of_task)
    assert (after["state"], after["reason"]) == (BUSY, reason)


def test_a_task_that_was_never_seen_fails_with_the_words_of_the_service() -> None:
    after = waited({}, state="missing", status=None, reason={"code": "KPS.0001", "message": "The id is illegal"})
    assert (after["state"], after["reason"]) == (
        "failed",
        "KPS no longer knows its task: KPS.0001: The id is illegal",
    )


def test_each_task_has_the_message_of_its_own_wait() -> None:
    pending = {"state": "pending", "status": "RUNNING", "elapsed": 1, "reason": None}
    a, b = note_wait(
        [record("a", task_id="t1"), record("b", task_id="t2")],
        [
            {"timed_out": False, "msg": "Not authorized.", "tasks": [{"id": "t1", **pending}]},
            {"timed_out": True, "msg": "Timed out.", "tasks": [{"id": "t2", **pending}]},
        ],
        now=0,
    )
    assert a["reason"] == "The wait for its task was interrupted. Not authorized."
    assert b["reason"] == "It had not ended when the time was up. Run this again: it adopts the task."


# Tasks of other jobs


def failed(host: str = "web", **more: t.Any) -> Record:
    """Return a server whose operation failed, and that is off."""
    return record(host, **{"state": "failed", "power": "SHUTOFF", "operation": "reset", "touched": True, **more})


def test_a_server_that_failed_and_that_kps_is_at_work_on_is_not_started() -> None:
    before = failed(reason="KPS task other works on its key pair.")
    assert [batch["server_ids"] for batch in batches([before], "unconfirmed")] == [["id-web"]]
    (after,) = note_unconfirmed([before], [of("web", tasks=[task("web", task_id="other")])])
    assert (after["state"], after["task_id"], after["status"]) == (BUSY, "other", None)
    assert after["reason"] == (
        "KPS task other works on its key pair. KPS works on its key pair (task other), so it is not started."
    )
    assert batches([after], "start") == []


@pytest.mark.parametrize(
    "running",
    [
        of("web", tasks=[]),
        of("web", tasks=[task("another")]),
        # Its own task, of which KPS has said that it failed: the list is late.
        of("web", tasks=[task("web", task_id="own")]),
    ],
)
def test_a_server_that_failed_is_started_otherwise(running: dict[str, t.Any]) -> None:
    before = failed(task_id="own", status="FAILED_RESET", reason="No disk")
    (after,) = note_unconfirmed([dict(before)], [running])
    assert after == before
    assert len(batches([after], "start")) == 1


def test_a_server_whose_own_task_has_ended_is_started_even_if_running_tasks_cannot_be_read() -> None:
    before = failed(task_id="own", status="FAILED_RESET", reason="No disk")
    (after,) = note_unconfirmed([before], [of("web", failed=True, msg="HTTP 403.")])
    assert (after["state"], after["reason"]) == (
        "failed",
        "No disk. Whether KPS works on its key pair could not be read (HTTP 403). KPS has reported that its task has ended, so "
        "it is started.",
    )
    assert len(batches([after], "start")) == 1


@pytest.mark.parametrize(
    "before",
    [
        failed(reason="Nothing was started"),
        failed(reason="KPS no longer knows its task", task_id="own"),
        failed(state=UNCHANGED),
    ],
    ids=["no-task", "denied", "unchanged"],
)
def test_a_server_that_kps_may_be_at_work_on_stays_off(before: Record) -> None:
    (after,) = note_unconfirmed([dict(before)], [of("web", failed=True, msg="HTTP 403.")])
    assert after["state"] == BUSY
    assert after["reason"].endswith(
        "Whether KPS works on its key pair could not be read (HTTP 403), so it is not started."
    )
    assert batches([after], "start") == []
    assert summary([after], check_mode=False)[1].startswith("OFF: web. KPS may still work on it")


def test_a_server_stays_off_while_its_task_is_in_the_list_of_running_tasks() -> None:
    (after,) = note_unconfirmed([failed(task_id="own")], [of("web", tasks=[task("web", task_id="own")])])
    assert (after["state"], after["task_id"]) == (BUSY, "own")


@pytest.mark.parametrize(
    "each",
    [
        failed(state="success"),
        failed(state=BUSY),
        failed(state=REFUSED),
        failed(power="ACTIVE"),
        failed(power_after="restore", was_running=False),
    ],
    ids=["success", "busy", "refused", "runs", "stays-off"],
)
def test_only_failed_servers_that_would_be_started_are_unconfirmed(each: Record) -> None:
    assert batches([each], "unconfirmed") == []
    (after,) = note_unconfirmed([dict(each)], [of("web", tasks=[task("web")])])
    assert after == each


def test_a_server_that_is_off_and_has_the_pair_is_unconfirmed() -> None:
    (after,) = note_unconfirmed([failed(state=UNCHANGED)], [of("web", tasks=[task("web", task_id="other")])])
    assert after["state"] == BUSY


# Stops that come late


def stopped(*, changed: bool = True, status: str = "ACTIVE") -> Record:
    """Return a server that was asked to stop."""
    before = record("web", power="ACTIVE", operation="reset", stop=True, was_running=True)
    row = {"server_id": "id-web", "changed": changed, "state": "pending", "status": "ACTIVE", "msg": None}
    (after,) = note_stop(
        [before],
        [of("web", servers=[row])],
        [],
        [of("web", servers=[server("web", status=status)])],
        now=0,
        check_mode=False,
    )
    return after


def started(before: Record, *, changed: bool) -> Record:
    """Return the same server after the start."""
    row = {"server_id": "id-web", "changed": changed, "state": "pending", "status": "ACTIVE", "msg": None}
    (after,) = note_start(
        [before], [of("web", servers=[row])], [], [of("web", servers=[server("web")])], now=0, check_mode=False
    )
    return after


def test_a_server_that_may_still_go_off_is_reported_and_stays_in_the_journal() -> None:
    after = started(stopped(), changed=False)
    assert summary([after], check_mode=False) == [
        "1 failed.",
        "MAY STILL STOP: web. The request to stop it may still take effect. Check it later. If it is off, start it with: "
        "ansible localhost -m multicloud.async_tasks.hwc_ecs_server_power -a 'server_id=id-web state=running'",
        "To try again, correct the reason and repeat this run with --limit web.",
    ]
    assert [(entry["host"], entry["was_running"]) for entry in journal([after])] == [("web", True)]


@pytest.mark.parametrize(
    "after",
    [
        # The request to stop it was refused.
        started(stopped(changed=False), changed=False),
        # It had gone off meanwhile, and was switched on again.
        started(stopped(), changed=True),
    ],
    ids=["refused", "back"],
)
def test_a_server_whose_stop_has_ended_does_not_go_off_any_more(after: Record) -> None:
    on = "All servers that were touched are on." if after["touched"] else "No server was touched."
    assert summary([after], check_mode=False)[:2] == ["1 failed.", on]
    assert journal([after]) == []


def test_a_server_that_is_off_is_called_off_only_once() -> None:
    after = {**stopped(), "power": "SHUTOFF"}
    lines = summary([after], check_mode=False)
    assert [line.partition(":")[0] for line in lines][:2] == ["1 failed.", "OFF"]
    assert sum("web" in line and "OFF" in line for line in lines) == 1


def test_a_server_that_cannot_be_read_after_its_start_is_not_reported_as_off() -> None:
    row = {"server_id": "id-web", "changed": True, "state": "pending", "status": "SHUTOFF", "msg": None}
    before = failed(state="success", operation="reset", was_running=True)
    (after,) = note_start(
        [before], [of("web", servers=[row])], [], [of("web", failed=True, msg="HTTP 403.")], now=0, check_mode=False
    )
    assert (after["power"], after["reason"]) == (
        None,
        "Whether the server was started is not known: it could not be read afterwards: HTTP 403.",
    )
    assert summary([after], check_mode=False)[1].startswith("PERHAPS OFF: web. Start it with: ")


# The state of the task and the power of the server


def test_the_word_of_the_task_is_not_taken_for_the_power_of_the_server() -> None:
    each = failed(state=BUSY, task_id="t1", status="RUNNING", reason="It had not ended when the time was up.")
    told = "Task RUNNING. It had not ended when the time was up."
    assert table([each], check_mode=False)[1].endswith(told)
    assert f"{told} THE SERVER IS OFF (SHUTOFF). " in verdicts([each], check_mode=False)["web"]["msg"]
    # Machines get the two apart.
    (row,) = rows([each], check_mode=False)
    assert (row["status"], row["reason"]) == ("RUNNING", "It had not ended when the time was up.")
