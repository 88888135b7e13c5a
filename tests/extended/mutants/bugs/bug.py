# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a bug."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Bug:
    """One bug.

    Attributes:
        name: For the command line and the table.
        what: What goes wrong, and for whom it does.
        file: The file to patch.
        old: Text that is in it exactly once.
        new: What to put there.
        tests: What pytest runs.
    """

    name: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
