# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the source, and the file in which it survives at whatever moment the process ends."""

from __future__ import annotations

import json
import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.state import MEMORY, REFRESH, State

SCOPE = {"service": "kps", "region": "cn-north-4", "project": "p1"}
NOW = 1767323045.0


def event(task_id: str) -> dict[str, t.Any]:
    """Return an event of a task."""
    return {"task": {"id": task_id, "state": "success"}, "meta": {"uuid": f"uuid-{task_id}"}}


def known(state: State) -> tuple[t.Any, ...]:
    """Return everything that a state knows."""
    return (list(state.watched), dict(state.outbox), dict(state.done), state.read_at)


def changes(state: State) -> t.Iterator[None]:
    """Make every kind of change to a state, one after the other."""
    state.watch(["a", "b", "c", "d"])
    yield
    state.ended({"a": event("a"), "b": event("b")})
    yield
    state.delivered(["a"], NOW)
    yield
    state.listed(["x", "y"], 0.0, NOW)
    yield
    state.ended({"c": event("c")})
    yield
    state.delivered(["b", "c"], NOW + 1)
    yield
    state.watch(["e"])
    yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file that is not there yet."""
    return tmp_path / "tasks.state"


def test_a_state_survives_at_every_moment(path: Path) -> None:
    for stop in range(8):
        path.unlink(missing_ok=True)
        state = State(str(path), SCOPE)
        for _number, _change in zip(range(stop), changes(state)):
            pass
        # The process is killed: nothing is closed, but the lock goes with it.
        before = known(state)
        state.close()
        after = State(str(path), SCOPE)
        assert known(after) == before, stop
        after.close()


def test_a_state_without_a_file_knows_the_same(path: Path) -> None:
    file, memory = State(str(path), SCOPE), State(None, SCOPE)
    for _one, _other in zip(changes(file), changes(memory)):
        assert known(file) == known(memory)
    file.close()
    memory.close()


def test_a_file_that_was_cut_short_anywhere_says_what_was_complete(path: Path) -> None:
    state = State(str(path), SCOPE)
    states = [known(state)]
    sizes = [path.stat().st_size]
    for _change in changes(state):
        states.append(known(state))
        sizes.append(path.stat().st_size)
    state.close()
    content = path.read_bytes()
    # In the middle of each line, right before and behind its end, and everywhere in the last one.
    middles = [(begin + end) // 2 for begin, end in zip(sizes, sizes[1:])]
    for length in sorted({*sizes, *(size - 1 for size in sizes[1:]), *middles, *range(sizes[-2], sizes[-1])}):
        path.write_bytes(content[:length])
        state = State(str(path), SCOPE)
        state.close()
        assert list(state.watched) or state.done or length < sizes[1]
        if length in sizes:
            assert known(state) == states[sizes.index(length)]


def test_an_event_is_kept_until_it_was_delivered_and_a_task_is_known_for_ever(path: Path) -> None:
    state = State(str(path), SCOPE)
    state.watch(["a"])
    assert (state.is_known("a"), state.is_known("z")) == (True, False)
    state.ended({"a": event("a")})
    assert (list(state.watched), list(state.outbox)) == ([], ["a"])
    state.delivered(["a"], NOW)
    assert list(state.outbox) == []
    state.watch(["a"])
    state.ended({"a": event("a")})
    assert known(state) == ([], {}, {"a": NOW}, None)
    state.close()


def test_a_task_is_forgotten_when_it_was_not_listed_for_long(path: Path) -> None:
    state = State(str(path), SCOPE)
    state.delivered(["named", "listed", "gone"], NOW)
    size = path.stat().st_size
    state.listed(["listed"], None, NOW + REFRESH / 2)
    assert path.stat().st_size == size, "a line for nothing"
    state.listed(["listed"], None, NOW + REFRESH)
    later = NOW + MEMORY + 1
    state.forget(["named"], later)
    assert sorted(state.done) == ["listed", "named"]
    state.close()


def test_the_file_stays_short(path: Path) -> None:
    state = State(str(path), SCOPE, spare_lines=50)
    most = 0
    for number in range(200):
        state.watch([f"t{number}"])
        state.ended({f"t{number}": event(f"t{number}")})
        state.delivered([f"t{number}"], NOW + number // 100)
        state.listed([], float(number), NOW)
        most = max(most, len(path.read_bytes().splitlines()))
    before = known(state)
    state.close()
    assert most < 120
    again = State(str(path), SCOPE)
    assert known(again) == before
    assert len(again.done) == 200
    again.close()
    assert sorted(os.listdir(path.parent)) == ["tasks.state", "tasks.state.lock"]


def test_only_the_owner_can_read_the_file(path: Path) -> None:
    State(str(path), SCOPE).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_sources_cannot_share_a_file(path: Path) -> None:
    state = State(str(path), SCOPE)
    with pytest.raises(UsageError, match="another source uses"):
        State(str(path), SCOPE)
    state.close()
    State(str(path), SCOPE).close()


def test_the_file_of_another_source_is_rejected_and_left_alone(path: Path) -> None:
    State(str(path), SCOPE).close()
    before = path.read_bytes()
    with pytest.raises(UsageError, match="belongs to service 'kps', region 'cn-north-4', project 'p1'"):
        State(str(path), {**SCOPE, "project": "p2"})
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ('{"v":2,"scope":{}}\n{}\n', "is of version 2; this release reads 1"),
        ('{"a": 1}\n{}\n', "line 1 of"),
        ("hello\n\n", "line 1 of"),
        ('["v"]\n{}\n', "line 1 of"),
        ('{"v":1,"scope":SCOPE}\nhello\n{"watch":["a"]}\n', "line 2 of"),
    ],
)
def test_a_file_that_says_something_else_is_rejected_and_left_alone(path: Path, content: str, part: str) -> None:
    written = content.replace("SCOPE", json.dumps(SCOPE))
    path.write_text(written)
    with pytest.raises(UsageError, match=part):
        State(str(path), SCOPE)
    assert path.read_text() == written
    assert not list(path.parent.glob(".*draft"))


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no directory"):
        State(str(tmp_path / "no" / "file"), SCOPE)


def test_a_file_that_cannot_be_written_is_an_error_and_not_a_loss(path: Path) -> None:
    state = State(str(path), SCOPE)
    state.watch(["a"])
    state.close()
    with pytest.raises(UsageError, match="cannot be written: it was closed. Without it a restart would lose events"):
        state.ended({"a": event("a")})
    assert list(state.outbox) == []


def test_a_directory_in_the_place_of_the_file_is_an_error(path: Path) -> None:
    path.mkdir()
    with pytest.raises(UsageError, match="cannot be used: Is a directory"):
        State(str(path), SCOPE)
