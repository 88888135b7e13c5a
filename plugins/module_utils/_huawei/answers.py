# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer of Huawei Cloud means: its body shapes, its codes, and the error that each becomes.

Sources: the error pages of KPS, CSMS, SMS, ECS and IAM, API Gateway's error codes (support.huaweicloud.com), and the
order in which the official SDK 3.1.219 looks into a body.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _errors as errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils import _refusal
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Response

_GATEWAY = re.compile(r"APIG[W]?\.(\d{4})\Z")
_WINDOW = re.compile(r"limit:\s*\d+\s*,\s*time:\s*(\d+)\s*(second|minute|hour|day)", re.IGNORECASE)
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_SHAPES = (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message"))
_EXTRAS = ("encoded_authorization_message", "details", "error_param")
#: Seconds that a request's date may be away from the gateway's clock.
MAX_SKEW = 900


class Refusal(_refusal.Refusal):
    """What a service of Huawei Cloud said when it refused."""

    @property
    def gateway(self) -> str | None:
        """The four digits of an API Gateway code; its prefix is APIGW or APIG, depending on the product."""
        match = _GATEWAY.match(self.code)
        return match.group(1) if match else None


def read_refusal(response: Response) -> Refusal:
    """Find code, words and request id in any of the known body shapes."""
    found: dict[str, t.Any] = {}
    try:
        document = json.loads(response.body)
    except ValueError:
        document = None
    if isinstance(document, dict):
        _search(document, found)
    headers = response.headers
    request_id = headers.get("x-request-id") or headers.get("x-iam-trace-id") or found.get("request_id")
    text = found.get("text") or response.quote()
    return Refusal(
        status=response.status,
        code=str(found.get("code") or response.status),
        text=str(text).strip(),
        request_id=str(request_id) if request_id else None,
        details={name: found[name] for name in _EXTRAS if found.get(name)},
    )


def _search(document: t.Mapping[str, t.Any], found: dict[str, t.Any]) -> None:
    """Take code and text from this object or, when it has neither, from the objects inside it."""
    for name in (*_EXTRAS, "request_id"):
        if name in document:
            found.setdefault(name, document[name])
    for code, text in _SHAPES:
        if document.get(code) is not None or document.get(text) is not None:
            found["code"], found["text"] = document.get(code), document.get(text)
            return
    for value in document.values():
        if isinstance(value, dict):
            _search(value, found)


def refuse(
    response: Response,
    *,
    operation: str,
    origin: str,
    action: str | None,
    missing: t.Callable[[Refusal], bool] | None,
    by: str,
    now: float,
) -> errors.ServiceError:
    """The error that an answer of 400 or above becomes.

    Args:
        response: The answer.
        operation: What was asked, such as ``KPS ListKeypairTask``.
        origin: Of whom: scheme and host.
        action: The IAM action it needs, for the message of a 403.
        missing: Whether a refusal says that the very thing asked for does not exist.
        by: What the request was authenticated with: ``key``, ``token`` or ``password``.
        now: Seconds since the epoch, to compare with the service's clock.
    """
    refusal = read_refusal(response)
    message = refusal.message(operation, origin)
    facts = refusal.facts()
    if refusal.status == 429 or refusal.gateway == "0308":
        return errors.ThrottledError(message, retry_after=_wait_for(response, refusal, now), **facts)
    if missing is not None and missing(refusal):
        return errors.NotFoundError(message, hint="Check the id or name, the project and the region.", **facts)
    if refusal.status == 401 and not refusal.code.startswith("SMS."):
        return errors.AuthenticationError(message, hint=_authentication_hint(response, refusal, by, now), **facts)
    if refusal.status == 403:
        return errors.ForbiddenError(message, hint=_permission_hint(action, refusal.details), **facts)
    if refusal.status >= 500 or refusal.status == 408:
        return errors.UnavailableError(message, **facts)
    hint = "Check the region and the endpoint." if refusal.gateway == "0101" else None
    return errors.RejectedError(message, hint=hint, **facts)


def _wait_for(response: Response, refusal: Refusal, now: float) -> float | None:
    """Seconds to wait after throttling: the header's, or the whole window that API Gateway names in its text."""
    asked = _refusal.retry_after(response.headers, now)
    if asked is not None:
        return asked
    window = _WINDOW.search(refusal.text)
    return float(int(window.group(1)) * _UNITS[window.group(2).lower()]) if window else None


def _authentication_hint(response: Response, refusal: Refusal, by: str, now: float) -> str:
    text = refusal.text.lower()
    if by == "password":
        return (
            "Check the user name, the password and the account's name (hwc_user_name, hwc_user_password, hwc_domain_name). "
            "It was tried once: wrong passwords in a row lock the user. Accounts themselves (HUAWEI ID) cannot log in so."
        )
    if refusal.gateway == "0307" or "token must be updated" in text:
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
    ahead = _refusal.clock_ahead(response, now)
    if ahead is not None and abs(ahead) > MAX_SKEW:
        return _refusal.skew_hint(ahead, MAX_SKEW)
    return (
        "Check the secret key (hwc_secret_key, HUAWEICLOUD_SDK_SK) and the clock of this machine, which must be within "
        f"{MAX_SKEW // 60} minutes of the service's. It was tried once: five wrong signatures lock the key for five minutes."
    )


def _permission_hint(action: str | None, details: t.Mapping[str, t.Any]) -> str:
    """What is missing, and all that the service says about why: an administrator needs the whole of it."""
    parts = [
        f"The identity needs the permission {action} in this project."
        if action
        else "The identity lacks a permission in this project."
    ]
    reasons = details.get("details")
    for reason in reasons if isinstance(reasons, list) else []:
        if isinstance(reason, dict):
            parts.append(f"Reason: {reason.get('error_code')}: {reason.get('error_msg')}.")
    encoded = details.get("encoded_authorization_message")
    if encoded:
        parts.append(f"An administrator can decode with STS (DecodeAuthorizationMessage) why it was denied: {encoded}")
    return " ".join(parts)
