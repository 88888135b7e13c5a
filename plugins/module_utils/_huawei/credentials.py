# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Huawei Cloud request is authenticated with, and where it is looked for.

The order: options, the environment, the SDK's file of credentials, the metadata service of an ECS. Among options a token
comes before an access key and an access key before a password, and likewise in the environment. All parts of one identity
come from one place, and an access key of the environment from one family of variables: a secret key of Terraform's is
never joined to an access key of the SDK's.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import (
    AccessKey,
    Fetched,
    Names,
    check_plain,
    first_set,
    key_in,
)

if t.TYPE_CHECKING:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._files import UserFile


@dataclasses.dataclass(frozen=True)
class Token:
    """A ready IAM token, sent as ``X-Auth-Token``. Lives for 24 hours."""

    token: str = dataclasses.field(repr=False)
    source: str = "options"
    expires: float | None = None

    def __post_init__(self) -> None:
        check_plain("token", self.token, self.source)

    def secrets(self) -> list[str]:
        """What must never be shown."""
        return [self.token]


@dataclasses.dataclass(frozen=True)
class Password:
    """An IAM user's name and password: good for as many tokens as a run needs."""

    user_name: str
    password: str = dataclasses.field(repr=False)
    domain_name: str
    source: str = "options"

    def secrets(self) -> list[str]:
        """What must never be shown."""
        return [self.password]


#: What needs no other credentials.
Identity = t.Union[AccessKey, Token, Password, Fetched]


class Agency(t.NamedTuple):
    """An agency of another account, or of this one, whose temporary keys are got with other credentials.

    Attributes:
        base: With what they are got.
        name: The agency.
        domain_name: The account that delegates, by its name.
        domain_id: The same by its id; one of the two is given.
        duration: Seconds that a key lives.
        source: Where all this was found.
    """

    base: Identity
    name: str
    domain_name: str | None
    domain_id: str | None
    duration: int
    source: str

    def secrets(self) -> list[str]:
        """What must never be shown."""
        return self.base.secrets()


Credentials = t.Union[Identity, Agency]


class Found(t.NamedTuple):
    """Credentials, and the settings that were beside them in a file, by option."""

    credentials: Credentials
    settings: t.Mapping[str, str] = {}


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
#: Seconds that a key of an agency lives unless the user says otherwise, and what the service allows.
DURATION = 3600
SHORTEST, LONGEST = 900, 86400


def setting(
    option: str,
    options: t.Mapping[str, t.Any],
    environ: t.Mapping[str, str],
    settings: t.Mapping[str, str] | None = None,
) -> str | None:
    """The value of an option, or of the first of its variables that is set, or of the file; empty means not set."""
    return first_set(option, ENVIRONMENT[option], options, environ, settings)


def find(options: t.Mapping[str, t.Any], environ: t.Mapping[str, str], fetch: t.Callable[[], AccessKey]) -> Found:
    """The credentials to use.

    Args:
        options: The module's options.
        environ: The process environment.
        fetch: Asks the metadata service; called when there is nothing else.

    Raises:
        CredentialsError: There are none, or half of some.
    """
    from_options = {option: str(options[option]) for option in ENVIRONMENT if options.get(option)}
    identity, settings, beside = _first(from_options, environ, fetch)
    # An agency is named in the options, or in the place where the identity was found.
    agency = from_options if "hwc_agency_name" in from_options else beside
    if "hwc_agency_name" in agency:
        return Found(_agency(identity, agency), settings)
    return Found(identity, settings)


