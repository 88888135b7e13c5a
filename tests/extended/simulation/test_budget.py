# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The budget: how many calls a wait for many tasks makes, and how long after its end a task is recognized."""

from __future__ import annotations

import pytest

from extended.simulation.simulator import SimulatedWait, lognormal, simulate

#: Random tasks and random jitter: three of each.
SEEDS = (1, 2, 3)


def run(service: str, number: int, seed: int) -> SimulatedWait:
    """Wait for tasks at 18 calls/s, as a service with a known quota of 20 has it."""
    result = simulate(service, lognormal(number, seed), seed=seed, rate=18.0)
    assert not result.outcome.failed
    return result


@pytest.mark.parametrize("seed", SEEDS)
def test_a_thousand_tasks_of_csms(seed: int) -> None:
    result = run("csms", 1000, seed)
    assert result.calls <= 150
    assert result.mean <= 1.5
    assert result.throttled == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_thousand_tasks_of_cloudsso(seed: int) -> None:
    result = run("cloudsso", 1000, seed)
    assert result.calls <= 1300
    assert result.throttled == 0
    assert result.mean <= 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_thousand_tasks_of_kps(seed: int) -> None:
    result = run("kps", 1000, seed)
    assert result.calls <= 1000 + 100
    assert result.throttled == 0
    assert result.mean <= 12


@pytest.mark.parametrize("seed", SEEDS)
def test_a_thousand_tasks_of_sms(seed: int) -> None:
    result = run("sms", 1000, seed)
    assert result.calls <= 450
    assert result.mean <= 1.5


@pytest.mark.parametrize(
    ("service", "calls", "mean"), [("reads", 700, 5.0), ("cloudsso", 260, 2.5), ("csms", 80, 1.7), ("kps", 190, 2.0)]
)
def test_a_wait_for_a_hundred_tasks_takes_few_calls(service: str, calls: int, mean: float) -> None:
    results = [run(service, 100, seed) for seed in SEEDS]
    assert sum(result.calls for result in results) / len(results) <= calls
    assert sum(result.mean for result in results) / len(results) <= mean


def test_a_wait_for_one_task_takes_few_calls() -> None:
    results = [simulate("kps", [duration]) for duration in lognormal(400, 11)]
    assert sum(result.calls for result in results) / len(results) == pytest.approx(13.6, abs=1.0)
    assert sum(result.mean for result in results) / len(results) == pytest.approx(2.4, abs=0.3)


@pytest.mark.parametrize(("foreign", "most"), [(1000, 700), (50_000, 760)])
def test_lists_full_of_other_tasks(foreign: int, most: int) -> None:
    # What a list is worth shows only when it is read: giving it up costs as many calls as there are tasks, once.
    for service in ("cloudsso", "sms", "csms", "kps"):
        result = simulate(service, lognormal(100, 1), seed=1, foreign=foreign, rate=18.0)
        assert result.calls <= most, service
        assert result.throttled == 0


def test_the_default_rate_is_safe_without_a_known_quota() -> None:
    result = simulate("kps", lognormal(300, 1), seed=1, rate=10.0)
    assert result.throttled == 0
    assert result.calls <= 400


def test_a_rate_beyond_the_quota_is_throttled_down_and_still_comes_to_an_end() -> None:
    result = simulate("reads", lognormal(200, 1), seed=1, rate=100.0)
    assert result.throttled > 0
    assert result.throttled < 0.1 * result.calls
    assert not result.outcome.failed
    assert result.mean <= 15
