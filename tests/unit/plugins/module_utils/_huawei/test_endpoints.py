# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the addresses of Huawei Cloud's services: the order of the overrides, the table, its rule, and what is rejected."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.endpoints import REGIONS, Endpoints

#: Every way to say where a service is, the strongest first.
KPS = (
    ("endpoint", "option.example.com"),
    ("HWC_ENDPOINT", "ours.example.com"),
    ("HUAWEICLOUD_SDK_REGION_KPS_CN_NORTH_4", "sdk.example.com"),
)
STS = (
    ("sts_endpoint", "sts-option.example.com"),
    ("endpoint", "option.example.com"),
    ("HWC_STS_ENDPOINT", "sts-ours.example.com"),
    ("HWC_ENDPOINT", "ours.example.com"),
    ("HUAWEICLOUD_SDK_STS_ENDPOINT", "sts-sdk.example.com"),
    ("HUAWEICLOUD_SDK_REGION_STS_CN_NORTH_4", "sts-region-sdk.example.com"),
)
WITHOUT_IAM = ("af-north-1", "ap-southeast-5", "cn-north-11", "cn-south-4", "cn-southwest-3")
IAM = (
    ("iam_endpoint", "iam-option.example.com"),
    ("endpoint", "option.example.com"),
    ("HWC_IAM_ENDPOINT", "iam-ours.example.com"),
    ("HWC_ENDPOINT", "ours.example.com"),
    ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "iam-sdk.example.com"),
    ("HUAWEICLOUD_SDK_REGION_IAM_CN_NORTH_4", "iam-region-sdk.example.com"),
)


def endpoints(region: str | None = "cn-north-4", **given: str) -> Endpoints:
    options = {name: given.pop(name, None) for name in ("endpoint", "iam_endpoint", "sts_endpoint")}
    return Endpoints(region=region, environ=given, **options)


@pytest.mark.parametrize(("service", "ways", "table"), [("kps", KPS, "kms"), ("iam", IAM, "iam"), ("sts", STS, "sts")])
def test_the_strongest_override_wins(service: str, ways: t.Sequence[tuple[str, str]], table: str) -> None:
    for weakest in range(len(ways)):
        given = dict(ways[weakest:])
        assert endpoints(**given).resolve(service).url == f"https://{ways[weakest][1]}"
    assert endpoints().resolve(service).url == f"https://{table}.cn-north-4.myhuaweicloud.com"


def test_iam_is_where_everything_else_is_unless_it_is_said_otherwise() -> None:
    assert endpoints(endpoint="http://127.0.0.1:80").resolve("iam").url == "http://127.0.0.1:80"
    assert endpoints(iam_endpoint="iam.example.com").resolve("kps").url == "https://kms.cn-north-4.myhuaweicloud.com"


def test_the_first_address_of_a_list_of_the_sdk_is_taken() -> None:
    found = endpoints(HUAWEICLOUD_SDK_REGION_ECS_CN_NORTH_4=" https://a.example.com , https://b.example.com")
    assert found.resolve("ecs").url == "https://a.example.com"


def test_an_empty_override_is_ignored() -> None:
    given = {name: "" for name, _url in IAM}
    assert endpoints(**given).resolve("iam").url == "https://iam.cn-north-4.myhuaweicloud.com"


def test_an_override_is_rejected_by_its_name() -> None:
    with pytest.raises(UsageError, match="^HWC_ENDPOINT: "):
        endpoints(HWC_ENDPOINT="http://kms.example.com").resolve("kps")
    with pytest.raises(UsageError, match="^hwc_iam_endpoint: "):
        endpoints(iam_endpoint="https://iam.example.com/v3").resolve("iam")


