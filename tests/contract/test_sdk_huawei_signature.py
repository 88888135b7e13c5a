# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator's verifier of Huawei signatures beside the official SDK: known, recorded and live requests."""

from __future__ import annotations

import calendar
import dataclasses
import json
import socket
import time
import typing as t
from pathlib import Path

import pytest

from emulator import Emulator, ManualClock
from emulator.huawei import signature
from emulator.huawei.directory import AccessKey, Domain, Project, User
from emulator.messages import Request

from . import oracle, wire
from .conftest import HuaweiSdk
from .sdk import load

VECTOR_ACCESS, VECTOR_SECRET = "AKEXAMPLE0000000001", "SKexample/secret+0000000000000000000001"
RECORDED = calendar.timegm((2026, 11, 21, 17, 34, 56))


def received(vector: dict[str, t.Any]) -> Request:
    """Return a known answer as the request a server would receive."""
    headers = {**vector["headers"], "Authorization": vector["authorization"]}
    headers.setdefault("Host", vector["host"])
    return Request(vector["method"], vector["url"], tuple(headers.items()), vector["body"].encode())


@pytest.mark.parametrize("vector", wire.vectors("huawei"), ids=lambda vector: vector["name"].split()[0])
def test_known_answers(vector: dict[str, t.Any]) -> None:
    request = received(vector)
    authorization = signature.parse(vector["authorization"])
    assert authorization is not None
    assert authorization.access == VECTOR_ACCESS
    assert signature.canonical_request(request, authorization.signed_headers) == vector["canonical"]
    assert signature.holds(request, authorization, VECTOR_SECRET)


@pytest.mark.parametrize("vector", wire.vectors("huawei"), ids=lambda vector: vector["name"].split()[0])
def test_known_answers_altered(vector: dict[str, t.Any]) -> None:
    request = received(vector)
    authorization = signature.parse(vector["authorization"])
    assert authorization is not None
    other = f"{request.target}{'&' if '?' in request.target else '?'}extra=1"
    altered = [
        dataclasses.replace(request, method="PUT"),
        dataclasses.replace(request, target=other),
        dataclasses.replace(request, headers=tuple((name, f"{value}x") for name, value in request.headers)),
    ]
    if request.body and request.header("X-Sdk-Content-Sha256") is None:
        altered.append(dataclasses.replace(request, body=request.body + b" "))
    assert not any(signature.holds(changed, authorization, VECTOR_SECRET) for changed in altered)
    assert not signature.holds(request, authorization, VECTOR_SECRET + "x")


@pytest.mark.parametrize("vector", wire.vectors("huawei"), ids=lambda vector: vector["name"].split()[0])
def test_order_of_the_query_does_not_matter(vector: dict[str, t.Any]) -> None:
    path, mark, query = vector["url"].partition("?")
    turned = dataclasses.replace(received(vector), target=f"{path}{mark}{'&'.join(query.split('&')[::-1])}")
    authorization = signature.parse(vector["authorization"])
    assert authorization is not None
    assert signature.holds(turned, authorization, VECTOR_SECRET)


def test_date_must_be_signed() -> None:
    request = Request("GET", "/v3/projects", (("Host", "iam.example.com"), ("X-Sdk-Date", "20260102T030405Z")))
    valid = signature.expected(request, ("host",), "secret")
    assert not signature.holds(request, signature.Authorization("AK", ("host",), valid), "secret")


@pytest.fixture
def recorded_world(state_dir: Path) -> t.Iterator[Emulator]:
    """Return an emulator at the time and with the account of the recordings."""
    with Emulator(0, fleet=False, clock=ManualClock(RECORDED), state_dir=state_dir) as emulator:
        directory = emulator.huawei.directory
        directory.add_domain(Domain("domain-1", "account"))
        directory.add_user(User("user-1", "user", "pass", "domain-1"))
        directory.add_project(Project(wire.HUAWEI_PROJECT, "cn-north-4", "domain-1"))
        directory.add_project(Project("p-looked-up", "cn-north-4_dev", "domain-1"))
        directory.add_access_key(AccessKey(wire.HUAWEI_ACCESS, wire.HUAWEI_SECRET, "user-1", "domain-1"))
        yield emulator


