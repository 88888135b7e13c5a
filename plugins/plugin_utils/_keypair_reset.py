# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The course of the role ``keypair_reset`` as pure functions over records, one record a server.

A task of the role never fails by itself; one that went wrong has no ``servers``, ``tasks`` or ``keypairs`` in its result.

The role's tasks are the effects: they ask the cloud in batches and hand the answers to ``advance``; ``batches`` tells the
next task what to ask for, ``verdict`` what became of a server. So nothing that runs once for many servers has to fail or
to look at one host, and every rule of the reset can be read and tested here.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _task
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._fleet.decision import Logins, decide
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ids import check_id, check_name
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE, SHUTOFF
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps import judge, key_material
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh import ACCEPTED, UNPROVEN

#: The server is planned for, and nothing has gone wrong so far.
PLANNED = "planned"
#: Nothing can be done to it; nothing was.
REFUSED = "refused"
#: It has the wanted key pair already.
UNCHANGED = "unchanged"
#: KPS works on it still, or it is not known whether it does: it must not be started.
BUSY = "busy"


Record = dict[str, t.Any]
Results = t.Sequence[t.Mapping[str, t.Any]]


def begin(wishes: Results) -> list[Record]:
    """The records of a run, from what each host wants. Wishes that cannot be sent are refused here."""
    records: list[Record] = []
    owners: dict[str, str] = {}
    keys: dict[str, str] = {}
    for wish in wishes:
        record: Record = {
            **wish,
            "group": "|".join(str(wish.get(part) or "") for part in ("region", "project_id", "keypair_name")),
            "state": PLANNED,
            "name": None,
            "operation": None,
            "stop": False,
            "was_running": None,
            "power": None,
            "touched": False,
            "changed": False,
            "task_id": None,
            "status": None,
            "reason": None,
            "seconds": None,
            "new_key": UNPROVEN,
            "old_key": UNPROVEN,
        }
        records.append(record)
        try:
            check_id("keypair_reset_server_id", wish["server_id"])
            check_name("keypair_reset_keypair_name", wish["keypair_name"])
        except UsageError as error:
            _refuse(record, str(error))
            continue
        owner = owners.setdefault(wish["server_id"], wish["host"])
        if owner != wish["host"]:
            _refuse(record, f"The host {owner} has the same keypair_reset_server_id.")
        public_key = wish.get("public_key")
        if public_key and keys.setdefault(record["group"], public_key) != public_key:
            _refuse(record, "Another host gives another public key for the same key pair.")
    return records


def note_journal(records: list[Record], entries: Results) -> list[Record]:
    """What earlier, unfinished runs wrote down: which servers ran before they were stopped."""
    noted = {entry["server_id"]: entry for entry in entries if isinstance(entry, dict) and "server_id" in entry}
    for record in records:
        if record["server_id"] in noted:
            record["was_running"] = bool(noted[record["server_id"]].get("was_running"))
    return records


def note_keypairs(records: list[Record], results: Results, identities: Results) -> list[Record]:
    """The key pairs as they are now, or why they cannot be used, and the public halves of the private keys at hand.

    Args:
        records: The records.
        results: One result for each batch, of ``hwc_kps_keypair`` or ``hwc_kps_keypair_info``.
        identities: One result for each private key file, of ``ssh-keygen -y``.
    """
    public_halves = {result["item"]: result for result in identities}
    for result in results:
        pairs = [result["keypair"]] if result.get("keypair") else result.get("keypairs") or []
        for record in _of_batch(records, result):
            if not pairs:
                name = record["keypair_name"]
                _refuse(
                    record,
                    result.get("msg") or f"There is no key pair {name}. Create it, or give keypair_reset_public_key.",
                )
                continue
            trouble = _wrong_identity(record["private_key_file"], pairs[0], public_halves)
            if trouble:
                _refuse(record, trouble)
    return records


