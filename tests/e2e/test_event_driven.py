# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source cloud_task in real ansible-rulebook and by itself, on the emulated clouds."""

from __future__ import annotations

import json
import re
import signal
import time
import typing as t
from pathlib import Path

import pytest

from emulator import control
from emulator.huawei.servers import Server
from emulator.messages import Request

from .conftest import Benches
from .rulebooks import events_of, file_of, incidents, needs_java, printing, run_source, start_rulebook
from .running import Bench

KPS: dict[str, t.Any] = {"service": "kps", "interval": 0.2, "discover_interval": 1}
#: Text of a service that would run a program if Ansible took it for a template.
TRAP = "{{ lookup('ansible.builtin.pipe', 'touch PLACE') }}"


def begin(bench: Bench, *names: str) -> list[str]:
    """Start key pair tasks on servers, behind the API's back; returns their ids."""
    emulator = bench.emulator
    pair = next(pair for pair in emulator.huawei.keypairs.values() if pair.name == "new")
    ids = []
    with emulator.world.lock:
        for name in names:
            server: Server = emulator.huawei.ecs.find(name)
            server.status = "SHUTOFF"
            ids.append(str(emulator.huawei.kps.bind(server, pair)["task_id"]))
    return ids


def delivered(state: Path) -> set[str]:
    """Return the ids of tasks whose event was delivered, by the state file of a source."""
    # The last line may be half written.
    whole = state.read_text(encoding="utf-8").rpartition("\n")[0]
    changes = map(json.loads, whole.splitlines())
    return {task_id for change in changes for task_id in change.get("done", ())}


def uuids(events: t.Sequence[dict[str, t.Any]]) -> list[str]:
    """Return the ids of events."""
    return [event["meta"]["uuid"] for event in events]


@needs_java
def test_the_example_opens_an_incident_and_verifies_a_login(benches: Benches) -> None:
    bench = benches(3, task_seconds=8.0)
    trap = bench.directory / "trapped"
    bench.emulator.fail("task_fails", server="server-02", code="KPS.0003", message=TRAP.replace("PLACE", str(trap)))
    with incidents() as office:
        variables = bench.write(
            "variables.yml",
            {
                "incident_url": office.url,
                "private_key_file": str(bench.emulator.key_path("new")),
                "playbooks": str(file_of("extensions/eda/playbooks")),
            },
        )
        rulebook = str(file_of("extensions/eda/rulebooks/cloud_tasks.yml"))
        program = start_rulebook(bench, rulebook, "--vars", str(variables))
        program.until(lambda: bench.requests().get("ListRunningTask"))
        role = bench.role(
            {
                "keypair_reset_keypair_name": "new",
                "keypair_reset_private_key_file": str(bench.emulator.key_path("new")),
            }
        )
        role.wait()
        assert role.process.returncode == 2, role.output
        program.until(lambda: office.taken and program.output.count("accepts the new key.") >= 2)
        program.signal(signal.SIGINT)
        program.wait()
    failed = next(server for server in bench.emulator.huawei.servers.values() if server.name == "server-02")
    (incident,) = office.taken
    assert re.fullmatch(r"kps task [0-9a-f]{32} ended as failed", incident["title"])
    assert incident["details"]["data"]["server_id"] == failed.id
    assert incident["details"]["reason"]["code"] == "KPS.0003"
    assert incident["details"]["reason"]["message"].startswith("{ { lookup('ansible.builtin.pipe', 'touch ")
    assert not trap.exists(), "text of the service ran as a template"
    for name in ("server-01", "server-03"):
        assert f"{name} accepts the new key." in program.output


