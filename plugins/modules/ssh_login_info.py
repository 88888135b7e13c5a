#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module ssh_login_info: logs in to many servers and tells of each key whether it is accepted or refused."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_login_info
short_description: Verify which SSH keys servers accept and which they refuse
version_added: 0.1.0
description:
  - Logs in to servers with the C(ssh) program, many at a time. For each key, it returns whether the server accepted
    it, refused it, or whether nothing was verified, and the reason.
  - Each login uses a new connection, with one key and without an agent. Ansible's own connections verify nothing after
    a key has changed, because they stay open.
  - A key is accepted if the server allows a login with it. It is refused if the server was offered this key and did not
    accept it. A timeout and an unknown host key verify nothing, although C(ssh) exits with the same status.
  - The module copies the key to a private directory during the logins. A public key or certificate next to the key and
    the mode of its file therefore have no effect.
  - The module retries servers that do not respond yet until O(timeout). If a server closes the connection after it was
    offered a key, the module tries it three times. It tries the logins to one server one after the other.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
attributes:
  check_mode:
    support: full
    details: It logs in and runs C(echo), in check mode as well. It changes nothing.
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
        description: Name of the login in the result. The default is the host.
        type: str
      host:
        description: Address to log in at, or the name of a host in the configuration of C(ssh).
        type: str
        required: true
      port:
        description: Port to log in at. The default is the port in the configuration of C(ssh).
        type: int
      user:
        description: User to log in as. The default is the user in the configuration of C(ssh).
        type: str
      private_key_file:
        description: File of the private key to verify. It must not have a passphrase.
        type: path
        required: true
      args:
        description:
          - More arguments for C(ssh), as one string, such as V(-J bastion). The module leaves out arguments for other
            keys, shared connections and the log of C(ssh). With an argument that makes a verification impossible,
            such as V(-N) or V(-o PubkeyAuthentication=no), it does not log in.
        type: str
        default: ""
      executable:
        description: The program C(ssh).
        type: str
        default: ssh
  timeout:
    description:
      - Time limit for all logins together, in seconds.
    type: float
    default: 30.0
  parallel:
    description:
      - Number of servers to log in to at the same time.
    type: int
    default: 32
  log_in:
    description:
      - Whether to log in. With V(false), the module does not connect to any server. The result then shows for each
        login whether the key can be used and whether C(ssh) accepts the arguments.
    type: bool
    default: true
  chdir:
    description:
      - Directory in which C(ssh) runs. Relative paths in O(targets[].private_key_file) and O(targets[].args) are
        relative to it. The default is the current directory of the module.
    type: path
  progress:
    description:
      - Seconds between two lines of progress on standard error. V(0) prints none.
      - The module prints lines only when it runs in the worker of the controller, as it does on C(localhost).
    type: float
    default: 30.0
requirements:
  - ssh and ssh-keygen (the OpenSSH client, 8.0 or newer)
notes:
  - C(ssh) checks host keys according to its configuration. It cannot ask about an unknown host key. To trust such
    servers, add C(-o StrictHostKeyChecking=accept-new) to O(targets[].args).
  - In a task with C(delegate_to=localhost), connection variables that a host does not define, such as
    C(ansible_host), are those of localhost. Take them from C(hostvars[inventory_hostname]).
  - The module offers a refused RSA key again with each other signature algorithm, unless the server has accepted
    another RSA key.
  - OpenSSH before 9.6 may announce key types that it does not accept. The refusal of a key of such a type does not
    prove that the key is not authorized.
seealso:
  - module: multicloud.async_tasks.hwc_kps_keypair_association
"""

EXAMPLES = r"""
- name: Verify that the new key is accepted and the old one refused
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
  register: verification

- name: Fail if the keys are not as expected
  ansible.builtin.assert:
    that:
      - verification.logins[0].outcome == 'accepted'
      - verification.logins[1].outcome == 'refused'

- name: Check before a change whether the key and the arguments can be used for all hosts
  multicloud.async_tasks.ssh_login_info:
    targets:
      - name: "{{ inventory_hostname }}"
        host: "{{ hostvars[inventory_hostname].ansible_host | default(inventory_hostname) }}"
        user: root
        private_key_file: /etc/fleet/fleet-2026.pem
        args: -o StrictHostKeyChecking=accept-new
    log_in: false
  delegate_to: localhost
