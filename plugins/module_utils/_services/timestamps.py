# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Timestamps of responses in a readable form."""

from __future__ import annotations

import datetime
import typing as t


def from_milliseconds(value: t.Any) -> str | None:
    """Return milliseconds since the epoch, a number or its digits, as ISO 8601 in UTC; None for another value."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        moment = datetime.datetime.fromtimestamp(int(value) / 1000, tz=datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
