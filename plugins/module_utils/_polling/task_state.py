# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about one task: the last statement of the service, the verdict, and the history of what was said.

A verdict rests on a positive statement about this very task. Nothing here concludes anything from silence.
"""

from __future__ import annotations

import dataclasses
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
ENDED = (SUCCESS, FAILED, MISSING, ERROR)
#: The ends nobody wants.
BAD = (FAILED, MISSING, ERROR)
#: The word of a task that a list shows without one, if it never had another.
LISTED = "RUNNING"
#: Entries of a history that are kept.
HISTORY = 50


@dataclasses.dataclass
class Run:
    """The same word, read several times in a row; None is the service's word that it does not know the task."""

    status: str | None
    first: float
    last: float
    polls: int = 1


@dataclasses.dataclass
class Record:
    """One task. All times are the age of the wait in seconds.

    Attributes:
        id: The task.
        state: The verdict; ``pending`` or ``unknown`` while there is none.
        status: The last word the service had for it.
        meaning: What that word means, confirmed or not: ``pending``, ``success``, ``failed`` or ``unknown``; None before
            the first statement and after a denial.
        reason: Why it ended badly, in the service's words.
        progress: Percent done.
        eta: Seconds left, by the service's own account.
        data: The last answer.
        polls: Statements about it, denials included.
        asked: When it was last asked about, answered or not; None is never.
        last_seen: When the last statement came.
        ended: When the verdict fell.
        history: The words, run-length coded, the last ``HISTORY`` of them.
        repeats: Looks in a row that said the same.
        look: The number of the last of them.
        absent_since: When the service first denied, without a word to the contrary since, that the task exists.
        unlisted: Rounds in a row in which a complete list left the task out though it runs.
        explained: Whether the reason of its failure has been asked for.
        note: What the service said when it last denied the task or refused the question.
        failures: Polls in a row without a usable answer about it.
        trouble: What came of the last of them.
    """

    id: str
    state: str = PENDING
    status: str | None = None
    meaning: str | None = None
    reason: Reason | None = None
    progress: float | None = None
    eta: float | None = None
    data: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    polls: int = 0
    asked: float | None = None
    last_seen: float | None = None
    ended: float | None = None
    history: list[Run] = dataclasses.field(default_factory=list)
    repeats: int = 0
    look: int = 0
    absent_since: float | None = None
    unlisted: int = 0
    explained: bool = False
    note: str | None = None
    failures: int = 0
    trouble: str | None = None

    @property
    def finished(self) -> bool:
        """Whether there is a verdict."""
        return self.state in ENDED

    def see(self, sighting: TaskStatus, meaning: str, now: float, look: int, confirm: int) -> None:
        """Take in a statement.

        Args:
            sighting: The statement. One that only says "unfinished" leaves the last unfinished word in place.
            meaning: What the statement means.
            now: When it came.
            look: The number of the look it belongs to; further statements of one look confirm nothing.
            confirm: Looks that must say the same before the task has ended.
        """
        status = sighting.status
        if status is None and meaning == PENDING:
            status = self.status if self.meaning == PENDING else LISTED
        if (status, meaning) != (self.status, self.meaning):
            self.repeats = 1
        elif look != self.look:
            self.repeats += 1
        self.look = look
        self.status, self.meaning = status, meaning
        self.reason = sighting.reason if meaning == FAILED else None
        self.progress, self.eta = sighting.progress, sighting.eta
        self.data = dict(sighting.data)
        self.absent_since = self.note = None
        self._remember(status, now)
        if meaning == UNKNOWN or (meaning in ENDED and self.repeats >= confirm):
            self._conclude(meaning, now)
        else:
            self._conclude(PENDING, now)

    def deny(self, error: CloudError, now: float, grace: float) -> None:
        """The service says that it knows no such task; after ``grace`` seconds of that it is missing."""
        if self.absent_since is None:
            self.absent_since = now
        self.meaning, self.repeats, self.eta = None, 0, None
        self.note = in_short(error)
        self._remember(None, now)
        if now - self.absent_since >= grace:
            self.reason = Reason(_text(error.code), _text(error.text or error.message))
            self._conclude(MISSING, now)
        else:
            self._conclude(PENDING, now)

    def refuse(self, error: CloudError, now: float) -> None:
        """The service refused the question about this task for good."""
        self.failures, self.trouble = 0, None
        self.note = in_short(error)
        self.reason = Reason(_text(error.code), _text(error.text or error.message))
        self._conclude(ERROR, now)

    def fail(self, error: CloudError) -> None:
        """A poll had no usable answer, which says nothing about the task."""
        self.failures += 1
        self.trouble = in_short(error)

    def vanished(self) -> Run | None:
        """The last word the service had before it denied the task, if it ever had one."""
        return next((run for run in reversed(self.history) if run.status is not None), None)

    def _remember(self, status: str | None, now: float) -> None:
        self.failures, self.trouble = 0, None
        self.polls += 1
        self.last_seen = now
        if self.history and self.history[-1].status == status:
            self.history[-1].last = now
            self.history[-1].polls += 1
        else:
            self.history.append(Run(status, now, now))
            del self.history[:-HISTORY]

    def _conclude(self, state: str, now: float) -> None:
        self.state = state
        if state in ENDED:
            self.ended = now

    def result(self, age: float) -> dict[str, t.Any]:
        """The task as users see it.

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
            "elapsed": round(age if self.ended is None else self.ended, 3),
            "polls": self.polls,
            "last_seen": None if self.last_seen is None else round(self.last_seen, 3),
            "history": [
                {"status": run.status, "first": round(run.first, 3), "last": round(run.last, 3), "polls": run.polls}
                for run in self.history
            ],
            "data": self.data,
        }

    def dump(self, with_data: bool) -> dict[str, t.Any]:
        """Everything as plain JSON values, short: what has its default is left out."""
        kept = {field.name: getattr(self, field.name) for field in _FIELDS}
        short = {name: value for name, value in kept.items() if value != _DEFAULTS.get(name)}
        short["history"] = [[run.status, run.first, run.last, run.polls] for run in self.history]
        if self.reason:
            short["reason"] = [self.reason.code, self.reason.message]
        if not with_data:
            short.pop("data", None)
        return short

    @classmethod
    def load(cls, dumped: t.Mapping[str, t.Any]) -> Record:
        """The reverse of ``dump``."""
        fields = dict(dumped)
        fields["history"] = [Run(*run) for run in fields.get("history", [])]
        if fields.get("reason"):
            fields["reason"] = Reason(*fields["reason"])
        return cls(**fields)


_FIELDS = dataclasses.fields(Record)
_DEFAULTS: dict[str, t.Any] = dict(vars(Record("")))


def with_declared_types(sighting: TaskStatus) -> TaskStatus:
    """Return a statement whose fields have the types they are declared with, whatever the service put there."""
    reason = sighting.reason
    return sighting._replace(
        task_id=str(sighting.task_id),
        status=_text(sighting.status),
        reason=None if reason is None else Reason(_text(reason.code), _text(reason.message)),
        progress=_finite(sighting.progress),
        eta=_finite(sighting.eta),
        data=sighting.data if isinstance(sighting.data, dict) else {},
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
    """An error in a few words, for the middle of a sentence: ``404 KPS.0404: task not found``."""
    head = " ".join(str(part) for part in (error.http_status, error.code) if part)
    return ": ".join(part for part in (head, bare(str(error.text or error.message))) if part)


def word_of(status: str | None) -> str:
    """A word of the service, for the middle of a sentence; empty when there is none."""
    return printable(status, WORD) if status else ""


def bare(sentence: str) -> str:
    """A sentence without its full stop, for the middle of another one."""
    return sentence.rstrip(". ")
