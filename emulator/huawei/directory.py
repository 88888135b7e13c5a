# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The accounts, users, projects, agencies, access keys and tokens; and the sender of a request."""

from __future__ import annotations

import dataclasses
import typing as t
import uuid

from ..messages import Request
from ..service import Sender, World
from . import errors, signature

TOKEN_SECONDS = 24 * 3600
#: Failed signature checks in a row after which an access key is locked, and for how many seconds.
MAX_FAILURES = 5
LOCK_SECONDS = 300


@dataclasses.dataclass
class Domain:
    """An account."""

    id: str
    name: str


@dataclasses.dataclass
class Project:
    """A project of an account; the built-in ones are named after their region."""

    id: str
    name: str
    domain_id: str


@dataclasses.dataclass
class User:
    """An IAM user.

    Attributes:
        failures: Wrong passwords in a row.
        locked_until: Seconds since the epoch.
    """

    id: str
    name: str
    password: str
    domain_id: str
    enabled: bool = True
    failures: int = 0
    locked_until: float = 0.0


@dataclasses.dataclass
class AccessKey:
    """A pair to sign with.

    Attributes:
        domain_id: The account it is good for: the user's own, or the one that delegated to it through an agency.
        security_token: Set for temporary keys, which are worth nothing without it.
        expires: When a temporary key ends, seconds since the epoch.
        failures: Bad signatures in a row.
        locked_until: Seconds since the epoch.
    """

    access: str
    secret: str
    user_id: str
    domain_id: str
    security_token: str | None = None
    expires: float | None = None
    failures: int = 0
    locked_until: float = 0.0


@dataclasses.dataclass
class Token:
    """A token and its scope: a project, an account, or (without either) nothing in particular."""

    text: str
    user_id: str
    domain_id: str
    project_id: str | None
    domain_scope: bool
    issued: float
    expires: float
    methods: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Agency:
    """The right of one account's users to act for another account."""

    name: str
    domain_id: str
    trusted_domain_id: str


@dataclasses.dataclass(frozen=True)
class IdentityProvider:
    """An identity provider that an account trusts; users log in with its tokens.

    Attributes:
        id: Its id, by which federated users name it (v3).
        agencies: Names of the account's agencies that its users may take on (v5).
    """

    id: str
    domain_id: str
    agencies: tuple[str, ...] = ()

    @property
    def urn(self) -> str:
        """Its full name."""
        return f"iam::{self.domain_id}:oidc-provider:{self.id}"


@dataclasses.dataclass(frozen=True)
class IdToken:
    """A token of an identity provider, and whose it is."""

    provider: IdentityProvider
    user_id: str
    expires: float


