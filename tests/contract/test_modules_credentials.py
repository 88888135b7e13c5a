# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of credentials a user may already have, on the emulated clouds: found, used, named, and never shown."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.registry import SERVICES
from emulator import Emulator
from emulator.alibaba.ram import Role
from emulator.huawei.directory import Agency, Domain, IdentityProvider, Project
from emulator.huawei.metadata import POD

from .modules import Modules
from .sdk import load

Query = tuple[str, dict[str, t.Any]]

HUAWEI: Query = ("hwc_kps_task_info", {"list": "running"})
ALIBABA = "ali_cloudsso_task_info"


@pytest.fixture(autouse=True)
def _at_the_time_of_the_machine(emulator: Emulator) -> None:
    """Return the keys that are made here live by the emulator's clock, which stands still at the time the test began."""
    assert abs(emulator.clock.time() - time.time()) < 60


def keep(modules: Modules, path: str, text: str) -> None:
    """Write a file below the home directory."""
    place = modules.home / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def ask(modules: Modules, query: Query, **environ: str) -> dict[str, t.Any]:
    """Run a module with nothing to authenticate with but what is given here."""
    return modules.run_with(query[0], query[1], **environ)


def check(result: dict[str, t.Any], source: str, *secrets: str | None) -> None:
    """Return a module worked, says where its credentials were found, and does not show them."""
    assert not result.get("failed"), result
    assert result["credentials_source"] == source
    shown = json.dumps(result)
    assert [secret for secret in secrets if secret and secret in shown] == []


# Huawei Cloud


@pytest.mark.parametrize(
    ("access", "secret", "token"),
    [
        ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", None),
        ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
        ("HW_ACCESS_KEY", "HW_SECRET_KEY", None),
        ("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN"),
        ("OS_ACCESS_KEY", "OS_SECRET_KEY", None),
    ],
)
def test_huawei_environment(emulator: Emulator, modules: Modules, access: str, secret: str, token: str | None) -> None:
    key = emulator.access_key
    if token:
        key = emulator.huawei.directory.temporary_key(emulator.user.id, emulator.domain.id, 3600)
    environ = {access: key.access, secret: key.secret}
    if token and key.security_token:
        environ[token] = key.security_token
    check(ask(modules, HUAWEI, **environ), "environment", key.secret, key.security_token)
    assert emulator.requests[-1].identity == key.access


def test_huawei_options(emulator: Emulator, modules: Modules) -> None:
    key = emulator.access_key
    options = {**HUAWEI[1], "hwc_access_key": key.access, "hwc_secret_key": key.secret}
    result = modules.run_with(HUAWEI[0], options, HUAWEICLOUD_SDK_AK="other", HUAWEICLOUD_SDK_SK="other")
    check(result, "options", key.secret)


@pytest.mark.parametrize("project", ["id", "name"])
def test_huawei_password(emulator: Emulator, modules: Modules, project: str) -> None:
    user = emulator.user
    environ = {
        "HW_USER_NAME": user.name,
        "HW_USER_PASSWORD": user.password,
        "HW_DOMAIN_NAME": emulator.domain.name,
    }
    if project == "name":
        environ["HUAWEICLOUD_SDK_PROJECT_ID"] = ""
    result = ask(modules, HUAWEI, **environ)
    check(result, "environment", user.password, *emulator.huawei.tokens)
    assert [entry.operation for entry in emulator.requests] == ["KeystoneCreateUserTokenByPassword", "ListRunningTask"]


def test_huawei_token(emulator: Emulator, modules: Modules) -> None:
    token = emulator.huawei.directory.issue_token(
        emulator.user, emulator.domain.id, emulator.project.id, domain_scope=False, methods=("password",)
    )
    check(ask(modules, HUAWEI, HW_AUTH_TOKEN=token.text), "environment", token.text)


