# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where credentials of Alibaba Cloud are found: the order, every kind, and every way to have half of something."""

from __future__ import annotations

import functools
import json
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import credentials, profiles
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.credentials import Found, RamRole
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import AccessKey, Fetched
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._alibaba.alibaba import Ways

OPTIONS = {"ali_access_key_id": "option-id", "ali_access_key_secret": "option-secret"}
SDK = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "sdk-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "sdk-secret"}
TERRAFORM = {"ALICLOUD_ACCESS_KEY": "tf-id", "ALICLOUD_SECRET_KEY": "tf-secret"}
COMMAND_LINE = {"ALIBABACLOUD_ACCESS_KEY_ID": "cli-id", "ALIBABACLOUD_ACCESS_KEY_SECRET": "cli-secret"}
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
        """As of ``importlib.import_module``."""
        assert name == "alibabacloud_credentials.provider"
        names = ("CLIProfile", "Profile", "OIDCRoleArn", "URL")
        providers = {f"{name}CredentialsProvider": functools.partial(self.provide, name) for name in names}
        return types.SimpleNamespace(**providers)

    def provide(self, name: str, **arguments: t.Any) -> t.Any:
        """A provider."""
        self.made.append((name, arguments))
        return types.SimpleNamespace(get_credentials=self.key)

    def key(self) -> t.Any:
        """As of a provider."""
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
    ways: Ways | None = None,
) -> Found:
    ways = ways or Ways(NO_ROLE)
    surroundings = {"HOME": str(home), **(environ or {})}
    return credentials.find(options or {}, surroundings, ways, functools.partial(profiles.read, surroundings, ways))


def identity(found: Found) -> tuple[str, str]:
    """Id and source of the key that was found."""
    key = found.credentials
    if isinstance(key, Fetched):
        return key.take().access_key, key.source
    assert isinstance(key, AccessKey)
    return key.access_key, key.source


def test_the_order(home: Path) -> None:
    package = Package()
    ways = Ways(ROLE_KEY, package.load)
    options, environ = dict(OPTIONS), {**SDK, **TERRAFORM, **COMMAND_LINE, **OIDC}
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
        ("package-id from environment (OIDC)", forget(OIDC)),
        ("profile-id from ~/.aliyun/config.json [default]", (home / ".aliyun" / "config.json").unlink),
        ("ini-id from ~/.alibabacloud/credentials.ini [default]", (home / ".alibabacloud" / "credentials.ini").unlink),
        ("package-id from environment (credentials URI)", forget({"ALIBABA_CLOUD_CREDENTIALS_URI": ""})),
        ("instance-id from ECS metadata", lambda: None),
    ]
    for expected, remove in places:
        assert "{} from {}".format(*identity(find(home, options, environ, ways))) == expected
        remove()
    assert [name for name, _arguments in package.made] == ["OIDCRoleArn", "URL"]


def test_nothing_at_all_names_options_and_variables(home: Path) -> None:
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
    ],
)
def test_a_token_belongs_to_the_key_of_its_family(home: Path, names: dict[str, str], token: str) -> None:
    families = [family[2] or "" for family in credentials.FAMILIES]
    weaker = {name: name for name in families[families.index(token) :]}
    key = find(home, environ={**names, **weaker}).credentials
    assert isinstance(key, AccessKey)
    assert key.security_token == token
    assert token in key.secrets()


@pytest.mark.parametrize("names", [SDK, TERRAFORM, COMMAND_LINE])
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
    assert found.settings == {"ali_region": "us-west-1"}


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
        find(home, options, environ, Ways(ROLE_KEY))


def test_the_file_of_the_command_line_can_be_switched_off(home: Path) -> None:
    command_line(home, {"mode": "AK", "access_key_id": "a", "access_key_secret": "s"})
    environ = {"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "True"}
    assert identity(find(home, environ=environ, ways=Ways(ROLE_KEY))) == ("instance-id", "ECS metadata")


def test_the_file_of_the_sdk_can_be_elsewhere(home: Path) -> None:
    path = home / "elsewhere.ini"
    path.write_text("[default]\ntype = access_key\naccess_key_id = e # comment\naccess_key_secret = s\n")
    environ = {"ALIBABA_CLOUD_CREDENTIALS_FILE": str(path)}
    assert identity(find(home, environ=environ)) == ("e", f"{path} [default]")
    path.unlink()
    with pytest.raises(CredentialsError, match="There is no file .*elsewhere.ini, which the environment names"):
        find(home, environ=environ)


def test_an_empty_profile_as_the_command_line_leaves_it_is_none(home: Path) -> None:
    command_line(home, {"mode": "AK", "access_key_id": "", "access_key_secret": ""})
    ini(home, "[default]\ntype = access_key\n")
    assert identity(find(home, ways=Ways(ROLE_KEY))) == ("instance-id", "ECS metadata")


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
        AccessKey("a", "s", None, source), "acs:ram::1:role/r", "me", 900, "x", None, source
    )
    assert found.settings == {"sts_region": "cn-beijing", "vpc": "true"}


