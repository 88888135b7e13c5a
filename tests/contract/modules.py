# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's modules as processes of their own, pointed at the emulator."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils import running
from emulator import Emulator


class Modules:
    """A runner of modules.

    Args:
        emulator: The emulator that answers.
        home: The home directory of the user who runs them.
    """

    def __init__(self, emulator: Emulator, home: Path) -> None:
        self.emulator = emulator
        self.home = home

    def addresses(self) -> dict[str, str]:
        """Return the environment without anything to authenticate with."""
        everything = self.emulator.environment()
        kept = ("HWC_ENDPOINT", "HWC_REGION", "HUAWEICLOUD_SDK_PROJECT_ID", "ALI_ENDPOINT", "ALI_REGION")
        return {"HOME": str(self.home), **{name: everything[name] for name in kept}}

    def run(self, name: str, options: t.Mapping[str, t.Any], **environ: str) -> dict[str, t.Any]:
        """Run a module with the emulator's own access keys in the environment; returns its result, failed or not."""
        return running.run_module(name, options, **{**self.addresses(), **self.emulator.environment(), **environ})

    def run_with(self, name: str, options: t.Mapping[str, t.Any], **environ: str) -> dict[str, t.Any]:
        """Run a module with nothing to authenticate with but what is given here."""
        return running.run_module(name, options, **{**self.addresses(), **environ})
