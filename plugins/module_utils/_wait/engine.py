# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wait itself: rounds of looks, the pauses between them, and the end.

A round asks about every pending task, least recently asked first: by reading a list where that takes fewer calls, and task
by task what the list did not show. It ends early when the service throttles it or does not answer, or when two calls in a
row give no usable answer (one may be the fault of a single task). The last round starts so early that it ends at the deadline.
"""

from __future__ import annotations

import functools
import math
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import (
    BrokenAnswerError,
    CloudError,
    NotFoundError,
    RejectedError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._task import SUCCESS, UNKNOWN, Sighting, TaskSource
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait import schedule
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.caller import (
    EPSILON,
    Answer,
    Caller,
    Fatal,
    Gather,
    RoundOver,
    one_by_one,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.memory import (
    Interrupted,
    Memory,
    Round,
    Slice,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.outcome import (
    Outcome,
    conclude,
    progress_line,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.progress import Progress
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.record import BAD, Record
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.report import (
    DECIDED,
    FATAL,
    INTERRUPTED,
    SLICE_OVER,
    TIMED_OUT,
    Ending,
)

if t.TYPE_CHECKING:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.lists import Lists

#: How long after the deadline the reason of a failure that the last round showed may still be asked for, in seconds.
REASON_GRACE = 1.0
#: What it takes to start another slice, in seconds, more or less.
START_UP = 1.0
#: Calls in a row without a usable answer that end a round.
MISSES = 2


def wait(
    source: TaskSource,
    ids: t.Sequence[str],
    options: Options,
    *,
    clock: Clock,
    random: t.Callable[[], float],
    scope: t.Mapping[str, str] | None = None,
    resume: t.Mapping[str, t.Any] | None = None,
    part: Slice | None = None,
    gather: Gather = one_by_one,
    connections: int = 1,
    progress: Progress | None = None,
) -> Outcome:
    """Look at the tasks until each has ended, the time is up, or something makes it pointless to go on.

    The package's docstring tells what the arguments are.

    Raises:
        UsageError: An argument is wrong; nothing was sent.
    """
    rate = options.rate or source.rate
    if part and part.state:
        memory = Memory.load(part.state)
    elif resume is not None:
        memory = Memory.resumed(resume, source.service, scope or {}, rate)
    else:
        memory = Memory.new(ids, rate)
    elapsed = part.elapsed if part else 0.0

    def show_progress(age: float) -> float:
        if progress is None:
            return math.inf
        return progress.show_due(age, lambda: progress_line(memory, source, options, age))

    caller = Caller(source, options, clock, random, memory, memory.base + elapsed, connections, show_progress)
    engine = Engine(source, options, random, memory, caller, gather)
    if not (part and part.state):
        memory.due = engine.first_look()
    finish = functools.partial(conclude, memory, source, options, scope or {})
    try:
        return finish(engine.run(None if part is None else memory.base + elapsed + part.length), caller.now())
    except Interrupted as interrupted:
        return finish(engine.interrupted(interrupted), caller.now())


class Engine:
    """The loop over rounds. It runs in one thread; only the calls themselves may be spread over several."""

    def __init__(
        self,
        source: TaskSource,
        options: Options,
        draw: t.Callable[[], float],
        memory: Memory,
        caller: Caller,
        gather: Gather,
    ) -> None:
        self._source = source
        self._options = options
        self._draw = draw
        self._memory = memory
        self._caller = caller
        self._gather = gather
        # A word that the table puts where the user does stays with the service, which may know more than the word.
        self._words = {
            word: state for word, state in options.own_words().items() if word not in source.words.get(state, ())
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
            while not self._decided():
                if not self._rest(slice_end) or not self._round(slice_end):
                    return Ending(SLICE_OVER)
                if self._decided():
                    break
                due = self._next()
                if due is None:
                    self._explain(self._caller.deadline + REASON_GRACE)
                    return Ending(TIMED_OUT)
                if due + self._lead() >= self._caller.deadline - EPSILON:
                    self._explain(due)  # the last round leaves no time for it
                self._memory.due = due
            self._explain(self._caller.deadline + REASON_GRACE)
            return Ending(DECIDED, record=self._refused_word)
        except Fatal as fatal:
            return Ending(FATAL, message=fatal.message, error=fatal.error)

    def interrupted(self, by: Interrupted) -> Ending:
        """The ending when the loop was left by force: no ending of its own when all is known already."""
        if self._decided():
            return Ending(DECIDED, record=self._refused_word)
        return Ending(INTERRUPTED, message=by.by)

    @functools.cached_property
    def _lists(self) -> Lists:
        # Imported here: a module is compiled anew for each task, and most wait for one task, which succeeds.
        from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.lists import Lists

        return Lists(self._source, self._options.batch == "auto", self._memory, self._caller, self._see, self._decided)

    def _list_pays(self, todo: int) -> bool:
        """Whether to read the list for so many tasks."""
        return todo > 1 and self._lists.pay(todo)

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
        """Sleep until the next round is due; False when that lies beyond the slice.

        A slice that has done something ends at once, so that its end can be shown; one that has not sleeps to its end.
        A rest that is over before another slice could have started is taken in this one.
        """
        memory = self._memory
        if memory.round.queue is not None:
            return True
        if slice_end is not None and memory.due > slice_end + START_UP:
            if not self._worked:
                self._caller.sleep_until(slice_end)
            return False
        self._caller.sleep_until(memory.due)
        return True

    def _round(self, slice_end: float | None) -> bool:
        """Ask about every pending task, or go on with that; False when the slice ends before the round does."""
        memory = self._memory
        self._worked = True
        if memory.round.queue is None:
            self._begin()
        for record, answer in self._gather(self._reads(slice_end), self._width):
            self._take(record, answer)
            if self._decided():
                break
        if memory.round.queue and not memory.round.cut and not self._decided():
            return False
        if memory.round.calls and not memory.round.cut:
            memory.cost = memory.round.calls
            memory.reads = max(memory.round.reads, memory.reads * 3 // 4)
        memory.round.queue, memory.looked = None, True
        return True

    def _width(self) -> int:
        """Reads to have under way at once: no more than there are, so that a single task needs no thread."""
        return min(self._caller.width(), 1 + len(self._memory.round.queue or ()))

    def _begin(self) -> None:
        """Plan a round, and read the list if that is of use."""
        memory, now = self._memory, self._caller.now()
        todo = [record.id for record in sorted(self._pending.values(), key=_asked)]
        memory.round = Round(started=now, last_start=self._caller.deadline - self._lead())
        if memory.looks == 0 or now - memory.look_at >= self._options.interval / 2:
            memory.looks, memory.look_at = memory.looks + 1, now
        if self._list_pays(len(todo)):
            memory.round.queue = self._lists.sweep(todo)
        else:
            memory.list_failures = 0  # a round without it is rest enough
            memory.round.queue = todo

    def _next(self) -> float | None:
        """When the next round starts; None when the time is up."""
        caller, memory, now = self._caller, self._memory, self._caller.now()
        if now >= caller.deadline - EPSILON:
            return None
        etas = [record.eta for record in self._pending.values() if record.eta is not None]
        rest = schedule.pause(
            self._options,
            age=now,
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
            cut=memory.round.cut,
        )
        return min(max(due, memory.limiter.ready_at(now)), caller.deadline)

    def _cost(self) -> int:
        """Calls of the next round: with a list those of the last round, else one per task."""
        memory, pending = self._memory, len(self._pending)
        if memory.cost is None or not self._list_pays(pending):
            return pending
        return min(memory.cost, memory.list_cost + pending)

    def _reserve(self) -> int:
        """Calls to keep time for in the last round.

        Each task that has just ended may cost a read beside the list: as many as of late, and twice the spread of such
        a number, for a task that ended in time is not to be reported as timed out.
        """
        memory, pending = self._memory, len(self._pending)
        if memory.cost is None or not self._list_pays(pending):
            return pending
        return memory.list_cost + min(pending, memory.reads + math.ceil(2 * math.sqrt(memory.reads)))

    def _lead(self) -> float:
        """How long before the deadline the last round must start to end there."""
        return schedule.lead(self._reserve(), self._caller.spacing())

    def _reads(self, slice_end: float | None) -> t.Iterator[t.Callable[[], tuple[Record, Answer[Sighting]]]]:
        """The single reads of a round, each drawn when the answers before it are known and its turn has come."""
        memory, caller = self._memory, self._caller
        while memory.round.queue and not memory.round.cut and not self._decided():
            if slice_end is not None and caller.now() >= slice_end + START_UP:
                return
            if not caller.prepare(caller.limit()):
                memory.round.cut = True
                return
            record = self._pending[memory.round.queue.pop(0)]
            record.asked = caller.now()
            memory.round.reads += 1
            send = caller.launch(functools.partial(self._read, record.id))
            yield functools.partial(_with, record, send)

    def _read(self, task_id: str, timeout: float) -> Sighting:
        sighting = self._source.read(task_id, timeout)
        if sighting.task_id != task_id:
            raise BrokenAnswerError(
                f"{self._source.endpoint} was asked about task {task_id} and answered about {sighting.task_id}."
            )
        return sighting

    def _take(self, record: Record, answer: Answer[Sighting]) -> None:
        """Take in what came of asking about one task."""
        memory, caller = self._memory, self._caller
        try:
            sighting = caller.settle(answer)
        except RoundOver as over:
            memory.round.misses += 1
            memory.round.cut = memory.round.cut or not over.alone or memory.round.misses >= MISSES
            return
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
            self._see(record, sighting)
            if memory.round.swept:
                self._lists.check(record)
        memory.round.misses = 0

    def _see(self, record: Record, sighting: Sighting) -> None:
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
                f"{self._source.service} task {record.id} reports the unknown status {sighting.status}; waiting on."
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


def _with(record: Record, send: t.Callable[[], Answer[Sighting]]) -> tuple[Record, Answer[Sighting]]:
    return record, send()
