# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The half of a task backend that is the same for all services."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import StatusPage
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.client import Client

C = t.TypeVar("C", bound=Client)


class ServiceBackend(t.Generic[C]):
    """The half of a ``TaskBackend`` that a service inherits: endpoint, authentication, and no lists unless it has some.

    Args:
        client: The client of the provider.
    """

    service: str
    statuses: t.Mapping[str, tuple[str, ...]]
    labels: tuple[tuple[str, str], ...] = ()
    listed_statuses: tuple[str, ...] | None = None
    parent = "project"
    #: Calls per second. Huawei Cloud publishes no quota for its services; the default of its API Gateway is far higher.
    rate = 10.0
    has_list = False
    has_reasons = False

    def __init__(self, client: C) -> None:
        self.client = client
        self.endpoint = client.origin(self.service)

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
        """Raise ``NotImplementedError``: the service has no list of tasks."""
        raise NotImplementedError(f"{self.service} has no list of tasks")

    def reasons(self, cursor: t.Any, timeout: float) -> StatusPage:
        """Raise ``NotImplementedError``: the service has no list of reasons."""
        raise NotImplementedError(f"{self.service} has no list of reasons")

    def can_reauthenticate(self) -> bool:
        """Return True when authenticating again may help."""
        return self.client.renewable()

    def reauthenticate(self, timeout: float) -> None:
        """Authenticate again within so many seconds."""
        self.client.renew(timeout)
