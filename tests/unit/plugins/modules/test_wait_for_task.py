# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module wait_for_task: what it hands to the engine, and what it hands back; the engine is tested with ``_wait``."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CredentialsError, UsageError
from ansible_collections.multicloud.async_tasks.plugins.modules import wait_for_task
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    ECS,
    IAM,
    KPS,
    PROJECT,
    FakeTransport,
    answer,
    error_response,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import (
    ModuleRun,
    defaults,
    run_module,
)

NAME = "wait_for_task"
DEFAULTS: dict[str, t.Any] = {**defaults(wait_for_task.ARGUMENT_SPEC), "service": "kps", "task_ids": ["t-1"]}


def task(number: int) -> str:
    return f"GET {KPS}/v3/{PROJECT}/tasks/t-{number}"


def status(number: int, word: str) -> dict[str, t.Any]:
    return {"task_id": f"t-{number}", "server_id": "s-1", "task_status": word}


def start(cloud: FakeTransport, check_mode: bool = False, **options: t.Any) -> ModuleRun:
    return ModuleRun(cloud, {**DEFAULTS, **options}, check_mode=check_mode)


def result_of(cloud: FakeTransport, **options: t.Any) -> dict[str, t.Any]:
    return start(cloud, **options).execute(wait_for_task.execute)


def test_a_task_is_waited_for(cloud: FakeTransport) -> None:
    for word in ("READY_RESET", "RUNNING_RESET", "SUCCESS_RESET"):
        cloud.expect(task(1), status(1, word))
    result = result_of(cloud)
    assert (result["changed"], result["failed"]) == (False, False)
    assert result["task"] == result["tasks"][0]
    assert (result["task"]["id"], result["task"]["state"], result["task"]["status"]) == (
        "t-1",
        "success",
        "SUCCESS_RESET",
    )
    assert [entry["status"] for entry in result["task"]["history"]] == ["READY_RESET", "RUNNING_RESET", "SUCCESS_RESET"]
    assert result["msg"].startswith("kps task t-1 (server s-1) succeeded after ")
    assert "resume" not in result


def test_a_failed_task_fails_with_its_reason(cloud: FakeTransport) -> None:
    cloud.expect(task(1), status(1, "FAILED_RESET"))
    failure = {"task_id": "t-1", "task_error_code": "KPS.3054", "task_error_msg": "Update public key error"}
    cloud.expect(f"GET {KPS}/v3/{PROJECT}/failed-tasks?limit=1000&offset=0", {"total": 1, "tasks": [failure]})
    result = result_of(cloud)
    assert result["failed"] is True
    assert "KPS.3054: Update public key error" in result["msg"]
    assert result["task"]["reason"] == {"code": "KPS.3054", "message": "Update public key error"}
    assert result["failed_ids"] == ["t-1"]


