# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trouble on demand: every fault does what its description says, to the requests it is aimed at and to no others."""

from __future__ import annotations

import http.client
import json
import socket
import time
import typing as t
import urllib.parse

import pytest

from emulator import OUTCOME_FAULTS, RESPONSE_FAULTS, Emulator, ManualClock
from emulator.faults import merge

SHOW = "ShowServer"


class EmulatorClient:
    """A client that reads and writes with a token, one connection each."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        issued = emulator.huawei.directory.issue_token(
            emulator.user, emulator.domain.id, emulator.project.id, domain_scope=False, methods=("password",)
        )
        self.token = issued.text

    def send(self, method: str, path: str, document: t.Any = None, timeout: float = 10) -> http.client.HTTPResponse:
        """Send a request; the path may name the project as {p}."""
        place = urllib.parse.urlsplit(self.emulator.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=timeout)
        body = None if document is None else json.dumps(document)
        headers = {"X-Auth-Token": self.token}
        connection.request(method, path.replace("{p}", self.emulator.project.id), body, headers)
        return connection.getresponse()

    def json(self, method: str, path: str, document: t.Any = None) -> tuple[int, t.Any]:
        """Return status and document of the response."""
        response = self.send(method, path, document)
        text = response.read()
        return response.status, json.loads(text) if text else None

    def show(self, name: str = "server-01") -> http.client.HTTPResponse:
        """Read a server."""
        return self.send("GET", f"/v1/{{p}}/cloudservers/{self.id(name)}")

    def id(self, name: str) -> str:
        """Return a server's id."""
        return self.emulator.huawei.ecs.find(name).id

    def power(self, action: str, *names: str) -> str:
        """Order a power operation; returns the job."""
        order = {action: {"servers": [{"id": self.id(name)} for name in names]}}
        return str(self.json("POST", "/v1/{p}/cloudservers/action", order)[1]["job_id"])

    def job(self, job_id: str) -> t.Any:
        """Read a job."""
        return self.json("GET", f"/v1/{{p}}/jobs/{job_id}")[1]

    def reset(self, name: str) -> t.Any:
        """Put the new key pair onto a server."""
        order = {"keypair_name": "new", "server": {"id": self.id(name)}}
        return self.json("POST", "/v3/{p}/keypairs/associate", order)[1]

    def task(self, task_id: str) -> str:
        """Return a task's status word."""
        return str(self.json("GET", f"/v3/{{p}}/tasks/{task_id}")[1]["task_status"])


@pytest.fixture
def client(emulator: Emulator) -> EmulatorClient:
    """Return the client."""
    return EmulatorClient(emulator)


def status(response: http.client.HTTPResponse) -> int:
    """Return the status of a response, the rest of which is thrown away."""
    response.read()
    return response.status


# what a fault is aimed at


def test_unknown_faults_are_rejected(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="no fault is called 'nonsense'"):
        emulator.fail("nonsense")
    with pytest.raises(ValueError, match="does not know sever"):
        emulator.fail("error", sever="server-01")


def test_a_fault_skips_requests_and_strikes_a_number_of_times(emulator: Emulator, client: EmulatorClient) -> None:
    emulator.fail("error", operation=SHOW, skip=1, times=2, status=503)
    assert [status(client.show()) for _number in range(5)] == [200, 503, 503, 200, 200]
    emulator.fail("error", operation=SHOW, times=None, status=500)
    assert [status(client.show()) for _number in range(5)] == [500] * 5
    emulator.heal()
    assert status(client.show()) == 200


def test_a_share_of_the_matches_at_random(emulator: Emulator, client: EmulatorClient) -> None:
    emulator.fail("error", operation=SHOW, times=None, share=0.3, status=503)
    found = [status(client.show()) for _number in range(200)]
    assert set(found) == {200, 503}
    assert 40 < found.count(503) < 80
    emulator.heal()
    emulator.fail("error", operation=SHOW, times=None, share=0.0, status=503)
    assert {status(client.show()) for _number in range(20)} == {200}


@pytest.mark.parametrize(
    "aim",
    [
        {"operation": "ListRunningTask"},
        {"service": "kps"},
        {"method": "POST"},
        {"path": "running-tasks"},
        {"server": "server-02"},
    ],
    ids=str,
)
def test_a_fault_strikes_no_other_request(emulator: Emulator, client: EmulatorClient, aim: dict[str, str]) -> None:
    emulator.fail("error", times=None, **aim)
    assert status(client.show()) == 200


