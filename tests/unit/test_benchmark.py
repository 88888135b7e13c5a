# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pure parts of the benchmark (tests/extended/benchmark): percentiles, targets, tables, and the models of the slow ways."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.tests.extended.benchmark import model, report

MET = {
    "CPU of one more retry of `until` / of one more poll",
    "CPU of `hwc_kps_task_info` / of `uri`",
    "CPU of an item of a loop / of one `uri` task",
    "CPU of a wait of 20 polls, without idle time / of one `uri` task",
    "CPU of `hwc_kps_task_info` as a module / of `uri`",
    "CPU of the role per server in the largest fleet, s",
    "CPU of the role per server / in the other one of the two largest fleets",
    "1000 CSMS tasks: calls, mean latency",
    "1000 CloudSSO tasks at 20 calls/s: calls, throttled",
    "1000 KPS tasks: calls",
}


@pytest.fixture(name="results")
def _results() -> dict[str, t.Any]:
    """Return numbers of the form that a run makes, with all targets just met."""
    cpu = {"empty": 1.0, "uri": 0.4, "info": 0.048, "loop": 0.024, "module": 0.52, "sdk": 0.6}
    cpu |= {"wait 1": 0.05, "wait 20": 0.15, "wait 200": 0.65, "ad hoc": 1.1, "ad hoc module": 1.6}
    row = {"way": "uri + until", "tasks": 10, "calls": 30, "throttled": 0, "cpu": 4.0, "wall": 20.0, "rss": 60.0}
    row |= {"mean": 3.0, "p95": 5.0, "simulated": False, "untold": 0}
    engine = {"engine": "ours", "calls": 13.6, "mean": 2.4, "p95": 5.7, "regret": 1.5, "false": 0.0}
    budget = {"throttled": 0, "p95": 2.0}
    return {
        "about": {
            "date": "2026-01-02",
            "minutes": 9.6,
            "machine": "2 cores",
            "load": 0.2,
            "versions": "Python 3.13.0",
            "quick": False,
        },
        "setting": {
            "interval": 2.0,
            "limit": 20,
            "rate": 18.0,
            "median": 6.0,
            "sigma": 0.5,
            "start": 4.0,
            "give_up": 180.0,
        },
        "single": {
            "queries": 10,
            "rounds": 8,
            "cpu": {**cpu, "wait 1000": 1.4, "until 1": 0.4, "until 20": 8.0},
            "all": {name: [cpu[name], 2 * cpu[name]] for name in ("uri", "info", "loop", "module", "sdk", "wait 20")},
            "ratios": {
                "info / uri": 0.12,
                "loop / uri": 0.06,
                "module / uri": 1.3,
                "sdk / uri": 1.5,
                "module / sdk": 0.9,
                "wait 20 / uri": 0.375,
                "ad hoc / ad hoc module": 0.7,
            },
            "wall": {"ad hoc": 1.2, "ad hoc module": 1.9},
            "wait 20 above idle": 0.12,
            "items": 100,
            "one more poll": 0.001,
            "one more second": 0.03,
            "one more retry": 0.3,
            "retry wall": 1.2,
            "retries": 20,
        },
        "many": [row, {**row, "simulated": True, "rss": None}],
        "fleets": [
            {"servers": servers, "cpu": cpu_of_role, "wall": 60.0, "rss": 90.0}
            for servers, cpu_of_role in ((12, 10.0), (212, 50.0), (1012, 310.0))
        ],
        "large": [{**row, "tasks": 10_000, "rate": 18.0}],
        "payload": {"uri": {"bytes": 200_000.0, "import": 0.1}},
        "budget": [
            {"service": "csms", "calls": 150, "mean": 1.5, **budget},
            {"service": "cloudsso", "calls": 1300, "mean": 3.0, **budget},
            {"service": "kps", "calls": 1100, "mean": 9.0, **budget},
        ],
        "schedule": {"engines": [engine, {**engine, "engine": "boto", "regret": 2.0}]},
    }


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 3.0), (0.95, 5.0), (1.0, 5.0)])
def test_a_percentile_of_samples(share: float, value: float) -> None:
    assert report.percentile([1.0, 2.0, 3.0, 4.0, 5.0], share) == value


