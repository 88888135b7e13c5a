# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before anything is touched: what is known of key pairs, keys and servers, and what is decided for each server."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._fleet.decision import Logins, Step, decide
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE, SHUTOFF
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps import judge
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps_keypairs import key_material
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.batching import of_batch
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    GOOD,
    REFUSED,
    UNCHANGED,
    Record,
    Results,
    refuse,
)

#: What stands for a secret where only its presence counts.
_GIVEN = "given"


def note_history(
    records: list[Record], earlier: Results, *, most_failures: str | int | None, canary: int
) -> list[Record]:
    """Refuse the whole batch when the batches before it went too badly.

    Args:
        records: The records of this batch.
        earlier: The records of the batches before it.
        most_failures: How many servers may fail, or which share of the play (``10%``); None is no limit.
        canary: How many servers make up the first batch, of which none may fail; 0 for no canary.
    """
    bad = [record for record in earlier if record["state"] not in GOOD]
    # A server that was refused is none that went wrong; but a canary that was refused has shown nothing.
    failed = [record["host"] for record in bad if record["state"] != REFUSED]
    allowed = _allowed(most_failures, records[0]["play_size"] if records else 0)
    names = ", ".join(failed[:5]) + (f" and {len(failed) - 5} more" if len(failed) > 5 else "")
    dead = ", ".join(record["host"] for record in earlier[:canary] if record["state"] not in GOOD)
    for record in records:
        if dead:
            refuse(record, f"The canary failed ({dead}), so that nothing else is touched.")
        elif allowed is not None and len(failed) > allowed:
            refuse(
                record,
                f"Too many servers have failed: {names}; keypair_reset_max_failures allows {most_failures}.",
            )
    return records


def _allowed(most_failures: str | int | None, play_size: int) -> int | None:
    if most_failures is None or most_failures == "":
        return None
    text = str(most_failures).strip()
    return int(play_size * float(text[:-1]) / 100) if text.endswith("%") else int(text)


def note_journal(records: list[Record], entries: Results) -> list[Record]:
    """What earlier runs that were cut off wrote down: which servers ran, and which tasks were started."""
    noted = {entry["server_id"]: entry for entry in entries if isinstance(entry, dict) and "server_id" in entry}
    for record in records:
        entry = noted.get(record["server_id"])
        if entry:
            record["was_running"] = bool(entry.get("was_running"))
            record["journal_task"] = (
                entry.get("task_id") if entry.get("keypair_name") == record["keypair_name"] else None
            )
    return records


def note_identities(records: list[Record], identities: Results, *, check_mode: bool) -> list[Record]:
    """The public halves of the private keys at hand, which the key pairs must hold.

    Args:
        records: The records.
        identities: One result for each private key file, of ``ssh-keygen -y``.
        check_mode: Whether a key that is to be generated is not there yet.
    """
    by_file = {result["item"]: result for result in identities}
    for record in records:
        path = record["private_key_file"]
        result = by_file.get(path)
        if not result:
            continue
        if result.get("rc") == 0:
            record["identity"] = str(result["stdout"]).strip()
            if record["generate"] and not record["public_key"]:
                record["public_key"] = record["identity"]
        elif not (check_mode and record["generate"]):
            words = str(result.get("stderr") or result.get("msg") or "").strip().splitlines()
            why = words[-1] if words else "ssh-keygen could not be run"
            refuse(record, f"{path} cannot be used to log in: {why}. It must exist and have no passphrase.")
    return records


