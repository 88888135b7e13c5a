# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment of extensions/awx, built with the collection of the checkout, and what is tried in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import typing as t
from pathlib import Path

#: Where ansible-builder puts files of ours into the build context.
CONFIGS = "configs"
#: What a job needs of the image: the collection with its plugins and playbooks, its Python package, and the OpenSSH client.
TRIALS = (
    ("ansible-doc", "--type", "module", "multicloud.async_tasks.wait_for_task"),
    ("ansible-doc", "--type", "role", "multicloud.async_tasks.keypair_reset"),
    ("ansible-playbook", "--syntax-check", "multicloud.async_tasks.keypair_reset"),
    ("ansible-playbook", "--syntax-check", "multicloud.async_tasks.awx_setup"),
    ("python3", "-c", "import requests"),
    ("ssh", "-V"),
    ("ansible-runner", "--version"),
)


def find_engine(path: str | None = None) -> tuple[str, str]:
    """Return where podman is and an empty text, or an empty text and the reason why no image can be built.

    Args:
        path: Directories to search, in place of PATH.
    """
    engine = shutil.which("podman", path=path)
    if engine is None:
        return "", "podman is not on PATH. Install it (apt-get install podman) to build and run the image"
    response = subprocess.run([engine, "info"], capture_output=True, text=True, check=False)
    if response.returncode:
        words = response.stderr.strip()
        return (
            "",
            f"podman is installed and does not work: podman info exits with {response.returncode}.\n{words}".strip(),
        )
    return engine, ""


def write_definition(definition: Path, tarball: Path, directory: Path) -> Path:
    """Write a definition that installs a tarball in place of the repository. Return its path.

    Args:
        definition: The definition for users.
        tarball: The built collection.
        directory: Where to write it.

    Raises:
        ValueError: The definition for users does not have one list of collections.
    """
    # As text, because the tools of the checkout have no YAML.
    collections = f"    collections:\n      - name: {CONFIGS}/{tarball.name}\n        type: file\n"
    text, count = re.subn(r"(?m)^    collections:\n(      .*\n)+", collections, definition.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError(f"{definition} must have one list of collections, below dependencies.galaxy.")
    path = directory / "execution-environment.yml"
    files = f"additional_build_files:\n  - src: {tarball}\n    dest: {CONFIGS}\n"
    path.write_text(f"{text}\n{files}", encoding="utf-8")
    return path


def trials(engine: str, image: str) -> t.Iterator[list[str]]:
    """Yield the commands that try an image; each of them must succeed, without a network."""
    for command in TRIALS:
        yield [engine, "run", "--rm", "--network", "none", image, *command]
