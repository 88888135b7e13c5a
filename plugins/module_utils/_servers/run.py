# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of every run over many servers: plan, refuse early, send, wait, report."""

from __future__ import annotations

import abc
import functools
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_ids
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.interrupts import Interrupted
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    ERROR,
    PENDING,
    UNKNOWN,
    TaskBackend,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context, Result, at_least
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.result import ServerResult, report
from ansible_collections.multicloud.async_tasks.plugins.module_utils._waiting import wait_for

#: The options of all modules over many servers.
OPTIONS: dict[str, dict[str, t.Any]] = {
    "server_ids": {"type": "list", "elements": "str", "required": True, "aliases": ["server_id"]},
    "wait": {"type": "bool", "default": True},
    "on_failure": {"type": "str", "choices": ["fail", "return"], "default": "fail"},
    "parallel_jobs": {"type": "int", "default": 1},
}


class ServerRun(abc.ABC):
    """One run over the servers of ``server_ids``.

    With ``on_failure: fail`` a refused server stops the run before anything is sent, and a failed server fails the module. With
    ``return`` each server goes as far as possible and ``run`` raises no ``CloudError``, so that a role can assign the results to
    its hosts. Wrong options raise an error in the constructor.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.rows = {
            server_id: ServerResult(server_id) for server_id in check_ids("server_ids", context.params["server_ids"])
        }
        self.parallel_jobs = int(at_least("parallel_jobs", context.params["parallel_jobs"], 1))
        self._deadline = context.clock.monotonic() + at_least("wait_timeout", context.params["wait_timeout"], 0)
        #: The servers of the requests under way.
        self._sending: set[str] = set()
        self._waited = False
        self._late = False
        self._interrupted = False
        self._problem: str | None = None

    @abc.abstractmethod
    def plan(self) -> None:
        """Read the servers and decide for each; refuse those to which nothing can be done."""

    @abc.abstractmethod
    def send(self) -> None:
        """Send the requests."""

    @abc.abstractmethod
    def wait(self) -> None:
        """Wait until the requested changes have ended."""

    @abc.abstractmethod
    def done(self) -> str:
        """Return the participle of the operation, such as ``stopped``."""

    @abc.abstractmethod
    def extra(self) -> Result:
        """Return further fields of the result."""

    def run(self) -> Result:
        """Run all steps; return the result of the module."""
        params = self.context.params
        tolerant = params["on_failure"] == "return"
        try:
            self.plan()
            if not tolerant and any(row.state == ERROR for row in self.rows.values()):
                for row in self.rows.values():
                    row.changed = False  # outside check mode nothing would be sent either
                return self._result("Nothing was sent:")
            if not self.context.check_mode:
                self.send()
                if params["wait"]:
                    self._waited = True
                    self.wait()
        except CloudError as error:
            if not tolerant:
                self._keep_rows()
                raise
            self._give_up(error)
        except Interrupted as interrupted:
            self._note_interruption(interrupted.by)
        except Exception:
            self._note_requests_under_way("No response was read")
            self._keep_rows()
            raise
        return self._result()

    @functools.cached_property
    def client(self) -> HuaweiClient:
        """The client. It repeats throttled requests until ``wait_timeout`` is up, because quotas last minutes."""
        return self.context.client(HWC).patient(self._deadline)

    def _keep_rows(self) -> None:
        """Add the results so far to a failure after a change."""
        if self.context.result["changed"]:
            self.context.result.update({**self._result(), "changed": True})

    def await_tasks(
        self, backend: TaskBackend, ids: t.Sequence[str], timeout: float | None = None
    ) -> list[dict[str, t.Any]]:
        """Wait for tasks until they have ended or the time of the run is up; return their results.

        An interrupted wait (a signal, rejected credentials) adds its reason to the message. It does not raise, and no other wait
        follows.

        Args:
            backend: The service to poll.
            ids: The ids of the tasks.
            timeout: Seconds; by default the rest of ``wait_timeout``.
        """
        if not ids or self._interrupted:
            return []
        left = max(0.0, self._deadline - self.context.clock.monotonic())
        options = Options(
            timeout=left if timeout is None else timeout,
            on_timeout="return",
            on_failure="return",
            parallel_jobs=self.parallel_jobs,
        )
        outcome = wait_for(self.context, backend, ids, options)
        if outcome.failed:
            self._problem, self._interrupted = outcome.msg, True
        elif outcome.result["timed_out"] and timeout is None:
            self._late = True
        tasks: list[dict[str, t.Any]] = outcome.result["tasks"]
        return tasks

    def mark_changed(self, row: ServerResult) -> None:
        """Note that a write for this server was accepted, or may have been; every exit reports ``changed`` from now on."""
        row.changed = self.context.result["changed"] = True

    def _note_interruption(self, by: str) -> None:
        """Note an interruption outside of a wait, after which nothing is sent any more."""
        self._problem = f"Interrupted by {by}."
        self._note_requests_under_way("Interrupted before the response came")
        self._refuse_untouched("Nothing was sent for it.")

    def _note_requests_under_way(self, why: str) -> None:
        """Note that the requests under way may have been received."""
        for row in map(self.rows.__getitem__, self._sending):
            self.mark_changed(row)
            row.state, row.msg = UNKNOWN, f"{why}; the request may be carried out."
            if "uncertain" in row.fields:
                row.fields["uncertain"] = True

    def _give_up(self, error: CloudError) -> None:
        self._refuse_untouched(str(error))
        self._problem = str(error)

    def _refuse_untouched(self, why: str) -> None:
        for row in self.rows.values():
            if row.state == PENDING and not row.changed:
                row.refuse(why)

    def _result(self, prefix: str = "") -> Result:
        rows = list(self.rows.values())
        if self.context.check_mode:
            be = ("would be", "would be")
        else:
            be = ("was", "were") if self._waited else ("is being", "are being")
        failed, msg = report(rows, waited=self._waited, done=self.done(), be=be, prefix=prefix)
        if self._late and any(row.state == PENDING for row in rows):
            timeout = self.context.params["wait_timeout"]
            self._problem = f"The time (wait_timeout, {timeout:g} s) is up. The started operations continue."
        return {
            "changed": any(row.changed for row in rows),
            "servers": [row.result() for row in rows],
            "msg": f"{msg} {self._problem}" if self._problem and self._problem not in msg else msg,
            "failed": failed and self.context.params["on_failure"] == "fail",
            **self.extra(),
        }
