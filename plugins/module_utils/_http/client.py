# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of both clients: addresses, retries and re-authentication."""

from __future__ import annotations

import copy
import math
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    CloudError,
    ServiceError,
    TransportError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.urls import Endpoint
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Budget, Http, Request, Response

T = t.TypeVar("T")
Self = t.TypeVar("Self", bound="Client")


class EndpointResolver(t.Protocol):
    """The addresses of services."""

    @property
    def region(self) -> str | None:
        """The region id, when there is one."""

    def resolve(self, service: str) -> Endpoint:
        """Return the address of a service."""


class CredentialSource(t.Protocol):
    """Credentials, as far as every kind has it."""

    @property
    def source(self) -> str:
        """Where they were found, for people."""

    def secrets(self) -> list[str]:
        """Return the secrets among them."""


class Client:
    """The base of the clients of both clouds.

    Args:
        http: Transport, clock and retry rule.
        credentials: What to authenticate with.
        endpoints: Where the services are.
        endpoint_option: Name of the option that overrides them, for messages.
        on_secret: Called with every secret that is obtained on the way, so that it can be masked.
        on_warning: Called with each warning for the user.
    """

    def __init__(
        self,
        http: Http,
        credentials: CredentialSource,
        endpoints: EndpointResolver,
        endpoint_option: str,
        *,
        on_secret: t.Callable[[str], None],
        on_warning: t.Callable[[str], None],
    ) -> None:
        self._http = http
        self._endpoints = endpoints
        self._endpoint_option = endpoint_option
        self._on_secret = on_secret
        self._on_warning = on_warning
        self._origins: dict[str, Endpoint] = {}
        #: Services that have responded, so that their hosts exist.
        self._answered: set[str] = set()
        self._patient_until = -math.inf
        #: Where the credentials come from, such as ``options`` or ``environment``; never what they are.
        self.credentials_source = credentials.source
        for secret in credentials.secrets():
            self.hide(secret)

    def hide(self, secret: str) -> None:
        """Take a secret out of everything that is shown of responses from now on."""
        self._http.secrets.add(secret)

    def _mask(self, secret: str) -> None:
        """Mask a secret that was obtained on the way, wherever it may turn up."""
        self.hide(secret)
        self._on_secret(secret)

    @property
    def region(self) -> str | None:
        """The region id, when there is one."""
        return self._endpoints.region

    def countdown(self, timeout: float | None = None) -> Budget:
        """Return the time for an operation that begins now; several calls may share it.

        Args:
            timeout: Seconds for all of it; those of the option by default.
        """
        # A timeout that the caller gives is not extended.
        patience = self._patient_until - self._http.clock.monotonic() if timeout is None else 0.0
        return self._http.budget(timeout, patience)

    def origin(self, service: str) -> str:
        """Return scheme and host of a service; warn once when the region is in no table."""
        if service not in self._origins:
            try:
                found = self._endpoints.resolve(service)
            except CloudError as error:
                error.unsent = True
                raise
            self._origins[service] = found
            if found.guessed:
                self._on_warning(
                    f"The region {self.region!r} is not in the list of regions of {service.upper()}; trying {found.url}. "
                    f"{_meant(found)}Check {found.region_from} if this fails, or set {self._endpoint_option}."
                )
        return self._origins[service].url

    def _send(self, request: Request, service: str, operation: str, *, read_only: bool, deadline: float) -> Response:
        """Send one request once."""
        try:
            response = self._http.send(
                request, operation, read_only=read_only, timeout=deadline - self._http.clock.monotonic()
            )
        except TransportError as error:
            if error.unknown_host:
                self._explain_unknown_host(error, service)
            raise
        self._answered.add(service)
        return response

    def _explain_unknown_host(self, error: TransportError, service: str) -> None:
        """Add what to check to the error; a host that was made of a region is not looked for again."""
        found = self._origins[service]
        if service in self._answered:
            error.hint = "This host has answered before. Check the name service of this machine."
        elif not found.region_from:
            error.hint = f"The name service of this machine knows no such host. Check {self._endpoint_option}."
        else:
            error.permanent = True
            error.hint = (
                f"Check {found.region_from}: the host is made of it, and no such host exists. {_meant(found)}Where the "
                f"name service of this machine does not know the cloud's hosts, set {self._endpoint_option}."
            )

    def patient(self: Self, until: float) -> Self:
        """Return this client, whose operations wait longer than their timeout while they are throttled: a quota may last a while.

        Args:
            until: Monotonic time at which the last of them gives up.
        """
        twin = copy.copy(self)
        twin._patient_until = until
        return twin

    def renewable(self) -> bool:
        """Return whether ``renew`` can help after the service rejected the credentials."""
        raise NotImplementedError

    def renew(self, timeout: float) -> None:
        """Log in again, within so many seconds."""
        raise NotImplementedError

    def _tell_source(self, error: ServiceError) -> None:
        """Add where rejected credentials come from to the error, unless they come from the options, which the user sees."""
        if isinstance(error, AuthenticationError) and self.credentials_source != "options":
            error.hint = f"{error.hint or ''} The credentials come from: {self.credentials_source}.".strip()

    def _repeat(self, attempt: t.Callable[[float], T], *, read_only: bool, timeout: float | Budget | None) -> T:
        """Run an attempt as the retry rule allows, and once more after re-authentication."""
        budget = timeout if isinstance(timeout, Budget) else self.countdown(timeout)
        return self._http.call(attempt, read_only=read_only, budget=budget, renew=self._try_renew)

    def _try_renew(self, timeout: float) -> bool:
        if not self.renewable():
            return False
        self.renew(timeout)
        return True


def _meant(found: Endpoint) -> str:
    return f"Is {found.similar} meant? " if found.similar else ""
