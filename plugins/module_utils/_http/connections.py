# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that record how much of a request was sent, and that send no request after its deadline.

urllib3 bounds single steps (a connection attempt, a read), not a request: name servers that hang, dead addresses before the
living one and servers that drip bytes outlast its timeouts. And its exceptions do not tell whether a request was sent: a
``ProxyError`` may be a proxy that is not there, or a response that got lost behind it. Here every step asks the ``Exchange``
under way for the time that is left, and the first byte of a request marks it as sent.

Everything runs in the thread of the caller, so that nothing goes on after a caller gave up (a signal, a time-out),
but for the search for a connection: the look-up of a name cannot be interrupted. A thread does that, and the request
itself is sent by the caller, if there still is one.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
import typing as t
import warnings

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    InvalidResponseError,
    TransportError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.messages import MAX_BODY
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.proxies import Proxy

try:
    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
except ImportError:
    # urllib3 comes with requests; _http.transport reports that it is missing (REQUESTS_IMPORT_ERROR).
    if not t.TYPE_CHECKING:
        HTTPConnection = HTTPSConnection = HTTPConnectionPool = HTTPSConnectionPool = object

#: Seconds for each step to a connection (an address, the proxy, TLS); a host that is there answers in far less.
CONNECT_TIMEOUT = 10.0
#: What heads and the frames of chunks may take beside the body.
MAX_FRAME = 1024 * 1024
#: Interim responses (1xx) before the final one, at most.
MAX_INTERIM = 20
#: Bytes handed to a socket at once, so that each part has the time that is left and no more.
STEP = 65536

#: Connections that may be searched for at the same time in the process. A thread whose name server hangs cannot be
#: ended; a loop over many items must not pile them up.
_SEEKERS = threading.BoundedSemaphore(16)


class Exchange:
    """One request and its response: the time it has, and how far it came.

    Attributes:
        origin: Scheme and host, for messages.
        timeout: Seconds it has in all.
        connect_timeout: Seconds of them for each step of making a connection.
        connecting: Whether a connection is being made; what is sent meanwhile (CONNECT, TLS) is not the request.
        new_connection: Whether it must not use a connection that was kept.
        fresh: Whether a connection was made for it, rather than one kept from before.
        sent: Whether a byte of the request may have left this machine.
        received: Bytes of the response so far.
        status: Status of the response; None before it is known.
        tunnel: Status with which a proxy answered CONNECT; None without such a response.
    """

    def __init__(self, origin: str, timeout: float, clock: Clock, *, new_connection: bool = False) -> None:
        self.origin = origin
        self.new_connection = new_connection
        self.timeout = timeout
        # Less than the whole: a host that is not there is told from one that does not answer.
        self.connect_timeout = min(CONNECT_TIMEOUT, 0.9 * timeout)
        self.connecting = False
        self.fresh = False
        self.sent = False
        self.received = 0
        self.status: int | None = None
        self.tunnel: int | None = None
        self._clock = clock
        self._deadline = clock.monotonic() + timeout

    def left(self) -> float:
        """Return the seconds that the next step may take.

        Raises:
            TransportError: There are none.
        """
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            raise self.late()
        return min(left, self.connect_timeout) if self.connecting else left

    def late(self) -> TransportError:
        """Return the error for a request whose time is over."""
        if not self.sent:
            text = f"No connection to {self.origin} was ready within {self.timeout:.1f} s."
        elif not self.received:
            text = f"{self.origin} did not answer within {self.timeout:.1f} s."
        else:
            text = f"{self.origin} did not finish its response within {self.timeout:.1f} s."
        return TransportError(text, possibly_sent=self.sent)

    def take(self, count: int) -> None:
        """Count bytes of the response.

        Raises:
            InvalidResponseError: They are too many.
        """
        if not self.connecting:
            self.received += count
        if self.received > MAX_BODY + MAX_FRAME:
            raise self.too_large()

    def too_large(self) -> InvalidResponseError:
        """Return the error for a response that is too large."""
        return InvalidResponseError(f"{self.origin} answered with more than {MAX_BODY} bytes.", http_status=self.status)

    def cut_short(self, why: str) -> InvalidResponseError:
        """Return the error for a response that is incomplete or cannot be read; another try may get all of it."""
        return InvalidResponseError(
            f"The response of {self.origin} was cut short or is malformed: {why}.",
            truncated=True,
            http_status=self.status,
        )

    def seek(self, find: t.Callable[[], socket.socket]) -> socket.socket:
        """Open a connection in another thread; close one that comes too late.

        Raises:
            TransportError: There is none in time.
        """
        if not _SEEKERS.acquire(blocking=False):
            raise TransportError(
                f"No connection to {self.origin}: too many earlier attempts still hang. The name server may not answer.",
                possibly_sent=False,
            )
        search = _Search(find)
        try:
            threading.Thread(target=search.run, daemon=True, name="multicloud-connect").start()
        except RuntimeError:  # no more threads
            _SEEKERS.release()
            raise
        try:
            # All of them: several addresses may have to be tried.
            found = search.wait(max(0.0, self._deadline - self._clock.monotonic()))
        except BaseException:
            search.abandon()
            raise
        if found is None:
            search.abandon()
            raise self.late()
        return found


