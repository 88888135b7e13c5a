# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins on OpenSSH's own server: their outcomes, and the result of the role for servers with rules of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh import (
    LoginResult,
    LoginTarget,
    SystemPrograms,
    log_in_everywhere,
)

from . import sshd
from .conftest import Benches
from .sshd import USER, Sshd, keygen, login

pytestmark = [pytest.mark.skipif(sshd.SSHD is None, reason=sshd.MISSING), pytest.mark.timeout(900)]
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root is a user whom sshd can forbid to log in by key alone"
)


class Yard:
    """A directory with keys and servers, which are ended together.

    Args:
        directory: For everything; with a short path, for the sake of ssh's sockets.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.known_hosts = directory / "known_hosts"
        self.known_hosts.touch()
        self.stack = contextlib.ExitStack()

    def key(self, name: str, kind: str = "ed25519") -> Path:
        """Make a key pair."""
        return keygen(self.directory / name, kind)

    def serve(self, name: str, authorized: Path | t.Sequence[Path], *config: str) -> Sshd:
        """Start a server whose host key is known."""
        server = Sshd(self.directory / name, authorized, *config)
        self.stack.callback(server.close)
        with self.known_hosts.open("a") as file:
            file.write(server.known_host)
        return server

    def configure(self, text: str = "") -> str:
        """Write a configuration for ssh, and return the argument that names it."""
        config = self.directory / "ssh_config"
        config.write_text(f"{text}Host *\n  UserKnownHostsFile {self.known_hosts}\n  StrictHostKeyChecking yes\n")
        return f"-F {config}"

    def verify(self, *logins: tuple[Sshd, Path] | tuple[Sshd, Path, str], timeout: float = 120) -> list[LoginResult]:
        """Log in to servers with keys, and perhaps with more arguments for ssh."""
        config = (
            self.configure() if not (self.directory / "ssh_config").exists() else f"-F {self.directory / 'ssh_config'}"
        )
        targets = [
            LoginTarget(str(number), "127.0.0.1", str(key), server.port, USER, " ".join([config, *more]))
            for number, (server, key, *more) in enumerate(logins)
        ]
        with SystemPrograms() as programs:
            keys = {target.private_key_file: programs.key(target.private_key_file) for target in targets}
            return log_in_everywhere(
                targets, keys, programs, SystemClock(), timeout=timeout, parallel=8, marker="logged-in-1f2e"
            )


@pytest.fixture
def yard() -> t.Iterator[Yard]:
    """Make a yard, while sshd has what it wants."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.contextmanager(sshd.privileges)())
        directory = Path("/tmp", f"e2e-sshd-{os.getpid()}")
        directory.mkdir(mode=0o700)
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        made = Yard(directory)
        stack.callback(made.stack.close)
        yield made


def seen(logins: t.Sequence[LoginResult]) -> list[tuple[str, str | None]]:
    return [(one.outcome, one.cause) for one in logins]


ACCEPTED, REFUSED = ("accepted", None), ("refused", None)


# Outcomes of logins


def test_a_key_is_accepted_or_refused(yard: Yard) -> None:
    new, old = yard.key("new"), yard.key("old")
    server = yard.serve("server", [new])
    found = yard.verify((server, new), (server, old))
    assert seen(found) == [ACCEPTED, REFUSED]
    assert found[0].command_ran
    assert "Permission denied (publickey)" in found[1].msg
    assert server.count("Accepted publickey") == 1


@needs_root
def test_a_server_that_does_not_let_root_in_has_accepted_nothing(yard: Yard) -> None:
    new, old = yard.key("new"), yard.key("old")
    server = yard.serve("server", [new], "PermitRootLogin no")
    known, unknown = yard.verify((server, new), (server, old))
    # The key is in authorized_keys, so that it has not been refused either.
    assert seen([known, unknown]) == [("not verified", "login"), REFUSED]
    assert "PermitRootLogin" in known.msg
    assert known.tries == 1


def test_a_forced_command_is_a_login_that_runs_nothing(yard: Yard) -> None:
    new = yard.key("new")
    says = 'ForceCommand echo "Please login as the user ubuntu rather than the user root."; exit 142'
    (found,) = yard.verify((yard.serve("server", [new], says), new))
    assert seen([found]) == [ACCEPTED]
    assert found.command_ran is False
    assert "ended with 142. It said: Please login as the user ubuntu rather than the user root." in found.msg


@pytest.mark.parametrize("methods", ["publickey,password", "publickey,publickey"])
def test_a_second_factor_is_reported(yard: Yard, methods: str) -> None:
    new, old = yard.key("new"), yard.key("old")
    server = yard.serve("server", [new], "PasswordAuthentication yes", f"AuthenticationMethods {methods}")
    found = yard.verify((server, new), (server, old))
    assert seen(found) == [ACCEPTED, REFUSED]
    assert [one.partial for one in found] == [True, False]
    assert "partial success" in found[0].msg


