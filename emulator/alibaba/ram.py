# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resource Access Management and its Security Token Service: access keys, roles, and who sent a request."""

from __future__ import annotations

import dataclasses
import typing as t
import uuid

from ..clock import iso
from ..messages import ApiError, Json, Request, Response
from ..service import Call, Operation, Sender, Service, World
from . import responses, signature

#: Seconds a role may be assumed for, at least and by default.
SHORTEST, DEFAULT = 900, 3600


@dataclasses.dataclass
class AccessKey:
    """A pair to sign with.

    Attributes:
        account: The account it is good for.
        principal: The user or role session behind it, as an ARN.
        security_token: Set for temporary keys, which are worth nothing without it.
        expires: When a temporary key ends, seconds since the epoch.
    """

    access: str
    secret: str
    account: str
    principal: str
    security_token: str | None = None
    expires: float | None = None
    active: bool = True


@dataclasses.dataclass(frozen=True)
class Role:
    """A role that the users of an account may take on.

    Attributes:
        longest: Seconds for which it may be assumed at most.
        external_id: The external id that a caller must give to assume it.
        provider: The identity provider whose users may take it on.
    """

    name: str
    account: str
    trusted_account: str
    longest: int = 3600
    external_id: str | None = None
    provider: str | None = None

    @property
    def arn(self) -> str:
        """Its full name."""
        return f"acs:ram::{self.account}:role/{self.name}"


