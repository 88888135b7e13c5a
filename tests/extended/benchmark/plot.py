# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plot: what a schedule gets for its calls, and what many tasks cost."""

from __future__ import annotations

import typing as t
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

Numbers = dict[str, t.Any]

#: The notice of the files that are made. In two halves, for the check of licenses takes a whole one for this file's own.
NOTICE = (
    "<!--\nCopyright (c) Multicloud Authors\n"
    "GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)\n"
    "SPDX-License-"
    "Identifier: GPL-3.0-or-later\n-->\n"
)
#: The same file from the same numbers.
SETTINGS = {"svg.hashsalt": "benchmark", "svg.fonttype": "none", "font.size": 9}


def draw(results: Numbers, path: Path) -> None:
    """Draw both panels into an SVG file."""
    with mpl.rc_context(SETTINGS):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
        _schedules(left, results["schedule"])
        _many(right, results["many"], results["large"])
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)
    text = path.read_text(encoding="utf-8")
    declaration, rest = text.split("\n", 1)
    lines = [line.rstrip() for line in f"{declaration}\n{NOTICE}{rest}".splitlines()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _schedules(axes: t.Any, schedule: Numbers) -> None:
    for name, points in schedule["curves"].items():
        axes.plot(*zip(*points, strict=True), label=name, linewidth=2.5 if name.startswith("wait") else 1.2)
    for engine in schedule["engines"]:
        ours = engine["engine"] == "ours"
        axes.plot(engine["calls"], engine["mean"], "o", color="C2" if ours else "0.4", markersize=7 if ours else 4)
        name = "wait_for_task, default" if ours else engine["engine"]
        beside = (7, 6) if ours else (-2, -11)
        weight = "bold" if ours else "normal"
        place = (engine["calls"], engine["mean"])
        axes.annotate(name, place, beside, textcoords="offset points", fontsize=7, fontweight=weight)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="calls per task",
        ylabel="mean detection latency (s)",
        title="Schedules, tasks of about 30 s (simulated)",
        xlim=(2.5, 70),
    )
    for axis, marks in ((axes.xaxis, (3, 5, 10, 20, 40)), (axes.yaxis, (0.5, 1, 2, 5, 10, 20))):
        axis.set_ticks(marks, [f"{mark:g}" for mark in marks])
        axis.set_ticks([], minor=True)
    axes.legend(fontsize=7)


def _many(axes: t.Any, rows: t.Sequence[Numbers], large: t.Sequence[Numbers]) -> None:
    ways = dict.fromkeys(row["way"] for row in rows)
    for number, way in enumerate(ways):
        points = sorted((row["tasks"], row["cpu"], row["simulated"]) for row in (*rows, *large) if row["way"] == way)
        color = f"C{number}"
        axes.plot([point[0] for point in points], [point[1] for point in points], color=color, label=way)
        for tasks, cpu, simulated in points:
            axes.plot(tasks, cpu, "o", color=color, markerfacecolor="white" if simulated else color)
    axes.set(
        xscale="log", yscale="log", xlabel="tasks", ylabel="CPU (s)", title="Many tasks (hollow points are simulated)"
    )
    axes.legend(fontsize=7)
