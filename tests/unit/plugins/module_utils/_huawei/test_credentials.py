# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the credentials of Huawei Cloud: the order of the places, the order in each, and incomplete sets."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey, RefreshableKey
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.files import UserFile
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import credentials
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.credentials import (
    Federation,
    IdToken,
    OidcAgency,
    Password,
    Token,
    WantedProject,
)

#: No file below it.
HOME = {"HOME": "/nonexistent"}
KEY = {"hwc_access_key": "ak", "hwc_secret_key": "sk"}
LOGIN = {"hwc_user_name": "user", "hwc_user_password": "hunter2", "hwc_domain_name": "account"}
SDK = {"HUAWEICLOUD_SDK_AK": "sdk-ak", "HUAWEICLOUD_SDK_SK": "sdk-sk"}
TERRAFORM = {"HW_ACCESS_KEY": "hw-ak", "HW_SECRET_KEY": "hw-sk"}
OPENSTACK = {"OS_ACCESS_KEY": "os-ak", "OS_SECRET_KEY": "os-sk"}
PASSWORD = {"HW_USER_NAME": "hw-user", "HW_USER_PASSWORD": "hw-pass", "HW_DOMAIN_NAME": "hw-account"}


class Nowhere:
    """The providers on a machine that is not a server of the cloud: none hands out a key."""

    def metadata(self, deadline: float | None) -> AccessKey:
        """Implement ``credentials.CredentialProviders``."""
        raise CredentialsError("there is none")

    def container(self, url: str, token: str, deadline: float) -> AccessKey:
        """Implement ``credentials.CredentialProviders``."""
        raise AssertionError(url)


def found(options: t.Mapping[str, t.Any] | None = None, **environ: t.Any) -> credentials.FoundCredentials:
    every = dict.fromkeys(credentials.ENVIRONMENT)
    return credentials.find({**every, **(options or {})}, {**HOME, **environ}, Nowhere())


def find(options: t.Mapping[str, t.Any] | None = None, **environ: t.Any) -> t.Any:
    return found(options, **environ).credentials


@pytest.mark.parametrize(
    ("options", "environ", "expected"),
    [
        (KEY, {}, AccessKey("ak", "sk", None, "options")),
        ({**KEY, "hwc_security_token": "st"}, {}, AccessKey("ak", "sk", "st", "options")),
        ({"hwc_auth_token": "tok"}, {}, Token("tok", "options")),
        (LOGIN, {}, Password("user", "hunter2", "account", "options")),
        # In one place a token comes before a key, and a key before a password.
        ({**LOGIN, **KEY, "hwc_auth_token": "tok"}, {}, Token("tok", "options")),
        ({**LOGIN, **KEY}, {}, AccessKey("ak", "sk", None, "options")),
        ({}, {**SDK, **PASSWORD, "HW_AUTH_TOKEN": "hw-tok"}, Token("hw-tok", "environment")),
        ({}, {**SDK, **PASSWORD}, AccessKey("sdk-ak", "sdk-sk", None, "environment")),
        ({}, PASSWORD, Password("hw-user", "hw-pass", "hw-account", "environment")),
        # Options come before the environment, whatever is in either.
        (LOGIN, {**SDK, "HW_AUTH_TOKEN": "hw-tok"}, Password("user", "hunter2", "account", "options")),
        # The SDK's names come before Terraform's, and its own before OpenStack's.
        ({}, {**OPENSTACK, **TERRAFORM, **SDK}, AccessKey("sdk-ak", "sdk-sk", None, "environment")),
        ({}, {**OPENSTACK, **TERRAFORM}, AccessKey("hw-ak", "hw-sk", None, "environment")),
        ({}, OPENSTACK, AccessKey("os-ak", "os-sk", None, "environment")),
        ({}, {"OS_AUTH_TOKEN": "os-tok"}, Token("os-tok", "environment")),
        ({}, {**SDK, "HUAWEICLOUD_SDK_SECURITY_TOKEN": "st"}, AccessKey("sdk-ak", "sdk-sk", "st", "environment")),
        # A security token belongs to the key of its own family, and to no other.
        ({}, {**SDK, "HW_SECURITY_TOKEN": "st"}, AccessKey("sdk-ak", "sdk-sk", None, "environment")),
        (KEY, {"HUAWEICLOUD_SDK_SECURITY_TOKEN": "st"}, AccessKey("ak", "sk", None, "options")),
        # Whose password it is, and in which account, is not a secret.
        (
            {"hwc_user_name": "user", "hwc_domain_name": "account"},
            PASSWORD,
            Password("user", "hw-pass", "account", "environment"),
        ),
        # Who names a user means that user, whatever else lies about.
        (
            {"hwc_user_name": "user"},
            {**PASSWORD, **SDK, "HW_AUTH_TOKEN": "hw-tok", "HUAWEICLOUD_OIDC_PROVIDER_URN": "p"},
            Password("user", "hw-pass", "hw-account", "environment"),
        ),
        ({"hwc_domain_name": "a"}, {**PASSWORD, **SDK}, AccessKey("sdk-ak", "sdk-sk", None, "environment")),
        # What is empty is not given.
        ({**KEY, "hwc_auth_token": "", "hwc_security_token": ""}, {}, AccessKey("ak", "sk", None, "options")),
        ({"hwc_access_key": "", "hwc_secret_key": ""}, SDK, AccessKey("sdk-ak", "sdk-sk", None, "environment")),
        (
            {},
            {"HUAWEICLOUD_SDK_AK": "", "HUAWEICLOUD_SDK_SK": "", **TERRAFORM},
            AccessKey("hw-ak", "hw-sk", None, "environment"),
        ),
    ],
)
def test_the_first_identity_in_the_order_is_taken(
    options: dict[str, t.Any], environ: dict[str, str], expected: t.Any
) -> None:
    assert find(options, **environ) == expected


