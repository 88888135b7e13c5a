# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP: one transport, one deadline, one retry rule, one way to decode. With ``_transport_errors`` the only file that imports
``requests``.

Nothing here knows a cloud. A client builds and signs a ``Request`` afresh for every attempt, hands it to a
``Transport``, and turns the ``Response`` into data or an error; ``Http.call`` decides whether there is another attempt.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import traceback
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import (
    AuthenticationError,
    BrokenAnswerError,
    CheckModeWriteError,
    CloudError,
    NoAnswerError,
    ThrottledError,
    UnavailableError,
)

try:
    import requests
    import requests.adapters
    import requests.utils
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

#: Seconds to wait for a TCP connection and TLS; a host that is there answers in far less.
CONNECT_TIMEOUT = 10.0
#: Bytes of one answer at most: ten times a full page of 1000 rows.
MAX_BODY = 16 * 1024 * 1024
#: Seconds of the first pause between two attempts; it doubles, to ``MAX_PAUSE``.
FIRST_PAUSE = 0.5
MAX_PAUSE = 20.0
#: Characters of an unexpected answer that a message quotes.
QUOTED = 200

T = t.TypeVar("T")


class Request(t.NamedTuple):
    """One HTTP request, complete and signed. ``url`` is percent-encoded already and sent as it is."""

    method: str
    url: str
    headers: t.Mapping[str, str]
    body: bytes = b""


