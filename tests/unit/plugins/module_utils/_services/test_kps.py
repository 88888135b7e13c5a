# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""KPS: what its tasks mean, how its lists are paged, and what a response must hold."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    InvalidResponseError,
    NotFoundError,
    RejectedError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    FAILED,
    PENDING,
    SUCCESS,
    UNKNOWN,
    Reason,
    StatusPage,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import kps
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    KPS,
    PROJECT,
    FakeTransport,
    answer,
    client,
    error_response,
    html,
)

TASK = f"GET {KPS}/v3/{PROJECT}/tasks/t-1"
RUNNING_TASKS = f"GET {KPS}/v3/{PROJECT}/running-tasks"
FAILED_TASKS = f"GET {KPS}/v3/{PROJECT}/failed-tasks"


def rows(start: int, count: int, **fields: t.Any) -> list[dict[str, t.Any]]:
    """Return rows of a list of tasks."""
    return [{"task_id": f"t-{number}", "server_id": f"s-{number}", **fields} for number in range(start, start + count)]


@pytest.mark.parametrize("operation", ["reset", "replace", "bind", "unbind"])
@pytest.mark.parametrize(
    ("first", "state"),
    [
        ("READY", PENDING),
        ("RUNNING", PENDING),
        ("SUCCESS", SUCCESS),
        ("FAILED", FAILED),
    ],
)
def test_the_first_word_of_a_status_is_the_state_and_the_second_the_operation(
    first: str, state: str, operation: str
) -> None:
    status = f"{first}_{operation.upper()}"
    assert kps.classify(status) == (state, operation)
    assert status in kps.KpsBackend.statuses[state]


def test_an_operation_that_is_not_known_does_not_hide_the_state() -> None:
    assert kps.classify("SUCCESS_ROTATE") == (SUCCESS, "unknown")
    assert kps.classify("FAILED_RESET_AGAIN") == (FAILED, "unknown")


@pytest.mark.parametrize(
    "status",
    [
        *("SUCCESS", "FAILED", "RUNNING", "SUCCESS_", "_RESET", "success_reset", "Success_RESET", "SUCCESS_reset"),
        *(
            "SUCCESS-RESET",
            " SUCCESS_RESET",
            "SUCCESS_RESET ",
            "SUCCESS_RESET\n",
            "SUCCESSFUL_RESET",
            "UNSUCCESS_RESET",
        ),
        *("DONE_RESET", "SUCCESS_RESET2", "", None, 1, True, ["SUCCESS_RESET"]),
    ],
    ids=repr,
)
def test_any_other_status_is_unknown_and_never_a_success(status: t.Any) -> None:
    assert kps.classify(status) == (UNKNOWN, "unknown")


def test_a_task_has_the_fields_of_the_api_and_its_state() -> None:
    row = {"task_id": "t-1", "server_id": "s-1", "task_status": "RUNNING_RESET"}
    assert kps.normalize(row) == {**row, "state": "pending", "operation": "reset"}


@pytest.mark.parametrize("word", ["FAILED_RESET", "RUNNING_RESET", "SUCCESS_RESET"])
def test_the_list_decides_the_state_of_its_rows(word: str) -> None:
    row = {"task_id": "t-1", "operate_type": word, "task_time": "1523342130000"}
    meant = kps.normalize(row, listed_as=PENDING)
    assert (meant["state"], meant["operation"], meant["time"]) == ("pending", "reset", "2018-04-10T06:35:30Z")


def test_a_row_may_lack_its_status_and_its_time() -> None:
    meant = kps.normalize({"task_id": "t-1", "operate_type": "RUNNING"}, listed_as=FAILED)
    assert (meant["state"], meant["operation"], meant["time"]) == ("failed", "unknown", None)


def test_a_task_is_shown(cloud: FakeTransport) -> None:
    row = {"task_id": "t-1", "server_id": "s-1", "task_status": "READY_BIND"}
    cloud.expect(TASK, row)
    assert kps.show_task(client(cloud), "t-1") == row


@pytest.mark.parametrize(
    "response",
    [error_response(400, "KPS.0001", "TaskId illegal"), error_response(404, "KPS.0404", "no such task")],
    ids=["code", "404 of KPS"],
)
def test_an_unknown_task_returns_none(cloud: FakeTransport, response: t.Any) -> None:
    cloud.expect(TASK, response, times=2)
    assert kps.show_task(client(cloud), "t-1") is None
    with pytest.raises(NotFoundError):
        kps.KpsBackend(client(cloud)).read("t-1", 10.0)


