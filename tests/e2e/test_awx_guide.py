# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide on AWX, followed literally: from an AWX with nothing in it to the first job, and what its other files say."""

from __future__ import annotations

import json
import os
import sys
import typing as t
from pathlib import Path

import yaml

from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import credentials as huawei
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import COLLECTIONS

from .awx import TYPES, offered_playbooks
from .awx_api import Awx
from .conftest import Benches
from .guide import commands, files
from .jobs import AwxJob
from .running import Bench, Program
from .test_awx_setup import PYTHON

ROOT = TYPES.parents[2]
RESET = "multicloud key pair reset"
PLAN = "multicloud key pair plan"
WORKFLOW = "multicloud key pair reset with approval"


def follow(awx: Awx, bench: Bench, steps: t.Sequence[str]) -> Program:
    """Run commands of the guide in a shell that has ansible-core and the two collections, and return the last one."""
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(bench.directory),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([os.environ["AWX_COLLECTIONS"], str(COLLECTIONS)]),
        "ANSIBLE_NOCOWS": "1",
        "ANSIBLE_PIPELINING": "1",
        "HUAWEICLOUD_SDK_AK": bench.emulator.access_key.access,
        "HUAWEICLOUD_SDK_SK": bench.emulator.access_key.secret,
        **awx.environment,
    }
    # Modules of awx.awx would be compiled again for each of some fifty tasks.
    python = bench.write("python", PYTHON)
    python.chmod(0o755)
    for step in steps:
        program = Program(
            ["bash", "-c", f"{step} -e ansible_python_interpreter={python}"], environment, bench.directory
        ).wait()
        assert program.process.returncode == 0, f"{step}\n{program.output}\n{program.errors}"
    return program


def launch(awx: Awx, bench: Bench, ident: int, template: str) -> AwxJob:
    """Run a job template as it is in AWX, with the answers that its survey suggests."""
    item = awx.named("job_templates")[template]
    survey = awx.survey("job_templates", template)
    answers = {
        question["variable"]: str(question["default"]) for question in survey if question.get("default", "") != ""
    }
    hosts = {name: json.loads(host["variables"]) for name, host in awx.named("hosts").items()}
    (credential,) = awx.named("credentials").values()
    # The emulator is not where Huawei Cloud is.
    filled = {"huawei_cloud": {**credential["inputs"], "endpoint": bench.emulator.url}}
    variables = {**json.loads(item["extra_vars"] or "{}"), **answers}
    playbook = Path(item["playbook"])
    return AwxJob(bench, ident, playbook.stem, filled, variables, hosts=hosts, check=item["job_type"] == "check").run()


def test_ten_minutes_to_the_first_job(benches: Benches) -> None:
    bench = benches(2, fleet=False)
    ids = {name: bench.server(f"server-0{number}").id for number, name in ((1, "web-1"), (2, "web-2"))}
    setup = yaml.safe_load(files()["setup.yml"])
    assert list(setup["awx_setup_servers"]) == list(ids)
    # The servers and the key pair of the emulator, in the place of the user's.
    bench.write("setup.yml", {**setup, "awx_setup_servers": ids, "awx_setup_keypair_name": "new"})
    bench.write("credential.yml", files()["credential.yml"])
    # Not what installs the collections, nor the placeholders of address and token.
    steps = [step for step in commands() if step.startswith("ansible-playbook ")]
    assert len(steps) == 4
    with Awx(offered_playbooks(ROOT)) as awx:
        told = follow(awx, bench, steps[:3])
        assert f'Launch \\"{WORKFLOW}\\"' in told.output or f'Launch "{WORKFLOW}"' in told.output
        assert WORKFLOW in awx.named("workflow_job_templates")
        planned = launch(awx, bench, 1, PLAN)
        assert planned.status == "successful", planned.output
        assert bench.emulator.writes() == []
        assert planned.artifacts["keypair_reset_planned"] == 2
        done = launch(awx, bench, 2, RESET)
        assert done.status == "successful", done.output
        assert {server.key_name for server in bench.emulator.huawei.servers.values()} == {"new"}
        # The last command removes all of it, as test_awx_setup does; here it would take as long as a setup.
        assert steps[3:] == [f"{steps[0]} -e awx_setup_state=absent"]


def test_the_other_files_of_the_guide_say_what_there_is() -> None:
    found = {name: yaml.safe_load(text) for name, text in files().items() if name not in ("credential.yml",)}
    committed = yaml.safe_load((ROOT / "extensions" / "awx" / "execution-environment.yml").read_text())
    assert found["execution-environment.yml"] == committed
    pod = found["pod.yml"]["spec"]
    (worker,) = pod["containers"]
    # As AWX starts it (awx/main/tasks/receptor.py).
    assert worker["args"] == ["ansible-runner", "worker", "--private-data-dir=/runner"]
    assert {mount["name"] for mount in worker["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    passed = found["ansible-navigator.yml"]["ansible-navigator"]["execution-environment"]["environment-variables"][
        "pass"
    ]
    read = {variable for variables in huawei.ENVIRONMENT.values() for variable in variables}
    assert set(passed) <= read
