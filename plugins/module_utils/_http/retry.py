# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One deadline for an operation, and one rule that says whether a request is repeated."""

from __future__ import annotations

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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.messages import (
    Request,
    Response,
    Transport,
    origin_of,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._secrets import Secrets
from ansible_collections.multicloud.async_tasks.plugins.module_utils._text import printable

#: Seconds of the first pause between two attempts; it doubles, to ``MAX_PAUSE``.
FIRST_PAUSE = 0.5
MAX_PAUSE = 20.0
#: Seconds without which there is no other attempt: its answer could not come in time, and a write that was turned away until
#: then would end as one whose answer was lost.
LEAST = 0.5

T = t.TypeVar("T")


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
    # A login or a look-up that comes before a write is a read.
    reads = reads or error.unsent
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

    Attributes:
        secrets: What is taken out of every answer before anything of it is shown.
    """

    def __init__(
        self, transport: Transport, clock: Clock, random: t.Callable[[], float], *, check_mode: bool, timeout: float
    ) -> None:
        self.clock = clock
        self.timeout = timeout
        self._transport = transport
        self._random = random
        self._check_mode = check_mode
        self.secrets = Secrets()

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
                f"{operation} at {origin_of(request.url)} would have changed something in check mode, and was not sent.",
                hint="This is a bug of the collection: please report it.",
            )
        try:
            response = self._transport.send(request, timeout)
        except (NoAnswerError, BrokenAnswerError) as error:
            error.message = f"{operation}: {printable(self.secrets.mask(error.message))}"
            raise
        return response._replace(secrets=self.secrets)

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
                if pause is None or self.clock.monotonic() + pause > deadline - LEAST:
                    if attempts > 1:
                        error.message = f"{error.message} It was tried {attempts} times."
                    raise
                self.clock.sleep(pause)
