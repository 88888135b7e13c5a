# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Journals of the role ``keypair_reset``: what a run that was cut off has left for the next one.

Each run has a file of its own in the directory. Several runs may use one directory at a time: every change is made under a lock on the
directory, and every file is replaced as a whole, so that a reader sees the old content or the new one.
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

Entry = dict[str, t.Any]

_PREFIX, _SUFFIX = "keypair_reset-", ".json"
#: Seconds to wait for another run that holds the lock; each holds it for milliseconds.
LOCK_TIMEOUT = 30.0
_LOCK_PAUSE = 0.05


class Found(t.NamedTuple):
    """What is in a directory.

    Attributes:
        entries: What the journals say, oldest journal first.
        problems: A sentence about each file that is named like a journal and cannot be read as one.
    """

    entries: list[Entry]
    problems: list[str]


class Journals:
    """The journals in a directory.

    Args:
        directory: Where they are.
        clock: Time.
    """

    def __init__(self, directory: str, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def read(self, *, but: str) -> Found:
        """Return what the journals say, other than the one of this run.

        Args:
            but: Name of this run.

        Raises:
            UsageError: The directory cannot be read.
        """
        found = Found([], [])
        try:
            files = self._files(but)
        except OSError as error:
            raise UsageError(f"The directory of journals {self._directory} cannot be read: {_words(error)}.") from None
        for file in files:
            try:
                found.entries.extend(_read(file))
            except FileNotFoundError:
                continue  # its run has ended meanwhile
            except (OSError, ValueError) as error:
                found.problems.append(f"{file} cannot be read as a journal: {_words(error)}. It was left as it is.")
        return found

    def keep(self, name: str, entries: t.Sequence[Entry], taken: t.Collection[str], *, dry: bool = False) -> bool:
        """Write the journal of a run, or remove it when it is empty, and then strike out servers from the others.

        Args:
            name: Name of the run.
            entries: What the next run must know.
            taken: Ids of servers that this run has taken over from others.
            dry: Change nothing.

        Returns:
            Whether a file was changed, or would be.

        Raises:
            UsageError: The journal of this run could not be written.
        """
        own = self._path(name)
        try:
            with self._lock():
                changed = self._replace(own, entries, dry)
                struck = [self._strike_out(file, taken, dry) for file in (self._files(name) if taken else [])]
        except OSError as error:
            raise UsageError(f"The journal {own} could not be written: {_words(error)}.") from None
        return changed or any(struck)

    def _strike_out(self, file: str, taken: t.Collection[str], dry: bool) -> bool:
        try:
            entries = _read(file)
            left = [entry for entry in entries if entry["server_id"] not in taken]
            return len(left) < len(entries) and self._replace(file, left, dry)
        except (OSError, ValueError):
            return (
                False  # it is gone, or not ours to change; what it says of these servers is in the journal of this run
            )

    def _replace(self, file: str, entries: t.Sequence[Entry], dry: bool) -> bool:
        if _content(file) == list(entries):
            return False
        if dry:
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
                    raise OSError(errno.EAGAIN, "another run has held the lock on the directory for too long")
                self._clock.sleep(_LOCK_PAUSE)
            yield
        finally:
            os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Return whether the lock is ours, or the file system has none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some network file systems cannot lock a directory. Files are still replaced as a whole there.
        return error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EINTR)
    return True


def _read(file: str) -> list[Entry]:
    with open(file, encoding="utf-8") as stream:
        content = json.load(stream)
    if not isinstance(content, list) or not all(
        isinstance(entry, dict) and entry.get("server_id") for entry in content
    ):
        raise ValueError("it is not a list of servers")
    return content


def _content(file: str) -> list[Entry] | None:
    """Return what a journal says: nothing when there is none, None when it cannot be read."""
    try:
        return _read(file)
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        return None


def _words(error: Exception) -> str:
    return str(error.strerror if isinstance(error, OSError) and error.strerror else error)
