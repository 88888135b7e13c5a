# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers that Automation Platform counts, by ``extensions/audit/event_query.yml`` and the events of real jobs."""

from __future__ import annotations

import typing as t

import jq
import yaml

from .awx import TYPES
from .conftest import Benches
from .jobs import AwxJob, credentials
from .running import Bench, tasks_of

ROOT = TYPES.parents[2]
QUERIES: dict[str, dict[str, str]] = yaml.safe_load((ROOT / "extensions" / "audit" / "event_query.yml").read_text())
ASSOCIATION = "multicloud.async_tasks.hwc_kps_keypair_association"
POWER = "multicloud.async_tasks.hwc_ecs_server_power"


def counted(job: AwxJob) -> dict[str, list[str]]:
    """Return the modules that counted each server of a job, as ``awx/main/tasks/host_indirect.py`` of AWX goes about it."""
    found: dict[str, list[str]] = {}
    for event in job.events:
        data = event["event_data"]
        action = data.get("resolved_action", "")
        if "res" not in data or action not in QUERIES:
            continue
        for row in jq.compile(QUERIES[action]["query"]).input_value(data["res"]).all():
            # AWX ignores a row without canonical facts, and takes rows with the same ones for one node.
            assert row["canonical_facts"]
            assert row["facts"] == {"infra_type": "PublicCloud", "infra_bucket": "Compute", "device_type": "VM"}
            assert row["name"]
            found.setdefault(row["canonical_facts"]["server_id"], []).append(action)
    return found


def run(bench: Bench, ident: int, *tasks: dict[str, t.Any], check: bool = False) -> AwxJob:
    """Run tasks in a job that must succeed."""
    job = AwxJob(bench, ident, "tasks", credentials(bench), {}, plays=tasks_of(*tasks), check=check).run()
    assert job.status == "successful", job.output
    return job


def test_servers_count_when_the_cloud_was_asked_to_change_them(benches: Benches) -> None:
    bench = benches(3, fleet=False)
    ids = sorted(server.id for server in bench.emulator.huawei.servers.values())
    read: dict[str, t.Any] = {"multicloud.async_tasks.hwc_ecs_server_info": {}}
    stop = {POWER: {"server_ids": ids[:2], "state": "stopped"}}
    reset = {ASSOCIATION: {"server_ids": ids[:2], "keypair_name": "new", "wait": False}}
    # Off already, for the first two; in a loop, whose tasks have an event each and one together.
    again = {POWER: {"server_ids": "{{ item }}", "state": "stopped"}, "loop": [ids[:1], ids[1:]]}
    planned = run(bench, 1, read, stop, check=True)
    assert counted(planned) == {}
    assert counted(run(bench, 2, read, stop, reset, again)) == {
        ids[0]: [POWER, ASSOCIATION],
        ids[1]: [POWER, ASSOCIATION],
        ids[2]: [POWER],
    }


def test_queries_are_for_modules_that_there_are() -> None:
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    assert {name.removeprefix("multicloud.async_tasks.") for name in QUERIES} <= modules
    assert all(set(query) == {"query"} for query in QUERIES.values())
