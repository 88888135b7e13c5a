# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bind, replace, reset and unbind the key pairs of many servers."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import fields
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    CloudError,
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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.plan import LoginSecrets, NextStep, decide
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.result import ServerResult
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.run import ServerRun
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import ecs, kps, kps_keypairs
from ansible_collections.multicloud.async_tasks.plugins.module_utils._waiting import call_runner
from ansible_collections.multicloud.async_tasks.plugins.module_utils._writes import (
    SEARCH_SECONDS,
    is_rejection,
    searches,
)

#: Seconds between two requests of an account that start a task. KPS publishes no limit.
PACE = 0.1
#: Seconds that the clock of KPS may be behind: a task that started up to this long before a lost request may belong to it.
_CLOCK_SKEW = 120.0
#: The number of lost requests in a row, without a task found, after which no other request is sent.
_MAX_LOSSES = 3
_NO_RESPONSE = "KPS did not answer the request before it"
_DONE = {"reset": "reset", "replace": "given another key pair", "bind": "given a key pair", "unbind": "unbound"}


class _LostRequest(t.NamedTuple):
    """A request without a usable response: its error, and when it was sent in seconds since the epoch."""

    error: CloudError
    sent_at: float


class Association(ServerRun):
    """A run that binds, replaces, resets or unbinds key pairs, as the option ``state`` says."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        params = context.params
        present = params["state"] == "present"
        self._keypair_name = check_name("keypair_name", params["keypair_name"]) if present else None
        private_key = _private_key(params)
        if private_key:
            context.mask(private_key)  # Ansible does not know the content of a file
        self._logins = LoginSecrets(private_key, params["root_password"])
        self._steps: dict[str, NextStep] = {}
        self._answered = False
        self._stop = ""
        #: The servers whose request was lost and whose task was not found yet.
        self._missing: dict[str, _LostRequest] = {}
        self._losses = 0
        for row in self.rows.values():
            row.fields = self._fields(None, None)

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
            before = {server_id: row.fields["previous_keypair_name"] for server_id, row in self.rows.items()}
            self.context.result["diff"] = {
                "before": before,
                "after": {**before, **dict.fromkeys(self._steps, self._keypair_name)},
            }

    def _note(self, row: ServerResult, server: t.Mapping[str, t.Any] | None, step: NextStep) -> None:
        row.name = server["name"] if server else None
        row.fields = self._fields(step.operation, server["key_name"] if server else None)
        if step.refusal:
            row.refuse(step.refusal)
        elif step.operation is None:
            row.state = SUCCESS
        else:
            row.changed = self.context.check_mode
            self._steps[row.server_id] = step

    def _fields(self, operation: str | None, previous: str | None) -> dict[str, t.Any]:
        return {
            "operation": operation,
            "previous_keypair_name": previous,
            "keypair_name": self._keypair_name,
            "task_id": None,
            "uncertain": False,
        }

    def send(self) -> None:
        """Start the tasks, a few requests at a time. The API takes one server in a request, except to bind."""
        for _started in call_runner(self.context)(self._requests(), self._width):
            pass

    def _width(self) -> int:
        """Return the number of requests in flight: one before the first response, so that rejected credentials are sent once."""
        return max(1, CONNECTIONS // self.parallel_jobs) if self._answered else 1

    def _requests(self) -> t.Iterator[t.Callable[[], None]]:
        for number, ids in enumerate(self._batches()):
            if self._stop:
                for server_id in ids:
                    self.rows[server_id].refuse(f"Nothing was sent for it: {self._stop}.")
                continue
            if number:
                self.context.clock.sleep(PACE * self.parallel_jobs)
            yield functools.partial(self._start, ids)

    def _batches(self) -> t.Iterator[list[str]]:
        """Return the server ids of each request."""
        bindings = [server_id for server_id, step in self._steps.items() if step.operation == "bind" and step.login]
        if len(bindings) < 2:
            bindings = []
        for begin in range(0, len(bindings), kps_keypairs.BATCH_SIZE):
            yield bindings[begin : begin + kps_keypairs.BATCH_SIZE]
        yield from ([server_id] for server_id in self._steps if server_id not in set(bindings))

    def _start(self, ids: t.Sequence[str]) -> None:
        """Send one request and note its result, and the reason if no other request must follow."""
        sent_at = self.context.clock.time()
        self._sending.update(ids)
        try:
            responses = self._request(ids)
        except CloudError as error:
            responses = dict.fromkeys(ids, error)
        lost: dict[str, CloudError] = {}
        for server_id, response in responses.items():
            if not isinstance(response, CloudError):
                self._accept(self.rows[server_id], response)
                self._losses = 0
            elif response.outcome_unknown:
                lost[server_id] = response
                self.mark_changed(self.rows[server_id])
            else:
                self._stop = self._not_started(self.rows[server_id], response) or self._stop
        self._sending.difference_update(ids)
        if lost:
            self._stop = self._search_after_loss(lost, sent_at) or self._stop
        self._answered = True

    def _not_started(self, row: ServerResult, error: CloudError) -> str:
        """Note that nothing was started; return why no other request must follow, or an empty text."""
        row.refuse(f"Nothing was started. {error}")
        row.reason = Reason(error.code, error.text) if error.code else None
        if isinstance(error, AuthenticationError):
            return "the credentials were rejected"
        if isinstance(error, ThrottledError):
            # The client has retried for wait_timeout.
            return "KPS throttled the request before it until the time (wait_timeout) was up"
        if isinstance(error, TransportError):
            # The client has retried for hwc_timeout.
            return _NO_RESPONSE
        # An error before a request was sent recurs for every other request.
        return "the request before it could not be prepared" if error.unsent else ""

    def _request(self, ids: t.Sequence[str]) -> t.Mapping[str, fields.Row | CloudError]:
        client, login = self.client, self._steps[ids[0]].login
        if self._keypair_name is None:
            return {ids[0]: kps_keypairs.disassociate(client, ids[0], login=login)}
        # KPS logs in to running servers only, and rejects a port for servers that are off.
        port = self.context.params["port"] if login else None
        binding = kps_keypairs.Binding(self._keypair_name, login, self.context.params["disable_password"], port)
        if len(ids) > 1:
            return kps_keypairs.batch_bind(client, ids, binding)
        return {ids[0]: kps_keypairs.associate(client, ids[0], binding)}

    def _accept(self, row: ServerResult, response: fields.Row) -> None:
        """Note the response to an accepted request: a task id, or a failure."""
        task_id, code, message = response.get("task_id"), response.get("error_code"), response.get("error_msg")
        row.reason = Reason(code, message) if code or message else None
        if kps_keypairs.failed_already(response):
            row.state, row.status = FAILED, response["status"]
        if task_id:
            row.fields["task_id"] = task_id
            self.mark_changed(row)

    def _search_after_loss(self, lost: t.Mapping[str, CloudError], sent_at: float) -> str:
        """Search for the tasks of a request without a usable response. It is never sent again.

        Args:
            lost: The errors by server id.
            sent_at: When the request was sent, in seconds since the epoch.

        Returns:
            Why no other request must follow, or an empty text.
        """
        for server_id, error in lost.items():
            # A server must not be started while a task may work on it.
            self.rows[server_id].state, self.rows[server_id].fields["uncertain"] = UNKNOWN, True
            self._missing[server_id] = _LostRequest(error, sent_at)
        clock = self.context.clock
        until = min(self._deadline, clock.monotonic() + SEARCH_SECONDS)
        client = self.context.client(HWC).patient(until)
        for _search in searches(clock, until):
            problem = self._search(client, list(lost))
            missing = [server_id for server_id in lost if server_id in self._missing]
            if not missing:
                self._losses = 0
                return ""
            if is_rejection(problem):
                break
        for server_id in missing:
            self._report_missing(self.rows[server_id], lost[server_id], problem)
        self._losses += 1
        if problem is not None:
            return _NO_RESPONSE
        return f"the responses to {_MAX_LOSSES} requests in a row were lost" if self._losses >= _MAX_LOSSES else ""

    def _report_missing(self, row: ServerResult, lost: CloudError, problem: CloudError | None) -> None:
        if problem is not None:
            row.msg = (
                f"{lost} Whether a task was started is not known: {problem} Check the running tasks (hwc_kps_task_info, list=running) before you "
                "run this again."
            )
        else:
            row.msg = (
                f"{lost} No task for it was found, but one may still be queued. Do not start the server. Check the running tasks "
                "(hwc_kps_task_info, list=running) in a few minutes; if there is none for it, run this again."
            )

    def _search(self, client: HuaweiClient, server_ids: t.Sequence[str]) -> CloudError | None:
        """Search once for the tasks of lost requests; return the error that prevented it, or None.

        A task is running, or has failed since, or has changed the key pair already.
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
            self.rows[server_id].fields["task_id"] = str(task["task_id"])
            self._found(server_id, PENDING, "the task that it started was found")

    def _found(self, server_id: str, state: str, how: str) -> None:
        """Note the result of a lost request."""
        row, lost = self.rows[server_id], self._missing.pop(server_id)
        row.state, row.fields["uncertain"] = state, False
        row.msg = f"The request had no usable response; {how}. {lost.error}"

    def _failed_since(self, records: t.Sequence[fields.Row], server_id: str) -> fields.Row | None:
        """Return the record of a task for a server that failed since the request was sent."""
        since = self._missing[server_id].sent_at - _CLOCK_SKEW
        for record in records:
            started = str(record.get("task_time") or "")
            if record.get("server_id") == server_id and started.isdecimal() and float(started) / 1000 > since:
                return record
        return None

    def _has_changed(self, row: ServerResult, key_name: str | None) -> bool:
        return key_name == self._keypair_name and key_name != row.fields["previous_keypair_name"]

    def wait(self) -> None:
        """Wait for the tasks; then search again for those that were not found, because they may have been queued."""
        self._await(self._pending_rows())
        if self._missing:
            known = self._pending_rows()
            self._search(self.context.client(HWC), list(self._missing))
            self._await([row for row in self._pending_rows() if row not in known])

    def _pending_rows(self) -> list[ServerResult]:
        return [row for row in self.rows.values() if row.fields["task_id"] and row.state == PENDING]

    def _await(self, rows: t.Sequence[ServerResult]) -> None:
        by_task = {row.fields["task_id"]: row for row in rows}
        for task in self.await_tasks(kps.KpsBackend(self.client), list(by_task)):
            by_task[task["id"]].ended(task["state"], task["status"], task["reason"])

    def done(self) -> str:
        """Return the participles of the operations."""
        return " or ".join(dict.fromkeys(_DONE[str(step.operation)] for step in self._steps.values())) or "changed"

    def extra(self) -> Result:
        """Return the ids of the started tasks."""
        return {"task_ids": [row.fields["task_id"] for row in self.rows.values() if row.fields.get("task_id")]}


def _private_key(params: t.Mapping[str, t.Any]) -> str | None:
    """Return the private key that is bound now, from its option or its file."""
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
            "The private key is not in PEM format (-----BEGIN ... PRIVATE KEY-----). Convert it; KPS does not accept other formats, such as .ppk of PuTTY."
        )
    return None if key is None else str(key)
