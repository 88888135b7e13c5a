# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet: real SSH servers that follow what the API does to them, used with the real ssh client."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

import pytest

from emulator import Emulator, ManualClock, keys
from emulator.fleet import Fleet

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh client on this machine")

DENIED = "Permission denied (publickey)"


class Shell:
    """The ssh client, with options under which nothing but one key can log in."""

    def __init__(self, emulator: Emulator, directory: Path) -> None:
        assert emulator.fleet is not None
        self.emulator = emulator
        self.known_hosts = directory / "known_hosts"
        machines = emulator.fleet.machines.values()
        self.known_hosts.write_text("".join(f"{machine.known_hosts_line()}\n" for machine in machines))

    def command(self, name: str, key: str, *options: str, user: str | None = None) -> list[str]:
        """Return the command line up to the remote command."""
        host, port, default = self.emulator.ssh(name)
        settings = {
            "UserKnownHostsFile": str(self.known_hosts),
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "PreferredAuthentications": "publickey",
            "BatchMode": "yes",
            "LogLevel": "ERROR",
            "ConnectTimeout": "10",
        }
        given = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
        key_path = str(self.emulator.key_path(key))
        return ["ssh", "-F", "none", *given, *options, "-p", str(port), "-i", key_path, f"{user or default}@{host}"]

    def run(self, name: str, key: str, command: str, **options: t.Any) -> subprocess.CompletedProcess[str]:
        """Run a command on a server."""
        line = [*self.command(name, key, *options.pop("extra", ()), user=options.pop("user", None)), command]
        options.setdefault("input", "")
        return subprocess.run(line, capture_output=True, text=True, timeout=30, check=False, **options)

    def opens(self, name: str, key: str) -> bool:
        """Return whether a key opens a server; False only if the server says that it refuses the key."""
        result = self.run(name, key, "true")
        assert result.returncode == 0 or DENIED in result.stderr, result.stderr
        return result.returncode == 0


@pytest.fixture
def running(clock: ManualClock, state_dir: Path) -> t.Iterator[Emulator]:
    """Start two servers with SSH, on a clock that stands still."""
    with Emulator(2, task_seconds=10, job_seconds=5, clock=clock, state_dir=state_dir) as emulator:
        yield emulator


@pytest.fixture
def shell(running: Emulator, tmp_path: Path) -> Shell:
    """Return the client."""
    return Shell(running, tmp_path)


def power(emulator: Emulator, clock: ManualClock, action: str, name: str) -> None:
    """Have the service switch a server on or off, and wait for it."""
    ecs = emulator.huawei.ecs
    ecs.order(action, [ecs.find(name)])
    clock.advance(5)
    emulator.settle()


def test_commands_run_and_return_their_status(running: Emulator, shell: Shell) -> None:
    result = shell.run("server-01", "old", "cat; echo error >&2; exit 7", input="in\n")
    assert (result.returncode, result.stdout, result.stderr) == (7, "in\n", "error\n")
    result = shell.run("server-01", "old", "echo $HOME; pwd; echo $USER", user="somebody")
    home = str(running.directory / "homes" / "server-01")
    assert result.stdout.split() == [home, home, "somebody"]
    assert shell.run("server-01", "old", "kill -9 $$").returncode == 137
    big = shell.run("server-01", "old", "head -c 3000000 /dev/zero | tr '\\0' x")
    assert big.stdout == "x" * 3_000_000
    echoed = shell.run("server-01", "old", "cat", input="y" * 3_000_000)
    assert echoed.stdout == "y" * 3_000_000


def test_keys_and_logins(running: Emulator, shell: Shell) -> None:
    assert shell.opens("server-01", "old")
    assert not shell.opens("server-01", "new")
    assert running.fleet is not None
    logins = [(login.machine, login.key, login.accepted) for login in running.fleet.logins]
    server = running.huawei.ecs.find("server-01").id
    assert logins == [(server, running.old_key.public, True), (server, running.new_key.public, False)]
    result = shell.run(
        "server-01", "new", "true", extra=("-o", "PreferredAuthentications=password,keyboard-interactive")
    )
    assert DENIED in result.stderr, "public keys are the only way in"
    machine = running.fleet.machines[server]
    machine.authorized_keys.write_text(f"# comment\n\n{running.new_key.public} somebody@somewhere\n")
    assert (shell.opens("server-01", "old"), shell.opens("server-01", "new")) == (False, True)
    machine.authorized_keys.write_text("")
    assert not shell.opens("server-01", "old")


