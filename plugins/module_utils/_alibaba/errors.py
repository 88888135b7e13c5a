# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responses of Alibaba Cloud: the form of their bodies, the error codes, and the error that each becomes.

Sources: the error codes of CloudSSO, STS and of all services (alibabacloud.com, "Service error codes"), and what the official
SDK alibabacloud-tea-openapi 0.4.6 makes of a body. The HTTP status says little: throttling may come as 400, an error as 200.
"""

from __future__ import annotations

import html
import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import display_text
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import (
    Response,
    decode_json,
    shown,
    unexpected,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.error_response import (
    GOOD_CODES,
    ErrorResponse,
    clock_ahead,
    code_of,
    retry_after,
    sensible_wait,
    skew_hint,
)

if t.TYPE_CHECKING:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.client import AlibabaOperation

#: Seconds that a request's date may be away from the service's clock.
MAX_SKEW = 900

# Codes, or how they begin, in lower case: services write InvalidTimeStamp.Expired and InvalidTimestamp.Expired.
_TIMES = ("invalidtimestamp", "illegaltimestamp")
_AUTHENTICATION = ("invalidaccesskeyid", "invalidaccesskeysecret", "invalidsecuritytoken", *_TIMES)
_AUTHENTICATION_CODES = {"signaturedoesnotmatch", "incompletesignature", "missingsecuritytoken", "invalidcredentials"}
_PERMISSION = ("nopermission", "forbidden")
_TRANSIENT = ("serviceunavailable", "internalerror", "servicetimeout", "signaturenonceused")
#: The advice for what does not exist, by how the code begins.
_HINTS = {
    "entitynotexists.directory": "Check directory_id, and whether ali_region is the region of the directory.",
    "entitynotexist.role": "Check the role (ali_role_arn, ALIBABA_CLOUD_ROLE_ARN, or ram_role_arn of the profile).",
}
# The error for a wrong signature quotes what the server signed, the security token included.
_ECHO = re.compile(r"\bserver\s{0,9}(string\s{0,9}to\s{0,9}sign|canonical\s{0,9}request)\b", re.IGNORECASE)
# A gateway may return errors in XML, whatever was asked for. Three fields of it are read by name; it is not parsed.
_XML = re.compile(rb"(\xef\xbb\xbf)?\s*(<[?!][^<>]{0,400}>\s*){0,4}<(\w{1,40}:)?Error(Response)?[\s>]", re.IGNORECASE)
_XML_FIELDS = ("Code", "Message", "RequestId")
# What fields are called in JSON, in lower case and without underscores: the spelling depends on the product.
_CODES = ("code", "errorcode")
_TEXTS = ("message", "errormessage", "errormsg")
_MILLISECONDS = re.compile(r"[0-9]{1,12}\Z")
#: Bytes of an error in XML that are read.
_XML_BYTES = 65536


def read_response(response: Response, operation: AlibabaOperation, *, origin: str, now: float) -> dict[str, t.Any]:
    """Return the JSON object of a successful response.

    Args:
        response: The response, of any status.
        operation: The operation that was sent.
        origin: Scheme and host that it was sent to.
        now: Seconds since the epoch, to compare with the service's clock.

    Raises:
        ServiceError: The service returned an error.
        InvalidResponseError: The response is not what the API promises, or not the service's.
    """
    if response.status < 400 and not _XML.match(response.body):
        asked = f"{operation} at {origin}"
        document = decode_json(response, asked, secret=operation.secret)
        code = _code_in(_plain(document)) or "0"
        if document.get(operation.response_key) is not None or code.lower() in GOOD_CODES:
            if operation.lists or operation.response_key in document:
                return document
            raise unexpected(response, asked, f"without {operation.response_key!r}", secret=operation.secret)
    raise to_error(response, operation, origin=origin, now=now)


def read_error_response(response: Response, *, secret: bool = False) -> ErrorResponse:
    """Find code, message and request id, in JSON or XML.

    Args:
        response: The response.
        secret: Its body may hold a secret, and is not quoted when it has no known form.
    """
    document = _document(response)
    code, said = _code_in(document), _said(document, _TEXTS)
    request_id = _said(document, ("requestid",)) or response.header("x-acs-request-id") or None
    denied = document.get("accessdenieddetail")
    return ErrorResponse(
        status=response.status,
        code=code or str(response.status),
        text=_without_echo((said or "").strip()) or _without_echo(shown(response, secret=secret)),
        request_id=request_id,
        details={"access_denied_detail": denied} if denied else {},
        known=code is not None or said is not None,
    )


def _document(response: Response) -> dict[str, t.Any]:
    """Return the fields of an error response by plain names; none when it is neither JSON nor XML of the known form."""
    if _XML.match(response.body):
        text = response.body[:_XML_BYTES].decode("utf-8", "replace")
        fields = {name: value for name in _XML_FIELDS if (value := _element(text, name))}
        return _plain(fields if response.secrets is None else response.secrets.mask_all(fields))
    try:
        document = response.json()
    except ValueError:
        return {}
    return _plain(document) if isinstance(document, dict) else {}


def _plain(document: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the fields by their names in lower case and without underscores; those of an object named ``Error`` are among them."""
    fields = {name.lower().replace("_", ""): value for name, value in document.items() if value is not None}
    inner = fields.get("error")
    return {**fields, **_plain(inner)} if isinstance(inner, dict) else fields


