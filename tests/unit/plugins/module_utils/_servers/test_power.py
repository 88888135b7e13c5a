# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switching servers on and off: planned, refused early, sent once, waited for, and told on every exit."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    CloudError,
    ForbiddenError,
    UsageError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Interrupted
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.power import PowerSwitch
from ansible_collections.multicloud.async_tasks.plugins.modules import hwc_ecs_server_power
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    ECS,
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

ACTION = f"POST {ECS}/v1/{PROJECT}/cloudservers/action"
JOB = f"GET {ECS}/v1/{PROJECT}/jobs/j-1"
DEFAULTS = {**defaults(hwc_ecs_server_power.ARGUMENT_SPEC), "server_ids": ["s-1"], "state": "stopped"}


def start(cloud: FakeTransport, check_mode: bool = False, diff_mode: bool = False, **options: t.Any) -> ModuleRun:
    return ModuleRun(cloud, {**DEFAULTS, **options}, check_mode=check_mode, diff_mode=diff_mode)


def result_of(run: ModuleRun) -> dict[str, t.Any]:
    return run.execute(lambda context: PowerSwitch(context).run())


def server(server_id: str, status: str = "ACTIVE", **fields: t.Any) -> dict[str, t.Any]:
    return {"id": server_id, "name": f"web-{server_id}", "status": status, **fields}


def detail(*ids: str) -> str:
    return f"GET {ECS}/v1/{PROJECT}/cloudservers/detail?server_id={'%2C'.join(ids)}"


def servers(cloud: FakeTransport, *rows: dict[str, t.Any], ids: t.Sequence[str] = ()) -> None:
    """Script a read of servers; those of ``ids`` that have no row do not exist."""
    cloud.expect(detail(*(ids or [row["id"] for row in rows])), {"servers": list(rows)})


def stop_body(*ids: str, kind: str = "SOFT") -> dict[str, t.Any]:
    return {"os-stop": {"servers": [{"id": server_id} for server_id in ids], "type": kind}}


def job(status: str, **subs: str) -> dict[str, t.Any]:
    parts = [
        {"status": word, "error_code": "Ecs.0114", "fail_reason": "It hangs", "entities": {"server_id": server_id}}
        for server_id, word in subs.items()
    ]
    return {"job_id": "j-1", "status": status, "entities": {"sub_jobs_total": len(parts), "sub_jobs": parts}}


def states(result: dict[str, t.Any]) -> list[tuple[str, bool, str]]:
    return [(row["server_id"], row["changed"], row["state"]) for row in result["servers"]]


@pytest.mark.parametrize(("state", "status"), [("stopped", "SHUTOFF"), ("running", "ACTIVE")])
def test_servers_that_are_there_are_left_alone(cloud: FakeTransport, state: str, status: str) -> None:
    # Even one that is locked: nothing is to be done to it.
    servers(cloud, server("s-1", status, locked=True))
    result = result_of(start(cloud, state=state))
    assert states(result) == [("s-1", False, "success")]
    assert (result["changed"], result["failed"], result["msg"]) == (False, False, "Nothing to do for 1 server.")
    assert result["job_ids"] == []


def test_a_server_is_stopped_by_a_job_and_then_read(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body("s-1"))
    cloud.expect(JOB, job("RUNNING"))
    cloud.expect(JOB, job("SUCCESS"))
    servers(cloud, server("s-1", **{"OS-EXT-STS:task_state": "powering-off"}))
    servers(cloud, server("s-1", "SHUTOFF"))
    result = result_of(start(cloud))
    assert result["servers"] == [
        {
            "server_id": "s-1",
            "name": "web-s-1",
            "changed": True,
            "state": "success",
            "status": "SHUTOFF",
            "reason": None,
            "msg": None,
        }
    ]
    assert (result["changed"], result["failed"], result["msg"]) == (True, False, "1 of 1 server was stopped.")
    assert result["job_ids"] == ["j-1"]
    assert result["credentials_source"] == "options"


