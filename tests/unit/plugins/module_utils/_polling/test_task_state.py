# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of one task, and how it is saved and restored."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    NotFoundError,
    RejectedError,
    UnavailableError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import Reason, TaskStatus
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import (
    MAX_SPANS,
    TaskState,
    dump,
    in_short,
    load,
    with_declared_types,
)


def test_a_history_is_run_length_coded() -> None:
    task = TaskState("a")
    for moment, status in enumerate(["R", "R", "Q", "R", "S"]):
        task.record_status(TaskStatus("a", "pending", status), "pending", float(moment), moment, 1)
    assert task.as_result(9.0)["history"] == [
        {"status": "R", "first": 0.0, "last": 1.0, "polls": 2},
        {"status": "Q", "first": 2.0, "last": 2.0, "polls": 1},
        {"status": "R", "first": 3.0, "last": 3.0, "polls": 1},
        {"status": "S", "first": 4.0, "last": 4.0, "polls": 1},
    ]
    assert task.as_result(9.0)["elapsed"] == 9.0


def test_a_history_keeps_its_last_entries() -> None:
    task = TaskState("a")
    for moment in range(200):
        task.record_status(TaskStatus("a", "pending", f"R{moment}"), "pending", float(moment), moment, 1)
    assert len(task.history) == MAX_SPANS
    assert task.history[-1].status == "R199"
    assert task.polls == 200


def test_reason_progress_and_data_go_with_their_status() -> None:
    task = TaskState("a")
    failed = TaskStatus("a", "failed", "BAD", Reason("1", "why"), progress=40.0, eta=3.0, data={"x": 1})
    task.record_status(failed, "failed", 1.0, 1, 2)
    assert (task.state, task.reason, task.progress, task.eta) == ("pending", Reason("1", "why"), 40.0, 3.0)
    assert task.as_result(1.0)["reason"] is None
    task.record_status(TaskStatus("a", "success", "FINE"), "success", 2.0, 2, 1)
    assert (task.state, task.reason, task.progress, task.eta, task.data) == ("success", None, None, None, {})


def test_not_found_between_two_successes_restarts_the_confirmation() -> None:
    task = TaskState("a")
    success = TaskStatus("a", "success", "FINE")
    task.record_status(success, "success", 1.0, 1, 2)
    task.record_not_found(NotFoundError("No task a.", http_status=404), 2.0, 30.0)
    task.record_status(success, "success", 3.0, 3, 2)
    assert (task.state, task.repeats) == ("pending", 1)
    task.record_status(success, "success", 4.0, 4, 2)
    assert (task.state, task.ended_at) == ("success", 4.0)


def test_a_task_survives_json_without_the_fields_that_have_their_default() -> None:
    task = TaskState("a")
    task.record_status(TaskStatus("a", "failed", "BAD", Reason("1", None), data={"x": [1, None]}), "failed", 1.25, 1, 1)
    dumped = dump(task)
    assert load(TaskState, json.loads(json.dumps(dumped))) == task
    assert (dumped["reason"], dumped["history"]) == (["1", None], [["BAD", 1.25, 1.25, 1]])
    not_found = TaskState("b")
    not_found.record_not_found(NotFoundError("No task b.", http_status=404, code="X.1"), 3.0, 30.0)
    assert load(TaskState, json.loads(json.dumps(dump(not_found)))) == not_found
    assert dump(TaskState("c")) == {"id": "c"}


def test_an_error_is_shortened_for_messages() -> None:
    error = RejectedError("It was refused.", http_status=400, code="X.1", text="no good.")
    assert in_short(error) == "400 X.1: no good"
    assert in_short(RejectedError("It was refused.")) == "It was refused"


def test_fields_of_a_wrong_type_are_converted_or_left_out() -> None:
    wild: t.Any = TaskStatus(7, "failed", 3, Reason(5, ["why"]), "half", float("nan"), ["no", "object"])  # type: ignore[arg-type]
    assert with_declared_types(wild) == TaskStatus("7", "failed", "3", Reason("5", "['why']"))
    huge: t.Any = TaskStatus("a", "pending", "R", progress=10**400, eta=True)
    assert with_declared_types(huge) == TaskStatus("a", "pending", "R")
    fine = TaskStatus("a", "failed", "BAD", Reason("1", None), 40.0, 3.0, {"x": 1})
    assert with_declared_types(fine) == fine


def test_polls_without_a_response_say_nothing_about_a_task_until_the_next_response() -> None:
    task = TaskState("a")
    task.record_status(TaskStatus("a", "pending", "R"), "pending", 1.0, 1, 1)
    task.record_failure(UnavailableError("It failed.", http_status=503, text="busy"))
    task.record_failure(UnavailableError("It failed.", http_status=503, text="busy"))
    assert (task.state, task.status, task.polls, task.failures, task.last_error) == (
        "pending",
        "R",
        1,
        2,
        "503: busy",
    )
    task.record_not_found(NotFoundError("No task."), 2.0, 30.0)
    assert (task.failures, task.last_error) == (0, None)
    task.record_failure(UnavailableError("It failed."))
    task.record_rejection(RejectedError("No."), 3.0)
    assert (task.failures, task.last_error) == (0, None)
