#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module wait_for_task: waits for any number of asynchronous tasks of one service."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wait_for_task
short_description: Wait for asynchronous tasks of cloud services
version_added: 0.1.0
description:
  - Asks a service about any number of tasks until each has ended, within one run of the module and one time limit, and returns what became of
    each with the service's reason and the history of what it said.
  - Pauses grow with the age of the wait. Many tasks are asked about through the service's list where that takes fewer requests. Throttling
    slows the wait down and never fails it.
  - A task succeeds only when the service says so, never by a word that is in no table and never by being absent from a list.
  - All results are returned on every exit. On failure, register the result and read RV(tasks) in C(rescue) or with C(ignore_errors).
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_both
  - multicloud.async_tasks.attributes.actiongroup_hwc
  - multicloud.async_tasks.attributes.actiongroup_ali
  - multicloud.async_tasks.attributes.async
  - multicloud.async_tasks.waiting
  - multicloud.async_tasks.hwc
  - multicloud.async_tasks.ali
attributes:
  check_mode:
    support: full
    details: It looks once and does not wait, and tasks that go on are no failure.
  diff_mode:
    support: N/A
    details: It changes nothing, so there is no difference to show.
  idempotent:
    support: full
    details: It changes nothing.
  async:
    support: full
options:
  service:
    description:
      - The service that the tasks belong to.
      - V(kps) are tasks of Huawei Cloud Key Pair Service.
      - V(csms) are rotations of secrets by Huawei Cloud Secret Management Service. What it says while a rotation goes on is not documented,
        so the wait goes on with a warning then; name the word in O(pending_statuses) to be rid of it.
      - V(sms) are migrations of Huawei Cloud Server Migration Service. One that synchronizes continuously never ends by itself; name
        V(SYNCING) in O(success_statuses) if that is what you wait for.
      - V(cloudsso) are tasks of Alibaba Cloud CloudSSO, which need O(directory_id).
      - The options of the service's own cloud count; those of the other are not looked at.
      - V(ecs) are jobs of Huawei Cloud Elastic Cloud Server. A job whose sub-job failed has failed, whatever its own status says.
    type: str
    required: true
    choices:
      - kps
      - csms
      - sms
      - cloudsso
      - ecs
  directory_id:
    description:
      - Id of the CloudSSO directory that the tasks belong to. It is required for O(service=cloudsso), and not looked at otherwise.
    type: str
  task_ids:
    description:
      - Ids of the tasks, at most 10000. An id that is named twice is one task. An empty list is a success.
    type: list
    elements: str
    aliases:
      - task_id
  _slice:
    description:
      - Internal. Which part of a long wait this run of the module is to do; set by the action plugin, and not for playbooks.
    type: dict
seealso:
  - module: multicloud.async_tasks.ali_cloudsso_task_info
  - module: multicloud.async_tasks.hwc_csms_task_info
  - module: multicloud.async_tasks.hwc_kps_task_info
  - module: multicloud.async_tasks.hwc_kps_keypair_association
"""

EXAMPLES = r"""
- name: Wait for a task
  multicloud.async_tasks.wait_for_task:
    hwc_region: cn-north-4
    service: kps
    task_id: aee8d2fe-5484-4753-9177-5a38dc15546c

- name: Wait for all tasks that a loop has started, and show every ten seconds how they stand
  multicloud.async_tasks.wait_for_task:
    hwc_region: cn-north-4
    service: kps
    task_ids: "{{ started.results | map(attribute='task_id') | list }}"
    timeout: 3600
    progress: 10

- name: Wait until access is assigned
  multicloud.async_tasks.wait_for_task:
    ali_region: cn-shanghai
    service: cloudsso
    directory_id: d-00fc2p61abcd
    task_id: t-shfqw1u1edszvxw5abcd
    timeout: 300

- name: Wait for a quarter of an hour, and go on with something else when it is not enough
  multicloud.async_tasks.wait_for_task:
    hwc_region: cn-north-4
    service: kps
    task_ids: "{{ ids }}"
    timeout: 900
    on_timeout: return
  register: first

- name: Wait for the rest later
  multicloud.async_tasks.wait_for_task:
    hwc_region: cn-north-4
    service: kps
    resume: "{{ first.resume }}"
  when: first.resume is defined
"""

RETURN = r"""
tasks:
  description:
    - What became of each task, in the order of O(task_ids).
    - Some of it is left out when the result would be larger than O(max_result_size); see RV(shortened).
  returned: always, unless an option is wrong
  type: list
  elements: dict
  contains:
    id:
      description: Id of the task.
      type: str
      sample: aee8d2fe-5484-4753-9177-5a38dc15546c
    state:
      description:
        - V(success); V(failed), by the service's word; V(missing), when the service did not know it for O(not_found_grace); V(error), when the
          service refused the question about it; V(pending), when it goes on; V(unknown), when it goes on with a status that is in no table.
      type: str
      choices:
        - success
        - failed
        - missing
        - error
        - pending
        - unknown
      sample: success
    status:
      description: The raw status.
      type: str
      sample: SUCCESS_RESET
    finished:
      description: Whether it has ended.
      type: bool
    reason:
      description: Code and message of the failure, in the service's words; null when the service gives none.
      type: dict
      sample:
        code: KPS.3054
        message: Update public key error
    progress:
      description: Percent done, where the service tells.
      type: float
    eta:
      description: Seconds left, where the service tells.
      type: float
    elapsed:
      description: Seconds from the beginning until its end was seen.
      type: float
      sample: 31.4
    polls:
      description: How often the service said something about it.
      type: int
      sample: 9
    last_seen:
      description: When the service last said something about it, in seconds from the beginning.
      type: float
    history:
      description: What it said, each word once with the first and the last time it was read (seconds) and how often. The last 50 words.
      type: list
      elements: dict
    data:
      description: The last answer.
      type: dict
