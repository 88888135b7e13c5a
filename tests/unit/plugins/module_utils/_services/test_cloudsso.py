# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudSSO: the vendor's samples, the states of tasks, filters and pages, and the window of a wait's lists."""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import Reason
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import cloudsso
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._alibaba.alibaba import (
    CLOUDSSO,
    DIRECTORY,
    ali_client,
    error_response,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    EPOCH,
    FakeTransport,
    answer,
)

TASK = "t-shfqw1u1edszvxw5abcd"
ONE = f"POST {CLOUDSSO}/?DirectoryId={DIRECTORY}&TaskId={TASK}"
LIST = f"POST {CLOUDSSO}/?DirectoryId={DIRECTORY}"
#: The samples of the vendor's pages on GetTask and GetTaskStatus (alibabacloud.com); the latter is a Success with a reason.
GET_TASK = {
    "RequestId": "5BF2E5C1-A2B5-5CBD-9C54-0F1EE8D0DB74",
    "Task": {
        "Status": "Success",
        "TaskId": TASK,
        "EndTime": "2021-11-05T02:58:08Z",
        "PrincipalId": "u-00q8wbq42wiltcrk****",
        "TargetPath": "rd-3G****/r-Wm****/114240524784****",
        "StartTime": "2021-11-05T02:58:07Z",
        "PrincipalName": "Alice",
        "TargetName": "dev-test",
        "TargetId": "114240524784****",
        "AccessConfigurationName": "ECS-Admin",
        "TargetPathName": "rd-3G****/root/dev-test",
        "TaskType": "DeleteAccessAssignment",
        "AccessConfigurationId": "ac-00jhtfl8thteu6uj****",
        "PrincipalType": "User",
        "TargetType": "RD-Account",
    },
}
GET_TASK_STATUS = {
    "RequestId": "005F4623-AE53-504D-830F-44825F7DC211",
    "TaskStatus": {
        "Status": "Success",
        "TaskId": TASK,
        "EndTime": "2021-11-05T02:58:08Z",
        "TaskType": "DeleteAccessAssignment",
        "FailureReason": "No Permission.",
        "StartTime": "2021-11-05T02:58:07Z",
    },
}


def row(number: int, status: str = "InProgress", **fields: t.Any) -> dict[str, t.Any]:
    return {"TaskId": f"t-{number}", "Status": status, **fields}


def http_date(epoch: float) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(epoch))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("InProgress", "pending"),
        ("Success", "success"),
        ("Failed", "failed"),
        ("SUCCESS", "unknown"),
        ("Succes", "unknown"),
        ("Paused", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        (0, "unknown"),
    ],
)
def test_three_statuses_are_known(status: t.Any, state: str) -> None:
    assert cloudsso.classify(status) == state


def test_the_sample_of_get_task(cloud: FakeTransport) -> None:
    cloud.expect(ONE, GET_TASK)
    found = cloudsso.show_task(ali_client(cloud), DIRECTORY, TASK)
    assert found is not None
    assert cloudsso.normalize(found) == {
        "status": "Success",
        "state": "success",
        "task_id": TASK,
        "end_time": "2021-11-05T02:58:08Z",
        "principal_id": "u-00q8wbq42wiltcrk****",
        "target_path": "rd-3G****/r-Wm****/114240524784****",
        "start_time": "2021-11-05T02:58:07Z",
        "principal_name": "Alice",
        "target_name": "dev-test",
        "target_id": "114240524784****",
        "access_configuration_name": "ECS-Admin",
        "target_path_name": "rd-3G****/root/dev-test",
        "task_type": "DeleteAccessAssignment",
        "access_configuration_id": "ac-00jhtfl8thteu6uj****",
        "principal_type": "User",
        "target_type": "RD-Account",
    }
    assert cloud.requests[0].headers["x-acs-action"] == "GetTask"


def test_the_sample_of_get_task_status_is_a_success_although_it_has_a_reason(cloud: FakeTransport) -> None:
    cloud.expect(ONE, GET_TASK_STATUS)
    found = cloudsso.show_status(ali_client(cloud), DIRECTORY, TASK)
    assert found is not None
    assert cloudsso.normalize(found) == {
        "status": "Success",
        "state": "success",
        "task_id": TASK,
        "start_time": "2021-11-05T02:58:07Z",
        "end_time": "2021-11-05T02:58:08Z",
        "task_type": "DeleteAccessAssignment",
        "failure_reason": "No Permission.",
    }
    assert cloud.requests[0].headers["x-acs-action"] == "GetTaskStatus"


@pytest.mark.parametrize("show", [cloudsso.show_task, cloudsso.show_status])
def test_an_unknown_id_returns_none(cloud: FakeTransport, show: t.Callable[..., t.Any]) -> None:
    cloud.expect(ONE, error_response(404, "EntityNotExists.Task"))
    assert show(ali_client(cloud), DIRECTORY, TASK) is None