class _Search:
    """The search for a connection, in a thread."""

    def __init__(self, find: t.Callable[[], socket.socket]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._found: socket.socket | None = None
        self._error: BaseException | None = None
        self._abandoned = False

    def run(self) -> None:
        """Find the connection: the body of the thread."""
        try:
            found = self._find()
        except BaseException as error:
            self._error = error
        else:
            with self._lock:
                self._found = None if self._abandoned else found
            if self._found is None:
                found.close()
        finally:
            _SEEKERS.release()
            self._done.set()

    def wait(self, seconds: float) -> socket.socket | None:
        """Return the connection; None when there was none in time."""
        self._done.wait(seconds)
        if self._error is not None:
            raise self._error
        return self._found

    def abandon(self) -> None:
        """Give the search up: a connection that is found later is closed."""
        with self._lock:
            self._abandoned = True
            if self._found is not None:
                self._found.close()


class _CurrentExchange(threading.local):
    """The exchange of this thread; urllib3 has no way to pass it to a connection."""

    exchange: Exchange


current = _CurrentExchange()


class _Input(io.RawIOBase):
    """The bytes that come over a connection: until the deadline, and at most ``MAX_BODY`` of them.

    Attributes:
        ended: Whether the other side closed the connection.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._exchange = current.exchange
        self.ended = False

    def readable(self) -> bool:
        """Implement ``io.RawIOBase``."""
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        """Implement ``io.RawIOBase``."""
        self._sock.settimeout(self._exchange.left())
        count = self._raw.readinto(buffer)
        self._exchange.take(count or 0)
        self.ended = self.ended or count == 0
        return count

    def close(self) -> None:
        """Implement ``io.RawIOBase``."""
        self._raw.close()
        super().close()


class _SocketReader:
    """The part of a socket that ``http.client.HTTPResponse`` uses."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str, *_arguments: t.Any) -> io.BufferedReader:
        """Return a file to read from."""
        return io.BufferedReader(_Input(self._sock))


class _Response(http.client.HTTPResponse):
    """A response of a server, or of a proxy to CONNECT."""

    def __init__(self, sock: socket.socket, *arguments: t.Any, **named: t.Any) -> None:
        super().__init__(t.cast(socket.socket, _SocketReader(sock)), *arguments, **named)

    def begin(self) -> None:
        """Read the head of the final response.

        http.client passes over 100 only, and takes 103 (Early Hints) for the response; and half a head for a whole one.
        """
        super().begin()
        for _number in range(MAX_INTERIM):
            if t.cast(_Input, self.fp.raw).ended:
                raise http.client.IncompleteRead(b"")
            if not 100 <= self.status < 200 or self.status == http.client.SWITCHING_PROTOCOLS:
                return
            self.headers = self.msg = t.cast(http.client.HTTPMessage, None)
            super().begin()
        raise http.client.HTTPException(f"more than {MAX_INTERIM} interim responses")

    def _read_status(self) -> t.Any:
        """Read the first line; also called for the response to CONNECT, of which nothing else tells the status."""
        found = super()._read_status()  # type: ignore[misc]
        exchange = current.exchange
        if exchange.connecting:
            exchange.tunnel = found[1]
        return found


if t.TYPE_CHECKING:
    _Base = HTTPConnection
else:
    _Base = object


class _Steps(_Base):
    """The steps of a connection, each with the time that is left."""

    response_class = _Response

    def _new_conn(self) -> socket.socket:
        exchange = current.exchange
        sock = exchange.seek(super()._new_conn)
        sock.settimeout(exchange.left())
        return sock

    def connect(self) -> None:
        """Connect, through a tunnel and with TLS as need be."""
        exchange = current.exchange
        exchange.connecting, exchange.fresh = True, True
        super().connect()
        # Not after a failure: what went wrong went wrong while connecting.
        exchange.connecting = False

    def send(self, data: t.Any) -> None:
        """Send bytes: of the request, or of CONNECT while the connection is being made."""
        exchange = current.exchange
        if self.sock is None and self.auto_open:
            self.connect()
        left = exchange.left()
        if self.sock is None:
            raise http.client.NotConnected
        exchange.sent = exchange.sent or not exchange.connecting
        for start in range(0, len(data), STEP):
            self.sock.settimeout(left)
            super().send(data[start : start + STEP])
            left = exchange.left()


class Connection(_Steps, HTTPConnection):
    """A connection in clear text."""


class SecureConnection(_Steps, HTTPSConnection):
    """A connection with TLS."""


if t.TYPE_CHECKING:
    _BasePool = HTTPConnectionPool
else:
    _BasePool = object


class _Kept(_BasePool):
    """The connections that a pool keeps, for the requests that may use one."""

    def _get_conn(self, timeout: float | None = None) -> t.Any:
        found = super()._get_conn(timeout)
        if not current.exchange.new_connection:
            return found
        # Not opened again: urllib3 1.26 cannot do that behind a proxy.
        found.close()
        return self._new_conn()


class _Pool(_Kept, HTTPConnectionPool):
    ConnectionCls = Connection


class _SecurePool(_Kept, HTTPSConnectionPool):
    ConnectionCls = SecureConnection


def use_in(manager: urllib3.PoolManager) -> urllib3.PoolManager:
    """Have a pool manager make these connections."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager


def socks_manager(proxy: Proxy, keywords: t.Mapping[str, t.Any]) -> urllib3.PoolManager:
    """Return the pools of connections through a SOCKS proxy.

    Raises:
        ImportError: The package PySocks is missing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the error says the same
        from urllib3.contrib import socks

    class Socks(_Steps, socks.SOCKSConnection):
        """A connection in clear text."""

    class SecureSocks(_Steps, socks.SOCKSHTTPSConnection):
        """A connection with TLS."""

    class Pool(_Kept, HTTPConnectionPool):
        """Connections in clear text."""

        ConnectionCls = Socks

    class SecurePool(_Kept, HTTPSConnectionPool):
        """Connections with TLS."""

        ConnectionCls = SecureSocks

    manager = socks.SOCKSProxyManager(proxy.url, username=proxy.username, password=proxy.password or None, **keywords)
    manager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}
    return manager
