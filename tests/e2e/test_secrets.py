# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is printed at -vvvv by the modules that change something, by a wait, or by the role, whatever becomes of them."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.rule import SWITCH

from .conftest import Benches
from .running import Bench, Play, Program, tasks_of

VAULT_PASSWORD = "the vault's own password"
WRONG_KEY = "another/secret/key/that/is/wrong"
WRONG_PEM = "-----BEGIN RSA PRIVATE KEY-----\nAnotherPrivateKeyThatIsWrong\n-----END RSA PRIVATE KEY-----\n"


def vaulted(bench: Bench, variables: t.Mapping[str, str]) -> list[str]:
    """Return arguments that give variables from a vault."""
    secret = VaultSecret(VAULT_PASSWORD.encode())
    text = VaultLib([("default", secret)]).encrypt(yaml.safe_dump(dict(variables)), secret).decode()
    file = bench.write("vault.yml", text)
    return ["-e", f"@{file}", "--vault-password-file", str(bench.write("vault-password", VAULT_PASSWORD))]


def shown_of(program: Program, secrets: t.Mapping[str, str]) -> list[str]:
    """Return the secrets that were printed, whole or, if they have several lines, a line of them."""
    printed = program.output + program.errors
    return [
        name
        for name, secret in secrets.items()
        for line in secret.splitlines()
        if line and not line.startswith("-----") and line in printed
    ]


def lenient(module: str, options: t.Mapping[str, t.Any], **keywords: t.Any) -> Play:
    """Return a task that may fail."""
    return {f"multicloud.async_tasks.{module}": dict(options), "ignore_errors": True, **keywords}


def tasks(bench: Bench, private_key: str, root_password: str) -> list[Play]:
    """Return two tasks for each module that changes something or waits: one with good options, one with bad ones."""
    first, second = (bench.server(name).id for name in ("server-01", "server-02"))
    return [
        lenient("hwc_kps_keypair", {"name": "generated"}, no_log=True, register="pair"),
        lenient("hwc_kps_keypair", {"name": "generated", "public_key": "{{ pair.keypair.public_key }}"}),
        lenient("hwc_kps_keypair", {"name": "another", "hwc_secret_key": WRONG_KEY, "hwc_access_key": "AKWRONG"}),
        lenient(
            "hwc_kps_keypair_association",
            {"server_id": first, "keypair_name": "new", "private_key": private_key, "root_password": root_password},
            register="associated",
        ),
        lenient("hwc_kps_keypair_association", {"server_id": second, "keypair_name": "new", "private_key": WRONG_PEM}),
        lenient("hwc_ecs_server_power", {"server_id": second, "state": "stopped"}),
        lenient("hwc_ecs_server_power", {"server_ids": [first, "no-such-server"], "state": "stopped"}),
        lenient(
            "wait_for_task",
            {"service": "kps", "task_ids": "{{ associated.task_ids + ['no-such-task'] }}", "not_found_grace": 2}
            | {"progress": 1, "interval": 0.5},
        ),
    ]


@pytest.mark.parametrize(
    ("source", "in_process"),
    # Both ways, and each kind of source; the contract tests of the queries try all pairs.
    [("environment", True), ("file", False), ("vault", True), ("template", True), ("template", False)],
)
def test_modules_show_no_secret(benches: Benches, source: str, in_process: bool) -> None:
    bench = benches(2, fleet=False)
    real = bench.emulator.environment()
    access, secret = real["HUAWEICLOUD_SDK_AK"], real["HUAWEICLOUD_SDK_SK"]
    private_key, password = bench.emulator.key_path("old").read_text(), "Emulated-Root-Password-1"
    nothing = {"HUAWEICLOUD_SDK_AK": "", "HUAWEICLOUD_SDK_SK": ""}
    options: list[str] = []
    environment: dict[str, str] = {}
    defaults: dict[str, str] = {}
    key_option, password_option = private_key, password
    if source == "file":
        file = bench.write("credentials", f"[basic]\nak = {access}\nsk = {secret}\n")
        environment = {**nothing, "HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(file)}
    if source == "vault":
        options = vaulted(bench, {"my_secret": secret, "my_key": private_key, "my_password": password})
        environment, defaults = nothing, {"hwc_access_key": access, "hwc_secret_key": "{{ my_secret }}"}
    if source == "template":
        environment = {**nothing, "MY_SECRET": secret, "MY_PASSWORD": password}
        secret_option = "{{ lookup('ansible.builtin.env', 'MY_SECRET') }}"
        defaults = {"hwc_access_key": access, "hwc_secret_key": secret_option}
    if source in ("vault", "template"):
        key_file = bench.emulator.key_path("old")
        lookup = f"{{{{ lookup('ansible.builtin.file', '{key_file}', rstrip=false) }}}}"
        key_option = "{{ my_key }}" if source == "vault" else lookup
        password_option = (
            "{{ my_password }}" if source == "vault" else "{{ lookup('ansible.builtin.env', 'MY_PASSWORD') }}"
        )
    play = tasks_of(
        *tasks(bench, key_option, password_option),
        module_defaults={"group/multicloud.async_tasks.hwc": defaults},
        vars={SWITCH: in_process},
    )
    program = bench.run(play, "-vvvv", *options, **environment)
    assert program.process.returncode == 0, program.output
    # It has really come to all of it, successes and failures.
    assert program.recap["localhost"].items() >= {"ok": 8, "ignored": 4}.items(), program.output
    assert bench.server("server-01").key_name == "new"
    assert "KPS.6011" in program.output
    assert "returned HTTP 401" in program.output
    generated = next(pair for pair in bench.emulator.huawei.keypairs.values() if pair.name == "generated")
    assert generated.public_key
    secrets = {"secret key": secret, "wrong key": WRONG_KEY, "private key": private_key, "password": password}
    assert shown_of(program, {**secrets, "wrong private key": WRONG_PEM, "vault": VAULT_PASSWORD}) == []
    assert "PRIVATE KEY-----" not in program.output


def test_the_role_shows_no_secret(benches: Benches) -> None:
    bench = benches(2)
    bench.add("server-03", key_name=None, managed_key=None)
    bench.emulator.fail("task_fails", server="server-02", code="KPS.6009", message="Logging in failed")
    variables = {
        "keypair_reset_method": "auto",
        "keypair_reset_keypair_name": "new",
        "keypair_reset_private_key_file": str(bench.emulator.key_path("new")),
        "keypair_reset_old_private_key_file": str(bench.emulator.key_path("old")),
        "keypair_reset_root_password": "{{ my_password }}",
    }
    password = bench.server("server-03").password
    program = bench.role(variables, "-vvvv", *vaulted(bench, {"my_password": password})).wait()
    assert program.process.returncode == 2, program.output
    assert {host: row["result"] for host, row in bench.rows.items()} == {
        "server-01": "replaced",
        "server-02": "failed",
        "server-03": "bound",
    }
    keys = {name: bench.emulator.key_path(name).read_text() for name in ("old", "new")}
    secret = bench.emulator.access_key.secret
    assert shown_of(program, {**keys, "password": password, "secret key": secret, "vault": VAULT_PASSWORD}) == []
    for report in (bench.directory / "reports").iterdir():
        assert password not in report.read_text()