@needs_java
@pytest.mark.slow
def test_over_a_kill_each_task_has_one_event_in_ansible_rulebook(benches: Benches) -> None:
    bench = benches(6, fleet=False, task_seconds=4.0)
    rulebook = printing({**KPS, "discover": True, "state_file": str(bench.directory / "tasks.state")})
    first = start_rulebook(bench, rulebook)
    first.until(lambda: bench.requests().get("ListRunningTask"))
    ids = begin(bench, "server-01", "server-02")
    first.until(lambda: len(events_of(first)) == 2)
    bench.emulator.fail("task_fails", server="server-05", code="KPS.0003", message="no luck")
    ids += begin(bench, "server-03", "server-04")
    state = bench.directory / "tasks.state"
    # An event that was shown and is not noted as delivered comes again, with the same id.
    first.until(lambda: ids[-1] in state.read_text() and delivered(state).issuperset(ids[:2]))
    first.kill()
    # These run while nothing watches: one fails, which leaves a record. The two before end meanwhile.
    ids += begin(bench, "server-05")
    time.sleep(5)
    second = start_rulebook(bench, rulebook)
    second.until(lambda: len(events_of(second)) == 3)
    ids += begin(bench, "server-06")
    second.until(lambda: len(events_of(second)) == 4)
    second.signal(signal.SIGINT)
    second.wait()
    events = events_of(first) + events_of(second)
    assert sorted(event["task"]["id"] for event in events) == sorted(ids)
    assert len(set(uuids(events))) == 6
    states = {event["task"]["id"]: event["task"]["state"] for event in events}
    assert [states[task_id] for task_id in ids] == ["success"] * 4 + ["failed", "success"]


@needs_java
def test_rejected_credentials_end_ansible_rulebook_with_an_event_and_an_error(benches: Benches) -> None:
    bench = benches(1, fleet=False)
    wrong = "0wrong-secret-key-of-the-test-1234567890"
    program = start_rulebook(bench, printing({**KPS, "discover": True}), HUAWEICLOUD_SDK_SK=wrong).wait()
    assert program.process.returncode == 1
    (event,) = events_of(program)
    assert event["error"]["http_status"] == 401
    assert "wrong signatures lock the key" in event["error"]["msg"]
    assert "CloudTaskError" in program.output + program.errors
    assert wrong not in program.output + program.errors
    # Once: every further try would help to lock the key.
    assert sum(bench.requests().values()) == 1


@needs_java
@pytest.mark.slow
def test_the_end_of_named_tasks_ends_ansible_rulebook_if_that_is_wanted(benches: Benches) -> None:
    bench = benches(2, fleet=False, task_seconds=1.0)
    ids = begin(bench, "server-01", "server-02")
    program = start_rulebook(bench, printing({**KPS, "task_ids": ids, "on_done": "end"})).wait()
    assert program.process.returncode == 0, program.errors
    assert sorted(event["task"]["id"] for event in events_of(program)) == sorted(ids)


@needs_java
@pytest.mark.slow
def test_with_persistence_and_feedback_an_event_is_confirmed_by_the_rule_engine(benches: Benches) -> None:
    bench = benches(2, fleet=False, task_seconds=1.0)
    ids = begin(bench, "server-01", "server-02")
    state = bench.directory / "tasks.state"
    options = {**KPS, "task_ids": ids, "feedback": True, "on_done": "end", "state_file": str(state)}
    variables = bench.write("persistence.yml", {"drools_db_file_path": str(bench.directory / "rules")})
    program = start_rulebook(bench, printing(options), "--persistence-id", "1", "--vars", str(variables)).wait()
    assert program.process.returncode == 0, program.errors
    assert sorted(event["task"]["id"] for event in events_of(program)) == sorted(ids)
    # One note for each event, because each is confirmed before the next is sent.
    assert [len(json.loads(line)["done"]) for line in done_lines(state.read_text())] == [1, 1]


def done_lines(text: str) -> list[str]:
    """Return the lines of a state file that say which events were delivered."""
    return [line for line in text.splitlines() if line.startswith('{"done"')]


