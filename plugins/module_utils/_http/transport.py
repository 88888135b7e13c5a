# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transport that sends requests, with urllib3, on which requests depends."""

from __future__ import annotations

import os
import re
import ssl
import threading
import traceback
import typing as t
import weakref

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError, TransportError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.compression import (
    OversizeError,
    PackedError,
    unpack,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.failures import refused_by, translate
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.messages import (
    MAX_BODY,
    Request,
    Response,
    origin_of,
    split_url,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.proxies import Proxy, find_proxy

try:
    import requests.utils
    import urllib3
    import urllib3.util.ssl_

    from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import connections
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

#: Connections that are kept for one host, and hosts that connections are kept for.
KEPT = 4

#: What a header may hold: no control characters, and no blanks around it.
_HEADER_VALUE = re.compile(r"(?![ \t])[\t\x20-\x7e\x80-\xff]*(?<![ \t])\Z")


class _Route(t.NamedTuple):
    """The connections to an origin.

    Attributes:
        pool: Its connections.
        proxy: The proxy on the way.
        forwards: Whether the proxy gets the request itself, rather than opening a tunnel for it.
    """

    pool: urllib3.HTTPConnectionPool
    proxy: Proxy | None
    forwards: bool


class RequestsTransport:
    """The real transport: the connection pools of urllib3, with the CA certificates of ``requests``.

    Not a session of ``requests``, of which nothing is wanted: redirects are not followed (they would carry signed headers
    elsewhere), cookies are not kept, and ``~/.netrc`` is not read (it would replace the Authorization header). The proxies and
    the CA bundle that the environment names are used.

    A transport may be used by several threads. Connections are kept between requests, and closed when the transport is gone.

    Args:
        validate_certs: Whether to check the server's certificate.
        ca_path: File or directory of CA certificates to trust instead of the bundled ones.
        proxies: False for addresses that must be reached directly, such as a metadata service.
        environ: The environment; by default that of the process.
        clock: Time.
    """

    def __init__(
        self,
        *,
        validate_certs: bool = True,
        ca_path: str | None = None,
        proxies: bool = True,
        environ: t.Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._verify = validate_certs
        self._ca_path = ca_path or self._environ.get("REQUESTS_CA_BUNDLE") or self._environ.get("CURL_CA_BUNDLE")
        self._use_proxies = proxies
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._routes: dict[str, _Route] = {}
        self._managers: dict[tuple[str, Proxy | None], urllib3.PoolManager] = {}
        # A worker of ansible-playbook runs the items of a loop in one process, each with a transport of its own.
        weakref.finalize(self, _close, self._managers)

    def send(self, request: Request, timeout: float) -> Response:
        """Send a request and return the whole response within ``timeout`` seconds.

        Raises:
            TransportError: There is none, or not in time.
            InvalidResponseError: What came cannot be read, or is too large.
        """
        origin = origin_of(request.url)
        if timeout <= 0:
            raise TransportError(f"No time was left to ask {origin}.", possibly_sent=False)
        _check_headers(request.headers, origin)
        route = self._route(origin, request.url)
        exchange = connections.Exchange(origin, timeout, self._clock, new_connection=request.new_connection)
        try:
            return _send(route, request, exchange)
        except CloudError:
            raise
        except Exception as error:
            # In there runs the code of others, on what others sent: whatever it raises says something about the response.
            raise translate(error, exchange, route.proxy) from None

    def close(self) -> None:
        """Close the connections that are kept; the next request opens a new one."""
        with self._lock:
            for route in self._routes.values():
                route.pool.close()
            self._routes.clear()
            _close(self._managers)

    def _route(self, origin: str, url: str) -> _Route:
        """Return the connections to an origin; the way is found out once."""
        with self._lock:
            if origin not in self._routes:
                proxy = find_proxy(url, self._environ) if self._use_proxies else None
                scheme, host, port, _target = split_url(url)
                key = (scheme, proxy)
                if key not in self._managers:
                    self._managers[key] = self._manager(scheme, proxy)
                pool = self._managers[key].connection_from_host(host, port, scheme)
                forwards = proxy is not None and scheme == "http" and not proxy.is_socks
                self._routes[origin] = _Route(pool, proxy, forwards)
            return self._routes[origin]

    def _manager(self, scheme: str, proxy: Proxy | None) -> urllib3.PoolManager:
        """Return the pools of connections that go through a proxy, or directly."""
        keywords: dict[str, t.Any] = {"num_pools": KEPT, "maxsize": KEPT}
        if scheme == "https" or (proxy and proxy.url.startswith("https")):
            keywords.update(cert_reqs="CERT_REQUIRED" if self._verify else "CERT_NONE", ssl_context=self._tls())
        if proxy is None:
            return connections.use_in(urllib3.PoolManager(**keywords))
        if not proxy.is_socks:
            headers, context = proxy.headers(), keywords.get("ssl_context")
            manager = urllib3.ProxyManager(proxy.url, proxy_headers=headers, proxy_ssl_context=context, **keywords)
            return connections.use_in(manager)
        try:
            return connections.socks_manager(proxy, keywords)
        except ImportError:
            raise TransportError(
                f"{proxy.url}, the proxy in {proxy.variable}, speaks SOCKS, which needs the Python package PySocks. Nothing was "
                "sent.",
                possibly_sent=False,
                permanent=True,
                hint="Install PySocks where the module runs, or name an HTTP proxy.",
            ) from None

    def _tls(self) -> ssl.SSLContext:
        """Return the one TLS context for all connections: reading the certificates takes longer than a request."""
        if self._context is None:
            context = urllib3.util.ssl_.create_urllib3_context(
                cert_reqs=ssl.CERT_REQUIRED if self._verify else ssl.CERT_NONE
            )
            if self._verify:
                path = self._ca_path or requests.utils.DEFAULT_CA_BUNDLE_PATH
                try:
                    context.load_verify_locations(**{"capath" if os.path.isdir(path) else "cafile": path})
                except (OSError, ValueError) as error:
                    raise TransportError(
                        f"The CA certificates in {path} cannot be read: {error}. Nothing was sent.",
                        possibly_sent=False,
                        permanent=True,
                        hint="The path is that of the option for CA certificates (hwc_ca_path, ali_ca_path), or else of "
                        "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE.",
                    ) from None
            self._context = context
        return self._context


def _check_headers(headers: t.Mapping[str, str], origin: str) -> None:
    """Raise for a value that would end a header; it is not shown, for it may be a secret."""
    for name, value in headers.items():
        if not _HEADER_VALUE.match(value):
            raise TransportError(
                f"The header {name} of the request to {origin} holds characters that cannot be sent.",
                possibly_sent=False,
                permanent=True,
            )


def _send(route: _Route, request: Request, exchange: connections.Exchange) -> Response:
    """Send a request and return its response."""
    connections.current.exchange = exchange
    received = route.pool.request(
        request.method,
        request.url if route.forwards else split_url(request.url)[3],
        body=request.body or None,
        headers=dict(request.headers),
        timeout=urllib3.Timeout(connect=exchange.connect_timeout, read=exchange.timeout),
        # No retries of urllib3's own: they would resend a stale signature and escape deadline and rate limit.
        retries=False,
        redirect=False,
        assert_same_host=False,
        preload_content=False,
        decode_content=False,
    )
    exchange.status = received.status
    whole = False
    try:
        if route.forwards and received.status == 407:
            raise refused_by(t.cast(Proxy, route.proxy), exchange.origin, received.status)
        raw = _read(received, exchange)
        whole = True
    finally:
        if not whole:
            received.close()
        received.release_conn()
    headers = {name.lower(): value for name, value in received.headers.itermerged()}
    return Response(received.status, headers, _unpack(raw, headers, exchange))


def _read(received: urllib3.BaseHTTPResponse, exchange: connections.Exchange) -> bytes:
    """Return the body as it comes over the wire."""
    chunks: list[bytes] = []
    size = 0
    for chunk in received.stream(65536, decode_content=False):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY:
            raise exchange.too_large()
    return b"".join(chunks)


def _unpack(raw: bytes, headers: t.Mapping[str, str], exchange: connections.Exchange) -> bytes:
    """Return the body without its compression, once it is whole: urllib3 before 2.0 does not compare it with its length."""
    length = headers.get("content-length", "")
    if length.isdecimal() and "transfer-encoding" not in headers and exchange.status not in (204, 304):
        missing = int(length) - len(raw)
        if missing > 0:
            raise exchange.cut_short(f"{missing} bytes are missing")
    try:
        return unpack(raw, headers.get("content-encoding", ""), MAX_BODY)
    except OversizeError:
        raise exchange.too_large() from None
    except PackedError as error:
        raise exchange.cut_short(str(error)) from None


def _close(managers: t.Mapping[t.Any, urllib3.PoolManager]) -> None:
    """Close the connections that are kept."""
    for manager in managers.values():
        manager.clear()
