# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The official Huawei SDK works with the emulated Key Pair Service: key pairs, bindings, tasks."""

from __future__ import annotations

import typing as t

import pytest

from emulator import Emulator, ManualClock, keys

from .conftest import HuaweiSdk
from .sdk import load


class KpsSdk:
    """The SDK's client, with shorter calls."""

    def __init__(self, huawei: HuaweiSdk) -> None:
        self.models = huawei.models["kps"]
        self.client = huawei.client("kps")

    def create(self, name: str, **fields: t.Any) -> t.Any:
        """Create or import a key pair."""
        action = self.models.CreateKeypairAction(name=name, **fields)
        body = self.models.CreateKeypairRequestBody(action)
        return self.client.create_keypair(self.models.CreateKeypairRequest(body)).keypair

    def names(self) -> list[str]:
        """Return the names of all key pairs."""
        return [row.keypair.name for row in self.client.list_keypairs(self.models.ListKeypairsRequest()).keypairs]

    def server(self, server_id: str, auth: tuple[str, str] | None = None) -> t.Any:
        """Return the server of an association."""
        given = None if auth is None else self.models.Auth(*auth)
        return self.models.EcsServerInfo(id=server_id, auth=given)

    def associate(self, pair: str, server_id: str, auth: tuple[str, str] | None = None) -> t.Any:
        """Bind, replace or reset."""
        body = self.models.AssociateKeypairRequestBody(pair, self.server(server_id, auth))
        return self.client.associate_keypair(self.models.AssociateKeypairRequest(body))

    def disassociate(self, server_id: str, auth: tuple[str, str] | None = None) -> t.Any:
        """Unbind."""
        given = None if auth is None else self.models.Auth(*auth)
        server = self.models.DisassociateEcsServerInfo(id=server_id, auth=given)
        body = self.models.DisassociateKeypairRequestBody(server)
        return self.client.disassociate_keypair(self.models.DisassociateKeypairRequest(body))

    def status(self, task_id: str) -> str:
        """Return the status word of a task."""
        response = self.client.list_keypair_task(self.models.ListKeypairTaskRequest(task_id))
        assert response.task_id == task_id
        return str(response.task_status)

    def running(self, **page: int) -> t.Any:
        """Return the running tasks."""
        return self.client.list_running_task(self.models.ListRunningTaskRequest(**page))

    def failed(self, **page: int) -> t.Any:
        """Return the failed tasks."""
        return self.client.list_failed_task(self.models.ListFailedTaskRequest(**page))


@pytest.fixture
def kps(huawei: HuaweiSdk) -> KpsSdk:
    """Return the client."""
    return KpsSdk(huawei)


def refused(code: str, status: int = 400) -> t.Any:
    """Return a context in which the SDK has to raise its exception with this code."""

    class _Refused:
        def __enter__(self) -> None:
            error = load("huaweicloudsdkcore.exceptions.exceptions").ServiceResponseException
            self.raises = pytest.raises(error)
            self.caught = self.raises.__enter__()

        def __exit__(self, *details: t.Any) -> bool:
            handled = bool(self.raises.__exit__(*details))
            assert (self.caught.value.status_code, self.caught.value.error_code) == (status, code)
            assert self.caught.value.error_msg
            assert self.caught.value.request_id
            return handled

    return _Refused()


# key pairs


def test_kps_generates_a_key_pair(kps: KpsSdk) -> None:
    pair = kps.create("generated")
    assert pair.private_key.startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert keys.belong(pair.private_key, pair.public_key)
    detail = kps.client.list_keypair_detail(kps.models.ListKeypairDetailRequest("generated")).keypair
    assert (detail.name, detail.type, detail.scope) == ("generated", "ssh", "user")
    assert detail.public_key == pair.public_key
    assert detail.fingerprint == pair.fingerprint
    assert isinstance(detail.id, int)
    assert isinstance(detail.create_time, int)
    assert detail.create_time > 1_000_000_000_000, "milliseconds, whatever the documentation says"
    assert detail.is_key_protection is False


