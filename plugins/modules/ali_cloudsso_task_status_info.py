#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module ali_cloudsso_task_status_info: options, documentation, and the operations of CloudSSO that it calls."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ali_cloudsso_task_status_info
short_description: Query the status of a task of Alibaba Cloud CloudSSO
version_added: 0.1.0
description:
  - Returns the status of one task (C(GetTaskStatus)), with fewer fields than
    M(multicloud.async_tasks.ali_cloudsso_task_info). It needs another permission, C(cloudsso:GetTaskStatus).
  - To wait for tasks, use M(multicloud.async_tasks.wait_for_task).
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_ali
  - multicloud.async_tasks.attributes.info_module
  - multicloud.async_tasks.connection
  - multicloud.async_tasks.ali
options:
  directory_id:
    description:
      - Id of the directory, such as V(d-00fc2p61abcd). It must be in O(ali_region).
      - 1 to 64 letters, digits, dots, underscores, hyphens and asterisks, as O(task_id).
    type: str
    required: true
  task_id:
    description:
      - Id of the task.
    type: str
    required: true
seealso:
  - module: multicloud.async_tasks.ali_cloudsso_task_info
  - module: multicloud.async_tasks.wait_for_task
  - name: GetTaskStatus, CloudSSO API reference
    description: The vendor's page on the operation.
    link: https://www.alibabacloud.com/help/en/cloudsso/developer-reference/api-cloudsso-2021-05-15-gettaskstatus
"""

EXAMPLES = r"""
- name: Read the status of a task
  multicloud.async_tasks.ali_cloudsso_task_status_info:
    ali_region: cn-shanghai
    directory_id: d-00fc2p61abcd
    task_id: t-shfqw1u1edszvxw5abcd
  register: task

- name: Continue only if the task succeeded
  ansible.builtin.assert:
    that: task.tasks | map(attribute='state') | list == ['success']
    fail_msg: "{{ task.tasks[0].failure_reason | default(task.tasks[0].status) if task.tasks else 'The directory has no such task' }}"
"""

RETURN = r"""
tasks:
  description:
    - The task, with the fields of the API in snake_case and a normalized C(state). The list is empty if O(task_id) is
      unknown.
  returned: success
  type: list
  elements: dict
  contains:
    task_id:
      description: Id of the task.
      type: str
      sample: t-shfqw1u1edszvxw5abcd
    task_type:
      description: The operation that started the task.
      type: str
      sample: CreateAccessAssignment
    status:
      description: The raw status of the task.
      type: str
      sample: Success
    state:
      description:
        - Normalized status of the task. V(InProgress) is V(pending), V(Success) is V(success), V(Failed) is
          V(failed), and every other status is V(unknown), never V(success).
      type: str
      choices:
        - pending
        - success
        - failed
        - unknown
      sample: success
    failure_reason:
      description: Reason of a failed task. The service may also fill it for successful tasks; ignore it then.
      type: str
    start_time:
      description: Start of the task, in ISO 8601, UTC.
      type: str
      sample: "2021-11-05T02:58:07Z"
    end_time:
      description: End of the task, in ISO 8601, UTC. Missing while the task is running.
      type: str
      sample: "2021-11-05T02:58:08Z"
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

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.options import ALI
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_id
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import cloudsso


def execute(context: Context) -> Result:
    """Read the status of one task, and add its state."""
    directory_id = check_id("directory_id", context.params["directory_id"], in_query=True)
    task_id = check_id("task_id", context.params["task_id"], in_query=True)
    task = cloudsso.show_status(context.client(ALI), directory_id, task_id)
    return {"tasks": [cloudsso.normalize(task)] if task else []}


ARGUMENT_SPEC: ArgumentSpec = {
    "directory_id": {"type": "str", "required": True},
    "task_id": {"type": "str", "required": True},
}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    providers=[ALI],
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
