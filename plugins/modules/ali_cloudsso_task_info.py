#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module ali_cloudsso_task_info: options, documentation, and the operations of CloudSSO that it calls."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ali_cloudsso_task_info
short_description: Query tasks of Alibaba Cloud CloudSSO
version_added: 0.1.0
description:
  - Returns one task by its id (C(GetTask)), or the tasks of a directory that match the filters (C(ListTasks)). It
    reads all pages.
  - CloudSSO starts a task when access is assigned or removed, and when an access configuration is provisioned or
    deprovisioned. To wait for tasks, use M(multicloud.async_tasks.wait_for_task).
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
      - 1 to 64 letters, digits, dots, underscores, hyphens and asterisks, as all ids of this module.
    type: str
    required: true
  task_id:
    description:
      - Id of a task. Cannot be used with the options that filter the tasks of a directory.
    type: str
  access_configuration_id:
    description:
      - Return only tasks of this access configuration.
    type: str
  principal_id:
    description:
      - Return only tasks of this user or group. Required together with O(principal_type).
    type: str
  principal_type:
    description:
      - Type of O(principal_id).
    type: str
    choices:
      - User
      - Group
  target_id:
    description:
      - Return only tasks of this account. Required together with O(target_type).
    type: str
  target_type:
    description:
      - Type of O(target_id). V(RD-Account) is an account of the resource directory.
    type: str
    choices:
      - RD-Account
  status:
    description:
      - Return only tasks with this raw status.
    type: str
    choices:
      - InProgress
      - Success
      - Failed
  task_type:
    description:
      - Return only tasks that this operation started.
    type: str
    choices:
      - CreateAccessAssignment
      - DeleteAccessAssignment
      - ProvisionAccessConfiguration
      - DeprovisionAccessConfiguration
  filter:
    description:
      - Filter in the syntax of the API. The only form is C(StartTime ge YYYY-MM-DDTHH:mm:SSZ), at most seven days
        back.
      - Without it, the service returns only the tasks of the last 24 hours.
    type: str
  limit:
    description:
      - Number of tasks in one page, V(1) to V(20). The module always reads all pages.
    type: int
    default: 20
  marker:
    description:
      - Where the list begins, for example RV(next_marker) of an earlier run.
    type: str
  max_tasks:
    description:
      - Maximum number of tasks to return. RV(truncated) is true if there are more.
    type: int
seealso:
  - module: multicloud.async_tasks.ali_cloudsso_task_status_info
  - module: multicloud.async_tasks.wait_for_task
  - name: GetTask, CloudSSO API reference
    description: The vendor's page on the query of one task.
    link: https://www.alibabacloud.com/help/en/cloudsso/developer-reference/api-cloudsso-2021-05-15-gettask
  - name: ListTasks, CloudSSO API reference
    description: The vendor's page on the query of many tasks.
    link: https://www.alibabacloud.com/help/en/cloudsso/developer-reference/api-cloudsso-2021-05-15-listtasks
"""

EXAMPLES = r"""
- name: Read one task
  multicloud.async_tasks.ali_cloudsso_task_info:
    ali_region: cn-shanghai
    directory_id: d-00fc2p61abcd
    task_id: t-shfqw1u1edszvxw5abcd
  register: task

- name: Show the state of the task
  ansible.builtin.debug:
    msg: "{{ task.tasks[0].state if task.tasks else 'The directory does not have this task' }}"

- name: Read the tasks that failed in the last three days
  multicloud.async_tasks.ali_cloudsso_task_info:
    ali_region: cn-shanghai
    directory_id: d-00fc2p61abcd
    status: Failed
    filter: "StartTime ge {{ '%Y-%m-%dT%H:%M:%SZ' | strftime(now(utc=true).timestamp() - 3 * 86400, utc=true) }}"
  register: failed

- name: Show the reasons
  ansible.builtin.debug:
    msg: "{{ item.task_type }} of {{ item.principal_name | default('-') }} at {{ item.target_name }}: {{ item.failure_reason }}"
  loop: "{{ failed.tasks }}"
  loop_control:
    label: "{{ item.task_id }}"

