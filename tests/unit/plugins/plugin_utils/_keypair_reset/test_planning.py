# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what is decided before anything is touched."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.planning import (
    note_earlier_batches,
    note_journal,
    note_journal_kept,
    note_keypairs,
    note_servers,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    PLANNED,
    REFUSED,
    UNCHANGED,
    Record,
    begin,
    is_going_off,
    is_off,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._keypair_reset.samples import (
    NEW_KEY,
    OLD_KEY,
    desired,
    of,
    record,
    server,
    task,
)

NO_TASKS: dict[str, t.Any] = {"tasks": []}


def decided(each: Record, row: dict[str, t.Any] | None, tasks: t.Sequence[dict[str, t.Any]] = ()) -> Record:
    """Return a record after its server and the running tasks were read."""
    rows = [] if row is None else [row]
    responses = [of(each["host"], servers=rows)], [of(each["host"], tasks=list(tasks))]
    (after,) = note_servers([each], *responses, now=100.0)
    return after


# The batches before this one


@pytest.mark.parametrize(
    ("states", "most", "refused"),
    [
        (["failed"], None, False),
        (["failed"], "0", True),
        (["failed"], "1", False),
        (["failed", "busy"], "1", True),
        (["failed"], "25%", False),
        (["failed", "failed"], "25%", True),
        # Of four servers: a part of a server may not fail.
        (["failed"], "24.9%", True),
        (["failed", "busy"], "49%", True),
        (["failed", "busy"], "50%", False),
        # A refused server is not a failed one.
        (["refused", "refused", "success", "unchanged"], "0", False),
    ],
)
def test_too_many_failures_refuse_what_follows(states: list[str], most: str | None, refused: bool) -> None:
    earlier = [record(f"old{number}", state=state) for number, state in enumerate(states)]
    (after,) = note_earlier_batches([record("web")], earlier, max_failures=most, canaries=[])
    assert (after["state"] == REFUSED) is refused
    if refused:
        assert after["reason"].startswith("Too many servers have failed: old0")
        assert after["reason"].endswith(f"keypair_reset_max_failures allows {most}.")


def test_many_failures_are_not_all_spelt_out() -> None:
    earlier = [record(f"h{number}", state="failed") for number in range(8)]
    (after,) = note_earlier_batches([record("web")], earlier, max_failures="0", canaries=[])
    assert "h0, h1, h2, h3, h4 and 3 more;" in after["reason"]


def history(
    records: list[Record], finished: t.Sequence[Record] = (), *, canaries: t.Sequence[str] = (), most: str | None = None
) -> list[Record]:
    """Return the records of a batch after a look at those before it."""
    return note_earlier_batches(records, finished, max_failures=most, canaries=canaries)


@pytest.mark.parametrize("state", ["failed", "busy", "refused"])
def test_a_failed_canary_refuses_the_other_batches(state: str) -> None:
    earlier = [record("canary", state=state, canary=True), record("web1", state="success")]
    (after,) = history([record("web2")], earlier, canaries=["canary"], most="100%")
    assert after["reason"] == "The canary failed (canary), so no other server is touched."


def test_a_canary_is_the_first_batch_only() -> None:
    first = history([record("canary"), record("web1")], canaries=["canary"])
    assert [each["canary"] for each in first] == [True, False]
    earlier = [record("canary", state="success", canary=True), record("web1", state="failed")]
    (after,) = history([record("web2")], earlier, canaries=["canary"])
    assert (after["state"], after["canary"]) == (PLANNED, False)


def lost(host: str) -> Record:
    """Return a host that failed before the role began."""
    (begun,) = begin([desired(host, lost=True, problems=["It failed before the role began."])])
    return begun


def test_a_canary_without_a_record_refuses_everything_and_is_named() -> None:
    # The whole first batch was lost in an earlier play, so that the role did not run for it.
    web, canary = history([record("web1"), lost("canary")], canaries=["canary"])
    assert web["reason"] == ("The canary was lost before the role began (canary), so no other server is touched.")
    assert (canary["state"], canary["reason"]) == (REFUSED, "It failed before the role began.")
    (after,) = history([record("web2")], [web, {**canary, "canary": True}], canaries=["canary"])
    assert after["reason"].startswith("The canary failed (canary)")


def test_with_a_lost_canary_the_other_canaries_run_and_later_batches_are_refused() -> None:
    first = history([record("c1"), lost("c2"), lost("web9")], canaries=["c1", "c2"])
    assert [(each["host"], each["state"], each["canary"]) for each in first] == [
        ("c1", PLANNED, True),
        ("c2", REFUSED, True),
        ("web9", REFUSED, False),
    ]
    (after,) = history([record("web1")], [{**first[0], "state": "success"}, *first[1:]], canaries=["c1", "c2"])
    assert after["reason"] == "The canary failed (c2), so no other server is touched."