shortened:
  description:
    - What was left out because the result would have been larger than O(max_result_size), in the order of the steps. The steps are taken one
      after the other until the result fits.
    - V(success_details) is RV(tasks[].history) and RV(tasks[].data) of tasks that succeeded, V(details) the same of all tasks, also in
      RV(resume). V(success_rows) is the rows in RV(tasks) of tasks that succeeded, V(pending_rows) those of tasks that go on; RV(resume) then
      names only tasks that have not succeeded.
    - A task without a row goes on if it is in RV(pending_ids), and has succeeded otherwise.
  returned: when something was left out
  type: list
  elements: str
  sample:
    - success_details
task:
  description: The one task.
  returned: when there is exactly one
  type: dict
summary:
  description: Number of tasks in each state, and in total.
  returned: always, unless an option is wrong
  type: dict
  sample:
    total: 10
    success: 9
    failed: 1
    missing: 0
    error: 0
    pending: 0
    unknown: 0
failed_ids:
  description: Ids of the tasks that ended without success.
  returned: always, unless an option is wrong
  type: list
  elements: str
pending_ids:
  description: Ids of the tasks that go on.
  returned: always, unless an option is wrong
  type: list
  elements: str
timed_out:
  description: Whether the time was up.
  returned: always, unless an option is wrong
  type: bool
interrupted:
  description: Whether the wait was interrupted by a signal.
  returned: always, unless an option is wrong
  type: bool
elapsed:
  description: Seconds since the beginning, of the waits before a resumption too.
  returned: always, unless an option is wrong
  type: float
rounds:
  description: How often the service was looked at.
  returned: always, unless an option is wrong
  type: int
calls:
  description: Requests that were sent.
  returned: always, unless an option is wrong
  type: int
throttled:
  description: How many of them were turned away because there were too many.
  returned: always, unless an option is wrong
  type: int
errors:
  description: How many of them had no usable answer.
  returned: always, unless an option is wrong
  type: int
reauthentications:
  description: How often a new token was got.
  returned: always, unless an option is wrong
  type: int
resume:
  description: What O(resume) takes to go on with this wait. It holds no secret.
  returned: when a task goes on
  type: dict
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

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.options import ALI
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError, UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_id, check_ids
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import (
    MAX_SIZE,
    Options,
    Slice,
    argument_spec,
    result_of_token,
    shorten,
    size_of,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.registry import SERVICES
from ansible_collections.multicloud.async_tasks.plugins.module_utils._signals import wait_for

#: The providers by the name that the registry of services gives them.
PROVIDERS: dict[str, t.Any] = {provider.name: provider for provider in (HWC, ALI)}


def execute(context: Context) -> Result:
    """Wait, or run one slice of a wait for the action plugin."""
    params = context.params
    if params["resume"] is None and params["task_ids"] is None:
        raise UsageError("Nothing to wait for: give task_ids, or resume of an earlier wait.")
    options = Options.from_params(params)
    service = SERVICES[params["service"]]
    ids = check_ids("task_ids", params["task_ids"] or [], in_query=service.in_query)
    within = {option: check_id(option, params[option], in_query=service.in_query) for option in service.within}
    try:
        client = context.client(PROVIDERS[service.provider])
        backend = service.open(client, params)
    except CloudError:
        if params["resume"] is not None:
            # The token may have been in the very variable that this result replaces.
            context.result.update(fit(result_of_token(params["resume"]), params, context.warn))
        raise
    outcome = wait_for(
        context,
        backend,
        ids,
        options.for_check_mode() if context.check_mode else options,
        scope={**client.scope, **within},
        resume=params["resume"],
        time_slice=_slice(params["_slice"]),
        progress=0.0 if context.check_mode else params["progress"],
    )
    if outcome.more is not None:
        return {"_more": outcome.more}
    return {**fit(outcome.result, params, context.warn), "msg": outcome.msg, "failed": outcome.failed}


def fit(result: Result, params: t.Mapping[str, t.Any], warn: t.Callable[[str], None]) -> Result:
    """Return a result that is not larger than ``max_result_size``, and warn when something was left out.

    Args:
        result: The result of a wait.
        params: The options of the task, which Ansible may show beside the result.
        warn: Shows a warning.
    """
    limit = params["max_result_size"]
    if limit <= 0 or not result:
        return result
    given = size_of(params["resume"] or params["task_ids"] or [])
    shorter = shorten(result, max(1, limit - given))
    if "shortened" in shorter:
        warn(
            f"The result was shortened ({', '.join(shorter['shortened'])}), because it would have been larger than "
            f"max_result_size ({limit} bytes). summary, failed_ids and pending_ids are whole."
        )
    return shorter


def _slice(argument: t.Mapping[str, t.Any] | None) -> Slice | None:
    if argument is None:
        return None
    return Slice(float(argument["elapsed"]), float(argument["length"]), argument["state"])


ARGUMENT_SPEC: ArgumentSpec = {
    "service": {"type": "str", "required": True, "choices": list(SERVICES)},
    "directory_id": {"type": "str"},
    "task_ids": {"type": "list", "elements": "str", "aliases": ["task_id"]},
    **argument_spec(),
    "progress": {"type": "float", "default": 30.0},
    "resume": {"type": "dict"},
    "max_result_size": {"type": "int", "default": MAX_SIZE},
    # From the action plugin: the slice of the wait to run.
    "_slice": {"type": "dict"},
}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    providers=list(PROVIDERS.values()),
    mutually_exclusive=[("task_ids", "resume")],
    required_if=[("service", service, row.within) for service, row in SERVICES.items() if row.within],
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
