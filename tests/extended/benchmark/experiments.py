# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The experiments: what is run, in which order, and what comes of it as plain numbers.

Ways that are compared take turns, so that whatever else the machine does meanwhile falls on all of them.
"""

from __future__ import annotations

import dataclasses
import functools
import random
import statistics
import time
import typing as t

import model
from report import percentile
from workshop import AS_MODULE, Spent, Task, Workshop

from extended.simulation import schedules
from extended.simulation.simulator import lognormal, simulate

Say = t.Callable[[str], None]
Numbers = dict[str, t.Any]

#: Seconds between two polls of the ways that have a fixed interval: the least pause of ours.
INTERVAL = 2.0
#: Calls per second beyond which the emulator throttles, and what our wait is told to keep to.
LIMIT, RATE = 20, 18.0
#: How long tasks take, where many are waited for: median in seconds, and spread of the lognormal distribution.
MEDIAN, SIGMA = 6.0, 0.5
#: Seconds on top of that, so that hardly any task has ended before the play polls it.
HEAD_START = 4.0
URI, INFO, WAIT = (
    "ansible.builtin.uri",
    "multicloud.async_tasks.hwc_kps_task_info",
    "multicloud.async_tasks.wait_for_task",
)
#: Seconds after which a thread per task is given up: more than twice what our wait takes for the most tasks that get one.
GIVE_UP = 180.0
UNTIL: Task = {
    "register": "answer",
    "until": "answer.status == 200 and answer.json.task_status is match('SUCCESS')",
    "retries": 1_000_000,
}


@dataclasses.dataclass(frozen=True)
class Size:
    """The size of an experiment.

    Attributes:
        rounds: Of plays whose tasks are compared one by one.
        queries: Tasks in each of these.
        repeats: Of the other short plays.
        retries: The longest wait by ``until`` that is run, in polls.
        loops: The most tasks that ``until`` and ``async`` are run on.
        threads: The most tasks that get a thread each.
        many: The most tasks that our wait is run on, beside ``large``.
        large: The large number of tasks.
        items: Items of the loops that are compared.
        fleets: Numbers of servers that the role resets.
    """

    rounds: int
    queries: int
    repeats: int
    retries: int
    loops: int
    threads: int
    many: int
    large: int
    items: int
    fleets: tuple[int, ...]


QUICK = Size(
    rounds=3, queries=5, repeats=1, retries=20, loops=10, threads=10, many=100, large=1000, items=30, fleets=(12, 60)
)
FULL = Size(
    rounds=8,
    queries=8,
    repeats=2,
    retries=200,
    loops=100,
    threads=1000,
    many=1000,
    large=10_000,
    items=100,
    fleets=(12, 200, 1000),
)


def uri(task_id: str, **more: t.Any) -> Task:
    """Return one question with ``uri``, which cannot sign: with a token that was fetched before."""
    call = {"url": f"{{{{ tasks_url }}}}/{task_id}", "headers": {"X-Auth-Token": "{{ token }}"}, "return_content": True}
    return {URI: call, **more}


def waiting(ids: t.Any, **options: t.Any) -> Task:
    """Return one task of ours that waits."""
    return {WAIT: {"service": "kps", "task_ids": ids, **options}}


def polls(ids: t.Any, **options: t.Any) -> Task:
    """Return a wait that polls as fast as it may."""
    return waiting(ids, batch="never", backoff=0, interval=0.01, jitter=0, rate=1000, **options)


def single(shop: Workshop, size: Size, say: Say) -> Numbers:
    """Return one query, and waits of 1, 20, 200 and 1000 polls: seconds of CPU per task, start-up of the play subtracted.

    What is compared as one task with another runs in rounds, as many of each in a play, and each round has a ratio of its
    own: how fast a machine is changes by more, within minutes, than the ways differ.
    """
    cpu: dict[str, list[float]] = {}
    walls: dict[str, list[float]] = {}
    pauses: list[float] = []

    def measure(name: str, tasks: t.Sequence[Task], expected: int | None = None, per: int | None = None) -> None:
        spent = shop.play(*tasks)
        calls = shop.cloud.ask("account")["calls"]
        if expected is not None and calls != expected:
            raise RuntimeError(f"{name} made {calls} calls instead of {expected}")
        start = cpu["empty"][-1] if tasks else 0.0
        cpu.setdefault(name, []).append((spent.cpu - start) / (per or max(len(tasks), 1)))
        walls.setdefault(name, []).append(spent.wall)

    def made(number: int, count: int) -> list[str]:
        ids: list[str] = shop.cloud.ask("make", polls=[count] * number)["ids"]
        return ids

    def query(name: str) -> None:
        (one,) = made(1, 1)
        info: Task = {INFO: {"task_id": one}}
        ways = {
            "uri": uri(one),
            "info": info,
            "module": {**info, **AS_MODULE},
            "sdk": {"sdk_kps_task_info": {"task_id": one}},
        }
        measure(name, [ways[name]] * size.queries, size.queries)

    def loop() -> None:
        (one,) = made(1, 1)
        task: Task = {INFO: {"task_id": one}, "loop": list(range(size.items)), "loop_control": {"label": "x"}}
        measure("loop", [task], size.items, per=size.items)

    def ad_hoc(name: str) -> None:
        (one,) = made(1, 1)
        spent = shop.ad_hoc(INFO, {"task_id": one}, in_process=name == "ad hoc")
        cpu.setdefault(name, []).append(spent.cpu)
        walls.setdefault(name, []).append(spent.wall)

    def waits(count: int) -> None:
        measure(f"wait {count}", [polls([each]) for each in made(size.queries, count)], size.queries * count)

    ways: list[t.Callable[[], None]] = [functools.partial(query, name) for name in ("uri", "info", "module", "sdk")]
    ways += [functools.partial(waits, 20), loop]
    ways += [functools.partial(ad_hoc, name) for name in ("ad hoc", "ad hoc module")]
    for number in range(size.rounds):
        measure("empty", [])
        turn = number % len(ways)
        for way in (*ways[turn:], *ways[:turn]):
            way()
        say(f"tasks beside each other, {number + 1} of {size.rounds}")
    for repeat in range(size.repeats):
        measure("empty", [])
        waits(1)
        waits(200)
        measure("wait 1000", [polls(made(1, 1000), progress=0)], 1000)
        # As long, with one poll at the end: while a module runs, Ansible itself checks on it a thousand times a second.
        one_wait = (walls["wait 1"][-1] - walls["empty"][-1]) / size.queries
        idle = max(0.0, walls["wait 1000"][-1] - walls["empty"][-1] - one_wait)
        measure("wait idle", [polls(made(1, 1), progress=0, delay=round(idle, 2))], 1)
        pauses.append(idle)
        for count in (1, 20):
            (one,) = made(1, count)
            measure(f"until {count}", [uri(one, **UNTIL, delay=0)], count)
        say(f"waits, {repeat + 1} of {size.repeats}")
    if size.retries > 20:
        (one,) = made(1, size.retries)
        measure(f"until {size.retries}", [uri(one, **UNTIL, delay=0)], size.retries)
        say(f"until with {size.retries} polls")
    medians = {name: statistics.median(values) for name, values in cpu.items()}
    ratios = {
        f"{one} / {other}": statistics.median(mine / yours for mine, yours in zip(cpu[one], cpu[other], strict=True))
        for one, other in (
            ("info", "uri"),
            ("module", "uri"),
            ("sdk", "uri"),
            ("module", "sdk"),
            ("loop", "uri"),
            ("wait 20", "uri"),
            ("ad hoc", "ad hoc module"),
        )
    }
    # What Ansible itself uses while any task lasts as long as the wait of 20 polls does.
    idle_second = (medians["wait idle"] - medians["wait 1"]) / statistics.median(pauses)
    wait_wall = (statistics.median(walls["wait 20"]) - statistics.median(walls["empty"])) / size.queries
    above = max(0.0, medians["wait 20"] - idle_second * wait_wall)
    longest = f"until {size.retries}"
    say(", ".join(f"{name} {seconds:.3f} s" for name, seconds in medians.items()))
    say(", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items()))
    return {
        "queries": size.queries,
        "rounds": size.rounds,
        "cpu": medians,
        "all": cpu,
        "ratios": ratios,
        "wall": {name: statistics.median(values) for name, values in walls.items()},
        "one more poll": (medians["wait 1000"] - medians["wait idle"]) / 999,
        "one more second": idle_second,
        "wait 20 above idle": above,
        "items": size.items,
        "one more retry": (medians[longest] - medians["until 1"]) / (size.retries - 1),
        "retry wall": (statistics.median(walls[longest]) - statistics.median(walls["until 1"])) / (size.retries - 1),
        "retries": size.retries,
    }


def _durations(number: int) -> list[float]:
    return [HEAD_START + seconds for seconds in lognormal(number, seed=number, median=MEDIAN, sigma=SIGMA)]


def _row(way: str, number: int, spent: Spent, account: Numbers, seen: t.Mapping[str, float | None]) -> Numbers:
    # A task whose end was not reported counts as reported at the very end.
    over = time.time()
    latencies = sorted(max(0.0, (seen[task_id] or over) - end) for task_id, end in account["ends"].items())
    return {
        "way": way,
        "tasks": number,
        "simulated": False,
        "calls": account["calls"],
        "throttled": account["throttled"],
        "untold": sum(seen[task_id] is None for task_id in account["ends"]),
        "cpu": spent.cpu,
        "wall": spent.wall,
        "rss": spent.rss,
        "mean": statistics.fmean(latencies),
        "p95": percentile(latencies, 0.95),
    }


def run_ours(shop: Workshop, number: int, service: str = "kps", **options: t.Any) -> Numbers:
    """Measure our wait for so many tasks, in one task of a play."""
    ids = shop.cloud.ask("make", service=service, seconds=_durations(number))["ids"]
    if service == "csms":
        options = {"pending_statuses": ["RUNNING"], **options}
    spent = shop.play(waiting("{{ ids }}", **{"service": service, "rate": RATE, **options}), variables={"ids": ids})
    account = shop.cloud.ask("account")
    return _row(f"wait_for_task, {service}", number, spent, account, account["told"])


def run_until(shop: Workshop, number: int) -> Numbers:
    """Measure ``uri`` with ``until`` in a loop."""
    ids = shop.cloud.ask("make", seconds=_durations(number))["ids"]
    task = uri("{{ item }}", **UNTIL, name="until", delay=INTERVAL, loop="{{ ids }}")
    spent, moments = shop.timed_play(task, variables={"ids": ids})
    account = shop.cloud.ask("account")
    return _row("uri + until", number, spent, account, {each: moments["until", each] for each in ids})


def run_async(shop: Workshop, number: int) -> Numbers:
    """Return a job per task that polls, and ``async_status`` with ``until`` in a loop."""
    ids = shop.cloud.ask("make", seconds=_durations(number))["ids"]
    job = {"url": "{{ tasks_url }}/{{ item }}", "token": "{{ token }}", "interval": INTERVAL}
    start = {
        "name": "start",
        "poll_kps_task": job,
        "async": 3600,
        "poll": 0,
        "loop": "{{ ids }}",
        "register": "jobs",
    }
    collect = {
        "name": "collect",
        "ansible.builtin.async_status": {"jid": "{{ item.ansible_job_id }}"},
        "register": "job",
        "until": "job.finished",
        "retries": 1_000_000,
        "delay": INTERVAL,
        "loop": "{{ jobs.results }}",
        "loop_control": {"label": "{{ item.item }}"},
    }
    spent, moments = shop.timed_play(start, collect, variables={"ids": ids})
    account = shop.cloud.ask("account")
    row = _row("async + async_status", number, spent, account, {each: moments["collect", each] for each in ids})
    starts = [moments["start", each] for each in ids]
    if number > 1:
        row["launch"] = (starts[-1] - starts[0]) / (number - 1)
    return row


def run_threads(shop: Workshop, number: int) -> Numbers:
    """Return a thread per task, which may never come to an end."""
    ids = shop.cloud.ask("make", seconds=_durations(number))["ids"]
    spent = shop.threads(ids, INTERVAL, GIVE_UP)
    account = shop.cloud.ask("account")
    return _row("thread per task", number, spent, account, account["told"])


def many(shop: Workshop, size: Size, say: Say, queries: Numbers) -> list[Numbers]:
    """Measure waits for 1, 10, 100 ... tasks in every way; simulate those that would take hours."""
    shop.cloud.ask("limit", rate=LIMIT)
    rows: list[Numbers] = []
    runs: list[tuple[t.Callable[[int], Numbers], int]] = [
        (functools.partial(run_ours, shop), size.many),
        (functools.partial(run_ours, shop, service="csms"), size.many),
        (functools.partial(run_until, shop), size.loops),
        (functools.partial(run_async, shop), size.loops),
        (functools.partial(run_threads, shop), size.threads),
    ]
    for number in (1, 10, 100, 1000):
        for run, most in runs:
            if number <= most:
                rows.append(row := run(number))
                say(
                    f"{number} tasks, {row['way']}: {row['wall']:.0f} s, {row['calls']} calls, "
                    f"{row['throttled']} throttled, {row['cpu']:.1f} s CPU, latency {row['mean']:.1f} s"
                )
    shop.cloud.ask("limit", rate=None)
    rows.extend(_simulated(size, rows, queries))
    return sorted(rows, key=lambda row: (row["tasks"], row["simulated"]))


def _simulated(size: Size, rows: t.Sequence[Numbers], queries: Numbers) -> t.Iterator[Numbers]:
    """Return the numbers beyond those that were run, from the costs that were measured in the largest runs."""
    (jobs,) = (row for row in rows if row["way"].startswith("async") and row["tasks"] == size.loops)
    start = queries["cpu"]["empty"]
    launch = jobs["launch"]
    for number in (100, 1000, 10_000):
        if number <= size.loops:
            continue
        ends = _durations(number)
        until = model.until_in_a_loop(ends, run=queries["retry wall"], delay=INTERVAL)
        yield _modelled("uri + until", number, until, start + until.runs * queries["one more retry"])
        small = model.async_and_status(
            _durations(size.loops), launch=launch, status=queries["retry wall"], interval=INTERVAL, delay=INTERVAL
        )
        each = (jobs["cpu"] - start) / small.runs
        waited = model.async_and_status(
            ends, launch=launch, status=queries["retry wall"], interval=INTERVAL, delay=INTERVAL
        )
        yield _modelled("async + async_status", number, waited, start + waited.runs * each)


def _modelled(way: str, number: int, waited: model.Waited, cpu: float) -> Numbers:
    latencies = sorted(waited.latencies)
    return {
        "way": way,
        "tasks": number,
        "simulated": True,
        "calls": waited.calls,
        "throttled": 0,
        "untold": 0,
        "cpu": cpu,
        "wall": waited.wall,
        "rss": None,
        "mean": statistics.fmean(latencies),
        "p95": percentile(latencies, 0.95),
    }


def large(shop: Workshop, size: Size, say: Say) -> list[Numbers]:
    """Measure ten thousand tasks in one wait: once by lists at the usual rate, once by single reads at a high one."""
    rows = []
    for service, rate in (("csms", RATE), ("kps", 1000.0)):
        rows.append(row := {**run_ours(shop, size.large, service, rate=rate), "rate": rate})
        say(f"{size.large} tasks of {service}: {row['calls']} calls, {row['cpu']:.1f} s CPU, {row['rss']:.0f} MiB")
    return rows


def fleets(shop: Workshop, size: Size, say: Say) -> list[Numbers]:
    """Return the role on fleets of several sizes, without logins: what is the role's own, not what ``ssh`` takes."""
    rows = []
    for servers in size.fleets:
        spent = shop.role(servers)
        rows.append({"servers": servers, "cpu": spent.cpu, "wall": spent.wall, "rss": spent.rss})
        say(f"role with {servers} servers: {spent.cpu:.1f} s CPU, {spent.wall:.0f} s, {spent.rss:.0f} MiB")
    return rows


