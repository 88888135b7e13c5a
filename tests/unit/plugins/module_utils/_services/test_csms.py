# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSMS: the states of its tasks, what its list is asked, and what an unknown id is."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import Reason
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import csms
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    KPS,
    PROJECT,
    FakeTransport,
    client,
    error_response,
)

# CSMS shares the host of KPS.
TASKS = f"GET {KPS}/v1/{PROJECT}/csms/tasks"
#: With the fields of the vendor's page on ListSecretTask (support.huaweicloud.com, 2026-06-09).
ROW: dict[str, t.Any] = {
    "task_id": "9b1c1a4e-6ac5-4c2c-8a3f-5d1f3b1c9f0a",
    "secret_name": "demo",
    "rotation_func_urn": "urn:fss:region:46b6f338fc3445b8846c71dfb1fbxxxx:function:default:test2-0:latest",
    "task_status": "SUCCESS",
    "operate_type": "MULTI_USER",
    "task_time": 1523342130000,
    "attempt_nums": 1,
}


def row(number: int, status: t.Any = "SUCCESS", **fields: t.Any) -> dict[str, t.Any]:
    return {"task_id": f"t-{number}", "task_status": status, "task_time": 1767323045000, **fields}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("SUCCESS", "success"),
        ("FAILED", "failed"),
        ("RUNNING", "unknown"),
        ("success", "unknown"),
        ("SUCCESS_", "unknown"),
        ("SUCC", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        (1, "unknown"),
        (["SUCCESS"], "unknown"),
    ],
)
def test_only_two_statuses_are_known(status: t.Any, state: str) -> None:
    assert csms.classify(status) == state


def test_a_task_keeps_its_fields_and_gets_a_state() -> None:
    assert csms.normalize(ROW) == {**ROW, "state": "success", "time": "2018-04-10T06:35:30Z"}


def test_an_id_is_sent_alone(cloud: FakeTransport) -> None:
    cloud.expect(f"{TASKS}?task_id={ROW['task_id']}", {"total": 1, "tasks": [ROW]})
    assert csms.show_task(client(cloud), ROW["task_id"]) == ROW


@pytest.mark.parametrize(
    "document",
    [
        {"tasks": None},
        {},
        {"tasks": [row(2)]},
        {"tasks": [{"task_id": 1}]},
        {"tasks": [{"task_id": "t-1", "task_status": 1}]},
    ],
    ids=repr,
)
def test_only_an_empty_list_says_that_there_is_no_task(cloud: FakeTransport, document: t.Any) -> None:
    cloud.expect(f"{TASKS}?task_id=t-1", document, times=2)
    with pytest.raises(errors.InvalidResponseError):
        csms.show_task(client(cloud), "t-1")
    with pytest.raises(errors.InvalidResponseError):
        csms.CsmsBackend(client(cloud)).read("t-1", 10.0)


def test_an_unknown_id_returns_none(cloud: FakeTransport) -> None:
    cloud.expect(f"{TASKS}?task_id=t-1", {"total": 0, "tasks": []}, times=2)
    assert csms.show_task(client(cloud), "t-1") is None
    with pytest.raises(errors.NotFoundError, match="shows no task t-1"):
        csms.CsmsBackend(client(cloud)).read("t-1", 10.0)


@pytest.mark.parametrize(("status", "code"), [(400, "CSMS.0002"), (404, "APIGW.0101"), (404, "CSMS.0005")])
def test_any_other_error_response_is_an_error(cloud: FakeTransport, status: int, code: str) -> None:
    cloud.expect(f"{TASKS}?task_id=t-1", error_response(status, code, "no"))
    with pytest.raises(errors.RejectedError):
        csms.show_task(client(cloud), "t-1")


#: What a list holds: the responses by marker.
PAGED: dict[str, list[tuple[str | None, list[dict[str, t.Any]], str | None]]] = {
    "nothing": [(None, [], None)],
    "one": [(None, [row(0)], None)],
    "one, with a marker that points to nothing": [(None, [row(0)], "t-0"), ("t-0", [], "")],
    "a full page": [(None, [row(n) for n in range(50)], "t-49"), ("t-49", [], None)],
    "a full page and one": [(None, [row(n) for n in range(50)], "t-49"), ("t-49", [row(50)], None)],
    "a marker that repeats": [(None, [row(0)], "t-0"), ("t-0", [row(1)], "t-0")],
}


