# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pace of a wait: time limits of calls, their spacing, and when rounds start."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.pacing import (
    SHORTEST_LIMIT,
    Latency,
    Limiter,
    last_round_length,
    next_round_start,
    pause_between_rounds,
)

# The times of calls

NOTHING = Latency()


def after(*times: float) -> Latency:
    """Return what is known after responses that took so long."""
    latency = Latency()
    for took in times:
        latency.answered(took)
    return latency


def test_the_first_calls_have_the_longest_time_limit() -> None:
    assert Latency().time_limit(30.0, NOTHING) == 30
    assert after(0.1, 0.1).time_limit(30.0, NOTHING) == 30


def test_a_fast_service_is_given_up_early() -> None:
    assert after(*[0.05] * 20).time_limit(30.0, NOTHING) == SHORTEST_LIMIT


def test_a_kind_of_calls_that_is_new_is_given_more_time_than_others_take() -> None:
    new = after(0.1)
    others = after(*[0.05] * 20)
    assert new.time_limit(30.0, others) == 4 * SHORTEST_LIMIT
    new.lost(8.0, given_up=True)
    assert new.time_limit(30.0, others) == 8 * SHORTEST_LIMIT
    assert after(*[0.1] * 3).time_limit(30.0, others) == SHORTEST_LIMIT


def test_a_slow_service_is_not_given_up_early() -> None:
    assert after(*[6.0] * 20).time_limit(30.0, NOTHING) > 12
    assert after(*[1.0, 9.0] * 10).time_limit(30.0, NOTHING) == 30


def test_a_service_that_slows_down_is_waited_for_longer_each_time() -> None:
    latency = after(*[0.1] * 20)
    limits = []
    for _call in range(6):
        limits.append(latency.time_limit(30.0, NOTHING))
        latency.lost(limits[-1], given_up=True)
    assert limits == [SHORTEST_LIMIT * factor for factor in (1, 2, 4, 8)] + [30, 30]
    latency.answered(25.0)
    assert latency.time_limit(30.0, NOTHING) == 30


def test_an_invalid_response_does_not_lengthen_the_estimate() -> None:
    latency = after(*[0.1] * 20)
    latency.lost(0.1, given_up=False)
    assert latency.time_limit(30.0, NOTHING) == SHORTEST_LIMIT


def test_calls_that_hang_make_a_connection_busy_and_leave_the_usual_time_as_it_is() -> None:
    latency = after(*[0.1] * 40)
    latency.lost(10.0, given_up=True)
    assert latency.busy == pytest.approx(2.08, abs=0.01)
    assert latency.round_trip == pytest.approx(0.1, abs=0.001)


def test_the_share_of_lost_calls() -> None:
    latency = Latency()
    for _call in range(200):
        latency.lost(0.1, given_up=False)
        for _answer in range(4):
            latency.answered(0.1)
    assert latency.loss == pytest.approx(0.2, abs=0.03)


# The pace of calls


def test_calls_are_spaced_by_the_rate() -> None:
    limiter = Limiter(10, 10)
    assert limiter.ready_at(5.0) == 5.0
    limiter.sent(5.0)
    assert limiter.ready_at(5.0) == 5.1
    assert limiter.ready_at(7.0) == 7.0


def test_a_clock_that_sleeps_a_little_too_long_does_not_delay_the_calls_after_it() -> None:
    limiter = Limiter(10.0, 10.0)
    now = 0.0
    for _call in range(1000):
        limiter.sent(now)
        now = limiter.ready_at(now) + 0.0001
    assert now == pytest.approx(100.0001)
    # A call that is really late is the beginning of the next pause.
    limiter.sent(now + 1)
    assert limiter.ready_at(now + 1) == pytest.approx(now + 1.1)


def test_a_throttled_response_halves_the_rate_down_to_a_floor() -> None:
    limiter = Limiter(10, 10)
    for number in range(20):
        limiter.throttled(float(number), float(number), 0.0, 0.5)
    assert limiter.rate == pytest.approx(0.1, abs=0.1)
    slow = Limiter(0.05, 0.05)
    slow.throttled(0.0, 0.0, 0.0, 0.5)
    assert slow.rate == 0.05


def test_the_rate_grows_by_a_tenth_in_ten_seconds_up_to_the_ceiling() -> None:
    limiter = Limiter(10, 10)
    limiter.throttled(100.0, 99.0, 0.0, 0.5)
    assert limiter.current_rate(100.0) == 5
    assert limiter.current_rate(110.0) == pytest.approx(6)
    assert limiter.current_rate(140.0) == pytest.approx(9)
    assert limiter.current_rate(1000.0) == 10


def test_throttled_calls_that_were_under_way_together_halve_the_rate_once() -> None:
    limiter = Limiter(8, 8)
    limiter.throttled(10.0, 9.5, 0.0, 0.5)
    limiter.throttled(10.2, 9.7, 0.0, 0.5)
    assert limiter.current_rate(10.0) == 4
    limiter.throttled(11.0, 10.5, 0.0, 0.5)
    assert limiter.current_rate(11.0) == pytest.approx(2, abs=0.1)


