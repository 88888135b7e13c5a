# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the client of Huawei Cloud is made from the connection options."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import credentials
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.endpoints import Endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ids import check_id
from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import AccessKey
from ansible_collections.multicloud.async_tasks.plugins.module_utils._surroundings import Surroundings


def open_huawei(options: t.Mapping[str, t.Any], around: Surroundings) -> HuaweiClient:
    """The client of Huawei Cloud.

    Args:
        options: All of ``HWC_OPTIONS``.
        around: The rest.
    """

    def fetch() -> AccessKey:
        # Imported only where it is needed: a module starts anew for every task.
        from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import metadata

        return metadata.fetch(around.transport(proxies=False), around.clock, around.environ)

    found = credentials.find(options, around.environ, fetch)
    for secret in found.credentials.secrets():
        around.on_secret(secret)
    setting = functools.partial(credentials.setting, options=options, environ=around.environ, settings=found.settings)
    endpoints = Endpoints(
        region=setting("hwc_region"),
        endpoint=options["hwc_endpoint"],
        iam_endpoint=options["hwc_iam_endpoint"],
        environ=around.environ,
        profile_iam_endpoint=found.settings.get("hwc_iam_endpoint"),
    )
    project_id = setting("hwc_project_id")
    return HuaweiClient(
        around.http(options, "hwc"),
        found.credentials,
        endpoints,
        # It becomes a part of URLs.
        project_id=check_id("hwc_project_id", project_id) if project_id else None,
        project_name=setting("hwc_project_name"),
        on_secret=around.on_secret,
        on_warning=around.on_warning,
    )
