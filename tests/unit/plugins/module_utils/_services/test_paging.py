# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages: where a list ends, what is counted once, and what is said about rows that are left unread."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import BrokenAnswerError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services._paging import (
    Listing,
    Page,
    read_pages,
    rows_of,
)


class Service:
    """A list of so many numbered rows, whose markers are the numbers of rows.

    Args:
        count: Rows there are.
        trailing: Whether the last page still names a next one, which is empty.
        pages: Scripted pages in place of all that, by marker.
    """

    def __init__(self, count: int = 0, *, trailing: bool = False, pages: dict[t.Any, Page] | None = None) -> None:
        self.asked: list[tuple[t.Any, int]] = []
        self._count = count
        self._trailing = trailing
        self._pages = pages

    def read(self, marker: t.Any, limit: int) -> Page:
        """As a service's own function."""
        self.asked.append((marker, limit))
        assert len(self.asked) < 100, "endless"
        if self._pages is not None:
            return self._pages[marker]
        start = marker or 0
        rows = [{"id": number} for number in range(start, min(start + limit, self._count))]
        end = start + len(rows)
        more = end < self._count or (self._trailing and rows)
        return Page(rows, end if more else None)

    def ids(self, **bounds: t.Any) -> tuple[list[int], t.Any]:
        """The ids of a listing, and what it says of the rest."""
        listing = read_pages(self.read, "id", **{"limit": 10, **bounds})
        return [row["id"] for row in listing.rows], listing.next


@pytest.mark.parametrize("trailing", [False, True])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 21])
def test_all_pages_are_read(count: int, trailing: bool) -> None:
    service = Service(count, trailing=trailing)
    assert service.ids() == (list(range(count)), None)
    pages = max(1, -(-count // 10))
    # A marker that points to an empty page costs one more.
    assert len(service.asked) == pages + (1 if trailing and count else 0)


@pytest.mark.parametrize("trailing", [False, True])
@pytest.mark.parametrize(
    ("count", "most", "read", "following"),
    [
        (0, 5, 0, None),
        (4, 5, 4, None),
        (5, 5, 5, None),
        (6, 5, 5, 5),
        (30, 25, 25, 25),
        (25, 25, 25, None),
        (10, 10, 10, None),
    ],
)
def test_a_bound_is_kept_and_the_rest_is_told(
    count: int, most: int, read: int, following: int | None, trailing: bool
) -> None:
    service = Service(count, trailing=trailing)
    assert service.ids(most=most) == (list(range(read)), following)
    assert all(limit <= 10 for _marker, limit in service.asked)


def test_reading_goes_on_where_it_was_cut() -> None:
    service = Service(25)
    first, marker = service.ids(most=12)
    second, end = service.ids(marker=marker)
    assert (first + second, end) == (list(range(25)), None)


def rows(*ids: int) -> list[dict[str, t.Any]]:
    return [{"id": number} for number in ids]


#: Pages by marker, and the ids that come of them.
ODD: dict[str, tuple[dict[t.Any, Page], list[int]]] = {
    "an empty page that names another": ({None: Page(rows(1), "a"), "a": Page([], "b")}, [1]),
    "the same marker again": ({None: Page(rows(1), "a"), "a": Page(rows(2), "a")}, [1, 2]),
    "a circle of markers": ({None: Page(rows(1), "a"), "a": Page(rows(2), "b"), "b": Page(rows(3), "a")}, [1, 2, 3]),
    "new markers and old rows": ({None: Page(rows(1), "a"), "a": Page(rows(1), "b")}, [1]),
    "rows that slid to the next page": ({None: Page(rows(1, 2), "a"), "a": Page(rows(2, 3), None)}, [1, 2, 3]),
}


@pytest.mark.parametrize(("pages", "ids"), list(ODD.values()), ids=list(ODD))
def test_a_list_ends(pages: dict[t.Any, Page], ids: list[int]) -> None:
    assert Service(pages=pages).ids() == (ids, None)


def test_a_marker_to_begin_with_counts_as_read() -> None:
    assert Service(pages={"a": Page(rows(1), "a")}).ids(marker="a") == ([1], None)


def test_more_rows_than_were_asked_for_are_cut() -> None:
    pages = {None: Page(rows(1, 2, 3), "a"), "a": Page(rows(4), None)}
    assert Service(pages=pages).ids(most=2) == ([1, 2], "a")


def test_what_a_module_says_about_the_rest() -> None:
    assert Listing([]).result() == {"truncated": False}
    assert Listing([], 7).result() == {"truncated": True, "next_marker": "7"}


@pytest.mark.parametrize("value", [None, {}, "x", [1], [{}, None]])
def test_rows_must_be_a_list_of_objects(value: t.Any) -> None:
    with pytest.raises(BrokenAnswerError, match="X was answered with 'tasks' that is no list of objects"):
        rows_of({"tasks": value}, "tasks", "X")
    assert rows_of({"tasks": [{}]}, "tasks", "X") == [{}]
