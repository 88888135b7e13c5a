# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The behaviour of faults on the wire: small functions that the table puts together."""

from __future__ import annotations

import base64
import gzip
import html
import json
import typing as t
import urllib.parse
import zlib

from wire import Peer, StruckRequest, message, plain

#: Answers one request; True keeps the connection.
Behavior = t.Callable[[StruckRequest], bool]
#: Body and content type of a response with a status.
MakeBody = t.Callable[[StruckRequest, int], tuple[bytes, str]]
#: Does something to a connection, or to a tunnel that was asked for.
Strike = t.Callable[[Peer], None]

JSON, HTML_TYPE, XML_TYPE = "application/json;charset=UTF-8", "text/html", "text/xml;charset=utf-8"
Header = tuple[str, str]


# --- Bodies


def vendor(code: str = "", text: str = "something is wrong") -> MakeBody:
    """Return an error as the service writes it; by default with a code that means nothing in particular."""

    def body(exchange: StruckRequest, status: int) -> tuple[bytes, str]:
        if exchange.cloud == "ali":
            document = {"RequestId": "R-1", "HostId": "h", "Code": code or "SomeCode", "Message": text}
        else:
            document = {"error_code": code or "KPS.0999", "error_msg": text}
        return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass"), JSON

    return body


def document(value: t.Any, content_type: str = JSON) -> MakeBody:
    """Return a body that is any JSON value."""
    return lambda _exchange, _status: (json.dumps(value).encode(), content_type)


def raw(data: bytes, content_type: str = JSON) -> MakeBody:
    """Return a body of any bytes."""
    return lambda _exchange, _status: (data, content_type)


def web(text: str = "<html><body><h1>Something stands in between</h1></body></html>") -> MakeBody:
    """Return a page for people."""
    return raw(text.encode(), HTML_TYPE)


def xml(code: str, text: str = "something is wrong") -> MakeBody:
    """Return an error as XML."""
    page = f"<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>R-1</RequestId><Code>{code}</Code>"
    return raw(f"{page}<Message>{text}</Message></Error>".encode(), XML_TYPE)


def nothing(_exchange: StruckRequest, _status: int) -> tuple[bytes, str]:
    """Return no body at all."""
    return b"", JSON


def healthy(exchange: StruckRequest, _status: int) -> tuple[bytes, str]:
    """Return the service's response when nothing is wrong."""
    return exchange.answer.body, JSON


def altered(change: t.Callable[[bytes], bytes], content_type: str = JSON) -> MakeBody:
    """Return the service's response when nothing is wrong, with changes."""
    return lambda exchange, _status: (change(exchange.answer.body), content_type)


def with_field(text: str) -> MakeBody:
    """Return the right response with one more field, given as JSON text."""

    def change(body: bytes) -> bytes:
        begin = (body or b"{}")[:-1]
        return begin + (b"" if begin == b"{" else b", ") + text.encode() + b"}"

    return altered(change)


def echo(encode: t.Callable[[str], str], *, inside: t.Callable[[str], tuple[bytes, str]] | None = None) -> MakeBody:
    """Return an error that repeats the whole request, headers included."""

    def body(exchange: StruckRequest, status: int) -> tuple[bytes, str]:
        request = exchange.request
        text = "\n".join([f"{name}: {value}" for name, value in request.headers] + [request.text()])
        if inside is not None:
            return inside(encode(text))
        return vendor(text=f"Bad request: {encode(text)}")(exchange, status)

    return body


def in_json(text: str) -> str:
    """Escape text for a JSON string."""
    return json.dumps(text)


def in_url(text: str) -> str:
    """Escape text for a URL."""
    return urllib.parse.quote(text, safe="")


def in_form(text: str) -> str:
    """Escape text for a form."""
    return urllib.parse.quote_plus(text)


def in_html(text: str) -> str:
    """Escape text for a page."""
    return html.escape(text)


def in_base64(text: str) -> str:
    """Encode text in base64."""
    return base64.b64encode(text.encode()).decode()


def tokens(exchange: StruckRequest) -> str:
    """Return the headers of the request that hold a token, as in a URL."""
    return "&".join(in_url(value) for name, value in exchange.request.headers if "token" in name.lower())


def as_page(text: str) -> tuple[bytes, str]:
    """Put text inside a page."""
    return f"<html><pre>{text}</pre></html>".encode(), HTML_TYPE


# --- Answers


def answer(status: int, body: MakeBody = nothing, *headers: Header) -> Behavior:
    """Return a response that is well formed as HTTP."""

    def behave(exchange: StruckRequest) -> bool:
        data, content_type = body(exchange, status)
        exchange.peer.send(message(status, data, ("Content-Type", content_type), *headers))
        return True

    return behave


def framed(build: t.Callable[[bytes], bytes], *, end: str = "close") -> Behavior:
    """Return the right body in a frame that is odd; ``end`` is ``close``, ``cut``, ``reset``, ``hang`` or ``keep``."""

    def behave(exchange: StruckRequest) -> bool:
        exchange.peer.send(build(exchange.answer.body))
        return _end(exchange.peer, end)

    return behave


def _end(peer: Peer, end: str) -> bool:
    if end == "keep":
        return True
    if end == "hang":
        peer.hang()
    {"close": peer.close, "cut": peer.cut, "reset": peer.reset, "hang": peer.close}[end]()
    return False


def says(data: bytes, *, end: str = "close") -> Behavior:
    """Send these bytes in place of a response."""
    return framed(lambda _body: data, end=end)


