# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of the agency that a Huawei Cloud ECS, or a pod of CCE, was given.

Sources: "Obtaining a security key from the metadata service" (support.huaweicloud.com, ECS), and the official SDK 3.1.219,
which is all there is about pods.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey, switched
from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.metadata import MetadataSession
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.urls import base_url
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Transport
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.iam import key_of

ADDRESS = "http://169.254.169.254"
_SESSION = ("/meta-data/latest/api/token", "X-Metadata-Token-Ttl-Seconds")
_PATH = "/openstack/latest/securitykey"
_NO_AGENCY = "Please configure Cloud Service Agency first"


def fetch(transport: Transport, clock: Clock, environ: t.Mapping[str, str], deadline: float | None = None) -> AccessKey:
    """Return a temporary key of the server's agency.

    Args:
        transport: A transport that uses no proxy.
        clock: Time.
        environ: The process environment: ``HWC_METADATA_ENDPOINT`` is another address of the service,
            ``HWC_METADATA_DISABLED`` keeps from asking it.
        deadline: Monotonic time at which to give up; None when this may not be an ECS.

    Raises:
        CredentialsError: This is not an ECS, or it has no agency.
        TransportError, InvalidResponseError, UnavailableError: The service did not respond properly.
    """
    if switched(environ, "HWC_METADATA_DISABLED"):
        raise CredentialsError("HWC_METADATA_DISABLED forbids to ask it")
    given = environ.get("HWC_METADATA_ENDPOINT")
    session = MetadataSession(
        transport, clock, base_url("HWC_METADATA_ENDPOINT", given) if given else ADDRESS, deadline
    )
    token = session.token(*_SESSION)
    response = session.ask("GET", _PATH, {"X-Metadata-Token": token} if token else {})
    if response.status == 401 and _NO_AGENCY in response.text():
        raise CredentialsError(f'{session.url}{_PATH} says "{_NO_AGENCY}": this server has no agency')
    if response.status == 401 and token is None:
        token = session.token(*_SESSION, needed=True)
        response = session.ask("GET", _PATH, {"X-Metadata-Token": token} if token else {})
    return key_of(session.document(_PATH, response).get("credential"), "ECS metadata", f"{session.url}{_PATH}")


def fetch_of_pod(transport: Transport, clock: Clock, url: str, token: str, deadline: float) -> AccessKey:
    """Return a temporary key of the agency that a pod's service account was given (pod identity of CCE).

    Args:
        transport: A transport that uses no proxy.
        clock: Time.
        url: The address that CCE gave the pod.
        token: The token that CCE put into a file of the pod.
        deadline: Monotonic time at which to give up.

    Raises:
        CredentialsError: There is no key.
        TransportError, InvalidResponseError, UnavailableError: The agent did not respond properly.
    """
    origin = "/".join(url.split("/", 3)[:3])
    session = MetadataSession(transport, clock, origin, deadline)
    headers = {"Authorization": token, "Content-Type": "application/json"}
    path = url[len(origin) :]
    document = session.document(path, session.ask("POST", path, headers, b"{}"))
    found = document.get("credential") or document.get("credentials") or document
    # Its query may hold a secret.
    return key_of(found, "pod identity", url.split("?", 1)[0])
