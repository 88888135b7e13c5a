# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Huawei Cloud client: from an operation to its answer. Authenticates, finds the project, classifies refusals."""

from __future__ import annotations

import json
import typing as t
from urllib.parse import quote

from ansible_collections.multicloud.async_tasks.plugins.module_utils._client import Client
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Http, Request
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import signing
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.answers import Refusal, read_answer
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.credentials import (
    Agency,
    Credentials,
    Password,
    Token,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.endpoints import Endpoints
from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import AccessKey, Fetched, Lease
from ansible_collections.multicloud.async_tasks.plugins.module_utils._reading import given_rows, identifier, text

USER_AGENT = "ansible-multicloud.async_tasks"


class Operation(t.NamedTuple):
    """One operation of a service, as data.

    Attributes:
        service: ``kps``, ``csms``, ``ecs``, ``iam`` or ``sms``.
        name: The vendor's name for it, for messages.
        method: HTTP method.
        path: Path with ``{parameters}``; ``{project_id}`` is filled in by the client.
        reads: Whether it changes nothing.
        expect: A key that the answer must have; None when it has no body.
        action: The IAM action it needs.
        missing: Whether a refusal says that the very thing asked for does not exist.
        secret: Whether the answer holds a secret, and must not be quoted.
        lists: Whether what is expected is a list, which may be missing when it is empty.
        own_errors: Whether a good answer has fields for the code and the words of a failure.
    """

    service: str
    name: str
    method: str
    path: str
    reads: bool
    expect: str | None
    action: str | None = None
    missing: t.Callable[[Refusal], bool] | None = None
    secret: bool = False
    lists: bool = False
    own_errors: bool = False

    def __str__(self) -> str:
        return f"{self.service.upper()} {self.name}"


_LIST_PROJECTS = Operation(
    "iam", "KeystoneListProjects", "GET", "/v3/projects", True, "projects", "iam:projects:listProjects"
)
_CREATE_TOKEN = Operation(
    "iam", "KeystoneCreateUserTokenByPassword", "POST", "/v3/auth/tokens", True, "token", secret=True
)
_ASSUME_AGENCY = Operation(
    "iam",
    "CreateTemporaryAccessKeyByAgency",
    "POST",
    "/v3.0/OS-CREDENTIAL/securitytokens",
    True,
    "credential",
    "iam:agencies:assume",
    secret=True,
)

#: What a request carries: a signature made with a key, a token, or nothing.
Identity = t.Union[AccessKey, Token, None]
T = t.TypeVar("T", AccessKey, Token)


class _Answer(t.NamedTuple):
    document: dict[str, t.Any]
    headers: t.Mapping[str, str]


class HuaweiClient(Client):
    """Sends operations to the services of one region and project.

    Args:
        http: Transport, clock and retry rule.
        credentials: What to authenticate with.
        endpoints: Where the services are.
        project_id: The project; looked up when None.
        project_name: Name of the project to look up; the region's by default.
        on_secret: Told every secret that is obtained on the way, so that it can be masked.
        on_warning: Told what the user should know.
    """

    def __init__(
        self,
        http: Http,
        credentials: Credentials,
        endpoints: Endpoints,
        *,
        project_id: str | None,
        project_name: str | None,
        on_secret: t.Callable[[str], None],
        on_warning: t.Callable[[str], None],
    ) -> None:
        super().__init__(http, credentials, endpoints, "hwc_endpoint", on_secret=on_secret, on_warning=on_warning)
        self._credentials = credentials
        self._project_id = project_id
        self._project_name = project_name
        self._identity: Lease[AccessKey | Token] = Lease(self._log_in, http.clock)
        #: What makes an id unique beside its service, as far as the user said it.
        self.scope = {"region": endpoints.region or "", "project": project_id or project_name or ""}

    def call(
        self,
        operation: Operation,
        *,
        path: t.Mapping[str, str] | None = None,
        query: signing.Query = (),
        body: t.Any = None,
        timeout: float | None = None,
    ) -> dict[str, t.Any]:
        """Send an operation, repeat it as the retry rule allows, and return the JSON object of its answer.

        Args:
            operation: What to send.
            path: Values for the parameters of its path.
            query: Query parameters, in any order.
            body: JSON value of the body.
            timeout: Seconds for everything; ``hwc_timeout`` by default.
        """
        return self._repeat(
            lambda left: self.once(operation, path=path, query=query, body=body, timeout=left),
            reads=operation.reads,
            timeout=timeout,
        )

    def once(
        self,
        operation: Operation,
        *,
        path: t.Mapping[str, str] | None = None,
        query: signing.Query = (),
        body: t.Any = None,
        timeout: float,
    ) -> dict[str, t.Any]:
        """Send an operation exactly once, as a wait does: no repetition and no new login.

        What must be known first (a token, the project) is still obtained, within the same ``timeout``.
        """
        deadline = self._http.clock.monotonic() + timeout
        identity = self._identity.get(deadline)
        values = {name: quote(value, safe="") for name, value in (path or {}).items()}
        if "{project_id}" in operation.path:
            values["project_id"] = self.project_id(deadline)
        return self._exchange(operation, operation.path.format(**values), query, body, deadline, identity).document

    def project_id(self, deadline: float | None = None) -> str:
        """The project id: the user's, the token's own, or the one that bears the region's name.

        Args:
            deadline: Monotonic time at which to give up.
        """
        if self._project_id is None:
            if deadline is None:
                deadline = self._http.clock.monotonic() + self._http.timeout
            identity = self._identity.get(deadline)
            if self._project_id is None:
                self._project_id = self._look_up_project(deadline, identity)
        return self._project_id

    def renewable(self) -> bool:
        """Whether a new login can help after a refusal: when what was refused was obtained by a login that was not."""
        return self._identity.held and isinstance(self._credentials, (Password, Fetched, Agency))

    def renew(self, timeout: float) -> None:
        """Log in again."""
        self._identity.drop()
        self._identity.get(self._http.clock.monotonic() + timeout)

    def _log_in(self, deadline: float) -> AccessKey | Token:
        """What requests carry from now on."""
        credentials = self._credentials
        if not isinstance(credentials, Agency):
            return self._obtain(credentials, deadline)
        # Imported here, as below: a module is compiled anew for each task, and most have a key.
        from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import login

        identity = self._obtain(credentials.base, deadline, of_account=True)
        body = login.agency_body(credentials)
        answer = self._exchange(_ASSUME_AGENCY, _ASSUME_AGENCY.path, (), body, deadline, identity)
        return self._tell(login.read_key(answer.document, credentials.source))

    def _obtain(
        self, credentials: AccessKey | Token | Password | Fetched, deadline: float, *, of_account: bool = False
    ) -> AccessKey | Token:
        """The key or token itself, or the one that is got for it.

        Args:
            credentials: What there is.
            deadline: Monotonic time at which to give up.
            of_account: A token must be for the account and not for a project, as whoever assumes an agency needs it.
        """
        if isinstance(credentials, (AccessKey, Token)):
            return credentials
        if isinstance(credentials, Fetched):
            return self._tell(credentials.take())
        from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import login

        if of_account:
            scope: dict[str, t.Any] = {"domain": {"name": credentials.domain_name}}
        else:
            scope = {"project": {"id": self._project_id} if self._project_id else {"name": self._wanted_project()}}
        body = login.token_body(credentials, scope)
        answer = self._exchange(_CREATE_TOKEN, _CREATE_TOKEN.path, (), body, deadline, None)
        token = self._tell(login.read_token(answer.document, answer.headers, credentials.source))
        if self._project_id is None:
            self._project_id = login.project_of(answer.document)
        return token

    def _tell(self, obtained: T) -> T:
        """Have the secrets of what was obtained masked."""
        for secret in obtained.secrets():
            self.hide(secret)
            self._on_secret(secret)
        return obtained

    def _wanted_project(self) -> str:
        name = self._project_name or self.region
        if not name:
            raise UsageError(
                "Neither a project nor a region is given. Set hwc_project_id (HUAWEICLOUD_SDK_PROJECT_ID), "
                "or hwc_region (HWC_REGION, HW_REGION_NAME) to look the project up."
            )
        return name

    def _look_up_project(self, deadline: float, identity: Identity) -> str:
        """The id of the project with the wanted name, asked of IAM."""
        name = self._wanted_project()
        answer = self._exchange(_LIST_PROJECTS, _LIST_PROJECTS.path, [("name", name)], None, deadline, identity)
        rows = given_rows(answer.document, "projects", _LIST_PROJECTS)
        named = [row for row in rows if text(row, "name", _LIST_PROJECTS) == name]
        projects = [identifier(row, "id", _LIST_PROJECTS) for row in named]
        if not projects:
            raise UsageError(
                f"IAM at {self.origin('iam')} knows no project named {name!r} for these credentials. "
                "Check the region, or set hwc_project_id (the console shows it under My Credentials)."
            )
        if len(projects) > 1:
            ids = ", ".join(projects)
            raise UsageError(
                f"There are {len(projects)} projects named {name!r} ({ids}). Choose one with hwc_project_id."
            )
        return projects[0]

    def _exchange(
        self,
        operation: Operation,
        path: str,
        query: signing.Query,
        body: t.Any,
        deadline: float,
        identity: Identity,
    ) -> _Answer:
        """Build, authenticate, send and decode one request."""
        origin = self.origin(operation.service)
        clock = self._http.clock
        request = self._request(operation, origin, path, query, body, identity, clock.time())
        response = self._http.send(request, str(operation), reads=operation.reads, timeout=deadline - clock.monotonic())
        document = read_answer(
            response,
            operation,
            origin=origin,
            by="password" if identity is None else "token" if isinstance(identity, Token) else "key",
            now=clock.time(),
        )
        return _Answer(document, response.headers)

    def _request(
        self,
        operation: Operation,
        origin: str,
        path: str,
        query: signing.Query,
        body: t.Any,
        identity: Identity,
        now: float,
    ) -> Request:
        """One request, with a fresh date and signature."""
        # json.dumps as it is by default, which is how the official SDK writes bodies.
        data = b"" if body is None else json.dumps(body).encode("ascii")
        headers = {"Host": origin.split("://", 1)[1]}
        # SMS refuses requests without a content type, reads included; the SDK sends one always.
        headers["Content-Type"] = "application/json;charset=utf-8" if data else "application/json"
        if self._project_id and operation.service != "iam":
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
