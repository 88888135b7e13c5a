# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The surroundings of Ansible on a controller, as untidy as in practice: an ssh configuration, a bastion, an agent, an SSH server of its own.

And the one who knows better: logins of the test itself, which share neither code nor configuration with those of the role.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import getpass
import random
import socket
import subprocess
import threading
import time
import typing as t
from pathlib import Path

import asyncssh

from emulator import keys
from emulator.fleet import LoginAttempt, Machine

from .running import PATIENCE, Bench


class Listener:
    """An SSH server in a thread of its own.

    Args:
        session: Makes what serves one connection.
        places: Addresses and ports to listen at.
    """

    def __init__(self, session: t.Callable[[], asyncssh.SSHServer], places: t.Sequence[tuple[str, int]]) -> None:
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._session = session
        self._servers: list[asyncssh.SSHAcceptor] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="listener", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._listen(places), self._loop).result(30)
        except BaseException:
            self.close()
            raise

    async def _listen(self, places: t.Sequence[tuple[str, int]]) -> None:
        for address, port in places:
            self._servers.append(
                await asyncssh.listen(
                    address,
                    port,
                    server_factory=self._session,
                    server_host_keys=[self.host_key],
                    process_factory=_succeed,
                    login_timeout=30,
                )
            )

    def known_hosts_line(self, *places: str) -> str:
        """Return a line of a known_hosts file."""
        return f"{','.join(places)} {self.host_key.export_public_key().decode().strip()}\n"

    def close(self) -> None:
        """End every connection, and the thread."""

        async def end() -> None:
            for server in self._servers:
                server.close()
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            if rest:
                await asyncio.wait(rest, timeout=5)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


async def _succeed(process: asyncssh.SSHServerProcess[str]) -> None:
    process.exit(0)


