# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""While servers are worked on: what each stage has brought."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _task
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE, SHUTOFF, job_outcomes
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh import ACCEPTED, REFUSED, UNPROVEN
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.batching import (
    of_batch,
    rows_by_server,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    BUSY,
    GOOD,
    PLANNED,
    UNCHANGED,
    Record,
    Results,
    fail,
    starts,
)


def note_stop(
    records: list[Record], switched: Results, jobs: Results, servers: Results, *, check_mode: bool
) -> list[Record]:
    """Which servers have stopped.

    Args:
        records: The records.
        switched: One result for each batch, of ``hwc_ecs_server_power``.
        jobs: One result for each of those that started a job, of ``wait_for_task``.
        servers: One result for each batch, of ``hwc_ecs_server_info`` afterwards.
        check_mode: Whether nothing was really asked for.
    """
    told, said, now = rows_by_server(switched), _said_by_jobs(jobs), rows_by_server(servers)
    for record in records:
        if record["state"] != PLANNED or not record["stop"]:
            continue
        row, server = told.get(record["server_id"]), now.get(record["server_id"]) or {}
        # Without a row the request itself broke; it may have got through all the same.
        record["touched"] = record["changed"] = row is None or bool(row.get("changed"))
        if check_mode:
            continue
        # What was read before the request says nothing about a server that could not be read after it.
        record["power"] = server.get("status") or (None if record["touched"] else record["power"])
        if record["power"] != SHUTOFF or server.get("task_state"):
            later = " The request to stop it may still take effect." if record["touched"] else ""
            fail(record, f"It did not stop: {_why(row, said, record)}.{later}")
    return records


def note_associate(records: list[Record], results: Results) -> list[Record]:
    """Which tasks were started, by the results of ``hwc_kps_keypair_association``."""
    rows = rows_by_server(results)
    broken = {
        record["server_id"]: str(result.get("msg"))
        for result in results
        if "servers" not in result
        for record in of_batch(records, result)
    }
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
    if row["state"] == _task.SUCCESS:
        record["state"] = _task.SUCCESS if row["changed"] else UNCHANGED
    elif row["state"] != _task.PENDING:
        why = str(row.get("msg") or _words(row.get("reason")) or f"KPS said {row.get('status')}")
        fail(record, why, BUSY if row.get("uncertain") else _task.FAILED)


def note_wait(records: list[Record], results: Results) -> list[Record]:
    """What became of the tasks, by the results of ``wait_for_task``."""
    tasks = {task["id"]: task for result in results for task in result.get("tasks") or []}
    trouble = " ".join(str(result.get("msg")) for result in results if "tasks" not in result)
    for record in records:
        if record["state"] != PLANNED or not record["task_id"]:
            continue
        task = tasks.get(record["task_id"])
        if task is None:
            fail(record, f"Its task could not be waited for. {trouble}".strip(), BUSY)
            continue
        record["status"], record["seconds"] = task["status"], round(float(task["elapsed"] or 0))
        if task["state"] == _task.SUCCESS:
            record["state"] = _task.SUCCESS
        elif task["state"] == _task.FAILED:
            fail(record, _words(task["reason"]) or "KPS gives no reason")
        elif task["state"] == _task.MISSING and task["status"]:
            # Its list has named the task as running: it may be at work on the disk, whatever it says about the task itself.
            fail(record, "KPS has said that its task is running, and then that there is no such task.", BUSY)
        elif task["state"] == _task.MISSING:
            fail(record, "KPS does not know its task any more")
        else:
            fail(record, "Its task was still running when the time was up. Run this again: it joins the task.", BUSY)
    return records


def note_start(
    records: list[Record], switched: Results, jobs: Results, servers: Results, *, check_mode: bool
) -> list[Record]:
    """Which servers run again, and whether they have the wanted key pair; the same arguments as ``note_stop``."""
    told, said, now = rows_by_server(switched), _said_by_jobs(jobs), rows_by_server(servers)
    for record in records:
        if not starts(record):
            continue
        row, server = told.get(record["server_id"]), now.get(record["server_id"]) or {}
        switched_on = bool(row and row.get("changed"))
        record["changed"] = record["changed"] or switched_on
        record["touched"] = record["touched"] or switched_on
        if check_mode:
            continue
        record["power"] = server.get("status") or record["power"]
        if record["state"] == _task.SUCCESS and server and server["key_name"] != record["keypair_name"]:
            fail(record, f"Somebody else has changed its key pair meanwhile: it is {server['key_name'] or 'gone'}.")
        if record["power"] != ACTIVE:
            fail(record, f"It was not started: {_why(row, said, record)}.")
    return records


def note_logins(records: list[Record], logins: Results) -> list[Record]:
    """What the logins have shown, by the result of ``ssh_login_info``."""
    found = {login["name"]: login for login in logins}
    for record in records:
        new, old = (found.get(f"{record['host']} {which}") for which in ("new", "old"))
        record["new_key"], record["old_key"] = (login["outcome"] if login else UNPROVEN for login in (new, old))
        if record["state"] not in GOOD:
            continue
        if new and record["new_key"] != ACCEPTED:
            fail(record, f"The new key was not accepted: {new['words']}")
        elif record["old_key"] == ACCEPTED:
            fail(record, "The old key is still accepted. Look for it in authorized_keys.")
        elif old and record["old_key"] != REFUSED:
            fail(record, f"That the old key is refused could not be proven: {old['words']}")
    return records


def _said_by_jobs(results: Results) -> dict[str, str]:
    """What the jobs say about servers that they did not switch."""
    said: dict[str, str] = {}
    for task in (task for result in results for task in result.get("tasks") or []):
        for server_id, (state, reason) in job_outcomes(task.get("data") or {}).items():
            if state == _task.FAILED:
                said[server_id] = str(reason or "the job failed")
            elif state != _task.SUCCESS:
                said[server_id] = f"job {task['id']} was still {task['status']} when the time was up"
    return said


def _why(row: t.Mapping[str, t.Any] | None, said: t.Mapping[str, str], record: Record) -> str:
    """Why a server is not in the power state it should be in."""
    if row is None:
        return "the request broke"
    status = f"its status is {record['power']}" if record["power"] else "it could not be read"
    words = row.get("msg") or said.get(record["server_id"]) or status
    return str(words).rstrip(".")


def _words(reason: t.Mapping[str, t.Any] | None) -> str:
    return ": ".join(str(reason[part]) for part in ("code", "message") if reason.get(part)) if reason else ""
