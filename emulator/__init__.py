# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An emulator of two clouds for tests: ``with Emulator(servers=3) as emulator: ...`` or ``python -m emulator``."""

from __future__ import annotations

from .app import Emulator
from .clock import Clock, ManualClock, SystemClock
from .faults import OUTCOME_FAULTS, RESPONSE_FAULTS, Fault

__all__ = ["OUTCOME_FAULTS", "RESPONSE_FAULTS", "Clock", "Emulator", "Fault", "ManualClock", "SystemClock"]