def exchange(emulator: Emulator, data: bytes) -> tuple[int, dict[str, t.Any]]:
    """Send raw bytes and read until the server closes: the status and the JSON document."""
    host, port = emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(data)
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _blank, body = response.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


#: What the recorded requests ask for is not there, so the best response is the service's own error.
RECORDED_ANSWERS: dict[str, list[tuple[int, str | None]]] = {
    "huawei_csms_list_tasks_by_id": [(200, None)],
    "huawei_csms_list_tasks_paged": [(400, "CSMS.0002"), (400, "CSMS.0002")],
    "huawei_csms_list_tasks_plain": [(200, None)],
    "huawei_iam_projects_by_name": [(200, None)],
    "huawei_iam_token_password": [(201, None)],
    "huawei_kps_associate": [(400, "KPS.0002")],
    "huawei_kps_associate_minimal": [(400, "KPS.0002")],
    "huawei_kps_autoproject": [(200, None), (400, "KPS.0001")],
    "huawei_kps_list_keypair_task": [(400, "KPS.0001")],
    "huawei_kps_list_keypair_task_oddid": [(400, "KPS.0001")],
    "huawei_kps_list_keypair_task_sts": [(400, "KPS.0001")],
    "huawei_sms_show_passphrase": [(404, "SMS.2252")],
}


def test_every_recording_is_replayed() -> None:
    assert wire.names("huawei") == sorted(RECORDED_ANSWERS)


@pytest.mark.parametrize("name", RECORDED_ANSWERS)
def test_recordings(recorded_world: Emulator, name: str) -> None:
    for request, (status, code) in zip(wire.requests(name), RECORDED_ANSWERS[name], strict=True):
        key = recorded_world.huawei.directory.access_keys[wire.HUAWEI_ACCESS]
        key.security_token = request.header("X-Security-Token")
        got, document = exchange(recorded_world, wire.raw(request))
        assert (got, document.get("error_code")) == (status, code), document
        authorization = request.header("Authorization")
        assert authorization is not None
        assert oracle.huawei_authorization(request, wire.HUAWEI_ACCESS, wire.HUAWEI_SECRET) == authorization


def test_recorded_requests_have_the_signature_of_the_signer(emulator: Emulator, huawei: HuaweiSdk) -> None:
    models = huawei.models["kps"]
    client = huawei.client("kps")
    client.list_keypairs(models.ListKeypairsRequest(limit="10", marker="a b/c~*+"))
    client.list_running_task(models.ListRunningTaskRequest(limit=10, offset=0))
    body = models.CreateKeypairRequestBody(models.CreateKeypairAction(name="ünicode"))
    with pytest.raises(load_exception("ClientRequestException")):
        client.create_keypair(models.CreateKeypairRequest(body))
    key = emulator.access_key
    assert oracle.judge_huawei(emulator.requests, key.access, key.secret) == 3


def test_the_oracle_rejects_a_wrong_signature(emulator: Emulator, huawei: HuaweiSdk) -> None:
    huawei.client("kps").list_keypairs(huawei.models["kps"].ListKeypairsRequest())
    with pytest.raises(AssertionError):
        oracle.judge_huawei(emulator.requests, emulator.access_key.access, "another secret")


def load_exception(name: str) -> t.Any:
    """Return an exception class of the SDK."""
    return getattr(load("huaweicloudsdkcore.exceptions.exceptions"), name)


def error_of(huawei: HuaweiSdk, credentials: t.Any) -> tuple[int, str, str]:
    """Return what the SDK makes of the error of a read: status, code and message."""
    error = load_exception("ServiceResponseException")
    with pytest.raises(error) as caught:
        huawei.client("kps", credentials).list_keypairs(huawei.models["kps"].ListKeypairsRequest())
    return caught.value.status_code, caught.value.error_code, caught.value.error_msg