def test_in_a_shuffled_play_the_canaries_are_those_of_the_first_batch() -> None:
    (first,) = history([record("web3")], canaries=["web1"])
    assert first["canary"] is True


def test_a_host_that_was_lost_is_told_once() -> None:
    earlier = [record("web1", state="success"), {**lost("gone"), "state": REFUSED}]
    assert [each["host"] for each in history([record("web2"), lost("gone")], earlier)] == ["web2"]


def test_another_use_of_the_role_in_the_same_play_does_not_count() -> None:
    earlier = [record("web1", state="failed", run="use-0", canary=True)]
    (after,) = history([record("web2")], earlier, canaries=["web1"], most="0")
    assert after["state"] == PLANNED


def test_a_server_of_an_earlier_batch_is_not_worked_on_again() -> None:
    (after,) = history([record("duplicate", server_id="id-web", force=True)], [record("web", state="success")])
    assert after["reason"] == "The host web of an earlier batch has the same keypair_reset_server_id."
    assert after["duplicate"] is True


def test_without_a_batch_there_is_nothing_to_refuse() -> None:
    assert history([], [], canaries=["web"], most="10%") == []


# The journals of runs that were cut off


def test_a_journal_tells_which_servers_ran_and_which_tasks_were_started() -> None:
    entries: list[t.Any] = [
        {"server_id": "id-a", "was_running": True, "task_id": "t0", "keypair_name": "new"},
        # A later journal knows better.
        {"server_id": "id-a", "was_running": True, "task_id": "t1", "keypair_name": "new"},
        {"server_id": "id-b", "was_running": False, "task_id": None, "keypair_name": "new"},
        {"server_id": "id-elsewhere", "was_running": True, "task_id": "t2", "keypair_name": "new"},
    ]
    a, b, c = note_journal([record("a"), record("b"), record("c")], [{"entries": entries, "problems": []}])
    assert (a["was_running"], a["journal_task"], a["left_off"]) == (True, "t1", True)
    assert (b["was_running"], b["journal_task"], b["left_off"]) == (False, None, False)
    assert (c["was_running"], c["journal_task"], c["left_off"]) == (None, None, False)


def test_the_task_of_another_key_pair_is_not_taken_over() -> None:
    entry = {"server_id": "id-a", "was_running": True, "task_id": "t1", "keypair_name": "another"}
    (a,) = note_journal([record("a")], [{"entries": [entry]}])
    assert (a["was_running"], a["journal_task"]) == (True, None)


def test_without_a_directory_no_journal_was_read() -> None:
    (a,) = note_journal([record("a")], [{"skipped": True}])
    assert (a["state"], a["was_running"]) == (PLANNED, None)


def test_an_unreadable_journal_refuses_servers_whose_power_is_restored() -> None:
    found = {"entries": [], "problems": ["/j/keypair_reset-1.json cannot be read as a journal."]}
    (on,) = note_journal([record("on")], [found])
    (as_before,) = note_journal([record("web", power_after="restore")], [found])
    assert on["state"] == PLANNED
    assert as_before["reason"] == (
        "Whether it must run in the end is not known: /j/keypair_reset-1.json cannot be read as a journal."
    )


def test_nothing_is_touched_without_the_journal_that_was_asked_for() -> None:
    (after,) = note_journal_kept([record("a", stop=True)], [{"msg": "The journal cannot be written: No space left."}])
    assert (after["state"], after["reason"]) == (REFUSED, "The journal cannot be written: No space left.")
    (kept,) = note_journal_kept([record("a")], [{"changed": False}])
    assert kept["state"] == PLANNED


# Private keys and key pairs


def test_a_key_pair_that_fits_is_used_whatever_comment_its_key_has() -> None:
    pair = {"name": "new", "public_key": f"{NEW_KEY} somebody@somewhere"}
    (a,) = note_keypairs([record("a", new_public_key=NEW_KEY)], [of("a", keypairs=[pair])])
    assert a["state"] == PLANNED


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"keypairs": []}, "There is no key pair new. Create it, or give keypair_reset_public_key."),
        ({"failed": True, "msg": "KPS returned HTTP 403."}, "KPS returned HTTP 403."),
        ({"keypair": {"name": "new", "public_key": OLD_KEY}}, "/k is not the private key of the key pair new."),
        ({"keypairs": [{"name": "new"}]}, "/k is not the private key of the key pair new."),
    ],
)
def test_a_key_pair_that_does_not_fit_is_refused(result: dict[str, t.Any], words: str) -> None:
    (a,) = note_keypairs([record("a", private_key_file="/k", new_public_key=NEW_KEY)], [of("a", **result)])
    assert (a["state"], a["reason"]) == (REFUSED, words)


