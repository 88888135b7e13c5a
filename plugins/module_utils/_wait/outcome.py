# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a wait hands back: the result, whether it failed, and the sentences for the person who reads it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CloudError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._task import (
    ERROR,
    FAILED,
    MISSING,
    PENDING,
    STATES,
    SUCCESS,
    UNKNOWN,
    TaskSource,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.memory import Memory
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._wait.record import BAD, ENDED, Record, bare

DECIDED = "decided"
TIMED_OUT = "timed_out"
FATAL = "fatal"
INTERRUPTED = "interrupted"
SLICE_OVER = "slice_over"

#: Tasks that a message spells out; the others are counted.
SPELT_OUT = 5

#: Fields of an answer that tell a person what a task is about, each with the noun before it; the first of a noun wins.
LABELS = (
    ("server_name", "server"),
    ("server_id", "server"),
    ("keypair_name", "key pair"),
    ("secret_name", "secret"),
    ("access_configuration_name", "access configuration"),
    ("principal_name", "principal"),
    ("target_name", "target"),
)


@dataclasses.dataclass(frozen=True)
class Ending:
    """How the loop ended.

    Attributes:
        kind: ``decided``, ``timed_out``, ``fatal``, ``interrupted`` or ``slice_over``.
        message: What made it impossible to go on, or what interrupted.
        error: The error behind it.
        record: The task whose unknown word ended the wait.
    """

    kind: str
    message: str = ""
    error: CloudError | None = None
    record: Record | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
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
    report = _Report(memory, source, options, age)
    if ending.kind == SLICE_OVER:
        rest = max(0.0, memory.due - age) if memory.round.queue is None else 0.0
        line = report.line(rest)
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
    failed, msg = report.verdict(ending)
    return Outcome(failed, msg, result, tuple(memory.warnings))


