# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything a wait must remember, so that it can be put away between two slices or taken up again from a token.

All times are the age of the wait: seconds since it first began, the waits before a resumption included and the time
between them not. No clock reading is ever stored.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._task import STATES
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.limiter import Limiter
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.record import Record

#: Version of the token's form.
VERSION = 1
#: Tasks in one wait.
MOST_TASKS = 10_000


class Interrupted(BaseException):
    """Somebody wants the wait to end now.

    Raised by a signal handler or a clock, never by the engine. Like ``KeyboardInterrupt`` it is no ``Exception``, so that
    no handler between the signal and the engine takes it for a failed request.

    Args:
        by: What interrupted, such as ``SIGTERM``.
    """

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


class Slice(t.NamedTuple):
    """One bounded part of a long wait.

    Attributes:
        elapsed: Seconds since the first slice began, by the clock of whoever runs the slices.
        length: Seconds this slice may last. A round of calls is carried on in the next slice.
        state: ``Outcome.more["state"]`` of the slice before; None in the first.
    """

    elapsed: float
    length: float
    state: t.Mapping[str, t.Any] | None = None


@dataclasses.dataclass
class Round:
    """One round of looks.

    Attributes:
        queue: The tasks still to be asked about one by one; None when it is over.
        started: When it began.
        last_start: When the last round has to start, by what was known when this one began.
        calls: Its calls so far.
        reads: Those of them that asked about a single task.
        swept: Whether a complete list left out all tasks that are still in the queue.
        misses: Its last calls in a row that went without a usable answer.
        cut: Whether it ended early, because the service failed, turned a call away, or time was up.
    """

    queue: list[str] | None = None
    started: float = 0.0
    last_start: float = 0.0
    calls: int = 0
    reads: int = 0
    swept: bool = False
    misses: int = 0
    cut: bool = False


@dataclasses.dataclass
class Memory:
    """What is known about all tasks, and where the wait stands.

    Attributes:
        records: The tasks by id, in the order they were asked for.
        limiter: The pace of calls.
        base: Age at which the present run began; its deadline counts from here.
        due: When the next round starts.
        looked: Whether the first round of this run is over.
        rounds: Rounds with at least one call.
        calls: Requests about tasks, new logins not included.
        throttled: Answers that turned a call away.
        errors: Calls without a usable answer.
        relogins: New logins.
        rtt: Round-trip time of a call in seconds, a moving average.
        rtt_spread: By how much it differs from that, a moving average as well.
        cost: Calls of the last round that came to its end.
        reads: The most tasks a round of late asked about one by one; it fades by a quarter with each round.
        list_cost: Calls the last reading of the list took, or would have taken.
        list_failures: Readings of the list in a row that failed.
        lists: Whether the list is of use.
        listed: Whether a list ever showed one of the tasks.
        failing_since: When the first call was sent of those that have gone without a usable answer up to now.
        failures: How many those are.
        trouble: What came of the last of them.
        login_at: When the last new login was.
        last_look: When the last call was answered.
        round: The present round, or the last one.
        looks: Rounds that confirm each other: those that began half an interval after the one before or later. Towards
            the deadline rounds may follow each other at once.
        look_at: When the last of them began.
        strange: The words outside all tables.
        warnings: Everything the user should know, once.
    """

    records: dict[str, Record]
    limiter: Limiter
    base: float = 0.0
    due: float = 0.0
    looked: bool = False
    rounds: int = 0
    calls: int = 0
    throttled: int = 0
    errors: int = 0
    relogins: int = 0
    rtt: float = 0.2
    rtt_spread: float = 0.0
    cost: int | None = None
    reads: int = 0
    list_cost: int = 0
    list_failures: int = 0
    lists: bool = True
    listed: bool = False
    failing_since: float | None = None
    failures: int = 0
    trouble: str | None = None
    login_at: float | None = None
    last_look: float | None = None
    round: Round = dataclasses.field(default_factory=Round)
    looks: int = 0
    look_at: float = 0.0
    strange: list[str | None] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def new(cls, ids: t.Sequence[str], rate: float) -> Memory:
        """The memory of a wait that begins; an id that is named twice is one task."""
        unique = list(dict.fromkeys(ids))
        if not all(isinstance(task_id, str) and task_id for task_id in unique):
            raise UsageError("task_ids must be a list of ids; one of them is empty.")
        if len(unique) > MOST_TASKS:
            raise UsageError(f"task_ids names {len(unique)} tasks; one wait takes at most {MOST_TASKS}.")
        return cls({task_id: Record(task_id) for task_id in unique}, Limiter(rate, rate))

    def warn(self, text: str) -> None:
        """Tell the user, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def dump(self) -> dict[str, t.Any]:
        """The state between two slices, as plain JSON values."""
        return {
            **vars(self),
            "records": [record.dump(with_data=True) for record in self.records.values()],
            "limiter": dict(vars(self.limiter)),
            "round": dict(vars(self.round)),
        }

    @classmethod
    def load(cls, state: t.Mapping[str, t.Any]) -> Memory:
        """The reverse of ``dump``."""
        records = [Record.load(dumped) for dumped in state["records"]]
        return cls(
            **{
                **state,
                "records": {record.id: record for record in records},
                "limiter": Limiter(**state["limiter"]),
                "round": Round(**state["round"]),
            }
        )

    def token(self, age: float, service: str, scope: t.Mapping[str, str]) -> dict[str, t.Any]:
        """What a later wait needs to go on: every task with its verdict, and how long the service asked to be left alone.

        The answers themselves stay behind: a task that ended before a resumption has no ``data`` after it.
        """
        return {
            "v": VERSION,
            "service": service,
            "scope": dict(scope),
            "elapsed": age,
            "gate": max(0.0, self.limiter.gate - age),
            "counters": {name: getattr(self, name) for name in _COUNTERS},
            "tasks": [record.dump(with_data=False) for record in self.records.values()],
        }

    @classmethod
    def resumed(cls, token: t.Mapping[str, t.Any], service: str, scope: t.Mapping[str, str], rate: float) -> Memory:
        """Take up a wait where a token left it, on a new budget."""
        try:
            version = token["v"]
            if version != VERSION:
                raise UsageError(f"resume is of version {version!r}; this release of the collection reads {VERSION}.")
            for name, told, ours in (
                ("service", token["service"], service),
                *((name, token["scope"].get(name), value) for name, value in scope.items()),
            ):
                if told != ours:
                    raise UsageError(f"resume is for {name} {told!r}, but this task says {name} {ours!r}.")
            age = float(token["elapsed"])
            records = [Record.load(dumped) for dumped in token["tasks"]]
            if not all(record.state in STATES for record in records):
                raise ValueError("state")
            counters: dict[str, t.Any] = {name: int(token["counters"][name]) for name in _COUNTERS}
            limiter = Limiter(rate, rate, since=age, gate=age + float(token["gate"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                "resume is not the token of an earlier wait.", hint="Pass the key resume of its result unchanged."
            ) from error
        return cls({record.id: record for record in records}, limiter, base=age, due=age, **counters)


_COUNTERS = ("rounds", "calls", "throttled", "errors", "relogins")
