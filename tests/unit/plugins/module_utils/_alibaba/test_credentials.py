# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the credentials of Alibaba Cloud: the order of the places, every kind, and every incomplete set."""

from __future__ import annotations

import functools
import json
import re
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import credentials, profiles
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.credentials import (
    FoundCredentials,
    OidcRole,
    RamRole,
    RoleSettings,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey, RefreshableKey
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    CredentialsError,
    UnavailableError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.files import UserFile
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._alibaba.alibaba import (
    CredentialProviders,
)

OPTIONS = {"ali_access_key_id": "option-id", "ali_access_key_secret": "option-secret"}
SDK = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "sdk-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "sdk-secret"}
TERRAFORM = {"ALICLOUD_ACCESS_KEY": "tf-id", "ALICLOUD_SECRET_KEY": "tf-secret"}
COMMAND_LINE = {"ALIBABACLOUD_ACCESS_KEY_ID": "cli-id", "ALIBABACLOUD_ACCESS_KEY_SECRET": "cli-secret"}
OLDER = {"ALICLOUD_ACCESS_KEY_ID": "old-id", "ALICLOUD_ACCESS_KEY_SECRET": "old-secret"}
OIDC = {
    "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/oidc",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/p",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/var/run/token",
}
ROLE_KEY = AccessKey("instance-id", "instance-secret", "instance-token", "ECS metadata")
NO_ROLE = CredentialsError("http://100.100.100.200 is not there.")


class Package:
    """The official package, as far as it is used; it notes how its providers were made."""

    def __init__(self, error: Exception | None = None) -> None:
        self.made: list[tuple[str, dict[str, t.Any]]] = []
        self.error = error

    def load(self, name: str) -> t.Any:
        """Implement ``importlib.import_module``."""
        assert name == "alibabacloud_credentials.provider"
        names = ("CLIProfile", "Profile")
        providers = {f"{name}CredentialsProvider": functools.partial(self.provide, name) for name in names}
        return types.SimpleNamespace(**providers)

    def provide(self, name: str, **arguments: t.Any) -> t.Any:
        """Return a provider."""
        self.made.append((name, arguments))
        return types.SimpleNamespace(get_credentials=self.key)

    def key(self) -> t.Any:
        """Implement a provider."""
        if self.error is not None:
            raise self.error
        values = {
            "access_key_id": "package-id",
            "access_key_secret": "package-secret",
            "security_token": "package-token",
        }
        return types.SimpleNamespace(**{f"get_{name}": functools.partial(str, value) for name, value in values.items()})


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    return tmp_path


def command_line(home: Path, *rows: dict[str, t.Any], current: str = "default") -> None:
    (home / ".aliyun").mkdir(exist_ok=True)
    document = {"current": current, "profiles": [{"name": "default", **row} for row in rows]}
    (home / ".aliyun" / "config.json").write_text(json.dumps(document))


def ini(home: Path, text: str) -> None:
    (home / ".alibabacloud").mkdir(exist_ok=True)
    (home / ".alibabacloud" / "credentials.ini").write_text(text)


def find(
    home: Path,
    options: dict[str, t.Any] | None = None,
    environ: dict[str, str] | None = None,
    providers: CredentialProviders | None = None,
) -> FoundCredentials:
    providers = providers or CredentialProviders(NO_ROLE)
    variables = {"HOME": str(home), **(environ or {})}
    return credentials.find(options or {}, variables, providers, functools.partial(profiles.read, variables, providers))


def identity(found: FoundCredentials) -> tuple[str, str]:
    """Return id and source of the key that was found."""
    key = found.credentials
    if isinstance(key, RefreshableKey):
        return key.take(5.0).access_key, key.source
    if isinstance(key, OidcRole):
        return key.arn, key.source
    assert isinstance(key, AccessKey)
    return key.access_key, key.source


def test_credentials_are_searched_for_in_order(home: Path) -> None:
    providers = CredentialProviders(ROLE_KEY)
    options, environ = dict(OPTIONS), {**SDK, **TERRAFORM, **COMMAND_LINE, **OLDER, **OIDC}
    environ["ALIBABA_CLOUD_CREDENTIALS_URI"] = "http://127.0.0.1/key"
    command_line(home, {"mode": "AK", "access_key_id": "profile-id", "access_key_secret": "s"})
    ini(home, "[default]\ntype = access_key\naccess_key_id = ini-id\naccess_key_secret = s\n")

    def forget(place: dict[str, str]) -> t.Callable[[], None]:
        def remove() -> None:
            for name in place:
                options.pop(name, None)
                environ.pop(name, None)

        return remove

    places: list[tuple[str, t.Callable[[], None]]] = [
        ("option-id from options", forget(OPTIONS)),
        ("sdk-id from environment", forget(SDK)),
        ("tf-id from environment", forget(TERRAFORM)),
        ("cli-id from environment", forget(COMMAND_LINE)),
        ("old-id from environment", forget(OLDER)),
        ("acs:ram::1:role/oidc from environment (OIDC)", forget(OIDC)),
        ("profile-id from ~/.aliyun/config.json [default]", (home / ".aliyun" / "config.json").unlink),
        ("ini-id from ~/.alibabacloud/credentials.ini [default]", (home / ".alibabacloud" / "credentials.ini").unlink),
        ("uri-id from environment (credentials URI)", forget({"ALIBABA_CLOUD_CREDENTIALS_URI": ""})),
        ("instance-id from ECS metadata", lambda: None),
    ]
    for expected, remove in places:
        assert "{} from {}".format(*identity(find(home, options, environ, providers))) == expected
        remove()


def test_missing_credentials_name_options_and_variables(home: Path) -> None:
    with pytest.raises(CredentialsError) as caught:
        find(home)
    text = str(caught.value)
    for name in ("ali_access_key_id", "ali_access_key_secret", "ALIBABA_CLOUD_ACCESS_KEY_ID", "ali_profile"):
        assert name in text
    assert "http://100.100.100.200 is not there" in text


@pytest.mark.parametrize(
    ("names", "token"),
    [
        (SDK, "ALIBABA_CLOUD_SECURITY_TOKEN"),
        (TERRAFORM, "ALICLOUD_SECURITY_TOKEN"),
        (COMMAND_LINE, "ALIBABACLOUD_SECURITY_TOKEN"),
        (OLDER, "ALICLOUD_SECURITY_TOKEN"),
    ],
)
def test_a_token_belongs_to_the_key_of_its_family(home: Path, names: dict[str, str], token: str) -> None:
    tokens = {family[2]: family[2] for family in credentials.FAMILIES if family[2]}
    key = find(home, environ={**names, **tokens}).credentials
    assert isinstance(key, AccessKey)
    assert key.security_token == token
    assert token in key.secrets()


@pytest.mark.parametrize("token", sorted({family[2] or "" for family in credentials.FAMILIES}))
def test_a_security_token_without_a_key_is_an_error(home: Path, token: str) -> None:
    with pytest.raises(CredentialsError, match=f"missing beside {token}"):
        find(home, environ={token: "t"})


@pytest.mark.parametrize("names", [SDK, TERRAFORM, COMMAND_LINE, OLDER])
@pytest.mark.parametrize("half", [0, 1])
def test_half_a_key_in_the_environment_is_an_error(home: Path, names: dict[str, str], half: int) -> None:
    given, missing = list(names)[half], list(names)[1 - half]
    with pytest.raises(CredentialsError, match=f"variable {missing} is missing beside {given}"):
        find(home, environ={given: names[given]})


@pytest.mark.parametrize("half", sorted(OPTIONS))
def test_half_a_key_in_options_is_not_completed_by_the_environment(home: Path, half: str) -> None:
    with pytest.raises(CredentialsError, match=f"is missing beside {half}"):
        find(home, {half: OPTIONS[half]}, SDK)


def test_a_secret_of_one_family_is_not_joined_to_the_id_of_another(home: Path) -> None:
    with pytest.raises(CredentialsError, match="ALIBABA_CLOUD_ACCESS_KEY_SECRET is missing"):
        find(home, environ={"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALICLOUD_SECRET_KEY": "secret"})


# Profiles


def test_an_option_names_a_profile_in_spite_of_the_environment(home: Path) -> None:
    command_line(
        home,
        {"mode": "AK", "access_key_id": "a", "access_key_secret": "s"},
        {"name": "other", "mode": "AK", "access_key_id": "b", "access_key_secret": "s", "region_id": "us-west-1"},
    )
    found = find(home, {"ali_profile": "other"}, SDK)
    assert identity(found) == ("b", "~/.aliyun/config.json [other]")
    assert (found.settings, found.chosen) == ({"ali_region": "us-west-1"}, True)
    assert not find(home, {}, {"ALIBABA_CLOUD_PROFILE": "other"}).chosen


@pytest.mark.parametrize("variable", credentials.ENVIRONMENT["ali_profile"])
def test_a_variable_chooses_a_profile(home: Path, variable: str) -> None:
    ini(home, "[other]\ntype = access_key\naccess_key_id = b\naccess_key_secret = s\n")
    command_line(home, {"mode": "AK", "access_key_id": "a", "access_key_secret": "s"})
    assert identity(find(home, environ={variable: "other"})) == ("b", "~/.alibabacloud/credentials.ini [other]")


@pytest.mark.parametrize("where", ["option", "variable"])
def test_a_profile_that_is_named_must_be_there(home: Path, where: str) -> None:
    command_line(home, {"mode": "AK", "access_key_id": "a", "access_key_secret": "s"})
    options = {"ali_profile": "other"} if where == "option" else {}
    environ = {"ALIBABA_CLOUD_PROFILE": "other"} if where == "variable" else {}
    with pytest.raises(CredentialsError, match="There is no profile 'other' in ~/.aliyun/config.json and"):
        find(home, options, environ, CredentialProviders(ROLE_KEY))


def test_the_file_of_the_command_line_can_be_switched_off(home: Path) -> None:
    command_line(home, {"mode": "AK", "access_key_id": "a", "access_key_secret": "s"})
    environ = {"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "True"}
    assert identity(find(home, environ=environ, providers=CredentialProviders(ROLE_KEY))) == (
        "instance-id",
        "ECS metadata",
    )


def test_the_file_of_the_sdk_can_be_elsewhere(home: Path) -> None:
    path = home / "elsewhere.ini"
    path.write_text("[default]\ntype = access_key\naccess_key_id = e # comment\naccess_key_secret = s\n")
    environ = {"ALIBABA_CLOUD_CREDENTIALS_FILE": str(path)}
    assert identity(find(home, environ=environ)) == ("e", f"{path} [default]")
    path.unlink()
    with pytest.raises(
        CredentialsError, match="There is no file .*elsewhere.ini, which the environment or a profile names"
    ):
        find(home, environ=environ)


def test_an_empty_profile_of_the_command_line_is_skipped(home: Path) -> None:
    command_line(home, {"mode": "AK", "access_key_id": "", "access_key_secret": ""})
    ini(home, "[default]\ntype = access_key\n")
    assert identity(find(home, providers=CredentialProviders(ROLE_KEY))) == ("instance-id", "ECS metadata")


@pytest.mark.parametrize("mode", ["StsToken", "ststoken"])
def test_a_temporary_key_in_a_profile(home: Path, mode: str) -> None:
    command_line(
        home, {"mode": mode, "access_key_id": "a", "access_key_secret": "s", "sts_token": "t", "region_id": ""}
    )
    found = find(home)
    assert found.credentials == AccessKey("a", "s", "t", "~/.aliyun/config.json [default]")
    assert found.settings == {}


def test_a_role_in_a_profile(home: Path) -> None:
    row = {
        "mode": "RamRoleArn",
        "access_key_id": "a",
        "access_key_secret": "s",
        "ram_role_arn": "acs:ram::1:role/r",
        "ram_session_name": "me",
        "expired_seconds": 900,
        "external_id": "x",
        "sts_region": "cn-beijing",
        "enable_vpc": True,
    }
    command_line(home, row)
    found = find(home)
    source = "~/.aliyun/config.json [default]"
    assert found.credentials == RamRole(
        AccessKey("a", "s", None, source), "acs:ram::1:role/r", RoleSettings("me", 900, "x"), source
    )
    assert found.settings == {"sts_region": "cn-beijing", "sts_vpc": "true"}


def test_a_chain_of_roles_in_profiles(home: Path) -> None:
    link = {"mode": "ChainableRamRoleArn", "ram_role_arn": "acs:ram::2:role/s", "source_profile": "base"}
    base = {"name": "base", "mode": "AK", "access_key_id": "a", "access_key_secret": "s"}
    command_line(home, link, base)
    role = find(home).credentials
    assert isinstance(role, RamRole)
    assert role.base == AccessKey("a", "s", None, "~/.aliyun/config.json [base]")
    assert (role.arn, role.terms) == ("acs:ram::2:role/s", RoleSettings(credentials.SESSION_NAME, 3600))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"mode": "RamRoleArn", "access_key_id": "a", "access_key_secret": "s"}], "needs ram_role_arn"),
        ([{"mode": "RamRoleArn", "ram_role_arn": "x"}], "an access key to assume"),
        ([{"mode": "AK", "access_key_id": "a"}], "key access_key_secret is missing beside access_key_id"),
        ([{"mode": "ChainableRamRoleArn", "source_profile": "b"}], "source_profile 'b', which is not in the file"),
        ([{"mode": "ChainableRamRoleArn", "source_profile": "default"}], "builds upon itself: default -> default"),
        (
            [
                {
                    "mode": "RamRoleArn",
                    "ram_role_arn": "x",
                    "access_key_id": "a",
                    "access_key_secret": "s",
                    "expired_seconds": 60,
                }
            ],
            "at least 900 seconds, not 60",
        ),
    ],
)
def test_profiles_that_are_not_complete(home: Path, rows: list[dict[str, t.Any]], words: str) -> None:
    command_line(home, *rows)
    with pytest.raises(CredentialsError, match=words):
        find(home, providers=CredentialProviders(ROLE_KEY))