class Ram(Service):
    """The service. Only its token service has operations here."""

    name = "sts"

    def __init__(self, world: World) -> None:
        self.world = world
        self.access_keys: dict[str, AccessKey] = {}
        self.roles: list[Role] = []
        self._nonces: dict[str, float] = {}
        #: Tokens of identity providers: the provider's ARN, and when each ends.
        self.id_tokens: dict[str, tuple[str, float]] = {}

    def operations(self) -> t.Sequence[Operation]:
        """Return the table of operations; the path is the version."""
        return [
            Operation("AssumeRole", "AssumeRole", "2015-04-01", self._assume),
            Operation("AssumeRoleWithOIDC", "AssumeRoleWithOIDC", "2015-04-01", self._assume_with_oidc, signed=False),
            Operation("GetCallerIdentity", "GetCallerIdentity", "2015-04-01", self._caller),
        ]

    def error_response(self, error: ApiError) -> Response:
        """Return an error in the one form of all services."""
        return responses.error_response(error)

    def invalid(self, message: str) -> ApiError:
        """Return the error for a malformed request."""
        return ApiError(400, "InvalidParameter", message)

    def add_access_key(self, key: AccessKey) -> AccessKey:
        """Let an access key exist."""
        self.access_keys[key.access] = key
        return key

    def temporary_key(self, account: str, principal: str, seconds: float) -> AccessKey:
        """Make a key that ends, and its security token."""
        return self.add_access_key(
            AccessKey(
                access=f"STS.{uuid.uuid4().hex[:20]}",
                secret=uuid.uuid4().hex,
                account=account,
                principal=principal,
                security_token=f"CAIS+/{uuid.uuid4().hex}==",
                expires=self.world.now() + seconds,
            )
        )

    def issue_id_token(self, provider: str, seconds: float = 3600) -> str:
        """Make a token of an identity provider."""
        text = f"eyJhbGciOiJSUzI1NiJ9.{uuid.uuid4().hex}.{uuid.uuid4().hex}"
        self.id_tokens[text] = (provider, self.world.now() + seconds)
        return text

    # who sent this

    def authenticate(self, request: Request) -> Sender:
        """Return the sender of a request, by its signature.

        Raises:
            ApiError: The credentials are missing or rejected.
        """
        claim = signature.claim(request)
        if claim is None:
            raise responses.missing("AccessKeyId")
        self._check_freshness(claim)
        key = self._key(claim)
        if claim.gap:
            raise responses.incomplete_signature(claim.gap)
        if not claim.holds(key.secret):
            raise responses.bad_signature(claim.string_to_sign)
        if claim.nonce in self._nonces:
            raise responses.nonce_used()
        self._nonces[claim.nonce] = self.world.now()
        return Sender(label=key.access, user_id=key.principal, domain_id=key.account)

    def _check_freshness(self, claim: signature.Claim) -> None:
        now = self.world.now()
        if claim.date is None or abs(now - claim.date) > signature.MAX_SKEW:
            raise responses.bad_time(parsed=claim.date is not None)
        if not claim.nonce:
            raise responses.missing("SignatureNonce")
        # older ones cannot come again: their requests would be too old
        self._nonces = {nonce: used for nonce, used in self._nonces.items() if now - used <= 2 * signature.MAX_SKEW}

    def _key(self, claim: signature.Claim) -> AccessKey:
        key = self.access_keys.get(claim.access)
        if key is None or (key.security_token is not None and claim.security_token is None):
            raise responses.unknown_key()
        if not key.active:
            raise responses.inactive_key()
        if claim.security_token != key.security_token:
            raise responses.wrong_token()
        if key.expires is not None and key.expires <= self.world.now():
            raise responses.expired_token()
        return key

    # the token service

    def _assume(self, call: Call) -> Response:
        arn, session = call.query.get("RoleArn"), call.query.get("RoleSessionName")
        if not arn:
            raise responses.missing("RoleArn")
        if not session:
            raise responses.missing("RoleSessionName")
        role = next((role for role in self.roles if role.arn == arn), None)
        if role is None:
            raise ApiError(404, "EntityNotExist.Role", f"The role does not exist: {arn}.")
        unknown = role.external_id is not None and role.external_id != call.query.get("ExternalId")
        if role.trusted_account != call.identity.domain_id or unknown:
            raise ApiError(403, "NoPermission", "You are not authorized to do this action.")
        return responses.success(self._assumed(call, role, session))

    def _assume_with_oidc(self, call: Call) -> Response:
        for name in ("RoleArn", "OIDCProviderArn", "OIDCToken", "RoleSessionName", "Timestamp"):
            if not call.query.get(name):
                raise responses.missing(name)
        provider, text = call.query["OIDCProviderArn"], call.query["OIDCToken"]
        role = next((role for role in self.roles if role.arn == call.query["RoleArn"]), None)
        if role is None or role.provider != provider:
            raise ApiError(401, "AuthenticationFail.NoPermission", "There is no permission")
        issued_by, expires = self.id_tokens.get(text, ("", 0.0))
        if issued_by != provider:
            raise ApiError(
                401, "AuthenticationFail.OIDCToken.Invalid", "The Jwt content is invalid that cannot be recognized."
            )
        if expires <= self.world.now():
            raise ApiError(401, "AuthenticationFail.OIDCToken.Expired", "This JsonWebToken is expired.")
        call.identity = Sender(provider, provider, role.account)
        info = {"Issuer": "https://oidc.example.com", "Subject": "pod", "ClientIds": "sts.aliyuncs.com"}
        return responses.success({**self._assumed(call, role, call.query["RoleSessionName"]), "OIDCTokenInfo": info})

    def _assumed(self, call: Call, role: Role, session: str) -> dict[str, Json]:
        """Return a key of a role."""
        seconds = self.integer(call, "DurationSeconds", DEFAULT, SHORTEST, role.longest)
        key = self.temporary_key(role.account, f"acs:ram::{role.account}:assumed-role/{role.name}/{session}", seconds)
        return {
            "AssumedRoleUser": {"Arn": key.principal, "AssumedRoleId": f"3000000001:{session}"},
            "Credentials": credentials(key),
        }

    def _caller(self, call: Call) -> Response:
        return responses.success({"AccountId": call.identity.domain_id, "Arn": call.identity.user_id})


def credentials(key: AccessKey) -> dict[str, Json]:
    """Return a temporary key in the form that the token service and the metadata service share."""
    return {
        "AccessKeyId": key.access,
        "AccessKeySecret": key.secret,
        "SecurityToken": key.security_token,
        "Expiration": iso(key.expires or 0.0),
    }
