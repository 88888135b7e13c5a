# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of one task: the last status of the service, the verdict, and the history of statuses.

A verdict rests on a positive statement about this very task. Nothing here concludes anything from silence.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    ERROR,
    FAILED,
    MISSING,
    PENDING,
    SUCCESS,
    UNKNOWN,
    Reason,
    TaskStatus,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import WORD, printable

#: The states that end the wait for a task.
FINAL = (SUCCESS, FAILED, MISSING, ERROR)
#: The final states other than success.
BAD = (FAILED, MISSING, ERROR)
#: The status of a task that a list shows without one, if it never had another.
LISTED = "RUNNING"
#: Spans of a history that are kept.
MAX_SPANS = 50


def dump(part: t.Any) -> dict[str, t.Any]:
    """Return a dataclass as plain JSON values, without the fields that have their default.

    A named tuple becomes a list. A field may say how it is dumped and loaded: ``dump`` and ``load`` in its metadata.
    """
    dumped: dict[str, t.Any] = {}
    for field, default in _fields_of(part.__class__):
        value = getattr(part, field.name)
        if value != default:
            dumped[field.name] = field.metadata.get("dump", _dump_value)(value)
    return dumped


def load(kind: t.Any, dumped: t.Mapping[str, t.Any]) -> t.Any:
    """Return the dataclass of this kind that was dumped.

    Raises:
        TypeError: A field is missing, or one is unknown.
    """
    loaders = {field.name: field.metadata.get("load", _as_it_is) for field, _default in _fields_of(kind)}
    return kind(**{name: loaders.get(name, _as_it_is)(value) for name, value in dumped.items()})


def _dump_value(value: t.Any) -> t.Any:
    if dataclasses.is_dataclass(value):
        return dump(value)
    if isinstance(value, (list, tuple)):
        return [_dump_value(item) for item in value]
    return value


def _as_it_is(value: t.Any) -> t.Any:
    return value


@functools.cache
def _fields_of(kind: t.Any) -> list[tuple[t.Any, t.Any]]:
    """Return the fields of a dataclass, each with its default."""
    return [
        (field, field.default if field.default_factory is dataclasses.MISSING else field.default_factory())
        for field in dataclasses.fields(kind)
    ]


class StatusSpan(t.NamedTuple):
    """The same status, read several times in a row; None when the service did not know the task."""

    status: str | None
    first: float
    last: float
    polls: int = 1


