# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a command and prints what it and everything it started took, the processes that it left behind included.

``async_wrapper`` detaches itself, so that the time of ansible-playbook does not include it. This program adopts such
processes (Linux only), waits for them too, and prints one line of JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Run the command of the arguments; its output goes to the file named by the first."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot adopt detached processes")
    started = time.monotonic()
    with open(sys.argv[1], "w", encoding="utf-8") as output:
        code = subprocess.run(
            sys.argv[2:], stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        ).returncode
    wall = time.monotonic() - started
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"code": code, "wall": wall, "cpu": used.ru_utime + used.ru_stime, "rss": used.ru_maxrss / 1024}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
