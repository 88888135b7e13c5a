# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast calls may follow each other: a rate that yields to throttling and recovers, and a gate that may be closed.

The service closes the gate by throttling. It is also closed when calls in a row have no usable answer: one such call is the
trouble of that call, several in a row are an outage, during which the service is only probed.

All times are the age of the wait in seconds, so that a limiter can be put away and taken up again in another process.
Only the engine's own thread touches it: calls are spaced before they are handed to a connection.
"""

from __future__ import annotations

import dataclasses

#: A throttled service is still asked this often, calls per second.
FLOOR = 0.1
#: The rate grows by this share of the initial one per second: a tenth in 10 s.
GROWTH = 0.01
#: It also grows by this share with each answer, so that single throttled calls cost time in proportion to their number.
GROWTH_PER_ANSWER = 0.02
#: Longest pause of our own choice after a throttled answer; what the service asks for has no bound.
LONGEST_GATE = 30.0
#: Calls in a row without a usable answer that are an outage.
OUTAGE = 3
#: The pause between two calls during an outage, in seconds: it begins with the first and doubles to the second figure.
FIRST_PROBE, LONGEST_PROBE = 0.5, 5.0
#: At higher rates than this, calls per second, pauses of our own choice begin shorter, in proportion.
UNHURRIED = 10.0


@dataclasses.dataclass
class Limiter:
    """Spaces calls.

    Attributes:
        ceiling: Calls per second at most.
        rate: Calls per second right after the last throttled answer.
        since: When ``rate`` was set.
        last: When the last call was sent; None before the first.
        gate: Nothing is sent before this time.
        in_row: Throttled answers without another answer between them.
        failing: Calls in a row without a usable answer.
        asked: The seconds the service asked to wait, when it was it that closed the gate.
    """

    ceiling: float
    rate: float
    since: float = 0.0
    last: float | None = None
    gate: float = 0.0
    in_row: int = 0
    failing: int = 0
    asked: float | None = None

    def current(self, now: float) -> float:
        """Calls per second at this moment."""
        return min(self.ceiling, self.rate + GROWTH * self.ceiling * max(0.0, now - self.since))

    def ready_at(self, now: float) -> float:
        """When the next call may be sent."""
        spaced = now if self.last is None else self.last + 1 / self.current(now)
        return max(now, spaced, self.gate)

    def sent(self, now: float) -> None:
        """A call goes out."""
        self.last = now

    def answered(self) -> None:
        """The service answered something else than that it is asked too often."""
        self.in_row = self.failing = 0
        self.rate = min(self.ceiling, self.rate + GROWTH_PER_ANSWER * self.ceiling)

    def throttled(self, now: float, sent: float, retry_after: float | None, draw: float) -> None:
        """The service turned a call away.

        Args:
            now: When the answer came.
            sent: When the call was sent. Calls that were under way together are one sign, not many: only a call sent
                after the last halving halves again.
            retry_after: Seconds the service asked to wait.
            draw: A random number from 0 to 1, so that several clients do not come back together.
        """
        self.in_row += 1
        self.failing = 0
        if sent >= self.since:
            self.rate = max(min(FLOOR, self.ceiling), self.current(now) / 2)
            self.since = now
        if retry_after is None:
            pause = min(LONGEST_GATE, self._scale() * 2.0 ** min(self.in_row, 10)) * (0.5 + draw / 2)
        else:
            pause = retry_after
        self._close(now + pause, retry_after)

    def failed(self, now: float, draw: float) -> None:
        """A call had no usable answer, at this time; ``draw`` is a random number from 0 to 1."""
        self.failing += 1
        if self.outage:
            pause = self._scale() * FIRST_PROBE * 2.0 ** min(self.failing - OUTAGE, 10)
            self._close(now + min(LONGEST_PROBE, pause) * (0.5 + draw / 2), None)

    @property
    def outage(self) -> bool:
        """Whether no call is answered any more."""
        return self.failing >= OUTAGE

    def _close(self, until: float, asked: float | None) -> None:
        if until >= self.gate:
            self.gate, self.asked = until, asked

    def _scale(self) -> float:
        return min(1.0, UNHURRIED / self.ceiling)
