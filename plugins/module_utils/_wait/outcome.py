# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a wait hands back: the result, whether it failed, and what is said about it."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._task import SUCCESS, TaskSource
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.memory import Memory
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.report import (
    DECIDED,
    INTERRUPTED,
    SLICE_OVER,
    TIMED_OUT,
    Ending,
    Report,
)

if t.TYPE_CHECKING:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.messages import Messages


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


def conclude(
    memory: Memory, source: TaskSource, options: Options, scope: t.Mapping[str, str], ending: Ending, age: float
) -> Outcome:
    """Put the outcome together.

    Args:
        memory: What is known.
        source: Who was asked.
        options: What the user said.
        scope: What makes an id unique, for the token.
        ending: How the loop ended.
        age: The age of the wait at its end.
    """
    report = Report(memory, source, options, age)
    if ending.kind == SLICE_OVER:
        rest = _rest(memory, age)
        line = _messages(report).line(rest)
        return Outcome(False, line, report.counts(), more={"state": memory.dump(), "sleep": rest, "line": line})
    result: dict[str, t.Any] = {
        "tasks": [record.result(age) for record in memory.records.values()],
        **report.counts(),
        "timed_out": ending.kind == TIMED_OUT,
        "interrupted": ending.kind == INTERRUPTED,
    }
    if len(result["tasks"]) == 1:
        result["task"] = result["tasks"][0]
    if report.unfinished:
        result["resume"] = memory.token(age, source.service, scope)
    if ending.error is not None:
        result.update(ending.error.facts())
    all_good = report.count(SUCCESS) == len(memory.records) > 0
    if all_good and ending.kind == DECIDED and ending.record is None and options.mode != "any":
        failed, msg = False, report.all_done()
    else:
        failed, msg = _messages(report).verdict(ending)
    return Outcome(failed, msg, result, tuple(memory.warnings))


def progress_line(memory: Memory, source: TaskSource, options: Options, age: float) -> str:
    """Return one line that tells how the wait goes at this age."""
    return _messages(Report(memory, source, options, age)).line(_rest(memory, age))


def _rest(memory: Memory, age: float) -> float:
    """Return the seconds until the next round; none while one goes on."""
    return max(0.0, memory.due - age) if memory.round.queue is None else 0.0


def _messages(report: Report) -> Messages:
    # Imported here: a module is compiled anew for each task, and most waits are short and end well.
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.messages import Messages

    return Messages(report.memory, report.source, report.options, report.age)