@pytest.mark.parametrize(
    ("options", "environ", "missing", "given"),
    [
        ({"hwc_access_key": "ak"}, {}, "hwc_secret_key", "hwc_access_key"),
        ({"hwc_secret_key": "sk"}, {}, "hwc_access_key", "hwc_secret_key"),
        ({"hwc_access_key": "ak"}, SDK, "hwc_secret_key", "hwc_access_key"),
        ({"hwc_access_key": "ak", "hwc_secret_key": ""}, {}, "hwc_secret_key", "hwc_access_key"),
        ({"hwc_security_token": "st"}, SDK, "hwc_access_key and hwc_secret_key", "hwc_security_token"),
        ({}, {"HUAWEICLOUD_SDK_AK": "ak"}, "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_AK"),
        ({}, {"HUAWEICLOUD_SDK_AK": "ak", "HW_SECRET_KEY": "sk"}, "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_AK"),
        ({}, {"HW_SECRET_KEY": "sk"}, "HW_ACCESS_KEY", "HW_SECRET_KEY"),
        ({"hwc_user_password": "hunter2"}, {}, "hwc_user_name", "hwc_user_password"),
        ({"hwc_user_name": "user"}, {}, "hwc_user_password", "hwc_user_name"),
        ({"hwc_user_name": "user"}, SDK, "hwc_user_password", "hwc_user_name"),
        ({"hwc_agency_domain_name": "a"}, SDK, "hwc_agency_name", "hwc_agency_domain_name"),
        ({**KEY, "hwc_agency_domain_id": "i"}, {}, "hwc_agency_name", "hwc_agency_domain_id"),
        ({"hwc_user_password": "hunter2", "hwc_user_name": "user"}, {}, "hwc_domain_name", "hwc_user_password"),
        ({}, {"HW_USER_PASSWORD": "hunter2", "HW_USER_NAME": "user"}, "HW_DOMAIN_NAME", "hwc_user_password"),
    ],
)
def test_half_of_some_credentials_is_rejected_with_the_names_of_both_halves(
    options: dict[str, t.Any], environ: dict[str, str], missing: str, given: str
) -> None:
    with pytest.raises(CredentialsError) as caught:
        find(options, **environ)
    assert missing in str(caught.value)
    assert f"missing beside {given}" in str(caught.value)
    assert "belong together" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("options", [{}, {"hwc_domain_name": "a"}, {"hwc_region": "cn-north-4"}], ids=repr)
def test_without_credentials_every_way_to_give_them_is_named(options: dict[str, t.Any]) -> None:
    with pytest.raises(CredentialsError) as caught:
        find(options)
    for name in (
        *("hwc_access_key", "hwc_secret_key", "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"),
        *("hwc_auth_token", "HW_AUTH_TOKEN"),
        *(
            "hwc_user_name",
            "hwc_user_password",
            "hwc_domain_name",
            "HW_USER_NAME",
            "HW_USER_PASSWORD",
            "HW_DOMAIN_NAME",
        ),
    ):
        assert name in str(caught.value)


