# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A recording of a terminal as an animated SVG, which needs no script and no font of its own."""

from __future__ import annotations

import dataclasses
import re
import time
import typing as t
from pathlib import Path
from xml.sax.saxutils import escape

#: The size of a character and of a row, in pixels, for a monospaced font of 12 pixels.
CHARACTER, ROW = 7.25, 16
MARGIN, BAR = 12, 28
#: Select Graphic Rendition: what colors a text.
SGR = re.compile(r"\x1b\[([0-9;]*)m")
#: Classes of the colors that Ansible uses.
COLORS = {"30": "k", "31": "r", "32": "g", "33": "y", "34": "b", "35": "m", "36": "c", "90": "k", "95": "m"}
STYLE = """
    text { font: 12px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d8dee6; white-space: pre; }
    .k { fill: #8b949e; } .r { fill: #ff8f87; } .g { fill: #6fd08c; } .y { fill: #e6c35c; }
    .b { fill: #79b8ff; } .m { fill: #d2a8ff; } .c { fill: #76d9e6; } .title { fill: #8b949e; }
    .w { font-weight: bold; fill: #ffffff; }
"""
#: The header of this file, which the recording has, too.
HEADER = "\n".join(line.removeprefix("# ") for line in Path(__file__).read_text(encoding="utf-8").splitlines()[:3])


@dataclasses.dataclass(frozen=True)
class Span:
    """A piece of a row in one color.

    Attributes:
        text: The text.
        color: A class of ``STYLE``, or empty.
    """

    text: str
    color: str


def spans(line: str) -> list[Span]:
    """Return the pieces of a line with its colors."""
    found, color, end = [], "", 0
    for match in SGR.finditer(line):
        if match.start() > end:
            found.append(Span(line[end : match.start()], color))
        codes = match.group(1).split(";")
        color = next((COLORS[code] for code in codes if code in COLORS), "")
        end = match.end()
    if end < len(line):
        found.append(Span(line[end:], color))
    return found


def wrap(pieces: list[Span], columns: int) -> list[list[Span]]:
    """Return the rows that a line takes in a terminal of so many columns."""
    rows: list[list[Span]] = [[]]
    free = columns
    for piece in pieces:
        text = piece.text
        while text:
            if not free:
                rows.append([])
                free = columns
            rows[-1].append(Span(text[:free], piece.color))
            text, free = text[free:], max(free - len(text), 0)
    return rows


class Recording:
    """The printed lines with their times.

    Args:
        title: What the bar of the window says.
        columns: Characters of a row.
        rows: Rows of the window.
        pause: The longest time between two rows in the recording, in seconds. Longer pauses are cut to it.
        clock: Where the time comes from, in seconds.
    """

    def __init__(
        self,
        title: str,
        columns: int = 116,
        rows: int = 30,
        pause: float = 1.5,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self.title, self.columns, self.rows, self.pause = title, columns, rows, pause
        self._clock = clock
        self._last: float | None = None
        self._now = 0.0
        #: Rows with the second at which each is seen.
        self._seen: list[tuple[float, list[Span]]] = []

    def write(self, line: str) -> None:
        """Add a line, without its line break, that is printed now."""
        now = self._clock()
        self._now += min(now - self._last, self.pause) if self._last is not None else 0.0
        self._last = now
        pieces = spans(line.expandtabs().rstrip())
        if pieces:
            pieces[-1] = dataclasses.replace(pieces[-1], text=pieces[-1].text.rstrip())
        self._seen += [(self._now, row) for row in wrap(pieces, self.columns)]

    def svg(self) -> str:
        """Return the recording. It is repeated without end; viewers that do not animate show its last rows."""
        seconds = self._now + 5.0
        height = BAR + 2 * MARGIN + self.rows * ROW
        width = 2 * MARGIN + self.columns * CHARACTER
        hidden = max(len(self._seen) - self.rows, 0)
        frames = "".join(
            f"{100 * at / seconds:.2f}% {{ transform: translateY({-ROW * max(number - self.rows, 0)}px); }} "
            for number, at in self._steps()
        )
        rows = "\n".join(
            f'<text y="{(number + 1) * ROW - 4}">{"".join(map(_tspan, row))}</text>'
            for number, (_at, row) in enumerate(self._seen)
            if row
        )
        # Rows that are not printed yet are below the window, but for those of the first screen: a curtain hides them.
        curtain = "".join(
            f"{100 * at / seconds:.2f}% {{ transform: translateY({ROW * min(number, self.rows)}px); }} "
            for number, at in self._steps()
        )
        return f"""<!--
{HEADER}
-->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img">
  <title>{escape(self.title)}</title>
  <style>{STYLE}
    #rows {{ transform: translateY({-ROW * hidden}px); animation: scroll {seconds:.1f}s step-end infinite; }}
    #curtain {{ transform: translateY({ROW * self.rows}px); animation: curtain {seconds:.1f}s step-end infinite; }}
    @keyframes scroll {{ {frames}100% {{ transform: translateY({-ROW * hidden}px); }} }}
    @keyframes curtain {{ {curtain}100% {{ transform: translateY({ROW * self.rows}px); }} }}
  </style>
  <rect width="{width:g}" height="{height:g}" rx="8" fill="#161b22"/>
  <circle cx="18" cy="16" r="5" fill="#ff5f57"/><circle cx="36" cy="16" r="5" fill="#febc2e"/>
  <circle cx="54" cy="16" r="5" fill="#28c840"/>
  <text class="title" x="{width / 2:g}" y="20" text-anchor="middle">{escape(self.title)}</text>
  <svg x="{MARGIN}" y="{BAR + MARGIN}" width="{width - 2 * MARGIN:g}" height="{self.rows * ROW}">
    <g id="rows">
{rows}
    </g>
    <rect id="curtain" width="100%" height="100%" fill="#161b22"/>
  </svg>
</svg>
"""

    def _steps(self) -> list[tuple[int, float]]:
        """Return how many rows are seen from which second on, one entry for each moment."""
        steps: dict[float, int] = {}
        for number, (at, _row) in enumerate(self._seen, 1):
            steps[at] = number
        return [(number, at) for at, number in steps.items()]


def _tspan(span: Span) -> str:
    text = escape(span.text).replace(" ", "\N{NO-BREAK SPACE}")
    return f'<tspan class="{span.color}">{text}</tspan>' if span.color else text
