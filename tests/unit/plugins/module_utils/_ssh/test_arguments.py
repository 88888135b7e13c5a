# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what a user's arguments for ssh come to."""

from __future__ import annotations

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.arguments import parse_arguments


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("-J bastion", ("-J", "bastion")),
        ("-Jbastion -4", ("-J", "bastion", "-4")),
        ("-4AC", ("-4", "-A", "-C")),
        ("-Ap 22", ("-A", "-p", "22")),
        ("-o 'ProxyCommand=ssh -W %h:%p  bastion'", ("-o", "ProxyCommand=ssh -W %h:%p  bastion")),
        ("-oStrictHostKeyChecking=accept-new", ("-o", "StrictHostKeyChecking=accept-new")),
        ("-F 'my config' -tt -L 1:h:2", ("-F", "my config", "-t", "-t", "-L", "1:h:2")),
        ("-o ConnectTimeout=60 -o ProxyUseFdpass=yes", ("-o", "ConnectTimeout=60", "-o", "ProxyUseFdpass=yes")),
        ("-o PreferredAuthentications=publickey,password", ("-o", "PreferredAuthentications=publickey,password")),
        (
            "-o SessionType=default -o PubkeyAuthentication=yes",
            ("-o", "SessionType=default", "-o", "PubkeyAuthentication=yes"),
        ),
    ],
)
def test_harmless_arguments_are_kept(text: str, words: tuple[str, ...]) -> None:
    assert parse_arguments(text) == (words, None)


@pytest.mark.parametrize(
    "text",
    [
        # Ansible's own default.
        "-o ControlMaster=auto -o ControlPersist=60s",
        "-o ControlPath=/x -S /y -M",
        # Other keys.
        "-i /other/key -o IdentityFile=/other -o 'IdentityFile /other' -oCertificateFile=/c -I lib.so -o PKCS11Provider=lib.so",
        "-o IdentitiesOnly=no -o IdentityAgent=/sock -o AddKeysToAgent=yes",
        # The log of ssh.
        "-q -vvv -y -E /log -o LogLevel=QUIET -o loglevel=debug3 -o FingerprintHash=md5",
        "-o BatchMode=no -o RemoteCommand=date -w 0:0",
    ],
)
def test_arguments_that_would_spoil_a_verification_are_left_out(text: str) -> None:
    assert parse_arguments(f"{text} -J bastion") == (("-J", "bastion"), None)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("-N", "-N"),
        ("-C -fN", "-f"),
        ("-W host:22", "-W"),
        ("-Whost:22", "-W"),
        ("-s", "-s"),
        ("-G", "-G"),
        ("-V", "-V"),
        ("-Q cipher", "-Q"),
        ("-O exit", "-O"),
        ("-o SessionType=none", "-o SessionType=none"),
        ("-osessiontype=subsystem", "-o sessiontype=subsystem"),
        ("-o 'SessionType none'", "-o SessionType none"),
        ("-o ForkAfterAuthentication=yes", "-o ForkAfterAuthentication=yes"),
        ("-o PubkeyAuthentication=no", "-o PubkeyAuthentication=no"),
        ("-o 'PubkeyAuthentication = \"No\"'", "-o PubkeyAuthentication"),
        ("-o PreferredAuthentications=password,keyboard-interactive", "-o PreferredAuthentications=password"),
    ],
)
def test_arguments_that_make_a_verification_impossible_are_named(text: str, option: str) -> None:
    words, problem = parse_arguments(f"-J bastion {text} -C")
    assert words == ()
    assert problem is not None
    assert problem.startswith(option)
    assert "makes a verification impossible" in problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-J 'bastion", "cannot be split into words: No closing quotation: -J 'bastion"),
        ("bastion.example.com", "'bastion.example.com' is not an option"),
        ("-C -- host", "'--' is not an option"),
        ("-", "'-' is not an option"),
        ("-C -Z", "-Z is not an option of ssh"),
        ("-C -o", "the option -o has no value"),
        ("-CJ", "the option -J has no value"),
    ],
)
def test_arguments_that_ssh_does_not_understand_are_reported(text: str, words: str) -> None:
    taken, problem = parse_arguments(text)
    assert taken == ()
    assert problem is not None
    assert words in problem
