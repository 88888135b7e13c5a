# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lanes of sessions: lanes run side by side, the sessions of one lane in turn, and the output of each is in one piece."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor


@dataclasses.dataclass(frozen=True)
class SessionOutcome:
    """The end of one session.

    Attributes:
        name: The session with its arguments.
        code: Its exit code.
        seconds: How long it ran.
        cpu: The seconds of CPU that it and its children used.
    """

    name: str
    code: int
    seconds: float
    cpu: float


class Lanes:
    """The runner of sessions, which prints the whole output of each when it has ended.

    Args:
        command: What a session's name and arguments are appended to, as in ``["nox", "-s"]``.
        out: Where everything goes.
    """

    def __init__(self, command: t.Sequence[str], out: t.TextIO = sys.stdout) -> None:
        self.command = tuple(command)
        self.out = out
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[str]] = []
        self._interrupted = False

    def run(self, lanes: t.Sequence[t.Sequence[str]]) -> list[SessionOutcome]:
        """Run every session of every lane, whatever fails, and say how each ended, lane by lane.

        An interrupt is handed on to the running sessions, and no other is started.
        """
        with ThreadPoolExecutor(len(lanes)) as pool:
            lists = [pool.submit(self._lane, names) for names in lanes]
            try:
                return [outcome for outcomes in lists for outcome in outcomes.result()]
            except KeyboardInterrupt:
                with self._lock:
                    self._interrupted = True
                    for process in self._running:
                        # Not send_signal, which would take the exit status that wait4 is waiting for.
                        os.kill(process.pid, signal.SIGINT)
                raise

    def _lane(self, names: t.Sequence[str]) -> list[SessionOutcome]:
        return [outcome for name in names if (outcome := self._session(name))]

    def _session(self, name: str) -> SessionOutcome | None:
        started = time.monotonic()
        with self._lock:
            if self._interrupted:
                return None
            print(f"--- {name} starts", file=self.out, flush=True)
            process = subprocess.Popen(
                [*self.command, *name.split()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
            self._running.append(process)
        assert process.stdout is not None
        output = process.stdout.read()
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu = usage.ru_utime + usage.ru_stime
        outcome = SessionOutcome(name, process.returncode, time.monotonic() - started, cpu)
        with self._lock:
            self._running.remove(process)
            end = f"failed, exit code {outcome.code}" if outcome.code else "passed"
            print(f"\n=== {name} ({end}, {outcome.seconds:.0f} s)\n{output}", file=self.out, flush=True)
        return outcome
