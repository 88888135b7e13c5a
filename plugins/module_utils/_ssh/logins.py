# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many logins within one time limit: which one is tried when, and what all tries of it have shown.

The logins to one server are tried one after the other, for servers count failures and connections; servers are visited side
by side. Everything happens in one thread, which looks at the running programs many times a second.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.commands import (
    Configuration,
    Target,
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
    UNPROVEN,
    Attempt,
    Finding,
    judge,
    misconfigured,
)

#: The outcome where nothing speaks against a login that was not to be tried.
UNTRIED = "not tried"

#: Seconds between two looks at the programs that run.
LOOK = 0.05
#: Seconds until a server that does not answer is tried again: the first pause, how it grows, and the longest.
FIRST_PAUSE, GROWTH, LONGEST_PAUSE = 2.0, 1.5, 10.0
#: Seconds and tries for a server that ends connections when it is shown a key: it may count failures, and lock out.
SPARING_PAUSE, SPARING_TRIES = 5.0, 3
#: Seconds that one run may take beyond those for the connection, and that ``ssh -G`` may take.
LOGIN_SECONDS, CONFIGURATION_SECONDS = 20.0, 15.0
#: Seconds that a run takes at least, however close the end is.
LEAST_SECONDS = 1.0


class Login(t.NamedTuple):
    """What is known about a login in the end.

    Attributes:
        name: The target's name.
        outcome: ``accepted``, ``refused``, ``not proven``, or ``not tried``.
        words: What it rests on.
        cause: Why nothing was proven, in a word; None otherwise.
        lasting: Whether another try would hardly change it.
        partial: Whether the server asks for something else beside the key.
        command_ran: Whether the server ran a command after the login; None without a login.
        tries: How often it was tried.
        public_key: The public half of the key, or None if the key cannot be used.
        fingerprint: Its fingerprint, or None.
        user: The user that the target or the configuration of ssh names, or None.
        port: The port that the target or the configuration of ssh names, or None if that is not known.
    """

    name: str
    outcome: str = UNPROVEN
    words: str = "The time was up before it was tried."
    cause: str | None = CONNECTION
    lasting: bool = False
    partial: bool = False
    command_ran: bool | None = None
    tries: int = 0
    public_key: str | None = None
    fingerprint: str | None = None
    user: str | None = None
    port: int | None = None


class Run(t.Protocol):
    """A program that runs."""

    def result(self) -> Attempt | None:
        """Return what came of it, or None while it runs."""

    def end(self, seconds: float) -> Attempt:
        """End it, after it has run for so many seconds, and return what came of it."""


class Programs(t.Protocol):
    """What runs ssh."""

    @property
    def account(self) -> str:
        """The name of the account that runs this, which ssh takes where nothing names a user."""

    def start(self, command: t.Callable[[str], list[str]]) -> Run:
        """Start a program.

        Args:
            command: Makes the command line, given the file for its log.
        """


class _Start(t.NamedTuple):
    """A step: run a program, for so many seconds at most."""

    command: t.Callable[[str], list[str]]
    seconds: float


class _Pause(t.NamedTuple):
    """A step: do nothing for so many seconds."""

    seconds: float


#: What is done about one server: it is sent what came of each program.
_Steps = t.Generator[t.Union[_Start, _Pause], t.Optional[Attempt], None]


def log_in_everywhere(
    targets: t.Sequence[Target],
    keys: t.Mapping[str, Key],
    programs: Programs,
    clock: Clock,
    *,
    timeout: float,
    parallel: int,
    says: str,
    connect: bool = True,
    on_look: t.Callable[[t.Sequence[Login], float], None] | None = None,
) -> list[Login]:
    """Try all logins until each has shown something, or the time is up; return them in the order of the targets.

    Args:
        targets: The logins.
        keys: Their keys by file.
        programs: Runs ssh.
        clock: Time.
        timeout: Seconds for all of it.
        parallel: How many servers to visit at a time.
        says: A word that no server prints by itself; each is to print it.
        connect: Whether to log in. Otherwise, only what can be known before is found out.
        on_look: Called at each look with the logins so far, and the seconds since the beginning.
    """
    logins = [_known(target, keys[target.private_key_file]) for target in targets]
    servers: dict[tuple[t.Any, ...], list[int]] = {}
    for number, target in enumerate(targets):
        servers.setdefault(target.server, []).append(number)
    jobs = [
        _Job(_Visit(targets, keys, logins, numbers, programs.account, says).steps(connect=connect))
        for numbers in servers.values()
    ]
    _work(jobs, programs, clock, timeout, parallel, lambda seconds: on_look(logins, seconds) if on_look else None)
    return logins


