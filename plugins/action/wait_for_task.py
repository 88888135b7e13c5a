# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin wait_for_task: runs the module in bounded slices and shows progress between them.

The module is complete on its own. The plugin adds lines while it waits, survival of a lost connection to the host, an end
soon after the play has ended, which a module cannot notice by itself, and a result with every task when a run of the module
ends without one.
"""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure, AnsibleError

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import MAX_SIZE, recover
from ansible_collections.multicloud.async_tasks.plugins.modules.wait_for_task import ARGUMENT_SPEC, MODULE, fit
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.action import (
    ModuleAction,
    without_internal_options,
)

#: Seconds of the first slice: a wait that is over by then costs one run of the module, as without slices.
FIRST_SLICE = 5.0
#: Lost connections in a row after which the plugin tries again, and the seconds before it does.
MAX_DROPS = 3
AFTER_DROP = 2.0
#: Messages of OpenSSH after which another try cannot help; ansible-core recognizes only a wrong password.
REFUSED = ("Permission denied", "Too many authentication failures", "Host key verification failed")
#: A slice that would end closer to the end of the wait than this many seconds is the last: a module takes a moment to
#: start, and the poll at the deadline must not be lost to that.
LAST_SLICE = 10.0
#: The length of a last slice, in seconds: longer than any wait.
UNBOUNDED = 1e9


class ActionModule(ModuleAction):
    """The action plugin of ``wait_for_task``."""

    module = MODULE

    #: The clock.
    clock: Clock = SystemClock()
    #: True when the host cannot be reached any more.
    _gone = False

    def run_as_module(self, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run one slice after the other until the wait is over."""
        progress = self._progress()
        if self._task.async_val or self._task.check_mode or progress is None:
            return super().run_as_module(variables)
        return self._run_slices(variables, progress)

    def cleanup(self, force: bool = False) -> None:
        """Remove temporary files, unless the host is gone: another lost connection would replace the result."""
        if not self._gone:
            super().cleanup(force)

    def _argument(self, option: str) -> t.Any:
        """Return an option of the task, or the module's default."""
        return self._task.args.get(option, ARGUMENT_SPEC[option]["default"])

    def _progress(self) -> float | None:
        """Return the seconds between lines; None for a single run, in which the module also rejects a value that is not a number."""
        try:
            progress = float(self._argument("progress"))
        except (TypeError, ValueError):
            return None
        return progress if progress > 0 else None

    def _timeout(self) -> float:
        """Return the seconds for the whole wait; the module itself rejects a value that is not a number."""
        try:
            return float(self._argument("timeout"))
        except (TypeError, ValueError):
            return float(ARGUMENT_SPEC["timeout"]["default"])

    def _run_slices(self, variables: dict[str, t.Any], progress: float) -> dict[str, t.Any]:
        started = self.clock.monotonic()
        controller = os.getppid()
        state: dict[str, t.Any] | None = None
        drops = 0
        while True:
            if os.getppid() != controller:
                # The controller was killed: no process reads the result, and the cloud must not be polled any more.
                os._exit(1)
            elapsed = self.clock.monotonic() - started
            length = min(FIRST_SLICE, progress) if state is None else progress
            if elapsed + length > self._timeout() - LAST_SLICE:
                length = UNBOUNDED
            time_slice = {"elapsed": elapsed, "length": length, "state": state}
            try:
                result: dict[str, t.Any] = self._execute_module(
                    module_args={**self._task.args, "wait_slice": time_slice}, task_vars=variables
                )
            except AnsibleConnectionFailure as error:
                drops += 1
                if drops <= MAX_DROPS and not _is_refused(error):
                    self.show(variables, f"connection lost, trying again in {AFTER_DROP:.0f} s")
                    self.clock.sleep(AFTER_DROP)
                    continue
                if state is None:
                    raise
                self._gone = True
                known = self._recover(state, started, _loss(error, drops))
                del known["failed"]
                return {**known, "unreachable": True}
            except AnsibleError as error:
                if state is None:
                    raise
                return self._recover(state, started, _sentence(error))
            drops = 0
            more = result.pop("_more", None)
            if more is None:
                without_internal_options(result)
                if state is None or "tasks" in result:
                    return result
                known = self._recover(state, started, _reason(result))
                return {**result, **known}
            state = more["state"]
            self.show(variables, more["line"])

    def _recover(self, state: dict[str, t.Any], started: float, why: str) -> dict[str, t.Any]:
        """Return what is known after the last slice, when there is no result of the module."""
        args = self._task.args
        try:
            limit = int(self._argument("max_result_size"))
        except (TypeError, ValueError):
            limit = MAX_SIZE
        given = {"max_result_size": limit, "resume": args.get("resume"), "task_ids": args.get("task_ids")}
        warnings: list[str] = []
        known = fit(recover(state, self.clock.monotonic() - started, why), given, warnings.append)
        return {**known, "warnings": warnings} if warnings else known


def _is_refused(error: AnsibleConnectionFailure) -> bool:
    """Return True when the host refused the login: every further try could lock it for longer."""
    return isinstance(error, AnsibleAuthenticationFailure) or any(sign in str(error) for sign in REFUSED)


def _loss(error: AnsibleConnectionFailure, drops: int) -> str:
    """Return why there is no connection any more."""
    if _is_refused(error):
        return f"The host refused the login, which is not tried again because that may lock it: {_sentence(error)}"
    return f"The connection was lost {drops} times in a row: {_sentence(error)}"


def _reason(result: t.Mapping[str, t.Any]) -> str:
    """Return why a run of the module ended without a result."""
    if "module_stdout" not in result:
        return _sentence(result.get("msg"))
    status = f"exit status {result['rc']}" if "rc" in result else "no exit status"
    return f"A run of the module ended without a result ({status}), as when it is killed or out of memory."


def _sentence(text: object) -> str:
    """Return a text with a full stop."""
    sentence = str(text).strip()
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
