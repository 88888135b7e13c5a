# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every integration target twice, in the worker of the controller and as modules: the results are the same.

What may differ is what time and chance decide: ids, ports, keys, dates, and how often a wait polled.
"""

from __future__ import annotations

import json
import re
import shutil
import typing as t
from pathlib import Path

import pytest

from .conftest import Benches
from .running import Bench, Play
from .test_secrets import vaulted

TARGETS = Path(__file__).resolve().parents[1] / "integration" / "targets"
TESTHOST = {"testhost": {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}}
#: The role is not a module, and its own end-to-end tests run it; the emulator's role has no results of ours.
NAMES = sorted(path.name for path in TARGETS.iterdir() if path.name not in ("setup_emulator", "role_keypair_reset"))
#: Fields of results that depend on how fast a module starts.
TIMED = {
    *(
        "calls",
        "data",
        "elapsed",
        "ended",
        "ended_at",
        "eta",
        "first",
        "gate",
        "last",
        "last_seen",
        "polled_at",
        "polls",
    ),
    *("progress", "repeats", "rounds", "since", "started"),
}
#: Fields with the statuses that were seen one after the other; a slow start misses those in the middle.
SEEN = {"history", "spans"}
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
    (re.compile(r"(/[\w.-]+)*/(e2e-|emulator-|ansible\.|tmp)[\w.-]+"), "<directory>"),
    (re.compile(r"SHA256:[\w+/]{43}"), "<fingerprint>"),
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
        if not task.action.startswith(("multicloud.async_tasks.", "hwc_")):
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


def last_status(history: t.Any) -> t.Any:
    """Return the last status of a history, which is a list of objects in results and of lists in tokens."""
    last = history[-1] if history else None
    return last["status"] if isinstance(last, dict) else last and last[0]


def steady(value: t.Any) -> t.Any:
    """Return a result without what time and chance decide."""
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if name not in TIMED | AROUND}
        return {steady(name): last_status(item) if name in SEEN else steady(item) for name, item in kept.items()}
    if isinstance(value, list):
        return [steady(item) for item in value]
    if isinstance(value, str):
        for pattern, replacement in CHANGING:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 10_000:
        return "<port, date or size>"
    return value


def results(bench: Bench, plays: list[Play] | str, in_process: bool, *options: str, **environment: str) -> list[t.Any]:
    """Run plays on the host ``testhost``, and return the results of all tasks of the collection.

    Args:
        bench: Where.
        plays: What to run, or the file of a playbook.
        in_process: Whether in the worker, where the rule allows it.
        options: More arguments of ansible-playbook.
        environment: More variables.
    """
    callbacks = bench.directory / "callbacks"
    callbacks.mkdir(exist_ok=True)
    callbacks.joinpath("results.py").write_text(CALLBACK)
    file = bench.directory / f"results-{len(bench.programs)}.jsonl"
    program = bench.run(
        plays,
        *("-e", json.dumps({"multicloud_async_tasks_in_process": in_process}), *options),
        hosts=TESTHOST,
        ANSIBLE_ROLES_PATH=str(TARGETS),
        ANSIBLE_CALLBACK_PLUGINS=str(callbacks),
        ANSIBLE_STDOUT_CALLBACK="results",
        ANSIBLE_INJECT_INVOCATION="true",
        RESULTS=str(file),
        **environment,
    )
    assert program.process.returncode == 0, f"{program.output}\n{program.errors}"
    return [json.loads(line) for line in file.read_text().splitlines()]


def compare(inside: list[t.Any], outside: list[t.Any]) -> None:
    """Check that two runs had the same results."""
    assert [each["task"] for each in inside] == [each["task"] for each in outside]
    differences = [
        {"task": one["task"], "in process": steady(one), "as a module": steady(other)}
        for one, other in zip(inside, outside, strict=True)
        if steady(one) != steady(other)
    ]
    assert differences == [], json.dumps(differences, indent=1)


@pytest.mark.parametrize("target", NAMES)
def test_results_are_the_same_both_ways(benches: Benches, target: str) -> None:
    bench = benches(0, fleet=False)
    plays: list[Play] = [{"hosts": "testhost", "gather_facts": False, "roles": [target]}]
    inside = results(bench, plays, True)
    assert len(inside) >= 3
    compare(inside, results(bench, plays, False))


KEYWORDS = """
- hosts: testhost
  gather_facts: false
  collections: [multicloud.async_tasks]
  module_defaults:
    group/multicloud.async_tasks.hwc: {hwc_timeout: 30}
    multicloud.async_tasks.hwc_kps_task_info: {limit: 7}
  vars:
    secret_of_vault: "{{ my_secret }}"
    marked: !unsafe "{{ 7 * 6 }}"
    module_name: multicloud.async_tasks.hwc_kps_keypair_info
  tasks:
    - {name: Defaults of the group and of the module, multicloud.async_tasks.hwc_kps_task_info: {list: failed}}
    - {name: Defaults of the other cloud, multicloud.async_tasks.ali_cloudsso_task_info: {directory_id: d-emulated0001}}
    - {name: A short name, hwc_kps_keypair_info: {name: new}}
    - {name: A name in a variable, action: "{{ module_name }} name=new"}
    - name: A loop with an environment for each item
      multicloud.async_tasks.hwc_kps_keypair_info: {name: new}
      environment: {HWC_REGION: "{{ item }}"}
      loop: [cn-north-4, cn-mars-1, '']
      ignore_errors: true
    - name: An environment that needs a process
      multicloud.async_tasks.hwc_kps_keypair_info: {name: new}
      environment: {TZ: Asia/Shanghai}
    - name: Another user
      multicloud.async_tasks.hwc_kps_keypair_info: {name: new}
      become: true
      become_method: ansible.builtin.su
      environment: "{{ clouds }}"
    - name: Another host
      multicloud.async_tasks.hwc_kps_keypair_info: {name: new}
      delegate_to: localhost
    - name: In the background
      multicloud.async_tasks.hwc_kps_keypair_info: {name: new}
      async: 30
      poll: 1
    - name: Retries
      multicloud.async_tasks.hwc_kps_task_info: {list: running}
      register: retried
      until: retried.tasks | length > 0
      retries: 2
      delay: 0
      ignore_errors: true
    - name: Block
      block:
        - {name: Fail, multicloud.async_tasks.hwc_kps_task_info: {task_id: no-such-task, list: failed}}
      rescue:
        - {name: Rescue, multicloud.async_tasks.hwc_kps_keypair_info: {name: "{{ ansible_failed_result.msg[:10] | trim }}"}}
      always:
        - {name: Always, multicloud.async_tasks.hwc_kps_task_info: {list: failed}}
    - {name: No log, multicloud.async_tasks.hwc_kps_keypair_info: {name: new}, no_log: true}
    - {name: Check mode, multicloud.async_tasks.hwc_kps_keypair: {name: checked}, check_mode: true, diff: true}
    - {name: Diff, multicloud.async_tasks.hwc_kps_keypair: {name: made, description: "a: b"}, diff: true}
    - {name: Again, multicloud.async_tasks.hwc_kps_keypair: {name: made, description: "a: b"}, diff: true}
    - {name: Gone, multicloud.async_tasks.hwc_kps_keypair: {name: made, state: absent}, diff: true}
    - name: A secret of a vault
      multicloud.async_tasks.hwc_kps_keypair_info:
        {hwc_access_key: "{{ my_access }}", hwc_secret_key: "{{ secret_of_vault }}"}
    - name: A wrong secret
      multicloud.async_tasks.hwc_kps_keypair_info: {hwc_access_key: AKWRONG, hwc_secret_key: wrong-secret-key}
      ignore_errors: true
    - {name: Text that looks like a template, multicloud.async_tasks.hwc_csms_task_info: {status: "{{ marked }}"}, ignore_errors: true}
    - {name: Nothing in place of an option, multicloud.async_tasks.hwc_csms_task_info: {status: "{{ omit }}", limit: "5"}}
    - {name: A number as text, multicloud.async_tasks.hwc_kps_keypair_info: {name: 20260102}}
    - {name: A date as text, multicloud.async_tasks.hwc_kps_keypair_info: {name: 2026-01-02}}
    - name: Texts with commas, an alias, an alias beside its option
      multicloud.async_tasks.hwc_ecs_server_info: "{{ item }}"
      loop: [{server_ids: "a,b"}, {server_id: c}, {server_id: c, server_ids: [d]}]
    - name: Wrong options
      multicloud.async_tasks.hwc_kps_task_info: "{{ item }}"
      loop: [{list: other}, {list: failed, limits: 1}, {}, {list: failed, limit: many}, {list: failed, marker: -1}]
      ignore_errors: true
    - name: Conditions of its own
      multicloud.async_tasks.hwc_kps_keypair_info: {name: new}
      register: pair
      changed_when: pair.keypairs | length == 1
      failed_when: pair.keypairs | length == 2
    - name: Nothing to do
      multicloud.async_tasks.hwc_kps_keypair_info: {name: new}
      when: false
    - name: A path beside the playbook
      multicloud.async_tasks.ssh_login_info:
        targets: [{host: 127.0.0.1, port: 1, private_key_file: beside.pem}, {host: 127.0.0.1, port: 1, private_key_file: ~/beside.pem}]
        timeout: 1
    - name: A wait in check mode
      multicloud.async_tasks.wait_for_task: {service: kps, task_id: t-1, not_found_grace: 0}
      check_mode: true
      ignore_errors: true
    - name: A wait
      multicloud.async_tasks.wait_for_task: {service: kps, task_ids: t-1, not_found_grace: 0, progress: 0}
      ignore_errors: true
"""


def test_keywords_work_the_same_both_ways(benches: Benches) -> None:
    bench = benches(0, fleet=False)
    shutil.copy(bench.emulator.key_path("old"), bench.directory / "beside.pem")
    real = bench.emulator.environment()
    secrets = {"my_access": real["HUAWEICLOUD_SDK_AK"], "my_secret": real["HUAWEICLOUD_SDK_SK"]}
    options = [*vaulted(bench, secrets), "-e", json.dumps({"clouds": {**real, "HOME": str(bench.directory)}})]
    plays = str(bench.write("keywords.yml", KEYWORDS))
    runs = [results(bench, plays, in_process, *options, "-vvv") for in_process in (True, False)]
    assert len(runs[0]) >= 30
    compare(*runs)
    # With the switch on, what the rule covers did run in process, and only that did not.
    program = bench.programs[0]
    reasons = set(re.findall(r"multicloud\.async_tasks\.\w+ runs as a module: (.*)", program.output))
    assert reasons == {"its environment has TZ", "become is on", "it is asynchronous"}
    assert len(re.findall(r"runs in process", program.output)) > 25
