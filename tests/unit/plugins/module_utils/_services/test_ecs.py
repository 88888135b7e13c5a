# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ECS: servers read by ids and by pages, power actions, and the states of jobs and their sub-jobs."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    InvalidResponseError,
    NotFoundError,
    RejectedError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import Reason
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import ecs
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    ECS,
    PROJECT,
    FakeTransport,
    answer,
    client,
    error_response,
)

SERVERS = f"{ECS}/v1/{PROJECT}/cloudservers"
JOB = f"GET {ECS}/v1/{PROJECT}/jobs/j-1"


def by_ids(*ids: str) -> str:
    return f"GET {SERVERS}/detail?server_id={'%2C'.join(ids)}"


def server(server_id: str, **fields: t.Any) -> dict[str, t.Any]:
    return {"id": server_id, "name": f"name of {server_id}", "status": "ACTIVE", **fields}


def nowhere(server_id: str) -> dict[str, t.Any]:
    """Return the row of a server that does not exist: all but the id and a fault is null."""
    return {"id": server_id, "name": None, "status": None, "fault": {"code": 404, "message": "not found"}}


def test_servers_are_read_by_ids_a_hundred_at_a_time(cloud: FakeTransport) -> None:
    ids = [f"s-{number}" for number in range(201)]
    for start in (0, 100, 200):
        part = ids[start : start + 100]
        cloud.expect(by_ids(*part), {"count": len(part), "servers": [server(server_id) for server_id in part]})
    assert list(ecs.read_servers(client(cloud), ids)) == ids


def test_no_servers_are_read_without_a_request(cloud: FakeTransport) -> None:
    assert ecs.read_servers(client(cloud), []) == {}


def test_servers_that_do_not_exist_and_servers_of_others_are_left_out(cloud: FakeTransport) -> None:
    rows = [server("s-1"), nowhere("s-2"), server("s-9")]
    cloud.expect(by_ids("s-1", "s-2", "s-3"), {"count": 4, "servers": rows})
    assert list(ecs.read_servers(client(cloud), ["s-1", "s-2", "s-3"])) == ["s-1"]


@pytest.mark.parametrize("document", [{"servers": None}, {"servers": {}}, {"servers": ["s-1"]}, {}], ids=repr)
def test_a_server_is_not_missing_where_there_is_no_list(cloud: FakeTransport, document: t.Any) -> None:
    cloud.expect(by_ids("s-1"), document)
    with pytest.raises(InvalidResponseError, match="'servers'"):
        ecs.read_servers(client(cloud), ["s-1"])


@pytest.mark.parametrize(
    "row",
    [{"status": "ACTIVE"}, {"id": 7}, {"id": "s-1", "name": "web"}, {"id": "s-1", "name": "web", "status": None}],
    ids=repr,
)
def test_a_server_is_not_missing_where_its_row_is_not_understood(cloud: FakeTransport, row: t.Any) -> None:
    cloud.expect(by_ids("s-1"), {"servers": [row]}, times=2)
    with pytest.raises(InvalidResponseError):
        ecs.read_servers(client(cloud), ["s-1"])
    with pytest.raises(InvalidResponseError):
        ecs.ServerStatusBackend(client(cloud), "ACTIVE", ["s-1"]).read("s-1", 10.0)


def test_an_invalid_row_does_not_hide_the_others_of_its_page(cloud: FakeTransport) -> None:
    rows = [server("s-1"), {"id": 7}, server("s-2", status=None), server("s-3", locked="no")]
    cloud.expect(by_ids("s-1", "s-2", "s-3"), {"servers": rows})
    page = ecs.ServerStatusBackend(client(cloud), "ACTIVE", ["s-1", "s-2", "s-3"]).page(None, 0.0, 10.0)
    assert [task.task_id for task in page.tasks] == ["s-1"]


#: The rows of each page, and the count it names.
PAGED: dict[str, list[tuple[list[str], t.Any]]] = {
    "nothing": [([], 0)],
    "one": [(["a"], 1)],
    "two pages": [(["a", "b"], 3), (["c"], 3)],
    "no count": [(["a"], None), ([], None)],
    "a page that repeats": [(["a", "b"], 9), (["b", "a"], 9)],
    "a row that slid": [(["a", "b"], 3), (["b", "c"], 3)],
}


@pytest.mark.parametrize("pages", list(PAGED.values()), ids=list(PAGED))
def test_servers_are_listed_page_by_page(cloud: FakeTransport, pages: list[tuple[list[str], t.Any]]) -> None:
    for number, (ids, count) in enumerate(pages, 1):
        document = {"servers": [server(server_id) for server_id in ids], "count": count}
        cloud.expect(f"GET {SERVERS}/detail?limit=1000&name=web%20%2F&offset={number}", document)
    found = ecs.list_servers(client(cloud), {"name": "web /"})
    assert [row["id"] for row in found.rows] == sorted({server_id for ids, _count in pages for server_id in ids})


