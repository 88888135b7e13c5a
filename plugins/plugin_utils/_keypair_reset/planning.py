# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: the decision for each server, made before any server is touched."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.plan import LoginSecrets, NextStep, decide
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE, SHUTOFF
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps import classify
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps_keypairs import key_material
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.batching import (
    all_of_batch,
    of_batch,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    GOOD,
    REFUSED,
    UNCHANGED,
    Record,
    Results,
    earlier_batches,
    refuse,
    refuse_duplicate,
)

#: A placeholder for a secret, where only its presence matters.
_GIVEN = "given"
#: The task_state of a server that ECS is stopping.
_STOPPING = "powering-off"


def note_earlier_batches(
    records: list[Record], finished: Results, *, max_failures: str | None, canaries: t.Sequence[str]
) -> list[Record]:
    """Refuse the whole batch when too many servers of earlier batches have failed.

    Args:
        records: The records of this batch.
        finished: The records of all batches and uses of the role so far.
        max_failures: How many servers may fail, or which share of the play (``10%``); None: no limit.
        canaries: The hosts of the first batch, of which none may fail.
    """
    earlier = earlier_batches(records, finished)
    reported = {record["host"] for record in earlier}
    # The first batch reports the hosts that were lost before the role began.
    records = [record for record in records if not (record["lost"] and record["host"] in reported)]
    here = [record["host"] for record in records if not record["lost"]]
    failed_canaries = _failed_canaries(records, earlier, canaries)
    if not earlier and not failed_canaries:
        chosen = [host for host in here if host in canaries] or here[: len(canaries)]
        for record in records:
            record["canary"] = record["host"] in (chosen if not record["lost"] else canaries)
    # A refused server has not failed. A refused canary counts as failed, because it shows nothing.
    failed = [record["host"] for record in earlier if record["state"] not in (*GOOD, REFUSED)]
    allowed = _allowed(max_failures, records[0]["play_size"] if records else 0)
    names = ", ".join(failed[:5]) + (f" and {len(failed) - 5} more" if len(failed) > 5 else "")
    owners = {record["server_id"]: record["host"] for record in earlier if record["server_id"]}
    for record in records:
        owner = owners.get(record["server_id"])
        if owner:
            refuse_duplicate(record, f"The host {owner} of an earlier batch has the same keypair_reset_server_id.")
        if failed_canaries:
            refuse(record, f"{failed_canaries}, so no other server is touched.")
        elif allowed is not None and len(failed) > allowed:
            refuse(
                record,
                f"Too many servers have failed: {names}; keypair_reset_max_failures allows {max_failures}.",
            )
    return records


def _failed_canaries(records: t.Sequence[Record], earlier: Results, canaries: t.Sequence[str]) -> str:
    """Return which canaries failed or were lost, as the beginning of a sentence; empty when all are well."""
    if earlier:
        bad = [record["host"] for record in earlier if record["canary"] and record["state"] not in GOOD]
        return f"The canary failed ({', '.join(bad)})" if bad else ""
    here = {record["host"] for record in records if not record["lost"]}
    lost = [record["host"] for record in records if record["lost"] and record["host"] in canaries]
    # With a canary among its hosts, this is the canary batch.
    return "" if not lost or here & set(canaries) else f"The canary was lost before the role began ({', '.join(lost)})"


def _allowed(max_failures: str | None, play_size: int) -> int | None:
    if not max_failures:
        return None
    return int(play_size * float(max_failures[:-1]) / 100) if max_failures.endswith("%") else int(max_failures)


def note_journal(records: list[Record], results: Results) -> list[Record]:
    """Note the journals of interrupted runs: which servers ran, and which tasks were started.

    Args:
        records: The records.
        results: The result of ``keypair_reset_journal``.
    """
    noted = {entry["server_id"]: entry for result in results for entry in result.get("entries") or []}
    problems = " ".join(str(problem) for result in results for problem in result.get("problems") or [])
    for record in records:
        entry = noted.get(record["server_id"])
        if entry:
            record["was_running"] = record["left_off"] = bool(entry.get("was_running"))
            record["journal_task"] = (
                entry.get("task_id") if entry.get("keypair_name") == record["keypair_name"] else None
            )
        elif problems and record["power_after"] == "restore":
            refuse(record, f"Whether it must run in the end is not known: {problems}")
    return records


def note_journal_kept(records: list[Record], results: Results) -> list[Record]:
    """Refuse every server when the journal could not be written, because nothing else survives an interruption.

    Args:
        records: The records.
        results: The result of ``keypair_reset_journal``.
    """
    for result in results:
        if result.get("msg"):
            for record in records:
                refuse(record, str(result["msg"]))
    return records


def note_keypairs(records: list[Record], results: Results) -> list[Record]:
    """Note the public keys of the key pairs, or why a key pair cannot be used.

    Args:
        records: The records.
        results: One result for each batch, of ``hwc_kps_keypair`` or ``hwc_kps_keypair_info``.
    """
    for result in results:
        pairs = [result["keypair"]] if result.get("keypair") else result.get("keypairs") or []
        for record in of_batch(records, result):
            name, identity = record["keypair_name"], record["new_public_key"]
            if not pairs and record["generate"] and identity is None:
                continue  # in check mode neither the key nor the pair exists yet
            if not pairs:
                absent = f"There is no key pair {name}. Create it, or give keypair_reset_public_key."
                refuse(record, absent if "keypairs" in result else str(result.get("msg") or absent))
                continue
            record["pair_key"] = pairs[0].get("public_key")
            if identity and key_material(identity) != key_material(str(record["pair_key"])):
                refuse(record, f"{record['private_key_file']} is not the private key of the key pair {name}.")
    return records


