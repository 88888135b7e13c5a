# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Elastic Cloud Server: servers, power operations on many of them, and the jobs these make."""

from __future__ import annotations

import dataclasses
import typing as t
import uuid

from ..clock import iso
from ..messages import ApiError, Json, Response
from ..service import Call, Machines, Operation, Service, World
from . import errors
from .servers import Server

#: Most servers in one power operation, and most ids in one read of many.
MAX_BATCH = 1000
MAX_IDS = 100


@dataclasses.dataclass
class SubJob:
    """One server's part of a power job."""

    id: str
    server_id: str
    status: str = "INIT"
    end: float | None = None
    error_code: str | None = None
    fail_reason: str | None = None


@dataclasses.dataclass
class Job:
    """The job that a power operation makes."""

    id: str
    project_id: str
    type: str
    part_type: str
    begin: float
    parts: list[SubJob]
    started: bool = False

    @property
    def status(self) -> str:
        """``INIT``, ``RUNNING``, ``SUCCESS``, or ``FAIL`` when any part failed."""
        states = {part.status for part in self.parts}
        if not self.started:
            return "INIT"
        if states & {"INIT", "RUNNING"}:
            return "RUNNING"
        return "FAIL" if "FAIL" in states else "SUCCESS"


@dataclasses.dataclass(frozen=True)
class _Power:
    """One of the power operations: how it is called in various places."""

    operation: str
    job_type: str
    task_state: str
    states: tuple[str, ...]
    verb: str


_POWER = {
    "os-start": _Power("BatchStartServers", "startServer", "powering-on", ("SHUTOFF",), "start"),
    "os-stop": _Power("BatchStopServers", "stopServer", "powering-off", ("ACTIVE", "ERROR"), "stop"),
    "reboot": _Power("BatchRebootServers", "rebootServer", "rebooting", ("ACTIVE",), "reboot"),
}


