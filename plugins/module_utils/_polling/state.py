# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a wait, in one part for each part of the poller, and how it is saved between slices and in tokens.

All times are the age of the wait: seconds since it first began, the waits before a resumption included and the time
between them not. No clock reading is ever stored.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import STATES
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.pacing import Latency, Limiter
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import TaskState, dump, load

#: Version of the token's form.
TOKEN_VERSION = 1
#: Tasks in one wait at most.
MAX_TASKS = 10_000


class Slice(t.NamedTuple):
    """One bounded run of a long wait.

    Attributes:
        elapsed: Seconds since the first slice began, by the clock of the caller.
        length: Seconds this slice may last. A round of calls is carried on in the next slice.
        state: ``Outcome.more["state"]`` of the slice before; None in the first.
    """

    elapsed: float
    length: float
    state: t.Mapping[str, t.Any] | None = None


@dataclasses.dataclass
class Counters:
    """The figures of the result.

    Attributes:
        rounds: Rounds with at least one call.
        calls: Requests about tasks, re-authentication not included.
        throttled: Throttled responses.
        errors: Calls without a usable response.
        reauthentications: How often the client authenticated again.
    """

    rounds: int = 0
    calls: int = 0
    throttled: int = 0
    errors: int = 0
    reauthentications: int = 0


def _loaded_as(kind: type) -> dict[str, t.Any]:
    """Return the metadata of a field that holds a dataclass, and is loaded as one."""
    return {"load": functools.partial(load, kind)}


@dataclasses.dataclass
class RequestState:
    """The part of ``RequestScheduler``.

    Attributes:
        limiter: The pace of calls.
        all_latency: The times of all calls.
        read_latency: The times of calls about single tasks.
        page_latency: The times of pages of lists.
        counters: The figures of the result.
        failing_since: When the first call was sent of those that have gone without a usable response up to now.
        failures: How many those are.
        last_error: The message of the last of them.
        last_response: When the last call was answered.
        reauthenticated_at: When the client last authenticated again.
        first_round_over: The first round of this run is over.
        last_round_start: When the last round has to start, by what was known when the present one began.
        round_calls: Calls of the present round.
        round_responses: Usable responses of the present round.
    """

    limiter: Limiter = dataclasses.field(metadata=_loaded_as(Limiter))
    all_latency: Latency = dataclasses.field(default_factory=Latency, metadata=_loaded_as(Latency))
    read_latency: Latency = dataclasses.field(default_factory=Latency, metadata=_loaded_as(Latency))
    page_latency: Latency = dataclasses.field(default_factory=Latency, metadata=_loaded_as(Latency))
    counters: Counters = dataclasses.field(default_factory=Counters, metadata=_loaded_as(Counters))
    failing_since: float | None = None
    failures: int = 0
    last_error: str | None = None
    last_response: float | None = None
    reauthenticated_at: float | None = None
    first_round_over: bool = False
    last_round_start: float = 0.0
    round_calls: int = 0
    round_responses: int = 0


@dataclasses.dataclass
class Scan:
    """One reading of the list, page by page.

    Attributes:
        wanted: How many tasks it looks for.
        cursor: The next page; None is the first.
        pages: Pages so far.
        pages_without_match: The last pages in a row that showed none of the tasks.
        failures: Failed calls for the next page.
    """

    wanted: int
    cursor: t.Any = None
    pages: int = 0
    pages_without_match: int = 0
    failures: int = 0


@dataclasses.dataclass
class ListState:
    """The part of ``ListReader``.

    Attributes:
        usable: The list can tell about the tasks.
        seen: It showed at least one of the tasks.
        cost: Calls that its last reading took, or would have taken.
        failures: Readings in a row that failed.
        held_until: It is not read before this time.
        scan: The reading that goes on.
        scanned: The list has nothing more to tell in this round.
        complete: A complete reading left out all tasks that are still in the queue.
    """

    usable: bool = True
    seen: bool = False
    cost: int = 0
    failures: int = 0
    held_until: float = 0.0
    scan: Scan | None = dataclasses.field(default=None, metadata=_loaded_as(Scan))
    scanned: bool = False
    complete: bool = False


@dataclasses.dataclass
class RoundState:
    """The part of ``Poller`` and ``Watch``: the present round, or the last one, and when the next one starts.

    Attributes:
        queue: The tasks still to be polled; None when the round is over.
        started: When it began.
        number: Its number for confirmations: rounds that follow within half an interval, as before the deadline, share one.
        numbered_at: When the round began that got the number, in this run.
        reads: Its calls about a single task.
        retries: How often each task was put back into the queue after a call without a usable response.
        out_of_time: It ended early, because time was up.
        due: When the next round starts.
        cost: Calls of the last round that came to its end.
        recent_reads: The most tasks that a recent round read one by one; it fades by a quarter with each round.
        unknown_statuses: The statuses outside all tables that were reported to the user.
    """

    queue: list[str] | None = None
    started: float = 0.0
    number: int = 0
    numbered_at: float | None = None
    reads: int = 0
    retries: dict[str, int] = dataclasses.field(default_factory=dict)
    out_of_time: bool = False
    due: float = 0.0
    cost: int | None = None
    recent_reads: int = 0
    unknown_statuses: list[str | None] = dataclasses.field(default_factory=list)


