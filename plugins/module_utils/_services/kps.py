# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Huawei Cloud KPS (Key Pair Service): its operations, and how its tasks are judged.

Source: "Key Pair Service API reference" (support.huaweicloud.com), KPS v3, and the models of the official SDK 3.1.219.
The documented list of task statuses names FAILED_RESET and SUCCESS_RESET twice and leaves BIND out, so a status is
judged by its first word. "Not found" is HTTP 400 with a code.
"""

from __future__ import annotations

import base64
import dataclasses
import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _task
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import BrokenAnswerError, NotFoundError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.answers import Refusal
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient, Operation
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services._paging import (
    Listing,
    Page,
    read_pages,
    rows_of,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services._source import HuaweiSource
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services._times import from_milliseconds

#: Servers in one batch of bindings (documented limit).
BATCH_SIZE = 10
#: Rows asked for per page: the documented default of the task lists.
PAGE_SIZE = 1000

_STATUS = re.compile(r"(READY|RUNNING|SUCCESS|FAILED)_([A-Z_]+)\Z")
_STATES = {"READY": _task.PENDING, "RUNNING": _task.PENDING, "SUCCESS": _task.SUCCESS, "FAILED": _task.FAILED}
_OPERATIONS = ("reset", "replace", "bind", "unbind")

Row = dict[str, t.Any]


def _no_such_task(refusal: Refusal) -> bool:
    return refusal.code == "KPS.0001" or (refusal.status == 404 and refusal.gateway is None)


def _no_such_keypair(refusal: Refusal) -> bool:
    return refusal.code in ("KPS.4016", "KPS.6004") or (refusal.status == 404 and refusal.gateway is None)


def _no_such_failed_task(refusal: Refusal) -> bool:
    return refusal.code == "KPS.0005" or (refusal.status == 404 and refusal.gateway is None)


SHOW_TASK = Operation(
    "kps",
    "ListKeypairTask",
    "GET",
    "/v3/{project_id}/tasks/{task_id}",
    True,
    "task_status",
    "kps::getTask",
    _no_such_task,
)
LIST_RUNNING = Operation(
    "kps", "ListRunningTask", "GET", "/v3/{project_id}/running-tasks", True, "tasks", "kps::getRunningTask"
)
LIST_FAILED = Operation(
    "kps", "ListFailedTask", "GET", "/v3/{project_id}/failed-tasks", True, "tasks", "kps::getFailedTask"
)
DELETE_FAILED = Operation(
    "kps",
    "DeleteFailedTask",
    "DELETE",
    "/v3/{project_id}/failed-tasks/{task_id}",
    False,
    None,
    "kps::deleteFailedTask",
    _no_such_failed_task,
)
CREATE_KEYPAIR = Operation(
    "kps",
    "CreateKeypair",
    "POST",
    "/v3/{project_id}/keypairs",
    False,
    "keypair",
    "kps:SSHKeyPair:create",
    secret=True,
)
LIST_KEYPAIRS = Operation(
    "kps", "ListKeypairs", "GET", "/v3/{project_id}/keypairs", True, "keypairs", "kps:SSHKeyPair:list"
)
SHOW_KEYPAIR = Operation(
    "kps",
    "ListKeypairDetail",
    "GET",
    "/v3/{project_id}/keypairs/{keypair_name}",
    True,
    "keypair",
    "kps:SSHKeyPair:get",
    _no_such_keypair,
)
UPDATE_KEYPAIR = Operation(
    "kps",
    "UpdateKeypairDescription",
    "PUT",
    "/v3/{project_id}/keypairs/{keypair_name}",
    False,
    None,
    "kps:SSHKeyPair:update",
    _no_such_keypair,
)
DELETE_KEYPAIR = Operation(
    "kps",
    "DeleteKeypair",
    "DELETE",
    "/v3/{project_id}/keypairs/{keypair_name}",
    False,
    None,
    "kps:SSHKeyPair:delete",
    _no_such_keypair,
)
ASSOCIATE = Operation(
    "kps", "AssociateKeypair", "POST", "/v3/{project_id}/keypairs/associate", False, None, "kps:SSHKeyPair:bind"
)
BATCH_ASSOCIATE = Operation(
    "kps",
    "BatchAssociateKeypair",
    "POST",
    "/v3/{project_id}/keypairs/batch-associate",
    False,
    "tasks",
    "kps:SSHKeyPair:bind",
)
DISASSOCIATE = Operation(
    "kps", "DisassociateKeypair", "POST", "/v3/{project_id}/keypairs/disassociate", False, None, "kps:SSHKeyPair:unbind"
)


def judge(status: t.Any) -> tuple[str, str]:
    """State and operation behind a raw status: ``("success", "reset")`` for ``SUCCESS_RESET``.

    Anything that is not one of the four first words, an underscore and capitals is ``unknown``, a bare ``SUCCESS``
    included. An unknown operation does not make the state unknown: the first word decides.
    """
    match = _STATUS.match(status) if isinstance(status, str) else None
    if match is None:
        return _task.UNKNOWN, "unknown"
    operation = match.group(2).lower()
    return _STATES[match.group(1)], operation if operation in _OPERATIONS else "unknown"


def with_meaning(row: Row, *, listed_as: str | None = None) -> Row:
    """A task with ``state``, ``operation`` and ``time`` added to the API's own fields.

    Args:
        row: What the API returned.
        listed_as: The state that being in a list means (``pending``, ``failed``); None for a task read by its id. The
            ``operate_type`` of a list gives the operation only: its first word is documented wrongly.
    """
    state, operation = judge(row.get("operate_type") if listed_as else row.get("task_status"))
    meaning: Row = {"state": listed_as or state, "operation": operation}
    if listed_as:
        meaning["time"] = from_milliseconds(row.get("task_time"))
    return {**row, **meaning}


def show_task(client: HuaweiClient, task_id: str) -> Row | None:
    """One task (``task_id``, ``server_id``, ``task_status``), or None when the service does not know the id."""
    try:
        return _about(task_id, client.call(SHOW_TASK, path={"task_id": task_id}))
    except NotFoundError:
        return None


def _about(task_id: str, row: Row) -> Row:
    """A task, if it is the one that was asked about."""
    if row.get("task_id", task_id) != task_id:
        raise BrokenAnswerError(f"{SHOW_TASK} was asked about {task_id} and answered about {row['task_id']!r}.")
    return row


def list_running(client: HuaweiClient) -> list[Row]:
    """All tasks that run (``task_id``, ``operate_type``, ``task_time``, ``server_name``, ``server_id``, ``keypair_name``)."""
    return read_list(client, LIST_RUNNING).rows


def list_failed(client: HuaweiClient) -> list[Row]:
    """All records of failed tasks: as those that run, with ``task_error_code`` and ``task_error_msg``."""
    return read_list(client, LIST_FAILED).rows


def read_list(
    client: HuaweiClient,
    operation: Operation,
    *,
    marker: int | None = None,
    limit: int = PAGE_SIZE,
    most: int | None = None,
) -> Listing:
    """One of the two lists of tasks.

    Args:
        client: The client.
        operation: ``LIST_RUNNING`` or ``LIST_FAILED``.
        marker: How many rows to leave out at the beginning.
        limit: Rows of a page.
        most: Rows at most.
    """

    def read(marker: int | None, limit: int) -> Page:
        offset = marker or 0
        document = client.call(operation, query=[("limit", limit), ("offset", offset)])
        return Page(rows_of(document, "tasks", operation), _next_offset(document, offset, limit))

    return read_pages(read, "task_id", marker=marker, limit=limit, most=most)


def _next_offset(document: Row, offset: int, size: int) -> int | None:
    """Where the next page starts, or None after the last.

    A short page is the last one only if ``total`` agrees: a service may give fewer rows than it was asked for, and
    older versions of the API have no ``total``; there the list ends with an empty page.
    """
    count = len(document["tasks"])
    total = document.get("total")
    if not count or (count < size and isinstance(total, int) and total <= offset + count):
        return None
    return offset + count


def delete_failed_task(client: HuaweiClient, task_id: str) -> bool:
    """Delete the record of one failed task; False when there was none. The id must have been checked."""
    try:
        client.call(DELETE_FAILED, path={"task_id": task_id})
    except NotFoundError:
        return False
    return True


def show_keypair(client: HuaweiClient, name: str) -> Row | None:
    """One key pair with its public key, or None."""
    try:
        found = _keypair_in(client.call(SHOW_KEYPAIR, path={"keypair_name": name}), SHOW_KEYPAIR)
    except NotFoundError:
        return None
    return {**found, "created": from_milliseconds(found.get("create_time"))}


def _keypair_in(document: Row, operation: Operation) -> Row:
    keypair = document["keypair"]
    if not isinstance(keypair, dict):
        raise BrokenAnswerError(f"{operation} was answered with a key pair that is no object.")
    return keypair


def key_material(public_key: str) -> tuple[str, str] | None:
    """Type and key of a public key in OpenSSH's format, without its comment; None when it is no such key."""
    parts = public_key.split()
    if len(parts) < 2:
        return None
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except ValueError:
        return None
    # The blob begins with the type once more, length first (RFC 4253, 6.6).
    name = parts[0].encode("utf-8")
    return (parts[0], parts[1]) if blob.startswith(len(name).to_bytes(4, "big") + name) else None


