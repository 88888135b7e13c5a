# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One deadline for an operation, and one rule that says whether a request is repeated."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    CheckModeWriteError,
    CloudError,
    InvalidResponseError,
    ThrottledError,
    TransportError,
    UnavailableError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.secrets import Secrets
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.messages import (
    Request,
    Response,
    Transport,
    origin_of,
)

#: Seconds of the first pause between two attempts; it doubles, to ``MAX_PAUSE``.
FIRST_PAUSE = 0.5
MAX_PAUSE = 20.0
#: Seconds of the first pause after a throttled request, when the service asks for none: from 2 to 5, as Huawei Cloud advises.
FIRST_THROTTLED = (2.0, 5.0)
#: Seconds without which there is no other attempt: its response could not come in time, and a write that was throttled until
#: then would end as one whose response was lost.
LEAST = 0.5

T = t.TypeVar("T")


def retry_pause(error: CloudError, *, read_only: bool, attempt: int, jitter: float) -> float | None:
    """Return the seconds until the next attempt, or None when there must not be one: the only retry rule.

    A read is repeated after anything that may pass. A write is repeated only when the request certainly did not reach
    the service, or was throttled before it was processed. A rejected signature is never repeated: five of them lock
    a Huawei access key for five minutes.

    Args:
        error: The error that the attempt ended with.
        read_only: Whether the operation changes nothing (a property of the operation, not of its HTTP method).
        attempt: Number of attempts in a row that ended so (throttled, or without a usable response), 1 or more.
        jitter: A number from 0 to 1, to spread callers.
    """
    if isinstance(error, ThrottledError):
        return _throttled_pause(error, attempt, jitter)
    if read_only and isinstance(error, TransportError) and error.stale and attempt == 1:
        return 0.0
    pause = min(MAX_PAUSE, FIRST_PAUSE * 2.0 ** (attempt - 1)) * (0.5 + jitter)
    # A login or a look-up that comes before a write is a read.
    read_only = read_only or error.unsent
    if isinstance(error, TransportError):
        return pause if not error.permanent and (read_only or not error.possibly_sent) else None
    if read_only and (
        isinstance(error, UnavailableError) or (isinstance(error, InvalidResponseError) and error.truncated)
    ):
        return pause
    return None


def _throttled_pause(error: ThrottledError, attempt: int, jitter: float) -> float:
    """Return the seconds until a throttled request is sent again: never sooner than the service asks for."""
    shortest, longest = FIRST_THROTTLED
    own = min(MAX_PAUSE, (shortest + (longest - shortest) * jitter) * 2.0 ** (attempt - 1))
    if error.retry_after is None:
        return own
    if error.quota and attempt == 1:
        # The window may end at any moment. Once more before it is waited out: attempts may count, too.
        return min(own, error.retry_after + jitter)
    return max(error.retry_after + jitter, FIRST_PAUSE * attempt)


class Budget:
    """The time of one operation: of all its requests, and of all their repetitions.

    Throttling may go on for longer than the rest: the pause that the service asks for comes on
    top, once, unless it is longer than the time itself. A quota of a minute outlasts an operation of a minute.

    Args:
        clock: Time.
        seconds: For everything.
        patience: Seconds for everything as long as the service throttles requests, when that is more.

    Attributes:
        seconds: As above.
    """

    def __init__(self, clock: Clock, seconds: float, patience: float = 0.0) -> None:
        self.seconds = seconds
        self._clock = clock
        self._begun = clock.monotonic()
        self._end = self._begun + max(seconds, patience)
        self._throttled = 0.0

    def __call__(self) -> float:
        """Return the seconds that are left."""
        return max(0.0, self._end - self._clock.monotonic())

    def without_patience(self) -> float:
        """Return the seconds that are left for what is not throttled: pauses after throttled requests do not count."""
        return max(0.0, min(self._end, self._begun + self.seconds + self._throttled) - self._clock.monotonic())

    def note_throttled(self, pause: float) -> None:
        """Note a pause after a throttled request."""
        self._throttled += pause

    def allow(self, pause: float) -> None:
        """Extend the time, within the patience, for a pause of so many seconds that the service asks for."""
        if pause <= self.seconds:
            self._end = max(self._end, self._begun + self.seconds + pause + LEAST)