@needs_java
@pytest.mark.slow
def test_two_sources_in_one_rulebook(benches: Benches) -> None:
    bench = benches(1, fleet=False, task_seconds=2.0)
    ids = begin(bench, "server-01")
    rulebook = printing({**KPS, "task_ids": ids, "state_file": str(bench.directory / "kps.state")})
    directory = next(iter(bench.emulator.alibaba.directories.values()))
    cloudsso = {
        "service": "cloudsso",
        "directory_id": directory.id,
        "discover": True,
        "discover_interval": 1,
        "state_file": str(bench.directory / "cloudsso.state"),
    }
    source = dict(rulebook[0]["sources"][0])
    name = next(key for key in source if key != "name")
    rulebook[0]["sources"].append({"name": "directory", name: cloudsso})
    program = start_rulebook(bench, rulebook)
    program.until(lambda: bench.requests().get("ListTasks"))
    assigned = assign(bench)
    program.until(lambda: len(events_of(program)) == 2)
    program.signal(signal.SIGTERM)
    program.wait()
    assert {event["task"]["id"]: event["service"] for event in events_of(program)} == {
        ids[0]: "kps",
        assigned: "cloudsso",
    }


def assign(bench: Bench) -> str:
    """Start a task of CloudSSO over the emulator's own interface; returns its id."""
    response = control.answer(bench.emulator, Request("POST", "/_emulator/assign", (), b"{}"))
    return str(json.loads(response.body)["task_id"])


# By itself, without Java


def test_the_source_by_itself_prints_its_events_and_ends_at_once_on_ctrl_c(benches: Benches) -> None:
    bench = benches(2, fleet=False, task_seconds=1.0)
    ids = begin(bench, "server-01")
    program = run_source(bench, {**KPS, "discover": True, "task_ids": ids})
    program.until(lambda: len(events_of(program)) == 1)
    ids += begin(bench, "server-02")
    program.until(lambda: len(events_of(program)) == 2)
    program.signal(signal.SIGINT)
    asked = time.monotonic()
    program.wait()
    assert time.monotonic() - asked < 3
    assert "Traceback" not in program.errors
    events = events_of(program)
    assert [event["task"]["id"] for event in events] == ids
    assert [event["task"]["state"] for event in events] == ["success", "success"]
    assert [event["task"]["status"] for event in events] == ["SUCCESS_RESET", "SUCCESS_RESET"]


@pytest.mark.slow
def test_the_source_by_itself_ends_while_a_request_hangs(benches: Benches) -> None:
    bench = benches(1, fleet=False)
    bench.emulator.fail("hang", operation="ListFailedTask", seconds=60)
    program = run_source(bench, {**KPS, "discover": True})
    program.until(lambda: bench.requests().get("ListFailedTask"))
    program.signal(signal.SIGINT)
    asked = time.monotonic()
    program.wait()
    assert time.monotonic() - asked < 3


def test_no_secret_is_in_what_the_source_prints(benches: Benches) -> None:
    bench = benches(2, fleet=False, task_seconds=0.5)
    secret = bench.environment()["HUAWEICLOUD_SDK_SK"]
    bench.emulator.fail("task_fails", server="server-01", code="KPS.0003", message=f"echo of {secret}")
    ids = begin(bench, "server-01", "server-02")
    program = run_source(bench, {**KPS, "task_ids": ids, "on_done": "end"}).wait()
    assert len(events_of(program)) == 2
    assert secret not in program.output + program.errors
    assert "********" in program.output


@pytest.mark.parametrize(
    "what",
    ["close_before", *(pytest.param(what, marks=pytest.mark.slow) for what in ("html", "throttle", "truncated_json"))],
)
def test_faults_of_the_network_cost_time_but_no_event(benches: Benches, what: str) -> None:
    bench = benches(2, fleet=False, task_seconds=1.0)
    details = {"retry_after": 1} if what == "throttle" else {}
    bench.emulator.fail(what, service="kps", times=6, share=0.5, **details)
    ids = begin(bench, "server-01", "server-02")
    program = run_source(bench, {**KPS, "task_ids": ids, "on_done": "end"}).wait()
    assert program.process.returncode == 0, program.errors
    assert sorted(event["task"]["id"] for event in events_of(program)) == sorted(ids)
