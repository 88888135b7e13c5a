# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin keypair_reset_inputs: reads the variables of the role keypair_reset for all hosts of a batch at once."""

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
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.connection import ConnectionSettings
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.inputs import (
    OPTIONS,
    Host,
    Inputs,
    check_controller,
    parse_inputs,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.play import RolePlay, failure_digest

Result = dict[str, t.Any]

#: Strategies that run a task with run_once for each host.
UNSUITABLE = ("free", "host_pinned")


class LocalController:
    """The files and programs of the machine that this process runs on."""

    def expand(self, path: str) -> str:
        """Expand ``~`` in a path."""
        return os.path.expanduser(path)

    def exists(self, path: str) -> bool:
        """Return whether a path exists."""
        return os.path.exists(path)

    def obstacle(self, directory: str) -> str | None:
        """Return why no file can be created in a directory, or None."""
        try:
            # Permissions are not enough: the file system may be full, read-only, or closed to root.
            with tempfile.TemporaryFile(dir=directory):
                return None
        except OSError as error:
            return "it does not exist" if isinstance(error, FileNotFoundError) else str(error.strerror)

    def has_program(self, name: str) -> bool:
        """Return whether a program is installed."""
        return shutil.which(name) is not None


class _SshConfig(dict[str, t.Any]):
    """The options of the ssh connection from the command line, the environment and ansible.cfg, read on demand."""

    def __missing__(self, option: str) -> t.Any:
        # Loading the plugin registers the definitions of its options.
        connection_loader.get("ansible.builtin.ssh", class_only=True)
        self[option] = C.config.get_config_value(option, plugin_type="connection", plugin_name="ssh")
        return self[option]


class ActionModule(ActionBase):
    """The action plugin that reads the variables of all hosts; a task with run_once gets those of one host only."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        """Return the desired states and settings, or with ``passwords`` the passwords of root."""
        result: Result = super().run(tmp, task_vars)
        variables = task_vars or {}
        try:
            play = RolePlay(self._task, variables, self._loader)
            if play.strategy.endswith(UNSUITABLE):
                msg = (
                    f"The role keypair_reset does not work with the strategy {play.strategy}, which runs each host on its "
                    "own. Set strategy: linear in the play. Nothing was touched."
                )
                return {**result, "failed": True, "msg": msg}
            hosts = self._hosts(play, variables)
        except (AttributeError, TypeError) as error:
            msg = (
                f"The variables of the hosts could not be read: this release of multicloud.async_tasks does not support "
                f"ansible-core {ansible_version} ({type(error).__name__}: {error}). Nothing was touched. Install a release of the "
                "collection that supports it."
            )
            return {**result, "failed": True, "msg": msg}
        inputs = parse_inputs(hosts)
        if self._task.args.get("passwords"):
            return {**result, "passwords": inputs.passwords}
        check_controller(inputs, LocalController(), in_awx="awx_job_id" in variables)
        return {**result, **self._described(inputs, play, variables)}

    def _described(self, inputs: Inputs, play: RolePlay, variables: Result) -> Result:
        awx = _awx(variables)
        return {
            "desired_states": [
                {**desired, "play_size": len(play.all_hosts), "run": play.run_id} for desired in inputs.desired_states
            ],
            "settings": inputs.settings,
            "check_mode": bool(self._task.check_mode),
            "canaries": play.all_hosts[: inputs.settings["canary"]],
            "notes": _notes(awx, inputs.settings),
            **awx,
        }

    def _hosts(self, play: RolePlay, variables: Result) -> list[Host]:
        """Return the hosts that the role runs for, and those that were lost before it began."""
        earlier = {record["host"]: record.get("failure", "") for record in plain(self._earlier(variables))}
        config = _SshConfig()
        hosts = []
        for name in [*play.batch, *([] if play.in_rescue else play.lost)]:
            lost = name not in play.batch
            found = play.variables_of(name)
            templar = play.templar_of(found)
            try:
                if not play.takes_part(found, templar, earlier.get(name, "")):
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
                ssh = plain(ConnectionSettings(found, templar.template, config.__getitem__).read())
            except (AnsibleError, TypeError) as error:
                ssh, broken["ssh"] = {}, str(error)
            hosts.append(Host(name, given, broken, list(found), ssh, lost=lost, failure=failure_digest(found)))
        return hosts

    def _earlier(self, variables: Result) -> t.Any:
        return variables["hostvars"]["localhost"].get("__keypair_reset_finished", [])


def _awx(variables: Result) -> Result:
    """Return the id of the AWX job, whether it is a slice, and the suffix of its reports: slices share a directory."""
    job = "".join(char for char in str(variables.get("awx_job_id", "")) if char.isalnum())
    workflow, template = variables.get("awx_workflow_job_name"), variables.get("awx_job_template_name")
    return {
        "awx_job": job,
        # AWX runs the slices of a job as a workflow that has the name of the job's template.
        "sliced": bool(job and workflow and workflow == template),
        "report_suffix": f"_job_{job}" if job else "",
    }


def _notes(awx: Result, settings: Result) -> list[str]:
    """Return the notes about the run as a whole."""
    if awx["sliced"] and settings["parallel_jobs"] == 1:
        return [
            "This job is a slice, but keypair_reset_parallel_jobs is 1, so the slices together may exceed the request limits of the account. Set "
            "it to the number of slices."
        ]
    return []
