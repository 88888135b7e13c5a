# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about one task, and how it is put away and taken up again."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    NotFoundError,
    RejectedError,
    UnavailableError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import Reason, TaskStatus
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import Memory, Scan
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import (
    HISTORY,
    Record,
    in_short,
    with_declared_types,
)


def test_a_history_is_run_length_coded() -> None:
    record = Record("a")
    for moment, word in enumerate(["R", "R", "Q", "R", "S"]):
        record.see(TaskStatus("a", "pending", word), "pending", float(moment), moment, 1)
    assert record.result(9.0)["history"] == [
        {"status": "R", "first": 0.0, "last": 1.0, "polls": 2},
        {"status": "Q", "first": 2.0, "last": 2.0, "polls": 1},
        {"status": "R", "first": 3.0, "last": 3.0, "polls": 1},
        {"status": "S", "first": 4.0, "last": 4.0, "polls": 1},
    ]
    assert record.result(9.0)["elapsed"] == 9.0


def test_a_history_keeps_its_last_entries() -> None:
    record = Record("a")
    for moment in range(200):
        record.see(TaskStatus("a", "pending", f"R{moment}"), "pending", float(moment), moment, 1)
    assert len(record.history) == HISTORY
    assert record.history[-1].status == "R199"
    assert record.polls == 200


def test_what_was_said_goes_with_the_word_that_said_it() -> None:
    record = Record("a")
    failed = TaskStatus("a", "failed", "BAD", Reason("1", "why"), progress=40.0, eta=3.0, data={"x": 1})
    record.see(failed, "failed", 1.0, 1, 2)
    assert (record.state, record.reason, record.progress, record.eta) == ("pending", Reason("1", "why"), 40.0, 3.0)
    assert record.result(1.0)["reason"] is None
    record.see(TaskStatus("a", "success", "FINE"), "success", 2.0, 2, 1)
    assert (record.state, record.reason, record.progress, record.eta, record.data) == ("success", None, None, None, {})


def test_a_denial_between_two_successes_lets_the_count_begin_again() -> None:
    record = Record("a")
    success = TaskStatus("a", "success", "FINE")
    record.see(success, "success", 1.0, 1, 2)
    record.deny(NotFoundError("No task a.", http_status=404), 2.0, 30.0)
    record.see(success, "success", 3.0, 3, 2)
    assert (record.state, record.repeats) == ("pending", 1)
    record.see(success, "success", 4.0, 4, 2)
    assert (record.state, record.ended) == ("success", 4.0)


def test_a_record_survives_json() -> None:
    record = Record("a")
    record.see(TaskStatus("a", "failed", "BAD", Reason("1", None), data={"x": [1, None]}), "failed", 1.25, 1, 1)
    assert Record.load(json.loads(json.dumps(record.dump(with_data=True)))) == record
    assert "data" not in record.dump(with_data=False)
    assert record.dump(with_data=False)["reason"] == ["1", None]
    denied = Record("b")
    denied.deny(NotFoundError("No task b.", http_status=404, code="X.1"), 3.0, 30.0)
    assert Record.load(json.loads(json.dumps(denied.dump(with_data=False)))) == denied
    assert Record("c").dump(with_data=True) == {"id": "c", "history": []}


def test_a_memory_survives_json() -> None:
    memory = Memory.new(["b", "a", "b"], 10.0, "kps", {"region": "cn-north-4"})
    memory.records["a"].see(TaskStatus("a", "pending", "R", data={"x": 1}), "pending", 1.0, 1, 1)
    memory.limiter.throttled(1.0, 0.5, 5.0, 0.5)
    memory.round.queue, memory.counters.calls, memory.strange = ["b"], 7, [None]
    memory.round.scan, memory.round.retries = Scan(2, cursor=["since", None]), {"b": 1}
    memory.listing.failures, memory.health.trouble = 2, "HTTP 503."
    memory.read_latency.answered(0.5)
    memory.warn("careful")
    memory.warn("careful")
    again = Memory.load(json.loads(json.dumps(memory.dump())))
    assert again == memory
    assert list(again.records) == ["b", "a"]
    assert again.warnings == ["careful"]


def test_an_error_in_short() -> None:
    error = RejectedError("It was refused.", http_status=400, code="X.1", text="no good.")
    assert in_short(error) == "400 X.1: no good"
    assert in_short(RejectedError("It was refused.")) == "It was refused"


def test_fields_of_a_wrong_type_are_made_fit_or_left_out() -> None:
    wild: t.Any = TaskStatus(7, "failed", 3, Reason(5, ["why"]), "half", float("nan"), ["no", "object"])  # type: ignore[arg-type]
    assert with_declared_types(wild) == TaskStatus("7", "failed", "3", Reason("5", "['why']"))
    huge: t.Any = TaskStatus("a", "pending", "R", progress=10**400, eta=True)
    assert with_declared_types(huge) == TaskStatus("a", "pending", "R")
    fine = TaskStatus("a", "failed", "BAD", Reason("1", None), 40.0, 3.0, {"x": 1})
    assert with_declared_types(fine) == fine


def test_polls_without_an_answer_say_nothing_about_a_task_until_the_next_answer() -> None:
    record = Record("a")
    record.see(TaskStatus("a", "pending", "R"), "pending", 1.0, 1, 1)
    record.fail(UnavailableError("It failed.", http_status=503, text="busy"))
    record.fail(UnavailableError("It failed.", http_status=503, text="busy"))
    assert (record.state, record.status, record.polls, record.failures, record.trouble) == (
        "pending",
        "R",
        1,
        2,
        "503: busy",
    )
    record.deny(NotFoundError("No task."), 2.0, 30.0)
    assert (record.failures, record.trouble) == (0, None)
    record.fail(UnavailableError("It failed."))
    record.refuse(RejectedError("No."), 3.0)
    assert (record.failures, record.trouble) == (0, None)
