# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""While servers are worked on: what each stage has brought."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    ERROR,
    FAILED,
    MISSING,
    PENDING,
    SUCCESS,
    UNKNOWN,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import every_task
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE, SHUTOFF, job_outcomes
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.batching import (
    of_batch,
    rows_by_server,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    BUSY,
    PLANNED,
    UNCHANGED,
    Record,
    Results,
    fail,
    is_doubtful,
    starts,
)


def note_stop(
    records: list[Record], switched: Results, jobs: Results, servers: Results, *, now: float, check_mode: bool
) -> list[Record]:
    """Which servers have stopped.

    Args:
        records: The records.
        switched: One result for each batch, of ``hwc_ecs_server_power``.
        jobs: One result for each of those that started a job, of ``wait_for_task``.
        servers: One result for each batch, of ``hwc_ecs_server_info`` afterwards.
        now: Seconds on a monotonic clock.
        check_mode: Whether nothing was really asked for.
    """
    told, said, after = rows_by_server(switched), _said_by_jobs(jobs), rows_by_server(servers)
    broken, unread = _without_rows(records, switched), _without_rows(records, servers)
    for record in records:
        if record["state"] != PLANNED or not record["stop"]:
            continue
        row, server = told.get(record["server_id"]), after.get(record["server_id"]) or {}
        # Without a row the request itself broke; it may have got through all the same.
        record["touched"] = record["changed"] = row is None or bool(row.get("changed"))
        if check_mode:
            continue
        # What was read before the request says nothing about a server that could not be read after it.
        record["power"] = server.get("status") or (None if record["touched"] else record["power"])
        if record["power"] != SHUTOFF or server.get("task_state"):
            later = " The request to stop it may still take effect." if record["touched"] else ""
            record["stopping"] = record["touched"]
            head = "The server did not stop" if record["power"] else "Whether the server has stopped is not known"
            fail(record, f"{head}: {_why(record, row, broken, said, unread)}.{later}")
            _note_end(record, now)
    return records


def note_associate(records: list[Record], results: Results) -> list[Record]:
    """Which tasks were started, by the results of ``hwc_kps_keypair_association``."""
    rows = rows_by_server(results)
    broken = _without_rows(records, results)
    for record in records:
        if record["state"] != PLANNED or record["task_id"]:
            continue
        row = rows.get(record["server_id"])
        if row is not None:
            _note_started(record, row)
        elif record["server_id"] in broken:
            record["changed"] = record["touched"] = True
            fail(record, f"Whether the operation was started is not known. {broken[record['server_id']]}", BUSY)
    return records


def _note_started(record: Record, row: t.Mapping[str, t.Any]) -> None:
    record["changed"] = record["changed"] or bool(row["changed"])
    record["touched"] = record["touched"] or bool(row["changed"])
    record["task_id"], record["status"] = row.get("task_id"), row.get("status")
    if row["state"] == SUCCESS:
        record["state"] = SUCCESS if row["changed"] else UNCHANGED
    elif row["state"] != PENDING:
        why = str(row.get("msg") or _words(row.get("reason")) or f"KPS said {row.get('status')}")
        fail(record, why, BUSY if row.get("uncertain") else FAILED)


def note_wait(records: list[Record], results: Results, *, now: float) -> list[Record]:
    """What became of the tasks.

    Args:
        records: The records.
        results: One result for each batch, of ``wait_for_task``; the batches were waited for one after the other.
        now: Seconds on a monotonic clock, at the end of the last wait.
    """
    answers = {task["id"]: (task, result) for result in results for task in _tasks(result)}
    ends = _ends(results, now)
    trouble = " ".join(str(result.get("msg")) for result in results if "tasks" not in result)
    for record in records:
        if record["state"] != PLANNED or not record["task_id"]:
            continue
        if record["task_id"] not in answers:
            fail(record, f"Its task could not be waited for. {trouble}".strip(), BUSY)
            continue
        task, wait = answers[record["task_id"]]
        record["status"] = task["status"]
        _note_end(record, ends[record["task_id"]])
        if task["state"] == SUCCESS:
            record["state"] = SUCCESS
        elif task["state"] == FAILED:
            fail(record, _words(task["reason"]) or "KPS gives no reason")
        elif task["state"] == MISSING and not task["status"]:
            fail(record, _with_words("KPS does not know its task any more", task))
        else:
            fail(record, _why_open(task, wait), BUSY)
    return records