@pytest.mark.parametrize("name", ["the-role", ""])
def test_the_role_of_the_instance_in_a_profile(home: Path, name: str) -> None:
    command_line(home, {"mode": "EcsRamRole", "ram_role_name": name})
    providers = CredentialProviders(ROLE_KEY)
    assert identity(find(home, providers=providers)) == ("instance-id", "~/.aliyun/config.json [default]")
    assert providers.asked == [name or None]


def test_the_role_of_the_instance_in_a_profile_that_is_not_there(home: Path) -> None:
    command_line(home, {"mode": "EcsRamRole"})
    with pytest.raises(CredentialsError, match="is not there"):
        find(home)


def test_the_file_of_the_sdk(home: Path) -> None:
    ini(
        home,
        """
[default]
type = ram_role_arn
access_key_id = a
access_key_secret = s%1   # percent signs are nothing special
role_arn = acs:ram::1:role/r
role_session_name = me
policy = {"Version": "1"}

[instance]
type = ecs_ram_role
role_name = the-role
""",
    )
    source = "~/.alibabacloud/credentials.ini [default]"
    assert find(home).credentials == RamRole(
        AccessKey("a", "s%1", None, source),
        "acs:ram::1:role/r",
        RoleSettings("me", 3600, None, '{"Version": "1"}'),
        source,
    )
    providers = CredentialProviders(ROLE_KEY)
    assert identity(find(home, {"ali_profile": "instance"}, providers=providers))[1].endswith(
        "credentials.ini [instance]"
    )
    assert providers.asked == ["the-role"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[default]\ntype = ram_role_arn\naccess_key_id = a\naccess_key_secret = s\n", "needs role_arn"),
        ("[default]\ntype = ram_role_arn\nrole_arn = x\n", "an access key to assume"),
        ("[default]\ntype = access_key\naccess_key_secret = top-secret\n", "key access_key_id is missing"),
        ("[default\ntype = top-secret\n", "line 1 is not a line of an INI file"),
        ("[default]\ntop-secret\n", "line 2 is not a line of an INI file"),
        ("[default]\na = 1\na = top-secret\n", "cannot be understood"),
    ],
)
def test_errors_in_the_file_of_the_sdk_are_reported(home: Path, text: str, words: str) -> None:
    ini(home, text)
    with pytest.raises(CredentialsError, match=words) as caught:
        find(home)
    assert "top-secret" not in str(caught.value)