@pytest.mark.parametrize("blemish", ["\n", " ", "\r", "\t", "\u00e9", "\u4f60", "\x00"], ids=repr)
@pytest.mark.parametrize("option", ["hwc_access_key", "hwc_secret_key", "hwc_security_token", "hwc_auth_token"])
def test_credentials_that_cannot_be_sent_are_rejected_and_not_shown(option: str, blemish: str) -> None:
    beside = {} if option == "hwc_auth_token" else KEY
    with pytest.raises(CredentialsError, match=r"\(options\) holds a blank, a line break") as caught:
        find({**beside, option: f"hunter2{blemish}"})
    assert "hunter2" not in str(caught.value)


def test_a_password_may_hold_anything() -> None:
    assert find({**LOGIN, "hwc_user_password": " \u4f60\n"}).password == " \u4f60\n"


@pytest.mark.parametrize("options", [{**KEY, "hwc_security_token": "st"}, LOGIN, {"hwc_auth_token": "tok"}], ids=repr)
def test_secrets_are_registered_and_not_shown(options: dict[str, str]) -> None:
    found = find(options)
    hidden = [options[name] for name in options if name not in ("hwc_access_key", "hwc_user_name", "hwc_domain_name")]
    assert sorted(found.secrets()) == sorted(hidden)
    for secret in hidden:
        assert f"'{secret}'" not in repr(found)


@pytest.mark.parametrize(
    ("option", "environ", "value"),
    [
        ("hwc_region", {"HWC_REGION": "a", "HW_REGION_NAME": "b", "OS_REGION_NAME": "c"}, "a"),
        ("hwc_region", {"HW_REGION_NAME": "b", "OS_REGION_NAME": "c"}, "b"),
        ("hwc_region", {"HWC_REGION": "", "OS_REGION_NAME": "c"}, "c"),
        ("hwc_project_id", {"HUAWEICLOUD_SDK_PROJECT_ID": "a", "HW_PROJECT_ID": "b", "OS_PROJECT_ID": "c"}, "a"),
        ("hwc_project_name", {"HW_PROJECT_NAME": "b", "OS_PROJECT_NAME": "c"}, "b"),
        ("hwc_project_name", {}, None),
    ],
)
def test_a_setting_comes_from_its_option_or_its_first_variable(
    option: str, environ: dict[str, str], value: str | None
) -> None:
    assert credentials.setting(option, {option: None}, environ) == value
    assert credentials.setting(option, {option: ""}, environ) == value
    assert credentials.setting(option, {option: "given"}, environ) == "given"


def test_no_variable_begins_with_ansible() -> None:
    names = [name for variables in credentials.ENVIRONMENT.values() for name in variables]
    assert [name for name in names if name.startswith("ANSIBLE_")] == []


# The project: what an option says comes before what lies about, also when it is said in another way


IDS = {"HUAWEICLOUD_SDK_PROJECT_ID": "env-id"}
NAMES = {"HW_PROJECT_NAME": "env-name"}
AGENCY = {"hwc_agency_name": "ops", "hwc_agency_domain_name": "theirs"}
AGENCY_ENV = {"HW_ASSUME_ROLE_AGENCY_NAME": "ops", "HW_ASSUME_ROLE_DOMAIN_NAME": "theirs"}
REGION = {"hwc_region": "cn-east-3"}