def test_a_server_is_summarized_under_plain_names() -> None:
    row = {
        "id": "s-1",
        "name": "web-01",
        "status": "SHUTOFF",
        "OS-EXT-STS:task_state": "powering-on",
        "OS-EXT-STS:vm_state": "stopped",
        "OS-EXT-STS:power_state": 4,
        "key_name": "kp",
        "locked": True,
        "metadata": {
            "os_type": "Linux",
            "image_name": "Ubuntu 22.04",
            "metering.imagetype": "gold",
            "metering.image_id": "i-1",
        },
        "image": {"id": "i-2"},
        "addresses": {"net": [{"addr": "192.168.0.10", "version": "4", "OS-EXT-IPS:type": "fixed"}]},
        "fault": {"message": "broken"},
    }
    assert ecs.summarize(row) == {
        "server_id": "s-1",
        "name": "web-01",
        "status": "SHUTOFF",
        "task_state": "powering-on",
        "vm_state": "stopped",
        "power_state": 4,
        "key_name": "kp",
        "locked": True,
        "os_type": "Linux",
        "image_id": "i-2",
        "image_name": "Ubuntu 22.04",
        "image_type": "gold",
        "addresses": [{"network": "net", "address": "192.168.0.10", "version": "4", "type": "fixed"}],
        "fault": {"message": "broken"},
    }


def test_missing_fields_of_a_server_are_null() -> None:
    # A server that boots from a volume has an empty image; one without a key pair an empty name.
    row = {"id": "s-1", "status": "ACTIVE", "image": "", "key_name": "", "metadata": None, "addresses": None}
    summary = ecs.summarize(row)
    assert (summary.pop("server_id"), summary.pop("status")) == ("s-1", "ACTIVE")
    assert summary.pop("addresses") == []
    assert summary.pop("locked") is False
    assert set(summary.values()) == {None}
    assert ecs.summarize(server("s-1", metadata={"metering.image_id": "i-1"}))["image_id"] == "i-1"


@pytest.mark.parametrize(
    "fields",
    [
        {"locked": "false"},
        {"key_name": ["kp"]},
        {"OS-EXT-STS:task_state": 1},
        {"metadata": []},
        {"metadata": {"os_type": 7}},
        {"metadata": {"image_name": ["Ubuntu"]}},
        {"image": "i-1"},
        {"addresses": ["192.168.0.10"]},
        {"addresses": {"net": {"addr": "192.168.0.10"}}},
        {"addresses": {"net": ["192.168.0.10"]}},
        {"name": {}},
        {"fault": "broken"},
    ],
    ids=repr,
)
def test_a_field_of_another_type_is_named(fields: dict[str, t.Any]) -> None:
    with pytest.raises(InvalidResponseError, match="ECS ListServersDetails was answered with '.*' that"):
        ecs.summarize(server("s-1", **fields))


def test_servers_are_started_and_stopped_in_one_request(cloud: FakeTransport) -> None:
    both = [{"id": "s-1"}, {"id": "s-2"}]
    cloud.expect(f"POST {SERVERS}/action", {"job_id": "j-1"}, body={"os-start": {"servers": both}})
    assert ecs.start(client(cloud), ["s-1", "s-2"]) == "j-1"
    cloud.expect(f"POST {SERVERS}/action", {"job_id": "j-2"}, body={"os-stop": {"servers": both, "type": "HARD"}})
    assert ecs.stop(client(cloud), ["s-1", "s-2"], "HARD") == "j-2"


def sub(server_id: str | None, status: str, **fields: t.Any) -> dict[str, t.Any]:
    return {"job_id": f"sub-{server_id}", "status": status, "entities": {"server_id": server_id}, **fields}


def job(status: t.Any, *subs: dict[str, t.Any], **fields: t.Any) -> dict[str, t.Any]:
    return {
        "job_id": "j-1",
        "status": status,
        "entities": {"sub_jobs_total": len(subs), "sub_jobs": list(subs)},
        **fields,
    }


FAILURE = {"error_code": "Ecs.0114", "fail_reason": "The server is locked"}

