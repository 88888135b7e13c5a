# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator as one object: what a test starts, looks into and stops."""

from __future__ import annotations

import getpass
import shutil
import ssl
import tempfile
import threading
import types
import typing as t
from pathlib import Path

from . import control, faults, gateway, keys
from .accounts import ALIBABA_REGION, HUAWEI_REGION, populate_alibaba, populate_huawei, stable_id
from .alibaba.cloud import AlibabaCloud
from .clock import Clock, SystemClock
from .fleet import Fleet
from .history import add_history
from .huawei.cloud import HuaweiCloud
from .huawei.servers import Server
from .messages import Request, Response
from .requestlog import LogEntry, RequestLog
from .server import HttpServer
from .service import Machines, NoMachines, World
from .tls import server_context


class Emulator:
    """An HTTP server that plays the clouds, with real SSH servers behind it.

    Args:
        servers: How many servers there are, named ``server-01`` and so on, running, with key pair ``old`` bound.
        fleet: False leaves the SSH servers out: the API alone is much lighter.
        task_seconds: How long key pair, rotation and CloudSSO tasks take.
        job_seconds: How long power jobs take.
        boot_seconds: How long after a start's success it takes until one can log in.
        port: Port of the HTTP server; 0 lets the kernel choose.
        ssh_base_port: First port of the SSH servers; 0 lets the kernel choose each.
        state_dir: Where keys and home directories go; by default a temporary directory that is removed at the end.
        tls: Serve HTTPS with a certificate of a made-up authority (``ca_path``).
        history: Let tasks of the past exist, so that queries show something from the start.
        clock: Where time comes from. With any but the system's clock nothing happens by itself: time passes when a
            request comes in or ``settle`` is called.
    """

    def __init__(
        self,
        servers: int = 1,
        *,
        fleet: bool = True,
        task_seconds: float = 0.2,
        job_seconds: float = 0.2,
        boot_seconds: float = 0.0,
        port: int = 0,
        ssh_base_port: int = 0,
        state_dir: Path | str | None = None,
        tls: bool = False,
        history: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._temporary = state_dir is None
        directory = Path(tempfile.mkdtemp(prefix="emulator-")) if state_dir is None else Path(state_dir)
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory.resolve()
        self.clock: Clock = clock or SystemClock()
        self._history = history
        self._count, self._seconds = servers, (task_seconds, job_seconds, boot_seconds)
        self.fleet = Fleet(self.directory / "homes", ssh_base_port) if fleet else None
        self.requests = RequestLog()
        self.old_key, self.new_key = self._keys("old"), self._keys("new")
        self._build()
        self.ca_path: Path | None = None
        context: ssl.SSLContext | None = None
        if tls:
            context, self.ca_path = server_context(self.directory)
        self._http = HttpServer(self.answer, port, context)

    # start and stop

    def start(self) -> Emulator:
        """Start to serve requests."""
        self._follow()
        self._http.start()
        return self

    def stop(self) -> None:
        """Close every port, end every child process, remove temporary files."""
        self._http.stop()
        self.world.timeline.close()
        if self.fleet is not None:
            self.fleet.stop()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def reset(self) -> None:
        """Start over: servers, keys, tasks, tokens, faults and the log, as if just started. All ports stay."""
        with self.world.lock:
            self.world.timeline.close()
            self.requests.clear()
            self._build()
        self._follow()

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.stop()

    def _follow(self) -> None:
        """Run events when they are due, if the clock runs by itself."""
        if isinstance(self.clock, SystemClock):
            threading.Thread(target=self.world.timeline.follow, name="timeline", daemon=True).start()

    # for tests

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        scheme = "https" if self.ca_path else "http"
        return f"{scheme}://127.0.0.1:{self._http.server_port}"

    def environment(self) -> dict[str, str]:
        """Return the variables with which a client finds the emulator."""
        variables = {
            "HWC_ENDPOINT": self.url,
            "HWC_REGION": HUAWEI_REGION,
            "HUAWEICLOUD_SDK_AK": self.access_key.access,
            "HUAWEICLOUD_SDK_SK": self.access_key.secret,
            "HUAWEICLOUD_SDK_PROJECT_ID": self.project.id,
            "ALI_ENDPOINT": self.url,
            "ALI_REGION": ALIBABA_REGION,
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.alibaba_account.access_key.access,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.alibaba_account.access_key.secret,
        }
        if self.ca_path is not None:
            variables["REQUESTS_CA_BUNDLE"] = str(self.ca_path)
        return variables

    def writes(self) -> list[LogEntry]:
        """Return the logged requests of operations that change something."""
        return self.requests.writes()

    def fail(self, what: str, **settings: t.Any) -> faults.Fault:
        """Add a fault. ``RESPONSE_FAULTS`` and ``OUTCOME_FAULTS`` of ``faults`` list them, ``faults.Fault`` the settings."""
        with self.world.lock:
            return self.world.faults.add(what, **settings)

    def heal(self) -> None:
        """End all faults."""
        with self.world.lock:
            self.world.faults.clear()

    def settle(self) -> None:
        """Run all events that are due."""
        self.world.timeline.run_due()

    # what there is

    def _build(self) -> None:
        self.world = World.create(self.clock)
        machines: Machines = NoMachines()
        if self.fleet is not None:
            machines = self.fleet
            self.fleet.power_off_all()
        task_seconds, job_seconds, boot_seconds = self._seconds
        self.huawei = HuaweiCloud(self.world, machines, task_seconds, job_seconds, boot_seconds)
        self.alibaba = AlibabaCloud(self.world, task_seconds)
        account = populate_huawei(self.huawei, self.old_key.public, self.new_key.public)
        self.domain, self.project = account.domain, account.project
        self.user, self.access_key = account.user, account.access_key
        self.alibaba_account = populate_alibaba(self.alibaba)
        for number in range(1, self._count + 1):
            self.add_server(f"server-{number:02d}")
        if self._history:
            add_history(self)

    def add_server(self, name: str, *, place: tuple[str, int] | None = None, **fields: t.Any) -> Server:
        """Add a server. It has the key pair ``old`` unless ``fields`` say otherwise.

        Args:
            name: Its name.
            place: Address and port of its SSH server; by default 127.0.0.1 and any port.
            fields: Those of ``huawei.servers.Server``.
        """
        now = self.clock.time()
        server = Server(
            id=stable_id(name),
            name=name,
            project_id=self.project.id,
            user_id=self.user.id,
            created=now,
            updated=now,
            address=f"192.168.0.{len(self.huawei.servers) % 250 + 1}",
            **{"key_name": "old", "managed_key": self.old_key.public, **fields},
        )
        self.huawei.ecs.add_server(server)
        if self.fleet is not None:
            self.fleet.add(server.id, name, [server.managed_key] if server.managed_key else [], place)
            if server.status == "ACTIVE":
                self.fleet.power_on(server.id)
        return server

    def ssh(self, name: str) -> tuple[str, int, str]:
        """Return where to log in to a server: host, port, user."""
        if self.fleet is None:
            raise LookupError("this emulator was started without its fleet")
        machine = self.fleet.machines[self.huawei.ecs.find(name).id]
        return machine.address, machine.port, getpass.getuser()

    def _keys(self, name: str) -> keys.GeneratedKey:
        """Return one of the two pairs a test works with, kept in the state directory."""
        directory = self.directory / "keys"
        directory.mkdir(mode=0o700, exist_ok=True)
        private, public = directory / name, directory / f"{name}.pub"
        if private.exists() and public.exists():
            return keys.GeneratedKey(public.read_text().strip(), private.read_text())
        pair = keys.generate_rsa()
        for path, text in ((private, pair.private), (public, f"{pair.public}\n")):
            path.touch(mode=0o600)
            path.write_text(text)
        return pair

    def key_path(self, name: str) -> Path:
        """Return the private key file of ``old`` or ``new``; the name of the public one ends with ``.pub``."""
        return self.directory / "keys" / name

    # answering

    def answer(self, request: Request) -> Response:
        """Answer one request as it came in, without a connection."""
        if request.path.startswith("/_emulator/"):
            return control.answer(self, request)
        with self.world.lock:
            self.world.timeline.run_due()
            cloud = self.alibaba if self.alibaba.owns(request) else self.huawei
            return gateway.answer(cloud, self.world, self.requests, request)
