# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of how a run begins, and of what a record says about itself."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    BUSY,
    PLANNED,
    REFUSED,
    UNCHANGED,
    begin,
    earlier_batches,
    fail,
    finish,
    is_going_off,
    is_off,
    is_open,
    of_this_use,
    refuse,
    starts,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._keypair_reset.samples import (
    NEW_KEY,
    OLD_KEY,
    desired,
    record,
)


def test_every_host_gets_a_record_in_order() -> None:
    records = begin([desired("web2"), desired("web1")])
    assert [(each["host"], each["state"]) for each in records] == [("web2", PLANNED), ("web1", PLANNED)]
    assert not any(each["touched"] or each["changed"] or each["stop"] for each in records)


def test_a_host_with_several_problems_is_refused_with_all_of_them() -> None:
    bad, good = begin([desired("bad", problems=["It has no id.", "It has no name."]), desired("good")])
    assert (bad["state"], bad["reason"], good["state"]) == (REFUSED, "It has no id. It has no name.", PLANNED)


def test_hosts_without_an_id_are_not_taken_for_the_same_server() -> None:
    first, second = begin(
        [desired("a", server_id="", problems=["No id."]), desired("b", server_id="", problems=["No id."])]
    )
    assert (first["duplicate"], second["duplicate"], second["reason"]) == (False, False, "No id.")


def test_unbinding_needs_no_name() -> None:
    assert begin([desired("web", keypair_name=None)])[0]["state"] == PLANNED


def test_a_server_belongs_to_one_host() -> None:
    first, second = begin([desired("web"), desired("duplicate", server_id="id-web")])
    assert first["state"] == PLANNED
    assert (second["state"], second["reason"]) == (REFUSED, "The host web has the same keypair_reset_server_id.")
    assert (first["duplicate"], second["duplicate"]) == (False, True)


def test_a_key_pair_has_one_public_key() -> None:
    first, second, other = begin(
        [
            desired("a", public_key=NEW_KEY),
            desired("b", public_key=OLD_KEY),
            desired("c", public_key=OLD_KEY, region="r2"),
        ]
    )
    assert first["state"] == other["state"] == PLANNED
    assert second["reason"] == "Another host gives another public key for the same key pair."


def test_the_first_refusal_stays() -> None:
    refused = record("web")
    refuse(refused, "It is locked.")
    refuse(refused, "It is busy.")
    assert (refused["state"], refused["reason"]) == (REFUSED, "It is locked.")


def test_failures_add_up_with_the_first_in_front() -> None:
    failed = record("web")
    fail(failed, "The task failed.")
    fail(failed, "It was not started.")
    assert (failed["state"], failed["reason"]) == ("failed", "The task failed. It was not started.")


def test_a_busy_server_stays_busy_whatever_else_fails() -> None:
    busy = record("web")
    fail(busy, "Time is up.", BUSY)
    fail(busy, "It was not started.")
    assert busy["state"] == BUSY


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"state": "success", "power": "SHUTOFF", "touched": True}, True),
        ({"state": "failed", "power": "SHUTOFF", "touched": True}, True),
        # Off all the time, and wanted on.
        ({"state": UNCHANGED, "power": "SHUTOFF"}, True),
        # Planned, but it never came to it: the association was broken off.
        ({"state": PLANNED, "power": "SHUTOFF", "touched": True}, True),
        # The request to stop it may still take effect.
        ({"state": "failed", "power": "ACTIVE", "touched": True}, True),
        ({"state": UNCHANGED, "power": "ACTIVE"}, False),
        ({"state": REFUSED, "power": "SHUTOFF"}, False),
        # KPS may be at work on its disk.
        ({"state": BUSY, "power": "SHUTOFF", "touched": True}, False),
        ({"state": PLANNED, "power": "SHUTOFF", "touched": True, "task_id": "t"}, False),
        ({"state": "success", "power": "SHUTOFF", "power_after": "restore", "was_running": True}, True),
        ({"state": "success", "power": "SHUTOFF", "power_after": "restore", "was_running": False}, False),
    ],
)
def test_servers_to_start_are_chosen(more: dict[str, t.Any], expected: bool) -> None:
    assert starts(record("web", **more)) is expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"state": PLANNED, "power": "ACTIVE", "operation": "reset", "stop": True}, True),
        ({"state": PLANNED, "power": "SHUTOFF", "operation": "reset", "task_id": "t", "touched": True}, True),
        ({"state": BUSY, "power": "SHUTOFF"}, True),
        ({"state": "success", "power": "SHUTOFF", "touched": True}, True),
        ({"state": "success", "power": "ACTIVE", "touched": False, "operation": "reset"}, False),
        ({"state": UNCHANGED, "power": "ACTIVE"}, False),
        ({"state": REFUSED, "power": "ACTIVE", "operation": "reset"}, False),
        ({"state": "success", "power": "SHUTOFF", "power_after": "restore", "was_running": False}, False),
    ],
)
def test_servers_for_the_next_run_stay_in_the_journal(more: dict[str, t.Any], expected: bool) -> None:
    assert is_open(record("web", **more)) is expected


