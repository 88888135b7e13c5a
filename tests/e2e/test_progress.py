# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""wait_for_task in plays that run for real: lines while it waits, wherever it waits, and its end when the play is gone."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import sys
import time
import typing as t
from pathlib import Path

import pytest

from .conftest import Benches
from .running import Bench, Play, Program, shown, tasks_of

LINE = re.compile(
    r"wait_for_task on (?P<where>.+): (?P<state>.+); (?P<spent>\d+) s of (?P<limit>\d+) s, (next poll in \d+ s|polling)\Z"
)
#: A wait that polls often, and shows a line every second.
OFTEN: Play = {"service": "kps", "interval": 0.5, "max_interval": 0.5, "progress": 1, "timeout": 60}


def begin(bench: Bench, server: str, **fate: t.Any) -> str:
    """Let KPS work on a server that is off, as a fault says; the id of the task."""
    bench.emulator.fail(**{"what": "task_stuck", **fate}, server=server)
    huawei = bench.emulator.huawei
    target = huawei.ecs.find(server)
    with bench.emulator.world.lock:
        target.status = "SHUTOFF"
        pair = next(pair for pair in huawei.keypairs.values() if pair.name == "new")
        return str(huawei.kps.bind(target, pair)["task_id"])


def wait(task_ids: t.Sequence[str], **more: t.Any) -> Play:
    """Return a task that waits."""
    options = {name: more.pop(name) for name in list(more) if name in ("timeout", "progress", "on_failure")}
    module = {**OFTEN, "task_ids": list(task_ids), **options}
    return {"name": "Wait", "multicloud.async_tasks.wait_for_task": module, **more}


def polls_of(bench: Bench, task_id: str) -> list[float]:
    """Return when a task was polled, in seconds on the emulator's clock."""
    return [entry.time for entry in list(bench.emulator.requests) if entry.path.endswith(f"/tasks/{task_id}")]


def looked_thrice(bench: Bench, task_id: str) -> bool:
    """Return whether a task was polled three times."""
    return len(polls_of(bench, task_id)) >= 3


def watch(program: Program, bench: Bench, task_id: str, seconds: float) -> None:
    """Wait until a task has been asked about for so long."""

    def long_enough() -> bool:
        seen = polls_of(bench, task_id)
        return bool(seen) and seen[-1] - seen[0] > seconds

    program.until(long_enough)


def end(bench: Bench, server: str) -> None:
    """Let the task of a server end: it fails, because the server is started."""
    with bench.emulator.world.lock:
        bench.emulator.huawei.ecs.order("os-start", [bench.server(server)])


def test_lines_appear_while_it_waits_and_only_on_standard_error(benches: Benches) -> None:
    bench = benches(2, fleet=False)
    tasks = [begin(bench, "server-01"), begin(bench, "server-02")]
    program = bench.start(tasks_of(wait(tasks, register="waited", on_failure="return"), shown("waited", "w", bench)))
    program.until(lambda: len(program.lines("2 pending (")) >= 2)
    end(bench, "server-01")
    # A list, which has no statuses, may have been read last; the only task that is left is polled by itself.
    program.until(lambda: program.lines("1 failed, 1 pending (RUNNING_RESET 1)"))
    end(bench, "server-02")
    program.wait()
    assert program.process.returncode == 0, program.errors
    lines = program.lines("wait_for_task on")
    found = [match for line in lines if (match := LINE.match(line.text))]
    assert len(found) == len(lines) >= 3, program.errors
    assert {match["where"] for match in found} == {"localhost"}
    assert {match["limit"] for match in found} == {"60"}
    assert found[-1]["state"] == "1 failed, 1 pending (RUNNING_RESET 1)"
    spent = [int(match["spent"]) for match in found]
    assert spent == sorted(spent)
    # Live: the first came while the wait went on, and none was held back for long.
    waited = json.loads((bench.directory / "w").read_text())
    assert program.elapsed - lines[0].seconds > waited["elapsed"] / 2
    assert "wait_for_task on" not in program.output
    assert [task["state"] for task in waited["tasks"]] == ["failed", "failed"]