def _first(
    from_options: t.Mapping[str, str], environ: t.Mapping[str, str], fetch: t.Callable[[], AccessKey]
) -> tuple[Identity, t.Mapping[str, str], t.Mapping[str, str]]:
    """The first identity in the order, the settings of its file, and the options or variables it was found among."""
    names = ("hwc_access_key", "hwc_secret_key", "hwc_security_token")
    identity = _identity(from_options, lambda: key_in(from_options, names, "option", "options"), "options")
    if identity is not None:
        return identity, {}, from_options
    values = _environment(environ)
    # Whose password it is, and in which account, are no secrets and may come from options.
    login = {option: from_options[option] for option in ("hwc_user_name", "hwc_domain_name") if option in from_options}
    keys = (key_in(environ, family, "environment variable", "environment") for family in FAMILIES)
    identity = _identity({**values, **login}, lambda: next((key for key in keys if key), None), "environment")
    if identity is not None:
        return identity, {}, values
    # Imported here: a module is compiled anew for each task, and most keys are in options or environment.
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._files import UserFile

    found = _from_file(UserFile.at(environ, "HUAWEICLOUD_SDK_CREDENTIALS_FILE", ".huaweicloud", "credentials"))
    if found is not None:
        return (*found, {})
    try:
        return Fetched(fetch(), fetch), {}, {}
    except CredentialsError as error:
        raise CredentialsError(
            "There are no credentials for Huawei Cloud: none in options, environment and ~/.huaweicloud/credentials, and "
            f"none from the metadata service of an ECS ({error.message.rstrip('.')}).",
            hint="Give hwc_access_key and hwc_secret_key (in the environment HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK), "
            "or a token in hwc_auth_token (HW_AUTH_TOKEN), or hwc_user_name, hwc_user_password and hwc_domain_name "
            "(HW_USER_NAME, HW_USER_PASSWORD, HW_DOMAIN_NAME).",
        ) from None


def _environment(environ: t.Mapping[str, str]) -> dict[str, str]:
    values = ((option, setting(option, {}, environ)) for option in ENVIRONMENT)
    return {option: value for option, value in values if value}


def _from_file(file: UserFile) -> tuple[AccessKey, dict[str, str]] | None:
    """The section of the SDK's file that is for services of a project, as all of ours are."""
    section = file.ini().get("basic")
    if section is None:
        return None
    source = f"{file.name} [basic]"
    key = key_in(section, ("ak", "sk", "security_token"), "key", source)
    if key is None:
        raise CredentialsError(
            f"{source} holds neither ak nor sk.",
            hint="Tokens of identity providers (idp_id, id_token_file) are not supported: get a temporary key with "
            "them, and put it there with its security_token.",
        )
    settings = {"hwc_project_id": section.get("project_id"), "hwc_iam_endpoint": section.get("iam_endpoint")}
    return key, {option: value for option, value in settings.items() if value}


def _identity(values: t.Mapping[str, str], key: t.Callable[[], AccessKey | None], source: str) -> Identity | None:
    """The identity in one place; None when there is none.

    Args:
        values: What the place holds, by option.
        key: Finds the access key there.
        source: The place.
    """
    if "hwc_auth_token" in values:
        return Token(values["hwc_auth_token"], source)
    found = key()
    if found is not None or "hwc_user_password" not in values:
        return found
    _demand(values, ("hwc_user_name", "hwc_domain_name"), "hwc_user_password")
    return Password(values["hwc_user_name"], values["hwc_user_password"], values["hwc_domain_name"], source)


def _agency(base: Identity, values: t.Mapping[str, str]) -> Agency:
    """The agency that is named in one place, to be assumed with an identity that may come from another."""
    if "hwc_agency_domain_id" not in values:
        _demand(values, ("hwc_agency_domain_name",), "hwc_agency_name")
    duration = values.get("hwc_agency_duration", str(DURATION))
    if not duration.isdigit() or not SHORTEST <= int(duration) <= LONGEST:
        raise CredentialsError(
            f"hwc_agency_duration (in the environment {ENVIRONMENT['hwc_agency_duration'][0]}) is {duration}; a key of an "
            f"agency lives for {SHORTEST} to {LONGEST} seconds."
        )
    return Agency(
        base,
        values["hwc_agency_name"],
        values.get("hwc_agency_domain_name"),
        values.get("hwc_agency_domain_id"),
        int(duration),
        f"{base.source}, agency",
    )


def _demand(values: t.Mapping[str, str], wanted: t.Sequence[str], beside: str) -> None:
    """Refuse values among which one is missing that belongs to another."""
    for option in wanted:
        if option not in values:
            raise CredentialsError(
                f"{option} (in the environment {ENVIRONMENT[option][0]}) is missing beside {beside}.",
                hint=f"{', '.join((*wanted, beside))} belong together.",
            )
