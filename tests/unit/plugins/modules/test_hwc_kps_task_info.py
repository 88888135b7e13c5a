# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_kps_task_info."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import AuthenticationError, UsageError
from ansible_collections.multicloud.async_tasks.plugins.modules import hwc_kps_task_info
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    KPS,
    PROJECT,
    FakeTransport,
    error_response,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import (
    ModuleRun,
    defaults,
    run_module,
)

NAME = "hwc_kps_task_info"
TASK = f"GET {KPS}/v3/{PROJECT}/tasks/t-1"
DEFAULTS = defaults(hwc_kps_task_info.ARGUMENT_SPEC)


def result_of(cloud: FakeTransport, **options: t.Any) -> dict[str, t.Any]:
    return ModuleRun(cloud, {**DEFAULTS, **options}).execute(hwc_kps_task_info.execute)


def test_one_task_is_shown_with_its_state(cloud: FakeTransport) -> None:
    cloud.expect(TASK, {"task_id": "t-1", "server_id": "s-1", "task_status": "RUNNING_RESET"})
    task = {
        "task_id": "t-1",
        "server_id": "s-1",
        "task_status": "RUNNING_RESET",
        "state": "pending",
        "operation": "reset",
    }
    assert result_of(cloud, task_id="t-1") == {
        "changed": False,
        "tasks": [task],
        "truncated": False,
        "credentials_source": "options",
    }


def test_an_unknown_task_is_an_empty_list(cloud: FakeTransport) -> None:
    cloud.expect(TASK, error_response(400, "KPS.0001", "TaskId illegal"))
    assert result_of(cloud, task_id="t-1")["tasks"] == []


@pytest.mark.parametrize(
    ("chosen", "path", "state"), [("running", "running-tasks", "pending"), ("failed", "failed-tasks", "failed")]
)
def test_a_list_is_shown_with_the_state_of_its_rows(cloud: FakeTransport, chosen: str, path: str, state: str) -> None:
    row = {"task_id": "t-1", "operate_type": "RUNNING_REPLACE", "task_time": "1523342130000"}
    cloud.expect(f"GET {KPS}/v3/{PROJECT}/{path}?limit=1000&offset=0", {"total": 1, "tasks": [row]})
    result = result_of(cloud, list=chosen)
    assert result["tasks"] == [{**row, "state": state, "operation": "replace", "time": "2018-04-10T06:35:30Z"}]
    assert result["truncated"] is False


def test_a_list_may_be_cut(cloud: FakeTransport) -> None:
    url = f"GET {KPS}/v3/{PROJECT}/running-tasks"
    cloud.expect(f"{url}?limit=1&offset=0", {"total": 2, "tasks": [{"task_id": "t-1"}]})
    cloud.expect(f"{url}?limit=1&offset=1", {"total": 2, "tasks": [{"task_id": "t-2"}]})
    result = result_of(cloud, list="running", max_tasks=1)
    assert ([task["task_id"] for task in result["tasks"]], result["truncated"]) == (["t-1"], True)


@pytest.mark.parametrize("task_id", ["", ".", "..", "a/b", "a b"])
def test_an_invalid_id_is_rejected_before_anything_is_sent(cloud: FakeTransport, task_id: str) -> None:
    with pytest.raises(UsageError, match="^task_id: "):
        result_of(cloud, task_id=task_id)
    assert cloud.requests == []


@pytest.mark.parametrize("max_tasks", [0, -1])
def test_a_limit_below_one_is_rejected(cloud: FakeTransport, max_tasks: int) -> None:
    with pytest.raises(UsageError, match="max_tasks"):
        result_of(cloud, list="failed", max_tasks=max_tasks)


def test_a_rejected_signature_is_tried_once(cloud: FakeTransport) -> None:
    cloud.expect(TASK, error_response(401, "APIGW.0301", "verify aksk signature fail"))
    with pytest.raises(AuthenticationError, match=r"clock.*tried once"):
        result_of(cloud, task_id="t-1")


def test_wrong_options_are_rejected_by_ansible() -> None:
    assert "task_id, list" in run_module(NAME, {})["msg"]
    both = run_module(NAME, {"task_id": "t", "list": "failed"})
    assert "mutually exclusive" in both["msg"]


def test_an_invalid_id_is_reported_without_credentials() -> None:
    result = run_module(NAME, {"task_id": ".."}, HOME="/nonexistent")
    assert result["msg"].startswith("task_id: '..' is not a valid id.")


def test_without_credentials_the_options_and_variables_are_named() -> None:
    result = run_module(NAME, {"task_id": "t"}, HOME="/nonexistent")
    assert result["failed"]
    for name in ("hwc_access_key", "HUAWEICLOUD_SDK_AK", "hwc_auth_token", "hwc_user_password"):
        assert name in result["msg"]
