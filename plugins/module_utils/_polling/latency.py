# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long calls take, how many of them are lost, and how long it is worth waiting for one.

The estimate is that of TCP (RFC 6298): a moving average of the round-trip time and of its deviation, and a time limit that
doubles with each call in a row that exceeds it.
"""

from __future__ import annotations

import dataclasses

#: Weight of the newest call in the moving averages of times.
NEWEST = 0.2
#: The same for the share of lost calls, which takes more calls to tell.
NEWEST_LOSS = 0.05
#: Answers after which the usual round-trip time is known.
ENOUGH = 3
#: No call is given up sooner than after so many seconds, nor sooner than after so many times the usual time.
SHORTEST = 2.0
STRETCH = 2.0
#: So many times as long as other calls may take is granted to a kind of which little is known.
CAUTION = 4.0


@dataclasses.dataclass
class Latency:
    """The times of one kind of calls. All times are seconds.

    Attributes:
        round_trip: Time until an answer, a moving average.
        deviation: How much it varies, a moving average.
        busy: Time that a call takes with or without an answer, a moving average.
        loss: Share of calls without a usable answer, a moving average.
        answers: Answers so far.
        overdue: Calls in a row that were given up.
    """

    round_trip: float = 0.2
    deviation: float = 0.0
    busy: float = 0.2
    loss: float = 0.0
    answers: int = 0
    overdue: int = 0

    def answered(self, took: float) -> None:
        """Take in that a call was answered, and after how long."""
        self.answers += 1
        self.overdue = 0
        self.loss -= NEWEST_LOSS * self.loss
        self.deviation += NEWEST * (abs(took - self.round_trip) - self.deviation)
        self.round_trip += NEWEST * (took - self.round_trip)
        self.busy += NEWEST * (took - self.busy)

    def lost(self, took: float, given_up: bool) -> None:
        """Take in that a call had no usable answer.

        Args:
            took: How long that took.
            given_up: Whether there was no answer at all when its time was over.
        """
        self.overdue += given_up
        self.loss += NEWEST_LOSS * (1 - self.loss)
        self.busy += NEWEST * (took - self.busy)

    def time_limit(self, longest: float, others: Latency) -> float:
        """Return the time after which a call is given up.

        Args:
            longest: The longest there may be, which it is as long as little is known.
            others: The times of all kinds of calls, by which a kind that is new is judged with caution.
        """
        if self.answers >= ENOUGH:
            usual = self._usual()
        elif others.answers >= ENOUGH:
            usual = CAUTION * others._usual()
        else:
            return longest
        return min(longest, usual * 2.0 ** min(self.overdue, 10))

    def _usual(self) -> float:
        return max(SHORTEST, STRETCH * (self.round_trip + 4 * self.deviation))
