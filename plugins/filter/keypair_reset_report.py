# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter keypair_reset_report: what a person, or the next run, must know of the role keypair_reset."""

from __future__ import annotations

DOCUMENTATION = r"""
name: keypair_reset_report
short_description: Report on a run of the role keypair_reset
version_added: 0.1.0
description:
  - Makes the report of the role P(multicloud.async_tasks.keypair_reset#role) from its records.
author:
  - Multicloud Authors (@multicloud)
positional: _input, kind
options:
  _input:
    description: The records of the role.
    type: list
    elements: dict
    required: true
  kind:
    description:
      - V(plan) is a list of lines that tell what is going to be done. V(table) is a list of lines that tell what became of it. V(verdicts) maps each host to C(ok) and C(msg). V(logins) are the logins that prove it. V(journal) is what
        the next run must know if this one is cut off.
    type: str
    required: true
    choices:
      - plan
      - table
      - verdicts
      - logins
      - journal
  check_mode:
    description: Whether nothing was really done.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: "{{ keypair_reset_records | multicloud.async_tasks.keypair_reset_report('table') }}"
"""

RETURN = r"""
_value:
  description: The report; what it is depends on O(kind).
  type: raw
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils import _keypair_reset as course


def report(records: t.Sequence[course.Record], kind: str, check_mode: bool = False) -> t.Any:
    """The report of a kind."""
    if kind == "plan":
        return course.plan(records)
    if kind == "table":
        return course.table(records, check_mode=check_mode)
    if kind == "verdicts":
        return {record["host"]: course.verdict(record, check_mode=check_mode) for record in records}
    if kind == "logins":
        return course.logins(records)
    if kind == "journal":
        return course.journal(records)
    raise AnsibleFilterError(f"keypair_reset_report: there is no kind {kind!r} of report.")


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """What Ansible asks for."""
        return {"keypair_reset_report": report}
