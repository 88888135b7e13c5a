# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests recorded from the vendors' SDKs (``tests/fixtures/wire``) and known answers of their signers."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from emulator.messages import Request

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"

HUAWEI_ACCESS, HUAWEI_SECRET = "AKEXAMPLE00000000001", "sk-example-0123456789abcdefghijklmnop"
HUAWEI_PROJECT = "0605767a9fe00f2f3b0ac01e2d3c4b5a"
ALIBABA_ACCESS, ALIBABA_SECRET = "LTAI5tEXAMPLE", "sk-example-ABCDEFGHIJKLMNOP"


def names(vendor: str) -> list[str]:
    """Return the recordings of a vendor (``huawei`` or ``aliyun``), by file name."""
    return sorted(path.stem for path in (FIXTURES / "wire").glob(f"{vendor}_*.txt"))


def requests(name: str) -> list[Request]:
    """Return the requests of a recording, in order."""
    rest = (FIXTURES / "wire" / f"{name}.txt").read_bytes()
    while rest.startswith(b"#"):
        rest = rest.partition(b"\n")[2]
    found = []
    while rest.strip():
        head, _blank, rest = rest.lstrip().replace(b"\r\n", b"\n").partition(b"\n\n")
        line, *lines = head.decode().splitlines()
        method, target, _version = line.split()
        headers = tuple((key, value.strip()) for key, _colon, value in (text.partition(":") for text in lines))
        length = next((int(value) for key, value in headers if key.lower() == "content-length"), 0)
        found.append(Request(method, target, headers, rest[:length]))
        rest = rest[length:]
    return found


def raw(request: Request) -> bytes:
    """Return the request as bytes for a socket; the connection is to be closed afterwards."""
    kept = [(name, value) for name, value in request.headers if name.lower() != "connection"]
    lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {value}" for name, value in kept)]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + request.body


def vectors(vendor: str) -> list[dict[str, t.Any]]:
    """Return known answers of a vendor's signer (``huawei`` or ``alibaba``)."""
    document: list[dict[str, t.Any]] = json.loads((FIXTURES / f"{vendor}-sign-vectors.json").read_text())
    return document
