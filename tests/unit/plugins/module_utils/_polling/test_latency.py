# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a call may take, by how long its like took."""

from __future__ import annotations

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.latency import SHORTEST, Latency

#: What is known about other calls.
NOTHING = Latency()


def after(*times: float) -> Latency:
    """What is known after answers that took so long."""
    latency = Latency()
    for took in times:
        latency.answered(took)
    return latency


def test_as_long_as_little_is_known_a_call_has_all_the_time_there_is() -> None:
    assert Latency().time_limit(30.0, NOTHING) == 30
    assert after(0.1, 0.1).time_limit(30.0, NOTHING) == 30


def test_a_fast_service_is_given_up_early() -> None:
    assert after(*[0.05] * 20).time_limit(30.0, NOTHING) == SHORTEST


def test_a_kind_of_calls_that_is_new_is_given_more_time_than_others_take() -> None:
    new = after(0.1)
    others = after(*[0.05] * 20)
    assert new.time_limit(30.0, others) == 4 * SHORTEST
    new.lost(8.0, given_up=True)
    assert new.time_limit(30.0, others) == 8 * SHORTEST
    assert after(*[0.1] * 3).time_limit(30.0, others) == SHORTEST


def test_a_slow_service_is_not() -> None:
    assert after(*[6.0] * 20).time_limit(30.0, NOTHING) > 12
    assert after(*[1.0, 9.0] * 10).time_limit(30.0, NOTHING) == 30


def test_a_service_that_slows_down_is_waited_for_longer_each_time() -> None:
    latency = after(*[0.1] * 20)
    limits = []
    for _call in range(6):
        limits.append(latency.time_limit(30.0, NOTHING))
        latency.lost(limits[-1], given_up=True)
    assert limits == [SHORTEST * factor for factor in (1, 2, 4, 8)] + [30, 30]
    latency.answered(25.0)
    assert latency.time_limit(30.0, NOTHING) == 30


def test_an_answer_that_cannot_be_used_is_no_reason_to_wait_longer() -> None:
    latency = after(*[0.1] * 20)
    latency.lost(0.1, given_up=False)
    assert latency.time_limit(30.0, NOTHING) == SHORTEST


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
