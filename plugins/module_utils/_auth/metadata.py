# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Metadata services of cloud servers and agents of containers, which issue the keys of a role: without a proxy, for seconds at most.

The first time there may be no such service, for the machine may not be a cloud server, and that must be noticed soon. A service that is
there and fails for a moment is asked again, for a bounded time; what persists is reported as trouble that may pass, so that
a wait goes on and a key that is still good is used meanwhile.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    CredentialsError,
    InvalidResponseError,
    TransportError,
    UnavailableError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Request, Response, Transport

#: Seconds for one request, and for all the requests that it takes to get a key, when there may be no such service.
STEP = 1.0
BUDGET = 3.0
#: The same for a service that is there: that is what the official SDKs allow for a request, and the longest a key may take.
KNOWN_STEP = 3.0
PATIENCE = 15.0
#: Seconds of the first pause before a request is sent again; it doubles, up to the longest.
PAUSE = 0.25
LONGEST_PAUSE = 2.0
#: Seconds for which a session token of the service is asked for: the longest it gives.
LIFETIME = 21600

_TOKEN = re.compile(r"[!-~]{1,4096}\Z")


class MetadataSession:
    """The requests that get one key.

    Args:
        transport: A transport that uses no proxy.
        clock: Time.
        url: Scheme and host of the service.
        deadline: Monotonic time at which to give up. None when there may be no such service: a connection that fails says so.
    """

    def __init__(self, transport: Transport, clock: Clock, url: str, deadline: float | None = None) -> None:
        self.url = url
        self._transport = transport
        self._clock = clock
        self._known = deadline is not None
        now = clock.monotonic()
        self._deadline = now + BUDGET if deadline is None else min(deadline, now + PATIENCE)

    def ask(
        self,
        method: str,
        path: str,
        headers: t.Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        final: bool = False,
    ) -> Response:
        """Send a request, again while the service fails and there is time; return a response below HTTP 500.

        Args:
            method: HTTP method.
            path: Path and query.
            headers: Further headers.
            body: Body.
            final: Send it once.

        Raises:
            CredentialsError: There is no such service.
            TransportError, InvalidResponseError, UnavailableError: The service failed each time.
        """
        pause = PAUSE
        while True:
            error: TransportError | InvalidResponseError | UnavailableError
            try:
                response = self._send(method, path, headers, body)
            except TransportError as caught:
                if not self._known and not caught.possibly_sent:
                    raise CredentialsError(caught.message) from None
                error = caught
            except InvalidResponseError as caught:
                error = caught
            else:
                if response.status < 500 and response.status not in (408, 429):
                    return response
                # The body is not quoted: whatever a metadata service returns may hold a key.
                error = UnavailableError(
                    f"{self._shown(path)} answered with HTTP {response.status}.", http_status=response.status
                )
            if final or self._clock.monotonic() + pause >= self._deadline:
                raise error
            self._clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def token(self, path: str, ttl_header: str, *, needed: bool = False) -> str | None:
        """Return a session token; None when the service gives none and may be asked without.

        Args:
            path: Where tokens are.
            ttl_header: The header that says for how long.
            needed: Keep asking while the service fails.

        Raises:
            CredentialsError: There is no such service.
            TransportError, InvalidResponseError, UnavailableError: The service failed each time, and a token is needed.
        """
        try:
            response = self.ask("PUT", path, {ttl_header: str(LIFETIME)}, final=not needed)
        except (TransportError, InvalidResponseError, UnavailableError):
            if needed:
                raise
            # In a container the response may be dropped on its way, for it is one hop too far.
            return None
        text = response.text().strip()
        # What cannot be sent in a header is not a token, but the page of something else.
        return text if response.status == 200 and _TOKEN.match(text) else None

    def document(self, path: str, response: Response) -> dict[str, t.Any]:
        """Return the JSON object of a response.

        Raises:
            CredentialsError: There is none; what came instead is not quoted, for it may hold a key.
        """
        if response.status != 200:
            raise CredentialsError(f"{self._shown(path)} answered with HTTP {response.status}.")
        try:
            document = response.json(secret=True)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise CredentialsError(f"{self._shown(path)} answered with something that is not a JSON object.")
        return document

    def _shown(self, path: str) -> str:
        """Return the address that a message names; its query may hold a secret."""
        return f"{self.url}{path.split('?', 1)[0]}"

    def _send(self, method: str, path: str, headers: t.Mapping[str, str] | None, body: bytes) -> Response:
        host = self.url.split("://", 1)[1]
        left = min(KNOWN_STEP if self._known else STEP, self._deadline - self._clock.monotonic())
        if left <= 0:
            raise TransportError(f"{self._shown(path)} did not answer in time.", possibly_sent=True)
        request = Request(method, f"{self.url}{path}", {"Host": host, **(headers or {})}, body)
        return self._transport.send(request, left)
