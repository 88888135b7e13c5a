# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request: when it is sent, how long it may take, what its errors mean, and its repetition after re-authentication.

The rules, from which everything else follows:

- No request is sent before the limiter allows it, and none is sent much later than the deadline. Exceptions: the first round
  of a wait has ``GRACE`` seconds from its start, so that even ``timeout: 0`` polls every task; and the reasons of failures
  that the last round showed may be read a moment later (``poller``).
- No request reaches further than ``GRACE`` seconds beyond the deadline, and only those of the last round, or close to it,
  reach beyond its start at all: a service that hangs in the middle of a wait must not cost the last poll. A request that
  takes far longer than the others is given up, because its response is lost more often than late.
- A throttled response slows the wait down and never fails it.
- Every other response that is not usable (no connection, timeout, 5xx, HTML, half a JSON document, values of a wrong type)
  costs this request and nothing else, unless several in a row show an outage. It fails the wait only when it lasts:
  ``error_grace`` counts from the first such request since the last usable response, so that one failure after a long pause is
  one failure.
- A rejection that may not be the service's own (``foreign``) is such a response, too. Before the service has responded,
  several in a row show a wrong endpoint, and the last of them is raised.
- When credentials are rejected, the request is repeated once after re-authentication, if that is possible. When
  re-authentication is rejected the wait ends: it is not the fault of the tasks whose requests needed it.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    CloudError,
    InvalidResponseError,
    ThrottledError,
    TransportError,
    UnavailableError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import TaskBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.pacing import Latency
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import RequestState
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import (
    in_short,
    without_full_stop,
)

T = t.TypeVar("T")

#: Seconds that a request may reach beyond the deadline, and that the first round may take at least.
GRACE = 10.0
#: How late a request may be sent, in seconds: clocks sleep a little longer than they are told, and the request before may
#: have taken longer than usual. With a slow service it is the time of one request.
LATE = 0.05
#: The tolerance of comparisons of times, in seconds: floating point only.
EPSILON = 1e-6
#: A request with less time than this before the last round, in seconds, may reach beyond the deadline.
SHORT = 1.0
#: A request that cannot have this many seconds is not sent.
LEAST = 0.1
#: Foreign rejections in a row that end a wait in which the service has not responded yet.
FOREIGN_AT_FIRST = 3
#: A request that took this share of its time without a response was given up.
GIVEN_UP = 0.8


class Unanswered(Exception):
    """A request without a usable response.

    Args:
        error: What came instead; None when the request was not sent, because its turn did not come in time.
    """

    def __init__(self, error: CloudError | None) -> None:
        super().__init__()
        self.error = error


class Fatal(Exception):
    """An error after which the wait cannot go on.

    Args:
        message: For the user.
        error: The error of the service.
    """

    def __init__(self, message: str, error: CloudError) -> None:
        super().__init__(message)
        self.message = message
        self.error = error


@dataclasses.dataclass(frozen=True)
class SentRequest(t.Generic[T]):
    """A request that was sent, and its response or error. All durations are seconds.

    Attributes:
        call: The call itself, to be repeated; it takes its timeout.
        latency: The times of its kind.
        sent: When it was sent, as the age of the wait.
        timeout: The time that it had.
        cut: The end of the wait left it less time than it needed otherwise.
        took: The time until the response or the error.
        reauthentications: How often the client had authenticated again before it was sent.
        value: The response, as the backend read it.
        error: The error in place of a response.
    """

    call: t.Callable[[float], T]
    latency: Latency
    sent: float
    timeout: float
    cut: bool
    took: float
    reauthentications: int
    value: T | None
    error: CloudError | None


