# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real transport against servers on the loopback address that misbehave in every way a network can."""

from __future__ import annotations

import contextlib
import gzip
import signal
import socket
import ssl
import threading
import time
import tracemalloc
import typing as t
import zlib
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    InvalidResponseError,
    TransportError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import (
    MAX_BODY,
    Http,
    Request,
    RequestsTransport,
    Response,
)
from emulator.tls import server_context

from .peers import ENOUGH, OK, Peer, PeerServer, Serve, get, hang_up, message, post, send, serving


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the proxy and the CA bundle of this machine from the environment."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def serve() -> t.Iterator[Serve]:
    """Yield a function that starts servers; they end with the test."""
    with serving() as start:
        yield start


def ask(url: str, timeout: float = ENOUGH, **arguments: t.Any) -> Response:
    return RequestsTransport(**arguments).send(get(url), timeout)


# --- Time


def drip(first: bytes) -> t.Callable[[Serve], PeerServer]:
    """Return a server that sends something now and then, so that no single read ever times out."""

    def start(serve: Serve) -> PeerServer:
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
def test_a_response_that_arrives_byte_by_byte_ends_at_the_deadline(serve: Serve, first: bytes) -> None:
    server = drip(first)(serve)
    begun = time.monotonic()
    with pytest.raises(TransportError, match="did not finish its response within 0.5 s") as caught:
        ask(server.url, 0.5)
    assert 0.4 < time.monotonic() - begun < 5.0
    assert caught.value.possibly_sent
    assert not caught.value.permanent


def test_a_request_to_a_server_that_hangs_ends_at_the_deadline(serve: Serve) -> None:
    def behave(_peer: Peer, _request: bytes) -> None:
        server.wait_over(30.0)

    server = serve(behave)
    begun = time.monotonic()
    with pytest.raises(TransportError, match=r"did not (answer|finish its response) within 0.5 s") as caught:
        ask(server.url, 0.5)
    assert 0.4 < time.monotonic() - begun < 5.0
    assert caught.value.possibly_sent


@pytest.mark.parametrize("kind", ["handshake", "chunks", "interim responses", "head after head"])
def test_reading_any_part_of_a_response_ends_at_the_deadline(serve: Serve, kind: str) -> None:
    def behave(peer: Peer, _request: bytes) -> None:
        peer.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" if kind == "chunks" else b"")
        part = {
            "chunks": b"1\r\n \r\n",
            "interim responses": b"HTTP/1.1 100 Continue\r\n\r\n",
            "head after head": b"X-Header: value\r\n",
        }
        while not server.wait_over(0.02):
            peer.sock.sendall(part[kind])

    def silent(peer: Peer, _request: bytes) -> None:
        server.wait_over(30.0)

    server = serve(silent if kind == "handshake" else behave)
    url = server.url.replace("http:", "https:") if kind == "handshake" else server.url
    begun = time.monotonic()
    with pytest.raises((TransportError, InvalidResponseError)) as caught:
        ask(url, 0.5)
    assert time.monotonic() - begun < 5.0
    assert caught.value.outcome_unknown is (kind != "handshake")


@contextlib.contextmanager
def names(monkeypatch: pytest.MonkeyPatch, hang: float, *addresses: tuple[str, int]) -> t.Iterator[threading.Event]:
    """Return a name server that takes its time for ``slow.example.com``, and gives these addresses; it is set free at the end."""
    answered, real = threading.Event(), socket.getaddrinfo

    def look_up(host: t.Any, *arguments: t.Any, **named: t.Any) -> t.Any:
        if host != "slow.example.com":
            return real(host, *arguments, **named)
        answered.wait(hang)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield answered
    answered.set()
    for thread in seekers():
        thread.join(ENOUGH)


def seekers() -> list[threading.Thread]:
    """Return the threads that look for connections."""
    return [thread for thread in threading.enumerate() if thread.name == "multicloud-connect"]


def test_a_request_is_never_sent_after_its_caller_has_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(send(OK))
    with names(monkeypatch, 1.0, ("127.0.0.1", server.port)):
        begun = time.monotonic()
        with pytest.raises(TransportError, match="No connection to .* was ready within 0.3 s") as caught:
            RequestsTransport().send(post(f"http://slow.example.com:{server.port}/"), 0.3)
        assert time.monotonic() - begun < 0.9, "it waited for the name server"
        assert not caught.value.possibly_sent, "so that a write may be tried again"
        time.sleep(1.5)
        assert [request for requests in server.requests for request in requests] == []