def test_a_job_of_ecs_is_waited_for(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {ECS}/v1/{PROJECT}/jobs/j-1", {"job_id": "j-1", "status": "SUCCESS"})
    result = result_of(cloud, service="ecs", task_ids=["j-1"])
    assert (result["failed"], result["task"]["status"]) == (False, "SUCCESS")


def test_an_id_that_is_named_twice_is_one_task(cloud: FakeTransport) -> None:
    cloud.expect(task(1), status(1, "SUCCESS_RESET"))
    assert len(result_of(cloud, task_ids=["t-1", "t-1"])["tasks"]) == 1


def test_no_tasks_are_a_success_without_a_request(cloud: FakeTransport) -> None:
    result = result_of(cloud, task_ids=[])
    assert (result["failed"], result["tasks"], result["summary"]["total"]) == (False, [], 0)


def test_when_the_time_is_up_the_wait_can_be_resumed(cloud: FakeTransport) -> None:
    cloud.always(task(1), status(1, "RUNNING_RESET"))
    result = result_of(cloud, timeout=10.0)
    assert (result["failed"], result["timed_out"], result["pending_ids"]) == (True, True, ["t-1"])
    assert cloud.clock.now - 1000.0 < 11.0
    cloud.always(task(1), status(1, "SUCCESS_RESET"))
    again = result_of(cloud, task_ids=None, resume=result["resume"])
    assert (again["failed"], again["task"]["status"]) == (False, "SUCCESS_RESET")
    assert again["elapsed"] > result["elapsed"]


def test_a_large_result_is_shortened_and_says_so(cloud: FakeTransport) -> None:
    for number in (1, 2, 3):
        cloud.always(task(number), status(number, "FAILED_RESET" if number == 2 else "SUCCESS_RESET"))
    cloud.always(f"GET {KPS}/v3/{PROJECT}/failed-tasks?limit=1000&offset=0", {"total": 0, "tasks": []})
    run = start(cloud, task_ids=["t-1", "t-2", "t-3"], batch="never", max_result_size=750)
    result = run.execute(wait_for_task.execute)
    assert result["shortened"] == ["success_details", "details", "success_rows"]
    assert [row["id"] for row in result["tasks"]] == ["t-2"]
    assert (result["summary"]["success"], result["failed_ids"]) == (2, ["t-2"])
    words = "The result was shortened (success_details, details, success_rows), because it would have been larger than"
    assert [warning for warning in run.module.warnings if warning.startswith(words)]


def test_a_wait_of_another_region_is_not_resumed(cloud: FakeTransport) -> None:
    cloud.always(task(1), status(1, "RUNNING_RESET"))
    token = result_of(cloud, timeout=0.0)["resume"]
    with pytest.raises(UsageError, match="region"):
        result_of(cloud, task_ids=None, resume=token, hwc_region="cn-south-1")


def test_check_mode_polls_once_and_does_not_fail(cloud: FakeTransport) -> None:
    cloud.expect(task(1), status(1, "RUNNING_RESET"))
    result = result_of(cloud, check_mode=True)
    assert (result["failed"], result["task"]["state"]) == (False, "pending")
    assert cloud.clock.sleeps == []


def test_rejected_credentials_fail_with_all_that_is_known(cloud: FakeTransport) -> None:
    cloud.expect(task(1), error_response(401, "APIGW.0301", "verify aksk signature fail"))
    result = result_of(cloud)
    assert (result["failed"], result["http_status"], result["error_code"]) == (True, 401, "APIGW.0301")
    assert "hwc_secret_key" in result["msg"]
    assert result["pending_ids"] == ["t-1"]


#: A password instead of the access key.
PASSWORD = {
    "hwc_access_key": None,
    "hwc_secret_key": None,
    "hwc_user_name": "ops",
    "hwc_user_password": "wrong",
    "hwc_domain_name": "acme",
}


@pytest.mark.parametrize("http_status", [400, 401, 403, 404])
def test_a_rejected_login_is_sent_once_and_is_not_the_error_of_the_tasks(
    cloud: FakeTransport, http_status: int
) -> None:
    login = f"POST {IAM}/v3/auth/tokens"
    user = {"domain": {"name": "acme"}, "name": "ops", "password": "wrong"}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"project": {"id": PROJECT}}}}
    cloud.expect(login, answer({"error": {"code": http_status, "message": "no such user"}}, http_status), body=body)
    ids = [f"t-{number}" for number in range(30)]
    result = result_of(cloud, task_ids=ids, **PASSWORD)
    assert result["failed"]
    assert [f"{request.method} {request.url}" for request in cloud.requests] == [login]
    assert {row["state"] for row in result["tasks"]} == {"pending"}
    assert result["pending_ids"] == ids
    assert result["http_status"] == http_status
    assert "no such user" in result["msg"]
    assert "resume" in result


