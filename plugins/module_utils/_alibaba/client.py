# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Alibaba Cloud client: sends operations, signs them, corrects the clock."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import signing, sts
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.credentials import (
    Credentials,
    OidcRole,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.endpoints import Endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.errors import is_skew, read_response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import (
    AccessKey,
    Lease,
    RefreshableKey,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    ServiceError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Budget, Http, Request
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.client import Client
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.error_response import clock_ahead

if t.TYPE_CHECKING:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.error_response import ErrorResponse

USER_AGENT = "ansible-multicloud.async_tasks"
_COMMON = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "User-Agent": USER_AGENT}


class AlibabaOperation(t.NamedTuple):
    """An operation of a service. Pass every field by its name.

    Attributes:
        service: ``cloudsso`` or ``sts``.
        name: The vendor's name for it.
        version: Version of the API.
        read_only: Whether it changes nothing.
        response_key: A key that the response must have.
        iam_action: The RAM action that the identity needs.
        is_not_found: Returns whether an error response says that the requested object does not exist.
        secret: Whether the response holds a secret, and must not be quoted.
        lists: Whether ``response_key`` names a list, which may be missing when it is empty.
    """

    service: str
    name: str
    version: str
    read_only: bool
    response_key: str
    iam_action: str | None = None
    is_not_found: t.Callable[[ErrorResponse], bool] | None = None
    secret: bool = False
    lists: bool = False

    def __str__(self) -> str:
        return f"{self.service.upper()} {self.name}"


Query = t.Mapping[str, t.Union[str, int, None]]

_ASSUME_ROLE = AlibabaOperation(
    service="sts",
    name="AssumeRole",
    version="2015-04-01",
    read_only=True,
    response_key="Credentials",
    iam_action="sts:AssumeRole",
    secret=True,
)
_ASSUME_ROLE_WITH_OIDC = AlibabaOperation(
    service="sts",
    name="AssumeRoleWithOIDC",
    version="2015-04-01",
    read_only=True,
    response_key="Credentials",
    secret=True,
)


class AlibabaClient(Client):
    """The client of the services of one region.

    Args:
        http: Transport, clock and retry rule.
        credentials: What to sign with.
        endpoints: Where the services are.
        nonce: A new random text each time, for one signature.
        on_secret: Called with every secret that is obtained on the way, so that it can be masked.
        on_warning: Called with each warning for the user.
    """

    def __init__(
        self,
        http: Http,
        credentials: Credentials,
        endpoints: Endpoints,
        *,
        nonce: t.Callable[[], str],
        on_secret: t.Callable[[str], None],
        on_warning: t.Callable[[str], None],
    ) -> None:
        super().__init__(http, credentials, endpoints, "ali_endpoint", on_secret=on_secret, on_warning=on_warning)
        self._credentials = credentials
        self._nonce = nonce
        self._key: Lease[AccessKey] = Lease(lambda deadline: self._obtain(credentials, deadline), http.clock)
        #: Seconds by which the service's clock was ahead of ours when it last answered; None before.
        self._ahead: float | None = None
        #: What is added to our clock in signatures, once the service has said that it is wrong.
        self._skew: float | None = None
        self._corrected = False
        #: What makes an id unique beside its service, as far as the user said it.
        self.scope = {"region": endpoints.region or ""}

    def call(
        self, operation: AlibabaOperation, query: Query, timeout: float | Budget | None = None
    ) -> dict[str, t.Any]:
        """Send an operation, repeat it as the retry rule allows, and return the JSON object of its response.

        Args:
            operation: What to send.
            query: Its parameters; those that are None or empty are left out.
            timeout: Seconds for everything, or the time that several calls share; ``ali_timeout`` by default.
        """
        return self._repeat(
            lambda left: self.once(operation, query, timeout=left), read_only=operation.read_only, timeout=timeout
        )

    def once(self, operation: AlibabaOperation, query: Query, *, timeout: float) -> dict[str, t.Any]:
        """Send an operation exactly once, as a wait does: no repetition and no re-authentication.

        A key that must be got first is still obtained, within the same ``timeout``.
        """
        deadline = self._http.clock.monotonic() + timeout
        return self._exchange(operation, query, deadline, self._key.get(deadline))

    def server_time(self) -> float | None:
        """Return the service's time in seconds since the epoch; None before its first response."""
        return None if self._ahead is None else self._http.clock.time() + self._ahead

    def renewable(self) -> bool:
        """Return whether another try can help: with the service's time, or with a new key in the place of one that was obtained."""
        return self._corrected or (self._key.held and not isinstance(self._credentials, AccessKey))

    def renew(self, timeout: float) -> None:
        """Get a new key, unless the clock was all that was wrong."""
        if self._corrected:
            self._corrected = False
            return
        self._key.drop()
        self._key.get(self._http.clock.monotonic() + timeout)

    def _obtain(self, credentials: Credentials, deadline: float) -> AccessKey:
        """Return the key itself, or the one that is obtained with it."""
        if isinstance(credentials, AccessKey):
            return credentials
        if isinstance(credentials, RefreshableKey):
            key = credentials.take(deadline)
        else:
            if isinstance(credentials, OidcRole):
                token = credentials.token_file.token()
                self._mask(token)
                query, operation, base = sts.oidc_query(credentials, token), _ASSUME_ROLE_WITH_OIDC, None
            else:
                base = self._obtain(credentials.base, deadline)
                query, operation = sts.role_query(credentials), _ASSUME_ROLE
            document = self._ask_sts(operation, query, deadline, base)
            key = sts.key_of(document["Credentials"], credentials.source, "STS")
        for secret in key.secrets():
            self._mask(secret)
        return key

    def _ask_sts(
        self, operation: AlibabaOperation, query: Query, deadline: float, key: AccessKey | None
    ) -> dict[str, t.Any]:
        """Ask for a key, once more with the service's time when that was all that was wrong."""
        try:
            return self._exchange(operation, query, deadline, key)
        except AuthenticationError:
            if not self._corrected:
                raise
            self._corrected = False
            return self._exchange(operation, query, deadline, key)

    def _exchange(
        self, operation: AlibabaOperation, query: Query, deadline: float, key: AccessKey | None
    ) -> dict[str, t.Any]:
        """Build, sign, send and decode one request; without a key it is not signed."""
        origin = self.origin(operation.service)
        clock = self._http.clock
        request = self._request(operation, origin, query, key, clock.time() + (self._skew or 0.0))
        response = self._send(
            request, operation.service, str(operation), read_only=operation.read_only, deadline=deadline
        )
        now = clock.time()
        ahead = clock_ahead(response, now)
        if ahead is not None:
            self._ahead = ahead
        try:
            return read_response(response, operation, origin=origin, now=now)
        except ServiceError as error:
            if is_skew(error) and self._skew is None and ahead is not None:
                # Once: a service that still says so has another reason.
                self._skew, self._corrected = ahead, True
            self._tell_source(error)
            raise

    def _request(
        self, operation: AlibabaOperation, origin: str, query: Query, key: AccessKey | None, now: float
    ) -> Request:
        """Return a request with a new date, nonce and signature; the parameters are in the query, and the body is empty."""
        parameters = {name: str(value) for name, value in query.items() if value not in (None, "")}
        headers = {"host": origin.split("://", 1)[1]}
        if key is None:
            return self._unsigned(operation, origin, parameters, headers, now)
        headers.update(
            {
                "x-acs-action": operation.name,
                "x-acs-version": operation.version,
                "x-acs-date": signing.acs_date(now),
                "x-acs-signature-nonce": self._nonce(),
                "x-acs-content-sha256": signing.content_hash(b""),
            }
        )
        if key.security_token:
            headers["x-acs-accesskey-id"] = key.access_key
            headers["x-acs-security-token"] = key.security_token
        headers["Authorization"] = signing.authorization(
            "POST", "/", parameters, headers, key.access_key, key.secret_key
        )
        # Not signed: a proxy may rewrite them.
        headers.update(_COMMON)
        return Request("POST", f"{origin}/?{signing.canonical_query(parameters)}", headers)

    @staticmethod
    def _unsigned(
        operation: AlibabaOperation,
        origin: str,
        parameters: t.Mapping[str, str],
        headers: t.Mapping[str, str],
        now: float,
    ) -> Request:
        """Return a request without a signature, as the official SDK for Go sends it: with the token in a form, for gateways log queries.

        Source: OIDCCredentialsProvider of github.com/aliyun/credentials-go. The package for Python puts all of it into the query.
        """
        common = {
            "Action": operation.name,
            "Version": operation.version,
            "Format": "JSON",
            "Timestamp": signing.acs_date(now),
        }
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = signing.canonical_query(parameters).encode("ascii")
        return Request("POST", f"{origin}/?{signing.canonical_query(common)}", {**headers, **form, **_COMMON}, body)
