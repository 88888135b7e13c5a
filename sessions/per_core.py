# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions that run with each release of ansible-core, and the one that measures coverage."""

from __future__ import annotations

import shutil
import typing as t

import nox

from sessions import plan
from sessions.cores import CORES, MAIN, Core
from sessions.environment import (
    E2E,
    ROOT,
    ansible_test,
    awx_collection,
    install_core,
    install_for_playbooks,
    run_pytest,
)

PROGRESS = "tests/e2e/test_progress.py"


def pytest_core(session: nox.Session, core: Core) -> None:
    """Run the unit tests under plain pytest."""
    install_core(session, core, "pytest", "pytest-cov", "pytest-xdist", "-r", "tests/unit/requirements.txt")
    session.run("pytest", "-p", "no:cacheprovider", *session.posargs)


def sanity(session: nox.Session, core: Core) -> None:
    """Run ansible-test sanity on every Python that is installed."""
    skip = [argument for test in core.skip for argument in ("--skip-test", test)]
    # The fixtures are recorded traffic, with the line ends of HTTP.
    exclude = ("--exclude", "tests/fixtures/")
    ansible_test(session, core, ["sanity", "--truncate", "0", *exclude, *skip, *session.posargs])


def units(session: nox.Session, core: Core) -> None:
    """Run ansible-test units: the only way to modules on Python 3.9 and 3.10."""
    ansible_test(session, core, ["units", "--venv", "--truncate", "0", *session.posargs])


def integration(session: nox.Session, core: Core) -> None:
    """Run ansible-test integration: every plugin from a playbook, against the emulator."""
    ansible_test(session, core, ["integration", "--venv", "--continue-on-error", "--truncate", "0", *session.posargs])


def e2e_core(session: nox.Session, core: Core) -> None:
    """Run end-to-end tests; without arguments those of the progress of a wait."""
    environment = {**install_for_playbooks(session, *E2E, core=core), **awx_collection(session)}
    run_pytest(session, PROGRESS, env=environment)


def both_ways(session: nox.Session, core: Core) -> None:
    """Run every integration target in the worker of the controller and as modules, and compare the results."""
    environment = install_for_playbooks(session, *E2E, core=core)
    tests = "tests/e2e/test_same_both_ways.py"
    session.run("pytest", "-n", "2", "--dist", "worksteal", tests, *session.posargs, env=environment)


for label, release in CORES.items():
    for function in (pytest_core, sanity, units, integration, e2e_core, both_ways):

        def run(session: nox.Session, function: t.Any = function, label: str = label) -> None:
            if reason := plan.missing_python(f"session-{label}"):
                session.skip(reason)
            function(session, CORES[label])

        run.__doc__ = f"{function.__doc__} (ansible-core {release.release})"
        kind = function.__name__.removesuffix("_core").replace("_", "-")
        nox.session(name=f"{kind}-{label}", default=False, python=release.python)(run)


@nox.session(default=False, python=CORES[MAIN].python)
def coverage(session: nox.Session) -> None:
    """Measure line and branch coverage of unit and integration tests together; HTML in build/coverage."""
    over = ["--venv", "--all", "--omit", "tests/*"]
    copy = ansible_test(
        session,
        CORES[MAIN],
        ["coverage", "erase", "--venv"],
        ["units", "--venv", "--coverage", "--python", CORES[MAIN].python or ""],
        ["integration", "--venv", "--coverage"],
        ["coverage", "html", *over],
        ["coverage", "report", "--show-missing", *over],
    )
    shutil.copytree(copy / "tests/output/reports/coverage", ROOT / "build/coverage", dirs_exist_ok=True)
