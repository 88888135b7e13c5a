# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the classification of runs of ssh: recorded ones of today's release, and logs as older releases write them."""

from __future__ import annotations

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.transcript import (
    ACCEPTED,
    CONFIGURATION,
    CONNECTION,
    HOST_KEY,
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
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._ssh.recorded import (
    MARKER,
    RUNS,
    attempt,
    key,
    key_of,
    shown_by,
)

NEW = key("new")


def classified(*log: str, stderr: str = "", stdout: str = "", ended: float | None = None) -> Finding:
    return classify(Attempt(255, "\n".join(log), stderr, stdout, ended), NEW, MARKER)


BEGIN = ("debug1: Authenticating to h:22 as 'root'", "debug1: Authentications that can continue: publickey")
OFFERED = f"debug1: Offering public key: /private/0 ED25519 {NEW.fingerprint} explicit"
KNOWN = f"debug1: Server accepts key: /private/0 ED25519 {NEW.fingerprint} explicit"
GOES_ON = "debug1: Authentications that can continue: publickey"
IN = 'Authenticated to h ([192.0.2.1]:22) using "publickey".'
DENIED = "root@h: Permission denied (publickey)."


# Accepted


@pytest.mark.parametrize(
    "name", ["accepted", "accepted-rsa", "first-seen", "bastion-accepted", "two-bastions-accepted"]
)
def test_a_key_is_accepted(name: str) -> None:
    assert shown_by(name) == Finding(ACCEPTED, "The server accepted the key.", command_ran=True)


def test_a_key_is_accepted_by_an_account_that_only_prints_a_message() -> None:
    said = "the session ended with 142. It said: Please login as the user ubuntu."
    words = f"The server accepted the key, but ran no command: {said}"
    assert shown_by("forced-command") == Finding(ACCEPTED, words, command_ran=False)


@pytest.mark.parametrize(
    ("stdout", "ran"),
    [
        ("Welcome!\n nonce \nBye\n", True),
        # A command that prints what it was asked to run.
        ("echo nonce\n", False),
        ("", False),
    ],
)
def test_the_server_must_have_printed_the_word_itself(stdout: str, ran: bool) -> None:
    assert classified(*BEGIN, OFFERED, KNOWN, IN, stdout=stdout).command_ran is ran


def test_a_session_that_does_not_end_is_a_login() -> None:
    found = classified(*BEGIN, OFFERED, KNOWN, IN, ended=30.2)
    assert found.outcome == ACCEPTED
    assert (
        found.msg
        == "The server accepted the key, but ran no command: the session was not over after 30 s. It said nothing."
    )


def test_output_of_a_server_is_plain_text() -> None:
    found = classified(*BEGIN, OFFERED, KNOWN, IN, stdout="\x1b[31mRed\u202e\n", stderr="a\n")
    assert found.msg.endswith("It said: \\x1b[31mRed\\u202e.")


@pytest.mark.parametrize(("name", "rest"), [("partial-two-keys", "publickey"), ("partial-password", "password")])
def test_a_second_factor_is_not_a_refused_key(name: str, rest: str) -> None:
    words = "The server accepted the key in part (partial success). It asks for something else, too: "
    finding = Finding(ACCEPTED, f"{words}root@127.0.0.1: Permission denied ({rest}).", partial=True, command_ran=False)
    assert shown_by(name) == finding


def test_a_second_key_that_logs_in_does_not_change_the_outcome_of_the_first() -> None:
    other = "debug1: Offering public key: /other RSA SHA256:x explicit"
    found = classified(
        *BEGIN, OFFERED, KNOWN, 'Authenticated using "publickey" with partial success.', GOES_ON, other, IN
    )
    assert (found.outcome, found.partial) == (ACCEPTED, True)


# Refused


@pytest.mark.parametrize(
    "name",
    [
        "refused",
        "refused-rsa",
        "refused-where-root-is-denied",
        # The bastions still accept their own key.
        "bastion-refused",
        "two-bastions-refused",
    ],
)
def test_a_key_is_refused_by_the_servers_own_words(name: str) -> None:
    assert shown_by(name) == Finding(REFUSED, "The server said: root@127.0.0.1: Permission denied (publickey).")


def test_a_server_that_closes_the_connection_after_one_failure_has_refused_the_key() -> None:
    words = "Received disconnect from 127.0.0.1 port 7003:2: Too many authentication failures"
    assert shown_by("max-auth-tries") == Finding(REFUSED, f"The server said: {words}.")


def test_a_key_that_was_refused_is_refused_whatever_got_in_afterwards() -> None:
    words = "The server refused the key, and let in something else (publickey)."
    assert shown_by("refused-another-let-in") == Finding(REFUSED, words)


def test_the_same_key_under_another_name_is_the_same_key() -> None:
    again = f"debug1: Offering public key: /home/me/.ssh/fleet ED25519 {NEW.fingerprint} explicit"
    assert classified(*BEGIN, again, GOES_ON, DENIED).outcome == REFUSED


def test_the_signatures_that_a_server_takes_are_reported() -> None:
    found = classify(attempt("refused"), key_of("refused"), MARKER).signatures
    assert found is not None
    assert {"ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512"} < set(found)
    assert classified(*BEGIN, OFFERED, GOES_ON, DENIED).signatures is None
    # A server may say so again when it knows the user; the last word counts.
    both = [f"debug1: kex_ext_info_check_ver: server-sig-algs=<{names}>" for names in ("ssh-rsa", "ssh-ed25519")]
    assert classified(*both, *BEGIN, OFFERED, GOES_ON, DENIED).signatures == ("ssh-ed25519",)


# Not verified


def test_a_server_that_knows_the_key_has_not_refused_it() -> None:
    # PermitRootLogin no: the key is in authorized_keys.
    found = shown_by("known-and-denied")
    assert (found.outcome, found.cause, found.retry) == (UNVERIFIED, LOGIN, NEVER)
    assert found.msg.startswith("The server knows the key, but does not let it in: root@127.0.0.1: Permission denied")


def test_a_booting_server_does_not_allow_logins_yet() -> None:
    banner = '"System is booting up. Unprivileged users are not permitted to log in yet. Please come back later."\n'
    found = classified(*BEGIN, OFFERED, KNOWN, "Connection closed by 192.0.2.1 port 22", stderr=banner)
    assert (found.outcome, found.cause, found.retry) == (UNVERIFIED, LOGIN, OFTEN)
    assert "System is booting up" in found.msg


def test_a_server_that_knows_the_key_and_hangs_up_is_tried_a_few_times_only() -> None:
    found = classified(*BEGIN, OFFERED, KNOWN, "Connection closed by 192.0.2.1 port 22")
    assert (found.outcome, found.cause, found.retry) == (UNVERIFIED, LOGIN, SPARINGLY)


def test_a_server_that_hangs_up_when_it_sees_the_key_is_tried_a_few_times_only() -> None:
    words = "The server ended the connection when it was shown the key: Connection closed by 127.0.0.1 port 7021."
    assert shown_by("cut-when-shown") == Finding(UNVERIFIED, words, CONNECTION, SPARINGLY)
    found = classified(*BEGIN, OFFERED, ended=30.0)
    assert found == Finding(UNVERIFIED, "The server said nothing about the key within 30 s.", CONNECTION, SPARINGLY)


def test_a_server_that_asks_for_a_password_first_verifies_nothing() -> None:
    words = "The server does not ask for a key, but for password: root@127.0.0.1: Permission denied (password)."
    assert shown_by("password-first") == Finding(UNVERIFIED, words, LOGIN)


def test_a_server_that_lets_everyone_in_says_nothing_about_the_key() -> None:
    assert shown_by("no-key-asked-for") == Finding(UNVERIFIED, "The server lets everyone in, without any key.", LOGIN)


def test_a_key_without_a_common_algorithm_is_not_refused() -> None:
    words = "The server and ssh have no signature algorithm in common for a key of the type ssh-rsa."
    assert shown_by("no-common-algorithm") == Finding(UNVERIFIED, words, LOGIN)


def test_a_key_that_ssh_never_showed_is_not_refused() -> None:
    # The server says "Permission denied" here as well, but about nothing.
    reason = "Skipping ssh-rsa key /private/0 - corresponding algo not in PubkeyAcceptedAlgorithms"
    words = f"ssh did not show the key to the server: {reason}."
    assert shown_by("not-shown") == Finding(UNVERIFIED, words, CONFIGURATION)


def test_a_login_with_another_key_says_nothing_about_the_key() -> None:
    words = "ssh got in with something else than this key, which its configuration names for this host (publickey)."
    assert shown_by("not-shown-another-let-in") == Finding(UNVERIFIED, words, CONFIGURATION)


def test_a_certificate_of_the_key_is_not_the_key() -> None:
    certificate = f"debug1: Offering public key: /home/me/cert ED25519-CERT {NEW.fingerprint} explicit"
    found = classified(*BEGIN, certificate, KNOWN, IN, stdout="nonce\n")
    assert (found.outcome, found.cause) == (UNVERIFIED, CONFIGURATION)
    assert classified(*BEGIN, certificate, GOES_ON, DENIED).outcome == UNVERIFIED


def test_a_key_whose_name_begins_alike_is_another_key() -> None:
    other = "debug1: Offering public key: /private/01 ED25519 SHA256:x explicit"
    assert classified(*BEGIN, other, KNOWN, IN).outcome == UNVERIFIED


@pytest.mark.parametrize(
    ("name", "whose", "what"),
    [
        ("unknown-host", "the server", "is not in known_hosts"),
        ("unknown-host-strict", "the server", "is not in known_hosts"),
        ("changed-host", "the server", "is another one than known_hosts says"),
        ("bastion-unknown-host", "a bastion", "is not in known_hosts"),
    ],
)
def test_a_host_key_is_a_problem_of_its_own(name: str, whose: str, what: str) -> None:
    found = shown_by(name)
    assert (found.outcome, found.cause, found.retry) == (UNVERIFIED, HOST_KEY, NEVER)
    assert found.msg.startswith(f"Host key verification failed: the host key of {whose} {what}")


@pytest.mark.parametrize("name", ["bastion-refuses", "second-bastion-refuses"])
def test_a_refusal_by_a_bastion_is_not_one_by_the_server(name: str) -> None:
    words = "On the way to the server: root@127.0.0.1: Permission denied (publickey)."
    assert shown_by(name) == Finding(UNVERIFIED, words, CONNECTION, NEVER)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("closed", "ssh: connect to host 127.0.0.1 port 7999: Connection refused."),
        ("silent", "The login was not over after 4 s."),
        ("hangup", "Connection reset by 127.0.0.1 port 7025."),
        ("bastion-down", "On the way to the server: ssh: connect to host 127.0.0.1 port 7999: Connection refused."),
        (
            "bastion-closed-behind",
            "On the way to the server: channel 0: open failed: connect failed: Connection refused.",
        ),
    ],
)
def test_a_server_that_does_not_answer_may_answer_later(name: str, words: str) -> None:
    assert shown_by(name) == Finding(UNVERIFIED, words, CONNECTION, OFTEN)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no-such-name", "ssh: Could not resolve hostname nowhere.invalid: Name or service not known."),
        ("proxy-command-missing", "On the way to the server: /bin/bash: line 1: exec: nosuchprogram: not found."),
    ],
)
def test_errors_of_the_arguments_are_never_tried_again(name: str, words: str) -> None:
    assert shown_by(name) == Finding(UNVERIFIED, words, CONNECTION, NEVER)


