# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the addresses of Alibaba Cloud's services: the order of the overrides, the rule, and what is rejected."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.endpoints import REGIONS, Endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError

#: Every way to say where a service is, the strongest first.
CLOUDSSO = (
    ("endpoint", "option.example.com"),
    ("ALI_ENDPOINT", "ours.example.com"),
    ("ALIBABA_CLOUD_ENDPOINT_CLOUDSSO", "sdk.example.com"),
    ("CLOUDSSO_ENDPOINT", "terraform.example.com"),
)
STS = (
    ("sts_endpoint", "sts-option.example.com"),
    ("endpoint", "option.example.com"),
    ("ALI_STS_ENDPOINT", "sts-ours.example.com"),
    ("ALI_ENDPOINT", "ours.example.com"),
    ("ALIBABA_CLOUD_ENDPOINT_STS", "sts-sdk.example.com"),
    ("STS_ENDPOINT", "sts-terraform.example.com"),
)


def endpoints(region: str | None = "cn-shanghai", **given: str) -> Endpoints:
    endpoint, sts_endpoint = (given.pop(name, None) for name in ("endpoint", "sts_endpoint"))
    return Endpoints(region, endpoint, sts_endpoint, given)


@pytest.mark.parametrize(
    ("service", "ways", "rule"),
    [("cloudsso", CLOUDSSO, "cloudsso.cn-shanghai.aliyuncs.com"), ("sts", STS, "sts.aliyuncs.com")],
)
def test_the_strongest_override_wins(service: str, ways: t.Sequence[tuple[str, str]], rule: str) -> None:
    for weakest in range(len(ways)):
        assert endpoints(**dict(ways[weakest:])).resolve(service).url == f"https://{ways[weakest][1]}"
    assert endpoints().resolve(service).url == f"https://{rule}"
    assert endpoints(**{name: "" for name, _url in ways}).resolve(service).url == f"https://{rule}"


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_a_known_region_is_taken_as_it_is(region: str) -> None:
    found = endpoints(region).resolve("cloudsso")
    assert (found.url, found.guessed) == (f"https://cloudsso.{region}.aliyuncs.com", False)


def test_an_unknown_region_is_tried_by_the_rule_and_said_to_be_unknown() -> None:
    found = endpoints("mars-1").resolve("cloudsso")
    assert (found.url, found.guessed) == ("https://cloudsso.mars-1.aliyuncs.com", True)


@pytest.mark.parametrize(
    ("sts_region", "vpc", "host"),
    [
        (None, False, "sts.aliyuncs.com"),
        (None, True, "sts.aliyuncs.com"),
        ("cn-beijing", False, "sts.cn-beijing.aliyuncs.com"),
        ("cn-beijing", True, "sts-vpc.cn-beijing.aliyuncs.com"),
    ],
)
def test_sts_is_global_unless_a_region_is_named(sts_region: str | None, vpc: bool, host: str) -> None:
    found = Endpoints("cn-shanghai", None, None, {}, sts_region=sts_region, sts_vpc=vpc).resolve("sts")
    assert (found.url, found.guessed) == (f"https://{host}", False)


def test_sts_needs_no_region() -> None:
    assert endpoints(None).resolve("sts").url == "https://sts.aliyuncs.com"


def test_a_region_or_an_endpoint_is_needed() -> None:
    with pytest.raises(UsageError, match="ali_region, or ALIBABA_CLOUD_REGION_ID"):
        endpoints(None).resolve("cloudsso")
    assert endpoints(None, endpoint="http://127.0.0.1:80").resolve("cloudsso").url == "http://127.0.0.1:80"


def test_an_override_is_rejected_by_its_name() -> None:
    with pytest.raises(UsageError, match="CLOUDSSO_ENDPOINT: 'http://cloudsso.example.com' would send"):
        endpoints(CLOUDSSO_ENDPOINT="http://cloudsso.example.com").resolve("cloudsso")


@pytest.mark.parametrize("region", ["cn-shanghai", "mars-1"])
def test_inside_a_vpc_services_have_other_hosts(region: str) -> None:
    found = Endpoints(region, None, None, {}, vpc=True).resolve("cloudsso")
    assert (found.url, found.guessed) == (f"https://cloudsso-vpc.{region}.aliyuncs.com", region == "mars-1")
    assert (
        Endpoints(region, None, None, {}, sts_vpc=True).resolve("cloudsso").url
        == f"https://cloudsso.{region}.aliyuncs.com"
    )
    named = Endpoints(region, "https://sso.example.com", None, {}, vpc=True)
    assert named.resolve("cloudsso").url == "https://sso.example.com"


@pytest.mark.parametrize("service", ["cloudsso", "sts"])
@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:1"])
@pytest.mark.parametrize(
    "region", ["a.b", "x.evil.example/?a=", "cn-shanghai\n", "a" * 64, "-a", "..", "a b", "@evil", "a_b", "\u4e2d"]
)
def test_a_region_that_cannot_exist_is_rejected(service: str, endpoint: str | None, region: str) -> None:
    with pytest.raises(UsageError, match="^ali_region: .*is not a region id, such as cn-shanghai"):
        Endpoints(region, endpoint, None, {}).resolve(service)
    with pytest.raises(UsageError, match="^ALIBABA_CLOUD_STS_REGION"):
        Endpoints("cn-shanghai", None, None, {}, sts_region=region).resolve("sts")


def test_an_unknown_region_is_compared_with_known_ones() -> None:
    assert Endpoints("cn-shangai", None, None, {}).resolve("cloudsso").similar == "cn-shanghai"
    assert Endpoints("mars-1", None, None, {}).resolve("cloudsso").similar is None
    assert Endpoints("cn-shanghai", None, None, {}).resolve("cloudsso").similar is None
