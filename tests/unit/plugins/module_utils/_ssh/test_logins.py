# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of many logins within one time limit: what is tried when, how often, and in which order."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.commands import LoginTarget
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.keys import Key
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.logins import (
    UNTRIED,
    LoginResult,
    describe,
    log_in_everywhere,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.transcript import (
    ACCEPTED,
    CONFIGURATION,
    CONNECTION,
    KEY,
    LOGIN,
    REFUSED,
    UNVERIFIED,
    Attempt,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._ssh.recorded import attempt, key
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import FakeClock

CONFIGURATION_OUTPUT = (
    "user root\nport 22\nconnecttimeout none\npubkeyacceptedalgorithms ssh-ed25519,rsa-sha2-512,rsa-sha2-256\n"
)
KEYS = {name: key(name)._replace(path=name, copy=f"/private/{name}") for name in ("new", "old", "rsa", "oldrsa")}
KEYS["broken"] = Key("broken", problem="broken has a passphrase.")


class Started(t.NamedTuple):
    """A login that was tried: when, where, with which key, and with which algorithm if it had to be that one."""

    at: float
    host: str
    key: str
    algorithm: str | None


class FakeRun:
    """A run of ssh that takes its time."""

    def __init__(self, clock: FakeClock, seconds: float, attempt: Attempt) -> None:
        self.clock = clock
        self.until = clock.now + seconds
        self.attempt = attempt
        self.ended: float | None = None

    def result(self) -> Attempt | None:
        return self.attempt if self.clock.now >= self.until else None

    def end(self, seconds: float) -> Attempt:
        self.ended = seconds
        return self.attempt._replace(status=-15, log=self.attempt.log.partition("debug1: Offering")[0], ended=seconds)


class FakePrograms:
    """Runs of ssh by script.

    Args:
        clock: Time.
        script: By host and key, names of recorded runs, one for each try; the last one stays in force.
        seconds: What a run takes, by host.
        configuration: What ``ssh -G`` prints.
        status: How ``ssh -G`` ends.
    """

    account = "me"

    def __init__(
        self,
        clock: FakeClock,
        script: t.Mapping[tuple[str, str], list[str]],
        seconds: t.Mapping[str, float] | None = None,
        configuration: str = CONFIGURATION_OUTPUT,
        status: int = 0,
    ) -> None:
        self.clock = clock
        self.script = {where: list(names) for where, names in script.items()}
        self.seconds = seconds or {}
        self.configuration = Attempt(status, stdout=configuration, stderr="Bad configuration option: nosuch\n")
        self.asked: list[str] = []
        self.logins: list[Started] = []
        self.runs: list[FakeRun] = []
        #: How many logins ran at a time, at most.
        self.together = 0

    def start(self, command: t.Callable[[str], list[str]]) -> FakeRun:
        words = command("/private/log")
        host = words[words.index("--") + 1]
        if words[1] == "-G":
            self.asked.append(host)
            return FakeRun(self.clock, 0, self.configuration)
        name = words[words.index("-i") + 1].rpartition("/")[2]
        forced = [word.partition("=")[2] for word in words if word.startswith("PubkeyAcceptedKeyTypes=")]
        self.logins.append(Started(self.clock.now - 1000, host, name, forced[0] if forced else None))
        script = self.script[(host, f"{name} {forced[0]}" if forced else name)]
        found = attempt(script.pop(0) if len(script) > 1 else script[0])
        log = found.log.replace("/private/0", f"/private/{name}")
        # Recorded with another key of the same type.
        for other in KEYS.values():
            if other.kind == KEYS[name].kind:
                log = log.replace(other.fingerprint, KEYS[name].fingerprint)
        run = FakeRun(self.clock, self.seconds.get(host, 0.0), found._replace(log=log))
        self.runs.append(run)
        going = [one for one in self.runs if one.ended is None and one.until > self.clock.now]
        self.together = max(self.together, len(going))
        return run


def target(host: str, key: str = "new", **more: t.Any) -> LoginTarget:
    return LoginTarget(f"{host} {key}", host, key, **more)


def log_in(
    programs: FakePrograms, *targets: LoginTarget, timeout: float = 300, parallel: int = 32, **more: t.Any
) -> list[LoginResult]:
    return log_in_everywhere(
        targets, KEYS, programs, programs.clock, timeout=timeout, parallel=parallel, marker="nonce", **more
    )


# Order


def test_the_results_are_in_the_order_of_the_targets(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "new"): ["accepted"], ("a", "old"): ["refused"], ("b", "new"): ["refused"]})
    logins = log_in(programs, target("a"), target("b"), target("a", "old"))
    assert [(login.name, login.outcome) for login in logins] == [
        ("a new", ACCEPTED),
        ("b new", REFUSED),
        ("a old", REFUSED),
    ]
    assert {login.tries for login in logins} == {1}
    assert logins[0].public_key == KEYS["new"].public_key
    assert logins[0].fingerprint == KEYS["new"].fingerprint
    # One question to ssh for each server.
    assert sorted(programs.asked) == ["a", "b"]


