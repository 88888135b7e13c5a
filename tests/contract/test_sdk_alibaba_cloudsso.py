# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The official Alibaba Cloud SDK works with the emulated CloudSSO: tasks, assignments, provisionings, directories."""

from __future__ import annotations

import typing as t

import pytest

from emulator import Emulator, ManualClock
from emulator.alibaba.cloudsso import Directory
from emulator.clock import iso

from .conftest import AlibabaSdk
from .sdk import load

READ_ONLY, ADMINISTRATOR = "ac-emulated0001", "ac-emulated0002"
ALICE, BOB, OPERATORS = "u-emulated0001", "u-emulated0002", "g-emulated0001"
FIRST, SECOND = "1000000000000001", "1000000000000002"


class CloudssoSdk:
    """The SDK's client, with shorter calls."""

    def __init__(self, alibaba: AlibabaSdk) -> None:
        self.models = alibaba.models
        self.client = alibaba.client()
        self.directory = alibaba.emulator.alibaba_account.directory.id

    def _assignment(self, kind: str, user: str, configuration: str, target: str, **more: t.Any) -> t.Any:
        request = getattr(self.models, f"{kind}AccessAssignmentRequest")
        return request(
            **{
                "directory_id": self.directory,
                "access_configuration_id": configuration,
                "principal_type": "Group" if user.startswith("g-") else "User",
                "principal_id": user,
                "target_type": "RD-Account",
                "target_id": target,
                **more,
            }
        )

    def assign(self, user: str = ALICE, configuration: str = READ_ONLY, target: str = FIRST, **more: t.Any) -> t.Any:
        """Assign."""
        request = self._assignment("Create", user, configuration, target, **more)
        return self.client.create_access_assignment(request).body.task

    def take(self, user: str = ALICE, configuration: str = READ_ONLY, target: str = FIRST, **more: t.Any) -> t.Any:
        """Take the assignment away."""
        request = self._assignment("Delete", user, configuration, target, **more)
        return self.client.delete_access_assignment(request).body.task

    def provision(self, kind: str, configuration: str = READ_ONLY, target: str | None = FIRST) -> t.Any:
        """Provision or deprovision."""
        request = getattr(self.models, f"{kind}AccessConfigurationRequest")(
            directory_id=self.directory,
            access_configuration_id=configuration,
            target_type=target and "RD-Account",
            target_id=target,
        )
        call = getattr(self.client, f"{kind.lower()}_access_configuration")
        return call(request).body.tasks

    def task(self, task_id: str) -> t.Any:
        """Return a task."""
        return self.client.get_task(self.models.GetTaskRequest(directory_id=self.directory, task_id=task_id)).body.task

    def status(self, task_id: str) -> t.Any:
        """Return how far a task is."""
        request = self.models.GetTaskStatusRequest(directory_id=self.directory, task_id=task_id)
        return self.client.get_task_status(request).body.task_status

    def tasks(self, **filters: t.Any) -> t.Any:
        """Return a page of tasks."""
        return self.client.list_tasks(self.models.ListTasksRequest(directory_id=self.directory, **filters)).body


@pytest.fixture
def sso(alibaba: AlibabaSdk) -> CloudssoSdk:
    """Return the client."""
    return CloudssoSdk(alibaba)


def error_of(call: t.Callable[[], t.Any]) -> tuple[int, str]:
    """Return status and code with which the SDK says that a call was rejected."""
    errors = load("alibabacloud_tea_openapi.exceptions")
    with pytest.raises(errors.AlibabaCloudException) as caught:
        call()
    assert caught.value.message
    assert caught.value.request_id
    return caught.value.status_code, caught.value.code


def test_an_assignment_makes_a_task(emulator: Emulator, sso: CloudssoSdk, clock: ManualClock) -> None:
    made = sso.assign()
    assert (made.task_type, made.status) == ("CreateAccessAssignment", "InProgress")
    assert (made.principal_type, made.principal_id, made.principal_name) == ("User", ALICE, "alice")
    assert (made.target_type, made.target_id, made.target_name) == ("RD-Account", FIRST, "account-1")
    began = clock.now
    status = sso.status(made.task_id)
    assert (status.status, status.start_time, status.end_time) == ("InProgress", iso(began), None)
    clock.advance(11)
    status = sso.status(made.task_id)
    assert (status.status, status.end_time, status.failure_reason) == ("Success", iso(began + 10), None)
    task = sso.task(made.task_id)
    assert (task.status, task.end_time) == ("Success", status.end_time)
    assert (task.access_configuration_id, task.access_configuration_name) == (READ_ONLY, "read-only")
    assert emulator.alibaba_account.directory.assignments == {(READ_ONLY, ALICE, FIRST)}
    assert emulator.alibaba_account.directory.provisionings == {(READ_ONLY, FIRST)}

    gone = sso.take(deprovision_strategy="DeprovisionForLastAccessAssignmentOnAccount")
    assert gone.task_type == "DeleteAccessAssignment"
    clock.advance(11)
    assert sso.status(gone.task_id).status == "Success"
    assert emulator.alibaba_account.directory.assignments == set()
    assert emulator.alibaba_account.directory.provisionings == set()
    assert [entry.operation for entry in emulator.writes()] == ["CreateAccessAssignment", "DeleteAccessAssignment"]


