# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of Huawei Cloud, and the provider that makes a client from them."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.factory import open_huawei
from ansible_collections.multicloud.async_tasks.plugins.module_utils._runtime import Provider

#: The connection options of Huawei Cloud; documented in the fragment ``hwc``.
#: The connection options of Huawei Cloud; documented in the fragment ``hwc``.
HWC_OPTIONS: dict[str, dict[str, t.Any]] = {
    "hwc_access_key": {"type": "str", "no_log": False},
    "hwc_secret_key": {"type": "str", "no_log": True},
    "hwc_security_token": {"type": "str", "no_log": True},
    "hwc_auth_token": {"type": "str", "no_log": True},
    "hwc_user_name": {"type": "str"},
    "hwc_user_password": {"type": "str", "no_log": True},
    "hwc_domain_name": {"type": "str"},
    "hwc_agency_name": {"type": "str"},
    "hwc_agency_domain_name": {"type": "str"},
    "hwc_agency_domain_id": {"type": "str"},
    "hwc_agency_duration": {"type": "int"},
    "hwc_region": {"type": "str"},
    "hwc_project_id": {"type": "str"},
    "hwc_project_name": {"type": "str"},
    "hwc_endpoint": {"type": "str"},
    "hwc_iam_endpoint": {"type": "str"},
    "hwc_sts_endpoint": {"type": "str"},
    "hwc_timeout": {"type": "float", "default": 60.0},
    "hwc_validate_certs": {"type": "bool", "default": True},
    "hwc_ca_path": {"type": "path"},
}

#: Huawei Cloud, as modules name it.
HWC = Provider("hwc", HWC_OPTIONS, open_huawei)