@pytest.mark.parametrize("project", ["file", "lookup"])
def test_huawei_file(emulator: Emulator, modules: Modules, project: str) -> None:
    key = emulator.access_key
    text = f"[basic]\nak = {key.access}\nsk = {key.secret}\n"
    if project == "file":
        text += f"project_id = {emulator.project.id}\niam_endpoint = https://iam.invalid\n"
    keep(modules, ".huaweicloud/credentials", text)
    result = ask(modules, HUAWEI, HUAWEICLOUD_SDK_PROJECT_ID="")
    check(result, "~/.huaweicloud/credentials [basic]", key.secret)
    assert bool(emulator.requests.of("KeystoneListProjects")) == (project == "lookup")


@pytest.mark.parametrize("imds", ["v2", "v2 only", "v1"])
def test_huawei_metadata(emulator: Emulator, modules: Modules, imds: str) -> None:
    service = emulator.huawei.metadata
    service.agency = (emulator.user.id, emulator.domain.id)
    service.needs_token, service.has_tokens = imds == "v2 only", imds != "v1"
    # A proxy that cannot be asked, and is not tried twice, shows who would ask it.
    result = ask(
        modules,
        HUAWEI,
        HWC_METADATA_DISABLED="",
        HWC_METADATA_ENDPOINT=emulator.url,
        all_proxy="http://",
        no_proxy="",
        HWC_ENDPOINT="https://kms.example.com",
    )
    assert emulator.requests[1].operation == "GetSecurityKey"
    assert (result["failed"], "proxy" in result["msg"]) == (True, True)
    result = ask(modules, HUAWEI, HWC_METADATA_DISABLED="", HWC_METADATA_ENDPOINT=emulator.url)
    keys = emulator.huawei.directory.access_keys.values()
    check(result, "ECS metadata", *(key.secret for key in keys), *(key.security_token for key in keys))
    operations = [entry.operation for entry in emulator.requests]
    assert operations[-3:] == ["CreateMetadataToken", "GetSecurityKey", "ListRunningTask"]


@pytest.mark.parametrize("base", ["key", "password", "metadata"])
def test_huawei_agency(emulator: Emulator, modules: Modules, base: str) -> None:
    directory = emulator.huawei.directory
    theirs = directory.add_domain(Domain("their-domain", "their-account"))
    project = directory.add_project(Project("their-project", "cn-north-4", theirs.id))
    directory.agencies.append(Agency("ops", theirs.id, emulator.domain.id))
    environ = {
        "key": {"HUAWEICLOUD_SDK_AK": emulator.access_key.access, "HUAWEICLOUD_SDK_SK": emulator.access_key.secret},
        "password": {
            "HW_USER_NAME": emulator.user.name,
            "HW_USER_PASSWORD": emulator.user.password,
            "HW_DOMAIN_NAME": emulator.domain.name,
        },
        "metadata": {"HWC_METADATA_DISABLED": "", "HWC_METADATA_ENDPOINT": emulator.url},
    }[base]
    emulator.huawei.metadata.agency = (emulator.user.id, emulator.domain.id)
    options = {**HUAWEI[1], "hwc_agency_name": "ops", "hwc_agency_domain_name": "their-account"}
    result = modules.run_with(HUAWEI[0], options, HUAWEICLOUD_SDK_PROJECT_ID="", **environ)
    secrets = [key.secret for key in directory.access_keys.values()]
    check(result, f"{'ECS metadata' if base == 'metadata' else 'environment'}, agency", *secrets)
    assert f"/{project.id}/" in emulator.requests[-1].path


@pytest.fixture
def token_file(emulator: Emulator, modules: Modules) -> str:
    """Return a file with the token of an identity provider of both clouds, as its giver leaves it."""
    directory = emulator.huawei.directory
    directory.providers.append(IdentityProvider("idp", emulator.domain.id, ("workload",)))
    keep(modules, "token", f"{directory.issue_id_token(directory.providers[0], emulator.user.id)}\n")
    return str(modules.home / "token")


def oidc(emulator: Emulator, path: str) -> dict[str, str]:
    """Return the variables in the environment of a workload."""
    return {
        "HUAWEICLOUD_OIDC_PROVIDER_URN": emulator.huawei.directory.providers[0].urn,
        "HUAWEICLOUD_OIDC_AGENCY_URN": f"iam::{emulator.domain.id}:agency:workload",
        "HUAWEICLOUD_OIDC_TOKEN_FILE": path,
    }


