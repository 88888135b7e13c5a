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

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import sts
from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey, switched
from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.metadata import MetadataSession
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.urls import base_url
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Response, Transport

ADDRESS = "http://100.100.100.200"
_SESSION = ("/latest/api/token", "X-aliyun-ecs-metadata-token-ttl-seconds")
_HEADER = "X-aliyun-ecs-metadata-token"
_ROLES = "/latest/meta-data/ram/security-credentials/"
_ROLE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def fetch(
    transport: Transport, clock: Clock, environ: t.Mapping[str, str], role: str | None, deadline: float | None = None
) -> AccessKey:
    """Return a temporary key of the instance's role.

    Args:
        transport: A transport that uses no proxy.
        clock: Time.
        environ: The process environment: ``ALI_METADATA_ENDPOINT`` is another address of the service,
            ``ALIBABA_CLOUD_ECS_METADATA_DISABLED`` keeps from asking it, ``ALIBABA_CLOUD_IMDSV1_DISABLED`` from asking
            without a session token.
        role: Name of the role; the service is asked for it when None.
        deadline: Monotonic time at which to give up; None when this may not be an ECS instance.

    Raises:
        CredentialsError: This is not an ECS instance, or it has no such role.
        TransportError, InvalidResponseError, UnavailableError: The service did not respond properly.
    """
    if switched(environ, "ALIBABA_CLOUD_ECS_METADATA_DISABLED"):
        raise CredentialsError("ALIBABA_CLOUD_ECS_METADATA_DISABLED forbids to ask it")
    given = environ.get("ALI_METADATA_ENDPOINT")
    session = MetadataSession(
        transport, clock, base_url("ALI_METADATA_ENDPOINT", given) if given else ADDRESS, deadline
    )
    strict = switched(environ, "ALIBABA_CLOUD_IMDSV1_DISABLED")
    token = session.token(*_SESSION, needed=strict)
    if token is None and strict:
        raise CredentialsError(f"{session.url} gives no session token, and ALIBABA_CLOUD_IMDSV1_DISABLED demands one")

    def get(path: str) -> Response:
        nonlocal token
        response = session.ask("GET", path, {_HEADER: token} if token else {})
        if response.status in (401, 403) and token is None:
            # It demands a token after all: the one that it was asked for got lost.
            token = session.token(*_SESSION, needed=True)
            response = session.ask("GET", path, {_HEADER: token} if token else {})
        return response

    if not role:
        response = get(_ROLES)
        role = response.text().strip()
        if response.status != 200 or not _ROLE.match(role):
            raise CredentialsError(f"{session.url}{_ROLES} names no role (HTTP {response.status})")
    path = _ROLES + quote(role, safe="")
    return sts.handed_out(session.document(path, get(path)), "ECS metadata", f"{session.url}{path}")


def fetch_from(transport: Transport, clock: Clock, url: str, deadline: float) -> AccessKey:
    """Return a temporary key that an address hands out (a credentials URI).

    Args:
        transport: What reaches it.
        clock: Time.
        url: The address.
        deadline: Monotonic time at which to give up.

    Raises:
        CredentialsError: There is no key.
        TransportError, InvalidResponseError, UnavailableError: The address did not respond properly.
    """
    origin = "/".join(url.split("/", 3)[:3])
    session = MetadataSession(transport, clock, origin, deadline)
    path = url[len(origin) :]
    document = session.document(path, session.ask("GET", path))
    # Its query may hold a secret.
    return sts.handed_out(document, "credentials URI", url.split("?", 1)[0])
