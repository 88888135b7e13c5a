# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials of Huawei Cloud, and the places that they are searched for in.

The order: options, the environment, the SDK's file of credentials, the agent of a container, the metadata service of an ECS.
Among options a token comes before an access key and an access key before a password, and likewise in the environment, where
the tokens of identity providers come between token and access key, as in the official SDK. All parts of one identity come
from one place, and an access key of the environment from one family of variables: a secret key of Terraform's is never
joined to an access key of the SDK's.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import (
    AccessKey,
    Names,
    RefreshableKey,
    check_plain,
    first_set,
    key_in,
    try_service,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.files import UserFile


@dataclasses.dataclass(frozen=True)
class Token:
    """A ready IAM token, sent as ``X-Auth-Token``. Lives for 24 hours."""

    token: str = dataclasses.field(repr=False)
    source: str = "options"
    expires: float | None = None
    renew_at: float | None = None

    def __post_init__(self) -> None:
        check_plain("token", self.token, self.source)

    def secrets(self) -> list[str]:
        """Return the secrets, which must never be shown."""
        return [self.token]


@dataclasses.dataclass(frozen=True)
class Password:
    """An IAM user's name and password, which obtain as many tokens as a run needs."""

    user_name: str
    password: str = dataclasses.field(repr=False)
    domain_name: str
    source: str = "options"

    def secrets(self) -> list[str]:
        """Return the secrets, which must never be shown."""
        return [self.password]


@dataclasses.dataclass(frozen=True)
class IdToken:
    """The token of an identity provider: the text itself, or the file in which the provider renews it."""

    text: str | None = dataclasses.field(default=None, repr=False)
    file: UserFile | None = None

    def read(self) -> str:
        """Return the token to use now.

        Raises:
            CredentialsError: It is not in its file.
        """
        return self.file.token() if self.file is not None else self.text or ""

    def secrets(self) -> list[str]:
        """Return the secrets that are known so far."""
        return [self.text] if self.text else []


class OidcAgency(t.NamedTuple):
    """An agency that trusts an identity provider, whose keys STS gives for a token of that provider (IAM v5).

    Attributes:
        provider_urn: The identity provider.
        agency_urn: The agency.
        id_token: The provider's token.
        session_name: The name of the session in the logs of the account.
        duration: Seconds that a key lives.
        policy: JSON text of a policy that narrows the agency's permissions.
        policy_ids: Ids of policies that do the same.
        source: Where the credentials were found, for people.
    """

    provider_urn: str
    agency_urn: str
    id_token: IdToken
    session_name: str
    duration: int
    policy: str | None
    policy_ids: tuple[str, ...]
    source: str

    def secrets(self) -> list[str]:
        """Return the secrets, which must never be shown."""
        return self.id_token.secrets()


class Federation(t.NamedTuple):
    """A user of an identity provider of the account, who gets keys for a token of that provider (IAM v3).

    Attributes:
        idp_id: The identity provider.
        id_token: The provider's token.
        source: Where the credentials were found, for people.
    """

    idp_id: str
    id_token: IdToken
    source: str

    def secrets(self) -> list[str]:
        """Return the secrets, which must never be shown."""
        return self.id_token.secrets()


#: Credentials that need no others.
BaseCredentials = t.Union[AccessKey, Token, Password, RefreshableKey, OidcAgency, Federation]


class Agency(t.NamedTuple):
    """An agency of another account, or of this one, whose temporary keys are obtained with other credentials.

    Attributes:
        base: The credentials with which they are obtained.
        name: The agency.
        domain_name: The account that delegates, by its name.
        domain_id: The same by its id; one of the two is given.
        duration: Seconds that a key lives.
        source: Where the credentials were found, for people.
    """

    base: BaseCredentials
    name: str
    domain_name: str | None
    domain_id: str | None
    duration: int
    source: str

    def secrets(self) -> list[str]:
        """Return the secrets, which must never be shown."""
        return self.base.secrets()


Credentials = t.Union[BaseCredentials, Agency]


class WantedProject(t.NamedTuple):
    """The project that was asked for: by its id, by its name, or (with neither) the one that has the region's name."""

    id: str | None = None
    name: str | None = None


