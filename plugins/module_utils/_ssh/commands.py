# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command lines of ssh: one prints its configuration, the other logs in with one key."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.arguments import SshArguments, parse_arguments
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.keys import Key

#: Seconds for a connection, unless the user or the configuration of ssh sets another value.
CONNECT_TIMEOUT = 10

#: The options of every verification. ssh uses the first value of an option, so these come first.
_VERIFICATION_OPTIONS = (
    "ControlMaster=no",
    "ControlPath=none",
    "IdentitiesOnly=yes",
    # Only for the login to the server; a login to a bastion may use the agent.
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


class LoginTarget(t.NamedTuple):
    """One login to try.

    Attributes:
        name: The name of the login in results.
        host: Address.
        private_key_file: The file of the key to verify.
        port: Port; with None the configuration of ssh decides.
        user: User; with None the configuration of ssh decides.
        args: More arguments for ssh, quoted as for a shell, such as a bastion.
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
        """The identification of the server: targets with the same one log in to the same server in the same way."""
        return (self.executable, self.host, self.port, self.user, self.args)

    @property
    def arguments(self) -> SshArguments:
        """The parsed arguments of the user."""
        return parse_arguments(self.args)


class Configuration(t.NamedTuple):
    """The output of ``ssh -G`` for a target, as far as it matters.

    Attributes:
        user: The user to log in as.
        port: The port to log in at.
        connect_timeout: Seconds for a connection.
        options: More values for ``-o``, which override configuration that would prevent a login.
        algorithms: The signature algorithms that ssh uses, the preferred one first.
    """

    user: str = ""
    port: int = 22
    connect_timeout: int = CONNECT_TIMEOUT
    options: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()


def configuration_command(target: LoginTarget) -> list[str]:
    """Return the command that prints the configuration of ssh for a target."""
    return [target.executable, "-G", *_options(_VERIFICATION_OPTIONS), *_destination(target), "--", target.host]


def read_configuration(output: str) -> Configuration:
    """Parse the output of ``ssh -G``."""
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
    target: LoginTarget, key: Key, configuration: Configuration, *, log: str, marker: str, algorithm: str | None = None
) -> list[str]:
    """Return the command that logs in with one key only and has the server print a marker.

    Args:
        target: The target.
        key: Its key.
        configuration: Its configuration.
        log: Where ssh writes its log.
        marker: The text that the server must print.
        algorithm: The only signature algorithm to use; with None ssh decides.
    """
    # The old name of PubkeyAcceptedAlgorithms, which every release of OpenSSH supports.
    only = (f"PubkeyAcceptedKeyTypes={algorithm}",) if algorithm else ()
    # ssh expands percent tokens in the name of a key file (ssh_config(5), TOKENS).
    copy = key.copy.replace("%", "%%")
    return [
        target.executable,
        *_options((*_VERIFICATION_OPTIONS, *configuration.options, *only)),
        *("-i", copy),
        *_destination(target),
        # Defaults: values of the user come before them and win.
        *_options((f"ConnectTimeout={configuration.connect_timeout}", "ServerAliveInterval=5")),
        # Of these options the last one wins.
        *("-n", "-T", "-x", "-a", "-v", "-E", log),
        # After "--" a host cannot be taken for an option.
        *("--", target.host, f"echo {marker}"),
    ]


def _options(values: t.Iterable[str]) -> list[str]:
    return [word for value in values for word in ("-o", value)]


def _destination(target: LoginTarget) -> list[str]:
    port = ["-p", str(target.port)] if target.port else []
    user = ["-l", target.user] if target.user else []
    return [*port, *user, *target.arguments.words]
