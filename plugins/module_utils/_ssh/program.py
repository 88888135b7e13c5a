# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs ssh and ssh-keygen, and a private directory with copies of keys. No other file starts programs."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.keys import Key
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.transcript import Attempt

#: The largest number of bytes that is read of a key, a log, or the output of a program.
MOST_BYTES = 1 << 20
#: Seconds that ssh-keygen may take, and that ssh may take to end after SIGTERM.
KEYGEN_SECONDS, GRACE = 15.0, 1.0
#: A shell command that removes the directory when its input ends, which is also when this process is killed.
_REMOVER = 'cat >/dev/null; rm -rf -- "$1"'


class SystemPrograms:
    """The programs of this machine; a context manager.

    Keys are copied to a private directory, without a public key or certificate that lies beside them and that ssh would use.
    The copies have the mode that ssh requires, and names without special characters. The directory is removed when the process
    ends, even if it is killed.

    Args:
        directory: Where the programs run; None for the current one.
    """

    def __init__(self, directory: str | None = None) -> None:
        self._directory = directory
        self._names = itertools.count()
        self._place = ""
        self._remover: subprocess.Popen[bytes] | None = None
        self._environment = {**os.environ}
        # ssh must not ask questions at the terminal, for example about the host key of a bastion.
        if "SSH_ASKPASS" not in os.environ:
            self._environment.update(SSH_ASKPASS=shutil.which("false") or "/bin/false", SSH_ASKPASS_REQUIRE="force")

    def __enter__(self) -> SystemPrograms:
        """Create the directory."""
        self._place = tempfile.mkdtemp(prefix="ssh-login-")
        # A new session: a signal to this process group must not end the remover.
        self._remover = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
            ["/bin/sh", "-c", _REMOVER, "sh", self._place],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_error: object) -> None:
        """Remove the directory."""
        shutil.rmtree(self._place, ignore_errors=True)
        if self._remover is not None:
            self._remover.communicate()

    @property
    def account(self) -> str:
        """The name of the account that runs this process, or its number if it has no name."""
        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            return str(os.getuid())

    def key(self, path: str) -> Key:
        """Copy a private key and determine its public key."""
        place = os.path.join(self._directory or "", path)
        try:
            # Non-blocking: the path may be a pipe without a writer.
            with open(os.open(place, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read(MOST_BYTES) or b""
        except OSError as error:
            return Key(path, problem=f"{path} cannot be read: {error.strerror}.")
        copy = self._write(content)
        public_key, problem = self._public_half(path, copy, content)
        if public_key:
            # With the public key beside it, ssh offers the key before it signs, and logs the response.
            self._write(f"{public_key}\n".encode(), f"{copy}.pub")
        return Key(path, copy, public_key, problem, world_readable=bool(mode & (stat.S_IROTH | stat.S_IWOTH)))

    def start(self, command: t.Callable[[str], list[str]]) -> SystemRun:
        """Start a program. If that fails, the result of the run has the reason."""
        log = self._path()
        return SystemRun(command(log), log, self._environment, self._directory)

    def _path(self) -> str:
        return os.path.join(self._place, str(next(self._names)))

    def _write(self, content: bytes, path: str | None = None) -> str:
        path = path or self._path()
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        return path

    def _public_half(self, path: str, copy: str, content: bytes) -> tuple[str | None, str | None]:
        """Return the public key, or the problem."""
        command = ["ssh-keygen", "-y", "-P", "", "-f", copy]
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=KEYGEN_SECONDS,
                check=False,
                env=self._environment,
            )
        except (OSError, subprocess.SubprocessError) as error:
            return None, f"{path} cannot be checked: ssh-keygen could not be run ({printable(error, SENTENCE)})."
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "replace").strip(), None
        said = done.stderr.decode("utf-8", "replace").strip().replace(copy, path)
        if "passphrase" in said:
            return None, f"{path} has a passphrase. Give a key without a passphrase."
        if content.startswith((b"ssh-", b"ecdsa-", b"sk-")):
            return None, f"{path} is a public key. Give the private key."
        if content.startswith(b"PuTTY-User-Key-File"):
            return None, f"{path} is a PuTTY key. Convert it: puttygen {path} -O private-openssh -o FILE."
        last = printable(said.splitlines()[-1], SENTENCE) if said else f"ssh-keygen ended with {done.returncode}"
        return None, f"{path} is not a private key that ssh can read: {last.rstrip('.')}."


class SystemRun:
    """A running program.

    It has ended when its process has ended. Its output may stay open: ssh for a bastion with ControlPersist keeps running.

    Args:
        command: The command line.
        log: The file it writes its log to.
        environment: Its environment.
        directory: Where it runs; None for the current directory.
    """

    def __init__(self, command: list[str], log: str, environment: t.Mapping[str, str], directory: str | None) -> None:
        self._log = log
        self._output: dict[int, bytearray] = {}
        self._streams: list[t.IO[bytes]] = []
        self._problem: str | None = None
        try:
            # Not run_command of AnsibleModule: it waits for the output to be closed, and has no time limit.
            self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=directory,
                env=environment,
            )
        except (OSError, ValueError) as error:
            self._problem = f"{command[0]} could not be started: {printable(error, SENTENCE)}"
            return
        for stream in (self._process.stdout, self._process.stderr):
            if stream is None:
                raise AssertionError("The output of the program is not a pipe.")
            os.set_blocking(stream.fileno(), False)
            self._streams.append(stream)
            self._output[stream.fileno()] = bytearray()

    def result(self) -> Attempt | None:
        """Return the attempt, or None while the program runs."""
        if self._problem is not None:
            return Attempt(255, stderr=self._problem)
        status = self._process.poll()
        self._read()
        return None if status is None else self._finish(status, None)

    def end(self, seconds: float) -> Attempt:
        """End the program after it has run for this number of seconds, and return the attempt."""
        if self._problem is not None:
            return Attempt(255, stderr=self._problem)
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
                break
        self._read()
        return self._finish(self._process.wait(), seconds)

    def _read(self) -> None:
        """Read the available output, up to the limit; a program that prints more blocks."""
        for descriptor, content in self._output.items():
            with contextlib.suppress(BlockingIOError):
                while len(content) < MOST_BYTES:
                    part = os.read(descriptor, 65536)
                    if not part:
                        break
                    content += part

    def _finish(self, status: int, ended: float | None) -> Attempt:
        stdout, stderr = (bytes(content).decode("utf-8", "replace") for content in self._output.values())
        for stream in self._streams:
            stream.close()
        log = b""
        with contextlib.suppress(OSError):
            with open(self._log, "rb") as file:
                log = file.read(MOST_BYTES)
            os.unlink(self._log)
        return Attempt(status, log.decode("utf-8", "replace"), stderr, stdout, ended)
