# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files in which users of Alibaba Cloud keep profiles: of the command line, and of the SDKs.

Sources: "Configure credentials" of Alibaba Cloud CLI and of the SDKs (alibabacloud.com), the sources of Alibaba Cloud CLI
(modes, and how one is told from the keys that are there), and the official package alibabacloud-credentials 1.0.12. Kinds of
profiles that take a browser, a program or a signature of another kind are left to that package.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.credentials import (
    CredentialProviders,
    Credentials,
    FoundCredentials,
    of_instance,
    of_uri,
    oidc_role,
    role,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import (
    AccessKey,
    key_in,
    switched,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.files import UserFile
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import WORD, printable

Profile = t.Mapping[str, t.Any]

#: The modes of the command line, by their names in lower case, and as the official package wants them.
MODES = {
    mode.lower(): mode
    for mode in (
        *("AK", "StsToken", "RamRoleArn", "ChainableRamRoleArn", "RamRoleArnWithRoleName", "EcsRamRole", "OIDC"),
        *("CredentialsURI", "CloudSSO", "OAuth", "External"),
    )
}
_OFFICIAL = ("cloudsso", "oauth", "external")
#: Modes of the command line that neither this collection nor the official package knows.
_UNSUPPORTED = ("rsakeypair", "bearertoken", "anonymous")
#: The types of the SDKs' file.
TYPES = ("access_key", "ram_role_arn", "oidc_role_arn", "ecs_ram_role", "rsa_key_pair")
#: By which keys the command line tells the mode of a profile that names none; the first that is complete.
_TELLING = (
    ("CredentialsURI", ("credentials_uri",)),
    ("OIDC", ("oidc_provider_arn", "oidc_token_file")),
    ("EcsRamRole", ("ram_role_name",)),
    ("RamRoleArn", ("ram_role_arn",)),
    ("StsToken", ("sts_token",)),
    ("AK", ("access_key_id",)),
    ("AK", ("access_key_secret",)),
)
_SHARED_FILE = ("ALIBABA_CLOUD_SHARED_CREDENTIALS_FILE", "ALICLOUD_SHARED_CREDENTIALS_FILE")
_IGNORE = ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "ALIBABA_CLOUD_IGNORE_PROFILE", "ALIBABACLOUD_IGNORE_PROFILE")


def read(environ: t.Mapping[str, str], providers: CredentialProviders, name: str | None) -> FoundCredentials | None:
    """Return the credentials of a profile; None when there is none, and neither an option nor a variable names one.

    Args:
        environ: The process environment.
        providers: The ways to fetch credentials.
        name: The profile; the command line's current one, or the SDK's ``default``, when None.

    Raises:
        CredentialsError: The profile that was named is nowhere, or a profile is incomplete or of an unknown kind.
    """
    variable = next((name for name in _SHARED_FILE if environ.get(name)), None)
    files = (
        UserFile.at(environ, variable, ".aliyun", "config.json"),
        UserFile.at(environ, "ALIBABA_CLOUD_CREDENTIALS_FILE", ".alibabacloud", "credentials.ini"),
    )
    found = None
    if not any(switched(environ, name) for name in _IGNORE):
        found = _CommandLine(files[0], providers, environ).find(name)
    found = found or _OfSdk(files[1], providers, environ).find(name)
    if found is None and name is not None:
        raise CredentialsError(
            f"There is no profile {name!r} in {files[0].name} and {files[1].name}, or it is empty.",
            hint="Check ali_profile and ALIBABA_CLOUD_PROFILE.",
        )
    return found


class _CommandLine:
    """``~/.aliyun/config.json``."""

    def __init__(self, file: UserFile, providers: CredentialProviders, environ: t.Mapping[str, str]) -> None:
        self._file = file
        self._providers = providers
        self._environ = environ
        self._document = file.json()

    def find(self, name: str | None) -> FoundCredentials | None:
        """Return the credentials of a profile, or of the current one; None when there is no such profile or it is empty."""
        profile = self._profile(name or self._document.get("current"))
        credentials = None if profile is None else self._credentials(profile, ())
        if profile is None or credentials is None:
            return None
        settings = {
            "ali_region": profile.get("region_id"),
            "sts_region": profile.get("sts_region"),
            "sts_vpc": "true" if profile.get("enable_vpc") else None,
            "vpc": "true" if str(profile.get("endpoint_type")).lower() == "vpc" else None,
        }
        return FoundCredentials(credentials, {option: str(value) for option, value in settings.items() if value})

    def _profile(self, name: t.Any) -> Profile | None:
        profiles = self._document.get("profiles")
        for profile in profiles if isinstance(profiles, list) else []:
            # A profile without a name is not the one of a file that names no current one.
            if isinstance(profile, dict) and "name" in profile and profile["name"] == name:
                return profile
        return None

    def _credentials(self, profile: Profile, passed: tuple[str, ...]) -> Credentials | None:
        """Return the credentials of a profile, or None; ``passed`` are the profiles that led to it."""
        source = f"{self._file.name} [{printable(profile['name'], WORD)}]"
        given = str(profile.get("mode") or next((mode for mode, keys in _TELLING if _has(profile, keys)), ""))
        mode = given.lower()
        if mode in ("", "ak", "ststoken"):
            token = "sts_token" if mode == "ststoken" else None
            return key_in(profile, ("access_key_id", "access_key_secret", token), "key", source)
        if mode == "ramrolearn":
            base = key_in(profile, ("access_key_id", "access_key_secret", "sts_token"), "key", source)
            return self._role(base, profile, source)
        if mode == "chainableramrolearn":
            return self._role(self._source(profile, (*passed, profile["name"]), source), profile, source)
        if mode == "ramrolearnwithrolename":
            return self._role(of_instance(self._providers, _text(profile, "ram_role_name"), source), profile, source)
        if mode == "ecsramrole":
            return of_instance(self._providers, _text(profile, "ram_role_name"), source)
        if mode == "oidc":
            return self._oidc(profile, source)
        if mode == "credentialsuri":
            (uri,) = _demand(profile, ("credentials_uri",), source)
            return of_uri(self._providers, f"credentials_uri of {source}", uri, source)
        if mode not in _OFFICIAL:
            raise _unknown(source, "mode", given, MODES.values(), known=mode in _UNSUPPORTED)
        if given != MODES[mode]:
            raise CredentialsError(
                f"{source} has the mode {printable(given, WORD)}, which the official package wants spelt {MODES[mode]}."
            )
        return self._providers.official(
            "CLIProfileCredentialsProvider",
            source,
            _secrets(profile),
            profile_name=profile["name"],
            profile_file=self._file.path,
        )

    def _source(self, profile: Profile, passed: tuple[str, ...], source: str) -> Credentials | None:
        """Return the credentials of the profile that a chained one builds upon."""
        name = profile.get("source_profile")
        if name in passed:
            raise CredentialsError(f"{source} builds upon itself: {' -> '.join((*passed, str(name)))}.")
        below = self._profile(name)
        if below is None:
            raise CredentialsError(f"{source} names the source_profile {name!r}, which is not in the file.")
        return self._credentials(below, passed)

    @staticmethod
    def _role(base: Credentials | None, profile: Profile, source: str) -> Credentials:
        if base is None or not profile.get("ram_role_arn"):
            raise CredentialsError(f"{source} needs ram_role_arn, and an access key to assume the role with.")
        fields = {**_terms(profile), "external_id": profile.get("external_id")}
        return role(base, str(profile["ram_role_arn"]), fields, source)

    def _oidc(self, profile: Profile, source: str) -> Credentials:
        names = ("ram_role_arn", "oidc_provider_arn", "oidc_token_file")
        arn, provider, file = _demand(profile, names, source)
        # The command line writes ram_session_name; the SDK reads role_session_name.
        session = profile.get("ram_session_name") or profile.get("role_session_name")
        return oidc_role(self._environ, arn, provider, file, {**_terms(profile), "session_name": session}, source)


class _OfSdk:
    """``~/.alibabacloud/credentials.ini``."""

    def __init__(self, file: UserFile, providers: CredentialProviders, environ: t.Mapping[str, str]) -> None:
        self._file = file
        self._providers = providers
        self._environ = environ

    def find(self, name: str | None) -> FoundCredentials | None:
        """Return the credentials of a section; None when there is no such section or it is empty."""
        title = name or "default"
        section = self._file.ini().get(title)
        if section is None:
            return None
        # The SDKs take what follows a # for a comment.
        profile = {key: value.split("#")[0].strip() for key, value in section.items()}
        source = f"{self._file.name} [{printable(title, WORD)}]"
        kind = profile.get("type", "")
        if kind == "ecs_ram_role":
            return FoundCredentials(of_instance(self._providers, _text(profile, "role_name"), source))
        if kind == "oidc_role_arn":
            arn, provider, file = _demand(profile, ("role_arn", "oidc_provider_arn", "oidc_token_file_path"), source)
            return FoundCredentials(oidc_role(self._environ, arn, provider, file, _terms_of_sdk(profile), source))
        if kind == "rsa_key_pair":
            provider = "ProfileCredentialsProvider"
            arguments = {"profile_file": self._file.path, "profile_name": title}
            return FoundCredentials(self._providers.official(provider, source, _secrets(profile), **arguments))
        key = key_in(profile, ("access_key_id", "access_key_secret", None), "key", source)
        if kind not in ("access_key", "ram_role_arn"):
            if not kind and key is None:
                return None
            raise _unknown(source, "type", kind, TYPES)
        if kind == "access_key":
            return FoundCredentials(key) if key else None
        return FoundCredentials(self._role(key, profile, source))

    @staticmethod
    def _role(key: AccessKey | None, profile: Profile, source: str) -> Credentials:
        if key is None or not profile.get("role_arn"):
            raise CredentialsError(f"{source} needs role_arn, and an access key to assume the role with.")
        return role(key, profile["role_arn"], _terms_of_sdk(profile), source)


def _terms(profile: Profile) -> dict[str, t.Any]:
    names = {"session_name": "ram_session_name", "duration": "expired_seconds", "policy": "policy"}
    return {field: profile.get(name) for field, name in names.items()}


def _terms_of_sdk(profile: Profile) -> dict[str, t.Any]:
    return {"session_name": profile.get("role_session_name"), "policy": profile.get("policy")}


def _has(profile: Profile, keys: t.Sequence[str]) -> bool:
    return all(profile.get(key) for key in keys)


def _text(profile: Profile, key: str) -> str | None:
    return str(profile[key]) if profile.get(key) else None


def _demand(profile: Profile, keys: t.Sequence[str], source: str) -> list[str]:
    """Return the values of keys that must all be there."""
    missing = [key for key in keys if not profile.get(key)]
    if missing:
        raise CredentialsError(f"{source} needs {', '.join(keys)}; {' and '.join(missing)} is missing.")
    return [str(profile[key]) for key in keys]


def _unknown(
    source: str, what: str, given: str, known_ones: t.Iterable[str], *, known: bool = False
) -> CredentialsError:
    """Return the error for a profile of an unknown kind."""
    which = f"the {what} {printable(given, WORD)!r}" if given else f"no {what}"
    why = "which is not supported" if known else "which is unknown"
    return CredentialsError(
        f"{source} has {which}{f', {why}' if given else ''}.", hint=f"Supported are {', '.join(known_ones)}."
    )


def _secrets(profile: Profile) -> list[str]:
    """Return the values of a profile that a message must not show."""
    words = ("secret", "token", "password", "private", "command")
    return [str(value) for key, value in profile.items() if value and any(word in key.lower() for word in words)]
