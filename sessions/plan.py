# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions that must pass before a change lands, in two lanes that run side by side."""

from __future__ import annotations

import os
import sys
import time

import nox

from sessions import lanes
from sessions.cores import CORES, MAIN, NEWEST, OLDEST, oldest_module_python

#: The search of all output for secrets takes longer than all other contract tests; end-to-end tests do it for the role.
SECRETS = "tests/contract/test_modules_secrets.py"
#: Leave out tests with the marker slow. Without blanks, because commands are split at them.
NOT_SLOW = "-m not(slow)"
#: Unit tests of code that imports nothing of Ansible (test_layers.py): one release of ansible-core is enough for them.
WITHOUT_ANSIBLE = tuple(
    f"tests/unit/plugins/module_utils/{part}"
    for part in ("_alibaba", "_auth", "_core", "_http", "_huawei", "_polling", "_services", "_ssh")
)
#: Where releases of ansible-core differ most: how documentation is read, plugins on the controller, arguments of modules.
OLDEST_SANITY = ("ansible-doc", "validate-modules", "runtime-metadata", "action-plugin-docs")
OLDEST_TARGETS = ("wait_for_task", "role_keypair_reset", "hwc_sms_passphrase_info")
LINT = (
    *("style", "typing", "docs-check", "license-check", "extra-checks", "changelog", "ansible-lint"),
    "build-import-check",
)


def test_lanes() -> tuple[tuple[str, ...], ...]:
    """Return two lanes of about the same length; each entry is a session with its arguments.

    All sanity sessions are in one lane, because they share virtual environments below ~/.ansible/test. Left out are the
    integration tests with the main core, because the end-to-end tests run each of their targets twice, and the unit tests
    with ansible-core 2.20, which differs little from 2.19 and 2.21.
    """
    host = next((core for core in (MAIN, *reversed(CORES)) if CORES[core].python), MAIN)
    ignored = " ".join(f"--ignore {part}" for part in WITHOUT_ANSIBLE)
    pytests = [f"pytest-{core} -- {ignored}" for core in CORES if core not in (MAIN, "2.20")]
    return (
        (f"sanity-{MAIN}", f"sanity-{OLDEST} -- {' '.join(f'--test {test}' for test in OLDEST_SANITY)}")
        + (f"contract -- tests/contract --ignore {SECRETS} {NOT_SLOW} --durations=15", "contract-oldest-requests")
        + ("matrix", f"pytest-{MAIN} -- -n 2", *pytests, *LINT),
        (f"e2e -- {NOT_SLOW} --durations=40",)
        + (f"both-ways-{OLDEST} -- -k keywords", f"both-ways-{NEWEST} -- -k keywords")
        + (f"units-{host} -- --python {oldest_module_python()}",)
        + (f"integration-{OLDEST} -- {' '.join(OLDEST_TARGETS)}", "simulation", "docs"),
    )


def missing_python(command: str) -> str:
    """Return why a session cannot run here: no Python for its release of ansible-core. Empty when it can."""
    core = CORES.get(command.split()[0].rpartition("-")[2])
    return f"needs one of Python {', '.join(core.pythons)} on PATH" if core and not core.python else ""


def run_all(session: nox.Session) -> None:
    """Run both lanes, print a summary, and fail the session when anything failed or a kind of test could not run."""
    started = time.monotonic()
    # Programs that find CI=true print colors to no terminal at all.
    os.environ["NO_COLOR"] = "1"
    plan = test_lanes()
    skipped = {command: reason for lane in plan for command in lane if (reason := missing_python(command))}
    outcomes = lanes.Lanes([sys.executable, "-m", "nox", "--session"]).run(
        [[command for command in lane if command not in skipped] for lane in plan]
    )
    print(f"Summary: {len(outcomes)} sessions in {time.monotonic() - started:.0f} s")
    for outcome in outcomes:
        print(
            f"  {'FAILED' if outcome.code else 'passed'}   {outcome.seconds:4.0f} s  CPU {outcome.cpu:4.0f} s  {outcome.name}"
        )
    for command, reason in skipped.items():
        print(f"  skipped  {command}: {reason}")
    sys.stdout.flush()
    if failed := [outcome.name for outcome in outcomes if outcome.code]:
        session.error(f"failed: {', '.join(failed)}; each can be run alone, as in ./run {failed[0]}")
    kinds = {name.partition("-")[0] for name in skipped} - {outcome.name.partition("-")[0] for outcome in outcomes}
    if kinds:
        session.error(f"no session of these kinds could run: {', '.join(sorted(kinds))}")
