# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of Alibaba Cloud, and the provider that makes a client from them."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.factory import open_alibaba
from ansible_collections.multicloud.async_tasks.plugins.module_utils._runtime import Provider

#: The connection options of Alibaba Cloud; documented in the fragment ``ali``.
ALI_OPTIONS: dict[str, dict[str, t.Any]] = {
    "ali_access_key_id": {"type": "str", "no_log": False},
    "ali_access_key_secret": {"type": "str", "no_log": True},
    "ali_security_token": {"type": "str", "no_log": True},
    "ali_profile": {"type": "str"},
    "ali_ecs_role_name": {"type": "str"},
    "ali_role_arn": {"type": "str"},
    "ali_role_session_name": {"type": "str"},
    "ali_role_duration": {"type": "int"},
    "ali_role_external_id": {"type": "str"},
    "ali_role_policy": {"type": "json"},
    "ali_region": {"type": "str"},
    "ali_endpoint": {"type": "str"},
    "ali_sts_endpoint": {"type": "str"},
    "ali_timeout": {"type": "float", "default": 60.0},
    "ali_validate_certs": {"type": "bool", "default": True},
    "ali_ca_path": {"type": "path"},
}

#: Alibaba Cloud, as modules name it.
ALI = Provider("ali", ALI_OPTIONS, open_alibaba)
