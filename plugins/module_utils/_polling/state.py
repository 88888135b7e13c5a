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

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import STATES
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.latency import Latency
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.limiter import Limiter
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import Record

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
class Scan:
    """One reading of the list, page by page.

    Attributes:
        wanted: How many tasks it looks for.
        cursor: The next page; None is the first.
        pages: Pages so far.
        pages_without_match: The last of them in a row that showed none of the tasks.
        failures: Failed calls for the next page.
    """

    wanted: int
    cursor: t.Any = None
    pages: int = 0
    pages_without_match: int = 0
    failures: int = 0


@dataclasses.dataclass
class Round:
    """One round of polls.

    Attributes:
        queue: The tasks still to be polled; None when the round is over.
        scan: The reading of the list that goes on.
        scanned: Whether there is nothing more to be learnt from the list in this round.
        swept: Whether a complete list left out all tasks that are still in the queue.
        started: When it began.
        last_start: When the last round has to start, by what was known when this one began.
        calls: Its calls so far.
        reads: Those of them that asked about a single task.
        answers: Those of them with a usable answer.
        retries: How often each task was put back into the queue after a call without a usable answer.
        cut: Whether it ended early, because time was up.
    """

    queue: list[str] | None = None
    scan: Scan | None = None
    scanned: bool = False
    swept: bool = False
    started: float = 0.0
    last_start: float = 0.0
    calls: int = 0
    reads: int = 0
    answers: int = 0
    retries: dict[str, int] = dataclasses.field(default_factory=dict)
    cut: bool = False

    def dump(self) -> dict[str, t.Any]:
        """Return everything as plain JSON values."""
        return {**vars(self), "scan": self.scan and dict(vars(self.scan))}

    @classmethod
    def load(cls, dumped: t.Mapping[str, t.Any]) -> Round:
        """Return the round that was dumped."""
        return cls(**{**dumped, "scan": dumped["scan"] and Scan(**dumped["scan"])})


@dataclasses.dataclass
class Listing:
    """What is known about the list of tasks.

    Attributes:
        usable: Whether it is of any use.
        seen: Whether it ever showed one of the tasks.
        cost: Calls that its last reading took, or would have taken.
        failures: Readings in a row that failed.
        held_until: It is left alone until then.
    """

    usable: bool = True
    seen: bool = False
    cost: int = 0
    failures: int = 0
    held_until: float = 0.0


@dataclasses.dataclass
class Health:
    """Whether the service answers.

    Attributes:
        failing_since: When the first call was sent of those that have gone without a usable answer up to now.
        failures: How many those are.
        trouble: What came of the last of them.
        last_answer: When the last call was answered.
        login_at: When the last new login was.
    """

    failing_since: float | None = None
    failures: int = 0
    trouble: str | None = None
    last_answer: float | None = None
    login_at: float | None = None


@dataclasses.dataclass
class Counters:
    """The figures of the result.

    Attributes:
        rounds: Rounds with at least one call.
        calls: Requests about tasks, new logins not included.
        throttled: Answers that turned a call away.
        errors: Calls without a usable answer.
        relogins: New logins.
    """

    rounds: int = 0
    calls: int = 0
    throttled: int = 0
    errors: int = 0
    relogins: int = 0


