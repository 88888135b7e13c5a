# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls in threads: as many at once as wanted, results as they come, errors where they belong. Nothing sleeps."""

from __future__ import annotations

import functools
import threading
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import run_in_threads

PATIENCE = 20.0


def test_every_result_comes_back() -> None:
    calls = (functools.partial(pow, number, 2) for number in range(50))
    assert sorted(run_in_threads(calls, lambda: 4)) == [number**2 for number in range(50)]


def test_calls_run_side_by_side_and_no_more_than_allowed() -> None:
    # Three calls meet at a barrier: they can only pass when they run at the same time.
    barrier = threading.Barrier(3)
    current: set[int] = set()
    most: list[int] = []

    def call(number: int) -> int:
        current.add(number)
        most.append(len(current))
        barrier.wait(PATIENCE)
        current.discard(number)
        return number

    calls = (functools.partial(call, number) for number in range(9))
    assert sorted(run_in_threads(calls, lambda: 3)) == list(range(9))
    assert max(most) == 3


def test_a_width_of_one_runs_calls_in_turn() -> None:
    order: list[str] = []

    def calls() -> t.Iterator[t.Callable[[], None]]:
        for number in range(3):
            order.append(f"drawn {number}")
            yield functools.partial(order.append, f"run {number}")

    for _result in run_in_threads(calls(), lambda: 1):
        order.append("taken")
    assert order == [status for number in range(3) for status in (f"drawn {number}", f"run {number}", "taken")]


def test_threads_are_only_for_calls_that_run_at_the_same_time() -> None:
    width = [1]
    both = threading.Barrier(2)
    where: list[threading.Thread] = []

    def calls() -> t.Iterator[t.Callable[[], t.Any]]:
        for number in range(4):
            if number == 2:
                width[0] = 2
            yield functools.partial(note, number)

    def note(number: int) -> None:
        where.append(threading.current_thread())
        if number >= 2:
            both.wait(PATIENCE)

    assert len(list(run_in_threads(calls(), lambda: width[0]))) == 4
    assert where[:2] == [threading.current_thread()] * 2
    assert threading.current_thread() not in where[2:]
    assert len(set(where[2:])) == 2


def test_a_call_starts_only_when_a_worker_is_free() -> None:
    released = threading.Event()
    drawn: list[int] = []

    def calls() -> t.Iterator[t.Callable[[], bool]]:
        for number in range(4):
            drawn.append(number)
            if number == 2:
                # Two are running and cannot end before this; a third one must not have been drawn by now.
                raise AssertionError("drawn without room")
            yield lambda: released.wait(PATIENCE)

    results = run_in_threads(calls(), lambda: 2)
    threading.Timer(0.0, released.set).start()
    assert next(results)
    assert drawn == [0, 1]
    results.close()


def test_an_error_of_a_call_is_raised_in_the_iteration() -> None:
    def fail() -> int:
        raise ValueError("no good")

    with pytest.raises(ValueError, match="no good"):
        list(run_in_threads(iter([fail]), lambda: 2))


def test_a_caller_that_ends_the_iteration_does_not_wait_for_calls_that_hang() -> None:
    released = threading.Event()
    results = run_in_threads(iter([lambda: 1, lambda: released.wait(PATIENCE)]), lambda: 2)
    assert next(results) == 1
    results.close()
    hanging = [thread for thread in threading.enumerate() if thread is not threading.main_thread() and thread.daemon]
    assert hanging
    released.set()
