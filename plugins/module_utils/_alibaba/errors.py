# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer of Alibaba Cloud means: its error envelope, its codes, and the error that each becomes.

Sources: the error codes of CloudSSO, STS and of all services (alibabacloud.com, "Service error codes"), and what the official
SDK alibabacloud-tea-openapi 0.4.6 makes of a body. The HTTP status tells little: throttling may come as 400, and a refusal as 200.
"""

from __future__ import annotations

import html
import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import words
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import (
    FOREIGN,
    Response,
    decode_json,
    shown,
    unexpected,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.error_response import (
    GOOD_CODES,
    Refusal,
    clock_ahead,
    code_of,
    retry_after,
    sensible_wait,
    skew_hint,
)

if t.TYPE_CHECKING:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.client import Operation

#: Seconds that a request's date may be away from the service's clock.
MAX_SKEW = 900

_TIMES = ("InvalidTimeStamp", "IllegalTimestamp")
_AUTHENTICATION = ("InvalidAccessKeyId", "InvalidAccessKeySecret", "InvalidSecurityToken", *_TIMES)
_AUTHENTICATION_CODES = {"SignatureDoesNotMatch", "IncompleteSignature", "MissingSecurityToken", "InvalidCredentials"}
_PERMISSION = ("NoPermission", "Forbidden")
_TRANSIENT = ("ServiceUnavailable", "InternalError", "ServiceTimeout", "SignatureNonceUsed")
# A refused signature is answered with what the server signed, the security token included.
_ECHO = re.compile(r"\bserver\s{0,9}(string\s{0,9}to\s{0,9}sign|canonical\s{0,9}request)\b", re.IGNORECASE)
# A gateway may refuse in XML, whatever was asked for. Three fields of it are looked for, and nothing of it is interpreted.
_XML = re.compile(rb"\s*(<\?xml[^>]{0,200}\?>\s*)?<Error[\s>]")
_XML_FIELDS = ("Code", "Message", "RequestId")
_MILLISECONDS = re.compile(r"[0-9]{1,12}\Z")
#: Bytes of a refusal in XML that are looked at.
_XML_BYTES = 65536


def read_answer(response: Response, operation: Operation, *, origin: str, now: float) -> dict[str, t.Any]:
    """The JSON object of a good answer.

    Args:
        response: The answer, whatever its status.
        operation: What was asked.
        origin: Of whom: scheme and host.
        now: Seconds since the epoch, to compare with the service's clock.

    Raises:
        ServiceError: The service refused.
        InvalidResponseError: Something else answered, or the service in another way than it promises.
    """
    if response.status < 400 and not _XML.match(response.body):
        asked = f"{operation} at {origin}"
        document = decode_json(response, asked, secret=operation.secret)
        if document.get(operation.expect) is not None or (_code_in(document) or "0").lower() in GOOD_CODES:
            if operation.lists or operation.expect in document:
                return document
            raise unexpected(response, asked, f"without {operation.expect!r}", secret=operation.secret)
    raise refuse(
        response,
        operation=str(operation),
        origin=origin,
        action=operation.action,
        missing=operation.missing,
        now=now,
        secret=operation.secret,
    )


def read_refusal(response: Response, *, secret: bool = False) -> Refusal:
    """Find code, words and request id, in JSON or XML.

    Args:
        response: The answer.
        secret: Its body may hold a secret, and is not quoted when it is not worded as a refusal.
    """
    document = _document(response)
    code, said = _code_in(document), _said(document, "Message")
    request_id = _said(document, "RequestId") or response.headers.get("x-acs-request-id")
    denied = document.get("AccessDeniedDetail") or document.get("accessDeniedDetail")
    return Refusal(
        status=response.status,
        code=code or str(response.status),
        text=_without_echo((said or "").strip()) or _without_echo(shown(response, secret=secret)),
        request_id=request_id,
        details={"access_denied_detail": denied} if denied else {},
        known=code is not None or said is not None,
    )


def _document(response: Response) -> dict[str, t.Any]:
    """The fields of a refusal; none when it is neither JSON nor XML of the known kind."""
    if _XML.match(response.body):
        text = response.body[:_XML_BYTES].decode("utf-8", "replace")
        fields = {name: value for name in _XML_FIELDS if (value := _element(text, name))}
        masked: dict[str, t.Any] = fields if response.secrets is None else response.secrets.mask_all(fields)
        return masked
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _without_echo(text: str) -> str:
    """A text up to where the service tells what it would have signed."""
    echo = _ECHO.search(text)
    return text[: echo.start()].rstrip() if echo else text


def _element(text: str, name: str) -> str:
    """What the first element of a name holds."""
    found = text.partition(f"<{name}>")[2].partition(f"</{name}>")[0].strip()
    if found.startswith("<![CDATA[") and found.endswith("]]>"):
        return found[9:-3].strip()
    return html.unescape(found)


def _code_in(document: t.Mapping[str, t.Any]) -> str | None:
    """The code of an answer; keys are written ``Code`` or ``code``, depending on the product."""
    return code_of(document.get("Code")) or code_of(document.get("code"))


def _said(document: t.Mapping[str, t.Any], name: str) -> str | None:
    """Another field, likewise."""
    return words(document, name) or words(document, name[0].lower() + name[1:])


def refuse(
    response: Response,
    *,
    operation: str,
    origin: str,
    action: str | None,
    missing: t.Callable[[Refusal], bool] | None,
    now: float,
    secret: bool = False,
) -> errors.ServiceError:
    """The error that a refusal becomes.

    Args:
        response: The answer.
        operation: What was asked, such as ``CLOUDSSO GetTask``.
        origin: Of whom: scheme and host.
        action: The RAM action it needs, for the message of a 403.
        missing: Whether a refusal says that the very thing asked for does not exist.
        now: Seconds since the epoch, to compare with the service's clock.
        secret: The body may hold a secret, and is not quoted when it is not worded as a refusal.
    """
    refusal = read_refusal(response, secret=secret)
    code, message, facts = refusal.code, refusal.message(operation, origin), refusal.as_result()
    if "throttl" in code.lower() or refusal.status == 429:
        return errors.ThrottledError(message, retry_after=wait_for(response, now), **facts)
    if missing is not None and missing(refusal):
        return errors.NotFoundError(message, hint="Check the id, the directory and the region.", **facts)
    if not refusal.known and refusal.status < 500 and refusal.status not in (401, 408):
        kind = errors.ForbiddenError if refusal.status == 403 else errors.RejectedError
        return kind(message, hint=FOREIGN, **facts)
    if code in _AUTHENTICATION_CODES or code.startswith(_AUTHENTICATION) or refusal.status == 401:
        return errors.AuthenticationError(message, hint=_authentication_hint(response, code, now), **facts)
    if code.startswith(_PERMISSION) or refusal.status == 403:
        return errors.ForbiddenError(message, hint=_permission_hint(action), **facts)
    if code.startswith(_TRANSIENT) or refusal.status >= 500 or refusal.status == 408:
        return errors.UnavailableError(message, **facts)
    return errors.RejectedError(message, **facts)


def is_skew(error: errors.CloudError) -> bool:
    """Whether a refusal says that the clocks are too far apart: not the key's fault, and cured by using the service's."""
    return (error.code or "").lower().startswith(("invalidtimestamp.expired", "illegaltimestamp"))


def wait_for(response: Response, now: float) -> float | None:
    """Seconds that the service asks to wait: its own header counts milliseconds, the standard one seconds or is a date."""
    asked = response.headers.get("x-acs-retry-after", "")
    if _MILLISECONDS.match(asked) and int(asked) > 0:
        return sensible_wait(int(asked) / 1000)
    return retry_after(response.headers, now)


def _authentication_hint(response: Response, code: str, now: float) -> str:
    if code.startswith(_TIMES):
        ahead = clock_ahead(response, now)
        return skew_hint(ahead, MAX_SKEW) if ahead is not None else "Set the clock of this machine (NTP)."
    if code.startswith("InvalidSecurityToken") or code == "MissingSecurityToken":
        return (
            "The security token (ali_security_token, ALIBABA_CLOUD_SECURITY_TOKEN) has expired or does not belong to the "
            "access key. Get a new temporary key."
        )
    if code.startswith("AuthenticationFail"):
        return (
            "Check the token of the identity provider (the file that ALIBABA_CLOUD_OIDC_TOKEN_FILE or the profile names): it may "
            "have expired, be meant for another audience, or come from a provider that the role does not trust."
        )
    if code.startswith("InvalidAccessKeyId"):
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