@pytest.mark.parametrize(
    "aim",
    [
        {"operation": SHOW},
        {"service": "ecs"},
        {"method": "GET"},
        {"path": "/cloudservers/[0-9a-f-]+$"},
        {"server": "server-01"},
        {},
    ],
    ids=str,
)
def test_a_fault_strikes_the_chosen_request(emulator: Emulator, client: EmulatorClient, aim: dict[str, str]) -> None:
    emulator.fail("error", times=None, status=500, **aim)
    assert status(client.show()) == 500
    assert emulator.requests[-1].fault == "error #1"


def test_a_fault_strikes_a_server_by_its_task(emulator: Emulator, client: EmulatorClient) -> None:
    first, second = client.reset("server-01")["task_id"], client.reset("server-02")["task_id"]
    emulator.fail("error", server="server-02", operation="ListKeypairTask", times=None, status=500)
    assert client.json("GET", f"/v3/{{p}}/tasks/{first}")[0] == 200
    assert client.json("GET", f"/v3/{{p}}/tasks/{second}")[0] == 500


# responses


def test_an_error_has_the_form_of_its_service(emulator: Emulator, client: EmulatorClient) -> None:
    emulator.fail("error", operation=SHOW, status=500, code="Ecs.0001", message="broken", headers={"X-Extra": "1"})
    response = client.show()
    assert (response.status, response.headers["X-Extra"]) == (500, "1")
    assert response.headers["X-Request-Id"]
    assert json.loads(response.read()) == {"error": {"code": "Ecs.0001", "message": "broken"}}
    emulator.fail("error", operation="ListRunningTask", status=500, code="KPS.0003", message="broken")
    assert client.json("GET", "/v3/{p}/running-tasks") == (500, {"error_code": "KPS.0003", "error_msg": "broken"})


@pytest.mark.parametrize("body", ["gateway down", {"odd": ["shape"]}])
def test_an_error_is_returned_as_given(emulator: Emulator, client: EmulatorClient, body: t.Any) -> None:
    emulator.fail("error", operation=SHOW, status=502, body=body)
    response = client.show()
    text = response.read().decode()
    assert response.status == 502
    assert (text if isinstance(body, str) else json.loads(text)) == body


def test_throttled_requests_are_rejected(emulator: Emulator, client: EmulatorClient) -> None:
    emulator.fail("throttle", operation=SHOW, retry_after=7)
    response = client.show()
    assert (response.status, response.headers["Retry-After"]) == (429, "7")
    assert json.loads(response.read())["error_code"] == "APIGW.0308"
    emulator.fail("throttle", operation=SHOW)
    assert client.show().headers["Retry-After"] is None


def test_html_empty_redirect(emulator: Emulator, client: EmulatorClient) -> None:
    emulator.fail("html", operation=SHOW)
    response = client.show()
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert response.read().startswith(b"<html>")
    emulator.fail("empty", operation=SHOW)
    response = client.show()
    assert (response.status, response.read()) == (200, b"")
    emulator.fail("redirect", operation=SHOW, location="http://127.0.0.1:1/elsewhere")
    response = client.show()
    assert (response.status, response.headers["Location"]) == (302, "http://127.0.0.1:1/elsewhere")


def test_half_of_a_document_is_sent(emulator: Emulator, client: EmulatorClient) -> None:
    emulator.fail("truncated_json", operation=SHOW)
    text = client.show().read()
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    emulator.fail("cut", operation=SHOW)
    with pytest.raises(http.client.IncompleteRead):
        client.show().read()


@pytest.mark.parametrize(
    ("what", "processed"),
    [("close_before", False), ("reset_before", False), ("close_after", True), ("reset_after", True)],
)
def test_responses_are_lost(emulator: Emulator, client: EmulatorClient, what: str, processed: bool) -> None:
    emulator.fail(what, operation="AssociateKeypair")
    expected = ConnectionResetError if what.startswith("reset") else http.client.RemoteDisconnected
    with pytest.raises(expected):
        client.reset("server-01")
    assert len(emulator.huawei.tasks) == (1 if processed else 0)
    assert emulator.requests[-1].status == 0
    assert status(client.show()) == 200


