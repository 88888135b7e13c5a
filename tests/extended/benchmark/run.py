# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``./run bench``: runs every experiment, and writes numbers, tables and a plot; ``--docs`` renews docs/benchmark.md."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import sys
import tempfile
import time
import typing as t
from pathlib import Path

# The simulations import the engine from where the session shows the collection to Ansible.
sys.path[:0] = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "").split(os.pathsep)

import experiments
import report
from cloud import BenchmarkServer
from plot import draw
from workshop import ROOT, Workshop

OUTPUT = ROOT / "tests" / "output"
DOCS = ROOT / "docs"
#: What decides about the figures, beside Python.
PACKAGES = ("ansible-core", "requests", "huaweicloudsdkkps")


def _machine() -> str:
    model = ""
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        names = (line.partition(":")[2].strip() for line in cpus.read_text().splitlines() if line[:10] == "model name")
        model = next(names, "")
    return f"{os.cpu_count()} cores{f' ({model})' if model else ''}, {platform.system()} {platform.machine()}"


def _about(options: argparse.Namespace, began: float, load: float) -> dict[str, t.Any]:
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "minutes": (time.monotonic() - began) / 60,
        "machine": _machine(),
        "load": load,
        "versions": f"Python {platform.python_version()}, {packages}",
        "quick": options.quick,
    }


def _measure(options: argparse.Namespace) -> dict[str, t.Any]:
    began, load = time.monotonic(), os.getloadavg()[0]
    size = experiments.QUICK if options.quick else experiments.FULL

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:4.0f} s  {text}", flush=True)

    budget, schedule = experiments.simulated_budget(), experiments.schedule()
    say("simulations")
    with (
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory,
        BenchmarkServer() as cloud,
    ):
        shop = Workshop(Path(directory), cloud)
        say("everything is compiled")
        payload = experiments.payloads(shop, size, say)
        single = experiments.single(shop, size, say)
        many = experiments.many(shop, size, say, single)
        large = experiments.large(shop, size, say)
        fleets = experiments.fleets(shop, size, say)
    return {
        "about": _about(options, began, load),
        "setting": {
            "interval": experiments.INTERVAL,
            "limit": experiments.LIMIT,
            "rate": experiments.RATE,
            "median": experiments.MEDIAN,
            "sigma": experiments.SIGMA,
            "start": experiments.HEAD_START,
            "give_up": experiments.GIVE_UP,
        },
        "single": single,
        "many": many,
        "large": large,
        "fleets": fleets,
        "payload": payload,
        "budget": budget,
        "schedule": schedule,
    }


def main() -> int:
    """Run, write, and say which targets were met."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller and fewer runs: about ten minutes")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    parser.add_argument("--docs", action="store_true", help="write the page and the plot to docs/, too")
    parser.add_argument("--from", dest="source", type=Path, metavar="FILE", help="numbers of an earlier run")
    options = parser.parse_args()

    results = json.loads(options.source.read_text()) if options.source else _measure(options)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "benchmark.json").write_text(json.dumps(results, indent=2))
    for place in (OUTPUT, *([DOCS] if options.docs else [])):
        (place / "benchmark.md").write_text(report.page(results, "benchmark.svg"), encoding="utf-8")
        draw(results, place / "benchmark.svg")

    missed = 0
    for target in report.targets(results):
        missed += not target.met
        print(f"{'met   ' if target.met else 'MISSED'}  {target.what}: {target.found} ({target.wanted})")
    print(f"Written: {OUTPUT / 'benchmark.json'}, benchmark.md, benchmark.svg")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
