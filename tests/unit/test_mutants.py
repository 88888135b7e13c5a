# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bugs that ``./run mutants`` puts into copies of the collection: each patch still fits the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.tests.extended.mutants.bugs import BUGS, Bug

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_the_patch_fits_once_and_changes_the_code(bug: Bug) -> None:
    assert (ROOT / bug.file).read_text(encoding="utf-8").count(bug.old) == 1
    assert bug.old != bug.new


def test_the_names_of_the_bugs_are_unique() -> None:
    names = [bug.name for bug in BUGS]
    assert sorted(set(names)) == sorted(names)
