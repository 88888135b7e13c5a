# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time as an argument: the only file that reads a clock or sleeps."""

from __future__ import annotations

import time
import typing as t


class Clock(t.Protocol):
    """The time, as far as the collection needs it; tests pass a clock that never sleeps."""

    def monotonic(self) -> float:
        """Return the seconds on a clock that never jumps; for every deadline and duration."""

    def time(self) -> float:
        """Return the seconds since the epoch; for the dates in signatures and nothing else."""

    def sleep(self, seconds: float) -> None:
        """Pause for so many seconds."""


class SystemClock:
    """The clock of the machine."""

    def monotonic(self) -> float:
        """Return the seconds on a clock that never jumps."""
        return time.monotonic()

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Pause for so many seconds; a negative number counts as 0."""
        time.sleep(max(0.0, seconds))
