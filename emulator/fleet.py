# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real SSH servers, one per emulated machine, all in one process and without root.

Each has its own host key, home directory and ``authorized_keys``, which is read again at every login, and can have an
address of its own on the loopback interface. Powering off closes the listening socket and ends every session; powering on
opens the same port again.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import getpass
import os
import signal
import socket
import threading
import typing as t
from pathlib import Path

import asyncssh

from . import keys

_CHUNK = 65536
#: An environment variable by which the processes of a machine are known.
_MARK = "EMULATED_MACHINE"
#: Where machines are that have no address of their own.
LOOPBACK = "127.0.0.1"
_T = t.TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class LoginAttempt:
    """One attempt to log in.

    Attributes:
        machine: The server's id.
        user: The name asked for.
        key: The public key shown (OpenSSH's format), or None when none was.
        accepted: Whether it opened the door.
    """

    machine: str
    user: str
    key: str | None
    accepted: bool


class Machine:
    """One machine: a directory, a host key, an address and port that stay its own, and what is going on inside.

    Args:
        id: The server's id.
        home: Its home directory.
        port: Its port; 0 lets the kernel choose.
        address: Its address, of the loopback interface: ``127.x.y.z`` or ``::1``.
    """

    def __init__(self, id: str, home: Path, port: int, address: str = LOOPBACK) -> None:
        self.id = id
        self.address = address
        self.home = home
        home.joinpath(".ssh").mkdir(parents=True, exist_ok=True, mode=0o700)
        self.authorized_keys = home / ".ssh" / "authorized_keys"
        self.authorized_keys.touch(mode=0o600)
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        # Bound but never listening: it keeps the port ours while the machine is off. Linux lets a second socket bind
        # beside it because both allow reuse, and gives such a port to no process that asks for any free one.
        self._placeholder = _bound(address, port)
        self.port: int = self._placeholder.getsockname()[1]
        self.door: socket.socket | None = None
        self.guests: set[asyncio.Task[None]] = set()
        self.connections: set[asyncssh.SSHServerConnection] = set()
        #: Whether anything was run on it since it was switched on.
        self.used = False

    @property
    def up(self) -> bool:
        """Whether it listens."""
        return self.door is not None

    def known_hosts_line(self, *names: str) -> str:
        """Return the line of a known_hosts file, for the address of the machine and for further names."""
        places = ",".join(f"[{name}]:{self.port}" for name in (self.address, *names))
        return f"{places} {self.host_key.export_public_key().decode().strip()}"

    def listen(self) -> socket.socket:
        """Open the port."""
        self.door = _bound(self.address, self.port)
        self.door.listen(128)
        self.door.setblocking(False)
        return self.door

    def close(self) -> None:
        """Give the port up."""
        self._placeholder.close()