@pytest.mark.parametrize(
    "response",
    [
        error_response(404, "APIGW.0101", "The API does not exist"),
        error_response(400, "KPS.0002", "Parameter error"),
        answer({"message": "no such page"}, 404),
        answer(None, 404),
        html(404),
    ],
    ids=["no such API", "bad request", "404 of something else", "bare 404", "HTML"],
)
def test_an_error_response_that_is_not_about_the_task_is_an_error(cloud: FakeTransport, response: t.Any) -> None:
    cloud.expect(TASK, response)
    with pytest.raises(RejectedError):
        kps.show_task(client(cloud), "t-1")


def test_the_status_of_another_task_is_an_error(cloud: FakeTransport) -> None:
    cloud.expect(TASK, {"task_id": "t-2", "task_status": "SUCCESS_RESET"}, times=2)
    with pytest.raises(InvalidResponseError, match="asked about t-1 and answered about something else"):
        kps.show_task(client(cloud), "t-1")
    with pytest.raises(InvalidResponseError, match="asked about t-1 and answered about something else"):
        kps.KpsBackend(client(cloud)).read("t-1", 10.0)


@pytest.mark.parametrize(
    ("status", "state", "word"),
    [
        ("SUCCESS_REPLACE", "success", "SUCCESS_REPLACE"),
        ("FAILED_RESET", "failed", "FAILED_RESET"),
        ("SUCCESS", "unknown", "SUCCESS"),
        ("SUCCESS_RESET\n", "unknown", "SUCCESS_RESET\n"),
    ],
)
def test_a_read_returns_the_status_of_a_task(cloud: FakeTransport, status: t.Any, state: str, word: str | None) -> None:
    cloud.expect(TASK, {"task_id": "t-1", "task_status": status})
    task = kps.KpsBackend(client(cloud)).read("t-1", 10.0)
    assert (task.task_id, task.state, task.status) == ("t-1", state, word)
    assert task.data == {"task_id": "t-1", "task_status": status}


@pytest.mark.parametrize("status", [None, 7, "", True, ["SUCCESS_RESET"], {"SUCCESS_RESET": 1}], ids=repr)
def test_a_status_that_is_not_a_text_is_an_error(cloud: FakeTransport, status: t.Any) -> None:
    cloud.expect(TASK, {"task_id": "t-1", "task_status": status}, times=2)
    with pytest.raises(InvalidResponseError, match="'task_status'"):
        kps.show_task(client(cloud), "t-1")
    with pytest.raises(InvalidResponseError, match="'task_status'"):
        kps.KpsBackend(client(cloud)).read("t-1", 10.0)


@pytest.mark.parametrize(
    "document",
    [
        {"error_code": "KPS.0001", "error_msg": "taskId illegal"},
        {"task_status": None, "error_code": "KPS.0001", "error_msg": "taskId illegal"},
        {"error": {"error_code": "KPS.0001", "error_msg": "taskId illegal"}},
    ],
    ids=repr,
)
def test_an_error_in_a_successful_response_does_not_mean_not_found(cloud: FakeTransport, document: t.Any) -> None:
    cloud.expect(TASK, document)
    with pytest.raises(InvalidResponseError, match="returned HTTP 200 KPS.0001: taskId illegal"):
        kps.show_task(client(cloud), "t-1")
    cloud.expect(f"DELETE {KPS}/v3/{PROJECT}/failed-tasks/t-1", {"error_code": "KPS.0005", "error_msg": "not found"})
    with pytest.raises(InvalidResponseError, match=r"KPS.0005: not found") as caught:
        kps.delete_failed_task(client(cloud), "t-1")
    assert caught.value.outcome_unknown


def test_a_read_of_a_wait_is_sent_once_and_ends_in_time(cloud: FakeTransport) -> None:
    cloud.expect(TASK, answer({}, 503), took=3.0)
    with pytest.raises(Exception, match="HTTP 503"):
        kps.KpsBackend(client(cloud)).read("t-1", 5.0)
    assert cloud.timeouts == [5.0]
    assert cloud.clock.sleeps == []


def page(number: int) -> str:
    return f"?limit=1000&offset={number}"