def test_a_password_that_comes_first_hides_what_the_server_thinks_of_a_key(yard: Yard) -> None:
    new = yard.key("new")
    server = yard.serve("server", [new], "PasswordAuthentication yes", "AuthenticationMethods password,publickey")
    assert seen(yard.verify((server, new))) == [("not verified", "login")]


def test_a_server_that_ends_the_connection_over_one_failure_is_asked_once(yard: Yard) -> None:
    new, old = yard.key("new"), yard.key("old")
    server = yard.serve("server", [new], "MaxAuthTries 1")
    found = yard.verify((server, new), (server, old))
    assert seen(found) == [ACCEPTED, REFUSED]
    assert [one.tries for one in found] == [1, 1]
    assert server.count("Connection from ") <= 2 + 1  # and the one that looked whether it is up


@pytest.mark.parametrize("only", ["rsa-sha2-256", "ssh-rsa"])
def test_a_signature_algorithm_that_is_refused_says_nothing_about_the_key(yard: Yard, only: str) -> None:
    old, other = yard.key("old", "rsa"), yard.key("other", "rsa")
    server = yard.serve("server", [old], f"PubkeyAcceptedAlgorithms {only}")
    # Before, it was reported as refused: ssh signs with rsa-sha2-512.
    assert (
        "Permission denied" in login(server.port, old, yard.known_hosts, "PubkeyAcceptedAlgorithms=rsa-sha2-512").stderr
    )
    accepted, refused = yard.verify((server, old), (server, other))
    assert seen([accepted, refused]) == [ACCEPTED, REFUSED]
    assert only in accepted.msg


def test_a_key_that_ssh_must_not_use_is_not_refused(yard: Yard) -> None:
    new = yard.key("new", "rsa")
    server = yard.serve("server", [])
    (found,) = yard.verify((server, new, "-o PubkeyAcceptedAlgorithms=ssh-ed25519"))
    assert seen([found]) == [("not verified", "configuration")]


def test_files_beside_a_key_are_ignored(yard: Yard) -> None:
    new, old = yard.key("new"), yard.key("old")
    server = yard.serve("server", [new])
    odd = yard.directory / "a 100% odd\\ $HOME ключ"
    shutil.copy(new, odd)
    shutil.copy(old.with_name("old.pub"), odd.with_name(f"{odd.name}.pub"))
    odd.chmod(0o640)
    (found,) = yard.verify((server, odd))
    assert seen([found]) == [ACCEPTED]
    # That is what ssh itself makes of it: it offers the public half that lies there, and refuses the mode.
    assert login(server.port, odd, yard.known_hosts).returncode != 0


# What the configuration of the user says


def test_keys_of_the_configuration_and_of_an_agent_do_not_decide(yard: Yard) -> None:
    new, old = yard.key("new"), yard.key("old")
    server = yard.serve("server", [new])
    yard.configure(
        f"Host *\n  IdentityFile {new}\n  RemoteCommand date\n  RequestTTY force\n  LogLevel QUIET\n  FingerprintHash md5\n"
        "  PubkeyAuthentication no\n  ControlMaster auto\n  ControlPath /nowhere/%C\n  SessionType none\n"
    )
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    variables = dict(part.split("=", 1) for part in agent.replace("\n", "").split(";") if "=" in part)
    before = dict(os.environ)
    try:
        os.environ.update({name: value for name, value in variables.items() if name.startswith("SSH_A")})
        subprocess.run(["ssh-add", "-q", str(new)], check=True, env=os.environ)
        found = yard.verify((server, old), (server, new), (server, old, f"-i {new} -q -tt"))
    finally:
        subprocess.run(["ssh-agent", "-k"], check=True, capture_output=True, env=os.environ)
        os.environ.clear()
        os.environ.update(before)
    assert seen(found) == [REFUSED, ACCEPTED, REFUSED]
    assert found[1].command_ran


def test_logins_go_through_a_bastion_that_keeps_its_connection(yard: Yard) -> None:
    new, old, jump = yard.key("new"), yard.key("old"), yard.key("jump")
    server, bastion = yard.serve("server", [new]), yard.serve("bastion", [jump])
    yard.configure(
        f"Host bastion\n  HostName 127.0.0.1\n  Port {bastion.port}\n  User {USER}\n  IdentityFile {jump}\n"
        f"  IdentitiesOnly yes\n  ControlMaster auto\n  ControlPath {yard.directory}/%C\n  ControlPersist 300\n"
    )
    started = time.monotonic()
    try:
        through = "-o ProxyJump=bastion"
        found = yard.verify((server, new, through), (server, old, through), (server, jump, "-J bastion"))
    finally:
        stop = ["ssh", "-F", str(yard.directory / "ssh_config"), "-O", "exit", "bastion"]
        subprocess.run(stop, check=True, capture_output=True)
    assert seen(found) == [ACCEPTED, REFUSED, REFUSED]
    # The master goes on for minutes, and holds the output of what has started it.
    assert time.monotonic() - started < 100
    # All logins went over one connection, or over one each when they began together.
    assert 1 <= bastion.count("Accepted publickey") <= 2