class FoundCredentials(t.NamedTuple):
    """Credentials, the project to use them in, and the settings that were beside them in a file, by option."""

    credentials: Credentials
    project: WantedProject = WantedProject()
    settings: t.Mapping[str, str] = {}


class CredentialProviders(t.Protocol):
    """The ways to fetch keys that are not in options, environment or files."""

    def metadata(self, deadline: float | None) -> AccessKey:
        """Ask the metadata service; no deadline when there may be no such service."""

    def container(self, url: str, token: str, deadline: float) -> AccessKey:
        """Ask the agent that CCE runs beside pods."""


# The official SDK's names first, then Terraform's (its own, then the OpenStack ones that it reads).
ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "hwc_access_key": ("HUAWEICLOUD_SDK_AK", "HW_ACCESS_KEY", "OS_ACCESS_KEY"),
    "hwc_secret_key": ("HUAWEICLOUD_SDK_SK", "HW_SECRET_KEY", "OS_SECRET_KEY"),
    "hwc_security_token": ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "HW_SECURITY_TOKEN"),
    "hwc_auth_token": ("HW_AUTH_TOKEN", "OS_AUTH_TOKEN"),
    "hwc_user_name": ("HW_USER_NAME", "OS_USERNAME"),
    "hwc_user_password": ("HW_USER_PASSWORD", "OS_PASSWORD"),
    "hwc_domain_name": ("HW_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME"),
    "hwc_agency_name": ("HW_ASSUME_ROLE_AGENCY_NAME", "OS_AGENCY_NAME"),
    "hwc_agency_domain_name": ("HW_ASSUME_ROLE_DOMAIN_NAME", "OS_AGENCY_DOMAIN_NAME"),
    "hwc_agency_domain_id": ("HW_ASSUME_ROLE_DOMAIN_ID",),
    "hwc_agency_duration": ("HW_ASSUME_ROLE_DURATION",),
    "hwc_project_id": ("HUAWEICLOUD_SDK_PROJECT_ID", "HW_PROJECT_ID", "OS_PROJECT_ID"),
    "hwc_project_name": ("HW_PROJECT_NAME", "OS_PROJECT_NAME"),
    "hwc_region": ("HWC_REGION", "HW_REGION_NAME", "OS_REGION_NAME"),
}
#: The families of variables that hold an access key.
FAMILIES: tuple[Names, ...] = (
    ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
    ("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN"),
    ("OS_ACCESS_KEY", "OS_SECRET_KEY", None),
)
#: The variables of the official SDK for tokens of identity providers (v5, v3), and those that CCE sets for a pod.
OIDC = "HUAWEICLOUD_OIDC_"
FEDERATION = ("HUAWEICLOUD_SDK_IDP_ID", "HUAWEICLOUD_SDK_ID_TOKEN_FILE")
CONTAINER = ("HC_CONTAINER_CREDENTIALS_FULL_URI", "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE")
#: Variables with which other tools log in, in ways that this collection does not support.
UNSUPPORTED = (
    *("HW_ASSUME_ROLE_IDP_ID", "HW_ASSUME_ROLE_ID_TOKEN", "HW_ASSUME_ROLE_ID_TOKEN_FILE"),
    *("HW_SHARED_CONFIG_FILE", "HW_PROFILE", "HW_USER_ID", "OS_USER_ID", "OS_CLOUD"),
)
#: The options that name the account of an agency.
_AGENCY_ACCOUNT = ("hwc_agency_domain_name", "hwc_agency_domain_id")
#: Seconds that a key of an agency lives unless the user says otherwise, and what the service allows.
DURATION = 3600
SHORTEST, LONGEST = 900, 86400
_DIGITS = re.compile(r"[0-9]{1,9}\Z")
#: What a session is called unless the user says otherwise.
SESSION_NAME = "ansible-multicloud-async-tasks"


def setting(
    option: str,
    options: t.Mapping[str, t.Any],
    environ: t.Mapping[str, str],
    settings: t.Mapping[str, str] | None = None,
) -> str | None:
    """Return the value of an option, or of the first of its variables that is set, or of the file; empty means not set."""
    return first_set(option, ENVIRONMENT[option], options, environ, settings)


