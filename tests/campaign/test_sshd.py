# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logins of ssh_login_info on OpenSSH's own server, straight and through a bastion."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import shutil
import socket
import subprocess
import time
import typing as t
from pathlib import Path

import pytest

from e2e.conftest import Benches
from e2e.running import PATIENCE, Bench, shown, tasks_of

SSHD = shutil.which("sshd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
#: Where the unprivileged half of sshd lives when root starts it, as the programs of Linux distributions have it.
PRIVSEP = Path("/run/sshd")

pytestmark = [
    pytest.mark.skipif(
        SSHD is None, reason="OpenSSH's sshd is not installed (Debian: openssh-server, Fedora: openssh-server)"
    ),
    pytest.mark.timeout(600),
]


def keygen(path: Path, kind: str = "ed25519") -> Path:
    """A key pair without a passphrase."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return path


class Sshd:
    """OpenSSH's server for the user who runs the tests, on a port of its own of the loopback interface.

    Args:
        directory: For its files.
        accepted: The private keys whose public halves let one in.
    """

    def __init__(self, directory: Path, accepted: t.Sequence[Path]) -> None:
        assert SSHD is not None
        directory.mkdir(mode=0o700)
        host_key = keygen(directory / "host")
        authorized = directory / "authorized_keys"
        authorized.write_text("".join(key.with_name(f"{key.name}.pub").read_text() for key in accepted))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        config = directory / "sshd_config"
        config.write_text(
            f"Port {self.port}\n"
            "ListenAddress 127.0.0.1\n"
            f"HostKey {host_key}\n"
            f"PidFile {directory / 'pid'}\n"
            f"AuthorizedKeysFile {authorized}\n"
            "StrictModes no\n"
            "UsePAM no\n"
            "PasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\n"
            "PermitRootLogin prohibit-password\n"
            "LogLevel VERBOSE\n"
        )
        self.log = directory / "log"
        self.known_host = f"[127.0.0.1]:{self.port} {(directory / 'host.pub').read_text()}"
        self._process = subprocess.Popen([SSHD, "-D", "-f", str(config), "-E", str(self.log)])
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            assert self._process.poll() is None, self.log.read_text()
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                    assert connection.recv(4) == b"SSH-"
                    return
            except OSError:
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.1)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


@pytest.fixture
def privsep() -> t.Iterator[None]:
    """The directory that sshd of root wants, which an init system makes otherwise."""
    if os.geteuid() != 0:
        yield
        return
    parent = os.open(PRIVSEP.parent, os.O_RDONLY)
    try:
        # One test at a time: the worker that made it would take it from under the sshd of another one.
        fcntl.flock(parent, fcntl.LOCK_EX)
        made = not PRIVSEP.exists()
        if made:
            PRIVSEP.mkdir(mode=0o755)
        yield
        if made:
            PRIVSEP.rmdir()
    finally:
        os.close(parent)


def logins(bench: Bench, *targets: dict[str, t.Any]) -> dict[str, tuple[str, str]]:
    """Outcome and words of each login, by its name."""
    result = bench.run(
        tasks_of(
            {"multicloud.async_tasks.ssh_login_info": {"targets": list(targets), "timeout": 20}, "register": "proof"},
            shown("proof.logins", "logins.json", bench),
        ),
        hosts={"localhost": {"ansible_connection": "local"}},
    )
    assert result.process.returncode == 0, result.output
    found = json.loads((bench.directory / "logins.json").read_text())
    return {login["name"]: (login["outcome"], login["words"]) for login in found}


@pytest.mark.usefixtures("privsep")
def test_openssh_accepts_the_new_key_and_refuses_the_old_one(benches: Benches) -> None:
    bench = benches(0, fleet=False)
    new, old, jump = (keygen(bench.directory / name) for name in ("new", "old", "jump"))
    with contextlib.ExitStack() as stack:
        server = Sshd(bench.directory / "server", [new])
        stack.callback(server.close)
        bastion = Sshd(bench.directory / "bastion", [jump])
        stack.callback(bastion.close)
        closed = Sshd(bench.directory / "closed", [old])
        closed.close()
        known = bench.write("known_hosts", server.known_host + bastion.known_host)
        # Of their own for the two that know nobody: the logins run side by side, and one of them writes.
        nobody, first = (bench.write(f"known_{name}", "") for name in ("nobody", "first"))
        config = bench.write(
            "ssh_config",
            f"Host bastion\n  HostName 127.0.0.1\n  Port {bastion.port}\n  IdentityFile {jump}\n  IdentitiesOnly yes\n"
            f"Host *\n  UserKnownHostsFile {known}\n  StrictHostKeyChecking yes\n",
        )

        def target(name: str, key: Path, args: str = "", port: int = server.port) -> dict[str, t.Any]:
            return {
                "name": name,
                "host": "127.0.0.1",
                "port": port,
                "user": getpass.getuser(),
                "private_key_file": str(key),
                "args": f"-F {config} {args}".strip(),
            }

        found = logins(
            bench,
            target("new", new),
            target("old", old),
            target("new, bastion", new, "-o ProxyJump=bastion"),
            target("old, bastion", old, "-o ProxyJump=bastion"),
            target("the bastion's key, bastion", jump, "-J bastion"),
            target("unknown host", new, f"-o UserKnownHostsFile={nobody}"),
            target("first seen", new, f"-o UserKnownHostsFile={first} -o StrictHostKeyChecking=accept-new"),
            target("no server", new, port=closed.port),
        )
        # That the bastion was gone through is what its own log says, not ssh's.
        assert bastion.log.read_text().count("Accepted publickey") == 3
        assert "Accepted publickey" in server.log.read_text()

    assert {name: outcome for name, (outcome, _words) in found.items()} == {
        "new": "accepted",
        "old": "refused",
        "new, bastion": "accepted",
        "old, bastion": "refused",
        "the bastion's key, bastion": "refused",
        "unknown host": "not proven",
        "first seen": "accepted",
        "no server": "not proven",
    }
    assert "Permission denied" in found["old"][1]
    assert "Permission denied" in found["old, bastion"][1]
    assert "Host key verification failed" in found["unknown host"][1]
    assert "Connection refused" in found["no server"][1]


@pytest.mark.usefixtures("privsep")
def test_a_bastion_that_refuses_proves_nothing_about_the_server(benches: Benches) -> None:
    bench = benches(0, fleet=False)
    new, stranger = (keygen(bench.directory / name) for name in ("new", "stranger"))
    with contextlib.ExitStack() as stack:
        server = Sshd(bench.directory / "server", [new])
        stack.callback(server.close)
        bastion = Sshd(bench.directory / "bastion", [])
        stack.callback(bastion.close)
        known = bench.write("known_hosts", server.known_host + bastion.known_host)
        config = bench.write(
            "ssh_config",
            f"Host bastion\n  HostName 127.0.0.1\n  Port {bastion.port}\n  IdentityFile {stranger}\n  IdentitiesOnly yes\n"
            f"Host *\n  UserKnownHostsFile {known}\n  StrictHostKeyChecking yes\n",
        )
        found = logins(
            bench,
            {
                "name": "through",
                "host": "127.0.0.1",
                "port": server.port,
                "user": getpass.getuser(),
                "private_key_file": str(new),
                "args": f"-F {config} -J bastion",
            },
        )
        assert "Accepted publickey" not in server.log.read_text()
    assert found["through"][0] == "not proven"
