# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of a wait whose tasks do not end: by real clocks, over real connections, whatever the service does."""

from __future__ import annotations

import concurrent.futures
import typing as t

from emulator import Emulator

from .conftest import HuaweiSdk
from .modules import Modules

#: Seconds of the waits.
TIMEOUT = 2.0
#: Seconds after its deadline within which a wait ends: of a service that answers, and of one that does not.
PROMPT, PATIENT = 0.1, 10.0


def start(emulator: Emulator, huawei: HuaweiSdk, number: int) -> str:
    """Return a reset that does not end; its id."""
    server = list(emulator.huawei.servers.values())[number]
    server.status = "SHUTOFF"
    emulator.fail("task_stuck", server=server.id)
    models = huawei.models["kps"]
    body = models.AssociateKeypairRequestBody("new", models.EcsServerInfo(id=server.id))
    return str(huawei.client("kps").associate_keypair(models.AssociateKeypairRequest(body)).task_id)


def wait(modules: Modules, task_id: str) -> dict[str, t.Any]:
    """Return a wait for it that does not fail when tasks are pending."""
    return modules.run(
        "wait_for_task",
        {"service": "kps", "task_ids": [task_id], "timeout": TIMEOUT, "interval": 0.3, "on_timeout": "return"},
    )


def test_a_wait_ends_at_its_deadline(emulator: Emulator, huawei: HuaweiSdk, modules: Modules) -> None:
    task_id = start(emulator, huawei, 0)
    results = [wait(modules, task_id) for _run in range(3)]
    assert all(result["timed_out"] and result["calls"] > 2 for result in results), results
    # The best of three: other programs on the machine can make any of them late.
    late = min(result["elapsed"] for result in results) - TIMEOUT
    assert -PROMPT < late < PROMPT, results


def test_a_service_that_hangs_or_drips_does_not_hold_a_wait(
    emulator: Emulator, huawei: HuaweiSdk, modules: Modules
) -> None:
    hanging, dripping = (start(emulator, huawei, number) for number in range(2))
    emulator.fail("hang", path=hanging, seconds=60, times=None)
    emulator.fail("drip", path=dripping, seconds=1, times=None)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda task_id: wait(modules, task_id), (hanging, dripping)))
    for result in results:
        assert result["timed_out"], result
        assert result["errors"] > 0, result
        assert TIMEOUT - PROMPT < result["elapsed"] < TIMEOUT + PATIENT + PROMPT, result
        assert result["task"]["state"] == "pending", result
