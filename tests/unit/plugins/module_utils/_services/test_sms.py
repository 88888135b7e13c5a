# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SMS: the passphrase, which is shown nowhere else, and the states of migrations."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import Reason
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import sms
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    FakeTransport,
    answer,
    client,
    error_response,
)

SMS = "https://sms.cn-north-4.myhuaweicloud.com"
TASK = "d7fa81b9-c174-4c0a-a475-51a54c8af8a4"
PASSPHRASE = f"GET {SMS}/v3/tasks/{TASK}/passphrase"


def test_the_passphrase(cloud: FakeTransport) -> None:
    cloud.expect(PASSPHRASE, {"task_id": TASK, "passphrase": "open sesame"})
    assert sms.show_passphrase(client(cloud), TASK) == "open sesame"
    # SMS refuses requests without a content type.
    assert cloud.requests[0].headers["Content-Type"] == "application/json"


def test_an_empty_passphrase_is_a_passphrase(cloud: FakeTransport) -> None:
    cloud.expect(PASSPHRASE, {"task_id": TASK, "passphrase": ""})
    assert sms.show_passphrase(client(cloud), TASK) == ""


@pytest.mark.parametrize(
    "broken",
    [
        Response(200, {"content-type": "application/json"}, b'{"task_id": "t", "passphrase": "open sesame'),
        Response(200, {"content-type": "text/html"}, b"open sesame"),
        answer(["open sesame"]),
        answer({"task_id": TASK, "pass_phrase": "open sesame"}),
        answer({"task_id": TASK, "passphrase": {"text": "open sesame"}}),
        answer({"task_id": "another", "passphrase": "open sesame"}),
    ],
)
def test_an_invalid_response_does_not_show_the_passphrase(cloud: FakeTransport, broken: Response) -> None:
    cloud.expect(PASSPHRASE, broken)
    with pytest.raises(errors.InvalidResponseError) as caught:
        sms.show_passphrase(client(cloud, timeout=0.4), TASK)
    assert "sesame" not in f"{caught.value} {caught.value.as_result()}"


def test_an_unknown_task_is_an_error_of_its_own(cloud: FakeTransport) -> None:
    cloud.expect(PASSPHRASE, error_response(404, "SMS.2252", "The task does not exist."))
    with pytest.raises(errors.NotFoundError, match=r"SMS\.2252"):
        sms.show_passphrase(client(cloud), TASK)


def test_a_404_of_the_gateway_is_not_an_unknown_task(cloud: FakeTransport) -> None:
    cloud.expect(PASSPHRASE, error_response(404, "APIGW.0101", "The API does not exist."))
    with pytest.raises(errors.RejectedError):
        sms.show_passphrase(client(cloud), TASK)


def test_a_missing_permission_has_all_details(cloud: FakeTransport) -> None:
    # As on the vendor's page on ShowPassphrase (support.huaweicloud.com, 2026-01-27).
    document = {
        "error_code": "SMS.9004",
        "error_msg": "The current account does not have the permission to execute policy. You do not have permission to "
        "perform action XXX on resource XXX.",
        "encoded_authorization_message": "XXXXXX",
        "error_param": ["You do not have permission to perform action XXX on resource XXX."],
        "details": [
            {
                "error_code": "SMS.9004",
                "error_msg": "You do not have permission to perform action XXX on resource XXX.",
            }
        ],
    }
    cloud.expect(PASSPHRASE, answer(document, 403))
    with pytest.raises(errors.ForbiddenError) as caught:
        sms.show_passphrase(client(cloud), TASK)
    assert "does not have the permission to execute policy" in str(caught.value)
    assert "Reason: SMS.9004: You do not have permission" in str(caught.value)
    assert str(caught.value).endswith("XXXXXX")
    assert caught.value.as_result()["error_details"] == {
        name: document[name] for name in ("encoded_authorization_message", "error_param", "details")
    }


#: Every state in either of the vendor's two lists.
STATES = {
    "pending": ["READY", "RUNNING", "SYNCING", "ABORTING", "SKIPPING", "DELETING", "RESETING", "SYNC_F_ROLLBACKING"],
    "success": ["MIGRATE_SUCCESS", "SYNC_SUCCESS"],
    "failed": ["MIGRATE_FAIL", "SYNC_FAIL", "ABORT", "SYNC_F_ROLLBACK_SUCCESS"],
    "unknown": ["PAUSED", "migrate_success", "SUCCESS", "RESETTING", "", None, 1],
}


@pytest.mark.parametrize(("state", "words"), list(STATES.items()))
def test_every_status_has_its_state(state: str, words: list[t.Any]) -> None:
    assert {sms.classify(word) for word in words} == {state}
    if state != "unknown":
        assert sorted(sms.SmsBackend.statuses[state]) == sorted(words)


def read(cloud: FakeTransport, **fields: t.Any) -> t.Any:
    cloud.expect(f"GET {SMS}/v3/tasks/t-1", {"id": "t-1", **fields})
    return sms.SmsBackend(client(cloud)).read("t-1", 10.0)


