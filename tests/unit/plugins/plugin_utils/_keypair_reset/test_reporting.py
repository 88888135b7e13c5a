# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what people, workflows and the next run are told."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    BUSY,
    PLANNED,
    REFUSED,
    UNCHANGED,
    Record,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.reporting import (
    journal,
    markdown,
    plan,
    rows,
    start_command,
    stats,
    summary,
    table,
    verdicts,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._keypair_reset.samples import record

START = "ansible localhost -m multicloud.async_tasks.hwc_ecs_server_power -a 'server_id=id-{} state=running'"


def done(host: str, **more: t.Any) -> Record:
    """A server whose reset has succeeded, with both proofs."""
    fields = {
        "state": "success",
        "operation": "reset",
        "power": "ACTIVE",
        "touched": True,
        "changed": True,
        "was_running": True,
        "new_key": "accepted",
        "old_key": "refused",
        "task_id": f"task-{host}",
        "status": "SUCCESS_RESET",
        "seconds": 31,
    }
    return record(host, **{**fields, **more})


def failed(host: str, **more: t.Any) -> Record:
    """A server whose reset has failed, and that is off."""
    fields = {
        "state": "failed",
        "power": "SHUTOFF",
        "status": "FAILED_RESET",
        "reason": "KPS.3025: No disk",
        "new_key": "not proven",
        "old_key": "not proven",
    }
    return done(host, **{**fields, **more})


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (
            {"operation": "reset", "stop": True, "power": "ACTIVE", "why": "the method is reset"},
            "stop, reset, start, verify (the method is reset)",
        ),
        ({"operation": "reset", "power": "SHUTOFF"}, "reset, start, verify"),
        (
            {"operation": "reset", "power": "SHUTOFF", "power_after": "restore", "was_running": False},
            "reset, verify",
        ),
        ({"operation": "replace", "power": "ACTIVE", "login": "keypair"}, "replace, verify"),
        (
            {"operation": "reset", "task_id": "t1", "power": "SHUTOFF", "touched": True},
            "join task t1 (reset), start, verify",
        ),
        ({"state": UNCHANGED, "power": "ACTIVE"}, "has the key pair, verify"),
        ({"state": UNCHANGED, "power": "SHUTOFF"}, "has the key pair, start, verify"),
        ({"state": UNCHANGED, "power": "ACTIVE", "keypair_name": None}, "has no key pair, verify"),
        ({"state": REFUSED, "reason": "It is locked."}, "refused: It is locked."),
    ],
)
def test_a_plan_tells_every_step(more: dict[str, t.Any], line: str) -> None:
    assert plan([record("web", **more)]) == [f"web  {line}"]


def test_the_lines_of_a_plan_are_aligned() -> None:
    assert plan([record("a", state=UNCHANGED, power="ACTIVE"), record("longer", state=UNCHANGED, power="ACTIVE")]) == [
        "a       has the key pair, verify",
        "longer  has the key pair, verify",
    ]
    assert plan([]) == []


@pytest.mark.parametrize(
    ("each", "ok", "msg"),
    [
        (done("web"), True, "reset done; new key accepted, old key refused."),
        (
            done("web", state=UNCHANGED, operation=None),
            True,
            "it was as wanted already; new key accepted, old key refused.",
        ),
        (
            failed("web"),
            False,
            f"Task FAILED_RESET. KPS.3025: No disk. THE SERVER IS OFF (SHUTOFF). Start it with: {START.format('web')}",
        ),
        (failed("web", power="ACTIVE"), False, "Task FAILED_RESET. KPS.3025: No disk. The server is on."),
        (
            failed("web", power=None),
            False,
            f"Task FAILED_RESET. KPS.3025: No disk. WHETHER THE SERVER IS ON IS NOT KNOWN. Start it with: {START.format('web')}",
        ),
        (
            failed("web", state=BUSY, status="RUNNING_RESET", reason="Time is up."),
            False,
            "Task RUNNING_RESET. Time is up. THE SERVER IS OFF (SHUTOFF). KPS may still be at work on it (task task-web): run this again, "
            f"which joins its task; or when it is over: {START.format('web')}",
        ),
        (
            failed("web", state=BUSY, status=None, task_id=None, reason="Unknown."),
            False,
            "Unknown. THE SERVER IS OFF (SHUTOFF). KPS may still be at work on it: run this again, which joins its task; "
            f"or when it is over: {START.format('web')}",
        ),
        (record("web", state=REFUSED, reason="It is locked."), False, "It is locked. Nothing was done to it."),
        (record("web", state=PLANNED, power="ACTIVE"), False, "it was not dealt with. The server is on."),
    ],
)
def test_every_server_has_a_sentence(each: Record, ok: bool, msg: str) -> None:
    verdict = verdicts([each], check_mode=False)["web"]
    assert (verdict["ok"], verdict["msg"]) == (ok, f"web (id-web): {msg}")


def test_a_verdict_tells_whether_the_server_was_changed() -> None:
    records = [done("a"), done("b", changed=False, state=UNCHANGED), failed("c")]
    assert [each["changed"] for each in verdicts(records, check_mode=False).values()] == [True, False, True]


