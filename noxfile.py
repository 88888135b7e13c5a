# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every developer command: ``./run`` lists them, ``./run NAME [ARGS]`` runs one.

antsibull-nox brings the checks that every collection has (antsibull-nox.toml). Its own ansible-test sessions need
containers and fetch ansible-core's sources, so those here are our own, on releases from PyPI.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import signal
import sys
import time
import typing as t
from pathlib import Path

import antsibull_nox
import nox
import nox.command

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tests" / "utils"))

import lanes
import tree

BUILD = ROOT / "build"
LOCK = ROOT / "requirements" / "tools.txt"

# Every installation of every session is constrained by the lock. Not PIP_CONSTRAINT: the pip of ansible-test would
# see that, and ansible-test has pins of its own.
os.environ["UV_CONSTRAINT"] = str(LOCK)
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"
nox.options.sessions = []


@dataclasses.dataclass(frozen=True)
class Core:
    """A release of ansible-core that the collection is tested with.

    Attributes:
        release: The very one.
        pythons: Where its controller runs and our tests do, best first; the first that is there is taken.
        skip: Sanity tests to leave out, and why.
    """

    release: str
    pythons: tuple[str, ...]
    skip: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def python(self) -> str | None:
        """The Python to take, or None when there is none."""
        return next((python for python in self.pythons if shutil.which(f"python{python}")), None)


OLD_STYLE = "has rules of style that later releases gave up"
ONCE = "slow, and the same everywhere: the main one is enough"
CORES = {
    "2.16": Core("2.16.19", ("3.11", "3.12"), {"empty-init": OLD_STYLE, "pep8": OLD_STYLE, "pylint": ONCE}),
    "2.19": Core("2.19.14", ("3.11", "3.12", "3.13"), {"pylint": ONCE}),
    "2.20": Core("2.20.10", ("3.12", "3.13"), {"pylint": ONCE}),
    "2.21": Core("2.21.5", ("3.13", "3.12")),
    "2.22": Core("2.22.0rc1", ("3.13",), {"pylint": "its requirements name an address outside PyPI"}),
}
MAIN = "2.21"
OLDEST = next(iter(CORES))
SECRETS = "tests/contract/test_modules_secrets.py"
#: Unit tests of code that imports nothing of Ansible (test_layers.py): one release of ansible-core is enough for them.
WITHOUT_ANSIBLE = tuple(
    f"tests/unit/plugins/module_utils/{part}" for part in ("_alibaba", "_http", "_huawei", "_services", "_ssh", "_wait")
)
PROGRESS = "tests/e2e/test_progress.py"
BOTH_WAYS = "tests/e2e/test_same_both_ways.py"
TRANSPORT = ("tests/contract/test_transport.py", "tests/contract/test_proxies.py")
#: The oldest requests and urllib3 that the collection supports, which are those of RHEL 9.
OLDEST_REQUESTS = ("requests==2.25.1", "urllib3==1.26.5", "PySocks")
#: What the end-to-end tests need beside what playbooks need.
E2E = (
    "ansible-builder",
    "ansible-runner",
    "awx_plugins.interfaces",
    "pytest",
    "pytest-timeout",
    "pytest-xdist",
    "PyYAML",
)
#: Where releases of ansible-core differ most: how documentation is read, plugins that run on the controller, the
#: arguments of modules.
OLDEST_SANITY = ("ansible-doc", "validate-modules", "runtime-metadata", "action-plugin-docs")
OLDEST_TARGETS = ("wait_for_task", "role_keypair_reset", "hwc_sms_passphrase_info")
#: Where modules run, oldest first.
MODULE_PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")

LINT = (
    "style",
    "typing",
    "docs-check",
    "license-check",
    "extra-checks",
    "changelog",
    "ansible-lint",
    "build-import-check",
)
Function = t.Callable[[nox.Session], None]
#: Why a session of ours cannot run here, by its name; empty when it can.
OFFERED: dict[str, str] = {}


