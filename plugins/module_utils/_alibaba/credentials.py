# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials of Alibaba Cloud, and the places that they are searched for in.

The order: options, an access key of the environment, OIDC of the environment, the profile of the command line
(``~/.aliyun/config.json``), the SDK's file (``~/.alibabacloud/credentials.ini``), a credentials URI of the environment, the
metadata service of an ECS instance. It is that of the official package but for the URI, which a user has set and so comes
before an address that may not be there. All parts of one key come from one place, and from one family of variables.

The name of an option is never overridden by what the environment or a file holds: its role, its profile, and what it says of a role.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import (
    AccessKey,
    Names,
    RefreshableKey,
    first_set,
    key_in,
    try_service,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.files import UserFile


class RoleSettings(t.NamedTuple):
    """The settings with which a role is assumed.

    Attributes:
        session_name: The name of the session in the logs of the account.
        duration: Seconds that a key lives.
        external_id: The external id that the role's trust policy may ask for.
        policy: JSON text of a policy that narrows the role's permissions.
    """

    session_name: str
    duration: int
    external_id: str | None = None
    policy: str | None = None


class RamRole(t.NamedTuple):
    """A RAM role, whose temporary keys are obtained with other credentials.

    Attributes:
        base: The credentials with which they are obtained; maybe another role.
        arn: The role.
        terms: The settings with which it is assumed.
        source: Where the credentials were found, for people.
    """

    base: AccessKey | RefreshableKey | RamRole | OidcRole
    arn: str
    terms: RoleSettings
    source: str

    def secrets(self) -> list[str]:
        """Return the secrets, which must never be shown."""
        return self.base.secrets()


class OidcRole(t.NamedTuple):
    """A RAM role that trusts an identity provider, whose keys STS gives for a token of that provider.

    Attributes:
        arn: The role.
        provider_arn: The identity provider.
        token_file: The file in which the provider, such as ACK, keeps its token for this machine.
        terms: The settings with which the role is assumed; there is no external id.
        source: Where the credentials were found, for people.
    """

    arn: str
    provider_arn: str
    token_file: UserFile
    terms: RoleSettings
    source: str

    def secrets(self) -> list[str]:
        """Return the secrets that are known so far."""
        return []


Credentials = t.Union[AccessKey, RefreshableKey, RamRole, OidcRole]


class FoundCredentials(t.NamedTuple):
    """Credentials, and the settings that were beside them in a profile.

    Attributes:
        credentials: The credentials.
        settings: ``ali_region``, ``sts_region``, ``sts_vpc`` and ``vpc``.
        chosen: Whether an option named the profile, so that its settings come before those of the environment.
    """

    credentials: Credentials
    settings: t.Mapping[str, str] = {}
    chosen: bool = False


class CredentialProviders(t.Protocol):
    """The ways to fetch credentials that are not in options or environment."""

    def metadata(self, role: str | None, deadline: float | None) -> AccessKey:
        """Ask the metadata service for a key of a role, or of its only role; no deadline when there may be no such service."""

    def uri(self, name: str, uri: str, deadline: float) -> AccessKey:
        """Ask an address that hands out keys; ``name`` is the setting that it comes from."""

    def official(self, provider: str, source: str, hide: t.Sequence[str], **arguments: t.Any) -> RefreshableKey:
        """Return the keys of a provider of the official package.

        Args:
            provider: Name of its class.
            source: Where its arguments come from, for people.
            hide: Secrets that its messages must not show.
            arguments: For the class.
        """


# The official SDK's names first, then Terraform's, then those of the command line.
ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "ali_access_key_id": (
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALICLOUD_ACCESS_KEY",
        "ALIBABACLOUD_ACCESS_KEY_ID",
        "ALICLOUD_ACCESS_KEY_ID",
    ),
    "ali_access_key_secret": (
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALICLOUD_SECRET_KEY",
        "ALIBABACLOUD_ACCESS_KEY_SECRET",
        "ALICLOUD_ACCESS_KEY_SECRET",
    ),
    "ali_security_token": (
        "ALIBABA_CLOUD_SECURITY_TOKEN",
        "ALICLOUD_SECURITY_TOKEN",
        "ALIBABACLOUD_SECURITY_TOKEN",
        "ALICLOUD_SECURITY_TOKEN",
    ),
    "ali_profile": ("ALIBABA_CLOUD_PROFILE", "ALICLOUD_PROFILE", "ALIBABACLOUD_PROFILE"),
    "ali_role_arn": ("ALIBABA_CLOUD_ROLE_ARN", "ALICLOUD_ASSUME_ROLE_ARN", "ALIBABACLOUD_ROLE_ARN"),
    "ali_role_session_name": ("ALIBABA_CLOUD_ROLE_SESSION_NAME", "ALICLOUD_ASSUME_ROLE_SESSION_NAME"),
    "ali_role_duration": ("ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION",),
    "ali_role_external_id": ("ALIBABA_CLOUD_EXTERNAL_ID", "ALIBABACLOUD_EXTERNAL_ID"),
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
#: The variables that make an OIDC login together, beside the role: the official SDK's names, then the command line's.
PROVIDER = ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABACLOUD_OIDC_PROVIDER_ARN")
TOKEN_FILE = ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABACLOUD_OIDC_TOKEN_FILE")
#: Variables with the address of something that hands out keys.
URI = ("ALIBABA_CLOUD_CREDENTIALS_URI", "ALICLOUD_CREDENTIALS_URI")
#: Variables with which other tools log in, and which this collection does not use: the last are the command line's, and too
#: general to be taken for those of a cloud.
UNSUPPORTED = (
    *("ALIBABA_CLOUD_BEARER_TOKEN", "ALIBABA_CLOUD_PROFILE_MODE"),
    *("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"),
)
#: What a session is called, and how many seconds a key of a role lives, unless the user says otherwise; the least there is.
SESSION_NAME = "ansible-multicloud-async-tasks"
DURATION = 3600
SHORTEST = 900
_DIGITS = re.compile(r"[0-9]{1,9}\Z")
#: What options say of a role, by the names that ``terms`` knows.
_TERMS = {
    "session_name": "ali_role_session_name",
    "duration": "ali_role_duration",
    "external_id": "ali_role_external_id",
    "policy": "ali_role_policy",
}


def setting(
    option: str,
    options: t.Mapping[str, t.Any],
    environ: t.Mapping[str, str],
    settings: t.Mapping[str, str] | None = None,
) -> str | None:
    """Return the value of an option, or of the first of its variables that is set, or of the profile; empty means not set."""
    return first_set(option, ENVIRONMENT[option], options, environ, settings)


def find(
    options: t.Mapping[str, t.Any],
    environ: t.Mapping[str, str],
    providers: CredentialProviders,
    profile: t.Callable[[str | None], FoundCredentials | None],
) -> FoundCredentials:
    """Return the credentials to use.

    Args:
        options: The module's options.
        environ: The process environment.
        providers: The ways to fetch credentials.
        profile: Reads a profile by its name, or the current one, from the files of the user.

    Raises:
        CredentialsError: There are none, or they are not complete.
    """
    found = _of_options(options, providers, profile) or _first(options, environ, providers, profile)
    given = {field: options[option] for field, option in _TERMS.items() if options.get(option)}
    # The command line takes it from the environment for every role that has none of its own.
    usual = {"external_id": setting("ali_role_external_id", {}, environ)}
    arn, credentials = options.get("ali_role_arn"), found.credentials
    if arn:
        return found._replace(
            credentials=role(credentials, str(arn), {**usual, **given}, f"{credentials.source}, role")
        )
    if isinstance(credentials, RamRole):
        # The role comes from elsewhere; the options override its settings.
        fields = {**usual, **_set(credentials.terms._asdict()), **given}
        return found._replace(credentials=credentials._replace(terms=role_settings(fields, credentials.arn, "options")))
    if isinstance(credentials, OidcRole) and "external_id" not in given:
        fields = {**credentials.terms._asdict(), **given}
        return found._replace(credentials=credentials._replace(terms=role_settings(fields, credentials.arn, "options")))
    for field in ("policy", "external_id"):
        if field in given:
            raise CredentialsError(
                f"{_TERMS[field]} is given, but the credentials ({credentials.source}) are not those of a role that takes one.",
                hint="Name the role in ali_role_arn (ALIBABA_CLOUD_ROLE_ARN).",
            )
    return found


def _set(fields: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {field: value for field, value in fields.items() if value}


def _of_options(
    options: t.Mapping[str, t.Any],
    providers: CredentialProviders,
    profile: t.Callable[[str | None], FoundCredentials | None],
) -> FoundCredentials | None:
    """Return the credentials that the options name: a key, a profile, or the role of this instance; None when they name none."""
    key = key_in(options, _KEY, "option", "options")
    if key is not None:
        return FoundCredentials(key)
    if options.get("ali_profile"):
        found = profile(str(options["ali_profile"]))
        return found and found._replace(chosen=True)
    if options.get("ali_ecs_role_name"):
        return FoundCredentials(of_instance(providers, str(options["ali_ecs_role_name"]), "ECS metadata"))
    return None


def _first(
    options: t.Mapping[str, t.Any],
    environ: t.Mapping[str, str],
    providers: CredentialProviders,
    profile: t.Callable[[str | None], FoundCredentials | None],
) -> FoundCredentials:
    """Return the first credentials in the order of the places."""
    # A token alone is half a key of the last family that has it: two families share one.
    for names in sorted(FAMILIES, key=lambda names: not (environ.get(names[0]) or environ.get(names[1]))):
        key = key_in(environ, names, "environment variable", "environment")
        if key is not None:
            return FoundCredentials(_with_role(key, options, environ))
    oidc = _of_provider(environ)
    if oidc is not None:
        return FoundCredentials(oidc)
    found = profile(setting("ali_profile", {}, environ))
    if found is not None:
        return found
    for name in URI:
        uri = environ.get(name)
        if uri:
            return FoundCredentials(of_uri(providers, name, uri, "environment (credentials URI)"))
    return FoundCredentials(of_instance(providers, setting("ali_ecs_role_name", {}, environ), "ECS metadata", environ))


def _with_role(key: AccessKey, options: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> Credentials:
    """Return a key of the environment, and the role of the environment that is to be assumed with it, if there is one."""
    names = ENVIRONMENT["ali_role_arn"]
    # Beside a provider of OIDC the SDK's variable names the role that is got with OIDC.
    with_oidc = any(environ.get(name) for name in (*PROVIDER, *TOKEN_FILE))
    arns = [environ.get(name) for name in names if not with_oidc or name == "ALICLOUD_ASSUME_ROLE_ARN"]
    arn = next((arn for arn in arns if arn), None)
    if arn is None or options.get("ali_role_arn"):
        return key
    return role(key, arn, _terms_of_environment(environ), f"{key.source}, role")


def _terms_of_environment(environ: t.Mapping[str, str]) -> dict[str, str | None]:
    return {field: setting(option, {}, environ) for field, option in _TERMS.items() if option in ENVIRONMENT}


def _of_provider(environ: t.Mapping[str, str]) -> OidcRole | None:
    """Return the login with the token of an identity provider (such as RRSA of ACK); None when the environment describes none.

    Raises:
        CredentialsError: It describes half of one.
    """
    arns, providers, files = (
        [environ[name] for name in names if environ.get(name)]
        for names in (ENVIRONMENT["ali_role_arn"], PROVIDER, TOKEN_FILE)
    )
    if not providers and not files:
        return None
    found = {"ALIBABA_CLOUD_ROLE_ARN": arns, PROVIDER[0]: providers, TOKEN_FILE[0]: files}
    missing = [name for name, values in found.items() if not values]
    if missing:
        there = [name for name, values in found.items() if values]
        raise CredentialsError(
            f"The environment variable {' and '.join(missing)} is missing beside {' and '.join(there)} (environment).",
            hint=f"{', '.join(found)} belong together.",
        )
    fields = {**_terms_of_environment(environ), "external_id": None}
    return oidc_role(environ, arns[0], providers[0], files[0], fields, "environment (OIDC)")


def oidc_role(
    environ: t.Mapping[str, str],
    arn: str,
    provider_arn: str,
    token_file: str,
    fields: t.Mapping[str, t.Any],
    source: str,
) -> OidcRole:
    """Return a role to be assumed with the token of an identity provider."""
    return OidcRole(
        arn, provider_arn, UserFile.named_by(environ, token_file), role_settings(fields, arn, source), source
    )


def of_uri(providers: CredentialProviders, name: str, uri: str, source: str) -> RefreshableKey:
    """Return the keys that an address hands out."""
    return RefreshableKey(
        source, lambda deadline: dataclasses.replace(providers.uri(name, uri, deadline), source=source)
    )


def of_instance(
    providers: CredentialProviders, name: str | None, source: str, environ: t.Mapping[str, str] | None = None
) -> RefreshableKey:
    """Return the keys of the role of this instance.

    Args:
        providers: The ways to fetch keys.
        name: The role; the service is asked for it when None.
        source: Who asks for them, for people.
        environ: The environment, when this is the last place: the error then names unsupported credentials that were found.

    Raises:
        CredentialsError: There is no metadata service, or no role.
    """

    def fetch(deadline: float | None) -> AccessKey:
        return dataclasses.replace(providers.metadata(name, deadline), source=source)

    def missing(why: str) -> CredentialsError:
        if environ is None:
            return CredentialsError(f"{source} asks for the role of an ECS instance, and there is none: {why}.")
        return CredentialsError(
            "There are no credentials for Alibaba Cloud: none in options, environment, ~/.aliyun/config.json and "
            f"~/.alibabacloud/credentials.ini, and none from the metadata service of an ECS instance ({why})."
            f"{_passed_over(environ)}",
            hint="Give ali_access_key_id and ali_access_key_secret (in the environment ALIBABA_CLOUD_ACCESS_KEY_ID and "
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET; with a temporary key ALIBABA_CLOUD_SECURITY_TOKEN as well), or name a "
            "profile in ali_profile (ALIBABA_CLOUD_PROFILE).",
        )

    return try_service(source, fetch, missing)


def _passed_over(environ: t.Mapping[str, str]) -> str:
    """Return a sentence on credentials of other tools that were found and are not supported."""
    found = [name for name in UNSUPPORTED if environ.get(name)]
    return f" Found, but not supported: {', '.join(found)}." if found else ""


def role(base: Credentials, arn: str, fields: t.Mapping[str, t.Any], source: str) -> RamRole:
    """Return a role to be assumed.

    Args:
        base: The credentials with which it is assumed.
        arn: The role.
        fields: The given fields of ``RoleSettings``.
        source: Where the credentials were found, for people.
    """
    return RamRole(base, arn, role_settings(fields, arn, source), source)


def role_settings(fields: t.Mapping[str, t.Any], arn: str, source: str) -> RoleSettings:
    """Return the settings with which a role is assumed; those that are not given have their defaults.

    Raises:
        CredentialsError: The duration is too short.
    """
    duration = str(fields.get("duration") or DURATION)
    if not _DIGITS.match(duration) or int(duration) < SHORTEST:
        raise CredentialsError(
            f"The duration of the role {arn} ({source}) must be at least {SHORTEST} seconds, not {duration}."
        )
    return RoleSettings(
        str(fields.get("session_name") or SESSION_NAME),
        int(duration),
        fields.get("external_id") or None,
        fields.get("policy") or None,
    )
