# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module ssh_login_info, with a program in the place of ssh."""

from __future__ import annotations

import json
import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import run_module

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
#: Runs of the real ssh: the host is the run's name, so that the program in its place can say the same.
RUNS = {run["name"]: run for run in json.loads((FIXTURES / "ssh-logins.json").read_text(encoding="utf-8"))}
SSH = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
cat "$(dirname "$0")/$2.words" >&2
exit "$(cat "$(dirname "$0")/$2.status")"
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    program = tmp_path / "ssh"
    program.write_text(SSH)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for name, run in RUNS.items():
        tmp_path.joinpath(f"{name}.words").write_text("\n".join(run["stderr"]) + "\n")
        tmp_path.joinpath(f"{name}.status").write_text(str(run["status"]))
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


def logins(path: str, *hosts: str, **options: t.Any) -> dict[str, t.Any]:
    targets = [{"host": host, "private_key_file": RUNS[host]["key"]} for host in hosts]
    return run_module("ssh_login_info", {"targets": targets, "timeout": 0, **options}, PATH=path)


def test_each_login_is_told_in_the_order_of_the_targets(path: str) -> None:
    result = logins(path, "refused", "accepted", "unknown-host-batch", "closed")
    assert [(login["name"], login["outcome"]) for login in result["logins"]] == [
        ("refused", "refused"),
        ("accepted", "accepted"),
        ("unknown-host-batch", "not proven"),
        ("closed", "not proven"),
    ]
    assert "Permission denied (publickey)" in result["logins"][0]["words"]
    assert result["changed"] is False


def test_only_what_may_change_is_open(path: str) -> None:
    assert logins(path, "refused", "accepted", "unknown-host-batch", "closed")["open"] == 1


def test_a_name_of_its_own_stays(path: str) -> None:
    targets = [{"name": "web-01 new", "host": "accepted", "private_key_file": "/keys/new"}]
    assert logins(path, targets=targets)["logins"][0]["name"] == "web-01 new"


def test_it_logs_in_in_check_mode_too(path: str) -> None:
    assert logins(path, "accepted", _ansible_check_mode=True)["logins"][0]["outcome"] == "accepted"


def test_a_missing_ssh_is_told_with_what_to_install(tmp_path: Path) -> None:
    result = logins(str(tmp_path), "accepted")
    assert result["failed"]
    assert "openssh-client" in result["msg"]


@pytest.mark.parametrize(("option", "value"), [("parallel", 0), ("timeout", -1)])
def test_numbers_out_of_range_are_refused(path: str, option: str, value: int) -> None:
    result = logins(path, "accepted", **{option: value})
    assert result["failed"]
    assert result["msg"].startswith(f"{option}: ")


def test_arguments_that_cannot_be_split_are_refused(path: str) -> None:
    targets = [{"host": "accepted", "private_key_file": "/keys/new", "args": "-o 'ProxyCommand"}]
    result = logins(path, targets=targets)
    assert result["failed"]
    assert "args of accepted" in result["msg"]
