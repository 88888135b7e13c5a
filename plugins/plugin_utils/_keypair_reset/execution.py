# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution of the plan: each function notes the results of one stage in the records."""

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
    is_unconfirmed,
    starts,
)


def note_stop(
    records: list[Record], switched: Results, jobs: Results, servers: Results, *, now: float, check_mode: bool
) -> list[Record]:
    """Note which servers have stopped.

    Args:
        records: The records.
        switched: One result for each batch, of ``hwc_ecs_server_power``.
        jobs: One result for each of those that started a job, of ``wait_for_task``.
        servers: One result for each batch, of ``hwc_ecs_server_info`` afterwards.
        now: Seconds on a monotonic clock.
        check_mode: Whether the requests were not sent.
    """
    rows, after = rows_by_server(switched), rows_by_server(servers)
    problems = _PowerProblems(records, switched, jobs, servers)
    for record in records:
        if record["state"] != PLANNED or not record["stop"]:
            continue
        row, server = rows.get(record["server_id"]), after.get(record["server_id"]) or {}
        # Without a row the request failed as a whole; the service may have received it all the same.
        record["touched"] = record["changed"] = row is None or bool(row.get("changed"))
        if check_mode:
            continue
        # A status that was read before the request does not count.
        record["power"] = server.get("status") or (None if record["touched"] else record["power"])
        if record["power"] != SHUTOFF or server.get("task_state"):
            later = " The request to stop it may still take effect." if record["touched"] else ""
            record["stopping"] = record["touched"]
            head = "The server did not stop" if record["power"] else "Whether the server has stopped is not known"
            fail(record, f"{head}: {problems.of(record, row)}.{later}")
            _note_duration(record, now)
    return records


def note_associate(records: list[Record], results: Results) -> list[Record]:
    """Note which tasks were started, from the results of ``hwc_kps_keypair_association``."""
    rows = rows_by_server(results)
    failed = _failed_batches(records, results)
    for record in records:
        if record["state"] != PLANNED or record["task_id"]:
            continue
        row = rows.get(record["server_id"])
        if row is not None:
            _note_started(record, row)
        elif record["server_id"] in failed:
            record["changed"] = record["touched"] = True
            fail(record, f"Whether the operation was started is not known. {failed[record['server_id']]}", BUSY)
    return records


def _note_started(record: Record, row: t.Mapping[str, t.Any]) -> None:
    record["changed"] = record["changed"] or bool(row["changed"])
    record["touched"] = record["touched"] or bool(row["changed"])
    record["task_id"], record["status"] = row.get("task_id"), row.get("status")
    if row["state"] == SUCCESS:
        record["state"] = SUCCESS if row["changed"] else UNCHANGED
    elif row["state"] != PENDING:
        why = str(row.get("msg") or _reason_text(row.get("reason")) or f"Its status is {row.get('status')}")
        fail(record, why, BUSY if row.get("uncertain") else FAILED)


def note_wait(records: list[Record], results: Results, *, now: float) -> list[Record]:
    """Note how the tasks ended.

    Args:
        records: The records.
        results: One result for each batch, of ``wait_for_task``. The batches were waited for one after the other.
        now: Seconds on a monotonic clock, at the end of the last wait.
    """
    tasks = {task["id"]: (task, result) for result in results for task in _tasks(result)}
    end_times = _end_times(results, now)
    problem = " ".join(str(result.get("msg")) for result in results if "tasks" not in result)
    for record in records:
        if record["state"] != PLANNED or not record["task_id"]:
            continue
        if record["task_id"] not in tasks:
            fail(record, f"Its task could not be waited for. {problem}".strip(), BUSY)
            continue
        task, wait = tasks[record["task_id"]]
        record["status"] = task["status"]
        _note_duration(record, end_times[record["task_id"]])
        if task["state"] == SUCCESS:
            record["state"] = SUCCESS
        elif task["state"] == FAILED:
            fail(record, _reason_text(task["reason"]) or "KPS gives no reason")
        elif task["state"] == MISSING and not task["status"]:
            fail(record, _with_reason("KPS no longer knows its task", task))
        else:
            fail(record, _why_unfinished(task, wait), BUSY)
    return records


