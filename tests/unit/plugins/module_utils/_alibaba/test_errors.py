# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the error responses of Alibaba Cloud: both spellings of the envelope, the codes, the waits, and what is not repeated."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.client import AlibabaOperation
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.errors import (
    is_skew,
    read_error_response,
    read_response,
    to_error,
    wait_for,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.secrets import Secrets
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.error_response import ErrorResponse
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import EPOCH, answer, html

DATE = "Fri, 02 Jan 2026 04:04:05 GMT"


def made(response: Response, is_not_found: t.Callable[[ErrorResponse], bool] | None = None) -> errors.ServiceError:
    operation = TASK._replace(is_not_found=is_not_found)
    return to_error(response, operation, origin="https://cloudsso.cn-shanghai.aliyuncs.com", now=EPOCH)


def body(code: str, message: str = "No.") -> dict[str, t.Any]:
    return {"RequestId": "R-1", "HostId": "h", "Code": code, "Message": message, "Recommend": "https://example.com"}


@pytest.mark.parametrize(
    "document",
    [
        {"Code": "Some.Code", "Message": "Some words", "RequestId": "R-1"},
        {"code": "Some.Code", "message": "Some words", "requestId": "R-1"},
        {"CODE": "Some.Code", "MESSAGE": "Some words", "REQUEST_ID": "R-1"},
        {"Success": False, "ErrorCode": "Some.Code", "ErrorMessage": "Some words", "RequestId": "R-1"},
        {"error_code": "Some.Code", "error_msg": "Some words", "request_id": "R-1"},
        {"Error": {"Code": "Some.Code", "Message": "Some words"}, "RequestId": "R-1"},
        {"error": {"code": "Some.Code", "message": "Some words", "requestId": "R-1"}},
        {"Code": None, "code": "Some.Code", "Message": "Some words", "RequestId": "R-1"},
    ],
)
def test_every_form_of_an_error_response_is_read(document: dict[str, str]) -> None:
    found = read_error_response(answer(document, 400))
    assert (found.code, found.text, found.request_id) == ("Some.Code", "Some words", "R-1")


def test_the_request_id_may_be_in_a_header() -> None:
    assert read_error_response(answer({"Code": "X"}, 400, x_acs_request_id="R-2")).request_id == "R-2"


def test_a_secret_in_the_header_is_masked() -> None:
    response = answer({"Code": "X"}, 400, x_acs_request_id="R-top-secret")._replace(secrets=Secrets(["top-secret"]))
    assert read_error_response(response).request_id == "R-********"


def test_a_page_is_quoted() -> None:
    found = read_error_response(html(503))
    assert (found.code, found.request_id) == ("503", None)
    assert "Please sign in" in found.text


def test_what_was_denied_is_kept() -> None:
    denied = {"AuthAction": "cloudsso:GetTask", "NoPermissionType": "ImplicitDeny"}
    error = made(answer({**body("NoPermission"), "AccessDeniedDetail": denied}, 403))
    assert error.as_result()["error_details"] == {"access_denied_detail": denied}


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
    ("IllegalTimestamp", 400, errors.AuthenticationError),
    ("InvalidAccessKeyId.NotFound", 404, errors.AuthenticationError),
    ("InvalidAccessKeyId.Inactive", 400, errors.AuthenticationError),
    ("InvalidSecurityToken.Expired", 400, errors.AuthenticationError),
    ("InvalidSecurityToken.MismatchWithAccessKey", 403, errors.AuthenticationError),
    ("MissingSecurityToken", 400, errors.AuthenticationError),
    ("InvalidTimestamp.Expired", 400, errors.AuthenticationError),
    ("signatureDoesNotMatch", 400, errors.AuthenticationError),
    ("INVALIDACCESSKEYID.NOTFOUND", 404, errors.AuthenticationError),
    ("forbidden.ram", 400, errors.ForbiddenError),
    ("serviceUnavailable", 400, errors.UnavailableError),
    ("Unheard.Of", 401, errors.AuthenticationError),
    ("NoPermission", 403, errors.ForbiddenError),
    ("Forbidden.RAM", 403, errors.ForbiddenError),
    ("Forbidden.RAM", 400, errors.ForbiddenError),
    ("Unheard.Of", 403, errors.ForbiddenError),
    ("SignatureNonceUsed", 400, errors.UnavailableError),
    ("ServiceUnavailable", 503, errors.UnavailableError),
    ("ServiceUnavailable.Retry", 400, errors.UnavailableError),
    ("InternalError", 500, errors.UnavailableError),
    ("Unheard.Of", 502, errors.UnavailableError),
    ("Unheard.Of", 408, errors.UnavailableError),
    ("EntityNotExists.Directory", 404, errors.RejectedError),
    ("InvalidParameter.Status", 400, errors.RejectedError),
]


