# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenSSH's own server, for one test at a time: it refuses logins in ways that no server in Python does."""

from __future__ import annotations

import fcntl
import getpass
import os
import shutil
import socket
import subprocess
import time
import typing as t
from pathlib import Path

from .running import PATIENCE

SSHD = shutil.which("sshd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
MISSING = "OpenSSH's sshd is not installed (Debian: openssh-server, Fedora: openssh-server)"
#: The user that logs in, and that sshd runs for.
USER = getpass.getuser()
#: Where the unprivileged half of sshd lives when root starts it, as the programs of Linux distributions have it.
_PRIVSEP = Path("/run/sshd")
_ADDRESS = "127.0.0.1"
#: How every server here is set up; what a test adds stands before it, for the first value counts.
_CONFIG = """StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
UsePAM no
LogLevel VERBOSE
"""


def keygen(path: Path, kind: str = "ed25519") -> Path:
    """Make a key pair without a passphrase."""
    bits = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *bits, "-N", "", "-f", str(path)], check=True)
    return path


class Sshd:
    """OpenSSH's server for the user who runs the tests, on a port of its own of the loopback interface.

    Args:
        directory: For its files; it is made.
        authorized: The file that says which keys let one in, or the private keys whose public halves do.
        config: More lines for its configuration.
    """

    def __init__(self, directory: Path, authorized: Path | t.Sequence[Path], *config: str) -> None:
        assert SSHD is not None
        directory.mkdir(mode=0o700)
        host_key = keygen(directory / "host")
        if not isinstance(authorized, Path):
            lines = [key.with_name(f"{key.name}.pub").read_text() for key in authorized]
            authorized = directory / "authorized_keys"
            authorized.write_text("".join(lines))
        with socket.create_server((_ADDRESS, 0)) as free:
            self.port = int(free.getsockname()[1])
        file = directory / "sshd_config"
        own = f"Port {self.port}\nListenAddress {_ADDRESS}\nHostKey {host_key}\nPidFile {directory / 'pid'}\n"
        more = "".join(f"{line}\n" for line in config)
        file.write_text(f"{own}AuthorizedKeysFile {authorized}\n{more}{_CONFIG}")
        self.log = directory / "log"
        self.known_host = f"[{_ADDRESS}]:{self.port} {(directory / 'host.pub').read_text()}"
        self._process = subprocess.Popen([SSHD, "-D", "-f", str(file), "-E", str(self.log)])
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            assert self._process.poll() is None, self.log.read_text()
            try:
                with socket.create_connection((_ADDRESS, self.port), timeout=5) as connection:
                    assert connection.recv(4) == b"SSH-"
                    return
            except OSError:
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.1)

    def count(self, words: str) -> int:
        """Return how often its log has some words."""
        return self.log.read_text().count(words)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def login(port: int, key: Path, known_hosts: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Log in as a person would who wants to know whether a key works."""
    fixed = ("IdentitiesOnly=yes", "IdentityAgent=none", "BatchMode=yes", f"UserKnownHostsFile={known_hosts}")
    words = [word for option in (*fixed, *options) for word in ("-o", option)]
    command = ["ssh", "-F", "none", *words, "-i", str(key), "-p", str(port), f"{USER}@{_ADDRESS}", "echo inside"]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False
    )


def privileges() -> t.Iterator[None]:
    """Have the directory that sshd of root wants, which an init system makes otherwise."""
    if os.geteuid() != 0:
        yield
        return
    parent = os.open(_PRIVSEP.parent, os.O_RDONLY)
    try:
        # One test at a time: the worker that made it would take it from under the sshd of another one.
        fcntl.flock(parent, fcntl.LOCK_EX)
        made = not _PRIVSEP.exists()
        if made:
            _PRIVSEP.mkdir(mode=0o755)
        yield
        if made:
            _PRIVSEP.rmdir()
    finally:
        os.close(parent)
