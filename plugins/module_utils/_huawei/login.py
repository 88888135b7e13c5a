# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Huawei Cloud's IAM gives in exchange for other credentials: tokens, and the temporary keys of agencies.

Source: "Obtaining a user token through password authentication" and "Obtaining a temporary access key and security token
through an agency" (support.huaweicloud.com, IAM).
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.credentials import Agency, Password, Token
from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import AccessKey, parse_time, temporary_key
from ansible_collections.multicloud.async_tasks.plugins.module_utils._reading import identifier, mapping_or_empty

_ASKED = "IAM KeystoneCreateUserTokenByPassword"
#: What keys are called in the answers of IAM and of the metadata service.
PARTS = ("access", "secret", "securitytoken")


def token_body(credentials: Password, scope: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The body that asks for a token with a password.

    Args:
        credentials: Who asks.
        scope: What the token is for, such as ``{"project": {"name": ...}}``.
    """
    user = {
        "domain": {"name": credentials.domain_name},
        "name": credentials.user_name,
        "password": credentials.password,
    }
    return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": dict(scope)}}


def read_token(document: t.Mapping[str, t.Any], headers: t.Mapping[str, str], source: str) -> Token:
    """The token in an answer: its text is in a header, its end in the body."""
    text = headers.get("x-subject-token")
    if not text:
        raise CredentialsError("IAM answered the request for a token without one (X-Subject-Token).")
    return Token(text, source, parse_time(mapping_or_empty(document, "token", _ASKED).get("expires_at")))


def project_of(document: t.Mapping[str, t.Any]) -> str | None:
    """The id of the project that a token is for; None when it is for none."""
    project = mapping_or_empty(mapping_or_empty(document, "token", _ASKED), "project", _ASKED)
    return identifier(project, "id", _ASKED) if project else None


def agency_body(agency: Agency) -> dict[str, t.Any]:
    """The body that asks for a key of an agency."""
    domain = {"domain_id": agency.domain_id} if agency.domain_id else {"domain_name": agency.domain_name}
    role = {"agency_name": agency.name, **domain, "duration_seconds": agency.duration}
    return {"auth": {"identity": {"methods": ["assume_role"], "assume_role": role}}}


def read_key(document: t.Mapping[str, t.Any], source: str) -> AccessKey:
    """The temporary key in an answer."""
    return temporary_key(document.get("credential"), PARTS, "expires_at", source, "IAM")
