# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one run of ssh shows about a key: the only words that count are those of the server itself.

``ssh`` exits with 255 for a refused key as for a time-out or an unknown host key; its log tells them apart. The log is that
of the login to the server alone: an ssh that leads to a bastion writes to standard error.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.keys import Key

ACCEPTED = "accepted"
REFUSED = "refused"
UNPROVEN = "not proven"

#: Why nothing was proven: how ssh was to be run, the private key, the host key, the way to the server, or its rules for logins.
CONFIGURATION = "configuration"
KEY = "key"
HOST_KEY = "host key"
CONNECTION = "connection"
LOGIN = "login"

#: How often another try makes sense: a server that boots does not answer yet; one that has ended a login must be spared.
NEVER = "never"
SPARINGLY = "sparingly"
OFTEN = "often"

# OpenSSH 7.2 to 10. An offered key is named by file, type and fingerprint, in an order that depends on the release.
_SHOWS = re.compile(r"debug1: (Offering (\S+ )?public key|Trying private key): ")
_KNOWS = "debug1: Server accepts key"
_GOES_ON = "debug1: Authentications that can continue: "
_PARTIAL = re.compile(r"Authenticated using \"?publickey\"? with partial success")
# Before OpenSSH 8.9 the method stands in a line of its own.
_IN = re.compile(
    r"debug1: Authentication succeeded \((?P<older>[^)]+)\)|Authenticated to .*?( using \"(?P<method>[^\"]+)\")?\.?$"
)
_TOO_MANY = "Too many authentication failures"
_NO_ALGORITHM = re.compile(r"no mutual signature (algorithm|supported)")
_NOT_SHOWN = re.compile(r"Skipping \S+ key |no mutual signature |Load key |UNPROTECTED|Permissions .* too open")
_SIGNATURES = re.compile(r"server-sig-algs=<([^>]*)>")
#: A server that boots lets root in only.
_BOOTS = re.compile(r"booting up|not permitted to log in yet|nologin", re.IGNORECASE)
#: Says nothing about why a login failed.
_CHATTER = re.compile(
    r"debug\d: |OpenSSH_|Authenticated to |Transferred: |Bytes per second: |Warning: Permanently added |Killed by signal "
    r"|Pseudo-terminal will not be allocated|Connection to \S+ closed\.?$|Disconnected from |@{5,}"
)
#: Says only that something went wrong on the way, about which standard error may tell more.
_ECHO = re.compile(
    r"(kex|ssh)_exchange_identification: Connection closed by remote host|banner exchange: .*UNKNOWN|.* by UNKNOWN port "
    r"|stdio forwarding failed"
)
_HOST_KEY = re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|host key is known for")
_CHANGED = re.compile(r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed")
#: Waiting changes nothing about these.
_WRONG = re.compile(
    r"Could not resolve hostname .*(not known|No address)|Permission denied|Unable to negotiate|[Nn]o matching .* found"
    r"|[Bb]ad configuration option|[Bb]ad owner or permissions|unknown option|usage: ssh|[Cc]an't open user config file"
    r"|not found$|No such file or directory|hostname contains invalid|[Bb]ad port|unsupported option|missing argument"
)


class Attempt(t.NamedTuple):
    """A run of ssh that is over.

    Attributes:
        status: Exit status.
        log: What ssh wrote into its log.
        stderr: What it, or anything that it started, wrote on standard error.
        stdout: What the server printed.
        ended: None, or after how many seconds ssh was ended from outside.
    """

    status: int
    log: str = ""
    stderr: str = ""
    stdout: str = ""
    ended: float | None = None


class Finding(t.NamedTuple):
    """What a run of ssh has shown.

    Attributes:
        outcome: ``accepted``, ``refused``, or ``not proven``.
        words: What it rests on, in a sentence or two.
        cause: Why nothing was proven, in a word; None otherwise.
        retry: How often another try makes sense.
        partial: Whether the server asks for something else beside the key.
        command_ran: Whether the server ran a command after the login; None without a login.
        signatures: The signature algorithms that the server says it takes; None if it does not say.
    """

    outcome: str
    words: str
    cause: str | None = None
    retry: str = NEVER
    partial: bool = False
    command_ran: bool | None = None
    signatures: tuple[str, ...] | None = None


class _Course(t.NamedTuple):
    """What a log tells about one key.

    Attributes:
        shown: Whether the key was shown to the server.
        known: Whether the server said that it would accept a signature of the key.
        answered: Whether the server did not let the key in.
        partial: Whether the key was accepted as one of several proofs.
        let_in: Whether the key has opened the session.
        other: The method, if something else has opened it.
        unsigned: Whether there is no signature algorithm that both sides know.
        methods: With what logins can go on, as the server said at first.
    """

    shown: bool = False
    known: bool = False
    answered: bool = False
    partial: bool = False
    let_in: bool = False
    other: str | None = None
    unsigned: bool = False
    methods: tuple[str, ...] | None = None


def judge(attempt: Attempt, key: Key, says: str) -> Finding:
    """Return what a run of ssh shows about a key.

    Args:
        attempt: The run.
        key: The key in question.
        says: The word that the server was to print.
    """
    lines = _lines(attempt.log)
    course = _follow(lines, key)
    signatures = [tuple(found[1].split(",")) for line in lines for found in [_SIGNATURES.search(line)] if found]
    return _verdict(attempt, lines, course, key, says)._replace(signatures=signatures[-1] if signatures else None)


def misconfigured(attempt: Attempt) -> Finding:
    """Return why ssh cannot log in at all, from a run of ``ssh -G`` that failed."""
    last = _last_word(attempt, []) if attempt.ended is None else f"ssh -G did not end within {attempt.ended:.0f} s"
    return Finding(UNPROVEN, f"ssh cannot be run like this: {last}.", CONFIGURATION)


def _follow(lines: t.Sequence[str], key: Key) -> _Course:
    """Go through a log, whose order tells which key each answer is about."""
    course, ours = _Course(), False
    for line in lines:
        if _SHOWS.match(line):
            # A certificate has the fingerprint of its key, and is not the key.
            ours = (key.fingerprint in line or f" {key.copy} " in f"{line} ") and "-CERT " not in line
            course = course._replace(shown=course.shown or ours)
        elif line.startswith(_GOES_ON) and course.methods is None:
            course = course._replace(methods=tuple(line[len(_GOES_ON) :].split(",")))
        elif _PARTIAL.match(line):
            course, ours = course._replace(partial=course.partial or ours), False
        elif (found := _IN.match(line)) is not None:
            method = found["method"] or found["older"] or course.other or "unknown"
            course = course._replace(let_in=True) if ours else course._replace(other=method)
        elif ours and line.startswith(_KNOWS):
            course = course._replace(known=True)
        elif ours and (line.startswith(_GOES_ON) or _TOO_MANY in line):
            course, ours = course._replace(answered=True), False
        elif ours and _NO_ALGORITHM.search(line):
            course, ours = course._replace(unsigned=True), False
    return course


def _verdict(attempt: Attempt, lines: t.Sequence[str], course: _Course, key: Key, says: str) -> Finding:
    last = _last_word(attempt, lines)
    if course.let_in:
        return _let_in(attempt, course, says)
    if course.partial:
        rest = "It let in something else after it" if course.other else f"It asks for something else, too: {last}"
        words = f"The server accepted the key in part (partial success). {rest}."
        return Finding(ACCEPTED, words, partial=True, command_ran=False)
    if course.answered and not course.known:
        words = (
            f"The server refused the key, and let in something else ({course.other})"
            if course.other
            else (f"The server said: {last}")
        )
        return Finding(REFUSED, f"{words}.")
    if course.known:
        return _not_let_in(attempt, course, last)
    if course.other is not None:
        return _another_way_in(course)
    if course.unsigned:
        words = f"The server and ssh have no signature algorithm in common for a key of the type {key.kind}"
        return Finding(UNPROVEN, f"{words}.", LOGIN)
    if course.shown:
        words = f"The server ended the connection when it was shown the key: {last}"
        if attempt.ended is not None:
            words = f"The server said nothing about the key within {attempt.ended:.0f} s"
        return Finding(UNPROVEN, f"{words}.", CONNECTION, SPARINGLY)
    if course.methods is not None:
        return _not_shown(lines, course, last)
    return _not_reached(attempt, lines, last)


def _let_in(attempt: Attempt, course: _Course, says: str) -> Finding:
    said = _lines(attempt.stdout)
    if says in said:
        return Finding(ACCEPTED, "The server accepted the key.", partial=course.partial, command_ran=True)
    heard = said or [line for line in _lines(attempt.stderr) if not _CHATTER.match(line)]
    told = f"It said: {printable(heard[-1], SENTENCE).rstrip('.')}." if heard else "It said nothing."
    end = "was not over" if attempt.ended is not None else f"ended with {attempt.status}"
    after = f" after {attempt.ended:.0f} s" if attempt.ended is not None else ""
    words = f"The server accepted the key, but ran no command: the session {end}{after}. {told}"
    return Finding(ACCEPTED, words, partial=course.partial, command_ran=False)


def _not_let_in(attempt: Attempt, course: _Course, last: str) -> Finding:
    """The server knows the key: it asked for a signature, and did not let it in then."""
    boots = [line for line in _lines(attempt.stderr) if _BOOTS.search(line)]
    if boots:
        said = printable(boots[0], SENTENCE).rstrip(".")
        return Finding(UNPROVEN, f"The server knows the key, but lets nobody in yet: {said}.", LOGIN, OFTEN)
    if course.answered:
        why = "Perhaps it does not let this user log in (PermitRootLogin), or the account is locked or has expired"
        return Finding(UNPROVEN, f"The server knows the key, but does not let it in: {last}. {why}.", LOGIN)
    words = f"The server knows the key, and ended the connection: {last}"
    return Finding(UNPROVEN, f"{words}.", LOGIN, SPARINGLY)


def _another_way_in(course: _Course) -> Finding:
    if course.other == "none":
        return Finding(UNPROVEN, "The server lets everyone in, without any key.", LOGIN)
    words = (
        f"ssh got in with something else than this key, which its configuration names for this host ({course.other})"
    )
    return Finding(UNPROVEN, f"{words}.", CONFIGURATION)


def _not_shown(lines: t.Sequence[str], course: _Course, last: str) -> Finding:
    """Logins could go on, and the key was not shown."""
    if "publickey" not in (course.methods or ()):
        words = f"The server does not ask for a key, but for {' or '.join(course.methods or ())}: {last}"
        return Finding(UNPROVEN, f"{words}.", LOGIN)
    reasons = [re.sub(r"^debug\d: ", "", line) for line in lines if _NOT_SHOWN.search(line)]
    reason = printable(reasons[-1] if reasons else last, SENTENCE).rstrip(".")
    return Finding(UNPROVEN, f"ssh did not show the key to the server: {reason}.", CONFIGURATION)


def _not_reached(attempt: Attempt, lines: t.Sequence[str], last: str) -> Finding:
    """The server was not reached, or was not the right one."""
    behind = _lines(attempt.stderr)
    for where, words in (("the server", lines), ("a bastion", behind)):
        if any(_HOST_KEY.search(line) for line in words):
            changed = any(_CHANGED.search(line) for line in words)
            is_what = (
                "is another one than known_hosts says"
                if changed
                else "is not in known_hosts. Add it there, or let ssh trust servers that it sees first "
                "(-o StrictHostKeyChecking=accept-new)"
            )
            return Finding(UNPROVEN, f"Host key verification failed: the host key of {where} {is_what}.", HOST_KEY)
    if attempt.ended is not None:
        words = f"The login was not over after {attempt.ended:.0f} s"
        return Finding(UNPROVEN, f"{words}.", CONNECTION, OFTEN)
    if not lines:
        # ssh has not even begun.
        return misconfigured(attempt)
    wrong = any(_WRONG.search(line) for line in (*lines, *behind) if not _CHATTER.match(line))
    return Finding(UNPROVEN, f"{last}.", CONNECTION, NEVER if wrong else OFTEN)


def _last_word(attempt: Attempt, lines: t.Sequence[str]) -> str:
    """Return why a login failed, in the last words of the server, of ssh, or of what led to the server."""
    own = [line for line in lines if not _CHATTER.match(line)]
    behind = [line for line in _lines(attempt.stderr) if not _CHATTER.match(line)]
    # A bastion refuses in the same words as the server.
    way = "On the way to the server: " if lines else ""
    for found, where in ((_telling(own), ""), (_telling(behind), way), (own, ""), (behind, way)):
        if found:
            return where + printable(found[-1], SENTENCE).rstrip(".")
    return f"ssh ended with {attempt.status}"


def _telling(lines: t.Sequence[str]) -> list[str]:
    return [line for line in lines if not _ECHO.match(line)]


def _lines(text: str) -> list[str]:
    return [line for line in (line.strip() for line in text.split("\n")) if line]