class RequestScheduler:
    """The scheduler of a wait: it sends requests at the right time, and handles their responses.

    Args:
        backend: The service.
        options: The options of the wait.
        clock: The clock.
        rng: Returns a random number from 0 to 1.
        state: The state of requests, which nothing else changes.
        started: The age of the wait at which this run of it began.
        age: The age of the wait now.
        connections: Requests that may be under way at once.
        show_progress: Shows the line that is due at an age, if any, and returns the age at which the next is due.
    """

    def __init__(
        self,
        backend: TaskBackend,
        options: Options,
        clock: Clock,
        rng: t.Callable[[], float],
        state: RequestState,
        *,
        started: float,
        age: float,
        connections: int,
        show_progress: t.Callable[[float], float] = lambda _age: math.inf,
    ) -> None:
        self._backend = backend
        self._options = options
        self._clock = clock
        self._rng = rng
        self._state = state
        self._origin = clock.monotonic() - age
        self._begun = age
        self._started = started
        self._connections = connections
        self._show_progress = show_progress
        self.deadline = started + options.timeout

    def now(self) -> float:
        """Return the age of the wait in seconds."""
        return self._clock.monotonic() - self._origin

    def sleep_until(self, age: float) -> None:
        """Rest until the wait has this age, and show progress meanwhile."""
        while True:
            now = self.now()
            stop = min(age, self._show_progress(now))
            if stop > now:
                self._clock.sleep(stop - now)
            if stop >= age:
                return

    @property
    def outage(self) -> bool:
        """True when the service has not answered several requests in a row."""
        return self._state.limiter.outage

    @property
    def round_calls(self) -> int:
        """Requests of the present round so far."""
        return self._state.round_calls

    @property
    def silent(self) -> bool:
        """True when no request of the present round had a usable response."""
        return self._state.round_calls > 0 and self._state.round_responses == 0

    @property
    def loss(self) -> float:
        """Share of requests without a usable response."""
        return self._state.all_latency.loss

    def begin_round(self, last_round_start: float) -> None:
        """Begin a round.

        Args:
            last_round_start: When the last round has to start, as the age of the wait.
        """
        self._state.round_calls = self._state.round_responses = 0
        self._state.last_round_start = last_round_start

    def end_round(self) -> None:
        """End a round."""
        self._state.first_round_over = True

    def rate(self) -> float:
        """Return the requests per second that may be sent at present."""
        return self._state.limiter.current_rate(self.now())

    def ready_at(self) -> float:
        """Return the age of the wait at which the limiter allows the next request."""
        return self._state.limiter.ready_at(self.now())

    def width(self) -> int:
        """Return the requests to have under way at once: one, unless the latency of the service holds the wait up."""
        if self.outage:
            return 1
        return max(1, min(self._connections, math.ceil(self._state.all_latency.busy * self.rate())))

    def spacing(self) -> float:
        """Return the seconds between two requests of a round; rather too many, so that the last round is not cut off."""
        latency = self._state.all_latency
        return max(1 / self.rate(), (latency.round_trip + latency.deviation) / self.width())

    def limit(self) -> float:
        """Return when the last request may be sent: at the deadline, or at once in a slice that came too late for that."""
        first = self._started if self._state.first_round_over else self._started + GRACE
        return max(self.deadline, self._begun, first)

    def last_round_begins(self, age: float) -> bool:
        """Return True when the last round has begun at this age, or is about to begin."""
        return self._state.last_round_start - age < SHORT

    def turn(self, limit: float) -> float | None:
        """Return when the next request may be sent; None when that is after the limit."""
        ready, late = self.ready_at(), max(LATE, self._state.all_latency.round_trip) + EPSILON
        return ready if ready <= min(limit + late, self.deadline + GRACE - LEAST) else None

    def prepare(self, limit: float) -> bool:
        """Wait for the turn of the next request; return False when it does not come before the limit."""
        ready = self.turn(limit)
        if ready is None:
            return False
        self.sleep_until(ready)
        return True

    def submit_read(self, call: t.Callable[[float], T], *, last: bool) -> t.Callable[[], SentRequest[T]]:
        """Record a request about a single task that is sent now; the function that is returned sends it, in any thread.

        Args:
            call: The call; it takes its timeout in seconds.
            last: No other request waits for this one to end.
        """
        return self._submit(call, self._state.read_latency, last=last)

    def read_page(self, call: t.Callable[[float], T], *, failed_before: bool) -> T:
        """Send a request for a page of a list now, and return the response; the arguments and errors of ``handle_response``."""
        return self.handle_response(self._submit(call, self._state.page_latency)(), failed_before=failed_before)

    def read_page_before(self, call: t.Callable[[float], T], limit: float) -> T:
        """Wait for the turn of a request for a page of a list, send it, and return the response.

        Raises:
            Unanswered: As of ``handle_response``; also when the turn does not come before the limit.
            Fatal: As of ``handle_response``.
            CloudError: As of ``handle_response``.
        """
        if not self.prepare(limit):
            raise Unanswered(None)
        return self.read_page(call, failed_before=False)

    def handle_response(self, request: SentRequest[T], *, failed_before: bool = False) -> T:
        """Record the response to a request, and return it as the backend read it.

        Args:
            request: The request.
            failed_before: The same request had no usable response several times already, though others had: another failure
                of it says nothing about the service.

        Raises:
            Unanswered: The request was throttled or had no usable response.
            Fatal: That has lasted too long, or authentication is rejected for good.
            CloudError: The service rejected the request: not found, forbidden, rejected and the like.
        """
        rejected = isinstance(request.error, AuthenticationError) and not request.error.unsent
        again = rejected and self._backend.can_reauthenticate()
        if again:
            self._record_response(request)
            request = self._repeat(request)
        state, error = self._state, request.error
        foreign = error is not None and error.foreign and not error.unsent
        if foreign and state.last_response is None and state.failures >= FOREIGN_AT_FIRST - 1:
            raise t.cast(CloudError, error)
        if error is not None and (
            foreign or isinstance(error, (TransportError, UnavailableError, InvalidResponseError))
        ):
            given_up = isinstance(error, TransportError) and request.took >= GIVEN_UP * request.timeout
            for latency in (request.latency, state.all_latency):
                latency.lost(request.took, given_up)
            if given_up and request.cut and state.failing_since is None and state.last_response is not None:
                # Too little time for a response says nothing about a service that responded to the request before.
                state.counters.errors += 1
                raise Unanswered(error) from error
            self._fail(error, request.sent, failed_before)
        self._record_response(request)
        if isinstance(error, ThrottledError):
            self._throttle(error, request.sent)
        self._state.limiter.answered()
        self._state.round_responses += 1
        if isinstance(error, AuthenticationError):
            after = f", also after re-authentication at {self._state.reauthenticated_at:.0f} s" if again else ""
            raise Fatal(f"Not authorized ({in_short(error)}){after}.", error) from error
        if error is not None and error.unsent:
            # The service did not reject this request, but the login or look-up that every request needs first.
            raise Fatal(error.message, error) from error
        if error is not None:
            raise error
        return t.cast(T, request.value)

    def _submit(
        self, call: t.Callable[[float], T], latency: Latency, *, last: bool = False
    ) -> t.Callable[[], SentRequest[T]]:
        state, sent = self._state, self.now()
        longest = self._options.request_timeout
        if not (last and self.last_round_begins(sent)):
            longest = latency.time_limit(longest, state.all_latency)
        timeout, reauthentications = self._timeout(sent, longest), state.counters.reauthentications
        state.limiter.sent(sent)
        state.counters.calls += 1
        state.counters.rounds += not state.round_calls
        state.round_calls += 1

        def send() -> SentRequest[T]:
            begun = self._clock.monotonic()
            value, error = self._try(call, timeout)
            took = self._clock.monotonic() - begun
            return SentRequest(call, latency, sent, timeout, timeout < longest, took, reauthentications, value, error)

        return send

    def _try(self, call: t.Callable[[float], T], timeout: float) -> tuple[T | None, CloudError | None]:
        """Send a request and return the response, or the error; a response that breaks our own code is an invalid one."""
        try:
            return call(timeout), None
        except CloudError as error:
            return None, error
        except Exception as error:
            broken = InvalidResponseError(
                f"{self._backend.endpoint} gave a response that cannot be read ({type(error).__name__}: {error}).",
                hint="The collection does not understand this response: please report it.",
            )
            broken.__cause__ = error
            return None, broken

    def _repeat(self, request: SentRequest[T]) -> SentRequest[T]:
        """Authenticate again and send a request once more, in its turn."""
        if self.now() > self.deadline + GRACE - LEAST:
            raise Unanswered(None)
        self._reauthenticate(request.reauthentications)
        if not self.prepare(max(self.limit(), self.now())):
            raise Unanswered(None)
        return self._submit(request.call, request.latency)()

    def _timeout(self, sent: float, longest: float) -> float:
        """Return the seconds until just before the last round if that is some way off, else until after the deadline."""
        until = self.deadline + GRACE if self.last_round_begins(sent) else self._state.last_round_start - LEAST
        return min(longest, until - sent)

    def _reauthenticate(self, before: int) -> None:
        """Authenticate again, unless that was done since the rejected request was sent, after ``before`` times."""
        state, sent = self._state, self.now()
        if state.counters.reauthentications > before:
            return
        state.counters.reauthentications += 1
        state.reauthenticated_at = sent
        _nothing, error = self._try(self._backend.reauthenticate, self._timeout(sent, self._options.request_timeout))
        if isinstance(error, ThrottledError):
            self._throttle(error, sent)
        if isinstance(error, (TransportError, UnavailableError, InvalidResponseError)):
            self._fail(error, sent, failed_before=False)
        if error is not None:
            raise Fatal(f"Not authorized, and re-authentication was rejected ({in_short(error)}).", error) from error

    def _record_response(self, request: SentRequest[t.Any]) -> None:
        state = self._state
        state.failing_since, state.failures, state.last_error = None, 0, None
        state.last_response = self.now()
        for latency in (request.latency, state.all_latency):
            latency.answered(request.took)

    def _throttle(self, error: ThrottledError, sent: float) -> t.NoReturn:
        """Record a throttled request."""
        self._state.counters.throttled += 1
        self._state.limiter.throttled(self.now(), sent, error.retry_after, self._rng())
        raise Unanswered(error) from error

    def _fail(self, error: CloudError, sent: float, failed_before: bool) -> t.NoReturn:
        """Record a request without a usable response."""
        state, now = self._state, self.now()
        if isinstance(error, TransportError) and error.permanent:
            raise Fatal(error.message, error) from error
        state.counters.errors += 1
        state.failures += 1
        state.last_error = error.message
        if state.failing_since is None:
            state.failing_since = sent
        silent = now - state.failing_since
        if silent >= self._options.error_grace:
            count = f"{state.failures} error{'s' if state.failures > 1 else ''}"
            last = without_full_stop(error.message)
            raise Fatal(
                f"No usable response from {self._backend.endpoint} for {silent:.0f} s ({count}; last: {last}).", error
            ) from error
        if not failed_before or state.limiter.outage:
            # An outage must not cost the poll at the deadline.
            state.limiter.lost(now, self._rng(), self.deadline if now < self.deadline else math.inf)
        raise Unanswered(error) from error
