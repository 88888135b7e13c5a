# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A soak: waits for 500 tasks of four services for minutes, while requests fail at random in every way that may pass.

The emulator knows the true outcome of each task. The simulation (``tests/extended/simulation/test_faults.py``) does the same with
10,000 tasks and a clock that never sleeps; here are real sockets, threads and plays.
"""

from __future__ import annotations

import json
import random
import typing as t

import pytest

from e2e.conftest import Benches
from e2e.running import Bench, Play, shown, tasks_of
from emulator.huawei.csms import Secret

#: Each wait takes as long as its longest task and a while more; several times that on a machine under load.
pytestmark = pytest.mark.timeout(1800)

#: Tasks by service, the seconds of the longest of them, and the share of them that fail.
COUNTS = {"kps": 200, "csms": 120, "sms": 60, "cloudsso": 120}
LONGEST = 150.0
FAILING = 0.1
#: How many times as long as the longest task a wait may take, by the share of requests that fail.
FACTORS = {0.05: 2.0, 0.2: 4.0}
#: The ways in which requests fail.
FAULTS: tuple[dict[str, t.Any], ...] = (
    {"what": "throttle"},
    {"what": "throttle", "retry_after": 1},
    {"what": "error", "status": 500},
    {"what": "error", "status": 503},
    {"what": "html"},
    {"what": "html", "status": 502},
    {"what": "html", "status": 404},
    {"what": "html", "status": 403},
    {"what": "empty"},
    {"what": "truncated_json"},
    {"what": "cut"},
    {"what": "close_before"},
    {"what": "close_after"},
    {"what": "reset_before"},
    {"what": "reset_after"},
    {"what": "hang", "seconds": 90},
    {"what": "drip", "seconds": 0.5},
    {"what": "redirect"},
    {"what": "patch", "patch": {"tasks": 7, "Task": 7, "Tasks": 7, "task_status": 7, "state": 7}},
    {"what": "patch", "patch": {"tasks": None, "Task": None, "Tasks": None, "task_status": None, "state": None}},
)


class Soak:
    """The tasks of all services, each with its end.

    Args:
        bench: Where they are.
        seed: Of the random numbers.
    """

    def __init__(self, bench: Bench, seed: int) -> None:
        self._bench = bench
        self._draw = random.Random(seed)
        #: Whether each task succeeds, by service and id.
        self.outcomes: dict[str, dict[str, bool]] = {service: {} for service in COUNTS}
        with bench.emulator.world.lock:
            for service, begin in (
                ("kps", self._kps),
                ("csms", self._csms),
                ("sms", self._sms),
                ("cloudsso", self._cloudsso),
            ):
                for number in range(COUNTS[service]):
                    succeeds = self._draw.random() >= FAILING
                    seconds = LONGEST if number == 0 else self._draw.uniform(1.0, LONGEST)
                    self.outcomes[service][begin(f"{service}-{number}", seconds, succeeds)] = succeeds

    def _fate(self, name: str, seconds: float, succeeds: bool) -> None:
        self._bench.emulator.fail("task_slow", server=name, seconds=seconds)
        if not succeeds:
            self._bench.emulator.fail("task_fails", server=name, code="Soak.1", message="no luck")

    def _kps(self, name: str, seconds: float, succeeds: bool) -> str:
        emulator = self._bench.emulator
        server = emulator.add_server(name)
        server.status = "SHUTOFF"
        self._fate(name, seconds, succeeds)
        pair = emulator.huawei.keypairs[emulator.project.id, "new"]
        return str(emulator.huawei.kps.bind(server, pair)["task_id"])

    def _csms(self, name: str, seconds: float, succeeds: bool) -> str:
        csms = self._bench.emulator.huawei.csms
        self._fate(name, seconds, succeeds)
        return csms.rotate(csms.add_secret(Secret(name, self._bench.emulator.project.id))).id

    def _sms(self, name: str, seconds: float, succeeds: bool) -> str:
        emulator = self._bench.emulator
        migration = emulator.huawei.sms.add(emulator.domain.id, emulator.project.id, name)
        ends = "MIGRATE_SUCCESS" if succeeds else "MIGRATE_FAIL"
        emulator.huawei.sms.run(migration, seconds, ends, None if succeeds else '{"error_code": "Soak.1"}')
        return migration.id

    def _cloudsso(self, name: str, seconds: float, succeeds: bool) -> str:
        emulator = self._bench.emulator
        directory = emulator.alibaba_account.directory
        directory.users[name] = directory.users[next(iter(directory.users))]
        self._fate(name, seconds, succeeds)
        configuration, target = next(iter(directory.configurations)), next(iter(directory.targets))
        sso = emulator.alibaba.cloudsso
        return sso.change_assignment(directory, "CreateAccessAssignment", configuration, ("User", name), target).id

    def wait(self, service: str) -> Play:
        """Return a task that waits for those of a service."""
        options: Play = {"service": service, "task_ids": list(self.outcomes[service]), "on_failure": "return"}
        if service == "cloudsso":
            options["directory_id"] = self._bench.emulator.alibaba_account.directory.id
        return {"name": "Wait", "multicloud.async_tasks.wait_for_task": options, "register": "waited"}


@pytest.mark.parametrize("share", FACTORS)
def test_five_hundred_tasks(benches: Benches, share: float) -> None:
    bench = benches(0, fleet=False)
    soak = Soak(bench, seed=int(share * 100))
    for fault in FAULTS:
        bench.emulator.fail(**fault, times=None, share=share / len(FAULTS))
    programs = {
        service: bench.start(tasks_of(soak.wait(service), shown("waited", f"{service}.json", bench)), hosts={})
        for service in COUNTS
    }
    struck = calls = 0
    for service, program in programs.items():
        program.process.wait(LONGEST * FACTORS[share] + 300)
        assert program.process.returncode == 0, program.output + program.errors
        waited = json.loads((bench.directory / f"{service}.json").read_text())
        states = {task["id"]: task["state"] for task in waited["tasks"]}
        assert states == {
            task_id: "success" if succeeds else "failed" for task_id, succeeds in soak.outcomes[service].items()
        }, waited["msg"]
        reasons = {str(task["reason"]) for task in waited["tasks"] if task["state"] == "failed"}
        assert all("Soak.1" in reason for reason in reasons), reasons
        assert waited["elapsed"] <= FACTORS[share] * LONGEST
        struck += waited["errors"] + waited["throttled"]
        calls += waited["calls"]
        print(
            f"{service} at {share:.0%}: {waited['elapsed']:.0f} s, {waited['calls']} calls, {waited['errors']} errors"
        )
    assert struck > share * calls / 3, "the soak was dry"