@pytest.mark.parametrize("show", [cloudsso.show_task, cloudsso.show_status])
@pytest.mark.parametrize("code", ["EntityNotExists.Directory", "InvalidAction.NotFound", "EntityNotExists"])
def test_any_other_error_response_is_an_error(cloud: FakeTransport, show: t.Callable[..., t.Any], code: str) -> None:
    cloud.expect(ONE, error_response(404, code))
    with pytest.raises(errors.RejectedError, match=code):
        show(ali_client(cloud), DIRECTORY, TASK)


@pytest.mark.parametrize("document", [{"Task": None}, {"Task": []}, {"Task": {"TaskId": "t-other"}}])
def test_responses_about_another_task_are_errors(cloud: FakeTransport, document: dict[str, t.Any]) -> None:
    cloud.expect(ONE, document)
    with pytest.raises(errors.InvalidResponseError):
        cloudsso.show_task(ali_client(cloud), DIRECTORY, TASK)


#: What a list holds: the responses by token.
PAGED: dict[str, list[tuple[str | None, list[dict[str, t.Any]], str | None]]] = {
    "nothing": [(None, [], None)],
    "one": [(None, [row(0)], None)],
    "a full page": [(None, [row(n) for n in range(20)], None)],
    "a full page and one": [(None, [row(n) for n in range(20)], "n1"), ("n1", [row(20)], None)],
    "an empty token": [(None, [row(0)], "")],
    "a token that repeats": [(None, [row(0)], "n1"), ("n1", [row(1)], "n1")],
    "a token that points to nothing": [(None, [row(0)], "n1"), ("n1", [], "n2"), ("n2", [row(1)], None)],
}


@pytest.mark.parametrize("pages", list(PAGED.values()), ids=list(PAGED))
def test_a_list_is_read_to_its_end(
    cloud: FakeTransport, pages: list[tuple[str | None, list[dict[str, t.Any]], str | None]]
) -> None:
    for token, rows, following in pages:
        more = {"NextToken": following} if following is not None else {}
        query = f"&MaxResults=20&NextToken={token}" if token else "&MaxResults=20"
        cloud.expect(LIST + query, {"Tasks": rows, "TotalCounts": 99, **more})
    found = cloudsso.list_tasks(ali_client(cloud), DIRECTORY, {})
    assert [task["TaskId"] for task in found.rows] == [task["TaskId"] for _token, rows, _next in pages for task in rows]


def test_filters_go_with_every_page(cloud: FakeTransport) -> None:
    filters = {"Status": "Failed", "Filter": "StartTime ge 2026-01-01T00:00:00Z", "TargetId": None}
    query = "&Filter=StartTime%20ge%202026-01-01T00%3A00%3A00Z&MaxResults=1"
    cloud.expect(f"{LIST}{query}&Status=Failed", {"Tasks": [row(0)], "NextToken": "a/b+c="})
    cloud.expect(f"{LIST}{query}&NextToken=a%2Fb%2Bc%3D&Status=Failed", {"Tasks": [row(1)]})
    assert len(cloudsso.list_tasks(ali_client(cloud), DIRECTORY, filters, limit=1).rows) == 2


def read(cloud: FakeTransport, **fields: t.Any) -> t.Any:
    cloud.expect(ONE, {"Task": {"TaskId": TASK, **fields}})
    return cloudsso.CloudssoBackend(ali_client(cloud), DIRECTORY).read(TASK, 10.0)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Status": "InProgress"}, ("pending", "InProgress", None)),
        ({"Status": "Success", "FailureReason": "No Permission."}, ("success", "Success", None)),
        ({"Status": "Failed", "FailureReason": "No Permission."}, ("failed", "Failed", Reason(None, "No Permission."))),
        ({"Status": "Failed"}, ("failed", "Failed", None)),
        ({"Status": "Paused", "FailureReason": "x"}, ("unknown", "Paused", None)),
        ({"Status": "Failed", "FailureReason": ["a"]}, ("failed", "Failed", Reason(None, '["a"]'))),
    ],
)
def test_the_statuses_of_a_wait(cloud: FakeTransport, fields: dict[str, t.Any], expected: t.Any) -> None:
    found = read(cloud, **fields)
    assert (found.state, found.status, found.reason) == expected
    assert found.task_id == found.data["task_id"] == TASK


@pytest.mark.parametrize("fields", [{}, {"Status": None}, {"Status": 1}, {"Status": ["Success"]}, {"Status": ""}])
def test_a_status_that_is_not_a_text_is_an_error(cloud: FakeTransport, fields: dict[str, t.Any]) -> None:
    with pytest.raises(errors.InvalidResponseError, match="'Status'"):
        read(cloud, **fields)


def test_the_tasks_of_incomplete_rows_are_polled_by_themselves(cloud: FakeTransport) -> None:
    listed = [row(1), {"TaskId": "t-2"}, {"TaskId": 3, "Status": "Success"}, {"TaskId": "t-4", "Status": None}]
    cloud.expect(f"{LIST}&Filter=f&MaxResults=20&NextToken=n1", {"Tasks": listed})
    page = cloudsso.CloudssoBackend(ali_client(cloud), DIRECTORY).page(("f", "n1"), 0.0, 10.0)
    assert [task.task_id for task in page.tasks] == ["t-1"]