def _without_echo(text: str) -> str:
    """Return a text up to where the service quotes what it would have signed."""
    echo = _ECHO.search(text)
    return text[: echo.start()].rstrip() if echo else text


def _element(text: str, name: str) -> str:
    """Return the content of the first element of a name."""
    begin = re.search(rf"<(\w{{1,40}}:)?{name}(\s[^<>]{{0,400}})?>", text, re.IGNORECASE)
    if begin is None:
        return ""
    rest = text[begin.end() :]
    end = re.search(rf"</(\w{{1,40}}:)?{name}\s{{0,9}}>", rest, re.IGNORECASE)
    found = rest[: end.start() if end else len(rest)].strip()
    if found.startswith("<![CDATA[") and found.endswith("]]>"):
        return found[9:-3].strip()
    return html.unescape(found)


def _code_in(fields: t.Mapping[str, t.Any]) -> str | None:
    """Return the code of a response."""
    return next(filter(None, (code_of(fields.get(name)) for name in _CODES)), None)


def _said(fields: t.Mapping[str, t.Any], names: t.Sequence[str]) -> str | None:
    """Return the text of the first of these fields that has one."""
    return next(filter(None, (display_text(fields, name) for name in names)), None)


def to_error(response: Response, operation: AlibabaOperation, *, origin: str, now: float) -> errors.ServiceError:
    """Return the error for an error response; the arguments are those of ``read_response``."""
    error = read_error_response(response, secret=operation.secret)
    code, message, fields = error.code.lower(), error.message(str(operation), origin), error.fields()
    if "throttl" in code or error.status == 429:
        return errors.ThrottledError(message, retry_after=wait_for(response, now), **fields)
    if operation.is_not_found is not None and operation.is_not_found(error):
        return errors.NotFoundError(message, hint="Check the id, the directory and the region.", **fields)
    if foreign := error.foreign_error(message):
        return foreign
    if code in _AUTHENTICATION_CODES or code.startswith(_AUTHENTICATION) or error.status == 401:
        return errors.AuthenticationError(message, hint=_authentication_hint(response, code, now), **fields)
    if code.startswith(_PERMISSION) or error.status == 403:
        return errors.ForbiddenError(message, hint=_permission_hint(operation.iam_action), **fields)
    if code.startswith(_TRANSIENT) or error.status >= 500 or error.status == 408:
        return errors.UnavailableError(message, **fields)
    return errors.RejectedError(
        message, hint=next((_HINTS[name] for name in _HINTS if code.startswith(name)), None), **fields
    )


def is_skew(error: errors.CloudError) -> bool:
    """Return whether an error says that the clocks are too far apart, so that the service's time helps."""
    return (error.code or "").lower().startswith(("invalidtimestamp.expired", "illegaltimestamp"))


def wait_for(response: Response, now: float) -> float | None:
    """Return the seconds that the service asks to wait: its own header is in milliseconds, the standard one in seconds or a date."""
    asked = response.headers.get("x-acs-retry-after", "")
    if _MILLISECONDS.match(asked) and int(asked) > 0:
        return sensible_wait(int(asked) / 1000)
    return retry_after(response.headers, now)


def _authentication_hint(response: Response, code: str, now: float) -> str:
    if code.startswith(_TIMES):
        ahead = clock_ahead(response, now)
        return skew_hint(ahead, MAX_SKEW) if ahead is not None else "Set the clock of this machine (NTP)."
    if code.startswith("invalidsecuritytoken") or code == "missingsecuritytoken":
        return (
            "The security token (ali_security_token, ALIBABA_CLOUD_SECURITY_TOKEN) has expired or does not belong to the "
            "access key. Get a new temporary key."
        )
    if code.startswith("authenticationfail"):
        return (
            "Check the token of the identity provider (the file that ALIBABA_CLOUD_OIDC_TOKEN_FILE or the profile names): it may "
            "have expired, be meant for another audience, or come from a provider that the role does not trust."
        )
    if code.startswith("invalidaccesskeyid"):
        return (
            "The access key (ali_access_key_id, ALIBABA_CLOUD_ACCESS_KEY_ID) is unknown or disabled; a temporary key needs "
            "ali_security_token as well."
        )
    return "Check the access key's secret (ali_access_key_secret, ALIBABA_CLOUD_ACCESS_KEY_SECRET)."


def _permission_hint(action: str | None) -> str:
    if action == "sts:AssumeRole":
        return (
            "The identity needs the RAM permission sts:AssumeRole, and the role (ali_role_arn, ALIBABA_CLOUD_ROLE_ARN) must trust "
            "it: see its trust policy, which may also ask for an external id (ali_role_external_id)."
        )
    if action:
        return f"The identity needs the RAM permission {action}; error_details says more where the service does."
    return "The identity lacks a RAM permission."
