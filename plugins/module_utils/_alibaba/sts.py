# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to Alibaba Cloud's STS, which exchanges credentials for the temporary keys of RAM roles.

Sources: "AssumeRole" and "AssumeRoleWithOIDC" (alibabacloud.com, STS 2015-04-01). The official SDK alibabacloud-sts20150401 signs
the first as every other operation; the official package alibabacloud-credentials 1.0.12 sends the second without a signature.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.credentials import OidcRole, RamRole
from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey, temporary_key
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CredentialsError

#: What keys are called in the responses of STS and of the metadata service.
_PARTS = ("AccessKeyId", "AccessKeySecret", "SecurityToken")
_CODE = re.compile(r"[A-Za-z0-9.]{1,64}\Z")


def role_query(role: RamRole) -> dict[str, str | int | None]:
    """Return the parameters that ask for a key of a role."""
    return {
        "RoleArn": role.arn,
        "RoleSessionName": role.terms.session_name,
        "DurationSeconds": role.terms.duration,
        "ExternalId": role.terms.external_id,
        "Policy": role.terms.policy,
    }


def oidc_query(role: OidcRole, token: str) -> dict[str, str | int | None]:
    """Return the parameters that ask for a key of a role with a token of an identity provider."""
    return {
        "RoleArn": role.arn,
        "OIDCProviderArn": role.provider_arn,
        "OIDCToken": token,
        "RoleSessionName": role.terms.session_name,
        "DurationSeconds": role.terms.duration,
        "Policy": role.terms.policy,
    }


def handed_out(document: t.Mapping[str, t.Any], source: str, giver: str) -> AccessKey:
    """Return the temporary key in a response of the metadata service, or of another address that hands out keys.

    Raises:
        CredentialsError: There is none, or it is not complete.
    """
    code = document.get("Code")
    if code != "Success":
        # What stands in other fields, too, may be a part of a key.
        others = [value for name, value in document.items() if name != "Code"]
        is_code = isinstance(code, str) and _CODE.match(code) and code not in others
        told = f"code {code}" if is_code else "no code that is known"
        raise CredentialsError(f"{giver} answered with {told}.")
    return key_of(document, source, giver)


def key_of(document: t.Any, source: str, giver: str) -> AccessKey:
    """Return the temporary key in an object.

    Raises:
        CredentialsError: It is not complete; it is not quoted.
    """
    return temporary_key(document, _PARTS, "Expiration", source, giver)
