# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two hundred servers in one play: the report to the row, the calls, the runs of modules, their CPU, and idle workers."""

from __future__ import annotations

import collections
import dataclasses
import json
import re
import threading
import typing as t
from pathlib import Path

import pytest

from e2e.conftest import Benches
from e2e.running import Bench, Program

from .campaign import associates, called_off, check_honest, off, resets, start, with_keys

SERVERS = 200
#: Seconds for one play; a loaded machine with two cores takes minutes for so many SSH servers and logins.
LIMIT = 1200.0
pytestmark = pytest.mark.timeout(2 * LIMIT + 300)

FAULTS: dict[str, dict[str, str]] = {
    "server-10": {"what": "job_fails", "operation": "BatchStopServers", "message": "The guest does not respond"},
    "server-50": {"what": "associate_rejected", "code": "KPS.3020", "message": "No agent"},
    "server-100": {"what": "task_fails", "code": "KPS.3025", "message": "Disk full"},
    "server-150": {"what": "start_fails", "message": "No resources"},
    "server-200": {"what": "old_key_stays"},
}
#: Result, power, new key, old key, and a part of the reason.
ROWS = {
    "server-10": ("failed", "ACTIVE", "refused", "accepted", "The server did not stop: "),
    "server-50": ("failed", "ACTIVE", "refused", "accepted", "KPS.3020: No agent"),
    "server-100": ("failed", "ACTIVE", "refused", "accepted", "KPS.3025: Disk full"),
    "server-150": ("failed", "SHUTOFF", "not verified", "not verified", "The server was not started: "),
    "server-200": ("failed", "ACTIVE", "accepted", "accepted", "The old key is still accepted"),
}

#: Python runs this before every program of its own. A module's process notes its name and its CPU time when it ends, without
#: that of its children; nothing else has a payload of Ansible on its path. So neither the controller nor ssh is counted.
METER = """
import atexit, os, re, resource, sys

def note():
    names = [found.group(1) for found in (re.search(r"ansible_([\\w.]+)_payload\\.zip", path) for path in sys.path) if found]
    if names:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        line = f"{names[0].rpartition('.')[2]} {usage.ru_utime + usage.ru_stime:.3f}\\n".encode()
        file = os.open(os.environ["CAMPAIGN_METER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, line)
        os.close(file)

atexit.register(note)
"""


@dataclasses.dataclass
class Measured:
    """The cost of a play.

    Attributes:
        runs: Runs of each module on the cloud's side.
        cpu: CPU seconds of these, together.
        requests: How often each operation was asked for.
        workers: Most processes of ansible-playbook's own at a time while it waited for the resets.
        samples: How often these were counted.
        seconds: How long the play took.
    """

    runs: dict[str, int]
    cpu: float
    requests: dict[str, int]
    workers: int
    samples: int
    seconds: float


def children(pid: int) -> int:
    """Count the children of a process, without zombies."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        found += int(parent) == pid and state != "Z"
    return found


def measure(bench: Bench, variables: dict[str, t.Any]) -> tuple[Program, Measured]:
    """Run the play and count."""
    meter, figures = bench.directory / "meter", bench.directory / "figures"
    meter.mkdir()
    (meter / "sitecustomize.py").write_text(METER)
    program = start(bench, variables, PYTHONPATH=str(meter), CAMPAIGN_METER=str(figures))
    counts: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.3):
            before = program.output
            number = children(program.process.pid)
            # Counted only when it was waiting before and after the count.
            if _waits(before) and _waits(program.output):
                counts.append(number)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        program.process.wait(LIMIT)
    finally:
        over.set()
        watcher.join()
    seconds = program.elapsed
    program.wait()
    found = [line.split() for line in figures.read_text().splitlines()]
    cloud = [(name, float(cpu)) for name, cpu in found if name.startswith("hwc_") or name == "wait_for_task"]
    return program, Measured(
        runs=dict(sorted(collections.Counter(name for name, _cpu in cloud).items())),
        cpu=sum(cpu for _name, cpu in cloud),
        requests=bench.requests(),
        workers=max(counts, default=-1),
        samples=len(counts),
        seconds=seconds,
    )


def _waits(output: str) -> bool:
    """Return whether the task that waits for the resets is the last one started and has no result yet."""
    return re.sub(r"[\s*]+$", "", output.rpartition("TASK [")[2]).endswith("Wait for KPS to finish]")


def test_two_hundred_servers_cost_no_more_runs_than_two(benches: Benches) -> None:
    measured: dict[int, Measured] = {}
    for count in (2, SERVERS):
        bench = benches(count, task_seconds=8)
        if count == SERVERS:
            for server, fault in FAULTS.items():
                bench.emulator.fail(server=server, **fault)
        patience = {"keypair_reset_timeout": 600, "keypair_reset_power_timeout": 60, "keypair_reset_boot_timeout": 300}
        program, measured[count] = measure(bench, {**with_keys(bench), **patience})
        print(json.dumps({"servers": count, **dataclasses.asdict(measured[count])}))
        if count != SERVERS:
            assert program.process.returncode == 0, program.output
            continue

        assert program.process.returncode == 2, program.output
        rows = bench.rows
        assert len(rows) == SERVERS
        wrong = {
            host: row
            for host, row in rows.items()
            if host not in FAULTS
            and not row.items()
            >= {"result": "reset", "power": "ACTIVE", "new_key": "accepted", "old_key": "refused"}.items()
        }
        assert wrong == {}
        columns = ("result", "power", "new_key", "old_key")
        assert {host: tuple(rows[host][column] for column in columns) for host in FAULTS} == {
            host: row[:4] for host, row in ROWS.items()
        }
        assert {host: row[4] for host, row in ROWS.items() if row[4] not in rows[host]["reason"]} == {}
        assert {host for host, numbers in program.recap.items() if numbers["failed"]} == set(FAULTS)
        check_honest(bench, program)
        assert off(bench) == called_off(program) == {"server-150"}
        assert "195 reset, 5 failed." in program.output
        asked = set(rows) - {"server-10"}
        assert associates(bench) == dict.fromkeys(asked, 1)
        assert resets(bench) == dict.fromkeys(asked - {"server-50", "server-100"}, 1)

        requests = measured[count].requests
        assert {name: requests[name] for name in ("BatchStopServers", "BatchStartServers")} == {
            "BatchStopServers": 1,
            "BatchStartServers": 1,
        }
        assert requests["AssociateKeypair"] == SERVERS - 1
        # Six readings of the servers (for the plan, and before and after each of stop, tasks and start, the tasks without one after), each of
        # as many requests as there are hundreds of servers; a reading that came too early is repeated.
        readings, rest = divmod(requests["ListServersDetails"], -(-SERVERS // 100))
        assert rest == 0
        assert 6 <= readings <= 8

    few, many = measured[2], measured[SERVERS]
    # Before servers that failed are started, the tasks that KPS runs are read once.
    assert many.runs == {**few.runs, "hwc_kps_task_info": few.runs["hwc_kps_task_info"] + 1}
    assert many.cpu < 3 * few.cpu, f"{few.cpu:.1f} s for 2 servers, {many.cpu:.1f} s for {SERVERS}"
    for each in (few, many):
        assert each.samples > 0
        assert each.workers <= 1
