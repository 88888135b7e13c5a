# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs of AWX with real ansible-runner: slices, check jobs, cancel and time limits, another node, large results, secrets."""

from __future__ import annotations

import json
import signal
import time

import pytest

from .conftest import Benches
from .guide import files
from .jobs import MAX_EVENT_RES, AwxJob, credentials, handed_over, secrets
from .running import Bench, tasks_of

#: The survey of a job that resets servers, as AWX sends answers: all of them text.
SURVEY: dict[str, str] = {
    "target": "",
    "keypair_reset_keypair_name": "new",
    "keypair_reset_progress": "1",
    "keypair_reset_timeout": "600",
    "keypair_reset_force": "no",
    "keypair_reset_max_failures": "",
}


def off(bench: Bench) -> list[str]:
    """Return the servers that are off."""
    return [server.name for server in bench.emulator.huawei.servers.values() if server.status != "ACTIVE"]


def keys(bench: Bench) -> set[str | None]:
    """Return the key pairs that servers have."""
    return {server.key_name for server in bench.emulator.huawei.servers.values()}


def test_slices_reset_a_fleet_and_hide_nothing_of_each_other(benches: Benches) -> None:
    # Two slices side by side with one journal and one directory of reports, in an inventory with localhost in it.
    bench = benches(3)
    bench.emulator.fail("old_key_stays", server="server-02")
    shared = {name: bench.directory / name for name in ("journal", "reports")}
    for directory in shared.values():
        directory.mkdir()
    answers = {
        **SURVEY,
        "keypair_reset_journal_dir": str(shared["journal"]),
        "keypair_reset_report_dir": str(shared["reports"]),
    }
    hosts = {"localhost": {"ansible_connection": "local"}, **bench.hosts}
    jobs = [
        AwxJob(
            bench,
            ident,
            "keypair_reset",
            credentials(bench),
            {**answers, "keypair_reset_parallel_jobs": shared_by},
            hosts=hosts,
            slice_of=(number, 2),
        )
        for number, ident, shared_by in ((1, 101, "2"), (2, 102, ""))
    ]
    for program in [job.start() for job in jobs]:
        program.wait()
    assert [job.status for job in jobs] == ["failed", "successful"], [job.output for job in jobs]
    assert keys(bench) == {"new"}
    assert off(bench) == []
    # AWX keeps one value for each name, so that a name that slices share would tell of the last one only.
    merged = handed_over(*jobs)
    assert set(merged) == {"keypair_reset_job_101", "keypair_reset_job_102"}
    figures = {name: merged[f"keypair_reset_job_{name}"] for name in (101, 102)}
    assert {name: (one["total"], one["failed"], one["failed_hosts"]) for name, one in figures.items()} == {
        101: (1, 1, "server-02"),
        102: (2, 0, ""),
    }
    # The next job, as the guide has it, sees both.
    after = AwxJob(bench, 103, "after-slices", {}, merged, plays=files()["after-slices.yml"], hosts={}).run()
    assert after.status == "failed"
    assert after.lines("3 servers, failed: server-02")
    # So do reports in one directory, and nothing is left to be done.
    assert {path.name for path in shared["reports"].iterdir()} == {
        f"keypair_reset_job_{job}.{kind}" for job in (101, 102) for kind in ("json", "md")
    }
    assert list(shared["journal"].iterdir()) == []
    # Who forgets to say how many slices there are is told.
    words = "keypair_reset_parallel_jobs is 1"
    assert [bool(job.lines(words)) for job in jobs] == [False, True]
    for job in jobs:
        assert job.leaks(secrets(bench)) == []
        assert job.emptied() == []
    # The guide: AWX shows every result of a job with 400 servers.
    for job in jobs:
        assert job.largest() < 2500 + 1700 * job.artifacts[f"keypair_reset_job_{job.ident}"]["total"]
    assert MAX_EVENT_RES > 2500 + 1700 * 400


def test_a_check_job_hands_over_its_plan(benches: Benches) -> None:
    """Return the question of an approval: the servers to reset, and those to refuse."""
    bench = benches(2, fleet=False)
    bench.add("server-03", locked=True)
    cloud = {"huawei_cloud": credentials(bench)["huawei_cloud"]}
    job = AwxJob(bench, 201, "keypair_reset", cloud, SURVEY, check=True).run()
    # A server that would be refused fails the check.
    assert job.status == "failed"
    assert bench.emulator.writes() == []
    figures = job.artifacts["keypair_reset_job_201"]
    assert figures == {
        "check_mode": True,
        "total": 3,
        "planned": 2,
        "succeeded": 0,
        "changed": 0,
        "refused": 1,
        "failed": 1,
        "off": 0,
        "failed_hosts": "server-03",
    }
    assert {name: job.artifacts[f"keypair_reset_{name}"] for name in figures} == figures
    assert "would be reset" in job.output
    # The job that follows the approval takes what it is handed for what it is.
    answers = {**SURVEY, **job.artifacts, "target": "!server-03"}
    after = AwxJob(bench, 202, "reset", cloud, answers, plays=files()["reset.yml"])
    assert after.run().status == "successful", after.output
    assert after.artifacts["keypair_reset_changed"] == 2


