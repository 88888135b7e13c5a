# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Error responses of Huawei Cloud: the forms of their bodies, the error each becomes, and what the user is told to do."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.secrets import Secrets
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.error_response import DETAIL
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiOperation
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.errors import (
    HuaweiErrorResponse,
    read_error_response,
    read_response,
    to_error,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    EPOCH,
    answer,
    error_response,
    html,
)

#: A body, and the code and words in it. The order is that of the official SDK.
SHAPES: dict[str, tuple[t.Any, str, str]] = {
    "snake": ({"error_code": "KPS.0001", "error_msg": "illegal"}, "KPS.0001", "illegal"),
    "camel": ({"errorCode": "X.1", "errorMsg": "bad"}, "X.1", "bad"),
    "plain": ({"code": "Ecs.0114", "message": "locked"}, "Ecs.0114", "locked"),
    "capitals": ({"Code": "X.1", "Message": "bad"}, "X.1", "bad"),
    "long names in capitals": ({"ErrorCode": "X.1", "ErrorMessage": "bad"}, "X.1", "bad"),
    "capitals in Error": ({"Error": {"Code": "X.1", "Message": "bad"}}, "X.1", "bad"),
    "snake before capitals": ({"Code": "B", "Message": "b", "error_code": "A", "error_msg": "a"}, "A", "a"),
    "snake before plain": ({"error_code": "A", "error_msg": "a", "code": "B", "message": "b"}, "A", "a"),
    "nested snake": ({"error": {"error_code": "CSMS.0003", "error_msg": "bad"}}, "CSMS.0003", "bad"),
    "keystone": ({"error": {"code": 401, "message": "no", "title": "Unauthorized"}}, "401", "no"),
    "ecs": ({"error": {"code": "Ecs.0005", "message": "no"}}, "Ecs.0005", "no"),
    "nova": ({"itemNotFound": {"code": 404, "message": "gone"}}, "404", "gone"),
    "a later object overwrites": ({"a": {"code": "1", "message": "x"}, "b": {"code": "2", "message": "y"}}, "2", "y"),
    "deep": ({"a": {"b": {"c": {"error_code": "D", "error_msg": "deep"}}}}, "D", "deep"),
    "code without words": ({"error_code": "KPS.0001"}, "KPS.0001", '\'{"error_code": "KPS.0001"}\''),
    "words without code": ({"error_msg": "words"}, "400", "words"),
    "nulls": ({"error_code": None, "error_msg": None, "code": "C", "message": "c"}, "C", "c"),
    "other fields": ({"status": "bad"}, "400", '\'{"status": "bad"}\''),
    "a list": ([{"error_code": "A"}], "400", '\'[{"error_code": "A"}]\''),
    "padded words": ({"error_code": "A", "error_msg": "  words \n"}, "A", "words"),
}


@pytest.mark.parametrize(("body", "code", "text"), list(SHAPES.values()), ids=list(SHAPES))
def test_code_and_message_are_found_in_every_form(body: t.Any, code: str, text: str) -> None:
    found = read_error_response(answer(body, 400))
    assert (found.status, found.code, found.text) == (400, code, text)


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"", b"\xff\xfe", b"{"], ids=repr)
def test_a_body_that_is_not_json_is_quoted(body: bytes) -> None:
    found = read_error_response(Response(502, {}, body))
    assert found.code == "502"
    assert found.text.startswith("'") or (found.text == "no text" and not body)


def test_a_long_page_is_cut() -> None:
    assert len(read_error_response(Response(502, {}, b"<p>" * 10000)).text) < 250


@pytest.mark.parametrize(
    ("headers", "body", "request_id"),
    [
        ({"x-request-id": "r-1", "x-iam-trace-id": "r-2"}, {"request_id": "r-3"}, "r-1"),
        ({"x-iam-trace-id": "r-2"}, {"request_id": "r-3"}, "r-2"),
        ({}, {"error_code": "APIGW.0301", "error_msg": "x", "request_id": "r-3"}, "r-3"),
        ({}, {"error": {"error_code": "A", "error_msg": "x", "request_id": "r-4"}}, "r-4"),
        ({}, {}, None),
    ],
)
def test_the_request_id_is_found_wherever_it_is(
    headers: dict[str, str], body: dict[str, t.Any], request_id: str | None
) -> None:
    assert read_error_response(Response(400, headers, json.dumps(body).encode())).request_id == request_id