def _bound(address: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((address, port))
    return bound


class _Session(asyncssh.SSHServer):
    """One connection to a machine: public keys only, any user name."""

    def __init__(self, machine: Machine, report: t.Callable[[LoginAttempt], None]) -> None:
        self.machine = machine
        self._report = report
        self._connection: asyncssh.SSHServerConnection | None = None
        self._user = ""
        self._key: str | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Remember the connection, so that it can be cut when the machine is switched off."""
        self._connection = conn
        self.machine.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._connection is not None:
            self.machine.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        """Require a key from every user."""
        self._user = username
        return True

    def public_key_auth_supported(self) -> bool:
        """Allow logins with a public key, which is the only way in."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Look the key up in ``authorized_keys`` as it is now."""
        line = key.export_public_key().decode().strip()
        self._key = line
        lines = self.machine.authorized_keys.read_text().splitlines()
        known = {keys.identity(text) for text in lines if text.strip() and not text.startswith("#")}
        accepted = keys.identity(line) in known
        if not accepted:
            self._report(LoginAttempt(self.machine.id, username, line, accepted=False))
        return accepted

    def auth_completed(self) -> None:
        """Write the login down."""
        self._report(LoginAttempt(self.machine.id, self._user, self._key, accepted=True))


class _Files(asyncssh.SFTPServer):
    """The file transfer of a machine; relative paths start at its home directory."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(channel)
        session = channel.get_connection().get_owner()
        assert isinstance(session, _Session)
        self._home = os.fsencode(session.machine.home)

    def exit(self) -> None:
        """Send the exit status, without which scp takes a finished transfer for a failed one."""
        with contextlib.suppress(OSError):
            self.channel.exit(0)

    def map_path(self, path: bytes) -> bytes:
        """Return the path on this machine's disk."""
        return os.path.join(self._home, path)


async def _run(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Run one command in /bin/sh.

    asyncssh's own redirection loses exit codes when connections are shared, so the bytes are pumped here and the exit
    status goes out before the channel is closed.
    """
    session = process.channel.get_connection().get_owner()
    assert isinstance(session, _Session)
    machine = session.machine
    user = process.get_extra_info("username") or getpass.getuser()
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        **{name: value for name, value in process.env.items() if name.startswith(("LC_", "LANG"))},
        "HOME": str(machine.home),
        "USER": user,
        "LOGNAME": user,
        "SHELL": "/bin/sh",
        _MARK: str(machine.home),
    }
    machine.used = True
    child = await asyncio.create_subprocess_exec(
        "/bin/sh",
        *(["-c", process.command] if process.command else []),
        cwd=machine.home,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    feeder = asyncio.ensure_future(_feed(process, child))
    try:
        assert child.stdout is not None
        assert child.stderr is not None
        await asyncio.gather(_pump(child.stdout, process.stdout), _pump(child.stderr, process.stderr))
        status = await child.wait()
        process.exit(status if status >= 0 else 128 - status)
    except (OSError, asyncssh.Error):  # the connection is gone
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
    finally:
        feeder.cancel()


async def _feed(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> None:
    assert child.stdin is not None
    while True:
        try:
            data = await process.stdin.read(_CHUNK)
            if not data:
                break
            child.stdin.write(data)
            await child.stdin.drain()
        except asyncssh.TerminalSizeChanged:
            continue
        except (asyncssh.BreakReceived, asyncssh.SignalReceived, ConnectionError):
            break
    child.stdin.close()


async def _pump(source: asyncio.StreamReader, sink: asyncssh.SSHWriter[bytes]) -> None:
    while data := await source.read(_CHUNK):
        sink.write(data)
        await sink.drain()


class Fleet:
    """The machines, and the thread their servers live in.

    Args:
        directory: Where home directories go.
        base_port: Ports count up from here; 0 lets the kernel choose each.
    """

    def __init__(self, directory: Path, base_port: int = 0) -> None:
        self.directory = directory
        self.base_port = base_port
        self.machines: dict[str, Machine] = {}
        self.logins: list[LoginAttempt] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fleet", daemon=True)
        self._thread.start()

    def _wait(self, work: t.Coroutine[t.Any, t.Any, _T]) -> _T:
        future: concurrent.futures.Future[_T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(30)

    def add(
        self, server_id: str, name: str, public_keys: t.Iterable[str], place: tuple[str, int] | None = None
    ) -> Machine:
        """Build a machine, switched off, into which these keys may log in; one that was there before stays where it was.

        Args:
            server_id: The server's id.
            name: The name of its home directory.
            public_keys: The lines of ``authorized_keys``.
            place: Address and port; by default the loopback address that all share, and the next port.
        """
        machine = self.machines.get(server_id)
        if machine is None:
            address, port = place or (LOOPBACK, self.base_port + len(self.machines) if self.base_port else 0)
            machine = Machine(server_id, self.directory / name, port, address)
        machine.authorized_keys.write_text("".join(f"{line}\n" for line in public_keys))
        self.machines[server_id] = machine
        return machine

    def power_on(self, server_id: str) -> None:
        """Listen."""
        machine = self.machines.get(server_id)
        if machine is not None and not machine.up:
            self._wait(self._open(machine))

    def power_off(self, server_id: str) -> None:
        """Stop listening, cut connections, kill what runs."""
        machine = self.machines.get(server_id)
        if machine is not None:
            self._wait(self._shut([machine]))

    def power_off_all(self) -> None:
        """Switch everything off."""
        self._wait(self._shut(list(self.machines.values())))

    def replace_key(self, server_id: str, old: str | None, new: str | None) -> None:
        """Edit a machine's authorized_keys: one key out, one in."""
        machine = self.machines.get(server_id)
        if machine is None:
            return
        gone = keys.identity(old) if old else None
        added = keys.identity(new) if new else None
        lines = machine.authorized_keys.read_text().splitlines()
        kept = [line for line in lines if keys.identity(line) is None or keys.identity(line) not in (gone, added)]
        if new:
            kept.append(new)
        machine.authorized_keys.write_text("".join(f"{line}\n" for line in kept))

    def stop(self) -> None:
        """Switch everything off and end the thread."""

        async def everything() -> None:
            await self._shut(list(self.machines.values()))
            # what serves the commands comes to an end by itself, but not at once
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            if rest:
                await asyncio.wait(rest, timeout=5)

        self._wait(everything())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        for machine in self.machines.values():
            machine.close()

    async def _open(self, machine: Machine) -> None:
        options = asyncssh.SSHServerConnectionOptions(
            server_factory=lambda: _Session(machine, self.logins.append),
            server_host_keys=[machine.host_key],
            process_factory=_run,
            encoding=None,
            line_editor=False,
            sftp_factory=_Files,
            allow_scp=True,
            password_auth=False,
            kbdint_auth=False,
            login_timeout=30,
        )
        door = machine.listen()
        self._loop.add_reader(door, _welcome, machine, door, options)

    async def _shut(self, machines: list[Machine]) -> None:
        for machine in machines:
            if machine.door is not None:
                self._loop.remove_reader(machine.door)
                machine.door.close()
                machine.door = None
        _kill_all({machine.home for machine in machines if machine.used})
        for machine in machines:
            machine.used = False
        while guests := {guest for machine in machines for guest in machine.guests}:
            for machine in machines:
                for connection in list(machine.connections):
                    connection.abort()
            await asyncio.wait(guests, timeout=0.05)


def _welcome(machine: Machine, door: socket.socket, options: asyncssh.SSHServerConnectionOptions) -> None:
    """Accept a connection.

    Not left to asyncio's servers: these fail noisily when they are closed while a client connects.
    """
    try:
        connected, _address = door.accept()
    except OSError:  # the peer has gone again
        return
    connected.setblocking(False)
    guest = asyncio.get_running_loop().create_task(_serve(connected, options))
    machine.guests.add(guest)
    guest.add_done_callback(machine.guests.discard)


async def _serve(connected: socket.socket, options: asyncssh.SSHServerConnectionOptions) -> None:
    """Serve one connection to its end."""
    with contextlib.suppress(OSError, asyncssh.Error):  # the peer went away, or was not let in
        connection = await asyncssh.run_server(connected, options=options)
        await connection.wait_closed()


def _kill_all(homes: t.Collection[Path]) -> None:
    """Kill every process that was started on the machines with these homes, however it detached itself since."""
    if not homes:
        return
    marks = [f"{_MARK}={home}".encode() for home in homes]
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = directory.joinpath("environ").read_bytes().split(b"\0")
            if any(mark in environment for mark in marks):
                os.kill(int(directory.name), signal.SIGKILL)
