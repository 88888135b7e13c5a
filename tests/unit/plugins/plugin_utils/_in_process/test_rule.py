# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule by which a module runs in the worker: each condition, and the reason that it gives."""

from __future__ import annotations

import ast
import re
import sys
import types
import typing as t
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _http
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Module
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process import rule

MODULE = Module(lambda _context: None, {}, providers=[HWC])
MODULE_UTILS = Path(str(_http.__file__)).parents[1 if Path(str(_http.__file__)).name == "__init__.py" else 0]


def reason(
    variables: t.Mapping[str, t.Any] | None = None,
    environ: t.Mapping[str, t.Any] | None = None,
    *,
    transport: str = "local",
    become: t.Any = None,
    **task: t.Any,
) -> str | None:
    """Return what the rule says to a task; by default it is one that may run in process."""
    given = dict(variables or {})
    action: t.Any = types.SimpleNamespace(
        _task=types.SimpleNamespace(**{"async_val": 0, "delegate_to": None, **task}),
        _connection=types.SimpleNamespace(transport=transport, become=become),
        _templar=Templar(loader=DataLoader(), variables=given),
    )
    return rule.obstacle(action, MODULE, given, environ or {})


def test_a_plain_local_task_runs_in_process() -> None:
    assert reason() is None


@pytest.mark.parametrize("value", [False, "no", "false", 0, "0"])
def test_a_variable_switches_the_worker_off(value: t.Any) -> None:
    assert reason({rule.SWITCH: value}) == "multicloud_async_tasks_in_process is false"


@pytest.mark.parametrize("value", [True, "yes", "true", 1])
def test_the_variable_may_say_yes(value: t.Any) -> None:
    assert reason({rule.SWITCH: value}) is None


def test_the_variable_of_the_delegate_counts() -> None:
    variables = {"ansible_delegated_vars": {"there": {rule.SWITCH: False}}}
    assert reason(variables, delegate_to="there") == "multicloud_async_tasks_in_process is false"
    assert reason(variables) is None


def test_a_task_in_the_background_runs_as_a_module() -> None:
    assert reason(async_val=60) == "it is asynchronous"


@pytest.mark.parametrize("transport", ["ssh", "paramiko", "docker"])
def test_another_host_gets_a_module(transport: str) -> None:
    assert reason(transport=transport) == f"the connection is {transport}"


def test_another_user_gets_a_module() -> None:
    assert reason(become=object()) == "become is on"


def test_files_that_are_to_be_kept_need_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_KEEP_REMOTE_FILES", "true")
    assert reason() == "the files of modules are to be kept"


@pytest.mark.parametrize("python", ["auto", "auto_silent", "auto_legacy", sys.executable])
def test_this_python_and_any_python_are_the_same(python: str) -> None:
    assert reason({"ansible_python_interpreter": python}) is None


def test_another_python_gets_a_module() -> None:
    assert reason({"ansible_python_interpreter": "/usr/bin/python9"}) == "the interpreter is /usr/bin/python9"


def test_a_link_in_another_directory_is_another_python(tmp_path: Path) -> None:
    link = tmp_path / "python"
    link.symlink_to(Path(sys.executable).resolve())
    assert reason({"ansible_python_interpreter": str(link)}) == f"the interpreter is {link}"


def test_a_link_beside_this_python_is_this_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "python3"
    binary.symlink_to(Path(sys.executable).resolve())
    monkeypatch.setattr(sys, "executable", str(binary))
    link = tmp_path / "python"
    link.symlink_to(binary)
    assert reason({"ansible_python_interpreter": str(link)}) is None


@pytest.mark.parametrize(
    "name", ["HWC_REGION", "HUAWEICLOUD_SDK_AK", "OS_PASSWORD", "ALI_ENDPOINT", "HOME", "https_proxy"]
)
def test_variables_that_are_read_late_may_be_set(name: str) -> None:
    assert reason(environ={name: "x"}) is None


@pytest.mark.parametrize("name", ["PYTHONPATH", "LD_PRELOAD", "OPENSSL_CONF", "TZ", "PATH", "SSH_AUTH_SOCK", "HOMES"])
def test_variables_that_are_read_early_need_a_process(name: str) -> None:
    assert reason(environ={name: "x", "HOME": "y"}) == f"its environment has {name}"


def test_macos_gets_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "macOS" in str(reason())


def test_a_missing_library_is_left_to_the_module_to_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "REQUESTS_IMPORT_ERROR", "no")
    assert reason() == "this Python has no requests"


def test_every_variable_that_clients_read_is_read_late() -> None:
    # Names of environment variables in the clients, by their form: a prefix of a cloud and capital letters.
    name = re.compile(
        r"(HWC|HUAWEICLOUD|HW|HC|ALI|ALICLOUD|ALIYUN|ALIBABA_CLOUD|ALIBABACLOUD|OS|CLOUDSSO|STS|[A-Z]+_CA_BUNDLE)_?[A-Z0-9_]*"
    )
    found = {
        node.value
        for cloud in ("_huawei", "_alibaba")
        for file in (MODULE_UTILS / cloud).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and name.fullmatch(node.value)
        and "_" in node.value
    }
    assert len(found) > 20
    assert sorted(each for each in found if not rule.READ_LATE.fullmatch(each)) == []