def offer(
    name: str, *, needs: str = "noxfile.py", core: Core | None = None, **options: t.Any
) -> t.Callable[[Function], Function]:
    """Register a session: if what it runs is in the checkout, and to be skipped by name if no Python fits its core."""

    def decorate(function: Function) -> Function:
        if not any(ROOT.glob(needs)):
            return function
        missing = f"needs one of Python {', '.join(core.pythons)} on PATH" if core and not core.python else ""
        OFFERED[name] = missing

        def session(session: nox.Session) -> None:
            if missing:
                session.skip(missing)
            function(session)

        session.__doc__ = function.__doc__
        nox.session(name=name, default=False, python=core.python if core else None, **options)(session)
        return function

    return decorate


def own_place(session: nox.Session) -> Path:
    """A directory of the session that is kept from run to run."""
    return Path(session.virtualenv.location) / "place"


def install_core(session: nox.Session, core: Core, *packages: str) -> None:
    """Install one release of ansible-core, with everything that does not hang on it as the lock says."""
    constraints = own_place(session) / "constraints.txt"
    constraints.parent.mkdir(exist_ok=True)
    lines = LOCK.read_text(encoding="utf-8").splitlines(keepends=True)
    constraints.write_text("".join(line for line in lines if not re.match("(ansible-core|resolvelib)==", line)))
    session.install(f"ansible-core=={core.release}", *packages, env={"UV_CONSTRAINT": str(constraints)})


def workbench(session: nox.Session, *packages: str, core: Core | None = None) -> dict[str, str]:
    """Install what it takes to run playbooks against the emulator; returns the environment that finds both."""
    wanted = ("-r", "tests/integration/requirements.txt", *packages)
    if core:
        install_core(session, core, *wanted)
    else:
        session.install("ansible-core", *wanted)
    tree.link(own_place(session), ROOT)
    return {"ANSIBLE_COLLECTIONS_PATH": str(own_place(session)), "PYTHONPATH": str(ROOT / "tests")}


def attempt(session: nox.Session, *command: str, **options: t.Any) -> bool:
    """Run a command that is not the session's last, and say whether it succeeded."""
    try:
        session.run(*command, **options)
    except nox.command.CommandFailed:
        return False
    return True


def with_oldest_requests(session: nox.Session, environment: t.Mapping[str, str]) -> dict[str, str]:
    """Install the oldest requests and urllib3 that the collection supports; returns the environment that finds them first."""
    # Apart from the session's environment: its other packages are those of the lock.
    oldest = own_place(session) / "oldest-requests"
    session.install("--target", str(oldest), *OLDEST_REQUESTS, env={"UV_CONSTRAINT": ""})
    return {**environment, "PYTHONPATH": f"{oldest}{os.pathsep}{environment['PYTHONPATH']}"}


# --- Try it out


@offer("demo", needs="tests/e2e/demo.py")
def demo(session: nox.Session) -> None:
    """Reset the key pairs of a fleet of real SSH servers behind the emulated cloud, and watch."""
    session.run("python", "tests/e2e/demo.py", *session.posargs, env=workbench(session), interrupt_timeout=10)


@offer("emulator", needs="tests/emulator/__main__.py")
def emulator(session: nox.Session) -> None:
    """Run the emulator of both clouds until Ctrl-C, for playbooks in a second shell; --help tells its options."""
    environment = workbench(session)
    # What the guides query is there from the start.
    options = ["--history", *session.posargs]
    if "--state-dir" in options[:-1]:
        state = Path(options[options.index("--state-dir") + 1])
    else:
        state = BUILD / "emulator"
        options += ["--state-dir", str(state)]
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
    session.log(f"Once it is ready, in a second shell: source {shown}")
    session.log("and then, say: ansible localhost -m multicloud.async_tasks.hwc_kps_keypair_info")
    # Whoever ends this ends the emulator and its servers, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    session.run("python", "-m", "emulator", *options, env=environment, interrupt_timeout=3, terminate_timeout=10)


# --- Static checks

antsibull_nox.load_antsibull_nox_toml()
OFFERED.update(dict.fromkeys(("docs-check", "license-check", "extra-checks", "build-import-check"), ""))


@offer("format", tags=["fix"])
def format_(session: nox.Session) -> None:
    """Rewrite Python files: ruff format, and what ruff check can mend by itself."""
    session.install("ruff")
    paths = session.posargs or ["."]
    session.run("ruff", "check", "--fix-only", *paths)
    session.run("ruff", "format", *paths)