def note_servers(records: list[Record], servers: Results, running: Results, *, now: float) -> list[Record]:
    """Decide for each server, from its state and the running tasks.

    Args:
        records: The records.
        servers: One result for each batch, of ``hwc_ecs_server_info``.
        running: One result for each batch, of ``hwc_kps_task_info`` with ``list: running``.
        now: Seconds on a monotonic clock.
    """
    tasks: dict[str, t.Mapping[str, t.Any]] = {}
    for result in running:
        tasks.update({str(task.get("server_id")): task for task in result.get("tasks") or []})
        for record in of_batch(records, result):
            if "tasks" not in result:
                refuse(record, f"The running tasks could not be read. {result.get('msg')}")
    for result in servers:
        rows = {row["server_id"]: row for row in result.get("servers") or []}
        for record in all_of_batch(records, result):
            if "servers" not in result:
                refuse(record, f"The server could not be read. {result.get('msg')}")
                continue
            server = rows.get(record["server_id"])
            _note_server(record, server)
            if record["state"] != REFUSED:
                _decide(record, server, tasks.get(record["server_id"]))
            record["started_at"] = now
    return records


def _note_server(record: Record, server: t.Mapping[str, t.Any] | None) -> None:
    """Note the state of a server, even of a refused one."""
    record["exists"] = server is not None
    if server is not None:
        record["name"], record["power"], record["current_keypair_name"] = (
            server["name"],
            server["status"],
            server["key_name"],
        )
        if record["was_running"] is None:
            record["was_running"] = server["status"] == ACTIVE
        if server["task_state"] == _STOPPING:
            record["stopping"] = record["left_off"] = True


def _decide(record: Record, server: t.Mapping[str, t.Any] | None, task: t.Mapping[str, t.Any] | None) -> None:
    if server is not None and _adopt_task(record, task):
        return
    step, method = _choose(record, server, str(task["task_id"]) if task else None)
    if step.refusal:
        refuse(record, step.refusal)
    elif record["stopping"]:
        refuse(record, f"It is busy ({_STOPPING}). Run this again when that is over.")
    elif step.operation is None:
        record["state"] = UNCHANGED
    else:
        record.update(operation=step.operation, login=step.login.kind if step.login else None, why=method)
        record["stop"] = record["power"] == ACTIVE and step.login is None


def _adopt_task(record: Record, task: t.Mapping[str, t.Any] | None) -> bool:
    """Adopt the task of an interrupted run instead of starting another one; return whether there is one."""
    if task is not None:
        operation = classify(task.get("operate_type"))[1]
        # KPS lists an unbind task without a key pair.
        ours = (task.get("keypair_name") or None) == record["keypair_name"] or (
            operation == "unbind" and not record["keypair_name"]
        )
        if not ours:
            return False
        record.update(operation=operation, task_id=str(task["task_id"]), why="an earlier run has started it")
    elif record["force"] and record["journal_task"]:
        # The name does not tell: the pair has the desired name before and after a forced reset.
        record.update(operation="reset", task_id=record["journal_task"], why="an earlier run has started it")
    else:
        return False
    record["touched"] = True
    return True


def _choose(record: Record, server: t.Mapping[str, t.Any] | None, busy_with: str | None) -> tuple[NextStep, str]:
    """Return the step for a server by the method of the host, and the reason for it."""
    method = record["method"]
    running = server is not None and server["status"] == ACTIVE
    logins = LoginSecrets(
        private_key=_GIVEN if record["old_private_key_file"] else None,
        root_password=_GIVEN if record["has_root_password"] else None,
    )

    def step(as_if: t.Mapping[str, t.Any] | None, with_logins: LoginSecrets) -> NextStep:
        name = record["keypair_name"]
        return decide(as_if, name, force=bool(record["force"]), logins=with_logins, busy_with=busy_with)

    online = step(server, logins)
    if online.operation is None and online.refusal is None:
        return online, ""
    if method in ("replace", "bind"):
        return _require_method(method, server, online), f"the method is {method}"
    if method == "auto" and running and online.login is not None:
        given = (
            "the old private key is at hand" if online.login.kind == "keypair" else "the password of root is at hand"
        )
        return online, f"it runs and {given}: no downtime"
    # A reset needs a server that is off, so decide as if this one were stopped.
    offline = step({**server, "status": SHUTOFF} if server and running else server, LoginSecrets())
    if offline.operation == "bind":
        return offline, "no key pair to reset"
    if method == "auto":
        return offline, "no login to it is at hand" if running else "it is off"
    return offline, f"the method is {method}"


def _require_method(method: str, server: t.Mapping[str, t.Any] | None, online: NextStep) -> NextStep:
    """Return the step if it fits the method, and a refusal that names other methods if not."""
    if online.refusal or server is None:
        return online
    if online.login is not None and online.operation in (method, "unbind"):
        return online
    if server["status"] != ACTIVE:
        return NextStep(refusal=f"It is off, and the method {method} needs it to run. Use the method auto or reset.")
    other = "It has a key pair" if server["key_name"] else "It has no key pair"
    return NextStep(refusal=f"{other}, so the method {method} does not fit. Use the method auto.")
