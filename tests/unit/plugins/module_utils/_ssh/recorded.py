# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the real ssh, and the keys they were made with."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.keys import Key
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.transcript import Attempt, Finding, classify

_FILE = Path(__file__).resolve().parents[5] / "tests" / "fixtures" / "ssh-logins.json"
_RECORDED = json.loads(_FILE.read_text(encoding="utf-8"))
RUNS = {run["name"]: run for run in _RECORDED["runs"]}
#: The word that the servers were to print.
MARKER = "nonce"


def key(name: str) -> Key:
    """Copy a key to where the recorded logs have it."""
    return Key(f"/keys/{name}", "/private/0", _RECORDED["keys"][name])


def key_of(name: str) -> Key:
    """Return the key of a run."""
    return key(RUNS[name]["key"])


def attempt(name: str) -> Attempt:
    """Return a recorded run; ssh also ends the lines of its log with a carriage return."""
    run = RUNS[name]
    log, stderr, stdout = ("".join(f"{line}\r\n" for line in run[part]) for part in ("log", "stderr", "stdout"))
    return Attempt(run["status"], log, stderr, stdout, run["ended"])


def shown_by(name: str) -> Finding:
    """Return the classification of a recorded run, without the signature algorithms."""
    return classify(attempt(name), key_of(name), MARKER)._replace(signatures=None)
