# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin keypair_reset_inputs: tells once for a batch what each of its hosts wants from the role keypair_reset."""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader
from ansible.release import __version__ as ansible_version

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.arguments import plain
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.inputs import (
    OPTIONS,
    Host,
    Inputs,
    check_controller,
    take_in,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.scope import Scope, failure_of
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.way_in import WayIn

Result = dict[str, t.Any]

#: Strategies under which a task that runs once for all hosts does not.
UNSUITABLE = ("free", "host_pinned")


class LocalController:
    """The controller that this process runs on."""

    def expand(self, path: str) -> str:
        """Return a path with the home directory in the place of its ``~``."""
        return os.path.expanduser(path)

    def exists(self, path: str) -> bool:
        """Return whether there is a file."""
        return os.path.exists(path)

    def obstacle(self, directory: str) -> str | None:
        """Return why no file can be made in a directory, or None."""
        try:
            # Permissions alone do not tell: a file system may be full, read-only, or not let root in.
            with tempfile.TemporaryFile(dir=directory):
                return None
        except OSError as error:
            return "it does not exist" if isinstance(error, FileNotFoundError) else str(error.strerror)

    def has_program(self, name: str) -> bool:
        """Return whether a program is installed."""
        return shutil.which(name) is not None


class _SshConfig(dict[str, t.Any]):
    """Options of the ssh connection as the command line, the environment and ansible.cfg have them; each is read once."""

    def __missing__(self, option: str) -> t.Any:
        # Definitions of options are known once the plugin is.
        connection_loader.get("ansible.builtin.ssh", class_only=True)
        self[option] = C.config.get_config_value(option, plugin_type="connection", plugin_name="ssh")
        return self[option]


class ActionModule(ActionBase):
    """Reads the variables of all hosts, which a task that runs once has for one of them only."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        """Return the wishes, or with ``passwords`` the passwords of root."""
        result: Result = super().run(tmp, task_vars)
        variables = task_vars or {}
        try:
            scope = Scope(self._task, variables, self._loader)
            if scope.strategy.endswith(UNSUITABLE):
                msg = (
                    f"The role keypair_reset does not work with the strategy {scope.strategy}, under which each host goes its "
                    "own way. Set strategy: linear in the play. Nothing was touched."
                )
                return {**result, "failed": True, "msg": msg}
            hosts = self._hosts(scope, variables)
        except (AttributeError, TypeError) as error:
            msg = (
                f"The variables of the hosts could not be read: ansible-core {ansible_version} is not known to this release of "
                f"multicloud.async_tasks ({type(error).__name__}: {error}). Nothing was touched. Take a release of the "
                "collection that supports it."
            )
            return {**result, "failed": True, "msg": msg}
        inputs = take_in(hosts)
        if self._task.args.get("passwords"):
            return {**result, "passwords": inputs.passwords}
        check_controller(inputs, LocalController(), in_awx="awx_job_id" in variables)
        return {**result, **self._described(inputs, scope, variables)}

    def _described(self, inputs: Inputs, scope: Scope, variables: Result) -> Result:
        awx = _awx(variables)
        return {
            "wishes": [{**wish, "play_size": len(scope.everyone), "run": scope.identity} for wish in inputs.wishes],
            "settings": inputs.settings,
            "check_mode": bool(self._task.check_mode),
            "canaries": scope.everyone[: inputs.settings["canary"]],
            "notes": _notes(awx, inputs.settings),
            **awx,
        }

    def _hosts(self, scope: Scope, variables: Result) -> list[Host]:
        """Return what is known of the hosts that the role runs for, and of those that it would have run for."""
        earlier = {record["host"]: record.get("failure", "") for record in plain(self._earlier(variables))}
        config = _SshConfig()
        hosts = []
        for name in [*scope.batch, *([] if scope.in_rescue else scope.lost)]:
            lost = name not in scope.batch
            found = scope.variables_of(name)
            templar = scope.templar_of(found)
            try:
                if not scope.takes_part(found, templar, earlier.get(name, "")):
                    continue
                broken = {}
            except AnsibleError as error:
                broken = {"when": str(error)}
            given = {}
            for option in OPTIONS:
                if option in found and (not lost or option == "keypair_reset_server_id"):
                    try:
                        given[option] = plain(templar.template(found[option]))
                    except AnsibleError as error:
                        broken[option] = str(error)
            try:
                ssh = plain(WayIn(found, templar.template, config.__getitem__).find())
            except (AnsibleError, TypeError) as error:
                ssh, broken["ssh"] = {}, str(error)
            hosts.append(Host(name, given, broken, list(found), ssh, lost=lost, failure=failure_of(found)))
        return hosts

    def _earlier(self, variables: Result) -> t.Any:
        return variables["hostvars"]["localhost"].get("__keypair_reset_finished", [])


def _awx(variables: Result) -> Result:
    """Return what the job of AWX is, and what is added to the names of its reports: slices share a directory."""
    job = "".join(char for char in str(variables.get("awx_job_id", "")) if char.isalnum())
    workflow, template = variables.get("awx_workflow_job_name"), variables.get("awx_job_template_name")
    return {
        "awx_job": job,
        # AWX runs the slices of a job as a workflow that has the name of the job's template.
        "sliced": bool(job and workflow and workflow == template),
        "report_suffix": f"_job_{job}" if job else "",
    }


def _notes(awx: Result, settings: Result) -> list[str]:
    """Return what the user should know of the run as a whole."""
    if awx["sliced"] and settings["parallel_jobs"] == 1:
        return [
            "This job is a slice, and the slices do not share the requests that the account may send: set keypair_reset_parallel_jobs to the "
            "number of slices."
        ]
    return []
