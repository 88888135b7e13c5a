# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Error responses of Huawei Cloud: those of the API gateway, and the forms of the services."""

from __future__ import annotations

from ..messages import ApiError, Json, Response


def flat(error: ApiError) -> Response:
    """Return an error with ``error_code`` and ``error_msg`` at the top: KPS, CSMS, SMS and the gateway itself."""
    return Response.of({"error_code": error.code, "error_msg": error.message, **error.extra}, error.status)


def nested(error: ApiError) -> Response:
    """Return an error with ``code`` and ``message`` inside ``error``: ECS."""
    return Response.of({"error": {"code": error.code, "message": error.message, **error.extra}}, error.status)


def keystone(error: ApiError) -> Response:
    """Return an error with an integer code, a message and a title inside ``error``: IAM."""
    titles = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}
    body: dict[str, Json] = {"code": error.status, "message": error.message, "title": titles.get(error.status, "Error")}
    return Response.of({"error": {**body, **error.extra}}, error.status)


class GatewayError(ApiError):
    """An error of the API gateway: the service behind it never got the request."""


class TokenError(GatewayError):
    """A rejected token. IAM, which makes tokens, has its own form for this error."""


def bad_signature(why: str) -> GatewayError:
    """Return the error for rejected credentials; ``why`` is the end of the gateway's sentence."""
    return GatewayError(401, "APIGW.0301", f"Incorrect IAM authentication information: {why}")


def no_such_api() -> GatewayError:
    """Return the error for an unknown method and path."""
    return GatewayError(404, "APIGW.0101", "The API does not exist or has not been published in the environment")


def not_authorized(why: str) -> GatewayError:
    """Return the error for an identity that may not do this."""
    return GatewayError(403, "APIGW.0302", f"Incorrect authorization information: {why}")


def bad_token() -> TokenError:
    """Return the error for a text that is not a token."""
    return TokenError(401, "APIGW.0301", "Incorrect IAM authentication information: decrypt token fail")


def stale_token() -> TokenError:
    """Return the error for a token that has expired, or is for another project."""
    return TokenError(401, "APIGW.0307", "The token must be updated.")


def throttled() -> GatewayError:
    """Return the error for too many requests."""
    return GatewayError(429, "APIGW.0308", "The throttling threshold has been reached: policy user over ratelimit")
