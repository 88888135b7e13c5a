# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module hwc_sms_passphrase_info: the passphrase is in one place and nowhere else."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    ForbiddenError,
    NotFoundError,
    UsageError,
)
from ansible_collections.multicloud.async_tasks.plugins.modules import hwc_sms_passphrase_info as module
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    FakeTransport,
    answer,
    error_response,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import ModuleRun, run_module

TASK = "d7fa81b9-c174-4c0a-a475-51a54c8af8a4"
PASSPHRASE = f"GET https://sms.cn-north-4.myhuaweicloud.com/v3/tasks/{TASK}/passphrase"


def run(cloud: FakeTransport, task_id: t.Any = TASK) -> dict[str, t.Any]:
    return ModuleRun(cloud, {"task_id": task_id}).execute(module.execute)


def test_the_passphrase_is_in_one_place(cloud: FakeTransport) -> None:
    cloud.expect(PASSPHRASE, {"task_id": TASK, "passphrase": "open sesame"})
    assert run(cloud) == {
        "changed": False,
        "credentials_source": "options",
        "task_id": TASK,
        "passphrase": "open sesame",
    }


def test_the_passphrase_is_read_in_check_mode(cloud: FakeTransport) -> None:
    cloud.expect(PASSPHRASE, {"task_id": TASK, "passphrase": "open sesame"})
    result = ModuleRun(cloud, {"task_id": TASK}, check_mode=True).execute(module.execute)
    assert result["passphrase"] == "open sesame"


def test_an_unknown_task_is_an_error(cloud: FakeTransport) -> None:
    cloud.expect(PASSPHRASE, error_response(404, "SMS.2252", "The task does not exist."))
    with pytest.raises(NotFoundError):
        run(cloud)


def test_a_missing_permission_has_all_details(cloud: FakeTransport) -> None:
    details = {"encoded_authorization_message": "XXXX", "details": [{"error_code": "SMS.9004", "error_msg": "No XXX"}]}
    cloud.expect(PASSPHRASE, answer({"error_code": "SMS.9004", "error_msg": "No.", **details}, 403))
    with pytest.raises(ForbiddenError) as caught:
        run(cloud)
    assert caught.value.as_result()["error_details"] == details
    assert "XXXX" in str(caught.value)
    assert "SMS.9004: No XXX" in str(caught.value)


@pytest.mark.parametrize("task_id", ["", ".", "..", "a/b", "a b", "x" * 65, "*"])
def test_invalid_ids_are_rejected(cloud: FakeTransport, task_id: str) -> None:
    with pytest.raises(UsageError, match="task_id"):
        run(cloud, task_id)


def test_every_example_that_reads_the_passphrase_has_no_log() -> None:
    tasks = module.EXAMPLES.split("- name:")[1:]
    assert len(tasks) == 2
    assert all("no_log: true" in task for task in tasks)


def test_the_id_is_required() -> None:
    assert run_module("hwc_sms_passphrase_info", {})["msg"] == "missing required arguments: task_id"
