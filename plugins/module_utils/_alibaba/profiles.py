# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files in which users of Alibaba Cloud keep profiles: of the command line, and of the SDKs.

Sources: "Configure credentials" of Alibaba Cloud CLI and of the SDKs (alibabacloud.com), and the official package
alibabacloud-credentials 1.0.12. Kinds of profiles that take more than a signed request are left to that package.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.credentials import (
    Credentials,
    Found,
    Ways,
    of_instance,
    role,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._files import UserFile
from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import AccessKey, key_in, switched

Profile = t.Mapping[str, t.Any]


def read(environ: t.Mapping[str, str], ways: Ways, name: str | None) -> Found | None:
    """The credentials of a profile; None when nobody named one and there is none.

    Args:
        environ: The process environment.
        ways: How to get what is not written down.
        name: The profile; the command line's current one, or the SDK's ``default``, when None.

    Raises:
        CredentialsError: The profile that was named is nowhere, or a profile is incomplete.
    """
    files = (
        UserFile.at(environ, None, ".aliyun", "config.json"),
        UserFile.at(environ, "ALIBABA_CLOUD_CREDENTIALS_FILE", ".alibabacloud", "credentials.ini"),
    )
    found = None
    if not switched(environ, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED"):
        found = _CommandLine(files[0], ways).find(name)
    found = found or _of_sdk(files[1], ways, name)
    if found is None and name is not None:
        raise CredentialsError(
            f"There is no profile {name!r} in {files[0].name} and {files[1].name}.",
            hint="Check ali_profile and ALIBABA_CLOUD_PROFILE.",
        )
    return found


class _CommandLine:
    """``~/.aliyun/config.json``."""

    def __init__(self, file: UserFile, ways: Ways) -> None:
        self._file = file
        self._ways = ways
        self._document = file.json()

    def find(self, name: str | None) -> Found | None:
        """The credentials of a profile, or of the current one; None when there is no such profile or it is empty."""
        profile = self._profile(name or self._document.get("current"))
        if profile is None:
            return None
        credentials = self._credentials(profile, ())
        settings = {
            "ali_region": profile.get("region_id"),
            "sts_region": profile.get("sts_region"),
            "vpc": "true" if profile.get("enable_vpc") else None,
        }
        chosen = {option: str(value) for option, value in settings.items() if value}
        return None if credentials is None else Found(credentials, chosen)

    def _profile(self, name: t.Any) -> Profile | None:
        profiles = self._document.get("profiles")
        for profile in profiles if isinstance(profiles, list) else []:
            if isinstance(profile, dict) and profile.get("name") == name:
                return profile
        return None

    def _credentials(self, profile: Profile, passed: tuple[str, ...]) -> Credentials | None:
        """What a profile holds; ``passed`` are the profiles that led to it."""
        source = f"{self._file.name} [{profile['name']}]"
        mode = str(profile.get("mode") or "").lower()
        if mode in ("ak", "ststoken"):
            token = "sts_token" if mode == "ststoken" else None
            return key_in(profile, ("access_key_id", "access_key_secret", token), "key", source)
        if mode == "ramrolearn":
            base = key_in(profile, ("access_key_id", "access_key_secret", "sts_token"), "key", source)
            return self._role(base, profile, source)
        if mode == "chainableramrolearn":
            return self._role(self._source(profile, (*passed, profile["name"]), source), profile, source)
        if mode == "ecsramrole":
            return of_instance(self._ways, profile.get("ram_role_name") or None, source)
        if mode == "credentialsuri":
            uri = str(profile.get("credentials_uri") or "")
            return self._ways.official("URLCredentialsProvider", source, (uri,), uri=uri)
        return self._ways.official(
            "CLIProfileCredentialsProvider",
            source,
            _secrets(profile),
            profile_name=profile["name"],
            profile_file=self._file.path,
        )

    def _source(self, profile: Profile, passed: tuple[str, ...], source: str) -> Credentials | None:
        """The credentials of the profile that a chained one builds upon."""
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
        fields = {
            "arn": profile["ram_role_arn"],
            "session_name": profile.get("ram_session_name"),
            "duration": profile.get("expired_seconds"),
            "external_id": profile.get("external_id"),
            "policy": profile.get("policy"),
        }
        return role(base, fields, source)


def _of_sdk(file: UserFile, ways: Ways, name: str | None) -> Found | None:
    """The credentials of a section of the SDKs' file; None when there is no such section or it is empty."""
    title = name or "default"
    section = file.ini().get(title)
    if section is None:
        return None
    # The SDKs take what follows a # for a comment.
    profile = {key: value.split("#")[0].strip() for key, value in section.items()}
    source = f"{file.name} [{title}]"
    kind = profile.get("type")
    if kind == "ecs_ram_role":
        return Found(of_instance(ways, profile.get("role_name") or None, source))
    if kind not in ("access_key", "ram_role_arn"):
        provider = "ProfileCredentialsProvider"
        arguments = {"profile_file": file.path, "profile_name": title}
        return Found(ways.official(provider, source, _secrets(profile), **arguments))
    key = key_in(profile, ("access_key_id", "access_key_secret", None), "key", source)
    return _role_of_sdk(key, profile, source) if kind == "ram_role_arn" else Found(key) if key else None


def _role_of_sdk(key: AccessKey | None, profile: Profile, source: str) -> Found:
    if key is None or not profile.get("role_arn"):
        raise CredentialsError(f"{source} needs role_arn, and an access key to assume the role with.")
    fields = {
        "arn": profile["role_arn"],
        "session_name": profile.get("role_session_name"),
        "policy": profile.get("policy"),
    }
    return Found(role(key, fields, source))


def _secrets(profile: Profile) -> list[str]:
    """The values of a profile that a message must not show."""
    words = ("secret", "token", "password", "private", "command")
    return [str(value) for key, value in profile.items() if value and any(word in key.lower() for word in words)]
