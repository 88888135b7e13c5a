# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every integration target twice, in the worker of the controller and as modules: the results are the same.

What may differ is what time and chance decide: ids, ports, keys, dates, and how often a wait polled.
"""

from __future__ import annotations

import json
import os
import re
import typing as t
from pathlib import Path

import pytest

from .conftest import Benches
from .running import Bench

TARGETS = Path(__file__).resolve().parents[1] / "integration" / "targets"
#: The role is not a module, and its own end-to-end tests run it; the emulator's role has no results of ours.
NAMES = sorted(path.name for path in TARGETS.iterdir() if path.name not in ("setup_emulator", "role_keypair_reset"))
#: Fields of results that depend on how fast a module starts.
TIMED = {
    *("asked", "calls", "data", "elapsed", "ended", "eta", "first", "history", "last", "last_seen", "look", "polls"),
    *("progress", "repeats", "rounds"),
}
#: Fields that come from Ansible around a module: where it ran, and what it says only of a process of its own.
AROUND = {
    *("_ansible_no_log", "_ansible_parsed", "ansible_job_id", "ansible_parsed", "deprecations", "exception"),
    "results_file",
}
#: What is replaced in texts, by what; in this order.
CHANGING = (
    (re.compile(r"-----BEGIN [^-]+-----.*?-----END [^-]+-----", re.DOTALL), "<key>"),
    (re.compile(r"ssh-rsa \S+"), "<public key>"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\b([0-9a-f]{2}:){15}[0-9a-f]{2}\b"), "<fingerprint>"),
    (re.compile(r"(/[\w.-]+)*/(e2e-|emulator-|tmp)[\w.-]+"), "<directory>"),
    (re.compile(r"127\.0\.0\.1(:| port )\d+"), "<address>"),
    (re.compile(r"\b\d+ calls?\b"), "<calls>"),
    (re.compile(r"\b(t|request|req|task)-[\w-]*\d[\w-]*"), "<id>"),
    (re.compile(r"\b\d+(\.\d+)? s\b"), "<time> s"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+Z?"), "<date>"),
    (re.compile(r"\b1[0-9]{9,12}\b"), "<date>"),
)

CALLBACK = """
import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = '''
name: results
type: stdout
short_description: One JSON document a result
description: One JSON document a result, in the file that RESULTS names.
'''

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "results"

    def write(self, result, status):
        task = getattr(result, "_task", None) or result.task
        data = getattr(result, "_result", None) or result.result
        if status in ("failed", "unreachable"):
            print(task.get_name(), json.dumps(data, default=str))
        if not task.action.startswith("multicloud.async_tasks."):
            return
        with open(os.environ["RESULTS"], "a") as file:
            json.dump({"task": task.get_name(), "status": status, "result": data}, file, default=str)
            file.write(chr(10))

    def v2_runner_on_ok(self, result):
        self.write(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.write(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result):
        self.write(result, "unreachable")

    def v2_runner_on_skipped(self, result):
        self.write(result, "skipped")
"""


def steady(value: t.Any) -> t.Any:
    """Return a result without what time and chance decide."""
    if isinstance(value, dict):
        return {steady(name): steady(item) for name, item in value.items() if name not in TIMED | AROUND}
    if isinstance(value, list):
        return [steady(item) for item in value]
    if isinstance(value, str):
        for pattern, replacement in CHANGING:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 10_000:
        return "<port, date or size>"
    return value


def results(bench: Bench, target: str, in_process: bool) -> list[t.Any]:
    """Run a target, and return the results of all tasks of the collection."""
    name = f"{target}-{in_process}"
    callbacks = bench.directory / "callbacks"
    callbacks.mkdir(exist_ok=True)
    callbacks.joinpath("results.py").write_text(CALLBACK)
    file = bench.directory / f"{name}.jsonl"
    play = {"hosts": "testhost", "gather_facts": False, "roles": [target]}
    program = bench.run(
        [play],
        "-e",
        json.dumps({"multicloud_async_tasks_in_process": in_process}),
        hosts={
            "testhost": {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        },
        ANSIBLE_ROLES_PATH=str(TARGETS),
        ANSIBLE_CALLBACK_PLUGINS=str(callbacks),
        ANSIBLE_STDOUT_CALLBACK="results",
        ANSIBLE_INJECT_INVOCATION="true",
        RESULTS=str(file),
    )
    assert program.process.returncode == 0, f"{program.output}\n{program.errors}"
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("target", NAMES)
def test_results_are_the_same_both_ways(benches: Benches, target: str) -> None:
    bench = benches(0, fleet=False)
    inside = results(bench, target, in_process=True)
    outside = results(bench, target, in_process=False)
    assert len(inside) >= 3
    assert [each["task"] for each in inside] == [each["task"] for each in outside]
    differences = [
        {"task": one["task"], "in process": steady(one), "as a module": steady(other)}
        for one, other in zip(inside, outside, strict=True)
        if steady(one) != steady(other)
    ]
    assert differences == [], json.dumps(differences, indent=1)
    assert os.fspath(bench.directory) not in json.dumps(steady(inside))
