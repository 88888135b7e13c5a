# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process of a wait: a clock that notices when its output is closed, and signals that end it."""

from __future__ import annotations

import os
import signal
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _waiting
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import interrupts
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Interrupted, Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps import KpsBackend
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    KPS,
    PROJECT,
    FakeClock,
    FakeTransport,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import ModuleRun

TASK = f"GET {KPS}/v3/{PROJECT}/tasks/t-1"
GOES_ON = {"task_id": "t-1", "task_status": "RUNNING_RESET"}


@pytest.fixture
def pipe() -> t.Iterator[tuple[t.IO[bytes], t.IO[bytes]]]:
    """Yield the two ends of a pipe: the one to read, and the one to write."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "wb") as writer:
        yield reader, writer


def test_a_clock_sleeps_while_the_output_is_open(clock: FakeClock, pipe: tuple[t.IO[bytes], t.IO[bytes]]) -> None:
    attentive = _waiting.OutputClock(clock, pipe[1])
    attentive.sleep(2.5)
    attentive.sleep(0.0)
    attentive.sleep(-1.0)
    assert clock.sleeps == [1.0, 1.0, 0.5]
    assert attentive.monotonic() == clock.monotonic()
    assert attentive.time() == clock.time()


def test_a_clock_wakes_up_when_the_output_is_closed(clock: FakeClock, pipe: tuple[t.IO[bytes], t.IO[bytes]]) -> None:
    attentive = _waiting.OutputClock(clock, pipe[1])
    attentive.sleep(1.0)
    pipe[0].close()
    with pytest.raises(Interrupted, match="a closed output"):
        attentive.sleep(3600.0)
    assert clock.sleeps == [1.0]


class Leaving(FakeClock):
    """A clock during whose first second the reader goes away."""

    def __init__(self, reader: t.IO[bytes]) -> None:
        super().__init__()
        self._reader = reader

    def sleep(self, seconds: float) -> None:
        """Implement ``Clock``."""
        super().sleep(seconds)
        self._reader.close()


def test_a_clock_wakes_up_within_a_second(pipe: tuple[t.IO[bytes], t.IO[bytes]]) -> None:
    clock = Leaving(pipe[0])
    with pytest.raises(Interrupted):
        _waiting.OutputClock(clock, pipe[1]).sleep(3600.0)
    assert clock.sleeps == [1.0]


class NoFile:
    """An output that is not a file."""

    def fileno(self) -> int:
        """Implement a stream."""
        raise OSError("no file")


def test_an_output_that_is_not_a_file_counts_as_open(clock: FakeClock) -> None:
    _waiting.OutputClock(clock, t.cast("t.IO[bytes]", NoFile())).sleep(1.5)
    assert clock.sleeps == [1.0, 0.5]


def handlers() -> list[t.Any]:
    return [signal.getsignal(getattr(signal, name)) for name in interrupts.SIGNALS]


class Signalling(FakeClock):
    """A clock during whose first pause the process gets a signal."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def sleep(self, seconds: float) -> None:
        """Implement ``Clock``."""
        signal.raise_signal(self._number)


class SignallingTwice(Signalling):
    """The same, and another signal so many seconds later, while the result is put together."""

    def __init__(self, number: int, later: float = 0.0) -> None:
        super().__init__(number)
        self._later = later
        self._asked: int | None = None

    def sleep(self, seconds: float) -> None:
        """Implement ``Clock``."""
        self._asked = 0
        super().sleep(seconds)

    def monotonic(self) -> float:
        """Implement ``Clock``."""
        if self._asked is not None:
            self._asked += 1
            # The first to ask is the handler of the first signal.
            if self._asked == 2:
                self.now += self._later
                signal.raise_signal(self._number)
        return super().monotonic()


@pytest.mark.parametrize("clock", [Signalling, SignallingTwice])
@pytest.mark.parametrize("name", interrupts.SIGNALS)
def test_signals_end_a_wait_with_a_result(name: str, clock: type[Signalling]) -> None:
    cloud = FakeTransport(clock(getattr(signal, name)))
    cloud.expect(TASK, GOES_ON)
    run = ModuleRun(cloud, {})
    before = handlers()
    with interrupts.signals_interrupt(run.context.clock):
        outcome = _waiting.wait_for(run.context, KpsBackend(run.context.client(HWC)), ["t-1"], Options(jitter=0))
    assert outcome.failed
    assert f"Interrupted by {name}" in outcome.msg
    assert (outcome.result["interrupted"], outcome.result["pending_ids"]) == (True, ["t-1"])
    assert "resume" in outcome.result
    assert handlers() == before
    cloud.check()


def test_signals_are_ignored_for_a_few_seconds_only() -> None:
    cloud = FakeTransport(SignallingTwice(signal.SIGTERM, interrupts.IGNORE_SIGNALS))
    cloud.expect(TASK, GOES_ON)
    run = ModuleRun(cloud, {})
    before = handlers()
    with pytest.raises(Interrupted), interrupts.signals_interrupt(run.context.clock):
        _waiting.wait_for(run.context, KpsBackend(run.context.client(HWC)), ["t-1"], Options(jitter=0))
    assert handlers() == before
