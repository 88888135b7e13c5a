# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions that run by name only: they take long, or need what few machines have."""

from __future__ import annotations

import shutil

import nox

from sessions import execution_environment
from sessions.environment import (
    LOCK,
    PYTEST,
    ROOT,
    before_path,
    install_for_playbooks,
    own_place,
    run_pytest,
    with_oldest_requests,
)

TRANSPORT = ("tests/contract/test_transport.py", "tests/contract/test_proxies.py")


@nox.session(name="contract-oldest-requests", default=False)
def contract_oldest_requests(session: nox.Session) -> None:
    """Run the tests of the transport with the oldest requests and urllib3 that the collection supports."""
    environment = install_for_playbooks(session, "pytest")
    run_pytest(session, *TRANSPORT, env=with_oldest_requests(session, environment))


@nox.session(name="matrix-oldest-requests", default=False)
def matrix_oldest_requests(session: nox.Session) -> None:
    """Run the matrix with the oldest requests and urllib3 that the collection supports."""
    environment = with_oldest_requests(session, install_for_playbooks(session))
    environment = before_path(environment, own_place(session))
    session.run("python", "tests/extended/matrix/run.py", *session.posargs, env=environment, interrupt_timeout=10)


@nox.session(default=False)
def keystone(session: nox.Session) -> None:
    """Log in to OpenStack Keystone, on which Huawei Cloud's IAM is based, in place of the emulated IAM."""
    constraints = {"UV_CONSTRAINT": f"{LOCK} {LOCK.with_name('keystone.txt')}"}
    session.install("-r", "requirements/keystone.in", env=constraints)
    environment = install_for_playbooks(session, "pytest", "PyYAML")
    run_pytest(session, "tests/extended/keystone", env=environment)


@nox.session(default=False)
def campaign(session: nox.Session) -> None:
    """Run the role under every fault and interruption, and on a fleet of 200: about an hour on two cores."""
    environment = install_for_playbooks(session, *PYTEST)
    run_pytest(session, "-n", "2", "tests/extended/campaign", env=environment)


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Check that the unit tests fail when the code is wrong."""
    environment = install_for_playbooks(session, "pytest", "pytest-xdist", "-r", "tests/unit/requirements.txt")
    session.run("python", "tests/extended/mutants/run.py", *session.posargs, env=environment)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure time, CPU and requests beside other ways to do the same."""
    environment = install_for_playbooks(session, "matplotlib", "pytest", "-r", "requirements/contract.in")
    session.run("python", "tests/extended/benchmark/run.py", *session.posargs, env=environment, interrupt_timeout=10)


@nox.session(default=False)
def ee(session: nox.Session) -> None:
    """Build the execution environment with podman, with the collection of the checkout in it, and try it."""
    engine, problem = execution_environment.find_engine()
    if problem:
        session.skip(problem)
    session.install("ansible-builder", "ansible-core")
    directory = ROOT / "build" / "ee"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    session.run("ansible-galaxy", "collection", "build", "--output-path", str(directory), str(ROOT))
    (tarball,) = directory.glob("*.tar.gz")
    committed = ROOT / "extensions" / "awx" / "execution-environment.yml"
    definition = execution_environment.write_definition(committed, tarball, directory)
    options = ("--file", str(definition), "--context", str(directory / "context"), "--container-runtime", "podman")
    session.run("ansible-builder", "build", "--tag", "async-tasks-ee", *options, *session.posargs)
    for command in execution_environment.trials(engine, "async-tasks-ee"):
        session.run(*command, external=True)