def test_a_chain_of_roles_in_profiles(home: Path) -> None:
    link = {"mode": "ChainableRamRoleArn", "ram_role_arn": "acs:ram::2:role/s", "source_profile": "base"}
    base = {"name": "base", "mode": "AK", "access_key_id": "a", "access_key_secret": "s"}
    command_line(home, link, base)
    role = find(home).credentials
    assert isinstance(role, RamRole)
    assert role.base == AccessKey("a", "s", None, "~/.aliyun/config.json [base]")
    assert (role.arn, role.session_name, role.duration) == ("acs:ram::2:role/s", credentials.SESSION_NAME, 3600)


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
            "60 seconds",
        ),
    ],
)
def test_profiles_that_are_not_complete(home: Path, rows: list[dict[str, t.Any]], words: str) -> None:
    command_line(home, *rows)
    with pytest.raises(CredentialsError, match=words):
        find(home, ways=Ways(ROLE_KEY))


@pytest.mark.parametrize("name", ["the-role", ""])
def test_the_role_of_the_instance_in_a_profile(home: Path, name: str) -> None:
    command_line(home, {"mode": "EcsRamRole", "ram_role_name": name})
    ways = Ways(ROLE_KEY)
    assert identity(find(home, ways=ways)) == ("instance-id", "~/.aliyun/config.json [default]")
    assert ways.asked == [name or None]


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
        AccessKey("a", "s%1", None, source), "acs:ram::1:role/r", "me", 3600, None, '{"Version": "1"}', source
    )
    ways = Ways(ROLE_KEY)
    assert identity(find(home, {"ali_profile": "instance"}, ways=ways))[1].endswith("credentials.ini [instance]")
    assert ways.asked == ["the-role"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[default]\ntype = ram_role_arn\naccess_key_id = a\naccess_key_secret = s\n", "needs role_arn"),
        ("[default]\ntype = ram_role_arn\nrole_arn = x\n", "an access key to assume"),
        ("[default]\ntype = access_key\naccess_key_secret = top-secret\n", "key access_key_id is missing"),
        ("[default\ntype = top-secret\n", "line 1 is no line of an INI file"),
        ("[default]\ntop-secret\n", "cannot be understood"),
        ("[default]\na = 1\na = top-secret\n", "cannot be understood"),
    ],
)
def test_what_is_wrong_in_the_file_of_the_sdk(home: Path, text: str, words: str) -> None:
    ini(home, text)
    with pytest.raises(CredentialsError, match=words) as caught:
        find(home)
    assert "top-secret" not in str(caught.value)


@pytest.mark.parametrize("text", ['{"current": "top-secret', "[]", "top-secret"])
def test_what_is_wrong_in_the_file_of_the_command_line(home: Path, text: str) -> None:
    command_line(home)
    (home / ".aliyun" / "config.json").write_text(text)
    with pytest.raises(CredentialsError, match="~/.aliyun/config.json cannot be understood") as caught:
        find(home)
    assert "top-secret" not in str(caught.value)


@pytest.mark.parametrize("document", ["{}", '{"profiles": null}', '{"current": "x", "profiles": [1, {"name": "y"}]}'])
def test_a_file_without_the_profile_is_passed_by(home: Path, document: str) -> None:
    command_line(home)
    (home / ".aliyun" / "config.json").write_text(document)
    assert identity(find(home, ways=Ways(ROLE_KEY)))[1] == "ECS metadata"


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
        "me",
        1200,
        "x",
        '{"Version": "1"}',
        "environment, role",
    )
    assert role.secrets() == ["sdk-secret"]
    instance = find(home, {"ali_role_arn": "x"}, ways=Ways(ROLE_KEY)).credentials
    assert instance.source == "ECS metadata, role"


@pytest.mark.parametrize("variable", credentials.ENVIRONMENT["ali_role_arn"])
def test_a_role_of_the_environment_goes_with_a_key_of_the_environment(home: Path, variable: str) -> None:
    environ = {variable: "acs:ram::1:role/r", "ALIBABA_CLOUD_ROLE_SESSION_NAME": "me"}
    role = find(home, environ={**SDK, **environ}).credentials
    assert isinstance(role, RamRole)
    assert (role.arn, role.session_name, role.source) == ("acs:ram::1:role/r", "me", "environment, role")
    assert isinstance(find(home, OPTIONS, environ).credentials, AccessKey)


def test_a_role_of_the_options_takes_the_place_of_that_of_the_environment(home: Path) -> None:
    role = find(home, {"ali_role_arn": "mine"}, {**SDK, "ALIBABA_CLOUD_ROLE_ARN": "other"}).credentials
    assert isinstance(role, RamRole)
    assert (role.arn, type(role.base)) == ("mine", AccessKey)


