# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key Pair Service, second half: the tasks that put key pairs onto servers.

There is one call to associate; what becomes of it (bind, replace, reset) follows from the server's power state, from
the key pair it has, and from the credentials sent along. Credentials are checked for real: the password must be the
server's, the private key must be the other half of the bound public key.
"""

from __future__ import annotations

import dataclasses
import typing as t
import uuid

from .. import keys
from ..clock import TimedEvent
from ..messages import ApiError, Json, Response
from ..service import Call, Machines, Operation, World
from .ecs import Ecs
from .keypairs import KeyPair, KeyPairs, KpsService
from .servers import Server

#: Most servers in one batch.
MAX_BATCH = 10
#: Images on which the service cannot work, as the vendor lists them; matched anywhere in the image's name.
UNSUPPORTED = ("CoreOS", "openEuler", "FreeBSD", "Kylin V10", "UnionTech", "Euler ", "CentOS Stream 8")


@dataclasses.dataclass
class Task:
    """One key pair task.

    Attributes:
        operation: ``RESET``, ``REPLACE``, ``BIND`` or ``UNBIND``.
        phase: ``READY``, ``RUNNING``, ``SUCCESS`` or ``FAILED``.
        created: Milliseconds since the epoch.
        disable_password: What becomes of logging in by password; None is nothing.
        word: The status word told instead of the usual one, once the task has ended.
        hidden, lingers: Faults of the list of running tasks: not in it while it runs, still in it when it has ended.
        doom: Why it will fail, if that was clear from the start: code and message.
    """

    id: str
    project_id: str
    server_id: str
    server_name: str
    keypair_name: str
    public_key: str | None
    operation: str
    created: int
    phase: str = "READY"
    word: str | None = None
    disable_password: bool | None = None
    hidden: bool = False
    lingers: bool = False
    doom: tuple[str | None, str] | None = None
    error_code: str | None = None
    error_msg: str | None = None
    events: list[TimedEvent] = dataclasses.field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.phase in ("SUCCESS", "FAILED")

    @property
    def status(self) -> str:
        """The status word."""
        return self.word if self.word is not None and self.ended else f"{self.phase}_{self.operation}"

    def as_row(self) -> dict[str, Json]:
        """Return the form in the lists; the time is a string of milliseconds."""
        return {
            "task_id": self.id,
            "operate_type": f"{'FAILED' if self.phase == 'FAILED' else 'RUNNING'}_{self.operation}",
            "task_time": str(self.created),
            "server_name": self.server_name,
            "server_id": self.server_id,
            "keypair_name": self.keypair_name,
        }


class Kps(KpsService):
    """The tasks.

    Args:
        world: Time, faults, the lock.
        pairs: The key pairs.
        ecs: Whose servers get the keys.
        machines: The hardware.
        task_seconds: How long a task takes.
    """

    def __init__(self, world: World, pairs: KeyPairs, ecs: Ecs, machines: Machines, task_seconds: float) -> None:
        self.world = world
        self.pairs = pairs
        self.ecs = ecs
        self.machines = machines
        self.task_seconds = task_seconds
        #: Newer documents say 202, older ones 200.
        self.accepted_status = 202
        #: How a replacement's final words end: documents say RESET, the Terraform provider accepts REPLACE.
        self.replace_suffix = "REPLACE"
        self.tasks: dict[str, Task] = {}
        ecs.on_power.append(self._disturb)

    def operations(self) -> t.Sequence[Operation]:
        """Return the table of operations."""
        base = "/v3/{project_id}"
        pairs, failed = f"{base}/keypairs", f"{base}/failed-tasks"
        return [
            Operation("AssociateKeypair", "POST", f"{pairs}/associate", self._associate, writes=True),
            Operation("BatchAssociateKeypair", "POST", f"{pairs}/batch-associate", self._associate_many, writes=True),
            Operation("DisassociateKeypair", "POST", f"{pairs}/disassociate", self._disassociate, writes=True),
            Operation("ListKeypairTask", "GET", f"{base}/tasks/{{task_id}}", self._show_task),
            Operation("ListRunningTask", "GET", f"{base}/running-tasks", self._list_running),
            Operation("ListFailedTask", "GET", failed, self._list_failed),
            Operation("DeleteAllFailedTask", "DELETE", failed, self._delete_failed, writes=True),
            Operation("DeleteFailedTask", "DELETE", f"{failed}/{{task_id}}", self._delete_one, writes=True),
        ]

    def concerns(self, call: Call) -> set[str]:
        """Return the servers in the body, and that of the requested task."""
        names = self.ecs.concerns(call)
        task = self.tasks.get(call.params.get("task_id", ""))
        if task is not None:
            names |= {task.server_id, task.server_name}
        return names

    # tasks: making them

    def _associate(self, call: Call) -> Response:
        return Response.of(self._associate_one(call, self.document(call)), self.accepted_status)

    def _associate_one(self, call: Call, order: Json) -> dict[str, Json]:
        server, auth = self._order(call, order)
        pair = self.pairs.find(call, order.get("keypair_name"))
        disable_password = order["server"].get("disable_password")
        if disable_password not in (None, True, False):
            raise self.invalid("server.disable_password must be true or false.")
        return self.bind(server, pair, auth, call.operation.name, disable_password=disable_password)

    def bind(
        self,
        server: Server,
        pair: KeyPair,
        auth: dict[str, Json] | None = None,
        operation: str = "AssociateKeypair",
        *,
        disable_password: bool | None = None,
    ) -> dict[str, Json]:
        """Start to put a key pair onto a server, and give the response to the request for it.

        Args:
            auth: ``type`` and ``key``; needed where the server is running.
            operation: The operation that asks for it, for faults.
            disable_password: Whether logging in by password is over then; None leaves it as it is.
        """
        task = Task(
            id=uuid.uuid4().hex,
            project_id=server.project_id,
            server_id=server.id,
            server_name=server.name,
            keypair_name=pair.name,
            public_key=pair.public_key,
            operation=self._operation(server),
            created=self.world.milliseconds(),
            doom=_busy(self._running_on(server)) or self._doom(server, auth or {}),
            disable_password=disable_password,
        )
        return self._begin(task, server, operation)

    def _disassociate(self, call: Call) -> Response:
        server, auth = self._order(call, self.document(call))
        doom = self._doom(server, auth)
        if server.key_name is None:
            doom = ("KPS.6004", f"No key pair is bound to server {server.id}.")
        task = Task(
            id=uuid.uuid4().hex,
            project_id=server.project_id,
            server_id=server.id,
            server_name=server.name,
            keypair_name=server.key_name or "",
            public_key=None,
            operation="UNBIND",
            created=self.world.milliseconds(),
            doom=_busy(self._running_on(server)) or doom,
        )
        return Response.of(self._begin(task, server, call.operation.name), self.accepted_status)

    def _associate_many(self, call: Call) -> Response:
        orders = self.document(call).get("batch_keypairs")
        if not isinstance(orders, list) or not 1 <= len(orders) <= MAX_BATCH:
            raise self.invalid(f"batch_keypairs must have 1 to {MAX_BATCH} entries.")
        if len({order.get("keypair_name") for order in orders if isinstance(order, dict)}) != 1:
            raise self.invalid("All servers of a batch get the same key pair.")
        rows = []
        for order in orders:
            try:
                server, _auth = self._order(call, order)
                if server.status != "ACTIVE" or server.key_name is not None:
                    raise self.invalid("A batch takes running servers without a key pair only.")
                rows.append(self._associate_one(call, order))
            except ApiError as error:
                server_id = (order.get("server") or {}).get("id") if isinstance(order, dict) else None
                # the status word is in mixed case in the vendor's example of a batch
                rows.append(
                    {
                        "server_id": server_id,
                        "status": "Failed",
                        "error_code": error.code,
                        "error_msg": error.message,
                    }
                )
        return Response.of({"tasks": rows}, self.accepted_status)

    def _order(self, call: Call, order: Json) -> tuple[Server, dict[str, Json]]:
        """Return the server and the credentials of an order, checked for form."""
        wanted = order.get("server") if isinstance(order, dict) else None
        if not isinstance(wanted, dict) or not isinstance(wanted.get("id"), str):
            raise self.invalid("server.id is missing.")
        server = self.ecs.servers.get(wanted["id"])
        if server is None or server.project_id != call.project_id:
            # the code for this case is not documented; "parameter error" is the nearest
            raise self.invalid(f"Server {wanted['id']} does not exist.")
        auth = wanted.get("auth")
        if auth is None:
            return server, {}
        if not isinstance(auth, dict) or auth.get("type") not in ("password", "keypair") or not auth.get("key"):
            raise self.invalid("server.auth needs type (password or keypair) and key.")
        return server, auth

    def _operation(self, server: Server) -> str:
        if server.key_name is None:
            return "BIND"
        return "RESET" if server.status == "SHUTOFF" else "REPLACE"

    def _doom(self, server: Server, auth: dict[str, Json]) -> tuple[str | None, str] | None:
        """Return why a task on this server must fail, as code and message. Most of the codes are not documented."""
        if server.os_type != "Linux":
            return "KPS.0002", f"Server {server.id} runs {server.os_type}; only Linux is supported."
        if any(name in server.image_name for name in UNSUPPORTED):
            return "KPS.0002", f"The image {server.image_name} of server {server.id} is not supported."
        if server.locked:
            return "KPS.0003", f"Server {server.id} is locked."
        if server.task_state is not None or server.status not in ("ACTIVE", "SHUTOFF"):
            state = server.task_state or server.status
            return "KPS.0003", f"Server {server.id} is in state {state}."
        if server.status == "SHUTOFF":
            return None  # credentials are not needed and not looked at
        if not auth:
            return "KPS.6009", f"Server {server.id} is running: auth is needed, or the server must be shut off."
        if auth["type"] == "password":
            if auth["key"] == server.password and not server.disable_password:
                return None
            return "KPS.6009", f"Logging in to server {server.id} by password failed."
        if server.managed_key is not None and keys.belong(auth["key"], server.managed_key):
            return None
        return "KPS.6011", f"The private key does not match the public key of server {server.id}."

    def _running_on(self, server: Server) -> list[Task]:
        return [task for task in self.tasks.values() if task.server_id == server.id and not task.ended]

    def _begin(self, task: Task, server: Server, operation: str) -> dict[str, Json]:
        refusal = self.world.faults.outcome(["associate_rejected"], server.names(), operation)
        if refusal is not None:
            return {
                "server_id": server.id,
                "status": refusal.details.get("status", "FAILED"),
                "error_code": refusal.details.get("code", "KPS.0003"),
                "error_msg": refusal.details.get("message", "The dependent service is unavailable."),
            }
        fate = self.world.faults.fate(server.names(), operation, self.task_seconds, "KPS.0003")
        task.doom, task.word = fate.failure or task.doom, fate.word
        task.hidden, task.lingers = fate.hidden, fate.lingers
        self.tasks[task.id] = task
        later = self.world.timeline.after
        task.events.append(later((fate.seconds or self.task_seconds) * 0.1, lambda: self._run(task)))
        if fate.seconds is not None:
            task.events.append(later(fate.seconds, lambda: self._finish(task, server, operation)))
        return {"task_id": task.id, "server_id": server.id, "status": "SUCCESS"}

    # tasks: what becomes of them

    def _run(self, task: Task) -> None:
        task.phase = "RUNNING"

    def _finish(self, task: Task, server: Server, operation: str) -> None:
        if task.doom is not None:
            self._fail(task, *task.doom)
            return
        out, new = server.managed_key, task.public_key
        if self.world.faults.outcome(["old_key_stays"], server.names(), operation):
            out = None
        if self.world.faults.outcome(["new_key_refused"], server.names(), operation):
            new = None
        self.machines.replace_key(server.id, out, new)
        server.managed_key = task.public_key
        server.key_name = task.keypair_name if task.public_key is not None else None
        if task.disable_password is not None:
            server.disable_password = task.disable_password
        server.updated = self.world.now()
        task.phase = "SUCCESS"
        if task.operation == "REPLACE":
            task.word = task.word or f"SUCCESS_{self.replace_suffix}"

    def _fail(self, task: Task, code: str | None, message: str) -> None:
        for event in task.events:
            event.cancelled = True
        task.phase = "FAILED"
        if task.operation == "REPLACE":
            task.word = task.word or f"FAILED_{self.replace_suffix}"
        task.error_code, task.error_msg = code, message

    def _disturb(self, server: Server, verb: str) -> None:
        """Fail the running task of a server whose power changes.

        That this ends the task is our reading: the service works on the disk of a server that is off (it needs
        permissions to detach and attach disks and to create servers), and logs in to one that is on.
        """
        for task in self._running_on(server):
            self._fail(task, "KPS.0003", f"Server {server.id} was asked to {verb} while the task was running.")

    # tasks: asking about them

    def _task(self, call: Call) -> Task:
        task = self.tasks.get(call.params["task_id"])
        if task is None or task.project_id != call.project_id:
            raise ApiError(400, "KPS.0001", f"The taskId {call.params['task_id']} is illegal.")
        return task

    def _show_task(self, call: Call) -> Response:
        task = self._task(call)
        return Response.of({"server_id": task.server_id, "task_id": task.id, "task_status": task.status})

    def _page(self, call: Call, tasks: list[Task], row: t.Callable[[Task], dict[str, Json]]) -> Response:
        limit = self.integer(call, "limit", 1000, 1, 1000)
        offset = self.integer(call, "offset", 0, 0, 1_000_000)
        return Response.of({"total": len(tasks), "tasks": [row(task) for task in tasks[offset : offset + limit]]})

    def _list_running(self, call: Call) -> Response:
        mine = [
            task
            for task in self.tasks.values()
            if task.project_id == call.project_id and (task.lingers if task.ended else not task.hidden)
        ]
        return self._page(call, mine, Task.as_row)

    def _failed(self, call: Call) -> list[Task]:
        return [task for task in self.tasks.values() if task.project_id == call.project_id and task.phase == "FAILED"]

    def _list_failed(self, call: Call) -> Response:
        def row(task: Task) -> dict[str, Json]:
            return {**task.as_row(), "task_error_code": task.error_code, "task_error_msg": task.error_msg}

        return self._page(call, self._failed(call), row)

    def _delete_failed(self, call: Call) -> Response:
        for task in self._failed(call):
            del self.tasks[task.id]
        return Response(200)

    def _delete_one(self, call: Call) -> Response:
        task = self.tasks.get(call.params["task_id"])
        if task is None or task not in self._failed(call):
            raise ApiError(400, "KPS.0005", f"The failed task {call.params['task_id']} was not found.")
        del self.tasks[task.id]
        return Response(200)


def _busy(running: list[Task]) -> tuple[str, str] | None:
    """Return the failure of a second task on one server: each associate makes a task, and this one cannot do its work."""
    if not running:
        return None
    return "KPS.0003", f"Another key pair task ({running[0].id}) is running on server {running[0].server_id}."