def test_huawei_oidc(emulator: Emulator, modules: Modules, token_file: str) -> None:
    result = ask(modules, HUAWEI, HUAWEICLOUD_SDK_PROJECT_ID="", **oidc(emulator, token_file))
    keys = emulator.huawei.directory.access_keys.values()
    secrets = [*emulator.huawei.directory.id_tokens, *(key.secret for key in keys)]
    check(result, "environment (OIDC)", *secrets, *(key.security_token for key in keys))
    operations = [entry.operation for entry in emulator.requests]
    assert operations == ["AssumeAgencyWithOIDC", "KeystoneListProjects", "ListRunningTask"]


@pytest.mark.parametrize("place", ["environment", "file"])
def test_huawei_identity_provider(emulator: Emulator, modules: Modules, token_file: str, place: str) -> None:
    environ = {"HUAWEICLOUD_SDK_IDP_ID": "idp", "HUAWEICLOUD_SDK_ID_TOKEN_FILE": token_file}
    source = "environment (identity provider)"
    if place == "file":
        keep(modules, ".huaweicloud/credentials", "[basic]\nidp_id = idp\nid_token_file = ~/token\n")
        environ, source = {}, "~/.huaweicloud/credentials [basic]"
    result = ask(modules, HUAWEI, **environ)
    directory = emulator.huawei.directory
    keys = directory.access_keys.values()
    check(result, source, *directory.id_tokens, *directory.tokens, *(key.secret for key in keys))
    operations = [entry.operation for entry in emulator.requests]
    assert operations == ["CreateTokenWithIdToken", "CreateTemporaryAccessKeyByToken", "ListRunningTask"]


def test_huawei_pod(emulator: Emulator, modules: Modules) -> None:
    keep(modules, "token", "pod-token\n")
    emulator.huawei.metadata.pods["pod-token"] = (emulator.user.id, emulator.domain.id)
    environ = {
        "HC_CONTAINER_CREDENTIALS_FULL_URI": f"{emulator.url}{POD}",
        "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(modules.home / "token"),
    }
    keys = emulator.huawei.directory.access_keys.values()
    check(ask(modules, HUAWEI, **environ), "pod identity", "pod-token", *(key.secret for key in keys))
    assert [entry.operation for entry in emulator.requests] == ["GetPodSecurityKey", "ListRunningTask"]


@pytest.mark.parametrize("given", ["token", "agency", "nothing"])
def test_huawei_oidc_that_is_rejected(emulator: Emulator, modules: Modules, token_file: str, given: str) -> None:
    environ = oidc(emulator, token_file)
    if given == "token":
        keep(modules, "token", "top-secret-token")
    elif given == "agency":
        environ["HUAWEICLOUD_OIDC_AGENCY_URN"] = f"iam::{emulator.domain.id}:agency:other"
    else:
        keep(modules, "token", "")
    result = ask(modules, HUAWEI, **environ)
    words = "must hold a token" if given == "nothing" else "Check the token of the identity provider"
    assert (result["failed"], words in result["msg"]) == (True, True), result
    assert "top-secret-token" not in json.dumps(result)
    assert len(emulator.requests) == (given != "nothing")


WAIT = ("wait_for_task", {"service": "kps", "task_ids": [f"t-{number}" for number in range(30)], "timeout": 5})
PASSWORD = {"HW_USER_NAME": "emulated-user", "HW_USER_PASSWORD": "wrong", "HW_DOMAIN_NAME": "emulated-account"}


def test_a_wrong_password_is_sent_once_for_thirty_tasks(emulator: Emulator, modules: Modules) -> None:
    result = ask(modules, WAIT, **PASSWORD)
    assert (result["failed"], "hwc_user_password" in result["msg"]) == (True, True)
    assert [entry.operation for entry in emulator.requests] == ["KeystoneCreateUserTokenByPassword"]
    assert {task["state"] for task in result["tasks"]} == {"pending"}, "it is not the fault of the tasks"


