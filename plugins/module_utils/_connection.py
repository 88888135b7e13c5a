# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of both clouds, and the clients that are made from them: for modules and for lookups."""

from __future__ import annotations

import dataclasses
import functools
import math
import typing as t
import uuid

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _http
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import credentials as alibaba_credentials
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import metadata as alibaba_metadata
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import package, profiles
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.client import AlibabaClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.endpoints import (
    Endpoints as AlibabaEndpoints,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import credentials as huawei_credentials
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import metadata as huawei_metadata
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.endpoints import (
    Endpoints as HuaweiEndpoints,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ids import check_id
from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import AccessKey, Fetched
from ansible_collections.multicloud.async_tasks.plugins.module_utils._metadata import switched

#: The connection options of Huawei Cloud; documented in the fragment ``hwc``.
HWC_OPTIONS: dict[str, dict[str, t.Any]] = {
    "hwc_access_key": {"type": "str", "no_log": False},
    "hwc_secret_key": {"type": "str", "no_log": True},
    "hwc_security_token": {"type": "str", "no_log": True},
    "hwc_auth_token": {"type": "str", "no_log": True},
    "hwc_user_name": {"type": "str"},
    "hwc_user_password": {"type": "str", "no_log": True},
    "hwc_domain_name": {"type": "str"},
    "hwc_agency_name": {"type": "str"},
    "hwc_agency_domain_name": {"type": "str"},
    "hwc_agency_domain_id": {"type": "str"},
    "hwc_agency_duration": {"type": "int"},
    "hwc_region": {"type": "str"},
    "hwc_project_id": {"type": "str"},
    "hwc_project_name": {"type": "str"},
    "hwc_endpoint": {"type": "str"},
    "hwc_iam_endpoint": {"type": "str"},
    "hwc_timeout": {"type": "float", "default": 60.0},
    "hwc_validate_certs": {"type": "bool", "default": True},
    "hwc_ca_path": {"type": "path"},
}

#: The connection options of Alibaba Cloud; documented in the fragment ``ali``.
ALI_OPTIONS: dict[str, dict[str, t.Any]] = {
    "ali_access_key_id": {"type": "str", "no_log": False},
    "ali_access_key_secret": {"type": "str", "no_log": True},
    "ali_security_token": {"type": "str", "no_log": True},
    "ali_profile": {"type": "str"},
    "ali_ecs_role_name": {"type": "str"},
    "ali_role_arn": {"type": "str"},
    "ali_role_session_name": {"type": "str"},
    "ali_role_duration": {"type": "int"},
    "ali_role_external_id": {"type": "str"},
    "ali_role_policy": {"type": "json"},
    "ali_region": {"type": "str"},
    "ali_endpoint": {"type": "str"},
    "ali_sts_endpoint": {"type": "str"},
    "ali_timeout": {"type": "float", "default": 60.0},
    "ali_validate_certs": {"type": "bool", "default": True},
    "ali_ca_path": {"type": "path"},
}


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What a client needs beside its options.

    Attributes:
        environ: The process environment.
        clock: Time.
        random: Numbers from 0 to 1.
        check_mode: Refuse every write.
        on_secret: Told every secret that comes from no option, so that it can be masked.
        on_warning: Told what the user should know.
        transport: Makes a transport; its arguments are those of ``RequestsTransport``.
    """

    environ: t.Mapping[str, str]
    clock: Clock
    random: t.Callable[[], float]
    check_mode: bool
    on_secret: t.Callable[[str], None]
    on_warning: t.Callable[[str], None]
    transport: t.Callable[..., _http.Transport] = _http.RequestsTransport

    def http(self, options: t.Mapping[str, t.Any], prefix: str) -> _http.Http:
        """The session that the options of a cloud ask for."""
        timeout = options[f"{prefix}_timeout"]
        if not 0 < timeout < math.inf:
            raise UsageError(f"{prefix}_timeout: {timeout} is no number of seconds above 0. Nothing was sent.")
        return _http.Http(
            self.transport(validate_certs=options[f"{prefix}_validate_certs"], ca_path=options[f"{prefix}_ca_path"]),
            self.clock,
            self.random,
            check_mode=self.check_mode,
            timeout=timeout,
        )


def open_huawei(options: t.Mapping[str, t.Any], around: Surroundings) -> HuaweiClient:
    """The client of Huawei Cloud.

    Args:
        options: All of ``HWC_OPTIONS``.
        around: The rest.
    """

    def fetch() -> AccessKey:
        return huawei_metadata.fetch(around.transport(proxies=False), around.clock, around.environ)

    found = huawei_credentials.find(options, around.environ, fetch)
    for secret in found.credentials.secrets():
        around.on_secret(secret)
    setting = functools.partial(
        huawei_credentials.setting, options=options, environ=around.environ, settings=found.settings
    )
    endpoints = HuaweiEndpoints(
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


class _Ways:
    """How credentials of Alibaba Cloud are got that are not simply written down."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def metadata(self, role: str | None) -> AccessKey:
        around = self._around
        return alibaba_metadata.fetch(around.transport(proxies=False), around.clock, around.environ, role)

    def official(self, provider: str, source: str, hide: t.Sequence[str], **arguments: t.Any) -> Fetched:
        return package.provide(provider, source, hide, arguments, now=self._around.clock.time)


def open_alibaba(options: t.Mapping[str, t.Any], around: Surroundings) -> AlibabaClient:
    """The client of Alibaba Cloud.

    Args:
        options: All of ``ALI_OPTIONS``.
        around: The rest.
    """
    ways, environ = _Ways(around), around.environ
    found = alibaba_credentials.find(options, environ, ways, functools.partial(profiles.read, environ, ways))
    for secret in found.credentials.secrets():
        around.on_secret(secret)
    endpoints = AlibabaEndpoints(
        region=alibaba_credentials.setting("ali_region", options, environ, found.settings),
        endpoint=options["ali_endpoint"],
        sts_endpoint=options["ali_sts_endpoint"],
        environ=environ,
        sts_region=found.settings.get("sts_region") or environ.get("ALIBABA_CLOUD_STS_REGION"),
        vpc="vpc" in found.settings or switched(environ, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"),
    )
    return AlibabaClient(
        around.http(options, "ali"),
        found.credentials,
        endpoints,
        nonce=lambda: uuid.uuid4().hex,
        on_secret=around.on_secret,
        on_warning=around.on_warning,
    )
