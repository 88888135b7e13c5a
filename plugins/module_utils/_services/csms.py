# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Huawei Cloud CSMS (Cloud Secret Management Service): its tasks and their states.

Source: "Querying secret tasks", CSMS API reference (support.huaweicloud.com), and the models of the official SDK 3.1.219.
Only SUCCESS and FAILED are documented; every other status is unknown, and never a success.
"""

from __future__ import annotations

import typing as t
from urllib.parse import parse_qs, urlsplit

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    InvalidResponseError,
    NotFoundError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import (
    Row,
    display_text,
    given_rows,
    rows,
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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient, HuaweiOperation
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.base import ServiceBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.pagination import (
    Listing,
    PageSize,
    RowPage,
    read_pages,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.timestamps import from_milliseconds

#: The usual page, and the longest (documented default and maximum). A marker must come with a limit.
PAGE_SIZE = 50
MAX_PAGE = 1000

_STATES = {"SUCCESS": SUCCESS, "FAILED": FAILED}

LIST_TASKS = HuaweiOperation(
    service="csms",
    name="ListSecretTask",
    method="GET",
    path="/v1/{project_id}/csms/tasks",
    read_only=True,
    response_key="tasks",
    iam_action="csms::listTasks",
    lists=True,
)


def classify(status: t.Any) -> str:
    """Return the state of a raw status, compared exactly."""
    return _STATES.get(status, UNKNOWN) if isinstance(status, str) else UNKNOWN


def normalize(row: Row) -> Row:
    """Return a task with ``state`` and ``time`` added to the API's own fields."""
    return {**row, "state": classify(row.get("task_status")), "time": from_milliseconds(row.get("task_time"))}


def show_task(client: HuaweiClient, task_id: str) -> Row | None:
    """Return one task, or None when the service does not know the id. The id excludes every other parameter."""
    return _row(client.call(LIST_TASKS, query=[("task_id", task_id)]), task_id)


def list_tasks(
    client: HuaweiClient,
    *,
    secret_name: str | None = None,
    status: str | None = None,
    marker: str | None = None,
    limit: int = PAGE_SIZE,
    most: int | None = None,
) -> Listing:
    """Return the tasks of secrets.

    Args:
        client: The client.
        secret_name: Only those of this secret.
        status: Only those with this raw status.
        marker: ``next`` of an earlier listing.
        limit: Rows of a page.
        most: Rows at most.
    """
    filters = [(name, value) for name, value in (("secret_name", secret_name), ("status", status)) if value]

    page_size = PageSize(limit, PAGE_SIZE)

    def read(marker: str | None, limit: int, left: Budget) -> RowPage:
        page_size.size = limit if page_size.size is None else min(limit, page_size.size)

        def read_size(size: int | None) -> RowPage:
            document = client.call(LIST_TASKS, query=[*filters, *_bounds(size, marker)], timeout=left)
            return RowPage(rows(document, "tasks", LIST_TASKS), _next_marker(document))

        return page_size.read(read_size)

    return read_pages(read, "task_id", LIST_TASKS, client.countdown(), marker=marker, limit=limit, most=most)


def _row(document: Row, task_id: str) -> Row | None:
    """Return the row of one task, or None when the service has no such task.

    Raises:
        InvalidResponseError: The list is missing, or it is one of other tasks: this one may exist all the same.
    """
    found = given_rows(document, "tasks", LIST_TASKS)
    if not found:
        return None
    row = next((row for row in found if row.get("task_id") == task_id), None)
    if row is None:
        raise InvalidResponseError(f"{LIST_TASKS} was asked about {task_id} and answered about something else.")
    text_or_none(row, "task_status", LIST_TASKS)
    return row


def _bounds(limit: int | None, marker: str | None) -> list[tuple[str, str | int]]:
    return [("limit", limit or PAGE_SIZE), *([("marker", marker)] if marker else [])]


def _next_marker(document: Row) -> str | None:
    """Return the marker of the next page. The field is documented as an address, and holds the last id of the page."""
    marker = text_or_none(document, "next_marker", LIST_TASKS)
    if marker is None or "?" not in marker:
        return marker
    try:
        return next(iter(parse_qs(urlsplit(marker).query).get("marker", [])), None)
    except ValueError:
        raise InvalidResponseError(f"{LIST_TASKS} was answered with 'next_marker' that is not an address.") from None


class CsmsBackend(ServiceBackend[HuaweiClient]):
    """The tasks of CSMS. Its list has as much as the single read: state and reason."""

    service = "csms"
    statuses: t.Mapping[str, tuple[str, ...]] = {
        PENDING: (),
        SUCCESS: ("SUCCESS",),
        FAILED: ("FAILED",),
    }
    labels: tuple[tuple[str, str], ...] = (("secret_name", "secret"),)
    has_list = True

    def __init__(self, client: HuaweiClient) -> None:
        super().__init__(client)
        self._page_size = PageSize(MAX_PAGE, PAGE_SIZE)

    def read(self, task_id: str, timeout: float) -> TaskStatus:
        """Read one task."""
        row = _row(self.client.once(LIST_TASKS, query=[("task_id", task_id)], timeout=timeout), task_id)
        if row is None:
            raise NotFoundError(
                f"{LIST_TASKS} at {self.endpoint} shows no task {task_id}.",
                hint="Check the id, the project and the region.",
            )
        return _status_of(row)

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
        """Read one page of all tasks of the project."""
        left = self.client.countdown(timeout)

        def read_size(size: int | None) -> StatusPage:
            document = self.client.once(LIST_TASKS, query=_bounds(size, cursor), timeout=left())
            found = [row for row in rows(document, "tasks", LIST_TASKS) if _is_plain(row)]
            following = _next_marker(document)
            return StatusPage(tuple(_status_of(row) for row in found), following if following != cursor else None)

        return self._page_size.read(read_size)


def _is_plain(row: Row) -> bool:
    """Return True when a row has an id, and a text or nothing as its status."""
    return isinstance(row.get("task_id"), str) and isinstance(row.get("task_status"), (str, type(None)))


def _status_of(row: Row) -> TaskStatus:
    status, code, message = (
        row.get("task_status"),
        display_text(row, "task_error_code"),
        display_text(row, "task_error_msg"),
    )
    state = classify(status)
    reason = Reason(code, message) if state == FAILED and (code or message) else None
    return TaskStatus(row["task_id"], state, status, reason, data=row)
