# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of messages in the guide on waiting, compared with the texts in the code."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "guide_waiting.rst").read_text(encoding="utf-8")
SECTION = " ".join(GUIDE[GUIDE.index("\nMessages\n-") : GUIDE.index("\nLimits\n-")].split())
#: The messages that the tables quote: literals of more than one word in the first column.
QUOTED = [
    quoted
    for cell in re.findall(r"\* - (``.*?``) - ", SECTION)
    for quoted in re.findall(r"``(.+?)``", cell)
    if " " in quoted
]
#: The files with texts that a user of ``wait_for_task`` sees.
SOURCES = (
    *(f"plugins/module_utils/_polling/{name}.py" for name in ("messages", "requests", "lists", "poller")),
    "plugins/action/wait_for_task.py",
)
#: Texts that are not messages: those of lines of progress, and what ssh prints.
OTHER_TEXTS = {
    *(" s of ", "next poll in ", "no status yet", "connection lost, trying again in "),
    *("Permission denied", "Too many authentication failures", "Host key verification failed"),
}
#: Other forms of texts that the tables have: plural or singular, or a task without a status.
OTHER_FORMS = {"they are tasks", "The other", "no status", "no exit status", "the last call", ", the last poll failed"}
OTHER_FORMS |= {"Continue with resume.", "list[str]"}
#: Words of the examples: services, states, what a task is about, reasons.
EXAMPLES = {"kps", "server", "key", "pair", "new", "Update", "public", "error", "SIGTERM", "TypeError", "https"}
EXAMPLES |= {"pending", "project"}


def _docstrings(tree: ast.AST) -> set[int]:
    """Return the ids of the nodes that are docstrings."""
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }


def _texts() -> t.Iterator[str]:
    """Return the constant texts of the code, parts of f-strings included."""
    for source in SOURCES:
        tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
        docstrings = _docstrings(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield node.value


TEXTS = sorted(set(_texts()))


def test_the_guide_and_the_code_have_messages() -> None:
    assert len(QUOTED) > 25
    assert len(TEXTS) > 100


@pytest.mark.parametrize("text", [text for text in TEXTS if len(re.findall(r"[A-Za-z]+", text)) > 1 and " " in text])
def test_the_guide_has_every_text_of_a_message(text: str) -> None:
    if text not in OTHER_TEXTS | OTHER_FORMS:
        assert text.strip() in SECTION


@pytest.mark.parametrize("text", sorted(OTHER_TEXTS | OTHER_FORMS))
def test_the_code_has_the_messages_that_the_guide_leaves_out(text: str) -> None:
    assert text in TEXTS


@pytest.mark.parametrize("quoted", QUOTED)
def test_every_word_of_a_message_in_the_guide_comes_from_the_code(quoted: str) -> None:
    rest = quoted
    phrases = [text.strip() for text in TEXTS if " " in text.strip()]
    for phrase in sorted(phrases, key=len, reverse=True):
        rest = rest.replace(phrase, " \0 ")
    for word in (text.strip() for text in TEXTS if re.search("[A-Za-z]{2}", text) and " " not in text.strip()):
        rest = re.sub(rf"(?<![A-Za-z]){re.escape(word)}s?(?![A-Za-z])", " \0 ", rest)
    # The rest are values: ids, statuses, error codes, and the words of the examples.
    words = [word for word in re.findall(r"(?<![\w.-])[A-Za-z]{2,}(?![\w.-])", rest) if not word.isupper()]
    assert [word for word in words if word not in EXAMPLES] == []
