# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event source cloud_task: an event for each asynchronous task of a cloud that ends.

ansible-rulebook runs this file by itself. The work is in the collection, which must be made
importable first.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import sys
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
---
short_description: Receive an event for each asynchronous task of a cloud that ends
version_added: 0.1.0
author:
  - Multicloud Authors (@multicloud)
description:
  - Polls any number of tasks of one service, as the module multicloud.async_tasks.wait_for_task does, and sends one event for each task that
    ends. The key C(task) of the event has the fields that the module returns for a task.
  - Watches the tasks of O(task_ids) and, with O(discover), the tasks in the lists of the service.
  - If the source fails, for example because the service rejects the credentials, it sends an event with the key C(error) and ends with an
    error. It never ends without such an event.
  - Events contain no credentials. In all texts, the source inserts a space after each brace that would begin a template, and escapes
    invisible characters.
  - The key C(meta.uuid) of an event depends only on the task. Use it to recognize an event that is sent twice.
options:
  service:
    description:
      - The service that the tasks belong to. C(kps), C(csms), C(sms) and C(ecs) are services of Huawei Cloud, C(cloudsso) is a service of
        Alibaba Cloud.
      - Only the connection options of the service's own cloud apply.
    type: str
    required: true
    choices: [kps, csms, sms, cloudsso, ecs]
  directory_id:
    description:
      - Id of the CloudSSO directory of the tasks. Required when O(service) is C(cloudsso).
    type: str
  task_ids:
    description:
      - Ids of the tasks to watch. Duplicates count once.
    type: list
    elements: str
    default: []
    aliases: [task_id]
  discover:
    description:
      - C(true) also watches the tasks in the lists of the service. For C(kps) and C(cloudsso) only.
      - For C(kps), these are the running and the failed tasks. The source misses a task that starts and succeeds between two readings of the
        lists.
      - For C(cloudsso), these are all tasks of the directory. The service lists them for seven days.
      - The source sends no events for tasks that ended before its first start, unless O(since) is set.
    type: bool
    default: false
  discover_interval:
    description:
      - Seconds between two readings of the lists, at least 1.
    type: float
    default: 15.0
  since:
    description:
      - Also send events for ended tasks that started at this time or later. The format is C(2026-01-02T03:04:05Z), in UTC, by the clock of the
        service.
      - For C(kps), this applies to failed tasks only, because the service does not list successful ones.
      - Requires O(discover).
    type: str
  state_file:
    description:
      - File in which the source keeps the watched tasks and the delivered events over restarts. Without it, a restarted source knows only its
        options.
      - Use a separate file for each source. Its directory must exist, and must outlast the process or the container.
    type: path
  on_done:
    description:
      - What to do when all tasks of O(task_ids) have ended. C(wait) stays idle. C(end) ends the source and with it the rule set.
    type: str
    choices: [wait, end]
    default: wait
  feedback:
    description:
      - An option of ansible-rulebook. With C(true), an event counts as delivered when the rule engine has confirmed it, not when the rule set
        has taken it.
      - Requires a rulebook that runs with persistence.
    type: bool
    default: false
  feedback_timeout:
    description:
      - Seconds within which the rule engine must confirm an event, with O(feedback). After that, the source ends with an error.
    type: float
    default: 120.0
  interval:
    description:
      - Shortest pause between two polls, in seconds.
    type: float
    default: 2.0
  max_interval:
    description:
      - Longest pause between two polls, in seconds.
    type: float
    default: 15.0
  backoff:
    description:
      - Factor by which the pauses grow with the square root of the age of the tasks. With C(0), every pause is O(interval) long.
    type: float
    default: 0.8
  jitter:
    description:
      - Share by which each pause varies at random, 0 to 0.9.
    type: float
    default: 0.1
  success_statuses:
    description:
      - Additional raw statuses that mean success. They take precedence over the statuses of the service.
    type: list
    elements: str
    default: []
  failure_statuses:
    description:
      - Additional raw statuses that mean failure.
    type: list
    elements: str
    default: []
  pending_statuses:
    description:
      - Additional raw statuses that mean that the task is still running.
    type: list
    elements: str
    default: []
  confirm:
    description:
      - Number of polls in a row that must report the end of a task.
    type: int
    default: 1
  not_found_grace:
    description:
      - Seconds for which the service may report that a task does not exist. After that, the source sends an event with the state C(missing).
    type: float
    default: 30.0
  error_grace:
    description:
      - Seconds without any usable response after which the source ends with an error.
    type: float
    default: 3600.0
  request_timeout:
    description:
      - Time limit for one poll, in seconds.
    type: float
    default: 30.0
  rate:
    description:
      - Maximum number of polls per second. The source halves it if the service throttles, and it recovers. The default is 10, and 18 for
        C(cloudsso). The readings of lists for O(discover) do not count.
    type: float
  batch:
    description:
      - C(auto) reads the service's task list if that takes fewer requests than querying each task. C(never) always queries each task by its id.
    type: str
    choices: [auto, never]
    default: auto
  hwc_access_key:
    description: Access key id (AK) of Huawei Cloud. Without it, the source searches for credentials as the modules do, first in the environment.
    type: str
  hwc_secret_key:
    description: Secret access key (SK) that belongs to O(hwc_access_key).
    type: str
  hwc_security_token:
    description: Security token that belongs to a temporary access key.
    type: str
  hwc_auth_token:
    description: IAM token to use instead of signatures.
    type: str
  hwc_user_name:
    description: Name of an IAM user, to log in with O(hwc_user_password).
    type: str
  hwc_user_password:
    description: Password of O(hwc_user_name).
    type: str
  hwc_domain_name:
    description: Name of the account that O(hwc_user_name) belongs to.
    type: str
  hwc_agency_name:
    description: Name of an agency to assume.
    type: str
  hwc_agency_domain_name:
    description: Name of the account that the agency belongs to.
    type: str
  hwc_agency_domain_id:
    description: Id of the account that the agency belongs to.
    type: str
  hwc_agency_duration:
    description: Lifetime of the keys of the agency, in seconds.
    type: int
  hwc_region:
    description: Region id, such as C(cn-north-4).
    type: str
  hwc_project_id:
    description: Id of the project.
    type: str
  hwc_project_name:
    description: Name of the project. The default is the project with the name of the region.
    type: str
  hwc_endpoint:
    description: Base URL of all services of Huawei Cloud, in place of the addresses of the region.
    type: str
  hwc_iam_endpoint:
    description: Base URL of IAM.
    type: str
  hwc_sts_endpoint:
    description: Base URL of STS.
    type: str
  hwc_timeout:
    description: Time limit for one reading of the lists for O(discover) with all its pages and retries, in seconds.
    type: float
    default: 60.0
  hwc_validate_certs:
    description: Whether to verify the certificates of the services.
    type: bool
    default: true
  hwc_ca_path:
    description: File or directory of CA certificates to trust.
    type: path
  ali_access_key_id:
    description: Access key id of Alibaba Cloud. Without it, the source searches for credentials as the modules do, first in the environment.
    type: str
  ali_access_key_secret:
    description: Secret that belongs to O(ali_access_key_id).
    type: str
  ali_security_token:
    description: Security token that belongs to a temporary access key.
    type: str
  ali_profile:
    description: Name of a profile in C(~/.aliyun/config.json).
    type: str
  ali_ecs_role_name:
    description: Name of the RAM role of the ECS instance the source runs on.
    type: str
  ali_role_arn:
    description: ARN of a RAM role to assume.
    type: str
  ali_role_session_name:
    description: Name of the session of that role.
    type: str
  ali_role_duration:
    description: Lifetime of the keys of the role, in seconds.
    type: int
  ali_role_external_id:
    description: External id that the trust policy of the role requires.
    type: str
  ali_role_policy:
    description: Policy that narrows the permissions of the role.
    type: json
  ali_region:
    description: Region id, such as C(cn-shanghai).
    type: str
  ali_endpoint:
    description: Base URL of all services of Alibaba Cloud, in place of the addresses of the region.
    type: str
  ali_sts_endpoint:
    description: Base URL of STS.
    type: str
  ali_timeout:
    description: Time limit for one reading of the list for O(discover) with all its pages and retries, in seconds.
    type: float
    default: 60.0
  ali_validate_certs:
    description: Whether to verify the certificates of the services.
    type: bool
    default: true
  ali_ca_path:
    description: File or directory of CA certificates to trust.
    type: path
