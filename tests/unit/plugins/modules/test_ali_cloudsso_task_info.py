# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ali_cloudsso_task_info: one task, many with all filters, an unknown one, bounds, and what is refused."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError, UsageError
from ansible_collections.multicloud.async_tasks.plugins.modules import ali_cloudsso_task_info as module
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._alibaba.alibaba import (
    CLOUDSSO,
    DIRECTORY,
    ali_options,
    error_response,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import FakeTransport
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import ModuleRun, run_module

LIST = f"POST {CLOUDSSO}/?"
NONE = dict.fromkeys([*module.FILTERS, "task_id", "marker", "max_tasks"])
ROW = {"TaskId": "t-1", "Status": "Failed", "FailureReason": "No Permission.", "PrincipalName": "Alice"}
MEANING = {
    "task_id": "t-1",
    "status": "Failed",
    "failure_reason": "No Permission.",
    "principal_name": "Alice",
    "state": "failed",
}


def run(cloud: FakeTransport, **options: t.Any) -> dict[str, t.Any]:
    own = {**NONE, "limit": 20, "directory_id": DIRECTORY, **options}
    return ModuleRun(cloud, ali_options(**own)).execute(module.execute)


def test_one_task_is_shown(cloud: FakeTransport) -> None:
    cloud.expect(f"{LIST}DirectoryId={DIRECTORY}&TaskId=t-1", {"RequestId": "R", "Task": ROW})
    assert run(cloud, task_id="t-1") == {
        "changed": False,
        "credentials_source": "options",
        "tasks": [MEANING],
        "truncated": False,
    }


def test_ids_of_the_samples_are_ids(cloud: FakeTransport) -> None:
    cloud.expect(f"{LIST}DirectoryId=d-00fc2p61%2A%2A%2A%2A&TaskId=t-1%2A", {"Task": {**ROW, "TaskId": "t-1*"}})
    assert run(cloud, directory_id="d-00fc2p61****", task_id="t-1*")["tasks"][0]["task_id"] == "t-1*"


def test_an_unknown_task_is_an_empty_list(cloud: FakeTransport) -> None:
    cloud.expect(f"{LIST}DirectoryId={DIRECTORY}&TaskId=t-2", error_response(404, "EntityNotExists.Task"))
    assert run(cloud, task_id="t-2")["tasks"] == []


def test_an_unknown_directory_is_an_error(cloud: FakeTransport) -> None:
    cloud.expect(f"{LIST}DirectoryId={DIRECTORY}&TaskId=t-2", error_response(404, "EntityNotExists.Directory"))
    with pytest.raises(CloudError, match=r"EntityNotExists\.Directory"):
        run(cloud, task_id="t-2")


def test_all_filters_are_sent(cloud: FakeTransport) -> None:
    query = (
        "AccessConfigurationId=ac-1&DirectoryId=d-00fc2p61abcd&Filter=StartTime%20ge%202026-01-01T00%3A00%3A00Z"
        "&MaxResults=20&PrincipalId=u-1&PrincipalType=User&Status=Failed&TargetId=1142&TargetType=RD-Account"
        "&TaskType=CreateAccessAssignment"
    )
    cloud.expect(LIST + query, {"Tasks": [ROW], "IsTruncated": False, "MaxResults": 20, "TotalCounts": 1})
    result = run(
        cloud,
        access_configuration_id="ac-1",
        principal_id="u-1",
        principal_type="User",
        target_id="1142",
        target_type="RD-Account",
        status="Failed",
        task_type="CreateAccessAssignment",
        filter="StartTime ge 2026-01-01T00:00:00Z",
    )
    assert (result["tasks"], result["truncated"]) == ([MEANING], False)


def test_a_list_is_read_up_to_its_bound(cloud: FakeTransport) -> None:
    query = f"{LIST}DirectoryId={DIRECTORY}"
    cloud.expect(f"{query}&MaxResults=1&NextToken=n0", {"Tasks": [ROW], "NextToken": "n1"})
    cloud.expect(f"{query}&MaxResults=1&NextToken=n1", {"Tasks": [{**ROW, "TaskId": "t-2"}], "NextToken": "n2"})
    result = run(cloud, marker="n0", max_tasks=1)
    assert (result["tasks"], result["truncated"], result["next_marker"]) == ([MEANING], True, "n1")


@pytest.mark.parametrize(
    "options",
    [
        {"directory_id": ""},
        {"task_id": ".."},
        {"access_configuration_id": "a b"},
        {"principal_id": ""},
        {"target_id": "a/b"},
        {"limit": 21},
        {"limit": 0},
        {"max_tasks": 0},
    ],
    ids=str,
)
def test_invalid_options_are_rejected(cloud: FakeTransport, options: dict[str, t.Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        run(cloud, **options)


@pytest.mark.parametrize("other", ["status", "filter", "max_tasks"])
def test_an_id_excludes_filters(other: str) -> None:
    value = {"status": "Failed"}.get(other, "1")
    result = run_module("ali_cloudsso_task_info", {"directory_id": "d", "task_id": "t-1", other: value})
    assert result["msg"].startswith(f"parameters are mutually exclusive: task_id|{other}")


@pytest.mark.parametrize(("one", "other"), [("principal_id", "principal_type"), ("target_id", "target_type")])
def test_some_filters_need_each_other(one: str, other: str) -> None:
    result = run_module("ali_cloudsso_task_info", {"directory_id": "d", one: "x"})
    assert result["msg"] == f"parameters are required together: {one}, {other}"
