# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a wait ended, its figures, and what its tasks are called: all that is told about a plain success."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import PENDING, STATES, UNKNOWN
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import WORD, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import Memory
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import BAD, ENDED, Record

DECIDED = "decided"
TIMED_OUT = "timed_out"
FATAL = "fatal"
INTERRUPTED = "interrupted"
SLICE_OVER = "slice_over"


class Ending(t.NamedTuple):
    """How the loop ended.

    Attributes:
        kind: ``decided``, ``timed_out``, ``fatal``, ``interrupted`` or ``slice_over``.
        message: What made it impossible to go on, or what interrupted.
        error: The error behind it.
        record: The task whose unknown word ended the wait.
        exception: The traceback of what was unexpected.
    """

    kind: str
    message: str = ""
    error: CloudError | None = None
    record: Record | None = None
    exception: str | None = None


class Report:
    """What is told about one wait, whatever became of it; ``messages`` has the sentences about all but the success of all.

    Attributes:
        memory: What is known.
        age: The age of the wait at its end.
        spent: Seconds of it that belong to the present run.
        records: The tasks.
        unfinished: Those without a verdict.

    Args:
        memory: What is known.
        age: The age of the wait at its end.
        labels: Fields that tell what a task is about, each with the noun before it.
    """

    def __init__(self, memory: Memory, age: float, labels: t.Sequence[tuple[str, str]] = ()) -> None:
        self.memory = memory
        self.age = age
        self.spent = age - memory.base
        self.records = list(memory.records.values())
        self.unfinished = [record for record in self.records if not record.finished]
        #: Those of which the service has only said that it does not know them.
        self.unfound = [
            record for record in self.unfinished if record.absent_since is not None and record.vanished() is None
        ]
        self._labels = labels

    def result(self) -> dict[str, t.Any]:
        """Return what is known about every task, and the token while something is pending."""
        result: dict[str, t.Any] = {
            "tasks": [record.result(self.age) for record in self.records],
            **self.counts(),
            "timed_out": False,
            "interrupted": False,
        }
        if len(result["tasks"]) == 1:
            result["task"] = result["tasks"][0]
        if self.unfinished:
            result["resume"] = self.memory.token(self.age)
        return result

    def counts(self) -> dict[str, t.Any]:
        """The figures of the result."""
        memory = self.memory
        return {
            "summary": {"total": len(self.records), **{state: self.count(state) for state in STATES}},
            "failed_ids": [record.id for record in self.records if record.state in BAD],
            "pending_ids": [record.id for record in self.unfinished],
            "elapsed": round(self.age, 3),
            **vars(memory.counters),
        }

    def count(self, state: str) -> int:
        """How many tasks are in a state."""
        return sum(record.state == state for record in self.records)

    def of_all(self) -> str:
        """All of them, counted: ``3 kps tasks``."""
        total = len(self.records)
        return f"{total} {self.memory.service} task{'s' if total > 1 else ''}"

    def name(self, record: Record) -> str:
        """A task and what it is about: ``t-1 (server web1, key pair kp1)``."""
        about: dict[str, t.Any] = {}
        for field, noun in self._labels:
            if record.data.get(field):
                about.setdefault(noun, printable(record.data[field], WORD))
        return f"{record.id} ({', '.join(f'{noun} {name}' for noun, name in about.items())})" if about else record.id

    def all_done(self) -> str:
        """The message of a plain success."""
        calls = f"{self.memory.counters.calls} call{'' if self.memory.counters.calls == 1 else 's'}"
        took = f"after {self.age:.0f} s ({calls})"
        if len(self.records) == 1:
            return f"{self.memory.service} task {self.name(self.records[0])} succeeded {took}."
        return f"All {self.of_all()} succeeded {took}."

    def last_known(self) -> str:
        """Return how many tasks are in which state."""
        counts = [f"{self.count(state)} {state}" for state in (PENDING, UNKNOWN, *ENDED) if self.count(state)]
        return f"Last known: {', '.join(counts)}."

    def go_on(self) -> str:
        """Return what can be done about tasks that are pending."""
        if not self.unfinished:
            return ""
        count = len(self.unfinished) - len(self.unfound)
        if not count:
            return (
                "Continue with resume if it was only just started."
                if len(self.unfound) == 1
                else "Continue with resume."
            )
        who = "The other" if self.unfound else "The"
        return f"{who} task{'s go' if count > 1 else ' goes'} on in the cloud; continue with resume."


def bug(error: Exception) -> str:
    """Return what is said about an exception that should not occur."""
    return f"Unexpected {type(error).__name__}: {error}. This is a bug of the collection: please report it."
