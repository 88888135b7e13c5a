# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The official Huawei SDK works with the emulated Elastic Cloud Server: servers, power operations, jobs."""

from __future__ import annotations

import typing as t
import uuid

import pytest

from emulator import Emulator, ManualClock

from .conftest import HuaweiSdk
from .sdk import load


class EcsSdk:
    """The SDK's client, with shorter calls."""

    def __init__(self, huawei: HuaweiSdk) -> None:
        self.models = huawei.models["ecs"]
        self.client = huawei.client("ecs")

    def show(self, server_id: str) -> t.Any:
        """Return one server."""
        return self.client.show_server(self.models.ShowServerRequest(server_id)).server

    def details(self, **query: t.Any) -> t.Any:
        """Return the details of many servers."""
        return self.client.list_servers_details(self.models.ListServersDetailsRequest(**query))

    def _ids(self, servers: t.Iterable[str]) -> list[t.Any]:
        return [self.models.ServerId(server) for server in servers]

    def start(self, *servers: str) -> str:
        """Start; returns the job."""
        body = self.models.BatchStartServersRequestBody(self.models.BatchStartServersOption(self._ids(servers)))
        return str(self.client.batch_start_servers(self.models.BatchStartServersRequest(body)).job_id)

    def stop(self, *servers: str, kind: str | None = None) -> str:
        """Stop; returns the job."""
        option = self.models.BatchStopServersOption(self._ids(servers), kind)
        body = self.models.BatchStopServersRequestBody(option)
        return str(self.client.batch_stop_servers(self.models.BatchStopServersRequest(body)).job_id)

    def reboot(self, *servers: str, kind: str) -> str:
        """Reboot; returns the job."""
        option = self.models.BatchRebootSeversOption(self._ids(servers), kind)
        body = self.models.BatchRebootServersRequestBody(option)
        return str(self.client.batch_reboot_servers(self.models.BatchRebootServersRequest(body)).job_id)

    def job(self, job_id: str) -> t.Any:
        """Return a job."""
        return self.client.show_job(self.models.ShowJobRequest(job_id))


@pytest.fixture
def ecs(huawei: HuaweiSdk) -> EcsSdk:
    """Return the client."""
    return EcsSdk(huawei)


@pytest.fixture
def servers(emulator: Emulator) -> list[str]:
    """Return the ids of the three servers."""
    return list(emulator.huawei.servers)


def error_of(call: t.Callable[[], t.Any]) -> tuple[int, str]:
    """Return status and code with which the SDK says that a call was rejected."""
    error = load("huaweicloudsdkcore.exceptions.exceptions").ServiceResponseException
    with pytest.raises(error) as caught:
        call()
    assert caught.value.error_msg
    assert caught.value.request_id
    return caught.value.status_code, caught.value.error_code


def test_a_server_is_shown(emulator: Emulator, ecs: EcsSdk) -> None:
    server = emulator.add_server("shown", locked=True, tags=["role=web"])
    shown = ecs.show(server.id)
    assert (shown.id, shown.name, shown.status) == (server.id, "shown", "ACTIVE")
    assert (shown.key_name, shown.locked, shown.tags) == ("old", True, ["role=web"])
    assert (shown.os_ext_st_svm_state, shown.os_ext_st_spower_state) == ("active", 1)
    assert shown.os_ext_st_stask_state is None
    assert shown.tenant_id == emulator.project.id
    assert shown.metadata["os_type"] == "Linux"
    assert shown.metadata["metering.imagetype"] == "gold"
    assert shown.metadata["image_name"]
    assert shown.image.id == shown.metadata["metering.image_id"]
    assert [address.addr for addresses in shown.addresses.values() for address in addresses] == [server.address]
    assert error_of(lambda: ecs.show("nobody")) == (404, "Ecs.0114")


def test_many_by_id(servers: list[str], ecs: EcsSdk) -> None:
    unknown = str(uuid.uuid4())
    response = ecs.details(server_id=",".join([servers[2], unknown, servers[0]]), name="ignored", status="SHUTOFF")
    assert [row.id for row in response.servers] == [servers[2], unknown, servers[0]]
    stub = response.servers[1].to_dict()
    assert {name for name, value in stub.items() if value is not None} == {"id", "fault"}
    single = ecs.show(servers[0])
    assert response.servers[2] == single
    hundred_one = ",".join(str(number) for number in range(101))
    assert error_of(lambda: ecs.details(server_id=hundred_one)) == (400, "Ecs.0005")


def test_servers_are_listed_in_pages(emulator: Emulator, ecs: EcsSdk) -> None:
    for number in range(27):
        emulator.add_server(f"more-{number:02d}")
    everything = list(emulator.huawei.servers)
    first = ecs.details()
    assert (first.count, len(first.servers)) == (30, 25)
    by_page = [row.id for page in (1, 2, 3) for row in ecs.details(limit=12, offset=page).servers]
    assert by_page == everything
    by_marker = [row.id for row in ecs.details(limit=12).servers]
    while rows := ecs.details(limit=12, marker=by_marker[-1]).servers:
        by_marker += [row.id for row in rows]
        assert len(by_marker) < 100, "paging must come to an end"
    assert by_marker == everything
    assert ecs.details(name="more-0").count == 10
    assert error_of(lambda: ecs.details(limit=1001)) == (400, "Ecs.0005")


