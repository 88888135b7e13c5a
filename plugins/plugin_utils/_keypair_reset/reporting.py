# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people, workflows and the next run must know of a run."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _task
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    BUSY,
    GOOD,
    PLANNED,
    REFUSED,
    UNCHANGED,
    Record,
    is_open,
    starts,
)

_PAST = {"reset": "reset", "replace": "replaced", "bind": "bound", "unbind": "unbound"}


def plan(records: t.Sequence[Record]) -> list[str]:
    """What is going to be done to each server, before anything is."""
    width = max((len(record["host"]) for record in records), default=0)
    return [f"{record['host'].ljust(width)}  {_intention(record)}" for record in records]


def _intention(record: Record) -> str:
    if record["state"] == REFUSED:
        return f"refused: {record['reason']}"
    if record["state"] == UNCHANGED:
        steps = ["has the key pair" if record["keypair_name"] else "has no key pair", "start" if starts(record) else ""]
    else:
        action = (
            f"join task {record['task_id']} ({record['operation']})" if record["task_id"] else str(record["operation"])
        )
        later = {**record, "touched": True, "task_id": None}
        steps = ["stop" if record["stop"] else "", action, "start" if record["login"] is None and starts(later) else ""]
    why = f" ({record['why']})" if record["why"] else ""
    return ", ".join(step for step in (*steps, "verify") if step) + why


def verdicts(records: t.Sequence[Record], *, check_mode: bool) -> dict[str, dict[str, t.Any]]:
    """For each host whether all is well with it (``ok``), whether it was changed, and the sentence about it (``msg``)."""
    return {
        record["host"]: {
            "ok": record["state"] in GOOD or (check_mode and record["state"] == PLANNED),
            "changed": record["changed"] or (check_mode and record["state"] == PLANNED),
            "msg": f"{record['host']} ({record['server_id']}): {_sentence(record)}",
        }
        for record in records
    }


def _sentence(record: Record) -> str:
    if record["state"] in GOOD:
        done = "it was as wanted already" if record["state"] == UNCHANGED else f"{record['operation']} done"
        return f"{done}; new key {record['new_key']}, old key {record['old_key']}."
    words = _words(record) or "it was not dealt with"
    if record["state"] == REFUSED:
        rest = " Nothing was done to it."
    elif record["power"] == ACTIVE:
        rest = " The server is on."
    else:
        off = f"THE SERVER IS OFF ({record['power']})" if record["power"] else "WHETHER THE SERVER IS ON IS NOT KNOWN"
        rest = f" {off}. {_way_on(record)}"
    return f"{words.rstrip('.')}.{rest}"


def _words(record: Record) -> str:
    """The last word of KPS about the task, which must not be taken for the server's power, and the reason."""
    parts = (f"Task {record['status']}" if record["status"] else None, record["reason"])
    return ". ".join(str(part) for part in parts if part)


def _way_on(record: Record) -> str:
    """What a person can do about a server that is off."""
    if record["state"] != BUSY:
        return f"Start it with: {start_command(record)}"
    task = f" (task {record['task_id']})" if record["task_id"] else ""
    return f"KPS may still be at work on it{task}: run this again, which joins its task; or when it is over: {start_command(record)}"


def start_command(record: Record) -> str:
    """The command that starts a server by hand."""
    region = f" hwc_region={record['region']}" if record["region"] else ""
    project = f" hwc_project_id={record['project_id']}" if record["project_id"] else ""
    options = f"server_id={record['server_id']} state=running{region}{project}"
    return f"ansible localhost -m multicloud.async_tasks.hwc_ecs_server_power -a '{options}'"


def rows(records: t.Sequence[Record], *, check_mode: bool) -> list[dict[str, t.Any]]:
    """One row a server, for machines: what the table shows."""
    return [
        {
            "server": record["host"],
            "server_id": record["server_id"],
            "method": record["operation"],
            "result": _result(record, check_mode),
            "power": record["power"],
            "new_key": "would verify" if check_mode and record["state"] == PLANNED else record["new_key"],
            "old_key": "would verify" if check_mode and record["state"] == PLANNED else record["old_key"],
            "task_id": record["task_id"],
            "status": record["status"],
            "seconds": record["seconds"],
            "reason": record["reason"],
        }
        for record in records
    ]