@offer("style")
def style(session: nox.Session) -> None:
    """Check Python files with ruff, and YAML files with yamllint; rewrites nothing."""
    session.install("ruff", "yamllint")
    passed = attempt(session, "ruff", "check", ".")
    passed &= attempt(session, "ruff", "format", "--check", "--diff", ".")
    passed &= attempt(session, "yamllint", "--strict", ".")
    if not passed:
        session.error("see above; ./run format mends much of what ruff finds")


@offer("typing")
def typing(session: nox.Session) -> None:
    """Check types with mypy, strictly: the collection with its unit tests, the other tests, and the tools."""
    packages = (
        "mypy",
        "ansible-core",
        "asyncssh",
        "awx_plugins.interfaces",
        "hypothesis",
        "pytest",
        "types-PyYAML",
        "types-requests",
    )
    session.install(*packages)
    place = own_place(session)
    inside = tree.link(place, ROOT).relative_to(place)
    mypy = ["mypy", "--config-file", str(ROOT / ".mypy.ini"), *session.posargs]
    # As Ansible imports them: ansible_collections.multicloud.async_tasks.plugins...
    collection = [str(inside / path) for path in existing("plugins", "tests/unit", "extensions")]
    # As they find each other when tests/ is on the path: emulator, e2e...
    programs = existing(
        *("tests/emulator", "tests/e2e", "tests/campaign", "tests/contract", "tests/identity", "tests/simulation")
    )
    # Scripts, which find what lies beside them.
    scripts = existing("tests/benchmark", "tests/matrix", "tests/mutants")
    # With the packages of .venv, for noxfile.py imports nox.
    tools = ["--python-executable", sys.executable, "noxfile.py", "tests/conftest.py", "tests/utils", "docs/sphinx"]
    with session.chdir(place):
        passed = attempt(session, *mypy, *collection, env={"MYPYPATH": str(place)})
    if programs:
        passed &= attempt(session, *mypy, *programs, env={"MYPYPATH": f"{place}:tests"})
    for script in scripts:
        passed &= attempt(session, *mypy, script, env={"MYPYPATH": f"{place}:tests:{script}"})
    passed &= attempt(session, *mypy, *tools, env={"MYPYPATH": "tests/utils"})
    if not passed:
        session.error("see above")


def existing(*directories: str) -> list[str]:
    """Those of the directories that hold Python files."""
    return [directory for directory in directories if any((ROOT / directory).rglob("*.py"))]


@offer("ansible-lint")
def ansible_lint(session: nox.Session) -> None:
    """Check playbooks, role and examples with ansible-lint, in its strictest profile."""
    session.install("ansible-lint", "ansible-core")
    # In a copy, and offline: collections/requirements.yml, which is for AWX, names the checkout itself.
    copy = tree.copy(own_place(session), ROOT)
    with session.chdir(copy):
        place = {"ANSIBLE_COLLECTIONS_PATH": str(own_place(session))}
        session.run("ansible-lint", "--offline", "--strict", *session.posargs, env=place)


