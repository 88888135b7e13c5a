# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what people, workflows and the next run are told."""

from __future__ import annotations

import json
import re
import shlex
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import printable
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
    servers_off,
    start_command,
    stats,
    summary,
    table,
    verdicts,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._keypair_reset.samples import record

START = "ansible localhost -m multicloud.async_tasks.hwc_ecs_server_power -a 'server_id=id-{} state=running'"


def done(host: str, **more: t.Any) -> Record:
    """Return a server whose reset has succeeded, with both keys verified."""
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
    """Return a server whose reset has failed, and that is off."""
    fields = {
        "state": "failed",
        "power": "SHUTOFF",
        "status": "FAILED_RESET",
        "reason": "KPS.3025: No disk",
        "new_key": "not verified",
        "old_key": "not verified",
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
            "adopt task t1 (reset), start, verify",
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
            "Task RUNNING_RESET. Time is up. THE SERVER IS OFF (SHUTOFF). KPS may still work on it (task task-web). Run this again, "
            f"which adopts the task, or start the server when the task has ended: {START.format('web')}",
        ),
        (
            failed("web", state=BUSY, status=None, task_id=None, reason="Unknown."),
            False,
            "Unknown. THE SERVER IS OFF (SHUTOFF). KPS may still work on it. Run this again, which adopts the task, "
            f"or start the server when the task has ended: {START.format('web')}",
        ),
        (record("web", state=REFUSED, reason="It is locked."), False, "It is locked. Nothing was done to it."),
        (
            record("web", state=REFUSED, reason="It is locked.", power="SHUTOFF", was_running=True, left_off=True),
            False,
            f"It is locked. Nothing was done to it. THE SERVER IS OFF (SHUTOFF). Start it with: {START.format('web')}",
        ),
        (
            record("web", state=REFUSED, reason="It is busy.", power="ACTIVE", stopping=True),
            False,
            "It is busy. Nothing was done to it. It was being stopped when the role began. Check it later, and start it with: "
            f"{START.format('web')}",
        ),
        (
            failed("web", power_after="restore", was_running=False),
            False,
            "Task FAILED_RESET. KPS.3025: No disk. The server is off, as it was before.",
        ),
        (record("web", state=PLANNED, power="ACTIVE"), False, "it was not processed. The server is on."),
    ],
)
def test_every_server_has_a_sentence(each: Record, ok: bool, msg: str) -> None:
    verdict = verdicts([each], check_mode=False)["web"]
    assert (verdict["as_wanted"], verdict["msg"]) == (ok, f"web (id-web): {msg}")


def test_the_result_of_a_host_tells_whether_its_server_was_changed() -> None:
    records = [done("a"), done("b", changed=False, state=UNCHANGED), failed("c")]
    assert [each["changed"] for each in verdicts(records, check_mode=False).values()] == [True, False, True]


def test_in_check_mode_what_is_planned_is_well_and_would_be_changed() -> None:
    verdict = verdicts([record("web", operation="reset", power="ACTIVE", stop=True)], check_mode=True)["web"]
    assert (verdict["as_wanted"], verdict["changed"]) == (True, True)
    assert not verdicts([record("web", state=REFUSED, reason="No.")], check_mode=True)["web"]["as_wanted"]


def test_the_command_that_starts_a_server_names_its_place() -> None:
    assert start_command(record("web")) == START.format("web")
    placed = start_command(record("web", region="r1", project_id="p1"))
    assert placed.endswith("'server_id=id-web state=running hwc_region=r1 hwc_project_id=p1'")


@pytest.mark.parametrize(
    "more",
    [
        {"region": "a b"},
        {"region": "it's; rm -rf $HOME `id`"},
        {"region": 'a "quoted" word', "project_id": "p\\1"},
        {"project_id": "a=b c='d'"},
    ],
)
def test_the_command_that_starts_a_server_is_one_command_whatever_is_in_it(more: dict[str, str]) -> None:
    words = shlex.split(start_command(record("web", **more)))
    assert words[:-1] == [
        *("ansible", "localhost", "-m", "multicloud.async_tasks.hwc_ecs_server_power", "-a"),
    ]
    options = json.loads(words[-1])
    assert {name.removeprefix("hwc_"): value for name, value in options.items()} == {
        "server_id": "id-web",
        "state": "running",
        **more,
    }


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
        "To try again, correct the reasons and repeat this run with --limit web2,web3.",
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
        "why": None,
        "result": "failed",
        "power": "SHUTOFF",
        "new_key": "not verified",
        "old_key": "not verified",
        "task_id": "task-web",
        "status": "FAILED_RESET",
        "seconds": 31,
        "reason": "KPS.3025: No disk",
    }


