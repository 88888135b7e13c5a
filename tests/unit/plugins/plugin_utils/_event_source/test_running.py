# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The coroutines of the source: events in the queue of ansible-rulebook, and every way in which they can end."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.running import CloudTaskError, run
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.state import State
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    PROJECT,
    REGION,
    SECRET_KEY,
    FakeClock,
    error_response,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._event_source.service import (
    KPS_OPTIONS,
    FakeServices,
    FakeTask,
)

Event = dict[str, t.Any]
SCOPE = {"service": "kps", "region": REGION, "project": PROJECT}
#: Seconds of real time after which a test has gone wrong.
PATIENCE = 30.0
#: Pauses from here on are rests between polls, in which the time of the services passes; shorter ones are checks of a queue.
REST = 0.6


class FilteredQueue:
    """The queue that ansible-rulebook hands to a source: filters change events in place, and one event fits in."""

    def __init__(self, size: int = 1) -> None:
        self.queue: asyncio.Queue[Event] = asyncio.Queue(size)

    async def put(self, event: Event) -> None:
        """Implement ansible-rulebook."""
        event.setdefault("meta", {})["received_at"] = "now"
        await self.queue.put(event)


class SourceRun:
    """A source that runs, and a rule set that takes its events."""

    def __init__(self, service: FakeServices, queue: t.Any = None, **options: t.Any) -> None:
        self.service = service
        self.queue = FilteredQueue() if queue is None else queue
        self.options = {**KPS_OPTIONS, **options}
        self.events: list[Event] = []
        self.source: asyncio.Task[None] | None = None

    async def pause(self, seconds: float) -> None:
        """Let the time of the services pass at once."""
        if seconds >= REST:
            self.service.clock.now += min(seconds, 60.0)
        await asyncio.sleep(0)

    def start(self) -> asyncio.Task[None]:
        """Start the source."""
        self.source = asyncio.ensure_future(
            run(
                self.queue,
                self.options,
                clock=self.service.clock,
                pause=self.pause,
                environ={},
                connect=self.service.connect,
                rng=lambda: 0.5,
                threads=False,
            )
        )
        return self.source

    async def take(self, count: int) -> list[Event]:
        """Take events out of the queue, as the rule set does."""
        for _number in range(count):
            self.events.append(await asyncio.wait_for(self.queue.queue.get(), PATIENCE))
        return self.events

    async def until(self, condition: t.Callable[[], t.Any]) -> None:
        """Wait until something is so."""

        async def wait() -> None:
            while not condition():
                await asyncio.sleep(0)

        await asyncio.wait_for(wait(), PATIENCE)

    async def cancel(self) -> None:
        """End the source as ansible-rulebook does."""
        assert self.source is not None
        self.source.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(self.source, PATIENCE)

    @property
    def ids(self) -> list[str]:
        """The tasks of the events."""
        return [event["task"]["id"] for event in self.events]


@pytest.fixture
def service(clock: FakeClock) -> FakeServices:
    """Return the service."""
    return FakeServices(clock)


def undelivered(path: Path) -> list[str]:
    """Return the tasks whose events a file says are to be delivered."""
    state = State(str(path), SCOPE)
    state.close()
    return list(state.outbox)


def done(path: Path) -> list[str]:
    """Return the tasks whose events a file says were delivered."""
    state = State(str(path), SCOPE)
    state.close()
    return sorted(state.done)


def test_events_come_in_the_order_in_which_tasks_end_and_the_source_goes_on(service: FakeServices) -> None:
    service.tasks = {"b": FakeTask(ends=10), "a": FakeTask(ends=40), "c": FakeTask(ends=200, fails=("X", "no"))}
    bench = SourceRun(service, task_ids=["a", "b", "c"])

    async def scenario() -> None:
        bench.start()
        await bench.take(3)
        await bench.until(lambda: service.age > 5000)
        assert not t.cast("asyncio.Task[None]", bench.source).done()
        await bench.cancel()

    asyncio.run(scenario())
    assert bench.ids == ["b", "a", "c"]
    assert [event["task"]["state"] for event in bench.events] == ["success", "success", "failed"]
    assert len({event["meta"]["uuid"] for event in bench.events}) == 3


def test_a_source_that_is_to_end_does_so_after_the_last_event_was_taken(service: FakeServices, tmp_path: Path) -> None:
    service.tasks = {"a": FakeTask(ends=10), "b": FakeTask(ends=20)}
    path = tmp_path / "state"
    bench = SourceRun(service, task_ids=["a", "b"], on_done="end", state_file=str(path))

    async def scenario() -> None:
        source = bench.start()
        await bench.take(2)
        await asyncio.wait_for(source, PATIENCE)

    asyncio.run(scenario())
    assert bench.ids == ["a", "b"]
    assert done(path) == ["a", "b"]
    assert service.age < 40


