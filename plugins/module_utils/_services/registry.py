# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry of the services that ``wait_for_task`` can wait for: a new service is a file beside this one and an entry.

The registry is static because Ansible ships to a host only the files that are imported by name.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import TaskBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.cloudsso import CloudssoBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.csms import CsmsBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import EcsJobBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps import KpsBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.sms import SmsBackend


class Service(t.NamedTuple):
    """One service of the registry.

    Attributes:
        provider: The provider whose client it needs: ``hwc`` or ``ali``.
        open: Returns the backend for that client and the options of ``wait_for_task``.
        within: Options that make a task's id unique, beside region and project; they must be given.
        in_query: Ids travel in the query, where more characters are harmless.
    """

    provider: str
    open: t.Callable[[t.Any, t.Mapping[str, t.Any]], TaskBackend]
    within: tuple[str, ...] = ()
    in_query: bool = False


SERVICES: dict[str, Service] = {
    "kps": Service("hwc", lambda client, _options: KpsBackend(client)),
    "csms": Service("hwc", lambda client, _options: CsmsBackend(client)),
    "sms": Service("hwc", lambda client, _options: SmsBackend(client)),
    "cloudsso": Service(
        "ali",
        lambda client, options: CloudssoBackend(client, options["directory_id"]),
        within=("directory_id",),
        in_query=True,
    ),
    "ecs": Service("hwc", lambda client, _options: EcsJobBackend(client)),
}
