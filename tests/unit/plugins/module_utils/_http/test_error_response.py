# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what a response says about time: when to try again, and whose clock is wrong."""

from __future__ import annotations

import time

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.error_response import (
    clock_ahead,
    retry_after,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import EPOCH


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after": "86401"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "Fri, 02 Jan 2099 03:05:05 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        # 2026-01-02T03:04:05Z is EPOCH.
        ({"retry-after": "Fri, 02 Jan 2026 03:05:05 GMT"}, 60.0),
        ({"retry-after": "Fri, 02 Jan 2026 03:00:00 GMT"}, 0.0),
        # Our clock may be wrong; the service's date is what the service compares with.
        ({"retry-after": "Fri, 02 Jan 2026 10:00:30 GMT", "date": "Fri, 02 Jan 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 02 Jan 2026 03:05:05 GMT", "date": "yesterday"}, 60.0),
        ({"retry-after": "Fri, 99 Jan 2026 03:05:05 GMT"}, None),
    ],
)
def test_retry_after_holds_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, EPOCH) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"date": "Fri, 02 Jan 2026 03:05:05 GMT"}, 60.0),
        ({"date": "Fri, 02 Jan 2026 03:04:00 GMT"}, -5.0),
        ({"date": "Fri, 02 Jan 2099 03:05:05 GMT"}, None),
        ({"date": "yesterday"}, None),
        ({}, None),
    ],
)
def test_the_date_of_a_response_says_how_far_the_clock_is_ahead(headers: dict[str, str], seconds: float | None) -> None:
    assert clock_ahead(Response(200, headers, b""), EPOCH) == seconds


def test_an_impossible_date_is_not_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without a zone (-0000) it is taken for local time, in which it lies in the year 10000.
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert clock_ahead(Response(200, {"date": "Fri, 31 Dec 9999 23:59:59 -0000"}, b""), EPOCH) is None
    finally:
        monkeypatch.undo()
        time.tzset()