#: A job, its state, and the reason as a person reads it.
JOBS: dict[str, tuple[dict[str, t.Any], str, str | None]] = {
    "not begun": (job("INIT"), "pending", None),
    "running": (job("RUNNING", sub("a", "SUCCESS"), sub("b", "INIT")), "pending", None),
    "running with a failure": (job("RUNNING", sub("a", "FAIL", **FAILURE)), "pending", None),
    "done": (job("SUCCESS", sub("a", "SUCCESS"), sub("b", "SUCCESS")), "success", None),
    "done without parts": (job("SUCCESS"), "success", None),
    "done, a part failed": (
        job("SUCCESS", sub("a", "SUCCESS"), sub("b", "FAIL", **FAILURE)),
        "failed",
        "Ecs.0114: b Ecs.0114: The server is locked",
    ),
    "done, a part is not": (job("SUCCESS", sub("a", "SUCCESS"), sub("b", "RUNNING")), "pending", None),
    "done, a part has an unknown status": (job("SUCCESS", sub("a", "PAUSED")), "pending", None),
    "failed": (job("FAIL", **FAILURE), "failed", "Ecs.0114: The server is locked"),
    "failed without words": (job("FAIL"), "failed", None),
    "failed in parts": (
        job("FAIL", sub("a", "FAIL"), sub("b", "SUCCESS"), error_code="Ecs.0000"),
        "failed",
        "a failed",
    ),
    "an unknown status": (job("SUCCEEDED"), "unknown", None),
    "a word in lower case": (job("success"), "unknown", None),
    "entities that are null": ({"status": "SUCCESS", "entities": None}, "success", None),
    "parts that are null": ({"status": "SUCCESS", "entities": {"sub_jobs": None}}, "success", None),
}


@pytest.mark.parametrize(("answered", "state", "reason"), list(JOBS.values()), ids=list(JOBS))
def test_the_state_of_a_job_includes_its_sub_jobs(answered: dict[str, t.Any], state: str, reason: str | None) -> None:
    classified, why = ecs.classify_job(answered)
    assert classified == state
    assert (str(why) if why else None) == reason


def test_a_reason_names_a_few_sub_jobs_and_counts_the_others() -> None:
    _state, reason = ecs.classify_job(job("FAIL", *(sub(f"s-{number}", "FAIL", **FAILURE) for number in range(8))))
    text = str(reason)
    assert "s-0 Ecs.0114: The server is locked; s-1" in text
    assert "s-4" in text
    assert "s-5" not in text
    assert text.endswith("and 3 more")


def test_the_reason_of_a_sub_job_is_taken_from_where_it_is() -> None:
    failed = sub("s-1", "FAIL", error_code="Ecs.0005", fail_reason="outer")
    failed["entities"]["errorcode_message"] = "inner"
    assert ecs.job_outcomes(job("FAIL", failed)) == {"s-1": ("failed", Reason("Ecs.0005", "inner"))}


def test_sub_jobs_tell_about_their_servers() -> None:
    parts = [sub("a", "SUCCESS"), sub("b", "FAIL", **FAILURE), sub("c", "INIT"), sub("d", "ODD"), sub(None, "FAIL")]
    assert ecs.job_outcomes(job("RUNNING", *parts, {"status": "FAIL"})) == {
        "a": ("success", None),
        "b": ("failed", Reason("Ecs.0114", "The server is locked")),
        "c": ("pending", None),
        "d": ("unknown", None),
    }


def test_a_job_is_read_with_its_progress(cloud: FakeTransport) -> None:
    answered = job("RUNNING", sub("a", "SUCCESS"), sub("b", "FAIL"), sub("c", "RUNNING"))
    cloud.expect(JOB, answered)
    task = ecs.EcsJobBackend(client(cloud)).read("j-1", 10.0)
    assert (task.task_id, task.state, task.status) == ("j-1", "pending", "RUNNING")
    assert task.progress == 66.7
    assert task.data == answered


@pytest.mark.parametrize("entities", [None, {}, {"sub_jobs_total": 0}, {"sub_jobs_total": "2"}], ids=repr)
def test_a_job_without_a_count_of_sub_jobs_has_no_progress(cloud: FakeTransport, entities: t.Any) -> None:
    cloud.expect(JOB, {"job_id": "j-1", "status": "INIT", "entities": entities})
    assert ecs.EcsJobBackend(client(cloud)).read("j-1", 10.0).progress is None


@pytest.mark.parametrize(
    "response",
    [
        answer({"error": {"code": "Ecs.1000", "message": "itemNotFound: job"}}, 400),
        answer({"itemNotFound": {"code": 404, "message": "job not found"}}, 404),
    ],
    ids=["400", "404"],
)
def test_an_unknown_job_is_not_found(cloud: FakeTransport, response: t.Any) -> None:
    cloud.expect(JOB, response)
    with pytest.raises(NotFoundError):
        ecs.EcsJobBackend(client(cloud)).read("j-1", 10.0)


