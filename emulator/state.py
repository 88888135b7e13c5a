# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files with which a shell and Ansible reach the emulator: env.sh, an inventory of the servers, known_hosts."""

from __future__ import annotations

import json
import shlex
import sys

from .app import Emulator


def export_lines(emulator: Emulator) -> list[str]:
    """Return the environment as lines for a shell."""
    return [f"export {name}={shlex.quote(value)}" for name, value in emulator.environment().items()]


def write_state(emulator: Emulator) -> None:
    """Write it all into the state directory; the keys are there already."""
    directory = emulator.directory
    directory.joinpath("env.sh").write_text("\n".join(export_lines(emulator)) + "\n")
    if emulator.fleet is None:
        return
    machines = emulator.fleet.machines
    known = "".join(f"{machine.known_hosts_line()}\n" for machine in machines.values())
    directory.joinpath("known_hosts").write_text(known)
    hosts = {}
    for server in emulator.huawei.servers.values():
        host, port, user = emulator.ssh(server.name)
        hosts[server.name] = {
            "ansible_host": host,
            "ansible_port": port,
            "ansible_user": user,
            "ansible_ssh_private_key_file": str(directory / "keys" / "old"),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={directory / 'known_hosts'}",
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(machines[server.id].home / ".ansible" / "tmp"),
            "keypair_reset_server_id": server.id,
        }
    # JSON is YAML, and needs no library
    inventory = json.dumps({"all": {"children": {"fleet": {"hosts": hosts}}}}, indent=2)
    directory.joinpath("inventory.yml").write_text(f"---\n{inventory}\n")
