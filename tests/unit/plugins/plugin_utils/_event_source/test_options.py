# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the source: the same as those of a wait, and what does not go together."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.modules import wait_for_task
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.options import (
    ARGUMENT_SPEC,
    ERROR_GRACE,
    LISTED,
    Settings,
    utc,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.poller import SOURCE
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.arguments import check_arguments

#: Options of a wait that mean something else for a source, each with what is different.
DIFFERENT: dict[str, dict[str, t.Any]] = {
    "task_ids": {"default": []},
    "error_grace": {"default": ERROR_GRACE},
}


def settings(**options: t.Any) -> Settings:
    """Return the settings behind options, checked as the source does."""
    arguments = check_arguments(SOURCE, "cloud_task", {"service": "kps", **options})
    assert arguments.error is None, arguments.error
    return Settings.from_params(arguments.params)


def test_options_that_a_wait_has_too_are_the_same() -> None:
    wait = wait_for_task.ARGUMENT_SPEC
    shared = set(ARGUMENT_SPEC) & set(wait)
    assert {"service", "task_ids", "interval", "request_timeout", "rate", "confirm"} <= shared
    assert {name: ARGUMENT_SPEC[name] for name in shared} == {
        name: {**wait[name], **DIFFERENT.get(name, {})} for name in shared
    }


def test_the_connection_options_are_those_of_the_modules() -> None:
    own = set(wait_for_task.MODULE.argument_spec) - set(wait_for_task.ARGUMENT_SPEC)
    assert {name: SOURCE.argument_spec[name] for name in own} == {
        name: wait_for_task.MODULE.argument_spec[name] for name in own
    }
    assert set(SOURCE.argument_spec) == own | set(ARGUMENT_SPEC)


def test_texts_of_a_rulebook_become_what_the_options_are() -> None:
    checked = settings(task_ids="a,b,a", interval="0.5", discover="yes", error_grace="60", since="2026-01-02T03:04:05Z")
    assert (checked.ids, checked.discover, checked.since) == (["a", "b"], True, 1767323045.0)
    assert (checked.wait.interval, checked.wait.error_grace) == (0.5, 60.0)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({}, "Nothing to watch"),
        ({"task_ids": ["a/b"]}, "'a/b' is not a valid id"),
        ({"service": "ecs", "discover": True}, "ecs has no list of tasks"),
        ({"discover": True, "on_done": "end"}, "on_done must be wait"),
        ({"task_ids": ["a"], "since": "2026-01-02T03:04:05Z"}, "since must not be given without discover"),
        ({"discover": True, "since": "yesterday"}, "such as 2026-01-02T03:04:05Z, not 'yesterday'"),
        ({"discover": True, "discover_interval": 0.1}, "discover_interval must be a number of at least 1"),
        ({"task_ids": ["a"], "feedback_timeout": 0}, "feedback_timeout must be a number of at least 1"),
        ({"task_ids": ["a"], "interval": 0}, "interval must be a number of at least 0.01"),
        (
            {"task_ids": ["a"], "success_statuses": ["X"], "failure_statuses": ["X"]},
            "'X' is in success_statuses and in failure_statuses",
        ),
    ],
)
def test_wrong_options_are_rejected_with_what_is_right(options: dict[str, t.Any], part: str) -> None:
    with pytest.raises(UsageError, match=part.replace("(", r"\(")):
        settings(**options)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (
            {"service": "cloudsso", "task_ids": ["a"]},
            "service is cloudsso but all of the following are missing: directory_id",
        ),
        ({"service": "nova"}, "value of service must be one of: kps, csms, sms, cloudsso, ecs"),
        ({"task_ids": ["a"], "timeout": 5}, r"Unsupported parameters for \(cloud_task\) module: timeout"),
        ({"task_ids": ["a"], "interval": "soon"}, "'interval' is of type"),
    ],
)
def test_options_are_checked_as_those_of_modules(options: dict[str, t.Any], part: str) -> None:
    error = check_arguments(SOURCE, "cloud_task", {"service": "kps", **options}).error or ""
    assert re.search(part, error), error


def test_discovery_is_for_services_whose_lists_show_all_tasks() -> None:
    assert [settings(service=service, directory_id="d-1", discover=True).discover for service in LISTED] == [True, True]


def test_times_are_written_as_services_write_them() -> None:
    assert utc(1767323045.9) == "2026-01-02T03:04:05Z"
