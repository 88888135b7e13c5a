# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo itself: its exit status tells whether every outcome was the expected one, and it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .conftest import Benches
from .running import Bench, Program

DEMO = Path(__file__).with_name("demo.py")


def demo(bench: Bench, *options: str, **environment: str) -> Program:
    """Start the demo, with temporary files in a place of our own."""
    place = bench.directory / "place"
    place.mkdir(exist_ok=True)
    return bench.program([sys.executable, str(DEMO), *options], **{"TMPDIR": str(place), **environment})


def path_with(bench: Bench, **programs: str) -> str:
    """Return a directory for PATH, with scripts in place of programs."""
    directory = bench.directory / "programs"
    directory.mkdir(exist_ok=True)
    for name, script in programs.items():
        directory.joinpath(name).write_text(f"#!/bin/sh\n{script}\n")
        directory.joinpath(name).chmod(0o755)
    return str(directory)


def children(bench: Bench) -> list[str]:
    """Return the command lines of all processes that work in the demo's place."""
    found = []
    mark = f"TMPDIR={bench.directory / 'place'}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in process.joinpath("environ").read_bytes().split(b"\0"):
                found.append(process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def test_the_demo_succeeds_and_leaves_nothing_behind(benches: Benches) -> None:
    bench = benches(0, fleet=False)
    recording = bench.directory / "demo.svg"
    program = demo(bench, "--servers", "3", "--record", str(recording)).wait()
    assert program.process.returncode == 0, f"{program.output}\n{program.errors}"
    shown = "".join(ElementTree.parse(recording).getroot().itertext()).replace("\N{NO-BREAK SPACE}", " ")
    assert "$ ./run demo" in shown
    assert "Everything was as expected." in shown
    assert "Everything was as expected." in program.output
    assert "\n  FAIL  " not in program.output
    first, _rest = program.output.split("=== Second run", 1)
    assert "wait_for_task on" in first
    assert children(bench) == []
    # Python's multiprocessing, in an ansible-playbook that was ended, leaves an empty directory of its own.
    left = [path.name for path in (bench.directory / "place").iterdir() if not path.name.startswith("pymp-")]
    assert left == []


def test_the_demo_fails_when_an_outcome_is_another(benches: Benches) -> None:
    bench = benches(0, fleet=False)
    # An Ansible that does nothing, and says that all is well.
    path = os.pathsep.join([path_with(bench, **{"ansible-playbook": "exit 0"}), os.environ["PATH"]])
    program = demo(bench, "--servers", "2", PATH=path).wait()
    assert program.process.returncode == 1, f"{program.output}\n{program.errors}"
    assert "  FAIL  after the first run: new key accepted 0 of 1" in program.output
    assert "  ok    before: old key accepted 2 of 2" in program.output
    assert " checks failed." in program.output
    # Python's multiprocessing, in an ansible-playbook that was ended, leaves an empty directory of its own.
    left = [path.name for path in (bench.directory / "place").iterdir() if not path.name.startswith("pymp-")]
    assert left == []


def test_the_demo_says_what_it_lacks(benches: Benches) -> None:
    bench = benches(0, fleet=False)
    program = demo(bench, PATH=path_with(bench, ls="exit 0")).wait()
    assert program.process.returncode == 1
    assert "needs the program ssh, which was not found" in program.errors
    assert "apt-get install openssh-client" in program.errors
    assert demo(bench, "--servers", "1").wait().process.returncode == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_stops_everything_when_it_is_stopped(number: signal.Signals, benches: Benches) -> None:
    bench = benches(0, fleet=False)
    program = demo(bench, "--servers", "2")
    program.until(lambda: "TASK [" in program.output)
    assert len(children(bench)) > 1
    program.signal(number)
    program.wait()
    assert program.process.returncode == 130
    assert "Interrupted (" in program.errors
    assert "Traceback" not in program.errors
    # A module that was waiting notices within a moment that its output is closed.
    deadline = time.monotonic() + 20
    while children(bench) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert children(bench) == []
    # Python's multiprocessing, in an ansible-playbook that was ended, leaves an empty directory of its own.
    left = [path.name for path in (bench.directory / "place").iterdir() if not path.name.startswith("pymp-")]
    assert left == []
