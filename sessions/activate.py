# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that a second shell sources to use a running emulator."""

from __future__ import annotations

import typing as t
from pathlib import Path

import nox

from sessions.environment import ROOT


def write(session: nox.Session, environment: t.Mapping[str, str], options: list[str]) -> list[str]:
    """Write the file into the emulator's state directory. Return the options for the emulator.

    Args:
        session: The session whose programs the second shell finds.
        environment: The environment in which playbooks find the collection.
        options: The user's options for the emulator; ``--state-dir`` moves the state from build/emulator.
    """
    if "--state-dir" in options[:-1]:
        state = Path(options[options.index("--state-dir") + 1])
    else:
        state = ROOT / "build" / "emulator"
        options = [*options, "--state-dir", str(state)]
    state.mkdir(parents=True, exist_ok=True)
    activate = state / "activate"
    activate.write_text(
        f"# Source this in another shell: Ansible, the collection, and the address and keys of the emulator.\n"
        f'export PATH="{session.bin}:$PATH"\n'
        f'export ANSIBLE_COLLECTIONS_PATH="{environment["ANSIBLE_COLLECTIONS_PATH"]}"\n'
        f'export ANSIBLE_INVENTORY="{state.resolve()}/inventory.yml"\n'
        f'. "{state.resolve()}/env.sh"\n',
        encoding="utf-8",
    )
    shown = activate.relative_to(ROOT) if activate.is_relative_to(ROOT) else activate
    session.log(f"When it is ready, in a second shell: source {shown}")
    session.log("and then, for example: ansible localhost -m multicloud.async_tasks.hwc_kps_keypair_info")
    return options
