# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_kps_keypair_info."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.modules import hwc_kps_keypair_info
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    KPS,
    PROJECT,
    FakeTransport,
    error_response,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import ModuleRun

KEYPAIRS = f"{KPS}/v3/{PROJECT}/keypairs"


def result_of(cloud: FakeTransport, name: t.Any = None) -> dict[str, t.Any]:
    return ModuleRun(cloud, {"name": name}).execute(hwc_kps_keypair_info.execute)


def test_one_pair_is_shown(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {KEYPAIRS}/kp", {"keypair": {"name": "kp", "public_key": "ssh-rsa AAAA", "create_time": 1000}})
    assert result_of(cloud, "kp") == {
        "changed": False,
        "keypairs": [
            {"name": "kp", "public_key": "ssh-rsa AAAA", "create_time": 1000, "created": "1970-01-01T00:00:01Z"}
        ],
        "credentials_source": "options",
    }


def test_an_unknown_pair_is_an_empty_list(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {KEYPAIRS}/kp", error_response(400, "KPS.4016", "does not exist"))
    assert result_of(cloud, "kp")["keypairs"] == []


def test_all_pairs_are_listed(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {KEYPAIRS}?limit=50", {"keypairs": [{"keypair": {"name": "a"}}, {"keypair": {"name": "b"}}]})
    assert result_of(cloud)["keypairs"] == [{"name": "a"}, {"name": "b"}]


@pytest.mark.parametrize("name", ["", "a/b", "."])
def test_a_bad_name_is_refused_before_anything_is_sent(cloud: FakeTransport, name: str) -> None:
    with pytest.raises(UsageError, match="^name: "):
        result_of(cloud, name)
    assert cloud.requests == []
