# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Huawei Cloud CSMS (Cloud Secret Management Service): its tasks, and how they are judged.

Source: "Querying secret tasks", CSMS API reference (support.huaweicloud.com), and the models of the official SDK 3.1.219.
Only SUCCESS and FAILED are documented; whatever a task says while it goes on is unknown, and never a success.
"""

from __future__ import annotations

import typing as t
from urllib.parse import parse_qs, urlsplit

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _task
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import NotFoundError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient, Operation
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services._huawei_source import HuaweiSource
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services._paging import (
    Listing,
    Page,
    Row,
    read_pages,
    rows_of,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services._times import from_milliseconds

#: The usual page, and the longest (documented default and maximum). A marker must come with a limit.
PAGE_SIZE = 50
MAX_PAGE = 1000

_STATES = {"SUCCESS": _task.SUCCESS, "FAILED": _task.FAILED}

LIST_TASKS = Operation("csms", "ListSecretTask", "GET", "/v1/{project_id}/csms/tasks", True, "tasks", "csms::listTasks")


def judge(status: t.Any) -> str:
    """The state behind a raw status, taken to the letter."""
    return _STATES.get(status, _task.UNKNOWN) if isinstance(status, str) else _task.UNKNOWN


def with_meaning(row: Row) -> Row:
    """A task with ``state`` and ``time`` added to the API's own fields."""
    return {**row, "state": judge(row.get("task_status")), "time": from_milliseconds(row.get("task_time"))}


def show_task(client: HuaweiClient, task_id: str) -> Row | None:
    """One task, or None when the service does not know the id. The id excludes every other parameter."""
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
    """The tasks of secrets.

    Args:
        client: The client.
        secret_name: Only those of this secret.
        status: Only those with this raw status.
        marker: Where to begin, as an earlier listing told.
        limit: Rows of a page.
        most: Rows at most.
    """
    filters = [(name, value) for name, value in (("secret_name", secret_name), ("status", status)) if value]

    def read(marker: str | None, limit: int) -> Page:
        document = client.call(LIST_TASKS, query=[*filters, *_bounds(limit, marker)])
        return Page(rows_of(document, "tasks", LIST_TASKS), _next_marker(document))

    return read_pages(read, "task_id", marker=marker, limit=limit, most=most)


def _row(document: Row, task_id: str) -> Row | None:
    """The row of one task; a service that answers about others has not answered about this one."""
    rows = rows_of(document, "tasks", LIST_TASKS)
    return next((row for row in rows if row.get("task_id") == task_id), None)


def _bounds(limit: int, marker: str | None) -> list[tuple[str, str | int]]:
    return [("limit", limit), *([("marker", marker)] if marker else [])]


def _next_marker(document: Row) -> str | None:
    """Where the next page begins. The field is documented as an address, and holds the last id of the page."""
    marker = document.get("next_marker")
    if not marker:
        return None
    if "?" in str(marker):
        return next(iter(parse_qs(urlsplit(str(marker)).query).get("marker", [])), None)
    return str(marker)


class CsmsTasks(HuaweiSource):
    """CSMS as a source of tasks. Its list tells as much as the single read: state and reason."""

    service = "csms"
    words: t.Mapping[str, tuple[str, ...]] = {
        _task.PENDING: (),
        _task.SUCCESS: ("SUCCESS",),
        _task.FAILED: ("FAILED",),
    }
    labels: tuple[tuple[str, str], ...] = (("secret_name", "secret"),)
    lists = True

    def read(self, task_id: str, timeout: float) -> _task.Sighting:
        """Ask about one task."""
        row = _row(self.client.once(LIST_TASKS, query=[("task_id", task_id)], timeout=timeout), task_id)
        if row is None:
            raise NotFoundError(
                f"{LIST_TASKS} at {self.endpoint} shows no task {task_id}.",
                hint="Check the id, the project and the region.",
            )
        return _sighting(row)

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> _task.Page:
        """One page of all tasks of the project."""
        document = self.client.once(LIST_TASKS, query=_bounds(MAX_PAGE, cursor), timeout=timeout)
        rows = rows_of(document, "tasks", LIST_TASKS)
        following = _next_marker(document)
        return _task.Page(tuple(_sighting(row) for row in rows), following if rows and following != cursor else None)


def _sighting(row: Row) -> _task.Sighting:
    status, code, message = row.get("task_status"), row.get("task_error_code"), row.get("task_error_msg")
    state = judge(status)
    reason = _task.Reason(code, message) if state == _task.FAILED and (code or message) else None
    return _task.Sighting(str(row.get("task_id")), state, None if status is None else str(status), reason, data=row)
