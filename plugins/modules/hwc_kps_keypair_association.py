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
  - Binds, replaces, resets or unbinds the key pair of servers through KPS (Key Pair Service), and waits for the
    tasks.
  - KPS has one request for bind, replace and reset, and derives the operation from the power state of the server and
    the given login. This module determines the operation of each server first, and refuses servers for which no
    operation is possible.
  - A stopped server with a key pair is V(reset). A reset takes about ten minutes. Do not start the server before the
    reset has ended. The module does not start it.
  - A stopped server without a key pair is bound.
  - The key pair of a running server is replaced, with the current private key (O(private_key_file)). A replacement
    takes about a minute.
  - A running server without a key pair is bound, with the password of root (O(root_password)).
  - With O(state=absent), a stopped server is unbound, and a running server is unbound with its current private key.
  - The module refuses servers that are locked, do not run Linux, have an image that KPS does not support, or have
    another running task.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_hwc
  - multicloud.async_tasks.connection
  - multicloud.async_tasks.hwc
attributes:
  check_mode:
    support: full
    details:
      - RV(servers[].operation) is the operation that would be started, and RV(servers[].task_id) is null.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - A server whose key pair already has the name O(keypair_name) is not changed, unless O(force=true).
options:
  server_ids:
    description:
      - Ids of the servers. One request takes one server, or ten servers that are bound with the same password. The
        module sends at most ten requests per second, four at a time. The tasks run at the same time.
    type: list
    elements: str
    required: true
    aliases:
      - server_id
  state:
    description:
      - V(present) gives the servers the key pair O(keypair_name). V(absent) unbinds their key pair.
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
      - Start the operation even if the server already has a key pair of this name. Use it if the server's
        C(authorized_keys) file no longer contains the key.
    type: bool
    default: false
  private_key_file:
    description:
      - File with the current private key, in PEM format, to replace or unbind the key pair of running servers.
      - The module reads it on the host where it runs, and sends the key to KPS.
    type: path
  private_key:
    description:
      - The current private key itself, for keys from a secret store or AWX. Prefer O(private_key_file).
    type: str
  root_password:
    description:
      - Password of root, to bind a key pair to running servers without one.
    type: str
  disable_password:
    description:
      - Whether KPS disables password logins on the servers. Without it, KPS does not change them.
    type: bool
  port:
    description:
      - SSH port at which KPS reaches running servers. The security group must allow C(100.125.0.0/16), the network of
        KPS.
      - Without it, KPS uses 22.
    type: int
  wait:
    description:
      - Whether to wait for the tasks. With V(false), wait later with M(multicloud.async_tasks.wait_for_task) and
        RV(task_ids).
    type: bool
    default: true
  wait_timeout:
    description:
      - Time limit for everything, in seconds. A reset takes about ten minutes. Throttled requests are sent again
        within this limit.
    type: float
    default: 1800.0
  on_failure:
    description:
      - V(fail) starts nothing if one of the servers cannot be changed, and fails if one of the tasks fails.
      - V(return) changes the servers that can be changed, and returns the result of each server in RV(servers)
        without failing.
    type: str
    choices:
      - fail
      - return
    default: fail
  parallel_jobs:
    description:
      - Number of jobs that use the account at the same time, including this one. Each job sends its share of the
        polls and of the requests that start tasks.
      - For a sliced job template of AWX, set it to the number of slices.
    type: int
    default: 1
notes:
  - The identity needs C(kps:SSHKeyPair:bind). A reset also needs permissions on ECS, EVS, IMS and VPC, because KPS
    changes the disk of the server. The vendor's page lists them.
seealso:
  - module: multicloud.async_tasks.hwc_kps_keypair
  - module: multicloud.async_tasks.hwc_ecs_server_power
  - module: multicloud.async_tasks.wait_for_task
  - name: Binding an SSH key pair, KPS API reference
    description: The vendor's page on the operation.
    link: https://support.huaweicloud.com/intl/en-us/api-dew/AssociateKeypair.html
"""

EXAMPLES = r"""
- name: Reset the key pair of two stopped servers
  multicloud.async_tasks.hwc_kps_keypair_association:
    hwc_region: cn-north-4
    server_ids:
      - d76baba7-ef09-40a2-87ff-3eafec0696e7
      - 8e4e33c5-3f7c-4b0b-a2a5-8a0ef1b2d7c1
    keypair_name: fleet-2026

- name: Replace the key pair of a running server
  multicloud.async_tasks.hwc_kps_keypair_association:
    hwc_region: cn-north-4
    server_id: d76baba7-ef09-40a2-87ff-3eafec0696e7
    keypair_name: fleet-2026
    private_key_file: /etc/fleet/fleet-2025.pem

- name: Start without waiting
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
  description: Result of each server, in the order of O(server_ids).
  returned: always, after the servers were read
  type: list
  elements: dict
  contains:
    server_id:
      description: Id of the server.
      type: str
      sample: d76baba7-ef09-40a2-87ff-3eafec0696e7
    name:
      description: Name of the server. Null if the server does not exist.
      type: str
    changed:
      description: Whether a task was started for the server, or may have been started.
      type: bool
    operation:
      description: Operation on the server. Null if there is nothing to do.
      type: str
      choices:
        - reset
        - replace
        - bind
        - unbind
      sample: reset
    task_id:
      description: Id of the task. Null in check mode, and if no task was started.
      type: str
      sample: aee8d2fe-5484-4753-9177-5a38dc15546c
    state:
      description:
        - State of the server. V(pending) if its task is still running, V(error) if no task was started, V(unknown) if
          the response was lost and no task was found (RV(servers[].uncertain)).
      type: str
      sample: success
    status:
      description: The raw status of the task.
      type: str
      sample: SUCCESS_RESET
    reason:
      description: Error code and message of the service. Null if it gave none.
      type: dict
      sample:
        code: KPS.3054
        message: Update public key error
    msg:
      description: Message for the user, with the problem and what to do.
      type: str
    uncertain:
      description:
        - Whether an unknown task may be running on the server. The response to the request was lost, and the module
          found no task within a minute, or could not read the tasks. Queued tasks are not in any list. Do not start
          such a server.
      type: bool
    previous_keypair_name:
      description: Name of the key pair that the server had before. Null if it had none.
      type: str
    keypair_name:
      description: Name of the new key pair of the server. Null with O(state=absent).
      type: str
task_ids:
  description: Ids of the started tasks.
  returned: always, after the servers were read
  type: list
  elements: str
http_status:
  description: HTTP status of the response that made the module fail.
  returned: on failure, when there was a response
  type: int
  sample: 403
error_code:
  description: Error code of the service. If the response had none, the HTTP status as text.
  returned: on failure, when the service returned an error
  type: str
  sample: APIGW.0302
error_msg:
  description:
    - Error message of the service, up to 1000 characters. Control characters are escaped and known secrets are shown
      as V(********).
  returned: on failure, when the service returned an error
  type: str
  sample: You do not have permission.
request_id:
  description: Id of the request that failed. The vendor's support asks for it.
  returned: on failure, when the error response has one
  type: str
  sample: 7c2a4f0e9d1b4a6f8f3e5d2c1b0a9e8d
error_details:
  description:
    - Further fields of the error response, such as C(encoded_authorization_message) or C(access_denied_detail). An
      administrator can find the missing permission with them.
  returned: on failure, when the error response has further fields
  type: dict
credentials_source:
  description:
    - Source of the credentials, such as V(options), V(environment) or V(ECS metadata). It never contains credentials.
  returned: when credentials were found
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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
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
    "wait_timeout": {"type": "float", "default": Options.timeout},
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
