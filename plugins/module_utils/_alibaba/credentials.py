# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an Alibaba Cloud request is signed with, and where it is looked for.

The order: options, an access key of the environment, OIDC of the environment, the profile of the command line
(``~/.aliyun/config.json``), the SDK's file (``~/.alibabacloud/credentials.ini``), a credentials URI of the environment, the
metadata service of an ECS instance. It is that of the official package but for the URI, which somebody has set and so comes
before an address that may not be there. All parts of one key come from one place, and from one family of variables.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import (
    AccessKey,
    Fetched,
    Names,
    first_set,
    key_in,
)


class RamRole(t.NamedTuple):
    """A RAM role, whose temporary keys are got with other credentials.

    Attributes:
        base: With what they are got; maybe another role.
        arn: The role.
        session_name: What the session is called in the logs of the account.
        duration: Seconds that a key lives.
        external_id: What the role's trust policy may ask for.
        policy: JSON text of a policy that narrows the role's permissions.
        source: Where all this was found.
    """

    base: AccessKey | Fetched | RamRole
    arn: str
    session_name: str
    duration: int
    external_id: str | None
    policy: str | None
    source: str

    def secrets(self) -> list[str]:
        """What must never be shown."""
        return self.base.secrets()


Credentials = t.Union[AccessKey, Fetched, RamRole]


class Found(t.NamedTuple):
    """Credentials, and the settings that were beside them in a profile: ``ali_region``, ``sts_region``, ``vpc``."""

    credentials: Credentials
    settings: t.Mapping[str, str] = {}


class Ways(t.Protocol):
    """How credentials are got that are not simply written down."""

    def metadata(self, role: str | None) -> AccessKey:
        """Ask the metadata service for a key of a role, or of the one role there is."""

    def official(self, provider: str, source: str, hide: t.Sequence[str], **arguments: t.Any) -> Fetched:
        """Have a provider of the official package get keys.

        Args:
            provider: Name of its class.
            source: Where its arguments come from, for people.
            hide: What its messages must not show.
            arguments: For the class.
        """


# The official SDK's names first, then Terraform's, then those of the command line.
ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "ali_access_key_id": ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY", "ALIBABACLOUD_ACCESS_KEY_ID"),
    "ali_access_key_secret": (
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALICLOUD_SECRET_KEY",
        "ALIBABACLOUD_ACCESS_KEY_SECRET",
    ),
    "ali_security_token": ("ALIBABA_CLOUD_SECURITY_TOKEN", "ALICLOUD_SECURITY_TOKEN", "ALIBABACLOUD_SECURITY_TOKEN"),
    "ali_profile": ("ALIBABA_CLOUD_PROFILE", "ALICLOUD_PROFILE", "ALIBABACLOUD_PROFILE"),
    "ali_role_arn": ("ALIBABA_CLOUD_ROLE_ARN", "ALICLOUD_ASSUME_ROLE_ARN"),
    "ali_role_session_name": ("ALIBABA_CLOUD_ROLE_SESSION_NAME", "ALICLOUD_ASSUME_ROLE_SESSION_NAME"),
    "ali_ecs_role_name": ("ALIBABA_CLOUD_ECS_METADATA", "ALICLOUD_ECS_ROLE_NAME"),
    "ali_region": (
        "ALI_REGION",
        "ALIBABA_CLOUD_REGION_ID",
        "ALIBABA_CLOUD_REGION",
        "ALICLOUD_REGION",
        "ALIBABACLOUD_REGION_ID",
        "ALICLOUD_REGION_ID",
    ),
}
_KEY: Names = ("ali_access_key_id", "ali_access_key_secret", "ali_security_token")
#: The families of variables that hold an access key.
FAMILIES: tuple[Names, ...] = tuple(zip(*(ENVIRONMENT[option] for option in _KEY if option)))
#: The three that make an OIDC login together.
_OIDC = ("ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE")
#: What a session is called, and how many seconds a key of a role lives, unless the user says otherwise; the least there is.
SESSION_NAME = "ansible-multicloud-async-tasks"
DURATION = 3600
SHORTEST = 900


def setting(
    option: str,
    options: t.Mapping[str, t.Any],
    environ: t.Mapping[str, str],
    settings: t.Mapping[str, str] | None = None,
) -> str | None:
    """The value of an option, or of the first of its variables that is set, or of the profile; empty means not set."""
    return first_set(option, ENVIRONMENT[option], options, environ, settings)


