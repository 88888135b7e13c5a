# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about one server of a run: its record, and how a record changes for the worse."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import FAILED, SUCCESS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh import UNPROVEN

#: It is planned for, and nothing has gone wrong so far.
PLANNED = "planned"
#: Nothing can be done to it; nothing was.
REFUSED = "refused"
#: It has the wanted key pair already.
UNCHANGED = "unchanged"
#: KPS works on it still, or it is not known whether it does: it must not be started.
BUSY = "busy"
#: The states in which all is well.
GOOD = (SUCCESS, UNCHANGED)

#: What of a wish is of no use without a way to log in.
_LOGIN_KEYS = ("private_key_file", "old_private_key_file", "has_root_password")

Record = dict[str, t.Any]
Results = t.Sequence[t.Mapping[str, t.Any]]


def begin(wishes: Results) -> list[Record]:
    """Return the records of a run, from what each host wants. Wishes that something is wrong with are refused here."""
    records: list[Record] = []
    owners: dict[str, str] = {}
    keys: dict[str, str] = {}
    for wish in wishes:
        record: Record = {
            **wish,
            "group": "|".join(str(wish.get(part) or "") for part in ("region", "project_id", "keypair_name")),
            "state": PLANNED,
            "canary": False,
            "twin": False,
            "exists": True,
            "identity": None,
            "old_identity": None,
            "pair_key": None,
            "same_key": False,
            "own_key_fits": False,
            "had": None,
            "journal_task": None,
            "name": None,
            "operation": None,
            "login": None,
            "why": None,
            "stop": False,
            "was_running": None,
            "left_off": False,
            "power": None,
            "touched": False,
            "stopping": False,
            "changed": False,
            "task_id": None,
            "status": None,
            "reason": None,
            "began": None,
            "seconds": None,
            "new_key": UNPROVEN,
            "old_key": UNPROVEN,
        }
        records.append(record)
        if wish["problems"]:
            refuse(record, " ".join(wish["problems"]))
        if "problem" in wish["ssh"] and any(wish[key] for key in _LOGIN_KEYS):
            refuse(record, f"How to log in to it is not known: {printable(wish['ssh']['problem'], SENTENCE)}")
        owner = owners.setdefault(wish["server_id"], wish["host"]) if wish["server_id"] else wish["host"]
        if owner != wish["host"]:
            note_twin(record, f"The host {owner} has the same keypair_reset_server_id.")
        public_key = wish.get("public_key")
        if public_key and keys.setdefault(record["group"], public_key) != public_key:
            refuse(record, "Another host gives another public key for the same key pair.")
    return records


def note_twin(record: Record, why: str) -> None:
    """Refuse a host whose server another host is; what is read of the server belongs to that host."""
    record["twin"] = True
    refuse(record, why)


def refuse(record: Record, why: str) -> None:
    """Nothing is going to be done to it; the first reason stays."""
    if record["state"] != REFUSED:
        record["state"], record["reason"] = REFUSED, why


def fail(record: Record, why: str, state: str = FAILED) -> None:
    """Something went wrong; the first reason stays in front."""
    record["reason"] = f"{record['reason'].rstrip('.')}. {why}" if record["reason"] else why
    record["state"] = BUSY if record["state"] == BUSY else state


def starts(record: Record) -> bool:
    """Whether the role is to start this server: one it works on, unless KPS may still be at work on it."""
    if record["state"] in (REFUSED, BUSY) or (record["state"] == PLANNED and record["task_id"]):
        return False
    if record["power"] == ACTIVE and not record["touched"]:
        return False
    return is_meant_on(record)


def is_meant_on(record: Record) -> bool:
    """Return whether a server is to run in the end; one that was off before may be meant to stay off."""
    return record["power_after"] == "running" or bool(record["was_running"])


def is_off(record: Record) -> bool:
    """Return whether a server is off, or may be, and should not be: one that this run or an earlier one has switched off."""
    if record["power"] == ACTIVE or not record["exists"]:
        return False
    if record["state"] == REFUSED:
        return bool(record["left_off"]) and is_meant_on(record)
    return is_meant_on(record)


def is_going_off(record: Record) -> bool:
    """Return whether a server runs, and may go off yet."""
    return bool(record["stopping"]) and record["power"] == ACTIVE


def is_doubtful(record: Record) -> bool:
    """Whether it is off and about to be started without a success: KPS may be at work on it for somebody else."""
    return starts(record) and record["state"] != SUCCESS and record["power"] != ACTIVE


def is_open(record: Record) -> bool:
    """Whether the next run must know of it, should this one be cut off: it is touched or about to be, and not done with."""
    if record["state"] == REFUSED:
        return False
    if record["stopping"]:
        return True  # it may go off yet, and the next run must know that it ran
    if record["state"] in (*GOOD, FAILED) and not (starts(record) and record["power"] != ACTIVE):
        return False
    return bool(record["stop"] or record["touched"] or record["operation"] or record["state"] == BUSY)


def of_use(records: Results, finished: Results) -> list[Record]:
    """Return the finished records of the same use of the role in the same play; a play can use it more than once."""
    uses = {record["run"] for record in records}
    return [dict(record) for record in finished if record["run"] in uses]


def earlier_batches(records: Results, finished: Results) -> list[Record]:
    """Return the records of the batches of the play before this one."""
    here = {record["host"] for record in records if not record["lost"]}
    return [record for record in of_use(records, finished) if record["host"] not in here]


def finish(records: list[Record], finished: Results) -> list[Record]:
    """Return all finished records with those of this batch, one for each host and use of the role."""
    ours = {(record["run"], record["host"]) for record in records}
    return [*(dict(record) for record in finished if (record["run"], record["host"]) not in ours), *records]
