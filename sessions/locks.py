# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files in requirements/ that pin every package of the tools."""

from __future__ import annotations

from pathlib import Path

import nox

from sessions.environment import ROOT

#: The lock, its sources, and further constraints: Keystone is installed beside the tools and must agree with them.
LOCKS = (
    ("dev", ("dev.in",), ()),
    ("tools", ("tools.in", "contract.in"), ()),
    ("keystone", ("keystone.in",), ("--constraint", "requirements/tools.txt")),
)


def write(session: nox.Session) -> None:
    """Resolve every lock, and mark each file as generated."""
    header = "".join((ROOT / "noxfile.py").read_text(encoding="utf-8").splitlines(keepends=True)[:3])
    for name, sources, constraints in LOCKS:
        target = Path("requirements", f"{name}.txt")
        paths = [str(target.with_name(source)) for source in sources]
        session.run(
            *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--no-header"),
            *(*constraints, *session.posargs, *paths, "--output-file", str(target)),
            env={"UV_CONSTRAINT": None},
        )
        locked = target.read_text(encoding="utf-8")
        target.write_text(f"{header}\n# Made by ./run lock from {' and '.join(sources)}: do not edit.\n{locked}")
