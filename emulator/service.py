# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of all services: operations, calls, and the state that services share."""

from __future__ import annotations

import dataclasses
import json
import threading
import typing as t
import urllib.parse

from .clock import Clock, Timeline
from .faults import Faults
from .messages import ApiError, Json, Request, Response


@dataclasses.dataclass(frozen=True)
class Sender:
    """The sender of a request, as established by its credentials.

    Attributes:
        label: For the request log: an access key or a user name.
        user_id: The user behind the credentials.
        domain_id: The account the user belongs to.
        project_id: The one project a token is good for; None when the credentials are good for all of the account's.
        scoped: True when the credentials are a token, which is good for its own scope only.
    """

    label: str
    user_id: str
    domain_id: str
    project_id: str | None = None
    scoped: bool = False


NO_IDENTITY = Sender("", "", "")


@dataclasses.dataclass
class Call:
    """A request on its way to an operation's handler."""

    request: Request
    operation: Operation
    params: dict[str, str]
    query: dict[str, str]
    identity: Sender = NO_IDENTITY

    @property
    def project_id(self) -> str:
        """The project named in the path."""
        return self.params["project_id"]


@dataclasses.dataclass(frozen=True)
class Operation:
    """One documented operation of a service.

    Attributes:
        name: The vendor's name.
        method, path: Where it is; ``{name}`` in the path stands for one segment. RPC services use the action's name.
        writes: True when it changes something.
        signed: False when it is called without any credentials.
    """

    name: str
    method: str
    path: str
    handle: t.Callable[[Call], Response]
    writes: bool = False
    signed: bool = True


class Service:
    """Base of all services: a table of operations, a form for errors, and the state behind them."""

    #: Short name, as in the request log and in faults.
    name: t.ClassVar[str]

    def operations(self) -> t.Sequence[Operation]:
        """Return the table of operations."""
        raise NotImplementedError

    def error_response(self, error: ApiError) -> Response:
        """Write an error the way this service does."""
        raise NotImplementedError

    def invalid(self, message: str) -> ApiError:
        """Return the service's error for a malformed request."""
        raise NotImplementedError

    def refine(self, operation: Operation, body: bytes) -> Operation:
        """Return the operation with the name the vendor gives it, where one path serves several and the body decides."""
        return operation

    def concerns(self, call: Call) -> set[str]:
        """Return ids and names of the servers (or other objects) that a call is about, for faults that are aimed at one of them."""
        return set()

    def document(self, call: Call) -> dict[str, Json]:
        """Return the call's body, which must be a JSON object."""
        try:
            document = json.loads(call.request.body)
        except ValueError:
            raise self.invalid("The request body is not valid JSON.") from None
        if not isinstance(document, dict):
            raise self.invalid("The request body is not a JSON object.")
        return document

    def integer(self, call: Call, name: str, default: int, least: int, most: int) -> int:
        """Return an integer of the query, within bounds."""
        text = call.query.get(name)
        if text is None or text == "":
            return default
        try:
            value = int(text)
        except ValueError:
            raise self.invalid(f"The parameter {name} is not an integer: {text}.") from None
        if not least <= value <= most:
            raise self.invalid(f"The parameter {name} must be between {least} and {most}, not {value}.")
        return value


def match_path(pattern: str, path: str) -> dict[str, str] | None:
    """Return the values of a pattern's placeholders in an undecoded path; None when the path does not match.

    One slash at the end of the path is ignored.
    """
    expected = pattern.strip("/").split("/")
    segments = [urllib.parse.unquote(part) for part in path.removesuffix("/").split("/")[1:]]
    if len(expected) != len(segments):
        return None
    params: dict[str, str] = {}
    for wanted, segment in zip(expected, segments, strict=True):
        if wanted.startswith("{") and segment:
            params[wanted[1:-1]] = segment
        elif wanted != segment:
            return None
    return params


@dataclasses.dataclass(frozen=True)
class World:
    """The state that all services share.

    Attributes:
        lock: Held while state is read or changed.
        timeline: The present and the future.
        faults: Trouble on demand.
    """

    clock: Clock
    lock: threading.RLock
    timeline: Timeline
    faults: Faults

    @classmethod
    def create(cls, clock: Clock) -> World:
        """Return a new world with nothing in it."""
        lock = threading.RLock()
        return cls(clock, lock, Timeline(clock, lock), Faults())

    def now(self) -> float:
        """Return the present, seconds since the epoch."""
        return self.timeline.now()

    def milliseconds(self) -> int:
        """Return the present, milliseconds since the epoch."""
        return int(self.now() * 1000)


class Machines(t.Protocol):
    """The hardware behind a server: what the clouds' services do to real machines."""

    def power_on(self, server_id: str) -> None:
        """Let people log in."""

    def power_off(self, server_id: str) -> None:
        """End every session and prevent logins."""

    def replace_key(self, server_id: str, old: str | None, new: str | None) -> None:
        """Edit the authorized keys: remove one and add one; None stands for no key."""


class NoMachines:
    """Servers that exist only in the API."""

    def power_on(self, server_id: str) -> None:
        """Do nothing."""

    def power_off(self, server_id: str) -> None:
        """Do nothing."""

    def replace_key(self, server_id: str, old: str | None, new: str | None) -> None:
        """Do nothing."""
