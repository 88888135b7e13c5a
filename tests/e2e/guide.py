# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The blocks of the guide on AWX, for tests that run them as they are printed."""

from __future__ import annotations

import re
import textwrap

from .awx import TYPES

GUIDE = TYPES.parents[2] / "docs" / "docsite" / "rst" / "guide_awx.rst"
_BLOCK = re.compile(r"^\.\. code-block:: (\S+)\n\n((?: .*\n|\n)+)", re.MULTILINE)


def _blocks() -> list[tuple[str, str]]:
    """Return language and text of each block, in the order of the guide."""
    found = _BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    return [(language, f"{textwrap.dedent(text).strip()}\n") for language, text in found]


def files() -> dict[str, str]:
    """Return the text of each file that the guide has, by the name in its first comment."""
    named = ((re.search(r"^# (\S+\.yml)$", text, re.MULTILINE), text) for _language, text in _blocks())
    return {found.group(1): text for found, text in named if found}


def commands() -> list[str]:
    """Return the commands of the guide, in order."""
    texts = [text.replace("\\\n", "") for language, text in _blocks() if language == "console"]
    lines = [line for text in texts for line in text.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    return [line.removeprefix("$ ") for line in lines]
