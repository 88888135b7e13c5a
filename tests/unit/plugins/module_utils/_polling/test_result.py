# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results that AWX can show: what is left out of large ones, in which order, and that no state gets lost."""

from __future__ import annotations

import typing as t
import uuid

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import TaskStatus
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import (
    MAX_SIZE,
    Options,
    Outcome,
    every_task,
    shorten,
    size_of,
    wait,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._polling.scripted import (
    ScriptedBackend,
    ScriptedClock,
    StatusTimeline,
)

#: What AWX shows of the result of a task, in bytes.
AWX_LIMIT = 700_000
STEPS = ["success_details", "details", "success_rows", "pending_rows"]
ENDS: dict[str, StatusTimeline] = {
    "success": ((0.0, "READY_X"), (20.0, "RUNNING_X"), (60.0, "SUCCESS_X")),
    "failed": ((0.0, "RUNNING_X"), (60.0, "FAILED_X")),
    "pending": ((0.0, "RUNNING_X"),),
}


class Wordy(ScriptedBackend):
    """A service that says as much about a task as KPS does."""

    def read(self, task_id: str, timeout: float) -> TaskStatus:
        """Implement ``TaskBackend``."""
        status = super().read(task_id, timeout)
        data = {"task_id": task_id, "server_id": str(uuid.UUID(int=7)), "task_status": status.status}
        return status._replace(data=data)


def wait_for(**counts: int) -> tuple[Outcome, dict[str, str]]:
    """Wait for so many tasks of each end; the outcome, and the end of each task."""
    ends = {str(uuid.uuid4()): end for end, count in counts.items() for _number in range(count)}
    clock = ScriptedClock()
    cloud = Wordy(clock, {task_id: ENDS[end] for task_id, end in ends.items()})
    options = Options(
        timeout=1500.0, interval=600.0, rate=1000.0, batch="never", on_timeout="return", on_failure="return"
    )
    return wait(cloud, list(ends), options, clock=clock, rng=lambda: 0.5), ends


def test_a_small_result_is_left_as_it_is() -> None:
    outcome, _ends = wait_for(success=2, failed=1)
    assert shorten(outcome.result, MAX_SIZE) == outcome.result
    assert "shortened" not in outcome.result
    assert shorten(outcome.result, 0) == outcome.result


def test_the_steps_leave_out_what_is_least_missed() -> None:
    outcome, ends = wait_for(success=3, failed=2, pending=1)
    whole = outcome.result
    seen: dict[str, t.Any] = {}
    for limit in range(size_of(whole), 0, -10):
        shorter = shorten(whole, limit)
        assert {name: shorter[name] for name in whole if name not in ("tasks", "resume")} == {
            name: whole[name] for name in whole if name not in ("tasks", "resume")
        }
        seen.setdefault(",".join(shorter.get("shortened", [])), shorter)
        # Whatever is left out, the state of every task can be told.
        assert {row["id"]: row["state"] for row in every_task(shorter, ends)} == ends
    assert list(seen) == [",".join(STEPS[:count]) for count in range(5)]
    rows = {
        steps: {end: [row for row in result["tasks"] if row["state"] == end] for end in ENDS}
        for steps, result in seen.items()
    }
    first, second, third, fourth = (rows[",".join(STEPS[:count])] for count in range(1, 5))
    assert ["data" in row for end in ENDS for row in first[end]] == [False] * 3 + [True] * 3
    assert ["history" in row for end in ENDS for row in second[end]] == [False] * 6
    assert [len(third[end]) for end in ENDS] == [0, 2, 1]
    assert [len(fourth[end]) for end in ENDS] == [0, 2, 0]


def test_the_only_task_keeps_its_key() -> None:
    outcome, _ends = wait_for(success=1)
    shorter = shorten(outcome.result, 1)
    assert (shorter["tasks"], shorter["task"]["state"]) == ([], "success")


@pytest.mark.parametrize("counts", [{"success": 1}, {"success": 3, "failed": 2, "pending": 2}], ids=["done", "mixed"])
def test_a_wait_goes_on_with_the_token_of_a_shortened_result(counts: dict[str, int]) -> None:
    outcome, ends = wait_for(**counts)
    shorter = shorten(outcome.result, 1)
    if "resume" not in shorter:
        assert set(ends.values()) == {"success"}
        return
    clock = ScriptedClock()
    cloud = ScriptedBackend(clock, dict.fromkeys(shorter["pending_ids"], ((0.0, "SUCCESS_X"),)))
    options = Options(on_failure="return", batch="never")
    again = wait(cloud, [], options, clock=clock, rng=lambda: 0.5, resume=shorter["resume"])
    # Only what went on was polled, and no failure was forgotten.
    assert {call.about for call in cloud.sent("read")} == set(shorter["pending_ids"])
    expected = {task_id: "success" if end == "pending" else end for task_id, end in ends.items() if end != "success"}
    assert {row["id"]: row["state"] for row in again.result["tasks"]} == expected


@pytest.mark.parametrize(
    ("counts", "steps"),
    [
        ({"success": 1_000}, []),
        ({"success": 10_000}, STEPS[:3]),
        ({"success": 9_900, "failed": 100}, STEPS[:3]),
        ({"success": 7_400, "failed": 100, "pending": 2_500}, STEPS),
        ({"pending": 5_000}, STEPS),
    ],
    ids=["1,000", "10,000", "10,000 with failures", "10,000 with 2,500 pending", "5,000 pending"],
)
def test_awx_shows_the_result_of_thousands_of_tasks(counts: dict[str, int], steps: list[str]) -> None:
    outcome, ends = wait_for(**counts)
    given = size_of(list(ends))
    shorter = shorten(outcome.result, MAX_SIZE - given)
    # Ansible may show the options beside the result.
    assert size_of(shorter) + given < AWX_LIMIT
    assert shorter.get("shortened", []) == steps
    assert shorter["summary"] == outcome.result["summary"]
    assert [row["state"] for row in shorter["tasks"]].count("failed") == counts.get("failed", 0)