def test_filters_are_applied(emulator: Emulator, ecs: EcsSdk) -> None:
    off = emulator.add_server("off", status="SHUTOFF", tags=["a=1", "b=2"])
    assert [row.id for row in ecs.details(status="SHUTOFF").servers] == [off.id]
    assert [row.id for row in ecs.details(tags="b=2").servers] == [off.id]
    assert [row.id for row in ecs.details(ip_eq=off.address).servers] == [off.id]


def test_stop_and_start(emulator: Emulator, servers: list[str], ecs: EcsSdk, clock: ManualClock) -> None:
    job = ecs.stop(*servers[:2])
    assert ecs.job(job).status == "INIT"
    assert {ecs.show(server).os_ext_st_stask_state for server in servers[:2]} == {"powering-off"}
    clock.advance(1)
    running = ecs.job(job)
    assert (running.status, running.job_type, running.entities.sub_jobs_total) == ("RUNNING", "batchStopServer", 2)
    assert [part.entities.server_id for part in running.entities.sub_jobs] == servers[:2]
    assert {(part.status, part.job_type) for part in running.entities.sub_jobs} == {("RUNNING", "stopServer")}
    assert {ecs.show(server).status for server in servers} == {"ACTIVE"}
    clock.advance(4)
    assert ecs.job(job).status == "SUCCESS"
    assert ecs.job(job).end_time
    stopped = ecs.show(servers[0])
    assert (stopped.status, stopped.os_ext_st_svm_state, stopped.os_ext_st_spower_state) == ("SHUTOFF", "stopped", 3)
    assert stopped.os_ext_st_stask_state is None
    assert ecs.show(servers[2]).status == "ACTIVE"

    job = ecs.start(*servers[:2])
    assert ecs.show(servers[0]).os_ext_st_stask_state == "powering-on"
    clock.advance(5)
    assert ecs.job(job).status == "SUCCESS"
    assert {ecs.show(server).status for server in servers} == {"ACTIVE"}
    assert [entry.operation for entry in emulator.writes()] == ["BatchStopServers", "BatchStartServers"]


def test_a_server_reboots(servers: list[str], ecs: EcsSdk, clock: ManualClock) -> None:
    job = ecs.reboot(servers[0], kind="HARD")
    assert ecs.show(servers[0]).os_ext_st_stask_state == "rebooting"
    clock.advance(5)
    assert ecs.job(job).status == "SUCCESS"
    assert ecs.show(servers[0]).status == "ACTIVE"


def test_parts_of_a_job_fail_on_their_own(
    emulator: Emulator, servers: list[str], ecs: EcsSdk, clock: ManualClock
) -> None:
    locked = emulator.add_server("locked", locked=True)
    off = emulator.add_server("off", status="SHUTOFF")
    job = ecs.stop(servers[0], locked.id, off.id)
    clock.advance(5)
    response = ecs.job(job)
    assert response.status == "FAIL"
    assert response.error_code
    parts = {part.entities.server_id: part for part in response.entities.sub_jobs}
    assert {server: part.status for server, part in parts.items()} == {
        servers[0]: "SUCCESS",
        locked.id: "FAIL",
        off.id: "FAIL",
    }
    assert "locked" in parts[locked.id].fail_reason
    assert "vm_state stopped" in parts[off.id].fail_reason
    assert ecs.show(servers[0]).status == "SHUTOFF"
    assert ecs.show(locked.id).status == "ACTIVE"


def test_stopping_a_stopped_server_may_be_accepted(emulator: Emulator, ecs: EcsSdk, clock: ManualClock) -> None:
    emulator.huawei.ecs.tolerant = True
    off = emulator.add_server("off", status="SHUTOFF")
    job = ecs.stop(off.id)
    clock.advance(5)
    assert ecs.job(job).status == "SUCCESS"


def test_invalid_power_requests_are_rejected(servers: list[str], ecs: EcsSdk) -> None:
    assert error_of(lambda: ecs.stop(servers[0], kind="GENTLE")) == (400, "Ecs.0005")
    assert error_of(ecs.stop) == (400, "Ecs.0005")
    assert error_of(lambda: ecs.stop("nobody")) == (404, "Ecs.0114")
    assert error_of(lambda: ecs.stop(*(str(number) for number in range(1001)))) == (400, "Ecs.0005")
    assert error_of(lambda: ecs.job("nothing")) == (404, "Ecs.0107")


def test_a_thousand_servers_in_one_request(emulator: Emulator, ecs: EcsSdk, clock: ManualClock) -> None:
    many = [emulator.add_server(f"many-{number}").id for number in range(1000)]
    job = ecs.stop(*many)
    clock.advance(5)
    assert ecs.job(job).status == "SUCCESS"
    assert {emulator.huawei.servers[server].status for server in many} == {"SHUTOFF"}
