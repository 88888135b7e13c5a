# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The course of every run over many servers: plan, refuse early, send, wait, report."""

from __future__ import annotations

import abc
import functools
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_ids
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import ERROR, PENDING, TaskBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context, Result, at_least
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.result import Row, report
from ansible_collections.multicloud.async_tasks.plugins.module_utils._signals import wait_for

#: The options that all modules over many servers take.
OPTIONS: dict[str, dict[str, t.Any]] = {
    "server_ids": {"type": "list", "elements": "str", "required": True, "aliases": ["server_id"]},
    "wait": {"type": "bool", "default": True},
    "on_failure": {"type": "str", "choices": ["fail", "return"], "default": "fail"},
    "parallel_jobs": {"type": "int", "default": 1},
}


class FleetRun(abc.ABC):
    """One run over the servers of ``server_ids``.

    With ``on_failure: fail`` a server that cannot be worked on stops the run before anything is sent, and one that
    failed fails the module. With ``return`` each server goes as far as it can, and no error leaves ``run``, so that a
    role can map the rows to its hosts; wrong options are refused before that, when the run is made.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.rows = {server_id: Row(server_id) for server_id in check_ids("server_ids", context.params["server_ids"])}
        self.parallel_jobs = int(at_least("parallel_jobs", context.params["parallel_jobs"], 1))
        self._deadline = context.clock.monotonic() + at_least("wait_timeout", context.params["wait_timeout"], 0)
        self._waited = False
        self._late = False
        self._broken_off = False
        self._trouble: str | None = None

    @abc.abstractmethod
    def plan(self) -> None:
        """Read what is, and decide for each server; ``Row.refuse`` those that nothing can be done to."""

    @abc.abstractmethod
    def send(self) -> None:
        """Ask for the changes."""

    @abc.abstractmethod
    def wait(self) -> None:
        """Wait for what was asked for."""

    @abc.abstractmethod
    def done(self) -> str:
        """What is done to servers, as a participle: ``stopped``."""

    @abc.abstractmethod
    def extra(self) -> Result:
        """What the result has beside the rows."""

    def run(self) -> Result:
        """The whole course, and the module's result."""
        params = self.context.params
        lenient = params["on_failure"] == "return"
        try:
            self.plan()
            if not lenient and any(row.state == ERROR for row in self.rows.values()):
                for row in self.rows.values():
                    row.changed = False  # nor would anything be in earnest
                return self._result("Nothing was sent:")
            if not self.context.check_mode:
                self.send()
                if params["wait"]:
                    self._waited = True
                    self.wait()
        except CloudError as error:
            if not lenient:
                self._keep_rows()
                raise
            self._give_up(error)
        except Exception:
            self._keep_rows()
            raise
        return self._result()

    @functools.cached_property
    def client(self) -> HuaweiClient:
        """The client. A request that is turned away is sent again as long as ``wait_timeout`` allows: quotas last minutes."""
        return self.context.client(HWC).patient(self._deadline)

    def _keep_rows(self) -> None:
        """Have a failure say what was changed before it, which is worth more than the error alone."""
        if self.context.result["changed"]:
            self.context.result.update({**self._result(), "changed": True})

    def await_tasks(
        self, source: TaskBackend, ids: t.Sequence[str], timeout: float | None = None
    ) -> list[dict[str, t.Any]]:
        """Wait for tasks until they ended or the run's time is up; what became of each.

        A wait that broke off (a signal, refused credentials) adds its reason to the message; it does not raise, and
        there is no other wait after it.

        Args:
            source: Where to look.
            ids: The tasks.
            timeout: Seconds; by default all that are left of ``wait_timeout``.
        """
        if not ids or self._broken_off:
            return []
        left = max(0.0, self._deadline - self.context.clock.monotonic())
        options = Options(
            timeout=left if timeout is None else timeout,
            on_timeout="return",
            on_failure="return",
            parallel_jobs=self.parallel_jobs,
        )
        outcome = wait_for(self.context, source, ids, options)
        if outcome.failed:
            self._trouble, self._broken_off = outcome.msg, True
        elif outcome.result["timed_out"] and timeout is None:
            self._late = True
        tasks: list[dict[str, t.Any]] = outcome.result["tasks"]
        return tasks

    def mark_changed(self, row: Row) -> None:
        """A write for this server was accepted, or may have been: from now on every exit says ``changed``."""
        row.changed = self.context.result["changed"] = True

    def _give_up(self, error: CloudError) -> None:
        for row in self.rows.values():
            if row.state == PENDING and not row.changed:
                row.refuse(str(error))
        self._trouble = str(error)

    def _result(self, prefix: str = "") -> Result:
        rows = list(self.rows.values())
        if self.context.check_mode:
            be = ("would be", "would be")
        else:
            be = ("was", "were") if self._waited else ("is being", "are being")
        failed, msg = report(rows, waited=self._waited, done=self.done(), be=be, prefix=prefix)
        if self._late and any(row.state == PENDING for row in rows):
            timeout = self.context.params["wait_timeout"]
            self._trouble = f"The time (wait_timeout, {timeout:g} s) is up; what was begun goes on."
        return {
            "changed": any(row.changed for row in rows),
            "servers": [row.result() for row in rows],
            "msg": f"{msg} {self._trouble}" if self._trouble and self._trouble not in msg else msg,
            "failed": failed and self.context.params["on_failure"] == "fail",
            **self.extra(),
        }