@dataclasses.dataclass
class TaskState:
    """One task. All times are the age of the wait in seconds.

    Attributes:
        id: The task.
        state: The verdict; ``pending`` or ``unknown`` while there is none.
        status: The last status of the service.
        reported_state: The state of that status, confirmed or not: ``pending``, ``success``, ``failed`` or ``unknown``; None
            before the first status, and when the service did not know the task.
        reason: Why it ended badly, in the service's words.
        progress: Percent done.
        eta: Seconds left, by the service's own estimate.
        data: The last response.
        polls: Statements about it, those that it does not exist included.
        polled_at: When it was last polled, answered or not; None is never.
        last_seen: When the last statement came.
        ended_at: When the verdict fell.
        history: The last ``MAX_SPANS`` spans.
        repeats: Rounds in a row that reported the same.
        round_number: The number of the last of them.
        not_found_since: Since when the service has said, without a word to the contrary, that the task does not exist.
        omissions: Rounds in a row in which a complete list left the task out though it runs.
        reason_read: The reason of its failure has been looked up.
        rejection: The response that last said that the task does not exist, or rejected the request about it.
        failures: Polls in a row without a usable response about it.
        last_error: The error of the last of them.
    """

    id: str
    state: str = PENDING
    status: str | None = None
    reported_state: str | None = None
    reason: Reason | None = dataclasses.field(default=None, metadata={"load": lambda parts: Reason(*parts)})
    progress: float | None = None
    eta: float | None = None
    data: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    polls: int = 0
    polled_at: float | None = None
    last_seen: float | None = None
    ended_at: float | None = None
    history: list[StatusSpan] = dataclasses.field(
        default_factory=list, metadata={"load": lambda spans: [StatusSpan(*span) for span in spans]}
    )
    repeats: int = 0
    round_number: int = 0
    not_found_since: float | None = None
    omissions: int = 0
    reason_read: bool = False
    rejection: str | None = None
    failures: int = 0
    last_error: str | None = None

    @property
    def finished(self) -> bool:
        """True when there is a verdict."""
        return self.state in FINAL

    def record_status(self, task: TaskStatus, reported_state: str, now: float, round_number: int, confirm: int) -> None:
        """Record a status.

        Args:
            task: The status. One that only says "unfinished" leaves the last unfinished status in place.
            reported_state: The state of that status.
            now: When it came.
            round_number: The round it belongs to; further statuses of one round confirm nothing.
            confirm: Rounds in a row that must report the same before the task has ended.
        """
        status = task.status
        if status is None and reported_state == PENDING:
            status = self.status if self.reported_state == PENDING else LISTED
        if (status, reported_state) != (self.status, self.reported_state):
            self.repeats = 1
        elif round_number != self.round_number:
            self.repeats += 1
        self.round_number = round_number
        self.status, self.reported_state = status, reported_state
        self.reason = task.reason if reported_state == FAILED else None
        self.progress, self.eta = task.progress, task.eta
        self.data = dict(task.data)
        self.not_found_since = self.rejection = None
        self._append(status, now)
        if reported_state == UNKNOWN or (reported_state in FINAL and self.repeats >= confirm):
            self._set_state(reported_state, now)
        else:
            self._set_state(PENDING, now)

    def record_not_found(self, error: CloudError, now: float, grace: float) -> None:
        """Record that the service does not know the task; after ``grace`` seconds of that it is missing."""
        if self.not_found_since is None:
            self.not_found_since = now
        self.reported_state, self.repeats, self.eta = None, 0, None
        self.rejection = in_short(error)
        self._append(None, now)
        if now - self.not_found_since >= grace:
            self.reason = Reason(_text(error.code), _text(error.text or error.message))
            self._set_state(MISSING, now)
        else:
            self._set_state(PENDING, now)

    def record_rejection(self, error: CloudError, now: float) -> None:
        """Record that the service rejects requests about this task, which ends the wait for it."""
        self.failures, self.last_error = 0, None
        self.rejection = in_short(error)
        self.reason = Reason(_text(error.code), _text(error.text or error.message))
        self._set_state(ERROR, now)

    def record_failure(self, error: CloudError) -> None:
        """Record a poll without a usable response, which says nothing about the task."""
        self.failures += 1
        self.last_error = in_short(error)

    def add_reason(self, task: TaskStatus) -> None:
        """Add the reason of its failure, and the data beside it."""
        self.reason = task.reason
        self.data = {**self.data, **task.data}

    def last_span(self) -> StatusSpan | None:
        """Return the last span in which the service knew the task, if there is one."""
        return next((span for span in reversed(self.history) if span.status is not None), None)

    def _append(self, status: str | None, now: float) -> None:
        self.failures, self.last_error = 0, None
        self.polls += 1
        self.last_seen = now
        if self.history and self.history[-1].status == status:
            last = self.history[-1]
            self.history[-1] = last._replace(last=now, polls=last.polls + 1)
        else:
            self.history.append(StatusSpan(status, now, now))
            del self.history[:-MAX_SPANS]

    def _set_state(self, state: str, now: float) -> None:
        self.state = state
        if state in FINAL:
            self.ended_at = now

    def as_result(self, age: float) -> dict[str, t.Any]:
        """Return the task as users see it.

        Args:
            age: The age of the wait, which is the elapsed time of a task without a verdict.
        """
        reason = self.reason if self.state in BAD else None
        return {
            "id": self.id,
            "state": self.state,
            "status": self.status,
            "finished": self.finished,
            "reason": reason and {"code": reason.code, "message": reason.message},
            "progress": self.progress,
            "eta": self.eta,
            "elapsed": round(age if self.ended_at is None else self.ended_at, 3),
            "polls": self.polls,
            "last_seen": None if self.last_seen is None else round(self.last_seen, 3),
            "history": [
                {"status": span.status, "first": round(span.first, 3), "last": round(span.last, 3), "polls": span.polls}
                for span in self.history
            ],
            "data": self.data,
        }


def with_declared_types(task: TaskStatus) -> TaskStatus:
    """Return a status whose fields have the types they are declared with, whatever the service put there."""
    reason = task.reason
    return task._replace(
        task_id=str(task.task_id),
        status=_text(task.status),
        reason=None if reason is None else Reason(_text(reason.code), _text(reason.message)),
        progress=_finite(task.progress),
        eta=_finite(task.eta),
        data=task.data if isinstance(task.data, dict) else {},
    )


def _text(value: t.Any) -> str | None:
    return None if value is None else str(value)


def _finite(value: t.Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def in_short(error: CloudError) -> str:
    """Return an error for the middle of a sentence: ``404 KPS.0404: task not found``."""
    head = " ".join(str(part) for part in (error.http_status, error.code) if part)
    return ": ".join(part for part in (head, without_full_stop(str(error.text or error.message))) if part)


def printable_status(status: str | None) -> str:
    """Return a raw status for the middle of a sentence; empty when there is none."""
    return printable(status, WORD) if status else ""


def without_full_stop(sentence: str) -> str:
    """Return a sentence without its full stop, for the middle of another one."""
    return sentence.rstrip(". ")