@pytest.mark.parametrize("pages", list(PAGED.values()), ids=list(PAGED))
def test_a_list_is_read_to_its_end(
    cloud: FakeTransport, pages: list[tuple[str | None, list[dict[str, t.Any]], str | None]]
) -> None:
    for marker, rows, following in pages:
        query = f"?limit=50&marker={marker}" if marker else "?limit=50"
        cloud.expect(TASKS + query, {"total": len(rows), "tasks": rows, "next_marker": following})
    found = csms.list_tasks(client(cloud))
    assert [task["task_id"] for task in found.rows] == [
        task["task_id"] for _marker, rows, _next in pages for task in rows
    ]
    assert found.next is None


@pytest.mark.parametrize(
    "following",
    ["/v1/p/csms/tasks?limit=1&marker=t-0", "https://kms.example.com/v1/p/csms/tasks?marker=t-0&limit=1"],
)
def test_a_marker_may_be_an_address(cloud: FakeTransport, following: str) -> None:
    cloud.expect(f"{TASKS}?limit=1", {"tasks": [row(0)], "next_marker": following})
    cloud.expect(f"{TASKS}?limit=1&marker=t-0", {"tasks": [row(1)], "next_marker": "/v1/p/csms/tasks?limit=1"})
    assert len(csms.list_tasks(client(cloud), limit=1).rows) == 2


def test_filters_go_with_every_page(cloud: FakeTransport) -> None:
    cloud.expect(f"{TASKS}?limit=2&secret_name=a%20b&status=FAILED", {"tasks": [row(0), row(1)], "next_marker": "t-1"})
    cloud.expect(f"{TASKS}?limit=2&marker=t-1&secret_name=a%20b&status=FAILED", {"tasks": [row(2)]})
    assert len(csms.list_tasks(client(cloud), secret_name="a b", status="FAILED", limit=2).rows) == 3


def test_a_limit_and_a_marker(cloud: FakeTransport) -> None:
    cloud.expect(f"{TASKS}?limit=2&marker=t-8", {"tasks": [row(9), row(10)], "next_marker": "t-10"})
    cloud.expect(f"{TASKS}?limit=1&marker=t-10", {"tasks": [row(11)], "next_marker": "t-11"})
    found = csms.list_tasks(client(cloud), marker="t-8", most=2)
    assert (len(found.rows), found.next) == (2, "t-10")


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (row(1), ("success", "SUCCESS", None)),
        (
            row(1, "FAILED", task_error_code="CSMS.9", task_error_msg="Bad."),
            ("failed", "FAILED", Reason("CSMS.9", "Bad.")),
        ),
        (row(1, "FAILED", task_error_msg="Bad."), ("failed", "FAILED", Reason(None, "Bad."))),
        (row(1, "FAILED"), ("failed", "FAILED", None)),
        (row(1, "ROTATING", task_error_msg="Earlier."), ("unknown", "ROTATING", None)),
        ({"task_id": "t-1", "task_status": None}, ("unknown", None, None)),
    ],
)
def test_the_statuses_of_a_wait(cloud: FakeTransport, task: dict[str, t.Any], expected: t.Any) -> None:
    cloud.expect(f"{TASKS}?task_id=t-1", {"tasks": [task]})
    read = csms.CsmsBackend(client(cloud)).read("t-1", 10.0)
    assert (read.state, read.status, read.reason) == expected
    assert (read.task_id, read.data) == ("t-1", task)