@pytest.mark.parametrize(
    ("options", "environ", "project"),
    [
        ({}, {}, WantedProject()),
        ({}, IDS, WantedProject("env-id")),
        ({}, {**IDS, **NAMES}, WantedProject("env-id", "env-name")),
        ({"hwc_project_id": "id"}, {**IDS, **NAMES}, WantedProject("id")),
        ({"hwc_project_name": "name"}, {**IDS, **NAMES}, WantedProject(None, "name")),
        ({"hwc_project_name": "name", "hwc_project_id": "id"}, IDS, WantedProject("id", "name")),
        ({"hwc_project_name": ""}, IDS, WantedProject("env-id")),
        # The project of the environment is not one of the account whose agency an option names.
        (AGENCY, {**IDS, **NAMES}, WantedProject()),
        ({**AGENCY, "hwc_project_id": "id"}, IDS, WantedProject("id")),
        ({**AGENCY, "hwc_project_name": "name"}, IDS, WantedProject(None, "name")),
        # An agency of the environment and its project belong together.
        ({}, {**AGENCY_ENV, **IDS}, WantedProject("env-id")),
        ({"hwc_agency_duration": 900}, {**AGENCY_ENV, **IDS}, WantedProject("env-id")),
        ({"hwc_agency_domain_name": "theirs"}, {**AGENCY_ENV, **IDS}, WantedProject("env-id")),
        ({"hwc_agency_domain_name": "others"}, {**AGENCY_ENV, **IDS}, WantedProject()),
        ({"hwc_agency_domain_id": "others-id"}, {**AGENCY_ENV, **IDS, **NAMES}, WantedProject()),
        ({"hwc_agency_domain_id": "others-id", "hwc_project_id": "id"}, {**AGENCY_ENV, **IDS}, WantedProject("id")),
        # A project belongs to a region.
        (REGION, {**IDS, "HWC_REGION": "cn-north-4"}, WantedProject()),
        (REGION, {**IDS, "HWC_REGION": "cn-east-3"}, WantedProject("env-id")),
        (REGION, IDS, WantedProject("env-id")),
        ({}, {**IDS, "HWC_REGION": "cn-north-4"}, WantedProject("env-id")),
        ({**REGION, "hwc_project_id": "id"}, {**IDS, "HWC_REGION": "cn-north-4"}, WantedProject("id")),
    ],
    ids=repr,
)
def test_the_project(options: dict[str, t.Any], environ: dict[str, str], project: WantedProject) -> None:
    assert found(options, **{**SDK, **environ}).project == project


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"hwc_agency_duration": 900}, {"duration": 900}),
        ({"hwc_agency_domain_name": "mine"}, {"domain_name": "mine", "domain_id": None}),
        ({"hwc_agency_domain_id": "mine"}, {"domain_name": None, "domain_id": "mine"}),
    ],
)
def test_options_of_an_agency_hold_for_that_of_the_environment(
    options: dict[str, t.Any], changed: dict[str, t.Any]
) -> None:
    environ = {**SDK, **AGENCY_ENV, "HW_ASSUME_ROLE_DOMAIN_ID": "env", "HW_ASSUME_ROLE_DURATION": "7200"}
    assert find(options, **environ) == find({}, **environ)._replace(**changed)


# Tokens of identity providers

OIDC = {
    "HUAWEICLOUD_OIDC_PROVIDER_URN": "iam::a:oidc-provider:p",
    "HUAWEICLOUD_OIDC_AGENCY_URN": "iam::a:agency:r",
    "HUAWEICLOUD_OIDC_TOKEN_FILE": "/run/token",
}
FILE = IdToken(file=UserFile("/run/token", "/run/token", True))
FEDERATION = {"HUAWEICLOUD_SDK_IDP_ID": "idp", "HUAWEICLOUD_SDK_ID_TOKEN_FILE": "/run/token"}


def oidc(**changed: t.Any) -> OidcAgency:
    usual = OidcAgency(
        "iam::a:oidc-provider:p",
        "iam::a:agency:r",
        FILE,
        credentials.SESSION_NAME,
        3600,
        None,
        (),
        "environment (OIDC)",
    )
    return usual._replace(**changed)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (OIDC, oidc()),
        ({**OIDC, "HUAWEICLOUD_OIDC_SESSION_NAME": "me"}, oidc(session_name="me")),
        ({**OIDC, "HUAWEICLOUD_OIDC_DURATION_SECONDS": "900"}, oidc(duration=900)),
        ({**OIDC, "HUAWEICLOUD_OIDC_POLICY": "{}"}, oidc(policy="{}")),
        ({**OIDC, "HUAWEICLOUD_OIDC_POLICY_IDS": "a, b,,"}, oidc(policy_ids=("a", "b"))),
        # The token itself comes before its file, as in the official SDK.
        ({**OIDC, "HUAWEICLOUD_OIDC_ID_TOKEN": "jwt"}, oidc(id_token=IdToken("jwt"))),
        (FEDERATION, Federation("idp", FILE, "environment (identity provider)")),
        # The order of the official SDK; a ready token of Terraform's comes before all of it.
        ({**OIDC, **FEDERATION, **SDK, **PASSWORD}, oidc()),
        ({**FEDERATION, **SDK, **PASSWORD}, Federation("idp", FILE, "environment (identity provider)")),
        ({**OIDC, "HW_AUTH_TOKEN": "tok"}, Token("tok", "environment")),
        (dict.fromkeys(OIDC, "") | SDK, AccessKey("sdk-ak", "sdk-sk", None, "environment")),
    ],
)
def test_tokens_of_identity_providers(environ: dict[str, str], expected: t.Any) -> None:
    assert find({}, **environ) == expected


