# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The five query operations: the collection's modules and the vendors' SDKs get the same data from the same cloud.

The vendors' signers also check every request of the modules.
"""

from __future__ import annotations

import typing as t

import pytest

from emulator import Emulator, ManualClock
from emulator.accounts import stable_id
from emulator.clock import iso
from emulator.requestlog import LogEntry

from . import oracle
from .conftest import AlibabaSdk, HuaweiSdk
from .modules import Modules

#: What the collection adds to the fields of the APIs.
OURS = {"state", "operation", "time"}


def ours(result: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the tasks of a module's result, with the fields of the API only."""
    assert not result.get("failed"), result
    assert result["changed"] is False
    assert result["credentials_source"] == "environment"
    return [{name: value for name, value in task.items() if name not in OURS} for task in result["tasks"]]


def theirs(rows: t.Iterable[t.Any]) -> list[dict[str, t.Any]]:
    """Return the rows of the Huawei SDK, without what they leave out."""
    return [{name: value for name, value in row.to_dict().items() if value is not None} for row in rows]


def present(rows: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Return rows without the fields that are null: the SDK does not tell them from fields that are not there."""
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


@pytest.fixture(autouse=True)
def _judge(emulator: Emulator) -> t.Iterator[None]:
    """Check every request of a module with the vendors' signers, after the test."""
    yield
    sent = [entry for entry in emulator.requests if "multicloud" in (entry.request.header("User-Agent") or "")]
    huawei: list[LogEntry] = [entry for entry in sent if entry.request.header("X-Sdk-Date")]
    alibaba: list[LogEntry] = [entry for entry in sent if entry.request.header("x-acs-action")]
    key, other = emulator.access_key, emulator.alibaba_account.access_key
    judged = oracle.judge_huawei(huawei, key.access, key.secret) + oracle.judge_alibaba(
        alibaba, other.access, other.secret
    )
    assert judged == len(sent) > 0


# KPS


def _start_resets(emulator: Emulator, huawei: HuaweiSdk) -> list[str]:
    """Start three resets: one will succeed, one will fail, one will not end. Return their ids."""
    models = huawei.models["kps"]
    client = huawei.client("kps")
    servers = list(emulator.huawei.servers.values())
    emulator.fail("task_fails", server=servers[1].id, code="KPS.3025", message="The key cannot be written")
    emulator.fail("task_stuck", server=servers[2].id)
    started = []
    for server in servers:
        server.status = "SHUTOFF"
        body = models.AssociateKeypairRequestBody("new", models.EcsServerInfo(id=server.id))
        started.append(client.associate_keypair(models.AssociateKeypairRequest(body)).task_id)
    return started


def test_kps_tasks(emulator: Emulator, huawei: HuaweiSdk, modules: Modules, clock: ManualClock) -> None:
    ids = _start_resets(emulator, huawei)
    clock.advance(11)
    emulator.settle()
    models, client = huawei.models["kps"], huawei.client("kps")
    states = []
    for task_id in ids:
        result = modules.run("hwc_kps_task_info", {"task_id": task_id})
        response = client.list_keypair_task(models.ListKeypairTaskRequest(task_id))
        assert ours(result) == theirs([response])
        states.append((result["tasks"][0]["state"], result["tasks"][0]["operation"]))
    assert states == [("success", "reset"), ("failed", "reset"), ("pending", "reset")]
    assert modules.run("hwc_kps_task_info", {"task_id": "unknown"})["tasks"] == []


def test_kps_lists(emulator: Emulator, huawei: HuaweiSdk, modules: Modules, clock: ManualClock) -> None:
    ids = _start_resets(emulator, huawei)
    models, client = huawei.models["kps"], huawei.client("kps")
    running = client.list_running_task(models.ListRunningTaskRequest()).tasks
    for limit in (2, 3):
        result = modules.run("hwc_kps_task_info", {"list": "running", "limit": limit})
        assert present(ours(result)) == theirs(running)
        assert result["truncated"] is False
    cut = modules.run("hwc_kps_task_info", {"list": "running", "limit": 1, "max_tasks": 2})
    rest = modules.run("hwc_kps_task_info", {"list": "running", "marker": cut["next_marker"]})
    assert cut["truncated"]
    assert [task["task_id"] for task in cut["tasks"] + rest["tasks"]] == [task.task_id for task in running]
    clock.advance(11)
    emulator.settle()
    failed = modules.run("hwc_kps_task_info", {"list": "failed"})
    assert present(ours(failed)) == theirs(client.list_failed_task(models.ListFailedTaskRequest()).tasks)
    assert [(task["task_id"], task["state"]) for task in failed["tasks"]] == [(ids[1], "failed")]


@pytest.mark.parametrize(
    ("word", "state", "operation"),
    [
        ("SUCCESS_REPLACE", "success", "replace"),
        ("FAILED_BIND", "failed", "bind"),
        ("SUCCESS_BIND", "success", "bind"),
        ("FINISHED_RESET", "unknown", "unknown"),
        ("SUCCESS", "unknown", "unknown"),
        ("success_reset", "unknown", "unknown"),
    ],
)
def test_kps_statuses(
    emulator: Emulator, huawei: HuaweiSdk, modules: Modules, word: str, state: str, operation: str
) -> None:
    ids = _start_resets(emulator, huawei)
    emulator.fail("patch", operation="ListKeypairTask", patch={"task_status": word})
    (task,) = modules.run("hwc_kps_task_info", {"task_id": ids[0]})["tasks"]
    assert (task["task_status"], task["state"], task["operation"]) == (word, state, operation)


# CSMS


@pytest.mark.parametrize("trailing", [False, True], ids=["marker only when there is more", "marker always"])
@pytest.mark.parametrize("count", [0, 1, 3, 4])
def test_csms_pages(
    emulator: Emulator, huawei: HuaweiSdk, modules: Modules, clock: ManualClock, count: int, trailing: bool
) -> None:
    emulator.huawei.csms.trailing_marker = trailing
    models, client = huawei.models["csms"], huawei.client("csms")
    for _number in range(count):
        client.rotate_secret(models.RotateSecretRequest("database"))
        clock.advance(11)
    emulator.settle()
    expected = theirs(client.list_secret_task(models.ListSecretTaskRequest()).tasks)
    assert len(expected) == count
    # Pages of three: an empty one, one of one, a full one, a full one and one.
    result = modules.run("hwc_csms_task_info", {"limit": 3})
    assert present(ours(result)) == expected
    assert (result["truncated"], {task["state"] for task in result["tasks"]} <= {"success"}) == (False, True)
    cut = modules.run("hwc_csms_task_info", {"max_tasks": 3})
    assert len(cut["tasks"]) == min(count, 3)
    assert cut["truncated"] is (count > 3)
    if cut["truncated"]:
        rest = modules.run("hwc_csms_task_info", {"marker": cut["next_marker"]})
        assert present(ours(cut)) + present(ours(rest)) == expected


def test_csms_filters_and_ids(emulator: Emulator, huawei: HuaweiSdk, modules: Modules, clock: ManualClock) -> None:
    models, client = huawei.models["csms"], huawei.client("csms")
    emulator.fail("task_fails", server="database", code="CSMS.3001", message="The function failed")
    for _number in range(2):
        client.rotate_secret(models.RotateSecretRequest("database"))
        clock.advance(11)
    emulator.settle()
    for query in ({"status": "FAILED"}, {"status": "SUCCESS"}, {"secret_name": "database"}, {"secret_name": "other"}):
        expected = theirs(client.list_secret_task(models.ListSecretTaskRequest(**query)).tasks)
        assert present(ours(modules.run("hwc_csms_task_info", query))) == expected
    (failed,) = modules.run("hwc_csms_task_info", {"status": "FAILED"})["tasks"]
    assert (failed["state"], failed["task_error_code"]) == ("failed", "CSMS.3001")
    one = modules.run("hwc_csms_task_info", {"task_id": failed["task_id"]})
    request = models.ListSecretTaskRequest(task_id=failed["task_id"])
    assert present(ours(one)) == theirs(client.list_secret_task(request).tasks)
    assert modules.run("hwc_csms_task_info", {"task_id": "unknown"})["tasks"] == []


def test_csms_nested_errors(emulator: Emulator, modules: Modules) -> None:
    emulator.huawei.csms.nested_errors = True
    result = modules.run("hwc_csms_task_info", {"limit": 3, "marker": "no-such-task"})
    assert (result["failed"], result["http_status"], result["error_code"][:5]) == (True, 400, "CSMS.")


# SMS


def test_sms_passphrase(emulator: Emulator, huawei: HuaweiSdk, modules: Modules) -> None:
    models, client = huawei.models["sms"], huawei.client("sms")
    task_id = stable_id("migration-01")
    response = client.show_passphrase(models.ShowPassphraseRequest(task_id))
    result = modules.run("hwc_sms_passphrase_info", {"task_id": task_id})
    assert result["passphrase"] == response.passphrase == "emulated-passphrase-1"
    assert result["task_id"] == response.task_id
    assert "emulated-passphrase-1" not in str({name: value for name, value in result.items() if name != "passphrase"})


def test_sms_without_permission(emulator: Emulator, modules: Modules) -> None:
    result = modules.run("hwc_sms_passphrase_info", {"task_id": stable_id("migration-02")})
    assert (result["failed"], result["http_status"]) == (True, 403)
    for entry in emulator.requests.of("ShowPassphrase"):
        assert entry.status == 403
    details = result["error_details"]
    assert details["encoded_authorization_message"] in result["msg"]
    assert all(reason["error_msg"] in result["msg"] for reason in details["details"])


def test_sms_unknown(modules: Modules) -> None:
    result = modules.run("hwc_sms_passphrase_info", {"task_id": "unknown"})
    assert (result["failed"], result["error_code"]) == (True, "SMS.2252")


# CloudSSO


def _snake(document: t.Any) -> dict[str, t.Any]:
    """Return a task of the Alibaba Cloud SDK with the names of its model, without what it leaves out."""
    return {name: value for name, value in vars(document).items() if value is not None}


def _assign(alibaba: AlibabaSdk, user: str, target: str) -> str:
    """Start to assign access; the id of the task."""
    request = alibaba.models.CreateAccessAssignmentRequest(
        directory_id=alibaba.emulator.alibaba_account.directory.id,
        access_configuration_id="ac-emulated0001",
        principal_type="User",
        principal_id=user,
        target_type="RD-Account",
        target_id=target,
    )
    return str(alibaba.client().create_access_assignment(request).body.task.task_id)


def test_cloudsso_tasks(emulator: Emulator, alibaba: AlibabaSdk, modules: Modules, clock: ManualClock) -> None:
    directory = emulator.alibaba_account.directory.id
    emulator.fail("task_fails", server="u-emulated0002", code="NoPermission", message="No Permission.")
    ids = [_assign(alibaba, f"u-emulated000{number}", "1000000000000001") for number in (1, 2)]
    clock.advance(11)
    ids.append(_assign(alibaba, "u-emulated0001", "1000000000000002"))
    client, models = alibaba.client(), alibaba.models
    states = []
    for task_id in ids:
        names = {"directory_id": directory, "task_id": task_id}
        found = modules.run("ali_cloudsso_task_info", names)
        task = client.get_task(models.GetTaskRequest(**names)).body.task
        assert ours(found) == [_snake(task)]
        status = client.get_task_status(models.GetTaskStatusRequest(**names)).body.task_status
        told = modules.run("ali_cloudsso_task_status_info", names)
        assert ours(told) == [_snake(status)]
        assert told["tasks"][0]["state"] == found["tasks"][0]["state"]
        states.append(found["tasks"][0]["state"])
    assert states == ["success", "failed", "pending"]
    for module in ("ali_cloudsso_task_info", "ali_cloudsso_task_status_info"):
        assert modules.run(module, {"directory_id": directory, "task_id": "t-unknown"})["tasks"] == []
        wrong = modules.run(module, {"directory_id": "d-unknown", "task_id": ids[0]})
        assert (wrong["failed"], wrong["error_code"]) == (True, "EntityNotExists.Directory")


def test_cloudsso_success_with_a_reason(
    emulator: Emulator, alibaba: AlibabaSdk, modules: Modules, clock: ManualClock
) -> None:
    directory = emulator.alibaba_account.directory.id
    task_id = _assign(alibaba, "u-emulated0001", "1000000000000001")
    clock.advance(11)
    emulator.fail("patch", operation="GetTaskStatus", patch={"TaskStatus": {"FailureReason": "No Permission."}})
    names = {"directory_id": directory, "task_id": task_id}
    (task,) = modules.run("ali_cloudsso_task_status_info", names)["tasks"]
    assert (task["status"], task["state"], task["failure_reason"]) == ("Success", "success", "No Permission.")


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_cloudsso_pages(
    emulator: Emulator, alibaba: AlibabaSdk, modules: Modules, clock: ManualClock, count: int
) -> None:
    directory = emulator.alibaba_account.directory.id
    for number in range(count):
        _assign(alibaba, "u-emulated0001", f"100000000000000{number + 1}")
        clock.advance(11)
    client, models = alibaba.client(), alibaba.models
    rows = client.list_tasks(models.ListTasksRequest(directory_id=directory, max_results=20)).body.tasks or []
    assert len(rows) == count
    result = modules.run("ali_cloudsso_task_info", {"directory_id": directory, "limit": 2})
    assert ours(result) == [_snake(row) for row in rows]
    cut = modules.run("ali_cloudsso_task_info", {"directory_id": directory, "max_tasks": 2})
    assert (len(cut["tasks"]), cut["truncated"]) == (min(count, 2), count > 2)


def test_cloudsso_filters(emulator: Emulator, alibaba: AlibabaSdk, modules: Modules, clock: ManualClock) -> None:
    directory = emulator.alibaba_account.directory.id
    old = emulator.alibaba.tasks[_assign(alibaba, "u-emulated0001", "1000000000000001")]
    clock.advance(11)
    emulator.settle()
    old.start -= 2 * 24 * 3600
    _assign(alibaba, "u-emulated0002", "1000000000000002")
    client, models = alibaba.client(), alibaba.models
    window = {"filter": f"StartTime ge {iso(clock.now - 3 * 24 * 3600)}"}
    filters: list[tuple[dict[str, str], int]] = [
        # Without a window the service shows the last day.
        ({}, 1),
        (window, 2),
        ({**window, "status": "Success"}, 1),
        ({"task_type": "DeleteAccessAssignment"}, 0),
        ({"principal_id": "u-emulated0002", "principal_type": "User"}, 1),
        ({"target_id": "1000000000000001", "target_type": "RD-Account"}, 0),
        ({"access_configuration_id": "ac-emulated0001"}, 1),
    ]
    for chosen, count in filters:
        result = modules.run("ali_cloudsso_task_info", {"directory_id": directory, **chosen})
        request = models.ListTasksRequest(directory_id=directory, max_results=20, **chosen)
        assert ours(result) == [_snake(row) for row in client.list_tasks(request).body.tasks or []]
        assert len(result["tasks"]) == count