@pytest.mark.parametrize("text", ['{"current": "top-secret', "[]", "top-secret"])
def test_errors_in_the_file_of_the_command_line_are_reported(home: Path, text: str) -> None:
    command_line(home)
    (home / ".aliyun" / "config.json").write_text(text)
    with pytest.raises(CredentialsError, match="~/.aliyun/config.json cannot be understood") as caught:
        find(home)
    assert "top-secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 100000, '{"current": ' + "9" * 5000 + "}"])
def test_a_file_of_the_command_line_that_cannot_be_read(home: Path, text: str) -> None:
    command_line(home)
    (home / ".aliyun" / "config.json").write_text(text)
    with pytest.raises(CredentialsError, match=r"~/.aliyun/config.json cannot be understood: (it|line 1) is not JSON"):
        find(home)


@pytest.mark.parametrize(
    "document",
    [
        "{}",
        '{"profiles": null}',
        '{"profiles": [{"mode": "AK", "access_key_id": "a"}]}',
        '{"current": "x", "profiles": [1, {"name": "y"}]}',
    ],
)
def test_a_file_without_the_profile_is_skipped(home: Path, document: str) -> None:
    command_line(home)
    (home / ".aliyun" / "config.json").write_text(document)
    assert identity(find(home, providers=CredentialProviders(ROLE_KEY)))[1] == "ECS metadata"


