# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checkout at a path that Ansible accepts: .../ansible_collections/multicloud/async_tasks, as a link or as a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

COLLECTION = Path("ansible_collections", "multicloud", "async_tasks")


def find(place: Path, checkout: Path) -> Path:
    """Return a directory for ANSIBLE_COLLECTIONS_PATH: where the checkout lies, if Ansible accepts that, else ``place``.

    Ansible does not load roles from a path with ``ansible_collections`` in it twice, so no link is made in the first case.
    """
    if checkout.parts[-3:] == COLLECTION.parts:
        return checkout.parents[2]
    link(place, checkout)
    return place


def link(place: Path, checkout: Path) -> Path:
    """Show the checkout below ``place``, and return the link. ``place`` then belongs in ANSIBLE_COLLECTIONS_PATH."""
    target = place / COLLECTION
    if not target.is_symlink() or target.resolve() != checkout.resolve():
        target.unlink(missing_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(checkout, target_is_directory=True)
    return target


def copy(place: Path, checkout: Path) -> Path:
    """Bring a copy of the checkout below ``place`` up to date, for ansible-test, which follows links. Returns the copy.

    Copied is what git knows or would add. The copy is kept from run to run, and with it tests/output, where
    ansible-test keeps its virtual environments. It is a repository by itself: ansible-test asks the nearest one what
    belongs to the collection, and the checkout's may be around it, and ignore it.
    """
    target = place / COLLECTION
    if not (target / ".git").exists():
        target.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "--quiet"], cwd=target, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=checkout,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # A file that was removed, but not yet from the index, is listed.
    wanted = {Path(name) for name in listed.split("\0") if name and os.path.lexists(checkout / name)}
    kept = (target / ".git", target / "tests" / "output")
    for directory, _names, files in os.walk(target, topdown=False):
        here = Path(directory)
        if any(here.is_relative_to(directory) for directory in kept):
            continue
        for name in files:
            if (here / name).relative_to(target) not in wanted:
                (here / name).unlink()
        if here != target and not any(here.iterdir()):
            here.rmdir()
    for path in sorted(wanted):
        source, destination = checkout / path, target / path
        if destination.exists() and _signature(source) == _signature(destination):
            continue
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.unlink(missing_ok=True)
        shutil.copy2(source, destination, follow_symlinks=False)
    return target


def _signature(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return status.st_mode, status.st_size, status.st_mtime_ns
