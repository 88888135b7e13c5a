# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP plumbing: sockets in, ``Request`` and ``Response`` out; every way of answering badly on purpose is here."""

from __future__ import annotations

import contextlib
import http.server
import socket
import ssl
import struct
import threading
import traceback
import typing as t

from .messages import Request, Response

#: Takes a request and returns the response. Called by many threads at once.
Application = t.Callable[[Request], Response]

#: Longer bodies are rejected, as by the vendor's gateway.
MAX_BODY = 12 * 1024 * 1024


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection; answers requests until the peer closes it."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 120
    server: HttpServer

    def setup(self) -> None:
        """Do the TLS handshake here, in the connection's own thread, so that a silent peer does not block others."""
        super().setup()
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()

    def handle(self) -> None:
        """Serve the connection; a peer that disconnects is not an error."""
        with contextlib.suppress(ConnectionError, TimeoutError, ssl.SSLError, OSError):
            super().handle()

    def finish(self) -> None:
        """Flush what is left, if the client is still connected."""
        with contextlib.suppress(ConnectionError, TimeoutError, ssl.SSLError, ValueError, OSError):
            super().finish()

    def log_message(self, format: str, *args: t.Any) -> None:
        """Do nothing: the emulator keeps its own log of requests."""

    def parse_request(self) -> bool:
        """Parse the head, then let the application answer, whatever the method."""
        if super().parse_request():
            self._answer()
        return False  # the base class would now look for a do_METHOD

    def _answer(self) -> None:
        body = self._body()
        if body is None:
            return
        headers = tuple(
            (name, value.encode("latin-1", "replace").decode("utf-8", "replace"))
            for name, value in self.headers.items()
        )
        # self.path has leading slashes folded by newer Pythons: signatures need the target as it was sent
        target = _origin_form(self.requestline.split()[1])
        try:
            response = self.server.application(Request(self.command, target, headers, body))
        except Exception as error:
            traceback.print_exc()
            response = Response(
                500, f"the emulator itself failed: {error!r}".encode(), (("Content-Type", "text/plain"),)
            )
        self._deliver(response)

    def _body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding"):
            self._deliver(Response(411))
            self.close_connection = True
            return None
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self._deliver(Response(413))
            self.close_connection = True
            return None
        return self.rfile.read(length)

    def _deliver(self, response: Response) -> None:
        how = response.delivery
        if how.delay and self.server.closing.wait(how.delay):
            self.close_connection = True
            return
        if not how.respond:
            self._hang_up(how.reset)
            return
        self.send_response_only(response.status)
        self.send_header("Date", self.date_time_string())
        bodiless = response.status in (204, 304) or response.status < 200
        for name, value in response.headers:
            self.send_header(name, value)
        if not bodiless:
            self.send_header("Content-Length", str(len(response.body)))
        if how.cut is not None:
            self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        body = b"" if bodiless or self.command == "HEAD" else response.body[: how.cut]
        if how.drip:
            self._drip(body, how.drip)
            return
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _drip(self, body: bytes, pause: float) -> None:
        self.end_headers()
        self.wfile.flush()
        for offset in range(len(body)):
            if self.server.closing.wait(pause):
                self.close_connection = True
                return
            self.wfile.write(body[offset : offset + 1])
            self.wfile.flush()

    def _hang_up(self, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        # these hold the socket open: close them first, or the reset would wait for the thread's end
        self.rfile.close()
        self.wfile.close()
        self.connection.close()


def _origin_form(target: str) -> str:
    """Return the request target without scheme and host, which it has when the client takes us for a proxy."""
    if not target.lower().startswith(("http://", "https://")):
        return target
    return "/" + target.partition("://")[2].partition("/")[2]


class HttpServer(http.server.ThreadingHTTPServer):
    """The listening socket.

    Args:
        application: Answers requests.
        port: Port on 127.0.0.1; 0 lets the kernel choose.
        context: With it the server speaks TLS.
    """

    daemon_threads = True
    request_queue_size = 256
    block_on_close = False

    def __init__(self, application: Application, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.application = application
        self.closing = threading.Event()
        self._context = context
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self) -> None:
        """Bind without the name lookup of the base class, which can take seconds."""
        super(http.server.HTTPServer, self).server_bind()
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def get_request(self) -> tuple[socket.socket, t.Any]:
        """Accept a connection and remember it."""
        connection, address = super().get_request()
        if self._context is not None:
            connection = self._context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
            )
        with self._guard:
            self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: t.Any) -> None:
        """Close a connection and forget it."""
        with self._guard:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """Let errors of the emulator be seen; a vanished peer was dealt with before."""
        super().handle_error(request, client_address)

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening, close every connection, end every deliberate delay."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        with self._guard:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