def test_the_method_is_told_with_its_reason() -> None:
    bound = done("web", operation="bind", why="no key pair to reset")
    assert "  bind (no key pair to reset)  " in table([bound], check_mode=False)[1]
    (row,) = rows([bound], check_mode=False)
    assert (row["method"], row["why"]) == ("bind", "no key pair to reset")
    assert table([done("web", why="the method is reset")], check_mode=False)[1].split()[:3] == ["web", "reset", "reset"]


def cells_of(line: str) -> list[str]:
    """Return the cells of a line of a table, as a reader of Markdown parts them."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@pytest.mark.parametrize(
    "text",
    [
        "a | b",
        "one\ntwo\r\nthree",
        "\x1b[31mred\x1b[0m and \x00 and \u202eright to left",
        "<script>alert(1)</script> <img src=x> &lt;",
        "[link](http://example.com) ![image](x) https://example.com www.example.com a@example.com",
        "**bold** _italic_ ~~gone~~ `code` $x$ # heading",
        "a \\| b \\",
    ],
)
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    lines = markdown([failed("web", reason=text), done("b|c")], check_mode=False).splitlines()
    assert lines[0] == "# Key pair reset"
    heading, ruler, first, second = lines[2:6]
    assert cells_of(heading)[:2] == ["SERVER", "METHOD"]
    assert set(cells_of(ruler)) == {"---"}
    assert len(cells_of(first)) == len(cells_of(second)) == len(cells_of(heading)) == len(cells_of(ruler))
    shown = re.sub(r"\\(_|[^\w\s])", r"\1", cells_of(first)[-1])
    assert shown == f"Task FAILED_RESET. {printable(text)}".rstrip()
    # Every character that could be markup is escaped.
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>`*_\[\]|~$@&]", cells_of(first)[-1].replace("Task FAILED\\_RESET", ""))
    assert not re.search(r"://|www\.", cells_of(first)[-1])
    assert cells_of(second)[0] == "b\\|c"


def test_the_command_in_markdown_can_be_copied() -> None:
    text = markdown([failed("web_1", region="a `b` c")], check_mode=False)
    (line,) = [line for line in text.splitlines() if line.startswith("* OFF: web\\_1\\. ") or "OFF: web" in line]
    fence, command = re.fullmatch(r"\* OFF: web\\_1\. Start it with: (`+)(.*)\1", line).groups()  # type: ignore[union-attr]
    assert command == start_command(record("web_1", region="a `b` c"))
    assert fence not in command


@pytest.mark.parametrize(
    ("records", "lines"),
    [
        ([], ["No servers.", "No server was touched."]),
        ([done("a"), done("b")], ["2 reset.", "All servers that were touched are on."]),
        # A server that the role did not stop is not started.
        (
            [record("a", state=REFUSED, reason="No.", power="SHUTOFF", was_running=False)],
            ["1 refused.", "No server was touched."],
        ),
        ([done("a", state=UNCHANGED, touched=False)], ["1 unchanged.", "No server was touched."]),
        # Off before, and to stay off.
        (
            [done("a", power="SHUTOFF", power_after="restore", was_running=False), done("b")],
            ["2 reset.", "All servers that were touched are on, but for those that were off before: a."],
        ),
        (
            [done("a"), record("b", state=REFUSED, reason="No.", power="SHUTOFF", was_running=True, left_off=True)],
            ["1 reset, 1 refused.", f"OFF: b. Start it with: {START.format('b')}"],
        ),
        (
            [done("a"), record("b", state=REFUSED, reason="No.", power=None, was_running=True, left_off=True)],
            ["1 reset, 1 refused.", f"PERHAPS OFF: b. Start it with: {START.format('b')}"],
        ),
        (
            [done("a"), record("b", state=REFUSED, reason="No.", power="ACTIVE", stopping=True)],
            [
                "1 reset, 1 refused.",
                "STOPPING: b. It was being stopped when the role began. Check it later, and start it with: "
                f"{START.format('b')}",
            ],
        ),
    ],
)
def test_a_summary_says_what_is_off_and_that_all_is_on_only_where_it_is(
    records: list[Record], lines: list[str]
) -> None:
    assert [line for line in summary(records, check_mode=False) if not line.startswith("To try again, ")] == lines


@pytest.mark.parametrize(
    ("records", "how"),
    [
        ([done("a"), done("b", state=UNCHANGED)], None),
        (
            [done("a"), failed("web-1.example.org")],
            "correct the reason and repeat this run with --limit web-1.example.org.",
        ),
        (
            [failed("a"), done("b"), record("c", state=REFUSED, reason="No.")],
            "correct the reasons and repeat this run with --limit a,c.",
        ),
        # Ansible reads these as patterns.
        *(
            (
                [failed(host)],
                "correct the reason and repeat this run with the same variables. It leaves the servers that are done as they are.",
            )
            for host in ("!a", "~a", "&a", "@a", "2001:db8::1", "a b", "a[1]", "a,b", "a*")
        ),
        (
            [failed(f"web{number}") for number in range(21)],
            "correct the reasons and repeat this run with the same variables. It leaves the servers that are done as they are.",
        ),
    ],
)
def test_a_summary_says_how_to_repeat_the_run_for_the_servers_with_a_problem(
    records: list[Record], how: str | None
) -> None:
    lines = summary(records, check_mode=False)
    assert [line for line in lines if line.startswith("To try again")] == ([f"To try again, {how}"] if how else [])
    # In check mode nothing is repeated: the run itself is next.
    assert not [line for line in summary(records, check_mode=True) if line.startswith("To try again")]


def test_notes_about_the_run_end_the_report() -> None:
    notes = ["THE REPORT COULD NOT BE WRITTEN to /r: No space\nleft."]
    assert table([done("a")], check_mode=False, notes=notes)[-1] == (
        "THE REPORT COULD NOT BE WRITTEN to /r: No space\\nleft."
    )
    assert plan([], notes=["A journal cannot be read."]) == ["A journal cannot be read."]


def test_a_summary_of_check_mode() -> None:
    assert summary([record("a", operation="reset", power="ACTIVE")], check_mode=True) == [
        "1 would be reset.",
        "Nothing was changed (check mode).",
    ]


def fleet() -> list[Record]:
    """Return one server of each kind."""
    return [
        done("a"),
        done("b", state=UNCHANGED, changed=False),
        failed("c"),
        record("d", state=REFUSED, reason="No."),
    ]


def test_figures_for_workflows_are_flat() -> None:
    assert stats(fleet(), check_mode=False) == {
        "keypair_reset_check_mode": False,
        "keypair_reset_total": 4,
        "keypair_reset_planned": 0,
        "keypair_reset_succeeded": 2,
        "keypair_reset_changed": 2,
        "keypair_reset_refused": 1,
        "keypair_reset_failed": 2,
        "keypair_reset_off": 1,
        "keypair_reset_failed_hosts": "c,d",
    }


def test_the_figures_of_check_mode_are_those_of_the_plan() -> None:
    planned = record("a", operation="reset", stop=True, power="ACTIVE", changed=True)
    off = record("b", operation="reset", power="SHUTOFF", changed=True)
    refused = record("c", state=REFUSED, reason="No.")
    unchanged = record("d", state=UNCHANGED, power="ACTIVE")
    assert stats([planned, off, refused, unchanged], check_mode=True) == {
        "keypair_reset_check_mode": True,
        "keypair_reset_total": 4,
        "keypair_reset_planned": 2,
        "keypair_reset_succeeded": 1,
        "keypair_reset_changed": 0,
        "keypair_reset_refused": 1,
        "keypair_reset_failed": 1,
        "keypair_reset_off": 0,
        "keypair_reset_failed_hosts": "c",
    }


def test_slices_of_a_job_do_not_hide_the_figures_of_each_other() -> None:
    merged: dict[str, t.Any] = {}
    for job, records in (("71", [failed("a")]), ("72", [done("b")])):
        # How AWX puts together what the jobs of a workflow hand over.
        merged.update(stats(records, check_mode=False, awx_job=job, sliced=True))
    assert {name: (value["failed"], value["failed_hosts"]) for name, value in merged.items()} == {
        "keypair_reset_job_71": (1, "a"),
        "keypair_reset_job_72": (0, ""),
    }


def test_the_servers_that_are_off_while_kps_works_are_named() -> None:
    waiting = {"task_id": "t1", "power": "SHUTOFF"}
    stays_off = record("d", **waiting, power_after="restore", was_running=False)
    runs = record("e", task_id="t1", power="ACTIVE")
    records = [record("a", **waiting), record("b", **waiting), record("c", power="SHUTOFF"), stays_off, runs]
    first, second = servers_off(records)
    assert first == "2 servers are off until KPS has ended: a, b."
    assert "run it again with the same variables" in second
    assert servers_off([runs]) == []
    assert servers_off(records[:1])[0].startswith("1 server is off until KPS has ended")


def test_a_job_that_is_not_a_slice_hands_over_both() -> None:
    found = stats(fleet(), check_mode=False, awx_job="71")
    assert found["keypair_reset_job_71"]["failed"] == found["keypair_reset_failed"] == 2


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
