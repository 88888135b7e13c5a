# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests and answers as values, and what sends them."""

from __future__ import annotations

import typing as t

#: Bytes of the body of one answer at most, unpacked or not: ten times a full page of 1000 rows.
MAX_BODY = 16 * 1024 * 1024
#: Characters of an unexpected answer that a message quotes.
QUOTED = 200


class Request(t.NamedTuple):
    """One HTTP request, complete and signed. ``url`` is percent-encoded already and sent as it is."""

    method: str
    url: str
    headers: t.Mapping[str, str]
    body: bytes = b""


class Response(t.NamedTuple):
    """One HTTP answer. The keys of ``headers`` are lower case."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes

    def text(self) -> str:
        """The body as text, whatever bytes it holds."""
        return self.body.decode("utf-8", errors="replace")

    def quote(self) -> str:
        """The beginning of the body, on one line, for a message."""
        text = " ".join(self.text().split())
        return repr(text if len(text) <= QUOTED else f"{text[:QUOTED]}...")


class Transport(t.Protocol):
    """Sends one request once."""

    def send(self, request: Request, timeout: float) -> Response:
        """Send it, and return the whole answer within ``timeout`` seconds, or raise ``NoAnswerError``."""


def origin_of(url: str) -> str:
    """Scheme and host of a URL: enough to name the other side, and free of parameters."""
    return "/".join(url.split("/", 3)[:3])


def split_url(url: str) -> tuple[str, str, int | None, str]:
    """Scheme, host (an IPv6 address in brackets), port and target of a URL; the target as it is, for it was signed so."""
    scheme, _separator, rest = url.partition("://")
    end = min((rest.index(mark) for mark in "/?" if mark in rest), default=len(rest))
    host, colon, port = rest[:end].rpartition(":")
    if not colon or not port.isdecimal():
        host, port = rest[:end], ""
    target = rest[end:] if rest[end : end + 1] == "/" else f"/{rest[end:]}"
    return scheme, host, int(port) if port else None, target
