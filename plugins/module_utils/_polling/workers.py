# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls in threads, for services whose latency, not their rate, is what holds a wait up. The only file with threads.

A call is drawn in the thread of the caller, which may sleep for the call's turn; so the limiter holds over all threads
without a lock, and only the call itself runs elsewhere.
"""

from __future__ import annotations

import queue
import threading
import typing as t

T = t.TypeVar("T")

#: Calls that may be under way at once.
CONNECTIONS = 4


def run_in_threads(calls: t.Iterator[t.Callable[[], T]], width: t.Callable[[], int]) -> t.Generator[T, None, None]:
    """Run calls, at most ``width()`` at once, and yield what they return as it comes.

    Where one at a time is wide enough, it runs in the thread of the caller: a thread costs as much as half a request.
    The threads are daemons: whoever stops listening, after a signal for instance, does not wait for hanging calls.
    """
    todo: queue.SimpleQueue[t.Callable[[], T] | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = queue.SimpleQueue()
    crew: list[threading.Thread] = []
    running = 0
    try:
        for call in calls:
            if not running and width() == 1:
                yield call()
                continue
            if running == len(crew):
                crew.append(threading.Thread(target=_work, args=(todo, done), daemon=True))
                crew[-1].start()
            todo.put(call)
            running += 1
            while running >= width() or (running and not done.empty()):
                running -= 1
                yield _unpack(done.get())
        for _left in range(running):
            yield _unpack(done.get())
    finally:
        for _member in crew:
            todo.put(None)


def _work(todo: queue.SimpleQueue[t.Any], done: queue.SimpleQueue[t.Any]) -> None:
    """One thread: run what comes until None does."""
    for call in iter(todo.get, None):
        try:
            done.put((call(), None))
        except BaseException as error:
            done.put((None, error))


def _unpack(outcome: tuple[T, None] | tuple[None, BaseException]) -> T:
    value, error = outcome
    if error is not None:
        raise error
    return t.cast(T, value)
