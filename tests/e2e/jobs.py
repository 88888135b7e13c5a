# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs of AWX: real ansible-runner with the private data directory, the environment and the arguments that AWX gives it.

The layout is that of ``RunJob`` in AWX 24.6 (``awx/main/tasks/jobs.py``), and jobs on another node go the way of
``AWXReceptorJob`` (``awx/main/tasks/receptor.py``): transmit, worker, process. In the place of a container there is an
environment that has nothing of the user's: an empty home directory, and no credentials.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import typing as t
from pathlib import Path

from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import COLLECTIONS

from .awx import TYPES, CredentialType
from .running import Bench, Program

PLAYBOOKS = TYPES.parents[2] / "playbooks"
#: Bytes of a task's result that AWX shows; ansible-runner empties larger ones (``MAX_EVENT_RES``).
MAX_EVENT_RES = 700_000
#: Settings of AWX that reach every job as variables.
SETTINGS = {
    "ANSIBLE_FORCE_COLOR": "True",
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_PARAMIKO_RECORD_HOST_KEYS": "False",
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
    "MAX_EVENT_RES": str(MAX_EVENT_RES),
    "AWX_HOST": "https://awx.example.org",
}
#: What AWX starts in a process of its own: one call of ansible-runner's interface.
RUN = "import json, sys, ansible_runner; ansible_runner.interface.run(**json.load(open(sys.argv[1])))"
#: Where a container has the private data directory.
CONTAINER = "/runner"
Variables = t.Mapping[str, t.Any]


