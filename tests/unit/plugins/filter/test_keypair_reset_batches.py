# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the filter keypair_reset_batches."""

from __future__ import annotations

from ansible_collections.multicloud.async_tasks.plugins.filter.keypair_reset_batches import FilterModule
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._keypair_reset.samples import record

batches = FilterModule().filters()["keypair_reset_batches"]


def test_it_groups_the_servers_of_a_stage() -> None:
    records = [record("a", stop=True), record("b"), record("c", stop=True, region="r1")]
    assert [batch["server_ids"] for batch in batches(records, "stop")] == [["id-a"], ["id-c"]]


def test_passwords_are_matched_by_host() -> None:
    records = [record("a", login="password", power="ACTIVE")]
    assert batches(records, "associate", secrets={"a": "secret"})[0]["password_of"] == "a"
