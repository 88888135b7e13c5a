# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When to look next: the square-root law and the way into the last round."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.schedule import lead, pause, start


def rest(options: Options, **changes: t.Any) -> float:
    """A pause of one task at the age of 100 s, without any jitter."""
    facts: dict[str, t.Any] = {"age": 100.0, "calls": 1, "pending": 1, "rate": 10.0, "eta": None, "draw": 0.5}
    return pause(options, **{**facts, **changes})


def test_the_square_root_law() -> None:
    options = Options(backoff=0.8, interval=0.1, max_interval=1000)
    assert rest(options) == pytest.approx(8)
    assert rest(options, age=400.0) == pytest.approx(16)
    assert rest(options, calls=1, pending=4) == pytest.approx(4)
    assert rest(options, calls=4, pending=4) == pytest.approx(8)


def test_the_bounds_of_the_pause() -> None:
    assert rest(Options(), age=0.0) == 2
    assert rest(Options(), age=1e6) == 15
    assert rest(Options(backoff=0.0), age=1e6) == 2
    assert rest(Options(interval=30), age=1e6) == 30


@pytest.mark.parametrize(("draw", "factor"), [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5)])
def test_jitter_is_a_share_of_the_pause_within_its_bounds(draw: float, factor: float) -> None:
    options = Options(jitter=0.5, backoff=1.0, interval=6, max_interval=12)
    assert rest(options, draw=draw) == min(max(10 * factor, 6), 12)


def test_an_estimate_stretches_the_pause_to_four_times_the_longest_one() -> None:
    assert rest(Options(), eta=4.0) == 8
    assert rest(Options(), eta=40.0) == 20
    assert rest(Options(), eta=1e6) == 60


def test_a_quarter_of_the_rate_is_left_to_others() -> None:
    assert rest(Options(), age=0.0, calls=90, pending=90, rate=10.0) == pytest.approx(3)


def test_the_lead_lets_a_round_end_at_the_deadline() -> None:
    assert lead(1, 0.1) == 0
    assert lead(11, 0.1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("now", "calls", "silent", "expected"),
    [
        (10.0, 1, False, 15.0),  # there is plenty of time
        (97.0, 1, False, 100.0),  # the rest would end after the deadline
        (94.5, 1, False, 100.0),  # a look at 99.5 would leave no room for one at 100
        (10.0, 21, False, 15.0),
        (50.0, 21, False, 80.0),  # a round from 55 to 75 would leave no room for the last one
        (80.0, 21, False, 80.0),
        (90.0, 21, False, 90.0),  # too late for a whole round: go on at once
        (90.0, 21, True, 95.0),  # the service does not answer: not at once
        (98.0, 21, True, 100.0),
    ],
)
def test_the_way_into_the_last_round(now: float, calls: int, silent: bool, expected: float) -> None:
    # At 1 call per second, with a pause of 5 s, until 100.
    if (now, calls) == (50.0, 21):
        assert start(now=now, rest=5, calls=calls, spacing=1, deadline=100, silent=silent) == 55.0
        now = 56.0
    assert start(now=now, rest=5, calls=calls, spacing=1, deadline=100, silent=silent) == expected
