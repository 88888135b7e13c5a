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
  - Watches the tasks that O(task_ids) names and, with O(discover), those that the service lists.
  - Sends an event with the key C(error), and ends with an error, when it cannot go on, for example because the service rejects the
    credentials. It never ends silently.
  - Events hold no credentials. In all texts, a blank follows a brace that would begin a template, and characters that cannot be seen are
    shown as escapes.
  - The key C(meta.uuid) of an event depends on the task only. An event that comes twice can be recognized by it.
options:
  service:
    description:
      - The service that the tasks belong to. C(kps), C(csms), C(sms) and C(ecs) are services of Huawei Cloud, C(cloudsso) is one of Alibaba
        Cloud.
      - Only the connection options of the cloud of the service are read.
    type: str
    required: true
    choices: [kps, csms, sms, cloudsso, ecs]
  directory_id:
    description:
      - Id of the CloudSSO directory that the tasks belong to. Required when O(service) is C(cloudsso).
    type: str
  task_ids:
    description:
      - Ids of the tasks to watch. An id that is named twice is one task.
    type: list
    elements: str
    default: []
    aliases: [task_id]
  discover:
    description:
      - Also watches the tasks that the service lists. For C(kps) and C(cloudsso) only.
      - For C(kps) these are all tasks that run, and those that failed. A task that starts and succeeds between two readings of the lists is on
        neither of them, and is not found.
      - For C(cloudsso) these are all tasks of the directory. The service lists them for seven days.
      - Tasks that had ended when the source was started for the first time get no event, unless O(since) says so.
    type: bool
    default: false
  discover_interval:
    description:
      - Seconds between two readings of the lists, at least 1.
    type: float
    default: 15.0
  since:
    description:
      - Tasks that ended get an event, too, if they started at this time of the service or later. The form is C(2026-01-02T03:04:05Z), in UTC.
      - For C(kps) this is about failed tasks; the service does not list those that succeeded.
      - Needs O(discover).
    type: str
  state_file:
    description:
      - File that keeps across restarts which tasks are watched and which events were delivered. Without it, a source that is started again
        knows only its options.
      - It belongs to one source. Its directory must exist, and must outlive the process or the container.
    type: path
  on_done:
    description:
      - What to do when all tasks of O(task_ids) have ended. C(wait) goes on without anything to do. C(end) ends the source, and with it the
        rule set.
    type: str
    choices: [wait, end]
    default: wait
  feedback:
    description:
      - An option of ansible-rulebook. An event counts as delivered when the rule engine has confirmed it, not when the rule set has taken it.
      - Needs a rulebook that runs with persistence.
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
      - Factor by which pauses grow with the square root of the age of the tasks. C(0) always pauses for O(interval).
    type: float
    default: 0.8
  jitter:
    description:
      - Share by which each pause varies up and down, 0 to 0.9.
    type: float
    default: 0.1
  success_statuses:
    description:
      - Raw statuses that mean success here, beside or against the service's own.
    type: list
    elements: str
    default: []
  failure_statuses:
    description:
      - Raw statuses that mean failure here.
    type: list
    elements: str
    default: []
  pending_statuses:
    description:
      - Raw statuses that mean that the task goes on.
    type: list
    elements: str
    default: []
  confirm:
    description:
      - How many polls in a row must say that a task ended.
    type: int
    default: 1
  not_found_grace:
    description:
      - Seconds for which the service may not know a task. Then its event says C(missing).
    type: float
    default: 30.0
  error_grace:
    description:
      - Seconds for which there may be no usable response at all. Then the source ends with an error.
    type: float
    default: 3600.0
  request_timeout:
    description:
      - Seconds that one poll may take.
    type: float
    default: 30.0
  rate:
    description:
      - Polls per second at most. It is halved when the service throttles, and recovers. The default is 10, and 18 for C(cloudsso). The
        readings of lists for O(discover) are not counted.
    type: float
  batch:
    description:
      - C(auto) polls many tasks through a list of the service where that takes fewer requests. C(never) polls each task by itself.
    type: str
    choices: [auto, never]
    default: auto
  hwc_access_key:
    description: Access key id (AK) of Huawei Cloud. Credentials that are not given are looked for as the modules do, in the environment first.
    type: str
  hwc_secret_key:
    description: Secret access key (SK) that belongs to O(hwc_access_key).
    type: str
  hwc_security_token:
    description: Security token that belongs to a temporary access key.
    type: str
  hwc_auth_token:
    description: IAM token that is sent instead of a signature.
    type: str
  hwc_user_name:
    description: Name of the IAM user who logs in with O(hwc_user_password).
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
    description: Seconds that keys of the agency are valid.
    type: int
  hwc_region:
    description: Region id, such as C(cn-north-4).
    type: str
  hwc_project_id:
    description: Id of the project.
    type: str
  hwc_project_name:
    description: Name of the project, if it is not the region's own.
    type: str
  hwc_endpoint:
    description: Base URL to use for every service of Huawei Cloud in place of the region's.
    type: str
  hwc_iam_endpoint:
    description: Base URL of IAM.
    type: str
  hwc_sts_endpoint:
    description: Base URL of STS.
    type: str
  hwc_timeout:
    description: Seconds that one reading of the lists for O(discover) may take, with all its pages and repetitions.
    type: float
    default: 60.0
  hwc_validate_certs:
    description: Whether the certificates of the services are checked.
    type: bool
    default: true
  hwc_ca_path:
    description: File or directory of CA certificates to trust.
    type: path
  ali_access_key_id:
    description: Access key id of Alibaba Cloud. Credentials that are not given are looked for as the modules do, in the environment first.
    type: str
  ali_access_key_secret:
    description: Secret that belongs to O(ali_access_key_id).
    type: str
  ali_security_token:
    description: Security token that belongs to a temporary access key.
    type: str
  ali_profile:
    description: Name of a profile of C(~/.aliyun/config.json).
    type: str
  ali_ecs_role_name:
    description: Name of the RAM role of the ECS instance that the source runs on.
    type: str
  ali_role_arn:
    description: ARN of a RAM role to assume.
    type: str
  ali_role_session_name:
    description: Name of the session of that role.
    type: str
  ali_role_duration:
    description: Seconds that keys of the role are valid.
    type: int
  ali_role_external_id:
    description: External id that the role demands.
    type: str
  ali_role_policy:
    description: Policy that restricts the session of the role.
    type: json
  ali_region:
    description: Region id, such as C(cn-shanghai).
    type: str
  ali_endpoint:
    description: Base URL to use for every service of Alibaba Cloud in place of the region's.
    type: str
  ali_sts_endpoint:
    description: Base URL of STS.
    type: str
  ali_timeout:
    description: Seconds that one reading of the list for O(discover) may take, with all its pages and repetitions.
    type: float
    default: 60.0
  ali_validate_certs:
    description: Whether the certificates of the services are checked.
    type: bool
    default: true
  ali_ca_path:
    description: File or directory of CA certificates to trust.
    type: path
requirements:
  - ansible-core and requests, in the Python of ansible-rulebook
"""

EXAMPLES = r"""
- name: All tasks of Key Pair Service in a project
  multicloud.async_tasks.cloud_task:
    service: kps
    hwc_region: cn-north-4
    discover: true
    state_file: /var/lib/eda/kps.state

- name: Two jobs of Elastic Cloud Server, and the end of the rule set after them
  multicloud.async_tasks.cloud_task:
    service: ecs
    hwc_region: cn-north-4
    task_ids:
      - ff8080814fb3402a014fb34fb6a20004
      - ff8080814fb3402a014fb34fb6a20005
    on_done: end

- name: Everything that happened in a CloudSSO directory since midnight
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