# Roles


def test_a_role_of_the_options_is_assumed_with_whatever_there_is(home: Path) -> None:
    options = {
        "ali_role_arn": "acs:ram::1:role/r",
        "ali_role_session_name": "me",
        "ali_role_duration": 1200,
        "ali_role_external_id": "x",
        "ali_role_policy": '{"Version": "1"}',
    }
    role = find(home, options, SDK).credentials
    assert role == RamRole(
        AccessKey("sdk-id", "sdk-secret", None, "environment"),
        "acs:ram::1:role/r",
        RoleSettings("me", 1200, "x", '{"Version": "1"}'),
        "environment, role",
    )
    assert role.secrets() == ["sdk-secret"]
    instance = find(home, {"ali_role_arn": "x"}, providers=CredentialProviders(ROLE_KEY)).credentials
    assert instance.source == "ECS metadata, role"


@pytest.mark.parametrize("variable", credentials.ENVIRONMENT["ali_role_arn"])
def test_a_role_of_the_environment_goes_with_a_key_of_the_environment(home: Path, variable: str) -> None:
    environ = {variable: "acs:ram::1:role/r", "ALIBABA_CLOUD_ROLE_SESSION_NAME": "me"}
    role = find(home, environ={**SDK, **environ}).credentials
    assert isinstance(role, RamRole)
    assert (role.arn, role.terms.session_name, role.source) == ("acs:ram::1:role/r", "me", "environment, role")
    assert isinstance(find(home, OPTIONS, environ).credentials, AccessKey)


