# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields of responses: each reader with every type that JSON has, and bodies that are almost JSON."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import fields as reading
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import InvalidResponseError

ASKED = "X ShowThing"
MISSING = object()
#: Every kind of value, by what a message calls it.
VALUES: dict[str, list[t.Any]] = {
    "missing": [MISSING],
    "null": [None],
    "true or false": [True, False],
    "a number": [0, 7, -1, 1.5, 10**30],
    "a text": ["x", "a b", "\u202e"],
    "an empty text": [""],
    "a list": [[], ["x"], [{}, None]],
    "an object": [{}, {"a": 1}],
}
FieldReader = t.Callable[[dict[str, t.Any], str, object], t.Any]
#: The readers, with what they take beside their own type, and what they make of it.
READERS: dict[str, tuple[FieldReader, str, dict[str, t.Any]]] = {
    "text": (reading.text, "a text", {}),
    "text that may be empty": (lambda *args: reading.text(*args, may_be_empty=True), "a text", {"an empty text": ""}),
    "text or none": (reading.text_or_none, "a text", {"missing": None, "null": None, "an empty text": None}),
    "flag": (reading.flag, "true or false", {"missing": False, "null": False}),
    "mapping": (reading.mapping, "an object", {}),
    "mapping or empty": (reading.mapping_or_empty, "an object", {"missing": {}, "null": {}}),
}
CELLS = [(reader, kind, value) for reader in READERS for kind, values in VALUES.items() for value in values]


@pytest.mark.parametrize(("name", "kind", "value"), CELLS, ids=[f"{r}: {k} {v!r:.9}" for r, k, v in CELLS])
def test_a_reader_takes_its_own_type_and_names_every_other(name: str, kind: str, value: t.Any) -> None:
    read, own, others = READERS[name]
    row = {} if value is MISSING else {"field": value}
    if kind in others:
        assert read(row, "field", ASKED) == others[kind]
    elif kind == own:
        assert read(row, "field", ASKED) == value
    else:
        with pytest.raises(InvalidResponseError) as caught:
            read(row, "field", ASKED)
        expected = {
            "missing": f"{ASKED} was answered without 'field'.",
            "an empty text": f"{ASKED} was answered with an empty 'field'."
            if name == "text"
            else f"{ASKED} was answered with 'field' that is a text, not {own}.",
        }
        assert str(caught.value) == expected.get(kind, f"{ASKED} was answered with 'field' that is {kind}, not {own}.")


@pytest.mark.parametrize(
    ("row", "rows"), [({}, []), ({"field": None}, []), ({"field": []}, []), ({"field": [{"a": 1}, {}]}, [{"a": 1}, {}])]
)
def test_rows_are_a_list_of_objects_or_nothing(row: dict[str, t.Any], rows: t.Any) -> None:
    assert reading.rows(row, "field", ASKED) == rows
    if isinstance(row.get("field"), list):
        assert reading.given_rows(row, "field", ASKED) == rows
    else:
        with pytest.raises(InvalidResponseError, match="'field'"):
            reading.given_rows(row, "field", ASKED)


@pytest.mark.parametrize("value", [0, False, "", "x", {}, [1], [{}, None], [[]], ["x"]], ids=repr)
def test_a_list_of_anything_else_is_rejected(value: t.Any) -> None:
    for read in (reading.rows, reading.given_rows):
        with pytest.raises(InvalidResponseError, match=f"{ASKED} was answered with 'field' that"):
            read({"field": value}, "field", ASKED)


@pytest.mark.parametrize("value", ["a", "A-b_c.d", "x" * 64, "..."])
def test_an_id_may_be_a_part_of_a_url(value: str) -> None:
    assert reading.identifier({"id": value}, "id", ASKED) == value


@pytest.mark.parametrize("value", [None, 7, "", ".", "..", "a/b", "a b", "a\n", "%2e", "x" * 65, "é", ["a"]], ids=repr)
def test_a_value_that_changes_the_url_is_not_an_id(value: t.Any) -> None:
    with pytest.raises(InvalidResponseError):
        reading.identifier({"id": value}, "id", ASKED)


def test_a_response_without_an_id_is_about_the_requested_object() -> None:
    reading.same_id({"id": "a"}, "id", ASKED, "a")
    reading.same_id({}, "id", ASKED, "a")
    for other in (None, "", "A", 1, ["a"]):
        with pytest.raises(InvalidResponseError):
            reading.same_id({"id": other}, "id", ASKED, "a")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x", "x"),
        ("", None),
        (None, None),
        (True, None),
        ([], None),
        ({}, None),
        (404, "404"),
        (0, "0"),
        (1.5, "1.5"),
        (["ä", 1], '["ä", 1]'),
        ({"en": "no"}, '{"en": "no"}'),
    ],
)
def test_texts_and_numbers_can_be_displayed(value: t.Any, words: str | None) -> None:
    assert reading.display_text({"field": value}, "field") == words
    assert reading.display_text({}, "field") is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0.0),
        (7, 7.0),
        (1.5, 1.5),
        (None, None),
        (True, None),
        ("7", None),
        (-1, None),
        ([7], None),
        ({}, None),
        (10**400, None),
        (1e300, None),
    ],
)
def test_a_number_is_kept_or_becomes_none(value: t.Any, number: float | None) -> None:
    assert reading.number({"field": value}, "field") == number
    assert reading.number({}, "field") is None


def test_json_is_read() -> None:
    document = {"a": [1, -2.5, "ä", None, True], "b": {"c": {}}}
    assert reading.parse_json(json.dumps(document).encode()) == document
    assert reading.parse_json(b"\xef\xbb\xbf" + json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 41 + b"}",
        b'{"a": -' + b"9" * 100000 + b"}",
        b"[" * 51 + b"]" * 51,
        b"[" * 100000,
        b"[" * 100000 + b"]" * 100000,
        b'{"a":' * 100000 + b"1" + b"}" * 100000,
        b'{"a": "\xff"}',
        b"<html>",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_a_body_that_is_not_json_is_a_value_error(data: bytes) -> None:
    try:
        value = reading.parse_json(data)
    except ValueError:
        return
    pytest.fail(f"read as {value!r:.50}")


def test_a_usual_depth_of_nesting_is_read() -> None:
    assert reading.parse_json(b"[" * 50 + b"]" * 50)


def test_half_a_character_is_replaced() -> None:
    value = reading.parse_json(b'{"\\ud800": ["a\\uDFFFb", {"c": "\\ud83d\\ude00"}], "n": 1}')
    assert value == {"\ufffd": ["a\ufffdb", {"c": "\U0001f600"}], "n": 1}
    json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("text", ['{"a\ud800": ["\udc00b"]}', '{"a\\ud800": ["\\uDC00b"]}'], ids=["plain", "escaped"])
def test_half_a_character_is_replaced_in_every_encoding(text: str, encoding: str) -> None:
    assert reading.parse_json(text.encode(encoding, "surrogatepass")) == {"a\ufffd": ["\ufffdb"]}
