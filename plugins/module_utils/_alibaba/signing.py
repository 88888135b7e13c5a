# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ACS3-HMAC-SHA256, the request signature of Alibaba Cloud, as a pure function.

Source: "Request syntax and signature method V3" (alibabacloud.com, OpenAPI), checked against the official Python SDK, whose
known answers are in ``tests/fixtures/alibaba-sign-vectors.json``.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.urls import encode_parameter

ALGORITHM = "ACS3-HMAC-SHA256"


def canonical_query(query: t.Mapping[str, str]) -> str:
    """Return the query string, as it is signed and as it may be sent: sorted by key; an empty value stays as ``key=``.

    Keys are not encoded, as in the SDK; the APIs have none that would need it.
    """
    return "&".join(f"{key}={encode_parameter(key, query[key])}" for key in sorted(query))


def acs_date(epoch: float) -> str:
    """Return the value of ``x-acs-date`` for a time in seconds since the epoch."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def content_hash(body: bytes) -> str:
    """Return the value of ``x-acs-content-sha256``."""
    return hashlib.sha256(body).hexdigest()


def canonical_request(
    method: str, path: str, query: t.Mapping[str, str], headers: t.Mapping[str, str]
) -> tuple[str, str]:
    """Return the canonical request and the list of signed header names; every header is signed."""
    signed = sorted((name.lower(), value.strip()) for name, value in headers.items())
    names = ";".join(name for name, _value in signed)
    lines = "".join(f"{name}:{value}\n" for name, value in signed)
    payload = next(value for name, value in signed if name == "x-acs-content-sha256")
    return f"{method}\n{path}\n{canonical_query(query)}\n{lines}\n{names}\n{payload}", names


def authorization(
    method: str,
    path: str,
    query: t.Mapping[str, str],
    headers: t.Mapping[str, str],
    access_key: str,
    secret_key: str,
) -> str:
    """Return the value of the ``Authorization`` header.

    Args:
        method: HTTP method, in capitals.
        path: Percent-encoded path, as it is sent; ``/`` for the APIs of this collection.
        query: Parameters, not encoded.
        headers: All headers to sign; ``host`` and every ``x-acs-...`` header must be among them.
        access_key: AccessKey id.
        secret_key: AccessKey secret.
    """
    canonical, names = canonical_request(method, path, query, headers)
    text = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode('utf-8')).hexdigest()}"
    signature = hmac.new(secret_key.encode("utf-8"), text.encode("utf-8"), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={access_key},SignedHeaders={names},Signature={signature}"