def _wrong_identity(
    path: str | None, pair: t.Mapping[str, t.Any], public_halves: t.Mapping[str, t.Mapping[str, t.Any]]
) -> str | None:
    """Why a private key cannot prove that the pair works; None when it can, or when there is none to check."""
    if not path or path not in public_halves:
        return None
    result = public_halves[path]
    if result.get("rc") != 0:
        words = str(result.get("stderr") or result.get("msg") or "").strip().splitlines()
        why = words[-1] if words else "ssh-keygen could not be run"
        return f"keypair_reset_private_key_file {path} cannot be used to log in: {why}. It must exist and have no passphrase."
    if key_material(str(result.get("stdout"))) != key_material(str(pair.get("public_key"))):
        return f"keypair_reset_private_key_file {path} is not the private key of the key pair {pair.get('name')}."
    return None


def note_servers(records: list[Record], servers: Results, running: Results) -> list[Record]:
    """Decide for each server, from what it is now and from the tasks that run.

    Args:
        records: The records.
        servers: One result for each batch, of ``hwc_ecs_server_info``.
        running: One result for each batch, of ``hwc_kps_task_info`` with ``list: running``.
    """
    tasks: dict[str, t.Mapping[str, t.Any]] = {}
    for result in running:
        tasks.update({str(task.get("server_id")): task for task in result.get("tasks") or []})
        for record in _of_batch(records, result):
            if "tasks" not in result:
                _refuse(record, f"The running tasks could not be read. {result.get('msg')}")
    for result in servers:
        rows = {row["server_id"]: row for row in result.get("servers") or []}
        for record in _of_batch(records, result):
            if "servers" not in result:
                _refuse(record, f"The server could not be read. {result.get('msg')}")
            else:
                _decide(record, rows.get(record["server_id"]), tasks.get(record["server_id"]))
    return records


def _decide(record: Record, server: t.Mapping[str, t.Any] | None, task: t.Mapping[str, t.Any] | None) -> None:
    if server is not None:
        record["name"], record["power"] = server["name"], server["status"]
        if record["was_running"] is None:
            record["was_running"] = server["status"] == ACTIVE
        if task is not None and _is_ours(record, task):
            # An earlier run was interrupted while KPS worked: its task is joined, not started again.
            record.update(operation=judge(task.get("operate_type"))[1], task_id=str(task["task_id"]), touched=True)
            return
    # Every method of this role works on servers that are off: what the server is when it has been stopped decides.
    stopped = {**server, "status": SHUTOFF} if server and server["status"] == ACTIVE else server
    busy_with = str(task["task_id"]) if task else None
    step = decide(stopped, record["keypair_name"], force=bool(record["force"]), logins=Logins(), busy_with=busy_with)
    if step.refusal:
        _refuse(record, step.refusal)
    elif step.operation is None:
        record["state"] = UNCHANGED
    else:
        record.update(operation=step.operation, stop=record["power"] == ACTIVE)


def _is_ours(record: Record, task: t.Mapping[str, t.Any]) -> bool:
    return task.get("keypair_name") == record["keypair_name"] and judge(task.get("operate_type"))[1] in (
        "reset",
        "bind",
    )


def note_stop(records: list[Record], switched: Results, servers: Results, *, check_mode: bool) -> list[Record]:
    """Which servers have stopped.

    Args:
        records: The records.
        switched: One result for each batch, of ``hwc_ecs_server_power``.
        servers: One result for each batch, of ``hwc_ecs_server_info`` afterwards.
        check_mode: Whether nothing was really asked for.
    """
    told = _rows(switched, "servers")
    now = _rows(servers, "servers")
    for record in records:
        if record["state"] != PLANNED or not record["stop"]:
            continue
        row, server = told.get(record["server_id"], {}), now.get(record["server_id"], {})
        record["touched"] = record["changed"] = bool(row.get("changed"))
        if check_mode:
            continue
        record["power"] = server.get("status") or record["power"]
        if record["power"] != SHUTOFF or server.get("task_state"):
            why = row.get("msg") or _words(row.get("reason")) or f"its status is {record['power']}"
            _fail(record, f"It did not stop: {why}.")
            if not told:
                # The request itself may have got through although nothing was heard of it.
                record["touched"] = True
    return records


