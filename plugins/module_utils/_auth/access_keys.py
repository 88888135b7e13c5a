# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access keys of either cloud, permanent or temporary, and when to get the next one."""

from __future__ import annotations

import calendar
import dataclasses
import math
import re
import threading
import time
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    CloudError,
    CredentialsError,
    InvalidResponseError,
    ThrottledError,
    TransportError,
    UnavailableError,
)

#: Temporary errors: the same login may succeed later.
TEMPORARY: tuple[type[CloudError], ...] = (TransportError, InvalidResponseError, ThrottledError, UnavailableError)

_PLAIN = re.compile(r"[!-~]+\Z")


def check_plain(what: str, text: str, source: str) -> None:
    """Raise when a credential cannot be a part of a header, without showing it: a line break from a file, most often.

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
        access_key: Its id, which is not a secret.
        secret_key: What signatures are made with.
        security_token: Belongs to a temporary key, and is sent along.
        source: Where it was found, for people.
        expires: When it ends, in seconds since the epoch; None when it is permanent or does not say.
        renew_at: When to ask for the next one, in seconds since the epoch; None when that follows from its end.
    """

    access_key: str
    secret_key: str = dataclasses.field(repr=False)
    security_token: str | None = dataclasses.field(default=None, repr=False)
    source: str = "options"
    expires: float | None = None
    renew_at: float | None = None

    def __post_init__(self) -> None:
        check_plain("access key id", self.access_key, self.source)
        check_plain("secret access key", self.secret_key, self.source)
        if self.security_token:
            check_plain("security token", self.security_token, self.source)

    def secrets(self) -> list[str]:
        """Return the secrets, which must never be shown."""
        return [secret for secret in (self.secret_key, self.security_token) if secret]


#: What a place calls an access key's id, its secret and its security token; the last may have no name.
Names = tuple[str, str, t.Optional[str]]


