# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules in the worker of the controller: loops that share a login, bounded threads and memory, TLS without certificates."""

from __future__ import annotations

import threading
import time
import typing as t
from pathlib import Path

from .conftest import Benches
from .running import Program, tasks_of

#: Items of the long loop.
ITEMS = 1000
PROC = Path("/proc")
NO_ACCESS_KEY: t.Any = {"HUAWEICLOUD_SDK_AK": "", "HUAWEICLOUD_SDK_SK": ""}


class Worker(t.NamedTuple):
    """The memory of one process at one moment.

    Attributes:
        threads: Its threads.
        sockets: Its open sockets.
        memory: Its resident memory in bytes.
    """

    threads: int
    sockets: int
    memory: int


def children(pid: int) -> list[int]:
    """Return the children of a process, and theirs."""
    found: list[int] = []
    for task in (PROC / str(pid) / "task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *children(int(child))]
    return found


def look(pid: int) -> Worker:
    """Return what a process holds now."""
    status = (PROC / str(pid) / "status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    links = [file.readlink().name for file in (PROC / str(pid) / "fd").iterdir()]
    sockets = sum(link.startswith("socket:") for link in links)
    return Worker(int(fields["Threads"]), sockets, int(fields["VmRSS"].split()[0]) * 1024)


def watch(program: Program) -> list[Worker]:
    """Return what the workers of a program hold, over and over until it ends."""
    seen: list[Worker] = []

    def sample() -> None:
        while program.process.poll() is None:
            try:
                seen.extend(look(pid) for pid in children(program.process.pid))
            except (OSError, KeyError):
                # It has ended in between.
                pass
            time.sleep(0.1)

    thread = threading.Thread(target=sample)
    thread.start()
    program.wait()
    thread.join()
    return seen


def test_a_long_loop_logs_in_once_and_stays_small(benches: Benches) -> None:
    bench = benches(0, fleet=False)
    play = tasks_of(
        {
            "multicloud.async_tasks.hwc_kps_keypair_info": {
                "name": "new",
                "hwc_user_name": "emulated-user",
                "hwc_user_password": "Emulated-Password-1",
                "hwc_domain_name": "emulated-account",
            },
            "loop": f"{{{{ range({ITEMS}) | list }}}}",
            "register": "looped",
        },
        {
            "ansible.builtin.assert": {
                "that": [
                    f"looped.results | map(attribute='keypairs') | map('length') | sum == {ITEMS}",
                    "looped.results | map(attribute='credentials_source') | unique | length == 1",
                ]
            }
        },
    )
    program = bench.start(play, **NO_ACCESS_KEY)
    seen = watch(program)
    assert program.process.returncode == 0, f"{program.output[-2000:]}\n{program.errors}"
    counts = bench.requests()
    assert counts["KeystoneCreateUserTokenByPassword"] == 1
    assert counts["ListKeypairDetail"] == ITEMS
    assert len(seen) > 10
    assert max(worker.threads for worker in seen) <= 12
    assert max(worker.sockets for worker in seen) <= 12
    # The results themselves are kept for the end of the loop: 1000 of them are about 2 MB.
    early, late = seen[len(seen) // 5 : len(seen) // 4], seen[-len(seen) // 5 :]
    growth = max(worker.memory for worker in late) - min(worker.memory for worker in early)
    assert growth < 40 * 1024 * 1024


def test_a_loop_over_many_logins_stays_small(benches: Benches) -> None:
    bench = benches(0, fleet=False)
    play = tasks_of(
        {
            "multicloud.async_tasks.hwc_kps_keypair_info": {"name": "new", "hwc_timeout": "{{ 30 + item }}"},
            "loop": "{{ range(60) | list }}",
        }
    )
    program = bench.start(play)
    seen = watch(program)
    assert program.process.returncode == 0, f"{program.output[-2000:]}\n{program.errors}"
    assert bench.requests()["ListKeypairDetail"] == 60
    # Eight clients are kept, each with a thread and a connection; a few of those that were dropped may be ending.
    assert max(worker.threads for worker in seen) <= 20
    assert max(worker.sockets for worker in seen) <= 20


def test_a_rejected_login_is_sent_once_in_a_loop(benches: Benches) -> None:
    bench = benches(0, fleet=False)
    play = tasks_of(
        {
            "multicloud.async_tasks.hwc_kps_keypair_info": {
                "hwc_user_name": "emulated-user",
                "hwc_user_password": "wrong",
                "hwc_domain_name": "emulated-account",
            },
            "loop": "{{ range(5) | list }}",
        }
    )
    program = bench.run(play, **NO_ACCESS_KEY)
    assert program.process.returncode == 2, program.output
    assert bench.requests() == {"KeystoneCreateUserTokenByPassword": 1}


def test_unchecked_certificates_neither_hang_nor_print_warnings(benches: Benches) -> None:
    bench = benches(0, fleet=False, tls=True)
    play = tasks_of(
        {
            "multicloud.async_tasks.hwc_kps_keypair_info": {"name": "new", "hwc_validate_certs": False},
            "loop": [1, 2, 3],
        },
        {
            "multicloud.async_tasks.wait_for_task": {
                "service": "kps",
                "task_id": "no-such-task",
                "not_found_grace": 0,
                "hwc_validate_certs": False,
            },
            "ignore_errors": True,
        },
    )
    program = bench.run(play, "-vvv")
    assert program.process.returncode == 0, f"{program.output}\n{program.errors}"
    assert program.output.count("runs in process") == 4
    assert "InsecureRequestWarning" not in program.output + program.errors
    assert "errantly" not in program.output + program.errors
    assert bench.requests()["ListKeypairDetail"] == 3
