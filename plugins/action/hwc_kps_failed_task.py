# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin hwc_kps_failed_task: runs the module in the worker where that gives the same result."""

from __future__ import annotations

from ansible_collections.multicloud.async_tasks.plugins.modules.hwc_kps_failed_task import MODULE
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.action import ModuleAction


class ActionModule(ModuleAction):
    """The action plugin of ``hwc_kps_failed_task``."""

    module = MODULE
