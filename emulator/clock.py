# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time as an argument, and everything that happens later: the emulator never sleeps and never reads another clock."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import threading
import time
import typing as t


class Clock(t.Protocol):
    """The time, as far as the emulator needs it. A test's own clock fits if it has ``time``."""

    def time(self) -> float:
        """Return the seconds since the epoch."""


class SystemClock:
    """The clock of the machine.

    Args:
        offset: Seconds this clock is ahead, to play a service whose time differs from the client's.
    """

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def time(self) -> float:
        """Return the seconds since the epoch, shifted by the offset."""
        return time.time() + self.offset


class ManualClock:
    """A clock that moves only when told to.

    Args:
        now: Seconds since the epoch to start at.
    """

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds


@dataclasses.dataclass(order=True)
class TimedEvent:
    """An event to come.

    Attributes:
        due: When, in seconds since the epoch.
        number: Ties are broken by the order of planning.
    """

    due: float
    number: int
    action: t.Callable[[], None] = dataclasses.field(compare=False)
    cancelled: bool = dataclasses.field(default=False, compare=False)


class Timeline:
    """The events to come: a heap, run in order of their time by the thread that needs the present.

    Every event sees ``now()`` equal to the moment it was planned for, however late it is run, so that a chain of
    events takes as long as it should even if no request came in between.

    Args:
        clock: Where the present comes from.
        lock: Guards all state of the emulator; events run while it is held.
    """

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self.clock = clock
        self.lock = lock
        self._events: list[TimedEvent] = []
        self._numbers = itertools.count()
        self._instant: float | None = None
        self._changed = threading.Condition(lock)
        self._closed = False

    def now(self) -> float:
        """Return the present: inside an event the moment it was planned for, otherwise what the clock says."""
        return self.clock.time() if self._instant is None else self._instant

    def after(self, seconds: float, action: t.Callable[[], None]) -> TimedEvent:
        """Plan an action so many seconds from now."""
        with self.lock:
            event = TimedEvent(self.now() + seconds, next(self._numbers), action)
            heapq.heappush(self._events, event)
            self._changed.notify_all()
            return event

    def run_due(self) -> None:
        """Run every event whose time has come."""
        with self.lock:
            if self._instant is not None:
                return  # an event asked for time to pass: the loop that runs it will come to the next one
            try:
                while self._events and self._events[0].due <= self.clock.time():
                    event = heapq.heappop(self._events)
                    if not event.cancelled:
                        self._instant = event.due
                        event.action()
            finally:
                self._instant = None

    def clear(self) -> None:
        """Forget the future."""
        with self.lock:
            self._events.clear()

    def follow(self) -> None:
        """Run events as they fall due, until closed. Only makes sense with a clock that runs by itself."""
        with self.lock:
            while not self._closed:
                self.run_due()
                wait = self._events[0].due - self.clock.time() if self._events else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)

    def close(self) -> None:
        """Make ``follow`` return."""
        with self.lock:
            self._closed = True
            self._changed.notify_all()


def iso(seconds: float, *, fraction: bool = False) -> str:
    """Return an instant as the clouds write it: ``2026-01-02T03:04:05Z``, or with microseconds."""
    whole = int(seconds)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
    return f"{text}.{int((seconds - whole) * 1_000_000):06d}Z" if fraction else f"{text}Z"