def _tasks(result: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return every task of a wait, including those that a large result omits."""
    return every_task(result, result.get("item", {}).get("task_ids", ()))


def _end_times(results: Results, now: float) -> dict[str, float]:
    """Return when the end of each task was seen or its wait ended, by task id."""
    ends: dict[str, float] = {}
    for result in reversed(results):
        length = float(result.get("elapsed") or 0)
        for task in _tasks(result):
            ends[task["id"]] = now - max(0.0, length - float(task["elapsed"] or 0))
        now -= length
    return ends


def _note_duration(record: Record, now: float) -> None:
    """Note the seconds since the plan."""
    if record["started_at"] is not None:
        record["seconds"] = max(0, round(now - record["started_at"]))


def _why_unfinished(task: t.Mapping[str, t.Any], wait: t.Mapping[str, t.Any]) -> str:
    """Return why it is not known how a task ended, or whether it did."""
    if task["state"] == MISSING:
        # The task was in the list of running tasks, so KPS may still work on the disk.
        return _with_reason("KPS listed its task as running, and then reported that there is no such task", task)
    if task["state"] == ERROR:
        return _with_reason("KPS does not report the status of its task", task)
    if not wait.get("timed_out"):
        return f"The wait for its task was interrupted. {wait.get('msg')}"
    if task["state"] == UNKNOWN:
        return "KPS does not document this status, and it had not changed when the time was up."
    return "It had not ended when the time was up. Run this again: it adopts the task."


def _with_reason(sentence: str, task: t.Mapping[str, t.Any]) -> str:
    reason = _reason_text(task["reason"])
    return f"{sentence}: {reason}" if reason else sentence


def note_unconfirmed(records: list[Record], running: Results) -> list[Record]:
    """Note which of the failed servers must stay off, because KPS works on them, or may do so, for another task.

    Args:
        records: The records.
        running: One result for each batch, of ``hwc_kps_task_info`` with ``list: running``.
    """
    tasks = {
        str(task.get("server_id")): str(task["task_id"]) for result in running for task in result.get("tasks") or []
    }
    unread = {
        record["server_id"]: str(result.get("msg") or "there was no result").rstrip(".")
        for result in running
        if "tasks" not in result
        for record in of_batch(records, result)
    }
    for record in records:
        if not is_unconfirmed(record):
            continue
        task_id = tasks.get(record["server_id"])
        # KPS has reported that the task of this run has failed.
        over = record["state"] == FAILED and record["task_id"] and record["status"]
        if record["server_id"] in unread:
            head = f"Whether KPS works on its key pair could not be read ({unread[record['server_id']]})"
            if over:
                fail(record, f"{head}. KPS has reported that its task has ended, so it is started.")
            else:
                # A server that is started while KPS works on its disk loses its key pair.
                fail(record, f"{head}, so it is not started.", BUSY)
        elif task_id is not None and not (over and task_id == record["task_id"]):
            fail(record, f"KPS works on its key pair (task {task_id}), so it is not started.", BUSY)
            record["task_id"], record["status"] = task_id, None
    return records


def note_start(
    records: list[Record], switched: Results, jobs: Results, servers: Results, *, now: float, check_mode: bool
) -> list[Record]:
    """Note which servers run again, and whether they have the desired key pair.

    Args:
        records: The records.
        switched: One result for each batch, of ``hwc_ecs_server_power``.
        jobs: One result for each of those that started a job, of ``wait_for_task``.
        servers: One result for each batch, of ``hwc_ecs_server_info`` afterwards.
        now: Seconds on a monotonic clock.
        check_mode: Whether the requests were not sent.
    """
    rows, after = rows_by_server(switched), rows_by_server(servers)
    problems = _PowerProblems(records, switched, jobs, servers)
    for record in records:
        server = after.get(record["server_id"]) or {}
        if not starts(record):
            if record["stopping"] and server and not check_mode:
                _note_stopping(record, server)
            continue
        row, off = rows.get(record["server_id"]), record["power"] != ACTIVE
        switched_on = bool(row and row.get("changed"))
        record["changed"] = record["changed"] or switched_on
        record["touched"] = record["touched"] or switched_on
        if check_mode:
            continue
        record["power"] = server.get("status") or (None if row is None or switched_on else record["power"])
        # The stop took effect after all, and the server was started again.
        record["stopping"] = record["stopping"] and not (switched_on and record["power"] == ACTIVE)
        if off:
            _note_duration(record, now)
        if record["state"] == SUCCESS and server and server["key_name"] != record["keypair_name"]:
            fail(
                record, f"Another user or job changed its key pair meanwhile: it is {server['key_name'] or 'unbound'}."
            )
        if record["power"] != ACTIVE:
            head = "The server was not started" if record["power"] else "Whether the server was started is not known"
            fail(record, f"{head}: {problems.of(record, row)}.")
    return records


def _note_stopping(record: Record, server: t.Mapping[str, t.Any]) -> None:
    """Note the power state of a server that was being stopped when the role began."""
    record["power"] = server["status"]
    record["stopping"] = server["status"] == ACTIVE and bool(server["task_state"])


def _job_errors(results: Results) -> dict[str, str]:
    """Return the errors of the jobs by server id."""
    errors: dict[str, str] = {}
    for task in (task for result in results for task in result.get("tasks") or []):
        for server_id, (state, reason) in job_outcomes(task.get("data") or {}).items():
            if state == FAILED:
                errors[server_id] = str(reason or "the job failed")
            elif state != SUCCESS:
                errors[server_id] = f"job {task['id']} was still {task['status']} when the time was up"
    return errors


def _failed_batches(records: t.Sequence[Record], results: Results) -> dict[str, str]:
    """Return the servers of batches that failed as a whole, each with the message of the batch."""
    return {
        record["server_id"]: str(result.get("msg") or "there was no result")
        for result in results
        if "servers" not in result
        for record in of_batch(records, result)
    }


class _PowerProblems:
    """The reasons why servers are not, or may not be, in the desired power state.

    Args:
        records: The records.
        switched: The results of the requests to stop or start them.
        jobs: The results of the waits for the jobs.
        servers: The results of reading the servers afterwards.
    """

    def __init__(self, records: t.Sequence[Record], switched: Results, jobs: Results, servers: Results) -> None:
        self._requests = _failed_batches(records, switched)
        self._jobs = _job_errors(jobs)
        self._reads = _failed_batches(records, servers)

    def of(self, record: Record, row: t.Mapping[str, t.Any] | None) -> str:
        """Return the reason for one server.

        Args:
            record: The server.
            row: Its row in the result of the request; None when the request failed as a whole.
        """
        server_id = record["server_id"]
        if row is None:
            reason = f"the request failed: {self._requests.get(server_id)}"
        elif row.get("msg") or server_id in self._jobs:
            reason = row.get("msg") or self._jobs[server_id]
        elif server_id in self._reads:
            reason = f"it could not be read afterwards: {self._reads[server_id]}"
        else:
            reason = f"its status is {record['power']}"
        return str(reason).rstrip(".")


def _reason_text(reason: t.Mapping[str, t.Any] | None) -> str:
    return ": ".join(str(reason[part]) for part in ("code", "message") if reason.get(part)) if reason else ""
