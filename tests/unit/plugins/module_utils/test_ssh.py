# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of _ssh: the command line of a login that proves something, what real output of ssh proves, and when it is tried again."""

from __future__ import annotations

import json
import re
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh import (
    ACCEPTED,
    REFUSED,
    UNPROVEN,
    Finished,
    Login,
    Target,
    judge,
    log_in,
    log_in_everywhere,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import FakeClock

FIXTURES = Path(__file__).resolve().parents[4] / "tests" / "fixtures"
#: Runs of ssh by name: the key in question, the exit status, and the lines on standard error.
RUNS = {run["name"]: run for run in json.loads((FIXTURES / "ssh-logins.json").read_text(encoding="utf-8"))}
TARGET = Target("web", "192.0.2.10", "/keys/new")


def shown_by(name: str) -> Login:
    run = RUNS[name]
    target = Target("web", "192.0.2.10", run["key"])
    return judge(target, Finished(run["status"], "\r\n".join(run["stderr"])))


# The command line


def test_a_login_uses_one_key_and_a_connection_of_its_own() -> None:
    command = TARGET.command()
    options = [command[number + 1] for number, word in enumerate(command) if word == "-o"]
    assert {
        "ControlMaster=no",
        "ControlPath=none",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "PreferredAuthentications=publickey",
        "BatchMode=yes",
    } < set(options)
    assert command[:3] == ["ssh", "-v", "-n"]
    assert command[command.index("-i") + 1] == "/keys/new"
    assert command[-3:] == ["--", "192.0.2.10", "true"]
    assert "-p" not in command
    assert "-l" not in command


def test_what_the_user_adds_comes_after_what_the_proof_rests_on() -> None:
    target = Target("web", "web.example.org", "/keys/new", 2222, "ops", "-o ControlMaster=auto -J 'bas tion'")
    command = target.command()
    assert command[command.index("-p") + 1] == "2222"
    assert command[command.index("-l") + 1] == "ops"
    assert command[-6:] == ["ControlMaster=auto", "-J", "bas tion", "--", "web.example.org", "true"]
    assert command.index("ControlMaster=no") < command.index("ControlMaster=auto")


def test_a_host_cannot_be_an_option() -> None:
    command = Target("web", "-oProxyCommand=touch /tmp/x", "/keys/new").command()
    assert command[-3:] == ["--", "-oProxyCommand=touch /tmp/x", "true"]


def test_arguments_that_cannot_be_split_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"targets: the args of web cannot be split into words: No closing quotation"):
        Target("web", "192.0.2.10", "/keys/new", args="-J 'bastion").command()


# What a run proves


@pytest.mark.parametrize(
    "name",
    [
        "accepted",
        "accepted-with-public-half",
        "accept-new",
        "jump-accepted",
        # The bastion accepts the key as well, and says so in the same words.
        "jump-accepted-same-key",
        "two-jumps-accepted",
    ],
)
def test_a_key_is_accepted(name: str) -> None:
    assert shown_by(name) == Login("web", ACCEPTED, "The server accepted the key.", lasting=True)


def test_a_key_is_accepted_by_a_server_that_ends_the_session() -> None:
    login = shown_by("accepted-status3")
    assert login == Login("web", ACCEPTED, "The server accepted the key, and ended the session with 3.", lasting=True)


@pytest.mark.parametrize(
    "name",
    [
        "refused",
        # PEM without its public half beside it: ssh tries it at once and names no key that the server accepts.
        "refused-pem",
        # ssh shows the public half of a key that has a passphrase, and that is refused.
        "locked-key",
        "jump-refused",
        # The bastion still accepts the old key; the server behind it does not.
        "jump-refused-same-key",
        "two-jumps-refused",
        "proxycommand-refused",
    ],
)
def test_a_key_is_refused_by_the_servers_own_words(name: str) -> None:
    words = "The server said: root@127.0.0.1: Permission denied (publickey)."
    assert shown_by(name) == Login("web", REFUSED, words, lasting=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing-key", "Warning: Identity file /keys/nothere not accessible: No such file or directory."),
        ("garbage-key", 'Load key "/keys/garbage": error in libcrypto.'),
        ("locked-pem-nopub", "it may have a passphrase."),
        ("open-pem", "Permissions 0644 for '/keys/pem' are too open."),
    ],
)
def test_a_key_that_ssh_never_showed_is_not_refused(name: str, words: str) -> None:
    # The server says "Permission denied" here as well, but about nothing.
    assert shown_by(name) == Login("web", UNPROVEN, f"ssh did not show the key to the server: {words}", lasting=True)