def partly(share: float, *, end: str = "close", of_body: bool = True) -> Behavior:
    """Return the beginning of the right response: a share of its body, or of its head."""

    def behave(exchange: StruckRequest) -> bool:
        whole = plain(exchange.answer)
        head, _separator, body = whole.partition(b"\r\n\r\n")
        part = head + b"\r\n\r\n" + body[: int(len(body) * share)] if of_body else whole[: int(len(head) * share)]
        exchange.peer.send(part)
        return _end(exchange.peer, end)

    return behave


def dripping(pause: float, *, head: bool) -> Behavior:
    """Return the right response byte by byte: all of it, or its body."""

    def behave(exchange: StruckRequest) -> bool:
        whole = plain(exchange.answer)
        begin, _separator, body = whole.partition(b"\r\n\r\n")
        if not head:
            exchange.peer.send(begin + b"\r\n\r\n")
        exchange.peer.drip(whole if head else body, pause)
        return False

    return behave


def after(pause: float, behavior: Behavior) -> Behavior:
    """Return the same, later."""

    def behave(exchange: StruckRequest) -> bool:
        exchange.peer.wait(pause)
        return behavior(exchange)

    return behave


def preceded_by(*parts: bytes, pause: float = 0.0) -> Behavior:
    """Return the right response after something else."""

    def behave(exchange: StruckRequest) -> bool:
        exchange.peer.send(*parts, plain(exchange.answer), pause=pause)
        return True

    return behave


def followed_by(data: bytes, *, end: str = "keep") -> Behavior:
    """Return the right response, and then something that belongs to no request."""

    def behave(exchange: StruckRequest) -> bool:
        exchange.peer.send(plain(exchange.answer) + data)
        return _end(exchange.peer, end)

    return behave


def endless(part: bytes, pause: float = 0.001, head: bytes = b"") -> Behavior:
    """Send something without an end."""

    def behave(exchange: StruckRequest) -> bool:
        exchange.peer.send(head)
        while not exchange.peer.over.is_set():
            exchange.peer.send(part)
            exchange.peer.wait(pause)
        return False

    return behave


def below_tls(data: bytes) -> Behavior:
    """Send bytes that are not TLS, after a request that came by TLS."""

    def behave(exchange: StruckRequest) -> bool:
        with exchange.peer.raw() as sock:
            sock.sendall(data)
            exchange.peer.over.wait(0.1)
        return False

    return behave


def packed(how: str, pack: t.Callable[[bytes], bytes]) -> Behavior:
    """Return the right response, compressed."""

    def behave(exchange: StruckRequest) -> bool:
        data = pack(exchange.answer.body or b"{}")
        # A response that promises no body would not have the one that is to be unpacked.
        status = 200 if exchange.answer.status == 204 else exchange.answer.status
        exchange.peer.send(message(status, data, ("Content-Type", JSON), ("Content-Encoding", how)))
        return True

    return behave


def deflated(data: bytes) -> bytes:
    """Deflate without zlib's head, as some servers send it."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def bomb(layers: int) -> bytes:
    """Return a few kilobytes that unpack to 64 MiB, compressed so many times."""
    packer = zlib.compressobj(9, wbits=31)
    data = b"".join([*(packer.compress(bytes(1 << 20)) for _number in range(64)), packer.flush()])
    for _layer in range(layers - 1):
        data = gzip.compress(data)
    return data


def unchanged(exchange: StruckRequest) -> bool:
    """Return the right response."""
    exchange.peer.send(plain(exchange.answer))
    return True


def closing(exchange: StruckRequest) -> bool:
    """Return the right response, and the connection is closed without having said so."""
    exchange.peer.send(plain(exchange.answer))
    exchange.peer.close()
    return False


def chunked(*chunks: bytes, trailer: bytes = b"0\r\n\r\n", head: str = "") -> t.Callable[[bytes], bytes]:
    """Return a frame in chunks: those given, or the right body in one."""

    def build(body: bytes) -> bytes:
        start = f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\n{head}Transfer-Encoding: chunked\r\n\r\n".encode()
        own = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
        return start + (b"".join(chunks) or own) + trailer

    return build


def headed(*lines: str, status: str = "200 OK", version: str = "HTTP/1.1") -> t.Callable[[bytes], bytes]:
    """Return a frame with these header lines, in which ``{length}`` stands for the body's length."""

    def build(body: bytes) -> bytes:
        texts = [f"{version} {status}", f"Content-Type: {JSON}"]
        texts += [line.replace("{length}", str(len(body))) for line in lines]
        return "\r\n".join([*texts, "", ""]).encode("latin-1") + body

    return build


# --- Connections


def closed(peer: Peer) -> None:
    """Close the connection at once."""
    peer.close()


def reset(peer: Peer) -> None:
    """Reset the connection at once."""
    peer.reset()


def reset_unread(peer: Peer) -> None:
    """Reset the connection when a request has come, without reading it; sooner, the client may know that it sent nothing."""
    peer.await_bytes()
    peer.reset()


def hanging(peer: Peer) -> None:
    """Say nothing."""
    peer.hang()


def saying(data: bytes, *, hang: bool = False) -> Strike:
    """Say something before anything was asked."""

    def strike(peer: Peer) -> None:
        peer.send(data)
        if hang:
            peer.hang()
        peer.over.wait(0.05)
        peer.close()

    return strike


def after_hello(end: Strike) -> Strike:
    """Do it when the client's first message has come."""

    def strike(peer: Peer) -> None:
        peer.sock.recv(4096)
        end(peer)

    return strike
