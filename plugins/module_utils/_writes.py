# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One write and its outcome: when the response is lost, reads find out whether the write took effect."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    AuthenticationError,
    CloudError,
    ForbiddenError,
    RejectedError,
    WriteUncertainError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.interrupts import Interrupted
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context

#: Seconds of the search for the effect of a lost write, and of its pauses: the service may go on after a gateway gave it up,
#: and a queued task is not in any list yet.
SEARCH_SECONDS = 60.0
SEARCH_PAUSES = (1.0, 2.0, 4.0, 8.0)

T = t.TypeVar("T")
F = t.TypeVar("F")


def searches(clock: Clock, until: float) -> t.Iterator[None]:
    """Yield whenever the effect of a lost write is to be looked for: at once, and after each pause.

    Args:
        clock: Time.
        until: The monotonic time of the last search.
    """
    yield
    for pause in itertools.chain(SEARCH_PAUSES, itertools.repeat(SEARCH_PAUSES[-1])):
        if clock.monotonic() + pause > until:
            return
        clock.sleep(pause)
        yield


def is_rejection(problem: CloudError | None) -> bool:
    """Return True when the service itself rejects a search, so that another one would end alike."""
    rejected = isinstance(problem, (AuthenticationError, ForbiddenError, RejectedError))
    return rejected and problem is not None and not problem.foreign


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
    except Interrupted:
        # The request may have been sent.
        context.note_write()
        raise
    context.result["changed"] = True
    problem: CloudError | None = None
    for _search in searches(context.clock, context.clock.monotonic() + SEARCH_SECONDS):
        try:
            found, problem = read_back(), None
        except CloudError as error:
            problem = error
            if not error.foreign:
                break
        else:
            if took_effect(found):
                return None, found, lost
    if problem is not None:
        raise WriteUncertainError(
            f"{lost} Whether {what} was changed is not known: {problem}", hint="Check that before you run this again."
        )
    context.result["changed"] = before
    raise WriteUncertainError(
        f"{lost} {what[:1].upper()}{what[1:]} is as it was, also after {SEARCH_SECONDS:.0f} s.", hint="Run this again."
    )
