# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan, the report, the figures for workflows, and the journal, made from the records."""

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

#: The beginning of the command that starts a server.
_START = "ansible localhost -m multicloud.async_tasks.hwc_ecs_server_power"
#: A limit with more hosts than this is not shown.
_LIMIT = 20
_PAST = {"reset": "reset", "replace": "replaced", "bind": "bound", "unbind": "unbound"}


def plan(records: t.Sequence[Record], *, notes: t.Sequence[str] = ()) -> list[str]:
    """Return the lines of the plan, one for each server."""
    width = max((len(printable(record["host"])) for record in records), default=0)
    lines = [f"{printable(record['host']).ljust(width)}  {printable(_intention(record))}" for record in records]
    return [*lines, *(printable(note) for note in notes)]


def servers_off(records: t.Sequence[Record]) -> list[str]:
    """Return the servers that are off while the role waits for KPS, for a run that is cancelled meanwhile."""
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
        "The role starts them then. If this run is cancelled before that, run it again with the same variables: it adopts the tasks and "
        "starts the servers.",
    ]


def _intention(record: Record) -> str:
    if record["state"] == REFUSED:
        return f"refused: {record['reason']}"
    if record["state"] == UNCHANGED:
        steps = ["has the key pair" if record["keypair_name"] else "has no key pair", "start" if starts(record) else ""]
    else:
        action = (
            f"adopt task {record['task_id']} ({record['operation']})" if record["task_id"] else str(record["operation"])
        )
        later = {**record, "touched": True, "task_id": None}
        steps = ["stop" if record["stop"] else "", action, "start" if record["login"] is None and starts(later) else ""]
    why = f" ({record['why']})" if record["why"] else ""
    return ", ".join(step for step in (*steps, "verify") if step) + why


def verdicts(records: t.Sequence[Record], *, check_mode: bool) -> dict[str, dict[str, t.Any]]:
    """Return for each host whether it has no problem (``as_wanted``), whether it was changed, and a sentence (``msg``)."""
    return {
        record["host"]: {
            "as_wanted": _is_good(record, check_mode),
            "changed": record["changed"] or (check_mode and record["state"] == PLANNED),
            "msg": printable(f"{record['host']} ({record['server_id'] or 'no server id'}): {_sentence(record)}"),
        }
        for record in records
    }


def _is_good(record: Record, check_mode: bool) -> bool:
    """Return whether a server has no problem; in check mode a planned server has none."""
    return record["state"] in GOOD or (check_mode and record["state"] == PLANNED)


def _sentence(record: Record) -> str:
    if record["state"] in GOOD:
        done = "it was as wanted already" if record["state"] == UNCHANGED else f"{record['operation']} done"
        return f"{done}; new key {record['new_key']}, old key {record['old_key']}."
    text = _status_and_reason(record) or "it was not processed"
    off = f"THE SERVER IS OFF ({record['power']})" if record["power"] else "WHETHER THE SERVER IS ON IS NOT KNOWN"
    if record["state"] == REFUSED:
        rest = f" Nothing was done to it.{f' {off}. {_how_to_start(record)}' if is_off(record) else ''}"
        rest += f" {_how_to_watch(record)}" if is_going_off(record) else ""
    elif record["power"] == ACTIVE:
        rest = " The server is on."
    elif is_meant_on(record):
        rest = f" {off}. {_how_to_start(record)}"
    else:
        rest = " The server is off, as it was before."
    return f"{text.rstrip('.')}.{rest}"


def _status_and_reason(record: Record) -> str:
    """Return the status of the task, named as such because it looks like a power state, and the reason."""
    parts = (f"Task {record['status']}" if record["status"] else None, record["reason"])
    return ". ".join(str(part) for part in parts if part)


def _how_to_start(record: Record) -> str:
    """Return what the user can do about a server that is off."""
    if record["state"] != BUSY:
        return f"Start it with: {start_command(record)}"
    task = f" (task {record['task_id']})" if record["task_id"] else ""
    return f"KPS may still work on it{task}. Run this again, which adopts the task, or start the server when the task has ended: {start_command(record)}"


def start_command(record: Record) -> str:
    """Return the command that starts a server by hand, quoted for a shell."""
    options = {"server_id": record["server_id"], "state": "running"}
    options.update({f"hwc_{place}": record[place] for place in ("region", "project_id") if record[place]})
    text = " ".join(f"{name}={value}" for name, value in options.items())
    if not all(re.fullmatch(r"[\w.:-]+", value) for value in options.values()):
        text = json.dumps(options)
    return f"{_START} -a {shlex.quote(text)}"


def rows(records: t.Sequence[Record], *, check_mode: bool) -> list[dict[str, t.Any]]:
    """Return the rows of the table as dictionaries, one for each server."""
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


def json_text(records: t.Sequence[Record], *, check_mode: bool) -> str:
    """Return the rows as JSON text."""
    return json.dumps(rows(records, check_mode=check_mode), indent=4, sort_keys=True) + "\n"


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
        row["reason"] = _status_and_reason(row) if row["reason"] else None
        # A method that the user asked for needs no reason.
        why = row["why"] if row["why"] != f"the method is {row['method']}" else None
        row["method"] = f"{row['method']} ({why})" if row["method"] and why else row["method"]
        lines.append(["-" if row[column] is None else printable(row[column]) for column in _HEADINGS])
    return lines


