# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Server Migration Service: migrations, their states, their passphrases. Its paths have no project."""

from __future__ import annotations

import dataclasses
import functools
import typing as t
import uuid

from ..messages import ApiError, Json, Response
from ..service import Call, Operation, Service, World
from . import errors

#: Rows of a page by default.
DEFAULT_LIMIT = 50
#: What the list may be filtered by, as documented.
FILTER_STATES = (
    "READY",
    "RUNNING",
    "SYNCING",
    "MIGRATE_SUCCESS",
    "MIGRATE_FAIL",
    "ABORTING",
    "ABORT",
    "DELETING",
    "SYNC_F_ROLLBACKING",
    "SYNC_F_ROLLBACK_SUCCESS",
)


@dataclasses.dataclass
class Migration:
    """One migration task.

    Attributes:
        state: As the service writes it, ``RESETING`` included.
        passphrase: None when the service does not give it away.
        progress: Percent done.
        error: What went wrong, if anything did.
        created, started, finished: Milliseconds since the epoch.
    """

    id: str
    name: str
    domain_id: str
    project_id: str
    created: int
    state: str = "READY"
    passphrase: str | None = None
    progress: int = 0
    remain_seconds: int = 0
    error: str | None = None
    started: int | None = None
    finished: int | None = None

    def as_row(self) -> dict[str, Json]:
        """Return the form in the list."""
        server = {"id": str(uuid.uuid5(uuid.NAMESPACE_OID, self.id)), "name": f"source-of-{self.name}"}
        return {
            "id": self.id,
            "name": self.name,
            "type": "MIGRATE_FILE",
            "os_type": "LINUX",
            "state": self.state,
            "priority": 1,
            "speed_limit": 0,
            "migrate_speed": 10.5,
            "compress_rate": 1.0,
            "start_target_server": True,
            "error_json": self.error or "",
            "total_time": ((self.finished or self.created) - self.created) // 1000,
            "migration_ip": "192.168.0.77",
            "create_date": self.created,
            "estimate_complete_time": None,
            "enterprise_project_id": "0",
            "need_migration_test": False,
            "subtask_info": "",
            "sub_tasks": [
                {
                    "id": 1,
                    "name": "MIGRATE_LINUX_FILE",
                    "progress": self.progress,
                    "start_date": self.started,
                    "end_date": self.finished,
                    "process_trace": "",
                }
            ],
            "source_server": {**server, "ip": "10.0.0.5", "os_type": "LINUX", "os_version": "UBUNTU_22_4_64BIT"},
            "target_server": {"id": "", "vm_id": "", "name": self.name, "ip": "", "os_type": "LINUX"},
            "log_collect_status": "INIT",
            "syncing": self.state == "SYNCING",
            "special_config": [],
        }

    def as_detail(self) -> dict[str, Json]:
        """Return the form of the single read."""
        row = {key: value for key, value in self.as_row().items() if key not in _LIST_ONLY}
        return {
            **row,
            "region_id": "cn-north-4",
            "region_name": "cn-north-4",
            "project_id": self.project_id,
            "project_name": "cn-north-4",
            "vm_template_id": "",
            "connected": True,
            "start_date": self.started,
            "finish_date": self.finished,
            "remain_seconds": self.remain_seconds,
            "target_snapshot_id": "",
            "float_ip": "",
        }


_LIST_ONLY = ("log_collect_status", "syncing", "special_config")


