# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module keypair_reset_journal: what it returns, and what it leaves in check mode."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import run_module

ENTRY = {"server_id": "id-web", "host": "web", "was_running": True, "task_id": "t1"}


def journal(directory: Path, name: str = "this", **options: t.Any) -> dict[str, t.Any]:
    return run_module("keypair_reset_journal", {"directory": str(directory), "name": name, **options})


def test_it_writes_and_another_run_reads(tmp_path: Path) -> None:
    assert journal(tmp_path, "1", entries=[ENTRY])["changed"] is True
    assert journal(tmp_path, "1", entries=[ENTRY])["changed"] is False
    found = journal(tmp_path, "2")
    assert (found["entries"], found["problems"], found["changed"]) == ([ENTRY], [], False)
    assert journal(tmp_path, "1")["entries"] == []


def test_a_server_that_is_taken_over_leaves_the_other_journal(tmp_path: Path) -> None:
    journal(tmp_path, "1", entries=[ENTRY])
    journal(tmp_path, "2", entries=[ENTRY], adopted=["id-web"])
    assert [path.name for path in tmp_path.iterdir()] == ["keypair_reset-2.json"]


def test_in_check_mode_it_writes_nothing(tmp_path: Path) -> None:
    assert journal(tmp_path, entries=[ENTRY], _ansible_check_mode=True)["changed"] is True
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "..", "a/b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    result = journal(tmp_path, name, entries=[ENTRY])
    assert result["failed"] is True
    assert "is not a valid id" in result["msg"]


def test_a_directory_that_is_missing_is_reported(tmp_path: Path) -> None:
    result = journal(tmp_path / "gone", entries=[ENTRY])
    assert "cannot be written: No such file or directory" in result["msg"]