@pytest.mark.parametrize(
    ("service", "region", "url"),
    [
        ("kps", "ap-southeast-3", "https://kms.ap-southeast-3.myhuaweicloud.com"),
        ("csms", "ap-southeast-3", "https://kms.ap-southeast-3.myhuaweicloud.com"),
        ("ecs", "cn-south-1", "https://ecs.cn-south-1.myhuaweicloud.com"),
        ("ecs", "eu-west-0", "https://ecs.eu-west-0.myhuaweicloud.com"),
        ("ecs", "eu-west-101", "https://ecs.eu-west-101.myhuaweicloud.eu"),
        ("iam", "eu-west-101", "https://iam.eu-west-101.myhuaweicloud.eu"),
        # Where a region has no IAM or STS of its own, that of all accounts is asked, as by the SDK.
        *(("iam", region, "https://iam.myhuaweicloud.com") for region in WITHOUT_IAM),
        ("sts", "af-south-1", "https://sts.af-south-1.myhuaweicloud.com"),
        ("sts", "cn-north-11", "https://sts.cn-north-4.myhuaweicloud.com"),
        ("sms", "cn-north-4", "https://sms.cn-north-4.myhuaweicloud.com"),
        ("sms", "ru-moscow-1", "https://sms-api.ru-moscow-1.myhuaweicloud.com"),
        # SMS lives in one place per site.
        ("sms", "cn-east-3", "https://sms.cn-north-4.myhuaweicloud.com"),
        ("sms", "af-south-1", "https://sms.ap-southeast-3.myhuaweicloud.com"),
    ],
)
def test_the_table_has_the_endpoints_of_the_sdk(service: str, region: str, url: str) -> None:
    found = endpoints(region).resolve(service)
    assert (found.url, found.guessed) == (url, False)


def test_the_table_is_as_long_as_that_of_the_sdk() -> None:
    assert {service: len(regions) for service, regions in REGIONS.items()} == {
        "kps": 30,
        "csms": 30,
        "ecs": 33,
        "iam": 28,
        "sms": 4,
        "sts": 12,
    }


@pytest.mark.parametrize(
    ("service", "region", "url"),
    [
        ("kps", "cn-mars-1", "https://kms.cn-mars-1.myhuaweicloud.com"),
        ("kps", "eu-west-101", "https://kms.eu-west-101.myhuaweicloud.eu"),
        # Typos included: SMS, IAM and STS have hosts for them, but there is no such region.
        ("iam", "cn-nort-4", "https://iam.myhuaweicloud.com"),
        ("sts", "cn-nort-4", "https://sts.cn-north-4.myhuaweicloud.com"),
        ("sms", "cn-nort-4", "https://sms.cn-north-4.myhuaweicloud.com"),
        ("sms", "af-mars-1", "https://sms.ap-southeast-3.myhuaweicloud.com"),
        ("iam", "eu-west-199", "https://iam.eu-west-199.myhuaweicloud.eu"),
        ("sts", "eu-west-101", "https://sts.eu-west-101.myhuaweicloud.eu"),
        ("sms", "eu-west-101", "https://sms.eu-west-101.myhuaweicloud.eu"),
    ],
)
def test_a_region_outside_the_table_is_tried_and_marked(service: str, region: str, url: str) -> None:
    found = endpoints(region).resolve(service)
    assert (found.url, found.guessed) == (url, True)


@pytest.mark.parametrize("region", [None, ""])
def test_without_region_and_endpoint_the_message_names_both(region: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        endpoints(region).resolve("kps")
    for name in ("hwc_region", "HWC_REGION", "HW_REGION_NAME", "hwc_endpoint"):
        assert name in str(caught.value)


def test_an_endpoint_needs_no_region() -> None:
    assert endpoints(None, endpoint="kms.example.com").resolve("kps").url == "https://kms.example.com"


@pytest.mark.parametrize("service", ["kps", "iam", "sts", "sms"])
@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:1"])
@pytest.mark.parametrize(
    "region",
    [
        *("cn-north-4_dev", "cn north 4", "evil.example.com/", "a.b", "cn-north-4\n", "@evil", "..", "a" * 64, "-a"),
        *("x.evil.example/?a=", "\u4e2d", "a#", "a:1"),
    ],
    ids=repr,
)
def test_a_region_that_cannot_exist_is_rejected(service: str, endpoint: str | None, region: str) -> None:
    with pytest.raises(UsageError, match="^hwc_region: .*is not a region id, such as cn-north-4"):
        Endpoints(region, endpoint, endpoint, {}).resolve(service)


@pytest.mark.parametrize(
    ("region", "meant"),
    [("cn-nort-4", "cn-north-4"), ("CN-NORTH-4", "cn-north-4"), ("ap-southest-3", "ap-southeast-3"), ("mars-1", None)],
)
def test_an_unknown_region_is_compared_with_known_ones(region: str, meant: str | None) -> None:
    found = endpoints(region).resolve("kps")
    assert (found.guessed, found.similar, found.region_from) == (True, meant, "hwc_region")
    assert endpoints().resolve("kps").similar is None


def test_an_address_that_a_user_gives_does_not_depend_on_the_region() -> None:
    assert endpoints(endpoint="kms.example.com").resolve("kps").region_from is None