def test_servers_are_started(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1", "SHUTOFF"), server("s-2", "SHUTOFF"))
    body = {"os-start": {"servers": [{"id": "s-1"}, {"id": "s-2"}]}}
    cloud.expect(ACTION, {"job_id": "j-1"}, body=body)
    cloud.expect(JOB, job("SUCCESS"))
    servers(cloud, server("s-1"), server("s-2"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"], state="running"))
    assert result["msg"] == "2 of 2 servers were started."


def test_a_hard_stop_is_asked_for_only_when_it_is_wanted(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body("s-1", kind="HARD"))
    result_of(start(cloud, stop_type="hard", wait=False))


def test_results_are_in_the_order_of_the_input_without_repetitions(cloud: FakeTransport) -> None:
    servers(
        cloud,
        server("s-1"),
        server("s-2", "SHUTOFF"),
        server("s-3", **{"OS-EXT-STS:task_state": "powering-off"}),
        ids=("s-3", "s-1", "s-2"),
    )
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body("s-1"))
    cloud.expect(JOB, job("SUCCESS"))
    servers(cloud, server("s-3", "SHUTOFF"), server("s-1", "SHUTOFF"))
    result = result_of(start(cloud, server_ids=["s-3", "s-1", "s-3", "s-2"]))
    assert states(result) == [("s-3", False, "success"), ("s-1", True, "success"), ("s-2", False, "success")]
    assert result["servers"][0]["msg"] == "It was already powering-off."
    assert result["msg"] == "1 of 3 servers was stopped."


#: What is odd about a server that is to be stopped, and words of the refusal.
ODD: dict[str, tuple[dict[str, t.Any] | None, str]] = {
    "unknown": (None, "no such server"),
    "busy": (server("s-1", **{"OS-EXT-STS:task_state": "rebooting"}), r"busy \(rebooting\)"),
    "on its way elsewhere": (server("s-1", "SHUTOFF", **{"OS-EXT-STS:task_state": "powering-on"}), "busy"),
    "locked": (server("s-1", locked=True), "It is locked"),
    "broken": (server("s-1", "ERROR"), "status is ERROR"),
    "being built": (server("s-1", "BUILD"), "status is BUILD"),
}


@pytest.mark.parametrize(("odd", "words"), list(ODD.values()), ids=list(ODD))
@pytest.mark.parametrize("check_mode", [False, True])
def test_one_server_that_cannot_be_switched_stops_everything(
    cloud: FakeTransport, odd: dict[str, t.Any] | None, words: str, check_mode: bool
) -> None:
    servers(cloud, *([odd] if odd else []), server("s-2"), ids=("s-1", "s-2"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"], check_mode=check_mode))
    assert states(result) == [("s-1", False, "error"), ("s-2", False, "pending")]
    assert (result["changed"], result["failed"]) == (False, True)
    assert result["msg"].startswith("Nothing was sent: 1 of 2 servers failed: ")
    with pytest.raises(ValueError, match=words):
        raise ValueError(result["servers"][0]["msg"])


@pytest.mark.parametrize(("odd", "words"), list(ODD.values()), ids=list(ODD))
def test_with_return_the_others_are_switched_all_the_same(
    cloud: FakeTransport, odd: dict[str, t.Any] | None, words: str
) -> None:
    servers(cloud, *([odd] if odd else []), server("s-2"), ids=("s-1", "s-2"))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body("s-2"))
    cloud.expect(JOB, job("SUCCESS"))
    servers(cloud, server("s-2", "SHUTOFF"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"], on_failure="return"))
    assert states(result) == [("s-1", False, "error"), ("s-2", True, "success")]
    assert (result["changed"], result["failed"]) == (True, False)
    with pytest.raises(ValueError, match=words):
        raise ValueError(result["msg"])


def test_check_mode_tells_what_would_be_done_and_sends_nothing(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"), server("s-2", "SHUTOFF"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"], check_mode=True, diff_mode=True))
    assert states(result) == [("s-1", True, "pending"), ("s-2", False, "success")]
    assert (result["changed"], result["failed"]) == (True, False)
    assert result["msg"] == "1 of 2 servers would be stopped."
    assert result["diff"] == {
        "before": {"s-1": "ACTIVE", "s-2": "SHUTOFF"},
        "after": {"s-1": "SHUTOFF", "s-2": "SHUTOFF"},
    }
    assert cloud.writes() == []


def test_without_waiting_the_servers_are_on_their_way(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body("s-1"))
    result = result_of(start(cloud, wait=False))
    assert states(result) == [("s-1", True, "pending")]
    assert (result["failed"], result["msg"], result["job_ids"]) == (False, "1 of 1 server is being stopped.", ["j-1"])


def test_a_thousand_servers_are_switched_in_one_request(cloud: FakeTransport) -> None:
    ids = [f"s-{number}" for number in range(1001)]
    for begin in range(0, 1001, 100):
        servers(cloud, *map(server, ids[begin : begin + 100]))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body(*ids[:1000]))
    cloud.expect(ACTION, {"job_id": "j-2"}, body=stop_body(ids[1000]))
    result = result_of(start(cloud, server_ids=ids, wait=False))
    assert result["job_ids"] == ["j-1", "j-2"]


@pytest.mark.parametrize(
    "outcome", [lost(), answer({}, 504), answer({}, 500), html(), cut()], ids=["lost", "504", "500", "html", "cut"]
)
def test_without_a_usable_response_the_servers_themselves_tell(cloud: FakeTransport, outcome: t.Any) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, outcome, body=stop_body("s-1"))
    servers(cloud, server("s-1"))
    servers(cloud, server("s-1", "SHUTOFF"))
    result = result_of(start(cloud))
    assert states(result) == [("s-1", True, "success")]
    assert "no usable response" in result["servers"][0]["msg"]
    assert (result["changed"], result["failed"], result["job_ids"]) == (True, False, [])


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize(("timeout", "longest"), [(1800.0, 61), (10.0, 11)])
def test_a_request_that_was_lost_for_good_is_not_sent_again(
    cloud: FakeTransport, wait: bool, timeout: float, longest: float
) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, lost(), body=stop_body("s-1"))
    cloud.always(detail("s-1"), {"servers": [server("s-1")]})
    result = result_of(start(cloud, wait=wait, wait_timeout=timeout))
    assert states(result) == [("s-1", True, "unknown")]
    assert (result["changed"], result["failed"]) == (True, True)
    assert re.search(r"no usable response.* The server has not changed since\. Run this again\.$", result["msg"])
    assert 5 < sum(cloud.clock.sleeps) < longest


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (server("s-1", **{"OS-EXT-STS:task_state": "powering-off"}), "pending"),
        (server("s-1", "SHUTOFF"), "success"),
    ],
    ids=["stopping", "stopped"],
)
def test_without_waiting_a_lost_request_is_searched_for(
    cloud: FakeTransport, seen: dict[str, t.Any], state: str
) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, lost(), body=stop_body("s-1"))
    for _search in range(3):
        servers(cloud, server("s-1"))
    servers(cloud, seen)
    result = result_of(start(cloud, wait=False))
    assert states(result) == [("s-1", True, state)]
    assert (result["changed"], result["failed"]) == (True, False)