def test_without_tasks_that_are_new_a_source_that_is_to_end_ends_at_once(service: FakeServices, tmp_path: Path) -> None:
    service.tasks = {"a": FakeTask(ends=0)}
    options = {"task_ids": ["a"], "on_done": "end", "state_file": str(tmp_path / "state")}

    async def scenario() -> None:
        first = SourceRun(service, **options)
        source = first.start()
        await first.take(1)
        await asyncio.wait_for(source, PATIENCE)
        service.asked.clear()
        second = SourceRun(service, **options)
        await asyncio.wait_for(second.start(), PATIENCE)
        assert second.queue.queue.empty()

    asyncio.run(scenario())
    assert service.asked == []


def test_an_event_that_waits_in_the_queue_when_the_source_is_cancelled_is_not_lost(
    service: FakeServices, tmp_path: Path
) -> None:
    # ansible-rulebook leaves events in the queue while too many actions run, and drops the queue at its end.
    service.tasks = {name: FakeTask(ends=5) for name in "abc"}
    path = tmp_path / "state"
    options = {"task_ids": list("abc"), "state_file": str(path)}

    async def first() -> list[str]:
        bench = SourceRun(service, **options)
        bench.start()
        await bench.take(1)
        await bench.until(lambda: bench.queue.queue.full() and service.age > 500)
        await bench.cancel()
        return bench.ids

    async def second() -> list[str]:
        bench = SourceRun(service, **options)
        bench.start()
        await bench.take(2)
        await bench.until(lambda: bench.queue.queue.empty() and service.age > 3000)
        await bench.cancel()
        return bench.ids

    taken = asyncio.run(first())
    assert sorted(undelivered(path) + taken) == ["a", "b", "c"]
    assert done(path) == taken
    taken += asyncio.run(second())
    assert sorted(taken) == ["a", "b", "c"]
    assert done(path) == ["a", "b", "c"]


def test_polls_go_on_while_rules_are_slow(service: FakeServices) -> None:
    service.tasks = {"a": FakeTask(ends=5), "b": FakeTask(ends=5), "c": FakeTask(begins=300, ends=310)}
    bench = SourceRun(service, discover=True)

    async def scenario() -> None:
        bench.start()
        await bench.until(lambda: service.age > 1000)
        assert bench.queue.queue.full()
        await bench.take(3)
        await bench.cancel()

    asyncio.run(scenario())
    assert sorted(bench.ids) == ["a", "b", "c"]


def test_with_feedback_an_event_is_delivered_when_the_rule_engine_confirms_it(
    service: FakeServices, tmp_path: Path
) -> None:
    service.tasks = {"a": FakeTask(ends=5), "b": FakeTask(ends=5), "c": FakeTask(ends=600)}
    path = tmp_path / "state"

    async def scenario() -> None:
        feedback: asyncio.Queue[Event] = asyncio.Queue()
        options = {"task_ids": list("abc"), "state_file": str(path), "on_done": "end"}
        bench = SourceRun(service, feedback=True, eda_feedback_queue=feedback, **options)
        source = bench.start()
        await bench.take(1)
        await bench.until(lambda: service.age > 500)
        # Taken, but not confirmed: it does not count as delivered, and the next one is not sent.
        assert '"done"' not in path.read_text()
        assert bench.queue.queue.empty()
        await feedback.put({"meta": {"uuid": "of another event"}})
        await feedback.put(bench.events[0])
        for number in (1, 2):
            await bench.take(1)
            await feedback.put(bench.events[number])
        await asyncio.wait_for(source, PATIENCE)
        assert sorted(bench.ids) == ["a", "b", "c"]

    asyncio.run(scenario())
    assert done(path) == ["a", "b", "c"]


def test_without_a_confirmation_in_time_the_source_ends_and_the_event_is_not_lost(
    service: FakeServices, tmp_path: Path
) -> None:
    service.tasks = {"a": FakeTask(ends=5)}
    path = tmp_path / "state"

    class NoFeedback:
        async def get(self) -> Event:
            raise asyncio.TimeoutError

    async def scenario() -> None:
        bench = SourceRun(service, task_ids=["a"], state_file=str(path), feedback=True, eda_feedback_queue=NoFeedback())
        source = bench.start()
        await bench.take(1)
        with pytest.raises(CloudTaskError, match="did not confirm the event of task a within 120 s"):
            await asyncio.wait_for(source, PATIENCE)

    asyncio.run(scenario())
    assert undelivered(path) == ["a"]


