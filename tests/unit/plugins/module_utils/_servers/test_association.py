# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Giving servers a key pair and taking it away: planned, refused early, sent once each, waited for, told on every exit."""

from __future__ import annotations

import contextlib
import json
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    ForbiddenError,
    UsageError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Request, Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Module
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Interrupted
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.association import PACE, Association
from ansible_collections.multicloud.async_tasks.plugins.modules import hwc_kps_keypair_association
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    ECS,
    EPOCH,
    KPS,
    PROJECT,
    FakeClock,
    FakeTransport,
    InterruptedTransport,
    answer,
    cut,
    error_response,
    html,
    lost,
    unreachable,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import ModuleRun, defaults

PEM = "-----BEGIN RSA PRIVATE KEY-----\nsecret-part\n-----END RSA PRIVATE KEY-----\n"
DEFAULTS = {
    **defaults(hwc_kps_keypair_association.ARGUMENT_SPEC),
    "server_ids": ["s-1"],
    "keypair_name": "kp-new",
}
KEYPAIR = f"GET {KPS}/v3/{PROJECT}/keypairs/kp-new"
ASSOCIATE = f"POST {KPS}/v3/{PROJECT}/keypairs/associate"
DISASSOCIATE = f"POST {KPS}/v3/{PROJECT}/keypairs/disassociate"
RUNNING = f"GET {KPS}/v3/{PROJECT}/running-tasks?limit=1000&offset=0"
FAILED = f"GET {KPS}/v3/{PROJECT}/failed-tasks?limit=1000&offset=0"
REFUSED = error_response(401, "APIGW.0301", "verify aksk signature fail")


def start(cloud: FakeTransport, check_mode: bool = False, diff_mode: bool = False, **options: t.Any) -> ModuleRun:
    return ModuleRun(cloud, {**DEFAULTS, **options}, check_mode=check_mode, diff_mode=diff_mode)


def result_of(run: ModuleRun) -> dict[str, t.Any]:
    return run.execute(lambda context: Association(context).run())


def server(
    server_id: str, status: str = "SHUTOFF", key_name: str | None = "kp-old", **fields: t.Any
) -> dict[str, t.Any]:
    metadata = {"os_type": "Linux", "image_name": "Ubuntu 22.04"}
    return {
        "id": server_id,
        "name": f"web-{server_id}",
        "status": status,
        "key_name": key_name,
        "metadata": metadata,
        **fields,
    }


def detail(*ids: str) -> str:
    return f"GET {ECS}/v1/{PROJECT}/cloudservers/detail?server_id={'%2C'.join(ids)}"


def task(task_id: str) -> str:
    return f"GET {KPS}/v3/{PROJECT}/tasks/{task_id}"


def status(task_id: str, word: str) -> dict[str, t.Any]:
    return {"task_id": task_id, "server_id": "s", "task_status": word}


def listed(*rows: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"total": len(rows), "tasks": list(rows)}


def planned(
    cloud: FakeTransport,
    *rows: dict[str, t.Any],
    ids: t.Sequence[str] = (),
    busy: t.Sequence[dict[str, t.Any]] = (),
    present: bool = True,
) -> None:
    """Script what is read before anything is sent."""
    if present:
        cloud.expect(KEYPAIR, {"keypair": {"name": "kp-new"}})
    cloud.expect(detail(*(ids or [row["id"] for row in rows])), {"servers": list(rows)})
    cloud.expect(RUNNING, listed(*busy))


def body(server_id: str, **fields: t.Any) -> dict[str, t.Any]:
    return {"keypair_name": "kp-new", "server": {"id": server_id, **fields}}


def states(result: dict[str, t.Any]) -> list[tuple[str, bool, str]]:
    return [(row["server_id"], row["changed"], row["state"]) for row in result["servers"]]


# --- The whole way


def test_a_server_that_is_off_is_reset_and_waited_for(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, answer({"task_id": "t-1"}, 202), body=body("s-1"))
    for word in ("READY_RESET", "RUNNING_RESET", "SUCCESS_RESET"):
        cloud.expect(task("t-1"), status("t-1", word))
    result = result_of(start(cloud))
    assert result["servers"] == [
        {
            "server_id": "s-1",
            "name": "web-s-1",
            "changed": True,
            "state": "success",
            "status": "SUCCESS_RESET",
            "reason": None,
            "msg": None,
            "operation": "reset",
            "previous_keypair_name": "kp-old",
            "keypair_name": "kp-new",
            "task_id": "t-1",
            "uncertain": False,
        }
    ]
    assert (result["changed"], result["failed"], result["task_ids"]) == (True, False, ["t-1"])
    assert result["msg"] == "1 of 1 server was reset."


def test_a_server_that_has_the_pair_is_left_alone(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1", key_name="kp-new"))
    result = result_of(start(cloud))
    assert states(result) == [("s-1", False, "success")]
    assert (result["changed"], result["failed"], result["task_ids"]) == (False, False, [])
    assert result["servers"][0]["operation"] is None
    assert result["msg"] == "Nothing to do for 1 server."


def test_force_resets_it_all_the_same(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1", key_name="kp-new"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1"))
    cloud.expect(task("t-1"), status("t-1", "SUCCESS_RESET"))
    assert states(result_of(start(cloud, force=True))) == [("s-1", True, "success")]