def note_associate(records: list[Record], results: Results) -> list[Record]:
    """Which tasks were started, by the results of ``hwc_kps_keypair_association``."""
    rows = _rows(results, "servers")
    broken = {
        record["server_id"]: result
        for result in results
        if result.get("failed")
        for record in _of_batch(records, result)
    }
    for record in records:
        row = rows.get(record["server_id"])
        if record["state"] != PLANNED or record["task_id"]:
            continue
        if row is None:
            if record["server_id"] in broken:
                record["changed"] = record["touched"] = True
                _fail(
                    record,
                    f"Whether the reset was started is not known. {broken[record['server_id']].get('msg')}",
                    BUSY,
                )
            continue
        record["changed"] = record["changed"] or bool(row["changed"])
        record["task_id"], record["status"] = row.get("task_id"), row.get("status")
        if row["state"] == _task.SUCCESS:
            record["state"] = UNCHANGED if not row["changed"] else _task.SUCCESS
        elif row["state"] != _task.PENDING:
            _fail(record, row.get("msg") or _words(row.get("reason")) or f"KPS said {row.get('status')}")
    return records


def note_wait(records: list[Record], results: Results) -> list[Record]:
    """What became of the tasks, by the results of ``wait_for_task``."""
    tasks = {task["id"]: task for result in results for task in result.get("tasks") or []}
    trouble = " ".join(str(result.get("msg")) for result in results if "tasks" not in result)
    for record in records:
        if record["state"] != PLANNED or not record["task_id"]:
            continue
        task = tasks.get(record["task_id"])
        if task is None:
            _fail(record, f"Its task could not be waited for. {trouble}".strip(), BUSY)
            continue
        record["status"], record["seconds"] = task["status"], round(float(task["elapsed"] or 0))
        if task["state"] == _task.SUCCESS:
            record["state"] = _task.SUCCESS
        elif task["state"] == _task.FAILED:
            _fail(record, _words(task["reason"]) or "KPS gives no reason")
        elif task["state"] == _task.MISSING:
            _fail(record, "KPS does not know its task any more")
        else:
            _fail(record, "Its task was still running when the time was up. Run this again: it joins the task.", BUSY)
    return records


def note_start(records: list[Record], switched: Results, servers: Results, *, check_mode: bool) -> list[Record]:
    """Which servers run again; the same arguments as ``note_stop``."""
    told = _rows(switched, "servers")
    now = _rows(servers, "servers")
    for record in records:
        if not starts(record):
            continue
        row, server = told.get(record["server_id"], {}), now.get(record["server_id"], {})
        record["changed"] = record["changed"] or bool(row.get("changed"))
        record["touched"] = record["touched"] or bool(row.get("changed"))
        if check_mode:
            continue
        record["power"] = server.get("status") or record["power"]
        if record["power"] != ACTIVE:
            why = row.get("msg") or _words(row.get("reason")) or f"its status is {record['power']}"
            _fail(record, f"It was not started: {why}.")
    return records


def note_logins(records: list[Record], logins: Results) -> list[Record]:
    """What the logins have shown, by the result of ``ssh_login_info``."""
    found = {login["name"]: login for login in logins}
    for record in records:
        new, old = (found.get(f"{record['host']} {which}") for which in ("new", "old"))
        record["new_key"], record["old_key"] = (login["outcome"] if login else UNPROVEN for login in (new, old))
        if record["state"] not in (_task.SUCCESS, UNCHANGED):
            continue
        if new and record["new_key"] != ACCEPTED:
            _fail(record, f"The new key was not accepted: {new['words']}")
        elif record["old_key"] == ACCEPTED:
            _fail(record, "The old key is still accepted. Look for it in authorized_keys.")
        elif old and record["old_key"] != REFUSED:
            _fail(record, f"That the old key is refused could not be proven: {old['words']}")
    return records


def logins(records: t.Sequence[Record]) -> list[Record]:
    """The logins to try: each key that is at hand, on each server that runs and about whose key nothing is open."""
    return [
        {**record["ssh"], "name": f"{record['host']} {which}", "private_key_file": record[key]}
        for record in records
        if record["power"] == ACTIVE and record["state"] not in (REFUSED, BUSY, PLANNED)
        for which, key in (("new", "private_key_file"), ("old", "old_private_key_file"))
        if record[key]
    ]


