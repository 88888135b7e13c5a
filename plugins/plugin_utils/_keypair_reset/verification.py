# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verification of keys: checks before any server is touched, and logins in the end."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps_keypairs import key_material
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh import ACCEPTED, REFUSED, UNTRIED, UNVERIFIED
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset import records as states
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.batching import of_batch
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    GOOD,
    Record,
    Results,
    fail,
    refuse,
)

#: The keys, as the report names them.
_KEYS = ("new", "old")
#: The user whose keys KPS manages, if nothing names another one.
_DEFAULT_USER = "root"


def checks(records: t.Sequence[Record]) -> list[Record]:
    """Return the logins to check before any server is touched: each given key on each server."""
    return [
        _target(record, which, path)
        for record in records
        if record["state"] != states.REFUSED
        for which in _KEYS
        for path in [_given(record, which) or (_own_key(record) if which == "old" else "")]
        if path
    ]


def logins(records: t.Sequence[Record]) -> list[Record]:
    """Return the logins to try: each given key on each running server whose task has ended."""
    return [
        _target(record, which, path)
        for record in records
        if record["power"] == ACTIVE
        and record["state"] not in (states.REFUSED, states.BUSY, states.PLANNED)
        # Without connection settings a host is in the batch only if no key was given.
        and "problem" not in record["ssh"]
        for which in _KEYS
        for path in [_given(record, which) or (_own_key(record) if which == "old" and record["own_key_fits"] else "")]
        if path and not (which == "old" and record["same_key"])
    ]


def _given(record: Record, which: str) -> str:
    return str(record["private_key_file" if which == "new" else "old_private_key_file"])


def _own_key(record: Record) -> str:
    """Return the key of Ansible's own connection: the old key if it fits the pair in KPS. It is never sent to KPS."""
    return str(record["ssh"].get("private_key_file") or "")


def _target(record: Record, which: str, path: str) -> Record:
    ssh = record["ssh"]
    return {
        "name": f"{record['host']} {which}",
        "host": ssh["host"],
        "port": int(ssh["port"]) if ssh["port"] else None,
        "user": ssh["user"] or None,
        "args": ssh["args"],
        "executable": ssh["executable"],
        "private_key_file": path,
    }


def note_checks(records: list[Record], results: Results, *, check_mode: bool) -> list[Record]:
    """Note the public keys, users and ports of the logins, or why a login cannot be tried.

    Args:
        records: The records.
        results: The result of ``ssh_login_info`` with ``log_in: false``, if there was anything to check.
        check_mode: Whether a key that is to be generated may still be missing.
    """
    checked = {target["name"] for target in checks(records)}
    found, problem = _by_name(results)
    for record in records:
        for which in _KEYS:
            name = f"{record['host']} {which}"
            login = found.get(name)
            given = bool(_given(record, which))
            if login is None:
                if name in checked and given:
                    refuse(record, f"Whether its {which} key can be used to log in is not known. {problem}")
            elif login["outcome"] == UNTRIED:
                record["new_public_key" if which == "new" else "old_public_key"] = login["public_key"]
                user, port = record["ssh"]["user"] or login["user"] or _DEFAULT_USER, login["port"]
                record["ssh"] = {**record["ssh"], "user": user, "port": port}
            elif given and not (which == "new" and check_mode and record["generate"] and login["cause"] == "key"):
                more = " Give others in keypair_reset_ssh_args." if login["cause"] == "configuration" else ""
                refuse(record, f"{login['msg']}{more}")
        if record["generate"] and not record["public_key"]:
            record["public_key"] = record["new_public_key"] or ""
    return records


