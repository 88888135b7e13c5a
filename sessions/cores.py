# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The releases of ansible-core and the Pythons that the collection is tested with."""

from __future__ import annotations

import dataclasses
import shutil
import typing as t


@dataclasses.dataclass(frozen=True)
class Core:
    """A release of ansible-core that the collection is tested with.

    Attributes:
        release: The exact release.
        pythons: The Pythons on which its controller and our tests run, best first; the first that is installed is used.
        skip: Sanity tests to leave out, with the reason.
    """

    release: str
    pythons: tuple[str, ...]
    skip: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def python(self) -> str | None:
        """The Python to use, or None when none of them is installed."""
        return next((python for python in self.pythons if shutil.which(f"python{python}")), None)


OLD_STYLE = "has rules of style that later releases dropped"
ONCE = "slow, and the same everywhere: the main release is enough"
CORES = {
    "2.16": Core("2.16.19", ("3.11", "3.12"), {"empty-init": OLD_STYLE, "pep8": OLD_STYLE, "pylint": ONCE}),
    "2.19": Core("2.19.14", ("3.11", "3.12", "3.13"), {"pylint": ONCE}),
    "2.20": Core("2.20.10", ("3.12", "3.13"), {"pylint": ONCE}),
    "2.21": Core("2.21.5", ("3.13", "3.12")),
    "2.22": Core("2.22.0rc1", ("3.13",), {"pylint": "its requirements name an address outside PyPI"}),
}
MAIN = "2.21"
OLDEST, *_, NEWEST = CORES
#: The Pythons on which modules run, oldest first.
MODULE_PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")


def oldest_module_python() -> str:
    """Return the oldest Python for modules that is installed."""
    return next((python for python in MODULE_PYTHONS if shutil.which(f"python{python}")), MODULE_PYTHONS[0])
