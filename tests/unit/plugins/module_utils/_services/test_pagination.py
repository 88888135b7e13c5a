# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages: where a list ends, what is counted once, and what is said about rows that are left unread."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    InvalidResponseError,
    RejectedError,
    TransportError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Budget
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.pagination import (
    Listing,
    PageSize,
    RowPage,
    list_result,
    read_pages,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import FakeClock


class NumberedRows:
    """A list of so many numbered rows, whose markers are the numbers of rows.

    Args:
        count: Rows there are.
        trailing: Whether the last page still names a next one, which is empty.
        pages: Scripted pages in place of all that, by marker.
        seconds: Seconds for all of it; a page takes one.
    """

    def __init__(
        self,
        count: int = 0,
        *,
        trailing: bool = False,
        pages: dict[t.Any, RowPage | Exception] | t.Callable[[t.Any], RowPage | Exception] | None = None,
        seconds: float = 1000.0,
    ) -> None:
        self.asked: list[tuple[t.Any, int]] = []
        self.lefts: list[float] = []
        self.seconds = seconds
        self._count = count
        self._trailing = trailing
        self._pages = pages

    def read(self, marker: t.Any, limit: int, left: Budget) -> RowPage:
        """Read a page, as a service's own function does."""
        self.lefts.append(left())
        self.asked.append((marker, limit))
        assert len(self.asked) < 200, "endless"
        if self._pages is not None:
            page = self._pages(marker) if callable(self._pages) else self._pages[marker]
            if isinstance(page, Exception):
                raise page
            return page
        start = marker or 0
        found = rows(*range(start, min(start + limit, self._count)))
        end = start + len(found)
        more = end < self._count or (self._trailing and found)
        return RowPage(found, end if more else None)

    def left(self) -> float:
        """Return the seconds that are left: one less each time a page is read."""
        return max(0.0, self.seconds - len(self.asked))

    #: As of ``Budget``.
    __call__ = without_patience = left

    def listing(self, **bounds: t.Any) -> Listing:
        """Read the list."""
        return read_pages(self.read, "id", "X ListThings", t.cast(Budget, self), **{"limit": 10, **bounds})

    def ids(self, **bounds: t.Any) -> tuple[list[int], t.Any]:
        """Return the ids of a listing, and what it says of the rest."""
        listing = self.listing(**bounds)
        return numbers(listing), listing.next


def numbers(listing: Listing) -> list[int]:
    return [int(row["id"]) for row in listing.rows]


@pytest.mark.parametrize("trailing", [False, True])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 21])
def test_all_pages_are_read(count: int, trailing: bool) -> None:
    service = NumberedRows(count, trailing=trailing)
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
def test_a_limit_is_kept_and_the_marker_of_the_rest_returned(
    count: int, most: int, read: int, following: int | None, trailing: bool
) -> None:
    service = NumberedRows(count, trailing=trailing)
    assert service.ids(most=most) == (list(range(read)), following)
    assert all(limit <= 10 for _marker, limit in service.asked)


def test_reading_goes_on_at_a_marker() -> None:
    service = NumberedRows(25)
    first, marker = service.ids(most=12)
    second, end = service.ids(marker=marker)
    assert (first + second, end) == (list(range(25)), None)


def rows(*ids: int) -> list[dict[str, t.Any]]:
    return [{"id": str(number)} for number in ids]


#: Pages by marker, and the ids that come of them.
ODD: dict[str, tuple[dict[t.Any, RowPage], list[int]]] = {
    "an empty page that names another": (
        {None: RowPage(rows(1), "a"), "a": RowPage([], "b"), "b": RowPage(rows(2), None)},
        [1, 2],
    ),
    "an empty page that names itself": ({None: RowPage(rows(1), "a"), "a": RowPage([], "a")}, [1]),
    "the same marker again": ({None: RowPage(rows(1), "a"), "a": RowPage(rows(2), "a")}, [1, 2]),
    "a circle of markers": (
        {None: RowPage(rows(1), "a"), "a": RowPage(rows(2), "b"), "b": RowPage(rows(3), "a")},
        [1, 2, 3],
    ),
    "new markers and old rows": (
        {None: RowPage(rows(1), "a"), "a": RowPage(rows(1), "b"), "b": RowPage(rows(1, 2), None)},
        [1, 2],
    ),
    "rows that slid to the next page": ({None: RowPage(rows(1, 2), "a"), "a": RowPage(rows(2, 3), None)}, [1, 2, 3]),
}


@pytest.mark.parametrize(("pages", "ids"), list(ODD.values()), ids=list(ODD))
def test_a_list_ends(pages: dict[t.Any, RowPage], ids: list[int]) -> None:
    assert NumberedRows(pages={**pages}).ids() == (ids, None)


def test_counted_markers_end_with_a_page_without_new_rows() -> None:
    pages: dict[t.Any, RowPage | Exception] = {None: RowPage(rows(1, 2), 2), 2: RowPage(rows(1, 2), 4)}
    assert NumberedRows(pages=pages).ids(counted=True) == ([1, 2], None)


