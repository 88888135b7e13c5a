# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry of the services that ``wait_for_task`` can wait for: a new service is a file beside this one and a row.

The registry is static because Ansible ships to a host only the files that are imported by name.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import TaskBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.cloudsso import CloudssoTasks
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.csms import CsmsTasks
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import EcsJobs
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps import KpsTasks
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.sms import SmsTasks


class Service(t.NamedTuple):
    """One row.

    Attributes:
        provider: The provider whose client it needs: ``hwc`` or ``ali``.
        open: Makes the source from that client and the options of ``wait_for_task``.
        within: Options that say in what a task's id is unique, beside region and project; they must be given.
        in_query: Whether ids travel in the query, where more characters are harmless.
    """

    provider: str
    open: t.Callable[[t.Any, t.Mapping[str, t.Any]], TaskBackend]
    within: tuple[str, ...] = ()
    in_query: bool = False


SERVICES: dict[str, Service] = {
    "kps": Service("hwc", lambda client, _options: KpsTasks(client)),
    "csms": Service("hwc", lambda client, _options: CsmsTasks(client)),
    "sms": Service("hwc", lambda client, _options: SmsTasks(client)),
    "cloudsso": Service(
        "ali",
        lambda client, options: CloudssoTasks(client, options["directory_id"]),
        within=("directory_id",),
        in_query=True,
    ),
    "ecs": Service("hwc", lambda client, _options: EcsJobs(client)),
}