def test_a_response_hangs(emulator: Emulator, client: EmulatorClient) -> None:
    emulator.fail("hang", operation="AssociateKeypair", seconds=30)
    with pytest.raises(TimeoutError):
        client.send("POST", "/v3/{p}/keypairs/associate", {"keypair_name": "new", "server": {"id": "x"}}, timeout=0.2)
    assert emulator.requests[-1].operation == "AssociateKeypair"
    assert status(client.show()) == 200, "others are served meanwhile"


def test_a_response_arrives_byte_by_byte(emulator: Emulator, client: EmulatorClient) -> None:
    emulator.fail("drip", operation="ListRunningTask", seconds=0.01)
    began = time.monotonic()
    assert client.json("GET", "/v3/{p}/running-tasks") == (200, {"total": 0, "tasks": []})
    assert time.monotonic() - began > 0.2


def test_a_patch_changes_fields_of_the_response(emulator: Emulator, client: EmulatorClient) -> None:
    emulator.fail("patch", operation=SHOW, patch={"server": {"status": "MIGRATING", "key_name": None}})
    server = json.loads(client.show().read())["server"]
    assert server["status"] == "MIGRATING"
    assert "key_name" not in server
    assert server["name"] == "server-01"


def test_a_list_and_a_single_read_that_contradict_each_other(emulator: Emulator, client: EmulatorClient) -> None:
    emulator.fail("patch", operation="ListServersDetails", server="server-02", patch={"servers": {"status": "SHUTOFF"}})
    ids = ",".join(emulator.huawei.servers)
    rows = client.json("GET", f"/v1/{{p}}/cloudservers/detail?server_id={ids}")[1]["servers"]
    assert [row["status"] for row in rows] == ["ACTIVE", "SHUTOFF", "ACTIVE"]
    assert json.loads(client.show("server-02").read())["server"]["status"] == "ACTIVE"


def test_a_merge_patch_changes_the_response() -> None:
    assert merge({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}}) == {"b": {"c": 2, "d": 3}}
    assert merge({"a": [1]}, {"a": [2, 3]}) == {"a": [2, 3]}
    assert merge([{"id": "x"}, {"id": "y"}], {"new": 1}, "y") == [{"id": "x"}, {"id": "y", "new": 1}]


# outcomes


def test_task_fails(emulator: Emulator, client: EmulatorClient, clock: ManualClock) -> None:
    emulator.huawei.ecs.find("server-02").status = "SHUTOFF"
    emulator.fail("task_fails", server="server-02", code="KPS.5001", message="no database")
    task = client.reset("server-02")["task_id"]
    clock.advance(11)
    assert client.task(task) == "FAILED_RESET"
    row = client.json("GET", "/v3/{p}/failed-tasks")[1]["tasks"][0]
    assert (row["task_error_code"], row["task_error_msg"]) == ("KPS.5001", "no database")
    again = client.reset("server-02")["task_id"]
    clock.advance(11)
    assert client.task(again) == "SUCCESS_RESET"


def test_tasks_end_in_other_ways_as_faults_say(emulator: Emulator, client: EmulatorClient, clock: ManualClock) -> None:
    for server in emulator.huawei.servers.values():
        server.status = "SHUTOFF"
    emulator.fail("task_stuck", server="server-01")
    emulator.fail("task_word", server="server-02", word="SUCCESSFUL")
    emulator.fail("task_slow", server="server-03", seconds=100)
    tasks = [client.reset(f"server-0{number}")["task_id"] for number in (1, 2, 3)]
    clock.advance(11)
    assert [client.task(task) for task in tasks] == ["RUNNING_RESET", "SUCCESSFUL", "RUNNING_RESET"]
    clock.advance(90)
    assert [client.task(task) for task in tasks] == ["RUNNING_RESET", "SUCCESSFUL", "SUCCESS_RESET"]
    clock.advance(10_000)
    assert client.task(tasks[0]) == "RUNNING_RESET"


