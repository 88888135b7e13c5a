# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter keypair_reset_advance: takes the records of the role keypair_reset one stage further."""

from __future__ import annotations

DOCUMENTATION = r"""
name: keypair_reset_advance
short_description: Note what a stage of the role keypair_reset has brought
version_added: 0.1.0
description:
  - Takes the answers of the cloud, or of C(ssh), into the records of the role P(multicloud.async_tasks.keypair_reset#role), one record
    for each server.
  - The records belong to the role and may change between releases.
author:
  - Multicloud Authors (@multicloud)
positional: _input, stage
options:
  _input:
    description: The records so far.
    type: list
    elements: dict
    required: true
  stage:
    description: The stage that is over.
    type: str
    required: true
    choices:
      - begin
      - history
      - journal
      - identities
      - keypairs
      - servers
      - stop
      - associate
      - wait
      - doubt
      - start
      - prove
  results:
    description: What the stage has brought; for V(begin) what each host wants, for V(history) the records of the batches before.
    type: list
    elements: dict
    required: true
  more:
    description: A second list, for the stages that ask two questions.
    type: list
    elements: dict
    default: []
  jobs:
    description: What became of the power jobs, for V(stop) and V(start).
    type: list
    elements: dict
    default: []
  check_mode:
    description: Whether nothing was really asked for.
    type: bool
    default: false
  most_failures:
    description: For V(history), how many servers may have failed, or which share of the play.
    type: raw
  canary:
    description: For V(history), how many servers make up the canary batch.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Note which tasks were started
  ansible.builtin.set_fact:
    keypair_reset_records: >-
      {{ keypair_reset_records | multicloud.async_tasks.keypair_reset_advance('associate', results=associated.results) }}
"""

RETURN = r"""
_value:
  description: The records, with what is known now.
  type: list
  elements: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset import course, planning
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    Record,
    Results,
    begin,
)


def advance(
    records: Results,
    stage: str,
    results: Results,
    more: Results = (),
    jobs: Results = (),
    check_mode: bool = False,
    most_failures: str | int | None = None,
    canary: int = 0,
) -> list[Record]:
    """Hand the results of a stage to its function; the records that come in are left as they are."""
    now = [dict(record) for record in records]
    stages: dict[str, t.Callable[[], list[Record]]] = {
        "begin": lambda: begin(results),
        "history": lambda: planning.note_history(now, results, most_failures=most_failures, canary=canary),
        "journal": lambda: planning.note_journal(now, results),
        "identities": lambda: planning.note_identities(now, results, check_mode=check_mode),
        "keypairs": lambda: planning.note_keypairs(now, results),
        "servers": lambda: planning.note_servers(now, results, more),
        "stop": lambda: course.note_stop(now, results, jobs, more, check_mode=check_mode),
        "associate": lambda: course.note_associate(now, results),
        "wait": lambda: course.note_wait(now, results),
        "doubt": lambda: course.note_doubt(now, results),
        "start": lambda: course.note_start(now, results, jobs, more, check_mode=check_mode),
        "prove": lambda: course.note_logins(now, results),
    }
    if stage not in stages:
        raise AnsibleFilterError(f"keypair_reset_advance: there is no stage {stage!r}.")
    return stages[stage]()


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """What Ansible asks for."""
        return {"keypair_reset_advance": advance}