def test_a_lost_request_that_takes_effect_during_the_wait_for_others_is_a_success(cloud: FakeTransport) -> None:
    ids = [f"s-{number}" for number in range(1001)]
    for begin in range(0, 1001, 100):
        servers(cloud, *map(server, ids[begin : begin + 100]))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body(*ids[:1000]))
    cloud.expect(ACTION, lost(), body=stop_body(ids[1000]))
    for _search in range(10):
        servers(cloud, server(ids[1000]))
    cloud.expect(JOB, job("SUCCESS"))
    for begin in range(0, 1000, 100):
        servers(cloud, *(server(server_id, "SHUTOFF") for server_id in ids[begin : min(1000, begin + 100)]))
    servers(cloud, server(ids[1000], "SHUTOFF"))
    result = result_of(start(cloud, server_ids=ids))
    assert {state for _server_id, _changed, state in states(result)} == {"success"}
    assert result["servers"][1000]["msg"] == "The request had no usable response, and took effect later."


def test_a_page_of_a_gateway_does_not_end_the_search_for_a_lost_request(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, lost(), body=stop_body("s-1"))
    cloud.expect(detail("s-1"), html(404))
    servers(cloud, server("s-1", "SHUTOFF"))
    assert states(result_of(start(cloud, wait=False))) == [("s-1", True, "success")]


