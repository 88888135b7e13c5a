# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Huawei Cloud request is authenticated with, and where it is looked for. Reads options and environment only.

The order: options, then the environment; inside each a token, then an access key, then a user name and password. All
parts of one identity come from one place: a secret key of the environment is never joined to an access key of an option.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CredentialsError


@dataclasses.dataclass(frozen=True)
class AccessKey:
    """A permanent access key, or a temporary one with its security token. Requests are signed with it."""

    access_key: str
    secret_key: str = dataclasses.field(repr=False)
    security_token: str | None = dataclasses.field(default=None, repr=False)
    source: str = "options"

    def secrets(self) -> list[str]:
        """What must never be shown."""
        return [secret for secret in (self.secret_key, self.security_token) if secret]


@dataclasses.dataclass(frozen=True)
class Token:
    """A ready IAM token, sent as ``X-Auth-Token``. Lives for 24 hours."""

    token: str = dataclasses.field(repr=False)
    source: str = "options"

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


Credentials = t.Union[AccessKey, Token, Password]

# The official SDK's names first, then Terraform's (its own, then the OpenStack ones that it reads).
ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "hwc_access_key": ("HUAWEICLOUD_SDK_AK", "HW_ACCESS_KEY", "OS_ACCESS_KEY"),
    "hwc_secret_key": ("HUAWEICLOUD_SDK_SK", "HW_SECRET_KEY", "OS_SECRET_KEY"),
    "hwc_security_token": ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "HW_SECURITY_TOKEN"),
    "hwc_auth_token": ("HW_AUTH_TOKEN", "OS_AUTH_TOKEN"),
    "hwc_user_name": ("HW_USER_NAME", "OS_USERNAME"),
    "hwc_user_password": ("HW_USER_PASSWORD", "OS_PASSWORD"),
    "hwc_domain_name": ("HW_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME"),
    "hwc_project_id": ("HUAWEICLOUD_SDK_PROJECT_ID", "HW_PROJECT_ID", "OS_PROJECT_ID"),
    "hwc_project_name": ("HW_PROJECT_NAME", "OS_PROJECT_NAME"),
    "hwc_region": ("HWC_REGION", "HW_REGION_NAME", "OS_REGION_NAME"),
}


def setting(option: str, options: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> str | None:
    """The value of an option, or of the first of its environment variables that is set; empty means not set."""
    for value in (options.get(option), *(environ.get(name) for name in ENVIRONMENT[option])):
        if value:
            return str(value)
    return None


def find(options: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> Credentials:
    """The credentials to use.

    Args:
        options: The module's options.
        environ: The process environment.

    Raises:
        CredentialsError: There are none, or half of some.
    """
    from_options = {option: str(options[option]) for option in ENVIRONMENT if options.get(option)}
    found = _identity(from_options, "options", "option")
    if found is None:
        from_environment: dict[str, str] = {}
        for option in ENVIRONMENT:
            value = setting(option, {}, environ)
            if value:
                from_environment[option] = value
        # Whose password it is, and in which account, are no secrets and may come from options.
        for option in ("hwc_user_name", "hwc_domain_name"):
            if option in from_options:
                from_environment[option] = from_options[option]
        found = _identity(from_environment, "environment", "environment variable")
    if found is None:
        raise CredentialsError(
            "There are no credentials for Huawei Cloud.",
            hint="Give hwc_access_key and hwc_secret_key (in the environment HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK), "
            "or a token in hwc_auth_token (HW_AUTH_TOKEN), or hwc_user_name, hwc_user_password and hwc_domain_name "
            "(HW_USER_NAME, HW_USER_PASSWORD, HW_DOMAIN_NAME).",
        )
    return found


def _identity(values: t.Mapping[str, str], source: str, kind: str) -> Credentials | None:
    """The identity in a set of values that come from one place; None when there is none."""
    if "hwc_auth_token" in values:
        return Token(values["hwc_auth_token"], source)
    if "hwc_access_key" in values or "hwc_secret_key" in values:
        _demand(values, ("hwc_access_key", "hwc_secret_key"), kind)
        return AccessKey(values["hwc_access_key"], values["hwc_secret_key"], values.get("hwc_security_token"), source)
    if "hwc_user_password" in values:
        _demand(values, ("hwc_user_name", "hwc_user_password", "hwc_domain_name"), kind)
        return Password(values["hwc_user_name"], values["hwc_user_password"], values["hwc_domain_name"], source)
    return None


def _demand(values: t.Mapping[str, str], options: tuple[str, ...], kind: str) -> None:
    for option in options:
        if option not in values:
            name = option if kind == "option" else ENVIRONMENT[option][0]
            given = ", ".join(o if kind == "option" else ENVIRONMENT[o][0] for o in options if o in values)
            raise CredentialsError(
                f"The {kind} {name} is missing beside {given}.",
                hint=f"{', '.join(options)} belong together and must come from one place.",
            )
