# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rounds of a wait, the pauses between them, and the end.

A round polls every pending task, least recently polled first: by reading a list where that takes fewer calls, and one by one
what the list did not show. A task whose call has no usable response is polled again at the end of the round, and in the next
round; the others do not wait for it. The last round starts so early that it ends at the deadline.
"""

from __future__ import annotations

import functools
import math
import traceback
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    CloudError,
    InvalidResponseError,
    NotFoundError,
    RejectedError,
    ThrottledError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.interrupts import Interrupted
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    SUCCESS,
    UNKNOWN,
    TaskBackend,
    TaskStatus,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import pacing
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.lists import ListReader
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.messages import (
    DECIDED,
    FATAL,
    INTERRUPTED,
    SLICE_OVER,
    TIMED_OUT,
    Ending,
    Progress,
    bug,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.requests import (
    EPSILON,
    Fatal,
    RequestScheduler,
    SentRequest,
    Unanswered,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.result import (
    Outcome,
    conclude,
    progress_line,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import (
    Slice,
    WaitState,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import (
    BAD,
    TaskState,
    printable_status,
    with_declared_types,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.workers import RunCalls, run_in_order

#: Seconds after the deadline in which the reason of a failure that the last round showed may still be read.
REASON_GRACE = 1.0
#: Seconds that another slice takes to start, more or less.
START_UP = 1.0
#: How often a round polls a task at most, when the calls have no usable response.
TRIES = 3
#: A last round takes more calls when some are lost; a larger share of losses than this is not allowed for.
MOST_LOSS = 0.5


def wait(
    backend: TaskBackend,
    ids: t.Sequence[str],
    options: Options,
    *,
    clock: Clock,
    rng: t.Callable[[], float],
    scope: t.Mapping[str, str] | None = None,
    resume: t.Mapping[str, t.Any] | None = None,
    time_slice: Slice | None = None,
    run_calls: RunCalls = run_in_order,
    connections: int = 1,
    progress: Progress | None = None,
) -> Outcome:
    """Poll the tasks until each has ended, the time is up, or the wait cannot go on.

    The docstring of the package describes the arguments.

    Raises:
        UsageError: An argument is wrong; nothing was sent.
    """
    rate = (options.rate or backend.rate) / options.parallel_jobs
    saved = time_slice.state if time_slice else None
    if saved:
        state = WaitState.load(saved)
    elif resume is not None:
        state = WaitState.resumed(resume, backend.service, scope or {}, rate)
    else:
        state = WaitState.new(ids, rate, backend.service, scope or {})
    age = state.started + (time_slice.elapsed if time_slice else 0.0)

    def show_progress(now: float) -> float:
        if progress is None:
            return math.inf
        return progress.show_due(now, lambda: progress_line(state, backend, options, now))

    requests = RequestScheduler(
        backend,
        options,
        clock,
        rng,
        state.requests,
        started=state.started,
        age=age,
        connections=connections,
        show_progress=show_progress,
    )
    poller = Poller(backend, options, rng, state, requests, run_calls)
    if not saved:
        poller.plan_first_round()
    finish = functools.partial(conclude, state, backend, options)
    try:
        return finish(poller.run(None if time_slice is None else age + time_slice.length), requests.now())
    except Interrupted as interrupted:
        return finish(poller.interrupted(interrupted), requests.now())


class Poller:
    """The loop over rounds. It runs in one thread; only the calls themselves may be spread over several.

    Args:
        backend: The service.
        options: The options of the wait.
        rng: Returns a random number from 0 to 1.
        state: The state of the wait.
        requests: Sends the requests.
        run_calls: Runs several calls at once.
    """

    def __init__(
        self,
        backend: TaskBackend,
        options: Options,
        rng: t.Callable[[], float],
        state: WaitState,
        requests: RequestScheduler,
        run_calls: RunCalls,
    ) -> None:
        self._backend = backend
        self._options = options
        self._rng = rng
        self._state = state
        self._round = state.rounds
        self._requests = requests
        self._run_calls = run_calls
        self._lists = ListReader(backend, options, state.tasks, state.lists, requests, self._record_status, state.warn)
        # A status that the table puts where the user does stays with the service, which may know more than the status.
        self._states = {
            status: listed
            for status, listed in options.states_by_status().items()
            if status not in backend.statuses.get(listed, ())
        }
        self._pending = {task_id: task for task_id, task in state.tasks.items() if not task.finished}
        self._bad = any(task.state in BAD for task in state.tasks.values())
        self._good = any(task.state == SUCCESS for task in state.tasks.values())
        self._failed_unknown: TaskState | None = None
        self._worked = False

    def plan_first_round(self) -> None:
        """Start the first round after the delay, or sooner if it would not fit in any more."""
        room = max(0.0, self._options.timeout - self._last_round_length())
        self._round.due = self._state.started + min(self._options.delay, room)

    def run(self, slice_end: float | None) -> Ending:
        """Go on until the wait ends, or until the next thing to do lies beyond the end of the slice."""
        try:
            return self._run(slice_end)
        except Fatal as fatal:
            return Ending(FATAL, message=fatal.message, error=fatal.error)
        except Exception as error:
            # A bug of our own must not cost what is known about the tasks.
            return Ending(FATAL, message=bug(error), exception=traceback.format_exc())

    def _run(self, slice_end: float | None) -> Ending:
        requests = self._requests
        while not self._decided():
            if not self._rest(slice_end) or not self._run_round(slice_end):
                return Ending(SLICE_OVER)
            if self._decided():
                break
            due = self._next_round_start()
            if due is None:
                self._read_reasons(requests.deadline + REASON_GRACE)
                return Ending(TIMED_OUT)
            if due + self._last_round_length() >= requests.deadline - EPSILON:
                self._read_reasons(due)  # the last round leaves no time for it
            self._round.due = due
        self._read_reasons(requests.deadline + REASON_GRACE)
        return Ending(DECIDED, task=self._failed_unknown)

    def interrupted(self, by: Interrupted) -> Ending:
        """Return the ending after an interruption; it changes nothing when all is decided already."""
        if self._decided():
            return Ending(DECIDED, task=self._failed_unknown)
        return Ending(INTERRUPTED, message=by.by)

    def _read_reasons(self, limit: float) -> None:
        """Read why tasks failed, if any did, until the wait has this age."""
        if self._bad:
            self._lists.read_reasons(limit)

    def _decided(self) -> bool:
        mode = self._options.mode
        return (
            not self._pending
            or self._failed_unknown is not None
            or (mode == "fail_fast" and self._bad)
            or (mode == "any" and self._good)
        )

    def _rest(self, slice_end: float | None) -> bool:
        """Sleep until the next round is due, unless one goes on; return False when that lies beyond the slice.

        A slice that has done something ends at once, so that its end can be shown; one that has not sleeps to its end.
        """
        if self._round.queue is not None:
            return True
        if self._is_beyond(self._round.due, slice_end):
            self._end_slice(slice_end)
            return False
        self._requests.sleep_until(self._round.due)
        return True

    def _is_beyond(self, age: float, slice_end: float | None) -> bool:
        """Return True when what is due at an age is left to the next slice, which takes a moment to start."""
        return slice_end is not None and age > slice_end + START_UP

    def _end_slice(self, slice_end: float | None) -> None:
        if slice_end is not None and not self._worked:
            self._requests.sleep_until(slice_end)

    def _await_turn(self, slice_end: float | None) -> bool:
        """Sleep until the turn of the next call, if it has one; return False when that comes in the next slice.

        What the call is, is decided afterwards: it depends on the rate at that time, and must not depend on slices.
        """
        turn = self._requests.turn(self._requests.limit())
        if turn is None:
            return True
        if self._is_beyond(turn, slice_end) or (slice_end is not None and self._requests.now() >= slice_end + START_UP):
            return False
        self._requests.sleep_until(turn)
        return True

    def _run_round(self, slice_end: float | None) -> bool:
        """Poll every pending task, or go on with that; return False when the slice ends before the round does."""
        current = self._round
        if current.queue is None:
            self._begin_round()
        while current.queue and not current.out_of_time and not self._decided():
            if not self._await_turn(slice_end):
                self._end_slice(slice_end)
                return False
            self._worked = True
            if self._lists.due(len(current.queue)):
                rest = self._lists.read_page(current.queue, current.started)
                if rest is None:
                    current.out_of_time = True
                else:
                    current.queue = rest
            else:
                self._read_tasks(slice_end)
        self._end_round()
        return True

    def _begin_round(self) -> None:
        current, now = self._round, self._requests.now()
        last_round_start = self._requests.deadline - self._last_round_length()
        current.queue = [task.id for task in sorted(self._pending.values(), key=_polled_at)]
        current.started, current.reads, current.retries, current.out_of_time = now, 0, {}, False
        if current.numbered_at is None or now - current.numbered_at >= self._options.interval / 2:
            current.number, current.numbered_at = current.number + 1, now
        self._requests.begin_round(last_round_start)
        self._lists.begin_round()

    def _end_round(self) -> None:
        current = self._round
        if self._requests.round_calls and not current.out_of_time:
            current.cost = self._requests.round_calls
            if self._lists.scanned:
                current.recent_reads = max(current.reads, current.recent_reads * 3 // 4)
        current.queue = None
        self._requests.end_round()
        self._lists.end_round()

    def _read_tasks(self, slice_end: float | None) -> None:
        """Poll the tasks of the queue one by one, until it is empty or something else is to be done."""
        for task, request in self._run_calls(self._reads(slice_end), self._width):
            self._handle_response(task, request)
            if self._decided():
                return

    def _width(self) -> int:
        """Return the reads to have under way at once: no more than there are, so that a single task needs no thread."""
        return min(self._requests.width(), 1 + len(self._round.queue or ()))

    def _next_round_start(self) -> float | None:
        """Return when the next round starts; None when the time is up."""
        requests, now = self._requests, self._requests.now()
        if now >= requests.deadline - EPSILON:
            return None
        etas = [task.eta for task in self._pending.values() if task.eta is not None]
        rest = pacing.pause_between_rounds(
            self._options,
            age=self._typical_age(now),
            calls=self._round_cost(),
            pending=len(self._pending),
            rate=requests.rate(),
            eta=min(etas) if len(etas) == len(self._pending) else None,
            random_number=self._rng(),
        )
        due = pacing.next_round_start(
            now=now,
            rest=rest,
            calls=self._last_round_calls(),
            spacing=requests.spacing(),
            deadline=requests.deadline,
            silent=requests.silent,
        )
        return min(max(due, requests.ready_at()), requests.deadline)

    def _typical_age(self, now: float) -> float:
        """Return for how long the pending tasks have been waited for: all of them since the wait began."""
        return now

    def _round_cost(self) -> int:
        """Return the calls of the next round: with a list those of the last round, else one per task."""
        pending = len(self._pending)
        if self._round.cost is None or not self._lists.works(pending):
            return pending
        return min(self._round.cost, self._lists.cost + pending)

    def _last_round_calls(self) -> int:
        """Return the calls to keep time for in the last round.

        Each task that has just ended may cost a read beside the list: as many as recently, and twice the spread of such a
        number, because a task that ended in time must not be reported as timed out. A list that fails costs a read for
        every task. Calls that are lost must be sent again.
        """
        pending, recent = len(self._pending), self._round.recent_reads
        calls = pending
        if self._round.cost is not None and self._lists.works(pending):
            calls = self._lists.cost + min(pending, recent + math.ceil(2 * math.sqrt(recent)))
        return round(calls / (1 - min(MOST_LOSS, self._requests.loss)))

    def _last_round_length(self) -> float:
        """Return the seconds before the deadline at which the last round must start to end there."""
        return pacing.last_round_length(self._last_round_calls(), self._requests.spacing())

    def _reads(self, slice_end: float | None) -> t.Iterator[t.Callable[[], tuple[TaskState, SentRequest[TaskStatus]]]]:
        """Yield the single reads of a round, each when the responses before it are known and its turn has come."""
        current, requests = self._round, self._requests
        while current.queue and not current.out_of_time and not self._decided():
            if not self._await_turn(slice_end) or self._lists.due(len(current.queue)):
                return
            if not requests.prepare(requests.limit()):
                current.out_of_time = True
                return
            task = self._pending[current.queue.pop(0)]
            task.polled_at = requests.now()
            current.reads += 1
            send = requests.submit_read(functools.partial(self._read, task.id), last=not current.queue)
            yield functools.partial(_with_task, task, send)

    def _read(self, task_id: str, timeout: float) -> TaskStatus:
        task = self._backend.read(task_id, timeout)
        if task.task_id != task_id:
            raise InvalidResponseError(
                f"{self._backend.endpoint} was asked about task {task_id} and answered about {task.task_id}."
            )
        return task

    def _handle_response(self, task: TaskState, request: SentRequest[TaskStatus]) -> None:
        """Record the response to a read of one task."""
        requests = self._requests
        try:
            status = requests.handle_response(request, failed_before=task.failures >= TRIES)
        except Unanswered as unanswered:
            self._retry(task, unanswered.error)
        except NotFoundError as error:
            task.record_not_found(error, requests.now(), self._options.not_found_grace)
            self._update_sets(task)
        except RejectedError as error:
            # Not about the task, but about the API, the project, the directory or the way to it.
            if error.http_status == 404 or error.foreign:
                raise Fatal(error.message, error) from error
            task.record_rejection(error, requests.now())
            self._update_sets(task)
        except CloudError as error:
            raise Fatal(error.message, error) from error
        else:
            self._record_status(task, with_declared_types(status))
            if self._lists.complete:
                self._lists.check(task)

    def _retry(self, task: TaskState, error: CloudError | None) -> None:
        """Put a task back into the queue whose call had no usable response, unless that is of no use."""
        throttled = isinstance(error, ThrottledError)
        if error is not None and not throttled and not error.unsent:
            task.record_failure(error)
        if not self._is_worth_a_retry(task, throttled):
            return
        self._round.retries[task.id] = self._round.retries.get(task.id, 0) + 1
        t.cast("list[str]", self._round.queue).append(task.id)

    def _is_worth_a_retry(self, task: TaskState, throttled: bool) -> bool:
        """Return True when a task is to be polled again in this round."""
        current, requests = self._round, self._requests
        if current.retries.get(task.id, 0) >= TRIES - 1:
            return False
        if not requests.last_round_begins(current.started) and requests.last_round_begins(requests.now()):
            return False  # the last round polls it, at its proper time
        return throttled or (task.failures < TRIES and not requests.outage)

    def _record_status(self, task: TaskState, status: TaskStatus) -> None:
        """Record the status of a pending task."""
        reported_state = self._states.get(status.status or "", status.state)
        task.record_status(status, reported_state, self._requests.now(), self._round.number, self._options.confirm)
        if reported_state == UNKNOWN and self._options.unknown_status == "fail":
            if task.repeats > 1:
                self._failed_unknown = task
        elif reported_state == UNKNOWN and status.status not in self._round.unknown_statuses:
            self._round.unknown_statuses.append(status.status)
            reported = f"the unknown status {printable_status(status.status)}" if status.status else "no status"
            self._state.warn(f"{self._backend.service} task {task.id} reports {reported}; waiting on.")
        self._update_sets(task)

    def _update_sets(self, task: TaskState) -> None:
        """Note that a task may have ended."""
        if task.finished:
            self._pending.pop(task.id, None)
            self._bad = self._bad or task.state in BAD
            self._good = self._good or task.state == SUCCESS


def _polled_at(task: TaskState) -> float:
    """Return the key to sort tasks by, least recently polled first."""
    return -1.0 if task.polled_at is None else task.polled_at


def _with_task(
    task: TaskState, send: t.Callable[[], SentRequest[TaskStatus]]
) -> tuple[TaskState, SentRequest[TaskStatus]]:
    return task, send()
