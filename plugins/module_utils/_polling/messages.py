# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of a wait: the message of its end, and the lines of progress in between."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    ERROR,
    FAILED,
    MISSING,
    PENDING,
    SUCCESS,
    UNKNOWN,
    TaskBackend,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, WORD, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import WaitState
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import (
    BAD,
    FINAL,
    TaskState,
    printable_status,
    without_full_stop,
)

#: Tasks that a message names; the others are counted.
MAX_NAMED = 5
#: Seconds until the first line of progress: a short wait needs none, and a long one should not look dead.
FIRST_LINE = 5.0

#: The kinds of endings.
DECIDED = "decided"
TIMED_OUT = "timed_out"
FATAL = "fatal"
INTERRUPTED = "interrupted"
SLICE_OVER = "slice_over"


class Ending(t.NamedTuple):
    """The end of the loop over rounds.

    Attributes:
        kind: ``decided``, ``timed_out``, ``fatal``, ``interrupted`` or ``slice_over``.
        message: What made it impossible to go on, or what interrupted.
        error: The error behind it.
        task: The task whose unknown status ended the wait.
        exception: The traceback of an exception that should not occur.
    """

    kind: str
    message: str = ""
    error: CloudError | None = None
    task: TaskState | None = None
    exception: str | None = None


class Progress:
    """Lines of progress at fixed intervals, for a wait that can show them while it goes on.

    Args:
        show: Shows a line.
        interval: Seconds from one line to the next, above 0.
    """

    def __init__(self, show: t.Callable[[str], None], interval: float) -> None:
        self._show = show
        self._interval = interval
        self._due: float | None = None

    def show_due(self, age: float, line: t.Callable[[], str]) -> float:
        """Show the line if one is due, and return the age of the wait at which the next is.

        Args:
            age: The age of the wait in seconds.
            line: Returns the line.
        """
        if self._due is None:
            self._due = age + min(FIRST_LINE, self._interval)
        elif age >= self._due:
            self._show(line())
            self._due = age + self._interval
        return self._due


class Summary:
    """The counts of a wait, and the sentences that need no options.

    Attributes:
        state: The state of the wait.
        age: The age of the wait.
        spent: Seconds of it that belong to the present run.
        tasks: The tasks.
        unfinished: Those without a verdict.
        never_found: Those of which the service has only said that it does not know them.

    Args:
        state: The state of the wait.
        age: The age of the wait.
        labels: Fields that tell what a task is about, each with the noun before it.
    """

    def __init__(self, state: WaitState, age: float, labels: t.Sequence[tuple[str, str]] = ()) -> None:
        self.state = state
        self.age = age
        self.spent = age - state.started
        self.tasks = list(state.tasks.values())
        self.unfinished = [task for task in self.tasks if not task.finished]
        self.never_found = [
            task for task in self.unfinished if task.not_found_since is not None and task.last_span() is None
        ]
        self._labels = labels

    def count(self, state: str) -> int:
        """Return how many tasks are in a state."""
        return sum(task.state == state for task in self.tasks)

    def counted(self) -> str:
        """Return the number of all tasks: ``3 kps tasks``."""
        total = len(self.tasks)
        return f"{total} {self.state.service} task{'s' if total > 1 else ''}"

    def name(self, task: TaskState) -> str:
        """Return a task with what it is about: ``t-1 (server web1, key pair kp1)``."""
        about: dict[str, t.Any] = {}
        for field, noun in self._labels:
            if task.data.get(field):
                about.setdefault(noun, printable(task.data[field], WORD))
        return f"{task.id} ({', '.join(f'{noun} {name}' for noun, name in about.items())})" if about else task.id

    def success(self) -> str:
        """Return the message of a wait in which all tasks succeeded."""
        calls = self.state.requests.counters.calls
        took = f"after {self.age:.0f} s ({calls} call{'' if calls == 1 else 's'})"
        if len(self.tasks) == 1:
            return f"{self.state.service} task {self.name(self.tasks[0])} succeeded {took}."
        return f"All {self.counted()} succeeded {took}."

    def last_known(self) -> str:
        """Return how many tasks are in which state."""
        counts = [f"{self.count(state)} {state}" for state in (PENDING, UNKNOWN, *FINAL) if self.count(state)]
        return f"Last known: {', '.join(counts)}."

    def next_step(self) -> str:
        """Return what can be done about tasks that are pending."""
        if not self.unfinished:
            return ""
        count = len(self.unfinished) - len(self.never_found)
        if not count:
            return (
                "Continue with resume if it was only just started."
                if len(self.never_found) == 1
                else "Continue with resume."
            )
        which = "The other" if self.never_found else "The"
        return f"{which} task{'s go' if count > 1 else ' goes'} on in the cloud; continue with resume."


