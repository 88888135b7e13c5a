# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The language of names, comments and docstrings: plain words, short comments, and openings that state what a thing is."""

from __future__ import annotations

import ast
import functools
import re
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TREES = ("docs", "emulator", "extensions", "playbooks", "plugins", "roles", "sessions", "tests")
KINDS = {".md", ".py", ".rst", ".sh", ".yaml", ".yml"}
#: Recorded traffic, the output of tools, and this list.
LEFT_OUT = (ROOT / "tests" / "fixtures", ROOT / "tests" / "output", ROOT / "tests" / "unit" / "test_language.py")

#: Archaic words and metaphors, each with the word to use.
PLAIN = {
    r"mend(s|ed|ing)?": "fix",
    r"heed(s|ed|less)?": "honour, follow",
    r"lest": "so that ... not",
    r"anew|afresh": "again",
    r"whoever": "the caller, the user",
    r"deaf|mute": "does not respond, silent",
    r"barren": "without matches",
    r"crew": "workers",
    r"sightings?": "status",
    r"what became of": "the result of",
    r"belongs? into": "belong in",
    r"bears?|borne": "have, tolerate",
    r"doubts?": "unconfirmed",
    r"turn(s|ed)? away": "reject, throttle",
    r"relogin": "re-authentication",
    r"usable answers?": "usable response",
    r"could not be found out": "is not known",
    r"(is|are|was|were) no (answer|error|failure|success|number|secret|change|verdict|reason)": "is not a ...",
}
ASKING = {"What", "How", "Where", "Whether", "Why", "When", "Who", "Whose"}


def _files(*trees: str, kinds: t.Collection[str] = (".py",)) -> t.Iterator[Path]:
    for tree in trees:
        for path in sorted((ROOT / tree).rglob("*")):
            left_out = any(path == place or place in path.parents for place in LEFT_OUT)
            if path.suffix in kinds and not left_out and "__pycache__" not in path.parts:
                yield path


@functools.cache
def _lines() -> list[tuple[str, str]]:
    """Return every line of the project, with its place; words of names are apart."""
    return [
        (f"{path.relative_to(ROOT)}:{number}", line.replace("_", " "))
        for path in [*_files(*TREES, kinds=KINDS), *ROOT.glob("*.md"), ROOT / "noxfile.py"]
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
    ]


@pytest.mark.parametrize("word", PLAIN)
def test_the_text_has_plain_words(word: str) -> None:
    # "There is no error" is plain; "it is no error" is not.
    pattern = re.compile(rf"(?<![Tt]here )\b({word})\b", re.IGNORECASE)
    found = [
        f"{place}: {match.group()}, better: {PLAIN[word]}"
        for place, line in _lines()
        for match in pattern.finditer(line)
    ]
    assert found == []


@pytest.mark.parametrize("tree", ["emulator", "plugins", "sessions", "tests"])
def test_a_comment_has_two_lines_at_most(tree: str) -> None:
    found = []
    for path in _files(tree):
        block = 0
        # The header with the copyright has three lines; examples in documentation are not comments.
        text = re.sub(
            r'^(DOCUMENTATION|EXAMPLES|RETURN) = r?""".*?^"""', "", path.read_text(encoding="utf-8"), flags=re.M | re.S
        )
        for line in text.splitlines()[4:]:
            block = block + 1 if line.lstrip().startswith("#") else 0
            if block > 2:
                found.append(f"{path.relative_to(ROOT)}: {line.strip()}")
    assert found == []


def test_docstrings_do_not_open_with_a_question() -> None:
    # Of properties they may, as of other attributes. ruff checks that those of functions are imperative (D401).
    found = []
    for path in _files("emulator", "plugins", "sessions", "tests", "docs"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)):
                continue
            decorators = {ast.unparse(each) for each in getattr(node, "decorator_list", [])}
            opening = (ast.get_docstring(node) or "-").split()[0]
            if opening in ASKING and not any("property" in each for each in decorators):
                found.append(f"{path.relative_to(ROOT)}: {getattr(node, 'name', 'module')}: {opening}")
    assert found == []
