# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The events that rules get: the same id each time, no secrets, and text that does nothing."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.secrets import Secrets
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.events import (
    error_event,
    event_id,
    inert,
    task_event,
)

SCOPE = {"region": "cn-north-4", "project": "p1"}
TASK: dict[str, t.Any] = {"id": "t-1", "state": "failed", "reason": {"code": "X", "message": "no"}, "data": {}}


def test_the_event_of_a_task_has_service_scope_and_the_task() -> None:
    event = task_event("kps", SCOPE, TASK, lambda value: value)
    assert event == {
        "service": "kps",
        "scope": SCOPE,
        "task": TASK,
        "meta": {"uuid": event_id("kps", SCOPE, "t-1")},
    }


def test_the_id_of_an_event_depends_on_service_scope_and_task_only() -> None:
    ids = {
        event_id("kps", SCOPE, "t-1"),
        event_id("ecs", SCOPE, "t-1"),
        event_id("kps", {**SCOPE, "project": "p2"}, "t-1"),
        event_id("kps", SCOPE, "t-2"),
    }
    assert len(ids) == 4
    assert event_id("kps", dict(reversed(SCOPE.items())), "t-1") in ids
    first = task_event("kps", SCOPE, TASK, lambda value: value)
    again = task_event("kps", SCOPE, {**TASK, "polls": 7}, lambda value: value)
    assert first["meta"] == again["meta"]


def test_secrets_are_masked_in_names_and_values_at_every_depth() -> None:
    secrets = Secrets(["sk-example-secret"])
    task = {**TASK, "data": {"sk-example-secret": ["echo sk-example-secret", {"deep": "sk%2Dexample%2Dsecret"}]}}
    for event in (
        task_event("kps", SCOPE, task, secrets.mask_all),
        error_event("kps", SCOPE, {"msg": "refused: sk-example-secret", "error_details": task}, secrets.mask_all),
    ):
        shown = json.dumps(event)
        assert "example" not in shown
        assert "********" in shown


@pytest.mark.parametrize("mark", ["{{ 7 * 7 }}", "{% if x %}", "{# x #}", "{{{ x }}}", "a{{b", "#jinja2: {{ x }}"])
def test_no_text_begins_a_template(mark: str) -> None:
    event = json.dumps(task_event("kps", SCOPE, {**TASK, "data": {mark: [mark, {"deep": mark}]}}, lambda value: value))
    # JSON has braces of its own: only those within texts count.
    texts = [event[1:].replace('{"', "")]
    assert not [text for text in texts for begin in ("{{", "{%", "{#") if begin in text]


def test_the_rest_of_a_text_with_a_template_stays() -> None:
    assert inert("server {{ name }} of {zone}") == "server { { name }} of {zone}"


def test_characters_that_cannot_be_seen_are_shown_as_escapes() -> None:
    assert inert({"a": ["\x1b[31mred\nline\u202e", 1, None, True, 0.5]}) == {
        "a": ["\\x1b[31mred\\nline\\u202e", 1, None, True, 0.5]
    }


def test_the_event_of_an_error_has_no_task() -> None:
    event = error_event("kps", {}, {"msg": "no", "http_status": 401}, lambda value: value)
    assert event == {"service": "kps", "scope": {}, "error": {"msg": "no", "http_status": 401}}
