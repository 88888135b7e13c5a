# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Huawei Cloud ECS (Elastic Cloud Server): servers, power actions, and the states of jobs.

Source: "Elastic Cloud Server API reference" (support.huaweicloud.com), ECS v1, and the models of the official SDK 3.1.219.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    InvalidResponseError,
    NotFoundError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import (
    Row,
    display_text,
    flag,
    given_rows,
    identifier,
    mapping_or_empty,
    number,
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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient, HuaweiOperation
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.base import ServiceBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.pagination import (
    Listing,
    RowPage,
    read_pages,
)

if t.TYPE_CHECKING:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.errors import HuaweiErrorResponse

#: Ids in one read: the URL gets too long beyond (documented limit).
READ_SIZE = 100
#: Servers in one power action (documented limit).
ACTION_SIZE = 1000
#: Failed sub-jobs that a reason names.
REASONS = 5

ACTIVE = "ACTIVE"
SHUTOFF = "SHUTOFF"
#: The fields of the documented row of a server that does not exist; everything else in it is null.
_FIELDS_WITHOUT_SERVER = {"id", "fault"}

_JOB_STATES = {"INIT": PENDING, "RUNNING": PENDING, "SUCCESS": SUCCESS, "FAIL": FAILED}


def _no_such_job(response: HuaweiErrorResponse) -> bool:
    # Some paths answer as Nova does, in an object of this name.
    by_ecs = response.code.startswith("Ecs.") or response.envelope == "itemNotFound"
    return (response.status == 404 and by_ecs) or (
        response.code == "Ecs.1000" and "itemnotfound" in response.text.lower()
    )


LIST_SERVERS = HuaweiOperation(
    service="ecs",
    name="ListServersDetails",
    method="GET",
    path="/v1/{project_id}/cloudservers/detail",
    read_only=True,
    response_key="servers",
    iam_action="ecs:cloudServers:list",
    lists=True,
)
START_SERVERS = HuaweiOperation(
    service="ecs",
    name="BatchStartServers",
    method="POST",
    path="/v1/{project_id}/cloudservers/action",
    read_only=False,
    response_key="job_id",
    iam_action="ecs:cloudServers:start",
)
STOP_SERVERS = HuaweiOperation(
    service="ecs",
    name="BatchStopServers",
    method="POST",
    path="/v1/{project_id}/cloudservers/action",
    read_only=False,
    response_key="job_id",
    iam_action="ecs:cloudServers:stop",
)
SHOW_JOB = HuaweiOperation(
    service="ecs",
    name="ShowJob",
    method="GET",
    path="/v1/{project_id}/jobs/{job_id}",
    read_only=True,
    response_key=None,
    iam_action="ecs:jobs:get",
    is_not_found=_no_such_job,
    own_errors=True,
)


def read_servers(client: HuaweiClient, server_ids: t.Sequence[str]) -> dict[str, Row]:
    """Return the servers that exist, by id, read a hundred at a time.

    An id that does not exist comes back as a row that holds nothing but the id and a fault; it is left out.
    """
    found: dict[str, Row] = {}
    left = client.countdown()
    for start in range(0, len(server_ids), READ_SIZE):
        ids = server_ids[start : start + READ_SIZE]
        document = client.call(LIST_SERVERS, query=_by_ids(ids), timeout=left)
        for row in _wanted(document, ids):
            if _exists(row):
                found[row["id"]] = row
    return found


def _by_ids(ids: t.Sequence[str]) -> list[tuple[str, str]]:
    return [("server_id", ",".join(ids))]


def _wanted(document: Row, ids: t.Sequence[str]) -> list[Row]:
    """Return the rows of the requested servers.

    Raises:
        InvalidResponseError: One of them has no row, and there is a row that may be its own.
    """
    found = given_rows(document, "servers", LIST_SERVERS)
    wanted = set(ids)
    own = [row for row in found if isinstance(row.get("id"), str) and row["id"] in wanted]
    if len({row["id"] for row in own}) < len(wanted):
        for row in found:
            text(row, "id", LIST_SERVERS)
    return own


def _exists(row: Row) -> bool:
    """Return True when a row is that of a server that exists: of one that does not, all but the id and a fault is null.

    Raises:
        InvalidResponseError: It is neither.
    """
    if all(value is None for name, value in row.items() if name not in _FIELDS_WITHOUT_SERVER):
        return False
    return bool(text(row, "status", LIST_SERVERS))


def list_servers(client: HuaweiClient, filters: t.Mapping[str, str]) -> Listing:
    """Return all servers that match the filters; ``offset`` is the number of a page here, from 1."""
    seen = 0

    def read(page: t.Any, limit: int, left: Budget) -> RowPage:
        nonlocal seen
        query: list[tuple[str, str | int]] = [*filters.items(), ("limit", limit), ("offset", page)]
        document = client.call(LIST_SERVERS, query=query, timeout=left)
        found = rows(document, "servers", LIST_SERVERS)
        seen += len(found)
        count = number(document, "count")
        last = not found or (count is not None and seen >= count)
        return RowPage(found, None if last else page + 1)

    return read_pages(read, "id", LIST_SERVERS, client.countdown(), limit=ACTION_SIZE, marker=1, counted=True)


def summarize(row: t.Mapping[str, t.Any]) -> Row:
    """Return the fields of a server that users need, under plain names.

    Raises:
        InvalidResponseError: A field that decides what is done to the server is of another type than documented.
    """
    metadata = mapping_or_empty(row, "metadata", LIST_SERVERS)
    # A server that boots from a volume has an empty text for its image.
    image = mapping_or_empty(row, "image", LIST_SERVERS) if row.get("image") else {}
    networks = mapping_or_empty(row, "addresses", LIST_SERVERS)
    return {
        "server_id": text(row, "id", LIST_SERVERS),
        "name": text_or_none(row, "name", LIST_SERVERS),
        "status": text(row, "status", LIST_SERVERS),
        "task_state": text_or_none(row, "OS-EXT-STS:task_state", LIST_SERVERS),
        "vm_state": text_or_none(row, "OS-EXT-STS:vm_state", LIST_SERVERS),
        "power_state": row.get("OS-EXT-STS:power_state"),
        "key_name": text_or_none(row, "key_name", LIST_SERVERS),
        "locked": flag(row, "locked", LIST_SERVERS),
        "os_type": text_or_none(metadata, "os_type", LIST_SERVERS),
        "image_id": text_or_none(image, "id", LIST_SERVERS)
        or text_or_none(metadata, "metering.image_id", LIST_SERVERS),
        "image_name": text_or_none(metadata, "image_name", LIST_SERVERS),
        "image_type": text_or_none(metadata, "metering.imagetype", LIST_SERVERS),
        "addresses": [
            {
                "network": network,
                "address": text_or_none(address, "addr", LIST_SERVERS),
                "version": address.get("version"),
                "type": text_or_none(address, "OS-EXT-IPS:type", LIST_SERVERS),
            }
            for network in networks
            for address in rows(networks, network, LIST_SERVERS)
        ],
        "fault": mapping_or_empty(row, "fault", LIST_SERVERS) or None,
    }


def start(client: HuaweiClient, server_ids: t.Sequence[str]) -> str:
    """Start up to 1000 servers; return the id of the job."""
    body = {"os-start": {"servers": [{"id": server_id} for server_id in server_ids]}}
    return identifier(client.call(START_SERVERS, body=body), "job_id", START_SERVERS)


def stop(client: HuaweiClient, server_ids: t.Sequence[str], stop_type: str) -> str:
    """Stop up to 1000 servers, ``SOFT`` (through the guest) or ``HARD``; return the id of the job."""
    body = {"os-stop": {"servers": [{"id": server_id} for server_id in server_ids], "type": stop_type}}
    return identifier(client.call(STOP_SERVERS, body=body), "job_id", STOP_SERVERS)


def sub_jobs(job: t.Mapping[str, t.Any]) -> list[Row]:
    """Return the sub-jobs of a job; a job may have none."""
    return rows(mapping_or_empty(job, "entities", SHOW_JOB), "sub_jobs", SHOW_JOB)


def job_outcomes(job: t.Mapping[str, t.Any]) -> dict[str, tuple[str, Reason | None]]:
    """Return state and reason by server, as far as the sub-jobs name servers."""
    outcomes = {}
    for sub in sub_jobs(job):
        server_id = text_or_none(mapping_or_empty(sub, "entities", SHOW_JOB), "server_id", SHOW_JOB)
        if server_id:
            state = _JOB_STATES.get(text(sub, "status", SHOW_JOB), UNKNOWN)
            outcomes[server_id] = (state, _sub_reason(sub) if state == FAILED else None)
    return outcomes


def classify_job(job: t.Mapping[str, t.Any]) -> tuple[str, Reason | None]:
    """Return state and reason of a job and its sub-jobs: an overall SUCCESS may hide a sub-job that failed or is not done.

    Raises:
        InvalidResponseError: A field that decides the state is of another type than documented.
    """
    state = _JOB_STATES.get(text(job, "status", SHOW_JOB), UNKNOWN)
    subs = sub_jobs(job)
    failed = [sub for sub in subs if text(sub, "status", SHOW_JOB) == "FAIL"]
    if state == FAILED or (state == SUCCESS and failed):
        return FAILED, _job_reason(job, failed)
    if state == SUCCESS and any(sub["status"] != "SUCCESS" for sub in subs):
        return PENDING, None
    return state, None


def _job_reason(job: t.Mapping[str, t.Any], failed: t.Sequence[Row]) -> Reason | None:
    if not failed:
        code, message = display_text(job, "error_code"), display_text(job, "fail_reason")
        return Reason(code, message) if code or message else None
    parts = []
    for sub in failed[:REASONS]:
        server_id = display_text(mapping_or_empty(sub, "entities", SHOW_JOB), "server_id")
        parts.append(" ".join(part for part in (server_id, str(_sub_reason(sub) or "failed")) if part))
    if len(failed) > REASONS:
        parts.append(f"and {len(failed) - REASONS} more")
    first = _sub_reason(failed[0])
    return Reason(first.code if first else None, "; ".join(parts))


def _sub_reason(sub: t.Mapping[str, t.Any]) -> Reason | None:
    code = display_text(sub, "error_code")
    entities = mapping_or_empty(sub, "entities", SHOW_JOB)
    message = display_text(entities, "errorcode_message") or display_text(sub, "fail_reason")
    return Reason(code, message) if code or message else None


def _progress(job: t.Mapping[str, t.Any]) -> float | None:
    total = number(mapping_or_empty(job, "entities", SHOW_JOB), "sub_jobs_total")
    if total is None or total < 1:
        return None
    finished = sum(1 for sub in sub_jobs(job) if sub.get("status") in ("SUCCESS", "FAIL"))
    return min(100.0, round(100.0 * finished / total, 1))


class ServerStatusBackend(ServiceBackend[HuaweiClient]):
    """Servers that change their status, as tasks: done when they have the status and no action is going on.

    Args:
        client: The client.
        status: ``ACTIVE`` or ``SHUTOFF``.
        server_ids: The servers; one page reads a hundred of them.
    """

    service = "ecs"
    statuses: t.Mapping[str, tuple[str, ...]] = {
        PENDING: (ACTIVE, SHUTOFF),
        SUCCESS: (ACTIVE, SHUTOFF),
        FAILED: ("ERROR",),
    }
    labels: tuple[tuple[str, str], ...] = (("name", "server"),)
    has_list = True

    def __init__(self, client: HuaweiClient, status: str, server_ids: t.Sequence[str]) -> None:
        super().__init__(client)
        self._status = status
        self._server_ids = server_ids

    def read(self, task_id: str, timeout: float) -> TaskStatus:
        """Read one server."""
        found = [row for row in self._rows([task_id], timeout) if _exists(row)]
        if not found:
            raise NotFoundError(f"{LIST_SERVERS} at {self.endpoint} knows no server {task_id}.")
        return self._status_of(found[0])

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
        """Read the next hundred servers; one whose row has a wrong type is polled by itself."""
        start = cursor or 0
        following = start + READ_SIZE
        tasks = []
        for row in self._rows(self._server_ids[start:following], timeout):
            try:
                if _exists(row):
                    tasks.append(self._status_of(row))
            except InvalidResponseError:
                continue
        return StatusPage(tuple(tasks), following if following < len(self._server_ids) else None)

    def _rows(self, ids: t.Sequence[str], timeout: float) -> list[Row]:
        return _wanted(self.client.once(LIST_SERVERS, query=_by_ids(ids), timeout=timeout), ids)

    def _status_of(self, row: Row) -> TaskStatus:
        data = summarize(row)
        status = data["status"]
        if status == "ERROR":
            fault = data["fault"] or {}
            code, message = display_text(fault, "code"), display_text(fault, "message")
            reason = Reason(code, message) if code or message else None
            return TaskStatus(row["id"], FAILED, status, reason, data=data)
        done = status == self._status and not data["task_state"]
        return TaskStatus(row["id"], SUCCESS if done else PENDING, status, data=data)


class EcsJobBackend(ServiceBackend[HuaweiClient]):
    """The jobs of ECS. A successful job does not prove that a server is on or off: read the server for that."""

    service = "ecs"
    statuses: t.Mapping[str, tuple[str, ...]] = {
        PENDING: ("INIT", "RUNNING"),
        SUCCESS: ("SUCCESS",),
        FAILED: ("FAIL",),
    }

    def read(self, task_id: str, timeout: float) -> TaskStatus:
        """Read one job."""
        job = self.client.once(SHOW_JOB, path={"job_id": task_id}, timeout=timeout)
        if job.get("status") is None:
            # The documented response to a query that failed inside the service: HTTP 200 with code and message.
            why = str(Reason(display_text(job, "code"), display_text(job, "message"))) or "no reason"
            raise InvalidResponseError(f"{SHOW_JOB} was answered without a status: {why}.", truncated=True)
        same_id(job, "job_id", SHOW_JOB, task_id)
        state, reason = classify_job(job)
        return TaskStatus(task_id, state, job["status"], reason, _progress(job), data=job)
