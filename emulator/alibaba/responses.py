# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responses of Alibaba Cloud: the form of errors, the errors themselves, and the fields of a successful response."""

from __future__ import annotations

import uuid

from ..messages import ApiError, Json, Response


def success(document: dict[str, Json]) -> Response:
    """Return a good response, with the request id in the document and in a header."""
    request_id = str(uuid.uuid4()).upper()
    return Response.of({"RequestId": request_id, **document}, headers={"x-acs-request-id": request_id})


def error_response(error: ApiError) -> Response:
    """Return an error in the one form of all services."""
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
    """Return the error for an unknown action or version."""
    return ApiError(404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")


def unknown_key() -> ApiError:
    """Return the error for an unknown access key, or a temporary one without its token."""
    return ApiError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")


def inactive_key() -> ApiError:
    """Return the error for an access key that is switched off."""
    return ApiError(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.")


def bad_signature(string_to_sign: str) -> ApiError:
    """Return the error for a wrong signature; it quotes what the cloud would have signed."""
    message = f"Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}"
    return ApiError(400, "SignatureDoesNotMatch", message)


def incomplete_signature(why: str) -> ApiError:
    """Return the error for a signature that does not cover what it must."""
    return ApiError(400, "IncompleteSignature", f"The request signature does not conform to standards. {why}")


def bad_time(*, parsed: bool) -> ApiError:
    """Return the error for a date that is missing or too far off."""
    if parsed:
        return ApiError(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
    return ApiError(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")


def nonce_used() -> ApiError:
    """Return the error for a nonce that was used before."""
    return ApiError(400, "SignatureNonceUsed", "Specified signature nonce was used already.")


def expired_token() -> ApiError:
    """Return the error for an expired security token."""
    return ApiError(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")


def wrong_token() -> ApiError:
    """Return the error for a security token of another key."""
    message = "Specified SecurityToken is not matched with the AccessKeyId."
    return ApiError(400, "InvalidSecurityToken.MismatchWithAccessKey", message)


def throttled(status: int = 429) -> ApiError:
    """Return the error for too many requests; the status is 400 or 429, depending on the service."""
    return ApiError(status, "Throttling.User", "Request was denied due to user flow control.")


def missing(name: str) -> ApiError:
    """Return the error for a missing parameter."""
    return ApiError(400, f"Missing{name}", f"{name} is mandatory for this action.")


def invalid(name: str, why: str) -> ApiError:
    """Return the error for an invalid parameter."""
    return ApiError(400, f"InvalidParameter.{name}", f"The parameter {name} is invalid: {why}")


def not_exists(entity: str, name: str) -> ApiError:
    """Return the error for something that does not exist."""
    return ApiError(404, f"EntityNotExists.{entity}", f"The {entity} does not exist: {name}.")