def test_further_fields_for_a_person_are_kept() -> None:
    details = [{"error_code": "A", "error_msg": "b"}]
    body = {"error_code": "SMS.9004", "error_msg": "no", "encoded_authorization_message": "xyz", "details": details}
    found = read_error_response(answer(body, 403))
    assert found.details == {"encoded_authorization_message": "xyz", "details": details}
    assert read_error_response(answer({"error": body}, 403)).details == found.details


@pytest.mark.parametrize(
    ("code", "digits"),
    [("APIGW.0301", "0301"), ("APIG.0308", "0308"), ("APIGW.301", None), ("KPS.0001", None), ("xAPIGW.0301", None)],
)
def test_a_code_of_the_gateway_is_known_by_either_prefix(code: str, digits: str | None) -> None:
    assert read_error_response(error_response(400, code, "x")).gateway == digits


def error(
    response: Response,
    *,
    by: str = "key",
    iam_action: str | None = "kps::getTask",
    is_not_found: t.Callable[[HuaweiErrorResponse], bool] | None = None,
) -> errors.CloudError:
    operation = HuaweiOperation(
        service="kps",
        name="ListKeypairTask",
        method="GET",
        path="/v3/{project_id}/x",
        read_only=True,
        response_key="task_id",
        iam_action=iam_action,
        is_not_found=is_not_found,
    )
    return to_error(response, operation, origin="https://kms.example.com", by=by, now=EPOCH)


#: Status and code, and the kind of error that they are.
KINDS: tuple[tuple[int, str, type[errors.ServiceError]], ...] = (
    (400, "KPS.0002", errors.RejectedError),
    (400, "APIGW.0201", errors.RejectedError),
    (401, "APIGW.0301", errors.AuthenticationError),
    (401, "APIGW.0307", errors.AuthenticationError),
    (401, "KPS.9001", errors.AuthenticationError),
    (401, "401", errors.AuthenticationError),
    # SMS says 401 of a malformed request.
    (401, "SMS.2005", errors.RejectedError),
    (403, "APIGW.0302", errors.ForbiddenError),
    (403, "KPS.9003", errors.ForbiddenError),
    (404, "APIGW.0101", errors.RejectedError),
    (408, "408", errors.UnavailableError),
    (409, "Ecs.0011", errors.RejectedError),
    (413, "APIGW.0201", errors.RejectedError),
    (429, "APIGW.0308", errors.ThrottledError),
    (429, "KPS.0429", errors.ThrottledError),
    (503, "APIG.0308", errors.ThrottledError),
    (500, "KPS.0003", errors.UnavailableError),
    (502, "APIGW.0201", errors.UnavailableError),
    (503, "503", errors.UnavailableError),
    (504, "APIGW.0201", errors.UnavailableError),
)


@pytest.mark.parametrize(("status", "code", "kind"), KINDS)
def test_status_and_code_make_the_kind_of_error(status: int, code: str, kind: type[errors.ServiceError]) -> None:
    refused = error(error_response(status, code, "words", x_request_id="r-1"))
    assert isinstance(refused, kind)
    assert refused.as_result() == {
        "http_status": status,
        "error_code": code,
        "error_msg": "words",
        "request_id": "r-1",
    }


def test_a_message_names_the_operation_the_service_and_the_response() -> None:
    refused = error(error_response(400, "KPS.0002", "Parameter error", x_request_id="r-1"))
    assert str(refused) == (
        "KPS ListKeypairTask at https://kms.example.com returned HTTP 400 KPS.0002: Parameter error, request id r-1."
    )
    assert str(error(answer({"error": {"code": 409, "message": "Conflict!"}}, 409))) == (
        "KPS ListKeypairTask at https://kms.example.com returned HTTP 409: Conflict!"
    )


def test_an_error_that_means_missing_for_the_operation_is_not_found() -> None:
    refused = error(error_response(400, "KPS.0001", "illegal"), is_not_found=lambda found: found.code == "KPS.0001")
    assert isinstance(refused, errors.NotFoundError)
    assert "region" in str(refused)
    other = error(error_response(400, "KPS.0002", "bad"), is_not_found=lambda found: found.code == "KPS.0001")
    assert isinstance(other, errors.RejectedError)


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_rejected_caller_is_never_a_missing_object(status: int) -> None:
    if status == 429:
        refused = error(error_response(status, "APIGW.0308", "x"), is_not_found=lambda found: True)
        assert isinstance(refused, errors.ThrottledError)
    else:
        refused = error(error_response(status, "APIGW.0301", "x"), is_not_found=lambda found: found.status == 404)
        assert not isinstance(refused, errors.NotFoundError)


