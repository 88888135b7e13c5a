# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real transport behind real proxies: what goes through them, what they refuse, and what is known of a request then."""

from __future__ import annotations

import contextlib
import socket
import ssl
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    CloudError,
    InvalidResponseError,
    TransportError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import (
    Http,
    Request,
    RequestsTransport,
    Response,
)
from emulator.tls import server_context

from .peers import (
    ENOUGH,
    OK,
    Behavior,
    Peer,
    PeerServer,
    ProxyServer,
    Serve,
    SocksProxy,
    get,
    hang_up,
    message,
    post,
    send,
    serving,
)

PASSWORD = "correct-horse"


@pytest.fixture
def serve() -> t.Iterator[Serve]:
    """Yield a function that starts servers; they end with the test."""
    with serving() as start:
        yield start


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """Return a server's certificate, and the file with the CA that signed it."""
    return server_context(tmp_path_factory.mktemp("authority"))


class Route:
    """A way to a server: directly, through a tunnel, or through a proxy that forwards.

    Attributes:
        url: Base URL of the server.
        server: The server.
        proxy: The proxy on the way.
        transport: Uses it.
    """

    def __init__(self, kind: str, server: PeerServer, proxy: ProxyServer | None, ca_path: Path) -> None:
        self.server = server
        self.proxy = proxy
        self.url = f"http://kms.example.com:{server.port}" if kind == "forward" else server.url
        variable = "HTTP_PROXY" if kind == "forward" else "HTTPS_PROXY"
        environ = {variable: proxy.url} if proxy else {}
        self.transport = RequestsTransport(ca_path=str(ca_path), environ=environ)

    def write(self, seconds: float = ENOUGH) -> Response:
        """Send a write as a client does, with the repetitions that the rule allows."""
        http = Http(self.transport, SystemClock(), lambda: 0.0, check_mode=False, timeout=seconds)
        return http.call(
            lambda left: http.send(
                post(f"{self.url}/v3/keypairs/associate"), "KPS Test", read_only=False, timeout=left
            ),
            read_only=False,
        )

    def writes(self) -> int:
        """Return the number of requests that the server got."""
        return sum(len(received) for received in self.server.requests)


Lay = t.Callable[[str, Behavior], Route]


@pytest.fixture
def lay(serve: Serve, authority: tuple[ssl.SSLContext, Path]) -> t.Iterator[Lay]:
    """Yield a function that makes a way to a new server."""
    proxies: list[ProxyServer] = []

    def make(kind: str, behave: Behavior) -> Route:
        server = serve(behave, authority[0] if kind == "tunnel" else None)
        if kind != "direct":
            proxies.append(ProxyServer({"kms.example.com": server.port}))
        return Route(kind, server, proxies[-1] if proxies else None, authority[1])

    yield make
    for proxy in proxies:
        with contextlib.suppress(OSError):  # closed by the test
            proxy.close()


each_way = pytest.mark.parametrize("kind", ["direct", "tunnel", "forward"])


@each_way
def test_a_write_gets_through(lay: Lay, kind: str) -> None:
    route = lay(kind, send(OK))
    assert route.write().status == 200
    assert route.writes() == 1
    assert (route.proxy is None) == (kind == "direct")
    assert route.proxy is None or route.proxy.asked == 1


@pytest.mark.parametrize("kind", ["direct", "tunnel"])
def test_a_write_uses_no_connection_that_was_kept_and_leaves_one_for_reads(lay: Lay, kind: str) -> None:
    route = lay(kind, send(OK))
    for _number in range(2):
        for _other in range(2):
            route.transport.send(get(route.url), ENOUGH)
        assert route.write().status == 200
    # A connection for the first two reads; the reads after a write use that of the write.
    assert [len(received) for received in route.server.requests] == [2, 3, 1]
    assert route.proxy is None or route.proxy.asked == 3


def reset(peer: Peer, _request: bytes) -> None:
    peer.reset()


