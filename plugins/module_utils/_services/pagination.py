# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists that come in pages: read to their end, or as far as the user wants, all within the time of one operation."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    CloudError,
    InvalidResponseError,
    RejectedError,
    TransportError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import Row, text
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Budget

#: Pages in a row without a new row, each with a marker of its own, after which the reading of a list fails.
MAX_STALE_PAGES = 10

T = t.TypeVar("T")


class RowPage(t.NamedTuple):
    """One page of a service: its rows, and the marker of the next page (None: this was the last)."""

    rows: list[Row]
    next: t.Any


class Listing(t.NamedTuple):
    """The rows of a list, read to its end or as far as the user wants.

    Attributes:
        rows: The rows, each id once.
        next: The marker of the first row that was left unread, if there is one.
    """

    rows: list[Row]
    next: t.Any = None

    def as_result(self) -> dict[str, t.Any]:
        """Return the return values that tell whether rows were left unread."""
        return {"truncated": True, "next_marker": str(self.next)} if self.next is not None else {"truncated": False}


class PageSize:
    """The number of rows in one page: as many as are documented, until the service rejects that.

    Args:
        size: Rows to ask for.
        default: Rows that the service certainly accepts; None leaves the number to the service.
    """

    def __init__(self, size: int, default: int | None) -> None:
        self.size: int | None = size
        self._default = default

    def read(self, read: t.Callable[[int | None], T]) -> T:
        """Read a page of this size, or once more with the default when the service answers HTTP 400."""
        try:
            return read(self.size)
        except RejectedError as error:
            if error.http_status != 400 or self.size == self._default:
                raise
            self.size = self._default
            return read(self.size)


def read_pages(
    read: t.Callable[[t.Any, int, Budget], RowPage],
    key: str,
    asked: object,
    left: Budget,
    *,
    limit: int,
    marker: t.Any = None,
    most: int | None = None,
    counted: bool = False,
) -> Listing:
    """Read pages until one names no next one, or names one that was read already.

    Args:
        read: Reads the page at a marker, with at most so many rows, within the rest of the time.
        key: The field by which rows are told apart.
        asked: The operation, for messages.
        left: The time for all pages.
        limit: Rows of a page.
        marker: Where to begin.
        most: Rows to read at most. One more page is read to know if there are more, because a marker does not tell.
        counted: Markers are counted here and do not come from the service: a page without new rows is the last.

    Raises:
        InvalidResponseError: ``MAX_STALE_PAGES`` pages in a row brought no new row, and each named another.
        CloudError: A page could not be read, or the time is up. Its ``partial`` is the ``Listing`` of what was read before.
    """
    rows: dict[str, Row] = {}
    passed = {marker}
    stale_pages = 0

    def page_at(marker: t.Any, size: int) -> RowPage:
        try:
            if stale_pages >= MAX_STALE_PAGES:
                raise InvalidResponseError(
                    f"{asked}: {stale_pages} pages in a row brought nothing new, and each named another page."
                )
            if left.without_patience() <= 0 and len(passed) > 1:
                raise TransportError(
                    f"{asked}: the list did not end in time; {len(rows)} rows were read.",
                    possibly_sent=True,
                    hint="Give it more time (hwc_timeout, ali_timeout), or read it in parts where the module can bound it.",
                )
            page = read(marker, size, left)
            for row in page.rows:
                text(row, key, asked)
            return page
        except CloudError as error:
            error.partial = Listing(list(rows.values())[:most], marker) if rows else None
            raise

    while most is None or len(rows) < most:
        page = page_at(marker, limit if most is None else min(limit, most - len(rows)))
        before = len(rows)
        for row in page.rows:
            rows.setdefault(row[key], row)
        stale_pages = 0 if len(rows) > before else stale_pages + 1
        if page.next is None or page.next in passed or (counted and stale_pages):
            return Listing(list(rows.values())[:most])
        marker = page.next
        passed.add(marker)
    more = any(row[key] not in rows for row in page_at(marker, 1).rows)
    return Listing(list(rows.values())[:most], marker if more else None)


def list_result(
    noted: dict[str, t.Any],
    name: str,
    read: t.Callable[[], Listing],
    show: t.Callable[[Row], Row] = dict,
    *,
    bounded: bool = True,
) -> dict[str, t.Any]:
    """Return the result of a module that reads a list.

    Args:
        noted: The return values of every exit; gets the rows that were read when a later page fails.
        name: The return value that holds the rows.
        read: Reads the list.
        show: Adds the state to a row.
        bounded: The module can read a list in parts, and so returns where the rest begins.
    """

    def result(listing: Listing) -> dict[str, t.Any]:
        return {name: [show(row) for row in listing.rows], **(listing.as_result() if bounded else {})}

    try:
        return result(read())
    except CloudError as error:
        if isinstance(error.partial, Listing):
            noted.update(result(error.partial))
        raise