requirements:
  - ansible-core and requests, in the Python of ansible-rulebook
"""

EXAMPLES = r"""
- name: Watch all tasks of Key Pair Service in a project
  multicloud.async_tasks.cloud_task:
    service: kps
    hwc_region: cn-north-4
    discover: true
    state_file: /var/lib/eda/kps.state

- name: Watch two jobs of Elastic Cloud Server, then end the rule set
  multicloud.async_tasks.cloud_task:
    service: ecs
    hwc_region: cn-north-4
    task_ids:
      - ff8080814fb3402a014fb34fb6a20004
      - ff8080814fb3402a014fb34fb6a20005
    on_done: end

- name: Watch all tasks of a CloudSSO directory since midnight
  multicloud.async_tasks.cloud_task:
    service: cloudsso
    ali_region: cn-shanghai
    directory_id: d-00fc2p61abcd
    discover: true
    since: "2026-01-02T00:00:00Z"
"""

FILE = Path(__file__).absolute()
RUNNING = "ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.running"
#: How far above this file the directory is that Ansible calls a path of collections.
DEPTH = 7


def make_importable(file: Path) -> None:
    """Let Python find the collection that a file of it belongs to.

    Ansible has an importer of its own for collections, but not in ansible-rulebook.
    """
    if len(file.parents) <= DEPTH or file.parents[DEPTH - 1].name != "ansible_collections":
        # A checkout that is not installed works if Python finds the collection elsewhere.
        return
    place = file.parents[DEPTH]
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))
    paths = importlib.import_module("ansible_collections").__path__
    own = str(place / "ansible_collections")
    if own not in paths:
        # Beside the package ``ansible`` of PyPI it is an ordinary package, which has one place.
        paths.append(own)


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Watch tasks and send events, until the source is cancelled.

    Args:
        queue: Takes the events.
        args: The options.

    """
    try:
        make_importable(FILE)
        running = importlib.import_module(RUNNING)
    except ImportError as error:
        msg = (
            f"The source cannot be loaded: {error}. Install the collection with ansible-galaxy, "
            "and ansible-core and requests in the Python of ansible-rulebook."
        )
        service = str(args.get("service", ""))
        await queue.put({"service": service, "scope": {}, "error": {"msg": msg}})
        raise RuntimeError(msg) from error
    await running.run(queue, args)


if __name__ == "__main__":
    # To try it without rules: the options as JSON are the only argument, and events are printed.

    class PrintingQueue(asyncio.Queue[Any]):
        """A queue that prints."""

        async def put(self, item: dict[str, Any]) -> None:
            """Print an event."""
            sys.stdout.write(f"{json.dumps(item)}\n")
            sys.stdout.flush()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(PrintingQueue(), json.loads(sys.argv[1])))
