# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keystone's API, as its administrator uses it, and an emulated cloud that asks Keystone whose tokens it is shown."""

from __future__ import annotations

import dataclasses
import json
import typing as t
import urllib.error
import urllib.parse
import urllib.request

from emulator.service import Sender


class Response(t.NamedTuple):
    """Status, headers (names in lower case) and JSON document."""

    status: int
    headers: dict[str, str]
    document: t.Any


@dataclasses.dataclass(frozen=True)
class Account:
    """An account in Keystone, with one user and the projects of two regions."""

    id: str
    name: str
    user_id: str
    user: str
    password: str
    projects: dict[str, str]


class Keystone:
    """Keystone on a port of the loopback.

    Args:
        url: Scheme, host and port.
        password: That of its administrator.
    """

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self._password = password

    def send(self, method: str, path: str, body: t.Any = None, **headers: str) -> Response:
        """Send a request without a token."""
        request = urllib.request.Request(
            f"{self.url}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}},
            method=method,
        )
        try:
            with urllib.request.urlopen(request) as response:
                return self._read(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return self._read(error.code, error.headers, error.read())

    @staticmethod
    def _read(status: int, headers: t.Any, body: bytes) -> Response:
        names = {name.lower(): value for name, value in headers.items()}
        return Response(status, names, json.loads(body) if body else None)

    def login(self, user: str, password: str, domain: str, scope: dict[str, t.Any]) -> Response:
        """Ask for a token."""
        credentials = {"name": user, "password": password, "domain": {"name": domain}}
        identity = {"methods": ["password"], "password": {"user": credentials}}
        return self.send("POST", "/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}})

    def administer(self, method: str, path: str, body: t.Any = None, **headers: str) -> Response:
        """Send a request as the administrator, with a new token, for tokens end soon."""
        token = self.login("admin", self._password, "Default", {"system": {"all": True}}).headers["x-subject-token"]
        return self.send(method, path, body, X_Auth_Token=token, **headers)

    def create(self, kind: str, **fields: t.Any) -> str:
        """Let something exist; returns its id."""
        response = self.administer("POST", f"/v3/{kind}s", {kind: fields})
        assert response.status == 201, response
        return str(response.document[kind]["id"])

    def add_account(self, name: str) -> Account:
        """Let an account exist, whose user is a member of it and of its projects."""
        domain = self.create("domain", name=name)
        password = f"{name} Password\u00fc1"
        user = self.create("user", name="operator", password=password, domain_id=domain)
        projects = {
            region: self.create("project", name=region, domain_id=domain) for region in ("cn-north-4", "cn-east-3")
        }
        role = self.administer("GET", "/v3/roles?name=member").document["roles"][0]["id"]
        for scope in (f"domains/{domain}", *(f"projects/{project}" for project in projects.values())):
            granted = self.administer("PUT", f"/v3/{scope}/users/{user}/roles/{role}")
            assert granted.status == 204, granted
        return Account(domain, name, user, "operator", password, projects)

    def revoke(self, token: str) -> None:
        """End a token before its time."""
        assert self.administer("DELETE", "/v3/auth/tokens", X_Subject_Token=token).status == 204

    def whose(self, text: str) -> Sender | None:
        """Return the identity that a token belongs to; None when it is not a token, or has expired."""
        response = self.administer("GET", "/v3/auth/tokens?nocatalog=1", X_Subject_Token=text)
        if response.status != 200:
            return None
        token = response.document["token"]
        user, project = token["user"], token.get("project") or {}
        return Sender(user["name"], user["id"], user["domain"]["id"], project.get("id"), scoped=True)
