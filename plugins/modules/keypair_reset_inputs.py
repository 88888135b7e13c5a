#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of keypair_reset_inputs, which is an action plugin: it runs on the controller only."""

from __future__ import annotations

DOCUMENTATION = r"""
module: keypair_reset_inputs
short_description: Read the variables of the role keypair_reset for all hosts
version_added: 0.1.0
description:
  - Internal. Reads and checks the variables of the role P(multicloud.async_tasks.keypair_reset#role) for all hosts of
    a batch in one task.
  - It sends no requests and changes nothing.
  - It is part of the role. Its return values may change between releases.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
attributes:
  check_mode:
    support: full
    details: It never changes anything.
  diff_mode:
    support: N/A
    details: It changes nothing, so there is no difference to show.
  idempotent:
    support: full
    details: It changes nothing.
options:
  passwords:
    description:
      - Return only the passwords of root. Use it with C(no_log=true).
    type: bool
    default: false
notes:
  - This action plugin always runs on the controller.
"""

EXAMPLES = r"""
- name: Read the variables of all hosts
  multicloud.async_tasks.keypair_reset_inputs:
  register: inputs
  run_once: true
"""

RETURN = r"""
desired_states:
  description: The desired state of each host.
  returned: when O(passwords=false)
  type: list
  elements: dict
  contains:
    host:
      description: Name of the host.
      type: str
    problems:
      description: Problems with the variables of the host, one sentence each.
      type: list
      elements: str
settings:
  description: The settings of the run, which all hosts share.
  returned: when O(passwords=false)
  type: dict
check_mode:
  description: Whether the role runs in check mode.
  returned: when O(passwords=false)
  type: bool
canaries:
  description: The hosts of the canary batch.
  returned: when O(passwords=false)
  type: list
  elements: str
notes:
  description: Remarks on the whole run, for the plan.
  returned: when O(passwords=false)
  type: list
  elements: str
awx_job:
  description: Id of the job in AWX. Empty outside AWX.
  returned: when O(passwords=false)
  type: str
passwords:
  description: The password of root, by host.
  returned: when O(passwords=true)
  type: dict
"""

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
)


def execute(_context: Context) -> Result:
    """Fail: a module cannot read the variables of hosts."""
    raise UsageError("keypair_reset_inputs runs as an action plugin on the controller only, not as a module.")


ARGUMENT_SPEC: ArgumentSpec = {"passwords": {"type": "bool", "default": False, "no_log": False}}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    providers=[],
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
