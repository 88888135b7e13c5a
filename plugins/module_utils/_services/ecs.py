# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Huawei Cloud ECS (Elastic Cloud Server): servers, power actions, and how its jobs are judged.

Source: "Elastic Cloud Server API reference" (support.huaweicloud.com), ECS v1, and the models of the official SDK 3.1.219.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _task
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import BrokenAnswerError, NotFoundError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient, Operation
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services._huawei_source import HuaweiSource

if t.TYPE_CHECKING:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.answers import Refusal

#: Ids in one read: the URL gets too long beyond (documented limit).
READ_SIZE = 100
#: Servers in one power action (documented limit).
ACTION_SIZE = 1000
#: Failed sub-jobs that a reason spells out.
REASONS = 5

ACTIVE = "ACTIVE"
SHUTOFF = "SHUTOFF"

Row = dict[str, t.Any]

_JOB_STATES = {"INIT": _task.PENDING, "RUNNING": _task.PENDING, "SUCCESS": _task.SUCCESS, "FAIL": _task.FAILED}


def _no_such_job(refusal: Refusal) -> bool:
    return (refusal.status == 404 and refusal.gateway is None) or (
        refusal.code == "Ecs.1000" and "itemnotfound" in refusal.text.lower()
    )


LIST_SERVERS = Operation(
    "ecs", "ListServersDetails", "GET", "/v1/{project_id}/cloudservers/detail", True, "servers", "ecs:cloudServers:list"
)
START_SERVERS = Operation(
    "ecs",
    "BatchStartServers",
    "POST",
    "/v1/{project_id}/cloudservers/action",
    False,
    "job_id",
    "ecs:cloudServers:start",
)
STOP_SERVERS = Operation(
    "ecs", "BatchStopServers", "POST", "/v1/{project_id}/cloudservers/action", False, "job_id", "ecs:cloudServers:stop"
)
SHOW_JOB = Operation(
    "ecs", "ShowJob", "GET", "/v1/{project_id}/jobs/{job_id}", True, None, "ecs:jobs:get", _no_such_job
)


def read_servers(client: HuaweiClient, server_ids: t.Sequence[str]) -> dict[str, Row]:
    """The servers that exist, by id, read a hundred at a time.

    An id that does not exist comes back as a row that holds nothing but the id and a fault; it is left out.
    """
    found: dict[str, Row] = {}
    for start in range(0, len(server_ids), READ_SIZE):
        ids = server_ids[start : start + READ_SIZE]
        document = client.call(LIST_SERVERS, query=_by_ids(ids))
        found.update({row["id"]: row for row in _existing(document, ids)})
    return found


def _by_ids(ids: t.Sequence[str]) -> list[tuple[str, str]]:
    return [("server_id", ",".join(ids))]


def _existing(document: Row, ids: t.Sequence[str]) -> list[Row]:
    """The rows of servers that exist: of one that does not, all but the id and a fault is null."""
    wanted = set(ids)
    return [row for row in _servers_of(document) if row.get("id") in wanted and row.get("status")]


def list_servers(client: HuaweiClient, filters: t.Mapping[str, str]) -> list[Row]:
    """All servers that match the filters; ``offset`` is the number of a page here, from 1."""
    found: dict[str, Row] = {}
    page = 1
    while True:
        query: list[tuple[str, str | int]] = [*filters.items(), ("limit", ACTION_SIZE), ("offset", page)]
        document = client.call(LIST_SERVERS, query=query)
        before = len(found)
        for row in _servers_of(document):
            found.setdefault(str(row.get("id")), row)
        count = document.get("count")
        if len(found) == before or (isinstance(count, int) and len(found) >= count):
            return list(found.values())
        page += 1


