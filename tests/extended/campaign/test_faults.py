# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults, one a run: no server is off without the report saying so, none is reset twice, and the same command finishes."""

from __future__ import annotations

import dataclasses
import re
import signal
import time
import typing as t

import pytest

from e2e.conftest import Benches
from e2e.running import Bench, Program

from .campaign import associates, check_finished, check_honest, collisions, noted, off, resets, start, with_keys

#: Two plays of half a minute each, the first of which may have to be waited out; several times that on a machine under load.
pytestmark = pytest.mark.timeout(600)

ALL = ("server-01", "server-02", "server-03")
ONE = "server-02"
READ, STOP, START = "ListServersDetails", "BatchStopServers", "BatchStartServers"
ASSOCIATE, RUNNING, FAILED, TASK = "AssociateKeypair", "ListRunningTask", "ListFailedTask", "ListKeypairTask"
Hook = t.Callable[[Bench], None]
FaultSettings = dict[str, t.Any]


def outcomes(result: str, *servers: str, others: str = "reset") -> dict[str, str]:
    """Return one result for some servers, another for the rest."""
    return {server: result if server in servers else others for server in ALL}


def everyone(result: str) -> dict[str, str]:
    """Return one result for all servers."""
    return dict.fromkeys(ALL, result)


def refused(operation: str, **settings: t.Any) -> FaultSettings:
    """Return an error after which nothing is tried again."""
    return {
        "what": "error",
        "operation": operation,
        "status": 403,
        "code": "Campaign.0403",
        "message": "Not you",
        **settings,
    }


def broken(operation: str, **settings: t.Any) -> FaultSettings:
    """Return an error of the service."""
    return {"what": "error", "operation": operation, "status": 500, **settings}


@dataclasses.dataclass(frozen=True)
class Case:
    """One fault.

    Attributes:
        name: What goes wrong.
        faults: The faults of the emulator that make it so.
        results: The result of each server's row after the first run.
        off: The servers that the fault leaves off.
        reason: What the reason of ``ONE`` must hold.
        associates: Requests to associate over both runs, by server, where there is not just one.
        variables: Variables of both runs.
        task_seconds: How long a task takes.
        during: Changes the cloud while the first run is between the start and its end.
        fix: What happens in the cloud between the runs, beside the end of the faults.
        more: Variables of the second run.
        too_careful: The report may call servers off that are on, because nothing could be read about them.
        logins: With SSH servers and both keys.
        changed_hands: Another job has changed the key pair of ``ONE`` to another one, so that it is reset again.
    """

    name: str
    faults: tuple[FaultSettings, ...]
    results: dict[str, str] = dataclasses.field(default_factory=lambda: everyone("reset"))
    off: tuple[str, ...] = ()
    reason: str = ""
    associates: dict[str, int] = dataclasses.field(default_factory=dict)
    variables: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    task_seconds: float = 0.3
    during: t.Callable[[Bench, Program], None] | None = None
    fix: Hook | None = None
    more: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    too_careful: bool = False
    logins: bool = False
    changed_hands: bool = False


def set_fields(**fields: t.Any) -> Hook:
    """Change ``ONE`` without the role."""

    def change(bench: Bench) -> None:
        with bench.emulator.world.lock:
            for name, value in fields.items():
                setattr(bench.server(ONE), name, value)

    return change


def end_task(*, after: float) -> Hook:
    """Let the task of ``ONE`` that never ends come to its end."""

    def change(bench: Bench) -> None:
        kps = bench.emulator.huawei.kps
        with bench.emulator.world.lock:
            task = next(task for task in kps.tasks.values() if task.server_name == ONE and not task.ended)
            bench.emulator.world.timeline.after(after, lambda: kps._finish(task, bench.server(ONE), ASSOCIATE))
        if not after:
            bench.emulator.settle()

    return change


def listen_again(bench: Bench) -> None:
    """Let something listen on the SSH port of ``ONE``."""
    assert bench.emulator.fleet is not None
    bench.emulator.fleet.power_on(bench.server(ONE).id)


def forget_old_key(bench: Bench) -> None:
    """Delete the old key from the authorized_keys of ``ONE``."""
    assert bench.emulator.fleet is not None
    bench.emulator.fleet.replace_key(bench.server(ONE).id, bench.emulator.old_key.public, None)


