# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The batches of each stage: servers grouped so that one request is enough for a group."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import FAILED
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE, SHUTOFF
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    PLANNED,
    REFUSED,
    Record,
    Results,
    is_unconfirmed,
    starts,
)


def _ready(record: Record) -> bool:
    """Return whether a server is in the power state that its operation needs."""
    needed = ACTIVE if record["login"] else SHUTOFF
    return record["state"] == PLANNED and not record["task_id"] and record["power"] == needed


_STAGES: dict[str, t.Callable[[Record], bool]] = {
    "all": lambda record: record["state"] != REFUSED,
    # Refused servers, too: the report must name those that are off.
    "servers": lambda record: bool(record["server_id"]) and not record["duplicate"],
    "current": lambda record: (
        record["state"] == PLANNED
        and bool(record["old_public_key"] and record["current_keypair_name"])
        and record["current_keypair_name"] != record["keypair_name"]
    ),
    "stop": lambda record: record["state"] == PLANNED and record["stop"],
    "associate": _ready,
    "wait": lambda record: record["state"] == PLANNED and bool(record["task_id"]),
    "unconfirmed": is_unconfirmed,
    "start": starts,
    "after": lambda record: starts(record) or record["stopping"],
    "clean": lambda record: record["clean_failed_tasks"] and record["state"] == FAILED and bool(record["task_id"]),
}


def batches(records: t.Sequence[Record], stage: str, secrets: t.Mapping[str, t.Any] | None = None) -> list[Record]:
    """Return the batches of a stage, one for each region, project and key pair.

    Args:
        records: The records.
        stage: ``all``, ``servers``, ``current``, ``stop``, ``associate``, ``wait``, ``unconfirmed``, ``start``, ``after`` or
            ``clean``. The batches of ``current`` name the key pair that servers have now, the others the desired one.
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
        pair = record["current_keypair_name"] if stage == "current" else record["keypair_name"]
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
    """Return the records of the batch that a result belongs to, without refused ones."""
    return [record for record in all_of_batch(records, result) if record["state"] != REFUSED]


def all_of_batch(records: t.Sequence[Record], result: t.Mapping[str, t.Any]) -> list[Record]:
    """Return the records of the batch that a result belongs to."""
    ids = set(result["item"]["server_ids"])
    return [record for record in records if record["server_id"] in ids and not record["duplicate"]]


def rows_by_server(results: Results) -> dict[str, t.Mapping[str, t.Any]]:
    """Return the rows of all batches by server id."""
    return {row["server_id"]: row for result in results for row in result.get("servers") or []}