class AwxJob:
    """One job of AWX on a bench.

    Attributes:
        ident: Its id.
        artifacts: What it hands over to the jobs that follow in its workflow.

    Args:
        bench: The bench.
        ident: Its id.
        playbook: A playbook of the project, or one of this name with ``plays``.
        credentials: What was filled in, by credential type.
        extra_vars: The answers of the survey, and what earlier jobs of the workflow have handed over.
        plays: The playbook, unless it is one of the collection's.
        hosts: The inventory; by default the emulator's servers.
        slice_of: The number of this slice, from 1, and how many there are.
        check: Whether the job is of the type *Check*.
        settings: ``job_timeout`` and ``idle_timeout``, in seconds.
        remote: Whether it runs on another node.
    """

    def __init__(
        self,
        bench: Bench,
        ident: int,
        playbook: str,
        credentials: Variables,
        extra_vars: Variables,
        *,
        plays: t.Any = None,
        hosts: Variables | None = None,
        slice_of: tuple[int, int] = (1, 1),
        check: bool = False,
        settings: Variables | None = None,
        remote: bool = False,
    ) -> None:
        self.ident = ident
        self._bench = bench
        self._private = bench.directory / f"awx_{ident}"
        self._node = bench.directory / f"node_{ident}" if remote else self._private
        for part in ("env", "inventory", "project/playbooks", "cp", "home"):
            (self._private / part).mkdir(parents=True, mode=0o700)
        project = self._private / "project" / "playbooks"
        if plays is None:
            (project / f"{playbook}.yml").write_text((PLAYBOOKS / f"{playbook}.yml").read_text(encoding="utf-8"))
        else:
            (project / f"{playbook}.yml").write_text(plays if isinstance(plays, str) else json.dumps(plays))
        (self._private / "requirements_collections").symlink_to(COLLECTIONS)
        self._write_inventory(dict(bench.hosts if hosts is None else hosts), slice_of)
        self._write_variables({**self._own_variables(slice_of), **extra_vars})
        runner = {"job_timeout": 0, "suppress_ansible_output": True, "suppress_output_file": True, **(settings or {})}
        (self._private / "env" / "settings").write_text(json.dumps(runner))
        self._injected: dict[str, str] = {}
        arguments = ["-u", "root", *(["--check"] if check else [])]
        for name, filled in credentials.items():
            arguments += self._inject(CredentialType.read(TYPES / name), filled)
        (self._private / "env" / "cmdline").write_text(shlex.join(arguments))
        self._params = {
            "ident": str(ident),
            "private_data_dir": str(self._private),
            "playbook": f"playbooks/{playbook}.yml",
            "inventory": str(self._private / "inventory" / "hosts"),
            "envvars": self._environment(),
            "suppress_env_files": True,
            "fact_cache_type": "",
            "quiet": True,
        }

    def start(self) -> Program:
        """Start ansible-runner; SIGTERM to the program is what a cancel is."""
        process = {"streamer": "process", "quiet": True}
        transmit = {**self._params, "streamer": "transmit"}
        files = {
            name: self._bench.write(f"job-{self.ident}-{name}.json", params)
            for name, params in (
                ("run", self._params),
                ("transmit", transmit),
                ("process", {**process, "private_data_dir": str(self._private), "ident": str(self.ident)}),
            )
        }
        run = [sys.executable, "-c", RUN]
        if self._node == self._private:
            return self._program([*run, str(files["run"])])
        worker = [self._bench.path("ansible-runner"), "worker", "--private-data-dir", str(self._node), "--delete"]
        steps = ([*run, str(files["transmit"])], worker, [*run, str(files["process"])])
        return self._program(["bash", "-c", " | ".join(map(shlex.join, steps))])

    def run(self) -> t.Self:
        """Run it to its end."""
        self.start().wait()
        return self

    @property
    def status(self) -> str:
        """The word of ansible-runner: ``successful``, ``failed``, ``canceled`` or ``timeout``."""
        return self._artifact("status").read_text()

    @property
    def events(self) -> list[dict[str, t.Any]]:
        """All events so far, in order."""
        paths = [path for path in self._artifact("job_events").glob("*-*.json") if "partial" not in path.name]
        found = [json.loads(text) for path in paths if (text := path.read_text())]
        return sorted(found, key=lambda event: int(event["counter"]))

    @property
    def output(self) -> str:
        """Return what AWX shows of the job so far."""
        return "\n".join(event["stdout"] for event in self.events)

    def lines(self, part: str) -> list[dict[str, t.Any]]:
        """Return the events so far whose output holds a text."""
        if not self._artifact("job_events").exists():
            return []
        return [event for event in self.events if part in event["stdout"]]

    @property
    def artifacts(self) -> dict[str, t.Any]:
        """Return the artifacts of the job."""
        ends = [event for event in self.events if event["event"] == "playbook_on_stats"]
        return dict(ends[-1]["event_data"].get("artifact_data", {})) if ends else {}

    def emptied(self) -> list[str]:
        """Return the tasks whose result AWX does not show because it is too large."""
        return [
            event["event_data"]["task"]
            for event in self.events
            if event["event"].startswith("runner_") and event["event_data"].get("res") == {}
        ]

    def largest(self) -> int:
        """Return the size of the largest result of a task, in bytes as ansible-runner counts them."""
        results = [event["event_data"].get("res") for event in self.events if event["event"].startswith("runner_")]
        return max(len(str(result)) for result in results if result)

    def leaks(self, secrets: t.Iterable[str]) -> list[str]:
        """Return the files that hold a secret or a line of one, but for ``command``, which never leaves the node."""
        lines = [line for secret in secrets for line in secret.splitlines() if line and not line.startswith("-----")]
        assert lines
        files = [path for path in self._artifact(".").rglob("*") if path.is_file() and path.name != "command"]
        assert len(files) > 5
        return [path.name for path in files if any(line in path.read_text(errors="replace") for line in lines)]

    def _artifact(self, name: str) -> Path:
        return self._private / "artifacts" / str(self.ident) / name

    def _program(self, command: t.Sequence[str]) -> Program:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        path = os.pathsep.join([str(self._bench.directory / "bin"), str(Path(sys.executable).parent), kept["PATH"]])
        started = Program(
            command, {**kept, "PATH": path, "HOME": str(self._private / "home"), "LC_ALL": "C.UTF-8"}, self._private
        )
        self._bench.programs.append(started)
        return started

    def _environment(self) -> dict[str, str]:
        """Return the variables of the job; those of credentials win over all others."""
        return {
            **SETTINGS,
            "JOB_ID": str(self.ident),
            "INVENTORY_ID": "1",
            "PROJECT_REVISION": "0" * 40,
            "AWX_PRIVATE_DATA_DIR": str(self._node),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self._node / "cp"),
            "ANSIBLE_COLLECTIONS_PATH": str(self._node / "requirements_collections"),
            **self._injected,
        }

    def _own_variables(self, slice_of: tuple[int, int]) -> dict[str, t.Any]:
        """Return the variables that AWX gives a job. The slices of a job are a workflow, named as its template."""
        own = {"job_id": self.ident, "job_launch_type": "manual", "job_template_id": 5, "job_template_name": "Reset"}
        if slice_of[1] > 1:
            own |= {"workflow_job_id": 1000, "workflow_job_name": "Reset", "job_launch_type": "workflow"}
        return {f"{prefix}_{name}": value for prefix in ("awx", "tower") for name, value in own.items()}

    def _write_variables(self, variables: Variables) -> None:
        # No answer of a survey is ever a template.
        lines = [f"{name}: !unsafe {json.dumps(value)}" for name, value in variables.items()]
        (self._private / "env" / "extravars").write_text("\n".join(["---", *lines, ""]))

    def _write_inventory(self, hosts: dict[str, t.Any], slice_of: tuple[int, int]) -> None:
        number, count = slice_of
        names = sorted(hosts)[number - 1 :: count]
        known = {
            name: {"remote_tower_enabled": "true", "remote_tower_id": index, **hosts[name]}
            for index, name in enumerate(names, 1)
        }
        data = {"all": {"hosts": names}, "_meta": {"hostvars": known}}
        script = self._private / "inventory" / "hosts"
        script.write_text(f"#! /usr/bin/env python3\nprint({json.dumps(data)!r})\n")
        script.chmod(0o700)

    def _inject(self, kind: CredentialType, filled: Variables) -> list[str]:
        environment, arguments = kind.inject(filled, self._private)
        self._injected |= environment
        told: list[str] = []
        for argument in arguments:
            if argument.startswith("@"):
                path = Path(argument[1:])
                # There is no container that has the directory elsewhere.
                path.write_text(path.read_text().replace(CONTAINER, str(self._node)))
                argument = f"@{self._node / path.relative_to(self._private)}"
            told.append(argument)
        return told


def credentials(bench: Bench) -> dict[str, dict[str, str]]:
    """Return a user's input to the survey that resets the emulator's servers from the key pair ``old`` to ``new``."""
    key = bench.emulator.access_key
    return {
        "huawei_cloud": {
            "region": "cn-north-4",
            "endpoint": bench.emulator.url,
            "access_key": key.access,
            "secret_key": key.secret,
            "project_id": bench.emulator.project.id,
        },
        "ssh_key_pair": {
            "old_private_key": bench.emulator.key_path("old").read_text(),
            "new_private_key": bench.emulator.key_path("new").read_text(),
        },
    }


def secrets(bench: Bench) -> list[str]:
    """Return the secrets that no event may show."""
    filled = credentials(bench)
    return [filled["huawei_cloud"]["secret_key"], *filled["ssh_key_pair"].values()]


def handed_over(*jobs: AwxJob) -> dict[str, t.Any]:
    """Return what the next job of a workflow gets from jobs that ended in this order: AWX keeps one value for each name."""
    merged: dict[str, t.Any] = {}
    for job in jobs:
        merged |= job.artifacts
    return merged