def test_figures_at_their_bounds_meet_the_targets(results: dict[str, t.Any]) -> None:
    targets = report.targets(results)
    assert {target.what for target in targets if target.met} == MET


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        (
            lambda r: r["single"].update({"one more poll": 0.00101}),
            "CPU of one more retry of `until` / of one more poll",
        ),
        (lambda r: r["single"]["ratios"].update({"info / uri": 0.121}), "CPU of `hwc_kps_task_info` / of `uri`"),
        (lambda r: r["single"]["ratios"].update({"loop / uri": 0.061}), "CPU of an item of a loop / of one `uri` task"),
        (
            lambda r: r["single"].update({"wait 20 above idle": 0.121}),
            "CPU of a wait of 20 polls, without idle time / of one `uri` task",
        ),
        (
            lambda r: r["single"]["ratios"].update({"module / uri": 1.31}),
            "CPU of `hwc_kps_task_info` as a module / of `uri`",
        ),
        (lambda r: r["fleets"][2].update(cpu=320.0), "CPU of the role per server in the largest fleet, s"),
        (
            lambda r: r["fleets"][1].update(cpu=49.0),
            "CPU of the role per server / in the other one of the two largest fleets",
        ),
        (lambda r: r["budget"][0].update(mean=1.51), "1000 CSMS tasks: calls, mean latency"),
        (lambda r: r["budget"][1].update(throttled=1), "1000 CloudSSO tasks at 20 calls/s: calls, throttled"),
        (lambda r: r["budget"][2].update(calls=1101), "1000 KPS tasks: calls"),
    ],
)
def test_a_figure_beyond_its_bound_misses_the_target(
    results: dict[str, t.Any], change: t.Callable[[dict[str, t.Any]], None], missed: str
) -> None:
    change(results)
    assert missed in {target.what for target in report.targets(results) if not target.met}


def test_the_page_tells_what_was_simulated_and_what_was_missed(results: dict[str, t.Any]) -> None:
    results["single"]["ratios"]["module / uri"] = 1.5
    page = report.page(results, "picture.svg")
    assert "| CPU of `hwc_kps_task_info` as a module / of `uri` | at most 1.3 | 1.50 | measured | **no** |" in page
    assert "| uri + until | 10 | 30 | 0 | 4.0 | 3.0 | 5.0 | 20.0 |" in page
    assert "| uri + until (simulated) | 10 | 30 | 0 | 4.0 | 3.0 | 5.0 | 20.0 |" in page
    # A wait by until that was not run that long: 0.4 s, and 199 times 0.3 s.
    assert "| 200 | 0.650 | 60.10 (extrapolated) | 92.5 | 1.62 |" in page
    assert "| `hwc_kps_task_info` in the worker | 0.048 | 0.12 | 0.12 to 0.12 |" in page
    assert "| 1,012 | 310 | 0.300 | 60.0 | 90 |" in page
    assert page.index("**wait_for_task** | 13.6") < page.index("boto | 13.6")
    assert "picture.svg" in page
    assert "quick run" not in page


def test_the_page_says_when_a_measured_way_did_not_finish(results: dict[str, t.Any]) -> None:
    results["many"][0]["untold"] = 9
    page = report.page(results, "picture.svg")
    assert "| 30 | 0 | 4.0 | over 3.0 | over 5.0 | stopped at 20.0, 9 not reported |" in page


def test_the_page_says_when_a_run_was_quick(results: dict[str, t.Any]) -> None:
    results["about"]["quick"] = True
    assert "**This was a quick run" in report.page(results, "picture.svg")


def test_until_in_a_loop_asks_the_second_task_when_the_first_has_ended() -> None:
    waited = model.until_in_a_loop([10.0, 1.0], run=0.5, delay=2.0)
    # 0.5, 3, 5.5, 8, 10.5 for the first, then 11 for the second.
    assert waited == model.Waited(calls=6, runs=6, latencies=[0.5, 10.0], wall=11.0)


def test_the_model_of_async_tells_a_task_when_its_turn_has_come() -> None:
    waited = model.async_and_status([4.0, 1.0], launch=1.0, status=0.5, interval=2.0, delay=2.0)
    # Jobs look at 1, 3, 5 and at 2; their states are asked for at 2.5, 5 and at 5.5.
    assert waited == model.Waited(calls=4, runs=5, latencies=[1.0, 4.5], wall=5.5)
