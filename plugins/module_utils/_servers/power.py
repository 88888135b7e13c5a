# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start and stop many servers."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    CloudError,
)
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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.plan import (
    LOCKED,
    NO_SUCH_SERVER,
    busy,
    wrong_status,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.result import ServerResult
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.run import ServerRun
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import ecs
from ansible_collections.multicloud.async_tasks.plugins.module_utils._writes import (
    SEARCH_SECONDS,
    is_rejection,
    searches,
)

#: The task_state of a server that is already changing to a status.
_TRANSITIONS = {ecs.ACTIVE: "powering-on", ecs.SHUTOFF: "powering-off"}


class PowerSwitch(ServerRun):
    """A run that starts or stops servers, as the option ``state`` says."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._target = ecs.ACTIVE if context.params["state"] == "running" else ecs.SHUTOFF
        self._to_send: list[str] = []
        self._jobs: dict[str, list[str]] = {}

    def plan(self) -> None:
        """Read the servers and decide for each."""
        found = ecs.read_servers(self.client, list(self.rows))
        for server_id, row in self.rows.items():
            self._decide(row, ecs.summarize(found[server_id]) if server_id in found else None)
        if self.context.diff_mode:
            before = {server_id: row.status for server_id, row in self.rows.items()}
            after = {**before, **dict.fromkeys(self._to_send, self._target)}
            self.context.result["diff"] = {"before": before, "after": after}

    def _decide(self, row: ServerResult, server: t.Mapping[str, t.Any] | None) -> None:
        if server is None:
            row.refuse(NO_SUCH_SERVER)
            return
        row.name, row.status = server["name"], server["status"]
        if server["task_state"] == _TRANSITIONS[self._target]:
            row.msg = f"It was already {server['task_state']}."
        elif server["task_state"]:
            row.refuse(busy(server["task_state"]))
        elif row.status == self._target:
            row.state = SUCCESS
        elif server["locked"]:
            row.refuse(LOCKED)
        elif row.status not in (ecs.ACTIVE, ecs.SHUTOFF):
            row.refuse(wrong_status(row.status))
        else:
            row.changed = self.context.check_mode
            self._to_send.append(row.server_id)

    def send(self) -> None:
        """Send the requests, up to 1000 servers in each."""
        for begin in range(0, len(self._to_send), ecs.ACTION_SIZE):
            ids = self._to_send[begin : begin + ecs.ACTION_SIZE]
            self._sending.update(ids)
            try:
                job = self._request(ids)
            except AuthenticationError:
                raise
            except CloudError as error:
                for server_id in ids:
                    self._not_sent(self.rows[server_id], error)
            else:
                self._jobs[job] = ids
                for server_id in ids:
                    self.mark_changed(self.rows[server_id])
            self._sending.clear()
            if self._unknown(ids):
                self._search_after_loss(ids)

    def _request(self, ids: t.Sequence[str]) -> str:
        if self._target == ecs.ACTIVE:
            return ecs.start(self.client, ids)
        return ecs.stop(self.client, ids, self.context.params["stop_type"].upper())

    def _not_sent(self, row: ServerResult, error: CloudError) -> None:
        """Note a request without a response; the status of the server shows whether it was received."""
        if error.outcome_unknown:
            self.mark_changed(row)
            row.state, row.msg = UNKNOWN, f"The request had no usable response. {error}"
        else:
            row.refuse(f"It was not {self.done()}. {error}")

    def _search_after_loss(self, server_ids: t.Sequence[str]) -> None:
        """Search for servers whose status shows that a request without a usable response was received. It is never sent again."""
        clock = self.context.clock
        until = min(self._deadline, clock.monotonic() + SEARCH_SECONDS)
        client = self.context.client(HWC).patient(until)
        for _search in searches(clock, until):
            problem = self._search(client, self._unknown(server_ids))
            if is_rejection(problem) or not self._unknown(server_ids):
                break
        seen = f"The server could not be read since: {problem}" if problem else "The server has not changed since."
        for server_id in self._unknown(server_ids):
            row = self.rows[server_id]
            row.msg = f"{row.msg} {seen} Run this again."

    def _unknown(self, server_ids: t.Iterable[str]) -> list[str]:
        return [server_id for server_id in server_ids if self.rows[server_id].state == UNKNOWN]

    def _search(self, client: HuaweiClient, server_ids: t.Sequence[str]) -> CloudError | None:
        """Read the servers once, and note those that have changed or are about to; return the error that prevented it."""
        try:
            for server_id, found in ecs.read_servers(client, server_ids).items():
                row, server = self.rows[server_id], ecs.summarize(found)
                if server["status"] == self._target and not server["task_state"]:
                    row.state = SUCCESS
                elif server["task_state"] or server["status"] != row.status:
                    row.state = PENDING
                row.status = server["status"]
        except CloudError as error:
            return error
        return None

    def wait(self) -> None:
        """Wait for the jobs, then for the servers; poll those once whose job failed, or of which nothing was seen so far."""
        failures = self._await_jobs()
        pending = [server_id for server_id, row in self.rows.items() if row.state == PENDING]
        self._await_servers([server_id for server_id in pending if server_id not in failures], None)
        self._await_servers([server_id for server_id in pending if server_id in failures], 0)
        for server_id, reason in failures.items():
            row = self.rows[server_id]
            if row.state == PENDING:
                row.state, row.reason = FAILED, reason
        unknown = self._unknown(self.rows)
        self._await_servers(unknown, 0)
        for row in map(self.rows.__getitem__, unknown):
            if row.state == PENDING:
                row.state = UNKNOWN
            elif row.state == SUCCESS:
                row.msg = "The request had no usable response, and took effect later."

    def _await_jobs(self) -> dict[str, Reason | None]:
        """Wait for the jobs; return the servers whose job or sub-job failed, with the reason."""
        failures: dict[str, Reason | None] = {}
        for task in self.await_tasks(ecs.EcsJobBackend(self.client), list(self._jobs)):
            by_server = ecs.job_outcomes(task["data"] or {})
            reason = task["reason"]
            overall = (task["state"], Reason(reason["code"], reason["message"]) if reason else None)
            for server_id in self._jobs[task["id"]]:
                state, why = by_server.get(server_id, overall)
                if state == FAILED:
                    failures[server_id] = why
        return failures

    def _await_servers(self, server_ids: t.Sequence[str], timeout: float | None) -> None:
        backend = ecs.ServerStatusBackend(self.client, self._target, server_ids)
        for task in self.await_tasks(backend, server_ids, timeout):
            self.rows[task["id"]].ended(task["state"], task["status"], task["reason"])

    def done(self) -> str:
        """Return the participle of the operation."""
        return "started" if self._target == ecs.ACTIVE else "stopped"

    def extra(self) -> Result:
        """Return the ids of the started jobs."""
        return {"job_ids": list(self._jobs)}
