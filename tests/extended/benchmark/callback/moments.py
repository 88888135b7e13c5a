# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Callback moments: writes when each item of a loop was done, so that detection can be timed on the controller."""

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: moments
type: notification
short_description: Write when each item of a loop was done
description:
  - Appends a line of JSON to the file that the environment variable C(MOMENTS_FILE) names.
"""


class CallbackModule(CallbackBase):
    """A callback that appends the task's name, the item's label and the time."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "moments"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        """Return one item is done."""
        line = {"task": result.task_name, "item": result.result.get("_ansible_item_label"), "time": time.time()}
        with open(os.environ["MOMENTS_FILE"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
