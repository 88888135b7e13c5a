# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The blocking work of the source: discovery, polls, and the saved state. It runs in one thread, step by step."""

from __future__ import annotations

import math
import threading
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    CloudError,
    InvalidResponseError,
    ThrottledError,
    TransportError,
    UnavailableError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context, Module, Result
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import (
    CONNECTIONS,
    Interrupted,
    Watch,
    run_in_order,
    run_in_threads,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.registry import SERVICES
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.discovery import discovery_of
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.events import Event, task_event
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.options import (
    ARGUMENT_SPEC,
    PROVIDERS,
    RULES,
    Settings,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.state import State

#: Errors after which the same request may succeed later.
TEMPORARY = (InvalidResponseError, TransportError, ThrottledError, UnavailableError)
#: Seconds between two checks whether the source is to end.
ATTENTION = 0.5
#: Seconds between two steps at most, and what is done then beside: forgetting tasks of long ago.
LONGEST_REST = 3600.0


class StoppableClock:
    """A clock whose sleep ends when the source is to end.

    Args:
        clock: The clock behind it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End what sleeps, soon, and everything that would sleep from now on."""
        self._stopped.set()

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps."""
        return self._clock.monotonic()

    def time(self) -> float:
        """Return seconds since the epoch."""
        return self._clock.time()

    def sleep(self, seconds: float) -> None:
        """Pause for so many seconds.

        Raises:
            Interrupted: The source is to end.
        """
        while seconds > 0 or self._stopped.is_set():
            if self._stopped.is_set():
                raise Interrupted("the end of the source")
            step = min(seconds, ATTENTION)
            self._clock.sleep(step)
            seconds -= step


class Work(t.NamedTuple):
    """The result of one step.

    Attributes:
        events: The events to deliver.
        warnings: What the user should know.
        rest: Seconds until the next step has something to do.
        failure: Why the source must end: ``msg`` and what the service said; None as long as it goes on.
    """

    events: list[Event]
    warnings: list[str]
    rest: float
    failure: Result | None = None


class SourcePoller:
    """The poller of the event source: it polls tasks, finds new ones, and notes both in the state.

    Args:
        settings: What the rulebook says.
        context: Client, clock and secrets.
        state: What is known of tasks.
        backend: Whom to ask about tasks.
        client: The client, for discovery.
    """

    def __init__(self, settings: Settings, context: Context, state: State, backend: t.Any, client: t.Any) -> None:
        self.state = state
        self.scope: dict[str, str] = {**client.scope, **settings.within}
        self._settings = settings
        self._context = context
        self._watch = Watch(
            backend,
            settings.wait,
            clock=context.clock,
            rng=context.rng,
            scope=self.scope,
            run_calls=run_in_threads if context.threads else run_in_order,
            connections=CONNECTIONS if context.threads else 1,
        )
        self._discovery = (
            discovery_of(settings.service, client, settings.within, settings.since) if settings.discover else None
        )
        self._discovery_due = -math.inf
        #: When the lists could not be read for the first time since they last could.
        self._unlisted_since: float | None = None
        state.watch([task_id for task_id in settings.ids if not state.is_known(task_id)])
        self._watch.add(state.watched)

    @property
    def done(self) -> bool:
        """Return whether no task is watched, and none can be found."""
        return self._discovery is None and len(self._watch) == 0

    def step(self) -> Work:
        """Do what is due, for about a second, and return what came of it.

        Raises:
            Interrupted: The source is to end.
        """
        warnings: list[str] = []
        failure = self._discover(warnings)
        if failure is not None:
            return Work([], warnings, 0.0, failure)
        step = self._watch.step()
        events = {
            task["id"]: task_event(self._settings.service, self.scope, task, self._context.secrets.mask_all)
            for task in step.ended
        }
        self.state.ended(events)
        if step.failure is not None:
            facts = step.failure.error.as_result() if step.failure.error is not None else {}
            failure = {**facts, "msg": step.failure.message}
        now = self._context.clock.monotonic()
        rest = min(step.rest, max(0.0, self._discovery_due - now) if self._discovery else math.inf, LONGEST_REST)
        return Work(list(events.values()), [*warnings, *step.warnings], rest, failure)

    def delivered(self, ids: t.Sequence[str]) -> None:
        """Note that the events of tasks were delivered."""
        self.state.delivered(ids, self._context.clock.time())

    def close(self) -> None:
        """Let go of the state."""
        self.state.close()

    def _discover(self, warnings: list[str]) -> Result | None:
        """Read the lists if that is due; returns why the source must end, if it must."""
        clock, state = self._context.clock, self.state
        if self._discovery is None or clock.monotonic() < self._discovery_due:
            return None
        begun = clock.monotonic()
        try:
            found = self._discovery.read(state.read_at)
        except CloudError as error:
            self._discovery_due = clock.monotonic() + self._settings.discover_interval
            return self._miss(error, begun, warnings)
        self._discovery_due = begun + self._settings.discover_interval
        self._unlisted_since = None
        warnings.extend(found.warnings)
        first = state.read_at is None and self._settings.since is None
        candidates = [*found.running, *([] if first else found.ended)]
        new = list(dict.fromkeys(task_id for task_id in candidates if not state.is_known(task_id)))
        state.watch(new)
        self._watch.add(new)
        listed = [task_id for task_id in (*found.ended, *found.running) if not self._is_open(task_id)]
        state.listed(listed, found.read_at, clock.time())
        state.forget(self._settings.ids, clock.time())
        return None

    def _is_open(self, task_id: str) -> bool:
        return task_id in self.state.watched or task_id in self.state.outbox

    def _miss(self, error: CloudError, begun: float, warnings: list[str]) -> Result | None:
        """Take in that the lists could not be read: returns why the source must end, unless another try may help."""
        if self._unlisted_since is None:
            self._unlisted_since = begun
            if _passes(error):
                warnings.append(f"The lists of tasks could not be read, and will be tried again: {error}")
        silent = self._context.clock.monotonic() - self._unlisted_since
        if _passes(error) and silent < self._settings.wait.error_grace:
            return None
        return {**error.as_result(), "msg": str(error)}


def _passes(error: CloudError) -> bool:
    """Return whether the same request may succeed later."""
    return isinstance(error, TEMPORARY) and not (isinstance(error, TransportError) and error.permanent)


def _open(context: Context) -> Result:
    """Open the client and the state."""
    settings = Settings.from_params(context.params)
    row = SERVICES[settings.service]
    client = context.client(PROVIDERS[row.provider])
    backend = row.open(client, context.params)
    state = State(settings.state_file, {"service": settings.service, **client.scope, **settings.within})
    try:
        return {"poller": SourcePoller(settings, context, state, backend, client), "settings": settings}
    except BaseException:
        state.close()
        raise


#: The source as a value, for the checks of its options and for errors while it opens.
SOURCE = Module(_open, ARGUMENT_SPEC, providers=list(PROVIDERS.values()), **RULES)
