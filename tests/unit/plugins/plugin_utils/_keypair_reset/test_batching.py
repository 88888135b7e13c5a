# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what each stage asks for: grouped by region, project, key pair and login."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.batching import (
    batches,
    of_batch,
    rows_by_server,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    BUSY,
    PLANNED,
    REFUSED,
    UNCHANGED,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._keypair_reset.samples import (
    NEW_KEY,
    of,
    record,
)


def test_one_batch_for_each_region_project_and_key_pair() -> None:
    records = [
        record("a"),
        record("b", region="r1"),
        record("c"),
        record("d", region="r1", project_id="p1"),
        record("e", keypair_name="other"),
    ]
    found = batches(records, "all")
    assert [batch["server_ids"] for batch in found] == [["id-a", "id-c"], ["id-b"], ["id-d"], ["id-e"]]
    assert [batch["label"] for batch in found] == [
        "2 servers, key pair new",
        "1 server, key pair new, r1",
        "1 server, key pair new, r1, p1",
        "1 server, key pair other",
    ]


def test_a_batch_has_the_public_key_that_one_of_its_hosts_gives() -> None:
    (batch,) = batches([record("a"), record("b", public_key=NEW_KEY)], "all")
    assert batch["public_key"] == NEW_KEY


def test_unbinding_is_a_batch_without_a_key_pair() -> None:
    (batch,) = batches([record("a", keypair_name=None)], "all")
    assert (batch["keypair_name"], batch["label"]) == (None, "1 server, no key pair")


def test_no_records_make_no_batches() -> None:
    refused = record("a", state=REFUSED)
    assert [batches([refused], stage) for stage in ("all", "stop", "associate", "wait", "start", "clean")] == [[]] * 6


@pytest.mark.parametrize(
    ("stage", "more", "expected"),
    [
        ("stop", {"stop": True, "power": "ACTIVE"}, True),
        ("stop", {"power": "SHUTOFF"}, False),
        ("stop", {"stop": True, "state": "failed"}, False),
        ("associate", {"power": "SHUTOFF"}, True),
        # It did not stop; without a login KPS cannot do anything with a server that runs.
        ("associate", {"power": "ACTIVE"}, False),
        ("associate", {"power": "ACTIVE", "login": "keypair"}, True),
        ("associate", {"power": "SHUTOFF", "login": "keypair"}, False),
        ("associate", {"power": "SHUTOFF", "task_id": "adopted"}, False),
        ("associate", {"power": "SHUTOFF", "state": UNCHANGED}, False),
        ("wait", {"task_id": "t"}, True),
        ("wait", {}, False),
        ("wait", {"task_id": "t", "state": "success"}, False),
        ("start", {"state": "success", "power": "SHUTOFF"}, True),
        ("start", {"state": BUSY, "power": "SHUTOFF"}, False),
        ("clean", {"state": "failed", "task_id": "t"}, True),
        ("clean", {"state": "failed"}, False),
        ("clean", {"state": "success", "task_id": "t"}, False),
    ],
)
def test_the_servers_of_a_stage(stage: str, more: dict[str, t.Any], expected: bool) -> None:
    assert bool(batches([record("web", **more)], stage)) is expected


def test_a_wait_is_for_all_tasks_of_a_group() -> None:
    (batch,) = batches([record("a", task_id="t1"), record("b", task_id="t2"), record("c")], "wait")
    assert batch["task_ids"] == ["t1", "t2"]


def test_servers_with_different_logins_do_not_share_a_batch() -> None:
    common = {"state": PLANNED, "power": "ACTIVE"}
    records = [
        record("a", **common, login="keypair", old_private_key_file="/k1"),
        record("b", **common, login="keypair", old_private_key_file="/k2"),
        record("c", **common, login="keypair", old_private_key_file="/k1"),
        record("d", **common, login="password"),
        record("e", **common, login="password"),
        record("f", **common, login="password"),
        record("g", **common, login="keypair", old_private_key_file="/k1", ssh={"port": "2222"}),
        record("h", state=PLANNED, power="SHUTOFF", old_private_key_file="/k1"),
    ]
    found = batches(records, "associate", {"d": "same", "e": "same", "f": "another"})
    assert [batch["server_ids"] for batch in found] == [
        ["id-a", "id-c"],
        ["id-b"],
        ["id-d", "id-e"],
        ["id-f"],
        ["id-g"],
        ["id-h"],
    ]
    assert [batch["key_file"] for batch in found] == ["/k1", "/k2", None, None, "/k1", None]
    assert [batch["password_of"] for batch in found] == [None, None, "d", "f", None, None]
    assert [batch["port"] for batch in found] == [22, 22, 22, 22, 2222, None]
    # A password never enters what is shown.
    assert "same" not in str(found)
    assert "another" not in str(found)


def test_each_server_is_stopped_and_forced_as_its_host_says() -> None:
    stopping = {"state": PLANNED, "power": "ACTIVE", "stop": True}
    records = [record(host, **stopping, stop_type=how) for host, how in (("a", "soft"), ("b", "hard"), ("c", "soft"))]
    found = [(batch["stop_type"], batch["server_ids"]) for batch in batches(records, "stop")]
    assert found == [("soft", ["id-a", "id-c"]), ("hard", ["id-b"])]
    off = [record(host, state=PLANNED, power="SHUTOFF", force=force) for host, force in (("a", False), ("b", True))]
    found = [(batch["force"], batch["server_ids"]) for batch in batches(off, "associate")]
    assert found == [(False, ["id-a"]), (True, ["id-b"])]


def test_a_result_is_about_the_servers_of_its_batch_that_take_part() -> None:
    records = [record("a"), record("b"), record("c", state=REFUSED)]
    assert [each["host"] for each in of_batch(records, of("b", "c"))] == ["b"]


def test_rows_of_all_batches_are_found_by_server() -> None:
    results: list[dict[str, t.Any]] = [
        {"servers": [{"server_id": "1"}, {"server_id": "2"}]},
        {"failed": True},
        {"servers": None},
    ]
    assert list(rows_by_server(results)) == ["1", "2"]


def test_the_pairs_that_servers_have_now_are_read_where_an_old_key_must_fit() -> None:
    common = {"operation": "reset", "old_public_key": NEW_KEY, "current_keypair_name": "old"}
    records = [
        record("a", **common),
        record("b", **common, keypair_name="another"),
        record("c", **{**common, "current_keypair_name": "older"}),
        record("d", **common, region="elsewhere"),
        # Nothing to compare with, or nothing to be done.
        record("e", **{**common, "current_keypair_name": None}),
        record("f", **{**common, "current_keypair_name": "new"}),
        record("g", **{**common, "old_public_key": None}),
        record("h", **common, state=UNCHANGED),
        record("i", **common, state=REFUSED),
    ]
    found = batches(records, "current")
    assert [(batch["region"], batch["keypair_name"], batch["server_ids"]) for batch in found] == [
        ("", "old", ["id-a", "id-b"]),
        ("", "older", ["id-c"]),
        ("elsewhere", "old", ["id-d"]),
    ]
    assert found[0]["label"] == "2 servers, key pair old"
