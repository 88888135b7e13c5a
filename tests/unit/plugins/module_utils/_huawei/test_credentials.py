# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What requests are authenticated with: the order of the places, the order in each, and what is refused as half."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import credentials
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.credentials import Password, Token
from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import AccessKey

#: No file below it.
HOME = {"HOME": "/nonexistent"}
KEY = {"hwc_access_key": "ak", "hwc_secret_key": "sk"}
LOGIN = {"hwc_user_name": "user", "hwc_user_password": "hunter2", "hwc_domain_name": "account"}
SDK = {"HUAWEICLOUD_SDK_AK": "sdk-ak", "HUAWEICLOUD_SDK_SK": "sdk-sk"}
TERRAFORM = {"HW_ACCESS_KEY": "hw-ak", "HW_SECRET_KEY": "hw-sk"}
OPENSTACK = {"OS_ACCESS_KEY": "os-ak", "OS_SECRET_KEY": "os-sk"}
PASSWORD = {"HW_USER_NAME": "hw-user", "HW_USER_PASSWORD": "hw-pass", "HW_DOMAIN_NAME": "hw-account"}


def nothing_fetched() -> AccessKey:
    """The metadata service of a machine that is no ECS."""
    raise CredentialsError("there is none")


def find(options: t.Mapping[str, t.Any] | None = None, **environ: str) -> t.Any:
    every = dict.fromkeys(credentials.ENVIRONMENT)
    return credentials.find({**every, **(options or {})}, {**HOME, **environ}, nothing_fetched).credentials


@pytest.mark.parametrize(
    ("options", "environ", "found"),
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
        # Whose password it is, and in which account, is no secret.
        (
            {"hwc_user_name": "user", "hwc_domain_name": "account"},
            PASSWORD,
            Password("user", "hw-pass", "account", "environment"),
        ),
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
    options: dict[str, t.Any], environ: dict[str, str], found: t.Any
) -> None:
    assert find(options, **environ) == found


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
        ({"hwc_user_password": "hunter2", "hwc_user_name": "user"}, {}, "hwc_domain_name", "hwc_user_password"),
        ({}, {"HW_USER_PASSWORD": "hunter2", "HW_USER_NAME": "user"}, "HW_DOMAIN_NAME", "hwc_user_password"),
    ],
)
def test_half_an_identity_is_refused_by_the_names_of_both_halves(
    options: dict[str, t.Any], environ: dict[str, str], missing: str, given: str
) -> None:
    with pytest.raises(CredentialsError) as caught:
        find(options, **environ)
    assert missing in str(caught.value)
    assert f"missing beside {given}" in str(caught.value)
    assert "belong together" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("options", [{}, {"hwc_user_name": "user"}, {"hwc_region": "cn-north-4"}], ids=repr)
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
def test_what_cannot_be_sent_is_refused_and_not_shown(option: str, blemish: str) -> None:
    beside = {} if option == "hwc_auth_token" else KEY
    with pytest.raises(CredentialsError, match=r"\(options\) holds a blank, a line break") as caught:
        find({**beside, option: f"hunter2{blemish}"})
    assert "hunter2" not in str(caught.value)


def test_a_password_may_hold_anything() -> None:
    assert find({**LOGIN, "hwc_user_password": " \u4f60\n"}).password == " \u4f60\n"


@pytest.mark.parametrize("options", [{**KEY, "hwc_security_token": "st"}, LOGIN, {"hwc_auth_token": "tok"}], ids=repr)
def test_secrets_are_told_and_not_shown(options: dict[str, str]) -> None:
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
