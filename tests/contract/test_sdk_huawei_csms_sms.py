# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The official Huawei SDK works with the emulated secret rotations (CSMS) and server migrations (SMS)."""

from __future__ import annotations

import functools
import http.client
import json
import typing as t
import urllib.parse

import pytest

from emulator import Emulator, ManualClock
from emulator.huawei.csms import Secret
from emulator.huawei.directory import Domain

from .conftest import HuaweiSdk
from .sdk import load


def error_of(call: t.Callable[[], t.Any]) -> tuple[int, str]:
    """Return status and code with which the SDK says that a call was rejected."""
    error = load("huaweicloudsdkcore.exceptions.exceptions").ServiceResponseException
    with pytest.raises(error) as caught:
        call()
    assert caught.value.error_msg
    assert caught.value.request_id
    return caught.value.status_code, caught.value.error_code


class CsmsSdk:
    """The SDK's client, with shorter calls."""

    def __init__(self, huawei: HuaweiSdk) -> None:
        self.models = huawei.models["csms"]
        self.client = huawei.client("csms")

    def tasks(self, **query: t.Any) -> t.Any:
        """Return a page of tasks."""
        return self.client.list_secret_task(self.models.ListSecretTaskRequest(**query))

    def rotate(self, name: str) -> t.Any:
        """Rotate a secret."""
        return self.client.rotate_secret(self.models.RotateSecretRequest(name))


@pytest.fixture
def csms(huawei: HuaweiSdk) -> CsmsSdk:
    """Return the client."""
    return CsmsSdk(huawei)


def test_a_rotation_makes_a_task(emulator: Emulator, csms: CsmsSdk, clock: ManualClock) -> None:
    response = csms.rotate("database")
    assert (response.secret_name, response.version_id) == ("database", "v2")
    found = csms.tasks(task_id=response.rotation_task_id)
    assert (found.total, found.next_marker) == (1, None)
    task = found.tasks[0]
    assert (task.task_id, task.secret_name, task.task_status) == (response.rotation_task_id, "database", "RUNNING")
    assert task.task_time == int(clock.now * 1000)
    assert (task.operate_type, task.attempt_nums, task.task_error_code) == ("MULTI_USER", 1, None)
    assert task.rotation_func_urn.startswith("urn:fss:")
    clock.advance(11)
    assert csms.tasks(task_id=response.rotation_task_id).tasks[0].task_status == "SUCCESS"
    assert csms.rotate("database").version_id == "v3"
    assert [entry.operation for entry in emulator.writes()] == ["RotateSecret", "RotateSecret"]


def test_rotation_fails(emulator: Emulator, csms: CsmsSdk, clock: ManualClock) -> None:
    emulator.fail("task_fails", server="database", code="CSMS.9999", message="the function said no")
    task_id = csms.rotate("database").rotation_task_id
    clock.advance(11)
    task = csms.tasks(task_id=task_id).tasks[0]
    assert (task.task_status, task.task_error_code) == ("FAILED", "CSMS.9999")
    assert task.task_error_msg == "the function said no"


def test_error_responses(emulator: Emulator, csms: CsmsSdk) -> None:
    assert error_of(lambda: csms.rotate("plain")) == (400, "CSMS.0003")
    assert error_of(lambda: csms.rotate("nobody")) == (400, "CSMS.0106")
    wrong = (400, "CSMS.0002")
    assert error_of(lambda: csms.tasks(secret_name="my secret")) == wrong
    assert error_of(lambda: csms.tasks(secret_name="x" * 65)) == wrong
    assert error_of(lambda: csms.tasks(status="RUNNING")) == wrong
    assert error_of(lambda: csms.tasks(limit=1001)) == wrong
    assert error_of(lambda: csms.tasks(limit=0)) == wrong
    assert error_of(lambda: csms.tasks(marker="nonsense")) == wrong
    others: list[dict[str, t.Any]] = [{"secret_name": "database"}, {"status": "FAILED"}, {"limit": 5}, {"marker": "x"}]
    for other in others:
        assert error_of(functools.partial(csms.tasks, task_id="some", **other)) == wrong
    assert csms.tasks(task_id="nobody").tasks == []
    emulator.huawei.csms.nested_errors = True
    assert error_of(lambda: csms.rotate("nobody")) == (400, "CSMS.0106")


def walk(csms: CsmsSdk, **query: t.Any) -> list[list[str]]:
    """Read all pages, and return their ids."""
    pages: list[list[str]] = []
    marker: str | None = None
    while True:
        page = csms.tasks(**query, marker=marker)
        pages.append([task.task_id for task in page.tasks])
        assert len(pages) < 10, "paging must come to an end"
        marker = page.next_marker
        if not marker:
            return pages


def test_paging_and_filters(emulator: Emulator, csms: CsmsSdk, clock: ManualClock) -> None:
    emulator.huawei.csms.add_secret(Secret("cache", emulator.project.id))
    emulator.fail("task_fails", server="cache", times=None, code="CSMS.9999", message="no")
    ids = []
    for number in range(6):
        ids.append(csms.rotate("cache" if number % 3 == 2 else "database").rotation_task_id)
        clock.advance(11)
    newest_first = ids[::-1]
    assert walk(csms) == [newest_first]
    assert walk(csms, limit=2) == [newest_first[:2], newest_first[2:4], newest_first[4:]]
    assert walk(csms, secret_name="cache") == [[ids[5], ids[2]]]
    assert walk(csms, status="FAILED", limit=1) == [[ids[5]], [ids[2]]]
    assert csms.tasks(status="SUCCESS").total == 4
    assert csms.tasks(limit=2).total == 6
    service = emulator.huawei.csms
    service.trailing_marker = service.total_of_page = True
    assert walk(csms, limit=3) == [newest_first[:3], newest_first[3:], []]
    assert csms.tasks(limit=2).total == 2


