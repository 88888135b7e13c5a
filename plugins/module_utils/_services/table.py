# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of services that ``wait_for_task`` can wait for: adding one is a file beside this one, a function, and a row.

It is static because Ansible ships to a host only the files that are imported by name.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._task import TaskSource


class Waitable(t.NamedTuple):
    """One row.

    Attributes:
        cloud: Whose client it needs: ``hwc`` or ``ali``.
        open: Makes the source from that client and the options of ``wait_for_task``.
        within: Options that say in what a task's id is unique, beside region and project; they must be given.
        in_query: Whether ids travel in the query, where more characters are harmless.
    """

    cloud: str
    open: t.Callable[[t.Any, t.Mapping[str, t.Any]], TaskSource]
    within: tuple[str, ...] = ()
    in_query: bool = False


# Each imports its service when it is called: a module starts anew for every task, from a zip that nothing has compiled, and
# waits for the tasks of one service.


def _kps(client: t.Any, _options: t.Mapping[str, t.Any]) -> TaskSource:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps import KpsTasks

    return KpsTasks(client)


def _csms(client: t.Any, _options: t.Mapping[str, t.Any]) -> TaskSource:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.csms import CsmsTasks

    return CsmsTasks(client)


def _sms(client: t.Any, _options: t.Mapping[str, t.Any]) -> TaskSource:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.sms import SmsTasks

    return SmsTasks(client)


def _cloudsso(client: t.Any, options: t.Mapping[str, t.Any]) -> TaskSource:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.cloudsso import CloudssoTasks

    return CloudssoTasks(client, options["directory_id"])


def _ecs(client: t.Any, _options: t.Mapping[str, t.Any]) -> TaskSource:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import EcsJobs

    return EcsJobs(client)


WAITABLE: dict[str, Waitable] = {
    "kps": Waitable("hwc", _kps),
    "csms": Waitable("hwc", _csms),
    "sms": Waitable("hwc", _sms),
    "cloudsso": Waitable("ali", _cloudsso, within=("directory_id",), in_query=True),
    "ecs": Waitable("hwc", _ecs),
}
