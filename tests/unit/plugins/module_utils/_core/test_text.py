# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what is shown of text from outside."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SUCCESS_RESET", "SUCCESS_RESET"),
        ("密钥对不存在，请检查\u3000名称", "密钥对不存在，请检查\u3000名称"),
        ("Schlüssel fehlt: über 20\u00a0%", "Schlüssel fehlt: über 20\u00a0%"),
        ("all is well\nfatal: [web1]: FAILED!", r"all is well\nfatal: [web1]: FAILED!"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x1b[2J\x1b[1;1Hok", r"\x1b[2J\x1b[1;1Hok"),
        ("\x9b31mred", r"\x9b31mred"),
        ("\x00\x07\x08\x7f", r"\x00\x07\x08\x7f"),
        ("abc\u202edef\u2066ghi\u200f", r"abc\u202edef\u2066ghi\u200f"),
        ("one\u2028two\u2029three\x85four", r"one\u2028two\u2029three\x85four"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("\udcff", r"\udcff"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("", ""),
        (None, "None"),
        (5, "5"),
        (["a\n"], r"['a\n']"),
    ],
)
def test_invisible_characters_are_shown_as_escapes(text: object, shown: str) -> None:
    assert printable(text) == shown
    assert printable(printable(text)) == shown


def test_no_control_or_format_character_passes() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    kinds = {unicodedata.category(char) for char in printable(everything)}
    assert not kinds & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    # What is shown can be written to any UTF-8 stream.
    printable(everything).encode()


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcdef..."),
        ("\x1b" * 3, 12, r"\x1b\x1b\x1b"),
        ("\x1b" * 4, 12, r"\x1b\x1b\x1b..."),
        ("x" * 10_000_000, 5, "xxxxx..."),
        ("", 5, ""),
    ],
)
def test_the_bound_holds_for_what_is_shown(text: str, most: int, shown: str) -> None:
    assert printable(text, most) == shown