@pytest.mark.parametrize(
    "wanted", [{"private_key_file": "/k"}, {"old_private_key_file": "/k"}, {"has_root_password": True}]
)
def test_a_host_that_cannot_be_logged_in_to_is_refused_if_that_is_wanted(wanted: dict[str, t.Any]) -> None:
    (found,) = begin([desired("a", ssh={"problem": "'bastion' is undefined"}, **wanted)])
    assert (found["state"], found["reason"]) == (
        "refused",
        "How to log in to it is not known: 'bastion' is undefined",
    )


def test_a_host_without_keys_needs_no_connection_settings() -> None:
    (found,) = begin([desired("a", ssh={"problem": "'bastion' is undefined"})])
    assert found["state"] == "planned"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"state": "failed", "power": "SHUTOFF", "touched": True}, True),
        ({"state": "failed", "power": None, "touched": True}, True),
        ({"state": "failed", "power": "ACTIVE", "touched": True}, False),
        # It was off before, and is to be off.
        (
            {"state": "success", "power": "SHUTOFF", "touched": True, "power_after": "restore", "was_running": False},
            False,
        ),
        (
            {"state": "failed", "power": "SHUTOFF", "touched": True, "power_after": "restore", "was_running": False},
            False,
        ),
        ({"state": "failed", "power": "SHUTOFF", "touched": True, "power_after": "restore", "was_running": True}, True),
        # Another user has switched it off, not the role.
        ({"state": REFUSED, "power": "SHUTOFF", "was_running": False}, False),
        # An earlier run has switched it off, or it was going off when the role began.
        ({"state": REFUSED, "power": "SHUTOFF", "was_running": True, "left_off": True}, True),
        ({"state": REFUSED, "power": None, "was_running": True, "left_off": True}, True),
        ({"state": REFUSED, "power": "ACTIVE", "was_running": True, "left_off": True}, False),
        ({"state": REFUSED, "power": None, "was_running": True, "left_off": True, "exists": False}, False),
    ],
)
def test_servers_that_are_off_and_should_run_are_found(more: dict[str, t.Any], expected: bool) -> None:
    assert is_off(record("web", **more)) is expected


def test_a_server_that_runs_and_is_being_stopped_is_going_off() -> None:
    assert is_going_off(record("web", state=REFUSED, power="ACTIVE", stopping=True))
    assert not is_going_off(record("web", state=REFUSED, power="SHUTOFF", stopping=True))
    assert not is_going_off(record("web", power="ACTIVE"))


# One record for each host and use of the role


def test_a_use_of_the_role_has_the_records_of_its_own_batches() -> None:
    finished = [record("a", run="use-1"), record("b", run="use-2"), record("c", run="use-1")]
    now = [record("c", run="use-1"), record("d", run="use-1")]
    assert [each["host"] for each in of_this_use(now, finished)] == ["a", "c"]
    # The role was run for c before, within the same use: what counts is what it does now.
    assert [each["host"] for each in earlier_batches(now, finished)] == ["a"]


def test_a_host_has_one_record_in_each_use_of_the_role() -> None:
    finished = [record("a", state="failed"), record("a", run="use-0", state="failed")]
    assert [(each["run"], each["state"]) for each in finish([record("a", state="success")], finished)] == [
        ("use-0", "failed"),
        ("use-1", "success"),
    ]