def find(
    options: t.Mapping[str, t.Any], environ: t.Mapping[str, str], providers: CredentialProviders
) -> FoundCredentials:
    """Return the credentials to use, and the project to use them in.

    Args:
        options: The module's options.
        environ: The process environment.
        providers: The ways to fetch keys.

    Raises:
        CredentialsError: There are none, or they are not complete.
    """
    from_options = {option: str(options[option]) for option in ENVIRONMENT if options.get(option)}
    identity, settings, beside = _first(from_options, environ, providers)
    # An agency is named in the options, or in the place where the identity was found.
    agency = from_options if "hwc_agency_name" in from_options else _with_options(beside, from_options)
    # An agency or an account of the options is not of the account to which a project elsewhere belongs.
    account = {option: from_options[option] for option in _AGENCY_ACCOUNT if option in from_options}
    chosen = "hwc_agency_name" in from_options or any(beside.get(option) != account[option] for option in account)
    project = _project(from_options, {} if chosen else _environment(environ), {} if chosen else settings)
    if "hwc_agency_name" in agency:
        return FoundCredentials(_agency(identity, agency), project, settings)
    for option in _AGENCY_ACCOUNT:
        if option in from_options:
            _demand(agency, ("hwc_agency_name",), option)
    return FoundCredentials(identity, project, settings)


def _with_options(beside: t.Mapping[str, str], from_options: t.Mapping[str, str]) -> dict[str, str]:
    """Return the settings beside the credentials, with those of the options on the agency in their place."""
    given = {option: value for option, value in from_options.items() if option.startswith("hwc_agency_")}
    dropped = set(_AGENCY_ACCOUNT) if given.keys() & set(_AGENCY_ACCOUNT) else set()
    return {**{option: value for option, value in beside.items() if option not in dropped}, **given}


def _project(
    from_options: t.Mapping[str, str], environment: t.Mapping[str, str], settings: t.Mapping[str, str]
) -> WantedProject:
    """Return the project of the first place that names one, by id or by name: options, environment, file.

    A project belongs to a region: that of the environment is not used when the options name another region than it does.
    """
    region = from_options.get("hwc_region")
    elsewhere = region is not None and environment.get("hwc_region", region) != region
    for place in (from_options, {} if elsewhere else environment, settings):
        if place.get("hwc_project_id") or place.get("hwc_project_name"):
            return WantedProject(place.get("hwc_project_id"), place.get("hwc_project_name"))
    return WantedProject()


def _first(
    from_options: t.Mapping[str, str], environ: t.Mapping[str, str], providers: CredentialProviders
) -> tuple[BaseCredentials, t.Mapping[str, str], t.Mapping[str, str]]:
    """Return the first credentials in the order, the settings of their file, and the options or variables beside them."""
    names = ("hwc_access_key", "hwc_secret_key", "hwc_security_token")
    identity = _identity(from_options, lambda: key_in(from_options, names, "option", "options"), "options")
    if identity is not None:
        return identity, {}, from_options
    values = _environment(environ)
    identity = _of_environment(from_options, values, environ)
    if identity is not None:
        return identity, {}, values
    found = _from_file(_sdk_file(environ), environ)
    if found is not None:
        return (*found, {})
    return _of_container(environ, providers) or _of_instance(environ, providers), {}, {}


def _of_environment(
    from_options: t.Mapping[str, str], values: t.Mapping[str, str], environ: t.Mapping[str, str]
) -> BaseCredentials | None:
    """Return the credentials of the environment; None when there are none."""
    # The names of user and account are not secrets, and may come from options.
    login = {option: from_options[option] for option in ("hwc_user_name", "hwc_domain_name") if option in from_options}
    if "hwc_user_name" in login:
        # The user of an option comes before everything else in the environment.
        _demand(values, ("hwc_user_password",), "hwc_user_name")
        values = {option: value for option, value in values.items() if option != "hwc_auth_token"}
        return _identity({**values, **login}, lambda: None, "environment")
    keys = (key_in(environ, family, "environment variable", "environment") for family in FAMILIES)
    return _identity(
        {**values, **login},
        lambda: _of_provider(environ) or next((key for key in keys if key), None),
        "environment",
    )


