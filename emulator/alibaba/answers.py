# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Alibaba Cloud answers: the one shape of a refusal, the refusals themselves, and what every good answer has."""

from __future__ import annotations

import uuid

from ..messages import ApiError, Json, Response


def success(document: dict[str, Json]) -> Response:
    """A good answer, with the request id in the document and in a header."""
    request_id = str(uuid.uuid4()).upper()
    return Response.of({"RequestId": request_id, **document}, headers={"x-acs-request-id": request_id})


def refusal(error: ApiError) -> Response:
    """The one shape of all services."""
    request_id = str(uuid.uuid4()).upper()
    document = {
        "RequestId": request_id,
        "HostId": "cloudsso.cn-shanghai.aliyuncs.com",
        "Code": error.code,
        "Message": error.message,
        "Recommend": f"https://api.example.com/troubleshoot?q={error.code}",
    }
    return Response.of({**document, **error.extra}, error.status, {"x-acs-request-id": request_id})


def no_such_action() -> ApiError:
    """No service has this action in this version."""
    return ApiError(404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")


def unknown_key() -> ApiError:
    """No such access key, or a temporary one without its token."""
    return ApiError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")


def inactive_key() -> ApiError:
    """The access key was switched off."""
    return ApiError(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.")


def bad_signature(string_to_sign: str) -> ApiError:
    """The signature is wrong; the cloud tells what it would have signed."""
    message = f"Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}"
    return ApiError(400, "SignatureDoesNotMatch", message)


def incomplete_signature(why: str) -> ApiError:
    """The signature does not cover what it must."""
    return ApiError(400, "IncompleteSignature", f"The request signature does not conform to standards. {why}")


def bad_time(*, parsed: bool) -> ApiError:
    """The request's date is too far off, or none at all."""
    if parsed:
        return ApiError(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
    return ApiError(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")


def nonce_used() -> ApiError:
    """The nonce was seen before."""
    return ApiError(400, "SignatureNonceUsed", "Specified signature nonce was used already.")


def expired_token() -> ApiError:
    """The security token has ended."""
    return ApiError(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")


def wrong_token() -> ApiError:
    """The security token belongs to another key."""
    message = "Specified SecurityToken is not matched with the AccessKeyId."
    return ApiError(400, "InvalidSecurityToken.MismatchWithAccessKey", message)


def throttled(status: int = 429) -> ApiError:
    """Too many requests. Whether the status is 400 or 429 differs between services."""
    return ApiError(status, "Throttling.User", "Request was denied due to user flow control.")


def missing(name: str) -> ApiError:
    """A mandatory parameter is missing."""
    return ApiError(400, f"Missing{name}", f"{name} is mandatory for this action.")


def invalid(name: str, why: str) -> ApiError:
    """A parameter is wrong."""
    return ApiError(400, f"InvalidParameter.{name}", f"The parameter {name} is invalid: {why}")


def not_exists(entity: str, name: str) -> ApiError:
    """Something a request names does not exist."""
    return ApiError(404, f"EntityNotExists.{entity}", f"The {entity} does not exist: {name}.")