def list_keypairs(client: HuaweiClient) -> list[Row]:
    """All key pairs, without the parts that only the detail has."""

    def read(marker: str | None, limit: int) -> Page:
        document = client.call(LIST_KEYPAIRS, query=[("limit", limit), *([("marker", marker)] if marker else [])])
        rows = rows_of(document, "keypairs", LIST_KEYPAIRS)
        following = (document.get("page_info") or {}).get("next_marker")
        return Page([row["keypair"] for row in rows if isinstance(row.get("keypair"), dict)], following or None)

    return read_pages(read, "name", limit=50).rows


def create_keypair(client: HuaweiClient, fields: t.Mapping[str, t.Any]) -> Row:
    """Create a key pair, or import it when ``fields`` has ``public_key``. Only a generated one returns ``private_key``."""
    return _keypair_in(client.call(CREATE_KEYPAIR, body={"keypair": dict(fields)}), CREATE_KEYPAIR)


def set_description(client: HuaweiClient, name: str, description: str) -> None:
    """Change a key pair's description."""
    client.call(UPDATE_KEYPAIR, path={"keypair_name": name}, body={"keypair": {"description": description}})


def delete_keypair(client: HuaweiClient, name: str) -> bool:
    """Delete a key pair; False when there was none."""
    try:
        client.call(DELETE_KEYPAIR, path={"keypair_name": name})
    except NotFoundError:
        return False
    return True