def test_the_role_of_an_oidc_login_is_no_role_to_be_assumed_with_a_key(home: Path) -> None:
    assert identity(find(home, environ={**SDK, **OIDC})) == ("sdk-id", "environment")


@pytest.mark.parametrize("duration", [899, 0.5, -1])
def test_a_role_needs_a_quarter_of_an_hour(home: Path, duration: t.Any) -> None:
    with pytest.raises(CredentialsError, match="the least is 900"):
        find(home, {"ali_role_arn": "x", "ali_role_duration": duration}, SDK)


def test_an_option_names_the_role_of_the_instance(home: Path) -> None:
    ways = Ways(ROLE_KEY)
    assert identity(find(home, {"ali_ecs_role_name": "r"}, SDK, ways)) == ("instance-id", "ECS metadata")
    assert identity(find(home, {}, {"ALIBABA_CLOUD_ECS_METADATA": "s"}, ways)) == ("instance-id", "ECS metadata")
    assert ways.asked == ["r", "s"]


# The official package

#: Kinds of profiles that need it: the row, and the provider with its arguments.
KINDS: list[tuple[dict[str, str], str]] = [
    ({"mode": "OIDC", "oidc_provider_arn": "p"}, "CLIProfile"),
    ({"mode": "CloudSSO", "cloud_sso_sign_in_url": "u", "access_token": "top-secret"}, "CLIProfile"),
    ({"mode": "OAuth", "oauth_access_token": "top-secret"}, "CLIProfile"),
    ({"mode": "External", "process_command": "top-secret"}, "CLIProfile"),
    ({"mode": "Unheard"}, "CLIProfile"),
    ({"mode": "CredentialsURI", "credentials_uri": "http://127.0.0.1/top-secret"}, "URL"),
]


@pytest.mark.parametrize(("row", "provider"), KINDS, ids=lambda value: value["mode"] if isinstance(value, dict) else "")
def test_other_kinds_are_left_to_the_official_package(home: Path, row: dict[str, str], provider: str) -> None:
    command_line(home, row)
    package = Package()
    key = find(home, ways=Ways(NO_ROLE, package.load)).credentials
    assert isinstance(key, Fetched)
    assert key.source == "~/.aliyun/config.json [default]"
    assert key.secrets() == ["package-secret", "package-token"]
    first = key.take()
    assert (first.access_key, first.expires) == ("package-id", 1600.0)
    path = str(home / ".aliyun" / "config.json")
    uri = {"uri": row.get("credentials_uri")}
    expected = uri if provider == "URL" else {"profile_name": "default", "profile_file": path}
    assert package.made == [(provider, expected)]


def test_other_kinds_in_the_file_of_the_sdk(home: Path) -> None:
    ini(home, "[default]\ntype = oidc_role_arn\nrole_arn = r\n")
    package = Package()
    find(home, ways=Ways(NO_ROLE, package.load))
    path = str(home / ".alibabacloud" / "credentials.ini")
    assert package.made == [("Profile", {"profile_file": path, "profile_name": "default"})]


@pytest.mark.parametrize(
    ("row", "_provider"), KINDS, ids=lambda value: value["mode"] if isinstance(value, dict) else ""
)
def test_without_the_package_its_name_is_told(home: Path, row: dict[str, str], _provider: str) -> None:
    def missing(name: str) -> t.Any:
        raise ImportError(name)

    command_line(home, row)
    with pytest.raises(CredentialsError, match="needs the Python package alibabacloud_credentials") as caught:
        find(home, ways=Ways(NO_ROLE, missing))
    assert "pip install alibabacloud_credentials" in str(caught.value)
    assert "top-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "_provider"), KINDS, ids=lambda value: value["mode"] if isinstance(value, dict) else ""
)
def test_what_the_package_says_is_told_without_secrets(home: Path, row: dict[str, str], _provider: str) -> None:
    command_line(home, row)
    secret = row.get("credentials_uri", "top-secret")
    package = Package(RuntimeError(f"sign in again; {secret} has expired"))
    with pytest.raises(CredentialsError, match="could not get a key .*sign in again") as caught:
        find(home, ways=Ways(NO_ROLE, package.load))
    if "top-secret" in str(row):
        assert "top-secret" not in str(caught.value)


def test_the_package_is_asked_again_with_the_same_provider(home: Path) -> None:
    command_line(home, {"mode": "OAuth"})
    package = Package()
    key = find(home, ways=Ways(NO_ROLE, package.load)).credentials
    assert isinstance(key, Fetched)
    assert [key.take().access_key for _time in range(3)] == ["package-id"] * 3
    assert len(package.made) == 1
