# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SDK-HMAC-SHA256 seen from the gateway's side: takes a received request apart and says whether its signature holds.

Written from the vendor's description of the algorithm and checked against known answers of the official SDK
(``tests/fixtures/huawei-sign-vectors.json``); it shares no code with the collection that it checks.
"""

from __future__ import annotations

import calendar
import dataclasses
import hashlib
import hmac
import re
import time
import urllib.parse

from ..messages import Request

ALGORITHM = "SDK-HMAC-SHA256"
#: Seconds a request's date may be off.
MAX_SKEW = 900

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Access=(?P<access>[^,\s]+), ?SignedHeaders=(?P<headers>[^,\s]+), ?Signature=(?P<signature>[0-9a-f]{{64}})"
)


@dataclasses.dataclass(frozen=True)
class Authorization:
    """The parsed Authorization header."""

    access: str
    signed_headers: tuple[str, ...]
    signature: str


def parse(header: str) -> Authorization | None:
    """Parse an Authorization header; None when it is not one of this algorithm."""
    match = _AUTHORIZATION.fullmatch(header.strip())
    if match is None:
        return None
    return Authorization(match["access"], tuple(match["headers"].split(";")), match["signature"])


def _quote(text: str) -> str:
    return urllib.parse.quote(text, safe="-_.~")


def canonical_uri(path: str) -> str:
    """Return the path decoded once, encoded again segment by segment, with a slash at its end."""
    decoded = urllib.parse.unquote(path or "/")
    encoded = "/".join(_quote(segment) for segment in decoded.split("/"))
    return encoded if encoded.endswith("/") else f"{encoded}/"


def canonical_query(pairs: list[tuple[str, str]]) -> str:
    """Return the decoded pairs, sorted and then encoded."""
    return "&".join(f"{_quote(name)}={_quote(value)}" for name, value in sorted(pairs))


def canonical_request(request: Request, signed_headers: tuple[str, ...]) -> str:
    """Return the text whose hash is signed."""
    lines = "".join(f"{name}:{request.header(name) or ''}\n" for name in signed_headers)
    declared = request.header("X-Sdk-Content-Sha256")
    payload = declared if declared and request.body else hashlib.sha256(request.body).hexdigest()
    return "\n".join(
        (
            request.method.upper(),
            canonical_uri(request.path),
            canonical_query(request.pairs()),
            lines,
            ";".join(signed_headers),
            payload,
        )
    )


def expected(request: Request, signed_headers: tuple[str, ...], secret: str) -> str:
    """Return the signature the request should carry."""
    digest = hashlib.sha256(canonical_request(request, signed_headers).encode()).hexdigest()
    text = f"{ALGORITHM}\n{request.header('X-Sdk-Date') or ''}\n{digest}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def holds(request: Request, authorization: Authorization, secret: str) -> bool:
    """Return whether the signature is right; a date that did not take part in it cannot protect from replays."""
    names = authorization.signed_headers
    if "x-sdk-date" not in names or list(names) != sorted({name.lower() for name in names}):
        return False
    if any(request.header(name) is None for name in names):
        return False
    return hmac.compare_digest(expected(request, names, secret), authorization.signature)


def age(request: Request, now: float) -> float | None:
    """Return the seconds since the request's own date (negative: it is from the future); None when it has no proper date."""
    try:
        date = time.strptime(request.header("X-Sdk-Date") or "", "%Y%m%dT%H%M%SZ")
    except ValueError:
        return None
    return now - calendar.timegm(date)