def test_a_forbidden_look_up_of_the_project_is_sent_once(emulator: Emulator, modules: Modules) -> None:
    key = emulator.access_key
    environ = {"HUAWEICLOUD_SDK_AK": key.access, "HUAWEICLOUD_SDK_SK": key.secret, "HUAWEICLOUD_SDK_PROJECT_ID": ""}
    for query in (HUAWEI, WAIT):
        emulator.fail("error", operation="KeystoneListProjects", status=403, code="403", message="Not allowed.")
        emulator.requests.clear()
        result = ask(modules, query, **environ)
        assert (result["failed"], "hwc_project_id" in result["msg"]) == (True, True), result["msg"]
        assert [entry.operation for entry in emulator.requests] == ["KeystoneListProjects"]


def test_an_option_chooses_the_project_whatever_the_environment_says(emulator: Emulator, modules: Modules) -> None:
    key = emulator.access_key
    emulator.huawei.directory.add_project(Project("dev-project", "cn-north-4_dev", emulator.domain.id))
    environ = {"HUAWEICLOUD_SDK_AK": key.access, "HUAWEICLOUD_SDK_SK": key.secret}
    result = ask(modules, (HUAWEI[0], {**HUAWEI[1], "hwc_project_name": "cn-north-4_dev"}), **environ)
    check(result, "environment", key.secret)
    assert "/dev-project/" in emulator.requests[-1].path


@pytest.mark.parametrize("region", ["cn-north-4", "cn-east-3"])
def test_sms_with_a_password(emulator: Emulator, modules: Modules, region: str) -> None:
    emulator.huawei.directory.add_project(Project("east", "cn-east-3", emulator.domain.id))
    migration = next(iter(emulator.huawei.sms.tasks.values()))
    environ = {**PASSWORD, "HW_USER_PASSWORD": emulator.user.password, "HWC_REGION": region}
    query = ("hwc_sms_passphrase_info", {"task_id": migration.id})
    result = ask(modules, query, HUAWEICLOUD_SDK_PROJECT_ID="", **environ)
    check(result, "environment", emulator.user.password, *emulator.huawei.tokens)
    assert [entry.operation for entry in emulator.requests] == ["KeystoneCreateUserTokenByPassword", "ShowPassphrase"]


@pytest.mark.parametrize("status", [500, 503])
def test_a_metadata_service_that_fails_for_a_moment_is_asked_again(
    emulator: Emulator, modules: Modules, status: int
) -> None:
    emulator.huawei.metadata.agency = (emulator.user.id, emulator.domain.id)
    emulator.fail("error", operation="GetSecurityKey", status=status, code="x", message="busy", times=2)
    result = ask(modules, HUAWEI, HWC_METADATA_DISABLED="", HWC_METADATA_ENDPOINT=emulator.url)
    check(result, "ECS metadata")


def test_huawei_without_anything(emulator: Emulator, modules: Modules) -> None:
    for environ in ({}, {"HWC_METADATA_DISABLED": "", "HWC_METADATA_ENDPOINT": emulator.url}):
        result = ask(modules, HUAWEI, **environ)
        assert result["failed"]
        for name in ("hwc_access_key", "HUAWEICLOUD_SDK_AK", "hwc_auth_token", "hwc_user_password"):
            assert name in result["msg"]
    assert "Please configure Cloud Service Agency first" in result["msg"]


# Alibaba Cloud


@pytest.fixture
def query(emulator: Emulator) -> Query:
    """Return a module and its own options."""
    return ALIBABA, {"directory_id": emulator.alibaba_account.directory.id}


@pytest.mark.parametrize(
    ("access", "secret", "token"),
    [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"),
        ("ALICLOUD_ACCESS_KEY", "ALICLOUD_SECRET_KEY", "ALICLOUD_SECURITY_TOKEN"),
        ("ALIBABACLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_SECRET", "ALIBABACLOUD_SECURITY_TOKEN"),
    ],
)
@pytest.mark.parametrize("temporary", [False, True], ids=["permanent", "temporary"])
def test_alibaba_environment(
    emulator: Emulator, modules: Modules, query: Query, access: str, secret: str, token: str, temporary: bool
) -> None:
    account = emulator.alibaba_account
    key = account.access_key
    if temporary:
        key = emulator.alibaba.ram.temporary_key(account.id, account.role.arn, 3600)
    environ = {access: key.access, secret: key.secret, token: key.security_token or ""}
    check(ask(modules, query, **environ), "environment", key.secret, key.security_token)


