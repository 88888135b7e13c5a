# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Error responses of services, in one form for both clouds."""

from __future__ import annotations

import email.utils
import json
import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    ForbiddenError,
    RejectedError,
    ServiceError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, WORD, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import FOREIGN, Response

#: Seconds of the longest wait that a service may ask for: a day, the longest window of API Gateway. More is a mistake.
LONGEST_WAIT = 86400.0
#: Seconds that the clock of a service may be away from ours; a Date that is further off is not a clock's.
FARTHEST_CLOCK = 10 * 365 * 86400.0

#: Characters of a detail of an error, written as JSON, that a result holds at most.
DETAIL = 16384

#: Values that a field for an error code has when nothing failed, in lower case.
GOOD_CODES = ("0", "200", "ok", "success")

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?\Z")


class ErrorResponse(t.NamedTuple):
    """An error that a service returned.

    Attributes:
        status: HTTP status.
        code: The service's error code, or the HTTP status as text when the body has none.
        text: The service's message, or the beginning of the body.
        request_id: The request id.
        details: Further fields for a person.
        envelope: The name of the object that held code and message; empty when they were not in one of their own.
        known: Whether the body has one of the forms in which services report errors.
    """

    status: int
    code: str
    text: str
    request_id: str | None
    details: t.Mapping[str, t.Any]
    envelope: str = ""
    known: bool = True

    def message(self, operation: str, origin: str) -> str:
        """Return one sentence for a person: which operation, at which service, and what came back."""
        code = "" if self.code == str(self.status) else f" {printable(self.code, WORD)}"
        text = printable(self.text, SENTENCE)
        text = text if text.endswith((".", "!", "?")) else f"{text}."
        message = f"{operation} at {origin} returned HTTP {self.status}{code}: {text}"
        return f"{message[:-1]}, request id {printable(self.request_id, WORD)}." if self.request_id else message

    def fields(self) -> dict[str, t.Any]:
        """Return the arguments of a ``ServiceError``."""
        return {
            "http_status": self.status,
            "code": self.code,
            "text": self.text,
            "request_id": self.request_id,
            "details": {name: _bounded(value) for name, value in self.details.items()},
        }

    def foreign_error(self, message: str) -> ServiceError | None:
        """Return the error for a rejection that may not be the service's own; None when it is, or says that it will pass.

        Args:
            message: The sentence about it.
        """
        if self.known or self.status >= 500 or self.status in (401, 408):
            return None
        kind = ForbiddenError if self.status == 403 else RejectedError
        error = kind(message, hint=FOREIGN, **self.fields())
        error.foreign = True
        return error


def clock_ahead(response: Response, now: float) -> float | None:
    """Return the seconds by which the service's clock is ahead of ours, by the Date header; None when it has no usable one.

    Args:
        response: The response.
        now: Our time when it came in, in seconds since the epoch.
    """
    date = _http_date(response.headers.get("date", ""))
    return date - now if date is not None and abs(date - now) < FARTHEST_CLOCK else None


def skew_hint(ahead: float, limit: int) -> str:
    """Return the advice for a clock that is wrong by more than ``limit`` seconds."""
    return (
        f"The clock of this machine is {abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} the service's, and at "
        f"most {limit} s are accepted. Set the clock (NTP)."
    )


def retry_after(headers: t.Mapping[str, str], now: float) -> float | None:
    """Return the seconds of a ``Retry-After`` header, whether it holds seconds or a date (RFC 9110, 10.2.3).

    None when there is no such header, or its value is not usable.

    Args:
        headers: Lower-case header names.
        now: Seconds since the epoch, for a date when the response itself has no ``Date``.
    """
    value = headers.get("retry-after", "").strip()
    if _SECONDS.match(value):
        return sensible_wait(float(value))
    until, date = _http_date(value), _http_date(headers.get("date", ""))
    return None if until is None else sensible_wait(max(0.0, until - (now if date is None else date)))


def sensible_wait(seconds: float) -> float | None:
    """Return the seconds that a service asks to wait; None when they are more than ``LONGEST_WAIT``."""
    return seconds if seconds <= LONGEST_WAIT else None


def code_of(value: t.Any) -> str | None:
    """Return an error code as text; some services write it as a number. None when it is neither."""
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "" else None


def _bounded(detail: t.Any) -> t.Any:
    """Return a detail of an error; of one that is too long, the beginning of its text."""
    text = detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)
    return detail if len(text) <= DETAIL else f"{text[:DETAIL]}..."


def _http_date(text: str) -> float | None:
    """Return the seconds since the epoch of a date in a header; None when it is not a date."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError, OSError):
        return None
