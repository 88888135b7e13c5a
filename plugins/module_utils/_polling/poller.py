# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wait itself: rounds of looks, the pauses between them, and the end.

A round asks about every pending task, least recently asked first: by reading a list where that takes fewer calls, and task
by task what the list did not show. A task whose call has no usable answer is asked about again at the end of the round, and
in the next round; the others do not wait for it. The last round starts so early that it ends at the deadline.
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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    SUCCESS,
    UNKNOWN,
    TaskBackend,
    TaskStatus,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import schedule
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.lists import Lists
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.progress import Progress
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.report import (
    DECIDED,
    FATAL,
    INTERRUPTED,
    SLICE_OVER,
    TIMED_OUT,
    Ending,
    bug,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.requests import (
    EPSILON,
    Answer,
    Caller,
    Fatal,
    RunCalls,
    Unanswered,
    run_in_order,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.result import (
    Outcome,
    conclude,
    progress_line,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import (
    Interrupted,
    Memory,
    Round,
    Slice,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import (
    BAD,
    Record,
    with_declared_types,
    word_of,
)

#: How long after the deadline the reason of a failure that the last round showed may still be asked for, in seconds.
REASON_GRACE = 1.0
#: What it takes to start another slice, in seconds, more or less.
START_UP = 1.0
#: How often a round asks about a task at most, when the calls have no usable answer.
TRIES = 3
#: A last round takes more calls when some are lost; more than this share is not made up for.
MOST_LOSS = 0.5


def wait(
    source: TaskBackend,
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
    """Look at the tasks until each has ended, the time is up, or something makes it pointless to go on.

    The package's docstring tells what the arguments are.

    Raises:
        UsageError: An argument is wrong; nothing was sent.
    """
    rate = (options.rate or source.rate) / options.parallel_jobs
    if time_slice and time_slice.state:
        memory = Memory.load(time_slice.state)
    elif resume is not None:
        memory = Memory.resumed(resume, source.service, scope or {}, rate)
    else:
        memory = Memory.new(ids, rate, source.service, scope or {})
    elapsed = time_slice.elapsed if time_slice else 0.0

    def show_progress(age: float) -> float:
        if progress is None:
            return math.inf
        return progress.show_due(age, lambda: progress_line(memory, source, options, age))

    caller = Caller(source, options, clock, rng, memory, memory.base + elapsed, connections, show_progress)
    engine = Engine(source, options, rng, memory, caller, run_calls)
    if not (time_slice and time_slice.state):
        memory.due = engine.first_look()
    finish = functools.partial(conclude, memory, source, options)
    try:
        return finish(
            engine.run(None if time_slice is None else memory.base + elapsed + time_slice.length), caller.now()
        )
    except Interrupted as interrupted:
        return finish(engine.interrupted(interrupted), caller.now())


class Engine:
    """The loop over rounds. It runs in one thread; only the calls themselves may be spread over several."""

    def __init__(
        self,
        source: TaskBackend,
        options: Options,
        draw: t.Callable[[], float],
        memory: Memory,
        caller: Caller,
        gather: RunCalls,
    ) -> None:
        self._source = source
        self._options = options
        self._draw = draw
        self._memory = memory
        self._caller = caller
        self._gather = gather
        # A word that the table puts where the user does stays with the service, which may know more than the word.
        self._words = {
            word: state for word, state in options.own_words().items() if word not in source.statuses.get(state, ())
        }
        self._pending = {task_id: record for task_id, record in memory.records.items() if not record.finished}
        self._bad = any(record.state in BAD for record in memory.records.values())
        self._good = any(record.state == SUCCESS for record in memory.records.values())
        self._refused_word: Record | None = None
        self._worked = False

    def first_look(self) -> float:
        """When the first round starts: after the delay, or sooner if it would not fit in any more."""
        memory, options = self._memory, self._options
        return memory.base + min(options.delay, max(0.0, options.timeout - self._lead()))

    def run(self, slice_end: float | None) -> Ending:
        """Go on until the wait ends, or until the next thing to do lies beyond the end of the slice."""
        try:
            return self._run(slice_end)
        except Fatal as fatal:
            return Ending(FATAL, message=fatal.message, error=fatal.error)
        except Exception as error:
            # Whatever is wrong with our own code must not cost what is known about the tasks.
            return Ending(FATAL, message=bug(error), exception=traceback.format_exc())

    def _run(self, slice_end: float | None) -> Ending:
        memory, caller = self._memory, self._caller
        while not self._decided():
            if not self._rest(slice_end) or not self._round(slice_end):
                return Ending(SLICE_OVER)
            if self._decided():
                break
            due = self._next()
            if due is None:
                self._explain(caller.deadline + REASON_GRACE)
                return Ending(TIMED_OUT)
            if due + self._lead() >= caller.deadline - EPSILON:
                self._explain(due)  # the last round leaves no time for it
            memory.due = due
        self._explain(caller.deadline + REASON_GRACE)
        return Ending(DECIDED, record=self._refused_word)

    def interrupted(self, by: Interrupted) -> Ending:
        """The ending when the loop was left by force: no ending of its own when all is known already."""
        if self._decided():
            return Ending(DECIDED, record=self._refused_word)
        return Ending(INTERRUPTED, message=by.by)

    @functools.cached_property
    def _lists(self) -> Lists:
        # Imported here: a module is compiled anew for each task, and most wait for one task, which succeeds.

        wanted = self._options.batch == "auto"
        return Lists(self._source, wanted, self._words, self._memory, self._caller, self._see)

    def _list_works(self, todo: int) -> bool:
        """Whether the list can be counted on for so many tasks."""
        return todo > 1 and self._lists.pay(todo) and not self._memory.listing.failures

    def _explain(self, limit: float) -> None:
        """Find out why tasks failed, if any did, until the wait has this age."""
        if self._bad:
            self._lists.explain(limit)

    def _decided(self) -> bool:
        mode = self._options.mode
        return (
            not self._pending
            or self._refused_word is not None
            or (mode == "fail_fast" and self._bad)
            or (mode == "any" and self._good)
        )

    def _rest(self, slice_end: float | None) -> bool:
        """Sleep until the next round is due, unless one goes on; False when that lies beyond the slice.

        A slice that has done something ends at once, so that its end can be shown; one that has not sleeps to its end.
        """
        memory = self._memory
        if memory.round.queue is not None:
            return True
        if self._is_beyond(memory.due, slice_end):
            self._end_slice(slice_end)
            return False
        self._caller.sleep_until(memory.due)
        return True

    def _is_beyond(self, age: float, slice_end: float | None) -> bool:
        """Whether what is to be done at an age is left to the next slice: not if it is over before that could start."""
        return slice_end is not None and age > slice_end + START_UP

    def _end_slice(self, slice_end: float | None) -> None:
        if slice_end is not None and not self._worked:
            self._caller.sleep_until(slice_end)

    def _turn_is_beyond(self, slice_end: float | None) -> bool:
        """Whether the turn of the next call comes in the next slice."""
        turn = self._caller.turn(self._caller.limit())
        return turn is not None and (
            self._is_beyond(turn, slice_end) or (slice_end is not None and self._caller.now() >= slice_end + START_UP)
        )

    def _round(self, slice_end: float | None) -> bool:
        """Ask about every pending task, or go on with that; False when the slice ends before the round does."""
        memory = self._memory
        if memory.round.queue is None:
            self._begin()
        while memory.round.queue and not memory.round.cut and not self._decided():
            if self._turn_is_beyond(slice_end):
                self._end_slice(slice_end)
                return False
            self._worked = True
            if self._use_list() and self._lists.due():
                self._lists.read_page()
            else:
                self._read_all(slice_end)
        self._end_round()
        return True

    def _use_list(self) -> bool:
        """Whether a list may be of use in this round; asked before ``_lists``, which most waits need not load."""
        return len(self._memory.records) > 1

    def _begin(self) -> None:
        """Plan a round."""
        memory, now = self._memory, self._caller.now()
        todo = [record.id for record in sorted(self._pending.values(), key=_asked)]
        memory.round = Round(queue=todo, started=now, last_start=self._caller.deadline - self._lead())
        if memory.look_at is None or now - memory.look_at >= self._options.interval / 2:
            memory.looks, memory.look_at = memory.looks + 1, now

    def _end_round(self) -> None:
        """Remember what the round took."""
        memory, ended = self._memory, self._memory.round
        if ended.calls and not ended.cut:
            memory.cost = ended.calls
            if ended.scanned:
                memory.recent_reads = max(ended.reads, memory.recent_reads * 3 // 4)
        ended.queue, ended.scan, memory.looked = None, None, True

    def _read_all(self, slice_end: float | None) -> None:
        """Ask about the tasks of the queue one by one, until it is empty or something else is to be done."""
        for record, answer in self._gather(self._reads(slice_end), self._width):
            self._take(record, answer)
            if self._decided():
                return

    def _width(self) -> int:
        """Reads to have under way at once: no more than there are, so that a single task needs no thread."""
        return min(self._caller.width(), 1 + len(self._memory.round.queue or ()))

    def _next(self) -> float | None:
        """When the next round starts; None when the time is up."""
        caller, memory, now = self._caller, self._memory, self._caller.now()
        if now >= caller.deadline - EPSILON:
            return None
        etas = [record.eta for record in self._pending.values() if record.eta is not None]
        rest = schedule.pause(
            self._options,
            age=self._typical_age(now),
            calls=self._cost(),
            pending=len(self._pending),
            rate=memory.limiter.current(now),
            eta=min(etas) if len(etas) == len(self._pending) else None,
            draw=self._draw(),
        )
        due = schedule.start(
            now=now,
            rest=rest,
            calls=self._reserve(),
            spacing=caller.spacing(),
            deadline=caller.deadline,
            silent=memory.round.calls > 0 and memory.round.answers == 0,
        )
        return min(max(due, memory.limiter.ready_at(now)), caller.deadline)

    def _typical_age(self, now: float) -> float:
        """Return for how long the pending tasks have been waited for: all of them since the wait began."""
        return now

    def _cost(self) -> int:
        """Calls of the next round: with a list those of the last round, else one per task."""
        memory, pending = self._memory, len(self._pending)
        if memory.cost is None or not self._list_works(pending):
            return pending
        return min(memory.cost, memory.listing.cost + pending)

    def _reserve(self) -> int:
        """Calls to keep time for in the last round.

        Each task that has just ended may cost a read beside the list: as many as of late, and twice the spread of such
        a number, for a task that ended in time is not to be reported as timed out. A list that fails costs a read for
        every task. Calls that are lost must be sent again.
        """
        memory, pending = self._memory, len(self._pending)
        calls = pending
        if memory.cost is not None and self._list_works(pending):
            beside = memory.recent_reads + math.ceil(2 * math.sqrt(memory.recent_reads))
            calls = memory.listing.cost + min(pending, beside)
        return round(calls / (1 - min(MOST_LOSS, memory.traffic.loss)))

    def _lead(self) -> float:
        """How long before the deadline the last round must start to end there."""
        return schedule.lead(self._reserve(), self._caller.spacing())

    def _reads(self, slice_end: float | None) -> t.Iterator[t.Callable[[], tuple[Record, Answer[TaskStatus]]]]:
        """The single reads of a round, each drawn when the answers before it are known and its turn has come."""
        memory, caller = self._memory, self._caller
        while memory.round.queue and not memory.round.cut and not self._decided():
            if self._turn_is_beyond(slice_end) or (self._use_list() and self._lists.due()):
                return
            if not caller.prepare(caller.limit()):
                memory.round.cut = True
                return
            record = self._pending[memory.round.queue.pop(0)]
            record.asked = caller.now()
            memory.round.reads += 1
            read = functools.partial(self._read, record.id)
            send = caller.launch(read, memory.read_latency, last=not memory.round.queue)
            yield functools.partial(_with, record, send)

    def _read(self, task_id: str, timeout: float) -> TaskStatus:
        sighting = self._source.read(task_id, timeout)
        if sighting.task_id != task_id:
            raise InvalidResponseError(
                f"{self._source.endpoint} was asked about task {task_id} and answered about {sighting.task_id}."
            )
        return sighting

    def _take(self, record: Record, answer: Answer[TaskStatus]) -> None:
        """Take in what came of asking about one task."""
        memory, caller = self._memory, self._caller
        try:
            sighting = caller.settle(answer, failed_before=record.failures >= TRIES)
        except Unanswered as unanswered:
            self._retry(record, unanswered.error)
        except NotFoundError as error:
            record.deny(error, caller.now(), self._options.not_found_grace)
            self._sort(record)
        except RejectedError as error:
            if error.http_status == 404:  # not the task is unknown, but the API, the project or the directory
                raise Fatal(error.message, error) from error
            record.refuse(error, caller.now())
            self._sort(record)
        except CloudError as error:
            raise Fatal(error.message, error) from error
        else:
            self._see(record, with_declared_types(sighting))
            if memory.round.swept:
                self._lists.check(record)

    def _retry(self, record: Record, error: CloudError | None) -> None:
        """Put a task back into the queue whose call had no usable answer, unless that is of no use."""
        retries = self._memory.round.retries
        throttled = isinstance(error, ThrottledError)
        if error is not None and not throttled and not error.unsent:
            record.fail(error)
        if not self._is_worth_a_retry(record, throttled):
            return
        retries[record.id] = retries.get(record.id, 0) + 1
        t.cast("list[str]", self._memory.round.queue).append(record.id)

    def _is_worth_a_retry(self, record: Record, throttled: bool) -> bool:
        """Whether to ask about a task again in this round."""
        current, caller = self._memory.round, self._caller
        if current.retries.get(record.id, 0) >= TRIES - 1:
            return False
        if not caller.last_round_begins(current.started) and caller.last_round_begins(caller.now()):
            return False  # the last round will do it, at its proper time
        return throttled or (record.failures < TRIES and not caller.outage)

    def _see(self, record: Record, sighting: TaskStatus) -> None:
        """Take in a statement about one task."""
        memory = self._memory
        meaning = self._words.get(sighting.status or "", sighting.state)
        record.see(sighting, meaning, self._caller.now(), memory.looks, self._options.confirm)
        if meaning == UNKNOWN and self._options.unknown_status == "fail":
            if record.repeats > 1:
                self._refused_word = record
        elif meaning == UNKNOWN and sighting.status not in memory.strange:
            memory.strange.append(sighting.status)
            memory.warn(
                f"{self._source.service} task {record.id} reports the unknown status {word_of(sighting.status)}; waiting on."
                if sighting.status
                else f"{self._source.service} task {record.id} reports no status; waiting on."
            )
        self._sort(record)

    def _sort(self, record: Record) -> None:
        """Put a task where it belongs."""
        if record.finished:
            self._pending.pop(record.id, None)
            self._bad = self._bad or record.state in BAD
            self._good = self._good or record.state == SUCCESS


def _asked(record: Record) -> float:
    """The key to sort tasks by, least recently asked first."""
    return -1.0 if record.asked is None else record.asked


def _with(record: Record, send: t.Callable[[], Answer[TaskStatus]]) -> tuple[Record, Answer[TaskStatus]]:
    return record, send()
