# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the matrix: every fault against every kind of module, directly and through a proxy.

    python tests/extended/matrix/run.py [--all] [-k WORDS] [--jobs N] [--list]

Without ``--all`` a selection runs, the same each time: each fault against some of the modules, so that all faults and all pairs
of a module and a meaning are there. Exit status 1 when a cell fails.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import sys
import tempfile
import time
import typing as t
import zlib
from pathlib import Path

import certificates
from cells import Cell, CellOutcome, CellRunner, cells_of
from faults import FAULTS
from subjects import SUBJECTS

from emulator import Emulator

#: Of the cells of a fault one in so many is in the selection, and of the slow ones.
SHARE, SHARE_SLOW = 40, 80

_bench: CellRunner | None = None


def _begin(directory: str, made: certificates.Certificates | None) -> None:
    global _bench
    place = Path(directory)
    _bench = CellRunner(place / "state", made or certificates.make(place))


def _run(index: int) -> CellOutcome:
    assert _bench is not None
    return _bench.run(CELLS[index])


CELLS = cells_of(SUBJECTS, FAULTS)


def selection(cells: t.Sequence[Cell]) -> list[Cell]:
    """Return a share of the cells, the same each time: each fault, and each module with each meaning, at least once."""
    chosen, faults, pairs = list[Cell](), set[str](), set[tuple[str, str, str]]()
    for cell in sorted(cells, key=lambda cell: zlib.crc32(str(cell).encode())):
        pair = (cell.subject.name, cell.fault.meaning(cell.subject), cell.way)
        share = SHARE_SLOW if cell.fault.slow else SHARE
        drawn = zlib.crc32(f"draw {cell}".encode()) % share == 0
        if drawn or cell.fault.name not in faults or pair not in pairs:
            chosen.append(cell)
            faults.add(cell.fault.name)
            pairs.add(pair)
    return chosen


def main() -> int:
    """Run what the command line names; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--all", action="store_true", help="all cells")
    parser.add_argument(
        "-k", default="", help="only cells with all of these words, separated by commas, in their names"
    )
    parser.add_argument("--jobs", type=int, default=12, help="cells at once")
    parser.add_argument("--list", action="store_true", help="name the cells and run none")
    parser.add_argument("--report", type=Path, help="a file for all failures, as JSON")
    parser.add_argument("--stop", action="store_true", help="stop at the first failure")
    arguments = parser.parse_args()
    wanted = CELLS if arguments.all or arguments.k else selection(CELLS)
    words = [word.strip() for word in arguments.k.split(",") if word.strip()]
    wanted = [cell for cell in wanted if all(word in str(cell) for word in words)]
    if arguments.list:
        print("\n".join(map(str, wanted)))
        return 0
    began = time.monotonic()
    numbers = {id(cell): number for number, cell in enumerate(CELLS)}
    # Slow ones first, and those that work on the processor in between.
    order = [numbers[id(cell)] for cell in sorted(wanted, key=lambda cell: not cell.fault.slow)]
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="matrix-") as directory:
        made = Path(directory)
        with Emulator(0, fleet=False, state_dir=made / "state"):
            pass
        context = multiprocessing.get_context("fork")
        arguments_of_begin = (directory, certificates.make(made))
        with context.Pool(min(arguments.jobs, len(order) or 1), _begin, arguments_of_begin) as pool:
            for outcome in pool.imap_unordered(_run, order):
                outcomes.append(outcome)
                if outcome.wrong:
                    print(f"FAILED {outcome.name}", *(f"    {line}" for line in outcome.wrong), sep="\n", flush=True)
                    print(f"    {outcome.shown}", flush=True)
                    if arguments.stop:
                        pool.terminate()
                        break
    if arguments.report:
        rows = [dataclasses.asdict(outcome) for outcome in outcomes if outcome.wrong or outcome.seconds > 5]
        arguments.report.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    failed = sum(bool(outcome.wrong) for outcome in outcomes)
    faults = len({cell.fault.name for cell in wanted})
    print(
        f"{len(outcomes)} cells of {len(CELLS)} ({faults} faults of {len(FAULTS)}, {len(SUBJECTS)} kinds of module): "
        f"{len(outcomes) - failed} passed, {failed} failed, in {time.monotonic() - began:.0f} s."
    )
    return 1 if failed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