def test_a_role_of_the_options_takes_the_place_of_that_of_the_environment(home: Path) -> None:
    role = find(home, {"ali_role_arn": "mine"}, {**SDK, "ALIBABA_CLOUD_ROLE_ARN": "other"}).credentials
    assert isinstance(role, RamRole)
    assert (role.arn, type(role.base)) == ("mine", AccessKey)


def test_the_role_of_an_oidc_login_is_not_assumed_with_a_key(home: Path) -> None:
    assert identity(find(home, environ={**SDK, **OIDC})) == ("sdk-id", "environment")


@pytest.mark.parametrize("duration", [899, 0.5, -1, "\u00b2\u00b3", "9" * 5000])
def test_a_role_needs_a_quarter_of_an_hour(home: Path, duration: t.Any) -> None:
    with pytest.raises(CredentialsError, match="must be at least 900 seconds, not"):
        find(home, {"ali_role_arn": "x", "ali_role_duration": duration}, SDK)


def test_an_option_names_the_role_of_the_instance(home: Path) -> None:
    providers = CredentialProviders(ROLE_KEY)
    assert identity(find(home, {"ali_ecs_role_name": "r"}, SDK, providers)) == ("instance-id", "ECS metadata")
    assert identity(find(home, {}, {"ALIBABA_CLOUD_ECS_METADATA": "s"}, providers)) == ("instance-id", "ECS metadata")
    assert providers.asked == ["r", "s"]


# The official package

#: Kinds of profiles that need it.
KINDS: list[dict[str, str]] = [
    {"mode": "CloudSSO", "cloud_sso_sign_in_url": "u", "access_token": "top-secret"},
    {"mode": "OAuth", "oauth_access_token": "top-secret"},
    {"mode": "External", "process_command": "top-secret"},
]
kinds = pytest.mark.parametrize("row", KINDS, ids=[row["mode"] for row in KINDS])


@kinds
def test_other_kinds_are_left_to_the_official_package(home: Path, row: dict[str, str]) -> None:
    command_line(home, row)
    package = Package()
    key = find(home, providers=CredentialProviders(NO_ROLE, package.load)).credentials
    assert isinstance(key, RefreshableKey)
    assert key.source == "~/.aliyun/config.json [default]"
    assert key.secrets() == ["package-secret", "package-token"]
    first = key.take(5.0)
    assert (first.access_key, first.expires, first.renew_at) == ("package-id", None, 1600.0)
    path = str(home / ".aliyun" / "config.json")
    assert package.made == [("CLIProfile", {"profile_name": "default", "profile_file": path})]


def test_another_kind_in_the_file_of_the_sdk(home: Path) -> None:
    ini(home, "[default]\ntype = rsa_key_pair\npublic_key_id = k\n")
    package = Package()
    find(home, providers=CredentialProviders(NO_ROLE, package.load))
    path = str(home / ".alibabacloud" / "credentials.ini")
    assert package.made == [("Profile", {"profile_file": path, "profile_name": "default"})]


@kinds
def test_without_the_package_its_name_is_reported(home: Path, row: dict[str, str]) -> None:
    def missing(name: str) -> t.Any:
        raise ImportError(name)

    command_line(home, row)
    with pytest.raises(CredentialsError, match="needs the Python package alibabacloud_credentials") as caught:
        find(home, providers=CredentialProviders(NO_ROLE, missing))
    assert "pip install alibabacloud_credentials" in str(caught.value)
    assert "top-secret" not in str(caught.value)


@kinds
def test_messages_of_the_package_are_reported_without_secrets(home: Path, row: dict[str, str]) -> None:
    command_line(home, row)
    package = Package(RuntimeError("sign in again; top-secret has expired"))
    with pytest.raises(CredentialsError, match="could not get a key .*sign in again") as caught:
        find(home, providers=CredentialProviders(NO_ROLE, package.load))
    assert "top-secret" not in str(caught.value)


def test_a_short_secret_hides_no_part_of_what_the_package_says(home: Path) -> None:
    said = "HTTPSConnectionPool(host='sso.example.com', port=443): Max retries exceeded"
    command_line(home, {"mode": "CloudSSO", "access_token": "t"})
    with pytest.raises(CredentialsError, match=re.escape(said)):
        find(home, providers=CredentialProviders(NO_ROLE, Package(RuntimeError(said)).load))


