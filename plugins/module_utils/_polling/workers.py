# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running of calls: one after the other, or several at once in threads. The only file with threads."""

from __future__ import annotations

import queue
import threading
import typing as t

T = t.TypeVar("T")

#: Calls that may be under way at once.
CONNECTIONS = 4

#: Runs calls, at most so many at once as the second argument returns at the moment, takes each from the iterator only when
#: there is room for it, and yields what the calls return as it comes.
RunCalls = t.Callable[[t.Iterator[t.Callable[[], t.Any]], t.Callable[[], int]], t.Iterator[t.Any]]


def run_in_order(calls: t.Iterator[t.Callable[[], T]], _width: t.Callable[[], int]) -> t.Iterator[T]:
    """Run calls one after the other in the thread of the caller."""
    for call in calls:
        yield call()


def run_in_threads(calls: t.Iterator[t.Callable[[], T]], width: t.Callable[[], int]) -> t.Generator[T, None, None]:
    """Run calls, at most ``width()`` at once, and yield what they return as it comes.

    Calls are taken from the iterator in the thread of the caller, which may sleep there; so a limiter needs no lock. While
    ``width()`` is 1, calls run in the thread of the caller as well: a thread costs as much as half a request. Threads are
    daemons, so that a caller that ends the iteration does not wait for calls that hang.
    """
    todo: queue.SimpleQueue[t.Callable[[], T] | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = queue.SimpleQueue()
    workers: list[threading.Thread] = []
    running = 0
    try:
        for call in calls:
            if not running and width() == 1:
                yield call()
                continue
            if running == len(workers):
                workers.append(threading.Thread(target=_work, args=(todo, done), daemon=True))
                workers[-1].start()
            todo.put(call)
            running += 1
            while running >= width() or (running and not done.empty()):
                running -= 1
                yield _unpack(done.get())
        for _left in range(running):
            yield _unpack(done.get())
    finally:
        for _worker in workers:
            todo.put(None)


def _work(todo: queue.SimpleQueue[t.Any], done: queue.SimpleQueue[t.Any]) -> None:
    """Run the calls of a queue until None comes."""
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
