# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command lines of ssh: one that asks for its configuration, and one that logs in and proves something."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.arguments import Arguments, sort_out
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.keys import Key

#: Seconds for a connection, where neither the user nor the configuration of ssh says something else.
CONNECT_TIMEOUT = 10

#: What a proof rests on. For ssh the first value of an option counts, so that these stand before all others.
_PROVING = (
    "ControlMaster=no",
    "ControlPath=none",
    "IdentitiesOnly=yes",
    # For the login itself; a bastion is still logged in to with the agent.
    "IdentityAgent=none",
    "PKCS11Provider=none",
    "AddKeysToAgent=no",
    "PubkeyAuthentication=yes",
    "PreferredAuthentications=publickey",
    "BatchMode=yes",
    "ConnectionAttempts=1",
    "RemoteCommand=none",
    "PermitLocalCommand=no",
    "ClearAllForwardings=yes",
    "FingerprintHash=sha256",
)
#: Keywords of OpenSSH 8.7 that the configuration of the user may set: an older ssh does not know them.
_RECENT = {"sessiontype": "SessionType=default", "forkafterauthentication": "ForkAfterAuthentication=no"}


class Target(t.NamedTuple):
    """One login to try.

    Attributes:
        name: What the caller calls it.
        host: Address.
        private_key_file: The key in question.
        port: Port; None leaves it to the configuration of ssh.
        user: User; None leaves it to the configuration of ssh.
        args: More arguments for ssh, as a shell would take them, such as a bastion.
        executable: The program ssh.
    """

    name: str
    host: str
    private_key_file: str
    port: int | None = None
    user: str | None = None
    args: str = ""
    executable: str = "ssh"

    @property
    def server(self) -> tuple[t.Any, ...]:
        """What leads to the server: targets that have it in common log in to the same one in the same way."""
        return (self.executable, self.host, self.port, self.user, self.args)

    @property
    def arguments(self) -> Arguments:
        """The arguments of the user that a login takes over, or what is wrong with them."""
        return sort_out(self.args)


class Configuration(t.NamedTuple):
    """What ``ssh -G`` says about a target.

    Attributes:
        user: The user to log in as.
        port: The port to log in at.
        connect_timeout: Seconds for a connection.
        options: More values for ``-o`` without which the configuration would prevent a login.
        algorithms: The signature algorithms that ssh uses, the preferred one first.
    """

    user: str = ""
    port: int = 22
    connect_timeout: int = CONNECT_TIMEOUT
    options: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()


def configuration_command(target: Target) -> list[str]:
    """Return the command that prints the configuration of ssh for a target."""
    return [target.executable, "-G", *_options(_PROVING), *_destination(target), "--", target.host]


def read_configuration(output: str) -> Configuration:
    """Return what matters of the output of ``ssh -G``."""
    found = dict(line.partition(" ")[::2] for line in output.splitlines())
    timeout, port = found.get("connecttimeout", ""), found.get("port", "")
    # The second name is that of OpenSSH before 8.5.
    algorithms = found.get("pubkeyacceptedalgorithms") or found.get("pubkeyacceptedkeytypes") or ""
    return Configuration(
        user=found.get("user", ""),
        port=int(port) if port.isdecimal() else 22,
        connect_timeout=int(timeout) if timeout.isdecimal() and timeout != "0" else CONNECT_TIMEOUT,
        options=tuple(
            option for keyword, option in _RECENT.items() if found.get(keyword, "no") not in ("default", "no")
        ),
        algorithms=tuple(algorithms.split(",")) if algorithms else (),
    )


def login_command(
    target: Target, key: Key, configuration: Configuration, *, log: str, says: str, algorithm: str | None = None
) -> list[str]:
    """Return the command that logs in with one key and no other help, and has the server say something.

    Args:
        target: The target.
        key: Its key.
        configuration: What ``ssh -G`` says about it.
        log: Where ssh writes its log.
        says: A word that the server must print.
        algorithm: The one signature algorithm to use; None leaves it to ssh.
    """
    # The older name of PubkeyAcceptedAlgorithms, which every release knows.
    only = (f"PubkeyAcceptedKeyTypes={algorithm}",) if algorithm else ()
    # ssh replaces what follows a percent sign in the name of a key file.
    copy = key.copy.replace("%", "%%")
    return [
        target.executable,
        *_options((*_PROVING, *configuration.options, *only)),
        *("-i", copy),
        *_destination(target),
        # Defaults: where the user says something else, that stands before them.
        *_options((f"ConnectTimeout={configuration.connect_timeout}", "ServerAliveInterval=5")),
        # The last of these counts.
        *("-n", "-T", "-x", "-a", "-v", "-E", log),
        # Behind "--" no host can be an option.
        *("--", target.host, f"echo {says}"),
    ]


def _options(values: t.Iterable[str]) -> list[str]:
    return [word for value in values for word in ("-o", value)]


def _destination(target: Target) -> list[str]:
    port = ["-p", str(target.port)] if target.port else []
    user = ["-l", target.user] if target.user else []
    return [*port, *user, *target.arguments.words]
