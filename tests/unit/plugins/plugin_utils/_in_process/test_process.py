# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the process of a module in the worker: environment, directory, streams, and an end with the controller."""

from __future__ import annotations

import os
import sys
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import SystemClock
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.process import (
    CHECK_INTERVAL,
    WorkerClock,
    module_process,
)


def test_environment_and_directory_are_set_and_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWC_REGION", "before")
    monkeypatch.delenv("HWC_ENDPOINT", raising=False)
    place = os.getcwd()
    with module_process({"HWC_REGION": "inside", "HWC_ENDPOINT": "new"}, str(tmp_path)):
        assert (os.environ["HWC_REGION"], os.environ["HWC_ENDPOINT"]) == ("inside", "new")
        assert Path.cwd() == tmp_path
        os.environ["HWC_LEFT"] = "over"
    assert os.environ["HWC_REGION"] == "before"
    assert not {"HWC_ENDPOINT", "HWC_LEFT"} & os.environ.keys()
    assert os.getcwd() == place


def test_the_process_is_restored_after_an_exception_of_any_kind(tmp_path: Path) -> None:
    class Alarm(BaseException):
        """The error that the keyword timeout raises."""

    place, streams = os.getcwd(), (sys.stdout, sys.stderr)
    with pytest.raises(Alarm), module_process({"HWC_LEFT": "over"}, str(tmp_path)):
        raise Alarm
    assert (os.getcwd(), sys.stdout, sys.stderr) == (place, *streams)
    assert "HWC_LEFT" not in os.environ


def test_a_directory_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    place = os.getcwd()
    with pytest.raises(FileNotFoundError), module_process({"HWC_LEFT": "over"}, str(tmp_path / "gone")):
        pass
    assert os.getcwd() == place
    assert "HWC_LEFT" not in os.environ


def test_output_of_libraries_is_dropped(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with module_process({}, str(tmp_path)):
        thread = threading.Thread(target=lambda: print("from a thread", file=sys.stderr))
        thread.start()
        thread.join()
        print("from the main thread")
    assert capfd.readouterr() == ("", "")


def bytes_of_orphan(act: t.Callable[[WorkerClock], t.Any]) -> int:
    """Let a process whose parent is gone use the clock; return 1 when it went on afterwards, 0 when it ended."""
    read, write = os.pipe()
    ready, begin = os.pipe()
    controller = os.fork()
    if controller == 0:
        if os.fork() == 0:
            clock = WorkerClock()
            parent = os.getppid()
            os.write(begin, b"x")
            while os.getppid() == parent:
                os.sched_yield()
            # The exit status of an orphan is lost, but its end closes the pipe: a byte means that it went on.
            act(clock)
            os.write(write, b"x")
            os._exit(0)
        os.read(ready, 1)
        os._exit(0)
    os.waitpid(controller, 0)
    os.close(write)
    written = os.read(read, 1)
    for end in (read, ready, begin):
        os.close(end)
    return len(written)


@pytest.mark.parametrize("act", [lambda clock: clock.monotonic(), lambda clock: clock.sleep(0)], ids=["read", "sleep"])
def test_an_orphaned_worker_ends_when_it_next_reads_the_time(act: t.Any) -> None:
    assert bytes_of_orphan(act) == 0


def test_an_orphaned_worker_that_never_reads_the_time_goes_on() -> None:
    assert bytes_of_orphan(lambda _clock: None) == 1


def test_the_clock_goes_on_while_the_controller_lives() -> None:
    clock = WorkerClock()
    before = clock.monotonic()
    clock.sleep(-1)
    clock.sleep(0.01)
    assert clock.monotonic() - before >= 0.01


def test_a_long_pause_is_interrupted_to_check_for_the_controller(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(SystemClock, "monotonic", lambda _clock: 1000.0 + sum(pauses))
    monkeypatch.setattr(SystemClock, "sleep", lambda _clock, seconds: pauses.append(seconds))
    clock = WorkerClock()
    clock.sleep(30.5)
    assert sum(pauses) == 30.5
    assert max(pauses) <= CHECK_INTERVAL