def test_pages_without_new_rows_are_given_up() -> None:
    service = NumberedRows(pages=lambda marker: RowPage(rows(7) if marker is None else [], (marker or 0) + 1))
    with pytest.raises(InvalidResponseError, match="X ListThings: 10 pages in a row brought nothing new") as caught:
        service.ids()
    assert numbers(caught.value.partial) == [7]
    assert len(service.asked) == 11


def test_all_pages_share_one_time() -> None:
    service = NumberedRows(pages=lambda marker: RowPage(rows(marker or 0), (marker or 0) + 1), seconds=30.0)
    with pytest.raises(TransportError, match="X ListThings: the list did not end in time; 30 rows were read") as caught:
        service.ids()
    assert service.lefts == [30.0 - number for number in range(30)]
    assert numbers(caught.value.partial) == list(range(30))
    assert caught.value.partial.next == 30


def test_a_page_that_cannot_be_read_keeps_those_before() -> None:
    refused = RejectedError("no", http_status=400)
    service = NumberedRows(pages={None: RowPage(rows(1, 2), "a"), "a": refused})
    noted: dict[str, t.Any] = {"changed": False}
    with pytest.raises(RejectedError):
        list_result(noted, "things", service.listing, lambda row: {**row, "seen": True})
    things = [{"id": "1", "seen": True}, {"id": "2", "seen": True}]
    assert noted == {"changed": False, "things": things, "truncated": True, "next_marker": "a"}


def test_without_a_page_nothing_is_kept() -> None:
    noted: dict[str, t.Any] = {}
    with pytest.raises(RejectedError):
        list_result(noted, "things", NumberedRows(pages={None: RejectedError("no")}).listing)
    assert noted == {}


def test_the_result_of_a_list() -> None:
    assert list_result({}, "things", NumberedRows(2).listing) == {"things": rows(0, 1), "truncated": False}
    assert list_result({}, "things", NumberedRows(1).listing, bounded=False) == {"things": rows(0)}


@pytest.mark.parametrize("value", [None, 7, "", ["t-1"], {}])
def test_each_row_has_an_id(value: t.Any) -> None:
    pages: dict[t.Any, RowPage | Exception] = {
        None: RowPage(rows(1), "a"),
        "a": RowPage([*rows(2), {"id": value}], None),
    }
    with pytest.raises(InvalidResponseError, match="X ListThings was answered with .*'id'") as caught:
        NumberedRows(pages=pages).ids()
    assert numbers(caught.value.partial) == [1]


@pytest.mark.parametrize(("default", "sizes"), [(None, [1000, None, None]), (50, [1000, 50, 50])])
def test_a_rejected_page_size_is_not_requested_again(default: int | None, sizes: list[int | None]) -> None:
    asked: list[int | None] = []

    def read(size: int | None) -> str:
        asked.append(size)
        if size == 1000:
            raise RejectedError("limit is too large", http_status=400)
        return "page"

    page_size = PageSize(1000, default)
    assert [page_size.read(read), page_size.read(read)] == ["page", "page"]
    assert asked == sizes


@pytest.mark.parametrize("error", [RejectedError("no", http_status=404), TransportError("no", possibly_sent=True)])
def test_another_error_is_not_about_the_page_size(error: Exception) -> None:
    def read(_size: int | None) -> t.NoReturn:
        raise error

    with pytest.raises(type(error)):
        PageSize(1000, None).read(read)


def test_a_rejected_default_page_size_is_an_error() -> None:
    asked: list[int | None] = []

    def read(size: int | None) -> t.NoReturn:
        asked.append(size)
        raise RejectedError("no", http_status=400)

    page_size = PageSize(1000, None)
    for _time in range(2):
        with pytest.raises(RejectedError):
            page_size.read(read)
    assert asked == [1000, None, None]


def test_a_marker_to_begin_with_counts_as_read() -> None:
    assert NumberedRows(pages={"a": RowPage(rows(1), "a")}).ids(marker="a") == ([1], None)


def test_more_rows_than_requested_are_cut() -> None:
    pages: dict[t.Any, RowPage | Exception] = {None: RowPage(rows(1, 2, 3), "a"), "a": RowPage(rows(4), None)}
    assert NumberedRows(pages=pages).ids(most=2) == ([1, 2], "a")


def test_the_return_values_about_unread_rows() -> None:
    assert Listing([]).as_result() == {"truncated": False}
    assert Listing([], 7).as_result() == {"truncated": True, "next_marker": "7"}


def test_patience_for_throttling_is_not_for_a_list_without_an_end() -> None:
    clock = FakeClock()
    budget = Budget(clock, 60.0, 1800.0)

    def read(marker: t.Any, _limit: int, _left: Budget) -> RowPage:
        clock.now += 1.0
        if marker == 10:
            clock.sleep(100.0)
            budget.note_throttled(100.0)
        return RowPage(rows(marker or 0), (marker or 0) + 1)

    with pytest.raises(TransportError, match="the list did not end in time; 60 rows were read"):
        read_pages(read, "id", "X ListThings", budget, limit=1)
    assert clock.now == 1160.0
