# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text from outside, made fit for a terminal, a log and a report.

What a service returns is data: it may hold escape sequences that rewrite a terminal, line breaks that forge lines of a log, and
marks that turn the direction of writing. None of them gets into a sentence of the collection.
"""

from __future__ import annotations

import unicodedata

#: Characters of a word of a service (a status, a code, an id, a name) that a sentence shows.
WORD = 200
#: Characters of the sentences of a service that a sentence shows.
SENTENCE = 1000


def printable(text: object, most: int | None = None) -> str:
    r"""Return the text on one line, with every character that is not plainly visible shown as its escape: ``\n``, ``\x1b``, ``\u202e``.

    Letters of every language and blanks of every width stay. The function may be applied to its own result.

    Args:
        text: Any value; one that is not a text is converted.
        most: Characters to return at most; ``...`` is added when the text has more.
    """
    string = str(text)
    cut = most is not None and len(string) > most
    if cut:
        string = string[:most]
    if not string.isprintable():
        string = "".join(char if _visible(char) else _escape(char) for char in string)
        if most is not None and len(string) > most:
            string, cut = string[:most], True
    return f"{string}..." if cut else string


def _visible(char: str) -> bool:
    # isprintable() is false for control and format characters (bidirectional marks among them), surrogates, characters that
    # are not assigned, and all separators; the blanks among those (Zs) are harmless.
    return char.isprintable() or unicodedata.category(char) == "Zs"


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
