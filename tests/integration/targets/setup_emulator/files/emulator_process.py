# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts the emulator in the background, and stops it. Usage: emulator_process.py start OPTION... | stop JSON

start prints JSON, which stop takes: the process, its directory, and the environment that leads clients to the emulator.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: Seconds after which an emulator ends by itself, if it is not stopped.
LIFETIME = 900
#: Seconds for it to start, and to stop.
PATIENCE = 60


def start(options: list[str]) -> None:
    """Start it, and wait until it is ready."""
    directory = Path(tempfile.mkdtemp(prefix="emulator-"))
    output = directory / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [
                *("timeout", "--kill-after=10", str(LIFETIME)),
                *(sys.executable, "-m", "emulator", f"--state-dir={directory}", *options),
            ],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE
    while "# ready" not in output.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            sys.exit(f"The emulator did not start: {output.read_text()}")
        time.sleep(0.05)
    words = shlex.split(output.read_text(), comments=True)
    environment = dict(word.split("=", 1) for word in words if "=" in word)
    print(json.dumps({"pid": process.pid, "directory": str(directory), "environment": environment}))


def stop(pid: int, directory: str) -> None:
    """Stop it, and wait until it is gone with all its processes."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while _runs(pid):
        if time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
            sys.exit(f"The emulator had to be killed (process {pid}).")
        time.sleep(0.05)
    shutil.rmtree(directory)


def _runs(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    if sys.argv[1] == "start":
        start(sys.argv[2:])
    else:
        started = json.loads(sys.argv[2])
        stop(started["pid"], started["directory"])