class IdentityDirectory:
    """The users of the accounts, and their credentials."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.domains: dict[str, Domain] = {}
        self.projects: dict[str, Project] = {}
        self.users: dict[str, User] = {}
        self.agencies: list[Agency] = []
        self.access_keys: dict[str, AccessKey] = {}
        self.tokens: dict[str, Token] = {}
        self.providers: list[IdentityProvider] = []
        self.id_tokens: dict[str, IdToken] = {}
        #: Asks another IAM whose token this is, when it is not one of ours; None: there is no other IAM.
        self.foreign: t.Callable[[str], Sender | None] = lambda _text: None

    # letting things exist

    def add_domain(self, domain: Domain) -> Domain:
        """Let an account exist."""
        self.domains[domain.id] = domain
        return domain

    def add_project(self, project: Project) -> Project:
        """Let a project exist."""
        self.projects[project.id] = project
        return project

    def add_user(self, user: User) -> User:
        """Let a user exist."""
        self.users[user.id] = user
        return user

    def add_access_key(self, key: AccessKey) -> AccessKey:
        """Let an access key exist."""
        self.access_keys[key.access] = key
        return key

    def temporary_key(self, user_id: str, domain_id: str, seconds: float) -> AccessKey:
        """Make a key that ends, and its security token."""
        return self.add_access_key(
            AccessKey(
                access=f"TEMP{uuid.uuid4().hex[:16].upper()}",
                secret=uuid.uuid4().hex,
                user_id=user_id,
                domain_id=domain_id,
                security_token=f"gQpjbi1ub3J0aC00+/{uuid.uuid4().hex}==",
                expires=self.world.now() + seconds,
            )
        )

    def issue_token(
        self, user: User, domain_id: str, project_id: str | None, *, domain_scope: bool, methods: tuple[str, ...]
    ) -> Token:
        """Make a token."""
        now = self.world.now()
        token = Token(
            text=f"MIIEMULATED{uuid.uuid4().hex}{uuid.uuid4().hex}",
            user_id=user.id,
            domain_id=domain_id,
            project_id=project_id,
            domain_scope=domain_scope,
            issued=now,
            expires=now + TOKEN_SECONDS,
            methods=methods,
        )
        self.tokens[token.text] = token
        return token

    def issue_id_token(self, provider: IdentityProvider, user_id: str, seconds: float = 3600) -> str:
        """Make a token of an identity provider."""
        text = f"eyJhbGciOiJSUzI1NiJ9.{uuid.uuid4().hex}.{uuid.uuid4().hex}"
        self.id_tokens[text] = IdToken(provider, user_id, self.world.now() + seconds)
        return text

    # who sent this

    def by_id_token(self, text: t.Any, provider: IdentityProvider | None) -> User | None:
        """Return the identity of an identity provider's token; None when it is not this provider's, or has expired."""
        token = self.id_tokens.get(text) if isinstance(text, str) else None
        if token is None or token.provider != provider or token.expires <= self.world.now():
            return None
        return self.users[token.user_id]

    def authenticate(self, request: Request) -> Sender:
        """Return the sender of a request, by its token or its signature.

        Raises:
            GatewayError: The credentials are missing or rejected.
        """
        token = request.header("X-Auth-Token")
        if token is not None:
            return self.by_token(token)
        header = request.header("Authorization")
        if header is None:
            raise errors.bad_signature("x-auth-token not found")
        authorization = signature.parse(header)
        if authorization is None:
            raise errors.bad_signature("auth header is invalid")
        return self._by_signature(request, authorization)

    def by_token(self, text: str) -> Sender:
        """Return the identity that a token belongs to.

        Raises:
            TokenError: It is not a token, or is one no longer.
        """
        token = self.tokens.get(text)
        if token is None:
            foreign = self.foreign(text)
            if foreign is not None:
                return foreign
            raise errors.bad_token()
        user = self.users[token.user_id]
        if token.expires <= self.world.now() or not user.enabled:
            raise errors.stale_token()
        return Sender(
            label=user.name, user_id=user.id, domain_id=token.domain_id, project_id=token.project_id, scoped=True
        )

    def _by_signature(self, request: Request, authorization: signature.Authorization) -> Sender:
        now = self.world.now()
        key = self.access_keys.get(authorization.access)
        if key is None or not self.users[key.user_id].enabled:
            raise errors.bad_signature(f"Get secretKey failed,ak:{authorization.access},err:ak not exist")
        if key.locked_until > now:
            raise errors.bad_signature("AK access failed to reach the limit,forbidden")
        security_token = request.header("X-Security-Token")
        if key.security_token is not None and security_token is None:
            # a temporary key is not among the permanent ones, where the gateway looks when no token comes with it
            raise errors.bad_signature(f"Get secretKey failed,ak:{authorization.access},err:ak not exist")
        if security_token != key.security_token or (key.expires is not None and key.expires <= now):
            raise errors.bad_signature("decrypt token fail")
        age = signature.age(request, now)
        fresh = age is not None and abs(age) <= signature.MAX_SKEW
        if not fresh or not signature.holds(request, authorization, key.secret):
            key.failures += 1
            if key.failures >= MAX_FAILURES:
                key.failures, key.locked_until = 0, now + LOCK_SECONDS
            raise errors.bad_signature("verify aksk signature fail")
        key.failures = 0
        return Sender(label=key.access, user_id=key.user_id, domain_id=key.domain_id)

    def admit(self, request: Request, identity: Sender, project_id: str) -> None:
        """Check that an identity may act in a project.

        Raises:
            GatewayError: It may not.
        """
        named = request.header("X-Project-Id")
        if named is not None and named != project_id:
            raise errors.not_authorized(f"X-Project-Id {named} is not the project {project_id} of the path")
        project = self.projects.get(project_id)
        if project is None or project.domain_id != identity.domain_id:
            raise errors.not_authorized(f"project {project_id} does not exist or is not accessible")
        if identity.scoped and identity.project_id != project_id:
            raise errors.stale_token()

    def admit_headers(self, request: Request, identity: Sender) -> None:
        """Check the project and the account that a request names in headers only.

        Raises:
            GatewayError: They are not the identity's.
        """
        project_id = request.header("X-Project-Id")
        if project_id is not None:
            self.admit(request, identity, project_id)
        domain_id = request.header("X-Domain-Id")
        if domain_id is not None and domain_id != identity.domain_id:
            raise errors.not_authorized(f"X-Domain-Id {domain_id} is not the account of the credentials")

    def agency(self, identity: Sender, name: str, domain: str) -> Agency | None:
        """Return the agency of this name in an account (id or name) that trusts the identity's account; None without one."""
        for agency in self.agencies:
            owner = self.domains[agency.domain_id]
            if (
                agency.name == name
                and domain in (owner.id, owner.name)
                and agency.trusted_domain_id == identity.domain_id
            ):
                return agency
        return None
