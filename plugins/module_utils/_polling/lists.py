# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is learnt from lists: how the pending tasks stand, many by one call, and why failed ones failed.

A row is a statement about a task like any other. A task that a list leaves out is asked about by itself: lists lag, pages
slide while they are read, windows close, and others delete rows, so nothing is ever concluded from absence. Nor does a list
that fails keep a task from being asked about by itself.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    CloudError,
    ForbiddenError,
    NotFoundError,
    RejectedError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    FAILED,
    PENDING,
    StatusPage,
    TaskBackend,
    TaskStatus,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.requests import Caller, Fatal, Unanswered
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import Memory, Scan
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import (
    LISTED,
    Record,
    in_short,
    with_declared_types,
)

#: How often a page is asked for before the list is left alone, if it did not fail before.
TRIES = 3
#: Seconds for which a list that failed is left alone; they double with each failure in a row, to the second figure.
FIRST_HOLD, LONGEST_HOLD = 5.0, 240.0
#: Seconds before the last round in which a list that failed is not tried again.
LAST_TRY = 30.0
#: Complete readings in a row that leave out a running task, before the list is taken to speak of something else.
OMISSIONS = 2
#: Pages of the list of failures that are read at most to find the reasons.
REASON_PAGES = 10
#: Seconds to rest at most before asking for the reasons again.
REASON_REST = 5.0