def test_a_wait_reads_the_longest_pages(cloud: FakeTransport) -> None:
    cloud.expect(f"{TASKS}?limit=1000", {"tasks": [row(0), row(1, "FAILED")], "next_marker": "t-1"})
    cloud.expect(f"{TASKS}?limit=1000&marker=t-1", {"tasks": [row(2)], "next_marker": "t-1"})
    source = csms.CsmsBackend(client(cloud))
    first = source.page(None, 0.0, 10.0)
    second = source.page(first.next, 0.0, 10.0)
    assert [s.state for s in (*first.tasks, *second.tasks)] == ["success", "failed", "success"]
    assert (first.next, second.next) == ("t-1", None)
    assert [field for field, _noun in source.labels if field in ROW] == ["secret_name"]
    assert (source.has_list, source.listed_statuses, source.has_reasons, source.rate) == (True, None, False, 10.0)


def test_an_empty_page_that_names_another_does_not_end_the_list_of_a_wait(cloud: FakeTransport) -> None:
    cloud.expect(f"{TASKS}?limit=1000", {"tasks": [], "next_marker": "t-1"})
    cloud.expect(f"{TASKS}?limit=1000&marker=t-1", {"tasks": None, "next_marker": "t-1"})
    source = csms.CsmsBackend(client(cloud))
    assert source.page(None, 0.0, 10.0).next == "t-1"
    assert source.page("t-1", 0.0, 10.0).next is None


def test_the_longest_page_may_be_rejected(cloud: FakeTransport) -> None:
    cloud.expect(f"{TASKS}?limit=1000", error_response(400, "CSMS.0002", "limit"))
    cloud.expect(f"{TASKS}?limit=50", {"tasks": [row(0)], "next_marker": "t-0"})
    cloud.expect(f"{TASKS}?limit=50&marker=t-0", {"tasks": []})
    source = csms.CsmsBackend(client(cloud))
    assert len(source.page(source.page(None, 0.0, 10.0).next, 0.0, 10.0).tasks) == 0


@pytest.mark.parametrize("marker", [7, ["t-1"], {}, "http://[?marker=t-1"], ids=repr)
def test_a_marker_of_another_kind_is_an_error(cloud: FakeTransport, marker: t.Any) -> None:
    cloud.expect(f"{TASKS}?limit=50", {"tasks": [row(0)], "next_marker": marker})
    with pytest.raises(errors.InvalidResponseError, match="next_marker"):
        csms.list_tasks(client(cloud))


def test_the_tasks_of_incomplete_rows_are_polled_by_themselves(cloud: FakeTransport) -> None:
    listed = [row(1), row(2, status=["SUCCESS"]), {"task_id": 3, "task_status": "SUCCESS"}, {"task_id": "t-4"}]
    cloud.expect(f"{TASKS}?limit=1000", {"tasks": listed})
    page = csms.CsmsBackend(client(cloud)).page(None, 0.0, 10.0)
    assert [(task.task_id, task.state) for task in page.tasks] == [
        ("t-1", "success"),
        ("t-4", "unknown"),
    ]


@pytest.mark.parametrize("at", [0, 1], ids=["first page", "second page"])
def test_a_quota_of_a_minute_is_waited_out_on_every_page(cloud: FakeTransport, at: int) -> None:
    pages = [(f"{TASKS}?limit=50", [row(1)], "t-1"), (f"{TASKS}?limit=50&marker=t-1", [row(2)], None)]
    for number, (request, rows, marker) in enumerate(pages):
        if number == at:
            cloud.expect(request, error_response(429, "APIGW.0308", "too many", retry_after="60"), took=0.3)
        cloud.expect(request, {"tasks": rows, "next_marker": marker}, took=0.3)
    assert [found["task_id"] for found in csms.list_tasks(client(cloud)).rows] == ["t-1", "t-2"]


def test_pauses_that_a_service_asks_for_do_not_add_up_for_ever(cloud: FakeTransport) -> None:
    for number in range(20):
        request = f"{TASKS}?limit=50" + (f"&marker=t-{number}" if number else "")
        cloud.always(request, error_response(429, "APIGW.0308", "too many", retry_after="50"))
        cloud.expect(request, error_response(429, "APIGW.0308", "too many", retry_after="50"))
        cloud.expect(request, {"tasks": [row(number + 1)], "next_marker": f"t-{number + 1}"})
    with pytest.raises((errors.ThrottledError, errors.TransportError)):
        csms.list_tasks(client(cloud))
    assert cloud.clock.now - 1000.0 < 180.0
    cloud.script.clear()
