# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times of responses."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.timestamps import from_milliseconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1523342130000", "2018-04-10T06:35:30Z"),
        (1523342130999, "2018-04-10T06:35:30Z"),
        (0, "1970-01-01T00:00:00Z"),
        (None, None),
        ("", None),
        ("soon", None),
        ([], None),
        ("9" * 30, None),
    ],
    ids=repr,
)
def test_milliseconds_since_the_epoch_are_made_readable(value: t.Any, text: str | None) -> None:
    assert from_milliseconds(value) == text
