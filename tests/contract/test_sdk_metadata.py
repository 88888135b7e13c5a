# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendors' own credential providers get temporary keys from the emulated metadata services.

They know one address each and no other: so the emulator serves as their HTTP proxy.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import typing as t
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from emulator import Emulator, ManualClock
from emulator.alibaba.ram import Role

from .conftest import AlibabaSdk, HuaweiSdk
from .sdk import load


@dataclasses.dataclass(frozen=True)
class Response:
    """Status and text of a response."""

    status: int
    text: str


def ask(emulator: Emulator, method: str, path: str, **headers: str) -> Response:
    """Send a request as a metadata client does."""
    place = urllib.parse.urlsplit(emulator.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with connection.getresponse() as response:
        return Response(response.status, response.read().decode())


# Huawei Cloud

TOKEN, KEY = "/meta-data/latest/api/token", "/openstack/latest/securitykey"


def use_huawei(emulator: Emulator, huawei: HuaweiSdk, access: str, secret: str, token: str) -> None:
    """Read something with a temporary key."""
    credentials = huawei.credentials(access, secret, emulator.project.id).with_security_token(token)
    huawei.client("kps", credentials).list_keypairs(huawei.models["kps"].ListKeypairsRequest())
    assert emulator.requests[-1].identity == access


def test_huawei_provider(emulator: Emulator, huawei: HuaweiSdk, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator.huawei.metadata.agency = (emulator.user.id, emulator.domain.id)
    monkeypatch.setenv("http_proxy", emulator.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    provider = load(
        "huaweicloudsdkcore.auth.provider"
    ).MetadataCredentialProvider.get_basic_credential_metadata_provider()
    found = provider.get_credentials()
    use_huawei(emulator, huawei, found.ak, found.sk, found.security_token)
    assert [entry.operation for entry in emulator.requests[:-1]][-1] == "GetSecurityKey"


def test_huawei_without_agency(emulator: Emulator) -> None:
    response = ask(emulator, "GET", KEY)
    assert response.status == 401
    assert "Please configure Cloud Service Agency first" in response.text


def test_huawei_tokens(emulator: Emulator, huawei: HuaweiSdk, clock: ManualClock) -> None:
    service = emulator.huawei.metadata
    service.agency = (emulator.user.id, emulator.domain.id)
    assert ask(emulator, "GET", KEY).status == 200
    service.needs_token = True
    assert ask(emulator, "GET", KEY).status == 401
    assert ask(emulator, "PUT", TOKEN).status == 400
    token = ask(emulator, "PUT", TOKEN, X_Metadata_Token_Ttl_Seconds="21600").text
    found = json.loads(ask(emulator, "GET", KEY, X_Metadata_Token=token).text)["credential"]
    use_huawei(emulator, huawei, found["access"], found["secret"], found["securitytoken"])
    assert ask(emulator, "GET", KEY, X_Metadata_Token="another").status == 401
    clock.advance(21601)
    assert ask(emulator, "GET", KEY, X_Metadata_Token=token).status == 401
    service.has_tokens = False
    assert ask(emulator, "PUT", TOKEN, X_Metadata_Token_Ttl_Seconds="21600").status == 404


# Alibaba Cloud

ROLES = "/latest/meta-data/ram/security-credentials/"


def use_alibaba(emulator: Emulator, alibaba: AlibabaSdk, access: str, secret: str, token: str) -> None:
    """Read something with a temporary key."""
    alibaba.client(access, secret, token).list_directories()
    assert emulator.requests[-1].identity == access


@pytest.mark.parametrize("hardened", [False, True])
def test_alibaba_provider(emulator: Emulator, alibaba: AlibabaSdk, hardened: bool) -> None:
    emulator.alibaba.metadata.role = emulator.alibaba_account.role
    emulator.alibaba.metadata.needs_token = hardened
    options = load("alibabacloud_credentials.http").HttpOptions(proxy=emulator.url)
    module = load("alibabacloud_credentials.provider.ecs_ram_role")
    provider = module.EcsRamRoleCredentialsProvider(http_options=options, async_update_enabled=False)
    found = provider.get_credentials()
    use_alibaba(emulator, alibaba, found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token())
    assert [entry.operation for entry in emulator.requests[:-1]] == [
        "CreateMetadataToken",
        "ListMetadataRoles",
        "CreateMetadataToken",
        "GetMetadataCredentials",
    ]


def test_alibaba_error_responses(emulator: Emulator, clock: ManualClock) -> None:
    service = emulator.alibaba.metadata
    assert ask(emulator, "GET", ROLES).status == 404
    service.role = emulator.alibaba_account.role
    assert ask(emulator, "GET", ROLES) == Response(200, service.role.name)
    assert ask(emulator, "GET", f"{ROLES}another").status == 404
    service.needs_token = True
    assert ask(emulator, "GET", ROLES).status == 403
    lifetime: t.Any = {"X-aliyun-ecs-metadata-token-ttl-seconds": "60"}
    token = ask(emulator, "PUT", "/latest/api/token", **lifetime).text
    assert ask(emulator, "GET", ROLES, **{"X-aliyun-ecs-metadata-token": token}).status == 200
    clock.advance(61)
    assert ask(emulator, "GET", ROLES, **{"X-aliyun-ecs-metadata-token": token}).status == 401
    service.has_tokens = False
    assert ask(emulator, "PUT", "/latest/api/token", **lifetime).status == 404


# Tokens of identity providers

PROVIDER = "acs:ram::1234567890123456:oidc-provider/ack"


@pytest.fixture
def workload(emulator: Emulator) -> Role:
    """Return a role that trusts the identity provider of a cluster."""
    role = Role("workload", emulator.alibaba_account.id, "", provider=PROVIDER)
    emulator.alibaba.ram.roles.append(role)
    return role


def test_alibaba_provider_of_oidc(
    clock: ManualClock, state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    with Emulator(0, fleet=False, clock=clock, state_dir=state_dir, tls=True) as emulator:
        role = Role("workload", emulator.alibaba_account.id, "", provider=PROVIDER)
        emulator.alibaba.ram.roles.append(role)
        path.write_text(emulator.alibaba.ram.issue_id_token(PROVIDER))
        # The package speaks https only, and trusts what requests trusts without asking the environment.
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(emulator.ca_path))
        provider = load("alibabacloud_credentials.provider.oidc").OIDCRoleArnCredentialsProvider(
            role_arn=role.arn,
            oidc_provider_arn=PROVIDER,
            oidc_token_file_path=str(path),
            role_session_name="test",
            sts_endpoint=emulator.url.removeprefix("https://"),
        )
        found = provider.get_credentials()
        assert found.get_access_key_id() in emulator.alibaba.ram.access_keys
        assert [entry.operation for entry in emulator.requests] == ["AssumeRoleWithOIDC"]


@pytest.mark.parametrize("place", ["query", "form"])
def test_alibaba_tokens_of_identity_providers(
    emulator: Emulator, alibaba: AlibabaSdk, clock: ManualClock, workload: Role, place: str
) -> None:
    token = emulator.alibaba.ram.issue_id_token(PROVIDER, 60)

    def assume(**changed: str) -> t.Any:
        common = {"Action": "AssumeRoleWithOIDC", "Version": "2015-04-01", "Format": "JSON", "Timestamp": "2026-01-01"}
        own = {"RoleArn": workload.arn, "OIDCProviderArn": PROVIDER, "OIDCToken": token, "RoleSessionName": "test"}
        own.update(changed)
        query = {**common, **own} if place == "query" else common
        body = None if place == "query" else urllib.parse.urlencode(own).encode()
        request = urllib.request.Request(f"{emulator.url}/?{urllib.parse.urlencode(query)}", body, method="POST")
        try:
            with urllib.request.urlopen(request) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)["Code"]

    found = assume()["Credentials"]
    use_alibaba(emulator, alibaba, found["AccessKeyId"], found["AccessKeySecret"], found["SecurityToken"])
    assert assume(OIDCToken="nonsense") == (401, "AuthenticationFail.OIDCToken.Invalid")
    assert assume(OIDCProviderArn="other") == (401, "AuthenticationFail.NoPermission")
    assert assume(RoleArn="other") == (401, "AuthenticationFail.NoPermission")
    assert assume(RoleSessionName="") == (400, "MissingRoleSessionName")
    assert assume(DurationSeconds="60") == (400, "InvalidParameter")
    clock.advance(61)
    assert assume() == (401, "AuthenticationFail.OIDCToken.Expired")
