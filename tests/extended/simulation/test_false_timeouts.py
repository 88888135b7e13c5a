# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No false timeout: a task that is done within the budget is never reported as timed out, and the wait ends on time."""

from __future__ import annotations

import random

import pytest

from extended.simulation.schedules import ENGINES, false_timeouts
from extended.simulation.simulator import simulate

BUDGET, EARLIEST = 60.0, 40.0


def test_our_engine_is_never_wrong_and_never_late() -> None:
    draw = random.Random(7)
    for seed in range(400):
        done = draw.uniform(EARLIEST, BUDGET)
        result = simulate("reads", [done], seed=seed, timeout=BUDGET)
        assert not result.outcome.failed, done
        assert result.end <= BUDGET + 0.1


def test_our_engine_is_on_time_when_the_task_is_not_done() -> None:
    for seed in range(100):
        result = simulate("reads", [1000.0], seed=seed, timeout=BUDGET)
        assert result.outcome.result["timed_out"]
        assert BUDGET <= result.end <= BUDGET + 0.1


@pytest.mark.parametrize("service", ["reads", "cloudsso", "sms", "csms", "kps"])
def test_many_tasks_are_all_polled_in_the_last_round(service: str) -> None:
    # Tasks that end well before the last round starts must all be seen; with lists that is nearly all of the budget.
    draw = random.Random(3)
    for seed in range(20):
        last_round = 30 / 18 + 0.5 if service == "reads" else 1.0
        durations = [draw.uniform(EARLIEST, BUDGET - last_round) for _number in range(30)]
        result = simulate(service, durations, seed=seed, timeout=BUDGET)
        assert result.outcome.result["summary"]["success"] == 30
        assert result.end <= BUDGET + 0.1


@pytest.mark.parametrize(
    ("engine", "share"),
    [
        ("vmware", 1.0),
        ("terraform huawei kps", 0.5),
        ("google", 0.33),
        ("terraform alicloud cloudsso", 0.3),
        ("kubernetes wait.Poll", 0.25),
        ("theforeman", 0.2),
        ("openstack", 0.1),
        ("hcloud", 0.05),
        ("boto", 0.0),
        ("ours", 0.0),
    ],
)
def test_the_share_of_false_timeouts_of_each_engine(engine: str, share: float) -> None:
    assert false_timeouts(ENGINES[engine], BUDGET, EARLIEST, 4000) == pytest.approx(share, abs=0.03)
