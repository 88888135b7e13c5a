# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The discovery of tasks in the lists of a service. The source polls them like the tasks that are named.

KPS lists the tasks that run and, until the records are deleted, those that failed. A task that begins and succeeds
between two readings is on neither list. CloudSSO lists all tasks of a directory, up to seven days back.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import InvalidResponseError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import is_id
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import FAILED, SUCCESS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import cloudsso, kps
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.options import utc

#: Seconds by which a reading of CloudSSO's list reaches back before the last complete one.
OVERLAP = 3600.0
#: Seconds by which the first reading reaches back for tasks that still go on, if no time is given.
FIRST = 86400.0


class DiscoveredTasks(t.NamedTuple):
    """The result of one complete reading of the lists.

    Attributes:
        running: The tasks that go on.
        ended: Those that have ended.
        read_at: The time of the service when the reading began, in seconds since the epoch; None when it does not matter.
        warnings: What the user should know.
    """

    running: list[str]
    ended: list[str]
    read_at: float | None
    warnings: list[str]


class Discovery(t.Protocol):
    """The reader of the lists of a service."""

    def read(self, read_at: float | None) -> DiscoveredTasks:
        """Read the lists.

        Args:
            read_at: ``Found.read_at`` of the last reading, also of an earlier run; None before the first.

        Raises:
            CloudError: A list could not be read.
        """


class KpsDiscovery:
    """The tasks of KPS.

    Args:
        client: The client.
        since: Records of failed tasks count from this time of the service on, in seconds since the epoch; None is any time.
    """

    def __init__(self, client: t.Any, since: float | None) -> None:
        self._client = client
        self._since = since

    def read(self, read_at: float | None) -> DiscoveredTasks:  # noqa: ARG002 - the signature of Discovery
        """Read the failed tasks before those that run, so that one that fails meanwhile is in the next reading."""
        failed = [row for row in kps.list_failed(self._client) if self._counts(row)]
        running = kps.list_running(self._client)
        warnings: list[str] = []
        # The service tells no time, and its records do not end: whether there was a first reading is all that matters.
        return DiscoveredTasks(
            _ids(running, "task_id", False, warnings), _ids(failed, "task_id", False, warnings), 0.0, warnings
        )

    def _counts(self, row: t.Mapping[str, t.Any]) -> bool:
        """Return whether a record is recent enough; one without a time is."""
        moment = row.get("task_time")
        if self._since is None or isinstance(moment, bool) or not isinstance(moment, (int, float, str)):
            return True
        try:
            return int(moment) >= self._since * 1000
        except ValueError:
            return True


class CloudssoDiscovery:
    """The tasks of a directory of CloudSSO.

    Args:
        client: The client.
        directory_id: The directory.
        since: Tasks count that began at this time of the service or later, in seconds since the epoch; None is any time.
    """

    def __init__(self, client: t.Any, directory_id: str, since: float | None) -> None:
        self._client = client
        self._directory_id = directory_id
        self._since = since

    def read(self, read_at: float | None) -> DiscoveredTasks:
        """Read the tasks that began since shortly before the last reading."""
        now = self._now()
        warnings: list[str] = []
        start = now - FIRST if self._since is None else self._since
        if read_at is not None:
            start = read_at - OVERLAP if self._since is None else max(self._since, read_at - OVERLAP)
        oldest = now - cloudsso.OLDEST
        if start < oldest:
            warnings.append(
                f"CloudSSO lists tasks of the last seven days only. Those that began between {utc(start)} and {utc(oldest)} "
                "cannot be discovered."
            )
            start = oldest
        rows = cloudsso.list_tasks(self._client, self._directory_id, {"Filter": f"StartTime ge {utc(start)}"}).rows
        ended = [row for row in rows if cloudsso.classify(row.get("Status")) in (SUCCESS, FAILED)]
        running = [row for row in rows if row not in ended]
        return DiscoveredTasks(
            _ids(running, "TaskId", True, warnings), _ids(ended, "TaskId", True, warnings), now, warnings
        )

    def _now(self) -> float:
        """Return the time of the service, for the clock of this machine may be wrong."""
        now: float | None = self._client.server_time()
        if now is None:
            cloudsso.list_tasks(self._client, self._directory_id, {}, limit=1, most=1)
            now = self._client.server_time()
        if now is None:
            raise InvalidResponseError(
                "CloudSSO ListTasks: the response has no Date, which the filter of the list is made of."
            )
        return now


def discovery_of(service: str, client: t.Any, within: t.Mapping[str, str], since: float | None) -> Discovery:
    """Return what reads the lists of a service."""
    if service == "kps":
        return KpsDiscovery(client, since)
    return CloudssoDiscovery(client, within["directory_id"], since)


def _ids(rows: t.Iterable[t.Mapping[str, t.Any]], field: str, in_query: bool, warnings: list[str]) -> list[str]:
    """Return the ids of rows; one that must not stand in a request is left out with a warning."""
    found = []
    for row in rows:
        task_id = str(row[field])
        if is_id(task_id, in_query=in_query):
            found.append(task_id)
        else:
            warnings.append(f"The service lists a task with the id {task_id!r}, which is not valid. It is left out.")
    return found
