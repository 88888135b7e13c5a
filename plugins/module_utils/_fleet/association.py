# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Binding, replacing, resetting and unbinding the key pairs of many servers."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _task
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import (
    AuthenticationError,
    CloudError,
    NoAnswerError,
    UsageError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._fleet.decision import Logins, Step, decide
from ansible_collections.multicloud.async_tasks.plugins.module_utils._fleet.rows import Row
from ansible_collections.multicloud.async_tasks.plugins.module_utils._fleet.run import FleetRun
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ids import check_name
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context, Result
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import ecs, kps

#: Seconds between two requests that start a task: KPS publishes no limit, so it is not probed.
PACE = 0.1
#: Seconds before the sending of a lost request from which a record of a failed task is taken for its own.
_OWN_RECORD = 120.0
_PARTICIPLES = {"reset": "reset", "replace": "given another key pair", "bind": "given a key pair", "unbind": "unbound"}


class Association(FleetRun):
    """Gives servers a key pair, or takes it away, as the option ``state`` says."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        params = context.params
        present = params["state"] == "present"
        self._keypair_name = check_name("keypair_name", params["keypair_name"]) if present else None
        self._logins = Logins(_private_key(params), params["root_password"])
        self._steps: dict[str, Step] = {}

    def plan(self) -> None:
        """Read key pair, servers and running tasks, and decide for each server."""
        client = self.context.huawei()
        if self._keypair_name and kps.show_keypair(client, self._keypair_name) is None:
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
        row.more = {
            "operation": step.operation,
            "previous_keypair_name": server["key_name"] if server else None,
            "keypair_name": self._keypair_name,
            "task_id": None,
        }
        if step.refusal:
            row.refuse(step.refusal)
        elif step.operation is None:
            row.state = _task.SUCCESS
        else:
            row.changed = self.context.check_mode
            self._steps[row.server_id] = step

    def send(self) -> None:
        """Start one task a server: the API takes one server in a request."""
        locked_out = False
        for number, (server_id, step) in enumerate(self._steps.items()):
            row = self.rows[server_id]
            if locked_out:
                row.refuse("Nothing was sent for it: the credentials had been refused.")
                continue
            if number:
                self.context.clock.sleep(PACE)
            locked_out = not self._start(row, step)

    def _start(self, row: Row, step: Step) -> bool:
        """Start one task; False when no other request must follow."""
        sent_at = self.context.clock.time()
        try:
            self._accept(row, self._ask(row.server_id, step))
        except NoAnswerError as error:
            if error.maybe_received:
                self._after_loss(row, error, sent_at)
            else:
                row.refuse(f"Nothing was started. {error}")
        except CloudError as error:
            row.refuse(f"Nothing was started. {error}")
            row.reason = _task.Reason(error.code, error.text) if error.code else None
            return not isinstance(error, AuthenticationError)
        return True

    def _ask(self, server_id: str, step: Step) -> kps.Row:
        params = self.context.params
        if self._keypair_name is None:
            return kps.disassociate(self.context.huawei(), server_id, login=step.login)
        return kps.associate(
            self.context.huawei(),
            server_id,
            self._keypair_name,
            login=step.login,
            disable_password=params["disable_password"],
            # KPS logs in to running servers only, and refuses a port for those that are off.
            port=params["port"] if step.login else None,
        )

    def _accept(self, row: Row, answer: kps.Row) -> None:
        """What an accepted request says: usually a task id, but it may have failed already."""
        task_id, status = answer.get("task_id"), str(answer.get("status") or "")
        code, message = answer.get("error_code"), answer.get("error_msg")
        row.reason = _task.Reason(code, message) if code or message else None
        row.more["task_id"] = str(task_id) if task_id else None
        # Compared without case: the documentation writes FAILED, and Failed in its example.
        if status.lower().startswith("failed") or not task_id:
            row.state, row.status = _task.FAILED, status or None
            row.msg = None if row.reason else "KPS accepted the request and returned no task."
        if task_id:
            self.mark_changed(row)

    def _after_loss(self, row: Row, error: NoAnswerError, sent_at: float) -> None:
        """Look for the task that a request may have started whose answer was lost. It is never sent again."""
        self.mark_changed(row)
        try:
            task_id = self._find_task(row.server_id, sent_at)
            found = ecs.read_servers(self.context.huawei(), [row.server_id]) if task_id is None else {}
        except CloudError as second:
            row.state = _task.UNKNOWN
            row.msg = (
                f"{error} Whether a task was started could not be found out: {second} Look before you run this again."
            )
            return
        row.more["task_id"] = task_id
        if task_id is not None:
            row.msg = f"The answer was lost, and the task that it had started was found. {error}"
        elif found and self._has_changed(row, ecs.summarize(found[row.server_id])["key_name"]):
            row.state, row.msg = _task.SUCCESS, f"The answer was lost, and the key pair has changed since. {error}"
        else:
            row.state = _task.UNKNOWN
            row.msg = (
                f"{error} No task runs for it or has failed since: most likely nothing was started. Run this again."
            )

    def _has_changed(self, row: Row, key_name: str | None) -> bool:
        return key_name == self._keypair_name and key_name != row.more["previous_keypair_name"]

    def _find_task(self, server_id: str, sent_at: float) -> str | None:
        """Id of the task for this server that runs, or that failed since the request was sent."""
        for row in kps.list_running(self.context.huawei()):
            if row.get("server_id") == server_id:
                return str(row["task_id"])
        for row in kps.list_failed(self.context.huawei()):
            started = str(row.get("task_time") or "")
            if row.get("server_id") == server_id and started.isdigit() and int(started) / 1000 > sent_at - _OWN_RECORD:
                return str(row["task_id"])
        return None

    def wait(self) -> None:
        """Wait for the tasks."""
        by_task = {row.more["task_id"]: row for row in self.rows.values() if row.state == _task.PENDING}
        for task in self.await_tasks(kps.KpsTasks(self.context.huawei()), list(by_task)):
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
