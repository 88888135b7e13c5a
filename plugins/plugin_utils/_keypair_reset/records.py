# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of one server in a run, its states, and the changes to it that every stage uses."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import FAILED, SUCCESS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh import UNVERIFIED

#: The server is in the plan, and nothing has failed so far.
PLANNED = "planned"
#: The plan refuses the server; nothing is done to it.
REFUSED = "refused"
#: The server already has the desired key pair.
UNCHANGED = "unchanged"
#: KPS still works on the server, or may do so: it must not be started.
BUSY = "busy"
#: The states of servers without a problem.
GOOD = (SUCCESS, UNCHANGED)

#: The options that need a login.
_LOGIN_KEYS = ("private_key_file", "old_private_key_file", "has_root_password")

Record = dict[str, t.Any]
Results = t.Sequence[t.Mapping[str, t.Any]]


def begin(desired_states: Results) -> list[Record]:
    """Return the records of a run from the desired states of its hosts; refuse hosts with wrong inputs."""
    records: list[Record] = []
    owners: dict[str, str] = {}
    keys: dict[str, str] = {}
    for desired in desired_states:
        record: Record = {
            **desired,
            "group": "|".join(str(desired.get(part) or "") for part in ("region", "project_id", "keypair_name")),
            "state": PLANNED,
            "canary": False,
            "duplicate": False,
            "exists": True,
            "new_public_key": None,
            "old_public_key": None,
            "pair_key": None,
            "same_key": False,
            "own_key_fits": False,
            "current_keypair_name": None,
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
            "started_at": None,
            "seconds": None,
            "new_key": UNVERIFIED,
            "old_key": UNVERIFIED,
        }
        records.append(record)
        if desired["problems"]:
            refuse(record, " ".join(desired["problems"]))
        if "problem" in desired["ssh"] and any(desired[key] for key in _LOGIN_KEYS):
            refuse(record, f"How to log in to it is not known: {printable(desired['ssh']['problem'], SENTENCE)}")
        owner = owners.setdefault(desired["server_id"], desired["host"]) if desired["server_id"] else desired["host"]
        if owner != desired["host"]:
            refuse_duplicate(record, f"The host {owner} has the same keypair_reset_server_id.")
        public_key = desired.get("public_key")
        if public_key and keys.setdefault(record["group"], public_key) != public_key:
            refuse(record, "Another host gives another public key for the same key pair.")
    return records


def refuse_duplicate(record: Record, why: str) -> None:
    """Refuse a host with the server id of another host; the server belongs to the other host."""
    record["duplicate"] = True
    refuse(record, why)


def refuse(record: Record, why: str) -> None:
    """Refuse a server. The first reason stays."""
    if record["state"] != REFUSED:
        record["state"], record["reason"] = REFUSED, why


def fail(record: Record, why: str, state: str = FAILED) -> None:
    """Note a failure. The first reason stays in front."""
    record["reason"] = f"{record['reason'].rstrip('.')}. {why}" if record["reason"] else why
    record["state"] = BUSY if record["state"] == BUSY else state


def starts(record: Record) -> bool:
    """Return whether the role starts this server: one that it works on, unless KPS may still work on it."""
    if record["state"] in (REFUSED, BUSY) or (record["state"] == PLANNED and record["task_id"]):
        return False
    if record["power"] == ACTIVE and not record["touched"]:
        return False
    return is_meant_on(record)


def is_meant_on(record: Record) -> bool:
    """Return whether a server must run in the end; with ``restore`` one that was off before stays off."""
    return record["power_after"] == "running" or bool(record["was_running"])


def is_off(record: Record) -> bool:
    """Return whether a server is off, or may be off, because this run or an earlier one stopped it."""
    if record["power"] == ACTIVE or not record["exists"]:
        return False
    if record["state"] == REFUSED:
        return bool(record["left_off"]) and is_meant_on(record)
    return is_meant_on(record)


def is_going_off(record: Record) -> bool:
    """Return whether a server runs and may still stop."""
    return bool(record["stopping"]) and record["power"] == ACTIVE


def is_unconfirmed(record: Record) -> bool:
    """Return whether a server is off and would be started without a success: KPS may work on it for another task."""
    return starts(record) and record["state"] != SUCCESS and record["power"] != ACTIVE


def is_open(record: Record) -> bool:
    """Return whether the next run must know of a server if this one is interrupted."""
    if record["state"] == REFUSED:
        return False
    if record["stopping"]:
        return True  # it may still stop, and the next run must know that it ran
    if record["state"] in (*GOOD, FAILED) and not (starts(record) and record["power"] != ACTIVE):
        return False
    return bool(record["stop"] or record["touched"] or record["operation"] or record["state"] == BUSY)


def of_this_use(records: Results, finished: Results) -> list[Record]:
    """Return the finished records of this use of the role; a play can use the role more than once."""
    uses = {record["run"] for record in records}
    return [dict(record) for record in finished if record["run"] in uses]


def earlier_batches(records: Results, finished: Results) -> list[Record]:
    """Return the records of the earlier batches of the play."""
    here = {record["host"] for record in records if not record["lost"]}
    return [record for record in of_this_use(records, finished) if record["host"] not in here]


def finish(records: list[Record], finished: Results) -> list[Record]:
    """Return the finished records and those of this batch, one for each host and use of the role."""
    ours = {(record["run"], record["host"]) for record in records}
    return [*(dict(record) for record in finished if (record["run"], record["host"]) not in ours), *records]
