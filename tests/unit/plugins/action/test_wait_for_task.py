# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin of wait_for_task: slices of a wait, the lines between them, and what it survives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure, AnsibleError

from ansible_collections.multicloud.async_tasks.plugins.action import wait_for_task as plugin
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options, Slice, wait
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._polling.scripted import (
    ScriptedBackend,
    ScriptedClock,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import FakeClock

VARIABLES: dict[str, t.Any] = {"inventory_hostname": "web1"}


def done(**answer: t.Any) -> dict[str, t.Any]:
    """Return the result of the module at the end of the wait."""
    return {"msg": "done", "tasks": [], **answer}


def more(number: int) -> dict[str, t.Any]:
    """Return the result of the module at the end of a slice that is not the last."""
    return {"changed": False, "_more": {"state": {"number": number}, "line": f"line {number}", "sleep": 1.0}}


class ScriptedPlugin(plugin.ActionModule):
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
        #: Temporary directories that were removed.
        self.removed: list[str | None] = []

    def _execute_module(self, *_positional: t.Any, **arguments: t.Any) -> t.Any:
        self.runs.append(arguments)
        self.clock.sleep(self.took)
        outcome = self.script.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _remove_tmp_path(self, tmp_path: str | None, force: bool = False) -> None:
        self.removed.append(tmp_path)

    def slices(self) -> list[tuple[float, float, t.Any]]:
        """Return elapsed time, length and state of each slice."""
        parts = [run["module_args"]["wait_slice"] for run in self.runs]
        return [(part["elapsed"], part["length"], part["state"]) for part in parts]


def test_a_wait_that_is_over_in_the_first_slice_is_one_run(clock: FakeClock, capfd: pytest.CaptureFixture[str]) -> None:
    args = {"service": "kps", "task_ids": ["t-1"]}
    response = {**done(), "invocation": {"module_args": {"service": "kps", "wait_slice": {"length": 5.0}}}}
    task = ScriptedPlugin(clock, response, args=args)
    assert task.run(None, VARIABLES) == {
        **done(),
        "invocation": {"module_args": {"service": "kps"}},
    }
    assert task.runs == [
        {"module_args": {**args, "wait_slice": {"elapsed": 0.0, "length": 5.0, "state": None}}, "task_vars": VARIABLES}
    ]
    assert args == {"service": "kps", "task_ids": ["t-1"]}, "the task's own arguments stay"
    assert capfd.readouterr() == ("", "")


def test_slices_follow_each_other_with_state_and_time(clock: FakeClock, capfd: pytest.CaptureFixture[str]) -> None:
    task = ScriptedPlugin(clock, more(1), more(2), done(failed=True), took=6.0, args={"progress": "20"})
    assert task.run(None, VARIABLES) == done(failed=True)
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
    task = ScriptedPlugin(clock, more(1), done(), args=args)
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
def test_the_slice_of_the_last_poll_begins_well_before_it(
    clock: FakeClock, timeout: float | str, unbounded: list[bool]
) -> None:
    responses = [more(number) for number in range(len(unbounded) - 1)]
    task = ScriptedPlugin(clock, *responses, done(), took=6.0, args={"progress": 30, "timeout": timeout})
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
    task = ScriptedPlugin(clock, {"msg": "done"}, **options)
    assert task.run(None, VARIABLES) == {"msg": "done"}
    assert task.runs == [{"task_vars": VARIABLES, "wrap_async": False}]


def test_in_the_background_the_module_is_run_once(clock: FakeClock) -> None:
    task = ScriptedPlugin(clock, {"ansible_job_id": "j"}, async_val=60)
    assert task.run(None, VARIABLES) == {"ansible_job_id": "j"}
    assert task.runs == [{"task_vars": VARIABLES, "wrap_async": True}]


def test_with_no_log_there_are_no_lines(clock: FakeClock, capfd: pytest.CaptureFixture[str]) -> None:
    task = ScriptedPlugin(clock, more(1), AnsibleConnectionFailure("gone"), done(), no_log=True)
    assert task.run(None, VARIABLES) == done()
    assert capfd.readouterr() == ("", "")


def test_a_line_names_the_host_it_waits_on(clock: FakeClock, capfd: pytest.CaptureFixture[str]) -> None:
    ScriptedPlugin(clock, more(1), done(), delegate_to="bastion").run(None, VARIABLES)
    assert "wait_for_task on web1 -> bastion: line 1" in capfd.readouterr().err
    ScriptedPlugin(clock, more(1), done()).run(None, None)
    assert "wait_for_task on localhost: line 1" in capfd.readouterr().err


def test_after_lost_connections_the_wait_goes_on_from_the_last_state(
    clock: FakeClock, capfd: pytest.CaptureFixture[str]
) -> None:
    drops = [AnsibleConnectionFailure("gone")] * 3
    task = ScriptedPlugin(clock, drops[0], more(1), *drops, more(2), *drops, done(), took=1.0)
    assert task.run(None, VARIABLES) == done()
    assert [state for _elapsed, _length, state in task.slices()] == [
        *(None, None),
        *({"number": 1},) * 4,
        *({"number": 2},) * 4,
    ]
    assert task.slices()[1] == (3.0, 5.0, None), "a second for the module, two for the pause"
    assert [pause for pause in clock.sleeps if pause != 1.0] == [2.0] * 7
    assert capfd.readouterr().err.count("connection lost, trying again in 2 s") == 7


def test_a_connection_that_stays_lost_is_unreachable(clock: FakeClock) -> None:
    task = ScriptedPlugin(clock, *[AnsibleConnectionFailure("gone")] * 4)
    with pytest.raises(AnsibleConnectionFailure):
        task.run(None, VARIABLES)
    assert len(task.runs) == 4


def state_of_two_tasks() -> dict[str, t.Any]:
    """Return the state after a slice in which one of two tasks has succeeded."""
    engine_clock = ScriptedClock()
    cloud = ScriptedBackend(engine_clock, {"t-1": ((0.0, "SUCCESS_X"),), "t-2": ((0.0, "RUNNING_X"),)})
    scope = {"region": "cn-north-4"}
    outcome = wait(
        cloud, ["t-1", "t-2"], Options(), clock=engine_clock, rng=lambda: 0.5, scope=scope, time_slice=Slice(0.0, 1.0)
    )
    assert outcome.more is not None
    state: dict[str, t.Any] = json.loads(json.dumps(outcome.more["state"]))
    return state


#: What ansible-core makes of a module that was killed.
KILLED = {"failed": True, "msg": "MODULE FAILURE", "module_stdout": "", "module_stderr": "Killed", "rc": 137}
#: What the module returns when it cannot begin.
NO_KEY = {"failed": True, "changed": False, "msg": "The access key was refused."}


@pytest.mark.parametrize(
    ("ends", "msg"),
    [
        (
            [KILLED],
            "A run of the module ended without a result (exit status 137), as when it is killed or out of memory.",
        ),
        ([NO_KEY], "The access key was refused."),
        ([AnsibleError("failed to transfer file")], "failed to transfer file."),
        ([AnsibleConnectionFailure("gone")] * 4, "The connection was lost 4 times in a row: gone."),
        (
            [
                AnsibleConnectionFailure(
                    "Failed to connect to the host via ssh: ops@web1: Permission denied (publickey)."
                )
            ],
            "The host refused the login, which is not tried again because that may lock it: "
            "Failed to connect to the host via ssh: ops@web1: Permission denied (publickey).",
        ),
        (
            [AnsibleAuthenticationFailure("Invalid/incorrect password")],
            "The host refused the login, which is not tried again because that may lock it: "
            # ansible-core 2.19 and newer put words of their own before it.
            f"{AnsibleAuthenticationFailure('Invalid/incorrect password')}.",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wait_that_breaks_off_after_its_first_slice_returns_every_task_and_a_token(
    clock: FakeClock, ends: list[t.Any], msg: str
) -> None:
    first = {"changed": False, "_more": {"state": state_of_two_tasks(), "line": "1 success, 1 pending"}}
    task = ScriptedPlugin(clock, first, *ends, took=5.0)
    result = task.run(None, VARIABLES)
    assert len(task.runs) == 1 + len(ends)
    lost = isinstance(ends[0], AnsibleConnectionFailure)
    assert (result.get("failed"), result.get("unreachable")) == ((None, True) if lost else (True, None))
    assert result["msg"] == (
        f"{msg} Last known: 1 pending, 1 success. The task goes on in the cloud; continue with resume."
    )
    assert [(row["id"], row["state"]) for row in result["tasks"]] == [("t-1", "success"), ("t-2", "pending")]
    assert result["summary"]["total"] == 2
    assert (result["pending_ids"], result["timed_out"], result["interrupted"]) == (["t-2"], False, False)
    assert result["elapsed"] == pytest.approx(clock.now - 1000.0)
    assert result.get("rc") == (137 if ends == [KILLED] else None)
    # The token is one: it holds what had ended, and a later wait takes it.
    engine_clock = ScriptedClock()
    cloud = ScriptedBackend(engine_clock, {"t-1": ((0.0, "SUCCESS_X"),), "t-2": ((0.0, "SUCCESS_X"),)})
    later = wait(
        cloud,
        [],
        Options(),
        clock=engine_clock,
        rng=lambda: 0.5,
        scope={"region": "cn-north-4"},
        resume=json.loads(json.dumps(result["resume"])),
    )
    assert [call.about for call in cloud.calls] == ["t-2"]
    assert not later.failed


def test_temporary_files_of_a_lost_host_are_left(clock: FakeClock) -> None:
    # Ansible would take the connection that is lost once more for the result.
    first = {"changed": False, "_more": {"state": state_of_two_tasks(), "line": "1 success, 1 pending"}}
    task = ScriptedPlugin(clock, first, *[AnsibleConnectionFailure("gone")] * 4)
    task.run(None, VARIABLES)
    task.cleanup()
    assert task.removed == []
    task = ScriptedPlugin(clock, done())
    task.run(None, VARIABLES)
    task.cleanup(force=True)
    assert task.removed == ["/tmp/x"]


@pytest.mark.parametrize("error", [AnsibleConnectionFailure("x: Permission denied (publickey)."), AnsibleError("no")])
def test_errors_of_the_first_slice_are_raised(clock: FakeClock, error: AnsibleError) -> None:
    task = ScriptedPlugin(clock, error)
    with pytest.raises(type(error)):
        task.run(None, VARIABLES)
    assert len(task.runs) == 1
    assert ScriptedPlugin(clock, dict(KILLED)).run(None, VARIABLES) == KILLED


def test_another_exception_is_not_swallowed(clock: FakeClock) -> None:
    with pytest.raises(ZeroDivisionError):
        ScriptedPlugin(clock, ZeroDivisionError()).run(None, VARIABLES)


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


def test_a_wait_ends_when_its_controller_was_killed() -> None:
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
