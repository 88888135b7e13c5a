# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists that come in pages: read to their end, or as far as the user wants."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import BrokenAnswerError

Row = dict[str, t.Any]


class Page(t.NamedTuple):
    """One page, as a service returned it: its rows, and where the next one begins (None: this was the last)."""

    rows: list[Row]
    next: t.Any


class Listing(t.NamedTuple):
    """What was read.

    Attributes:
        rows: The rows, each id once.
        next: Where the rows begin that were left unread, when there are any.
    """

    rows: list[Row]
    next: t.Any = None

    def result(self) -> dict[str, t.Any]:
        """How a module tells that rows were left unread."""
        return {"truncated": True, "next_marker": str(self.next)} if self.next is not None else {"truncated": False}


def read_pages(
    read: t.Callable[[t.Any, int], Page],
    key: str,
    *,
    limit: int,
    marker: t.Any = None,
    most: int | None = None,
) -> Listing:
    """Read pages until one is empty or brings nothing new, names no next one, or names one that was read already.

    Args:
        read: Reads the page at a marker, with at most so many rows.
        key: The field by which rows are told apart.
        limit: Rows of a page.
        marker: Where to begin.
        most: Rows to read at most. Whether there are more is asked of the service, for its markers do not tell.
    """
    rows: dict[t.Any, Row] = {}
    passed = [marker]
    while most is None or len(rows) < most:
        page = read(marker, limit if most is None else min(limit, most - len(rows)))
        before = len(rows)
        for row in page.rows:
            rows.setdefault(row.get(key), row)
        if len(rows) == before or page.next is None or page.next in passed:
            return Listing(list(rows.values())[:most])
        marker = page.next
        passed.append(marker)
    more = any(row.get(key) not in rows for row in read(marker, 1).rows)
    return Listing(list(rows.values())[:most], marker if more else None)


def rows_of(document: t.Mapping[str, t.Any], key: str, operation: t.Any) -> list[Row]:
    """The list of objects under a key of an answer.

    Args:
        document: The answer.
        key: The key.
        operation: What was asked, for the message.

    Raises:
        BrokenAnswerError: It is something else.
    """
    rows = document.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BrokenAnswerError(
            f"{operation} was answered with {key!r} that is no list of objects: {str(rows)[:200]!r}."
        )
    return rows
