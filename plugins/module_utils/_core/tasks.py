# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The terms of tasks: their states, the status of one task, and the backend of a service.

The services (``_services``) return statuses, the polling engine (``_polling``) uses them; neither imports the other.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, WORD, printable

PENDING = "pending"
SUCCESS = "success"
FAILED = "failed"
#: The service does not know the id, and did not for the whole grace period.
MISSING = "missing"
#: The service rejected the request about this id for good.
ERROR = "error"
#: Unfinished, and the last status is in none of the tables. Never a success.
UNKNOWN = "unknown"

STATES = (SUCCESS, FAILED, MISSING, ERROR, PENDING, UNKNOWN)


class Reason(t.NamedTuple):
    """The reason why a task failed, in the service's words."""

    code: str | None = None
    message: str | None = None

    def __str__(self) -> str:
        """Return one printable line without control characters."""
        parts = ((self.code, WORD), (self.message, SENTENCE))
        return ": ".join(printable(part, most) for part, most in parts if part)


class TaskStatus(t.NamedTuple):
    """The status of one task, as its service reported it.

    Attributes:
        task_id: The task.
        state: ``pending``, ``success``, ``failed`` or ``unknown``, by the table of the service.
        status: The raw status; None when there is none (a row in KPS's list of running tasks).
        reason: Why it failed, when the response says so.
        progress: Percent done, 0 to 100.
        eta: Seconds left, by an estimate of the service.
        data: The response itself, as plain JSON values, without secrets.
    """

    task_id: str
    state: str
    status: str | None = None
    reason: Reason | None = None
    progress: float | None = None
    eta: float | None = None
    data: t.Mapping[str, t.Any] = {}


class StatusPage(t.NamedTuple):
    """One page of a list: its tasks, and the cursor of the next page (None: the list has ended)."""

    tasks: tuple[TaskStatus, ...]
    next: t.Any = None


class TaskBackend(t.Protocol):
    """The polling engine's view of a service. Each method is one request, sent once: no retry and no re-authentication inside.

    Every method may raise any ``CloudError``; ``NotFoundError`` is raised only when the service says that this very
    task does not exist. ``timeout`` is in seconds, and the method returns or raises within it.
    """

    #: Its name in the registry of services.
    service: str
    #: The address of the service, for messages: ``https://kms.cn-north-4.myhuaweicloud.com``.
    endpoint: str
    #: Documented raw statuses by state, for messages and for checking the user's own lists.
    statuses: t.Mapping[str, tuple[str, ...]]
    #: Fields of ``TaskStatus.data`` that tell a person what a task is about, each with the noun before it; the first of a
    #: noun wins.
    labels: tuple[tuple[str, str], ...]
    #: What tasks belong to beside a region, which a wrong id may be from: ``project``, ``directory`` or ``account``.
    parent: str
    #: Calls per second at most, unless the user sets a rate.
    rate: float
    #: True when ``page`` works.
    has_list: bool
    #: Statuses with which a task must be in that list; with another it may be missing. None is any status.
    listed_statuses: tuple[str, ...] | None
    #: True when ``reasons`` works.
    has_reasons: bool

    def read(self, task_id: str, timeout: float) -> TaskStatus:
        """Read one task."""

    def page(self, cursor: t.Any, elapsed: float, timeout: float) -> StatusPage:
        """Read one page of the list; ``cursor`` None is the first, ``elapsed`` the age of the wait in seconds."""

    def reasons(self, cursor: t.Any, timeout: float) -> StatusPage:
        """Read one page of the list that tells why tasks failed."""

    def can_reauthenticate(self) -> bool:
        """Return True when ``reauthenticate`` may help after an ``AuthenticationError``."""

    def reauthenticate(self, timeout: float) -> None:
        """Authenticate again."""
