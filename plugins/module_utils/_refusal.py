# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service said when it refused: told in one way for both clouds."""

from __future__ import annotations

import email.utils
import math
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Response


class Refusal(t.NamedTuple):
    """What a service said when it refused.

    Attributes:
        status: HTTP status.
        code: The service's code, or the HTTP status as text when the body has none.
        text: The service's words, or the beginning of the body.
        request_id: The request id.
        details: Further fields for a person.
    """

    status: int
    code: str
    text: str
    request_id: str | None
    details: t.Mapping[str, t.Any]

    def message(self, operation: str, origin: str) -> str:
        """One sentence for a person: what was asked, of whom, and what came back."""
        code = "" if self.code == str(self.status) else f" {self.code}"
        text = self.text if self.text.endswith((".", "!", "?")) else f"{self.text}."
        message = f"{operation} at {origin} was refused with HTTP {self.status}{code}: {text}"
        return f"{message[:-1]}, request id {self.request_id}." if self.request_id else message

    def facts(self) -> dict[str, t.Any]:
        """The arguments of a ``ServiceError``."""
        return {
            "http_status": self.status,
            "code": self.code,
            "text": self.text,
            "request_id": self.request_id,
            "details": self.details,
        }


def clock_ahead(response: Response, now: float) -> float | None:
    """Seconds by which the service's clock is ahead of ours, by the Date header of its answer.

    Args:
        response: The answer.
        now: Our time when it came in, in seconds since the epoch.
    """
    date = _http_date(response.headers.get("date", ""))
    return None if date is None else date - now


def skew_hint(ahead: float, limit: int) -> str:
    """What to do about a clock that is wrong by more than ``limit`` seconds."""
    return (
        f"The clock of this machine is {abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} the service's, and at "
        f"most {limit} s are accepted. Set the clock (NTP)."
    )


def retry_after(headers: t.Mapping[str, str], now: float) -> float | None:
    """Seconds that a ``Retry-After`` header asks to wait, whether it holds seconds or a date (RFC 9110, 10.2.3).

    Args:
        headers: Lower-case header names.
        now: Seconds since the epoch, for a date when the answer itself has no ``Date``.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    until, date = _http_date(value), _http_date(headers.get("date", ""))
    return None if until is None else max(0.0, until - (now if date is None else date))


def _http_date(text: str) -> float | None:
    """Seconds since the epoch of a date in a header; None when it is none."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
