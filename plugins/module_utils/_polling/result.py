# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a wait: its outcome, its rows and figures, and what is left out when it is too large.

AWX shows nothing of a result that is larger than 700,000 bytes, so a large one is shortened in steps. Each step leaves out
what is least missed: details before rows, tasks that succeeded before the others. The figures and the ids of all tasks that
did not succeed are always whole, so that the state of every task can be told (``every_task``).
"""

from __future__ import annotations

import json
import traceback
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError, UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    PENDING,
    STATES,
    SUCCESS,
    TaskBackend,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.messages import (
    DECIDED,
    INTERRUPTED,
    SLICE_OVER,
    TIMED_OUT,
    Ending,
    Messages,
    Summary,
    bug,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import WaitState
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import BAD, FINAL

Result = dict[str, t.Any]

#: Bytes of a result unless the user says otherwise: what AWX shows, less what else is in the event of a task.
MAX_SIZE = 600_000
#: The keys that the step ``details`` takes out of a row.
_DETAILS = ("history", "data")
#: The fields of a task in a token that stay when details are left out.
_ESSENTIAL = ("id", "state", "status", "reason", "ended_at", "reason_read", "not_found_since")


class Outcome(t.NamedTuple):
    """The outcome of a wait.

    Attributes:
        failed: The module fails.
        msg: What happened, for a person.
        result: The return values, plain JSON, the same keys on every exit.
        warnings: Warnings for the user.
        more: Only at the end of a slice that is not the last: ``state``, ``sleep`` (seconds) and ``line``.
    """

    failed: bool
    msg: str
    result: Result
    warnings: tuple[str, ...] = ()
    more: dict[str, t.Any] | None = None


def conclude(state: WaitState, backend: TaskBackend, options: Options, ending: Ending, age: float) -> Outcome:
    """Return the outcome.

    Args:
        state: The state of the wait.
        backend: The service.
        options: The options of the wait.
        ending: The end of the loop over rounds.
        age: The age of the wait at its end.
    """
    messages = Messages(state, backend, options, age)
    if ending.kind == SLICE_OVER:
        rest = seconds_to_next_call(state, age)
        line = messages.line(rest)
        more = {"state": state.dump(), "sleep": rest, "line": line}
        return Outcome(False, line, _figures(messages), more=more)
    result = _result_of(messages)
    result.update(timed_out=ending.kind == TIMED_OUT, interrupted=ending.kind == INTERRUPTED)
    if ending.error is not None:
        result.update(ending.error.as_result())
    exception = ending.exception or _traceback_of(ending.error)
    all_good = messages.count(SUCCESS) == len(state.tasks) > 0
    try:
        if all_good and ending.kind == DECIDED and ending.task is None and options.mode != "any":
            failed, msg = False, messages.success()
        else:
            failed, msg = messages.verdict(ending)
    except Exception as error:
        # A bug in a message must not cost what is known about the tasks.
        failed, msg, exception = True, f"{bug(error)} {messages.last_known()}", traceback.format_exc()
    if exception is not None:
        result["exception"] = exception
    return Outcome(failed, msg, result, tuple(state.warnings))


def recover(saved: t.Mapping[str, t.Any], elapsed: float, why: str) -> Result:
    """Return the result of a wait of which only the state after its last slice is left.

    Args:
        saved: ``Outcome.more["state"]`` of that slice.
        elapsed: Seconds since the first slice began.
        why: What ended the wait, as a sentence.
    """
    state = WaitState.load(saved)
    summary = Summary(state, state.started + elapsed)
    sentences = (why, summary.last_known(), summary.next_step())
    return {**_result_of(summary), "msg": " ".join(sentence for sentence in sentences if sentence), "failed": True}


def result_of_token(token: t.Mapping[str, t.Any]) -> Result:
    """Return the result of an earlier wait by its token, for a resumed wait that could not begin; empty for another value."""
    try:
        state = WaitState.resumed(token, token["service"], token["scope"], 1.0)
    except (UsageError, KeyError, TypeError):
        return {}
    return _result_of(Summary(state, state.started))


def progress_line(state: WaitState, backend: TaskBackend, options: Options, age: float) -> str:
    """Return the line of progress at an age of the wait."""
    return Messages(state, backend, options, age).line(seconds_to_next_call(state, age))


def seconds_to_next_call(state: WaitState, age: float) -> float:
    """Return the seconds until the next round or, while one goes on, until its next call may be sent."""
    return max(0.0, (state.rounds.due if state.rounds.queue is None else state.requests.limiter.gate) - age)


def _result_of(summary: Summary) -> Result:
    """Return what is known about every task, and the token while a task is pending."""
    result: Result = {
        "tasks": [task.as_result(summary.age) for task in summary.tasks],
        **_figures(summary),
        "timed_out": False,
        "interrupted": False,
    }
    if len(result["tasks"]) == 1:
        result["task"] = result["tasks"][0]
    if summary.unfinished:
        result["resume"] = summary.state.token(summary.age)
    return result


def _figures(summary: Summary) -> Result:
    return {
        "summary": {"total": len(summary.tasks), **{state: summary.count(state) for state in STATES}},
        "failed_ids": [task.id for task in summary.tasks if task.state in BAD],
        "pending_ids": [task.id for task in summary.unfinished],
        "elapsed": round(summary.age, 3),
        **vars(summary.state.requests.counters),
    }


def _traceback_of(error: CloudError | None) -> str | None:
    """Return the traceback of an exception that should not occur, when there is one behind an error."""
    cause = error and error.__cause__
    if cause is None or isinstance(cause, CloudError):
        return None
    return "".join(traceback.format_exception(type(cause), cause, cause.__traceback__))


def size_of(value: t.Any) -> int:
    """Return the size of a value as JSON, in bytes."""
    return len(json.dumps(value))


def shorten(result: Result, limit: int) -> Result:
    """Return a result of at most ``limit`` bytes as JSON, as far as that is possible.

    Args:
        result: The result of a wait; it is not changed.
        limit: Bytes; 0 or less leaves the result as it is.

    Returns:
        The result; ``shortened`` in it names the steps that were taken, if any: ``success_details``, ``details``,
        ``success_rows``, ``pending_rows``.
    """
    taken: list[str] = []
    for name, step in _STEPS.items():
        if limit <= 0 or size_of(result) <= limit:
            break
        taken.append(name)
        result = {**step(result), "shortened": list(taken)}
    return result


def every_task(result: t.Mapping[str, t.Any], ids: t.Iterable[str]) -> list[Result]:
    """Return a row for each task of a wait; rows that were left out come back without their details.

    Args:
        result: The result of the wait.
        ids: The tasks that were waited for.
    """
    rows: list[Result] = list(result.get("tasks") or [])
    left_out = set(result.get("shortened") or ())
    listed = {row["id"] for row in rows} | set(result.get("failed_ids") or ())
    pending = set(result.get("pending_ids") or ())
    for task_id in ids if left_out & {"success_rows", "pending_rows"} else ():
        if task_id not in listed:
            rows.append(_bare_row(task_id, PENDING if task_id in pending else SUCCESS, result.get("elapsed")))
    return rows


def _bare_row(task_id: str, state: str, elapsed: t.Any) -> Result:
    row: Result = {"id": task_id, "state": state, "status": None, "finished": state != PENDING, "reason": None}
    return {**row, "progress": None, "eta": None, "elapsed": elapsed, "polls": None, "last_seen": None}


def _without_success_details(result: Result) -> Result:
    return _with_rows(result, [_without_details(row) if row["state"] == SUCCESS else row for row in result["tasks"]])


def _without_details_at_all(result: Result) -> Result:
    shorter = _with_rows(result, [_without_details(row) for row in result["tasks"]])
    return _with_token(shorter, lambda task: {name: value for name, value in task.items() if name != "history"})


def _without_success_rows(result: Result) -> Result:
    return _with_rows(result, [row for row in result["tasks"] if row["state"] != SUCCESS])


def _without_pending_rows(result: Result) -> Result:
    shorter = _with_rows(result, [row for row in result["tasks"] if row["finished"]])
    return _with_token(shorter, lambda task: None if task.get("state") == SUCCESS else _essence(task))


def _with_rows(result: Result, rows: list[Result]) -> Result:
    shorter = {**result, "tasks": rows}
    if "task" in shorter:
        shorter["task"] = next(iter(rows), _without_details(shorter["task"]))
    return shorter


def _without_details(row: t.Mapping[str, t.Any]) -> Result:
    return {name: value for name, value in row.items() if name not in _DETAILS}


def _with_token(result: Result, change: t.Callable[[Result], Result | None]) -> Result:
    """Return a result whose token, if it has one, holds changed tasks; those that ``change`` makes None of are left out."""
    token = result.get("resume")
    if not token:
        return result
    tasks = [changed for task in token["tasks"] if (changed := change(task)) is not None]
    return {**result, "resume": {**token, "tasks": tasks}}


def _essence(task: Result) -> Result:
    """Return the fields of a task that a later wait needs; of one that goes on, that is its id."""
    kept = {name: task[name] for name in _ESSENTIAL if name in task}
    if task.get("state", PENDING) not in FINAL:
        # An unfinished status may come again; the later wait reads it by itself.
        kept = {name: value for name, value in kept.items() if name in ("id", "not_found_since")}
    return kept


_STEPS: dict[str, t.Callable[[Result], Result]] = {
    "success_details": _without_success_details,
    "details": _without_details_at_all,
    "success_rows": _without_success_rows,
    "pending_rows": _without_pending_rows,
}