class Decoy:
    """An SSH server on the controller itself, at the port of the servers, which lets everyone in and must never be asked.

    Attributes:
        port: Its port, at 127.0.0.1 and, where there is one, at ::1.
        asked: A word about each connection and login.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.port = _free_port()
        places = [("127.0.0.1", self.port), *([("::1", self.port)] if has_ipv6() else [])]
        self._listener = Listener(lambda: _Welcome(self.asked), places)

    def known_hosts_line(self) -> str:
        """Return its line in a known_hosts file, so that a login that goes there by mistake trusts it."""
        return self._listener.known_hosts_line(*(f"[{name}]:{self.port}" for name in ("localhost", "127.0.0.1", "::1")))

    def close(self) -> None:
        """End it."""
        self._listener.close()


class _Welcome(asyncssh.SSHServer):
    """One connection to the decoy: every user, every key."""

    def __init__(self, asked: list[str]) -> None:
        self._asked = asked

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._asked.append("a connection")

    def begin_auth(self, username: str) -> bool:
        self._asked.append(f"a login of {username}")
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return True


class Bastion:
    """A jump host, which alone knows where the servers are.

    Args:
        accepted: The public key that lets one in.
        directory: Address and port of each server, by the name that it has in the bastion's network.
        place: Where it listens.
    """

    def __init__(self, accepted: str, directory: t.Mapping[str, tuple[str, int]], place: tuple[str, int]) -> None:
        self.forwarded: list[str] = []
        self.place = place
        self._listener = Listener(lambda: _Jump(accepted, directory, self.forwarded), [place])

    def known_hosts_line(self) -> str:
        """Return its line in a known_hosts file."""
        return self._listener.known_hosts_line("[{}]:{}".format(*self.place))

    def close(self) -> None:
        """End it."""
        self._listener.close()


class _Jump(asyncssh.SSHServer):
    """One connection to the bastion."""

    def __init__(self, accepted: str, directory: t.Mapping[str, tuple[str, int]], forwarded: list[str]) -> None:
        self._accepted, self._directory, self._forwarded = accepted, directory, forwarded
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return keys.identity(key.export_public_key().decode()) == keys.identity(self._accepted)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> t.Any:
        place = self._directory.get(dest_host)
        if place is None or place[1] != dest_port or self._connection is None:
            return False
        self._forwarded.append(dest_host)
        return self._connection.forward_connection(*place)


def has_ipv6() -> bool:
    """Return whether this machine has the address ::1."""
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


def _free_port() -> int:
    """Return a port that is free at both addresses of the loopback interface."""
    while True:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = int(first.getsockname()[1])
            try:
                if has_ipv6():
                    stack.enter_context(socket.create_server(("::1", port), family=socket.AF_INET6))
            except OSError:
                continue
            return port


class Agent:
    """An ssh-agent with some private keys.

    Args:
        directory: Where its socket goes.
        private_keys: The keys.
    """

    def __init__(self, directory: Path, *private_keys: Path) -> None:
        self.socket = directory / "agent"
        self._process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(self.socket)], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        deadline = time.monotonic() + PATIENCE
        while not self.socket.exists():
            assert self._process.poll() is None, "ssh-agent has ended"
            assert time.monotonic() < deadline, "ssh-agent does not listen"
            time.sleep(0.02)
        subprocess.run(["ssh-add", "-q", *map(str, private_keys)], env={"SSH_AUTH_SOCK": str(self.socket)}, check=True)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


@dataclasses.dataclass
class Network:
    """Servers with an address each, all at one port, and what is on the controller.

    Attributes:
        bench: The bench.
        decoy: The SSH server on the controller, at the same port.
        prefix: Of the servers' addresses.
        known: Lines of the user's known_hosts file.
    """

    bench: Bench
    decoy: Decoy
    prefix: str = dataclasses.field(default_factory=lambda: "127.{}.{}.".format(*random.sample(range(2, 250), 2)))
    known: list[str] = dataclasses.field(default_factory=list)

    @property
    def port(self) -> int:
        """The port of everything."""
        return self.decoy.port

    def address(self) -> str:
        """Return the next address."""
        return f"{self.prefix}{len(self.bench.emulator.huawei.servers) + 1}"

    def add(self, name: str, *known_as: str, place: tuple[str, int] | None = None, **fields: t.Any) -> tuple[str, int]:
        """Let one more server exist.

        Args:
            name: Its name in the cloud.
            known_as: What ssh may be given for it beside its address.
            place: Its address and port; by default the next address, and the port of everything.
            fields: As of ``Emulator.add_server``.
        """
        place = place or (self.address(), self.port)
        self.bench.add(name, place=place, **fields)
        machine = self.machine(name)
        self.known.append(f"{machine.known_hosts_line(*known_as)}\n")
        return machine.address, machine.port

    def machine(self, name: str) -> Machine:
        """Return the machine of a server."""
        assert self.bench.emulator.fleet is not None
        return self.bench.emulator.fleet.machines[self.bench.server(name).id]

    def authorize(self, public_key: str) -> None:
        """Let a key that the cloud does not know into all servers, beside that of their key pair."""
        assert self.bench.emulator.fleet is not None
        for machine in self.bench.emulator.fleet.machines.values():
            with machine.authorized_keys.open("a") as file:
                file.write(f"{public_key.strip()}\n")

    def configure(self, config: str = "") -> None:
        """Write the user's own ssh configuration, and a known_hosts file with all servers."""
        self.bench.write(".ssh/known_hosts", "".join([*self.known, self.decoy.known_hosts_line()]))
        self.bench.ssh_config(config)

    def truth(self, *names: str) -> dict[str, tuple[str, str]]:
        """Log in with both keys; return by server whether the new and the old one are ``accepted`` or ``refused``."""
        pair = [self.bench.emulator.key_path(which) for which in ("new", "old")]

        async def look() -> list[tuple[str, str]]:
            return [
                (await _log_in(self.machine(name), pair[0]), await _log_in(self.machine(name), pair[1]))
                for name in names
            ]

        return dict(zip(names, asyncio.run(look()), strict=True))

    def logins(self, since: int = 0) -> dict[str, set[tuple[str, str, bool]]]:
        """Return the logins at each server: the user, ``new``, ``old`` or ``other``, and whether the key was accepted."""
        assert self.bench.emulator.fleet is not None
        pair = {
            keys.identity(public): which
            for which, public in (
                ("new", self.bench.emulator.new_key.public),
                ("old", self.bench.emulator.old_key.public),
            )
        }
        found: dict[str, set[tuple[str, str, bool]]] = {}
        logins: list[LoginAttempt] = self.bench.emulator.fleet.logins[since:]
        for login in logins:
            which = pair.get(keys.identity(login.key or ""), "other")
            name = self.bench.server(login.machine).name
            found.setdefault(name, set()).add((login.user, which, login.accepted))
        return found


async def _log_in(machine: Machine, key: Path) -> str:
    """Log in with one key and nothing else."""
    try:
        async with asyncssh.connect(
            machine.address,
            machine.port,
            username=getpass.getuser(),
            client_keys=[str(key)],
            known_hosts=([machine.host_key.convert_to_public()], [], []),
            agent_path=None,
            config=None,
            preferred_auth="publickey",
        ) as connection:
            response = await connection.run("echo $((6 * 7))", check=True)
            assert str(response.stdout).strip() == "42"
            return "accepted"
    except asyncssh.PermissionDenied:
        return "refused"