def _tasks(result: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return every task of a wait, also those that a large result leaves out."""
    return every_task(result, result.get("item", {}).get("task_ids", ()))


def _ends(results: Results, now: float) -> dict[str, float]:
    """When the end of each task was seen, or its wait given up."""
    ends: dict[str, float] = {}
    for result in reversed(results):
        length = float(result.get("elapsed") or 0)
        for task in _tasks(result):
            ends[task["id"]] = now - max(0.0, length - float(task["elapsed"] or 0))
        now -= length
    return ends


def _note_end(record: Record, now: float) -> None:
    """Note how long the work on a server has taken so far, from the plan on."""
    if record["began"] is not None:
        record["seconds"] = max(0, round(now - record["began"]))


def _why_open(task: t.Mapping[str, t.Any], wait: t.Mapping[str, t.Any]) -> str:
    """Why nobody can say how a task has ended, or whether it has."""
    if task["state"] == MISSING:
        # Its list has named the task as running: it may be at work on the disk, whatever is said about the task itself.
        return _with_words("KPS has said that its task is running, and then that there is no such task", task)
    if task["state"] == ERROR:
        return _with_words("KPS does not tell what its task is doing", task)
    if not wait.get("timed_out"):
        return f"The wait for its task was broken off. {wait.get('msg')}"
    if task["state"] == UNKNOWN:
        return "KPS documents no such state, and it had not changed when the time was up."
    return "It had not ended when the time was up. Run this again: it joins the task."


def _with_words(sentence: str, task: t.Mapping[str, t.Any]) -> str:
    words = _words(task["reason"])
    return f"{sentence}: {words}" if words else sentence


def note_doubt(records: list[Record], running: Results) -> list[Record]:
    """Which of the servers that failed must stay off, because KPS is at work on them for somebody else, or may be.

    Args:
        records: The records.
        running: One result for each batch, of ``hwc_kps_task_info`` with ``list: running``.
    """
    tasks = {
        str(task.get("server_id")): str(task["task_id"]) for result in running for task in result.get("tasks") or []
    }
    unread = {
        record["server_id"]: str(result.get("msg") or "nothing came back").rstrip(".")
        for result in running
        if "tasks" not in result
        for record in of_batch(records, result)
    }
    for record in records:
        if not is_doubtful(record):
            continue
        task_id = tasks.get(record["server_id"])
        # KPS itself has said that its task has failed.
        over = record["state"] == FAILED and record["task_id"] and record["status"]
        if record["server_id"] in unread:
            head = f"Whether KPS is at work on its key pair could not be read ({unread[record['server_id']]})"
            if over:
                fail(record, f"{head}; KPS has said that its task has ended, so that it is started all the same.")
            else:
                # A server that is started while KPS works on its disk loses its key pair; one that is off can be started later.
                fail(record, f"{head}, so that it is not started.", BUSY)
        elif task_id is not None and not (over and task_id == record["task_id"]):
            fail(record, f"KPS is at work on its key pair (task {task_id}), so that it is not started.", BUSY)
            record["task_id"], record["status"] = task_id, None
    return records


def note_start(
    records: list[Record], switched: Results, jobs: Results, servers: Results, *, now: float, check_mode: bool
) -> list[Record]:
    """Which servers run again, and whether they have the wanted key pair.

    Args:
        records: The records.
        switched: One result for each batch, of ``hwc_ecs_server_power``.
        jobs: One result for each of those that started a job, of ``wait_for_task``.
        servers: One result for each batch, of ``hwc_ecs_server_info`` afterwards.
        now: Seconds on a monotonic clock.
        check_mode: Whether nothing was really asked for.
    """
    told, said, after = rows_by_server(switched), _said_by_jobs(jobs), rows_by_server(servers)
    broken, unread = _without_rows(records, switched), _without_rows(records, servers)
    for record in records:
        server = after.get(record["server_id"]) or {}
        if not starts(record):
            if record["stopping"] and server and not check_mode:
                _note_stopping(record, server)
            continue
        row, off = told.get(record["server_id"]), record["power"] != ACTIVE
        switched_on = bool(row and row.get("changed"))
        record["changed"] = record["changed"] or switched_on
        record["touched"] = record["touched"] or switched_on
        if check_mode:
            continue
        record["power"] = server.get("status") or (None if row is None or switched_on else record["power"])
        # It had gone off after all, and was switched on again.
        record["stopping"] = record["stopping"] and not (switched_on and record["power"] == ACTIVE)
        if off:
            _note_end(record, now)
        if record["state"] == SUCCESS and server and server["key_name"] != record["keypair_name"]:
            fail(record, f"Somebody else has changed its key pair meanwhile: it is {server['key_name'] or 'gone'}.")
        if record["power"] != ACTIVE:
            head = "The server was not started" if record["power"] else "Whether the server was started is not known"
            fail(record, f"{head}: {_why(record, row, broken, said, unread)}.")
    return records


def _note_stopping(record: Record, server: t.Mapping[str, t.Any]) -> None:
    """Note what has become of a server that was going off when the role began, and that the role leaves alone."""
    record["power"] = server["status"]
    record["stopping"] = server["status"] == ACTIVE and bool(server["task_state"])


def _said_by_jobs(results: Results) -> dict[str, str]:
    """What the jobs say about servers that they did not switch."""
    said: dict[str, str] = {}
    for task in (task for result in results for task in result.get("tasks") or []):
        for server_id, (state, reason) in job_outcomes(task.get("data") or {}).items():
            if state == FAILED:
                said[server_id] = str(reason or "the job failed")
            elif state != SUCCESS:
                said[server_id] = f"job {task['id']} was still {task['status']} when the time was up"
    return said


def _without_rows(records: t.Sequence[Record], results: Results) -> dict[str, str]:
    """The servers of batches whose task went wrong as a whole, each with what the task said."""
    return {
        record["server_id"]: str(result.get("msg") or "nothing came back")
        for result in results
        if "servers" not in result
        for record in of_batch(records, result)
    }


def _why(
    record: Record,
    row: t.Mapping[str, t.Any] | None,
    broken: t.Mapping[str, str],
    said: t.Mapping[str, str],
    unread: t.Mapping[str, str],
) -> str:
    """Why a server is not in the power state it should be in, or why nobody can say that it is.

    Args:
        record: The server.
        row: What became of the request to switch it; None when the request broke.
        broken: Why requests broke, by server.
        said: What jobs say about servers they did not switch.
        unread: Why servers could not be read afterwards.
    """
    server_id = record["server_id"]
    if row is None:
        words = f"the request broke: {broken.get(server_id)}"
    elif row.get("msg") or server_id in said:
        words = row.get("msg") or said[server_id]
    elif server_id in unread:
        words = f"it could not be read afterwards: {unread[server_id]}"
    else:
        words = f"its status is {record['power']}"
    return str(words).rstrip(".")


def _words(reason: t.Mapping[str, t.Any] | None) -> str:
    return ": ".join(str(reason[part]) for part in ("code", "message") if reason.get(part)) if reason else ""
