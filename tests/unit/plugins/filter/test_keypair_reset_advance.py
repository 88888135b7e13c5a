# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the filter keypair_reset_advance: each stage goes to its function, and no record is changed on the way."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.multicloud.async_tasks.plugins.filter.keypair_reset_advance import FilterModule
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._keypair_reset.samples import (
    NEW_KEY,
    desired,
    of,
    record,
    server,
)

advance = FilterModule().filters()["keypair_reset_advance"]
LOGIN = {"name": "web new", "msg": "Yes.", "partial": False, "command_ran": True, "user": None, "port": 22}
SWITCHED = {"server_id": "id-web", "changed": True, "state": "pending", "status": "ACTIVE", "reason": None, "msg": None}


def test_a_run_begins_with_the_desired_states_of_the_hosts() -> None:
    (begun,) = advance([], "begin", results=[desired("web")])
    assert (begun["host"], begun["state"]) == ("web", "planned")


@pytest.mark.parametrize(
    ("stage", "before", "arguments", "after"),
    [
        (
            "earlier_batches",
            record("web"),
            {"results": [record("old", state="failed")], "settings": {"max_failures": "0"}, "canaries": []},
            {"state": "refused"},
        ),
        (
            "journal",
            record("web"),
            {"results": [{"entries": [{"server_id": "id-web", "was_running": True, "task_id": None}]}]},
            {"was_running": True},
        ),
        ("journal_kept", record("web"), {"results": [{"msg": "No space left."}]}, {"state": "refused"}),
        (
            "checks",
            record("web", private_key_file="/k"),
            {"results": [{"logins": [{**LOGIN, "outcome": "not tried", "public_key": NEW_KEY}]}]},
            {"new_public_key": NEW_KEY},
        ),
        ("keypairs", record("web"), {"results": [of("web", keypairs=[])]}, {"state": "refused"}),
        (
            "servers",
            record("web"),
            {"results": [of("web", servers=[server("web")])], "more": [of("web", tasks=[])]},
            {"operation": "reset", "stop": True},
        ),
        (
            "old_keys",
            record("web", old_private_key_file="/k", old_public_key=NEW_KEY, current_keypair_name="old"),
            {"results": [of("web", keypairs=[])]},
            {"state": "refused"},
        ),
        (
            "stop",
            record("web", stop=True, power="ACTIVE"),
            {
                "results": [of("web", servers=[SWITCHED])],
                "more": [of("web", servers=[server("web", status="SHUTOFF")])],
            },
            {"power": "SHUTOFF", "state": "planned"},
        ),
        (
            "associate",
            record("web", power="SHUTOFF"),
            {"results": [of("web", servers=[{**SWITCHED, "task_id": "t1"}])]},
            {"task_id": "t1"},
        ),
        (
            "wait",
            record("web", task_id="t1"),
            {"results": [{"tasks": [{"id": "t1", "state": "success", "status": "SUCCESS_RESET", "elapsed": 1}]}]},
            {"state": "success"},
        ),
        (
            "start",
            record("web", state="success", power="SHUTOFF", touched=True),
            {"results": [of("web", servers=[SWITCHED])], "more": [of("web", servers=[server("web", key_name="new")])]},
            {"power": "ACTIVE"},
        ),
        (
            "verify",
            record("web", state="success", power="ACTIVE"),
            {"results": [{"logins": [{**LOGIN, "outcome": "accepted"}]}]},
            {"new_key": "accepted"},
        ),
        ("finish", record("web", state="success"), {"results": [record("web", state="failed")]}, {"state": "success"}),
    ],
)
def test_every_stage_updates_the_records(
    stage: str, before: dict[str, t.Any], arguments: dict[str, t.Any], after: dict[str, t.Any]
) -> None:
    untouched = copy.deepcopy(before)
    (result,) = advance([before], stage, **arguments)
    assert {name: result[name] for name in after} == after
    assert before == untouched


def test_a_power_job_tells_why_a_server_did_not_stop() -> None:
    sub = {"status": "FAIL", "error_code": "Ecs.1", "fail_reason": "No", "entities": {"server_id": "id-web"}}
    job = {"id": "j", "status": "FAIL", "data": {"status": "FAIL", "entities": {"sub_jobs": [sub]}}}
    (result,) = advance(
        [record("web", stop=True, power="ACTIVE")],
        "stop",
        results=[of("web", servers=[SWITCHED])],
        jobs=[{"tasks": [job]}],
        more=[of("web", servers=[server("web")])],
    )
    assert result["reason"].startswith("The server did not stop: Ecs.1: No.")


def test_in_check_mode_nothing_fails() -> None:
    (result,) = advance(
        [record("web", stop=True, power="ACTIVE")],
        "stop",
        results=[of("web", servers=[SWITCHED])],
        more=[of("web", servers=[server("web")])],
        check_mode=True,
    )
    assert result["state"] == "planned"


def test_an_unknown_stage_is_an_error_that_names_it() -> None:
    with pytest.raises(AnsibleFilterError, match="keypair_reset_advance: there is no stage 'lunch'"):
        advance([], "lunch", results=[])