def test_a_refusal_by_a_bastion_says_nothing_about_the_server(yard: Yard) -> None:
    new, stranger = yard.key("new"), yard.key("stranger")
    server, bastion = yard.serve("server", [new]), yard.serve("bastion", [])
    yard.configure(
        f"Host bastion\n  HostName 127.0.0.1\n  Port {bastion.port}\n  IdentityFile {stranger}\n  IdentitiesOnly yes\n"
    )
    (found,) = yard.verify((server, new, "-J bastion"))
    assert seen([found]) == [("not verified", "connection")]
    assert found.msg.startswith("On the way to the server: ")
    assert server.count("Accepted publickey") == 0


def test_a_host_key_that_is_not_known_is_a_problem_of_its_own(yard: Yard) -> None:
    new = yard.key("new")
    server = yard.serve("server", [new])
    # Of their own: the logins run side by side, and one of them writes.
    nobody, first, another = (yard.directory / name for name in ("nobody", "first", "another"))
    keygen(yard.directory / "wrong")
    another.write_text(f"[127.0.0.1]:{server.port} {(yard.directory / 'wrong.pub').read_text()}")
    found = yard.verify(
        (server, new, f"-o UserKnownHostsFile={nobody}"),
        (server, new, f"-o UserKnownHostsFile={another}"),
        (server, new, f"-o UserKnownHostsFile={first} -o StrictHostKeyChecking=accept-new"),
    )
    # The configuration comes after the arguments, and is not asked any more.
    assert seen(found) == [("not verified", "host key"), ("not verified", "host key"), ACCEPTED]
    assert "is not in known_hosts" in found[0].msg
    assert "is another one" in found[1].msg


# The role


def test_outcomes_are_correct_for_every_kind_of_server(benches: Benches, yard: Yard) -> None:
    says = 'ForceCommand echo "Please login as the user ubuntu."; exit 142'
    servers: dict[str, list[str]] = {
        "plain": [],
        "one-try": ["MaxAuthTries 1"],
        "forced": [says],
        "two-factors": ["PasswordAuthentication yes", "AuthenticationMethods publickey,password"],
        "sha-256": ["PubkeyAcceptedAlgorithms rsa-sha2-256"],
        "old-stays": ["PubkeyAcceptedAlgorithms ssh-rsa"],
    }
    if os.geteuid() == 0:
        servers["no-root"] = ["PermitRootLogin no"]
    bench = benches(0)
    for name in servers:
        bench.add(name)
    bench.emulator.fail("old_key_stays", server="old-stays")
    fleet = bench.emulator.fleet
    assert fleet is not None
    # OpenSSH answers at another port of each machine, and lets in whom the machine lets in.
    ports = {
        name: yard.serve(name, fleet.machines[bench.server(name).id].authorized_keys, *config).port
        for name, config in servers.items()
    }
    arguments = f"-F none -o UserKnownHostsFile={yard.known_hosts}"
    hosts = {
        name: {
            **bench.hosts[name],
            "ansible_port": ports[name],
            "ansible_user": USER,
            "ansible_ssh_common_args": arguments,
        }
        for name in servers
    }
    old, new = (bench.emulator.key_path(name) for name in ("old", "new"))
    variables = {
        "keypair_reset_keypair_name": "new",
        "keypair_reset_private_key_file": str(new),
        "keypair_reset_old_private_key_file": str(old),
    }

    program = bench.role(variables, hosts=hosts).wait()

    assert program.process.returncode == 2, program.output
    expected = {
        "plain": ("reset", "accepted", "refused"),
        "one-try": ("reset", "accepted", "refused"),
        "forced": ("reset", "accepted", "refused"),
        "two-factors": ("reset", "accepted", "refused"),
        "sha-256": ("reset", "accepted", "refused"),
        "old-stays": ("failed", "accepted", "accepted"),
        "no-root": ("failed", "not verified", "refused"),
    }
    rows = bench.rows
    shown = {name: (row["result"], row["new_key"], row["old_key"]) for name, row in rows.items()}
    assert shown == {name: expected[name] for name in servers}
    assert "ran no command" in rows["forced"]["reason"]
    assert "partial success" in rows["two-factors"]["reason"]
    assert rows["plain"]["reason"] is None

    # What a person sees who logs in, with every algorithm that there is.
    any_algorithm = "PubkeyAcceptedAlgorithms=rsa-sha2-256,ssh-rsa,rsa-sha2-512"
    for name, port in ports.items():
        for key, outcome in ((new, expected[name][1]), (old, expected[name][2])):
            tries = [
                login(port, key, yard.known_hosts, f"PubkeyAcceptedAlgorithms={algorithm}", "LogLevel=VERBOSE")
                for algorithm in any_algorithm.partition("=")[2].split(",")
            ]
            authenticated = any("Authenticated" in one.stderr or "inside" in one.stdout for one in tries)
            assert authenticated == (outcome == "accepted"), (name, key, [one.stderr for one in tries])
