# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the benchmark, made from its results: percentiles, targets, and tables in Markdown. Pure functions."""

from __future__ import annotations

import dataclasses
import typing as t

Numbers = dict[str, t.Any]

#: The notice of the files that are made. In two halves, for the check of licenses takes a whole one for this file's own.
LICENSE = (
    "<!--\nCopyright (c) Multicloud Authors\n"
    "GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)\n"
    "SPDX-License-"
    "Identifier: GPL-3.0-or-later\n-->\n"
)


def percentile(ascending: t.Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed (nearest rank).

    Args:
        ascending: One value or more.
        share: From 0 to 1.
    """
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


@dataclasses.dataclass(frozen=True)
class Target:
    """One target.

    Attributes:
        what: The figure that is compared.
        wanted: The bound, as text.
        found: The figure, as text.
        met: Whether the figure is within the bound.
        simulated: Whether the figure comes from a simulation.
    """

    what: str
    wanted: str
    found: str
    met: bool
    simulated: bool = False


def targets(results: Numbers) -> list[Target]:
    """Return every target with the figure that was measured or simulated."""
    single = results["single"]
    polls = single["one more retry"] / single["one more poll"]
    pairs = ("info / uri", "loop / uri", "module / uri")
    info, loop, module = (single["ratios"][pair] for pair in pairs)
    wait = single["wait 20 above idle"] / single["cpu"]["uri"]
    fleets = _per_server(results["fleets"])
    flat = max(fleets[-2:]) / min(fleets[-2:])
    budget = {row["service"]: row for row in results["budget"]}
    csms, cloudsso, kps = budget["csms"], budget["cloudsso"], budget["kps"]
    return [
        Target("CPU of one more retry of `until` / of one more poll", "at least 300", f"{polls:.0f}", polls >= 300),
        Target("CPU of `hwc_kps_task_info` / of `uri`", "at most 0.12", f"{info:.3f}", info <= 0.12),
        Target("CPU of an item of a loop / of one `uri` task", "at most 0.06", f"{loop:.3f}", loop <= 0.06),
        Target(
            "CPU of a wait of 20 polls, without idle time / of one `uri` task",
            "at most 0.3",
            f"{wait:.2f}",
            wait <= 0.3,
        ),
        Target("CPU of `hwc_kps_task_info` as a module / of `uri`", "at most 1.3", f"{module:.2f}", module <= 1.3),
        Target(
            "CPU of the role per server in the largest fleet, s",
            "at most 0.3",
            f"{fleets[-1]:.2f}",
            fleets[-1] <= 0.3,
        ),
        Target(
            "CPU of the role per server / in the other one of the two largest fleets",
            "at most 1.5",
            f"{flat:.2f}",
            flat <= 1.5,
        ),
        Target(
            "1000 CSMS tasks: calls, mean latency",
            "at most 150, 1.5 s",
            f"{csms['calls']}, {csms['mean']:.1f} s",
            csms["calls"] <= 150 and csms["mean"] <= 1.5,
            True,
        ),
        Target(
            "1000 CloudSSO tasks at 20 calls/s: calls, throttled",
            "at most 1300, 0",
            f"{cloudsso['calls']}, {cloudsso['throttled']}",
            cloudsso["calls"] <= 1300 and cloudsso["throttled"] == 0,
            True,
        ),
        Target("1000 KPS tasks: calls", "at most 1100", f"{kps['calls']}", kps["calls"] <= 1100, True),
    ]


def _per_server(fleets: t.Sequence[Numbers]) -> list[float]:
    """Return the CPU seconds of one more server: those that a fleet needs more than the smallest one, per added server."""
    first = fleets[0]
    return [
        (row["cpu"] - first["cpu"]) / (row["servers"] - first["servers"])
        for row in fleets
        if row["servers"] > first["servers"]
    ]


def table(head: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> str:
    """Return a table in Markdown: the first column to the left, all others to the right."""
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _seconds(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _targets(results: Numbers) -> str:
    rows = [
        (target.what, target.wanted, target.found, "simulated" if target.simulated else "measured", _met(target.met))
        for target in targets(results)
    ]
    return table(["Figure", "Target", "Result", "Source", "Met"], rows)


def _met(met: bool) -> str:
    return "yes" if met else "**no**"


def _single(single: Numbers) -> str:
    cpu = single["cpu"]
    names = {
        "uri": "`ansible.builtin.uri` with a given token",
        "info": "`hwc_kps_task_info` in the worker",
        "loop": f"`hwc_kps_task_info` in the worker, one item of a loop of {single['items']}",
        "module": "`hwc_kps_task_info` as a module",
        "sdk": "a module that uses the official SDK",
    }
    ratios = {"uri / uri": 1.0, **single["ratios"]}
    rows = [
        (
            text,
            f"{cpu[name]:.3f}",
            f"{ratios[f'{name} / uri']:.2f}",
            "" if name == "uri" else _spread(single["all"], name, "uri"),
        )
        for name, text in names.items()
    ]
    return table(["One query", "CPU s", "Ratio to `uri`", "Range of the rounds"], rows)


def _ad_hoc(single: Numbers) -> str:
    """Return the table of a whole ad hoc command."""
    rows = [
        (text, f"{single['cpu'][name]:.2f}", f"{single['wall'][name]:.2f}")
        for name, text in (("ad hoc", "in the worker"), ("ad hoc module", "as a module"))
    ]
    return table(["`ansible localhost -m hwc_kps_task_info`", "CPU s", "Elapsed s"], rows)


def _fleets(fleets: t.Sequence[Numbers]) -> str:
    first = fleets[0]
    rows = []
    for row in fleets:
        more = row["servers"] - first["servers"]
        each = f"{(row['cpu'] - first['cpu']) / more:.3f}" if more else ""
        rows.append((f"{row['servers']:,}", _seconds(row["cpu"]), each, _seconds(row["wall"]), f"{row['rss']:.0f}"))
    return table(["Servers", "CPU s", "CPU s per added server", "Elapsed s", "Largest process MiB"], rows)


def _spread(rounds: t.Mapping[str, t.Sequence[float]], one: str, other: str) -> str:
    """Return the smallest and the largest ratio of a round."""
    ratios = [mine / yours for mine, yours in zip(rounds[one], rounds[other], strict=True)]
    return f"{min(ratios):.2f} to {max(ratios):.2f}"


def _waits(single: Numbers) -> str:
    cpu = single["cpu"]
    until = {1: "until 1", 20: "until 20", single["retries"]: f"until {single['retries']}"}
    rows = []
    for polls in (1, 20, 200):
        ours = cpu[f"wait {polls}"]
        if polls in until:
            theirs, note = cpu[until[polls]], ""
        else:
            theirs, note = cpu["until 1"] + (polls - 1) * single["one more retry"], " (extrapolated)"
        beside = single["ratios"].get(f"wait {polls} / uri", ours / cpu["uri"])
        rows.append((str(polls), f"{ours:.3f}", f"{theirs:.2f}{note}", f"{theirs / ours:.1f}", f"{beside:.2f}"))
    poll, retry = single["one more poll"], single["one more retry"]
    rows.append(
        ("one more in the same time", f"{poll:.5f}", f"{retry:.3f}", f"{retry / poll:.0f}", f"{poll / cpu['uri']:.4f}")
    )
    return table(
        ["Polls", "`wait_for_task` CPU s", "`uri` + `until` CPU s", "Ratio", "`wait_for_task` / one `uri` task"], rows
    )


def _many(rows: t.Sequence[Numbers]) -> str:
    head = ["Method", "Tasks", "Calls", "Throttled", "CPU s", "Mean latency s", "95 % s", "Elapsed s"]
    lines = [
        (
            f"{row['way']}{' (simulated)' if row['simulated'] else ''}",
            f"{row['tasks']:,}",
            f"{row['calls']:,}",
            f"{row['throttled']:,}",
            _seconds(row["cpu"]),
            *(f"{'over ' if row['untold'] else ''}{_seconds(row[figure])}" for figure in ("mean", "p95")),
            f"stopped at {_seconds(row['wall'])}, {row['untold']:,} not reported"
            if row["untold"]
            else _seconds(row["wall"]),
        )
        for row in rows
    ]
    return table(head, lines)


def _large(rows: t.Sequence[Numbers]) -> str:
    head = ["Wait", "Tasks", "Calls", "CPU s", "Largest process MiB", "Mean latency s", "Elapsed s"]
    lines = [
        (
            f"{row['way']}, {row['rate']:.0f} calls/s",
            f"{row['tasks']:,}",
            f"{row['calls']:,}",
            _seconds(row["cpu"]),
            f"{row['rss']:.0f}",
            _seconds(row["mean"]),
            _seconds(row["wall"]),
        )
        for row in rows
    ]
    return table(head, lines)


def _payload(payload: t.Mapping[str, t.Mapping[str, float]]) -> str:
    rows = [
        (f"`{name}`", f"{each['bytes'] / 1024:.0f}", f"{each['import'] * 1000:.0f}") for name, each in payload.items()
    ]
    return table(["Module", "KiB sent", "CPU ms to import"], rows)


def _budget(rows: t.Sequence[Numbers]) -> str:
    lines = [
        (row["service"], f"{row['calls']:,}", f"{row['throttled']}", f"{row['mean']:.1f}", f"{row['p95']:.1f}")
        for row in rows
    ]
    return table(["1000 tasks of", "Calls", "Throttled", "Mean latency s", "95 % s"], lines)


def _schedule(engines: t.Sequence[Numbers]) -> str:
    lines = [
        (
            "**wait_for_task**" if row["engine"] == "ours" else row["engine"],
            f"{row['calls']:.1f}",
            f"{row['mean']:.1f}",
            f"{row['p95']:.1f}",
            f"{row['regret']:.2f}",
            f"{100 * row['false']:.0f} %",
        )
        for row in sorted(engines, key=lambda row: row["regret"])
    ]
    return table(["Engine", "Calls", "Mean latency s", "95 % s", "Worst regret", "False timeouts"], lines)


def page(results: Numbers, picture: str) -> str:
    """Return the page.

    Args:
        results: Everything that was measured and simulated.
        picture: The plot's file name.
    """
    about, setting, single = results["about"], results["setting"], results["single"]
    quick = (
        "\n**This was a quick run (`--quick`): fewer and smaller runs, rougher figures.**\n" if about["quick"] else ""
    )
    return f"""{LICENSE}
# Benchmark: requests, latency and CPU time

Generated by `./run bench --docs` on {about["date"]}, in one run of {about["minutes"]:.0f} minutes: {about["machine"]};
{about["versions"]}. The load average before the run was {about["load"]:.1f}.
{quick}
How to read the figures:

- All methods query the same emulator over plain HTTP. It runs in a separate process on the same machine.
- *CPU* is the user and system time of `ansible-playbook` and of all processes that it starts, including detached jobs. The
  time of the emulator is not included.
- Figures of single tasks are medians. The time of an empty play ({single["cpu"]["empty"]:.2f} s CPU) is subtracted.
- For direct comparisons, the methods took turns in {single["rounds"]} rounds. A ratio is the median of the ratios of all rounds, so it can
  differ from the ratio of the two medians.
- *Calls* are the requests that the emulator received.
- All Python files were compiled to bytecode before the run.
- Absolute figures are valid for this machine. Expect similar ratios on other machines.
- Figures marked as simulated were calculated, not measured.

To repeat the benchmark, use `./run bench`. `./run bench --quick` takes about ten minutes. `--check` fails if a target is missed.

## Targets

{_targets(results)}
## One query

A play with {single["queries"]} tasks; the figures are for one task. `uri` cannot sign requests. It gets a token, and the request for the token is
not counted.

{_single(single)}
On the controller, the modules of the collection run in the worker of `ansible-playbook` and start no Python process. On other hosts,
with `become` or with `async`, they run as ordinary modules. A query then needs {single["ratios"]["module / uri"]:.2f} times the CPU of `uri`, and
{single["ratios"]["module / sdk"]:.2f} times the CPU of a module that uses the SDK.

The same query as an ad hoc command, including the start of Ansible:

{_ad_hoc(single)}
## One wait

The task ends with the given number of polls, and the polls follow each other without a pause. The table shows the cost of polling,
not of waiting.

{_waits(single)}
- In the row for 20 polls, the ratio to one `uri` task is the median of the ratios of all rounds ({_spread(single["all"], "wait 20", "uri")}). Without the CPU
  that Ansible itself uses meanwhile, the wait needs {single["wait 20 above idle"]:.3f} s.
- The cost of one more poll is measured with 1000 more polls in a wait of the same length.
- A second of waiting costs {1000 * single["one more second"]:.0f} ms by itself, because Ansible repeatedly checks whether its worker has finished.
- Each retry of `until` runs the whole Ansible task again. The pauses between retries are left out (`delay: 0`).

On hosts other than the controller, a long wait runs in slices so that it can print lines of progress. With the default
`progress: 30`, every 30 seconds cost one more run of the module; `progress: 0` avoids this. On the controller, progress costs
nothing.

## Many tasks

All tasks start shortly before the play. Each takes {setting["start"]:.0f} s plus a random time with a median of \
{setting["median"]:.0f} s (lognormal distribution, sigma {setting["sigma"]}).
The emulator throttles above {setting["limit"]} requests per second. `wait_for_task` uses `rate: {setting["rate"]:.0f}`. The other methods poll \
every {setting["interval"]:.0f} s
(`delay`), which is also the shortest pause of `wait_for_task`.

*Latency* is the time from the end of a task until the service reported it to the waiting program. For `until` and `async_status`, it
is the time until the controller had finished with that item of the loop. `uri` and the script with threads have a token, and
`wait_for_task` signs its requests. CPU is that of the whole play.

{_many(results["many"])}
- *Simulated* rows use the loop of that method, the same distribution of durations, and the measured cost of one run
  ({single["retry wall"]:.2f} s, {single["one more retry"]:.2f} s CPU). A real run would take hours.
- `until` in a loop needs few calls because it polls one task at a time: it polls the last tasks only after all others have ended.
- The threads have no rate limit. The emulator counts throttled requests against the limit, as Huawei Cloud's API gateway is
  reported to do. Many threads that poll every {setting["interval"]:.0f} s therefore keep the service throttled. They were stopped after \
{setting["give_up"]:.0f} s. *Not
  reported* are the tasks whose end the threads had not seen by then.
- For KPS, `wait_for_task` never concludes from a missing row in the list of running tasks that a task succeeded. It polls each task
  once by its id. With {setting["rate"]:.0f} calls per second, 1000 such polls take at least {1000 / setting["rate"]:.0f} s.

## Ten thousand tasks

One Ansible task. For KPS the emulator has no rate limit, so that the row shows the cost of the calls and not the limit.

{_large(results["large"])}
## A fleet

The playbook `keypair_reset` in one play without `serial`: stop, reset, wait, start, report. Logins are left out, because they
measure `ssh`: the two logins to a server cost about as much as two runs of `ssh`.

{_fleets(results["fleets"])}
## Size of the modules

The file that Ansible sends to another host, and the CPU time to import a module from it without compiled bytecode. The start of
Python is not included.

{_payload(results["payload"])}
## Polling schedules (simulated)

The polling engine of `wait_for_task` on a simulated clock, with services that behave like the real ones (`tests/extended/simulation`).
Tasks take 30 s in the median, the service allows 20 calls per second, and a call takes 50 ms.

{_budget(results["budget"])}
The next table compares the schedules of several engines for one task at a time, each as in its source code.

- *Calls* and *latency* are for tasks of 30 s in the median.
- *Worst regret* compares the cost of a schedule, which is its latency plus 0.5 s per call, with the cost of the best schedule for
  tasks of that length. The table shows the worst of five lengths from 2 s to 600 s. A low value means that the schedule
  works for all lengths without tuning.
- *False timeouts* are tasks that ended in the last third of a time limit of 60 s and were reported as timed out.

{_schedule(results["schedule"]["engines"])}
If you know how long tasks take, a delay followed by a fixed interval is the best schedule, as the plot shows for 30 s. Set `delay`
and `backoff: 0` in that case. Growing pauses are for tasks whose duration you do not know.

![Latency against calls of each schedule, and CPU against the number of tasks]({picture})
"""
