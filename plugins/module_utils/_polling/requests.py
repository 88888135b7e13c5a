# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call: its place in time, how long it may take, what its errors mean, and its repetition after a new login.

The rules, from which everything else follows:

- No call is sent before the limiter allows it, nobody sleeps past the deadline to send one, and none is sent much later than
  the deadline. Exceptions: the first round of a wait has ``GRACE`` seconds from its start, so that even ``timeout: 0`` hears
  about every task; and the reasons of failures that the last round showed may be asked for a moment later (``engine``).
- No call reaches further than ``GRACE`` seconds beyond the deadline, and only calls of the last round, or close to it, reach
  beyond its start at all: a service that hangs in the middle of a wait must not cost the last look. A call that takes far
  longer than its like is given up, for its answer is lost more often than late.
- Being throttled is an answer. It slows the wait down and never fails it.
- Everything else that is no usable answer (no connection, time out, 5xx, HTML, half a JSON document, values of a wrong type)
  costs this call and nothing else, unless several in a row show that the service is out of order. It fails the wait only when
  it lasts: ``error_grace`` counts from the first such call since the last usable answer, so that one failure after a long
  pause is one failure.
- Credentials that are refused are tried once more, after a new login, when there can be one. A login that is refused is the end:
  it is not the fault of the tasks whose questions needed it.
