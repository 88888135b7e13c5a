# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module poll_kps_task: what is put under ``async`` to wait for one task, a loop with a fixed pause."""

from __future__ import annotations

import json
import time
import urllib.error

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url


def main() -> None:
    """Poll a KPS task until it ends, as a user's own module would."""
    module = AnsibleModule(
        {
            "url": {"type": "str", "required": True},
            "token": {"type": "str", "required": True, "no_log": True},
            "interval": {"type": "float", "required": True},
        }
    )
    while True:
        try:
            response = open_url(module.params["url"], headers={"X-Auth-Token": module.params["token"]})
            status = json.loads(response.read())["task_status"]
            if status.startswith("SUCCESS"):
                module.exit_json(task_status=status)
        except urllib.error.HTTPError:
            # Throttled: asked again after the same pause.
            pass
        time.sleep(module.params["interval"])


if __name__ == "__main__":
    main()
