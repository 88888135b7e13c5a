# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers and proxies on the loopback address, made of sockets, so that they can misbehave in every way a network can."""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import ssl
import struct
import threading
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Request

#: Seconds that a test gives a request it expects to be answered.
ENOUGH = 10.0
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Peer:
    """One connection, seen from the server."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def receive(self) -> bytes:
        """Return one whole request; nothing at the end of the connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.sock.recv(65536)
            if not part:
                return b""
            data += part
        head, _separator, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += self.sock.recv(65536)
        return head + b"\r\n\r\n" + body

    def reset(self) -> None:
        """Close the connection with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Behavior = t.Callable[[Peer, bytes], None]


class PeerServer:
    """A server on a port of its own that answers each request as it is told.

    Attributes:
        requests: What it received, connection by connection.
    """

    def __init__(self, behave: Behavior, context: ssl.SSLContext | None = None, greeting: bytes = b"") -> None:
        self._behave = behave
        self._context = context
        self._greeting = greeting
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.requests: list[list[bytes]] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        # A client that went away, or refused our certificate, is what many tests are about.
        with contextlib.suppress(OSError), sock:
            peer = Peer(self._context.wrap_socket(sock, server_side=True) if self._context else sock)
            with peer.sock:
                peer.sock.sendall(self._greeting)
                received: list[bytes] = []
                self.requests.append(received)
                while request := peer.receive():
                    received.append(request)
                    self._behave(peer, request)

    def wait_over(self, seconds: float) -> bool:
        """Sleep, unless the test is over: for servers that response slowly or never."""
        return self._over.wait(seconds)

    def close(self) -> None:
        """Stop."""
        self._over.set()
        # Closing alone would not wake the thread that waits for connections.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


Serve = t.Callable[..., PeerServer]


@contextlib.contextmanager
def serving() -> t.Iterator[Serve]:
    """Yield a function that starts servers; they end with the context."""
    servers: list[PeerServer] = []

    def start(behave: Behavior, context: ssl.SSLContext | None = None, greeting: bytes = b"") -> PeerServer:
        servers.append(PeerServer(behave, context, greeting))
        return servers[-1]

    yield start
    for server in servers:
        with contextlib.suppress(OSError):  # closed by the test
            server.close()


def send(*parts: bytes) -> Behavior:
    """Answer every request with these bytes."""

    def behave(peer: Peer, _request: bytes) -> None:
        for part in parts:
            peer.sock.sendall(part)

    return behave


def message(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def get(url: str, **headers: str) -> Request:
    return Request("GET", url, {"Host": url.split("/")[2], **headers})


def post(url: str, body: bytes = b'{"keypair_name": "kp"}') -> Request:
    return Request("POST", url, {"Host": url.split("/")[2], "Content-Type": "application/json"}, body)


def hang_up(peer: Peer, _request: bytes) -> None:
    """Take the request, and close the connection without a response."""
    peer.sock.shutdown(socket.SHUT_RDWR)


class ProxyServer(PeerServer):
    """A proxy: opens tunnels (CONNECT), and forwards requests in clear text.

    Args:
        hosts: Ports of this machine where the hosts of URLs are, by name; others are connected to as they are.
        login: ``user:password`` that it asks for.
        status: Status line with which it refuses everything.
    """

    def __init__(
        self, hosts: t.Mapping[str, int] | None = None, login: str | None = None, status: str | None = None
    ) -> None:
        super().__init__(self._handle)
        self._hosts = hosts or {}
        self._login = login
        self._status = status
        #: How often it was asked for anything.
        self.asked = 0

    def _handle(self, peer: Peer, request: bytes) -> None:
        self.asked += 1
        wanted = b"Proxy-Authorization: Basic " + base64.b64encode((self._login or "").encode())
        if self._login is not None and wanted.lower() not in request.lower():
            self._end(peer, "407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=x")
        elif self._status is not None:
            self._end(peer, self._status)
        else:
            self._pass_on(peer, request)

    def _pass_on(self, peer: Peer, request: bytes) -> None:
        method, target = request.split(b" ", 2)[:2]
        authority = target.decode() if method == b"CONNECT" else target.decode().split("/")[2]
        host, _colon, port = authority.partition(":")
        address = ("127.0.0.1", self._hosts[host]) if host in self._hosts else (host, int(port or 80))
        try:
            upstream = socket.create_connection(address, ENOUGH)
        except OSError:
            self._end(peer, "502 Bad Gateway")
            return
        with upstream:
            if method == b"CONNECT":
                peer.sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                head, _blank, body = request.partition(b"\r\n\r\n")
                path = b"/" + target.split(b"/", 3)[3]
                upstream.sendall(b"%s %s %s\r\n\r\n%s" % (method, path, head.split(b" ", 2)[2], body))
            relay(self, peer.sock, upstream)
        peer.sock.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _end(peer: Peer, status: str, *headers: str) -> None:
        peer.sock.sendall(message(b"", *headers, status=status))


class SocksProxy:
    """A proxy that speaks SOCKS 5 (RFC 1928, RFC 1929), and wants a login.

    Args:
        port: Port of this machine where every host is.
        login: ``user:password`` that it asks for.
        forbids: Whether its rules forbid every connection.
    """

    def __init__(self, port: int, login: str, *, forbids: bool = False) -> None:
        self._port = port
        self._forbids = forbids
        self._login = login.encode().split(b":")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.port: int = self._listener.getsockname()[1]
        #: How often it was asked for a connection.
        self.asked = 0
        #: The number of connections.
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _address = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        # A client that went away is what some tests are about.
        with contextlib.suppress(OSError, IndexError), sock, sock.makefile("rb", buffering=0) as stream:

            def read(count: int) -> bytes:
                return stream.read(count) or b""

            read(read(2)[1])
            sock.sendall(b"\x05\x02")
            read(1)
            given = [read(read(1)[0]), read(read(1)[0])]
            if given != self._login:
                sock.sendall(b"\x01\x01")
                return
            sock.sendall(b"\x01\x00")
            if self._forbids:
                read(300)
                sock.sendall(b"\x05\x02\x00\x01" + b"\0" * 6)
                return
            kind = read(4)[3]
            read({1: 4, 3: 0, 4: 16}[kind] or read(1)[0])
            read(2)
            self.asked += 1
            sock.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
            with socket.create_connection(("127.0.0.1", self._port), ENOUGH) as upstream:
                relay(self, sock, upstream)

    def wait_over(self, seconds: float) -> bool:
        """Sleep, unless the test is over."""
        return self._over.wait(seconds)

    def close(self) -> None:
        """Stop."""
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def relay(server: PeerServer | SocksProxy, one: socket.socket, other: socket.socket) -> None:
    """Hand on what each side sends until one of them ends."""
    while not server.wait_over(0.0):
        for source in select.select([one, other], [], [], 0.1)[0]:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)
