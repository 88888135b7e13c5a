# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The classification of one run of ssh by its log: only messages of the server itself count.

``ssh`` exits with 255 for a refused key, a time-out and an unknown host key alike; its log tells them apart. The log covers
the login to the server only: the ssh process for a bastion writes to standard error.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.keys import Key

ACCEPTED = "accepted"
REFUSED = "refused"
UNVERIFIED = "not verified"

#: The causes of an outcome that is not verified: the configuration of ssh, the private key, the host key, the connection, or the
#: login rules of the server.
CONFIGURATION = "configuration"
KEY = "key"
HOST_KEY = "host key"
CONNECTION = "connection"
LOGIN = "login"

#: How often to try again: a booting server does not answer yet; a server that closed a connection may count failures.
NEVER = "never"
SPARINGLY = "sparingly"
OFTEN = "often"

# OpenSSH 7.2 to 10. The order of file, type and fingerprint of an offered key depends on the release.
_OFFERS_KEY = re.compile(r"debug1: (Offering (\S+ )?public key|Trying private key): ")
_ACCEPTS_KEY = "debug1: Server accepts key"
_CONTINUES = "debug1: Authentications that can continue: "
_PARTIAL = re.compile(r"Authenticated using \"?publickey\"? with partial success")
# Before OpenSSH 8.9 the method is in a separate line.
_AUTHENTICATED = re.compile(
    r"debug1: Authentication succeeded \((?P<older>[^)]+)\)|Authenticated to .*?( using \"(?P<method>[^\"]+)\")?\.?$"
)
_TOO_MANY = "Too many authentication failures"
_NO_ALGORITHM = re.compile(r"no mutual signature (algorithm|supported)")
_NOT_OFFERED = re.compile(r"Skipping \S+ key |no mutual signature |Load key |UNPROTECTED|Permissions .* too open")
_SIGNATURES = re.compile(r"server-sig-algs=<([^>]*)>")
#: Messages of a server that is booting, which lets only root log in.
_BOOTING = re.compile(r"booting up|not permitted to log in yet|nologin", re.IGNORECASE)
#: Messages that do not say why a login failed.
_NOISE = re.compile(
    r"debug\d: |OpenSSH_|Authenticated to |Transferred: |Bytes per second: |Warning: Permanently added |Killed by signal "
    r"|Pseudo-terminal will not be allocated|Connection to \S+ closed\.?$|Disconnected from |@{5,}"
)
#: Unspecific messages about the connection; standard error may have a better one.
_UNSPECIFIC = re.compile(
    r"(kex|ssh)_exchange_identification: Connection closed by remote host|banner exchange: .*UNKNOWN|.* by UNKNOWN port "
    r"|stdio forwarding failed"
)
_HOST_KEY = re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|host key is known for")
_CHANGED = re.compile(r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed")
#: Messages of errors that another try does not change.
_PERMANENT = re.compile(
    r"Could not resolve hostname .*(not known|No address)|Permission denied|Unable to negotiate|[Nn]o matching .* found"
    r"|[Bb]ad configuration option|[Bb]ad owner or permissions|unknown option|usage: ssh|[Cc]an't open user config file"
    r"|not found$|No such file or directory|hostname contains invalid|[Bb]ad port|unsupported option|missing argument"
)


class Attempt(t.NamedTuple):
    """The result of one run of ssh.

    Attributes:
        status: Exit status.
        log: The log of ssh.
        stderr: The standard error of ssh and its child processes.
        stdout: The output of the server.
        ended: The number of seconds after which ssh was stopped because its time was up, or None.
    """

    status: int
    log: str = ""
    stderr: str = ""
    stdout: str = ""
    ended: float | None = None


class Finding(t.NamedTuple):
    """The classification of one run of ssh.

    Attributes:
        outcome: ``accepted``, ``refused``, or ``not verified``.
        msg: The reason for the outcome.
        cause: The kind of reason why nothing was verified; None otherwise.
        retry: How often to try again.
        partial: Whether the server requires something else in addition to the key.
        command_ran: Whether the server ran a command after the login; None without a login.
        signatures: The signature algorithms that the server announces; None if it does not.
    """

    outcome: str
    msg: str
    cause: str | None = None
    retry: str = NEVER
    partial: bool = False
    command_ran: bool | None = None
    signatures: tuple[str, ...] | None = None


class _KeyOffer(t.NamedTuple):
    """The exchange between ssh and the server about one key.

    Attributes:
        offered: Whether ssh offered the key to the server.
        known: Whether the server asked for a signature of the key.
        rejected: Whether the server rejected the key or its signature.
        partial: Whether the server accepted the key as one of several factors.
        authenticated: Whether the server let the key log in.
        other: The other method with which ssh logged in, if any.
        unsigned: Whether both sides have no signature algorithm in common.
        methods: The authentication methods that the server offered at first.
    """

    offered: bool = False
    known: bool = False
    rejected: bool = False
    partial: bool = False
    authenticated: bool = False
    other: str | None = None
    unsigned: bool = False
    methods: tuple[str, ...] | None = None


def classify(attempt: Attempt, key: Key, marker: str) -> Finding:
    """Classify a run of ssh for a key.

    Args:
        attempt: The run.
        key: The key to verify.
        marker: The text that the server had to print.
    """
    lines = _lines(attempt.log)
    exchange = _read_log(lines, key)
    signatures = [tuple(found[1].split(",")) for line in lines for found in [_SIGNATURES.search(line)] if found]
    return _outcome(attempt, lines, exchange, key, marker)._replace(signatures=signatures[-1] if signatures else None)


def configuration_failure(attempt: Attempt) -> Finding:
    """Return why ssh cannot log in at all, from a failed run of ``ssh -G``."""
    last = _last_message(attempt, []) if attempt.ended is None else f"ssh -G did not end within {attempt.ended:.0f} s"
    return Finding(UNVERIFIED, f"ssh cannot be run like this: {last}.", CONFIGURATION)


def _read_log(lines: t.Sequence[str], key: Key) -> _KeyOffer:
    """Read a log; its order shows to which key each response belongs."""
    exchange, ours = _KeyOffer(), False
    for line in lines:
        if _OFFERS_KEY.match(line):
            # A certificate has the fingerprint of its key, but is not the key.
            ours = (key.fingerprint in line or f" {key.copy} " in f"{line} ") and "-CERT " not in line
            exchange = exchange._replace(offered=exchange.offered or ours)
        elif line.startswith(_CONTINUES) and exchange.methods is None:
            exchange = exchange._replace(methods=tuple(line[len(_CONTINUES) :].split(",")))
        elif _PARTIAL.match(line):
            exchange, ours = exchange._replace(partial=exchange.partial or ours), False
        elif (found := _AUTHENTICATED.match(line)) is not None:
            method = found["method"] or found["older"] or exchange.other or "unknown"
            exchange = exchange._replace(authenticated=True) if ours else exchange._replace(other=method)
        elif ours and line.startswith(_ACCEPTS_KEY):
            exchange = exchange._replace(known=True)
        elif ours and (line.startswith(_CONTINUES) or _TOO_MANY in line):
            exchange, ours = exchange._replace(rejected=True), False
        elif ours and _NO_ALGORITHM.search(line):
            exchange, ours = exchange._replace(unsigned=True), False
    return exchange


def _outcome(attempt: Attempt, lines: t.Sequence[str], exchange: _KeyOffer, key: Key, marker: str) -> Finding:
    last = _last_message(attempt, lines)
    if exchange.authenticated:
        return _authenticated(attempt, exchange, marker)
    if exchange.partial:
        rest = "It let in something else after it" if exchange.other else f"It asks for something else, too: {last}"
        msg = f"The server accepted the key in part (partial success). {rest}."
        return Finding(ACCEPTED, msg, partial=True, command_ran=False)
    if exchange.rejected and not exchange.known:
        msg = (
            f"The server refused the key, and let in something else ({exchange.other})"
            if exchange.other
            else (f"The server said: {last}")
        )
        return Finding(REFUSED, f"{msg}.")
    if exchange.known:
        return _not_authenticated(attempt, exchange, last)
    if exchange.other is not None:
        return _authenticated_otherwise(exchange)
    if exchange.unsigned:
        msg = f"The server and ssh have no signature algorithm in common for a key of the type {key.kind}"
        return Finding(UNVERIFIED, f"{msg}.", LOGIN)
    if exchange.offered:
        msg = f"The server ended the connection when it was shown the key: {last}"
        if attempt.ended is not None:
            msg = f"The server said nothing about the key within {attempt.ended:.0f} s"
        return Finding(UNVERIFIED, f"{msg}.", CONNECTION, SPARINGLY)
    if exchange.methods is not None:
        return _not_offered(lines, exchange, last)
    return _not_reached(attempt, lines, last)


def _authenticated(attempt: Attempt, exchange: _KeyOffer, marker: str) -> Finding:
    said = _lines(attempt.stdout)
    if marker in said:
        return Finding(ACCEPTED, "The server accepted the key.", partial=exchange.partial, command_ran=True)
    heard = said or [line for line in _lines(attempt.stderr) if not _NOISE.match(line)]
    told = f"It said: {printable(heard[-1], SENTENCE).rstrip('.')}." if heard else "It said nothing."
    end = "was not over" if attempt.ended is not None else f"ended with {attempt.status}"
    after = f" after {attempt.ended:.0f} s" if attempt.ended is not None else ""
    msg = f"The server accepted the key, but ran no command: the session {end}{after}. {told}"
    return Finding(ACCEPTED, msg, partial=exchange.partial, command_ran=False)


def _not_authenticated(attempt: Attempt, exchange: _KeyOffer, last: str) -> Finding:
    """Classify a run in which the server asked for a signature of the key and then rejected the login."""
    boots = [line for line in _lines(attempt.stderr) if _BOOTING.search(line)]
    if boots:
        said = printable(boots[0], SENTENCE).rstrip(".")
        return Finding(UNVERIFIED, f"The server knows the key, but does not allow logins yet: {said}.", LOGIN, OFTEN)
    if exchange.rejected:
        why = "Perhaps it does not let this user log in (PermitRootLogin), or the account is locked or has expired"
        return Finding(UNVERIFIED, f"The server knows the key, but does not let it in: {last}. {why}.", LOGIN)
    msg = f"The server knows the key, and ended the connection: {last}"
    return Finding(UNVERIFIED, f"{msg}.", LOGIN, SPARINGLY)


def _authenticated_otherwise(exchange: _KeyOffer) -> Finding:
    if exchange.other == "none":
        return Finding(UNVERIFIED, "The server lets everyone in, without any key.", LOGIN)
    msg = (
        f"ssh got in with something else than this key, which its configuration names for this host ({exchange.other})"
    )
    return Finding(UNVERIFIED, f"{msg}.", CONFIGURATION)


def _not_offered(lines: t.Sequence[str], exchange: _KeyOffer, last: str) -> Finding:
    """Classify a run in which the login could go on, but the key was not offered."""
    if "publickey" not in (exchange.methods or ()):
        msg = f"The server does not ask for a key, but for {' or '.join(exchange.methods or ())}: {last}"
        return Finding(UNVERIFIED, f"{msg}.", LOGIN)
    reasons = [re.sub(r"^debug\d: ", "", line) for line in lines if _NOT_OFFERED.search(line)]
    reason = printable(reasons[-1] if reasons else last, SENTENCE).rstrip(".")
    return Finding(UNVERIFIED, f"ssh did not show the key to the server: {reason}.", CONFIGURATION)


def _not_reached(attempt: Attempt, lines: t.Sequence[str], last: str) -> Finding:
    """Classify a run in which the server was not reached, or was not the expected one."""
    behind = _lines(attempt.stderr)
    for where, messages in (("the server", lines), ("a bastion", behind)):
        if any(_HOST_KEY.search(line) for line in messages):
            changed = any(_CHANGED.search(line) for line in messages)
            is_what = (
                "is another one than known_hosts says"
                if changed
                else "is not in known_hosts. Add it there, or let ssh trust servers that it sees first "
                "(-o StrictHostKeyChecking=accept-new)"
            )
            return Finding(UNVERIFIED, f"Host key verification failed: the host key of {where} {is_what}.", HOST_KEY)
    if attempt.ended is not None:
        msg = f"The login was not over after {attempt.ended:.0f} s"
        return Finding(UNVERIFIED, f"{msg}.", CONNECTION, OFTEN)
    if not lines:
        # ssh did not start.
        return configuration_failure(attempt)
    wrong = any(_PERMANENT.search(line) for line in (*lines, *behind) if not _NOISE.match(line))
    return Finding(UNVERIFIED, f"{last}.", CONNECTION, NEVER if wrong else OFTEN)


def _last_message(attempt: Attempt, lines: t.Sequence[str]) -> str:
    """Return why a login failed: the last message of the server, of ssh, or of a bastion."""
    own = [line for line in lines if not _NOISE.match(line)]
    behind = [line for line in _lines(attempt.stderr) if not _NOISE.match(line)]
    # A bastion refuses with the same messages as the server.
    way = "On the way to the server: " if lines else ""
    for found, where in ((_specific(own), ""), (_specific(behind), way), (own, ""), (behind, way)):
        if found:
            return where + printable(found[-1], SENTENCE).rstrip(".")
    return f"ssh ended with {attempt.status}"


def _specific(lines: t.Sequence[str]) -> list[str]:
    return [line for line in lines if not _UNSPECIFIC.match(line)]


def _lines(text: str) -> list[str]:
    return [line for line in (line.strip() for line in text.split("\n")) if line]
