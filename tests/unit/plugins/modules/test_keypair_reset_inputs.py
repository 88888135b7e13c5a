# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module keypair_reset_inputs, which is the documentation of an action plugin."""

from __future__ import annotations

from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import run_module


def test_it_does_not_run_as_a_module() -> None:
    result = run_module("keypair_reset_inputs", {})
    assert result["failed"] is True
    assert result["msg"].startswith("keypair_reset_inputs runs as an action plugin on the controller only")
