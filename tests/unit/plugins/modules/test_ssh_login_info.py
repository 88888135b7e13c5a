# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module ssh_login_info, with a program in the place of ssh."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context
from ansible_collections.multicloud.async_tasks.plugins.modules.ssh_login_info import MODULE
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._ssh.recorded import RUNS
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import run_module

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")

#: What it says depends on the host, which is the name of a recorded run. It takes "echo WORD" for what the server is to print.
SSH = """#!/bin/sh
here=$(dirname "$0")
[ "$1" = -G ] && { printf 'user %s\\nport 2222\\nconnecttimeout none\\n' "$(cat "$here/user")"; pwd >"$here/pwd"; exit; }
while [ "$1" != -- ]; do
  case $1 in -E) log=$2 ;; -i) key=$2 ;; esac
  shift
done
fingerprint=$(ssh-keygen -lf "$key.pub" | cut -d ' ' -f 2)
sed "s|SHA256:[A-Za-z0-9+/]* explicit|$fingerprint explicit|" "$here/$2.log" >"$log"
cat "$here/$2.stderr" >&2
grep -q nonce "$here/$2.stdout" && echo "${3#echo }"
exit "$(cat "$here/$2.status")"
"""


@pytest.fixture
def key(tmp_path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    return str(tmp_path / "key")


@pytest.fixture
def path(tmp_path: Path) -> str:
    programs = tmp_path / "bin"
    programs.mkdir()
    programs.joinpath("ssh").write_text(SSH)
    programs.joinpath("ssh").chmod(0o755)
    programs.joinpath("user").write_text("ops")
    for name, run in RUNS.items():
        for part in ("log", "stderr", "stdout"):
            programs.joinpath(f"{name}.{part}").write_text("\n".join(run[part]) + "\n")
        programs.joinpath(f"{name}.status").write_text(str(run["status"]))
    return f"{programs}{os.pathsep}{os.environ['PATH']}"


def logins(path: str, key: str, *hosts: str, **options: t.Any) -> dict[str, t.Any]:
    targets = [{"host": host, "private_key_file": key} for host in hosts]
    return run_module("ssh_login_info", {"targets": targets, "timeout": 1.5, **options}, PATH=path)


def test_each_login_is_reported_in_the_order_of_the_targets(path: str, key: str) -> None:
    result = logins(path, key, "refused", "accepted", "unknown-host", "forced-command", timeout=60)
    assert [(login["name"], login["outcome"], login["cause"]) for login in result["logins"]] == [
        ("refused", "refused", None),
        ("accepted", "accepted", None),
        ("unknown-host", "not verified", "host key"),
        ("forced-command", "accepted", None),
    ]
    assert "Permission denied (publickey)" in result["logins"][0]["msg"]
    assert [login["command_ran"] for login in result["logins"]] == [None, True, None, False]
    public = Path(f"{key}.pub").read_text().split()
    assert result["logins"][1]["public_key"].split()[:2] == public[:2]
    assert result["logins"][1]["fingerprint"].startswith("SHA256:")
    assert (result["logins"][1]["user"], result["logins"][1]["port"]) == ("ops", 2222)
    assert result["open"] == 0
    assert result["changed"] is False


def test_a_server_that_does_not_answer_stays_open(path: str, key: str) -> None:
    result = logins(path, key, "closed")
    (login,) = result["logins"]
    assert (login["outcome"], login["cause"], login["permanent"]) == ("not verified", "connection", False)
    assert result["open"] == 1


def test_a_name_that_is_given_stays(path: str, key: str) -> None:
    targets = [{"name": "web-01 new", "host": "accepted", "private_key_file": key}]
    assert logins(path, key, targets=targets, timeout=60)["logins"][0]["name"] == "web-01 new"


def test_it_logs_in_in_check_mode_too(path: str, key: str) -> None:
    assert logins(path, key, "accepted", timeout=60, _ansible_check_mode=True)["logins"][0]["outcome"] == "accepted"


def test_without_logging_in_it_tells_what_is_known_before(path: str, key: str, tmp_path: Path) -> None:
    targets = [
        {"name": "good", "host": "refused", "private_key_file": key},
        {"name": "missing", "host": "refused", "private_key_file": "/no/such/key"},
        {"name": "odd", "host": "refused", "private_key_file": key, "args": "-N"},
    ]
    result = logins(path, key, targets=targets, log_in=False, timeout=60, chdir=str(tmp_path))
    assert [(login["outcome"], login["cause"]) for login in result["logins"]] == [
        ("not tried", None),
        ("not verified", "key"),
        ("not verified", "configuration"),
    ]
    assert result["logins"][1]["msg"] == "/no/such/key cannot be read: No such file or directory."
    assert result["open"] == 0
    assert tmp_path.joinpath("bin", "pwd").read_text().strip() == str(tmp_path.resolve())


def test_a_user_that_is_not_named_is_left_to_ssh(path: str, key: str, tmp_path: Path) -> None:
    account = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
    tmp_path.joinpath("bin", "user").write_text(account)
    assert logins(path, key, "accepted", log_in=False, timeout=60)["logins"][0]["user"] is None


def test_a_key_that_everyone_can_read_is_warned_about(path: str, key: str) -> None:
    os.chmod(key, 0o644)
    result = logins(path, key, "accepted", timeout=60)
    assert result["logins"][0]["outcome"] == "accepted"
    assert f"Every user of this machine can read the private key {key}. Run: chmod o-rwx {key}" in str(
        result["warnings"]
    )


@pytest.mark.parametrize("program", ["ssh", "ssh-keygen"])
def test_a_missing_program_is_reported_with_its_package(tmp_path: Path, program: str) -> None:
    other = "ssh" if program == "ssh-keygen" else "ssh-keygen"
    tmp_path.joinpath(other).symlink_to("/bin/true")
    result = logins(str(tmp_path), "/k", "accepted")
    assert result["failed"]
    assert result["msg"].startswith(f"The program {program} was not found.")
    assert "openssh-client" in result["msg"]


@pytest.mark.parametrize(("option", "value"), [("parallel", 0), ("timeout", 0.5), ("progress", -1)])
def test_numbers_out_of_range_are_refused(path: str, key: str, option: str, value: float) -> None:
    result = logins(path, key, "accepted", **{option: value})
    assert result["failed"]
    assert result["msg"].startswith(f"{option} must be ")


def test_arguments_that_cannot_be_split_spoil_no_other_login(path: str, key: str) -> None:
    targets = [
        {"name": "odd", "host": "accepted", "private_key_file": key, "args": "-o 'ProxyCommand"},
        {"name": "good", "host": "accepted", "private_key_file": key},
    ]
    odd, good = logins(path, key, targets=targets, timeout=60)["logins"]
    assert (odd["outcome"], odd["cause"], good["outcome"]) == ("not verified", "configuration", "accepted")
    assert "cannot be split into words" in odd["msg"]


@pytest.mark.parametrize(("progress", "shown"), [(0.2, True), (0, False)])
def test_lines_of_progress_count_the_logins(
    path: str, key: str, monkeypatch: pytest.MonkeyPatch, progress: float, shown: bool
) -> None:
    monkeypatch.setenv("PATH", path)
    lines: list[str] = []
    targets = [
        {
            "name": None,
            "host": host,
            "private_key_file": key,
            "port": None,
            "user": None,
            "args": "",
            "executable": "ssh",
        }
        for host in ("refused", "closed")
    ]
    params = {"targets": targets, "timeout": 3.0, "parallel": 32, "log_in": True, "chdir": None, "progress": progress}
    context = Context(params, on_warning=lines.append, on_secret=lines.append, on_progress=lines.append)
    result = MODULE.perform(context)
    assert [login["outcome"] for login in result["logins"]] == ["refused", "not verified"]
    assert bool(lines) is shown
    if shown:
        assert lines[-1].startswith("1 refused, 1 open; ")
        assert lines[-1].endswith(" s of 3 s")
