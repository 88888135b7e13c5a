# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the command lines of ssh, and of what its configuration says."""

from __future__ import annotations

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.commands import (
    Configuration,
    LoginTarget,
    configuration_command,
    login_command,
    read_configuration,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.keys import Key, fingerprint
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._ssh.recorded import key

KEY = Key("/keys/new", "/private/0", "ssh-ed25519 AAAA")
TARGET = LoginTarget("web", "192.0.2.10", "/keys/new")
PLAIN = Configuration()


def command(
    target: LoginTarget = TARGET, configuration: Configuration = PLAIN, algorithm: str | None = None
) -> list[str]:
    return login_command(target, KEY, configuration, log="/private/1", marker="hello", algorithm=algorithm)


def options(words: list[str]) -> list[str]:
    return [words[number + 1] for number, word in enumerate(words) if word == "-o"]


def test_a_login_uses_one_key_and_a_connection_of_its_own() -> None:
    words = command()
    assert {
        "ControlMaster=no",
        "ControlPath=none",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "PubkeyAuthentication=yes",
        "PreferredAuthentications=publickey",
        "BatchMode=yes",
        "RemoteCommand=none",
        "ClearAllForwardings=yes",
        "PKCS11Provider=none",
        "AddKeysToAgent=no",
        "ConnectionAttempts=1",
        "PermitLocalCommand=no",
        "FingerprintHash=sha256",
    } < set(options(words))
    assert words[0] == "ssh"
    assert words[words.index("-i") + 1] == "/private/0"
    assert words[words.index("-E") + 1] == "/private/1"
    assert "-v" in words
    assert words[-3:] == ["--", "192.0.2.10", "echo hello"]
    assert "-p" not in words
    assert "-l" not in words


def test_arguments_of_the_user_stand_between_the_verification_options_and_the_defaults() -> None:
    target = LoginTarget(
        "web", "web.example.org", "/k", 2222, "ops", "-o ConnectTimeout=60 -J 'bas tion' -tt", "/opt/ssh"
    )
    words = command(target, Configuration(connect_timeout=7))
    assert words[0] == "/opt/ssh"
    assert words[words.index("-p") + 1] == "2222"
    assert words[words.index("-l") + 1] == "ops"
    assert "bas tion" in words
    # The first value of an option counts, and the last of -t and -T, -v and -q.
    places = [
        words.index(word) for word in ("ControlPath=none", "ConnectTimeout=60", "ConnectTimeout=7", "-T", "-v", "--")
    ]
    assert places == sorted(places)
    timeouts = [option for option in options(words) if option.startswith("ConnectTimeout=")]
    assert timeouts == ["ConnectTimeout=60", "ConnectTimeout=7"]
    assert words.index("-t") < words.index("-T")


@pytest.mark.parametrize("host", ["-oProxyCommand=touch /tmp/x", "2001:db8::1"])
def test_a_host_cannot_be_an_option(host: str) -> None:
    assert command(LoginTarget("web", host, "/k"))[-3:-1] == ["--", host]
    assert configuration_command(LoginTarget("web", host, "/k"))[-2:] == ["--", host]


def test_ssh_replaces_nothing_in_the_name_of_the_key() -> None:
    words = login_command(TARGET, Key("/k", "/tmp/100%h/0"), Configuration(), log="/tmp/100%h/1", marker="x")
    assert words[words.index("-i") + 1] == "/tmp/100%%h/0"
    assert words[words.index("-E") + 1] == "/tmp/100%h/1"


def test_a_required_signature_algorithm_overrides_that_of_the_user() -> None:
    target = LoginTarget("web", "h", "/k", args="-o PubkeyAcceptedAlgorithms=+ssh-rsa")
    values = options(command(target, algorithm="rsa-sha2-256"))
    assert values.index("PubkeyAcceptedKeyTypes=rsa-sha2-256") < values.index("PubkeyAcceptedAlgorithms=+ssh-rsa")
    assert "PubkeyAccepted" not in " ".join(options(command()))


def test_ssh_is_asked_about_the_same_destination() -> None:
    target = LoginTarget("web", "h", "/k", 22, "ops", "-F config -N", "/opt/ssh")
    words = configuration_command(target._replace(args="-F config"))
    assert words[:2] == ["/opt/ssh", "-G"]
    assert words[-8:] == ["-p", "22", "-l", "ops", "-F", "config", "--", "h"]


OUTPUT = """host web
user ops
userknownhostsfile /home/ops/.ssh/known_hosts
hostname 192.0.2.10
port 2222
connecttimeout none
sessiontype default
forkafterauthentication no
pubkeyacceptedalgorithms ssh-ed25519,rsa-sha2-512
"""


def test_the_output_of_ssh_g_is_read() -> None:
    assert read_configuration(OUTPUT) == Configuration("ops", 2222, 10, (), ("ssh-ed25519", "rsa-sha2-512"))


def test_a_configuration_that_prevents_logins_is_overridden() -> None:
    output = OUTPUT.replace("sessiontype default", "sessiontype none").replace("cation no", "cation yes")
    found = read_configuration(output.replace("connecttimeout none", "connecttimeout 45"))
    assert found.options == ("SessionType=default", "ForkAfterAuthentication=no")
    assert found.connect_timeout == 45
    assert set(found.options) < set(options(command(configuration=found)))


def test_an_older_ssh_says_less() -> None:
    # OpenSSH 8.4 knows neither the type of a session nor the newer name of the algorithms.
    output = "user root\nport 22\nconnecttimeout 0\npubkeyacceptedkeytypes ssh-rsa\n"
    assert read_configuration(output) == Configuration("root", 22, 10, (), ("ssh-rsa",))


# Keys


def test_a_fingerprint_is_that_of_ssh_keygen() -> None:
    assert key("new").fingerprint == "SHA256:FJTI6yhoVNU5vLD0Cx+bWamS/0H2P2NcqYwn5qISYAo"


@pytest.mark.parametrize(("text", "words"), [("", "a type and base64"), ("ssh-rsa", "a type"), ("ssh-rsa !", "base64")])
def test_an_invalid_public_key_has_no_fingerprint(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fingerprint(text)


def test_a_key_signs_with_its_own_algorithms() -> None:
    assert key("rsa").algorithms == ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
    assert key("new").algorithms == ("ssh-ed25519",)
    assert (Key("/k").kind, Key("/k").fingerprint) == ("", "")
