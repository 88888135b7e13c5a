# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of keys and logins: what is checked before anything is touched, and the outcomes of the logins in the end."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    BUSY,
    PLANNED,
    REFUSED,
    UNCHANGED,
    Record,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.verification import (
    checks,
    logins,
    note_checks,
    note_logins,
    note_old_keys,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._keypair_reset.samples import (
    NEW_KEY,
    OLD_KEY,
    of,
    record,
)

BOTH = {"private_key_file": "/new", "old_private_key_file": "/old"}


def login(name: str, outcome: str = "not tried", **more: t.Any) -> dict[str, t.Any]:
    """Return a row of ``ssh_login_info``."""
    row = {"name": name, "outcome": outcome, "msg": "It said so.", "cause": None, "public_key": None, "user": None}
    return {**row, "port": 22, "partial": False, "command_ran": outcome == "accepted" or None, **more}


# Which logins are tried


def test_logins_are_tried_where_something_can_be_proven() -> None:
    keys = {**BOTH, "power": "ACTIVE"}
    records = [
        record("done", state="success", **keys),
        record("kept", state=UNCHANGED, **{**keys, "old_private_key_file": ""}),
        record("failed", state="failed", **keys),
        record("off", state="success", **{**keys, "power": "SHUTOFF"}),
        record("busy", state=BUSY, **keys),
        record("refused", state=REFUSED, **keys),
        record("planned", state=PLANNED, **keys),
        # With force, the pair that the server has already.
        record("forced", state="success", same_key=True, **keys),
    ]
    found = logins(records)
    assert [(one["name"], one["private_key_file"]) for one in found] == [
        ("done new", "/new"),
        ("done old", "/old"),
        ("kept new", "/new"),
        ("failed new", "/new"),
        ("failed old", "/old"),
        ("forced new", "/new"),
    ]
    assert found[0] == {
        "name": "done new",
        "host": "done",
        "port": 22,
        "user": "root",
        "args": "",
        "executable": "ssh",
        "private_key_file": "/new",
    }


def test_each_planned_login_is_checked_before_the_reset() -> None:
    records = [
        record("a", **BOTH),
        record("b", private_key_file="/new"),
        record("c"),
        record("d", state=REFUSED, **BOTH),
    ]
    assert [one["name"] for one in checks(records)] == ["a new", "a old", "b new"]


@pytest.mark.parametrize(("port", "expected"), [("", None), ("2222", 2222), (2222, 2222)])
def test_ssh_decides_about_settings_that_are_not_given(port: t.Any, expected: int | None) -> None:
    ssh = {"host": "h", "port": port, "user": "", "args": "-J bastion", "executable": "/opt/ssh"}
    (found,) = checks([record("a", private_key_file="/new", ssh=ssh)])
    assert (found["port"], found["user"], found["args"], found["executable"]) == (
        expected,
        None,
        "-J bastion",
        "/opt/ssh",
    )


# What is known of the keys


def test_the_records_get_the_public_keys() -> None:
    results = {"logins": [login("a new", public_key=NEW_KEY), login("a old", public_key=OLD_KEY)]}
    (a,) = note_checks([record("a", **BOTH)], [results], check_mode=False)
    assert (a["new_public_key"], a["old_public_key"], a["public_key"], a["state"]) == (NEW_KEY, OLD_KEY, "", PLANNED)


def test_a_key_that_is_generated_is_the_one_to_import() -> None:
    records = [
        record("a", private_key_file="/new", generate=True),
        record("b", private_key_file="/new", generate=True, public_key=OLD_KEY),
    ]
    results = {"logins": [login(f"{host} new", public_key=NEW_KEY) for host in "ab"]}
    a, b = note_checks(records, [results], check_mode=False)
    assert (a["public_key"], b["public_key"]) == (NEW_KEY, OLD_KEY)


@pytest.mark.parametrize(
    ("wanted", "configured", "expected"),
    [("", "ops", "ops"), ("", None, "root"), ("admin", "admin", "admin")],
)
def test_the_connection_settings_are_noted_in_the_records(wanted: str, configured: str | None, expected: str) -> None:
    ssh = {"host": "h", "port": "", "user": wanted, "args": "", "executable": "ssh"}
    results = {"logins": [login("a new", public_key=NEW_KEY, user=configured, port=2222)]}
    (a,) = note_checks([record("a", private_key_file="/new", ssh=ssh)], [results], check_mode=False)
    assert (a["ssh"]["user"], a["ssh"]["port"]) == (expected, 2222)


@pytest.mark.parametrize(("cause", "more"), [("key", ""), ("configuration", " Give others in keypair_reset_ssh_args.")])
@pytest.mark.parametrize("which", ["new", "old"])
def test_a_login_that_cannot_be_tried_is_refused(which: str, cause: str, more: str) -> None:
    rows = {"new": login("a new"), "old": login("a old")}
    rows[which] = login(f"a {which}", "not verified", cause=cause, msg="It cannot be.")
    (a,) = note_checks([record("a", **BOTH)], [{"logins": list(rows.values())}], check_mode=False)
    assert (a["state"], a["reason"]) == (REFUSED, f"It cannot be.{more}")


def test_in_check_mode_a_key_that_is_to_be_generated_may_be_missing() -> None:
    def missing(host: str, which: str, cause: str = "key") -> dict[str, t.Any]:
        return login(f"{host} {which}", "not verified", cause=cause)

    records = [
        record("a", private_key_file="/k", generate=True),
        record("b", private_key_file="/k"),
        record("c", old_private_key_file="/k", generate=True),
        record("d", private_key_file="/k", generate=True),
    ]
    rows = [missing("a", "new"), missing("b", "new"), missing("c", "old"), missing("d", "new", "configuration")]
    noted = note_checks(records, [{"logins": rows}], check_mode=True)
    assert [one["state"] for one in noted] == [PLANNED, REFUSED, REFUSED, REFUSED]


def test_a_check_that_broke_refuses_those_that_need_it() -> None:
    result = {"failed": True, "msg": "The program ssh was not found."}
    a, b = note_checks([record("a", private_key_file="/new"), record("b")], [result], check_mode=False)
    words = "Whether its new key can be used to log in is not known. The logins were not tried. The program ssh was not found."
    assert (a["state"], a["reason"]) == (REFUSED, words)
    assert b["state"] == PLANNED


# Whether the old key is the one that the server had


def decided(**more: t.Any) -> Record:
    fields = {
        "current_keypair_name": "old",
        "old_public_key": OLD_KEY,
        "pair_key": NEW_KEY,
        "old_private_key_file": "/old",
        **more,
    }
    return record("a", operation="reset", **fields)


def test_an_old_key_is_that_of_the_pair_that_the_server_has() -> None:
    pair = {"name": "old", "public_key": f"{OLD_KEY} somebody@somewhere"}
    (a,) = note_old_keys([decided()], [of("a", keypairs=[pair])])
    assert (a["state"], a["same_key"]) == (PLANNED, False)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (
            {"keypairs": [{"name": "old", "public_key": NEW_KEY}]},
            "/old is not the private key of the key pair old, which it has now.",
        ),
        ({"keypairs": [{"name": "old"}]}, "/old is not the private key of the key pair old, which it has now."),
        ({"failed": True, "msg": "HTTP 403."}, "The key pair old, which it has now, could not be read. HTTP 403."),
        (
            {"keypairs": []},
            "KPS no longer has the key pair old of this server, so /old cannot be compared with it. "
            "Leave keypair_reset_old_private_key_file out.",
        ),
    ],
)
def test_an_old_key_that_cannot_be_compared_is_refused(result: dict[str, t.Any], words: str) -> None:
    (a,) = note_old_keys([decided()], [of("a", **result)])
    assert (a["state"], a["reason"]) == (REFUSED, words)


