# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the client of Huawei Cloud is made from the connection options."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_id
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.urls import local_url
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import credentials, metadata
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.endpoints import Endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._runtime import Runtime


class _Ways:
    """How keys of Huawei Cloud are got that are not simply written down."""

    def __init__(self, options: t.Mapping[str, t.Any], runtime: Runtime) -> None:
        self._options = options
        self._runtime = runtime

    # Imported where they are needed: a module is compiled anew for each task, and most have a key.

    def metadata(self, deadline: float | None) -> AccessKey:

        runtime = self._runtime
        return metadata.fetch(runtime.transport(proxies=False), runtime.clock, runtime.environ, deadline)

    def container(self, url: str, token: str, deadline: float) -> AccessKey:

        runtime = self._runtime
        runtime.on_secret(token)
        address = local_url(credentials.CONTAINER[0], url)
        return metadata.fetch_of_pod(
            runtime.beside(self._options, "hwc", address), runtime.clock, address, token, deadline
        )


def open_huawei(options: t.Mapping[str, t.Any], runtime: Runtime) -> HuaweiClient:
    """The client of Huawei Cloud.

    Args:
        options: All of ``HWC_OPTIONS``.
        runtime: The rest.
    """

    found = credentials.find(options, runtime.environ, _Ways(options, runtime))
    for secret in found.credentials.secrets():
        runtime.on_secret(secret)
    endpoints = Endpoints(
        region=credentials.setting("hwc_region", options, runtime.environ),
        endpoint=options["hwc_endpoint"],
        iam_endpoint=options["hwc_iam_endpoint"],
        environ=runtime.environ,
        sts_endpoint=options["hwc_sts_endpoint"],
        profile_iam_endpoint=found.settings.get("hwc_iam_endpoint"),
    )
    project = found.project
    if project.id:
        # It becomes a part of URLs.
        check_id("hwc_project_id", project.id)
    return HuaweiClient(
        runtime.http(options, "hwc"),
        found.credentials,
        endpoints,
        project=project,
        on_secret=runtime.on_secret,
        on_warning=runtime.on_warning,
    )