#: What a list holds, and the responses it is read in: (offset, rows, total).
PAGED: dict[str, list[tuple[int, int, t.Any]]] = {
    "nothing": [(0, 0, 0)],
    "one": [(0, 1, 1)],
    "a full page": [(0, 1000, 1000), (1000, 0, 1000)],
    "a full page and one": [(0, 1000, 1001), (1000, 1, 1001)],
    "short pages, as services may give": [(0, 400, 1000), (400, 400, 1000), (800, 200, 1000)],
    "no total, as older versions have": [(0, 3, None), (3, 0, None)],
    "a total that is not a number": [(0, 3, "3"), (3, 0, "3")],
    "a total that is too large": [(0, 3, 5), (3, 0, 5)],
}


@pytest.mark.parametrize("pages", list(PAGED.values()), ids=list(PAGED))
def test_a_list_is_read_to_its_end(cloud: FakeTransport, pages: list[tuple[int, int, t.Any]]) -> None:
    for offset, count, total in pages:
        document = {"tasks": rows(offset, count), "total": total}
        cloud.expect(RUNNING_TASKS + page(offset), document)
    found = kps.list_running(client(cloud))
    assert [row["task_id"] for row in found] == [f"t-{n}" for n in range(sum(count for _at, count, _all in pages))]


def test_a_page_that_repeats_ends_the_list(cloud: FakeTransport) -> None:
    for offset in (0, 1000):
        cloud.expect(FAILED_TASKS + page(offset), {"tasks": rows(0, 1000), "total": 5000})
    assert len(kps.list_failed(client(cloud))) == 1000


def test_rows_that_slide_to_the_next_page_are_counted_once(cloud: FakeTransport) -> None:
    cloud.expect(FAILED_TASKS + page(0), {"tasks": rows(0, 1000), "total": 1500})
    cloud.expect(FAILED_TASKS + page(1000), {"tasks": rows(990, 500), "total": 1500})
    assert [row["task_id"] for row in kps.list_failed(client(cloud))] == [f"t-{number}" for number in range(1490)]


def test_a_list_is_read_up_to_the_limit(cloud: FakeTransport) -> None:
    cloud.expect(f"{FAILED_TASKS}?limit=7&offset=0", {"tasks": rows(0, 7), "total": 5000})
    cloud.expect(f"{FAILED_TASKS}?limit=1&offset=7", {"tasks": rows(7, 1), "total": 5000})
    found = kps.read_list(client(cloud), kps.LIST_FAILED, most=7)
    assert (len(found.rows), found.as_result()) == (7, {"truncated": True, "next_marker": "7"})


@pytest.mark.parametrize("tasks", [{}, "none", 0, False, [1], [["a"]], [{"task_id": "t-1"}, None]], ids=repr)
def test_a_list_of_another_type_is_an_error(cloud: FakeTransport, tasks: t.Any) -> None:
    cloud.expect(RUNNING_TASKS + page(0), {"tasks": tasks, "total": 1}, times=2)
    with pytest.raises(InvalidResponseError, match="'tasks' that"):
        kps.list_running(client(cloud))
    with pytest.raises(InvalidResponseError, match="'tasks' that"):
        kps.KpsBackend(client(cloud)).page(None, 0.0, 10.0)


@pytest.mark.parametrize("document", [{"tasks": None}, {"total": 0}, {}], ids=repr)
def test_a_list_that_is_null_or_missing_is_empty(cloud: FakeTransport, document: t.Any) -> None:
    cloud.expect(RUNNING_TASKS + page(0), document, times=2)
    assert kps.list_running(client(cloud)) == []
    assert kps.KpsBackend(client(cloud)).page(None, 0.0, 10.0) == StatusPage((), None)


@pytest.mark.parametrize("document", [{"tasks": None}, {"total": 0}, {}], ids=repr)
def test_a_strict_list_that_is_null_or_missing_is_an_error(cloud: FakeTransport, document: t.Any) -> None:
    cloud.expect(FAILED_TASKS + page(0), document, times=2)
    assert kps.list_failed(client(cloud)) == []
    with pytest.raises(InvalidResponseError, match="'tasks'"):
        kps.list_failed(client(cloud), strict=True)


def test_a_page_size_that_is_rejected_is_left_to_the_service(cloud: FakeTransport) -> None:
    refused = error_response(400, "KPS.0002", "limit is out of range")
    for source in (kps.list_running, kps.list_failed):
        listed = RUNNING_TASKS if source is kps.list_running else FAILED_TASKS
        cloud.expect(listed + page(0), refused)
        cloud.expect(listed + "?offset=0", {"tasks": rows(0, 100), "total": 150})
        cloud.expect(listed + "?offset=100", {"tasks": rows(100, 50), "total": 150})
        assert len(source(client(cloud))) == 150


