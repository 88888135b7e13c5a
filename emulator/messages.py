# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request as it came in and one response as it goes out, untouched by any framework."""

from __future__ import annotations

import dataclasses
import json
import typing as t
import urllib.parse

#: Whatever JSON can hold.
Json = t.Any


@dataclasses.dataclass(frozen=True)
class Request:
    """A request exactly as it was received.

    Attributes:
        target: The request target of the request line, undecoded: signatures are made over it.
        headers: Name and value in order of arrival; values decoded as UTF-8.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The undecoded path."""
        return self.target.partition("?")[0]

    @property
    def raw_query(self) -> str:
        """The undecoded query, without the question mark."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """Return the first value of a header, stripped; None when it is absent."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value.strip()
        return None

    def pairs(self, *, form: bool = False) -> list[tuple[str, str]]:
        """Return the decoded query in order of arrival.

        Args:
            form: Read ``+`` as a space, as HTML forms do.
        """
        unquote = urllib.parse.unquote_plus if form else urllib.parse.unquote
        return [
            (unquote(name), unquote(value))
            for name, _equals, value in (part.partition("=") for part in self.raw_query.split("&") if part)
        ]

    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode("utf-8", "replace")


@dataclasses.dataclass(frozen=True)
class Delivery:
    """The way a response is sent, when it is not sent as usual.

    Attributes:
        respond: False closes the connection instead of responding.
        reset: Close with a TCP reset and not with an orderly end.
        delay: Seconds before the first byte.
        drip: Seconds between single bytes of the response; 0 sends it at once.
        cut: Send only so many bytes of the body, under a Content-Length that promises all of them.
    """

    respond: bool = True
    reset: bool = False
    delay: float = 0.0
    drip: float = 0.0
    cut: int | None = None


PLAIN = Delivery()


@dataclasses.dataclass(frozen=True)
class Response:
    """A response."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    delivery: Delivery = PLAIN

    @classmethod
    def of(cls, document: Json, status: int = 200, headers: t.Mapping[str, str] | None = None) -> Response:
        """Return a response that carries a JSON document."""
        body = json.dumps(document, ensure_ascii=False).encode()
        return cls(status, body, (("Content-Type", "application/json;charset=UTF-8"), *(headers or {}).items()))

    def with_headers(self, *headers: tuple[str, str]) -> Response:
        """Return the same response with further headers; one that is there already stays as it is."""
        known = {name.lower() for name, _value in self.headers}
        return dataclasses.replace(
            self, headers=(*self.headers, *(pair for pair in headers if pair[0].lower() not in known))
        )


class ApiError(Exception):
    """An error that the emulator returns. The service that raises it decides the form of the body.

    Args:
        status: HTTP status.
        code: The service's own code.
        message: The service's own words.
        extra: Further fields of the body, beside code and message.
    """

    def __init__(self, status: int, code: str, message: str, extra: t.Mapping[str, Json] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.extra = dict(extra or {})