@pytest.mark.parametrize(("code", "status", "kind"), CODES)
def test_the_code_decides_the_kind_of_error(code: str, status: int, kind: type[errors.ServiceError]) -> None:
    error = made(answer(body(code), status), is_not_found=lambda found: found.code == "EntityNotExists.Task")
    assert error.__class__ is kind
    assert (error.code, error.http_status, error.request_id) == (code, status, "R-1")
    assert f"CLOUDSSO GetTask at https://cloudsso.cn-shanghai.aliyuncs.com returned HTTP {status}" in str(error)


def test_a_missing_object_is_recognised_by_the_code() -> None:
    error = made(answer(body("EntityNotExists.Task"), 404), is_not_found=lambda r: r.code == "EntityNotExists.Task")
    assert error.__class__ is errors.NotFoundError


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-acs-retry-after": "1500"}, 1.5),
        ({"x-acs-retry-after": "1500", "retry-after": "7"}, 1.5),
        ({"x-acs-retry-after": "0", "retry-after": "7"}, 7.0),
        ({"x-acs-retry-after": "soon"}, None),
        ({"x-acs-retry-after": "²"}, None),
        ({"x-acs-retry-after": "9" * 400, "retry-after": "7"}, 7.0),
        ({"x-acs-retry-after": "86400001"}, None),
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
def test_secrets_that_the_service_echoes_are_not_shown(echo: str) -> None:
    error = made(answer(body("SignatureDoesNotMatch", f"Specified signature is not matched. {echo}"), 400))
    assert "top-secret" not in str(error)
    assert "top-secret" not in str(error.as_result())
    assert error.text == "Specified signature is not matched."
    assert "ali_access_key_secret" in str(error)


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("InvalidSecurityToken.Expired", "Get a new temporary key"),
        ("InvalidAccessKeyId.NotFound", "a temporary key needs ali_security_token"),
        ("InvalidTimeStamp.Expired", "3600 s behind the service's"),
        ("InvalidTimeStamp.Format", "3600 s behind the service's"),
        ("IllegalTimestamp", "3600 s behind the service's"),
    ],
)
def test_a_rejected_login_says_what_to_do(code: str, hint: str) -> None:
    assert hint in str(made(answer(body(code), 400, date=DATE)))


def test_a_wrong_clock_without_a_date_to_compare() -> None:
    assert "Set the clock" in str(made(answer(body("InvalidTimeStamp.Expired"), 400)))


@pytest.mark.parametrize("code", ["InvalidTimeStamp.Expired", "InvalidTimestamp.Expired", "IllegalTimestamp"])
def test_a_wrong_clock_is_recognised_by_its_code(code: str) -> None:
    assert is_skew(made(answer(body(code), 400)))
    assert not is_skew(made(answer(body("InvalidTimeStamp.Format"), 400)))


TASK = AlibabaOperation(
    service="cloudsso",
    name="GetTask",
    version="2021-05-15",
    read_only=True,
    response_key="Task",
    iam_action="cloudsso:GetTask",
    is_not_found=lambda r: r.code == "Gone",
)
TASKS = TASK._replace(name="ListTasks", response_key="Tasks", lists=True)


def read(response: Response, operation: AlibabaOperation = TASK) -> dict[str, t.Any]:
    return read_response(response, operation, origin="https://cloudsso.cn-shanghai.aliyuncs.com", now=EPOCH)


