# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the source: the watched tasks, and the file that keeps them over a restart.

Every change is a line of JSON at the end of the file, on the disk before anything rests on it. A line that a crash cut short
was not relied on yet, and is dropped. When the file is opened, and now and then, it is replaced by a shorter one that says the same.

The order of changes is what the guarantee rests on: the event of a task is in the file before it is delivered, and that it was
delivered is in the file only afterwards. So an event is never lost; after a crash between the two it is delivered again, with
the same id.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import math
import os
import tempfile
import threading
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.events import Event

#: Version of the form of the file.
VERSION = 1
#: Seconds for which a task that was dealt with is remembered after it was last listed or named: no list of tasks that have
#: ended reaches further back than seven days.
MEMORY = 8 * 86400.0
#: Seconds after which it is noted again that a task is still listed, so that this does not take a line each time.
REFRESH = 86400.0
#: Lines by which a file may grow unless a test says otherwise.
SPARE_LINES = 1000


class State:
    """The tasks that are watched, the events to deliver, and the tasks that were dealt with.

    All methods may be called from several threads.

    Args:
        path: The file; None keeps everything in the process only.
        scope: What the ids of tasks belong to. A file of another scope is rejected.
        spare_lines: Lines by which the file may grow, beside twice its length, before it is replaced by a shorter one.

    Raises:
        UsageError: The file cannot be used; the message says why.
    """

    def __init__(self, path: str | None, scope: t.Mapping[str, str], *, spare_lines: int = SPARE_LINES) -> None:
        self._path = path
        self._scope = dict(scope)
        self._spare_lines = spare_lines
        self._changes = threading.Lock()
        self._stream: t.IO[bytes] | None = None
        self._lock: int | None = None
        #: Lines of the file now, and when it was replaced.
        self._lines = self._shortest = 0
        #: The tasks that are watched, in the order in which they were found.
        self.watched: dict[str, None] = {}
        #: The events to deliver, by task.
        self.outbox: dict[str, Event] = {}
        #: When each task that was dealt with was last listed or named, in seconds since the epoch.
        self.done: dict[str, float] = {}
        #: The time of the service up to which its lists were read, in seconds since the epoch; None before the first reading.
        self.read_at: float | None = None
        if path is not None:
            self._open(path)

    def is_known(self, task_id: str) -> bool:
        """Return whether a task is watched or was dealt with."""
        return task_id in self.watched or task_id in self.outbox or task_id in self.done

    def watch(self, ids: t.Sequence[str]) -> None:
        """Note tasks that are watched from now on."""
        if ids:
            self._note({"watch": list(ids)})

    def ended(self, events: t.Mapping[str, Event]) -> None:
        """Note the events of tasks that ended; they are to be delivered."""
        if events:
            self._note(*({"ended": task_id, "event": event} for task_id, event in events.items()))

    def delivered(self, ids: t.Sequence[str], now: float) -> None:
        """Note that the events of tasks were delivered."""
        if ids:
            self._note({"done": list(ids), "at": now})

    def listed(self, ids: t.Collection[str], read_at: float | None, now: float) -> None:
        """Note what a complete reading of the lists brought.

        Args:
            ids: The tasks that have been dealt with, and are still listed.
            read_at: The time of the service when the reading began.
            now: The present.
        """
        stale = [task_id for task_id in ids if now - self.done.get(task_id, -math.inf) >= REFRESH]
        if stale:
            self._note({"done": stale, "at": now})
        if read_at is not None and read_at != self.read_at:
            self._note({"read_at": read_at})

    def forget(self, kept: t.Collection[str], now: float) -> None:
        """Forget tasks that were dealt with and have not been listed for long.

        Args:
            kept: The tasks that are named, which are never forgotten.
            now: The present.
        """
        for task_id in [task_id for task_id, at in self.done.items() if now - at > MEMORY and task_id not in kept]:
            del self.done[task_id]  # the file follows when it is shortened

    def close(self) -> None:
        """Close the file; another process may use it from now on."""
        with self._changes:
            if self._stream is not None:
                self._stream.close()
                self._stream = None
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _note(self, *changes: dict[str, t.Any]) -> None:
        """Write changes, and then make them."""
        with self._changes:
            if self._path is not None:
                try:
                    self._append(changes)
                except (OSError, ValueError) as error:
                    raise UsageError(
                        f"The state file {self._path} cannot be written: {_words(error)}. Without it a restart would lose events."
                    ) from None
            for change in changes:
                self._apply(change)

    def _append(self, changes: t.Sequence[dict[str, t.Any]]) -> None:
        stream = t.cast("t.IO[bytes]", self._stream)
        if stream is None:
            raise ValueError("it was closed")
        stream.write(b"".join(_line(change) for change in changes))
        stream.flush()
        os.fsync(stream.fileno())
        self._lines += len(changes)
        if self._lines > 2 * self._shortest + self._spare_lines:
            for change in changes:
                self._apply(change)
            self._replace(t.cast(str, self._path))

    def _apply(self, change: t.Mapping[str, t.Any]) -> None:
        """Make one change; made twice it is the same."""
        for task_id in change.get("watch", ()):
            if task_id not in self.outbox and task_id not in self.done:
                self.watched[task_id] = None
        if "ended" in change:
            self.watched.pop(change["ended"], None)
            if change["ended"] not in self.done:
                self.outbox[change["ended"]] = change["event"]
        for task_id in change.get("done", ()):
            self.watched.pop(task_id, None)
            self.outbox.pop(task_id, None)
            self.done[task_id] = float(change["at"])
        if "read_at" in change:
            self.read_at = float(change["read_at"])

    def _open(self, path: str) -> None:
        directory = os.path.dirname(path) or "."
        if not os.path.isdir(directory):
            raise UsageError(f"state_file: there is no directory {directory}. Create it, and keep it across restarts.")
        try:
            self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if not _locked(self._lock):
                raise UsageError(
                    f"state_file: another source uses {path}. Give each source a file of its own, and run it once."
                )
            self._read(path)
            self._replace(path)
        except OSError as error:
            self.close()
            raise UsageError(f"state_file: {path} cannot be used: {_words(error)}.") from None
        except UsageError:
            self.close()
            raise

    def _read(self, path: str) -> None:
        try:
            with open(path, "rb") as stream:
                lines = stream.read().split(b"\n")
        except FileNotFoundError:
            return
        # The last one has no end: it was cut short, or is empty.
        for number, line in enumerate(lines[:-1], 1):
            try:
                change = json.loads(line)
                if number == 1:
                    self._check(path, change)
                self._apply(change)
            except (ValueError, KeyError, TypeError, AttributeError):
                if number == len(lines) - 1:
                    return  # a file system may end a line whose middle it has lost
                raise UsageError(
                    f"state_file: line {number} of {path} cannot be read. Move the file away to begin without it; tasks "
                    "whose end was reported before may then be reported again."
                ) from None

    def _check(self, path: str, header: t.Mapping[str, t.Any]) -> None:
        if header["v"] != VERSION:
            raise UsageError(f"state_file: {path} is of version {header['v']!r}; this release reads {VERSION}.")
        if header["scope"] != self._scope:
            theirs, ours = (
                ", ".join(f"{name} {value!r}" for name, value in scope.items())
                for scope in (header["scope"], self._scope)
            )
            raise UsageError(
                f"state_file: {path} belongs to {theirs}, and this source is for {ours}. Give each source a file of its own."
            )

    def _replace(self, path: str) -> None:
        """Write the shortest file that says the same, in place of the present one."""
        changes: list[dict[str, t.Any]] = [{"v": VERSION, "scope": self._scope}]
        ages: dict[float, list[str]] = {}
        for task_id, at in self.done.items():
            ages.setdefault(at, []).append(task_id)
        changes += [{"done": ids, "at": at} for at, ids in ages.items()]
        changes += [{"ended": task_id, "event": event} for task_id, event in self.outbox.items()]
        if self.watched:
            changes.append({"watch": list(self.watched)})
        if self.read_at is not None:
            changes.append({"read_at": self.read_at})
        directory, name = os.path.split(os.path.abspath(path))
        descriptor, draft = tempfile.mkstemp(prefix=f".{name}-", suffix=".draft", dir=directory)
        stream = open(descriptor, "ab")  # noqa: SIM115 - it stays open for the changes to come
        try:
            stream.write(b"".join(_line(change) for change in changes))
            stream.flush()
            os.fsync(descriptor)
            os.replace(draft, path)
            _sync(directory)
        except BaseException:
            stream.close()
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise
        if self._stream is not None:
            self._stream.close()
        self._stream = stream
        self._lines = self._shortest = len(changes)


def _locked(descriptor: int) -> bool:
    """Return whether the lock is ours, or the file system has none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES)
    return True


def _line(change: t.Mapping[str, t.Any]) -> bytes:
    return json.dumps(change, separators=(",", ":")).encode() + b"\n"


def _sync(directory: str) -> None:
    """Have the new name of a file on the disk, where the file system can do that."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _words(error: Exception) -> str:
    return str(error.strerror if isinstance(error, OSError) and error.strerror else error)