def find(
    options: t.Mapping[str, t.Any],
    environ: t.Mapping[str, str],
    ways: Ways,
    profile: t.Callable[[str | None], Found | None],
) -> Found:
    """The credentials to use.

    Args:
        options: The module's options.
        environ: The process environment.
        ways: How to get what is not written down.
        profile: Reads a profile by its name, or the current one, from the files of the user.

    Raises:
        CredentialsError: There are none, or half of some.
    """
    found = _of_options(options, ways, profile) or _first(options, environ, ways, profile)
    arn = options.get("ali_role_arn")
    if not arn:
        return found
    return found._replace(
        credentials=role(
            found.credentials,
            {
                "arn": arn,
                "session_name": options.get("ali_role_session_name"),
                "duration": options.get("ali_role_duration"),
                "external_id": options.get("ali_role_external_id"),
                "policy": options.get("ali_role_policy"),
            },
            f"{found.credentials.source}, role",
        ),
    )


def _of_options(
    options: t.Mapping[str, t.Any], ways: Ways, profile: t.Callable[[str | None], Found | None]
) -> Found | None:
    """What options ask for by name: a key, a profile, or the role of this very instance."""
    key = key_in(options, _KEY, "option", "options")
    if key is not None:
        return Found(key)
    if options.get("ali_profile"):
        return profile(str(options["ali_profile"]))
    if options.get("ali_ecs_role_name"):
        return Found(of_instance(ways, str(options["ali_ecs_role_name"]), "ECS metadata"))
    return None


def _first(
    options: t.Mapping[str, t.Any],
    environ: t.Mapping[str, str],
    ways: Ways,
    profile: t.Callable[[str | None], Found | None],
) -> Found:
    """The first credentials that lie about."""
    for names in FAMILIES:
        key = key_in(environ, names, "environment variable", "environment")
        if key is not None:
            return Found(_with_role(key, options, environ))
    if all(environ.get(name) for name in _OIDC):
        arguments = {
            "role_arn": environ[_OIDC[0]],
            "oidc_provider_arn": environ[_OIDC[1]],
            "oidc_token_file_path": environ[_OIDC[2]],
            "role_session_name": setting("ali_role_session_name", options, environ) or SESSION_NAME,
        }
        return Found(ways.official("OIDCRoleArnCredentialsProvider", "environment (OIDC)", (), **arguments))
    found = profile(setting("ali_profile", {}, environ))
    if found is not None:
        return found
    uri = environ.get("ALIBABA_CLOUD_CREDENTIALS_URI")
    if uri:
        return Found(ways.official("URLCredentialsProvider", "environment (credentials URI)", (uri,), uri=uri))
    try:
        return Found(of_instance(ways, setting("ali_ecs_role_name", {}, environ), "ECS metadata"))
    except CredentialsError as error:
        raise CredentialsError(
            "There are no credentials for Alibaba Cloud: none in options, environment, ~/.aliyun/config.json and "
            "~/.alibabacloud/credentials.ini, and none from the metadata service of an ECS instance "
            f"({error.message.rstrip('.')}).",
            hint="Give ali_access_key_id and ali_access_key_secret (in the environment ALIBABA_CLOUD_ACCESS_KEY_ID and "
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET; with a temporary key ALIBABA_CLOUD_SECURITY_TOKEN as well), or name a "
            "profile in ali_profile (ALIBABA_CLOUD_PROFILE).",
        ) from None


def _with_role(key: AccessKey, options: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> Credentials:
    """A key of the environment, and the role of the environment that is to be assumed with it, if there is one."""
    names = ENVIRONMENT["ali_role_arn"]
    # Beside a provider of OIDC the SDK's variable names the role that is got with OIDC.
    arns = [environ.get(name) for name in (names[1:] if environ.get(_OIDC[1]) else names)]
    arn = next((arn for arn in arns if arn), None)
    if arn is None or options.get("ali_role_arn"):
        return key
    fields = {"arn": arn, "session_name": setting("ali_role_session_name", options, environ)}
    return role(key, fields, f"{key.source}, role")


def of_instance(ways: Ways, name: str | None, source: str) -> Fetched:
    """The keys of the role of this instance."""

    def fetch() -> AccessKey:
        return dataclasses.replace(ways.metadata(name), source=source)

    return Fetched(fetch(), fetch)


def role(base: Credentials, fields: t.Mapping[str, t.Any], source: str) -> RamRole:
    """A role to be assumed.

    Args:
        base: With what.
        fields: ``arn``, and those of ``session_name``, ``duration``, ``external_id``, ``policy`` that somebody gave.
        source: Where all this was found.
    """
    duration = str(fields.get("duration") or DURATION)
    if not duration.isdigit() or int(duration) < SHORTEST:
        raise CredentialsError(
            f"The keys of the role {fields['arn']} are to live for {duration} seconds ({source}); the least is {SHORTEST}."
        )
    return RamRole(
        base,
        str(fields["arn"]),
        str(fields.get("session_name") or SESSION_NAME),
        int(duration),
        fields.get("external_id") or None,
        fields.get("policy") or None,
        source,
    )
