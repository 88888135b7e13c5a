# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of the action plugins: in the worker or as a module, and a result as it comes out of a module."""

from __future__ import annotations

import os
import types
import typing as t
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import RejectedError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    CONTROLLER_MASKS,
    Context,
    Module,
    Result,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.action import ModuleAction
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.clients import SHARED_CLIENTS

NAME = "multicloud.async_tasks.example"


class Example(ModuleAction):
    """An action plugin of a module that the test gives; what would run as a module is noted."""

    def __init__(self, execute: t.Callable[[Context], Result | None], directory: Path, **task: t.Any) -> None:
        self.module = Module(
            execute, {"word": {"type": "str"}, "secret": {"type": "str", "no_log": True}}, providers=[]
        )
        fields = {
            "action": NAME,
            "args": {},
            "async_val": 0,
            "check_mode": False,
            "delegate_to": None,
            "diff": False,
            "environment": [],
            "no_log": False,
        }
        shell = types.SimpleNamespace(tmpdir=str(directory), env_prefix=lambda **_: "")
        connection = types.SimpleNamespace(transport="local", become=None, _shell=shell)
        loader = DataLoader()
        loader.set_basedir(str(directory))
        variables: dict[str, t.Any] = {}
        init: t.Any = super().__init__
        templar = Templar(loader=loader, variables=variables)
        init(types.SimpleNamespace(**{**fields, **task}), connection, None, loader, templar, None)
        self.as_module: list[dict[str, t.Any]] = []

    def _execute_module(self, *_positional: t.Any, **arguments: t.Any) -> t.Any:
        self.as_module.append(arguments)
        return {"from": "module"}


def run(
    execute: t.Callable[[Context], Result | None],
    directory: Path,
    variables: dict[str, t.Any] | None = None,
    **task: t.Any,
) -> Result:
    """Return the result of a task that runs in the worker; that it does is checked."""
    action = Example(execute, directory, **task)
    result = action.run(None, {"inventory_hostname": "localhost", **(variables or {})})
    assert action.as_module == []
    result.pop("invocation", None)
    return result


def test_the_result_is_that_of_the_module(tmp_path: Path) -> None:
    assert run(lambda context: {"word": context.params["word"]}, tmp_path, args={"word": "x"}) == {
        "changed": False,
        "word": "x",
    }


def test_the_result_so_far_is_kept_with_a_failure(tmp_path: Path) -> None:
    def execute(context: Context) -> Result:
        context.result.update(changed=True, task_id="t-1")
        raise RejectedError("It was rejected.", hint="Do this.", http_status=400, code="C.1", text="no", request_id="r")

    result = run(execute, tmp_path)
    assert (result["failed"], result["changed"], result["task_id"]) == (True, True, "t-1")
    assert (result["msg"], result["error_code"]) == ("It was rejected. Do this.", "C.1")


def test_wrong_options_fail_with_the_messages_of_ansible(tmp_path: Path) -> None:
    result = run(lambda _context: None, tmp_path, args={"wrong": 1})
    assert result["failed"]
    assert result["msg"].startswith(f"Unsupported parameters for ({NAME}) module: wrong. Supported parameters include:")


