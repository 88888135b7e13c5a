# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Suggest a session for a name that does not exist."""

from __future__ import annotations

import difflib
import typing as t


def message(name: str, known: t.Collection[str]) -> str:
    """Return what to tell a user who asked for a session that does not exist; empty if it exists.

    Args:
        name: The name on the command line. It may end with the Python of the session, as in ``unit-3.13``.
        known: The sessions.
    """
    if any(name == other or name.startswith((f"{other}-", f"{other}(")) for other in known):
        return ""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean ./run {near[0]}?" if near else "./run lists them."
    return f"There is no session {name}. {hint}"