@pytest.mark.parametrize("document", [{"Tasks": None}, {"TotalCounts": 0}, {}], ids=repr)
def test_a_list_that_is_null_or_missing_is_empty(cloud: FakeTransport, document: dict[str, t.Any]) -> None:
    cloud.expect(f"{LIST}&MaxResults=20", document)
    assert cloudsso.list_tasks(ali_client(cloud), DIRECTORY, {}).rows == []


@pytest.mark.parametrize("document", [{"Tasks": {}}, {"Tasks": [1]}, {"Tasks": [], "NextToken": 5}], ids=repr)
def test_a_list_of_another_type_is_an_error(cloud: FakeTransport, document: dict[str, t.Any]) -> None:
    cloud.expect(f"{LIST}&MaxResults=20", document)
    with pytest.raises(errors.InvalidResponseError):
        cloudsso.list_tasks(ali_client(cloud), DIRECTORY, {})


def test_an_unknown_task_of_a_wait_is_not_found(cloud: FakeTransport) -> None:
    cloud.expect(ONE, error_response(404, "EntityNotExists.Task"))
    with pytest.raises(errors.NotFoundError):
        cloudsso.CloudssoBackend(ali_client(cloud), DIRECTORY).read(TASK, 10.0)


@pytest.mark.parametrize(
    ("elapsed", "since"),
    [
        (0.0, "2026-01-02T03%3A04%3A05Z"),
        (7200.0, "2026-01-02T01%3A04%3A05Z"),
        (30 * 86400.0, "2025-12-26T04%3A05%3A05Z"),
    ],
)
def test_the_window_of_a_wait_goes_by_the_clock_of_the_service(
    cloud: FakeTransport, elapsed: float, since: str
) -> None:
    # The service is an hour ahead; a wait looks back to an hour before its beginning, and never more than seven days.
    source = cloudsso.CloudssoBackend(ali_client(cloud), DIRECTORY)
    cloud.expect(f"{LIST}&MaxResults=1", answer({"Tasks": [row(1)]}, date=http_date(EPOCH + 3600)), took=0.0)
    first = source.page(None, elapsed, 10.0)
    assert [task.task_id for task in first.tasks] == ["t-1"]
    query = f"&Filter=StartTime%20ge%20{since}&MaxResults=20"
    cloud.expect(LIST + query, {"Tasks": [row(1), row(2)], "NextToken": "n1"})
    second = source.page(first.next, elapsed, 10.0)
    cloud.clock.sleep(5)
    cloud.expect(f"{LIST}{query}&NextToken=n1", {"Tasks": [row(3)]})
    third = source.page(second.next, elapsed + 5, 10.0)
    assert [task.task_id for task in (*second.tasks, *third.tasks)] == ["t-1", "t-2", "t-3"]
    assert third.next is None


def test_the_window_needs_no_page_of_its_own_once_the_time_is_known(cloud: FakeTransport) -> None:
    source = cloudsso.CloudssoBackend(ali_client(cloud), DIRECTORY)
    cloud.expect(ONE, answer({"Task": {"TaskId": TASK, "Status": "InProgress"}}, date=http_date(EPOCH)), took=0.0)
    source.read(TASK, 10.0)
    cloud.expect(f"{LIST}&Filter=StartTime%20ge%202026-01-02T02%3A04%3A05Z&MaxResults=20", {"Tasks": []})
    assert source.page(None, 0.0, 10.0).next is None


def test_without_a_date_of_the_service_there_is_no_list(cloud: FakeTransport) -> None:
    cloud.expect(f"{LIST}&MaxResults=1", {"Tasks": [row(1)], "NextToken": "n1"})
    page = cloudsso.CloudssoBackend(ali_client(cloud), DIRECTORY).page(None, 0.0, 10.0)
    assert (len(page.tasks), page.next) == (1, None)


@pytest.mark.parametrize("following", ["n1", None, ""])
def test_a_token_that_repeats_ends_the_list_of_a_wait(cloud: FakeTransport, following: str | None) -> None:
    cloud.expect(f"{LIST}&Filter=f&MaxResults=20&NextToken=n1", {"Tasks": [row(1)], "NextToken": following})
    assert cloudsso.CloudssoBackend(ali_client(cloud), DIRECTORY).page(("f", "n1"), 0.0, 10.0).next is None


def test_the_attributes_of_the_backend(cloud: FakeTransport) -> None:
    source = cloudsso.CloudssoBackend(ali_client(cloud), DIRECTORY)
    assert {field for field, _noun in source.labels} < set(
        cloudsso.normalize(t.cast(dict[str, t.Any], GET_TASK["Task"]))
    )
    assert (source.has_list, source.listed_statuses, source.has_reasons, source.rate) == (True, None, False, 18.0)
    assert source.endpoint == CLOUDSSO
    assert not source.can_reauthenticate()
