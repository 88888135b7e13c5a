# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost of faults: time in proportion, and never a verdict. Every call may fail at random, as if for a moment."""

from __future__ import annotations

import functools
import random
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import CONNECTIONS
from extended.simulation.simulator import FAULTS, SIMULATED_SERVICES, RandomFaults, SimulatedWait, lognormal, simulate

SEEDS = (1, 2, 3)
#: No call is throttled but at random.
UNLIMITED = 1e9
#: How many times as long a wait may take, by the share of calls that fail.
FACTORS = {0.05: 2.0, 0.2: 4.0}


def run(service: str, durations: list[float], share: float, seed: int, **options: t.Any) -> SimulatedWait:
    """Wait for tasks, every tenth of which fails, and check that each ends with its true outcome."""
    failing = {f"t-{number}" for number in range(0, len(durations), 10)}
    result = simulate(
        service,
        durations,
        seed=seed,
        failing=failing,
        faults=RandomFaults(share, seed=seed),
        limit=UNLIMITED,
        on_failure="return",
        **{"timeout": 100_000.0, **options},
    )
    assert not result.outcome.failed, result.outcome.msg
    states = {task["id"]: task["state"] for task in result.outcome.result["tasks"]}
    assert {task_id for task_id, state in states.items() if state == "failed"} == failing
    assert {task_id for task_id, state in states.items() if state == "success"} == states.keys() - failing
    return result


@functools.cache
def healthy(service: str, number: int, finished: bool, connections: int, rate: float) -> float:
    """Return the seconds that a wait takes without faults."""
    return run(service, durations(number, finished), 0.0, 0, connections=connections, rate=rate).end


def durations(number: int, finished: bool) -> list[float]:
    """Return the seconds that tasks take: none, or random ones."""
    return [0.0] * number if finished else lognormal(number, 5)


@pytest.mark.parametrize("share", FACTORS)
@pytest.mark.parametrize("service", SIMULATED_SERVICES)
def test_ten_thousand_tasks(service: str, share: float) -> None:
    # At the default rates, and in one connection as long as responses come fast.
    rate = 18.0 if service == "cloudsso" else 10.0
    result = run(service, durations(10_000, False), share, 1, rate=rate, connections=CONNECTIONS)
    assert result.end <= FACTORS[share] * healthy(service, 10_000, False, CONNECTIONS, rate)


@pytest.mark.parametrize("share", FACTORS)
@pytest.mark.parametrize("connections", [1, CONNECTIONS])
@pytest.mark.parametrize("seed", SEEDS)
def test_finished_tasks_that_cost_a_read_each(share: float, connections: int, seed: int) -> None:
    # Nothing but calls: no time of the tasks in which faults could hide.
    result = run("kps", durations(1500, True), share, seed, rate=10.0, connections=connections)
    assert result.end <= FACTORS[share] * healthy("kps", 1500, True, connections, 10.0)


#: Faults of which each costs more than a repetition: a service that throttles every fifth call is asked at half of the rate and
#: less, as if it had a quota, and a call that hangs holds one of four connections for twenty times as long as a response takes.
DEAR = {"throttled": 15.0, "throttled with a hint": 10.0, "hangs": 5.0}


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_alone(kind: str) -> None:
    result = simulate(
        "kps",
        durations(300, True),
        faults=RandomFaults(0.2, [kind]),
        limit=UNLIMITED,
        rate=10.0,
        timeout=100_000.0,
        connections=CONNECTIONS,
    )
    assert result.outcome.result["summary"]["success"] == 300
    assert result.end <= DEAR.get(kind, FACTORS[0.2]) * healthy("kps", 300, True, CONNECTIONS, 10.0)


@pytest.mark.parametrize(("share", "most"), [(0.05, 8.0), (0.2, 16.0)])
@pytest.mark.parametrize("seed", SEEDS)
def test_dropped_connections_cost_no_pause(share: float, most: float, seed: int) -> None:
    # Ten times the usual rate, at which a pause would be worth two hundred calls.
    result = simulate(
        "kps",
        durations(300, True),
        seed=seed,
        faults=RandomFaults(share, ["dropped"], seed),
        limit=UNLIMITED,
        rate=100.0,
        connections=CONNECTIONS,
    )
    assert result.outcome.result["summary"]["success"] == 300
    assert healthy("kps", 300, True, CONNECTIONS, 100.0) < 4
    assert result.end <= most


@pytest.mark.parametrize("service", ["csms", "sms", "cloudsso", "kps"])
@pytest.mark.parametrize("kind", [kind for kind in FAULTS if kind not in ("other task", "slow")])
def test_a_list_that_always_fails_costs_no_verdict(service: str, kind: str) -> None:
    draw = random.Random(f"{service} {kind}")
    for seed in range(10):
        ends = [600.0 - draw.uniform(15.0, 27.0) for _number in range(20)]
        result = simulate(service, ends, seed=seed, faults=RandomFaults(1.0, [kind], of="page"), timeout=600.0)
        assert result.outcome.result["summary"]["success"] == 20
        assert result.end <= 600.1


@pytest.mark.parametrize("service", ["reads", "kps"])
def test_single_reads_go_on_when_every_second_call_is_throttled(service: str) -> None:
    result = simulate(service, durations(100, True), faults=RandomFaults(0.5, ["throttled"], every=2), rate=10.0)
    assert result.outcome.result["summary"]["success"] == 100
    assert result.end < 600


@pytest.mark.parametrize("minutes", [1, 5, 20])
def test_an_outage_costs_its_own_time(minutes: int) -> None:
    # Nothing is answered for minutes; then everything is done within seconds.
    outage = RandomFaults(1.0, ["no connection", "unavailable"], until=60.0 * minutes)
    result = simulate("kps", durations(200, True), faults=outage, timeout=7200.0, error_grace=3600.0)
    assert result.outcome.result["summary"]["success"] == 200
    assert result.end <= 60 * minutes + 35
    assert result.calls <= 200 + 30 * minutes
