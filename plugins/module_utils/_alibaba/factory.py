# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The factory of Alibaba Cloud's client: from the connection options to a client."""

from __future__ import annotations

import typing as t
import uuid

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import (
    credentials,
    credentials_package,
    metadata,
    profiles,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.client import AlibabaClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.endpoints import Endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import (
    AccessKey,
    RefreshableKey,
    switched,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.urls import local_url
from ansible_collections.multicloud.async_tasks.plugins.module_utils._runtime import Runtime


class _CredentialProviders:
    """The credential providers of Alibaba Cloud: they fetch keys that are not in options or environment."""

    def __init__(self, options: t.Mapping[str, t.Any], runtime: Runtime) -> None:
        self._options = options
        self._runtime = runtime

    def metadata(self, role: str | None, deadline: float | None) -> AccessKey:
        """Fetch a key from the metadata service of an ECS instance."""
        runtime = self._runtime
        return metadata.fetch(runtime.transport(proxies=False), runtime.clock, runtime.environ, role, deadline)

    def uri(self, name: str, uri: str, deadline: float) -> AccessKey:
        """Fetch a key from a credentials URI; ``name`` is the setting that it comes from."""
        runtime = self._runtime
        address = local_url(name, uri)
        return metadata.fetch_from(runtime.beside(self._options, "ali", address), runtime.clock, address, deadline)

    def profile(self, name: str | None) -> credentials.FoundCredentials | None:
        """Return the credentials of a profile in the user's files."""
        return profiles.read(self._runtime.environ, self, name)

    def official(self, provider: str, source: str, hide: t.Sequence[str], **arguments: t.Any) -> RefreshableKey:
        """Return the keys of a provider of the official package."""
        return credentials_package.provide(provider, source, hide, arguments, now=self._runtime.clock.time)


def open_alibaba(options: t.Mapping[str, t.Any], runtime: Runtime) -> AlibabaClient:
    """Return a client of Alibaba Cloud.

    Args:
        options: All of ``ALI_OPTIONS``.
        runtime: Environment, clock, transport and callbacks.

    Raises:
        CredentialsError: There are no credentials, or they are not complete.
        UsageError: An option is wrong.
    """
    providers, environ = _CredentialProviders(options, runtime), runtime.environ
    found = credentials.find(options, environ, providers, providers.profile)
    for secret in found.credentials.secrets():
        runtime.on_secret(secret)
    settings = found.settings
    # A profile that an option names brings its own region, whatever the environment says.
    chosen = settings.get("ali_region") if found.chosen and not options["ali_region"] else None
    inside = switched(environ, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED")
    endpoints = Endpoints(
        region=chosen or credentials.setting("ali_region", options, environ, settings),
        endpoint=options["ali_endpoint"],
        sts_endpoint=options["ali_sts_endpoint"],
        environ=environ,
        sts_region=settings.get("sts_region") or environ.get("ALIBABA_CLOUD_STS_REGION"),
        sts_vpc="sts_vpc" in settings or inside,
        vpc="vpc" in settings or inside or environ.get("ALIBABA_CLOUD_ENDPOINT_TYPE", "").lower() == "vpc",
    )
    return AlibabaClient(
        runtime.http(options, "ali"),
        found.credentials,
        endpoints,
        nonce=lambda: uuid.uuid4().hex,
        on_secret=runtime.on_secret,
        on_warning=runtime.on_warning,
    )
