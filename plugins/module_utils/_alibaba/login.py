# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Alibaba Cloud's STS gives in exchange for other credentials: the temporary keys of RAM roles.

Source: "AssumeRole" (alibabacloud.com, STS 2015-04-01). The official SDK alibabacloud-sts20150401 signs it as every other
operation.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.credentials import RamRole
from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import AccessKey, temporary_key

#: What keys are called in the answers of STS and of the metadata service.
_PARTS = ("AccessKeyId", "AccessKeySecret", "SecurityToken")


def role_query(role: RamRole) -> dict[str, str | int | None]:
    """The parameters that ask for a key of a role."""
    return {
        "RoleArn": role.arn,
        "RoleSessionName": role.session_name,
        "DurationSeconds": role.duration,
        "ExternalId": role.external_id,
        "Policy": role.policy,
    }


def read_key(document: t.Mapping[str, t.Any], source: str) -> AccessKey:
    """The temporary key in an answer of STS."""
    return key_of(document.get("Credentials"), source, "STS")


def key_of(document: t.Any, source: str, giver: str) -> AccessKey:
    """The temporary key in an object.

    Raises:
        CredentialsError: It is not complete.
    """
    return temporary_key(document, _PARTS, "Expiration", source, giver)