def test_a_key_that_kps_logs_in_with_needs_no_pair() -> None:
    (a,) = note_old_keys([decided(login="keypair")], [of("a", keypairs=[])])
    assert a["state"] == PLANNED


def test_one_key_cannot_be_accepted_and_refused() -> None:
    same = decided(state=UNCHANGED, old_public_key=f"{NEW_KEY} a comment")
    (a,) = note_old_keys([same], [])
    words = "/old is the private key of the desired key pair new, so it cannot be refused in the end. Give the key that the "
    words += "server has now, or leave keypair_reset_old_private_key_file out."
    assert (a["state"], a["reason"]) == (REFUSED, words)


def test_with_force_the_key_stays_and_its_refusal_is_not_asked_for() -> None:
    (a,) = note_old_keys([decided(old_public_key=NEW_KEY, force=True)], [])
    assert (a["state"], a["same_key"]) == (PLANNED, True)


def test_without_an_old_key_there_is_nothing_to_compare() -> None:
    (a,) = note_old_keys([decided(old_public_key=None, pair_key=None)], [])
    assert (a["state"], a["same_key"]) == (PLANNED, False)


# The key of Ansible's own connection


def own(**more: t.Any) -> Record:
    """Return a server whose own connection logs in with a key that the user has not named as the old one."""
    ssh = {"host": "a", "port": 22, "user": "root", "args": "", "executable": "ssh", "private_key_file": "/own"}
    return record("a", **{"operation": "reset", "ssh": ssh, "current_keypair_name": "old", "pair_key": NEW_KEY, **more})


