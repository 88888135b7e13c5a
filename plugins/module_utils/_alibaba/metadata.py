# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of the RAM role that an Alibaba Cloud ECS instance was given, asked of its metadata service.

Source: "Use instance RAM roles" (alibabacloud.com, ECS), and the official package alibabacloud-credentials 1.0.12.
"""

from __future__ import annotations

import re
import typing as t
from urllib.parse import quote

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import login
from ansible_collections.multicloud.async_tasks.plugins.module_utils._clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Transport
from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import AccessKey, switched
from ansible_collections.multicloud.async_tasks.plugins.module_utils._metadata import Visit
from ansible_collections.multicloud.async_tasks.plugins.module_utils._urls import base_url

ADDRESS = "http://100.100.100.200"
_SESSION = "/latest/api/token"
_ROLES = "/latest/meta-data/ram/security-credentials/"
_ROLE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_CODE = re.compile(r"[A-Za-z0-9.]{1,64}\Z")


def fetch(transport: Transport, clock: Clock, environ: t.Mapping[str, str], role: str | None) -> AccessKey:
    """A temporary key of the instance's role.

    Args:
        transport: A transport that uses no proxy.
        clock: Time.
        environ: The process environment: ``ALI_METADATA_ENDPOINT`` is another address of the service,
            ``ALIBABA_CLOUD_ECS_METADATA_DISABLED`` keeps from asking it, ``ALIBABA_CLOUD_IMDSV1_DISABLED`` from asking
            without a session token.
        role: Name of the role; the service is asked for it when None.

    Raises:
        CredentialsError: This is no ECS instance, it has no role, or the service is unwell.
    """
    if switched(environ, "ALIBABA_CLOUD_ECS_METADATA_DISABLED"):
        raise CredentialsError("ALIBABA_CLOUD_ECS_METADATA_DISABLED forbids to ask it")
    given = environ.get("ALI_METADATA_ENDPOINT")
    visit = Visit(transport, clock, base_url("ALI_METADATA_ENDPOINT", given) if given else ADDRESS)
    token = visit.token(_SESSION, "X-aliyun-ecs-metadata-token-ttl-seconds")
    if token is None and switched(environ, "ALIBABA_CLOUD_IMDSV1_DISABLED"):
        raise CredentialsError(f"{visit.url} gives no session token, and ALIBABA_CLOUD_IMDSV1_DISABLED demands one")
    headers = {"X-aliyun-ecs-metadata-token": token} if token else {}
    if not role:
        answer = visit.ask("GET", _ROLES, headers)
        role = answer.text().strip()
        if answer.status != 200 or not _ROLE.match(role):
            raise CredentialsError(f"{visit.url}{_ROLES} names no role (HTTP {answer.status})")
    document = visit.document(_ROLES + quote(role, safe=""), headers)
    code = document.get("Code")
    if code != "Success":
        told = f"code {code}" if isinstance(code, str) and _CODE.match(code) else "no code that is known"
        raise CredentialsError(f"{visit.url}{_ROLES} answered with {told}")
    return login.key_of(document, "ECS metadata", visit.url)