def test_one_server_is_logged_in_to_once_at_a_time(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "new"): ["accepted"], ("a", "old"): ["refused"]}, {"a": 3.0})
    log_in(programs, target("a"), target("a", "old"))
    first, second = programs.logins
    assert second.at >= first.at + 3
    assert programs.together == 1


def test_servers_are_tried_side_by_side_up_to_a_number(clock: FakeClock) -> None:
    hosts = [f"h{number}" for number in range(7)]
    programs = FakePrograms(clock, {(host, "new"): ["accepted"] for host in hosts}, dict.fromkeys(hosts, 5.0))
    logins = log_in(programs, *map(target, hosts), parallel=3)
    assert {login.outcome for login in logins} == {ACCEPTED}
    assert programs.together == 3
    assert clock.now - 1000 < 3 * 6


# Trying again


def test_a_server_that_boots_is_tried_again_with_growing_pauses(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "new"): ["closed"] * 6 + ["accepted"]})
    (login,) = log_in(programs, target("a"))
    assert (login.outcome, login.tries, login.permanent) == (ACCEPTED, 7, True)
    pauses = [round(later.at - earlier.at, 1) for earlier, later in zip(programs.logins, programs.logins[1:])]
    assert pauses == pytest.approx([2, 3, 4.5, 6.8, 10, 10], abs=0.2)


def test_only_what_is_open_is_tried_again(clock: FakeClock) -> None:
    script = {
        ("a", "new"): ["accepted"],
        ("a", "old"): ["cut-when-shown", "refused"],
        ("b", "new"): ["closed", "accepted"],
    }
    programs = FakePrograms(clock, script)
    logins = log_in(programs, target("a"), target("a", "old"), target("b"))
    assert [login.outcome for login in logins] == [ACCEPTED, REFUSED, ACCEPTED]
    assert [login.tries for login in logins] == [1, 2, 2]


def test_keys_share_the_fate_of_a_server_that_does_not_answer(clock: FakeClock) -> None:
    script = {("a", "new"): ["closed", "accepted"], ("a", "old"): ["refused"]}
    programs = FakePrograms(clock, script)
    logins = log_in(programs, target("a"), target("a", "old"))
    assert [(started.key, started.at < 1) for started in programs.logins] == [
        ("new", True),
        ("new", False),
        ("old", False),
    ]
    assert [login.outcome for login in logins] == [ACCEPTED, REFUSED]


def test_a_server_that_cuts_connections_is_tried_a_few_times_only(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "old"): ["cut-when-shown"]})
    (login,) = log_in(programs, target("a", "old"))
    assert (login.outcome, login.cause, login.tries, login.permanent) == (UNVERIFIED, CONNECTION, 3, True)
    pauses = [later.at - earlier.at for earlier, later in zip(programs.logins, programs.logins[1:])]
    assert min(pauses) >= 5
    assert clock.now - 1000 < 30


