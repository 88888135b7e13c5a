#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module keypair_reset_journal: reads and writes what a run of the role keypair_reset leaves for the next one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: keypair_reset_journal
short_description: Read and write the journals of the role keypair_reset
version_added: 0.1.0
description:
  - Internal. The role P(multicloud.async_tasks.keypair_reset#role) writes into a journal which servers it will
    change, which of them were running, and which tasks it started. The next run reads the journal after an
    interruption.
  - Several runs may use one directory at the same time. The module changes files under a lock and replaces them as a
    whole. A file that another run deletes in the meantime is not an error.
  - Without O(entries), the module reads. With O(entries), it writes.
  - The module is part of the role. The contents of a journal may change between releases.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
attributes:
  check_mode:
    support: full
    details: It does not write in check mode.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  directory:
    description:
      - Directory with the journals. It must exist.
    type: path
    required: true
  name:
    description:
      - Name of this run. Its own journal is C(keypair_reset-NAME.json).
    type: str
    required: true
  entries:
    description:
      - Entries for the next run. If the list is empty, the journal of this run is deleted.
    type: list
    elements: dict
  adopted:
    description:
      - Ids of servers that this run has adopted from other runs. They are removed from the journals of these runs.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Read the unfinished servers of interrupted runs
  multicloud.async_tasks.keypair_reset_journal:
    directory: /var/lib/keypair_reset
    name: this-run
  delegate_to: localhost
  register: journals
"""

RETURN = r"""
entries:
  description: Entries of the journals of other runs, oldest journal first.
  returned: when O(entries) is not given
  type: list
  elements: dict
  contains:
    server_id:
      description: Id of the server.
      type: str
    host:
      description: Name of the host in the inventory.
      type: str
    was_running:
      description: Whether the server was running before the run.
      type: bool
    task_id:
      description: Id of the started task.
      type: str
problems:
  description: One sentence for each file that has the name of a journal and is not a valid one.
  returned: when O(entries) is not given
  type: list
  elements: str
"""

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_id
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.journal import Journals


def execute(context: Context) -> Result:
    """Read the journals of other runs, or write the journal of this run."""
    params = context.params
    name = check_id("name", params["name"])
    journals = Journals(params["directory"], context.clock)
    if params["entries"] is None:
        found = journals.read(but=name)
        return {"entries": found.entries, "problems": found.problems}
    return {"changed": journals.keep(name, params["entries"], params["adopted"], check_mode=context.check_mode)}


ARGUMENT_SPEC: ArgumentSpec = {
    "directory": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "entries": {"type": "list", "elements": "dict"},
    "adopted": {"type": "list", "elements": "str", "default": []},
}

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