def test_the_package_is_asked_again_with_the_same_provider(home: Path) -> None:
    command_line(home, {"mode": "OAuth"})
    package = Package()
    key = find(home, providers=CredentialProviders(NO_ROLE, package.load)).credentials
    assert isinstance(key, RefreshableKey)
    assert [key.take(5.0).access_key for _time in range(3)] == ["package-id"] * 3
    assert len(package.made) == 1


def test_a_mode_that_the_package_does_not_know_is_reported(home: Path) -> None:
    command_line(home, {"mode": "oauth"})
    with pytest.raises(CredentialsError, match="the mode oauth, which the official package wants spelt OAuth"):
        find(home)


# Kinds of profiles, told and untold


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"mode": ""},
        {"mode": None, "region_id": "cn-shanghai", "output_format": "json"},
        {"mode": "AK"},
        {"access_key_id": "", "access_key_secret": "", "mode": ""},
    ],
    ids=repr,
)
def test_a_profile_without_a_mode_and_keys_is_skipped(home: Path, row: dict[str, t.Any]) -> None:
    command_line(home, row)
    ini(home, "[default]\nregion_id = cn-shanghai\n")
    assert identity(find(home, providers=CredentialProviders(ROLE_KEY))) == ("instance-id", "ECS metadata")
    ini(home, "[default]\ntype = access_key\naccess_key_id = i\naccess_key_secret = s\n")
    assert identity(find(home, providers=CredentialProviders(ROLE_KEY)))[0] == "i"
    with pytest.raises(CredentialsError, match="There is no profile 'other'"):
        find(home, {"ali_profile": "other"}, providers=CredentialProviders(ROLE_KEY))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"access_key_id": "a", "access_key_secret": "s"}, AccessKey("a", "s", None)),
        ({"access_key_id": "a", "access_key_secret": "s", "sts_token": "t"}, AccessKey("a", "s", "t")),
        ({"access_key_id": "a", "access_key_secret": "s", "ram_role_arn": "r"}, RamRole),
        ({"ram_role_name": "r"}, RefreshableKey),
        ({"credentials_uri": "http://127.0.0.1/"}, RefreshableKey),
        ({"ram_role_arn": "r", "oidc_provider_arn": "p", "oidc_token_file": "f"}, OidcRole),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_the_mode_of_a_profile_follows_from_its_keys(home: Path, row: dict[str, str], expected: t.Any) -> None:
    command_line(home, row)
    found = find(home, providers=CredentialProviders(ROLE_KEY)).credentials
    assert found.source == "~/.aliyun/config.json [default]"
    if isinstance(expected, AccessKey):
        assert isinstance(found, AccessKey)
        assert (found.access_key, found.security_token) == (expected.access_key, expected.security_token)
    else:
        assert found.__class__ is expected


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"mode": "Unheard"}, "has the mode 'Unheard', which is unknown. Supported are AK, StsToken"),
        ({"mode": "BearerToken", "bearer_token": "top-secret"}, "has the mode 'BearerToken', which is not supported"),
        ({"mode": "Anonymous"}, "which is not supported"),
        ({"mode": "RsaKeyPair"}, "which is not supported"),
        ({"mode": "\u001b[31m"}, r"has the mode '\\\\x1b\[31m', which is unknown"),
        ({"mode": ["AK"]}, "which is unknown"),
        ({"access_key_id": "a"}, "key access_key_secret is missing beside access_key_id"),
        ({"access_key_secret": "top-secret"}, "key access_key_id is missing beside access_key_secret"),
        ({"mode": "OIDC", "ram_role_arn": "r"}, "oidc_provider_arn and oidc_token_file is missing"),
        ({"mode": "CredentialsURI"}, "credentials_uri is missing"),
    ],
    ids=lambda value: str(value.get("mode")) if isinstance(value, dict) else "",
)
def test_mistakes_in_a_profile_are_reported(home: Path, row: dict[str, t.Any], words: str) -> None:
    command_line(home, row)
    with pytest.raises(CredentialsError, match=words) as caught:
        find(home, providers=CredentialProviders(ROLE_KEY))
    assert "top-secret" not in str(caught.value)
    assert "~/.aliyun/config.json [default]" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("type = unheard\n", "has the type 'unheard', which is unknown. Supported are access_key"),
        ("access_key_id = a\naccess_key_secret = top-secret\n", "has no type. Supported are access_key"),
        ("type = oidc_role_arn\nrole_arn = r\n", "oidc_provider_arn and oidc_token_file_path is missing"),
    ],
)
def test_mistakes_in_a_section_are_reported(home: Path, text: str, words: str) -> None:
    ini(home, f"[default]\n{text}")
    with pytest.raises(CredentialsError, match=words) as caught:
        find(home, providers=CredentialProviders(ROLE_KEY))
    assert "top-secret" not in str(caught.value)


