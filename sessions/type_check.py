# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of types: which files mypy reads together, and where it finds their imports."""

from __future__ import annotations

import sys

import nox

from sessions import tree
from sessions.environment import ROOT, own_place, run_each


def check(session: nox.Session) -> None:
    """Run mypy on the collection with its unit tests, on the other tests, and on the tools."""
    checked = ("ansible-core", "asyncssh", "awx_plugins.interfaces", "hypothesis", "pytest")
    session.install("mypy", *checked, "types-PyYAML", "types-requests")
    place = own_place(session)
    inside = tree.link(place, ROOT).relative_to(place)
    mypy = ["mypy", "--config-file", str(ROOT / ".mypy.ini"), *session.posargs]
    programs = ["emulator", "tests/e2e", "tests/contract"]
    programs += [f"tests/extended/{name}" for name in ("campaign", "keystone", "simulation")]
    # With the packages of .venv, because noxfile.py imports nox.
    tools = ["--python-executable", sys.executable, "noxfile.py", "sessions", "tests/conftest.py", "docs/sphinx"]
    # As Ansible imports it: ansible_collections.multicloud.async_tasks.plugins...
    with session.chdir(place):
        parts = [str(inside / part) for part in ("plugins", "tests/unit", "extensions")]
        run_each(session, [*mypy, *parts], env={"MYPYPATH": str(place)})
    run_each(session, [*mypy, *programs], env={"MYPYPATH": f"{place}:{ROOT}:tests"})
    for name in ("benchmark", "matrix", "mutants"):
        script = f"tests/extended/{name}"
        run_each(session, [*mypy, script], env={"MYPYPATH": f"{place}:{ROOT}:tests:{script}"})
    run_each(session, [*mypy, *tools])