def _dump_tasks(tasks: t.Mapping[str, TaskState]) -> list[dict[str, t.Any]]:
    return [dump(task) for task in tasks.values()]


def _load_tasks(dumped: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, TaskState]:
    tasks = [load(TaskState, task) for task in dumped]
    return {task.id: task for task in tasks}


@dataclasses.dataclass
class WaitState:
    """The state of a wait.

    Attributes:
        service: The service.
        scope: What makes an id unique there: region, project, directory.
        tasks: The tasks by id, in the order of the request.
        requests: The part of ``RequestScheduler``, which alone changes it.
        lists: The part of ``ListReader``, which alone changes it.
        rounds: The part of ``Poller`` and ``Watch``, which alone change it.
        started: Age at which the present run began; its deadline counts from here.
        warnings: Warnings for the user, each text once.
    """

    service: str
    scope: dict[str, str]
    tasks: dict[str, TaskState] = dataclasses.field(metadata={"dump": _dump_tasks, "load": _load_tasks})
    requests: RequestState = dataclasses.field(metadata=_loaded_as(RequestState))
    lists: ListState = dataclasses.field(default_factory=ListState, metadata=_loaded_as(ListState))
    rounds: RoundState = dataclasses.field(default_factory=RoundState, metadata=_loaded_as(RoundState))
    started: float = 0.0
    warnings: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def new(cls, ids: t.Sequence[str], rate: float, service: str, scope: t.Mapping[str, str]) -> WaitState:
        """Return the state of a wait that begins; an id that is named twice is one task.

        Raises:
            UsageError: An id is empty, or there are too many.
        """
        unique = list(dict.fromkeys(ids))
        if not all(isinstance(task_id, str) and task_id for task_id in unique):
            raise UsageError("task_ids must be a list of ids; one of them is empty.")
        if len(unique) > MAX_TASKS:
            raise UsageError(f"task_ids names {len(unique)} tasks; one wait takes at most {MAX_TASKS}.")
        tasks = {task_id: TaskState(task_id) for task_id in unique}
        return cls(service, dict(scope), tasks, RequestState(Limiter(rate, rate)))

    def warn(self, text: str) -> None:
        """Add a warning, unless it is there already."""
        if text not in self.warnings:
            self.warnings.append(text)

    def dump(self) -> dict[str, t.Any]:
        """Return the state between two slices, as plain JSON values."""
        return dump(self)

    @classmethod
    def load(cls, dumped: t.Mapping[str, t.Any]) -> WaitState:
        """Return the state that was dumped."""
        state: WaitState = load(cls, dumped)
        return state

    def token(self, age: float) -> dict[str, t.Any]:
        """Return the token of a later wait: the dump of the state in which that wait starts.

        It holds every task with its verdict but without its data, the figures, the number of the round, and how long the
        service asked not to be called.
        """
        start = WaitState(
            self.service,
            self.scope,
            {task_id: dataclasses.replace(task, data={}) for task_id, task in self.tasks.items()},
            # The later wait has its own rate.
            RequestState(
                Limiter(0.0, 0.0, since=age, gate=max(age, self.requests.limiter.gate)),
                counters=self.requests.counters,
            ),
            # A later run is another round, however little time of a wait has passed since the last one.
            rounds=RoundState(number=self.rounds.number, due=age),
            started=age,
        )
        return {"v": TOKEN_VERSION, **start.dump()}

    @classmethod
    def resumed(cls, token: t.Mapping[str, t.Any], service: str, scope: t.Mapping[str, str], rate: float) -> WaitState:
        """Return the state in which a later wait starts, on a new budget and at its own rate.

        Raises:
            UsageError: It is not a token, or that of another service or scope.
        """
        try:
            version = token["v"]
            if version != TOKEN_VERSION:
                raise UsageError(
                    f"resume is of version {version!r}; this release of the collection reads {TOKEN_VERSION}."
                )
            for name, told, ours in (
                ("service", token["service"], service),
                *((name, token["scope"].get(name), value) for name, value in scope.items()),
            ):
                if told != ours:
                    raise UsageError(f"resume is for {name} {told!r}, but this task says {name} {ours!r}.")
            state = cls.load({name: value for name, value in token.items() if name != "v"})
            if not all(task.state in STATES for task in state.tasks.values()):
                raise ValueError("state")
            figures = [state.started, state.requests.limiter.gate, state.rounds.number]
            if not all(
                isinstance(figure, (int, float)) for figure in (*figures, *vars(state.requests.counters).values())
            ):
                raise ValueError("figures")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                "resume is not the token of an earlier wait.", hint="Pass the key resume of its result unchanged."
            ) from error
        state.scope = dict(scope)
        state.requests.limiter.highest_rate = state.requests.limiter.rate = rate
        return state
