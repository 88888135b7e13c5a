# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One step after the other of all the work that blocks: tasks are found, polled and noted, over restarts, too."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Interrupted
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.poller import (
    SOURCE,
    SourcePoller,
    StoppableClock,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.arguments import check_arguments
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    FakeClock,
    answer,
    error_response,
    lost,
    nowhere,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._event_source.service import (
    CLOUDSSO_OPTIONS,
    KPS_OPTIONS,
    FakeServices,
    FakeTask,
)

BAD = ("KPS.0003", "no luck")
DAY = 86400.0


class PollerRun:
    """A poller on the scripted services, and what came of its steps."""

    def __init__(self, service: FakeServices, options: t.Mapping[str, t.Any]) -> None:
        self.service = service
        self.states: dict[str, str] = {}
        self.events: list[dict[str, t.Any]] = []
        self.warnings: list[str] = []
        self.failure: dict[str, t.Any] | None = None
        arguments = check_arguments(SOURCE, "cloud_task", options)
        assert arguments.error is None, arguments.error
        context = Context(
            arguments.params,
            check_mode=True,
            on_warning=self.warnings.append,
            on_secret=lambda _secret: None,
            environ={},
            clock=service.clock,
            rng=lambda: 0.5,
            connect=service.connect,
            threads=False,
            own_process=False,
        )
        opened = SOURCE.perform(context)
        if opened.get("failed"):
            raise UsageError(opened["msg"])
        self.poller: SourcePoller = opened["poller"]

    def run(self, until: float, *, deliver: bool = True) -> PollerRun:
        """Take steps until a moment, in seconds since the clock began, and rest between them."""
        while self.service.age < until and self.failure is None:
            work = self.poller.step()
            self.events += work.events
            for event in work.events:
                self.states[event["task"]["id"]] = event["task"]["state"]
                if deliver:
                    self.poller.delivered([event["task"]["id"]])
            self.warnings += work.warnings
            self.failure = work.failure
            self.service.clock.sleep(max(0.0, min(work.rest, until - self.service.age)))
        return self

    @property
    def ids(self) -> list[str]:
        """The tasks of the events, in their order."""
        return [event["task"]["id"] for event in self.events]


@pytest.fixture
def service(clock: FakeClock) -> FakeServices:
    """Return the services."""
    return FakeServices(clock)


def kps(service: FakeServices, **options: t.Any) -> PollerRun:
    """Return a source for Key Pair Service."""
    return PollerRun(service, {**KPS_OPTIONS, **options})


def cloudsso(service: FakeServices, **options: t.Any) -> PollerRun:
    """Return a source for CloudSSO."""
    return PollerRun(service, {**CLOUDSSO_OPTIONS, **options})


def test_named_tasks_are_watched_until_each_has_ended(service: FakeServices) -> None:
    service.tasks = {"a": FakeTask(ends=10), "b": FakeTask(ends=20, fails=BAD)}
    source = kps(service, task_ids=["a", "b", "gone"])
    source.run(5)
    assert not source.poller.done
    source.run(100)
    assert source.states == {"a": "success", "b": "failed", "gone": "missing"}
    assert source.poller.done
    failed = source.events[source.ids.index("b")]
    assert failed["task"]["reason"] == {"code": "KPS.0003", "message": "no luck"}
    assert failed["scope"] == {"region": "cn-north-4", "project": "0123456789abcdef0123456789abcdef"}


def test_an_event_has_the_fields_of_a_task_of_a_wait(service: FakeServices) -> None:
    service.tasks = {"a": FakeTask(ends=0)}
    (event,) = kps(service, task_ids=["a"]).run(5).events
    assert set(event) == {"service", "scope", "task", "meta"}
    assert set(event["task"]) == {
        *("id", "state", "status", "finished", "reason", "progress", "eta", "elapsed", "polls", "last_seen", "history"),
        "data",
    }


def test_all_tasks_that_kps_runs_are_found_whenever_they_begin(service: FakeServices) -> None:
    service.tasks = {
        "first": FakeTask(ends=30),
        "later": FakeTask(begins=40, ends=80),
        "bad": FakeTask(begins=50, ends=85, fails=BAD),
    }
    source = kps(service, discover=True).run(200)
    assert source.states == {"first": "success", "later": "success", "bad": "failed"}


def test_tasks_that_failed_before_the_first_start_raise_no_event(service: FakeServices) -> None:
    service.tasks = {"old": FakeTask(ends=-100, fails=BAD), "new": FakeTask(ends=10, fails=BAD)}
    assert kps(service, discover=True).run(100).states == {"new": "failed"}


def test_a_task_that_fails_between_two_readings_is_found_by_its_record(service: FakeServices) -> None:
    service.tasks = {"short": FakeTask(begins=20, ends=21, fails=BAD), "lost": FakeTask(begins=20, ends=21)}
    assert kps(service, discover=True, discover_interval=50).run(200).states == {"short": "failed"}


def test_since_reports_failures_of_the_past(service: FakeServices) -> None:
    service.tasks = {"older": FakeTask(ends=-200, fails=BAD), "old": FakeTask(ends=-100, fails=BAD)}
    # 100 s before the clock began, and a half.
    source = kps(service, discover=True, since="2026-01-02T03:02:24Z").run(100)
    assert source.states == {"old": "failed"}


def test_the_lists_are_read_at_the_interval_and_tasks_are_polled_beside(service: FakeServices) -> None:
    service.tasks = {"a": FakeTask()}
    kps(service, discover=True, discover_interval=20).run(200)
    assert 9 <= service.asked.count("failed") <= 11
    assert service.asked.count("running") == service.asked.count("failed")
    assert service.asked.count("task a") > 10


def test_all_tasks_of_a_directory_are_found(service: FakeServices) -> None:
    service.tasks = {
        "goes on": FakeTask(begins=-50, ends=30),
        "ended": FakeTask(begins=-100, ends=-50),
        "short": FakeTask(begins=21, ends=22),
        "bad": FakeTask(begins=40, ends=60, fails=("", "quota")),
    }
    service.tasks = {name.replace(" ", "-"): task for name, task in service.tasks.items()}
    source = cloudsso(service, discover=True, discover_interval=20).run(200)
    assert source.states == {"goes-on": "success", "short": "success", "bad": "failed"}
    filters = [asked for asked in service.asked if asked.startswith("ListTasks S")]
    # The first reading looks back a day, the others an hour before the one before.
    assert filters[0] == "ListTasks StartTime ge 2026-01-01T03:04:05Z"
    assert filters[1] == "ListTasks StartTime ge 2026-01-02T02:04:05Z"
    assert filters[2][:-3] == "ListTasks StartTime ge 2026-01-02T02:04:"


def test_since_reports_all_tasks_of_a_directory_that_began_then(service: FakeServices) -> None:
    service.tasks = {"ended": FakeTask(begins=-100, ends=-50), "now": FakeTask(ends=30)}
    source = cloudsso(service, discover=True, since="2026-01-02T03:00:00Z").run(200)
    assert source.states == {"ended": "success", "now": "success"}
    assert service.asked.count("ListTasks StartTime ge 2026-01-02T03:00:00Z") >= 10


def test_the_clock_of_this_machine_does_not_matter_for_a_directory(service: FakeServices) -> None:
    service.clock.now += 7200
    service.clock.time = lambda: 1.6e9 + service.clock.now  # type: ignore[method-assign]
    service.tasks = {"a": FakeTask(ends=7300)}
    assert cloudsso(service, discover=True).run(7400).states == {"a": "success"}


def test_a_gap_that_the_list_does_not_reach_is_reported(service: FakeServices) -> None:
    source = cloudsso(service, discover=True, since="2025-12-01T00:00:00Z").run(10)
    assert source.warnings == [
        "CloudSSO lists tasks of the last seven days only. Those that began between 2025-12-01T00:00:00Z and "
        "2025-12-26T03:05:05Z cannot be discovered."
    ]


def test_named_and_found_tasks_are_one_and_the_same(service: FakeServices) -> None:
    service.tasks = {"a": FakeTask(ends=30), "b": FakeTask(ends=30)}
    source = kps(service, discover=True, task_ids=["a"]).run(100)
    assert sorted(source.ids) == ["a", "b"]


def test_an_id_that_must_not_stand_in_a_request_is_left_out(service: FakeServices) -> None:
    service.trouble["running"] = answer({"total": 1, "tasks": [{"task_id": "../keypairs"}]})
    source = kps(service, discover=True).run(10)
    assert source.warnings == [
        "The service lists a task with the id '../keypairs', which is not valid. It is left out."
    ]
    assert set(service.asked) == {"failed", "running"}


# Restarts


@pytest.mark.parametrize("cut", [1, 11, 21, 31, 41, 61])
@pytest.mark.parametrize("delivered", [True, False])
def test_over_a_restart_at_any_moment_each_task_has_one_event(
    service: FakeServices, tmp_path: Path, cut: int, delivered: bool
) -> None:
    service.tasks = {
        "named": FakeTask(ends=20),
        "found": FakeTask(ends=30),
        "bad": FakeTask(ends=12, fails=BAD),
        "while-down": FakeTask(ends=cut + 25),
        "bad-while-down": FakeTask(begins=cut + 5, ends=cut + 15, fails=BAD),
        "old": FakeTask(ends=-5, fails=BAD),
    }
    options = {"discover": True, "task_ids": ["named"], "state_file": str(tmp_path / "state")}
    first = kps(service, **options).run(cut, deliver=delivered)
    first.poller.close()  # which gives the lock back, as the end of the process does
    service.clock.now += 60
    second = kps(service, **options)
    left = list(second.poller.state.outbox.values())
    assert left == ([] if delivered else first.events)
    second.run(300)
    second.poller.close()
    assert sorted(first.ids + second.ids) == sorted(set(service.tasks) - {"old"})


def test_an_event_that_was_not_delivered_is_there_after_a_restart_with_the_same_id(
    service: FakeServices, tmp_path: Path
) -> None:
    service.tasks = {"a": FakeTask(ends=5)}
    options = {"task_ids": ["a"], "state_file": str(tmp_path / "state")}
    first = kps(service, **options).run(20, deliver=False)
    first.poller.close()
    del service.tasks["a"]  # the service does not know it any more
    second = kps(service, **options)
    assert list(second.poller.state.outbox.values()) == first.events
    second.poller.delivered(["a"])
    second.poller.close()
    third = kps(service, **options).run(100)
    assert third.events == []
    assert third.poller.done
    third.poller.close()


def test_a_directory_is_read_from_where_the_last_run_ended(service: FakeServices, tmp_path: Path) -> None:
    options = {"discover": True, "state_file": str(tmp_path / "state")}
    first = cloudsso(service, **options).run(100)
    first.poller.close()
    service.tasks = {"while-down": FakeTask(begins=200, ends=300)}
    service.clock.now += 3 * DAY
    service.asked.clear()
    second = cloudsso(service, **options).run(service.age + 30)
    assert second.states == {"while-down": "success"}
    assert [asked for asked in service.asked if asked.startswith("ListTasks S")][0].startswith(
        "ListTasks StartTime ge 2026-01-02T02:0"
    )
    second.poller.close()


def test_records_that_stay_for_weeks_are_reported_once(service: FakeServices, tmp_path: Path) -> None:
    service.tasks = {"bad": FakeTask(ends=5, fails=BAD)}
    options = {"discover": True, "state_file": str(tmp_path / "state"), "discover_interval": DAY / 4}
    first = kps(service, **options).run(20 * DAY)
    assert first.ids == ["bad"]
    first.poller.close()
    service.clock.now += DAY
    second = kps(service, **options).run(service.age + 20 * DAY)
    assert second.ids == []
    second.poller.close()


# Trouble


@pytest.mark.parametrize("word", ["failed", "running", "task"])
def test_rejected_credentials_end_the_source_at_once(service: FakeServices, word: str) -> None:
    service.tasks = {"a": FakeTask()}
    service.trouble[word] = error_response(401, "APIGW.0301", "Incorrect IAM authentication information")
    source = kps(service, discover=True).run(100)
    assert source.failure is not None
    assert source.failure["http_status"] == 401
    assert source.failure["error_code"] == "APIGW.0301"
    assert "hwc_secret_key" in source.failure["msg"]
    assert [asked.split()[0] for asked in service.asked].count(word) == 1


def test_a_permission_that_is_missing_ends_the_source(service: FakeServices) -> None:
    service.trouble["running"] = error_response(403, "APIGW.0307", "no permission")
    source = kps(service, discover=True).run(100)
    assert source.failure is not None
    assert source.failure["http_status"] == 403


def test_lists_that_fail_for_a_while_are_read_again_with_one_warning(service: FakeServices) -> None:
    service.tasks = {"a": FakeTask(ends=20)}
    service.trouble["running"] = error_response(503, "APIGW.0500", "later")
    source = kps(service, discover=True, task_ids=["a"]).run(400)
    assert source.states == {"a": "success"}, "named tasks are polled all the same"
    assert len([warning for warning in source.warnings if "will be tried again" in warning]) == 1
    service.tasks["b"] = FakeTask(ends=service.age + 100)
    service.trouble.clear()
    assert source.run(service.age + 300).states == {"a": "success", "b": "success"}
    assert source.failure is None


def test_lists_that_fail_for_too_long_end_the_source(service: FakeServices) -> None:
    service.trouble["running"] = lost()
    source = kps(service, discover=True, error_grace=300).run(2000)
    assert source.failure is not None
    assert 300 <= service.age < 500


def test_a_host_that_does_not_exist_ends_the_source_at_once(service: FakeServices) -> None:
    service.trouble["failed"] = nowhere()
    source = kps(service, discover=True).run(2000)
    assert source.failure is not None
    assert "hwc_region" in source.failure["msg"]
    assert service.age < 100


def test_a_directory_without_a_date_is_a_response_that_cannot_be_used(service: FakeServices) -> None:
    service.trouble["ListTasks"] = answer({"Tasks": []})
    source = cloudsso(service, discover=True, error_grace=60).run(500)
    assert source.failure is not None
    assert "has no Date" in source.failure["msg"]


def test_a_task_that_ended_before_the_source_failed_is_an_event(service: FakeServices) -> None:
    service.tasks = {"a": FakeTask(ends=0), "b": FakeTask()}
    service.trouble["task b"] = error_response(403, "APIGW.0307", "no permission")
    source = kps(service, task_ids=["a", "b"], batch="never").run(100)
    assert source.states == {"a": "success"}
    assert source.failure is not None


def test_the_source_sends_nothing_but_reads(service: FakeServices) -> None:
    service.tasks = {"a": FakeTask(ends=30, fails=BAD)}
    kps(service, discover=True).run(100)
    assert {asked.split()[0] for asked in service.asked} == {"failed", "running", "task"}


def test_a_clock_that_was_stopped_ends_a_sleep_and_every_later_one() -> None:
    fake = FakeClock()
    clock = StoppableClock(fake)
    clock.sleep(3)
    assert (fake.now, clock.monotonic(), clock.time()) == (1003, 1003, fake.time())
    assert max(fake.sleeps) <= 0.5
    clock.stop()
    for seconds in (5, 0):
        with pytest.raises(Interrupted):
            clock.sleep(seconds)
    assert fake.now == 1003
