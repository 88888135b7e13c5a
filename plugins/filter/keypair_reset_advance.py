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
      - journal_kept
      - checks
      - keypairs
      - servers
      - old_keys
      - stop
      - associate
      - wait
      - doubt
      - start
      - prove
      - finish
  results:
    description: What the stage has brought; for V(begin) what each host wants, for V(history) and V(finish) the records that are finished.
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
  settings:
    description: For V(history), the settings of the run.
    type: dict
    default: {}
  canaries:
    description: For V(history), the hosts of the canary batch.
    type: list
    elements: str
    default: []
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
from types import MappingProxyType

from ansible.errors import AnsibleFilterError

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset import course, planning, proving
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    Record,
    Results,
    begin,
    finish,
)

#: Time; durations of a run are the difference of what it said in two tasks.
CLOCK: Clock = SystemClock()


def advance(
    records: Results,
    stage: str,
    results: Results,
    more: Results = (),
    jobs: Results = (),
    check_mode: bool = False,
    settings: t.Mapping[str, t.Any] = MappingProxyType({}),
    canaries: t.Sequence[str] = (),
) -> list[Record]:
    """Hand the results of a stage to its function; the records that come in are left as they are."""
    before = [dict(record) for record in records]
    now = CLOCK.monotonic()
    stages: dict[str, t.Callable[[], list[Record]]] = {
        "begin": lambda: begin(results),
        "history": lambda: planning.note_history(
            before, results, most_failures=settings.get("max_failures"), canaries=canaries
        ),
        "journal": lambda: planning.note_journal(before, results),
        "journal_kept": lambda: planning.note_journal_kept(before, results),
        "checks": lambda: proving.note_checks(before, results, check_mode=check_mode),
        "keypairs": lambda: planning.note_keypairs(before, results),
        "servers": lambda: planning.note_servers(before, results, more, now=now),
        "old_keys": lambda: proving.note_old_keys(before, results),
        "stop": lambda: course.note_stop(before, results, jobs, more, now=now, check_mode=check_mode),
        "associate": lambda: course.note_associate(before, results),
        "wait": lambda: course.note_wait(before, results, now=now),
        "doubt": lambda: course.note_doubt(before, results),
        "start": lambda: course.note_start(before, results, jobs, more, now=now, check_mode=check_mode),
        "prove": lambda: proving.note_logins(before, results),
        "finish": lambda: finish(before, results),
    }
    if stage not in stages:
        raise AnsibleFilterError(f"keypair_reset_advance: there is no stage {stage!r}.")
    return stages[stage]()


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """What Ansible asks for."""
        return {"keypair_reset_advance": advance}
