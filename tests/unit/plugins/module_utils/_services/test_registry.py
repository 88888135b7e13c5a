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
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import Cloud, client


@pytest.mark.parametrize("service", SERVICES)
def test_every_row_opens(cloud: Cloud, service: str) -> None:
    row = SERVICES[service]
    opened = ali_client(cloud) if row.provider == "ali" else client(cloud)
    source = row.open(opened, {"directory_id": DIRECTORY})
    assert source.service == service
    assert source.endpoint.startswith("https://")
    assert source.rate > 0
    assert set(source.statuses) == {PENDING, SUCCESS, FAILED}
    words = [word for words in source.statuses.values() for word in words]
    assert len(words) == len(set(words))


def test_which_services_there_are() -> None:
    assert list(SERVICES) == ["kps", "csms", "sms", "cloudsso", "ecs"]
    assert {service: row.within for service, row in SERVICES.items() if row.within} == {"cloudsso": ("directory_id",)}
    assert [service for service, row in SERVICES.items() if row.in_query] == ["cloudsso"]
