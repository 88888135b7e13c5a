# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the journals: what is left for the next run survives others, garbage, and a full disk."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.journal import (
    LOCK_TIMEOUT,
    JournalEntry,
    Journals,
    _locked,
)


class ForwardedClock(SystemClock):
    """A clock that is set forward by who sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def entry(server: str, **more: t.Any) -> JournalEntry:
    return {"server_id": server, "host": server, "was_running": True, "task_id": None, **more}


def journals(directory: Path) -> Journals:
    return Journals(str(directory), ForwardedClock())


def content(directory: Path) -> dict[str, list[str]]:
    """Return the servers of each journal."""
    return {
        path.name: [row["server_id"] for row in json.loads(path.read_text())]
        for path in sorted(directory.glob("keypair_reset-*.json"))
    }


def test_journals_are_read_oldest_first(tmp_path: Path) -> None:
    journals(tmp_path).keep("2", [entry("a", task_id="t2")], [])
    journals(tmp_path).keep("1", [entry("a", task_id="t1"), entry("b")], [])
    journals(tmp_path).keep("3", [entry("own")], [])
    found = journals(tmp_path).read(but="3")
    assert [(row["server_id"], row["task_id"]) for row in found.entries] == [("a", "t1"), ("b", None), ("a", "t2")]
    assert found.problems == []


def test_a_journal_is_for_its_owner_only(tmp_path: Path) -> None:
    journals(tmp_path).keep("1", [entry("a")], [])
    assert (tmp_path / "keypair_reset-1.json").stat().st_mode & 0o777 == 0o600


def test_an_empty_journal_is_removed(tmp_path: Path) -> None:
    kept = journals(tmp_path)
    assert kept.keep("1", [entry("a")], []) is True
    assert kept.keep("1", [entry("a")], []) is False
    assert kept.keep("1", [], []) is True
    assert kept.keep("1", [], []) is False
    assert list(tmp_path.iterdir()) == []


def test_only_journals_that_hold_a_server_of_this_run_are_changed(tmp_path: Path) -> None:
    kept = journals(tmp_path)
    kept.keep("1", [entry("a"), entry("b")], [])
    kept.keep("2", [entry("c")], [])
    kept.keep("3", [entry("b")], [])
    before = {path.name: path.stat() for path in tmp_path.iterdir()}
    assert kept.keep("4", [entry("b"), entry("d")], ["b", "d"]) is True
    assert content(tmp_path) == {
        "keypair_reset-1.json": ["a"],
        "keypair_reset-2.json": ["c"],
        "keypair_reset-4.json": ["b", "d"],
    }
    untouched = (tmp_path / "keypair_reset-2.json").stat()
    old = before["keypair_reset-2.json"]
    assert (untouched.st_ino, untouched.st_mtime_ns) == (old.st_ino, old.st_mtime_ns)


def test_a_server_is_always_in_at_least_one_journal(tmp_path: Path) -> None:
    # The journal of this run is written before its servers leave the others: a failure in between loses none.
    kept = journals(tmp_path)
    kept.keep("1", [entry("a")], [])
    (tmp_path / "keypair_reset-2.json").mkdir()  # where the journal of this run was to be
    with pytest.raises(UsageError, match="cannot be written"):
        kept.keep("2", [entry("a")], ["a"])
    assert [row["server_id"] for row in kept.read(but="2").entries] == ["a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ('{"server_id": "a"}', "it is not a list of servers"),
        ('["a"]', "it is not a list of servers"),
        ('[{"host": "a"}]', "it is not a list of servers"),
        ('[{"server_id": ["a"]}]', "it is not a list of servers"),
        ('[{"server_id": 7}]', "it is not a list of servers"),
        ("[" * 100000, "it is nested too deeply"),
        ("\udcff", "codec can't decode"),
    ],
)
def test_a_file_that_is_not_a_journal_is_reported_and_left(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "keypair_reset-0.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    kept = journals(tmp_path)
    kept.keep("1", [entry("a")], ["a"])
    found = kept.read(but="2")
    assert [row["server_id"] for row in found.entries] == ["a"]
    (problem,) = found.problems
    assert problem.startswith(f"{file} cannot be read as a journal: ")
    assert words in problem
    assert problem.endswith("It was left as it is.")
    assert file.read_bytes() == text.encode("utf-8", "surrogateescape")


def test_other_files_in_the_directory_are_left_alone(tmp_path: Path) -> None:
    # The reports may be there, too.
    for name in ("keypair_reset.json", "keypair_reset_job_7.json", "keypair_reset-1.json.bak", ".keypair_reset-1.json"):
        (tmp_path / name).write_text("garbage")
    assert journals(tmp_path).read(but="1") == ([], [])


def test_a_journal_that_vanishes_is_harmless(tmp_path: Path) -> None:
    kept = journals(tmp_path)
    kept.keep("2", [entry("b")], [])
    # It is listed, and gone when it is opened.
    (tmp_path / "keypair_reset-1.json").symlink_to(tmp_path / "gone")
    found = kept.read(but="3")
    assert ([row["server_id"] for row in found.entries], found.problems) == (["b"], [])
    assert kept.keep("3", [entry("a")], ["a"]) is True


def test_a_journal_that_cannot_be_written_is_reported_and_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "keypair_reset-1.json").mkdir()
    with pytest.raises(UsageError, match=r"The journal .*keypair_reset-1\.json cannot be written: Is a directory"):
        journals(tmp_path).keep("1", [entry("a")], [])
    assert [path.name for path in tmp_path.iterdir()] == ["keypair_reset-1.json"]


def test_a_directory_that_is_missing_is_reported(tmp_path: Path) -> None:
    kept = journals(tmp_path / "gone")
    with pytest.raises(UsageError, match=r"The directory of journals .*gone cannot be read: No such file or directory"):
        kept.read(but="1")
    with pytest.raises(UsageError, match=r"The journal .* cannot be written: No such file or directory"):
        kept.keep("1", [entry("a")], [])


def test_in_a_dry_run_nothing_is_written(tmp_path: Path) -> None:
    kept = journals(tmp_path)
    kept.keep("1", [entry("a")], [])
    assert kept.keep("2", [entry("a")], ["a"], check_mode=True) is True
    assert kept.keep("1", [], [], check_mode=True) is True
    assert kept.keep("3", [], ["z"], check_mode=True) is False
    assert content(tmp_path) == {"keypair_reset-1.json": ["a"]}


def test_a_lock_that_another_run_holds_is_waited_for(tmp_path: Path) -> None:
    clock = ForwardedClock()
    holder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with pytest.raises(UsageError, match="another run has held the lock on the directory for more than 30 s"):
        Journals(str(tmp_path), clock).keep("1", [entry("a")], [])
    assert clock.now >= LOCK_TIMEOUT
    os.close(holder)
    assert Journals(str(tmp_path), clock).keep("1", [entry("a")], []) is True


def test_where_nothing_can_be_locked_the_work_goes_on() -> None:
    # Nothing is open there: the system answers with an error other than that another process has the lock.
    assert _locked(2**20) is True


class YieldingClock(ForwardedClock):
    """A clock that lets others run in the place of a pause."""

    def sleep(self, seconds: float) -> None:
        os.sched_yield()


def _take_over(directory: str, number: int) -> None:
    """Take over a server from a journal that several runs, started at the same time, find."""
    kept = Journals(directory, YieldingClock())
    name, server = f"run-{number}", f"s{number}"
    for task in ("t1", "t2"):
        kept.keep(name, [entry(server, task_id=task)], [server])
    assert server in [row["server_id"] for row in kept.read(but="nobody").entries]


def test_runs_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    count = 12
    journals(tmp_path).keep("0", [entry(f"s{number}") for number in range(count + 1)], [])
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_take_over, args=(str(tmp_path), number)) for number in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * count
    # The journal that was found still has the servers that no run has adopted, and no others.
    assert content(tmp_path) == {
        "keypair_reset-0.json": [f"s{count}"],
        **{f"keypair_reset-run-{number}.json": [f"s{number}"] for number in range(count)},
    }
