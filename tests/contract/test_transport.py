# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real transport against servers on the loopback address that misbehave in every way a network can."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import struct
import threading
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._clock import SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import BrokenAnswerError, NoAnswerError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import (
    MAX_BODY,
    Http,
    Request,
    RequestsTransport,
    Response,
)
from emulator.tls import server_context

#: Seconds that a test gives a request it expects to be answered.
ENOUGH = 10.0
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no CA bundle of this machine."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Peer:
    """One connection, seen from the server."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def receive(self) -> bytes:
        """One whole request; nothing at the end of the connection."""
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


class Server:
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
        """Sleep, unless the test is over: for servers that answer slowly or never."""
        return self._over.wait(seconds)

    def close(self) -> None:
        """Stop."""
        self._over.set()
        # Closing alone would not wake the thread that waits for connections.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


Serve = t.Callable[..., Server]


@pytest.fixture
def serve() -> t.Iterator[Serve]:
    """Starts servers that end with the test."""
    servers: list[Server] = []

    def start(behave: Behavior, context: ssl.SSLContext | None = None, greeting: bytes = b"") -> Server:
        servers.append(Server(behave, context, greeting))
        return servers[-1]

    yield start
    for server in servers:
        with contextlib.suppress(OSError):  # closed by the test
            server.close()


def send(*parts: bytes) -> Behavior:
    """Answers every request with these bytes."""

    def behave(peer: Peer, _request: bytes) -> None:
        for part in parts:
            peer.sock.sendall(part)

    return behave


def message(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def get(url: str, **headers: str) -> Request:
    return Request("GET", url, {"Host": url.split("/")[2], **headers})


def ask(url: str, timeout: float = ENOUGH, **arguments: t.Any) -> Response:
    return RequestsTransport(**arguments).send(get(url), timeout)


# --- Time


def drip(first: bytes) -> t.Callable[[Serve], Server]:
    """A server that sends something now and then, so that no single read ever times out."""

    def start(serve: Serve) -> Server:
        def behave(peer: Peer, _request: bytes) -> None:
            peer.sock.sendall(first)
            while not server.wait_over(0.05):
                peer.sock.sendall(b"x")

        server = serve(behave)
        return server

    return start


@pytest.mark.parametrize(
    "first",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Header: "],
    ids=["body", "header"],
)
def test_a_server_that_drips_does_not_outlive_the_deadline(serve: Serve, first: bytes) -> None:
    server = drip(first)(serve)
    begun = time.monotonic()
    with pytest.raises(NoAnswerError, match="did not finish its answer within 0.5 s") as caught:
        ask(server.url, 0.5)
    assert 0.4 < time.monotonic() - begun < 5.0
    assert caught.value.maybe_received
    assert not caught.value.lasting


def test_a_server_that_hangs_does_not_outlive_the_deadline(serve: Serve) -> None:
    def behave(_peer: Peer, _request: bytes) -> None:
        server.wait_over(30.0)

    server = serve(behave)
    begun = time.monotonic()
    with pytest.raises(NoAnswerError, match=r"did not (answer|finish its answer) within 0.5 s") as caught:
        ask(server.url, 0.5)
    assert 0.4 < time.monotonic() - begun < 5.0
    assert caught.value.maybe_received


def test_without_time_nothing_is_sent(serve: Serve) -> None:
    server = serve(send(OK))
    with pytest.raises(NoAnswerError, match="No time was left"):
        ask(server.url, 0.0)
    assert server.requests == []


# --- Connections


def test_a_reset_leaves_open_whether_the_request_arrived(serve: Serve) -> None:
    server = serve(lambda peer, _request: peer.reset())
    with pytest.raises(NoAnswerError, match="broke") as caught:
        ask(server.url)
    assert (caught.value.maybe_received, caught.value.lasting) == (True, False)
    assert server.url in str(caught.value)


def test_a_connection_that_ends_without_an_answer_leaves_it_open_too(serve: Serve) -> None:
    server = serve(lambda peer, _request: peer.sock.shutdown(socket.SHUT_RDWR))
    with pytest.raises(NoAnswerError) as caught:
        ask(server.url)
    assert caught.value.maybe_received


def test_a_refused_connection_is_certain(serve: Serve) -> None:
    server = serve(send(OK))
    server.close()
    with pytest.raises(NoAnswerError, match=f"No connection to {server.url}: .*refused") as caught:
        ask(f"{server.url}/v3/secret-path")
    assert (caught.value.maybe_received, caught.value.lasting) == (False, False)
    assert not caught.value.unknown_host
    assert "secret-path" not in str(caught.value)


def test_a_name_that_does_not_exist_is_told_from_a_host_that_is_away() -> None:
    # .invalid never exists (RFC 2606); without any name service the answer is another one.
    with pytest.raises(NoAnswerError) as caught:
        ask("https://kms.nowhere.invalid")
    assert caught.value.unknown_host or "Temporary failure" in str(caught.value)
    assert not caught.value.maybe_received


def test_a_host_that_accepts_no_connection_is_certain() -> None:
    # Nobody accepts, and what the kernel keeps for nobody is full: further connections hang.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        for _number in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        with pytest.raises(NoAnswerError, match="accepted no connection within") as caught:
            ask(f"http://127.0.0.1:{listener.getsockname()[1]}", 0.5)
    assert (caught.value.maybe_received, caught.value.lasting) == (False, False)


def test_connections_are_kept_between_requests(serve: Serve) -> None:
    server = serve(send(OK))
    transport = RequestsTransport()
    for number in range(3):
        transport.send(get(f"{server.url}/{number}"), ENOUGH)
    assert [len(received) for received in server.requests] == [3]


def test_threads_are_kept_like_connections(serve: Serve) -> None:
    server = serve(send(OK))
    transport = RequestsTransport()
    before = set(threading.enumerate())
    for number in range(5):
        transport.send(get(f"{server.url}/{number}"), ENOUGH)
    new = [thread for thread in set(threading.enumerate()) - before if thread.name == "multicloud-request"]
    assert len(new) == 1


def test_a_request_that_hangs_does_not_hold_up_the_next(serve: Serve) -> None:
    transport = RequestsTransport()
    with pytest.raises(NoAnswerError, match="did not finish its answer"):
        transport.send(get(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")(serve).url), 0.5)
    assert transport.send(get(serve(send(OK)).url), ENOUGH).status == 200


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(serve: Serve) -> None:
    closed = threading.Event()

    def behave(peer: Peer, _request: bytes) -> None:
        peer.sock.sendall(OK)
        peer.sock.shutdown(socket.SHUT_RDWR)
        closed.set()

    server = serve(behave)
    transport = RequestsTransport()
    for _number in range(2):
        assert transport.send(get(server.url), ENOUGH).status == 200
        assert closed.wait(ENOUGH)
        closed.clear()
    assert [len(received) for received in server.requests] == [1, 1]


# --- What goes out


def test_the_target_is_sent_as_it_was_signed(serve: Serve) -> None:
    server = serve(send(OK))
    target = "/v3/a/../b/./c%20d%2Fe~f%2B/%E4%BD%A0?marker=a%2Fb%20c&x=%2A&empty="
    ask(f"{server.url}{target}")
    assert server.requests[0][0].split(b"\r\n")[0] == f"GET {target} HTTP/1.1".encode()


def test_a_body_is_sent_byte_for_byte(serve: Serve) -> None:
    server = serve(send(OK))
    body = b'{"keypair_name": "kp", "key": "a\\nb"}'
    headers = {"Host": "example.com", "X-A": "b", "User-Agent": "us", "Accept-Encoding": "gzip"}
    RequestsTransport().send(Request("POST", server.url, headers, body), ENOUGH)
    head, _separator, received = server.requests[0][0].partition(b"\r\n\r\n")
    assert received == body
    lines = head.decode().split("\r\n")[1:]
    assert sorted(lines) == sorted(
        f"{name}: {value}" for name, value in {**headers, "Content-Length": len(body)}.items()
    )


def test_netrc_does_not_replace_the_signature(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(send(OK))
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password stolen\ndefault login me password stolen\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    RequestsTransport().send(get(server.url, Authorization="SDK-HMAC-SHA256 signed"), ENOUGH)
    RequestsTransport().send(get(server.url), ENOUGH)
    first, second = (received[0] for received in server.requests)
    assert b"Authorization: SDK-HMAC-SHA256 signed\r\n" in first
    assert b"authorization" not in second.lower()


def test_cookies_are_not_kept(serve: Serve) -> None:
    server = serve(send(message(b"{}", "Set-Cookie: session=1; Path=/")))
    transport = RequestsTransport()
    for _number in range(2):
        transport.send(get(server.url), ENOUGH)
    assert b"cookie" not in server.requests[0][1].lower()


@pytest.mark.parametrize("value", ["secret\n", "sec\r\nret", " secret"], ids=repr)
def test_a_header_that_cannot_be_sent_is_not_shown(serve: Serve, value: str) -> None:
    server = serve(send(OK))
    with pytest.raises(NoAnswerError, match="holds characters that cannot be sent") as caught:
        RequestsTransport().send(get(server.url, **{"X-Auth-Token": value}), ENOUGH)
    assert value.strip() not in str(caught.value)
    assert (caught.value.maybe_received, caught.value.lasting) == (False, True)
    assert server.requests == []


# --- What comes back


def test_an_answer_is_returned_whole_with_lower_case_names(serve: Serve) -> None:
    server = serve(send(message(b'{"a": 1}', "X-Request-Id: r-1", status="404 Not Found")))
    answer = ask(server.url)
    assert (answer.status, answer.body, answer.headers["x-request-id"]) == (404, b'{"a": 1}', "r-1")


def test_a_redirect_is_returned_and_not_followed(serve: Serve) -> None:
    elsewhere = serve(send(OK))
    server = serve(send(message(b"", f"Location: {elsewhere.url}/", status="302 Found")))
    answer = ask(server.url)
    assert (answer.status, answer.headers["location"]) == (302, f"{elsewhere.url}/")
    assert elsewhere.requests == []


def test_a_compressed_answer_is_unpacked(serve: Serve) -> None:
    server = serve(send(message(gzip.compress(b'{"a": 1}'), "Content-Encoding: gzip")))
    assert ask(server.url).body == b'{"a": 1}'


def test_an_answer_in_chunks_is_put_together(serve: Serve) -> None:
    server = serve(send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\n", b"0\r\n\r\n"))
    assert ask(server.url).body == b"{}"


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        message(b"no gzip at all", "Content-Encoding: gzip"),
    ],
    ids=["too short", "half a chunk", "not the encoding"],
)
def test_half_an_answer_is_no_answer_and_may_be_asked_for_again(serve: Serve, cut: bytes) -> None:
    def behave(peer: Peer, _request: bytes) -> None:
        peer.sock.sendall(cut)
        peer.sock.shutdown(socket.SHUT_RDWR)

    with pytest.raises(BrokenAnswerError, match="cut short") as caught:
        ask(serve(behave).url)
    assert caught.value.cut
    assert caught.value.maybe_done


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "compressed"])
def test_an_answer_without_end_is_given_up(serve: Serve, packed: bool) -> None:
    body = b"x" * (MAX_BODY + 1)
    part = message(gzip.compress(body), "Content-Encoding: gzip") if packed else message(body)
    with pytest.raises(BrokenAnswerError, match=f"more than {MAX_BODY} bytes"):
        ask(serve(send(part)).url)


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 OK\r\n\r\n"], ids=["ssh", "no status"])
def test_what_does_not_speak_http_is_no_answer(serve: Serve, answer: bytes) -> None:
    def behave(peer: Peer, _request: bytes) -> None:
        peer.sock.sendall(answer)
        peer.sock.shutdown(socket.SHUT_RDWR)

    with pytest.raises(NoAnswerError) as caught:
        ask(serve(behave).url)
    assert caught.value.maybe_received


# --- Proxies


def test_a_proxy_of_the_environment_is_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(send(OK))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    ask("http://kms.example.com/v3/a%20b?x=%2F")
    request = proxy.requests[0][0]
    assert request.startswith(b"GET http://kms.example.com/v3/a%20b?x=%2F HTTP/1.1\r\n")
    assert b"\r\nHost: kms.example.com\r\n" in request


def test_hosts_of_no_proxy_are_reached_directly(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(send(OK)), serve(send(OK))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,example.org")
    ask(server.url)
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


def test_a_transport_may_do_without_proxies(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(send(OK)), serve(send(OK))
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    ask(server.url, proxies=False)
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


def test_each_host_has_its_own_way(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(send(OK)), serve(send(OK))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    transport = RequestsTransport()
    for url in (server.url, "http://kms.example.com/v3", server.url, "http://kms.example.com/v3"):
        assert transport.send(get(url), ENOUGH).status == 200
    assert ([len(received) for received in proxy.requests], [len(received) for received in server.requests]) == (
        [2],
        [2],
    )


def test_a_tunnel_that_is_refused_is_the_proxys_doing(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(send(message(b"", status="403 Forbidden")))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(NoAnswerError, match="The proxy on the way to https://kms.example.com failed") as caught:
        ask("https://kms.example.com/v3")
    assert (caught.value.maybe_received, caught.value.lasting) == (False, False)
    assert "HTTPS_PROXY" in str(caught.value)
    assert proxy.requests[0][0].startswith(b"CONNECT kms.example.com:443 ")


def test_a_proxy_that_is_not_there_is_told(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(send(OK))
    proxy.close()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with pytest.raises(NoAnswerError, match=r"The proxy on the way to http://kms\.example\.com failed") as caught:
        ask("http://kms.example.com/v3")
    assert not caught.value.maybe_received


# --- TLS


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's certificate, and the file with the CA that signed it."""
    return server_context(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def secure(serve: Serve, authority: tuple[ssl.SSLContext, Path]) -> Server:
    """A server with that certificate."""
    return serve(send(OK), authority[0])


def test_a_ca_of_ones_own_is_trusted_when_it_is_named(
    secure: Server, authority: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(secure.url, ca_path=str(authority[1])).status == 200
    for name in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(authority[1]))
        assert ask(secure.url).status == 200
        monkeypatch.setenv(name, "/nowhere")
        assert ask(secure.url, ca_path=str(authority[1])).status == 200, "the option wins"
        monkeypatch.delenv(name)


def test_a_refused_certificate_is_told_and_tried_once(secure: Server) -> None:
    transport, attempts = RequestsTransport(), 0

    def attempt(left: float) -> Response:
        nonlocal attempts
        attempts += 1
        return transport.send(get(secure.url), left)

    with pytest.raises(NoAnswerError, match="certificate verify failed") as caught:
        Http(transport, SystemClock(), lambda: 0.5, check_mode=False, timeout=ENOUGH).call(attempt, reads=True)
    assert attempts == 1
    assert (caught.value.maybe_received, caught.value.lasting) == (False, True)
    assert "hwc_ca_path" in str(caught.value)
    assert secure.requests == []


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_certificates_need_not_be_checked(secure: Server) -> None:
    assert ask(secure.url, validate_certs=False, ca_path="/nowhere").status == 200


def test_a_ca_path_that_is_none_is_told_and_tried_once(secure: Server, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("no certificate")
    for path in (tmp_path / "nowhere.pem", rubbish):
        with pytest.raises(NoAnswerError) as caught:
            ask(secure.url, ca_path=str(path))
        assert (caught.value.maybe_received, caught.value.lasting) == (False, True), str(caught.value)


def test_a_server_that_speaks_no_tls_is_told(serve: Serve) -> None:
    server = serve(send(OK), greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(NoAnswerError, match="TLS connection .* failed"):
        ask(server.url.replace("http:", "https:"))


def test_tls_that_breaks_after_the_request_leaves_open_whether_it_arrived(
    serve: Serve, authority: tuple[ssl.SSLContext, Path]
) -> None:
    def behave(peer: Peer, _request: bytes) -> None:
        # Past the encryption: an alert, or rubbish, in place of an answer.
        with socket.socket(fileno=peer.sock.detach()) as raw:
            raw.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
            raw.recv(1024)

    server = serve(behave, authority[0])
    with pytest.raises(NoAnswerError) as caught:
        ask(server.url, ca_path=str(authority[1]))
    assert len(server.requests[0]) == 1
    assert caught.value.maybe_received
    assert not caught.value.lasting
