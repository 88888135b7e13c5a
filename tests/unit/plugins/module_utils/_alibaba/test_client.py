# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Alibaba Cloud client: what it sends, what it repeats, the clock it corrects once, and the keys it gets and renews."""

from __future__ import annotations

import calendar
import re
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import signing
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.client import AlibabaOperation
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.credentials import (
    OidcRole,
    RamRole,
    RoleSettings,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.endpoints import Endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey, RefreshableKey
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.files import UserFile
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._alibaba.alibaba import (
    ACCESS_KEY,
    CLOUDSSO,
    DIRECTORY,
    SECRET_KEY,
    STS,
    ali_client,
    error_response,
    key_document,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    EPOCH,
    FakeTransport,
    answer,
    cut,
    html,
    lost,
    nowhere,
    unreachable,
)

READ = AlibabaOperation(
    service="cloudsso",
    name="GetThing",
    version="2021-05-15",
    read_only=True,
    response_key="Thing",
    iam_action="cloudsso:GetThing",
)
URL = f"POST {CLOUDSSO}/?DirectoryId={DIRECTORY}"
QUERY = {"DirectoryId": DIRECTORY}
GOOD = {"Thing": {"Id": "x"}}
ROLE = RamRole(
    AccessKey(ACCESS_KEY, SECRET_KEY), "acs:ram::1:role/r", RoleSettings("session", 3600), "environment, role"
)
ASSUME = f"POST {STS}/?DurationSeconds=3600&RoleArn=acs%3Aram%3A%3A1%3Arole%2Fr&RoleSessionName=session"


def sent_at(cloud: FakeTransport, index: int) -> float:
    """Return the date in a request's signature, in seconds since the epoch."""
    return calendar.timegm(time.strptime(cloud.requests[index].headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ"))


def http_date(epoch: float) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(epoch))


def test_a_request_is_a_post_with_an_empty_body_and_all_in_the_query(cloud: FakeTransport) -> None:
    cloud.expect(f"{URL}&Filter=StartTime%20ge%20x&MaxResults=20", GOOD)
    query = {**QUERY, "Filter": "StartTime ge x", "MaxResults": 20, "NextToken": None, "Status": ""}
    assert ali_client(cloud).call(READ, query) == GOOD
    request = cloud.requests[0]
    assert request.body == b""
    signed = {
        "host": "cloudsso.cn-shanghai.aliyuncs.com",
        "x-acs-action": "GetThing",
        "x-acs-version": "2021-05-15",
        "x-acs-date": signing.acs_date(EPOCH),
        "x-acs-signature-nonce": "nonce-1",
        "x-acs-content-sha256": signing.content_hash(b""),
    }
    assert signed.items() <= request.headers.items()
    parameters = {"DirectoryId": DIRECTORY, "Filter": "StartTime ge x", "MaxResults": "20"}
    expected = signing.authorization("POST", "/", parameters, signed, ACCESS_KEY, SECRET_KEY)
    assert request.headers["Authorization"] == expected
    assert not {name for name in request.headers if name.lower() == "content-type"}


def test_a_temporary_key_sends_its_token_signed(cloud: FakeTransport) -> None:
    cloud.expect(URL, GOOD)
    ali_client(cloud, key=AccessKey("STS.1", "secret", "token")).call(READ, QUERY)
    headers = cloud.requests[0].headers
    assert (headers["x-acs-accesskey-id"], headers["x-acs-security-token"]) == ("STS.1", "token")
    listed = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert {"host", *(name for name in headers if name.startswith("x-acs-"))} == set(listed)


@pytest.mark.parametrize(
    "failure",
    [
        error_response(503, "ServiceUnavailable"),
        error_response(400, "SignatureNonceUsed"),
        error_response(500, "InternalError"),
        cut(),
        lost(),
    ],
    ids=["503", "nonce", "500", "cut", "lost"],
)
def test_a_read_is_repeated_with_a_new_date_and_nonce(cloud: FakeTransport, failure: t.Any) -> None:
    cloud.expect(URL, failure)
    cloud.expect(URL, GOOD)
    assert ali_client(cloud).call(READ, QUERY) == GOOD
    first, second = (request.headers for request in cloud.requests)
    assert first["x-acs-signature-nonce"] != second["x-acs-signature-nonce"]
    assert first["Authorization"] != second["Authorization"]
    assert cloud.clock.sleeps == [0.5]


def test_throttling_is_waited_for_as_long_as_the_service_says(cloud: FakeTransport) -> None:
    cloud.expect(URL, error_response(400, "Throttling.User", x_acs_retry_after="2500"))
    cloud.expect(URL, GOOD)
    ali_client(cloud).call(READ, QUERY)
    assert cloud.clock.sleeps == [3.0]


@pytest.mark.parametrize(
    "failure",
    [error_response(403, "NoPermission"), error_response(404, "EntityNotExists.Directory"), html(), answer([1])],
    ids=str,
)
def test_a_permanent_error_is_not_repeated(cloud: FakeTransport, failure: t.Any) -> None:
    cloud.expect(URL, failure)
    with pytest.raises(errors.CloudError):
        ali_client(cloud).call(READ, QUERY)
    assert cloud.clock.sleeps == []


@pytest.mark.parametrize(
    "code", ["SignatureDoesNotMatch", "InvalidAccessKeyId.NotFound", "InvalidSecurityToken.Expired"]
)
def test_a_rejected_key_is_not_tried_again(cloud: FakeTransport, code: str) -> None:
    cloud.expect(URL, error_response(400, code))
    with pytest.raises(errors.AuthenticationError):
        ali_client(cloud).call(READ, QUERY)


@pytest.mark.parametrize("ahead", [7200.0, -7200.0])
def test_a_wrong_clock_is_corrected_once_by_the_date_of_the_response(cloud: FakeTransport, ahead: float) -> None:
    cloud.expect(URL, error_response(400, "InvalidTimeStamp.Expired", date=http_date(EPOCH + ahead)))
    cloud.expect(URL, GOOD, times=2)
    client = ali_client(cloud)
    client.call(READ, QUERY)
    client.call(READ, QUERY)
    assert sent_at(cloud, 0) == EPOCH
    assert sent_at(cloud, 1) == pytest.approx(EPOCH + ahead, abs=1.5)
    assert sent_at(cloud, 2) == pytest.approx(EPOCH + ahead, abs=1.5)
    assert cloud.clock.sleeps == []


def test_a_clock_is_corrected_only_once(cloud: FakeTransport) -> None:
    cloud.expect(URL, error_response(400, "InvalidTimeStamp.Expired", date=http_date(EPOCH + 7200)), times=2)
    client = ali_client(cloud)
    with pytest.raises(errors.AuthenticationError, match=r"InvalidTimeStamp\.Expired"):
        client.call(READ, QUERY)
    assert not client.renewable()
    cloud.expect(URL, error_response(400, "InvalidTimeStamp.Expired", date=http_date(EPOCH + 7200)))
    with pytest.raises(errors.AuthenticationError):
        client.call(READ, QUERY)


@pytest.mark.parametrize("code", ["InvalidTimeStamp.Format", "SignatureDoesNotMatch"])
def test_a_clock_is_corrected_for_no_other_reason(cloud: FakeTransport, code: str) -> None:
    cloud.expect(URL, error_response(400, code, date=http_date(EPOCH + 7200)))
    with pytest.raises(errors.AuthenticationError):
        ali_client(cloud).call(READ, QUERY)


def test_a_clock_cannot_be_corrected_without_a_date(cloud: FakeTransport) -> None:
    cloud.expect(URL, error_response(400, "InvalidTimeStamp.Expired"))
    with pytest.raises(errors.AuthenticationError, match="Set the clock"):
        ali_client(cloud).call(READ, QUERY)


def test_a_single_call_leaves_the_correction_to_the_next(cloud: FakeTransport) -> None:
    cloud.expect(URL, error_response(400, "InvalidTimeStamp.Expired", date=http_date(EPOCH + 7200)))
    cloud.expect(URL, GOOD)
    client = ali_client(cloud)
    assert not client.renewable()
    with pytest.raises(errors.AuthenticationError):
        client.once(READ, QUERY, timeout=5.0)
    assert client.renewable()
    client.renew(5.0)
    assert client.once(READ, QUERY, timeout=5.0) == GOOD
    assert not client.renewable()


def test_the_time_of_the_service_is_that_of_its_last_response(cloud: FakeTransport) -> None:
    client = ali_client(cloud)
    assert client.server_time() is None
    cloud.expect(URL, answer(GOOD, date=http_date(EPOCH + 100)), took=0.5)
    client.call(READ, QUERY)
    cloud.clock.sleep(10)
    assert client.server_time() == pytest.approx(EPOCH + 110)


def test_a_response_without_a_date_says_no_time(cloud: FakeTransport) -> None:
    client = ali_client(cloud)
    cloud.expect(URL, GOOD)
    client.call(READ, QUERY)
    assert client.server_time() is None


def test_a_role_is_assumed_once_and_its_key_signs(cloud: FakeTransport) -> None:
    secrets: list[str] = []
    client = ali_client(cloud, key=ROLE, secrets=secrets)
    cloud.expect(ASSUME, {"Credentials": key_document()})
    cloud.expect(URL, GOOD, times=2)
    client.call(READ, QUERY)
    client.call(READ, QUERY)
    assume, first = cloud.requests[0].headers, cloud.requests[1].headers
    assert (assume["x-acs-action"], assume["x-acs-version"]) == ("AssumeRole", "2015-04-01")
    assert f"Credential={ACCESS_KEY}," in assume["Authorization"]
    assert "x-acs-security-token" not in assume
    assert "Credential=STS.1," in first["Authorization"]
    assert first["x-acs-security-token"] == "temporary-token-1"
    assert secrets == ["temporary-secret-1", "temporary-token-1"]
    assert client.credentials_source == "environment, role"


def test_a_key_is_renewed_before_it_ends(cloud: FakeTransport) -> None:
    client = ali_client(cloud, key=ROLE)
    cloud.expect(ASSUME, {"Credentials": key_document(1)})
    cloud.expect(URL, GOOD)
    client.call(READ, QUERY)
    cloud.clock.sleep(3600 - 300)
    cloud.expect(ASSUME, {"Credentials": key_document(2, "2026-01-02T05:04:05Z")})
    cloud.expect(URL, GOOD)
    client.call(READ, QUERY)
    assert "Credential=STS.2," in cloud.requests[-1].headers["Authorization"]


def test_a_rejected_temporary_key_is_renewed_once(cloud: FakeTransport) -> None:
    cloud.expect(ASSUME, {"Credentials": key_document(1)})
    cloud.expect(URL, error_response(400, "InvalidSecurityToken.Expired"))
    cloud.expect(ASSUME, {"Credentials": key_document(2)})
    cloud.expect(URL, error_response(400, "InvalidSecurityToken.Expired"))
    with pytest.raises(errors.AuthenticationError):
        ali_client(cloud, key=ROLE).call(READ, QUERY)


def test_a_role_may_be_assumed_with_a_role(cloud: FakeTransport) -> None:
    outer = RamRole(ROLE, "acs:ram::2:role/s", RoleSettings("other", 900, "external", '{"Version": "1"}'), "x, role")
    cloud.expect(ASSUME, {"Credentials": key_document(1)})
    cloud.expect(
        f"POST {STS}/?DurationSeconds=900&ExternalId=external&Policy=%7B%22Version%22%3A%20%221%22%7D"
        "&RoleArn=acs%3Aram%3A%3A2%3Arole%2Fs&RoleSessionName=other",
        {"Credentials": key_document(2)},
    )
    cloud.expect(URL, GOOD)
    ali_client(cloud, key=outer).call(READ, QUERY)
    signers = [request.headers["Authorization"].split("Credential=")[1].split(",")[0] for request in cloud.requests]
    assert signers == [ACCESS_KEY, "STS.1", "STS.2"]


def test_a_role_that_may_not_be_assumed(cloud: FakeTransport) -> None:
    cloud.expect(ASSUME, error_response(403, "NoPermission", "You are not authorized to do this action."))
    with pytest.raises(errors.ForbiddenError, match="STS AssumeRole .*sts:AssumeRole"):
        ali_client(cloud, key=ROLE).call(READ, QUERY)


@pytest.mark.parametrize("missing", ["AccessKeyId", "AccessKeySecret", "SecurityToken"])
def test_half_a_key_is_not_a_key(cloud: FakeTransport, missing: str) -> None:
    document = {**key_document(), missing: ""}
    cloud.expect(ASSUME, {"Credentials": document})
    with pytest.raises(errors.CredentialsError, match="without a complete key") as caught:
        ali_client(cloud, key=ROLE).call(READ, QUERY)
    assert "temporary" not in str(caught.value)


def test_an_invalid_response_with_a_key_in_it_is_not_quoted(cloud: FakeTransport) -> None:
    half = answer({"Credentials": key_document()})
    cloud.expect(ASSUME, type(half)(200, half.headers, half.body[:-5]))
    with pytest.raises(errors.InvalidResponseError, match="not shown") as caught:
        ali_client(cloud, key=ROLE).once(READ, QUERY, timeout=5.0)
    assert "temporary-secret" not in str(caught.value)


def test_keys_that_a_service_hands_out_are_fetched_again_when_they_are_rejected(cloud: FakeTransport) -> None:
    keys = iter([AccessKey("K2", "secret-2", "token-2", "somewhere")])
    secrets: list[str] = []
    first = AccessKey("K1", "secret-1", "token-1", "somewhere")
    fetched = RefreshableKey("somewhere", lambda _deadline: next(keys), first)
    client = ali_client(cloud, key=fetched, secrets=secrets)
    cloud.expect(URL, error_response(400, "InvalidSecurityToken.Expired"))
    cloud.expect(URL, GOOD)
    assert client.call(READ, QUERY) == GOOD
    assert "Credential=K2," in cloud.requests[1].headers["Authorization"]
    assert secrets == ["secret-1", "token-1", "secret-2", "token-2"]
    assert client.credentials_source == "somewhere"


def test_an_unknown_region_is_warned_about_once(cloud: FakeTransport) -> None:
    warnings: list[str] = []
    client = ali_client(cloud, region="mars-1", warnings=warnings)
    cloud.expect(f"POST https://cloudsso.mars-1.aliyuncs.com/?DirectoryId={DIRECTORY}", GOOD, times=2)
    client.call(READ, QUERY)
    client.call(READ, QUERY)
    assert len(warnings) == 1
    assert "'mars-1' is not in the list of regions of CLOUDSSO" in warnings[0]
    assert "ali_endpoint" in warnings[0]


@pytest.mark.parametrize(
    ("region", "meant"),
    [("cn-shangai", "Is cn-shanghai meant?"), ("CN-Shanghai", "Is cn-shanghai meant?"), ("mars-1", "")],
)
def test_a_region_whose_host_does_not_exist_fails_at_once(cloud: FakeTransport, region: str, meant: str) -> None:
    warnings: list[str] = []
    cloud.expect(f"POST https://cloudsso.{region}.aliyuncs.com/?DirectoryId={DIRECTORY}", nowhere())
    with pytest.raises(
        errors.TransportError, match=f"Check ali_region: .*{re.escape(meant)}.*set ali_endpoint"
    ) as caught:
        ali_client(cloud, region=region, warnings=warnings).call(READ, QUERY)
    assert caught.value.permanent
    assert meant in warnings[0]
    assert cloud.clock.sleeps == []


def test_the_region_of_sts_has_a_setting_of_its_own(cloud: FakeTransport) -> None:
    places = Endpoints("cn-shanghai", None, None, {}, sts_region="mars-1")
    cloud.expect(ASSUME.replace(STS, "https://sts.mars-1.aliyuncs.com"), nowhere())
    with pytest.raises(errors.TransportError, match="Check ALIBABA_CLOUD_STS_REGION"):
        ali_client(cloud, key=ROLE, endpoints=places).call(READ, QUERY)


def test_a_host_that_has_answered_exists(cloud: FakeTransport) -> None:
    client = ali_client(cloud)
    cloud.expect(URL, GOOD)
    client.call(READ, QUERY)
    cloud.expect(URL, nowhere())
    cloud.expect(URL, GOOD)
    assert client.call(READ, QUERY) == GOOD


def test_a_host_that_the_user_named_may_come_back(cloud: FakeTransport) -> None:
    places = Endpoints("cn-shanghai", "https://sso.example.com", None, {})
    for outcome in (nowhere(), GOOD):
        cloud.expect(URL.replace(CLOUDSSO, "https://sso.example.com"), outcome)
    assert ali_client(cloud, endpoints=places).call(READ, QUERY) == GOOD


# Logins that fail


@pytest.mark.parametrize(
    "refused",
    [
        error_response(403, "NoPermission"),
        error_response(400, "InvalidParameter.RoleArn"),
        error_response(404, "EntityNotExist.Role"),
        error_response(404, "InvalidAccessKeyId.NotFound"),
        answer({"Credentials": {}}),
    ],
    ids=["403", "400", "404", "key", "nothing"],
)
def test_a_rejected_login_is_sent_once_for_all_requests(cloud: FakeTransport, refused: t.Any) -> None:
    cloud.expect(ASSUME, refused)
    client = ali_client(cloud, key=ROLE)
    for _task in range(30):
        with pytest.raises(errors.CloudError) as caught:
            client.once(READ, QUERY, timeout=5.0)
        assert (caught.value.unsent, client.renewable()) == (True, False)
    with pytest.raises(errors.CloudError):
        client.call(READ, QUERY)
    assert len(cloud.requests) == 1


@pytest.mark.parametrize(
    "outcome", [error_response(503, "ServiceUnavailable"), error_response(403, "NoPermission"), lost()], ids=str
)
def test_a_renewal_that_fails_early_does_not_keep_a_good_key_from_being_used(
    cloud: FakeTransport, outcome: t.Any
) -> None:
    client = ali_client(cloud, key=ROLE)
    cloud.expect(ASSUME, {"Credentials": key_document(1)})
    cloud.expect(URL, GOOD)
    client.call(READ, QUERY)
    cloud.clock.sleep(3600 - 300)
    cloud.expect(ASSUME, outcome)
    cloud.expect(URL, GOOD)
    assert client.once(READ, QUERY, timeout=10.0) == GOOD
    assert "Credential=STS.1," in cloud.requests[-1].headers["Authorization"]
    cloud.clock.sleep(300)
    cloud.expect(ASSUME, {"Credentials": key_document(2, "2026-01-02T05:04:05Z")})
    cloud.expect(URL, GOOD)
    assert client.once(READ, QUERY, timeout=10.0) == GOOD


def test_a_failing_login_before_a_write_is_not_a_write(cloud: FakeTransport) -> None:
    write = AlibabaOperation(
        service="cloudsso",
        name="DeleteThing",
        version="2021-05-15",
        read_only=False,
        response_key="Thing",
    )
    cloud.expect(ASSUME, error_response(503, "ServiceUnavailable"))
    with pytest.raises(errors.UnavailableError) as caught:
        ali_client(cloud, key=ROLE).once(write, QUERY, timeout=5.0)
    assert not caught.value.outcome_unknown


def test_a_wrong_clock_is_corrected_for_the_login_itself(cloud: FakeTransport) -> None:
    cloud.expect(ASSUME, error_response(400, "InvalidTimeStamp.Expired", date=http_date(EPOCH + 7200)))
    cloud.expect(ASSUME, {"Credentials": key_document(1, "2026-01-02T06:04:05Z")})
    cloud.expect(URL, GOOD)
    assert ali_client(cloud, key=ROLE).once(READ, QUERY, timeout=5.0) == GOOD


# Tokens of identity providers

OIDC_URL = "POST {}/?Action=AssumeRoleWithOIDC&Format=JSON&Timestamp=2026-01-02T03%3A04%3A{}Z&Version=2015-04-01"


def oidc(path: Path, policy: str | None = None) -> OidcRole:
    file = UserFile(str(path), "~/token", True)
    return OidcRole(
        "acs:ram::1:role/r", "acs:ram::1:oidc-provider/p", file, RoleSettings("me", 900, None, policy), "oidc"
    )


def form(token: str, **more: str) -> dict[str, str]:
    return {
        "RoleArn": "acs:ram::1:role/r",
        "OIDCProviderArn": "acs:ram::1:oidc-provider/p",
        "OIDCToken": token,
        "RoleSessionName": "me",
        "DurationSeconds": "900",
        **more,
    }


def test_a_token_of_an_identity_provider_gets_a_key_without_a_signature(cloud: FakeTransport, tmp_path: Path) -> None:
    path, secrets = tmp_path / "token", list[str]()
    path.write_text("token-1\n")
    client = ali_client(cloud, key=oidc(path, '{"Version": "1"}'), secrets=secrets)
    sent = form("token-1", Policy='{"Version": "1"}')
    cloud.expect(OIDC_URL.format(STS, "05"), {"Credentials": key_document(1)}, body=sent)
    cloud.expect(URL, GOOD, times=2)
    client.call(READ, QUERY)
    client.call(READ, QUERY)
    names = {name.lower() for name in cloud.requests[0].headers}
    assert not {name for name in names if name.startswith("x-acs") or name == "authorization"}
    assert "token-1" not in cloud.requests[0].url, "gateways log queries"
    assert "Credential=STS.1," in cloud.requests[1].headers["Authorization"]
    assert secrets == ["token-1", "temporary-secret-1", "temporary-token-1"]


def test_the_token_of_an_identity_provider_is_read_for_each_login(cloud: FakeTransport, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("token-1")
    client = ali_client(cloud, key=oidc(path))
    cloud.expect(OIDC_URL.format(STS, "05"), {"Credentials": key_document(1)}, body=form("token-1"))
    cloud.expect(URL, error_response(400, "InvalidSecurityToken.Expired"), took=0.0)
    with pytest.raises(errors.AuthenticationError):
        client.once(READ, QUERY, timeout=5.0)
    assert client.renewable()
    path.write_text("token-2")
    cloud.expect(OIDC_URL.format(STS, "05"), {"Credentials": key_document(2)}, body=form("token-2"))
    client.renew(5.0)
    cloud.expect(URL, GOOD)
    assert client.once(READ, QUERY, timeout=5.0) == GOOD
    assert "Credential=STS.2," in cloud.requests[-1].headers["Authorization"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There is no file ~/token"),
        ("", "must hold a token"),
        ("a\nb", "must hold a token"),
        ("{ }", "must hold"),
    ],
)
def test_a_token_that_is_not_there_is_reported_once(
    cloud: FakeTransport, tmp_path: Path, content: str | None, words: str
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    client = ali_client(cloud, key=oidc(path))
    for _task in range(3):
        with pytest.raises(errors.CredentialsError, match=words):
            client.once(READ, QUERY, timeout=5.0)


def test_a_rejected_token_of_an_identity_provider_is_named_as_the_cause(cloud: FakeTransport, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("token-1")
    refused = error_response(401, "AuthenticationFail.OIDCToken.Expired", "This JsonWebToken is expired.")
    cloud.expect(OIDC_URL.format(STS, "05"), refused, body=form("token-1"))
    with pytest.raises(errors.AuthenticationError, match="token of the identity provider") as caught:
        ali_client(cloud, key=oidc(path)).call(READ, QUERY)
    assert "ali_access_key_secret" not in str(caught.value)


def test_a_service_that_refuses_connections_does_not_blame_the_region(cloud: FakeTransport) -> None:
    cloud.expect(URL, unreachable())
    cloud.expect(URL, GOOD)
    assert ali_client(cloud).call(READ, QUERY) == GOOD


def test_a_write_is_rejected_in_check_mode(cloud: FakeTransport) -> None:
    write = AlibabaOperation(
        service="cloudsso",
        name="DeleteThing",
        version="2021-05-15",
        read_only=False,
        response_key="Thing",
    )
    with pytest.raises(errors.CheckModeWriteError):
        ali_client(cloud).call(write, QUERY)