def starts(record: Record) -> bool:
    """Whether the role is to start this server: one it has reset or stopped, unless KPS may still be at work on it."""
    if record["state"] in (REFUSED, BUSY) or (record["state"] == PLANNED and record["task_id"]):
        return False
    if record["power"] == ACTIVE and not record["touched"]:
        return False
    return record["power_after"] == "running" or bool(record["was_running"])


_STAGES: dict[str, t.Callable[[Record], bool]] = {
    "all": lambda record: record["state"] != REFUSED,
    "stop": lambda record: record["state"] == PLANNED and record["stop"],
    "associate": lambda record: record["state"] == PLANNED and not record["task_id"] and record["power"] == SHUTOFF,
    "wait": lambda record: record["state"] == PLANNED and bool(record["task_id"]),
    "start": starts,
}


def batches(records: t.Sequence[Record], stage: str) -> list[Record]:
    """What a stage asks for: one batch for each region, project and key pair, empty ones left out."""
    found: dict[str, Record] = {}
    for record in records:
        if not _STAGES[stage](record):
            continue
        batch = found.setdefault(
            record["group"],
            {
                "group": record["group"],
                "region": record["region"],
                "project_id": record["project_id"],
                "keypair_name": record["keypair_name"],
                "public_key": None,
                "server_ids": [],
                "task_ids": [],
            },
        )
        batch["public_key"] = batch["public_key"] or record["public_key"]
        batch["server_ids"].append(record["server_id"])
        batch["task_ids"].extend([record["task_id"]] if record["task_id"] else [])
    for batch in found.values():
        place = ", ".join(part for part in (batch["region"], batch["project_id"]) if part)
        count = len(batch["server_ids"])
        batch["label"] = f"{count} server{'' if count == 1 else 's'}, key pair {batch['keypair_name']}" + (
            f", {place}" if place else ""
        )
    return list(found.values())


def journal(records: t.Sequence[Record]) -> list[Record]:
    """What must be known if this run does not come to its end: the servers that it touches and is not done with."""
    fields = ("host", "server_id", "name", "region", "project_id", "keypair_name", "was_running", "task_id")
    return [
        {field: record[field] for field in fields}
        for record in records
        if record["state"] != REFUSED
        and (record["stop"] or record["touched"] or record["operation"])
        and not _is_done(record)
    ]


def _is_done(record: Record) -> bool:
    wanted_on = record["power_after"] == "running" or record["was_running"]
    return record["state"] in (_task.SUCCESS, UNCHANGED, _task.FAILED) and (record["power"] == ACTIVE or not wanted_on)


def plan(records: t.Sequence[Record]) -> list[str]:
    """What is going to be done to each server, before anything is."""
    width = max((len(record["host"]) for record in records), default=0)
    return [f"{record['host'].ljust(width)}  {_intention(record)}" for record in records]


def _intention(record: Record) -> str:
    if record["state"] == REFUSED:
        return f"refused: {record['reason']}"
    steps = [
        "stop" if record["stop"] else "",
        f"join task {record['task_id']} ({record['operation']})" if record["task_id"] else record["operation"],
        "start" if record["stop"] or starts({**record, "touched": True, "task_id": None}) else "",
        "verify",
    ]
    if record["state"] == UNCHANGED:
        steps = ["has the key pair", "start" if starts(record) else "", "verify"]
    return ", ".join(step for step in steps if step)


def verdict(record: Record, *, check_mode: bool = False) -> dict[str, t.Any]:
    """Whether all is well with a server (``ok``), whether it was changed, and the sentence about it (``msg``)."""
    ok = record["state"] in (_task.SUCCESS, UNCHANGED) or (check_mode and record["state"] == PLANNED)
    return {
        "ok": ok,
        "changed": record["changed"],
        "msg": f"{record['host']} ({record['server_id']}): {_sentence(record)}",
    }