def test_group_and_default_strategy(emulator: Emulator, sso: CloudssoSdk, clock: ManualClock) -> None:
    made = sso.assign(OPERATORS)
    assert (made.principal_type, made.principal_name) == ("Group", "operators")
    clock.advance(11)
    sso.take(OPERATORS)
    clock.advance(11)
    emulator.settle()
    assert emulator.alibaba_account.directory.provisionings == {(READ_ONLY, FIRST)}


def test_provisioning_stays_while_others_use_it(emulator: Emulator, sso: CloudssoSdk, clock: ManualClock) -> None:
    sso.assign()
    sso.assign(BOB)
    clock.advance(11)
    strategy = "DeprovisionForLastAccessAssignmentOnAccount"
    sso.take(deprovision_strategy=strategy)
    clock.advance(11)
    emulator.settle()
    assert emulator.alibaba_account.directory.provisionings == {(READ_ONLY, FIRST)}
    sso.take(BOB, deprovision_strategy=strategy)
    clock.advance(11)
    emulator.settle()
    assert emulator.alibaba_account.directory.provisionings == set()


def test_a_provisioning_makes_a_task(emulator: Emulator, sso: CloudssoSdk, clock: ManualClock) -> None:
    (task,) = sso.provision("Provision")
    assert (task.task_type, task.status, task.target_id) == ("ProvisionAccessConfiguration", "InProgress", FIRST)
    assert not hasattr(task, "principal_id")
    clock.advance(11)
    assert sso.task(task.task_id).principal_id is None
    sso.provision("Provision", target=SECOND)
    clock.advance(11)
    again = sso.provision("Provision", target=None)
    assert [task.target_id for task in again] == [FIRST, SECOND]
    clock.advance(11)
    tasks = sso.provision("Deprovision", target=None)
    assert {task.task_type for task in tasks} == {"DeprovisionAccessConfiguration"}
    clock.advance(11)
    emulator.settle()
    assert emulator.alibaba_account.directory.provisionings == set()


def test_conflicting_requests_are_rejected(sso: CloudssoSdk, clock: ManualClock) -> None:
    sso.assign()
    assert error_of(sso.assign) == (409, "OperationConflict.Task")
    assert error_of(lambda: sso.provision("Provision")) == (409, "OperationConflict.Task")
    sso.assign(BOB)
    sso.assign(target=SECOND)
    clock.advance(11)
    in_use = "DeletionConflict.AccessConfigurationProvisioning.AccessAssignment"
    assert error_of(lambda: sso.provision("Deprovision")) == (409, in_use)


def test_unknown_names(sso: CloudssoSdk) -> None:
    assert error_of(lambda: sso.task("t-nobody")) == (404, "EntityNotExists.Task")
    assert error_of(lambda: sso.status("t-nobody")) == (404, "EntityNotExists.Task")
    assert error_of(lambda: sso.assign("u-nobody")) == (404, "EntityNotExists.User")
    assert error_of(lambda: sso.assign("g-nobody")) == (404, "EntityNotExists.Group")
    assert error_of(lambda: sso.assign(configuration="ac-none")) == (404, "EntityNotExists.AccessConfiguration")
    assert error_of(sso.take) == (404, "EntityNotExists.AccessAssignment")
    missing = (404, "EntityNotExists.AccessConfigurationProvisioning")
    assert error_of(lambda: sso.provision("Deprovision")) == missing
    sso.directory = "d-nobody"
    assert error_of(sso.tasks) == (404, "EntityNotExists.Directory")
    sso.directory = ""
    assert error_of(sso.tasks) == (400, "MissingDirectoryId")


def test_directories_are_listed(emulator: Emulator, sso: CloudssoSdk) -> None:
    emulator.alibaba.directories["d-other"] = Directory("d-other", "other", "another account", "us-west-1", 0)
    (row,) = sso.client.list_directories().body.directories
    assert (row.directory_id, row.directory_name, row.region) == (sso.directory, "emulated-directory", "cn-shanghai")
    sso.directory = "d-other"
    assert error_of(sso.tasks) == (404, "EntityNotExists.Directory")


def make_many(sso: CloudssoSdk, clock: ManualClock, count: int) -> list[str]:
    """Return tasks that have ended, oldest first."""
    made = []
    for _number in range(count):
        made.append(sso.assign().task_id)
        clock.advance(11)
    return made