class Http:
    """The sender of a client's requests: a transport, a clock and the retry rule.

    Args:
        transport: Where requests go.
        clock: Time.
        rng: Returns a number from 0 to 1.
        check_mode: Whether every write is rejected before it is sent.
        timeout: Seconds for one operation with all its attempts.
        on_write: Called as soon as a service has accepted a write, before anything reads its response.

    Attributes:
        secrets: The secrets that are masked in everything that is shown of a response.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        rng: t.Callable[[], float],
        *,
        check_mode: bool,
        timeout: float,
        on_write: t.Callable[[], None] | None = None,
    ) -> None:
        self.clock = clock
        self.timeout = timeout
        self._transport = transport
        self._rng = rng
        self._check_mode = check_mode
        self.secrets = Secrets()
        self._on_write = on_write

    def send(self, request: Request, operation: str, *, read_only: bool, timeout: float) -> Response:
        """Send one request once. In check mode a write is rejected here, where every request passes.

        Args:
            request: The request.
            operation: The name of the operation, for messages.
            read_only: Whether it changes nothing.
            timeout: Seconds.
        """
        if self._check_mode and not read_only:
            raise CheckModeWriteError(
                f"{operation} at {origin_of(request.url)} would have changed something in check mode, and was not sent.",
                hint="This is a bug of the collection: please report it.",
            )
        # A service may close a kept connection at any time, which leaves open whether it carried the request out.
        request = request._replace(new_connection=not read_only)
        try:
            response = self._transport.send(request, timeout)
            if not read_only and 200 <= response.status < 300 and self._on_write is not None:
                self._on_write()
        except (TransportError, InvalidResponseError) as error:
            error.message = f"{operation}: {printable(self.secrets.mask(error.message))}"
            raise
        return response._replace(secrets=self.secrets)

    def budget(self, seconds: float | None = None, patience: float = 0.0) -> Budget:
        """Return the time of an operation that begins now.

        Args:
            seconds: For everything; those of ``Http`` by default.
            patience: Seconds for everything as long as requests are throttled, when that is more.
        """
        return Budget(self.clock, self.timeout if seconds is None else seconds, patience)

    def call(
        self,
        attempt: t.Callable[[float], T],
        *,
        read_only: bool,
        budget: Budget | None = None,
        renew: t.Callable[[float], bool] | None = None,
    ) -> T:
        """Run ``attempt`` until it returns, it must not be repeated, or the time is up.

        Args:
            attempt: Builds, signs, sends and decodes one request; its argument is the seconds that it may take.
            read_only: Whether the operation changes nothing.
            budget: The time for all attempts together; ``Http``'s by default.
            renew: Called once when the service rejected the credentials, with the seconds that are left; True when they were
                renewed and a repetition is due.
        """
        left = budget or self.budget()
        # ``patience`` is for throttled requests only: without a response there is no more time than for any other service.
        trouble = self.budget(left.seconds)
        attempts, in_row, throttled = 0, 0, False
        while True:
            attempts += 1
            try:
                return attempt(min(left(), trouble()))
            except CloudError as raised:
                error = raised
            if renew is not None and isinstance(error, AuthenticationError):
                renewal, renew = renew, None
                try:
                    if renewal(min(left(), trouble())):
                        continue
                except CloudError as failed:
                    # If it may pass, the next attempt logs in by itself.
                    error = failed
            before, throttled = throttled, isinstance(error, ThrottledError)
            in_row = in_row + 1 if throttled == before else 1
            pause = retry_pause(error, read_only=read_only, attempt=in_row, jitter=self._rng())
            if isinstance(error, ThrottledError) and error.retry_after is not None:
                left.allow(error.retry_after)
            if pause is None or pause > (left() if throttled else min(left(), trouble())) - LEAST:
                _explain(error, attempts, pause)
                raise error
            self.clock.sleep(pause)
            if throttled:
                left.note_throttled(pause)
                trouble = self.budget(left.seconds)


def _explain(error: CloudError, attempts: int, pause: float | None) -> None:
    """Add to an operation's last error why it was not tried again."""
    if isinstance(error, ThrottledError) and error.retry_after is not None and pause is not None:
        error.message = (
            f"{error.message} The time is up before the {error.retry_after:.0f} s that it asks for are over."
        )
    if attempts > 1:
        error.message = f"{error.message} It was tried {attempts} times."
