# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ids: what may stand in a URL, checked before one is built.

An empty id, ``.`` or ``..`` would address another resource: "delete this failed task" would become "delete them all".
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError

# No vendor's shape (UUID, t-...) is assumed: only what could change the meaning of a URL is rejected.
_PATH_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}\Z")
_QUERY_ID = re.compile(r"[A-Za-z0-9._*-]{1,64}\Z")


def is_id(value: str, *, in_query: bool = False) -> bool:
    """Return whether a text may stand in a URL as an id."""
    return bool((_QUERY_ID if in_query else _PATH_ID).match(value)) and value not in (".", "..")


def check_id(option: str, value: t.Any, *, in_query: bool = False) -> str:
    """Return an id that is valid.

    Args:
        option: Name of the option, for the message.
        value: What the user gave.
        in_query: The id travels in the query and may hold ``*``, as in Alibaba Cloud's samples.

    Raises:
        UsageError: The value is not 1 to 64 letters, digits, dots, underscores and hyphens, or is ``.`` or ``..``.
    """
    if not isinstance(value, str) or not is_id(value, in_query=in_query):
        allowed = "letters, digits and . _ -" + (" *" if in_query else "")
        raise UsageError(
            f"{option}: {value!r} is not a valid id. An id has 1 to 64 characters out of {allowed}, "
            "and is neither '.' nor '..'. Nothing was sent."
        )
    return value


def check_ids(option: str, values: t.Iterable[t.Any], *, in_query: bool = False) -> list[str]:
    """Check every id of a list and drop repetitions; the order stays."""
    return list(dict.fromkeys(check_id(option, value, in_query=in_query) for value in values))


def check_name(option: str, value: t.Any) -> str:
    """Return the name of a key pair that is valid.

    Raises:
        UsageError: The value is not 1 to 255 letters, digits, underscores and hyphens (older regions allow 64).
    """
    if not isinstance(value, str) or not _NAME.match(value):
        raise UsageError(
            f"{option}: {value!r} is not a valid name of a key pair. A name has letters, digits, underscores and hyphens. "
            "Nothing was sent."
        )
    return value