def test_in_check_mode_what_is_planned_is_well_and_would_be_changed() -> None:
    verdict = verdicts([record("web", operation="reset", power="ACTIVE", stop=True)], check_mode=True)["web"]
    assert (verdict["ok"], verdict["changed"]) == (True, True)
    assert not verdicts([record("web", state=REFUSED, reason="No.")], check_mode=True)["web"]["ok"]


def test_the_command_that_starts_a_server_names_its_place() -> None:
    assert start_command(record("web")) == START.format("web")
    placed = start_command(record("web", region="r1", project_id="p1"))
    assert placed.endswith("'server_id=id-web state=running hwc_region=r1 hwc_project_id=p1'")


def test_the_table_has_a_line_for_each_server_and_the_sums() -> None:
    records = [done("web1"), failed("web2"), record("web3", state=REFUSED, reason="It is locked.")]
    heading, *lines = table(records, check_mode=False)
    assert heading.split("  ")[0] == "SERVER"
    assert [line.split()[0] for line in lines[:3]] == ["web1", "web2", "web3"]
    assert lines[0].split() == ["web1", "reset", "reset", "ACTIVE", "accepted", "refused", "31", "task-web1", "-"]
    assert lines[1].endswith("Task FAILED_RESET. KPS.3025: No disk")
    assert lines[2].split(maxsplit=10)[-1] == "It is locked."
    assert lines[3:] == [
        "1 reset, 1 failed, 1 refused.",
        f"OFF: web2. Start it with: {START.format('web2')}",
    ]
    assert len({line.index(word) for line, word in zip(lines, ("reset", "reset"), strict=False)}) == 1


@pytest.mark.parametrize(
    ("operation", "word"), [("reset", "reset"), ("replace", "replaced"), ("bind", "bound"), ("unbind", "unbound")]
)
def test_what_was_done_is_told_in_the_past(operation: str, word: str) -> None:
    (row,) = rows([done("web", operation=operation)], check_mode=False)
    assert row["result"] == word
    (row,) = rows([record("web", operation=operation)], check_mode=True)
    assert (row["result"], row["new_key"], row["old_key"]) == (f"would be {word}", "would verify", "would verify")


def test_rows_are_for_machines() -> None:
    (row,) = rows([failed("web")], check_mode=False)
    assert row == {
        "server": "web",
        "server_id": "id-web",
        "method": "reset",
        "result": "failed",
        "power": "SHUTOFF",
        "new_key": "not proven",
        "old_key": "not proven",
        "task_id": "task-web",
        "status": "FAILED_RESET",
        "seconds": 31,
        "reason": "KPS.3025: No disk",
    }


def test_markdown_is_a_table_whatever_a_reason_holds() -> None:
    text = markdown([failed("web", reason="a | b")], check_mode=False)
    lines = text.splitlines()
    assert lines[0] == "# Key pair reset"
    assert lines[2].startswith("| SERVER | METHOD |")
    assert lines[3].count("---") == lines[2].count(" | ") + 1
    assert lines[4].endswith("| Task FAILED_RESET. a \\| b |")
    assert text.endswith("\n")


@pytest.mark.parametrize(
    ("records", "lines"),
    [
        ([], ["No servers.", "All servers that were touched are on."]),
        ([done("a"), done("b")], ["2 reset.", "All servers that were touched are on."]),
        # Refused ones were not touched, whatever their power.
        (
            [record("a", state=REFUSED, reason="No.", power="SHUTOFF")],
            ["1 refused.", "All servers that were touched are on."],
        ),
        # Off before, and to stay off.
        (
            [done("a", power="SHUTOFF", power_after="restore", was_running=False, touched=False)],
            ["1 reset.", "All servers that were touched are on."],
        ),
    ],
)
def test_a_summary_without_servers_that_are_off(records: list[Record], lines: list[str]) -> None:
    assert summary(records, check_mode=False) == lines


def test_a_summary_of_check_mode() -> None:
    assert summary([record("a", operation="reset", power="ACTIVE")], check_mode=True) == [
        "1 would be reset.",
        "Nothing was changed (check mode).",
    ]


def test_figures_for_workflows_are_flat() -> None:
    records = [
        done("a"),
        done("b", state=UNCHANGED, changed=False),
        failed("c"),
        record("d", state=REFUSED, reason="No."),
    ]
    assert stats(records) == {
        "keypair_reset_total": 4,
        "keypair_reset_succeeded": 2,
        "keypair_reset_changed": 2,
        "keypair_reset_failed": 2,
        "keypair_reset_off": 1,
        "keypair_reset_failed_hosts": "c,d",
    }


def test_a_journal_names_what_is_open_and_holds_no_secret() -> None:
    stopping = record("a", operation="reset", stop=True, power="ACTIVE", was_running=True, ssh={"args": "-i /k"})
    noted = journal([stopping, done("b"), record("c", state=REFUSED, reason="No.")])
    assert noted == [
        {
            "host": "a",
            "server_id": "id-a",
            "name": None,
            "region": "",
            "project_id": "",
            "keypair_name": "new",
            "was_running": True,
            "task_id": None,
        }
    ]
