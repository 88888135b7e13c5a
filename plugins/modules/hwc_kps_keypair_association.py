#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_kps_keypair_association: binds, replaces, resets and unbinds the key pairs of many servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hwc_kps_keypair_association
short_description: Bind, replace, reset or unbind the SSH key pair of Huawei Cloud ECS servers
version_added: 0.1.0
description:
  - Gives servers a key pair, or takes it away, through KPS (Key Pair Service), and waits for the tasks that do it.
  - KPS has one request for bind, replace and reset, and infers the operation from the power state of the server and the login it gets.
    This module decides it first, server by server, and refuses early what cannot work.
  - A server that is off and has a key pair is V(reset). That takes about ten minutes; it must stay off meanwhile, and is not started
    afterwards.
  - A server that is off and has no key pair is bound.
  - A server that runs and has a key pair is V(replace)d, with the private key that is bound now (O(private_key_file)). That takes about a
    minute.
  - A server that runs and has no key pair is bound, with the password of root (O(root_password)).
  - With O(state=absent) a server that is off is unbound, and one that runs is unbound with its private key.
  - Servers that are locked, that do not run Linux, whose image KPS does not support, or that another task works on are refused.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_hwc
  - multicloud.async_tasks.hwc
attributes:
  check_mode:
    support: full
    details:
      - RV(servers[].operation) tells what would be started, and RV(servers[].task_id) is null.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - A server whose key pair has the wanted name is left alone, unless O(force=true).
options:
  server_ids:
    description:
      - Ids of the servers. The API takes one server in a request, or ten that are bound with the same password. At most four requests are
        under way at a time, ten a second, and the tasks run side by side.
    type: list
    elements: str
    required: true
    aliases:
      - server_id
  state:
    description:
      - Whether the servers are to have the key pair O(keypair_name), or none.
    type: str
    choices:
      - present
      - absent
    default: present
  keypair_name:
    description:
      - Name of the key pair. Required with O(state=present).
    type: str
  force:
    description:
      - Start an operation although the server has a key pair of this name already. Use it when the server's C(authorized_keys) file does
        not hold the key any more.
    type: bool
    default: false
  private_key_file:
    description:
      - File with the private key that is bound now, in PEM format, to replace or unbind the key pair of servers that run.
      - It is read on the host where the module runs, and sent to KPS.
    type: path
  private_key:
    description:
      - The private key itself. For keys that a secret store or AWX injects; prefer O(private_key_file).
    type: str
  root_password:
    description:
      - The password of root, to bind a key pair to servers that run and have none.
    type: str
  disable_password:
    description:
      - Whether KPS switches off logins with a password on the servers. Without it KPS leaves them as they are.
    type: bool
  port:
    description:
      - SSH port at which KPS reaches servers that run. KPS comes from C(100.125.0.0/16), which the security group must let in.
      - Without it KPS uses 22.
    type: int
  wait:
    description:
      - Whether to wait for the tasks. Without it, wait with M(multicloud.async_tasks.wait_for_task) and RV(task_ids).
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds for everything. A reset takes about ten minutes. Requests that KPS turns away because there are too many are sent again as
        long as this allows.
    type: float
    default: 1800.0
  on_failure:
    description:
      - V(fail) refuses everything when nothing can be done to one of the servers, and fails when one of the tasks failed.
      - V(return) goes on with those that something can be done to, and returns what became of each in RV(servers) without failing.
    type: str
    choices:
      - fail
      - return
    default: fail
  parallel_jobs:
    description:
      - How many jobs share the account at the same time, this one included. Each sends its part of the requests that start tasks, and of
        the polls.
      - Set it to the number of slices when a job template of AWX is sliced.
    type: int
    default: 1
notes:
  - The identity needs C(kps:SSHKeyPair:bind), and for reset a list of permissions on ECS, EVS, IMS and VPC, because KPS works on the
    server's disk. The vendor's page on the operation has the list.
seealso:
  - module: multicloud.async_tasks.hwc_kps_keypair
  - module: multicloud.async_tasks.hwc_ecs_server_power
  - module: multicloud.async_tasks.wait_for_task
  - name: Binding an SSH key pair, KPS API reference
    description: The vendor's page on the operation.
    link: https://support.huaweicloud.com/intl/en-us/api-dew/AssociateKeypair.html
"""

EXAMPLES = r"""
- name: Reset the key pair of two servers that are off
  multicloud.async_tasks.hwc_kps_keypair_association:
    hwc_region: cn-north-4
    server_ids:
      - d76baba7-ef09-40a2-87ff-3eafec0696e7
      - 8e4e33c5-3f7c-4b0b-a2a5-8a0ef1b2d7c1
    keypair_name: fleet-2026

