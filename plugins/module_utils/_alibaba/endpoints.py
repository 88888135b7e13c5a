# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses of Alibaba Cloud's services: one rule, and the ways to override it.

Source: the official Python SDK alibabacloud-cloudsso20210515 1.7.0, which forms regional hosts by the rule and has no table
of its own; the regions in which CloudSSO directories can be are those of the vendor's documentation.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.urls import (
    Endpoint,
    base_url,
    check_region,
    similar,
)

#: Regions in which a CloudSSO directory can be.
REGIONS = frozenset(["ap-northeast-2", "ap-southeast-1", "cn-hongkong", "cn-shanghai", "eu-central-1", "us-west-1"])
#: Variables with a service's address, in the order of preference: ours, then those of the vendor's other tools.
_VARIABLES = {
    "cloudsso": ("ALI_ENDPOINT", "ALIBABA_CLOUD_ENDPOINT_CLOUDSSO", "CLOUDSSO_ENDPOINT"),
    "sts": ("ALI_STS_ENDPOINT", "ALI_ENDPOINT", "ALIBABA_CLOUD_ENDPOINT_STS", "STS_ENDPOINT"),
}


class Endpoints(t.NamedTuple):
    """The endpoint resolver of Alibaba Cloud.

    Args:
        region: Region id of the directory, such as ``cn-shanghai``.
        endpoint: The user's base URL for every service (option ``ali_endpoint``).
        sts_endpoint: The user's base URL for STS (option ``ali_sts_endpoint``).
        environ: The process environment.
        sts_region: Region of the STS to use, as far as credentials say so; the global STS by default.
        sts_vpc: Whether STS is to be reached inside a VPC.
        vpc: Whether the other services are.
    """

    region: str | None
    endpoint: str | None
    sts_endpoint: str | None
    environ: t.Mapping[str, str]
    sts_region: str | None = None
    sts_vpc: bool = False
    vpc: bool = False

    def resolve(self, service: str) -> Endpoint:
        """Return the address of ``cloudsso`` or ``sts``: from options, variables or the rule.

        Raises:
            UsageError: No region and no endpoint is given, or an endpoint is not a base URL.
        """
        if self.region:
            check_region("ali_region", self.region, "cn-shanghai")
        for name, value in self._overrides(service):
            if value:
                return Endpoint(base_url(name, value))
        if service == "sts":
            return self._sts()
        if not self.region:
            raise UsageError(
                "No region is given. Set ali_region, or ALIBABA_CLOUD_REGION_ID in the environment, to the region of the "
                "CloudSSO directory, for example cn-shanghai; or name the service's address in ali_endpoint."
            )
        guessed = self.region not in REGIONS
        return Endpoint(
            f"https://{service}{'-vpc' if self.vpc else ''}.{self.region}.aliyuncs.com",
            "ali_region",
            guessed,
            similar(self.region, REGIONS) if guessed else None,
        )

    def _sts(self) -> Endpoint:
        """Return the STS of the region that is named for it, or the global one, which is in no VPC."""
        if not self.sts_region:
            return Endpoint("https://sts.aliyuncs.com")
        name = "ALIBABA_CLOUD_STS_REGION (or sts_region of the profile)"
        check_region(name, self.sts_region, "cn-shanghai")
        return Endpoint(f"https://{'sts-vpc' if self.sts_vpc else 'sts'}.{self.sts_region}.aliyuncs.com", name)

    def _overrides(self, service: str) -> t.Iterator[tuple[str, str | None]]:
        if service == "sts":
            yield "ali_sts_endpoint", self.sts_endpoint
        yield "ali_endpoint", self.endpoint
        for name in _VARIABLES[service]:
            yield name, self.environ.get(name)