def test_a_name_server_that_is_away_may_come_back() -> None:
    log = ("OpenSSH_9.2p1", "ssh: Could not resolve hostname web: Temporary failure in name resolution")
    assert classified(*log).retry == OFTEN


def test_an_end_without_output_is_reported_with_the_exit_status() -> None:
    assert classified("OpenSSH_9.2p1 Debian").msg == "ssh ended with 255."


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bad-option", "command-line: line 0: Bad configuration option: nosuch"),
        ("no-config", "Can't open user config file /no/such/config: No such file or directory"),
    ],
)
def test_a_configuration_that_ssh_cannot_read_is_reported_in_its_words(name: str, words: str) -> None:
    assert RUNS[name]["log"] == []
    expected = Finding(UNVERIFIED, f"ssh cannot be run like this: {words}.", CONFIGURATION)
    assert configuration_failure(attempt(name)) == expected
    assert shown_by(name) == expected


def test_a_configuration_that_takes_too_long_is_reported() -> None:
    words = "ssh cannot be run like this: ssh -G did not end within 15 s."
    assert configuration_failure(Attempt(-15, ended=15.0)) == Finding(UNVERIFIED, words, CONFIGURATION)


# As older releases write it


@pytest.mark.parametrize(
    ("log", "outcome"),
    [
        # OpenSSH 8.4
        (
            (OFFERED, KNOWN, "debug1: Authentication succeeded (publickey).", "Authenticated to h ([192.0.2.1]:22)."),
            ACCEPTED,
        ),
        # OpenSSH 7.9
        (
            (
                f"debug1: Offering public key: ED25519 {NEW.fingerprint} /private/0",
                "debug1: Server accepts key: pkalg ssh-ed25519 blen 51",
                "debug1: Authentication succeeded (publickey).",
                "Authenticated to h (via proxy).",
            ),
            ACCEPTED,
        ),
        ((f"debug1: Offering public key: ED25519 {NEW.fingerprint} /private/0", GOES_ON, DENIED), REFUSED),
        (
            (
                f"debug1: Offering public key: ED25519 {NEW.fingerprint} /private/0",
                "debug1: Server accepts key: pkalg ssh-ed25519 blen 51",
                GOES_ON,
                DENIED,
            ),
            UNVERIFIED,
        ),
        # OpenSSH 7.2
        (("debug1: Offering RSA public key: /private/0", GOES_ON, DENIED), REFUSED),
        (("debug1: Authentication succeeded (none).", "Authenticated to h ([192.0.2.1]:22)."), UNVERIFIED),
    ],
)
def test_older_releases_of_ssh_use_other_words(log: tuple[str, ...], outcome: str) -> None:
    assert classified(*BEGIN, *log).outcome == outcome
