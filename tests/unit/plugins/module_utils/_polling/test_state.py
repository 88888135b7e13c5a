# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a wait, and how it is saved between slices and in tokens."""

from __future__ import annotations

import json

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import TaskStatus
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import Scan, WaitState


def some_state() -> WaitState:
    """Return a state in which something has happened in every part."""
    state = WaitState.new(["b", "a", "b"], 10.0, "kps", {"region": "cn-north-4"})
    state.tasks["a"].record_status(TaskStatus("a", "pending", "R", data={"x": 1}), "pending", 1.0, 1, 1)
    state.requests.limiter.throttled(1.0, 0.5, 5.0, 0.5)
    state.requests.counters.calls, state.requests.last_error = 7, "HTTP 503."
    state.requests.read_latency.answered(0.5)
    state.lists.scan, state.lists.failures = Scan(2, cursor=["since", None]), 2
    state.rounds.queue, state.rounds.retries, state.rounds.unknown_statuses = ["b"], {"b": 1}, [None]
    state.rounds.number = 3
    state.warn("careful")
    state.warn("careful")
    return state


def test_a_state_survives_json() -> None:
    state = some_state()
    loaded = WaitState.load(json.loads(json.dumps(state.dump())))
    assert loaded == state
    assert list(loaded.tasks) == ["b", "a"]
    assert loaded.warnings == ["careful"]


def test_a_token_holds_what_a_later_wait_needs_and_no_data() -> None:
    state = some_state()
    token = json.loads(json.dumps(state.token(4.0)))
    later = WaitState.resumed(token, "kps", {"region": "cn-north-4"}, 2.0)
    assert later.tasks["a"].data == {}
    assert later.tasks["a"].history == state.tasks["a"].history
    assert (later.started, later.rounds.due, later.rounds.number) == (4.0, 4.0, 3)
    assert later.requests.counters == state.requests.counters
    limiter = later.requests.limiter
    assert (limiter.gate, limiter.highest_rate, limiter.current_rate(4.0)) == (6.0, 2.0, 2.0)
    assert (later.rounds.queue, later.lists.failures, later.warnings) == (None, 0, [])


def test_a_token_leaves_out_what_has_its_default() -> None:
    token = WaitState.new(["a"], 10.0, "kps", {}).token(0.0)
    assert token["tasks"] == [{"id": "a"}]
    assert "lists" not in token