def test_standard_output_stays_json(benches: Benches) -> None:
    bench = benches(1, fleet=False)
    stuck = begin(bench, "server-01")
    bench.directory.joinpath("callbacks").mkdir()
    # ansible-core has no callback of its own that prints JSON and nothing else any more.
    bench.directory.joinpath("callbacks", "lines.py").write_text(CALLBACK)
    program = bench.start(
        tasks_of(wait([stuck], on_failure="return")),
        ANSIBLE_CALLBACK_PLUGINS=str(bench.directory / "callbacks"),
        ANSIBLE_STDOUT_CALLBACK="lines",
    )
    program.until(lambda: len(program.lines("wait_for_task on")) >= 2)
    end(bench, "server-01")
    program.wait()
    assert program.process.returncode == 0, program.errors
    assert [json.loads(line) for line in program.output.splitlines()] == [{"failed_ids": [stuck]}]


CALLBACK = """
import json
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = '''
name: lines
type: stdout
short_description: One JSON document a result
description: One JSON document a result.
'''

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "lines"

    def v2_runner_on_ok(self, result):
        print(json.dumps({"failed_ids": getattr(result, "_result", {})["failed_ids"]}))
"""


def test_a_wait_obeys_the_keywords_of_its_task(benches: Benches) -> None:
    names = [f"server-{number:02d}" for number in range(1, 7)]
    bench = benches(7)
    silent, first, second, delegated, background, cut = (begin(bench, name) for name in names)
    kept = {"on_failure": "return"}
    tasks = [
        {"ansible.builtin.add_host": {"name": "far", **bench.hosts["server-07"]}},
        wait([silent], **kept, no_log=True, register="silent"),
        wait(["{{ item }}"], **kept, register="looped", loop=[first, second]),
        wait(
            [delegated],
            **kept,
            register="delegated",
            delegate_to="far",
            environment={"HWC_ENDPOINT": bench.emulator.url, "HWC_REGION": "cn-north-4"},
            vars={"ansible_python_interpreter": str(other_python(bench))},
            module_defaults={
                "group/multicloud.async_tasks.hwc": {
                    "hwc_access_key": bench.emulator.access_key.access,
                    "hwc_secret_key": "{{ lookup('ansible.builtin.env', 'HUAWEICLOUD_SDK_SK') }}",
                    "hwc_project_id": bench.emulator.project.id,
                }
            },
        ),
        {**wait([background], **kept, register="background"), "async": 60, "poll": 1},
        # The keyword, not the option.
        {**wait([cut]), "timeout": 4, "ignore_errors": True, "register": "cut"},
        *(shown(name, name, bench) for name in ("silent", "looped", "delegated", "background", "cut")),
    ]
    program = bench.start(tasks_of(*tasks))
    for name, task in zip(names, (silent, first, second, delegated, background), strict=False):
        watch(program, bench, task, 2.5)
        end(bench, name)
    program.wait()
    assert program.process.returncode == 0, f"{program.output}\n{program.errors}"

    def result(name: str) -> t.Any:
        return json.loads((bench.directory / name).read_text())

    assert result("silent")["failed_ids"] == [silent]
    assert result("silent")["elapsed"] > 2
    looped = result("looped")["results"]
    assert [item["failed_ids"] for item in looped] == [[first], [second]]
    assert result("delegated")["credentials_source"] == "options"
    assert result("delegated")["elapsed"] > 2
    assert (bench.directory / "other-python-was-here").exists()
    assert result("background")["failed_ids"] == [background]
    # The words are Ansible's own, and those of 2.16 are others.
    assert re.search(r"imed out after 4 second|in the expected time frame \(4\)", result("cut")["msg"])
    # About a line each second of the two waits of the loop and of the one that was cut off, and of the delegated wait.
    here, far = (len(program.lines(f"wait_for_task on localhost{where}: ")) for where in ("", " -> far"))
    assert 1 <= far <= result("delegated")["elapsed"]
    spent = sum(item["elapsed"] for item in looped)
    assert 4 <= here <= spent + 4
    # What the keyword cut off left nothing behind that goes on asking.
    asked = len(polls_of(bench, cut))
    time.sleep(2)
    assert len(polls_of(bench, cut)) == asked