def _of_provider(environ: t.Mapping[str, str]) -> OidcAgency | Federation | None:
    """Return the login with the token of an identity provider that the official SDK's variables describe; None without one."""
    given = {name[len(OIDC) :]: value for name, value in environ.items() if name.startswith(OIDC) and value}
    if {"PROVIDER_URN", "AGENCY_URN", "ID_TOKEN", "TOKEN_FILE"} & given.keys():
        return _oidc(given, environ)
    names = {name: environ[name] for name in FEDERATION if environ.get(name)}
    if not names:
        return None
    _complete(names, FEDERATION, "environment variable", "environment")
    return Federation(names[FEDERATION[0]], IdToken(file=_token_file(environ, names[FEDERATION[1]])), _IDP_SOURCE)


_OIDC_SOURCE = "environment (OIDC)"
_IDP_SOURCE = "environment (identity provider)"


def _oidc(given: t.Mapping[str, str], environ: t.Mapping[str, str]) -> OidcAgency:
    text, path = given.get("ID_TOKEN"), given.get("TOKEN_FILE")
    token = "ID_TOKEN" if text else "TOKEN_FILE"
    wanted = [f"{OIDC}{name}" for name in ("PROVIDER_URN", "AGENCY_URN", token)]
    _complete({f"{OIDC}{name}": value for name, value in given.items()}, wanted, "environment variable", "environment")
    if text:
        check_plain("token of the identity provider", text, f"{OIDC}ID_TOKEN")
    ids = (part.strip() for part in given.get("POLICY_IDS", "").split(","))
    return OidcAgency(
        given["PROVIDER_URN"],
        given["AGENCY_URN"],
        IdToken(text) if text or not path else IdToken(file=_token_file(environ, path)),
        given.get("SESSION_NAME", SESSION_NAME),
        _duration(given.get("DURATION_SECONDS"), f"{OIDC}DURATION_SECONDS"),
        given.get("POLICY"),
        tuple(part for part in ids if part),
        _OIDC_SOURCE,
    )


def _token_file(environ: t.Mapping[str, str], path: str) -> UserFile:
    return UserFile.named_by(environ, path)


def _of_container(environ: t.Mapping[str, str], providers: CredentialProviders) -> RefreshableKey | None:
    """Return the keys of the agency that CCE gave this pod; None when this is not such a pod."""
    given = {name: environ[name] for name in CONTAINER if environ.get(name)}
    if not given:
        return None
    _complete(given, CONTAINER, "environment variable", "environment")
    file = _token_file(environ, given[CONTAINER[1]])
    return RefreshableKey(
        "pod identity", lambda deadline: providers.container(given[CONTAINER[0]], file.token(), deadline)
    )


def _of_instance(environ: t.Mapping[str, str], providers: CredentialProviders) -> RefreshableKey:
    """Return the keys of the agency of this server.

    Raises:
        CredentialsError: There is no metadata service, or no agency: there are no credentials at all.
    """
    hint = (
        "Give hwc_access_key and hwc_secret_key (in the environment HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK), "
        "or a token in hwc_auth_token (HW_AUTH_TOKEN), or hwc_user_name, hwc_user_password and hwc_domain_name "
        "(HW_USER_NAME, HW_USER_PASSWORD, HW_DOMAIN_NAME)."
    )
    return try_service(
        "ECS metadata",
        providers.metadata,
        lambda why: CredentialsError(
            "There are no credentials for Huawei Cloud: none in options, environment and ~/.huaweicloud/credentials, and "
            f"none from the metadata service of an ECS ({why}).{_passed_over(environ)}",
            hint=hint,
        ),
    )


def _passed_over(environ: t.Mapping[str, str]) -> str:
    """Return a sentence on credentials of other tools that were found and are not supported."""
    found = [name for name in UNSUPPORTED if environ.get(name)]
    file = _sdk_file(environ)
    if "global" in file.ini():
        found.append(f"{file.name} [global] (for services without projects)")
    koocli = UserFile.at(environ, None, ".hcloud", "config.json")
    if koocli.exists():
        found.append(f"{koocli.name} (KooCLI encrypts it)")
    return f" Found, but not supported: {', '.join(found)}." if found else ""