def test_import_gives_no_private_key(kps: KpsSdk) -> None:
    public = keys.generate_ed25519().public
    pair = kps.create("imported", public_key=public)
    assert pair.private_key is None
    assert pair.public_key == public


def test_names_must_differ(kps: KpsSdk) -> None:
    kps.create("twice", public_key=keys.generate_ed25519().public)
    with refused("KPS.0002"):
        kps.create("twice", public_key=keys.generate_ed25519().public)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ü", "x" * 256])
def test_invalid_names_are_rejected(kps: KpsSdk, name: str) -> None:
    with refused("KPS.0002"):
        kps.create(name)


def test_an_invalid_public_key_is_rejected_by_the_emulator(kps: KpsSdk) -> None:
    with refused("KPS.0002"):
        kps.create("bad", public_key="ssh-rsa nonsense")


def test_describe_and_delete(kps: KpsSdk) -> None:
    kps.create("gone", public_key=keys.generate_ed25519().public)
    description = kps.models.UpdateKeypairDescriptionReq("what for")
    body = kps.models.UpdateKeypairDescriptionRequestBody(description)
    kps.client.update_keypair_description(kps.models.UpdateKeypairDescriptionRequest("gone", body))
    detail = kps.client.list_keypair_detail(kps.models.ListKeypairDetailRequest("gone"))
    assert detail.keypair.description == "what for"
    assert kps.client.delete_keypair(kps.models.DeleteKeypairRequest("gone")).status_code == 204
    assert "gone" not in kps.names()
    with refused("KPS.4016"):
        kps.client.list_keypair_detail(kps.models.ListKeypairDetailRequest("gone"))
    with refused("KPS.4016"):
        kps.client.delete_keypair(kps.models.DeleteKeypairRequest("gone"))


def test_key_pairs_are_listed_in_pages(emulator: Emulator, kps: KpsSdk) -> None:
    public = keys.generate_ed25519().public
    for number in range(7):
        emulator.huawei.pairs.add(emulator.project.id, emulator.user.id, f"pair-{number}", public)
    found: list[str] = []
    marker: str | None = None
    pages = 0
    while True:
        page = kps.client.list_keypairs(kps.models.ListKeypairsRequest(limit="4", marker=marker))
        assert page.page_info.current_count == len(page.keypairs)
        found += [row.keypair.name for row in page.keypairs]
        pages += 1
        assert pages < 10, "paging must come to an end"
        marker = page.page_info.next_marker
        if not marker:
            break
    assert pages == 3
    assert found == sorted(["new", "old", *(f"pair-{number}" for number in range(7))])


def test_private_keys(kps: KpsSdk) -> None:
    protection = kps.models.KeyProtection(encryption=kps.models.Encryption(type="default"))
    pair = kps.create("kept", key_protection=protection)
    bean = kps.models.ExportPrivateKeyKeypairBean("kept")
    request = kps.models.ExportPrivateKeyRequest(kps.models.ExportPrivateKeyRequestBody(bean))
    assert kps.client.export_private_key(request).keypair.private_key == pair.private_key
    kps.client.clear_private_key(kps.models.ClearPrivateKeyRequest("kept"))
    with refused("KPS.6005", 404):
        kps.client.clear_private_key(kps.models.ClearPrivateKeyRequest("kept"))
    with refused("KPS.6005"):
        kps.client.export_private_key(request)
    other = keys.generate_rsa()
    for private, code in ((other.private, "KPS.6011"), (pair.private_key, None)):
        encryption = kps.models.Encryption(type="kms", kms_key_name="a-key")
        guard = kps.models.ImportPrivateKeyProtection(private, encryption)
        keypair = kps.models.ImportPrivateKeyKeypairBean(name="kept", key_protection=guard)
        wanted = kps.models.ImportPrivateKeyRequest(kps.models.ImportPrivateKeyRequestBody(keypair))
        if code is None:
            assert kps.client.import_private_key(wanted).keypair.name == "kept"
        else:
            with refused(code):
                kps.client.import_private_key(wanted)
    assert kps.client.export_private_key(request).keypair.private_key == pair.private_key


