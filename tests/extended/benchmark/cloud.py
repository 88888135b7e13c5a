# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator in a process of its own, with tasks made to measure: ``BenchmarkServer`` is the handle, ``main`` the process.

The two talk in lines of JSON over pipes. Tasks are put into the emulator behind its API, since only asking about them is
measured; when each has ended and when the service first told a client is noted there, on one clock.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
import types
import typing as t
import urllib.request
import uuid

from emulator import Emulator
from emulator.huawei import csms, kps


@dataclasses.dataclass
class WatchedTask(kps.Task):
    """A key pair task that notes when its end is told.

    Attributes:
        polls: Polls until it ends, for one that ends by being polled; None for one that ends with time.
        end, told: Seconds since the epoch.
    """

    polls: int | None = None
    end: float | None = None
    told: float | None = None

    @property
    def status(self) -> str:
        """The status; reading it is a poll."""
        if self.polls is not None:
            self.polls -= 1
            if self.polls <= 0:
                self.phase = "SUCCESS"
        if self.ended and self.told is None:
            self.told = time.time()
        return super().status


@dataclasses.dataclass
class WatchedRotation(csms.Rotation):
    """A rotation that notes when its end is told."""

    end: float | None = None
    told: float | None = None

    def as_json(self) -> dict[str, t.Any]:
        """Return the row in the list; making it is a poll."""
        if self.end is not None and self.told is None:
            self.told = time.time()
        return super().as_json()


class BenchmarkCloud:
    """The emulator's process: its tasks and its account of requests."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.watched: dict[str, WatchedTask | WatchedRotation] = {}

    def open(self) -> dict[str, t.Any]:
        """Return what a client needs: variables, address of the tasks, a token."""
        emulator = self.emulator
        user = {
            "name": emulator.user.name,
            "password": emulator.user.password,
            "domain": {"name": emulator.domain.name},
        }
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"id": emulator.project.id}},
            }
        }
        request = urllib.request.Request(
            f"{emulator.url}/v3/auth/tokens", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as response:
            token = response.headers["X-Subject-Token"]
        tasks_url = f"{emulator.url}/v3/{emulator.project.id}/tasks"
        return {"environment": emulator.environment(), "tasks_url": tasks_url, "token": token}

    def limit(self, rate: int | None) -> None:
        """Throttle beyond so many requests per second."""
        self.emulator.huawei.rate_limit = rate

    def make(
        self, service: str = "kps", seconds: t.Sequence[float] = (), polls: t.Sequence[int] = ()
    ) -> dict[str, t.Any]:
        """Start tasks that take so many seconds, or polls; earlier ones are forgotten, and so is the log."""
        emulator = self.emulator
        with emulator.world.lock:
            emulator.huawei.tasks.clear()
            emulator.huawei.csms.tasks.clear()
            emulator.requests.clear()
            self.watched = {}
            for duration in seconds:
                task = self._rotation() if service == "csms" else self._task(None)
                emulator.world.timeline.after(duration, lambda task=task: self._end(task))  # type: ignore[misc]
            for count in polls:
                self._task(count)
            return {"ids": list(self.watched)}

    def _task(self, polls: int | None) -> WatchedTask:
        server = next(iter(self.emulator.huawei.servers.values()))
        task = WatchedTask(
            id=str(uuid.uuid4()),
            project_id=self.emulator.project.id,
            server_id=server.id,
            server_name=server.name,
            keypair_name="new",
            public_key=None,
            operation="RESET",
            created=int(time.time() * 1000),
            phase="RUNNING",
            polls=polls,
        )
        self.watched[task.id] = self.emulator.huawei.kps.tasks[task.id] = task
        return task

    def _rotation(self) -> WatchedRotation:
        service = self.emulator.huawei.csms
        secret = service.secrets[self.emulator.project.id, "database"]
        task = WatchedRotation(str(uuid.uuid4()), secret, int(time.time() * 1000), service.pending_status)
        self.watched[task.id] = service.tasks[task.id] = task
        return task

    def _end(self, task: WatchedTask | WatchedRotation) -> None:
        task.end = self.emulator.world.now()
        if isinstance(task, WatchedTask):
            task.phase = "SUCCESS"
        else:
            task.status = "SUCCESS"

    def servers(self) -> dict[str, t.Any]:
        """Return the ids of all servers by name."""
        return {"servers": {server.name: server.id for server in self.emulator.huawei.servers.values()}}

    def account(self) -> dict[str, t.Any]:
        """Return the requests since the tasks were made, and when each task ended and was reported."""
        with self.emulator.world.lock:
            statuses = [entry.status for entry in self.emulator.requests]
            return {
                "calls": len(statuses),
                "throttled": statuses.count(429),
                "ends": {task.id: task.end for task in self.watched.values()},
                "told": {task.id: task.told for task in self.watched.values()},
            }


class BenchmarkServer:
    """The handle of the emulator's process.

    Args:
        servers: Servers that the emulated cloud has.
    """

    def __init__(self, servers: int = 1) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(servers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        opened = self.ask("open")
        self.environment: dict[str, str] = opened["environment"]
        self.tasks_url: str = opened["tasks_url"]
        self.token: str = opened["token"]

    def ask(self, what: str, **arguments: t.Any) -> t.Any:
        """Have a method of ``BenchmarkCloud`` called in the other process."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        print(json.dumps([what, arguments]), file=stdin, flush=True)
        line = stdout.readline()
        if not line:
            raise RuntimeError("the emulator's process has ended")
        return json.loads(line)

    def __enter__(self) -> t.Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        # The end of its input ends it.
        self._process.communicate()


def main() -> int:
    """Serve until the input ends."""
    with Emulator(int(sys.argv[1]), fleet=False) as emulator:
        stage = BenchmarkCloud(emulator)
        for line in sys.stdin:
            what, arguments = json.loads(line)
            print(json.dumps(getattr(stage, what)(**arguments)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