def test_in_check_mode_a_pair_that_is_to_be_imported_may_be_missing() -> None:
    (a,) = note_keypairs([record("a", generate=True)], [of("a", keypairs=[])])
    assert a["state"] == PLANNED


# Servers


def test_a_server_that_runs_is_stopped_and_reset() -> None:
    after = decided(record("web"), server("web"))
    assert (after["state"], after["operation"], after["stop"], after["login"]) == (PLANNED, "reset", True, None)
    assert (after["name"], after["power"], after["was_running"]) == ("web", "ACTIVE", True)
    assert after["why"] == "the method is reset"


def test_a_server_that_is_off_is_only_reset() -> None:
    after = decided(record("web"), server("web", status="SHUTOFF"))
    assert (after["operation"], after["stop"], after["was_running"]) == ("reset", False, False)


def test_a_journal_decides_whether_a_server_ran() -> None:
    after = decided(record("web", was_running=True), server("web", status="SHUTOFF"))
    assert after["was_running"] is True


@pytest.mark.parametrize(("method", "status"), [("reset", "ACTIVE"), ("reset", "SHUTOFF"), ("auto", "SHUTOFF")])
def test_a_server_without_a_key_pair_is_bound_and_the_plan_says_why(method: str, status: str) -> None:
    after = decided(record("web", method=method), server("web", key_name=None, status=status))
    assert (after["operation"], after["stop"], after["why"]) == ("bind", status == "ACTIVE", "no key pair to reset")


def test_a_server_that_has_the_key_pair_is_left_alone_unless_forced() -> None:
    assert decided(record("web"), server("web", key_name="new"))["state"] == UNCHANGED
    forced = decided(record("web", force=True), server("web", key_name="new"))
    assert (forced["state"], forced["operation"]) == (PLANNED, "reset")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (None, "There is no such server in this project and region. Check the id."),
        (server("web", locked=True), "It is locked, so that actions on it are rejected. Unlock it first."),
        (server("web", os_type="Windows"), "Its system is Windows; KPS works on Linux only."),
        (server("web", task_state="powering-off"), "It is busy (powering-off). Run this again when that is over."),
    ],
)
def test_a_server_that_nothing_can_be_done_to_is_refused(row: dict[str, t.Any] | None, words: str) -> None:
    after = decided(record("web"), row)
    assert (after["state"], after["reason"]) == (REFUSED, words)


def test_a_server_that_another_task_works_on_is_refused() -> None:
    after = decided(record("web"), server("web"), [task("web", keypair_name="another")])
    assert after["state"] == REFUSED
    assert after["reason"].startswith("KPS task task-web works on its key pair.")


def test_the_task_of_an_earlier_run_is_joined() -> None:
    after = decided(record("web"), server("web", status="SHUTOFF"), [task("web")])
    assert (after["state"], after["task_id"], after["operation"]) == (PLANNED, "task-web", "reset")
    assert (after["touched"], after["stop"], after["why"]) == (True, False, "an earlier run has started it")


def test_the_unbinding_of_an_earlier_run_is_joined() -> None:
    row = task("web", keypair_name="old", operate_type="RUNNING_UNBIND")
    after = decided(record("web", keypair_name=None), server("web"), [row])
    assert (after["task_id"], after["operation"]) == ("task-web", "unbind")


def test_a_forced_reset_of_an_earlier_run_is_joined_although_it_has_ended() -> None:
    forced = record("web", force=True, journal_task="t1")
    after = decided(forced, server("web", status="SHUTOFF", key_name="new"))
    assert (after["task_id"], after["operation"]) == ("t1", "reset")
    unforced = record("web", journal_task="t1")
    assert decided(unforced, server("web", status="SHUTOFF", key_name="new"))["state"] == UNCHANGED


def test_a_server_that_could_not_be_read_is_refused() -> None:
    a, b = note_servers(
        [record("a"), record("b")],
        [of("a", servers=[server("a")]), of("b", failed=True, msg="No response.")],
        [of("a", failed=True, msg="Throttled."), of("b", tasks=[])],
        now=0,
    )
    assert a["reason"] == "The running tasks could not be read. Throttled."
    assert b["reason"] == "The server could not be read. No response."