class Ecs(Service):
    """The service.

    Args:
        world: Time, faults, the lock.
        machines: The hardware.
        job_seconds: How long a power job takes.
        boot_seconds: How long after a start's success it takes until one can log in.
    """

    name = "ecs"

    def __init__(self, world: World, machines: Machines, job_seconds: float, boot_seconds: float) -> None:
        self.world = world
        self.machines = machines
        self.job_seconds = job_seconds
        self.boot_seconds = boot_seconds
        #: True makes starting a started server (or stopping a stopped one) succeed. What the real service does is not
        #: documented; the OpenStack interface below it rejects such requests.
        self.tolerant = False
        self.servers: dict[str, Server] = {}
        self.jobs: dict[str, Job] = {}
        #: Told whenever a server's power is about to change: the server, and the verb.
        self.on_power: list[t.Callable[[Server, str], None]] = []

    def operations(self) -> t.Sequence[Operation]:
        """Return the table of operations."""
        server = "/v1/{project_id}/cloudservers"
        return [
            Operation("ListServersDetails", "GET", f"{server}/detail", self._list_details),
            Operation("ShowServer", "GET", f"{server}/{{server_id}}", self._show),
            Operation("BatchServerAction", "POST", f"{server}/action", self._act, writes=True),
            Operation("ShowJob", "GET", "/v1/{project_id}/jobs/{job_id}", self._show_job),
        ]

    def error_response(self, error: ApiError) -> Response:
        """Return an error in the nested form of ECS."""
        return errors.nested(error)

    def invalid(self, message: str) -> ApiError:
        """Return the error for a malformed request."""
        return ApiError(400, "Ecs.0005", message)

    def refine(self, operation: Operation, body: bytes) -> Operation:
        """Return the operation that the body names: one path serves all power operations."""
        for key, power in _POWER.items():
            if operation.name == "BatchServerAction" and f'"{key}"'.encode() in body:
                return dataclasses.replace(operation, name=power.operation)
        return operation

    def add_server(self, server: Server) -> Server:
        """Let a server exist."""
        self.servers[server.id] = server
        return server

    def find(self, name: str) -> Server:
        """Return the server with this id or name."""
        for server in self.servers.values():
            if name in server.names():
                return server
        raise KeyError(name)

    def concerns(self, call: Call) -> set[str]:
        """Return the servers in the path, query or body, and those of the requested job."""
        text = call.request.target + call.request.text()
        named = [server for server in self.servers.values() if server.id in text]
        job = self.jobs.get(call.params.get("job_id", ""))
        if job is not None:
            named += [self.servers[part.server_id] for part in job.parts if part.server_id in self.servers]
        return {name for server in named for name in server.names()}

    def _show(self, call: Call) -> Response:
        return Response.of({"server": self._server(call.project_id, call.params["server_id"]).as_json()})

    def _server(self, project_id: str, server_id: str) -> Server:
        server = self.servers.get(server_id)
        if server is None or server.project_id != project_id:
            raise _no_such_server(server_id)
        return server

    def _list_details(self, call: Call) -> Response:
        mine = [server for server in self.servers.values() if server.project_id == call.project_id]
        wanted = call.query.get("server_id")
        if wanted:
            return self._list_by_id(mine, wanted.split(","))
        limit = self.integer(call, "limit", 25, 0, 1000)
        page = self.integer(call, "offset", 1, 1, 1_000_000)
        found = [server for server in mine if _matches(server, call.query)]
        marker = call.query.get("marker")
        if marker:
            places = [index for index, server in enumerate(found) if server.id == marker]
            if not places:
                raise self.invalid(f"marker [{marker}] not found")
            start = places[0] + 1
        else:
            start = (page - 1) * limit
        rows = [server.as_json() for server in found[start : start + limit]]
        return Response.of({"count": len(found), "servers": rows})

    def _list_by_id(self, mine: list[Server], wanted: list[str]) -> Response:
        if len(wanted) > MAX_IDS:
            raise self.invalid(f"At most {MAX_IDS} server ids in one request, not {len(wanted)}.")
        known = {server.id: server.as_json() for server in mine}
        rows = [known.get(server_id) or _stub(server_id) for server_id in dict.fromkeys(wanted)]
        return Response.of({"count": len(rows), "servers": rows})

    def _act(self, call: Call) -> Response:
        document = self.document(call)
        keys = [key for key in document if key in _POWER]
        if len(keys) != 1 or len(document) != 1:
            raise self.invalid(f"The body must have exactly one of {', '.join(_POWER)}.")
        order = document[keys[0]]
        power = _POWER[keys[0]]
        rows = order.get("servers") if isinstance(order, dict) else None
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) and row.get("id") for row in rows):
            raise self.invalid("servers must be a list of objects with an id.")
        if len(rows) > MAX_BATCH:
            raise self.invalid(f"At most {MAX_BATCH} servers in one request, not {len(rows)}.")
        kind = order.get("type", None if power.verb == "reboot" else "SOFT")
        if power.verb != "start" and kind not in ("SOFT", "HARD"):
            raise self.invalid("type must be SOFT or HARD.")
        servers = [self._server(call.project_id, row["id"]) for row in rows]
        return Response.of({"job_id": self.order(keys[0], servers).id})

    def order(self, action: str, servers: list[Server]) -> Job:
        """Start a power job: ``os-start``, ``os-stop`` or ``reboot`` servers of one project."""
        power = _POWER[action]
        job = Job(
            uuid.uuid4().hex,
            servers[0].project_id,
            f"batch{power.job_type[0].upper()}{power.job_type[1:]}",
            power.job_type,
            self.world.now(),
            [SubJob(uuid.uuid4().hex, server.id) for server in servers],
        )
        self.jobs[job.id] = job
        for part, server in zip(job.parts, servers, strict=True):
            reason = self._refusal(power, server)
            if reason is not None:
                self._end(part, reason)
                continue
            server.task_state = power.task_state
            for tell in self.on_power:
                tell(server, power.verb)
        self.world.timeline.after(self.job_seconds * 0.1, lambda: self._run(job))
        self.world.timeline.after(self.job_seconds, lambda: self._finish(job, power))
        return job

    def _refusal(self, power: _Power, server: Server) -> tuple[str, str] | None:
        """Return why a server cannot do this now, as error code and reason. These codes are not documented."""
        if server.locked:
            return "Ecs.0616", f"Instance {server.id} is locked"
        if server.task_state is not None:
            return (
                "Ecs.0609",
                f"Cannot '{power.verb}' instance {server.id} while it is in task_state {server.task_state}",
            )
        if server.status not in power.states and not self.tolerant:
            return "Ecs.0609", f"Cannot '{power.verb}' instance {server.id} while it is in vm_state {server.vm_state}"
        return None

    def _run(self, job: Job) -> None:
        job.started = True
        for part in job.parts:
            if part.status == "INIT":
                part.status = "RUNNING"

    def _finish(self, job: Job, power: _Power) -> None:
        job.started = True
        for part in job.parts:
            if part.status in ("SUCCESS", "FAIL"):
                continue
            server = self.servers[part.server_id]
            outcomes = ["job_fails", "job_stuck", *(["start_fails"] if power.verb == "start" else [])]
            fault = self.world.faults.outcome(outcomes, server.names(), power.operation)
            if fault is not None and fault.what == "job_stuck":
                continue
            server.task_state = None
            server.updated = self.world.now()
            if fault is not None:
                code = fault.details.get("code", "Ecs.0319")
                self._end(part, (code, fault.details.get("message", f"{power.verb} of {server.id} failed")))
                continue
            self._apply(power, server)
            self._end(part, None)

    def _apply(self, power: _Power, server: Server) -> None:
        if power.verb != "start":
            self.machines.power_off(server.id)
        if power.verb == "stop":
            server.status = "SHUTOFF"
            return
        server.status = "ACTIVE"
        if self.world.faults.outcome(["ssh_never_up"], server.names(), power.operation) is not None:
            return
        if not self.boot_seconds:
            self.machines.power_on(server.id)
            return
        self.world.timeline.after(self.boot_seconds, lambda: self._booted(server))

    def _booted(self, server: Server) -> None:
        if server.status == "ACTIVE":
            self.machines.power_on(server.id)

    def _end(self, part: SubJob, failure: tuple[str, str] | None) -> None:
        part.status = "SUCCESS" if failure is None else "FAIL"
        part.end = self.world.now()
        if failure is not None:
            part.error_code, part.fail_reason = failure

    def _show_job(self, call: Call) -> Response:
        job = self.jobs.get(call.params["job_id"])
        if job is None or job.project_id != call.project_id:
            raise ApiError(404, "Ecs.0107", f"Job {call.params['job_id']} could not be found.")
        rows = [_job_row(part, job.part_type, job.begin) for part in job.parts]
        failed = [part for part in job.parts if part.status == "FAIL"]
        done = job.status in ("SUCCESS", "FAIL")
        end = max((part.end or 0.0 for part in job.parts), default=0.0)
        return Response.of(
            {
                "status": job.status,
                "job_id": job.id,
                "job_type": job.type,
                "begin_time": iso(job.begin),
                "end_time": iso(end) if done else "",
                "error_code": failed[0].error_code if failed and done else None,
                "fail_reason": failed[0].fail_reason if failed and done else None,
                "entities": {"sub_jobs_total": len(rows), "sub_jobs": rows},
            }
        )


def _job_row(part: SubJob, job_type: str, begin: float) -> dict[str, Json]:
    return {
        "status": part.status,
        "job_id": part.id,
        "job_type": job_type,
        "begin_time": iso(begin),
        "end_time": "" if part.end is None else iso(part.end),
        "error_code": part.error_code,
        "fail_reason": part.fail_reason,
        "entities": {"server_id": part.server_id, "errorcode_message": part.fail_reason or ""},
    }


def _stub(server_id: str) -> dict[str, Json]:
    """Return the row of an id that does not exist: nothing but the id and the fault is set."""
    fault = {"code": 404, "message": f"Instance {server_id} could not be found.", "created": None, "details": None}
    return {"id": server_id, "fault": fault}


def _matches(server: Server, query: t.Mapping[str, str]) -> bool:
    return (
        query.get("name", "") in server.name
        and query.get("status", server.status) == server.status
        and query.get("ip_eq", server.address) == server.address
        and set(filter(None, query.get("tags", "").split(","))) <= set(server.tags)
    )


def _no_such_server(server_id: str) -> ApiError:
    return ApiError(404, "Ecs.0114", f"Instance[{server_id}] could not be found.")
