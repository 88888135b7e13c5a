# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fault server: raw sockets on the loopback address, with HTTP/1.1, TLS and the CONNECT proxy written by hand.

One ``Wire`` serves one run of a module at a time. What the run sends is answered by the emulator, byte for byte as the
service would, until the ``FaultServer`` of the run has something else happen: to the listening port, to a name, to a connection,
to a tunnel, or in place of a response.
"""

from __future__ import annotations

import contextlib
import dataclasses
import select
import socket
import ssl
import struct
import threading
import time
import typing as t

from emulator.messages import Request, Response

#: Names that exist in here only.
DOMAIN = "cells.example"
#: Ways to the service.
HTTP, HTTPS, PROXY = "http", "https", "proxy"
#: Seconds after which a hanging peer lets go by itself, whatever happens.
FOREVER = 30.0

_REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 400: "Bad Request", 404: "Not Found", 503: "Unavailable"}


class Closed(Exception):
    """A connection that the peer has closed."""


class Peer:
    """One connection, seen from the server.

    Args:
        sock: The connection.
        over: Set when the run has ended.
    """

    def __init__(self, sock: socket.socket, over: threading.Event) -> None:
        self.sock = sock
        self.over = over
        self._rest = b""

    def _more(self) -> bytes:
        part = self.sock.recv(65536)
        if not part:
            raise Closed
        return part

    def read_head(self) -> bytes:
        """Return the head of the next request with the empty line at its end."""
        while b"\r\n\r\n" not in self._rest:
            self._rest += self._more()
        head, _separator, self._rest = self._rest.partition(b"\r\n\r\n")
        return head

    def read_body(self, length: int) -> bytes:
        """Return the body of a request."""
        while len(self._rest) < length:
            self._rest += self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        return body

    def read_request(self) -> Request:
        """Return the next request, whole."""
        lines = self.read_head().decode("latin-1").split("\r\n")
        method, target, _version = lines[0].split(" ", 2)
        headers = tuple(
            (name, value.strip().encode("latin-1").decode("utf-8", "replace"))
            for name, _colon, value in (line.partition(":") for line in lines[1:])
        )
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        return Request(method, target, headers, self.read_body(length))

    def send(self, *parts: bytes, pause: float = 0.0) -> None:
        """Send bytes, with a pause between the parts."""
        for number, part in enumerate(parts):
            if number and pause:
                self.wait(pause)
            self.sock.sendall(part)

    def drip(self, data: bytes, pause: float) -> None:
        """Send byte after byte until the run is over."""
        for number in range(len(data)):
            if self.over.is_set():
                return
            self.send(data[number : number + 1])
            self.wait(pause)

    def wait(self, seconds: float) -> None:
        """Pause, until the run is over at most."""
        self.over.wait(seconds)

    def await_bytes(self) -> None:
        """Wait until the client has sent something, and leave it unread."""
        with contextlib.suppress(OSError):
            self.sock.recv(1, socket.MSG_PEEK)

    def hang(self) -> None:
        """Say nothing until the run is over."""
        self.over.wait(FOREVER)

    def close(self) -> None:
        """Close in an orderly way: everything sent arrives."""
        with contextlib.suppress(OSError):
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock.settimeout(0.2)
                self.sock.unwrap()
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def cut(self) -> None:
        """Close without the goodbye of TLS: nothing says that the end was meant."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def reset(self) -> None:
        """Close with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw = self.sock.detach()
        socket.socket(fileno=raw).close()

    def raw(self) -> socket.socket:
        """Return the connection below TLS, for what TLS would not send."""
        return socket.socket(fileno=self.sock.detach()) if isinstance(self.sock, ssl.SSLSocket) else self.sock


def message(
    status: int, body: bytes = b"", *headers: tuple[str, str], length: bool = True, version: str = "HTTP/1.1"
) -> bytes:
    """Return a response as bytes; ``length`` adds the Content-Length that fits."""
    lines = [f"{version} {status} {_REASONS.get(status, 'Whatever')}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if length and status not in (204, 304) and status >= 200:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + body


def plain(response: Response, *headers: tuple[str, str]) -> bytes:
    """Return the bytes of a response of the emulator."""
    return message(response.status, response.body, *response.headers, *headers)


@dataclasses.dataclass
class StruckRequest:
    """One request that a fault is to answer.

    Attributes:
        peer: Where the response goes.
        request: What was asked.
        answer: What the service answers when nothing is wrong; whether it was carried out is for the play to say.
        play: The play.
    """

    peer: Peer
    request: Request
    answer: Response
    play: FaultServer

    @property
    def cloud(self) -> str:
        """``hwc`` or ``ali``."""
        return self.play.cloud


class FaultServer(t.Protocol):
    """The server of one run."""

    way: str
    over: threading.Event
    cloud: str

    def resolve(self, host: str) -> t.Sequence[str]:
        """Return the addresses of a name, or raise ``socket.gaierror``."""

    def tunnel(self, peer: Peer, host: str) -> bool:
        """Answer a CONNECT; False when there is no tunnel."""

    def handshake(self, peer: Peer) -> ssl.SSLContext | None:
        """Return what the next connection speaks TLS with; None when something else happened to it."""

    def connected(self, peer: Peer) -> bool:
        """Say whether a connection is served; False when something else happened to it."""

    def serve(self, peer: Peer) -> bool:
        """Answer the next request; False ends the connection."""


class Wire:
    """Two listening ports, one of the service and one of a proxy, that serve one play after the other."""

    def __init__(self) -> None:
        self.play: FaultServer | None = None
        self.lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listeners: dict[str, socket.socket] = {}
        self.ports: dict[str, int] = {}
        for name in ("service", "proxy"):
            with self._listen(0) as probe:
                port = probe.getsockname()[1]
            # By its number: a port that the kernel chose is given back when the socket stops listening.
            self._listeners[name] = self._listen(port)
            self.ports[name] = self._listeners[name].getsockname()[1]
            threading.Thread(target=self._accept, args=(name,), daemon=True).start()
        # Connections to this address are never accepted: its queue is full.
        self._silent = [self._listen(self.ports["service"], "127.0.0.3", 0)]
        for _number in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.3", self.ports["service"]))
            self._silent.append(filler)
        self._real = socket.getaddrinfo
        socket.getaddrinfo = self._resolve

    @staticmethod
    def _listen(port: int, address: str = "127.0.0.1", queue: int = 64) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(queue)
        return listener

    def refuse(self, name: str) -> None:
        """Refuse connections from now on; the port stays ours."""
        with self.lock:
            listener = self._listeners[name]
            if listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                listener.shutdown(socket.SHUT_RDWR)

    def accept(self, name: str) -> None:
        """Take connections again."""
        with self.lock:
            listener = self._listeners[name]
            if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                listener.listen(64)

    def begin(self, play: FaultServer) -> None:
        """Serve a play."""
        self.play = play
        for name in self.ports:
            self.accept(name)

    def end(self) -> None:
        """End the play and all its connections."""
        with self.lock:
            if self.play is not None:
                self.play.over.set()
            self.play = None
            left, self._open = self._open, set()
        for sock in left:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _resolve(self, host: t.Any, port: t.Any, *arguments: t.Any, **named: t.Any) -> t.Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if self.play is None or not name.endswith((DOMAIN, ".myhuaweicloud.com", ".aliyuncs.com")):
            return self._real(host, port, *arguments, **named)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, int(port)))
            for address in self.play.resolve(name)
        ]

    def _accept(self, name: str) -> None:
        listener = self._listeners[name]
        while True:
            try:
                sock, _address = listener.accept()
            except OSError:  # shut down for now
                select.select([], [], [], 0.002)
                continue
            play = self.play
            if play is None:
                sock.close()
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self._open.add(sock)
            threading.Thread(target=self._serve, args=(name, sock, play), daemon=True).start()

    def _serve(self, name: str, sock: socket.socket, play: FaultServer) -> None:
        # A client that went away is what many of these are about.
        try:
            with contextlib.suppress(OSError, Closed, ValueError):
                self._converse(name, Peer(sock, play.over), play)
        finally:
            with self.lock:
                self._open.discard(sock)
            sock.close()

    @staticmethod
    def _converse(name: str, peer: Peer, play: FaultServer) -> None:
        if name == "proxy":
            head = peer.read_head().split(b"\r\n")[0].decode()
            if not play.tunnel(peer, head.split(" ")[1]):
                return
        if not play.connected(peer):
            return
        if play.way != HTTP:
            context = play.handshake(peer)
            if context is None:
                return
            peer.sock.settimeout(FOREVER)
            peer = Peer(context.wrap_socket(peer.sock, server_side=True), play.over)
        while play.serve(peer):
            pass
        peer.sock.close()


class SkippingClock:
    """The machine's time, in which sleeping takes none: a pause is added to the clock instead.

    What happens on the network takes the time it takes; what the collection waits for by itself does not.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.skipped = 0.0
        #: Called after each pause.
        self.on_sleep: t.Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        """Implement ``Clock``."""
        return time.monotonic() + self.skipped

    def time(self) -> float:
        """Implement ``Clock``."""
        return time.time() + self.skipped

    def sleep(self, seconds: float) -> None:
        """Implement ``Clock``."""
        with self._lock:
            self.skipped += max(0.0, seconds)
        self.on_sleep()