def profile(emulator: Emulator, mode: str) -> dict[str, t.Any]:
    """Return a profile of the command line."""
    account = emulator.alibaba_account
    key = account.access_key
    if mode == "StsToken":
        key = emulator.alibaba.ram.temporary_key(account.id, account.role.arn, 3600)
    return {
        "name": "work",
        "mode": mode,
        "region_id": "cn-shanghai",
        "access_key_id": key.access,
        "access_key_secret": key.secret,
        "sts_token": key.security_token or "",
        "ram_role_arn": account.role.arn,
        "ram_session_name": "me",
        "expired_seconds": 900,
    }


@pytest.mark.parametrize(
    ("mode", "chosen"),
    [("AK", "current"), ("AK", "option"), ("AK", "variable"), ("StsToken", "current"), ("RamRoleArn", "current")],
)
def test_alibaba_profiles(emulator: Emulator, modules: Modules, query: Query, mode: str, chosen: str) -> None:
    row = profile(emulator, mode)
    document = {"current": "work" if chosen == "current" else "default", "profiles": [row]}
    keep(modules, ".aliyun/config.json", json.dumps(document))
    options = {**query[1], **({"ali_profile": "work"} if chosen == "option" else {})}
    environ = {"ALIBABA_CLOUD_PROFILE": "work"} if chosen == "variable" else {}
    result = modules.run_with(query[0], options, ALI_REGION="", **environ)
    keys = emulator.alibaba.ram.access_keys.values()
    check(result, "~/.aliyun/config.json [work]", *(key.secret for key in keys))
    assert bool(emulator.requests.of("AssumeRole")) == (mode == "RamRoleArn")


@pytest.mark.parametrize("kind", ["access_key", "ram_role_arn"])
def test_alibaba_ini(emulator: Emulator, modules: Modules, query: Query, kind: str) -> None:
    account = emulator.alibaba_account
    lines = [
        "[default]",
        f"type = {kind}",
        f"access_key_id = {account.access_key.access}",
        f"access_key_secret = {account.access_key.secret}",
        f"role_arn = {account.role.arn}",
        "role_session_name = me",
    ]
    keep(modules, ".alibabacloud/credentials.ini", "\n".join(lines))
    check(ask(modules, query), "~/.alibabacloud/credentials.ini [default]", account.access_key.secret)
    assert bool(emulator.requests.of("AssumeRole")) == (kind == "ram_role_arn")


@pytest.mark.parametrize("where", ["option", "variable"])
def test_alibaba_role(emulator: Emulator, modules: Modules, query: Query, where: str) -> None:
    account = emulator.alibaba_account
    options = {**query[1], **({"ali_role_arn": account.role.arn} if where == "option" else {})}
    environ = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": account.access_key.access,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": account.access_key.secret,
        **({"ALIBABA_CLOUD_ROLE_ARN": account.role.arn} if where == "variable" else {}),
    }
    result = modules.run_with(query[0], options, **environ)
    check(result, "environment, role", *(key.secret for key in emulator.alibaba.ram.access_keys.values()))
    assert [entry.operation for entry in emulator.requests] == ["AssumeRole", "ListTasks"]


def test_alibaba_role_with_an_external_id(emulator: Emulator, modules: Modules, query: Query) -> None:
    account = emulator.alibaba_account
    role = dataclasses.replace(account.role, name="partner", external_id="ours")
    emulator.alibaba.ram.roles.append(role)
    environ = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": account.access_key.access,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": account.access_key.secret,
        "ALIBABA_CLOUD_ROLE_ARN": role.arn,
    }
    refused = ask(modules, query, **environ)
    assert (refused["failed"], "ali_role_external_id" in refused["msg"]) == (True, True)
    assert len(emulator.requests) == 1
    check(ask(modules, query, ALIBABA_CLOUD_EXTERNAL_ID="ours", **environ), "environment, role")