@pytest.mark.parametrize(
    ("text", "headers", "seconds"),
    [
        ("throttled", {}, None),
        ("throttled", {"retry_after": "7"}, 7.0),
        ("The throttling threshold has been reached: policy user over ratelimit,limit:10,time:1 minute", {}, 60.0),
        ("over ratelimit, limit: 5 , time: 30 second", {}, 30.0),
        ("limit:5,time:2 hour", {}, 7200.0),
        ("limit:5,time:1 day", {}, 86400.0),
        ("limit:5,time:1 minute", {"retry_after": "3"}, 3.0),
    ],
)
def test_throttling_says_how_long_to_wait(text: str, headers: dict[str, str], seconds: float | None) -> None:
    refused = error(error_response(429, "APIGW.0308", text, **headers))
    assert isinstance(refused, errors.ThrottledError)
    assert refused.retry_after == seconds


SKEWED = {"date": "Fri, 02 Jan 2026 04:04:05 GMT"}
CLOSE = {"date": "Fri, 02 Jan 2026 03:10:00 GMT"}

#: What was used, the code, the words, the headers, and what the user must be told.
HINTS: dict[str, tuple[str, str, str, dict[str, str], tuple[str, ...]]] = {
    "wrong secret": (
        "key",
        "APIGW.0301",
        "Incorrect IAM authentication information: verify aksk signature fail",
        CLOSE,
        ("hwc_secret_key", "HUAWEICLOUD_SDK_SK", "clock", "tried once", "five minutes"),
    ),
    "wrong secret at IAM": ("key", "401", "The request requires authentication.", {}, ("hwc_secret_key", "clock")),
    "unknown key": (
        "key",
        "APIGW.0301",
        "Get secretKey failed,ak:AK,err:ak not exist",
        {},
        ("hwc_access_key", "HUAWEICLOUD_SDK_AK", "region", "hwc_security_token"),
    ),
    "locked key": (
        "key",
        "APIGW.0301",
        "AK access failed to reach the limit,forbidden",
        {},
        ("locked", "Wait five minutes", "hwc_secret_key"),
    ),
    "clock behind": ("key", "APIGW.0301", "verify aksk signature fail", SKEWED, ("3600 s behind", "NTP")),
    "clock ahead": (
        "key",
        "APIGW.0301",
        "verify aksk signature fail",
        {"date": "Fri, 02 Jan 2026 02:00:00 GMT"},
        ("3845 s ahead of", "NTP"),
    ),
    "expired token": ("token", "APIGW.0307", "The token must be updated", {}, ("expired", "another region")),
    "expired token, without its code": ("token", "401", "The token must be updated", {}, ("expired",)),
    "wrong token": ("token", "APIGW.0301", "decrypt token fail", SKEWED, ("hwc_auth_token", "HW_AUTH_TOKEN")),
    "wrong token at IAM": ("token", "401", "The request requires authentication.", {}, ("hwc_auth_token",)),
    "expired temporary key": (
        "temporary key",
        "APIGW.0301",
        "decrypt token fail",
        {},
        ("hwc_security_token", "HUAWEICLOUD_SDK_SECURITY_TOKEN", "expired"),
    ),
    "temporary key with a wrong secret": (
        "temporary key",
        "APIGW.0301",
        "verify aksk signature fail",
        {},
        ("hwc_secret_key",),
    ),
    "token of an identity provider": (
        "id token",
        "STS5.0002",
        "the token is expired",
        {},
        ("identity provider", "HUAWEICLOUD_OIDC_TOKEN_FILE", "HUAWEICLOUD_SDK_ID_TOKEN_FILE"),
    ),
    "wrong password": (
        "password",
        "401",
        "The username or password is wrong.",
        {},
        ("hwc_user_name", "hwc_user_password", "hwc_domain_name", "tried once"),
    ),
}


