# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ali_cloudsso_task_status_info: a status, the vendor's own sample, an unknown task, and what is refused."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.modules import ali_cloudsso_task_status_info as module
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._alibaba.alibaba import (
    CLOUDSSO,
    DIRECTORY,
    ali_options,
    error_response,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import FakeTransport
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import ModuleRun, run_module

URL = f"POST {CLOUDSSO}/?DirectoryId={DIRECTORY}&TaskId=t-1"


def run(cloud: FakeTransport, **options: t.Any) -> dict[str, t.Any]:
    own = {"directory_id": DIRECTORY, "task_id": "t-1", **options}
    return ModuleRun(cloud, ali_options(**own)).execute(module.execute)


def test_a_success_with_a_reason_is_a_success(cloud: FakeTransport) -> None:
    status = {
        "Status": "Success",
        "TaskId": "t-1",
        "StartTime": "2021-11-05T02:58:07Z",
        "EndTime": "2021-11-05T02:58:08Z",
        "TaskType": "DeleteAccessAssignment",
        "FailureReason": "No Permission.",
    }
    cloud.expect(URL, {"RequestId": "005F4623-AE53-504D-830F-44825F7DC211", "TaskStatus": status})
    assert run(cloud) == {
        "changed": False,
        "credentials_source": "options",
        "tasks": [
            {
                "status": "Success",
                "state": "success",
                "task_id": "t-1",
                "start_time": "2021-11-05T02:58:07Z",
                "end_time": "2021-11-05T02:58:08Z",
                "task_type": "DeleteAccessAssignment",
                "failure_reason": "No Permission.",
            }
        ],
    }
    assert cloud.requests[0].headers["x-acs-action"] == "GetTaskStatus"


@pytest.mark.parametrize(("status", "state"), [("InProgress", "pending"), ("Failed", "failed"), ("Paused", "unknown")])
def test_other_statuses(cloud: FakeTransport, status: str, state: str) -> None:
    cloud.expect(URL, {"TaskStatus": {"TaskId": "t-1", "Status": status}})
    assert run(cloud)["tasks"] == [{"task_id": "t-1", "status": status, "state": state}]


def test_an_unknown_task_is_an_empty_list(cloud: FakeTransport) -> None:
    cloud.expect(URL, error_response(404, "EntityNotExists.Task"))
    assert run(cloud)["tasks"] == []


@pytest.mark.parametrize("options", [{"directory_id": ""}, {"task_id": ""}, {"task_id": "."}, {"directory_id": "a b"}])
def test_invalid_options_are_rejected(cloud: FakeTransport, options: dict[str, t.Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        run(cloud, **options)


def test_required_options() -> None:
    result = run_module("ali_cloudsso_task_status_info", {})
    assert result["msg"] == "missing required arguments: directory_id, task_id"