def test_batch_import(kps: KpsSdk) -> None:
    public = keys.generate_ed25519().public
    wanted = [
        kps.models.CreateKeypairRequestBody(kps.models.CreateKeypairAction(name=name, public_key=public))
        for name in ("batch-1", "old", "batch-2")
    ]
    response = kps.client.batch_import_keypair(kps.models.BatchImportKeypairRequest(wanted))
    assert [row.keypair.name for row in response.succeeded_keypairs] == ["batch-1", "batch-2"]
    assert [(row.keypair_name, bool(row.failed_reason)) for row in response.failed_keypairs] == [("old", True)]
    with refused("KPS.0002"):
        kps.client.batch_import_keypair(kps.models.BatchImportKeypairRequest(wanted * 4))


# tasks


def test_a_reset_changes_the_key_pair(emulator: Emulator, kps: KpsSdk, clock: ManualClock) -> None:
    server = emulator.add_server("off", status="SHUTOFF")
    response = kps.associate("new", server.id)
    assert (response.status_code, response.status, response.server_id) == (202, "SUCCESS", server.id)
    assert kps.status(response.task_id) == "READY_RESET"
    clock.advance(1.5)
    assert kps.status(response.task_id) == "RUNNING_RESET"
    running = kps.running()
    assert running.total == 1
    row = running.tasks[0]
    assert (row.task_id, row.server_id, row.server_name) == (response.task_id, server.id, "off")
    assert (row.keypair_name, row.operate_type) == ("new", "RUNNING_RESET")
    assert isinstance(row.task_time, str)
    assert abs(int(row.task_time) / 1000 - clock.now) < 3
    assert server.key_name == "old"
    clock.advance(9)
    assert kps.status(response.task_id) == "SUCCESS_RESET"
    assert (server.key_name, server.managed_key) == ("new", emulator.new_key.public)
    assert server.status == "SHUTOFF", "a reset does not start the server"
    assert kps.running().total == kps.failed().total == 0


RUNNING, OFF = "ACTIVE", "SHUTOFF"
OLD, NONE = "old", None


@pytest.mark.parametrize(
    ("status", "bound", "auth", "ends"),
    [
        (OFF, OLD, None, "SUCCESS_RESET"),
        (OFF, OLD, "wrong password", "SUCCESS_RESET"),
        (OFF, NONE, None, "SUCCESS_BIND"),
        (RUNNING, OLD, "old key", "SUCCESS_REPLACE"),
        (RUNNING, OLD, "password", "SUCCESS_REPLACE"),
        (RUNNING, OLD, "new key", "FAILED_REPLACE"),
        (RUNNING, OLD, "no key", "FAILED_REPLACE"),
        (RUNNING, OLD, "wrong password", "FAILED_REPLACE"),
        (RUNNING, NONE, "password", "SUCCESS_BIND"),
        (RUNNING, NONE, "wrong password", "FAILED_BIND"),
        (RUNNING, NONE, "old key", "FAILED_BIND"),
        (RUNNING, OLD, None, "FAILED_REPLACE"),
        (RUNNING, NONE, None, "FAILED_BIND"),
    ],
)
def test_power_state_pair_and_login_decide_the_result_of_associate(
    emulator: Emulator, kps: KpsSdk, clock: ManualClock, status: str, bound: str | None, auth: str | None, ends: str
) -> None:
    managed = emulator.old_key.public if bound else None
    server = emulator.add_server("subject", status=status, key_name=bound, managed_key=managed)
    given = {
        "old key": ("keypair", emulator.old_key.private),
        "new key": ("keypair", emulator.new_key.private),
        "no key": ("keypair", "-----BEGIN RSA PRIVATE KEY-----\nno\n-----END RSA PRIVATE KEY-----"),
        "password": ("password", server.password),
        "wrong password": ("password", "wrong"),
        None: None,
    }[auth]
    task = kps.associate("new", server.id, given).task_id
    clock.advance(11)
    assert kps.status(task) == ends
    assert server.key_name == ("new" if ends.startswith("SUCCESS") else bound)
    failed = kps.failed().tasks
    if ends.startswith("SUCCESS"):
        assert failed == []
    else:
        assert [(row.task_id, row.operate_type) for row in failed] == [(task, ends)]
        assert failed[0].task_error_code
        assert failed[0].task_error_msg