def test_the_role_of_the_instance_and_another_to_be_assumed_with_it(home: Path) -> None:
    command_line(home, {"mode": "RamRoleArnWithRoleName", "ram_role_name": "base", "ram_role_arn": "acs:ram::1:role/r"})
    providers = CredentialProviders(ROLE_KEY)
    role = find(home, providers=providers).credentials
    assert isinstance(role, RamRole)
    assert (role.arn, type(role.base), providers.asked) == ("acs:ram::1:role/r", RefreshableKey, ["base"])


@pytest.mark.parametrize("variable", ["ALIBABA_CLOUD_SHARED_CREDENTIALS_FILE", "ALICLOUD_SHARED_CREDENTIALS_FILE"])
def test_the_file_of_the_command_line_can_be_elsewhere(home: Path, variable: str) -> None:
    command_line(home, {"mode": "AK", "access_key_id": "a", "access_key_secret": "s"})
    (home / ".aliyun" / "config.json").rename(home / "elsewhere.json")
    found = find(home, environ={variable: "~/elsewhere.json"})
    assert identity(found) == ("a", "~/elsewhere.json [default]")


@pytest.mark.parametrize("variable", ["ALIBABA_CLOUD_IGNORE_PROFILE", "ALIBABACLOUD_IGNORE_PROFILE"])
def test_a_variable_makes_profiles_ignored(home: Path, variable: str) -> None:
    command_line(home, {"mode": "AK", "access_key_id": "a", "access_key_secret": "s"})
    assert (
        identity(find(home, environ={variable: "TRUE"}, providers=CredentialProviders(ROLE_KEY)))[1] == "ECS metadata"
    )


@pytest.mark.parametrize(
    ("row", "vpc"), [({"endpoint_type": "vpc"}, True), ({"endpoint_type": ""}, False), ({}, False)]
)
def test_a_profile_may_ask_for_addresses_inside_a_vpc(home: Path, row: dict[str, str], vpc: bool) -> None:
    command_line(home, {"mode": "AK", "access_key_id": "a", "access_key_secret": "s", **row})
    assert ("vpc" in find(home).settings) is vpc


# Tokens of identity providers


def test_oidc_of_the_environment(home: Path) -> None:
    found = find(home, environ={**OIDC, "ALIBABA_CLOUD_ROLE_SESSION_NAME": "me"}).credentials
    assert found == OidcRole(
        "acs:ram::1:role/oidc",
        "acs:ram::1:oidc-provider/p",
        UserFile("/var/run/token", "/var/run/token", True),
        RoleSettings("me", 3600),
        "environment (OIDC)",
    )
    assert found.secrets() == [], "its token is read when it is used, for it is renewed"


def test_oidc_by_the_names_of_the_command_line(home: Path) -> None:
    named = {name.replace("ALIBABA_CLOUD_", "ALIBABACLOUD_"): value for name, value in OIDC.items()}
    assert find(home, environ=named) == find(home, environ=OIDC)


@pytest.mark.parametrize("missing", sorted(OIDC))
def test_half_an_oidc_login_is_an_error(home: Path, missing: str) -> None:
    environ = {name: value for name, value in OIDC.items() if name != missing}
    with pytest.raises(CredentialsError, match=f"variable {missing} is missing beside"):
        find(home, environ=environ, providers=CredentialProviders(ROLE_KEY))
    assert identity(find(home, environ={**environ, **SDK})) == ("sdk-id", "environment"), "a key comes first"


def test_a_role_alone_is_not_half_of_an_oidc_login(home: Path) -> None:
    environ = {"ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/r"}
    assert identity(find(home, environ=environ, providers=CredentialProviders(ROLE_KEY)))[1] == "ECS metadata"


def test_oidc_in_profiles(home: Path) -> None:
    row = {
        "mode": "OIDC",
        "ram_role_arn": "r",
        "oidc_provider_arn": "p",
        "oidc_token_file": "~/token",
        "ram_session_name": "me",
        "expired_seconds": 1200,
    }
    command_line(home, row)
    file = UserFile(str(home / "token"), "~/token", True)
    source = "~/.aliyun/config.json [default]"
    assert find(home).credentials == OidcRole("r", "p", file, RoleSettings("me", 1200), source)
    keys = "role_arn = r\noidc_provider_arn = p\noidc_token_file_path = ~/token\nrole_session_name = me\n"
    ini(home, f"[sdk]\ntype = oidc_role_arn\n{keys}")
    found = find(home, {"ali_profile": "sdk"}).credentials
    assert found == OidcRole("r", "p", file, RoleSettings("me", 3600), "~/.alibabacloud/credentials.ini [sdk]")


# What options say holds, wherever the role comes from


ROLE_PROFILE = {
    "mode": "RamRoleArn",
    "access_key_id": "a",
    "access_key_secret": "s",
    "ram_role_arn": "r",
    "ram_session_name": "profile",
    "expired_seconds": 7200,
}