@offer("changelog", venv_backend="none")
def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments; with arguments, run antsibull-changelog with them."""
    session.run("antsibull-changelog", *(session.posargs or ["lint"]))


@nox.session(name="lint", default=False, requires=LINT, venv_backend="none")
def lint(session: nox.Session) -> None:
    """Every static check."""


# --- Tests


@offer("unit", needs="tests/unit/**/test_*.py")
def unit(session: nox.Session) -> None:
    """The unit tests under plain pytest, with the locked ansible-core: the one to run while you work."""
    session.install("ansible-core", "pytest", "pytest-cov", "pytest-xdist", "-r", "tests/unit/requirements.txt")
    session.run("pytest", *(session.posargs or ["-n", "auto"]))


@offer("simulation", needs="tests/simulation/test_*.py")
def simulation(session: nox.Session) -> None:
    """What the waiting engine costs and how soon it notices, beside other engines: thousands of waits on a simulated clock."""
    session.install("ansible-core", "pytest", "-r", "tests/unit/requirements.txt")
    session.run("pytest", *(session.posargs or ["tests/simulation"]))


def pytest_core(session: nox.Session, core: Core) -> None:
    """The unit tests under plain pytest."""
    install_core(session, core, "pytest", "pytest-cov", "pytest-xdist", "-r", "tests/unit/requirements.txt")
    session.run("pytest", "-p", "no:cacheprovider", *session.posargs)


def ansible_test(session: nox.Session, core: Core, *commands: t.Sequence[str]) -> Path:
    """Run ansible-test without a container, on a copy of the checkout. Returns the copy."""
    install_core(session, core)
    session.run("python", "tests/utils/seed_pip.py", sys.executable)
    copy = tree.copy(own_place(session), ROOT)
    color = "yes" if sys.stdout.isatty() else "no"
    with session.chdir(copy):
        for command in commands:
            session.run("ansible-test", *command, "--color", color)
    return copy


def sanity(session: nox.Session, core: Core) -> None:
    """ansible-test sanity, on every Python there is."""
    skip = [argument for test in core.skip for argument in ("--skip-test", test)]
    for test, reason in core.skip.items():
        session.log(f"without {test}: {reason}")
    # The fixtures are what went over the wire, with the line ends of HTTP.
    exclude = ("--exclude", "tests/fixtures/")
    ansible_test(session, core, ["sanity", "--truncate", "0", *exclude, *skip, *session.posargs])


def units(session: nox.Session, core: Core) -> None:
    """ansible-test units, on every Python there is: the only way to modules on Python 3.9 and 3.10."""
    ansible_test(session, core, ["units", "--venv", "--truncate", "0", *session.posargs])


def integration(session: nox.Session, core: Core) -> None:
    """ansible-test integration: every plugin from a playbook, against the emulator."""
    ansible_test(session, core, ["integration", "--venv", "--continue-on-error", "--truncate", "0", *session.posargs])


def e2e_core(session: nox.Session, core: Core) -> None:
    """End-to-end tests; without arguments those of the progress of a wait, of which an action plugin takes care."""
    environment = workbench(session, *E2E, core=core)
    session.run("pytest", *(session.posargs or [PROGRESS]), env=environment, interrupt_timeout=10)


def both_ways(session: nox.Session, core: Core) -> None:
    """Every integration target in the worker of the controller and as modules: the results are the same."""
    environment = workbench(session, *E2E, core=core)
    options = ["-n", "2", "--dist", "worksteal", BOTH_WAYS, *session.posargs]
    session.run("pytest", *options, env=environment, interrupt_timeout=10)


for label, release in CORES.items():
    for kind, function, needed in (
        ("pytest", pytest_core, "tests/unit/**/test_*.py"),
        ("sanity", sanity, "plugins"),
        ("units", units, "tests/unit/**/test_*.py"),
        ("integration", integration, "tests/integration/targets/*"),
        ("e2e", e2e_core, PROGRESS),
        ("both-ways", both_ways, BOTH_WAYS),
    ):

        def run(session: nox.Session, function: t.Any = function, core: Core = release) -> None:
            function(session, core)

        run.__doc__ = f"{function.__doc__} (ansible-core {release.release})"
        offer(f"{kind}-{label}", needs=needed, core=release)(run)


@offer("coverage", needs="tests/integration/targets/*", core=CORES[MAIN])
def coverage(session: nox.Session) -> None:
    """Line and branch coverage of unit and integration tests together; HTML in build/coverage."""
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
    shutil.copytree(copy / "tests/output/reports/coverage", BUILD / "coverage", dirs_exist_ok=True)


@offer("contract", needs="tests/contract/test_*.py")
def contract(session: nox.Session) -> None:
    """The vendors' SDKs against the emulator, and our signatures and requests against the SDKs'."""
    environment = workbench(session, "pytest", "hypothesis", "PySocks", "-r", "requirements/contract.in")
    session.run("pytest", *(session.posargs or ["tests/contract"]), env=environment)


@offer("contract-oldest-requests", needs=TRANSPORT[0])
def contract_oldest_requests(session: nox.Session) -> None:
    """The tests of the transport with the oldest requests and urllib3 that the collection supports."""
    environment = workbench(session, "pytest")
    session.run("pytest", *(session.posargs or TRANSPORT), env=with_oldest_requests(session, environment))


@offer("keystone", needs="tests/identity/test_*.py")
def keystone(session: nox.Session) -> None:
    """Not part of test: logins against Keystone, of which Huawei Cloud's IAM is made, in the place of an emulated IAM."""
    constraints = {"UV_CONSTRAINT": f"{LOCK} {LOCK.with_name('keystone.txt')}"}
    session.install("-r", "requirements/keystone.in", env=constraints)
    environment = workbench(session, "pytest", "PyYAML")
    session.run("pytest", *(session.posargs or ["tests/identity"]), env=environment)


