# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the end-to-end tests: benches, which are removed after each test."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import typing as t
from pathlib import Path

import pytest

from emulator import Emulator
from sessions import tree

from .running import Bench

ROOT = Path(__file__).resolve().parents[2]


class Benches(t.Protocol):
    """A function that makes a bench; the arguments are those of ``Emulator``."""

    def __call__(self, servers: int = 3, **options: t.Any) -> Bench:
        """Make one."""


@pytest.fixture(scope="session")
def key_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate the two key pairs once: generating them for each test would take long."""
    directory = tmp_path_factory.mktemp("state")
    with Emulator(0, fleet=False, state_dir=directory):
        pass
    return directory / "keys"


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the files that git knows or would add, without those that tools have made."""
    return tree.copy(tmp_path_factory.mktemp("checkout"), ROOT)


@pytest.fixture
def benches(key_store: Path) -> t.Iterator[Benches]:
    """Yield a function that makes benches."""
    with contextlib.ExitStack() as stack:

        def make(servers: int = 3, **options: t.Any) -> Bench:
            # Not tmp_path: ssh's sockets want short paths.
            directory = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="e2e-", ignore_cleanup_errors=True))
            )
            shutil.copytree(key_store, directory / "state" / "keys")
            emulator = stack.enter_context(Emulator(servers, state_dir=directory / "state", **options))
            bench = Bench(emulator, directory)
            stack.callback(bench.close)
            return bench

        yield make
