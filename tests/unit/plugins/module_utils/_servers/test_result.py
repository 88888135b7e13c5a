# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of a fleet, and the sentence about all of them."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import Reason
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.result import ServerResult, report


def row(number: int, state: str, **fields: t.Any) -> ServerResult:
    return ServerResult(f"s-{number}", f"web-{number}", state=state, **fields)


def test_a_row_is_plain_values() -> None:
    done = ServerResult("s-1", "web-1", True, "failed", "FAILED_RESET", Reason("KPS.1", "no"), "why", {"task_id": "t"})
    assert done.result() == {
        "server_id": "s-1",
        "name": "web-1",
        "changed": True,
        "state": "failed",
        "status": "FAILED_RESET",
        "reason": {"code": "KPS.1", "message": "no"},
        "msg": "why",
        "task_id": "t",
    }
    assert ServerResult("s-1").result()["reason"] is None


def test_a_row_without_a_status_keeps_status_and_reason() -> None:
    ended = ServerResult("s-1", status="ACTIVE", reason=Reason("a", "b"))
    ended.ended("failed", None, None)
    assert (ended.state, ended.status, ended.reason) == ("failed", "ACTIVE", Reason("a", "b"))
    ended.ended("success", "SHUTOFF", {"code": None, "message": "c"})
    assert (ended.state, ended.status, ended.reason) == ("success", "SHUTOFF", Reason(None, "c"))


@pytest.mark.parametrize(
    ("described", "text"),
    [
        (ServerResult("s-1", msg="It is locked."), "s-1: It is locked"),
        (ServerResult("s-1", "web", state="failed"), "web (s-1): failed"),
        (row(1, "failed", status="FAILED_RESET"), "web-1 (s-1): FAILED_RESET"),
        (
            row(1, "failed", status="FAILED_RESET", reason=Reason("KPS.1", "no")),
            "web-1 (s-1): FAILED_RESET, KPS.1: no",
        ),
        (row(1, "failed", reason=Reason(None, "no")), "web-1 (s-1): no"),
    ],
)
def test_a_row_names_its_server_and_the_problem(described: ServerResult, text: str) -> None:
    assert described.describe() == text


def test_a_run_without_a_problem_says_what_was_done() -> None:
    rows = [row(1, "success", changed=True), row(2, "success"), row(3, "success", changed=True)]
    assert report(rows, waited=True, done="stopped") == (False, "2 of 3 servers were stopped.")
    assert report(rows[:2], waited=True, done="stopped") == (False, "1 of 2 servers was stopped.")
    assert report(rows[1:2], waited=True, done="stopped") == (False, "Nothing to do for 1 server.")
    assert report([], waited=True, done="stopped") == (False, "Nothing to do for 0 servers.")


def test_a_pending_task_has_failed_only_when_it_was_waited_for() -> None:
    rows = [row(1, "pending", changed=True)]
    be = ("is being", "are being")
    assert report(rows, waited=False, done="stopped", be=be) == (False, "1 of 1 server is being stopped.")
    assert report(rows, waited=True, done="stopped") == (True, "1 of 1 server failed: web-1 (s-1): pending.")


@pytest.mark.parametrize("state", ["failed", "error", "unknown", "missing"])
@pytest.mark.parametrize("waited", [True, False])
def test_a_run_with_a_problem_names_the_server(state: str, waited: bool) -> None:
    rows = [row(1, "success", changed=True), row(2, state, msg="It is locked.")]
    failed, msg = report(rows, waited=waited, done="stopped", prefix="Nothing was sent:")
    assert failed
    assert msg == "Nothing was sent: 1 of 2 servers failed: web-2 (s-2): It is locked. 1 without a problem."


def test_a_message_names_a_few_servers_and_counts_the_others() -> None:
    _failed, msg = report([row(number, "failed") for number in range(8)], waited=True, done="")
    assert "web-4 (s-4)" in msg
    assert "web-5" not in msg
    assert "; and 3 more." in msg