def test_a_bug_fails_the_task_only(tmp_path: Path) -> None:
    result = run(lambda _context: {"x": 1 // 0}, tmp_path)
    assert (result["failed"], result["changed"]) == (True, False)
    assert "ZeroDivisionError" in result["msg"]
    assert "Traceback" in result["exception"]


def test_an_alarm_of_ansible_is_not_caught(tmp_path: Path) -> None:
    class Alarm(BaseException):
        """The error that the keyword timeout raises."""

    def execute(_context: Context) -> Result:
        raise Alarm

    with pytest.raises(Alarm):
        run(execute, tmp_path)


@pytest.mark.skipif(CONTROLLER_MASKS, reason="since ansible-core 2.22 the controller masks what is shown")
def test_secrets_are_masked_whatever_their_source(tmp_path: Path) -> None:
    def execute(context: Context) -> Result:
        context.mask("from-a-file")
        return {
            "echo": f"{context.params['secret']} and from-a-file",
            "list": [{"key": "from-a-file"}],
            "changed": True,
        }

    result = Example(execute, tmp_path, args={"secret": "from-an-option"}).run(None, {})
    assert result["echo"] == "******** and ********"
    assert "from-a" not in str(result)
    assert result["changed"] is True


@pytest.mark.skipif(CONTROLLER_MASKS, reason="since ansible-core 2.22 the controller masks what is shown")
def test_a_secret_that_is_a_word_of_python_does_not_hide_a_change(tmp_path: Path) -> None:
    result = run(lambda _context: {"changed": True, "nothing": None}, tmp_path, args={"secret": "True"})
    assert result == {"changed": True, "nothing": None}


def test_the_result_is_json_without_any_tag(tmp_path: Path) -> None:
    class Tagged(str):
        """A text that Ansible would run as a template."""

    result = run(lambda _context: {"text": Tagged("{{ 7 * 6 }}"), "tuple": (1, 2), "keys": {1: 2}}, tmp_path)
    assert (result["text"], result["tuple"], result["keys"]) == ("{{ 7 * 6 }}", [1, 2], {"1": 2})
    assert result["text"].__class__ is str


def test_warnings_are_part_of_the_result(tmp_path: Path) -> None:
    def execute(context: Context) -> None:
        context.warn("Take care.")

    assert run(execute, tmp_path)["warnings"] == ["Take care."]


@pytest.mark.parametrize(("check_mode", "diff"), [(False, False), (True, False), (True, True)])
def test_check_mode_and_diff_are_those_of_the_task(tmp_path: Path, check_mode: bool, diff: bool) -> None:
    result = run(
        lambda context: {"modes": [context.check_mode, context.diff_mode]}, tmp_path, check_mode=check_mode, diff=diff
    )
    assert result["modes"] == [check_mode, diff]


def test_it_runs_in_the_directory_of_the_playbook_with_the_environment_of_the_task(tmp_path: Path) -> None:
    before = os.getcwd()
    result = run(
        lambda _context: {"place": os.getcwd(), "region": os.environ["HWC_REGION"]},
        tmp_path,
        environment=[{"HWC_REGION": "first"}, {"HWC_REGION": "second"}],
    )
    assert (result["place"], result["region"]) == (str(tmp_path), "second")
    assert os.getcwd() == before


def test_a_run_in_the_worker_does_not_own_the_process(tmp_path: Path) -> None:
    def execute(context: Context) -> Result:
        return {"own": context.own_process, "shows": context.on_progress is not None}

    result = run(execute, tmp_path)
    assert (result["own"], result["shows"]) == (False, True)


@pytest.mark.parametrize(
    ("task", "variables"),
    [
        ({"async_val": 60}, {}),
        ({}, {"multicloud_async_tasks_in_process": False}),
        ({"environment": [{"PYTHONPATH": "/x"}]}, {}),
        # A release of Ansible that has another interface.
        ({"environment": object()}, {}),
    ],
    ids=["async", "switch", "environment", "surprise"],
)
def test_everything_else_runs_as_a_module(tmp_path: Path, task: dict[str, t.Any], variables: dict[str, t.Any]) -> None:
    executed: list[Context] = []
    action = Example(executed.append, tmp_path, **task)
    action._templar = Templar(loader=DataLoader(), variables=variables)
    assert action.run(None, variables)["from"] == "module"
    assert executed == []
    assert action.as_module == [{"task_vars": variables, "wrap_async": bool(task.get("async_val"))}]


def test_a_retry_logs_in_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cleared: list[str] = []
    monkeypatch.setattr(SHARED_CLIENTS, "clear", lambda: cleared.append("cleared"))
    action = Example(lambda _context: None, tmp_path)
    action.run(None, {})
    assert cleared == [], "items of a loop have a plugin each"
    action.run(None, {})
    assert cleared == ["cleared"]


@pytest.mark.parametrize("no_log", [False, True])
def test_progress_goes_to_standard_error_unless_nothing_may_be_logged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], no_log: bool
) -> None:
    Example(lambda _context: None, tmp_path, no_log=no_log).show({}, "1 pending")
    assert capfd.readouterr() == ("", "" if no_log else "example on localhost: 1 pending\n")
