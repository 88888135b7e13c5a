# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of modules in unit tests: in this process on a fake transport, or in a process of their own as Ansible does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible.module_utils.common.parameters import PASS_VARS

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _module
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC_OPTIONS
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    ACCESS_KEY,
    PROJECT,
    REGION,
    SECRET_KEY,
    FakeTransport,
)

#: No module that a test runs asks the metadata service of the machine that tests run on.
NO_METADATA = {"HWC_METADATA_DISABLED": "true", "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}


def defaults(argument_spec: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Return the parameters of a module to which no option was given."""
    return {name: spec.get("default") for name, spec in argument_spec.items()}


class Noted(t.NamedTuple):
    """The arguments of a run, and what it says beside its result."""

    params: dict[str, t.Any]
    no_log_values: set[str]
    warnings: list[str]


class ModuleRun:
    """One run of a module's ``execute`` on a scripted cloud.

    Args:
        cloud: What answers.
        options: The module's own options; those of the connection are an access key, a region and a project.
        check_mode: Whether nothing may be changed.
        diff_mode: Whether a diff is wanted.
        environ: The environment.
    """

    def __init__(
        self,
        cloud: FakeTransport,
        options: t.Mapping[str, t.Any],
        *,
        check_mode: bool = False,
        diff_mode: bool = False,
        environ: t.Mapping[str, str] | None = None,
    ) -> None:
        connection = {name: spec.get("default") for name, spec in HWC_OPTIONS.items()}
        connection.update(
            hwc_access_key=ACCESS_KEY, hwc_secret_key=SECRET_KEY, hwc_region=REGION, hwc_project_id=PROJECT
        )
        self.module = Noted({**connection, **options}, set(), [])
        self.context = _module.Context(
            self.module.params,
            check_mode=check_mode,
            diff_mode=diff_mode,
            on_warning=self.module.warnings.append,
            on_secret=self.module.no_log_values.add,
            environ=environ or {},
            clock=cloud.clock,
            rng=lambda: 0.5,
            connect=cloud.connect,
            threads=False,
        )

    def execute(self, function: t.Callable[[_module.Context], _module.Result | None]) -> dict[str, t.Any]:
        """Return the module's result; what it noted before an error is in ``context.result``."""
        self.context.result.update(function(self.context) or {})
        return self.context.result


#: Newer releases of ansible-core must be asked to tell a module's options in its result.
TELL: dict[str, t.Any] = {"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {}
#: The directory that holds ``ansible_collections``, wherever the tests run.
COLLECTIONS = Path(str(_module.__file__)).parents[5]


def run_module(
    name: str, options: t.Mapping[str, t.Any], *, source: str | None = None, **environ: str
) -> dict[str, t.Any]:
    """Run a module as Ansible does: a process of its own, its arguments as JSON on standard input.

    Args:
        name: The module, such as ``hwc_kps_task_info``.
        options: Its options; internal ones (``_ansible_check_mode``) are passed on.
        source: Python code to run in place of the module.
        environ: The environment, beside the path of the collection.
    """
    code = source or f"from ansible_collections.multicloud.async_tasks.plugins.modules.{name} import main; main()"
    path = os.pathsep.join([str(COLLECTIONS), *(place for place in sys.path if place)])
    process = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**TELL, **options}}),
        env={"PYTHONPATH": path, "PATH": os.environ.get("PATH", ""), **NO_METADATA, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.stdout.startswith("\n{"), process.stderr
    result: dict[str, t.Any] = json.loads(process.stdout)
    # Since ansible-core 2.22 a module tells the controller its secrets, which masks them in everything that is shown.
    shown = json.dumps(result)
    for secret in result.pop("_ansible_new_secrets", []):
        shown = shown.replace(json.dumps(secret)[1:-1], "********")
    result = json.loads(shown)
    result.pop("_ansible_new_secrets", None)
    assert (process.returncode == 0) == (not result.get("failed")), process.stderr
    return result
