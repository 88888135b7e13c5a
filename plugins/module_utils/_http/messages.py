# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests and responses as values, and the interface of the transport that sends them."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import parse_json
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.secrets import SEARCHED, Secrets
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import WORD, printable

#: Bytes of the body of one response at most, unpacked or not: ten times a full page of 1000 rows.
MAX_BODY = 16 * 1024 * 1024
#: Bytes of an unexpected response that are looked at to quote its beginning.
LOOKED_AT = 8192


class Request(t.NamedTuple):
    """One HTTP request, complete and signed.

    Attributes:
        method: HTTP method.
        url: Percent-encoded already, and sent as it is.
        headers: All headers but those of the connection.
        body: The bytes.
        new_connection: Whether it must not use a connection that was kept.
    """

    method: str
    url: str
    headers: t.Mapping[str, str]
    body: bytes = b""
    new_connection: bool = False


class Response(t.NamedTuple):
    """One HTTP response.

    Attributes:
        status: HTTP status.
        headers: The keys are lower case.
        body: The bytes, decompressed.
        secrets: What must not be shown of it, where that is known.
    """

    status: int
    headers: t.Mapping[str, str]
    body: bytes
    secrets: Secrets | None = None

    def text(self) -> str:
        """Return the body as text, whatever bytes it holds, and whatever secrets."""
        return self.body.decode("utf-8", errors="replace")

    def json(self, *, secret: bool = False) -> t.Any:
        """Return the JSON value of the body, without the secrets that are known.

        Args:
            secret: The response is to bring a secret, which may be a known one: nothing is taken out.

        Raises:
            ValueError: There is none.
        """
        value = parse_json(self.body)
        if secret or self.secrets is None:
            return value
        # An error response is the likeliest place for an echo. One that is not short takes long to search.
        likely = self.status >= 400 and len(self.body) <= SEARCHED
        return self.secrets.mask_all(value) if likely or self.secrets.in_text(self.text()) else value

    def header(self, name: str) -> str:
        """Return a header without the secrets that are known; empty when there is none."""
        value = self.headers.get(name, "")
        return self.secrets.mask(value) if self.secrets is not None else value

    def quote(self) -> str:
        """Return the beginning of the body, on one line and without the secrets that are known, for a message."""
        return self._quoted(self.body[:LOOKED_AT].decode("utf-8", errors="replace"), cut=len(self.body) > LOOKED_AT)

    def quote_header(self, name: str) -> str:
        """Return the beginning of a header, on one line and without the secrets that are known, for a message."""
        return self._quoted(self.headers.get(name, ""))

    def _quoted(self, text: str, *, cut: bool = False) -> str:
        masked = self.secrets.mask(text, cut=cut) if self.secrets is not None else text
        return f"'{printable(' '.join(masked.split()), WORD)}'"


class Transport(t.Protocol):
    """The sender of one request, once."""

    def send(self, request: Request, timeout: float) -> Response:
        """Send it, and return the whole response within ``timeout`` seconds, or raise ``TransportError``."""

    def close(self) -> None:
        """Close the connections that are kept; the next request opens a new one."""


def origin_of(url: str) -> str:
    """Return scheme and host of a URL: enough to name the other side, and free of parameters."""
    return "/".join(url.split("/", 3)[:3])


def split_url(url: str) -> tuple[str, str, int | None, str]:
    """Return scheme, host (an IPv6 address in brackets), port and target of a URL; the target unchanged, for it was signed."""
    scheme, _separator, rest = url.partition("://")
    end = min((rest.index(mark) for mark in "/?" if mark in rest), default=len(rest))
    host, colon, port = rest[:end].rpartition(":")
    if not colon or not port.isdecimal():
        host, port = rest[:end], ""
    target = rest[end:] if rest[end : end + 1] == "/" else f"/{rest[end:]}"
    return scheme, host, int(port) if port else None, target
