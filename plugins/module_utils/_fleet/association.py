# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Binding, replacing, resetting and unbinding the key pairs of many servers."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _task
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import (
    AuthenticationError,
    CloudError,
    NoAnswerError,
    ThrottledError,
    UsageError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._fleet.decision import Logins, Step, decide
from ansible_collections.multicloud.async_tasks.plugins.module_utils._fleet.rows import Row
from ansible_collections.multicloud.async_tasks.plugins.module_utils._fleet.run import FleetRun
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ids import check_name
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context, Result
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import ecs, kps, kps_keypairs
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait import CONNECTIONS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._waiting import gather_of

#: Seconds between two requests that start a task: KPS publishes no limit, so it is not probed.
PACE = 0.1
#: Seconds before the sending of a lost request from which a record of a failed task is taken for its own.
_OWN_RECORD = 120.0
_SILENT = "KPS had not answered the request before it"
_PARTICIPLES = {"reset": "reset", "replace": "given another key pair", "bind": "given a key pair", "unbind": "unbound"}


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
        for row in self.rows.values():
            row.more = self._more(None, None)

    def plan(self) -> None:
        """Read key pair, servers and running tasks, and decide for each server."""
        client = self.context.client(HWC)
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
            row.state = _task.SUCCESS
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
        for _started in gather_of(self.context)(self._requests(), self._width):
            pass

    def _width(self) -> int:
        """Requests that may be under way: one until the first is answered, because refused credentials must not be repeated."""
        return CONNECTIONS if self._answered else 1

    def _requests(self) -> t.Iterator[t.Callable[[], None]]:
        for number, ids in enumerate(self._in_batches()):
            if self._stop:
                for server_id in ids:
                    self.rows[server_id].refuse(f"Nothing was sent for it: {self._stop}.")
                continue
            if number:
                self.context.clock.sleep(PACE)
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
            for server_id, answer in self._ask(ids).items():
                self._accept(self.rows[server_id], answer)
        except CloudError as error:
            for server_id in ids:
                self._stop = self._refused(self.rows[server_id], error, sent_at) or self._stop
        self._answered = True

    def _refused(self, row: Row, error: CloudError, sent_at: float) -> str:
        """Note what a request without a good answer means for a server; why no other must follow, or nothing."""
        if error.maybe_done:
            return "" if self._after_loss(row, error, sent_at) else _SILENT
        row.refuse(f"Nothing was started. {error}")
        row.reason = _task.Reason(error.code, error.text) if error.code else None
        if isinstance(error, AuthenticationError):
            return "the credentials had been refused"
        # Each of these was tried for as long as hwc_timeout allows.
        return _SILENT if isinstance(error, (NoAnswerError, ThrottledError)) else ""

    def _ask(self, ids: t.Sequence[str]) -> dict[str, kps.Row]:
        client, login = self.context.client(HWC), self._steps[ids[0]].login
        if self._keypair_name is None:
            return {ids[0]: kps_keypairs.disassociate(client, ids[0], login=login)}
        # KPS logs in to running servers only, and refuses a port for those that are off.
        port = self.context.params["port"] if login else None
        binding = kps_keypairs.Binding(self._keypair_name, login, self.context.params["disable_password"], port)
        if len(ids) > 1:
            return kps_keypairs.batch_bind(client, ids, binding)
        return {ids[0]: kps_keypairs.associate(client, ids[0], binding)}

    def _accept(self, row: Row, answer: kps.Row) -> None:
        """What an accepted request says: usually a task id, but it may have failed already."""
        task_id, code, message = answer.get("task_id"), answer.get("error_code"), answer.get("error_msg")
        row.reason = _task.Reason(code, message) if code or message else None
        if kps_keypairs.failed_already(answer):
            row.state, row.status = _task.FAILED, answer["status"]
        if task_id:
            row.more["task_id"] = str(task_id)
            self.mark_changed(row)

    def _after_loss(self, row: Row, error: CloudError, sent_at: float) -> bool:
        """Look for the task that a request may have started which had no usable answer. It is never sent again.

        Returns:
            Whether it could be found out.
        """
        self.mark_changed(row)
        try:
            task_id = self._find_task(row.server_id, sent_at)
            found = ecs.read_servers(self.context.client(HWC), [row.server_id]) if task_id is None else {}
        except CloudError as second:
            row.state, row.more["uncertain"] = _task.UNKNOWN, True
            row.msg = (
                f"{error} Whether a task was started could not be found out: {second} Look before you run this again."
            )
            return False
        row.more["task_id"] = task_id
        if task_id is not None:
            row.msg = f"The request had no usable answer; the task that it started was found. {error}"
        elif found and self._has_changed(row, ecs.summarize(found[row.server_id])["key_name"]):
            row.state = _task.SUCCESS
            row.msg = f"The request had no usable answer; the key pair has changed since. {error}"
        else:
            row.state = _task.UNKNOWN
            row.msg = (
                f"{error} No task runs for it or has failed since: most likely nothing was started. Run this again."
            )
        return True

    def _has_changed(self, row: Row, key_name: str | None) -> bool:
        return key_name == self._keypair_name and key_name != row.more["previous_keypair_name"]

    def _find_task(self, server_id: str, sent_at: float) -> str | None:
        """Id of the task for this server that runs, or that failed since the request was sent."""
        for row in kps.list_running(self.context.client(HWC)):
            if row.get("server_id") == server_id:
                return str(row["task_id"])
        for row in kps.list_failed(self.context.client(HWC)):
            started = str(row.get("task_time") or "")
            if row.get("server_id") == server_id and started.isdigit() and int(started) / 1000 > sent_at - _OWN_RECORD:
                return str(row["task_id"])
        return None

    def wait(self) -> None:
        """Wait for the tasks."""
        by_task = {row.more["task_id"]: row for row in self.rows.values() if row.state == _task.PENDING}
        for task in self.await_tasks(kps.KpsTasks(self.context.client(HWC)), list(by_task)):
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
