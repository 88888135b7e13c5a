# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of the agency that a Huawei Cloud ECS was given, asked of its metadata service.

Source: "Obtaining a security key from the metadata service" (support.huaweicloud.com, ECS), and the official SDK 3.1.219.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Transport
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.login import PARTS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import AccessKey, switched, temporary_key
from ansible_collections.multicloud.async_tasks.plugins.module_utils._metadata import Visit
from ansible_collections.multicloud.async_tasks.plugins.module_utils._urls import base_url

ADDRESS = "http://169.254.169.254"
_SESSION = "/meta-data/latest/api/token"
_PATH = "/openstack/latest/securitykey"
_NO_AGENCY = "Please configure Cloud Service Agency first"


def fetch(transport: Transport, clock: Clock, environ: t.Mapping[str, str]) -> AccessKey:
    """A temporary key of the server's agency.

    Args:
        transport: A transport that uses no proxy.
        clock: Time.
        environ: The process environment: ``HWC_METADATA_ENDPOINT`` is another address of the service,
            ``HWC_METADATA_DISABLED`` keeps from asking it.

    Raises:
        CredentialsError: This is no ECS, it has no agency, or the service is unwell.
    """
    if switched(environ, "HWC_METADATA_DISABLED"):
        raise CredentialsError("HWC_METADATA_DISABLED forbids to ask it")
    given = environ.get("HWC_METADATA_ENDPOINT")
    visit = Visit(transport, clock, base_url("HWC_METADATA_ENDPOINT", given) if given else ADDRESS)
    token = visit.token(_SESSION, "X-Metadata-Token-Ttl-Seconds")
    document = visit.document(_PATH, {"X-Metadata-Token": token} if token else {}, (_NO_AGENCY,))
    return temporary_key(document.get("credential"), PARTS, "expires_at", "ECS metadata", f"{visit.url}{_PATH}")
