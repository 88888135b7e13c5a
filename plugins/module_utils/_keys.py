# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access keys of either cloud, permanent or temporary, and when to get the next one."""

from __future__ import annotations

import calendar
import dataclasses
import re
import threading
import time
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CredentialsError

#: Seconds before its end at which a temporary identity is given up: requests on their way must still arrive with it.
MARGIN = 300.0
#: Seconds that an identity is kept at least, whatever it says of its end: the clock of this machine may be wrong.
KEPT = 60.0

_PLAIN = re.compile(r"[!-~]+\Z")


def check_plain(what: str, text: str, source: str) -> None:
    """Refuse a credential that cannot be a part of a header, without showing it: a line break from a file, most often.

    Args:
        what: What it is, for the message.
        text: The credential.
        source: Where it was found.
    """
    if not _PLAIN.match(text):
        raise CredentialsError(
            f"The {what} ({source}) holds a blank, a line break or another character that no such thing has.",
            hint="Check how it was copied. Nothing was sent.",
        )


@dataclasses.dataclass(frozen=True)
class AccessKey:
    """A permanent access key, or a temporary one with its security token. Requests are signed with it.

    Attributes:
        access_key: Its id, which is no secret.
        secret_key: What signatures are made with.
        security_token: Belongs to a temporary key, and is sent along.
        source: Where it was found, for people.
        expires: When it ends, in seconds since the epoch; None when it is permanent or does not say.
    """

    access_key: str
    secret_key: str = dataclasses.field(repr=False)
    security_token: str | None = dataclasses.field(default=None, repr=False)
    source: str = "options"
    expires: float | None = None

    def __post_init__(self) -> None:
        check_plain("access key id", self.access_key, self.source)
        check_plain("secret access key", self.secret_key, self.source)
        if self.security_token:
            check_plain("security token", self.security_token, self.source)

    def secrets(self) -> list[str]:
        """What must never be shown."""
        return [secret for secret in (self.secret_key, self.security_token) if secret]


#: What a place calls an access key's id, its secret and its security token; the last may have no name.
Names = tuple[str, str, t.Optional[str]]


def key_in(values: t.Mapping[str, t.Any], names: Names, kind: str, source: str) -> AccessKey | None:
    """The access key among values that come from one place; None when there is no part of one.

    Args:
        values: Options, environment, or a section of a file.
        names: What id, secret and token are called there.
        kind: What such a name is, for the message: ``option``, ``environment variable``, ``key``.
        source: The place, for people.

    Raises:
        CredentialsError: There is half a key, or a security token alone.
    """
    identifier, secret, token = names
    given = [name for name in names if name and values.get(name)]
    if not given:
        return None
    missing = [name for name in (identifier, secret) if name not in given]
    if missing:
        raise CredentialsError(
            f"The {kind} {' and '.join(missing)} is missing beside {' and '.join(given)} ({source}).",
            hint=f"{identifier} and {secret} belong together and must come from one place.",
        )
    security_token = values.get(token) if token else None
    return AccessKey(
        str(values[identifier]), str(values[secret]), str(security_token) if security_token else None, source
    )


def temporary_key(found: t.Any, names: tuple[str, str, str], ends: str, source: str, giver: str) -> AccessKey:
    """The temporary key in an answer of a service that hands them out.

    Args:
        found: The object that should hold it.
        names: What id, secret and token are called there.
        ends: What the end of the key is called there.
        source: Where keys of this kind come from, for people.
        giver: Who answered, for the message.

    Raises:
        CredentialsError: It is not an object with these three texts; nothing of it is shown.
    """
    fields = found if isinstance(found, dict) else {}
    parts = [part for part in map(fields.get, names) if isinstance(part, str) and part]
    if len(parts) < len(names):
        raise CredentialsError(f"{giver} answered without a complete key.")
    identifier, secret, token = parts
    return AccessKey(identifier, secret, token, source, parse_time(fields.get(ends)))


def first_set(
    option: str,
    variables: t.Iterable[str],
    options: t.Mapping[str, t.Any],
    environ: t.Mapping[str, str],
    settings: t.Mapping[str, str] | None,
) -> str | None:
    """The value of an option, of the first of its variables that is set, or of a file; empty means not set.

    Args:
        option: Its name.
        variables: Names in the environment, the preferred one first.
        options: The module's options.
        environ: The process environment.
        settings: What the file of the credentials says, by option.
    """
    values = (options.get(option), *(environ.get(name) for name in variables), (settings or {}).get(option))
    return next((str(value) for value in values if value), None)


def switched(environ: t.Mapping[str, str], name: str) -> bool:
    """Whether a variable of the environment says true."""
    return environ.get(name, "").lower() == "true"


class Fetched:
    """Temporary access keys that somebody else hands out, as often as they are asked: a metadata service, a library.

    Args:
        first: The key that proved that they do.
        fetch: Asks for another.
    """

    def __init__(self, first: AccessKey, fetch: t.Callable[[], AccessKey]) -> None:
        self.source = first.source
        self._first: AccessKey | None = first
        self._secrets = first.secrets()
        self._fetch = fetch

    def take(self) -> AccessKey:
        """The first key the first time, then a new one each time."""
        first, self._first = self._first, None
        return first or self._fetch()

    def secrets(self) -> list[str]:
        """What must never be shown of the first key."""
        return self._secrets


class Expiring(t.Protocol):
    """What a request is authenticated with."""

    @property
    def expires(self) -> float | None:
        """When it ends, in seconds since the epoch."""


T = t.TypeVar("T", bound=Expiring)


class Lease(t.Generic[T]):
    """An identity that is obtained when it is first needed, and again before it ends. Threads that come together obtain it once.

    Args:
        obtain: Gets one before the given monotonic time.
        clock: Time.
    """

    def __init__(self, obtain: t.Callable[[float], T], clock: Clock) -> None:
        self._obtain = obtain
        self._clock = clock
        self._lock = threading.Lock()
        self._held: T | None = None
        self._good_until: float | None = None

    def get(self, deadline: float) -> T:
        """The identity of the moment.

        Args:
            deadline: Monotonic time at which to give up.
        """
        with self._lock:
            if self._held is None or (self._good_until is not None and self._clock.time() >= self._good_until):
                self._held = self._obtain(deadline)
                ends = self._held.expires
                self._good_until = None if ends is None else max(ends - MARGIN, self._clock.time() + KEPT)
            return self._held

    @property
    def held(self) -> bool:
        """Whether there is one, so that a refusal was not that of obtaining it."""
        return self._held is not None

    def drop(self) -> None:
        """Give the identity up: it was refused."""
        with self._lock:
            self._held = None


def parse_time(text: t.Any) -> float | None:
    """Seconds since the epoch of an ISO 8601 time in UTC, as both clouds write the end of a key; None when it is not a time."""
    if not isinstance(text, str):
        return None
    try:
        # Python 3.9 reads neither a Z nor seven digits behind the point.
        moment = time.strptime(text.strip()[:19], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return None
    return float(calendar.timegm(moment))