"""

from __future__ import annotations

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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.latency import Latency
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import Memory
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import bare, in_short

T = t.TypeVar("T")

#: How far, in seconds, a call may reach beyond the deadline, and how long the first round may take at least.
GRACE = 10.0
#: How late a call may be sent when nobody has to sleep for it: clocks sleep a little longer than they are told, and the call
#: before may have taken longer than its like. With a slow service it is the time of one call.
LATE = 0.05
#: Comparisons of times; floating point only.
EPSILON = 1e-6
#: A call with less time than this before the last round may reach beyond the deadline.
SHORT = 1.0
#: A call that cannot have this much time is not sent.
LEAST = 0.1
#: A call that took this share of its time without an answer was given up.
GIVEN_UP = 0.8

#: Runs calls, at most so many at once as the second argument says at the moment, drawing each only when there is room for it,
#: and yields what they return as it comes.
RunCalls = t.Callable[[t.Iterator[t.Callable[[], t.Any]], t.Callable[[], int]], t.Iterator[t.Any]]


def run_in_order(calls: t.Iterator[t.Callable[[], T]], _width: t.Callable[[], int]) -> t.Iterator[T]:
    """Run calls one after the other in the thread of the caller."""
    for call in calls:
        yield call()


class Unanswered(Exception):
    """A call had no usable answer.

    Args:
        error: What came instead; None when the call was not sent, for its turn did not come in time.
    """

    def __init__(self, error: CloudError | None) -> None:
        super().__init__()
        self.error = error


class Fatal(Exception):
    """The wait cannot go on.

    Args:
        message: For the user.
        error: What the service said.
    """

    def __init__(self, message: str, error: CloudError) -> None:
        super().__init__(message)
        self.message = message
        self.error = error


class Answer(t.Generic[T]):
    """What came of one call.

    Args:
        call: The call itself, to be repeated; it takes its timeout.
        latency: The times of its kind.
        sent: When it was sent.
        timeout: Seconds that it had.
        took: Seconds until the answer.
        logins: New logins before it was sent.
        value: What came back.
        error: What went wrong instead.
    """

    def __init__(
        self,
        call: t.Callable[[float], T],
        latency: Latency,
        sent: float,
        timeout: float,
        took: float,
        logins: int,
        value: T | None,
        error: CloudError | None,
    ) -> None:
        self.call = call
        self.latency = latency
        self.sent = sent
        self.timeout = timeout
        self.took = took
        self.logins = logins
        self.value = value
        self.error = error


class Caller:
    """Sends calls at the right time and keeps the books about them.

    Args:
        source: Whom to ask.
        options: What the user said.
        clock: The time.
        draw: A random number from 0 to 1.
        memory: The books.
        age: The age of the wait at this moment.
        connections: Calls that may be under way at once.
        show_progress: Shows the line that is due at an age, if any, and returns the age at which the next is due.
    """

    def __init__(
        self,
        source: TaskBackend,
        options: Options,
        clock: Clock,
        draw: t.Callable[[], float],
        memory: Memory,
        age: float,
        connections: int,
        show_progress: t.Callable[[float], float] = lambda _age: math.inf,
    ) -> None:
        self._source = source
        self._options = options
        self._clock = clock
        self._draw = draw
        self._memory = memory
        self._origin = clock.monotonic() - age
        self._begun = age
        self._connections = connections
        self._show_progress = show_progress
        self.deadline = memory.base + options.timeout

    def now(self) -> float:
        """The age of the wait in seconds."""
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
        """Whether no call is answered any more."""
        return self._memory.limiter.outage

    def width(self) -> int:
        """Calls to have under way at once: one, unless the latency of the service is what holds the wait up."""
        memory = self._memory
        if memory.limiter.outage:
            return 1
        return max(1, min(self._connections, math.ceil(memory.traffic.busy * memory.limiter.current(self.now()))))

    def spacing(self) -> float:
        """Seconds between two calls of a round; rather too long than too short, lest the last round be cut off."""
        memory = self._memory
        took = memory.traffic.round_trip + memory.traffic.deviation
        return max(1 / memory.limiter.current(self.now()), took / self.width())

    def limit(self) -> float:
        """When the last call may be sent: at the deadline, or at once in a slice that came too late for that."""
        first = self._memory.base if self._memory.looked else self._memory.base + GRACE
        return max(self.deadline, self._begun, first)

    def last_round_begins(self, age: float) -> bool:
        """Whether the last round begins about then, or has begun."""
        return self._memory.round.last_start - age < SHORT

    def turn(self, limit: float) -> float | None:
        """Return when the next call may be sent; None when that is after the limit."""
        now = self.now()
        ready = self._memory.limiter.ready_at(now)
        late = max(LATE, self._memory.traffic.round_trip) if ready <= now else EPSILON
        return ready if ready <= min(limit + late, self.deadline + GRACE - LEAST) else None

    def prepare(self, limit: float) -> bool:
        """Wait for the turn of the next call; False when it does not come before the limit."""
        ready = self.turn(limit)
        if ready is None:
            return False
        self.sleep_until(min(ready, limit))
        return True

    def launch(
        self, call: t.Callable[[float], T], latency: Latency, *, last: bool = False
    ) -> t.Callable[[], Answer[T]]:
        """Book a call that is sent now; the function that comes back sends it, in whatever thread.

        Args:
            call: The call; it takes its timeout in seconds.
            latency: The times of its kind.
            last: Whether no other call waits for this one to end.
        """
        memory = self._memory
        sent = self.now()
        longest = self._options.request_timeout
        if not (last and self.last_round_begins(sent)):
            longest = latency.time_limit(longest, memory.traffic)
        timeout, logins = self._timeout(sent, longest), memory.counters.relogins
        memory.limiter.sent(sent)
        memory.counters.calls += 1
        memory.counters.rounds += not memory.round.calls
        memory.round.calls += 1

        def send() -> Answer[T]:
            begun = self._clock.monotonic()
            value, error = self._try(call, timeout)
            return Answer(call, latency, sent, timeout, self._clock.monotonic() - begun, logins, value, error)

        return send

    def settle(self, answer: Answer[T], *, failed_before: bool = False) -> T:
        """Book an answer and return what it says.

        Args:
            answer: The answer.
            failed_before: Whether the same question had no usable answer several times already, though others had: another
                failure of it says nothing about the service.

        Raises:
            Unanswered: The call was turned away or went without a usable answer.
            Fatal: That has lasted too long, or the login is refused for good.
            CloudError: The service refused the question: not found, forbidden, rejected and the like.
        """
        refused = isinstance(answer.error, AuthenticationError) and not answer.error.unsent
        again = refused and self._source.can_reauthenticate()
        if again:
            self._book_answer(answer)
            answer = self._again(answer)
        error = answer.error
        if isinstance(error, (TransportError, UnavailableError, InvalidResponseError)):
            given_up = isinstance(error, TransportError) and answer.took >= GIVEN_UP * answer.timeout
            for latency in (answer.latency, self._memory.traffic):
                latency.lost(answer.took, given_up)
            self._fail(error, answer.sent, failed_before)
        self._book_answer(answer)
        if isinstance(error, ThrottledError):
            self._throttle(error, answer.sent)
        self._memory.limiter.answered()
        self._memory.round.answers += 1
        if isinstance(error, AuthenticationError):
            login = f", also after a new login at {self._memory.health.login_at:.0f} s" if again else ""
            raise Fatal(f"Not authorized ({in_short(error)}){login}.", error) from error
        if error is not None and error.unsent:
            # Not the question was refused, but the login or the look-up that every question needs first.
            raise Fatal(error.message, error) from error
        if error is not None:
            raise error
        return t.cast(T, answer.value)

    def ask(self, call: t.Callable[[float], T], latency: Latency, limit: float) -> T:
        """Wait for the turn of a call, send it and return what it says; ``Unanswered`` also when its turn does not come."""
        if not self.prepare(limit):
            raise Unanswered(None)
        return self.settle(self.launch(call, latency)())

    def _try(self, call: t.Callable[[float], T], timeout: float) -> tuple[T | None, CloudError | None]:
        """Send a call; what comes back, or the error. An answer that breaks our own code is a broken answer."""
        try:
            return call(timeout), None
        except CloudError as error:
            return None, error
        except Exception as error:
            broken = InvalidResponseError(
                f"{self._source.endpoint} gave an answer that cannot be read ({type(error).__name__}: {error}).",
                hint="The collection does not understand this answer: please report it.",
            )
            broken.__cause__ = error
            return None, broken

    def _again(self, answer: Answer[T]) -> Answer[T]:
        """Log in anew and send a call once more, in its turn."""
        if self.now() > self.deadline + GRACE - LEAST:
            raise Unanswered(None)
        self._renew(answer.logins)
        if not self.prepare(max(self.limit(), self.now())):
            raise Unanswered(None)
        return self.launch(answer.call, answer.latency)()

    def _timeout(self, sent: float, longest: float) -> float:
        """Until just before the last round if that is some way off, else until a while after the deadline."""
        until = self.deadline + GRACE if self.last_round_begins(sent) else self._memory.round.last_start - LEAST
        return min(longest, until - sent)

    def _renew(self, logins: int) -> None:
        """Log in again, unless another call already did since the one that was refused was sent."""
        memory, sent = self._memory, self.now()
        if memory.counters.relogins > logins:
            return
        memory.counters.relogins += 1
        memory.health.login_at = sent
        _nothing, error = self._try(self._source.reauthenticate, self._timeout(sent, self._options.request_timeout))
        if isinstance(error, ThrottledError):
            self._throttle(error, sent)
        if isinstance(error, (TransportError, UnavailableError, InvalidResponseError)):
            self._fail(error, sent, failed_before=False)
        if error is not None:
            raise Fatal(f"Not authorized, and the new login was refused ({in_short(error)}).", error) from error

    def _book_answer(self, answer: Answer[t.Any]) -> None:
        """Keep the books about a call that was answered."""
        memory = self._memory
        memory.health.failing_since, memory.health.failures, memory.health.trouble = None, 0, None
        memory.health.last_answer = self.now()
        for latency in (answer.latency, memory.traffic):
            latency.answered(answer.took)

    def _throttle(self, error: ThrottledError, sent: float) -> t.NoReturn:
        """A call was turned away."""
        memory = self._memory
        memory.counters.throttled += 1
        memory.limiter.throttled(self.now(), sent, error.retry_after, self._draw())
        raise Unanswered(error) from error

    def _fail(self, error: CloudError, sent: float, failed_before: bool) -> t.NoReturn:
        """A call went without a usable answer."""
        memory, health, now = self._memory, self._memory.health, self.now()
        if isinstance(error, TransportError) and error.permanent:
            raise Fatal(error.message, error) from error
        memory.counters.errors += 1
        health.failures += 1
        health.trouble = error.message
        if health.failing_since is None:
            health.failing_since = sent
        silent = now - health.failing_since
        if silent >= self._options.error_grace:
            count = f"{health.failures} error{'s' if health.failures > 1 else ''}"
            raise Fatal(
                f"No usable answer from {self._source.endpoint} for {silent:.0f} s ({count}; last: {bare(error.message)}).",
                error,
            ) from error
        if not failed_before or memory.limiter.outage:
            memory.limiter.failed(now, self._draw())
        raise Unanswered(error) from error
