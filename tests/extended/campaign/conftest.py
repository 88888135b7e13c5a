# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the campaign: the benches of the end-to-end tests, which are removed after each test."""

from __future__ import annotations

from e2e.conftest import benches, key_store

__all__ = ["benches", "key_store"]
