# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter keypair_reset_report: makes plan, report, figures and journal of the role keypair_reset."""

from __future__ import annotations

DOCUMENTATION = r"""
name: keypair_reset_report
short_description: Report on a run of the role keypair_reset
version_added: 0.1.0
description:
  - Creates the report of the role P(multicloud.async_tasks.keypair_reset#role) from its records.
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
      - V(plan) are the lines of the plan, V(off) the lines that name the servers that are off while KPS works.
      - V(table) are the lines of the report, V(json) and V(markdown) the same as text.
      - V(verdicts) maps each host to C(as_wanted), C(changed) and C(msg). V(stats) are the figures for workflows.
      - V(logins) are the logins to verify, for M(multicloud.async_tasks.ssh_login_info), and V(checks) those to check before any server is touched.
      - V(journal) are the entries of the journal, which the next run reads if this one is interrupted.
    type: str
    required: true
    choices:
      - plan
      - off
      - table
      - json
      - markdown
      - verdicts
      - stats
      - checks
      - logins
      - journal
  check_mode:
    description: Whether nothing was changed.
    type: bool
    default: false
  notes:
    description: For V(plan) and V(table), sentences about the run as a whole.
    type: list
    elements: str
    default: []
  awx_job:
    description: For V(stats), the id of the job of AWX.
    type: str
    default: ""
  sliced:
    description: For V(stats), whether the job is a slice of one.
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

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset import reporting
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import Record
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.verification import checks, logins


def report(
    records: t.Sequence[Record],
    kind: str,
    check_mode: bool = False,
    notes: t.Sequence[str] = (),
    awx_job: str = "",
    sliced: bool = False,
) -> t.Any:
    """Return the report of a kind."""
    kinds: dict[str, t.Callable[[], t.Any]] = {
        "plan": lambda: reporting.plan(records, notes=notes),
        "off": lambda: reporting.servers_off(records),
        "table": lambda: reporting.table(records, check_mode=check_mode, notes=notes),
        "json": lambda: reporting.json_text(records, check_mode=check_mode),
        "markdown": lambda: reporting.markdown(records, check_mode=check_mode),
        "verdicts": lambda: reporting.verdicts(records, check_mode=check_mode),
        "stats": lambda: reporting.stats(records, check_mode=check_mode, awx_job=awx_job, sliced=sliced),
        "checks": lambda: checks(records),
        "logins": lambda: logins(records),
        "journal": lambda: reporting.journal(records),
    }
    if kind not in kinds:
        raise AnsibleFilterError(f"keypair_reset_report: there is no kind {kind!r} of report.")
    return kinds[kind]()


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"keypair_reset_report": report}
