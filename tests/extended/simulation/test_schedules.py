# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost of the square-root law beside other schedules, one task at a time: calls against latency."""

from __future__ import annotations

import functools
import typing as t

import pytest

from extended.simulation.schedules import (
    ENGINES,
    cheapest,
    cost,
    exponential_family,
    fixed,
    fixed_family,
    ours,
    regrets,
)
from extended.simulation.simulator import lognormal

KNOWN = lognormal(2000, 5)
INTERVALS = [0.8 * 1.12**step for step in range(30)]


@pytest.mark.parametrize(("calls", "latency"), [(4, 8.75), (6, 4.62), (8, 3.35), (10, 2.63), (15, 1.61), (20, 1.17)])
def test_a_fixed_interval_within_a_budget_of_calls(calls: float, latency: float) -> None:
    assert cheapest(fixed_family(INTERVALS), KNOWN, calls) == pytest.approx(latency, rel=0.15)


@pytest.mark.parametrize(("calls", "latency"), [(6, 3.66), (8, 2.69), (10, 1.96), (15, 1.40), (20, 1.01)])
def test_a_delay_and_a_fixed_interval_are_better_when_the_duration_is_known(calls: float, latency: float) -> None:
    family = fixed_family(INTERVALS, [10.0, 15.0])
    assert cheapest(family, KNOWN, calls) == pytest.approx(latency, rel=0.15)
    assert cheapest(family, KNOWN, calls) < cheapest(fixed_family(INTERVALS), KNOWN, calls)


@pytest.mark.parametrize(
    ("backoff", "median", "calls", "latency", "p95"),
    [
        (0.0, 30.0, 22.0, 1.0, 1.9),
        (0.4, 30.0, 19.0, 1.3, 2.8),
        (0.8, 2.0, 2.9, 1.0, 1.9),
        (0.8, 10.0, 7.1, 1.4, 3.3),
        (0.8, 30.0, 13.6, 2.4, 5.7),
        (0.8, 120.0, 29.0, 4.5, 11.0),
        (0.8, 600.0, 78.0, 7.1, 14.0),
        (1.2, 30.0, 10.6, 3.5, 8.5),
        (2.0, 30.0, 7.8, 5.4, 13.0),
    ],
)
def test_the_effect_of_backoff(backoff: float, median: float, calls: float, latency: float, p95: float) -> None:
    result = cost(functools.partial(ours, backoff=backoff), lognormal(1500, 5, median=median))
    assert result.calls == pytest.approx(calls, rel=0.12)
    assert result.latency == pytest.approx(latency, rel=0.12)
    assert result.p95 == pytest.approx(p95, rel=0.15)


def test_without_knowing_the_scale_the_square_root_law_is_the_safest() -> None:
    scales = {
        median: lognormal(150, 9, median=median, sigma=0.6)
        for median in (2.0, 4.5, 10.0, 22.0, 50.0, 115.0, 260.0, 600.0)
    }
    price = 0.5

    def worst(family: t.Iterable[t.Any]) -> float:
        return min(max(regrets(engine, scales, price)) for engine in family)

    square_root = worst([functools.partial(ours, interval=2.5, backoff=1.2, max_interval=20.0)])
    growing = worst(exponential_family([1.0, 2.0], [1.2, 1.5, 2.0], [15.0, 30.0]))
    steady = worst(functools.partial(fixed, interval=interval) for interval in (2.0, 4.0, 8.0, 16.0))
    assert square_root < growing < steady
    assert square_root == pytest.approx(1.53, rel=0.15)
    for name in ("boto", "azure", "hcloud", "vmware", "terraform huawei kps"):
        assert max(regrets(ENGINES[name], scales, price)) > 2 * square_root, name
