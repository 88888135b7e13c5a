# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The size of a result: AWX shows nothing of one that is larger than 700,000 bytes, so a large one is shortened in steps.

Each step leaves out what is least missed: details before rows, tasks that succeeded before the others. The figures and the
ids of all tasks that did not succeed are always whole, so that the state of every task can be told (``every_task``).
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import PENDING, SUCCESS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import ENDED

Result = dict[str, t.Any]

#: Bytes of a result unless the user says otherwise: what AWX shows, less what else is in the event of a task.
MAX_SIZE = 600_000
#: What a row is reduced to by ``details``.
_DETAILS = ("history", "data")
#: What a token says of a task beside its id, once details are left out: whether and how it ended, and since when it is unknown.
_ESSENTIAL = ("id", "state", "status", "reason", "ended", "explained", "absent_since")


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
    """Return a row for each task of a wait; those that were left out have ``id``, ``state``, ``status`` and so on, without details.

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
    """Return what a later wait must know of a task; of one that goes on, that is its id."""
    kept = {name: task[name] for name in _ESSENTIAL if name in task}
    if task.get("state", PENDING) not in ENDED:
        # An unfinished word may come again; the later wait hears it by itself.
        kept = {name: value for name, value in kept.items() if name in ("id", "absent_since")}
    return kept


_STEPS: dict[str, t.Callable[[Result], Result]] = {
    "success_details": _without_success_details,
    "details": _without_details_at_all,
    "success_rows": _without_success_rows,
    "pending_rows": _without_pending_rows,
}
