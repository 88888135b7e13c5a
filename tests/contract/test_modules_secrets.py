# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret in what Ansible prints at -vvvv, wherever it came from, whether the task succeeds or fails in any way.

Playbooks, not ad hoc commands: ansible-core 2.19 and newer print the literal arguments of a failing ad hoc command itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.rule import SWITCH
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils import running
from emulator import Emulator
from emulator.accounts import stable_id
from emulator.huawei.directory import Agency

from .modules import Modules

VAULT_PASSWORD = "the vault's own password"
#: What goes wrong, and the fault that does it; None is nothing.
PATHS: dict[str, dict[str, t.Any] | None] = {
    "success": None,
    "forbidden": {"what": "error", "status": 403, "code": "Forbidden", "message": "No permission."},
    "half a response": {"what": "truncated_json"},
    "redirect": {"what": "redirect"},
    "refused": {"what": "error", "status": 401, "code": "APIGW.0301", "message": "Incorrect authentication."},
}
QUERIES = {
    "hwc": [
        ("hwc_kps_task_info", {"list": "running"}),
        ("hwc_csms_task_info", {}),
        ("hwc_sms_passphrase_info", {"task_id": stable_id("migration-01")}),
    ],
    "ali": [
        ("ali_cloudsso_task_info", {"directory_id": "d-emulated0001"}),
        ("ali_cloudsso_task_status_info", {"directory_id": "d-emulated0001", "task_id": "t-1"}),
    ],
}


