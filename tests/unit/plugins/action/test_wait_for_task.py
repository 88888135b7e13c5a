# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin of wait_for_task: slices of a wait, the lines between them, and what it survives."""

from __future__ import annotations

import os
import subprocess
import sys
import types
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.multicloud.async_tasks.plugins.action import wait_for_task as plugin
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import FakeClock

VARIABLES: dict[str, t.Any] = {"inventory_hostname": "web1"}


def more(number: int) -> dict[str, t.Any]:
    """What the module returns at the end of a slice that is not the last."""
    return {"changed": False, "_more": {"state": {"number": number}, "line": f"line {number}", "sleep": 1.0}}


class Task(plugin.ActionModule):
    """The plugin on a scripted module: each run takes its seconds, and returns or raises what the script says."""

    def __init__(self, clock: FakeClock, *script: t.Any, took: float = 0.0, **task: t.Any) -> None:
        real = {
            "args": {},
            "async_val": 0,
            "check_mode": False,
            "no_log": False,
            "delegate_to": None,
            "action": "multicloud.async_tasks.wait_for_task",
        }
        nothing: t.Any = types.SimpleNamespace(
            **{**real, **task}, _shell=types.SimpleNamespace(tmpdir="/tmp/x"), check=False
        )
        super().__init__(nothing, nothing, nothing, nothing, nothing, None)
        self.clock = clock
        self.script = list(script)
        self.took = took
        #: The arguments of each run of the module.
        self.runs: list[dict[str, t.Any]] = []

    def _execute_module(self, *_positional: t.Any, **arguments: t.Any) -> t.Any:
        self.runs.append(arguments)
        self.clock.sleep(self.took)
        outcome = self.script.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def slices(self) -> list[tuple[float, float, t.Any]]:
        """Elapsed time, length and state of each slice."""
        parts = [run["module_args"]["_slice"] for run in self.runs]
        return [(part["elapsed"], part["length"], part["state"]) for part in parts]


def test_a_wait_that_is_over_in_the_first_slice_is_one_run(clock: FakeClock, capfd: pytest.CaptureFixture[str]) -> None:
    args = {"service": "kps", "task_ids": ["t-1"]}
    answer = {"msg": "done", "invocation": {"module_args": {"service": "kps", "_slice": {"length": 5.0}}}}
    task = Task(clock, answer, args=args)
    assert task.run(None, VARIABLES) == {
        "msg": "done",
        "invocation": {"module_args": {"service": "kps"}},
    }
    assert task.runs == [
        {"module_args": {**args, "_slice": {"elapsed": 0.0, "length": 5.0, "state": None}}, "task_vars": VARIABLES}
    ]
    assert args == {"service": "kps", "task_ids": ["t-1"]}, "the task's own arguments stay"
    assert capfd.readouterr() == ("", "")


def test_slices_follow_each_other_with_state_and_time(clock: FakeClock, capfd: pytest.CaptureFixture[str]) -> None:
    task = Task(clock, more(1), more(2), {"failed": True, "msg": "no"}, took=6.0, args={"progress": "20"})
    assert task.run(None, VARIABLES) == {"failed": True, "msg": "no"}
    assert task.slices() == [(0.0, 5.0, None), (6.0, 20.0, {"number": 1}), (12.0, 20.0, {"number": 2})]
    shown = capfd.readouterr()
    assert shown.out == "", "it would spoil output that is JSON"
    assert [line for line in shown.err.splitlines() if line] == [
        "wait_for_task on web1: line 1",
        "wait_for_task on web1: line 2",
    ]


@pytest.mark.parametrize(
    ("args", "lengths"), [({}, [5.0, 30.0]), ({"progress": 3}, [3.0, 3.0]), ({"progress": 0.5}, [0.5, 0.5])], ids=repr
)
def test_the_first_slice_is_short_and_the_others_are_as_long_as_the_lines_are_apart(
    clock: FakeClock, args: dict[str, t.Any], lengths: list[float]
) -> None:
    task = Task(clock, more(1), {}, args=args)
    task.run(None, VARIABLES)
    assert [length for _elapsed, length, _state in task.slices()] == lengths


@pytest.mark.parametrize(
    ("timeout", "unbounded"),
    [
        (46, [False, False, True]),
        (45, [False, True]),
        (15, [False, True]),
        (14, [True]),
        ("soon", [False, False, False]),
    ],
    ids=repr,
)
def test_the_slice_of_the_last_look_begins_well_before_it(
    clock: FakeClock, timeout: float | str, unbounded: list[bool]
) -> None:
    answers = [more(number) for number in range(len(unbounded) - 1)]
    task = Task(clock, *answers, {}, took=6.0, args={"progress": 30, "timeout": timeout})
    task.run(None, VARIABLES)
    assert [length > 1e6 for _elapsed, length, _state in task.slices()] == unbounded