@pytest.mark.parametrize("place", ["environment", "profile", "oidc"])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ali_role_policy": '{"Version": "1"}'}, {"policy": '{"Version": "1"}'}),
        ({"ali_role_duration": 900}, {"duration": 900}),
        ({"ali_role_session_name": "me"}, {"session_name": "me"}),
    ],
)
def test_options_of_a_role_hold_for_roles_from_elsewhere(
    home: Path, place: str, options: dict[str, t.Any], expected: dict[str, t.Any]
) -> None:
    environ: dict[str, str] = {}
    if place == "environment":
        environ = {**SDK, "ALIBABA_CLOUD_ROLE_ARN": "r", "ALIBABA_CLOUD_ROLE_SESSION_NAME": "env"}
    elif place == "oidc":
        environ = {**OIDC, "ALIBABA_CLOUD_ROLE_SESSION_NAME": "env"}
    else:
        command_line(home, ROLE_PROFILE)
    before, after = find(home, {}, environ).credentials, find(home, options, environ).credentials
    assert isinstance(before, (RamRole, OidcRole))
    assert after == before._replace(terms=before.terms._replace(**expected))


@pytest.mark.parametrize("option", ["ali_role_policy", "ali_role_external_id"])
@pytest.mark.parametrize("environ", [SDK, OIDC], ids=["key", "oidc"])
def test_policies_that_narrow_a_role_are_reported(home: Path, option: str, environ: dict[str, str]) -> None:
    if environ is OIDC and option == "ali_role_policy":
        assert find(home, {option: "p"}, environ).credentials.source == "environment (OIDC)"
        return
    with pytest.raises(CredentialsError, match=f"{option} is given, but .* Name the role in ali_role_arn"):
        find(home, {option: "p"}, environ)


@pytest.mark.parametrize("variable", ["ALIBABA_CLOUD_EXTERNAL_ID", "ALIBABACLOUD_EXTERNAL_ID"])
def test_the_external_id_of_the_environment_goes_with_every_role_that_has_none(home: Path, variable: str) -> None:
    def external_id(options: dict[str, t.Any], environ: dict[str, str]) -> str | None:
        found = find(home, options, {**environ, variable: "env"}).credentials
        assert isinstance(found, RamRole)
        return found.terms.external_id

    command_line(home, ROLE_PROFILE, {**ROLE_PROFILE, "name": "own", "external_id": "profile"})
    assert external_id({}, {**SDK, "ALIBABA_CLOUD_ROLE_ARN": "r"}) == "env"
    assert external_id({"ali_role_arn": "r"}, SDK) == "env"
    assert external_id({"ali_role_arn": "r", "ali_role_external_id": "option"}, SDK) == "option"
    assert external_id({}, {}) == "env"
    assert external_id({"ali_profile": "own"}, {}) == "profile"
    assert external_id({"ali_profile": "own", "ali_role_external_id": "option"}, {}) == "option"
    assert identity(find(home, {}, {**SDK, variable: "env"})) == ("sdk-id", "environment")


def test_the_duration_of_keys_of_a_role_may_be_in_the_environment(home: Path) -> None:
    environ = {**SDK, "ALICLOUD_ASSUME_ROLE_ARN": "r", "ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION": "1800"}
    found = find(home, {}, environ).credentials
    assert isinstance(found, RamRole)
    assert found.terms.duration == 1800


# What hands keys out


def test_an_address_that_hands_keys_out_is_asked_when_a_key_is_needed(home: Path) -> None:
    providers = CredentialProviders(NO_ROLE)
    found = find(home, {}, {"ALICLOUD_CREDENTIALS_URI": "http://127.0.0.1/key"}, providers).credentials
    assert isinstance(found, RefreshableKey)
    assert providers.asked == []
    assert found.take(7.0).source == "environment (credentials URI)"
    assert (providers.asked, providers.deadlines) == ([("ALICLOUD_CREDENTIALS_URI", "http://127.0.0.1/key")], [7.0])


def test_a_failing_metadata_service_is_asked_again_when_a_key_is_needed(home: Path) -> None:
    providers = CredentialProviders(UnavailableError("http://100.100.100.200 answered with HTTP 503.", http_status=503))
    found = find(home, providers=providers).credentials
    assert isinstance(found, RefreshableKey)
    with pytest.raises(UnavailableError):
        found.take(7.0)
    assert providers.deadlines == [None, 7.0]


@pytest.mark.parametrize("name", credentials.UNSUPPORTED)
def test_unsupported_credentials_that_were_found_are_named(home: Path, name: str) -> None:
    with pytest.raises(CredentialsError, match=f"Found, but not supported: {name}") as caught:
        find(home, environ={name: "top-secret"})
    assert "top-secret" not in str(caught.value)
    assert identity(find(home, environ={name: "top-secret", **SDK}))[1] == "environment"
