# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Huawei Cloud KPS (Key Pair Service): its tasks and their states. ``kps_keypairs`` has what starts them.

Source: "Key Pair Service API reference" (support.huaweicloud.com), KPS v3, and the models of the official SDK 3.1.219.
The documented list of task statuses names FAILED_RESET and SUCCESS_RESET twice and leaves BIND out, so the
first word of a status decides. "Not found" is HTTP 400 with a code.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import NotFoundError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import (
    Row,
    display_text,
    given_rows,
    number,
    rows,
    same_id,
    text,
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

if t.TYPE_CHECKING:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.errors import HuaweiErrorResponse

#: Rows asked for per page: the documented default of the task lists.
PAGE_SIZE = 1000

_STATUS = re.compile(r"(READY|RUNNING|SUCCESS|FAILED)_([A-Z_]+)\Z")
_STATES = {"READY": PENDING, "RUNNING": PENDING, "SUCCESS": SUCCESS, "FAILED": FAILED}
_OPERATIONS = ("reset", "replace", "bind", "unbind")


def is_kps_not_found(response: HuaweiErrorResponse) -> bool:
    """Return True when KPS itself answers 404; that of a gateway on the way is not about the resource."""
    return response.status == 404 and response.code.startswith("KPS.")


def _no_such_task(response: HuaweiErrorResponse) -> bool:
    return response.code == "KPS.0001" or is_kps_not_found(response)


def _no_such_failed_task(response: HuaweiErrorResponse) -> bool:
    return response.code == "KPS.0005" or is_kps_not_found(response)


SHOW_TASK = HuaweiOperation(
    service="kps",
    name="ListKeypairTask",
    method="GET",
    path="/v3/{project_id}/tasks/{task_id}",
    read_only=True,
    response_key="task_status",
    iam_action="kps::getTask",
    is_not_found=_no_such_task,
)
LIST_RUNNING = HuaweiOperation(
    service="kps",
    name="ListRunningTask",
    method="GET",
    path="/v3/{project_id}/running-tasks",
    read_only=True,
    response_key="tasks",
    iam_action="kps::getRunningTask",
    lists=True,
)
LIST_FAILED = HuaweiOperation(
    service="kps",
    name="ListFailedTask",
    method="GET",
    path="/v3/{project_id}/failed-tasks",
    read_only=True,
    response_key="tasks",
    iam_action="kps::getFailedTask",
    lists=True,
)
DELETE_FAILED = HuaweiOperation(
    service="kps",
    name="DeleteFailedTask",
    method="DELETE",
    path="/v3/{project_id}/failed-tasks/{task_id}",
    read_only=False,
    response_key=None,
    iam_action="kps::deleteFailedTask",
    is_not_found=_no_such_failed_task,
)


def classify(status: t.Any) -> tuple[str, str]:
    """Return state and operation of a raw status: ``("success", "reset")`` for ``SUCCESS_RESET``.

    Anything that is not one of the four first words, an underscore and capitals is ``unknown``, a bare ``SUCCESS``
    included. An unknown operation does not make the state unknown: the first word decides.
    """
    match = _STATUS.match(status) if isinstance(status, str) else None
    if match is None:
        return UNKNOWN, "unknown"
    operation = match.group(2).lower()
    return _STATES[match.group(1)], operation if operation in _OPERATIONS else "unknown"


def normalize(row: Row, *, listed_as: str | None = None) -> Row:
    """Return a task with ``state``, ``operation`` and ``time`` added to the API's own fields.

    Args:
        row: What the API returned.
        listed_as: The state of the tasks of a list (``pending``, ``failed``); None for a task read by its id. The
            ``operate_type`` of a list gives the operation only: its first word is documented wrongly.
    """
    state, operation = classify(row.get("operate_type") if listed_as else row.get("task_status"))
    added: Row = {"state": listed_as or state, "operation": operation}
    if listed_as:
        added["time"] = from_milliseconds(row.get("task_time"))
    return {**row, **added}


def show_task(client: HuaweiClient, task_id: str) -> Row | None:
    """Return one task (``task_id``, ``server_id``, ``task_status``), or None when the service does not know the id."""
    try:
        return _task_in(task_id, client.call(SHOW_TASK, path={"task_id": task_id}))
    except NotFoundError:
        return None


def _task_in(task_id: str, row: Row) -> Row:
    """Return the task in a response, which must be the one that was requested and have a status."""
    same_id(row, "task_id", SHOW_TASK, task_id)
    text(row, "task_status", SHOW_TASK)
    return {"task_id": task_id, **row}


def list_running(client: HuaweiClient) -> list[Row]:
    """Return all tasks that run (``task_id``, ``operate_type``, ``task_time``, ``server_name``, ``server_id``, ``keypair_name``)."""
    return read_list(client, LIST_RUNNING).rows


def list_failed(client: HuaweiClient, *, strict: bool = False) -> list[Row]:
    """Return all records of failed tasks: as those that run, with ``task_error_code`` and ``task_error_msg``.

    Args:
        client: The client.
        strict: As of ``read_list``.
    """
    return read_list(client, LIST_FAILED, strict=strict).rows


def read_list(
    client: HuaweiClient,
    operation: HuaweiOperation,
    *,
    marker: int | None = None,
    limit: int = PAGE_SIZE,
    most: int | None = None,
    strict: bool = False,
) -> Listing:
    """Return one of the two lists of tasks.

    Args:
        client: The client.
        operation: ``LIST_RUNNING`` or ``LIST_FAILED``.
        marker: Rows to skip at the beginning.
        limit: Rows of a page.
        most: Rows at most.
        strict: A list that is null or missing is an error: the caller concludes something from absence.
    """
    page_size = PageSize(limit, None)

    def read(marker: int | None, limit: int, left: Budget) -> RowPage:
        page_size.size = None if page_size.size is None else limit
        offset = marker or 0

        def read_size(size: int | None) -> RowPage:
            document = client.call(operation, query=_bounds(size, offset), timeout=left)
            found = (given_rows if strict else rows)(document, "tasks", operation)
            return RowPage(found, _next_offset(document, offset, size))

        return page_size.read(read_size)

    return read_pages(
        read, "task_id", operation, client.countdown(), marker=marker, limit=limit, most=most, counted=True
    )


def _bounds(size: int | None, offset: int) -> list[tuple[str, str | int]]:
    return [*([] if size is None else [("limit", size)]), ("offset", offset)]


def _next_offset(document: Row, offset: int, size: int | None) -> int | None:
    """Return the offset of the next page, or None after the last.

    A short page is the last one only if ``total`` agrees: a service may give fewer rows than it was asked for, and
    older versions of the API have no ``total``; there the list ends with an empty page.
    """
    count = len(rows(document, "tasks", LIST_RUNNING))
    total = number(document, "total")
    short = size is None or count < size
    if not count or (short and total is not None and total <= offset + count):
        return None
    return offset + count


def delete_failed_task(client: HuaweiClient, task_id: str) -> bool:
    """Delete the record of one failed task; False when there was none. The id must have been checked."""
    try:
        client.call(DELETE_FAILED, path={"task_id": task_id})
    except NotFoundError:
        return False
    return True


def reason_of(row: t.Mapping[str, t.Any]) -> Reason | None:
    """Return why a task failed, by its record in the list of failed tasks; the code may be null."""
    code, message = display_text(row, "task_error_code"), display_text(row, "task_error_msg")
    return Reason(code, message) if code or message else None


class KpsBackend(ServiceBackend[HuaweiClient]):
    """The tasks of KPS.

    Its list of unfinished tasks has no statuses, so absence from it is not a verdict; only its list of failed tasks has the
    reasons.
    """

    service = "kps"
    statuses: t.Mapping[str, tuple[str, ...]] = {
        state: tuple(f"{first}_{operation.upper()}" for first in firsts for operation in _OPERATIONS)
        for state, firsts in {
            PENDING: ("READY", "RUNNING"),
            SUCCESS: ("SUCCESS",),
            FAILED: ("FAILED",),
        }.items()
    }
    has_list = True
    #: A task that is READY is in none of the lists.
    listed_statuses: tuple[str, ...] | None = tuple(f"RUNNING_{operation.upper()}" for operation in _OPERATIONS)
    labels: tuple[tuple[str, str], ...] = (
        ("server_name", "server"),
        ("server_id", "server"),
        ("keypair_name", "key pair"),
    )
    has_reasons = True

    def __init__(self, client: HuaweiClient) -> None:
        super().__init__(client)
        self._page_size = PageSize(PAGE_SIZE, None)

    def read(self, task_id: str, timeout: float) -> TaskStatus:
        """Read one task."""
        row = _task_in(task_id, self.client.once(SHOW_TASK, path={"task_id": task_id}, timeout=timeout))
        status = row["task_status"]
        return TaskStatus(task_id, classify(status)[0], status, data=row)

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
        """Read one page of the tasks that run; ``operate_type`` of a row is documented wrongly and ignored."""
        return self._page(LIST_RUNNING, cursor, timeout, PENDING)

    def reasons(self, cursor: t.Any, timeout: float) -> StatusPage:
        """Read one page of the records of failed tasks."""
        return self._page(LIST_FAILED, cursor, timeout, FAILED)

    def _page(self, operation: HuaweiOperation, cursor: t.Any, timeout: float, state: str) -> StatusPage:
        offset = cursor or 0
        left = self.client.countdown(timeout)

        def read_size(size: int | None) -> StatusPage:
            document = self.client.once(operation, query=_bounds(size, offset), timeout=left())
            tasks = tuple(
                # A row without an id does not say which task it is about.
                TaskStatus(row["task_id"], state, reason=reason_of(row), data=row)
                for row in rows(document, "tasks", operation)
                if isinstance(row.get("task_id"), str)
            )
            return StatusPage(tasks, _next_offset(document, offset, size))

        return self._page_size.read(read_size)
