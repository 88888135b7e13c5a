# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From numbers to a page: percentiles, targets, and tables in Markdown. Pure."""

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
        what: What is compared.
        wanted: The bound, for people.
        found: The figure, for people.
        met: Whether it holds.
        simulated: Whether the figure comes from a simulation.
    """

    what: str
    wanted: str
    found: str
    met: bool
    simulated: bool = False


def targets(results: Numbers) -> list[Target]:
    """Return every target, and what was found."""
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
        Target("CPU of one more `until` retry / of one more poll", "at least 300", f"{polls:.0f}", polls >= 300),
        Target("CPU of `hwc_kps_task_info` / of `uri`", "at most 0.12", f"{info:.3f}", info <= 0.12),
        Target("CPU of an item of a loop / of one `uri` task", "at most 0.06", f"{loop:.3f}", loop <= 0.06),
        Target("CPU of a wait of 20 polls above idling / of one `uri` task", "at most 0.3", f"{wait:.2f}", wait <= 0.3),
        Target("CPU of `hwc_kps_task_info` as a module / of `uri`", "at most 1.3", f"{module:.2f}", module <= 1.3),
        Target(
            "CPU of the role for a server in the largest fleet, s",
            "at most 0.3",
            f"{fleets[-1]:.2f}",
            fleets[-1] <= 0.3,
        ),
        Target("the same, between the two largest fleets", "within 1.5", f"{flat:.2f}", flat <= 1.5),
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
    """Return the seconds of CPU for one more server: what a fleet takes beyond the smallest one, for each of its other servers."""
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
    return table(["What", "Target", "Found", "How", "Met"], rows)


def _met(met: bool) -> str:
    return "yes" if met else "**no**"


def _single(single: Numbers) -> str:
    cpu = single["cpu"]
    names = {
        "uri": "`ansible.builtin.uri`, with a token at hand",
        "info": "`hwc_kps_task_info`, in the worker",
        "loop": f"the same, an item of a loop of {single['items']}",
        "module": "the same, as a module",
        "sdk": "a module that uses the official SDK, signs",
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
    return table(["One query", "CPU s", "against `uri`", "in single rounds"], rows)


def _ad_hoc(single: Numbers) -> str:
    """Return the row on what a whole command takes."""
    rows = [
        (text, f"{single['cpu'][name]:.2f}", f"{single['wall'][name]:.2f}")
        for name, text in (("ad hoc", "in the worker"), ("ad hoc module", "as a module"))
    ]
    return table(["`ansible localhost -m hwc_kps_task_info`", "CPU s", "s"], rows)


def _fleets(fleets: t.Sequence[Numbers]) -> str:
    first = fleets[0]
    rows = []
    for row in fleets:
        more = row["servers"] - first["servers"]
        each = f"{(row['cpu'] - first['cpu']) / more:.3f}" if more else ""
        rows.append((f"{row['servers']:,}", _seconds(row["cpu"]), each, _seconds(row["wall"]), f"{row['rss']:.0f}"))
    return table(["Servers", "CPU s", "for each more server", "Ended after s", "Largest process MiB"], rows)


def _spread(rounds: t.Mapping[str, t.Sequence[float]], one: str, other: str) -> str:
    """Return the smallest and the largest ratio of a round."""
    ratios = [mine / yours for mine, yours in zip(rounds[one], rounds[other], strict=True)]
    return f"{min(ratios):.2f} to {max(ratios):.2f}"


def _waits(single: Numbers) -> str:
    cpu = single["cpu"]
    until = {1: "until 1", 20: "until 20", single["retries"]: f"until {single['retries']}"}
    rows = []
    for looks in (1, 20, 200):
        ours = cpu[f"wait {looks}"]
        if looks in until:
            theirs, note = cpu[until[looks]], ""
        else:
            theirs, note = cpu["until 1"] + (looks - 1) * single["one more retry"], " (extrapolated)"
        beside = single["ratios"].get(f"wait {looks} / uri", ours / cpu["uri"])
        rows.append((str(looks), f"{ours:.3f}", f"{theirs:.2f}{note}", f"{theirs / ours:.1f}", f"{beside:.2f}"))
    poll, retry = single["one more poll"], single["one more retry"]
    rows.append(
        ("one more, in the same time", f"{poll:.5f}", f"{retry:.3f}", f"{retry / poll:.0f}", f"{poll / cpu['uri']:.4f}")
    )
    return table(["Looks", "`wait_for_task` CPU s", "`uri` + `until` CPU s", "times", "ours against one `uri`"], rows)


def _many(rows: t.Sequence[Numbers]) -> str:
    head = ["Way", "Tasks", "How", "Calls", "Throttled", "CPU s", "Latency mean s", "95 % s", "Ended after s"]
    lines = [
        (
            row["way"],
            f"{row['tasks']:,}",
            "simulated" if row["simulated"] else "measured",
            f"{row['calls']:,}",
            f"{row['throttled']:,}",
            _seconds(row["cpu"]),
            *(f"{'over ' if row['untold'] else ''}{_seconds(row[figure])}" for figure in ("mean", "p95")),
            f"given up at {_seconds(row['wall'])}, {row['untold']:,} untold"
            if row["untold"]
            else _seconds(row["wall"]),
        )
        for row in rows
    ]
    return table(head, lines)


def _large(rows: t.Sequence[Numbers]) -> str:
    head = ["Wait", "Tasks", "Calls", "CPU s", "Largest process MiB", "Latency mean s", "Ended after s"]
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
    return table(["1000 tasks of", "Calls", "Throttled", "Latency mean s", "95 % s"], lines)


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
    return table(["Engine", "Calls", "Latency mean s", "95 % s", "Worst regret", "False timeouts"], lines)


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
# What it costs, beside what you would do otherwise

Written by `./run bench --docs` on {about["date"]}, from one run of {about["minutes"]:.0f} minutes: {about["machine"]};
{about["versions"]}. Before it began, {about["load"]:.1f} other processes wanted a core (load average).
{quick}
All ways ask the same emulator (`emulator`), which ran in a process of its own on the same machine, over plain HTTP. CPU is
user and system time of ansible-playbook and everything it starts, detached jobs included; that of the emulator is not in it. Figures
of single tasks are medians, with the time of an empty play ({single["cpu"]["empty"]:.2f} s CPU)
subtracted; where they are compared one by one, the ways took turns in {single["rounds"]} rounds, and the ratio is the
median of each round's own. Calls are counted by the emulator. Everything installed was byte-compiled first.
Absolute figures are this machine's; the ratios should hold elsewhere. What was simulated, and not run, is marked.

To repeat it: `./run bench`, or `./run bench --quick` for about ten minutes; `--check` fails when a target is missed.

## Targets

{_targets(results)}
## One query

A play of {single["queries"]} tasks, per task. `uri` cannot sign requests: it is given a token, and getting that one is not counted.

{_single(single)}
Seconds are medians over all rounds. Each ratio is the median of the rounds' own ratios; where rounds differ by more than the
ways do, the two may disagree. On the controller a task runs inside the worker of `ansible-playbook` and starts no Python. On
other hosts, with `become` or with `async` it runs as a module: then it takes {single["ratios"]["module / uri"]:.2f} times the CPU of `uri`, and
{single["ratios"]["module / sdk"]:.2f} times that of the module with the SDK.

{_ad_hoc(single)}
Whole commands, the start of Ansible included.

## One wait

The task ends with exactly that many looks, and the next one follows as soon as it may: this is the price of looking, not of waiting.

{_waits(single)}
The last column of the wait of 20 looks is the median of the rounds' own ratios, too ({_spread(single["all"], "wait 20", "uri")}).
Without what Ansible itself uses in that time it takes {single["wait 20 above idle"]:.3f} s.
One more look is what 1000 looks cost beyond a single one at the end of a wait of the same length: a second of waiting costs
{1000 * single["one more second"]:.0f} ms by itself, because Ansible keeps asking its worker whether it is done. Each retry costs Ansible a whole
task, with its pauses left out (`delay: 0`).

On another host a long wait runs in slices, so that lines can be shown meanwhile: with the default `progress: 30`
each 30 s cost one more execution of the module. `progress: 0` does without. On the controller lines cost nothing.

## Many tasks

Tasks start together, shortly before the play, and take {setting["start"]:.0f} s and then {setting["median"]:.0f} s in the median
(lognormal, sigma {setting["sigma"]}). The emulator throttles beyond
{setting["limit"]} requests per second; `wait_for_task` is told `rate: {setting["rate"]:.0f}`, the others ask every {setting["interval"]:.0f} s
(`delay`), which is its shortest pause, too. Latency is the time from the end of a task until the service told the waiter, or,
for `until` and `async_status`, until the controller had finished with that item. `uri` and the thread script have a token,
`wait_for_task` signs. The CPU is that of the whole play.

{_many(results["many"])}
"Simulated" rows take the loop of that way, the same kind of durations, and the cost of one execution as measured above
({single["retry wall"]:.2f} s, {single["one more retry"]:.2f} s CPU): run for real, they would take hours. `until` in a loop looks
thrifty in calls only because it does not look: the last tasks are asked about after all others have ended.

Threads without a limiter: the emulator also counts the requests that it turns away, as is reported of Huawei Cloud's gateway. So
many threads that come back every {setting["interval"]:.0f} s keep the service throttled for ever; they are given up after {setting["give_up"]:.0f} s,
and "untold" are the tasks whose end was not reported by then.

With KPS, success is never inferred from absence in the list of running tasks, so that each task takes one question of its own;
with {setting["rate"]:.0f} calls/s, no client can read 1000 tasks in less than {1000 / setting["rate"]:.0f} s.

## Ten thousand tasks

One task of a play. KPS without a limit at the emulator, to see the cost of a call rather than of the rate.

{_large(results["large"])}
## A fleet

The role `keypair_reset` with the playbook `keypair_reset`, one play without `serial`: stop, reset, wait, start, report. There are
no logins here, because the time of `ssh` is not the role's own: two logins of a server take about what two runs of `ssh` take.

{_fleets(results["fleets"])}
## Modules on their way

The file that Ansible sends to the host, and the CPU time until a module is imported from the archive in it, which no machine has compiled
before; that of Python itself is not included.

{_payload(results["payload"])}
## Schedules (simulated)

The engine of `wait_for_task` itself on a simulated clock with services like the real ones (`tests/extended/simulation`): tasks of 30 s in the median, 20
calls/s allowed, 50 ms per call.

{_budget(results["budget"])}
One task at a time, and each engine's schedule as in its source. Calls and latency: tasks of 30 s in the median. Worst regret: latency
plus 0.5 s per call, against the best schedule that knows the scale, in the worst of five scales from 2 s to 600 s; an engine with a good figure
here needs no tuning. False timeouts: tasks that ended in the last third of a budget of 60 s, and were reported as timed out.

{_schedule(results["schedule"]["engines"])}
Where the time that tasks take is known, nothing beats a fixed interval after a delay, and growing pauses only insure against not knowing it: the
plot shows as much for 30 s. That is what `delay` and `backoff: 0` are for.

![Latency against calls of each schedule, and CPU against the number of tasks]({picture})
"""