def _sentence(record: Record) -> str:
    if record["state"] in (_task.SUCCESS, UNCHANGED):
        done = "it has the key pair already" if record["state"] == UNCHANGED else f"{record['operation']} done"
        return f"{done}; new key {record['new_key']}, old key {record['old_key']}."
    words = ", ".join(str(part) for part in (record["status"], record["reason"]) if part) or "it was not dealt with"
    if record["state"] == REFUSED:
        rest = " Nothing was done to it."
    elif record["power"] == ACTIVE:
        rest = " It is running."
    else:
        rest = f" IT IS NOT RUNNING ({record['power']}). Start it with: {start_command(record)}"
    return f"{words.rstrip('.')}.{rest}"


def start_command(record: Record) -> str:
    """The command that starts a server by hand."""
    region = f" hwc_region={record['region']}" if record["region"] else ""
    project = f" hwc_project_id={record['project_id']}" if record["project_id"] else ""
    options = f"server_id={record['server_id']} state=running{region}{project}"
    return f"ansible localhost -m multicloud.async_tasks.hwc_ecs_server_power -a '{options}'"


_COLUMNS = ("SERVER", "METHOD", "RESULT", "POWER", "NEW KEY", "OLD KEY", "SECONDS", "REASON OR TASK")


def table(records: t.Sequence[Record], *, check_mode: bool = False) -> list[str]:
    """The report: a heading, one line a server, and the sums."""
    rows = [_COLUMNS, *(_cells(record, check_mode) for record in records)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return [*lines, *summary(records, check_mode=check_mode)]


def _cells(record: Record, check_mode: bool) -> tuple[str, ...]:
    planned = check_mode and record["state"] == PLANNED
    result = (
        f"would be {_past(record)}"
        if planned
        else _past(record)
        if record["state"] == _task.SUCCESS
        else record["state"]
    )
    keys = ("would verify", "would verify") if planned else (record["new_key"], record["old_key"])
    reason = (
        ", ".join(str(part) for part in (record["status"], record["reason"]) if part)
        if record["reason"]
        else record["task_id"]
    )
    return (
        str(record["host"]),
        str(record["operation"] or "-"),
        result,
        str(record["power"] or "-"),
        *keys,
        "-" if record["seconds"] is None else str(record["seconds"]),
        str(reason or "-"),
    )


def _past(record: Record) -> str:
    return {"reset": "reset", "bind": "bound"}.get(str(record["operation"]), str(record["operation"]))


def summary(records: t.Sequence[Record], *, check_mode: bool = False) -> list[str]:
    """The sums, and how to switch on what is off."""
    counts: dict[str, int] = {}
    for record in records:
        word = _cells(record, check_mode)[2]
        counts[word] = counts.get(word, 0) + 1
    lines = [", ".join(f"{count} {word}" for word, count in counts.items()) + "."]
    off = [record for record in records if record["power"] != ACTIVE and record["state"] != REFUSED and not check_mode]
    if not off:
        lines.append("All servers that were touched are on." if not check_mode else "Nothing was changed (check mode).")
    lines.extend(f"OFF: {record['host']}. Start it with: {start_command(record)}" for record in off)
    return lines


def _of_batch(records: t.Sequence[Record], result: t.Mapping[str, t.Any]) -> list[Record]:
    """The records that a result of a loop over batches is about."""
    ids = set(result["item"]["server_ids"])
    return [record for record in records if record["server_id"] in ids and record["state"] != REFUSED]


def _rows(results: Results, key: str) -> dict[str, t.Mapping[str, t.Any]]:
    return {row["server_id"]: row for result in results for row in result.get(key) or []}


def _words(reason: t.Mapping[str, t.Any] | None) -> str:
    return ": ".join(str(reason[part]) for part in ("code", "message") if reason.get(part)) if reason else ""


def _refuse(record: Record, why: str) -> None:
    if record["state"] != REFUSED:
        record["state"], record["reason"] = REFUSED, why


def _fail(record: Record, why: str, state: str = _task.FAILED) -> None:
    """Note a failure; the first reason stays in front."""
    record["reason"] = f"{record['reason'].rstrip('.')}. {why}" if record["reason"] else why
    record["state"] = BUSY if record["state"] == BUSY else state