@pytest.mark.parametrize(("by", "code", "text", "headers", "words"), list(HINTS.values()), ids=list(HINTS))
def test_rejected_credentials_say_what_to_check(
    by: str, code: str, text: str, headers: dict[str, str], words: tuple[str, ...]
) -> None:
    refused = error(error_response(401, code, text, **headers), by=by)
    assert isinstance(refused, errors.AuthenticationError)
    for word in words:
        assert word in str(refused.hint)


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize(("by", "word"), [("password", "hwc_user_password"), ("id token", "identity provider")])
def test_a_rejected_login_says_what_to_check_whatever_its_status(status: int, by: str, word: str) -> None:
    assert word in str(error(error_response(status, str(status), "No."), by=by).hint)


@pytest.mark.parametrize("headers", [{}, CLOSE, {"date": "yesterday"}], ids=repr)
def test_a_clock_that_is_right_or_unknown_is_not_blamed(headers: dict[str, str]) -> None:
    refused = error(error_response(401, "APIGW.0301", "verify aksk signature fail", **headers))
    assert "NTP" not in str(refused)


@pytest.mark.parametrize(("status", "kind"), [(403, errors.ForbiddenError), (404, errors.RejectedError)])
def test_a_page_of_something_else_is_not_an_error_of_the_service(status: int, kind: type[errors.CloudError]) -> None:
    refused = error(html(status), is_not_found=lambda found: found.code.startswith("KPS."))
    assert (refused.__class__, refused.foreign) == (kind, True)
    assert "sign-in page" in str(refused.hint)


@pytest.mark.parametrize("name", ["x-request-id", "x-iam-trace-id"])
def test_a_secret_in_the_header_with_the_request_id_is_masked(name: str) -> None:
    response = error_response(400, "KPS.0002", "no")._replace(secrets=Secrets(["top-secret"]))
    refused = error(response._replace(headers={name: "r-%74op-secret"}))
    assert refused.request_id == "r-********"
    assert "secret" not in str(refused)


@pytest.mark.parametrize("field", ["error_code", "error_msg", "details", "encoded_authorization_message", "request_id"])
@pytest.mark.parametrize(
    "value", [None, True, 7, 1.5, [], ["a"], [1, {"error_code": ["x"]}, "y"], {}, {"a": {"b": 1}}], ids=repr
)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 503])
def test_any_field_of_an_error_response_may_be_of_another_type(status: int, value: t.Any, field: str) -> None:
    document = {"error_code": "KPS.0002", "error_msg": "no", "request_id": "r", field: value}
    refused = error(answer(document, status))
    for name in ("error_code", "error_msg", "request_id"):
        assert isinstance(refused.as_result().get(name), (str, type(None)))
    assert f"HTTP {status}" in str(refused)


def test_a_hint_spells_out_a_few_reasons() -> None:
    reasons = [{"error_code": f"E.{number}", "error_msg": "no"} for number in range(1000)]
    hint = str(error(answer({"error_code": "SMS.9004", "error_msg": "no", "details": reasons}, 403)).hint)
    assert "E.4: no" in hint
    assert "E.5" not in hint


@pytest.mark.parametrize("name", ["error_msg", "details", "encoded_authorization_message", "error_param"])
def test_no_field_of_an_error_response_makes_the_result_long(name: str) -> None:
    words = "x" * 1_000_000
    value = [{"error_code": words, "error_msg": words}] * 9 if name == "details" else words
    refused = error(answer({"error_code": "SMS.9004", "error_msg": "no", name: value}, 403))
    assert len(str(refused)) < 8000
    assert len(json.dumps(refused.as_result())) < 60000


def test_an_encoded_reason_is_shown_whole_or_not_at_all() -> None:
    for length, shown in ((DETAIL, True), (DETAIL + 1, False)):
        encoded = "x" * length
        refused = error(answer({"error_code": "E", "error_msg": "no", "encoded_authorization_message": encoded}, 403))
        assert (encoded in str(refused)) is shown
        assert ("error_details" in str(refused)) is not shown
        assert refused.details["encoded_authorization_message"][:DETAIL] == "x" * DETAIL


@pytest.mark.parametrize(
    "text", ["limit:1,time:99999999999 day", "limit:9999999999999,time:1 minute", "limit:1,time:2 day"]
)
def test_an_invalid_window_is_ignored(text: str) -> None:
    refused = error(error_response(429, "APIGW.0308", text))
    assert isinstance(refused, errors.ThrottledError)
    assert refused.retry_after is None


