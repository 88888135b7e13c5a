# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responses of Huawei Cloud: the forms of their bodies, the error codes, and the error that each becomes.

Sources: the error pages of KPS, CSMS, SMS, ECS and IAM, API Gateway's error codes (support.huaweicloud.com), and the
order in which the official SDK 3.1.219 looks into a body.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import display_text
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import (
    Response,
    decode_json,
    error_response,
    shown,
    unexpected,
)

if t.TYPE_CHECKING:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiOperation

_GATEWAY = re.compile(r"APIG[W]?\.(\d{4})\Z")
_WINDOW = re.compile(r"limit:\s*[0-9]{1,9}\s*,\s*time:\s*([0-9]{1,9})\s*(second|minute|hour|day)", re.IGNORECASE)
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
# The last two are those of gateways; the SDK does not look for them.
_SHAPES = (
    ("error_code", "error_msg"),
    ("errorCode", "errorMsg"),
    ("code", "message"),
    ("ErrorCode", "ErrorMessage"),
    ("Code", "Message"),
)
_EXTRAS = ("encoded_authorization_message", "details", "error_param")
#: Reasons of a denial that a hint quotes at most.
_REASONS = 5
_NOT_FOUND_HINT = "Check the id or name, the project and the region."
#: Seconds that a request's date may be away from the gateway's clock.
MAX_SKEW = 900

#: The advice for a login that was rejected, by what it was made with.
_LOGIN_HINTS = {
    "password": (
        "Check the user name, the password and the account's name (hwc_user_name, hwc_user_password, hwc_domain_name), and "
        "that the user may log in from programs. It was tried once: wrong passwords in a row lock the user. Accounts "
        "themselves (HUAWEI ID) cannot log in so."
    ),
    "id token": (
        "Check the token of the identity provider (HUAWEICLOUD_OIDC_TOKEN_FILE or HUAWEICLOUD_SDK_ID_TOKEN_FILE): it may have "
        "expired, be meant for another audience, or come from a provider that the agency does not trust."
    ),
}


class HuaweiErrorResponse(error_response.ErrorResponse):
    """An error that a service of Huawei Cloud returned."""

    @property
    def gateway(self) -> str | None:
        """The four digits of an API Gateway code; the prefix is APIGW or APIG, depending on the product."""
        match = _GATEWAY.match(self.code)
        return match.group(1) if match else None


def read_response(
    response: Response, operation: HuaweiOperation, *, origin: str, by: str, now: float
) -> dict[str, t.Any]:
    """Return the JSON object of a successful response.

    Args:
        response: The response, of any status.
        operation: The operation that was sent.
        origin: Scheme and host that it was sent to.
        by: What the request was authenticated with: ``key``, ``temporary key``, ``token``, ``password`` or ``id token``.
        now: Seconds since the epoch, to compare with the service's clock.

    Raises:
        ServiceError: The service returned an error.
        InvalidResponseError: The response is not what the API promises, or not the service's.
    """
    if response.status < 400:
        asked, may_be_empty = f"{operation} at {origin}", operation.response_key is None
        document = decode_json(response, asked, secret=operation.secret, may_be_empty=may_be_empty)
        if not _holds_error(document, operation):
            if operation.lists or operation.response_key is None or operation.response_key in document:
                return document
            raise unexpected(response, asked, f"without {operation.response_key!r}", secret=operation.secret)
    raise to_error(response, operation, origin=origin, by=by, now=now)


def _holds_error(document: t.Mapping[str, t.Any], operation: HuaweiOperation) -> bool:
    """Return whether a 2xx response has an error code in the place of what was requested."""
    if operation.own_errors or (operation.response_key and document.get(operation.response_key) is not None):
        return False
    found: dict[str, t.Any] = {}
    _search(document, found)
    return (error_response.code_of(found.get("code")) or "0").lower() not in error_response.GOOD_CODES


def read_error_response(response: Response, *, secret: bool = False) -> HuaweiErrorResponse:
    """Find code, message and request id in any of the known forms of a body.

    Args:
        response: The response.
        secret: Its body may hold a secret, and is not quoted when it has none of the forms.
    """
    found: dict[str, t.Any] = {}
    try:
        document = response.json()
    except ValueError:
        document = None
    if isinstance(document, dict):
        _search(document, found)
    request_id = response.header("x-request-id") or response.header("x-iam-trace-id")
    code, text = error_response.code_of(found.get("code")), display_text(found, "text")
    known = code is not None or text is not None
    return HuaweiErrorResponse(
        status=response.status,
        code=code or str(response.status),
        text=(text or "").strip() or shown(response, secret=secret),
        request_id=request_id or display_text(found, "request_id"),
        details={name: found[name] for name in _EXTRAS if found.get(name)},
        envelope=found.get("envelope", ""),
        known=known,
    )


