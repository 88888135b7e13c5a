# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A waiter as it is quickly written: a thread per task, each asks at a fixed interval until its task has succeeded.

Nothing limits the rate; a refused or failed request is simply repeated after the same interval.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import typing as t

import requests


def wait(url: str, token: str, interval: float) -> None:
    """Ask until the task has succeeded."""
    with requests.Session() as session:
        while True:
            try:
                response = session.get(url, headers={"X-Auth-Token": token}, timeout=30)
                if response.ok and response.json()["task_status"].startswith("SUCCESS"):
                    return
            except requests.RequestException:
                pass
            time.sleep(interval)


def main() -> int:
    """Read base address, token, interval, ids and the seconds to spend as JSON from the file named by the argument."""
    with open(sys.argv[1], encoding="utf-8") as file:
        order: dict[str, t.Any] = json.load(file)
    threads = [
        threading.Thread(
            target=wait, args=(f"{order['tasks_url']}/{task_id}", order["token"], order["interval"]), daemon=True
        )
        for task_id in order["ids"]
    ]
    for thread in threads:
        thread.start()
    # Throttled requests count, too, so that many threads may be throttled for ever.
    deadline = time.monotonic() + order["give_up"]
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
