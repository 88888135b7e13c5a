# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_kps_failed_task."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    ForbiddenError,
    UsageError,
    WriteUncertainError,
)
from ansible_collections.multicloud.async_tasks.plugins.modules import hwc_kps_failed_task
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    KPS,
    PROJECT,
    FakeTransport,
    answer,
    error_response,
    html,
    lost,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import ModuleRun

FAILED = f"{KPS}/v3/{PROJECT}/failed-tasks"


def start(cloud: FakeTransport, *ids: t.Any, check_mode: bool = False) -> ModuleRun:
    return ModuleRun(cloud, {"task_ids": list(ids), "state": "absent"}, check_mode=check_mode)


def recorded(cloud: FakeTransport, *ids: str) -> None:
    rows = [{"task_id": task_id} for task_id in ids]
    cloud.expect(f"GET {FAILED}?limit=1000&offset=0", {"total": len(rows), "tasks": rows})


def test_the_records_that_are_there_are_deleted(cloud: FakeTransport) -> None:
    recorded(cloud, "t-1", "t-2", "t-3")
    cloud.expect(f"DELETE {FAILED}/t-3", answer())
    cloud.expect(f"DELETE {FAILED}/t-1", answer())
    result = start(cloud, "t-3", "t-9", "t-1").execute(hwc_kps_failed_task.execute)
    assert (result["changed"], result["deleted_ids"]) == (True, ["t-3", "t-1"])


def test_absent_records_are_not_a_change(cloud: FakeTransport) -> None:
    recorded(cloud, "t-2")
    result = start(cloud, "t-1").execute(hwc_kps_failed_task.execute)
    assert (result["changed"], result["deleted_ids"]) == (False, [])


def test_a_record_that_another_client_deletes_meanwhile_is_not_a_change(cloud: FakeTransport) -> None:
    recorded(cloud, "t-1")
    cloud.expect(f"DELETE {FAILED}/t-1", error_response(400, "KPS.0005", "failed task not found"))
    assert start(cloud, "t-1").execute(hwc_kps_failed_task.execute)["changed"] is False


def test_check_mode_reads_only(cloud: FakeTransport) -> None:
    recorded(cloud, "t-1")
    result = start(cloud, "t-1", check_mode=True).execute(hwc_kps_failed_task.execute)
    assert (result["changed"], result["deleted_ids"]) == (True, ["t-1"])
    assert cloud.writes() == []


def test_without_ids_nothing_is_sent(cloud: FakeTransport) -> None:
    assert start(cloud).execute(hwc_kps_failed_task.execute)["deleted_ids"] == []


@pytest.mark.parametrize("task_id", ["", ".", "..", "a/b", None])
def test_no_id_can_mean_all_records(cloud: FakeTransport, task_id: t.Any) -> None:
    with pytest.raises(UsageError, match="task_ids: "):
        start(cloud, "t-1", task_id).execute(hwc_kps_failed_task.execute)
    assert cloud.requests == []


def test_deleted_records_are_reported_when_the_next_is_rejected(cloud: FakeTransport) -> None:
    recorded(cloud, "t-1", "t-2")
    cloud.expect(f"DELETE {FAILED}/t-1", answer())
    cloud.expect(f"DELETE {FAILED}/t-2", error_response(403, "KPS.9003", "no permission"))
    run = start(cloud, "t-1", "t-2")
    with pytest.raises(ForbiddenError, match="kps::deleteFailedTask"):
        run.execute(hwc_kps_failed_task.execute)
    assert (run.context.result["changed"], run.context.result["deleted_ids"]) == (True, ["t-1"])


@pytest.mark.parametrize(
    "outcome", [lost(), html(), error_response(503, "KPS.0003", "busy")], ids=["lost", "page", "503"]
)
def test_the_outcome_of_a_lost_response_is_read(cloud: FakeTransport, outcome: t.Any) -> None:
    recorded(cloud, "t-1", "t-2")
    cloud.expect(f"DELETE {FAILED}/t-1", outcome)
    recorded(cloud, "t-2")
    cloud.expect(f"DELETE {FAILED}/t-2", answer())
    result = start(cloud, "t-1", "t-2").execute(hwc_kps_failed_task.execute)
    assert (result["changed"], result["deleted_ids"]) == (True, ["t-1", "t-2"])


def test_a_lost_response_is_reported_when_the_record_is_still_there(cloud: FakeTransport) -> None:
    recorded(cloud, "t-1")
    cloud.expect(f"DELETE {FAILED}/t-1", lost())
    for _search in range(10):
        recorded(cloud, "t-1")
    run = start(cloud, "t-1")
    with pytest.raises(WriteUncertainError, match="The record of the failed task t-1 is as it was, also after 60 s"):
        run.execute(hwc_kps_failed_task.execute)
    assert (run.context.result["changed"], run.context.result["deleted_ids"]) == (False, [])


def test_a_lost_response_whose_outcome_cannot_be_read_counts_as_a_change(cloud: FakeTransport) -> None:
    recorded(cloud, "t-1")
    cloud.expect(f"DELETE {FAILED}/t-1", lost())
    cloud.expect(f"GET {FAILED}?limit=1000&offset=0", error_response(403, "KPS.9003", "no permission"))
    run = start(cloud, "t-1")
    with pytest.raises(WriteUncertainError, match="is not known: .*no permission.* Check that before"):
        run.execute(hwc_kps_failed_task.execute)
    assert run.context.result["changed"] is True
