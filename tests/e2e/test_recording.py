# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recording of a terminal: rows, colors, and when each is seen."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from .recording import Recording, Span, spans, wrap


def test_colors_become_pieces_of_a_line() -> None:
    assert spans("a \x1b[0;32mok\x1b[0m z") == [Span("a ", ""), Span("ok", "g"), Span(" z", "")]


def test_a_line_wraps_at_the_last_column() -> None:
    assert wrap([Span("abcd", "r"), Span("ef", "")], 3) == [[Span("abc", "r")], [Span("d", "r"), Span("ef", "")]]
    assert wrap([], 3) == [[]]


def test_pauses_are_cut_and_the_window_scrolls() -> None:
    now = [0.0]
    recording = Recording("title", columns=10, rows=2, pause=1.0, clock=lambda: now[0])
    for line in ("one", "two <&>", "three"):
        recording.write(line)
        now[0] += 60.0
    svg = recording.svg()
    assert "".join(ElementTree.fromstring(svg).itertext()).count("three") == 1
    # Two pauses of one second, and five seconds for the last picture.
    assert re.search(r"animation: scroll 7\.0s", svg)
    assert re.search(r"28\.57% \{ transform: translateY\(-16px\)", svg)
