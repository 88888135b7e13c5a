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
      - journal
      - keypairs
      - servers
      - stop
      - associate
      - wait
      - start
      - prove
  results:
    description: What the stage has brought; for V(begin) what each host wants.
    type: list
    elements: dict
    required: true
  more:
    description: A second list, for the stages that ask two questions.
    type: list
    elements: dict
    default: []
  check_mode:
    description: Whether nothing was really asked for.
    type: bool
    default: false
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

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils import _keypair_reset as course


def advance(
    records: course.Results,
    stage: str,
    results: course.Results,
    more: course.Results = (),
    check_mode: bool = False,
) -> list[course.Record]:
    """Hand the results of a stage to its function; the records that come in are left as they are."""
    now = [dict(record) for record in records]
    if stage == "begin":
        return course.begin(results)
    if stage == "journal":
        return course.note_journal(now, results)
    if stage == "keypairs":
        return course.note_keypairs(now, results, more)
    if stage == "servers":
        return course.note_servers(now, results, more)
    if stage == "stop":
        return course.note_stop(now, results, more, check_mode=check_mode)
    if stage == "associate":
        return course.note_associate(now, results)
    if stage == "wait":
        return course.note_wait(now, results)
    if stage == "start":
        return course.note_start(now, results, more, check_mode=check_mode)
    if stage == "prove":
        return course.note_logins(now, results)
    raise AnsibleFilterError(f"keypair_reset_advance: there is no stage {stage!r}.")


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """What Ansible asks for."""
        return {"keypair_reset_advance": advance}
