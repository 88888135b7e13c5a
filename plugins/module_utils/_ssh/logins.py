# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schedule of many logins within one time limit, and their results.

The logins to one server are tried one after the other, because servers count failures and connections. Different servers are
tried at the same time, in one thread that polls the running programs.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.commands import (
    Configuration,
    LoginTarget,
    configuration_command,
    login_command,
    read_configuration,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.keys import Key
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.transcript import (
    ACCEPTED,
    CONFIGURATION,
    CONNECTION,
    KEY,
    LOGIN,
    NEVER,
    OFTEN,
    REFUSED,
    SPARINGLY,
    UNVERIFIED,
    Attempt,
    Finding,
    classify,
    configuration_failure,
)

#: The outcome of a login that was only checked, without a problem.
UNTRIED = "not tried"

#: Seconds between two polls of the running programs.
POLL_INTERVAL = 0.05
#: Seconds until a server that does not answer is tried again: first pause, growth, longest pause.
FIRST_PAUSE, GROWTH, LONGEST_PAUSE = 2.0, 1.5, 10.0
#: Pause in seconds and number of tries for a server that closes connections after a key: it may lock the client out.
SPARING_PAUSE, SPARING_TRIES = 5.0, 3
#: Seconds for one run in addition to those for the connection, and seconds for ``ssh -G``.
LOGIN_SECONDS, CONFIGURATION_SECONDS = 20.0, 15.0
#: Seconds that a run may take at least, even at the deadline.
LEAST_SECONDS = 1.0


class LoginResult(t.NamedTuple):
    """The result of one login.

    Attributes:
        name: The target's name.
        outcome: ``accepted``, ``refused``, ``not verified``, or ``not tried``.
        msg: The reason for the outcome.
        cause: The kind of reason why nothing was verified; None otherwise.
        permanent: Whether another try is unlikely to change it.
        partial: Whether the server requires something else in addition to the key.
        command_ran: Whether the server ran a command after the login; None without a login.
        tries: The number of tries.
        public_key: The public key, or None if the key cannot be used.
        fingerprint: Its fingerprint, or None.
        user: The user that the target or the configuration of ssh names, or None.
        port: The port that the target or the configuration of ssh names, or None if it is not known.
    """

    name: str
    outcome: str = UNVERIFIED
    msg: str = "The time was up before it was tried."
    cause: str | None = CONNECTION
    permanent: bool = False
    partial: bool = False
    command_ran: bool | None = None
    tries: int = 0
    public_key: str | None = None
    fingerprint: str | None = None
    user: str | None = None
    port: int | None = None


class RunningProgram(t.Protocol):
    """A running program."""

    def result(self) -> Attempt | None:
        """Return the attempt, or None while the program runs."""

    def end(self, seconds: float) -> Attempt:
        """End the program after it has run for this number of seconds, and return the attempt."""


class Programs(t.Protocol):
    """A runner of ssh."""

    @property
    def account(self) -> str:
        """The name of the account that runs this process, the default user of ssh."""

    def start(self, command: t.Callable[[str], list[str]]) -> RunningProgram:
        """Start a program.

        Args:
            command: Makes the command line from the path of the log file.
        """


class _Start(t.NamedTuple):
    """A step that runs a program for at most this number of seconds."""

    command: t.Callable[[str], list[str]]
    seconds: float


class _Pause(t.NamedTuple):
    """A step that waits for this number of seconds."""

    seconds: float


#: The steps for one server; the generator receives the attempt of each program.
_Steps = t.Generator[t.Union[_Start, _Pause], t.Optional[Attempt], None]


def log_in_everywhere(
    targets: t.Sequence[LoginTarget],
    keys: t.Mapping[str, Key],
    programs: Programs,
    clock: Clock,
    *,
    timeout: float,
    parallel: int,
    marker: str,
    connect: bool = True,
    on_progress: t.Callable[[t.Sequence[LoginResult], float], None] | None = None,
) -> list[LoginResult]:
    """Try all logins until each has an outcome or the time is up; return the results in the order of the targets.

    Args:
        targets: The logins.
        keys: Their keys by file.
        programs: The runner of ssh.
        clock: The clock.
        timeout: Seconds for all logins together.
        parallel: The number of servers to log in to at the same time.
        marker: A text that no server prints by itself; each server must print it.
        connect: Whether to log in. Otherwise only keys and configuration are checked.
        on_progress: Called at each poll with the results so far and the seconds since the beginning.
    """
    logins = [_initial(target, keys[target.private_key_file]) for target in targets]
    servers: dict[tuple[t.Any, ...], list[int]] = {}
    for number, target in enumerate(targets):
        servers.setdefault(target.server, []).append(number)
    jobs = [
        _Job(_ServerLogins(targets, keys, logins, numbers, programs.account, marker).steps(connect=connect))
        for numbers in servers.values()
    ]
    _work(
        jobs, programs, clock, timeout, parallel, lambda seconds: on_progress(logins, seconds) if on_progress else None
    )
    return logins


def describe(logins: t.Sequence[LoginResult]) -> str:
    """Return the number of logins for each outcome, as text."""
    unverified = [login for login in logins if login.outcome == UNVERIFIED]
    counts = {
        ACCEPTED: sum(login.outcome == ACCEPTED for login in logins),
        REFUSED: sum(login.outcome == REFUSED for login in logins),
        UNVERIFIED: sum(login.permanent for login in unverified),
        "open": sum(not login.permanent for login in unverified),
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def _initial(target: LoginTarget, key: Key) -> LoginResult:
    """Return the result of a login before the first try."""
    return LoginResult(
        target.name,
        user=target.user,
        port=target.port,
        public_key=key.public_key,
        fingerprint=key.fingerprint or None,
    )


class _Job:
    """The steps for one server, and the running program.

    Args:
        steps: The steps.
    """

    def __init__(self, steps: _Steps) -> None:
        self._steps = steps
        self._run: RunningProgram | None = None
        self._started = 0.0
        self._seconds = 0.0
        #: The time of the next step.
        self.due = 0.0
        self.finished = False
        self._next: _Start | None = None
        self._advance(None, 0.0)

    def _advance(self, attempt: Attempt | None, now: float) -> None:
        try:
            step = next(self._steps) if attempt is None else self._steps.send(attempt)
            while isinstance(step, _Pause):
                self.due = now + step.seconds
                step = next(self._steps)
            self._next = step
        except StopIteration:
            self.finished = True

    def start(self, programs: Programs, now: float) -> None:
        """Start the next program."""
        if self._next is None:
            raise AssertionError("There is no program to start.")
        self._run, self._started, self._seconds = programs.start(self._next.command), now, self._next.seconds
        self._next = None

    def poll(self, now: float, deadline: float) -> bool:
        """Process the result of the program if it has ended or its time is up; return whether it still runs."""
        if self._run is None:
            raise AssertionError("No program was started.")
        attempt, seconds = self._run.result(), now - self._started
        if attempt is None and seconds >= max(LEAST_SECONDS, min(self._seconds, deadline - self._started)):
            attempt = self._run.end(seconds)
        if attempt is None:
            return True
        self._run = None
        self._advance(attempt, now)
        return False

    def stop(self) -> None:
        """End the running program, if any."""
        if self._run is not None:
            self._run.end(0.0)


def _work(
    jobs: t.Sequence[_Job],
    programs: Programs,
    clock: Clock,
    timeout: float,
    parallel: int,
    on_progress: t.Callable[[float], None],
) -> None:
    """Run the steps of all jobs until the time is up."""
    started = clock.monotonic()
    deadline = started + timeout
    waiting = [job for job in jobs if not job.finished]
    running: list[_Job] = []
    try:
        while waiting or running:
            now = clock.monotonic()
            ended = [job for job in running if not job.poll(now, deadline)]
            running = [job for job in running if job not in ended]
            waiting += [job for job in ended if not job.finished]
            if now >= deadline:
                waiting = []
            # Servers that were not tried yet come before those that did not answer.
            due = sorted((job for job in waiting if job.due <= now), key=lambda job: job.due)
            for job in due[: parallel - len(running)]:
                job.start(programs, now)
                running.append(job)
                waiting.remove(job)
            on_progress(now - started)
            if waiting or running:
                clock.sleep(POLL_INTERVAL)
    finally:
        for job in running:
            job.stop()


class _ServerLogins:
    """All logins to one server.

    Args:
        targets: All targets.
        keys: The keys by file.
        logins: The results of all logins; updated in place.
        numbers: The indexes of the targets of this server.
        account: The name of the account that runs this process.
        marker: The text that the server must print.
    """

    def __init__(
        self,
        targets: t.Sequence[LoginTarget],
        keys: t.Mapping[str, Key],
        logins: list[LoginResult],
        numbers: t.Sequence[int],
        account: str,
        marker: str,
    ) -> None:
        self._targets = {number: targets[number] for number in numbers}
        self._keys = {number: keys[target.private_key_file] for number, target in self._targets.items()}
        self._logins = logins
        self._account = account
        self._marker = marker
        #: The accepted key types, each with the signature algorithm if the server accepts no other.
        self._authenticated: dict[str, str | None] = {}
        #: Whether the server has refused a signature algorithm that it announces, as OpenSSH before 9.6 may.
        self._overstates_algorithms = False

    def steps(self, *, connect: bool) -> _Steps:
        """Read the configuration of ssh, then log in with each key until it has an outcome."""
        first = list(self._targets.values())[0]
        if first.arguments.problem:
            self._note_all(
                self._targets, Finding(UNVERIFIED, printable(first.arguments.problem, SENTENCE), CONFIGURATION)
            )
            return
        attempt = yield _Start(lambda _log: configuration_command(first), CONFIGURATION_SECONDS)
        if attempt is None:
            raise AssertionError("The program was not started.")
        if attempt.status != 0:
            self._note_all(self._targets, configuration_failure(attempt))
            return
        configuration = read_configuration(attempt.stdout)
        for number in self._targets:
            user = configuration.user if configuration.user != self._account else self._targets[number].user
            self._logins[number] = self._logins[number]._replace(user=user, port=configuration.port)
        usable = [number for number, key in self._keys.items() if key.problem is None]
        for number in set(self._targets) - set(usable):
            self._note(number, Finding(UNVERIFIED, str(self._keys[number].problem), KEY))
        if not connect:
            self._note_all(usable, Finding(UNTRIED, "The key and the configuration of ssh can be used."))
            return
        yield from self._log_in(usable, configuration)

    def _log_in(self, numbers: t.Sequence[int], configuration: Configuration) -> _Steps:
        still = list(numbers)
        pause = FIRST_PAUSE
        while still:
            shortest = 0.0
            for number in still:
                finding = yield from self._try(number, configuration)
                self._note(number, finding, tried=True)
                if finding.retry == SPARINGLY:
                    shortest = SPARING_PAUSE
                elif finding.retry == OFTEN:
                    # The server does not answer yet, so the other keys are not tried.
                    self._note_all([other for other in still if self._logins[other].tries == 0], finding)
                    break
            still = [number for number in still if not self._logins[number].permanent]
            yield _Pause(max(shortest, pause))
            pause = min(pause * GROWTH, LONGEST_PAUSE)

    def _try(self, number: int, configuration: Configuration) -> t.Generator[_Start, Attempt | None, Finding]:
        key = self._keys[number]
        # With the algorithm with which the server has accepted a key of this type, if any.
        finding = yield from self._run(number, configuration, self._authenticated.get(key.kind))
        if finding.outcome == ACCEPTED:
            self._authenticated.setdefault(key.kind, None)
        if finding.outcome != REFUSED or key.kind in self._authenticated:
            return finding
        # The refusal may concern the signature algorithm: the server has accepted no key of this type yet.
        taken = [name for name in key.algorithms if finding.signatures is None or name in finding.signatures]
        if not taken or self._overstates_algorithms:
            msg = f"The server refused the key, but it may accept no key of the type {key.kind}."
            return Finding(UNVERIFIED, msg, LOGIN)
        used = next((name for name in configuration.algorithms if name in taken), None)
        for algorithm in taken if finding.signatures is not None else []:
            if algorithm == used:
                continue
            other = yield from self._run(number, configuration, algorithm)
            if other.outcome == ACCEPTED:
                self._overstates_algorithms = True
                self._authenticated[key.kind] = algorithm
                return other._replace(msg=f"{other.msg} It accepts it with the signature algorithm {algorithm} only.")
            if other.cause == LOGIN:
                return other
        return finding

    def _run(
        self, number: int, configuration: Configuration, algorithm: str | None = None
    ) -> t.Generator[_Start, Attempt | None, Finding]:
        target, key = self._targets[number], self._keys[number]
        attempt = yield _Start(
            lambda log: login_command(target, key, configuration, log=log, marker=self._marker, algorithm=algorithm),
            configuration.connect_timeout + LOGIN_SECONDS,
        )
        if attempt is None:
            raise AssertionError("The program was not started.")
        finding = classify(attempt, key, self._marker)
        return finding._replace(msg=finding.msg.replace(key.copy, key.path))

    def _note_all(self, numbers: t.Iterable[int], finding: Finding) -> None:
        for number in numbers:
            self._note(number, finding)

    def _note(self, number: int, finding: Finding, *, tried: bool = False) -> None:
        tries = self._logins[number].tries + tried
        given_up = finding.retry == SPARINGLY and tries >= SPARING_TRIES
        self._logins[number] = self._logins[number]._replace(
            outcome=finding.outcome,
            msg=finding.msg,
            cause=finding.cause,
            permanent=finding.retry == NEVER or given_up,
            partial=finding.partial,
            command_ran=finding.command_ran,
            tries=tries,
        )
