# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The metadata service of an Alibaba Cloud ECS instance: its two versions, its silence, and how long it may take."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import metadata
from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    CloudError,
    CredentialsError,
    TransportError,
    UnavailableError,
    UsageError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Response
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._alibaba.alibaba import key_document
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    FakeTransport,
    answer,
    lost,
    unreachable,
)

BASE = "http://100.100.100.200"
TOKEN = f"PUT {BASE}/latest/api/token"
ROLES = f"GET {BASE}/latest/meta-data/ram/security-credentials/"
GOOD = {"Code": "Success", **key_document()}
KEY = AccessKey("STS.1", "temporary-secret-1", "temporary-token-1", "ECS metadata", 1767326645.0)


def text(body: str, status: int = 200) -> Response:
    return Response(status, {"content-type": "text/plain"}, body.encode())


def fetch(cloud: FakeTransport, role: str | None = None, deadline: float | None = None, **environ: str) -> AccessKey:
    return metadata.fetch(cloud, cloud.clock, environ, role, deadline)


def test_a_key_is_fetched_with_a_session_token(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, text("session"))
    cloud.expect(ROLES, text("the-role\n"))
    cloud.expect(f"{ROLES}the-role", GOOD)
    assert fetch(cloud) == KEY
    assert cloud.requests[0].headers["X-aliyun-ecs-metadata-token-ttl-seconds"] == "21600"
    assert [request.headers.get("X-aliyun-ecs-metadata-token") for request in cloud.requests[1:]] == ["session"] * 2


def test_a_role_that_is_known_is_not_asked_for(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, text("session"))
    cloud.expect(f"{ROLES}a%2Fb", GOOD)
    assert fetch(cloud, "a/b") == KEY


@pytest.mark.parametrize("answered", [text("no", 404), text(""), lost()], ids=["404", "empty", "lost"])
def test_a_service_without_session_tokens_is_asked_without(cloud: FakeTransport, answered: Response) -> None:
    cloud.expect(TOKEN, answered)
    cloud.expect(f"{ROLES}r", GOOD)
    assert fetch(cloud, "r") == KEY
    assert "X-aliyun-ecs-metadata-token" not in cloud.requests[1].headers


def test_a_service_without_session_tokens_may_be_forbidden(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, text("no", 404))
    with pytest.raises(CredentialsError, match="ALIBABA_CLOUD_IMDSV1_DISABLED demands one"):
        fetch(cloud, "r", ALIBABA_CLOUD_IMDSV1_DISABLED="true")


def test_a_missing_service_is_noticed_at_the_first_request(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, unreachable())
    with pytest.raises(CredentialsError, match="No connection"):
        fetch(cloud)


def test_a_variable_may_forbid_the_metadata_service(cloud: FakeTransport) -> None:
    with pytest.raises(CredentialsError, match="ALIBABA_CLOUD_ECS_METADATA_DISABLED"):
        fetch(cloud, ALIBABA_CLOUD_ECS_METADATA_DISABLED="true")


def test_a_first_request_to_the_metadata_service_takes_three_seconds_at_most(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, text("session"), took=9.0)
    cloud.expect(ROLES, text("the-role"), took=0.9)
    cloud.expect(f"{ROLES}the-role", GOOD, took=9.0)
    with pytest.raises(TransportError, match="no response within"):
        fetch(cloud)
    assert cloud.timeouts == [1.0, 1.0, 1.0]
    assert cloud.clock.now - 1000.0 == pytest.approx(2.9)


def test_another_address_is_checked_like_any_endpoint(cloud: FakeTransport) -> None:
    cloud.expect("PUT http://127.0.0.1:80/latest/api/token", unreachable())
    with pytest.raises(CredentialsError):
        fetch(cloud, ALI_METADATA_ENDPOINT="http://127.0.0.1:80")
    with pytest.raises(UsageError, match="ALI_METADATA_ENDPOINT"):
        fetch(cloud, ALI_METADATA_ENDPOINT="http://metadata.example.com")


@pytest.mark.parametrize(
    ("answered", "words"),
    [
        (text("not here", 404), "HTTP 404"),
        (answer({"Code": "Failed", "AccessKeySecret": "top-secret"}), "code Failed"),
        (answer({"AccessKeySecret": "top-secret"}), "no code that is known"),
        (answer({"Code": "topsecret", "AccessKeySecret": "topsecret"}), "no code that is known"),
        (answer({"Code": "Success", "AccessKeySecret": "top-secret"}), "without a complete key"),
        (text('{"AccessKeySecret": "top-secret"'), "not a JSON object"),
        (text("[]"), "not a JSON object"),
    ],
)
def test_responses_without_a_key(cloud: FakeTransport, answered: Response, words: str) -> None:
    cloud.expect(TOKEN, text("session"))
    cloud.expect(f"{ROLES}r", answered)
    with pytest.raises(CredentialsError, match=words) as caught:
        fetch(cloud, "r")
    assert "top-secret" not in str(caught.value)


