# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator's time: planned events happen in order and at their own time, independent of requests."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from emulator import Emulator, ManualClock, SystemClock
from emulator.clock import Timeline, iso


@pytest.fixture
def timeline(clock: ManualClock) -> Timeline:
    """Return a future with nothing in it."""
    return Timeline(clock, threading.RLock())


def test_events_happen_at_their_own_time(timeline: Timeline, clock: ManualClock) -> None:
    began, seen = clock.now, []

    def first() -> None:
        seen.append(("first", timeline.now() - began))
        timeline.after(2, lambda: seen.append(("planned by the first", timeline.now() - began)))

    timeline.after(5, lambda: seen.append(("second", timeline.now() - began)))
    timeline.after(1, first)
    timeline.after(5, lambda: seen.append(("third", timeline.now() - began)))
    timeline.after(50, lambda: seen.append(("too late", 50)))
    clock.advance(0.9)
    timeline.run_due()
    assert seen == []
    clock.advance(20)
    timeline.run_due()
    assert [name for name, _when in seen] == ["first", "planned by the first", "second", "third"]
    assert [when for _name, when in seen] == pytest.approx([1, 3, 5, 5])
    assert timeline.now() == clock.now


def test_cancelled_events_do_not_happen(timeline: Timeline, clock: ManualClock) -> None:
    seen: list[str] = []
    event = timeline.after(1, lambda: seen.append("never"))
    timeline.after(1, lambda: seen.append("kept"))
    event.cancelled = True
    clock.advance(1)
    timeline.run_due()
    assert seen == ["kept"]


def test_an_event_that_fails_leaves_the_rest_alone(timeline: Timeline, clock: ManualClock) -> None:
    seen: list[str] = []

    def fail() -> None:
        raise RuntimeError("no")

    timeline.after(1, fail)
    timeline.after(2, lambda: seen.append("next"))
    clock.advance(2)
    with pytest.raises(RuntimeError):
        timeline.run_due()
    assert timeline.now() == clock.now
    timeline.run_due()
    assert seen == ["next"]


def test_time_that_runs_by_itself() -> None:
    timeline = Timeline(SystemClock(), threading.RLock())
    thread = threading.Thread(target=timeline.follow)
    thread.start()
    happened = threading.Event()
    began = time.monotonic()
    timeline.after(0.05, happened.set)
    assert happened.wait(10)
    assert time.monotonic() - began >= 0.049
    timeline.close()
    thread.join(10)
    assert not thread.is_alive()


def test_events_of_the_emulator_run_without_requests(state_dir: Path) -> None:
    with Emulator(1, fleet=False, job_seconds=0.05, state_dir=state_dir) as emulator:
        server = emulator.huawei.ecs.find("server-01")
        with emulator.world.lock:
            emulator.huawei.ecs.order("os-stop", [server])
        deadline = time.monotonic() + 10
        while server.status != "SHUTOFF" and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.status == "SHUTOFF"


def test_a_service_may_be_ahead() -> None:
    assert SystemClock(3600).time() - time.time() == pytest.approx(3600, abs=5)


def test_timestamps_have_iso_format() -> None:
    assert iso(1_767_323_045.5) == "2026-01-02T03:04:05Z"
    assert iso(1_767_323_045.5, fraction=True) == "2026-01-02T03:04:05.500000Z"