@pytest.mark.parametrize("name", ["jump-refused-at-bastion", "second-jump-refused", "proxycommand-refused-at-bastion"])
def test_what_a_bastion_refuses_proves_nothing_about_the_server(name: str) -> None:
    assert shown_by(name) == Login("web", UNPROVEN, "jump@127.0.0.1: Permission denied (publickey).", lasting=True)


def test_getting_in_with_another_key_proves_nothing() -> None:
    words = "ssh got in with another key than this one, which its configuration names for this host."
    assert shown_by("other-key") == Login("web", UNPROVEN, words, lasting=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown-host", "Host key verification failed."),
        ("unknown-host-batch", "Host key verification failed."),
        ("changed-host", "Host key verification failed."),
        ("jump-target-hostkey", "Host key verification failed."),
        ("dns", "ssh: Could not resolve hostname nowhere.invalid: Name or service not known."),
        ("badopt", "command-line: line 0: Bad configuration option: nosuch."),
    ],
)
def test_what_waiting_cannot_mend_is_lasting(name: str, words: str) -> None:
    assert shown_by(name) == Login("web", UNPROVEN, words, lasting=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("closed", r"ssh: connect to host 127\.0\.0\.1 port \d+: Connection refused\."),
        ("silent", r"Connection to 127\.0\.0\.1 port \d+ timed out\."),
        ("hangup", r"Connection reset by 127\.0\.0\.1 port \d+\."),
        ("jump-bastion-down", r"ssh: connect to host 127\.0\.0\.1 port \d+: Connection refused\."),
        ("proxycommand", r"/bin/bash: line 1: exec: nc: not found\."),
    ],
)
def test_a_server_that_does_not_answer_may_answer_later(name: str, words: str) -> None:
    login = shown_by(name)
    assert (login.outcome, login.lasting) == (UNPROVEN, False)
    assert re.fullmatch(words, login.words)


def test_an_end_without_a_word_is_told_by_its_status() -> None:
    assert judge(TARGET, Finished(255, "")) == Login("web", UNPROVEN, "ssh ended with 255.", lasting=False)


def test_a_server_that_takes_no_keys_at_all_has_not_refused_this_one() -> None:
    lines = [
        "debug1: Authenticating to 192.0.2.10:22 as 'root'",
        "debug1: Authentications that can continue: password",
        "root@192.0.2.10: Permission denied (password).",
    ]
    login = judge(TARGET, Finished(255, "\n".join(lines)))
    assert (login.outcome, login.words) == (UNPROVEN, "root@192.0.2.10: Permission denied (password).")


def test_a_key_whose_name_begins_like_ours_is_another_key() -> None:
    lines = [
        "debug1: Authenticating to 192.0.2.10:22 as 'root'",
        "debug1: Offering public key: /keys/new-2025 ED25519 SHA256:x explicit",
        "debug1: Server accepts key: /keys/new-2025 ED25519 SHA256:x explicit",
        'Authenticated to 192.0.2.10 ([192.0.2.10]:22) using "publickey".',
    ]
    assert judge(TARGET, Finished(0, "\n".join(lines))).outcome == UNPROVEN


def test_a_path_with_blanks_is_one_path() -> None:
    lines = [
        "debug1: Authenticating to 192.0.2.10:22 as 'root'",
        "debug1: Offering public key: /my keys/new RSA SHA256:x explicit",
        "debug1: Server accepts key: /my keys/new RSA SHA256:x explicit",
    ]
    assert judge(Target("web", "h", "/my keys/new"), Finished(0, "\n".join(lines))).outcome == ACCEPTED


