# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings with which Ansible's own ssh connection logs in to a host.

They come from the host's variables, keywords, the command line, the environment and ansible.cfg. In a task that is delegated
to localhost, connection variables that a host does not define have the values of localhost, so they are read from the host.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

#: The variables of each option of the ssh connection; the first one that is set counts.
_HOST = ("keypair_reset_ssh_host", "ansible_ssh_host", "ansible_host")
_PORT = ("keypair_reset_ssh_port", "ansible_ssh_port", "ansible_port")
_USER = ("keypair_reset_ssh_user", "ansible_ssh_user", "ansible_user")
_KEY = ("ansible_ssh_private_key_file", "ansible_private_key_file")
_CHECKING = ("ansible_ssh_host_key_checking", "ansible_host_key_checking")
#: Seconds to connect: the default of the plugin. It is not passed on, so that ConnectTimeout in the user's ssh_config counts.
_TIMEOUT = 10


class ConnectionSettings:
    """The connection settings of one host.

    Args:
        variables: The host's variables.
        template: Evaluates the value of a variable; may raise what a template raises.
        config: Returns the value that an option of the ssh connection has without variables.
    """

    def __init__(
        self,
        variables: t.Mapping[str, t.Any],
        template: t.Callable[[t.Any], t.Any],
        config: t.Callable[[str], t.Any],
    ) -> None:
        self._variables = variables
        self._template = template
        self._config = config

    def read(self) -> dict[str, t.Any]:
        """Return host, port, user, executable, private_key_file and args, as the connection plugin determines them."""
        return {
            "host": self._first(_HOST) or self._variables["inventory_hostname"],
            "port": self._first(_PORT) or self._config("port") or "",
            "user": self._first(_USER) or self._config("remote_user") or "",
            "executable": self._first(("ansible_ssh_executable",)) or self._config("ssh_executable"),
            "private_key_file": self._first(_KEY) or self._config("private_key_file") or "",
            "args": " ".join(str(part) for part in self._arguments() if part),
        }

    def _arguments(self) -> list[t.Any]:
        """Return the arguments in the order of the connection plugin: ssh takes the first value of an option."""
        checking = self._given("host_key_checking", *_CHECKING)
        host_keys = "" if boolean(checking, strict=False) else "-o StrictHostKeyChecking=no"
        seconds = self._given("timeout", "ansible_ssh_timeout")
        timeout = "" if str(seconds) == str(_TIMEOUT) else f"-o ConnectTimeout={seconds}"
        own = self._first(("keypair_reset_ssh_args",))
        if own:
            return [own, host_keys, timeout]
        first, common, extra = (
            self._given(name, f"ansible_{name}") for name in ("ssh_args", "ssh_common_args", "ssh_extra_args")
        )
        return [first, host_keys, common, extra, timeout]

    def _first(self, names: t.Sequence[str]) -> t.Any:
        """Return the first value that is not empty. A template that fails raises an error."""
        for name in names:
            value = self._template(self._variables[name]) if name in self._variables else None
            if value is not None and str(value).strip():
                return value
        return None

    def _given(self, option: str, *names: str) -> t.Any:
        """Return an option for which empty text is a value that overrides ansible.cfg."""
        for name in names:
            if name in self._variables:
                return self._template(self._variables[name])
        return self._config(option)
