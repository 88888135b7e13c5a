# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the unit tests: time, and a cloud whose script must have been followed to its end."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import FakeClock, FakeTransport


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock whose time never passes by itself."""
    return FakeClock()


@pytest.fixture
def cloud(clock: FakeClock) -> t.Iterator[FakeTransport]:
    """Yield a transport that follows a script, and check that the script was followed to its end."""
    scripted = FakeTransport(clock)
    yield scripted
    scripted.check()
