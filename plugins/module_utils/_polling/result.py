# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a wait hands back: the result, whether it failed, and what is said about it."""

from __future__ import annotations

import traceback
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError, UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import SUCCESS, TaskBackend
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.messages import Messages
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.report import (
    DECIDED,
    INTERRUPTED,
    SLICE_OVER,
    TIMED_OUT,
    Ending,
    Report,
    bug,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import Memory


class Outcome(t.NamedTuple):
    """What became of the wait.

    Attributes:
        failed: Whether the module fails.
        msg: What happened, for a person.
        result: The return values, plain JSON, the same keys on every exit.
        warnings: What the user should know beside that.
        more: Only at the end of a slice that is not the last: ``state``, ``sleep`` (seconds) and ``line``.
    """

    failed: bool
    msg: str
    result: dict[str, t.Any]
    warnings: tuple[str, ...] = ()
    more: dict[str, t.Any] | None = None


def conclude(memory: Memory, source: TaskBackend, options: Options, ending: Ending, age: float) -> Outcome:
    """Put the outcome together.

    Args:
        memory: What is known.
        source: Who was asked.
        options: What the user said.
        ending: How the loop ended.
        age: The age of the wait at its end.
    """
    report = Report(memory, age, source.labels)
    if ending.kind == SLICE_OVER:
        line = progress_line(memory, source, options, age)
        more = {"state": memory.dump(), "sleep": _rest(memory, age), "line": line}
        return Outcome(False, line, report.counts(), more=more)
    result = report.result()
    result.update(timed_out=ending.kind == TIMED_OUT, interrupted=ending.kind == INTERRUPTED)
    if ending.error is not None:
        result.update(ending.error.as_result())
    exception = ending.exception or _unexpected(ending.error)
    all_good = report.count(SUCCESS) == len(memory.records) > 0
    if all_good and ending.kind == DECIDED and ending.record is None and options.mode != "any":
        failed, msg = False, report.all_done()
    else:
        try:
            failed, msg = _messages(memory, source, options, age).verdict(ending)
        except Exception as error:
            # A sentence that cannot be made must not cost what is known about the tasks.
            failed, msg, exception = True, f"{bug(error)} {report.last_known()}", traceback.format_exc()
    if exception is not None:
        result["exception"] = exception
    return Outcome(failed, msg, result, tuple(memory.warnings))


def recover(state: t.Mapping[str, t.Any], elapsed: float, why: str) -> dict[str, t.Any]:
    """Return the result of a wait of which no more is left than the state after its last slice.

    Args:
        state: ``Outcome.more["state"]`` of that slice.
        elapsed: Seconds since the first slice began.
        why: What ended the wait, as a sentence.
    """
    memory = Memory.load(state)
    report = Report(memory, memory.base + elapsed)
    sentences = (why, report.last_known(), report.go_on())
    return {**report.result(), "msg": " ".join(sentence for sentence in sentences if sentence), "failed": True}


def result_of_token(token: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what a token tells about every task, for a resumed wait that could not begin; nothing when it is no token."""
    try:
        memory = Memory.resumed(token, token["service"], token["scope"], 1.0)
    except (UsageError, KeyError, TypeError):
        return {}
    return Report(memory, memory.base).result()


def _unexpected(error: CloudError | None) -> str | None:
    """Return the traceback of what was unexpected behind an error."""
    cause = error and error.__cause__
    if cause is None or isinstance(cause, CloudError):
        return None
    return "".join(traceback.format_exception(type(cause), cause, cause.__traceback__))


def progress_line(memory: Memory, source: TaskBackend, options: Options, age: float) -> str:
    """Return one line that tells how the wait goes at this age."""
    return _messages(memory, source, options, age).line(_rest(memory, age))


def _rest(memory: Memory, age: float) -> float:
    """Return the seconds until the next round or, while one goes on, until its next call may be sent."""
    return max(0.0, (memory.due if memory.round.queue is None else memory.limiter.gate) - age)


def _messages(memory: Memory, source: TaskBackend, options: Options, age: float) -> Messages:
    # Imported here: a module is compiled anew for each task, and most waits are short and end well.

    return Messages(memory, source, options, age)