def test_a_wait_requests_a_rejected_page_size_only_once(cloud: FakeTransport) -> None:
    cloud.expect(RUNNING_TASKS + page(0), error_response(400, "KPS.0002", "limit is out of range"))
    cloud.expect(RUNNING_TASKS + "?offset=0", {"tasks": rows(0, 100)})
    cloud.expect(RUNNING_TASKS + "?offset=100", {"tasks": []})
    source = kps.KpsBackend(client(cloud))
    first = source.page(None, 0.0, 10.0)
    assert (len(first.tasks), first.next) == (100, 100)
    assert source.page(first.next, 0.0, 10.0) == StatusPage((), None)
    # The second request had what the first left of the time.
    assert cloud.timeouts[:2] == [10.0, pytest.approx(9.9)]


def test_a_row_without_an_id_says_nothing_about_a_task(cloud: FakeTransport) -> None:
    listed = [{"task_id": "t-1"}, {"task_id": None}, {"task_id": 7}, {}, {"task_id": ["t-2"]}]
    cloud.expect(RUNNING_TASKS + page(0), {"tasks": listed, "total": 5})
    page_ = kps.KpsBackend(client(cloud)).page(None, 0.0, 10.0)
    assert [task.task_id for task in page_.tasks] == ["t-1"]


@pytest.mark.parametrize("code", [7, ["KPS.1"], {"code": "KPS.1"}], ids=repr)
def test_a_code_of_another_type_is_returned_as_text(code: t.Any) -> None:
    reason = kps.reason_of({"task_error_code": code, "task_error_msg": "Bad."})
    assert reason is not None
    assert str(reason) == f"{json.dumps(code)}: Bad."
    assert kps.reason_of({"task_error_code": False, "task_error_msg": []}) is None


def test_the_tasks_of_a_page_are_pending(cloud: FakeTransport) -> None:
    cloud.expect(RUNNING_TASKS + page(0), {"tasks": rows(0, 1000, operate_type="FAILED_RESET"), "total": 1001})
    cloud.expect(RUNNING_TASKS + page(1000), {"tasks": rows(1000, 1), "total": 1001})
    source = kps.KpsBackend(client(cloud))
    first = source.page(None, 0.0, 10.0)
    second = source.page(first.next, 0.0, 10.0)
    assert (len(first.tasks), first.next, len(second.tasks), second.next) == (1000, 1000, 1, None)
    assert {(task.state, task.status) for task in first.tasks} == {("pending", None)}


def test_the_reasons_of_failures_are_in_the_list_of_failed_tasks(cloud: FakeTransport) -> None:
    failures = [
        {"task_id": "t-1", "task_error_code": "KPS.3054", "task_error_msg": "Update public key error"},
        {"task_id": "t-2", "task_error_code": None, "task_error_msg": "Timed out"},
        {"task_id": "t-3", "task_error_code": None, "task_error_msg": None},
    ]
    cloud.expect(FAILED_TASKS + page(0), {"tasks": failures, "total": 3})
    found = kps.KpsBackend(client(cloud)).reasons(None, 10.0)
    assert [(task.task_id, task.state, task.reason) for task in found.tasks] == [
        ("t-1", "failed", Reason("KPS.3054", "Update public key error")),
        ("t-2", "failed", Reason(None, "Timed out")),
        ("t-3", "failed", None),
    ]
    assert found.next is None


def test_the_attributes_of_the_backend() -> None:
    assert (kps.KpsBackend.has_list, kps.KpsBackend.has_reasons) == (True, True)
    assert kps.KpsBackend.listed_statuses == ("RUNNING_RESET", "RUNNING_REPLACE", "RUNNING_BIND", "RUNNING_UNBIND")


def test_the_record_of_a_failed_task_is_deleted_or_was_not_there(cloud: FakeTransport) -> None:
    request = f"DELETE {KPS}/v3/{PROJECT}/failed-tasks/t-1"
    cloud.expect(request, answer(None))
    assert kps.delete_failed_task(client(cloud), "t-1") is True
    cloud.expect(request, error_response(400, "KPS.0005", "Failed task not found"))
    assert kps.delete_failed_task(client(cloud), "t-1") is False