def test_a_token_of_an_identity_provider_is_a_secret() -> None:
    given = find({}, **{**OIDC, "HUAWEICLOUD_OIDC_ID_TOKEN": "top-secret"})
    assert given.secrets() == ["top-secret"]
    assert "top-secret" not in repr(given)
    assert given.id_token.read() == "top-secret"


@pytest.mark.parametrize(
    ("whole", "missing"), [(group, name) for group in (OIDC, FEDERATION) for name in sorted(group)]
)
def test_half_a_login_of_an_identity_provider_is_an_error(whole: dict[str, str], missing: str) -> None:
    environ = {name: value for name, value in whole.items() if name != missing}
    with pytest.raises(CredentialsError, match=f"variable .*{missing}.* is missing beside") as caught:
        find({}, **{**environ, **SDK})
    assert "belong together" in str(caught.value)


@pytest.mark.parametrize("seconds", ["899", "86401", "soon", "-1"])
def test_the_duration_of_a_key_of_an_identity_provider_has_bounds(seconds: str) -> None:
    with pytest.raises(
        CredentialsError, match="^HUAWEICLOUD_OIDC_DURATION_SECONDS must be between 900 and 86400 seconds, not"
    ):
        find({}, **{**OIDC, "HUAWEICLOUD_OIDC_DURATION_SECONDS": seconds})


# Pods


def test_the_agent_of_a_pod_is_asked_when_a_key_is_needed(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("pod-token\n")
    asked = []

    class Pod(Nowhere):
        def container(self, url: str, token: str, deadline: float) -> AccessKey:
            asked.append((url, token, deadline))
            return AccessKey("pod-ak", "pod-sk", "pod-st", "pod identity")

    environ = {
        **HOME,
        "HC_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1",
        "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
    }
    key = credentials.find({}, environ, Pod()).credentials
    assert isinstance(key, RefreshableKey)
    assert (key.source, asked) == ("pod identity", [])
    assert key.take(7.0).access_key == "pod-ak"
    assert asked == [("http://169.254.170.23/v1", "pod-token", 7.0)]
    assert find({}, **{**environ, **SDK}).source == "environment", "what is set for this run comes first"


@pytest.mark.parametrize("name", credentials.CONTAINER)
def test_an_incomplete_pod_configuration_is_an_error(name: str) -> None:
    with pytest.raises(CredentialsError, match=f"is missing beside {name}"):
        find({}, **{name: "http://169.254.170.23/v1"})


@pytest.mark.parametrize("duration", ["899", "86401", "1e3", "-900", "\u00b2\u00b3", "9" * 5000])
def test_a_key_lives_for_a_number_of_seconds(duration: str) -> None:
    with pytest.raises(
        CredentialsError, match="HUAWEICLOUD_OIDC_DURATION_SECONDS.* must be between 900 and 86400 seconds, not"
    ):
        find({}, **{**OIDC, "HUAWEICLOUD_OIDC_DURATION_SECONDS": duration})


def test_a_token_file_with_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    file = UserFile(f"{tmp_path}/a\0b", "a\0b", True)
    with pytest.raises(CredentialsError, match=r"a\\x00b cannot be read: no file can have this name"):
        file.token()


# What other tools know


@pytest.mark.parametrize("name", credentials.UNSUPPORTED)
def test_unsupported_credentials_that_were_found_are_named(name: str) -> None:
    with pytest.raises(CredentialsError, match=f"Found, but not supported: {name}") as caught:
        find({}, **{name: "top-secret"})
    assert "top-secret" not in str(caught.value)


def test_a_section_for_services_without_projects_is_named(tmp_path: Path) -> None:
    (tmp_path / ".huaweicloud").mkdir()
    (tmp_path / ".huaweicloud" / "credentials").write_text("[global]\nak = a\nsk = top-secret\ndomain_id = d\n")
    with pytest.raises(CredentialsError, match=r"not supported: ~/.huaweicloud/credentials \[global\]") as caught:
        find(HOME=str(tmp_path))
    assert "top-secret" not in str(caught.value)


def test_the_file_of_koocli_is_named(tmp_path: Path) -> None:
    (tmp_path / ".hcloud").mkdir()
    (tmp_path / ".hcloud" / "config.json").write_text("{}")
    with pytest.raises(CredentialsError, match=r"not supported: ~/.hcloud/config.json \(KooCLI encrypts it\)"):
        find(HOME=str(tmp_path))