def half(peer: Peer, _request: bytes) -> None:
    peer.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
    peer.sock.shutdown(socket.SHUT_RDWR)


@each_way
@pytest.mark.parametrize(
    "behave",
    [
        hang_up,
        reset,
        half,
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}"),
        send(b"not HTTP at all\r\n\r\n"),
    ],
    ids=["no response", "reset", "half a response", "malformed response", "no HTTP"],
)
def test_a_write_whose_response_is_lost_was_sent_and_is_not_sent_again(lay: Lay, kind: str, behave: Behavior) -> None:
    route = lay(kind, behave)
    with pytest.raises((TransportError, InvalidResponseError)) as caught:
        route.write()
    assert caught.value.outcome_unknown
    text = str(caught.value)
    assert "Nothing was sent" not in text
    assert "getresponse" not in text, "that is what urllib3 1.26 tries first, and no reason"
    assert " object at 0x" not in text
    assert route.writes() == 1


@each_way
def test_a_write_that_hangs_was_sent_and_is_not_sent_again(lay: Lay, kind: str) -> None:
    def hang(_peer: Peer, _request: bytes) -> None:
        route.server.wait_over(30.0)

    route = lay(kind, hang)
    with pytest.raises(TransportError, match="did not answer within") as caught:
        route.write(1.0)
    assert caught.value.possibly_sent
    assert route.writes() == 1


def test_a_gateway_error_of_a_proxy_leaves_the_outcome_unknown(lay: Lay) -> None:
    # A gateway's 502 tells nothing about what the server did.
    route = lay("forward", send(message(b"", status="502 Bad Gateway")))
    assert route.write().status == 502
    assert route.writes() == 1


@pytest.mark.parametrize("kind", ["tunnel", "forward"])
def test_a_write_is_repeated_when_the_proxy_cannot_be_reached(lay: Lay, kind: str) -> None:
    route = lay(kind, send(OK))
    assert route.proxy is not None
    route.proxy.close()
    with pytest.raises(TransportError) as caught:
        route.write(1.5)
    text = str(caught.value)
    assert f"The proxy {route.proxy.url} on the way to {route.url} failed: Connection refused" in text
    assert "It was tried" in text
    assert ("HTTP_PROXY" if kind == "forward" else "HTTPS_PROXY") in text
    assert (caught.value.possibly_sent, caught.value.permanent) == (False, False)
    assert route.writes() == 0


@pytest.mark.parametrize(
    ("status", "again"),
    [
        ("403 Forbidden", False),
        ("405 Method Not Allowed", False),
        ("429 Too Many Requests", True),
        ("502 Bad Gateway", True),
        ("503 Service Unavailable", True),
    ],
)
def test_a_tunnel_that_is_refused_carried_nothing(serve: Serve, status: str, again: bool) -> None:
    server = serve(send(OK))
    with contextlib.closing(ProxyServer(status=status)) as proxy:
        transport = RequestsTransport(environ={"https_proxy": proxy.url})
        http = Http(transport, SystemClock(), lambda: 0.0, check_mode=False, timeout=1.5)
        with pytest.raises(TransportError) as caught:
            http.call(
                lambda left: http.send(
                    post(f"https://localhost:{server.port}/"), "KPS Test", read_only=False, timeout=left
                ),
                read_only=False,
            )
    assert (
        f"The proxy {proxy.url} refused the way to https://localhost:{server.port} with HTTP {status[:3]}."
        in caught.value.message
    )
    assert (caught.value.possibly_sent, caught.value.permanent) == (False, not again)
    assert (proxy.asked > 1) is again
    assert server.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000 + b"\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
    ids=["too many headers", "a header too long", "a status of two digits", "another protocol"],
)
def test_a_tunnel_whose_response_cannot_be_read_carried_nothing_and_the_proxy_is_named(
    serve: Serve, answer: bytes
) -> None:
    gateway = serve(send(answer))
    transport = RequestsTransport(environ={"https_proxy": gateway.url})
    with pytest.raises(
        TransportError, match=f"The proxy {gateway.url} on the way to https://kms.example.com failed: "
    ) as got:
        transport.send(post("https://kms.example.com/"), ENOUGH)
    assert (got.value.possibly_sent, got.value.permanent) == (False, False)
    assert "https_proxy" in str(got.value.hint)