def test_wrong_secret_and_lock(emulator: Emulator, huawei: HuaweiSdk, clock: ManualClock) -> None:
    key, project = emulator.access_key, emulator.project.id
    wrong, right = (
        huawei.credentials(key.access, "wrong", project),
        huawei.credentials(key.access, key.secret, project),
    )
    for _attempt in range(5):
        assert error_of(huawei, wrong) == (
            401,
            "APIGW.0301",
            "Incorrect IAM authentication information: verify aksk signature fail",
        )
    locked = "Incorrect IAM authentication information: AK access failed to reach the limit,forbidden"
    assert error_of(huawei, right) == (401, "APIGW.0301", locked)
    clock.advance(301)
    huawei.client("kps", right).list_keypairs(huawei.models["kps"].ListKeypairsRequest())


def test_failures_must_be_consecutive(emulator: Emulator, huawei: HuaweiSdk) -> None:
    key, project = emulator.access_key, emulator.project.id
    for _round in range(2):
        for _attempt in range(4):
            error_of(huawei, huawei.credentials(key.access, "wrong", project))
        huawei.client("kps").list_keypairs(huawei.models["kps"].ListKeypairsRequest())


def test_a_signature_with_an_unknown_key_is_rejected(emulator: Emulator, huawei: HuaweiSdk) -> None:
    status, code, message = error_of(huawei, huawei.credentials("AKNOBODY", "any", emulator.project.id))
    assert (status, code) == (401, "APIGW.0301")
    assert "ak:AKNOBODY,err:ak not exist" in message


@pytest.mark.parametrize(("seconds", "accepted"), [(-901, False), (-890, True), (890, True), (905, False)])
def test_a_request_with_a_skewed_clock_is_rejected(
    emulator: Emulator, huawei: HuaweiSdk, clock: ManualClock, seconds: float, accepted: bool
) -> None:
    clock.now = time.time() + seconds
    key = emulator.access_key
    credentials = huawei.credentials(key.access, key.secret, emulator.project.id)
    if accepted:
        huawei.client("kps", credentials).list_keypairs(huawei.models["kps"].ListKeypairsRequest())
    else:
        assert error_of(huawei, credentials)[:2] == (401, "APIGW.0301")


def test_temporary_key(emulator: Emulator, huawei: HuaweiSdk, clock: ManualClock) -> None:
    key = emulator.huawei.directory.temporary_key(emulator.user.id, emulator.domain.id, 900)
    credentials = huawei.credentials(key.access, key.secret, emulator.project.id)
    assert "ak not exist" in error_of(huawei, credentials)[2]
    credentials.with_security_token("another token")
    assert "decrypt token fail" in error_of(huawei, credentials)[2]
    credentials.with_security_token(key.security_token)
    client = huawei.client("kps", credentials)
    client.list_keypairs(huawei.models["kps"].ListKeypairsRequest())
    assert oracle.judge_huawei(emulator.requests[-1:], key.access, key.secret) == 1
    clock.advance(899)
    clock.advance(2)
    assert "decrypt token fail" in error_of(huawei, credentials)[2]


def test_projects_must_be_ones_own(emulator: Emulator, huawei: HuaweiSdk) -> None:
    directory = emulator.huawei.directory
    directory.add_domain(Domain("other", "other-account"))
    directory.add_project(Project("not-mine", "cn-north-4", "other"))
    key = emulator.access_key
    for project in ("not-mine", "nowhere"):
        assert error_of(huawei, huawei.credentials(key.access, key.secret, project))[:2] == (403, "APIGW.0302")


def test_header_and_path_must_name_one_project(emulator: Emulator) -> None:
    directory = emulator.huawei.directory
    other = directory.add_project(Project("other-project", "cn-east-3", emulator.domain.id))
    token = directory.issue_token(
        emulator.user, emulator.domain.id, emulator.project.id, domain_scope=False, methods=("password",)
    )
    for named, status in ((emulator.project.id, 200), (other.id, 403)):
        headers = (("Host", "kms.example.com"), ("X-Auth-Token", token.text), ("X-Project-Id", named))
        request = Request("GET", f"/v3/{emulator.project.id}/keypairs", headers)
        assert exchange(emulator, wire.raw(request))[0] == status