def test_new_tasks_may_be_late(emulator: Emulator, csms: CsmsSdk, clock: ManualClock) -> None:
    service = emulator.huawei.csms
    service.delay_seconds, service.pending_status, service.tells_task_id = 3, "PROCESSING", False
    assert csms.rotate("database").rotation_task_id is None
    assert csms.tasks().tasks == []
    clock.advance(4)
    assert [task.task_status for task in csms.tasks().tasks] == ["PROCESSING"]


class SmsSdk:
    """The SDK's client, with shorter calls."""

    def __init__(self, huawei: HuaweiSdk) -> None:
        self.models = huawei.models["sms"]
        self.client = huawei.client("sms")

    def show(self, task_id: str) -> t.Any:
        """Return a migration."""
        return self.client.show_task(self.models.ShowTaskRequest(task_id))

    def tasks(self, **query: t.Any) -> t.Any:
        """Return a page of migrations."""
        return self.client.list_tasks(self.models.ListTasksRequest(**query))

    def passphrase(self, task_id: str) -> t.Any:
        """Return the passphrase of a migration."""
        return self.client.show_passphrase(self.models.ShowPassphraseRequest(task_id))


@pytest.fixture
def sms(huawei: HuaweiSdk) -> SmsSdk:
    """Return the client."""
    return SmsSdk(huawei)


@pytest.fixture
def ids(emulator: Emulator) -> list[str]:
    """Return the ids of the two migrations."""
    return list(emulator.huawei.sms.tasks)


def test_the_passphrase_of_a_migration_is_returned(emulator: Emulator, sms: SmsSdk, ids: list[str]) -> None:
    response = sms.passphrase(ids[0])
    assert (response.task_id, response.passphrase) == (ids[0], "emulated-passphrase-1")
    error = load("huaweicloudsdkcore.exceptions.exceptions").ServiceResponseException
    with pytest.raises(error) as caught:
        sms.passphrase(ids[1])
    assert (caught.value.status_code, caught.value.error_code) == (403, "SMS.9004")
    assert caught.value.encoded_auth_msg
    assert error_of(lambda: sms.passphrase("nobody")) == (404, "SMS.2252")
    emulator.huawei.directory.add_domain(Domain("other", "other-account"))
    other = emulator.huawei.sms.add("other", "p", "not-mine", passphrase="x")
    assert error_of(lambda: sms.passphrase(other.id)) == (403, "SMS.2248")


def test_a_migration_runs_to_its_end(emulator: Emulator, sms: SmsSdk, ids: list[str], clock: ManualClock) -> None:
    task = emulator.huawei.sms.tasks[ids[0]]
    assert sms.show(ids[0]).state == "READY"
    emulator.huawei.sms.run(task, 100)
    clock.advance(60)
    running = sms.show(ids[0])
    assert (running.state, running.sub_tasks[0].progress, running.remain_seconds) == ("RUNNING", 50, 50)
    assert running.start_date == int((clock.now - 60) * 1000)
    assert running.finish_date is None
    clock.advance(41)
    done = sms.show(ids[0])
    assert (done.state, done.sub_tasks[0].progress, done.error_json) == ("MIGRATE_SUCCESS", 100, "")
    assert done.finish_date > done.start_date
    emulator.huawei.sms.run(emulator.huawei.sms.tasks[ids[1]], 10, "MIGRATE_FAIL", "disk full")
    clock.advance(11)
    failed = sms.show(ids[1])
    assert (failed.state, failed.error_json) == ("MIGRATE_FAIL", "disk full")


def test_migrations_are_listed(emulator: Emulator, sms: SmsSdk, ids: list[str]) -> None:
    for number in range(5):
        emulator.huawei.sms.add(emulator.domain.id, emulator.project.id, f"more-{number}", state="RUNNING")
    everything = list(emulator.huawei.sms.tasks)
    page = sms.tasks(limit=3, offset=3)
    assert (page.count, [task.id for task in page.tasks]) == (7, everything[3:6])
    assert sms.tasks(state="RUNNING").count == 5
    assert [task.id for task in sms.tasks(name="migration").tasks] == ids
    assert [task.id for task in sms.tasks(id=ids[1]).tasks] == ids[1:]
    source = sms.show(ids[0]).source_server.id
    assert [task.id for task in sms.tasks(source_server_id=source).tasks] == ids[:1]
    assert error_of(lambda: sms.tasks(state="RESETING")) == (400, "SMS.2015")


def test_reads_want_a_content_type(emulator: Emulator, ids: list[str]) -> None:
    token = emulator.huawei.directory.issue_token(
        emulator.user, emulator.domain.id, emulator.project.id, domain_scope=False, methods=("password",)
    )
    place = urllib.parse.urlsplit(emulator.url)
    for content_type, code in ((None, "SMS.2005"), ("text/plain", "SMS.2006")):
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
        headers = {"X-Auth-Token": token.text} | ({"Content-Type": content_type} if content_type else {})
        connection.request("GET", f"/v3/tasks/{ids[0]}", headers=headers)
        with connection.getresponse() as response:
            assert (response.status, json.load(response)["error_code"]) == (401, code)