def test_a_server_that_a_proxy_cannot_reach_is_reported(serve: Serve) -> None:
    server = serve(send(OK))
    server.close()
    with (
        contextlib.closing(ProxyServer()) as proxy,
        pytest.raises(TransportError, match="refused the way .* HTTP 502") as got,
    ):
        RequestsTransport(environ={"https_proxy": proxy.url}).send(get(f"https://127.0.0.1:{server.port}/"), ENOUGH)
    assert not got.value.possibly_sent


@pytest.mark.parametrize("given", ["", f"user:wrong-{PASSWORD}@"], ids=["no login", "a wrong login"])
@pytest.mark.parametrize("kind", ["tunnel", "forward"])
def test_a_proxy_that_wants_a_login_is_asked_once(serve: Serve, kind: str, given: str) -> None:
    server = serve(send(OK))
    with contextlib.closing(ProxyServer(login=f"user:{PASSWORD}")) as proxy:
        url = proxy.url.replace("://", f"://{given}")
        transport = RequestsTransport(environ={"ALL_PROXY": url})
        http = Http(transport, SystemClock(), lambda: 0.0, check_mode=False, timeout=ENOUGH)
        target = f"https://localhost:{server.port}/" if kind == "tunnel" else f"http://kms.example.com:{server.port}/"
        with pytest.raises(TransportError, match="HTTP 407") as caught:
            http.call(lambda left: http.send(get(target), "KPS Test", read_only=True, timeout=left), read_only=True)
    assert proxy.asked == 1
    assert (caught.value.possibly_sent, caught.value.permanent) == (False, True)
    text = str(caught.value)
    assert PASSWORD not in text
    assert ("does not accept the user name" if given else "asks for a user name") in text
    assert "ALL_PROXY" in text
    assert server.requests == []


def test_a_login_for_the_proxy_is_sent_to_the_proxy_only(serve: Serve, authority: tuple[ssl.SSLContext, Path]) -> None:
    login = "domain\\user:p#s/s?w%rd@"
    server = serve(send(OK), authority[0])
    with contextlib.closing(ProxyServer(login=login)) as proxy:
        url = proxy.url.replace("://", "://domain%5Cuser:p%23s%2Fs%3Fw%25rd%40@")
        transport = RequestsTransport(environ={"HTTPS_PROXY": url}, ca_path=str(authority[1]))
        assert transport.send(get(f"https://localhost:{server.port}/"), ENOUGH).status == 200
    assert proxy.asked == 1
    assert b"authorization" not in server.requests[0][0].lower()


def test_a_certificate_behind_a_tunnel_is_checked(serve: Serve, authority: tuple[ssl.SSLContext, Path]) -> None:
    server = serve(send(OK), authority[0])
    with (
        contextlib.closing(ProxyServer()) as proxy,
        pytest.raises(TransportError, match="certificate verify failed") as got,
    ):
        RequestsTransport(environ={"HTTPS_PROXY": proxy.url}).send(get(f"https://localhost:{server.port}/"), ENOUGH)
    assert (got.value.possibly_sent, got.value.permanent) == (False, True)
    assert server.requests == []


def test_a_proxy_with_tls_of_its_own_is_used(serve: Serve, authority: tuple[ssl.SSLContext, Path]) -> None:
    server = serve(send(OK), authority[0])
    inner = ProxyServer()
    with contextlib.closing(inner), contextlib.closing(TlsFront(inner, authority[0])) as proxy:
        transport = RequestsTransport(environ={"HTTPS_PROXY": proxy.url}, ca_path=str(authority[1]))
        for _number in range(2):
            assert transport.send(get(f"https://localhost:{server.port}/"), ENOUGH).status == 200
    assert (inner.asked, len(server.requests)) == (1, 1)


