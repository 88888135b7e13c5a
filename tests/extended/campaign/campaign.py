# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the role keypair_reset that lose their patience soon, and what must be true after each of them."""

from __future__ import annotations

import collections
import json
import re
import shutil
import typing as t

from e2e.running import ROLE, Bench, Play, Program

#: Patience for a cloud whose tasks take less than a second; with the defaults each fault would take minutes to show.
IMPATIENCE: Play = {
    "group/multicloud.async_tasks.hwc": {"hwc_timeout": 4},
    "multicloud.async_tasks.wait_for_task": {"error_grace": 3, "not_found_grace": 2, "interval": 0.5},
}
VARIABLES = {
    "keypair_reset_keypair_name": "new",
    "keypair_reset_timeout": 10,
    "keypair_reset_power_timeout": 5,
    "keypair_reset_boot_timeout": 5,
    # No lines: a wait is one run of its module.
    "keypair_reset_progress": 0,
}


def with_keys(bench: Bench) -> dict[str, t.Any]:
    """Return the variables that let the role log in with both keys."""
    return {
        "keypair_reset_private_key_file": str(bench.emulator.key_path("new")),
        "keypair_reset_old_private_key_file": str(bench.emulator.key_path("old")),
    }


def start(bench: Bench, variables: t.Mapping[str, t.Any] | None = None, **environment: str) -> Program:
    """Start a play of the role on all servers of the bench; its report goes to ``bench.rows``."""
    reports = bench.directory / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir()
    play: Play = {
        "hosts": "all",
        "gather_facts": False,
        "strategy": "linear",
        "module_defaults": IMPATIENCE,
        "vars": {**VARIABLES, "keypair_reset_report_dir": str(reports), **(variables or {})},
        "tasks": [{"name": "Reset", "ansible.builtin.import_role": {"name": ROLE}}],
    }
    # Modules take half the time without files of their own; and these plays run many.
    return bench.start([play], hosts=None, ANSIBLE_PIPELINING="true", **environment)


def off(bench: Bench) -> set[str]:
    """Return the servers that the cloud says do not run."""
    with bench.emulator.world.lock:
        return {server.name for server in bench.emulator.huawei.servers.values() if server.status != "ACTIVE"}


def going_off(bench: Bench) -> set[str]:
    """Return the servers that run, and that the cloud is still about to stop."""
    with bench.emulator.world.lock:
        return {
            server.name
            for server in bench.emulator.huawei.servers.values()
            if server.status == "ACTIVE" and server.task_state == "powering-off"
        }


def called_off(program: Program) -> set[str]:
    """Return the servers that the report's last lines call off."""
    return set(re.findall(r"OFF: ([\w-]+)\. ", program.output))


def commands(program: Program) -> dict[str, str]:
    """Return, by server that is called off, the id in the command that starts it."""
    return dict(re.findall(r"OFF: ([\w-]+)\. .*hwc_ecs_server_power -a 'server_id=(\S+) state=running", program.output))


def associates(bench: Bench) -> dict[str, int]:
    """Count the requests to associate a key pair for each server so far, answered or not."""
    return dict(collections.Counter(bench.named_in("AssociateKeypair")))


def resets(bench: Bench) -> dict[str, int]:
    """Count the key pairs that KPS has given each server so far."""
    with bench.emulator.world.lock:
        return dict(
            collections.Counter(
                task.server_name for task in bench.emulator.huawei.kps.tasks.values() if task.phase == "SUCCESS"
            )
        )


def collisions(bench: Bench) -> list[str]:
    """Return the errors of tasks that the role itself has caused: a second task on a server, or a power switch meanwhile."""
    with bench.emulator.world.lock:
        words = [str(task.error_msg) for task in bench.emulator.huawei.kps.tasks.values()]
    return [word for word in words if "Another key pair task" in word or "while the task was running" in word]


def noted(bench: Bench) -> set[str]:
    """Return the hosts that the journals name."""
    journals = (bench.directory / "journal").glob("keypair_reset-*.json")
    return {entry["host"] for path in journals for entry in json.loads(path.read_text())}


def check_honest(bench: Bench, program: Program, *, too_careful: bool = False) -> None:
    """Check that each part of the report names every server that is off, or will be, with the command that starts it.

    Args:
        bench: The bench.
        program: The run, which has ended.
        too_careful: The report may call servers off that are on, because nothing could be read about them.
    """
    now, rows = off(bench), bench.rows
    late = set(re.findall(r"MAY STILL STOP: ([\w-]+)\. ", program.output))
    assert going_off(bench) <= late, f"going off and not told: {going_off(bench) - late}\n{program.output}"
    told = called_off(program)
    assert now <= told, f"off and not told: {now - told}\n{program.output}"
    assert too_careful or told == now, f"called off and on: {told - now}\n{program.output}"
    wrong = [host for host in now if rows[host]["power"] == "ACTIVE"]
    assert wrong == [], f"off, and ACTIVE in the rows: {wrong}\n{program.output}"
    assert commands(program) == {host: bench.server(host).id for host in told}
    all_on, untouched = (
        text in program.output for text in ("All servers that were touched are on.", "No server was touched.")
    )
    assert all_on + untouched == (not told and not late), program.output
    assert not (untouched and {row["result"] for row in rows.values()} & {"reset", "busy"}), program.output


def check_finished(bench: Bench, program: Program) -> None:
    """Check that every server has the new key pair and runs, and that no line says anything else."""
    assert program.process.returncode == 0, program.output
    assert called_off(program) == off(bench) == set()
    with bench.emulator.world.lock:
        names = {server.name: server.key_name for server in bench.emulator.huawei.servers.values()}
    assert names == dict.fromkeys(names, "new")
    assert {row["result"] for row in bench.rows.values()} <= {"reset", "unchanged"}
    assert {row["power"] for row in bench.rows.values()} == {"ACTIVE"}