@dataclasses.dataclass(frozen=True)
class Login:
    """How KPS gets into a running server: ``password`` (root's) or ``keypair`` (the current private key, PEM)."""

    kind: str
    secret: str = dataclasses.field(repr=False)

    def body(self) -> Row:
        """The ``auth`` object of a request."""
        return {"type": self.kind, "key": self.secret}


@dataclasses.dataclass(frozen=True)
class Binding:
    """What a server is to get, beside its id.

    Attributes:
        keypair_name: The key pair.
        login: How KPS gets in; None for a server that is off.
        disable_password: Whether logins with a password are switched off; None leaves them as they are.
        port: SSH port; None for 22.
    """

    keypair_name: str
    login: Login | None = None
    disable_password: bool | None = None
    port: int | None = None

    def body(self, server_id: str) -> Row:
        """The body of a request about one server."""
        server: Row = {"id": server_id}
        if self.login is not None:
            server["auth"] = self.login.body()
        if self.disable_password is not None:
            server["disable_password"] = self.disable_password
        if self.port is not None:
            server["port"] = self.port
        return {"keypair_name": self.keypair_name, "server": server}


def associate(client: HuaweiClient, server_id: str, binding: Binding) -> Row:
    """Start to bind, replace or reset: the service infers which from power state and login. Not idempotent.

    Returns:
        ``task_id``, and perhaps ``status``, ``error_code``, ``error_msg``: an accepted request may have failed already
        (see ``failed_already``), and has no task then.
    """
    return _begun(client.call(ASSOCIATE, body=binding.body(server_id)), ASSOCIATE)