"""

RETURN = r"""
logins:
  description: The result of each login, in the order of O(targets).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the target.
      type: str
      sample: new
    outcome:
      description:
        - V(accepted) if the server allowed a login with the key, or accepted it as one factor. V(refused) if the
          server was offered the key and did not accept it. V(not verified) otherwise.
        - V(not tried) with O(log_in=false), if there was no problem.
      type: str
      choices:
        - accepted
        - refused
        - not verified
        - not tried
      sample: accepted
    msg:
      description: The reason for the outcome.
      type: str
      sample: The server accepted the key.
    cause:
      description:
        - The kind of problem, if nothing was verified.
        - V(configuration) if C(ssh) does not accept the arguments, V(key) if the private key cannot be used,
          V(host key) if the host key of the server or of a bastion is unknown or has changed, V(connection) if there
          was no response, V(login) if the server rejects the login for another reason than the key.
      type: str
      choices:
        - configuration
        - key
        - host key
        - connection
        - login
      returned: always; null if something was verified
    permanent:
      description: Whether a retry is unlikely to give another outcome.
      type: bool
    partial:
      description: Whether the server accepted the key, but requires another factor in addition.
      type: bool
    command_ran:
      description:
        - Whether the server ran a command after the login. False for an account that only prints a message. Null without
          a login.
      type: bool
    tries:
      description: Number of tries.
      type: int
      sample: 1
    public_key:
      description: Public key, in OpenSSH format. Null if the key cannot be used.
      type: str
    fingerprint:
      description: Fingerprint of the key. Null if the key cannot be used.
      type: str
      sample: SHA256:mVPwvezndPv/ARoIadVY98vAC0g+P/5633yTC4d/wXE
    user:
      description:
        - User of the target or of the configuration of C(ssh). Null if C(ssh) uses the name of the account that runs it.
      type: str
      sample: root
    port:
      description: Port of the target or of the configuration of C(ssh). Null if it is not known.
      type: int
      sample: 22
open:
  description: Number of logins that are not verified, and for which a retry may give another outcome.
  returned: success
  type: int
"""

import shutil
import typing as t
import uuid

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
    at_least,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh import (
    UNVERIFIED,
    LoginResult,
    LoginTarget,
    SystemPrograms,
    describe,
    log_in_everywhere,
)


def execute(context: Context) -> Result:
    """Try all logins."""
    params = context.params
    targets = [LoginTarget(**{**target, "name": target["name"] or target["host"]}) for target in params["targets"]]
    timeout = at_least("timeout", params["timeout"], 1)
    parallel = at_least("parallel", params["parallel"], 1)
    progress = at_least("progress", params["progress"], 0)
    for program in ("ssh", "ssh-keygen"):
        if shutil.which(program) is None:
            raise UsageError(
                f"The program {program} was not found.",
                hint="Install the OpenSSH client: the package openssh-client (Debian, Ubuntu) or openssh-clients (Fedora, RHEL).",
            )
    with SystemPrograms(params["chdir"]) as programs:
        keys = {path: programs.key(path) for path in dict.fromkeys(target.private_key_file for target in targets)}
        for key in keys.values():
            if key.world_readable:
                context.warn(
                    f"Every user of this machine can read the private key {key.path}. Run: chmod o-rwx {key.path}"
                )
        logins = log_in_everywhere(
            targets,
            keys,
            programs,
            context.clock,
            timeout=timeout,
            parallel=parallel,
            # No banner of a server has this text by chance.
            marker=f"logged-in-{uuid.uuid4().hex}",
            connect=params["log_in"],
            on_progress=_show_lines(context, timeout, progress),
        )
    return {
        "logins": [login._asdict() for login in logins],
        "open": sum(login.outcome == UNVERIFIED and not login.permanent for login in logins),
    }


def _show_lines(
    context: Context, timeout: float, progress: float
) -> t.Callable[[t.Sequence[LoginResult], float], None] | None:
    """Return a function that shows a line every ``progress`` seconds, or None where lines cannot be shown."""
    show = context.on_progress
    if show is None or progress <= 0:
        return None
    due = progress

    def show_line(logins: t.Sequence[LoginResult], seconds: float) -> None:
        nonlocal due
        if seconds >= due:
            due = seconds + progress
            show(f"{describe(logins)}; {seconds:.0f} s of {timeout:.0f} s")

    return show_line


TARGET_SPEC: ArgumentSpec = {
    "name": {"type": "str"},
    "host": {"type": "str", "required": True},
    "port": {"type": "int"},
    "user": {"type": "str"},
    "private_key_file": {"type": "path", "required": True, "no_log": False},
    "args": {"type": "str", "default": ""},
    "executable": {"type": "str", "default": "ssh"},
}
ARGUMENT_SPEC: ArgumentSpec = {
    "targets": {"type": "list", "elements": "dict", "required": True, "options": TARGET_SPEC},
    "timeout": {"type": "float", "default": 30.0},
    "parallel": {"type": "int", "default": 32},
    "log_in": {"type": "bool", "default": True},
    "chdir": {"type": "path"},
    "progress": {"type": "float", "default": 30.0},
}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    providers=[],
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
