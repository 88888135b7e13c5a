# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of the collection beside those of the vendors' SDKs for the same operation (tests/fixtures/wire)."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.client import AlibabaClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.endpoints import (
    Endpoints as AlibabaEndpoints,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Http, Request, Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.credentials import Password, WantedProject
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.endpoints import Endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import (
    cloudsso,
    csms,
    kps,
    kps_keypairs,
    sms,
)
from emulator import messages

from . import wire

#: Where every recording was made, but for the port.
HOST = "http://127.0.0.1:1"


class Recorder:
    """A transport that keeps what it is given, and never answers."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    def close(self) -> None:
        """Implement ``Transport``; do nothing."""

    def send(self, request: Request, timeout: float) -> Response:
        """Implement ``Transport``."""
        self.sent.append(request)
        raise errors.TransportError("This is a recorder.", possibly_sent=True, permanent=True)


def http(recorder: Recorder) -> Http:
    return Http(recorder, SystemClock(), lambda: 0.5, check_mode=False, timeout=5.0)


def huawei(recorder: Recorder, **how: t.Any) -> HuaweiClient:
    return HuaweiClient(
        http(recorder),
        how.get("credentials", AccessKey(wire.HUAWEI_ACCESS, wire.HUAWEI_SECRET, how.get("token"))),
        Endpoints("cn-north-4", HOST, None, {}),
        project=WantedProject(how.get("project_id", wire.HUAWEI_PROJECT)),
        on_secret=lambda _secret: None,
        on_warning=lambda _text: None,
    )


def alibaba(recorder: Recorder, token: str | None = None) -> AlibabaClient:
    return AlibabaClient(
        http(recorder),
        AccessKey(wire.ALIBABA_ACCESS, wire.ALIBABA_SECRET, token),
        AlibabaEndpoints("cn-shanghai", HOST, None, {}),
        nonce=lambda: "0123456789abcdef",
        on_secret=lambda _secret: None,
        on_warning=lambda _text: None,
    )


#: Recording, which of its requests, and how the collection sends the same.
HUAWEI: list[tuple[str, int, t.Callable[[Recorder], t.Any]]] = [
    ("huawei_csms_list_tasks_by_id", 0, lambda r: csms.show_task(huawei(r), "t-9")),
    (
        "huawei_csms_list_tasks_paged",
        0,
        lambda r: csms.list_tasks(huawei(r), secret_name="my secret/ü", status="FAILED", limit=2),
    ),
    (
        "huawei_csms_list_tasks_paged",
        1,
        lambda r: csms.list_tasks(huawei(r), secret_name="my secret/ü", status="FAILED", limit=2, marker="b"),
    ),
    ("huawei_kps_list_keypair_task", 0, lambda r: kps.show_task(huawei(r), "task-1")),
    ("huawei_kps_list_keypair_task_oddid", 0, lambda r: kps.show_task(huawei(r), "a b/ü~+%")),
    ("huawei_kps_list_keypair_task_sts", 0, lambda r: kps.show_task(huawei(r, token="STS-TOKEN+/="), "task-1")),
    (
        "huawei_kps_associate_minimal",
        0,
        lambda r: kps_keypairs.associate(huawei(r), "s-1", kps_keypairs.Binding("new-key")),
    ),
    (
        "huawei_kps_associate",
        0,
        lambda r: kps_keypairs.associate(
            huawei(r),
            "s-1",
            kps_keypairs.Binding("new-key", kps_keypairs.KpsLogin("keypair", "-----BEGIN…-----"), True, 22),
        ),
    ),
    ("huawei_kps_autoproject", 0, lambda r: kps.show_task(huawei(r, project_id=None), "task-1")),
    ("huawei_kps_autoproject", 1, lambda r: kps.show_task(huawei(r, project_id="p-looked-up"), "task-1")),
    ("huawei_iam_projects_by_name", 0, lambda r: kps.show_task(huawei(r, project_id=None), "task-1")),
    (
        "huawei_iam_token_password",
        0,
        lambda r: kps.show_task(huawei(r, project_id=None, credentials=Password("user", "pass", "account")), "x"),
    ),
    ("huawei_sms_show_passphrase", 0, lambda r: sms.show_passphrase(huawei(r), "t")),
]
#: Its query is that of the SDK without any parameter; the collection always says how many rows it wants.
ELSEWHERE = {"huawei_csms_list_tasks_plain"}

ALIBABA: list[tuple[str, t.Callable[[Recorder], t.Any]]] = [
    ("aliyun_cloudsso_get_task", lambda r: cloudsso.show_task(alibaba(r), "d-00fc2p61****", "t-1")),
    ("aliyun_cloudsso_get_task_status", lambda r: cloudsso.show_status(alibaba(r), "d-00fc2p61****", "t-1")),
    (
        "aliyun_cloudsso_get_task_status_sts",
        lambda r: cloudsso.show_status(alibaba(r, "STS+/=tok"), "d 1/ü~*", "t-1"),
    ),
]


def send(call: t.Callable[[Recorder], t.Any]) -> Request:
    """Return the first request of a call."""
    recorder = Recorder()
    with pytest.raises(errors.CloudError):
        call(recorder)
    return recorder.sent[0]


def without_account(body: bytes) -> bytes:
    """Return a request for a token without the account beside the name of the project.

    The official SDK cannot name it, and IAM does not need it; Keystone does, and Terraform's SDK sends it.
    """
    document = json.loads(body)
    assert document["auth"]["scope"]["project"].pop("domain") == {"name": "account"}
    return json.dumps(document).encode()


def test_every_recording_has_a_request_of_ours() -> None:
    assert {name for name, *_rest in HUAWEI} | ELSEWHERE == set(wire.names("huawei"))
    assert {name for name, _call in ALIBABA} == {name for name in wire.names("aliyun") if "v2sig" not in name}


@pytest.mark.parametrize(("name", "index", "call"), HUAWEI, ids=lambda value: value if isinstance(value, str) else "")
def test_requests_to_huawei_cloud(name: str, index: int, call: t.Callable[[Recorder], t.Any]) -> None:
    recorded = wire.requests(name)[index]
    ours = send(call)
    body = without_account(ours.body) if name == "huawei_iam_token_password" else ours.body
    assert (ours.method, ours.url, body) == (recorded.method, HOST + recorded.target, recorded.body)
    for header in ("X-Project-Id", "X-Security-Token"):
        assert ours.headers.get(header) == recorded.header(header)
    if recorded.header("Content-Type") is not None:
        assert ours.headers["Content-Type"] == recorded.header("Content-Type")


@pytest.mark.parametrize(("name", "call"), ALIBABA, ids=lambda value: value if isinstance(value, str) else "")
def test_requests_to_alibaba_cloud(name: str, call: t.Callable[[Recorder], t.Any]) -> None:
    (recorded,) = wire.requests(name)
    ours = send(call)
    received = messages.Request(ours.method, ours.url.removeprefix(HOST), tuple(ours.headers.items()), ours.body)
    assert (received.method, received.path, received.body) == (recorded.method, recorded.path, recorded.body)
    # The SDK writes a space as a plus sign; both mean the same to the service.
    assert received.pairs(form=True) == recorded.pairs(form=True)
    informational = {"x-acs-credentials-provider", "x-acs-date", "x-acs-signature-nonce"}
    theirs = {key.lower(): value for key, value in recorded.headers if key.lower().startswith("x-acs-")}
    mine = {key.lower(): value for key, value in received.headers if key.lower().startswith("x-acs-")}
    assert set(mine) == set(theirs) - {"x-acs-credentials-provider"}
    assert {key: mine[key] for key in set(mine) - informational} == {
        key: theirs[key] for key in set(mine) - informational
    }
