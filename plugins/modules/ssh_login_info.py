#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module ssh_login_info: logs in to many servers and tells of each key whether it is accepted or refused."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_login_info
short_description: Prove which SSH keys servers accept, and which they refuse
version_added: 0.1.0
description:
  - Logs in to servers with the C(ssh) program, many at a time, and tells of each key whether the server accepted it, refused it, or whether
    nothing was proven.
  - Each login is a connection of its own, with one key and no agent. Ansible's own connections prove nothing after a key has changed, because
    they stay open.
  - A key counts as refused only by the server's own words (C(Permission denied (publickey))). C(ssh) exits with the same status for a
    time-out or a wrong host key.
  - Servers that do not answer yet are tried again until O(timeout).
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
attributes:
  check_mode:
    support: full
    details: It logs in, runs C(true), and changes nothing, in check mode or outside.
  diff_mode:
    support: N/A
    details: It changes nothing, so there is no difference to show.
  idempotent:
    support: full
    details: It changes nothing.
options:
  targets:
    description:
      - The logins to try.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What to call the login in the result. The default is the host.
        type: str
      host:
        description: Address to log in at.
        type: str
        required: true
      port:
        description: Port to log in at. Without it the configuration of C(ssh) decides.
        type: int
      user:
        description: User to log in as. Without it the configuration of C(ssh) decides.
        type: str
      private_key_file:
        description: File with the private key in question. It must have no passphrase.
        type: path
        required: true
      args:
        description: More arguments for C(ssh), as one string, such as V(-J bastion).
        type: str
        default: ""
  timeout:
    description:
      - Seconds within which a server must answer.
    type: float
    default: 30.0
  parallel:
    description:
      - How many logins to try at a time.
    type: int
    default: 16
requirements:
  - ssh (the OpenSSH client)
notes:
  - Host keys are checked as the configuration of C(ssh) says. There is nobody to answer a question about a server that is seen first; add
    C(-o StrictHostKeyChecking=accept-new) to O(targets[].args) to trust such servers.
seealso:
  - module: multicloud.async_tasks.hwc_kps_keypair_association
"""

EXAMPLES = r"""
- name: Prove that the new key is accepted and the old one refused
  multicloud.async_tasks.ssh_login_info:
    targets:
      - name: new
        host: 192.0.2.10
        user: root
        private_key_file: /etc/fleet/fleet-2026.pem
      - name: old
        host: 192.0.2.10
        user: root
        private_key_file: /etc/fleet/fleet-2025.pem
  delegate_to: localhost
  register: proof

- name: Stop when it is not so
  ansible.builtin.assert:
    that:
      - proof.logins[0].outcome == 'accepted'
      - proof.logins[1].outcome == 'refused'
"""

RETURN = r"""
logins:
  description: What each login has shown, in the order of O(targets).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the target.
      type: str
      sample: new
    outcome:
      description: V(accepted), V(refused) by the server's own words, or V(not proven).
      type: str
      choices:
        - accepted
        - refused
        - not proven
      sample: accepted
    words:
      description: What that rests on.
      type: str
      sample: The server accepted the key.
    lasting:
      description: Whether another try cannot change it.
      type: bool
open:
  description: Number of logins that proved nothing because the server did not answer; another try may change that.
  returned: success
  type: int
"""

import shutil

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
    at_least,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh import Target, log_in_everywhere, run_ssh


def execute(context: Context) -> Result:
    """Log in everywhere."""
    if shutil.which("ssh") is None:
        raise UsageError(
            "The program ssh was not found.",
            hint="Install the OpenSSH client: the package openssh-client (Debian, Ubuntu) or openssh-clients (Fedora, RHEL).",
        )
    targets = [Target(**{**target, "name": target["name"] or target["host"]}) for target in context.params["targets"]]
    timeout = at_least("timeout", context.params["timeout"], 0)
    parallel = at_least("parallel", context.params["parallel"], 1)
    logins = log_in_everywhere(targets, run_ssh, context.clock, timeout, parallel)
    return {
        "logins": [login._asdict() for login in logins],
        "open": sum(not login.lasting for login in logins),
    }


TARGET_SPEC: ArgumentSpec = {
    "name": {"type": "str"},
    "host": {"type": "str", "required": True},
    "port": {"type": "int"},
    "user": {"type": "str"},
    "private_key_file": {"type": "path", "required": True, "no_log": False},
    "args": {"type": "str", "default": ""},
}
ARGUMENT_SPEC: ArgumentSpec = {
    "targets": {"type": "list", "elements": "dict", "required": True, "options": TARGET_SPEC},
    "timeout": {"type": "float", "default": 30.0},
    "parallel": {"type": "int", "default": 16},
}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    clouds=[],
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