def table(records: t.Sequence[Record], *, check_mode: bool, notes: t.Sequence[str] = ()) -> list[str]:
    """Return the lines of the report: a heading, one line for each server, and the summary."""
    cells = _cells(records, check_mode)
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]
    return [*lines, *summary(records, check_mode=check_mode), *(printable(note) for note in notes)]


def markdown(records: t.Sequence[Record], *, check_mode: bool) -> str:
    """Return the report as Markdown, in which text from outside is escaped."""
    heading, *lines = ["| " + " | ".join(map(_plain, line)) + " |" for line in _cells(records, check_mode)]
    ruler = "| " + " | ".join("---" for _column in _HEADINGS) + " |"
    sums = [f"* {_with_code(line)}" for line in summary(records, check_mode=check_mode)]
    return "\n".join(["# Key pair reset", "", heading, ruler, *lines, "", *sums, ""])


def _plain(text: str) -> str:
    """Return text in which Markdown finds no markup, HTML, entity, link or mention."""
    escaped = re.sub(r"([\\`*_{}\[\]<>()#+!|~&$@])", r"\\\1", printable(text))
    # GitHub makes links of these without any markup.
    return re.sub(r"(?i)(://|\bwww\.)", lambda found: found.group().replace("/", "\\/").replace(".", "\\."), escaped)


def _with_code(line: str) -> str:
    """Return a line of the summary with the command at its end, if any, as code that can be copied."""
    text, begins, rest = line.partition(_START)
    if not begins:
        return _plain(line)
    fence = "`" * (max(map(len, re.findall("`+", rest)), default=0) + 1)
    return f"{_plain(text)}{fence}{begins}{printable(rest)}{fence}"


def summary(records: t.Sequence[Record], *, check_mode: bool) -> list[str]:
    """Return the counts, and how to start each server that is off."""
    counts: dict[str, int] = {}
    for record in records:
        word = _result(record, check_mode)
        counts[word] = counts.get(word, 0) + 1
    lines = [", ".join(f"{count} {word}" for word, count in counts.items()) + "." if counts else "No servers."]
    off = [record for record in records if is_off(record) and not (check_mode and record["state"] != REFUSED)]
    lines += [
        f"{'OFF' if record['power'] else 'PERHAPS OFF'}: {printable(record['host'])}. {_how_to_start(record)}"
        for record in off
    ]
    going = [record for record in records if is_going_off(record)]
    lines += [
        f"{'STOPPING' if record['state'] == REFUSED else 'MAY STILL STOP'}: {printable(record['host'])}. {_how_to_watch(record)}"
        for record in going
    ]
    if check_mode:
        return [*lines, "Nothing was changed (check mode)."]
    return [*lines, *_all_on(records, bool(off or going)), *_how_to_repeat(records)]


def _how_to_repeat(records: t.Sequence[Record]) -> list[str]:
    """Return how to run the role again for the servers that have a problem, if there are any."""
    bad = [record["host"] for record in records if record["state"] not in GOOD]
    if not bad:
        return []
    # Ansible reads other characters of a limit as a pattern.
    if len(bad) <= _LIMIT and all(re.fullmatch(r"\w[\w.-]*", host) for host in bad):
        how = f"with --limit {','.join(bad)}."
    else:
        how = "with the same variables. It leaves the servers that are done as they are."
    return [f"To try again, correct the {'reason' if len(bad) == 1 else 'reasons'} and repeat this run {how}"]


def _all_on(records: t.Sequence[Record], some_off: bool) -> list[str]:
    """Return the line about the power of the touched servers, if none of them is off."""
    touched = [record for record in records if record["touched"]]
    if some_off:
        return []
    if not touched:
        return ["No server was touched."]
    staying = [printable(record["host"]) for record in touched if record["power"] != ACTIVE]
    if staying:
        return [f"All servers that were touched are on, but for those that were off before: {', '.join(staying)}."]
    return ["All servers that were touched are on."]


def _how_to_watch(record: Record) -> str:
    """Return what the user can do about a server that runs and may still stop."""
    if record["state"] == REFUSED:
        return f"It was being stopped when the role began. Check it later, and start it with: {start_command(record)}"
    return f"The request to stop it may still take effect. Check it later. If it is off, start it with: {start_command(record)}"


def stats(
    records: t.Sequence[Record], *, check_mode: bool, awx_job: str = "", sliced: bool = False
) -> dict[str, t.Any]:
    """Return the figures for workflows; in check mode those of the plan.

    Args:
        records: The records of the play so far.
        check_mode: Whether nothing was changed.
        awx_job: Id of the AWX job; its figures also have a name that includes the id.
        sliced: Whether the job is a slice. A workflow keeps one value for each name, so slices use only their own names.
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
    """Return the entries of the journal: the servers that the next run must know if this one is interrupted."""
    fields = ("host", "server_id", "name", "region", "project_id", "keypair_name", "was_running", "task_id")
    return [{field: record[field] for field in fields} for record in records if is_open(record)]
