# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The place where plays are run and measured: a home of its own, the compiled collection, one inventory, one emulator."""

from __future__ import annotations

import base64
import compileall
import dataclasses
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import typing as t
import zipfile
from pathlib import Path

from cloud import BenchmarkServer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
Task = dict[str, t.Any]
#: Keywords of a task that runs as a module although the worker would do.
AS_MODULE: Task = {"vars": {"multicloud_async_tasks_in_process": False}}


@dataclasses.dataclass(frozen=True)
class Spent:
    """The cost of a command.

    Attributes:
        cpu: Seconds of user and system time of all its processes.
        wall: Seconds until it ended.
        rss: MiB of its largest process.
    """

    cpu: float
    wall: float
    rss: float


class Workshop:
    """A runner of commands that measures what they take.

    Args:
        directory: For everything that is written.
        cloud: The emulator.
    """

    def __init__(self, directory: Path, cloud: BenchmarkServer) -> None:
        self.directory = directory
        self.cloud = cloud
        self.collections = directory / "collections"
        self.moments = directory / "moments.jsonl"
        collection = self.collections / "ansible_collections" / "multicloud" / "async_tasks"
        for part in ("plugins", "meta", "roles", "playbooks"):
            shutil.copytree(ROOT / part, collection / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy2(ROOT / "galaxy.yml", collection)
        # Both sides compiled: what a controller has installed is, and imports take half of a play's time when it is not.
        for place in (Path(sysconfig.get_path("purelib")), self.collections):
            compileall.compile_dir(place, quiet=2, workers=os.cpu_count() or 1)
        self._write("ansible.cfg", "[defaults]\nnocows = true\nretry_files_enabled = false\n")
        self._write("hosts.json", {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}})
        self._plays = 0

    def _write(self, name: str, content: t.Any) -> Path:
        path = self.directory / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a user who works with the emulator, and nothing of the developer's own."""
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.directory),
            "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_LIBRARY": str(HERE / "library"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_ASYNC_DIR": str(self.directory / "jobs"),
            **self.cloud.environment,
            **more,
        }

    def play(self, *tasks: Task, variables: t.Mapping[str, t.Any] | None = None, **environment: str) -> Spent:
        """Run a play of these tasks on the controller."""
        self._plays += 1
        facts = {"tasks_url": self.cloud.tasks_url, "token": self.cloud.token, **(variables or {})}
        extra = self._write("variables.json", facts)
        playbook = self._write(
            f"play-{self._plays}.json", [{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}]
        )
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(self.directory / "hosts.json")]
        return self.run([*command, "-e", f"@{extra}", str(playbook)], **environment)

    def timed_play(self, *tasks: Task, variables: t.Mapping[str, t.Any]) -> tuple[Spent, dict[tuple[str, str], float]]:
        """Run a play, and say also when each item of each of its loops was done, in seconds since the epoch."""
        self.moments.write_text("")
        spent = self.play(
            *tasks,
            variables=variables,
            ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callback"),
            ANSIBLE_CALLBACKS_ENABLED="moments",
            MOMENTS_FILE=str(self.moments),
        )
        lines = [json.loads(line) for line in self.moments.read_text().splitlines()]
        return spent, {(line["task"], line["item"]): line["time"] for line in lines}

    def run(self, command: t.Sequence[str], **environment: str) -> Spent:
        """Run a command to its end; a failure is an error that shows its output."""
        output = self.directory / "output.txt"
        done = subprocess.run(
            [sys.executable, str(HERE / "supervise.py"), str(output), *command],
            env=self.environment(**environment),
            cwd=self.directory,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        account = json.loads(done.stdout)
        if account.pop("code"):
            raise RuntimeError(f"{command} failed:\n{output.read_text(errors='replace')[-4000:]}")
        return Spent(**account)

    def ad_hoc(self, module: str, options: Task, *, in_process: bool) -> Spent:
        """Run one module with ``ansible`` on the controller."""
        command = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-i", str(self.directory / "hosts.json")]
        switch = {"multicloud_async_tasks_in_process": in_process}
        return self.run([*command, "-m", module, "-a", json.dumps(options), "-e", json.dumps(switch)])

    def role(self, servers: int) -> Spent:
        """Reset the key pair of a fleet with the role, on an emulator of its own, without logins."""
        emulator = BenchmarkServer(servers=servers)
        with emulator:
            ids = emulator.ask("servers")["servers"]
            hosts = {name: {"keypair_reset_server_id": id_, "ansible_connection": "local"} for name, id_ in ids.items()}
            inventory = self._write("fleet.json", {"all": {"hosts": hosts}})
            command = [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory)]
            playbook = "multicloud.async_tasks.keypair_reset"
            return self.run([*command, playbook, "-e", "keypair_reset_keypair_name=new"], **emulator.environment)

    def threads(self, ids: t.Sequence[str], interval: float, give_up: float) -> Spent:
        """Run the script that has a thread per task, for so many seconds at most."""
        order = {
            "tasks_url": self.cloud.tasks_url,
            "token": self.cloud.token,
            "ids": ids,
            "interval": interval,
            "give_up": give_up,
        }
        return self.run([sys.executable, str(HERE / "threads.py"), str(self._write("order.json", order))])

    def payload(self, task: Task, name: str, repeats: int) -> dict[str, float]:
        """Return how large a module's file is on its way to the host, and how long its import takes.

        Args:
            task: Runs the module.
            name: Of the module, without its collection.
            repeats: How often to import it, each time in a new process.
        """
        kept = self.directory / f"kept-{name}"
        self.play(task, ANSIBLE_KEEP_REMOTE_FILES="1", ANSIBLE_REMOTE_TEMP=str(kept))
        (file,) = kept.rglob(f"AnsiballZ_{name}.py")
        text = file.read_text(encoding="utf-8")
        found = re.search(r"zip_data='([^']+)'", text)
        assert found is not None, f"{file} has no payload of the form that this ansible-core makes"
        archive = kept / "payload.zip"
        archive.write_bytes(base64.b64decode(found[1]))
        (member,) = (each for each in zipfile.ZipFile(archive).namelist() if each.endswith(f"/{name}.py"))
        imported = member.removesuffix(".py").replace("/", ".")
        program = (
            "import sys, time; sys.path.insert(0, sys.argv[1]); began = time.process_time()\n"
            f"import {imported}\n"
            "print(time.process_time() - began)"
        )
        seconds = [
            float(
                subprocess.run(
                    [sys.executable, "-c", program, str(archive)],
                    env=self.environment(),
                    stdout=subprocess.PIPE,
                    check=True,
                    text=True,
                ).stdout
            )
            for _repeat in range(repeats)
        ]
        return {"bytes": len(text.encode()), "import": statistics.median(seconds)}
