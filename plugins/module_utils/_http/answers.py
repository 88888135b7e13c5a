# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON of an answer, or the error that an answer without it becomes."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import BrokenAnswerError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.messages import Response


def decode_json(
    response: Response, operation: str, origin: str, expect: str | None, *, secret: bool = False
) -> dict[str, t.Any]:
    """The JSON object of a 2xx answer.

    Args:
        response: A 2xx or 3xx answer.
        operation: What was asked, for messages.
        origin: Of whom, for messages.
        expect: A key the object must have; None when the operation promises no body.
        secret: The answer holds a secret, and is not quoted even when it is broken.

    Raises:
        BrokenAnswerError: A redirect, HTML, an empty body, cut JSON, or an object without the key.
    """
    facts: dict[str, t.Any] = {"http_status": response.status}
    quoted = f"{len(response.body)} bytes, not shown because they may hold a secret" if secret else response.quote()
    if 300 <= response.status < 400:
        raise BrokenAnswerError(
            f"{operation} at {origin} was answered with a redirect (HTTP {response.status}) to "
            f"{response.headers.get('location', 'nowhere')!r}, which is not followed.",
            hint="Check the endpoint, and whether a proxy or a sign-in page stands in between.",
            **facts,
        )
    if expect is None and not response.body.strip():
        return {}
    try:
        document = json.loads(response.body)
    except ValueError:
        claims_json = "json" in response.headers.get("content-type", "").lower()
        looks_json = response.body.lstrip()[:1] in (b"{", b"[")
        raise BrokenAnswerError(
            f"{operation} at {origin} was answered with HTTP {response.status} and no valid JSON: {quoted}.",
            cut=claims_json or looks_json,
            hint="Check the endpoint, and whether a proxy or a sign-in page stands in between.",
            **facts,
        ) from None
    if not isinstance(document, dict) or (expect is not None and expect not in document):
        missing = f"without {expect!r}" if isinstance(document, dict) else "that is no JSON object"
        raise BrokenAnswerError(
            f"{operation} at {origin} was answered with HTTP {response.status} and a body {missing}: {quoted}.",
            **facts,
        )
    return document