def test_a_running_server_is_given_another_pair_with_its_present_key(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1", "ACTIVE"))
    auth = {"type": "keypair", "key": PEM}
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1", auth=auth, disable_password=True, port=2222))
    cloud.expect(task("t-1"), status("t-1", "SUCCESS_REPLACE"))
    result = result_of(start(cloud, private_key=PEM, disable_password=True, port=2222))
    assert result["servers"][0]["operation"] == "replace"
    assert result["msg"] == "1 of 1 server was given another key pair."


def test_the_port_is_for_servers_that_run(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1", disable_password=False))
    result_of(start(cloud, port=2222, disable_password=False, wait=False))


def test_a_running_server_without_a_pair_is_bound_with_the_password_of_root(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1", "ACTIVE", key_name=None))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1", auth={"type": "password", "key": "hunter2"}))
    cloud.expect(task("t-1"), status("t-1", "SUCCESS_BIND"))
    result = result_of(start(cloud, root_password="hunter2"))
    assert result["servers"][0]["operation"] == "bind"
    assert "hunter2" not in str(result)


def test_a_key_pair_is_unbound(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"), server("s-2", "ACTIVE"), server("s-3", key_name=None), present=False)
    cloud.expect(DISASSOCIATE, {"task_id": "t-1"}, body={"server": {"id": "s-1"}})
    with_key = {"server": {"id": "s-2", "auth": {"type": "keypair", "key": PEM}}}
    cloud.expect(DISASSOCIATE, {"task_id": "t-2"}, body=with_key)
    ids = ["s-1", "s-2", "s-3"]
    result = result_of(start(cloud, server_ids=ids, state="absent", keypair_name=None, private_key=PEM, wait=False))
    assert [row["operation"] for row in result["servers"]] == ["unbind", "unbind", None]
    assert [row["keypair_name"] for row in result["servers"]] == [None] * 3
    assert result["msg"] == "2 of 3 servers are being unbound."


def test_tasks_start_one_after_the_other_and_are_waited_for_together(cloud: FakeTransport) -> None:
    ids = ["s-3", "s-1", "s-2"]
    planned(cloud, server("s-1"), server("s-2"), server("s-3"), ids=ids)
    for number, server_id in enumerate(ids):
        cloud.expect(ASSOCIATE, {"task_id": f"t-{number}"}, body=body(server_id))
    cloud.always(RUNNING, listed())
    for number, word in enumerate(("SUCCESS_RESET", "SUCCESS_RESET", "FAILED_RESET")):
        cloud.always(task(f"t-{number}"), status(f"t-{number}", word))
    failure = {"task_id": "t-2", "task_error_code": "KPS.3054", "task_error_msg": "Update public key error"}
    cloud.always(FAILED, listed(failure))
    result = result_of(start(cloud, server_ids=[*ids, "s-3"]))
    assert states(result) == [("s-3", True, "success"), ("s-1", True, "success"), ("s-2", True, "failed")]
    assert result["servers"][2]["reason"] == {"code": "KPS.3054", "message": "Update public key error"}
    assert result["task_ids"] == ["t-0", "t-1", "t-2"]
    assert (result["changed"], result["failed"]) == (True, True)
    assert "web-s-2 (s-2): FAILED_RESET, KPS.3054: Update public key error" in result["msg"]
    assert cloud.clock.sleeps[:2] == [PACE, PACE]


def test_without_waiting_the_tasks_go_on(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1"))
    result = result_of(start(cloud, wait=False))
    assert states(result) == [("s-1", True, "pending")]
    assert (result["changed"], result["failed"], result["task_ids"]) == (True, False, ["t-1"])
    assert result["msg"] == "1 of 1 server is being reset."


# --- Refused early


def test_a_pair_that_does_not_exist_is_refused_before_anything_else(cloud: FakeTransport) -> None:
    cloud.expect(KEYPAIR, error_response(400, "KPS.4016", "does not exist"))
    with pytest.raises(UsageError, match="no key pair 'kp-new'.*hwc_kps_keypair"):
        result_of(start(cloud))


#: What is odd about a server, the task that runs for it, and words of the refusal.
ODD: dict[str, tuple[dict[str, t.Any] | None, dict[str, t.Any] | None, str]] = {
    "unknown": (None, None, "no such server"),
    "locked": (server("s-1", locked=True), None, "It is locked"),
    "running": (server("s-1", "ACTIVE"), None, "private key of kp-old"),
    "windows": (server("s-1", metadata={"os_type": "Windows"}), None, "Windows"),
    "busy": (server("s-1"), {"task_id": "t-9", "server_id": "s-1"}, "KPS task t-9"),
}


@pytest.mark.parametrize(("odd", "busy", "words"), list(ODD.values()), ids=list(ODD))
@pytest.mark.parametrize("check_mode", [False, True])
def test_one_server_that_nothing_can_be_done_to_stops_everything(
    cloud: FakeTransport, odd: dict[str, t.Any] | None, busy: dict[str, t.Any] | None, words: str, check_mode: bool
) -> None:
    ids = ["s-1", "s-2"]
    planned(cloud, *([odd] if odd else []), server("s-2"), ids=ids, busy=[busy] if busy else [])
    result = result_of(start(cloud, server_ids=ids, check_mode=check_mode))
    assert states(result) == [("s-1", False, "error"), ("s-2", False, "pending")]
    assert (result["changed"], result["failed"], result["task_ids"]) == (False, True, [])
    assert result["msg"].startswith("Nothing was sent: 1 of 2 servers failed: ")
    assert words in result["servers"][0]["msg"]
    assert cloud.writes() == []


def test_jobs_that_share_an_account_share_its_pace(cloud: FakeTransport) -> None:
    ids = ["s-1", "s-2", "s-3"]
    planned(cloud, *(server(server_id) for server_id in ids), ids=ids)
    for server_id in ids:
        cloud.expect(ASSOCIATE, {"task_id": f"t-{server_id}"}, body=body(server_id))
    result = result_of(start(cloud, server_ids=ids, parallel_jobs=20, wait=False))
    assert len(result["task_ids"]) == 3
    assert cloud.clock.sleeps == [20 * PACE, 20 * PACE]


@pytest.mark.parametrize(("odd", "busy", "words"), list(ODD.values()), ids=list(ODD))
def test_with_return_the_others_are_done_all_the_same(
    cloud: FakeTransport, odd: dict[str, t.Any] | None, busy: dict[str, t.Any] | None, words: str
) -> None:
    ids = ["s-1", "s-2"]
    planned(cloud, *([odd] if odd else []), server("s-2"), ids=ids, busy=[busy] if busy else [])
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-2"))
    cloud.expect(task("t-1"), status("t-1", "SUCCESS_RESET"))
    result = result_of(start(cloud, server_ids=ids, on_failure="return"))
    assert states(result) == [("s-1", False, "error"), ("s-2", True, "success")]
    assert (result["changed"], result["failed"]) == (True, False)
    assert words in result["msg"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"server_ids": [""]}, "server_ids: ''"),
        ({"server_ids": ["a/b"]}, "server_ids: 'a/b'"),
        ({"keypair_name": ""}, "keypair_name: ''"),
        ({"keypair_name": "a.b"}, "keypair_name: 'a.b'"),
        ({"private_key": "PuTTY-User-Key-File-3: ssh-rsa"}, "PEM"),
        ({"private_key": ""}, "PEM"),
        ({"private_key_file": "/nonexistent/key"}, "private_key_file: /nonexistent/key cannot be read"),
        ({"wait_timeout": -1.0}, "wait_timeout"),
        ({"wait_timeout": float("nan")}, "wait_timeout"),
        ({"wait_timeout": float("inf")}, "wait_timeout"),
        ({"parallel_jobs": 0}, "parallel_jobs"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("on_failure", ["fail", "return"])
def test_wrong_options_are_refused_before_anything_is_sent(
    cloud: FakeTransport, options: dict[str, t.Any], words: str, on_failure: str
) -> None:
    with pytest.raises(UsageError) as caught:
        result_of(start(cloud, on_failure=on_failure, **options))
    assert words in str(caught.value)
    assert cloud.requests == []


def test_the_present_key_is_read_from_its_file_and_masked(cloud: FakeTransport, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(PEM)
    planned(cloud, server("s-1", "ACTIVE"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1", auth={"type": "keypair", "key": PEM}))
    run = start(cloud, private_key_file=str(file), wait=False)
    result = result_of(run)
    assert "secret-part" not in str(result)
    assert PEM in run.module.no_log_values


def test_a_file_that_holds_no_text_is_reported(cloud: FakeTransport, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        result_of(start(cloud, private_key_file=str(file)))


# --- Check mode


def test_check_mode_tells_the_operations_and_sends_nothing(cloud: FakeTransport) -> None:
    ids = ["s-1", "s-2"]
    planned(cloud, server("s-1"), server("s-2", key_name="kp-new"))
    result = result_of(start(cloud, server_ids=ids, check_mode=True, diff_mode=True))
    assert states(result) == [("s-1", True, "pending"), ("s-2", False, "success")]
    assert [(row["operation"], row["task_id"]) for row in result["servers"]] == [("reset", None), (None, None)]
    assert (result["changed"], result["failed"], result["task_ids"]) == (True, False, [])
    assert result["msg"] == "1 of 2 servers would be reset."
    assert result["diff"] == {"before": {"s-1": "kp-old", "s-2": "kp-new"}, "after": {"s-1": "kp-new", "s-2": "kp-new"}}
    assert cloud.writes() == []


# --- What comes back


@pytest.mark.parametrize(
    ("accepted", "changed", "reason"),
    [
        (
            {"status": "FAILED", "error_code": "KPS.3001", "error_msg": "no"},
            False,
            {"code": "KPS.3001", "message": "no"},
        ),
        ({"status": "Failed", "error_code": "KPS.3001", "task_id": "t-1"}, True, {"code": "KPS.3001", "message": None}),
        ({"status": "failed", "task_id": None}, False, None),
    ],
)
def test_an_accepted_request_may_have_failed_already(
    cloud: FakeTransport, accepted: dict[str, t.Any], changed: bool, reason: t.Any
) -> None:
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, accepted, body=body("s-1"))
    result = result_of(start(cloud))
    assert states(result) == [("s-1", changed, "failed")]
    assert result["servers"][0]["reason"] == reason
    assert (result["changed"], result["failed"]) == (changed, True)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (error_response(400, "KPS.4016", "key pair does not exist"), "KPS.4016"),
        (error_response(403, "APIGW.0302", "no"), "kps:SSHKeyPair:bind"),
    ],
    ids=["rejected", "forbidden"],
)
def test_a_refused_request_does_not_keep_others_from_being_sent(
    cloud: FakeTransport, outcome: t.Any, words: str
) -> None:
    planned(cloud, server("s-1"), server("s-2"))
    cloud.expect(ASSOCIATE, outcome, body=body("s-1"))
    cloud.expect(ASSOCIATE, {"task_id": "t-2"}, body=body("s-2"))
    cloud.expect(task("t-2"), status("t-2", "SUCCESS_RESET"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"]))
    assert states(result) == [("s-1", False, "error"), ("s-2", True, "success")]
    assert (result["changed"], result["failed"], result["task_ids"]) == (True, True, ["t-2"])
    assert words in result["servers"][0]["msg"]
    assert result["servers"][0]["msg"].startswith("Nothing was started.")


def test_refused_credentials_stop_the_sending(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"), server("s-2"), server("s-3"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1"))
    cloud.expect(ASSOCIATE, REFUSED, body=body("s-2"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2", "s-3"], wait=False))
    assert states(result) == [("s-1", True, "pending"), ("s-2", False, "error"), ("s-3", False, "error")]
    assert (result["changed"], result["failed"], result["task_ids"]) == (True, True, ["t-1"])
    assert "hwc_secret_key" in result["servers"][1]["msg"]
    assert result["servers"][2]["msg"] == "Nothing was sent for it: the credentials were rejected."


def test_a_service_that_cannot_be_reached_stops_the_sending(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"), server("s-2"))
    for took in (29.0, 29.0, 0.2):
        cloud.expect(ASSOCIATE, unreachable(), body=body("s-1"), took=took)
    result = result_of(start(cloud, server_ids=["s-1", "s-2"]))
    assert states(result) == [("s-1", False, "error"), ("s-2", False, "error")]
    assert (result["changed"], result["failed"]) == (False, True)
    assert result["servers"][1]["msg"].startswith("Nothing was sent for it: KPS did not answer")


#: What API Gateway of Huawei Cloud says, to the letter.
OVER_QUOTA = error_response(
    429, "APIGW.0308", "The throttling threshold has been reached: policy user over ratelimit,limit:2,time:1 minute"
)


class Metered(FakeTransport):
    """A cloud that accepts so many requests to associate in each minute by the clock."""

    def __init__(self, clock: FakeClock, quota: int, counts_refused: bool) -> None:
        super().__init__(clock)
        self.quota = quota
        self.counts_refused = counts_refused
        #: When requests that count came in, and those that were accepted.
        self.counted: list[float] = []
        self.accepted: list[str] = []
        self.refused = 0

    def send(self, request: Request, timeout: float) -> Response:
        """Implement ``Transport``."""
        if not request.url.endswith("/associate"):
            return super().send(request, timeout)
        self.clock.now += 0.2
        recent = [moment for moment in self.counted if moment > self.clock.now - 60.0]
        if len(recent) >= self.quota:
            self.refused += 1
            if self.counts_refused:
                self.counted.append(self.clock.now)
            return OVER_QUOTA
        self.counted.append(self.clock.now)
        server_id = json.loads(request.body)["server"]["id"]
        self.accepted.append(server_id)
        return answer({"task_id": f"t-{server_id}"}, 202)


@pytest.mark.parametrize("counts_refused", [False, True])
def test_a_quota_is_waited_out_as_long_as_the_wait_may_take(clock: FakeClock, counts_refused: bool) -> None:
    cloud = Metered(clock, 2, counts_refused)
    ids = [f"s-{number}" for number in range(6)]
    planned(cloud, *map(server, ids))
    result = result_of(start(cloud, server_ids=ids, wait=False))
    assert states(result) == [(server_id, True, "pending") for server_id in ids]
    assert cloud.accepted == ids, "each once, in order"
    assert clock.now - 1000.0 < 150.0, "two windows"
    assert cloud.refused <= 4


def test_a_quota_that_outlasts_the_wait_leaves_the_others_untouched(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"), server("s-2"))
    for _attempt in range(11):
        cloud.expect(ASSOCIATE, OVER_QUOTA, body=body("s-1"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"], wait_timeout=600.0))
    assert states(result) == [("s-1", False, "error"), ("s-2", False, "error")]
    assert (result["changed"], result["failed"]) == (False, True)
    first, second = (row["msg"] for row in result["servers"])
    assert "Nothing was started." in first
    assert "The time is up before the 60 s that it asks for are over. It was tried 11 times." in first
    assert second == (
        "Nothing was sent for it: KPS throttled the request before it until the time (wait_timeout) was up."
    )
    assert 500.0 < cloud.clock.now - 1000.0 <= 600.0


def test_an_error_before_a_request_is_sent_stops_the_others(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"), server("s-2"), server("s-3"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1"))
    early = UsageError("There is no project.")
    early.unsent = True
    cloud.expect(ASSOCIATE, early, body=body("s-2"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2", "s-3"], wait=False))
    assert states(result) == [("s-1", True, "pending"), ("s-2", False, "error"), ("s-3", False, "error")]
    assert result["servers"][2]["msg"] == "Nothing was sent for it: the request before it could not be prepared."


# --- Several servers in one request, several requests at a time

BATCH = f"POST {KPS}/v3/{PROJECT}/keypairs/batch-associate"
AUTH = {"type": "password", "key": "hunter2"}


def batch(*ids: str) -> dict[str, t.Any]:
    return {"batch_keypairs": [body(server_id, auth=AUTH) for server_id in ids]}


def bare(server_id: str) -> dict[str, t.Any]:
    """Return a server that runs and has no key pair."""
    return server(server_id, "ACTIVE", key_name=None)


def accepted(*ids: str) -> dict[str, t.Any]:
    return {"tasks": [{"server_id": server_id, "task_id": f"t-{server_id}"} for server_id in ids]}


def test_running_servers_without_a_pair_are_bound_ten_in_a_request(cloud: FakeTransport) -> None:
    ids = [f"s-{number}" for number in range(11)]
    planned(cloud, *map(bare, ids), server("off"))
    cloud.expect(BATCH, answer(accepted(*ids[:10]), 202), body=batch(*ids[:10]))
    cloud.expect(ASSOCIATE, {"task_id": "t-s-10"}, body=body("s-10", auth=AUTH))
    cloud.expect(ASSOCIATE, {"task_id": "t-off"}, body=body("off"))
    result = result_of(start(cloud, server_ids=[*ids, "off"], root_password="hunter2", wait=False))
    assert [row["task_id"] for row in result["servers"]] == [f"t-{server_id}" for server_id in [*ids, "off"]]
    assert {row["operation"] for row in result["servers"][:11]} == {"bind"}
    assert "hunter2" not in str(result)


def test_one_task_of_a_batch_may_have_failed_already(cloud: FakeTransport) -> None:
    planned(cloud, bare("s-1"), bare("s-2"))
    rows = [{"server_id": "s-1", "status": "Failed", "error_code": "KPS.1"}, *accepted("s-2")["tasks"]]
    cloud.expect(BATCH, {"tasks": rows}, body=batch("s-1", "s-2"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"], root_password="hunter2", wait=False))
    assert states(result) == [("s-1", False, "failed"), ("s-2", True, "pending")]


def test_a_batch_that_is_refused_is_refused_for_each(cloud: FakeTransport) -> None:
    planned(cloud, bare("s-1"), bare("s-2"))
    cloud.expect(BATCH, error_response(400, "KPS.0002", "no"), body=batch("s-1", "s-2"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"], root_password="hunter2"))
    assert states(result) == [("s-1", False, "error"), ("s-2", False, "error")]
    assert (result["changed"], result["failed"]) == (False, True)


@pytest.mark.parametrize("outcome", [lost(), answer({}, 504), answer(accepted("s-1"))], ids=["lost", "504", "half"])
def test_the_tasks_of_a_lost_batch_are_looked_for_in_one_list(cloud: FakeTransport, outcome: t.Any) -> None:
    planned(cloud, bare("s-1"), bare("s-2"))
    cloud.expect(BATCH, outcome, body=batch("s-1", "s-2"))
    cloud.expect(RUNNING, listed({"task_id": "t-s-1", "server_id": "s-1"}, {"task_id": "t-s-2", "server_id": "s-2"}))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"], root_password="hunter2", wait=False))
    assert states(result) == [("s-1", True, "pending"), ("s-2", True, "pending")]
    assert result["task_ids"] == ["t-s-1", "t-s-2"]


def test_an_invalid_response_about_one_server_does_not_affect_another(cloud: FakeTransport) -> None:
    planned(cloud, bare("s-1"), bare("s-2"))
    rows = [{"server_id": ["s-1"], "task_id": {"id": "t-1"}}, {"server_id": "s-2", "task_id": "t-2"}]
    cloud.expect(BATCH, {"tasks": rows}, body=batch("s-1", "s-2"))
    cloud.expect(RUNNING, listed({"task_id": "t-1", "server_id": "s-1"}))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"], root_password="hunter2", wait=False))
    assert states(result) == [("s-1", True, "pending"), ("s-2", True, "pending")]
    assert result["task_ids"] == ["t-1", "t-2"]


class Crowd(FakeTransport):
    """A cloud that answers associations by several threads: the first at once, others only when five are there, or not soon."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._lock = threading.Lock()
        self._together = threading.Barrier(5)
        self.current = 0
        #: How many were under way when each began.
        self.seen: list[int] = []

    def close(self) -> None:
        """Implement ``Transport``; do nothing."""

    def send(self, request: Request, timeout: float) -> Response:
        """Implement ``Transport``."""
        if not request.url.endswith("/associate"):
            return super().send(request, timeout)
        with self._lock:
            self.current += 1
            self.seen.append(self.current)
            alone = len(self.seen) == 1
        if not alone:
            # Five must never meet; so the first four wait in vain, and no request after them.
            with contextlib.suppress(threading.BrokenBarrierError):
                self._together.wait(timeout=0.3)
        with self._lock:
            self.current -= 1
        return answer({"task_id": f"t-{json.loads(request.body)['server']['id']}"})


def test_after_the_first_response_four_requests_run_at_a_time(clock: FakeClock) -> None:
    cloud = Crowd(clock)
    ids = [f"s-{number}" for number in range(7)]
    planned(cloud, *map(server, ids))
    run = start(cloud, server_ids=ids, wait=False)
    run.context.threads = True
    result = result_of(run)
    assert [row["task_id"] for row in result["servers"]] == [f"t-{server_id}" for server_id in ids]
    assert (cloud.seen[0], max(cloud.seen)) == (1, 4)
    cloud.check()


def test_threads_do_not_repeat_refused_credentials(cloud: FakeTransport) -> None:
    ids = [f"s-{number}" for number in range(5)]
    planned(cloud, *map(server, ids))
    cloud.expect(ASSOCIATE, REFUSED, body=body("s-0"))
    run = start(cloud, server_ids=ids)
    run.context.threads = True
    assert {state for _id, _changed, state in states(result_of(run))} == {"error"}
    assert len(cloud.writes()) == 1


# --- Lost responses

LOST = [
    *(lost(), answer({}, 504), answer({}, 500), html(), cut(), answer(["t-1"])),
    *(answer(None, 202), answer({"server_id": "s-1"}), answer({"task_id": "", "status": "READY_RESET"})),
]
LOST_IDS = ["lost", "504", "500", "html", "cut", "list", "empty", "no task", "empty task"]


@pytest.mark.parametrize("outcome", LOST, ids=LOST_IDS)
def test_the_task_of_a_lost_response_is_found_among_those_that_run(cloud: FakeTransport, outcome: t.Any) -> None:
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, outcome, body=body("s-1"))
    cloud.expect(RUNNING, listed({"task_id": "t-8", "server_id": "s-8"}, {"task_id": "t-1", "server_id": "s-1"}))
    cloud.expect(task("t-1"), status("t-1", "SUCCESS_RESET"))
    result = result_of(start(cloud))
    assert states(result) == [("s-1", True, "success")]
    assert (result["changed"], result["failed"], result["task_ids"]) == (True, False, ["t-1"])
    assert "the task that it started was found" in result["servers"][0]["msg"]


@pytest.mark.parametrize("status_", [400, 403, 404])
def test_a_page_of_a_gateway_does_not_end_the_search(cloud: FakeTransport, status_: int) -> None:
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, lost(), body=body("s-1"))
    cloud.expect(RUNNING, html(status_))
    if status_ == 400:
        # The service may reject the size of a page.
        cloud.expect(RUNNING.replace("limit=1000&", ""), html(status_))
    cloud.expect(RUNNING, listed({"task_id": "t-1", "server_id": "s-1"}))
    cloud.expect(task("t-1"), status("t-1", "SUCCESS_RESET"))
    assert states(result_of(start(cloud))) == [("s-1", True, "success")]


def milliseconds(after: float) -> str:
    return str(int((EPOCH + after) * 1000))


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([{"task_id": "t-1", "server_id": "s-1", "task_time": milliseconds(1.0)}], True),
        ([{"task_id": "t-1", "server_id": "s-1", "task_time": milliseconds(-60.0)}], True),
        ([{"task_id": "t-1", "server_id": "s-1", "task_time": milliseconds(-3600.0)}], False),
        ([{"task_id": "t-1", "server_id": "s-1", "task_time": None}], False),
        ([{"task_id": "t-1", "server_id": "s-8", "task_time": milliseconds(1.0)}], False),
    ],
    ids=["of now", "by a clock that is slow", "of an hour ago", "without a time", "of another server"],
)
def test_a_lost_task_is_found_among_those_that_have_failed_since(
    cloud: FakeTransport, rows: list[dict[str, t.Any]], found: bool
) -> None:
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, lost(), body=body("s-1"))
    cloud.always(RUNNING, listed())
    cloud.always(detail("s-1"), {"servers": [server("s-1")]})
    cloud.always(FAILED, listed(*rows))
    if found:
        cloud.expect(task("t-1"), status("t-1", "FAILED_RESET"))
    result = result_of(start(cloud))
    assert states(result) == [("s-1", True, "failed" if found else "unknown")]
    assert result["task_ids"] == (["t-1"] if found else [])


def test_a_pair_that_has_changed_since_is_a_success(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, lost(), body=body("s-1"))
    cloud.expect(RUNNING, listed())
    cloud.expect(FAILED, listed())
    cloud.expect(detail("s-1"), {"servers": [server("s-1", key_name="kp-new")]})
    result = result_of(start(cloud))
    assert states(result) == [("s-1", True, "success")]
    assert "has changed since" in result["servers"][0]["msg"]


class Late(FakeTransport):
    """A cloud that loses the response to an association, and shows the task that it starts a while later.

    Args:
        clock: Its time.
        after: Seconds until the task is seen; infinite for never.
        where: The list that it is seen in: ``running`` or ``failed``; or ``pair`` when only the key pair changes.
    """

    def __init__(self, clock: FakeClock, after: float, where: str = "running") -> None:
        super().__init__(clock)
        self.after = after
        self.where = where
        self.sent = 0.0

    def send(self, request: Request, timeout: float) -> Response:
        """Implement ``Transport``."""
        self.clock.now += 0.1
        self.requests.append(request)
        seen = self.sent > 0 and self.clock.now >= self.sent + self.after
        row = {"task_id": "t-1", "server_id": "s-1", "task_time": milliseconds(self.sent - 1000.0 + self.after)}
        if request.method == "POST":
            self.sent = self.clock.now
            raise lost()
        for part, document in {
            "running-tasks": listed(*([row] if seen and self.where == "running" else [])),
            "failed-tasks": listed(*([row] if seen and self.where == "failed" else [])),
            "detail": {"servers": [server("s-1", key_name="kp-new" if seen and self.where == "pair" else "kp-old")]},
            "tasks/t-1": status("t-1", "FAILED_RESET" if self.where == "failed" else "SUCCESS_RESET"),
            "keypairs/kp-new": {"keypair": {"name": "kp-new"}},
        }.items():
            if part in request.url:
                return answer(document)
        raise AssertionError(request.url)


@pytest.mark.parametrize(
    ("where", "state"), [("running", "success"), ("failed", "failed"), ("pair", "success")], ids=str
)
@pytest.mark.parametrize("after", [0.0, 8.0, 50.0])
def test_a_task_that_is_seen_late_is_found(clock: FakeClock, after: float, where: str, state: str) -> None:
    cloud = Late(clock, after, where)
    result = result_of(start(cloud))
    assert states(result) == [("s-1", True, state)]
    assert result["servers"][0]["uncertain"] is False
    assert result["task_ids"] == ([] if where == "pair" else ["t-1"])
    assert len(cloud.writes()) == 1


def test_a_task_that_is_not_found_within_a_minute_stays_uncertain(clock: FakeClock) -> None:
    cloud = Late(clock, 1e9)
    result = result_of(start(cloud, wait=False))
    assert states(result) == [("s-1", True, "unknown")]
    assert (result["changed"], result["failed"], result["task_ids"]) == (True, True, [])
    assert 50.0 < clock.now - cloud.sent <= 62.0
    row = result["servers"][0]
    assert row["uncertain"] is True
    assert "one may still be queued. Do not start the server" in row["msg"]
    assert "nothing was started" not in row["msg"]
    assert len(cloud.writes()) == 1


def test_a_read_ends_with_the_time_of_the_run(clock: FakeClock) -> None:
    cloud = Late(clock, 1e9)
    assert states(result_of(start(cloud, wait_timeout=20.0))) == [("s-1", True, "unknown")]
    assert clock.now - 1000.0 < 22.0


def test_a_missing_task_is_searched_again_after_the_wait_for_the_others(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"), server("s-2"))
    cloud.expect(ASSOCIATE, lost(), body=body("s-1"))
    cloud.always(RUNNING, listed())
    cloud.always(FAILED, listed())
    cloud.always(detail("s-1"), {"servers": [server("s-1")]})
    cloud.expect(ASSOCIATE, {"task_id": "t-2"}, body=body("s-2"))
    cloud.expect(task("t-2"), status("t-2", "SUCCESS_RESET"))
    cloud.expect(RUNNING, listed({"task_id": "t-1", "server_id": "s-1"}))
    cloud.expect(task("t-1"), status("t-1", "SUCCESS_RESET"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"]))
    assert states(result) == [("s-1", True, "success"), ("s-2", True, "success")]
    assert [row["uncertain"] for row in result["servers"]] == [False, False]


def test_several_lost_responses_in_a_row_stop_the_sending(cloud: FakeTransport) -> None:
    ids = [f"s-{number}" for number in range(5)]
    planned(cloud, *map(server, ids))
    cloud.always(RUNNING, listed())
    cloud.always(FAILED, listed())
    for server_id in ids[:3]:
        cloud.expect(ASSOCIATE, answer({}, 504), body=body(server_id))
        cloud.always(detail(server_id), {"servers": [server(server_id)]})
    result = result_of(start(cloud, server_ids=ids, wait=False, on_failure="return"))
    assert [state for _id, _changed, state in states(result)] == ["unknown"] * 3 + ["error"] * 2
    assert "the responses to 3 requests in a row were lost" in result["servers"][4]["msg"]


@pytest.mark.parametrize("rows", [[server("s-1", key_name="kp-new")], []], ids=["same pair", "gone"])
def test_an_existing_pair_does_not_show_that_the_request_took_effect(
    cloud: FakeTransport, rows: list[dict[str, t.Any]]
) -> None:
    planned(cloud, server("s-1", key_name="kp-new"))
    cloud.expect(ASSOCIATE, lost(), body=body("s-1"))
    cloud.always(RUNNING, listed())
    cloud.always(FAILED, listed())
    cloud.always(detail("s-1"), {"servers": rows})
    result = result_of(start(cloud, force=True))
    assert states(result) == [("s-1", True, "unknown")]
    assert result["servers"][0]["uncertain"] is True
    assert len(cloud.writes()) == 1


def test_a_failed_search_is_reported_and_stops_the_sending(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"), server("s-2"))
    cloud.expect(ASSOCIATE, lost(), body=body("s-1"))
    cloud.always(RUNNING, error_response(403, "APIGW.0302", "no"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"], on_failure="return"))
    assert states(result) == [("s-1", True, "unknown"), ("s-2", False, "error")]
    assert (result["changed"], result["failed"]) == (True, False)
    assert [row["uncertain"] for row in result["servers"]] == [True, False]
    assert "is not known" in result["servers"][0]["msg"]
    assert "Check the running tasks" in result["servers"][0]["msg"]
    assert cloud.clock.now - 1000.0 < 10.0, "a refusal does not pass"


def test_a_list_that_fails_for_a_while_is_read_again(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, lost(), body=body("s-1"))
    cloud.expect(RUNNING, html(), times=3)
    cloud.expect(RUNNING, listed({"task_id": "t-1", "server_id": "s-1"}))
    cloud.expect(task("t-1"), status("t-1", "SUCCESS_RESET"))
    assert states(result_of(start(cloud))) == [("s-1", True, "success")]


class Breaking(FakeTransport):
    """A cloud on which something of ours breaks after an association was accepted."""

    def send(self, request: Request, timeout: float) -> Response:
        """Implement ``Transport``."""
        response = super().send(request, timeout)
        if request.method == "POST" and b"s-2" in request.body:
            raise ZeroDivisionError
        return response


@pytest.mark.parametrize("on_failure", ["fail", "return"])
def test_after_a_write_and_another_error_the_result_says_what_was_begun(clock: FakeClock, on_failure: str) -> None:
    cloud = Breaking(clock)
    planned(cloud, server("s-1"), server("s-2"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1"))
    cloud.expect(ASSOCIATE, {"task_id": "t-2"}, body=body("s-2"))
    run = start(cloud, server_ids=["s-1", "s-2"], on_failure=on_failure)
    result = Module(lambda context: Association(context).run(), {}, providers=[HWC]).perform(run.context)
    assert (result["failed"], result["changed"], result["task_ids"]) == (True, True, ["t-1"])
    assert states(result) == [("s-1", True, "pending"), ("s-2", True, "unknown")]
    assert [row["uncertain"] for row in result["servers"]] == [False, True]
    assert "ZeroDivisionError" in result["msg"]


def test_after_a_lost_response_and_another_error_the_result_says_what_may_have_begun(clock: FakeClock) -> None:
    cloud = Breaking(clock)
    planned(cloud, server("s-1"), server("s-2"))
    cloud.expect(ASSOCIATE, lost(), body=body("s-1"))
    cloud.expect(RUNNING, listed({"task_id": "t-1", "server_id": "s-1"}))
    cloud.expect(ASSOCIATE, {"task_id": "t-2"}, body=body("s-2"))
    run = start(cloud, server_ids=["s-1", "s-2"])
    result = Module(lambda context: Association(context).run(), {}, providers=[HWC]).perform(run.context)
    assert (result["failed"], result["changed"], result["task_ids"]) == (True, True, ["t-1"])


# --- Ends of a wait


@pytest.mark.parametrize("on_failure", ["fail", "return"])
def test_when_the_time_is_up_the_tasks_go_on(cloud: FakeTransport, on_failure: str) -> None:
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1"))
    cloud.always(task("t-1"), status("t-1", "RUNNING_RESET"))
    result = result_of(start(cloud, wait_timeout=60.0, on_failure=on_failure))
    assert states(result) == [("s-1", True, "pending")]
    assert (result["changed"], result["failed"], result["task_ids"]) == (True, on_failure == "fail", ["t-1"])
    assert result["servers"][0]["status"] == "RUNNING_RESET"
    assert "The time (wait_timeout, 60 s) is up. The started operations continue." in result["msg"]


def test_reading_and_sending_count_against_the_time(cloud: FakeTransport) -> None:
    cloud.expect(KEYPAIR, {"keypair": {"name": "kp-new"}}, took=20.0)
    cloud.expect(detail("s-1"), {"servers": [server("s-1")]}, took=20.0)
    cloud.expect(RUNNING, listed(), took=15.0)
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1"))
    cloud.always(task("t-1"), status("t-1", "RUNNING_RESET"))
    result_of(start(cloud, wait_timeout=60.0))
    assert 59.0 < cloud.clock.now - 1000.0 < 61.0


def test_an_unknown_status_is_waited_on_with_a_warning(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1"))
    cloud.expect(task("t-1"), status("t-1", "SUCCESS"))
    cloud.expect(task("t-1"), status("t-1", "SUCCESS_RESET"))
    run = start(cloud)
    assert states(result_of(run)) == [("s-1", True, "success")]
    assert any("unknown status SUCCESS" in warning for warning in run.module.warnings)


def test_a_wait_that_is_refused_tells_what_was_begun(cloud: FakeTransport) -> None:
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1"))
    cloud.expect(task("t-1"), REFUSED)
    result = result_of(start(cloud))
    assert states(result) == [("s-1", True, "pending")]
    assert (result["changed"], result["failed"], result["task_ids"]) == (True, True, ["t-1"])
    assert "verify aksk signature fail" in result["msg"]


class Interrupting(FakeClock):
    """A clock that a signal interrupts in the first pause of a wait."""

    def sleep(self, seconds: float) -> None:
        """Implement ``Clock``."""
        raise Interrupted("SIGTERM")


def test_an_interrupted_wait_tells_what_was_begun() -> None:
    cloud = FakeTransport(Interrupting())
    planned(cloud, server("s-1"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1"))
    cloud.expect(task("t-1"), status("t-1", "RUNNING_RESET"))
    result = result_of(start(cloud))
    assert states(result) == [("s-1", True, "pending")]
    assert (result["changed"], result["failed"], result["task_ids"]) == (True, True, ["t-1"])
    assert "SIGTERM" in result["msg"]
    cloud.check()


@pytest.mark.parametrize("on_failure", ["fail", "return"])
def test_a_plan_that_cannot_be_made_changes_nothing(cloud: FakeTransport, on_failure: str) -> None:
    cloud.expect(KEYPAIR, {"keypair": {"name": "kp-new"}})
    cloud.expect(detail("s-1"), error_response(403, "APIGW.0302", "no"))
    run = start(cloud, on_failure=on_failure)
    if on_failure == "fail":
        with pytest.raises(ForbiddenError):
            result_of(run)
        assert run.context.result["changed"] is False
    else:
        result = result_of(run)
        assert states(result) == [("s-1", False, "error")]
        assert set(result["servers"][0]) >= {"operation", "task_id", "previous_keypair_name", "keypair_name"}
        assert (result["changed"], result["failed"], result["task_ids"]) == (False, False, [])


@pytest.mark.parametrize("on_failure", ["fail", "return"])
def test_accepted_tasks_are_kept_when_the_wait_cannot_begin(cloud: FakeTransport, on_failure: str) -> None:
    # An error on the way to the wait says nothing about a task that runs: it is not told as if nothing had been done.
    planned(cloud, server("s-1"), server("s-2"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1"))
    cloud.expect(ASSOCIATE, error_response(400, "KPS.0001", "no"), body=body("s-2"))
    run = start(cloud, server_ids=["s-1", "s-2"], on_failure=on_failure)

    class Interlude(Association):
        def wait(self) -> None:
            raise ForbiddenError("The task may not be read.")

    if on_failure == "fail":
        with pytest.raises(ForbiddenError):
            run.execute(lambda context: Interlude(context).run())
        result = run.context.result
    else:
        result = run.execute(lambda context: Interlude(context).run())
        assert "The task may not be read." in result["msg"]
    assert states(result) == [("s-1", True, "pending"), ("s-2", False, "error")]
    assert (result["changed"], result["task_ids"]) == (True, ["t-1"])


def test_credentials_that_are_refused_at_once_fail(cloud: FakeTransport) -> None:
    cloud.expect(KEYPAIR, REFUSED)
    with pytest.raises(AuthenticationError):
        result_of(start(cloud))


# --- Ten bindings in one request, several requests at a time


BATCH = f"POST {KPS}/v3/{PROJECT}/keypairs/batch-associate"
WITH_PASSWORD = {"auth": {"type": "password", "key": "root-password"}}


def running(count: int) -> list[dict[str, t.Any]]:
    return [server(f"s-{number}", "ACTIVE", None) for number in range(count)]


def batch_body(*numbers: int) -> dict[str, t.Any]:
    return {"batch_keypairs": [body(f"s-{number}", **WITH_PASSWORD) for number in numbers]}


def begun(*numbers: int) -> dict[str, t.Any]:
    return {"tasks": [{"server_id": f"s-{number}", "task_id": f"t-{number}"} for number in numbers]}


def test_bindings_go_ten_in_a_request(cloud: FakeTransport) -> None:
    rows = running(12)
    planned(cloud, *rows)
    cloud.expect(BATCH, answer(begun(*range(10)), 202), body=batch_body(*range(10)))
    cloud.expect(BATCH, answer(begun(11, 10), 202), body=batch_body(10, 11))
    run = start(cloud, server_ids=[row["id"] for row in rows], root_password="root-password", wait=False)
    result = result_of(run)
    assert result["task_ids"] == [f"t-{number}" for number in range(12)]
    assert {row["operation"] for row in result["servers"]} == {"bind"}


def test_one_binding_is_sent_alone_and_not_as_a_batch(cloud: FakeTransport) -> None:
    planned(cloud, *running(1))
    cloud.expect(ASSOCIATE, answer({"task_id": "t-0"}, 202), body=body("s-0", **WITH_PASSWORD))
    run = start(cloud, server_ids=["s-0"], root_password="root-password", wait=False)
    assert result_of(run)["task_ids"] == ["t-0"]


def test_a_server_that_the_response_to_a_batch_leaves_out_is_searched_for(cloud: FakeTransport) -> None:
    rows = running(2)
    planned(cloud, *rows)
    cloud.expect(BATCH, answer(begun(0), 202), body=batch_body(0, 1))
    cloud.expect(RUNNING, listed({"task_id": "t-1", "server_id": "s-1"}))
    run = start(cloud, server_ids=["s-0", "s-1"], root_password="root-password", wait=False)
    result = result_of(run)
    assert result["task_ids"] == ["t-0", "t-1"]
    assert [bool(row["msg"]) for row in result["servers"]] == [False, True]


def test_nothing_follows_a_first_request_whose_credentials_were_refused(cloud: FakeTransport) -> None:
    rows = running(12)
    planned(cloud, *rows)
    cloud.expect(BATCH, REFUSED, body=batch_body(*range(10)))
    run = start(cloud, server_ids=[row["id"] for row in rows], root_password="root-password", on_failure="return")
    result = result_of(run)
    assert not result["changed"]
    assert {row["state"] for row in result["servers"]} == {"error"}
    assert "Nothing was sent for it" in result["servers"][11]["msg"]


@pytest.mark.parametrize("on_failure", ["fail", "return"])
def test_an_interrupted_request_is_uncertain_and_those_before_it_are_told(clock: FakeClock, on_failure: str) -> None:
    cloud = InterruptedTransport(clock, at=2)
    planned(cloud, server("s-1"), server("s-2"), server("s-3"))
    cloud.expect(ASSOCIATE, {"task_id": "t-1"}, body=body("s-1"))
    cloud.expect(ASSOCIATE, {"task_id": "t-2"}, body=body("s-2"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2", "s-3"], on_failure=on_failure))
    assert states(result) == [("s-1", True, "pending"), ("s-2", True, "unknown"), ("s-3", False, "error")]
    assert [row["uncertain"] for row in result["servers"]] == [False, True, False]
    assert (result["changed"], result["failed"], result["task_ids"]) == (True, on_failure == "fail", ["t-1"])
    assert result["msg"].endswith("Interrupted by SIGTERM.")
    cloud.check()


def test_an_interruption_before_any_request_changes_nothing() -> None:
    cloud = FakeTransport(Interrupting())
    cloud.expect(KEYPAIR, error_response(503, "KPS.0003", "busy"))
    result = result_of(start(cloud))
    assert states(result) == [("s-1", False, "error")]
    assert (result["changed"], result["failed"]) == (False, True)
    assert "Interrupted by SIGTERM." in result["msg"]