def test_password_login_can_be_ended(emulator: Emulator, kps: KpsSdk, clock: ManualClock) -> None:
    server = emulator.huawei.ecs.find("server-01")
    wanted = kps.server(server.id, ("keypair", emulator.old_key.private))
    wanted.disable_password = True
    body = kps.models.AssociateKeypairRequestBody("new", wanted)
    kps.client.associate_keypair(kps.models.AssociateKeypairRequest(body))
    assert not server.disable_password
    clock.advance(11)
    task = kps.associate("old", server.id, ("password", server.password)).task_id
    clock.advance(11)
    assert kps.status(task) == "FAILED_REPLACE"
    assert server.disable_password


@pytest.mark.parametrize(
    ("status", "bound", "with_key", "ends"),
    [
        (OFF, OLD, False, "SUCCESS_UNBIND"),
        (RUNNING, OLD, True, "SUCCESS_UNBIND"),
        (RUNNING, OLD, False, "FAILED_UNBIND"),
        (OFF, NONE, False, "FAILED_UNBIND"),
    ],
)
def test_disassociate(
    emulator: Emulator, kps: KpsSdk, clock: ManualClock, status: str, bound: str | None, with_key: bool, ends: str
) -> None:
    managed = emulator.old_key.public if bound else None
    server = emulator.add_server("subject", status=status, key_name=bound, managed_key=managed)
    response = kps.disassociate(server.id, ("keypair", emulator.old_key.private) if with_key else None)
    assert response.status_code == 202
    assert kps.status(response.task_id) == "READY_UNBIND"
    clock.advance(11)
    assert kps.status(response.task_id) == ends
    assert server.key_name == (None if ends.startswith("SUCCESS") else bound)


@pytest.mark.parametrize(
    "fields",
    [
        {"os_type": "Windows"},
        {"locked": True},
        {"image_name": "CoreOS 2023"},
        {"task_state": "powering-off"},
        {"status": "ERROR"},
    ],
    ids=str,
)
def test_servers_it_cannot_work_on(
    emulator: Emulator, kps: KpsSdk, clock: ManualClock, fields: dict[str, t.Any]
) -> None:
    server = emulator.add_server("odd", **{"status": OFF, **fields})
    task = kps.associate("new", server.id).task_id
    clock.advance(11)
    assert kps.status(task).startswith("FAILED_")
    assert server.key_name == "old"


def test_unknown_names(emulator: Emulator, kps: KpsSdk) -> None:
    server = emulator.huawei.ecs.find("server-01")
    with refused("KPS.4016"):
        kps.associate("nobody", server.id)
    with refused("KPS.0002"):
        kps.associate("new", "no-such-server")
    with refused("KPS.0001"):
        kps.status("no-such-task")
    assert emulator.huawei.tasks == {}


def test_starting_the_server_ruins_a_reset(
    emulator: Emulator, huawei: HuaweiSdk, kps: KpsSdk, clock: ManualClock
) -> None:
    server = emulator.add_server("off", status=OFF)
    task = kps.associate("new", server.id).task_id
    clock.advance(5)
    ecs = huawei.models["ecs"]
    option = ecs.BatchStartServersOption([ecs.ServerId(server.id)])
    request = ecs.BatchStartServersRequest(ecs.BatchStartServersRequestBody(option))
    huawei.client("ecs").batch_start_servers(request)
    assert kps.status(task) == "FAILED_RESET"
    clock.advance(20)
    assert kps.status(task) == "FAILED_RESET"
    assert (server.key_name, server.status) == ("old", "ACTIVE")


