#!/usr/bin/env python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give ansible-test its pip bootstrap script, made from what is on PyPI. Usage: seed_pip.py PYTHON_WITH_PIP

ansible-test makes virtual environments without pip, and downloads a get-pip script from a server of its own to
install the one release of pip it wants. Where only PyPI can be reached that fails, unless the script lies in
ansible-test's cache already. This puts it there: a few lines that run pip out of its own wheel.

Run it with the Python that has ansible-test: its releases want different ones of pip.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

SCRIPT = '''\
"""Install pip, and what ansible-test wants beside it, from the wheels in this directory."""

import os
import runpy
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, {wheel!r}))
# Two options that get-pip scripts know and pip does not: we bring nothing that was not asked for anyway.
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.argv[1:] = ["install", "--no-index", "--find-links", HERE] + wanted
runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''


def wanted(source: str) -> dict[str, str]:
    """Return the packages that an ansible-test puts into an empty virtual environment: release by package name.

    Args:
        source: The text of its ``python_requirements.py``.

    Raises:
        ValueError: The text does not say.
    """
    block = re.search(r"default_packages = dict\((.*?)\)", source, re.DOTALL)
    packages = dict(re.findall(r"(\w+)='([0-9.]+)'", block.group(1))) if block else {}
    if "pip" not in packages:
        raise ValueError("Cannot find which pip this ansible-test wants: its python_requirements.py has changed.")
    return packages


def seed(cache: Path, packages: dict[str, str], python: str) -> None:
    """Fill ansible-test's cache; ``python`` is an interpreter that has pip."""
    release = packages["pip"]
    script = cache / f"get_pip_{release.replace('.', '_')}.py"
    if script.exists():
        return
    cache.mkdir(parents=True, exist_ok=True)
    pins = [f"{name}=={pin}" for name, pin in packages.items()]
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--dest", str(cache)]
    subprocess.run([python, "-m", "pip", "download", *options, *pins], check=True)
    # Moved into place, for another session may be looking for it.
    draft = script.with_suffix(f".{os.getpid()}")
    draft.write_text(SCRIPT.format(wheel=f"pip-{release}-py3-none-any.whl"), encoding="utf-8")
    draft.replace(script)


def main() -> None:
    """Seed the cache of this user for the ansible-test of this Python."""
    from ansible_test._internal import python_requirements

    source = Path(python_requirements.__file__).read_text(encoding="utf-8")
    seed(Path.home() / ".ansible" / "test" / "cache", wanted(source), sys.argv[1])


if __name__ == "__main__":
    main()
