# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins with the ``ssh`` program that prove something about one key.

A login is no proof when it uses a connection that is open already, another key than the one in question, or an agent; and a
refusal is none when the server did not see the key, or did not take its signature algorithm. ``arguments`` sorts out what a
user gives ssh, ``commands`` makes its command lines, ``transcript`` judges its log, ``logins`` says which login is tried when,
and ``program`` runs ssh. Only ``program`` touches the world.
"""

from __future__ import annotations

from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.commands import Target
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.logins import (
    UNTRIED,
    Login,
    describe,
    log_in_everywhere,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.program import SystemPrograms
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.transcript import ACCEPTED, REFUSED, UNPROVEN

__all__ = [
    "ACCEPTED",
    "REFUSED",
    "UNPROVEN",
    "UNTRIED",
    "Login",
    "SystemPrograms",
    "Target",
    "describe",
    "log_in_everywhere",
]