@pytest.mark.parametrize(
    "options",
    [
        {"args": {"progress": 0}},
        {"args": {"progress": -1}},
        {"args": {"progress": "often"}},
        {"args": {"progress": None}},
        {"args": {"progress": "nan"}},
        {"check_mode": True},
    ],
    ids=repr,
)
def test_without_lines_the_module_is_run_once_as_it_is(clock: FakeClock, options: dict[str, t.Any]) -> None:
    task = Task(clock, {"msg": "done"}, **options)
    assert task.run(None, VARIABLES) == {"msg": "done"}
    assert task.runs == [{"task_vars": VARIABLES, "wrap_async": False}]


def test_in_the_background_the_module_is_run_once(clock: FakeClock) -> None:
    task = Task(clock, {"ansible_job_id": "j"}, async_val=60)
    assert task.run(None, VARIABLES) == {"ansible_job_id": "j"}
    assert task.runs == [{"task_vars": VARIABLES, "wrap_async": True}]


def test_with_no_log_there_are_no_lines(clock: FakeClock, capfd: pytest.CaptureFixture[str]) -> None:
    task = Task(clock, more(1), AnsibleConnectionFailure("gone"), {"msg": "done"}, no_log=True)
    assert task.run(None, VARIABLES) == {"msg": "done"}
    assert capfd.readouterr() == ("", "")


def test_a_line_names_the_host_it_waits_on(clock: FakeClock, capfd: pytest.CaptureFixture[str]) -> None:
    Task(clock, more(1), {}, delegate_to="bastion").run(None, VARIABLES)
    assert "wait_for_task on web1 -> bastion: line 1" in capfd.readouterr().err
    Task(clock, more(1), {}).run(None, None)
    assert "wait_for_task on localhost: line 1" in capfd.readouterr().err


def test_lost_connections_are_survived_with_the_state_that_is_known(
    clock: FakeClock, capfd: pytest.CaptureFixture[str]
) -> None:
    drops = [AnsibleConnectionFailure("gone")] * 3
    task = Task(clock, drops[0], more(1), *drops, more(2), *drops, {"msg": "done"}, took=1.0)
    assert task.run(None, VARIABLES) == {"msg": "done"}
    assert [state for _elapsed, _length, state in task.slices()] == [
        *(None, None),
        *({"number": 1},) * 4,
        *({"number": 2},) * 4,
    ]
    assert task.slices()[1] == (3.0, 5.0, None), "a second for the module, two for the pause"
    assert [pause for pause in clock.sleeps if pause != 1.0] == [2.0] * 7
    assert capfd.readouterr().err.count("connection lost, trying again in 2 s") == 7


def test_a_connection_that_stays_lost_is_unreachable(clock: FakeClock) -> None:
    task = Task(clock, *[AnsibleConnectionFailure("gone")] * 4)
    with pytest.raises(AnsibleConnectionFailure):
        task.run(None, VARIABLES)
    assert len(task.runs) == 4


def test_another_exception_is_not_swallowed(clock: FakeClock) -> None:
    with pytest.raises(ZeroDivisionError):
        Task(clock, ZeroDivisionError()).run(None, VARIABLES)


ORPHAN = """
import os
import sys
import time
import types

from ansible_collections.multicloud.async_tasks.plugins.action.wait_for_task import ActionModule

began, begin = os.pipe()
if os.fork():
    # The controller: gone as soon as the worker is in its first slice.
    os.read(began, 1)
    os._exit(0)
controller = os.getppid()


class Worker(ActionModule):
    def _execute_module(self, **_arguments):
        os.write(1, b"slice\\n")
        os.write(begin, b".")
        while os.getppid() == controller:
            os.sched_yield()
        return {"_more": {"state": {}, "line": "..."}}


shell = types.SimpleNamespace(tmpdir="/tmp/x")
task = types.SimpleNamespace(
    args={}, async_val=0, check_mode=False, no_log=True, delegate_to=None, action="x", _shell=shell
)
Worker(task, task, task, None, None, None).run(None, {})
os.write(1, b"over\\n")
"""


def test_a_wait_ends_when_its_controller_is_gone() -> None:
    collections = Path(str(plugin.__file__)).parents[5]
    path = os.pathsep.join([str(collections), *(place for place in sys.path if place)])
    process = subprocess.run(
        [sys.executable, "-c", ORPHAN],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.stdout == "slice\n", process.stderr
