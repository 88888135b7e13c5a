# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a wait, and those that are rejected before anything is sent."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options


def test_options_are_picked_from_the_parameters_of_a_module() -> None:
    params = {"timeout": 60.0, "rate": None, "success_statuses": ["SYNCING"], "mode": None, "hwc_region": "cn-north-4"}
    options = Options.from_params(params)
    assert options == Options(timeout=60.0, success_statuses=("SYNCING",))


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("timeout", -1, "timeout must be a number of at least 0, not -1"),
        ("timeout", float("nan"), "timeout must be a number of at least 0, not nan"),
        ("timeout", float("inf"), "timeout must be a number of at least 0, not inf"),
        ("delay", -0.5, "delay must be a number of at least 0, not -0.5"),
        ("interval", 0, "interval must be a number of at least 0.01, not 0"),
        ("max_interval", 0, "max_interval must be a number of at least 0.01, not 0"),
        ("backoff", -1, "backoff must be a number of at least 0"),
        ("jitter", 0.95, "jitter must be at most 0.9, not 0.95"),
        ("confirm", 0, "confirm must be a number of at least 1, not 0"),
        ("not_found_grace", -1, "not_found_grace must be"),
        ("error_grace", -1, "error_grace must be"),
        ("request_timeout", 0, "request_timeout must be a number of at least 0.1, not 0"),
        ("rate", 0, "rate must be a number of at least 0.001, not 0"),
        ("mode", "first", "mode must be one of all, fail_fast, any, not 'first'"),
        ("on_timeout", "ignore", "on_timeout must be one of fail, return"),
        ("on_failure", "ignore", "on_failure must be one of fail, return"),
        ("unknown_status", "success", "unknown_status must be one of wait, fail, not 'success'"),
        ("batch", "always", "batch must be one of auto, never"),
        ("success_statuses", ("",), "success_statuses must list raw statuses of the service, not ''"),
        ("failure_statuses", (None,), "failure_statuses must list raw statuses of the service, not None"),
    ],
)
def test_an_option_out_of_bounds_is_rejected(option: str, value: t.Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Options(**{option: value})
    assert message in str(caught.value)


@pytest.mark.parametrize("edge", [{"timeout": 0}, {"interval": 0.01}, {"jitter": 0.9}, {"rate": 1e6}, {"backoff": 0}])
def test_the_bounds_themselves_are_allowed(edge: dict[str, t.Any]) -> None:
    assert Options(**edge)


def test_a_status_in_two_lists_is_rejected() -> None:
    with pytest.raises(UsageError, match="'SYNCING' is in success_statuses and in pending_statuses"):
        Options(success_statuses=("SYNCING",), pending_statuses=("OTHER", "SYNCING"))
    assert Options(success_statuses=("SYNCING", "SYNCING")).states_by_status() == {"SYNCING": "success"}


def test_check_mode_is_one_poll_at_once() -> None:
    options = Options(timeout=60, delay=5, mode="any").for_check_mode()
    assert (options.timeout, options.delay, options.on_timeout, options.mode) == (0, 0, "return", "any")
