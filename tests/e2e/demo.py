#!/usr/bin/env python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: one command resets the key pairs of a fleet, and this program checks the outcome itself.

Nothing on Ansible's side is played: real ansible-playbook with its own output, real HTTP with verified signatures, real
SSH servers. Only the cloud is the emulator. Exit status 0 means that every outcome was the expected one.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import types
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[number]) for number in (2, 1)]

from e2e.recording import Recording
from emulator.app import Emulator
from emulator.state import write_state

PLAYBOOK = "multicloud.async_tasks.keypair_reset"
#: Seconds that KPS takes for a reset here; about ten minutes in the real cloud.
TASK_SECONDS = 12.0
REASON = "Failed to create the temporary server"


class Demo:
    """The fleet, the playbook runs, and the checks.

    Args:
        servers: How many servers there are.
        directory: Where inventory and keys go.
        recording: Where everything that is shown goes, too; None records nothing.
    """

    def __init__(self, servers: int, directory: Path, recording: Recording | None = None) -> None:
        self.recording = recording
        self.names = [f"server-{number:02d}" for number in range(1, servers + 1)]
        self.failing = self.names[len(self.names) // 2]
        self.others = [name for name in self.names if name != self.failing]
        self.directory = directory
        self.failures = 0

    def run(self) -> int:
        """Run the three parts, each followed by checks; return the exit status."""
        with Emulator(
            len(self.names), task_seconds=TASK_SECONDS, job_seconds=1.0, boot_seconds=1.0, state_dir=self.directory
        ) as emulator:
            self.emulator = emulator
            write_state(emulator)
            variables = {
                "keypair_reset_keypair_name": "new",
                "keypair_reset_private_key_file": str(emulator.key_path("new")),
                "keypair_reset_old_private_key_file": str(emulator.key_path("old")),
                "keypair_reset_progress": 5,
            }
            self.directory.joinpath("variables.json").write_text(json.dumps(variables, indent=2))
            # Ansible as it comes, whatever the user has configured.
            self.directory.joinpath("ansible.cfg").write_text("[defaults]\nnocows = true\n")
            emulator.fail("task_fails", server=self.failing, code="KPS.3025", message=REASON)

            self.say(
                f"{len(self.names)} servers run, with the key pair 'old'. The reset of {self.failing} is configured to fail."
            )
            self.check_keys("before", self.names, new=False)
            self.say("First run: reset the key pair of all of them to 'new'.")
            status, output = self.play()
            self.check("the first run fails, because one server failed", status == 2)
            self.check(f"the report shows the reason: {REASON}", output.count(REASON) > 0)
            self.check(
                f"{len(self.others)} servers are reported as reset", f"{len(self.others)} reset, 1 failed." in output
            )
            self.check_keys("after the first run", self.others, new=True)
            self.check_keys("after the first run, the one that failed", [self.failing], new=False)
            self.check_power()

            self.say("Second run, for those that were reset: nothing is left to do.")
            writes = len(emulator.writes())
            status, output = self.play("--limit", f"all:!{self.failing}")
            self.check("the second run succeeds", status == 0)
            self.check("it changed nothing (changed=0)", "changed=0" in output and "changed=1" not in output)
            self.check("it sent no request that changes anything", len(emulator.writes()) == writes)

            self.say("The fault is gone. Third run, for all: the remaining server is reset.")
            emulator.heal()
            status, output = self.play()
            self.check("the third run succeeds", status == 0)
            self.check("it reset one server", f"{len(self.others)} unchanged" in output and "1 reset" in output)
            self.check_keys("in the end", self.names, new=True)
            self.check_power()
        self.say("Everything was as expected." if not self.failures else f"{self.failures} checks failed.")
        return 1 if self.failures else 0

    def play(self, *options: str) -> tuple[int, str]:
        """Run the playbook, and show what it prints as it prints it."""
        inventory, variables = self.directory / "inventory.yml", self.directory / "variables.json"
        command = ["ansible-playbook", "-i", str(inventory), PLAYBOOK, "-e", f"@{variables}", *options]
        self.show(f"$ {self.shown(command)}")
        lines = []
        with subprocess.Popen(
            command,
            env={
                **os.environ,
                **self.emulator.environment(),
                "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
                "ANSIBLE_FORCE_COLOR": str(
                    self.recording is not None or (sys.stdout.isatty() and "NO_COLOR" not in os.environ)
                ),
                "PYTHONUNBUFFERED": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    self.show(line.rstrip("\n"))
                    lines.append(line)
            except BaseException:
                process.terminate()
                raise
        return process.returncode, "".join(lines)

    def check_keys(self, when: str, names: list[str], *, new: bool) -> None:
        """Log in to servers with both keys, without Ansible, and count what they say."""
        accepted, refused = ("new", "old") if new else ("old", "new")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            good = sum(pool.map(lambda name: self.login(name, accepted) == 0, names))
            bad = sum(pool.map(lambda name: self.login(name, refused) == "Permission denied", names))
        total = len(names)
        self.check(f"{when}: {accepted} key accepted {good} of {total}", good == total)
        self.check(f"{when}: {refused} key refused by the server, {bad} of {total}", bad == total)

    def login(self, name: str, key: str) -> int | str:
        """Log in with one key: 0 if the server accepted it, otherwise its message or the exit status of ssh."""
        host, port, user = self.emulator.ssh(name)
        options = ["ControlPath=none", "IdentitiesOnly=yes", "IdentityAgent=none", "BatchMode=yes"]
        options += ["PreferredAuthentications=publickey", f"UserKnownHostsFile={self.directory / 'known_hosts'}"]
        command = ["ssh", "-F", "none", *(part for option in options for part in ("-o", option))]
        command += ["-i", str(self.emulator.key_path(key)), "-p", str(port), f"{user}@{host}", "true"]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False
        )
        return "Permission denied" if "Permission denied (publickey" in done.stderr else done.returncode

    def check_power(self) -> None:
        """Ask the emulator, not Ansible, which servers are on."""
        on = sum(server.status == "ACTIVE" for server in self.emulator.huawei.servers.values())
        self.check(f"{on} of {len(self.names)} servers are powered on", on == len(self.names))

    def check(self, what: str, good: bool) -> None:
        """Show one outcome, and count it if it is not the expected one."""
        self.failures += not good
        self.show(f"  {'ok  ' if good else 'FAIL'}  {what}")

    def say(self, text: str) -> None:
        """Show a heading between what others print."""
        self.show("")
        self.show(f"=== {text}")

    def show(self, line: str) -> None:
        """Show a line, and record it."""
        print(line, flush=True)
        if self.recording is not None:
            # Paths of the machine that records are of no use to others.
            self.recording.write(line.replace(f"{os.environ.get('ANSIBLE_COLLECTIONS_PATH')}/", ""))

    def shown(self, command: list[str]) -> str:
        """Return a command as it is shown: without the directory that the demo works in."""
        return shlex.join(command).replace(f"{self.directory}/", "")


def interrupt(number: int, _frame: types.FrameType | None) -> None:
    """End as for Ctrl-C, so that everything is stopped."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def main() -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(
        prog="./run demo", description="Reset the key pairs of a fleet behind the emulator."
    )
    parser.add_argument("--servers", type=int, default=12, metavar="N", help="number of servers (default %(default)s)")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write a recording to FILE, as an animated SVG")
    options = parser.parse_args()
    if options.servers < 2:
        parser.error("--servers: the demo needs at least 2, because one of them fails")
    for program in ("ssh", "ssh-keygen"):
        if shutil.which(program) is None:
            print(
                f"The demo needs the program {program}, which was not found. Install the OpenSSH client:\n"
                "  Debian, Ubuntu: apt-get install openssh-client\n"
                "  Fedora, RHEL:   dnf install openssh-clients",
                file=sys.stderr,
            )
            return 1
    signal.signal(signal.SIGTERM, interrupt)
    recording = Recording("./run demo") if options.record else None
    if recording is not None:
        recording.write("$ ./run demo")
    try:
        with tempfile.TemporaryDirectory(prefix="keypair-reset-demo-") as directory:
            status = Demo(options.servers, Path(directory), recording).run()
    except KeyboardInterrupt as interruption:
        print(
            f"\nInterrupted ({str(interruption) or 'Ctrl-C'}). The emulator and its servers are stopped.",
            file=sys.stderr,
        )
        return 130
    if recording is not None:
        options.record.write_text(recording.svg(), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