@pytest.mark.parametrize("name", ["refused", "changed-host", "known-and-denied", "bastion-refuses", "password-first"])
def test_a_permanent_error_is_not_tried_again(clock: FakeClock, name: str) -> None:
    programs = FakePrograms(clock, {("a", "new"): [name]})
    (login,) = log_in(programs, target("a"))
    assert (login.tries, login.permanent) == (1, True)
    assert len(programs.logins) == 1


# One time limit


def test_the_time_limit_is_that_of_all_logins_together(clock: FakeClock) -> None:
    # Each try takes the ten seconds of a connection without a response.
    hosts = [f"h{number}" for number in range(500)]
    script = {(host, name): ["closed"] for host in hosts for name in ("new", "old")}
    programs = FakePrograms(clock, script, dict.fromkeys(hosts, 10.0))
    logins = log_in(programs, *(target(host, name) for host in hosts for name in ("new", "old")), timeout=60)
    assert clock.now - 1000 < 62
    assert {login.outcome for login in logins} == {UNVERIFIED}
    assert {login.cause for login in logins} == {CONNECTION}
    # No server is tried twice as long as another one was not tried at all.
    assert {login.tries for login in logins} == {0, 1}
    assert sum(login.tries for login in logins) > 32 * 5
    assert {login.msg for login in logins} == {
        "ssh: connect to host 127.0.0.1 port 7999: Connection refused.",
        # The last ones are ended when the time is up.
        "The login was not over after 9 s.",
        "The time was up before it was tried.",
    }


def test_programs_that_run_when_the_time_is_up_are_ended(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "new"): ["accepted"]}, {"a": 100.0})
    (login,) = log_in(programs, target("a"), timeout=5)
    assert login.outcome == UNVERIFIED
    assert programs.runs[0].ended == pytest.approx(5, abs=0.2)


def test_one_run_takes_no_longer_than_a_connection_and_a_login(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "new"): ["accepted"]}, {"a": 100.0})
    log_in(programs, target("a"), timeout=40)
    assert programs.runs[0].ended == pytest.approx(30, abs=0.2)


def test_a_longer_connection_timeout_of_the_user_counts(clock: FakeClock) -> None:
    output = CONFIGURATION_OUTPUT.replace("connecttimeout none", "connecttimeout 60")
    programs = FakePrograms(clock, {("a", "new"): ["accepted"]}, {"a": 70.0}, output)
    (login,) = log_in(programs, target("a"))
    assert login.outcome == ACCEPTED


def test_a_login_that_begins_gets_at_least_a_second(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "new"): ["closed", "accepted"]}, {"a": 0.9})
    (login,) = log_in(programs, target("a"), timeout=3.3)
    assert (login.outcome, login.tries) == (ACCEPTED, 2)


# What is known before


def test_nothing_is_connected_to_when_only_the_way_is_asked_for(clock: FakeClock) -> None:
    output = CONFIGURATION_OUTPUT.replace("port 22", "port 2222").replace("user root", "user ops")
    programs = FakePrograms(clock, {}, configuration=output)
    logins = log_in(programs, target("a"), target("a", "broken"), connect=False)
    assert programs.logins == []
    assert [(login.outcome, login.cause, login.permanent) for login in logins] == [
        (UNTRIED, None, True),
        (UNVERIFIED, KEY, True),
    ]
    assert logins[1].msg == "broken has a passphrase."
    assert [(login.user, login.port, login.tries) for login in logins] == [("ops", 2222, 0)] * 2


