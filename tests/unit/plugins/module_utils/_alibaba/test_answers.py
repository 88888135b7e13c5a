# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refusals of Alibaba Cloud become: both spellings of the envelope, the codes, the waits, and what is not repeated."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _errors as errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.answers import (
    read_refusal,
    refuse,
    wait_for,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._refusal import Refusal
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import EPOCH, answer, html

DATE = "Fri, 02 Jan 2026 04:04:05 GMT"


def made(response: Response, missing: t.Callable[[Refusal], bool] | None = None) -> errors.ServiceError:
    return refuse(
        response,
        operation="CLOUDSSO GetTask",
        origin="https://cloudsso.cn-shanghai.aliyuncs.com",
        action="cloudsso:GetTask",
        missing=missing,
        now=EPOCH,
    )


def body(code: str, message: str = "No.") -> dict[str, t.Any]:
    return {"RequestId": "R-1", "HostId": "h", "Code": code, "Message": message, "Recommend": "https://example.com"}


@pytest.mark.parametrize(
    "document",
    [
        {"Code": "Some.Code", "Message": "Some words", "RequestId": "R-1"},
        {"code": "Some.Code", "message": "Some words", "requestId": "R-1"},
    ],
)
def test_both_spellings_of_the_envelope(document: dict[str, str]) -> None:
    refusal = read_refusal(answer(document, 400))
    assert (refusal.code, refusal.text, refusal.request_id) == ("Some.Code", "Some words", "R-1")


def test_the_request_id_may_be_in_a_header() -> None:
    assert read_refusal(answer({"Code": "X"}, 400, x_acs_request_id="R-2")).request_id == "R-2"


def test_a_page_is_quoted() -> None:
    refusal = read_refusal(html(503))
    assert (refusal.code, refusal.request_id) == ("503", None)
    assert "Please sign in" in refusal.text


def test_what_was_denied_is_kept() -> None:
    denied = {"AuthAction": "cloudsso:GetTask", "NoPermissionType": "ImplicitDeny"}
    error = made(answer({**body("NoPermission"), "AccessDeniedDetail": denied}, 403))
    assert error.facts()["error_details"] == {"access_denied_detail": denied}


#: Code, status, and the error it becomes: the code counts, whatever the status.
CODES: list[tuple[str, int, type[errors.ServiceError]]] = [
    ("Throttling", 400, errors.ThrottledError),
    ("Throttling.User", 400, errors.ThrottledError),
    ("Throttling.Api", 429, errors.ThrottledError),
    ("Rejected.Throttling", 503, errors.ThrottledError),
    ("SomethingElse", 429, errors.ThrottledError),
    ("SignatureDoesNotMatch", 400, errors.AuthenticationError),
    ("IncompleteSignature", 400, errors.AuthenticationError),
    ("InvalidTimeStamp.Expired", 400, errors.AuthenticationError),
    ("InvalidTimeStamp.Format", 400, errors.AuthenticationError),
    ("InvalidAccessKeyId.NotFound", 404, errors.AuthenticationError),
    ("InvalidAccessKeyId.Inactive", 400, errors.AuthenticationError),
    ("InvalidSecurityToken.Expired", 400, errors.AuthenticationError),
    ("InvalidSecurityToken.MismatchWithAccessKey", 403, errors.AuthenticationError),
    ("MissingSecurityToken", 400, errors.AuthenticationError),
    ("Unheard.Of", 401, errors.AuthenticationError),
    ("NoPermission", 403, errors.ForbiddenError),
    ("Forbidden.RAM", 403, errors.ForbiddenError),
    ("Forbidden.RAM", 400, errors.ForbiddenError),
    ("Unheard.Of", 403, errors.ForbiddenError),
    ("SignatureNonceUsed", 400, errors.UnavailableError),
    ("ServiceUnavailable", 503, errors.UnavailableError),
    ("InternalError", 500, errors.UnavailableError),
    ("Unheard.Of", 502, errors.UnavailableError),
    ("Unheard.Of", 408, errors.UnavailableError),
    ("EntityNotExists.Directory", 404, errors.RejectedError),
    ("InvalidParameter.Status", 400, errors.RejectedError),
]


@pytest.mark.parametrize(("code", "status", "kind"), CODES)
def test_codes(code: str, status: int, kind: type[errors.ServiceError]) -> None:
    error = made(answer(body(code), status), missing=lambda refusal: refusal.code == "EntityNotExists.Task")
    assert error.__class__ is kind
    assert (error.code, error.http_status, error.request_id) == (code, status, "R-1")
    assert f"CLOUDSSO GetTask at https://cloudsso.cn-shanghai.aliyuncs.com was refused with HTTP {status}" in str(error)


def test_what_is_not_there_is_told_by_its_code() -> None:
    error = made(answer(body("EntityNotExists.Task"), 404), missing=lambda r: r.code == "EntityNotExists.Task")
    assert error.__class__ is errors.NotFoundError


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-acs-retry-after": "1500"}, 1.5),
        ({"x-acs-retry-after": "1500", "retry-after": "7"}, 1.5),
        ({"x-acs-retry-after": "0", "retry-after": "7"}, 7.0),
        ({"x-acs-retry-after": "soon"}, None),
        ({"x-acs-retry-after": "-5"}, None),
        ({"retry-after": "7"}, 7.0),
        ({}, None),
    ],
)
def test_one_header_counts_milliseconds_the_other_seconds(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_for(Response(429, headers, b""), EPOCH) == seconds
    error = made(Response(400, headers, b'{"Code": "Throttling.User", "Message": "Slow down"}'))
    assert isinstance(error, errors.ThrottledError)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    "echo",
    [
        "server string to sign is:POST&%2F&SecurityToken%3Dtop-secret",
        "server StringToSign is [ACS3-HMAC-SHA256\nabc] server CanonicalRequest is [POST\n/\n\nx-acs-security-token:top-secret\n]",
        "server canonical request is top-secret",
    ],
)
def test_what_the_service_echoes_of_a_request_is_not_shown(echo: str) -> None:
    error = made(answer(body("SignatureDoesNotMatch", f"Specified signature is not matched. {echo}"), 400))
    assert "top-secret" not in str(error)
    assert "top-secret" not in str(error.facts())
    assert error.text == "Specified signature is not matched."
    assert "ali_access_key_secret" in str(error)


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("InvalidSecurityToken.Expired", "Get a new temporary key"),
        ("InvalidAccessKeyId.NotFound", "a temporary key needs ali_security_token"),
        ("InvalidTimeStamp.Expired", "3600 s behind the service's"),
        ("InvalidTimeStamp.Format", "3600 s behind the service's"),
    ],
)
def test_a_refused_login_says_what_to_do(code: str, hint: str) -> None:
    assert hint in str(made(answer(body(code), 400, date=DATE)))


def test_a_wrong_clock_without_a_date_to_compare() -> None:
    assert "Set the clock" in str(made(answer(body("InvalidTimeStamp.Expired"), 400)))


def test_a_missing_permission_is_named() -> None:
    assert "the RAM permission cloudsso:GetTask" in str(made(answer(body("NoPermission"), 403)))