def batch_bind(client: HuaweiClient, server_ids: t.Sequence[str], binding: Binding) -> dict[str, Row]:
    """Start to bind up to ten servers that run and have no key pair; an answer as that of ``associate`` for each.

    Raises:
        BrokenAnswerError: The request was accepted, and the answer leaves out a server.
    """
    body = {"batch_keypairs": [binding.body(server_id) for server_id in server_ids]}
    rows = {
        row.get("server_id"): row for row in rows_of(client.call(BATCH_ASSOCIATE, body=body), "tasks", BATCH_ASSOCIATE)
    }
    return {server_id: _begun(rows.get(server_id) or {}, BATCH_ASSOCIATE) for server_id in server_ids}


def disassociate(client: HuaweiClient, server_id: str, *, login: Login | None = None) -> Row:
    """Start to unbind a server's key pair; the same answer as ``associate``."""
    server: Row = {"id": server_id}
    if login is not None:
        server["auth"] = login.body()
    return _begun(client.call(DISASSOCIATE, body={"server": server}), DISASSOCIATE)


def failed_already(row: t.Mapping[str, t.Any]) -> bool:
    """Whether the answer to an association says that it failed; the documentation writes FAILED, and Failed in its example."""
    return str(row.get("status") or "").lower().startswith("failed")


def _begun(row: Row, operation: Operation) -> Row:
    """The answer to an association, if it says what became of it."""
    if not row.get("task_id") and not failed_already(row):
        raise BrokenAnswerError(f"{operation} was accepted, and answered without a task: {str(row)[:200]}.")
    return row


def reason_of(row: t.Mapping[str, t.Any]) -> _task.Reason | None:
    """Why a task failed, by its record in the list of failed tasks; the code may be null."""
    code, message = row.get("task_error_code"), row.get("task_error_msg")
    return _task.Reason(code, message) if code or message else None


class KpsTasks(HuaweiSource):
    """KPS as a source of tasks.

    Its one list of unfinished tasks says nothing but that they run, so absence from it is no verdict; its list of
    failed tasks is the only place that tells why.
    """

    service = "kps"
    words: t.Mapping[str, tuple[str, ...]] = {
        state: tuple(f"{first}_{operation.upper()}" for first in firsts for operation in _OPERATIONS)
        for state, firsts in {
            _task.PENDING: ("READY", "RUNNING"),
            _task.SUCCESS: ("SUCCESS",),
            _task.FAILED: ("FAILED",),
        }.items()
    }
    lists = True
    lists_only_pending = True
    explains = True

    def read(self, task_id: str, timeout: float) -> _task.Sighting:
        """Ask about one task."""
        row = _about(task_id, self.client.once(SHOW_TASK, path={"task_id": task_id}, timeout=timeout))
        status = row["task_status"]
        return _task.Sighting(task_id, judge(status)[0], None if status is None else str(status), data=row)

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> _task.Page:
        """One page of the tasks that run; a row's ``operate_type`` is documented wrongly and ignored."""
        return self._page(LIST_RUNNING, cursor, timeout, _task.PENDING)

    def reasons(self, cursor: t.Any, timeout: float) -> _task.Page:
        """One page of the records of failed tasks."""
        return self._page(LIST_FAILED, cursor, timeout, _task.FAILED)

    def _page(self, operation: Operation, cursor: t.Any, timeout: float, state: str) -> _task.Page:
        offset = cursor or 0
        document = self.client.once(operation, query=[("limit", PAGE_SIZE), ("offset", offset)], timeout=timeout)
        rows = rows_of(document, "tasks", operation)
        sightings = tuple(
            _task.Sighting(str(row.get("task_id")), state, reason=reason_of(row), data=row) for row in rows
        )
        return _task.Page(sightings, _next_offset(document, offset, PAGE_SIZE))
