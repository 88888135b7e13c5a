# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and logins: what is known of them before anything is touched, and what they prove in the end."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.ecs import ACTIVE
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps_keypairs import key_material
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh import ACCEPTED, REFUSED, UNPROVEN, UNTRIED
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
#: For whom KPS manages keys, if nothing names a user.
_DEFAULT_USER = "root"


def checks(records: t.Sequence[Record]) -> list[Record]:
    """The logins that are going to be tried, before anything is touched: each key that is at hand, on each server."""
    return [
        _target(record, which, path)
        for record in records
        if record["state"] != states.REFUSED
        for which in _KEYS
        for path in [_given(record, which) or (_own_key(record) if which == "old" else "")]
        if path
    ]


def logins(records: t.Sequence[Record]) -> list[Record]:
    """The logins to try: each key that is at hand, on each server that runs and about whose key nothing is open."""
    return [
        _target(record, which, path)
        for record in records
        if record["power"] == ACTIVE
        and record["state"] not in (states.REFUSED, states.BUSY, states.PLANNED)
        # A host that could not be logged in to is in the batch only if no key of it was given.
        and "problem" not in record["ssh"]
        for which in _KEYS
        for path in [_given(record, which) or (_own_key(record) if which == "old" and record["own_key_fits"] else "")]
        if path and not (which == "old" and record["same_key"])
    ]


def _given(record: Record, which: str) -> str:
    return str(record["private_key_file" if which == "new" else "old_private_key_file"])


def _own_key(record: Record) -> str:
    """The key with which Ansible's own connection logs in: the old one if KPS says so, and none that is sent to KPS."""
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
    """The public halves of the keys, and who would log in where; or why a login could not be tried.

    Args:
        records: The records.
        results: The result of ``ssh_login_info`` with ``log_in: false``, if there was anything to ask.
        check_mode: Whether a key that is to be generated is not there yet.
    """
    asked = {target["name"] for target in checks(records)}
    found, trouble = _by_name(results)
    for record in records:
        for which in _KEYS:
            name = f"{record['host']} {which}"
            login = found.get(name)
            wanted = bool(_given(record, which))
            if login is None:
                if name in asked and wanted:
                    refuse(record, f"Whether its {which} key can be used to log in is not known. {trouble}")
            elif login["outcome"] == UNTRIED:
                record["identity" if which == "new" else "old_identity"] = login["public_key"]
                user, port = record["ssh"]["user"] or login["user"] or _DEFAULT_USER, login["port"]
                record["ssh"] = {**record["ssh"], "user": user, "port": port}
            elif wanted and not (which == "new" and check_mode and record["generate"] and login["cause"] == "key"):
                more = " Give others in keypair_reset_ssh_args." if login["cause"] == "configuration" else ""
                refuse(record, f"{login['words']}{more}")
        if record["generate"] and not record["public_key"]:
            record["public_key"] = record["identity"] or ""
    return records


def note_old_keys(records: list[Record], results: Results) -> list[Record]:
    """Whether the old keys are those that the servers have now, by what KPS says.

    Only a refusal of the key that a server had proves something. Nothing was touched yet, so that a wrong key is refused.

    Args:
        records: The records, decided on.
        results: One result for each batch of the stage ``current``, of ``hwc_kps_keypair_info``.
    """
    for record in records:
        record["same_key"] = bool(record["old_identity"]) and _same(record["old_identity"], record["pair_key"])
        if record["same_key"] and _given(record, "old") and not record["force"]:
            path, name = record["old_private_key_file"], record["keypair_name"]
            refuse(record, f"{path} is the private key of the wanted key pair {name}, which cannot be refused as well.")
    for result in results:
        pairs = result.get("keypairs")
        for record in of_batch(records, result):
            fits = _same(record["old_identity"], pairs[0].get("public_key")) if pairs else False
            if not _given(record, "old"):
                record["own_key_fits"] = fits
            elif not fits:
                _refuse_old_key(record, result)
    return records


def _refuse_old_key(record: Record, result: t.Mapping[str, t.Any]) -> None:
    """Refuse a server whose old key is not that of the pair that KPS says it has, or cannot be compared with it."""
    path, had = record["old_private_key_file"], record["had"]
    if "keypairs" not in result:
        refuse(record, f"The key pair {had}, which it has now, could not be read. {result.get('msg')}")
    elif result["keypairs"]:
        refuse(record, f"{path} is not the private key of the key pair {had}, which it has now.")
    elif record["login"] != "keypair":
        # KPS logs in with the key itself for a replacement, which shows as much.
        gone = f"KPS has no key pair {had} any more, which it has now, so that nothing shows that {path} is its key."
        refuse(record, f"{gone} Leave keypair_reset_old_private_key_file out.")


def _same(one: str | None, other: str | None) -> bool:
    return key_material(str(one)) is not None and key_material(str(one)) == key_material(str(other))


def note_logins(records: list[Record], results: Results) -> list[Record]:
    """What the logins have shown. A server whose logins were planned, and not tried, is not proven to be well.

    Args:
        records: The records.
        results: The result of ``ssh_login_info``.
    """
    planned = {target["name"] for target in logins(records)}
    found, trouble = _by_name(results)
    for record in records:
        shown = {
            which: found.get(name) or ({"outcome": UNPROVEN, "words": trouble} if name in planned else None)
            for which, name in ((which, f"{record['host']} {which}") for which in _KEYS)
        }
        for which, login in shown.items():
            record[f"{which}_key"] = login["outcome"] if login else UNPROVEN
        if record["state"] in GOOD:
            _judge_logins(record, shown["new"], shown["old"])
    return records


def _judge_logins(record: Record, new: t.Mapping[str, t.Any] | None, old: t.Mapping[str, t.Any] | None) -> None:
    reasons = []
    if new and new["outcome"] == REFUSED:
        reasons.append(f"The new key was not accepted: {new['words']}")
    elif new and new["outcome"] != ACCEPTED:
        reasons.append(f"That the new key is accepted could not be proven: {new['words']}")
    if old and old["outcome"] == ACCEPTED:
        reasons.append("The old key is still accepted. Look for it in authorized_keys.")
    # Nobody has asked for the proof with the key of Ansible's own connection.
    elif (
        old and old["outcome"] != REFUSED and not record["own_key_fits"] and not (new and new["words"] == old["words"])
    ):
        reasons.append(f"That the old key is refused could not be proven: {old['words']}")
    for reason in reasons:
        fail(record, reason)
    if not reasons and new and (new["partial"] or not new["command_ran"]):
        # All is well with the key; but who relies on it should know.
        record["reason"] = f"New key: {new['words']}"


def _by_name(results: Results) -> tuple[dict[str, t.Mapping[str, t.Any]], str]:
    """Logins by name, and what went wrong with the module as a whole."""
    found = {login["name"]: login for result in results for login in result.get("logins") or []}
    trouble = " ".join(str(result.get("msg")) for result in results if "logins" not in result and result.get("msg"))
    return found, f"The logins were not tried. {trouble}".strip()
