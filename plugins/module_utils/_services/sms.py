# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Huawei Cloud SMS (Server Migration Service): the passphrase of a task, and the states of migrations.

Source: "Server Migration Service API reference" (support.huaweicloud.com), SMS v3, and the models of the official SDK
3.1.219. The pages of the two reading operations name different sets of states; this is their union.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import (
    Row,
    display_text,
    number,
    parse_json,
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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient, HuaweiOperation
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.base import ServiceBackend

if t.TYPE_CHECKING:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.errors import HuaweiErrorResponse

#: The longest page, and the last row a page may begin with (documented maxima).
MAX_PAGE = 200
MAX_OFFSET = 65535

_STATUSES: dict[str, tuple[str, ...]] = {
    PENDING: (
        "READY",
        "RUNNING",
        "SYNCING",
        "ABORTING",
        "SKIPPING",
        "DELETING",
        "RESETING",
        "SYNC_F_ROLLBACKING",
    ),
    SUCCESS: ("MIGRATE_SUCCESS", "SYNC_SUCCESS"),
    # ABORT: a person stopped it, and nothing goes on by itself.
    FAILED: ("MIGRATE_FAIL", "SYNC_FAIL", "ABORT", "SYNC_F_ROLLBACK_SUCCESS"),
}
_STATES = {status: state for state, listed in _STATUSES.items() for status in listed}


def _no_such_task(response: HuaweiErrorResponse) -> bool:
    return response.code == "SMS.2252"


SHOW_PASSPHRASE = HuaweiOperation(
    service="sms",
    name="ShowPassphrase",
    method="GET",
    path="/v3/tasks/{task_id}/passphrase",
    read_only=True,
    response_key="passphrase",
    is_not_found=_no_such_task,
    secret=True,
)
SHOW_TASK = HuaweiOperation(
    service="sms",
    name="ShowTask",
    method="GET",
    path="/v3/tasks/{task_id}",
    read_only=True,
    response_key="state",
    is_not_found=_no_such_task,
)
LIST_TASKS = HuaweiOperation(
    service="sms",
    name="ListTasks",
    method="GET",
    path="/v3/tasks",
    read_only=True,
    response_key="tasks",
    iam_action="sms:server:listTask",
    lists=True,
)


def classify(status: t.Any) -> str:
    """Return the state of a raw state, compared exactly."""
    return _STATES.get(status, UNKNOWN) if isinstance(status, str) else UNKNOWN


def show_passphrase(client: HuaweiClient, task_id: str) -> str:
    """Return the passphrase of a migration task: a secret.

    Raises:
        NotFoundError: There is no such task.
        InvalidResponseError: The response is about another task, or has no text.
    """
    document = client.call(SHOW_PASSPHRASE, path={"task_id": task_id})
    same_id(document, "task_id", SHOW_PASSPHRASE, task_id)
    return text(document, "passphrase", SHOW_PASSPHRASE, may_be_empty=True)


class SmsBackend(ServiceBackend[HuaweiClient]):
    """The migrations of SMS."""

    service = "sms"
    parent = "account"
    statuses: t.Mapping[str, tuple[str, ...]] = _STATUSES
    has_list = True

    def read(self, task_id: str, timeout: float) -> TaskStatus:
        """Read one migration."""
        row = self.client.once(SHOW_TASK, path={"task_id": task_id}, timeout=timeout)
        same_id(row, "id", SHOW_TASK, task_id)
        text(row, "state", SHOW_TASK)
        return _status_of({"id": task_id, **row})

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
        """Read one page of all migrations; ``offset`` counts rows."""
        offset = cursor or 0
        document = self.client.once(LIST_TASKS, query=[("limit", MAX_PAGE), ("offset", offset)], timeout=timeout)
        found = rows(document, "tasks", LIST_TASKS)
        following = offset + len(found)
        count = number(document, "count")
        last = not found or following > MAX_OFFSET or (count is not None and following >= count)
        # The task of a row without an id or a state is polled by itself.
        plain = [row for row in found if isinstance(row.get("id"), str) and isinstance(row.get("state"), str)]
        return StatusPage(tuple(_status_of(row) for row in plain), None if last else following)


def _status_of(row: Row) -> TaskStatus:
    status = row["state"]
    state = classify(status)
    return TaskStatus(
        row["id"],
        state,
        status,
        _reason(row) if state == FAILED else None,
        _progress(row),
        number(row, "remain_seconds") if state == PENDING else None,
        row,
    )


def _reason(row: Row) -> Reason | None:
    """Return why a migration failed: ``error_json`` is JSON inside a text, or a text."""
    said = display_text(row, "error_json")
    if said is None:
        return None
    try:
        found = parse_json(said.encode("utf-8"))
    except ValueError:
        found = None
    if isinstance(found, list) and found:
        found = found[0]
    if isinstance(found, dict) and (display_text(found, "error_code") or display_text(found, "error_msg")):
        return Reason(display_text(found, "error_code"), display_text(found, "error_msg"))
    return Reason(None, said)


def _progress(row: Row) -> float | None:
    """Return the percent done: the mean of the sub-tasks."""
    subs = row.get("sub_tasks")
    found = [number(sub, "progress") for sub in subs if isinstance(sub, dict)] if isinstance(subs, list) else []
    percents = [percent for percent in found if percent is not None and percent <= 100]
    return round(sum(percents) / len(percents), 1) if percents else None
