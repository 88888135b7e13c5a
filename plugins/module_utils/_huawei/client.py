# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Huawei Cloud client: sends operations, authenticates them, finds the project."""

from __future__ import annotations

import json
import typing as t
from urllib.parse import quote

from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import (
    TEMPORARY,
    AccessKey,
    Lease,
    RefreshableKey,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    ForbiddenError,
    RejectedError,
    ServiceError,
    UsageError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import given_rows, identifier, text
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Budget, Http, Request
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.client import Client
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import iam, signing
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.credentials import (
    Agency,
    Credentials,
    Federation,
    OidcAgency,
    Password,
    Token,
    WantedProject,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.endpoints import Endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.errors import (
    HuaweiErrorResponse,
    read_response,
)

USER_AGENT = "ansible-multicloud.async_tasks"


class HuaweiOperation(t.NamedTuple):
    """An operation of a service. Pass every field by its name.

    Attributes:
        service: Its name in the tables of ``endpoints``.
        name: The vendor's name for it, for messages.
        method: HTTP method.
        path: Path with ``{parameters}``; ``{project_id}`` is filled in by the client.
        read_only: Whether it changes nothing.
        response_key: A key that the response must have; None when the response has no body.
        iam_action: The IAM action that the identity needs.
        is_not_found: Returns whether an error response says that the requested object does not exist.
        secret: Whether the response holds a secret, and must not be quoted.
        lists: Whether ``response_key`` names a list, which may be missing when it is empty.
        own_errors: Whether a successful response has fields for the code and the message of a failure.
    """

    service: str
    name: str
    method: str
    path: str
    read_only: bool
    response_key: str | None
    iam_action: str | None = None
    is_not_found: t.Callable[[HuaweiErrorResponse], bool] | None = None
    secret: bool = False
    lists: bool = False
    own_errors: bool = False

    def __str__(self) -> str:
        return f"{self.service.upper()} {self.name}"


_LIST_PROJECTS = HuaweiOperation(
    service="iam",
    name="KeystoneListProjects",
    method="GET",
    path="/v3/projects",
    read_only=True,
    response_key="projects",
    iam_action="iam:projects:listProjects",
)
_CREATE_TOKEN = HuaweiOperation(
    service="iam",
    name="KeystoneCreateUserTokenByPassword",
    method="POST",
    path="/v3/auth/tokens",
    read_only=True,
    response_key="token",
    secret=True,
)
_ASSUME_AGENCY = HuaweiOperation(
    service="iam",
    name="CreateTemporaryAccessKeyByAgency",
    method="POST",
    path="/v3.0/OS-CREDENTIAL/securitytokens",
    read_only=True,
    response_key="credential",
    iam_action="iam:agencies:assume",
    secret=True,
)

_ASSUME_AGENCY_WITH_OIDC = HuaweiOperation(
    service="sts",
    name="AssumeAgencyWithOIDC",
    method="POST",
    path="/v5/agencies/assume-with-oidc",
    read_only=True,
    response_key="credentials",
    secret=True,
)
_CREATE_TOKEN_BY_ID_TOKEN = HuaweiOperation(
    service="iam",
    name="CreateTokenWithIdToken",
    method="POST",
    path="/v3.0/OS-AUTH/id-token/tokens",
    read_only=True,
    response_key="token",
    secret=True,
)
_CREATE_KEY_BY_TOKEN = HuaweiOperation(
    service="iam",
    name="CreateTemporaryAccessKeyByToken",
    method="POST",
    path="/v3.0/OS-CREDENTIAL/securitytokens",
    read_only=True,
    response_key="credential",
    secret=True,
)

#: Services that belong to no region: they reject a token for a project, which belongs to one.
_OF_ACCOUNT = frozenset({"sms"})

_ACCOUNT_HINT = "SMS belongs to no region: it needs a token that is for the account (domain), not for a project."

_PROJECT_HINT = (
    "The token is for a project: it must exist, and the user must be allowed to use it (hwc_project_id, hwc_project_name; without "
    "them the project that has the name in hwc_region)."
)
_AGENCY_HINT = (
    "Check the agency (hwc_agency_name, HW_ASSUME_ROLE_AGENCY_NAME) and the account that delegates (hwc_agency_domain_name, "
    "hwc_agency_domain_id)."
)

#: What a request carries: a signature made with a key, a token, or nothing.
Authentication = t.Union[AccessKey, Token, None]
T = t.TypeVar("T", AccessKey, Token)


class _FoundProject(t.NamedTuple):
    """The id of the project, which does not end."""

    id: str
    expires: float | None = None
    renew_at: float | None = None


class _Response(t.NamedTuple):
    document: dict[str, t.Any]
    headers: t.Mapping[str, str]


class HuaweiClient(Client):
    """The client of the services of one region and project.

    Args:
        http: Transport, clock and retry rule.
        credentials: What to authenticate with.
        endpoints: Where the services are.
        project: The project; looked up when its id is not known.
        on_secret: Called with every secret that is obtained on the way, so that it can be masked.
        on_warning: Called with each warning for the user.
    """

    def __init__(
        self,
        http: Http,
        credentials: Credentials,
        endpoints: Endpoints,
        *,
        project: WantedProject,
        on_secret: t.Callable[[str], None],
        on_warning: t.Callable[[str], None],
    ) -> None:
        super().__init__(http, credentials, endpoints, "hwc_endpoint", on_secret=on_secret, on_warning=on_warning)
        self._credentials = credentials
        self._project = project
        # Shared by copies of this client: a login of one of them may tell it.
        self._project_ids = [project.id] if project.id else []
        self._identity: Lease[AccessKey | Token] = Lease(self._log_in, http.clock)
        #: Of an account and not of a project; the same as the other where that makes no difference.
        self._account: Lease[AccessKey | Token] = self._identity
        if isinstance(credentials, Password):
            self._account = Lease(self._log_in_to_account, http.clock)
        # A rejected login is not a rejected look-up: the look-up may be sent again after re-authentication.
        self._found: Lease[_FoundProject] = Lease(self._look_up_project, http.clock, (*TEMPORARY, AuthenticationError))
        #: What makes an id unique beside its service, as far as the user said it.
        self.scope = {"region": endpoints.region or "", "project": project.id or project.name or ""}

    @property
    def _project_id(self) -> str | None:
        """The project id, as far as it is known."""
        return self._project_ids[0] if self._project_ids else None

    def call(
        self,
        operation: HuaweiOperation,
        *,
        path: t.Mapping[str, str] | None = None,
        query: signing.Query = (),
        body: t.Any = None,
        timeout: float | Budget | None = None,
    ) -> dict[str, t.Any]:
        """Send an operation, repeat it as the retry rule allows, and return the JSON object of its response.

        Args:
            operation: What to send.
            path: Values for the parameters of its path.
            query: Query parameters, in any order.
            body: JSON value of the body.
            timeout: Seconds for everything, or the time that several calls share; ``hwc_timeout`` by default.
        """
        return self._repeat(
            lambda left: self.once(operation, path=path, query=query, body=body, timeout=left),
            read_only=operation.read_only,
            timeout=timeout,
        )

    def once(
        self,
        operation: HuaweiOperation,
        *,
        path: t.Mapping[str, str] | None = None,
        query: signing.Query = (),
        body: t.Any = None,
        timeout: float,
    ) -> dict[str, t.Any]:
        """Send an operation exactly once, as a wait does: no repetition and no re-authentication.

        What must be known first (a token, the project) is still obtained, within the same ``timeout``.
        """
        deadline = self._http.clock.monotonic() + timeout
        lease = self._account if operation.service in _OF_ACCOUNT else self._identity
        identity = lease.get(deadline)
        values = {name: quote(value, safe="") for name, value in (path or {}).items()}
        if "{project_id}" in operation.path:
            values["project_id"] = self.project_id(deadline)
        return self._exchange(operation, operation.path.format(**values), query, body, deadline, identity).document

    def project_id(self, deadline: float | None = None) -> str:
        """Return the project id: the user's, the token's own, or the one that has the region's name.

        Args:
            deadline: Monotonic time at which to give up.
        """
        if self._project_id is None:
            if deadline is None:
                deadline = self._http.clock.monotonic() + self._http.timeout
            # The login with a password tells the project, too.
            self._identity.get(deadline)
            if self._project_id is None:
                self._project_ids.append(self._found.get(deadline).id)
        return self._project_ids[0]

    def renewable(self) -> bool:
        """Return whether re-authentication can help: when the service rejected a key or token that a login gave."""
        return (self._identity.held or self._account.held) and not isinstance(self._credentials, (AccessKey, Token))

    def renew(self, timeout: float) -> None:
        """Log in again: for whatever has logged in before."""
        deadline = self._http.clock.monotonic() + timeout
        leases = [self._identity] if self._account is self._identity else [self._identity, self._account]
        for lease in leases:
            if lease.held:
                lease.drop()
                lease.get(deadline)

    def _log_in(self, deadline: float) -> AccessKey | Token:
        """Obtain the key or token that requests carry from now on."""
        credentials = self._credentials
        if not isinstance(credentials, Agency):
            return self._obtain(credentials, deadline)
        identity = self._obtain(credentials.base, deadline, of_account=True)
        try:
            response = self._post(_ASSUME_AGENCY, iam.agency_body(credentials), deadline, identity)
        except RejectedError as error:
            error.hint = f"{_AGENCY_HINT} {error.hint or ''}".strip()
            raise
        return self._masked(iam.key_of(response.document["credential"], credentials.source, "IAM"))

    def _log_in_to_account(self, deadline: float) -> AccessKey | Token:
        """Obtain the key or token for services that belong to no region."""
        credentials = self._credentials
        if isinstance(credentials, Agency):
            raise AssertionError("An agency is not an account.")
        return self._obtain(credentials, deadline, of_account=True)

    def _obtain(
        self,
        credentials: AccessKey | Token | Password | RefreshableKey | OidcAgency | Federation,
        deadline: float,
        *,
        of_account: bool = False,
    ) -> AccessKey | Token:
        """Return the key or token itself, or the one that is obtained with it.

        Args:
            credentials: What there is.
            deadline: Monotonic time at which to give up.
            of_account: A token must be for the account and not for a project, as assuming an agency needs it.
        """
        if isinstance(credentials, (AccessKey, Token)):
            return credentials
        if isinstance(credentials, RefreshableKey):
            return self._masked(credentials.take(deadline))
        if isinstance(credentials, Password):
            return self._by_password(credentials, deadline, of_account=of_account)

        id_token = credentials.id_token.read()
        self._mask(id_token)
        if isinstance(credentials, OidcAgency):
            response = self._post(_ASSUME_AGENCY_WITH_OIDC, iam.oidc_body(credentials, id_token), deadline, None)
            return self._masked(iam.key_of(response.document["credentials"], credentials.source, "STS"))
        extra = {"X-Idp-Id": credentials.idp_id}
        response = self._post(_CREATE_TOKEN_BY_ID_TOKEN, iam.id_token_body(id_token), deadline, None, extra)
        token = self._masked(iam.read_token(response.document, response.headers, credentials.source))
        response = self._post(_CREATE_KEY_BY_TOKEN, iam.key_by_token_body(), deadline, token)
        return self._masked(iam.key_of(response.document["credential"], credentials.source, "IAM"))

    def _by_password(self, credentials: Password, deadline: float, *, of_account: bool) -> Token:
        """Obtain a token with a password, for the wanted project or for the account."""

        if of_account:
            scope = iam.account_scope(credentials)
        else:
            project = (
                WantedProject(self._project_id) if self._project_id else WantedProject(None, self._wanted_project())
            )
            scope = iam.project_scope(credentials, project)
        try:
            response = self._post(_CREATE_TOKEN, iam.token_body(credentials, scope), deadline, None)
        except (AuthenticationError, ForbiddenError, RejectedError) as error:
            # IAM rejects a project that the user may not use, or that there is not, as it rejects a wrong password.
            said = (error.text or "").lower()
            if "project" in scope and "password" not in said:
                error.hint = _PROJECT_HINT if "project" in said else f"{error.hint or ''} {_PROJECT_HINT}".strip()
            raise
        token = self._masked(iam.read_token(response.document, response.headers, credentials.source))
        if not of_account and self._project_id is None:
            project_id = iam.project_of(response.document)
            self._project_ids.extend([project_id] if project_id else [])
        return token

    def _masked(self, obtained: T) -> T:
        """Return what was obtained, after its secrets are masked wherever they may turn up."""
        for secret in obtained.secrets():
            self._mask(secret)
        return obtained

    def _wanted_project(self) -> str:
        name = self._project.name or self.region
        if not name:
            raise UsageError(
                "Neither a project nor a region is given. Set hwc_project_id (HUAWEICLOUD_SDK_PROJECT_ID), "
                "or hwc_region (HWC_REGION, HW_REGION_NAME) to look the project up."
            )
        return name

    def _look_up_project(self, deadline: float) -> _FoundProject:
        """Ask IAM for the project with the wanted name."""
        name = self._wanted_project()
        identity = self._identity.get(deadline)
        given = "hwc_project_name" if self._project.name else "hwc_region"
        try:
            response = self._exchange(_LIST_PROJECTS, _LIST_PROJECTS.path, [("name", name)], None, deadline, identity)
        except (ForbiddenError, RejectedError) as error:
            error.hint = (
                f"The project named {name!r} ({given}) could not be looked up. Give its id in hwc_project_id "
                "(HUAWEICLOUD_SDK_PROJECT_ID), which needs no look-up: the console shows it under My Credentials. Or give "
                f"the identity the permission {_LIST_PROJECTS.iam_action}."
            )
            raise
        rows = given_rows(response.document, "projects", _LIST_PROJECTS)
        named = [row for row in rows if text(row, "name", _LIST_PROJECTS) == name]
        projects = [identifier(row, "id", _LIST_PROJECTS) for row in named]
        if not projects:
            raise UsageError(
                f"IAM at {self.origin('iam')} knows no project named {name!r} for these credentials.",
                hint=f"Check {given}, or give the id of the project in hwc_project_id (HUAWEICLOUD_SDK_PROJECT_ID): the "
                "console shows it under My Credentials.",
            )
        if len(projects) > 1:
            ids = ", ".join(projects)
            raise UsageError(
                f"There are {len(projects)} projects named {name!r} ({ids}). Choose one with hwc_project_id."
            )
        return _FoundProject(projects[0])

    def _post(
        self,
        operation: HuaweiOperation,
        body: t.Any,
        deadline: float,
        identity: Authentication,
        extra: t.Mapping[str, str] | None = None,
    ) -> _Response:
        """Ask for a token or a key."""
        return self._exchange(operation, operation.path, (), body, deadline, identity, extra)

    def _exchange(
        self,
        operation: HuaweiOperation,
        path: str,
        query: signing.Query,
        body: t.Any,
        deadline: float,
        identity: Authentication,
        extra: t.Mapping[str, str] | None = None,
    ) -> _Response:
        """Build, authenticate, send and decode one request."""
        origin = self.origin(operation.service)
        clock = self._http.clock
        request = self._request(operation, origin, path, query, body, identity, clock.time())
        request = request._replace(headers={**request.headers, **(extra or {})})
        response = self._send(
            request, operation.service, str(operation), read_only=operation.read_only, deadline=deadline
        )
        try:
            document = read_response(
                response, operation, origin=origin, by=_kind(operation, identity), now=clock.time()
            )
        except ServiceError as error:
            if (
                isinstance(error, AuthenticationError)
                and isinstance(identity, Token)
                and operation.service in _OF_ACCOUNT
            ):
                error.hint = f"{error.hint or ''} {_ACCOUNT_HINT}".strip()
            self._tell_source(error)
            raise
        return _Response(document, response.headers)

    def _request(
        self,
        operation: HuaweiOperation,
        origin: str,
        path: str,
        query: signing.Query,
        body: t.Any,
        identity: Authentication,
        now: float,
    ) -> Request:
        """Return a request with a new date and signature."""
        # json.dumps as it is by default, which is how the official SDK writes bodies.
        data = b"" if body is None else json.dumps(body).encode("ascii")
        headers = {"Host": origin.split("://", 1)[1]}
        # SMS refuses requests without a content type, reads included; the SDK sends one always.
        headers["Content-Type"] = "application/json;charset=utf-8" if data else "application/json"
        # A token of an account is for no project.
        by_account = isinstance(identity, Token) and operation.service in _OF_ACCOUNT
        if self._project_id and operation.service not in ("iam", "sts") and not by_account:
            headers["X-Project-Id"] = self._project_id
        if isinstance(identity, Token):
            headers["X-Auth-Token"] = identity.token
        elif identity is not None:
            headers["X-Sdk-Date"] = signing.sdk_date(now)
            if identity.security_token:
                headers["X-Security-Token"] = identity.security_token
            headers["Authorization"] = signing.authorization(
                operation.method, path, query, headers, data, identity.access_key, identity.secret_key
            )
        # Not signed: a proxy may rewrite them.
        headers.update({"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "User-Agent": USER_AGENT})
        parameters = signing.canonical_query(query)
        url = f"{origin}{path}?{parameters}" if parameters else f"{origin}{path}"
        return Request(operation.method, url, headers, data)


def _kind(operation: HuaweiOperation, identity: Authentication) -> str:
    """Return what a request is authenticated with, as ``read_response`` takes it."""
    if identity is None:
        return "password" if operation is _CREATE_TOKEN else "id token"
    if isinstance(identity, Token):
        return "token"
    return "temporary key" if identity.security_token else "key"
