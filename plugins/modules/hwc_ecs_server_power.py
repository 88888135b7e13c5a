#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_ecs_server_power: starts and stops many servers in one call, and waits until they are."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hwc_ecs_server_power
short_description: Start and stop Huawei Cloud ECS servers
version_added: 0.1.0
description:
  - Starts or stops servers, up to 1000 in one request. It waits for the job and its sub-jobs, and then until every
    server has the wanted status, because a successful job does not prove that.
  - It does not change servers that already have the wanted status.
  - If the response to a request is lost, the module looks for its effect for up to a minute. It never sends the request
    again.
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
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  server_ids:
    description:
      - Ids of the servers.
    type: list
    elements: str
    required: true
    aliases:
      - server_id
  state:
    description:
      - The wanted power state.
    type: str
    required: true
    choices:
      - running
      - stopped
  stop_type:
    description:
      - How servers are stopped. V(soft) asks the operating system to shut down. V(hard) switches the power off. The
        module never turns a soft stop into a hard one.
    type: str
    choices:
      - soft
      - hard
    default: soft
  wait:
    description:
      - Whether to wait until the servers have the wanted status.
    type: bool
    default: true
  wait_timeout:
    description:
      - Time limit for everything, in seconds.
    type: float
    default: 600.0
  on_failure:
    description:
      - V(fail) changes nothing if one of the servers cannot be started or stopped, and fails if one of them does not
        reach the wanted status.
      - V(return) starts or stops the others, and returns the result of each server in RV(servers) without failing.
    type: str
    choices:
      - fail
      - return
    default: fail
  parallel_jobs:
    description:
      - Number of jobs that use the account at the same time, including this one. Each job sends its share of the
        polls.
      - For a sliced job template of AWX, set it to the number of slices.
    type: int
    default: 1
seealso:
  - module: multicloud.async_tasks.hwc_ecs_server_info
  - module: multicloud.async_tasks.wait_for_task
  - name: Starting ECSs in a batch, ECS API reference
    description: The vendor's page on the operation.
    link: https://support.huaweicloud.com/intl/en-us/api-ecs/en-us_topic_0020212207.html
"""

EXAMPLES = r"""
- name: Stop two servers
  multicloud.async_tasks.hwc_ecs_server_power:
    hwc_region: cn-north-4
    server_ids:
      - d76baba7-ef09-40a2-87ff-3eafec0696e7
      - 8e4e33c5-3f7c-4b0b-a2a5-8a0ef1b2d7c1
    state: stopped

- name: Start all servers of the play in one request
  multicloud.async_tasks.hwc_ecs_server_power:
    hwc_region: cn-north-4
    server_ids: "{{ ansible_play_hosts | map('extract', hostvars, 'server_id') | list }}"
    state: running
  delegate_to: localhost
  run_once: true
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
      description: Whether the server was started or stopped.
      type: bool
    state:
      description:
        - State of the operation. V(success) if the server has the wanted status, V(pending) if it does not have it
          yet, V(failed) if the job failed, V(error) if no request was sent, V(unknown) if the request had no usable
          response and the server has not changed since.
      type: str
      sample: success
    status:
      description: Last status of the server that was read.
      type: str
      sample: SHUTOFF
    reason:
      description: Error code and message of the service. Null if it gave none.
      type: dict
    msg:
      description: Message for the user, with the problem.
      type: str
job_ids:
  description: Ids of the started jobs, one for each 1000 servers.
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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.power import PowerSwitch
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.run import OPTIONS


def execute(context: Context) -> Result:
    """Compare, switch, wait, report."""
    return PowerSwitch(context).run()


ARGUMENT_SPEC: ArgumentSpec = {
    **OPTIONS,
    "state": {"type": "str", "required": True, "choices": ["running", "stopped"]},
    "stop_type": {"type": "str", "choices": ["soft", "hard"], "default": "soft"},
    "wait_timeout": {"type": "float", "default": 600.0},
}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    providers=[HWC],
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
