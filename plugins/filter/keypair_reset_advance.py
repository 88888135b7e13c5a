# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter keypair_reset_advance: records the results of a stage of the role keypair_reset in its records."""

from __future__ import annotations

DOCUMENTATION = r"""
name: keypair_reset_advance
short_description: Record the results of a stage of the role keypair_reset
version_added: 0.1.0
description:
  - Records the results of a stage in the records of the role P(multicloud.async_tasks.keypair_reset#role), one record for each server.
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
    description: The stage that has ended.
    type: str
    required: true
    choices:
      - begin
      - earlier_batches
      - journal
      - journal_kept
      - checks
      - keypairs
      - servers
      - old_keys
      - stop
      - associate
      - wait
      - unconfirmed
      - start
      - verify
      - finish
  results:
    description: The results of the stage. For V(begin) the desired state of each host, for V(earlier_batches) and V(finish) the finished records.
    type: list
    elements: dict
    required: true
  more:
    description: The results of the second request, for stages with two.
    type: list
    elements: dict
    default: []
  jobs:
    description: The results of the power jobs, for V(stop) and V(start).
    type: list
    elements: dict
    default: []
  check_mode:
    description: Whether the requests were not sent.
    type: bool
    default: false
  settings:
    description: For V(earlier_batches), the settings of the run.
    type: dict
    default: {}
  canaries:
    description: For V(earlier_batches), the hosts of the canary batch.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Record which tasks were started
  ansible.builtin.set_fact:
    keypair_reset_records: >-
      {{ keypair_reset_records | multicloud.async_tasks.keypair_reset_advance('associate', results=associated.results) }}
"""

RETURN = r"""
_value:
  description: The updated records.
  type: list
  elements: dict
"""

import typing as t
from types import MappingProxyType

from ansible.errors import AnsibleFilterError

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset import (
    execution,
    planning,
    verification,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import (
    Record,
    Results,
    begin,
    finish,
)

#: The clock. Durations are differences between two tasks of a run.
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
    """Return copies of the records, updated by the function of the stage."""
    before = [dict(record) for record in records]
    now = CLOCK.monotonic()
    stages: dict[str, t.Callable[[], list[Record]]] = {
        "begin": lambda: begin(results),
        "earlier_batches": lambda: planning.note_earlier_batches(
            before, results, max_failures=settings.get("max_failures"), canaries=canaries
        ),
        "journal": lambda: planning.note_journal(before, results),
        "journal_kept": lambda: planning.note_journal_kept(before, results),
        "checks": lambda: verification.note_checks(before, results, check_mode=check_mode),
        "keypairs": lambda: planning.note_keypairs(before, results),
        "servers": lambda: planning.note_servers(before, results, more, now=now),
        "old_keys": lambda: verification.note_old_keys(before, results),
        "stop": lambda: execution.note_stop(before, results, jobs, more, now=now, check_mode=check_mode),
        "associate": lambda: execution.note_associate(before, results),
        "wait": lambda: execution.note_wait(before, results, now=now),
        "unconfirmed": lambda: execution.note_unconfirmed(before, results),
        "start": lambda: execution.note_start(before, results, jobs, more, now=now, check_mode=check_mode),
        "verify": lambda: verification.note_logins(before, results),
        "finish": lambda: finish(before, results),
    }
    if stage not in stages:
        raise AnsibleFilterError(f"keypair_reset_advance: there is no stage {stage!r}.")
    return stages[stage]()


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"keypair_reset_advance": advance}
