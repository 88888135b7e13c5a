# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Keystone for all tests, an account of its own for each, and an emulated cloud with the same account and projects."""

from __future__ import annotations

import itertools
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from emulator import Emulator
from emulator.huawei.directory import Domain, Project

from .iam import Account, Keystone

PASSWORD = "administrator"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Keystone]:
    """Keystone, in a process of its own."""
    directory = tmp_path_factory.mktemp("keystone")
    command = [sys.executable, str(Path(__file__).with_name("server.py")), str(directory), PASSWORD]
    with (directory / "output").open("w") as output:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=output, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url, (directory / "output").read_text()
    yield Keystone(url, PASSWORD)
    process.terminate()
    process.wait(10)


@pytest.fixture
def account(keystone: Keystone) -> Account:
    """Return an account that no other test uses, so that it may be locked."""
    return keystone.add_account(f"account-{next(_NUMBERS)}")


@pytest.fixture
def emulator(keystone: Keystone, account: Account, tmp_path: Path) -> t.Iterator[Emulator]:
    """Return a cloud whose services believe Keystone's tokens; tasks take 20 seconds."""
    with Emulator(1, fleet=False, task_seconds=20, state_dir=tmp_path / "state") as running:
        directory = running.huawei.directory
        directory.add_domain(Domain(account.id, account.name))
        for name, project in account.projects.items():
            directory.add_project(Project(project, name, account.id))
        directory.foreign = keystone.whose
        running.huawei.sms.add(account.id, account.projects["cn-north-4"], "migration", id="m-1", passphrase="p-1")
        yield running


class Ask(t.Protocol):
    """A function that runs a module."""

    def __call__(self, module: str, options: dict[str, t.Any], **environ: str) -> dict[str, t.Any]:
        """Run a module with more variables; an empty one takes away what is usual."""


@pytest.fixture
def ask(keystone: Keystone, account: Account, emulator: Emulator, tmp_path: Path) -> Ask:
    """Return a module as a process of its own, whose IAM is Keystone and whose services are emulated."""
    from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils import running

    usual = {
        "HOME": str(tmp_path),
        "HWC_ENDPOINT": emulator.url,
        "HWC_IAM_ENDPOINT": keystone.url,
        "HWC_REGION": "cn-north-4",
        "HW_USER_NAME": account.user,
        "HW_USER_PASSWORD": account.password,
        "HW_DOMAIN_NAME": account.name,
    }

    def run(module: str, options: dict[str, t.Any], **environ: str) -> dict[str, t.Any]:
        return running.run_module(module, options, **{**usual, **environ})

    return run
