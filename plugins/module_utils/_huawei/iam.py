# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to Huawei Cloud's IAM and STS, which exchange credentials for tokens and temporary keys.

Sources: "Obtaining a user token through password authentication", "Obtaining a temporary access key and security token
through an agency" and "Obtaining a token with an OpenID Connect ID token" (support.huaweicloud.com, IAM), and the official SDK
3.1.219 (tokens of identity providers).
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import (
    AccessKey,
    parse_time,
    temporary_key,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import identifier, mapping_or_empty
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.credentials import (
    Agency,
    OidcAgency,
    Password,
    Token,
    WantedProject,
)

_ASKED = "IAM KeystoneCreateUserTokenByPassword"
#: Seconds that a key lives which is got with the token of an identity provider: what the official SDK asks for.
FEDERATED = 6 * 3600
#: What the parts of a key are called, by service; the official SDK reads them under any of these names.
_PARTS = {
    "access": ("access", "access_key_id", "accessKeyId"),
    "secret": ("secret", "secret_access_key", "secretAccessKey"),
    "token": ("securitytoken", "security_token", "securityToken"),
    "end": ("expires_at", "expiration"),
}


def project_scope(credentials: Password, project: WantedProject) -> dict[str, t.Any]:
    """Return the scope of a token that is for a project.

    A name is unique within an account only. IAM takes the user's own account for granted; Keystone, of which it is made,
    does not.
    """
    if project.id:
        return {"project": {"id": project.id}}
    return {"project": {"name": project.name, "domain": {"name": credentials.domain_name}}}


def account_scope(credentials: Password) -> dict[str, t.Any]:
    """Return the scope of a token that is for an account, as services need it that belong to no region."""
    return {"domain": {"name": credentials.domain_name}}


def token_body(credentials: Password, scope: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the body that asks for a token with a password.

    Args:
        credentials: Who asks.
        scope: What the token is for.
    """
    user = {
        "domain": {"name": credentials.domain_name},
        "name": credentials.user_name,
        "password": credentials.password,
    }
    return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": dict(scope)}}


def read_token(document: t.Mapping[str, t.Any], headers: t.Mapping[str, str], source: str) -> Token:
    """Return the token in a response: its text is in a header, its end in the body."""
    text = headers.get("x-subject-token")
    if not text:
        raise CredentialsError("IAM answered the request for a token without one (X-Subject-Token).")
    return Token(text, source, parse_time(mapping_or_empty(document, "token", _ASKED).get("expires_at")))


def project_of(document: t.Mapping[str, t.Any]) -> str | None:
    """Return the id of the project that a token is for; None when it is for none."""
    project = mapping_or_empty(mapping_or_empty(document, "token", _ASKED), "project", _ASKED)
    return identifier(project, "id", _ASKED) if project else None


def agency_body(agency: Agency) -> dict[str, t.Any]:
    """Return the body that asks for a key of an agency."""
    domain = {"domain_id": agency.domain_id} if agency.domain_id else {"domain_name": agency.domain_name}
    role = {"agency_name": agency.name, **domain, "duration_seconds": agency.duration}
    return {"auth": {"identity": {"methods": ["assume_role"], "assume_role": role}}}


def id_token_body(id_token: str) -> dict[str, t.Any]:
    """Return the body that asks IAM for a token that is for nothing in particular, with one of an identity provider."""
    return {"auth": {"id_token": {"id": id_token}}}


def key_by_token_body() -> dict[str, t.Any]:
    """Return the body that asks for a key with the token that the request carries."""
    return {"auth": {"identity": {"methods": ["token"], "token": {"duration_seconds": FEDERATED}}}}


def oidc_body(agency: OidcAgency, id_token: str) -> dict[str, t.Any]:
    """Return the body that asks STS for a key of an agency with a token of an identity provider."""
    body: dict[str, t.Any] = {
        "provider_urn": agency.provider_urn,
        "agency_urn": agency.agency_urn,
        "agency_session_name": agency.session_name,
        "id_token": id_token,
        "duration_seconds": agency.duration,
    }
    if agency.policy:
        body["policy"] = agency.policy
    if agency.policy_ids:
        body["policy_ids"] = list(agency.policy_ids)
    return body


def key_of(found: t.Any, source: str, giver: str) -> AccessKey:
    """Return the temporary key in an object.

    Args:
        found: What may be one.
        source: Where its owner was found, for people.
        giver: The service that responded.

    Raises:
        CredentialsError: It is not complete; it is not quoted.
    """
    fields = found if isinstance(found, dict) else {}
    parts = {part: next((fields[name] for name in names if fields.get(name)), None) for part, names in _PARTS.items()}
    return temporary_key(parts, ("access", "secret", "token"), "end", source, giver)