def test_the_status_of_a_wait(cloud: FakeTransport) -> None:
    found = read(
        cloud, state="RUNNING", remain_seconds=90, sub_tasks=[{"progress": 100}, {"progress": 33}, {"progress": None}]
    )
    assert (found.task_id, found.state, found.status, found.reason) == ("t-1", "pending", "RUNNING", None)
    assert (found.progress, found.eta) == (66.5, 90.0)


@pytest.mark.parametrize(
    ("fields", "progress", "eta"),
    [
        ({"sub_tasks": []}, None, None),
        ({"sub_tasks": None, "remain_seconds": None}, None, None),
        ({"sub_tasks": "x", "remain_seconds": "90"}, None, None),
        ({"sub_tasks": [1, {"progress": True}], "remain_seconds": -1}, None, None),
        ({"sub_tasks": [{"progress": 0}], "remain_seconds": 0}, 0.0, 0.0),
    ],
)
def test_figures_of_a_wrong_type_are_left_out(
    cloud: FakeTransport, fields: dict[str, t.Any], progress: float | None, eta: float | None
) -> None:
    found = read(cloud, state="RUNNING", **fields)
    assert (found.progress, found.eta) == (progress, eta)


def test_an_ended_task_has_no_estimate(cloud: FakeTransport) -> None:
    assert read(cloud, state="MIGRATE_SUCCESS", remain_seconds=5).eta is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"error_code": "SMS.1414", "error_msg": "No space left."}', Reason("SMS.1414", "No space left.")),
        ('[{"error_code": "SMS.1414", "error_msg": "No space left."}]', Reason("SMS.1414", "No space left.")),
        ({"error_code": "SMS.1414"}, Reason("SMS.1414", None)),
        ("No space left.", Reason(None, "No space left.")),
        ('{"other": 1}', Reason(None, '{"other": 1}')),
        ("[]", Reason(None, "[]")),
        ("", None),
        (None, None),
    ],
)
def test_the_reason_of_a_failed_migration(cloud: FakeTransport, text: t.Any, reason: Reason | None) -> None:
    assert read(cloud, state="MIGRATE_FAIL", error_json=text).reason == reason


def test_an_error_of_a_migration_that_goes_on_is_not_a_reason(cloud: FakeTransport) -> None:
    assert read(cloud, state="RUNNING", error_json="No space left.").reason is None


def test_an_unknown_migration_is_not_found(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {SMS}/v3/tasks/t-1", error_response(404, "SMS.2252", "no"))
    # SMS belongs to no project and no region.
    with pytest.raises(errors.NotFoundError, match=r"Check the id and the account\.$"):
        sms.SmsBackend(client(cloud)).read("t-1", 10.0)


def test_the_pages_of_a_wait(cloud: FakeTransport) -> None:
    rows = [{"id": f"t-{number}", "state": "RUNNING"} for number in range(200)]
    cloud.expect(f"GET {SMS}/v3/tasks?limit=200&offset=0", {"count": 201, "tasks": rows})
    cloud.expect(f"GET {SMS}/v3/tasks?limit=200&offset=200", {"count": 201, "tasks": [{"id": "x", "state": "ABORT"}]})
    source = sms.SmsBackend(client(cloud))
    first = source.page(None, 0.0, 10.0)
    second = source.page(first.next, 0.0, 10.0)
    assert (len(first.tasks), first.next) == (200, 200)
    assert ([s.state for s in second.tasks], second.next) == (["failed"], None)


@pytest.mark.parametrize(
    ("offset", "count", "rows", "following"),
    [
        (0, 1, 1, None),
        (0, None, 1, 1),
        (0, 0, 0, None),
        (0, 5, 0, None),
        (65400, 99999, 200, None),
        (65300, 99999, 200, 65500),
    ],
)
def test_the_last_page_of_a_wait(
    cloud: FakeTransport, offset: int, count: int | None, rows: int, following: int | None
) -> None:
    tasks = [{"id": f"t-{number}", "state": "READY"} for number in range(rows)]
    cloud.expect(f"GET {SMS}/v3/tasks?limit=200&offset={offset}", {"count": count, "tasks": tasks})
    assert sms.SmsBackend(client(cloud)).page(offset or None, 0.0, 10.0).next == following


#: Where SMS lives, by the region of the user: in one place per site, with few exceptions.
SITES = {
    "cn-north-4": "sms.cn-north-4.myhuaweicloud.com",
    "cn-east-3": "sms.cn-north-4.myhuaweicloud.com",
    "ap-southeast-1": "sms.ap-southeast-3.myhuaweicloud.com",
    "ap-southeast-3": "sms.ap-southeast-3.myhuaweicloud.com",
    "my-kualalumpur-1": "sms.my-kualalumpur-1.myhuaweicloud.com",
    "ru-moscow-1": "sms-api.ru-moscow-1.myhuaweicloud.com",
}


@pytest.mark.parametrize(("region", "host"), list(SITES.items()))
def test_the_endpoint_of_sms(cloud: FakeTransport, region: str, host: str) -> None:
    cloud.expect(f"GET https://{host}/v3/tasks/{TASK}/passphrase", {"task_id": TASK, "passphrase": "p"})
    warnings: list[str] = []
    assert sms.show_passphrase(client(cloud, region=region, warnings=warnings), TASK) == "p"
    assert warnings == []
