# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every request that the emulator answered, its sender and its response."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .messages import Json, Request


@dataclasses.dataclass(frozen=True)
class LogEntry:
    """One answered request.

    Attributes:
        number: Counts from 1.
        time: When it came in, seconds since the epoch on the emulator's clock.
        service: ``kps``, ``ecs``, ``iam``, ...; empty when no operation matched.
        operation: The vendor's name of the operation; empty when none matched.
        writes: True when the operation changes something.
        identity: Who asked: an access key, a user name, or empty when that was not established.
        status: HTTP status of the response; 0 when the connection was closed instead.
        fault: The fault that was played, if any.
    """

    number: int
    time: float
    service: str
    operation: str
    writes: bool
    identity: str
    status: int
    fault: str
    request: Request

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.request.method

    @property
    def target(self) -> str:
        """The undecoded request target."""
        return self.request.target

    @property
    def path(self) -> str:
        """The undecoded path."""
        return self.request.path

    @property
    def query(self) -> dict[str, str]:
        """The decoded query."""
        return dict(self.request.pairs())

    @property
    def headers(self) -> dict[str, str]:
        """The headers, names in lower case."""
        return {name.lower(): value for name, value in self.request.headers}

    @property
    def body(self) -> bytes:
        """The body as it was sent."""
        return self.request.body

    def json(self) -> Json:
        """Return the body as JSON."""
        return json.loads(self.request.body)

    def as_json(self) -> dict[str, Json]:
        """Return the entry for the control plane."""
        return {
            "number": self.number,
            "time": self.time,
            "service": self.service,
            "operation": self.operation,
            "writes": self.writes,
            "identity": self.identity,
            "status": self.status,
            "fault": self.fault,
            "method": self.method,
            "target": self.target,
            "path": self.path,
            "headers": self.headers,
            "body": self.request.text(),
        }


class RequestLog(t.Sequence[LogEntry]):
    """The entries in order of arrival."""

    def __init__(self) -> None:
        self._entries: list[LogEntry] = []

    @t.overload
    def __getitem__(self, index: int) -> LogEntry: ...

    @t.overload
    def __getitem__(self, index: slice) -> list[LogEntry]: ...

    def __getitem__(self, index: int | slice) -> LogEntry | list[LogEntry]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: LogEntry) -> None:
        """Append an entry."""
        self._entries.append(entry)

    def of(self, *operations: str) -> list[LogEntry]:
        """Return the entries of some operations, by the vendor's names."""
        return [entry for entry in list(self._entries) if entry.operation in operations]

    def writes(self) -> list[LogEntry]:
        """Return the entries of operations that change something, rejected ones included."""
        return [entry for entry in list(self._entries) if entry.writes]

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
