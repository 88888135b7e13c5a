# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bugs that ``run`` puts into copies of the collection: those that other programs have, and our own near misses."""

from __future__ import annotations

from . import action, engine, fleet, responses, role, ssh, transport
from .bug import Bug
from .transport import MATRIX

BUGS = (*engine.BUGS, *fleet.BUGS, *action.BUGS, *responses.BUGS, *role.BUGS, *ssh.BUGS, *transport.BUGS)

__all__ = ["BUGS", "MATRIX", "Bug"]