@pytest.mark.parametrize("place", ["environment", "profile", "ini"])
def test_alibaba_oidc(emulator: Emulator, modules: Modules, query: Query, place: str) -> None:
    account, ram = emulator.alibaba_account, emulator.alibaba.ram
    provider = "acs:ram::1234567890123456:oidc-provider/ack"
    role = Role("workload", account.id, "", provider=provider)
    ram.roles.append(role)
    keep(modules, "token", f"{ram.issue_id_token(provider)}\n")
    path = str(modules.home / "token")
    environ, source = {}, "environment (OIDC)"
    if place == "environment":
        environ = {
            "ALIBABA_CLOUD_ROLE_ARN": role.arn,
            "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": provider,
            "ALIBABA_CLOUD_OIDC_TOKEN_FILE": path,
        }
    elif place == "profile":
        source = "~/.aliyun/config.json [default]"
        row = {"mode": "OIDC", "ram_role_arn": role.arn, "oidc_provider_arn": provider, "oidc_token_file": path}
        keep(
            modules, ".aliyun/config.json", json.dumps({"current": "default", "profiles": [{"name": "default", **row}]})
        )
    else:
        source = "~/.alibabacloud/credentials.ini [default]"
        lines = f"type = oidc_role_arn\nrole_arn = {role.arn}\noidc_provider_arn = {provider}\n"
        keep(modules, ".alibabacloud/credentials.ini", f"[default]\n{lines}oidc_token_file_path = {path}\n")
    result = ask(modules, query, **environ)
    keys = ram.access_keys.values()
    check(result, source, *ram.id_tokens, *(key.secret for key in keys), *(key.security_token for key in keys))
    assert [entry.operation for entry in emulator.requests] == ["AssumeRoleWithOIDC", "ListTasks"]
    keep(modules, "token", "top-secret-token")
    emulator.requests.clear()
    refused = ask(modules, query, **environ)
    assert (refused["failed"], "token of the identity provider" in refused["msg"]) == (True, True)
    assert "top-secret-token" not in json.dumps(refused)
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("setting", ["ali_region", "ALIBABA_CLOUD_STS_REGION"])
@pytest.mark.parametrize("region", ["x.evil.example/?a=", "cn-shanghai\n", "a" * 64, ".."])
def test_alibaba_regions_that_cannot_exist(
    emulator: Emulator, modules: Modules, query: Query, setting: str, region: str
) -> None:
    account = emulator.alibaba_account
    environ = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": account.access_key.access,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": account.access_key.secret,
        "ALIBABA_CLOUD_ROLE_ARN": account.role.arn,
        "ALI_ENDPOINT": emulator.url if setting == "ali_region" else "",
        "ALIBABA_CLOUD_ENDPOINT_CLOUDSSO": emulator.url,
    }
    options = {**query[1], **({setting: region} if setting == "ali_region" else {})}
    result = ask(modules, (query[0], options), **environ, **({} if setting == "ali_region" else {setting: region}))
    assert (result["failed"], "is not a region id" in result["msg"]) == (True, True), result
    assert len(emulator.requests) == 0


@pytest.mark.parametrize(
    ("where", "imds"),
    [("anything", "v2"), ("anything", "v2 only"), ("anything", "v1"), ("option", "v2"), ("profile", "v2 only")],
)
def test_alibaba_instance(emulator: Emulator, modules: Modules, query: Query, where: str, imds: str) -> None:
    service, role = emulator.alibaba.metadata, emulator.alibaba_account.role
    service.role = role
    service.needs_token, service.has_tokens = imds == "v2 only", imds != "v1"
    source = "ECS metadata"
    options = dict(query[1])
    if where == "option":
        options["ali_ecs_role_name"] = role.name
    if where == "profile":
        source = "~/.aliyun/config.json [default]"
        row = {"name": "default", "mode": "EcsRamRole", "ram_role_name": role.name}
        keep(modules, ".aliyun/config.json", json.dumps({"current": "default", "profiles": [row]}))
    environ = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "", "ALI_METADATA_ENDPOINT": emulator.url}
    result = modules.run_with(query[0], options, **environ)
    keys = emulator.alibaba.ram.access_keys.values()
    check(result, source, *(key.secret for key in keys), *(key.security_token for key in keys))
    assert bool(emulator.requests.of("ListMetadataRoles")) == (where == "anything")


