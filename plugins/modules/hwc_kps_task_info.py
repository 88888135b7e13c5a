#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_kps_task_info: options, documentation, and the operations of KPS that it calls."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hwc_kps_task_info
short_description: Query tasks of Huawei Cloud KPS (Key Pair Service)
version_added: 0.1.0
description:
  - Returns one task by its id (C(ListKeypairTask)), all running tasks (C(ListRunningTask)), or the records of all
    failed tasks (C(ListFailedTask)). It reads all pages.
  - KPS starts a task when a key pair is bound to a server, replaced, reset or unbound. To wait for tasks, use
    M(multicloud.async_tasks.wait_for_task).
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_hwc
  - multicloud.async_tasks.attributes.info_module
  - multicloud.async_tasks.connection
  - multicloud.async_tasks.hwc
options:
  task_id:
    description:
      - Id of the task, for example from M(multicloud.async_tasks.hwc_kps_keypair_association).
      - 1 to 64 letters, digits, dots, underscores and hyphens.
      - Exactly one of O(task_id) and O(list) is required.
    type: str
  list:
    description:
      - Return a list of tasks instead of one.
      - V(running) returns the tasks that have not ended. V(failed) returns the records of failed tasks with their
        reasons. KPS has no list of successful tasks.
    type: str
    choices:
      - running
      - failed
  limit:
    description:
      - Number of tasks in one page of a list, V(1) to V(1000). The module always reads all pages.
    type: int
    default: 1000
  marker:
    description:
      - Number of tasks to skip at the beginning of a list, for example RV(next_marker) of an earlier run.
    type: int
  max_tasks:
    description:
      - Maximum number of tasks to return from a list. RV(truncated) is true if there are more.
    type: int
seealso:
  - module: multicloud.async_tasks.wait_for_task
  - module: multicloud.async_tasks.hwc_kps_keypair_association
  - name: Querying a task, KPS API reference
    description: The vendor's page on the operation.
    link: https://support.huaweicloud.com/intl/en-us/api-dew/ListKeypairTask.html
"""

EXAMPLES = r"""
- name: Read one task
  multicloud.async_tasks.hwc_kps_task_info:
    hwc_region: cn-north-4
    task_id: aee8d2fe-5484-4753-9177-5a38dc15546c
  register: task

- name: Show the state of the task
  ansible.builtin.debug:
    msg: "{{ task.tasks[0].state if task.tasks else 'KPS does not have this task' }}"

- name: List the failed tasks
  multicloud.async_tasks.hwc_kps_task_info:
    hwc_region: cn-north-4
    list: failed
  register: failed

- name: Show the reasons
  ansible.builtin.debug:
    msg: "{{ failed.tasks | map(attribute='task_error_msg') | list }}"

- name: List at most a hundred running tasks
  multicloud.async_tasks.hwc_kps_task_info:
    hwc_region: cn-north-4
    list: running
    max_tasks: 100
"""

RETURN = r"""
tasks:
  description:
    - The tasks, with the fields of the API and a normalized C(state). The list is empty if O(task_id) is unknown.
  returned: success, and on failure when a part of the list was read
  type: list
  elements: dict
  contains:
    task_id:
      description: Id of the task.
      type: str
      sample: aee8d2fe-5484-4753-9177-5a38dc15546c
    server_id:
      description: Id of the server that the task changes.
      type: str
      sample: d76baba7-ef09-40a2-87ff-3eafec0696e7
    task_status:
      description: The raw status of the task. Only returned for a single task.
      type: str
      sample: SUCCESS_RESET
    state:
      description:
        - Normalized status of the task. A status that does not consist of V(READY), V(RUNNING), V(SUCCESS) or
          V(FAILED), an underscore and a word is V(unknown), never V(success).
      type: str
      choices:
        - pending
        - success
        - failed
        - unknown
      sample: success
    operation:
      description: What the task does with the key pair of the server, according to its status.
      type: str
      choices:
        - reset
        - replace
        - bind
        - unbind
        - unknown
      sample: reset
    operate_type:
      description:
        - The raw type of the operation. Only in lists. The documentation of the API is wrong about its values.
      type: str
      sample: RUNNING_RESET
    task_time:
      description: Start of the task, in milliseconds since the epoch, as text. Only in lists.
      type: str
      sample: "1523342130000"
    time:
      description: Start of the task, in ISO 8601, UTC.
      type: str
      sample: "2018-04-10T06:35:30Z"
    server_name:
      description: Name of the server. Only in lists.
      type: str
    keypair_name:
      description: Name of the key pair. Only in lists.
      type: str
    task_error_code:
      description: Error code of a failed task; may be missing. Only in the list of failed tasks.
      type: str
      sample: KPS.3054
    task_error_msg:
      description: Error message of a failed task. Only in the list of failed tasks.
      type: str
truncated:
  description:
    - Whether the list is incomplete, because of O(max_tasks), or on failure because the rest could not be read.
  returned: success, and on failure when a part of the list was read
  type: bool
next_marker:
  description: Value for O(marker) to read the rest of the list.
  returned: when RV(truncated) is true
  type: str
  sample: "100"
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

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_id
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import FAILED, PENDING
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
    at_least,
    within,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import kps
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.pagination import list_result


def execute(context: Context) -> Result:
    """Read one task or the list, and add the state of each raw status."""
    chosen = context.params["list"]
    if chosen is None:
        task_id = check_id("task_id", context.params["task_id"])
        task = kps.show_task(context.client(HWC), task_id)
        return {"tasks": [kps.normalize(task)] if task else [], "truncated": False}
    operation, state = (kps.LIST_RUNNING, PENDING) if chosen == "running" else (kps.LIST_FAILED, FAILED)
    bounds = {
        "marker": at_least("marker", context.params["marker"], 0),
        "limit": within("limit", context.params["limit"], 1, kps.PAGE_SIZE),
        "most": at_least("max_tasks", context.params["max_tasks"], 1),
    }
    return list_result(
        context.result,
        "tasks",
        lambda: kps.read_list(context.client(HWC), operation, **bounds),
        lambda row: kps.normalize(row, listed_as=state),
    )


ARGUMENT_SPEC: ArgumentSpec = {
    "task_id": {"type": "str"},
    "list": {"type": "str", "choices": ["running", "failed"]},
    "limit": {"type": "int", "default": kps.PAGE_SIZE},
    "marker": {"type": "int"},
    "max_tasks": {"type": "int"},
}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    providers=[HWC],
    mutually_exclusive=[("task_id", "list")],
    required_one_of=[("task_id", "list")],
    required_by={"max_tasks": ["list"], "marker": ["list"]},
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
