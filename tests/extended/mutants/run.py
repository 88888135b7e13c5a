# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that the tests notice classic bugs: put each into a copy of the collection, and run the tests there.

    python tests/extended/mutants/run.py [--jobs N] [--list] [NAME...]

A bug is a textual patch of one file. A patch that no longer fits, a copy that cannot be imported, or tests that fail without
any bug end the program with exit status 2; a bug that no test notices ends it with 1.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bugs import BUGS, MATRIX, Bug

ROOT = Path(__file__).resolve().parents[3]
#: Nothing of a healthy run takes as long, in seconds; a bug may make a test spin.
PATIENCE = 600
#: What of the checkout the tests need.
PARTS = (
    "plugins",
    "tests/unit",
    "emulator",
    "tests/fixtures",
    "tests/extended/matrix",
    "tests/conftest.py",
    "pyproject.toml",
    "galaxy.yml",
    "meta",
    "playbooks",
    "roles",
)

SILENT, NOTICED, BROKEN = "not noticed", "noticed", "broken"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The verdict of the tests about one bug: the first test that failed, and how long that took."""

    bug: Bug
    outcome: str
    test: str
    seconds: float
    output: str = ""


def copy_collection(place: Path) -> Path:
    """Copy what the tests need into a tree of the right shape; returns the collection's directory."""
    collection = place / "ansible_collections" / "multicloud" / "async_tasks"
    for part in PARTS:
        source, target = ROOT / part, collection / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
        elif source.exists():
            shutil.copy2(source, target)
    return collection


def misfit(bug: Bug) -> str:
    """Return why a patch cannot be applied; empty when it can."""
    file = ROOT / bug.file
    if not file.is_file():
        return f"{bug.name}: there is no {bug.file}"
    found = file.read_text(encoding="utf-8").count(bug.old)
    return (
        "" if found == 1 else f"{bug.name}: its text is {found} times in {bug.file}, and must be there once:\n{bug.old}"
    )


def run_tests(collection: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """Run tests of a copy until the first failure; returns the exit status and the output."""
    environment = {
        **os.environ,
        "HYPOTHESIS_PROFILE": "quick",
        "PYTHONDONTWRITEBYTECODE": "1",
        # Without the collection: tests/conftest.py lets Ansible's own finder import it, which some tests need.
        "PYTHONPATH": f"{collection}:{collection / 'tests'}",
    }
    if tests[0] == MATRIX:
        # The matrix is a program of its own, not a set of pytest's.
        command = [sys.executable, *tests, "--stop"]
        environment["PYTHONPATH"] = f"{collection.parents[2]}:{collection}:{collection / 'tests'}"
    else:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=short", *tests]
    try:
        done = subprocess.run(
            command, cwd=collection, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return -1, f"the tests did not end within {PATIENCE} s"
    return done.returncode, done.stdout + done.stderr


def try_bug(bug: Bug) -> Verdict:
    """Put one bug into a copy and see which test notices it first."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as place:
        collection = copy_collection(Path(place))
        file = collection / bug.file
        file.write_text(file.read_text(encoding="utf-8").replace(bug.old, bug.new), encoding="utf-8")
        code, output = run_tests(collection, bug.tests)
    seconds = time.monotonic() - started
    # An error at the end of a test notices a bug, too: a request that was expected and never came.
    failed = re.search(r"^(?:FAILED|ERROR) (?:\S*?([^/\s]+::\S+)|(.* \| .*))", output, re.MULTILINE)
    if code == 0:
        return Verdict(bug, SILENT, "", seconds)
    if code == 1 and failed:
        return Verdict(bug, NOTICED, failed.group(1) or failed.group(2), seconds)
    return Verdict(bug, BROKEN, "", seconds, output)


def main() -> int:
    """Run the bugs named on the command line, or all; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="run these bugs only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="bugs at the same time")
    parser.add_argument("--list", action="store_true", help="show the bugs and run nothing")
    options = parser.parse_args()
    chosen = [bug for bug in BUGS if not options.names or bug.name in options.names]
    if unknown := set(options.names) - {bug.name for bug in BUGS}:
        parser.error(f"no such bug: {', '.join(sorted(unknown))}")
    if options.list:
        for bug in chosen:
            print(f"{bug.name:<34} {bug.what}")
        return 0
    if misfits := [why for bug in chosen if (why := misfit(bug))]:
        print("These patches no longer fit; the code has moved on, so must they:", *misfits, sep="\n\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="mutant-") as place:
        collection = copy_collection(Path(place))
        for tests in sorted({bug.tests for bug in chosen}):
            code, output = run_tests(collection, tests)
            if code != 0:
                print(output, f"These tests fail without any bug, so they cannot find one: {' '.join(tests)}", sep="\n")
                return 2
    verdicts = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for verdict in pool.map(try_bug, chosen):
            print(
                f"{verdict.outcome:<12} {verdict.bug.name:<34} {verdict.test or '-'} ({verdict.seconds:.0f} s)",
                flush=True,
            )
            verdicts.append(verdict)
    for verdict in verdicts:
        if verdict.outcome == BROKEN:
            print(f"\n{verdict.bug.name}: the tests did not run to an end\n{verdict.output}")
    noticed = sum(verdict.outcome == NOTICED for verdict in verdicts)
    print(f"{noticed} of {len(verdicts)} bugs were noticed.")
    if any(verdict.outcome == BROKEN for verdict in verdicts):
        return 2
    return 0 if noticed == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
