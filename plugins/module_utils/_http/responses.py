# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decoding of a response: its JSON, or the error for a response without valid JSON."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import InvalidResponseError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.messages import Response

#: What to do when something else than the service may have answered.
FOREIGN = "Check the endpoint, and whether a proxy or a sign-in page stands in between."


def decode_json(
    response: Response, asked: str, *, secret: bool = False, may_be_empty: bool = False
) -> dict[str, t.Any]:
    """Return the JSON object of a 2xx response.

    Args:
        response: A 2xx or 3xx response.
        asked: What was asked and of whom, for messages.
        secret: The response holds a secret, and is not quoted even when it is broken.
        may_be_empty: The operation promises no body; none is an empty object.

    Raises:
        InvalidResponseError: A redirect, HTML, an empty body, cut JSON, or JSON that is not an object.
    """
    if 300 <= response.status < 400:
        where = response.quote_header("location") if response.headers.get("location") else "nowhere"
        raise InvalidResponseError(
            f"{asked} was answered with a redirect (HTTP {response.status}) to {where}, which is not followed.",
            hint=FOREIGN,
            http_status=response.status,
        )
    if may_be_empty and not response.body.strip():
        return {}
    try:
        document = response.json(secret=secret)
    except ValueError:
        claims_json = "json" in response.headers.get("content-type", "").lower()
        looks_json = response.body.lstrip()[:1] in (b"{", b"[")
        raise InvalidResponseError(
            f"{asked} was answered with HTTP {response.status} and no valid JSON: {shown(response, secret=secret)}.",
            truncated=claims_json or looks_json,
            hint=FOREIGN,
            http_status=response.status,
        ) from None
    if not isinstance(document, dict):
        raise unexpected(response, asked, "that is not a JSON object", secret=secret)
    return document


def unexpected(response: Response, asked: str, fault: str, *, secret: bool) -> InvalidResponseError:
    """Return the error for a body that is JSON and not what the API promises.

    Args:
        response: The response.
        asked: What was asked and of whom.
        fault: What is wrong with it, such as ``without 'tasks'``.
        secret: Whether the body may hold a secret.
    """
    return InvalidResponseError(
        f"{asked} was answered with HTTP {response.status} and a body {fault}: {shown(response, secret=secret)}.",
        http_status=response.status,
    )


def shown(response: Response, *, secret: bool) -> str:
    """Return what a message quotes of a body that is not valid."""
    if not response.body.strip():
        return "no text"
    return f"{len(response.body)} bytes, not shown because they may hold a secret" if secret else response.quote()
