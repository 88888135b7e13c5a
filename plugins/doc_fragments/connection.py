# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation that the modules for all clouds share."""

from __future__ import annotations


class ModuleDocFragment:
    """Requirements and notes. They stand apart from the options, so that a module for two clouds has them once."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - requests (Python library)
notes:
  - The module reads the proxies from E(HTTPS_PROXY), E(HTTP_PROXY), E(ALL_PROXY) and E(NO_PROXY). It does not read
    C(~/.netrc).
  - The module uses the environment and the files of the host it runs on, and of the user it runs as. Cloud modules
    usually run on the controller (C(delegate_to=localhost)).
"""