def test_every_machine_has_its_own_host_key(running: Emulator, shell: Shell, tmp_path: Path) -> None:
    one, other = shell.known_hosts.read_text().splitlines()
    place, _space, key = one.partition(" ")
    shell.known_hosts.write_text(f"{place} {other.partition(' ')[2]}\n")
    result = shell.run("server-01", "old", "true")
    assert result.returncode == 255
    assert "Host key verification failed" in result.stderr
    shell.known_hosts.write_text(f"{place} {key}\n")
    assert shell.opens("server-01", "old")


def test_machines_can_share_a_port_at_addresses_of_their_own(running: Emulator, tmp_path: Path) -> None:
    port = running.ssh("server-01")[1]
    addresses = ["127.83.7.1", "127.83.7.2"]
    with contextlib.suppress(OSError), socket.create_server(("::1", port), family=socket.AF_INET6):
        addresses.append("::1")  # this machine speaks IPv6
    for address in addresses:
        running.add_server(address, place=(address, port))
    shell = Shell(running, tmp_path)
    stranger = addresses[-1]
    machine = running.fleet.machines[running.huawei.ecs.find(stranger).id] if running.fleet else None
    assert machine is not None
    machine.authorized_keys.write_text(f"{running.new_key.public}\n")
    assert [running.ssh(address)[:2] for address in addresses] == [(address, port) for address in addresses]
    assert {name: shell.opens(name, "old") for name in ("server-01", *addresses)} == {
        name: name != stranger for name in ("server-01", *addresses)
    }