#: Error responses in XML, with their code and message; None: not found.
XML: dict[str, tuple[str, str | None, str]] = {
    "plain": (
        "<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>R-1</RequestId><HostId>h</HostId>"
        "<Code>Throttling.User</Code><Message>Request was denied due to user flow control.</Message></Error>",
        "Throttling.User",
        "Request was denied due to user flow control.",
    ),
    "laid out": (
        "\n<Error>\n  <Code>\n    Throttling\n  </Code>\n  <Message>a &lt; b &amp; c</Message>\n<RequestId>R-1</RequestId></Error>\n",
        "Throttling",
        "a < b & c",
    ),
    "character data": (
        "<Error><Code><![CDATA[Throttling.Api]]></Code><Message><![CDATA[slow <down>]]></Message>"
        "<RequestId>R-1</RequestId></Error>",
        "Throttling.Api",
        "slow <down>",
    ),
    "with names of a namespace and attributes": (
        "<?xml version='1.0'?><s:Error xmlns:s='urn:x'><s:Code a='b'>Throttling</s:Code><s:Message xml:lang='en'>slow</s:Message>"
        "<s:RequestId>R-1</s:RequestId></s:Error>",
        "Throttling",
        "slow",
    ),
    "after a byte order mark, a comment and a type": (
        "\ufeff<?xml version='1.0'?>\n<!-- busy -->\n<!DOCTYPE Error>\n<Error><Code>Throttling</Code><Message>slow</Message>"
        "<RequestId>R-1</RequestId></Error>",
        "Throttling",
        "slow",
    ),
    "in an envelope": (
        "<ErrorResponse><Error><Code>Throttling</Code><Message>slow</Message></Error><RequestId>R-1</RequestId>"
        "</ErrorResponse>",
        "Throttling",
        "slow",
    ),
    "in capitals": (
        "<ERROR><CODE>THROTTLING</CODE><MESSAGE>slow</MESSAGE><REQUESTID>R-1</REQUESTID></ERROR>",
        "THROTTLING",
        "slow",
    ),
}


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize("kind", ["text/xml;charset=utf-8", "application/json", ""])
@pytest.mark.parametrize(("document", "code", "words"), [*XML.values()], ids=[*XML])
def test_an_error_in_xml_is_an_error(document: str, code: str, words: str, kind: str, status: int) -> None:
    with pytest.raises(errors.ThrottledError) as caught:
        read(Response(status, {"content-type": kind, "x-acs-retry-after": "1500"}, document.encode()))
    facts = {"http_status": status, "error_code": code, "error_msg": words, "request_id": "R-1"}
    assert caught.value.as_result() == facts
    assert caught.value.retry_after == 1.5


def test_entities_of_xml_are_not_expanded() -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE e [<!ENTITY a "aaaa">]><Error><Code>&a;</Code></Error>'
    with pytest.raises(errors.InvalidResponseError):
        read(Response(200, {}, bomb.encode()))
    for endless in (b"<Error><Code>" + b"<Code>" * 100000, b"<!" * 100000, b"<Error " * 100000):
        with pytest.raises(errors.RejectedError):
            read(Response(400, {}, endless))


@pytest.mark.parametrize("status", [200, 202])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("Throttling.User", errors.ThrottledError),
        ("InvalidAccessKeyId.NotFound", errors.AuthenticationError),
        ("InternalError", errors.UnavailableError),
        ("NoPermission", errors.ForbiddenError),
        ("InvalidParameter.TaskId", errors.RejectedError),
        ("Gone", errors.NotFoundError),
    ],
)
@pytest.mark.parametrize("found", [{}, {"Task": None, "Tasks": None}], ids=["without", "null"])
def test_an_error_code_in_a_response_with_http_200_is_an_error(
    found: dict[str, t.Any], code: str, kind: type[errors.ServiceError], status: int
) -> None:
    for operation in (TASK, TASKS):
        for document in (body(code), {"ErrorCode": code, "Success": False}, {"Error": {"Code": code}}):
            with pytest.raises(kind) as caught:
                read(answer({**document, **found}, status), operation)
            assert caught.value.code == code


@pytest.mark.parametrize("code", ["Success", "OK", "200", 200, None, "", [], {"a": 1}, True])
def test_a_code_for_success_is_not_an_error(code: t.Any) -> None:
    assert read(answer({"Code": code, "Task": {}}))["Task"] == {}
    assert read(answer({"Code": code}), TASKS) == {"Code": code}
    with pytest.raises(errors.InvalidResponseError, match="without 'Task'"):
        read(answer({"Code": code}))


@pytest.mark.parametrize(
    ("status", "kind"), [(400, errors.RejectedError), (403, errors.ForbiddenError), (404, errors.RejectedError)]
)
def test_a_page_of_something_else_is_not_an_error_of_the_service(status: int, kind: type[errors.CloudError]) -> None:
    error = made(html(status), is_not_found=lambda found: found.status == 404 and found.known)
    assert (error.__class__, error.foreign) == (kind, True)
    assert "sign-in page" in str(error.hint)


@pytest.mark.parametrize(
    ("code", "option"), [("EntityNotExists.Directory", "directory_id"), ("EntityNotExist.Role", "ali_role_arn")]
)
def test_what_does_not_exist_is_told_with_its_option(code: str, option: str) -> None:
    error = made(answer(body(code), 404))
    assert error.__class__ is errors.RejectedError
    assert f"{option}" in str(error.hint)


def test_a_missing_permission_is_named() -> None:
    assert "the RAM permission cloudsso:GetTask" in str(made(answer(body("NoPermission"), 403)))
