# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switching many servers on or off."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    CloudError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import FAILED, PENDING, SUCCESS, Reason
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context, Result
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.result import Row
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.run import FleetRun
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import ecs

#: What a server does on its way to a status by itself, or because somebody else asked.
_ON_THE_WAY = {ecs.ACTIVE: "powering-on", ecs.SHUTOFF: "powering-off"}


class PowerSwitch(FleetRun):
    """Starts or stops servers, as the option ``state`` says."""

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

    def _decide(self, row: Row, server: t.Mapping[str, t.Any] | None) -> None:
        if server is None:
            row.refuse("There is no such server in this project and region. Check the id.")
            return
        row.name, row.status = server["name"], server["status"]
        if server["task_state"] == _ON_THE_WAY[self._target]:
            row.msg = "It was on its way already."
        elif server["task_state"]:
            row.refuse(f"It is busy ({server['task_state']}). Run this again when that is over.")
        elif row.status == self._target:
            row.state = SUCCESS
        elif server["locked"]:
            row.refuse("It is locked, so that actions on it are refused. Unlock it first.")
        elif row.status not in (ecs.ACTIVE, ecs.SHUTOFF):
            row.refuse(f"Its status is {row.status}; it must be ACTIVE or SHUTOFF.")
        else:
            row.changed = self.context.check_mode
            self._to_send.append(row.server_id)

    def send(self) -> None:
        """Ask for the switch, up to 1000 servers in one request."""
        for begin in range(0, len(self._to_send), ecs.ACTION_SIZE):
            ids = self._to_send[begin : begin + ecs.ACTION_SIZE]
            try:
                job = self._ask(ids)
            except AuthenticationError:
                raise
            except CloudError as error:
                for server_id in ids:
                    self._not_asked(self.rows[server_id], error)
                continue
            self._jobs[job] = ids
            for server_id in ids:
                self.mark_changed(self.rows[server_id])

    def _ask(self, ids: t.Sequence[str]) -> str:
        if self._target == ecs.ACTIVE:
            return ecs.start(self.client, ids)
        return ecs.stop(self.client, ids, self.context.params["stop_type"].upper())

    def _not_asked(self, row: Row, error: CloudError) -> None:
        """Without an answer there is no job to ask about, and the server itself tells whether the request arrived."""
        if error.outcome_unknown:
            self.mark_changed(row)
            row.msg = f"The request had no usable answer. {error}"
        else:
            row.refuse(f"It was not {self.done()}. {error}")

    def wait(self) -> None:
        """Wait for the jobs, then for the servers, and look once at those whose job failed."""
        complaints = self._await_jobs()
        pending = [server_id for server_id, row in self.rows.items() if row.state == PENDING]
        self._await_servers([server_id for server_id in pending if server_id not in complaints], None)
        self._await_servers([server_id for server_id in pending if server_id in complaints], 0)
        for server_id, reason in complaints.items():
            row = self.rows[server_id]
            if row.state == PENDING:
                row.state, row.reason = FAILED, reason

    def _await_jobs(self) -> dict[str, Reason | None]:
        """The servers whose job or sub-job failed, with the reason."""
        complaints: dict[str, Reason | None] = {}
        for task in self.await_tasks(ecs.EcsJobBackend(self.client), list(self._jobs)):
            by_server = ecs.job_outcomes(task["data"] or {})
            reason = task["reason"]
            overall = (task["state"], Reason(reason["code"], reason["message"]) if reason else None)
            for server_id in self._jobs[task["id"]]:
                state, why = by_server.get(server_id, overall)
                if state == FAILED:
                    complaints[server_id] = why
        return complaints

    def _await_servers(self, server_ids: t.Sequence[str], timeout: float | None) -> None:
        source = ecs.ServerStatusBackend(self.client, self._target, server_ids)
        for task in self.await_tasks(source, server_ids, timeout):
            self.rows[task["id"]].ended(task["state"], task["status"], task["reason"])

    def done(self) -> str:
        """What is done to servers."""
        return "started" if self._target == ecs.ACTIVE else "stopped"

    def extra(self) -> Result:
        """The jobs that were started."""
        return {"job_ids": list(self._jobs)}
