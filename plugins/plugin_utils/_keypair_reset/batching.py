# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each stage asks the cloud for: servers grouped so that a group takes one request."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import FAILED
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE, SHUTOFF
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    PLANNED,
    REFUSED,
    Record,
    Results,
    is_doubtful,
    starts,
)


def _ready(record: Record) -> bool:
    """Whether its operation can be started: it is in the power state that the operation needs."""
    fitting = ACTIVE if record["login"] else SHUTOFF
    return record["state"] == PLANNED and not record["task_id"] and record["power"] == fitting


_STAGES: dict[str, t.Callable[[Record], bool]] = {
    "all": lambda record: record["state"] != REFUSED,
    # A server that is refused may be off, too, and the report has to tell.
    "servers": lambda record: bool(record["server_id"]) and not record["twin"],
    "current": lambda record: (
        record["state"] == PLANNED
        and bool(record["old_identity"] and record["had"])
        and record["had"] != record["keypair_name"]
    ),
    "stop": lambda record: record["state"] == PLANNED and record["stop"],
    "associate": _ready,
    "wait": lambda record: record["state"] == PLANNED and bool(record["task_id"]),
    "doubt": is_doubtful,
    "start": starts,
    "after": lambda record: starts(record) or record["stopping"],
    "clean": lambda record: record["clean_failed_tasks"] and record["state"] == FAILED and bool(record["task_id"]),
}


def batches(records: t.Sequence[Record], stage: str, secrets: t.Mapping[str, t.Any] | None = None) -> list[Record]:
    """The batches of a stage: one for each region, project and key pair, empty ones left out.

    Args:
        records: The records.
        stage: ``all``, ``servers``, ``current``, ``stop``, ``associate``, ``wait``, ``doubt``, ``start``, ``after`` or
            ``clean``. The batches of ``current`` name the key pair that servers have now, the others the one they are to have.
        secrets: The password of root by host, for ``associate``, where servers with different logins cannot share a
            batch. A batch names a host whose password is its own; the password itself never enters it.
    """
    found: dict[t.Any, Record] = {}
    for record in records:
        if not _STAGES[stage](record):
            continue
        key_file = record["old_private_key_file"] if stage == "associate" and record["login"] == "keypair" else None
        password = (
            (secrets or {}).get(record["host"]) if stage == "associate" and record["login"] == "password" else None
        )
        port = int(record["ssh"].get("port") or 22) if stage == "associate" and record["login"] else None
        force = bool(record["force"]) if stage == "associate" else None
        stop_type = record["stop_type"] if stage == "stop" else None
        pair = record["had"] if stage == "current" else record["keypair_name"]
        batch = found.setdefault(
            (record["region"], record["project_id"], pair, key_file, password, port, force, stop_type),
            {
                "region": record["region"],
                "project_id": record["project_id"],
                "keypair_name": pair,
                "key_file": key_file,
                "port": port,
                "force": force,
                "stop_type": stop_type,
                "password_of": record["host"] if password else None,
                "public_key": None,
                "server_ids": [],
                "task_ids": [],
            },
        )
        batch["public_key"] = batch["public_key"] or record["public_key"]
        batch["server_ids"].append(record["server_id"])
        batch["task_ids"].extend([record["task_id"]] if record["task_id"] else [])
    for batch in found.values():
        batch["label"] = _label(batch)
    return list(found.values())


def _label(batch: Record) -> str:
    count = len(batch["server_ids"])
    pair = f"key pair {batch['keypair_name']}" if batch["keypair_name"] else "no key pair"
    return ", ".join(
        part
        for part in (f"{count} server{'' if count == 1 else 's'}", pair, batch["region"], batch["project_id"])
        if part
    )


def of_batch(records: t.Sequence[Record], result: t.Mapping[str, t.Any]) -> list[Record]:
    """Return the records that a result of a loop over batches is about, those that were refused left out."""
    return [record for record in all_of_batch(records, result) if record["state"] != REFUSED]


def all_of_batch(records: t.Sequence[Record], result: t.Mapping[str, t.Any]) -> list[Record]:
    """Return the records that a result of a loop over batches is about."""
    ids = set(result["item"]["server_ids"])
    return [record for record in records if record["server_id"] in ids and not record["twin"]]


def rows_by_server(results: Results) -> dict[str, t.Mapping[str, t.Any]]:
    """The rows of all batches, by server."""
    return {row["server_id"]: row for result in results for row in result.get("servers") or []}
