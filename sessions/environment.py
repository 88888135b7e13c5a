# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages that sessions install, and the environment in which playbooks find the collection and the emulator."""

from __future__ import annotations

import os
import re
import sys
import typing as t
from pathlib import Path

import nox
import nox.command

from sessions import tree, wheel_collection
from sessions.cores import Core

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "tools.txt"
#: The oldest requests and urllib3 that the collection supports: those of RHEL 9.
OLDEST_REQUESTS = ("requests==2.25.1", "urllib3==1.26.5", "PySocks")
PYTEST = ("pytest", "pytest-timeout", "pytest-xdist", "PyYAML")
E2E = ("ansible-builder", "ansible-rulebook", "ansible-runner", "awx_plugins.interfaces", "jq", *PYTEST)


def own_place(session: nox.Session) -> Path:
    """Return a directory of the session that is kept from run to run."""
    return Path(session.virtualenv.location) / "place"


def install_core(session: nox.Session, core: Core, *packages: str) -> None:
    """Install one release of ansible-core, and other packages as the lock pins them."""
    constraints = own_place(session) / "constraints.txt"
    constraints.parent.mkdir(exist_ok=True)
    lines = LOCK.read_text(encoding="utf-8").splitlines(keepends=True)
    constraints.write_text("".join(line for line in lines if not re.match("(ansible-core|resolvelib)==", line)))
    session.install(f"ansible-core=={core.release}", *packages, env={"UV_CONSTRAINT": str(constraints)})


def install_for_playbooks(session: nox.Session, *packages: str, core: Core | None = None) -> dict[str, str]:
    """Install what playbooks against the emulator need. Return the environment that finds the collection and the emulator."""
    wanted = ("-r", "tests/integration/requirements.txt", *packages)
    if core:
        install_core(session, core, *wanted)
    else:
        session.install("ansible-core", *wanted)
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return {"ANSIBLE_COLLECTIONS_PATH": str(tree.find(own_place(session), ROOT)), "PYTHONPATH": paths}


def before_path(environment: t.Mapping[str, str], path: Path) -> dict[str, str]:
    """Return the environment with a directory in front of those where Python looks for modules."""
    return {**environment, "PYTHONPATH": f"{path}{os.pathsep}{environment['PYTHONPATH']}"}


def with_oldest_requests(session: nox.Session, environment: t.Mapping[str, str]) -> dict[str, str]:
    """Install the oldest requests and urllib3 that are supported. Return the environment that finds them first."""
    # Apart from the session's environment: its other packages are those of the lock.
    oldest = own_place(session) / "oldest-requests"
    session.install("--target", str(oldest), *OLDEST_REQUESTS, env={"UV_CONSTRAINT": ""})
    return before_path(environment, oldest)


def awx_collection(session: nox.Session) -> dict[str, str]:
    """Unpack awx.awx apart from all other collections. Return the environment that tells the tests where it is."""
    target = own_place(session) / "awx"
    wheel_collection.fetch(ROOT / "requirements" / "awx.txt", "awx.awx", target)
    return {"AWX_COLLECTIONS": str(target)}


def ansible_test(session: nox.Session, core: Core, *commands: t.Sequence[str]) -> Path:
    """Run ansible-test without a container, on a copy of the checkout. Return the copy."""
    install_core(session, core)
    session.run("python", "sessions/seed_pip.py", sys.executable)
    copy = tree.copy(own_place(session), ROOT)
    color = "yes" if sys.stdout.isatty() else "no"
    with session.chdir(copy):
        for command in commands:
            session.run("ansible-test", *command, "--color", color)
    return copy


def run_each(session: nox.Session, *commands: t.Sequence[str], env: t.Mapping[str, str] | None = None) -> None:
    """Run all commands, whichever of them fail; then fail the session if one did."""
    failed = []
    for command in commands:
        try:
            session.run(*command, env=env)
        except nox.command.CommandFailed:
            failed.append(" ".join(command[:3]))
    if failed:
        session.error(f"failed: {', '.join(failed)}")


def run_pytest(session: nox.Session, *default: str, env: t.Mapping[str, str] | None = None) -> None:
    """Run pytest with the arguments of the session, and with the default ones unless those name tests."""
    names_tests = any(argument.startswith("tests/") for argument in session.posargs)
    arguments = session.posargs if names_tests else [*default, *session.posargs]
    session.run("pytest", *arguments, env=env, interrupt_timeout=10)
