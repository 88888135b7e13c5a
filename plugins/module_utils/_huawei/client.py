# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Huawei Cloud client: from an operation to its answer. Authenticates, finds the project, classifies refusals."""

from __future__ import annotations

import dataclasses
import json
import threading
import typing as t
from urllib.parse import quote

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CredentialsError, UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Http, Request, decode_json
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import signing
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.answers import Refusal, refuse
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.credentials import (
    AccessKey,
    Credentials,
    Password,
    Token,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.endpoints import Endpoints

USER_AGENT = "ansible-multicloud.async_tasks"


@dataclasses.dataclass(frozen=True)
class Operation:
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
    """

    service: str
    name: str
    method: str
    path: str
    reads: bool
    expect: str | None
    action: str | None = None
    missing: t.Callable[[Refusal], bool] | None = None

    def __str__(self) -> str:
        return f"{self.service.upper()} {self.name}"


_LIST_PROJECTS = Operation(
    "iam", "KeystoneListProjects", "GET", "/v3/projects", True, "projects", "iam:projects:listProjects"
)
_CREATE_TOKEN = Operation("iam", "KeystoneCreateUserTokenByPassword", "POST", "/v3/auth/tokens", True, "token")


@dataclasses.dataclass(frozen=True)
class _Answer:
    document: dict[str, t.Any]
    headers: t.Mapping[str, str]


class HuaweiClient:
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
        self._http = http
        self._credentials = credentials
        self._endpoints = endpoints
        self._project_id = project_id
        self._project_name = project_name
        self._on_secret = on_secret
        self._on_warning = on_warning
        self._token: str | None = credentials.token if isinstance(credentials, Token) else None
        self._login = threading.Lock()
        self._origins: dict[str, str] = {}
        #: What makes an id unique beside its service, as far as the user said it.
        self.scope = {"region": endpoints.region or "", "project": project_id or project_name or ""}

    @property
    def region(self) -> str | None:
        """The region id, when there is one."""
        return self._endpoints.region

    @property
    def credentials_source(self) -> str:
        """Where the credentials come from: ``options`` or ``environment``."""
        return self._credentials.source

    def origin(self, service: str) -> str:
        """Scheme and host of a service; warns once when the region is in no table."""
        if service not in self._origins:
            found = self._endpoints.find(service)
            self._origins[service] = found.url
            if found.guessed:
                self._on_warning(
                    f"The region {self.region!r} is not in the list of regions of {service.upper()}; trying {found.url}. "
                    "Check the region's spelling if this fails, or set hwc_endpoint."
                )
        return self._origins[service]

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
        return self._http.call(
            lambda left: self.once(operation, path=path, query=query, body=body, timeout=left),
            reads=operation.reads,
            timeout=timeout,
            renew=lambda _error: self._try_renew(),
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
        self._ensure_token(deadline)
        values = {name: quote(value, safe="") for name, value in (path or {}).items()}
        if "{project_id}" in operation.path:
            values["project_id"] = self.project_id(deadline)
        return self._exchange(operation, operation.path.format(**values), query, body, deadline, self._token).document

    def project_id(self, deadline: float | None = None) -> str:
        """The project id: the user's, the token's own, or the one that bears the region's name.

        Args:
            deadline: Monotonic time at which to give up.
        """
        if self._project_id is None:
            if deadline is None:
                deadline = self._http.clock.monotonic() + self._http.timeout
            self._ensure_token(deadline)
            if self._project_id is None:
                self._project_id = self._look_up_project(deadline)
        return self._project_id

    def renewable(self) -> bool:
        """Whether a new login can help after the credentials were refused."""
        return isinstance(self._credentials, Password)

    def renew(self, timeout: float) -> None:
        """Log in again."""
        with self._login:
            self._token = None
        self._ensure_token(self._http.clock.monotonic() + timeout)

    def _try_renew(self) -> bool:
        if not self.renewable():
            return False
        self.renew(self._http.timeout)
        return True

    def _ensure_token(self, deadline: float) -> None:
        """Log in when requests need a token and there is none; threads that come together log in once."""
        if not isinstance(self._credentials, Password):
            return
        with self._login:
            if self._token is not None:
                return
            answer = self._exchange(
                _CREATE_TOKEN, _CREATE_TOKEN.path, (), self._login_body(self._credentials), deadline, None
            )
            token = answer.headers.get("x-subject-token")
            if not token:
                raise CredentialsError(f"{_CREATE_TOKEN} at {self.origin('iam')} returned no token (X-Subject-Token).")
            self._on_secret(token)
            self._token = token
            project = answer.document["token"].get("project") or {}
            if self._project_id is None and project.get("id"):
                self._project_id = str(project["id"])

    def _login_body(self, credentials: Password) -> dict[str, t.Any]:
        user = {
            "domain": {"name": credentials.domain_name},
            "name": credentials.user_name,
            "password": credentials.password,
        }
        scope = {"id": self._project_id} if self._project_id else {"name": self._wanted_project()}
        return {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": scope},
            }
        }

    def _wanted_project(self) -> str:
        name = self._project_name or self.region
        if not name:
            raise UsageError(
                "Neither a project nor a region is given. Set hwc_project_id (HUAWEICLOUD_SDK_PROJECT_ID), "
                "or hwc_region (HWC_REGION, HW_REGION_NAME) to look the project up."
            )
        return name

    def _look_up_project(self, deadline: float) -> str:
        """The id of the project with the wanted name, asked of IAM."""
        name = self._wanted_project()
        answer = self._exchange(_LIST_PROJECTS, _LIST_PROJECTS.path, [("name", name)], None, deadline, self._token)
        projects = [
            p for p in answer.document["projects"] if isinstance(p, dict) and p.get("name") == name and p.get("id")
        ]
        if not projects:
            raise UsageError(
                f"IAM at {self.origin('iam')} knows no project named {name!r} for these credentials. "
                "Check the region, or set hwc_project_id (the console shows it under My Credentials)."
            )
        if len(projects) > 1:
            ids = ", ".join(str(p["id"]) for p in projects)
            raise UsageError(
                f"There are {len(projects)} projects named {name!r} ({ids}). Choose one with hwc_project_id."
            )
        return str(projects[0]["id"])

    def _exchange(
        self,
        operation: Operation,
        path: str,
        query: signing.Query,
        body: t.Any,
        deadline: float,
        token: str | None,
    ) -> _Answer:
        """Build, authenticate, send and decode one request."""
        origin = self.origin(operation.service)
        clock = self._http.clock
        request = self._request(operation, origin, path, query, body, token, clock.time())
        response = self._http.send(request, reads=operation.reads, timeout=deadline - clock.monotonic())
        if response.status >= 400:
            raise refuse(
                response,
                operation=str(operation),
                origin=origin,
                action=operation.action,
                missing=operation.missing,
                now=clock.time(),
            )
        return _Answer(decode_json(response, str(operation), origin, operation.expect), response.headers)

    def _request(
        self,
        operation: Operation,
        origin: str,
        path: str,
        query: signing.Query,
        body: t.Any,
        token: str | None,
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
        if token is not None:
            headers["X-Auth-Token"] = token
        elif isinstance(self._credentials, AccessKey):
            headers["X-Sdk-Date"] = signing.sdk_date(now)
            if self._credentials.security_token:
                headers["X-Security-Token"] = self._credentials.security_token
            headers["Authorization"] = signing.authorization(
                operation.method,
                path,
                query,
                headers,
                data,
                self._credentials.access_key,
                self._credentials.secret_key,
            )
        # Not signed: a proxy may rewrite them.
        headers.update({"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "User-Agent": USER_AGENT})
        text = signing.canonical_query(query)
        return Request(operation.method, f"{origin}{path}?{text}" if text else f"{origin}{path}", headers, data)