def another_job(bench: Bench, program: Program) -> None:
    """Give ``ONE`` another key pair once its own task has ended, before the role reads the servers."""
    program.until(lambda: "Start the servers]" in program.output)
    set_fields(key_name="theirs")(bench)


def begin_task(bench: Bench, program: Program) -> None:
    """Reset ``ONE`` from another job when the role has stopped it, and has not started its own task yet."""
    program.until(lambda: "Check that the servers are off]" in program.output)
    huawei = bench.emulator.huawei
    with bench.emulator.world.lock:
        pair = next(pair for pair in huawei.keypairs.values() if pair.name == "new")
        huawei.kps.bind(bench.server(ONE), pair)


# The role reads the servers for the plan, before and after the stop, before the tasks, and before and after the start.
CASES = (
    # The plan
    Case("servers cannot be read for the plan", (refused(READ),), everyone("refused"), reason="Not you"),
    Case("servers can be read the second time only", (broken(READ),)),
    Case("the key pair cannot be read", (refused("ListKeypairDetail"),), everyone("refused"), reason="Not you"),
    Case("running tasks cannot be read", (refused(RUNNING),), everyone("refused"), reason="Not you"),
    # The stop
    Case("the stop is refused", (refused(STOP),), everyone("failed"), reason="Not you"),
    Case("the stop breaks with 500", (broken(STOP),), everyone("failed"), reason="may still take effect"),
    Case("the response to the stop is lost", ({"what": "close_after", "operation": STOP},)),
    Case(
        "the stop is lost on its way",
        ({"what": "close_before", "operation": STOP},),
        everyone("failed"),
        reason="may still take effect",
    ),
    Case(
        "one server does not stop",
        ({"what": "job_fails", "operation": STOP, "server": ONE, "message": "The guest does not respond"},),
        outcomes("failed", ONE),
        reason="The guest does not respond",
    ),
    Case(
        "one server never gets to its stop",
        ({"what": "job_stuck", "operation": STOP, "server": ONE},),
        outcomes("failed", ONE),
        reason="may still take effect",
        fix=set_fields(task_state=None),
    ),
    Case(
        "one server stops after the wait has ended",
        ({"what": "job_stuck", "operation": STOP, "server": ONE},),
        outcomes("failed", ONE),
        reason="may still take effect",
        fix=set_fields(task_state=None, status="SHUTOFF"),
    ),
    Case("the stop's job cannot be read", (refused("ShowJob"),)),
    Case(
        "servers cannot be read once after the stop",
        (refused(READ, skip=2),),
        everyone("failed"),
        reason="could not be read afterwards: ",
    ),
    Case(
        "servers cannot be read from the stop on",
        (refused(READ, skip=2, times=None),),
        everyone("failed"),
        off=ALL,
        reason="Not you",
    ),
    # The tasks
    Case("servers cannot be read before the tasks", (refused(READ, skip=3),), everyone("failed"), reason="Not you"),
    Case(
        "the key pair cannot be read before the tasks",
        (refused("ListKeypairDetail", skip=1),),
        everyone("failed"),
        reason="Not you",
    ),
    Case(
        "running tasks cannot be read before the tasks",
        (refused(RUNNING, skip=1),),
        everyone("failed"),
        reason="Not you",
    ),
    Case(
        "KPS accepts with 202 and FAILED",
        ({"what": "associate_rejected", "server": ONE, "code": "KPS.3020", "message": "No agent"},),
        outcomes("failed", ONE),
        reason="KPS.3020: No agent",
        associates={ONE: 2},
    ),
    Case(
        "KPS refuses one server",
        (refused(ASSOCIATE, server=ONE),),
        outcomes("failed", ONE),
        reason="Not you",
        associates={ONE: 2},
    ),
    Case(
        "KPS refuses the credentials",
        (refused(ASSOCIATE, status=401, code="APIGW.0301", message="Bad signature"),),
        everyone("failed"),
        reason="the credentials were rejected",
        associates={"server-01": 2},
    ),
    Case(
        "KPS throttles one server twice",
        ({"what": "throttle", "operation": ASSOCIATE, "server": ONE, "times": 2, "retry_after": 1},),
        associates={ONE: 3},
    ),
    Case(
        "the response of KPS is lost while the task runs",
        ({"what": "close_after", "operation": ASSOCIATE, "server": ONE},),
        task_seconds=3,
    ),
    Case(
        "the response of KPS is lost and the task has failed",
        (
            {"what": "close_after", "operation": ASSOCIATE, "server": ONE},
            {"what": "task_fails", "server": ONE, "code": "KPS.3025", "message": "Disk full"},
        ),
        outcomes("failed", ONE),
        reason="KPS.3025: Disk full",
        associates={ONE: 2},
        task_seconds=0.01,
    ),
    Case(
        "the response of KPS is lost and the task has succeeded",
        ({"what": "close_after", "operation": ASSOCIATE, "server": ONE},),
        task_seconds=0.01,
    ),
    Case(
        "the request to KPS is lost",
        ({"what": "close_before", "operation": ASSOCIATE, "server": ONE},),
        outcomes("busy", ONE),
        off=(ONE,),
        reason="may still be queued",
        associates={ONE: 2},
    ),
    Case(
        "KPS breaks with 500 for one server",
        (broken(ASSOCIATE, server=ONE),),
        outcomes("busy", ONE),
        off=(ONE,),
        reason="may still be queued",
        associates={ONE: 2},
    ),
    Case(
        "a page of a proxy answers for KPS",
        ({"what": "html", "operation": ASSOCIATE, "server": ONE},),
        outcomes("busy", ONE),
        off=(ONE,),
        reason="may still be queued",
        associates={ONE: 2},
    ),
    Case(
        "the response of KPS is lost and nothing can be read then",
        (
            {"what": "close_after", "operation": ASSOCIATE, "server": ONE},
            refused(RUNNING, skip=2, times=2),
        ),
        outcomes("busy", ONE),
        off=(ONE,),
        reason="is not known",
        task_seconds=12,
        variables={"keypair_reset_timeout": 30},
    ),
    # The wait
    Case(
        "one task fails",
        ({"what": "task_fails", "server": ONE, "code": "KPS.3025", "message": "Disk full"},),
        outcomes("failed", ONE),
        reason="KPS.3025: Disk full",
        associates={ONE: 2},
    ),
    Case(
        "one task fails without a reason",
        ({"what": "task_fails", "server": ONE}, refused(FAILED, times=None)),
        outcomes("failed", ONE),
        reason="gives no reason",
        associates={ONE: 2},
    ),
    Case(
        "one task outlasts the wait",
        ({"what": "task_stuck", "server": ONE},),
        outcomes("busy", ONE),
        off=(ONE,),
        reason="it adopts the task",
        variables={"keypair_reset_timeout": 4},
        fix=end_task(after=0),
    ),
    Case(
        "one task outlasts the wait and is adopted by the next",
        ({"what": "task_stuck", "server": ONE},),
        outcomes("busy", ONE),
        off=(ONE,),
        reason="it adopts the task",
        variables={"keypair_reset_timeout": 4},
        fix=end_task(after=8),
        more={"keypair_reset_timeout": 30},
    ),
    Case(
        "one task ends with an unknown status",
        ({"what": "task_word", "server": ONE, "word": "DONE_AND_DUSTED"},),
        outcomes("busy", ONE),
        off=(ONE,),
        reason="KPS does not document this status",
        variables={"keypair_reset_timeout": 4},
    ),
    Case("one task is not in the list while it runs", ({"what": "task_hidden", "server": ONE},), task_seconds=3),
    Case("one task stays in the list when it has ended", ({"what": "task_lingers", "server": ONE},)),
    Case(
        "KPS denies one task with 404",
        (refused(TASK, server=ONE, status=404, code="KPS.0404", times=None), {"what": "task_hidden", "server": ONE}),
        outcomes("failed", ONE),
        reason="no longer knows its task",
    ),
    Case(
        "KPS denies one task as illegal",
        (refused(TASK, server=ONE, status=400, code="KPS.0001", times=None), {"what": "task_hidden", "server": ONE}),
        outcomes("failed", ONE),
        reason="no longer knows its task",
    ),
    Case(
        "KPS denies a task that its own list says is running",
        (
            refused(TASK, server=ONE, status=404, code="KPS.0404", times=6),
            {"what": "task_slow", "server": ONE, "seconds": 8},
        ),
        outcomes("busy", ONE),
        off=(ONE,),
        reason="listed its task as running",
        variables={"keypair_reset_timeout": 30},
    ),
    Case(
        "the credentials are refused in the middle of the wait",
        (
            refused(TASK, status=401, code="APIGW.0301", times=None),
            refused(RUNNING, status=401, code="APIGW.0301", skip=2, times=None),
        ),
        everyone("busy"),
        off=ALL,
        reason="APIGW.0301",
        task_seconds=3,
    ),
    Case(
        "KPS throttles the wait",
        ({"what": "throttle", "operation": TASK, "times": 4, "retry_after": 1},),
        variables={"keypair_reset_timeout": 30},
    ),
    Case(
        "KPS breaks with 500 during the wait",
        (broken(TASK, times=3), broken(RUNNING, skip=2, times=2)),
        variables={"keypair_reset_timeout": 30},
    ),
    Case(
        "KPS breaks with 500 until the wait gives up",
        (broken(TASK, times=None), broken(RUNNING, skip=2, times=None)),
        everyone("busy"),
        off=ALL,
        reason="The wait for its task was interrupted. ",
    ),
    # The start
    Case("the start is refused", (refused(START),), everyone("failed"), off=ALL, reason="Not you"),
    Case("the start breaks with 500", (broken(START),), everyone("failed"), off=ALL, reason="500"),
    Case("the response to the start is lost", ({"what": "close_after", "operation": START},)),
    Case(
        "the start is lost on its way",
        ({"what": "close_before", "operation": START},),
        everyone("failed"),
        off=ALL,
        reason="had no usable response",
    ),
    Case(
        "one server does not start",
        ({"what": "start_fails", "server": ONE, "message": "No resources"},),
        outcomes("failed", ONE),
        off=(ONE,),
        reason="No resources",
    ),
    Case(
        "one server never gets to its start",
        ({"what": "job_stuck", "operation": START, "server": ONE},),
        outcomes("failed", ONE),
        off=(ONE,),
        reason="when the time was up",
        fix=set_fields(task_state=None),
    ),
    Case(
        "servers cannot be read before the start",
        (refused(READ, skip=4),),
        everyone("failed"),
        off=ALL,
        reason="Not you",
    ),
    Case(
        "servers cannot be read after the start",
        (refused(READ, skip=5),),
        everyone("failed"),
        reason="could not be read afterwards: ",
        too_careful=True,
    ),
    # Another job
    Case(
        "another job changes the key pair during the wait",
        (),
        outcomes("failed", ONE),
        reason="Another user or job changed its key pair meanwhile: it is theirs",
        during=another_job,
        changed_hands=True,
        associates={ONE: 2},
    ),
    Case(
        "the cloud tells of another key pair than was asked for",
        ({"what": "patch", "operation": READ, "skip": 5, "server": ONE, "patch": {"servers": {"key_name": None}}},),
        outcomes("failed", ONE),
        reason="Another user or job changed its key pair meanwhile: it is unbound",
    ),
    Case(
        "another job starts a task between the stop and the tasks",
        ({"what": "task_stuck", "server": ONE},),
        outcomes("busy", ONE),
        off=(ONE,),
        reason="KPS works on its key pair",
        during=begin_task,
        fix=end_task(after=8),
        more={"keypair_reset_timeout": 30},
        associates={ONE: 0},
    ),
    # The verification
    Case(
        "one server never answers to SSH",
        ({"what": "ssh_never_up", "server": ONE},),
        outcomes("failed", ONE),
        reason="It could not be verified that the new key is accepted: ssh: connect to host",
        fix=listen_again,
        logins=True,
    ),
    Case(
        "one server refuses the new key",
        ({"what": "new_key_refused", "server": ONE},),
        outcomes("failed", ONE),
        reason="The new key was not accepted: The server said",
        more={"keypair_reset_force": True},
        associates=dict.fromkeys(ALL, 2),
        logins=True,
    ),
    Case(
        "one server still accepts the old key",
        ({"what": "old_key_stays", "server": ONE},),
        outcomes("failed", ONE),
        reason="The old key is still accepted",
        fix=forget_old_key,
        logins=True,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_after_a_fault_the_report_is_correct_and_the_same_command_finishes(benches: Benches, case: Case) -> None:
    bench = benches(len(ALL), fleet=case.logins, task_seconds=case.task_seconds)
    for fault in case.faults:
        bench.emulator.fail(**fault)
    variables = {**(with_keys(bench) if case.logins else {}), **case.variables}

    program = start(bench, variables)
    if case.during is not None:
        case.during(bench, program)
    program.wait()
    applied = {fault.what: fault.played for fault in bench.emulator.world.faults}
    assert all(applied.values()), f"not every fault came to pass: {applied}\n{program.output}"
    check_honest(bench, program, too_careful=case.too_careful)
    rows = bench.rows
    assert {host: row["result"] for host, row in rows.items()} == case.results, program.output
    assert off(bench) == set(case.off), program.output
    assert case.reason in (rows[ONE]["reason"] or ""), rows[ONE]
    good = all(result == "reset" for result in case.results.values())
    assert program.process.returncode == (0 if good else 2), program.output
    assert collisions(bench) == []

    bench.emulator.heal()
    if case.fix is not None:
        case.fix(bench)
    again = start(bench, {**variables, **case.more}).wait()
    check_finished(bench, again)
    assert collisions(bench) == []
    assert {**dict.fromkeys(ALL, 0), **associates(bench)} == {**dict.fromkeys(ALL, 1), **case.associates}
    wanted = case.associates if case.more.get("keypair_reset_force") else {ONE: 2} if case.changed_hands else {}
    assert resets(bench) == {**dict.fromkeys(ALL, 1), **wanted}


def test_nothing_is_touched_when_there_is_no_place_for_the_journal(benches: Benches) -> None:
    bench = benches(2, fleet=False)
    program = start(bench, {"keypair_reset_journal_dir": str(bench.directory / "nowhere")}).wait()
    assert program.process.returncode == 2, program.output
    assert bench.emulator.writes() == []


#: Where a play is cut off: when this is in its output, and the number of tasks that KPS has been asked for.
STAGES = {
    "stop": ("Stop the servers]", 0),
    "stopping": ("Wait until the servers have stopped]", 0),
    "associate": ("Start the key pair tasks]", 0),
    "associating": ("Start the key pair tasks]", 1),
    "wait": ("Wait for KPS to finish]", 0),
    "start": ("Start the servers]", 0),
    "starting": ("Wait until the servers run]", 0),
    "verify": ("Verify logins with the new and the old key]", 0),
}


@pytest.mark.parametrize(
    ("number", "journal"),
    [
        pytest.param(number, journal, id=f"{number.name}-{'journal' if journal else 'no-journal'}")
        for number, journal in (
            *((signal.SIGKILL, journal) for journal in (True, False)),
            *((signal.SIGTERM, journal) for journal in (True, False)),
            (signal.SIGINT, True),
        )
    ],
)
@pytest.mark.parametrize("stage", STAGES)
def test_a_play_that_is_cut_off_is_finished_by_the_same_command(
    benches: Benches, stage: str, number: signal.Signals, journal: bool
) -> None:
    bench = benches(len(ALL), fleet=False, task_seconds=3, job_seconds=1)
    variables: dict[str, t.Any] = {"keypair_reset_timeout": 60, "keypair_reset_power_timeout": 30}
    if journal:
        (bench.directory / "journal").mkdir()
        variables["keypair_reset_journal_dir"] = str(bench.directory / "journal")
    text, asked = STAGES[stage]
    program = start(bench, variables)
    program.until(lambda: text in program.output and len(bench.emulator.requests.of(ASSOCIATE)) >= asked)
    program.signal(number)
    program.process.wait(30)
    assert program.process.returncode != 0
    # What is under way in the cloud goes on, so that servers may go off only now.
    time.sleep(1.5)
    # What it has left behind says which servers may be off: its lines, and the journal.
    assert off(bench) <= set(re.findall(r'"([\w-]+) +stop, ', program.output))
    if journal:
        assert off(bench) <= noted(bench)
    again = start(bench, variables).wait()
    check_finished(bench, again)
    assert collisions(bench) == []
    assert associates(bench) == resets(bench) == dict.fromkeys(ALL, 1)
    if journal:
        assert list((bench.directory / "journal").iterdir()) == []