def test_tasks_are_listed_page_by_page(sso: CloudssoSdk, clock: ManualClock) -> None:
    made = make_many(sso, clock, 23)
    first = sso.tasks()
    assert (len(first.tasks), first.is_truncated, first.max_results, first.total_counts) == (10, True, 10, 23)
    found: list[str] = []
    token: str | None = None
    while True:
        page = sso.tasks(max_results=20, next_token=token)
        found += [task.task_id for task in page.tasks]
        assert len(found) < 100, "paging must come to an end"
        token = page.next_token
        assert page.is_truncated is (token is not None)
        if token is None:
            break
    assert found == made[::-1]
    assert error_of(lambda: sso.tasks(max_results=21)) == (400, "InvalidParameter")
    assert error_of(lambda: sso.tasks(next_token="nonsense")) == (400, "InvalidParameter.NextToken")


def test_tasks_of_the_last_seven_days_are_listed(emulator: Emulator, sso: CloudssoSdk, clock: ManualClock) -> None:
    task = sso.assign().task_id
    clock.advance(11)
    assert [row.task_id for row in sso.tasks().tasks] == [task]
    # the SDK signs with the machine's time: so the task is made old, and not the present later
    emulator.alibaba.tasks[task].start = clock.now - 25 * 3600
    assert sso.tasks().tasks == []
    since = iso(clock.now - 6 * 24 * 3600)
    assert [row.task_id for row in sso.tasks(filter=f"StartTime ge {since}").tasks] == [task]
    too_old = iso(clock.now - 8 * 24 * 3600)
    assert error_of(lambda: sso.tasks(filter=f"StartTime ge {too_old}")) == (400, "InvalidParameter.Filter")
    assert error_of(lambda: sso.tasks(filter=f"StartTime gt {since}")) == (400, "InvalidParameter.Filter")


def test_filters_are_applied(sso: CloudssoSdk, clock: ManualClock) -> None:
    alice = sso.assign().task_id
    clock.advance(11)
    bob = sso.assign(BOB, ADMINISTRATOR, SECOND).task_id
    provisioned = sso.provision("Provision", ADMINISTRATOR)[0].task_id

    def found(**filters: str) -> list[str]:
        return [task.task_id for task in sso.tasks(**filters).tasks]

    assert found(status="Success") == [alice]
    assert found(status="InProgress") == [provisioned, bob]
    assert found(access_configuration_id=ADMINISTRATOR) == [provisioned, bob]
    assert found(principal_id=BOB, principal_type="User") == [bob]
    assert found(target_id=FIRST, target_type="RD-Account") == [provisioned, alice]
    assert found(task_type="ProvisionAccessConfiguration") == [provisioned]
    assert error_of(lambda: found(principal_id=BOB)) == (400, "InvalidParameter.PrincipalId")
    assert error_of(lambda: found(target_type="RD-Account")) == (400, "InvalidParameter.TargetId")
    assert error_of(lambda: found(status="Done")) == (400, "InvalidParameter.Status")
    assert error_of(lambda: found(status="")) == (400, "InvalidParameter.Status")
    assert error_of(lambda: found(task_type="Nonsense")) == (400, "InvalidParameter.TaskType")


def test_tasks_end_as_faults_say(emulator: Emulator, sso: CloudssoSdk, clock: ManualClock) -> None:
    emulator.fail("task_fails", server=ALICE, code="Quota", message="no room")
    emulator.fail("task_stuck", server=BOB)
    emulator.fail("task_remark", server=OPERATORS, message="odd")
    tasks = [sso.assign(user).task_id for user in (ALICE, BOB, OPERATORS)]
    clock.advance(11)
    found = [sso.status(task) for task in tasks]
    assert [(row.status, row.failure_reason) for row in found] == [
        ("Failed", "Quota: no room"),
        ("InProgress", None),
        ("Success", "odd"),
    ]
    assert emulator.alibaba_account.directory.assignments == {(READ_ONLY, OPERATORS, FIRST)}


def test_calls_above_the_limit_are_throttled(emulator: Emulator, sso: CloudssoSdk, clock: ManualClock) -> None:
    emulator.alibaba.cloudsso.rate_limit = 20
    task = sso.assign().task_id
    for _number in range(19):
        sso.status(task)
    assert error_of(lambda: sso.status(task)) == (429, "Throttling.User")
    clock.advance(1.1)
    assert sso.status(task).status == "InProgress"
    emulator.alibaba.cloudsso.throttle_status = 400
    emulator.alibaba.cloudsso.retry_after = 1500
    emulator.fail("throttle", service="cloudsso")
    errors = load("alibabacloud_tea_openapi.exceptions")
    with pytest.raises(errors.ThrottlingException) as caught:
        sso.status(task)
    assert (caught.value.status_code, caught.value.retry_after) == (400, 1500)


def test_the_service_may_be_down(emulator: Emulator, sso: CloudssoSdk) -> None:
    emulator.fail("error", service="cloudsso", status=503, code="ServiceUnavailable", message="come again")
    assert error_of(sso.tasks) == (503, "ServiceUnavailable")
