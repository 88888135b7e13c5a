# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The effort of the property tests: always the same examples, so that a failure is a change and never luck.

``HYPOTHESIS_PROFILE=search`` makes new ones, ``HYPOTHESIS_EXAMPLES`` of them for each property; ``quick`` does not
search for the simplest example that fails.
"""

from __future__ import annotations

import os

import hypothesis

hypothesis.settings.register_profile(
    "fixed",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
FIXED = hypothesis.settings.get_profile("fixed")
hypothesis.settings.register_profile(
    "search", FIXED, derandomize=False, max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "1000"))
)
# Whether, not why: a failing example is shown as it was found.
hypothesis.settings.register_profile("quick", FIXED, phases=[hypothesis.Phase.generate])
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