def test_second_task_on_a_server_fails(emulator: Emulator, kps: KpsSdk, clock: ManualClock) -> None:
    server = emulator.add_server("off", status=OFF)
    first, second = (kps.associate("new", server.id).task_id for _number in range(2))
    clock.advance(11)
    assert (kps.status(first), kps.status(second)) == ("SUCCESS_RESET", "FAILED_RESET")


def test_a_replacement_may_report_the_documented_statuses(emulator: Emulator, kps: KpsSdk, clock: ManualClock) -> None:
    emulator.huawei.kps.replace_suffix = "RESET"
    emulator.huawei.kps.accepted_status = 200
    server = emulator.huawei.ecs.find("server-01")
    response = kps.associate("new", server.id, ("keypair", emulator.old_key.private))
    assert response.status_code == 200
    assert kps.status(response.task_id) == "READY_REPLACE"
    clock.advance(11)
    assert kps.status(response.task_id) == "SUCCESS_RESET"


def test_a_batch_starts_a_task_for_each_server(emulator: Emulator, kps: KpsSdk, clock: ManualClock) -> None:
    bare = [emulator.add_server(f"bare-{number}", key_name=None, managed_key=None) for number in range(3)]
    bound = emulator.huawei.ecs.find("server-01")
    servers = [*bare, bound]
    orders = [
        kps.models.AssociateKeypairRequestBody("new", kps.server(server.id, ("password", server.password)))
        for server in servers
    ]

    def send(wanted: list[t.Any]) -> t.Any:
        body = kps.models.BatchAssociateKeypairRequestBody(wanted)
        return kps.client.batch_associate_keypair(kps.models.BatchAssociateKeypairRequest(body))

    response = send(orders)
    assert response.status_code == 202
    assert [row.server_id for row in response.tasks] == [server.id for server in servers]
    assert [row.status for row in response.tasks] == ["SUCCESS"] * 3 + ["Failed"]
    assert response.tasks[3].task_id is None
    assert response.tasks[3].error_code == "KPS.0002"
    clock.advance(11)
    assert {kps.status(row.task_id) for row in response.tasks[:3]} == {"SUCCESS_BIND"}
    with refused("KPS.0002"):
        send(orders[:1] * 11)


def test_failed_tasks_paged_and_deleted(emulator: Emulator, kps: KpsSdk, clock: ManualClock) -> None:
    server = emulator.huawei.ecs.find("server-01")
    tasks = []
    for _number in range(5):
        tasks.append(kps.associate("new", server.id).task_id)
        clock.advance(11)
    found: list[str] = []
    while rows := kps.failed(limit=2, offset=len(found)).tasks:
        assert len(rows) <= 2
        found += [row.task_id for row in rows]
        assert len(found) < 10, "paging must come to an end"
    assert sorted(found) == sorted(tasks)
    kps.client.delete_failed_task(kps.models.DeleteFailedTaskRequest(tasks[0]))
    assert kps.failed().total == 4
    with refused("KPS.0005"):
        kps.client.delete_failed_task(kps.models.DeleteFailedTaskRequest(tasks[0]))
    kps.client.delete_all_failed_task(kps.models.DeleteAllFailedTaskRequest())
    assert kps.failed().total == 0
    assert [entry.operation for entry in emulator.writes()][-3:] == [
        "DeleteFailedTask",
        "DeleteFailedTask",
        "DeleteAllFailedTask",
    ]


def test_deleting_the_failed_task_without_id_deletes_all(emulator: Emulator, kps: KpsSdk, clock: ManualClock) -> None:
    kps.associate("new", emulator.huawei.ecs.find("server-01").id)
    clock.advance(11)
    assert kps.failed().total == 1
    kps.client.delete_failed_task(kps.models.DeleteFailedTaskRequest(""))
    assert kps.failed().total == 0
    assert emulator.requests.of("DeleteAllFailedTask")[0].target.endswith("/failed-tasks/")
