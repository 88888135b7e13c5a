# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules log in to a real Keystone: passwords, scopes, tokens that end or are revoked, and wrong passwords."""

from __future__ import annotations

import json
import typing as t

import pytest

from emulator import Emulator
from emulator.service import Sender

from .conftest import Ask
from .iam import Account, Keystone
from .server import EXPIRATION, FAILURES

LIST = ("hwc_kps_task_info", {"list": "running"})


def check(result: dict[str, t.Any], account: Account) -> None:
    """Return a module worked, and shows no password."""
    assert not result.get("failed"), result
    assert account.password not in json.dumps(result, ensure_ascii=False)


def test_a_password_gets_a_token_for_the_project_of_the_region(ask: Ask, emulator: Emulator, account: Account) -> None:
    check(ask(*LIST), account)
    entry = emulator.requests[-1]
    assert entry.identity == account.user
    assert f"/{account.projects['cn-north-4']}/" in entry.path


@pytest.mark.parametrize("given", ["HW_PROJECT_ID", "hwc_project_id", "HW_PROJECT_NAME", "hwc_project_name"])
def test_another_project_may_be_named(ask: Ask, emulator: Emulator, account: Account, given: str) -> None:
    value = "cn-east-3" if given.lower().endswith("name") else account.projects["cn-east-3"]
    module, options = LIST
    if given.islower():
        check(ask(module, {**options, given: value}, HW_PROJECT_ID=account.projects["cn-north-4"]), account)
    else:
        check(ask(module, options, **{given: value}), account)
    assert f"/{account.projects['cn-east-3']}/" in emulator.requests[-1].path


def test_a_token_request_with_a_project_name_names_the_account(keystone: Keystone, account: Account) -> None:
    named = {"name": "cn-north-4"}
    refused = keystone.login(account.user, account.password, account.name, {"project": named})
    assert (refused.status, "domain in project" in refused.document["error"]["message"]) == (400, True)
    whole = {"project": {**named, "domain": {"name": account.name}}}
    assert keystone.login(account.user, account.password, account.name, whole).status == 201


def test_a_ready_token_whose_user_may_not_list_projects(ask: Ask, keystone: Keystone, account: Account) -> None:
    scope = {"project": {"id": account.projects["cn-north-4"]}}
    token = keystone.login(account.user, account.password, account.name, scope).headers["x-subject-token"]
    refused = ask(*LIST, HW_AUTH_TOKEN=token)
    assert (refused["failed"], refused["http_status"]) == (True, 403), refused
    assert "Give its id in hwc_project_id" in refused["msg"]
    result = ask(*LIST, HW_AUTH_TOKEN=token, HW_PROJECT_ID=account.projects["cn-north-4"])
    check(result, account)
    assert token not in json.dumps([refused, result])


def test_sms_gets_a_token_of_the_account(ask: Ask, emulator: Emulator, account: Account) -> None:
    result = ask("hwc_sms_passphrase_info", {"task_id": "m-1"}, HWC_REGION="cn-east-3")
    check(result, account)
    assert emulator.requests[-1].identity == account.user


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"HW_USER_PASSWORD": "wrong"}, "hwc_user_password"),
        ({"HW_USER_NAME": "nobody"}, "hwc_user_name"),
        ({"HW_DOMAIN_NAME": "nowhere"}, "hwc_domain_name"),
        ({"HWC_REGION": "cn-mars-1"}, "hwc_user_password"),
    ],
)
def test_logins_that_keystone_rejects(ask: Ask, environ: dict[str, str], words: str) -> None:
    module, options = LIST
    result = ask(module, options, **environ)
    assert (result["failed"], result["http_status"], words in result["msg"]) == (True, 401, True), result


def test_a_wrong_password_does_not_lock_the_user(ask: Ask, keystone: Keystone, account: Account) -> None:
    tasks = {"service": "kps", "task_ids": [f"t-{number}" for number in range(30)], "timeout": 5}
    for _run in range(FAILURES - 1):
        result = ask("wait_for_task", tasks, HW_USER_PASSWORD="wrong")
        assert (result["failed"], "hwc_user_password" in result["msg"]) == (True, True), result
        assert {task["state"] for task in result["tasks"]} == {"pending"}
    check(ask(*LIST), account)
    # It is locked by as many as Keystone is told, so that each run above sent one.
    scope = {"project": {"id": account.projects["cn-north-4"]}}
    for _attempt in range(FAILURES):
        assert keystone.login(account.user, "wrong", account.name, scope).status == 401
    assert ask(*LIST).get("failed")


def wait(ask: Ask, keystone: Keystone, emulator: Emulator, account: Account) -> dict[str, t.Any]:
    """Start a task of 20 seconds, and wait for it."""
    project = account.projects["cn-north-4"]
    with emulator.world.lock:
        server = next(iter(emulator.huawei.servers.values()))
        server.project_id, server.status = project, "SHUTOFF"
        emulator.huawei.pairs.add(project, account.user_id, "new", emulator.new_key.public)
    login = keystone.login(account.user, account.password, account.name, {"project": {"id": project}})
    token = login.headers["x-subject-token"]
    body = {"keypair_name": "new", "server": {"id": server.id}}
    made = Keystone(emulator.url, "").send("POST", f"/v3/{project}/keypairs/associate", body, X_Auth_Token=token)
    assert made.status in (200, 202), made
    emulator.requests.clear()
    return ask("wait_for_task", {"service": "kps", "task_id": made.document["task_id"], "timeout": 300, "interval": 1})


def test_a_wait_outlives_its_tokens(ask: Ask, keystone: Keystone, emulator: Emulator, account: Account) -> None:
    asked: list[str] = []
    foreign = emulator.huawei.directory.foreign

    def whose(text: str) -> Sender | None:
        asked.append(text)
        return foreign(text)

    emulator.huawei.directory.foreign = whose
    check(result := wait(ask, keystone, emulator, account), account)
    assert result["tasks"][0]["state"] == "success"
    assert len(set(asked)) >= 1 + 20 // (3 * EXPIRATION), "a token lives for a part of the wait"


def test_a_wait_outlives_a_revoked_token(ask: Ask, keystone: Keystone, emulator: Emulator, account: Account) -> None:
    revoked: list[str] = []

    def whose(text: str) -> Sender | None:
        if not revoked and emulator.requests.of("ListKeypairTask"):
            keystone.revoke(text)
            revoked.append(text)
        return keystone.whose(text)

    emulator.huawei.directory.foreign = whose
    check(result := wait(ask, keystone, emulator, account), account)
    assert (result["tasks"][0]["state"], len(revoked)) == ("success", 1)
    statuses = [entry.status for entry in emulator.requests.of("ListKeypairTask")]
    assert 401 in statuses