def test_the_key_of_the_own_connection_is_the_old_one_if_kps_says_so() -> None:
    (asked,) = checks([own()])
    assert (asked["name"], asked["private_key_file"]) == ("a old", "/own")
    (a,) = note_checks([own()], [{"logins": [login("a old", public_key=OLD_KEY)]}], check_mode=False)
    (a,) = note_old_keys([a], [of("a", keypairs=[{"name": "old", "public_key": OLD_KEY}])])
    done = {**a, "state": "success", "power": "ACTIVE"}
    assert [(one["name"], one["private_key_file"]) for one in logins([done])] == [("a old", "/own")]
    assert verified(done, old="refused")["old_key"] == "refused"
    assert verified(done, old="accepted")["state"] == "failed"
    # The user did not ask for this verification.
    assert verified(done, old="not_verified")["state"] == "success"


@pytest.mark.parametrize(
    "result",
    [
        {"keypairs": [{"name": "old", "public_key": NEW_KEY}]},
        {"keypairs": []},
        {"failed": True, "msg": "HTTP 403."},
    ],
)
def test_another_key_of_the_own_connection_is_ignored(result: dict[str, t.Any]) -> None:
    (a,) = note_old_keys([own(old_public_key=OLD_KEY)], [of("a", **result)])
    assert (a["state"], a["own_key_fits"]) == (PLANNED, False)
    assert logins([{**a, "state": "success", "power": "ACTIVE"}]) == []


@pytest.mark.parametrize("public_key", [None, "", "not a key"])
def test_keys_that_cannot_be_read_are_not_the_same(public_key: str | None) -> None:
    keypairs = [{"name": "old", "public_key": public_key}]
    (a,) = note_old_keys([own(old_public_key=public_key)], [of("a", keypairs=keypairs)])
    assert (a["state"], a["own_key_fits"]) == (PLANNED, False)


@pytest.mark.parametrize("cause", ["key", "configuration"])
def test_an_unusable_key_of_the_own_connection_does_not_stop_the_verification(cause: str) -> None:
    row = login("a old", "not verified", cause=cause)
    (a,) = note_checks([own()], [{"logins": [row]}], check_mode=False)
    assert (a["state"], a["old_public_key"]) == (PLANNED, None)
    (a,) = note_checks([own()], [{"failed": True, "msg": "Boom."}], check_mode=False)
    assert a["state"] == PLANNED


def test_a_desired_key_of_the_own_connection_is_not_expected_to_be_refused() -> None:
    (a,) = note_old_keys([own(state=UNCHANGED, old_public_key=NEW_KEY, current_keypair_name="new")], [])
    assert (a["state"], logins([{**a, "power": "ACTIVE"}])) == (UNCHANGED, [])


def test_a_key_that_is_given_goes_before_that_of_the_own_connection() -> None:
    assert [one["private_key_file"] for one in checks([own(old_private_key_file="/old")])] == ["/old"]


