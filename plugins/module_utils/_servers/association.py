# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Binding, replacing, resetting and unbinding the key pairs of many servers."""

from __future__ import annotations

import functools
import itertools
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import fields
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    CloudError,
    ForbiddenError,
    RejectedError,
    ThrottledError,
    TransportError,
    UsageError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_name
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    FAILED,
    PENDING,
    SUCCESS,
    UNKNOWN,
    Reason,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context, Result
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import CONNECTIONS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.plan import Logins, Step, decide
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.result import Row
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.run import FleetRun
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import ecs, kps, kps_keypairs
from ansible_collections.multicloud.async_tasks.plugins.module_utils._signals import call_runner

#: Seconds between two requests of an account that start a task: KPS publishes no limit, so it is not probed.
PACE = 0.1
#: Seconds for which the task of a lost request is looked for, and of the pauses in between: a task that waits for its turn is
#: on no list yet.
LOOK_FOR = 60.0
LOOKS = (1.0, 2.0, 4.0, 8.0)
#: Seconds before the sending of a lost request from which a record of a failed task is taken for its own.
_OWN_RECORD = 120.0
#: Requests in a row whose answers were lost, and whose tasks were not found, after which no other is sent.
_LOSSES = 3
_SILENT = "KPS had not answered the request before it"
_PARTICIPLES = {"reset": "reset", "replace": "given another key pair", "bind": "given a key pair", "unbind": "unbound"}


class _Lost(t.NamedTuple):
    """A request without a usable answer: what came instead, and when it was sent, in seconds since the epoch."""

    error: CloudError
    sent_at: float