def note_old_keys(records: list[Record], results: Results) -> list[Record]:
    """Note whether the old keys are those that KPS says the servers have now; refuse servers with another one.

    In the end a refusal counts only for the key that a server had.

    Args:
        records: The records, decided on.
        results: One result for each batch of the stage ``current``, of ``hwc_kps_keypair_info``.
    """
    for record in records:
        record["same_key"] = bool(record["old_public_key"]) and _same(record["old_public_key"], record["pair_key"])
        if record["same_key"] and _given(record, "old") and not record["force"]:
            path, name = record["old_private_key_file"], record["keypair_name"]
            same = f"{path} is the private key of the desired key pair {name}, so it cannot be refused in the end."
            refuse(
                record, f"{same} Give the key that the server has now, or leave keypair_reset_old_private_key_file out."
            )
    for result in results:
        pairs = result.get("keypairs")
        for record in of_batch(records, result):
            fits = _same(record["old_public_key"], pairs[0].get("public_key")) if pairs else False
            if not _given(record, "old"):
                record["own_key_fits"] = fits
            elif not fits:
                _refuse_old_key(record, result)
    return records


def _refuse_old_key(record: Record, result: t.Mapping[str, t.Any]) -> None:
    """Refuse a server whose old key is not that of the pair that KPS says it has, or cannot be compared with it."""
    path, had = record["old_private_key_file"], record["current_keypair_name"]
    if "keypairs" not in result:
        refuse(record, f"The key pair {had}, which it has now, could not be read. {result.get('msg')}")
    elif result["keypairs"]:
        refuse(record, f"{path} is not the private key of the key pair {had}, which it has now.")
    elif record["login"] != "keypair":
        # For a replacement KPS logs in with this key, which verifies it.
        gone = f"KPS no longer has the key pair {had} of this server, so {path} cannot be compared with it."
        refuse(record, f"{gone} Leave keypair_reset_old_private_key_file out.")


def _same(one: str | None, other: str | None) -> bool:
    return key_material(str(one)) is not None and key_material(str(one)) == key_material(str(other))


def note_logins(records: list[Record], results: Results) -> list[Record]:
    """Note the outcomes of the logins. A server whose planned logins were not tried fails.

    Args:
        records: The records.
        results: The result of ``ssh_login_info``.
    """
    planned = {target["name"] for target in logins(records)}
    found, problem = _by_name(results)
    for record in records:
        shown = {
            which: found.get(name) or ({"outcome": UNVERIFIED, "msg": problem} if name in planned else None)
            for which, name in ((which, f"{record['host']} {which}") for which in _KEYS)
        }
        for which, login in shown.items():
            record[f"{which}_key"] = login["outcome"] if login else UNVERIFIED
        if record["state"] in GOOD:
            _check_logins(record, shown["new"], shown["old"])
    return records


def _check_logins(record: Record, new: t.Mapping[str, t.Any] | None, old: t.Mapping[str, t.Any] | None) -> None:
    reasons = []
    if new and new["outcome"] == REFUSED:
        reasons.append(f"The new key was not accepted: {new['msg']}")
    elif new and new["outcome"] != ACCEPTED:
        reasons.append(f"It could not be verified that the new key is accepted: {new['msg']}")
    if old and old["outcome"] == ACCEPTED:
        reasons.append("The old key is still accepted. Remove it from authorized_keys.")
    # The user did not ask to verify the key of Ansible's own connection.
    elif old and old["outcome"] != REFUSED and not record["own_key_fits"] and not (new and new["msg"] == old["msg"]):
        reasons.append(f"It could not be verified that the old key is refused: {old['msg']}")
    for reason in reasons:
        fail(record, reason)
    if not reasons and new and (new["partial"] or not new["command_ran"]):
        # The key is accepted, but the user should know the limits.
        record["reason"] = f"New key: {new['msg']}"


def _by_name(results: Results) -> tuple[dict[str, t.Mapping[str, t.Any]], str]:
    """Return the logins by name, and why there are none if the module failed as a whole."""
    found = {login["name"]: login for result in results for login in result.get("logins") or []}
    problem = " ".join(str(result.get("msg")) for result in results if "logins" not in result and result.get("msg"))
    return found, f"The logins were not tried. {problem}".strip()