class TlsFront(PeerServer):
    """TLS in front of another server."""

    def __init__(self, inner: PeerServer, context: ssl.SSLContext) -> None:
        self._inner = inner
        super().__init__(self._pass_on, context)

    def _pass_on(self, peer: Peer, request: bytes) -> None:
        with socket.create_connection(("127.0.0.1", self._inner.port), ENOUGH) as upstream:
            upstream.sendall(request)
            upstream.setblocking(False)
            peer.sock.setblocking(False)
            while not self.wait_over(0.01):
                for source, target in ((upstream, peer.sock), (peer.sock, upstream)):
                    with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
                        data = source.recv(65536)
                        if not data:
                            return
                        target.sendall(data)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("kind", ["direct", "tunnel"])
def test_a_socks_proxy_is_used(serve: Serve, authority: tuple[ssl.SSLContext, Path], scheme: str, kind: str) -> None:
    pytest.importorskip("socks")
    server = serve(hang_up, authority[0] if kind == "tunnel" else None)
    with contextlib.closing(SocksProxy(server.port, f"user:{PASSWORD}")) as proxy:
        url = f"{scheme}://user:{PASSWORD}@127.0.0.1:{proxy.port}"
        transport = RequestsTransport(environ={"ALL_PROXY": url}, ca_path=str(authority[1]))
        target = server.url.replace("127.0.0.1", "localhost" if kind == "tunnel" else "kms.example.com")
        if (scheme, kind) == ("socks5", "direct"):
            # It looks the name up here, and there is no such name.
            with pytest.raises(TransportError) as caught:
                transport.send(post(target), ENOUGH)
            assert not caught.value.possibly_sent
            return
        with pytest.raises(TransportError) as caught:
            transport.send(post(target), ENOUGH)
    assert caught.value.possibly_sent
    assert [len(received) for received in server.requests] == [1]
    assert proxy.asked == 1


@pytest.mark.parametrize(
    ("given", "forbids", "words"),
    [
        ("", False, "asks for a user name and password"),
        ("user@", False, "does not accept the user name and password"),
        (f"user:wrong-{PASSWORD}@", False, "does not accept the user name and password"),
        ("user:w\udce4@", False, "at most 255 bytes in UTF-8"),
        (f"user:{PASSWORD}@", True, "Connection not allowed by ruleset"),
    ],
    ids=["no login", "a user alone", "a wrong login", "a login that is not text", "a connection that is forbidden"],
)
def test_a_socks_proxy_that_refuses_is_asked_once(given: str, forbids: bool, words: str) -> None:
    pytest.importorskip("socks")
    with contextlib.closing(SocksProxy(9, f"user:{PASSWORD}", forbids=forbids)) as proxy:
        transport = RequestsTransport(environ={"ALL_PROXY": f"socks5h://{given}127.0.0.1:{proxy.port}"})
        http = Http(transport, SystemClock(), lambda: 0.0, check_mode=False, timeout=ENOUGH)
        url = "https://kms.example.com/"
        with pytest.raises(TransportError, match=words) as caught:
            http.call(lambda left: http.send(get(url), "KPS Test", read_only=True, timeout=left), read_only=True)
    assert proxy.connections <= 1
    assert (caught.value.possibly_sent, caught.value.permanent) == (False, True)
    assert PASSWORD not in str(caught.value)
    assert "ALL_PROXY" in str(caught.value)


# --- Which proxy


def test_a_proxy_of_the_environment_is_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(send(OK))
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    RequestsTransport().send(get("http://kms.example.com/v3/a%20b?x=%2F"), ENOUGH)
    request = proxy.requests[0][0]
    assert request.startswith(b"GET http://kms.example.com/v3/a%20b?x=%2F HTTP/1.1\r\n")
    assert b"\r\nHost: kms.example.com\r\n" in request


