# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of services: the collection's tables and rules beside the region files of the vendors' SDKs."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.endpoints import (
    REGIONS as DIRECTORY_REGIONS,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.endpoints import (
    Endpoints as AlibabaEndpoints,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.endpoints import EVERY, REGIONS, Endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.registry import SERVICES

from .sdk import load

#: The SDK's region files, by service.
FILES = {
    "kps": "huaweicloudsdkkps.v3.region.kps_region.KpsRegion",
    "csms": "huaweicloudsdkcsms.v1.region.csms_region.CsmsRegion",
    "sms": "huaweicloudsdksms.v3.region.sms_region.SmsRegion",
    "ecs": "huaweicloudsdkecs.v2.region.ecs_region.EcsRegion",
    "iam": "huaweicloudsdkiam.v3.region.iam_region.IamRegion",
}
#: Where the collection knows better: the European cloud has a domain of its own, as the SDK itself says of IAM there.
EXCEPTIONS = {("ecs", "eu-west-101"): "https://ecs.eu-west-101.myhuaweicloud.eu"}


def regions(service: str) -> dict[str, str]:
    """Return the SDK's endpoints, by region."""
    module, _dot, name = FILES[service].rpartition(".")
    fields: dict[str, t.Any] = getattr(load(module), name).static_fields
    return {region: value.endpoints[0].rstrip("/") for region, value in fields.items()}


def test_every_service_of_the_registry_is_compared() -> None:
    assert {service for service, entry in SERVICES.items() if entry.provider == "hwc"} <= set(FILES)


@pytest.mark.parametrize("service", FILES)
def test_every_region_of_the_huawei_sdk(service: str) -> None:
    theirs = regions(service)
    assert len(theirs) > 3
    ours = {region: Endpoints(region, None, None, {}).resolve(service) for region in theirs}
    assert {region: found.url for region, found in ours.items()} == {
        region: EXCEPTIONS.get((service, region), url) for region, url in theirs.items()
    }
    assert not any(found.guessed for found in ours.values())


@pytest.mark.parametrize("service", FILES)
def test_no_other_region_is_said_to_be_known(service: str) -> None:
    assert set(REGIONS[service]) == set(regions(service))


@pytest.mark.parametrize("service", [service for service in FILES if service not in ("sms", "iam")])
def test_an_unknown_region_is_tried_by_the_rule_and_said_to_be_unknown(service: str) -> None:
    found = Endpoints("xx-new-1", None, None, {}).resolve(service)
    assert found.guessed
    assert found.url.endswith(".xx-new-1.myhuaweicloud.com")


@pytest.mark.parametrize("region", [*sorted(EVERY), "xx-new-1"])
@pytest.mark.parametrize(
    ("service", "helper"), [("iam", "IamHelper.get_iam_endpoint"), ("sts", "StsHelper.get_sts_endpoint")]
)
def test_logins_go_where_those_of_the_sdk_go(service: str, helper: str, region: str) -> None:
    owner, _dot, name = helper.partition(".")
    theirs = getattr(getattr(load("huaweicloudsdkcore.auth.internal"), owner), name)(region)
    found = Endpoints(region, None, None, {}).resolve(service)
    # The European cloud has an IAM of its own, as the SDK's region file of IAM says.
    expected = f"https://{service}.{region}.myhuaweicloud.eu" if region.startswith("eu-west-1") else theirs
    assert found.url == expected
    assert found.guessed is (region == "xx-new-1" or (service, region) == ("sts", "eu-west-101"))


@pytest.mark.parametrize("region", [*sorted(DIRECTORY_REGIONS), "xx-new-1"])
def test_every_region_of_cloudsso_inside_a_vpc(region: str) -> None:
    config = load("alibabacloud_tea_openapi.utils_models").Config(
        access_key_id="ak", access_key_secret="sk", region_id=region, network="vpc"
    )
    client = load("alibabacloud_cloudsso20210515.client").Client(config)
    assert AlibabaEndpoints(region, None, None, {}, vpc=True).resolve("cloudsso").url == f"https://{client._endpoint}"


@pytest.mark.parametrize("region", [*sorted(DIRECTORY_REGIONS), "xx-new-1"])
def test_every_region_of_cloudsso(region: str) -> None:
    config = load("alibabacloud_tea_openapi.utils_models").Config(
        access_key_id="ak", access_key_secret="sk", region_id=region
    )
    client = load("alibabacloud_cloudsso20210515.client").Client(config)
    found = AlibabaEndpoints(region, None, None, {}).resolve("cloudsso")
    assert found.url == f"https://{client._endpoint}"
    assert found.guessed is (region not in DIRECTORY_REGIONS)
