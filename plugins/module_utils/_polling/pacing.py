# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pace of a wait: how long calls take, how fast they may follow each other, and when rounds start.

All times are the age of the wait in seconds, so that the pace survives a slice. Nothing here reads a clock.
"""

from __future__ import annotations

import dataclasses
import math

from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options

#: Weight of the newest call in the moving averages of times.
NEWEST = 0.2
#: Weight of the newest call in the share of lost calls, which takes more calls to tell.
NEWEST_LOSS = 0.05
#: Responses after which the usual round-trip time is known.
ENOUGH_RESPONSES = 3
#: No call is given up sooner than after so many seconds, nor sooner than after so many times the usual time.
SHORTEST_LIMIT = 2.0
LIMIT_FACTOR = 2.0
#: A kind of calls of which little is known gets so many times the limit of other calls.
NEW_KIND_FACTOR = 4.0

#: Lowest rate of a throttled service, in calls per second.
LOWEST_RATE = 0.1
#: The rate grows by this share of the highest rate per second: a tenth in 10 s.
GROWTH = 0.01
#: It also grows by this share with each response, so that single throttled calls cost time in proportion to their number.
GROWTH_PER_RESPONSE = 0.02
#: Longest pause after a throttled response without Retry-After, in seconds; what the service asks for has no bound.
LONGEST_PAUSE = 30.0
#: Calls in a row without a usable response that are an outage.
OUTAGE = 3
#: The pause between two calls during an outage, in seconds: it begins with the first and doubles to the second figure.
FIRST_PROBE, LONGEST_PROBE = 0.5, 5.0
#: How much longer than they are told clocks sleep at most, in seconds.
OVERSLEPT = 0.005
#: Above this rate, in calls per second, pauses without Retry-After begin shorter, in proportion.
REFERENCE_RATE = 10.0

#: A wait uses at most this share of its rate, and leaves the rest to other clients of the account.
RATE_SHARE = 0.75
#: An estimate of the service may stretch the longest pause so many times.
ETA_FACTOR = 4


@dataclasses.dataclass
class Latency:
    """The times of one kind of calls, estimated like those of TCP (RFC 6298). All times are seconds.

    Attributes:
        round_trip: Time until a response, a moving average.
        deviation: How much it varies, a moving average.
        busy: Time that a call takes with or without a response, a moving average.
        loss: Share of calls without a usable response, a moving average.
        responses: Responses so far.
        overdue: Calls in a row that were given up.
    """

    round_trip: float = 0.2
    deviation: float = 0.0
    busy: float = 0.2
    loss: float = 0.0
    responses: int = 0
    overdue: int = 0

    def answered(self, took: float) -> None:
        """Record a response that took so many seconds."""
        self.responses += 1
        self.overdue = 0
        self.loss -= NEWEST_LOSS * self.loss
        self.deviation += NEWEST * (abs(took - self.round_trip) - self.deviation)
        self.round_trip += NEWEST * (took - self.round_trip)
        self.busy += NEWEST * (took - self.busy)

    def lost(self, took: float, given_up: bool) -> None:
        """Record a call without a usable response.

        Args:
            took: Seconds until that was known.
            given_up: No response came before the time limit of the call.
        """
        self.overdue += given_up
        self.loss += NEWEST_LOSS * (1 - self.loss)
        self.busy += NEWEST * (took - self.busy)

    def time_limit(self, longest: float, others: Latency) -> float:
        """Return the seconds after which a call is given up; the limit doubles with each call in a row that exceeds it.

        Args:
            longest: The upper bound, and the result as long as little is known.
            others: The times of all kinds of calls, from which the limit of a new kind is estimated.
        """
        if self.responses >= ENOUGH_RESPONSES:
            usual = self._usual_limit()
        elif others.responses >= ENOUGH_RESPONSES:
            usual = NEW_KIND_FACTOR * others._usual_limit()
        else:
            return longest
        return min(longest, usual * 2.0 ** min(self.overdue, 10))

    def _usual_limit(self) -> float:
        return max(SHORTEST_LIMIT, LIMIT_FACTOR * (self.round_trip + 4 * self.deviation))


@dataclasses.dataclass
class Limiter:
    """The spacing of calls: a rate, halved by throttling and restored by time, and a gate, closed by service or outage.

    Attributes:
        highest_rate: Calls per second at most.
        rate: Calls per second right after the last throttled response.
        since: When ``rate`` was set.
        last_sent: When the last call was sent; None before the first.
        gate: No call is sent before this time.
        throttled_in_row: Throttled responses without another response between them.
        lost_in_row: Calls in a row without a usable response.
        retry_after: The seconds that the service asked to wait, when that closed the gate.
    """

    highest_rate: float
    rate: float
    since: float = 0.0
    last_sent: float | None = None
    gate: float = 0.0
    throttled_in_row: int = 0
    lost_in_row: int = 0
    retry_after: float | None = None

    def current_rate(self, now: float) -> float:
        """Return the calls per second at this moment."""
        return min(self.highest_rate, self.rate + GROWTH * self.highest_rate * max(0.0, now - self.since))

    def ready_at(self, now: float) -> float:
        """Return when the next call may be sent.

        The rate is that of the last call: with a rate that grows meanwhile, the result would depend on how often it is asked.
        """
        return max(now, self._spaced(), self.gate)

    def sent(self, now: float) -> None:
        """Record that a call was sent. A clock that sleeps a little too long does not delay the calls after it."""
        due = max(self._spaced(), self.gate)
        self.last_sent = due if due <= now <= due + OVERSLEPT else now

    def answered(self) -> None:
        """Record a response that is not a throttled one."""
        self.throttled_in_row = self.lost_in_row = 0
        self.rate = min(self.highest_rate, self.rate + GROWTH_PER_RESPONSE * self.highest_rate)

    def throttled(self, now: float, sent: float, retry_after: float | None, random_number: float) -> None:
        """Record a throttled response: halve the rate, and close the gate.

        Args:
            now: When the response came.
            sent: When the call was sent. Only a call that was sent after the last halving halves again.
            retry_after: Seconds that the service asked to wait.
            random_number: A number from 0 to 1, so that several clients do not come back together.
        """
        self.throttled_in_row += 1
        self.lost_in_row = 0
        if sent >= self.since:
            self.rate = max(min(LOWEST_RATE, self.highest_rate), self.current_rate(now) / 2)
            self.since = now
        if retry_after is None:
            longest = min(LONGEST_PAUSE, self._scale() * 2.0 ** min(self.throttled_in_row, 10))
            pause = longest * (0.5 + random_number / 2)
        else:
            pause = retry_after
        self._close(now + pause, retry_after)

    def lost(self, now: float, random_number: float, latest: float = math.inf) -> None:
        """Record a call without a usable response; in an outage, close the gate until the next probe.

        Args:
            now: When that was known.
            random_number: A number from 0 to 1.
            latest: When the next probe must be allowed.
        """
        self.lost_in_row += 1
        if self.outage:
            pause = self._scale() * FIRST_PROBE * 2.0 ** min(self.lost_in_row - OUTAGE, 10)
            probe = now + min(LONGEST_PROBE, pause) * (0.5 + random_number / 2)
            self._close(min(probe, latest), None)

    @property
    def outage(self) -> bool:
        """True when several calls in a row had no usable response; the service is only probed then."""
        return self.lost_in_row >= OUTAGE

    def _spaced(self) -> float:
        """Return when the rate allows the next call."""
        return -math.inf if self.last_sent is None else self.last_sent + 1 / self.current_rate(self.last_sent)

    def _close(self, until: float, retry_after: float | None) -> None:
        if until >= self.gate:
            self.gate, self.retry_after = until, retry_after

    def _scale(self) -> float:
        return min(1.0, REFERENCE_RATE / self.highest_rate)


def pause_between_rounds(
    options: Options, *, age: float, calls: int, pending: int, rate: float, eta: float | None, random_number: float
) -> float:
    """Return the seconds to rest after a round, by the square-root law.

    Polls cost least at a density in proportion to the square root of the hazard of a task's end, and a hazard without a
    scale of its own is 1/age. With ``pending`` tasks behind one round of ``calls`` calls the hazard is ``pending`` times
    larger and the price ``calls`` times: ``pause = backoff * sqrt(age * calls / pending)``.

    Args:
        options: The options of the wait.
        age: Seconds since the wait began.
        calls: Calls of a round.
        pending: Tasks that have not ended.
        rate: Calls per second at present.
        eta: Seconds until the first of the pending tasks ends, if the service gave an estimate for all of them.
        random_number: A number from 0 to 1.
    """
    longest = max(options.interval, options.max_interval)
    law = options.backoff * math.sqrt(max(0.0, age) * calls / pending)
    law *= 1 + options.jitter * (2 * random_number - 1)
    result = min(max(law, options.interval), longest)
    if eta is not None:
        result = max(result, min(eta / 2, ETA_FACTOR * longest))
    return max(result, calls / rate * (1 / RATE_SHARE - 1))


def last_round_length(calls: int, spacing: float) -> float:
    """Return the seconds before the deadline at which a round must start to send its last call at the deadline."""
    return max(0, calls - 1) * spacing


def next_round_start(*, now: float, rest: float, calls: int, spacing: float, deadline: float, silent: bool) -> float:
    """Return when the next round starts: after the rest, or so that it is the last one and ends at the deadline.

    Args:
        now: The age of the wait.
        rest: The pause that is due, in seconds.
        calls: Calls of the next round.
        spacing: Seconds between two calls.
        deadline: The end of the wait.
        silent: The last round had no usable response, so that even a round that no longer fits has to wait.
    """
    last = deadline - last_round_length(calls, spacing)
    if last < now:
        return min(now + rest, deadline) if silent else now
    after = min(now + rest, last)
    # A round that ran into the last one would keep some tasks from being polled at the end.
    return last if after + calls * spacing > last else after
