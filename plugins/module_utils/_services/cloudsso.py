# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alibaba Cloud CloudSSO: its tasks and their states.

Source: "CloudSSO API reference", 2021-05-15 (alibabacloud.com), and the models of the official SDK 1.7.0. A task may end with
Success and still carry a FailureReason, as in the vendor's own sample of GetTaskStatus: the status alone decides.
"""

from __future__ import annotations

import re
import time
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.client import (
    AlibabaClient,
    AlibabaOperation,
    Query,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import NotFoundError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import (
    Row,
    display_text,
    mapping,
    rows,
    same_id,
    text,
    text_or_none,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    FAILED,
    PENDING,
    SUCCESS,
    UNKNOWN,
    Reason,
    StatusPage,
    TaskStatus,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Budget
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.error_response import ErrorResponse
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.base import ServiceBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.pagination import (
    Listing,
    RowPage,
    read_pages,
)

VERSION = "2021-05-15"
#: The longest page (documented maximum).
MAX_PAGE = 20
#: The list shows tasks of the last 24 hours, or with a filter those of up to 7 days; a minute less, for the way there.
OLDEST = 7 * 86400.0 - 60.0
#: Seconds before its beginning from which a wait lists tasks: they were started before it.
BEFORE = 3600.0

_STATES = {"InProgress": PENDING, "Success": SUCCESS, "Failed": FAILED}
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _no_such_task(response: ErrorResponse) -> bool:
    return response.code == "EntityNotExists.Task"


GET_TASK = AlibabaOperation(
    service="cloudsso",
    name="GetTask",
    version=VERSION,
    read_only=True,
    response_key="Task",
    iam_action="cloudsso:GetTask",
    is_not_found=_no_such_task,
)
GET_TASK_STATUS = AlibabaOperation(
    service="cloudsso",
    name="GetTaskStatus",
    version=VERSION,
    read_only=True,
    response_key="TaskStatus",
    iam_action="cloudsso:GetTaskStatus",
    is_not_found=_no_such_task,
)
LIST_TASKS = AlibabaOperation(
    service="cloudsso",
    name="ListTasks",
    version=VERSION,
    read_only=True,
    response_key="Tasks",
    iam_action="cloudsso:ListTasks",
    lists=True,
)


def classify(status: t.Any) -> str:
    """Return the state of a raw status, compared exactly."""
    return _STATES.get(status, UNKNOWN) if isinstance(status, str) else UNKNOWN


def normalize(row: t.Mapping[str, t.Any]) -> Row:
    """Return a task with its fields in snake_case (``PrincipalName`` is ``principal_name``), and ``state`` added."""
    return {
        **{_WORD_START.sub("_", name).lower(): value for name, value in row.items()},
        "state": classify(row.get("Status")),
    }


def show_task(client: AlibabaClient, directory_id: str, task_id: str) -> Row | None:
    """Return one task with all its fields, or None when the directory has none of this id."""
    return _show(client, GET_TASK, directory_id, task_id)


def show_status(client: AlibabaClient, directory_id: str, task_id: str) -> Row | None:
    """Return one task with the fields of its status, or None when the directory has none of this id."""
    return _show(client, GET_TASK_STATUS, directory_id, task_id)


def _show(client: AlibabaClient, operation: AlibabaOperation, directory_id: str, task_id: str) -> Row | None:
    try:
        document = client.call(operation, {"DirectoryId": directory_id, "TaskId": task_id})
    except NotFoundError:
        return None
    return _task_in(document, operation, task_id)


def _task_in(document: Row, operation: AlibabaOperation, task_id: str) -> Row:
    """Return the task in a response about one.

    Raises:
        InvalidResponseError: It is not an object, or another task, or has no status.
    """
    found = mapping(document, operation.response_key, operation)
    same_id(found, "TaskId", operation, task_id)
    text(found, "Status", operation)
    return {"TaskId": task_id, **found}


def list_tasks(
    client: AlibabaClient,
    directory_id: str,
    filters: Query,
    *,
    marker: str | None = None,
    limit: int = MAX_PAGE,
    most: int | None = None,
) -> Listing:
    """Return the tasks of a directory; those of the last 24 hours, unless a filter reaches further back.

    Args:
        client: The client.
        directory_id: The directory.
        filters: The API's own filters, by their names there.
        marker: ``next`` of an earlier listing.
        limit: Rows of a page.
        most: Rows at most.
    """

    def read(marker: str | None, limit: int, left: Budget) -> RowPage:
        query = {"DirectoryId": directory_id, **filters, "MaxResults": limit, "NextToken": marker}
        return _page_in(client.call(LIST_TASKS, query, timeout=left))

    return read_pages(read, "TaskId", LIST_TASKS, client.countdown(), marker=marker, limit=limit, most=most)


def _page_in(document: Row) -> RowPage:
    return RowPage(rows(document, "Tasks", LIST_TASKS), text_or_none(document, "NextToken", LIST_TASKS))


class CloudssoBackend(ServiceBackend[AlibabaClient]):
    """The tasks of CloudSSO.

    Args:
        client: The client.
        directory_id: The directory, in which a task's id is unique.
    """

    service = "cloudsso"
    parent = "directory"
    statuses: t.Mapping[str, tuple[str, ...]] = {
        PENDING: ("InProgress",),
        SUCCESS: ("Success",),
        FAILED: ("Failed",),
    }
    labels: tuple[tuple[str, str], ...] = (
        ("access_configuration_name", "access configuration"),
        ("principal_name", "principal"),
        ("target_name", "target"),
    )
    #: Of the 20 calls per second that an account has (documented for GetTask, taken to hold for ListTasks).
    rate = 18.0
    has_list = True

    def __init__(self, client: AlibabaClient, directory_id: str) -> None:
        super().__init__(client)
        self._directory_id = directory_id

    def read(self, task_id: str, timeout: float) -> TaskStatus:
        """Read one task."""
        document = self.client.once(GET_TASK, {"DirectoryId": self._directory_id, "TaskId": task_id}, timeout=timeout)
        return _status_of(_task_in(document, GET_TASK, task_id))

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
        """Read one page of the directory's tasks.

        The filter takes the service's time, because the clock of this machine may be wrong; all pages of one reading have the
        same filter. As long as that time is not known, the page is a single row without a filter, for its Date.
        """
        now = self.client.server_time()
        if cursor is None and now is None:
            page = self._read_page({"MaxResults": 1}, timeout)
            now = self.client.server_time()
            return StatusPage(_statuses(page), None if now is None else (_since(now, elapsed), None))
        since, token = cursor or (_since(t.cast(float, now), elapsed), None)
        page = self._read_page({"Filter": since, "MaxResults": MAX_PAGE, "NextToken": token}, timeout)
        last = page.next in (None, token)
        return StatusPage(_statuses(page), None if last else (since, page.next))

    def _read_page(self, bounds: Query, timeout: float) -> RowPage:
        return _page_in(self.client.once(LIST_TASKS, {"DirectoryId": self._directory_id, **bounds}, timeout=timeout))


def _since(now: float, elapsed: float) -> str:
    """Return the filter that shows the tasks of a wait.

    Args:
        now: The service's time, in seconds since the epoch.
        elapsed: Age of the wait in seconds.
    """
    return time.strftime("StartTime ge %Y-%m-%dT%H:%M:%SZ", time.gmtime(now - min(OLDEST, elapsed + BEFORE)))


def _statuses(page: RowPage) -> tuple[TaskStatus, ...]:
    """Return the statuses of a page; the task of a row without an id or a status is polled by itself."""
    return tuple(
        _status_of(row)
        for row in page.rows
        if isinstance(row.get("TaskId"), str) and isinstance(row.get("Status"), str)
    )


def _status_of(row: Row) -> TaskStatus:
    status, reason = row["Status"], display_text(row, "FailureReason")
    state = classify(status)
    return TaskStatus(
        row["TaskId"],
        state,
        status,
        Reason(None, reason) if state == FAILED and reason else None,
        data=normalize(row),
    )