def test_an_interrupted_caller_leaves_no_request_behind(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(BaseException):
        pass

    def interrupt(*_arguments: t.Any) -> t.NoReturn:
        raise Interrupted

    server = serve(send(OK))
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with names(monkeypatch, 1.0, ("127.0.0.1", server.port)):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(Interrupted):
                RequestsTransport().send(post(f"http://slow.example.com:{server.port}/"), ENOUGH)
            time.sleep(1.5)
            assert [request for requests in server.requests for request in requests] == []
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_living_address_behind_dead_ones_is_found_or_given_up_in_time(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(send(OK))
    with silent_address() as dead, names(monkeypatch, 0.0, dead, dead, ("127.0.0.1", server.port)):
        url = f"http://slow.example.com:{server.port}/"
        with pytest.raises(TransportError) as caught:
            RequestsTransport().send(post(url), 1.0)
        assert not caught.value.possibly_sent
        time.sleep(2.5)
        assert [request for requests in server.requests for request in requests] == []


def test_threads_of_requests_that_timed_out_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with names(monkeypatch, 60.0):
        for _number in range(40):
            with pytest.raises(TransportError) as caught:
                RequestsTransport().send(post("http://slow.example.com/"), 0.02)
            assert not caught.value.possibly_sent
        assert "too many earlier attempts still hang" in str(caught.value)
        assert 0 < len(seekers()) <= 16
    assert seekers() == []


def test_without_time_nothing_is_sent(serve: Serve) -> None:
    server = serve(send(OK))
    with pytest.raises(TransportError, match="No time was left"):
        ask(server.url, 0.0)
    assert server.requests == []


# --- Connections


def test_after_a_connection_reset_it_is_unknown_whether_the_request_arrived(serve: Serve) -> None:
    server = serve(lambda peer, _request: peer.reset())
    with pytest.raises(TransportError, match="broke") as caught:
        ask(server.url)
    assert (caught.value.possibly_sent, caught.value.permanent) == (True, False)
    assert server.url in str(caught.value)


def test_a_connection_that_ends_without_a_response_leaves_the_outcome_unknown(serve: Serve) -> None:
    server = serve(lambda peer, _request: peer.sock.shutdown(socket.SHUT_RDWR))
    with pytest.raises(TransportError) as caught:
        ask(server.url)
    assert caught.value.possibly_sent


def test_a_refused_connection_is_certain(serve: Serve) -> None:
    server = serve(send(OK))
    server.close()
    with pytest.raises(TransportError, match=f"No connection to {server.url}: .*refused") as caught:
        ask(f"{server.url}/v3/secret-path")
    assert (caught.value.possibly_sent, caught.value.permanent) == (False, False)
    assert not caught.value.unknown_host
    assert "secret-path" not in str(caught.value)


def test_a_name_that_does_not_exist_differs_from_a_host_that_is_down() -> None:
    # .invalid never exists (RFC 2606); without any name service the response is another one.
    with pytest.raises(TransportError) as caught:
        ask("https://kms.nowhere.invalid")
    assert caught.value.unknown_host or "Temporary failure" in str(caught.value)
    assert not caught.value.possibly_sent


@contextlib.contextmanager
def silent_address() -> t.Iterator[tuple[str, int]]:
    """Return an address at which connections hang: no program accepts them, and the kernel's backlog is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        for _number in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()


def test_a_host_that_accepts_no_connection_is_certain() -> None:
    with (
        silent_address() as (host, port),
        pytest.raises(TransportError, match="accepted no connection within") as caught,
    ):
        ask(f"http://{host}:{port}", 0.5)
    assert (caught.value.possibly_sent, caught.value.permanent) == (False, False)


def test_connections_are_kept_between_requests(serve: Serve) -> None:
    server = serve(send(OK))
    transport = RequestsTransport()
    for number in range(3):
        transport.send(get(f"{server.url}/{number}"), ENOUGH)
    assert [len(received) for received in server.requests] == [3]


def test_a_transport_leaves_no_thread_and_no_connection_behind(serve: Serve) -> None:
    ended = threading.Event()

    def behave(peer: Peer, _request: bytes) -> None:
        peer.sock.sendall(OK)
        if not peer.receive():
            ended.set()

    server = serve(behave)
    transport = RequestsTransport()
    before = threading.active_count()
    transport.send(get(server.url), ENOUGH)
    assert threading.active_count() <= before + 1, "that of the server's connection"
    assert not ended.wait(0.2)
    del transport
    assert ended.wait(ENOUGH)


def test_a_transport_may_be_used_by_several_threads(serve: Serve) -> None:
    def echo(peer: Peer, request: bytes) -> None:
        peer.sock.sendall(message(request.split(b" ")[1]))

    server = serve(echo)
    transport = RequestsTransport()
    received: list[tuple[str, bytes]] = []

    def work(name: str) -> None:
        for number in range(20):
            target = f"/{name}/{number}"
            received.append((target, transport.send(get(f"{server.url}{target}"), ENOUGH).body))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    assert len(received) == 80
    assert all(target.encode() == body for target, body in received)
    assert len(server.requests) <= 4


def test_a_request_that_hangs_does_not_hold_up_the_next(serve: Serve) -> None:
    transport = RequestsTransport()
    with pytest.raises(TransportError, match="did not finish its response"):
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
    with pytest.raises(TransportError, match="holds characters that cannot be sent") as caught:
        RequestsTransport().send(get(server.url, **{"X-Auth-Token": value}), ENOUGH)
    assert value.strip() not in str(caught.value)
    assert (caught.value.possibly_sent, caught.value.permanent) == (False, True)
    assert server.requests == []


# --- What comes back


def test_a_response_is_returned_whole_with_lower_case_names(serve: Serve) -> None:
    server = serve(send(message(b'{"a": 1}', "X-Request-Id: r-1", status="404 Not Found")))
    response = ask(server.url)
    assert (response.status, response.body, response.headers["x-request-id"]) == (404, b'{"a": 1}', "r-1")


def test_a_redirect_is_returned_and_not_followed(serve: Serve) -> None:
    elsewhere = serve(send(OK))
    server = serve(send(message(b"", f"Location: {elsewhere.url}/", status="302 Found")))
    response = ask(server.url)
    assert (response.status, response.headers["location"]) == (302, f"{elsewhere.url}/")
    assert elsewhere.requests == []


def test_a_compressed_response_is_unpacked(serve: Serve) -> None:
    server = serve(send(message(gzip.compress(b'{"a": 1}'), "Content-Encoding: gzip")))
    assert ask(server.url).body == b'{"a": 1}'


def test_a_response_in_chunks_is_put_together(serve: Serve) -> None:
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
def test_half_a_response_is_truncated_and_may_be_requested_again(serve: Serve, cut: bytes) -> None:
    def behave(peer: Peer, _request: bytes) -> None:
        peer.sock.sendall(cut)
        peer.sock.shutdown(socket.SHUT_RDWR)

    with pytest.raises(InvalidResponseError, match="cut short") as caught:
        ask(serve(behave).url)
    assert caught.value.truncated
    assert caught.value.outcome_unknown


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "compressed"])
def test_a_response_without_end_is_given_up(serve: Serve, packed: bool) -> None:
    body = b"x" * (MAX_BODY + 1)
    part = message(gzip.compress(body), "Content-Encoding: gzip") if packed else message(body)
    with pytest.raises(InvalidResponseError, match=f"more than {MAX_BODY} bytes"):
        ask(serve(send(part)).url)


#: What no client can read, and words of the error.
MALFORMED: dict[str, tuple[bytes, str]] = {
    "the greeting of another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", "but of SSH-2.0-OpenSSH_9.2."),
    "no status": (b"HTTP/1.1 OK\r\n\r\n", "its first line has no valid status."),
    "a status that is not a number of three digits": (b"HTTP/1.1 20 OK\r\n\r\n{}", "no valid status"),
    "another version": (b"HTTP/9.9 200 OK\r\n\r\n{}", "its first line is not one of HTTP, but of HTTP/9.9."),
    "a status line of another protocol": (b"SSH-2.0-OpenSSH_9.2 x\r\n\r\n", "but of SSH-2.0-OpenSSH_9.2."),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}", "Content-Length"),
    "two lengths in one": (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 5\r\n\r\n{}", "Content-Length"),
    "a line too long": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000 + b"\r\n\r\n{}", "LineTooLong"),
    "a status line too long": (b"HTTP/1.1 200 " + b"x" * 70000 + b"\r\n\r\n{}", "LineTooLong"),
    "too many headers": (b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200 + b"\r\n{}", "headers"),
    "a negative chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n", ""),
    "a chunk of minus one": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n", ""),
    "a chunk without a size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "chunk"),
    "an endless chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}", ""),
    "half a head": (b"HTTP/1.1 204 No Content\r\nX-Request-Id", "IncompleteRead"),
    "a status line and no more": (b"HTTP/1.1 204 No Content\r\n", "IncompleteRead"),
    "too many interim responses": (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50, "interim"),
    "an unknown compression": (message(b"{}", "Content-Encoding: br"), "compression"),
}


@pytest.mark.parametrize(("response", "words"), MALFORMED.values(), ids=MALFORMED)
def test_a_request_with_a_malformed_response_was_sent(serve: Serve, response: bytes, words: str) -> None:
    def behave(peer: Peer, _request: bytes) -> None:
        peer.sock.sendall(response)
        peer.sock.shutdown(socket.SHUT_RDWR)

    server = serve(behave)
    http = Http(RequestsTransport(), SystemClock(), lambda: 0.5, check_mode=False, timeout=ENOUGH)
    with pytest.raises((TransportError, InvalidResponseError)) as caught:
        http.call(lambda left: http.send(post(server.url), "KPS Test", read_only=False, timeout=left), read_only=False)
    assert caught.value.outcome_unknown
    assert words in str(caught.value)
    assert "cannot be sent" not in str(caught.value)
    assert [len(received) for received in server.requests] == [1], "it must not be sent again"


@pytest.mark.parametrize(
    "answer",
    [
        b"%s\r\n\r\n",
        b'{"private_key": "%s"}\r\n\r\n',
        b"HTTP/%s 200 OK\r\n\r\n",
        b"HTTP/1.1 %s OK\r\n\r\n",
        b"SSH-%s\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n%s\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 40\r\n\r\n%s",
        b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n%s\r\n\r\n{}",
    ],
    ids=[
        *("the first line", "JSON", "a version", "a status", "a banner", "the length of a chunk", "after a chunk"),
        *("in place of gzip", "a length", "a header without a colon"),
    ],
)
def test_a_response_that_cannot_be_read_is_not_quoted(
    serve: Serve, answer: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    def behave(peer: Peer, _request: bytes) -> None:
        peer.sock.sendall(answer % b"emulated/secret/in/the/wrong/place/000001")
        peer.sock.shutdown(socket.SHUT_RDWR)

    shown = ""
    try:
        ask(serve(behave).url)
    except (TransportError, InvalidResponseError) as error:
        shown = f"{error} {error.hint}"
    assert "emulated" not in shown + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 199 Strange\r\nX: y\r\n\r\n",
    ],
    ids=["100", "102", "103", "several"],
)
def test_interim_responses_are_passed_over(serve: Serve, interim: bytes) -> None:
    server = serve(send(interim + message(b'{"a": 1}', "X-Request-Id: r-1", status="202 Accepted")))
    transport = RequestsTransport()
    for _number in range(2):
        response = transport.send(post(server.url), ENOUGH)
        assert (response.status, response.body, response.headers["x-request-id"]) == (202, b'{"a": 1}', "r-1")
    assert [len(received) for received in server.requests] == [2], "the connection is kept"


def test_a_switch_of_protocols_is_not_a_success(serve: Serve) -> None:
    assert ask(serve(send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")).url).status == 101


@pytest.mark.parametrize("body", [b'{"a": 1}', b""], ids=["json", "nothing"])
def test_every_compression_that_was_asked_for_is_unpacked(serve: Serve, body: bytes) -> None:
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(body),
        "x-gzip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "Deflate": raw.compress(body) + raw.flush(),
        "gzip, identity": gzip.compress(body),
        "deflate, gzip": gzip.compress(zlib.compress(body)),
    }
    for encoding, data in packed.items():
        assert ask(serve(send(message(data, f"Content-Encoding: {encoding}"))).url).body == body, encoding
    assert ask(serve(send(message(b"", "Content-Encoding: gzip", status="404 Not Found"))).url).body == b""


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_small_response_does_not_fill_the_memory(serve: Serve, times: int) -> None:
    body = pack(times)
    assert len(body) < MAX_BODY / 20
    encoding = ", ".join(["gzip"] * times)
    server = serve(send(message(body, f"Content-Encoding: {encoding}")))
    tracemalloc.start()
    try:
        with pytest.raises(InvalidResponseError, match=f"more than {MAX_BODY} bytes|compressed 3 times"):
            ask(server.url)
        assert tracemalloc.get_traced_memory()[1] < 6 * MAX_BODY
    finally:
        tracemalloc.stop()


def pack(times: int) -> bytes:
    """Return a few bytes that stand for ten times as much as may be: zeros, compressed so many times."""
    packer = zlib.compressobj(1, wbits=31)
    body = b"".join([packer.compress(bytes(MAX_BODY)) for _number in range(10)] + [packer.flush()])
    for _number in range(times - 1):
        body = gzip.compress(body, 1)
    return body


def test_a_response_with_a_missing_part_is_not_complete(serve: Serve) -> None:
    def behave(peer: Peer, _request: bytes) -> None:
        peer.sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"tasks": []}')
        peer.sock.shutdown(socket.SHUT_RDWR)

    with pytest.raises(InvalidResponseError, match="cut short"):
        ask(serve(behave).url)


def test_a_kept_connection_that_breaks_differs_from_a_service_that_does(serve: Serve) -> None:
    # The service may be well: it only closed what it kept, as it may at any time.

    def behave(peer: Peer, request: bytes) -> None:
        if b"/first" in request:
            peer.sock.sendall(OK)
        else:
            hang_up(peer, request)

    server = serve(behave)
    transport = RequestsTransport()
    transport.send(get(f"{server.url}/first"), ENOUGH)
    with pytest.raises(TransportError) as caught:
        transport.send(get(f"{server.url}/second"), ENOUGH)
    assert (caught.value.possibly_sent, caught.value.stale) == (True, True)
    with pytest.raises(TransportError) as caught:
        transport.send(get(f"{server.url}/second"), ENOUGH)
    assert (caught.value.possibly_sent, caught.value.stale) == (True, False)


# --- TLS


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """Return a server's certificate, and the file with the CA that signed it."""
    return server_context(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def secure(serve: Serve, authority: tuple[ssl.SSLContext, Path]) -> PeerServer:
    """Return a server with that certificate."""
    return serve(send(OK), authority[0])


def test_a_private_ca_is_trusted_when_it_is_named(
    secure: PeerServer, authority: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(secure.url, ca_path=str(authority[1])).status == 200
    for name in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(authority[1]))
        assert ask(secure.url).status == 200
        monkeypatch.setenv(name, "/nowhere")
        assert ask(secure.url, ca_path=str(authority[1])).status == 200, "the option wins"
        monkeypatch.delenv(name)


def test_an_untrusted_certificate_is_reported_and_tried_once(secure: PeerServer) -> None:
    transport, attempts = RequestsTransport(), 0

    def attempt(left: float) -> Response:
        nonlocal attempts
        attempts += 1
        return transport.send(get(secure.url), left)

    with pytest.raises(TransportError, match="certificate verify failed") as caught:
        Http(transport, SystemClock(), lambda: 0.5, check_mode=False, timeout=ENOUGH).call(attempt, read_only=True)
    assert attempts == 1
    assert (caught.value.possibly_sent, caught.value.permanent) == (False, True)
    assert "hwc_ca_path" in str(caught.value)
    assert secure.requests == []


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_certificates_need_not_be_checked(secure: PeerServer) -> None:
    assert ask(secure.url, validate_certs=False, ca_path="/nowhere").status == 200


def test_an_invalid_ca_path_is_reported_and_tried_once(secure: PeerServer, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("no certificate")
    for path in (tmp_path / "nowhere.pem", rubbish):
        with pytest.raises(TransportError) as caught:
            ask(secure.url, ca_path=str(path))
        assert (caught.value.possibly_sent, caught.value.permanent) == (False, True), str(caught.value)


def test_a_server_without_tls_is_reported(serve: Serve) -> None:
    server = serve(send(OK), greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(TransportError, match="TLS connection .* failed"):
        ask(server.url.replace("http:", "https:"))


def test_after_a_tls_error_it_is_unknown_whether_the_request_arrived(
    serve: Serve, authority: tuple[ssl.SSLContext, Path]
) -> None:
    def behave(peer: Peer, _request: bytes) -> None:
        # Past the encryption: an alert, or rubbish, in place of a response.
        with socket.socket(fileno=peer.sock.detach()) as raw:
            raw.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
            raw.recv(1024)

    server = serve(behave, authority[0])
    with pytest.raises(TransportError) as caught:
        ask(server.url, ca_path=str(authority[1]))
    assert len(server.requests[0]) == 1
    assert caught.value.possibly_sent
    assert not caught.value.permanent