class Association(FleetRun):
    """Gives servers a key pair, or takes it away, as the option ``state`` says."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        params = context.params
        present = params["state"] == "present"
        self._keypair_name = check_name("keypair_name", params["keypair_name"]) if present else None
        private_key = _private_key(params)
        if private_key:
            context.mask(private_key)  # it may come from a file, which Ansible does not know
        self._logins = Logins(private_key, params["root_password"])
        self._steps: dict[str, Step] = {}
        self._answered = False
        self._stop = ""
        #: The servers whose task was not found after the answer to its request was lost.
        self._missing: dict[str, _Lost] = {}
        self._losses = 0
        for row in self.rows.values():
            row.more = self._more(None, None)

    def plan(self) -> None:
        """Read key pair, servers and running tasks, and decide for each server."""
        client = self.client
        if self._keypair_name and kps_keypairs.show_keypair(client, self._keypair_name) is None:
            raise UsageError(
                f"keypair_name: there is no key pair {self._keypair_name!r} in this project and region.",
                hint="Create or import it with hwc_kps_keypair.",
            )
        found = ecs.read_servers(client, list(self.rows))
        busy = {row.get("server_id"): str(row.get("task_id")) for row in kps.list_running(client)}
        for server_id, row in self.rows.items():
            server = ecs.summarize(found[server_id]) if server_id in found else None
            step = decide(
                server,
                self._keypair_name,
                force=self.context.params["force"],
                logins=self._logins,
                busy_with=busy.get(server_id),
            )
            self._note(row, server, step)
        if self.context.diff_mode:
            before = {server_id: row.more["previous_keypair_name"] for server_id, row in self.rows.items()}
            self.context.result["diff"] = {
                "before": before,
                "after": {**before, **dict.fromkeys(self._steps, self._keypair_name)},
            }

    def _note(self, row: Row, server: t.Mapping[str, t.Any] | None, step: Step) -> None:
        row.name = server["name"] if server else None
        row.more = self._more(step.operation, server["key_name"] if server else None)
        if step.refusal:
            row.refuse(step.refusal)
        elif step.operation is None:
            row.state = SUCCESS
        else:
            row.changed = self.context.check_mode
            self._steps[row.server_id] = step

    def _more(self, operation: str | None, previous: str | None) -> dict[str, t.Any]:
        return {
            "operation": operation,
            "previous_keypair_name": previous,
            "keypair_name": self._keypair_name,
            "task_id": None,
            "uncertain": False,
        }

    def send(self) -> None:
        """Start the tasks, a few requests at a time and paced. The API takes one server in a request, except for bindings."""
        for _started in call_runner(self.context)(self._requests(), self._width):
            pass

    def _width(self) -> int:
        """Requests that may be under way: one until the first is answered, because refused credentials must not be repeated."""
        return max(1, CONNECTIONS // self.parallel_jobs) if self._answered else 1

    def _requests(self) -> t.Iterator[t.Callable[[], None]]:
        for number, ids in enumerate(self._in_batches()):
            if self._stop:
                for server_id in ids:
                    self.rows[server_id].refuse(f"Nothing was sent for it: {self._stop}.")
                continue
            if number:
                self.context.clock.sleep(PACE * self.parallel_jobs)
            yield functools.partial(self._start, ids)

    def _in_batches(self) -> t.Iterator[list[str]]:
        """The servers of each request."""
        bindings = [server_id for server_id, step in self._steps.items() if step.operation == "bind" and step.login]
        if len(bindings) < 2:
            bindings = []
        for begin in range(0, len(bindings), kps_keypairs.BATCH_SIZE):
            yield bindings[begin : begin + kps_keypairs.BATCH_SIZE]
        yield from ([server_id] for server_id in self._steps if server_id not in set(bindings))

    def _start(self, ids: t.Sequence[str]) -> None:
        """Send one request, and note what came of it; or why no other must follow."""
        sent_at = self.context.clock.time()
        try:
            answers = self._ask(ids)
        except CloudError as error:
            answers = dict.fromkeys(ids, error)
        lost: dict[str, CloudError] = {}
        for server_id, answer in answers.items():
            if not isinstance(answer, CloudError):
                self._accept(self.rows[server_id], answer)
                self._losses = 0
            elif answer.outcome_unknown:
                lost[server_id] = answer
                self.mark_changed(self.rows[server_id])
            else:
                self._stop = self._refused(self.rows[server_id], answer) or self._stop
        if lost:
            self._stop = self._after_loss(lost, sent_at) or self._stop
        self._answered = True

    def _refused(self, row: Row, error: CloudError) -> str:
        """Note for a server that nothing was started; why no other request must follow, or nothing."""
        row.refuse(f"Nothing was started. {error}")
        row.reason = Reason(error.code, error.text) if error.code else None
        if isinstance(error, AuthenticationError):
            return "the credentials had been refused"
        if isinstance(error, ThrottledError):
            # It was tried for as long as wait_timeout allows.
            return "KPS turned the request before it away until the time (wait_timeout) was up"
        if isinstance(error, TransportError):
            # It was tried for as long as hwc_timeout allows.
            return _SILENT
        # What came up before the request was sent comes up before every other.
        return "the request before it could not be prepared" if error.unsent else ""

    def _ask(self, ids: t.Sequence[str]) -> t.Mapping[str, fields.Row | CloudError]:
        client, login = self.client, self._steps[ids[0]].login
        if self._keypair_name is None:
            return {ids[0]: kps_keypairs.disassociate(client, ids[0], login=login)}
        # KPS logs in to running servers only, and refuses a port for those that are off.
        port = self.context.params["port"] if login else None
        binding = kps_keypairs.Binding(self._keypair_name, login, self.context.params["disable_password"], port)
        if len(ids) > 1:
            return kps_keypairs.batch_bind(client, ids, binding)
        return {ids[0]: kps_keypairs.associate(client, ids[0], binding)}

    def _accept(self, row: Row, answer: fields.Row) -> None:
        """What an accepted request says: usually a task id, but it may have failed already."""
        task_id, code, message = answer.get("task_id"), answer.get("error_code"), answer.get("error_msg")
        row.reason = Reason(code, message) if code or message else None
        if kps_keypairs.failed_already(answer):
            row.state, row.status = FAILED, answer["status"]
        if task_id:
            row.more["task_id"] = task_id
            self.mark_changed(row)

    def _after_loss(self, lost: t.Mapping[str, CloudError], sent_at: float) -> str:
        """Look for the tasks that a request may have started which had no usable answer. It is never sent again.

        Args:
            lost: The errors, by server.
            sent_at: When the request was sent, in seconds since the epoch.

        Returns:
            Why no other request must follow, or nothing.
        """
        for server_id, error in lost.items():
            # Until it is found: a server with such a task must not be started.
            self.rows[server_id].state, self.rows[server_id].more["uncertain"] = UNKNOWN, True
            self._missing[server_id] = _Lost(error, sent_at)
        clock = self.context.clock
        until = min(self._deadline, clock.monotonic() + LOOK_FOR)
        client = self.context.client(HWC).patient(until)
        for pause in itertools.chain(LOOKS, itertools.repeat(LOOKS[-1])):
            trouble = self._look_for(client, list(lost))
            missing = [server_id for server_id in lost if server_id in self._missing]
            if not missing:
                self._losses = 0
                return ""
            hopeless = isinstance(trouble, (AuthenticationError, ForbiddenError, RejectedError))
            if hopeless or clock.monotonic() + pause > until:
                break
            clock.sleep(pause)
        for server_id in missing:
            self._tell_missing(self.rows[server_id], lost[server_id], trouble)
        self._losses += 1
        if trouble is not None:
            return _SILENT
        return f"the answers to {_LOSSES} requests in a row had been lost" if self._losses >= _LOSSES else ""

    def _tell_missing(self, row: Row, lost: CloudError, trouble: CloudError | None) -> None:
        if trouble is not None:
            row.msg = f"{lost} Whether a task was started could not be found out: {trouble} Check that before you run this again."
        else:
            row.msg = (
                f"{lost} No task for it was seen since, but one may still wait for its turn: leave the server as it is. Look for "
                "a task in a few minutes (hwc_kps_task_info, list=running); if there is none, run this again."
            )

    def _look_for(self, client: HuaweiClient, server_ids: t.Sequence[str]) -> CloudError | None:
        """Look once for the tasks of lost requests; why that was not possible, or None.

        They are among those that run, or among those that have failed since, or they have changed the key pair already.
        """
        try:
            running = {str(task.get("server_id")): task for task in kps.list_running(client)}
            for server_id in self._still_missing(server_ids):
                self._find(server_id, running.get(server_id))
            if self._still_missing(server_ids):
                failed = kps.list_failed(client)
                for server_id in self._still_missing(server_ids):
                    self._find(server_id, self._failed_since(failed, server_id))
            if missing := self._still_missing(server_ids):
                for server_id, server in ecs.read_servers(client, missing).items():
                    if self._has_changed(self.rows[server_id], ecs.summarize(server)["key_name"]):
                        self._found(server_id, SUCCESS, "the key pair has changed since")
        except CloudError as error:
            return error
        return None

    def _still_missing(self, server_ids: t.Sequence[str]) -> list[str]:
        return [server_id for server_id in server_ids if server_id in self._missing]

    def _find(self, server_id: str, task: fields.Row | None) -> None:
        if task is not None and task.get("task_id"):
            self.rows[server_id].more["task_id"] = str(task["task_id"])
            self._found(server_id, PENDING, "the task that it started was found")

    def _found(self, server_id: str, state: str, how: str) -> None:
        """What became of a lost request is known."""
        row, lost = self.rows[server_id], self._missing.pop(server_id)
        row.state, row.more["uncertain"] = state, False
        row.msg = f"The request had no usable answer; {how}. {lost.error}"

    def _failed_since(self, records: t.Sequence[fields.Row], server_id: str) -> fields.Row | None:
        """The record of a task for a server that failed since its request was sent."""
        since = self._missing[server_id].sent_at - _OWN_RECORD
        for record in records:
            started = str(record.get("task_time") or "")
            if record.get("server_id") == server_id and started.isdecimal() and float(started) / 1000 > since:
                return record
        return None

    def _has_changed(self, row: Row, key_name: str | None) -> bool:
        return key_name == self._keypair_name and key_name != row.more["previous_keypair_name"]

    def wait(self) -> None:
        """Wait for the tasks, and look once more for those that were not found: they may have waited for their turn."""
        self._await(self._with_task())
        if self._missing:
            known = self._with_task()
            self._look_for(self.context.client(HWC), list(self._missing))
            self._await([row for row in self._with_task() if row not in known])

    def _with_task(self) -> list[Row]:
        return [row for row in self.rows.values() if row.more["task_id"] and row.state == PENDING]

    def _await(self, rows: t.Sequence[Row]) -> None:
        by_task = {row.more["task_id"]: row for row in rows}
        for task in self.await_tasks(kps.KpsBackend(self.client), list(by_task)):
            by_task[task["id"]].ended(task["state"], task["status"], task["reason"])

    def done(self) -> str:
        """What is done to servers, in as many words as there are operations."""
        return (
            " or ".join(dict.fromkeys(_PARTICIPLES[str(step.operation)] for step in self._steps.values())) or "changed"
        )

    def extra(self) -> Result:
        """The tasks that were started."""
        return {"task_ids": [row.more["task_id"] for row in self.rows.values() if row.more.get("task_id")]}


def _private_key(params: t.Mapping[str, t.Any]) -> str | None:
    """The private key that is bound now, from its option or from its file."""
    if params["private_key_file"] is None:
        key = params["private_key"]
    else:
        try:
            with open(params["private_key_file"], encoding="ascii") as file:
                key = file.read()
        except (OSError, ValueError) as error:
            raise UsageError(f"private_key_file: {params['private_key_file']} cannot be read: {error}.") from None
    if key is not None and "-----BEGIN" not in key:
        raise UsageError(
            "The private key is not in PEM format (-----BEGIN ... PRIVATE KEY-----). KPS takes no other, such as PuTTY's .ppk."
        )
    return None if key is None else str(key)