def _result(record: Record, check_mode: bool) -> str:
    past = _PAST.get(str(record["operation"]), str(record["operation"]))
    if check_mode and record["state"] == PLANNED:
        return f"would be {past}"
    return past if record["state"] == _task.SUCCESS else str(record["state"])


_HEADINGS = {
    "server": "SERVER",
    "method": "METHOD",
    "result": "RESULT",
    "power": "POWER",
    "new_key": "NEW KEY",
    "old_key": "OLD KEY",
    "seconds": "SECONDS",
    "task_id": "TASK",
    "reason": "REASON",
}


def _cells(records: t.Sequence[Record], check_mode: bool) -> list[list[str]]:
    lines = [list(_HEADINGS.values())]
    for row in rows(records, check_mode=check_mode):
        row["reason"] = _words(row) if row["reason"] else None
        lines.append(["-" if row[column] is None else str(row[column]) for column in _HEADINGS])
    return lines


def table(records: t.Sequence[Record], *, check_mode: bool) -> list[str]:
    """The report for people: a heading, one line a server, and the sums."""
    cells = _cells(records, check_mode)
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]
    return [*lines, *summary(records, check_mode=check_mode)]


def markdown(records: t.Sequence[Record], *, check_mode: bool) -> str:
    """The same as Markdown."""
    heading, *lines = [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in _cells(records, check_mode)
    ]
    ruler = "| " + " | ".join("---" for _column in _HEADINGS) + " |"
    return "\n".join(["# Key pair reset", "", heading, ruler, *lines, "", *summary(records, check_mode=check_mode), ""])


def summary(records: t.Sequence[Record], *, check_mode: bool) -> list[str]:
    """The sums, and how to switch on what is off."""
    counts: dict[str, int] = {}
    for record in records:
        word = _result(record, check_mode)
        counts[word] = counts.get(word, 0) + 1
    lines = [", ".join(f"{count} {word}" for word, count in counts.items()) + "." if counts else "No servers."]
    if check_mode:
        return [*lines, "Nothing was changed (check mode)."]
    off = _off(records)
    going = [record for record in records if record["stopping"] and record["power"] == ACTIVE]
    return [
        *lines,
        *(f"{'OFF' if record['power'] else 'PERHAPS OFF'}: {record['host']}. {_way_on(record)}" for record in off),
        *(f"MAY STILL STOP: {record['host']}. {_watch(record)}" for record in going),
        *([] if off else ["All servers that were touched are on."]),
    ]


def _watch(record: Record) -> str:
    """What a person can do about a server that was asked to stop, and runs."""
    return f"The request to stop it may still take effect. Look again later; should it be off: {start_command(record)}"


def _off(records: t.Sequence[Record]) -> list[Record]:
    """The servers that are off and should not be, or of which nobody can say."""
    return [
        record
        for record in records
        if record["power"] != ACTIVE
        and record["state"] != REFUSED
        and (record["power_after"] == "running" or record["was_running"] or record["touched"])
    ]


def stats(records: t.Sequence[Record]) -> dict[str, t.Any]:
    """A few flat figures for workflows."""
    return {
        "keypair_reset_total": len(records),
        "keypair_reset_succeeded": sum(record["state"] in GOOD for record in records),
        "keypair_reset_changed": sum(bool(record["changed"]) for record in records),
        "keypair_reset_failed": sum(record["state"] not in GOOD for record in records),
        "keypair_reset_off": len(_off(records)),
        "keypair_reset_failed_hosts": ",".join(record["host"] for record in records if record["state"] not in GOOD),
    }


def journal(records: t.Sequence[Record]) -> list[dict[str, t.Any]]:
    """What the next run must know if this one is cut off."""
    fields = ("host", "server_id", "name", "region", "project_id", "keypair_name", "was_running", "task_id")
    return [{field: record[field] for field in fields} for record in records if is_open(record)]
