# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both signatures of Alibaba Cloud seen from the server's side: ACS3-HMAC-SHA256 and the older one of RPC requests.

Written from the vendor's description and checked against known answers of the official SDK
(``tests/fixtures/alibaba-sign-vectors.json``); it shares no code with the collection that it checks.
"""

from __future__ import annotations

import base64
import calendar
import dataclasses
import hashlib
import hmac
import re
import time
import typing as t
import urllib.parse

from ..messages import Request

ALGORITHM = "ACS3-HMAC-SHA256"
#: Seconds a request's date may be off.
MAX_SKEW = 900

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<access>[^,\s]+),\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{{64}})"
)


@dataclasses.dataclass(frozen=True)
class Claim:
    """The claim of a request about its signer, and what has to be checked.

    Attributes:
        access: The access key.
        signature: The signature it carries.
        string_to_sign: What it must be the signature of.
        compute: Makes the signature with a secret.
        date: The request's own date, seconds since the epoch; None when it is not well formed.
        nonce: Used once.
        security_token: Sent along with a temporary key.
        gap: What the signature should cover and does not; empty when it covers all.
    """

    access: str
    signature: str
    string_to_sign: str
    compute: t.Callable[[str], str]
    date: float | None
    nonce: str
    security_token: str | None
    gap: str = ""

    def holds(self, secret: str) -> bool:
        """Return whether the signature was made with this secret."""
        return hmac.compare_digest(self.compute(secret), self.signature)


def parameters(request: Request) -> dict[str, str]:
    """Return the parameters of the query and of a form in the body, decoded."""
    pairs = request.pairs(form=True)
    if (request.header("Content-Type") or "").startswith("application/x-www-form-urlencoded"):
        pairs += urllib.parse.parse_qsl(request.text(), keep_blank_values=True)
    return dict(pairs)


def claim(request: Request) -> Claim | None:
    """Return the claim of a request; None when it has no signature of either kind."""
    header = request.header("Authorization")
    if header is not None:
        match = _AUTHORIZATION.fullmatch(header.strip())
        return None if match is None else _acs3(request, match)
    given = parameters(request)
    return _rpc(request, given) if "Signature" in given else None


def _quote(text: str) -> str:
    return urllib.parse.quote(text, safe="-_.~")


def _date(text: str) -> float | None:
    try:
        return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return None


def canonical_request(request: Request, signed_headers: t.Sequence[str]) -> str:
    """Return the text whose hash is signed in the newer way: keys of the query as they are, values encoded."""
    query = "&".join(f"{name}={_quote(value)}" for name, value in sorted(request.pairs(form=True)))
    lines = "".join(f"{name}:{request.header(name) or ''}\n" for name in signed_headers)
    payload = request.header("x-acs-content-sha256") or ""
    return "\n".join((request.method, request.path or "/", query, lines, ";".join(signed_headers), payload))


def _acs3(request: Request, match: re.Match[str]) -> Claim:
    names = match["headers"].split(";")
    text = canonical_request(request, names)
    string_to_sign = f"{ALGORITHM}\n{hashlib.sha256(text.encode()).hexdigest()}"

    def compute(secret: str) -> str:
        return hmac.new(secret.encode(), string_to_sign.encode(), hashlib.sha256).hexdigest()

    return Claim(
        access=match["access"],
        signature=match["signature"],
        string_to_sign=string_to_sign,
        compute=compute,
        date=_date(request.header("x-acs-date") or ""),
        nonce=request.header("x-acs-signature-nonce") or "",
        security_token=request.header("x-acs-security-token"),
        gap=_gap(request, names),
    )


def _gap(request: Request, signed: list[str]) -> str:
    """Return what a newer signature does not cover: host, content type and every x-acs header must be in it."""
    present = {name.lower() for name, _value in request.headers}
    wanted = {"host"} | {name for name in present if name.startswith("x-acs-") or name == "content-type"}
    if wanted - set(signed):
        return f"Not signed: {', '.join(sorted(wanted - set(signed)))}."
    if set(signed) - present:
        return f"Signed but not sent: {', '.join(sorted(set(signed) - present))}."
    if signed != sorted(signed):
        return "SignedHeaders are not sorted."
    if request.header("x-acs-content-sha256") != hashlib.sha256(request.body).hexdigest():
        return "x-acs-content-sha256 is not the hash of the body."
    return ""


def rpc_string_to_sign(method: str, given: t.Mapping[str, str]) -> str:
    """Return the text that is signed in the older way."""
    pairs = sorted((name, value) for name, value in given.items() if name != "Signature")
    query = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in pairs)
    return f"{method}&{_quote('/')}&{_quote(query)}"


def _rpc(request: Request, given: dict[str, str]) -> Claim:
    string_to_sign = rpc_string_to_sign(request.method, given)

    def compute(secret: str) -> str:
        digest = hmac.new(f"{secret}&".encode(), string_to_sign.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest).decode()

    wrong = given.get("SignatureMethod") != "HMAC-SHA1" or given.get("SignatureVersion") != "1.0"
    return Claim(
        access=given.get("AccessKeyId", ""),
        signature=given["Signature"],
        string_to_sign=string_to_sign,
        compute=compute,
        date=_date(given.get("Timestamp", "")),
        nonce=given.get("SignatureNonce", ""),
        security_token=given.get("SecurityToken"),
        gap="SignatureMethod must be HMAC-SHA1 and SignatureVersion 1.0." if wrong else "",
    )