def test_power_operations_start_and_stop_servers(running: Emulator, shell: Shell, clock: ManualClock) -> None:
    port = running.ssh("server-01")[1]
    assert running.fleet is not None
    with subprocess.Popen(
        [*shell.command("server-01", "old"), "echo up; sleep 60"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == b"up\n"
        power(running, clock, "os-stop", "server-01")
        assert session.wait(10) == 255
    refused = shell.run("server-01", "old", "true")
    assert "Connection refused" in refused.stderr
    assert shell.opens("server-02", "old")
    power(running, clock, "os-start", "server-01")
    assert running.ssh("server-01")[1] == port
    assert shell.opens("server-01", "old")


def test_power_off_kills_what_detached_itself(running: Emulator, shell: Shell, clock: ManualClock) -> None:
    duration = f"4321.{os.getpid()}{time.monotonic_ns()}"  # like no other on this machine
    shell.run("server-01", "old", f"setsid sleep {duration} >/dev/null 2>&1 </dev/null &")
    assert until(lambda: len(processes(duration)) == 1)
    power(running, clock, "os-stop", "server-01")
    assert until(lambda: processes(duration) == [])


def processes(duration: str) -> list[int]:
    """Return the sleeping processes of this duration, whatever their parents."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if directory.joinpath("cmdline").read_bytes() == f"sleep\0{duration}\0".encode():
                found.append(int(directory.name))
    return found


def until(condition: t.Callable[[], bool]) -> bool:
    """Return whether a condition comes true within 10 seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_port_stays_reserved_while_off(running: Emulator, clock: ManualClock) -> None:
    port = running.ssh("server-01")[1]
    power(running, clock, "os-stop", "server-01")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)
    with socket.socket() as thief, pytest.raises(OSError, match="in use"):
        thief.bind(("127.0.0.1", port))


def associate(emulator: Emulator, clock: ManualClock, name: str) -> None:
    """Reset a server that is off to the new key pair, and wait for it."""
    huawei = emulator.huawei
    huawei.kps.bind(huawei.ecs.find(name), huawei.keypairs[emulator.project.id, "new"])
    clock.advance(10)
    emulator.settle()


@pytest.mark.parametrize(
    ("fault", "old_opens", "new_opens"),
    [(None, False, True), ("old_key_stays", True, True), ("new_key_refused", False, False)],
)
def test_a_reset_changes_the_key_pair(
    running: Emulator, shell: Shell, clock: ManualClock, fault: str | None, old_opens: bool, new_opens: bool
) -> None:
    assert running.fleet is not None
    if fault:
        running.fail(fault, server="server-01")
    stranger = keys.generate_ed25519().public
    machine = running.fleet.machines[running.huawei.ecs.find("server-01").id]
    with machine.authorized_keys.open("a") as file:
        file.write(f"{stranger} a key the service knows nothing of\n")
    power(running, clock, "os-stop", "server-01")
    associate(running, clock, "server-01")
    assert running.huawei.ecs.find("server-01").key_name == "new"
    power(running, clock, "os-start", "server-01")
    assert (shell.opens("server-01", "old"), shell.opens("server-01", "new")) == (old_opens, new_opens)
    assert stranger in machine.authorized_keys.read_text()
    assert shell.opens("server-02", "old")


def test_ssh_does_not_come_up(running: Emulator, clock: ManualClock) -> None:
    running.fail("ssh_never_up", server="server-01")
    power(running, clock, "os-stop", "server-01")
    power(running, clock, "os-start", "server-01")
    assert running.huawei.ecs.find("server-01").status == "ACTIVE"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(running.ssh("server-01")[:2], 5)


def test_ssh_is_up_after_the_time_of_a_boot(clock: ManualClock, state_dir: Path) -> None:
    with Emulator(1, job_seconds=5, boot_seconds=30, clock=clock, state_dir=state_dir) as emulator:
        power(emulator, clock, "os-stop", "server-01")
        power(emulator, clock, "os-start", "server-01")
        assert emulator.huawei.ecs.find("server-01").status == "ACTIVE"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(emulator.ssh("server-01")[:2], 5)
        clock.advance(30)
        emulator.settle()
        socket.create_connection(emulator.ssh("server-01")[:2], 5).close()


def test_shared_connection_keeps_exit_codes(running: Emulator, shell: Shell) -> None:
    with tempfile.TemporaryDirectory() as short:  # the paths of sockets are short of room
        _share(shell, short)


def _share(shell: Shell, directory: str) -> None:
    control = ("-o", "ControlMaster=auto", "-o", "ControlPersist=10", "-o", f"ControlPath={directory}/%C")
    codes = [shell.run("server-01", "old", f"exit {number}", extra=control).returncode for number in range(20)]
    assert codes == list(range(20))
    line = shell.command("server-01", "old", *control)
    many = [
        subprocess.Popen([*line, f"sleep 0.05; exit {number}"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for number in range(8)
    ]
    assert [process.wait(30) for process in many] == list(range(8))
    subprocess.run([*line[:-1], "-O", "exit", line[-1]], capture_output=True, check=True)


@pytest.mark.parametrize("protocol", ["-s", "-O"])
def test_files_can_be_copied(running: Emulator, shell: Shell, tmp_path: Path, protocol: str) -> None:
    if shutil.which("scp") is None:
        pytest.skip("there is no scp on this machine")
    host, port, user = running.ssh("server-01")
    (tmp_path / "file").write_bytes(os.urandom(300_000))
    options = ["-o", f"UserKnownHostsFile={shell.known_hosts}", "-o", "IdentityAgent=none", "-o", "LogLevel=ERROR"]
    line = ["scp", "-F", "none", protocol, *options, "-P", str(port), "-i", str(running.key_path("old"))]
    subprocess.run([*line, str(tmp_path / "file"), f"{user}@{host}:copy"], check=True, timeout=30)
    copy = running.directory / "homes" / "server-01" / "copy"
    assert copy.read_bytes() == (tmp_path / "file").read_bytes()
    subprocess.run([*line, f"{user}@{host}:copy", str(tmp_path / "back")], check=True, timeout=30)
    assert (tmp_path / "back").read_bytes() == copy.read_bytes()


def test_the_emulator_starts_again_from_nothing(running: Emulator, shell: Shell, clock: ManualClock) -> None:
    ports = [running.ssh(name)[1] for name in ("server-01", "server-02")]
    power(running, clock, "os-stop", "server-01")
    associate(running, clock, "server-01")
    running.reset()
    assert [running.ssh(name)[1] for name in ("server-01", "server-02")] == ports
    assert (shell.opens("server-01", "old"), shell.opens("server-01", "new")) == (True, False)
    assert running.huawei.tasks == {}


def test_fifty_servers_start_within_a_second_of_computing(tmp_path: Path) -> None:
    public = keys.generate_ed25519().public
    began = time.process_time()
    fleet = Fleet(tmp_path)
    try:
        for number in range(50):
            fleet.add(f"id-{number}", f"server-{number}", [public])
            fleet.power_on(f"id-{number}")
        took = time.process_time() - began
        for machine in fleet.machines.values():
            socket.create_connection(("127.0.0.1", machine.port), 5).close()
    finally:
        fleet.stop()
    assert took < 1
    for machine in fleet.machines.values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", machine.port), 5)
