#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module ali_cloudsso_task_info: options, documentation, and which operation of CloudSSO answers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ali_cloudsso_task_info
short_description: Query tasks of Alibaba Cloud CloudSSO
version_added: 0.1.0
description:
  - Returns one task by its id (C(GetTask)), or the tasks of a directory that match filters (C(ListTasks)), all pages.
  - CloudSSO starts such a task when access is assigned or an access configuration is provisioned, and likewise when they are taken away. To
    wait for the end of tasks use M(multicloud.async_tasks.wait_for_task), which asks again inside one run.
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
      - 1 to 64 letters, digits, dots, underscores, hyphens and asterisks, as all ids of this module.
    type: str
    required: true
  task_id:
    description:
      - Id of a task. It excludes all options that choose among the tasks of a directory.
    type: str
  access_configuration_id:
    description:
      - Only tasks of this access configuration.
    type: str
  principal_id:
    description:
      - Only tasks about this user or group; together with O(principal_type).
    type: str
  principal_type:
    description:
      - What O(principal_id) is.
    type: str
    choices:
      - User
      - Group
  target_id:
    description:
      - Only tasks about this account; together with O(target_type).
    type: str
  target_type:
    description:
      - What O(target_id) is. V(RD-Account) is an account of the resource directory.
    type: str
    choices:
      - RD-Account
  status:
    description:
      - Only tasks with this raw status.
    type: str
    choices:
      - InProgress
      - Success
      - Failed
  task_type:
    description:
      - Only tasks that this operation started.
    type: str
    choices:
      - CreateAccessAssignment
      - DeleteAccessAssignment
      - ProvisionAccessConfiguration
      - DeprovisionAccessConfiguration
  filter:
    description:
      - The API's own filter. It knows one form, C(StartTime ge YYYY-MM-DDTHH:mm:SSZ), at most seven days back.
      - Without it the service shows the tasks of the last 24 hours only, and says nothing of the older ones.
    type: str
  limit:
    description:
      - How many tasks are asked for in one request, V(1) to V(20). All pages are read, whatever this is.
    type: int
    default: 20
  marker:
    description:
      - Where to begin, such as RV(next_marker) of an earlier run.
    type: str
  max_tasks:
    description:
      - Return at most so many tasks; RV(truncated) tells whether there are more.
    type: int
seealso:
  - module: multicloud.async_tasks.ali_cloudsso_task_status_info
  - module: multicloud.async_tasks.wait_for_task
  - name: GetTask, CloudSSO API reference
    description: The vendor's page on the query of one task.
    link: https://www.alibabacloud.com/help/en/cloudsso/developer-reference/api-cloudsso-2021-05-15-gettask
  - name: ListTasks, CloudSSO API reference
    description: The vendor's page on the query of many.
    link: https://www.alibabacloud.com/help/en/cloudsso/developer-reference/api-cloudsso-2021-05-15-listtasks
"""

EXAMPLES = r"""
- name: Ask about one task
  multicloud.async_tasks.ali_cloudsso_task_info:
    ali_region: cn-shanghai
    directory_id: d-00fc2p61abcd
    task_id: t-shfqw1u1edszvxw5abcd
  register: task

- name: Show what became of it
  ansible.builtin.debug:
    msg: "{{ task.tasks[0].state if task.tasks else 'The directory has no such task' }}"

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

- name: Read what goes on for one user
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
    - The tasks, with the fields of the API in snake_case and what they mean. An unknown O(task_id) gives an empty list.
    - Fields that the service leaves out are left out here, too. A task that provisions has no principal, one that goes on has no end.
  returned: success, and on failure when a part of a list was read
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
      description: When it ended, in ISO 8601, UTC.
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
      description: V(User) or V(Group).
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
      description: V(RD-Account).
      type: str
      sample: RD-Account
    origin_target_id:
      description: A field of the API that its documentation does not explain.
      type: str
truncated:
  description: Whether rows are left unread, because O(max_tasks) cut the list, or on failure because the rest could not be read.
  returned: success, and on failure when a part of a list was read
  type: bool
next_marker:
  description: What O(marker) takes to go on where this list was cut.
  returned: when RV(truncated) is true
  type: str
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
    """Ask, and add what the raw words mean."""
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