class Sms(Service):
    """The service."""

    name = "sms"

    def __init__(self, world: World) -> None:
        self.world = world
        self.tasks: dict[str, Migration] = {}
        #: The one region of its site in which the service lives.
        self.region = "cn-north-4"

    def operations(self) -> t.Sequence[Operation]:
        """Return the table of operations."""
        return [
            Operation("ListTasks", "GET", "/v3/tasks", self._list),
            Operation("ShowTask", "GET", "/v3/tasks/{task_id}", self._show),
            Operation("ShowPassphrase", "GET", "/v3/tasks/{task_id}/passphrase", self._passphrase),
        ]

    def error_response(self, error: ApiError) -> Response:
        """Return an error in the flat form; some have more fields."""
        return errors.flat(error)

    def invalid(self, message: str) -> ApiError:
        """Return the error for a malformed request."""
        return ApiError(400, "SMS.2015", message)

    def concerns(self, call: Call) -> set[str]:
        """Return the id and name of the migration asked for."""
        task = self.tasks.get(call.params.get("task_id", ""))
        return {task.id, task.name} if task is not None else set()

    def add(self, domain_id: str, project_id: str, name: str, **fields: t.Any) -> Migration:
        """Let a migration exist; fields are those of ``Migration``."""
        migration = Migration(
            **{"id": str(uuid.uuid4()), "created": self.world.milliseconds(), **fields},
            name=name,
            domain_id=domain_id,
            project_id=project_id,
        )
        self.tasks[migration.id] = migration
        return migration

    def run(
        self, migration: Migration, seconds: float, ends: str = "MIGRATE_SUCCESS", error: str | None = None
    ) -> None:
        """Let a migration run for so many seconds, passing a quarter, a half and three quarters, to a final state."""
        migration.state, migration.started = "RUNNING", self.world.milliseconds()
        migration.remain_seconds = int(seconds)

        def pass_by(part: float) -> None:
            migration.progress, migration.remain_seconds = int(part * 100), int(seconds * (1 - part))

        def finish() -> None:
            migration.state, migration.error, migration.finished = ends, error, self.world.milliseconds()
            migration.remain_seconds = 0
            if error is None:
                migration.progress = 100

        for part in (0.25, 0.5, 0.75):
            self.world.timeline.after(seconds * part, functools.partial(pass_by, part))
        self.world.timeline.after(seconds, finish)

    def _check_form(self, call: Call) -> None:
        """Require a content type even on reads; the service calls its absence a matter of authentication."""
        content_type = call.request.header("Content-Type")
        if content_type is None:
            raise ApiError(401, "SMS.2005", "The Content-Type header is missing.")
        if not content_type.startswith("application/json"):
            raise ApiError(401, "SMS.2006", "The Content-Type must be application/json.")

    def _task(self, call: Call) -> Migration:
        self._check_form(call)
        task = self.tasks.get(call.params["task_id"])
        if task is None:
            raise ApiError(404, "SMS.2252", "The task does not exist.")
        if task.domain_id != call.identity.domain_id:
            raise ApiError(403, "SMS.2248", "The task does not belong to the account.")
        return task

    def _show(self, call: Call) -> Response:
        return Response.of(self._task(call).as_detail())

    def _passphrase(self, call: Call) -> Response:
        task = self._task(call)
        if task.passphrase is None:
            # the shape is the vendor's example
            raise ApiError(
                403,
                "SMS.9004",
                "The current account does not have the permission to execute policy.",
                {
                    "encoded_authorization_message": "AQ0wLjE5OmVtdWxhdGVk",
                    "error_param": ["sms:server:queryServer"],
                    "details": [{"error_code": "SMS.9004", "error_msg": "sms:server:queryServer"}],
                },
            )
        return Response.of({"task_id": task.id, "passphrase": task.passphrase})

    def _list(self, call: Call) -> Response:
        self._check_form(call)
        limit = self.integer(call, "limit", DEFAULT_LIMIT, 0, 200)
        offset = self.integer(call, "offset", 0, 0, 1_000_000)
        state = call.query.get("state")
        if state is not None and state not in FILTER_STATES:
            raise self.invalid(f"The state {state} is invalid.")
        found = [
            task
            for task in self.tasks.values()
            if task.domain_id == call.identity.domain_id
            and state in (None, task.state)
            and call.query.get("name", "") in task.name
            and call.query.get("id", task.id) == task.id
            and call.query.get("source_server_id") in (None, task.as_row()["source_server"]["id"])
        ]
        return Response.of({"count": len(found), "tasks": [task.as_row() for task in found[offset : offset + limit]]})
