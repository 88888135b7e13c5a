#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_ecs_server_info: power state, key pair, image, lock and addresses of many servers in one read."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hwc_ecs_server_info
short_description: Read the state of Huawei Cloud ECS servers
version_added: 0.1.0
description:
  - Returns status, key pair, image, lock and addresses of servers (C(ListServersDetails)). One request reads a
    hundred servers of O(server_ids).
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_hwc
  - multicloud.async_tasks.attributes.info_module
  - multicloud.async_tasks.connection
  - multicloud.async_tasks.hwc
options:
  server_ids:
    description:
      - Ids of the servers. Without it, the module lists all servers of the project.
      - An id has 1 to 64 letters, digits, dots, underscores and hyphens.
    type: list
    elements: str
    aliases:
      - server_id
  name:
    description:
      - Return only servers whose name contains this text. Cannot be used with O(server_ids).
    type: str
  status:
    description:
      - Return only servers in this status, such as V(ACTIVE) or V(SHUTOFF). Cannot be used with O(server_ids).
    type: str
seealso:
  - module: multicloud.async_tasks.hwc_ecs_server_power
  - name: Querying details about ECSs, ECS API reference
    description: The vendor's page on the operation.
    link: https://support.huaweicloud.com/intl/en-us/api-ecs/en-us_topic_0094148850.html
"""

EXAMPLES = r"""
- name: Read the servers of a play in one request
  multicloud.async_tasks.hwc_ecs_server_info:
    hwc_region: cn-north-4
    server_ids: "{{ ansible_play_hosts | map('extract', hostvars, 'server_id') | list }}"
  delegate_to: localhost
  run_once: true
  register: read

- name: Show which of them are off
  ansible.builtin.debug:
    msg: "{{ read.servers | selectattr('status', 'equalto', 'SHUTOFF') | map(attribute='name') | list }}"
"""

RETURN = r"""
servers:
  description: The servers that exist, in the order of O(server_ids).
  returned: success, and on failure when a part of the list was read
  type: list
  elements: dict
  contains:
    server_id:
      description: Id of the server.
      type: str
      sample: d76baba7-ef09-40a2-87ff-3eafec0696e7
    name:
      description: Name of the server.
      type: str
      sample: web-01
    status:
      description: Status of the server, such as V(ACTIVE), V(SHUTOFF) or V(ERROR).
      type: str
      sample: ACTIVE
    task_state:
      description: Current operation on the server, such as V(powering-off). Null if there is none.
      type: str
    vm_state:
      description: State of the virtual machine.
      type: str
      sample: active
    power_state:
      description:
        - Power state of the server. V(0) is pending, V(1) running, V(2) paused, V(3) shut down, V(4) crashed.
      type: int
      sample: 1
    key_name:
      description: Name of the key pair that is bound to the server. Null if there is none.
      type: str
      sample: fleet-2026
    locked:
      description: Whether the server is locked. The service rejects actions on a locked server.
      type: bool
    os_type:
      description: Operating system of the server, V(Linux) or V(Windows).
      type: str
      sample: Linux
    image_id:
      description: Id of the image of the server.
      type: str
    image_name:
      description: Name of the image of the server.
      type: str
      sample: Ubuntu 22.04 server 64bit
    image_type:
      description: Type of the image. V(gold) is a public image; others are V(private) and V(shared).
      type: str
      sample: gold
    addresses:
      description: Addresses of the server.
      type: list
      elements: dict
      contains:
        network:
          description: Id of the network.
          type: str
        address:
          description: IP address.
          type: str
          sample: 192.168.0.10
        version:
          description: IP version, V(4) or V(6), as text.
          type: str
        type:
          description: Type of the address, V(fixed) or V(floating).
          type: str
    fault:
      description: Reason for the status V(ERROR).
      type: dict
missing_ids:
  description: Ids from O(server_ids) that do not exist in the project.
  returned: success
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

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_ids
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import ecs
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.pagination import list_result


def execute(context: Context) -> Result:
    """Read the servers that were named, or list those that match."""
    if context.params["server_ids"] is None:
        filters = {name: context.params[name] for name in ("name", "status") if context.params[name]}
        context.result["missing_ids"] = []
        return list_result(
            context.result,
            "servers",
            lambda: ecs.list_servers(context.client(HWC), filters),
            ecs.summarize,
            bounded=False,
        )
    ids = check_ids("server_ids", context.params["server_ids"])
    found = ecs.read_servers(context.client(HWC), ids)
    return {
        "servers": [ecs.summarize(found[server_id]) for server_id in ids if server_id in found],
        "missing_ids": [server_id for server_id in ids if server_id not in found],
    }


ARGUMENT_SPEC: ArgumentSpec = {
    "server_ids": {"type": "list", "elements": "str", "aliases": ["server_id"]},
    "name": {"type": "str"},
    "status": {"type": "str"},
}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    providers=[HWC],
    mutually_exclusive=[("server_ids", "name"), ("server_ids", "status")],
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
