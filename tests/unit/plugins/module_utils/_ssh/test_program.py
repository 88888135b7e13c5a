# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of how programs are run, with shell scripts in the place of ssh, and of what becomes of keys."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.program import SystemPrograms
from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.transcript import Attempt
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import COLLECTIONS

#: Seconds within which anything here must be over; a machine under load is slow.
PATIENCE = 60.0
needs_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


@pytest.fixture
def programs() -> t.Iterator[SystemPrograms]:
    with SystemPrograms() as made:
        yield made


def wait_for(condition: t.Callable[[], t.Any]) -> t.Any:
    deadline = time.monotonic() + PATIENCE
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline
        os.sched_yield()


def run(programs: SystemPrograms, script: str) -> Attempt:
    started = programs.start(lambda log: ["/bin/sh", "-c", script, "sh", log])
    started._process.wait(PATIENCE)
    found = started.result()
    assert found is not None
    return found


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "") -> str:
    bits = ["-b", "2048"] if kind == "rsa" else []
    command = ["ssh-keygen", "-q", "-t", kind, *bits, "-m", "PEM", "-C", "mine", "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True)
    return path.with_name(f"{path.name}.pub").read_text(encoding="utf-8").strip()


# Programs


def test_a_program_is_known_by_its_status_its_log_and_what_it_prints(programs: SystemPrograms) -> None:
    found = run(programs, 'echo "in the log" >"$1"; echo out; echo err >&2; exit 3')
    assert found == Attempt(3, "in the log\n", "err\n", "out\n", None)


def test_what_a_program_leaves_behind_is_not_waited_for(programs: SystemPrograms) -> None:
    # As the master of a bastion's shared connection, which holds standard error.
    found = run(programs, "sleep 30 & echo $!; exit 0")
    os.kill(int(found.stdout), signal.SIGKILL)
    assert found.status == 0


def test_a_program_that_takes_too_long_is_ended(programs: SystemPrograms) -> None:
    started = programs.start(lambda log: ["/bin/sh", "-c", "echo begun; exec sleep 60", "sh", log])
    wait_for(lambda: started.result() is None and started._output and any(started._output.values()))
    assert started.end(7.5) == Attempt(-signal.SIGTERM, "", "", "begun\n", 7.5)


def test_a_program_that_ignores_sigterm_is_killed(programs: SystemPrograms) -> None:
    script = "trap '' TERM; echo begun; while :; do sleep 1; done"
    started = programs.start(lambda log: ["/bin/sh", "-c", script, "sh", log])
    wait_for(lambda: started.result() is None and started._output and any(started._output.values()))
    assert started.end(1.0).status == -signal.SIGKILL


def test_endless_output_of_a_program_does_not_fill_the_memory(programs: SystemPrograms) -> None:
    started = programs.start(lambda log: ["/bin/sh", "-c", "exec yes", "sh", log])
    wait_for(lambda: started.result() is None and max(map(len, started._output.values())) >= 1 << 20)
    assert started.result() is None
    assert len(started.end(1.0).stdout) < (1 << 20) + 65536


def test_a_program_that_is_not_there_has_ended_with_a_message(programs: SystemPrograms) -> None:
    started = programs.start(lambda log: ["/no/such/ssh", log])
    found = started.result()
    assert found is not None
    assert found.status == 255
    assert found.stderr.startswith("/no/such/ssh could not be started: ")
    assert "No such file or directory" in found.stderr
    assert started.end(1.0) == found


def test_programs_run_where_they_are_told_to(tmp_path: Path) -> None:
    with SystemPrograms(str(tmp_path)) as programs:
        assert run(programs, "pwd -P").stdout.strip() == str(tmp_path.resolve())


def test_ssh_asks_no_questions_at_a_terminal(programs: SystemPrograms, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(programs, "$SSH_ASKPASS; echo $? $SSH_ASKPASS_REQUIRE").stdout == "1 force\n"
    monkeypatch.setenv("SSH_ASKPASS", "/my/askpass")
    with SystemPrograms() as others:
        assert run(others, "echo $SSH_ASKPASS $SSH_ASKPASS_REQUIRE").stdout == "/my/askpass\n"


# Keys


@needs_keygen
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("key", "rsa"),
        *((name, "ed25519") for name in ("key", "my key", "50%h", "back\\slash", "schlüssel", "$HOME", "-y")),
    ],
)
def test_a_key_is_copied_without_what_lies_beside_it(
    programs: SystemPrograms, tmp_path: Path, kind: str, name: str
) -> None:
    path = tmp_path / name
    public = keygen(path, kind)
    # Those of another key; ssh would believe them.
    stranger = keygen(tmp_path / "stranger", "ed25519")
    for ending in (".pub", "-cert.pub"):
        path.with_name(f"{name}{ending}").write_text(stranger, encoding="utf-8")
    path.chmod(0o640)
    key = programs.key(str(path))
    assert (key.path, key.problem, key.world_readable) == (str(path), None, False)
    assert key.public_key is not None
    assert key.public_key.split()[:2] == public.split()[:2]
    copy = Path(key.copy)
    assert copy.read_bytes() == path.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.parent.stat().st_mode & 0o777 == 0o700
    assert copy.with_name(f"{copy.name}.pub").read_text(encoding="utf-8").split()[:2] == public.split()[:2]
    assert not copy.with_name(f"{copy.name}-cert.pub").exists()