def test_list_of_running_tasks_lies(emulator: Emulator, client: EmulatorClient, clock: ManualClock) -> None:
    for server in emulator.huawei.servers.values():
        server.status = "SHUTOFF"
    emulator.fail("task_hidden", server="server-01")
    emulator.fail("task_lingers", server="server-02")
    tasks = [client.reset(f"server-0{number}")["task_id"] for number in (1, 2, 3)]

    def running() -> list[str]:
        return [row["task_id"] for row in client.json("GET", "/v3/{p}/running-tasks")[1]["tasks"]]

    assert running() == tasks[1:]
    clock.advance(11)
    assert [client.task(task) for task in tasks] == ["SUCCESS_RESET"] * 3
    assert running() == [tasks[1]]


def test_associate_rejected_in_a_good_response(emulator: Emulator, client: EmulatorClient) -> None:
    emulator.fail("associate_rejected", code="KPS.5001", message="no database")
    response = client.reset("server-01")
    assert response == {
        "server_id": client.id("server-01"),
        "status": "FAILED",
        "error_code": "KPS.5001",
        "error_msg": "no database",
    }
    assert emulator.huawei.tasks == {}


def test_job_fails_for_one_server(emulator: Emulator, client: EmulatorClient, clock: ManualClock) -> None:
    emulator.fail("job_fails", server="server-02", operation="BatchStopServers", code="Ecs.0219", message="no luck")
    job = client.power("os-stop", "server-01", "server-02")
    clock.advance(5)
    response = client.job(job)
    assert response["status"] == "FAIL"
    parts = response["entities"]["sub_jobs"]
    assert [(part["status"], part["error_code"], part["fail_reason"]) for part in parts] == [
        ("SUCCESS", None, None),
        ("FAIL", "Ecs.0219", "no luck"),
    ]
    assert emulator.huawei.ecs.find("server-02").status == "ACTIVE"


def test_a_job_does_not_end(emulator: Emulator, client: EmulatorClient, clock: ManualClock) -> None:
    emulator.fail("job_stuck", server="server-02")
    job = client.power("os-stop", "server-01", "server-02")
    clock.advance(10_000)
    assert client.job(job)["status"] == "RUNNING"
    assert emulator.huawei.ecs.find("server-01").status == "SHUTOFF"
    assert emulator.huawei.ecs.find("server-02").task_state == "powering-off"


def test_start_fails(emulator: Emulator, client: EmulatorClient, clock: ManualClock) -> None:
    emulator.fail("start_fails", server="server-01")
    stop = client.power("os-stop", "server-01")
    clock.advance(5)
    assert client.job(stop)["status"] == "SUCCESS"
    start = client.power("os-start", "server-01")
    clock.advance(5)
    assert client.job(start)["status"] == "FAIL"
    assert emulator.huawei.ecs.find("server-01").status == "SHUTOFF"


# the rest of the HTTP server


def test_gateway_throttles(emulator: Emulator, client: EmulatorClient, clock: ManualClock) -> None:
    emulator.huawei.rate_limit = 3
    assert [status(client.show()) for _number in range(5)] == [200, 200, 200, 429, 429]
    clock.advance(1.1)
    assert status(client.show()) == 200


def test_the_control_api_changes_servers(emulator: Emulator, client: EmulatorClient) -> None:
    fault = {"what": "error", "operation": SHOW, "status": 500, "times": None}
    assert client.json("POST", "/_emulator/faults", fault)[0] == 200
    assert status(client.show()) == 500
    assert [row["played"] for row in client.json("GET", "/_emulator/faults")[1]["faults"]] == [1]
    assert client.json("DELETE", "/_emulator/faults") == (200, {})
    assert status(client.show()) == 200
    assert client.json("POST", "/_emulator/faults", {"what": "nonsense"})[0] == 400
    client.power("os-stop", "server-01")
    requests = client.json("GET", "/_emulator/requests")[1]["requests"]
    assert [row["operation"] for row in requests] == [SHOW, SHOW, "BatchStopServers"]
    writes = client.json("GET", "/_emulator/requests?writes=1")[1]["requests"]
    assert [row["operation"] for row in writes] == ["BatchStopServers"]
    state = client.json("GET", "/_emulator/state")[1]
    assert [row["OS-EXT-STS:task_state"] for row in state["servers"]] == ["powering-off", None, None]
    change = {"server": "server-02", "fields": {"locked": True}}
    assert client.json("POST", "/_emulator/server", change)[1]["locked"] is True
    assert client.json("POST", "/_emulator/server", {"server": "nobody", "fields": {}})[0] == 400
    assert client.json("GET", "/_emulator/environment")[1] == emulator.environment()
    assert client.json("GET", "/_emulator/nothing")[0] == 404
    assert client.json("POST", "/_emulator/reset") == (200, {})
    assert len(emulator.requests) == 0
    assert not emulator.huawei.ecs.find("server-02").locked