def other_python(bench: Bench) -> Path:
    """Write an interpreter that leaves a trace."""
    path = bench.directory / "other-python"
    path.write_text(f'#!/bin/sh\ntouch {bench.directory}/other-python-was-here\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return path


def test_a_wait_survives_a_lost_connection(benches: Benches) -> None:
    bench = benches(2)
    stuck = begin(bench, "server-01")
    far = bench.server("server-02").id
    play = tasks_of(
        {"ansible.builtin.add_host": {"name": "far", **bench.hosts["server-02"]}},
        wait(
            [stuck],
            progress=4,
            on_failure="return",
            register="waited",
            delegate_to="far",
            environment=bench.emulator.environment(),
        ),
        shown("waited", "waited", bench),
    )
    program = bench.start(play)
    program.until(lambda: program.lines("1 pending"))
    seen = len(polls_of(bench, stuck))
    # In the middle of a slice, for between them a new connection is made and nothing is lost.
    program.until(lambda: len(polls_of(bench, stuck)) > seen)
    fleet = bench.emulator.fleet
    assert fleet is not None
    fleet.power_off(far)
    fleet.power_on(far)
    program.until(lambda: program.lines("wait_for_task on localhost -> far: connection lost, trying again in 2 s"))
    seen = len(polls_of(bench, stuck))
    program.until(lambda: len(polls_of(bench, stuck)) > seen)
    end(bench, "server-01")
    program.wait()
    assert program.process.returncode == 0, f"{program.output}\n{program.errors}"
    waited = json.loads((bench.directory / "waited").read_text())
    assert waited["task"]["state"] == "failed"
    # Nothing was forgotten with the connection.
    assert waited["task"]["history"][0]["first"] < waited["elapsed"] - 4


def kill_module(bench: Bench) -> None:
    """Kill the module on a server, as the kernel does when memory runs out."""
    killed = 0
    while not killed:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = entry.read_bytes().split(b"\0")
            except OSError:
                continue  # it has ended
            if any(str(bench.directory).encode() in part and b"wait_for_task" in part for part in command[1:2]):
                os.kill(int(entry.parent.name), signal.SIGKILL)
                killed += 1


@pytest.mark.parametrize("trouble", ["killed", "off", "refused"])
def test_a_wait_that_breaks_off_keeps_every_verdict(benches: Benches, trouble: str) -> None:
    bench = benches(3)
    tasks = [begin(bench, "server-01", what="task_slow", seconds=1), begin(bench, "server-02")]
    far = bench.server("server-03").id
    play = tasks_of(
        {"ansible.builtin.add_host": {"name": "far", **bench.hosts["server-03"]}},
        wait(
            tasks,
            progress=3,
            register="waited",
            delegate_to="far",
            environment=bench.emulator.environment(),
            ignore_errors=True,
            ignore_unreachable=True,
        ),
        shown("waited", "waited", bench),
        {**wait([], register="resumed"), "when": "waited.resume is defined"},
    )
    del play[0]["tasks"][-1]["multicloud.async_tasks.wait_for_task"]["task_ids"]
    play[0]["tasks"][-1]["multicloud.async_tasks.wait_for_task"]["resume"] = "{{ waited.resume }}"
    program = bench.start(play)
    program.until(lambda: program.lines("1 success, 1 pending"))
    fleet = bench.emulator.fleet
    assert fleet is not None
    if trouble == "killed":
        kill_module(bench)
    else:
        fleet.power_off(far)
    if trouble == "refused":
        fleet.machines[far].authorized_keys.write_text("")
        fleet.power_on(far)
    program.until((bench.directory / "waited").exists)
    end(bench, "server-02")
    program.wait()
    waited = json.loads((bench.directory / "waited").read_text())
    assert [task["state"] for task in waited["tasks"]] == ["success", "pending"]
    assert waited["pending_ids"] == tasks[1:]
    assert waited["resume"]["service"] == "kps"
    assert (waited.get("failed", False), waited.get("unreachable", False)) == (trouble == "killed", trouble != "killed")
    words = {"killed": "ended without a result", "off": "lost 4 times in a row", "refused": "refused the login"}
    assert words[trouble] in waited["msg"]
    assert "Last known: 1 pending, 1 success." in waited["msg"]
    assert len(program.lines("connection lost, trying again")) == (3 if trouble == "off" else 0)
    # The token went on with what was pending, on the controller.
    assert len(polls_of(bench, tasks[0])) < len(polls_of(bench, tasks[1]))


@pytest.mark.parametrize("far", [False, True], ids=["here", "over SSH"])
def test_polling_ends_soon_after_the_play_is_gone(benches: Benches, far: bool) -> None:
    signals = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
    bench = benches(4, fleet=far)
    programs: list[Program] = []
    tasks = [begin(bench, f"server-0{number}") for number in (1, 2, 3)]
    for task in tasks:
        play = tasks_of(
            {"ansible.builtin.add_host": {"name": "far", **bench.hosts["server-04"]}},
            wait([task], **({"delegate_to": "far", "environment": bench.emulator.environment()} if far else {})),
        )
        programs.append(bench.start(play))
    for program, task in zip(programs, tasks, strict=True):
        program.until(functools.partial(looked_thrice, bench, task))
    for program, number in zip(programs, signals, strict=True):
        program.signal(number)
    gone = []
    for program in programs:
        program.process.wait(30)
        gone.append(bench.emulator.clock.time())
    # In the worker, the next reading of the clock ends a wait. On another host, sshd closes the output, and the module notices.
    patience = 6 if far else 1.5
    time.sleep(max(0.0, gone[-1] + patience + 3 - bench.emulator.clock.time()))
    late = {
        number.name: [round(when - end, 1) for when in polls_of(bench, task) if when > end + patience]
        for number, task, end in zip(signals, tasks, gone, strict=True)
    }
    assert late == {"SIGKILL": [], "SIGTERM": [], "SIGINT": []}


@pytest.mark.parametrize(("progress", "status"), [(1, "successful"), (0, "timeout")])
def test_a_runner_sees_the_lines_and_takes_the_wait_for_alive(benches: Benches, progress: int, status: str) -> None:
    bench = benches(1, fleet=False)
    stuck = begin(bench, "server-01")
    private = bench.directory / "runner"
    for name, content in {
        "project/wait.yml": tasks_of(wait([stuck], progress=progress, on_failure="return")),
        "env/settings": {"idle_timeout": 6},
    }.items():
        path = private / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    program = bench.program([bench.path("ansible-runner"), "run", str(private), "-p", "wait.yml", "--ident", "1"])
    if status == "successful":
        watch(program, bench, stuck, 10)
        end(bench, "server-01")
    program.wait()
    assert (private / "artifacts" / "1" / "status").read_text() == status, f"{program.output}\n{program.errors}"
    events = [json.loads(path.read_text()) for path in (private / "artifacts" / "1" / "job_events").glob("*.json")]
    lines = [event for event in events if "wait_for_task on localhost: 1 pending" in event["stdout"]]
    assert bool(lines) == (status == "successful")
    assert {event["event_data"].get("task") for event in lines} <= {"Wait"}
