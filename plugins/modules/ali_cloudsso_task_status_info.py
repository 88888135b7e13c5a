#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module ali_cloudsso_task_status_info: options, documentation, and which operation of CloudSSO answers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ali_cloudsso_task_status_info
short_description: Query the status of a task of Alibaba Cloud CloudSSO
version_added: 0.1.0
description:
  - Returns the status of one task (C(GetTaskStatus)). It has fewer fields than M(multicloud.async_tasks.ali_cloudsso_task_info) and needs
    another permission, C(cloudsso:GetTaskStatus).
  - To wait for the end of tasks use M(multicloud.async_tasks.wait_for_task), which asks again inside one run.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_ali
  - multicloud.async_tasks.attributes.info_module
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
- name: Ask how a task stands
  multicloud.async_tasks.ali_cloudsso_task_status_info:
    ali_region: cn-shanghai
    directory_id: d-00fc2p61abcd
    task_id: t-shfqw1u1edszvxw5abcd
  register: task

- name: Go on only if it succeeded
  ansible.builtin.assert:
    that: task.tasks | map(attribute='state') | list == ['success']
    fail_msg: "{{ task.tasks[0].failure_reason | default(task.tasks[0].status) if task.tasks else 'The directory has no such task' }}"
"""

RETURN = r"""
tasks:
  description:
    - The one task, with the fields of the API in snake_case and what they mean. An unknown O(task_id) gives an empty list.
  returned: success
  type: list
  elements: dict
  contains:
    task_id:
      description: Id of the task.
      type: str
      sample: t-shfqw1u1edszvxw5abcd
    task_type:
      description: The operation that started it.
      type: str
      sample: CreateAccessAssignment
    status:
      description: The raw status.
      type: str
      sample: Success
    state:
      description:
        - What the status means. V(InProgress) is V(pending), V(Success) is V(success), V(Failed) is V(failed), and every other status is
          V(unknown), never V(success).
      type: str
      choices:
        - pending
        - success
        - failed
        - unknown
      sample: success
    failure_reason:
      description: Why it failed. The service may fill it for tasks that succeeded; it means nothing then.
      type: str
    start_time:
      description: When it began, in ISO 8601, UTC.
      type: str
      sample: "2021-11-05T02:58:07Z"
    end_time:
      description: When it ended, in ISO 8601, UTC; left out while it goes on.
      type: str
      sample: "2021-11-05T02:58:08Z"
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
    """Ask, and add what the raw words mean."""
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
