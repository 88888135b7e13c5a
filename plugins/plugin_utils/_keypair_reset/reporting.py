# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people, workflows and the next run must know of a run."""

from __future__ import annotations

import json
import re
import shlex
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import SUCCESS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    BUSY,
    GOOD,
    PLANNED,
    REFUSED,
    UNCHANGED,
    Record,
    is_going_off,
    is_meant_on,
    is_off,
    is_open,
    starts,
)

#: How the command that starts a server begins.
_START = "ansible localhost -m multicloud.async_tasks.hwc_ecs_server_power"
_PAST = {"reset": "reset", "replace": "replaced", "bind": "bound", "unbind": "unbound"}


def plan(records: t.Sequence[Record], *, notes: t.Sequence[str] = ()) -> list[str]:
    """Return what is going to be done to each server, before anything is."""
    width = max((len(printable(record["host"])) for record in records), default=0)
    lines = [f"{printable(record['host']).ljust(width)}  {printable(_intention(record))}" for record in records]
    return [*lines, *(printable(note) for note in notes)]


def off_meanwhile(records: t.Sequence[Record]) -> list[str]:
    """Return what must be known if the run is ended from outside while it waits for KPS: the servers that it would start."""
    off = [
        printable(record["host"])
        for record in records
        if record["state"] == PLANNED and record["task_id"] and record["power"] != ACTIVE and is_meant_on(record)
    ]
    if not off:
        return []
    servers = "1 server is" if len(off) == 1 else f"{len(off)} servers are"
    return [
        f"{servers} off until KPS has ended: {', '.join(off)}.",
        "They are started then. Should this run be ended before that, run it again with the same variables: it joins the tasks and starts "
        "the servers.",
    ]


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
            "ok": _is_good(record, check_mode),
            "changed": record["changed"] or (check_mode and record["state"] == PLANNED),
            "msg": printable(f"{record['host']} ({record['server_id'] or 'no server id'}): {_sentence(record)}"),
        }
        for record in records
    }


def _is_good(record: Record, check_mode: bool) -> bool:
    """Return whether all is well with a server; in check mode a plan that can be carried out is."""
    return record["state"] in GOOD or (check_mode and record["state"] == PLANNED)


def _sentence(record: Record) -> str:
    if record["state"] in GOOD:
        done = "it was as wanted already" if record["state"] == UNCHANGED else f"{record['operation']} done"
        return f"{done}; new key {record['new_key']}, old key {record['old_key']}."
    words = _words(record) or "it was not dealt with"
    off = f"THE SERVER IS OFF ({record['power']})" if record["power"] else "WHETHER THE SERVER IS ON IS NOT KNOWN"
    if record["state"] == REFUSED:
        rest = f" Nothing was done to it.{f' {off}. {_way_on(record)}' if is_off(record) else ''}"
        rest += f" {_watch(record)}" if is_going_off(record) else ""
    elif record["power"] == ACTIVE:
        rest = " The server is on."
    elif is_meant_on(record):
        rest = f" {off}. {_way_on(record)}"
    else:
        rest = " The server is off, as it was before."
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
    """Return the command that starts a server by hand, quoted for a shell."""
    options = {"server_id": record["server_id"], "state": "running"}
    options.update({f"hwc_{place}": record[place] for place in ("region", "project_id") if record[place]})
    text = " ".join(f"{name}={value}" for name, value in options.items())
    if not all(re.fullmatch(r"[\w.:-]+", value) for value in options.values()):
        text = json.dumps(options)
    return f"{_START} -a {shlex.quote(text)}"


