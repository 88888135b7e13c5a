# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is learnt from lists: how the pending tasks stand, many by one call, and why failed ones failed.

A row is a statement about a task like any other. A task that a list leaves out is asked about by itself: lists lag, pages
slide while they are read, windows close, and others delete rows, so nothing is ever concluded from absence.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import (
    CloudError,
    ForbiddenError,
    NotFoundError,
    RejectedError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._task import FAILED, PENDING, Sighting, TaskSource
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.caller import Caller, Fatal, RoundOver
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.memory import Memory
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.record import Record, in_short

#: Failures of the list in a row after which a round goes without it: the service may be well, and only its list ill.
FAILURES = 3
#: Complete readings in a row that leave out a running task, before the list is taken to speak of something else.
OMISSIONS = 2
#: Pages of the list of failures that are read at most to find the reasons.
REASON_PAGES = 10


class Lists:
    """Reads lists for the engine.

    Args:
        source: Whom to ask.
        wanted: Whether the user wants lists at all.
        memory: What is known.
        caller: Sends the calls.
        see: Takes in a statement about a pending task.
        decided: Whether the wait is over by what is known.
    """

    def __init__(
        self,
        source: TaskSource,
        wanted: bool,
        memory: Memory,
        caller: Caller,
        see: t.Callable[[Record, Sighting], None],
        decided: t.Callable[[], bool],
    ) -> None:
        self._source = source
        self._wanted = wanted
        self._memory = memory
        self._caller = caller
        self._see = see
        self._decided = decided

    def pay(self, todo: int) -> bool:
        """Whether to read the list for so many tasks: not when that costs more, nor when it keeps failing."""
        memory = self._memory
        usable = self._wanted and self._source.lists and memory.lists and memory.list_failures < FAILURES
        return usable and memory.list_cost < todo

    def sweep(self, todo: t.Sequence[str]) -> list[str]:
        """Read the list as far as it pays; returns the ids that have to be asked about one by one.

        How long the list is nobody knows beforehand, and what a service says about it is not relied on. It is given up
        when the pages read reach the number of tasks looked for, or when as many pages in a row as tasks are left
        showed none of them; what it cost is remembered for the next round.
        """
        memory = self._memory
        unseen, cursor, pages, barren = dict.fromkeys(todo), None, 0, 0
        while unseen and not self._decided():
            read = functools.partial(self._source.page, cursor, memory.round.started)
            try:
                page = self._caller.ask(read, self._caller.limit())
            except RoundOver as over:
                memory.round.cut = True
                memory.list_failures += isinstance(over.__cause__, CloudError)
                return []
            except (ForbiddenError, NotFoundError, RejectedError) as error:
                self._drop(f"The list of {self._source.service} tasks could not be read ({in_short(error)})")
                break
            except CloudError as error:
                raise Fatal(error.message, error) from error
            memory.list_failures = 0
            left = len(unseen)
            for row in page.sightings:
                self._row(row)
                unseen.pop(row.task_id, None)
            pages += 1
            barren = 0 if len(unseen) < left else barren + 1
            memory.list_cost = pages
            cursor = page.next
            if cursor is None:
                memory.round.swept = True
                break
            if unseen and (pages >= len(todo) or barren >= len(unseen)):
                memory.list_cost = pages + len(unseen)
                break
        return [task_id for task_id in unseen if not memory.records[task_id].finished]

    def check(self, record: Record) -> None:
        """Find out, from a task that was asked about by itself after the list had been read, when the list speaks of other ids.

        It does when complete readings in a row left out a task that goes on and must be listed, and none ever showed any
        of the tasks.
        """
        memory, source = self._memory, self._source
        if not memory.lists or record.meaning != PENDING:
            return
        if source.listed_words is not None and record.status not in source.listed_words:
            return
        record.unlisted += 1
        if record.unlisted >= OMISSIONS and not memory.listed:
            self._drop(f"The list of {source.service} tasks does not show task {record.id}, which goes on")

    def explain(self, limit: float) -> None:
        """Read why tasks failed, where the service tells that in a list of its own.

        Each failure is looked up once, if it can be. Without an answer by ``limit`` (an age of the wait), or without a row for it, a
        failure has no reason; that is no trouble of the wait.
        """
        memory, source = self._memory, self._source
        mute = {
            record.id: record
            for record in memory.records.values()
            if record.state == FAILED and record.reason is None and not record.explained
        }
        cursor, pages = None, 0
        while source.explains and mute and pages < REASON_PAGES and (pages == 0 or cursor is not None):
            try:
                page = self._caller.ask(functools.partial(source.reasons, cursor), limit)
            except (RoundOver, Fatal, CloudError) as trouble:
                cause = trouble.__cause__ or trouble
                if isinstance(cause, CloudError):
                    memory.warn(f"The reasons of failed {source.service} tasks could not be read ({in_short(cause)}).")
                return
            for record in mute.values():
                record.explained = True
            for row in page.sightings:
                failed = mute.pop(row.task_id, None)
                if failed is not None:
                    failed.reason = row.reason
                    failed.data = {**failed.data, **row.data}
            cursor, pages = page.next, pages + 1

    def _row(self, row: Sighting) -> None:
        record = self._memory.records.get(row.task_id)
        if record is None:
            return
        self._memory.listed = True
        if not record.finished:
            record.asked = self._caller.now()
            record.unlisted = 0
            self._see(record, row)

    def _drop(self, why: str) -> None:
        self._memory.lists = False
        self._memory.warn(f"{why}; each task is asked about by itself.")