def test_a_second_factor_is_no_refusal_of_the_key() -> None:
    lines = [
        "debug1: Authenticating to 192.0.2.10:22 as 'root'",
        "debug1: Offering public key: /keys/new RSA SHA256:x explicit",
        "debug1: Server accepts key: /keys/new RSA SHA256:x explicit",
        'Authenticated using "publickey" with partial success.',
        "debug1: Authentications that can continue: keyboard-interactive",
        "root@192.0.2.10: Permission denied (keyboard-interactive).",
    ]
    login = judge(TARGET, Finished(255, "\n".join(lines)))
    assert login.words == "The server accepted the key, and ended the session with 255."


# Trying again


class Script:
    """A stand-in for running ssh: each run takes its time and ends as the script says; the last line stays in force."""

    def __init__(self, clock: FakeClock, *names: str, seconds: float = 0.0) -> None:
        self.clock = clock
        self.names = list(names)
        self.seconds = seconds
        #: The time-out of each run.
        self.timeouts: list[float] = []

    def __call__(self, command: list[str], timeout: float) -> Finished:
        self.timeouts.append(timeout)
        self.clock.now += min(self.seconds, timeout)
        run = RUNS[self.names.pop(0) if len(self.names) > 1 else self.names[0]]
        return Finished(run["status"], "\n".join(run["stderr"]))


def test_a_login_that_proves_something_is_not_repeated(clock: FakeClock) -> None:
    script = Script(clock, "accepted")
    assert log_in(TARGET, script, clock, 300).outcome == ACCEPTED
    assert len(script.timeouts) == 1
    assert clock.sleeps == []


def test_a_server_that_boots_is_tried_every_two_seconds(clock: FakeClock) -> None:
    script = Script(clock, "closed", "hangup", "accepted")
    assert log_in(TARGET, script, clock, 300).outcome == ACCEPTED
    assert clock.sleeps == [2.0, 2.0]


def test_what_is_lasting_is_not_tried_again(clock: FakeClock) -> None:
    script = Script(clock, "changed-host")
    assert log_in(TARGET, script, clock, 300).words == "Host key verification failed."
    assert len(script.timeouts) == 1


def test_the_time_limit_holds(clock: FakeClock) -> None:
    script = Script(clock, "closed", seconds=1.0)
    login = log_in(TARGET, script, clock, 10)
    assert (login.outcome, login.lasting) == (UNPROVEN, False)
    assert clock.now <= 1000 + 10
    assert len(script.timeouts) == 4


def test_one_run_takes_at_most_half_a_minute_and_what_is_left(clock: FakeClock) -> None:
    script = Script(clock, "silent", seconds=100.0)
    log_in(TARGET, script, clock, 50)
    assert script.timeouts == [30.0, 18.0]


def test_a_time_limit_of_nothing_still_looks_once(clock: FakeClock) -> None:
    script = Script(clock, "accepted")
    assert log_in(TARGET, script, clock, 0).outcome == ACCEPTED
    assert script.timeouts == [1.0]


def test_many_logins_run_side_by_side_and_come_back_in_order(clock: FakeClock) -> None:
    together = threading.Barrier(3, timeout=30)

    def run(command: list[str], timeout: float) -> Finished:
        together.wait()
        lines = [
            f"debug1: Authenticating to {command[-2]}:22 as 'root'",
            "debug1: Trying private key: /keys/new",
            f'Authenticated to {command[-2]} ([192.0.2.1]:22) using "publickey".',
        ]
        return Finished(int(command[-2]), "\n".join(lines))

    targets = [Target(f"web{number}", str(number), "/keys/new") for number in range(6)]
    logins: t.Sequence[Login] = log_in_everywhere(targets, run, clock, 10, parallel=3)
    assert [login.name for login in logins] == [target.name for target in targets]
    assert [login.words.rpartition(" ")[2] for login in logins] == ["key.", "1.", "2.", "3.", "4.", "5."]