class Messages(Summary):
    """The messages of a wait.

    Args:
        state: The state of the wait.
        backend: The service.
        options: The options of the wait.
        age: The age of the wait.
    """

    def __init__(self, state: WaitState, backend: TaskBackend, options: Options, age: float) -> None:
        super().__init__(state, age, backend.labels)
        self.backend = backend
        self.options = options

    def verdict(self, ending: Ending) -> tuple[bool, str]:
        """Return whether the module fails, and the message, of any wait but one that waited for all and saw all succeed."""
        options, mode = self.options, self.options.mode
        if ending.kind == FATAL:
            return True, _join(ending.message, ending.error.hint if ending.error else None, self.last_known())
        if ending.kind == INTERRUPTED:
            return True, _join(self._interrupted(ending.message), self._bad(), self.next_step())
        if ending.task is not None:
            return True, _join(self._unknown_status(ending.task), self.last_known())
        if ending.kind == TIMED_OUT:
            bad = any(task.state in BAD for task in self.tasks)
            failed = options.on_timeout == "fail" or (bad and mode != "any" and options.on_failure == "fail")
            return failed, self._timed_out()
        if not self.tasks:
            return False, "There is no task to wait for."
        if mode == "any":
            if self.count(SUCCESS) > 0:
                return False, self._first_success()
            return options.on_failure == "fail", _join(f"None of {self.counted()} succeeded.", self._bad())
        return options.on_failure == "fail", _join(self._bad(), self._succeeded(), self._stopped())

    def line(self, rest: float) -> str:
        """Return the line of progress.

        Args:
            rest: Seconds until the next poll.
        """
        parts = [f"{self.count(state)} {state}" for state in FINAL if self.count(state)]
        if self.unfinished:
            counts: dict[str, int] = {}
            for task in self.unfinished:
                status = printable_status(task.status) or "no status yet"
                counts[status] = counts.get(status, 0) + 1
            shown = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_NAMED]
            listed = ", ".join(f"{status} {count}" for status, count in shown)
            parts.append(f"{len(self.unfinished)} pending ({listed})")
        then = f"next poll in {rest:.0f} s" if round(rest) > 0 else "polling"
        return f"{', '.join(parts)}; {self.spent:.0f} s of {self.options.timeout:.0f} s, {then}"

    def _list(self, tasks: t.Sequence[TaskState], describe: t.Callable[[TaskState], str], glue: str = "; ") -> str:
        named = glue.join(describe(task) for task in tasks[:MAX_NAMED])
        more = len(tasks) - MAX_NAMED
        return f"{named} and {more} more" if more > 0 else named

    def _first_success(self) -> str:
        good = next(task for task in self.tasks if task.state == SUCCESS)
        head = f"{self.backend.service} task {self.name(good)} succeeded after {good.ended_at or 0:.0f} s."
        return _join(head, self._bad(), self._stopped())

    def _bad(self) -> str:
        """Return the failed, missing and rejected tasks, each with what the service said."""
        service = self.backend.service
        failed, missing, rejected = (
            [task for task in self.tasks if task.state == state] for state in (FAILED, MISSING, ERROR)
        )
        sentences = []
        if failed and len(self.tasks) == 1:
            sentences.append(f"{service} task {self.name(failed[0])} failed: {_failure(failed[0])}.")
        elif failed:
            listed = self._list(failed, lambda task: f"{self.name(task)}: {_failure(task)}")
            sentences.append(f"{len(failed)} of {self.counted()} failed: {listed}.")
        if missing:
            never_seen = any(task.last_span() is None for task in missing)
            sentences.append(f"{self._list(missing, self._not_found)}. {self._check(len(missing), never_seen)}")
        if rejected:
            listed = self._list(rejected, lambda task: f"{self.name(task)}: {task.rejection}")
            sentences.append(
                f"The service rejected the request{'s' if len(rejected) > 1 else ''} about {service} "
                f"task{'s' if len(rejected) > 1 else ''} {listed}."
            )
            if any(task.last_seen is None and (task.rejection or "").startswith("400") for task in rejected):
                sentences.append(self._check(len(rejected), True))
        return " ".join(sentences)

    def _check(self, count: int, never_seen: bool) -> str:
        """Return what to check about ids that the service does not know."""
        ids, are = ("ids", "they are tasks") if count > 1 else ("id", "it is a task")
        service = f", and whether {are} of the service {self.backend.service}" if never_seen else ""
        return f"Check the {ids}, {self.backend.parent} and region{service}."

    def _not_found(self, task: TaskState) -> str:
        since = self.age if task.ended_at is None else task.ended_at
        last = task.last_span()
        head = f"{self.backend.service} task {self.name(task)}"
        if last is None:
            return f"{head} was not found for {since - (task.not_found_since or 0):.0f} s ({task.rejection})"
        return f"{head} vanished after {printable_status(last.status)} at {last.last:.0f} s ({task.rejection})"

    def _succeeded(self) -> str:
        return f"{self.count(SUCCESS)} succeeded." if len(self.tasks) > 1 else ""

    def _stopped(self) -> str:
        """Return that the wait ended while tasks go on, if any do."""
        if not self.unfinished:
            return ""
        count = len(self.unfinished)
        are = f"{count} task{'s are' if count > 1 else ' is'} still pending"
        return f"Stopped waiting; {are}: {self._list(self.unfinished, lambda task: task.id, ', ')}."

    def _timed_out(self) -> str:
        count, total = len(self.unfinished), len(self.tasks)
        resumed = f" ({self.age:.0f} s with the waits before)" if self.state.started else ""
        if total > 1:
            what = f"{count} of {self.counted()}: {self._list(self.unfinished, self._pending_task, ', ')}."
        else:
            what = f"{self.backend.service} task {self._pending_task(self.unfinished[0])}."
        head = f"Timed out after {self.spent:.0f} s{resumed} waiting for {what}"
        good = f"{self.count(SUCCESS)} succeeded." if total > 1 else ""
        check = self._check(len(self.never_found), True) if self.never_found else ""
        return _join(self._bad(), head, good, self._last_response(), check, self.next_step())

    def _pending_task(self, task: TaskState) -> str:
        """Return a pending task with its last status."""
        listing = "list it in success_statuses, failure_statuses or pending_statuses"
        if task.last_seen is None:
            doing = f"no response: {task.rejection}" if task.rejection else "no response about it yet"
        elif task.not_found_since is not None:
            last = task.last_span()
            seen = f", {printable_status(last.status)} at {last.last:.0f} s" if last else ""
            doing = f"not found for {self.age - task.not_found_since:.0f} s{seen}"
        else:
            since = self.age - task.history[-1].first
            status = printable_status(task.status) or "no status"
            if task.state == UNKNOWN and task.status:
                doing = f"unknown status {status} for {since:.0f} s; {listing}"
            elif task.reported_state in FINAL:
                doing = f"{status}, reported {task.repeats} of {self.options.confirm} times in a row"
            else:
                doing = f"{status} for {since:.0f} s"
        if task.failures and self.state.requests.last_error is None:  # else the service as a whole does not answer
            doing += f", the last {task.failures} polls failed" if task.failures > 1 else ", the last poll failed"
            doing += f": {task.last_error}"
        return f"{task.id} ({doing})"

    def _last_response(self) -> str:
        """Return how old the last response is, and why it is not newer."""
        requests = self.state.requests
        limiter = requests.limiter
        oldest = min(self.unfinished, key=lambda task: -1.0 if task.last_seen is None else task.last_seen)
        why = ""
        if requests.last_error is not None:
            last = without_full_stop(requests.last_error)
            why = f"{requests.failures} error{'s' if requests.failures > 1 else ''} since, the last: {last}"
        elif limiter.gate > self.age:
            after = limiter.retry_after
            why = "the service asked to wait" + (f" (Retry-After {after:.0f})" if after is not None else "")
        elif limiter.throttled_in_row:
            # The pause that it asked for was over, or it asked for none, and it throttled the next call as well.
            count = limiter.throttled_in_row
            why = f"the service throttled {'the last call' if count == 1 else f'the last {count} calls'}"
        if why and oldest.last_seen is None:
            return f"There is no response about {oldest.id}: {why}."
        if why:
            return f"The last response about {oldest.id} is {self.age - (oldest.last_seen or 0):.0f} s old: {why}."
        if requests.last_response is None:
            return ""
        deadline = self.state.started + self.options.timeout
        return f"Last poll {max(0.0, deadline - requests.last_response):.1f} s before the end."

    def _interrupted(self, by: str) -> str:
        count = len(self.unfinished)
        pending = f"{count} of {self.counted()} {'are' if count != 1 else 'is'} still pending"
        return f"Interrupted by {by} after {self.spent:.0f} s; {pending}."

    def _unknown_status(self, task: TaskState) -> str:
        known = "; ".join(
            ", ".join(self.backend.statuses.get(state, ()))
            for state in (PENDING, SUCCESS, FAILED)
            if self.backend.statuses.get(state)
        )
        status = f'the unknown status "{printable_status(task.status)}"' if task.status else "no status"
        return f"{self.backend.service} task {self.name(task)} has {status} (twice in a row). Known: {known}."


def bug(error: Exception) -> str:
    """Return the message of an exception that should not occur."""
    return f"Unexpected {type(error).__name__}: {printable(error, SENTENCE)}. This is a bug of the collection: please report it."


def _failure(task: TaskState) -> str:
    """Return the status and reason of a failure: ``FAILED_RESET, KPS.3054: Update public key error``."""
    reason = without_full_stop(str(task.reason or ""))
    return ", ".join(part for part in (printable_status(task.status), reason) if part)


def _join(*sentences: str | None) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
