# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendors' own signers as oracles: which Authorization header would they put on this very request?

For tests of requests that were made by the collection: take an entry of the emulator's log and compare.
"""

from __future__ import annotations

import typing as t

from emulator.messages import Request
from emulator.requestlog import LogEntry

from .sdk import load


def huawei_authorization(request: Request | LogEntry, access: str, secret: str) -> str:
    """Return the Authorization header the Huawei SDK's signer makes for a request.

    The signer signs every header it is given, so it is given those that the request names as signed.

    Args:
        request: A received request, or its entry in the log.
        access: Access key.
        secret: Secret key.
    """
    received = request.request if isinstance(request, LogEntry) else request
    credentials = load("huaweicloudsdkcore.auth.credentials").BasicCredentials(access, secret)
    sdk_request = load("huaweicloudsdkcore.sdk_request").SdkRequest(
        method=received.method,
        schema="http",
        host=received.header("Host"),
        resource_path=received.path,
        query_params=received.pairs(),
        header_params=_signed(received, "SignedHeaders=", ", "),
        body=received.body or None,
    )
    signer = load("huaweicloudsdkcore.signer.signer").Signer(credentials)
    return str(signer.sign(sdk_request).header_params["Authorization"])


def _signed(request: Request, marker: str, end: str) -> dict[str, str]:
    """Return the headers that a request's Authorization header lists, as they were sent."""
    authorization = request.header("Authorization") or ""
    listed = authorization.partition(marker)[2].partition(end)[0].split(";")
    return {name: value for name, value in request.headers if name.lower() in listed}


def judge_huawei(entries: t.Iterable[LogEntry], access: str, secret: str) -> int:
    """Check that every signed request carries the very header the SDK would have sent; returns how many there were."""
    judged = 0
    for entry in entries:
        received = entry.request.header("Authorization")
        if received is not None:
            expected = huawei_authorization(entry, access, secret)
            assert received == expected, f"{entry.method} {entry.target}: sent {received}, the SDK says {expected}"
            judged += 1
    return judged


def alibaba_authorization(request: Request | LogEntry, access: str, secret: str) -> str:
    """Return the Authorization header the Alibaba Cloud SDK's signer makes for a request, over the headers it names as signed.

    Args:
        request: A received request, or its entry in the log.
        access: Access key id.
        secret: Access key secret.
    """
    received = request.request if isinstance(request, LogEntry) else request
    sdk_request = load("darabonba.request").DaraRequest()
    sdk_request.method = received.method
    sdk_request.pathname = received.path
    sdk_request.query = dict(received.pairs(form=True))
    sdk_request.headers = _signed(received, "SignedHeaders=", ",")
    utils = load("alibabacloud_tea_openapi.utils").Utils
    payload = utils.hash(received.body, "ACS3-HMAC-SHA256").hex()
    return str(utils.get_authorization(sdk_request, "ACS3-HMAC-SHA256", payload, access, secret))


def alibaba_rpc_signature(request: Request | LogEntry, secret: str) -> str:
    """Return the value of the parameter Signature that the Alibaba Cloud SDK's older signer makes for a request.

    Args:
        request: A received request, or its entry in the log.
        secret: Access key secret.
    """
    received = request.request if isinstance(request, LogEntry) else request
    query = {name: value for name, value in received.pairs(form=True) if name != "Signature"}
    utils = load("alibabacloud_tea_openapi.utils").Utils
    return str(utils.get_rpcsignature(query, received.method, secret))


def judge_alibaba(entries: t.Iterable[LogEntry], access: str, secret: str) -> int:
    """Check that every request signed in the newer way carries the very header the SDK would have sent; returns how many."""
    judged = 0
    for entry in entries:
        received = entry.request.header("Authorization")
        if received is not None:
            expected = alibaba_authorization(entry, access, secret)
            assert received == expected, f"{entry.method} {entry.target}: sent {received}, the SDK says {expected}"
            judged += 1
    return judged