def test_a_resumed_wait_that_cannot_begin_returns_the_tasks_of_the_token(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {KPS}/v3/{PROJECT}/running-tasks?limit=1000&offset=0", {"tasks": [], "total": 0})
    cloud.expect(task(1), status(1, "SUCCESS_RESET"))
    cloud.expect(task(2), status(2, "RUNNING_RESET"))
    first = result_of(cloud, task_ids=["t-1", "t-2"], timeout=0.0)
    no_key: dict[str, t.Any] = {"hwc_access_key": None}
    run = start(cloud, task_ids=None, resume=first["resume"], **no_key)
    with pytest.raises(CredentialsError):
        run.execute(wait_for_task.execute)
    result = run.context.result
    assert [(row["id"], row["state"]) for row in result["tasks"]] == [("t-1", "success"), ("t-2", "pending")]
    assert result["resume"] == first["resume"]
    run = start(cloud, task_ids=None, resume={"v": 1}, **no_key)
    with pytest.raises(CredentialsError):
        run.execute(wait_for_task.execute)
    assert run.context.result == {"changed": False}


def test_the_warnings_of_the_wait_are_shown(cloud: FakeTransport) -> None:
    cloud.expect(task(1), status(1, "SUCCESS"))
    cloud.expect(task(1), status(1, "SUCCESS_RESET"))
    run = start(cloud)
    assert run.execute(wait_for_task.execute)["failed"] is False
    assert any("unknown status SUCCESS" in warning for warning in run.module.warnings)


def test_a_slice_is_a_part_of_a_wait(cloud: FakeTransport) -> None:
    cloud.always(task(1), status(1, "RUNNING_RESET"))
    first = result_of(cloud, wait_slice={"elapsed": 0.0, "length": 5.0, "state": None})
    assert set(first) == {"changed", "credentials_source", "_more"}
    assert "1 pending (RUNNING_RESET 1)" in first["_more"]["line"]
    cloud.always(task(1), status(1, "SUCCESS_RESET"))
    last = result_of(cloud, wait_slice={"elapsed": 6.0, "length": 30.0, "state": first["_more"]["state"]})
    assert (last["failed"], last["task"]["state"]) == (False, "success")
    assert last["elapsed"] >= 6.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"task_ids": None}, "Nothing to wait for"),
        ({"task_ids": [""]}, "task_ids: ''"),
        ({"task_ids": ["t-1", ".."]}, "task_ids: '..'"),
        ({"timeout": -1.0}, "timeout"),
        ({"resume": {"nonsense": True}, "task_ids": None}, "resume"),
        ({"success_statuses": ["A"], "failure_statuses": ["A"]}, "A"),
    ],
    ids=repr,
)
def test_wrong_options_are_rejected_before_anything_is_sent(
    cloud: FakeTransport, options: dict[str, t.Any], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        result_of(cloud, **options)
    assert words in str(caught.value)
    assert cloud.requests == []


def test_the_defaults_of_the_options() -> None:
    result = run_module(NAME, {"service": "kps", "task_id": ".."})
    assert result["msg"].startswith("task_ids: '..' is not a valid id.")
    told = result["invocation"]["module_args"]
    assert {name: told[name] for name in DEFAULTS} == {**DEFAULTS, "task_ids": [".."]}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"task_ids": ["t-1"]}, "service"),
        ({"service": "kms", "task_ids": ["t-1"]}, "kps, "),
        ({"service": "kps", "task_ids": ["t-1"], "resume": {}}, "mutually exclusive"),
        ({"service": "kps", "task_ids": ["t-1"], "mode": "some"}, "all, fail_fast, any"),
    ],
    ids=repr,
)
def test_wrong_options_are_rejected_by_ansible(options: dict[str, t.Any], words: str) -> None:
    assert words in run_module(NAME, options)["msg"]


def test_options_of_the_other_cloud_are_ignored() -> None:
    result = run_module(NAME, {"service": "kps", "task_id": "..", "ali_access_key_id": "x", "ali_region": "y"})
    assert result["msg"].startswith("task_ids: '..' is not a valid id.")
