# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands for developers: ``./run`` lists them, ``./run NAME [ARGS]`` runs one."""

# The folder sessions/ contains the shared code, and the sessions for each ansible-core or that run by name only. antsibull-nox adds
# checks (antsibull-nox.toml). Its sessions for ansible-test need containers; those here use ansible-core from PyPI.

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import antsibull_nox
import nox
import nox.registry

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sessions import activate, documentation, locks, plan, suggest, tree, type_check
from sessions.environment import (
    E2E,
    LOCK,
    PYTEST,
    ROOT,
    awx_collection,
    before_path,
    install_for_playbooks,
    own_place,
    run_each,
    run_pytest,
)

# The lock constrains every installation. Not PIP_CONSTRAINT: the pip of ansible-test, which has its own pins, reads that.
os.environ["UV_CONSTRAINT"] = str(LOCK)
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"
nox.options.sessions = []
antsibull_nox.load_antsibull_nox_toml()

# --- Try it out


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Reset the key pairs of a fleet of real SSH servers behind the emulated cloud, and watch."""
    environment = install_for_playbooks(session)
    # A SIGTERM ends the emulator and its servers, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    session.run("python", "tests/e2e/demo.py", *session.posargs, env=environment, interrupt_timeout=10)


@nox.session(default=False)
def emulator(session: nox.Session) -> None:
    """Run the emulator of both clouds until Ctrl-C, for playbooks in a second shell; --help lists its options."""
    environment = install_for_playbooks(session)
    # The tasks that the guides query are there from the start.
    options = activate.write(session, environment, ["--history", *session.posargs])
    # A SIGTERM ends the emulator and its servers, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    session.run("python", "-m", "emulator", *options, env=environment, interrupt_timeout=3, terminate_timeout=10)


# --- Static checks


@nox.session(name="format", default=False, tags=["fix"])
def format_(session: nox.Session) -> None:
    """Rewrite Python files: ruff format, and the fixes of ruff check."""
    session.install("ruff")
    paths = session.posargs or ["."]
    session.run("ruff", "check", "--fix-only", *paths)
    session.run("ruff", "format", *paths)


@nox.session(default=False)
def style(session: nox.Session) -> None:
    """Check Python files with ruff, and YAML files with yamllint; ./run format fixes most of what ruff finds."""
    session.install("ruff", "yamllint")
    run_each(
        session, ("ruff", "check", "."), ("ruff", "format", "--check", "--diff", "."), ("yamllint", "--strict", ".")
    )


@nox.session(default=False)
def typing(session: nox.Session) -> None:
    """Check types with mypy, strictly: the collection with its unit tests, the other tests, and the tools."""
    type_check.check(session)


@nox.session(name="ansible-lint", default=False)
def ansible_lint(session: nox.Session) -> None:
    """Check playbooks, role and examples with ansible-lint, in its strictest profile."""
    session.install("ansible-lint", "ansible-core")
    # In a copy, and offline: collections/requirements.yml, which is for AWX, names the checkout itself.
    with session.chdir(tree.copy(own_place(session), ROOT)):
        environment = {"ANSIBLE_COLLECTIONS_PATH": str(own_place(session))}
        session.run("ansible-lint", "--offline", "--strict", *session.posargs, env=environment)


@nox.session(default=False, venv_backend="none")
def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments; with arguments, run antsibull-changelog with them."""
    session.run("antsibull-changelog", *(session.posargs or ["lint"]))


@nox.session(default=False, requires=plan.LINT, venv_backend="none")
def lint(session: nox.Session) -> None:
    """Run every static check."""


# --- Tests


@nox.session(default=False)
def unit(session: nox.Session) -> None:
    """Run the unit tests under plain pytest with the locked ansible-core: the session to run while you work."""
    session.install("ansible-core", "pytest", "pytest-cov", "pytest-xdist", "-r", "tests/unit/requirements.txt")
    session.run("pytest", *(session.posargs or ["-n", "auto"]))


@nox.session(default=False)
def contract(session: nox.Session) -> None:
    """Run the vendors' SDKs against the emulator, and compare our signatures and requests with those of the SDKs."""
    environment = install_for_playbooks(session, *PYTEST, "hypothesis", "PySocks", "-r", "requirements/contract.in")
    run_pytest(session, "tests/contract", env=environment)


@nox.session(default=False)
def e2e(session: nox.Session) -> None:
    """Run the role and playbooks on the fleet, ansible-runner as AWX lays it out, the execution environment."""
    environment = {**install_for_playbooks(session, *E2E), **awx_collection(session)}
    # More than there are cores, because tests wait for half of the time.
    run_pytest(session, "-n", "3", "--dist", "worksteal", "tests/e2e", env=environment)


@nox.session(default=False)
def simulation(session: nox.Session) -> None:
    """Run thousands of waits on a simulated clock: the cost and the delay of our engine beside other engines."""
    session.install("ansible-core", "pytest", "-r", "tests/unit/requirements.txt")
    run_pytest(session, "tests/extended/simulation")


@nox.session(default=False)
def matrix(session: nox.Session) -> None:
    """Try faults of networks and services on every kind of module: a selection, or all of them with --all."""
    environment = before_path(install_for_playbooks(session), own_place(session))
    session.run("python", "tests/extended/matrix/run.py", *session.posargs, env=environment, interrupt_timeout=10)


@nox.session(default=False, venv_backend="none")
def test(session: nox.Session) -> None:
    """Run everything that must pass before a change lands: the session of continuous integration."""
    plan.run_all(session)


# --- What is made from the checkout


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the HTML documentation in build/html; fetches packages only."""
    session.install(
        "ansible-core", "ansible-pygments", "antsibull-docs", "myst-parser", "sphinx", "sphinx-ansible-theme"
    )
    documentation.build(session)


@nox.session(default=False, venv_backend="none")
def build(session: nox.Session) -> None:
    """Build the collection's tarball in build/."""
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(ROOT / "build"))


@nox.session(default=False, venv_backend="none")
def lock(session: nox.Session) -> None:
    """Write the locks in requirements/ again; with --upgrade, with the newest release of everything."""
    locks.write(session)


# The sessions of each ansible-core, and those that run by name only, come last in the list.
from sessions import by_name, per_core  # noqa: F401 # pylint: disable=unused-import

# ./run gives one name; nox itself would list every session.
if sys.argv[1:2] == ["--session"] and (message := suggest.message(sys.argv[2], nox.registry.get())):
    sys.exit(message)
