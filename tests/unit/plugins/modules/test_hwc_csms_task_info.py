# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module hwc_csms_task_info: one task, many, an unknown one, bounds, and what is refused before anything is sent."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.modules import hwc_csms_task_info as module
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    KPS,
    PROJECT,
    FakeTransport,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import ModuleRun, run_module

TASKS = f"GET {KPS}/v1/{PROJECT}/csms/tasks"
NONE = dict.fromkeys(["task_id", "secret_name", "status", "marker", "max_tasks"])
#: The fields of the vendor's page (support.huaweicloud.com, ListSecretTask).
ROW = {"task_id": "t-1", "secret_name": "demo", "task_status": "FAILED", "operate_type": "MULTI_USER"}
TIMES = {"task_time": 1523342130000, "attempt_nums": 2, "task_error_code": "CSMS.9", "task_error_msg": "No."}


def run(cloud: FakeTransport, **options: t.Any) -> dict[str, t.Any]:
    return ModuleRun(cloud, {**NONE, "limit": 50, **options}).execute(module.execute)


def test_one_task_is_shown(cloud: FakeTransport) -> None:
    cloud.expect(f"{TASKS}?task_id=t-1", {"total": 1, "tasks": [{**ROW, **TIMES}], "next_marker": ""})
    assert run(cloud, task_id="t-1") == {
        "changed": False,
        "credentials_source": "options",
        "tasks": [{**ROW, **TIMES, "state": "failed", "time": "2018-04-10T06:35:30Z"}],
        "truncated": False,
    }


def test_an_unknown_task_is_an_empty_list(cloud: FakeTransport) -> None:
    cloud.expect(f"{TASKS}?task_id=t-2", {"total": 0, "tasks": []})
    assert run(cloud, task_id="t-2")["tasks"] == []


def test_all_pages_of_the_list_are_read(cloud: FakeTransport) -> None:
    cloud.expect(f"{TASKS}?limit=1&secret_name=demo&status=FAILED", {"tasks": [ROW], "next_marker": "t-1"})
    cloud.expect(f"{TASKS}?limit=1&marker=t-1&secret_name=demo&status=FAILED", {"tasks": []})
    result = run(cloud, secret_name="demo", status="FAILED", limit=1)
    assert [task["state"] for task in result["tasks"]] == ["failed"]
    assert (result["truncated"], "next_marker" in result) == (False, False)


def test_a_list_is_read_up_to_its_bound(cloud: FakeTransport) -> None:
    cloud.expect(f"{TASKS}?limit=2&marker=t-0", {"tasks": [ROW, {**ROW, "task_id": "t-2"}], "next_marker": "t-2"})
    cloud.expect(f"{TASKS}?limit=1&marker=t-2", {"tasks": [{**ROW, "task_id": "t-3"}]})
    result = run(cloud, marker="t-0", max_tasks=2)
    assert (len(result["tasks"]), result["truncated"], result["next_marker"]) == (2, True, "t-2")


@pytest.mark.parametrize(
    "options",
    [{"task_id": ""}, {"task_id": ".."}, {"task_id": "a/b"}, {"limit": 0}, {"limit": 1001}, {"max_tasks": 0}],
    ids=str,
)
def test_invalid_options_are_rejected(cloud: FakeTransport, options: dict[str, t.Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        run(cloud, **options)


@pytest.mark.parametrize("other", ["secret_name", "max_tasks"])
def test_an_id_excludes_everything_else(other: str) -> None:
    result = run_module("hwc_csms_task_info", {"task_id": "t-1", other: "1"})
    assert result["msg"] == f"parameters are mutually exclusive: task_id|{other}"