def test_starting_tasks_and_settings_from_outside(
    emulator: Emulator, client: EmulatorClient, clock: ManualClock
) -> None:
    settings = {
        "kps.task_seconds": 100,
        "csms.pending_status": "WORKING",
        "cloudsso.rate_limit": 5,
        "huawei.rate_limit": 50,
    }
    assert client.json("POST", "/_emulator/settings", settings) == (200, settings)
    assert emulator.huawei.kps.task_seconds == 100
    assert emulator.alibaba.cloudsso.rate_limit == 5
    assert emulator.huawei.rate_limit == 50
    assert client.json("POST", "/_emulator/settings", {"kps.tasks": {}})[0] == 400

    rotation = client.json("POST", "/_emulator/rotate", {})[1]["task_id"]
    migration = client.json("POST", "/_emulator/migrate", {"task": "migration-01", "seconds": 10})[1]["task_id"]
    order = {"operation": "CreateAccessAssignment", "user": "u-emulated0002"}
    assigned = client.json("POST", "/_emulator/assign", order)[1]
    assert assigned["directory_id"] == emulator.alibaba_account.directory.id
    assert client.json("POST", "/_emulator/assign", order)[0] == 400, "one such task is running"
    assert client.json("POST", "/_emulator/rotate", {"secret": "nobody"})[0] == 400
    assert client.json("POST", "/_emulator/migrate", {"task": "nobody"})[0] == 400

    state = client.json("GET", "/_emulator/state")[1]
    assert [(row["task_id"], row["task_status"]) for row in state["rotations"]] == [(rotation, "WORKING")]
    assert [row["Status"] for row in state["cloudsso_tasks"]] == ["InProgress"]
    clock.advance(11)
    state = client.json("GET", "/_emulator/state")[1]
    assert [row["task_status"] for row in state["rotations"]] == ["SUCCESS"]
    assert [(row["TaskId"], row["Status"]) for row in state["cloudsso_tasks"]] == [(assigned["task_id"], "Success")]
    assert {row["id"]: row["state"] for row in state["migrations"]}[migration] == "MIGRATE_SUCCESS"


def test_errors_of_the_emulator_itself_are_reported(
    emulator: Emulator, client: EmulatorClient, capfd: pytest.CaptureFixture[str]
) -> None:
    emulator.fail("task_slow")  # without the seconds it needs
    response = client.send(
        "POST", "/v3/{p}/keypairs/associate", {"keypair_name": "new", "server": {"id": client.id("server-01")}}
    )
    assert response.status == 500
    assert b"the emulator itself failed: KeyError('seconds')" in response.read()
    assert "KeyError" in capfd.readouterr().err


def test_unknown_path(emulator: Emulator, client: EmulatorClient) -> None:
    response = client.send("GET", "/v9/anything")
    document = json.loads(response.read())
    assert (response.status, document["error_code"]) == (404, "APIGW.0101")
    assert document["request_id"] == response.headers["X-Request-Id"]
    assert emulator.requests[-1].operation == ""


def test_one_connection_serves_many_requests(emulator: Emulator, client: EmulatorClient) -> None:
    place = urllib.parse.urlsplit(emulator.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.connect()
    first = connection.sock
    for _number in range(20):
        connection.request("GET", f"/v3/{emulator.project.id}/running-tasks", headers={"X-Auth-Token": client.token})
        assert status(connection.getresponse()) == 200
    assert connection.sock is first
    connection.close()


def test_nothing_listens_after_the_end(clock: ManualClock) -> None:
    with Emulator(1, fleet=False, clock=clock) as emulator:
        place = urllib.parse.urlsplit(emulator.url)
        idle = socket.create_connection((place.hostname or "", place.port or 0), 10)
    with idle:
        idle.settimeout(5)
        try:
            assert idle.recv(1) == b""
        except ConnectionResetError:
            pass  # it had not been accepted yet
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((place.hostname or "", place.port or 0), 10)


def test_the_lists_of_faults_are_complete() -> None:
    assert not set(RESPONSE_FAULTS) & set(OUTCOME_FAULTS)