def test_rejected_credentials_end_the_source_with_an_event_and_an_error(
    service: FakeServices, caplog: pytest.LogCaptureFixture
) -> None:
    service.tasks = {"a": FakeTask(ends=5), "b": FakeTask()}
    bench = SourceRun(service, task_ids=["a", "b"], batch="never")

    async def scenario() -> None:
        source = bench.start()
        await bench.take(1)
        service.trouble["task"] = error_response(401, "APIGW.0301", f"wrong signature with {SECRET_KEY}")
        await bench.take(1)
        with pytest.raises(CloudTaskError, match="Not authorized") as raised:
            await asyncio.wait_for(source, PATIENCE)
        assert SECRET_KEY not in str(raised.value)

    asyncio.run(scenario())
    error = bench.events[1]
    assert error["service"] == "kps"
    assert error["scope"] == {"region": REGION, "project": PROJECT}
    assert error["error"]["http_status"] == 401
    assert error["error"]["error_code"] == "APIGW.0301"
    assert "task" not in error
    assert SECRET_KEY not in json.dumps(bench.events) + caplog.text
    assert "Not authorized" in caplog.text


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"task_ids": []}, "Nothing to watch"),
        ({"task_ids": ["a"], "hwc_region": None}, "hwc_region"),
        ({"task_ids": ["a"], "hwc_secret_key": None}, "hwc_secret_key"),
        ({"task_ids": ["a"], "colour": "red"}, r"Unsupported parameters for \(cloud_task\) event source: colour"),
        ({"task_ids": ["a"], "state_file": "/no/such/place/state"}, "there is no directory /no/such/place"),
        ({"task_ids": ["{{ ids }}"]}, "{ { ids }}' is not a valid id"),
    ],
)
def test_a_source_that_cannot_begin_says_so_with_an_event_and_an_error(
    service: FakeServices, options: dict[str, t.Any], part: str
) -> None:
    bench = SourceRun(service, **options)

    async def scenario() -> None:
        source = bench.start()
        await bench.take(1)
        with pytest.raises(CloudTaskError, match=part.replace("{", r"\{")):
            await asyncio.wait_for(source, PATIENCE)

    asyncio.run(scenario())
    assert part.replace("\\", "") in bench.events[0]["error"]["msg"]
    assert service.asked == []
    assert SECRET_KEY not in json.dumps(bench.events)


def test_an_unexpected_error_ends_the_source_with_an_event(service: FakeServices) -> None:
    def break_down() -> None:
        raise ZeroDivisionError(f"with {SECRET_KEY}")

    service.on_request = break_down
    bench = SourceRun(service, discover=True)

    async def scenario() -> None:
        source = bench.start()
        await bench.take(1)
        with pytest.raises(CloudTaskError):
            await asyncio.wait_for(source, PATIENCE)

    asyncio.run(scenario())
    assert bench.events[0]["error"]["msg"].startswith("Unexpected ZeroDivisionError: with ********. This is a bug")


def test_a_source_that_is_cancelled_in_the_middle_of_a_request_does_not_wait_for_it(
    service: FakeServices, tmp_path: Path
) -> None:
    service.tasks = {"a": FakeTask()}
    asked, hang = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        hang.wait(PATIENCE)

    service.on_request = wait
    path = tmp_path / "state"
    bench = SourceRun(service, task_ids=["a"], state_file=str(path))

    async def scenario() -> None:
        bench.start()
        await bench.until(asked.is_set)
        await bench.cancel()
        # The file is free for the next run, in the same process too.
        State(str(path), SCOPE).close()

    asyncio.run(scenario())
    hang.set()
    assert bench.events == []


def test_the_event_loop_is_not_blocked_by_a_request(service: FakeServices) -> None:
    service.tasks = {"a": FakeTask(ends=0)}
    asked, hang = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        assert hang.wait(PATIENCE)

    service.on_request = wait
    bench = SourceRun(service, task_ids=["a"])

    async def scenario() -> None:
        bench.start()
        await bench.until(asked.is_set)
        # Only the loop can let the request go on.
        await asyncio.sleep(0)
        hang.set()
        await bench.take(1)
        await bench.cancel()

    asyncio.run(scenario())


def test_an_event_that_a_filter_changes_is_kept_as_it_was(service: FakeServices, tmp_path: Path) -> None:
    service.tasks = {"a": FakeTask(ends=5)}
    path = tmp_path / "state"
    bench = SourceRun(service, task_ids=["a"], state_file=str(path))

    async def scenario() -> None:
        bench.start()
        await bench.until(bench.queue.queue.full)
        await bench.cancel()

    asyncio.run(scenario())
    assert "received_at" not in path.read_text()
    assert undelivered(path) == ["a"]


def test_a_queue_that_does_not_tell_whether_it_is_empty_counts_as_read(service: FakeServices, tmp_path: Path) -> None:
    service.tasks = {"a": FakeTask(ends=5)}
    path = tmp_path / "state"
    events: list[Event] = []

    class Plain:
        async def put(self, event: Event) -> None:
            events.append(event)

    async def scenario() -> None:
        bench = SourceRun(service, Plain(), task_ids=["a"], on_done="end", state_file=str(path))
        await asyncio.wait_for(bench.start(), PATIENCE)

    asyncio.run(scenario())
    assert [event["task"]["id"] for event in events] == ["a"]
    assert done(path) == ["a"]


def test_warnings_are_logged_without_secrets(service: FakeServices, caplog: pytest.LogCaptureFixture) -> None:
    service.tasks = {"a": FakeTask(ends=30)}
    service.trouble["running"] = error_response(503, "X", f"later, {SECRET_KEY}\x1b[31m")
    bench = SourceRun(service, discover=True, task_ids=["a"])

    async def scenario() -> None:
        with caplog.at_level(logging.WARNING):
            bench.start()
            await bench.take(1)
            await bench.cancel()

    asyncio.run(scenario())
    assert "will be tried again" in caplog.text
    assert SECRET_KEY not in caplog.text
    assert "\x1b" not in caplog.text
