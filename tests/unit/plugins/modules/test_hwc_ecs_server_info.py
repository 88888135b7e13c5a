# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_ecs_server_info."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.modules import hwc_ecs_server_info
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    ECS,
    PROJECT,
    FakeTransport,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import ModuleRun, run_module

DETAIL = f"GET {ECS}/v1/{PROJECT}/cloudservers/detail"


def result_of(cloud: FakeTransport, **options: t.Any) -> dict[str, t.Any]:
    return ModuleRun(cloud, {"server_ids": None, "name": None, "status": None, **options}).execute(
        hwc_ecs_server_info.execute
    )


def server(server_id: str) -> dict[str, t.Any]:
    return {"id": server_id, "name": f"web-{server_id}", "status": "ACTIVE"}


def test_servers_are_shown_in_the_order_they_are_named_and_missing_ones_told(cloud: FakeTransport) -> None:
    rows = [server("s-1"), server("s-3"), {"id": "s-2", "fault": {"message": "not found"}}]
    cloud.expect(f"{DETAIL}?server_id=s-3%2Cs-2%2Cs-1", {"servers": rows})
    result = result_of(cloud, server_ids=["s-3", "s-2", "s-1", "s-3"])
    assert [row["server_id"] for row in result["servers"]] == ["s-3", "s-1"]
    assert (result["missing_ids"], result["changed"]) == (["s-2"], False)


def test_an_empty_list_of_ids_returns_no_servers_and_sends_nothing(cloud: FakeTransport) -> None:
    result = result_of(cloud, server_ids=[])
    assert (result["servers"], result["missing_ids"]) == ([], [])


def test_without_ids_all_servers_that_match_are_listed(cloud: FakeTransport) -> None:
    cloud.expect(f"{DETAIL}?limit=1000&name=web&offset=1&status=ACTIVE", {"count": 1, "servers": [server("s-1")]})
    result = result_of(cloud, name="web", status="ACTIVE")
    assert [row["name"] for row in result["servers"]] == ["web-s-1"]
    assert result["missing_ids"] == []


@pytest.mark.parametrize("ids", [[""], ["a", ".."], ["a/b"]])
def test_a_bad_id_is_refused_before_anything_is_sent(cloud: FakeTransport, ids: list[str]) -> None:
    with pytest.raises(UsageError, match="^server_ids: "):
        result_of(cloud, server_ids=ids)
    assert cloud.requests == []


def test_wrong_options_are_refused_by_ansible() -> None:
    assert "mutually exclusive" in run_module("hwc_ecs_server_info", {"server_id": "s-1", "name": "web"})["msg"]