class _Report:
    """The sentences about one wait."""

    def __init__(self, memory: Memory, source: TaskSource, options: Options, age: float) -> None:
        self._memory = memory
        self._source = source
        self._options = options
        self._age = age
        self._spent = age - memory.base
        self._records = list(memory.records.values())
        self.unfinished = [record for record in self._records if not record.finished]

    def counts(self) -> dict[str, t.Any]:
        """The figures of the result."""
        memory = self._memory
        return {
            "summary": {"total": len(self._records), **{state: self._count(state) for state in STATES}},
            "failed_ids": [record.id for record in self._records if record.state in BAD],
            "pending_ids": [record.id for record in self.unfinished],
            "elapsed": round(self._age, 3),
            "rounds": memory.rounds,
            "calls": memory.calls,
            "throttled": memory.throttled,
            "errors": memory.errors,
            "relogins": memory.relogins,
        }

    def verdict(self, ending: Ending) -> tuple[bool, str]:
        """Whether the module fails, and the message."""
        options, mode = self._options, self._options.mode
        if ending.kind == FATAL:
            return True, _join(ending.message, ending.error.hint if ending.error else None, self._last_known())
        if ending.kind == INTERRUPTED:
            return True, _join(self._interrupted(ending.message), self._bad(), self._go_on())
        if ending.record is not None:
            return True, _join(self._unknown_word(ending.record), self._last_known())
        bad = any(record.state in BAD for record in self._records)
        if ending.kind == TIMED_OUT:
            failed = options.on_timeout == "fail" or (bad and mode != "any" and options.on_failure == "fail")
            return failed, self._timed_out()
        if not self._records:
            return False, "There is no task to wait for."
        if mode == "any":
            good = self._count(SUCCESS) > 0
            return not good and options.on_failure == "fail", self._any_done() if good else _join(
                f"None of {self._of_all()} succeeded.", self._bad()
            )
        if bad:
            return options.on_failure == "fail", _join(self._bad(), self._succeeded(), self._stopped())
        return False, self._all_done()

    def line(self, rest: float) -> str:
        """How things stand, for the progress line."""
        parts = [f"{self._count(state)} {state}" for state in ENDED if self._count(state)]
        if self.unfinished:
            words: dict[str, int] = {}
            for record in self.unfinished:
                word = record.status or "no status yet"
                words[word] = words.get(word, 0) + 1
            shown = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:SPELT_OUT]
            parts.append(f"{len(self.unfinished)} pending ({', '.join(f'{word} {count}' for word, count in shown)})")
        then = f"next look in {rest:.0f} s" if self._memory.round.queue is None else "looking"
        return f"{', '.join(parts)}; {self._spent:.0f} s of {self._options.timeout:.0f} s, {then}"

    def _count(self, state: str) -> int:
        return sum(record.state == state for record in self._records)

    def _of_all(self) -> str:
        total = len(self._records)
        return f"{total} {self._source.service} task{'s' if total > 1 else ''}"

    def _name(self, record: Record) -> str:
        """A task and what it is about: ``t-1 (server web1, key pair kp1)``."""
        about: dict[str, t.Any] = {}
        for field, noun in LABELS:
            if record.data.get(field):
                about.setdefault(noun, record.data[field])
        return f"{record.id} ({', '.join(f'{noun} {name}' for noun, name in about.items())})" if about else record.id

    def _spell(self, records: t.Sequence[Record], tell: t.Callable[[Record], str], glue: str = "; ") -> str:
        told = glue.join(tell(record) for record in records[:SPELT_OUT])
        more = len(records) - SPELT_OUT
        return f"{told} and {more} more" if more > 0 else told

    def _all_done(self) -> str:
        calls = f"{self._memory.calls} call{'' if self._memory.calls == 1 else 's'}"
        took = f"after {self._age:.0f} s ({calls})"
        if len(self._records) == 1:
            return f"{self._source.service} task {self._name(self._records[0])} succeeded {took}."
        return f"All {self._of_all()} succeeded {took}."

    def _any_done(self) -> str:
        good = next(record for record in self._records if record.state == SUCCESS)
        head = f"{self._source.service} task {self._name(good)} succeeded after {good.ended or 0:.0f} s."
        return _join(head, self._bad(), self._stopped())

    def _bad(self) -> str:
        """What ended badly: failed, missing and refused tasks, each with what the service said."""
        service = self._source.service
        failed, missing, refused = (
            [record for record in self._records if record.state == state] for state in (FAILED, MISSING, ERROR)
        )
        sentences = []
        if failed and len(self._records) == 1:
            sentences.append(f"{service} task {self._name(failed[0])} failed: {_said(failed[0])}.")
        elif failed:
            told = self._spell(failed, lambda record: f"{self._name(record)}: {_said(record)}")
            sentences.append(f"{len(failed)} of {self._of_all()} failed: {told}.")
        if missing:
            sentences.append(
                f"{self._spell(missing, self._absence)}. Check the id{'s' if len(missing) > 1 else ''}, project and region."
            )
        if refused:
            told = self._spell(refused, lambda record: f"{self._name(record)}: {record.note}")
            sentences.append(
                f"The service refused to tell about {service} task{'s' if len(refused) > 1 else ''} {told}."
            )
        return " ".join(sentences)

    def _absence(self, record: Record) -> str:
        since = self._age if record.ended is None else record.ended
        last = record.vanished()
        head = f"{self._source.service} task {self._name(record)}"
        if last is None:
            return f"{head} was not found for {since - (record.absent_since or 0):.0f} s ({record.note})"
        return f"{head} vanished after {last.status} at {last.last:.0f} s ({record.note})"

    def _succeeded(self) -> str:
        return f"{self._count(SUCCESS)} succeeded." if len(self._records) > 1 else ""

    def _stopped(self) -> str:
        """That tasks are left alone while they go on."""
        if not self.unfinished:
            return ""
        count = len(self.unfinished)
        are = f"{count} task{'s are' if count > 1 else ' is'} still pending"
        return f"Stopped waiting; {are}: {self._spell(self.unfinished, lambda record: record.id, ', ')}."

    def _timed_out(self) -> str:
        count, total = len(self.unfinished), len(self._records)
        resumed = f" ({self._age:.0f} s with the waits before)" if self._memory.base else ""
        if total > 1:
            what = f"{count} of {self._of_all()}: {self._spell(self.unfinished, self._standing, ', ')}."
        else:
            what = f"{self._source.service} task {self._standing(self.unfinished[0])}."
        head = f"Timed out after {self._spent:.0f} s{resumed} waiting for {what}"
        good = f"{self._count(SUCCESS)} succeeded." if total > 1 else ""
        return _join(self._bad(), head, good, self._freshness(), self._go_on())

    def _standing(self, record: Record) -> str:
        """A pending task and what it was last seen doing."""
        listing = "list it in success_statuses, failure_statuses or pending_statuses"
        if record.last_seen is None:
            doing = f"no answer: {record.note}" if record.note else "no answer about it yet"
        elif record.absent_since is not None:
            last = record.vanished()
            seen = f", {last.status} at {last.last:.0f} s" if last else ""
            doing = f"not found for {self._age - record.absent_since:.0f} s{seen}"
        else:
            since = self._age - record.history[-1].first
            word = record.status or "no status"
            if record.state == UNKNOWN and record.status:
                doing = f"unknown status {word} for {since:.0f} s; {listing}"
            elif record.meaning in ENDED:
                doing = f"{word}, said {record.repeats} of {self._options.confirm} times in a row"
            else:
                doing = f"{word} for {since:.0f} s"
        return f"{record.id} ({doing})"

    def _freshness(self) -> str:
        """How old the newest knowledge is, and why it is not newer."""
        memory = self._memory
        oldest = min(self.unfinished, key=lambda record: -1.0 if record.last_seen is None else record.last_seen)
        why = ""
        if memory.limiter.gate > self._age:
            asked = memory.limiter.asked
            why = "the service asked to wait" + (f" (Retry-After {asked:.0f})" if asked is not None else "")
        elif memory.trouble is not None:
            why = f"{memory.failures} error{'s' if memory.failures > 1 else ''} since, the last: {bare(memory.trouble)}"
        if why and oldest.last_seen is None:
            return f"There is no answer about {oldest.id}: {why}."
        if why:
            return f"The last answer about {oldest.id} is {self._age - (oldest.last_seen or 0):.0f} s old: {why}."
        if memory.last_look is None:
            return ""
        return f"Last look {max(0.0, memory.base + self._options.timeout - memory.last_look):.1f} s before the end."

    def _go_on(self) -> str:
        if not self.unfinished:
            return ""
        return f"The task{'s go' if len(self.unfinished) > 1 else ' goes'} on in the cloud; continue with resume."

    def _interrupted(self, by: str) -> str:
        count = len(self.unfinished)
        pending = f"{count} of {self._of_all()} {'are' if count != 1 else 'is'} still pending"
        return f"Interrupted by {by} after {self._spent:.0f} s; {pending}."

    def _unknown_word(self, record: Record) -> str:
        known = "; ".join(
            ", ".join(self._source.words.get(state, ()))
            for state in (PENDING, SUCCESS, FAILED)
            if self._source.words.get(state)
        )
        word = f'the unknown status "{record.status}"' if record.status else "no status"
        return f"{self._source.service} task {self._name(record)} has {word} (twice in a row). Known: {known}."

    def _last_known(self) -> str:
        counts = [f"{self._count(state)} {state}" for state in (PENDING, UNKNOWN, *ENDED) if self._count(state)]
        return f"Last known: {', '.join(counts)}."


def _said(record: Record) -> str:
    """What the service said about a failure: ``FAILED_RESET, KPS.3054: Update public key error``."""
    return ", ".join(part for part in (record.status, bare(str(record.reason or ""))) if part)


def _join(*sentences: str | None) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
