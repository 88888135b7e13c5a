# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real programs of Ansible on a bench: an emulator of the cloud, its SSH servers, and every line with the time it came."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import COLLECTIONS
from emulator import Emulator
from emulator.huawei.servers import Server
from emulator.requestlog import LogEntry
from emulator.state import write_state

#: Seconds within which anything here must end; a machine under load is slow.
PATIENCE = 180.0
ROLE = "multicloud.async_tasks.keypair_reset"
Play = dict[str, t.Any]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets what it runs in the background ignore Ctrl-C, and all that this starts; the programs of a test must not.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of output: seconds since the program was started, and the text without its end."""

    seconds: float
    text: str


class Program:
    """A program that runs, and what it has printed so far.

    Args:
        command: The program and its arguments.
        environment: Its whole environment.
        directory: Where it runs.
    """

    def __init__(self, command: t.Sequence[str], environment: t.Mapping[str, str], directory: Path) -> None:
        self.started = time.monotonic()
        self.stdout: list[Line] = []
        self.stderr: list[Line] = []
        # In a session of its own, so that Ctrl-C can be sent to all of it, and to nothing else.
        self.process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((self.process.stdout, self.stdout), (self.process.stderr, self.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: t.IO[str], lines: list[Line]) -> None:
        with stream:
            for text in stream:
                lines.append(Line(time.monotonic() - self.started, text.rstrip("\n")))

    @property
    def elapsed(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started

    @property
    def output(self) -> str:
        """Everything on standard output."""
        return "\n".join(line.text for line in list(self.stdout))

    @property
    def errors(self) -> str:
        """Everything on standard error."""
        return "\n".join(line.text for line in list(self.stderr))

    def lines(self, part: str) -> list[Line]:
        """Return the lines on standard error that hold a text."""
        return [line for line in list(self.stderr) if part in line.text]

    def until(self, condition: t.Callable[[], t.Any]) -> None:
        """Wait until something is so while the program runs."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"it has ended:\n{self.output}\n{self.errors}"
            assert time.monotonic() < deadline, f"it does not come to it:\n{self.output}\n{self.errors}"
            time.sleep(0.05)

    def wait(self) -> t.Self:
        """Wait for its end, and for the rest of its output."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        for reader in self._readers:
            # Something that it left behind may hold its output open.
            reader.join(5)
        return self

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program itself; Ctrl-C to all of its processes, as a terminal does."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End it and everything that it has started, as far as that is in its session."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """The counts of ansible-playbook's recap, by host."""
        return {
            host: {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", counts)}
            for host, counts in re.findall(r"^(\S+)\s+: (ok=.*)$", self.output, re.MULTILINE)
        }


class Bench:
    """An emulator, and all that it takes to run Ansible on it.

    Args:
        emulator: A running one, with its state in a directory.
        directory: For playbooks and whatever they write; with a short path, for the sake of ssh's sockets.
    """

    def __init__(self, emulator: Emulator, directory: Path) -> None:
        self.emulator = emulator
        self.directory = directory
        self.programs: list[Program] = []
        write_state(emulator)
        self.ansible_config()
        directory.joinpath(".ssh").mkdir(mode=0o700)
        self.ssh_config()
        # OpenSSH takes ~ from the account, not from HOME: without this, the developer's own configuration and known_hosts
        # would take part.
        tools = directory / "bin"
        tools.mkdir()
        if ssh := shutil.which("ssh"):
            tools.joinpath("ssh").write_text(f'#!/bin/sh\nexec {ssh} -F {directory / ".ssh" / "config"} "$@"\n')
            tools.joinpath("ssh").chmod(0o755)

    def ansible_config(self, connection: t.Mapping[str, str] | None = None, **defaults: str) -> None:
        """Write the user's ansible.cfg.

        Args:
            connection: Its section ``ssh_connection``.
            defaults: More of its section ``defaults``.
        """
        sections = {
            "defaults": {"nocows": "true", "retry_files_enabled": "false", **defaults},
            "ssh_connection": connection or {},
        }
        lines = [
            line
            for section, settings in sections.items()
            for line in (f"[{section}]", *(f"{name} = {value}" for name, value in settings.items()))
        ]
        self.write("ansible.cfg", "\n".join([*lines, ""]))

    def ssh_config(self, text: str = "") -> None:
        """Write the user's ``~/.ssh/config``."""
        known_hosts = self.directory / ".ssh" / "known_hosts"
        self.write(".ssh/config", f"{text}\nHost *\n  UserKnownHostsFile {known_hosts}\n")

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a user who works with the emulator's cloud, and nothing of the developer's own."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM") if name in os.environ}
        bin_directory = str(Path(sys.executable).parent)
        return {
            **kept,
            "PATH": os.pathsep.join([str(self.directory / "bin"), bin_directory, kept.get("PATH", os.defpath)]),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.directory),
            "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            # By default below HOME, which async_wrapper and async_status take from different places.
            "ANSIBLE_ASYNC_DIR": str(self.directory / "jobs"),
            "ANSIBLE_FORCE_COLOR": "false",
            "PYTHONUNBUFFERED": "1",
            **self.emulator.environment(),
            **more,
        }

    @property
    def hosts(self) -> dict[str, dict[str, t.Any]]:
        """The variables of each server of the emulator, by name; without SSH servers just its id."""
        inventory = self.emulator.directory / "inventory.yml"
        if inventory.exists():
            found: dict[str, dict[str, t.Any]] = json.loads(inventory.read_text().removeprefix("---\n"))["all"][
                "children"
            ]["fleet"]["hosts"]
            return found
        return {
            server.name: {"keypair_reset_server_id": server.id, "ansible_connection": "local"}
            for server in self.emulator.huawei.servers.values()
        }

    def add(self, name: str, **fields: t.Any) -> None:
        """Let one more server exist; the arguments are those of ``Emulator.add_server``."""
        self.emulator.add_server(name, **fields)
        write_state(self.emulator)

    def server(self, name: str) -> Server:
        """Return a server as the cloud knows it."""
        return self.emulator.huawei.ecs.find(name)

    def write(self, name: str, content: t.Any) -> Path:
        """Write a file: text as it is, anything else as JSON, which is YAML."""
        path = self.directory / name
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
        return path

    def start(
        self,
        plays: t.Sequence[Play] | str,
        *options: str,
        hosts: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
        **environment: str,
    ) -> Program:
        """Start ansible-playbook.

        Args:
            plays: The playbook, or the name of one.
            options: More arguments.
            hosts: Variables by host; by default the emulator's servers.
            environment: More variables.
        """
        number = len(self.programs)
        inventory = self.write(f"inventory-{number}.json", {"all": {"hosts": hosts or self.hosts}})
        playbook = plays if isinstance(plays, str) else str(self.write(f"playbook-{number}.json", plays))
        command = [self.path("ansible-playbook"), "-i", str(inventory), playbook, *options]
        return self.program(command, **environment)

    def program(self, command: t.Sequence[str], **environment: str) -> Program:
        """Start any program."""
        started = Program(command, self.environment(**environment), self.directory)
        self.programs.append(started)
        return started

    def path(self, program: str) -> str:
        """Return the path of a program of the same Python environment."""
        found = shutil.which(program, path=self.environment()["PATH"])
        assert found is not None, f"{program} is not installed"
        return found

    def run(self, plays: t.Sequence[Play] | str, *options: str, **more: t.Any) -> Program:
        """Run ansible-playbook to its end; the arguments are those of ``start``."""
        return self.start(plays, *options, **more).wait()

    def role(
        self, variables: t.Mapping[str, t.Any], *options: str, playbook: str = "keypair_reset", **more: t.Any
    ) -> Program:
        """Start a playbook of the collection with variables for all hosts; its report goes to ``rows``."""
        reports = self.directory / "reports"
        shutil.rmtree(reports, ignore_errors=True)
        reports.mkdir()
        all_variables = {"keypair_reset_report_dir": str(reports), "keypair_reset_progress": 2, **variables}
        file = self.write(f"variables-{len(self.programs)}.json", all_variables)
        return self.start(f"multicloud.async_tasks.{playbook}", "-e", f"@{file}", *options, **more)

    @property
    def rows(self) -> dict[str, dict[str, t.Any]]:
        """The rows of the last report, by server."""
        rows = json.loads((self.directory / "reports" / "keypair_reset.json").read_text())
        return {row["server"]: row for row in rows}

    def requests(self, since: int = 0) -> dict[str, int]:
        """Count the requests of each operation, from a number of the log on."""
        counts: dict[str, int] = {}
        for entry in list(self.emulator.requests)[since:]:
            counts[entry.operation] = counts.get(entry.operation, 0) + 1
        return counts

    def named_in(self, operation: str) -> list[str]:
        """Return the names of the servers in the bodies of an operation's requests, in order."""
        names = {server.id: server.name for server in self.emulator.huawei.servers.values()}
        entries: list[LogEntry] = self.emulator.requests.of(operation)
        return [names[found] for entry in entries for found in re.findall(r'"id": "([^"]+)"', entry.body.decode())]

    def close(self) -> None:
        """End what still runs."""
        for program in self.programs:
            program.kill()


def tasks_of(*tasks: Play, hosts: str = "localhost", **more: t.Any) -> list[Play]:
    """Return a playbook of one play that runs on the controller."""
    return [
        {
            "hosts": hosts,
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": list(tasks),
            **more,
        }
    ]


def shown(value: str, name: str, bench: Bench) -> Play:
    """Return a task that writes the value of an expression to a file of the bench, as JSON."""
    return {
        "ansible.builtin.copy": {
            "content": f"{{{{ {value} | to_json }}}}",
            "dest": str(bench.directory / name),
            "mode": "0600",
        }
    }
