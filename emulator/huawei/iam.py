# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identity and Access Management: tokens, temporary keys, projects, accounts."""

from __future__ import annotations

import dataclasses
import typing as t

from ..clock import iso
from ..messages import ApiError, Json, Response
from ..service import Call, Operation, Sender, Service
from . import errors
from .directory import AccessKey, Agency, IdentityDirectory, Token, User

#: Wrong passwords in a row after which a user is locked, and for how many seconds, unless the account says otherwise.
MAX_PASSWORDS = 5
PASSWORD_LOCK_SECONDS = 900
#: Seconds a temporary key may live, and does when nothing is asked for.
SHORTEST, LONGEST = 900, 24 * 3600

_LINKS = {"next": None, "previous": None}


class Iam(Service):
    """The service."""

    name = "iam"

    def __init__(self, directory: IdentityDirectory) -> None:
        self.directory = directory
        self.world = directory.world

    def operations(self) -> t.Sequence[Operation]:
        """Return the table of operations. Tokens and temporary keys are asked for with credentials in the body, or in both."""
        keys = "/v3.0/OS-CREDENTIAL/securitytokens"
        return [
            Operation("KeystoneCreateUserTokenByPassword", "POST", "/v3/auth/tokens", self._create_token, signed=False),
            Operation(
                "CreateTokenWithIdToken", "POST", "/v3.0/OS-AUTH/id-token/tokens", self._exchange_id_token, signed=False
            ),
            Operation("CreateTemporaryAccessKeyByToken", "POST", keys, self._create_key, signed=False),
            Operation("KeystoneListProjects", "GET", "/v3/projects", self._list_projects),
            Operation("KeystoneListAuthDomains", "GET", "/v3/auth/domains", self._list_domains),
        ]

    def refine(self, operation: Operation, body: bytes) -> Operation:
        """Return the operation that the body names: one path serves several operations."""
        if b'"assume_role"' in body and not operation.signed:
            name = operation.name.replace("ByPassword", "ByAgency").replace("ByToken", "ByAgency")
            return dataclasses.replace(operation, name=name.replace("KeystoneCreateUser", "KeystoneCreateAgency"))
        return operation

    def error_response(self, error: ApiError) -> Response:
        """Return an error in Keystone's form."""
        return errors.keystone(error)

    def invalid(self, message: str) -> ApiError:
        """Return the error for a malformed request."""
        return ApiError(400, "400", message)

    def _identity(self, call: Call) -> tuple[dict[str, Json], dict[str, Json], str]:
        """Return identity and scope of the body, and the one method of authentication."""
        auth = self.document(call).get("auth")
        identity = auth.get("identity") if isinstance(auth, dict) else None
        methods = identity.get("methods") if isinstance(identity, dict) else None
        if not isinstance(auth, dict) or not isinstance(identity, dict) or not isinstance(methods, list):
            raise self.invalid("Expecting to find identity in auth. The server could not comply with the request.")
        if len(methods) != 1 or methods[0] not in ("password", "token", "assume_role"):
            raise self.invalid(f"The authentication methods {methods} are not supported.")
        scope = auth.get("scope")
        return identity, scope if isinstance(scope, dict) else {}, methods[0]

    # tokens

    def _create_token(self, call: Call) -> Response:
        identity, scope, method = self._identity(call)
        if method == "password":
            user = self._login(identity.get("password"))
            domain_id = user.domain_id
        elif method == "assume_role":
            call.identity = self.directory.authenticate(call.request)
            user = self.directory.users[call.identity.user_id]
            domain_id = self._agency(call.identity, identity).domain_id
        else:
            raise self.invalid("The authentication method token is not supported here.")
        call.identity = Sender(user.name, user.id, domain_id)
        project_id, domain_scope = self._scope(domain_id, scope)
        token = self.directory.issue_token(user, domain_id, project_id, domain_scope=domain_scope, methods=(method,))
        body = self._token_body(token, user, without_catalog=bool(call.query.get("nocatalog")))
        return Response.of({"token": body}, 201, {"X-Subject-Token": token.text})

    def _exchange_id_token(self, call: Call) -> Response:
        auth = self.document(call).get("auth")
        given = auth.get("id_token") if isinstance(auth, dict) else None
        if not isinstance(auth, dict) or not isinstance(given, dict) or not given.get("id"):
            raise self.invalid("auth.id_token.id is mandatory.")
        name = call.request.header("X-Idp-Id")
        provider = next((provider for provider in self.directory.providers if provider.id == name), None)
        user = self.directory.by_id_token(given["id"], provider)
        if user is None:
            raise ApiError(401, "401", "The request you have made requires authentication.")
        scope = auth.get("scope")
        project_id, domain_scope = self._scope(user.domain_id, scope if isinstance(scope, dict) else {})
        call.identity = Sender(user.name, user.id, user.domain_id)
        token = self.directory.issue_token(
            user, user.domain_id, project_id, domain_scope=domain_scope, methods=("mapped",)
        )
        body = self._token_body(token, user, without_catalog=True)
        return Response.of({"token": body}, 201, {"X-Subject-Token": token.text})

    def _login(self, password: Json) -> User:
        wanted = password.get("user") if isinstance(password, dict) else None
        domain = wanted.get("domain") if isinstance(wanted, dict) else None
        if not isinstance(wanted, dict) or not isinstance(domain, dict):
            raise self.invalid("Expecting to find user and domain in password.")
        now = self.world.now()
        for user in self.directory.users.values():
            owner = self.directory.domains[user.domain_id]
            if user.name != wanted.get("name") or owner.name != domain.get("name"):
                continue
            if user.locked_until > now:
                raise ApiError(401, "401", "The account is locked.")
            if user.password == wanted.get("password") and user.enabled:
                user.failures = 0
                return user
            user.failures += 1
            if user.failures >= MAX_PASSWORDS:
                user.failures, user.locked_until = 0, now + PASSWORD_LOCK_SECONDS
        raise ApiError(401, "401", "The username or password is wrong.")

    def _scope(self, domain_id: str, scope: dict[str, Json]) -> tuple[str | None, bool]:
        """Return the project a token is for (it wins over an account), and whether it is for the account."""
        wanted = scope.get("project")
        if isinstance(wanted, dict):
            owner, account = wanted.get("domain"), self.directory.domains[domain_id]
            if isinstance(owner, dict) and account.id != owner.get("id") and account.name != owner.get("name"):
                raise ApiError(401, "401", "The project scope of the request is not accessible to the user.")
            for project in self.directory.projects.values():
                if project.domain_id == domain_id and (
                    project.id == wanted.get("id") or project.name == wanted.get("name")
                ):
                    return project.id, False
            raise ApiError(401, "401", "The project scope of the request is not accessible to the user.")
        wanted = scope.get("domain")
        if isinstance(wanted, dict):
            domain = self.directory.domains[domain_id]
            if domain.id == wanted.get("id") or domain.name == wanted.get("name"):
                return None, True
            raise ApiError(401, "401", "The domain scope of the request is not accessible to the user.")
        return None, False

    def _token_body(self, token: Token, user: User, *, without_catalog: bool) -> dict[str, Json]:
        domain = {"id": token.domain_id, "name": self.directory.domains[token.domain_id].name}
        body: dict[str, Json] = {
            "methods": list(token.methods),
            "issued_at": iso(token.issued, fraction=True),
            "expires_at": iso(token.expires, fraction=True),
            "user": {"id": user.id, "name": user.name, "domain": domain, "password_expires_at": ""},
            "roles": [{"id": "0", "name": "te_admin"}],
        }
        if token.project_id is not None:
            project = self.directory.projects[token.project_id]
            body["project"] = {"id": project.id, "name": project.name, "domain": domain}
        elif token.domain_scope:
            body["domain"] = domain
        if not without_catalog:
            body["catalog"] = [{"id": "emulated", "name": "kms", "type": "kms", "endpoints": []}]
        return body

    # temporary keys

    def _create_key(self, call: Call) -> Response:
        identity, _scope, method = self._identity(call)
        if method == "password":
            raise self.invalid("The authentication method password is not supported here.")
        detail = identity.get(method)
        wanted = detail if isinstance(detail, dict) else {}
        seconds = wanted.get("duration_seconds", SHORTEST)
        if not isinstance(seconds, int) or not SHORTEST <= seconds <= LONGEST:
            raise self.invalid(f"duration_seconds must be between {SHORTEST} and {LONGEST}.")
        if method == "token" and call.request.header("X-Auth-Token") is None and "id" in wanted:
            call.identity = self.directory.by_token(str(wanted["id"]))
        else:
            call.identity = self.directory.authenticate(call.request)
        domain_id = call.identity.domain_id
        if method == "assume_role":
            domain_id = self._agency(call.identity, identity).domain_id
        elif not call.identity.scoped:
            raise self.invalid("The authentication method token needs a token.")
        key = self.directory.temporary_key(call.identity.user_id, domain_id, seconds)
        return Response.of({"credential": credential(key)}, 201)

    def _agency(self, identity: Sender, wanted: dict[str, Json]) -> Agency:
        role = wanted.get("assume_role")
        if not isinstance(role, dict) or not role.get("agency_name"):
            raise self.invalid("assume_role.agency_name is missing.")
        domain = role.get("domain_id") or role.get("domain_name")
        agency = self.directory.agency(identity, str(role["agency_name"]), str(domain))
        if agency is None:
            raise ApiError(404, "404", f"Could not find agency {role['agency_name']} of account {domain}.")
        return agency

    # projects and accounts

    def _list_projects(self, call: Call) -> Response:
        page = self.integer(call, "page", 0, 1, 1_000_000)
        per_page = self.integer(call, "per_page", 0, 1, 5000)
        if bool(page) != bool(per_page):
            raise self.invalid("page and per_page must be given together.")
        name = call.query.get("name")
        found = [
            project
            for project in self.directory.projects.values()
            if project.domain_id == call.identity.domain_id and name in (None, project.name)
        ]
        if per_page:
            found = found[(page - 1) * per_page : page * per_page]
        rows = [
            {
                "id": project.id,
                "name": project.name,
                "domain_id": project.domain_id,
                "parent_id": project.domain_id,
                "is_domain": False,
                "enabled": True,
                "description": "",
                "links": {"self": f"https://iam.example.com/v3/projects/{project.id}", **_LINKS},
            }
            for project in found
        ]
        return Response.of({"projects": rows, "links": {"self": "https://iam.example.com/v3/projects", **_LINKS}})

    def _list_domains(self, call: Call) -> Response:
        domain = self.directory.domains[call.identity.domain_id]
        row = {"id": domain.id, "name": domain.name, "enabled": True, "description": ""}
        return Response.of({"domains": [row], "links": {"self": "https://iam.example.com/v3/auth/domains", **_LINKS}})


def credential(key: AccessKey) -> dict[str, Json]:
    """Return a temporary key in the form that IAM and the metadata service share."""
    return {
        "access": key.access,
        "secret": key.secret,
        "securitytoken": key.security_token,
        "expires_at": iso(key.expires or 0.0, fraction=True),
    }