@pytest.mark.parametrize(
    ("end", "status"), [("cancel", "canceled"), pytest.param("time limit", "timeout", marks=pytest.mark.slow)]
)
def test_a_job_that_is_ended_leaves_nothing_behind_and_is_launched_again(
    benches: Benches, end: str, status: str
) -> None:
    bench = benches(2)
    bench.emulator.fail("task_slow", server="server-01", seconds=20 if end == "time limit" else 14)
    settings = {"job_timeout": 18} if end == "time limit" else {}
    job = AwxJob(bench, 301, "keypair_reset", credentials(bench), SURVEY, settings=settings)
    program = job.start()
    if end == "cancel":
        # The lines of the wait are events while it goes on.
        program.until(lambda: job.lines("wait_for_task on server-01 -> localhost: 1 success, 1 pending"))
        program.signal(signal.SIGTERM)
    program.wait()
    assert job.status == status
    asked = len(bench.emulator.requests)
    time.sleep(2)
    # Nothing goes on asking, and every server that is off was named before: on a slow machine, time may be up before the wait.
    assert len(bench.emulator.requests) == asked
    told = job.lines("are off until KPS has ended") or job.lines("stop, reset, start, verify")
    assert [name for name in off(bench) if name not in told[0]["stdout"]] == []
    assert job.artifacts == {}
    if end == "cancel":
        assert off(bench) == ["server-01", "server-02"]
        assert "are off until KPS has ended" in told[0]["stdout"]
    again = AwxJob(bench, 302, "keypair_reset", credentials(bench), SURVEY).run()
    assert again.status == "successful", again.output
    assert (off(bench), keys(bench)) == ([], {"new"})
    # It has adopted the task, and started none again.
    assert bench.named_in("AssociateKeypair") == ["server-01", "server-02"]
    assert again.artifacts["keypair_reset_succeeded"] == 2


def test_a_job_runs_on_another_node_longer_than_it_may_be_silent(benches: Benches) -> None:
    bench = benches(1)
    bench.emulator.fail("task_slow", server="server-01", seconds=9)
    settings = {"idle_timeout": 6}
    job = AwxJob(bench, 401, "keypair_reset", credentials(bench), SURVEY, settings=settings, remote=True).run()
    assert job.status == "successful", job.output
    assert (off(bench), keys(bench)) == ([], {"new"})
    assert job.artifacts["keypair_reset_job_401"]["succeeded"] == 1
    assert job.lines("wait_for_task on server-01 -> localhost: 1 pending")
    assert job.leaks(secrets(bench)) == []
    # What was sent to the node is gone with the job.
    assert not (bench.directory / "node_401").exists()


@pytest.mark.slow
def test_a_job_waits_for_the_tasks_that_slices_have_started(benches: Benches) -> None:
    # The playbooks of the guide: two slices start, and the wait goes on in a second job with what the first one hands over.
    bench = benches(2, fleet=False)
    bench.emulator.fail("task_slow", server="server-02", seconds=12)
    start = files()["start.yml"].replace("fleet-2027", "new")
    slices = [
        AwxJob(bench, ident, "start", credentials(bench), {}, plays=start, slice_of=(number, 2)).run()
        for number, ident in ((1, 601), (2, 602))
    ]
    assert [job.status for job in slices] == ["successful", "successful"], [job.output for job in slices]
    handed = handed_over(*slices)
    cloud = {"huawei_cloud": credentials(bench)["huawei_cloud"]}
    wait = files()["wait.yml"]
    first = AwxJob(bench, 603, "wait", cloud, handed, plays=wait.replace("timeout: 3000", "timeout: 1"), hosts={}).run()
    assert first.status == "failed"
    assert "Timed out" in first.output
    token = first.artifacts["kps_resume"]
    assert len(token["tasks"]) == 2
    second = AwxJob(bench, 604, "wait", cloud, {**handed, "kps_resume": token}, plays=wait, hosts={}).run()
    assert second.status == "successful", second.output
    assert keys(bench) == {"new"}


def test_awx_shows_the_result_of_a_large_wait(benches: Benches) -> None:
    # In the worker and as a module: the same, with the figures whole, and a word on what was left out.
    bench = benches(0, fleet=False)
    huawei = bench.emulator.huawei
    secret = next(one for one in huawei.csms.secrets.values() if one.type != "COMMON")
    with bench.emulator.world.lock:
        ids = [huawei.csms.rotate(secret).id for _number in range(2000)]
    module = {"service": "csms", "task_ids": ids, "rate": 100}
    plays = tasks_of(
        {"multicloud.async_tasks.wait_for_task": module, "register": "inside"},
        {
            "multicloud.async_tasks.wait_for_task": module,
            "register": "module",
            "vars": {"multicloud_async_tasks_in_process": False},
        },
    )
    job = AwxJob(bench, 501, "wait", {"huawei_cloud": credentials(bench)["huawei_cloud"]}, {}, plays=plays).run()
    assert job.status == "successful", job.output
    assert job.emptied() == []
    results = [
        event["event_data"]["res"]
        for event in job.events
        if event["event"] == "runner_on_ok" and "summary" in event["event_data"]["res"]
    ]
    assert len(results) == 2
    for result in results:
        assert result["shortened"] == ["success_details"]
        assert (result["summary"]["success"], len(result["tasks"])) == (2000, 2000)
        assert "was shortened" in json.dumps(result["warnings"])
    assert {frozenset(result) for result in results} == {frozenset(results[0])}
