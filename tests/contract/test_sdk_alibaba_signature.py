# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator's verifier of Alibaba Cloud signatures beside the official SDK: known, recorded and live requests."""

from __future__ import annotations

import calendar
import dataclasses
import http.client
import json
import time
import typing as t
import urllib.parse
from pathlib import Path

import pytest

from emulator import Emulator, ManualClock
from emulator.alibaba import signature
from emulator.alibaba.cloudsso import Directory
from emulator.alibaba.ram import AccessKey
from emulator.messages import Request

from . import oracle, wire
from .conftest import AlibabaSdk
from .sdk import load

RECORDED = calendar.timegm((2026, 11, 21, 17, 34, 58))


def received(vector: dict[str, t.Any]) -> Request:
    """Return a known answer as the request a server would receive."""
    headers = {**vector["headers"], "Authorization": vector["authorization"]}
    query = vector["wire_query"]
    body = vector["body"]
    target = f"{vector['path'] or '/'}?{query}" if query else vector["path"] or "/"
    return Request(vector["method"], target, tuple(headers.items()), body.encode())


@pytest.mark.parametrize("vector", wire.vectors("alibaba"), ids=lambda vector: vector["name"].split()[0])
def test_known_answers(vector: dict[str, t.Any]) -> None:
    request = received(vector)
    claim = signature.claim(request)
    assert claim is not None
    assert claim.access == vector["ak"]
    names = vector["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert signature.canonical_request(request, names) == vector["canonical"]
    assert claim.string_to_sign == vector["string_to_sign"]
    assert claim.holds(vector["sk"])
    assert not claim.holds(vector["sk"] + "x")
    altered = [
        dataclasses.replace(request, method="PUT"),
        dataclasses.replace(request, target=f"{request.target}{'&' if '?' in request.target else '?'}extra=1"),
    ]
    for other in altered:
        claim = signature.claim(other)
        assert claim is not None
        assert not claim.holds(vector["sk"])


#: The vendor's older signature: the same call with both methods.
RPC = {
    "Action": "AssumeRole",
    "Format": "JSON",
    "Version": "2015-04-01",
    "Timestamp": "2026-01-02T03:04:05Z",
    "SignatureNonce": "0123456789abcdef0123456789abcdef",
    "SignatureMethod": "HMAC-SHA1",
    "SignatureVersion": "1.0",
    "AccessKeyId": "LTAIEXAMPLE0000000001",
    "RoleArn": "acs:ram::1234567890123456:role/example",
    "RoleSessionName": "example-session",
    "DurationSeconds": "3600",
}
RPC_SECRET = "SKexampleSecret0000000000000001"


@pytest.mark.parametrize(
    ("method", "response"), [("GET", "hYzhdPmOMhWIxYSeEJKm3nHR8IQ="), ("POST", "vYGyIxnDsYUaSsZ65QrPfNZZP2M=")]
)
def test_known_answers_of_the_older_signature(method: str, response: str) -> None:
    query = urllib.parse.urlencode({**RPC, "Signature": response})
    in_query = Request(method, f"/?{query}", (("Host", "sts.example.com"),))
    form = ("Content-Type", "application/x-www-form-urlencoded")
    in_body = Request(method, "/", (("Host", "sts.example.com"), form), query.encode())
    for request in (in_query, in_body):
        claim = signature.claim(request)
        assert claim is not None
        assert not claim.gap
        assert claim.holds(RPC_SECRET)
        assert not claim.holds(RPC_SECRET + "x")


@pytest.fixture
def recorded_world(state_dir: Path) -> t.Iterator[Emulator]:
    """Return an emulator at the time and with the account of the recordings."""
    with Emulator(0, fleet=False, clock=ManualClock(RECORDED), state_dir=state_dir) as emulator:
        emulator.alibaba.ram.add_access_key(
            AccessKey(wire.ALIBABA_ACCESS, wire.ALIBABA_SECRET, "recorded", "acs:ram::recorded:user/u")
        )
        for name in ("d-00fc2p61****", "d 1/ü~*"):
            directory = Directory(name, "recorded", "recorded", "cn-shanghai", RECORDED)
            emulator.alibaba.directories[name] = directory
        yield emulator


def exchange(emulator: Emulator, request: Request) -> tuple[int, dict[str, t.Any]]:
    """Send a recorded request as it is: the status and the document of the response."""
    place = urllib.parse.urlsplit(emulator.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers:
        connection.putheader(name, value)
    if request.body:
        connection.putheader("Content-Length", str(len(request.body)))
    connection.endheaders(request.body)
    with connection.getresponse() as response:
        return response.status, json.load(response)


@pytest.mark.parametrize("name", wire.names("aliyun"))
def test_recordings(recorded_world: Emulator, name: str) -> None:
    (request,) = wire.requests(name)
    key = recorded_world.alibaba.ram.access_keys[wire.ALIBABA_ACCESS]
    key.security_token = request.header("x-acs-security-token")
    status, document = exchange(recorded_world, request)
    assert (status, document["Code"]) == (404, "EntityNotExists.Task"), document
    authorization = request.header("Authorization")
    if authorization is None:
        assert oracle.alibaba_rpc_signature(request, wire.ALIBABA_SECRET) == dict(request.pairs(form=True))["Signature"]
    else:
        assert oracle.alibaba_authorization(request, wire.ALIBABA_ACCESS, wire.ALIBABA_SECRET) == authorization
    status, document = exchange(recorded_world, request)
    assert (status, document["Code"]) == (400, "SignatureNonceUsed")


def test_every_kind_of_signature_was_recorded() -> None:
    assert len(wire.names("aliyun")) == 5


# live requests of the SDK


def read(alibaba: AlibabaSdk, client: t.Any) -> t.Any:
    """Read something."""
    directory = alibaba.emulator.alibaba_account.directory.id
    return client.list_tasks(alibaba.models.ListTasksRequest(directory_id=directory)).body


def error_of(alibaba: AlibabaSdk, client: t.Any) -> tuple[int, str]:
    """Return status and code of the error of a read."""
    errors = load("alibabacloud_tea_openapi.exceptions")
    with pytest.raises(errors.AlibabaCloudException) as caught:
        read(alibaba, client)
    assert caught.value.message
    return caught.value.status_code, caught.value.code


@pytest.mark.parametrize("settings", [{}, {"signature_algorithm": "v2"}], ids=["newer", "older"])
def test_both_signatures(emulator: Emulator, alibaba: AlibabaSdk, settings: dict[str, str]) -> None:
    client = alibaba.client(**settings)
    for _number in range(3):
        assert read(alibaba, client).total_counts == 0
    last = emulator.requests[-1].request
    if settings:
        secret = emulator.alibaba_account.access_key.secret
        assert last.header("Authorization") is None
        assert oracle.alibaba_rpc_signature(last, secret) == dict(last.pairs(form=True))["Signature"]
    else:
        key = emulator.alibaba_account.access_key
        assert oracle.judge_alibaba(emulator.requests, key.access, key.secret) == 3
        with pytest.raises(AssertionError):
            oracle.judge_alibaba(emulator.requests, key.access, "another secret")


def test_wrong_credentials(emulator: Emulator, alibaba: AlibabaSdk) -> None:
    assert error_of(alibaba, alibaba.client(secret="wrong")) == (400, "SignatureDoesNotMatch")
    assert error_of(alibaba, alibaba.client(access="LTAINOBODY")) == (404, "InvalidAccessKeyId.NotFound")
    emulator.alibaba_account.access_key.active = False
    assert error_of(alibaba, alibaba.client()) == (400, "InvalidAccessKeyId.Inactive")


@pytest.mark.parametrize(("seconds", "accepted"), [(-905, False), (-890, True), (890, True), (905, False)])
def test_a_request_with_a_skewed_clock_is_rejected(
    alibaba: AlibabaSdk, clock: ManualClock, seconds: float, accepted: bool
) -> None:
    clock.now = time.time() + seconds
    if accepted:
        read(alibaba, alibaba.client())
    else:
        assert error_of(alibaba, alibaba.client()) == (400, "InvalidTimeStamp.Expired")


def test_temporary_key(emulator: Emulator, alibaba: AlibabaSdk, clock: ManualClock) -> None:
    account = emulator.alibaba_account
    key = emulator.alibaba.ram.temporary_key(account.id, account.role.arn, 800)
    read(alibaba, alibaba.client(key.access, key.secret, key.security_token))
    assert oracle.judge_alibaba(emulator.requests[-1:], key.access, key.secret) == 1
    read(alibaba, alibaba.client(key.access, key.secret, key.security_token, signature_algorithm="v2"))
    assert error_of(alibaba, alibaba.client(key.access, key.secret)) == (404, "InvalidAccessKeyId.NotFound")
    mismatch = (400, "InvalidSecurityToken.MismatchWithAccessKey")
    assert error_of(alibaba, alibaba.client(key.access, key.secret, "another")) == mismatch
    clock.advance(801)
    expired = (400, "InvalidSecurityToken.Expired")
    assert error_of(alibaba, alibaba.client(key.access, key.secret, key.security_token)) == expired


def send(
    emulator: Emulator, headers: dict[str, str], query: str = "", body: bytes = b""
) -> tuple[int, dict[str, t.Any]]:
    """Sign and send a request with exactly these headers; ``unsigned`` ones have names that start with ``!``."""
    signed = sorted(name for name in headers if not name.startswith("!"))
    sent = tuple((name.removeprefix("!"), value) for name, value in headers.items())
    target = f"/?{query}" if query else "/"
    key = emulator.alibaba_account.access_key
    stub = f"{signature.ALGORITHM} Credential={key.access},SignedHeaders={';'.join(signed)},Signature={'0' * 64}"
    claim = signature.claim(Request("POST", target, (*sent, ("Authorization", stub)), body))
    assert claim is not None
    authorization = stub.replace("0" * 64, claim.compute(key.secret))
    return exchange(emulator, Request("POST", target, (*sent, ("Authorization", authorization)), body))


def headers(emulator: Emulator, **changes: str | None) -> dict[str, str]:
    """Return the headers a request needs; names with underscores for hyphens."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(emulator.clock.time()))
    usual = {
        "host": urllib.parse.urlsplit(emulator.url).netloc,
        "x_acs_action": "ListDirectories",
        "x_acs_version": "2021-05-15",
        "x_acs_date": date,
        "x_acs_signature_nonce": f"nonce-{time.monotonic_ns()}",
        "x_acs_content_sha256": empty,
    }
    merged = {**usual, **changes}
    return {name.replace("_", "-"): value for name, value in merged.items() if value is not None}


def test_every_required_header_must_be_signed(emulator: Emulator) -> None:
    usual = headers(emulator)
    assert send(emulator, usual)[0] == 200
    for name in ("host", "x-acs-version", "x-acs-signature-nonce"):
        given = headers(emulator)
        given[f"!{name}"] = given.pop(name)
        status, document = send(emulator, given)
        assert (status, document["Code"]) == (400, "IncompleteSignature"), name
        assert name in document["Message"]
    status, document = send(emulator, {**headers(emulator), "!content-type": "application/json"})
    assert document["Code"] == "IncompleteSignature"
    status, document = send(emulator, headers(emulator), body=b"not what was hashed")
    assert document["Code"] == "IncompleteSignature"
    assert {"RequestId", "HostId", "Code", "Message", "Recommend"} <= set(document)


def test_dates_and_nonces(emulator: Emulator) -> None:
    assert send(emulator, headers(emulator, x_acs_date="yesterday"))[1]["Code"] == "InvalidTimeStamp.Format"
    assert send(emulator, headers(emulator, x_acs_signature_nonce=None))[1]["Code"] == "MissingSignatureNonce"
    twice = headers(emulator)
    assert send(emulator, twice)[0] == 200
    assert send(emulator, twice)[1]["Code"] == "SignatureNonceUsed"


def test_unknown_actions(emulator: Emulator) -> None:
    for changes in ({"x_acs_action": "DropEverything"}, {"x_acs_version": "1999-01-01"}):
        status, document = send(emulator, headers(emulator, **changes))
        assert (status, document["Code"]) == (404, "InvalidAction.NotFound")


def test_no_signature_at_all(emulator: Emulator) -> None:
    bare = Request("POST", "/?Action=ListDirectories&Version=2021-05-15", (("Host", "x"), ("Content-Length", "0")))
    assert exchange(emulator, bare)[1]["Code"] == "MissingAccessKeyId"


# the token service


def assume(emulator: Emulator, **parameters: str) -> tuple[int, dict[str, t.Any]]:
    """Assume a role by an older request, as the vendor's credentials library does."""
    key = emulator.alibaba_account.access_key
    given = {
        **{name: value for name, value in RPC.items() if name not in ("RoleArn", "DurationSeconds")},
        "AccessKeyId": key.access,
        "RoleArn": emulator.alibaba_account.role.arn,
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(emulator.clock.time())),
        "SignatureNonce": f"nonce-{time.monotonic_ns()}",
        **parameters,
    }
    utils = load("alibabacloud_tea_openapi.utils").Utils
    query = urllib.parse.urlencode({**given, "Signature": utils.get_rpcsignature(given, "GET", key.secret)})
    return exchange(emulator, Request("GET", f"/?{query}", (("Host", urllib.parse.urlsplit(emulator.url).netloc),)))


def test_assume_role(emulator: Emulator, alibaba: AlibabaSdk) -> None:
    status, document = assume(emulator)
    assert status == 200
    found = document["Credentials"]
    assert found["Expiration"].endswith("Z")
    read(alibaba, alibaba.client(found["AccessKeyId"], found["AccessKeySecret"], found["SecurityToken"]))
    assert emulator.requests[-1].identity == found["AccessKeyId"]
    assert assume(emulator, DurationSeconds="899")[0] == 400
    assert assume(emulator, DurationSeconds="3601")[0] == 400
    assert assume(emulator, RoleArn="acs:ram::1:role/nobody")[1]["Code"] == "EntityNotExist.Role"
    assert assume(emulator, RoleArn="")[1]["Code"] == "MissingRoleArn"


def test_assume_role_with_the_newer_signature(emulator: Emulator) -> None:
    query = urllib.parse.urlencode({"RoleArn": emulator.alibaba_account.role.arn, "RoleSessionName": "s"})
    given = headers(emulator, x_acs_action="AssumeRole", x_acs_version="2015-04-01")
    assert send(emulator, given, query)[0] == 200


def test_credentials_library(clock: ManualClock, state_dir: Path) -> None:
    # The vendor's own provider of role credentials, which speaks to its token service by TLS only, gets a key.
    static = load("alibabacloud_credentials.provider.static_ak")
    ram_role = load("alibabacloud_credentials.provider.ram_role_arn")
    with Emulator(0, fleet=False, tls=True, clock=clock, state_dir=state_dir) as emulator:
        account = emulator.alibaba_account
        provider = ram_role.RamRoleArnCredentialsProvider(
            credentials_provider=static.StaticAKCredentialsProvider(
                access_key_id=account.access_key.access, access_key_secret=account.access_key.secret
            ),
            role_arn=account.role.arn,
            role_session_name="library",
            sts_endpoint=urllib.parse.urlsplit(emulator.url).netloc,
        )
        provider._runtime_options["ca"] = str(emulator.ca_path)  # there is no public way to trust another authority
        found = provider.get_credentials()
        key = emulator.alibaba.ram.access_keys[found.get_access_key_id()]
        assert (key.secret, key.security_token) == (found.get_access_key_secret(), found.get_security_token())
        assert emulator.requests[-1].operation == "AssumeRole"
