# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTML documentation: antsibull-docs writes the sources, Sphinx builds the pages."""

from __future__ import annotations

import shutil

import nox

from sessions import tree
from sessions.environment import ROOT, own_place

BUILD = ROOT / "build"


def build(session: nox.Session) -> None:
    """Build the pages in build/html. Fail on any warning."""
    rst = BUILD / "rst"
    shutil.rmtree(rst, ignore_errors=True)
    rst.mkdir(parents=True)
    # antsibull-docs refuses a directory that others may write to.
    rst.chmod(0o755)
    session.run(
        *("antsibull-docs", "--config-file", "docs/sphinx/antsibull-docs.cfg"),
        *("collection", "--use-current", "--cleanup", "everything", "--fail-on-error", "--squash-hierarchy"),
        *("--dest-dir", str(rst), "multicloud.async_tasks"),
        env={"ANSIBLE_COLLECTIONS_PATH": str(tree.find(own_place(session), ROOT))},
    )
    session.run("python", "docs/sphinx/landing.py", str(rst))
    strict = ("--fail-on-warning", "--keep-going")
    session.run("sphinx-build", "-c", "docs/sphinx", *strict, *session.posargs, str(rst), str(BUILD / "html"))