def rows(records: t.Sequence[Record], *, check_mode: bool) -> list[dict[str, t.Any]]:
    """One row a server, for machines: what the table shows."""
    return [
        {
            "server": record["host"],
            "server_id": record["server_id"] or None,
            "method": record["operation"],
            "why": record["why"],
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
    return past if record["state"] == SUCCESS else str(record["state"])


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
        # Nothing explains a method that was asked for.
        why = row["why"] if row["why"] != f"the method is {row['method']}" else None
        row["method"] = f"{row['method']} ({why})" if row["method"] and why else row["method"]
        lines.append(["-" if row[column] is None else printable(row[column]) for column in _HEADINGS])
    return lines


def table(records: t.Sequence[Record], *, check_mode: bool, notes: t.Sequence[str] = ()) -> list[str]:
    """Return the report for people: a heading, one line a server, and the sums."""
    cells = _cells(records, check_mode)
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]
    return [*lines, *summary(records, check_mode=check_mode), *(printable(note) for note in notes)]


def markdown(records: t.Sequence[Record], *, check_mode: bool) -> str:
    """Return the same as Markdown, in which no text is markup."""
    heading, *lines = ["| " + " | ".join(map(_plain, line)) + " |" for line in _cells(records, check_mode)]
    ruler = "| " + " | ".join("---" for _column in _HEADINGS) + " |"
    sums = [f"* {_with_code(line)}" for line in summary(records, check_mode=check_mode)]
    return "\n".join(["# Key pair reset", "", heading, ruler, *lines, "", *sums, ""])


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is: no markup, no HTML, no entity, no link, no mention."""
    escaped = re.sub(r"([\\`*_{}\[\]<>()#+!|~&$@])", r"\\\1", printable(text))
    # What GitHub makes a link of without any markup.
    return re.sub(r"(?i)(://|\bwww\.)", lambda found: found.group().replace("/", "\\/").replace(".", "\\."), escaped)


def _with_code(line: str) -> str:
    """Return a line of the sums with the command at its end, if there is one, as code that can be copied."""
    text, begins, rest = line.partition(_START)
    if not begins:
        return _plain(line)
    fence = "`" * (max(map(len, re.findall("`+", rest)), default=0) + 1)
    return f"{_plain(text)}{fence}{begins}{printable(rest)}{fence}"


def summary(records: t.Sequence[Record], *, check_mode: bool) -> list[str]:
    """Return the sums, and how to switch on what is off."""
    counts: dict[str, int] = {}
    for record in records:
        word = _result(record, check_mode)
        counts[word] = counts.get(word, 0) + 1
    lines = [", ".join(f"{count} {word}" for word, count in counts.items()) + "." if counts else "No servers."]
    off = [record for record in records if is_off(record) and not (check_mode and record["state"] != REFUSED)]
    lines += [
        f"{'OFF' if record['power'] else 'PERHAPS OFF'}: {printable(record['host'])}. {_way_on(record)}"
        for record in off
    ]
    going = [record for record in records if is_going_off(record)]
    lines += [
        f"{'GOING OFF' if record['state'] == REFUSED else 'MAY STILL STOP'}: {printable(record['host'])}. {_watch(record)}"
        for record in going
    ]
    if check_mode:
        return [*lines, "Nothing was changed (check mode)."]
    return [*lines, *_all_on(records, bool(off or going))]


def _all_on(records: t.Sequence[Record], some_off: bool) -> list[str]:
    """Return the line that says that all is on, if it is, and if there was anything to be switched off."""
    touched = [record for record in records if record["touched"]]
    if some_off:
        return []
    if not touched:
        return ["No server was touched."]
    staying = [printable(record["host"]) for record in touched if record["power"] != ACTIVE]
    if staying:
        return [f"All servers that were touched are on, but for those that were off before: {', '.join(staying)}."]
    return ["All servers that were touched are on."]


def _watch(record: Record) -> str:
    """What a person can do about a server that runs, and may go off."""
    if record["state"] == REFUSED:
        return f"It was being stopped when the role began. Look again later, and start it with: {start_command(record)}"
    return f"The request to stop it may still take effect. Look again later; should it be off: {start_command(record)}"


def stats(
    records: t.Sequence[Record], *, check_mode: bool, awx_job: str = "", sliced: bool = False
) -> dict[str, t.Any]:
    """Return a few figures for workflows; in check mode those of the plan.

    Args:
        records: The records of the play so far.
        check_mode: Whether nothing was really done.
        awx_job: Id of the job of AWX; its figures are also under a name that no other job has.
        sliced: Whether the job is a slice. The slices of a job hand over to the same workflow, which keeps one value for
            each name, so that a name that they share would tell of the slice that ended last.
    """
    bad = [record["host"] for record in records if not _is_good(record, check_mode)]
    figures = {
        "check_mode": check_mode,
        "total": len(records),
        "planned": sum(check_mode and record["state"] == PLANNED for record in records),
        "succeeded": sum(record["state"] in GOOD for record in records),
        "changed": sum(bool(record["changed"]) and not check_mode for record in records),
        "refused": sum(record["state"] == REFUSED for record in records),
        "failed": len(bad),
        "off": sum(is_off(record) and not (check_mode and record["state"] != REFUSED) for record in records),
        "failed_hosts": ",".join(bad),
    }
    shared: dict[str, t.Any] = {f"keypair_reset_{name}": value for name, value in figures.items()}
    own: dict[str, t.Any] = {f"keypair_reset_job_{awx_job}": figures} if awx_job else {}
    return own if sliced and awx_job else {**shared, **own}


def journal(records: t.Sequence[Record]) -> list[dict[str, t.Any]]:
    """What the next run must know if this one is cut off."""
    fields = ("host", "server_id", "name", "region", "project_id", "keypair_name", "was_running", "task_id")
    return [{field: record[field] for field in fields} for record in records if is_open(record)]