- name: List the running tasks of one user
  multicloud.async_tasks.ali_cloudsso_task_info:
    ali_region: cn-shanghai
    directory_id: d-00fc2p61abcd
    principal_type: User
    principal_id: u-00q8wbq42wiltcrkabcd
    status: InProgress
"""

RETURN = r"""
tasks:
  description:
    - The tasks, with the fields of the API in snake_case and a normalized C(state). The list is empty if O(task_id)
      is unknown.
    - Fields that the service leaves out are missing. A provisioning task has no principal, and a running task has no
      end time.
  returned: success, and on failure when a part of the list was read
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
    access_configuration_id:
      description: Id of the access configuration.
      type: str
      sample: ac-00jhtfl8thteu6uj64ai
    access_configuration_name:
      description: Name of the access configuration.
      type: str
      sample: VPC-Admin
    principal_id:
      description: Id of the user or group.
      type: str
      sample: u-00q8wbq42wiltcrkabcd
    principal_name:
      description: Name of the user or group.
      type: str
      sample: alice
    principal_type:
      description: Type of the principal, V(User) or V(Group).
      type: str
      sample: User
    target_id:
      description: Id of the account.
      type: str
      sample: "114240524784"
    target_name:
      description: Name of the account.
      type: str
      sample: dev-account
    target_path:
      description: Path of the account in the resource directory, by ids.
      type: str
    target_path_name:
      description: Path of the account in the resource directory, by names.
      type: str
    target_type:
      description: Type of the target, always V(RD-Account).
      type: str
      sample: RD-Account
    origin_target_id:
      description: A field of the API that its documentation does not explain.
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

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.options import ALI
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_id
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
    at_least,
    within,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import cloudsso
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.pagination import list_result

#: The filters of the list, by option, with their names in the API.
FILTERS = {
    "access_configuration_id": "AccessConfigurationId",
    "principal_id": "PrincipalId",
    "principal_type": "PrincipalType",
    "target_id": "TargetId",
    "target_type": "TargetType",
    "status": "Status",
    "task_type": "TaskType",
    "filter": "Filter",
}


def execute(context: Context) -> Result:
    """Read one task or the list, and add the state of each raw status."""
    params = context.params
    directory_id = check_id("directory_id", params["directory_id"], in_query=True)
    if params["task_id"] is not None:
        task_id = check_id("task_id", params["task_id"], in_query=True)
        task = cloudsso.show_task(context.client(ALI), directory_id, task_id)
        return {"tasks": [cloudsso.normalize(task)] if task else [], "truncated": False}
    for option in ("access_configuration_id", "principal_id", "target_id"):
        if params[option] is not None:
            check_id(option, params[option], in_query=True)
    bounds = {
        "marker": params["marker"],
        "limit": within("limit", params["limit"], 1, cloudsso.MAX_PAGE),
        "most": at_least("max_tasks", params["max_tasks"], 1),
    }
    filters = {name: params[option] for option, name in FILTERS.items()}
    return list_result(
        context.result,
        "tasks",
        lambda: cloudsso.list_tasks(context.client(ALI), directory_id, filters, **bounds),
        cloudsso.normalize,
    )


ARGUMENT_SPEC: ArgumentSpec = {
    "directory_id": {"type": "str", "required": True},
    "task_id": {"type": "str"},
    "access_configuration_id": {"type": "str"},
    "principal_id": {"type": "str"},
    "principal_type": {"type": "str", "choices": ["User", "Group"]},
    "target_id": {"type": "str"},
    "target_type": {"type": "str", "choices": ["RD-Account"]},
    "status": {"type": "str", "choices": ["InProgress", "Success", "Failed"]},
    "task_type": {
        "type": "str",
        "choices": [
            "CreateAccessAssignment",
            "DeleteAccessAssignment",
            "ProvisionAccessConfiguration",
            "DeprovisionAccessConfiguration",
        ],
    },
    "filter": {"type": "str"},
    "limit": {"type": "int", "default": cloudsso.MAX_PAGE},
    "marker": {"type": "str"},
    "max_tasks": {"type": "int"},
}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    providers=[ALI],
    mutually_exclusive=[("task_id", other) for other in (*FILTERS, "marker", "max_tasks")],
    required_together=[("principal_id", "principal_type"), ("target_id", "target_type")],
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
