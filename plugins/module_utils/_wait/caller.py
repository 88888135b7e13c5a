# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call: its place in time, how long it may take, what its errors mean, and its repetition after a new login.

The rules, from which everything else follows:

- No call is sent before the limiter allows it, nobody sleeps past the deadline to send one, and none is sent much later than
  the deadline. Exceptions: the first round of a wait has ``GRACE`` seconds from its start, so that even ``timeout: 0`` hears
  about every task; and the reasons of failures that the last round showed may be asked for a moment later (``engine``).
- No call reaches further than ``GRACE`` seconds beyond the deadline, and only calls of the last round, or close to it, reach
  beyond its start at all: a service that hangs in the middle of a wait must not cost the last look.
- Being throttled is an answer. It slows the wait down and never fails it.
- Everything else that is no usable answer (no connection, time out, 5xx, HTML, half a JSON document) fails the wait only when
  it lasts: ``error_grace`` counts from the first such call since the last usable answer, so that one failure after a long
  pause is one failure.
- A refused login is repeated once, after a new login, when there can be one.
"""

from __future__ import annotations

import math
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import (
    AuthenticationError,
    BrokenAnswerError,
    CloudError,
    NoAnswerError,
    ThrottledError,
    UnavailableError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._task import TaskSource
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.memory import Memory
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.record import bare, in_short

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
#: Weight of the newest round-trip time in the moving averages.
NEWEST = 0.2

#: Runs calls, at most so many at once as the second argument says at the moment, drawing each only when there is room for it,
#: and yields what they return as it comes.
Gather = t.Callable[[t.Iterator[t.Callable[[], t.Any]], t.Callable[[], int]], t.Iterator[t.Any]]


def one_by_one(calls: t.Iterator[t.Callable[[], T]], _width: t.Callable[[], int]) -> t.Iterator[T]:
    """Run calls one after the other in the thread of the caller."""
    for call in calls:
        yield call()


class RoundOver(Exception):
    """The service turned the call away or gave no usable answer: enough for this round.

    Args:
        alone: True when the trouble may be with this one task.
    """

    def __init__(self, alone: bool) -> None:
        super().__init__()
        self.alone = alone


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
        sent: When it was sent.
        took: Seconds until the answer.
        logins: New logins before it was sent.
        value: What came back.
        error: What went wrong instead.
    """

    def __init__(
        self,
        call: t.Callable[[float], T],
        sent: float,
        took: float,
        logins: int,
        value: T | None,
        error: CloudError | None,
    ) -> None:
        self.call = call
        self.sent = sent
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
        source: TaskSource,
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

    def width(self) -> int:
        """Calls to have under way at once: one, unless the latency of the service is what holds the wait up."""
        return max(1, min(self._connections, math.ceil(self._memory.rtt * self._memory.limiter.current(self.now()))))

    def spacing(self) -> float:
        """Seconds between two calls of a round; rather too long than too short, lest the last round be cut off."""
        memory = self._memory
        return max(1 / memory.limiter.current(self.now()), (memory.rtt + memory.rtt_spread) / self.width())

    def limit(self) -> float:
        """When the last call may be sent: at the deadline, or at once in a slice that came too late for that."""
        first = self._memory.base if self._memory.looked else self._memory.base + GRACE
        return max(self.deadline, self._begun, first)

    def prepare(self, limit: float) -> bool:
        """Wait for the turn of the next call; False when it does not come before the limit."""
        now = self.now()
        ready = self._memory.limiter.ready_at(now)
        late = max(LATE, self._memory.rtt) if ready <= now else EPSILON
        if ready > min(limit + late, self.deadline + GRACE - LEAST):
            return False
        self.sleep_until(min(ready, limit))
        return True

    def launch(self, call: t.Callable[[float], T]) -> t.Callable[[], Answer[T]]:
        """Book a call that is sent now; the function that comes back sends it, in whatever thread."""
        memory = self._memory
        sent = self.now()
        timeout, logins = self._timeout(sent), memory.relogins
        memory.limiter.sent(sent)
        memory.calls += 1
        memory.rounds += not memory.round.calls
        memory.round.calls += 1

        def send() -> Answer[T]:
            begun = self._clock.monotonic()
            value, error = None, None
            try:
                value = call(timeout)
            except CloudError as caught:
                error = caught
            return Answer(call, sent, self._clock.monotonic() - begun, logins, value, error)

        return send

    def settle(self, answer: Answer[T]) -> T:
        """Book an answer and return what it says.

        Raises:
            RoundOver: The call was turned away or went without a usable answer.
            Fatal: That has lasted too long, or the login is refused for good.
            CloudError: The service refused the question: not found, forbidden, rejected and the like.
        """
        again = isinstance(answer.error, AuthenticationError) and self._source.renewable()
        if again:
            self._book(None, answer)
            answer = self._again(answer)
        self._book(answer.error, answer)
        if isinstance(answer.error, AuthenticationError):
            login = f", also after a new login at {self._memory.login_at:.0f} s" if again else ""
            raise Fatal(f"Not authorized ({in_short(answer.error)}){login}.", answer.error) from answer.error
        if answer.error is not None:
            raise answer.error
        return t.cast(T, answer.value)

    def ask(self, call: t.Callable[[float], T], limit: float) -> T:
        """Wait for the turn of a call, send it and return what it says; ``RoundOver`` also when its turn does not come."""
        if not self.prepare(limit):
            raise RoundOver(alone=False)
        return self.settle(self.launch(call)())

    def _again(self, answer: Answer[T]) -> Answer[T]:
        """Log in anew and send a call once more, in its turn."""
        if self.now() > self.deadline + GRACE - LEAST:
            raise RoundOver(alone=False)
        self._renew(answer.logins)
        if not self.prepare(max(self.limit(), self.now())):
            raise RoundOver(alone=False)
        return self.launch(answer.call)()

    def _timeout(self, sent: float) -> float:
        """Until just before the last round if that is some way off, else until a while after the deadline."""
        until = self._memory.round.last_start
        until = until - LEAST if until - sent >= SHORT else self.deadline + GRACE
        return min(self._options.request_timeout, until - sent)

    def _renew(self, logins: int) -> None:
        """Log in again, unless another call already did since the one that was refused was sent."""
        memory, sent = self._memory, self.now()
        if memory.relogins > logins:
            return
        memory.relogins += 1
        memory.login_at = sent
        try:
            self._source.renew(self._timeout(sent))
        except (NoAnswerError, UnavailableError, BrokenAnswerError, ThrottledError) as error:
            self._trouble(error, sent)
        except CloudError as error:
            raise Fatal(f"Not authorized, and the new login was refused ({in_short(error)}).", error) from error

    def _book(self, error: CloudError | None, answer: Answer[t.Any]) -> None:
        """Keep the books about one call: what kind of answer it was, and how long it took."""
        memory = self._memory
        if isinstance(error, (NoAnswerError, UnavailableError, BrokenAnswerError)):
            self._trouble(error, answer.sent)
        memory.failing_since, memory.failures, memory.trouble = None, 0, None
        memory.last_look = self.now()
        memory.rtt_spread += NEWEST * (abs(answer.took - memory.rtt) - memory.rtt_spread)
        memory.rtt += NEWEST * (answer.took - memory.rtt)
        if isinstance(error, ThrottledError):
            self._trouble(error, answer.sent)
        memory.limiter.answered()

    def _trouble(self, error: CloudError, sent: float) -> t.NoReturn:
        """A call was turned away or went without a usable answer."""
        memory, now = self._memory, self.now()
        if isinstance(error, ThrottledError):
            memory.throttled += 1
            memory.limiter.throttled(now, sent, error.retry_after, self._draw())
            raise RoundOver(alone=False) from error
        if isinstance(error, NoAnswerError) and error.lasting:
            raise Fatal(error.message, error) from error
        memory.errors += 1
        memory.failures += 1
        memory.trouble = error.message
        if memory.failing_since is None:
            memory.failing_since = sent
        silent = now - memory.failing_since
        if silent >= self._options.error_grace:
            count = f"{memory.failures} error{'s' if memory.failures > 1 else ''}"
            raise Fatal(
                f"No usable answer from {self._source.endpoint} for {silent:.0f} s ({count}; last: {bare(error.message)}).",
                error,
            ) from error
        raise RoundOver(alone=not isinstance(error, NoAnswerError)) from error