# Outcomes of the logins


def verified(each: Record, **outcomes: str) -> Record:
    rows = [login(f"{each['host']} {which}", outcome.replace("_", " ")) for which, outcome in outcomes.items()]
    for which, row in zip(outcomes, rows):
        row["msg"] = f"The {which} one."
    return note_logins([{**each}], [{"logins": rows}])[0]


def reset(**more: t.Any) -> Record:
    return record("web", **{"operation": "reset", "state": "success", "power": "ACTIVE", **more})


@pytest.mark.parametrize(
    ("outcomes", "state", "reason"),
    [
        ({"new": "accepted", "old": "refused"}, "success", None),
        ({"new": "accepted"}, "success", None),
        ({"old": "refused"}, "success", None),
        ({}, "success", None),
        ({"new": "refused", "old": "refused"}, "failed", "The new key was not accepted: The new one."),
        (
            {"new": "not_verified", "old": "not_verified"},
            "failed",
            "It could not be verified that the new key is accepted: The new one. "
            "It could not be verified that the old key is refused: The old one.",
        ),
        (
            {"new": "refused", "old": "accepted"},
            "failed",
            "The new key was not accepted: The new one. The old key is still accepted. Remove it from authorized_keys.",
        ),
        (
            {"new": "accepted", "old": "accepted"},
            "failed",
            "The old key is still accepted. Remove it from authorized_keys.",
        ),
        ({"old": "accepted"}, "failed", "The old key is still accepted. Remove it from authorized_keys."),
        (
            {"new": "accepted", "old": "not_verified"},
            "failed",
            "It could not be verified that the old key is refused: The old one.",
        ),
    ],
)
def test_only_logins_verify_a_success(outcomes: dict[str, str], state: str, reason: str | None) -> None:
    after = verified(reset(), **outcomes)
    assert (after["state"], after["reason"]) == (state, reason)
    assert after["new_key"] == outcomes.get("new", "not verified").replace("_", " ")
    assert after["old_key"] == outcomes.get("old", "not verified").replace("_", " ")


def test_a_reason_for_both_keys_is_reported_once() -> None:
    rows = [login(f"web {which}", "not verified", msg="Connection refused.") for which in ("new", "old")]
    (after,) = note_logins([reset()], [{"logins": rows}])
    assert after["reason"] == "It could not be verified that the new key is accepted: Connection refused."


@pytest.mark.parametrize("more", [{"command_ran": False}, {"partial": True, "command_ran": True}])
def test_a_login_with_limits_is_reported_without_a_failure(more: dict[str, bool]) -> None:
    rows = [login("web new", "accepted", msg="It ran no command.", **more), login("web old", "refused")]
    (after,) = note_logins([reset()], [{"logins": rows}])
    assert (after["state"], after["reason"]) == ("success", "New key: It ran no command.")


@pytest.mark.parametrize("result", [{"failed": True, "msg": "Boom."}, {"logins": []}, {}])
def test_planned_logins_without_a_result_fail_the_host(result: dict[str, t.Any]) -> None:
    planned, others = reset(private_key_file="/new", old_private_key_file="/old"), record("off", state="success")
    after, other = note_logins([planned, others], [result])
    trouble = f"The logins were not tried. {result.get('msg', '')}".strip()
    assert (after["state"], after["new_key"], after["old_key"]) == ("failed", "not verified", "not verified")
    assert after["reason"] == f"It could not be verified that the new key is accepted: {trouble}"
    assert (other["state"], other["new_key"]) == ("success", "not verified")


def test_logins_of_a_server_that_failed_are_reported_and_change_nothing() -> None:
    after = verified(reset(state="failed", reason="No disk"), new="refused", old="accepted")
    assert (after["state"], after["reason"]) == ("failed", "No disk")
    assert (after["new_key"], after["old_key"]) == ("refused", "accepted")


@pytest.mark.parametrize("state", [REFUSED, BUSY])
def test_a_server_without_a_login_stays_unverified(state: str) -> None:
    after = verified(record("web", state=state))
    assert (after["new_key"], after["old_key"], after["state"]) == ("not verified", "not verified", state)
