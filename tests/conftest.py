# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the collection importable under plain pytest, wherever the repository is checked out.

Under ansible-test the collection is importable already, and this does nothing.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLLECTION = ("ansible_collections", "multicloud", "async_tasks")


def _importable() -> bool:
    try:
        return importlib.util.find_spec(".".join(COLLECTION)) is not None
    except ImportError:
        return False


def _install(place: Path) -> None:
    """Let ansible-core's own finder import the collection, through a link of the right name below ``place``."""
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    link = place.joinpath(*COLLECTION)
    link.parent.mkdir(parents=True)
    link.symlink_to(ROOT, target_is_directory=True)
    for name in [name for name in sys.modules if name.partition(".")[0] == COLLECTION[0]]:
        del sys.modules[name]
    _AnsibleCollectionFinder(paths=[str(place)])._install()
    sys.path.insert(0, str(place))


if not _importable():
    # Named, for the directory goes when the object does.
    PLACE = tempfile.TemporaryDirectory(prefix="async_tasks-")
    _install(Path(PLACE.name))