class Response(t.NamedTuple):
    """One HTTP answer. The keys of ``headers`` are lower case."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes

    def text(self) -> str:
        """The body as text, whatever bytes it holds."""
        return self.body.decode("utf-8", errors="replace")

    def quote(self) -> str:
        """The beginning of the body, on one line, for a message."""
        text = " ".join(self.text().split())
        return repr(text if len(text) <= QUOTED else f"{text[:QUOTED]}...")


class Transport(t.Protocol):
    """Sends one request once."""

    def send(self, request: Request, timeout: float) -> Response:
        """Send it, and return the whole answer within ``timeout`` seconds, or raise ``NoAnswerError``."""


class _Hand:
    """A thread that does what it is given, one thing after the other, and ends with the process."""

    def __init__(self) -> None:
        self.work: queue.SimpleQueue[t.Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True, name="multicloud-request").start()

    def _run(self) -> None:
        while True:
            self.work.get()()


class RequestsTransport:
    """The real transport: one adapter of ``requests``, which keeps its connections between requests.

    Not a ``requests.Session``, of which nothing is wanted: redirects are not followed (they would carry signed headers
    elsewhere), cookies are not kept, and ``~/.netrc`` is not read (it would replace the Authorization header). It takes
    about a third of the processor time of a request. Proxies and CA bundles of the environment are heeded.

    Args:
        validate_certs: Whether to check the server's certificate.
        ca_path: File or directory of CA certificates to trust instead of the bundled ones.
        proxies: False for addresses that must be reached directly, such as a metadata service.
    """

    def __init__(self, *, validate_certs: bool = True, ca_path: str | None = None, proxies: bool = True) -> None:
        bundle = ca_path or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        self._verify: bool | str = bundle if validate_certs else False
        self._proxies: dict[str, dict[str, str]] | None = {} if proxies else None
        # No retries of urllib3's own: they would resend a stale signature and escape deadline and rate limit.
        self._adapter = requests.adapters.HTTPAdapter(pool_connections=4, pool_maxsize=4, max_retries=0)
        self._idle: list[_Hand] = []

    def send(self, request: Request, timeout: float) -> Response:
        """Have it sent by another thread and wait at most ``timeout`` seconds.

        ``requests`` bounds each read, not the whole: neither a server that drips bytes nor a name server that hangs
        is stopped by it. The thread is abandoned then; it holds one connection and ends with the process.
        """
        if timeout <= 0:
            raise NoAnswerError(f"No time was left to ask {_origin(request.url)}.", maybe_received=False)
        outcome: list[Response | BaseException] = []
        done = threading.Event()

        def work() -> None:
            try:
                outcome.append(self._exchange(request, timeout))
            except BaseException as error:
                outcome.append(error)
            done.set()

        # Threads are kept like connections: with a new one for each, requests take a quarter more processor time.
        hand = self._idle.pop() if self._idle else _Hand()
        hand.work.put(work)
        if not done.wait(timeout):
            raise NoAnswerError(
                f"{_origin(request.url)} did not finish its answer within {timeout:.1f} s.", maybe_received=True
            )
        self._idle.append(hand)
        result = outcome[0]
        if isinstance(result, BaseException):
            # Imported here: few requests fail so, and a module is compiled anew for each task.
            from ansible_collections.multicloud.async_tasks.plugins.module_utils._transport_errors import translate

            raise translate(result, _origin(request.url), timeout, min(CONNECT_TIMEOUT, 0.9 * timeout)) from None
        return result

    def _exchange(self, request: Request, timeout: float) -> Response:
        # Filled in here, for requests would fold dot segments and encode the query anew: what was signed must be sent.
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.body = request.method, request.url, request.body or None
        prepared.prepare_headers(dict(request.headers))
        if request.body:
            prepared.headers["Content-Length"] = str(len(request.body))
        with self._adapter.send(
            prepared,
            stream=True,
            # Less than the whole for connecting: a host that is not there is told from one that does not answer.
            timeout=(min(CONNECT_TIMEOUT, 0.9 * timeout), timeout),
            verify=self._verify,
            proxies=self._way(request.url),
        ) as answer:
            chunks, size = [], 0
            for chunk in answer.iter_content(65536):
                size += len(chunk)
                if size > MAX_BODY:
                    raise BrokenAnswerError(
                        f"{_origin(request.url)} answered with more than {MAX_BODY} bytes.",
                        http_status=answer.status_code,
                    )
                chunks.append(chunk)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status_code, headers, b"".join(chunks))

    def _way(self, url: str) -> dict[str, str]:
        """The proxies on the way to a URL, by scheme; looked up once for each host, for that reads the whole environment."""
        if self._proxies is None:
            return {}
        origin = _origin(url)
        if origin not in self._proxies:
            self._proxies[origin] = requests.utils.get_environ_proxies(url)
        return self._proxies[origin]


def _origin(url: str) -> str:
    """Scheme and host of a URL: enough to name the other side, and free of parameters."""
    return "/".join(url.split("/", 3)[:3])


def decode_json(
    response: Response, operation: str, origin: str, expect: str | None, *, secret: bool = False
) -> dict[str, t.Any]:
    """The JSON object of a 2xx answer.

    Args:
        response: A 2xx or 3xx answer.
        operation: What was asked, for messages.
        origin: Of whom, for messages.
        expect: A key the object must have; None when the operation promises no body.
        secret: The answer holds a secret, and is not quoted even when it is broken.

    Raises:
        BrokenAnswerError: A redirect, HTML, an empty body, cut JSON, or an object without the key.
    """
    facts: dict[str, t.Any] = {"http_status": response.status}
    quoted = f"{len(response.body)} bytes, not shown because they may hold a secret" if secret else response.quote()
    if 300 <= response.status < 400:
        raise BrokenAnswerError(
            f"{operation} at {origin} was answered with a redirect (HTTP {response.status}) to "
            f"{response.headers.get('location', 'nowhere')!r}, which is not followed.",
            hint="Check the endpoint, and whether a proxy or a sign-in page stands in between.",
            **facts,
        )
    if expect is None and not response.body.strip():
        return {}
    try:
        document = json.loads(response.body)
    except ValueError:
        claims_json = "json" in response.headers.get("content-type", "").lower()
        looks_json = response.body.lstrip()[:1] in (b"{", b"[")
        raise BrokenAnswerError(
            f"{operation} at {origin} was answered with HTTP {response.status} and no valid JSON: {quoted}.",
            cut=claims_json or looks_json,
            hint="Check the endpoint, and whether a proxy or a sign-in page stands in between.",
            **facts,
        ) from None
    if not isinstance(document, dict) or (expect is not None and expect not in document):
        missing = f"without {expect!r}" if isinstance(document, dict) else "that is no JSON object"
        raise BrokenAnswerError(
            f"{operation} at {origin} was answered with HTTP {response.status} and a body {missing}: {quoted}.",
            **facts,
        )
    return document


def retry_pause(error: CloudError, *, reads: bool, attempt: int, random: float) -> float | None:
    """The one retry rule: seconds until the next attempt, or None when there must not be one.

    A read is repeated after anything that may pass. A write is repeated only when the request certainly did not reach
    the service, or was turned away before it was processed. A refused signature is never repeated: five of them lock
    a Huawei access key for five minutes.

    Args:
        error: What the attempt ended with.
        reads: Whether the operation changes nothing (a property of the operation, not of its HTTP method).
        attempt: Number of attempts so far, 1 or more.
        random: A number from 0 to 1, to spread callers.
    """
    pause = min(MAX_PAUSE, FIRST_PAUSE * 2.0 ** (attempt - 1)) * (0.5 + random)
    if isinstance(error, ThrottledError):
        return pause if error.retry_after is None else error.retry_after + random
    if isinstance(error, NoAnswerError):
        return pause if not error.lasting and (reads or not error.maybe_received) else None
    if reads and (isinstance(error, UnavailableError) or (isinstance(error, BrokenAnswerError) and error.cut)):
        return pause
    return None


class Http:
    """What a client sends requests with: a transport, a clock, and the retry rule.

    Args:
        transport: Where requests go.
        clock: Time.
        random: Numbers from 0 to 1.
        check_mode: Refuse every write.
        timeout: Seconds for one operation with all its attempts.
    """

    def __init__(
        self, transport: Transport, clock: Clock, random: t.Callable[[], float], *, check_mode: bool, timeout: float
    ) -> None:
        self.clock = clock
        self.timeout = timeout
        self._transport = transport
        self._random = random
        self._check_mode = check_mode

    def send(self, request: Request, operation: str, *, reads: bool, timeout: float) -> Response:
        """Send one request once. In check mode a write is refused here, where nothing can pass by.

        Args:
            request: The request.
            operation: What is asked, for messages.
            reads: Whether it changes nothing.
            timeout: Seconds.
        """
        if self._check_mode and not reads:
            raise CheckModeWriteError(
                f"{operation} at {_origin(request.url)} would have changed something in check mode, and was not sent.",
                hint="This is a bug of the collection: please report it.",
            )
        try:
            return self._transport.send(request, timeout)
        except (NoAnswerError, BrokenAnswerError) as error:
            error.message = f"{operation}: {error.message}"
            raise

    def call(
        self,
        attempt: t.Callable[[float], T],
        *,
        reads: bool,
        timeout: float | None = None,
        renew: t.Callable[[float], bool] | None = None,
    ) -> T:
        """Run ``attempt`` until it returns, it must not be repeated, or the time is up.

        Args:
            attempt: Builds, signs, sends and decodes one request; its argument is the seconds that are left.
            reads: Whether the operation changes nothing.
            timeout: Seconds for all attempts together; those of ``Http`` by default.
            renew: Called once when the credentials were refused, with the seconds that are left; True when they were
                renewed and a repetition is due.
        """
        deadline = self.clock.monotonic() + (self.timeout if timeout is None else timeout)
        attempts = 0
        while True:
            attempts += 1
            try:
                return attempt(max(0.0, deadline - self.clock.monotonic()))
            except CloudError as error:
                if renew is not None and isinstance(error, AuthenticationError):
                    renewed, renew = renew(max(0.0, deadline - self.clock.monotonic())), None
                    if renewed:
                        continue
                pause = retry_pause(error, reads=reads, attempt=attempts, random=self._random())
                if pause is None or self.clock.monotonic() + pause >= deadline:
                    if attempts > 1:
                        error.message = f"{error.message} It was tried {attempts} times."
                    raise
                self.clock.sleep(pause)
