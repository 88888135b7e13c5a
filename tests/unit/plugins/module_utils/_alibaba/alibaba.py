# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An Alibaba Cloud client on a scripted cloud, and responses of that cloud, for the tests."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import credentials, credentials_package
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.client import AlibabaClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.endpoints import Endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.options import ALI_OPTIONS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey, RefreshableKey
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Http, Response
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import FakeTransport, answer

ACCESS_KEY = "LTAIEXAMPLE"
SECRET_KEY = "ali-example-secret"
CLOUDSSO = "https://cloudsso.cn-shanghai.aliyuncs.com"
STS = "https://sts.aliyuncs.com"
DIRECTORY = "d-00fc2p61abcd"


def ali_client(
    cloud: FakeTransport,
    *,
    key: credentials.Credentials = AccessKey(ACCESS_KEY, SECRET_KEY),  # noqa: B008 (immutable)
    region: str | None = "cn-shanghai",
    timeout: float = 60.0,
    secrets: list[str] | None = None,
    warnings: list[str] | None = None,
    endpoints: Endpoints | None = None,
) -> AlibabaClient:
    """Return a client on a scripted cloud; its nonces are counted, the secrets and warnings it tells are added to the lists."""
    counter = itertools.count(1)
    return AlibabaClient(
        Http(cloud, cloud.clock, lambda: 0.5, check_mode=True, timeout=timeout),
        key,
        endpoints or Endpoints(region, None, None, {}),
        nonce=lambda: f"nonce-{next(counter)}",
        on_secret=(secrets if secrets is not None else []).append,
        on_warning=(warnings if warnings is not None else []).append,
    )


def error_response(status: int, code: str, message: str = "Refused.", **headers: str) -> Response:
    """Return an error response in the form of CloudSSO."""
    document = {"RequestId": "R-1", "HostId": "cloudsso.cn-shanghai.aliyuncs.com", "Code": code, "Message": message}
    return answer(document, status, **headers)


def key_document(number: int = 1, expiration: str = "2026-01-02T04:04:05Z") -> dict[str, str]:
    """Return a temporary key, as STS and the metadata service write it."""
    return {
        "AccessKeyId": f"STS.{number}",
        "AccessKeySecret": f"temporary-secret-{number}",
        "SecurityToken": f"temporary-token-{number}",
        "Expiration": expiration,
    }


class CredentialProviders:
    """Credential providers that note what they were asked for.

    Args:
        role: The key that the metadata service gives, or why it gives none.
        load: Imports the official package.
    """

    def __init__(self, role: AccessKey | Exception, load: t.Callable[[str], t.Any] | None = None) -> None:
        self.asked: list[t.Any] = []
        self.deadlines: list[float | None] = []
        self._role = role
        self._load = load

    def metadata(self, role: str | None, deadline: float | None) -> AccessKey:
        """Implement ``credentials.CredentialProviders``."""
        self.asked.append(role)
        self.deadlines.append(deadline)
        if isinstance(self._role, Exception):
            raise self._role
        return self._role

    def uri(self, name: str, uri: str, deadline: float) -> AccessKey:
        """Implement ``credentials.CredentialProviders``."""
        self.asked.append((name, uri))
        self.deadlines.append(deadline)
        return AccessKey("uri-id", "uri-secret", "uri-token", "credentials URI")

    def official(self, provider: str, source: str, hide: t.Sequence[str], **arguments: t.Any) -> RefreshableKey:
        """Implement ``credentials.CredentialProviders``."""
        self.asked.append((provider, arguments))
        assert self._load is not None, f"the package was asked for: {provider}"
        return credentials_package.provide(provider, source, hide, arguments, now=lambda: 1000.0, load=self._load)


def ali_options(**own: t.Any) -> dict[str, t.Any]:
    """Return the options of a module for Alibaba Cloud: a key, a region, the defaults, and its own."""
    defaults = {name: spec.get("default") for name, spec in ALI_OPTIONS.items()}
    key = {"ali_access_key_id": ACCESS_KEY, "ali_access_key_secret": SECRET_KEY, "ali_region": "cn-shanghai"}
    return {**defaults, **key, **own}
