# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands for developers: ``./run`` lists them, ``./run NAME [ARGS]`` runs one."""

# The folder sessions/ contains their shared code. antsibull-nox adds the checks for all collections (antsibull-nox.toml). Its
# sessions for ansible-test need containers, so those here use the releases of ansible-core on PyPI.

from __future__ import annotations

import os
import shutil
import signal
import sys
import typing as t
from pathlib import Path

import antsibull_nox
import nox
import nox.registry

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sessions import activate, documentation, execution_environment, locks, plan, suggest, tree
from sessions.cores import CORES, MAIN, Core
from sessions.environment import (
    LOCK,
    ROOT,
    ansible_test,
    awx_collection,
    before_path,
    install_core,
    install_for_playbooks,
    own_place,
    run_each,
    with_oldest_requests,
)

# The lock constrains every installation. Not PIP_CONSTRAINT: the pip of ansible-test, which has its own pins, reads that.
os.environ["UV_CONSTRAINT"] = str(LOCK)
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"
nox.options.sessions = []
antsibull_nox.load_antsibull_nox_toml()

PYTEST = ("pytest", "pytest-timeout", "pytest-xdist", "PyYAML")
E2E = ("ansible-builder", "ansible-rulebook", "ansible-runner", "awx_plugins.interfaces", "jq", *PYTEST)
PROGRESS = "tests/e2e/test_progress.py"
TRANSPORT = ("tests/contract/test_transport.py", "tests/contract/test_proxies.py")


def pytest(session: nox.Session, *default: str, env: dict[str, str] | None = None) -> None:
    """Run pytest with the arguments of the session, and with the default ones unless those name tests."""
    names_tests = any(argument.startswith("tests/") for argument in session.posargs)
    arguments = session.posargs if names_tests else [*default, *session.posargs]
    session.run("pytest", *arguments, env=env, interrupt_timeout=10)


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
    pytest(session, PROGRESS, env=environment)


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


@nox.session(default=False)
def contract(session: nox.Session) -> None:
    """Run the vendors' SDKs against the emulator, and compare our signatures and requests with those of the SDKs."""
    environment = install_for_playbooks(session, *PYTEST, "hypothesis", "PySocks", "-r", "requirements/contract.in")
    pytest(session, "tests/contract", env=environment)


@nox.session(name="contract-oldest-requests", default=False)
def contract_oldest_requests(session: nox.Session) -> None:
    """Run the tests of the transport with the oldest requests and urllib3 that the collection supports."""
    environment = install_for_playbooks(session, "pytest")
    pytest(session, *TRANSPORT, env=with_oldest_requests(session, environment))


@nox.session(default=False)
def e2e(session: nox.Session) -> None:
    """Run the role and playbooks on the fleet, ansible-runner as AWX lays it out, the execution environment."""
    environment = {**install_for_playbooks(session, *E2E), **awx_collection(session)}
    # More than there are cores, because tests wait for half of the time.
    pytest(session, "-n", "3", "--dist", "worksteal", "tests/e2e", env=environment)


@nox.session(default=False)
def simulation(session: nox.Session) -> None:
    """Run thousands of waits on a simulated clock: the cost and the delay of our engine beside other engines."""
    session.install("ansible-core", "pytest", "-r", "tests/unit/requirements.txt")
    pytest(session, "tests/extended/simulation")


@nox.session(default=False)
def matrix(session: nox.Session) -> None:
    """Try faults of networks and services on every kind of module: a selection, or all of them with --all."""
    environment = before_path(install_for_playbooks(session), own_place(session))
    session.run("python", "tests/extended/matrix/run.py", *session.posargs, env=environment, interrupt_timeout=10)


@nox.session(default=False, venv_backend="none")
def test(session: nox.Session) -> None:
    """Run everything that must pass before a change lands: the session of continuous integration."""
    plan.run_all(session)


# --- Tests that run by name only


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
    pytest(session, "tests/extended/keystone", env=environment)


@nox.session(default=False)
def campaign(session: nox.Session) -> None:
    """Run the role under every fault and interruption, and on a fleet of 200: about an hour on two cores."""
    environment = install_for_playbooks(session, *PYTEST)
    pytest(session, "-n", "2", "tests/extended/campaign", env=environment)


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


# --- What is made from the checkout


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


# ./run gives one name; nox itself would list every session.
if sys.argv[1:2] == ["--session"] and (message := suggest.message(sys.argv[2], nox.registry.get())):
    sys.exit(message)
