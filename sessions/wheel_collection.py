# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take one collection out of the package ansible on PyPI, which has about a hundred and unpacks to half a gigabyte."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def extract(wheel: Path, collection: str, target: Path) -> Path:
    """Unpack a collection below ``target``, and return its folder. ``target`` then belongs in ANSIBLE_COLLECTIONS_PATH.

    Args:
        wheel: A wheel of the package ansible.
        collection: Such as ``awx.awx``.
        target: A directory; a collection of this name in it is replaced.

    Raises:
        ValueError: The wheel does not hold the collection.
    """
    inside = f"ansible_collections/{collection.replace('.', '/')}/"
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(inside)]
        if not names:
            raise ValueError(f"{wheel.name} does not hold the collection {collection}.")
        shutil.rmtree(target / inside, ignore_errors=True)
        archive.extractall(target, names)
    return target / inside


def fetch(requirements: Path, collection: str, target: Path) -> None:
    """Download the package with the pip of this Python and unpack the collection, unless that was done for the same file.

    Args:
        requirements: A file that names the release of the package, with its hash.
        collection: Such as ``awx.awx``.
        target: See ``extract``.
    """
    stamp = target / f"{collection}.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        options = ["-qq", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--dest", directory]
        command = [sys.executable, "-m", "pip", "download", *options, "--requirement", str(requirements)]
        subprocess.run(command, check=True)
        extract(next(Path(directory).glob("*.whl")), collection, target)
    # An interrupted run has no stamp.
    stamp.write_text(wanted, encoding="utf-8")
