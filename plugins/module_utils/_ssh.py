# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins with the ``ssh`` program that prove something about one key: how it is run, and what its words mean.

A login is no proof when it uses a connection that is open already, another key than the one in question, or an agent.
``ssh`` exits with 255 for a refused key as for a time-out or a wrong host key; only its words tell them apart.
"""

from __future__ import annotations

import concurrent.futures
import re
import shlex
import subprocess
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import UsageError

ACCEPTED = "accepted"
REFUSED = "refused"
UNPROVEN = "not proven"

#: Seconds for a TCP connection and the greeting.
CONNECT_TIMEOUT = 10
#: Seconds between two tries on a server that does not answer yet.
PAUSE = 2.0
#: Seconds that one run of ssh may take in all.
RUN_TIMEOUT = 30.0

# First come, first served: what stands first on ssh's command line cannot be changed by what follows.
_PROVING = (
    *("-o", "ControlMaster=no", "-o", "ControlPath=none"),
    *("-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"),
    *("-o", "PreferredAuthentications=publickey", "-o", "BatchMode=yes"),
    *("-o", f"ConnectTimeout={CONNECT_TIMEOUT}", "-o", "ConnectionAttempts=1"),
)
#: What ssh says at each step of a login. When there is a bastion, the ssh that goes there says the same before.
_BEGINS = "debug1: Authenticating to "
_SHOWS = ("debug1: Offering public key: ", "debug1: Trying private key: ")
_ACCEPTS = "debug1: Server accepts key: "
_GOES_ON = "debug1: Authentications that can continue: "
_IN = "Authenticated to "
_BASTION = "debug1: Setting implicit ProxyCommand from ProxyJump: "
_DENIED = re.compile(r"Permission denied \([^)]*publickey")
#: What says nothing about why a login failed: chatter, and the echo of what went wrong on the way to the server.
_CHATTER = re.compile(
    r"debug1: |OpenSSH_|Authenticated to |Transferred: |Bytes per second: |Warning: Permanently added |Killed by signal "
    r"|(kex|ssh)_exchange_identification: Connection closed by remote host|.* by UNKNOWN port "
)
# Waiting cannot mend these.
_LASTING = re.compile(
    r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|No such file or directory"
    r"|UNPROTECTED PRIVATE KEY|Bad configuration option|Could not resolve hostname|Permission denied",
    re.IGNORECASE,
)


class Target(t.NamedTuple):
    """One login to try.

    Attributes:
        name: What the caller calls it.
        host: Address.
        private_key_file: The key in question.
        port: Port; None leaves it to the configuration of ssh.
        user: User; None leaves it to the configuration of ssh.
        args: More arguments, as one string, such as a bastion.
    """

    name: str
    host: str
    private_key_file: str
    port: int | None = None
    user: str | None = None
    args: str = ""

    def command(self) -> list[str]:
        """The command line. ``-v`` makes ssh say which key was accepted."""
        try:
            more = shlex.split(self.args)
        except ValueError as error:
            raise UsageError(f"targets: the args of {self.name} cannot be split into words: {error}.") from None
        port = ["-p", str(self.port)] if self.port else []
        user = ["-l", self.user] if self.user else []
        # The host stands behind "--", so that no name can be an option.
        return ["ssh", "-v", "-n", *_PROVING, "-i", self.private_key_file, *port, *user, *more, "--", self.host, "true"]


class Finished(t.NamedTuple):
    """A run of ssh that is over: its exit status and what it wrote on standard error."""

    status: int
    stderr: str


class Login(t.NamedTuple):
    """What a login has shown.

    Attributes:
        name: The target's name.
        outcome: ``accepted``, ``refused`` by the server's own words, or ``not proven``.
        words: What it rests on, in one sentence.
        lasting: Whether another try cannot change it.
    """

    name: str
    outcome: str
    words: str
    lasting: bool = True


def judge(target: Target, finished: Finished) -> Login:
    """What a run of ssh shows about the key in question."""
    lines = [line.strip() for line in finished.stderr.splitlines() if line.strip()]
    words = [line for line in lines if not _CHATTER.match(line)]
    last = (words[-1] if words else f"ssh ended with {finished.status}").rstrip(".")
    login = _login_of_target(lines)
    shown = [line for line in login if line.startswith(_SHOWS)]
    verdict = _verdict_on(target.private_key_file, login)
    if verdict == ACCEPTED:
        rest = "" if finished.status == 0 else f", and ended the session with {finished.status}"
        return Login(target.name, ACCEPTED, f"The server accepted the key{rest}.")
    if any(line.startswith((_ACCEPTS, _IN)) for line in login):
        return Login(
            target.name,
            UNPROVEN,
            "ssh got in with another key than this one, which its configuration names for this host.",
        )
    denied = login and _DENIED.search(last)
    if denied and verdict == REFUSED:
        return Login(target.name, REFUSED, f"The server said: {last}.")
    if denied:
        why = next((line for line in words if target.private_key_file in line), None) or (
            "it may have a passphrase" if shown else "it may be no private key, or be readable by others"
        )
        return Login(target.name, UNPROVEN, f"ssh did not show the key to the server: {why.rstrip('.')}.")
    return Login(target.name, UNPROVEN, f"{last}.", lasting=bool(_LASTING.search(" ".join(words))))


def _login_of_target(lines: list[str]) -> list[str]:
    """What was said since ssh began to log in to the target itself, beyond all bastions; empty when it did not get there."""
    begins = [number for number, line in enumerate(lines) if line.startswith(_BEGINS)]
    bastions = sum(line.startswith(_BASTION) for line in lines)
    return lines[begins[-1] :] if len(begins) > bastions else []


def _verdict_on(key: str, login: list[str]) -> str:
    """What the server answered to one key.

    A private key without its public half beside it is tried at once, and then nothing but the login shows that it was
    accepted.
    """
    verdict, ours = UNPROVEN, False
    for line in login:
        if line.startswith(_SHOWS):
            ours = any(f"{line} ".startswith(f"{show}{key} ") for show in _SHOWS)
        elif ours and line.startswith((_ACCEPTS, _IN)):
            return ACCEPTED
        elif ours and line.startswith(_GOES_ON):
            verdict = REFUSED
    return verdict


class Runner(t.Protocol):
    """Runs a command."""

    def __call__(self, command: list[str], timeout: float) -> Finished:
        """Run it, and end it after ``timeout`` seconds."""


def run_ssh(command: list[str], timeout: float) -> Finished:
    """Run ssh without a terminal; nothing is asked and nothing is read from standard input."""
    try:
        # Not run_command of AnsibleModule: it knows no time limit, and a server may hang after it has let us in.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finished(255, f"The server did not finish the login within {timeout:.0f} s.")
    return Finished(done.returncode, done.stderr.decode("utf-8", errors="replace"))


def log_in(target: Target, run: Runner, clock: Clock, timeout: float) -> Login:
    """Try one login until it shows something, or the time is up: a server that has just been started takes a while.

    Args:
        target: Whom to log in to, with what.
        run: Runs ssh.
        clock: Time.
        timeout: Seconds for all tries.
    """
    deadline = clock.monotonic() + timeout
    while True:
        left = deadline - clock.monotonic()
        login = judge(target, run(target.command(), max(1.0, min(RUN_TIMEOUT, left))))
        if login.lasting or clock.monotonic() + PAUSE >= deadline:
            return login
        clock.sleep(PAUSE)


def log_in_everywhere(
    targets: t.Sequence[Target], run: Runner, clock: Clock, timeout: float, parallel: int
) -> list[Login]:
    """Try all logins, so many at a time; the results in the order of the targets."""
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        return list(pool.map(lambda target: log_in(target, run, clock, timeout), targets))
