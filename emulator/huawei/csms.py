# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloud Secret Management Service: rotations of secrets, and the tasks they are."""

from __future__ import annotations

import dataclasses
import re
import typing as t
import uuid

from ..messages import ApiError, Json, Response
from ..service import Call, Operation, Service, World
from . import errors

#: Rows of a page, by default and at most.
DEFAULT_LIMIT, MAX_LIMIT = 50, 1000

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclasses.dataclass
class Secret:
    """A secret.

    Attributes:
        type: ``COMMON`` secrets cannot be rotated; ``RDS-FG`` and ``GaussDB-FG`` are, by a function.
        operate_type: ``SINGLE_USER`` or ``MULTI_USER``.
        version: Counts the rotations.
    """

    name: str
    project_id: str
    type: str = "RDS-FG"
    operate_type: str = "MULTI_USER"
    rotation_func_urn: str = "urn:fss:cn-north-4:emulated:function:default:rotate:latest"
    version: int = 1


@dataclasses.dataclass
class Rotation:
    """One task.

    Attributes:
        created: Milliseconds since the epoch.
        status: ``SUCCESS``, ``FAILED``, or while it runs the service's ``pending_status``.
    """

    id: str
    secret: Secret
    created: int
    status: str
    error_code: str | None = None
    error_msg: str | None = None

    def as_json(self) -> dict[str, Json]:
        """Return the row in the list; the errors are absent unless there were some."""
        row: dict[str, Json] = {
            "task_id": self.id,
            "secret_name": self.secret.name,
            "rotation_func_urn": self.secret.rotation_func_urn,
            "task_status": self.status,
            "operate_type": self.secret.operate_type,
            "task_time": self.created,
            "attempt_nums": 1,
        }
        if self.error_code is not None:
            row |= {"task_error_code": self.error_code, "task_error_msg": self.error_msg}
        return row


class Csms(Service):
    """The service.

    Args:
        world: Time, faults, the lock.
        task_seconds: How long a rotation takes.
    """

    name = "csms"

    def __init__(self, world: World, task_seconds: float) -> None:
        self.world = world
        self.task_seconds = task_seconds
        #: The word of a task that has not ended is not documented.
        self.pending_status = "RUNNING"
        #: Seconds until a new task appears in the list.
        self.delay_seconds = 0.0
        #: True gives a marker with every full page, so that the last one may point to an empty page.
        self.trailing_marker = False
        #: Whether ``total`` counts all matches or the rows of the page is not documented.
        self.total_of_page = False
        #: Older documents nest errors.
        self.nested_errors = False
        #: Older documents have no rotation_task_id in the response to a rotation.
        self.tells_task_id = True
        #: By project and name.
        self.secrets: dict[tuple[str, str], Secret] = {}
        self.tasks: dict[str, Rotation] = {}

    def operations(self) -> t.Sequence[Operation]:
        """Return the table of operations."""
        rotate = "/v1/{project_id}/secrets/{secret_name}/rotate"
        return [
            Operation("ListSecretTask", "GET", "/v1/{project_id}/csms/tasks", self._list),
            Operation("RotateSecret", "POST", rotate, self._rotate, writes=True),
        ]

    def error_response(self, error: ApiError) -> Response:
        """Return an error in the flat form, or nested as in older documents."""
        if not self.nested_errors:
            return errors.flat(error)
        body = {"error_code": error.code, "error_msg": error.message}
        return Response.of({"error": {**body, **error.extra}}, error.status)

    def invalid(self, message: str) -> ApiError:
        """Return the error for a malformed request."""
        return ApiError(400, "CSMS.0002", message)

    def concerns(self, call: Call) -> set[str]:
        """Return the secret named in the path or the query, and that of the task asked for."""
        names = {call.params.get("secret_name"), call.query.get("secret_name")}
        task = self.tasks.get(call.query.get("task_id", ""))
        return {name for name in (*names, task and task.secret.name) if name}

    def add_secret(self, secret: Secret) -> Secret:
        """Let a secret exist."""
        self.secrets[secret.project_id, secret.name] = secret
        return secret

    def rotate(self, secret: Secret) -> Rotation:
        """Start a rotation."""
        fate = self.world.faults.fate({secret.name}, "RotateSecret", self.task_seconds, "CSMS.0001")
        task = Rotation(str(uuid.uuid4()), secret, self.world.milliseconds(), self.pending_status)
        self.tasks[task.id] = task

        def finish() -> None:
            task.status = fate.word or ("SUCCESS" if fate.failure is None else "FAILED")
            if fate.failure is None:
                secret.version += 1
            else:
                task.error_code, task.error_msg = fate.failure

        if fate.seconds is not None:
            self.world.timeline.after(fate.seconds, finish)
        return task

    def _rotate(self, call: Call) -> Response:
        secret = self.secrets.get((call.project_id, call.params["secret_name"]))
        if secret is None:
            raise ApiError(400, "CSMS.0106", "The secret name not found in the db.")
        if secret.type == "COMMON":
            raise ApiError(400, "CSMS.0003", "A common secret cannot be rotated.")
        task = self.rotate(secret)
        document = {"version_id": f"v{secret.version + 1}", "secret_name": secret.name}
        return Response.of({**document, "rotation_task_id": task.id} if self.tells_task_id else document)

    def _list(self, call: Call) -> Response:
        limit = self.integer(call, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
        task_id, name, status = (call.query.get(key) for key in ("task_id", "secret_name", "status"))
        if task_id is not None and len(call.query) > 1:
            raise self.invalid("task_id cannot be combined with other search conditions.")
        if name is not None and not _NAME.fullmatch(name):
            raise self.invalid("secret_name is invalid.")
        if status is not None and status not in ("SUCCESS", "FAILED"):
            raise self.invalid("status must be SUCCESS or FAILED.")
        now = self.world.milliseconds()
        found = [
            task
            for task in reversed(self.tasks.values())
            if task.secret.project_id == call.project_id
            and task.created + self.delay_seconds * 1000 <= now
            and task_id in (None, task.id)
            and name in (None, task.secret.name)
            and status in (None, task.status)
        ]
        start = self._start(found, call.query.get("marker", ""))
        page = found[start : start + limit]
        more = len(page) == limit if self.trailing_marker else start + limit < len(found)
        document: dict[str, Json] = {
            "total": len(page) if self.total_of_page else len(found),
            "tasks": [task.as_json() for task in page],
        }
        return Response.of({**document, "next_marker": page[-1].id} if more else document)

    def _start(self, found: list[Rotation], marker: str) -> int:
        if not marker:
            return 0
        for index, task in enumerate(found):
            if task.id == marker:
                return index + 1
        raise self.invalid("marker is invalid.")