@offer("e2e", needs="tests/e2e/test_*.py")
def e2e(session: nox.Session) -> None:
    """The role and playbooks on the fleet, ansible-runner as AWX lays it out, the execution environment."""
    environment = workbench(session, *E2E)
    some = any(argument.startswith("tests/") for argument in session.posargs)
    # Two at a time, for half of the time they wait.
    options = [] if some else ["-n", "2", "--dist", "worksteal", "tests/e2e"]
    session.run("pytest", *session.posargs, *options, env=environment, interrupt_timeout=10)


@offer("campaign", needs="tests/campaign/test_*.py")
def campaign(session: nox.Session) -> None:
    """Every fault and every interruption of the role keypair_reset, a fleet of 200: about an hour on two cores."""
    environment = workbench(session, "pytest", "pytest-timeout", "pytest-xdist", "PyYAML")
    options = [] if any(argument.startswith("tests/") for argument in session.posargs) else ["tests/campaign"]
    session.run("pytest", "-n", "2", *session.posargs, *options, env=environment, interrupt_timeout=10)


@offer("bench", needs="tests/benchmark/run.py")
def bench(session: nox.Session) -> None:
    """Side by side with what a user would do otherwise: time, requests, throttling."""
    environment = workbench(session, "matplotlib", "-r", "requirements/contract.in")
    session.run("python", "tests/benchmark/run.py", *session.posargs, env=environment, interrupt_timeout=10)


@offer("mutants", needs="tests/mutants/run.py")
def mutants(session: nox.Session) -> None:
    """Whether the unit tests notice when the code is wrong."""
    environment = workbench(session, "pytest", "pytest-xdist", "-r", "tests/unit/requirements.txt")
    session.run("python", "tests/mutants/run.py", *session.posargs, env=environment)


@offer("matrix", needs="tests/matrix/run.py")
def matrix(session: nox.Session) -> None:
    """Every fault of a network and of the services against every kind of module; a selection, or with --all the whole."""
    environment = workbench(session)
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], str(own_place(session))])
    session.run("python", "tests/matrix/run.py", *session.posargs, env=environment, interrupt_timeout=10)


@offer("matrix-oldest-requests", needs="tests/matrix/run.py")
def matrix_oldest_requests(session: nox.Session) -> None:
    """The matrix with the oldest requests and urllib3 that the collection supports."""
    environment = with_oldest_requests(session, workbench(session))
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], str(own_place(session))])
    session.run("python", "tests/matrix/run.py", *session.posargs, env=environment, interrupt_timeout=10)


def test_lanes() -> tuple[tuple[str, ...], ...]:
    """What ``test`` runs: two lanes of about the same length, as arguments of nox's ``--session``.

    All sanity sessions are in one lane, for they share virtual environments below ~/.ansible/test. Unit tests run on
    every core, and on the oldest Python there is that modules support; the slower kinds on the main core, and on the
    oldest one as far as it differs. Left out are the integration tests with the main core, because the end-to-end tests run
    each of their targets twice, and the search of all output for secrets (``SECRETS``), which takes longer than all other
    contract tests, and which end-to-end tests do for the role and for some modules.
    """
    host = next((core for core in (MAIN, *reversed(CORES)) if CORES[core].python), MAIN)
    ignored = " ".join(f"--ignore {part}" for part in WITHOUT_ANSIBLE)
    pytests = [f"pytest-{core} -- -n 2" if core == MAIN else f"pytest-{core} -- {ignored}" for core in CORES]
    newest = list(CORES)[-1]
    oldest = next((python for python in MODULE_PYTHONS if shutil.which(f"python{python}")), MODULE_PYTHONS[0])
    return (
        (f"sanity-{MAIN}", f"sanity-{OLDEST} -- {' '.join(f'--test {test}' for test in OLDEST_SANITY)}")
        + (f"contract -- tests/contract --ignore {SECRETS}", "contract-oldest-requests", "matrix", *pytests)
        + (f"integration-{OLDEST} -- {' '.join(OLDEST_TARGETS)}", *LINT),
        ("e2e", f"both-ways-{OLDEST} -- -k keywords", f"both-ways-{newest} -- -k keywords")
        + (f"units-{host} -- --python {oldest}", "simulation", "docs"),
    )


