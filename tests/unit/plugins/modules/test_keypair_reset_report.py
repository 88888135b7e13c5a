# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module keypair_reset_report: the files that it writes, and those that it leaves alone."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import run_module


def report(files: dict[Path, str], **options: t.Any) -> dict[str, t.Any]:
    return run_module("keypair_reset_report", {"files": {str(path): text for path, text in files.items()}, **options})


def test_a_new_content_is_written(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    result = report({path: "é | text\n"})
    assert (result["changed"], result["written"]) == (True, [str(path)])
    assert path.read_text(encoding="utf-8") == "é | text\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_existing_content_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    report({path: "text"})
    before = path.stat().st_ino
    result = report({path: "text"})
    assert (result["changed"], result["written"]) == (False, [])
    assert path.stat().st_ino == before


def test_a_file_that_is_not_text_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_bytes(b"\xff\xfe")
    assert report({path: "text"})["changed"] is True
    assert path.read_text() == "text"


def test_in_check_mode_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    result = report({path: "text"}, _ansible_check_mode=True)
    assert (result["changed"], result["written"]) == (True, [str(path)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_that_cannot_be_written_does_not_stop_the_others(tmp_path: Path, order: int) -> None:
    good, bad = tmp_path / "report.md", tmp_path / "gone" / "report.md"
    result = report(dict([(good, "text"), (bad, "text")][::order]))
    assert result["failed"] is True
    assert result["changed"] is True
    assert result["msg"] == f"{bad} cannot be written: No such file or directory."
    assert good.read_text() == "text"


@pytest.mark.parametrize(("name", "text"), [("a\0b", "text"), ("report.md", "half \ud800 a character")])
def test_what_cannot_be_stored_does_not_stop_the_other_files(tmp_path: Path, name: str, text: str) -> None:
    good, bad = tmp_path / "good.md", tmp_path / name
    result = report({bad: text, good: "text"})
    assert (result["failed"], result["written"]) == (True, [str(good)])
    assert "cannot be written: its name or its text cannot be stored." in result["msg"]
    assert good.read_text() == "text"