@pytest.mark.parametrize(
    ("user", "output", "expected"),
    [
        ("root", "user root", "root"),
        (None, "user ops", "ops"),
        # Without a user, ssh takes the name of the account.
        (None, "user me", None),
        ("me", "user me", "me"),
    ],
)
def test_the_user_comes_from_the_target_or_the_configuration(
    clock: FakeClock, user: str | None, output: str, expected: str | None
) -> None:
    programs = FakePrograms(clock, {}, configuration=f"{output}\nport 22\n")
    (login,) = log_in(programs, target("a", user=user), connect=False)
    assert login.user == expected


def test_an_invalid_target_does_not_affect_the_others(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "new"): ["accepted"]})
    logins = log_in(programs, target("a", args="-J 'bastion"), target("a", args="-N"), target("a"))
    assert [(login.outcome, login.cause) for login in logins] == [
        (UNVERIFIED, CONFIGURATION),
        (UNVERIFIED, CONFIGURATION),
        (ACCEPTED, None),
    ]
    assert "cannot be split into words" in logins[0].msg
    assert logins[1].msg.startswith("-N among the arguments for ssh makes a verification impossible")
    assert [login.permanent for login in logins] == [True] * 3


def test_a_configuration_that_ssh_does_not_understand_is_reported(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {}, status=255)
    (login,) = log_in(programs, target("a"))
    assert (login.outcome, login.cause, login.permanent) == (UNVERIFIED, CONFIGURATION, True)
    assert login.msg == "ssh cannot be run like this: Bad configuration option: nosuch."


def test_a_key_that_cannot_be_used_keeps_no_other_from_being_tried(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "new"): ["accepted"]})
    logins = log_in(programs, target("a", "broken"), target("a"))
    assert [(login.outcome, login.cause) for login in logins] == [(UNVERIFIED, KEY), (ACCEPTED, None)]


# Signature algorithms


def test_a_refused_rsa_key_is_shown_with_each_algorithm(clock: FakeClock) -> None:
    script = {
        ("a", "rsa"): ["refused-rsa"],
        ("a", "rsa rsa-sha2-256"): ["refused-rsa"],
        ("a", "rsa ssh-rsa"): ["refused-rsa"],
    }
    programs = FakePrograms(clock, script)
    (login,) = log_in(programs, target("a", "rsa"))
    assert login.outcome == REFUSED
    # ssh itself prefers rsa-sha2-512.
    assert [started.algorithm for started in programs.logins] == [None, "rsa-sha2-256", "ssh-rsa"]


def test_a_refused_algorithm_is_not_a_refused_key(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "rsa"): ["refused-rsa"], ("a", "rsa rsa-sha2-256"): ["accepted-rsa"]})
    (login,) = log_in(programs, target("a", "rsa"))
    words = "The server accepted the key. It accepts it with the signature algorithm rsa-sha2-256 only."
    assert (login.outcome, login.msg) == (ACCEPTED, words)


def test_a_server_that_announces_unsupported_algorithms_verifies_no_refusal(clock: FakeClock) -> None:
    script = {("a", "rsa"): ["refused-rsa"], ("a", "rsa rsa-sha2-256"): ["accepted-rsa"], ("a", "old"): ["refused"]}
    programs = FakePrograms(clock, script)
    logins = log_in(programs, target("a", "rsa"), target("a", "old"))
    assert [(login.outcome, login.cause) for login in logins] == [(ACCEPTED, None), (UNVERIFIED, LOGIN)]
    assert logins[1].msg == "The server refused the key, but it may accept no key of the type ssh-ed25519."


def test_a_server_that_let_in_a_key_of_the_same_type_has_refused_the_key(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "rsa"): ["accepted-rsa"], ("a", "oldrsa"): ["refused-rsa"]})
    logins = log_in(programs, target("a", "rsa"), target("a", "oldrsa"))
    assert [login.outcome for login in logins] == [ACCEPTED, REFUSED]
    assert len(programs.logins) == 2