def test_retry_after_closes_the_gate() -> None:
    limiter = Limiter(10, 10)
    limiter.throttled(10.0, 9.9, 60.0, 0.5)
    assert limiter.ready_at(10.0) == 70
    assert limiter.retry_after == 60
    # A later answer with a shorter wait does not open it sooner.
    limiter.throttled(11.0, 10.9, 1.0, 0.5)
    assert limiter.ready_at(11.0) == 70
    assert limiter.retry_after == 60


@pytest.mark.parametrize(("in_row", "longest"), [(1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (40, 30)])
def test_without_retry_after_the_pause_doubles_up_to_half_a_minute(in_row: int, longest: float) -> None:
    for random_number, share in ((0.0, 0.5), (1.0, 1.0)):
        limiter = Limiter(10, 10, throttled_in_row=in_row - 1)
        limiter.throttled(100.0, 99.0, None, random_number)
        assert limiter.ready_at(100.0) == 100 + longest * share
        assert limiter.retry_after is None


def test_a_usable_response_resets_the_pause() -> None:
    limiter = Limiter(10, 10, throttled_in_row=4)
    limiter.answered()
    limiter.throttled(100.0, 99.0, None, 1.0)
    assert limiter.ready_at(100.0) == 102


def test_at_high_rates_pauses_begin_shorter() -> None:
    limiter = Limiter(100, 100)
    limiter.throttled(100.0, 99.0, None, 1.0)
    assert limiter.ready_at(100.0) == pytest.approx(100.2)


def test_each_response_brings_the_rate_back_by_a_fiftieth() -> None:
    limiter = Limiter(10, 10)
    limiter.throttled(100.0, 99.0, 0.0, 0.5)
    for _answer in range(10):
        limiter.answered()
    assert limiter.current_rate(100.0) == pytest.approx(7)
    for _answer in range(90):
        limiter.answered()
    assert limiter.current_rate(100.0) == 10


def test_after_several_calls_without_a_response_the_service_is_only_probed() -> None:
    limiter = Limiter(10, 10)
    gates = []
    for _call in range(9):
        limiter.lost(100.0, 1.0)
        gates.append(round(limiter.gate - 100.0, 6) if limiter.outage else None)
    assert gates == [None, None, 0.5, 1, 2, 4, 5, 5, 5]
    assert limiter.retry_after is None
    assert limiter.rate == 10


def test_a_probe_is_allowed_at_the_latest_moment() -> None:
    limiter = Limiter(10, 10, lost_in_row=20)
    limiter.lost(98.0, 1.0, 100.0)
    assert limiter.gate == 100
    limiter.lost(99.0, 1.0, 200.0)
    assert limiter.gate == 104


@pytest.mark.parametrize("end", [Limiter.answered, lambda limiter: limiter.throttled(100.0, 99.0, 0.0, 0.5)])
def test_a_response_ends_an_outage(end: t.Callable[[Limiter], None]) -> None:
    limiter = Limiter(10, 10, lost_in_row=5)
    assert limiter.outage
    end(limiter)
    assert not limiter.outage


def test_a_probe_does_not_open_a_gate_that_the_service_closed() -> None:
    limiter = Limiter(10, 10, lost_in_row=5, gate=160.0, retry_after=60.0)
    limiter.lost(100.0, 0.5)
    assert (limiter.gate, limiter.retry_after) == (160, 60)


# The start of rounds


def rest(options: Options, **changes: t.Any) -> float:
    """Return a pause of one task at the age of 100 s, without any jitter."""
    facts: dict[str, t.Any] = {"age": 100.0, "calls": 1, "pending": 1, "rate": 10.0, "eta": None, "random_number": 0.5}
    return pause_between_rounds(options, **{**facts, **changes})


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


@pytest.mark.parametrize(("random_number", "factor"), [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5)])
def test_jitter_is_a_share_of_the_pause_within_its_bounds(random_number: float, factor: float) -> None:
    options = Options(jitter=0.5, backoff=1.0, interval=6, max_interval=12)
    assert rest(options, random_number=random_number) == min(max(10 * factor, 6), 12)


def test_an_estimate_stretches_the_pause_to_four_times_the_longest_one() -> None:
    assert rest(Options(), eta=4.0) == 8
    assert rest(Options(), eta=40.0) == 20
    assert rest(Options(), eta=1e6) == 60


def test_a_quarter_of_the_rate_is_left_to_others() -> None:
    assert rest(Options(), age=0.0, calls=90, pending=90, rate=10.0) == pytest.approx(3)


def test_the_last_round_starts_early_enough_to_end_at_the_deadline() -> None:
    assert last_round_length(1, 0.1) == 0
    assert last_round_length(11, 0.1) == pytest.approx(1)


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
def test_the_start_of_the_next_and_of_the_last_round(now: float, calls: int, silent: bool, expected: float) -> None:
    # At 1 call per second, with a pause of 5 s, until 100.
    if (now, calls) == (50.0, 21):
        assert next_round_start(now=now, rest=5, calls=calls, spacing=1, deadline=100, silent=silent) == 55.0
        now = 56.0
    assert next_round_start(now=now, rest=5, calls=calls, spacing=1, deadline=100, silent=silent) == expected
