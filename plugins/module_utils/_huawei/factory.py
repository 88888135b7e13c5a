# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The factory of Huawei Cloud's client: from the connection options to a client."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_id
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.urls import local_url
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import credentials, metadata
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.endpoints import Endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._runtime import Runtime


class _CredentialProviders:
    """The credential providers of Huawei Cloud: they fetch keys that are not in options, environment or files."""

    def __init__(self, options: t.Mapping[str, t.Any], runtime: Runtime) -> None:
        self._options = options
        self._runtime = runtime

    def metadata(self, deadline: float | None) -> AccessKey:
        """Fetch a key from the metadata service of an ECS."""
        runtime = self._runtime
        return metadata.fetch(runtime.transport(proxies=False), runtime.clock, runtime.environ, deadline)

    def container(self, url: str, token: str, deadline: float) -> AccessKey:
        """Fetch a key from the agent that CCE runs beside pods."""
        runtime = self._runtime
        runtime.on_secret(token)
        address = local_url(credentials.CONTAINER[0], url)
        return metadata.fetch_of_pod(
            runtime.beside(self._options, "hwc", address), runtime.clock, address, token, deadline
        )


def open_huawei(options: t.Mapping[str, t.Any], runtime: Runtime) -> HuaweiClient:
    """Return a client of Huawei Cloud.

    Args:
        options: All of ``HWC_OPTIONS``.
        runtime: Environment, clock, transport and callbacks.

    Raises:
        CredentialsError: There are no credentials, or they are not complete.
        UsageError: An option is wrong.
    """
    found = credentials.find(options, runtime.environ, _CredentialProviders(options, runtime))
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
        # The id becomes a part of URLs.
        check_id("hwc_project_id", project.id)
    return HuaweiClient(
        runtime.http(options, "hwc"),
        found.credentials,
        endpoints,
        project=project,
        on_secret=runtime.on_secret,
        on_warning=runtime.on_warning,
    )