@needs_keygen
def test_a_relative_path_begins_where_programs_run(tmp_path: Path) -> None:
    keygen(tmp_path / "key")
    with SystemPrograms(str(tmp_path)) as programs:
        assert programs.key("key").problem is None


@needs_keygen
def test_a_key_that_everyone_can_read_is_used_and_told(programs: SystemPrograms, tmp_path: Path) -> None:
    keygen(tmp_path / "key")
    tmp_path.joinpath("key").chmod(0o644)
    key = programs.key(str(tmp_path / "key"))
    assert (key.problem, key.world_readable) == (None, True)


@needs_keygen
def test_a_key_with_a_passphrase_cannot_be_used(programs: SystemPrograms, tmp_path: Path) -> None:
    for kind in ("ed25519", "rsa"):
        keygen(tmp_path / kind, kind, "secret")
        key = programs.key(str(tmp_path / kind))
        assert key.problem == f"{tmp_path / kind} has a passphrase. Give a key without a passphrase."
        assert key.public_key is None


@needs_keygen
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is not a private key that ssh can read: "),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
            "is not a private key that ssh can read: ",
        ),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEB\n", "is a public key. Give the private key"),
        ("PuTTY-User-Key-File-3: ssh-rsa\n", "is a PuTTY key. Convert it: puttygen"),
    ],
)
def test_a_file_that_is_not_a_private_key_is_reported(
    programs: SystemPrograms, tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    key = programs.key(str(path))
    assert key.problem is not None
    assert key.problem.startswith(f"{path} {words}")
    # Other users must not read the copy.
    assert key.copy not in key.problem


def test_a_key_that_cannot_be_read_is_reported(programs: SystemPrograms, tmp_path: Path) -> None:
    assert programs.key("/no/such/key").problem == "/no/such/key cannot be read: No such file or directory."
    assert programs.key(str(tmp_path)).problem == f"{tmp_path} cannot be read: Is a directory."
    os.mkfifo(tmp_path / "pipe")
    assert "is not a private key" in str(programs.key(str(tmp_path / "pipe")).problem)


def test_a_missing_ssh_keygen_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_text("key")
    monkeypatch.setenv("PATH", str(tmp_path))
    with SystemPrograms() as programs:
        assert "ssh-keygen could not be run" in str(programs.key(str(path)).problem)


# The directory


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with SystemPrograms() as programs:
        copy = Path(programs.key(str(secret)).copy)
        assert copy.is_file()
        assert copy.is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == [secret]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_behind_by_a_process_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    place = tmp_path / "place"
    place.mkdir()
    secret = tmp_path / "secret"
    secret.write_text("secret")
    program = (
        # What a shell starts in the background ignores Ctrl-C, and so do its children.
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from ansible_collections.multicloud.async_tasks.plugins.module_utils._ssh.program import SystemPrograms\n"
        "with SystemPrograms() as programs:\n"
        f"    programs.key({str(secret)!r})\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS), "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert len(list(place.rglob("*"))) > 1
        # To the whole group, as a terminal and Ansible do.
        os.killpg(process.pid, number)
        process.wait(PATIENCE)
    wait_for(lambda: not list(place.iterdir()))