def test_alibaba_hardened_instance(emulator: Emulator, modules: Modules, query: Query) -> None:
    emulator.alibaba.metadata.role = emulator.alibaba_account.role
    emulator.alibaba.metadata.has_tokens = False
    result = ask(
        modules,
        query,
        ALIBABA_CLOUD_ECS_METADATA_DISABLED="",
        ALI_METADATA_ENDPOINT=emulator.url,
        ALIBABA_CLOUD_IMDSV1_DISABLED="true",
    )
    assert "ALIBABA_CLOUD_IMDSV1_DISABLED demands one" in result["msg"]


def test_alibaba_without_anything(emulator: Emulator, modules: Modules, query: Query) -> None:
    for environ in ({}, {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "", "ALI_METADATA_ENDPOINT": emulator.url}):
        result = ask(modules, query, **environ)
        assert result["failed"]
        for name in ("ali_access_key_id", "ALIBABA_CLOUD_ACCESS_KEY_ID", "ali_profile", "ALIBABA_CLOUD_PROFILE"):
            assert name in result["msg"]


def test_alibaba_credentials_uri(emulator: Emulator, modules: Modules, query: Query) -> None:
    role = emulator.alibaba.metadata.role = emulator.alibaba_account.role
    uri = f"{emulator.url}/latest/meta-data/ram/security-credentials/{role.name}"
    result = ask(modules, query, ALIBABA_CLOUD_CREDENTIALS_URI=uri)
    keys = emulator.alibaba.ram.access_keys.values()
    check(result, "environment (credentials URI)", *(key.secret for key in keys))


# Through the official package


def test_alibaba_external_process(emulator: Emulator, modules: Modules, query: Query) -> None:
    load("alibabacloud_credentials")
    key = emulator.alibaba_account.access_key
    response = {"mode": "AK", "access_key_id": key.access, "access_key_secret": key.secret}
    keep(modules, "print-key.py", f"print({json.dumps(response)!r})\n")
    command = f"{sys.executable} {modules.home}/print-key.py"
    row = {"name": "default", "mode": "External", "process_command": command}
    keep(modules, ".aliyun/config.json", json.dumps({"current": "default", "profiles": [row]}))
    check(ask(modules, query), "~/.aliyun/config.json [default]", key.secret)


def test_alibaba_package_that_fails(emulator: Emulator, modules: Modules, query: Query) -> None:
    load("alibabacloud_credentials")
    row = {
        "name": "default",
        "mode": "CloudSSO",
        "cloud_sso_sign_in_url": "http://127.0.0.1:9/",
        "cloud_sso_account_id": "1",
        "cloud_sso_access_config": "ac",
        "access_token": "top-secret-token",
        "cloud_sso_access_token_expire": 1,
    }
    keep(modules, ".aliyun/config.json", json.dumps({"current": "default", "profiles": [row]}))
    result = ask(modules, query)
    assert "alibabacloud_credentials could not get a key for ~/.aliyun/config.json [default]" in result["msg"]
    assert "top-secret-token" not in json.dumps(result)


# Both in one


def test_wait_for_task_takes_the_credentials_of_the_right_cloud(emulator: Emulator, modules: Modules) -> None:
    key, other = emulator.access_key, emulator.alibaba_account.access_key
    options = {
        "hwc_access_key": key.access,
        "hwc_secret_key": key.secret,
        "ali_access_key_id": other.access,
        "ali_access_key_secret": other.secret,
        "timeout": 0,
        "not_found_grace": 0,
        "on_failure": "return",
        "progress": 0,
    }
    for service, entry in SERVICES.items():
        more = {"directory_id": emulator.alibaba_account.directory.id} if entry.within else {}
        result = modules.run_with("wait_for_task", {**options, **more, "service": service, "task_id": "t-unknown"})
        assert result["tasks"][0]["state"] == "missing", result
        expected = other.access if entry.provider == "ali" else key.access
        assert emulator.requests[-1].identity in (expected, "emulated-user"), emulator.requests[-1]
