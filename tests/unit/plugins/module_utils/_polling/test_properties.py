# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The properties of every wait, whatever the tasks, the service and the network do, numbered from P1."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import typing as t

from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import STATES, TaskStatus
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options, Outcome, wait
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import TaskState
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._polling.scenarios import (
    KNOWN_STATUSES,
    THROTTLES,
    TRANSIENT,
    TRAPS,
    Scenario,
    scenarios,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._polling.scripted import (
    GONE,
    ScriptedBackend,
    ScriptedClock,
    Statement,
    StatusTimeline,
    Throttle,
    classify,
    run_side_by_side,
    status_at,
)

TINY = 1e-6
#: What the poller allows itself beyond the deadline: for a call under way, for clocks that sleep too long, for reasons.
GRACE, LATE, REASONS = 10.0, 0.05, 1.0

BAD = ("failed", "missing", "error")


def tasks(outcome: Outcome) -> dict[str, dict[str, t.Any]]:
    """Return the tasks of a result by id."""
    return {task["id"]: task for task in outcome.result["tasks"]}


def heard(cloud: ScriptedBackend, task: dict[str, t.Any]) -> list[Statement]:
    """Return what the cloud said about a task until the poller had its verdict; skip rows about ended tasks."""
    ended = task["elapsed"] + 0.001 if task["finished"] else float("inf")
    return [said for said in cloud.statements if said.task_id == task["id"] and said.at <= ended]


def spacing(scenario: Scenario) -> float:
    """Return the longest time between two calls of a round while nothing is throttled."""
    latencies: tuple[float, ...] = scenario.cloud["latencies"]
    return max(1 / scenario.rate, 0.2, *latencies)


# P1


@given(scenarios())
def test_p1_nothing_sleeps_or_sends_or_hangs_past_the_deadline(scenario: Scenario) -> None:
    _outcome, cloud = scenario.run()
    first = max(scenario.deadline, GRACE)
    for _begin, end in cloud.clock.sleeps:
        assert end <= first + REASONS * cloud.has_reasons + TINY
    for call in cloud.calls:
        extra = REASONS if call.kind == "reasons" else 0.0
        assert call.sent <= first + LATE + extra + 0.5 + TINY
        assert 0 < call.timeout <= scenario.options["request_timeout"] + TINY
        assert call.sent + call.timeout <= scenario.deadline + GRACE + TINY
    assert cloud.clock.age() <= scenario.deadline + GRACE + TINY


@given(scenarios(timeout=60.0, request_timeout=30.0))
def test_p1_after_the_first_round_no_sleep_ends_after_the_deadline(scenario: Scenario) -> None:
    _outcome, cloud = scenario.run()
    for _begin, end in cloud.clock.sleeps:
        assert end <= scenario.deadline + REASONS * cloud.has_reasons + TINY


@given(scenarios(faults=("hang",), statuses=("RUNNING_X",), timeout=60.0, request_timeout=30.0, error_grace=1000.0))
def test_p1_a_call_that_hangs_does_not_cost_the_last_poll(scenario: Scenario) -> None:
    _outcome, cloud = scenario.run()
    cut_short = [call for call in cloud.calls if call.fault == "hang" and call.sent < scenario.deadline - 1 - TINY]
    last = max(call.sent for call in cloud.calls)
    for call in cut_short[:-1]:
        assert call.sent + call.timeout <= scenario.deadline + TINY or call.sent >= last - 6 * spacing(scenario)
    assert last >= scenario.deadline - 1 - 6 * spacing(scenario)


@given(scenarios(faults=(), statuses=KNOWN_STATUSES, timeout=0.0, delay=0.0, lies=False, confirm=1))
def test_p1_timeout_zero_still_polls_every_task(scenario: Scenario) -> None:
    outcome, _cloud = scenario.run()
    assert all(task["polls"] for task in tasks(outcome).values())


@given(scenarios(faults=(), timeout=30.0))
def test_p1_with_a_responsive_service_the_end_is_on_time(scenario: Scenario) -> None:
    clock, cloud = scenario.begin(latencies=(0.05,))
    scenario.wait(clock, cloud)
    reasons = 1 / scenario.rate + 0.05 if cloud.sent("reasons") else 0.0
    assert clock.age() <= scenario.deadline + 0.1 + min(reasons, REASONS + 0.05) + TINY


@given(scenarios(faults=(), timeout=30.0))
def test_p1_with_a_slow_service_the_end_is_later_by_two_calls_at_most(scenario: Scenario) -> None:
    _outcome, cloud = scenario.run()
    reasons = 1 / scenario.rate + max(scenario.cloud["latencies"]) if cloud.sent("reasons") else 0.0
    late = 2 * max(0.2, *scenario.cloud["latencies"])
    assert cloud.clock.age() <= scenario.deadline + late + LATE + min(reasons, REASONS + late)


# P2


def test_p2_a_scripted_status_is_compared_exactly() -> None:
    assert [classify(status) for status in TRAPS] == ["unknown"] * len(TRAPS)


@given(scenarios())
def test_p2_a_verdict_is_the_last_statement_about_that_task(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    for task in tasks(outcome).values():
        said = heard(cloud, task)
        assert (task["polls"] > 0) == bool(said)
        if task["state"] in ("success", "failed"):
            assert classify(said[-1].status) == task["state"]
            assert task["status"] == said[-1].status
        elif task["state"] == "missing":
            assert said[-1].status == GONE
        elif said and said[-1].status not in (GONE, None):
            # Unfinished, or ended and not yet confirmed.
            assert task["status"] == said[-1].status
            assert task["state"] == "pending"
            assert classify(said[-1].status) == "pending" or scenario.options["confirm"] > 1


@given(scenarios(lies=False))
def test_p2_a_verdict_is_true_when_it_is_given(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    for task_id, task in tasks(outcome).items():
        if task["state"] in ("success", "failed"):
            assert classify(status_at(scenario.timelines[task_id], task["elapsed"] + TINY)) == task["state"] or (
                classify(status_at(scenario.timelines[task_id], task["elapsed"] - 0.001)) == task["state"]
            )
            assert cloud.statements


@given(scenarios(confirm=1))
def test_p2_a_task_is_missing_only_after_the_grace(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    grace = scenario.options["not_found_grace"]
    for task in tasks(outcome).values():
        said = heard(cloud, task)
        denied: list[float] = []
        for statement in said:
            denied = [*denied, statement.at] if statement.status == GONE else []
        lasted = denied[-1] - denied[0] if denied else -1.0
        if task["state"] == "missing":
            assert lasted >= grace - TINY
        elif denied and task["state"] == "pending":
            assert lasted < grace + TINY


@given(scenarios(statuses=("READY_X", "RUNNING_X"), timeout=60.0))
def test_p2_absence_from_a_list_is_never_a_verdict(scenario: Scenario) -> None:
    outcome, _cloud = scenario.run()
    assert outcome.result["summary"]["pending"] == len(scenario.timelines)


@given(scenarios(statuses=KNOWN_STATUSES, lasting=True, confirm=3, lies=False))
def test_p2_a_verdict_was_confirmed_in_as_many_rounds(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    for task_id, task in tasks(outcome).items():
        if task["state"] in ("success", "failed"):
            ended = [s for s in cloud.statements if s.task_id == task_id and classify(s.status) == task["state"]]
            assert len(ended) >= 3


# P3


@given(scenarios(faults=(), lies=False, confirm=1, not_found_grace=1000.0))
def test_p3_on_timeout_every_pending_task_was_polled_within_one_round_of_the_deadline(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    if not outcome.result["timed_out"] or scenario.deadline < GRACE:
        return
    pages = 0 if cloud.page_size is None else 1 + (len(scenario.timelines) + cloud.other_rows) // cloud.page_size
    round_length = (len(scenario.timelines) + pages) * spacing(scenario)
    asked: dict[str, float] = {}
    for call in cloud.sent("read"):
        asked[call.about] = call.sent
    for statement in cloud.statements:
        asked[statement.task_id] = max(asked.get(statement.task_id, 0.0), statement.at)
    for task_id in outcome.result["pending_ids"]:
        assert asked[task_id] >= scenario.deadline - round_length - TINY


@given(st.integers(0, 240), st.integers(0, 5), scenarios(faults=(), most=1, confirm=1, timeout=60.0))
def test_p3_a_task_that_ends_in_time_is_never_timed_out(quarters: int, seed: int, scenario: Scenario) -> None:
    timelines: dict[str, StatusTimeline] = {"t-0": ((0.0, "RUNNING_X"), (quarters / 4, "SUCCESS_X"))}
    outcome, _cloud = Scenario(timelines, scenario.options, scenario.cloud, seed).run()
    assert not outcome.failed
    assert tasks(outcome)["t-0"]["state"] == "success"


@given(scenarios(faults=(), statuses=("RUNNING_X",), most=20, lists=False, timeout=60.0, confirm=1))
def test_p3_the_last_round_ends_at_the_deadline(scenario: Scenario) -> None:
    clock, cloud = scenario.begin(latencies=(0.05,))
    scenario.wait(clock, cloud)
    assert scenario.deadline - 1 / scenario.rate - 0.1 <= cloud.calls[-1].sent <= scenario.deadline + LATE


# P4


@given(scenarios(statuses=(*TRAPS, "RUNNING_X"), confirm=1))
def test_p4_a_status_outside_the_table_is_never_a_success(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    assert outcome.result["summary"]["success"] == outcome.result["summary"]["failed"] == 0
    assert outcome.failed or not scenario.timelines
    last = {statement.task_id: statement for statement in cloud.statements}
    for task_id, task in tasks(outcome).items():
        if task_id in last and last[task_id].kind == "read":
            assert task["state"] == ("pending" if last[task_id].status == "RUNNING_X" else "unknown")


@given(scenarios(statuses=(*TRAPS, *KNOWN_STATUSES), success_statuses=("OK",), failure_statuses=("PAUSED_X",)))
def test_p4_the_statuses_of_the_user_are_compared_exactly(scenario: Scenario) -> None:
    outcome, _cloud = scenario.run()
    for task in tasks(outcome).values():
        assert task["state"] != "success" or task["status"] in ("SUCCESS_X", "OK")
        assert task["state"] != "failed" or task["status"] in ("FAILED_X", "PAUSED_X")


@given(scenarios(statuses=(*TRAPS, "RUNNING_X"), unknown_status="fail", confirm=1, faults=()))
def test_p4_unknown_status_fail_ends_the_wait_when_it_comes_twice_in_a_row(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    assert outcome.failed
    unknown = {task_id: task["history"][-1] for task_id, task in tasks(outcome).items() if task["state"] == "unknown"}
    if "twice in a row" in outcome.msg:
        assert [
            task_id for task_id, last in unknown.items() if f"task {task_id} has " in outcome.msg and last["polls"] > 1
        ]
    else:
        assert all(last["last"] - last["first"] < scenario.options["interval"] for last in unknown.values())


# P5


@given(scenarios(faults=(*THROTTLES, "unavailable", "unauthorized"), most=10))
def test_p5_calls_are_spaced_and_the_gate_stays_closed(scenario: Scenario) -> None:
    clock, cloud = scenario.begin(may_reauthenticate=True)
    scenario.wait(clock, cloud)
    for call, following in zip(cloud.calls, cloud.calls[1:]):
        assert following.sent - call.sent >= 1 / scenario.rate - TINY
    for call in cloud.calls:
        if isinstance(call.fault, Throttle) and call.fault.retry_after and call.answered is not None:
            opens = call.answered + call.fault.retry_after
            assert not [late for late in cloud.calls if call.sent < late.sent < opens - TINY]


@given(scenarios(faults=THROTTLES, most=10, latency=2.0, timeout=60.0))
def test_p5_calls_side_by_side_are_spaced_as_well(scenario: Scenario) -> None:
    clock, cloud = scenario.begin()
    options = Options(**scenario.options)
    draw = random.Random(scenario.seed).random
    wait(
        cloud,
        list(scenario.timelines),
        options,
        clock=clock,
        rng=draw,
        run_calls=run_side_by_side(clock),
        connections=4,
    )
    for call, following in zip(cloud.calls, cloud.calls[1:]):
        assert following.sent - call.sent >= 1 / scenario.rate - TINY
    for call in cloud.calls:
        current = [
            other for other in cloud.calls if other.sent <= call.sent < (other.answered or other.sent + other.timeout)
        ]
        assert len(current) <= 4


@given(scenarios(faults=(Throttle(),), statuses=("RUNNING_X",), most=1, timeout=110.0, rate=4.0, interval=0.5))
def test_p5_a_throttled_wait_backs_off_without_retry_after(scenario: Scenario) -> None:
    _outcome, cloud = scenario.run()
    for call, following in zip(cloud.calls, cloud.calls[1:]):
        if call.fault is not None and call.answered is not None:
            assert following.sent - call.answered >= 1 - TINY


# P6


@given(scenarios(statuses=KNOWN_STATUSES, lasting=True, faults=THROTTLES, confirm=1))
def test_p6_throttling_alone_never_fails_a_wait(scenario: Scenario) -> None:
    outcome, _cloud = scenario.run()
    ended = outcome.result["timed_out"] or not outcome.result["pending_ids"]
    assert ended
    assert "No usable response" not in outcome.msg
    assert outcome.failed == (outcome.result["timed_out"] or outcome.result["summary"]["failed"] > 0)


@given(scenarios(faults=(*TRANSIENT, Throttle(), "forbidden")))
def test_p6_transient_errors_fail_a_wait_only_after_the_grace_without_any_response(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    silent: list[float] = []
    for call in cloud.calls:
        silent = [*silent, call.sent] if call.fault in TRANSIENT else []
    lasted = cloud.clock.age() - silent[0] if silent else -1.0
    if "No usable response" in outcome.msg:
        assert lasted >= scenario.options["error_grace"] - TINY
    elif not cloud.sent("reasons"):
        assert lasted < scenario.options["error_grace"]


@given(
    scenarios(
        statuses=KNOWN_STATUSES, lasting=True, faults=("unavailable", "cut", "reset"), error_grace=3.0, timeout=110.0
    )
)
def test_p6_errors_with_responses_between_them_never_fail_a_wait(scenario: Scenario) -> None:
    clock, cloud = scenario.begin(faults=[fault for found in scenario.cloud["faults"] * 3 for fault in (found, None)])
    outcome = scenario.wait(clock, cloud)
    assert "No usable response" not in outcome.msg
    assert outcome.result["timed_out"] or not outcome.result["pending_ids"]


@given(scenarios(statuses=KNOWN_STATUSES, lasting=True, faults=TRANSIENT, error_grace=1000.0, confirm=1, timeout=110.0))
def test_p6_after_transient_errors_the_wait_goes_on(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    unfinished = [call for call in cloud.calls if call.fault is None]
    assert outcome.result["timed_out"] or not outcome.result["pending_ids"]
    assert unfinished or outcome.result["pending_ids"]


# P7


SLICES = st.lists(st.sampled_from([0.25, 1.0, 5.0, 30.0]), min_size=1, max_size=3)


@given(scenarios(), SLICES)
def test_p7_slices_make_the_calls_of_one_run(scenario: Scenario, lengths: list[float]) -> None:
    whole, one = scenario.run()
    outcome, many, slices = scenario.run_in_slices(lengths)
    # A slice that begins after the deadline may still finish the round, so that later calls may be more.
    ours, theirs = ([call for call in cloud.calls if call.sent <= scenario.deadline] for cloud in (many, one))
    assert [(call.kind, call.about) for call in ours] == [(call.kind, call.about) for call in theirs]
    for call, other in zip(ours, theirs):
        assert abs(call.sent - other.sent) < 1e-3
        assert abs(call.timeout - other.timeout) < 1e-3
    assert len(many.calls) >= len(one.calls)
    if len(many.calls) > len(one.calls):
        return
    assert outcome.failed == whole.failed
    assert outcome.result["summary"] == whole.result["summary"]
    assert [task["data"] for task in outcome.result["tasks"]] == [task["data"] for task in whole.result["tasks"]]
    assert outcome.warnings == whole.warnings


@given(scenarios(statuses=KNOWN_STATUSES, lasting=True, confirm=1), SLICES)
def test_p7_slices_end_with_true_verdicts_whatever_fails(scenario: Scenario, lengths: list[float]) -> None:
    outcome, _cloud, _slices = scenario.run_in_slices(lengths)
    ends = {"SUCCESS_X": "success", "FAILED_X": "failed"}
    for task in outcome.result["tasks"]:
        if task["state"] in ends.values():
            assert task["state"] == ends[str(scenario.timelines[task["id"]][-1][1])]
    ended = sum(task["state"] in ends.values() for task in outcome.result["tasks"])
    assert ended == outcome.result["summary"]["success"] + outcome.result["summary"]["failed"]
    assert outcome.failed == (ended < len(scenario.timelines) or outcome.result["summary"]["failed"] > 0)


# P8


@given(scenarios(statuses=KNOWN_STATUSES, mode="fail_fast", confirm=1, faults=(None, "rejected", "unavailable")))
def test_p8_fail_fast_ends_with_the_first_failure(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    deciding = [s for s in cloud.statements if classify(s.status) == "failed"]
    refused = [call for call in cloud.sent("read") if call.fault == "rejected"]
    moments = [s.at for s in deciding[:1]] + [call.answered or 0.0 for call in refused[:1]]
    if moments:
        assert not [call for call in cloud.sent("read", "page") if call.sent > min(moments) + TINY]
        assert outcome.failed
    assert sum(outcome.result["summary"][state] for state in BAD) <= len(scenario.timelines)


@given(scenarios(statuses=KNOWN_STATUSES, mode="any", confirm=1, faults=(None, "unavailable")))
def test_p8_any_ends_with_the_first_success(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    deciding = [s.at for s in cloud.statements if classify(s.status) == "success"]
    if deciding:
        assert not [call for call in cloud.sent("read", "page") if call.sent > deciding[0] + TINY]
        assert not outcome.failed
    else:
        assert outcome.failed


# P9


@given(scenarios(statuses=(*KNOWN_STATUSES, *TRAPS, GONE)))
def test_p9_histories_are_consistent(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    for task in tasks(outcome).values():
        history = task["history"]
        said = heard(cloud, task)
        assert sum(run["polls"] for run in history) == task["polls"] == len(said)
        for run in history:
            assert run["first"] <= run["last"]
            assert (run["polls"] == 1) == (run["first"] == run["last"]) or run["polls"] > 1
        if not cloud.lists_only_pending:
            told = [
                (status if status != GONE else None)
                for status, _said in itertools.groupby(said, lambda one: one.status)
            ]
            assert [run["status"] for run in history] == told
        for run, following in zip(history, history[1:]):
            assert run["last"] <= following["first"]
            assert run["status"] != following["status"]
        if history:
            assert task["last_seen"] == history[-1]["last"] == round(said[-1].at, 3)
            assert history[0]["first"] == round(said[0].at, 3)
        else:
            assert task["last_seen"] is None


# P10


@given(
    scenarios(faults=("unauthorized", "unauthorized", Throttle()), most=4), st.lists(st.sampled_from([None, "reset"]))
)
def test_p10_reauthentication_is_tried_once_per_call_and_never_in_a_loop(
    scenario: Scenario, reauthentication_faults: list[str | None]
) -> None:
    clock, cloud = scenario.begin(may_reauthenticate=True, reauthentication_faults=reauthentication_faults)
    outcome = scenario.wait(clock, cloud)
    refused = [call for call in cloud.calls if call.fault == "unauthorized"]
    assert len(cloud.reauthentications) <= len(refused)
    assert outcome.result["reauthentications"] == len(cloud.reauthentications)
    twice = [
        call
        for call, following in zip(cloud.calls, cloud.calls[1:])
        if call.fault == following.fault == "unauthorized"
        and (call.kind, call.about) == (following.kind, following.about)
        and call.kind != "reasons"
    ]
    failed_logins = [fault for fault in reauthentication_faults[: len(cloud.reauthentications)] if fault]
    if twice and not failed_logins:
        assert outcome.failed
        assert "also after re-authentication" in outcome.msg
        assert cloud.calls[-1].fault == "unauthorized"


@given(scenarios(faults=("unauthorized", Throttle()), most=4))
def test_p10_without_reauthentication_the_first_rejection_is_the_end(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    refused = [call for call in cloud.sent("read", "page") if call.fault == "unauthorized"]
    assert len(refused) <= 1
    if refused:
        assert outcome.failed
        assert "Not authorized" in outcome.msg
        assert cloud.calls[-1] is refused[0]
    assert not cloud.reauthentications


# P11


@given(scenarios(faults=(*TRANSIENT, *THROTTLES)), st.data())
def test_p11_a_signal_leaves_a_valid_result_and_token(scenario: Scenario, data: st.DataObject) -> None:
    whole, before = scenario.run()
    clock, cloud = scenario.begin()
    if data.draw(st.booleans()) and before.calls:
        cloud.signal_at_call = data.draw(st.integers(0, len(before.calls) - 1))
    else:
        clock.signal_at = data.draw(st.floats(0, max(1.0, before.clock.age())))
    outcome = scenario.wait(clock, cloud)
    json.dumps(outcome.result)
    if not outcome.result["interrupted"]:
        # It came too late: after the end, or when only the reasons of failures were still to be read.
        assert clock.signal_at is not None or whole.result["summary"] == outcome.result["summary"]
        return
    assert outcome.failed
    assert "Interrupted by SIGTERM" in outcome.msg
    assert len(outcome.result["tasks"]) == len(scenario.timelines)
    assert all(task["state"] in STATES for task in tasks(outcome).values())
    assert len(cloud.calls) <= len(before.calls)
    assert ("resume" in outcome.result) == bool(outcome.result["pending_ids"])
    assert not outcome.result["timed_out"]
    assert whole.result["summary"]["total"] == outcome.result["summary"]["total"]


@given(
    scenarios(
        statuses=KNOWN_STATUSES, lasting=True, faults=(), confirm=1, lies=False, timeout=110.0, on_failure="return"
    ),
    st.data(),
)
def test_p11_a_resumed_wait_comes_to_the_same_end(scenario: Scenario, data: st.DataObject) -> None:
    whole, before = scenario.run()
    clock, cloud = scenario.begin()
    cloud.signal_at_call = data.draw(st.integers(0, max(0, len(before.calls) - 1)))
    first = scenario.wait(clock, cloud)
    if "resume" not in first.result:
        return
    asked = len(cloud.calls)
    cloud.signal_at_call = None
    token = json.loads(json.dumps(first.result["resume"], sort_keys=True))
    options = Options(**{**scenario.options, "timeout": 200.0})
    second = wait(cloud, [], options, clock=clock, rng=random.Random(scenario.seed).random, resume=token)
    assert list(tasks(second)) == list(scenario.timelines)
    for task_id, task in tasks(whole).items():
        if task["finished"]:
            assert tasks(second)[task_id]["state"] == task["state"]
            assert tasks(second)[task_id]["status"] == task["status"]
    done = {task_id for task_id, task in tasks(first).items() if task["finished"]}
    assert not [call for call in cloud.calls[asked:] if call.about in done]
    assert second.result["calls"] == len(cloud.calls)
    assert second.result["elapsed"] >= first.result["elapsed"]
    for task_id in done:
        assert tasks(second)[task_id]["history"] == tasks(first)[task_id]["history"]
        assert tasks(second)[task_id]["elapsed"] == tasks(first)[task_id]["elapsed"]


# P12


@given(scenarios(statuses=KNOWN_STATUSES, timeout=7.5))
def test_p12_a_token_holds_nothing_but_what_a_wait_needs(scenario: Scenario) -> None:
    clock, cloud = scenario.begin()
    outcome = wait(
        cloud,
        list(scenario.timelines),
        Options(**scenario.options),
        clock=clock,
        rng=random.Random(0).random,
        scope={"region": "cn-north-4"},
    )
    token = outcome.result.get("resume")
    if token is None:
        return
    # What has its default is left out, such as the age of a wait that has not begun.
    required = {"v", "service", "scope", "requests", "tasks"}
    assert required <= set(token) <= required | {"started", "rounds"}
    assert token["scope"] == {"region": "cn-north-4"}
    assert set(token["requests"]) <= {"limiter", "counters"}
    assert set(token["requests"]["limiter"]) <= {"highest_rate", "rate", "since", "gate"}
    assert set(token["rounds"]) <= {"number", "due"}
    known = {field.name for field in dataclasses.fields(TaskState)} - {"data"}
    for task in token["tasks"]:
        assert set(task) <= known


# P13


@given(scenarios(statuses=KNOWN_STATUSES, lasting=True, faults=(), confirm=1, lies=False, latency=0.05))
def test_p13_more_time_never_turns_success_into_failure(scenario: Scenario) -> None:
    shorter, _cloud = scenario.run()
    longer, _cloud = scenario.run(timeout=scenario.deadline + 100)
    for task_id, task in tasks(shorter).items():
        if task["finished"]:
            assert tasks(longer)[task_id]["state"] == task["state"]
    assert shorter.failed or not longer.failed


# P14


@example(
    Scenario(
        timelines={
            **dict.fromkeys(["t-0", "t-1", "t-2", "t-3", "t-4"], ((0.0, "READY_X"),)),
            "t-5": ((0.0, "FAILED_X"),),
        },
        options={
            "timeout": 60.0,
            "interval": 0.5,
            "max_interval": 1.0,
            "backoff": 0.0,
            "jitter": 0.0,
            "rate": 4.0,
            "not_found_grace": 0.0,
            "error_grace": 10.0,
            "request_timeout": 2.0,
        },
        cloud={"page_size": 1, "lists_only_pending": True, "faults": ("unavailable",), "has_reasons": True},
        seed=0,
    ),
    0.0,
)  # its last page is late by exactly the usual time of a request
@given(
    scenarios(jitter=0.0, backoff=0.0, rate=4.0, latency=0.25, faults=("unavailable", "cut")),
    st.sampled_from([0.0, 1.0, 2.0**20]),
)
def test_p14_only_the_monotonic_clock_counts_and_its_origin_does_not(scenario: Scenario, start: float) -> None:
    # The wall clock of FakeClock raises when it is read. Nearly all figures are sums of powers of two, which any origin
    # leaves exact, so that no decision hangs on the rounding of a sum.
    exact = {**scenario.cloud, "latencies": (0.0, 0.25)}
    clock = ScriptedClock()
    one = ScriptedBackend(clock, scenario.timelines, **exact)
    whole = scenario.wait(clock, one)
    clock = ScriptedClock(start)
    cloud = ScriptedBackend(clock, scenario.timelines, **exact)
    outcome = scenario.wait(clock, cloud)
    assert [(call.kind, call.about) for call in cloud.calls] == [(call.kind, call.about) for call in one.calls]
    assert all(abs(ours.sent - theirs.sent) < TINY for ours, theirs in zip(cloud.calls, one.calls))
    assert outcome.result["summary"] == whole.result["summary"]


# P15


@given(scenarios(faults=(), most=8, timeout=110.0))
def test_p15_the_number_of_calls_is_bounded(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    options = scenario.options
    # Rounds are an interval apart, but for the last one and a few after it when it cost less than foreseen.
    rounds = outcome.result["elapsed"] / options["interval"] + 2
    assert outcome.result["rounds"] <= rounds + 3
    per_round = 2 * len(scenario.timelines)
    assert len(cloud.sent("read", "page")) <= rounds * per_round + len(scenario.timelines)
    assert outcome.result["calls"] == len(cloud.calls)
    assert len(cloud.sent("reasons")) <= 2


@given(scenarios(faults=(), statuses=("RUNNING_X",), most=1, timeout=110.0, latency=0.05, jitter=0.0))
def test_p15_a_single_task_is_polled_by_the_square_root_law(scenario: Scenario) -> None:
    _outcome, cloud = scenario.run()
    options = scenario.options
    for call, following in zip(cloud.calls, cloud.calls[1:-1]):
        assert call.answered is not None
        law = options["backoff"] * call.answered**0.5
        pause = min(max(law, options["interval"]), max(options["interval"], options["max_interval"]))
        expected = max(call.answered + max(pause, 1 / scenario.rate / 3), call.sent + 1 / scenario.rate)
        assert abs(following.sent - expected) < TINY
    assert abs(cloud.calls[-1].sent - scenario.deadline) < TINY


@given(scenarios(), st.integers(2, 4))
def test_naming_a_task_twice_changes_nothing(scenario: Scenario, times: int) -> None:
    whole, one = scenario.run()
    clock, cloud = scenario.begin()
    ids = [task_id for task_id in scenario.timelines for _again in range(times)]
    outcome = wait(cloud, ids, Options(**scenario.options), clock=clock, rng=random.Random(scenario.seed).random)
    assert outcome == whole
    assert cloud.calls == one.calls


@given(scenarios(statuses=(*KNOWN_STATUSES, *TRAPS, GONE)))
def test_a_result_is_plain_json_with_the_same_keys_on_every_exit(scenario: Scenario) -> None:
    outcome, _cloud = scenario.run()
    result = outcome.result
    assert json.loads(json.dumps(result)) == result
    keys = {"tasks", "summary", "failed_ids", "pending_ids", "timed_out", "interrupted", "elapsed", "rounds", "calls"}
    assert keys | {"throttled", "errors", "reauthentications"} <= set(result)
    assert result["summary"]["total"] == len(result["tasks"]) == sum(result["summary"][state] for state in STATES)
    assert result["failed_ids"] == [task["id"] for task in result["tasks"] if task["state"] in BAD]
    assert result["pending_ids"] == [task["id"] for task in result["tasks"] if not task["finished"]]
    assert ("task" in result) == (len(result["tasks"]) == 1)
    assert ("resume" in result) == bool(result["pending_ids"])


# P16


@given(
    scenarios(
        statuses=KNOWN_STATUSES, lasting=True, confirm=1, error_grace=1000.0, delay=0.0, timeout=110.0, lies=False
    )
)
def test_p16_passing_faults_cost_no_verdict(scenario: Scenario) -> None:
    clock, cloud = scenario.begin()
    outcome = scenario.wait(clock, cloud, timeout=1000.0)
    faulty = [call for call in cloud.calls if call.fault is not None]
    for task_id, timeline in scenario.timelines.items():
        status = classify(timeline[-1][1])
        if status in ("success", "failed"):
            assert tasks(outcome)[task_id]["state"] == status
            # Seen within two rounds after the end, and after what the service asked to wait and the hanging calls took.
            cost = sum(max(30.0, call.timeout if call.fault == "hang" else 0.0) for call in faulty)
            assert tasks(outcome)[task_id]["elapsed"] <= timeline[-1][0] + 2 * 15 + 10 + cost


@given(
    scenarios(statuses=KNOWN_STATUSES, lasting=True, lists=False, confirm=1, timeout=110.0, rate=20.0, faults=()),
    st.data(),
)
def test_p16_one_failing_task_costs_the_others_only_its_own_calls(scenario: Scenario, data: st.DataObject) -> None:
    fault = data.draw(st.sampled_from(("unavailable", "broken", "reset", "odd")))
    failing = data.draw(st.sampled_from(list(scenario.timelines)))

    class Sick(ScriptedBackend):
        def read(self, task_id: str, timeout: float) -> TaskStatus:
            self.faults = [*[None] * len(self.calls), fault] if task_id == failing else []
            return super().read(task_id, timeout)

    options = {**scenario.options, "interval": 2.0, "max_interval": 15.0, "delay": 0.0, "error_grace": 30.0}
    healthy = {task_id: line for task_id, line in scenario.timelines.items() if task_id != failing}
    alone = Scenario(healthy, options, scenario.cloud, scenario.seed).run()[0]
    clock = ScriptedClock()
    outcome = scenario.wait(clock, Sick(clock, scenario.timelines, **scenario.cloud), **options)
    if "No usable response" in outcome.msg:
        assert all(task["finished"] for task_id, task in tasks(outcome).items() if task_id != failing)
        return
    for task_id, task in tasks(alone).items():
        if task["finished"] and task["elapsed"] < 60:
            assert tasks(outcome)[task_id]["state"] == task["state"]
            assert tasks(outcome)[task_id]["elapsed"] <= task["elapsed"] + 15 + 5 + 3 * 0.5


# P17


@given(scenarios(faults=(*TRANSIENT, *THROTTLES, "unauthorized", "forbidden", "rejected", "no_api", "certificate")))
def test_p17_every_exit_holds_every_task_and_a_token(scenario: Scenario) -> None:
    outcome, cloud = scenario.run()
    assert list(tasks(outcome)) == list(scenario.timelines)
    assert ("resume" in outcome.result) == bool(outcome.result["pending_ids"])
    for task_id, task in tasks(outcome).items():
        said = heard(cloud, task)
        if task["state"] in ("success", "failed"):
            assert classify(said[-1].status) == task["state"], task_id


# P18


@given(
    scenarios(statuses=("SUCCESS_X", "FAILED_X"), lasting=True, faults=(), most=3, timeout=0.0, delay=0.0), st.data()
)
def test_p18_polls_confirm_each_other_across_resumptions(scenario: Scenario, data: st.DataObject) -> None:
    confirm = data.draw(st.integers(1, 4))
    clock, cloud = scenario.begin(lag=0.0, slides=False, repeats_rows=False, other_ids=False, lists_only_pending=False)
    changes = {"confirm": confirm, "on_timeout": "return", "on_failure": "return"}
    outcome = scenario.wait(clock, cloud, **changes)
    for _resumption in range(confirm - 1):
        assert outcome.result["pending_ids"] == list(scenario.timelines)
        token = json.loads(json.dumps(outcome.result["resume"]))
        options = Options(**{**scenario.options, **changes})
        outcome = wait(cloud, [], options, clock=clock, rng=random.Random(0).random, resume=token)
    assert outcome.result["pending_ids"] == []