class Lists:
    """Reads lists for the engine.

    Args:
        source: Whom to ask.
        wanted: Whether the user wants lists at all.
        words: What the user's own words mean.
        memory: What is known.
        caller: Sends the calls.
        see: Takes in a statement about a pending task.
    """

    def __init__(
        self,
        source: TaskBackend,
        wanted: bool,
        words: t.Mapping[str, str],
        memory: Memory,
        caller: Caller,
        see: t.Callable[[Record, TaskStatus], None],
    ) -> None:
        self._source = source
        self._wanted = wanted
        self._words = words
        self._memory = memory
        self._caller = caller
        self._see = see

    def pay(self, todo: int) -> bool:
        """Whether to read the list for so many tasks: not when that costs more."""
        listing = self._memory.listing
        return todo > 1 and self._wanted and self._source.has_list and listing.usable and listing.cost < todo

    def due(self) -> bool:
        """Whether the next thing to do in this round is to read a page."""
        memory, now = self._memory, self._caller.now()
        if memory.round.scan is not None:
            return True
        held = now < memory.listing.held_until
        # The end of the wait belongs to single reads when the list may fail again, and close the gate with that.
        late = memory.listing.failures > 0 and self._caller.last_round_begins(now + LAST_TRY)
        return not (memory.round.scanned or held or late) and self.pay(len(memory.round.queue or ()))

    def read_page(self) -> None:
        """Read the next page, and take the tasks that it shows out of the round's queue.

        How long the list is nobody knows beforehand, and what a service says about it is not relied on. It is given up
        when the pages read reach the number of tasks looked for, or when as many pages in a row as tasks are left
        showed none of them; what it cost is remembered for the next round. A list that fails is left alone for a while,
        in which tasks are asked about one by one.
        """
        memory, listing = self._memory, self._memory.listing
        scan = memory.round.scan = memory.round.scan or Scan(len(memory.round.queue or ()))
        if not self._caller.prepare(self._caller.limit()):
            memory.round.cut, memory.round.scan = True, None
            return
        read = functools.partial(self._source.page, scan.cursor, memory.round.started)
        answer = self._caller.launch(read, memory.page_latency)()
        try:
            page = self._caller.settle(answer, failed_before=listing.failures > 0)
        except Unanswered:
            scan.failures += 1
            if scan.failures >= TRIES or listing.failures or self._caller.outage:
                self._leave_alone()
            return
        except (ForbiddenError, NotFoundError, RejectedError) as error:
            self._drop(f"The list of {self._source.service} tasks could not be read ({in_short(error)})")
            return
        except CloudError as error:
            raise Fatal(error.message, error) from error
        scan.failures = listing.failures = 0
        self._take(page, scan)

    def check(self, record: Record) -> None:
        """Find out, from a task that was asked about by itself after the list had been read, when the list speaks of other ids.

        It does when complete readings in a row left out a task that goes on and must be listed, and none ever showed any
        of the tasks.
        """
        listing, source = self._memory.listing, self._source
        if not listing.usable or record.meaning != PENDING:
            return
        if source.listed_statuses is not None and record.status not in source.listed_statuses:
            return
        record.unlisted += 1
        if record.unlisted >= OMISSIONS and not listing.seen:
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
        cursor, pages, failures = None, 0, 0
        while source.has_reasons and mute and pages < REASON_PAGES and (pages == 0 or cursor is not None):
            try:
                page = self._caller.ask(functools.partial(source.reasons, cursor), memory.page_latency, limit)
            except (Unanswered, Fatal, CloudError) as trouble:
                failures += 1
                now = self._caller.now()
                soon = memory.limiter.ready_at(now) <= min(limit, now + REASON_REST)
                if isinstance(trouble, Unanswered) and trouble.error and failures < TRIES and soon:
                    continue
                cause = trouble if isinstance(trouble, CloudError) else trouble.error
                if cause is not None:
                    memory.warn(f"The reasons of failed {source.service} tasks could not be read ({in_short(cause)}).")
                return
            for record in mute.values():
                record.explained = True
            for row in map(with_declared_types, page.tasks):
                failed = mute.pop(row.task_id, None)
                if failed is not None:
                    failed.reason = row.reason
                    failed.data = {**failed.data, **row.data}
            cursor, pages = page.next, pages + 1

    def _take(self, page: StatusPage, scan: Scan) -> None:
        """Take in a page."""
        memory, listing = self._memory, self._memory.listing
        unseen = dict.fromkeys(memory.round.queue or ())
        left = len(unseen)
        for row in page.tasks:
            record = memory.records.get(row.task_id)
            if record is None:
                continue
            listing.seen = True
            if not record.finished and not self._show(record, with_declared_types(row)):
                listing.usable = False
                break
            unseen.pop(row.task_id, None)
        memory.round.queue = list(unseen)
        scan.pages += 1
        scan.pages_without_match = 0 if len(unseen) < left else scan.pages_without_match + 1
        scan.cursor = page.next
        listing.cost = scan.pages
        if page.next is None:
            memory.round.swept = True
        elif unseen and (scan.pages >= scan.wanted or scan.pages_without_match >= len(unseen)):
            listing.cost = scan.pages + len(unseen)
        elif listing.usable:
            return
        self._end_scan()

    def _show(self, record: Record, row: TaskStatus) -> bool:
        """Take in a row; False when it hides the word, which may be one of those to which the user gave another meaning."""
        if row.status is None and row.state == PENDING:
            if LISTED in self._words:
                row = row._replace(status=LISTED)
            elif set(self._words.values()) - {PENDING}:
                return False
        record.asked = self._caller.now()
        record.unlisted = 0
        self._see(record, row)
        return True

    def _end_scan(self) -> None:
        self._memory.round.scan, self._memory.round.scanned = None, True

    def _leave_alone(self) -> None:
        """Ask about tasks one by one for a while, and then try the list again."""
        listing = self._memory.listing
        # In an outage it is not the list that is out of order.
        listing.failures = 1 if self._caller.outage else listing.failures + 1
        hold = min(LONGEST_HOLD, FIRST_HOLD * 2.0 ** min(listing.failures - 1, 10))
        listing.held_until = self._caller.now() + hold
        self._memory.round.scan = None

    def _drop(self, why: str) -> None:
        self._memory.listing.usable = False
        self._end_scan()
        self._memory.warn(f"{why}; each task is asked about by itself.")
