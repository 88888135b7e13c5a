# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The section "Adding a service" of CONTRIBUTING.md, followed with the toy service that it shows."""

from __future__ import annotations

import re
import sys
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import registry
from ansible_collections.multicloud.async_tasks.plugins.modules import wait_for_task
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    PROJECT,
    REGION,
    FakeTransport,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import ModuleRun, defaults

ROOT = Path(__file__).resolve().parents[3]
#: Services that exist, each with its provider and its module.
EXAMPLES = {
    "csms": ("huawei", "hwc_csms_task_info"),
    "cloudsso": ("alibaba", "ali_cloudsso_task_info"),
}
JOB = f"GET https://rds.{REGION}.myhuaweicloud.com/v3/{PROJECT}/jobs?id=j-1"


def section() -> str:
    """Return the section."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return text[text.index("\n## Adding a service\n") : text.index("\n## Changes\n")]


def files(service: str, provider: str, module: str) -> list[str]:
    """Return the files of the tables for a service; a star stands for other services in the name of a test."""
    patterns = re.findall(r"^\| `([^`]+)` \|", section(), re.MULTILINE)
    assert len(patterns) == 5 + 15
    named = [
        pattern.replace("MODULE", module).replace("PROVIDER", provider).replace("SERVICE", service)
        for pattern in patterns
    ]
    return [name.replace(f"test_sdk_{provider}_{service}", f"test_sdk_{provider}_*{service}*") for name in named]


@pytest.mark.parametrize("service", EXAMPLES)
def test_every_file_of_the_tables_exists_and_has_the_service(service: str) -> None:
    provider, module = EXAMPLES[service]
    for name in files(service, provider, module):
        # The SDK of Alibaba Cloud has no file with the regions of CloudSSO.
        if provider == "alibaba" and name == "tests/contract/test_modules_endpoints.py":
            continue
        found = list(ROOT.glob(name))
        assert found, f"there is no {name}"
        assert any(service in path.read_text(encoding="utf-8").lower() for path in found), name


def test_every_file_that_names_a_service_is_in_the_tables() -> None:
    # CloudSSO is also a kind of credentials, which has nothing to do with its tasks.
    service = "csms"
    provider, module = EXAMPLES[service]
    listed = {str(path.relative_to(ROOT)) for name in files(service, provider, module) for path in ROOT.glob(name)}
    word = re.compile(rf"[\"'`(\[ ]{service}[\"'`\]]")
    naming = {
        str(path.relative_to(ROOT))
        for folder in ("plugins/module_utils", "plugins/action", "extensions")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".json", ".yml") and word.search(path.read_text(encoding="utf-8"))
    }
    assert naming <= listed


@pytest.fixture(name="toy")
def toy_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the toy service as the section says."""
    module_code, entry, regions, hosts = re.findall(r"^```python\n(.*?)^```$", section(), re.MULTILINE | re.DOTALL)
    name = f"{registry.__package__}.rds"
    module = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(module_code, "rds.py", "exec"), vars(module))
    for table, code, names in (
        (registry.SERVICES, entry, {**vars(registry), **vars(module)}),
        (endpoints.REGIONS, regions, vars(endpoints)),
        (endpoints._HOSTS, hosts, vars(endpoints)),
    ):
        added: dict[str, t.Any] = eval("{" + code + "}", dict(names))
        for key, value in added.items():
            monkeypatch.setitem(t.cast("dict[str, t.Any]", table), key, value)


def wait(cloud: FakeTransport) -> dict[str, t.Any]:
    """Wait for a job of the toy service."""
    options = {**defaults(wait_for_task.ARGUMENT_SPEC), "service": "rds", "task_ids": ["j-1"]}
    return ModuleRun(cloud, options).execute(wait_for_task.execute)


@pytest.mark.usefixtures("toy")
def test_the_toy_service_is_waited_for(cloud: FakeTransport) -> None:
    for status in ("Running", "Completed"):
        cloud.expect(JOB, {"job": {"id": "j-1", "name": "CreateBackup", "status": status}})
    result = wait(cloud)
    assert (result["failed"], result["task"]["status"]) == (False, "Completed")
    assert result["msg"].startswith("rds task j-1 (job CreateBackup) succeeded after ")


@pytest.mark.usefixtures("toy")
def test_the_toy_service_tells_why_a_job_failed(cloud: FakeTransport) -> None:
    cloud.expect(JOB, {"job": {"id": "j-1", "status": "Failed", "fail_reason": "The disk is full."}})
    result = wait(cloud)
    assert result["failed"]
    assert result["msg"] == "rds task j-1 failed: Failed, The disk is full."
