# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_ecs_server_power: its options; what it does is tested with ``_servers``."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.modules import hwc_ecs_server_power
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    ECS,
    PROJECT,
    FakeTransport,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import (
    ModuleRun,
    defaults,
    run_module,
)

NAME = "hwc_ecs_server_power"
DEFAULTS = {**defaults(hwc_ecs_server_power.ARGUMENT_SPEC), "server_ids": ["s-1"], "state": "running"}


def test_a_server_is_started(cloud: FakeTransport) -> None:
    url = f"{ECS}/v1/{PROJECT}"
    row = {"id": "s-1", "name": "web", "status": "SHUTOFF"}
    cloud.expect(f"GET {url}/cloudservers/detail?server_id=s-1", {"servers": [row]})
    cloud.expect(f"POST {url}/cloudservers/action", {"job_id": "j-1"}, body={"os-start": {"servers": [{"id": "s-1"}]}})
    cloud.expect(f"GET {url}/jobs/j-1", {"job_id": "j-1", "status": "SUCCESS"})
    cloud.expect(f"GET {url}/cloudservers/detail?server_id=s-1", {"servers": [{**row, "status": "ACTIVE"}]})
    result = ModuleRun(cloud, DEFAULTS).execute(hwc_ecs_server_power.execute)
    assert (result["changed"], result["failed"], result["job_ids"]) == (True, False, ["j-1"])


def test_the_defaults_of_the_options() -> None:
    result = run_module(NAME, {"server_id": "", "state": "running"})
    assert result["msg"].startswith("server_ids: '' is not a valid id.")
    told = result["invocation"]["module_args"]
    assert {name: told[name] for name in DEFAULTS} == {**DEFAULTS, "server_ids": [""]}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"state": "running"}, "server_ids"),
        ({"server_ids": ["s-1"]}, "state"),
        ({"server_ids": ["s-1"], "state": "off"}, "running, stopped"),
        ({"server_ids": ["s-1"], "state": "stopped", "stop_type": "SOFT"}, "soft, hard"),
    ],
    ids=repr,
)
def test_wrong_options_are_refused_by_ansible(options: dict[str, t.Any], words: str) -> None:
    assert words in run_module(NAME, options)["msg"]