class Playbook:
    """A runner of playbooks at -vvvv.

    Args:
        modules: The emulator and the home directory.
        place: The directory for files.
        in_process: Run modules in the worker of the controller, or as modules.
    """

    def __init__(self, modules: Modules, place: Path, in_process: bool) -> None:
        self.modules = modules
        self.in_process = in_process
        self.place = place
        self.vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
        (place / "vault-password").write_text(VAULT_PASSWORD)

    def encrypt(self, text: str) -> str:
        """Return a variable as ansible-vault writes it."""
        lines = self.vault.encrypt(text.encode()).decode().splitlines()
        return "\n".join(["!vault |", *(f"  {line}" for line in lines)])

    def run(self, tasks: list[dict[str, t.Any]], variables: str = "", **environ: str) -> str:
        """Run tasks one after the other, failures included, and return everything that is printed."""
        play = [{"hosts": "localhost", "gather_facts": False, "vars_files": ["variables.yml"], "tasks": tasks}]
        (self.place / "playbook.yml").write_text(yaml.safe_dump(play))
        (self.place / "variables.yml").write_text(f"---\n{SWITCH}: {str(self.in_process).lower()}\n{variables}\n")
        log = self.place / "log"
        log.unlink(missing_ok=True)
        process = subprocess.run(
            ["ansible-playbook", "-i", "localhost,", "-c", "local", "-vvvv", "playbook.yml"],
            cwd=self.place,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "ANSIBLE_COLLECTIONS_PATH": str(collections()),
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
                "ANSIBLE_VAULT_PASSWORD_FILE": str(self.place / "vault-password"),
                "ANSIBLE_LOG_PATH": str(log),
                "HWC_METADATA_DISABLED": "true",
                "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
                "HWC_METADATA_ENDPOINT": "http://127.0.0.1:9",
                **self.modules.addresses(),
                **environ,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        printed = process.stdout + process.stderr + log.read_text()
        assert "PLAY RECAP" in printed, printed
        assert "unreachable=0" in printed
        return printed


def collections() -> Path:
    """Return the directory that holds ansible_collections, as it is found here."""
    return running.COLLECTIONS


@pytest.fixture(params=[True, False], ids=["in process", "as a module"])
def playbook(modules: Modules, tmp_path: Path, request: pytest.FixtureRequest) -> Playbook:
    """Return a runner of playbooks, for either way in which modules run."""
    place = tmp_path / "project"
    place.mkdir()
    return Playbook(modules, place, request.param)


def secrets(emulator: Emulator) -> dict[str, str]:
    """Return everything that must not be printed: the secrets of the clouds, and what was made of them meanwhile."""
    huawei, alibaba = emulator.huawei.directory, emulator.alibaba.ram
    found = {"passphrase": "emulated-passphrase-1", "password": emulator.user.password}
    found.update({f"secret of {key.access}": key.secret for key in huawei.access_keys.values()})
    found.update({f"secret of {key.access}": key.secret for key in alibaba.access_keys.values()})
    found.update({f"token of {key.access}": key.security_token or "" for key in huawei.access_keys.values()})
    found.update({f"token of {key.access}": key.security_token or "" for key in alibaba.access_keys.values()})
    found.update({f"IAM token {number}": text for number, text in enumerate(emulator.huawei.tokens)})
    return {name: text for name, text in found.items() if text}


def shown(emulator: Emulator, printed: str) -> list[str]:
    """Return the names of the secrets that were printed, also in the form that JSON gives them."""
    return [name for name, text in secrets(emulator).items() if text in printed or json.dumps(text)[1:-1] in printed]


def tasks(cloud: str, options: dict[str, str]) -> list[dict[str, t.Any]]:
    """Return one task for each query of a cloud, and one that waits; failures are let pass."""
    waited: dict[str, t.Any] = {
        "service": "csms",
        "task_id": "t-1",
        "timeout": 0,
        "not_found_grace": 0,
        "on_failure": "return",
    }
    if cloud == "ali":
        waited.update(service="cloudsso", directory_id="d-emulated0001")
    return [
        {
            f"multicloud.async_tasks.{module}": {f"{cloud}_timeout": 1, **own, **options},
            "ignore_errors": True,
            # As every example says; without it the passphrase is printed, for it must be handed over.
            **({"no_log": True} if module == "hwc_sms_passphrase_info" else {}),
        }
        for module, own in [*QUERIES[cloud], ("wait_for_task", waited)]
    ]


def keys(emulator: Emulator, cloud: str) -> dict[str, str]:
    """Return temporary keys of a cloud, by option."""
    if cloud == "hwc":
        key = emulator.huawei.directory.temporary_key(emulator.user.id, emulator.domain.id, 3600)
        names = ("hwc_access_key", "hwc_secret_key", "hwc_security_token")
        return dict(zip(names, (key.access, key.secret, key.security_token or ""), strict=True))
    account = emulator.alibaba_account
    other = emulator.alibaba.ram.temporary_key(account.id, account.role.arn, 3600)
    names = ("ali_access_key_id", "ali_access_key_secret", "ali_security_token")
    return dict(zip(names, (other.access, other.secret, other.security_token or ""), strict=True))


VARIABLES = {
    "hwc_access_key": "HUAWEICLOUD_SDK_AK",
    "hwc_secret_key": "HUAWEICLOUD_SDK_SK",
    "hwc_security_token": "HUAWEICLOUD_SDK_SECURITY_TOKEN",
    "ali_access_key_id": "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ali_access_key_secret": "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ali_security_token": "ALIBABA_CLOUD_SECURITY_TOKEN",
}


def _files(modules: Modules, cloud: str, given: dict[str, str]) -> None:
    """Put a key into the file that its cloud's own tools read."""
    access, secret, token = given.values()
    if cloud == "hwc":
        path = modules.home / ".huaweicloud" / "credentials"
        text = f"[basic]\nak = {access}\nsk = {secret}\nsecurity_token = {token}\n"
    else:
        path = modules.home / ".aliyun" / "config.json"
        row = {"name": "default", "mode": "StsToken", "access_key_id": access, "access_key_secret": secret}
        text = json.dumps({"current": "default", "profiles": [{**row, "sts_token": token}]})
    path.parent.mkdir()
    path.write_text(text)


@pytest.mark.parametrize("source", ["environment", "file", "vault", "template"])
@pytest.mark.parametrize("cloud", ["hwc", "ali"])
def test_no_secret_is_printed(
    emulator: Emulator, modules: Modules, playbook: Playbook, cloud: str, source: str
) -> None:
    given = keys(emulator, cloud)
    options, variables, environ = {}, "", {}
    if source == "environment":
        environ = {VARIABLES[name]: text for name, text in given.items()}
    elif source == "file":
        _files(modules, cloud, given)
    elif source == "vault":
        options = {name: f"{{{{ vaulted_{name} }}}}" for name in given}
        variables = "\n".join(f"vaulted_{name}: {playbook.encrypt(text)}" for name, text in given.items())
    else:
        options = {name: f"{{{{ parts_{name} | join('') }}}}" for name in given}
        variables = "\n".join(f"parts_{name}: {json.dumps([text[:5], text[5:]])}" for name, text in given.items())
    for name, fault in PATHS.items():
        if source != "environment" and name not in ("success", "refused"):
            continue  # what goes wrong later is the same wherever a secret came from
        emulator.heal()
        if fault is not None:
            emulator.fail(**{"times": None, **fault})
        printed = playbook.run(tasks(cloud, options), variables, **environ)
        assert "failed=0" in printed
        assert ("ignored=0" in printed) == (name == "success"), printed
        assert shown(emulator, printed) == [], name
    emulator.heal()


@pytest.mark.parametrize("way", ["password", "agency", "wrong key", "role"])
def test_no_secret_is_printed_that_is_got_on_the_way(
    emulator: Emulator, modules: Modules, playbook: Playbook, way: str
) -> None:
    emulator.huawei.directory.agencies.append(Agency("ops", emulator.domain.id, emulator.domain.id))
    key, other = emulator.access_key, emulator.alibaba_account.access_key
    environ = {
        "password": {
            "HW_USER_NAME": emulator.user.name,
            "HW_USER_PASSWORD": emulator.user.password,
            "HW_DOMAIN_NAME": emulator.domain.name,
        },
        "agency": {
            "HUAWEICLOUD_SDK_AK": key.access,
            "HUAWEICLOUD_SDK_SK": key.secret,
            "HW_ASSUME_ROLE_AGENCY_NAME": "ops",
            "HW_ASSUME_ROLE_DOMAIN_NAME": emulator.domain.name,
        },
        "wrong key": {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": other.access,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": f"{other.secret}-but-wrong",
            "ALIBABA_CLOUD_SECURITY_TOKEN": "an invalid token",
        },
        "role": {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": other.access,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": other.secret,
            "ALIBABA_CLOUD_ROLE_ARN": emulator.alibaba_account.role.arn,
        },
    }[way]
    cloud = "hwc" if way in ("password", "agency") else "ali"
    for broken in (False, True):
        emulator.heal()
        if broken:
            emulator.fail("truncated_json", times=None)
        printed = playbook.run(tasks(cloud, {}), **environ)
        assert shown(emulator, printed) == []
        assert "an invalid token" not in printed
    emulator.heal()


def test_the_check_for_secrets_finds_one(emulator: Emulator, playbook: Playbook) -> None:
    key = emulator.access_key
    environ = {"HUAWEICLOUD_SDK_AK": key.access, "HUAWEICLOUD_SDK_SK": key.secret}
    (task,) = (one for one in tasks("hwc", {}) if "multicloud.async_tasks.hwc_sms_passphrase_info" in one)
    del task["no_log"]
    assert shown(emulator, playbook.run([task], **environ)) == ["passphrase"]