def _servers_of(document: Row) -> list[Row]:
    rows = document["servers"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BrokenAnswerError(f"{LIST_SERVERS} was answered with servers that are no list of objects.")
    return rows


def summarize(row: t.Mapping[str, t.Any]) -> Row:
    """What people ask of a server, under plain names."""
    metadata = row.get("metadata") or {}
    image = row.get("image") or {}
    networks = row.get("addresses") or {}
    return {
        "server_id": row.get("id"),
        "name": row.get("name"),
        "status": row.get("status"),
        "task_state": row.get("OS-EXT-STS:task_state"),
        "vm_state": row.get("OS-EXT-STS:vm_state"),
        "power_state": row.get("OS-EXT-STS:power_state"),
        "key_name": row.get("key_name") or None,
        "locked": bool(row.get("locked")),
        "os_type": metadata.get("os_type"),
        "image_id": image.get("id") or metadata.get("metering.image_id"),
        "image_name": metadata.get("image_name"),
        "image_type": metadata.get("metering.imagetype"),
        "addresses": [
            {
                "network": network,
                "address": address.get("addr"),
                "version": address.get("version"),
                "type": address.get("OS-EXT-IPS:type"),
            }
            for network, addresses in networks.items()
            for address in addresses
        ],
        "fault": row.get("fault") or None,
    }


def start(client: HuaweiClient, server_ids: t.Sequence[str]) -> str:
    """Start up to 1000 servers; the id of the job that does it."""
    body = {"os-start": {"servers": [{"id": server_id} for server_id in server_ids]}}
    return str(client.call(START_SERVERS, body=body)["job_id"])


def stop(client: HuaweiClient, server_ids: t.Sequence[str], stop_type: str) -> str:
    """Stop up to 1000 servers, ``SOFT`` (through the guest) or ``HARD``; the id of the job that does it."""
    body = {"os-stop": {"servers": [{"id": server_id} for server_id in server_ids], "type": stop_type}}
    return str(client.call(STOP_SERVERS, body=body)["job_id"])


def sub_jobs(job: t.Mapping[str, t.Any]) -> list[Row]:
    """The sub-jobs of a job; a job may have none."""
    jobs = (job.get("entities") or {}).get("sub_jobs") or []
    return [sub for sub in jobs if isinstance(sub, dict)]


def job_outcomes(job: t.Mapping[str, t.Any]) -> dict[str, tuple[str, _task.Reason | None]]:
    """State and reason by server, as far as the sub-jobs name servers."""
    outcomes = {}
    for sub in sub_jobs(job):
        server_id = (sub.get("entities") or {}).get("server_id")
        if server_id:
            state = _JOB_STATES.get(str(sub.get("status")), _task.UNKNOWN)
            outcomes[str(server_id)] = (state, _sub_reason(sub) if state == _task.FAILED else None)
    return outcomes


def judge_job(job: t.Mapping[str, t.Any]) -> tuple[str, _task.Reason | None]:
    """State and reason of a job and its sub-jobs: an overall SUCCESS may hide a sub-job that failed or is not done."""
    status = str(job.get("status"))
    state = _JOB_STATES.get(status, _task.UNKNOWN)
    subs = sub_jobs(job)
    failed = [sub for sub in subs if sub.get("status") == "FAIL"]
    if state == _task.FAILED or (state == _task.SUCCESS and failed):
        return _task.FAILED, _job_reason(job, failed)
    if state == _task.SUCCESS and any(sub.get("status") != "SUCCESS" for sub in subs):
        return _task.PENDING, None
    return state, None


def _job_reason(job: t.Mapping[str, t.Any], failed: t.Sequence[Row]) -> _task.Reason | None:
    if not failed:
        code, message = job.get("error_code"), job.get("fail_reason")
        return _task.Reason(code, message) if code or message else None
    parts = []
    for sub in failed[:REASONS]:
        server_id = (sub.get("entities") or {}).get("server_id")
        parts.append(" ".join(part for part in (server_id, str(_sub_reason(sub) or "failed")) if part))
    if len(failed) > REASONS:
        parts.append(f"and {len(failed) - REASONS} more")
    first = _sub_reason(failed[0])
    return _task.Reason(first.code if first else None, "; ".join(parts))


def _sub_reason(sub: t.Mapping[str, t.Any]) -> _task.Reason | None:
    code = sub.get("error_code")
    message = (sub.get("entities") or {}).get("errorcode_message") or sub.get("fail_reason")
    return _task.Reason(code, message) if code or message else None


def _progress(job: t.Mapping[str, t.Any]) -> float | None:
    total = (job.get("entities") or {}).get("sub_jobs_total")
    if not isinstance(total, int) or total < 1:
        return None
    finished = sum(1 for sub in sub_jobs(job) if sub.get("status") in ("SUCCESS", "FAIL"))
    return round(100.0 * finished / total, 1)


class ServerStates(HuaweiSource):
    """Servers on their way to a status, as tasks: done when the status is there and nothing is being done any more.

    Args:
        client: The client.
        status: ``ACTIVE`` or ``SHUTOFF``.
        server_ids: The servers, which one page reads a hundred at a time.
    """

    service = "ecs"
    words: t.Mapping[str, tuple[str, ...]] = {
        _task.PENDING: (ACTIVE, SHUTOFF),
        _task.SUCCESS: (ACTIVE, SHUTOFF),
        _task.FAILED: ("ERROR",),
    }
    labels: tuple[tuple[str, str], ...] = (("name", "server"),)
    lists = True

    def __init__(self, client: HuaweiClient, status: str, server_ids: t.Sequence[str]) -> None:
        super().__init__(client)
        self._status = status
        self._server_ids = server_ids

    def read(self, task_id: str, timeout: float) -> _task.Sighting:
        """Look at one server."""
        found = self._look([task_id], timeout)
        if not found:
            raise NotFoundError(f"{LIST_SERVERS} at {self.endpoint} knows no server {task_id}.")
        return found[0]

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> _task.Page:
        """Look at the next hundred servers."""
        start = cursor or 0
        following = start + READ_SIZE
        ids = self._server_ids[start:following]
        return _task.Page(self._look(ids, timeout), following if following < len(self._server_ids) else None)

    def _look(self, ids: t.Sequence[str], timeout: float) -> tuple[_task.Sighting, ...]:
        document = self.client.once(LIST_SERVERS, query=_by_ids(ids), timeout=timeout)
        return tuple(self._judge(row) for row in _existing(document, ids))

    def _judge(self, row: Row) -> _task.Sighting:
        status = str(row["status"])
        if status == "ERROR":
            fault = row.get("fault") or {}
            code, message = fault.get("code"), fault.get("message")
            reason = _task.Reason(str(code) if code else None, message) if code or message else None
            return _task.Sighting(row["id"], _task.FAILED, status, reason, data=summarize(row))
        done = status == self._status and not row.get("OS-EXT-STS:task_state")
        return _task.Sighting(row["id"], _task.SUCCESS if done else _task.PENDING, status, data=summarize(row))


class EcsJobs(HuaweiSource):
    """ECS jobs as tasks. A successful job does not prove that a server is on or off: who needs that reads the server."""

    service = "ecs"
    words: t.Mapping[str, tuple[str, ...]] = {
        _task.PENDING: ("INIT", "RUNNING"),
        _task.SUCCESS: ("SUCCESS",),
        _task.FAILED: ("FAIL",),
    }

    def read(self, task_id: str, timeout: float) -> _task.Sighting:
        """Ask about one job."""
        job = self.client.once(SHOW_JOB, path={"job_id": task_id}, timeout=timeout)
        if job.get("status") is None:
            # The documented answer of a query that failed inside the service: HTTP 200 with code and message.
            raise BrokenAnswerError(
                f"{SHOW_JOB} was answered without a status: {job.get('code')} {job.get('message')}.", cut=True
            )
        if job.get("job_id", task_id) != task_id:
            raise BrokenAnswerError(f"{SHOW_JOB} was asked about {task_id} and answered about {job['job_id']!r}.")
        state, reason = judge_job(job)
        return _task.Sighting(task_id, state, str(job["status"]), reason, _progress(job), data=job)
