# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One write and its outcome: when the response is lost, a read finds out whether the write took effect."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError, WriteUncertainError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context

T = t.TypeVar("T")
F = t.TypeVar("F")


def send(
    context: Context,
    what: str,
    write: t.Callable[[], T],
    read_back: t.Callable[[], F],
    took_effect: t.Callable[[F], bool],
) -> tuple[T | None, F | None, CloudError | None]:
    """Send a write. When there is no usable response, find out whether it took effect.

    ``context.result`` says ``changed`` as long as it is not known that nothing was changed.

    Args:
        context: What the module works with.
        what: The name of what is changed, for messages, such as ``the key pair fleet``.
        write: Sends the request, and returns the response.
        read_back: Reads what the write changes.
        took_effect: Returns whether what was read shows the change.

    Returns:
        What ``write`` returned; or else what was read, and the error in place of the response.

    Raises:
        CloudError: The service rejected the write, or did not receive it.
        WriteUncertainError: It did not take effect, or whether it did is not known.
    """
    before = context.result["changed"]
    try:
        return write(), None, None
    except CloudError as error:
        if not error.outcome_unknown:
            raise
        lost = error
    context.result["changed"] = True
    try:
        found = read_back()
    except CloudError as error:
        raise WriteUncertainError(
            f"{lost} Whether {what} was changed is not known: {error}",
            hint="Check that before you run this again.",
        ) from None
    if not took_effect(found):
        context.result["changed"] = before
        raise WriteUncertainError(f"{lost} {what[:1].upper()}{what[1:]} is as it was.", hint="Run this again.")
    return None, found, lost