def test_a_server_that_is_refused_already_is_read_for_the_report_only() -> None:
    refused = record("web", state=REFUSED, reason="keypair_reset_metod is unknown.", was_running=True, left_off=True)
    after = decided(refused, server("web", os_type="Windows", status="SHUTOFF"))
    assert (after["reason"], after["power"]) == ("keypair_reset_metod is unknown.", "SHUTOFF")
    assert is_off(after)
    assert decided(refused, None)["exists"] is False


def test_the_power_of_a_twin_belongs_to_the_other_host() -> None:
    web, twin = begin([desired("web"), desired("duplicate", server_id="id-web")])
    web, twin = note_servers([web, twin], [of("web", servers=[server("web")])], [of("web", tasks=[])], now=0)
    assert (web["power"], twin["power"]) == ("ACTIVE", None)


@pytest.mark.parametrize("key_name", ["old", "new"])
@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF"])
def test_a_server_that_is_going_off_is_refused_and_told(key_name: str, status: str) -> None:
    after = decided(record("web"), server("web", key_name=key_name, status=status, task_state="powering-off"))
    assert (after["state"], after["reason"]) == (
        REFUSED,
        "It is busy (powering-off). Run this again when that is over.",
    )
    assert is_going_off(after) if status == "ACTIVE" else is_off(after)


def test_the_work_on_a_server_begins_with_the_plan() -> None:
    assert decided(record("web"), server("web"))["started_at"] == 100.0


# Methods


@pytest.mark.parametrize(
    ("wanted", "row", "operation", "login", "stop", "why"),
    [
        (
            {"method": "auto", "old_private_key_file": "/old"},
            server("web"),
            "replace",
            "keypair",
            False,
            "it runs and the old private key is at hand: no downtime",
        ),
        (
            {"method": "auto", "has_root_password": True},
            server("web", key_name=None),
            "bind",
            "password",
            False,
            "it runs and the password of root is at hand: no downtime",
        ),
        ({"method": "auto"}, server("web"), "reset", None, True, "no login to it is at hand"),
        ({"method": "auto"}, server("web", status="SHUTOFF"), "reset", None, False, "it is off"),
        (
            {"method": "replace", "old_private_key_file": "/old"},
            server("web"),
            "replace",
            "keypair",
            False,
            "the method is replace",
        ),
        (
            {"method": "bind", "has_root_password": True},
            server("web", key_name=None),
            "bind",
            "password",
            False,
            "the method is bind",
        ),
        # A reset needs no login and takes none, whatever is at hand.
        (
            {"method": "reset", "old_private_key_file": "/old", "has_root_password": True},
            server("web"),
            "reset",
            None,
            True,
            "the method is reset",
        ),
        (
            {"method": "auto", "keypair_name": None, "old_private_key_file": "/old"},
            server("web"),
            "unbind",
            "keypair",
            False,
            "it runs and the old private key is at hand: no downtime",
        ),
        ({"method": "auto", "keypair_name": None}, server("web"), "unbind", None, True, "no login to it is at hand"),
    ],
)
def test_a_method_decides_what_is_done(
    wanted: dict[str, t.Any], row: dict[str, t.Any], operation: str, login: str | None, stop: bool, why: str
) -> None:
    after = decided(record("web", **wanted), row)
    assert after["state"] == PLANNED, after["reason"]
    assert (after["operation"], after["login"], after["stop"], after["why"]) == (operation, login, stop, why)


@pytest.mark.parametrize(
    ("wanted", "row", "words"),
    [
        (
            {"method": "replace", "old_private_key_file": "/old"},
            server("web", status="SHUTOFF"),
            "It is off, and the method replace needs it to run. Use the method auto or reset.",
        ),
        (
            {"method": "replace", "old_private_key_file": "/old", "has_root_password": True},
            server("web", key_name=None),
            "It has no key pair, so the method replace does not fit. Use the method auto.",
        ),
        (
            {"method": "bind", "old_private_key_file": "/old", "has_root_password": True},
            server("web"),
            "It has a key pair, so the method bind does not fit. Use the method auto.",
        ),
    ],
)
def test_a_method_that_does_not_fit_is_refused(wanted: dict[str, t.Any], row: dict[str, t.Any], words: str) -> None:
    after = decided(record("web", **wanted), row)
    assert (after["state"], after["reason"]) == (REFUSED, words)


def test_a_method_that_lacks_its_login_says_which() -> None:
    after = decided(record("web", method="replace"), server("web"))
    assert after["state"] == REFUSED
    assert "give the private key of old" in after["reason"]