def _sdk_file(environ: t.Mapping[str, str]) -> UserFile:
    return UserFile.at(environ, "HUAWEICLOUD_SDK_CREDENTIALS_FILE", ".huaweicloud", "credentials")


def _environment(environ: t.Mapping[str, str]) -> dict[str, str]:
    values = ((option, setting(option, {}, environ)) for option in ENVIRONMENT)
    return {option: value for option, value in values if value}


def _from_file(file: UserFile, environ: t.Mapping[str, str]) -> tuple[BaseCredentials, dict[str, str]] | None:
    """Return the section of the SDK's file that is for services of a project, as all of ours are."""
    section = file.ini().get("basic")
    if section is None:
        return None
    source = f"{file.name} [basic]"
    identity: BaseCredentials | None
    names = ("idp_id", "id_token_file")
    given = {name: section[name] for name in names if section.get(name)}
    if given:
        _complete(given, names, "key", source)
        identity = Federation(given["idp_id"], IdToken(file=_token_file(environ, given["id_token_file"])), source)
    else:
        identity = key_in(section, ("ak", "sk", "security_token"), "key", source)
    if identity is None:
        raise CredentialsError(f"{source} holds neither ak and sk nor idp_id and id_token_file.")
    settings = {"hwc_project_id": section.get("project_id"), "hwc_iam_endpoint": section.get("iam_endpoint")}
    return identity, {option: value for option, value in settings.items() if value}


def _identity(
    values: t.Mapping[str, str], key: t.Callable[[], BaseCredentials | None], source: str
) -> BaseCredentials | None:
    """Return the credentials of one place; None when there are none.

    Args:
        values: What the place holds, by option.
        key: Finds the access key there, or what comes before it.
        source: The place.
    """
    if "hwc_auth_token" in values:
        return Token(values["hwc_auth_token"], source)
    found = key()
    if found is not None or "hwc_user_password" not in values:
        return found
    _demand(values, ("hwc_user_name", "hwc_domain_name"), "hwc_user_password")
    return Password(values["hwc_user_name"], values["hwc_user_password"], values["hwc_domain_name"], source)


def _agency(base: BaseCredentials, values: t.Mapping[str, str]) -> Agency:
    """Return the agency that is named in one place, to be assumed with an identity that may come from another."""
    if "hwc_agency_domain_id" not in values:
        _demand(values, ("hwc_agency_domain_name",), "hwc_agency_name")
    return Agency(
        base,
        values["hwc_agency_name"],
        values.get("hwc_agency_domain_name"),
        values.get("hwc_agency_domain_id"),
        _duration(
            values.get("hwc_agency_duration"),
            f"hwc_agency_duration (in the environment {ENVIRONMENT['hwc_agency_duration'][0]})",
        ),
        f"{base.source}, agency",
    )


def _duration(value: str | None, name: str) -> int:
    """Return the seconds that a key of an agency is to live."""
    duration = value or str(DURATION)
    if not _DIGITS.match(duration) or not SHORTEST <= int(duration) <= LONGEST:
        raise CredentialsError(f"{name} must be between {SHORTEST} and {LONGEST} seconds, not {duration}.")
    return int(duration)


def _demand(values: t.Mapping[str, str], wanted: t.Sequence[str], beside: str) -> None:
    """Raise when a value is missing that belongs to another."""
    for option in wanted:
        if option not in values:
            raise CredentialsError(
                f"{option} (in the environment {ENVIRONMENT[option][0]}) is missing beside {beside}.",
                hint=f"{', '.join((*wanted, beside))} belong together.",
            )


def _complete(given: t.Mapping[str, str], wanted: t.Sequence[str], kind: str, source: str) -> None:
    """Raise when only a part is given of what works as a whole."""
    missing = [name for name in wanted if name not in given]
    if missing:
        there = " and ".join(name for name in wanted if name in given)
        raise CredentialsError(
            f"The {kind} {' and '.join(missing)} is missing beside {there} ({source}).",
            hint=f"{' and '.join(wanted)} belong together.",
        )
