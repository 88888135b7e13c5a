# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses of Huawei Cloud's services: one table, one rule, and the ways to override them.

Source of the table: the region files of the official Python SDK 3.1.219. KPS and CSMS share the host of KMS.
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

_EVERYWHERE = frozenset(
    [
        "af-north-1",
        "af-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ap-southeast-5",
        "cn-east-2",
        "cn-east-3",
        "cn-east-4",
        "cn-east-5",
        "cn-north-1",
        "cn-north-2",
        "cn-north-4",
        "cn-north-9",
        "cn-north-11",
        "cn-north-12",
        "cn-south-1",
        "cn-south-2",
        "cn-southwest-2",
        "cn-southwest-3",
        "la-north-2",
        "la-south-2",
        "me-east-1",
        "my-kualalumpur-1",
        "na-mexico-1",
        "ru-moscow-1",
        "sa-brazil-1",
        "tr-west-1",
    ]
)

#: Regions that the SDK lists, by service.
REGIONS: dict[str, frozenset[str]] = {
    "kps": _EVERYWHERE | {"cn-south-4"},
    "csms": _EVERYWHERE | {"ae-ad-1"},
    "ecs": _EVERYWHERE | {"ae-ad-1", "cn-south-4", "eu-west-0", "eu-west-101"},
    "iam": (_EVERYWHERE | {"ae-ad-1", "eu-west-0", "eu-west-101"})
    - {"af-north-1", "ap-southeast-5", "cn-north-11", "cn-southwest-3"},
    "sms": frozenset({"ap-southeast-3", "cn-north-4", "my-kualalumpur-1", "ru-moscow-1"}),
    "sts": frozenset(
        [
            "af-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "cn-east-3",
            "cn-north-4",
            "cn-south-1",
            "cn-southwest-2",
            "la-south-2",
            "sa-brazil-1",
            "tr-west-1",
        ]
    ),
}
#: Every region that there is, for all we know.
EVERY = frozenset().union(*REGIONS.values())

_HOSTS = {"kps": "kms", "csms": "kms", "ecs": "ecs", "iam": "iam", "sms": "sms", "sts": "sts"}
#: What the SDK takes where a region has no IAM or STS of its own: these two serve the accounts of all regions.
_ELSEWHERE = {"iam": "iam.myhuaweicloud.com", "sts": "sts.cn-north-4.myhuaweicloud.com"}
#: The variables with the address of a service that gives logins: ours, and the SDK's.
_VARIABLES = {
    "iam": ("HWC_IAM_ENDPOINT", "HUAWEICLOUD_SDK_IAM_ENDPOINT"),
    "sts": ("HWC_STS_ENDPOINT", "HUAWEICLOUD_SDK_STS_ENDPOINT"),
}
_EXCEPTIONS = {("sms", "ru-moscow-1"): "sms-api.ru-moscow-1.myhuaweicloud.com"}


class Endpoints(t.NamedTuple):
    """The endpoint resolver of Huawei Cloud.

    Args:
        region: Region id, such as ``cn-north-4``.
        endpoint: The user's base URL for every service (option ``hwc_endpoint``).
        iam_endpoint: The user's base URL for IAM (option ``hwc_iam_endpoint``).
        environ: The process environment.
        sts_endpoint: The user's base URL for STS (option ``hwc_sts_endpoint``).
        profile_iam_endpoint: IAM's base URL in the file of credentials; the last to be asked.
    """

    region: str | None
    endpoint: str | None
    iam_endpoint: str | None
    environ: t.Mapping[str, str]
    sts_endpoint: str | None = None
    profile_iam_endpoint: str | None = None

    def resolve(self, service: str) -> Endpoint:
        """Return the address of a service: from options, then ``HWC_*``, the SDK's variables, the file, the table and its rule.

        Raises:
            UsageError: No region and no endpoint is given, or one that cannot exist.
        """
        if self.region:
            check_region("hwc_region", self.region, "cn-north-4")
        for name, value in self._overrides(service):
            if value:
                # The SDK's variable may hold a list, of which the first is the preferred one.
                return Endpoint(base_url(name, value.split(",")[0].strip()))
        if not self.region:
            raise UsageError(
                "No region is given. Set hwc_region, or HWC_REGION or HW_REGION_NAME in the environment, "
                "for example cn-north-4; or name the service's address in hwc_endpoint."
            )
        return _by_region(service, self.region)

    def _overrides(self, service: str) -> t.Iterator[tuple[str, str | None]]:
        ours, theirs = _VARIABLES.get(service, (None, None))
        if service == "iam":
            yield "hwc_iam_endpoint", self.iam_endpoint
        if service == "sts":
            yield "hwc_sts_endpoint", self.sts_endpoint
        yield "hwc_endpoint", self.endpoint
        if ours:
            yield ours, self.environ.get(ours)
        yield "HWC_ENDPOINT", self.environ.get("HWC_ENDPOINT")
        if theirs:
            yield theirs, self.environ.get(theirs)
        if self.region:
            name = f"HUAWEICLOUD_SDK_REGION_{service}_{self.region}".upper().replace("-", "_")
            yield name, self.environ.get(name)
        if service == "iam":
            yield "iam_endpoint in the file of credentials", self.profile_iam_endpoint


def _by_region(service: str, region: str) -> Endpoint:
    known = region in REGIONS[service]
    # The European cloud is a cloud of its own, with its own domain.
    european = region.startswith("eu-west-1")
    host = _EXCEPTIONS.get((service, region))
    if not known and not european:
        if service == "sms":
            # SMS lives in one place per site; a migration's own region says only where its target is.
            host = f"sms.{'cn-north-4' if region.startswith('cn-') else 'ap-southeast-3'}.myhuaweicloud.com"
        elif service in _ELSEWHERE:
            host = _ELSEWHERE[service]
    if host is None:
        host = f"{_HOSTS[service]}.{region}.{'myhuaweicloud.eu' if european else 'myhuaweicloud.com'}"
        guessed = not known
    else:
        guessed = region not in EVERY
    return Endpoint(f"https://{host}", "hwc_region", guessed, similar(region, EVERY) if guessed else None)