def test_plain_http_to_this_machine_goes_through_no_proxy(serve: Serve) -> None:
    proxy, server = serve(send(OK)), serve(send(OK))
    environ = {"HTTP_PROXY": proxy.url, "ALL_PROXY": proxy.url}
    for host in ("127.0.0.1", "localhost"):
        RequestsTransport(environ=environ).send(get(f"http://{host}:{server.port}/"), ENOUGH)
    assert (len(proxy.requests), len(server.requests)) == (0, 2)


def test_a_transport_may_do_without_proxies(serve: Serve, authority: tuple[ssl.SSLContext, Path]) -> None:
    proxy, server = serve(send(OK)), serve(send(OK), authority[0])
    transport = RequestsTransport(environ={"ALL_PROXY": proxy.url}, proxies=False, ca_path=str(authority[1]))
    transport.send(get(server.url), ENOUGH)
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


def test_each_host_has_its_own_way_through_or_around_the_proxy(
    serve: Serve, authority: tuple[ssl.SSLContext, Path]
) -> None:
    server = serve(send(OK), authority[0])
    with contextlib.closing(ProxyServer({"kms.example.com": serve(send(OK)).port})) as proxy:
        environ = {"HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url, "NO_PROXY": f"127.0.0.1:{server.port}"}
        transport = RequestsTransport(environ=environ, ca_path=str(authority[1]))
        for url in (server.url, "http://kms.example.com/v3", server.url, "http://kms.example.com/v3"):
            assert transport.send(get(url), ENOUGH).status == 200
    assert (proxy.asked, [len(received) for received in server.requests]) == (1, [2])


@pytest.mark.parametrize(
    "value",
    [
        f"http://user:{PASSWORD}#1@proxy.example.com:3128",
        f"http://user:{PASSWORD}/1@proxy.example.com:3128",
        f"http://user:{PASSWORD}?1@proxy.example.com:3128",
        f"http://user:{PASSWORD}@proxy.example.com:port",
        f"http://user:{PASSWORD}@proxy.example.com:99999",
        f"http://user:{PASSWORD}@",
        f"http://user:{PASSWORD}@proxy example:3128",
        f"http://user:{PASSWORD}@[::1",
        f"socks://user:{PASSWORD}@proxy.example.com:1080",
        f"ftp://user:{PASSWORD}@proxy.example.com",
        f"user:{PASSWORD}#x@proxy.example.com:3128",
    ],
)
def test_an_invalid_proxy_is_reported_without_its_password(value: str) -> None:
    with pytest.raises(TransportError) as caught:
        RequestsTransport(environ={"HTTPS_PROXY": value}).send(get("https://kms.example.com/"), ENOUGH)
    text = str(caught.value)
    assert "HTTPS_PROXY" in text
    assert "Nothing was sent" in text
    assert PASSWORD not in text
    assert "user" not in text.replace("user name", "").replace("user:password", "")
    assert (caught.value.possibly_sent, caught.value.permanent) == (False, True)


def test_a_password_is_not_in_what_goes_wrong_later(serve: Serve) -> None:
    proxy = serve(hang_up)
    messages = []
    for scheme in ("http", "https", "socks4", "socks5", "socks5h"):
        url = f"{scheme}://user:{PASSWORD}@127.0.0.1:{proxy.port}"
        with pytest.raises(CloudError) as caught:
            RequestsTransport(environ={"HTTPS_PROXY": url}).send(get("https://localhost:1/"), 3.0)
        messages.append(str(caught.value))
        assert f"{scheme}://127.0.0.1:{proxy.port}" in messages[-1]
    proxy.close()
    with pytest.raises(CloudError) as caught:
        RequestsTransport(environ={"HTTPS_PROXY": proxy.url.replace("://", f"://user:{PASSWORD}@")}).send(
            Request("GET", "https://localhost:1/", {}), ENOUGH
        )
    assert PASSWORD not in " ".join([*messages, str(caught.value)])