@offer("test", venv_backend="none")
def test(session: nox.Session) -> None:
    """Everything that must pass before a change lands; what continuous integration runs."""
    started = time.monotonic()
    # Programs that find CI=true print colors to no terminal at all.
    os.environ["NO_COLOR"] = "1"
    commands = [command for lane in test_lanes() for command in lane]
    # What is not offered is not in the checkout; what is, with a reason, lacks a Python.
    skipped = {command: OFFERED[name] for command in commands if OFFERED.get(name := command.split()[0])}
    outcomes = lanes.Lanes([sys.executable, "-m", "nox", "--session"]).run(
        [[command for command in lane if OFFERED.get(command.split()[0]) == ""] for lane in test_lanes()]
    )
    print(f"Summary: {len(outcomes)} sessions in {time.monotonic() - started:.0f} s")
    for outcome in outcomes:
        print(f"  {'FAILED' if outcome.code else 'passed'}   {outcome.seconds:4.0f} s  {outcome.name}")
    for command, why in skipped.items():
        print(f"  skipped          {command}: {why}")
    sys.stdout.flush()
    if failed := [outcome.name for outcome in outcomes if outcome.code]:
        session.error(f"failed: {', '.join(failed)}; each can be run alone, as in ./run {failed[0]}")
    kinds = {name.partition("-")[0] for name in skipped} - {outcome.name.partition("-")[0] for outcome in outcomes}
    if kinds:
        session.error(f"not one session of this kind could run: {', '.join(sorted(kinds))}")


# --- What is made from the checkout


@offer("docs", needs="docs/sphinx/conf.py")
def docs(session: nox.Session) -> None:
    """Build the HTML documentation in build/html; fetches nothing but packages."""
    session.install("ansible-core", "ansible-pygments", "antsibull-docs", "sphinx", "sphinx-ansible-theme")
    tree.link(own_place(session), ROOT)
    rst = BUILD / "rst"
    shutil.rmtree(rst, ignore_errors=True)
    rst.mkdir(parents=True)
    # antsibull-docs refuses a directory that others may write to.
    rst.chmod(0o755)
    session.run(
        *("antsibull-docs", "--config-file", "docs/sphinx/antsibull-docs.cfg"),
        *("collection", "--use-current", "--cleanup", "everything", "--fail-on-error", "--squash-hierarchy"),
        *("--dest-dir", str(rst), "multicloud.async_tasks"),
        env={"ANSIBLE_COLLECTIONS_PATH": str(own_place(session))},
    )
    strict = ("--fail-on-warning", "--keep-going")
    session.run("sphinx-build", "-c", "docs/sphinx", *strict, *session.posargs, str(rst), str(BUILD / "html"))


@offer("build", venv_backend="none")
def build(session: nox.Session) -> None:
    """Build the collection's tarball in build/."""
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(BUILD))


@offer("lock", venv_backend="none")
def lock(session: nox.Session) -> None:
    """Renew the locks in requirements/; with --upgrade, everything to its newest release."""
    header = Path(__file__).read_text(encoding="utf-8").partition('"""')[0]
    # Keystone is installed beside the tools, and must agree with them.
    beside = {"keystone": ["--constraint", "requirements/tools.txt"]}
    for name, sources in (("dev", ["dev.in"]), ("tools", ["tools.in", "contract.in"]), ("keystone", ["keystone.in"])):
        target = Path("requirements", f"{name}.txt")
        paths = [str(target.with_name(source)) for source in sources]
        session.run(
            *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--no-header"),
            *(*beside.get(name, []), *session.posargs, *paths, "--output-file", str(target)),
            env={"UV_CONSTRAINT": None},
        )
        locked = target.read_text(encoding="utf-8")
        target.write_text(f"{header}# Made by ./run lock from {' and '.join(sources)}: do not edit.\n{locked}")
