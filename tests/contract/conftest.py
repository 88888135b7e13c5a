# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the contract tests: an emulator whose clock a test moves, and the SDKs' clients."""

from __future__ import annotations

import dataclasses
import shutil
import time
import typing as t
from pathlib import Path

import pytest

from emulator import Emulator, ManualClock

from .modules import Modules
from .sdk import load


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that starts now, because the SDKs sign with the machine's time; it moves by ``advance`` only."""
    return ManualClock(time.time())


@pytest.fixture(scope="session")
def key_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a state directory with the two key pairs: generating them for each test would take most of its time."""
    directory = tmp_path_factory.mktemp("state")
    with Emulator(0, fleet=False, state_dir=directory):
        pass
    return directory


@pytest.fixture
def state_dir(key_store: Path, tmp_path: Path) -> Path:
    """Return a state directory for one test."""
    shutil.copytree(key_store / "keys", tmp_path / "state" / "keys")
    return tmp_path / "state"


@pytest.fixture
def emulator(clock: ManualClock, state_dir: Path) -> t.Iterator[Emulator]:
    """Start three servers without SSH; a task takes 10 seconds, a power job 5."""
    with Emulator(3, fleet=False, task_seconds=10, job_seconds=5, clock=clock, state_dir=state_dir) as running:
        yield running


@dataclasses.dataclass(frozen=True)
class HuaweiSdk:
    """The Huawei SDK: its modules, and clients that talk to the emulator."""

    emulator: Emulator
    models: dict[str, t.Any]

    def credentials(self, access: str, secret: str, project_id: str | None) -> t.Any:
        """Return project credentials."""
        basic = load("huaweicloudsdkcore.auth.credentials").BasicCredentials
        return basic(access, secret, project_id).with_iam_endpoint(self.emulator.url)

    def client(self, service: str, credentials: t.Any = None) -> t.Any:
        """Return a client of ``kps``, ``ecs``, ``iam``, ``csms`` or ``sms``, with the emulator's key unless told otherwise."""
        key, project = self.emulator.access_key, self.emulator.project
        if credentials is None and service == "iam":
            # IAM's operations are those of an account
            global_credentials = load("huaweicloudsdkcore.auth.credentials").GlobalCredentials
            credentials = global_credentials(key.access, key.secret, self.emulator.domain.id)
        if credentials is None:
            credentials = self.credentials(key.access, key.secret, project.id)
        builder = getattr(self.models[service], f"{service.capitalize()}Client").new_builder()
        return builder.with_credentials(credentials).with_endpoint(self.emulator.url).build()


@pytest.fixture
def huawei(emulator: Emulator) -> HuaweiSdk:
    """Return the Huawei SDK, pointed at the emulator."""
    modules = {
        "kps": "huaweicloudsdkkps.v3",
        "ecs": "huaweicloudsdkecs.v2",
        "iam": "huaweicloudsdkiam.v3",
        "csms": "huaweicloudsdkcsms.v1",
        "sms": "huaweicloudsdksms.v3",
    }
    return HuaweiSdk(emulator, {service: load(name) for service, name in modules.items()})


@dataclasses.dataclass(frozen=True)
class AlibabaSdk:
    """The Alibaba Cloud SDK for CloudSSO, with clients that talk to the emulator."""

    emulator: Emulator
    models: t.Any

    def client(
        self, access: str | None = None, secret: str | None = None, token: str | None = None, **settings: t.Any
    ) -> t.Any:
        """Return a client with the emulator's access key, unless told otherwise."""
        key = self.emulator.alibaba_account.access_key
        config = load("alibabacloud_tea_openapi.utils_models").Config(
            access_key_id=access or key.access,
            access_key_secret=secret or key.secret,
            security_token=token,
            endpoint=self.emulator.url.removeprefix("http://"),
            protocol="HTTP",
            region_id="cn-shanghai",
            **settings,
        )
        return load("alibabacloud_cloudsso20210515.client").Client(config)


@pytest.fixture
def alibaba(emulator: Emulator) -> AlibabaSdk:
    """Return the Alibaba Cloud SDK, pointed at the emulator."""
    return AlibabaSdk(emulator, load("alibabacloud_cloudsso20210515.models"))


@pytest.fixture
def modules(emulator: Emulator, tmp_path: Path) -> Modules:
    """Return the collection's modules, pointed at the emulator, with an empty home directory."""
    home = tmp_path / "home"
    home.mkdir()
    return Modules(emulator, home)
