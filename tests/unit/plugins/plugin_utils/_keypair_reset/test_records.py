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
    fail,
    is_open,
    refuse,
    starts,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._keypair_reset.samples import (
    NEW_KEY,
    OLD_KEY,
    record,
    wish,
)


def test_every_host_gets_a_record_in_order() -> None:
    records = begin([wish("web2"), wish("web1")])
    assert [(each["host"], each["state"]) for each in records] == [("web2", PLANNED), ("web1", PLANNED)]
    assert not any(each["touched"] or each["changed"] or each["stop"] for each in records)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"server_id": ""}, "keypair_reset_server_id: '' is not a valid id."),
        ({"server_id": ".."}, "keypair_reset_server_id: '..' is not a valid id."),
        ({"server_id": "a/b"}, "keypair_reset_server_id: 'a/b' is not a valid id."),
        ({"keypair_name": ""}, "keypair_reset_keypair_name: '' is not a valid name of a key pair."),
        ({"keypair_name": "a.b"}, "keypair_reset_keypair_name: 'a.b' is not a valid name of a key pair."),
    ],
)
def test_what_cannot_be_sent_is_refused(more: dict[str, t.Any], words: str) -> None:
    bad, good = begin([wish("bad", **more), wish("good")])
    assert (bad["state"], good["state"]) == (REFUSED, PLANNED)
    assert bad["reason"].startswith(words)


def test_unbinding_needs_no_name() -> None:
    assert begin([wish("web", keypair_name=None)])[0]["state"] == PLANNED


def test_a_server_belongs_to_one_host() -> None:
    first, second = begin([wish("web"), wish("twin", server_id="id-web")])
    assert first["state"] == PLANNED
    assert (second["state"], second["reason"]) == (REFUSED, "The host web has the same keypair_reset_server_id.")


def test_a_key_pair_has_one_public_key() -> None:
    first, second, other = begin(
        [wish("a", public_key=NEW_KEY), wish("b", public_key=OLD_KEY), wish("c", public_key=OLD_KEY, region="r2")]
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
def test_which_servers_are_started(more: dict[str, t.Any], expected: bool) -> None:
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
def test_which_servers_the_next_run_must_know_of(more: dict[str, t.Any], expected: bool) -> None:
    assert is_open(record("web", **more)) is expected


@pytest.mark.parametrize(
    "wanted", [{"private_key_file": "/k"}, {"old_private_key_file": "/k"}, {"has_root_password": True}]
)
def test_a_host_that_cannot_be_logged_in_to_is_refused_if_that_is_wanted(wanted: dict[str, t.Any]) -> None:
    (found,) = begin([wish("a", ssh={"problem": "'bastion' is undefined"}, **wanted)])
    assert (found["state"], found["reason"]) == (
        "refused",
        "How to log in to it is not known: 'bastion' is undefined",
    )


def test_a_host_that_nobody_logs_in_to_needs_no_way_in() -> None:
    (found,) = begin([wish("a", ssh={"problem": "'bastion' is undefined"})])
    assert found["state"] == "planned"
