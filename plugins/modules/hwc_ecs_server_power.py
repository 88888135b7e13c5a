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
  - Starts or stops servers, up to 1000 in one request, waits for the job and looks into its sub-jobs, and then waits until every server
    is in the wanted status, because a job that succeeded does not prove it.
  - Servers that are in the wanted status already are left alone.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_hwc
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
      - How servers are stopped. V(soft) asks the guest to shut down; V(hard) switches off. A soft stop that the guest does not follow is
        never turned into a hard one.
    type: str
    choices:
      - soft
      - hard
    default: soft
  wait:
    description:
      - Whether to wait until the servers are in the wanted status.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait at most, for everything.
    type: float
    default: 600.0
  on_failure:
    description:
      - V(fail) refuses everything when one of the servers cannot be switched, and fails when one did not get there.
      - V(return) switches those that can be, and returns what became of each in RV(servers) without failing.
    type: str
    choices:
      - fail
      - return
    default: fail
  parallel_jobs:
    description:
      - How many jobs share the account at the same time, this one included. Each sends its part of the polls.
      - Set it to the number of slices when a job template of AWX is sliced.
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
      description: Whether it was switched.
      type: bool
    state:
      description:
        - V(success) when it is in the wanted status, V(pending) when it is on the way, V(failed) when the job says so, V(error) when
          nothing was sent.
      type: str
      sample: success
    status:
      description: Its status when it was last read.
      type: str
      sample: SHUTOFF
    reason:
      description: Code and message of the failure.
      type: dict
    msg:
      description: What went wrong, for people.
      type: str
job_ids:
  description: Ids of the jobs that were started, one for each 1000 servers.
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