def _search(document: t.Mapping[str, t.Any], found: dict[str, t.Any], envelope: str = "") -> None:
    """Take code and text from this object or, when it has neither, from the objects inside it."""
    for name in (*_EXTRAS, "request_id"):
        if name in document:
            found.setdefault(name, document[name])
    for code, text in _SHAPES:
        if document.get(code) is not None or document.get(text) is not None:
            found["code"], found["text"], found["envelope"] = document.get(code), document.get(text), envelope
            return
    for name, value in document.items():
        if isinstance(value, dict):
            _search(value, found, name)


def to_error(response: Response, operation: HuaweiOperation, *, origin: str, by: str, now: float) -> errors.CloudError:
    """Return the error for an error response; the arguments are those of ``read_response``."""
    error = read_error_response(response, secret=operation.secret)
    message = error.message(str(operation), origin)
    fields = error.fields()
    if error.status == 429 or error.gateway == "0308":
        asked = error_response.retry_after(response.headers, now)
        if asked is not None:
            return errors.ThrottledError(message, retry_after=asked, **fields)
        return errors.ThrottledError(message, retry_after=_window(error), quota=True, **fields)
    if error.status < 400:
        # A 2xx response says neither that the request was carried out nor that the object does not exist.
        return errors.InvalidResponseError(message, **fields)
    if operation.is_not_found is not None and operation.is_not_found(error):
        # What has no project in its path belongs to the account.
        hint = _NOT_FOUND_HINT if "{project_id}" in operation.path else "Check the id and the account."
        return errors.NotFoundError(message, hint=hint, **fields)
    if foreign := error.foreign_error(message):
        return foreign
    if error.status == 401 and not error.code.startswith("SMS."):
        return errors.AuthenticationError(message, hint=_authentication_hint(response, error, by, now), **fields)
    if error.status == 403:
        hint = _LOGIN_HINTS.get(by) or _permission_hint(operation.iam_action, error.details)
        return errors.ForbiddenError(message, hint=hint, **fields)
    if error.status >= 500 or error.status == 408:
        return errors.UnavailableError(message, **fields)
    advice = "Check the region and the endpoint." if error.gateway == "0101" else _LOGIN_HINTS.get(by)
    return errors.RejectedError(message, hint=advice, **fields)


def _window(error: HuaweiErrorResponse) -> float | None:
    """Return the seconds of the window for which API Gateway counts calls, as its message names them."""
    window = _WINDOW.search(error.text)
    return error_response.sensible_wait(int(window[1]) * float(_UNITS[window[2].lower()])) if window else None


def _authentication_hint(response: Response, error: HuaweiErrorResponse, by: str, now: float) -> str:
    text = error.text.lower()
    if by in _LOGIN_HINTS:
        return _LOGIN_HINTS[by]
    if by == "temporary key" and "token" in text:
        return (
            "The security token (hwc_security_token, HUAWEICLOUD_SDK_SECURITY_TOKEN) has expired, or it does not belong to the "
            "access key. Get a new temporary key, and give its security token with it."
        )
    if error.gateway == "0307" or "token must be updated" in text:
        return (
            "The token has expired, or it belongs to a project of another region. Get a new one, or give an access key "
            "(hwc_access_key, hwc_secret_key), which does not expire."
        )
    if "reach the limit" in text:
        return (
            "The access key is locked after five wrong signatures. Wait five minutes, and correct the secret key "
            "(hwc_secret_key, HUAWEICLOUD_SDK_SK) before the next try."
        )
    if "not exist" in text:
        return (
            "The access key (hwc_access_key, HUAWEICLOUD_SDK_AK) is unknown to this cloud. Check it and the region; a "
            "temporary key needs hwc_security_token as well."
        )
    if by == "token":
        return "Check the token (hwc_auth_token, HW_AUTH_TOKEN)."
    ahead = error_response.clock_ahead(response, now)
    if ahead is not None and abs(ahead) > MAX_SKEW:
        return error_response.skew_hint(ahead, MAX_SKEW)
    return (
        "Check the secret key (hwc_secret_key, HUAWEICLOUD_SDK_SK) and the clock of this machine, which must be within "
        f"{MAX_SKEW // 60} minutes of the service's. It was tried once: five wrong signatures lock the key for five minutes."
    )


def _permission_hint(action: str | None, details: t.Mapping[str, t.Any]) -> str:
    """Return which permission is missing, and all that the service says about why: an administrator needs all of it."""
    parts = [
        f"The identity needs the permission {action} in this project."
        if action
        else "The identity lacks a permission in this project."
    ]
    reasons = details.get("details")
    for reason in reasons[:_REASONS] if isinstance(reasons, list) else []:
        said = (
            ": ".join(filter(None, (display_text(reason, "error_code"), display_text(reason, "error_msg"))))
            if isinstance(reason, dict)
            else ""
        )
        if said:
            parts.append(f"Reason: {printable(said, SENTENCE).rstrip('.')}.")
    encoded = display_text(details, "encoded_authorization_message")
    if encoded:
        # A part of it cannot be decoded.
        shown = encoded if len(encoded) <= error_response.DETAIL else "the field of this name in error_details."
        parts.append(f"An administrator can decode with STS (DecodeAuthorizationMessage) why it was denied: {shown}")
    return " ".join(parts)
