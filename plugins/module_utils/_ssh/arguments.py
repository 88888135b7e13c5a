# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of a user for ssh, and the selection of those that a verification can use."""

from __future__ import annotations

import re
import shlex
import typing as t

#: The options of ssh by their letters (OpenSSH 9.9), without and with a value.
_BARE = "1246AaCfGgKkMNnqsTtVvXxYy"
_VALUED = "BbcDEeFIiJLlmOoPpQRSWw"
#: Options with which ssh does not log in and run a command.
_PREVENTING = {
    "f": "sends ssh to the background",
    "G": "prints the configuration of ssh and does not connect",
    "N": "runs no command",
    "O": "controls a connection of another ssh",
    "Q": "prints a list and does not connect",
    "s": "asks for a subsystem and runs no command",
    "V": "prints the version of ssh and does not connect",
    "W": "forwards a connection and runs no command",
}
#: Options that are left out: other keys, shared connections, the log of ssh, and tunnels.
_LEFT_OUT = frozenset("EIiMqSvwy")
#: The same as keywords, and the keywords that every verification sets itself.
_KEYWORDS_LEFT_OUT = frozenset(
    (
        *("identityfile", "certificatefile", "identitiesonly", "identityagent", "addkeystoagent", "pkcs11provider"),
        *("controlmaster", "controlpath", "controlpersist", "loglevel", "logverbose", "fingerprinthash"),
        *("batchmode", "remotecommand", "clearallforwardings", "connectionattempts", "permitlocalcommand"),
    )
)


class SshArguments(t.NamedTuple):
    """The parsed arguments of a user.

    Attributes:
        words: The arguments that a login uses.
        problem: Why a login with these arguments cannot verify a key, or None.
    """

    words: tuple[str, ...] = ()
    problem: str | None = None


def parse_arguments(text: str) -> SshArguments:
    """Return the arguments that a login can use, or the problem with them.

    Args:
        text: The arguments for ssh, quoted as for a shell.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        return SshArguments(problem=f"The arguments for ssh cannot be split into words: {error}: {text}")
    kept: list[str] = []
    while words:
        word = words.pop(0)
        if not re.match("-[^-]", word):
            return SshArguments(problem=f"Among the arguments for ssh, {word!r} is not an option.")
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            value = None
            if letter in _VALUED:
                if not letters and not words:
                    return SshArguments(problem=f"Among the arguments for ssh, the option -{letter} has no value.")
                value, letters = letters or words.pop(0), ""
            elif letter not in _BARE:
                return SshArguments(problem=f"Among the arguments for ssh, -{letter} is not an option of ssh.")
            problem = _problem_of(letter, value)
            if problem:
                return SshArguments(problem=problem)
            if letter not in _LEFT_OUT and not (value and letter == "o" and _keyword(value)[0] in _KEYWORDS_LEFT_OUT):
                kept += [f"-{letter}"] if value is None else [f"-{letter}", value]
    return SshArguments(tuple(kept))


def _keyword(value: str) -> tuple[str, str]:
    """Return keyword and value of ``-o``, both in small letters."""
    parts = re.split(r"\s*=\s*|\s+", value.strip(), maxsplit=1)
    return parts[0].lower(), (parts[1] if len(parts) > 1 else "").strip('"').lower()


def _problem_of(letter: str, value: str | None) -> str | None:
    if letter in _PREVENTING:
        option, why = f"-{letter}", _PREVENTING[letter]
    elif letter == "o" and value is not None:
        option, why = f"-o {value}", _why_not(*_keyword(value))
    else:
        return None
    return f"{option} among the arguments for ssh makes a verification impossible: it {why}." if why else None


def _why_not(keyword: str, value: str) -> str:
    if keyword == "sessiontype" and value != "default":
        return "runs no command"
    if keyword == "forkafterauthentication" and value != "no":
        return "sends ssh to the background"
    if keyword == "pubkeyauthentication" and value == "no":
        return "forbids logins with a key"
    if keyword == "preferredauthentications" and "publickey" not in value.split(","):
        return "forbids logins with a key"
    return ""