def note_keypairs(records: list[Record], results: Results) -> list[Record]:
    """The key pairs as they are now, or why they cannot be used.

    Args:
        records: The records.
        results: One result for each batch, of ``hwc_kps_keypair`` or ``hwc_kps_keypair_info``.
    """
    for result in results:
        pairs = [result["keypair"]] if result.get("keypair") else result.get("keypairs") or []
        for record in of_batch(records, result):
            name, identity = record["keypair_name"], record["identity"]
            if not pairs and record["generate"] and identity is None:
                continue  # in check mode: neither the key nor the pair is there yet
            if not pairs:
                absent = f"There is no key pair {name}. Create it, or give keypair_reset_public_key."
                refuse(record, absent if "keypairs" in result else str(result.get("msg") or absent))
            elif identity and key_material(identity) != key_material(str(pairs[0].get("public_key"))):
                refuse(record, f"{record['private_key_file']} is not the private key of the key pair {name}.")
    return records


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
        for record in of_batch(records, result):
            if "tasks" not in result:
                refuse(record, f"The running tasks could not be read. {result.get('msg')}")
    for result in servers:
        rows = {row["server_id"]: row for row in result.get("servers") or []}
        for record in of_batch(records, result):
            if "servers" not in result:
                refuse(record, f"The server could not be read. {result.get('msg')}")
            else:
                _decide(record, rows.get(record["server_id"]), tasks.get(record["server_id"]))
    return records


def _decide(record: Record, server: t.Mapping[str, t.Any] | None, task: t.Mapping[str, t.Any] | None) -> None:
    if server is not None:
        record["name"], record["power"] = server["name"], server["status"]
        if record["was_running"] is None:
            record["was_running"] = server["status"] == ACTIVE
        if _joins(record, task):
            return
    step, method = _choose(record, server, str(task["task_id"]) if task else None)
    if step.refusal:
        refuse(record, step.refusal)
    elif step.operation is None:
        record["state"] = UNCHANGED
    else:
        record.update(operation=step.operation, login=step.login.kind if step.login else None, why=method)
        record["stop"] = record["power"] == ACTIVE and step.login is None


def _joins(record: Record, task: t.Mapping[str, t.Any] | None) -> bool:
    """Take over the task of a run that was cut off; it is not started again."""
    if task is not None:
        operation = judge(task.get("operate_type"))[1]
        # The row of an unbinding has no key pair.
        ours = (task.get("keypair_name") or None) == record["keypair_name"] or (
            operation == "unbind" and not record["keypair_name"]
        )
        if not ours:
            return False
        record.update(operation=operation, task_id=str(task["task_id"]), why="an earlier run has started it")
    elif record["force"] and record["journal_task"]:
        # Its name says nothing here: the pair has the wanted name before and after a forced reset.
        record.update(operation="reset", task_id=record["journal_task"], why="an earlier run has started it")
    else:
        return False
    record["touched"] = True
    return True


def _choose(record: Record, server: t.Mapping[str, t.Any] | None, busy_with: str | None) -> tuple[Step, str]:
    """The step for a server, and why it is this one, by the method that the host wants."""
    method = record["method"]
    running = server is not None and server["status"] == ACTIVE
    logins = Logins(
        private_key=_GIVEN if record["old_private_key_file"] else None,
        root_password=_GIVEN if record["has_root_password"] else None,
    )

    def step(as_if: t.Mapping[str, t.Any] | None, with_logins: Logins) -> Step:
        wanted = record["keypair_name"]
        return decide(as_if, wanted, force=bool(record["force"]), logins=with_logins, busy_with=busy_with)

    online = step(server, logins)
    if online.operation is None and online.refusal is None:
        return online, ""
    if method in ("replace", "bind"):
        return _only(method, server, online), f"the method is {method}"
    if method == "auto" and running and online.login is not None:
        given = (
            "the old private key is at hand" if online.login.kind == "keypair" else "the password of root is at hand"
        )
        return online, f"it runs and {given}: no downtime"
    # A reset works on servers that are off: what this one is when it has been stopped decides.
    offline = step({**server, "status": SHUTOFF} if server and running else server, Logins())
    if method == "auto":
        return offline, "no login to it is at hand" if running else "it is off"
    return offline, f"the method is {method}"


def _only(method: str, server: t.Mapping[str, t.Any] | None, online: Step) -> Step:
    """The step if it is what the method says; a refusal that names the other ways otherwise."""
    if online.refusal or server is None:
        return online
    if online.login is not None and online.operation in (method, "unbind"):
        return online
    if server["status"] != ACTIVE:
        return Step(refusal=f"It is off, and the method {method} needs it to run. Use the method auto or reset.")
    other = "It has a key pair" if server["key_name"] else "It has no key pair"
    return Step(refusal=f"{other}, so that the method {method} does not fit. Use the method auto.")
