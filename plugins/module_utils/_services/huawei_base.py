# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sources of tasks at Huawei Cloud have in common; apart, for those of another cloud need not carry its client."""

from __future__ import annotations

from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.base import TaskBackendBase


class HuaweiTaskBackend(TaskBackendBase[HuaweiClient]):
    """The half for services of Huawei Cloud."""

    #: Calls per second. Huawei Cloud publishes no quota for these services; API Gateway's own default is far higher.
    rate = 10.0
    has_list = False
