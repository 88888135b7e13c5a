# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of services that can be waited for: every row opens, and says in what its ids are unique."""

from __future__ import annotations

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import FAILED, PENDING, SUCCESS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.registry import SERVICES
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._alibaba.alibaba import (
    DIRECTORY,
    ali_client,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import FakeTransport, client


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_backend(cloud: FakeTransport, service: str) -> None:
    entry = SERVICES[service]
    opened = ali_client(cloud) if entry.provider == "ali" else client(cloud)
    backend = entry.open(opened, {"directory_id": DIRECTORY})
    assert backend.service == service
    assert backend.endpoint.startswith("https://")
    assert backend.rate > 0
    assert set(backend.statuses) == {PENDING, SUCCESS, FAILED}
    statuses = [status for listed in backend.statuses.values() for status in listed]
    assert len(statuses) == len(set(statuses))
