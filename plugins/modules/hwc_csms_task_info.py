#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_csms_task_info: options, documentation, and the operation of CSMS that it calls."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hwc_csms_task_info
short_description: Query tasks of Huawei Cloud CSMS (Cloud Secret Management Service)
version_added: 0.1.0
description:
  - Returns the tasks that rotate secrets (C(ListSecretTask)), one by its id or all that match. It reads all pages.
  - CSMS starts a task when a secret is rotated. To wait for tasks, use M(multicloud.async_tasks.wait_for_task).
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
      - Id of a task. Cannot be used with O(secret_name), O(status), O(marker) and O(max_tasks).
      - 1 to 64 letters, digits, dots, underscores and hyphens.
    type: str
  secret_name:
    description:
      - Return only tasks of the secret with this name.
    type: str
  status:
    description:
      - Return only tasks with this raw status. The service documents V(SUCCESS) and V(FAILED).
    type: str
  limit:
    description:
      - Number of tasks in one page, V(1) to V(1000). The module always reads all pages.
    type: int
    default: 50
  marker:
    description:
      - Where the list begins, for example RV(next_marker) of an earlier run.
    type: str
  max_tasks:
    description:
      - Maximum number of tasks to return. RV(truncated) is true if there are more.
    type: int
seealso:
  - module: multicloud.async_tasks.wait_for_task
  - name: Querying secret tasks, CSMS API reference
    description: The vendor's page on the operation.
    link: https://support.huaweicloud.com/intl/en-us/api-dew/ListSecretTask.html
"""

EXAMPLES = r"""
- name: Read one task
  multicloud.async_tasks.hwc_csms_task_info:
    hwc_region: cn-north-4
    task_id: 9b1c1a4e-6ac5-4c2c-8a3f-5d1f3b1c9f0a
  register: task

- name: Show the state of the task
  ansible.builtin.debug:
    msg: "{{ task.tasks[0].state if task.tasks else 'CSMS does not have this task' }}"

- name: Read why rotations of a secret failed
  multicloud.async_tasks.hwc_csms_task_info:
    hwc_region: cn-north-4
    secret_name: database-admin
    status: FAILED
  register: failed

- name: Show the reasons
  ansible.builtin.debug:
    msg: "{{ item.time }} {{ item.task_error_code }} {{ item.task_error_msg }}"
  loop: "{{ failed.tasks }}"
  loop_control:
    label: "{{ item.task_id }}"

- name: Read a hundred tasks
  multicloud.async_tasks.hwc_csms_task_info:
    hwc_region: cn-north-4
    max_tasks: 100
  register: first

- name: Read the next hundred
  multicloud.async_tasks.hwc_csms_task_info:
    hwc_region: cn-north-4
    max_tasks: 100
    marker: "{{ first.next_marker }}"
  when: first.truncated
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
      sample: 9b1c1a4e-6ac5-4c2c-8a3f-5d1f3b1c9f0a
    secret_name:
      description: Name of the secret.
      type: str
      sample: database-admin
    task_status:
      description: The raw status of the task.
      type: str
      sample: SUCCESS
    state:
      description:
        - Normalized status of the task. The service documents V(SUCCESS) and V(FAILED) only. Every other status is
          V(unknown), never V(success).
      type: str
      choices:
        - success
        - failed
        - unknown
      sample: success
    operate_type:
      description: The raw type of the rotation.
      type: str
      sample: MULTI_USER
    task_time:
      description: Start of the task, in milliseconds since the epoch.
      type: int
      sample: 1523342130000
    time:
      description: Start of the task, in ISO 8601, UTC.
      type: str
      sample: "2018-04-10T06:35:30Z"
    rotation_func_urn:
      description: The function that rotates the secret.
      type: str
    attempt_nums:
      description: Number of attempts.
      type: int
      sample: 1
    task_error_code:
      description: Error code of a failed task.
      type: str
    task_error_msg:
      description: Error message of a failed task.
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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
    at_least,
    within,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import csms
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.pagination import list_result


def execute(context: Context) -> Result:
    """Read one task or the list, and add the state of each raw status."""
    params = context.params
    if params["task_id"] is not None:
        task_id = check_id("task_id", params["task_id"])
        task = csms.show_task(context.client(HWC), task_id)
        return {"tasks": [csms.normalize(task)] if task else [], "truncated": False}
    choice = {
        "secret_name": params["secret_name"],
        "status": params["status"],
        "marker": params["marker"],
        "limit": within("limit", params["limit"], 1, csms.MAX_PAGE),
        "most": at_least("max_tasks", params["max_tasks"], 1),
    }
    return list_result(context.result, "tasks", lambda: csms.list_tasks(context.client(HWC), **choice), csms.normalize)


ARGUMENT_SPEC: ArgumentSpec = {
    "task_id": {"type": "str"},
    "secret_name": {"type": "str"},
    "status": {"type": "str"},
    "limit": {"type": "int", "default": csms.PAGE_SIZE},
    "marker": {"type": "str"},
    "max_tasks": {"type": "int"},
}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    providers=[HWC],
    mutually_exclusive=[("task_id", other) for other in ("secret_name", "status", "marker", "max_tasks")],
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
