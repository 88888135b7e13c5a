# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readers of the fields of a response. Any field may be missing, null or of another type than the API promises.

Two kinds of readers. ``text``, ``identifier``, ``mapping`` and ``rows`` read what something depends on: the wrong type is a
``InvalidResponseError``, which names field and type and never quotes a value, for that may be a secret. ``display_text`` and ``number``
read what is only told to people or only helps: the wrong type is as good as nothing.
"""

from __future__ import annotations

import json
import math
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import InvalidResponseError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import is_id

Row = dict[str, t.Any]
Fields = t.Mapping[str, t.Any]

#: How deeply a response may be nested; those of the APIs are by less than ten.
MAX_DEPTH = 50
#: Digits of the longest number; what has more is not a number of these APIs, and takes long to read.
MAX_DIGITS = 40

#: What a body has that holds surrogates: their escapes, their first byte in UTF-8, and that it is in UTF-16 or UTF-32.
_SURROGATES = (b"\\ud", b"\xed", b"\0")

_KINDS: tuple[tuple[t.Any, str], ...] = (
    (bool, "true or false"),
    (str, "a text"),
    ((int, float), "a number"),
    (dict, "an object"),
    (list, "a list"),
)


def parse_json(data: bytes) -> t.Any:
    """Return the JSON value of a body.

    Raises:
        ValueError: It is not valid JSON, nested too deeply, or has a number that no computer can hold.
    """
    try:
        value = json.loads(data, parse_constant=_no_number, parse_float=_finite, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _check_depth(value)
    # Half a surrogate pair is valid JSON, and cannot be written to any stream. json.loads lets it pass as bytes, too.
    lower = data.lower()
    return _without_surrogates(value) if any(sign in lower for sign in _SURROGATES) else value


def _no_number(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("a number is too long")
    return int(text)


def _check_depth(value: t.Any) -> None:
    level = [value]
    for _depth in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise ValueError("nested too deeply")


def _without_surrogates(value: t.Any) -> t.Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value


def text(row: Fields, key: str, asked: object, *, may_be_empty: bool = False) -> str:
    """Return a text that must be there.

    Args:
        row: The response, or a part of it.
        key: The name of the field.
        asked: What was asked, such as ``KPS ListKeypairTask``, for the message.
        may_be_empty: Whether no characters are a text, too.

    Raises:
        InvalidResponseError: It is not.
    """
    value = row.get(key)
    if not isinstance(value, str):
        raise _broken(row, key, asked, "a text")
    if not value and not may_be_empty:
        raise InvalidResponseError(f"{asked} was answered with an empty {key!r}.")
    return value


def text_or_none(row: Fields, key: str, asked: object) -> str | None:
    """Return a text that may be missing, null or empty: None then.

    Raises:
        InvalidResponseError: It is something else.
    """
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise _broken(row, key, asked, "a text")
    return value or None


def identifier(row: Fields, key: str, asked: object) -> str:
    """Return an id that must be there, and may become a part of a URL.

    Raises:
        InvalidResponseError: It is not, or has characters that would make the URL another one.
    """
    value = text(row, key, asked)
    if not is_id(value):
        raise InvalidResponseError(f"{asked} was answered with {key!r} that is not an id.")
    return value


def same_id(row: Fields, key: str, asked: object, wanted: str) -> None:
    """Check that a response is about what was asked about; a response that does not say is about that.

    Raises:
        InvalidResponseError: It names something else, or names it by something that is not a text.
    """
    if key in row and text(row, key, asked) != wanted:
        raise InvalidResponseError(f"{asked} was asked about {wanted} and answered about something else.")


def flag(row: Fields, key: str, asked: object) -> bool:
    """Return true or false; missing and null are false.

    Raises:
        InvalidResponseError: It is something else, such as a text, of which each would be true.
    """
    value = row.get(key)
    if value is not None and not isinstance(value, bool):
        raise _broken(row, key, asked, "true or false")
    return bool(value)


def mapping(row: Fields, key: str, asked: object) -> Row:
    """Return an object that must be there.

    Raises:
        InvalidResponseError: It is not.
    """
    value = row.get(key)
    if not isinstance(value, dict):
        raise _broken(row, key, asked, "an object")
    return value


def mapping_or_empty(row: Fields, key: str, asked: object) -> Row:
    """Return an object that may be missing or null: empty then.

    Raises:
        InvalidResponseError: It is something else.
    """
    return {} if row.get(key) is None else mapping(row, key, asked)


def rows(row: Fields, key: str, asked: object) -> list[Row]:
    """Return a list of objects. One that is missing or null is empty: that is how some services write an empty list.

    Raises:
        InvalidResponseError: It is something else.
    """
    return [] if row.get(key) is None else given_rows(row, key, asked)


def given_rows(row: Fields, key: str, asked: object) -> list[Row]:
    """Return a list of objects that must be there, because something follows from its being empty.

    Raises:
        InvalidResponseError: It is not.
    """
    value = row.get(key)
    if not isinstance(value, list):
        raise _broken(row, key, asked, "a list")
    for item in value:
        if not isinstance(item, dict):
            raise InvalidResponseError(
                f"{asked} was answered with {key!r} that holds {kind_of(item)} in the place of an object."
            )
    return value


def display_text(row: Fields, key: str) -> str | None:
    """Return what a service says to people, such as a code or a reason: a text, or the text of what stands in its place.

    Missing, null, empty: None.
    """
    value = row.get(key)
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def number(row: Fields, key: str) -> float | None:
    """Return a number of 0 or more that only helps; None when it is anything else."""
    value = row.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and _sane(value) else None


def _sane(value: float) -> bool:
    # Beyond this, arithmetic with seconds, rows and percents makes no sense, and an int may not fit into a float.
    return 0 <= value <= 1e15


def kind_of(value: t.Any) -> str:
    """Return the name of a JSON value's type, for people."""
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "null")


def _broken(row: Fields, key: str, asked: object, wanted: str) -> InvalidResponseError:
    if key not in row:
        return InvalidResponseError(f"{asked} was answered without {key!r}.")
    return InvalidResponseError(f"{asked} was answered with {key!r} that is {kind_of(row[key])}, not {wanted}.")