@dataclasses.dataclass
class Memory:
    """The state of a wait: one part for each part of the engine, and the plan of its rounds.

    Attributes:
        service: The service.
        scope: What makes an id unique there: region, project, directory.
        records: The tasks by id, in the order they were asked for.
        limiter: The pace of calls.
        traffic: The times of all calls.
        read_latency: The times of calls about single tasks.
        page_latency: The times of pages of lists.
        listing: The list of tasks.
        health: Whether the service answers.
        counters: The figures of the result.
        round: The present round, or the last one.
        base: Age at which the present run began; its deadline counts from here.
        due: When the next round starts.
        looked: Whether the first round of this run is over.
        cost: Calls of the last round that came to its end.
        recent_reads: The most tasks a round of late asked about one by one; it fades by a quarter with each round.
        looks: Rounds that confirm each other: those that began half an interval after the one before or later. Towards
            the deadline rounds may follow each other at once.
        look_at: When the last of them in this run began.
        strange: The words outside all tables.
        warnings: Everything the user should know, once.
    """

    service: str
    scope: dict[str, str]
    records: dict[str, Record]
    limiter: Limiter
    traffic: Latency = dataclasses.field(default_factory=Latency)
    read_latency: Latency = dataclasses.field(default_factory=Latency)
    page_latency: Latency = dataclasses.field(default_factory=Latency)
    listing: Listing = dataclasses.field(default_factory=Listing)
    health: Health = dataclasses.field(default_factory=Health)
    counters: Counters = dataclasses.field(default_factory=Counters)
    round: Round = dataclasses.field(default_factory=Round)
    base: float = 0.0
    due: float = 0.0
    looked: bool = False
    cost: int | None = None
    recent_reads: int = 0
    looks: int = 0
    look_at: float | None = None
    strange: list[str | None] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def new(cls, ids: t.Sequence[str], rate: float, service: str, scope: t.Mapping[str, str]) -> Memory:
        """Return the state of a wait that begins; an id that is named twice is one task."""
        unique = list(dict.fromkeys(ids))
        if not all(isinstance(task_id, str) and task_id for task_id in unique):
            raise UsageError("task_ids must be a list of ids; one of them is empty.")
        if len(unique) > MOST_TASKS:
            raise UsageError(f"task_ids names {len(unique)} tasks; one wait takes at most {MOST_TASKS}.")
        records = {task_id: Record(task_id) for task_id in unique}
        return cls(service, dict(scope), records, Limiter(rate, rate))

    def warn(self, text: str) -> None:
        """Tell the user, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def dump(self) -> dict[str, t.Any]:
        """Return the state between two slices, as plain JSON values."""
        return {
            **vars(self),
            **{name: dict(vars(getattr(self, name))) for name in _PARTS},
            "records": [record.dump(with_data=True) for record in self.records.values()],
            "round": self.round.dump(),
        }

    @classmethod
    def load(cls, state: t.Mapping[str, t.Any]) -> Memory:
        """Return the state that was dumped."""
        records = [Record.load(dumped) for dumped in state["records"]]
        return cls(
            **{
                **state,
                **{name: kind(**state[name]) for name, kind in _PARTS.items()},
                "records": {record.id: record for record in records},
                "round": Round.load(state["round"]),
            }
        )

    def token(self, age: float) -> dict[str, t.Any]:
        """Return what a later wait needs to go on: every task with its verdict, and how long the service asked to be left alone.

        The answers themselves stay behind: a task that ended before a resumption has no ``data`` after it.
        """
        return {
            "v": VERSION,
            "service": self.service,
            "scope": dict(self.scope),
            "elapsed": age,
            "gate": max(0.0, self.limiter.gate - age),
            "looks": self.looks,
            "counters": dict(vars(self.counters)),
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
            return cls(
                service,
                dict(scope),
                {record.id: record for record in records},
                Limiter(rate, rate, since=age, gate=age + float(token["gate"])),
                counters=Counters(**{name: int(count) for name, count in token["counters"].items()}),
                base=age,
                due=age,
                # Another run is another look, however little time of a wait has passed since the last one.
                looks=int(token["looks"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                "resume is not the token of an earlier wait.", hint="Pass the key resume of its result unchanged."
            ) from error


#: The parts whose fields are plain JSON values.
_PARTS: dict[str, t.Any] = {
    "limiter": Limiter,
    "traffic": Latency,
    "read_latency": Latency,
    "page_latency": Latency,
    "listing": Listing,
    "health": Health,
    "counters": Counters,
}
