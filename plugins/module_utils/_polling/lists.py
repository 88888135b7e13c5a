# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of tasks: the statuses of many pending tasks by one request, and the reasons of failures.

A row is a statement about a task like any other. A task that a list leaves out is polled by itself: lists lag, pages slide
while they are read, windows close, and others delete rows, so nothing is ever concluded from absence. Nor does a list that
fails keep a task from being polled by itself.
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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.requests import (
    Fatal,
    RequestScheduler,
    Unanswered,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import ListState, Scan
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import (
    LISTED,
    TaskState,
    in_short,
    with_declared_types,
)

#: How often a page is requested before the list is held, if it did not fail before.
TRIES = 3
#: Seconds for which a list that failed is not read; they double with each failure in a row, to the second figure.
FIRST_HOLD, LONGEST_HOLD = 5.0, 240.0
#: Seconds before the last round in which a list that failed is not tried again.
LAST_TRY = 30.0
#: Complete readings in a row that leave out a running task, before the list counts as one of other ids.
MAX_OMISSIONS = 2
#: Pages of the list of failures that are read at most to find the reasons.
REASON_PAGES = 10
#: Seconds to rest at most before reading the reasons again.
REASON_REST = 5.0


class ListReader:
    """The reader of lists for the poller.

    Args:
        backend: The service.
        options: The options of the wait.
        tasks: All tasks of the wait.
        state: The state of lists, which nothing else changes.
        requests: Sends the requests.
        record_status: Records the status of a pending task.
        warn: Adds a warning for the user.
    """

    def __init__(
        self,
        backend: TaskBackend,
        options: Options,
        tasks: t.Mapping[str, TaskState],
        state: ListState,
        requests: RequestScheduler,
        record_status: t.Callable[[TaskState, TaskStatus], None],
        warn: t.Callable[[str], None],
    ) -> None:
        self._backend = backend
        self._wanted = options.batch == "auto"
        self._states = options.states_by_status()
        self._tasks = tasks
        self._state = state
        self._requests = requests
        self._record_status = record_status
        self._warn = warn

    def saves_calls(self, wanted: int) -> bool:
        """Return True when reading the list takes fewer calls than polling so many tasks one by one."""
        state = self._state
        return wanted > 1 and self._wanted and self._backend.has_list and state.usable and state.cost < wanted

    def works(self, wanted: int) -> bool:
        """Return True when the list saves calls, and its last reading did not fail."""
        return self.saves_calls(wanted) and not self._state.failures

    @property
    def cost(self) -> int:
        """Calls that the last reading took, or would have taken."""
        return self._state.cost

    @property
    def scanned(self) -> bool:
        """True when the list has nothing more to tell in this round."""
        return self._state.scanned

    @property
    def complete(self) -> bool:
        """True when a complete reading left out all tasks that are still in the queue of this round."""
        return self._state.complete

    def begin_round(self) -> None:
        """Begin a round."""
        self._state.scan, self._state.scanned, self._state.complete = None, False, False

    def end_round(self) -> None:
        """End a round, in the middle of a reading or not."""
        self._state.scan = None

    def due(self, wanted: int) -> bool:
        """Return True when a page is to be read next, for so many tasks in the queue."""
        state, now = self._state, self._requests.now()
        if state.scan is not None:
            return True
        held = now < state.held_until
        # The end of the wait belongs to single reads when the list may fail again and close the gate.
        late = state.failures > 0 and self._requests.last_round_begins(now + LAST_TRY)
        return not (state.scanned or held or late) and self.saves_calls(wanted)

    def read_page(self, queue: t.Sequence[str], elapsed: float) -> list[str] | None:
        """Read the next page, and record the statuses of pending tasks in it.

        The length of the list is not known beforehand, and what a service says about it is not relied on. The reading ends
        when the pages read reach the number of tasks looked for, or when as many pages in a row as tasks are left showed none
        of them; what it cost is remembered for the next round. A list that fails is held for a while, in which tasks are
        polled one by one.

        Args:
            queue: The tasks still to be polled in this round.
            elapsed: The age of the wait at which the round began.

        Returns:
            The rest of the queue; None when there is no time for a page.

        Raises:
            Fatal: The wait cannot go on.
        """
        state = self._state
        scan = state.scan = state.scan or Scan(len(queue))
        if not self._requests.prepare(self._requests.limit()):
            state.scan = None
            return None
        read = functools.partial(self._backend.page, scan.cursor, elapsed)
        try:
            page = self._requests.read_page(read, failed_before=state.failures > 0)
        except Unanswered:
            scan.failures += 1
            if scan.failures >= TRIES or state.failures or self._requests.outage:
                self._hold()
            return list(queue)
        except (ForbiddenError, NotFoundError, RejectedError) as error:
            self._drop(f"The list of {self._backend.service} tasks could not be read ({in_short(error)})")
            return list(queue)
        except CloudError as error:
            raise Fatal(error.message, error) from error
        scan.failures = state.failures = 0
        return self._take(page, scan, queue)

    def check(self, task: TaskState) -> None:
        """Stop using the list when it shows other ids than those of the wait.

        That is so when complete readings in a row left out a task that goes on and must be listed, and none ever showed any
        of the tasks.

        Args:
            task: A task that was polled by itself after a complete reading.
        """
        backend = self._backend
        if not self._state.usable or task.reported_state != PENDING:
            return
        if backend.listed_statuses is not None and task.status not in backend.listed_statuses:
            return
        task.omissions += 1
        if task.omissions >= MAX_OMISSIONS and not self._state.seen:
            self._drop(f"The list of {backend.service} tasks does not show task {task.id}, which goes on")

    def read_reasons(self, limit: float) -> None:
        """Read why tasks failed, where the service tells that in a list of its own.

        Each failure is looked up once, if it can be. Without a response by the limit, or without a row for it, a failure has
        no reason; that does not fail the wait.

        Args:
            limit: An age of the wait.
        """
        without_reason = {
            task.id: task
            for task in self._tasks.values()
            if task.state == FAILED and task.reason is None and not task.reason_read
        }
        cursor, pages, failures = None, 0, 0
        while (
            self._backend.has_reasons and without_reason and pages < REASON_PAGES and (pages == 0 or cursor is not None)
        ):
            try:
                page = self._requests.read_page_before(functools.partial(self._backend.reasons, cursor), limit)
            except (Unanswered, Fatal, CloudError) as trouble:
                failures += 1
                soon = self._requests.ready_at() <= min(limit, self._requests.now() + REASON_REST)
                if isinstance(trouble, Unanswered) and trouble.error and failures < TRIES and soon:
                    continue
                cause = trouble if isinstance(trouble, CloudError) else trouble.error
                if cause is not None:
                    service = self._backend.service
                    self._warn(f"The reasons of failed {service} tasks could not be read ({in_short(cause)}).")
                return
            for task in without_reason.values():
                task.reason_read = True
            for row in map(with_declared_types, page.tasks):
                failed = without_reason.pop(row.task_id, None)
                if failed is not None:
                    failed.add_reason(row)
            cursor, pages = page.next, pages + 1

    def _take(self, page: StatusPage, scan: Scan, queue: t.Sequence[str]) -> list[str]:
        """Record the rows of a page; return the rest of the queue."""
        state = self._state
        unseen = dict.fromkeys(queue)
        for row in page.tasks:
            task = self._tasks.get(row.task_id)
            if task is None:
                continue
            state.seen = True
            if not task.finished and not self._take_row(task, with_declared_types(row)):
                state.usable = False
                break
            unseen.pop(row.task_id, None)
        scan.pages += 1
        scan.pages_without_match = 0 if len(unseen) < len(queue) else scan.pages_without_match + 1
        scan.cursor = page.next
        state.cost = scan.pages
        if page.next is None:
            state.complete = True
            self._end_scan()
        elif unseen and (scan.pages >= scan.wanted or scan.pages_without_match >= len(unseen)):
            state.cost = scan.pages + len(unseen)
            self._end_scan()
        elif not state.usable:
            self._end_scan()
        return list(unseen)

    def _take_row(self, task: TaskState, row: TaskStatus) -> bool:
        """Record a row; return False when it hides a status to which the user may have given another state."""
        if row.status is None and row.state == PENDING:
            if LISTED in self._states:
                row = row._replace(status=LISTED)
            elif set(self._states.values()) - {PENDING}:
                return False
        task.polled_at = self._requests.now()
        task.omissions = 0
        self._record_status(task, row)
        return True

    def _end_scan(self) -> None:
        self._state.scan, self._state.scanned = None, True

    def _hold(self) -> None:
        """Let tasks be polled one by one for a while, before the list is tried again."""
        state = self._state
        # In an outage it is not the list that is out of order.
        state.failures = 1 if self._requests.outage else state.failures + 1
        hold = min(LONGEST_HOLD, FIRST_HOLD * 2.0 ** min(state.failures - 1, 10))
        state.held_until = self._requests.now() + hold
        state.scan = None

    def _drop(self, why: str) -> None:
        self._state.usable = False
        self._end_scan()
        self._warn(f"{why}; each task is polled by itself.")