def test_messages_are_shown_up_to_a_limit_and_escaped() -> None:
    refused = error(error_response(400, "KPS\x1b[31m.1", "\x1b[2J\u202ebad\n" + "x" * 100000, x_request_id="r\r\n1"))
    assert len(str(refused)) < 1400
    assert str(refused).isprintable()
    assert r"KPS\x1b[31m.1: \x1b[2J\u202ebad\nxxx" in str(refused)
    assert all(str(value).isprintable() for value in refused.as_result().values())


SHOW = HuaweiOperation(
    service="kps",
    name="Show",
    method="GET",
    path="/v3/{project_id}/x",
    read_only=True,
    response_key="thing",
    secret=True,
)


def read(response: Response, operation: HuaweiOperation) -> dict[str, t.Any]:
    return read_response(response, operation, origin="https://kms.example.com", by="key", now=EPOCH)


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 403, 404, 429, 500, 503])
@pytest.mark.parametrize(
    "content",
    [
        b"top-secret-value",
        b'{"thing": "top-secret-value"',
        b'{"other": "top-secret-value"}',
        b'["top-secret-value"]',
        b'"top-secret-value"',
        b"<html>top-secret-value",
        b'{"data": {"private_key": "top-secret-value"}}',
    ],
)
def test_the_response_of_a_secret_operation_is_never_quoted(content: bytes, status: int) -> None:
    with pytest.raises(errors.CloudError) as caught:
        read(Response(status, {"content-type": "application/json"}, content), SHOW)
    assert "top-secret" not in f"{caught.value} {caught.value.as_result()}"


@pytest.mark.parametrize(
    ("document", "operation", "kind"),
    [
        ({"error_code": "KPS.1", "error_msg": "no"}, SHOW, errors.InvalidResponseError),
        ({"thing": None, "error": {"code": "KPS.1", "message": "no"}}, SHOW, errors.InvalidResponseError),
        ({"error_code": "KPS.1"}, SHOW._replace(response_key=None), errors.InvalidResponseError),
        ({"error_code": "APIGW.0308", "error_msg": "limit:1,time:1 minute"}, SHOW, errors.ThrottledError),
        ({"code": "KPS.1", "message": "no"}, SHOW._replace(lists=True), errors.InvalidResponseError),
        ({"Code": "KPS.1", "Message": "no"}, SHOW._replace(lists=True), errors.InvalidResponseError),
        ({"Error": {"Code": "KPS.1"}}, SHOW._replace(lists=True), errors.InvalidResponseError),
        ({"other": 1}, SHOW, errors.InvalidResponseError),
    ],
)
def test_an_error_in_a_response_with_http_200_is_an_error(
    document: dict[str, t.Any], operation: HuaweiOperation, kind: type[errors.CloudError]
) -> None:
    with pytest.raises(kind) as caught:
        read(answer(document), operation)
    assert caught.value.__class__ is kind


@pytest.mark.parametrize(
    ("document", "operation"),
    [
        ({"thing": {}, "error_code": "KPS.1"}, SHOW),
        ({"error_code": "KPS.1"}, SHOW._replace(response_key=None, own_errors=True)),
        ({"code": 200, "message": "ok"}, SHOW._replace(lists=True)),
        ({"code": 0}, SHOW._replace(response_key=None)),
        ({"thing": None}, SHOW),
        ({}, SHOW._replace(lists=True)),
    ],
)
def test_a_response_with_the_response_key_is_a_success(document: dict[str, t.Any], operation: HuaweiOperation) -> None:
    assert read(answer(document), operation) == document


def test_a_secret_that_is_echoed_is_taken_out() -> None:
    key = "Ab1+" * 20
    masked = Response(
        400, {}, json.dumps({"error_code": "KPS.1", "error_msg": f"bad {key}", "details": [key]}).encode()
    )
    refused = error(masked._replace(secrets=Secrets([key])))
    assert refused.as_result()["error_msg"] == "bad ********"
    assert refused.as_result()["error_details"] == {"details": ["********"]}
    page = Response(502, {}, f"<html>{key}".encode(), Secrets([key]))
    assert "<html>********" in str(error(page))


def test_a_missing_permission_is_named() -> None:
    assert "kps::getTask" in str(error(error_response(403, "APIGW.0302", "no")))
    assert "lacks a permission" in str(error(error_response(403, "APIGW.0302", "no"), iam_action=None))


def test_an_api_that_does_not_exist_points_to_region_and_endpoint() -> None:
    assert "region and the endpoint" in str(error(error_response(404, "APIGW.0101", "The API does not exist")))