def key_in(values: t.Mapping[str, t.Any], names: Names, kind: str, source: str) -> AccessKey | None:
    """Return the access key among values that come from one place; None when there is no part of one.

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
    """Return the temporary key in a response of a service that hands them out.

    Args:
        found: The object that should hold it.
        names: What id, secret and token are called there.
        ends: What the end of the key is called there.
        source: Where keys of this kind come from, for people.
        giver: The service that responded, for the message.

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
    """Return the value of an option, of the first of its variables that is set, or of a file; empty means not set.

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
    """Return whether a variable of the environment is ``true``."""
    return environ.get(name, "").lower() == "true"


class RefreshableKey:
    """A temporary access key that can be fetched again: from a metadata service, an agent or a library.

    Args:
        source: Where they come from, for people.
        fetch: Asks for one, before a monotonic time.
        first: One that was asked for already.
    """

    def __init__(self, source: str, fetch: t.Callable[[float], AccessKey], first: AccessKey | None = None) -> None:
        self.source = source
        self._fetch = fetch
        self._first = first
        self._given = first is not None
        self._secrets = first.secrets() if first else []

    def take(self, deadline: float) -> AccessKey:
        """Return the key that was asked for already, once, and then a new one each time.

        Args:
            deadline: Monotonic time at which to give up.

        Raises:
            CredentialsError: There is none.
            InvalidResponseError: There is none, although there was one before, so that there may be one again.
        """
        first, self._first = self._first, None
        try:
            key = first or self._fetch(deadline)
        except CredentialsError as error:
            if not self._given:
                raise
            raise InvalidResponseError(
                f"There is no new key from the source of the last one ({self.source}): {error}", truncated=True
            ) from None
        self._given = True
        return key

    def secrets(self) -> list[str]:
        """Return the secrets of the key that was asked for already."""
        return self._secrets


def try_service(
    source: str, fetch: t.Callable[[float | None], AccessKey], missing: t.Callable[[str], CredentialsError]
) -> RefreshableKey:
    """Ask a service that may not be there for a key, and return the refreshable key that it hands out.

    Args:
        source: Where they come from, for people.
        fetch: Asks for one before a monotonic time; with None, there may be no such service.
        missing: Returns the error that there are none, from the reason.

    Raises:
        CredentialsError: There are none.
    """

    def fetch_first(deadline: float | None) -> AccessKey:
        try:
            return fetch(deadline)
        except CredentialsError as error:
            raise missing(error.message.rstrip(".")) from None

    try:
        return RefreshableKey(source, fetch, fetch_first(None))
    except TEMPORARY:
        # The service is there and failed: the caller that needs the key asks again.
        return RefreshableKey(source, fetch_first)


class Expiring(t.Protocol):
    """A key or token with an end."""

    @property
    def expires(self) -> float | None:
        """When it ends, in seconds since the epoch."""

    @property
    def renew_at(self) -> float | None:
        """When to ask for the next one, in seconds since the epoch; None when that follows from its end."""


T = t.TypeVar("T", bound=Expiring)

#: Seconds before its end at which a key or token is renewed: requests on their way must still arrive with the old one.
MARGIN = 300.0
#: Seconds that a key or token is kept at least, whatever end it names: the clock of this machine may be wrong.
KEPT = 60.0
#: Seconds between two attempts to renew a key or token that is still good, and the most that such an attempt may take of the
#: time of the request that it delays.
RETRY = 30.0
EARLY = 5.0


@dataclasses.dataclass(frozen=True)
class _Held(t.Generic[T]):
    """A key or token, and its times in seconds since the epoch."""

    identity: T
    renew_at: float
    ends: float


class Lease(t.Generic[T]):
    """A key or token that is obtained when it is first needed, and again before it ends.

    - Requests that come together obtain it once. While it is renewed early, others use the old one.
    - An early renewal that fails is tried again later; until its real end the old one is used.
    - A rejection is remembered: a wrong password is sent once, however many requests need it.

    Args:
        obtain: Obtains one before a monotonic time.
        clock: Time.
        temporary: Temporary errors, after which a key is asked for again.
    """

    def __init__(
        self, obtain: t.Callable[[float], T], clock: Clock, temporary: tuple[type[CloudError], ...] = TEMPORARY
    ) -> None:
        self._obtain = obtain
        self._clock = clock
        self._temporary = temporary
        self._lock = threading.Lock()
        self._held: _Held[T] | None = None
        #: How often it was tried to obtain one, and what the last attempt ended with.
        self._attempts = 0
        self._failure: CloudError | None = None

    def get(self, deadline: float) -> T:
        """Return the key or token to use now.

        Args:
            deadline: Monotonic time at which to give up.

        Raises:
            CloudError: There is none; ``unsent`` is true.
        """
        now, held, attempts = self._clock.time(), self._held, self._attempts
        if held is not None and now < held.renew_at:
            return held.identity
        if held is not None and now < held.ends:
            if not self._lock.acquire(blocking=False):
                return held.identity
        elif not self._lock.acquire(timeout=max(0.0, deadline - self._clock.monotonic())):
            error = TransportError("The login that another request has begun did not end in time.", possibly_sent=False)
            error.unsent = True
            raise error
        try:
            return self._get_alone(now, attempts, deadline)
        finally:
            self._lock.release()

    @property
    def held(self) -> bool:
        """Whether there is a key or token, so that an error was not that of obtaining it."""
        return self._held is not None

    def drop(self) -> None:
        """Drop the key or token: the service rejected it."""
        self._held = None

    def _get_alone(self, now: float, attempts: int, deadline: float) -> T:
        """Return the key or token; no other thread obtains one meanwhile."""
        held, failure = self._held, self._failure
        if held is not None and now < held.renew_at:
            return held.identity
        if held is not None and now < held.ends:
            return self._renew_early(held, deadline)
        # Requests that waited for the attempt of another share how it ended.
        if failure is not None and (self._attempts > attempts or not isinstance(failure, self._temporary)):
            raise failure.copy()
        try:
            return self._try(deadline)
        except CloudError as error:
            error.unsent = True
            self._failure = error.copy()
            raise

    def _renew_early(self, held: _Held[T], deadline: float) -> T:
        """Return a new key or token, or the old one when there is none yet."""
        begun = self._clock.monotonic()
        try:
            return self._try(min(deadline, begun + EARLY, begun + (deadline - begun) / 2))
        except CloudError as error:
            # After a rejection the next attempt is at the end of the old key or token.
            rejected = not isinstance(error, self._temporary)
            again = held.ends if rejected else min(held.ends, self._clock.time() + RETRY)
            self._held = dataclasses.replace(held, renew_at=again)
            return held.identity

    def _try(self, deadline: float) -> T:
        try:
            identity = self._obtain(deadline)
        finally:
            self._attempts += 1
        now = self._clock.time()
        ends = math.inf if identity.expires is None else max(identity.expires, now + KEPT)
        renew_at = max(ends - MARGIN, now + KEPT) if identity.renew_at is None else identity.renew_at
        self._held, self._failure = _Held(identity, renew_at, ends), None
        return identity


def parse_time(text: t.Any) -> float | None:
    """Return the seconds since the epoch of an ISO 8601 time in UTC, as both clouds write the end of a key; None when it is not a time."""
    if not isinstance(text, str):
        return None
    try:
        # Python 3.9 reads neither a Z nor seven digits behind the point.
        moment = time.strptime(text.strip()[:19], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return None
    return float(calendar.timegm(moment))
