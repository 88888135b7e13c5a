# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins with the ``ssh`` program that verify whether a server accepts one key.

A login over an open connection, with another key or with an agent verifies nothing. A refusal counts only if the server was
offered this key and supports its signature algorithm.

* ``arguments`` parses the arguments of the user, ``commands`` makes the command lines, ``keys`` describes private keys.
* ``transcript`` classifies the log of one run of ssh, ``logins`` schedules the runs.
* ``program`` runs ssh and ssh-keygen; it is the only part with side effects.
"""

from __future__ import annotations

from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.commands import LoginTarget
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.logins import (
    UNTRIED,
    LoginResult,
    describe,
    log_in_everywhere,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.program import SystemPrograms
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.transcript import (
    ACCEPTED,
    REFUSED,
    UNVERIFIED,
)

__all__ = [
    "ACCEPTED",
    "REFUSED",
    "UNTRIED",
    "UNVERIFIED",
    "LoginResult",
    "LoginTarget",
    "SystemPrograms",
    "describe",
    "log_in_everywhere",
]
