# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of services that ``wait_for_task`` can wait for: adding a service is one file beside this one and one row.

It is static because Ansible ships to a host only the files that are imported by name.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import EcsJobs
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps import KpsTasks
from ansible_collections.multicloud.async_tasks.plugins.module_utils._task import TaskSource


@dataclasses.dataclass(frozen=True)
class Waitable:
    """One row.

    Attributes:
        cloud: Whose client it needs: ``hwc`` or ``ali``.
        open: Makes the source from that client and the options of ``wait_for_task``.
    """

    cloud: str
    open: t.Callable[[t.Any, t.Mapping[str, t.Any]], TaskSource]


WAITABLE: dict[str, Waitable] = {
    "kps": Waitable("hwc", lambda client, _options: KpsTasks(client)),
    "ecs": Waitable("hwc", lambda client, _options: EcsJobs(client)),
}