- name: Replace the key pair of a server that runs
  multicloud.async_tasks.hwc_kps_keypair_association:
    hwc_region: cn-north-4
    server_id: d76baba7-ef09-40a2-87ff-3eafec0696e7
    keypair_name: fleet-2026
    private_key_file: /etc/fleet/fleet-2025.pem

- name: Start now
  multicloud.async_tasks.hwc_kps_keypair_association:
    hwc_region: cn-north-4
    server_ids: "{{ server_ids }}"
    keypair_name: fleet-2026
    wait: false
  register: started

- name: Wait later
  multicloud.async_tasks.wait_for_task:
    hwc_region: cn-north-4
    service: kps
    task_ids: "{{ started.task_ids }}"
"""

RETURN = r"""
servers:
  description: What became of each server, in the order of O(server_ids).
  returned: always, once the servers were read
  type: list
  elements: dict
  contains:
    server_id:
      description: Id of the server.
      type: str
      sample: d76baba7-ef09-40a2-87ff-3eafec0696e7
    name:
      description: Name of the server; null when it does not exist.
      type: str
    changed:
      description: Whether a task was started for it, or may have been.
      type: bool
    operation:
      description: What is done to it; null when nothing is to be done.
      type: str
      choices:
        - reset
        - replace
        - bind
        - unbind
      sample: reset
    task_id:
      description: Id of the task; null in check mode and when none was started.
      type: str
      sample: aee8d2fe-5484-4753-9177-5a38dc15546c
    state:
      description:
        - V(success), V(failed), V(pending) while the task goes on, V(error) when nothing was started, V(unknown) when the answer to the
          request was lost and no task was found (RV(servers[].uncertain)).
      type: str
      sample: success
    status:
      description: The raw status of the task.
      type: str
      sample: SUCCESS_RESET
    reason:
      description: Code and message of the failure.
      type: dict
      sample:
        code: KPS.3054
        message: Update public key error
    msg:
      description: What went wrong or helps, for people.
      type: str
    uncertain:
      description:
        - Whether a task may run for it that nobody knows of. The answer to the request was lost, and for a minute after it no task was seen,
          or nothing could be read; a task that waits for its turn is on no list. Such a server must not be started.
      type: bool
    previous_keypair_name:
      description: Name of the key pair it had; null when it had none.
      type: str
    keypair_name:
      description: Name of the key pair it is to have; null with O(state=absent).
      type: str
task_ids:
  description: Ids of the tasks that were started.
  returned: always, once the servers were read
  type: list
  elements: str
http_status:
  description: HTTP status of the answer that made the task fail.
  returned: on failure, when there was an answer
  type: int
  sample: 403
error_code:
  description: The service's own code; where it gave none, the HTTP status as text.
  returned: on failure, when the service refused
  type: str
  sample: APIGW.0302
error_msg:
  description:
    - The service's own words, up to 1000 characters. Control characters are shown as escapes, known secrets as V(********).
  returned: on failure, when the service refused
  type: str
  sample: You do not have permission.
request_id:
  description: What the vendor's support asks for.
  returned: on failure, when the service refused and named one
  type: str
  sample: 7c2a4f0e9d1b4a6f8f3e5d2c1b0a9e8d
error_details:
  description:
    - Further fields of the refusal, such as C(encoded_authorization_message) or C(access_denied_detail), with which an administrator finds
      out which permission is missing.
  returned: on failure, when the service refused and said more
  type: dict
credentials_source:
  description: Where the credentials were found, such as V(options), V(environment) or V(ECS metadata); never what they are.
  returned: when they were found
  type: str
  sample: environment
"""

from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.association import Association
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.run import OPTIONS


def execute(context: Context) -> Result:
    """Decide, start, wait, report."""
    return Association(context).run()


ARGUMENT_SPEC: ArgumentSpec = {
    **OPTIONS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "keypair_name": {"type": "str"},
    "force": {"type": "bool", "default": False},
    "private_key_file": {"type": "path", "no_log": False},
    "private_key": {"type": "str", "no_log": True},
    "root_password": {"type": "str", "no_log": True},
    "disable_password": {"type": "bool", "no_log": False},
    "port": {"type": "int"},
    "wait_timeout": {"type": "float", "default": 1800.0},
}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    providers=[HWC],
    required_if=[("state", "present", ["keypair_name"])],
    mutually_exclusive=[("private_key_file", "private_key")],
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
