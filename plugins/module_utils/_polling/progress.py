# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When lines of progress are due, for a wait that can show them while it goes on."""

from __future__ import annotations

import typing as t

#: Seconds until the first line: a short wait needs none, and a long one should not look dead.
FIRST_LINE = 5.0


class Progress:
    """Lines at fixed intervals.

    Args:
        show: Shows a line.
        interval: Seconds from one line to the next, above 0.
    """

    def __init__(self, show: t.Callable[[str], None], interval: float) -> None:
        self._show = show
        self._interval = interval
        self._due: float | None = None

    def show_due(self, age: float, line: t.Callable[[], str]) -> float:
        """Show the line if one is due, and return the age of the wait at which the next is.

        Args:
            age: The age of the wait in seconds.
            line: Makes the line.
        """
        if self._due is None:
            self._due = age + min(FIRST_LINE, self._interval)
        elif age >= self._due:
            self._show(line())
            self._due = age + self._interval
        return self._due
