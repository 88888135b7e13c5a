# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendors' SDKs, imported so that they leave nothing behind in the home directory."""

from __future__ import annotations

import os
import tempfile
import typing as t

import pytest


def load(name: str) -> t.Any:
    """Import an SDK module, or skip the tests of the file that wants it.

    Importing the Huawei SDK writes a file to ``~/.huaweicloud``: so this happens with another home directory.
    """
    home = os.environ.get("HOME")
    with tempfile.TemporaryDirectory() as place:
        os.environ["HOME"] = place
        try:
            return pytest.importorskip(name)
        finally:
            if home is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = home
