# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pace of calls: spacing, halving and recovery, and the gate."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.limiter import Limiter


def test_calls_are_spaced_by_the_rate() -> None:
    limiter = Limiter(10, 10)
    assert limiter.ready_at(5.0) == 5.0
    limiter.sent(5.0)
    assert limiter.ready_at(5.0) == 5.1
    assert limiter.ready_at(7.0) == 7.0


def test_a_throttled_answer_halves_the_rate_down_to_a_floor() -> None:
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
    assert limiter.current(100.0) == 5
    assert limiter.current(110.0) == pytest.approx(6)
    assert limiter.current(140.0) == pytest.approx(9)
    assert limiter.current(1000.0) == 10


def test_calls_that_were_under_way_together_halve_once() -> None:
    limiter = Limiter(8, 8)
    limiter.throttled(10.0, 9.5, 0.0, 0.5)
    limiter.throttled(10.2, 9.7, 0.0, 0.5)
    assert limiter.current(10.0) == 4
    limiter.throttled(11.0, 10.5, 0.0, 0.5)
    assert limiter.current(11.0) == pytest.approx(2, abs=0.1)


def test_what_the_service_asks_for_shuts_the_gate() -> None:
    limiter = Limiter(10, 10)
    limiter.throttled(10.0, 9.9, 60.0, 0.5)
    assert limiter.ready_at(10.0) == 70
    assert limiter.asked == 60
    # A later answer with a shorter wait does not open it sooner.
    limiter.throttled(11.0, 10.9, 1.0, 0.5)
    assert limiter.ready_at(11.0) == 70
    assert limiter.asked == 60


@pytest.mark.parametrize(("in_row", "longest"), [(1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (40, 30)])
def test_without_a_hint_the_gate_doubles_up_to_half_a_minute(in_row: int, longest: float) -> None:
    for draw, share in ((0.0, 0.5), (1.0, 1.0)):
        limiter = Limiter(10, 10, in_row=in_row - 1)
        limiter.throttled(100.0, 99.0, None, draw)
        assert limiter.ready_at(100.0) == 100 + longest * share
        assert limiter.asked is None


def test_another_answer_ends_the_row() -> None:
    limiter = Limiter(10, 10, in_row=4)
    limiter.answered()
    limiter.throttled(100.0, 99.0, None, 1.0)
    assert limiter.ready_at(100.0) == 102


def test_at_high_rates_a_gate_without_a_hint_begins_shorter() -> None:
    limiter = Limiter(100, 100)
    limiter.throttled(100.0, 99.0, None, 1.0)
    assert limiter.ready_at(100.0) == pytest.approx(100.2)


def test_each_answer_brings_the_rate_back_by_a_fiftieth() -> None:
    limiter = Limiter(10, 10)
    limiter.throttled(100.0, 99.0, 0.0, 0.5)
    for _answer in range(10):
        limiter.answered()
    assert limiter.current(100.0) == pytest.approx(7)
    for _answer in range(90):
        limiter.answered()
    assert limiter.current(100.0) == 10


def test_calls_in_a_row_without_an_answer_are_an_outage_in_which_the_service_is_probed() -> None:
    limiter = Limiter(10, 10)
    gates = []
    for _call in range(9):
        limiter.failed(100.0, 1.0)
        gates.append(round(limiter.gate - 100.0, 6) if limiter.outage else None)
    assert gates == [None, None, 0.5, 1, 2, 4, 5, 5, 5]
    assert limiter.asked is None
    assert limiter.rate == 10


@pytest.mark.parametrize("end", [Limiter.answered, lambda limiter: limiter.throttled(100.0, 99.0, 0.0, 0.5)])
def test_an_answer_ends_an_outage(end: t.Callable[[Limiter], None]) -> None:
    limiter = Limiter(10, 10, failing=5)
    assert limiter.outage
    end(limiter)
    assert not limiter.outage


def test_a_probe_does_not_open_a_gate_that_the_service_closed() -> None:
    limiter = Limiter(10, 10, failing=5, gate=160.0, asked=60.0)
    limiter.failed(100.0, 0.5)
    assert (limiter.gate, limiter.asked) == (160, 60)
