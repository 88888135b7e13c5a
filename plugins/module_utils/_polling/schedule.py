# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When to look next. Pure functions; all times are seconds.

The pause follows the square-root law: the density of looks that costs least when nothing is known about how long tasks
take is proportional to the square root of the hazard, and a hazard without a scale of its own is 1/age. With ``pending``
tasks behind one round of ``calls`` calls the hazard is ``pending`` times larger and the price ``calls`` times::

    pause = backoff * sqrt(age * calls / pending)
"""

from __future__ import annotations

import math

from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options

#: A wait uses at most this share of the rate it may use, and leaves the rest to others.
SHARE = 0.75
#: A service that tells how long its tasks still take may stretch the longest pause so many times.
ETA_STRETCH = 4


def pause(
    options: Options, *, age: float, calls: int, pending: int, rate: float, eta: float | None, draw: float
) -> float:
    """How long to rest after a round.

    Args:
        options: What the user said.
        age: Seconds since the wait began.
        calls: What a round costs.
        pending: How many tasks are still looked for.
        rate: Calls per second at present.
        eta: The service's own word on when the first of the pending tasks ends, if it gave one for all of them.
        draw: A random number from 0 to 1.
    """
    longest = max(options.interval, options.max_interval)
    law = options.backoff * math.sqrt(max(0.0, age) * calls / pending)
    law *= 1 + options.jitter * (2 * draw - 1)
    result = min(max(law, options.interval), longest)
    if eta is not None:
        result = max(result, min(eta / 2, ETA_STRETCH * longest))
    return max(result, calls / rate * (1 / SHARE - 1))


def lead(calls: int, spacing: float) -> float:
    """How long before the deadline a round must start to send its last call at the deadline."""
    return max(0, calls - 1) * spacing


def start(*, now: float, rest: float, calls: int, spacing: float, deadline: float, silent: bool) -> float:
    """When the next round starts: after the rest, or so that it is the last one and ends at the deadline.

    Args:
        now: The present.
        rest: The pause that is due.
        calls: What the next round costs.
        spacing: Seconds between two calls.
        deadline: The end of the wait.
        silent: The last round had no usable answer, so that even a round that no longer fits has to wait.
    """
    last = deadline - lead(calls, spacing)
    if last < now:
        return min(now + rest, deadline) if silent else now
    after = min(now + rest, last)
    # A round that ran into the last one would keep the tail of the list, or a single task, from being asked at the end.
    return last if after + calls * spacing > last else after