def test_the_accepted_algorithm_is_used_for_other_keys_of_this_type(clock: FakeClock) -> None:
    script = {
        ("a", "rsa"): ["refused-rsa"],
        ("a", "rsa rsa-sha2-256"): ["accepted-rsa"],
        ("a", "oldrsa rsa-sha2-256"): ["refused-rsa"],
    }
    programs = FakePrograms(clock, script)
    logins = log_in(programs, target("a", "rsa"), target("a", "oldrsa"))
    assert [login.outcome for login in logins] == [ACCEPTED, REFUSED]
    assert [started.algorithm for started in programs.logins] == [None, "rsa-sha2-256", "rsa-sha2-256"]


def test_a_server_that_takes_no_key_of_this_type_has_not_refused_it(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "new"): ["refused"]})
    found = attempt("refused")
    signatures = "server-sig-algs=<rsa-sha2-256,rsa-sha2-512>"

    def start(command: t.Callable[[str], list[str]]) -> FakeRun:
        run = FakePrograms.start(programs, command)
        head, _name, tail = run.attempt.log.partition("server-sig-algs=<")
        return FakeRun(clock, 0, run.attempt._replace(log=head + signatures + tail.partition(">")[2]))

    programs.start = start  # type: ignore[method-assign]
    (login,) = log_in(programs, target("a"))
    assert "server-sig-algs" in found.log
    assert (login.outcome, login.cause) == (UNVERIFIED, LOGIN)


def test_a_server_that_counts_failures_has_refused_the_key_the_first_time(clock: FakeClock) -> None:
    script = {("a", "rsa"): ["refused-rsa"], ("a", "rsa rsa-sha2-256"): ["closed"], ("a", "rsa ssh-rsa"): ["closed"]}
    programs = FakePrograms(clock, script)
    (login,) = log_in(programs, target("a", "rsa"))
    assert login.outcome == REFUSED


def test_a_key_known_by_another_algorithm_is_not_refused(clock: FakeClock) -> None:
    script = {
        ("a", "rsa"): ["refused-rsa"],
        ("a", "rsa rsa-sha2-256"): ["known-and-denied"],
        ("a", "rsa ssh-rsa"): ["refused-rsa"],
    }
    programs = FakePrograms(clock, script)
    original = programs.start

    def start(command: t.Callable[[str], list[str]]) -> FakeRun:
        run = original(command)
        log = run.attempt.log.replace(KEYS["new"].fingerprint, KEYS["rsa"].fingerprint)
        return FakeRun(clock, 0, run.attempt._replace(log=log))

    programs.start = start  # type: ignore[method-assign]
    (login,) = log_in(programs, target("a", "rsa"))
    assert (login.outcome, login.cause) == (UNVERIFIED, LOGIN)


# Progress


def test_progress_is_reported_during_the_logins(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "new"): ["accepted"], ("b", "new"): ["closed", "closed", "refused"]})
    told: list[tuple[str, float]] = []
    log_in(
        programs,
        target("a"),
        target("b"),
        on_progress=lambda logins, seconds: told.append((describe(logins), round(seconds, 1))),
    )
    assert told[0] == ("2 open", 0.0)
    assert "1 accepted, 1 open" in dict(told)
    assert told[-1][0] == "1 accepted, 1 refused"


def test_the_counts_of_logins_are_described() -> None:
    logins = [
        LoginResult("a", ACCEPTED, permanent=True),
        LoginResult("b", REFUSED, permanent=True),
        LoginResult("c", UNVERIFIED, permanent=True),
        LoginResult("d", UNVERIFIED),
        LoginResult("e", ACCEPTED, permanent=True),
    ]
    assert describe(logins) == "2 accepted, 1 refused, 1 not verified, 1 open"


def test_programs_are_ended_whatever_happens(clock: FakeClock) -> None:
    programs = FakePrograms(clock, {("a", "new"): ["accepted"]}, {"a": 10.0})

    def stop(_logins: t.Sequence[LoginResult], seconds: float) -> None:
        if seconds > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        log_in(programs, target("a"), on_progress=stop)
    assert programs.runs[0].ended is not None