def payloads(shop: Workshop, size: Size, say: Say) -> dict[str, dict[str, float]]:
    """Measure how large modules are on their way, and how long their import takes."""
    (one,) = shop.cloud.ask("make", polls=[1])["ids"]
    modules = {
        "uri": uri(one),
        "hwc_kps_task_info": {INFO: {"task_id": one}, **AS_MODULE},
        "wait_for_task": {**waiting([one]), **AS_MODULE},
        "sdk_kps_task_info": {"sdk_kps_task_info": {"task_id": one}},
    }
    found = {name: shop.payload(task, name, size.repeats + 2) for name, task in modules.items()}
    say("payloads")
    return found


def simulated_budget() -> list[Numbers]:
    """Simulate our engine on a thousand tasks of each service, each of about 30 s."""
    rows = []
    for service in ("csms", "cloudsso", "kps", "sms"):
        run = simulate(service, lognormal(1000, 1), seed=1, rate=RATE)
        rows.append(
            {
                "service": service,
                "calls": run.calls,
                "throttled": run.throttled,
                "mean": run.mean,
                "p95": run.percentile(0.95),
            }
        )
    return rows


def schedule() -> Numbers:
    """Simulate latency against calls of every engine's schedule, one task at a time."""
    known = lognormal(1000, 5)
    engines = []
    # Its true scale is not known to a waiter that is used for everything: from two seconds to ten minutes.
    scales = {median: lognormal(60, 9, median=median, sigma=0.6) for median in (2.0, 10.0, 50.0, 200.0, 600.0)}
    for name, engine in schedules.ENGINES.items():
        patient = functools.partial(_patient, engine)
        cost = schedules.cost(patient, known)
        engines.append(
            {
                "engine": name,
                "calls": cost.calls,
                "mean": cost.latency,
                "p95": cost.p95,
                "regret": max(schedules.regrets(patient, scales, 0.5)),
                "false": schedules.false_timeouts(engine, 60.0, 40.0, 1000),
            }
        )
    return {
        "engines": engines,
        "curves": {
            "fixed interval": _curve(known, [functools.partial(schedules.fixed, interval=1.3**n) for n in range(11)]),
            "exponential": _curve(
                known,
                [
                    functools.partial(schedules.exponential, first=1.0, factor=factor, longest=60.0)
                    for factor in (1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 2.0)
                ],
            ),
            "wait_for_task (backoff 0 to 3)": _curve(
                known,
                [functools.partial(schedules.ours, interval=1.0, backoff=step / 5) for step in range(16)],
            ),
        },
    }


def _patient(engine: schedules.Engine, _budget: float, draw: random.Random) -> schedules.Polls:
    """Return an engine with a budget that no task exhausts: some count their polls by it, and cannot do without one."""
    return engine(1e6, draw)


def _curve(durations: t.Sequence[float], family: t.Iterable[schedules.Engine]) -> list[tuple[float, float]]:
    costs = [schedules.cost(engine, durations) for engine in family]
    return sorted((cost.calls, cost.latency) for cost in costs)
