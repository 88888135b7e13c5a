# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real transport. With ``failures`` the only file that imports ``requests``."""

from __future__ import annotations

import os
import queue
import threading
import traceback
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import BrokenAnswerError, NoAnswerError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.messages import Request, Response, origin_of

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
            raise NoAnswerError(f"No time was left to ask {origin_of(request.url)}.", maybe_received=False)
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
                f"{origin_of(request.url)} did not finish its answer within {timeout:.1f} s.", maybe_received=True
            )
        self._idle.append(hand)
        result = outcome[0]
        if isinstance(result, BaseException):
            # Imported here: few requests fail so, and a module is compiled anew for each task.
            from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.failures import translate

            raise translate(result, origin_of(request.url), timeout, min(CONNECT_TIMEOUT, 0.9 * timeout)) from None
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
                        f"{origin_of(request.url)} answered with more than {MAX_BODY} bytes.",
                        http_status=answer.status_code,
                    )
                chunks.append(chunk)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status_code, headers, b"".join(chunks))

    def _way(self, url: str) -> dict[str, str]:
        """The proxies on the way to a URL, by scheme; looked up once for each host, for that reads the whole environment."""
        if self._proxies is None:
            return {}
        origin = origin_of(url)
        if origin not in self._proxies:
            self._proxies[origin] = requests.utils.get_environ_proxies(url)
        return self._proxies[origin]
