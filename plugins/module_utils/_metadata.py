# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The metadata service that a cloud server asks for the keys of the role it was given. Never through a proxy, never for long."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import (
    BrokenAnswerError,
    CredentialsError,
    NoAnswerError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Request, Response, Transport

#: Seconds for one request, and for all the requests that it takes to get a key. A machine that is no cloud server may
#: have nobody at the address, and must not wait long to learn it.
STEP = 1.0
BUDGET = 3.0
#: Seconds for which a session token of the service is asked for: the longest it gives.
LIFETIME = 21600

_TOKEN = re.compile(r"[!-~]{1,4096}\Z")


class Visit:
    """The requests that get one key.

    Args:
        transport: A transport that uses no proxy.
        clock: Time.
        url: Scheme and host of the service.
    """

    def __init__(self, transport: Transport, clock: Clock, url: str) -> None:
        self.url = url
        self._transport = transport
        self._clock = clock
        self._deadline = clock.monotonic() + BUDGET

    def ask(self, method: str, path: str, headers: t.Mapping[str, str] | None = None) -> Response:
        """Send one request.

        Raises:
            CredentialsError: There is no answer.
        """
        try:
            return self._send(method, path, headers)
        except (NoAnswerError, BrokenAnswerError) as error:
            raise CredentialsError(error.message) from None

    def token(self, path: str, ttl_header: str) -> str | None:
        """A session token; None when the service gives none and may be asked without.

        Raises:
            CredentialsError: Nobody is there.
        """
        try:
            answer = self._send("PUT", path, {ttl_header: str(LIFETIME)})
        except NoAnswerError as error:
            if error.maybe_received:
                # In a container the answer may be dropped on its way, for it is one hop too far.
                return None
            raise CredentialsError(error.message) from None
        except BrokenAnswerError:
            return None
        text = answer.text().strip()
        # What cannot be sent in a header is not a token, but the page of something else.
        return text if answer.status == 200 and _TOKEN.match(text) else None

    def document(self, path: str, headers: t.Mapping[str, str], known: t.Sequence[str] = ()) -> dict[str, t.Any]:
        """The JSON object at a path.

        Args:
            path: The path.
            headers: What is sent along.
            known: Words of the service that explain a refusal.

        Raises:
            CredentialsError: There is none; what came instead is not quoted, for it may hold a key.
        """
        answer = self.ask("GET", path, headers)
        if answer.status != 200:
            said = next((f": {words}" for words in known if words in answer.text()), "")
            raise CredentialsError(f"{self.url}{path} answered with HTTP {answer.status}{said}.")
        try:
            document = answer.json(secret=True)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise CredentialsError(f"{self.url}{path} answered with something else than a JSON object.")
        return document

    def _send(self, method: str, path: str, headers: t.Mapping[str, str] | None) -> Response:
        host = self.url.split("://", 1)[1]
        left = min(STEP, self._deadline - self._clock.monotonic())
        return self._transport.send(Request(method, f"{self.url}{path}", {"Host": host, **(headers or {})}), left)
