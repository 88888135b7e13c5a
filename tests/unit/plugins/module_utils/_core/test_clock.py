# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clock of the machine."""

from __future__ import annotations

import time

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import SystemClock


def test_the_clock_of_the_machine_is_read() -> None:
    clock = SystemClock()
    assert abs(clock.time() - time.time()) < 60
    assert clock.monotonic() <= clock.monotonic()


def test_a_pause_of_zero_or_less_is_not_slept() -> None:
    SystemClock().sleep(-5.0)
    SystemClock().sleep(0.0)
