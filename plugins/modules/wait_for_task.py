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
  - Polls any number of tasks of a service until each of them has ended, in one run of the module and with one time
    limit. It returns the state of each task, the service's reason and the history of statuses.
  - The pauses grow with the age of the wait. The module reads the service's task list if that takes fewer requests
    than querying each task. Throttling slows the wait down and never fails it.
  - A task succeeds only if the service returns a status that means success. An unknown status or a missing row in a
    list is never a success.
  - The module returns all results, even after a failure. In that case, read RV(tasks) of the registered result in
    C(rescue) or with C(ignore_errors).
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_both
  - multicloud.async_tasks.attributes.actiongroup_hwc
  - multicloud.async_tasks.attributes.actiongroup_ali
  - multicloud.async_tasks.attributes.async
  - multicloud.async_tasks.waiting
  - multicloud.async_tasks.connection
  - multicloud.async_tasks.hwc
  - multicloud.async_tasks.ali
attributes:
  check_mode:
    support: full
    details: It polls once and does not wait. Running tasks are not a failure.
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
      - V(csms) are rotations of secrets by Huawei Cloud Secret Management Service. The status of a running rotation
        is not documented and causes a warning. Name it in O(pending_statuses) to avoid the warning.
      - V(sms) are migrations of Huawei Cloud Server Migration Service. A continuous migration never ends by itself.
        To wait for its synchronization, name V(SYNCING) in O(success_statuses).
      - V(cloudsso) are tasks of Alibaba Cloud CloudSSO, which need O(directory_id).
      - V(ecs) are jobs of Huawei Cloud Elastic Cloud Server. A job with a failed sub-job has failed, even if the job
        itself reports success.
      - Only the connection options of the service's own cloud apply.
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
      - Id of the CloudSSO directory of the tasks. Required with O(service=cloudsso), ignored otherwise.
    type: str
  task_ids:
    description:
      - Ids of the tasks, at most 10000. Duplicates count once. An empty list is a success.
    type: list
    elements: str
    aliases:
      - task_id
  wait_slice:
    description:
      - Internal. The part of a wait that one run of the module does. Only the action plugin sets it.
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

- name: Wait for the tasks of a loop, with a line of progress every ten seconds
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

- name: Wait for a quarter of an hour at most
  multicloud.async_tasks.wait_for_task:
    hwc_region: cn-north-4
    service: kps
    task_ids: "{{ ids }}"
    timeout: 900
    on_timeout: return
  register: first

- name: Wait for the other tasks later
  multicloud.async_tasks.wait_for_task:
    hwc_region: cn-north-4
    service: kps
    resume: "{{ first.resume }}"
  when: first.resume is defined
"""

RETURN = r"""
tasks:
  description:
    - Result of each task, in the order of O(task_ids).
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
        - State of the task. V(success) or V(failed) according to its status, V(missing) if the service did not find
          the task for O(not_found_grace) seconds, V(error) if the service rejected the query, V(pending) if the task
          is still running, V(unknown) if its status is unknown.
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
      description: The raw status of the task.
      type: str
      sample: SUCCESS_RESET
    finished:
      description: Whether the task has ended.
      type: bool
    reason:
      description: Error code and message of the service. Null if it gave none.
      type: dict
      sample:
        code: KPS.3054
        message: Update public key error
    progress:
      description: Progress of the task in percent, if the service returns it.
      type: float
    eta:
      description: Estimated remaining time of the task in seconds, if the service returns it.
      type: float
    elapsed:
      description: Seconds from the beginning of the wait until the end of the task was seen.
      type: float
      sample: 31.4
    polls:
      description: Number of responses about the task.
      type: int
      sample: 9
    last_seen:
      description: Time of the last response about the task, in seconds from the beginning of the wait.
      type: float
    history:
      description:
        - The last 50 statuses of the task. Each entry has the status, the first and the last time it was read (in
          seconds from the beginning of the wait), and how often.
      type: list
      elements: dict
    data:
      description: The last response of the service about the task.
      type: dict
shortened:
  description:
    - Parts that are missing because the result would be larger than O(max_result_size). The module removes them in
      this order until the result fits.
    - V(success_details) are RV(tasks[].history) and RV(tasks[].data) of successful tasks. V(details) are the same of
      all tasks, also in RV(resume). V(success_rows) are the rows of successful tasks in RV(tasks), and
      V(pending_rows) those of running tasks. RV(resume) then contains only tasks that have not succeeded.
    - A task without a row is still running if it is in RV(pending_ids), and succeeded otherwise.
  returned: when the result was shortened
  type: list
  elements: str
  sample:
    - success_details
task:
  description: The result of the task, if there is exactly one. The fields are those of RV(tasks).
  returned: when there is exactly one task
  type: dict
summary:
  description: Number of tasks in each state and in total.
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
  description: Ids of the tasks that are still running.
  returned: always, unless an option is wrong
  type: list
  elements: str
timed_out:
  description: Whether the wait ended because O(timeout) was over.
  returned: always, unless an option is wrong
  type: bool
interrupted:
  description: Whether the wait was interrupted by a signal.
  returned: always, unless an option is wrong
  type: bool
elapsed:
  description: Duration of the wait in seconds, including earlier waits that were resumed.
  returned: always, unless an option is wrong
  type: float
rounds:
  description: Number of rounds of polls.
  returned: always, unless an option is wrong
  type: int
calls:
  description: Number of requests to the service.
  returned: always, unless an option is wrong
  type: int
throttled:
  description: Number of requests that the service throttled.
  returned: always, unless an option is wrong
  type: int
errors:
  description: Number of requests without a usable response.
  returned: always, unless an option is wrong
  type: int
reauthentications:
  description: Number of re-authentications.
  returned: always, unless an option is wrong
  type: int
resume:
  description: Token for O(resume) to continue this wait. It contains no secrets.
  returned: when a task is still running
  type: dict
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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._waiting import wait_for

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
        time_slice=_slice(params["wait_slice"]),
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
    "wait_slice": {"type": "dict"},
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