def describe(logins: t.Sequence[Login]) -> str:
    """Return how logins stand, in a few words."""
    unproven = [login for login in logins if login.outcome == UNPROVEN]
    counts = {
        ACCEPTED: sum(login.outcome == ACCEPTED for login in logins),
        REFUSED: sum(login.outcome == REFUSED for login in logins),
        UNPROVEN: sum(login.lasting for login in unproven),
        "open": sum(not login.lasting for login in unproven),
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def _known(target: Target, key: Key) -> Login:
    """Return what is known about a login before it is tried."""
    return Login(
        target.name,
        user=target.user,
        port=target.port,
        public_key=key.public_key,
        fingerprint=key.fingerprint or None,
    )


class _Job:
    """A server that is being visited.

    Args:
        steps: What is done about it.
    """

    def __init__(self, steps: _Steps) -> None:
        self._steps = steps
        self._run: Run | None = None
        self._started = 0.0
        self._seconds = 0.0
        #: When the next step is due.
        self.due = 0.0
        self.over = False
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
            self.over = True

    def start(self, programs: Programs, now: float) -> None:
        """Start the program that is next."""
        if self._next is None:
            raise AssertionError("There is no program to start.")
        self._run, self._started, self._seconds = programs.start(self._next.command), now, self._next.seconds
        self._next = None

    def look(self, now: float, deadline: float) -> bool:
        """Take in what came of the program, once it is over or its time is up. Return whether it still runs."""
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
        """End the program, if one runs."""
        if self._run is not None:
            self._run.end(0.0)


def _work(
    jobs: t.Sequence[_Job],
    programs: Programs,
    clock: Clock,
    timeout: float,
    parallel: int,
    on_look: t.Callable[[float], None],
) -> None:
    """Do all steps of all jobs that begin before the time is up."""
    started = clock.monotonic()
    deadline = started + timeout
    waiting = [job for job in jobs if not job.over]
    running: list[_Job] = []
    try:
        while waiting or running:
            now = clock.monotonic()
            ended = [job for job in running if not job.look(now, deadline)]
            running = [job for job in running if job not in ended]
            waiting += [job for job in ended if not job.over]
            if now >= deadline:
                waiting = []
            # The longest due first: servers that were not visited yet before those that did not answer.
            due = sorted((job for job in waiting if job.due <= now), key=lambda job: job.due)
            for job in due[: parallel - len(running)]:
                job.start(programs, now)
                running.append(job)
                waiting.remove(job)
            on_look(now - started)
            if waiting or running:
                clock.sleep(LOOK)
    finally:
        for job in running:
            job.stop()


class _Visit:
    """All logins to one server.

    Args:
        targets: All targets.
        keys: Keys by file.
        logins: What is known about each login, which is kept up to date.
        numbers: The targets that are about this server.
        account: The name of the account that runs this.
        says: The word that the server is to print.
    """

    def __init__(
        self,
        targets: t.Sequence[Target],
        keys: t.Mapping[str, Key],
        logins: list[Login],
        numbers: t.Sequence[int],
        account: str,
        says: str,
    ) -> None:
        self._targets = {number: targets[number] for number in numbers}
        self._keys = {number: keys[target.private_key_file] for number, target in self._targets.items()}
        self._logins = logins
        self._account = account
        self._says = says
        #: The types of the keys that the server has let in, each with the signature algorithm if it must be that one.
        self._let_in: dict[str, str | None] = {}
        #: Whether it has refused a signature algorithm that it says it takes, as OpenSSH before 9.6 may.
        self._says_too_much = False

    def steps(self, *, connect: bool) -> _Steps:
        """Ask ssh how it would log in, and then log in with each key until it has shown something."""
        first = list(self._targets.values())[0]
        if first.arguments.problem:
            self._note_all(
                self._targets, Finding(UNPROVEN, printable(first.arguments.problem, SENTENCE), CONFIGURATION)
            )
            return
        attempt = yield _Start(lambda _log: configuration_command(first), CONFIGURATION_SECONDS)
        if attempt is None:
            raise AssertionError("The program was not started.")
        if attempt.status != 0:
            self._note_all(self._targets, misconfigured(attempt))
            return
        configuration = read_configuration(attempt.stdout)
        for number in self._targets:
            user = configuration.user if configuration.user != self._account else self._targets[number].user
            self._logins[number] = self._logins[number]._replace(user=user, port=configuration.port)
        usable = [number for number, key in self._keys.items() if key.problem is None]
        for number in set(self._targets) - set(usable):
            self._note(number, Finding(UNPROVEN, str(self._keys[number].problem), KEY))
        if not connect:
            self._note_all(usable, Finding(UNTRIED, "Nothing speaks against the login."))
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
                    # The server does not answer yet: the other keys would not get further.
                    self._note_all([other for other in still if self._logins[other].tries == 0], finding)
                    break
            still = [number for number in still if not self._logins[number].lasting]
            yield _Pause(max(shortest, pause))
            pause = min(pause * GROWTH, LONGEST_PAUSE)

    def _try(self, number: int, configuration: Configuration) -> t.Generator[_Start, Attempt | None, Finding]:
        key = self._keys[number]
        # With the algorithm by which the server has let in a key of this type, if it has.
        finding = yield from self._run(number, configuration, self._let_in.get(key.kind))
        if finding.outcome == ACCEPTED:
            self._let_in.setdefault(key.kind, None)
        if finding.outcome != REFUSED or key.kind in self._let_in:
            return finding
        # A refusal may be about the signature algorithm. The server has let in no key of this type.
        taken = [name for name in key.algorithms if finding.signatures is None or name in finding.signatures]
        if not taken or self._says_too_much:
            words = f"The server refused the key, but perhaps it takes no key of the type {key.kind}."
            return Finding(UNPROVEN, words, LOGIN)
        used = next((name for name in configuration.algorithms if name in taken), None)
        for algorithm in taken if finding.signatures is not None else []:
            if algorithm == used:
                continue
            other = yield from self._run(number, configuration, algorithm)
            if other.outcome == ACCEPTED:
                self._says_too_much = True
                self._let_in[key.kind] = algorithm
                return other._replace(words=f"{other.words} It does so with the signature algorithm {algorithm} only.")
            if other.cause == LOGIN:
                return other
        return finding

    def _run(
        self, number: int, configuration: Configuration, algorithm: str | None = None
    ) -> t.Generator[_Start, Attempt | None, Finding]:
        target, key = self._targets[number], self._keys[number]
        attempt = yield _Start(
            lambda log: login_command(target, key, configuration, log=log, says=self._says, algorithm=algorithm),
            configuration.connect_timeout + LOGIN_SECONDS,
        )
        if attempt is None:
            raise AssertionError("The program was not started.")
        finding = judge(attempt, key, self._says)
        return finding._replace(words=finding.words.replace(key.copy, key.path))

    def _note_all(self, numbers: t.Iterable[int], finding: Finding) -> None:
        for number in numbers:
            self._note(number, finding)

    def _note(self, number: int, finding: Finding, *, tried: bool = False) -> None:
        tries = self._logins[number].tries + tried
        given_up = finding.retry == SPARINGLY and tries >= SPARING_TRIES
        self._logins[number] = self._logins[number]._replace(
            outcome=finding.outcome,
            words=finding.words,
            cause=finding.cause,
            lasting=finding.retry == NEVER or given_up,
            partial=finding.partial,
            command_ran=finding.command_ran,
            tries=tries,
        )
