# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the task sources of all services have in common."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import StatusPage
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.client import Client

C = t.TypeVar("C", bound=Client)


class TaskBackendBase(t.Generic[C]):
    """Half of a ``TaskBackend``: where it is, how it logs in, and that it has no lists unless a service says so."""

    service: str
    statuses: t.Mapping[str, tuple[str, ...]]
    labels: tuple[tuple[str, str], ...] = ()
    listed_statuses: tuple[str, ...] | None = None
    parent = "project"
    has_reasons = False

    def __init__(self, client: C) -> None:
        self.client = client
        self.endpoint = client.origin(self.service)

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
        """There is no list call."""
        raise NotImplementedError(f"{self.service} has no list of tasks")

    def reasons(self, cursor: t.Any, timeout: float) -> StatusPage:
        """There is no list of reasons."""
        raise NotImplementedError(f"{self.service} has no list of reasons")

    def can_reauthenticate(self) -> bool:
        """Whether a new login can help."""
        return self.client.renewable()

    def reauthenticate(self, timeout: float) -> None:
        """Log in again."""
        self.client.renew(timeout)
