# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential types for AWX: they follow its rules, they set what the modules read, and jobs work with nothing else."""

from __future__ import annotations

import copy
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import credentials as alibaba
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import credentials as huawei

from .awx import TYPES, CredentialType
from .conftest import Benches
from .running import tasks_of

ALL = [CredentialType.read(folder) for folder in sorted(TYPES.iterdir())]
BY_NAME = {kind.name: kind for kind in ALL}
#: Variables that clients read beside those of credentials.
ENDPOINTS = {"HWC_ENDPOINT", "ALI_ENDPOINT"}
ROLE_SPECS = TYPES.parents[2] / "roles" / "keypair_reset" / "meta" / "argument_specs.yml"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Return the private data directory of a job."""
    (tmp_path / "env").mkdir()
    return tmp_path


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_types_follow_the_rules_of_awx(kind: CredentialType) -> None:
    assert kind.problems() == []


#: Changes of a good type, and what AWX says to each (or would notice too late).
BROKEN: list[tuple[t.Callable[[CredentialType], t.Any], str]] = [
    (lambda kind: kind.inputs["fields"][0].pop("label"), "region: label is missing"),
    (lambda kind: kind.inputs["fields"][0].pop("id"), "a field without an id: id is missing"),
    (lambda kind: kind.inputs["fields"][0].update(dependencies=[]), "region: dependencies is not a key of a field"),
    (lambda kind: kind.inputs["fields"][0].update(type="number"), "region: number is not a type"),
    (lambda kind: kind.inputs["fields"][0].update(format="ssh"), "region: ssh is not a format"),
    (lambda kind: kind.inputs["fields"][0].update(type="boolean", secret=True), "region: secret is for text only"),
    (lambda kind: kind.inputs["fields"][0].update(default=5), "region: the default is not of its type"),
    (lambda kind: kind.inputs["fields"].append(kind.inputs["fields"][0]), "region: is there more than once"),
    (lambda kind: kind.inputs["fields"].append({"id": "tower", "label": "x"}), "tower: is reserved"),
    (lambda kind: kind.inputs.update(metadata=[]), "inputs: metadata is not a key"),
    (lambda kind: kind.inputs["required"].append("regoin"), "required: regoin is not a field"),
    (lambda kind: kind.injectors["env"].update(ANSIBLE_X="x"), "env.ANSIBLE_X: AWX does not inject this variable"),
    (lambda kind: kind.injectors["env"].update(PATH="x"), "env.PATH: AWX does not inject this variable"),
    (lambda kind: kind.injectors["env"].update(X="{{ regoin }}"), "env.X: 'regoin' is undefined"),
    (lambda kind: kind.injectors["env"].update(X="{{ region"), "env.X: unexpected end of template"),
    (lambda kind: kind.injectors["env"].update(X="{{ region | to_json }}"), "env.X: No filter named 'to_json'"),
    (lambda kind: kind.injectors.update(args={}), "injectors: args is not a kind of injector"),
    (
        lambda kind: kind.injectors.update(file={"template": "x", "template.y": "x"}),
        "file: template and template.NAME exclude each other",
    ),
    (lambda kind: kind.injectors.update(file={"key": "x"}), "file: key is not template or template.NAME"),
    (
        lambda kind: kind.injectors.update(file={"template.a": "x"}, extra_vars={"f": "{{ tower.filename.b }}"}),
        "extra_vars.f: 'dict object' has no attribute 'b'",
    ),
]


@pytest.mark.parametrize(("change", "problem"), BROKEN, ids=[problem for _change, problem in BROKEN])
def test_what_awx_rejects_is_noticed(change: t.Callable[[CredentialType], t.Any], problem: str) -> None:
    kind = copy.deepcopy(BY_NAME["huawei_cloud"])
    change(kind)
    assert any(found.startswith(problem) for found in kind.problems()), kind.problems()


@pytest.mark.parametrize(
    ("name", "client"), [("huawei_cloud", huawei), ("alibaba_cloud", alibaba)], ids=["huawei_cloud", "alibaba_cloud"]
)
def test_every_variable_is_one_that_the_modules_read(name: str, client: t.Any) -> None:
    read = {variable for variables in client.ENVIRONMENT.values() for variable in variables}
    assert set(BY_NAME[name].injectors["env"]) <= read | ENDPOINTS


@pytest.mark.parametrize("name", ["huawei_cloud", "alibaba_cloud"])
def test_every_field_reaches_the_job(name: str, job: Path) -> None:
    kind = BY_NAME[name]
    filled = {field: f"value-of-{field}" for field in kind.ids}
    environment, _arguments = kind.inject(filled, job)
    assert sorted(environment.values()) == sorted(filled.values())


@pytest.mark.parametrize("name", ["huawei_cloud", "alibaba_cloud"])
def test_a_field_that_is_left_empty_is_an_empty_variable(name: str, job: Path) -> None:
    kind = BY_NAME[name]
    filled = {field: f"value-of-{field}" for field in kind.inputs["required"]}
    environment, _arguments = kind.inject(filled, job)
    assert set(environment.values()) == {"", *filled.values()}
    assert set(environment) == set(kind.injectors["env"])


def test_keys_become_files_that_the_role_is_told_of(job: Path) -> None:
    kind = BY_NAME["ssh_key_pair"]
    environment, arguments = kind.inject(
        {"old_private_key": "old key\nof two lines", "new_private_key": "new key"}, job
    )
    assert environment == {}
    variables = yaml.safe_load(Path(arguments[1].removeprefix("@")).read_text())
    options = yaml.safe_load(ROLE_SPECS.read_text())["argument_specs"]["main"]["options"]
    assert set(variables) <= set(options)
    old, new = (variables[f"keypair_reset_{which}private_key_file"] for which in ("old_", ""))
    # Paths in the container: /runner is the private data directory.
    contents = [(job / "env" / Path(path).name).read_text() for path in (old, new)]
    assert contents == ["old key\nof two lines\n", "new key\n"]


def test_an_empty_field_for_a_key_becomes_no_file(job: Path) -> None:
    _environment, arguments = BY_NAME["ssh_key_pair"].inject({"old_private_key": "old key"}, job)
    variables = yaml.safe_load(Path(arguments[1].removeprefix("@")).read_text())
    assert variables["keypair_reset_private_key_file"] == ""


@pytest.mark.parametrize("login", ["access key", "password"])
def test_a_job_works_with_what_was_injected_and_nothing_else(benches: Benches, job: Path, login: str) -> None:
    bench = benches(0, fleet=False)
    key = bench.emulator.access_key
    logins = {
        "access key": {"access_key": key.access, "secret_key": key.secret, "project_id": bench.emulator.project.id},
        "password": {
            "user_name": "emulated-user",
            "user_password": "Emulated-Password-1",
            "domain_name": "emulated-account",
        },
    }
    filled = {"region": "cn-north-4", "endpoint": bench.emulator.url, **logins[login]}
    injected, _arguments = BY_NAME["huawei_cloud"].inject(filled, job)
    # The bench sets credentials of its own; here each of its variables is taken away.
    nothing: t.Any = dict.fromkeys(bench.emulator.environment(), "")
    program = bench.run(
        tasks_of({"multicloud.async_tasks.hwc_kps_keypair_info": {"name": "new"}, "register": "pair"}),
        **{**nothing, **injected},
    )
    assert program.process.returncode == 0, f"{program.output}\n{program.errors}"
    assert "ListKeypairDetail" in bench.requests()
