# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SDK-HMAC-SHA256, the request signature of Huawei Cloud, as a pure function.

Source: the API signing guide of API Gateway (support.huaweicloud.com, "AK/SK signing and authentication"), checked
against the official Python SDK, whose known answers are in ``tests/fixtures/huawei-sign-vectors.json``.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import typing as t
from urllib.parse import quote, unquote

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.urls import encode_parameter

ALGORITHM = "SDK-HMAC-SHA256"

Scalar = t.Union[str, int, bool]
Query = t.Sequence[tuple[str, t.Union[Scalar, t.Sequence[Scalar]]]]


def _encode(text: str) -> str:
    """Percent-encode everything but the unreserved characters of RFC 3986."""
    return quote(text, safe="~")


def _wire(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def canonical_query(query: Query) -> str:
    """Return the query string, as it is signed and as it must be sent.

    Pairs are sorted before they are encoded; a list becomes repeated keys; an empty value stays as ``key=``.
    """
    pairs: list[tuple[str, str]] = []
    for key, value in query:
        values = [value] if isinstance(value, (str, int)) else value
        pairs.extend((key, _wire(item)) for item in values)
    return "&".join(f"{_encode(key)}={encode_parameter(key, value)}" for key, value in sorted(pairs))


def canonical_path(path: str) -> str:
    """Return the path as it is signed: decoded once, encoded by segment, with a trailing slash that the wire never gets."""
    encoded = "/".join(_encode(segment) for segment in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else f"{encoded}/"


def sdk_date(epoch: float) -> str:
    """Return the value of ``X-Sdk-Date`` for a time in seconds since the epoch."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(epoch))


def canonical_request(
    method: str, path: str, query: Query, headers: t.Mapping[str, str], body: bytes
) -> tuple[str, str]:
    """Return the canonical request and the list of signed header names.

    Every header is signed but those with an underscore in the name, which gateways drop.
    """
    signed = sorted((name.lower(), value.strip()) for name, value in headers.items() if "_" not in name)
    names = ";".join(name for name, _value in signed)
    lines = "".join(f"{name}:{value}\n" for name, value in signed)
    # A body whose digest is declared in a header, UNSIGNED-PAYLOAD included, is signed by that declaration.
    declared = dict(signed).get("x-sdk-content-sha256") if body else None
    payload = declared or hashlib.sha256(body).hexdigest()
    return f"{method.upper()}\n{canonical_path(path)}\n{canonical_query(query)}\n{lines}\n{names}\n{payload}", names


def authorization(
    method: str,
    path: str,
    query: Query,
    headers: t.Mapping[str, str],
    body: bytes,
    access_key: str,
    secret_key: str,
) -> str:
    """Return the value of the ``Authorization`` header.

    Args:
        method: HTTP method.
        path: Percent-encoded path, as it is sent.
        query: Parameters, not encoded.
        headers: All headers to sign; ``Host`` and ``X-Sdk-Date`` must be among them.
        body: The exact bytes that are sent.
        access_key: Access key id (AK).
        secret_key: Secret access key (SK).
    """
    canonical, names = canonical_request(method, path, query, headers, body)
    date = next(value for name, value in headers.items() if name.lower() == "x-sdk-date")
    digest = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    text = f"{ALGORITHM}\n{date}\n{digest}"
    signature = hmac.new(secret_key.encode("utf-8"), text.encode("utf-8"), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Access={access_key}, SignedHeaders={names}, Signature={signature}"
