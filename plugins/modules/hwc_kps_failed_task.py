#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_kps_failed_task: deletes KPS's records of failed tasks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hwc_kps_failed_task
short_description: Delete records of failed tasks of Huawei Cloud KPS (Key Pair Service)
version_added: 0.1.0
description:
  - KPS keeps a record of each failed task until it is deleted. This module deletes the records of the named tasks. It
    cannot delete all records at once.
  - The records contain the reasons. Read them first, with M(multicloud.async_tasks.hwc_kps_task_info) and
    C(list=failed).
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
    support: none
  idempotent:
    support: full
options:
  task_ids:
    description:
      - Ids of the tasks. Tasks without a record are ignored.
    type: list
    elements: str
    required: true
    aliases:
      - task_id
  state:
    description:
      - The only state. KPS creates the records itself.
    type: str
    choices:
      - absent
    default: absent
seealso:
  - module: multicloud.async_tasks.hwc_kps_task_info
  - name: Deleting a failed task, KPS API reference
    description: The vendor's page on the operation.
    link: https://support.huaweicloud.com/intl/en-us/api-dew/DeleteFailedTask.html
"""

EXAMPLES = r"""
- name: Read the records of failed tasks
  multicloud.async_tasks.hwc_kps_task_info:
    hwc_region: cn-north-4
    list: failed
  register: failed

- name: Delete those of one server
  multicloud.async_tasks.hwc_kps_failed_task:
    hwc_region: cn-north-4
    task_ids: "{{ failed.tasks | selectattr('server_name', 'equalto', 'web-01') | map(attribute='task_id') | list }}"
    state: absent
"""

RETURN = r"""
deleted_ids:
  description: Ids of the tasks whose records were deleted, or in check mode would be deleted.
  returned: always, after the records were read
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

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_ids
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import kps
from ansible_collections.multicloud.async_tasks.plugins.module_utils._writes import send


def execute(context: Context) -> Result:
    """Delete what is there, one by one."""
    ids = check_ids("task_ids", context.params["task_ids"])
    there = _recorded(context) if ids else set()
    deleted: list[str] = []
    context.result["deleted_ids"] = deleted
    for task_id in ids:
        if task_id in there and (context.check_mode or _delete(context, task_id)):
            deleted.append(task_id)
            context.result["changed"] = True
    return {}


def _recorded(context: Context, *, strict: bool = False) -> set[t.Any]:
    return {row["task_id"] for row in kps.list_failed(context.client(HWC), strict=strict)}


def _delete(context: Context, task_id: str) -> bool:
    """Delete one record; False when it was gone already."""
    deleted, _found, _lost = send(
        context,
        f"the record of the failed task {task_id}",
        lambda: kps.delete_failed_task(context.client(HWC), task_id),
        lambda: _recorded(context, strict=True),
        lambda found: found is not None and task_id not in found,
    )
    # None: the response was lost, and the record is gone.
    return deleted is not False


ARGUMENT_SPEC: ArgumentSpec = {
    "task_ids": {"type": "list", "elements": "str", "required": True, "aliases": ["task_id"]},
    "state": {"type": "str", "choices": ["absent"], "default": "absent"},
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
