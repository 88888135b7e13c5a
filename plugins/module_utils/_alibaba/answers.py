# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer of Alibaba Cloud means: its error envelope, its codes, and the error that each becomes.

Sources: the error codes of CloudSSO, STS and of all services (alibabacloud.com, "Service error codes"), and what the official
SDK alibabacloud-tea-openapi 0.4.6 makes of a body. The HTTP status tells little: throttling may come as 400.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _errors as errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._refusal import (
    Refusal,
    clock_ahead,
    retry_after,
    skew_hint,
)

#: The service's clock and that of the request are too far apart: not the key's fault, and cured by using the service's.
EXPIRED = "InvalidTimeStamp.Expired"
#: Seconds that a request's date may be away from the service's clock.
MAX_SKEW = 900

_AUTHENTICATION = ("InvalidAccessKeyId", "InvalidAccessKeySecret", "InvalidSecurityToken", "InvalidTimeStamp")
_AUTHENTICATION_CODES = {"SignatureDoesNotMatch", "IncompleteSignature", "MissingSecurityToken", "InvalidCredentials"}
_PERMISSION = ("NoPermission", "Forbidden")
_TRANSIENT = {"ServiceUnavailable", "InternalError", "ServiceTimeout", "SignatureNonceUsed"}
# A refused signature is answered with what the server signed, the security token included.
_ECHO = re.compile(r"\s*\bserver\s*(string\s*to\s*sign|canonical\s*request)\b.*", re.IGNORECASE | re.DOTALL)


def read_refusal(response: Response) -> Refusal:
    """Find code, words and request id; keys are written ``Code`` or ``code``, depending on the product."""
    try:
        document = json.loads(response.body)
    except ValueError:
        document = None
    found = document if isinstance(document, dict) else {}

    def read(name: str) -> t.Any:
        return found.get(name) or found.get(name[0].lower() + name[1:])

    request_id = read("RequestId") or response.headers.get("x-acs-request-id")
    text = _ECHO.sub("", str(read("Message") or response.quote()).strip())
    denied = read("AccessDeniedDetail")
    return Refusal(
        status=response.status,
        code=str(read("Code") or response.status),
        text=text,
        request_id=str(request_id) if request_id else None,
        details={"access_denied_detail": denied} if denied else {},
    )


def refuse(
    response: Response,
    *,
    operation: str,
    origin: str,
    action: str | None,
    missing: t.Callable[[Refusal], bool] | None,
    now: float,
) -> errors.ServiceError:
    """The error that an answer of 400 or above becomes.

    Args:
        response: The answer.
        operation: What was asked, such as ``CLOUDSSO GetTask``.
        origin: Of whom: scheme and host.
        action: The RAM action it needs, for the message of a 403.
        missing: Whether a refusal says that the very thing asked for does not exist.
        now: Seconds since the epoch, to compare with the service's clock.
    """
    refusal = read_refusal(response)
    code, message, facts = refusal.code, refusal.message(operation, origin), refusal.facts()
    if "Throttling" in code or refusal.status == 429:
        return errors.ThrottledError(message, retry_after=wait_for(response, now), **facts)
    if missing is not None and missing(refusal):
        return errors.NotFoundError(message, hint="Check the id, the directory and the region.", **facts)
    if code in _AUTHENTICATION_CODES or code.startswith(_AUTHENTICATION) or refusal.status == 401:
        return errors.AuthenticationError(message, hint=_authentication_hint(response, code, now), **facts)
    if code.startswith(_PERMISSION) or refusal.status == 403:
        return errors.ForbiddenError(message, hint=_permission_hint(action), **facts)
    if code in _TRANSIENT or refusal.status >= 500 or refusal.status == 408:
        return errors.UnavailableError(message, **facts)
    return errors.RejectedError(message, **facts)


def wait_for(response: Response, now: float) -> float | None:
    """Seconds that the service asks to wait: its own header counts milliseconds, the standard one seconds or is a date."""
    asked = response.headers.get("x-acs-retry-after", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked) / 1000
    return retry_after(response.headers, now)


def _authentication_hint(response: Response, code: str, now: float) -> str:
    if code.startswith("InvalidTimeStamp"):
        ahead = clock_ahead(response, now)
        return skew_hint(ahead, MAX_SKEW) if ahead is not None else "Set the clock of this machine (NTP)."
    if code.startswith("InvalidSecurityToken") or code == "MissingSecurityToken":
        return (
            "The security token (ali_security_token, ALIBABA_CLOUD_SECURITY_TOKEN) has expired or does not belong to the "
            "access key. Get a new temporary key."
        )
    if code.startswith("InvalidAccessKeyId"):
        return (
            "The access key (ali_access_key_id, ALIBABA_CLOUD_ACCESS_KEY_ID) is unknown or disabled; a temporary key needs "
            "ali_security_token as well."
        )
    return "Check the access key's secret (ali_access_key_secret, ALIBABA_CLOUD_ACCESS_KEY_SECRET)."


def _permission_hint(action: str | None) -> str:
    if action:
        return f"The identity needs the RAM permission {action}; error_details says more where the service does."
    return "The identity lacks a RAM permission."