def test_a_lost_request_after_which_nothing_can_be_read_is_told(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, lost(), body=stop_body("s-1"))
    cloud.expect(detail("s-1"), error_response(403, "APIGW.0302", "no"))
    result = result_of(start(cloud, wait=False))
    assert states(result) == [("s-1", True, "unknown")]
    assert re.search(r"could not be read since: .*APIGW.0302.* Run this again\.$", result["msg"])


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (error_response(400, "Ecs.0114", "Bad server"), "Ecs.0114: Bad server"),
        (error_response(403, "APIGW.0302", "no"), "ecs:cloudServers:stop"),
    ],
    ids=["rejected", "forbidden"],
)
@pytest.mark.parametrize("on_failure", ["fail", "return"])
def test_a_refused_request_changes_nothing(cloud: FakeTransport, outcome: t.Any, words: str, on_failure: str) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, outcome, body=stop_body("s-1"))
    result = result_of(start(cloud, on_failure=on_failure))
    assert states(result) == [("s-1", False, "error")]
    assert (result["changed"], result["failed"]) == (False, on_failure == "fail")
    assert "It was not stopped." in result["msg"]
    assert words in result["msg"]


def test_a_service_that_cannot_be_reached_has_changed_nothing(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"))
    for took in (29.0, 29.0, 0.2):
        cloud.expect(ACTION, unreachable(), body=stop_body("s-1"), took=took)
    result = result_of(start(cloud))
    assert states(result) == [("s-1", False, "error")]
    assert (result["changed"], result["failed"]) == (False, True)


def test_refused_credentials_end_the_run(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, error_response(401, "APIGW.0301", "verify aksk signature fail"), body=stop_body("s-1"))
    run = start(cloud)
    with pytest.raises(AuthenticationError):
        result_of(run)
    assert run.context.result["changed"] is False


def test_with_return_refused_credentials_are_told_in_the_rows(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"), server("s-2", "SHUTOFF"))
    refused = error_response(401, "APIGW.0301", "verify aksk signature fail")
    cloud.expect(ACTION, refused, body=stop_body("s-1"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"], on_failure="return"))
    assert states(result) == [("s-1", False, "error"), ("s-2", False, "success")]
    assert (result["changed"], result["failed"]) == (False, False)
    assert "hwc_secret_key" in result["servers"][0]["msg"]


@pytest.mark.parametrize("on_failure", ["fail", "return"])
def test_servers_that_cannot_be_read_are_an_error(cloud: FakeTransport, on_failure: str) -> None:
    cloud.expect(detail("s-1"), error_response(403, "APIGW.0302", "no"))
    run = start(cloud, on_failure=on_failure)
    if on_failure == "fail":
        with pytest.raises(ForbiddenError, match="ecs:cloudServers:list"):
            result_of(run)
    else:
        result = result_of(run)
        assert states(result) == [("s-1", False, "error")]
        assert (result["changed"], result["failed"]) == (False, False)
        assert "ecs:cloudServers:list" in result["servers"][0]["msg"]


def test_a_part_of_a_job_that_failed_is_its_servers_failure(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"), server("s-2"))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body("s-1", "s-2"))
    cloud.expect(JOB, job("SUCCESS", **{"s-1": "SUCCESS", "s-2": "FAIL"}))
    servers(cloud, server("s-1", "SHUTOFF"))
    servers(cloud, server("s-2"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"]))
    assert states(result) == [("s-1", True, "success"), ("s-2", True, "failed")]
    assert result["servers"][1]["reason"] == {"code": "Ecs.0114", "message": "It hangs"}
    assert (result["changed"], result["failed"]) == (True, True)
    assert "web-s-2 (s-2): ACTIVE, Ecs.0114: It hangs" in result["msg"]


def test_a_server_with_the_wanted_status_succeeds_although_its_job_failed(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body("s-1"))
    cloud.expect(JOB, job("FAIL"))
    servers(cloud, server("s-1", "SHUTOFF"))
    assert states(result_of(start(cloud))) == [("s-1", True, "success")]


def test_a_server_that_goes_into_an_error_status_has_failed(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body("s-1"))
    cloud.expect(JOB, job("SUCCESS"))
    servers(cloud, server("s-1", "ERROR", fault={"code": 500, "message": "No valid host"}))
    result = result_of(start(cloud))
    assert states(result) == [("s-1", True, "failed")]
    assert "500: No valid host" in result["msg"]


@pytest.mark.parametrize("on_failure", ["fail", "return"])
def test_when_the_time_is_up_the_started_operations_continue(cloud: FakeTransport, on_failure: str) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body("s-1"))
    cloud.always(JOB, job("RUNNING"))
    cloud.always(detail("s-1"), {"servers": [server("s-1")]})
    result = result_of(start(cloud, wait_timeout=8.0, on_failure=on_failure))
    assert states(result) == [("s-1", True, "pending")]
    assert (result["changed"], result["failed"], result["job_ids"]) == (True, on_failure == "fail", ["j-1"])
    assert "The time (wait_timeout, 8 s) is up. The started operations continue." in result["msg"]
    assert cloud.clock.now - 1000.0 < 10.0


def test_a_wait_that_is_refused_is_not_followed_by_another(cloud: FakeTransport) -> None:
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body("s-1"))
    cloud.expect(JOB, error_response(401, "APIGW.0301", "verify aksk signature fail"))
    result = result_of(start(cloud))
    assert states(result) == [("s-1", True, "pending")]
    assert (result["changed"], result["failed"], result["job_ids"]) == (True, True, ["j-1"])
    assert "verify aksk signature fail" in result["msg"]


class Interrupting(FakeClock):
    """A clock that a signal interrupts in the first pause of a wait."""

    def sleep(self, seconds: float) -> None:
        """Implement ``Clock``."""
        raise Interrupted("SIGTERM")


def test_an_interrupted_wait_still_tells_what_was_begun() -> None:
    cloud = FakeTransport(Interrupting())
    servers(cloud, server("s-1"))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body("s-1"))
    cloud.expect(JOB, job("RUNNING"))
    result = result_of(start(cloud))
    assert states(result) == [("s-1", True, "pending")]
    assert (result["changed"], result["failed"], result["job_ids"]) == (True, True, ["j-1"])
    assert "SIGTERM" in result["msg"]
    cloud.check()


def test_an_interrupted_request_may_have_been_carried_out(clock: FakeClock) -> None:
    cloud = InterruptedTransport(clock)
    servers(cloud, server("s-1"), server("s-2", "SHUTOFF"))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body("s-1"))
    result = result_of(start(cloud, server_ids=["s-1", "s-2"]))
    assert states(result) == [("s-1", True, "unknown"), ("s-2", False, "success")]
    assert (result["changed"], result["failed"], result["job_ids"]) == (True, True, [])
    assert result["msg"].endswith("Interrupted by SIGTERM.")


@pytest.mark.parametrize("options", [{"server_ids": ["a", ""]}, {"server_ids": [".."]}, {"wait_timeout": -1.0}])
def test_wrong_options_are_refused_before_anything_is_sent(cloud: FakeTransport, options: dict[str, t.Any]) -> None:
    for on_failure in ("fail", "return"):
        with pytest.raises(UsageError, match="Nothing was sent"):
            result_of(start(cloud, on_failure=on_failure, **options))
    assert cloud.requests == []


def test_an_error_after_a_change_does_not_hide_the_change(cloud: FakeTransport) -> None:
    ids = [f"s-{number}" for number in range(1001)]
    for begin in range(0, 1001, 100):
        servers(cloud, *map(server, ids[begin : begin + 100]))
    cloud.expect(ACTION, {"job_id": "j-1"}, body=stop_body(*ids[:1000]))
    cloud.expect(ACTION, error_response(401, "APIGW.0301", "locked"), body=stop_body(ids[1000]))
    run = start(cloud, server_ids=ids)
    with pytest.raises(CloudError):
        result_of(run)
    noted = run.context.result
    assert (noted["changed"], noted["job_ids"]) == (True, ["j-1"])
    assert [row["changed"] for row in noted["servers"]] == [True] * 1000 + [False]
