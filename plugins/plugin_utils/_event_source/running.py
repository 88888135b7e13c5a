# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The coroutines of the source: polls in a thread, and events for the rule engine.

Both run side by side, so that rules that are slow do not keep tasks from being found and polled. An event counts as delivered
when the rule set has taken it out of its queue or, with ``feedback``, when the rule engine has confirmed it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import REQUESTS_IMPORT_ERROR
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context, Result
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.events import (
    Event,
    error_event,
    inert,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.options import Settings
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.poller import (
    SOURCE,
    SourcePoller,
    StoppableClock,
    Work,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.arguments import check_arguments

logger = logging.getLogger("multicloud.async_tasks.cloud_task")

T = t.TypeVar("T")
Pause = t.Callable[[float], t.Awaitable[t.Any]]

#: Seconds between two checks whether an event was taken: the first pause, and the longest.
FIRST_CHECK, LONGEST_CHECK = 0.005, 0.5
#: Seconds for which the end of the source waits for the rule set to take the last events.
LAST_EVENTS = 60.0
#: Seconds for which a source that is cancelled waits for its last note to be on the disk.
LAST_NOTE = 5.0


class CloudTaskError(Exception):
    """The error that ended the source; ansible-rulebook logs it and ends with a status other than 0."""


class Queue(t.Protocol):
    """The queue from which ansible-rulebook takes events."""

    async def put(self, event: Event) -> t.Any:
        """Hand an event over; waits while the queue is full."""


class Feedback(t.Protocol):
    """The queue in which ansible-rulebook confirms the events that the rule engine has processed."""

    async def get(self) -> Event:
        """Return the next one."""


async def run(
    queue: Queue,
    args: t.Mapping[str, t.Any],
    *,
    clock: Clock | None = None,
    pause: Pause = asyncio.sleep,
    **world: t.Any,
) -> None:
    """Watch tasks and deliver events until the source is cancelled, all named tasks have ended, or it cannot go on.

    Args:
        queue: Where events go.
        args: The options, as ansible-rulebook passes them.
        clock: The time.
        pause: Rests for so many seconds without blocking.
        world: More arguments for ``Context``, for tests.

    Raises:
        CloudTaskError: The source cannot go on. The event that says so was delivered.
    """
    options = dict(args)
    feedback: Feedback | None = options.pop("eda_feedback_queue", None)
    stoppable = StoppableClock(clock or SystemClock())
    source = _SourceRun(options, stoppable, pause, world)
    try:
        await source.run(queue, feedback)
    finally:
        stoppable.stop()
        source.close()


class _SourceRun:
    """One run of the source.

    Args:
        options: The options, not checked yet.
        clock: The time, which ends with the source.
        pause: Rests without blocking.
        world: More arguments for ``Context``.
    """

    def __init__(self, options: dict[str, t.Any], clock: StoppableClock, pause: Pause, world: dict[str, t.Any]) -> None:
        self._options = options
        self._clock = clock
        self._pause = pause
        self._world = world
        self._poller: SourcePoller | None = None
        #: Events to deliver; None is the end.
        self._outbox: asyncio.Queue[Event | None] = asyncio.Queue()
        #: The tasks whose events the rule set has not taken yet.
        self._on_the_way: list[str] = []
        self._failure: str | None = None
        self._closed = False

    async def run(self, queue: Queue, feedback: Feedback | None) -> None:
        """Poll and deliver."""
        polling = asyncio.ensure_future(self._poll())
        noting = asyncio.ensure_future(self._note_taken(queue))
        delivering = asyncio.ensure_future(self._deliver(queue, feedback))
        try:
            # Delivery ends last, unless something that should not happen ends one of the others.
            await asyncio.wait({delivering, noting}, return_when=asyncio.FIRST_COMPLETED)
            if noting.done():
                noting.result()
            await delivering
            await polling
            await self._until_taken(queue)
        finally:
            self._clock.stop()
            for task in (polling, noting, delivering):
                task.cancel()
            await asyncio.gather(polling, noting, delivering, return_exceptions=True)
            if self._is_empty(queue):
                await self._note(self._take_on_the_way())
        if self._failure is not None:
            raise CloudTaskError(self._failure)

    def close(self) -> None:
        """Let go of the state file, also when a thread has yet to open it."""
        self._closed = True
        if self._poller is not None:
            self._poller.close()

    async def _poll(self) -> None:
        """Poll until the source is to end; then the outbox ends, too."""
        try:
            await self._poll_until_end()
        finally:
            self._outbox.put_nowait(None)

    async def _poll_until_end(self) -> None:
        """Poll, and put an event with the error into the outbox if there is one."""
        secrets = None
        service = str(self._options.get("service", ""))
        scope: dict[str, str] = {}
        failure: Result | None = None
        try:
            context, settings = await _in_thread(self._open)
            secrets = context.secrets
            poller = t.cast(SourcePoller, self._poller)
            service, scope = settings.service, poller.scope
            for event in poller.state.outbox.values():
                self._outbox.put_nowait(event)
            while failure is None and not (settings.end and poller.done):
                work: Work = await _in_thread(poller.step)
                for warning in work.warnings:
                    logger.warning("%s", inert(secrets.mask(warning)))
                for event in work.events:
                    self._outbox.put_nowait(event)
                failure = work.failure
                if failure is None and work.rest > 0 and not (settings.end and poller.done):
                    await self._pause(work.rest)
        except _Failed as error:
            failure, secrets = error.failure, error.secrets
        except Exception as error:
            failure = _failure_of(error)
        if failure is not None:
            mask = secrets.mask_all if secrets is not None else _nothing_secret
            event = error_event(service, scope, failure, mask)
            self._failure = str(event["error"]["msg"])
            logger.error("%s", self._failure)
            self._outbox.put_nowait(event)

    def _open(self) -> tuple[Context, Settings]:
        """Check the options, and open client and state."""
        arguments = check_arguments(SOURCE, "cloud_task", self._options)
        context = Context(
            arguments.params,
            check_mode=True,  # the source only reads, and the transport sees to that
            on_warning=lambda text: logger.warning("%s", inert(context.secrets.mask(text))),
            on_secret=lambda _secret: None,
            clock=self._clock,
            own_process=False,
            **self._world,
        )
        for secret in arguments.secrets:
            context.hide(secret)
        error = arguments.error
        if error is None and REQUESTS_IMPORT_ERROR is not None:
            error = "The Python of ansible-rulebook has no requests. Install it there: pip install requests."
        if error is not None:
            raise _Failed({"msg": error.replace(" module: ", " event source: ")}, context)
        for warning in arguments.warnings:
            context.warn(warning)
        opened = SOURCE.perform(context)
        if opened.pop("failed", False):
            raise _Failed({name: value for name, value in opened.items() if name not in _NOT_OF_A_FAILURE}, context)
        self._poller = opened["poller"]
        if self._closed:
            self._poller.close()
        return context, opened["settings"]

    async def _deliver(self, queue: Queue, feedback: Feedback | None) -> None:
        """Hand events over in their order until the outbox ends."""
        while True:
            event = await self._outbox.get()
            if event is None:
                return
            task_id = event.get("task", {}).get("id")
            # Filters of the rulebook change the event that they are given.
            await queue.put(_copy(event))
            if task_id is None:
                continue
            if feedback is not None:
                await self._confirmed(feedback, event)
                await self._note([task_id])
            else:
                self._on_the_way.append(task_id)

    async def _confirmed(self, feedback: Feedback, event: Event) -> None:
        """Wait until the rule engine has taken an event in."""
        timeout = float(self._options.get("feedback_timeout") or 120.0)

        async def confirm() -> None:
            while (await feedback.get()).get("meta", {}).get("uuid") != event["meta"]["uuid"]:
                pass

        try:
            await asyncio.wait_for(confirm(), timeout)
        except asyncio.TimeoutError:
            raise CloudTaskError(
                f"The rule engine did not confirm the event of task {event['task']['id']} within {timeout:g} s. It is delivered "
                "again when the source is started again, if there is a state_file."
            ) from None

    async def _note_taken(self, queue: Queue) -> None:
        """Note that events were delivered, when the rule set has taken them."""
        rest = FIRST_CHECK
        while True:
            if self._on_the_way and self._is_empty(queue):
                await self._note(self._take_on_the_way())
                rest = FIRST_CHECK
            await self._pause(rest)
            rest = min(LONGEST_CHECK, rest * 2)

    async def _until_taken(self, queue: Queue) -> None:
        """Give the rule set time to take the last events."""
        left = LAST_EVENTS
        while left > 0 and not self._is_empty(queue):
            await self._pause(LONGEST_CHECK)
            left -= LONGEST_CHECK

    def _take_on_the_way(self) -> list[str]:
        taken, self._on_the_way = self._on_the_way, []
        return taken

    def _is_empty(self, queue: Queue) -> bool:
        """Return whether the rule set has taken every event that was put; true when the queue does not tell."""
        # ansible-rulebook hands over a queue with filters in front of the one that the rule set reads.
        empty = getattr(getattr(queue, "queue", queue), "empty", None)
        return True if empty is None else bool(empty())

    async def _note(self, ids: list[str]) -> None:
        """Note that events were delivered; a cancellation waits for that, for a short time."""
        if not ids or self._poller is None:
            return
        noting = asyncio.ensure_future(_in_thread(lambda: t.cast(SourcePoller, self._poller).delivered(ids)))
        try:
            await asyncio.shield(noting)
        except asyncio.CancelledError:
            await asyncio.wait({noting}, timeout=LAST_NOTE)
            raise


#: Keys of a result that are not part of its failure.
_NOT_OF_A_FAILURE = ("changed", "exception")


class _Failed(Exception):
    """A source that could not be opened.

    Args:
        failure: ``msg`` and what the service said.
        context: What must not be shown.
    """

    def __init__(self, failure: Result, context: Context) -> None:
        super().__init__(str(failure["msg"]))
        self.failure = failure
        self.secrets = context.secrets


def _failure_of(error: Exception) -> Result:
    """Return the failure behind an exception."""
    if isinstance(error, CloudError):
        return {**error.as_result(), "msg": str(error)}
    logger.debug("%s", "".join(traceback.format_tb(error.__traceback__)))
    words = printable(error, SENTENCE)
    return {"msg": f"Unexpected {type(error).__name__}: {words}. This is a bug of the collection: please report it."}


def _nothing_secret(value: t.Any) -> t.Any:
    return value


def _copy(value: t.Any) -> t.Any:
    """Return a JSON value of which nothing is shared."""
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


async def _in_thread(work: t.Callable[[], T]) -> T:
    """Run blocking work in a thread of its own.

    The thread is a daemon: a source that is cancelled does not wait for a request that hangs.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(t.cast(T, value))

    def call() -> None:
        try:
            outcome: tuple[T | None, BaseException | None] = (work(), None)
        except BaseException as error:
            outcome = (None, error)
        try:
            loop.call_soon_threadsafe(settle, *outcome)
        except RuntimeError:
            pass  # the loop was closed meanwhile

    threading.Thread(target=call, daemon=True, name="cloud_task").start()
    return await future
