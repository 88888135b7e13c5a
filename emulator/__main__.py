# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m emulator``: run the emulator until Ctrl-C, and print the variables with which clients reach it."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from .app import Emulator
from .state import export_lines, write_state


def main() -> int:
    """Parse options, start, print, wait for SIGINT or SIGTERM, stop."""
    parser = argparse.ArgumentParser(
        prog="python -m emulator",
        description="Run the emulator until Ctrl-C, and print the environment variables that clients need.",
    )
    parser.add_argument("--servers", type=int, default=3, metavar="N", help="number of servers (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port of the HTTP server (default: any free one)")
    parser.add_argument("--ssh-base-port", type=int, default=0, metavar="PORT", help="first port of the SSH servers")
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="write inventory, known_hosts, keys and env.sh")
    parser.add_argument(
        "--task-seconds", type=float, default=2.0, metavar="S", help="duration of a key pair task (default %(default)s)"
    )
    parser.add_argument(
        "--job-seconds", type=float, default=1.0, metavar="S", help="duration of a power job (default %(default)s)"
    )
    parser.add_argument(
        "--boot-seconds",
        type=float,
        default=0.0,
        metavar="S",
        help="time until a started server responds over SSH (default %(default)s)",
    )
    parser.add_argument(
        "--fail-reset",
        action="append",
        default=[],
        metavar="SERVER",
        help="make the next key pair task of this server fail",
    )
    parser.add_argument("--no-fleet", action="store_true", help="start no SSH servers")
    parser.add_argument("--history", action="store_true", help="start with some finished tasks")
    parser.add_argument("--tls", action="store_true", help="serve HTTPS")
    options = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Emulator(
        options.servers,
        fleet=not options.no_fleet,
        task_seconds=options.task_seconds,
        job_seconds=options.job_seconds,
        boot_seconds=options.boot_seconds,
        port=options.port,
        ssh_base_port=options.ssh_base_port,
        state_dir=options.state_dir,
        tls=options.tls,
        history=options.history,
    ) as emulator:
        for server in options.fail_reset:
            emulator.huawei.ecs.find(server)
            emulator.fail(
                "task_fails", server=server, code="KPS.0003", message="The temporary server could not be created."
            )
        if options.state_dir is not None:
            write_state(emulator)
        print(*export_lines(emulator), "# ready", sep="\n", flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