@pytest.mark.parametrize(
    "response",
    [
        error_response(404, "APIGW.0101", "The API does not exist"),
        answer({"error": {"code": "Ecs.1000", "message": "bad"}}, 400),
    ],
    ids=["no such API", "another 400"],
)
def test_another_error_response_is_not_about_the_job(cloud: FakeTransport, response: t.Any) -> None:
    cloud.expect(JOB, response)
    with pytest.raises(RejectedError):
        ecs.EcsJobBackend(client(cloud)).read("j-1", 10.0)


def test_a_query_that_failed_inside_the_service_may_be_repeated(cloud: FakeTransport) -> None:
    cloud.expect(JOB, {"code": "Common.0011", "message": "query failed"})
    with pytest.raises(InvalidResponseError, match="Common.0011: query failed") as caught:
        ecs.EcsJobBackend(client(cloud)).read("j-1", 10.0)
    assert caught.value.truncated


def test_the_status_of_another_job_is_an_error(cloud: FakeTransport) -> None:
    cloud.expect(JOB, {"job_id": "j-2", "status": "SUCCESS"})
    with pytest.raises(InvalidResponseError, match="asked about j-1 and answered about something else"):
        ecs.EcsJobBackend(client(cloud)).read("j-1", 10.0)


#: The status that is wanted, the row of the server, and the state it is in.
STATES: dict[str, tuple[str, dict[str, t.Any], str]] = {
    "there": ("SHUTOFF", {"status": "SHUTOFF", "OS-EXT-STS:task_state": None}, "success"),
    "there, and still busy": ("SHUTOFF", {"status": "SHUTOFF", "OS-EXT-STS:task_state": "powering-off"}, "pending"),
    "on the way": ("SHUTOFF", {"status": "ACTIVE", "OS-EXT-STS:task_state": "powering-off"}, "pending"),
    "not begun": ("ACTIVE", {"status": "SHUTOFF", "OS-EXT-STS:task_state": None}, "pending"),
    "rebooting": ("ACTIVE", {"status": "REBOOT"}, "pending"),
    "broken": ("ACTIVE", {"status": "ERROR", "fault": {"code": 500, "message": "No valid host"}}, "failed"),
    "broken, without a word": ("ACTIVE", {"status": "ERROR", "fault": None}, "failed"),
}


@pytest.mark.parametrize(("wanted", "fields", "state"), list(STATES.values()), ids=list(STATES))
def test_a_server_that_changes_its_status_is_a_task(
    cloud: FakeTransport, wanted: str, fields: dict[str, t.Any], state: str
) -> None:
    cloud.expect(by_ids("s-1"), {"servers": [server("s-1", **fields)]})
    task = ecs.ServerStatusBackend(client(cloud), wanted, ["s-1"]).read("s-1", 10.0)
    assert (task.task_id, task.state, task.status) == ("s-1", state, fields["status"])
    assert task.reason == (Reason("500", "No valid host") if fields.get("fault") else None)


def test_a_server_that_is_gone_is_not_found(cloud: FakeTransport) -> None:
    cloud.expect(by_ids("s-1"), {"servers": [nowhere("s-1")]})
    with pytest.raises(NotFoundError, match="knows no server s-1"):
        ecs.ServerStatusBackend(client(cloud), "ACTIVE", ["s-1"]).read("s-1", 10.0)


def test_servers_are_polled_a_hundred_at_a_time(cloud: FakeTransport) -> None:
    ids = [f"s-{number}" for number in range(150)]
    source = ecs.ServerStatusBackend(client(cloud), "ACTIVE", ids)
    cloud.expect(by_ids(*ids[:100]), {"servers": [server(server_id) for server_id in ids[:100]]})
    first = source.page(None, 0.0, 10.0)
    cloud.expect(by_ids(*ids[100:]), {"servers": [server("s-100"), *map(nowhere, ids[101:])]})
    second = source.page(first.next, 0.0, 10.0)
    assert [task.task_id for task in first.tasks] == ids[:100]
    assert [task.task_id for task in second.tasks] == ["s-100"]
    assert (first.next, second.next) == (100, None)


def test_a_list_that_ends_with_a_full_page_has_ended(cloud: FakeTransport) -> None:
    ids = [f"s-{number}" for number in range(100)]
    cloud.expect(by_ids(*ids), {"servers": []})
    assert ecs.ServerStatusBackend(client(cloud), "ACTIVE", ids).page(None, 0.0, 10.0).next is None


def test_ecs_jobs_have_no_list(cloud: FakeTransport) -> None:
    source = ecs.EcsJobBackend(client(cloud))
    assert (source.has_list, source.has_reasons) == (False, False)
    for method in (lambda: source.page(None, 0.0, 1.0), lambda: source.reasons(None, 1.0)):
        with pytest.raises(NotImplementedError, match="ecs"):
            method()
