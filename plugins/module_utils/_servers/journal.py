# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Journals of the role ``keypair_reset``: the unfinished servers of interrupted runs.

Each run has its own file in the directory. Several runs may use one directory at the same time: every change is made under a
lock on the directory, and every file is replaced as a whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.files import replace

JournalEntry = dict[str, t.Any]

_PREFIX, _SUFFIX = "keypair_reset-", ".json"
#: Seconds to wait for the lock; a run holds it for milliseconds.
LOCK_TIMEOUT = 30.0
_LOCK_PAUSE = 0.05


class FoundJournals(t.NamedTuple):
    """The journals in a directory.

    Attributes:
        entries: The entries of the journals, oldest journal first.
        problems: A sentence about each journal that cannot be read.
    """

    entries: list[JournalEntry]
    problems: list[str]


class Journals:
    """The journals in a directory.

    Args:
        directory: The directory.
        clock: The clock.
    """

    def __init__(self, directory: str, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def read(self, *, but: str) -> FoundJournals:
        """Return the journals of other runs.

        Args:
            but: The name of this run.

        Raises:
            UsageError: The directory cannot be read.
        """
        found = FoundJournals([], [])
        try:
            files = self._files(but)
        except OSError as error:
            raise UsageError(
                f"The directory of journals {self._directory} cannot be read: {_error_text(error)}."
            ) from None
        for file in files:
            try:
                found.entries.extend(_read(file))
            except FileNotFoundError:
                continue  # the other run has ended meanwhile
            except (OSError, ValueError) as error:
                found.problems.append(
                    f"{file} cannot be read as a journal: {_error_text(error)}. It was left as it is."
                )
        return found

    def keep(
        self, name: str, entries: t.Sequence[JournalEntry], adopted: t.Collection[str], *, check_mode: bool = False
    ) -> bool:
        """Write the journal of this run, or remove it when it is empty; then remove adopted servers from the others.

        Args:
            name: The name of this run.
            entries: The unfinished servers.
            adopted: The ids of the servers that this run has adopted from other runs.
            check_mode: Whether to change nothing.

        Returns:
            Whether a file was changed, or would be in check mode.

        Raises:
            UsageError: The journal of this run could not be written.
        """
        own = self._path(name)
        try:
            with self._lock():
                changed = self._replace(own, entries, check_mode)
                others = self._files(name) if adopted else []
                removed = [self._remove_servers(file, adopted, check_mode) for file in others]
        except OSError as error:
            raise UsageError(f"The journal {own} cannot be written: {_error_text(error)}.") from None
        return changed or any(removed)

    def _remove_servers(self, file: str, adopted: t.Collection[str], check_mode: bool) -> bool:
        try:
            entries = _read(file)
            left = [entry for entry in entries if entry["server_id"] not in adopted]
            return len(left) < len(entries) and self._replace(file, left, check_mode)
        except (OSError, ValueError):
            return False  # it was removed or is not writable; the journal of this run has these servers

    def _replace(self, file: str, entries: t.Sequence[JournalEntry], check_mode: bool) -> bool:
        if _content(file) == list(entries):
            return False
        if check_mode:
            return True
        if not entries:
            os.unlink(file)
            return True
        replace(file, json.dumps(list(entries), indent=4) + "\n")
        return True

    def _files(self, but: str) -> list[str]:
        names = sorted(
            name for name in os.listdir(self._directory) if name.startswith(_PREFIX) and name.endswith(_SUFFIX)
        )
        return [os.path.join(self._directory, name) for name in names if name != f"{_PREFIX}{but}{_SUFFIX}"]

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, f"{_PREFIX}{name}{_SUFFIX}")

    @contextlib.contextmanager
    def _lock(self) -> t.Iterator[None]:
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            deadline = self._clock.monotonic() + LOCK_TIMEOUT
            while not _locked(descriptor):
                if self._clock.monotonic() >= deadline:
                    raise OSError(
                        errno.EAGAIN,
                        f"another run has held the lock on the directory for more than {LOCK_TIMEOUT:.0f} s",
                    )
                self._clock.sleep(_LOCK_PAUSE)
            yield
        finally:
            os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Take the lock; return whether this run has it, or the file system does not support it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some network file systems cannot lock a directory; files are still replaced as a whole.
        return error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EINTR)
    return True


def _read(file: str) -> list[JournalEntry]:
    with open(file, encoding="utf-8") as stream:
        try:
            content = json.load(stream)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
    if not isinstance(content, list) or not all(
        isinstance(entry, dict) and isinstance(entry.get("server_id"), str) and entry["server_id"] for entry in content
    ):
        raise ValueError("it is not a list of servers")
    return content


def _content(file: str) -> list[JournalEntry] | None:
    """Return the entries of a journal: an empty list when it does not exist, None when it cannot be read."""
    try:
        return _read(file)
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        return None


def _error_text(error: Exception) -> str:
    return str(error.strerror if isinstance(error, OSError) and error.strerror else error)
