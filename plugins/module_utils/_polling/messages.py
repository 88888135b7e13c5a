# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a wait says to people when it was no plain success, and how things stand in between."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import (
    ERROR,
    FAILED,
    MISSING,
    PENDING,
    SUCCESS,
    UNKNOWN,
    TaskBackend,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.report import (
    FATAL,
    INTERRUPTED,
    TIMED_OUT,
    Ending,
    Report,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import Memory
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.task_state import (
    BAD,
    ENDED,
    Record,
    bare,
    word_of,
)

#: Tasks that a message spells out; the others are counted.
SPELT_OUT = 5


class Messages(Report):
    """The sentences about one wait.

    Args:
        memory: What is known.
        source: Who was asked.
        options: What the user said.
        age: The age of the wait at its end.
    """

    def __init__(self, memory: Memory, source: TaskBackend, options: Options, age: float) -> None:
        super().__init__(memory, age, source.labels)
        self.source = source
        self.options = options

    def verdict(self, ending: Ending) -> tuple[bool, str]:
        """Whether the module fails, and the message, for a wait that was to end with any success, or did not end with the success of all."""
        options, mode = self.options, self.options.mode
        if ending.kind == FATAL:
            return True, _join(ending.message, ending.error.hint if ending.error else None, self.last_known())
        if ending.kind == INTERRUPTED:
            return True, _join(self._interrupted(ending.message), self._bad(), self.go_on())
        if ending.record is not None:
            return True, _join(self._unknown_word(ending.record), self.last_known())
        if ending.kind == TIMED_OUT:
            bad = any(record.state in BAD for record in self.records)
            failed = options.on_timeout == "fail" or (bad and mode != "any" and options.on_failure == "fail")
            return failed, self._timed_out()
        if not self.records:
            return False, "There is no task to wait for."
        if mode == "any":
            good = self.count(SUCCESS) > 0
            return not good and options.on_failure == "fail", self._any_done() if good else _join(
                f"None of {self.of_all()} succeeded.", self._bad()
            )
        return options.on_failure == "fail", _join(self._bad(), self._succeeded(), self._stopped())

    def line(self, rest: float) -> str:
        """How things stand, for the progress line."""
        parts = [f"{self.count(state)} {state}" for state in ENDED if self.count(state)]
        if self.unfinished:
            words: dict[str, int] = {}
            for record in self.unfinished:
                word = word_of(record.status) or "no status yet"
                words[word] = words.get(word, 0) + 1
            shown = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:SPELT_OUT]
            parts.append(f"{len(self.unfinished)} pending ({', '.join(f'{word} {count}' for word, count in shown)})")
        then = f"next look in {rest:.0f} s" if self.memory.round.queue is None or rest > 0 else "looking"
        return f"{', '.join(parts)}; {self.spent:.0f} s of {self.options.timeout:.0f} s, {then}"

    def _spell(self, records: t.Sequence[Record], tell: t.Callable[[Record], str], glue: str = "; ") -> str:
        told = glue.join(tell(record) for record in records[:SPELT_OUT])
        more = len(records) - SPELT_OUT
        return f"{told} and {more} more" if more > 0 else told

    def _any_done(self) -> str:
        good = next(record for record in self.records if record.state == SUCCESS)
        head = f"{self.source.service} task {self.name(good)} succeeded after {good.ended or 0:.0f} s."
        return _join(head, self._bad(), self._stopped())

    def _bad(self) -> str:
        """What ended badly: failed, missing and refused tasks, each with what the service said."""
        service = self.source.service
        failed, missing, refused = (
            [record for record in self.records if record.state == state] for state in (FAILED, MISSING, ERROR)
        )
        sentences = []
        if failed and len(self.records) == 1:
            sentences.append(f"{service} task {self.name(failed[0])} failed: {_said(failed[0])}.")
        elif failed:
            told = self._spell(failed, lambda record: f"{self.name(record)}: {_said(record)}")
            sentences.append(f"{len(failed)} of {self.of_all()} failed: {told}.")
        if missing:
            never = any(record.vanished() is None for record in missing)
            sentences.append(f"{self._spell(missing, self._absence)}. {self._check(len(missing), never)}")
        if refused:
            told = self._spell(refused, lambda record: f"{self.name(record)}: {record.note}")
            sentences.append(
                f"The service refused to tell about {service} task{'s' if len(refused) > 1 else ''} {told}."
            )
            if any(record.last_seen is None and (record.note or "").startswith("400") for record in refused):
                sentences.append(self._check(len(refused), True))
        return " ".join(sentences)

    def _check(self, count: int, never_seen: bool) -> str:
        """What to check about ids that the service does not know."""
        ids, are = ("ids", "they are tasks") if count > 1 else ("id", "it is a task")
        service = f", and whether {are} of the service {self.source.service}" if never_seen else ""
        return f"Check the {ids}, {self.source.parent} and region{service}."

    def _absence(self, record: Record) -> str:
        since = self.age if record.ended is None else record.ended
        last = record.vanished()
        head = f"{self.source.service} task {self.name(record)}"
        if last is None:
            return f"{head} was not found for {since - (record.absent_since or 0):.0f} s ({record.note})"
        return f"{head} vanished after {word_of(last.status)} at {last.last:.0f} s ({record.note})"

    def _succeeded(self) -> str:
        return f"{self.count(SUCCESS)} succeeded." if len(self.records) > 1 else ""

    def _stopped(self) -> str:
        """That tasks are left alone while they go on."""
        if not self.unfinished:
            return ""
        count = len(self.unfinished)
        are = f"{count} task{'s are' if count > 1 else ' is'} still pending"
        return f"Stopped waiting; {are}: {self._spell(self.unfinished, lambda record: record.id, ', ')}."

    def _timed_out(self) -> str:
        count, total = len(self.unfinished), len(self.records)
        resumed = f" ({self.age:.0f} s with the waits before)" if self.memory.base else ""
        if total > 1:
            what = f"{count} of {self.of_all()}: {self._spell(self.unfinished, self._standing, ', ')}."
        else:
            what = f"{self.source.service} task {self._standing(self.unfinished[0])}."
        head = f"Timed out after {self.spent:.0f} s{resumed} waiting for {what}"
        good = f"{self.count(SUCCESS)} succeeded." if total > 1 else ""
        doubt = self._check(len(self.unfound), True) if self.unfound else ""
        return _join(self._bad(), head, good, self._freshness(), doubt, self.go_on())

    def _standing(self, record: Record) -> str:
        """A pending task and what it was last seen doing."""
        listing = "list it in success_statuses, failure_statuses or pending_statuses"
        if record.last_seen is None:
            doing = f"no answer: {record.note}" if record.note else "no answer about it yet"
        elif record.absent_since is not None:
            last = record.vanished()
            seen = f", {word_of(last.status)} at {last.last:.0f} s" if last else ""
            doing = f"not found for {self.age - record.absent_since:.0f} s{seen}"
        else:
            since = self.age - record.history[-1].first
            word = word_of(record.status) or "no status"
            if record.state == UNKNOWN and record.status:
                doing = f"unknown status {word} for {since:.0f} s; {listing}"
            elif record.meaning in ENDED:
                doing = f"{word}, said {record.repeats} of {self.options.confirm} times in a row"
            else:
                doing = f"{word} for {since:.0f} s"
        if record.failures and self.memory.health.trouble is None:  # else it is not this task's own trouble
            doing += f", the last {record.failures} polls failed" if record.failures > 1 else ", the last poll failed"
            doing += f": {record.trouble}"
        return f"{record.id} ({doing})"

    def _freshness(self) -> str:
        """How old the newest knowledge is, and why it is not newer."""
        memory = self.memory
        oldest = min(self.unfinished, key=lambda record: -1.0 if record.last_seen is None else record.last_seen)
        why = ""
        health = memory.health
        if health.trouble is not None:
            why = f"{health.failures} error{'s' if health.failures > 1 else ''} since, the last: {bare(health.trouble)}"
        elif memory.limiter.gate > self.age:
            asked = memory.limiter.asked
            why = "the service asked to wait" + (f" (Retry-After {asked:.0f})" if asked is not None else "")
        elif memory.limiter.in_row:
            # The pause that it asked for was over, or it asked for none, and it turned the next call away as well.
            count = memory.limiter.in_row
            why = f"the service turned {'the last call' if count == 1 else f'the last {count} calls'} away (too many requests)"
        if why and oldest.last_seen is None:
            return f"There is no answer about {oldest.id}: {why}."
        if why:
            return f"The last answer about {oldest.id} is {self.age - (oldest.last_seen or 0):.0f} s old: {why}."
        if health.last_answer is None:
            return ""
        return f"Last look {max(0.0, memory.base + self.options.timeout - health.last_answer):.1f} s before the end."

    def _interrupted(self, by: str) -> str:
        count = len(self.unfinished)
        pending = f"{count} of {self.of_all()} {'are' if count != 1 else 'is'} still pending"
        return f"Interrupted by {by} after {self.spent:.0f} s; {pending}."

    def _unknown_word(self, record: Record) -> str:
        known = "; ".join(
            ", ".join(self.source.statuses.get(state, ()))
            for state in (PENDING, SUCCESS, FAILED)
            if self.source.statuses.get(state)
        )
        word = f'the unknown status "{word_of(record.status)}"' if record.status else "no status"
        return f"{self.source.service} task {self.name(record)} has {word} (twice in a row). Known: {known}."


def _said(record: Record) -> str:
    """What the service said about a failure: ``FAILED_RESET, KPS.3054: Update public key error``."""
    return ", ".join(part for part in (word_of(record.status), bare(str(record.reason or ""))) if part)


def _join(*sentences: str | None) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
