# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replacement of whole files: a reader sees the old content or the new content."""

from __future__ import annotations

import contextlib
import os
import tempfile


def replace(path: str, text: str, *, mode: int = 0o600) -> None:
    """Replace the content of a text file in one step.

    Args:
        path: The file. Its directory must exist.
        text: The new content, written as UTF-8.
        mode: The permissions of the file.

    Raises:
        OSError: The file could not be written; it keeps the old content.
    """
    descriptor, draft = tempfile.mkstemp(prefix=".", suffix=".draft", dir=os.path.dirname(path) or ".")
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise
