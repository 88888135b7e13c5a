# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first day: the query operations from the command line with one cloud's environment alone, and a clock that is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.factory import open_alibaba
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.options import ALI_OPTIONS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import AuthenticationError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.factory import open_huawei
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC_OPTIONS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._runtime import Runtime
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import cloudsso, kps
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils import running
from emulator import Emulator
from emulator.accounts import stable_id

from .modules import Modules

DIRECTORY = "d-emulated0001"
#: Module, its arguments, and something that the response shows.
COMMANDS = [
    ("hwc_kps_task_info", "list=running", '"tasks": []'),
    ("hwc_csms_task_info", "limit=10", '"tasks": []'),
    ("hwc_sms_passphrase_info", f"task_id={stable_id('migration-01')}", '"passphrase": "emulated-passphrase-1"'),
    ("ali_cloudsso_task_info", f"directory_id={DIRECTORY}", '"tasks": []'),
    ("ali_cloudsso_task_status_info", f"directory_id={DIRECTORY} task_id=t-1", '"tasks": []'),
]


@pytest.mark.parametrize(("module", "arguments", "expected"), COMMANDS, ids=[module for module, *_rest in COMMANDS])
def test_ad_hoc(emulator: Emulator, modules: Modules, module: str, arguments: str, expected: str) -> None:
    everything = emulator.environment()
    cloud = ("HWC_", "HUAWEICLOUD_SDK_") if module.startswith("hwc_") else ("ALI_", "ALIBABA_CLOUD_")
    process = subprocess.run(
        ["ansible", "localhost", "-m", f"multicloud.async_tasks.{module}", "-a", arguments],
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(modules.home),
            "ANSIBLE_COLLECTIONS_PATH": str(running.COLLECTIONS),
            **{name: value for name, value in everything.items() if name.startswith(cloud)},
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "localhost | SUCCESS" in process.stdout
    assert '"credentials_source": "environment"' in process.stdout
    assert expected in process.stdout


class WrongClock(SystemClock):
    """A clock that is ahead, or behind, by so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def time(self) -> float:
        """Implement ``Clock``."""
        return super().time() + self.seconds


def runtime(modules: Modules, clock: WrongClock) -> Runtime:
    """Return the runtime of a machine whose clock is wrong."""
    environ = {**modules.addresses(), **modules.emulator.environment()}
    return Runtime(environ, clock, lambda: 0.5, False, lambda _secret: None, lambda _text: None)


def defaults(options: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """Return the options of a module that was given none."""
    return {name: spec.get("default") for name, spec in options.items()}


@pytest.mark.parametrize("seconds", [-7200.0, 7200.0])
def test_a_wrong_clock_is_put_right_by_that_of_alibaba_cloud(
    emulator: Emulator, modules: Modules, seconds: float
) -> None:
    client = open_alibaba(defaults(ALI_OPTIONS), runtime(modules, WrongClock(seconds)))
    for _time in range(2):
        assert cloudsso.list_tasks(client, DIRECTORY, {}).rows == []
    assert [entry.status for entry in emulator.requests] == [400, 200, 200]


@pytest.mark.parametrize(("seconds", "words"), [(-7200.0, "behind"), (7200.0, "ahead of")])
def test_a_wrong_clock_is_reported_when_huawei_cloud_rejects_it(
    emulator: Emulator, modules: Modules, seconds: float, words: str
) -> None:
    client = open_huawei(defaults(HWC_OPTIONS), runtime(modules, WrongClock(seconds)))
    with pytest.raises(AuthenticationError, match=rf"clock of this machine is 7\d\d\d s {words} the service's"):
        kps.list_running(client)
    assert [entry.status for entry in emulator.requests] == [401]