@pytest.mark.parametrize("answered", [text("", 200), text("Not Found", 404)])
def test_an_instance_without_a_role(cloud: FakeTransport, answered: Response) -> None:
    cloud.expect(TOKEN, text("session"))
    cloud.expect(ROLES, answered)
    with pytest.raises(CredentialsError, match="names no role"):
        fetch(cloud)


# A service that is there and unwell


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("deadline", [None, 1060.0], ids=["first", "renewal"])
def test_a_temporary_error_is_retried(cloud: FakeTransport, status: int, deadline: float | None) -> None:
    cloud.expect(TOKEN, text("session"))
    cloud.expect(f"{ROLES}r", text("top-secret", status))
    cloud.expect(f"{ROLES}r", GOOD)
    assert fetch(cloud, "r", deadline) == KEY
    assert cloud.clock.sleeps == [0.25]


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [(text("top-secret", 503), UnavailableError), (lost(), TransportError), (unreachable(), TransportError)],
)
def test_a_temporary_error_is_retried_for_a_bounded_time(
    cloud: FakeTransport, outcome: t.Any, kind: type[CloudError]
) -> None:
    cloud.expect(TOKEN, text("session"))
    cloud.always(f"{ROLES}r", outcome, took=0.5)
    with pytest.raises(kind) as caught:
        fetch(cloud, "r", 1060.0)
    assert 10.0 < cloud.clock.now - 1000.0 <= 15.0
    assert len(cloud.requests) < 12, "pauses grow"
    assert "top-secret" not in str(caught.value)


def test_a_deadline_that_is_nearer_holds(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, text("session"))
    cloud.always(f"{ROLES}r", text("", 503))
    with pytest.raises(UnavailableError, match="answered with HTTP 503"):
        fetch(cloud, "r", 1002.0)
    assert cloud.clock.now - 1000.0 <= 2.0


def test_a_service_that_refuses_a_connection_counts_as_absent_the_first_time_only(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, unreachable())
    with pytest.raises(CredentialsError):
        fetch(cloud, "r")
    cloud.expect(TOKEN, unreachable())
    cloud.expect(f"{ROLES}r", unreachable())
    cloud.expect(f"{ROLES}r", GOOD)
    assert fetch(cloud, "r", 1060.0) == KEY


@pytest.mark.parametrize("status", [401, 403])
def test_a_lost_session_token_is_requested_again_when_it_is_required(cloud: FakeTransport, status: int) -> None:
    cloud.expect(TOKEN, lost())
    cloud.expect(f"{ROLES}r", text("Forbidden", status))
    cloud.expect(TOKEN, text("busy", 503))
    cloud.expect(TOKEN, text("session"))
    cloud.expect(f"{ROLES}r", GOOD)
    assert fetch(cloud, "r", 1060.0) == KEY
    assert cloud.requests[-1].headers["X-aliyun-ecs-metadata-token"] == "session"


def test_a_temporary_error_is_retried_where_a_token_is_needed(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, text("busy", 503))
    cloud.expect(TOKEN, text("session"))
    cloud.expect(f"{ROLES}r", GOOD)
    assert fetch(cloud, "r", 1060.0, ALIBABA_CLOUD_IMDSV1_DISABLED="true") == KEY


# A credentials URI


def test_an_address_hands_out_keys(cloud: FakeTransport) -> None:
    cloud.expect("GET http://127.0.0.1:80/keys/of?me=1", text("", 503))
    cloud.expect("GET http://127.0.0.1:80/keys/of?me=1", GOOD)
    key = metadata.fetch_from(cloud, cloud.clock, "http://127.0.0.1:80/keys/of?me=1", 1060.0)
    assert (key.access_key, key.source, key.expires) == ("STS.1", "credentials URI", KEY.expires)


@pytest.mark.parametrize(
    ("answered", "words"),
    [
        (text("top-secret", 404), "answered with HTTP 404"),
        (answer({"Code": "Failed"}), "code Failed"),
        (answer({"Code": "Success", "AccessKeyId": "a"}), "without a complete key"),
        (answer({"Code": "Success", **key_document(), "SecurityToken": 7}), "without a complete key"),
        (text("[" * 100_000), "not a JSON object"),
    ],
)
def test_an_address_that_hands_out_no_key(cloud: FakeTransport, answered: Response, words: str) -> None:
    cloud.expect("GET http://127.0.0.1/keys?token=top-secret", answered)
    with pytest.raises(CredentialsError, match=f"^http://127.0.0.1/keys .*{words}") as caught:
        metadata.fetch_from(cloud, cloud.clock, "http://127.0.0.1/keys?token=top-secret", 1060.0)
    assert "top-secret" not in str(caught.value)
