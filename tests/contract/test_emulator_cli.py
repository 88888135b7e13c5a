# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m emulator``: what it prints and writes, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class EmulatorProcess:
    """A running emulator in a process of its own."""

    def __init__(self, *options: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "emulator", *options], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        self.lines: list[str] = []
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line == "# ready\n":
                break
        words = [shlex.split(line) for line in self.lines[:-1]]
        assert {word[0] for word in words} == {"export"}
        self.environment = dict(word[1].split("=", 1) for word in words)

    def get(self, path: str, **options: t.Any) -> t.Any:
        """Read from the control plane."""
        with urllib.request.urlopen(f"{self.environment['HWC_ENDPOINT']}{path}", timeout=10, **options) as response:
            return json.load(response)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Interrupt it; returns the exit status."""
        self.process.send_signal(number)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(10)


@pytest.fixture
def launch() -> t.Iterator[t.Callable[..., EmulatorProcess]]:
    """Start emulators that are gone after the test."""
    started: list[EmulatorProcess] = []

    def start(*options: str) -> EmulatorProcess:
        started.append(EmulatorProcess(*options))
        return started[-1]

    yield start
    for run in started:
        if run.process.poll() is None:
            run.stop(signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_starts_serves_and_stops(
    launch: t.Callable[..., EmulatorProcess], tmp_path: Path, number: signal.Signals
) -> None:
    state = tmp_path / "state"
    run = launch("--servers", "2", "--state-dir", str(state))
    expected = {
        "HWC_ENDPOINT",
        "HWC_REGION",
        "HUAWEICLOUD_SDK_AK",
        "HUAWEICLOUD_SDK_SK",
        "HUAWEICLOUD_SDK_PROJECT_ID",
    }
    assert expected <= set(run.environment)
    assert run.environment["HWC_REGION"] == "cn-north-4"
    assert run.get("/_emulator/environment") == run.environment

    assert state.joinpath("env.sh").read_text().splitlines() == run.lines[:-1]
    for name in ("old", "new"):
        private = state / "keys" / name
        assert private.stat().st_mode & 0o777 == 0o600
        assert private.read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")
        assert private.with_suffix(".pub").read_text().startswith("ssh-rsa ")
    text = state.joinpath("inventory.yml").read_text().removeprefix("---\n")
    hosts = json.loads(text)["all"]["children"]["fleet"]["hosts"]
    assert list(hosts) == ["server-01", "server-02"]
    servers = {server["name"]: server for server in run.get("/_emulator/state")["servers"]}
    known_hosts = state.joinpath("known_hosts").read_text()
    for name, host in hosts.items():
        assert host["keypair_reset_server_id"] == servers[name]["id"]
        assert host["ansible_port"] == servers[name]["ssh_port"]
        assert host["ansible_ssh_private_key_file"] == str(state / "keys" / "old")
        assert f"[127.0.0.1]:{host['ansible_port']} ssh-ed25519 " in known_hosts
        with socket.create_connection((host["ansible_host"], host["ansible_port"]), 10) as connection:
            assert connection.recv(4) == b"SSH-"

    assert run.stop(number) == 0
    address = run.environment["HWC_ENDPOINT"].removeprefix("http://").split(":")
    for port in (int(address[1]), *(host["ansible_port"] for host in hosts.values())):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 10)


def test_keys_survive_a_restart(launch: t.Callable[..., EmulatorProcess], tmp_path: Path) -> None:
    launch("--no-fleet", "--state-dir", str(tmp_path)).stop()
    before = (tmp_path / "keys" / "old").read_text()
    launch("--no-fleet", "--state-dir", str(tmp_path)).stop()
    assert (tmp_path / "keys" / "old").read_text() == before
    assert not (tmp_path / "inventory.yml").exists()


def test_fail_reset(launch: t.Callable[..., EmulatorProcess]) -> None:
    run = launch("--servers", "3", "--no-fleet", "--fail-reset", "server-02", "--fail-reset", "server-03")
    faults = run.get("/_emulator/faults")["faults"]
    assert [(fault["what"], fault["server"]) for fault in faults] == [
        ("task_fails", "server-02"),
        ("task_fails", "server-03"),
    ]


def test_the_emulator_serves_tls(launch: t.Callable[..., EmulatorProcess]) -> None:
    run = launch("--no-fleet", "--tls")
    assert run.environment["HWC_ENDPOINT"].startswith("https://127.0.0.1:")
    trusting = ssl.create_default_context(cafile=run.environment["REQUESTS_CA_BUNDLE"])
    assert run.get("/_emulator/faults", context=trusting) == {"faults": []}
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        run.get("/_emulator/faults", context=ssl.create_default_context())
    # a client that does not speak TLS does not block others
    address = run.environment["HWC_ENDPOINT"].removeprefix("https://").split(":")
    with socket.create_connection((address[0], int(address[1])), 10):
        assert run.get("/_emulator/faults", context=trusting) == {"faults": []}


def test_history_lets_every_query_show_something(launch: t.Callable[..., EmulatorProcess]) -> None:
    state = launch("--no-fleet", "--servers", "1", "--history").get("/_emulator/state")
    assert [task["task_status"] for task in state["tasks"]] == ["FAILED_RESET"]
    assert {row["task_status"] for row in state["rotations"]} == {"FAILED", "SUCCESS"}
    assert {(task["TaskId"], task["Status"]) for task in state["cloudsso_tasks"]} >= {
        ("t-shfqw1u1edszvxw5abcd", "Success")
    }
    empty = launch("--no-fleet").get("/_emulator/state")
    assert (empty["tasks"], empty["rotations"], empty["cloudsso_tasks"]) == ([], [], [])
